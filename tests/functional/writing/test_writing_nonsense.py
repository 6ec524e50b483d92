"""Nonsense from outside: every value that is none is refused with a message, whatever it is and wherever it stands."""

import math
import sys
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from engine.data.batch import Change
from engine.data.principal import SYSTEM
from engine.errors import GuanxiError, RecordInvalid
from engine.i18n import Message
from engine.ids import new_id
from tests.functional.writing.world import World

SITE = """
entity: thing
plural: things
title: name
features: [owned, search]
fields:
  name: {type: text, search: high}
  long: {type: longtext, search: low}
  rich: {type: richtext}
  number: {type: number, decimals: 3}
  whole: {type: integer}
  percent: {type: percent}
  money: {type: money, currency: CNY}
  flag: {type: boolean}
  day: {type: date}
  at: {type: datetime}
  clock: {type: time}
  length: {type: duration}
  choice: {type: select, options: {a: {}, b: {}}}
  choices: {type: multiselect, options: {a: {}, b: {}}}
  tags: {type: tags}
  link: {type: lookup, to: thing, on_delete: clear}
  links: {type: lookups, to: thing, on_delete: clear}
  any: {type: any_lookup, to: [thing, user], on_delete: clear}
  parts: {type: table, of: part}
  person: {type: user, on_delete: clear}
  email: {type: email}
  phone: {type: phone}
  url: {type: url}
  address: {type: address}
  geo: {type: geo}
  file: {type: file}
  files: {type: files}
  picture: {type: image}
  signed: {type: signature}
  color: {type: color}
  stars: {type: rating}
  auto: {type: autonumber}
  code: {type: barcode}
  secret: {type: secret}
  data: {type: json}
  sum: {type: formula, result: number, stored: true, decimals: 3, expr: "number * whole"}
---
entity: part
parent: thing
title: what
fields:
  what: {type: text}
  amount: {type: number}
"""
FIELDS = [line.split(":")[0].strip() for line in SITE.split("---", maxsplit=1)[0].splitlines() if line.startswith("  ")]

NONSENSE: list[Any] = [
    None, "", " ", "\0", "a\0b", "\ud800", "😀" * 3, "x" * 100_000, "'; DROP TABLE s_thing; --", "{{ 7*7 }}", "%s %d %",
    "NaN", "Infinity", "-0", "1e400", "\uff11\uff12", "0x10",
    "1_000", "--1", "9" * 40, "-" + "9" * 19 + ".9", "true", "maybe",
    "2026-02-30", "0000-00-00", "10000-01-01", "25:61", "2026-01-01T00:00:00+99:00", "now", "thing/", "thing/x",
    "planet/" + "0" * 36, new_id(), "x" * 36, "javascript:alert(1)", "http://", "a@b", "a@b@c", "+86", "#12345", "#ggg",
    0, -1, 1, 2**63, -(2**200), sys.maxsize, 1.5, math.nan, math.inf, -0.0, 1e308, Decimal("NaN"), Decimal("1E+30"),
    Decimal("0.0005"), True, False, [], [[]], [None], [""], ["a", "a"], [1, 2], [{}], [{"id": 1}], [{"what": "\0"}],
    [{"id": new_id()}], [{"_delete": True}], {}, {"id": None}, {"id": "x"}, {"title": ""}, {"title": "x\0"},
    {"external_id": 1}, {"title": "x", "external_id": "y"}, {"a": {"b": [1, None, {"c": "\0"}]}}, {"lat": 91, "lng": 0},
    {"lat": "x"}, {1: 2}, (), ("a",), b"bytes", object(), set(),
]  # fmt: skip


@pytest.fixture(scope="module")
def world(writing_url: str) -> Iterator[World]:
    world = World(writing_url, SITE)
    yield world
    world.database.dispose()


@pytest.mark.parametrize(
    "field", [*FIELDS, "id", "owner", "external_id", "deleted_at", "no_such_field", "", "a.b", "__class__"]
)
def test_a_value_is_taken_whole_or_refused_with_a_message(world: World, field: str) -> None:
    old = world.records.create(SYSTEM, "thing", [{"name": "old"}] * len(NONSENSE))
    operations: list[dict[str, Any]] = [{"create": {"name": "n", field: raw}} for raw in NONSENSE]
    operations += [{"update": {"id": each.id, "values": {field: raw}}} for each, raw in zip(old, NONSENSE, strict=True)]

    results = world.records.bulk(SYSTEM, "thing", operations, atomic=False)

    for result in results:
        if result.written is not None:
            stored = world.values("thing", result.written.id)
            assert {key: result.written.values[key] for key in stored if key != "secret"} == {
                key: value for key, value in stored.items() if key != "secret"
            }
            continue
        assert isinstance(result.error, RecordInvalid)
        for problem in result.error.problems:
            assert isinstance(problem.message, Message)
            assert problem.message.in_("zh")
            assert problem.path.split("/")[0] == field


@pytest.mark.parametrize("raw", [[], {}, {"id": "x"}, {"id": None, "values": 1}])
def test_nonsense_in_a_bulk_call_is_refused(world: World, raw: Any) -> None:
    for verb in ("create", "update", "upsert", "delete", "restore", "transition", "fly"):
        try:
            results = world.records.bulk(SYSTEM, "thing", [{verb: raw}], atomic=False)
        except RecordInvalid:
            continue
        assert all(each.ok or isinstance(each.error, GuanxiError) for each in results)


@pytest.mark.parametrize("id_", ["", "x", "\0", "0" * 36, "0198F000-0000-7000-8000-000000000000", None, 5, "' OR 1=1"])
def test_an_id_that_is_none_is_not_found(world: World, id_: Any) -> None:
    for write in (
        lambda: world.records.update(SYSTEM, "thing", [Change(id_, {"name": "x"})]),
        lambda: world.records.delete(SYSTEM, "thing", [id_]),
        lambda: world.records.restore(SYSTEM, "thing", [id_]),
        lambda: world.records.purge(SYSTEM, "thing", [id_]),
        lambda: world.records.undo(SYSTEM, id_),
        lambda: world.records.reveal(SYSTEM, "thing", id_, "secret"),
    ):
        with pytest.raises(GuanxiError):
            write()
    assert world.records.update_where(SYSTEM, "thing", None, {"flag": True}, ids=[id_]).count == 0
