"""Lists in Chromium: what a script adds, what works without one, on a desk and on a phone, in light and dark."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from werkzeug.serving import make_server

from engine import SYSTEM, Site
from tests.functional.screens.world import build
from ui.app import create_app
from ui.asking import COOKIE

pytestmark = pytest.mark.browser

DESK = {"width": 1440, "height": 900}
PHONE = {"width": 360, "height": 740}


class Served:
    """A site with 120 deals of Ben, at an address."""

    def __init__(self, folder: Path, ids: dict[str, str], address: str, site: Site) -> None:
        self.folder, self.ids, self.address, self.site = folder, ids, address, site

    def cookie(self, who: str) -> Any:
        """Return the cookie of somebody's sign-in."""
        return {"name": COOKIE, "value": (self.folder / f"{who}.cookie").read_text("utf-8"), "url": self.address}


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The folder of the site, made once."""
    folder = tmp_path_factory.mktemp("browser") / "site"
    ids = build(folder)
    site = Site.open(folder)
    [client] = site.records.create(SYSTEM, "client", [{"name": "上海腾飞贸易有限公司"}])
    site.records.create(
        SYSTEM,
        "deal",
        [
            {
                "name": f"Deal {number:03} of a long name that has to find its place",
                "amount": number * 1000,
                "owner": ids["ben"],
                "client": client.id,
                "stage": "won" if number % 40 == 0 else "fresh",
                "closes_on": "2026-11-22",
            }
            for number in range(120)
        ],
    )
    site.close()
    return folder, ids


@pytest.fixture
def served(pattern: tuple[Path, dict[str, str]], tmp_path: Path) -> Iterator[Served]:
    """The site, served from this process."""
    folder, ids = pattern
    shutil.copytree(folder, tmp_path / "site")
    site = Site.open(tmp_path / "site")
    server = make_server("127.0.0.1", 0, create_app(site), threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield Served(tmp_path / "site", ids, f"http://127.0.0.1:{server.port}", site)
    server.shutdown()
    thread.join()
    server.server_close()
    site.close()


@pytest.fixture
def context(browser: Browser, request: pytest.FixtureRequest, served: Served) -> Iterator[BrowserContext]:
    """A profile in which Ben is signed in; a test's parameter says what is different about it."""
    options = {"viewport": DESK, "base_url": served.address, **getattr(request, "param", {})}
    with browser.new_context(**options) as made:
        made.add_cookies([served.cookie("ben")])
        yield made


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page of that profile. The test fails when a script does, or when the page breaks its own security policy."""
    problems: list[str] = []
    made = context.new_page()
    made.on("pageerror", lambda error: problems.append(str(error)))
    made.on("console", lambda told: problems.append(told.text) if "Content Security" in told.text else None)
    yield made
    assert not problems


def expect_rows(page: Page, number: int) -> None:
    """Wait until the list has so many rows: a click returns before the page that answers it is read to its end."""
    expect(page.locator(".list tbody tr:not(.more)")).to_have_count(number)


def is_too_wide(page: Page) -> bool:
    """Say whether the page has to be moved sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def test_a_person_signs_in_and_comes_to_what_they_wanted(page: Page) -> None:
    page.context.clear_cookies()
    page.goto("/deal?stage=won")

    page.get_by_label("Email").fill("ben@example.com")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign in").click()

    expect(page).to_have_url(re.compile(r"/deal\?stage=won$"))
    expect_rows(page, 3)


def test_a_filter_applies_when_it_is_chosen_and_the_address_says_so(page: Page) -> None:
    page.goto("/deal")
    page.evaluate("window.stayed = true")

    page.get_by_label("Stage").select_option("won")

    expect(page.locator(".list tbody tr")).to_have_count(3)
    expect(page).to_have_url(re.compile(r"/deal\?stage=won$"))
    assert page.evaluate("window.stayed")
    page.go_back()
    expect(page.locator(".list tbody tr:not(.more)")).to_have_count(50)


def test_words_are_searched_while_they_are_typed(page: Page) -> None:
    page.goto("/deal")

    page.get_by_label("Search in deals").press_sequentially("Deal 007", delay=10)

    expect(page.locator(".list tbody tr")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"q=Deal%20007$"))


def test_a_wrong_expression_is_told_without_leaving_the_page(page: Page) -> None:
    page.goto("/deal?filter=amount+%3E")

    expect(page.get_by_role("alert")).to_contain_text("The filter cannot be used")
    page.locator("#expression").fill("amount >= 119000")
    page.locator("#expression").press("Enter")
    expect(page.locator(".list tbody tr")).to_have_count(1)


