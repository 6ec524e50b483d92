"""Record pages in Chromium: on a phone and at a desk, in both languages, in light and dark."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import ServedClinic
from tests.functional.screens.clinic import visit

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("width", "language", "theme"), [(360, "zh", "dark"), (1280, "en", "light")])
def test_pages_of_a_record_fit_the_screen(
    clinic: ServedClinic, browser: Browser, width: int, language: str, theme: str
) -> None:
    long = "A name that is long enough to need more than one line 一个足够长的名称"
    [anna] = clinic.create("contact", {"name": long, "mobile": "13800138000"})
    address = visit(clinic, anna, subject=long, items=[{"what": "x" * 60, "amount": "1234567.89", "helper": anna}])
    [thing] = clinic.create("thing", {"name": long, "extra": {"key": "y" * 300}, "note": "z" * 300, "friends": [anna]})
    with browser.new_context(viewport={"width": width, "height": 800}) as context:
        context.add_cookies(clinic.cookies("cai", guanxi_language=language, guanxi_theme=theme))
        page = context.new_page()
        for path in (address, f"{address}/edit", f"{address}/history", f"/thing/{thing}", f"/thing/{thing}/edit",
                     f"/contact/{anna}?tab=related", "/visit/new"):  # fmt: skip
            page.goto(f"{clinic.address}{path}")
            page.wait_for_load_state("networkidle")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            small = page.evaluate(
                "[...document.querySelectorAll('main :is(a.btn, button.btn)')]"
                ".filter((each) => each.offsetHeight && each.offsetHeight < 24).length"
            )
            assert small == 0, path


def test_lists_that_belong_to_a_record_come_when_somebody_scrolls_to_them(
    clinic: ServedClinic, browser: Browser
) -> None:
    [anna] = clinic.create("contact", {"name": "Anna"})
    clinic.create("thing", {"name": "Vase", "about": f"contact/{anna}", "friends": [anna]})
    with browser.new_context() as context:
        context.add_cookies(clinic.cookies("cai"))
        page = context.new_page()
        page.goto(f"{clinic.address}/contact/{anna}?tab=related")

        page.mouse.wheel(0, 2000)

        expect(page.locator(".belonging a", has_text="Vase")).to_have_count(2)
        expect(page.locator("main html, main nav.shell-side")).to_have_count(0)

        # A record is made in its list, and stands there at once.
        visits = page.locator("#list-visits")
        visits.locator(".card-acts a[hx-get]").click()
        expect(visits.locator("form [name=subject]")).to_be_focused()
        visits.locator("form [data-send]").click()
        expect(visits.locator("form .is-wrong [name=subject]")).to_be_focused()
        page.keyboard.type("Made in place")
        visits.locator("form [data-send]").click()
        expect(page.locator("#list-visits tbody a", has_text="Made in place")).to_be_visible()
        expect(page.locator("#list-visits form[data-guard]")).to_have_count(0)
        assert page.url.endswith("?tab=related")
