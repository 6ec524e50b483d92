"""Forms that help while somebody types, and cells that are filled in where they stand, as a person meets them."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ServedClinic

pytestmark = pytest.mark.browser

AXE = Path(__file__).parents[2] / "ui" / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = """() => axe.run(document, {resultTypes: ["violations"]}).then(({violations}) =>
  violations.filter(({impact}) => impact === "serious" || impact === "critical")
    .map(({id, nodes}) => `${id}: ${nodes[0].html}`))"""
PASTE = """text => {
  const data = new DataTransfer();
  data.setData("text/plain", text);
  document.activeElement.dispatchEvent(
    new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}));
}"""


def as_ada(page: Page, clinic: ServedClinic, address: str) -> None:
    """Open a page as the administrator."""
    page.context.add_cookies(clinic.cookies("ada"))
    page.goto(clinic.address + address)


def is_sound(page: Page) -> None:
    """Look for what keeps people out, and for what runs over the edge."""
    page.evaluate(AXE.read_text("utf-8"))
    assert page.evaluate(SERIOUS) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_form_helps_while_somebody_types(clinic: ServedClinic, page: Page) -> None:
    clinic.create("contact", {"name": "Anna", "city": "Bonn"})
    as_ada(page, clinic, "/visit/new")
    page.get_by_label("Subject").fill("Check")

    # A record that is made on the way.
    page.locator("#f-patient").fill("Berta")
    page.locator("#f-patient-choices .link-fresh").click()
    expect(page.locator("#q-name")).to_have_value("Berta")
    page.get_by_role("button", name="Create").click()
    expect(page.locator("[name=id-patient]")).not_to_have_value("")
    expect(page.locator("#f-patient")).to_have_value("Berta")
    expect(page.locator("[data-link-open]").first).to_be_visible()

    # Days in words.
    day = page.locator("#f-on_date")
    day.fill("2026-03-04")
    day.press("+")
    expect(day).to_have_value("2026-03-05")
    day.press("n")
    page.keyboard.press("Backspace")
    page.locator(".day-picks input").fill("1.12.2027")
    page.locator(".day-picks input").press("Enter")
    expect(day).to_have_value("2027-12-01")

    # Amounts as the server reads them.
    page.locator("#f-fee").fill("1234.5")
    page.locator("#f-fee").blur()
    expect(page.locator("#f-fee")).to_have_value("1,234.50")

    # A block of a spreadsheet, a copy, and what follows from them.
    page.locator('[name="items-0-what"]').focus()
    page.evaluate(PASTE, "Cleaning\t80\nFilling\t120.5\nX-ray\t40\n")
    rows = page.locator("[data-rows] tr")
    expect(rows).to_have_count(3)
    expect(page.locator("[data-total=total]")).to_contain_text("240.50")
    page.locator('[data-row-act="copy"]').nth(1).click()
    expect(page.locator("[data-total=total]")).to_contain_text("361.00")
    page.locator('[name="items-0-what"]').press("Enter")
    assert page.evaluate("document.activeElement.closest('tr').rowIndex") == 2
    last = rows.last.locator("input.form-control").first
    last.press("Enter")
    expect(rows).to_have_count(5)

    # What is typed is kept, but for what is secret.
    page.locator("#f-id_card").fill("110101199003071234")
    expect(page.locator("[data-draft-said]")).to_contain_text("Draft kept")
    is_sound(page)
    page.context.clear_cookies(name="guanxi")
    page.get_by_label("Subject").fill("Check again")
    expect(page.locator("[data-signed-out]")).to_be_visible(timeout=6000)
    page.context.add_cookies(clinic.cookies("ada"))
    page.get_by_role("button", name="Save").last.click()
    expect(page.locator(".notice")).to_contain_text("created")
    with clinic.site.database.read() as connection:
        assert clinic.site.drafts.of(connection, clinic.ids["ada"], "visit") == []


def test_cells_are_filled_in_where_they_stand(clinic: ServedClinic, page: Page) -> None:
    [anna] = clinic.create("contact", {"name": "Anna"})
    clinic.create(
        "visit",
        *({"subject": f"Visit {day}", "patient": anna, "fee": "10", "on_date": f"2026-01-0{day}"} for day in (1, 2, 3)),
    )
    as_ada(page, clinic, "/visit")
    heads = page.locator("table.list thead th")
    place = [heads.nth(number).get_attribute("data-path") for number in range(heads.count())].index("subject") + 1
    cell = page.locator(f"table.list tbody tr:nth-child(1) td:nth-child({place})")
    before = cell.inner_text()

    cell.click(position={"x": 2, "y": 2})
    page.keyboard.press("F2")
    box = page.locator("[data-cell-form] input.form-control")
    expect(box).to_have_value(before)
    box.fill("Never mind")
    page.keyboard.press("Escape")
    expect(cell).to_have_text(before)
    page.keyboard.press("F2")
    box.fill("")
    page.keyboard.press("Enter")
    expect(page.locator("[data-cell-form] .field-wrong")).to_be_visible()
    box.fill("Renamed <b>")
    page.keyboard.press("Enter")
    expect(cell).to_have_text("Renamed <b>")
    expect(page.locator(".notice")).to_contain_text("saved")
    page.keyboard.press("ArrowUp")
    expect(cell).to_be_focused()
    is_sound(page)

    page.locator(".notice button", has_text="Undo").click()
    expect(page.locator("table.list")).to_contain_text(before)
    expect(page.locator("table.list")).not_to_contain_text("Renamed")

    # The same among the facts of a record, with what follows from them.
    page.locator("table.list tbody tr a").first.click()
    fact = page.locator('.fact[data-cell="fee"]')
    fact.locator(".fact-edit").focus()
    page.keyboard.press("Enter")
    page.locator("[data-cell-form] input.form-control").fill("77")
    page.keyboard.press("Enter")
    expect(fact.locator("dd:not(.fact-way)")).to_contain_text("77.00")
    is_sound(page)
