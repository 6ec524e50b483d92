"""`type: multiselect`: several of a few choices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.errors import BadValue
from engine.fields.base import FieldType, Locale, Options, StorageType, register
from engine.fields.cleaning import parts
from engine.fields.select import CHOICES_SCHEMA, Select, choice_label, choose


@register
class MultiSelect(FieldType):
    """Keys of options, each once, in the order in which the document has them."""

    name = "multiselect"
    value_type = "list"
    sortable = False
    properties = {"options": CHOICES_SCHEMA}
    required_properties = ("options",)

    def storage(self, options: Options) -> StorageType:
        return StorageType("json")

    def parse(self, raw: Any, options: Options) -> tuple[str, ...] | None:
        if raw is None or raw == "":
            return None
        choices = options["options"]
        chosen = {key for part in _split(raw, choices) if (key := choose(part, choices)) is not None}
        return tuple(key for key in choices if key in chosen) or None

    def format(self, value: Any, options: Options, locale: Locale) -> str:
        return ", ".join(value or ())

    def displayer(self, options: Options, locale: Locale) -> Callable[[Any], str]:
        word = Select().displayer(options, locale)
        mark = "、" if locale.language.startswith("zh") else ", "
        return lambda value: mark.join(map(word, value or ()))

    def display(self, value: Any, options: Options, locale: Locale) -> str:
        return self.displayer(options, locale)(value)

    def search_text(self, value: Any, options: Options) -> str:
        return " ".join(word for key in value for word in choice_label(key, options["options"]).values())

    def to_json(self, value: Any, options: Options) -> list[str] | None:
        return None if value is None else list(value)

    def json_schema(self, options: Options) -> dict[str, Any]:
        return {"type": "array", "items": {"enum": list(options["options"])}, "uniqueItems": True}

    def input_schema(self, options: Options) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "string", "enum": list(options["options"])}}

    def filters(self) -> tuple[str, ...]:
        return ("contains", "is None", "is not None")


def _split(raw: Any, choices: Any) -> Any:
    if isinstance(raw, str) and raw.strip():
        try:
            return (choose(raw, choices),)  # a label may itself hold a comma
        except BadValue:
            pass
    return parts(raw)
