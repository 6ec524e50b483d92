"""Values of a field that changes its type: what each old value is in the new one, or that it is none.

The old type says the value as text as people write it, the new one reads it; nothing here knows any type by name.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from engine.errors import BadValue
from engine.fields import Locale, field_types
from engine.i18n import Message
from engine.metadata.model import Field
from engine.storage.codec import decode_kind, encode_kind
from engine.storage.storage_map import StoredColumn

Convert = Callable[[Any], Any]
_KEPT = 20_000


class Converter:
    """From what the driver gives of the old column to what it takes for the new one.

    Args:
        source: the old column.
        target: the new column.
        field: the field as it shall be.
        former: the field as it was, when that is known; its options say how the old values are written.
        dialect: of the database.
        timezone: of the site, in which a moment has its day.
    """

    def __init__(
        self,
        source: StoredColumn,
        target: StoredColumn,
        field: Field,
        former: Field | None,
        dialect: str,
        timezone: str,
    ) -> None:
        self._decode = decode_kind(source.storage, dialect)
        self._encode = encode_kind(target.storage, dialect)
        self._source_type = former.type if former is not None else field_types().get(source.type)
        self._source_options = former.options if former is not None else {"decimals": source.scale}
        self._parse = field.type.parser(field.options)
        self._no_link = field.type.links == "one" and (source.kind != "uuid" or source.target != target.target)
        self._kind = target.kind
        self._zone = ZoneInfo(timezone)
        self._known: dict[Any, Any] = {}

    def __call__(self, driver_value: Any) -> Any:
        """Return the new driver value; None for None.

        Raises:
            BadValue: the value cannot be said in the new type.
        """
        if driver_value is None:
            return None
        hashable = not isinstance(driver_value, (list, dict))
        if hashable and driver_value in self._known:
            found = self._known[driver_value]
            if isinstance(found, BadValue):
                raise found
            return found
        try:
            found = self._convert(driver_value)
        except BadValue as error:
            self._keep(hashable, driver_value, error)
            raise
        self._keep(hashable, driver_value, found)
        return found

    def shown(self, driver_value: Any) -> str:
        """Return the old value as people read it."""
        value = driver_value if self._decode is None else self._decode(driver_value)
        return self._text(value)

    def _keep(self, hashable: bool, value: Any, found: Any) -> None:  # noqa: FBT001
        if hashable:
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[value] = found

    def _convert(self, driver_value: Any) -> Any:
        if self._no_link:
            # Whatever it says, it is no link to a record of that entity.
            raise BadValue(Message("Not the id of a record"))
        value = driver_value if self._decode is None else self._decode(driver_value)
        found = self._read(value)
        if found is None:
            raise BadValue(Message("Nothing is left of it"))
        return found if self._encode is None else self._encode(found)

    def _read(self, value: Any) -> Any:
        """Return the value in the new type: read as it is, else from its text."""
        if isinstance(value, dt.datetime) and self._kind == "date":
            return value.astimezone(self._zone).date()
        try:
            return self._parse(value)
        except BadValue:
            text = self._text(value)
            if isinstance(value, str) and text == value:
                raise
            return self._parse(text)

    def _text(self, value: Any) -> str:
        if self._source_type is not None and not isinstance(value, str):
            try:
                return self._source_type.format(value, self._source_options, Locale())
            except (BadValue, KeyError, TypeError, ValueError):
                pass  # The options of a type that is gone may be gone too.
        return _plain_text(value)


def _plain_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return str(value)