def test_scrolling_brings_more_and_coming_back_finds_the_place(page: Page) -> None:
    page.goto("/deal?order=name")
    expect(page.get_by_text("120 records")).to_be_visible()

    while page.locator("tr.more").count():
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        page.wait_for_timeout(100)
    expect_rows(page, 120)

    expect(page).to_have_url(re.compile(r"rows=120"))
    page.get_by_role("link", name="Deal 110").scroll_into_view_if_needed()
    page.get_by_role("link", name="Deal 110").click()
    page.wait_for_load_state()
    page.go_back()
    expect_rows(page, 120)
    expect(page.get_by_role("link", name="Deal 110")).to_be_in_viewport()


def test_all_rows_are_ticked_at_once_changed_and_taken_back(page: Page, served: Served) -> None:
    page.goto("/deal?stage=won")
    expect(page.get_by_role("button", name="Move to the recycle bin")).to_be_hidden()

    page.get_by_label("Tick all").check()
    expect(page.locator("[data-ticked]")).to_have_text("3")
    page.get_by_role("button", name="Move to the recycle bin").click()

    expect(page.get_by_role("status")).to_contain_text("3 deals moved to the recycle bin")
    expect(page.get_by_text("Nothing fits")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".list tbody tr")).to_have_count(3)


def test_one_field_of_ticked_rows_is_changed(page: Page) -> None:
    page.goto("/deal?stage=won")
    page.get_by_label("Tick all").check()

    page.get_by_role("button", name="Change a field…").click()
    page.get_by_label("Field").select_option("active")
    page.get_by_role("button", name="Choose").click()
    page.get_by_label("Active").select_option("true")
    page.get_by_role("button", name="Change", exact=True).click()

    expect(page.get_by_role("status")).to_contain_text("3 deals changed")
    page.get_by_label("Active").select_option("yes")
    expect(page.locator(".list tbody tr")).to_have_count(3)


@pytest.mark.parametrize(
    "context", [{"java_script_enabled": False}, {"java_script_enabled": False, "viewport": PHONE}], indirect=True
)
def test_a_list_works_without_a_script(page: Page) -> None:
    page.goto("/deal?order=name")
    if page.viewport_size == PHONE:
        page.get_by_text("Filters").click()

    assert "count=1" in (page.get_by_role("link", name="Count").get_attribute("href") or "")
    page.get_by_role("link", name="More", exact=True).click()
    expect(page.get_by_role("link", name="Deal 050")).to_be_visible()
    page.goto("/deal")
    if page.viewport_size == PHONE:
        page.get_by_text("Filters").click()
    page.get_by_label("Stage").select_option("won")
    page.get_by_role("button", name="Apply").first.click()
    expect_rows(page, 3)
    page.locator('.list [name="id"]').first.check()
    page.get_by_role("button", name="Move to the recycle bin").click()
    expect(page.get_by_role("status")).to_contain_text("Deal moved to the recycle bin")
    expect_rows(page, 2)
    page.get_by_role("button", name="Undo").click()
    expect_rows(page, 3)


@pytest.mark.parametrize("context", [{"viewport": PHONE}], indirect=True)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_on_a_phone_nothing_has_to_be_moved_sideways(page: Page, served: Served, language: str) -> None:
    page.context.add_cookies([{"name": "guanxi_language", "value": language, "url": served.address}])

    for address in (
        "/",
        "/deal",
        "/deal?view=deal.mine",
        "/deal?filter=x",
        "/deal/trash",
        "/search?q=Deal",
        "/deal/bulk",
        "/nonsense",
    ):
        page.goto(address)
        assert not is_too_wide(page), address


@pytest.mark.parametrize("context", [{"viewport": PHONE}], indirect=True)
def test_on_a_phone_a_row_is_a_card_with_labels(page: Page) -> None:
    page.goto("/deal")

    cell = page.locator(".list tbody tr").first.locator("td").nth(2)

    assert cell.evaluate("each => getComputedStyle(each, '::before').content") == '"Stage"'
    assert page.locator(".list tbody tr").first.evaluate("each => getComputedStyle(each).display") == "flex"


@pytest.mark.parametrize("context", [{"viewport": PHONE, "java_script_enabled": False}], indirect=True)
def test_on_a_phone_the_navigation_opens_without_a_script(page: Page) -> None:
    page.goto("/")
    navigation = page.get_by_role("navigation", name="Navigation", exact=True)
    expect(navigation).to_be_hidden()

    page.locator(".dock-more").click()
    navigation.get_by_role("link", name="Deals").click()

    expect(page).to_have_url(re.compile(r"/deal$"))


def test_everything_is_reached_by_keyboard(page: Page) -> None:
    page.goto("/deal")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")

    assert page.evaluate("document.activeElement.id") == "content"
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"


def test_a_chosen_appearance_stays(page: Page) -> None:
    page.goto("/deal")
    page.locator(".person > summary").click()

    page.get_by_role("button", name="Dark").click()

    expect(page).to_have_url(re.compile(r"/deal\??$"))
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"


