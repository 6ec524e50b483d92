"""Values on their way to the database and back: every field type, on both databases."""

import datetime as dt
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from engine.expression import Type
from engine.fields import StorageType, field_types
from engine.i18n import Text
from engine.metadata.model import Field
from engine.storage.codec import decode_kind, decoder, encode_kind, encoder, json_writer, moment
from engine.storage.columns import declared
from engine.storage.database import Database, run
from engine.storage.migrations import migrate

ID = "01890a5d-ac96-774b-bcce-b302099a8057"
SAMPLES: dict[str, tuple[dict[str, Any], Any]] = {
    "text": ({}, "Müller 张三"),
    "longtext": ({}, "two\nlines"),
    "number": ({"decimals": 3}, Decimal("-12.345")),
    "integer": ({}, -(2**53)),
    "percent": ({"decimals": 1}, Decimal("99.5")),
    "money": ({"currency": "CNY"}, Decimal("1234567890123456.78")),
    "boolean": ({}, False),
    "date": ({}, dt.date(2024, 2, 29)),
    "datetime": ({}, dt.datetime(2024, 2, 29, 23, 59, 59, 999_000, dt.UTC)),
    "time": ({}, dt.time(7, 5, 9)),
    "duration": ({}, 5400),
    "multiselect": ({}, ("b", "a")),
    "tags": ({}, ("x", "中文")),
    "lookup": ({"to": "user"}, ID),
    "files": ({}, (ID,)),
    "json": ({}, {"a": [1, None, "x"]}),
}


def field(name: str, options: dict[str, Any]) -> Field:
    type_ = field_types()[name]
    storage = type_.storage(options)
    return Field("f", "e", type_, Text("f"), options=options, storage=storage, value_type=Type.TEXT)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    migrate(database)
    yield database
    database.dispose()


@pytest.mark.parametrize("name", SAMPLES)
def test_a_value_comes_back_as_it_went_in_and_says_the_same_in_json(database: Database, name: str) -> None:
    options, value = SAMPLES[name]
    one = field(name, options)
    assert one.storage is not None
    mark = "?" if database.dialect == "sqlite" else "%s"
    encode, decode = encoder(one, database.dialect), decoder(one, database.dialect)
    write = json_writer(one, database.dialect)
    with database.write() as connection:
        run(connection, f"CREATE TABLE t (v {declared(one.storage.kind, one.storage.scale, database.dialect)})")
        run(connection, f"INSERT INTO t VALUES ({mark}), (NULL)", (value if encode is None else encode(value),))
        found, empty = (row[0] for row in run(connection, "SELECT v FROM t").fetchall())

    assert (found if decode is None else decode(found)) == value
    assert (found if write is None else write(found)) == one.type.to_json(value, options)
    for convert in (encode, decode, write):
        assert convert is None or convert(empty) is None


@pytest.mark.parametrize("name", ["text", "integer", "boolean", "lookup"])
def test_what_needs_no_conversion_says_so(name: str) -> None:
    one = field(name, SAMPLES[name][0])

    assert encoder(one, "sqlite") is None
    assert encoder(one, "postgresql") is None
    assert decoder(one, "postgresql") is None


def test_moments_are_kept_to_the_millisecond_by_both() -> None:
    at = dt.datetime(2026, 1, 1, 12, 0, 0, 999_999, dt.UTC)

    assert moment("sqlite")(at) == "2026-01-01T12:00:00.999Z"
    assert moment("postgresql")(at).microsecond == 999_000


def test_moments_of_other_zones_are_stored_in_utc() -> None:
    at = dt.datetime(2026, 1, 1, 8, 0, tzinfo=dt.timezone(dt.timedelta(hours=8)))

    encode = encode_kind(StorageType("datetime"), "sqlite")

    assert encode is not None
    assert encode(at) == "2026-01-01T00:00:00.000Z"


def test_text_of_moments_orders_as_moments_do() -> None:
    encode = moment("sqlite")
    moments = [dt.datetime(1999, 12, 31, tzinfo=dt.UTC), dt.datetime(2026, 1, 1, 0, 0, 0, 1000, dt.UTC)]

    texts = [encode(at) for at in moments]

    assert texts == sorted(texts)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text) for text in texts)


def test_scaled_numbers_keep_their_trailing_zeros() -> None:
    decode = decode_kind(StorageType("decimal", 2), "sqlite")

    assert decode is not None
    assert str(decode(1250)) == "12.50"
