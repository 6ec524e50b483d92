"""The four nodes of an expression, and what can be learnt from and done to a tree without knowing types.

Nodes are immutable and compare by content; `place`, the line and column in the text that a node was
read from, does not count. The names of calls are rows of `registry.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TypeAlias

from engine.expression.numbers import canonical

Value: TypeAlias = "bool | int | Decimal | str | date | datetime | time | tuple[Value, ...] | None"
"""What a literal holds. Numbers become Decimal."""

Position: TypeAlias = "tuple[int, int]"
"""Line and column, both from 1."""

AGGREGATES = frozenset({"any", "all", "count", "sum_of"})
"""Calls whose first argument is a relation and whose other arguments speak of one related row."""

MAX_DEPTH = 40
MAX_NODES = 4_000


def _tag(value: Value) -> object:
    """Return what makes two literals equal: 1, 1.0 and True are equal in Python but not here."""
    if isinstance(value, tuple):
        return ("list", tuple(_tag(each) for each in value))
    return (type(value).__name__, value)


def _normal(value: Value) -> Value:
    if isinstance(value, bool) or value is None or isinstance(value, (str, time)):
        return value
    if isinstance(value, (int, Decimal)):
        return canonical(value)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a datetime in an expression has a time zone")
        value = value.astimezone(UTC)
        return value.replace(microsecond=value.microsecond // 1000 * 1000)
    if isinstance(value, date):
        return value
    if isinstance(value, (tuple, list)):
        return tuple(_normal(each) for each in value)
    raise TypeError(f"an expression cannot hold a {type(value).__name__}")


@dataclass(frozen=True, slots=True, eq=False)
class Literal:
    """A value that stands in the text: None, True, 12.5, 'new', a date, a list of such."""

    value: Value
    place: Position | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", _normal(self.value))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Literal) and _tag(self.value) == _tag(other.value)

    def __hash__(self) -> int:
        return hash(_tag(self.value))


@dataclass(frozen=True, slots=True)
class Path:
    """A field, or a field of the record that a link leads to: ("account", "industry")."""

    keys: tuple[str, ...]
    place: Position | None = field(default=None, repr=False, compare=False)

    @property
    def dotted(self) -> str:
        """The path as it is written, which is also its key in a row."""
        return ".".join(self.keys)


@dataclass(frozen=True, slots=True)
class Var:
    """A value from around the record: "user.id", "today", "old.stage", "input.reason"."""

    name: str
    place: Position | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """An operator or function with its arguments. `if` has condition, then, otherwise."""

    name: str
    args: tuple[Expr, ...]
    place: Position | None = field(default=None, repr=False, compare=False)


Expr: TypeAlias = Literal | Path | Var | Call

TRUE = Literal(True)  # noqa: FBT003 - the value itself
FALSE = Literal(False)  # noqa: FBT003
NULL = Literal(None)


def walk(expr: Expr) -> Iterator[Expr]:
    """Yield every node, parents first. A node that stands in two places comes twice."""
    stack = [expr]
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, Call):
            stack.extend(reversed(node.args))


def paths(expr: Expr) -> frozenset[tuple[str, ...]]:
    """Return every field path that the expression reads.

    Below any(), all(), count() and sum_of() a path starts with the relation, which is in the answer too:
    `any(items, amount > 1)` reads ("items",) and ("items", "amount").
    """
    found: set[tuple[str, ...]] = set()
    stack: list[tuple[Expr, tuple[str, ...]]] = [(expr, ())]
    while stack:
        node, prefix = stack.pop()
        if isinstance(node, Path):
            found.add(prefix + node.keys)
        elif isinstance(node, Call):
            inner = prefix
            if node.name in AGGREGATES and node.args and isinstance(node.args[0], Path):
                inner = prefix + node.args[0].keys
            stack.extend((each, inner if place else prefix) for place, each in enumerate(node.args))
    return frozenset(found)


def subtrees(expr: Expr) -> frozenset[tuple[str, ...]]:
    """Return the link paths that `in_subtree` asks about, prefixed as in `paths`.

    A row for the Python back end or the browser carries under `ancestry_key(path)` the ids of the linked
    record and of all records above it.
    """
    found: set[tuple[str, ...]] = set()
    stack: list[tuple[Expr, tuple[str, ...]]] = [(expr, ())]
    while stack:
        node, prefix = stack.pop()
        if isinstance(node, Call):
            inner = prefix
            first = node.args[0] if node.args else None
            if node.name in AGGREGATES and isinstance(first, Path):
                inner = prefix + first.keys
            if node.name == "in_subtree" and isinstance(first, Path):
                found.add(prefix + first.keys)
            stack.extend((each, inner if place else prefix) for place, each in enumerate(node.args))
    return frozenset(found)


def ancestry_key(path: str) -> str:
    """Return the key of a row under which `in_subtree(path, ...)` finds the ids of the record and those above."""
    return f"{path}^"


def variables(expr: Expr) -> frozenset[str]:
    """Return the names of the variables that the expression reads."""
    return frozenset(node.name for node in walk(expr) if isinstance(node, Var))


def functions(expr: Expr) -> frozenset[str]:
    """Return the names of the operators and functions that the expression calls."""
    return frozenset(node.name for node in walk(expr) if isinstance(node, Call))


def rename_path(expr: Expr, old: Sequence[str], new: Sequence[str]) -> Expr:
    """Return the expression with every path that begins with `old` beginning with `new`.

    Paths are those that `paths` returns, so ("items", "amount") is also found as `amount` inside
    `sum_of(items, amount)`. Both have the same length: a rename changes keys, it does not move fields.

    Raises:
        ValueError: the two differ in length.
    """
    before, after = tuple(old), tuple(new)
    if len(before) != len(after):
        raise ValueError("a renamed path keeps its length")
    return _rename(expr, before, after, ())


def _rename(expr: Expr, old: tuple[str, ...], new: tuple[str, ...], prefix: tuple[str, ...]) -> Expr:
    if isinstance(expr, Path):
        whole = prefix + expr.keys
        if whole[: len(old)] != old:
            return expr
        return replace(expr, keys=(new + whole[len(old) :])[len(prefix) :])
    if isinstance(expr, Call):
        inner = prefix
        if expr.name in AGGREGATES and expr.args and isinstance(expr.args[0], Path):
            inner = prefix + expr.args[0].keys
        args = tuple(_rename(each, old, new, inner if place else prefix) for place, each in enumerate(expr.args))
        return expr if args == expr.args else replace(expr, args=args)
    return expr


def transform(expr: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """Return the expression with `change` made to every node, leaves first."""
    if isinstance(expr, Call):
        args = tuple(transform(each, change) for each in expr.args)
        if any(one is not other for one, other in zip(args, expr.args, strict=True)):
            expr = replace(expr, args=args)
    return change(expr)


def conjunction(*exprs: Expr) -> Expr:
    """Return what holds when all of the conditions hold; TRUE of none. Literals and nested `and` dissolve."""
    return _junction("and", exprs, neutral=TRUE, absorbing=FALSE)


def disjunction(*exprs: Expr) -> Expr:
    """Return what holds when any of the conditions holds; FALSE of none, never "no condition"."""
    return _junction("or", exprs, neutral=FALSE, absorbing=TRUE)


def _junction(name: str, exprs: Sequence[Expr], *, neutral: Literal, absorbing: Literal) -> Expr:
    parts: list[Expr] = []
    for each in exprs:
        for part in each.args if isinstance(each, Call) and each.name == name else (each,):
            if part == absorbing:
                return absorbing
            if part != neutral and part not in parts:
                parts.append(part)
    if not parts:
        return neutral
    return parts[0] if len(parts) == 1 else Call(name, tuple(parts))


_OPPOSITES = {"==": "!=", "!=": "=="}


def negation(expr: Expr) -> Expr:
    """Return what holds when the condition does not. `<` has no opposite: with a missing operand neither holds."""
    if expr == TRUE:
        return FALSE
    if expr == FALSE:
        return TRUE
    if isinstance(expr, Call):
        if expr.name == "not" and isinstance(expr.args[0], Call) and expr.args[0].name in BOOLEAN_OPERATORS:
            return expr.args[0]
        if expr.name in _OPPOSITES:
            return replace(expr, name=_OPPOSITES[expr.name])
    return Call("not", (expr,))


BOOLEAN_OPERATORS = frozenset({"and", "or", "not", "==", "!=", "<", "<=", ">", ">=", "in", "any", "all"})


def simplify(expr: Expr) -> Expr:
    """Return an equal condition without the parts of and, or and not that literals decide.

    `x and True` gives the condition `x`, so the result is meant to stand where a condition stands.
    """
    return transform(expr, _simplify_node)


def _simplify_node(node: Expr) -> Expr:
    if isinstance(node, Call):
        if node.name == "and":
            return conjunction(*node.args)
        if node.name == "or":
            return disjunction(*node.args)
        if node.name == "not":
            return negation(node.args[0])
    return node
