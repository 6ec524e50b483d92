"""What the build made of ui/frontend does its work in a browser, under the strictest policy that pages have."""

import functools
import json
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

BUILT = Path(__file__).parents[2] / "ui" / "static" / "dist"

PAGE = """<!doctype html>
<html lang="zh">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width">
  <title>Assets</title>
  <link rel="icon" href="data:,">
  <link rel="stylesheet" href="/{style}">
  <script type="module" src="/{app}"></script>
</head>
<body>
  <button class="btn btn-primary" hx-get="/part.html" hx-target="#place">换</button>
  <svg class="icon" data-testid="icon"><use href="/{icons}#star-filled"></use></svg>
  <div class="dropdown">
    <button class="btn dropdown-toggle" data-bs-toggle="dropdown">更多</button>
    <div class="dropdown-menu"><a class="dropdown-item" href="#">导出</a></div>
  </div>
  <div id="place"></div>
</body>
</html>
"""


class Handler(SimpleHTTPRequestHandler):
    """Serves the page, a part for htmx and the built files, all with the policy."""

    def do_GET(self) -> None:
        if self.path == "/page.html":
            manifest = json.loads((BUILT / "manifest.json").read_text())
            names = {Path(name).stem: file for name, file in manifest.items()}
            self._answer(PAGE.format_map(names))
        elif self.path == "/part.html":
            self._answer("<p>客户关系</p>")
        else:
            super().do_GET()

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", "default-src 'self'; img-src 'self' data:")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class has it
        pass

    def _answer(self, text: str) -> None:
        content = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    assert (BUILT / "manifest.json").exists(), "the assets are not built: run `python hatch_build.py`"
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=BUILT)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_style_is_there(page: Page, address: str) -> None:
    page.goto(f"{address}/page.html")

    expect(page.get_by_role("button", name="换")).to_have_css("display", "inline-flex")


def test_an_icon_is_painted_with_the_colour_of_its_text(page: Page, address: str) -> None:
    page.goto(f"{address}/page.html")

    expect(page.get_by_test_id("icon")).to_have_css("width", "20px")
    assert page.evaluate("document.querySelector('use').getBBox().width") > 15


def test_a_part_is_swapped_in(page: Page, address: str) -> None:
    page.goto(f"{address}/page.html")

    page.get_by_role("button", name="换").click()

    expect(page.locator("#place p")).to_have_text("客户关系")


def test_htmx_makes_nothing_from_text(page: Page, address: str) -> None:
    page.goto(f"{address}/page.html")

    config = page.evaluate("htmx.config")

    assert config["allowEval"] is False
    assert config["includeIndicatorStyles"] is False
    assert config["selfRequestsOnly"] is True
    assert config["historyCacheSize"] == 0
    assert page.evaluate("htmx.version").startswith("2.")


def test_a_menu_opens(page: Page, address: str) -> None:
    page.goto(f"{address}/page.html")

    page.get_by_role("button", name="更多").click()

    expect(page.get_by_role("link", name="导出")).to_be_visible()
