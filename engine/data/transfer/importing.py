"""Import: rows of a file become records, chunk by chunk, all of them in one change set.

A chunk is one transaction: after a crash each is there whole or not at all, and the change set knows up to which row
the file was worked through. Rows that cannot be taken go into a file of their own; the others stay.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection

from engine.data.access import Access
from engine.data.phrases import phrases
from engine.data.principal import SYSTEM, Principal
from engine.data.query import Query
from engine.data.reader import Reader
from engine.data.records import Records
from engine.data.transfer.columns import Columns
from engine.data.transfer.import_work import CHUNK, ImportWork
from engine.data.transfer.ledger import Done, Ledger
from engine.data.transfer.mapping import REASON, ColumnMap, read_map
from engine.data.transfer.matching import STAMPS, Matcher
from engine.data.transfer.report import ImportReport
from engine.data.transfer.sheet import fingerprint, open_sheet
from engine.errors import GuanxiError
from engine.expression import Call, Literal
from engine.expression import Path as FieldPath
from engine.fields import Locale
from engine.i18n import Message
from engine.metadata.model import Entity
from engine.publish import Models, Published
from engine.storage.database import Database, run

_KIND = "import"

__all__ = ["CHUNK", "ImportOptions", "Importer"]


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How a file is imported. What is given here wins over what the mapping says."""

    mapping: Path | ColumnMap | None = None
    dry_run: bool = False
    on: str | None = None
    """What tells that a record is there already: external_id, id, a unique rule or a unique field."""
    mode: str | None = None
    """create, update or both; with `on` alone."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """Field -> value, the same for every row; beside those of the mapping."""
    empty: str | None = None
    """clear or keep: what an empty cell does to a record that is there."""
    resume: str | None = None
    """A change set that was broken off."""
    again: bool = False
    """Whether to begin from the start although an import of the file was broken off."""
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    header_row: int | None = None
    language: str | None = None
    """Of the reasons in the file with bad rows; the principal's unless given."""
    name: str | None = None
    """What people call the file, when it lies under another name."""
    errors: Path | None = None
    """Where rows go that could not be taken; beside the file unless given."""

    def said(self) -> ColumnMap:
        """Return the mapping with what is given beside it.

        Raises:
            GuanxiError: the mapping is a file that cannot be read, or the options make no sense together.
        """
        said = read_map(self.mapping) if isinstance(self.mapping, Path) else self.mapping or ColumnMap()
        names = ("on", "mode", "empty", "encoding", "delimiter", "sheet", "header_row")
        said = replace(said, **{name: value for name in names if (value := getattr(self, name)) is not None})
        if self.values:
            said = replace(said, values={**said.values, **self.values})
        if said.on is None and said.mode == "update":
            raise GuanxiError(Message("To update records, say what they are found by"))
        return said


class Importer:
    """Imports files into one entity for one principal."""

    def __init__(self, database: Database, models: Models, records: Records, principal: Principal, entity: str) -> None:
        self.database, self.models, self.records = database, models, records
        self.principal, self.entity = principal, entity
        self._emails: dict[str, str | None] = {}

    def run(
        self, file: Path, options: ImportOptions, progress: Callable[[int], None], ledger: Ledger | None = None
    ) -> ImportReport:
        """Import a file and return what came of it; `progress` is told of bytes that were worked through.

        A `ledger` notes each chunk in its transaction, and says how far an earlier attempt came.

        Raises:
            AccessDenied: the principal may not import.
            NotFound: there is no such entity.
            SheetUnreadable: the file cannot be read.
            GuanxiError: columns or options do not fit, or the import was broken off before.
            DatabaseUnavailable: the database did not answer for a while; the message says how to go on.
        """
        published = self.published()
        kind = published.model.entity(self.entity)
        Access(published, self.principal).require(kind.key, "import")
        said = options.said()
        with self.opened(file, said, options.name) as sheet:
            columns = self.columns(published, kind, sheet.headers, said)
            if ledger is not None and not ledger.beside:
                via, done = f"{_KIND}:{ledger.id}", ledger.done
            else:
                mark = _mark(file, kind.key, said)
                via, done = f"{_KIND}:{mark}", None if options.dry_run else self._done_before(mark, options, said)
            work = ImportWork(self, sheet, columns, options, said, via, done, progress, ledger)
            return work.trial() if options.dry_run else work.carry_out()

    # --- before the first row -------------------------------------------------------------------------------------

    @staticmethod
    def opened(file: Path, said: ColumnMap, name: str | None) -> Any:
        """Open a file as a mapping says."""
        return open_sheet(
            file,
            encoding=said.encoding,
            delimiter=said.delimiter,
            sheet=said.sheet,
            header_row=said.header_row,
            name=name,
        )

    def published(self) -> Published:
        """Return the revision that runs now."""
        with self.database.read() as connection:
            return self.models.get(self.database.probe(connection)[0])

    def matcher(self, published: Published, kind: Entity, *, updates: bool) -> Matcher:
        """Return what matches headers with the fields that the principal may write."""
        principal, model = self.principal, published.model
        zone = model.timezone if principal.system else principal.timezone
        locale = Locale(principal.language, zone, model.currency)
        access = Access(published, principal)
        return Matcher(model, kind, locale, updates=updates, emails=self._id_of_email, access=access)

    def columns(self, published: Published, kind: Entity, headers: tuple[str, ...], said: ColumnMap) -> Columns:
        """Return the columns of a file as a mapping says, matched with the fields of the entity.

        Raises:
            GuanxiError: they do not fit.
        """
        matcher = self.matcher(published, kind, updates=said.on is not None and said.mode != "create")
        known = [header if header != REASON or REASON in kind.fields else "" for header in headers]
        columns = matcher.match(known, said)
        if said.on is not None:
            missing = sorted(identifying(kind, said.on) - columns.keys)
            if missing:
                raise GuanxiError(
                    Message(
                        "To import on {on}, the file needs a column for {fields}",
                        on=said.on,
                        fields=", ".join(missing),
                    )
                )
        if said.mode == "update" and columns.keys & set(STAMPS):
            raise GuanxiError(Message("Records that are there keep who made them, and when"))
        return columns

    def _id_of_email(self, email: str) -> str | None:
        key = email.lower()
        if key not in self._emails:
            with self.database.read() as connection:
                published = self.models.get(self.database.probe(connection)[0])
                same = Call("==", (FieldPath(("email",)), Literal(key)))
                found = Reader(connection, published, SYSTEM, secret=b"").query(
                    Query("user", select=("id",), where=same)
                )
                self._emails[key] = next((str(row["id"]) for row in found.dicts()), None)
        return self._emails[key]

    def _done_before(self, mark: str, options: ImportOptions, said: ColumnMap) -> Done | None:
        with self.database.read() as connection:
            if options.resume is not None:
                return _resumed(connection, options.resume, mark)
            if said.on is None and not options.again:
                broken = _broken_off(connection, mark)
                if broken is not None:
                    raise GuanxiError(
                        Message(
                            "An import of this file was broken off after row {row}: go on with --resume {id}, or begin"
                            " again with --again",
                            row=broken.row,
                            id=broken.change_set,
                        )
                    )
        return None


