"""The expression language: one tree for filters, rights, checks, formulas and visibility, with three back ends.

Python and SQL (SQLite and PostgreSQL) here, the browser's interpreter in `ui/frontend/src/expression.js`;
all give the same answers, which `tests/parity` proves. `docs/expressions.md` is the reference.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from engine.errors import ExpressionInvalid, ExpressionProblem
from engine.expression.ast import (
    FALSE,
    NULL,
    TRUE,
    Call,
    Expr,
    Literal,
    Path,
    Var,
    ancestry_key,
    conjunction,
    disjunction,
    functions,
    negation,
    paths,
    rename_path,
    simplify,
    subtrees,
    transform,
    variables,
    walk,
)
from engine.expression.builtins import install
from engine.expression.check import Checked, Reporter, Result, Typed, check
from engine.expression.evaluate import compile_python, question, strict
from engine.expression.parse import parse
from engine.expression.registry import Operator, operators, register
from engine.expression.rules import takes
from engine.expression.sqlite import register_functions
from engine.expression.text import to_text
from engine.expression.types import MAX_STORED, FieldInfo, Scope, Type
from engine.expression.wire import from_json, to_browser, to_json

if TYPE_CHECKING:
    from engine.expression.sql.compiler import (
        ManyScope,
        SqlCompiler,
        SqlScope,
        SqlValue,
        compile_sql,
        compile_value,
        rows_below,
    )

install()

_WITH_SQL = {"ManyScope", "SqlCompiler", "SqlScope", "SqlValue", "compile_sql", "compile_value", "rows_below"}


def __getattr__(name: str) -> Any:
    """Load the SQL back end when it is first asked for: checking documents does not need SQLAlchemy."""
    if name not in _WITH_SQL:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module("engine.expression.sql"), name)
    globals()[name] = value
    return value


__all__ = [
    "FALSE",
    "MAX_STORED",
    "NULL",
    "TRUE",
    "Call",
    "Checked",
    "Expr",
    "ExpressionInvalid",
    "ExpressionProblem",
    "FieldInfo",
    "Literal",
    "ManyScope",
    "Operator",
    "Path",
    "Reporter",
    "Result",
    "Scope",
    "SqlCompiler",
    "SqlScope",
    "SqlValue",
    "Type",
    "Typed",
    "Var",
    "ancestry_key",
    "check",
    "compile_python",
    "compile_sql",
    "compile_value",
    "conjunction",
    "disjunction",
    "from_json",
    "functions",
    "negation",
    "operators",
    "parse",
    "paths",
    "question",
    "register",
    "register_functions",
    "rename_path",
    "rows_below",
    "simplify",
    "strict",
    "subtrees",
    "takes",
    "to_browser",
    "to_json",
    "to_text",
    "transform",
    "variables",
    "walk",
]
