"""The stream of a record in Chromium: names that are offered, files that are pasted, what others do meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ServedClinic
from tests.functional.screens.clinic import visit

pytestmark = pytest.mark.browser
AXE = Path(__file__).parents[2] / "ui" / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = """axe.run(document, {resultTypes: ["violations"]}).then((found) => found.violations
  .filter((each) => ["serious", "critical"].includes(each.impact))
  .map((each) => `${each.id}: ${each.nodes[0].html.slice(0, 200)}`))"""


def test_a_comment_is_written_by_keyboard_and_heard_of_by_the_other(clinic: ServedClinic, page: Page) -> None:
    [anna] = clinic.create("contact", {"name": "Anna"})
    address = visit(clinic, anna, fee="5")
    page.context.add_cookies(clinic.cookies("cai"))
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{clinic.address}{address}")
    box = page.locator("#compose-body")

    box.press_sequentially("Look @Ev")
    expect(page.locator("#compose-choices [role=option][aria-selected=true]")).to_contain_text("Eve")
    box.press("Enter")
    expect(box).to_have_value("Look @Eve ")
    box.dispatch_event("compositionstart")
    box.press_sequentially("please")
    box.press("Control+Enter")
    expect(page.locator("#stream .mention")).to_have_text("@Eve")
    expect(page.locator("#compose-body")).to_have_value("")
    page.evaluate(
        """() => { const given = new DataTransfer();
        given.items.add(new File(["hello"], "note.txt", {type: "text/plain"}));
        document.querySelector("#compose-body").dispatchEvent(
          new ClipboardEvent("paste", {clipboardData: given, bubbles: true, cancelable: true})); }"""
    )
    expect(page.locator("[data-files]")).to_have_text("note.txt")
    page.locator(".compose-send").click()
    expect(page.locator(".entry.is-file")).to_contain_text("note.txt")
    page.locator(".entry.is-comment .entry-menu summary").click()
    page.locator(".entry-menu[open] .signs .sign").first.click()
    expect(page.locator(".entry.is-comment .sign[aria-pressed=true]").first).to_contain_text("1")
    page.evaluate(AXE.read_text("utf-8"))
    assert page.evaluate(SERIOUS) == []

    page.context.clear_cookies()
    page.context.add_cookies(clinic.cookies("eve"))
    page.goto(f"{clinic.address}{address}/stream")
    expect(page.locator(".bell-count .badge")).to_have_text("1")
    page.locator(".bell summary").click()
    expect(page.locator("#bell-panel .told")).to_contain_text("Cai mentioned you on Check")
    page.goto(f"{clinic.address}{address}")
    expect(page.locator("#present .present-people li")).to_have_attribute("title", "Cai is looking at it too")
    page.locator("#compose-body").fill("half a thought")
    clinic.site.records.update(clinic.site.principal(clinic.ids["cai"]), "visit", [{"id": address[7:], "fee": "6"}])
    page.evaluate("htmx.trigger('#present', 'poll')")
    expect(page.locator(".present-stale")).to_contain_text("Cai just saved it.")
    expect(page.locator("#compose-body")).to_have_value("half a thought")
