"""The meta-schemas: that they keep our rules, are up to date, and that `Shape` answers as JSON Schema does."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.fields import field_types
from engine.metadata import KINDS, read_text
from engine.metadata.kinds import schema, shape
from engine.metadata.metaschema import files
from tests.metadata.clinic import CLINIC, CORE

META = Path(__file__).parents[3] / "schemas" / "meta"
LAYERS = {"free", "tighten", "widen", "merge", "locked"}


def nodes(value: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict):
        yield path, value
        for key, each in value.items():
            yield from nodes(each, f"{path}/{key}")
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from nodes(each, f"{path}/{number}")


@pytest.mark.parametrize("name", files())
def test_the_committed_schema_is_the_generated_one(name: str) -> None:
    assert (META / name).read_text(encoding="utf-8") == files()[name], "run python -m engine.metadata.metaschema"


def test_nothing_else_stands_in_the_folder() -> None:
    # The schema of guanxi.yaml is the site's own; tests/unit/site holds it.
    assert {path.name for path in META.iterdir()} == {*files(), "guanxi.schema.json"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_valid_and_keeps_the_rules(kind: str) -> None:
    made = schema(kind)

    jsonschema.Draft202012Validator.check_schema(made)
    for path, node in nodes(made):
        assert not {"oneOf", "anyOf"} & set(node) or path.endswith("/properties"), path
        properties = node.get("properties")
        if path.endswith(("/properties", "/if")) or not isinstance(properties, dict):
            continue
        told_apart = "allOf" in node
        assert node.get("additionalProperties") is False or told_apart, path
        for key, each in properties.items():
            target = each
            if "$ref" in each:
                target = made
                for part in each["$ref"].removeprefix("#/").split("/"):
                    target = target[part]
            assert target.get("x-layer") in LAYERS, f"{path}/properties/{key}"


def test_every_field_type_has_its_own_properties() -> None:
    definitions = schema("entity")["$defs"]

    for name, field_type in field_types().items():
        known = definitions[f"field.{name}"]["properties"]
        assert set(field_type.properties) <= set(known)
        assert {"label", "required", "after", "renamed_from"} <= set(known)


def documents() -> list[tuple[str, dict[str, Any]]]:
    found = read_text(CORE + "---" + CLINIC, "f.yaml", "site")[0]
    more = """
form: visit.default
entity: visit
tabs: {main: {sections: {a: {columns: 2, rows: [[subject, patient], fee], fields: {items: {after: fee}}}}}}
---
dashboard: d
cards: {a: {entity: visit, group_by: stage, measures: {n: {count: true}}, chart: bar}}
---
report: r
entity: visit
group_by: [month(on_date)]
measures: {fee: {sum: fee}}
---
menu: main
items: {a: {entity: visit, items: {b: {url: /x}}}}
---
pool: p
entity: contact
rules: {idle: {clock: latest, days: 15}}
---
assignment: a
entity: contact
rules: {all: {method: round_robin, members: [role:nurse]}}
---
calendar: c
week: {mon: ["09:00-12:00"]}
---
sla: s
entity: visit
targets: {fast: {response: 2h}}
---
duplicate: d
entity: contact
rules: {mobile: {fields: [mobile]}}
---
conversion: c
from: contact
targets: {account: {entity: account, map: {name: name}}}
---
template: t
entity: visit
body: "{{ record.subject }}"
---
alert: a
entity: visit
to: role:nurse
above: 3
---
translation: ja
labels: {visit.label: x}
"""
    found += read_text(more, "f.yaml", "site")[0]
    assert {each.kind for each in found} == set(KINDS)
    return [(each.kind, dict(each.body)) for each in found]


DOCUMENTS = documents()
VALIDATORS = {kind: jsonschema.Draft202012Validator(schema(kind)) for kind in KINDS}
PARTS: list[Any] = [
    None, True, False, 0, -1, 7, 2.5, "", "x", "Not A Key", "all", "text", "money", "notify", "1d", "09:00", [], ["a"],
    ["a", "a"], [1], [[]], {}, {"en": "x"}, {"en": 1}, {"a": {}}, {"type": "text"}, {"type": "nothing"}, {"do": "end"},
]  # fmt: skip
KEYS = [
    "type",
    "label",
    "fields",
    "entity",
    "x",
    "Not A Key",
    "required",
    "options",
    "do",
    "steps",
    "where",
    "after",
    "to",
]


def spots(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    for key, each in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from spots(each, (*path, key))


@st.composite
def changed(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A good document with one to three parts that somebody has spoilt."""
    kind, body = copy.deepcopy(draw(st.sampled_from(DOCUMENTS)))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(sorted(spots(body), key=str)))
        around = body
        for key in path[:-1]:
            around = around[key]
        part = copy.deepcopy(draw(st.sampled_from(PARTS)))
        action = draw(st.sampled_from(["replace", "add", "remove"]))
        if action == "remove" and len(body) > 1:
            del around[path[-1]]
        elif action == "add" and isinstance(around, dict):
            around[draw(st.sampled_from(KEYS))] = part
        else:
            around[path[-1]] = part
    return kind, body


@pytest.mark.parametrize(
    ("kind", "body"), DOCUMENTS, ids=[f"{kind}-{number}" for number, (kind, _) in enumerate(DOCUMENTS)]
)
def test_a_good_document_has_no_fault(kind: str, body: dict[str, Any]) -> None:
    assert VALIDATORS[kind].is_valid(body)
    assert shape(kind).check(body) is None


@given(changed())
def test_shape_finds_a_fault_where_json_schema_does(spoilt: tuple[str, dict[str, Any]]) -> None:
    kind, body = spoilt

    faults = shape(kind).check(body)
    errors = list(VALIDATORS[kind].iter_errors(body))

    assert (faults is None) == (not errors), (faults, errors, json.dumps(body))
    for fault in faults or ():
        assert str(fault.message)
        assert fault.message.in_("zh") != str(fault.message)


def test_the_schema_for_editors_tells_the_kinds_apart() -> None:
    registry: dict[str, Any] = {name: json.loads(text) for name, text in files().items()}
    dispatch = registry["document.schema.json"]

    for kind, body in DOCUMENTS:
        chosen = [
            case["then"]["$ref"]
            for case in dispatch["allOf"]
            if jsonschema.Draft202012Validator(case["if"]).is_valid(body)
        ]
        assert chosen == [f"{kind}.schema.json"]
