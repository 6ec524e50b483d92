"""Letters as names are compared by: compatible forms made one, lower case, no accents, traditional forms simplified."""

from __future__ import annotations

import re
from functools import lru_cache

from engine.storage import words

CJK = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_TRADITIONAL = (
    "萬與醜專業叢東絲丟兩嚴喪個豐臨為麗舉麼義烏樂喬習鄉書買亂爭於虧雲亞產畝親褻億僅從侖倉儀們價眾優夥會傘偉傳傷倫偽"
    "體餘傭俠侶僥偵側僑儈儲兒兌黨蘭關興養獸內岡冊寫軍農馮衝決況凍淨涼減湊凜幾鳳憑凱擊鑿劃劉則剛創刪別刻劍劑勸辦務動勵"
    "勁勞勢勳勻區醫華協單賣盧衛卻廠廳歷厲壓厭廁廈縣參雙發變敘疊葉號嘆嘰後嚇呂嗎噸聽啟吳嘔員呈嗆嗚詠嚨響啞喲嗎噴嚐國圍園"
    "圓圖團聖場塊堅壇壩墳墜壟墾墊塵壞壯聲殼壺處備複夠頭誇夾奪奮奧婦媽嫵姍姦婁嬌孫學寧寶實寵審憲宮寬賓對尋導壽將爾塵嘗堯"
    "屍盡層屆屬嶼歲豈崗島嶺嶽峽峰崢嶄巔鞏幣帥師帳簾帶幀幫廣莊慶廬庫應廟廢開異棄張彌彎彈強歸當錄彥徹徑復懷態慫憐總戀懇惡"
    "惱慟懸憫驚懼慘懲慣憤憶懶戲戰戶撲執擴掃揚擾撫拋摶掄搶護報擔擬攏揀擁攔擰撥擇掛摯撓擋撐擠揮撈損撿換據擲摻撣攜攝擺搖攤"
    "敵斂數齋斕鬥斬斷無舊時曠曇晝顯晉曬曉曄暈暉暫術樸機殺雜權條來楊極構樞棗櫃標棧棟欄樹樣橋樁檔檢樓櫻橫歡歐歟殘殤毀氈氣"
    "氫漢湯溝沒滬滅淪濘淚瀉潑澤涇潔灑漿澆測濟瀏渾濃濤澇漲潤淵漬漸漁溫灣濕滿濾濱灘潛瀾災燈靈爐點煉爍爛燒煙煩熱煥愛爺牆牽"
    "犧狀猶獨獅獄獵獻環現瑪瑋瓊電畫暢疇療瘋癢瘓癡皺盞鹽監蓋盜盤睜眾睏矚礦碼磚硯確礙禮禍禪離禿種積稱穩窮竊竅窯窩競筆筍築"
    "篩簡簽籃籌類糧粵糾紀約紅紋納純紙級紛紗紐紡線組細織終結繞給絢絡統絕絲經綁絨綜綠維綱網緊緒練編緣縮總績繩繪繼續纖纜罷羅"
    "罰職聯聰肅腸腎膚腫脹脅膽勝腦膠臟臘興艦艙藝節蘆蘇蘋茲薦蕩榮葷藥蓮獲瑩鶯蘿營蕭薩蔔薔蘊虛蟲蝦螞補襯襪襲裝褲見觀規視覺覽"
    "觸計訂認討讓訓議記講許論設訪證評識訴詞譯試詩誠話該詳語誤說請諸諾讀課誰調談謀謊謝謠謹譜譚謙豬貝貞負財責賢敗貨質販貪貧購"
    "貫貴貸貿費賀資賦賭賞賜賽贊贈贏趙趕趨躍踐車軌軒軟轉輪軟轟輕載較輔輛輝輩輸轄辭邊遼達遷過邁運還這進遠違連遲適選遞邏遺鄧鄭"
    "鄰醫醬釀釋裏針釣鈕鈣鈴鉛鋁鋪銀銅銘鋒銷鎖鋼錢錦錫鍋鍵鎮鏡鐘鐵鑄鑫鑰長門閃閉問閒間閩聞閣閱闊隊陽陰陣階際陸陳險隨隱難雛電"
    "霧靜頂項順須預領頗頸頻題額顏願風飛飯飲飾餃餅館馬馳驅駕騎驗騰驕魚魯鮮鳥雞鳴鴻鴨鵬鶴麥黃齊齡龍龐龜臺灣檯颱鬆麵製準範徵穀"
    "訊鉅銳駿勛鑽鍾閻龔蔣顧賴畢鄒駱韓賈閆鏈濱蘊彙煒瑤穎韻顥鈺鋭曖綺緯縱賬飆魏纓樺樑潯濰渦"
)
_SIMPLIFIED = (
    "万与丑专业丛东丝丢两严丧个丰临为丽举么义乌乐乔习乡书买乱争于亏云亚产亩亲亵亿仅从仑仓仪们价众优伙会伞伟传伤伦伪"
    "体余佣侠侣侥侦侧侨侩储儿兑党兰关兴养兽内冈册写军农冯冲决况冻净凉减凑凛几凤凭凯击凿划刘则刚创删别刻剑剂劝办务动励"
    "劲劳势勋匀区医华协单卖卢卫却厂厅历厉压厌厕厦县参双发变叙叠叶号叹叽后吓吕吗吨听启吴呕员呈呛呜咏咙响哑哟吗喷尝国围园"
    "圆图团圣场块坚坛坝坟坠垄垦垫尘坏壮声壳壶处备复够头夸夹夺奋奥妇妈妩姗奸娄娇孙学宁宝实宠审宪宫宽宾对寻导寿将尔尘尝尧"
    "尸尽层届属屿岁岂岗岛岭岳峡峰峥崭巅巩币帅师帐帘带帧帮广庄庆庐库应庙废开异弃张弥弯弹强归当录彦彻径复怀态怂怜总恋恳恶"
    "恼恸悬悯惊惧惨惩惯愤忆懒戏战户扑执扩扫扬扰抚抛抟抡抢护报担拟拢拣拥拦拧拨择挂挚挠挡撑挤挥捞损捡换据掷掺掸携摄摆摇摊"
    "敌敛数斋斓斗斩断无旧时旷昙昼显晋晒晓晔晕晖暂术朴机杀杂权条来杨极构枢枣柜标栈栋栏树样桥桩档检楼樱横欢欧欤残殇毁毡气"
    "氢汉汤沟没沪灭沦泞泪泻泼泽泾洁洒浆浇测济浏浑浓涛涝涨润渊渍渐渔温湾湿满滤滨滩潜澜灾灯灵炉点炼烁烂烧烟烦热焕爱爷墙牵"
    "牺状犹独狮狱猎献环现玛玮琼电画畅畴疗疯痒痪痴皱盏盐监盖盗盘睁众困瞩矿码砖砚确碍礼祸禅离秃种积称稳穷窃窍窑窝竞笔笋筑"
    "筛简签篮筹类粮粤纠纪约红纹纳纯纸级纷纱纽纺线组细织终结绕给绚络统绝丝经绑绒综绿维纲网紧绪练编缘缩总绩绳绘继续纤缆罢罗"
    "罚职联聪肃肠肾肤肿胀胁胆胜脑胶脏腊兴舰舱艺节芦苏苹兹荐荡荣荤药莲获莹莺萝营萧萨卜蔷蕴虚虫虾蚂补衬袜袭装裤见观规视觉览"
    "触计订认讨让训议记讲许论设访证评识诉词译试诗诚话该详语误说请诸诺读课谁调谈谋谎谢谣谨谱谭谦猪贝贞负财责贤败货质贩贪贫购"
    "贯贵贷贸费贺资赋赌赏赐赛赞赠赢赵赶趋跃践车轨轩软转轮软轰轻载较辅辆辉辈输辖辞边辽达迁过迈运还这进远违连迟适选递逻遗邓郑"
    "邻医酱酿释里针钓钮钙铃铅铝铺银铜铭锋销锁钢钱锦锡锅键镇镜钟铁铸鑫钥长门闪闭问闲间闽闻阁阅阔队阳阴阵阶际陆陈险随隐难雏电"
    "雾静顶项顺须预领颇颈频题额颜愿风飞饭饮饰饺饼馆马驰驱驾骑验腾骄鱼鲁鲜鸟鸡鸣鸿鸭鹏鹤麦黄齐龄龙庞龟台湾台台松面制准范征谷"
    "讯钜锐骏勋钻钟阎龚蒋顾赖毕邹骆韩贾闫链滨蕴汇炜瑶颖韵颢钰锐暧绮纬纵账飙魏缨桦梁浔潍涡"
)
_TABLE = str.maketrans(dict(zip(_TRADITIONAL, _SIMPLIFIED, strict=True)))
_WORDS = re.compile(f"([{CJK}]+)|([^\\W_{CJK}]+)")
_DOTTED = re.compile(r"\b(?:[^\W\d_]\.){2,}")
_VOWELS = re.compile("[aeiouy]")
_DOUBLED = re.compile(r"(.)\1+")


