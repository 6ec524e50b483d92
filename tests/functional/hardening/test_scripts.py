"""Script in every text of every record, and in every label of the documents, on every screen: shown, and never run."""

import html
import io
import json
import re
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Dialog
from werkzeug.serving import make_server

from engine import SYSTEM, Query, RecordInvalid, Site
from tests.functional.hardening.test_web import routes
from tests.functional.screens.world import Web, World, build
from ui.app import create_app

MARK = "xss7331"
TEXTS = (
    f"<script>{MARK}()</script>",
    f'"><img src=x onerror={MARK}()>',
    f"' autofocus onfocus='{MARK}()",
    f"</textarea></title></style><svg onload={MARK}()>",
    f"{{{{ 7919 * 7331 * 11 }}}}{{% for x in ().__class__ %}}{MARK}",
    f"${{7919*7331*11}}{MARK}<!--",
    f"javascript:{MARK}()",
    f'\\"}});{MARK}();//',
    f"</script><script>{MARK}()</script>",
)
WORKED_OUT = "638596079"
"""What a template would make of 7919 * 7331 * 11."""
LABEL = json.dumps(TEXTS[0] + TEXTS[1] + TEXTS[4])
DOCUMENTS = f"""
entity: part
label: {LABEL}
plural: {LABEL}
title: name
features: [owned, history, search, comments, attachments]
fields:
  name: {{type: text, label: {LABEL}, required: true, search: high, help: {LABEL}}}
  note: {{type: longtext, label: {LABEL}, search: normal}}
  story: {{type: richtext, label: {LABEL}}}
  words: {{type: tags, label: {LABEL}}}
  page: {{type: url, label: {LABEL}}}
  mail: {{type: email, label: {LABEL}}}
  line: {{type: phone, label: {LABEL}}}
  place: {{type: address, label: {LABEL}}}
  code: {{type: barcode, label: {LABEL}}}
  extra: {{type: json, label: {LABEL}}}
  tint: {{type: color, label: {LABEL}}}
  paper: {{type: file, label: {LABEL}}}
  kind: {{type: select, label: {LABEL}, options: {{one: {{label: {LABEL}, color: red}}, two: {{label: {LABEL}}}}}}}
  many: {{type: multiselect, label: {LABEL}, options: {{one: {{label: {LABEL}}}}}}}
  whole: {{type: lookup, label: {LABEL}, to: part, on_delete: clear}}
  others: {{type: lookups, label: {LABEL}, to: part, on_delete: clear}}
  about: {{type: any_lookup, label: {LABEL}, to: [part, user]}}
  items: {{type: table, label: {LABEL}, of: screw}}
  said: {{type: formula, label: {LABEL}, result: text, expr: "name"}}
checks:
  kind_of: {{fail_when: "tint == '#000000'", at: name, message: {LABEL}}}
states:
  field: kind
  transitions: {{go: {{from: [one], to: two, label: {LABEL}}}}}
---
entity: screw
label: {LABEL}
plural: {LABEL}
parent: part
title: name
fields:
  name: {{type: text, label: {LABEL}, required: true}}
---
view: part.all
entity: part
title: {LABEL}
columns:
  {{name: {{label: {LABEL}}}, note: {{}}, words: {{}}, page: {{}}, mail: {{}}, line: {{}}, place: {{}},
  kind: {{widget: badge}}, many: {{}}, whole: {{}}, others: {{}}, about: {{}}, said: {{}}, owner: {{}}, paper: {{}},
  code: {{}}}}
filters: [kind, name, whole, owner]
---
view: part.more
entity: part
title: {LABEL}
columns: {{name: {{}}}}
---
role: smith
label: {LABEL}
grants: {{part: {{read: all, create: all, update: all, delete: all}}}}
---
menu: main
label: {LABEL}
items:
  parts: {{entity: part, label: {LABEL}}}
  group: {{label: {LABEL}, items: {{inner: {{url: "/part", label: {LABEL}}}}}}}
"""


