"""Conditions without their values: which literals become parameters, and which must stay."""

import pytest

from engine.data.normal import normal
from engine.expression import Expr, Literal, parse, walk
from engine.metadata.model import Model
from tests.functional.reading.world import SITE, model_of


@pytest.fixture(scope="module")
def model() -> Model:
    return model_of(SITE)


def shape(model: Model, text: str) -> Expr | None:
    return normal(model, "deal", parse(text)).shape


ID = "01939c1e-7f7f-7a3e-8f63-3d4c5a0e9b11"
OTHER = "01939c1e-7f7f-7a3e-8f63-3d4c5a0e9b12"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("amount > 1000", "amount > 2000.5"),
        ("1000 < amount", "7 < amount"),
        ("name == 'a'", "name == 'bcd'"),
        ("due == date('2026-01-01')", "due == date('2025-12-31')"),
        (f"company == '{ID}'", f"company == '{OTHER}'"),
        ("name in ['a']", "name in ['a', 'b', 'c']"),
        ("company.credit > 1 or not (amount == 2)", "company.credit > 3 or not (amount == 4)"),
        ("any(items, price > 1)", "any(items, price > 99)"),
        ("any(company.deals, name == 'x')", "any(company.deals, name == 'y')"),
    ],
)
def test_conditions_that_differ_in_values_only_have_one_shape(model: Model, one: str, other: str) -> None:
    assert shape(model, one) == shape(model, other)
    assert not [node for node in walk(shape(model, one) or Literal(None)) if isinstance(node, Literal)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("stage == 'new'", "stage == 'won'"),  # a wrong option has to be told
        ("amount > 1", "amount >= 1"),
        ("amount > 1.001", "amount > 2.001"),  # more decimals than the column has
        ("contains(name, 'a')", "contains(name, 'b')"),  # found faster when it is known
        ("company == 'nonsense'", "company == 'other'"),  # no id
        ("amount is None", "amount == 0"),
        ("hot == True", "hot == False"),
    ],
)
def test_what_the_database_or_the_check_has_to_know_stays(model: Model, one: str, other: str) -> None:
    assert shape(model, one) != shape(model, other)


def test_parameters_have_the_type_and_scale_of_their_field(model: Model) -> None:
    found = normal(model, "deal", parse("amount > 5 and name == 'x'"), "given")

    assert set(found.values) == {"given.0", "given.1"}
    assert found.values["given.1"] == "x"
    assert (found.infos["given.0"].scale, found.infos["given.0"].nullable) == (2, False)


def test_nothing_stays_nothing(model: Model) -> None:
    assert normal(model, "deal", None).shape is None
