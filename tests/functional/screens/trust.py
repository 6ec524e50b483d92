"""A sales office with ranks: who may see what depends on owner, superior, team, share, restriction and mask."""

from __future__ import annotations

DOCUMENTS = """
entity: client
label: {en: Client, zh: 委托人}
plural: {en: Clients, zh: 委托人}
title: name
features: [owned, history, search]
fields:
  name: {type: text, label: {en: Name, zh: 名称}, required: true, search: high}
  phone: {type: phone, label: {en: Phone, zh: 电话}}
  mail: {type: email, label: {en: Mail, zh: 邮箱}}
  card: {type: text, label: {en: Bank card, zh: 银行卡}}
  born: {type: date, label: {en: Born, zh: 生日}}
  code: {type: secret, label: {en: Door code, zh: 门禁码}}
  credit: {type: money, label: {en: Credit, zh: 信用额度}, currency: CNY}
  keeper: {type: user, label: {en: Keeper, zh: 保管人}}
  tier: {type: select, label: {en: Tier, zh: 级别}, default: low, options: {low: {}, high: {}}}
  papers: {type: table, label: {en: Papers, zh: 文件}, of: paper}
---
entity: paper
label: {en: Paper, zh: 文件}
plural: {en: Papers, zh: 文件}
parent: client
title: what
fields:
  what: {type: text, label: {en: What, zh: 名称}, required: true}
---
entity: deal
label: {en: Deal, zh: 交易}
plural: {en: Deals, zh: 交易}
title: name
features: [owned, history, search]
fields:
  name: {type: text, label: {en: Name, zh: 名称}, required: true, search: high}
  stage:
    type: select
    label: {en: Stage, zh: 阶段}
    default: open
    options: {open: {label: {en: Open, zh: 进行中}}, won: {label: {en: Won, zh: 赢单}}, lost: {}}
  client: {type: lookup, label: {en: Client, zh: 委托人}, to: client, on_delete: clear}
  margin: {type: percent, label: {en: Margin, zh: 毛利}}
states:
  field: stage
  transitions:
    win: {from: [open], to: won, roles: [boss], label: {en: Win, zh: 赢单}}
    lose: {from: [open], to: lost, label: {en: Lose, zh: 输单}}
---
role: seller
label: {en: Seller, zh: 销售}
grants:
  client:
    read: [own, shared]
    create: all
    update: [own, shared]
    delete: [own]
    fields: {phone: reveal, card: masked, born: masked, code: reveal, credit: hidden, keeper: reveal}
  deal: {read: [own, team, shared], create: all, update: [own], delete: [], fields: {margin: hidden}}
  user: {read: all}
  team: {read: all}
---
role: boss
label: {en: Boss, zh: 主管}
grants:
  client: {read: all, update: [own, subordinates], fields: {mail: masked}}
  deal: {read: [own, subordinates], update: [own, subordinates]}
  user: {read: all}
restrict:
  deal: {not_lost: "stage != 'lost'"}
---
role: filler
label: {en: Filler, zh: 录入员}
grants:
  client: {update: all, fields: {born: write, card: write, keeper: write}}
---
role: checker
label: {en: Checker, zh: 审计员}
permissions: [audit]
grants:
  user: {read: all}
"""

PEOPLE = {
    "ada": ("Ada", "ada@example.com", "admin"),
    "ben": ("Ben", "ben@example.com", "seller"),
    "eve": ("Eve", "eve@example.com", "seller"),
    "cao": ("曹琳", "cao@example.com", "boss"),
    "dan": ("Dan", "dan@example.com", ""),
    "ira": ("Ira", "ira@example.com", "checker"),
}
