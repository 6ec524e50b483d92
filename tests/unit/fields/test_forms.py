"""The forms that people type, in English and Chinese, and the ones that are refused rather than guessed."""
# ruff: noqa: DTZ001, FURB157, RUF001 - people leave out the zone, write decimals as text and type full-width digits

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from engine.errors import BadValue
from engine.fields import Locale, Reference, field_types

SHANGHAI = Locale("zh", "Asia/Shanghai", "CNY")
ID = "0198abcd-1234-7000-8000-0123456789ab"
OTHER = "0198abcd-1234-7000-8000-0123456789ac"
STAGES = {
    "options": {
        "new": {"label": {"en": "New", "zh": "新建"}},
        "big_deal": {"label": {"en": "Food, drink", "zh": "餐饮"}},
        "won": None,
        "lost": {"label": "Gone", "hidden": True},
    }
}

TAKEN: dict[str, list[tuple[Mapping[str, Any], Any, Any]]] = {
    "text": [
        ({}, "  Acme Ltd. \t\n", "Acme Ltd."),
        ({}, "\u3000张三\u00a0", "张三"),
        ({}, "\ufeffAcme\u200b", "Acme"),
        ({}, "Cafe\u0301", "Café"),
        ({}, "👨\u200d👩\u200d👧 می\u200cخواهم", "👨\u200d👩\u200d👧 می\u200cخواهم"),
        ({}, 13800138000.0, "13800138000"),
        ({}, 42, "42"),
        ({}, Decimal("1E+3"), "1000"),
        ({"max_length": 2}, "𠮷𠮷", "𠮷𠮷"),
        ({"pattern": "[A-Z]{2}[0-9]+"}, " AB12 ", "AB12"),
    ],
    "longtext": [
        ({}, "a\r\nb\rc\u2028d\te  \n\n", "a\nb\nc\nd\te"),
        ({}, "\n \n  indented\n", "  indented"),
    ],
    "richtext": [
        ({}, "one\ntwo", "one<br>two"),
        ({}, "Tom & Jerry: 1 < 2", "Tom &amp; Jerry: 1 &lt; 2"),
        ({}, "<p onclick=x()>Hi<script>alert(1)</script></p>", "<p>Hi</p>"),
        ({}, "<a href='javascript:x'>a</a>", '<a rel="noopener noreferrer nofollow">a</a>'),
        (
            {},
            "<a href=https://a.example target=_top>a</a>",
            '<a href="https://a.example" rel="noopener noreferrer nofollow">a</a>',
        ),
        ({}, "<img src='https://spy.example/1.gif'><img src=/files/7>", '<img><img src="/files/7">'),
        ({}, "<img src=//spy.example/1.gif>x", "<img>x"),
        ({}, "<p style='position:fixed'>x<iframe src=/></iframe></p>", "<p>x</p>"),
        ({}, "<p>\n</p><br>&nbsp;", None),
        ({}, "<script>alert(1)</script>", None),
    ],
    "number": [
        ({}, "1,234.50", Decimal("1234.50")),
        ({}, "１，２３４．５", Decimal("1234.50")),
        ({}, " -0.5 ", Decimal("-0.50")),
        ({}, "\u22125", Decimal("-5.00")),
        ({}, "+5", Decimal("5.00")),
        ({}, "(1,200.00)", Decimal("-1200.00")),
        ({}, ".5", Decimal("0.50")),
        ({}, "5.", Decimal("5.00")),
        ({}, "1 234 567", Decimal("1234567.00")),
        ({}, "3.5万", Decimal("35000.00")),
        ({}, "1.2 亿", Decimal("120000000.00")),
        ({}, "2千万", Decimal("20000000.00")),
        ({}, "1.20E+05", Decimal("120000.00")),
        ({}, 0.1 + 0.2, Decimal("0.30")),
        ({}, 1234.5600000000001, Decimal("1234.56")),
        ({}, "1.500", Decimal("1.50")),
        ({}, 7, Decimal("7.00")),
        ({}, "9999999999999999.99", Decimal("9999999999999999.99")),
        ({"decimals": 0}, "12", Decimal("12")),
        ({"decimals": 4}, 12345678901.2345, Decimal("12345678901.2345")),
        ({"min": 0.1, "max": 5}, "0.1", Decimal("0.10")),
    ],
    "integer": [
        ({}, "1,200", 1200),
        ({}, "３万", 30000),
        ({}, 5.0, 5),
        ({}, "5.00", 5),
        ({}, "-7", -7),
        ({}, "007", 7),
        ({}, "999999999999999999", 10**18 - 1),
    ],
    "percent": [({}, "15%", Decimal("15.00")), ({}, "１２．５％", Decimal("12.50")), ({}, 15, Decimal("15.00"))],
    "money": [
        ({}, "￥1,200.5", Decimal("1200.50")),
        ({}, "¥ 1200", Decimal("1200.00")),
        ({}, "1200元", Decimal("1200.00")),
        ({}, "3.5万元", Decimal("35000.00")),
        ({}, "rmb 1200", Decimal("1200.00")),
        ({}, "人民币1200", Decimal("1200.00")),
        ({}, "1200 CNY", Decimal("1200.00")),
        ({}, "-¥5", Decimal("-5.00")),
        ({}, "¥-5", Decimal("-5.00")),
        ({}, "(¥5)", Decimal("-5.00")),
        ({"currency": "USD"}, "$1,200", Decimal("1200.00")),
        ({"currency": "USD"}, "100美元", Decimal("100.00")),
        ({"currency": "HKD"}, "HK$5", Decimal("5.00")),
        ({"currency": "EUR"}, "5 €", Decimal("5.00")),
        ({"currency": "JPY"}, "¥1200", Decimal("1200")),
        ({"currency": "KWD"}, "1.234", Decimal("1.234")),
        ({"currency": "IQD"}, "1.234", Decimal("1.234")),
    ],
    "boolean": [
        *[({}, yes, True) for yes in ["true", "Yes", "ON", "1", "是", "真", "有", "Ｙ", "√", 1, True, 1.0]],
        *[({}, no, False) for no in ["False", "no", "off", "0", "否", "假", "无", "n", "×", 0, False]],
    ],
    "date": [
        *[
            ({}, text, date(2026, 1, 5))
            for text in [
                "2026-01-05", "2026/1/5", "2026.01.05", "20260105", "Jan 5, 2026", "january 5th 2026", "5 Jan 2026",
                "5. January 2026", "5-Jan-2026", "2026-01-05 00:00:00", "2026-01-05T00:00:00Z", "2026年1月5日",
                "2026 年 01 月 05 号", "2026年1月5日 星期一", "２０２６－０１－０５",
                date(2026, 1, 5), datetime(2026, 1, 5), datetime(2026, 1, 5, tzinfo=UTC),
            ]
        ],
        ({}, "2024-02-29", date(2024, 2, 29)),
    ],
    "datetime": [
        *[
            ({}, text, datetime(2026, 1, 5, 15, 30, tzinfo=UTC))
            for text in [
                "2026-01-05T15:30:00Z", "2026-01-05 15:30", "2026-01-05T23:30+08:00", "2026-01-05T10:30:00-0500",
                "2026/1/5 15:30", "2026-01-05 3:30 PM", "Jan 5, 2026, 3:30\u202fPM", "2026-1-5 at 3:30 p.m.",
                "2026年1月5日 15:30", "2026年1月5日15时30分", "2026年1月5日 下午3点半",
                "２０２６－０１－０５　１５：３０",
                datetime(2026, 1, 5, 15, 30), datetime(2026, 1, 5, 15, 30, 0, 999, tzinfo=UTC),
            ]
        ],
        ({}, "2026-01-05", datetime(2026, 1, 5, tzinfo=UTC)),
        ({}, date(2026, 1, 5), datetime(2026, 1, 5, tzinfo=UTC)),
        ({}, "2026-01-05T15:30:01.123999Z", datetime(2026, 1, 5, 15, 30, 1, 123_000, tzinfo=UTC)),
        ({}, "2026/1/5 15:30:01.5", datetime(2026, 1, 5, 15, 30, 1, 500_000, tzinfo=UTC)),
    ],
    "time": [
        *[({}, text, time(9, 5)) for text in ["9:05", "09:05:00", "9:05 am", "上午9:05", "9点5分", "０９：０５"]],
        ({}, time(9, 5), time(9, 5)),
        *[({}, text, time(15)) for text in ["15:00", "3 pm", "3PM", "下午3点", "15点", "15点整", "下午15:00"]],
        ({}, "3点半", time(3, 30)),
        ({}, "12:00 AM", time(0)),
        ({}, "12:30 pm", time(12, 30)),
        ({}, "中午12点", time(12)),
        ({}, "晚上8点", time(20)),
        ({}, "9:05:07", time(9, 5, 7)),
    ],
    "duration": [
        *[
            ({}, text, 5400)
            for text in ["1h 30m", "1:30", "01:30:00", "90m", "1.5h", "PT1H30M", "PT1.5H", "1小时30分", "1小时30分钟",
             "90分钟", "5400", "1 hour 30 minutes",
                         "1 hr, 30 min".replace(",", ""), 5400, timedelta(minutes=90), Decimal(5400)]
        ],
        ({}, "半小时", 1800),
        ({}, "2d", 172_800),
        ({}, "2天3小时", 183_600),
        ({}, "P1W", 604_800),
        ({}, "0", 0),
        ({}, "45秒", 45),
    ],
    "select": [
        (STAGES, "new", "new"),
        (STAGES, " New ", "new"),
        (STAGES, "新建", "new"),
        (STAGES, "WON", "won"),
        (STAGES, "Won", "won"),
        (STAGES, "lost", "lost"),
        (STAGES, "gone", "lost"),
        ({"options": {"1": {}, "2": {}}}, 1, "1"),
        ({"options": {"1": {}, "2": {}}}, 2.0, "2"),
    ],
    "multiselect": [
        (STAGES, ["won", "new", "won"], ("new", "won")),
        (STAGES, "won, 新建", ("new", "won")),
        (STAGES, "餐饮、新建", ("new", "big_deal")),
        (STAGES, "Food, drink", ("big_deal",)),
        (STAGES, {"won"}, ("won",)),
        (STAGES, [], None),
        (STAGES, ["", None], None),
    ],
    "tags": [
        ({}, "vip，大客户; VIP\nold", ("vip", "大客户", "old")),
        ({}, [" a ", "", "b"], ("a", "b")),
        ({}, (), None),
    ],
    "lookup": [
        ({}, ID.upper(), ID),
        ({}, ID.replace("-", ""), ID),
        ({}, UUID(ID), ID),
        ({}, {"id": ID, "title": "Acme"}, ID),
        ({}, {"external_id": " A-1 "}, Reference("external_id", "A-1")),
        ({}, {"title": "张三"}, Reference("title", "张三")),
        ({}, {"title": None}, None),
        ({}, {"id": None}, None),
        ({}, Reference("title", "x"), Reference("title", "x")),
    ],
    "lookups": [
        ({}, f"{ID}，{OTHER} {ID}", (ID, OTHER)),
        ({}, [ID, {"external_id": "A"}], (ID, Reference("external_id", "A"))),
        ({}, {"id": ID}, (ID,)),
        ({}, [], None),
    ],
    "any_lookup": [
        ({"to": ["account"]}, f"account/{ID.upper()}", f"account/{ID}"),
        ({"to": ["account"]}, {"entity": "account", "id": ID}, f"account/{ID}"),
        ({"to": ["account"]}, {"entity": "account", "title": "Acme"}, Reference("title", "Acme", "account")),
    ],
    "table": [
        ({"of": "item"}, [{"what": "x", "amount": "1"}], ({"what": "x", "amount": "1"},)),
        ({"of": "item"}, '[{"what": "x"}]', ({"what": "x"},)),
        ({"of": "item"}, [], None),
    ],
    "user": [({}, ID, ID), ({}, {"external_id": "ann"}, Reference("external_id", "ann"))],
    "email": [
        ({}, " Ann.Lee+crm@Example.COM ", "ann.lee+crm@example.com"),
        ({}, "mailto:ann@example.com", "ann@example.com"),
        ({}, "ann＠example。com", "ann@example.com"),
        ({}, "张三@例子.中国", "张三@例子.中国"),
        ({}, "bob@bücher.example.com", "bob@bücher.example.com"),
        ({}, "o'hara@mail.local", "o'hara@mail.local"),
    ],
    "phone": [
        *[
            ({}, text, "+8613800138000")
            for text in ["13800138000", "138 0013 8000", "138-0013-8000", "+86 138 0013 8000", "0086 13800138000",
             "８６－１３８００１３８０００",
                         13800138000, 13800138000.0, "tel:+8613800138000"]
        ],
        ({}, "(010) 1234-5678", "+861012345678"),
        ({}, "010-12345678转801", "+861012345678;ext=801"),
        ({}, "010-12345678 ext. 801", "+861012345678;ext=801"),
        ({}, "0571—8765 4321 分机 12", "+8657187654321;ext=12"),
        ({}, "+44 (0)20 7946 0958", "+442079460958"),
        ({}, "400-810-8888", "+864008108888"),
        ({"region": "US"}, "(415) 555-2671", "+14155552671"),
        ({}, "95588", "95588"),
        ({}, "12345", "12345"),
        ({}, "8765-4321", "8765-4321"),
    ],
    "url": [
        ({}, "example.com", "https://example.com"),
        ({}, "www.Example.com/Path?q=1#x", "https://www.example.com/Path?q=1#x"),
        ({}, "HTTP://EXAMPLE.com:8080/a b".replace(" ", "%20"), "http://example.com:8080/a%20b"),
        ({}, "//cdn.example.com/x", "https://cdn.example.com/x"),
        ({}, "http://localhost:5000", "http://localhost:5000"),
        ({}, "localhost:5000/x", "https://localhost:5000/x"),
        ({}, "http://intranet/wiki", "http://intranet/wiki"),
        ({}, "例子.中国/路径", "https://例子.中国/路径"),
        ({}, "http://[2001:db8::1]:80/", "http://[2001:db8::1]:80/"),
    ],
    "address": [
        ({}, {"city": " 杭州市 ", "street": "", "postcode": 310000}, {"city": "杭州市", "postcode": "310000"}),
        ({}, "文三路1号", {"street": "文三路1号"}),
        ({}, '{"city": "杭州市"}', {"city": "杭州市"}),
        ({}, {}, None),
    ],
    "geo": [
        ({}, "30.25，120.17", {"lat": 30.25, "lng": 120.17}),
        ({}, "-33.8688 151.2093", {"lat": -33.8688, "lng": 151.2093}),
        ({}, {"lat": "30.123456789", "lng": 120}, {"lat": 30.1234568, "lng": 120.0}),
    ],
    "file": [({}, {"id": ID}, ID), ({}, ID, ID)],
    "files": [({}, [ID, ID, {"id": OTHER}], (ID, OTHER)), ({}, f"{ID}, {OTHER}", (ID, OTHER))],
    "image": [({}, ID, ID)],
    "signature": [({}, ID, ID)],
    "color": [({}, "#ABC", "#aabbcc"), ({}, "1a73e8", "#1a73e8"), ({}, "＃１ａ７３ｅ８", "#1a73e8")],
    "rating": [({}, "★★★☆☆", 3), ({}, "3/5", 3), ({}, 5, 5), ({}, "☆☆☆☆☆", None), ({"max": 10}, "8", 8)],
    "autonumber": [({}, " QT-0042 ", "QT-0042")],
    "barcode": [
        ({"symbology": "ean13"}, "6 901234 567892", "6901234567892"),
        ({"symbology": "upca"}, "036000291452", "036000291452"),
        ({"symbology": "ean8"}, "7351-3537", "73513537"),
        ({}, "WIFI:S:x;;", "WIFI:S:x;;"),
    ],
    "secret": [({}, " 330102199001011234 ", "330102199001011234")],
    "json": [
        ({}, '{"a": [1, 2.5, null, true, "x"]}', {"a": [1, 2.5, None, True, "x"]}),
        ({}, {"a": (1, Decimal("1.50"))}, {"a": [1, "1.50"]}),
        ({}, "[]", None),
        ({}, {}, None),
    ],
    "formula": [({"result": "integer", "expr": "1"}, "5", 5)],
    "rollup": [({"of": "items", "max": "amount", "result": "money", "currency": "CNY"}, "5", Decimal("5.00"))],
    "reference": [({"of": "a", "field": "b", "result": "date"}, "2026-01-05", date(2026, 1, 5))],
}  # fmt: skip


