"""The change feed over HTTP: what became of records, for programs that keep a copy."""

import threading
import time
from typing import Any

import pytest

from engine import SYSTEM, Feed
from engine.data.feed import changes_after, forget
from engine.storage.database import run
from tests.functional.api.conftest import Api


def feed(api: Api, query: str = "", who: str = "doctor") -> dict[str, Any]:
    """Return the answer of the feed."""
    answer = api.send("GET", f"/changes{query}", who)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    found: dict[str, Any] = answer.get_json()
    return found


def told(page: dict[str, Any]) -> list[tuple[str, int, str]]:
    """Return (id, version, action) of each change on a page."""
    return [(each["id"], each["version"], each["action"]) for each in page["data"]]


def test_every_version_is_told_once_and_in_order(api: Api) -> None:
    start = feed(api, "?after=now")
    assert start["data"] == []
    one = api.create("visit", subject="One", fee="5")["id"]
    two = api.create("visit", subject="Two")["id"]
    api.send("PATCH", f"/visit/{one}", json={"fee": "6"})
    api.send("POST", f"/visit/{one}/transition/see")
    api.send("DELETE", f"/visit/{two}")
    api.send("POST", f"/visit/{two}/restore")

    first = feed(api, f"?after={start['next']}&limit=4")
    rest = feed(api, f"?after={first['next']}")

    assert told(first) == [(one, 1, "create"), (two, 1, "create"), (one, 2, "update"), (one, 3, "transition")]
    assert told(rest) == [(two, 2, "delete"), (two, 3, "restore")]
    assert (first["more"], rest["more"]) == (True, False)
    changed = first["data"][2]
    assert changed["changes"] == {"fee": ["5.00", "6.00"]}
    assert changed["changed"] == ["fee"]
    assert changed["actor"] == {"id": api.ids["doctor"], "name": "Doctor"}
    assert feed(api, f"?after={rest['next']}") == {"data": [], "next": rest["next"], "more": False}


def test_only_records_and_fields_in_reach_are_told(api: Api) -> None:
    start = feed(api, "?after=now")["next"]
    hers = api.create("visit", "nurse", subject="Hers")["id"]
    api.create("visit", subject="The doctor's", cost="9")
    api.send("PATCH", f"/visit/{hers}", json={"cost": "7", "fee": "1"})

    page = feed(api, f"?after={start}", "nurse")

    assert told(page) == [(hers, 1, "create"), (hers, 2, "update")]
    assert page["data"][1]["changed"] == ["fee"]
    assert feed(api, f"?after={start}", "other")["data"] == []
    assert feed(api, f"?after={start}&entity=patient")["data"] == []


def test_whoever_gives_a_record_away_learns_that_it_is_gone_and_nothing_more(api: Api) -> None:
    hers = api.create("visit", "nurse", subject="Hers")["id"]
    start = feed(api, "?after=now")["next"]
    api.send("PATCH", f"/visit/{hers}", json={"owner": api.ids["other"]})
    api.send("PATCH", f"/visit/{hers}", json={"subject": "No longer hers"})

    [gone] = feed(api, f"?after={start}", "nurse")["data"]

    assert (gone["id"], gone["action"], gone["actor"], gone["changes"]) == (hers, "gone", None, {})
    assert [each["action"] for each in feed(api, f"?after={start}", "other")["data"]] == ["update", "update"]


def test_what_is_gone_for_good_is_told_to_those_who_reach_all_and_numbers_never_come_again(api: Api) -> None:
    start = feed(api, "?after=now")["next"]
    one = api.create("visit", "nurse", subject="One")["id"]
    api.send("DELETE", f"/visit/{one}", "nurse")
    seen = feed(api, f"?after={start}")["next"]
    api.site.records.purge(SYSTEM, "visit", [one])

    page = feed(api, f"?after={seen}")
    two = api.create("visit", subject="Two")["id"]

    assert told(page) == [(one, 3, "purge")]
    assert told(feed(api, f"?after={page['next']}")) == [(two, 1, "create")]
    assert feed(api, f"?after={start}", "nurse")["data"] == []


def test_what_the_feed_tells_counts_as_read(api: Api) -> None:
    start = feed(api, "?after=now")["next"]
    for number in range(3):
        api.create("visit", "nurse", subject=f"Visit {number}")

    def read() -> int:
        api.site.meters.flush()
        with api.site.database.read() as connection:
            mark = "?" if api.site.database.dialect == "sqlite" else "%s"
            text = f"SELECT coalesce(sum(number), 0) FROM reading_meter WHERE actor_id = {mark} AND kind = 'list'"
            return int(run(connection, text, (api.ids["nurse"],)).fetchone()[0])

    before = read()
    feed(api, f"?after={start}", "nurse")

    assert read() == before + 3


