"""Files in records: uploaded first, then named by their id; checked here, and attached once the record is written.

A file belongs to the record that first names it, and who may see that field may fetch it. So a record may name a file
that nobody has attached yet and that the same person has uploaded, or one that it has already.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from engine.data.batch import Batch, Draft
from engine.data.shape import Shape
from engine.data.unit import Unit
from engine.fields.file import File, accepts
from engine.i18n import Message
from engine.metadata.model import Field

_ENTITY = "file"


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    kind: str
    size: int
    owner: str | None
    record: tuple[str | None, str | None]


def check_files(unit: Unit, shape: Shape, batch: Batch) -> None:
    """Refuse files that do not exist, belong elsewhere, or are of a size or kind that the field does not take."""
    for field in shape.file_fields:
        due = {draft.id: _added(draft, field) for draft in batch.drafts}
        ids = {each for added in due.values() for each in added}
        if not ids:
            continue
        known = _rows(unit, ids)
        for draft in batch.drafts:
            for id_ in due[draft.id]:
                problem = _problem(unit, field, draft, known.get(id_))
                if problem is not None:
                    batch.refuse(draft, field.key, problem, "file")
                    break


def attach(unit: Unit, shape: Shape, drafts: Sequence[Draft]) -> None:
    """Write into files which record they belong to."""
    if not shape.file_fields:
        return
    there = unit.shape(_ENTITY)
    entity, record, key, identity = (
        there.by_key[each].name for each in ("record_entity", "record_id", "record_field", "id")
    )
    mark = unit.phrases.mark
    text = (
        f"UPDATE {there.table} SET {entity} = {mark}, {record} = {mark}, {key} = {mark} "  # noqa: S608 - names of the Model
        f"WHERE {identity} = {mark} AND {record} IS NULL"
    )
    rows = [
        (shape.entity.key, draft.id, field.key, id_)
        for field in shape.file_fields
        for draft in drafts
        for id_ in _added(draft, field)
    ]
    unit.run_many(text, rows)


def _added(draft: Draft, field: Field) -> list[str]:
    """Return the files that a draft names and did not name before."""
    if field.key not in draft.changed or draft.failed:
        return []
    before = set(_ids(draft.old.get(field.key))) if draft.old is not None else set()
    return [each for each in _ids(draft.new.get(field.key)) if each not in before]


def _ids(value: str | Iterable[str] | None) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


def _rows(unit: Unit, ids: Iterable[str]) -> Mapping[str, _Row]:
    there = unit.shape(_ENTITY)
    keys = ("id", "name", "content_type", "size", "created_by", "record_entity", "record_id")
    names = ", ".join(there.by_key[key].name for key in keys)
    text = (
        f"SELECT {names} FROM {there.table} WHERE {unit.phrases.is_in(there.by_key['id'].name)} "  # noqa: S608
        f"AND {there.by_key['deleted_at'].name} IS NULL"
    )
    return {
        row[0]: _Row(row[1], row[2] or "", row[3] or 0, row[4], (row[5], row[6]))
        for row in unit.run(text, [unit.ids(ids)]).fetchall()
    }


def _problem(unit: Unit, field: Field, draft: Draft, row: _Row | None) -> Message | None:
    free = row is not None and row.record[1] is None
    mine = row is not None and (row.owner == unit.principal.id or unit.principal.system)
    if row is None or not ((free and mine) or row.record == (field.entity, draft.id)):
        return Message("{label}: there is no such file", label=field.label)
    assert isinstance(field.type, File)  # noqa: S101 - the shape lists no others
    if row.size > field.type.max_bytes(field.options):
        most = field.type.max_bytes(field.options) // 1024
        return Message("{label}: the file is larger than {most} KB", label=field.label, most=most)
    accepted = field.type.accept(field.options)
    if not accepts(accepted, row.name, row.kind):
        return Message("{label}: only {kinds} are taken", label=field.label, kinds=", ".join(accepted))
    return None
