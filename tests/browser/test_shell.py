"""The frame in Chromium: palette, keys, notices, the tour and what a phone shows, all on one page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from engine import TASTES
from tests.browser.conftest import ServedClinic, served

pytestmark = pytest.mark.browser

AXE = Path(__file__).parents[2] / "ui" / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def site(
    clinic_pattern: tuple[Path, dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServedClinic]:
    """A clinic for all tests of this file."""
    with served(clinic_pattern, tmp_path_factory.mktemp("shell") / "site") as made:
        made.create("contact", {"name": "张三", "mobile": "13800138000"}, {"name": "Anna <b>"}, {"name": "Bert"})
        yield made


@pytest.fixture
def at(site: ServedClinic, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The list of contacts, seen by a clerk; a test's parameter says what is different about the browser."""
    problems: list[str] = []
    options = {"viewport": DESK, "base_url": site.address, **getattr(request, "param", {})}
    with browser.new_context(**options) as context:
        context.add_cookies(site.cookies("cai"))
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda told: problems.append(told.text) if "Content Security" in told.text else None)
        page.goto("/contact")
        yield page
    assert not problems


def serious(page: Page) -> list[str]:
    """Return what axe finds that keeps somebody from using the page."""
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html']}" for each in found if each["impact"] in {"serious", "critical"}]


def test_the_palette_goes_finds_and_does(at: Page) -> None:
    asked: list[str] = []
    at.on("request", lambda request: asked.append(request.url) if "/search/palette" in request.url else None)

    at.keyboard.press("Control+k")
    box = at.get_by_role("combobox", name="Search or go to…")
    expect(box).to_be_focused()
    expect(at.get_by_role("option", name="New: Contact")).to_be_visible()
    expect(at.get_by_role("listbox").get_by_role("option").first).to_have_attribute("aria-selected", "true")
    assert serious(at) == []
    asked.clear()
    # Quicker than any hand, so that a slow machine does not come to ask in between.
    box.evaluate("""each => {
        for (const letter of "zhangs") {
            each.value += letter;
            each.dispatchEvent(new InputEvent("input", {bubbles: true}));
        }
    }""")
    option = at.get_by_role("option", name=re.compile("张三"))
    expect(option).to_be_visible()
    assert len(asked) == 1  # not one for each letter
    expect(box).to_have_attribute("aria-activedescendant", re.compile("palette-"))
    # In the middle of a character that is being composed nothing is asked; what was typed last has been by then.
    at.wait_for_timeout(400)
    asked.clear()
    box.evaluate("each => each.dispatchEvent(new InputEvent('input', {isComposing: true, bubbles: true}))")
    at.wait_for_timeout(250)
    assert asked == []
    at.keyboard.press("Enter")
    at.wait_for_url(re.compile(r"/contact/[0-9a-f-]{36}$"))

    at.keyboard.press("/")
    at.keyboard.type("edit")
    expect(at.get_by_role("option", name="Edit", exact=True)).to_be_visible()
    at.keyboard.press("Escape")
    expect(box).to_be_hidden()


def test_keys_act_on_the_page_and_never_while_somebody_types(at: Page) -> None:
    at.keyboard.press("j")
    at.keyboard.press("j")
    focused = at.evaluate("document.activeElement.closest('tr')?.rowIndex")
    assert focused == 2
    at.keyboard.press("x")
    expect(at.locator('.list [name="id"]').nth(1)).to_be_checked()
    at.keyboard.press("x")

    at.keyboard.press("?")
    expect(at.get_by_role("dialog", name="Keyboard shortcuts")).to_contain_text("Save the form")
    assert serious(at) == []
    at.keyboard.press("Escape")

    at.locator("#q").fill("")
    at.locator("#q").press("n")
    expect(at).to_have_url(re.compile(r"/contact"))
    assert "/new" not in at.url
    at.locator("h1").click()
    at.keyboard.press("n")
    at.wait_for_url(re.compile(r"/contact/new"))
    at.get_by_label("Name").fill("Clara")
    at.keyboard.press("Control+Enter")
    expect(at).to_have_url(re.compile(r"/contact/[0-9a-f-]{36}"))
    at.keyboard.press("g")
    at.keyboard.press("v")
    expect(at).to_have_url(re.compile(r"/visit$"))


def test_a_notice_goes_by_itself_but_not_while_it_is_read(at: Page) -> None:
    at.clock.install()
    at.goto("/contact")
    say = "text => document.dispatchEvent(new CustomEvent('guanxi:notice', {detail: {text}}))"
    at.evaluate(say, "<b>Kept</b>")
    notice = at.get_by_role("status").filter(has_text="Kept")
    expect(notice).to_contain_text("<b>Kept</b>")

    notice.hover()
    at.clock.fast_forward(30_000)
    expect(notice).to_be_visible()
    at.mouse.move(0, 0)
    at.clock.fast_forward(11_000)

    expect(notice).to_have_count(0)


def test_a_record_is_starred_where_it_stands(at: Page) -> None:
    at.get_by_role("link", name="Anna <b>").first.click()
    at.wait_for_url(re.compile(r"/contact/[0-9a-f-]{36}"))
    at.evaluate("window.stayed = true")

    at.keyboard.press("s")

    expect(at.locator(".head .star button")).to_have_attribute("aria-pressed", "true")
    assert at.evaluate("window.stayed")
    at.goto("/search/starred")
    expect(at.get_by_role("link", name="Anna <b>").first).to_be_visible()
    assert serious(at) == []


def test_the_tour_is_walked_by_keyboard_and_not_offered_again(at: Page) -> None:
    at.goto("/")
    at.locator(".invitation [data-tour-open]").click()
    tour = at.locator(".tour")
    expect(tour).to_contain_text("Everything has its place here")
    assert serious(at) == []

    at.keyboard.press("ArrowRight")
    expect(tour).to_contain_text("Search and go")
    with at.expect_response(re.compile("/tour$")):
        at.keyboard.press("Escape")

    expect(tour).to_have_count(0)
    at.goto("/")
    expect(at.locator(".invitation")).to_have_count(0)


@pytest.mark.parametrize("at", [{"viewport": PHONE}], indirect=True)
def test_a_phone_has_its_navigation_at_the_thumb(at: Page, tier: str) -> None:
    dock = at.get_by_role("navigation", name="Quick navigation")
    expect(dock.get_by_role("link")).to_have_count(4)
    sizes = dock.locator("a, label").evaluate_all("all => all.map(each => each.getBoundingClientRect().height)")
    assert min(sizes) >= 40

    at.locator(".dock-more").click()
    side = at.get_by_role("navigation", name="Navigation", exact=True)
    expect(side.get_by_role("link", name="Things")).to_be_visible()
    at.keyboard.press("Escape")
    expect(side).to_be_hidden()
    for address in ("/login/account/settings", "/search?q=138", "/search/starred", "/search/keys", "/search/palette"):
        at.goto(address)
        assert at.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0, address
        assert tier != "full" or serious(at) == [], address


def test_every_colour_can_be_read_in_light_and_dark(at: Page, tier: str) -> None:
    every = tuple(each for each in TASTES["accent"] if each)
    for theme in ("light", "dark"):
        for accent in every if tier == "full" else ("green",):
            at.evaluate("([accent, bsTheme]) => Object.assign(document.documentElement.dataset, {accent, bsTheme})",
                        [accent, theme])  # fmt: skip
            at.wait_for_timeout(400)  # buttons change their colours by and by
            assert serious(at) == [], (theme, accent)
