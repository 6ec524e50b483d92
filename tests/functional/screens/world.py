"""A small site of another trade than ours, with three people, and a browser that has no script."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.test import Client, TestResponse

from engine import SYSTEM, Site
from tests.sites import make_folder
from tests.traces import traced
from ui.asking import COOKIE

PASSWORD = "correct horse battery"

DOCUMENTS = """
entity: client
label: {en: Client, zh: 委托人}
plural: {en: Clients, zh: 委托人}
title: name
features: [history, search]
fields:
  name: {type: text, label: {en: Name, zh: 名称}, required: true, search: high}
---
entity: deal
label: {en: Deal, zh: 交易}
plural: {en: Deals, zh: 交易}
icon: coin
title: name
features: [owned, history, search]
fields:
  name: {type: text, label: {en: Name, zh: 名称}, required: true, max_length: 120, search: high}
  stage:
    type: select
    label: {en: Stage, zh: 阶段}
    default: fresh
    options:
      fresh: {label: {en: Fresh, zh: 新的}, color: blue}
      won: {label: {en: Won, zh: 赢单}, color: green}
      lost: {label: {en: Lost, zh: 输单}}
  amount: {type: money, label: {en: Amount, zh: 金额}, currency: CNY, min: 0}
  active: {type: boolean, label: {en: Active, zh: 有效}}
  closes_on: {type: date, label: {en: Closes on, zh: 成交日期}}
  client: {type: lookup, label: {en: Client, zh: 委托人}, to: client, on_delete: clear}
  helpers: {type: lookups, label: {en: Helpers, zh: 协办人}, to: user}
  tags: {type: tags, label: {en: Tags, zh: 标签}}
  site: {type: url, label: {en: Site, zh: 网址}}
  phone: {type: phone, label: {en: Phone, zh: 电话}}
  margin: {type: percent, label: {en: Margin, zh: 毛利}}
  view: {type: text, label: {en: Outlook, zh: 展望}}
  tint: {type: color, label: {en: Tint, zh: 颜色}}
  stars: {type: rating, label: {en: Stars, zh: 星级}}
  vat: {type: formula, label: {en: Tax, zh: 税额}, result: money, expr: "amount * 0.13"}
---
view: deal.all
entity: deal
title: {en: All deals, zh: 全部交易}
columns:
  {name: {}, stage: {widget: badge}, amount: {}, client: {}, owner: {}, closes_on: {}, margin: {}, created_at: {}}
order: [-amount]
filters: [stage, owner, active, closes_on, amount, client, tags, view, created_at, margin]
---
view: deal.mine
entity: deal
title: {en: My deals, zh: 我的交易}
where: "owner == user.id"
columns: {name: {}, tags: {}, site: {}, phone: {}, tint: {}, stars: {}, vat: {}, helpers: {}, active: {}}
order: [name]
---
role: seller
label: {en: Seller, zh: 销售}
grants:
  deal: {read: [own], create: all, update: [own], delete: [own], export: [own], fields: {margin: hidden}}
  client: {read: all}
---
role: boss
label: {en: Boss, zh: 主管}
grants:
  deal: {read: all, update: [own], delete: [], fields: {phone: masked}}
---
menu: main
items:
  deals: {entity: deal}
"""

PEOPLE = {
    "ada": ("Ada", "ada@example.com", "admin"),
    "ben": ("Ben", "ben@example.com", "seller"),
    "cao": ("曹琳", "cao@example.com", "boss"),
    "dan": ("Dan", "dan@example.com", ""),
}


def build(
    folder: Path,
    documents: str = DOCUMENTS,
    database_url: str | None = None,
    people: Mapping[str, tuple[str, str, str]] = PEOPLE,
) -> dict[str, str]:
    """Make the site in a folder, where everybody has signed in once, and return the ids of its people."""
    make_folder(folder, documents)
    site = Site.open(folder, database_url=database_url)
    site.publish()
    ids = {}
    for key, (name, email, role) in people.items():
        ids[key] = site.identity.add(name, email, [role] if role else [])
        site.identity.set_password(ids[key], PASSWORD)
    for key, (_name, email, _role) in people.items():
        (folder / f"{key}.cookie").write_text(site.identity.sign_in(email, PASSWORD).secret, "utf-8")
    site.close()
    return ids


@dataclass
class World:
    """The site, its application, and who is in it."""

    site: Site
    app: Flask
    ids: Mapping[str, str]

    def create(self, entity: str, *rows: Mapping[str, Any]) -> list[str]:
        """Store records and return their ids."""
        return [written.id for written in self.site.records.create(SYSTEM, entity, rows)]

    def browser(self, who: str | None = None, language: str = "en") -> Web:
        """Return a browser, of somebody who has signed in already when they are named."""
        web = Web(self.app.test_client(), language)
        if who is not None:
            web.client.set_cookie(COOKIE, (self.site.config.folder / f"{who}.cookie").read_text("utf-8"))
        return web

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """Collect the statements that the database is given, on SQLite; not those of its own full-text index."""
        seen: list[str] = []

        def note(text: str) -> None:
            if not text.startswith(("BEGIN", "COMMIT", "ROLLBACK")):
                seen.append(text)

        with traced(self.site.database, note):
            yield seen


@dataclass
class Web:
    """A browser without a script: it follows links and submits forms."""

    client: Client
    language: str = "en"
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, address: str, **headers: str) -> TestResponse:
        """Open an address."""
        spoken = {"Accept-Language": self.language, **self.headers, **headers}
        return self.client.get(address, headers=spoken, buffered=True)

    def text(self, address: str, **headers: str) -> str:
        """Return the page at an address."""
        response = self.get(address, **headers)
        assert response.status_code == 200, f"{address}: {response.status_code}"
        return response.text

    def token(self) -> str:
        """Return the token of this browser's forms."""
        found = self.client.get_cookie("guanxi_form")
        for page in ("/login", "/"):
            if found is None:
                self.get(page)
                found = self.client.get_cookie("guanxi_form")
        assert found is not None
        return found.value

    def submit(self, address: str, values: Mapping[str, Any] | None = None, **headers: str) -> TestResponse:
        """Post a form."""
        return self.client.post(
            address,
            data={"_token": self.token(), **(values or {})},
            headers={"Accept-Language": self.language, **self.headers, **headers},
        )

    def follow(self, response: TestResponse) -> str:
        """Return the page that a refused or accepted form leads to."""
        assert response.status_code == 303
        parts = urlsplit(response.headers["Location"])
        return self.text(f"{parts.path}?{parts.query}" if parts.query else parts.path)


def titles(page: str) -> list[str]:
    """Return the links of the first column of a list."""
    row = r'<tr><td>(?:<input[^>]*>)?</td><td><a href="/[a-z_]+/[0-9a-f-]{36}">(.*?)</a></td>'
    return [html.unescape(found) for found in re.findall(row, page)]


def words(page: str) -> str:
    """Return what stands on a page, without markup."""
    body = re.sub(r"(?s)<(script|style|head).*?</\1>", " ", page)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())
