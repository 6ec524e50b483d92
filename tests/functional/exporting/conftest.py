"""A workshop with everything that an export meets: links of each kind, child rows, secrets, masks, narrow rights."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.functional.screens.world import World, build
from tests.sites import copied
from ui.app import create_app

DOCUMENTS = """
entity: client
label: {en: Client, zh: 客户}
plural: {en: Clients, zh: 客户}
title: name
fields:
  name: {type: text, label: {en: Name, zh: 名称}, required: true}
  city: {type: text, label: {en: City, zh: 城市}}
  credit: {type: money, label: {en: Credit, zh: 信用额度}, currency: CNY}
---
entity: job_card
label: {en: Job card, zh: 工单}
plural: {en: Job cards, zh: 工单}
title: name
features: [owned, search, history]
fields:
  name: {type: text, label: {en: Name, zh: 名称}, required: true, search: high}
  stage:
    type: select
    label: {en: Stage, zh: 阶段}
    options: {open: {label: {en: Open, zh: 进行中}}, done: {label: {en: Done, zh: 已完成}}}
  amount: {type: money, label: {en: Amount, zh: 金额}, currency: CNY}
  urgent: {type: boolean, label: {en: Urgent, zh: 加急}}
  due: {type: date, label: {en: Due, zh: 到期}}
  seen_at: {type: datetime, label: {en: Seen, zh: 查看时间}}
  client: {type: lookup, label: {en: Client, zh: 客户}, to: client}
  helpers: {type: lookups, label: {en: Helpers, zh: 协助人}, to: client}
  about: {type: any_lookup, label: {en: About, zh: 关于}, to: [client]}
  tags: {type: tags, label: {en: Tags, zh: 标签}}
  phone: {type: phone, label: {en: Phone, zh: 电话}}
  margin: {type: number, label: {en: Margin, zh: 毛利}}
  pin: {type: secret, label: {en: Pin, zh: 密码}}
  notes: {type: longtext, label: {en: Notes, zh: 备注}, max_length: 100000}
  parts: {type: table, of: part, label: {en: Parts, zh: 配件}}
---
entity: part
label: {en: Part, zh: 配件}
plural: {en: Parts, zh: 配件}
parent: job_card
title: what
fields:
  what: {type: text, label: {en: What, zh: 名称}, required: true}
  price: {type: money, label: {en: Price, zh: 价格}, currency: CNY}
---
entity: dossier
label: {en: Dossier, zh: 档案}
plural: {en: Dossiers, zh: 档案}
title: name
features: [owned, attachments]
fields:
  name: {type: text, label: {en: Name, zh: 名称}, required: true}
  scan: {type: file, label: {en: Scan, zh: 扫描件}}
  contract: {type: file, label: {en: Contract, zh: 合同}}
---
view: job_card.all
entity: job_card
title: {en: All, zh: 全部}
columns: {name: {}, stage: {}, amount: {}, client: {}, margin: {}}
order: [-amount]
filters: [stage]
---
role: mechanic
label: {en: Mechanic, zh: 技师}
grants:
  job_card: {read: all, create: all, update: [own], export: [own], fields: {margin: hidden, phone: masked}}
  client: {read: all, fields: {credit: hidden}}
  dossier: {read: all, create: all, update: [own], export: [own], fields: {contract: hidden}}
---
role: clerk
label: {en: Clerk, zh: 文员}
export_rows: 5
export_reason: true
grants:
  job_card: {read: all, create: all, update: all, export: all, import: all}
  client: {read: all, export: all, create: all, import: all}
---
role: guest
label: {en: Guest, zh: 访客}
grants:
  job_card: {read: all}
"""

PEOPLE = {
    "ada": ("Ada", "ada@example.com", "admin"),
    "ben": ("Ben", "ben@example.com", "mechanic"),
    "cao": ("曹琳", "cao@example.com", "clerk"),
    "dan": ("Dan", "dan@example.com", "guest"),
}


@pytest.fixture(scope="session")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The folder of a workshop that nobody works in, and the ids of its people."""
    folder = tmp_path_factory.mktemp("workshop") / "site"
    return folder, build(folder, DOCUMENTS, people=PEOPLE)


@pytest.fixture
def shop(pattern: tuple[Path, dict[str, str]], tmp_path: Path) -> Iterator[World]:
    """A workshop of this test's own, without records, in SQLite."""
    folder, ids = pattern
    with copied(folder, tmp_path / "site") as site:
        yield World(site, create_app(site), ids)


@pytest.fixture(scope="session")
def postgres_pattern(
    postgres_server: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, dict[str, str], str]]:
    """The same workshop in PostgreSQL, with the address of a database that is copied for each test."""
    folder, url = tmp_path_factory.mktemp("workshop_postgres") / "site", postgres_server.create()
    ids = build(folder, DOCUMENTS, url, PEOPLE)
    yield folder, ids, url
    postgres_server.drop(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A workshop of this test's own in each database."""
    if request.param == "sqlite":
        yield request.getfixturevalue("shop")
        return
    folder, ids, template = request.getfixturevalue("postgres_pattern")
    server = request.getfixturevalue("postgres_server")
    with copied(folder, tmp_path / "postgres", server, template) as site:
        yield World(site, create_app(site), ids)
