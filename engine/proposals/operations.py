"""Operations: what is to be done to one record, tried out or carried out through `Records` like any other write."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn

from sqlalchemy import Connection

from engine.data.batch import Change, Written
from engine.data.marks import MARK
from engine.data.minding import minding_duplicates
from engine.data.principal import Principal
from engine.data.reader import Reader
from engine.data.records import Records
from engine.data.rules import is_sealed
from engine.errors import FieldProblem, GuanxiError, NotFound, RecordInvalid
from engine.i18n import Message

Kind = Literal["create", "update", "transition", "delete"]
Readers = Callable[[Connection, Principal], Reader]

_SILENT = frozenset({"version", "updated_at", "updated_by", "created_at", "created_by", "id"})
"""Fields of which nobody wants to be told that a write has changed them."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One record is to be created, changed, moved to another state, or deleted."""

    kind: Kind
    entity: str
    values: Mapping[str, Any] = field(default_factory=dict)
    """Raw values by field key, as JSON has them."""
    id: str | None = None
    version: int | None = None
    """The version that was read; None changes the record whatever its version."""
    name: str = ""
    """Key of the transition."""

    def to_json(self) -> dict[str, Any]:
        """Return what is kept of it beside its record."""
        return {"values": dict(self.values), **({"name": self.name} if self.name else {})}


@dataclass(frozen=True, slots=True)
class Preview:
    """What an operation does, or would do."""

    title: str
    id: str | None
    """The record; None of one that is only proposed."""
    version: int | None
    """The stored version that the operation was tried on; of one that was carried out, the new one."""
    before: Mapping[str, Any]
    """Field key -> JSON value as whoever asks may see it, of the fields that change."""
    after: Mapping[str, Any]
    warnings: tuple[FieldProblem, ...] = ()
    action: str = ""
    """created, updated, unchanged, deleted."""


@dataclass(frozen=True, slots=True)
class OperationRefused:
    """An operation that cannot be carried out, and why."""

    place: int
    error: GuanxiError


class OperationsRefused(GuanxiError):
    """Some operations cannot be carried out, so none was; `.refused` has all of them."""

    def __init__(self, refused: Sequence[OperationRefused]) -> None:
        self.refused = tuple(refused)
        super().__init__(self.refused[0].error.message)


class _TriedOut(Exception):
    """Ends a transaction that was only to show what it would do; has what it did."""

    def __init__(self, done: list[Preview]) -> None:
        super().__init__()
        self.done = done


def try_out(records: Records, readers: Readers, principal: Principal, operations: Sequence[Operation]) -> list[Preview]:
    """Carry operations out in a transaction that is taken back, and return what they did.

    All that holds for a write holds here: rights, checks, rules of plugins, and what the operations do to each other.

    Raises:
        OperationsRefused: some cannot be carried out.
    """
    try:
        with minding_duplicates("agent"), records.begin() as connection:
            _end(carry_out(records, readers, principal, operations, connection, via="mcp"))
    except _TriedOut as tried:
        return [_proposed(each, operation) for each, operation in zip(tried.done, operations, strict=True)]


def _end(done: list[Preview]) -> NoReturn:
    raise _TriedOut(done)


def _proposed(done: Preview, operation: Operation) -> Preview:
    """Return what an operation would do: a record that is not made yet has no id, and nothing a new version."""
    if operation.kind == "create":
        return Preview(done.title, None, None, {}, done.after, done.warnings, done.action)
    return Preview(done.title, done.id, (done.version or 1) - (done.action != "unchanged"), done.before, done.after,
                   done.warnings, done.action)  # fmt: skip


