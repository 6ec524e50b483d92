"""Dashboards in Chromium: charts are drawn in both themes, cards are dragged and pulled, pieces lead to records."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ServedClinic
from tests.functional.screens.clinic import visit

pytestmark = pytest.mark.browser
BOARD = """
dashboard: clinic.today
title: {en: Today, zh: 今日}
cards:
  all: {entity: visit, measures: {count: {count: true}}, width: 3, height: 3}
  stages: {entity: visit, group_by: stage, measures: {count: {count: true}}, chart: column, width: 6, height: 5}
  ring: {entity: visit, group_by: stage, measures: {count: {count: true}}, chart: donut, width: 3, height: 5}
"""

SHIFTS = """new PerformanceObserver((list) => list.getEntries().forEach((each) => {
  window.shifted = (window.shifted ?? 0) + each.value;
})).observe({ type: "layout-shift", buffered: true })"""


def keys(page: Page) -> list[str]:
    """Return the keys of the cards in their order."""
    found: list[str] = page.evaluate("[...document.querySelectorAll('[data-key]')].map((each) => each.dataset.key)")
    return found


def test_a_dashboard_is_read_and_arranged(clinic: ServedClinic, page: Page) -> None:
    (clinic.site.config.folder / "schemas" / "board.yaml").write_text(BOARD, "utf-8")
    clinic.site.publish()
    for name in ("Anna", "Bert", "Cleo"):
        [id_] = clinic.create("contact", {"name": name})
        visit(clinic, id_, subject=name)
    page.context.add_cookies(clinic.cookies("ada", guanxi_theme="light"))
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{clinic.address}/dashboard/clinic.today")
    page.evaluate(SHIFTS)
    expect(page.locator("#card-stages .dash-chart svg")).to_be_visible()
    expect(page.locator("#card-ring .dash-chart svg")).to_be_visible()
    assert page.evaluate("window.shifted ?? 0") < 0.02

    # The drawing follows the theme.
    ink = "getComputedStyle(document.querySelector('#card-stages svg text')).fill"
    light = page.evaluate(ink)
    page.evaluate("document.documentElement.dataset.bsTheme = 'dark'")
    page.wait_for_function(f"{ink} !== '{light}'")

    # The table of the same numbers is there for who listens, and seen when it is asked for.
    table = page.locator("#card-stages .dash-table")
    assert table.locator("tbody tr").count() == 2
    assert table.evaluate("(each) => each.offsetHeight") <= 1
    page.locator("#card-stages").hover()
    page.locator("#card-stages .dash-acts label").click()
    assert table.evaluate("(each) => each.offsetHeight") > 50
    page.locator("#card-stages .dash-acts label").click()

    with page.expect_download() as download:
        page.locator("#card-stages [data-picture]").click()
    assert Path(download.value.path()).read_bytes().startswith(b"\x89PNG")

    bar = page.locator("#card-stages svg path[fill]:not([fill=none])").last.bounding_box()
    assert bar is not None
    page.mouse.click(bar["x"] + bar["width"] / 2, bar["y"] + bar["height"] / 2)
    page.wait_for_url("**/visit?filter=*")

    page.goto(f"{clinic.address}/dashboard/clinic.today?arrange=1")
    expect(page.locator("#card-ring .dash-chart svg")).to_be_visible()
    with page.expect_response("**/arrange") as answered:
        page.locator("#card-ring .dash-head h2").drag_to(page.locator("#card-all .dash-head h2"))
    assert answered.value.status == 204
    assert keys(page)[0] == "ring"
    corner = page.locator("#card-all .dash-corner").bounding_box()
    assert corner is not None
    with page.expect_response("**/arrange"):
        page.mouse.move(corner["x"] + 5, corner["y"] + 5)
        page.mouse.down()
        page.mouse.move(corner["x"] + 300, corner["y"] + 90, steps=4)
        page.mouse.up()
    page.locator("#card-ring button[value=later]").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**card-ring")
    assert keys(page)[1] == "ring"
    assert int(page.locator("#card-all").get_attribute("data-width") or 0) > 3
