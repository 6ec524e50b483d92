"""Chromium, for tests that look at pages as a person does."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from engine import Site
from tests.functional.screens import clinic as documents
from tests.functional.screens.world import World, build
from ui.app import create_app
from ui.asking import COOKIE

# Nothing is judged by it: what does not come at all fails, what comes late on a busy machine does not.
expect.set_options(timeout=20_000)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a new profile. The test fails when the page has a script error or breaks its own security policy."""
    problems: list[str] = []
    with browser.new_context() as context:
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "console",
            lambda message: problems.append(message.text) if "Content Security Policy" in message.text else None,
        )
        yield page
    assert not problems


@dataclass
class ServedClinic(World):
    """A clinic that answers at an address."""

    address: str = ""

    def cookies(self, who: str, **more: str) -> list[Any]:
        """Return the cookies of somebody who has signed in."""
        values = {COOKIE: (self.site.config.folder / f"{who}.cookie").read_text("utf-8"), **more}
        return [{"name": name, "value": value, "url": self.address} for name, value in values.items()]


@pytest.fixture(scope="session")
def clinic_pattern(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The folder of a clinic that nobody works in, and the ids of its people."""
    folder = tmp_path_factory.mktemp("clinic") / "site"
    return folder, build(folder, documents.DOCUMENTS, people=documents.PEOPLE)


@contextmanager
def served(pattern: tuple[Path, dict[str, str]], folder: Path) -> Iterator[ServedClinic]:
    """Serve a copy of a site from this process."""
    origin, ids = pattern
    shutil.copytree(origin, folder)
    site = Site.open(folder)
    app = create_app(site)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield ServedClinic(site, app, ids, f"http://127.0.0.1:{server.port}")
    server.shutdown()
    thread.join()
    server.server_close()
    site.close()


@pytest.fixture
def clinic(clinic_pattern: tuple[Path, dict[str, str]], tmp_path: Path) -> Iterator[ServedClinic]:
    """A clinic of this test's own, without records, served from this process."""
    with served(clinic_pattern, tmp_path / "site") as made:
        yield made