def test_a_menu_closes_when_somebody_goes_on_elsewhere(page: Page) -> None:
    page.goto("/deal")
    entry = page.get_by_role("link", name="Recycle bin")

    page.locator(".head .menu > summary").click()
    expect(entry).to_be_visible()
    page.keyboard.press("Escape")
    expect(entry).to_be_hidden()
    page.locator(".head .menu > summary").click()
    page.get_by_role("heading", name="Deals").click()

    expect(entry).to_be_hidden()


def test_what_can_be_done_with_ticked_rows_stays_in_sight(page: Page) -> None:
    page.goto("/deal")

    page.locator('.list [name="id"]').nth(40).check()

    expect(page.get_by_role("button", name="Move to the recycle bin")).to_be_in_viewport()


CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const paint = (colors) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const color of colors) { canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((part) => {
      const share = part / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
  };
  const light = ([r, g, b]) => 0.2126 * r + 0.7152 * g + 0.0722 * b;
  const poor = [];
  for (const each of document.querySelectorAll("body *")) {
    const words = [...each.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data.trim()).join("");
    const box = each.getBoundingClientRect();
    if (!words || box.width < 2 || box.height < 2 || !each.checkVisibility({ visibilityProperty: true })) continue;
    const grounds = [];
    for (let up = each; up; up = up.parentElement) grounds.unshift(getComputedStyle(up).backgroundColor);
    const style = getComputedStyle(each);
    const ground = paint(["white", ...grounds]);
    const ink = paint(["white", ...grounds, style.color]);
    const [high, low] = [light(ground), light(ink)].sort((one, other) => other - one);
    const ratio = (high + 0.05) / (low + 0.05);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
    if (ratio < (large ? 3 : 4.5)) poor.push(`${words.slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  return poor;
}"""


@pytest.mark.parametrize("context", [{"color_scheme": "light"}, {"color_scheme": "dark"}], indirect=True)
def test_words_stand_out_from_what_is_behind_them(page: Page) -> None:
    for address in (
        "/",
        "/deal",
        "/deal?stage=won&q=Deal",
        "/deal?filter=x",
        "/deal/trash",
        "/search?q=Deal",
        "/nonsense",
        "/login/link/x",
    ):
        page.goto(address)
        assert page.evaluate(CONTRAST) == [], address


@pytest.mark.parametrize("context", [{"color_scheme": "dark"}], indirect=True)
def test_without_a_choice_the_system_says_whether_pages_are_dark(page: Page) -> None:
    page.goto("/deal")

    assert page.evaluate("getComputedStyle(document.body).backgroundColor") not in {
        "rgb(255, 255, 255)",
        "oklch(0.9851 0 0)",
    }
    assert page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")


def test_a_list_is_narrowed_grouped_sized_and_ticked_by_hand(page: Page) -> None:
    page.goto("/deal")

    # Conditions open within the page, and say how many fit before they are used.
    page.get_by_role("link", name="Conditions…").click()
    page.locator("#p-0").select_option("amount")
    expect(page.locator("#o-0")).to_have_value("eq")
    page.locator("#o-0").select_option("ge")
    page.locator("#v-0").fill("100000")
    expect(page.locator(".builder-count")).to_have_text("20 records fit")
    page.get_by_role("button", name="Show these").click()
    expect_rows(page, 20)
    expect(page.get_by_text("Amount ≥")).to_be_visible()

    # With Shift everything between two boxes is ticked.
    boxes = page.locator('.list [name="id"]')
    boxes.nth(2).click()
    boxes.nth(6).click(modifiers=["Shift"])
    expect(page.locator("[data-ticked]")).to_have_text("5")
    expect(page.locator(".bulk-all")).to_be_hidden()

    # Groups open and close without loading twice.
    page.goto("/deal?group=stage")
    expect_rows(page, 50 + 2)
    won = page.get_by_role("link", name="Won 3")
    won.click()
    expect(page.get_by_role("link", name="Deal 040")).to_be_visible()
    won.click()
    expect(page.get_by_role("link", name="Deal 040")).to_be_hidden()
    page.get_by_label("Tick all").check()
    expect(page.locator(".bulk-all")).to_be_visible()

    # A width that was set by keyboard is there again.
    page.goto("/deal")
    grip = page.locator("th[data-path='name'] .width-grip")
    grip.focus()
    with page.expect_response("**/columns/width") as answered:
        page.keyboard.press("ArrowRight")
    assert answered.value.status == 204
    page.reload()
    expect(page.locator("th[data-path='name']")).to_have_attribute("data-width", re.compile(r"\d+"))

    # The menu of a row has what the record's page has, and goes with Escape.
    page.locator(".act.more").first.click()
    expect(page.locator(".row-menu")).to_be_visible()
    expect(page.locator(".row-menu").get_by_role("link", name="Edit")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".row-menu")).to_be_hidden()
