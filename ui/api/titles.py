"""Titles of what links lead to, beside the records of an answer: `titles=true`.

A link is its id wherever a record is read or written, so what was read can be sent back. Who shows records to people
asks for the titles too: each stands once, by entity and id, however many records lead there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from engine import Entity, Field, Message, Reader
from ui.api.problems import BadRequest

_WORDS = {None: False, "": False, "false": False, "true": True}


def wanted(given: str | None) -> bool:
    """Return what the parameter `titles` says.

    Raises:
        BadRequest: it is neither true nor false.
    """
    if given not in _WORDS:
        raise BadRequest(Message("titles is true or false"))
    return _WORDS[given]


def titles(reader: Reader, entity: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Return entity -> id -> title of what the links in some rows lead to, as the caller may know them."""
    ids: dict[str, set[str]] = {}
    _note(reader, reader.model.entity(entity), rows, ids)
    known = {target: reader.titles(target, each) for target, each in sorted(ids.items())}
    return {target: each for target, each in known.items() if each}


def _note(reader: Reader, entity: Entity, rows: Sequence[Mapping[str, Any]], ids: dict[str, set[str]]) -> None:
    for path in rows[0] if rows else ():
        field = _end(reader, entity, path)
        if field is None:
            continue
        values = [row[path] for row in rows]
        if field.type.links == "children":
            _note(reader, reader.model.entity(field.target or ""), [each for one in values for each in one or ()], ids)
        elif field.type.links:
            for target, id_ in _links(field, values):
                if target in reader.model.entities:
                    ids.setdefault(target, set()).add(id_)


def _links(field: Field, values: Iterable[Any]) -> Iterator[tuple[str, str]]:
    """Yield (entity, id) of values: one, several, or `entity/id` of a link to several entities."""
    for value in values:
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, str):
                target, _, id_ = each.rpartition("/")
                yield (target if field.type.links == "any" else field.target or ""), id_


def _end(reader: Reader, entity: Entity, path: str) -> Field | None:
    """Return the field at the end of a path that was read already."""
    *steps, last = path.split(".")
    for step in steps:
        entity = reader.model.entity(entity.fields[step].target or "")
    return entity.fields.get(last)
