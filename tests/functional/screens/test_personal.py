"""What one person has of their own, on both databases: settings, stars, visits, and what hangs on records."""

from pathlib import Path
from typing import Any

import pytest

from engine import (
    SYSTEM,
    AccessDenied,
    Change,
    Order,
    Principal,
    Query,
    Reader,
    RecordInvalid,
    Site,
    Tastes,
    TooManyStars,
    hanging,
    offered,
    parse,
)
from tests.functional.screens.world import build


def test_what_a_person_has_of_their_own(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = build(tmp_path / "site", database_url=database_url)
    with Site.open(tmp_path / "site", database_url=database_url) as site:
        ben = site.principal(ids["ben"])
        [client] = site.records.create(SYSTEM, "client", [{"name": "Acme"}])
        mine, other = site.records.create(
            SYSTEM,
            "deal",
            [{"name": "Mine", "owner": ids["ben"], "client": client.id}, {"name": "Other", "owner": ids["cao"]}],
        )

        assert site.settings.keep(ben, {"theme": "dark", "first_day": "sun"}) == Tastes(theme="dark", first_day="sun")
        assert site.principal(ids["ben"]).tastes.week_begins == 6
        assert site.settings.keep(ben, {"theme": "light"}).first_day == "sun"
        with pytest.raises(RecordInvalid) as refused:
            site.settings.keep(ben, {"theme": "plaid", "nonsense": "x", "start": "//evil.example"})
        assert [each.path for each in refused.value.problems] == ["theme", "nonsense", "start"]
        with pytest.raises(AccessDenied):
            site.settings.keep(Principal(ids["ben"], "Ben", scopes=frozenset({"*"})), {"theme": "dark"})

        assert site.stars.put(ben, "deal", [mine.id, other.id, mine.id]) == 2
        assert site.stars.put(ben, "client", [client.id]) == 1
        monkeypatch.setattr("engine.personal.stars.MOST_STARS", 3)
        with pytest.raises(TooManyStars):
            site.stars.put(ben, "deal", ["0190a1b2-0000-7000-8000-000000000000"])
        site.visits.note(ben, "deal", mine.id)
        site.visits.note(ben, "client", client.id)
        site.visits.flush()
        with site.reading(ben) as reader:
            assert {each.title for each in reader.remembered("person_star")} == {"Mine", "Acme"}
            assert {each.title for each in reader.remembered("person_visit")} == {"Mine", "Acme"}
            assert site.stars.among(reader.connection, ben, "deal", [mine.id]) == {mine.id}
            assert [(each.entity.key, str(each.count)) for each in hanging(reader, "client", [client.id])] == [
                ("deal", "1")
            ]

        check_scenes(site, ids)

        site.records.update(SYSTEM, "deal", [Change(mine.id, {"owner": ids["cao"]})])
        with site.reading(ben) as reader:
            assert [each.title for each in reader.remembered("person_star")] == ["Acme"]
        ada = site.principal(ids["ada"])
        site.records.delete(ada, "client", [client.id])
        site.records.purge(ada, "client", [client.id])
        with site.database.read() as connection:
            for table in ("person_star", "person_visit"):
                rows = connection.exec_driver_sql(f"SELECT entity FROM {table}").fetchall()
                assert {row[0] for row in rows} == {"deal"}


def check_scenes(site: Site, ids: dict[str, str]) -> None:
    """Views that come by themselves show what a person has of their own, of what they may see."""
    [fresh] = site.records.create(SYSTEM, "deal", [{"name": "Fresh", "owner": ids["ben"]}])
    site.records.update(SYSTEM, "user", [Change(ids["ben"], {"manager": ids["cao"]})])
    ben, cao = (site.principal(ids[each]) for each in ("ben", "cao"))
    site.visits.note(ben, "deal", fresh.id)
    site.visits.flush()
    with site.reading(ben) as reader:
        assert found(reader, "deal.starred") == ["Mine"]
        first = reader.query(of_view(reader, "deal.seen", limit=1))
        second = reader.query(of_view(reader, "deal.seen", limit=1, cursor=first.next_cursor))
        assert [row["name"] for rows in (first, second) for row in rows.dicts()] == ["Fresh", "Mine"]
        assert found(reader, "client.starred") == ["Acme"]
        assert reader.count(of_view(reader, "deal.starred")).number == 1
        assert not offered(reader.access, reader.model.views["deal.reports"])
        query = Query("deal", ("name",), where=parse("client in user.starred and len(user.starred) == 3"))
        assert [row["name"] for row in reader.query(query).dicts()] == ["Mine"]
    with site.reading(cao) as reader:
        assert offered(reader.access, reader.model.views["deal.reports"])
        assert found(reader, "deal.reports") == ["Fresh", "Mine"]
        assert found(reader, "deal.starred") == []
    with site.reading(SYSTEM) as reader:
        assert found(reader, "deal.reports") == found(reader, "deal.seen") == []


def of_view(reader: Reader, key: str, **values: Any) -> Query:
    """The query of a view."""
    view = reader.model.views[key]
    order = view.order if view.scene == "seen" else (Order(("name",)),)
    return Query(view.entity, ("name",), where=view.where, order_by=order, **values)


def found(reader: Reader, key: str) -> list[str]:
    """The names of the records that a view shows."""
    return [row["name"] for row in reader.query(of_view(reader, key)).dicts()]
