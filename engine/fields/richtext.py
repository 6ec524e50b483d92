"""`type: richtext`: text with headings, lists, tables and links, kept as clean HTML."""

from __future__ import annotations

import html
import re
from typing import Any

from engine.fields.base import FieldType, Locale, Options, StorageType, register
from engine.fields.cleaning import block, check_length

MAX_LENGTH = 200_000
TAGS = frozenset(
    "a b blockquote br caption code col colgroup del div em figcaption figure h1 h2 h3 h4 h5 h6 hr i img ins li mark"
    " ol p pre s span strong sub sup table tbody td tfoot th thead tr u ul".split()
)
_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "width", "height"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "ol": {"start"},
}
_SCHEMES = {"http", "https", "mailto", "tel"}
_LOCAL_IMAGE = re.compile(r"/(?:[A-Za-z0-9_-][A-Za-z0-9._-]*/?)+")
_BREAK = re.compile(r"<(?:br|/p|/div|/li|/tr|/h[1-6]|/blockquote|/pre)\b[^>]*>")
_TAG_START = re.compile(r"<[A-Za-z/!?]")
# Of cleaned HTML: there, quotes around attributes are always double.
_TAG = re.compile(r'<(?:[^>"]|"[^"]*")*>')
_SHOWS = re.compile(r"<(?:img|hr)\b")
_BLANKS = re.compile(r"\s+")


@register
class RichText(FieldType):
    """HTML of which only harmless tags are kept; scripts, styles, frames and foreign images go when it is parsed.

    A value is safe to put into a page as it is. Images are those of this site: one from elsewhere would tell its
    owner who reads.
    """

    name = "richtext"
    value_type = "text"
    searchable = True
    sortable = False
    properties = {
        "max_length": {
            "description": "How many characters it may have.", "type": "integer", "minimum": 1, "maximum": 1_000_000,
            "default": MAX_LENGTH, "x-layer": "widen",
        },
    }  # fmt: skip

    def storage(self, options: Options) -> StorageType:
        return StorageType("text")

    def parse(self, raw: Any, options: Options) -> str | None:
        if raw is None:
            return None
        most = options.get("max_length", MAX_LENGTH)
        text = check_length(block(raw), most)
        if _TAG_START.search(text) is None:
            text = text.replace("\n", "<br>")  # typed into a plain text box
        clean = _clean(text).strip()
        if _TAG_START.search(clean) is None:
            clean = clean.replace("\n", " ")  # that is what HTML means by it
        check_length(clean, most)
        return clean if _SHOWS.search(clean) or plain_text(clean) else None

    def format(self, value: Any, options: Options, locale: Locale) -> str:
        return value or ""

    def display(self, value: Any, options: Options, locale: Locale) -> str:
        return "" if value is None else plain_text(value)

    def search_text(self, value: Any, options: Options) -> str:
        return plain_text(value)

    def json_schema(self, options: Options) -> dict[str, Any]:
        return {"type": "string", "contentMediaType": "text/html"}

    def filters(self) -> tuple[str, ...]:
        return ("contains", "is None", "is not None")


def plain_text(markup: str) -> str:
    """Return the words of HTML on one line."""
    return _BLANKS.sub(" ", html.unescape(_TAG.sub("", _BREAK.sub(" ", markup)))).strip()


def _clean(markup: str) -> str:
    import nh3

    return nh3.clean(
        markup,
        tags=set(TAGS),
        attributes=_ATTRIBUTES,
        attribute_filter=_keep,
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer nofollow",
    )


def _keep(tag: str, attribute: str, value: str) -> str | None:
    if tag == "img" and attribute == "src" and _LOCAL_IMAGE.fullmatch(value) is None:
        return None
    return value
