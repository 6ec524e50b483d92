"""The registry of operators and functions: one row for each, whatever its back ends.

A plugin may add rows. A row without `sql` cannot stand in filters, permissions and stored formulas; one
without `browser` cannot stand in conditions that forms evaluate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from engine.expression.check import Reporter, Result, Typed

Evaluate: TypeAlias = Callable[[Mapping[str, Any], Mapping[str, Any]], Any]
"""A compiled expression: (row, env) -> value."""


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator or function."""

    name: str
    rule: Callable[[tuple[Typed, ...], Reporter], Result]
    """Says what it gives for arguments of these types, and reports what does not fit."""
    python: Callable[[Typed, tuple[Evaluate, ...]], Evaluate]
    """Makes the closure from those of the arguments."""
    sql: Callable[[Any, Typed], Any] | None = None
    """(SqlCompiler, node) -> SqlValue; see `sql/compiler.py`."""
    browser: str | None = None
    """Name in `ui/frontend/src/expression.js`."""
    kind: Literal["operator", "function", "internal"] = "function"
    """Functions can be written as `name(...)`; internal rows are made by the engine only."""
    least: int = 1
    most: int | None = None
    """How many arguments it takes; None = any number."""
    usage: str = ""
    """How it is written, for messages and documentation: "round(number, decimals=0)"."""


_operators: dict[str, Operator] = {}


def register(operator: Operator) -> Operator:
    """Add a row.

    Raises:
        ValueError: the name is taken.
    """
    if operator.name in _operators:
        raise ValueError(f"the operator {operator.name!r} is registered twice")
    _operators[operator.name] = operator
    return operator


def operators() -> Mapping[str, Operator]:
    """Return every row by name."""
    return MappingProxyType(_operators)


def is_function(name: str) -> bool:
    """Return whether `name(...)` can be written."""
    found = _operators.get(name)
    return found is not None and found.kind == "function"
