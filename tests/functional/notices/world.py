"""A small sales site on either database, with people who are told things."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine import SYSTEM, Principal, Site, create_folder

DOCUMENTS = """
entity: firm
label: {en: Firm, zh: 公司}
plural: {en: Firms, zh: 公司}
title: name
features: [owned, history, search, comments, attachments, activities]
fields:
  name: {type: text, label: {en: Name, zh: 名称}, required: true, search: high}
  phone: {type: phone, label: {en: Phone, zh: 电话}}
---
entity: deal
label: {en: Deal, zh: 交易}
plural: {en: Deals, zh: 交易}
title: name
features: [owned, history, search, comments, attachments, activities]
fields:
  name: {type: text, label: {en: Name, zh: 名称}, required: true, search: high}
  firm: {type: lookup, label: {en: Firm, zh: 公司}, to: firm, on_delete: clear}
  seat: {type: lookup, label: {en: Seat, zh: 席位}, to: firm, on_delete: clear}
  amount: {type: money, label: {en: Amount, zh: 金额}, currency: CNY}
  stage:
    type: select
    label: {en: Stage, zh: 阶段}
    default: talk
    options:
      talk: {label: {en: Talks, zh: 接洽}, color: blue}
      offer: {label: {en: Offer, zh: 报价}, color: purple}
      won: {label: {en: Won, zh: 赢单}, color: green}
      lost: {label: {en: Lost, zh: 输单}, color: red}
states:
  field: stage
  transitions:
    offer: {from: [talk], to: offer, label: {en: Make an offer, zh: 提交报价}, when: "amount > 0"}
    back: {from: [offer], to: talk, label: {en: Back to talks, zh: 退回接洽}}
    win: {from: [offer], to: won, label: {en: Win, zh: 赢单}}
    lose: {from: [talk, offer], to: lost, label: {en: Lose, zh: 输单}, roles: [boss]}
    reopen: {from: [lost], to: talk, label: {en: Reopen, zh: 重开}}
---
entity: activity
label: {en: Activity, zh: 跟进}
plural: {en: Activities, zh: 跟进}
title: subject
features: [owned, history]
fields:
  subject: {type: text, label: {en: Subject, zh: 主题}, required: true}
  kind:
    type: select
    label: {en: Kind, zh: 方式}
    default: call
    options: {call: {label: {en: Call, zh: 打电话}}, visit: {label: {en: Visit, zh: 拜访}}}
  status:
    type: select
    label: {en: Status, zh: 状态}
    default: planned
    options: {planned: {label: {en: Planned, zh: 计划中}}, done: {label: {en: Done, zh: 完成}, color: green}}
  due_at: {type: datetime, label: {en: When it is due, zh: 到期}}
  words: {type: longtext, label: {en: What was said, zh: 内容}}
  about: {type: any_lookup, label: {en: About, zh: 关于}, to: [firm, deal]}
states:
  field: status
  transitions: {close: {from: [planned], to: done, label: {en: Close, zh: 完成}}}
checks:
  said: {fail_when: "status == 'done' and words is None", at: words, message: {en: Say what came of it, zh: 请填写内容}}
---
form: firm.default
entity: firm
highlights: [phone, owner]
around: [deals]
tabs:
  main: {label: {en: Firm, zh: 公司}, sections: {main: {rows: [[name, phone], [owner]]}}, related: [{relation: deals}]}
---
role: seller
label: {en: Seller, zh: 销售}
grants:
  firm: {read: [own, shared], create: all, update: [own], delete: [own], transfer: [own]}
  deal: {read: [own, shared], create: all, update: [own], delete: [own], transfer: [own]}
  activity: {read: all, create: all, update: all, delete: all}
---
role: boss
label: {en: Boss, zh: 主管}
grants:
  firm: {read: all, create: all, update: all, transfer: all}
  deal: {read: all, create: all, update: all, transfer: all, delete: all}
  activity: {read: all}
"""

PEOPLE = {
    "ada": ("Ada", "ada@example.com", "admin"),
    "bo": ("Bo", "bo@example.com", "seller"),
    "mei": ("李梅", "mei@example.com", "seller"),
    "max": ("Max", "max@example.com", "boss"),
}


class Office:
    """The site and its people."""

    def __init__(self, site: Site, ids: Mapping[str, str]) -> None:
        self.site, self.ids = site, ids

    def who(self, key: str) -> Principal:
        """Return a person."""
        return self.site.principal(self.ids[key])

    def create(self, who: str, entity: str, **values: Any) -> str:
        """Let somebody make a record; return its id."""
        return self.site.records.create(self.who(who), entity, [values])[0].id

    def say(self, who: str, entity: str, record: str, body: str, *mentions: str) -> str:
        """Let somebody write a comment; return its id."""
        values = {"record_entity": entity, "record_id": record, "body": body, "mentions": list(mentions)}
        return self.create(who, "comment", **values)

    def told(self, who: str) -> list[tuple[str, str]]:
        """Return (kind, title) of what somebody is told, the latest first."""
        with self.site.reading(self.who(who)) as reader:
            found, _more = self.site.notices.page(reader, 50)
        return [(each.notice.kind, each.title) for each in found]


def make(folder: Path, database_url: str | None = None) -> dict[str, str]:
    """Make the site in a folder and return the ids of its people."""
    create_folder(folder)
    config = folder / "guanxi.yaml"
    config.write_text(re.sub(r"(?m)^packs:.*$", "packs: []", config.read_text("utf-8")), "utf-8")
    (folder / "schemas" / "office.yaml").write_text(DOCUMENTS, "utf-8")
    with Site.open(folder, database_url=database_url) as site:
        site.publish()
        rows = [
            {"name": name, "email": email, "roles": [role], "status": "active", "timezone": "UTC"}
            for name, email, role in PEOPLE.values()
        ]
        made = site.records.create(SYSTEM, "user", rows)
    return {key: each.id for key, each in zip(PEOPLE, made, strict=True)}
