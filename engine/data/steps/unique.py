"""Step 8, uniqueness: a twin is looked for and named before the database refuses the row. The index is the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.data.batch import Batch, Draft
from engine.data.probes import reached
from engine.data.shape import Shape, UniqueShape
from engine.data.unit import Unit
from engine.i18n import Message


def told_by_insert(batch: Batch) -> bool:
    """Say whether the database itself is to say that a value is taken: of one new record, which spares a question."""
    return batch.action == "create" and len(batch.drafts) == 1 and not batch.drafts[0].given.get("id")


def check_unique(unit: Unit, shape: Shape, batch: Batch) -> None:
    """Refuse rows whose values stand in another live record, or in an earlier row of the batch."""
    if batch.action == "create":
        _check_ids(unit, shape, batch)
    for rule in shape.unique:
        keys = tuple(column.key for column in rule.columns)
        due: dict[tuple[Any, ...], Draft] = {}
        for draft in batch.drafts:
            if draft.failed or not (draft.old is None or batch.action == "restore" or draft.changed.intersection(keys)):
                continue
            values = _encoded(rule, draft)
            if None in values:
                continue
            twin = due.get(values)
            if twin is None:
                due[values] = draft
            else:
                batch.refuse(draft, *_same_batch(rule, twin), "unique")
        if due:
            _ask(unit, shape, batch, rule, due)


def _check_ids(unit: Unit, shape: Shape, batch: Batch) -> None:
    """Refuse ids that clients have made and that some record has already, deleted ones included."""
    given = {draft.id: draft for draft in reversed(batch.drafts) if draft.given.get("id")}
    if not given:
        return
    identity = shape.by_key["id"].name
    text = f"SELECT {identity} FROM {shape.table} WHERE {unit.phrases.is_in(identity)}"  # noqa: S608 - names of the Model
    taken = {row[0] for row in unit.run(text, [unit.ids(given)]).fetchall()}
    for draft in batch.drafts:
        if draft.given.get("id") and (draft.id in taken or given[draft.id] is not draft):
            batch.refuse(
                draft, "id", Message("There is a {label} of this id already", label=shape.entity.label), "unique"
            )


def _encoded(rule: UniqueShape, draft: Draft) -> tuple[Any, ...]:
    return tuple(
        value if value is None or column.encode is None else column.encode(value)
        for column in rule.columns
        for value in (draft.new[column.key],)
    )


def _ask(unit: Unit, shape: Shape, batch: Batch, rule: UniqueShape, due: Mapping[tuple[Any, ...], Draft]) -> None:
    phrases = unit.phrases
    one = len(rule.columns) == 1
    bound = [phrases.values(values[0] for values in due)] if one else phrases.tuples(list(due))
    # A row that itself gives its values up in this batch is no twin of the one that takes them.
    leaving = {draft.id for draft in batch.drafts if draft.old is not None and not draft.failed}
    twins: dict[tuple[Any, ...], str] = {}
    for row in unit.run(rule.text, bound).fetchall():
        values = tuple(row[1:])
        draft = due.get(values)
        if draft is not None and row[0] != draft.id and (row[0] not in leaving or _keeps(batch, row[0], rule)):
            twins[values] = row[0]
    if twins:
        titles = readable_titles(unit, shape, list(twins.values()))
        for values, twin in twins.items():
            batch.refuse(due[values], *message(shape, rule, titles.get(twin)), "unique")


def _keeps(batch: Batch, id_: str, rule: UniqueShape) -> bool:
    return not batch.draft(id_).changed.intersection(column.key for column in rule.columns)


def readable_titles(unit: Unit, shape: Shape, ids: Sequence[str]) -> Mapping[str, str]:
    """Return the titles of those records that the principal may read."""
    title = shape.by_key.get(shape.entity.title)
    if title is None or title.sealed:
        return {}
    if unit.access.mask(shape.entity.key).get(title.key) not in {"read", "write"}:
        return {}
    known = reached(unit, shape.entity.key, "read", ids)
    if not known:
        return {}
    id_column = shape.by_key["id"].name
    text = f"SELECT {id_column}, {title.name} FROM {shape.table} WHERE {unit.phrases.is_in(id_column)}"  # noqa: S608
    decode = title.decode
    return {
        row[0]: str(row[1] if decode is None else decode(row[1]))
        for row in unit.run(text, [unit.ids(known)]).fetchall()
        if row[1] is not None
    }


def message(shape: Shape, rule: UniqueShape, title: str | None) -> tuple[str, Message]:
    """Return the path and the words for a value that is taken; the twin is named where it may be known."""
    entity = shape.entity
    path = _path(rule)
    if title is not None:
        return path, Message(
            "{label} “{title}” has the same {fields}", label=entity.label, title=title, fields=_names(rule)
        )
    return path, Message("Another {label} has the same {fields}", label=entity.label, fields=_names(rule))


def _same_batch(rule: UniqueShape, twin: Draft) -> tuple[str, Message]:
    return _path(rule), Message("Row {row} has the same {fields}", row=twin.row + 1, fields=_names(rule))


def _path(rule: UniqueShape) -> str:
    """Return the field that a taken value is shown at; "" where it takes several."""
    [field, *more] = [column.field for column in rule.columns]
    return "" if more else field.blind_of or field.key


class Names(Message):
    """Labels of several fields, joined as the reader's language does."""

    __slots__ = ()

    def in_(self, language: str) -> str:
        """Return the labels in a language."""
        separator = "、" if language.startswith("zh") else ", "
        return separator.join(label.in_(language) for label in self.values["labels"])


def _names(rule: UniqueShape) -> Message:
    return Names("{labels}", labels=tuple(column.field.label for column in rule.columns))
