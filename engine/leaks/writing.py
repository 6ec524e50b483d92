"""Channels that try to change what may not be changed, by every way in; nothing that they do is kept.

Each attempt is a transaction that is rolled back after the rows were looked at as they would stand. What is judged is
what became of the rows, not what was answered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from sqlalchemy import Connection

from engine.errors import GuanxiError
from engine.i18n import Message
from engine.leaks.channels import Asking, channel
from engine.leaks.marks import Planter
from engine.leaks.oracle import Oracle
from engine.leaks.plain import Plain, Record
from engine.leaks.told import Accepted, Row, Told
from engine.metadata.model import Field
from engine.storage.database import run

_ROWS, _FIELDS = 3, 3
_ROW = Message("no grant lets them do this to the record")
_FIELD = Message("no grant lets them write the field")
_AWAY = Message("nobody moves a record out of their own reach without the grant to hand over")
_OWNER = Message("a new owner takes the grant to hand over")
_OPEN = Message("no grant lets them reveal the value")
_SET = Message("what somebody else did is taken back by administrators alone")
_ASKED = Message("a field that they may not read can be neither filtered, sorted nor grouped by")

Act = Callable[[Connection], Any]


class _RollBack(Exception):
    """Nothing is kept."""


class Trial:
    """One attempt: what the rows were, what was answered, what the rows would be."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self.answer: Any = None
        self.error: GuanxiError | None = None
        self.after: dict[str, Record | None] = {}
        self.made: dict[str, bool] = {}
        """Id of a new record -> whether the person may create it as it stands."""
        self.kept: dict[str, bool] = {}
        """Id of a changed record -> whether the person may still change it."""

    def run(self, act: Act, ids: list[str]) -> Trial:
        """Carry out an act, look at the records, and take it back."""
        asking = self._asking
        entity = asking.entity.key
        try:
            with asking.site.records.begin() as connection:
                try:
                    self.answer = act(connection)
                except GuanxiError as error:
                    self.error = error
                plain = Plain(connection, asking.reader.published)
                oracle = Oracle(plain, asking.person, asking.oracle.now)
                self.after = {id_: plain.row(entity, id_) for id_ in ids}
                for id_, row in self.after.items():
                    self.kept[id_] = row is not None and oracle.may(entity, row, "update")
                for id_ in self._new_ids():
                    row = plain.row(entity, id_)
                    self.made[id_] = row is not None and oracle.may(entity, row, "create")
                raise _RollBack  # noqa: TRY301 - the transaction must see it
        except _RollBack:
            return self

    def _new_ids(self) -> list[str]:
        written = self.answer if isinstance(self.answer, list) else []
        return [each.id for each in written if getattr(each, "action", "") == "created"]


@channel("write", Message("changes of records"), writes=True)
def changes(asking: Asking) -> Iterator[Told]:
    """Give fields of records values, by each way that can."""
    live = [row for row in asking.rows if row["deleted_at"] is None]
    planter = Planter(asking.dice)
    for row in asking.dice.sample(live, min(len(live), _ROWS)):
        fields = list(asking.entity.fields.values())
        for field in asking.dice.sample(fields, min(len(fields), _FIELDS)):
            value = _other(asking, planter, field, row)
            if value is None:
                continue
            name, act = asking.dice.choice(list(_ways(asking, row["id"], field.key, value)))
            yield from _judged(asking, name, row, field, Trial(asking).run(act, [row["id"]]))
    yield from _owners(asking, live)


def _other(asking: Asking, planter: Planter, field: Field, row: Record) -> Any:
    """Return a raw value that the record does not have; None when none can be made."""
    if field.type.links == "one" and field.target is not None:
        ids = [each["id"] for each in asking.plain.rows(field.target) if each["id"] != row.get(field.key)]
        return asking.dice.choice(ids) if ids else None
    if field.choices:
        keys = [key for key in field.choices if key != row.get(field.key)]
        return asking.dice.choice(keys) if keys else None
    if field.type.value_type == "boolean":
        return not row.get(field.key)
    if field.system:
        return {"version": 77, "id": row["id"][::-1]}.get(field.key, "2020-01-01T00:00:00Z")
    made = planter.value(field)
    return made[0] if made is not None else None


