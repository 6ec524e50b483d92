"""Values on their way to the database and back, and straight on to JSON.

What a driver takes and gives differs between the two databases for some kinds of value. An encoder or decoder
that is `None` means that nothing needs doing, so a hot loop can leave it out. All of them keep `None`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson

from engine.fields import StorageType

if TYPE_CHECKING:
    from engine.metadata.model import Field

Convert = Callable[[Any], Any]


def encoder(field: Field, dialect: str) -> Convert | None:
    """Return what turns a Python value of the field into what the driver takes."""
    return encode_kind(field.storage, dialect) if field.storage is not None else None


def decoder(field: Field, dialect: str) -> Convert | None:
    """Return what turns a value from the driver into the field's Python value."""
    if field.storage is None:
        return None
    if field.storage.kind == "json" and field.type.value_type == "list":
        return _list_of_text if dialect == "sqlite" else _list_of_json
    return decode_kind(field.storage, dialect)


def json_writer(field: Field, dialect: str) -> Convert | None:
    """Return what turns a value from the driver into its JSON form: `to_json` of the decoded value."""
    decode = decoder(field, dialect)
    to_json, options = field.type.to_json, field.options
    if type(field.type).to_json is _plain_to_json() and not _needs_text(field.storage, dialect):
        return decode
    if field.storage is not None and dialect == "sqlite" and field.storage.kind in _ISO:
        return None  # the column holds the very text that JSON has

    def write(value: Any) -> Any:
        if value is None:
            return None
        return to_json(value if decode is None else decode(value), options)

    return write


def encode_kind(storage: StorageType, dialect: str) -> Convert | None:
    """Return the encoder of a kind of column; see `encoder`."""
    if storage.kind == "json":
        return _json_text
    if dialect != "sqlite":
        return None
    if storage.kind == "decimal":
        return _scaler(storage.scale)
    return _TO_SQLITE.get(storage.kind)


def decode_kind(storage: StorageType, dialect: str) -> Convert | None:
    """Return the decoder of a kind of column; see `decoder`."""
    if dialect != "sqlite":
        return None
    if storage.kind == "decimal":
        return _unscaler(storage.scale)
    return _FROM_SQLITE.get(storage.kind)


def moment(dialect: str) -> Callable[[dt.datetime], Any]:
    """Return what turns a time into what a column of a system table takes."""
    return _iso_utc if dialect == "sqlite" else _milliseconds


_ISO = frozenset({"date", "datetime", "time"})


def _plain_to_json() -> Any:
    from engine.fields.base import FieldType

    return FieldType.to_json


def _needs_text(storage: StorageType | None, dialect: str) -> bool:
    return storage is not None and storage.kind in _ISO | {"decimal"}


def _scaler(scale: int) -> Convert:
    if scale == 0:
        return lambda value: None if value is None else int(value)

    def scaled(value: Decimal | None) -> int | None:
        return None if value is None else int(value.scaleb(scale))

    return scaled


def _unscaler(scale: int) -> Convert:
    if scale == 0:
        return lambda value: None if value is None else Decimal(value)

    def unscaled(value: int | None) -> Decimal | None:
        return None if value is None else Decimal(value).scaleb(-scale)

    return unscaled


def _json_text(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def _from_json_text(value: str | None) -> Any:
    return None if value is None else orjson.loads(value)


def _list_of_text(value: str | None) -> tuple[str, ...] | None:
    return None if value is None else tuple(orjson.loads(value))


def _list_of_json(value: list[str] | None) -> tuple[str, ...] | None:
    return None if value is None else tuple(value)


def _iso(value: dt.date | None) -> str | None:
    return None if value is None else value.isoformat()


def _iso_seconds(value: dt.time | None) -> str | None:
    return None if value is None else value.isoformat("seconds")


def _iso_utc(value: dt.datetime | None) -> str | None:
    """Return "2026-01-31T12:00:00.000Z"."""
    if value is None:
        return None
    return value.astimezone(dt.UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def _milliseconds(value: dt.datetime) -> dt.datetime:
    # PostgreSQL would round, SQLite's text cuts off: the two must keep the same moment.
    return value.replace(microsecond=value.microsecond // 1000 * 1000)


_TO_SQLITE: dict[str, Convert] = {"date": _iso, "time": _iso_seconds, "datetime": _iso_utc}
_FROM_SQLITE: dict[str, Convert] = {
    "boolean": lambda value: None if value is None else bool(value),
    "date": lambda value: None if value is None else dt.date.fromisoformat(value),
    "datetime": lambda value: None if value is None else dt.datetime.fromisoformat(value),
    "time": lambda value: None if value is None else dt.time.fromisoformat(value),
    "json": _from_json_text,
}
