"""Cursors come back as they went out, and from nowhere else."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data import cursor
from engine.errors import QueryInvalid

SECRET = b"a secret"
VALUES = st.lists(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.text()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.dates()
    | st.times()
    | st.datetimes(timezones=st.just(UTC)),
    max_size=4,
)


@given(VALUES)
def test_values_of_every_kind_come_back(values: list[object]) -> None:
    assert cursor.read(cursor.write(values, "list", SECRET), "list", SECRET) == values


def test_kinds_are_kept_apart() -> None:
    values = [1, Decimal(1), "1", True, date(2026, 1, 1), time(1, 2), datetime(2026, 1, 1, tzinfo=UTC)]

    assert [type(each) for each in cursor.read(cursor.write(values, "x", SECRET), "x", SECRET)] == list(
        map(type, values)
    )


@pytest.mark.parametrize("bad", ["", "x", "é", "=" * 40, "A" * 10_000, "AAAA AAAA"])
def test_what_was_never_written_is_refused(bad: str) -> None:
    with pytest.raises(QueryInvalid):
        cursor.read(bad, "list", SECRET)


def test_another_list_another_site_and_a_changed_value_are_refused() -> None:
    good = cursor.write([1, "a"], "list", SECRET)
    raw = bytearray(urlsafe_b64decode(good + "=" * (-len(good) % 4)))
    raw[-2] ^= 1
    changed = urlsafe_b64encode(bytes(raw)).decode().rstrip("=")

    for text, context, secret in [(good, "other", SECRET), (good, "list", b"other"), (changed, "list", SECRET)]:
        with pytest.raises(QueryInvalid):
            cursor.read(text, context, secret)


def test_what_no_list_is_sorted_by_is_a_mistake_of_the_program() -> None:
    with pytest.raises(TypeError):
        cursor.write([{}], "list", SECRET)
