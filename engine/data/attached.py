"""Files that hang on records: those that stand in a field, and those that were attached to the record as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.data.principal import Principal
from engine.data.reader import Reader
from engine.data.records import Records
from engine.data.steps.authorise import denied, out_of_reach
from engine.data.steps.load import load
from engine.data.unit import Unit
from engine.errors import NotFound
from engine.fields import StorageType
from engine.i18n import Message
from engine.storage.codec import decode_kind, moment
from engine.storage.columns import quoted
from engine.storage.database import run
from engine.storage.guard import ENTITY_ACCESS

_ENTITY = "file"
_KEYS = (
    "id", "name", "content_type", "size", "record_entity", "record_id", "record_field", "created_by", "created_at",
    "checksum",
)  # fmt: skip
_PAGE = 500
MOST_VERSIONS = 1_000
"""Files of a record among which the versions of one are looked for."""


@dataclass(frozen=True, slots=True)
class Attached:
    """A file of a record."""

    id: str
    name: str
    kind: str
    """Its content type; "" for none that is known."""
    size: int
    """Bytes."""
    entity: str
    record_id: str
    field: str | None
    """The field that it stands in; None for one of the record as a whole."""
    by: str | None
    at: datetime
    checksum: str
    """SHA-256 of its bytes, hexadecimal."""
    version: int = 1
    """Which of the files that hang on the record as a whole under this name it is, the first being 1."""
    versions: int = 1
    """How many of those there are."""


def attached(
    reader: Reader,
    records: Mapping[str, Sequence[str]],
    limit: int,
    before: tuple[datetime, str | None] | None = None,
    *,
    strictly: bool = False,
) -> list[Attached]:
    """Return the files of records that the reader may read, the latest first; those of hidden fields are left out.

    Args:
        reader: who asks; the records are in their reach, which nobody asks again.
        records: entity -> ids.
        limit: how many at most.
        before: (moment, id) of the last one that was shown; without an id, all of that moment are wanted.
        strictly: whether nothing of that moment is wanted.
    """
    tables, kind = reader.published.tables, reader.kind
    mark = "?" if kind == "sqlite" else "%s"
    name = {key: quoted(tables.column_name(_ENTITY, key)) for key in (*_KEYS, "deleted_at")}
    conditions, values = [], list[Any]()
    for entity, ids in records.items():
        if ids:
            listed = ", ".join([mark] * len(ids))
            conditions.append(f"({name['record_entity']} = {mark} AND {name['record_id']} IN ({listed}))")
            values += [entity, *ids]
    if not conditions:
        return []
    where = f"({' OR '.join(conditions)}) AND {name['deleted_at']} IS NULL"
    if before is not None:
        at, id_ = moment(kind)(before[0]), before[1]
        made = name["created_at"]
        if id_ is not None:
            where += f" AND ({made} < {mark} OR ({made} = {mark} AND {name['id']} < {mark}))"
            values += [at, at, id_]
        else:
            where += f" AND {made} {'<' if strictly else '<='} {mark}"
            values.append(at)
    table = quoted(tables.name(_ENTITY))
    text = (
        f"SELECT {', '.join(name[key] for key in _KEYS)}, {_counted(table, name)} FROM {table} WHERE {where}"  # noqa: S608
        f" ORDER BY {name['created_at']} DESC, {name['id']} DESC LIMIT {mark}"
    )
    rows = run(reader.connection, text, [*values, limit], access=ENTITY_ACCESS).fetchall()
    return [each for each in _made(rows, kind) if each.field is None or _sees(reader, each.entity, each.field)]


def versions_of(reader: Reader, entity: str, record_id: str, file_id: str) -> list[Attached]:
    """Return the files that hang on a record as a whole under the name of one of them, the latest first.

    The record is in the reader's reach, which nobody asks again.

    Raises:
        NotFound: no such file hangs on the record as a whole.
    """
    every = [each for each in attached(reader, {entity: [record_id]}, MOST_VERSIONS) if each.field is None]
    one = next((each for each in every if each.id == file_id), None)
    if one is None:
        raise NotFound(Message("There is no such file"))
    return [each for each in every if each.name == one.name]


def stored_files(reader: Reader, entity: str, ids: Sequence[str]) -> Iterator[Attached]:
    """Yield all files of records that the reader may read, record by record; those of hidden fields are left out.

    The records are in their reach, which nobody asks again.
    """
    tables, kind = reader.published.tables, reader.kind
    mark = "?" if kind == "sqlite" else "%s"
    name = {key: quoted(tables.column_name(_ENTITY, key)) for key in (*_KEYS, "deleted_at")}
    listed = ", ".join([mark] * len(ids))
    text = (
        f"SELECT {', '.join(name[key] for key in _KEYS)} FROM {quoted(tables.name(_ENTITY))}"  # noqa: S608
        f" WHERE {name['record_entity']} = {mark} AND {name['record_id']} IN ({listed})"
        f" AND {name['deleted_at']} IS NULL"
    )
    further = f" AND ({name['record_id']} > {mark} OR ({name['record_id']} = {mark} AND {name['id']} > {mark}))"
    order = f" ORDER BY {name['record_id']}, {name['id']} LIMIT {_PAGE}"
    last: list[str] = []
    while ids:
        statement = f"{text}{further if last else ''}{order}"
        rows = run(reader.connection, statement, [entity, *ids, *last], access=ENTITY_ACCESS).fetchall()
        found = _made(rows, kind)
        yield from (each for each in found if each.field is None or _sees(reader, entity, each.field))
        if len(rows) < _PAGE:
            return
        last = [found[-1].record_id, found[-1].record_id, found[-1].id]


def _counted(table: str, name: Mapping[str, str]) -> str:
    """Return two columns: which version of its name a file is, and how many there are; both 1 of files in fields."""
    same = " AND ".join(f"v.{name[key]} = {table}.{name[key]}" for key in ("record_entity", "record_id", "name"))
    of_record = (
        f"FROM {table} AS v WHERE {same} AND v.{name['record_field']} IS NULL AND v.{name['deleted_at']} IS NULL"
    )
    made, id_ = name["created_at"], name["id"]
    before = f"(v.{made}, v.{id_}) <= ({table}.{made}, {table}.{id_})"
    return f"(SELECT count(*) {of_record} AND {before}), (SELECT count(*) {of_record})"


def _made(rows: Iterable[Any], kind: str) -> list[Attached]:
    decode = decode_kind(StorageType("datetime"), kind)
    return [
        Attached(
            str(row[0]), row[1], row[2] or "", row[3] or 0, row[4], str(row[5]), row[6],
            None if row[7] is None else str(row[7]), row[8] if decode is None else decode(row[8]), row[9],
            *(row[10:] if len(row) > len(_KEYS) and row[6] is None else ()),
        )
        for row in rows
    ]  # fmt: skip


def _sees(reader: Reader, entity: str, field: str) -> bool:
    return reader.access.mask(entity).get(field) in {"read", "write"}


def attach_files(
    records: Records, principal: Principal, entity: str, record_id: str, files: Sequence[str], via: str = "web"
) -> None:
    """Let uploaded files of a person hang on a record as a whole; it takes the right to change the record.

    Raises:
        NotFound: there is no such record, or a file is not theirs or belongs elsewhere.
        AccessDenied: they may not change the record.
    """

    def work(unit: Unit) -> None:
        shape, there, mark = unit.shape(entity), unit.shape(_ENTITY), unit.phrases.mark
        found = load(unit, shape, [record_id], action="update", lock="link").get(record_id)
        error = out_of_reach(shape.entity, record_id, found, "update")
        if error is not None:
            raise error
        if not unit.access.may(entity, "update"):
            raise denied(shape.entity, "update")
        columns = {key: there.by_key[key].name for key in ("record_entity", "record_id", "id", "created_by")}
        text = (
            f"UPDATE {there.table} SET {columns['record_entity']} = {mark}, {columns['record_id']} = {mark}"  # noqa: S608
            f" WHERE {columns['id']} = {mark} AND {columns['record_id']} IS NULL AND {columns['created_by']} = {mark}"
        )
        for each in files:
            if not unit.run(text, (entity, record_id, each, principal.id)).rowcount:
                raise NotFound(Message("There is no such file"))

    records.carry_out(principal, work, kind="attach", entity=entity, via=via)
