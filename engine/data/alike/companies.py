"""Names of companies: what is left without region, legal form and brackets, and how alike two of them are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from engine.data.alike.letters import CJK, folded, is_chinese, parts, shortened, skeleton, spoken

_FORMS = re.compile(
    "股份有限责任公司|股份有限公司|有限责任公司|责任有限公司|有限公司|集团公司|分公司|总公司|子公司|公司|股份|有限合伙|普通合伙|合伙企业"
    "|特殊普通合伙|个体工商户|办事处|代表处|集团"
)
_PROVINCES = (
    "北京|天津|上海|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|云南|陕西|甘肃|青海"
    "|台湾|内蒙古|广西|西藏|宁夏|新疆|香港|澳门"
)
_CITIES = (
    "石家庄|唐山|秦皇岛|邯郸|邢台|保定|张家口|承德|沧州|廊坊|衡水|太原|大同|阳泉|长治|晋城|朔州|晋中|运城|忻州|临汾|吕梁|呼和浩特|包头|乌海|赤峰"
    "|通辽|鄂尔多斯|呼伦贝尔|沈阳|大连|鞍山|抚顺|本溪|丹东|锦州|营口|阜新|辽阳|盘锦|铁岭|朝阳|葫芦岛|长春|四平|辽源|通化|白山|松原|白城|哈尔滨"
    "|齐齐哈尔|鸡西|鹤岗|双鸭山|大庆|伊春|佳木斯|七台河|牡丹江|黑河|绥化|南京|无锡|徐州|常州|苏州|南通|连云港|淮安|盐城|扬州|镇江|泰州|宿迁"
    "|杭州|宁波|温州|嘉兴|湖州|绍兴|金华|衢州|舟山|台州|丽水|义乌|合肥|芜湖|蚌埠|淮南|马鞍山|淮北|铜陵|安庆|黄山|滁州|阜阳|宿州|六安|亳州|池州|宣城"
    "|福州|厦门|莆田|三明|泉州|漳州|南平|龙岩|宁德|南昌|景德镇|萍乡|九江|新余|鹰潭|赣州|吉安|宜春|抚州|上饶|济南|青岛|淄博|枣庄|东营|烟台|潍坊"
    "|济宁|泰安|威海|日照|临沂|德州|聊城|滨州|菏泽|郑州|开封|洛阳|平顶山|安阳|鹤壁|新乡|焦作|濮阳|许昌|漯河|三门峡|南阳|商丘|信阳|周口|驻马店"
    "|武汉|黄石|十堰|宜昌|襄阳|鄂州|荆门|孝感|荆州|黄冈|咸宁|随州|恩施|长沙|株洲|湘潭|衡阳|邵阳|岳阳|常德|张家界|益阳|郴州|永州|怀化|娄底"
    "|广州|韶关|深圳|珠海|汕头|佛山|江门|湛江|茂名|肇庆|惠州|梅州|汕尾|河源|阳江|清远|东莞|中山|潮州|揭阳|云浮|南宁|柳州|桂林|梧州|北海|防城港"
    "|钦州|贵港|玉林|百色|贺州|河池|来宾|崇左|海口|三亚|成都|自贡|攀枝花|泸州|德阳|绵阳|广元|遂宁|内江|乐山|南充|眉山|宜宾|广安|达州|雅安|巴中|资阳"
    "|贵阳|六盘水|遵义|安顺|毕节|铜仁|昆明|曲靖|玉溪|保山|昭通|丽江|普洱|临沧|拉萨|西安|铜川|宝鸡|咸阳|渭南|延安|汉中|榆林|安康|商洛|兰州|嘉峪关"
    "|金昌|白银|天水|武威|张掖|平凉|酒泉|庆阳|定西|陇南|西宁|海东|银川|石嘴山|吴忠|固原|中卫|乌鲁木齐|克拉玛依|昆山|江阴|张家港|常熟|太仓|晋江|石狮"
)
_PLACE = re.compile(
    f"(?:(?:{_PROVINCES})(?:壮族自治区|回族自治区|维吾尔自治区|自治区|特别行政区|省|市)?)?"
    f"(?:(?:{_CITIES}|{_PROVINCES})(?:市|地区)?)?(?:(?<=市)[{CJK}]{{2,3}}?(?:区|县|新区))?"
)
_BRACKETS = re.compile(r"[(\[【〔<《「](.*?)[)\]】〕>》」]")  # noqa: RUF001 - as they are written
_TRADES = re.compile(
    "(?:信息|网络|电子|计算机|软件|科技|技术|智能|数码|通信|通讯|系统|工程|建筑|建设|装饰|机械|设备|材料|制造|实业|工业|产业|商贸|贸易|进出口|物流|运输"
    "|投资|控股|资产|管理|咨询|顾问|服务|文化|传媒|传播|广告|教育|培训|医疗|医药|生物|食品|餐饮|服饰|服装|纺织|化工|能源|环保|电器|电气|汽车|房地产"
    "|置业|物业|酒店|旅游|国际|发展|开发|企业|商务|金融|供应链|互联网)+$"
)
_LATIN_FORMS_TEXT = """
co ltd limited inc incorporated corp corporation company llc llp lp plc gmbh ag kg kgaa ohg ug sa sas sarl
srl spa bv nv oy oyj ab as asa aps pte pty sdn bhd kk gk eg ev mbh se sl slu lda ltda sro zoo kft group
holding holdings the and of
"""
_LATIN_FORMS = frozenset(_LATIN_FORMS_TEXT.split())
_LATIN_TRADES_TEXT = """
technology technologies tech international intl trading trade industries industrial industry services
service solutions solution systems system software consulting consultants enterprises enterprise global
network networks electronics electronic engineering manufacturing logistics media digital information import
export partners associates
"""
_LATIN_TRADES = frozenset(_LATIN_TRADES_TEXT.split())
_LATIN_PLACES_TEXT = """
china prc usa us uk germany deutschland france japan singapore hongkong taiwan korea europe beijing shanghai
shenzhen guangzhou hangzhou suzhou nanjing wuhan chengdu tianjin chongqing xiamen qingdao ningbo
"""
_LATIN_PLACES = frozenset(_LATIN_PLACES_TEXT.split())
_NUMERALS = re.compile(r"[0-9]+|第[一二三四五六七八九十]+")

LEAST_ALIKE = 0.88
_SOUNDS, _ORDERED, _SHORT, _HEARD = 0.97, 0.97, 0.92, 0.9
_OTHER_PLACE, _OTHER_NUMBER = 0.85, 0.8
_LEAST_BRAND, _LEAST_LATIN_BRAND = 2, 4
_BRAND_WEIGHT = 0.65
_VARIED = range(4, 13)
"""Lengths of names of which those with a letter left out are kept as keys."""


@dataclass(frozen=True, slots=True)
class Company:
    """A company's name, taken apart."""

    core: str
    """Without region, legal form and brackets; words without blanks between."""
    brand: str
    """The core without what the company does."""
    words: tuple[str, ...]
    """The words of a Latin core."""
    place: str
    numbers: tuple[str, ...]

    @property
    def chinese(self) -> bool:
        """Say whether it is a Chinese name."""
        return is_chinese(self.core)