def cases(table: Mapping[str, list[tuple[Mapping[str, Any], Any, Any]]]) -> list[Any]:
    return [
        pytest.param(name, options, raw, expected, id=f"{name} {number}")
        for name, rows in table.items()
        for number, (options, raw, expected) in enumerate(rows)
    ]


def test_every_type_has_examples() -> None:
    assert set(TAKEN) == set(field_types())


@pytest.mark.parametrize(("name", "options", "raw", "value"), cases(TAKEN))
def test_a_form_that_people_type_is_taken(name: str, options: Mapping[str, Any], raw: Any, value: Any) -> None:
    field_type = field_types()[name]

    assert field_type.parse(raw, options) == value
    assert field_type.parser(options)(raw) == value


REFUSED: dict[str, list[tuple[Mapping[str, Any], Any, Any]]] = {
    "text": [
        ({}, "two\nlines", "Must be one line"),
        ({}, "a\x00b", "Holds the character U+0000, which cannot be kept"),
        ({}, "a\ud800", "Holds the character U+D800, which cannot be kept"),
        ({}, "gpj.\u202etxt.exe", "Holds the character U+202E, which cannot be kept"),
        ({}, "a\x07", "Holds the character U+0007, which cannot be kept"),
        ({}, "tab\there", "Holds the character U+0009, which cannot be kept"),
        ({"max_length": 3}, "四个字了", "Too long: 4 characters, at most 3"),
        ({"min_length": 3}, "ab", "Too short: 2 characters, at least 3"),
        ({"pattern": "[0-9]+"}, "12a", "Does not have the required form"),
        ({}, True, "Not a text"),
        ({}, ["a"], "Not a text"),
        ({}, float("nan"), "Not a text"),
        ({}, b"a", "Not a text"),
    ],
    "longtext": [
        ({}, "a\x0bb", "Holds the character U+000B, which cannot be kept"),
        ({"max_length": 5}, "123456", "Too long: 6 characters, at most 5"),
    ],
    "richtext": [({"max_length": 5}, "123456", "Too long: 6 characters, at most 5"), ({}, {}, "Not a text")],
    "number": [
        *[
            ({}, wrong, f"“{wrong}” is not a number, such as 1,234.50")
            for wrong in ["abc", "NaN", "inf", "-Infinity", "1,23", "1,2345", "12,34.5", "1.2.3", "--5", "5-", "(5",
             "(-5)", ".", "-", "0x10", "1_000", "五", "1e", "5 apples", "万"]
        ],
        ({}, float("nan"), "“nan” is not a number, such as 1,234.50"),
        ({}, float("inf"), "“inf” is not a number, such as 1,234.50"),
        ({}, Decimal("NaN"), "“Decimal('NaN')” is not a number, such as 1,234.50"),
        ({}, True, "“True” is not a number, such as 1,234.50"),
        ({}, "1.005", "At most 2 decimals"),
        ({}, 1.005, "At most 2 decimals"),
        ({}, "1e-9", "At most 2 decimals"),
        ({}, Decimal("1e-999999"), "At most 2 decimals"),
        ({}, "10000000000000000", "Too large: at most 16 digits before the point"),
        ({}, "1e300", "Too large: at most 16 digits before the point"),
        ({}, 10**5000, "Too large: at most 16 digits before the point"),
        ({}, Decimal("1e999999"), "Too large: at most 16 digits before the point"),
        ({"decimals": 0}, "1.5", "Must be a whole number"),
        ({"min": 0}, "-0.01", "Must be at least 0"),
        ({"max": 100.5}, "100.51", "Must be at most 100.5"),
    ],
    "integer": [
        ({}, "5.5", "Must be a whole number"),
        ({}, 5.5, "Must be a whole number"),
        ({}, "1000000000000000000", "Too large: at most 18 digits before the point"),
        ({"min": 1}, "0", "Must be at least 1"),
        ({"max": 9}, 10, "Must be at most 9"),
    ],
    "percent": [({}, "%", "“%” is not a number, such as 1,234.50"), ({}, "15%%",
     "“15%” is not a number, such as 1,234.50")],
    "money": [
        ({}, "$5", "The amount is in CNY, not in $"),
        ({}, "5 USD", "The amount is in CNY, not in USD"),
        ({"currency": "JPY"}, "1.5", "Must be a whole number"),
        ({}, "1.005", "At most 2 decimals"),
        ({}, "¥", "“¥” is not a number, such as 1,234.50"),
        ({}, "¥5¥", "“5¥” is not a number, such as 1,234.50"),
    ],
    "boolean": [({}, wrong, f"“{wrong}” is neither yes nor no") for wrong in ["maybe", "2", 2, -1, 0.5, "yesno"]],
    "date": [
        *[
            ({}, wrong, f"“{wrong}” is not a date, such as 2026-11-22")
            for wrong in ["3/4/2026", "22/11/2026", "2026-02-30", "2026-13-01", "2026-11", "26-11-22", "tomorrow",
             "2026年13月1日", "20261322", "0000-01-01", "2026-1/5", "45982", 45982]
        ],
        ({}, "2026-01-05 09:30", "“2026-01-05 09:30” has a time; a date is wanted"),
        ({}, datetime(2026, 1, 5, 9), "“2026-01-05 09:00:00” has a time; a date is wanted"),
    ],
    "datetime": [
        ({}, wrong, f"“{wrong}” is not a date and time, such as 2026-11-22 09:30")
        for wrong in ["2026-01-05 25:00", "2026-01-05 9", "2026-01-05 13:00 am", "2026-11-223pm",
         "2026-01-05 09:30 Mars", "2026-01-05T09:30+25:00", 1767600000, "now"]
    ],
    "time": [
        *[
            ({}, wrong, f"“{wrong}” is not a time of day, such as 09:30")
            for wrong in ["24:00", "9", "9:5", "13:00 am", "0:30 pm", "晚上12点", "凌晨13点", "9:05 tomorrow", 9]
        ],
        ({}, "9:05:07.5", "A time goes to the second"),
        ({}, time(9, tzinfo=UTC), "“datetime.time(9, 0, tzinfo=datetime.time…” is not a time of day, such as 09:30"),
    ],
    "duration": [
        *[
            ({}, wrong, f"“{wrong}” is not a duration, such as 1h 30m")
            for wrong in ["P1M", "P1Y", "P", "PT", "1:60", "1h 30", "30m 1h", "1x", "a while", True, "1h1h"]
        ],
        ({}, "-5", "A duration is not negative, and shorter than 1000000000000 seconds"),
        ({}, 10**12, "A duration is not negative, and shorter than 1000000000000 seconds"),
        ({}, "0.5", "A duration is in whole seconds"),
    ],
    "select": [
        (STAGES, "newish", "“newish” is none of the options: new, big_deal, won, lost"),
        ({"options": {"a": {"label": "X"}, "b": {"label": "x"}}}, "x", "“x” may be any of: a, b"),
        (STAGES, ["new"], "Not a text"),
    ],
    "multiselect": [
        (STAGES, "new, nope", "“nope” is none of the options: new, big_deal, won, lost"),
        (STAGES, 5, "Not a list"),
        (STAGES, [["new"]], "Not a text"),
    ],
    "tags": [
        ({}, ["a,b"], "A tag has no commas and no semicolons"),
        ({}, "x" * 51, "Too long: 51 characters, at most 50"),
        ({"max_count": 2}, "a,b,c", "Too many: 3, at most 2"),
        ({}, {"a": 1}, "Not a list"),
    ],
    "lookup": [
        ({}, "Acme", "“Acme” is not the id of a record"),
        ({}, 5, "“5” is not the id of a record"),
        ({}, {"name": "x"}, "A link is an id, or has one of: external_id, title"),
        ({}, {"title": "x", "external_id": "y"}, "A link is an id, or has one of: external_id, title"),
        ({}, {}, "A link is an id, or has one of: external_id, title"),
        ({}, {"id": "x"}, "“x” is not the id of a record"),
    ],
    "lookups": [({}, "x", "“x” is not the id of a record"), ({}, 5, "Not a list"), ({}, [ID] * 3 + ["x"],
     "“x” is not the id of a record")],
    "any_lookup": [
        ({"to": ["account"]}, f"lead/{ID}", "Leads to one of account, not to “lead”"),
        ({"to": ["account"]}, ID, f"“{ID}” is not an entity and an id, such as account/0198…"),
        ({"to": ["account"]}, "account/", "“account/” is not an entity and an id, such as account/0198…"),
        ({"to": ["account"]}, {"entity": ["x"], "id": ID}, "Leads to one of account, not to “['x']”"),
    ],
    "table": [
        ({}, "x", "Not a list of rows"),
        ({}, [1], "Not a list of rows"),
        ({}, {"a": 1}, "Not a list of rows"),
        ({}, [{1: 2}], "Not a list of rows"),
        ({"max_rows": 1}, [{}, {}], "Too many: 2, at most 1"),
    ],
    "user": [({}, "ann", "“ann” is not the id of a record")],
    "email": [
        ({}, wrong, f"“{wrong}” is not an e-mail address, such as ann@example.com")
        for wrong in ["ann", "ann@", "@example.com", "ann@example", "a b@example.com", "ann@example..com",
         "ann@-example.com", "Ann <ann@example.com>", "a@b.c",
                      "ann@exam_ple.com", "a@example.com,b@example.com", ".a@example.com", "张三@", "ann@1.2"]
    ],
    "phone": [
        ({}, wrong, f"“{wrong}” is not a telephone number, such as 138 0013 8000")
        for wrong in ["abc", "12", "call me", "138001380001380013800", "=1+2", "13800138000 (Ann)",
         "1" * 20 + "-" * 10 + "1" * 4]
    ],
    "url": [
        *[({}, wrong, "Only addresses with http or https are kept") for wrong in ["javascript:alert(1)",
         "ftp://example.com", "file:///etc/passwd", "mailto:a@b.c", "data:text/html,x"]],
        *[
            ({}, wrong, f"“{wrong}” is not a web address, such as https://example.com")
            for wrong in ["word", "https://", "http://a b.com", "https://bank.example@evil.example/", "https://[::1",
             "https://example.com:99999", "https://exa<mple.com", "..", "https:///x"]
        ],
        ({}, "https://example.com/" + "x" * 2048, "Too long: 2068 characters, at most 2048"),
    ],
    "address": [
        ({}, {"town": "x"}, "“town” is no part of an address: country, province, city, district, street, postcode"),
        ({}, ["x"], "An address has the parts: country, province, city, district, street, postcode"),
        ({}, "{bad json", "An address has the parts: country, province, city, district, street, postcode"),
        ({}, {"city": "a\nb"}, "Must be one line"),
    ],
    "geo": [
        *[({}, wrong, "A place is a latitude and a longitude, such as 30.25, 120.17") for wrong in ["30.25", [30,
         120], {"lat": 1}, "1,2,3", "{"]],
        ({}, "91, 0", "“91” is not between -90 and 90"),
        ({}, "0, -180.5", "“-180.5” is not between -180 and 180"),
        ({}, {"lat": float("nan"), "lng": 0}, "“nan” is not a number, such as 1,234.50"),
    ],
    "file": [({}, "me.png", "“me.png” is not the id of a record"),
     ({}, {"name": "x"}, "A file is the id of an upload")],
    "files": [({"max_count": 1}, [ID, OTHER], "Too many: 2, at most 1"), ({}, 1, "Not a list")],
    "color": [({}, wrong, f"“{wrong}” is not a colour, such as #1a73e8") for wrong in ["red", "#12345", "##123456",
     "#ggg"]],
    "rating": [({}, "0", "Must be at least 1"), ({}, "6", "Must be at most 5"), ({}, "3/10",
     "“3/10” is not a number, such as 1,234.50")],
    "barcode": [
        ({"symbology": "ean13"}, "6901234567893",
         "“6901234567893” is no EAN13 code: it has 13 digits, the last one checks the others"),
        ({"symbology": "ean8"}, "123", "“123” is no EAN8 code: it has 8 digits, the last one checks the others"),
        ({"symbology": "code128"}, "中", "Code 128 has no letters but those of ASCII"),
    ],
    "secret": [({"max_length": 3}, "1234", "Too long: 4 characters, at most 3")],
    "json": [
        ({}, "{", "Not JSON, at 1:2"),
        ({}, "5", "Must be a JSON object or list"),
        ({}, 5, "Must be a JSON object or list"),
        ({}, '{"a": NaN}', "JSON knows no NaN"),
        ({}, '{"a": 1, "a": 2}', "This JSON gives a key twice"),
        ({}, {"a": float("inf")}, "This JSON holds a value that cannot be kept"),
        ({}, {"a": 2**63}, "This JSON holds a value that cannot be kept"),
        ({}, {"a": object}, "This JSON holds a value that cannot be kept"),
        ({}, {1: 2}, "This JSON has a key that cannot be kept"),
        ({}, '{"a": "\\u0000"}', "This JSON holds a character that cannot be kept"),
        ({}, '{"\\ud800": 1}', "This JSON has a key that cannot be kept"),
        ({}, "[" * 40 + "]" * 40, "This JSON is nested more than 32 deep"),
        ({}, "[" * 50_000, "Not JSON, at 1:1"),
        ({}, ["x" * 100_001], "Too long: at most 100000 characters of JSON"),
        ({}, '["' + "x" * 100_001, "Too long: at most 100000 characters of JSON"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(("name", "options", "raw", "message"), cases(REFUSED))
def test_what_is_not_meant_for_sure_is_refused_with_the_reason(
    name: str, options: Mapping[str, Any], raw: Any, message: str
) -> None:
    field_type = field_types()[name]

    with pytest.raises(BadValue) as refused:
        field_type.parser({"options": {}, **options})(raw)

    assert str(refused.value) == message
    with pytest.raises(BadValue, match="^" + re.escape(message)):
        field_type.parse(raw, {"options": {}, **options})


def test_a_time_without_a_zone_is_local_for_a_person_and_utc_for_a_program() -> None:
    field_type = field_types()["datetime"]

    typed = field_type.read("2026-11-22 09:30", {}, SHANGHAI)
    sent = field_type.parse("2026-11-22 09:30", {})

    assert typed == datetime(2026, 11, 22, 1, 30, tzinfo=UTC)
    assert sent == datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
    assert field_type.read("2026-11-22 09:30Z", {}, SHANGHAI) == sent, "a zone that is typed wins"


def test_a_wrong_value_is_quoted_short_and_harmless() -> None:
    field_type = field_types()["date"]

    with pytest.raises(BadValue) as refused:
        field_type.parse("\x1b[31m" + "x" * 1000, {})

    assert str(refused.value) == f"“\N{REPLACEMENT CHARACTER}[31m{'x' * 35}…” is not a date, such as 2026-11-22"


def test_a_secret_is_never_quoted() -> None:
    field_type = field_types()["secret"]

    for wrong in ("pass\nword", "p" * 5000, "pa\x00ss", ["pass"]):
        with pytest.raises(BadValue) as refused:
            field_type.parse(wrong, {})
        assert "p" * 3 not in str(refused.value)
        assert "pass" not in str(refused.value)
