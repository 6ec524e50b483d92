"""`type: select`: one of a few choices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from engine.errors import BadValue
from engine.fields.base import FieldType, Locale, Options, StorageType, register
from engine.fields.cleaning import as_text, shown
from engine.i18n import Message, Text, humanise

LABEL_SCHEMA: Mapping[str, Any] = {
    "description": "What people read for it; without one its key in words.",
    "type": ["string", "object"],
    "additionalProperties": {"type": "string"},
    "x-layer": "free",
}
CHOICES_SCHEMA: Mapping[str, Any] = {
    "description": "The options by key, in their order.",
    "type": "object",
    "minProperties": 1,
    "propertyNames": {"pattern": "^[A-Za-z0-9][A-Za-z0-9_]*$", "maxLength": 60},
    "additionalProperties": {
        "type": ["object", "null"],
        "properties": {
            "label": LABEL_SCHEMA,
            "color": {
                "description": "Colour of its badge: blue, green, #1a73e8 ...",
                "type": "string",
                "x-layer": "free",
            },
            "hidden": {
                "description": "It is no longer offered; records that have it keep it.",
                "type": "boolean",
                "default": False,
                "x-layer": "free",
            },
            "after": {"description": "It stands behind this option.", "type": "string", "x-layer": "free"},
        },
        "additionalProperties": False,
    },
    "x-layer": "merge",
}


@register
class Select(FieldType):
    """The key of one option. A hidden option can still be stored, so that old records stay valid."""

    name = "select"
    value_type = "text"
    properties = {"options": CHOICES_SCHEMA}
    required_properties = ("options",)

    def storage(self, options: Options) -> StorageType:
        return StorageType("text")

    def parse(self, raw: Any, options: Options) -> str | None:
        return None if raw is None or raw == "" else choose(raw, options["options"])

    def parser(self, options: Options) -> Callable[[Any], str | None]:
        choices: Mapping[str, Any] = options["options"]

        def parse(raw: Any) -> str | None:
            if raw.__class__ is str and raw in choices:
                return str(raw)
            return None if raw is None or raw == "" else choose(raw, choices)

        return parse

    def format(self, value: Any, options: Options, locale: Locale) -> str:
        return value or ""

    def display(self, value: Any, options: Options, locale: Locale) -> str:
        return "" if value is None else choice_label(value, options["options"]).in_(locale.language)

    def displayer(self, options: Options, locale: Locale) -> Callable[[Any], str]:
        words = {key: choice_label(key, options["options"]).in_(locale.language) for key in options["options"]}
        return lambda value: "" if value is None else words.get(value) or humanise(value)

    def search_text(self, value: Any, options: Options) -> str:
        return " ".join({value, *_names(value, options["options"])})

    def json_schema(self, options: Options) -> dict[str, Any]:
        return {"type": "string", "enum": list(options["options"])}

    def filters(self) -> tuple[str, ...]:
        return ("in", "not in", "==", "!=", "is None", "is not None")


def choice_label(key: str, choices: Mapping[str, Any]) -> Text:
    """Return the label of an option; its key in words when it has none, or when the option is gone."""
    label = (choices.get(key) or {}).get("label")
    return label if isinstance(label, Text) else Text(label, humanise(key))


def choose(raw: Any, choices: Mapping[str, Any]) -> str | None:
    """Return the key of the option that a key, or a label in any language, names; None for blanks.

    Raises:
        BadValue: no option is called so, or several are.
    """
    word = as_text(raw).strip()
    if not word:
        return None
    if word in choices:
        return word
    folded = word.casefold()
    found = [key for key in choices if folded == key.casefold() or folded in map(str.casefold, _names(key, choices))]
    if len(found) == 1:
        return found[0]
    if found:
        raise BadValue(Message("“{value}” may be any of: {keys}", value=shown(word), keys=", ".join(found)))
    raise BadValue(
        Message("“{value}” is none of the options: {keys}", value=shown(word), keys=shown(", ".join(choices)))
    )


def _names(key: str, choices: Mapping[str, Any]) -> Iterator[str]:
    label = choice_label(key, choices)
    yield label.in_("en")
    yield from label.values()
