"""Step 11, search: the words of a record, written in its transaction; those of a whole chunk in one statement."""

from __future__ import annotations

from collections.abc import Sequence

from engine.data.batch import Draft
from engine.data.history import history_rows, insert_text, write_history
from engine.data.shape import Shape
from engine.data.unit import Unit
from engine.storage import search


def record_one(unit: Unit, shape: Shape, action: str, draft: Draft) -> None:
    """Write the history and the words of one new record; on PostgreSQL in one statement, for each is a way of its own.

    The words of an entity that is not searched are none.
    """
    if unit.phrases.kind != "postgresql" or not shape.words:
        write_history(unit, shape, action, [draft])
        index(unit, shape, [draft])
        return
    [row] = history_rows(unit, shape, action, [draft])
    words = search.vector(shape.words.words(draft.new))
    unit.run_counting(_BOTH, (*row, shape.entity.key, draft.id, words))


_BOTH = f"WITH told AS ({insert_text('%s')}) {search.postgres_add_one()}"


def index(unit: Unit, shape: Shape, drafts: Sequence[Draft], *, whole: bool = False) -> None:
    """Write the search rows of records that are new or whose words changed; `whole` = of all of them."""
    text = shape.words
    if not text:
        return
    entity, words = shape.entity.key, text.words
    fresh = [(draft.id, words(draft.new)) for draft in drafts if draft.old is None]
    search.add(unit.connection, entity, fresh)
    if len(fresh) < len(drafts):
        due = [
            draft
            for draft in drafts
            if draft.old is not None and (whole or not shape.searched.isdisjoint(draft.changed))
        ]
        search.replace(unit.connection, entity, [(draft.id, words(draft.new)) for draft in due])


def unindex(unit: Unit, shape: Shape, ids: Sequence[str]) -> None:
    """Take records out of the search."""
    if shape.words:
        search.remove(unit.connection, shape.entity.key, ids)
