"""Why, who, sharing, masked values and viewing as, in Chromium: without scripts, with them, and on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import ServedClinic, served
from tests.functional.screens import trust
from tests.functional.screens.world import build

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def office_folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The folder of a sales office that nobody works in, and the ids of its people."""
    folder = tmp_path_factory.mktemp("office") / "site"
    return folder, build(folder, trust.DOCUMENTS, people=trust.PEOPLE)


@pytest.fixture
def office(office_folder: tuple[Path, dict[str, str]], tmp_path: Path) -> Iterator[ServedClinic]:
    """A sales office of this test's own, served from this process."""
    with served(office_folder, tmp_path / "site") as made:
        yield made


def client_of(office: ServedClinic, name: str = "Acme") -> str:
    values = {"name": name, "phone": "13812345678", "card": "6222021234567890123", "mail": "a@b.cn"}
    [id_] = office.create("client", {**values, "owner": office.ids["ben"]})
    return f"{office.address}/client/{id_}"


def test_without_scripts_a_value_is_shown_a_record_shared_and_a_look_stopped(
    office: ServedClinic, browser: Browser
) -> None:
    address = client_of(office)
    with browser.new_context(java_script_enabled=False) as context:
        context.add_cookies(office.cookies("ben", guanxi_language="en"))
        page = context.new_page()
        page.goto(address)
        page.get_by_role("button", name="Show").first.click()
        expect(page.get_by_text("138 1234 5678")).to_be_visible()
        page.get_by_role("link", name="Back to the record").click()
        expect(page.get_by_text("138••••5678")).to_be_visible()
        page.locator(".head details.menu > summary").click()
        page.get_by_role("link", name="Share").click()
        page.locator("#f-with").fill("Eve")
        page.locator("form.sharing button").click()
        expect(page.get_by_text("Shared with Eve")).to_be_visible()
        page.get_by_role("button", name="Undo").click()
        expect(page.get_by_text("It is shared with nobody.")).to_be_visible()
        page.goto(f"{address}/why?action=transfer")
        expect(page.get_by_role("heading", level=1)).to_have_text("You may not hand over this Client")
    with browser.new_context(java_script_enabled=False) as context:
        context.add_cookies(office.cookies("ada", guanxi_language="en"))
        page = context.new_page()
        page.goto(f"{office.address}/admin/view-as")
        page.locator("#person").fill("ben@example.com")
        page.locator("form.answer button").click()
        page.goto(address)
        expect(page.locator(".viewing")).to_contain_text("you see the site as Ben")
        page.locator(".viewing button").click()
        expect(page.locator(".viewing")).to_have_count(0)


def test_with_scripts_a_value_is_shown_in_its_place_and_a_name_is_chosen(office: ServedClinic, page: Page) -> None:
    address = client_of(office)
    page.context.add_cookies(office.cookies("ben", guanxi_language="en"))
    page.goto(address)
    page.get_by_role("button", name="Show").first.click()
    expect(page.locator(".revealed")).to_contain_text("138 1234 5678")
    assert page.url == address
    page.goto(f"{address}/shares")
    page.locator("#f-with").press_sequentially("ev")
    page.get_by_role("option", name="Eve").click()
    page.locator("form.sharing button").click()
    expect(page.get_by_text("Shared with Eve")).to_be_visible()


@pytest.mark.parametrize(("width", "language", "theme"), [(360, "zh", "dark"), (360, "en", "light")])
def test_these_pages_fit_a_phone(office: ServedClinic, browser: Browser, width: int, language: str, theme: str) -> None:
    address = client_of(office, "A name that is long enough to need more than one line 一个足够长的名称")
    ben = office.site.principal(office.ids["ben"])
    office.site.records.share(ben, "client", address.rpartition("/")[2], "user", office.ids["eve"], "edit")
    with browser.new_context(viewport={"width": width, "height": 800}) as context:
        context.add_cookies(office.cookies("ada", guanxi_language=language, guanxi_theme=theme))
        page = context.new_page()
        page.goto(f"{office.address}/admin/view-as")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.locator("#person").fill("ben@example.com")
        page.locator("form.answer button").click()
        for path in ("", "/why", "/why?action=delete", "/who", "/shares"):
            page.goto(address + path)
            page.wait_for_load_state("networkidle")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            small = page.evaluate(
                "[...document.querySelectorAll('main :is(a.btn, button.btn)')]"
                ".filter((each) => each.offsetHeight && each.offsetHeight < 24).length"
            )
            assert small == 0, path
