"""What follows from what: formulas along links, rollups over relations, and formulas put in by what they mean."""

from pathlib import Path

import pytest

from engine.data.dependencies import CREATED, dependencies, inlined
from engine.expression import parse, to_text
from engine.metadata.build import build_model
from engine.metadata.document import read_text
from engine.metadata.layers import layer_of
from engine.metadata.model import Model

CORE = Path(__file__).parents[4] / "schemas" / "core"
SITE = """
entity: account
plural: accounts
title: name
fields:
  name: {type: text}
  level: {type: number}
  boss: {type: user, on_delete: clear}
  double: {type: formula, result: number, expr: "level * 2"}
  quad: {type: formula, result: number, expr: "double + double"}
  deals_sum: {type: rollup, of: deals, sum: amount, where: "open and account.level > 1"}
  newest: {type: rollup, of: deals, last: name}
---
entity: deal
plural: deals
title: name
order: [closed_on]
fields:
  name: {type: text}
  amount: {type: money, currency: CNY}
  open: {type: boolean}
  closed_on: {type: date}
  account: {type: lookup, to: account, on_delete: clear}
  boss_name: {type: reference, of: account.boss, field: name}
  chief: {type: formula, result: text, stored: true, expr: "account.boss.name"}
  size: {type: formula, result: number, stored: true, expr: "account.quad + 1"}
  many: {type: formula, result: boolean, expr: "count(account.deals) > 1"}
"""


@pytest.fixture(scope="module")
def model() -> Model:
    core = [
        document
        for name in ("user", "team", "department")
        for document in read_text((CORE / f"{name}.yaml").read_text(), name, "core")[0]
    ]
    documents, problems = read_text(SITE, "site.yaml", "site")
    assert not problems
    return build_model([layer_of("core", "core", core), layer_of("site", "site", documents)], 1)


@pytest.mark.parametrize(
    ("entity", "text", "meaning"),
    [
        ("account", "quad > 1", "level * 2 + level * 2 > 1"),
        ("deal", "account.quad", "account.level * 2 + account.level * 2"),
        ("deal", "boss_name == 'x'", "account.boss.name == 'x'"),
        ("account", "any(deals, boss_name == 'x')", "any(deals, account.boss.name == 'x')"),
        ("deal", "many", "count(account.deals) > 1"),
        ("deal", "chief", "chief"),
    ],
)
def test_formulas_and_references_are_put_in_by_what_they_mean(
    model: Model, entity: str, text: str, meaning: str
) -> None:
    assert inlined(model, model.entity(entity), parse(text)) == parse(meaning), to_text(parse(text))


def test_a_formula_follows_every_field_on_its_way(model: Model) -> None:
    followers = dependencies(model).followers

    def ways(entity: str, field: str) -> set[tuple[str, tuple[str, ...], frozenset[str]]]:
        return {(each.entity, each.links, each.formulas) for each in followers.get((entity, field), ())}

    assert ways("account", "level") == {("deal", ("account",), frozenset({"size"}))}
    assert ways("account", "boss") == {("deal", ("account",), frozenset({"chief"}))}
    assert ways("user", "name") == {("deal", ("account", "boss"), frozenset({"chief"}))}
    assert ways("deal", "account") == set()
    assert ways("deal", CREATED) == set()


def test_rollups_say_which_fields_they_read(model: Model) -> None:
    found = dependencies(model)

    assert [(group.entity, group.keys) for group in found.rollups["deal"]] == [("account", ("deals_sum", "newest"))]
    assert found.rollup_fields["deal"] == {"account", "amount", "open", "name", "closed_on"}


def test_they_are_worked_out_once_per_model(model: Model) -> None:
    assert dependencies(model) is dependencies(model)
