"""Types of an expression: every mistake in it with its place, and the typed tree that back ends compile.

`analyse` resolves each name against the scope and asks each operator's row for the type of its result.
A mistake does not stop it: what cannot be typed is unknown (`type` NULL and `broken`), and nothing is
reported about it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal

from engine.errors import ExpressionInvalid, ExpressionProblem
from engine.expression.ast import AGGREGATES, MAX_DEPTH, Call, Expr, Literal, Path, Value, Var
from engine.expression.numbers import decimals, unscaled
from engine.expression.parse import suggestion
from engine.expression.registry import Operator, operators
from engine.expression.types import MAX_STORED, TYPE_NAMES, UNKNOWN_SCALE, FieldInfo, Scope, Type
from engine.i18n import Message

MAX_SCALE = 60
MAX_BOUND = 10**300
MAX_GROWTH = 10_000


@dataclass(frozen=True, slots=True)
class Result:
    """What is known of the value of an operator before it is computed."""

    type: Type
    scale: int | None = None
    """Decimals of a number."""
    bound: int = 0
    """A number's largest magnitude, counted in units of its last decimal."""
    nullable: bool = True
    growth: int = 1
    """How many times longer than the texts it is made of a text can be."""
    broken: bool = False
    """Its type is not known because of a mistake that is reported already."""


UNKNOWN = Result(Type.NULL, broken=True)


@dataclass(frozen=True, slots=True)
class Typed:
    """A node with what is known of its value."""

    expr: Expr
    result: Result
    args: tuple[Typed, ...] = ()
    info: FieldInfo | None = None
    """Of a path or variable."""
    operator: Operator | None = None
    """Of a call."""

    @property
    def type(self) -> Type:
        """The type of the value."""
        return self.result.type

    @property
    def scale(self) -> int:
        """Decimals of a number."""
        return self.result.scale or 0

    @property
    def nullable(self) -> bool:
        """Whether the value can be missing."""
        return self.result.nullable

    @property
    def literal(self) -> Value:
        """The value of a literal; None also when the node is none."""
        return self.expr.value if isinstance(self.expr, Literal) else None

    @property
    def is_literal(self) -> bool:
        """Whether the value stands in the text."""
        return isinstance(self.expr, Literal)

    @property
    def options(self) -> frozenset[str] | None:
        """Option keys of a select that this is."""
        return self.info.options if self.info is not None else None


@dataclass(slots=True)
class Reporter:
    """Collects the mistakes of one call; `at` is the place of the node that is looked at."""

    problems: list[ExpressionProblem] = field(default_factory=list)
    at: tuple[int, int] = (1, 1)

    def report(
        self, message: Message, *, node: Typed | None = None, advice: Message | None = None, code: str = "type"
    ) -> Result:
        """Note a mistake at a node, by default the one looked at, and return the unknown result."""
        line, column = self.at if node is None else place_of(node.expr, self.at)
        self.problems.append(ExpressionProblem(message, line, column, advice, code))
        return UNKNOWN


@dataclass(frozen=True, slots=True)
class Checked:
    """What `check` found."""

    type: Type
    scale: int | None
    """Decimals of a number; None for anything else."""
    problems: tuple[ExpressionProblem, ...]
    nullable: bool = True


def place_of(expr: Expr, default: tuple[int, int] = (1, 1)) -> tuple[int, int]:
    """Return where an expression begins: the place of its leftmost part that has one."""
    places = [expr.place] if expr.place else []
    while isinstance(expr, Call) and expr.args:
        # The condition of `a if c else b` comes first in the tree, but not in the text.
        expr = expr.args[1] if expr.name == "if" and len(expr.args) > 1 else expr.args[0]
        if expr.place:
            places.append(expr.place)
    return min(places, default=default)


def check(expr: Expr, scope: Scope, expect: Type | None = None) -> Checked:
    """Return the type of an expression and every mistake in it.

    `expect` is the type that the place where it stands needs: BOOLEAN for a condition. A link and a text
    stand for each other, and None stands for everything.
    """
    typed, problems = analyse(expr, scope)
    if expect is not None and not problems:
        problems = list(_expected(typed, expect))
    scale = typed.result.scale if typed.type is Type.NUMBER else None
    return Checked(typed.type, scale, tuple(problems), typed.nullable)


