"""The shipped CRM on each kind of database; a file of tests shares it, and each test makes its own records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from engine import SYSTEM, Principal, Query, Site, create_folder, parse
from engine.data.alike import compared

BLOCKING = """
duplicate: contact.wechat
entity: contact
rules: {wechat: {fields: [wechat]}}
action: block
override: [sales_manager]
message: {en: One name is one person, zh: 一号一人}
"""

_numbers = count(1)


class Books:
    """A site with people, and companies and persons in its books."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.records = site.records
        self.merges = site.duplicates.merges

    def person(self, *roles: str, name: str = "") -> Principal:
        number = next(_numbers)
        user_id = self.site.identity.add(name or f"Person {number}", f"p{number}@x.example", list(roles))
        return self.site.principal(user_id)

    def add(self, entity: str, **values: Any) -> str:
        return self.records.create(SYSTEM, entity, [values])[0].id

    def values(self, entity: str, id_: str, *paths: str) -> Mapping[str, Any]:
        with self.site.reading(SYSTEM) as reader:
            return reader.record(entity, id_, paths).values()

    def is_there(self, entity: str, id_: str) -> bool:
        with self.site.reading(SYSTEM) as reader:
            return bool(reader.query(Query(entity, select=("id",), ids=(id_,))))

    def count(self, entity: str, where: str) -> int:
        with self.site.reading(SYSTEM) as reader:
            return reader.count(Query(entity, where=parse(where)), 1_000_000).number

    def check(self, who: Principal, entity: str, id: str | None = None, **values: Any) -> Any:  # noqa: A002
        with self.site.reading(who) as reader:
            return self.site.duplicates.check(reader, entity, values, id=id)

    def gone_to(self, who: Principal, entity: str, id_: str) -> str | None:
        with self.site.reading(who) as reader:
            return self.merges.gone_to(self.site.duplicates.unit(reader), entity, id_)

    def keys(self, entity: str, id_: str) -> int:
        """How many keys a record has."""
        mark = "?" if self.site.database.dialect == "sqlite" else "%s"
        with self.site.database.read() as connection:
            text = f"SELECT count(*) FROM match_key WHERE entity = {mark} AND record_id = {mark}"
            return int(connection.exec_driver_sql(text, (entity, id_)).scalar_one())

    @property
    def watched(self) -> frozenset[str]:
        return frozenset(compared(self.site.published.model))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def books(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    folder: Path = tmp_path_factory.mktemp("books") / "site"
    create_folder(folder)
    (folder / "schemas" / "blocking.yaml").write_text(BLOCKING, encoding="utf-8")
    if request.param == "sqlite":
        with Site.open(folder, database_url="sqlite:///data/site.sqlite") as site:
            site.publish()
            yield Books(site)
        return
    server = request.getfixturevalue("postgres_server")
    url = server.create()
    with Site.open(folder, database_url=url) as site:
        site.publish()
        yield Books(site)
    server.drop(url)
