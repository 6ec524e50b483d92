"""What one person has of their own, on both databases: settings, stars, visits, and what hangs on records."""

from pathlib import Path

import pytest

from engine import (
    SYSTEM,
    AccessDenied,
    Change,
    Principal,
    RecordInvalid,
    Site,
    Tastes,
    TooManyStars,
    hanging,
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