def resolved(expr: Expr, scope: Scope) -> Typed:
    """Return the typed tree.

    Raises:
        ExpressionInvalid: there are mistakes in it.
    """
    typed, problems = analyse(expr, scope)
    if problems:
        raise ExpressionInvalid(problems)
    return typed


def analyse(expr: Expr, scope: Scope) -> tuple[Typed, list[ExpressionProblem]]:
    """Return the typed tree and all mistakes in it, by place."""
    reporter = Reporter()
    typed = _Analysis(reporter).node(expr, scope, 1)
    return typed, sorted(reporter.problems, key=lambda problem: (problem.line, problem.column))


def _expected(typed: Typed, expect: Type) -> Iterable[ExpressionProblem]:
    given = typed.type
    textual = {Type.TEXT, Type.LINK}
    if given in {expect, Type.NULL} or {given, expect} <= textual:
        return
    message = Message(
        "This must give {expected}, but gives {given}", expected=TYPE_NAMES[expect], given=TYPE_NAMES[given]
    )
    line, column = place_of(typed.expr)
    yield ExpressionProblem(message, line, column, _conversion(given, expect), "type")


def _conversion(given: Type, expect: Type) -> Message | None:
    if expect is Type.BOOLEAN:
        return Message("write a comparison, such as amount > 0, or ... is not None")
    functions = {Type.TEXT: "text", Type.NUMBER: "number", Type.DATE: "date", Type.DATETIME: "datetime"}
    if expect in functions and given in {Type.TEXT, Type.NUMBER, Type.DATE, Type.DATETIME, Type.BOOLEAN}:
        return Message("{name}(...) turns it into one", name=functions[expect])
    return None


def type_of_value(value: Value) -> Type:
    """Return the type of a literal's value."""
    for classes, found in _VALUE_TYPES:
        if isinstance(value, classes):
            return found
    return Type.NULL


_VALUE_TYPES: tuple[tuple[tuple[type, ...], Type], ...] = (
    ((bool,), Type.BOOLEAN),
    ((int, Decimal), Type.NUMBER),
    ((str,), Type.TEXT),
    ((datetime,), Type.DATETIME),
    ((date,), Type.DATE),
    ((time,), Type.TIME),
    ((tuple,), Type.LIST),
)


def result_of_info(info: FieldInfo, *, nullable: bool) -> Result:
    """Return what is known of a field's or variable's value."""
    if info.type is Type.NUMBER:
        scale = UNKNOWN_SCALE if info.scale is None else info.scale
        bound = MAX_STORED if info.scale is not None else MAX_STORED * 10**UNKNOWN_SCALE
        return Result(info.type, scale, bound, nullable)
    return Result(info.type, nullable=nullable)


