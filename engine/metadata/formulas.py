"""Expressions of fields, and the order in which values that depend on one another are worked out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from engine.errors import ExpressionProblem
from engine.expression import Expr, Path, Type, Var, paths, walk
from engine.fields.reference import Reference
from engine.fields.rollup import Rollup as RollupType
from engine.i18n import Message
from engine.metadata.drafts import Drafts, EntityDraft, FieldDraft
from engine.metadata.model import Rollup
from engine.metadata.relations import relation_named
from engine.metadata.report import Report
from engine.metadata.scope import EntityScope

Node = tuple[str, str]
"""A field: entity and key."""


class Formulas:
    """Reads the expressions that make values, and puts them in order."""

    def __init__(self, report: Report, drafts: Drafts) -> None:
        self._report, self._drafts = report, drafts
        self._needs: dict[Node, tuple[Node, ...]] = {}
        self.order: dict[Node, int] = {}
        """Of computed fields: what a field needs comes before it."""

    def run(self) -> None:
        """Fill in `expr` and `rollup` of computed fields; note circles and what a stored formula may not use."""
        for draft in self._drafts.entities.values():
            scope = EntityScope(self._drafts, draft.key, old=False)
            for made in draft.fields.values():
                if made.type.computed:
                    self._read(draft, made, scope)
        for node in self._needs:
            if node not in self.order:
                self._visit(node)
        self._check_stored()

    def _read(self, draft: EntityDraft, made: FieldDraft, scope: EntityScope) -> None:
        needs: Iterable[tuple[str, ...]] = ()
        if isinstance(made.type, Reference):
            keys = (*made.options["of"].split("."), made.options["field"])
            made.expr = Path(keys)
            needs = [keys]
        elif isinstance(made.type, RollupType):
            needs = self._rollup(draft, made)
        elif "expr" in made.options:
            expect = made.info.type if made.info is not None else None
            made.expr = self._report.expression(draft.id, (*made.path, "expr"), made.options["expr"], scope, expect)
            if made.expr is not None:
                needs = paths(made.expr)
        self._needs[draft.key, made.key] = tuple(dict.fromkeys(self._nodes(draft.key, needs)))

    def _rollup(self, draft: EntityDraft, made: FieldDraft) -> Iterable[tuple[str, ...]]:
        relation = made.options["of"]
        function = (
            made.type.function(made.options) if made.info is not None and isinstance(made.type, RollupType) else None
        )
        own, known = draft.fields.get(relation), relation_named(draft, relation)
        if function is None:
            return ()
        if known is not None:
            relation, entity, link = known.key, known.entity, known.field
        elif own is not None and own.target is not None:
            entity, link = own.target, relation
        else:
            return ()
        key = made.options[function]
        field = key if isinstance(key, str) else None
        where = None
        if "where" in made.options:
            scope = EntityScope(self._drafts, entity, old=False)
            where = self._report.expression(draft.id, (*made.path, "where"), made.options["where"], scope)
        made.rollup = Rollup(relation, entity, link, function, field, where)  # type: ignore[arg-type]
        inside = [] if field is None else [(field,)]
        return [(relation, *each) for each in [*inside, *(paths(where) if where is not None else ())]]

    def _nodes(self, entity: str, needs: Iterable[tuple[str, ...]]) -> Iterator[Node]:
        """Yield the computed fields that paths pass."""
        for path in needs:
            at: str | None = entity
            for key in path:
                draft = self._drafts.entities.get(at or "")
                if draft is None:
                    break
                made = draft.fields.get(key)
                if made is not None and made.type.computed:
                    yield (draft.key, key)
                at = self._drafts.leads_to(draft.key, key)

    def _visit(self, start: Node) -> None:
        """Order what a field needs, without recursion: a chain of formulas may be long."""
        trail: list[Node] = []
        stack: list[tuple[Node, Iterator[Node]]] = [(start, iter(self._needs[start]))]
        trail.append(start)
        on_trail = {start}
        while stack:
            node, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                stack.pop()
                trail.pop()
                on_trail.discard(node)
                self.order.setdefault(node, len(self.order))
            elif following in on_trail:
                self._circle([*trail[trail.index(following) :], following])
            elif following not in self.order and following in self._needs:
                stack.append((following, iter(self._needs[following])))
                trail.append(following)
                on_trail.add(following)

    def _circle(self, nodes: list[Node]) -> None:
        entity, key = nodes[0]
        draft = self._drafts.entities[entity]
        path = draft.fields[key].path
        name = next((each for each in ("expr", "of") if each in draft.fields[key].body), "type")
        words = " → ".join(f"{each[0]}.{each[1]}" for each in nodes)
        message = Message("a value needs itself to be worked out: {path}", path=words)
        self._report.error(draft.id, (*path, name), message, code="cycle")

    def _check_stored(self) -> None:
        """Note stored formulas whose value changes with the clock or the reader, directly or through others."""
        moving: dict[Node, Var] = {}
        for node in sorted(self.order, key=self.order.__getitem__):
            draft = self._drafts.entities[node[0]]
            made = draft.fields[node[1]]
            own = _moving(made.expr) or _moving(made.rollup.where if made.rollup is not None else None)
            through = next((moving[each] for each in self._needs[node] if each in moving), None)
            if own is None and through is None:
                continue
            if not made.stored:
                moving[node] = own or through  # type: ignore[assignment]
                continue
            name = (own or through).name  # type: ignore[union-attr]
            message = Message("a value that is stored cannot use {name}, which changes by itself", name=name)
            line, column = (own.place or (1, 1)) if own is not None else (1, 1)
            where = "expr" if "expr" in made.body else "where" if own is not None else "of"
            problem = ExpressionProblem(message, line, column, Message("leave out stored: true"), "stored")
            self._report.expression_problem(draft.id, (*made.path, where), problem)


def _moving(expr: Expr | None) -> Var | None:
    if expr is None:
        return None
    return next(
        (
            node
            for node in walk(expr)
            if isinstance(node, Var) and (node.name in {"today", "now"} or node.name.startswith("user"))
        ),
        None,
    )


_CONDITIONS = ("required_when", "visible_when", "read_only_when")
_EXPRESSIONS = frozenset({*_CONDITIONS, "default_expr", "options_when", "where"})


def conditions(report: Report, drafts: Drafts, draft: EntityDraft, made: FieldDraft) -> dict[str, Any]:
    """Return the other expressions of a field: default_expr, the conditions, `where` of a lookup."""
    body = made.body
    if _EXPRESSIONS.isdisjoint(body):
        return {}
    found: dict[str, Any] = {}
    scope = EntityScope(drafts, draft.key)
    for name in _CONDITIONS:
        if name in body:
            found[name] = report.expression(draft.id, (*made.path, name), body[name], scope)
    if "default_expr" in body:
        found["default_expr"] = _default(report, drafts, draft, made)
    if "options_when" in body:
        found["options_when"] = _options_when(report, draft, made, scope)
    if "where" in body and made.rollup is None and made.target is not None:
        fields = draft.system | {key: each.info for key, each in draft.fields.items() if each.info is not None}
        inner = EntityScope(drafts, made.target, old=False, record=fields)
        found["where"] = report.expression(draft.id, (*made.path, "where"), body["where"], inner, around=True)
    return {name: value for name, value in found.items() if value is not None}


def _default(report: Report, drafts: Drafts, draft: EntityDraft, made: FieldDraft) -> Expr | None:
    path = (*made.path, "default_expr")
    if made.type.computed or made.type.links == "children":
        report.error(draft.id, path, Message("a value that is worked out has no default"), code="computed")
        return None
    if "default" in made.body:
        report.error(draft.id, path, Message("default and default_expr exclude each other"), code="twice")
        return None
    expect: Type | None = made.info.type if made.info is not None else None
    if expect in {Type.MANY, Type.JSON}:
        expect = None
    scope = EntityScope(drafts, draft.key, old=False)
    return report.expression(draft.id, path, made.body["default_expr"], scope, expect)


def _options_when(report: Report, draft: EntityDraft, made: FieldDraft, scope: EntityScope) -> Mapping[str, Expr]:
    found: dict[str, Expr] = {}
    for option, text in made.body["options_when"].items():
        path = (*made.path, "options_when", option)
        if option not in made.choices:
            message = Message("{name} is none of the options", name=repr(option))
            report.unknown(draft.id, path, message, option, made.choices, key=True)
            continue
        expr = report.expression(draft.id, path, text, scope)
        if expr is not None:
            found[option] = expr
    return found


def default_order(report: Report, draft: EntityDraft, defaults: Mapping[str, Expr]) -> tuple[str, ...]:
    """Return the fields with `default_expr` so that each comes after those that it reads."""
    needs = {key: {path[0] for path in paths(expr) if path[0] in defaults} for key, expr in defaults.items()}
    try:
        return tuple(TopologicalSorter(needs).static_order())
    except CycleError as error:
        circle = error.args[1][::-1]
        message = Message("a default needs itself to be worked out: {path}", path=" → ".join(circle))
        report.error(draft.id, ("fields", circle[0], "default_expr"), message, code="cycle")
        return tuple(defaults)
