"""Words that made-up companies and people are named with, in English and Chinese."""

from __future__ import annotations

FIRST_NAMES = (
    "Alice Amir Anna Ben Carla Chen Clara Daniel Diego Dora Elena Emil Erik Fatima Felix Grace Hana Hugo Ines Ivan Jack "
    "Jana Jonas Julia Karim Kate Lars Laura Leo Lena Lucas Maria Marta Max Mina Nadia Nora Oliver Omar Paul Petra Priya "
    "Rosa Sam Sara Sofia Tara Theo Tom Vera Victor Yara Yusuf Zoe"
).split()  # fmt: skip

LAST_NAMES = (
    "Adler Baker Becker Brooks Carter Costa Dalton Diaz Evans Fischer Fox Garcia Grant Hansen Hart Hill Ito Jensen Kaur "
    "Keller Khan Kim Larsen Lopez Marsh Meyer Mills Moreau Moss Novak Olsen Page Park Patel Price Reed Rivera Roth Santos "
    "Schmidt Shaw Silva Singh Stone Tanaka Turner Vogel Walsh Weber Winter Wood Young"
).split()  # fmt: skip

SURNAMES = tuple(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢"
) + (
    "欧阳",
    "上官",
    "司马",
)

GIVEN_NAMES = (
    "伟 芳 娜 敏 静 丽 强 磊 军 洋 勇 艳 杰 娟 涛 明 超 秀英 霞 平 刚 桂英 建华 文 玲 志强 海燕 晓东 雪梅 子轩 雨桐 浩然 欣怡 梓涵 "
    "思远 若曦 俊杰 佳琪 宇航 诗涵 天宇 梦洁 嘉豪 雅婷 国栋 春梅 立新 建国 丹丹 晨曦 一鸣 可欣 振华 慧敏 博文"
).split()  # fmt: skip

LATIN_BRANDS = (
    "Alder Amber Anchor Arbor Aspen Basalt Beacon Birch Bluebell Bramble Breeze Bridgeway Cedar Cobalt Copperfield Coral "
    "Cormorant Crescent Dune Eastgate Ember Fairwater Fern Finch Foxglove Garnet Glacier Granite Greyfriars Harbour Hazel "
    "Heron Highland Ironwood Ivy Juniper Kestrel Lantern Larch Limestone Lindenhof Lowland Maple Marlin Meridian Millbrook "
    "Moorland Nightingale Northgate Oakfield Orchard Osprey Otter Pebble Pinecrest Plover Quarry Redstone Ridgeway Riverside "
    "Rowan Saffron Sandpiper Sequoia Silverlake Slate Sorrel Southbank Sparrow Stonebridge Sycamore Tallow Teal Thistle "
    "Tidewater Umber Valley Walnut Westwind Willow Wren"
).split()  # fmt: skip

LATIN_TRADES = (
    ("it", "Software", "Business software"),
    ("it", "Data", "Data services"),
    ("finance", "Capital", "Asset management"),
    ("realty", "Estates", "Property"),
    ("services", "Consulting", "Consulting"),
    ("logistics", "Freight", "Freight"),
    ("manufacturing", "Machines", "Machine tools"),
    ("manufacturing", "Foods", "Food processing"),
    ("media", "Press", "Publishing"),
    ("retail", "Stores", "Retail chain"),
    ("education", "Learning", "Training"),
    ("health", "Clinics", "Health care"),
)

LATIN_FORMS = ("Ltd", "Inc.", "GmbH", "& Sons", "Group", "S.A.", "Co.", "Partners")
LATIN_PLACES = (
    ("United Kingdom", "London"),
    ("Germany", "Hamburg"),
    ("United States", "Boston"),
    ("Singapore", "Singapore"),
    ("Netherlands", "Rotterdam"),
    ("Canada", "Toronto"),
    ("Australia", "Perth"),
)

