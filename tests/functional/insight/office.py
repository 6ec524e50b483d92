"""A repair shop with jobs of many kinds: dates, moments, money, people, and fields that not everybody may see."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from typing import Any

from engine import Site

DOCUMENTS = """
entity: place
label: {en: Place, zh: 地点}
plural: {en: Places, zh: 地点}
title: name
fields:
  name: {type: text, label: {en: Name, zh: 名称}, required: true, search: high}
  region: {type: select, label: {en: Region, zh: 区域}, options: {north: {}, south: {}}}
---
entity: repair
label: {en: Repair, zh: 维修}
plural: {en: Repairs, zh: 维修}
title: name
features: [owned, history, search]
fields:
  name: {type: text, label: {en: Name, zh: 名称}, required: true, search: high}
  stage:
    type: select
    label: {en: Stage, zh: 阶段}
    options:
      asked: {label: {en: Asked, zh: 已询}, color: blue}
      begun: {label: {en: Begun, zh: 已始}, color: orange}
      over: {label: {en: Over, zh: 已毕}, color: green}
  price: {type: money, label: {en: Price, zh: 价格}, currency: CNY}
  abroad: {type: money, label: {en: Price abroad, zh: 境外价格}, currency: USD}
  hours: {type: number, label: {en: Hours, zh: 工时}, decimals: 2}
  margin: {type: percent, label: {en: Margin, zh: 毛利}}
  urgent: {type: boolean, label: {en: Urgent, zh: 紧急}}
  due_on: {type: date, label: {en: Due, zh: 到期}}
  seen_at: {type: datetime, label: {en: Seen, zh: 查看}}
  place: {type: lookup, label: {en: Place, zh: 地点}, to: place, on_delete: clear}
---
entity: spare
label: {en: Spare part, zh: 配件}
plural: {en: Spare parts, zh: 配件}
title: name
fields:
  name: {type: text, label: {en: Name, zh: 名称}, required: true}
  stock: {type: integer, label: {en: Stock, zh: 库存}}
---
view: spare.low
entity: spare
title: {en: Nearly gone, zh: 将尽}
where: "stock < 3"
columns: {name: {}, stock: {}}
---
entity: goal
label: {en: Goal, zh: 目标}
plural: {en: Goals, zh: 目标}
title: name
fields:
  name: {type: text, label: {en: Name, zh: 名称}, required: true}
  month: {type: date, label: {en: Month, zh: 月份}}
  who: {type: user, label: {en: Who, zh: 人员}}
  amount: {type: money, label: {en: Amount, zh: 金额}, currency: CNY}
---
view: repair.begun
entity: repair
title: {en: Begun, zh: 已始}
where: "stage == 'begun'"
columns: {name: {}, stage: {}, price: {}, due_on: {}}
calendar: {start: due_on}
---
view: repair.all
entity: repair
title: {en: All repairs, zh: 全部维修}
columns: {name: {}, stage: {}, price: {}, due_on: {}}
---
role: chief
label: {en: Chief, zh: 主管}
grants:
  repair: {read: all, create: all, update: all, export: all}
  place: {read: all}
  spare: {read: all}
  goal: {read: all}
