"""Conditions of fields and sections: what is seen, needed, locked and offered as a record stands.

The server answers them when it makes a page; the browser gets the same expressions and answers them while somebody
types. Where one side cannot, nothing is hidden and nothing locked: `Records` has the last word anyway.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from engine import (
    Entity,
    EntityScope,
    Expr,
    ExpressionInvalid,
    Field,
    Form,
    Model,
    Query,
    QueryInvalid,
    Reader,
    compile_python,
    paths,
    to_browser,
    variables,
)
from ui.widgets.paths import fields_along

_OLD = "old."
Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Condition:
    """One prepared condition."""

    expr: Expr
    tree: object | None
    """As the browser takes it; None when it cannot work it out."""
    evaluate: Callable[[Values, Values], Any] | None
    """(values by dotted path, environment) -> truth; None when only the database knows."""
    reads: tuple[str, ...]
    """Dotted paths of the record; for related rows, the key of the relation."""
    olds: tuple[str, ...]
    """Fields whose value before the change it reads."""


def condition(model: Model, entity: str, expr: Expr) -> Condition:
    """Return a condition of an entity, prepared once per Model."""
    return model.derive(("condition", entity, expr), lambda: _made(model, entity, expr))


def _made(model: Model, entity: str, expr: Expr) -> Condition:
    scope = EntityScope(model, entity)
    fields, relations = model.entity(entity).fields, model.entity(entity).relations
    read: dict[str, None] = {}
    related = False
    for keys in sorted(paths(expr)):
        field = fields.get(keys[0])
        many = keys[0] in relations if field is None else field.type.links in {"many", "children"}
        related = related or many
        read[keys[0] if many else ".".join(keys)] = None
    tree = evaluate = None
    with suppress(ExpressionInvalid):
        tree = to_browser(expr, scope)
    with suppress(ExpressionInvalid):
        evaluate = None if related else compile_python(expr, scope)
    olds = tuple(sorted(name.removeprefix(_OLD) for name in variables(expr) if name.startswith(_OLD)))
    return Condition(expr, tree, evaluate, tuple(read), olds)


def holds(reader: Reader, entity: str, expr: Expr, values: Values, record_id: str = "") -> bool | None:
    """Say whether a condition holds for a record with some values by dotted path; None when nobody can say.

    What its values do not tell is asked of the database, about the record as it is stored.
    """
    made = condition(reader.model, entity, expr)
    if made.evaluate is not None and all(path in values for path in (*made.reads, *made.olds)):
        env = {**reader.access.env(), **{f"{_OLD}{key}": values[key] for key in made.olds}}
        return bool(made.evaluate(values, env))
    if not record_id or made.olds:
        return None
    try:
        return bool(len(reader.query(Query(entity, select=("id",), where=expr, ids=(record_id,), limit=1))))
    except QueryInvalid:
        return None  # it speaks of what the reader may not know


def wanted_paths(reader: Reader, entity: Entity, exprs: Iterable[Expr]) -> tuple[str, ...]:
    """Return the dotted paths that conditions read and that the reader may see, for the query of the record."""
    found: dict[str, None] = {}
    for expr in exprs:
        made = condition(reader.model, entity.key, expr)
        if made.evaluate is not None:
            found.update(dict.fromkeys((*made.reads, *made.olds)))
    return tuple(path for path in found if is_readable(reader, entity, path))


def is_readable(reader: Reader, entity: Entity, path: str) -> bool:
    """Say whether who reads may see what a dotted path of a record leads to."""
    here: Entity | None = entity
    for key in path.split("."):
        field = here.fields.get(key) if here is not None else None
        if field is None or field.type.links in {"many", "children"} or here is None:
            return False
        if reader.access.mask(here.key).get(key, "hidden") not in {"read", "write"}:
            return False
        here = reader.model.entities.get(field.target or "")
    return True


def of_field(field: Field) -> Mapping[str, Expr]:
    """Return the conditions of a field by the name that the browser has for them."""
    found = {"visible": field.visible_when, "required": field.required_when, "read-only": field.read_only_when}
    return {name: expr for name, expr in found.items() if expr is not None}


def of_form(form: Form, entity: Entity, fields: Iterable[str]) -> list[Expr]:
    """Return every condition of a form: of its sections, of its fields, and of their options."""
    found = [section.visible_when for tab in form.tabs for section in tab.sections if section.visible_when is not None]
    for key in fields:
        field = entity.fields[key]
        found += of_field(field).values()
        found += field.options_when.values()
    return found


def read_by(model: Model, entity: str, exprs: Iterable[Expr]) -> tuple[frozenset[str], frozenset[str]]:
    """Return (dotted paths, fields before the change) that conditions read."""
    made = [condition(model, entity, expr) for expr in exprs]
    return (
        frozenset(path for each in made for path in each.reads),
        frozenset(key for each in made for key in each.olds),
    )


def for_browser(model: Model, entity: str, expr: Expr) -> str:
    """Return a condition as the browser takes it, "" when it cannot work it out."""
    tree = condition(model, entity, expr).tree
    return json.dumps(tree, ensure_ascii=False, default=str) if tree is not None else ""


def options_for_browser(model: Model, field: Field) -> str:
    """Return the conditions of options as the browser takes them, by key; "" when no option has one."""
    trees = {key: condition(model, field.entity, expr).tree for key, expr in field.options_when.items()}
    known = {key: tree for key, tree in trees.items() if tree is not None}
    return json.dumps(known, ensure_ascii=False, default=str) if known else ""


def row_for_browser(model: Model, entity: Entity, values: Values) -> str:
    """Return the stored values of a record as the browser's expressions take them, by dotted path."""
    found: dict[str, Any] = {}
    for path, value in values.items():
        fields = fields_along(model, entity.key, path.split("."))
        field = fields[-1] if fields else None
        if value is None or field is None:
            found[path] = None
        elif field.type.links != "children":
            found[path] = field.type.result(field.options).to_json(value, field.options)
    return json.dumps(found, ensure_ascii=False, default=str)
