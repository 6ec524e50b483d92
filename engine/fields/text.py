"""`type: text`: one line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from engine.errors import BadValue
from engine.fields.base import FieldType, Locale, Options, StorageType, register
from engine.fields.cleaning import check_length, line
from engine.fields.patterns import check_pattern
from engine.i18n import Message

MAX_LENGTH = 255


@register
class Text(FieldType):
    """One line of text, in Unicode's composed form (NFC) and without outer blanks."""

    name = "text"
    value_type = "text"
    searchable = True
    properties = {
        "max_length": {
            "description": "How many characters it may have.",
            "type": "integer",
            "minimum": 1,
            "maximum": 10_000,
            "default": MAX_LENGTH,
            "x-layer": "widen",
        },
        "min_length": {
            "description": "How many characters it must have.",
            "type": "integer",
            "minimum": 0,
            "maximum": 10_000,
            "default": 0,
            "x-layer": "free",
        },
        "pattern": {
            "description": "Regular expression that the whole text must match.",
            "type": "string",
            "minLength": 1,
            "maxLength": 500,
            "format": "regex",
            "x-layer": "free",
        },
    }

    def storage(self, options: Options) -> StorageType:
        return StorageType("text")

    def parse(self, raw: Any, options: Options) -> str | None:
        return self.parser(options)(raw)

    def parser(self, options: Options) -> Callable[[Any], str | None]:
        most = options.get("max_length", MAX_LENGTH)
        least = options.get("min_length", 0)
        pattern = options.get("pattern")
        matches = re.compile(pattern).fullmatch if pattern else None

        def parse(raw: Any) -> str | None:
            if raw.__class__ is str and raw.isascii() and raw.isprintable():
                value = raw.strip()
            elif raw is None:
                return None
            else:
                value = line(raw)
            if not value:
                return None
            if len(value) > most or len(value) < least:
                check_length(value, most, least)
            if matches is not None and not matches(value):
                raise BadValue(Message("Does not have the required form"))
            return value

        return parse

    def format(self, value: Any, options: Options, locale: Locale) -> str:
        return value or ""

    def displayer(self, options: Options, locale: Locale) -> Callable[[Any], str]:
        return lambda value: value or ""

    def json_schema(self, options: Options) -> dict[str, Any]:
        schema = length_schema(options, MAX_LENGTH)
        if options.get("pattern"):
            schema["pattern"] = f"^(?:{options['pattern']})$"
        return schema

    def filters(self) -> tuple[str, ...]:
        return ("contains", "==", "!=", "starts_with", "ends_with", "in", "is None", "is not None")

    def check_options(self, options: Options) -> Iterable[tuple[str, Message]]:
        yield from check_lengths(options, MAX_LENGTH)
        if options.get("pattern"):
            yield from check_pattern(options["pattern"])


def length_schema(options: Options, most: int) -> dict[str, Any]:
    """Return the JSON Schema of text with `min_length` and `max_length`; `most` is what the type allows by itself."""
    schema: dict[str, Any] = {"type": "string", "maxLength": options.get("max_length", most)}
    if options.get("min_length"):
        schema["minLength"] = options["min_length"]
    return schema


def check_lengths(options: Options, most: int) -> Iterable[tuple[str, Message]]:
    """Yield what is wrong with `min_length` and `max_length`."""
    if options.get("min_length", 0) > options.get("max_length", most):
        yield "min_length", Message("min_length is more than max_length")