---
role: hand
label: {en: Hand, zh: 工人}
grants: {repair: {read: [own], create: all, fields: {margin: hidden, price: masked}}, place: {read: all}}
---
dashboard: shop.all
title: {en: The shop, zh: 车间}
help: {en: What goes on., zh: 概况。}
home: true
period: this_month
cards:
  open:
    entity: repair
    title: {en: Open work, zh: 未完成}
    where: "stage != 'over'"
    measures: {price: {sum: price}}
    date: due_on
    compare: previous
    trend: week(due_on)
    target: {value: 1000}
    width: 3
    height: 3
  count: {entity: repair, title: {en: All of it, zh: 全部}, measures: {count: {count: true}}, width: 3, height: 3}
  rate:
    entity: repair
    title: {en: Done, zh: 完成率}
    measures: {rate: {ratio: [done, all]}, done: {count: true, where: "stage == 'over'"}, all: {count: true}}
    width: 3
  stages:
    entity: repair
    title: {en: By stage, zh: 按阶段}
    group_by: stage
    measures: {price: {sum: price}, count: {count: true}}
    chart: bar
    width: 6
    height: 5
  months:
    entity: repair
    title: {en: By month, zh: 按月}
    group_by: month(due_on)
    pivot: stage
    measures: {count: {count: true}}
    chart: column
    stacked: true
    date: due_on
    after: count
    width: 6
  begun: {view: repair.begun, title: {en: Begun now, zh: 正在进行}, width: 6}
  plan: {view: repair.begun, chart: agenda, width: 6}
  hello: {text: {en: Hello there, zh: 你好}, width: 6}
  margins: {entity: repair, title: {en: Margins, zh: 毛利}, measures: {margin: {avg: margin}}, width: 3}
  chiefs: {entity: repair, measures: {count: {count: true}}, roles: [chief]}
  parts: {entity: spare, measures: {count: {count: true}}, width: 3}
  wanted:
    entity: repair
    measures: {count: {count: true}}
    chart: gauge
    date: due_on
    target: {entity: goal, sum: amount, date: month, person: who}
    width: 3
  sums: {report: shop.stages, title: {en: Report, zh: 报表}, width: 6}
---
dashboard: shop.secret
title: {en: For chiefs, zh: 主管专用}
roles: [chief]
cards: {count: {entity: repair, measures: {count: {count: true}}}}
---
report: shop.stages
title: {en: Stages, zh: 各阶段}
help: {en: 'Price and number, by stage.', zh: 各阶段的价格与数量。}
entity: repair
group_by: stage
measures:
  price: {sum: price, label: {en: Money, zh: 金额}}
  count: {count: true, label: {en: Number, zh: 数量}}
  over: {count: true, where: "stage == 'over'"}
  done: {ratio: [over, count], label: {en: Done, zh: 完成}}
chart: bar
filters: [place, due_on, owner]
---
report: shop.matrix
title: {en: Matrix, zh: 矩阵}
entity: repair
group_by: [place, urgent]
pivot: stage
measures: {price: {sum: price}, hours: {avg: hours}}
---
report: shop.list
title: {en: Dear repairs, zh: 高价维修}
entity: repair
where: "price > 100"
columns: [name, place, price]
order: [-price]
filters: [stage]
---
menu: main
items:
  repairs: {entity: repair}
  board: {dashboard: shop.all, label: {en: Board, zh: 看板}}
  stages: {report: shop.stages}
"""

PEOPLE = {
    "ada": ("Ada", "ada@example.com", "admin"),
    "cao": ("曹琳", "cao@example.com", "chief"),
    "hal": ("Hal", "hal@example.com", "hand"),
}


def fill(site: Site, owners: list[str], number: int, seed: int) -> list[dict[str, Any]]:
    """Store repairs of every kind, some fields empty, and return them as they were meant."""
    from engine import SYSTEM

    dice = random.Random(seed)
    places = [
        each.id
        for each in site.records.create(
            SYSTEM, "place", [{"name": f"P{place}", "region": dice.choice(("north", "south"))} for place in range(3)]
        )
    ]

    def maybe(value: Any) -> Any:
        return value if dice.random() < 0.85 else None

    rows = []
    for place in range(number):
        day = dt.date(2026, 1, 1) + dt.timedelta(dice.randint(0, 400))
        moment = dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=dice.randint(0, 400 * 1440))
        rows.append(
            {
                "name": f"R{place}",
                "stage": maybe(dice.choice(("asked", "begun", "over"))),
                "price": maybe(Decimal(dice.randint(-500, 90_000)) / 100),
                "abroad": maybe(Decimal(dice.randint(0, 90_000)) / 100),
                "hours": maybe(Decimal(dice.randint(0, 5_000)) / 100),
                "margin": maybe(Decimal(dice.randint(0, 100))),
                "urgent": maybe(dice.random() < 0.3),
                "due_on": maybe(day),
                "seen_at": maybe(moment),
                "place": maybe(dice.choice(places)),
                "owner": dice.choice(owners),
            }
        )
    site.records.create(SYSTEM, "repair", rows)
    return rows