class _Analysis:
    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    def node(self, expr: Expr, scope: Scope, depth: int) -> Typed:
        if depth > MAX_DEPTH:
            return self._problem(expr, Message("The expression is nested more than {most} levels deep", most=MAX_DEPTH))
        if isinstance(expr, Literal):
            return Typed(expr, self._literal(expr.value))
        if isinstance(expr, Path):
            return self._path(expr, scope)
        if isinstance(expr, Var):
            return self._variable(expr, scope)
        return self._call(expr, scope, depth)

    def _problem(self, expr: Expr, message: Message, advice: Message | None = None, code: str = "unknown") -> Typed:
        line, column = expr.place or (1, 1)
        self._reporter.problems.append(ExpressionProblem(message, line, column, advice, code))
        return Typed(expr, UNKNOWN)

    def _literal(self, value: Value) -> Result:
        found = type_of_value(value)
        if isinstance(value, Decimal):
            scale = decimals(value)
            return Result(found, scale, abs(unscaled(value, scale)), nullable=False)
        return Result(found, nullable=value is None)

    def _variable(self, expr: Var, scope: Scope) -> Typed:
        info = scope.variable(expr.name)
        if info is not None:
            return Typed(expr, result_of_info(info, nullable=info.nullable), info=info)
        known = [name for name in scope.names() if "." in name or scope.field(name) is None]
        advice = suggestion(expr.name, known)
        if expr.name == "user" and "user.id" in known:
            advice = Message("write {instead}", instead="user.id")
        return self._problem(expr, Message("There is no {name} here", name=expr.name), advice)

    def _path(self, expr: Path, scope: Scope) -> Typed:
        info: FieldInfo | None = None
        nullable = len(expr.keys) > 1
        for place, key in enumerate(expr.keys):
            if place:
                before = ".".join(expr.keys[:place])
                if info is None or info.type is Type.MANY:
                    advice = Message("write any({relation}, condition) or count({relation})", relation=before)
                    return self._problem(expr, Message("{path} is many records", path=before), advice)
                if info.type is not Type.LINK or info.target is None:
                    return self._problem(expr, Message("{path} does not lead to one kind of record", path=before))
                scope = scope.target(info.target)
            info = scope.field(key)
            if info is None:
                return self._unknown_field(expr, key, scope, inner=place > 0)
            nullable = nullable or info.nullable
        if info is None:
            raise ValueError("a path has at least one key")
        return Typed(expr, result_of_info(info, nullable=nullable), info=info)

    def _unknown_field(self, expr: Path, key: str, scope: Scope, *, inner: bool) -> Typed:
        known = list(scope.names())
        advice = suggestion(key, [name for name in known if not inner or "." not in name])
        if advice is None and not inner and len(expr.keys) == 1:
            advice = Message("a text stands in quotes: {text}", text=repr(key))
        return self._problem(expr, Message("There is no field {name}", name=".".join(expr.keys)), advice)

    def _call(self, expr: Call, scope: Scope, depth: int) -> Typed:
        operator = operators().get(expr.name)
        if operator is None:
            return self._problem(expr, Message("There is no function {name}", name=expr.name), code="unknown_function")
        if len(expr.args) < operator.least or (operator.most is not None and len(expr.args) > operator.most):
            message = Message("{name} does not take {count} arguments", name=expr.name, count=len(expr.args))
            return self._problem(expr, message, Message("write {usage}", usage=operator.usage), "arguments")
        args = self._arguments(expr, scope, depth)
        if any(each.result.broken for each in args):
            return Typed(expr, UNKNOWN, args, operator=operator)
        self._reporter.at = expr.place or (1, 1)
        result = operator.rule(args, self._reporter)
        if result.bound > MAX_BOUND or (result.scale or 0) > MAX_SCALE:
            message = Message("The result can have more digits than a number may have")
            result = self._reporter.report(message, advice=Message("use round(...) in between"), code="too_large")
        if result.growth > MAX_GROWTH:
            result = self._reporter.report(Message("The text can become too long"), code="too_large")
        return Typed(expr, result, args, operator=operator)

    def _arguments(self, expr: Call, scope: Scope, depth: int) -> tuple[Typed, ...]:
        if expr.name not in AGGREGATES:
            return tuple(self.node(each, scope, depth + 1) for each in expr.args)
        relation = self.node(expr.args[0], scope, depth + 1)
        if relation.result.broken:
            return (relation,)
        info = relation.info
        if relation.type is not Type.MANY or info is None or info.target is None or not isinstance(relation.expr, Path):
            message = Message("{name} needs related records first, such as a table field", name=expr.name)
            return (self._problem(expr.args[0], message, code="type"),)
        inner = scope_at(scope, relation.expr.keys)
        return (relation, *(self.node(each, inner, depth + 1) for each in expr.args[1:]))


def scope_at(scope: Scope, keys: tuple[str, ...]) -> Scope:
    """Return the scope of the records that a path of links and relations leads to."""
    for key in keys:
        info = scope.field(key)
        if info is None or info.target is None:
            raise ValueError(f"{'.'.join(keys)} leads nowhere")
        scope = scope.target(info.target)
    return scope


Rule = Callable[[tuple[Typed, ...], Reporter], Result]
