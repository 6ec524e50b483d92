"""A yard where things are built: documents for every display of a list that is no table."""

DOCUMENTS = """
entity: place
label: {en: Place, zh: 地点}
plural: {en: Places, zh: 地点}
title: name
features: [search]
fields:
  name: {type: text, label: {en: Name, zh: 名称}, required: true, search: high}
  above: {type: lookup, label: {en: Part of, zh: 上级}, to: place, on_delete: clear}
  spot: {type: geo, label: {en: Spot, zh: 坐标}}
  address: {type: address, label: {en: Address, zh: 地址}}
order: [name]
---
entity: job
label: {en: Job, zh: 工单}
plural: {en: Jobs, zh: 工单}
title: name
features: [owned, history, search]
fields:
  name: {type: text, label: {en: Name, zh: 名称}, required: true, search: high}
  stage:
    type: select
    label: {en: Stage, zh: 阶段}
    required: true
    default: planned
    options:
      planned: {label: {en: Planned, zh: 已计划}, color: blue}
      begun: {label: {en: Begun, zh: 已开工}, color: orange}
      done: {label: {en: Done so far, zh: 已完工}, color: green}
      dropped: {label: {en: Dropped, zh: 已放弃}}
  kind:
    type: select
    label: {en: Sort, zh: 类别}
    options: {wood: {label: {en: Wood, zh: 木工}, color: lime}, iron: {label: {en: Iron, zh: 铁工}, color: gray}}
  price: {type: money, label: {en: Price, zh: 价格}, currency: CNY, min: 0}
  urgent: {type: boolean, label: {en: Urgent, zh: 紧急}}
  place: {type: lookup, label: {en: Place, zh: 地点}, to: place, on_delete: clear}
  begins_on: {type: date, label: {en: Begins on, zh: 开工日期}}
  ends_on: {type: date, label: {en: Ends on, zh: 完工日期}}
  meets_at: {type: datetime, label: {en: Meets at, zh: 会面时间}}
  leaves_at: {type: datetime, label: {en: Leaves at, zh: 离开时间}}
  why: {type: text, label: {en: Why dropped, zh: 放弃原因}}
  margin: {type: money, label: {en: Margin, zh: 毛利}, currency: CNY}
states:
  field: stage
  transitions:
    begin: {label: {en: Begin, zh: 开工}, from: [planned], to: begun}
    finish: {label: {en: Finish, zh: 完工}, from: [begun], to: done, roles: [foreman, admin]}
    drop: {label: {en: Drop, zh: 放弃}, from: [planned, begun], to: dropped, requires: [why]}
checks:
  free_work:
    fail_when: "stage == 'begun' and price == 0"
    message: {en: Work that is free is not begun, zh: 免费的活不开工}
  ends_after:
    fail_when: "ends_on < begins_on"
    at: ends_on
    message: {en: It ends before it begins, zh: 完工早于开工}
---
view: job.all
entity: job
title: {en: All jobs, zh: 全部工单}
columns: {name: {}, stage: {widget: badge}, price: {}, place: {}, begins_on: {}, owner: {}}
order: [name]
filters: [stage, kind, owner]
kanban: {by: stage, sum: price, card: [place], due: ends_on, stale: 5, limits: {begun: 2}, over: refuse}
calendar: {start: meets_at, end: leaves_at, color: kind}
timeline: {start: begins_on, end: ends_on, group: kind, color: stage}
---
view: job.days
entity: job
title: {en: Days, zh: 日程}
columns: {name: {}, begins_on: {}}
order: [name]
calendar: {start: begins_on, end: ends_on, color: stage}
display: calendar
---
view: place.all
entity: place
title: {en: All places, zh: 全部地点}
columns: {name: {}, address: {}}
order: [name]
tree: {parent: above}
nearby: {place: spot}
---
role: worker
label: {en: Worker, zh: 工人}
grants:
  job: {read: [own], create: all, update: [own], delete: [own], fields: {margin: hidden}}
  place: {read: all, create: all, update: all}
---
role: foreman
label: {en: Foreman, zh: 工头}
grants:
  job: {read: all, create: all, update: all, delete: all}
  place: {read: all, create: all, update: all}
---
role: guest
label: {en: Guest, zh: 访客}
grants:
  job: {read: all, fields: {price: hidden, kind: hidden}}
  place: {read: all}
---
menu: main
items:
  jobs: {entity: job}
"""

PEOPLE = {
    "ada": ("Ada", "ada@example.com", "admin"),
    "wim": ("Wim Oak", "wim@example.com", "worker"),
    "fay": ("Fay Foreman", "fay@example.com", "foreman"),
    "gus": ("Gus", "gus@example.com", "guest"),
}
