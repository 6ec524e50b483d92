"""What a person waits for: pages of a site with many records, in Chromium.

`python -m tests.bench screens [--rows 100000] [--postgres]`: bytes over the wire, the time until a page stands, and the
time from each thing somebody does to the next paint (as in https://web.dev/articles/inp, the longest of several).
One server, the product's own, one rep of a company of 500 people; the browser runs on the same machine.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.bench import company
from tests.bench.client import Server, free_port
from tests.bench.ours import COMMAND
from tests.bench.postgres import Postgres

FIRST_BYTES = 300_000
NEXT_BYTES = 60_000
NEXT_PAINT_MS = 100
REPORT = "/report/new?entity=deal&own=1&by=stage&show=count()&chart=column"

_WATCH = """
window.slowest = 0;
new PerformanceObserver((list) => {
  const lasted = list.getEntries().filter((each) => each.interactionId).map((each) => each.duration);
  window.slowest = Math.max(window.slowest, ...lasted);
}).observe({ type: "event", durationThreshold: 16, buffered: true });
window.painted = 0;
new PerformanceObserver((list) => {
  for (const each of list.getEntries()) window.painted = each.startTime;
}).observe({ type: "largest-contentful-paint", buffered: true });
"""
_BYTES = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .reduce((sum, each) => sum + each.transferSize, 0)"""


@dataclass(frozen=True)
class Screen:
    """What one screen costs."""

    name: str
    bytes: int
    """Over the wire, compressed, with all that the page loads and the browser has not kept."""
    painted_ms: float
    """Until its largest part stands."""
    slowest_ms: float | None
    """From something that somebody does to the next paint, at most; None where nothing is done."""

    def problems(self, *, first: bool) -> Iterator[str]:
        """Yield what is beyond the goals."""
        if self.bytes > (FIRST_BYTES if first else NEXT_BYTES):
            yield "bytes"
        if self.slowest_ms is not None and self.slowest_ms > NEXT_PAINT_MS:
            yield "next paint"


def _type_in_search(page: Page) -> None:
    page.locator("form.filters input[type=search]").first.type("an", delay=40)
    page.wait_for_timeout(900)


def _tick_rows(page: Page) -> None:
    for box in page.locator('form.listing input[name="id"]').all()[:5]:
        box.click()


def _sort(page: Page) -> None:
    page.locator("form.listing thead a").first.click()
    page.wait_for_load_state("networkidle")


def _fill(page: Page) -> None:
    page.locator("main [data-field=name] input").first.type(" & Co", delay=30)
    page.locator("main [data-field=stage] select").first.select_option("won")
    page.wait_for_timeout(300)


def _unfold(page: Page) -> None:
    page.locator("main summary").first.click()
    page.wait_for_timeout(200)


def measure(
    folder: Path, postgres: Postgres | None, rows: int, rounds: int, say: Callable[[str], None]
) -> list[Screen]:
    """Make the company, serve it and return what each screen costs a rep."""
    say("making the company")
    url = postgres.url("ours") if postgres else None
    made = company.make(folder / "site", url, rows)
    if postgres:
        postgres.analyse("ours")
    rep = made.who["rep"]
    made.site.identity.set_password(rep, company.PASSWORD)
    email = made.site.identity.find(rep).email or ""
    made.close()
    environment = {**os.environ, "GUANXI_SITE": str(folder / "site")}
    environment.pop("DATABASE_URL", None)
    if url is not None:
        environment["DATABASE_URL"] = url
    port = free_port()
    command = [str(COMMAND), "serve", "--port", str(port), "--workers", "1", "--without-worker"]
    server = Server("ours", command, environment, port, folder, lambda: 0.0)
    found: dict[str, list[Screen]] = {}
    try:
        server.start(("GET", "/login", None), {})
        for number in range(rounds + 1):
            say(f"round {number} of {rounds}")
            with _signed_in(f"http://127.0.0.1:{port}", email) as page:
                for screen in _visited(page, f"http://127.0.0.1:{port}"):
                    if number:
                        found.setdefault(screen.name, []).append(screen)
    finally:
        server.stop()
    return [_median(each) for each in found.values()]


@contextmanager
def _signed_in(address: str, email: str) -> Iterator[Page]:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        # What every browser takes: other ways of packing would make less of the same bytes.
        context = browser.new_context(
            viewport={"width": 1280, "height": 900}, extra_http_headers={"Accept-Encoding": "gzip"}
        )
        context.add_init_script(_WATCH)
        page = context.new_page()
        page.goto(f"{address}/login")
        page.fill("input[name=email]", email)
        page.fill("input[name=password]", company.PASSWORD)
        page.press("input[name=password]", "Enter")
        page.wait_for_load_state("networkidle")
        yield page
        browser.close()


def _visited(page: Page, address: str) -> Iterator[Screen]:
    # What is loaded is forgotten: the page is the first of somebody who comes for the first time.
    browser = page.context.new_cdp_session(page)
    browser.send("Network.clearBrowserCache")
    yield _screen(page, "first load, chart", f"{address}{REPORT}", None)
    browser.send("Network.clearBrowserCache")
    yield _screen(page, "first load", f"{address}/deal", None)
    yield _screen(page, "list", f"{address}/deal", _tick_rows)
    yield _screen(page, "list, sorted", f"{address}/deal", _sort)
    yield _screen(page, "list, searched", f"{address}/deal", _type_in_search)
    page.goto(f"{address}/deal?filter=owner+%3D%3D+user.id")  # their own, which they may change
    record = page.locator("form.listing tbody a").first.get_attribute("href") or ""
    yield _screen(page, "record", f"{address}{record}", _unfold)
    yield _screen(page, "form", f"{address}{record}/edit", _fill)


def _screen(page: Page, name: str, address: str, act: Callable[[Page], None] | None) -> Screen:
    page.goto(address, wait_until="networkidle")
    size, painted = page.evaluate(_BYTES), page.evaluate("window.painted")
    if act is not None:
        act(page)
    # A click that leads away ends the page: what counts is the paint before that.
    return Screen(name, size, painted, None if act is None else page.evaluate("window.slowest"))


def _median(each: list[Screen]) -> Screen:
    slowest = [screen.slowest_ms for screen in each if screen.slowest_ms is not None]
    return Screen(
        each[0].name,
        max(screen.bytes for screen in each),
        statistics.median(screen.painted_ms for screen in each),
        statistics.median(slowest) if slowest else None,
    )


def show(figures: list[Screen], title: str) -> bool:
    """Print the table; say whether everything is within the goals."""
    out = sys.stdout.write
    out(f"\n{title}\n{'screen':<18}{'kB sent':>9}{'painted ms':>12}{'next paint ms':>15}\n")
    good = True
    for each in figures:
        problems = list(each.problems(first=each.name.startswith("first load")))
        good = good and not problems
        paint = "-" if each.slowest_ms is None else f"{each.slowest_ms:.0f}"
        mark = f"  beyond the goal: {', '.join(problems)}" if problems else ""
        out(f"{each.name:<18}{each.bytes / 1000:>9.1f}{each.painted_ms:>12.0f}{paint:>15}{mark}\n")
    return good
