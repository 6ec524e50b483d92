"""Whatever arrives, a type answers with a value that can be stored, or with a refusal in words. Never with a crash."""

import time
from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import BadValue
from engine.fields import FieldType, Locale, Reference, field_types

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "select": {"options": {"a": {"label": "A"}, "1": {}}},
    "multiselect": {"options": {"a": {"label": "A"}, "1": {}}},
    "lookup": {"to": "account"},
    "lookups": {"to": "account"},
    "any_lookup": {"to": ["account"]},
    "table": {"of": "item"},
    "formula": {"result": "datetime", "expr": "now"},
    "rollup": {"of": "items", "sum": "amount", "result": "money"},
    "reference": {"of": "a", "field": "b", "result": "duration"},
}
TYPES = sorted(field_types())

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.dates()
    | st.datetimes()
    | st.times()
    | st.timedeltas()
    | st.binary(max_size=9)
    | st.text(st.characters(), max_size=30)
    | st.text(
        st.sampled_from("0123456789.,-+:/()%¥￥$eE万亿年月日时分秒TZPM h\u3000\x00\ud800\u202e[{\"'<>&;="),
        max_size=20,
    )
)

anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


def attempt(field_type: FieldType, options: Mapping[str, Any], raw: Any) -> tuple[Any, BadValue | None]:
    """The value that a raw one means, or its refusal."""
    try:
        return field_type.parser(options)(raw), None
    except BadValue as refused:
        return None, refused


@pytest.mark.parametrize("name", TYPES)
@given(raw=anything)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_anything_is_taken_or_refused(name: str, raw: Any) -> None:
    field_type, options = field_types()[name], OPTIONS.get(name, {})
    value, refused = attempt(field_type, options, raw)
    if refused is not None:
        assert str(refused)
        assert refused.in_("zh") != str(refused), "the refusal is said in Chinese too"
        return
    if isinstance(value, Reference) or (
        isinstance(value, tuple) and any(isinstance(each, Reference) for each in value)
    ):
        return
    if name != "table":  # its rows are parsed by their own fields
        orjson.dumps(field_type.to_json(value, options)).decode()
        assert "\x00" not in field_type.format(value, options, Locale())
    assert field_type.parser(options)(value) == value


LONG = {
    "digits": "1" * 1_000_000,
    "groups": "1," + "111," * 250_000,
    "letters": "a" * 1_000_000,
    "blanks": "a" + " " * 1_000_000 + "a",
    "ats": "a@" * 500_000,
    "dots": "a." * 500_000,
    "tags": "<div>" * 200_000,
    "open": "<" * 1_000_000,
    "brackets": "[" * 1_000_000,
    "braces": '{"a":' * 200_000,
    "dashes": "1-" * 500_000,
    "lines": "\n" * 1_000_000,
    "chinese": "客" * 1_000_000,
}


@pytest.mark.parametrize("name", TYPES)
def test_a_megabyte_of_junk_is_dealt_with_at_once(name: str) -> None:
    field_type, options = field_types()[name], OPTIONS.get(name, {})
    field_type.parser(options)(None)
    for shape, junk in LONG.items():
        started = time.process_time()
        _, refused = attempt(field_type, options, junk)

        assert time.process_time() - started < 1, shape
        assert refused is None or len(str(refused)) < 300
