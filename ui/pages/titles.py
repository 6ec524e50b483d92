"""Names of the records that a form leads to, gathered first and asked for at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine import Call, Field, Literal, Path, Query, Reader, is_id
from ui.pages.listing import locale_of
from ui.widgets.inputs import kind_of

_TOLD_APART = 8
"""Records of one title that are offered."""
_FACTS = 3
"""Values that tell each of them from the others."""


class Titles:
    """Titles by entity and id: one statement for each entity, when the first one is needed."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._wanted: dict[str, dict[str, None]] = {}
        self._known: dict[str, Mapping[str, str]] = {}

    def want(self, entity: str | None, ids: Iterable[Any]) -> None:
        """Note ids whose titles will be needed."""
        good = [each for each in ids if isinstance(each, str) and is_id(each)]
        if entity and good:
            self._wanted.setdefault(entity, {}).update(dict.fromkeys(good))
            self._known.pop(entity, None)

    def want_of(self, field: Field, value: Any) -> None:
        """Note what the value of a field leads to, for those kinds whose titles do not come with the record."""
        kind = kind_of(field)
        if kind in {"file", "files"}:
            self.want("file", [value] if isinstance(value, str) else value or ())
        elif kind == "links":
            self.want(field.target, value or ())
        elif kind == "any" and value:
            entity, _, id_ = str(value).partition("/")
            self.want(entity, [id_])

    def named(self, entity: str, id_: str) -> str:
        """Return the title of a record that was asked for; "…" when there is none."""
        if entity not in self._known:
            wanted = self._wanted.get(entity)
            known = entity in self._reader.model.entities
            self._known[entity] = self._reader.titles(entity, wanted) if wanted and known else {}
        return self._known[entity].get(id_) or "…"

    def of(self, field: Field, value: Any) -> str:
        """Return the title of what a to-one link leads to, "" for nothing."""
        kind = kind_of(field)
        if not value or kind not in {"link", "any"}:
            return ""
        entity, _, id_ = str(value).rpartition("/")
        return self.named(entity or field.target or "", id_)

    def all(self, field: Field) -> Mapping[str, str]:
        """Return the known titles of what a field with several links or with files leads to."""
        kind = kind_of(field)
        if kind not in {"links", "file", "files"}:
            return {}
        entity = field.target or "" if kind == "links" else "file"
        if not self._wanted.get(entity):
            return {}
        self.named(entity, "")
        return self._known[entity]


def candidates(reader: Reader, field: Field, entity: str, typed: str) -> list[tuple[str, str]]:
    """Return (id, words that tell it from the others) of readable records with a title; none unless several have it."""
    known = reader.model.entities.get(entity)
    if known is None or not typed or not reader.access.may(entity, "read"):
        return []
    title = known.fields[known.title]
    mask = reader.access.mask(entity)
    if title.type.value_type != "text" or title.type.links or mask.get(known.title) not in {"read", "write"}:
        return []
    view = reader.model.default_view(entity)
    facts = [
        known.fields[column.path[0]]
        for column in view.columns.values()
        if len(column.path) == 1 and column.path[0] != known.title and not known.fields[column.path[0]].type.links
        and mask.get(column.path[0]) in {"read", "write"}
    ]  # fmt: skip
    where = Call("==", (Path((known.title,)), Literal(typed)))
    query = Query(entity, select=("id", *(each.key for each in facts)), where=where, limit=_TOLD_APART)
    found = list(reader.query(query).dicts())
    if len(found) < 2:  # noqa: PLR2004 - one is not ambiguous
        return []
    locale = locale_of(reader)
    prefix = f"{entity}/" if field.type.links == "any" else ""
    offered = []
    for values in found:
        words = [
            each.type.displayer(each.options, locale)(values[each.key])
            for each in facts
            if values.get(each.key) is not None
        ]
        offered.append((f"{prefix}{values['id']}", " · ".join([typed, *words[:_FACTS]])))
    return offered
