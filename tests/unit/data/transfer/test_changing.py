"""What happens to cells on their way into a field."""

from typing import Any

import pytest

from engine.data.transfer.changing import change_of
from engine.data.transfer.mapping import ColumnMap, ColumnRule, map_of, map_text, parse_map
from engine.errors import BadValue, DocumentsInvalid


def rule(**said: Any) -> ColumnRule:
    return ColumnRule("name", **said)


@pytest.mark.parametrize(
    ("said", "cell", "becomes"),
    [
        ({"do": ("trim",)}, "  a   b ", "a b"),
        ({"do": ("trim", "upper")}, " a ", "A"),
        ({"do": ("digits",)}, "(\uff10\uff11\uff10) 12-3", "010123"),
        ({"part": ("/", 2)}, "a / b / c", "b"),
        ({"part": (" ", -1)}, "Anna  Maria Berg", "Berg"),
        ({"part": ("/", 4)}, "a/b", ""),
        ({"values": {"ja": "true", "nein": None}}, " JA ", "true"),
        ({"values": {"ja": "true", "nein": None}}, "nein", None),
        ({"values": {"ja": "true"}}, "vielleicht", "vielleicht"),
        ({"date": "dmy"}, "31.12.2020", "2020-12-31"),
        ({"date": "dmy"}, "1/2/99", "1999-02-01"),
        ({"date": "dmy"}, "1 März 2020", BadValue),
        ({"date": "dmy"}, "3-Mar-2020 10:30", "2020-03-03 10:30"),
        ({"date": "mdy"}, "12/31/20", "2020-12-31"),
        ({"date": "mdy"}, "31/12/20", BadValue),
        ({"date": "ymd"}, "2020年3月5日", "2020-03-05"),
        ({"date": "dmy"}, "2020-03-05", "2020-03-05"),
        ({"date": "serial"}, "43895", "2020-03-05"),
        ({"date": "serial"}, "soon", BadValue),
        ({"number": "comma"}, "1.234.567,89", "1234567.89"),
        ({"number": "comma"}, "1 234,5", "1234.5"),
        ({"number": "point"}, "1'234.50", "1234.50"),
        ({"number": "comma", "times": "10000"}, "1,5", "15000"),
        ({"times": "0.01"}, "250", "2.5"),
        ({"times": "2"}, "x", BadValue),
        ({"prefix": "+49", "suffix": "!"}, "30", "+4930!"),
        ({"prefix": "+49"}, "", ""),
        ({"do": ("upper",)}, 5, "5"),
        ({"do": ("upper",)}, ["a"], ["a"]),
    ],
)
def test_a_cell_is_changed_as_its_rule_says(said: dict[str, Any], cell: Any, becomes: Any) -> None:
    change = change_of(rule(**said))

    assert change is not None
    if becomes is BadValue:
        with pytest.raises(BadValue):
            change(cell)
    else:
        assert change(cell) == becomes


def test_a_rule_that_changes_nothing_costs_nothing() -> None:
    assert change_of(rule(default="x", missing="create", join=" ", separator=";")) is None


def test_a_mapping_is_the_same_after_it_was_written_and_read() -> None:
    said = ColumnMap(
        {
            "a": "name",
            "no": None,
            "b": rule(do=("trim",), values={"x": None, "1": "a"}, date="dmy", join="", default="d"),
            "c": (rule(part=("/", 1)), ColumnRule("firm.name", missing="create")),
        },
        {"owner": "bo@example.com"},
        on="external_id",
        mode="create",
        empty="keep",
        sheet="Blatt 1",
        header_row=3,
    )

    assert map_of(said.body()) == said
    assert parse_map(map_text(said).encode(), "map.yaml") == said


def test_all_that_is_wrong_in_a_mapping_is_told_at_once_with_lines() -> None:
    text = "columns:\n  a: {field: name, do: [shout]}\n  b: 5\n  c: {date: dmy}\nmode: sometimes\n"

    with pytest.raises(DocumentsInvalid) as refused:
        parse_map(text.encode(), "map.yaml")

    assert [problem.place.line for problem in refused.value.problems if problem.place] == [2, 3, 4, 5]
