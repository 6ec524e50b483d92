"""The judge: compares what a channel told a person with what the plain rows and the written rules say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import orjson

from engine.expression import Expr, paths
from engine.i18n import Message
from engine.ids import is_id
from engine.leaks import told
from engine.leaks.finding import Kind, Leak
from engine.leaks.marks import Mark, Marks
from engine.leaks.oracle import Oracle
from engine.leaks.plain import SEALED, Record
from engine.metadata.model import Entity, Field, Model

DOTS = "••••"
"""What stands for a masked value."""
_LONGEST = 80
_ID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")

_ABOUT_ONESELF = frozenset({"name", "email", "language", "timezone"})
"""Fields of their own record that everybody may know."""

_ROW_RULE = Message("no grant lets them read this record")
_ACTION_RULE = Message("no grant reaches this record")
_HIDDEN = Message("the field is hidden from them")
_MASKED = Message("the field is masked for them")
_SECRET = Message("a secret is never shown")
_GRANTED = Message("a grant lets them read it")
_UNLINKED = Message("no record that they may read leads to it")
_TITLE_RULE = Message("the title is hidden from them")
_NUMBER_RULE = Message("a number counts only what they may read")
_BROKEN = Message("nothing is proved for this channel")


class Judge:
    """Judges what one person is told by one channel."""

    def __init__(self, oracle: Oracle, marks: Marks, channel: str, *, whole: bool = True) -> None:
        self.oracle = oracle
        self.model: Model = oracle.model
        self.marks = marks
        self.channel = channel
        self._whole = whole
        """Whether all rows may be gone through to find what leads to a record."""

    def judge(self, said: told.Told) -> Iterable[Leak]:
        """Return what is wrong with one thing that was told."""
        verdict: Callable[..., Iterator[Leak]] = _VERDICTS[type(said)]
        return verdict(self, said)

    # --- rows and values ------------------------------------------------------------------------------------------

    def row(self, said: told.Row) -> Iterator[Leak]:
        """Judge a record and its values."""
        row = self.oracle.plain.row(said.entity, said.id)
        if row is None or (said.reach and not self.oracle.may(said.entity, row, said.action)):
            yield self._leak("leak", said.entity, said.id, None, said.id, self._why_not(said.entity, row), said.part)
            return
        for key, value in said.values.items():
            yield from self._value(said.entity, row, key, value, said.part)
        yield from self._search(orjson.dumps(said.values, default=str), said.part)

    def _value(self, entity: str, row: Record, key: str, value: Any, part: str) -> Iterator[Leak]:
        field = self.model.entity(entity).fields.get(key)
        if field is None:
            return
        mask = self.oracle.mask(entity, key)
        if mask == "hidden":
            yield self._leak("leak", entity, row["id"], key, value, _HIDDEN, part)
        elif mask == "masked" and not is_mark(field, value, self._stored(field, row)):
            rule = _SECRET if field.type.name == "secret" or field.secret else _MASKED
            yield self._leak("leak", entity, row["id"], key, value, rule, part)

    def _stored(self, field: Field, row: Record) -> Any:
        return row.get(field.key) if field.stored else None

    def along(self, said: told.Along) -> Iterator[Leak]:
        """Judge a value of a record at the end of a link."""
        if said.value is None:
            return
        row = self.oracle.plain.row(said.entity, said.id)
        if row is None or not self.oracle.may(said.entity, row, "read"):
            yield self._leak("leak", said.entity, said.id, said.field, said.value, self._why_not(said.entity, row))
            return
        yield from self._value(said.entity, row, said.field, said.value, "")

    def title(self, said: told.Title) -> Iterator[Leak]:
        """Judge a title that was told because something leads to the record."""
        known = self.model.entity(said.entity)
        row = self.oracle.plain.row(said.entity, said.id)
        if row is not None and row["deleted_at"] is None and self.oracle.may(said.entity, row, "read"):
            yield from self._value(said.entity, row, known.title, said.title, "")
            return
        if said.title in {None, ""}:
            return
        seen = self.oracle.mask(said.entity, known.title)
        if seen == "masked" and is_mark(known.fields[known.title], said.title, None):
            return
        if seen != "read":
            yield self._leak("leak", said.entity, said.id, known.title, said.title, _TITLE_RULE)
        elif not self._leads(said):
            yield self._leak("leak", said.entity, said.id, known.title, said.title, _UNLINKED)

    def _leads(self, said: told.Title) -> bool:
        """Say whether a readable record leads there by a field that is seen, now or in its history."""
        holder = self.oracle.plain.row(said.holder, said.holder_id)
        if holder is None or not self.oracle.may(said.holder, holder, "read"):
            return False
        return (said.entity, said.id) in set(linked(self.oracle, said.holder, holder))

    # --- many rows ------------------------------------------------------------------------------------------------

    def ids(self, said: told.Ids) -> Iterator[Leak]:
        """Judge a list: nothing in it that may not be read, and nothing left out that may."""
        expected = said.expected
        for id_ in sorted(said.ids):
            row = self.oracle.plain.row(said.entity, id_)
            if row is None or not self.oracle.may(said.entity, row, said.action):
                yield self._leak("leak", said.entity, id_, None, id_, self._why_not(said.entity, row), said.part)
            elif expected is not None and id_ not in expected:
                rule = Message("the question is not true of what they may see of the record")
                yield self._leak("leak", said.entity, id_, None, id_, rule, said.part)
        if said.whole:
            if expected is None:
                expected = frozenset(row["id"] for row in self.oracle.visible(said.entity))
            for id_ in sorted(expected - said.ids):
                yield self._leak("withheld", said.entity, id_, None, "", _GRANTED, said.part)

    def absent(self, said: told.Absent) -> Iterator[Leak]:
        """Judge a record that was said not to be there."""
        row = self.oracle.plain.row(said.entity, said.id)
        if row is not None and row["deleted_at"] is None and self.oracle.may(said.entity, row, "read"):
            yield self._leak("withheld", said.entity, said.id, None, "", _GRANTED)

    def number(self, said: told.Number) -> Iterator[Leak]:
        """Judge a number over many records."""
        if said.value != said.expected:
            words = f"{said.what}: {said.value} != {said.expected}"
            yield self._leak("leak", said.entity, None, said.field, words, _NUMBER_RULE)

    # --- bytes and acts -------------------------------------------------------------------------------------------

    def words(self, said: told.Words) -> Iterator[Leak]:
        """Judge bytes."""
        if said.error:
            yield self._leak("failed", said.entity, None, None, said.error, _BROKEN, said.part)
        yield from self._search(said.data, said.part, said.said)
        yield from self._ids_within(said)

    def _ids_within(self, said: told.Words) -> Iterator[Leak]:
        """Judge the ids in some bytes: of records that may be read, or that such records lead to."""
        places = self.oracle.plain.places()
        for id_ in {found.decode() for found in _ID.findall(said.data)} - said.said:
            entity = places.get(id_)
            row = self.oracle.plain.row(entity, id_) if entity is not None else None
            if entity is None or row is None or id_ in self._own():
                continue
            if not self.oracle.may(entity, row, "read") and not self._led_to(entity, id_):
                yield self._leak("leak", entity, id_, None, id_, self._why_not(entity, row), said.part)

    def _search(self, data: bytes, part: str, said: frozenset[str] = frozenset()) -> Iterator[Leak]:
        for text, mark in self.marks.within(data):
            if text not in said and not self.known(mark):
                row = self.oracle.plain.row(mark.entity, mark.id)
                yield self._leak("leak", mark.entity, mark.id, mark.field, text, self._why(mark, row), part)

    def accepted(self, said: told.Accepted) -> Iterator[Leak]:
        """Judge what should have been refused."""
        yield self._leak("changed" if said.id is not None else "leak", said.entity, said.id, said.field,
                         said.what, said.rule)  # fmt: skip

    def failed(self, said: told.Failed) -> Iterator[Leak]:
        """Report a channel that broke down."""
        yield self._leak("failed", said.entity, None, None, said.error, _BROKEN, said.part)

    # --- what may be known ----------------------------------------------------------------------------------------

    def known(self, mark: Mark) -> bool:
        """Say whether the person may come to know a planted value, by whatever way."""
        allowed: dict[Mark, bool] = self.oracle.memory.setdefault("known marks", {})
        if mark not in allowed:
            allowed[mark] = self._may_know(mark)
        return allowed[mark]

    def _may_know(self, mark: Mark) -> bool:
        oracle = self.oracle
        known = self.model.entity(mark.entity)
        if (mark.entity, mark.id) == ("user", oracle.person.id) and mark.field in _ABOUT_ONESELF:
            return True
        row = oracle.plain.row(mark.entity, mark.id)
        if row is None:
            return False
        seen = oracle.mask(mark.entity, mark.field)
        if seen == "read" and oracle.may(mark.entity, row, "read"):
            return True
        if (mark.entity, mark.field) in self._told_by_formulas():
            return True
        return mark.field == known.title and seen == "read" and self._led_to(mark.entity, mark.id)

    def _own(self) -> set[str | None]:
        """Return the ids that belong to the person: rules on their pages speak of them."""
        person = self.oracle.person
        return {person.id, person.department, person.manager, *person.sharing_ids, *person.territories}

    def _led_to(self, entity: str, id_: str) -> bool:
        """Say whether some readable record leads to another one."""
        if self._whole:
            return (entity, id_) in self._linked()
        led: dict[tuple[str, str], bool] = self.oracle.memory.setdefault("led to", {})
        if (entity, id_) not in led:
            led[entity, id_] = any(
                (entity, id_) in set(linked(self.oracle, holder, row))
                for holder, row in self.oracle.plain.holders(entity, id_)
                if self.oracle.may(holder, row, "read")
            )
        return led[entity, id_]

    def _linked(self) -> frozenset[tuple[str, str]]:
        """Return every record that some readable record leads to, now or in its history."""
        found: frozenset[tuple[str, str]] | None = self.oracle.memory.get("linked")
        if found is None:
            everything = (
                (key, row) for key in self.model.entities for row in self.oracle.plain.rows(key)
                if self.oracle.may(key, row, "read")
            )  # fmt: skip
            found = frozenset(each for key, row in everything for each in linked(self.oracle, key, row))
            self.oracle.memory["linked"] = found
        return found

    def _told_by_formulas(self) -> frozenset[tuple[str, str]]:
        """Return the fields that a formula, rollup or default reads whose own value the person may see.

        A formula has the same value for everybody; whoever writes one that tells more than a role should know gives
        it a mask.
        """
        found: frozenset[tuple[str, str]] | None = self.oracle.memory.get("told by formulas")
        if found is None:
            found = frozenset(
                each
                for entity in self.model.entities.values()
                for field in entity.fields.values()
                if field.type.name != "reference" and self.oracle.mask(entity.key, field.key) == "read"
                for each in _told_by(self.model, entity, field)
            )
            self.oracle.memory["told by formulas"] = found
        return found

    # --- words ----------------------------------------------------------------------------------------------------

    def _why_not(self, entity: str, row: Record | None) -> Message:
        name = self.oracle.restriction(entity, row) if row is not None else None
        return Message("a restriction keeps it away ({name})", name=name) if name is not None else _ROW_RULE

    def _why(self, mark: Mark, row: Record | None) -> Message:
        seen = self.oracle.mask(mark.entity, mark.field)
        if row is None or not self.oracle.may(mark.entity, row, "read"):
            return self._why_not(mark.entity, row)
        field = self.model.entity(mark.entity).fields[mark.field]
        if field.secret or field.type.name == "secret":
            return _SECRET
        return _HIDDEN if seen == "hidden" else _MASKED

    def _leak(
        self,
        kind: Kind,
        entity: str | None,
        id_: str | None,
        field: str | None,
        value: Any,
        rule: Message,
        part: str = "",
    ) -> Leak:
        person = self.oracle.person
        words = str(value)
        return Leak(
            kind, self.channel, entity, id_, field, person.name, tuple(sorted(person.roles)),
            words if len(words) <= _LONGEST else f"{words[:_LONGEST]}…", rule, part,
        )  # fmt: skip


def is_mark(field: Field, value: Any, stored: Any) -> bool:
    """Say whether what was told of a masked field is no more than a mark may tell."""
    if value is None or value in ("", (), []):
        return True
    if not isinstance(value, str) or DOTS not in value:
        return False
    head, _, rest = value.partition(DOTS)
    if not head and not rest:
        return True
    kind = field.type.name if field.type.name != "reference" else field.type.result(field.options).name
    if field.secret or kind not in _MARKED:
        return False
    whole = None if stored in {None, SEALED} else str(stored).removeprefix("+86")
    if whole is not None and not (whole.startswith(head) and whole.endswith(rest)):
        return False
    before, behind = _MARKED[kind]
    if kind == "text" and whole is not None and sum(letter.isdigit() for letter in whole) < _LONG_NUMBER:
        return False
    return len(head) <= before and (rest.startswith("@") if kind == "email" else len(rest) <= behind)


_MARKED = {"phone": (3, 4), "email": (1, 0), "text": (0, 4)}
"""Characters before and behind the dots: of telephone numbers, of addresses besides what follows the @, and of long
numbers that are kept as text."""
_LONG_NUMBER = 12


def linked(oracle: Oracle, entity: str, row: Record) -> Iterator[tuple[str, str]]:
    """Yield (entity, id) of every record that a record leads to by a field that is seen, now or in its history."""
    for key, field in oracle.model.entity(entity).fields.items():
        if field.type.name == "reference":
            target = field.target
            value = oracle.value(field.expr, entity, row) if target is not None and field.expr is not None else None
        elif field.type.links in {"one", "many", "any"} or field.type.value_type == "link":
            target, value = field.target, row.get(key)
        elif is_id(row.get(key)):
            # A text may name a record too, as that of a file names what the file belongs to.
            value = row[key]
            target = oracle.plain.places().get(value)
        else:
            continue
        if oracle.mask(entity, key) != "read":
            continue
        yield from _ends(target, value)
        for changes in oracle.plain.past(entity, row["id"]):
            for each in changes.get(key, ()):
                yield from _ends(target, each)


def _ends(target: str | None, value: Any) -> Iterator[tuple[str, str]]:
    for each in value if isinstance(value, (list, tuple)) else [value]:
        if isinstance(each, str):
            there, slash, id_ = each.partition("/")
            if slash:
                yield there, id_
            elif target is not None:
                yield target, each


def _told_by(model: Model, entity: Entity, field: Field) -> Iterator[tuple[str, str]]:
    """Yield the fields whose values a field may tell: of a formula, of the default, of what is summed up."""
    for expr in (field.expr, field.default_expr):
        if expr is not None:
            yield from _read_by(model, entity, expr)
    rollup = field.rollup
    if rollup is not None and rollup.field is not None:
        yield rollup.entity, rollup.field
        there = model.entity(rollup.entity)
        yield from _told_by(model, there, there.fields[rollup.field])


def _read_by(model: Model, entity: Entity, expr: Expr) -> Iterator[tuple[str, str]]:
    for keys in paths(expr):
        here: Entity | None = entity
        for key in keys:
            if here is None:
                break
            yield here.key, key
            field, relation = here.fields.get(key), here.relations.get(key)
            if field is not None and field.expr is not None and field.expr is not expr:
                yield from _read_by(model, here, field.expr)
            there = relation.entity if relation is not None else None if field is None else field.target
            here = model.entities.get(there) if there is not None else None


_VERDICTS: Mapping[type, Callable[..., Iterator[Leak]]] = {
    told.Row: Judge.row,
    told.Ids: Judge.ids,
    told.Absent: Judge.absent,
    told.Title: Judge.title,
    told.Along: Judge.along,
    told.Words: Judge.words,
    told.Number: Judge.number,
    told.Accepted: Judge.accepted,
    told.Failed: Judge.failed,
}
