"""`type: time`: a time of day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time
from typing import Any

from engine.errors import BadValue
from engine.fields.base import FieldType, Locale, Options, StorageType, register
from engine.fields.cleaning import narrow, shown
from engine.fields.datetime import clock_writer
from engine.fields.moments import time_at_start
from engine.i18n import Message


@register
class Time(FieldType):
    """A time of day to the second, without a day and without a time zone."""

    name = "time"
    value_type = "time"

    def storage(self, options: Options) -> StorageType:
        return StorageType("time")

    def parse(self, raw: Any, options: Options) -> time | None:
        if raw is None:
            return None
        if isinstance(raw, str):
            text = narrow(raw).strip()
            if not text:
                return None
            found = time_at_start(text) if len(text) < 40 else None  # noqa: PLR2004 - longer than any time
            if found is None or found[1].strip():
                raise _refusal(raw)
            value = found[0]
        elif isinstance(raw, time) and raw.tzinfo is None:
            value = raw
        else:
            raise _refusal(raw)
        if value.microsecond:
            raise BadValue(Message("A time goes to the second"))
        return value

    def format(self, value: Any, options: Options, locale: Locale) -> str:
        return "" if value is None else value.isoformat("seconds" if value.second else "minutes")

    def display(self, value: Any, options: Options, locale: Locale) -> str:
        return "" if value is None else clock_writer(locale.language)(value)

    def displayer(self, options: Options, locale: Locale) -> Callable[[Any], str]:
        write: Callable[[time | datetime], str] = clock_writer(locale.language)
        return lambda value: "" if value is None else write(value)

    def to_json(self, value: Any, options: Options) -> str | None:
        return None if value is None else value.isoformat("seconds")

    def json_schema(self, options: Options) -> dict[str, Any]:
        return {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"}

    def filters(self) -> tuple[str, ...]:
        return ("==", "<", "<=", ">", ">=", "between", "!=", "is None", "is not None")


def _refusal(raw: Any) -> BadValue:
    return BadValue(Message("“{value}” is not a time of day, such as {example}", value=shown(raw), example="09:30"))
