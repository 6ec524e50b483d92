"""Whatever a type keeps comes back unchanged: from the text of an input, from JSON, and from itself.

The values are made from the description of each type alone, so they reach what nobody thinks of typing.
"""

import string
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import jsonschema
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.fields import Locale, field_types

LOCALES = [
    Locale("en", "America/New_York", "USD"),
    Locale("zh", "Asia/Shanghai", "CNY"),
    Locale("de", "Europe/Berlin", "EUR"),
]
CHOICES = {
    "new": {"label": {"en": "New", "zh": "新建"}},
    "in_work": {"label": {"en": "In work, not done", "zh": "处理中"}},
    "done": {},
    "7": {"label": "Seven"},
}

letters = st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"])
line = st.text(letters, min_size=1, max_size=60)
word = st.text(st.sampled_from(string.ascii_letters + string.digits + "客户张三é "), min_size=1, max_size=20)
ids = st.uuids().map(str)


def decimals(scale: int) -> st.SearchStrategy[Decimal]:
    return st.integers(-(10**18) + 1, 10**18 - 1).map(lambda whole: Decimal(whole).scaleb(-scale))


def moments(least: int = 1, most: int = 9999) -> st.SearchStrategy[datetime]:
    first, last = datetime(least, 1, 2), datetime(most, 12, 30)  # noqa: DTZ001 - hypothesis wants them bare
    return st.datetimes(first, last).map(
        lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
    )


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | word,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(word, inner, max_size=4),
    max_leaves=15,
)
latitudes = st.integers(-(90 * 10**7), 90 * 10**7).map(lambda steps: steps / 10**7)
longitudes = st.integers(-(180 * 10**7), 180 * 10**7).map(lambda steps: steps / 10**7)
html = st.lists(
    st.sampled_from(["<p>", "</p>", "<b>", "<script>", "<img src=/files/a>", "<a href='//x'>", "&amp;", "<br>", "\n"])
    | word,
    max_size=12,
).map("".join)

# Type, options, raw values that the type takes: most are values already, the others become values by `parse`.
TYPES: list[tuple[str, Mapping[str, Any], st.SearchStrategy[Any]]] = [
    ("text", {"max_length": 60}, line),
    ("longtext", {}, st.text(letters | st.sampled_from("\n\t"), max_size=80)),
    ("richtext", {}, html),
    ("number", {}, decimals(2)),
    ("number", {"decimals": 0}, decimals(0)),
    ("number", {"decimals": 10}, decimals(10)),
    ("integer", {}, st.integers(-(10**18) + 1, 10**18 - 1)),
    ("percent", {}, decimals(2)),
    ("money", {"currency": "CNY"}, decimals(2)),
    ("money", {"currency": "JPY"}, decimals(0)),
    ("money", {"currency": "KWD"}, decimals(3)),
    ("boolean", {}, st.booleans()),
    ("date", {}, st.dates(date(1, 1, 1), date(9999, 12, 31))),
    ("datetime", {}, moments()),
    ("time", {}, st.times().map(lambda clock: clock.replace(microsecond=0))),
    ("duration", {}, st.integers(0, 10**12 - 1)),
    ("select", {"options": CHOICES}, st.sampled_from(list(CHOICES))),
    ("multiselect", {"options": CHOICES}, st.lists(st.sampled_from(list(CHOICES)), max_size=6)),
    ("tags", {}, st.lists(word, max_size=8)),
    ("lookup", {"to": "account"}, ids),
    ("lookups", {"to": "account"}, st.lists(ids, max_size=5)),
    ("any_lookup", {"to": ["account", "lead"]}, st.builds("{}/{}".format, st.sampled_from(["account", "lead"]), ids)),
    ("table", {"of": "item"}, st.lists(st.dictionaries(word, st.integers(-99, 99) | word, max_size=3), max_size=4)),
    ("user", {}, ids),
    ("email", {}, st.emails(domains=st.sampled_from(["example.com", "mail.example.org"]))),
    ("phone", {}, st.from_regex(r"\A(\+|00)?[1-9][0-9]{2,13}\Z") | st.from_regex(r"\A0[1-9][0-9]{1,2}-[0-9]{7,8}\Z")),
    ("phone", {"region": "US"}, st.from_regex(r"\A\([2-9][0-9]{2}\) [2-9][0-9]{2}-[0-9]{4}( ext\. [0-9]{1,4})?\Z")),
    ("url",
     {}, st.from_regex(r"\Ahttps?://([a-z0-9]{1,8}\.){1,3}[a-z]{2,6}(:[1-9][0-9]{1,3})?(/[A-Za-z0-9_.~?#=&%-]*)?\Z")),
    ("address", {}, st.dictionaries(st.sampled_from(["country", "province", "city", "street", "postcode"]), line)),
    ("geo", {}, st.fixed_dictionaries({"lat": latitudes, "lng": longitudes})),
    ("file", {}, ids),
    ("files", {}, st.lists(ids, max_size=4)),
    ("image", {}, ids),
    ("signature", {}, ids),
    ("color", {}, st.from_regex(r"\A#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})\Z")),
    ("rating", {"max": 7}, st.integers(1, 7)),
    ("autonumber", {"pattern": "QT-{yyyy}{mm}-{seq:4}"}, st.from_regex(r"\AQT-[0-9]{6}-[0-9]{4}\Z")),
    ("barcode", {}, word),
    ("secret", {}, line),
    ("json", {}, st.lists(json_values, max_size=3) | st.dictionaries(word, json_values, max_size=3)),
    ("formula", {"result": "money", "currency": "USD", "expr": "a", "decimals": 2}, decimals(2)),
    ("rollup", {"of": "items", "max": "on_date", "result": "date"}, st.dates()),
    ("reference", {"of": "account", "field": "stage", "result": "select",
     "options": CHOICES}, st.sampled_from(["new"])),
]  # fmt: skip
IDS = [
    " ".join([name, *(str(options[each]) for each in ("currency", "decimals", "region") if each in options)])
    for name, options, _ in TYPES
]