def _ways(asking: Asking, id_: str, key: str, value: Any) -> Iterator[tuple[str, Act]]:
    records, who, entity = asking.site.records, asking.person, asking.entity.key
    yield "update", lambda c: records.update(who, entity, [{"id": id_, key: value}], connection=c)
    yield "bulk", lambda c: records.bulk(who, entity, [{"update": {"id": id_, "values": {key: value}}}], connection=c)
    yield (
        "bulk ids",
        lambda c: records.bulk(who, entity, [{"update": {"ids": [id_], "values": {key: value}}}], connection=c),
    )
    yield "upsert", lambda c: records.upsert(who, entity, [{"id": id_, key: value}], on="id", connection=c)
    yield "update_where", lambda c: records.update_where(who, entity, None, {key: value}, ids=[id_], connection=c)
    yield "update_where", lambda c: records.update_where(who, entity, None, {key: value}, connection=c)


def _judged(asking: Asking, name: str, row: Record, field: Field, trial: Trial) -> Iterator[Told]:
    entity, oracle = asking.entity.key, asking.oracle
    after = trial.after[row["id"]] or {}
    state = asking.entity.states.field if asking.entity.states is not None else None
    changed = after.get(field.key) != row.get(field.key)

    def finding(rule: Message) -> Accepted:
        return Accepted(entity, row["id"], field.key, name, rule)

    if changed and not (oracle.may(entity, row, "update") and oracle.may(entity, row, "read")):
        yield finding(_ROW)
    elif changed and field.key != state and not oracle.writes(entity, field.key):
        yield finding(_FIELD)
    elif changed and field.key == "owner" and asking.entity.owned:
        if not oracle.may(entity, row, "transfer"):
            yield finding(_OWNER)
    elif changed and not trial.kept[row["id"]]:
        yield finding(_AWAY)
    for written in trial.answer if isinstance(trial.answer, list) else []:
        inner = getattr(written, "written", written)
        if inner is not None and inner.id == row["id"]:
            known = {k: v for k, v in inner.values.items() if k in after}
            yield Row(entity, row["id"], known, part=f"answer of {name}", reach=False)


def _owners(asking: Asking, live: list[Record]) -> Iterator[Told]:
    """Give one record to somebody else."""
    if not asking.entity.owned or not live:
        return
    row = asking.dice.choice(live)
    people = [each["id"] for each in asking.plain.rows("user") if each["id"] != row["owner"]]
    if people:
        field = asking.entity.fields["owner"]
        name, act = asking.dice.choice(list(_ways(asking, row["id"], "owner", asking.dice.choice(people))))
        yield from _judged(asking, name, row, field, Trial(asking).run(act, [row["id"]]))


@channel("delete", Message("the way into the recycle bin and out of it"), writes=True)
def deletions(asking: Asking) -> Iterator[Told]:
    """Put records into the bin, take them out, delete them for good."""
    entity, oracle, who, records = asking.entity.key, asking.oracle, asking.person, asking.site.records
    for row in asking.some(_ROWS):
        id_, gone = row["id"], row["deleted_at"] is not None
        ways: list[tuple[str, Act]] = (
            [
                ("restore", lambda c, i=id_: records.restore(who, entity, [i], connection=c)),  # type: ignore[misc]
                ("bulk restore", lambda c, i=id_: records.bulk(who, entity, [{"restore": i}], connection=c)),  # type: ignore[misc]
                ("purge", lambda c, i=id_: records.purge(who, entity, [i], connection=c)),  # type: ignore[misc]
            ]
            if gone
            else [
                ("delete", lambda c, i=id_: records.delete(who, entity, [i], connection=c)),  # type: ignore[misc]
                ("bulk delete", lambda c, i=id_: records.bulk(who, entity, [{"delete": {"ids": [i]}}], connection=c)),  # type: ignore[misc]
            ]
        )
        name, act = asking.dice.choice(ways)
        after = Trial(asking).run(act, [id_]).after[id_]
        changed = after is None or (after["deleted_at"] is None) == gone
        if changed and not (oracle.may(entity, row, "delete") and oracle.may(entity, row, "read")):
            yield Accepted(entity, id_, None, name, _ROW)


