"""Step 10: the rows themselves, their links, and the answer to a unique index that knew better."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy.exc import IntegrityError

from engine.data.batch import Batch, Draft
from engine.data.history import history_rows, insert_text
from engine.data.shape import Shape
from engine.data.unit import Unit
from engine.errors import FieldProblem, RecordInvalid, StaleModel
from engine.i18n import Message
from engine.metadata.model import Field
from engine.storage.search import postgres_add_one, vector


def insert(unit: Unit, shape: Shape, batch: Batch, *, told: bool = False) -> bool:
    """Insert the drafts of a batch as new rows.

    `told`: whether a value that must be unique is in another row is told by the answer, False, and nothing was written.
    """
    rows = [_first(unit, shape, draft) for draft in batch.drafts]
    if told:
        if unit.run_counting(shape.insert_text, encoded(shape, rows)[0]) != 1:
            return False
    else:
        unit.insert(shape.table, shape.select_columns, encoded(shape, rows))
    _insert_links(unit, shape, batch.drafts)
    return True


def insert_whole(unit: Unit, shape: Shape, draft: Draft) -> bool:
    """Insert a new record with its history and its words in one statement of PostgreSQL, for each is a way of its own.

    False: a value that must be unique is in another row, and nothing was written.
    """
    [row] = encoded(shape, [_first(unit, shape, draft)])
    [change] = history_rows(unit, shape, "create", [draft])
    words = vector(shape.words.words(draft.new))
    text = _whole_text(shape.table, shape.select_columns)
    if unit.run_counting(text, (*row, *change, shape.entity.key, draft.id, words)) != 1:
        return False
    _insert_links(unit, shape, [draft])
    return True


@cache
def _whole_text(table: str, columns: str) -> str:
    marks = ", ".join(["%s"] * (columns.count(",") + 1))
    return (
        f"WITH made AS (INSERT INTO {table} ({columns}) VALUES ({marks}) ON CONFLICT DO NOTHING RETURNING 1), "  # noqa: S608
        f"told AS ({insert_text('%s', source='made')}) {postgres_add_one('made')}"
    )


def _first(unit: Unit, shape: Shape, draft: Draft) -> list[Any]:
    """Return the cells of a draft that becomes the first version of a record."""
    draft.version = 1
    cells = _cells(unit, shape, draft)
    draft.unsaved.clear()
    return cells


def _cells(unit: Unit, shape: Shape, draft: Draft) -> list[Any]:
    """Return the values of a draft in the order of the columns, secrets sealed."""
    cells = list(draft.new.values())
    for key in shape.sealed:
        if cells[shape.place[key]] is not None:
            cells[shape.place[key]] = sealed(unit, shape, draft, key)
    return cells


def sealed(unit: Unit, shape: Shape, draft: Draft, key: str) -> str:
    """Return the cipher text of a secret field of a draft.

    Raises:
        SiteBroken: the site has no key.
    """
    plain = draft.secrets.get(key)
    if plain is None:
        return draft.sealed[key]
    cipher = unit.seal(shape, draft.id, key, plain)
    draft.sealed[key] = cipher
    return cipher


def encoded(shape: Shape, rows: list[list[Any]]) -> list[list[Any]]:
    """Return rows of Python values as the driver takes them; the rows are changed in place."""
    for place, encode in shape.encoders:
        for row in rows:
            if row[place] is not None:
                row[place] = encode(row[place])
    return rows


def update(unit: Unit, shape: Shape, drafts: Sequence[Draft]) -> None:
    """Write the changed columns of drafts, one statement for all that change the same columns, and count versions."""
    groups: dict[tuple[str, ...], list[list[Any]]] = {}
    now, actor = unit.now, unit.principal.id
    by_key = shape.by_key
    for draft in drafts:
        keys = [key for key in draft.new if key in draft.changed]
        draft.new["updated_at"], draft.new["updated_by"] = now, actor
        draft.new["version"] = draft.version + 1
        names = tuple(dict.fromkeys((*keys, "version", "updated_at", "updated_by")))
        cells = []
        for key in names:
            value = draft.new[key]
            column = by_key[key]
            if value is not None:
                if column.sealed:
                    value = sealed(unit, shape, draft, key)
                elif column.encode is not None:
                    value = column.encode(value)
            cells.append(value)
        groups.setdefault(names, []).append([*cells, draft.id, draft.version])
        draft.version += 1
        draft.unsaved.clear()
    for names, rows in groups.items():
        # The rows are locked and their versions were read under the lock, so the condition on the version always
        # holds; it stands there so that a defect elsewhere cannot become a lost update.
        text = shape.update_text(names)
        if len(rows) == 1:
            if unit.run_counting(text, rows[0]) != 1:
                raise StaleModel(unit.published.model.revision, unit.published.model.revision)
        else:
            unit.run_many(text, rows)
    _replace_links(unit, shape, drafts)


def update_settled(unit: Unit, shape: Shape, drafts: Iterable[Draft]) -> None:
    """Write computed values that were not known yet when the row was written; they belong to the same version."""
    groups: dict[tuple[str, ...], list[list[Any]]] = {}
    for draft in drafts:
        keys = tuple(key for key in shape.blank if key in draft.unsaved)
        if keys:
            cells = [
                value if (encode := shape.by_key[key].encode) is None or value is None else encode(value)
                for key in keys
                for value in (draft.new[key],)
            ]
            groups.setdefault(keys, []).append([*cells, draft.id, draft.version])
            draft.unsaved.clear()
    for keys, rows in groups.items():
        unit.run_many(shape.update_text(keys), rows)


def _insert_links(unit: Unit, shape: Shape, drafts: Iterable[Draft]) -> None:
    for field in shape.link_fields:
        rows = [
            (draft.id, target, place) for draft in drafts for place, target in enumerate(draft.links.get(field.key, ()))
        ]
        if rows:
            mark = unit.phrases.mark
            unit.run_many(
                f"INSERT INTO {_link_table(unit, field)} (record_id, target_id, position) "  # noqa: S608
                f"VALUES ({mark}, {mark}, {mark})",
                rows,
            )


def _replace_links(unit: Unit, shape: Shape, drafts: Iterable[Draft]) -> None:
    for field in shape.link_fields:
        due = [draft for draft in drafts if field.key in draft.changed]
        if due:
            unit.run(
                f"DELETE FROM {_link_table(unit, field)} WHERE {unit.phrases.is_in('record_id')}",  # noqa: S608
                [unit.ids(draft.id for draft in due)],
            )
            rows = [(draft.id, target, place) for draft in due for place, target in enumerate(draft.links[field.key])]
            if rows:
                mark = unit.phrases.mark
                unit.run_many(
                    f"INSERT INTO {_link_table(unit, field)} (record_id, target_id, position) "  # noqa: S608
                    f"VALUES ({mark}, {mark}, {mark})",
                    rows,
                )


def _link_table(unit: Unit, field: Field) -> str:
    return unit.phrases.name(unit.published.tables.link_name(field.entity, field.key))


def explained(error: Exception) -> Any:
    """Return the error for a caller when the database knew better, another time, than everything that was asked."""
    return refused() if isinstance(error, IntegrityError) else error


def refused() -> RecordInvalid:
    """Return the error for a record that the database refused because of one that nobody can name."""
    message = Message("The database refused the record because of another one; please try again")
    return RecordInvalid([FieldProblem("", message, "conflict")])