class Page(HTMLParser):
    """Finds what a browser would run of a page."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong: list[str] = []
        self._script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._script = tag == "script"
        if tag in {"iframe", "object", "embed", "base", "meta"} and MARK in str(attrs):
            self.wrong.append(f"<{tag} {attrs}>")
        for name, value in attrs:
            text = (value or "").strip().lower()
            if name.startswith("on") or name in {"style", "srcdoc"}:
                self.wrong.append(f"<{tag} {name}={value}>")
            if name in {"href", "src", "action", "formaction", "hx-get", "hx-post"} and re.match(
                r"[\x00-\x20]*(javascript|data(?!:,)|vbscript)\s*:", text
            ):
                self.wrong.append(f"<{tag} {name}={value}>")
            if name == "src" and text == "x":
                self.wrong.append(f"<{tag} src=x>")

    def handle_data(self, data: str) -> None:
        if self._script and data.strip():
            self.wrong.append(f"script: {data[:80]}")

    def handle_endtag(self, tag: str) -> None:
        self._script = False


def sound(text: str, where: str) -> None:
    assert not Page(text).wrong, f"{where}: {Page(text).wrong[:3]}"
    assert WORKED_OUT not in text, where


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A site whose documents, people and records are full of script."""
    folder = tmp_path_factory.mktemp("forge") / "site"
    people = {"ada": (TEXTS[0], "ada@example.com", "admin"), "sam": (TEXTS[1], "sam@example.com", "smith")}
    ids = build(folder, DOCUMENTS, None, people)
    with Site.open(folder) as site:
        world = World(site, create_app(site), ids)
        plant(world)
        yield world


def plant(world: World) -> list[str]:
    """Store a record for each text, with it in every field that takes it; what a field refuses is left out."""
    ids: list[str] = []
    for text in TEXTS:
        who = world.site.principal(world.ids["sam"])
        file = world.site.files.add(who, io.BytesIO(text.encode()), name=f"{text}.html")
        values: dict[str, Any] = {
            "name": text, "note": text, "story": f"<p>{text}</p>{text}", "words": [text],
            "page": f"https://x.example/?{text}",
            "code": text, "extra": {text: [text]}, "place": {"street": text, "city": text}, "kind": "one",
            "many": ["one"],
            "items": [{"name": text}], "paper": file, "mail": f'"{text}"@example.com', "line": text, "tint": text,
        }  # fmt: skip
        if ids:
            values |= {"whole": ids[-1], "others": ids[:2], "about": f"part/{ids[-1]}"}
        [made] = create(world, values)
        ids.append(made)
        world.site.records.update(who, "part", [{"id": made, "note": f"{text} again"}])
    return ids


def create(world: World, values: dict[str, Any]) -> list[str]:
    who = world.site.principal(world.ids["sam"])
    try:
        return [each.id for each in world.site.records.create(who, "part", [values])]
    except RecordInvalid as error:
        left = {key: each for key, each in values.items() if key not in {p.path.split("/")[0] for p in error.problems}}
        return [each.id for each in world.site.records.create(who, "part", [left])]


def pages(world: World, web: Web) -> Iterator[tuple[str, str]]:
    """Yield (address, text) of every page that there is, and of everything that they lead to."""
    known = [address for _rule, _method, address in routes(world.app, changing=False)]
    with world.site.reading(SYSTEM) as reader:
        ids = reader.query(Query("part", limit=50)).ids
    rules = {rule.rule for rule, _method, _address in routes(world.app, changing=False)}
    for rule in sorted(rules):
        if "<entity>" in rule and "<" not in rule.replace("<entity>", "").replace("<uuid:record_id>", ""):
            known += [rule.replace("<entity>", "part").replace("<uuid:record_id>", each) for each in ids]
    known += [f"/part?{parameter}={text}" for text in TEXTS for parameter in ("q", "filter", "order", "view", "name")]
    known += [f"/search?q={text}" for text in (*TEXTS, "again")]
    known += [
        f"/login?next={TEXTS[6]}",
        f"/{TEXTS[0]}",
        f"/part/{TEXTS[1]}",
        "/lookup/part/whole?q=",
        "/lookup/part/owner?q=",
    ]
    seen: set[str] = set()
    waiting = list(dict.fromkeys(known))
    while waiting and len(seen) < 180:
        address = waiting.pop(0)
        if address in seen or "logout" in address or "export" in address:
            continue
        seen.add(address)
        response = web.get(address)
        assert response.status_code < 500, address
        if response.mimetype != "text/html":
            continue
        yield address, response.text
        for found in re.findall(r'(?:href|hx-get)="(/[^"#]*)"', response.text):
            link = html.unescape(found)
            if not link.startswith(("/static", "/files", "/api")) and link not in seen and len(waiting) < 180:
                waiting.append(link)


