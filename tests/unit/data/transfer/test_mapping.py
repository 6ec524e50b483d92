"""Headers are matched with fields, and cells become what a field takes."""

from pathlib import Path
from typing import Any

import pytest

from engine.data.transfer.columns import Columns
from engine.data.transfer.mapping import ColumnMap, guarded, read_map
from engine.data.transfer.matching import Matcher
from engine.data.transfer.sheet import ABSENT, SheetUnreadable
from engine.errors import DocumentsInvalid, GuanxiError
from engine.fields import Locale
from engine.metadata import build_model, read_text
from engine.metadata.layers import Layer
from engine.metadata.model import Model
from engine.metadata.shipped import shipped_layers

DOCUMENTS = """\
entity: city
title: name
fields:
  name: {type: text, label: {en: Name, zh: 城市}}
---
entity: person
title: name
fields:
  name: {type: text, label: {en: Name, zh: 姓名}, required: true}
  born: {type: date, label: {en: Born on, zh: 出生日期}}
  seen: {type: datetime, label: Last seen}
  city: {type: lookup, label: {en: Town, zh: 城市}, to: city}
  friends: {type: lookups, to: person}
  level: {type: select, default: a, options: {a: {}, b: {}}}
  note: {type: text}
  note_2: {type: text, label: Note}
  age: {type: formula, result: integer, expr: "2026 - year(born)"}
  pin: {type: secret}
"""


@pytest.fixture(scope="module")
def model() -> Model:
    documents, problems = read_text(DOCUMENTS, "x.yaml", "site")
    assert problems == []
    return build_model([*shipped_layers([]), Layer("site", "site", tuple(documents), "s_")], 1)


def match(model: Model, headers: list[str], *, updates: bool = False, **said: Any) -> Columns:
    locale = Locale("en", "Asia/Shanghai", "CNY")
    matcher = Matcher(model, model.entity("person"), locale, updates=updates, emails=lambda _email: None)
    return matcher.match(headers, ColumnMap(**said))


def keys(columns: Columns) -> list[str]:
    return [column.key for column in columns.columns]


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("name", "name"),
        ("NAME", "name"),
        ("姓名", "name"),
        ("Born on", "born"),
        ("BORN-ON", "born"),
        ("出生日期", "born"),
        ("\uff42\uff4f\uff52\uff4e", "born"),
        ("pin", "pin"),
        ("city", "city"),
        ("城市", "city"),
        ("city.external_id", "city"),
        ("city.name", "city"),
        ("external_id", "external_id"),
        ("External ID", "external_id"),
        ("id", "id"),
    ],
)
def test_a_header_is_a_key_or_a_label_in_any_language(model: Model, header: str, key: str) -> None:
    assert keys(match(model, [header])) == [key]


@pytest.mark.parametrize("header", ["age", "created_at", "version", "nonsense"])
def test_what_cannot_be_written_is_left_out(model: Model, header: str) -> None:
    assert match(model, ["name", header]).left_out == (header,)


def test_a_key_wins_over_a_label_of_another_field(model: Model) -> None:
    assert keys(match(model, ["note"])) == ["note"]


def test_a_mapping_wins_and_leaves_out(model: Model) -> None:
    columns = match(
        model, ["name", "born", "x"], columns={"name": "note", "born": None, "x": "name"}, values={"level": "b"}
    )

    assert keys(columns) == ["note", "name"]
    assert columns.left_out == ()
    assert columns.read(["n", "2020-01-01", "Anna"])[0] == {"level": "b", "note": "n", "name": "Anna"}


@pytest.mark.parametrize(
    ("headers", "said", "words"),
    [
        (["x"], {}, "No column of the file is a field of person"),
        (["name", "姓名"], {}, "The columns 'name' and '姓名' both lead to name"),
        (["name"], {"values": {"name": "x"}}, "both lead to name"),
        (["name"], {"columns": {"nmae": "name"}}, "a column 'nmae' that the file does not have"),
        (["name"], {"columns": {"name": "age"}}, "'age', which is no field of person that can be written"),
        (["name"], {"columns": {"name": "born.title"}}, "born links to nothing"),
        (["name"], {"columns": {"name": "city.colour"}}, "found by external_id or by name"),
        (["name"], {"values": {"nonsense": 1}}, "'nonsense', which is no field"),
    ],
)
def test_what_does_not_fit_is_refused(model: Model, headers: list[str], said: dict[str, Any], words: str) -> None:
    with pytest.raises(GuanxiError) as refused:
        match(model, headers, **said)

    assert words in str(refused.value)


def test_of_an_export_the_id_of_a_link_counts_and_its_title_is_for_people(model: Model) -> None:
    columns = match(model, ["city", "city.name"])

    assert (keys(columns), columns.left_out) == (["city"], ("city.name",))


@pytest.mark.parametrize(
    ("header", "cell", "value"),
    [
        ("city", "01a202ca-b723-702e-8d97-10e6d8e6619b", "01a202ca-b723-702e-8d97-10e6d8e6619b"),
        ("city", "上海", {"title": "上海"}),
        ("city.external_id", "C1", {"external_id": "C1"}),
        ("city", {"external_id": "C1"}, {"external_id": "C1"}),
        ("friends", "Anna; Ben，Cai", [{"title": "Anna"}, {"title": "Ben"}, {"title": "Cai"}]),
        ("friends.external_id", ["a", "b"], [{"external_id": "a"}, {"external_id": "b"}]),
        ("note", "'=1+1", "=1+1"),
        ("note", "'tis", "'tis"),
    ],
)
def test_cells_of_links_and_guarded_text(model: Model, header: str, cell: Any, value: Any) -> None:
    [column] = match(model, [header]).columns

    assert column.convert(cell) == value


def test_a_time_without_a_zone_is_local(model: Model) -> None:
    values, problems = match(model, ["seen"]).read(["2026-03-01 09:30"])

    assert problems == []
    assert values["seen"].isoformat() == "2026-03-01T01:30:00+00:00"


def test_an_empty_cell_says_nothing_of_a_new_record_and_takes_away_from_one_that_is_there(model: Model) -> None:
    headers = ["name", "born", "level", "note"]

    assert match(model, headers).read(["", None, "", ABSENT])[0] == {}
    assert match(model, headers, updates=True).read(["", None, "", ABSENT])[0] == {"born": None}


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "'=1", "''=1", "plain", "'plain", ""])
def test_guarded_text_comes_back(model: Model, text: str) -> None:
    [column] = match(model, ["note"]).columns

    assert column.convert(guarded(text)) == text
    assert not guarded(text).startswith(("=", "+", "-", "@"))


def test_a_mapping_is_read_in_its_short_and_its_long_form(tmp_path: Path) -> None:
    short, long = tmp_path / "short.yaml", tmp_path / "long.yaml"
    short.write_text('Ticker: external_id\n"2024": null\n', encoding="utf-8")
    long.write_text("columns: {Ticker: external_id}\nvalues: {level: b}\n", encoding="utf-8")

    assert read_map(short) == ColumnMap({"Ticker": "external_id", "2024": None}, {})
    assert read_map(long) == ColumnMap({"Ticker": "external_id"}, {"level": "b"})


def test_a_mapping_that_is_none_is_told_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "map.yaml"
    file.write_text("a: external_id\nb: [x]\n", encoding="utf-8")

    with pytest.raises(DocumentsInvalid) as refused:
        read_map(file)

    assert str(refused.value) == f"{file}:2:4: a column leads to one field, or to nothing"
    with pytest.raises(SheetUnreadable):
        read_map(tmp_path / "none.yaml")
