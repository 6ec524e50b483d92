"""What a file's columns probably are."""

from pathlib import Path

import pytest

from engine.data.transfer.looking import look
from engine.data.transfer.mapping import ColumnMap, ColumnRule
from engine.data.transfer.matching import Matcher
from engine.data.transfer.proposing import propose
from engine.fields import Locale
from engine.metadata import build_model, read_text
from engine.metadata.layers import Layer
from engine.metadata.model import Model
from engine.metadata.shipped import shipped_layers

DOCUMENTS = """\
entity: firm
title: name
features: [owned]
fields:
  name: {type: text, label: {en: Name, zh: 客户名称}, required: true}
  phone: {type: phone, label: {en: Phone, zh: 电话}}
  mail: {type: email, label: {en: Email, zh: 邮箱}}
  site: {type: url, label: {en: Website, zh: 网址}}
  grade: {type: select, label: {en: Grade, zh: 级别}, options: {gold: {label: {zh: 金牌}}, tin: {label: {zh: 锡}}}}
  since: {type: date, label: {en: Customer since, zh: 合作日期}}
  sales: {type: money, label: {en: Sales, zh: 销售额}, currency: CNY}
  staff: {type: integer, label: {en: Staff, zh: 员工人数}}
  remark: {type: text, label: {en: Remark, zh: 备注}}
"""


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    documents, problems = read_text(DOCUMENTS, "x.yaml", "site")
    assert problems == []
    model: Model = build_model([*shipped_layers([]), Layer("site", "site", tuple(documents), "s_")], 1)
    locale = Locale("en", "UTC", "CNY")
    return Matcher(model, model.entity("firm"), locale, updates=False, emails=lambda _email: None)


def proposed(matcher: Matcher, tmp_path: Path, text: str, said: ColumnMap | None = None) -> dict[str, object]:
    file = tmp_path / "rows.csv"
    file.write_text(text, encoding="utf-8")
    found = propose(matcher, look(file, ColumnMap()), said)
    return {each.header: each.rule.body() if each.rule is not None else None for each in found}


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("Name", "name"), ("客户名称", "name"), ("公司名称", "name"), ("Company", "name"), ("Telephone", "phone"),
        ("联系电话", "phone"), ("E-Mail", "mail"), ("电子邮箱", "mail"), ("Web site", "site"), ("官网", "site"),
        ("customer_since", "since"), ("Custmer since", "since"), ("备注信息", "remark"), ("Comments", "remark"),
        ("负责人", "owner"), ("Weather", None), ("天气", None), ("a", None),
    ],
)  # fmt: skip
def test_a_header_is_understood_in_either_language(
    matcher: Matcher, tmp_path: Path, header: str, field: str | None
) -> None:
    assert proposed(matcher, tmp_path, f"{header}\n?\n") == {header: field}


def test_cells_say_what_a_column_is_and_how_it_is_written(matcher: Matcher, tmp_path: Path) -> None:
    text = (
        "a,b,c,d,Customer since,Sales\n"
        'a@x.example,+49 30 123456,www.x.example,Gold,31/12/2020,"1.234,50"\n'
        'b@x.example,030/1234567,https://y.example,锡,01/02/2021,"99,90"\n'
    )

    assert proposed(matcher, tmp_path, text) == {
        "a": "mail",
        "b": "phone",
        "c": "site",
        "d": "grade",
        "Customer since": {"field": "since", "date": "dmy"},
        "Sales": {"field": "sales", "number": "comma"},
    }


def test_no_field_is_proposed_twice_and_the_better_reason_wins(matcher: Matcher, tmp_path: Path) -> None:
    text = "other mail,Email,more\na@x.example,b@x.example,c@x.example\n"

    found = proposed(matcher, tmp_path, text)

    assert found["Email"] == "mail"
    assert (found["other mail"], found["more"]) == (None, None)


def test_words_close_to_an_option_get_its_meaning(matcher: Matcher, tmp_path: Path) -> None:
    found = proposed(matcher, tmp_path, "Grade\ngolden\n金牌客户\nplatinum\n")

    assert found["Grade"] == {"field": "grade", "values": {"golden": "gold", "金牌客户": "gold"}}


def test_what_was_said_stays(matcher: Matcher, tmp_path: Path) -> None:
    said = ColumnMap({"Email": None, "x": ColumnRule("name", do=("upper",))})

    found = proposed(matcher, tmp_path, "Email,x,Name\na@x.example,y,z\n", said)

    assert found == {"Email": None, "x": {"field": "name", "do": ["upper"]}, "Name": None}
