"""What an explanation may tell to whom: conditions, names and titles, no more than the one who asks may know.

Whoever holds the permission `audit` may ask about anybody and anything. Everybody else asks about themselves, and
learns of no record, field or person that they could not find out about otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from engine.data.fields import refuse_masked
from engine.data.place import Frame, ReadScope
from engine.data.statement import Binds
from engine.errors import ExpressionInvalid, QueryInvalid
from engine.expression import Expr, check, to_text
from engine.i18n import Message
from engine.ids import is_id
from engine.metadata.model import Entity

if TYPE_CHECKING:
    from engine.data.reader import Reader

SOMEBODY = Message("somebody")


class Audience:
    """Who is told."""

    def __init__(self, reader: Reader, about: Reader) -> None:
        self.reader = reader
        self.whole = reader.access.has("audit")
        """Whether they may know of everything."""
        self.themselves = reader.principal.id is not None and reader.principal.id == about.principal.id

    def knows(self, entity: str, id_: str) -> bool:
        """Say whether they may know that a record is there."""
        return self.whole or id_ in self.reader.readable(entity, (id_,))

    def condition(self, entity: Entity, expr: Expr) -> Message | str:
        """Return a condition as text, where every field in it is one that they may read."""
        if self.whole:
            return to_text(expr)
        access = self.reader.access
        frame = Frame(self.reader.kind, self.reader.published.tables, access.roles, Binds(self.reader.kind))
        try:
            check(expr, ReadScope(frame, entity, asking=True))
            refuse_masked(access.roles, entity, expr)
        except (ExpressionInvalid, QueryInvalid):
            return Message("a condition on fields that you may not see")
        return to_text(expr)

    def names(self, ids: Iterable[str | None], entity: str = "user") -> Mapping[str, str]:
        """Return the titles of those records that they may read."""
        wanted = [each for each in ids if each is not None and is_id(each)]
        if not wanted or entity not in self.reader.model.entities:
            return {}
        if self.whole:
            # Whoever answers for the rights of all may know their names, whatever rows their own roles reach.
            return self.reader.as_system().titles(entity, wanted)
        open_to = self.reader.readable(entity, wanted)
        return self.reader.titles(entity, [each for each in wanted if each in open_to])

    def name(self, id_: str | None, entity: str = "user") -> Any:
        """Return the title of a record; "somebody" for one that they may not read."""
        return self.names((id_,), entity).get(id_ or "", SOMEBODY)
