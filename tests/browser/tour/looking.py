"""What is looked for on a page, whatever page it is: room, access, words, weight."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page

from engine import SYSTEM, Query, Site

_PACKAGES = Path(__file__).parents[3] / "ui" / "frontend" / "node_modules"
AXE = _PACKAGES / "axe-core" / "axe.min.js"
TABLER = _PACKAGES / "@tabler" / "core" / "dist" / "css" / "tabler.css"
BUILT = Path(__file__).parents[3] / "ui" / "static" / "dist"
PICTURES = Path(__file__).parents[3] / "test-results" / "screens"
"""Where pictures of the pages are kept to be looked at; git ignores it."""

MOST_SHIFT = 0.05
"""How far things may jump while a page comes: half of what counts as good, https://web.dev/articles/cls."""
FIRST_BYTES = 300_000
NEXT_BYTES = 60_000

_WATCH = """
window.shifted = 0;
new PerformanceObserver((list) => {
  for (const each of list.getEntries()) if (!each.hadRecentInput) window.shifted += each.value;
}).observe({ type: "layout-shift", buffered: true });
"""
_WEIGHT = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .reduce((sum, each) => sum + each.transferSize, 0)"""
_TEXTS = """() => {
  const found = new Set();
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const holder = node.parentElement;
    if (holder.closest("script, style, noscript, textarea, code, pre, kbd")) continue;
    if (holder.closest("[lang]:not(html), [translate=no]")) continue;
    const text = node.textContent.replace(/\\s+/g, " ").trim();
    if (text) found.add(text);
  }
  for (const each of document.querySelectorAll("[title], [placeholder], [aria-label], [alt], input[type=submit]")) {
    if (each.closest("[lang]:not(html), code, [translate=no]")) continue;
    for (const name of ["title", "placeholder", "aria-label", "alt"]) {
      const text = (each.getAttribute(name) ?? "").trim();
      if (text) found.add(text);
    }
  }
  return [document.title, ...found];
}"""
_CLASSES = "[...new Set([...document.querySelectorAll('[class]')].flatMap((each) => [...each.classList]))]"
_CLASS = re.compile(r"\.((?:\\.|[\w-])+)")
_LATIN = re.compile(r"[A-Za-z]{3,}")
_TECHNICAL = re.compile(
    r"`[^`]*`|== != < > in and or not|--[a-z-]+|[\w~-]*[._/@][\w./@-]*|\b[0-9a-f]{8}-[0-9a-f-]{27}\b"
)
"""Keys, commands, files, addresses and ids, which are the same in every language."""
_CHINESE = re.compile(r"[\u3400-\u9fff]+")
_SAME = """
  Guanxi CSV XLSX JSON YAML PDF API REST MCP HTTP HTTPS URL ICS PNG SVG HTML SQL SQLite PostgreSQL Webhook Webhooks
  OpenAPI Swagger TOTP SSO OIDC SAML LDAP SMTP UTF ISO CNY USD EUR JPY GBP HKD Ctrl Cmd Shift Alt Enter Esc Tab English
  AES GCM Argon Cookie TLS Token ETag Idempotency Python lines UTC WeChat LinkedIn https Excel OpenDocument
  Asia Shanghai ZIP zip
