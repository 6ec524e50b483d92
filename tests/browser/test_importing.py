"""The pages of an import with a script, and on a phone."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from engine import SYSTEM, Query
from tests.browser.conftest import ServedClinic

pytestmark = pytest.mark.browser


def test_what_suits_a_field_is_shown_at_once_and_a_file_comes_in_on_a_phone(
    page: Page, clinic: ServedClinic, tmp_path: Path
) -> None:
    file = tmp_path / "visits.csv"
    file.write_text("about,who,x\nTooth,Anna,soon\nKnee,Ben,31/12/2030\n", encoding="utf-8")
    page.set_viewport_size({"width": 360, "height": 740})
    page.context.add_cookies(clinic.cookies("ada"))

    def fits() -> None:
        assert page.evaluate("document.documentElement.scrollWidth") <= 360

    page.goto(f"{clinic.address}/visit/import")
    fits()
    page.get_by_label("File").set_input_files(str(file))
    page.get_by_role("button", name="Upload").click()
    fits()
    page.get_by_label("about goes into").select_option("subject")
    day, who = page.locator("#column-2"), page.locator("#column-1")
    expect(day.get_by_label("Order of the date")).to_have_count(0)
    page.get_by_label("x goes into").focus()
    page.get_by_label("x goes into").select_option("on_date")
    expect(day.get_by_label("Order of the date")).to_have_count(1)
    expect(page.get_by_label("x goes into")).to_be_focused()
    day.get_by_text("Adjust").click()
    day.get_by_label("Order of the date").select_option("dmy")
    page.get_by_label("who goes into").select_option("patient")
    expect(who.get_by_label("When there is no such record")).to_have_count(1)
    who.get_by_text("Adjust").click()
    who.get_by_label("When there is no such record").select_option("create")
    fits()
    page.get_by_role("button", name="Continue").last.click()
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_role("heading", name="What the trial found")).to_be_visible()
    fits()
    page.get_by_role("button", name="Import the 1 good rows").click()
    expect(page.get_by_text("Done", exact=True)).to_be_visible()
    fits()
    with clinic.site.reading(SYSTEM) as reader:
        found = reader.query(Query("visit", select=("subject", "patient.name", "on_date"))).json()
    assert [(row["subject"], row["patient.name"], row["on_date"]) for row in found] == [("Knee", "Ben", "2030-12-31")]

    page.get_by_text("Take it back").first.click()
    page.locator("details[open]").get_by_role("button", name="Take it back").click()
    expect(page.get_by_text("It was taken back.")).to_be_visible()