BRANDS = (
    "云启 星河 恒信 瑞丰 金桥 博远 天成 华鼎 新锐 东方 蓝海 鼎盛 宏图 智汇 中科 明德 海纳 联创 卓越 远景 安泰 盛世 恒通 德润 嘉和 "
    "启明 万象 致远 同创 长青 百川 正源 国瑞 飞腾 众合 优品 聚力 晨光 凯旋 泰和 锦程 鸿运 宝利 思源 立信 科锐 汇通 顺达 佳美 凌云"
).split()  # fmt: skip

TRADES = (
    ("it", "软件", "企业软件"),
    ("it", "信息技术", "数据服务"),
    ("finance", "投资", "资产管理"),
    ("realty", "置业", "房地产开发"),
    ("services", "咨询", "管理咨询"),
    ("logistics", "物流", "货运"),
    ("manufacturing", "机械", "机床制造"),
    ("manufacturing", "食品", "食品加工"),
    ("media", "文化传媒", "出版发行"),
    ("retail", "商贸", "连锁零售"),
    ("education", "教育科技", "职业培训"),
    ("health", "医疗器械", "医疗服务"),
)

PLACES = (
    ("北京", "北京市"),
    ("上海", "上海市"),
    ("广州", "广东省"),
    ("深圳", "广东省"),
    ("杭州", "浙江省"),
    ("南京", "江苏省"),
    ("苏州", "江苏省"),
    ("成都", "四川省"),
    ("武汉", "湖北省"),
    ("西安", "陕西省"),
    ("重庆", "重庆市"),
    ("青岛", "山东省"),
)

FORMS = ("有限公司", "股份有限公司", "集团有限公司", "有限责任公司")

POSITIONS = (
    ("Managing director", "总经理", "decision"),
    ("Head of purchasing", "采购总监", "procurement"),
    ("Buyer", "采购专员", "procurement"),
    ("Head of IT", "信息部经理", "technical"),
    ("Engineer", "工程师", "technical"),
    ("Head of sales", "销售总监", "influencer"),
    ("Finance director", "财务总监", "influencer"),
    ("Assistant", "总经理助理", "coach"),
    ("Team lead", "项目主管", "user"),
)

NEEDS = (
    ("Replace the old system before the end of the year", "年底前替换旧系统"),
    ("Connect three branches", "打通三家分公司的数据"),
    ("Wants a trial for ten people", "希望先给十人试用"),
    ("Needs reports for the board", "需要给管理层的报表"),
    ("Asks for a price for 200 seats", "咨询 200 个账号的报价"),
    ("Wants to move to the cloud", "计划上云"),
    ("Is looking for a new supplier", "正在更换供应商"),
)

PRODUCTS = (
    ("Platform licence", "平台许可"),
    ("Support contract", "服务合同"),
    ("Pilot", "试点项目"),
    ("Roll-out", "全面上线"),
    ("Training", "培训"),
    ("Extension", "扩容"),
    ("Data migration", "数据迁移"),
)

CALLS = (
    ("call", "Introduction call", "首次电话沟通", "They know us from a colleague and asked for material.", "通过同事介绍了解我们，已要求发送资料。"),
    ("call", "Follow-up call", "电话回访", "Budget is set, the decision is due next month.", "预算已确定，下月决策。"),
    ("visit", "Visit on site", "上门拜访", "Met the team, saw the warehouse, took notes on their process.", "见到了团队，参观了仓库，记录了流程。"),
    ("meeting", "Demonstration", "产品演示", "Six people joined; questions about rights and import.", "六人参加，关注权限和导入。"),
    ("wechat", "Message on WeChat", "微信沟通", "Sent the case study, they will read it.", "已发送案例，对方会查看。"),
    ("email", "Sent the offer", "发送报价", "Offer sent, valid for 30 days.", "报价已发送，有效期 30 天。"),
    ("task", "Prepare the offer", "准备报价", "", ""),
)  # fmt: skip
