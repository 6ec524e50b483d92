"""Step 9: the row rule on the new values. Nobody gives a record away beyond their reach without the grant `transfer`.

What the new values alone decide is decided before anything is written; everything else is asked of the database once
the row stands, and a refusal takes it back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.data.about import KIND, RECORD
from engine.data.batch import Batch, Draft
from engine.data.probes import reached
from engine.data.rules import Rule, owner_path
from engine.data.steps.authorise import denied, imports, transferred
from engine.data.unit import Unit
from engine.expression import Expr, paths
from engine.metadata.model import Entity, Model

_EVERY = "*"


def _action(batch: Batch) -> str:
    return "create" if batch.action == "create" else "update"


def check_before(unit: Unit, batch: Batch, *, inner: bool) -> None:
    """Refuse a batch that no grant could let through, before it is written.

    Raises:
        AccessDenied: so it is.
    """
    if not inner and unit.access.rule(batch.entity, _action(batch)).nobody:
        raise denied(batch.kind, _action(batch))


def check_after(unit: Unit, batch: Batch, written: Sequence[Draft], *, inner: bool) -> None:
    """Refuse rows that, as they stand now, are out of the principal's reach.

    Raises:
        AccessDenied: there is one.
    """
    for action in (_action(batch), "import") if imports(unit) else (_action(batch),):
        _check(unit, batch, written, action, inner=inner)


def _check(unit: Unit, batch: Batch, written: Sequence[Draft], action: str, *, inner: bool) -> None:
    rule = unit.access.rule(batch.entity, action)
    if inner or rule.everybody or batch.trusted:
        return
    reads = _reads(unit, rule)
    due = [
        draft.id
        for draft in written
        if not _plainly_own(unit, rule, draft)
        and not transferred(batch, draft)
        and (draft.old is None or _EVERY in reads or not reads.isdisjoint(draft.changed))
    ]
    if due and len(reached(unit, batch.entity, action, due)) != len(due):
        raise denied(batch.kind, action)


def _plainly_own(unit: Unit, rule: Rule, draft: Draft) -> bool:
    """Say whether a rule that lets people at their own rows lets this one through, without asking the database."""
    if rule.restricts or rule.about or unit.principal.id is None:
        return False
    entity = unit.published.model.entity(rule.entity)
    for way in rule.ways:
        if way.parent is None and any(branch.rows == "own" for branch in way.branches):
            return bool(draft.new.get(owner_path(entity).keys[0]) == unit.principal.id)
    return False


def fields_of_rule(unit: Unit, entity: str, action: str) -> frozenset[str]:
    """Return the fields of a record that the rule of an action looks at."""
    return _reads(unit, unit.access.rule(entity, action))


def _reads(unit: Unit, rule: Rule) -> frozenset[str]:
    """Return the fields of a record that a rule looks at."""
    roles, model = unit.access.roles, unit.published.model
    key = ("rule reads", rule.entity, rule.action, roles)
    return model.derive(key, lambda: frozenset(_read_by(model, model.entity(rule.entity), rule)))


def _read_by(model: Model, entity: Entity, rule: Rule) -> Iterator[str]:
    exprs: list[Expr] = [restrict.condition for restrict in rule.restricts]
    if rule.about:
        yield from (KIND, RECORD)
    for way in rule.ways:
        if way.parent is not None and entity.parent_field is not None:
            yield entity.parent_field
        for branch in way.branches:
            if isinstance(branch.rows, str):
                yield owner_path(entity).keys[0]
                yield from (field.key for field in entity.fields.values() if field.share is not None)
                if entity.key in {"user", "team", "department"}:
                    yield _EVERY
            else:
                exprs.append(branch.rows)
    for expr in exprs:
        for path in paths(expr):
            field = entity.fields.get(path[0])
            # A formula or a relation may hide anything behind its name.
            yield path[0] if field is not None and (field.expr is None or field.stored) else _EVERY
