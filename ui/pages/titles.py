"""Names of the records that a form leads to, gathered first and asked for at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine import Call, Entity, Field, Literal, Locale, Path, Query, Reader, is_id
from ui.pages.listing import locale_of
from ui.widgets.inputs import kind_of
from ui.widgets.paths import fields_along, linked_titles, mask_of

_TOLD_APART = 8
"""Records of one title that are offered."""
_FACTS = 3
"""Values that tell each of them from the others."""
_NO_FACTS = frozenset({"boolean", "json", "longtext", "richtext", "rating", "color", "secret"})


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
    facts = _facts(reader, known)
    where = Call("==", (Path((known.title,)), Literal(typed)))
    query = Query(entity, select=("id", *(path for _field, path in facts)), where=where, limit=_TOLD_APART)
    found = list(reader.query(query).dicts())
    if len(found) < 2:  # noqa: PLR2004 - one is not ambiguous
        return []
    prefix = f"{entity}/" if field.type.links == "any" else ""
    told = _Words(facts, locale_of(reader))
    return [(f"{prefix}{values['id']}", " · ".join([typed, *told.of(values)])) for values in found]


def facts_of(reader: Reader, field: Field, choices: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return by id what tells the choices of a link from each other: one statement for each entity."""
    by_entity: dict[str, list[str]] = {}
    for id_, _title in choices:
        entity, _, bare = id_.rpartition("/")
        by_entity.setdefault(entity or field.target or "", []).append(bare)
    told: dict[str, str] = {}
    for entity, ids in by_entity.items():
        known = reader.model.entities.get(entity)
        facts = _facts(reader, known) if known is not None else []
        if not facts:
            continue
        query = Query(entity, select=("id", *(path for _field, path in facts)), ids=tuple(ids), limit=len(ids))
        words = _Words(facts, locale_of(reader))
        prefix = f"{entity}/" if field.type.links == "any" else ""
        for values in reader.query(query).dicts():
            told[f"{prefix}{values['id']}"] = " · ".join(words.of(values))
    return told


def _facts(reader: Reader, known: Entity) -> list[tuple[Field, str]]:
    """Return (field, dotted path) of what the usual list of an entity shows besides the title."""
    view = reader.model.default_view(known.key)
    found: list[tuple[Field, str]] = []
    for column in view.columns.values():
        along = fields_along(reader.model, known.key, column.path)
        if not along or column.path == (known.title,) or mask_of(reader.access, along) not in {"read", "write"}:
            continue
        last = along[-1]
        if last.system:
            continue
        titles = linked_titles(reader.model, last, column.path) if last.type.links == "one" else None
        if titles is not None and last.target != "user":
            named = fields_along(reader.model, known.key, titles)
            if named and not named[-1].type.links and mask_of(reader.access, named) in {"read", "write"}:
                found.append((named[-1], ".".join(titles)))
        elif not last.type.links and last.type.name not in _NO_FACTS:
            found.append((last, ".".join(column.path)))
    return found


class _Words:
    """Says the first few facts of a record that there are."""

    def __init__(self, facts: Iterable[tuple[Field, str]], locale: Locale) -> None:
        self._facts = [(each.type.displayer(each.options, locale), path, each) for each, path in facts]
        self._language = locale.language

    def of(self, values: Mapping[str, Any]) -> list[str]:
        """Return the facts of one record."""
        found = [
            each.choices[value].label.in_(self._language)
            if isinstance(value, str) and value in each.choices
            else display(value)
            for display, path, each in self._facts
            if (value := values.get(path)) is not None
        ]
        return [words for words in found if words][:_FACTS]
