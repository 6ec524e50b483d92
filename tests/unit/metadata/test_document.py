"""Documents: what YAML and JSON mean, where everything stands, and that writing them back changes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import Place
from engine.metadata import dump, read_body, read_bytes, read_folder, read_text
from engine.metadata.document import Document, read_plain
from tests.metadata.clinic import CLINIC


def value(text: str) -> Any:
    documents, problems = read_text(f"entity: a\nx: {text}\n", "f.yaml", "site")
    assert problems == []
    return documents[0].body["x"]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("", None),
        ("12", 12),
        ("-3", -3),
        ("0", 0),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("'true'", "true"),
        ('"12"', "12"),
        *[(word, word) for word in ("on", "off", "yes", "no", "y", "n", "On", "NO")],
        *[(word, word) for word in ("12:30", "2026-01-31", "2026-01-31T10:00:00Z", "0x10", "0o7", "1_000", ".inf")],
        # Written out again, these would not be what they were.
        *[(word, word) for word in ("0012", "+86", "-0", "1.", ".5", "12345678901234567890", "0.12345678901234567891")],
    ],
)
def test_only_true_false_null_and_exact_numbers_are_not_text(text: str, meant: Any) -> None:
    found = value(text)

    assert found == meant
    assert type(found) is type(meant)


def test_several_documents_stand_in_one_file() -> None:
    documents, problems = read_text("# first\nentity: a\n---\n\n---\nview: a.b\nentity: a\n", "f.yaml", "site")

    assert [(each.kind, each.name, each.layer, each.file) for each in documents] == [
        ("entity", "a", "site", "f.yaml"),
        ("view", "a.b", "site", "f.yaml"),
    ]
    assert problems == []


def test_json_is_read_with_its_escapes() -> None:
    text = json.dumps({"entity": "a", "label": {"en": "a\t/b", "zh": "\U0001f600中"}}, ensure_ascii=True, indent="\t")

    documents, problems = read_text(text.replace("/", "\\/"), "f.json", "site")

    assert problems == []
    assert documents[0].body == {"entity": "a", "label": {"en": "a\t/b", "zh": "\U0001f600中"}}


def test_everything_has_its_place() -> None:
    text = (
        "entity: a\n---\nentity: visit\nfields:\n  fee: {type: money, min: 0}\n  note:\n    type: text\nlist: [a, b]\n"
    )
    document = read_text(text, "f.yaml", "site")[0][1]

    assert document.place() == Place("f.yaml", 3, 1)
    assert document.place(("fields", "fee")) == Place("f.yaml", 5, 8)
    assert document.place(("fields", "fee"), key=True) == Place("f.yaml", 5, 3)
    assert document.place(("fields", "fee", "min")) == Place("f.yaml", 5, 27)
    assert document.place(("fields", "note", "type")) == Place("f.yaml", 7, 11)
    assert document.place(("list", 1)) == Place("f.yaml", 8, 11)


def test_what_is_not_there_has_the_place_of_what_is_around_it() -> None:
    document = read_text("entity: a\nfields:\n  fee: {type: money}\n", "f.yaml", "site")[0][0]

    assert document.place(("fields", "fee", "min")) == Place("f.yaml", 3, 8)
    assert document.place(("fields", "nothing", "min")) == Place("f.yaml", 3, 3)


@pytest.mark.parametrize(
    ("text", "line", "column", "expected"),
    [
        ("expr: a + b\n", 1, 5, (2, 11)),
        ("expr: 'a + b'\n", 1, 5, (2, 12)),
        ('expr: "a + b"\n', 1, 5, (2, 12)),
        ("expr: |\n  a +\n    b\n", 2, 3, (4, 5)),
        ("expr: >\n\n    a + b\n", 1, 5, (3, 9)),
    ],
)
def test_a_mistake_inside_a_text_has_its_own_place(
    text: str, line: int, column: int, expected: tuple[int, int]
) -> None:
    document = read_text("entity: a\n" + text, "f.yaml", "site")[0][0]

    place = document.positions.inside(("expr",), line, column)

    assert (place.line, place.column) == expected


def test_a_document_of_the_database_says_its_path() -> None:
    document, problems = read_body({"entity": "lead", "fields": {"fee": {"type": "money"}}}, "site")

    assert isinstance(document, Document)
    assert problems == []
    assert document.place(("fields", "fee", "type")) == Place("site:entity/lead#/fields/fee/type")


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        None,
        "entity",
        {"entity": 1},
        {"entity": ""},
        {"entity": {"a": 1}},
        {"label": "x"},
        {"entity": "a", "x": float("nan")},
        {"entity": "a", "x": 10**30},
        {"entity": "a", "x": {1: 2}},
        {"entity": "a", "x": "\ud800"},
        {"entity": "a", "x": object()},
        {"entity": "a", "x": eval("[" * 60 + "]" * 60)},
    ],
)
def test_a_body_that_is_no_document_is_a_problem(body: Any) -> None:
    document, problems = read_body(body, "site")

    assert document is None
    assert len(problems) == 1
    assert str(problems[0])


def test_the_clinic_is_written_back_as_people_would_write_it() -> None:
    documents, _ = read_text(CLINIC, "f.yaml", "site")

    text = "---\n".join(dump(document.body) for document in documents)

    assert text.startswith(
        "entity: visit\n"
        "label: {en: Visit, zh: 就诊}\n"
        "title: subject\n"
        "features: [owned, history, search, comments, attachments, activities]\n"
        "fields:\n"
        "  subject:\n"
        "    type: text\n"
        "    label: {en: Subject, zh: 主题}\n"
    )
    assert "  fee: {type: money, currency: CNY, min: 0}\n" in text
    assert [each.body for each in read_text(text, "f.yaml", "site")[0]] == [each.body for each in documents]


texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40),
    st.sampled_from(
        ["yes", "on", "1e5", "0012", "12:30", "~", "null", "=", "<<", "- a", "a: b", "#x", "{", " x ", "x\ny\n"]
    ),
    st.from_regex(r"-?[0-9][0-9_.eE+:-]{0,12}", fullmatch=True),
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.floats(-1e15, 1e15).filter(lambda number: number != int(number) or abs(number) > 1)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(texts.filter(lambda key: key != "entity"), values, max_size=6))
def test_writing_and_reading_changes_nothing(body: dict[str, Any]) -> None:
    body = {"entity": "a", **body}
    text = dump(body)

    documents, problems = read_text(text, "f.yaml", "site")

    assert problems == []
    assert documents[0].body == body
    assert list(documents[0].body) == list(body)
    assert dump(documents[0].body) == text


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "ignore")))
def test_no_bytes_make_anything_but_problems(data: bytes) -> None:
    documents, problems = read_bytes(data, "f.yaml", "site")

    assert all(isinstance(each, Document) for each in documents)
    assert all(str(each) and each.in_("zh") for each in problems)


@given(st.text(st.sampled_from("entity: ab\n-[]{},&*!|>'\"%@`#?~<1.\t "), max_size=80))
def test_no_signs_of_yaml_make_anything_but_problems(text: str) -> None:
    documents, problems = read_text("entity: x\n" + text, "f.yaml", "site")

    assert len(documents) <= 1 or not problems
    assert all(str(each) for each in problems)


def test_a_folder_is_read_in_the_order_of_its_names(tmp_path: Path) -> None:
    for name, text in {
        "b.yaml": "entity: b",
        "a/z.yml": "entity: z",
        "a/c.json": '{"entity": "c"}',
        "notes.txt": "no document",
        ".hidden/x.yaml": "entity: hidden",
        "broken.yaml": "entity: [",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)

    documents, problems = read_folder(tmp_path, "site", base=tmp_path)

    assert [(each.name, each.file) for each in documents] == [("c", "a/c.json"), ("z", "a/z.yml"), ("b", "b.yaml")]
    assert [each.place.file for each in problems if each.place] == ["broken.yaml"]


def test_a_file_that_cannot_be_opened_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere")

    documents, problems = read_folder(tmp_path, "site")

    assert documents == []
    assert "the file cannot be read" in str(problems[0])


def test_a_file_that_has_not_changed_is_not_parsed_again(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("entity: a")

    first, second = read_folder(tmp_path, "site")[0], read_folder(tmp_path, "site")[0]
    (tmp_path / "a.yaml").write_text("entity: b")

    assert first[0] is second[0]
    assert [each.name for each in read_folder(tmp_path, "site")[0]] == ["b"]


def test_settings_are_read_as_strictly_as_documents() -> None:
    found, positions, problems = read_plain(b"base_url: x\npacks: [crm]\n", "guanxi.yaml")

    assert found == {"base_url": "x", "packs": ["crm"]}
    assert positions.place(("packs", 0)) == Place("guanxi.yaml", 2, 9)
    assert problems == []
    assert [str(each) for each in read_plain(b"a: 1\na: 2\n", "guanxi.yaml")[2]] == [
        "guanxi.yaml:2:1: 'a' is given twice (first on line 1)"
    ]
