"""The SQL of expressions: what indexes can use, what is never NULL, and what databases do with it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from engine.errors import ExpressionInvalid
from engine.expression import (
    Call,
    Operator,
    Path,
    Type,
    compile_python,
    compile_sql,
    parse,
    register_functions,
    to_browser,
)
from engine.expression.evaluate import strict
from engine.expression.registry import _operators
from engine.expression.rules import takes
from tests.unit.expression.clinic import DIALECTS, Clinic, ClinicTables, sql


@pytest.mark.parametrize(
    ("text", "on_sqlite"),
    [
        ("stage == 'seen' and fee > 1000", "stage = ? AND fee > ?"),
        ("stage == 'seen' or (fee > 1000 and age < 3)", "stage = ? OR fee > ? AND age < ?"),
        ("'seen' == stage", "stage = ?"),
        ("1000 < fee", "fee > ?"),
        ("fee >= 10.005", "fee > ?"),
        ("fee < 10.005", "fee <= ?"),
        ("fee == 10.005", "0"),
        ("fee > 99999999999999999999", "0"),
        ("fee < 99999999999999999999", "fee IS NOT NULL"),
        ("0 < age <= 3", "age > ? AND age <= ?"),
        ("owner == user.id", "owner = ?"),
        ("owner == user.department", "owner IS ?"),
        ("stage == old.stage", "stage IS ?"),
        ("stage is None", "stage IS NULL"),
        ("stage != 'seen'", "stage IS NOT ?"),
        ("not stage == 'seen'", "stage IS NOT ?"),
        ("not fee > 3", "(fee > ?) IS NOT 1"),
        ("stage in ['seen', 'missed']", "stage IN (?, ?)"),
        ("stage in ['seen', None]", "stage IN (?) OR stage IS NULL"),
        ("stage not in ['seen']", "(stage IN (?)) IS NOT 1"),
        ("fee in [1, 2.5, 2.005]", "fee IN (?, ?)"),
        ("stage in []", "0"),
        ("urgent", "urgent = 1"),
        ("not urgent", "(urgent = 1) IS NOT 1"),
        ("urgent == True", "urgent = 1"),
        ("on_date == today", "on_date = ?"),
        ("on_date < today + 7", "on_date < gx_add_days(?, ?)"),
        ("on_date >= date('2026-01-31')", "on_date >= ?"),
        ("fee + 1 > old.fee", "fee + ? > ?"),
        ("fee + fee > 3", "fee + fee > ?"),
        ("age * 2 > 3", "age * ? > ?"),
        ("fee > age", "gx_compare(fee, ?, age, ?) > ?"),
        ("fee > round(rate)", "fee > gx_round(rate, ?) * 100"),
        ("contains(subject, 'ab%')", "subject LIKE ? ESCAPE '\\'"),
        ("starts_with(subject, '张')", "subject LIKE ? ESCAPE '\\'"),
        ("contains(subject, 'kb')", "replace(subject, '\u212a', 'k') LIKE ? ESCAPE '\\'"),
        ("contains(subject, 'É')", "gx_lower(subject) LIKE ? ESCAPE '\\'"),
        ("'new' in tags", "? IN (SELECT anon_2.value FROM json_each(tags) AS anon_2)"),
        ("owner in user.roles", "owner IN (SELECT anon_2.value FROM json_each(?) AS anon_2)"),
        ("any(items, what == 'x')", "id IN (SELECT item.visit FROM item WHERE item.what = ?)"),
        ("all(items, amount > 1)", "(id IN (SELECT item.visit FROM item WHERE (item.amount > ?) IS NOT 1)) IS NOT 1"),
        ("count(items) > 2", "(SELECT count(*) AS count_1 FROM item WHERE item.visit = id) > ?"),
        (
            "sum_of(items, amount) == 3",
            (
                "gx_compare((SELECT coalesce(gx_sum(sum(item.amount / 1000000000), 1000000000, "
                "sum(item.amount % 1000000000), 1), 0) AS coalesce_1 FROM item WHERE item.visit = id), ?, ?, ?) = ?"
            ),
        ),
        ("year(on_date) == 2026", "CAST(substr(on_date, 1, 4) AS INTEGER) = ?"),
    ],
)  # fmt: skip
def test_sqlite_gets_conditions_that_its_indexes_answer(text: str, on_sqlite: str) -> None:
    assert sql(text) == on_sqlite


@pytest.mark.parametrize(
    ("text", "on_postgresql"),
    [
        ("stage == 'seen' and fee > 1000", "stage = %(param_1)s::VARCHAR AND fee > %(param_2)s"),
        ("age >= 2.5", "age > %(param_1)s::BIGINT"),
        ("owner == user.id", "owner = %(user_id)s::UUID"),
        ("owner == '01980000-0000-7000-8000-000000000001'", "owner = CAST(%(param_1)s::VARCHAR AS UUID)"),
        ("owner == 'nobody'", "false"),
        ("owner != 'nobody'", "true"),
        ("owner == user.department",
            "owner = %(user_department)s::UUID OR owner IS NULL AND %(user_department)s::UUID IS NULL"),
        ("stage != 'seen'", "stage IS DISTINCT FROM %(param_1)s::VARCHAR"),
        ("not fee > 3", "(fee > %(param_1)s) IS NOT true"),
        ("urgent", "urgent = true"),
        ("subject > 'm'", '(subject COLLATE "C") > %(param_1)s::VARCHAR'),
        ("contains(subject, 'Ab')", "lower((subject) COLLATE \"default\") LIKE %(param_1)s::VARCHAR ESCAPE '\\'"),
        ("'new' in tags", "tags @> CAST(%(param_1)s::VARCHAR AS JSONB)"),
        ("any(items, what == 'x')", "id IN (SELECT item.visit FROM item WHERE item.what = %(param_1)s::VARCHAR)"),
        ("fee + age > 3", "fee + CAST(age AS NUMERIC) > %(param_1)s"),
    ],
)  # fmt: skip
def test_postgresql_gets_conditions_that_its_indexes_answer(text: str, on_postgresql: str) -> None:
    assert sql(text, "postgresql").replace("%%", "%") == on_postgresql


@pytest.mark.parametrize(
    ("text", "as_value"),
    [
        ("fee > 3", "(fee > ?) IS 1"),
        ("stage == 'seen' and fee > 3", "(stage = ? AND fee > ?) IS 1"),
        ("stage != 'seen'", "stage IS NOT ?"),
        ("created_at < now", "created_at < ?"),
        ("urgent", "urgent IS 1"),
        ("(fee > 3) == urgent", "(((fee > ?) IS 1) = urgent) IS 1"),
        ("(fee > 3) != (age > 3)", "((fee > ?) IS 1) != ((age > ?) IS 1)"),
        ("fee > 3 if urgent else True", "CASE WHEN (urgent = 1) THEN (fee > ?) IS 1 ELSE 1 END"),
    ],
)
def test_a_condition_that_is_selected_is_never_null(text: str, as_value: str) -> None:
    assert sql(text, value=True) == as_value


@pytest.mark.parametrize(
    ("text", "scale", "stored"),
    [
        ("fee", 2, "fee"),
        ("fee", 4, "gx_fit(fee, ?, ?, 999999999999999999)"),
        ("age", 0, "age"),
        ("round(rate, 2)", 2, "gx_round(rate, ?)"),
        ("fee * rate", 2, "gx_fit(gx_product(fee, rate), ?, ?, 999999999999999999)"),
    ],
)
def test_a_number_comes_in_the_decimals_of_its_field(text: str, scale: int, stored: str) -> None:
    assert sql(text, scale=scale) == stored


# --- real databases


@pytest.fixture
def sqlite_visits() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    register_functions(connection)
    connection.execute("CREATE TABLE visit (id TEXT, stage TEXT, fee INTEGER, on_date TEXT, owner TEXT, subject TEXT)")
    for column in ("stage", "fee", "on_date", "owner"):
        connection.execute(f"CREATE INDEX by_{column} ON visit ({column})")
    yield connection
    connection.close()


INDEXED = (
    ("stage == 'seen'", "stage"),
    ("stage == old.stage", "stage"),
    ("stage in ['seen', 'missed']", "stage"),
    ("fee > 1000.005", "fee"),
    ("fee == 3 and subject is not None", "fee"),
    ("on_date < today + 7", "on_date"),
    ("on_date == add_months(today, 1)", "on_date"),
    ("owner == user.id", "owner"),
    ("owner == user.department", "owner"),
    ("owner in user.roles", "owner"),
)  # fmt: skip


@pytest.mark.parametrize(("text", "column"), INDEXED)
def test_sqlite_answers_from_an_index(sqlite_visits: sqlite3.Connection, text: str, column: str) -> None:
    compiled = compile_sql(parse(text), ClinicTables("sqlite")).compile(dialect=DIALECTS["sqlite"])
    given = [compiled.params.get(name) for name in compiled.positiontup or ()]

    plan = sqlite_visits.execute(f"EXPLAIN QUERY PLAN SELECT id FROM visit WHERE {compiled}", given).fetchall()

    assert f"USING INDEX by_{column}" in plan[0][3]


@pytest.fixture
def postgresql_visits(postgres_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgres_url) as connection:
        connection.execute(
            'CREATE TABLE visit (id UUID, stage TEXT COLLATE "C", fee NUMERIC(18,2), on_date DATE, owner UUID, '
            'subject TEXT COLLATE "C")'
        )
        for column in ("stage", "fee", "on_date", "owner", "subject"):
            connection.execute(f"CREATE INDEX by_{column} ON visit ({column})")
        connection.execute("SET enable_seqscan = off")
        yield connection


GIVEN: dict[str, Any] = {
    "user_id": "01980000-0000-7000-8000-000000000001",
    "user_department": "01980000-0000-7000-8000-000000000002",
    "user_roles": '["01980000-0000-7000-8000-000000000003"]',
    "today": "2026-11-22",
    "old_stage": "seen",
}


@pytest.mark.parametrize(("text", "column"), [*INDEXED, ("subject > 'm'", "subject")])
def test_postgresql_answers_from_an_index(postgresql_visits: psycopg.Connection[Any], text: str, column: str) -> None:
    compiled = compile_sql(parse(text), ClinicTables("postgresql")).compile(dialect=DIALECTS["postgresql"])
    given = {**compiled.params, **{name: value for name, value in GIVEN.items() if name in compiled.params}}

    plan = postgresql_visits.execute(f"EXPLAIN SELECT id FROM visit WHERE {compiled}".encode(), given).fetchall()

    assert any(f"by_{column}" in line for (line,) in plan), plan


def test_numbers_beyond_64_bits_stay_exact_on_sqlite(sqlite_visits: sqlite3.Connection) -> None:
    run = sqlite_visits.execute

    assert run("SELECT gx_product(?, ?)", (10**18 - 1, 10**18 - 1)).fetchone() == (str((10**18 - 1) ** 2),)
    assert run("SELECT gx_sum(?, 100, ?, 1)", (10**18 - 1, -1)).fetchone() == (str((10**18 - 1) * 100 - 1),)
    assert run(
        "SELECT gx_product(NULL, 1), gx_quotient(1, 0, 0, 0), gx_fit('1000000000000000000', 1, 1, 999999999999999999)"
    ).fetchone() == (None, None, None)
    assert run("SELECT gx_total(x) FROM (SELECT '9223372036854775808' AS x UNION ALL SELECT 1)").fetchone() == (
        "9223372036854775809",
    )


def test_a_function_of_the_product_never_sees_null(sqlite_visits: sqlite3.Connection) -> None:
    names = sqlite_visits.execute(
        "SELECT DISTINCT name, narg FROM pragma_function_list WHERE name LIKE 'gx!_%' ESCAPE '!'"
    ).fetchall()

    assert len(names) > 25
    for name, count in names:
        call = f"SELECT {name}({', '.join(['NULL'] * max(count, 1))})"
        expected = "0" if name == "gx_total" else "None"
        assert str(sqlite_visits.execute(call).fetchone()[0]) == expected, name


# --- operators of plugins


@pytest.fixture
def shout() -> Iterator[Operator]:
    """An operator that only Python knows, as a plugin may bring it."""
    made = Operator(
        "shout", takes(frozenset({Type.TEXT})), strict(lambda text: f"{text}!"), usage="shout(text)", most=1
    )
    _operators[made.name] = made
    yield made
    del _operators[made.name]


def test_an_operator_of_a_plugin_is_written_like_any_other(shout: Operator) -> None:
    assert compile_python(parse("shout(subject) == 'a!'"), Clinic())({"subject": "a"}, {}) is True


def test_an_operator_without_sql_is_refused_by_name_where_the_database_computes(shout: Operator) -> None:
    with pytest.raises(ExpressionInvalid) as refused:
        sql("fee > 1 and shout(subject) == 'x'")

    assert str(refused.value.problems[0]) == "1:13: shout cannot be used where the database has to compute"


def test_an_operator_without_a_browser_form_is_refused_by_name_in_forms(shout: Operator) -> None:
    with pytest.raises(ExpressionInvalid) as refused:
        to_browser(parse("shout(subject) == 'x'"), Clinic())

    assert str(refused.value.problems[0]) == "1:1: shout cannot be used where the browser has to compute"


def test_the_browser_gets_types_with_the_names() -> None:
    assert to_browser(parse("any(items, amount > 1) and urgent"), Clinic()) == {
        "call": "and",
        "args": [
            {
                "call": "any",
                "args": [
                    {"path": ["items"], "type": "many"},
                    {"call": ">", "args": [{"path": ["amount"], "type": "number"}, {"number": "1"}]},
                ],
            },
            {"path": ["urgent"], "type": "boolean"},
        ],
    }


def test_a_scope_without_trees_refuses_in_subtree() -> None:
    class Flat(ClinicTables):
        subtree = None  # type: ignore[assignment]

    with pytest.raises(ExpressionInvalid) as refused:
        compile_sql(Call("in_subtree", (Path(("ward",)), Path(("subject",)))), Flat("sqlite"))

    assert "in_subtree cannot be used" in str(refused.value)


def test_a_tree_is_walked_by_the_database(sqlite_visits: sqlite3.Connection) -> None:
    sqlite_visits.executescript(
        "CREATE TABLE ward (id TEXT, parent TEXT); ALTER TABLE visit ADD ward TEXT;"
        "INSERT INTO ward VALUES ('a', NULL), ('b', 'a'), ('c', 'b'), ('x', 'y'), ('y', 'x');"
        "INSERT INTO visit (id, ward, owner) VALUES"
        " ('1', 'a', 'a'), ('2', 'c', 'b'), ('3', 'x', 'x'), ('4', NULL, NULL);"
    )

    def found(text: str) -> list[str]:
        compiled = compile_sql(parse(text), ClinicTables("sqlite")).compile(dialect=DIALECTS["sqlite"])
        values = [compiled.params.get(name) for name in compiled.positiontup or ()]
        return [row[0] for row in sqlite_visits.execute(f"SELECT id FROM visit WHERE {compiled}", values)]

    assert found("in_subtree(ward, 'b')") == ["2"]
    assert found("in_subtree(ward, 'y')") == ["3"]
    assert found("in_subtree(ward, owner)") == ["1", "2", "3"]
    assert found("not in_subtree(ward, 'a')") == ["3", "4"]
