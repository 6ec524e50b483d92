"""Step 11, search: the words of a record, written in its transaction; those of a whole chunk in one statement."""

from __future__ import annotations

from collections.abc import Sequence

from engine.data.batch import Draft
from engine.data.shape import Shape
from engine.data.unit import Unit
from engine.storage import search


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
