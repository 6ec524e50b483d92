"""Links to records: ids, and references that only a look-up turns into ids."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from engine.errors import BadValue
from engine.fields.cleaning import line, narrow, shown
from engine.i18n import Message
from engine.ids import is_id

_UUID = re.compile(r"[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}")
WAYS = ("external_id", "title")
_ID_SCHEMA: Mapping[str, Any] = {"type": "string", "format": "uuid"}
LINK_SCHEMA: Mapping[str, Any] = {
    "anyOf": [
        _ID_SCHEMA,
        *(
            {"type": "object", "properties": {way: each}, "required": [way], "additionalProperties": False}
            for way, each in (("id", _ID_SCHEMA), *((way, {"type": "string", "minLength": 1}) for way in WAYS))
        ),
    ]
}
"""What a program may send for a link: the id, or one of the ways to name the record."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A record named by something else than its id; `Records` finds the id."""

    by: str
    """external_id or title."""
    value: str
    entity: str = ""
    """Key of the entity, where the field leads to several."""


def read_id(raw: Any) -> str | None:
    """Return an id in lower case with dashes.

    Raises:
        BadValue: it is no UUID.
    """
    if is_id(raw):
        return str(raw)
    if isinstance(raw, UUID):
        return str(raw)
    text = narrow(raw).strip() if isinstance(raw, str) else raw
    if text is None or text == "":
        return None
    if not isinstance(text, str) or _UUID.fullmatch(text) is None:
        raise BadValue(Message("“{value}” is not the id of a record", value=shown(raw)))
    return str(UUID(text))


def read_link(raw: Any) -> str | Reference | None:
    """Return the id, or the reference, that leads to one record.

    Raises:
        BadValue: it is neither an id nor a mapping with an id, an external_id or a title.
    """
    if isinstance(raw, Reference) or is_id(raw):
        return raw  # type: ignore[no-any-return]
    if isinstance(raw, Mapping):
        if "id" in raw:
            return read_id(raw["id"])
        if len(raw) == 1 and (way := next(iter(raw))) in WAYS:
            name = line(raw[way]) if raw[way] is not None else ""
            return Reference(way, name) if name else None
        raise BadValue(Message("A link is an id, or has one of: {ways}", ways=", ".join(WAYS)))
    return read_id(raw)
