"""A new record that begins as a copy of another one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from flask import request

from engine import Entity, Field, Locale, Reader, Row, is_id
from ui.frame import words
from ui.pages.acts import Act, register
from ui.pages.child_rows import Stored
from ui.pages.editing import Editing, Filling, blank, stored
from ui.widgets.inputs import is_secret, kind_of


def copied(reader: Reader, form: Editing, record_id: str, locale: Locale) -> Filling:
    """Return what the form of a new record begins with: the values of another, but for those that are its own alone.

    `rows=0` in the address leaves its child rows out.

    Raises:
        NotFound: there is no such record, or who reads may not see it.
    """
    filling = blank(reader, form, {}, locale)
    source, _version, _may = stored(reader, replace(form, creating=False), record_id)
    mask = reader.access.mask(form.entity.key)
    with_rows = request.args.get("rows") != "0"
    taken = set()
    for key, each in form.fields.items():
        if mask.get(key) not in {"read", "write"} or not _is_copied(form.entity, each):
            continue
        if each.type.links == "children":
            rows = source.rows.get(key, []) if with_rows else []
            filling.rows[key] = [_row(reader, each, row) for row in rows]
        elif source.values.get(key) is not None:
            filling.values[key] = source.values[key]
            filling.titles[key] = source.titles.get(key, "")
            taken.add(key)
    filling.given = frozenset(taken)
    return filling


def _is_copied(entity: Entity, each: Field) -> bool:
    """Say whether a copy takes a value over: a state begins anew, what stands once stays with its record."""
    state = entity.states is not None and entity.states.field == each.key
    files = kind_of(each) in {"file", "files"}
    return each.copy and not each.unique and not state and not files and not is_secret(each)


def _row(reader: Reader, table: Field, row: Stored) -> Stored:
    child = reader.model.entity(table.target or "")
    values = {key: value for key, value in row.values.items() if _is_copied(child, child.fields[key.partition(".")[0]])}
    return Stored("", values, row.titles)


def asked_for() -> str:
    """Return the id of the record that the address wants copied, "" for none."""
    given = request.args.get("copy", "")
    return given if is_id(given) else ""


@register
def _duplicate(reader: Reader, entity: Entity, row: Row) -> Iterable[Act]:
    if reader.access.may(entity.key, "create") and entity.parent is None and entity.layer != "core":
        yield Act(words("Duplicate"), f"/{entity.key}/new?copy={row.id}", "copy", order=40)
