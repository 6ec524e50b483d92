"""Transforms of values on their way from a body into a field."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from engine.errors import BadValue
from engine.i18n import Message

_NUMBER = re.compile(r"-?\d[\d,]*(\.\d+)?")
_MILLISECONDS = 10**11
"""From here on a number of seconds would be in the year 5138, so it counts milliseconds."""
_TRUE = frozenset({"true", "1", "yes", "on", "y", "t"})
_FALSE = frozenset({"false", "0", "no", "off", "n", "f", ""})


def _number(value: Any) -> Any:
    found = _NUMBER.search(str(value).replace(" ", ""))
    if found is None:
        raise BadValue(Message("{value} holds no number", value=str(value)[:80]))
    return found[0].replace(",", "")


def _moment(value: Any) -> Any:
    try:
        seconds = float(value)
        seconds = seconds / 1000 if abs(seconds) >= _MILLISECONDS else seconds
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (TypeError, ValueError, OverflowError, OSError):
        raise BadValue(Message("{value} is no number of seconds since 1970", value=str(value)[:80])) from None


def _boolean(value: Any) -> Any:
    words = str(value).strip().lower()
    if words not in _TRUE | _FALSE:
        raise BadValue(Message("{value} is neither true nor false", value=str(value)[:80]))
    return words in _TRUE


TRANSFORMS: Mapping[str, Callable[[Any], Any]] = {
    "trim": lambda value: str(value).strip(),
    "lower": lambda value: str(value).lower(),
    "upper": lambda value: str(value).upper(),
    "digits": lambda value: "".join(letter for letter in str(value) if letter.isdecimal()),
    "number": _number,
    "cents": lambda value: f"{int(_number(value)) / 100:.2f}",
    "date": lambda value: str(value)[:10],
    "moment": _moment,
    "boolean": _boolean,
    "first": lambda value: value[0] if isinstance(value, list) and value else None if value == [] else value,
    "join": lambda value: ", ".join(map(str, value)) if isinstance(value, list) else value,
    "json": lambda value: orjson.dumps(value).decode(),
}
TRANSFORM_LABELS = {
    "trim": Message("without spaces around it"),
    "lower": Message("in lower case"),
    "upper": Message("in upper case"),
    "digits": Message("digits alone"),
    "number": Message("the first number in it"),
    "cents": Message("hundredths as a decimal number"),
    "date": Message("the date of a time"),
    "moment": Message("a time from seconds or milliseconds since 1970"),
    "boolean": Message("yes or no"),
    "first": Message("the first of a list"),
    "join": Message("a list as text"),
    "json": Message("as JSON text"),
}


def is_transform(name: str) -> bool:
    """Say whether there is such a transform; `old=new` is one too."""
    return name in TRANSFORMS or name.find("=") > 0


def transformed(value: Any, names: Sequence[str]) -> Any:
    """Return a value after some transforms.

    Raises:
        BadValue: one of them can make nothing of it.
    """
    swaps = dict(each.split("=", 1) for each in names if each not in TRANSFORMS)
    for name in names:
        if value is None:
            return None
        if name in TRANSFORMS:
            try:
                value = TRANSFORMS[name](value)
            except (TypeError, ValueError, IndexError):
                raise BadValue(Message("{value} cannot be read as {kind}", value=str(value)[:80], kind=name)) from None
    if swaps and isinstance(value, str | int | float):
        return swaps.get(str(value), value)
    return value