@channel("create", Message("new records"), writes=True)
def creations(asking: Asking) -> Iterator[Told]:
    """Make a record like one that is there, and each of its fields alone."""
    entity, oracle, who, records = asking.entity, asking.oracle, asking.person, asking.site.records
    planter = Planter(asking.dice)
    for row in asking.some(1):
        given: dict[str, Any] = {}
        for key, field in entity.fields.items():
            if field.system and key != "owner":
                continue
            if field.type.links in {"one", "any"} or field.choices:
                given[key] = row.get(key)
            elif field.type.links == "" and (made := planter.value(field)) is not None:
                given[key] = made[0]
        allowed = {key: value for key, value in given.items() if value is not None and oracle.writes(entity.key, key)}
        trial = Trial(asking).run(lambda c, v=allowed: records.create(who, entity.key, [v], connection=c), [])  # type: ignore[misc]
        for id_, may in trial.made.items():
            if not may:
                yield Accepted(entity.key, id_, None, "create", _ROW)
        for key in given.keys() - allowed.keys():
            if given[key] is None:
                continue
            more = {**allowed, key: given[key]}
            trial = Trial(asking).run(lambda c, v=more: records.create(who, entity.key, [v], connection=c), [])  # type: ignore[misc]
            for id_ in trial.made:
                yield Accepted(entity.key, id_, key, "create", _FIELD)


@channel("reveal", Message("revealed values"), writes=True)
def reveals(asking: Asking) -> Iterator[Told]:
    """Ask for the plain value of what is masked, without the right to."""
    entity, oracle = asking.entity, asking.oracle
    closed = [key for key in entity.fields if oracle.mask(entity.key, key) != "read"]
    for row in asking.some(_ROWS):
        for key in asking.dice.sample(closed, min(len(closed), _FIELDS)):
            if oracle.may(entity.key, row, "read") and oracle.reveals(entity.key, key):
                continue
            try:
                value = asking.site.records.reveal(asking.person, entity.key, row["id"], key)
            except GuanxiError:
                continue
            yield Accepted(entity.key, row["id"], key, f"reveal: {value}", _OPEN)


@channel("where", Message("conditions of bulk changes"), writes=True)
def conditions(asking: Asking) -> Iterator[Told]:
    """Change records under a condition on a hidden or masked field: their number would tell the value."""
    entity, oracle, who, records = asking.entity, asking.oracle, asking.person, asking.site.records
    writable = [key for key in entity.fields if oracle.writes(entity.key, key) and not entity.fields[key].system]
    closed = [
        key
        for key, field in entity.fields.items()
        if oracle.mask(entity.key, key) != "read" and field.type.links not in {"children", "many", "any"}
    ]
    if not oracle.somewhere(entity.key, "update") or not writable:
        return
    for key in asking.dice.sample(closed, min(len(closed), _FIELDS)):
        text, value = f"{key} is not None", {asking.dice.choice(writable): None}
        act = partial(records.update_where, who, entity.key, text, value)
        trial = Trial(asking).run(lambda c, act=act: act(connection=c), [])  # type: ignore[misc]
        if trial.error is None:
            yield Accepted(entity.key, None, key, "update_where", _ASKED)


@channel("undo", Message("undo of what others did"), writes=True, once=True)
def undoing(asking: Asking) -> Iterator[Told]:
    """Take back what the system did, without being an administrator."""
    if asking.oracle.holds_permission("admin"):
        return
    mark = "?" if asking.site.database.dialect == "sqlite" else "%s"
    text = f"SELECT DISTINCT change_set_id FROM record_change WHERE actor_id IS NULL LIMIT {mark}"  # noqa: S608 - constants
    sets = [str(row[0]) for row in run(asking.reader.connection, text, [50]).fetchall() if row[0] is not None]
    for change_set in asking.dice.sample(sets, min(len(sets), _ROWS)):
        try:
            report = asking.site.records.undo(asking.person, change_set)
        except GuanxiError:
            continue
        yield Accepted(asking.entity.key, change_set, None, f"undo: {report.undone}", _SET)
