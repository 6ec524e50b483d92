"""Stored formulas and rollups of records that were there before: worked out when a publication adds or changes them.

No version and no history come of it: nobody changed the records, they only say more than before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from engine import clock
from engine.data.consequences import put_computed
from engine.data.dependencies import dependencies
from engine.data.drafts import new_batch, stored_draft
from engine.data.principal import SYSTEM
from engine.data.rollups import compute
from engine.data.sets import new_set
from engine.data.steps import persist
from engine.data.steps.evaluate import Evaluation
from engine.data.steps.formulas import work_out_named
from engine.data.steps.load import load
from engine.data.unit import CHUNK, Unit
from engine.publish import Published

if TYPE_CHECKING:
    from engine.data.records import Records


def backfill(
    records: Records,
    connection: Connection,
    published: Published,
    entity: str,
    fields: Sequence[str],
    ids: Sequence[str] | None,
) -> None:
    """Work out some computed fields of records of an entity, of all of them when `ids` is None."""
    unit = Unit(records, connection, published, SYSTEM, now=clock.now(), via="publish", change_set=new_set("publish"))
    shape = unit.shape(entity)
    wanted = frozenset(fields)
    groups = [
        group
        for found in dependencies(published.model).rollups.values()
        for group in found
        if group.entity == entity and wanted.intersection(group.keys)
    ]
    named = wanted.intersection(field.key for field, _ in shape.formulas)
    blinds = {key: blind for key, blind in shape.blind.items() if blind in wanted}
    for part in _parts(unit, shape, ids):
        stored = load(unit, shape, part, trashed=None)
        drafts = [stored_draft(found) for found in stored.values()]
        by_id = {draft.id: draft for draft in drafts}
        for group in groups:
            for id_, values in compute(unit, shape, group, by_id).items():
                put_computed(by_id[id_], values)
        evaluation = Evaluation(unit, shape, new_batch(unit, shape, "update", drafts))
        due: Mapping[str, Any] = dict.fromkeys(by_id, named)
        work_out_named(shape, drafts, evaluation, due)
        for key, blind in blinds.items():
            for draft in drafts:
                sealed = draft.sealed.get(key)
                plain = unit.unseal(shape, draft.id, key, sealed) if sealed is not None else None
                put_computed(draft, {blind: unit.blind(shape, key, plain)})
        persist.update_settled(unit, shape, drafts)


def _parts(unit: Unit, shape: Any, ids: Sequence[str] | None) -> Any:
    if ids is not None:
        yield from (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))
        return
    identity, mark = shape.by_key["id"].name, unit.phrases.mark
    after = "00000000-0000-0000-0000-000000000000"
    while True:
        text = f"SELECT {identity} FROM {shape.table} WHERE {identity} > {mark} ORDER BY {identity} LIMIT {CHUNK}"  # noqa: S608
        found = [row[0] for row in unit.run(text, (after,)).fetchall()]
        if not found:
            return
        yield found
        after = found[-1]
