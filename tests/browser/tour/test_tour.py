"""Every kind of screen of the demonstration and of a clinic: fits, is accessible, steady, light and in one language."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from engine import SYSTEM, Query, Site
from tests.browser.conftest import ServedClinic, served
from tests.browser.tour import looking
from tests.browser.tour.addresses import CLINIC, DEMO, REFUSED
from tests.conftest import read_tier
from tests.functional.screens.clinic import visit
from ui.app import create_app
from ui.asking import COOKIE
from ui.demo.site import known_sign_ins, make_demo

pytestmark = pytest.mark.browser

ALL_LOOKS = list(itertools.product((360, 768, 1440), ("en", "zh"), ("light", "dark")))
LOOKS = [(360, "zh", "dark"), (768, "en", "dark"), (1440, "en", "light"), (1440, "zh", "light")]
"""Those of a quick run, which share the pages among them; a full run sees every page in all twelve."""


@dataclass
class Place:
    """A site that answers, and how one comes in."""

    name: str
    site: Site
    address: str
    secret: str
    ids: dict[str, str]
    """A record of each entity that has one."""
    words: looking.Words

    def cookies(self, language: str, theme: str) -> list[Any]:
        """Return what a browser of the person holds."""
        values = {COOKIE: self.secret, "guanxi_language": language, "guanxi_theme": theme}
        return [{"name": name, "value": value, "url": self.address} for name, value in values.items()]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The demonstration, small."""
    folder = tmp_path_factory.mktemp("demo") / "site"
    make_demo(folder, 40, 7, lambda *_: contextlib.nullcontext(lambda _: None), language="en")
    known = known_sign_ins(folder)["admin"]
    with Site.open(folder) as site:
        app = create_app(site)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = Thread(target=server.serve_forever)
        thread.start()
        secret = site.identity.sign_in(known["email"], known["password"]).secret
        yield Place("demo", site, f"http://127.0.0.1:{server.port}", secret, _one_of_each(site), looking.Words(site))
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def clinic_place(
    clinic_pattern: tuple[Path, dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """A clinic with what breaks layouts: long words, markup, writing from right to left."""
    with served(clinic_pattern, tmp_path_factory.mktemp("tour") / "site") as made:
        _fill(made)
        secret = (made.site.config.folder / "cai.cookie").read_text("utf-8")
        yield Place(
            "clinic",
            made.site,
            made.address,
            secret,
            _one_of_each(made.site),
            looking.Words(made.site, {"Hello system", "always"}),
        )


def _fill(made: ServedClinic) -> None:
    awkward = [
        "<script>alert(1)</script><b>bold</b>",
        "שלום עולם مرحبا بالعالم",
        "长" * 120,
        "W" * 120,
        "'\"&lt;{{7*7}}",
    ]
    people = made.create(
        "contact", *({"name": name, "mobile": f"1380013800{number}"} for number, name in enumerate(awkward))
    )
    for number, (person, name) in enumerate(zip(people, awkward, strict=True)):
        visit(made, person, subject=name, fee=number * 100, items=[{"what": name, "amount": "12.50", "helper": person}])
    made.create("thing", {"name": awkward[3], "note": awkward[2], "friends": people})


def _one_of_each(site: Site) -> dict[str, str]:
    found = {}
    with site.reading(SYSTEM) as reader:
        for entity in reader.model.entities:
            rows = reader.query(Query(entity, limit=1))
            if rows:
                found[entity] = rows[0].id
    return found


@pytest.mark.parametrize(("width", "language", "theme"), LOOKS if read_tier() == "quick" else ALL_LOOKS)
@pytest.mark.parametrize("where", ["demo", "clinic"])
def test_every_screen_fits_is_accessible_steady_and_in_one_language(
    request: pytest.FixtureRequest, browser: Browser, where: str, width: int, language: str, theme: str
) -> None:
    place: Place = request.getfixturevalue({"demo": "demo", "clinic": "clinic_place"}[where])
    known = DEMO if where == "demo" else CLINIC
    if read_tier() == "quick":
        known = known[LOOKS.index((width, language, theme)) :: len(LOOKS)]
    addresses = [each.format(**place.ids) for each in known]

    findings = walk(browser, place, addresses, width, language, theme)

    assert not findings, looking.written(findings)


def walk(
    browser: Browser, place: Place, addresses: list[str], width: int, language: str, theme: str
) -> list[looking.Finding]:
    """Go to each address and return what is wrong there."""
    findings = []
    with browser.new_context(viewport={"width": width, "height": 900}, bypass_csp=False) as context:
        looking.watch(context)
        context.add_cookies(place.cookies(language, theme))
        page = context.new_page()
        said: list[str] = []
        page.on("pageerror", lambda error: said.append(f"script: {error}"))
        page.on(
            "console",
            lambda message: said.append(message.text) if message.type == "error" else None,
        )
        for address in addresses:
            said.clear()
            finding = looking.Finding(f"{place.name}{address} at {width} in {language}, {theme}")
            finding.problems += _look(page, place, address, width, language)
            # A browser tells its console of an answer that is meant to be an error as well.
            finding.problems += [each for each in said if address not in REFUSED or "server responded with" not in each]
            looking.picture(page, f"{place.name} {address} {width} {language} {theme}")
            if finding.problems:
                findings.append(finding)
    return findings


def _look(page: Page, place: Place, address: str, width: int, language: str) -> Iterator[str]:
    response = page.goto(f"{place.address}{address}")
    if response is None or response.status != REFUSED.get(address, 200):
        yield f"answers {response and response.status}"
        return
    expect(page.locator(".htmx-request")).to_have_count(0)
    yield from looking.room(page, width)
    yield from looking.steadiness(page)
    yield from place.words.untranslated(page, language)
    yield from looking.access(page)
    yield from looking.style(page)


def test_pages_are_light(demo: Place, browser: Browser) -> None:
    weights: dict[str, int] = {}
    # Every browser takes gzip; what some save with other ways of packing does not count.
    gzip = {"Accept-Encoding": "gzip"}
    with browser.new_context(extra_http_headers=gzip) as first, browser.new_context(extra_http_headers=gzip) as other:
        for context in (first, other):
            context.add_cookies(demo.cookies("en", "light"))
        page = other.new_page()
        page.goto(f"{demo.address}/", wait_until="networkidle")
        expect(page.locator(".dash-chart svg").first).to_be_visible()
        weights["/"] = looking.weight(page)
        page = first.new_page()
        for address in ("/lead", "/opportunity", "/opportunity/{opportunity}", "/opportunity/new"):
            page.goto(demo.address + address.format(**demo.ids), wait_until="networkidle")
            weights[address] = looking.weight(page)
    for address, weight in weights.items():
        assert weight < (looking.FIRST_BYTES if address in {"/", "/lead"} else looking.NEXT_BYTES), json.dumps(weights)
    assert weights["/"] > weights["/lead"], json.dumps(weights)  # the page with charts has them