def simplified(text: str) -> str:
    """Return text with the common traditional Chinese characters in their simplified form."""
    return text if text.isascii() else text.translate(_TABLE)


def folded(text: str) -> str:
    """Return text as it is compared, whatever its width, case, accents, and form of Chinese."""
    return simplified(words.plain(text))


def parts(text: str) -> list[str]:
    """Return the runs of Chinese and the other words of folded text, in their order; "s.a." counts as one word."""
    joined = _DOTTED.sub(lambda found: found[0].replace(".", "") + " ", text.replace("'", "").replace("’", ""))
    return [cjk or word for cjk, word in _WORDS.findall(joined)]


def is_chinese(text: str) -> bool:
    """Say whether text is in Chinese characters, the first of it at least."""
    return bool(text) and re.match(f"[{CJK}]", text) is not None


@lru_cache(maxsize=20_000)
def spoken(text: str) -> str:
    """Return text with each Chinese character as its syllable, without tones: "张wei" is "zhangwei"."""
    if text.isascii():
        return text
    return "".join(syllable(letter) for letter in text)


@lru_cache(maxsize=10_000)
def syllable(letter: str) -> str:
    """Return how a character is said, itself when it is not Chinese."""
    found = words.pinyin(letter * 2) if is_chinese(letter) else ()
    # Doubled, for the whole reading stands behind the first letters: "zz" and "zhangzhang".
    return found[-1][: len(found[-1]) // 2] if len(found) > 1 else letter


def skeleton(text: str) -> str:
    """Return what is heard of a Latin word: its first letter and its consonants, doubled ones once."""
    return _DOUBLED.sub(r"\1", text[:1] + _VOWELS.sub("", text[1:]))


def shortened(text: str) -> set[str]:
    """Return a text with each of its letters left out in turn.

    Two texts one letter apart share one of these, or one is among those of the other (Bocek, Hunt and Stiller, Fast
    Similarity Search in Large Dictionaries, 2007).
    """
    return {text[:at] + text[at + 1 :] for at in range(len(text))}
