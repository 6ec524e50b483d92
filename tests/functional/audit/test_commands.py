"""`guanxi audit`, `guanxi alerts` and `guanxi doctor --audit`, as people type them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine import Event, Site, clock
from engine.storage.database import run
from tests.functional.commands.conftest import run_here


@pytest.fixture
def folder(made: tuple[Path, str | None, dict[str, str]], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The site that commands work on; its log begins with this test."""
    folder, url, _ = made
    if url is not None:
        monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("GUANXI_SITE", str(folder))
    with Site.open(folder) as site, site.database.write() as connection:
        for table in ("audit_event", "audit_seal"):
            run(connection, f"DELETE FROM {table}")
        run(connection, "UPDATE audit_chain SET place = 0, hash = '', low = 0, mark_seq = 0, mark_transaction = 0")
        run(connection, "UPDATE alert_watch SET place = 0 WHERE name = 'events'")
    return folder


def note(folder: Path, *events: Event) -> None:
    with Site.open(folder) as site:
        for each in events:
            site.trail.tell(each)


def test_the_log_is_shown_filtered_and_for_machines(folder: Path, people: dict[str, str]) -> None:
    ben = people["ben"]
    note(
        folder,
        Event("export", ben, "deal", number=1204, details={"format": "csv"}),
        Event("import", people["ada"], "deal", number=2, details={"file": "deals.csv"}),
    )
    with clock.set_to(datetime.now(UTC) - timedelta(days=9)):
        note(folder, Event("purge", ben, "deal"))

    assert "Ben exported 1,204 deals as CSV" in run_here("audit").out
    assert "purge" not in run_here("audit", "--json").out
    old = run_here("audit", "--since", "30d", "--person", "ben@example.com", "--json").json
    assert [each["kind"] for each in old] == ["export", "purge"]
    [one] = run_here("audit", "--kind", "import", "--json").json
    assert (one["number"], one["details"], one["said"]) == (
        2, {"file": "deals.csv"}, "Ada imported 2 deals from deals.csv",
    )  # fmt: skip
    wrong = run_here("audit", "--kind", "exprt")
    assert (wrong.code, "There is no kind of event exprt" in wrong.err) == (1, True)
    assert run_here("audit", "--since", "soon").code == 1


def test_the_log_is_checked_against_a_head_that_was_kept(folder: Path, people: dict[str, str]) -> None:
    note(folder, *(Event("export", people["ben"], "deal", number=number) for number in range(5)))
    head = run_here("audit", "head").out.strip()

    good = run_here("doctor", "--audit", "--head", head)
    with Site.open(folder) as site, site.database.write() as connection:
        run(connection, "DELETE FROM audit_event WHERE number = 2")
    bad = run_here("doctor", "--audit", "--json")

    assert (good.code, f"the head is {head}" in good.out) == (0, True)
    assert (bad.code, bad.json["broken"]["fault"], bad.json["broken"]["place"]) == (1, "deleted", 3)
    assert run_here("doctor", "--audit", "--head", "7").code == 1


def test_a_round_of_alarms_is_looked_at_by_hand(folder: Path, people: dict[str, str]) -> None:
    note(folder, Event("rights_changed", people["ada"], "user", people["ben"], details={"gained": ["admin"]}))

    first, second = run_here("alerts", "run"), run_here("alerts", "run", "--json")
    listed = run_here("alerts", "list", "--json").json

    assert "high: Somebody became an administrator" in first.out
    assert second.json == []
    assert "core.new_administrator" in [each["alert"] for each in listed]
