"""Export: records into CSV, a spreadsheet or JSON lines, page by page, in the words that an import reads back.

A link stands twice in a table: as the id, which is exact, and as the title, which people read; an import takes the id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

from engine import clock
from engine.audit import Event
from engine.data.fields import masked, resolve
from engine.data.files import FileStore
from engine.data.principal import zone
from engine.data.query import Query
from engine.data.reader import Reader
from engine.data.rowset import RowSet
from engine.data.transfer.bundle import Bundle, Weight
from engine.data.transfer.layout import Layout, layout
from engine.data.transfer.wanted import ExportOptions, discreet
from engine.data.transfer.writers import About, Out, writer_of
from engine.errors import AccessDenied
from engine.expression import to_text
from engine.i18n import Message
from engine.metadata.model import Entity, Order

PAGE = 1_000
SORTED = 20_000
"""Records that come in the order that was asked for; more come as they were made, for each page costs a sort."""


class ExportTooLarge(AccessDenied):
    """There are more records than somebody may export at a time; the message says who may."""


class Exporter:
    """Writes the records of one entity that a reader may export."""

    def __init__(
        self,
        reader: Reader,
        entity: str,
        options: ExportOptions | None = None,
        *,
        most: int | None = None,
        store: FileStore | None = None,
        most_bytes: int | None = None,
    ) -> None:
        """Prepare an export.

        Args:
            reader: who exports.
            entity: of which records.
            options: which, and how they are written.
            most: how many records it may have.
            store: where the bytes of files are; without it none can come along.
            most_bytes: how large these files may be together.

        Raises:
            NotFound: there is no such entity.
            AccessDenied: the principal may not export.
        """
        self._reader = reader
        self._kind: Entity = reader.model.entity(entity)
        reader.access.require(entity, "export")
        reader.principal.require_own_hands()
        reader.read_as = "export"
        self._options = options or ExportOptions()
        self._most = most
        self._bundle: Bundle | None = None
        if self._options.files and store is not None:
            self._bundle = Bundle(reader, self._kind, store, self._ids, most_bytes)
        self.count = 0
        """Records that were written so far."""
        self.cut = 0
        """Texts that did not fit into a cell."""
        self.paths: dict[str, bool] = {}
        """What was read of each record, and whether that was a mark."""
        self.done = False
        self._weight = Weight()

    def check(self) -> None:
        """Refuse what cannot be exported before anything is read.

        Raises:
            QueryInvalid: a field, the condition or the order cannot be used.
            AccessDenied: the principal may read no record.
        """
        _ = self._layout
        options, roles = self._options, self._reader.access.roles
        for each in options.order_by:
            if resolve(roles, self._kind, ".".join(each.path)).masked:
                raise masked(".".join(each.path))
        self._reader.count(Query(self._kind.key, ("id",), options.where, search=options.search), 0)

    @cached_property
    def _layout(self) -> Layout:
        return layout(self._reader, self._kind, self._options)

    def write(
        self, stream: Out, progress: Callable[[int], None] = lambda _count: None, *, scratch: Path | None = None
    ) -> int:
        """Write everything and return the number of records.

        Args:
            stream: where to; it is only written to, from its beginning to its end.
            progress: told the number of records after each page.
            scratch: where what a spreadsheet needs lies meanwhile; the folder of the machine unless given.

        Raises:
            QueryInvalid: a field or condition cannot be used.
            ExportTooLarge: there are more records than they may be; what was written is no file.
            FilesTooLarge: their files are more than they may be; nothing was written.
        """
        bundle = self._bundle
        if bundle is None:
            self._rows(stream, progress, scratch)
        else:
            self._weight = bundle.weight()
            name = f"{self._kind.plural.in_(self._options.language)}.{self._options.kind}"
            try:
                bundle.write(
                    stream, name, lambda out: self._rows(out, progress, scratch), scratch, lambda: progress(self.count)
                )
            finally:
                self.paths |= dict.fromkeys(bundle.fields, False)
        self.done = True
        return self.count

    def weight(self) -> Weight:
        """Return how many files would come along, and how large they are.

        Raises:
            FilesTooLarge: they are more than they may be.
        """
        return self._bundle.weight() if self._bundle is not None else Weight()

    def _rows(self, stream: Out, progress: Callable[[int], None], scratch: Path | None) -> int:
        made = self._layout
        self.paths = {each.path: each.masked for each in made.columns} | {each.path: False for each in made.sheets}
        pages = self._pages(self._query(made.paths))
        first = next(pages)
        writer = writer_of(stream, self._reader, self._kind, made, self._options, scratch)
        for rows, allowed in chain((first,), pages):
            if self._most is not None and self.count + sum(allowed) > self._most:
                raise too_large(self._reader, self._kind, self._most)
            self.count += writer.page(rows, allowed)
            progress(self.count)
        writer.end(self.about() if self._options.about else ())
        self.cut = writer.cut
        return self.count

    def act(self) -> Event:
        """Return what the audit log says of it, done or broken off."""
        viewer, options = self._reader.principal.viewer, self._options
        details = {
            "format": options.kind,
            "where": discreet(self._reader.model, self._kind, options.where) if options.where is not None else None,
            # Of what was searched for only that it was: it may be a name or a number out of a record.
            "searched": len(options.search.split()) if options.search else None,
            "chosen": len(options.ids) if options.ids is not None else None,
            "fields": list(options.fields),
            "files": self._bundle.written.files if self._bundle is not None else None,
            "bytes": self._bundle.written.bytes if self._bundle is not None else None,
            "reason": options.reason,
            "broken_off": not self.done,
            "as": self._reader.principal.id if viewer is not None else None,
        }
        told = {name: value for name, value in details.items() if value}
        who = viewer.id if viewer is not None else self._reader.principal.id
        return Event("export", who, self._kind.key, None, self.count, told)

    def about(self) -> About:
        """Return what the file says about itself, in its language."""
        options, who = self._options, self._reader.principal
        language = options.language
        zone_ = options.timezone or (self._reader.model.timezone if who.system else who.timezone)
        now = clock.now().astimezone(zone(zone_)).isoformat(" ", "minutes")
        person = f"{who.name} <{who.email}>" if who.email else who.name
        filtered = [] if options.where is None else [to_text(options.where)]
        filtered += [f"“{options.search}”"] if options.search else []
        rows: list[tuple[Message, Any]] = [
            (Message("Records"), f"{self._kind.plural.in_(language)}: {self.count:,}"),
            (Message("Exported by"), person),
            (Message("Exported at"), now),
            (Message("Only those"), " · ".join(filtered)),
            (Message("Files"), f"{self._weight.files:,}" if self._weight.files else ""),
            (Message("Reason"), options.reason),
        ]
        return [(what.in_(language), str(value)) for what, value in rows if value]

    # --- rows -----------------------------------------------------------------------------------------------------

    def _query(self, paths: tuple[str, ...]) -> Query:
        options = self._options
        query = Query(
            self._kind.key, paths, options.where, search=options.search, order_by=(Order(("id",)),), limit=PAGE,
            ids=options.ids,
        )  # fmt: skip
        if options.order_by and not self._reader.count(query, SORTED).capped:
            query = replace(query, order_by=options.order_by, limit=SORTED)
        return query

    def _ids(self) -> Iterator[list[str]]:
        """Yield the ids of the records that are exported, some at a time, as they were made."""
        options = self._options
        query = Query(
            self._kind.key, ("id",), options.where, search=options.search, order_by=(Order(("id",)),), limit=PAGE,
            ids=options.ids,
        )  # fmt: skip
        for rows, allowed in self._pages(query):
            yield [id_ for id_, may in zip(rows.ids, allowed, strict=True) if may]

    def _pages(self, query: Query) -> Iterator[tuple[RowSet, list[bool]]]:
        while True:
            rows = self._reader.query(query, abilities=("export",))
            allowed = rows.abilities("export")
            for at in range(0, len(rows), PAGE) or (0,):
                yield RowSet(rows.columns, rows.rows[at : at + PAGE]), allowed[at : at + PAGE]
            if rows.next_cursor is None:
                return
            query = replace(query, cursor=rows.next_cursor)


def too_large(reader: Reader, entity: Entity, most: int) -> ExportTooLarge:
    """Return the refusal of an export with too many records, with the roles that may have more."""
    access = reader.access
    wider = [
        role.label
        for role in reader.model.roles.values()
        if (role.export_rows or 0) > most or "admin" in role.permissions
        if access.roles.with_role(role.key).rule(entity.key, "export").ways
    ]
    message = Message("You may export at most {most} records at a time; narrow the list", most=f"{most:,}")
    if wider:
        names = wider[0] if len(wider) == 1 else Message("{first} and others", first=wider[0])
        message = Message("{refusal}, or ask somebody who may more: {roles}", refusal=message, roles=names)
    return ExportTooLarge(message, entity=entity.key, action="export")
