"""All four back ends give the same answers: Python, SQLite, PostgreSQL and the browser's interpreter.

Random typed expressions over random rows, seeded: a failure prints the seed, the expression, the row and all four
answers, and GUANXI_PARITY_SEED repeats it.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, event, make_url, select
from sqlalchemy.pool import NullPool

from engine.expression import (
    Expr,
    Literal,
    Type,
    check,
    compile_python,
    compile_sql,
    compile_value,
    from_json,
    parse,
    register_functions,
    to_browser,
    to_text,
)
from engine.expression import (
    to_json as expr_to_json,
)
from tests.parity.random_expressions import Generator
from tests.parity.world import Base, World, WorldScope, WorldSqlScope, result_of, to_json

ROOT = Path(__file__).parents[2]
COUNTS = {"quick": 300, "full": 6_000}
SEED = int(os.environ.get("GUANXI_PARITY_SEED", "20261122"))


@dataclass(frozen=True)
class Case:
    text: str
    expr: Expr
    type: Type
    scale: int
    env: int


@contextmanager
def opened(url: str, world: World) -> Iterator[tuple[Connection, Base]]:
    target = make_url(url)
    if target.get_backend_name() == "postgresql":
        target = target.set(drivername="postgresql+psycopg")
    engine = create_engine(target, poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def _connect(dbapi: Any, record: Any) -> None:
        if engine.dialect.name == "sqlite":
            register_functions(dbapi)
        else:
            dbapi.execute("SET TIME ZONE 'UTC'")

    with engine.connect() as connection:
        yield connection, Base.create(connection, world)
        connection.rollback()
    engine.dispose()


def generate(rng: random.Random, world: World, count: int, environments: int) -> list[Case]:
    generator, scope = Generator(rng, world.ids), WorldScope()
    cases: list[Case] = []
    refused = 0
    while len(cases) < count:
        expr = generator.expression(rng.choice((1, 2, 3, 3, 4, 5)))
        if isinstance(expr, Literal):
            continue
        checked = check(expr, scope)
        if checked.problems:
            refused += 1
            assert all(each.code in {"too_large", "value", "type", "option"} for each in checked.problems), (
                to_text(expr),
                [str(each) for each in checked.problems],
            )
            continue
        text = to_text(expr)
        assert parse(text) == expr, text
        assert from_json(expr_to_json(expr)) == expr, text
        cases.append(Case(text, expr, checked.type, checked.scale or 0, rng.randrange(environments)))
    assert refused < count, "the generator makes too much that check refuses"
    return cases


def python_answers(cases: list[Case], world: World, envs: list[dict[str, Any]]) -> list[list[Any]]:
    answers = []
    for case in cases:
        function = compile_python(case.expr, WorldScope())
        answers.append([_answer(function(row, envs[case.env])) for row in world.rows])
    return answers


def _answer(value: Any) -> Any:
    found = to_json(value)
    return str(found) if isinstance(found, int) and not isinstance(found, bool) else found


def browser_answers(node: Path, cases: list[Case], world: World, envs: list[dict[str, Any]]) -> list[Any]:
    request = {
        "module": str(ROOT / "ui/frontend/src/expression.js"),
        "rows": to_json(world.rows),
        "envs": to_json(envs),
        "cases": [{"tree": to_browser(case.expr, WorldScope()), "env": case.env} for case in cases],
    }
    script = Path(__file__).parent / "run.mjs"
    done = subprocess.run(
        [node, script], input=json.dumps(request), capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    answers: list[Any] = json.loads(done.stdout)
    return answers


def sql_answers(
    connection: Connection, base: Base, cases: list[Case], world: World, envs: list[dict[str, Any]]
) -> list[list[Any]]:
    answers = []
    table = base.tables["deal"]
    parameters = [base.parameters(env) for env in envs]
    for case in cases:
        scope = WorldSqlScope(base, "deal", table)
        try:
            if case.type is Type.BOOLEAN:
                element = compile_sql(case.expr, scope, value=True)
                chosen = select(table.c.id).where(compile_sql(case.expr, scope))
                matching = {row[0] for row in connection.execute(chosen, parameters[case.env])}
            else:
                element, matching = compile_value(case.expr, scope).element, None
            found = dict(tuple(row) for row in connection.execute(select(table.c.id, element), parameters[case.env]))
        except Exception as error:
            error.add_note(f"{base.dialect}: {case.text}")
            raise
        values = [result_of(found[key], case.type, case.scale, base.dialect) for key in world.ids["deal"]]
        if matching is not None:
            assert matching == {key for key, value in zip(world.ids["deal"], values, strict=True) if value}, (
                f"{base.dialect}: the WHERE of {case.text} finds others than its value says"
            )
        answers.append(values)
    return answers


@pytest.mark.slow
def test_python_sqlite_postgresql_and_javascript_agree(
    sqlite_url: str, postgres_url: str, node: Path, tier: str
) -> None:
    rng = random.Random(SEED)
    world = World(rng)
    envs = world.environments(rng)
    cases = generate(rng, world, COUNTS[tier], len(envs))

    answers = {"python": python_answers(cases, world, envs), "javascript": browser_answers(node, cases, world, envs)}
    for url in (sqlite_url, postgres_url):
        with opened(url, world) as (connection, base):
            answers[base.dialect] = sql_answers(connection, base, cases, world, envs)

    print(f"parity: {len(cases)} expressions, {len(world.rows)} rows, seed {SEED}")  # noqa: T201 - says how to repeat it
    wrong = list(mismatches(cases, answers))
    assert not wrong, f"{len(wrong)} mismatches, seed {SEED}:\n" + "\n".join(wrong[:20])


def mismatches(cases: list[Case], answers: dict[str, list[Any]]) -> Iterator[str]:
    for place, case in enumerate(cases):
        for row in range(len(answers["python"][place])):
            given = {
                name: found[place] if isinstance(found[place], dict) else found[place][row]
                for name, found in answers.items()
            }
            if any(value != given["python"] or type(value) is not type(given["python"]) for value in given.values()):
                yield f"{case.text}\n    row {row}, env {case.env}: {given}"
                break
