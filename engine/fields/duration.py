"""`type: duration`: a length of time."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from engine.errors import BadValue
from engine.fields.base import FieldType, Locale, Options, StorageType, register
from engine.fields.cleaning import narrow, shown
from engine.fields.decimals import read_decimal
from engine.i18n import Message, translate

_SECONDS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_WORDS = {
    "w": r"w|weeks?|周|星期",
    "d": r"d|days?|天|日",
    "h": r"h|hrs?|hours?|个?小时|个?钟头|时",
    "m": r"m|mins?|minutes?|分钟?",
    "s": r"s|secs?|seconds?|秒钟?",
}
_NUMBER = r"(?:\d{1,12}(?:\.\d{1,6})?|半)"
_PARTS = re.compile(
    r"\s*".join(rf"(?:(?P<{unit}>{_NUMBER})\s*(?:{words})(?![a-z]))?" for unit, words in _WORDS.items()),
    re.ASCII | re.IGNORECASE,
)
_ISO = re.compile(
    r"P(?:(?P<w>\d{1,9}(?:[.,]\d{1,6})?)W)?(?:(?P<d>\d{1,9}(?:[.,]\d{1,6})?)D)?"
    r"(?:T(?:(?P<h>\d{1,9}(?:[.,]\d{1,6})?)H)?(?:(?P<m>\d{1,9}(?:[.,]\d{1,6})?)M)?(?:(?P<s>\d{1,9}(?:[.,]\d{1,6})?)S)?)?",
    re.ASCII | re.IGNORECASE,
)
_CLOCK = re.compile(r"(?P<h>\d{1,9}):(?P<m>[0-5]\d)(?::(?P<s>[0-5]\d))?", re.ASCII)
_LIMIT = 10**12


@register
class Duration(FieldType):
    """Seconds, zero or more. "1:30" is an hour and a half; a bare number is seconds; months have no fixed length."""

    name = "duration"
    value_type = "number"

    def storage(self, options: Options) -> StorageType:
        return StorageType("integer")

    def scale(self, options: Options) -> int:
        return 0

    def parse(self, raw: Any, options: Options) -> int | None:
        if raw is None:
            return None
        if isinstance(raw, str):
            text = narrow(raw).strip()
            if not text:
                return None
            seconds = _from_text(text) if len(text) < 100 else None  # noqa: PLR2004 - longer than any duration
        elif isinstance(raw, timedelta):
            seconds = Decimal(raw // timedelta(microseconds=1)).scaleb(-6)
        elif isinstance(raw, (int, float, Decimal)) and not isinstance(raw, bool):
            seconds = read_decimal(raw)
        else:
            seconds = None
        if seconds is None:
            raise BadValue(
                Message("“{value}” is not a duration, such as {example}", value=shown(raw), example="1h 30m")
            )
        if not 0 <= seconds < _LIMIT:
            raise BadValue(Message("A duration is not negative, and shorter than {max} seconds", max=_LIMIT))
        if seconds % 1:
            raise BadValue(Message("A duration is in whole seconds"))
        return int(seconds)

    def format(self, value: Any, options: Options, locale: Locale) -> str:
        if value is None:
            return ""
        hours, rest = divmod(value, 3600)
        return _words(locale.language, h=hours, m=rest // 60, s=rest % 60)

    def display(self, value: Any, options: Options, locale: Locale) -> str:
        if value is None:
            return ""
        days, rest = divmod(value, 86_400)
        return _words(locale.language, d=days, h=rest // 3600, m=rest // 60 % 60, s=rest % 60)

    def displayer(self, options: Options, locale: Locale) -> Callable[[Any], str]:
        return lambda value: self.display(value, options, locale)

    def json_schema(self, options: Options) -> dict[str, Any]:
        return {"type": "integer", "minimum": 0, "exclusiveMaximum": _LIMIT}

    def filters(self) -> tuple[str, ...]:
        return ("<", "<=", ">", ">=", "==", "!=", "between", "is None", "is not None")


def _from_text(text: str) -> Decimal | None:
    for pattern in (_CLOCK, _ISO, _PARTS):
        found = pattern.fullmatch(text)
        if found is not None and any(found.groups()):
            return sum(
                (_amount(digits) * _SECONDS[unit] for unit, digits in found.groupdict().items() if digits), Decimal(0)
            )
    try:
        return read_decimal(text)
    except BadValue:
        return None


def _amount(digits: str) -> Decimal:
    return Decimal("0.5") if digits == "半" else Decimal(digits.replace(",", "."))


_FRAMES = {"d": "{count}d", "h": "{count}h", "m": "{count}m", "s": "{count}s"}


def _words(language: str, **counts: int) -> str:
    words = [translate(_FRAMES[unit], language).format(count=count) for unit, count in counts.items() if count]
    if not words:
        return translate(_FRAMES["s"], language).format(count=0)
    return ("" if language.startswith("zh") else " ").join(words)
