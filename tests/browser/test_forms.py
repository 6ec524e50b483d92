"""Forms in Chromium: what a script adds to them, and that nothing is missing without it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

from tests.browser.conftest import ServedClinic
from tests.functional.screens.clinic import children, stored, visit

pytestmark = pytest.mark.browser


def as_cai(page: Page, clinic: ServedClinic, path: str, **cookies: str) -> None:
    """Open a page as Cai."""
    page.context.add_cookies(clinic.cookies("cai", **cookies))
    page.goto(f"{clinic.address}{path}")


def save(page: Page) -> str:
    """Press the button, and return the path of the record that it leads to."""
    page.get_by_role("button", name="Save").last.click()
    expect(page.locator(".notice")).to_be_visible()
    return page.url.partition(".1:")[2].partition("/")[2].join(["/", ""])


def test_a_link_is_chosen_among_equal_names_with_the_keyboard(clinic: ServedClinic, page: Page) -> None:
    _one, two = clinic.create("contact", {"name": "王伟", "city": "北京"}, {"name": "王伟", "city": "上海"})
    as_cai(page, clinic, "/visit/new")
    page.get_by_label("Subject").fill("Check")
    patient = page.get_by_role("combobox", name="Patient")

    # What is offered before anything is typed has both of them, too, in another order.
    with page.expect_response(lambda answer: "q=%E7%8E%8B" in answer.url or "q=王" in answer.url):
        patient.fill("王")
    options = page.locator("#f-patient-choices [role=option][data-id]")
    expect(options).to_have_count(2)
    patient.press("ArrowDown")
    first = options.and_(page.locator("[aria-selected=true]")).get_attribute("data-id")
    patient.press("ArrowDown")
    marked = options.and_(page.locator("[aria-selected=true]"))
    expect(marked).to_have_count(1)
    second = marked.get_attribute("data-id")
    assert second != first
    patient.press("Enter")
    expect(patient).to_have_value("王伟")
    expect(options.first).to_be_hidden()

    assert stored(clinic, "visit", save(page))["patient"] == second
    assert second in {_one, two}


def test_choices_follow_what_stands_in_the_other_fields(clinic: ServedClinic, page: Page) -> None:
    clinic.create("contact", {"name": "Anna", "city": "Bonn"}, {"name": "Kai", "city": "Kiel"})
    as_cai(page, clinic, "/thing/new")
    page.get_by_label("Town").fill("Kiel")

    page.get_by_role("combobox", name="Maker").focus()

    expect(page.locator("#f-maker-choices .link-title")).to_have_text(["Kai"])
    friends = page.get_by_role("combobox", name="Friends")
    friends.fill("Ann")
    page.locator("#f-friends-choices [role=option][data-id]", has_text="Anna").click()
    expect(page.get_by_role("checkbox", name="Anna")).to_be_checked()
    expect(friends).to_have_value("")


def test_conditions_are_followed_while_somebody_types(clinic: ServedClinic, page: Page) -> None:
    [id_] = clinic.create("thing", {"name": "Vase", "sealed": "wax", "ready": False})
    as_cai(page, clinic, f"/thing/{id_}/edit")
    why, kind, ready = page.locator("#f-why"), page.locator("#f-kind"), page.locator("#f-ready")
    expect(why).to_be_hidden()

    kind.select_option("fake")
    expect(why).to_be_visible()
    expect(page.locator('[data-field="why"] .required')).to_be_visible()
    kind.select_option("old")
    expect(why).to_be_hidden()

    ready.check()
    assert kind.locator("option[value=fake]").evaluate("option => option.disabled")
    assert page.locator('[data-field="sealed"] .field-control').evaluate("field => field.inert")
    ready.uncheck()
    assert not page.locator('[data-field="sealed"] .field-control').evaluate("field => field.inert")
    save(page)


def test_rows_are_added_on_the_spot_and_what_is_unsaved_is_asked_about(clinic: ServedClinic, page: Page) -> None:
    [anna] = clinic.create("contact", {"name": "Anna"})
    as_cai(page, clinic, f"/visit/new?patient={anna}")
    page.get_by_label("Subject").fill("Check")
    before = page.locator("[data-rows] tr").count()
    page.locator('[name="items-1-what"]').fill("Second")
    page.locator('[name="items-1-amount"]').fill("2")

    page.get_by_role("button", name="More rows").click()
    expect(page.locator("[data-rows] tr")).to_have_count(before + 1)
    expect(page.locator(f'[name="items-{before}-what"]')).to_be_focused()
    expect(page.locator(f'[name="items-{before}-what"]')).to_have_value("")
    page.locator(f'[name="items-{before}-what"]').fill("Last")
    page.locator(f'[name="items-{before}-amount"]').fill("3")

    asked = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.once("dialog", stay)
    page.get_by_role("link", name="Cancel").click(no_wait_after=True)
    expect(page.get_by_label("Subject")).to_have_value("Check")
    assert asked == ["beforeunload"]

    page.get_by_role("button", name="Save").last.dblclick()
    expect(page.locator(".notice")).to_be_visible()
    with_rows = "/" + page.url.split("/", 3)[3]
    assert [row["what"] for row in children(clinic, with_rows)] == ["Second", "Last"]
    page.goto(f"{clinic.address}/visit")
    expect(page.locator("tbody tr")).to_have_count(1)


def test_two_people_edit_at_once(clinic: ServedClinic, browser: Browser, page: Page) -> None:
    [anna] = clinic.create("contact", {"name": "Anna"})
    address = visit(clinic, anna, fee="1")
    as_cai(page, clinic, f"{address}/edit")
    with browser.new_context() as context:
        context.add_cookies(clinic.cookies("eve"))
        other = context.new_page()
        other.goto(f"{clinic.address}{address}/edit")
        other.get_by_label("Fee").fill("20")
        other.get_by_label("Date").fill("2020-01-01")
        save(other)

    page.get_by_label("Fee").fill("30")
    page.get_by_label("Subject").fill("Mine")
    page.get_by_role("button", name="Save").last.click()

    group = page.get_by_role("group", name="Fee")
    expect(group).to_contain_text("¥20.00")
    expect(group).to_contain_text("¥30.00")
    group.get_by_label("Theirs").check()
    save(page)
    now = stored(clinic, "visit", address)
    assert (str(now["fee"]), now["subject"], str(now["on_date"])) == ("20.00", "Mine", "2020-01-01")


def test_without_a_script_everything_is_there(clinic: ServedClinic, browser: Browser) -> None:
    clinic.create("contact", {"name": "Anna"})
    with browser.new_context(java_script_enabled=False) as context:
        context.add_cookies(clinic.cookies("cai"))
        page = context.new_page()
        page.goto(f"{clinic.address}/thing/new")
        expect(page.locator("#f-why")).to_be_visible()

        page.goto(f"{clinic.address}/visit/new")
        page.locator("#f-subject").fill("Check")
        page.locator("#f-patient").fill("Nobody")
        page.get_by_role("button", name="More rows").click()
        page.locator("#f-items-3-what").fill("Scan")
        page.locator("#f-items-3-amount").fill("5")
        page.locator("#f-subject").press("Enter")
        expect(page.locator('[data-field="patient"] .field-wrong')).to_contain_text("Nobody")
        page.locator("#f-patient").fill("Anna")
        page.get_by_role("button", name="Save").last.click()

        expect(page.get_by_role("heading", level=1)).to_contain_text("Check")
        expect(page.locator("#list-items")).to_contain_text("Scan")
        page.get_by_role("button", name="Miss").click()
        page.locator("#f-why_missed").fill("Ill")
        page.get_by_role("button", name="Miss").last.click()
        expect(page.locator("[aria-current=step] .stage-name")).to_have_text("Missed")
        page.locator("summary", has_text=re.compile("More actions")).click()
        page.get_by_role("link", name="Delete").click()
        page.get_by_role("button", name="Move to the recycle bin").click()
        page.get_by_role("button", name="Undo").click()
        expect(page.locator(".notice")).to_contain_text("as they were before")
