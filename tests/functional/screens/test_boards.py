"""Displays of lists that are no tables: board, calendar, timeline, tree, list beside record, distances."""

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from engine import SYSTEM, Change, clock
from engine.personal.feeds import READS_PER_MINUTE
from tests.functional.screens import yard as documents
from tests.functional.screens.world import World, build, words
from tests.sites import copied
from ui.app import create_app
from ui.pages.boards.when import shifted


@pytest.fixture(scope="module")
def yard_pattern(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    folder = tmp_path_factory.mktemp("yard") / "site"
    return folder, build(folder, documents.DOCUMENTS, people=documents.PEOPLE)


@pytest.fixture
def yard(yard_pattern: tuple[Path, dict[str, str]], tmp_path: Path) -> Iterator[World]:
    """A yard of this test's own, without records."""
    folder, ids = yard_pattern
    with copied(folder, tmp_path / "site") as site:
        yield World(site, create_app(site), ids)


def value(world: World, entity: str, record_id: str, key: str) -> object:
    with world.site.reading(SYSTEM) as reader:
        return reader.record(entity, record_id, (key,)).values()[key]


# --- the board


def columns(page: str) -> dict[str, str]:
    """Return the words of each column of a board by its value."""
    found = re.findall(r'(?s)<section class="board-column[^"]*" data-column="([^"]*)".*?>(.*?)</section>', page)
    return {name: words(html) for name, html in found}


def cards(page: str) -> dict[str, list[str]]:
    """Return the titles of the cards by column."""
    found = re.findall(
        r'(?s)<li class="card board-card".*?data-column="([^"]*)".*?class="board-card-title"[^>]*>(.*?)</a>', page
    )
    made: dict[str, list[str]] = {}
    for name, title in found:
        made.setdefault(name, []).append(title)
    return made


@pytest.fixture
def jobs(yard: World) -> dict[str, str]:
    """Four jobs of Wim and one of Fay."""
    wim, fay = yard.ids["wim"], yard.ids["fay"]
    ids = yard.create(
        "job",
        {"name": "Barn", "price": "1000.50", "owner": wim, "kind": "wood"},
        {"name": "Cart", "price": "20", "owner": wim},
        {"name": "Door", "owner": wim, "price": "0"},
        {"name": "Evil <b>", "owner": wim, "stage": "begun", "price": "5"},
        {"name": "Fence", "owner": fay, "stage": "done", "price": "7000"},
    )
    return dict(zip(("barn", "cart", "door", "evil", "fence"), ids, strict=True))


def test_a_board_has_a_column_for_each_option_with_its_cards_and_sums(yard: World, jobs: dict[str, str]) -> None:
    page = yard.browser("ada").text("/job?as=kanban")

    assert cards(page) == {"planned": ["Barn", "Cart", "Door"], "begun": ["Evil &lt;b&gt;"], "done": ["Fence"]}
    found = columns(page)
    assert list(found) == ["planned", "begun", "done", "dropped"]
    assert found["planned"].startswith("Planned 3 ¥1,020.50")
    assert found["begun"].startswith("Begun 1/2 ¥5")
    assert found["dropped"].startswith("Dropped 0")
    assert "Evil <b>" not in page


def test_a_board_shows_what_its_reader_may_see(yard: World, jobs: dict[str, str]) -> None:
    worker, guest = yard.browser("wim"), yard.browser("gus")

    assert cards(worker.text("/job?as=kanban")) == {"planned": ["Barn", "Cart", "Door"], "begun": ["Evil &lt;b&gt;"]}
    page = guest.text("/job?as=kanban")
    assert "¥" not in page
    assert "data-moving" not in page
    assert "Wood" not in guest.text("/job?as=kanban&by=kind")


def test_a_board_keeps_the_filter_and_the_words_of_its_list(yard: World, jobs: dict[str, str]) -> None:
    web = yard.browser("ada")

    assert cards(web.text("/job?as=kanban&kind=wood")) == {"planned": ["Barn"]}
    assert cards(web.text("/job?as=kanban&q=cart")) == {"planned": ["Cart"]}
    page = web.text("/job?kind=wood&q=barn")
    [address] = re.findall(r'href="(/job\?[^"]*as=kanban[^"]*)"', page)[:1]
    assert "kind=wood" in address
    assert "q=barn" in address
    assert web.get("/job?as=kanban&filter=nothing+like+it").status_code == 422


def test_the_columns_of_a_board_are_made_of_any_select_flag_or_link(yard: World, jobs: dict[str, str]) -> None:
    web = yard.browser("ada")

    assert cards(web.text("/job?as=kanban&by=kind"))["wood"] == ["Barn"]
    assert list(columns(web.text("/job?as=kanban&by=urgent"))) == ["-", "yes", "no"]
    by_owner = columns(web.text("/job?as=kanban&by=owner"))
    assert [each.split()[0] for each in by_owner.values()] == ["Fay", "Wim"]
    # What cannot make columns is as if it was not asked for.
    assert list(columns(web.text("/job?as=kanban&by=price"))) == ["planned", "begun", "done", "dropped"]


def test_a_column_gives_its_further_cards_when_asked(yard: World) -> None:
    yard.create("job", *({"name": f"Job {number:02}", "owner": yard.ids["wim"]} for number in range(45)))
    web = yard.browser("wim")
    page = web.text("/job?as=kanban")
    shown = cards(page)["planned"]
    while more := re.findall(r'hx-get="(/job/board/cards[^"]*)"', page):
        page = web.text(more[0].replace("&amp;", "&"), **{"HX-Request": "true"})
        shown += cards(page)["planned"]

    assert shown == [f"Job {number:02}" for number in range(45)]


def test_a_card_goes_to_another_column_by_a_transition_and_comes_back_by_undo(
    yard: World, jobs: dict[str, str]
) -> None:
    web = yard.browser("wim")
    menu = web.text(f"/job/{jobs['barn']}/board/move?as=kanban")
    assert "no step leads there" in words(menu)
    version = re.findall(r'name="version" value="(\d+)"', menu)[0]

    done = web.submit(f"/job/{jobs['barn']}/board/move", {"to": "begun", "version": version, "back": "/job?as=kanban"})
    page = web.follow(done)

    assert cards(page)["begun"] == ["Barn", "Evil &lt;b&gt;"]
    [undo] = re.findall(r'action="(/job/undo/[^"]*)"', page)
    web.submit(undo)
    assert value(yard, "job", jobs["barn"], "stage") == "planned"


def test_a_move_that_a_guard_refuses_leaves_the_card_and_says_why(yard: World, jobs: dict[str, str]) -> None:
    web = yard.browser("wim")
    back = {"back": "/job?as=kanban"}

    free = web.follow(web.submit(f"/job/{jobs['door']}/board/move", {"to": "begun", **back}))
    assert "Work that is free is not begun" in free
    far = web.follow(web.submit(f"/job/{jobs['cart']}/board/move", {"to": "done", **back}))
    assert "No step leads from “Planned” to “Done so far”" in far
    role = web.follow(web.submit(f"/job/{jobs['evil']}/board/move", {"to": "done", **back}))
    assert "that you may make" in role
    assert cards(role) == {"planned": ["Barn", "Cart", "Door"], "begun": ["Evil &lt;b&gt;"]}


def test_a_script_is_answered_with_the_card_as_it_is_and_the_heads(yard: World, jobs: dict[str, str]) -> None:
    web = yard.browser("wim")
    asked = {"HX-Request": "true"}

    done = web.submit(f"/job/{jobs['barn']}/board/move", {"to": "begun"}, **asked)
    refused = web.submit(f"/job/{jobs['door']}/board/move", {"to": "begun"}, **asked)

    assert done.status_code == 200
    assert cards(done.text) == {"begun": ["Barn"]}
    assert "Begun 2/2" in words(done.text)
    assert refused.status_code == 422
    assert cards(refused.text) == {"planned": ["Door"]}
    assert "“Begun” is full" in refused.text


def test_a_move_that_needs_more_leads_to_the_form_that_asks_for_it(yard: World, jobs: dict[str, str]) -> None:
    web = yard.browser("wim")

    sent = web.submit(f"/job/{jobs['cart']}/board/move", {"to": "dropped", "back": "/job?as=kanban&by=stage"})
    assert sent.status_code == 303
    form = web.text(sent.headers["Location"])
    assert "Why dropped" in form
    assert 'name="back" value="/job?as=kanban&amp;by=stage"' in form
    asked = web.submit(f"/job/{jobs['cart']}/board/move", {"to": "dropped"}, **{"HX-Request": "true"})
    assert asked.headers["HX-Redirect"].startswith(f"/job/{jobs['cart']}/transition/drop")
    filled = {"asked": "why", "why": "No wood", "was-why": "", "back": "/job?as=kanban"}
    page = web.follow(web.submit(f"/job/{jobs['cart']}/transition/drop", filled))
    assert cards(page)["dropped"] == ["Cart"]


def test_a_move_of_what_somebody_else_moved_shows_where_it_is_now(yard: World, jobs: dict[str, str]) -> None:
    web = yard.browser("fay")
    version = value(yard, "job", jobs["barn"], "version")
    yard.site.records.transition(SYSTEM, "job", [jobs["barn"]], "begin")

    answer = web.submit(
        f"/job/{jobs['barn']}/board/move", {"to": "dropped", "version": version}, **{"HX-Request": "true"}
    )

    assert cards(answer.text) == {"begun": ["Barn"]} or "HX-Redirect" in answer.headers
    assert value(yard, "job", jobs["barn"], "stage") == "begun"


def test_a_field_that_is_no_state_is_changed_by_a_move(yard: World, jobs: dict[str, str]) -> None:
    web = yard.browser("wim")

    web.submit(f"/job/{jobs['cart']}/board/move?by=kind", {"to": "iron"})
    assert value(yard, "job", jobs["cart"], "kind") == "iron"
    web.submit(f"/job/{jobs['cart']}/board/move?by=kind", {"to": "-"})
    assert value(yard, "job", jobs["cart"], "kind") is None
    assert web.submit(f"/job/{jobs['cart']}/board/move?by=kind", {"to": "gold"}).status_code == 404
    # Somebody else's record is as if it was not there, and who may only read moves nothing.
    told = web.follow(web.submit(f"/job/{jobs['fence']}/board/move?by=kind", {"to": "iron", "back": "/job?as=kanban"}))
    assert "alert-danger" in told
    guest = yard.browser("gus")
    guest.submit(f"/job/{jobs['fence']}/board/move", {"to": "dropped", "back": "/job?as=kanban"})
    assert value(yard, "job", jobs["fence"], "stage") == "done"


def test_a_column_takes_a_new_record_by_its_name_alone(yard: World) -> None:
    web = yard.browser("wim")

    # Of the states only that where jobs start offers it.
    [form] = re.findall(r'(?s)<form method="post" action="/job/new">(.*?)</form>', web.text("/job?as=kanban"))
    values = dict(re.findall(r'name="([\w-]+)" value="([^"]*)"', form)) | {"name": "Gate"}
    page = web.follow(web.submit("/job/new", values))

    assert cards(page) == {"planned": ["Gate"]}


def test_a_board_costs_few_statements(yard: World) -> None:
    yard.create(
        "job",
        *(
            {"name": f"Job {number}", "stage": stage, "owner": yard.ids["wim"]}
            for number in range(30)
            for stage in ("planned", "done")
        ),
    )
    web = yard.browser("wim")
    web.text("/job?as=kanban")

    with yard.statements() as seen:
        web.text("/job?as=kanban")

    assert 0 < len(seen) <= 5, seen


# --- the calendar


def on_days(page: str) -> dict[str, int]:
    """Return how many events each day of a month has."""
    found = re.findall(r'data-day="([\d-]+)">\s*<a class="cal-number"[^>]*aria-label="[^"]*?(?:: (\d+))?"', page)
    return {day: int(count) for day, count in found if count}


@pytest.fixture
def meetings(yard: World) -> dict[str, str]:
    """Jobs with meetings around the night from the 9th to the 10th of March 2026, where the site is (Shanghai)."""
    wim = yard.ids["wim"]
    rows = {
        "night": {"meets_at": "2026-03-09T15:30:00Z", "leaves_at": "2026-03-09T17:00:00Z"},
        "morning": {"meets_at": "2026-03-10T01:15:00Z", "leaves_at": "2026-03-10T02:00:00Z", "kind": "wood"},
        "same": {"meets_at": "2026-03-10T01:30:00Z", "leaves_at": "2026-03-10T03:00:00Z"},
        "long": {"meets_at": "2026-03-29T16:00:00Z", "leaves_at": "2026-04-02T04:00:00Z"},
        "days": {"begins_on": "2026-03-11", "ends_on": "2026-03-16"},
    }
    ids = yard.create("job", *({"name": name.title(), "owner": wim, **row} for name, row in rows.items()))
    return dict(zip(rows, ids, strict=True))


def test_a_month_shows_each_event_on_the_days_that_it_has_where_its_reader_is(
    yard: World, meetings: dict[str, str]
) -> None:
    page = yard.browser("wim").text("/job?as=calendar&on=2026-03-15")

    # 15:30 to 17:00 in Greenwich is 23:30 to 1:00 in Shanghai: both days.
    expected = {"2026-03-09": 1, "2026-03-10": 3}
    expected.update({f"2026-03-{day}": 1 for day in (30, 31)} | {f"2026-04-0{day}": 1 for day in (1, 2)})
    assert on_days(page) == expected
    assert "March 2026" in page
    assert on_days(yard.browser("gus").text("/job?as=calendar&on=2026-03-15")) == expected
    assert on_days(yard.browser("fay").text("/job?as=calendar&on=2026-03-15&q=Night")) == {
        "2026-03-09": 1,
        "2026-03-10": 1,
    }


def test_a_calendar_of_days_takes_its_field_from_its_view_or_its_address(yard: World, meetings: dict[str, str]) -> None:
    web = yard.browser("wim")

    assert on_days(web.text("/job?view=job.days&on=2026-03-15")) == {f"2026-03-{day}": 1 for day in range(11, 17)}
    assert on_days(web.text("/job?as=calendar&by=ends_on&on=2026-03-15")) == {"2026-03-16": 1}
    assert 'class="board"' not in web.text("/job?view=job.days&as=table")


def test_a_week_puts_events_of_one_time_beside_one_another(yard: World, meetings: dict[str, str]) -> None:
    page = yard.browser("wim").text("/job?as=calendar&span=week&on=2026-03-10")

    assert re.search(r'cal-slot gt-19 gh-2 gi-0 gn-2[^>]*href="/job/' + meetings["morning"], page)
    assert re.search(r'cal-slot gt-20 gh-3 gi-1 gn-2[^>]*href="/job/' + meetings["same"], page)
    # Over midnight: the last half hour of one day, the first hour of the next.
    assert re.search(r'cal-slot gt-48 gh-1[^>]*href="/job/' + meetings["night"], page)
    assert re.search(r'cal-slot gt-1 gh-2[^>]*href="/job/' + meetings["night"], page)


def test_an_event_is_moved_by_days_and_minutes_and_taken_back(yard: World, meetings: dict[str, str]) -> None:
    web = yard.browser("wim")
    place, query = f"/job/{meetings['morning']}/board/when", "?as=calendar&on=2026-03-15"

    page = web.follow(web.submit(place + query, {"days": "2", "minutes": "30", "back": f"/job{query}"}))

    assert on_days(page)["2026-03-12"] == 1
    assert str(value(yard, "job", meetings["morning"], "meets_at")) == "2026-03-12 01:45:00+00:00"
    assert str(value(yard, "job", meetings["morning"], "leaves_at")) == "2026-03-12 02:30:00+00:00"
    web.submit(place + query, {"minutes": "60", "days": "0", "edge": "end"})
    assert str(value(yard, "job", meetings["morning"], "leaves_at")) == "2026-03-12 03:30:00+00:00"
    web.submit(re.findall(r'action="(/job/undo/[^"]*)"', page)[0])
    assert str(value(yard, "job", meetings["morning"], "meets_at")) == "2026-03-10 01:15:00+00:00"


def test_a_move_keeps_the_time_on_the_clock_when_clocks_change() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    friday = datetime(2026, 3, 27, 8, 0, tzinfo=UTC)  # nine o'clock, in winter time

    assert shifted(friday, timedelta(3), berlin) == datetime(2026, 3, 30, 7, 0, tzinfo=UTC)


def test_another_day_is_typed_into_a_form_that_says_what_is_wrong(yard: World, meetings: dict[str, str]) -> None:
    web = yard.browser("wim")
    place = f"/job/{meetings['days']}/board/when?view=job.days"
    form = web.text(place)
    assert 'type="date" name="begins_on" value="2026-03-11"' in form

    wrong = web.submit(place, {"begins_on": "2026-03-20", "ends_on": "2026-03-16"})
    assert wrong.status_code == 422
    assert "It ends before it begins" in wrong.text
    assert 'value="2026-03-20"' in wrong.text
    page = web.follow(
        web.submit(
            place, {"begins_on": "2026-03-20", "ends_on": "2026-03-21", "back": "/job?view=job.days&on=2026-03-01"}
        )
    )
    assert list(on_days(page)) == ["2026-03-20", "2026-03-21"]
    asked = web.submit(place, {"begins_on": "2026-03-22", "ends_on": "2026-03-21"}, **{"HX-Request": "true"})
    assert asked.status_code == 422
    assert "It ends before it begins" in asked.text
    assert 'class="calendar' in asked.text


def test_a_day_that_may_not_be_changed_is_not_moved(yard: World, meetings: dict[str, str]) -> None:
    guest = yard.browser("gus")

    assert "data-event" not in guest.text("/job?as=calendar&on=2026-03-15")
    guest.submit(f"/job/{meetings['days']}/board/when?view=job.days", {"days": "1"})
    assert str(value(yard, "job", meetings["days"], "begins_on")) == "2026-03-11"


def test_an_agenda_lists_days_and_a_calendar_costs_few_statements(yard: World, meetings: dict[str, str]) -> None:
    web = yard.browser("wim")

    page = words(web.text("/job?as=calendar&span=agenda&on=2026-03-09"))
    assert "Mon, Mar 9" in page
    assert "09:15–10:00 Morning" in page
    with yard.statements() as seen:
        web.text("/job?as=calendar&on=2026-03-15")
    assert 0 < len(seen) <= 5, seen


def test_a_day_that_there_is_not_is_today(yard: World) -> None:
    web = yard.browser("wim")
    for day in ("2026-02-31", "0001-01-01", "9999-12-31", "soon"):
        assert "cal-month" in web.text(f"/job?as=calendar&on={day}&span=century"), day
        assert "cal-heading" in web.text(f"/job?as=timeline&on={day}&span=century"), day


# --- calendars of other programs


def entries(data: bytes) -> list[Any]:
    """Return the events of a calendar file."""
    return list(Calendar.from_ical(data.decode()).walk("VEVENT"))


def test_a_secret_address_gives_another_calendar_what_its_person_may_see(
    yard: World, meetings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    web, program = yard.browser("wim"), yard.browser()
    yard.site.records.update(
        SYSTEM, "job", [Change(meetings["morning"], {"name": "A, b; c\\d", "meets_at": clock.now()})]
    )
    made = web.submit("/job/calendar/feed?as=calendar&kind=wood")
    [address] = re.findall(r'value="https?://[^/"]*(/files/calendar/[\w-]+\.ics)"', made.text)

    answer = program.get(address)

    assert answer.mimetype == "text/calendar"
    [event] = entries(answer.data)
    assert event["summary"] == "A, b; c\\d"
    assert event["uid"] == f"{meetings['morning']}.meets_at@guanxi"
    assert event["dtstart"].dt.utcoffset() == timedelta(0)
    assert program.get(address.replace(".ics", "x.ics")).status_code == 404
    assert web.text("/job/calendar/feed").count("/revoke") == 1
    assert address not in web.text("/job/calendar/feed")
    [revoke] = re.findall(r'action="(/job/calendar/feed/[^"]*/revoke)"', web.text("/job/calendar/feed"))
    assert yard.browser("fay").submit(revoke).status_code == 404
    web.submit(revoke)
    assert program.get(address).status_code == 404


def test_an_address_is_dead_when_its_person_is_and_when_it_is_asked_too_often(
    yard: World, meetings: dict[str, str]
) -> None:
    web, program = yard.browser("wim"), yard.browser()
    [address] = re.findall(r'(/files/calendar/[\w-]+\.ics)"', web.submit("/job/calendar/feed").text)[:1]

    answers = [program.get(address).status_code for _ in range(READS_PER_MINUTE + 1)]
    assert answers == [200] * READS_PER_MINUTE + [429]
    [other] = re.findall(r'(/files/calendar/[\w-]+\.ics)"', web.submit("/job/calendar/feed").text)[:1]
    assert program.get(other).status_code == 200
    yard.site.identity.disable(yard.ids["wim"])
    assert program.get(other).status_code == 404


def test_one_record_is_an_event_as_a_file(yard: World, meetings: dict[str, str]) -> None:
    web = yard.browser("wim")

    [event] = entries(web.get(f"/job/{meetings['days']}/calendar.ics?view=job.days").data)
    assert (str(event["dtstart"].dt), str(event["dtend"].dt)) == ("2026-03-11", "2026-03-17")
    assert web.get(f"/job/{meetings['days']}/calendar.ics").status_code == 404
    assert yard.browser("fay").get(f"/place/{meetings['days']}/calendar.ics").status_code == 404


# --- the timeline


def test_a_timeline_shows_bars_in_rows_and_lets_them_be_moved(yard: World) -> None:
    wim = {"owner": yard.ids["wim"]}
    ids = yard.create(
        "job",
        {"name": "Roof", "begins_on": "2026-03-01", "ends_on": "2026-03-30", "kind": "wood", **wim},
        {"name": "Gate", "begins_on": "2026-03-10", "ends_on": "2026-04-10", "kind": "iron", **wim},
        {"name": "Later", "begins_on": "2027-03-10", "ends_on": "2027-04-10", **wim},
        {"name": "Endless", "begins_on": "2026-03-20", **wim},
    )
    web = yard.browser("wim")

    page = web.text("/job?as=timeline&on=2026-03-15")
    assert re.findall(r'<span class="time-label">(.*?)</span>', page) == ["", "Iron", "Wood", "Empty"]
    assert re.findall(r'<text class="time-text"[^>]*>(.*?)</text>', page) == ["Gate", "Roof", "Endless"]
    assert "style=" not in re.sub(r"(?s)<head>.*</head>", "", page)
    owner = web.text("/job?as=timeline&on=2026-03-15&by=owner&span=year")
    assert re.findall(r'<span class="time-label">(.*?)</span>', owner) == ["", "Wim Oak"]
    web.submit(f"/job/{ids[0]}/board/when?as=timeline", {"days": "3", "edge": "end"})
    assert str(value(yard, "job", ids[0], "begins_on")) == "2026-03-01"
    assert str(value(yard, "job", ids[0], "ends_on")) == "2026-04-02"
    refused = web.submit(
        f"/job/{ids[0]}/board/when?as=timeline", {"days": "-90", "edge": "end", "back": "/job?as=timeline"}
    )
    assert "It ends before it begins" in web.follow(refused)
    assert "data-event" not in yard.browser("gus").text("/job?as=timeline&on=2026-03-15")


def test_a_timeline_that_has_more_bars_says_so_and_brings_them(yard: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.pages.boards.timeline.MOST", 2)
    monkeypatch.setattr("ui.pages.boards.timeline.MOST_BARS", 4)
    days = [{"name": f"Day {day}", "begins_on": f"2026-03-0{day}", "ends_on": "2026-03-20"} for day in range(1, 6)]
    yard.create("job", *({**each, "owner": yard.ids["wim"]} for each in days))
    web = yard.browser("wim")

    page = web.text("/job?as=timeline&on=2026-03-15")
    assert "The first 2 bars of this time, by their beginning." in words(page)
    more = html.unescape(re.findall(r'href="([^"]*bars=4)"', page)[0])
    page = web.text(more)

    bars = re.findall(r'<text class="time-text"[^>]*>(.*?)</text>', page)
    assert sorted(bars) == ["Day 1", "Day 2", "Day 3", "Day 4"]
    assert not re.search(r'bars=[^"]*" title="(?:Before|After)"', page)
    assert "narrow it down by a filter" in words(page)
    assert web.get("/job?as=timeline&bars=x9").status_code == 200


# --- the tree


@pytest.fixture
def places(yard: World) -> dict[str, str]:
    """Europe with Germany with Bonn and Köln, and China."""
    ids: dict[str, str] = {}
    for name, above in (("Europe", ""), ("Germany", "Europe"), ("Bonn", "Germany"), ("Köln", "Germany"), ("China", "")):
        [ids[name]] = yard.create("place", {"name": name, **({"above": ids[above]} if above else {})})
    return ids


def nodes(page: str) -> list[str]:
    return re.findall(r'<span class="tree-title">.*?<a href="[^"]*">(.*?)</a>', page)


def test_a_tree_opens_branch_by_branch_and_its_address_knows_which(yard: World, places: dict[str, str]) -> None:
    web = yard.browser("gus")
    page = web.text("/place?as=tree")
    assert nodes(page) == ["China", "Europe"]

    [turn] = re.findall(r'<a class="tree-turn"[^>]*>', page)
    assert 'aria-expanded="false" aria-label="1 below Europe"' in turn
    page = web.text(re.findall(r'href="([^"]*)"', turn)[0].replace("&amp;", "&"))
    assert nodes(page) == ["China", "Europe", "Germany"]
    page = web.text(f"/place?as=tree&open={places['Europe']},{places['Germany']},rubbish")
    assert nodes(page) == ["China", "Europe", "Germany", "Bonn", "Köln"]
    assert "data-moving" in yard.browser("wim").text("/place?as=tree")
    assert "data-moving" not in page


def test_what_is_found_in_a_tree_shows_the_way_down_to_it(yard: World, places: dict[str, str]) -> None:
    page = yard.browser("gus").text("/place?as=tree&q=bonn")

    assert nodes(page) == ["Bonn"]
    assert re.search(r"Europe . Germany . Bonn", words(page))


def test_a_branch_moves_but_never_below_itself(yard: World, places: dict[str, str]) -> None:
    web = yard.browser("wim")
    back = {"back": "/place?as=tree"}

    page = web.follow(web.submit(f"/place/{places['Europe']}/board/under", {"to": places["Bonn"], **back}))
    assert "“Bonn” is part of it already" in page
    assert value(yard, "place", places["Europe"], "above") is None
    web.submit(f"/place/{places['Germany']}/board/under", {"to": places["China"], **back})
    assert value(yard, "place", places["Germany"], "above") == places["China"]
    web.submit(f"/place/{places['Germany']}/board/under", {"to": "", **back})
    assert value(yard, "place", places["Germany"], "above") is None
    form = web.text(f"/place/{places['Bonn']}/board/under?back=/place")
    assert "Part of" in words(form)
    fields = dict(re.findall(r'<input[^>]*name="([\w-]+)"[^>]*value="([^"]*)"', form))
    assert "was-above" in fields
    asked = web.submit(f"/place/{places['China']}/board/under", {"to": places["China"]}, **{"HX-Request": "true"})
    assert asked.status_code == 422
    assert "Nothing is part of itself" in asked.text
    guest = yard.browser("gus")
    guest.submit(f"/place/{places['Bonn']}/board/under", {"to": places["China"]})
    assert value(yard, "place", places["Bonn"], "above") == places["Germany"]


def test_a_tree_costs_few_statements(yard: World, places: dict[str, str]) -> None:
    web = yard.browser("wim")
    address = f"/place?as=tree&open={places['Europe']},{places['Germany']}"
    web.text(address)
    with yard.statements() as seen:
        web.text(address)

    assert 0 < len(seen) <= 5, seen


# --- a list beside a record


def test_a_list_stands_beside_the_record_that_its_address_names(yard: World, jobs: dict[str, str]) -> None:
    web = yard.browser("wim")

    page = web.text(f"/job?as=split&kind=wood&at={jobs['barn']}")
    assert re.findall(r'class="split-title">(.*?)<', page) == ["Barn"]
    assert f'hx-get="/job/{jobs["barn"]}"' in page
    first = web.text("/job?as=split")
    assert f'hx-get="/job/{jobs["barn"]}"' in first
    assert "¥1,000.50" in "".join(re.findall(r"(?s)<noscript>.*?</noscript>", first))
    # Somebody else's record is named in vain.
    assert "Fence" not in web.text(f"/job?as=split&at={jobs['fence']}")


# --- distances


def test_records_are_listed_by_their_distance_from_a_point_or_a_record(yard: World) -> None:
    yard.create(
        "place",
        {"name": "Hangzhou", "spot": {"lat": 30.2741, "lng": 120.1551}},
        {"name": "Shanghai", "spot": {"lat": 31.2304, "lng": 121.4737}},
        {"name": "Beijing", "spot": {"lat": 39.9042, "lng": 116.4074}},
        {"name": "Suva", "spot": {"lat": -18.1248, "lng": 178.4501}},
        {"name": "Apia", "spot": {"lat": -13.8333, "lng": -171.7667}},
        {"name": "Nowhere"},
    )
    web = yard.browser("gus")

    def near(address: str) -> list[tuple[str, str]]:
        found = re.findall(r'<span class="near-km">(.*?)</span>.*?<a href="[^"]*">(.*?)</a>', web.text(address))
        return [(title, km) for km, title in found]

    assert near("/place?as=nearby&near=30.2741,120.1551&within=500") == [("Hangzhou", "0 m"), ("Shanghai", "165 km")]
    assert near("/place?as=nearby&near=Shanghai&within=10") == [("Shanghai", "0 m")]
    # Over the line of change of date.
    assert [title for title, _ in near("/place?as=nearby&near=-18,179.9&within=500")] == ["Suva"]
    assert [title for title, _ in near("/place?as=nearby&near=Apia&within=20100")][:2] == ["Apia", "Suva"]
    assert near("/place?as=nearby&near=89.9,0&within=100") == []
    assert 'href="geo:31.230400,121.473700"' in web.text("/place?as=nearby&near=Shanghai&within=10")
    assert "No place of that name" in web.text("/place?as=nearby&near=Atlantis")
    assert "From where?" in web.text("/place?as=nearby")


# --- where they are offered


def test_a_display_is_offered_where_it_fits_and_is_a_table_elsewhere(yard: World) -> None:
    web = yard.browser("wim")

    def offered(address: str) -> list[str]:
        return re.findall(r'href="[^"]*[?&;]as=(\w+)[^"]*" title', web.text(address))

    assert offered("/job") == ["kanban", "calendar", "timeline", "split"]
    assert offered("/place") == ["tree", "split", "nearby"]
    assert offered("/job?view=job.days") == ["table", "kanban", "timeline", "split"]
    assert 'class="table list' in web.text("/place?as=kanban") or "No places yet" in web.text("/place?as=kanban")
    web.client.set_cookie("guanxi_language", "zh")
    assert 'title="看板"' in web.text("/job?as=kanban")
    # To look at the rows in another way leaves the view as it is.
    web.client.set_cookie("guanxi_language", "en")
    assert "Changed, not saved" not in web.text("/job?as=kanban")
    assert "Changed, not saved" in web.text("/job?as=kanban&q=Barn")


def test_a_card_says_how_late_it_is_and_since_when_nothing_changed(
    yard: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = clock.now().astimezone(ZoneInfo("Asia/Shanghai")).date()
    for name, days in (("Late", -3), ("Soon", 1), ("Later", 30)):
        yard.create("job", {"name": name, "begins_on": "2020-01-01", "ends_on": today + timedelta(days)})
    with monkeypatch.context() as before:
        before.setattr(clock, "now", lambda: datetime.now(UTC) - timedelta(6))
        yard.create("job", {"name": "Idle"})
    page = yard.browser("ada").text("/job?as=kanban")

    found = dict(re.findall(r'(?s)board-card-title"[^>]*>(\w+)</a>.*?<span class="board-due (is-\w+)">', page))
    assert found == {"Late": "is-late", "Soon": "is-soon", "Later": "is-later", "Idle": "is-soon"}
    said = ("3 days late", "Tomorrow", "in 30 days", "6 days without a change")
    assert [each in words(page) for each in said] == [True] * 4