@lru_cache(maxsize=20_000)
def company(name: str) -> Company | None:
    """Return a name taken apart; None when nothing is left of it."""
    text = folded(name)
    inside = " ".join(_BRACKETS.findall(text))
    bare = _BRACKETS.sub(" ", text).strip() or text
    found = parts(bare)
    if not found:
        return None
    if any(is_chinese(part) for part in found):
        return _chinese("".join(found), "".join(parts(inside)))
    return _latin(found, parts(inside))


def _chinese(whole: str, inside: str) -> Company:
    place = _PLACE.match(whole)
    region = place[0] if place is not None else ""
    rest = whole[len(region) :]
    if len(_FORMS.sub("", rest)) < _LEAST_BRAND:
        region, rest = "", whole
    core = _FORMS.sub("", rest) or rest or whole
    bracketed = _PLACE.fullmatch(inside)
    if inside and bracketed is None and inside != "中国" and _FORMS.sub("", inside):
        core += _FORMS.sub("", inside)
    elif bracketed is not None and not region:
        region = inside
    brand = _TRADES.sub("", core)
    if len(brand) < _LEAST_BRAND:
        brand = core
    return Company(core, brand, (core,), _short_place(region), tuple(_NUMERALS.findall(core)))


def _short_place(region: str) -> str:
    """Return the narrowest region that is named, without what kind it is."""
    found = re.findall(f"{_PROVINCES}|{_CITIES}", region)
    return found[-1] if found else ""


def _latin(found: list[str], inside: list[str]) -> Company:
    kept = [word for word in found if word not in _LATIN_FORMS] or found
    places = [word for word in (*kept, *inside) if word in _LATIN_PLACES]
    bare = [word for word in kept if word not in _LATIN_PLACES] or kept
    brand = "".join(word for word in bare if word not in _LATIN_TRADES) or "".join(bare)
    core = "".join(bare)
    return Company(core, brand, tuple(bare), places[0] if places else "", tuple(_NUMERALS.findall(core)))


def similarity(one: Company, other: Company) -> float:
    """Return how alike two names are, from 0 to 1; 1 for names that differ in region, form or writing only."""
    if one == other:
        return 1.0
    likeness = max(_core_alike(one, other), _brand_only(one, other))
    if one.place and other.place and one.place != other.place:
        likeness *= _OTHER_PLACE
    if one.numbers != other.numbers:
        likeness *= _OTHER_NUMBER
    return likeness


def _core_alike(one: Company, other: Company) -> float:
    if one.core == other.core:
        return 1.0
    if sorted(one.words) == sorted(other.words):
        return _ORDERED
    if spoken(one.core) == spoken(other.core):
        return _SOUNDS
    whole = _ratio(one.core, other.core)
    if one.brand == one.core and other.brand == other.core:
        return whole
    # What a company does says little: the name that it goes by decides.
    brand = _HEARD if spoken(one.brand) == spoken(other.brand) else 0.0
    brand = 1.0 if one.brand == other.brand else max(brand, _ratio(one.brand, other.brand))
    return _BRAND_WEIGHT * brand + (1 - _BRAND_WEIGHT) * whole


def _brand_only(one: Company, other: Company) -> float:
    """Return how alike they are when one of them is no more than what the other goes by: 腾讯, 腾讯计算机系统."""
    least = _LEAST_BRAND if one.chinese else _LEAST_LATIN_BRAND
    if spoken(one.brand) != spoken(other.brand) or len(one.brand) < least:
        return 0.0
    if one.brand in (one.core, other.core) or other.brand in (one.core, other.core):
        return _SHORT
    return 0.0


def _ratio(one: str, other: str) -> float:
    from rapidfuzz import fuzz

    return fuzz.ratio(one, other) / 100


def keys(name: Company) -> set[str]:
    """Return what two names that are alike have at least one of in common."""
    found = {spoken(name.core), spoken(name.brand), spoken("".join(sorted(name.words)))}
    if name.chinese:
        if len(name.core) in _VARIED:
            found |= {spoken(each) for each in shortened(name.core)}
    else:
        found.add("~" + skeleton(name.core))
        found.add("~" + skeleton(name.brand))
        if len(name.brand) in _VARIED:
            found |= shortened(name.brand)
    return found
