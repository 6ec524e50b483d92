"""From a posted form to what `Records` takes: raw values, uploaded files, and what became of others' work meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import request

from engine import AccessDenied, Field, FieldProblem, GuanxiError, Locale, Message, Reader, RecordInvalid, humanise
from ui.asking import principal, site
from ui.pages.child_rows import (
    CellConflict,
    PostedRow,
    cell_conflicts,
    child_fields,
    gone,
    placed,
    posted_count,
    posted_rows,
    prefix_of,
    raw_rows,
)
from ui.pages.editing import Editing, stored_rows
from ui.pages.typed import as_typed
from ui.widgets.inputs import kind_of
from ui.widgets.posted import UNCHANGED, posted

_THEIRS = "theirs"
_LONGEST = 200


@dataclass(slots=True)
class Sent:
    """What a form asks for."""

    values: dict[str, Any] = field(default_factory=dict)
    """Raw values by field key."""
    uploads: dict[str, list[str]] = field(default_factory=dict)
    rows: dict[str, list[PostedRow]] = field(default_factory=dict)
    problems: list[FieldProblem] = field(default_factory=list)
    """What is wrong before anything is asked of `Records`."""
    conflicts: list[CellConflict] = field(default_factory=list)
    """Cells of child rows that somebody else changed too, and for which nobody has chosen yet."""

    def placed(self, form: Editing, problems: Sequence[FieldProblem]) -> list[FieldProblem]:
        """Return problems with child rows counted as in the form."""
        found = list(problems)
        for key, rows in self.rows.items():
            found = placed(form.fields[key], rows, found)
        return found


def read(reader: Reader, form: Editing, locale: Locale, record_id: str = "") -> Sent:
    """Return what the posted form asks for; of a stored record, with regard to what others did meanwhile."""
    sent = Sent()
    _receive(reader, form, sent)
    for key, each in form.fields.items():
        if as_typed().get(f"choose-{key}") == _THEIRS:
            continue
        if each.type.links == "children":
            value = _table(reader, form, each, locale, sent, record_id)
        else:
            value = posted(each, as_typed(), locale, sent.uploads, creating=form.creating)
        if value is not UNCHANGED:
            sent.values[key] = value
    sent.problems += _left_over(form)
    return sent


def _table(reader: Reader, form: Editing, table: Field, locale: Locale, sent: Sent, record_id: str) -> Any:
    if f"count-{table.key}" not in as_typed():
        return UNCHANGED
    rows = list(posted_rows(reader, table, locale, sent.uploads))
    others: list[str] = []
    if record_id and raw_rows(rows) is not UNCHANGED:
        now = stored_rows(reader, form.entity, table, record_id)
        sent.problems += gone(table, rows, now)
        there, mine = {row.id for row in now}, {row.id for row in rows}
        others = [row.id for row in now if row.id not in mine]
        # What somebody else removed and nobody changed here is gone for both.
        rows = [row for row in rows if not row.id or row.id in there or (row.values and not row.removed)]
        conflicts = cell_conflicts(reader, table, rows, now, locale)
        rows = [_settled(row, table, conflicts) for row in rows]
        sent.conflicts += [each for each in conflicts if f"choose-{each.path}" not in as_typed()]
    sent.rows[table.key] = rows
    return raw_rows(rows, others)


def _settled(row: PostedRow, table: Field, conflicts: Sequence[CellConflict]) -> PostedRow:
    """Return a row without the cells for which the other's value was chosen."""
    theirs = {
        each.field.key
        for each in conflicts
        if each.path == f"{table.key}/{row.place}/{each.field.key}" and as_typed().get(f"choose-{each.path}") == _THEIRS
    }
    if not theirs:
        return row
    values = {key: value for key, value in row.values.items() if key not in theirs}
    return PostedRow(row.place, row.id, row.removed, values, row.blank)


# --- files


def _receive(reader: Reader, form: Editing, sent: Sent) -> None:
    """Store the files that came with the form, so that they are there when it has to be shown again."""
    for key, each in form.fields.items():
        if kind_of(each) in {"file", "files"}:
            _take(key, key, sent)
        elif each.type.links == "children":
            inner = [one for one in child_fields(reader, each) if kind_of(one) in {"file", "files"}]
            for place in range(posted_count(each) if inner else 0):
                for one in inner:
                    _take(f"{prefix_of(each, place)}{one.key}", f"{key}/{place}/{one.key}", sent)


def _take(name: str, path: str, sent: Sent) -> None:
    for given in request.files.getlist(name):
        if not given.filename:
            continue
        try:
            sent.uploads.setdefault(name, []).append(
                site().files.add(principal(), given.stream, name=given.filename, via="web")
            )
        except RecordInvalid as error:
            sent.problems += [FieldProblem(path, each.message, each.code) for each in error.problems]
        except (AccessDenied, GuanxiError) as error:
            sent.problems.append(FieldProblem(path, error.message, "file"))


# --- fields that the form had and the site has no more


def _left_over(form: Editing) -> list[FieldProblem]:
    """Return what was typed into fields that are no longer part of the form; said once, so that nothing is lost."""
    found = []
    for name in as_typed():
        key = name.removeprefix("was-")
        if key == name or "-" in key or key in form.fields:
            continue
        typed = _typed(as_typed(), key)
        if typed and typed != as_typed()[name]:
            message = Message(
                "“{field}” can no longer be filled in here. It said: {value}. Save again to go on without it.",
                field=humanise(key),
                value=typed if len(typed) <= _LONGEST else f"{typed[:_LONGEST]}…",
            )
            found.append(FieldProblem("", message, "unknown"))
    return found


def _typed(form: Mapping[str, str], key: str) -> str:
    values = as_typed().getlist(key)
    return ", ".join(each for each in values if each) if values else ""
