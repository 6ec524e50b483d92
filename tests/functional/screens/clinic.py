"""A clinic, as a site would write it, and an entity with a field of every type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine import SYSTEM, Order, Query

if TYPE_CHECKING:
    from tests.functional.screens.world import World

DOCUMENTS = """
entity: contact
label: {en: Contact, zh: 联系人}
plural: {en: Contacts, zh: 联系人}
title: name
features: [history, search]
fields:
  name: {type: text, label: {en: Name, zh: 姓名}, required: true, search: high}
  mobile: {type: phone, label: {en: Mobile, zh: 手机}}
  city: {type: text, label: {en: City, zh: 城市}}
---
entity: visit
label: {en: Visit, zh: 就诊}
plural: {en: Visits, zh: 就诊}
title: subject
features: [owned, history, search, comments, attachments, activities]
fields:
  subject: {type: text, label: {en: Subject, zh: 主题}, required: true, max_length: 120, search: high}
  patient: {type: lookup, label: {en: Patient, zh: 患者}, to: contact, required: true, on_delete: restrict}
  on_date: {type: date, label: {en: Date, zh: 日期}, default_expr: "today"}
  stage:
    type: select
    label: {en: Stage, zh: 阶段}
    default: booked
    options:
      booked: {label: {en: Booked, zh: 已约}}
      seen: {label: {en: Seen, zh: 已诊}, color: green}
      missed: {label: {en: Missed, zh: 未到}, color: red}
  fee: {type: money, label: {en: Fee, zh: 费用}, currency: CNY, min: 0}
  id_card: {type: secret, label: {en: ID card, zh: 身份证}}
  why_missed: {type: longtext, label: {en: Why missed, zh: 未到原因}, visible_when: "stage == 'missed'"}
  items: {type: table, label: {en: Items, zh: 项目}, of: visit_item}
  total: {type: rollup, label: {en: Total, zh: 合计}, of: items, sum: amount}
  overdue:
    type: formula
    label: {en: Overdue, zh: 逾期}
    result: boolean
    expr: "stage == 'booked' and on_date < today"
states:
  field: stage
  transitions:
    see: {from: [booked], to: seen, roles: [nurse, admin], label: {en: See, zh: 就诊完成}}
    miss: {from: [booked], to: missed, label: {en: Miss, zh: 记为未到}, requires: [why_missed]}
checks:
  fee_when_seen:
    fail_when: "stage == 'seen' and fee is None"
    at: fee
    message: {en: A seen visit has a fee, zh: 已就诊须填写费用}
unique: {one_a_day: {fields: [patient, on_date]}}
---
entity: visit_item
label: {en: Item, zh: 项目}
plural: {en: Items, zh: 项目}
parent: visit
title: what
fields:
  what: {type: text, label: {en: What, zh: 名称}, required: true}
  amount: {type: money, label: {en: Amount, zh: 金额}, currency: CNY, required: true, min: 0}
  helper: {type: lookup, label: {en: Helper, zh: 协助}, to: contact, on_delete: clear}
  scan: {type: file, label: {en: Scan, zh: 扫描件}}
  phone: {type: reference, label: {en: Phone, zh: 电话}, of: visit.patient, field: mobile}
