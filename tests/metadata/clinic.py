"""The clinic of the documentation, and a small core under it, as layers."""

# ruff: noqa: E501 - documents and messages stand here as people see them

from __future__ import annotations

from engine.errors import Problem
from engine.metadata import Layer, Model, build_model, check_documents, layer_of, read_text
from engine.metadata.layers import LayerKind

CORE = """
pack: core
version: 1.2.0
---
entity: user
label: {en: User, zh: 用户}
title: name
features: [history, search]
fields:
  name: {type: text, label: {en: Name, zh: 姓名}, required: true, max_length: 100, search: high}
  email: {type: email, unique: true}
  roles: {type: tags}
  manager: {type: user, on_delete: clear}
---
entity: account
label: {en: Account, zh: 客户}
title: name
features: [owned, history, search]
fields:
  name: {type: text, label: {en: Name, zh: 名称}, required: true, max_length: 200, search: high}
  industry: {type: select, options: {it: {label: {en: IT, zh: 信息技术}}, health: {}, other: {}}}
  parent: {type: lookup, to: account, on_delete: clear}
---
entity: contact
label: {en: Contact, zh: 联系人}
title: name
features: [owned, history, search]
fields:
  name: {type: text, label: {en: Name, zh: 姓名}, required: true, max_length: 100, search: high}
  mobile: {type: phone, label: {en: Mobile, zh: 手机}}
  email: {type: email}
  account: {type: lookup, to: account}
"""

CLINIC = """
entity: visit
label: {en: Visit, zh: 就诊}
title: subject
features: [owned, history, search, comments, attachments, activities]
fields:
  subject: {type: text, label: {en: Subject, zh: 主题}, required: true, max_length: 120, search: high}
  patient: {type: lookup, to: contact, required: true, on_delete: restrict}
  on_date: {type: date, label: {en: Date, zh: 日期}, default_expr: "today"}
  stage:   {type: select, default: booked, options: {booked: {label: {en: Booked, zh: 已约}}, seen: {color: green}, missed: {color: red}}}
  fee:     {type: money, currency: CNY, min: 0}
  id_card: {type: secret, label: {en: ID card, zh: 身份证}}
  items:   {type: table, of: visit_item}
  total:   {type: rollup, of: items, sum: amount}
  overdue: {type: formula, result: boolean, expr: "stage == 'booked' and on_date < today"}
states:
  field: stage
  transitions: {see: {from: [booked], to: seen, roles: [nurse]}, miss: {from: [booked], to: missed}}
checks:
  fee_when_seen: {fail_when: "stage == 'seen' and fee is None", at: fee, message: {en: A seen visit has a fee, zh: 已就诊须填写费用}}
unique: {one_a_day: {fields: [patient, on_date]}}
---
entity: visit_item
label: {en: Item, zh: 项目}
parent: visit
title: what
fields:
  what:   {type: text, required: true}
  amount: {type: money, currency: CNY, required: true, min: 0}
  phone:  {type: reference, of: visit.patient, field: mobile}
---
view: visit.today
entity: visit
title: {en: Today, zh: 今日}
where: "on_date == today and owner == user.id"
columns: {subject: {}, patient: {}, stage: {widget: badge}, fee: {}}
order: [on_date, -fee]
kanban: {by: stage, sum: fee}
calendar: {start: on_date}
---
role: nurse
label: {en: Nurse, zh: 护士}
grants:
  visit: {read: [own, team, shared], create: all, update: [own], delete: [], fields: {fee: read, id_card: hidden}}
---
workflow: visit_reminder
on: {date: {entity: visit, field: on_date, offset: -1d, at: "09:00"}, when: "stage == 'booked'"}
steps:
  tell: {do: notify, to: record.owner, template: {en: "Visit tomorrow: {{ record.subject }}", zh: "明日就诊：{{ record.subject }}"}}
---
test: visit_rules
given: {contact: {anna: {name: Anna}}, visit: {a: {subject: Check, patient: anna, stage: booked}}}
when: {update: a, set: {stage: seen}, as: nurse}
then: {refused: {fee: fee_when_seen}}
"""


def layer(text: str, name: str = "site", kind: LayerKind = "site", file: str = "") -> Layer:
    """Read a text as the documents of one layer."""
    documents, problems = read_text(text, file or f"{name}.yaml", name)
    return layer_of(name, kind, documents, problems)


def layers(*texts: str) -> list[Layer]:
    """Return the core, packs, and the site last: all texts but the last one are packs a, b ..."""
    packs = [layer(text, name, "pack") for name, text in zip("abc", texts[:-1], strict=False)]
    site = [layer(text) for text in texts[-1:]]
    return [layer(CORE, "core", "core"), *packs, *site]


def model(*texts: str) -> Model:
    """Build the Model of the core and some texts."""
    return build_model(layers(*texts))


def problems(*texts: str) -> list[Problem]:
    """Return what is wrong with some texts above the core."""
    return list(check_documents(layers(*texts)))


def said(*texts: str) -> list[str]:
    """Return what is wrong, as people read it."""
    return [str(problem) for problem in problems(*texts)]
