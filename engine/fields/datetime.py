"""`type: datetime`: a moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Any

from engine.errors import BadValue
from engine.fields.base import FieldType, Locale, Options, StorageType, register
from engine.fields.cleaning import shown
from engine.fields.date import day_writer
from engine.fields.moments import moment, zone
from engine.fields.numerals import babel_locale
from engine.i18n import Message


@register
class DateTime(FieldType):
    """A moment in UTC, to the millisecond; what is finer is cut off, as the type promises no more.

    A time without a zone is UTC for `parse` and local for `read`, that is, for what a person types.
    """

    name = "datetime"
    value_type = "datetime"

    def storage(self, options: Options) -> StorageType:
        return StorageType("datetime")

    def parse(self, raw: Any, options: Options) -> datetime | None:
        return _read(raw, UTC)

    def read(self, raw: Any, options: Options, locale: Locale) -> datetime | None:
        return _read(raw, zone(locale.timezone))

    def format(self, value: Any, options: Options, locale: Locale) -> str:
        if value is None:
            return ""
        local = _local(value, locale)
        if local.utcoffset() % timedelta(minutes=1):  # type: ignore[operator]
            local = value  # some zones of long ago were seconds off; few programs read such a distance
        return local.isoformat(" ", _precision(value))

    def local(self, value: datetime | None, locale: Locale) -> str:
        """Return local time without a zone, as `<input type="datetime-local">` takes it; `read` is the way back."""
        if value is None:
            return ""
        return _local(value, locale).replace(tzinfo=None).isoformat("T", _precision(value))

    def display(self, value: Any, options: Options, locale: Locale) -> str:
        return self.displayer(options, locale)(value)

    def displayer(self, options: Options, locale: Locale) -> Callable[[Any], str]:
        place, write_day, write_time = zone(locale.timezone), day_writer(locale.language), clock_writer(locale.language)
        join = _joiner(locale.language)

        def display(value: Any) -> str:
            if value is None:
                return ""
            local = _shift(value, place)
            return join(write_day(local), write_time(local))

        return display

    def to_json(self, value: Any, options: Options) -> str | None:
        if value is None:
            return None
        return f"{value.astimezone(UTC).replace(tzinfo=None).isoformat('T', 'milliseconds')}Z"

    def json_schema(self, options: Options) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}

    def filters(self) -> tuple[str, ...]:
        return ("between", "<", "<=", ">", ">=", "==", "!=", "is None", "is not None")


def _read(raw: Any, local: tzinfo) -> datetime | None:
    if raw is None or raw == "":
        return None
    if isinstance(raw, str):
        try:
            value = datetime.fromisoformat(raw)
        except ValueError:
            if raw.isspace():
                return None
            value = _from_text(raw)
    elif isinstance(raw, datetime):
        value = raw
    elif isinstance(raw, date):
        value = datetime.combine(raw, time())
    else:
        raise _refusal(raw)
    if value.tzinfo is None:
        value = value.replace(tzinfo=local)
    if value.tzinfo is not UTC:
        try:
            value = value.astimezone(UTC)
        except OverflowError:
            raise _refusal(raw) from None
    rest = value.microsecond % 1000
    return value.replace(microsecond=value.microsecond - rest) if rest else value


def _from_text(raw: str) -> datetime:
    found = moment(raw) if len(raw) < 100 else None  # noqa: PLR2004 - longer than any moment
    if found is None:
        raise _refusal(raw)
    day, clock, offset = found
    return datetime.combine(day, clock or time(), tzinfo=offset)


def _refusal(raw: Any) -> BadValue:
    return BadValue(
        Message("“{value}” is not a date and time, such as {example}", value=shown(raw), example="2026-11-22 09:30")
    )


def _shift(value: datetime, place: tzinfo) -> datetime:
    try:
        return value.astimezone(place)
    except OverflowError:
        return value  # on the first or last day that there is


def _local(value: datetime, locale: Locale) -> datetime:
    return _shift(value, zone(locale.timezone))


def _precision(value: datetime) -> str:
    if value.microsecond:
        return "milliseconds"
    return "seconds" if value.second else "minutes"


@lru_cache(maxsize=64)
def clock_writer(language: str) -> Callable[[time | datetime], str]:
    """Return what writes hours and minutes as the language does: "9:30 AM", "09:30"."""
    from babel.dates import format_time

    locale = babel_locale(language)

    def twelve(clock: time | datetime) -> str:
        # Babel puts a narrow no-break blank before AM and PM; it is taken over from the samples.
        return f"{clock.hour % 12 or 12}:{clock.minute:02}{gap}{'AM' if clock.hour < 12 else 'PM'}"  # noqa: PLR2004

    def full(clock: time | datetime) -> str:
        return f"{clock.hour:02}:{clock.minute:02}"

    samples = [time(9, 5), time(0, 0), time(12, 30), time(23, 59)]
    gap = format_time(samples[0], "short", locale=locale)[4:-2]
    for write in (full, twelve):
        if all(write(clock) == format_time(clock, "short", locale=locale) for clock in samples):
            return write
    return lambda clock: format_time(clock.time() if isinstance(clock, datetime) else clock, "short", locale=locale)


@lru_cache(maxsize=64)
def _joiner(language: str) -> Callable[[str, str], str]:
    """Return what puts a day and a time together."""
    from babel.dates import get_datetime_format

    frame = str(get_datetime_format("medium", locale=babel_locale(language)))
    return lambda day, clock: frame.replace("{1}", day).replace("{0}", clock).replace("'", "")
