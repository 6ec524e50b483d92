"""`type: date`: a day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from engine.errors import BadValue
from engine.fields.base import FieldType, Locale, Options, StorageType, register
from engine.fields.cleaning import shown
from engine.fields.moments import moment
from engine.fields.numerals import babel_locale
from engine.i18n import Message

_ISO_LENGTH = 10


@register
class Date(FieldType):
    """A day of the calendar, without a time and without a time zone."""

    name = "date"
    value_type = "date"

    def storage(self, options: Options) -> StorageType:
        return StorageType("date")

    def parse(self, raw: Any, options: Options) -> date | None:
        if raw is None or raw == "":
            return None
        if isinstance(raw, str):
            if len(raw) == _ISO_LENGTH:
                try:
                    return date.fromisoformat(raw)
                except ValueError:
                    pass  # it may still be a form that people write
            elif raw.isspace():
                return None
            return _from_text(raw)
        if isinstance(raw, datetime):
            return _without_time(raw, raw)
        if isinstance(raw, date):
            return raw
        raise _refusal(raw)

    def parser(self, options: Options) -> Callable[[Any], date | None]:
        parse, iso = self.parse, date.fromisoformat

        def quick(raw: Any) -> date | None:
            if raw.__class__ is str and len(raw) == _ISO_LENGTH and raw[4] == "-" and raw[7] == "-":
                try:
                    return iso(raw)
                except ValueError:
                    pass
            return parse(raw, options)

        return quick

    def format(self, value: Any, options: Options, locale: Locale) -> str:
        return "" if value is None else value.isoformat()

    def display(self, value: Any, options: Options, locale: Locale) -> str:
        return "" if value is None else day_writer(locale.language)(value)

    def displayer(self, options: Options, locale: Locale) -> Callable[[Any], str]:
        write = day_writer(locale.language)
        return lambda value: "" if value is None else write(value)

    def to_json(self, value: Any, options: Options) -> str | None:
        return None if value is None else value.isoformat()

    def json_schema(self, options: Options) -> dict[str, Any]:
        return {"type": "string", "format": "date"}

    def filters(self) -> tuple[str, ...]:
        return ("==", "<", "<=", ">", ">=", "between", "!=", "is None", "is not None")


def _from_text(raw: str) -> date:
    found = moment(raw) if len(raw) < 100 else None  # noqa: PLR2004 - longer than any date
    if found is None:
        raise _refusal(raw)
    day, clock, _ = found
    if clock is not None:
        return _without_time(datetime.combine(day, clock), raw)
    return day


def _without_time(moment: datetime, raw: Any) -> date:
    # Spreadsheets hold days as midnights; any other time would be lost.
    if (moment.hour, moment.minute, moment.second, moment.microsecond) != (0, 0, 0, 0):
        raise BadValue(Message("“{value}” has a time; a date is wanted", value=shown(str(raw))))
    return moment.date()


def _refusal(raw: Any) -> BadValue:
    return BadValue(Message("“{value}” is not a date, such as {example}", value=shown(raw), example="2026-11-22"))


@lru_cache(maxsize=64)
def day_writer(language: str) -> Callable[[date], str]:
    """Return what writes a day as the language does, "Nov 22, 2026" or "2026年11月22日"."""
    from babel.dates import format_date, get_month_names

    locale = babel_locale(language)
    # Babel reads its pattern again for each date. Most languages put the same three parts into one frame; where
    # that holds for a sample, the frame is all that is needed.
    months = get_month_names("abbreviated", locale=locale)
    samples = [date(2026, 11, 22), date(1999, 5, 3), date(812, 1, 9)]
    for frame in ("{month} {day}, {year}", "{year}年{number}月{day}日", "{day} {month} {year}"):

        def write(day: date, frame: str = frame) -> str:
            return frame.format(year=day.year, month=months[day.month], number=day.month, day=day.day)

        if all(write(day) == format_date(day, locale=locale) for day in samples):
            return write
    return lambda day: format_date(day, locale=locale)
