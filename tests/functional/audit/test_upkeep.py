"""What a site does by itself while it is served: seal, write meters down, look for alarms, remove old events."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from engine import Event, Site, Wanted, clock
from engine.alarms import Upkeep
from engine.audit.meters import KEPT
from engine.storage.database import run


def wait_for(what: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_served_site_seals_counts_and_rings_by_itself(site: Site, people: dict[str, str]) -> None:
    upkeep = Upkeep(site.trail, site.meters, site.alarms, tick=0.02)
    upkeep.start()
    try:
        site.trail.tell(Event("rights_changed", people["ada"], "user", people["ben"], details={"gained": ["admin"]}))
        site.meters.count(people["ben"], "list", "deal", 5)

        wait_for(lambda: site.alarms.unread and not site.meters.due)
    finally:
        upkeep.stop()
    assert site.trail.check().pending == 0


def test_what_was_not_written_down_yet_is_when_it_stops(site: Site, people: dict[str, str]) -> None:
    upkeep = Upkeep(site.trail, site.meters, site.alarms, tick=60)
    upkeep.start()
    site.trail.tell(Event("export", people["ben"], "deal"))
    site.meters.count(people["ben"], "list", "deal", 5)

    upkeep.stop()

    assert not site.meters.due
    assert site.trail.check().pending == 0


def test_events_and_counts_that_have_had_their_time_go_and_the_log_still_holds(
    site: Site, people: dict[str, str]
) -> None:
    now = datetime.now(UTC)
    with clock.set_to(now - KEPT - timedelta(days=1)):
        site.trail.tell(Event("export", people["ben"], "deal", number=1))
        site.meters.count(people["ben"], "list", "deal", 5)
        site.meters.flush()
    site.trail.seal()
    site.trail.tell(Event("export", people["ben"], "deal", number=2))

    Upkeep(site.trail, site.meters, site.alarms, audit_days=30).daily()

    with site.database.read() as connection:
        exports = site.trail.entries(connection, Wanted(kinds=("export",)))
        assert site.meters.since(connection, ["list"], now - timedelta(days=200)) == []
        [trimmed] = site.trail.entries(connection, Wanted(kinds=("log_trimmed",)))
    assert [each.number for each in exports] == [2]
    assert trimmed.number >= 1
    assert site.trail.check().broken is None


def test_a_log_that_somebody_tampered_with_rings(site: Site, people: dict[str, str]) -> None:
    site.trail.tell(Event("export", people["ben"], "deal", number=77))
    site.alarms.evaluate()
    upkeep = Upkeep(site.trail, site.meters, site.alarms)
    upkeep.daily()
    assert "core.log_broken" not in [each.alert for each in site.alarms.evaluate()]
    with site.database.write() as connection:
        run(connection, "UPDATE audit_event SET number = 1 WHERE number = 77")

    upkeep.daily()

    assert "core.log_broken" in [each.alert for each in site.alarms.evaluate()]
