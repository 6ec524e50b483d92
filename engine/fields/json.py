"""`type: json`: whatever structure a program wants to keep."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from engine.errors import BadValue
from engine.fields.base import FieldType, Locale, Options, StorageType, register
from engine.fields.decimals import plain
from engine.i18n import Message

MAX_DEPTH = 32
MAX_SIZE = 100_000
_WORST = re.compile("[\x00\ud800-\udfff]")


@register
class Json(FieldType):
    """A JSON object or list. A text is read as JSON, so a text alone is no value; the empty object is nothing."""

    name = "json"
    value_type = "json"
    sortable = False

    def storage(self, options: Options) -> StorageType:
        return StorageType("json")

    def parse(self, raw: Any, options: Options) -> Any:
        if raw is None:
            return None
        if isinstance(raw, str):
            if not raw.strip():
                return None
            if len(raw) > MAX_SIZE:
                raise _too_large()
            raw = _from_text(raw)
        if not isinstance(raw, (Mapping, list, tuple)):
            raise BadValue(Message("Must be a JSON object or list"))
        value = _checked(raw, MAX_DEPTH)
        if len(json.dumps(value, ensure_ascii=False)) > MAX_SIZE:
            raise _too_large()
        return value or None

    def format(self, value: Any, options: Options, locale: Locale) -> str:
        return "" if value is None else json.dumps(value, ensure_ascii=False, indent=2)

    def display(self, value: Any, options: Options, locale: Locale) -> str:
        return "" if value is None else json.dumps(value, ensure_ascii=False)

    def json_schema(self, options: Options) -> dict[str, Any]:
        return {"type": ["object", "array"]}

    def filters(self) -> tuple[str, ...]:
        return ("is None", "is not None")


def _too_large() -> BadValue:
    return BadValue(Message("Too long: at most {max} characters of JSON", max=MAX_SIZE))


def _from_text(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_without_doubles, parse_constant=_no_constant)
    except (json.JSONDecodeError, RecursionError) as error:
        where = f"{error.lineno}:{error.colno}" if isinstance(error, json.JSONDecodeError) else "1:1"
        raise BadValue(Message("Not JSON, at {place}", place=where)) from None


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise BadValue(Message("This JSON gives a key twice"))
    return found


def _no_constant(word: str) -> Any:
    raise BadValue(Message("JSON knows no {word}", word=word))


def _checked(value: Any, depth: int) -> Any:
    """Return a copy in plain dicts, lists, texts, numbers, booleans and None.

    Raises:
        BadValue: something in it cannot be kept on every database.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        if _WORST.search(value):
            raise BadValue(Message("This JSON holds a character that cannot be kept"))
        return value
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, Decimal) and value.is_finite():
        return plain(value)
    if depth and isinstance(value, Mapping):
        return {_key(key): _checked(each, depth - 1) for key, each in value.items()}
    if depth and isinstance(value, (list, tuple)):
        return [_checked(each, depth - 1) for each in value]
    if isinstance(value, (Mapping, list, tuple)):
        raise BadValue(Message("This JSON is nested more than {max} deep", max=MAX_DEPTH))
    raise BadValue(Message("This JSON holds a value that cannot be kept"))


def _key(key: Any) -> str:
    if not isinstance(key, str) or _WORST.search(key):
        raise BadValue(Message("This JSON has a key that cannot be kept"))
    return key
