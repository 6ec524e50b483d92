"""`type: autonumber`: a number for people, counted by the engine."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Any

from engine.fields.base import FieldType, Locale, Options, StorageType, register
from engine.fields.cleaning import check_length, line
from engine.i18n import Message

PATTERN = "{yyyy}{mm}{dd}-{seq:4}"
_MAX_LENGTH = 100
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_SEQUENCE = re.compile(r"seq(?::([1-9]|1[0-8]))?")
_NEEDS = {"never": set[str](), "year": {"yyyy"}, "month": {"yyyy", "mm"}, "day": {"yyyy", "mm", "dd"}}


@register
class Autonumber(FieldType):
    """Text such as "QT-202611-0042" from `pattern`; the count starts again with each period of `reset`.

    Numbers may have gaps, as each process reserves some; `gapless: true` counts one by one and makes creators wait
    for each other.
    """

    name = "autonumber"
    value_type = "text"
    searchable = True
    computed = True
    properties = {
        "pattern": {
            "description": "How a number looks: text with {yyyy} {yy} {mm} {dd} and one {seq:N}, N digits at least.",
            "type": "string",
            "minLength": 1,
            "maxLength": 60,
            "default": PATTERN,
            "x-layer": "free",
        },
        "reset": {
            "description": "When the count starts again.",
            "enum": ["never", "year", "month", "day"],
            "default": "never",
            "x-layer": "free",
        },
        "gapless": {
            "description": "No number is ever left out; creators wait for each other.",
            "type": "boolean",
            "default": False,
            "x-layer": "free",
        },
    }

    def storage(self, options: Options) -> StorageType:
        return StorageType("text")

    def parse(self, raw: Any, options: Options) -> str | None:
        return None if raw is None else check_length(line(raw), _MAX_LENGTH) or None

    def period(self, options: Options, day: date) -> str:
        """Return the key of the period in which numbers count on: "" (never), "2026", "2026-11", "2026-11-22"."""
        length = {"never": 0, "year": 4, "month": 7, "day": 10}[options.get("reset", "never")]
        return day.isoformat()[:length]

    def render(self, options: Options, day: date, count: int) -> str:
        """Return the number for people of the `count`th record of a period, from 1; digits are added when needed."""
        parts = {"yyyy": f"{day.year:04}", "yy": f"{day.year % 100:02}", "mm": f"{day.month:02}", "dd": f"{day.day:02}"}

        def fill(found: re.Match[str]) -> str:
            sequence = _SEQUENCE.fullmatch(found[1])
            return f"{count:0{sequence[1] or 1}}" if sequence else parts[found[1]]

        return _PLACEHOLDER.sub(fill, options.get("pattern", PATTERN))

    def format(self, value: Any, options: Options, locale: Locale) -> str:
        return value or ""

    def json_schema(self, options: Options) -> dict[str, Any]:
        return {"type": "string", "readOnly": True}

    def filters(self) -> tuple[str, ...]:
        return ("==", "starts_with", "contains", "!=", "in")

    def check_options(self, options: Options) -> Iterable[tuple[str, Message]]:
        pattern = options.get("pattern", PATTERN)
        names = _PLACEHOLDER.findall(pattern)
        if sum(_SEQUENCE.fullmatch(name) is not None for name in names) != 1:
            yield "pattern", Message("a pattern has one {example}, the count", example="{seq:4}")
        unknown = [name for name in names if name not in {"yyyy", "yy", "mm", "dd"} and not _SEQUENCE.fullmatch(name)]
        if unknown or re.search("[{}]", _PLACEHOLDER.sub("", pattern)):
            yield (
                "pattern",
                Message("“{text}” is not known; a pattern may have {known}", text=", ".join(unknown) or pattern,
                        known="{yyyy} {yy} {mm} {dd} {seq:N}"),
            )  # fmt: skip
        given = {"yyyy" if name == "yy" else name for name in names}
        missing = sorted(_NEEDS[options.get("reset", "never")] - given)
        if missing:
            # Without them, the first number of this period is the first one of the last period again.
            yield "reset", Message("the pattern needs {parts}, or numbers repeat",
                                   parts=" ".join(f"{{{part}}}" for part in missing))  # fmt: skip
