"""`type: lookups`: links to several records of one entity."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engine.errors import BadValue
from engine.fields.base import FieldType, Locale, Options, StorageType, register
from engine.fields.links import LINK_SCHEMA, Reference, read_link
from engine.fields.lookup import ON_DELETE_SCHEMA, SHARE_SCHEMA, TO_SCHEMA, WHERE_SCHEMA
from engine.i18n import Message

_BETWEEN = re.compile(r"[,，、;；\s]+")
MAX_LINKS = 1_000


@register
class Lookups(FieldType):
    """Ids of records, each once, in the order given; they stand in a table of links."""

    name = "lookups"
    value_type = "many"
    links = "many"
    sortable = False
    properties = {
        "to": TO_SCHEMA,
        "where": WHERE_SCHEMA,
        "on_delete": dict(ON_DELETE_SCHEMA, default="clear"),
        "share": SHARE_SCHEMA,
    }
    required_properties = ("to",)

    def targets(self, options: Options) -> tuple[str, ...]:
        return (options["to"],)

    def storage(self, options: Options) -> StorageType | None:
        return None

    def parse(self, raw: Any, options: Options) -> tuple[str | Reference, ...] | None:
        links = unique_links(raw)
        if len(links) > MAX_LINKS:
            raise BadValue(Message("Too many: {count}, at most {max}", count=len(links), max=MAX_LINKS))
        return links or None

    def format(self, value: Any, options: Options, locale: Locale) -> str:
        return ", ".join(value or ())

    def to_json(self, value: Any, options: Options) -> list[str] | None:
        return None if value is None else list(value)

    def json_schema(self, options: Options) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "string", "format": "uuid"}, "maxItems": MAX_LINKS}

    def input_schema(self, options: Options) -> dict[str, Any]:
        return {"type": "array", "items": LINK_SCHEMA, "maxItems": MAX_LINKS}

    def filters(self) -> tuple[str, ...]:
        return ("contains", "is None", "is not None")


def unique_links(raw: Any) -> tuple[str | Reference, ...]:
    """Return the links in a list, or in a text with commas or blanks between ids, each once.

    Raises:
        BadValue: it is no list, or something in it is no link.
    """
    if raw is None:
        return ()
    if isinstance(raw, str):
        raw = _BETWEEN.split(raw.strip()) if raw.strip() else ()
    elif isinstance(raw, (Mapping, Reference)):
        raw = (raw,)
    elif not isinstance(raw, (list, tuple)):
        raise BadValue(Message("Not a list"))
    return tuple(dict.fromkeys(link for each in raw if (link := read_link(each)) is not None))
