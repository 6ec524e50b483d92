"""What documents may say about a field of each type, and what the types promise to the layers above."""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from engine.errors import BadValue
from engine.fields import FieldType, Reference, StorageType, field_types, register

CONTRACT = """
text, longtext, richtext, number, integer, percent, money, boolean, date, datetime, time, duration, select,
multiselect, tags, lookup, lookups, any_lookup, table, user, email, phone, url, address, geo, file, files, image,
signature, color, rating, autonumber, barcode, secret, json, formula, rollup, reference"""
ROOT = Path(__file__).parents[3]
TYPES = sorted(field_types())
KINDS = {"boolean", "number", "text", "date", "datetime", "time", "link", "list", "many", "json"}
OPERATORS = {
    "==", "!=", "<", "<=", ">", ">=", "between", "in", "not in", "contains", "starts_with", "ends_with", "is None",
    "is not None",
}  # fmt: skip
NEEDED = {
    "options": {"a": {}}, "to": "account", "of": "account", "field": "name", "result": "text", "expr": "1",
}  # fmt: skip


def options_of(field_type: FieldType) -> dict[str, Any]:
    """The least that a document must say, with the defaults filled in as the metadata layer does."""
    options = {name: schema["default"] for name, schema in field_type.properties.items() if "default" in schema}
    options |= {name: NEEDED[name] for name in field_type.required_properties}
    if field_type.name == "any_lookup":
        options["to"] = ["account"]
    if field_type.name == "rollup":
        options |= {"sum": "amount", "result": "number"}
    return options