def identifying(kind: Entity, on: str) -> frozenset[str]:
    """Return the fields by which a record is found again.

    Raises:
        GuanxiError: records are not told apart by that.
    """
    found = import_ways(kind).get(on)
    if found is not None:
        return found
    raise GuanxiError(
        Message(
            "Records of {entity} are not found by {on}; they are by {ways}",
            entity=kind.key,
            on=repr(on),
            ways=", ".join(import_ways(kind)),
        )
    )


def import_ways(kind: Entity) -> Mapping[str, frozenset[str]]:
    """Return everything by which records of an entity are found again -> the fields that a file needs for it."""
    rules = {key: frozenset(kind.fields[each].blind_of or each for each in rule.fields)
             for key, rule in kind.unique.items()}  # fmt: skip
    single = {each.blind_of or key for key, each in kind.fields.items() if each.unique}
    return {
        "external_id": frozenset(("external_id",)),
        "id": frozenset(("id",)),
        **rules,
        **{key: frozenset((key,)) for key in sorted(single - {"id", "external_id"})},
    }


# --- imports that were broken off -------------------------------------------------------------------------------------


def _mark(file: Path, entity: str, said: ColumnMap) -> str:
    """Return what tells that two imports are of the same file in the same way."""
    body = said.body()
    way = orjson.dumps([entity, body["columns"], body.get("values", {}), said.on], default=str)
    return hashlib.sha256(fingerprint(file).encode() + way).hexdigest()[:16]


def _counts(value: Any) -> dict[str, int]:
    return orjson.loads(value) if isinstance(value, (str, bytes)) else dict(value)


def _broken_off(connection: Connection, mark: str) -> Done | None:
    place = phrases(connection.dialect.name).mark
    row = run(
        connection,
        f"SELECT id, counts FROM change_set WHERE kind = '{_KIND}' AND via = {place}"  # noqa: S608 - names of our own making
        " AND undone_by IS NULL ORDER BY at DESC, id DESC LIMIT 1",
        (f"{_KIND}:{mark}",),
    ).fetchone()
    known = _counts(row[1]) if row is not None else {"finished": 1}
    return None if known.get("finished") else Done(str(row[0]), known.get("rows", 0))


def _resumed(connection: Connection, change_set: str, mark: str) -> Done:
    place = phrases(connection.dialect.name).mark
    row = run(
        connection,
        f"SELECT via, counts FROM change_set WHERE id = {place} AND kind = '{_KIND}'",  # noqa: S608 - names of our own making
        (change_set,),
    ).fetchone()
    if row is None or row[0] != f"{_KIND}:{mark}":
        raise GuanxiError(Message("{id} is no import of this file with these columns", id=change_set))
    counts = _counts(row[1])
    if counts.get("finished"):
        raise GuanxiError(Message("The import {id} was finished", id=change_set))
    return Done(change_set, counts.get("rows", 0))
