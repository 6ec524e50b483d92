"""Boards, calendars, timelines, trees and split lists as a person uses them: by mouse, by keys, on a phone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import ServedClinic, served
from tests.functional.screens import yard as documents
from tests.functional.screens.world import build

AXE = Path(__file__).parents[2] / "ui" / "frontend" / "node_modules" / "axe-core" / "axe.min.js"

pytestmark = pytest.mark.browser


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[ServedClinic]:
    """A yard with a few jobs and places, served from this process."""
    ids = build(tmp_path / "pattern", documents.DOCUMENTS, people=documents.PEOPLE)
    with served((tmp_path / "pattern", ids), tmp_path / "site") as made:
        wim = {"owner": ids["wim"]}
        made.create(
            "job",
            {"name": "Barn", "price": "1000", "meets_at": "2026-03-10T01:00:00Z", "begins_on": "2026-03-02",
             "ends_on": "2026-03-20", "kind": "wood", **wim},
            {"name": "Cart", "price": "20", **wim},
            {"name": "Door", "price": "0", **wim},
        )  # fmt: skip
        [europe] = made.create("place", {"name": "Europe"})
        made.create("place", {"name": "China"}, {"name": "Bonn", "above": europe})
        yield made


def drag(page: Page, one: Locator, other: Locator) -> None:
    """Drag one thing onto another as a hand does: in steps, and when it has come to rest."""
    one.hover()
    start, end = one.bounding_box(), other.bounding_box()
    assert start is not None
    assert end is not None
    page.mouse.move(start["x"] + 20, start["y"] + start["height"] / 2)
    page.mouse.down()
    page.mouse.move(start["x"] + 40, start["y"] + start["height"] / 2 + 10, steps=4)
    page.mouse.move(end["x"] + min(end["width"], 120) / 2, end["y"] + min(end["height"], 120) / 2, steps=8)
    page.mouse.up()


def examined(page: Page) -> list[str]:
    """Return what axe finds serious, and whether the page is wider than the window."""
    page.evaluate(AXE.read_text("utf-8"))
    found: list[str] = page.evaluate(
        "axe.run(document, {resultTypes: ['violations']}).then(found => found.violations"
        ".filter(each => ['serious', 'critical'].includes(each.impact))"
        ".map(each => each.id + ' ' + each.nodes.map(node => node.target).join(' ')))"
    )
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    return [*found, *(["too wide"] if wide else [])]


def test_displays_are_worked_with_by_hand_and_by_keys(yard: ServedClinic, page: Page) -> None:
    page.context.add_cookies(yard.cookies("wim"))

    # A card that goes, one that comes back with the reason, and the way by keys.
    page.goto(f"{yard.address}/job?as=kanban")
    column = {name: page.locator(f'[data-column="{name}"].board-column') for name in ("planned", "begun", "dropped")}
    drag(page, page.locator(".board-card", has_text="Barn"), column["begun"].locator(".board-cards"))
    expect(column["begun"].locator(".board-card")).to_have_count(1)
    expect(column["begun"].locator(".board-head")).to_contain_text("¥1,000")
    expect(page.locator("#notices, .toast-container")).to_contain_text("Moved to “Begun”")
    drag(page, page.locator(".board-card", has_text="Door"), column["begun"].locator(".board-cards"))
    expect(page.locator("body")).to_contain_text("Work that is free is not begun")
    expect(column["planned"].locator(".board-card")).to_have_count(2)
    page.locator(".board-card-title", has_text="Cart").focus()
    page.keyboard.press("m")
    expect(page.locator("#board-ways button:not([disabled])").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(column["begun"].locator(".board-card")).to_have_count(2)
    page.locator(".board-card-title", has_text="Door").focus()
    page.keyboard.press("ArrowRight")
    expect(column["begun"].locator(".board-card-title").first).to_be_focused()
    assert examined(page) == []

    # An event goes to another day, and by keys back.
    page.goto(f"{yard.address}/job?as=calendar&on=2026-03-10")
    day = {number: page.locator(f'.cal-day[data-day="2026-03-{number}"]') for number in (10, 12, 11)}
    drag(page, page.locator(".cal-chip", has_text="Barn"), day[12])
    expect(day[12].locator(".cal-number")).to_have_attribute("aria-label", "Thu, Mar 12: 1")
    page.locator(".cal-chip", has_text="Barn").focus()
    page.keyboard.press("Shift+ArrowLeft")
    expect(day[11].locator(".cal-number")).to_have_attribute("aria-label", "Wed, Mar 11: 1")
    expect(page.locator(".cal-chip", has_text="Barn")).to_be_focused()
    assert examined(page) == []

    # A bar is made longer at its end.
    page.goto(f"{yard.address}/job?as=timeline&on=2026-03-10")
    page.locator(".time-bar").focus()
    page.keyboard.press("Shift+Alt+ArrowRight")
    expect(page.locator(".time-bar")).to_have_attribute("aria-label", "Barn, Mar 2 – Mar 21, 2026, Begun")

    # A branch goes below another one.
    page.goto(f"{yard.address}/place?as=tree")
    drag(page, page.locator(".tree-row", has_text="China"), page.locator(".tree-row", has_text="Europe"))
    expect(page.locator(".tree-title")).to_have_count(1)
    page.locator(".tree-title a").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".tree-title")).to_have_count(3)

    # A record comes beside its list, and the arrow keys go on.
    page.goto(f"{yard.address}/job?as=split")
    expect(page.locator("#split-record h1")).to_contain_text("Barn")
    page.locator(".split-list a").first.focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#split-record h1")).to_contain_text("Cart")
    assert "at=" in page.url


def test_displays_fit_on_a_phone(yard: ServedClinic, page: Page) -> None:
    page.context.add_cookies(yard.cookies("wim", guanxi_language="zh", guanxi_theme="dark"))
    page.set_viewport_size({"width": 360, "height": 720})

    for address in ("job?as=kanban", "job?as=calendar&on=2026-03-10", "job?as=timeline&on=2026-03-10", "job?as=split",
                    "place?as=tree", "place?as=nearby"):  # fmt: skip
        page.goto(f"{yard.address}/{address}")
        assert examined(page) == [], address
    page.goto(f"{yard.address}/job?as=split")
    page.locator(".split-list a", has_text="Cart").click()
    page.wait_for_url("**/job/*-*-*")