---
entity: thing
label: {en: Thing, zh: 物品}
plural: {en: Things, zh: 物品}
title: name
features: [owned, history, search]
fields:
  name: {type: text, label: {en: Name, zh: 名称}, required: true, max_length: 200}
  note: {type: longtext, label: {en: Note, zh: 备注}}
  story: {type: richtext, label: {en: Story, zh: 介绍}}
  size: {type: number, label: {en: Size, zh: 尺寸}, decimals: 2, help: {en: In centimetres, zh: 以厘米计}}
  pieces: {type: integer, label: {en: Pieces, zh: 件数}, min: 0, max: 1000}
  share: {type: percent, label: {en: Share, zh: 占比}}
  price: {type: money, label: {en: Price, zh: 价格}, currency: EUR}
  ready: {type: boolean, label: {en: Ready, zh: 就绪}}
  made_on: {type: date, label: {en: Made on, zh: 制造日期}}
  shown_at: {type: datetime, label: {en: Shown at, zh: 展出时间}}
  opens: {type: time, label: {en: Opens, zh: 开放时间}}
  lasts: {type: duration, label: {en: Lasts, zh: 时长}}
  kind:
    type: select
    label: {en: Kind, zh: 种类}
    options:
      old: {label: {en: Old, zh: 旧}}
      new: {label: {en: New thing, zh: 新}}
      fake: {label: {en: Fake, zh: 假}, color: red}
    options_when: {fake: "ready == False"}
  traits:
    type: multiselect
    label: {en: Traits, zh: 特点}
    options: {red: {label: {en: Red, zh: 红}}, big: {label: {en: Big, zh: 大}}, rare: {label: {en: Rare, zh: 稀有}}}
  words: {type: tags, label: {en: Words, zh: 标签}}
  maker: {type: lookup, label: {en: Maker, zh: 制造者}, to: contact, on_delete: clear, where: "city == record.town"}
  town: {type: text, label: {en: Town, zh: 城镇}}
  friends: {type: lookups, label: {en: Friends, zh: 友人}, to: contact}
  about: {type: any_lookup, label: {en: About, zh: 关于}, to: [contact, visit]}
  keeper: {type: user, label: {en: Keeper, zh: 保管人}}
  mail: {type: email, label: {en: Mail, zh: 邮箱}}
  line: {type: phone, label: {en: Line, zh: 电话}}
  page: {type: url, label: {en: Page, zh: 网页}}
  place: {type: address, label: {en: Place, zh: 地址}}
  spot: {type: geo, label: {en: Spot, zh: 坐标}}
  paper: {type: file, label: {en: Paper, zh: 文件}, accept: [.txt, .pdf]}
  papers: {type: files, label: {en: Papers, zh: 附件}}
  photo: {type: image, label: {en: Photo, zh: 照片}}
  hand: {type: signature, label: {en: Hand, zh: 签名}}
  tint: {type: color, label: {en: Tint, zh: 颜色}}
  stars: {type: rating, label: {en: Stars, zh: 星级}}
  number: {type: autonumber, label: {en: Number, zh: 编号}, pattern: "T-{seq:4}"}
  code: {type: barcode, label: {en: Code, zh: 条码}}
  pin: {type: secret, label: {en: Pin, zh: 密码}}
  extra: {type: json, label: {en: Extra, zh: 其他}}
  worth: {type: formula, label: {en: Worth, zh: 总值}, result: money, expr: "price * pieces"}
  double: {type: integer, label: {en: Double, zh: 两倍}, default_expr: "pieces * 2"}
  greeting: {type: text, label: {en: Greeting, zh: 问候}, default_expr: "'Hello ' + user.name"}
  why: {type: text, label: {en: Why, zh: 原因}, visible_when: "kind == 'fake'", required_when: "kind == 'fake'"}
  sealed: {type: text, label: {en: Sealed, zh: 封存}, read_only_when: "ready"}
  fixed: {type: text, label: {en: Fixed, zh: 固定}, read_only: true, default: always}
---
role: nurse
label: {en: Nurse, zh: 护士}
grants:
  visit: {read: all, create: all, update: [own], delete: [own], fields: {id_card: hidden}}
  contact: {read: all, create: all, fields: {mobile: masked}}
  thing: {read: all, create: all, update: all, delete: all, fields: {price: read, mail: masked, worth: hidden}}
---
role: clerk
label: {en: Clerk, zh: 文员}
grants:
  visit: {read: all, create: all, update: all, delete: all}
  contact: {read: all, create: all, update: all}
  thing: {read: all, create: all, update: all}
"""

PEOPLE = {
    "ada": ("Ada", "ada@example.com", "admin"),
    "nia": ("Nia", "nia@example.com", "nurse"),
    "cai": ("Cai", "cai@example.com", "clerk"),
    "eve": ("Eve", "eve@example.com", "clerk"),
}


def stored(world: World, entity: str, address: str, *select: str) -> dict[str, Any]:
    """Return the values of the record at an address."""
    with world.site.reading(SYSTEM) as reader:
        return reader.record(entity, address.rsplit("/", 1)[1], select).values()


def children(world: World, address: str) -> list[dict[str, Any]]:
    """Return the items of the visit at an address."""
    with world.site.reading(SYSTEM) as reader:
        query = Query("visit_item", select=("id", "what", "amount", "helper"), order_by=(Order(("id",)),), limit=500)
        return list(reader.related("visit", address.rsplit("/", 1)[1], "items", query).dicts())


def visit(clinic: World, anna: str, who: str = "cai", **values: Any) -> str:
    """Make a visit of somebody and return its address."""
    principal = clinic.site.principal(clinic.ids[who])
    given = {"subject": "Check", "patient": anna, **values}
    return f"/visit/{clinic.site.records.create(principal, 'visit', [given])[0].id}"