@pytest.mark.slow
@pytest.mark.parametrize("who", ["ada", "sam"])
def test_script_is_shown_and_never_run(forge: World, who: str) -> None:
    shown = 0
    for address, text in pages(forge, forge.browser(who)):
        sound(text, address)
        shown += MARK in text

    assert shown > 40


def test_forms_that_come_back_hold_no_script(forge: World) -> None:
    web = forge.browser("sam")
    for text in TEXTS:
        data = {"tint": text, "was-tint": "", "mail": text, "was-mail": "", "line": text, "was-line": "", "name": "",
                "was-name": text, "note": text, "was-note": "", "unknown": text, "was-unknown": "", "whole": text,
                "was-whole": ""}  # fmt: skip
        response = web.submit("/part/new", data)

        assert response.status_code == 422
        assert MARK in response.text
        sound(response.text, text)
    for text in TEXTS:
        sound(web.submit("/login", {"email": text, "password": text, "next": text}).text, text)


def test_what_a_rich_text_keeps_is_harmless(forge: World) -> None:
    tricks = (
        f"<a href='javascript:{MARK}()'>x</a>", f"<a href=' java\tscript:{MARK}()'>x</a>",
        f"<img src=x onerror={MARK}()>",
        f"<math><mtext><table><mglyph><style><img src=x onerror={MARK}()>",
        f"<svg><animate onbegin={MARK}() attributeName=x>",
        f"<iframe srcdoc='<script>{MARK}()</script>'>",
        f"<p style='background:url(javascript:{MARK}())'>x", "<form action=//evil.example>",
        f"<noscript><p title='</noscript><img src=x onerror={MARK}()>'>",
        f"<meta http-equiv=refresh content='0;javascript:{MARK}()'>",
    )  # fmt: skip
    web = forge.browser("sam")
    for trick in tricks:
        [made] = create(forge, {"name": "rich", "story": trick})

        text = web.text(f"/part/{made}")

        sound(text, trick)
        assert "evil.example" not in text
        assert "<iframe" not in text
        sound(web.text(f"/part/{made}/edit"), trick)


@pytest.mark.browser
def test_no_script_of_a_record_runs_in_a_browser(forge: World, browser: Browser) -> None:
    """Every page that matters in Chromium: no dialog, no call, nothing that the policy had to refuse."""
    server = make_server("127.0.0.1", 0, forge.app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    cookie = (forge.site.config.folder / "sam.cookie").read_text("utf-8")
    with forge.site.reading(SYSTEM) as reader:
        ids = reader.query(Query("part", limit=20)).ids
    addresses = [
        "/",
        "/part",
        "/part?view=part.more",
        "/part/new",
        "/search?q=again",
        "/part/trash",
        f"/part?q={TEXTS[1]}",
    ]
    addresses += [f"/part/{each}{below}" for each in ids[:9] for below in ("", "/edit", "/history")]
    happened: list[str] = []

    def refuse(dialog: Dialog) -> None:
        happened.append(dialog.message)
        dialog.dismiss()

    def listen(said: ConsoleMessage) -> None:
        if "Content Security Policy" in said.text:
            happened.append(said.text)

    try:
        with browser.new_context() as context:
            context.add_cookies([{"name": "guanxi", "value": cookie, "url": f"http://127.0.0.1:{server.port}"}])
            context.expose_function(MARK, lambda: happened.append("called"))
            page = context.new_page()
            page.on("dialog", refuse)
            page.on("console", listen)
            for address in addresses:
                page.goto(f"http://127.0.0.1:{server.port}{address}", wait_until="load")
    finally:
        server.shutdown()

    assert happened == []
