"""The pages of the log and of alarms answer on both databases, and the numbers behind them are the same."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine import Event, Origin, Site, Wanted, acting_from, clock
from tests.functional.audit.conftest import PASSWORD
from ui.app import create_app

NOON = datetime(2026, 3, 4, 4, 0, tzinfo=UTC)


def test_the_log_is_counted_by_day_place_person_and_details(site: Site, people: dict[str, str]) -> None:
    ben, ada = people["ben"], people["ada"]
    for day, who, address in ((0, ben, "203.0.113.7"), (0, ben, "203.0.113.7"), (1, ada, None)):
        with clock.set_to(NOON + timedelta(days=day)), acting_from(Origin("web", address)):
            site.trail.tell(Event("sign_in", who, "user", who, 2, {"method": "password"}))

    with site.database.read() as connection:
        found = {
            by: {
                row[0] if row[0] is None else str(row[0]): row[1:]
                for row in site.trail.counts(connection, WANTED, (by,))
            }
            for by in ("day", "address", "actor_id", "details", "kind")
        }

    assert found["day"] == {"2026-03-04": (2, 4), "2026-03-05": (1, 2)}
    assert found["address"] == {"203.0.113.7": (2, 4), None: (1, 2)}
    assert found["actor_id"] == {ben: (2, 4), ada: (1, 2)}
    assert found["details"] == {'{"method":"password"}': (3, 6)}
    assert found["kind"] == {"sign_in": (3, 6)}


WANTED = Wanted(kinds=("sign_in",), since=NOON - timedelta(hours=1))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_page_of_the_log_and_of_alarms_answers(
    site: Site, people: dict[str, str], language: str, tmp_path: Path
) -> None:
    with clock.set_to(NOON.replace(hour=15)), acting_from(Origin("web", "203.0.113.7", "Firefox/1")):
        for number in range(60):
            site.trail.tell(Event("export", people["ben"], "deal", number=number, details={"format": "csv"}))
        [raised] = site.alarms.evaluate()
    client = create_app(site).test_client()
    secret = site.identity.sign_in("ada@example.com", PASSWORD).secret
    client.set_cookie("guanxi", secret)
    client.set_cookie("guanxi_language", language)

    pages = {
        address: client.get(address, buffered=True)
        for address in (
            f"/admin/audit?kind=export&person={people['ben']}&address=203.0.113.7&since=2026-03-01&until=2026-03-31",
            "/admin/audit?cursor=2026-03-04T15:00:00.000%2B00:00~40",
            f"/admin/audit?record={people['ben']}&entity=user",
            "/admin/audit/export.csv?kind=export",
            "/admin/alerts?state=all&alert=core.off_hours",
            f"/admin/alerts/{raised.id}",
            "/admin/security?days=90",
        )
    }

    assert {address: answer.status_code for address, answer in pages.items()} == dict.fromkeys(pages, 200)
    assert next(iter(pages.values())).text.count("<summary>") >= 50
