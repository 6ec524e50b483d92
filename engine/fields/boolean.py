"""`type: boolean`: yes or no."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.errors import BadValue
from engine.fields.base import FieldType, Locale, Options, StorageType, register
from engine.fields.cleaning import narrow, shown
from engine.i18n import Message, translate

_WORDS = dict.fromkeys("true yes y t on 1 是 真 对 有 √ ✓ ✔".split(), True) | dict.fromkeys(
    "false no n f off 0 否 不是 假 错 无 没有 × ✗ ✘".split(), False
)
_USUAL: dict[Any, bool | None] = {"true": True, "false": False, "on": True, "1": True, "0": False, "": None}


@register
class Boolean(FieldType):
    """Yes, no, or nothing yet."""

    name = "boolean"
    value_type = "boolean"

    def storage(self, options: Options) -> StorageType:
        return StorageType("boolean")

    def parse(self, raw: Any, options: Options) -> bool | None:
        if raw is True or raw is False or raw is None:
            return raw
        if isinstance(raw, str):
            if raw in _USUAL:
                return _USUAL[raw]
            word = narrow(raw).strip().lower()
            if word in _WORDS:
                return _WORDS[word]
            if not word:
                return None
        elif isinstance(raw, (int, float)) and raw in {0, 1}:
            return bool(raw)
        raise BadValue(Message("“{value}” is neither yes nor no", value=shown(raw)))

    def parser(self, options: Options) -> Callable[[Any], bool | None]:
        return lambda raw: raw if raw is True or raw is False or raw is None else self.parse(raw, options)

    def format(self, value: Any, options: Options, locale: Locale) -> str:
        return "" if value is None else translate("yes" if value else "no", locale.language)

    def displayer(self, options: Options, locale: Locale) -> Callable[[Any], str]:
        yes, no = translate("yes", locale.language), translate("no", locale.language)
        return lambda value: "" if value is None else yes if value else no

    def json_schema(self, options: Options) -> dict[str, Any]:
        return {"type": "boolean"}