def test_a_wrong_question_is_answered_with_its_reason(api: Api) -> None:
    for query, status in (
        ("?after=x", 400), ("?after=-1", 400), ("?limit=0", 400), ("?limit=1001", 400), ("?wait=a", 400),
        ("?afer=1", 400), ("?entity=nothing", 404),
    ):  # fmt: skip
        answer = api.send("GET", f"/changes{query}")
        assert (query, answer.status_code) == (query, status)
        assert answer.mimetype == "application/problem+json"
    assert api.app.test_client().get("/api/v1/changes?after=now").status_code == 401


def test_forgotten_changes_are_gone_and_said_to_be(api: Api) -> None:
    start = feed(api, "?after=now")["next"]
    for number in range(4):
        api.create("visit", subject=f"Visit {number}")
    end = feed(api, f"?after={start}")["next"]
    later = "9999-01-01T00:00:00.000Z"

    assert forget(api.site.database, later, 3) == 3
    gone = feed(api)["data"][0]["seq"] - 1
    assert forget(api.site.database, later, 1000) > 0
    made = api.create("visit", subject="After all that")["id"]

    answer = api.send("GET", f"/changes?after={gone}")
    assert answer.status_code == 410
    assert answer.get_json()["type"] == "urn:guanxi:changes-forgotten"
    assert told(feed(api, f"?after={end}")) == [(made, 1, "create")]
    # The newest change stayed, so that its number is not given again.
    assert [each[2] for each in told(feed(api))] == ["create", "create"]


def test_a_request_may_wait_for_the_next_change(api: Api) -> None:
    start = feed(api, "?after=now")["next"]
    later = threading.Timer(0.4, lambda: api.create("visit", subject="At last"))
    later.start()
    began = time.monotonic()

    page = feed(api, f"?after={start}&wait=10")

    later.join()
    assert [each["changes"]["subject"] for each in page["data"]] == [[None, "At last"]]
    assert 0.3 < time.monotonic() - began < 5
    began = time.monotonic()
    assert feed(api, f"?after={page['next']}&wait=1")["data"] == []
    assert 0.9 < time.monotonic() - began < 4


def test_only_some_requests_wait_at_a_time(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    from ui.api import changes

    monkeypatch.setattr(changes, "_places", threading.BoundedSemaphore(1))
    start = feed(api, "?after=now")["next"]
    first = threading.Thread(target=feed, args=(api, f"?after={start}&wait=2"))
    first.start()
    time.sleep(0.5)
    began = time.monotonic()
    answer = api.send("GET", f"/changes?after={start}&wait=2")
    assert time.monotonic() - began < 1
    first.join()

    assert (answer.status_code, answer.headers["Retry-After"], answer.get_json()["data"]) == (200, "5", [])


def test_nothing_is_left_out_or_told_twice_while_many_write(api: Api) -> None:
    """A lower number may show up after a higher one; whoever reads meanwhile must not run past it."""
    site, start = api.site, api.site.feed.settled()
    done = threading.Event()

    def write(number: int) -> None:
        for turn in range(8):
            rows = [{"subject": f"{number}.{turn}.{row}"} for row in range(1 + (number + turn) % 4)]
            with site.records.begin() as connection:
                site.records.create(SYSTEM, "visit", rows, connection=connection)
                time.sleep(0.002 * ((number * 7 + turn * 3) % 5))
                site.records.create(SYSTEM, "visit", rows[:1], connection=connection)

    seen: list[list[int]] = [[], []]

    def read(into: list[int]) -> None:
        own, after = Feed(site.database), start
        while True:
            last = done.is_set()
            settled = own.settled(0.05 if not last else 5)
            with site.reading(SYSTEM) as reader:
                page = changes_after(reader, after, settled, limit=7)
            into += [entry.seq for entry in page.entries]
            after = page.next
            if last and after >= own.newest():
                return

    readers = [threading.Thread(target=read, args=(into,)) for into in seen]
    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for each in (*readers, *writers):
        each.start()
    for each in writers:
        each.join()
    done.set()
    for each in readers:
        each.join()

    with site.database.read() as connection:
        mark = "?" if site.database.dialect == "sqlite" else "%s"
        rows = run(connection, f"SELECT seq FROM record_change WHERE seq > {mark} ORDER BY seq", (start,)).fetchall()
    assert seen == [[row[0] for row in rows]] * 2
    assert len(rows) > 60
