"""Displays of lists that are no tables: board, calendar, timeline, tree, list beside record, distances."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import SYSTEM, Site
from tests.functional.screens import yard as documents
from tests.functional.screens.world import World, build, words
from ui.app import create_app


@pytest.fixture(scope="module")
def yard_pattern(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    folder = tmp_path_factory.mktemp("yard") / "site"
    return folder, build(folder, documents.DOCUMENTS, people=documents.PEOPLE)


@pytest.fixture
def yard(yard_pattern: tuple[Path, dict[str, str]], tmp_path: Path) -> Iterator[World]:
    """A yard of this test's own, without records."""
    folder, ids = yard_pattern
    shutil.copytree(folder, tmp_path / "site")
    site = Site.open(tmp_path / "site")
    yield World(site, create_app(site), ids)
    site.close()


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
    filled = {"asked": "why", "why": "No wood", "back": "/job?as=kanban"}
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

    page = web.follow(web.submit("/job/new", {"name": "Gate", "stage": "planned", "back": "/job?as=kanban"}))

    assert cards(page) == {"planned": ["Gate"]}


def test_a_board_costs_few_statements(yard: World) -> None:
    yard.create(
        "job",
        *(
            {"name": f"Job {number}", "stage": stage, "owner": yard.ids["wim"]}
            for number in range(30)
            for stage in ("planned", "done")
        ),
    )  # noqa: E501
    web = yard.browser("wim")
    web.text("/job?as=kanban")

    with yard.statements() as seen:
        web.text("/job?as=kanban")

    assert 0 < len(seen) <= 5, seen
