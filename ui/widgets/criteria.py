"""Conditions as a tree of rows and groups, and as the expression that it stands for: one is read from the other.

`write(read(expr)) == expr`, whatever the expression: what no operator says stays as words in a row of its own. Lists,
reports and whatever else asks people for a condition may show the same tree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from typing import Any, TypeAlias

from engine import Access, Call, Expr, Model, Path, parse, to_text
from ui.widgets.operators import Operator, candidates, kind_of, operators, teams_of
from ui.widgets.paths import fields_along, mask_of

_TYPES = {"number": Decimal, "date": date, "datetime": date, "time": time}
"""What values are by kind of field; of all others texts."""
_DEEPEST = 4
"""Groups within groups that are shown; what lies deeper is a row of words."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One row: what is said of a field."""

    path: str
    """Dotted, along to-one links."""
    operator: str
    values: tuple[Any, ...] = ()
    """Python values: texts, Decimals, dates; of a period its key; of links ids."""


@dataclass(frozen=True, slots=True)
class Words:
    """A row that is an expression in words."""

    text: str


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that hold together, or of which one has to hold."""

    parts: tuple[Part, ...]
    every: bool = True
    """Whether all of them have to hold."""


Part: TypeAlias = "Condition | Words | Group"


@dataclass(frozen=True, slots=True)
class Grammar:
    """What conditions about one entity may say."""

    model: Model
    entity: str
    access: Access | None = None
    """Of whoever is asked: fields that they may not read have no operators; nobody's = every field has."""

    def operators(self, path: str) -> dict[str, Operator]:
        """Return the operators of the field at a path; none when there is no such field."""
        fields = fields_along(self.model, self.entity, path.split("."))
        if not fields or any(each.type.links != "one" for each in fields[:-1]):
            return {}
        if self.access is not None and mask_of(self.access, fields) != "read":
            return {}
        return dict(operators(kind_of(fields[-1]), teams_of(self.model)))

    def read(self, expr: Expr) -> Group:
        """Return the tree of an expression."""
        found = self._part(expr, 0)
        return found if isinstance(found, Group) else Group((found,))

    def _part(self, expr: Expr, depth: int) -> Part:
        row = self._condition(expr)
        if row is not None:
            return row
        if isinstance(expr, Call) and expr.name in {"and", "or"} and depth < _DEEPEST:
            return Group(tuple(self._part(each, depth + 1) for each in expr.args), every=expr.name == "and")
        return Words(to_text(expr))

    def _condition(self, expr: Expr) -> Condition | None:
        for keys in _paths(expr):
            dotted = ".".join(keys)
            for operator in self.operators(dotted).values():
                for values in candidates(operator, expr):
                    if self._fits(dotted, operator, values) and self._writes(operator, Path(keys), values, expr):
                        return Condition(dotted, operator.key, values)
        return None

    def _fits(self, path: str, operator: Operator, values: tuple[Any, ...]) -> bool:
        """Say whether values are of the type that the field has: what compares others is no row, and no condition."""
        if operator.value in {"", "period"}:
            return True
        fields = fields_along(self.model, self.entity, path.split(".")) or ()
        kind = "number" if operator.value == "days" else kind_of(fields[-1])
        return all(type(each) is _TYPES.get(kind, str) for each in values)

    @staticmethod
    def _writes(operator: Operator, path: Path, values: tuple[Any, ...], expr: Expr) -> bool:
        try:
            return operator.holds(values) and operator.make(path, values) == expr
        except (TypeError, ValueError):
            return False  # a list within a list, which no literal can be

    def write(self, part: Part) -> Expr | None:
        """Return the expression of a tree; None when nothing is said in it. Rows that lack a value say nothing.

        Raises:
            ExpressionInvalid: a row of words cannot be read.
        """
        if isinstance(part, Words):
            return parse(part.text) if part.text.strip() else None
        if isinstance(part, Condition):
            operator = self.operators(part.path).get(part.operator)
            if operator is None or not operator.holds(part.values):
                return None
            return operator.make(Path(tuple(part.path.split("."))), part.values)
        written = [each for each in map(self.write, part.parts) if each is not None]
        if len(written) < 2:  # noqa: PLR2004 - one condition needs nothing that joins it
            return written[0] if written else None
        return Call("and" if part.every else "or", tuple(written))


def _paths(expr: Expr) -> Iterator[tuple[str, ...]]:
    """Yield the paths that stand outside of aggregates, and what they begin with, the longest first."""
    seen: set[tuple[str, ...]] = set()
    stack = [expr]
    while stack:
        node = stack.pop()
        if isinstance(node, Path):
            for length in range(len(node.keys), 0, -1):
                keys = node.keys[:length]
                if keys not in seen:
                    seen.add(keys)
                    yield keys
        elif isinstance(node, Call):
            stack.extend(reversed(node.args[:1] if node.name in {"any", "all", "count", "sum_of"} else node.args))


def replaced(group: Group, place: tuple[int, ...], change: Callable[[Part], Part | None]) -> Group:
    """Return a tree in which the part at a place is what `change` makes of it; None takes it away."""
    if not place:
        changed = change(group)
        return changed if isinstance(changed, Group) else Group(())
    number, *rest = place
    if number >= len(group.parts):
        return group
    part = group.parts[number]
    made = replaced(part, tuple(rest), change) if rest and isinstance(part, Group) else change(part)
    parts = (*group.parts[:number], *((made,) if made is not None else ()), *group.parts[number + 1 :])
    return Group(parts, group.every)