"""
_NAMES = frozenset(_SAME.split())
"""Names that are the same in every language."""


@dataclass
class Finding:
    """What is wrong with a page."""

    page: str
    problems: list[str] = field(default_factory=list)


def watch(context: BrowserContext) -> None:
    """Have every page of a context measure how far things jump while it comes."""
    context.add_init_script(_WATCH)


def room(page: Page, width: int) -> Iterator[str]:
    """Yield what does not fit the screen."""
    wide = page.evaluate("document.documentElement.scrollWidth")
    if wide > width:
        culprits = page.evaluate(
            """(width) => [...document.querySelectorAll("body *")]
              .filter((each) => each.getBoundingClientRect().right > width + 1 && each.children.length === 0)
              .slice(0, 3).map((each) => each.outerHTML.slice(0, 120))""",
            width,
        )
        yield f"is {wide} wide on a screen of {width}: {culprits}"


def steadiness(page: Page) -> Iterator[str]:
    """Yield whether things jumped while the page came."""
    shifted = page.evaluate("window.shifted")
    if shifted > MOST_SHIFT:
        yield f"things jump by {shifted:.3f} while it comes"


def access(page: Page) -> Iterator[str]:
    """Yield what axe finds serious or critical."""
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    for each in found["violations"]:
        if each["impact"] in {"serious", "critical"}:
            where = "; ".join(" ".join(node["target"][-1:]) + " " + _measured(node) for node in each["nodes"][:3])
            yield f"axe, {each['impact']}: {each['id']}: {where}"


def _measured(node: dict[str, Any]) -> str:
    data: dict[str, Any] = next((each["data"] for each in node["any"] if isinstance(each.get("data"), dict)), {})
    ratio = data.get("contrastRatio")
    return f"({ratio} of {data['fgColor']} on {data['bgColor']})" if ratio else node["html"][:100]


def style(page: Page) -> Iterator[str]:
    """Yield the classes that Tabler has rules for, which the build left out of what the page loads."""
    lost = sorted(_left_out() & set(page.evaluate(_CLASSES)))
    if lost:
        yield f"the style lacks {', '.join(lost)}: run `python hatch_build.py`, and see ui/frontend/trim.mjs"


@functools.cache
def _left_out() -> frozenset[str]:
    [built] = BUILT.glob("style-*.css")
    whole, ours = (
        {re.sub(r"\\(.)", r"\1", each) for each in _CLASS.findall(file.read_text("utf-8"))} for file in (TABLER, built)
    )
    assert len(whole) > 2 * len(ours), "one of the two is not what it was taken for"
    return frozenset(whole - ours)


def weight(page: Page) -> int:
    """Return the bytes that came over the wire for the page and all that it loads."""
    return int(page.evaluate(_WEIGHT))


class Words:
    """Which words on a page are the product's own: what remains when the data is taken out."""

    def __init__(self, site: Site, secrets: Iterable[str] = ()) -> None:
        self._data = sorted(set(_texts_of(site)) | set(secrets), key=len, reverse=True)
        self._joined = "\n".join(self._data)

    def untranslated(self, page: Page, language: str) -> Iterator[str]:
        """Yield the words of the other language on a page that is in this one."""
        other = _LATIN if language == "zh" else _CHINESE
        for text in page.evaluate(_TEXTS):
            left = [word for word in other.findall(_TECHNICAL.sub(" ", text)) if not self._known(word, text)]
            if left:
                yield f"not in {language}: {text[:90]!r} ({', '.join(left[:5])})"

    def _known(self, word: str, text: str) -> bool:
        return word in _NAMES or text in self._joined or word in self._joined


def _texts_of(site: Site) -> Iterator[str]:
    """Yield every text that records hold: names, notes, addresses; and the ids that stand in for them."""
    with site.reading(SYSTEM) as reader:
        for entity in reader.model.entities.values():
            every = tuple(key for key, each in entity.fields.items() if each.stored and each.type.name != "secret")
            for row in reader.query(Query(entity.key, select=every, limit=1000)):
                yield from _strings(list(row.values().values()))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _strings(each)
    elif isinstance(value, dict):
        yield from _strings(list(value.values()))


def picture(page: Page, name: str) -> None:
    """Keep a picture of the page, to be looked at."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}.png")


def written(findings: list[Finding]) -> str:
    """Return findings as a text that says where and what."""
    return "\n".join(f"{each.page}\n  " + "\n  ".join(each.problems) for each in findings)


def shown(value: Any) -> str:
    """Return a value as JSON, for messages."""
    return json.dumps(value, ensure_ascii=False)
