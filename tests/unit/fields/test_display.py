"""What a person reads: their language, their time zone, the currency of their site."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, format_decimal
from hypothesis import given
from hypothesis import strategies as st

from engine.fields import Locale, field_types

ENGLISH = Locale("en", "America/New_York", "USD")
CHINESE = Locale("zh", "Asia/Shanghai", "CNY")
LANGUAGES = st.sampled_from(["en", "zh", "zh_TW", "de", "fr", "hi", "ar", "ru", "ja", "de-CH", "xx"])
STAGES = {"new": {"label": {"en": "New", "zh": "新建"}}, "on_hold": {}}
ID = "0198abcd-1234-7000-8000-0123456789ab"

SHOWN: list[tuple[str, Mapping[str, Any], Any, str, str]] = [
    ("text", {}, "Acme", "Acme", "Acme"),
    ("richtext", {}, '<p>One</p><p>two &lt; <a title="a>b">three</a></p>', "One two < three", "One two < three"),
    ("number", {}, Decimal("-1234567.50"), "-1,234,567.50", "-1,234,567.50"),
    ("number", {"decimals": 0}, Decimal(1234), "1,234", "1,234"),
    ("integer", {}, 1234567, "1,234,567", "1,234,567"),
    ("percent", {}, Decimal("15.00"), "15%", "15%"),
    ("percent", {}, Decimal("1200.50"), "1,200.5%", "1,200.5%"),
    ("percent", {}, Decimal("100.00"), "100%", "100%"),
    ("money", {"currency": "CNY"}, Decimal("1234.50"), "CN¥1,234.50", "¥1,234.50"),
    ("money", {"currency": "USD"}, Decimal("-1234.50"), "-$1,234.50", "-US$1,234.50"),
    ("money", {"currency": "JPY"}, Decimal(1234), "¥1,234", "JP¥1,234"),
    ("money", {"currency": "KWD"}, Decimal("1.234"), "KWD\u00a01.234", "KWD\u00a01.234"),
    ("boolean", {}, True, "yes", "是"),
    ("boolean", {}, False, "no", "否"),
    ("date", {}, date(2026, 1, 5), "Jan 5, 2026", "2026年1月5日"),
    (
        "datetime",
        {},
        datetime(2026, 1, 5, 20, 30, 59, tzinfo=UTC),
        "Jan 5, 2026, 3:30\u202fPM",
        "2026年1月6日 04:30",
    ),
    ("time", {}, time(0, 5), "12:05\u202fAM", "00:05"),
    ("duration", {}, 0, "0s", "0秒"),
    ("duration", {}, 93_784, "1d 2h 3m 4s", "1天2小时3分4秒"),
    ("select", {"options": STAGES}, "new", "New", "新建"),
    ("select", {"options": STAGES}, "on_hold", "On hold", "On hold"),
    ("select", {"options": STAGES}, "gone", "Gone", "Gone"),
    ("multiselect", {"options": STAGES}, ("new", "on_hold"), "New, On hold", "新建、On hold"),
    ("tags", {}, ("vip", "大客户"), "vip, 大客户", "vip、大客户"),
    ("lookup", {"to": "account"}, ID, ID, ID),
    ("table", {"of": "item"}, ({"a": 1}, {"a": 2}), "2", "2"),
    ("files", {}, (ID,), "1", "1"),
    ("phone", {}, "+8613800138000", "138 0013 8000", "138 0013 8000"),
    ("phone", {}, "+861012345678;ext=801", "010 1234 5678 ext. 801", "010 1234 5678 转 801"),
    ("phone", {}, "+14155552671", "+1 415-555-2671", "+1 415-555-2671"),
    ("phone", {"region": "US"}, "+14155552671", "(415) 555-2671", "(415) 555-2671"),
    ("phone", {}, "95588", "95588", "95588"),
    ("url", {}, "https://www.example.com/", "example.com", "example.com"),
    ("url", {}, "https://example.com/a?b", "example.com/a?b", "example.com/a?b"),
    (
        "address",
        {},
        {"country": "中国", "province": "浙江省", "city": "杭州市", "street": "文三路1号", "postcode": "310000"},
        "文三路1号, 杭州市, 浙江省 310000, 中国",
        "中国浙江省杭州市文三路1号 310000",
    ),
    ("geo", {}, {"lat": 30.25, "lng": -0.0000001}, "30.25, -0.0000001", "30.25, -0.0000001"),
    ("rating", {}, 3, "★★★☆☆", "★★★☆☆"),
    ("secret", {}, "330102199001011234", "••••", "••••"),
    ("json", {}, {"名": [1]}, '{"名": [1]}', '{"名": [1]}'),
    ("formula", {"result": "money", "currency": "CNY"}, Decimal(5), "CN¥5", "¥5"),
    ("rollup", {"of": "items", "max": "day", "result": "date"}, date(2026, 1, 5), "Jan 5, 2026", "2026年1月5日"),
    ("reference", {"of": "a", "field": "b", "result": "select", "options": STAGES}, "new", "New", "新建"),
]


@pytest.mark.parametrize(("name", "options", "value", "english", "chinese"), SHOWN)
def test_a_value_is_shown_as_its_reader_writes_it(
    name: str, options: Mapping[str, Any], value: Any, english: str, chinese: str
) -> None:
    field_type = field_types()[name]

    assert field_type.display(value, options, ENGLISH) == english
    assert field_type.display(value, options, CHINESE) == chinese


@given(language=LANGUAGES, whole=st.integers(-(10**12), 10**12))
def test_numbers_and_amounts_are_written_as_babel_writes_them(language: str, whole: int) -> None:
    value = Decimal(whole).scaleb(-2)
    number, money = field_types()["number"], field_types()["money"]
    known = "en" if language == "xx" else language.replace("-", "_")

    assert number.display(value, {}, Locale(language)) == format_decimal(
        value, locale=known, decimal_quantization=False, format=number_pattern(known)
    )
    shown = money.display(value, {"currency": "EUR"}, Locale(language, "UTC", "CNY"))
    assert shown == format_currency(value, "EUR", locale=known)


def number_pattern(language: str) -> str:
    """The language's own pattern with two decimals instead of up to three."""
    from babel import Locale as BabelLocale

    return str(BabelLocale.parse(language).decimal_formats[None].pattern).replace("0.###", "0.00")


