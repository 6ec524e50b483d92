"""`type: formula`: a value that an expression makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.fields.base import FieldType, Locale, Options, StorageType, field_types, register
from engine.fields.money import Money
from engine.fields.number import Number

RESULTS = ("text", "number", "integer", "percent", "money", "boolean", "date", "datetime", "time", "duration")
_HANDED_ON = frozenset({"decimals", "currency"})


class Computed(FieldType):
    """What formula, rollup and reference share: the values are those of another type, which `result` names.

    A document states `result` for a formula. For a rollup and a reference, whoever builds the model puts it into the
    options, with the properties (currency, decimals, options ...) of the field that is shown.
    """

    value_type = "text"
    computed = True

    def result(self, options: Options) -> FieldType:
        return field_types()[options.get("result", "text")]

    def shown(self, options: Options) -> Options:
        """Return the options of the type of the values, without those that say how the values are made."""
        own = self.properties
        return {name: value for name, value in options.items() if name not in own or name in _HANDED_ON}

    def parse(self, raw: Any, options: Options) -> Any:
        """Return a value of the result's type; filters compare with it, but no record takes it."""
        return self.result(options).parse(raw, self.shown(options))

    def parser(self, options: Options) -> Callable[[Any], Any]:
        return self.result(options).parser(self.shown(options))

    def read(self, raw: Any, options: Options, locale: Locale) -> Any:
        return self.result(options).read(raw, self.shown(options), locale)

    def storage(self, options: Options) -> StorageType | None:
        return None

    def format(self, value: Any, options: Options, locale: Locale) -> str:
        return self.result(options).format(value, self.shown(options), locale)

    def display(self, value: Any, options: Options, locale: Locale) -> str:
        return self.result(options).display(value, self.shown(options), locale)

    def displayer(self, options: Options, locale: Locale) -> Callable[[Any], str]:
        return self.result(options).displayer(self.shown(options), locale)

    def search_text(self, value: Any, options: Options) -> str:
        return self.result(options).search_text(value, self.shown(options))

    def to_json(self, value: Any, options: Options) -> Any:
        return self.result(options).to_json(value, self.shown(options))

    def json_schema(self, options: Options) -> Mapping[str, Any]:
        return {**self.result(options).json_schema(self.shown(options)), "readOnly": True}

    def scale(self, options: Options) -> int | None:
        return self.result(options).scale(self.shown(options))


@register
class Formula(Computed):
    """The value of `expr`, made in each read, or with each write when `stored`."""

    name = "formula"
    searchable = True
    properties = {
        "result": {
            "description": "Field type of what the expression makes.",
            "enum": list(RESULTS),
            "x-layer": "locked",
        },
        "expr": {
            "description": "The expression.",
            "type": "string",
            "minLength": 1,
            "x-holds": "expression",
            "x-layer": "locked",
        },
        "stored": {
            "description": "Work it out with each write and keep it, not in each read.",
            "type": "boolean",
            "default": False,
            "x-layer": "locked",
        },
        "decimals": Number.properties["decimals"],
        "currency": Money.properties["currency"],
    }
    required_properties = ("result", "expr")

    def storage(self, options: Options) -> StorageType | None:
        return self.result(options).storage(self.shown(options)) if options.get("stored") else None