def carry_out(
    records: Records,
    readers: Readers,
    principal: Principal,
    operations: Sequence[Operation],
    connection: Connection,
    *,
    via: str,
    change_set: str | None = None,
    request: str | None = None,
) -> list[Preview]:
    """Carry out operations in their order, all of them or none, in a transaction of `Records.begin`.

    Raises:
        OperationsRefused: some cannot be carried out.
    """
    done, refused = [], []
    for place, operation in enumerate(operations):
        try:
            key = None if request is None else f"{via}:{request}:{place}"
            done.append(carry_out_one(records, readers, principal, operation, connection, via, change_set, key))
        except GuanxiError as error:
            refused.append(OperationRefused(place, error))
    if refused:
        raise OperationsRefused(refused)
    return done


def carry_out_one(
    records: Records,
    readers: Readers,
    principal: Principal,
    operation: Operation,
    connection: Connection,
    via: str,
    change_set: str | None,
    key: str | None = None,
) -> Preview:
    """Carry out one operation; of one that is refused nothing stays.

    Raises:
        NotFound, AccessDenied, RecordInvalid, VersionConflict: as `Records`.
    """
    reader = readers(connection, principal)
    _refuse_secrets(reader, operation)
    before: dict[str, Any] = {}
    if operation.id is not None:
        before = reader.record(operation.entity, operation.id).json()
        if operation.kind == "delete" and operation.version not in {None, before["version"]}:
            raise RecordInvalid([FieldProblem("version", Message("It was changed since it was read"), "conflict")])
    title = _title(reader, operation, before)
    common: dict[str, Any] = {"via": via, "change_set": change_set, "key": key, "connection": connection}
    written = _write(records, principal, operation, common)
    if operation.kind == "delete":
        return Preview(title, written.id, written.version, _named(reader, operation.entity, before), {},
                       written.warnings, written.action)  # fmt: skip
    try:
        after = readers(connection, principal).record(operation.entity, written.id).json()
    except NotFound:
        # Who may make a record need not be able to read it.
        after = {}
    old, new = _difference(reader, operation, before, after)
    return Preview(title or _title(reader, operation, after), written.id, written.version, old, new, written.warnings,
                   written.action)  # fmt: skip


def _refuse_secrets(reader: Reader, operation: Operation) -> None:
    """Refuse secrets: they would lie open in the proposal, and an agent has no business with them."""
    fields = reader.model.entity(operation.entity).fields
    sealed = [key for key in operation.values if key in fields and is_sealed(fields[key])]
    if sealed:
        raise RecordInvalid(
            FieldProblem(key, Message("Secret values are not taken from agents"), "refused") for key in sealed
        )


def _write(records: Records, principal: Principal, operation: Operation, common: dict[str, Any]) -> Written:
    entity, id_ = operation.entity, operation.id or ""
    if operation.kind == "create":
        [written] = records.create(principal, entity, [operation.values], **common)
    elif operation.kind == "update":
        change = Change(id_, operation.values, operation.version)
        [written] = records.update(principal, entity, [change], **common)
    elif operation.kind == "transition":
        [written] = records.transition(
            principal, entity, [id_], operation.name, operation.values, version=operation.version, **common
        )
    else:
        [written] = records.delete(principal, entity, [id_], **common)
    return written


def _difference(
    reader: Reader, operation: Operation, before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the values of the fields that differ, and of those that were given, before and after."""
    fields = reader.model.entity(operation.entity).fields
    given = [key for key in operation.values if key in fields]
    keys = dict.fromkeys([*given, *(key for key in after if after[key] != before.get(key))])
    shown = [key for key in keys if key not in _SILENT]
    if operation.kind == "create":
        return {}, {key: after.get(key) for key in shown if after.get(key) is not None}
    # What may not be seen differs behind its mark.
    return (
        {key: before.get(key, MARK) for key in shown},
        {key: after.get(key, MARK) for key in shown},
    )


def _named(reader: Reader, entity: str, before: Mapping[str, Any]) -> dict[str, Any]:
    title = reader.model.entity(entity).title
    return {title: before[title]} if title in before else {}


def _title(reader: Reader, operation: Operation, values: Mapping[str, Any]) -> str:
    found = values.get(reader.model.entity(operation.entity).title)
    return str(found) if found is not None else ""
