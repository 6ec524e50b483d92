"""`type: geo`: a place on the map."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from engine.errors import BadValue
from engine.fields.base import FieldType, Locale, Options, StorageType, register
from engine.fields.cleaning import narrow, shown
from engine.fields.decimals import EXACT, plain, read_decimal
from engine.i18n import Message

_PAIR = re.compile(r"\s*([^\s,]+)\s*(?:,|\s)\s*([^\s,]+)\s*")
_UNIT = Decimal("0.0000001")
_LIMITS = {"lat": 90, "lng": 180}


@register
class Geo(FieldType):
    """A mapping of latitude and longitude in degrees (WGS 84), rounded to seven decimals, about a centimetre."""

    name = "geo"
    value_type = "json"
    sortable = False

    def storage(self, options: Options) -> StorageType:
        return StorageType("json")

    def parse(self, raw: Any, options: Options) -> dict[str, float] | None:
        if raw is None:
            return None
        if isinstance(raw, str):
            if not raw.strip():
                return None
            raw = _from_text(raw)
        if not isinstance(raw, Mapping) or set(raw) != set(_LIMITS):
            raise BadValue(Message("A place is a latitude and a longitude, such as {example}", example="30.25, 120.17"))
        return {axis: _degrees(raw[axis], limit) for axis, limit in _LIMITS.items()}

    def format(self, value: Any, options: Options, locale: Locale) -> str:
        return "" if value is None else ", ".join(plain(Decimal(repr(value[axis]))) for axis in _LIMITS)

    def json_schema(self, options: Options) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": {
                axis: {"type": "number", "minimum": -limit, "maximum": limit} for axis, limit in _LIMITS.items()
            },
            "required": list(_LIMITS),
            "additionalProperties": False,
        }

    def filters(self) -> tuple[str, ...]:
        return ("is None", "is not None")


def _from_text(raw: str) -> Any:
    text = narrow(raw)
    if text.lstrip().startswith("{"):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return None
    pair = _PAIR.fullmatch(text)
    return None if pair is None else {"lat": pair[1], "lng": pair[2]}


def _degrees(raw: Any, limit: int) -> float:
    degrees = read_decimal(raw)
    if not -limit <= degrees <= limit:
        raise BadValue(Message("“{value}” is not between {min} and {max}", value=shown(raw), min=-limit, max=limit))
    return float(degrees.quantize(_UNIT, context=EXACT)) + 0.0  # minus zero is zero
