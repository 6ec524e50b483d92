"""`type: file`: one attached file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal

from engine.errors import BadValue
from engine.fields.base import FieldType, Locale, Options, StorageType, register
from engine.fields.links import read_id
from engine.i18n import Message

_UNITS = {"B": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3}
_SIZE = re.compile(r"(\d{1,12}) ?(B|KB|MB|GB)")
MAX_SIZE = "20 MB"
ACCEPT_SCHEMA: Mapping[str, Any] = {
    "description": "Kinds (image/*) and endings (.pdf) that may be uploaded; without it, all.",
    "type": "array",
    "items": {"type": "string", "pattern": r"^(\.[A-Za-z0-9]{1,10}|[a-z]+/(\*|[a-z0-9.+-]+))$"},
    "uniqueItems": True,
    "x-layer": "free",
}
SIZE_SCHEMA: Mapping[str, Any] = {
    "description": "How large a file may be: 5 MB, or bytes.",
    "type": ["string", "integer"],
    "minimum": 1,
    "pattern": f"^{_SIZE.pattern}$",
    "default": MAX_SIZE,
    "x-layer": "free",
}


@register
class File(FieldType):
    """The id of an uploaded file, a record of `file`. Its size and kind are checked when it is uploaded."""

    name = "file"
    value_type = "link"
    links: ClassVar[Literal["", "one", "many", "children", "any"]] = "one"
    sortable = False
    properties = {"accept": ACCEPT_SCHEMA, "max_size": SIZE_SCHEMA}

    def targets(self, options: Options) -> tuple[str, ...]:
        return ("file",)

    def storage(self, options: Options) -> StorageType | None:
        return StorageType("uuid")

    def accept(self, options: Options) -> tuple[str, ...]:
        """Return kinds (`image/*`) and endings (`.pdf`) that may be uploaded; all when empty."""
        return tuple(options.get("accept") or ())

    def max_bytes(self, options: Options) -> int:
        """Return the size in bytes that a file may have."""
        size = options.get("max_size", MAX_SIZE)
        if isinstance(size, int):
            return size
        found = _SIZE.fullmatch(size)
        return int(found[1]) * _UNITS[found[2]] if found else 0

    def parse(self, raw: Any, options: Options) -> Any:
        if isinstance(raw, Mapping):
            if "id" not in raw:
                raise BadValue(Message("A file is the id of an upload"))
            raw = raw["id"]
        return read_id(raw)

    def format(self, value: Any, options: Options, locale: Locale) -> str:
        return value or ""

    def json_schema(self, options: Options) -> dict[str, Any]:
        return {"type": "string", "format": "uuid"}

    def filters(self) -> tuple[str, ...]:
        return ("is None", "is not None")

    def check_options(self, options: Options) -> Iterable[tuple[str, Message]]:
        if self.max_bytes(options) <= 0:
            yield "max_size", Message("a size is a number and a unit, such as {example}", example=MAX_SIZE)


def accepts(accept: Iterable[str], filename: str, media_type: str) -> bool:
    """Say whether a file of a name and kind is among what a field accepts; nothing named accepts all."""
    rules = list(accept)
    return not rules or any(
        filename.lower().endswith(rule.lower())
        if rule.startswith(".")
        else media_type == rule or (rule.endswith("/*") and media_type.startswith(rule[:-1]))
        for rule in rules
    )
