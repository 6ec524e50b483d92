"""`type: address`: a postal address in its parts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from engine.errors import BadValue
from engine.fields.base import FieldType, Locale, Options, StorageType, register
from engine.fields.cleaning import check_length, line, shown
from engine.i18n import Message

PARTS = ("country", "province", "city", "district", "street", "postcode")
"""From large to small, as Chinese addresses run."""

_MAX_LENGTH = 200


@register
class Address(FieldType):
    """A mapping of province, city, district, street, postcode and country, each one line; a bare text is the street.

    Nothing is guessed from a bare text: where a street begins, only its writer knows.
    """

    name = "address"
    value_type = "json"
    searchable = True
    sortable = False

    def storage(self, options: Options) -> StorageType:
        return StorageType("json")

    def parse(self, raw: Any, options: Options) -> dict[str, str] | None:
        if raw is None:
            return None
        if isinstance(raw, str):
            raw = _from_text(raw)
        if not isinstance(raw, Mapping):
            raise BadValue(Message("An address has the parts: {parts}", parts=", ".join(PARTS)))
        unknown = [part for part in raw if part not in PARTS]
        if unknown:
            raise BadValue(
                Message("“{part}” is no part of an address: {parts}", part=shown(unknown[0]), parts=", ".join(PARTS))
            )
        address = {
            part: text
            for part in PARTS
            if raw.get(part) is not None and (text := check_length(line(raw[part]), _MAX_LENGTH))
        }
        return address or None

    def format(self, value: Any, options: Options, locale: Locale) -> str:
        if not value:
            return ""
        if set(value) == {"street"} and not value["street"].startswith("{"):
            return str(value["street"])
        return json.dumps(value, ensure_ascii=False)

    def display(self, value: Any, options: Options, locale: Locale) -> str:
        if not value:
            return ""
        if locale.language.startswith("zh"):
            place = "".join(value.get(part, "") for part in PARTS[:-1])
            return f"{place} {value['postcode']}".strip() if "postcode" in value else place
        places = [value.get(part, "") for part in ("street", "district", "city")]
        places.append(f"{value.get('province', '')} {value.get('postcode', '')}".strip())
        places.append(value.get("country", ""))
        return ", ".join(place for place in places if place)

    def search_text(self, value: Any, options: Options) -> str:
        return " ".join(value.values())

    def json_schema(self, options: Options) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": {part: {"type": "string", "maxLength": _MAX_LENGTH} for part in PARTS},
            "additionalProperties": False,
        }

    def filters(self) -> tuple[str, ...]:
        return ("is None", "is not None")


def _from_text(raw: str) -> Any:
    if not raw.lstrip().startswith("{"):
        return {"street": raw}
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None