def test_every_type_is_tried() -> None:
    assert {name for name, _, _ in TYPES} == set(field_types())


@pytest.mark.parametrize(("name", "options", "raws"), TYPES, ids=IDS)
@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_a_value_comes_back_unchanged(
    name: str, options: Mapping[str, Any], raws: st.SearchStrategy[Any], data: st.DataObject
) -> None:
    field_type = field_types()[name]
    parse = field_type.parser(options)
    value = parse(data.draw(raws))

    assert value != "", "nothing is None"
    assert value != ()
    assert parse(value) == value
    assert field_type.parse(value, options) == value
    for locale in LOCALES:
        assert parse(field_type.format(value, options, locale)) == value
        assert field_type.read(field_type.format(value, options, locale), options, locale) == value
        assert field_type.display(value, options, locale) == field_type.displayer(options, locale)(value)
    answer = orjson.loads(orjson.dumps(field_type.to_json(value, options)))
    assert parse(answer) == value
    if value is not None:
        jsonschema.validate(answer, dict(field_type.json_schema(options)), format_checker=jsonschema.FormatChecker())
        assert isinstance(field_type.search_text(value, options), str)


@pytest.mark.parametrize("name", sorted(field_types()))
@pytest.mark.parametrize("nothing", [None, "", "   ", "\u3000"])
def test_nothing_is_none_and_shows_as_nothing(name: str, nothing: str | None) -> None:
    field_type = field_types()[name]
    options = next(options for each, options, _ in TYPES if each == name)

    value = field_type.parser(options)(nothing)

    assert value is None
    assert field_type.parse(nothing, options) is None
    assert field_type.to_json(None, options) is None
    for locale in LOCALES:
        assert field_type.format(None, options, locale) == ""
        assert field_type.display(None, options, locale) == ""
        assert field_type.displayer(options, locale)(None) == ""


@given(moment=moments(1990, 2100), zone=st.sampled_from(["Asia/Shanghai", "America/New_York", "Asia/Kathmandu", "UTC"]))
def test_local_time_without_a_zone_is_read_back_where_it_is_unique(moment: datetime, zone: str) -> None:
    field_type = field_types()["datetime"]
    locale = Locale("en", zone)

    text = field_type.local(moment, locale)  # type: ignore[attr-defined]
    back = field_type.read(text, {}, locale)

    twice = moment.astimezone(UTC) - back
    assert abs(twice.total_seconds()) in {0, 3600}, "an hour off at most, in the hour that autumn repeats"
    assert "+" not in text


def test_the_python_values_are_those_that_the_engine_expects() -> None:
    types = field_types()
    read: dict[str, Any] = {
        "number": types["number"].parse("1.5", {}),
        "integer": types["integer"].parse("7", {}),
        "duration": types["duration"].parse("1:30", {}),
        "date": types["date"].parse("2026-11-22", {}),
        "datetime": types["datetime"].parse("2026-11-22T09:30:00.1234Z", {}),
        "time": types["time"].parse("09:30", {}),
        "tags": types["tags"].parse(["a"], {}),
        "lookup": types["lookup"].parse(UUID(int=1), {}),
    }

    assert read == {
        "number": Decimal("1.50"),
        "integer": 7,
        "duration": 5400,
        "date": date(2026, 11, 22),
        "datetime": datetime(2026, 11, 22, 9, 30, 0, 123_000, tzinfo=UTC),
        "time": time(9, 30),
        "tags": ("a",),
        "lookup": "00000000-0000-0000-0000-000000000001",
    }
    assert read["number"].as_tuple().exponent == -2
    assert read["datetime"].tzinfo is UTC