def fragments(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield schema
    for key in ("additionalProperties", "items", "propertyNames"):
        if isinstance(schema.get(key), Mapping):
            yield from fragments(schema[key])
    for inner in schema.get("properties", {}).values():
        yield from fragments(inner)


def test_the_types_are_those_of_the_contract() -> None:
    assert set(field_types()) == set(re.findall(r"\w+", CONTRACT))


@pytest.mark.parametrize("name", TYPES)
def test_properties_are_sound_json_schemas_with_a_policy_and_words_for_people(name: str) -> None:
    field_type = field_types()[name]

    for key, schema in field_type.properties.items():
        jsonschema.Draft202012Validator.check_schema(dict(schema))
        assert schema["x-layer"] in {"free", "tighten", "widen", "merge", "locked"}, key
        assert schema["description"].endswith((".", "...")), key
        for fragment in fragments(schema):
            assert not {"oneOf", "anyOf", "not"} & set(fragment), key
        if "default" in schema:
            jsonschema.validate(schema["default"], dict(schema))
    assert set(field_type.required_properties) <= set(field_type.properties)


@pytest.mark.parametrize("name", TYPES)
def test_a_type_with_its_least_properties_works(name: str) -> None:
    field_type = field_types()[name]
    options = options_of(field_type)

    shown = field_type.result(options)

    assert list(field_type.check_options(options)) == []
    assert shown.value_type in KINDS
    assert set(shown.filters()) <= OPERATORS
    assert (shown.scale(options) is not None) == (shown.value_type == "number")
    jsonschema.Draft202012Validator.check_schema(dict(field_type.json_schema(options)))
    storage = field_type.storage(options)
    assert storage is None or isinstance(storage, StorageType)
    assert all(isinstance(target, str) for target in field_type.targets(options))
    assert bool(field_type.targets(options)) == bool(field_type.links) or name == "files"


@pytest.mark.parametrize(
    ("name", "options", "storage"),
    [
        ("text", {}, StorageType("text")),
        ("number", {"decimals": 4}, StorageType("decimal", 4)),
        ("percent", {}, StorageType("decimal", 2)),
        ("money", {"currency": "JPY"}, StorageType("decimal", 0)),
        ("money", {"currency": "BHD"}, StorageType("decimal", 3)),
        ("integer", {}, StorageType("integer")),
        ("duration", {}, StorageType("integer")),
        ("boolean", {}, StorageType("boolean")),
        ("multiselect", {"options": {}}, StorageType("json")),
        ("lookup", {"to": "account"}, StorageType("uuid")),
        ("any_lookup", {"to": ["account"]}, StorageType("text")),
        ("lookups", {"to": "account"}, None),
        ("table", {"of": "item"}, None),
        ("file", {}, StorageType("uuid")),
        ("files", {}, StorageType("json")),
        ("formula", {"result": "money", "expr": "1"}, None),
        ("formula", {"result": "money", "expr": "1", "stored": True, "currency": "JPY"}, StorageType("decimal", 0)),
        ("rollup", {"of": "items", "max": "day", "result": "date"}, StorageType("date")),
        ("reference", {"of": "a", "field": "b", "result": "date"}, None),
    ],
)
def test_a_value_is_stored_in_this_column(name: str, options: Mapping[str, Any], storage: StorageType | None) -> None:
    assert field_types()[name].storage(options) == storage


@pytest.mark.parametrize(
    ("name", "options", "wrong"),
    [
        ("text", {"min_length": 9, "max_length": 5}, {"min_length": "min_length is more than max_length"}),
        ("text", {"pattern": "[a-"}, {"pattern": "not a regular expression: unterminated character set at position 0"}),
        ("longtext", {"min_length": 9, "max_length": 5}, {"min_length": "min_length is more than max_length"}),
        ("number", {"min": 2, "max": 1.5}, {"min": "min is more than max"}),
        ("integer", {"min": 2, "max": 1}, {"min": "min is more than max"}),
        ("number", {"max": float("inf")}, {"max": "“inf” is not a number, such as 1,234.50"}),
        ("money", {"currency": "RMB"}, {"currency": "“RMB” is no currency of ISO 4217"}),
        ("phone", {"region": "XX"}, {"region": "“XX” is no region of ISO 3166"}),
        ("file", {"max_size": "0 MB"}, {"max_size": "a size is a number and a unit, such as 20 MB"}),
        ("autonumber", {"pattern": "QT"}, {"pattern": "a pattern has one {seq:4}, the count"}),
        (
            "autonumber",
            {"pattern": "{yyyy}-{week}-{seq:4}"},
            {"pattern": "“week” is not known; a pattern may have {yyyy} {yy} {mm} {dd} {seq:N}"},
        ),
        (
            "autonumber",
            {"pattern": "{yyyy}-{seq}", "reset": "day"},
            {"reset": "the pattern needs {dd} {mm}, or numbers repeat"},
        ),
        ("rollup", {"of": "items"}, {"of": "a rollup has one of: count, sum, min, max, avg, first, last"}),
        (
            "rollup",
            {"of": "items", "sum": "a", "max": "b"},
            {"of": "a rollup has one of: count, sum, min, max, avg, first, last"},
        ),
    ],
)
def test_properties_that_do_not_fit_together_are_found(
    name: str, options: Mapping[str, Any], wrong: Mapping[str, str]
) -> None:
    problems = field_types()[name].check_options(options)

    assert {key: str(message) for key, message in problems} == wrong


@pytest.mark.parametrize(
    ("options", "count", "number", "period"),
    [
        ({}, 7, "20260105-0007", ""),
        ({"pattern": "QT-{yyyy}{mm}-{seq:4}", "reset": "month"}, 42, "QT-202601-0042", "2026-01"),
        ({"pattern": "{yy}{seq}", "reset": "year"}, 12345, "2612345", "2026"),
        ({"pattern": "合同{seq:2}", "reset": "day"}, 12345, "合同12345", "2026-01-05"),
    ],
)
def test_an_autonumber_counts_in_its_period(options: Mapping[str, Any], count: int, number: str, period: str) -> None:
    field_type: Any = field_types()["autonumber"]

    assert field_type.render(options, date(2026, 1, 5), count) == number
    assert field_type.period(options, date(2026, 1, 5)) == period


def test_a_file_says_what_may_be_uploaded() -> None:
    from engine.fields.file import accepts

    types: Any = field_types()

    assert types["file"].max_bytes({}) == 20 * 1024**2
    assert types["file"].max_bytes({"max_size": "5MB"}) == 5 * 1024**2
    assert types["file"].max_bytes({"max_size": 1000}) == 1000
    assert types["signature"].max_bytes({}) == 1024**2
    assert accepts((), "a.exe", "application/x-dosexec")
    assert accepts((".PDF",), "a.pdf", "application/pdf")
    assert accepts(("image/*",), "a", "image/png")
    assert not accepts(types["image"].accept({}), "a.svg", "image/svg+xml")
    assert not accepts((".pdf",), "pdf", "text/plain")


def test_a_second_type_of_a_name_is_refused() -> None:
    with pytest.raises(ValueError, match="'text' is defined twice"):

        @register
        class Text(type(field_types()["text"])):  # type: ignore[misc]
            pass


def test_a_reference_is_a_value_and_can_be_told_from_another() -> None:
    assert {Reference("title", "a"), Reference("title", "a")} == {Reference("title", "a")}
    assert Reference("title", "a") != Reference("title", "a", "account")


def test_importing_the_types_loads_nothing_that_is_slow() -> None:
    program = (
        "import sys, engine.fields\n"
        "print(*{'babel', 'phonenumbers', 'nh3', 'email_validator', 'sqlalchemy', 'yaml'} & set(sys.modules))"
    )

    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert loaded.stdout.strip() == ""


@pytest.mark.parametrize("language", ["", "zh/"])
@pytest.mark.parametrize("name", TYPES)
def test_the_reference_tells_of_every_property_and_its_examples_are_true(name: str, language: str) -> None:
    reference = (ROOT / f"docs/{language}fields.md").read_text()
    section = re.search(rf"^### `{name}`\n(.*?)(?=^##|\Z)", reference, re.DOTALL | re.MULTILINE)
    assert section is not None
    field_type = field_types()[name]
    options = options_of(field_type) | EXAMPLE_OPTIONS.get(name, {})

    named = set(re.findall(r"`([a-z_]+)`", " ".join(lines_of(section[1], "Properties", "属性"))))
    assert set(field_type.properties) <= named
    for example in examples(section[1], "Takes", "接受"):
        assert field_type.parse(example, options) is not None, example
    for example in examples(section[1], "Refuses", "拒绝"):
        with pytest.raises(BadValue):
            field_type.parse(example, options)


def test_both_references_give_the_same_examples() -> None:
    english, chinese = ((ROOT / f"docs/{folder}fields.md").read_text() for folder in ("", "zh/"))

    assert len(examples(english, "Takes")) > 80
    assert examples(chinese, "接受") == examples(english, "Takes")
    assert examples(chinese, "拒绝") == examples(english, "Refuses")


EXAMPLE_OPTIONS: dict[str, dict[str, Any]] = {
    "select": {"options": {"new": {"label": {"en": "New", "zh": "新建"}}, "won": {}}},
    "multiselect": {"options": {"new": {"label": {"en": "New", "zh": "新建"}}, "won": {}}},
}


def lines_of(section: str, *starts: str) -> list[str]:
    return [
        found[1]
        for start in starts
        for found in re.finditer(rf"^- {start}[:：](.*?)(?=^- |^$|\Z)", section, re.DOTALL | re.MULTILINE)
    ]


def examples(section: str, *starts: str) -> list[str]:
    return [example for line in lines_of(section, *starts) for example in re.findall("`([^`]+)`", line)]