@given(language=LANGUAGES, moment=st.datetimes(timezones=st.just(UTC)))
def test_days_are_written_as_babel_writes_them(language: str, moment: datetime) -> None:
    known = "en" if language == "xx" else language.replace("-", "_")

    shown = field_types()["date"].display(moment.date(), {}, Locale(language))

    assert shown == format_date(moment.date(), locale=known)


@given(language=st.sampled_from(["en", "zh", "de", "ja"]), moment=st.datetimes(timezones=st.just(UTC)))
def test_moments_are_written_as_babel_writes_them_but_without_seconds(language: str, moment: datetime) -> None:
    shown = field_types()["datetime"].display(moment, {}, Locale(language, "UTC"))

    day = format_date(moment, locale=language)
    clock = format_datetime(moment, "short", locale=language).rpartition(", ")[2]
    assert shown.startswith(day)
    assert shown.replace("\u202f", " ").endswith(clock.rpartition(" ")[2].replace("\u202f", " "))


def test_a_time_zone_that_does_not_exist_breaks_no_page() -> None:
    moment = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)

    for name in ("Mars/Olympus", "../etc/passwd", "", "x" * 500):
        assert field_types()["datetime"].display(moment, {}, Locale("zh", name)) == "2026年1月5日 09:30"


@pytest.mark.parametrize(
    ("name", "options", "value", "words"),
    [
        ("select", {"options": STAGES}, "new", {"new", "New", "新建"}),
        ("multiselect", {"options": STAGES}, ("new",), {"New", "新建"}),
        ("phone", {}, "+8613800138000", {"+8613800138000", "13800138000"}),
        ("richtext", {}, "<p>a</p><p>b</p>", {"a", "b"}),
        ("address", {}, {"city": "杭州市", "street": "文三路"}, {"杭州市", "文三路"}),
        ("tags", {}, ("a", "b"), {"a", "b"}),
        ("secret", {}, "password", set()),
    ],
)
def test_search_finds_a_value_by_these_words(
    name: str, options: Mapping[str, Any], value: Any, words: set[str]
) -> None:
    assert set(field_types()[name].search_text(value, options).split()) == words
