# ruff: noqa: S608
# Names in statements come from the storage map; values are bound.
"""Revisions: what was published, when and by whom. Rows are added and never changed; a rollback adds one too."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Connection

from engine import clock
from engine.errors import NotFound
from engine.fields import StorageType
from engine.i18n import Message
from engine.metadata.document import Document, Positions
from engine.metadata.layers import Layer
from engine.storage.codec import decode_kind, moment
from engine.storage.database import run
from engine.storage.storage_map import StorageMap

SITE = "site"
SITE_PREFIX = "s_"
_COLUMNS = "number, documents, packs, storage, checksum, comment, author_id, published_at"


@dataclass(frozen=True, slots=True)
class Revision:
    """One publication. Number 0 is a database in which nothing was published yet."""

    number: int
    documents: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The site layer: `entity/lead` -> body."""
    packs: Mapping[str, str] = field(default_factory=dict)
    """Layer -> checksum of its documents: core, packs and plugins."""
    storage: StorageMap = field(default_factory=StorageMap)
    checksum: str = ""
    """Of the Model."""
    comment: str | None = None
    author_id: str | None = None
    published_at: dt.datetime | None = None

    def site_documents(self) -> tuple[Document, ...]:
        """Return the site layer as documents; their places say `site:entity/lead`."""
        return tuple(document_of(id_, body) for id_, body in self.documents.items())

    def site_layer(self) -> Layer:
        """Return the site layer."""
        return site_layer(self.site_documents())


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the history of publications."""

    number: int
    checksum: str
    comment: str | None
    author_id: str | None
    published_at: dt.datetime
    changes: tuple[Mapping[str, Any], ...]
    """What was changed physically, as `Plan` says it in JSON."""
    documents: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """A document that somebody edits in the builder and has not published."""

    kind: str
    name: str
    body: Mapping[str, Any] | None
    """None: the document is to be removed."""
    base_revision: int
    author_id: str | None
    updated_at: dt.datetime


def document_of(id_: str, body: Mapping[str, Any]) -> Document:
    """Return a document of the database."""
    kind, _, name = id_.partition("/")
    file = f"{SITE}:{id_}"
    return Document(kind, name, body, Positions(file), SITE, file)


def site_layer(documents: Sequence[Document]) -> Layer:
    """Return documents as the layer above all others."""
    return Layer(SITE, "site", tuple(documents), SITE_PREFIX)


def current_number(connection: Connection) -> int:
    """Return the number of the revision that runs."""
    number: int = run(connection, "SELECT revision FROM meta_state WHERE id = 1").fetchone()[0]
    return number


def load(connection: Connection, number: int) -> Revision:
    """Return a revision.

    Raises:
        NotFound: there is none of that number.
    """
    if number == 0:
        return Revision(0)
    mark = _mark(connection)
    row = run(connection, f"SELECT {_COLUMNS} FROM meta_revision WHERE number = {mark}", (number,)).fetchone()
    if row is None:
        raise NotFound(Message("There is no revision {number}", number=number))
    return Revision(
        number=row[0],
        documents=orjson.loads(row[1]),
        packs=orjson.loads(row[2]),
        storage=StorageMap.from_json(orjson.loads(row[3])),
        checksum=row[4],
        comment=row[5],
        author_id=row[6],
        published_at=_moment(connection, row[7]),
    )


def store(connection: Connection, revision: Revision, plan: Mapping[str, Any]) -> None:
    """Add a revision and let it run."""
    mark = _mark(connection)
    marks = ", ".join([mark] * 9)
    assert revision.published_at is not None  # noqa: S101 - set by the publisher
    run(
        connection,
        f"INSERT INTO meta_revision ({_COLUMNS}, plan) VALUES ({marks})",
        (
            revision.number,
            _json(revision.documents),
            _json(revision.packs),
            _json(revision.storage.to_json()),
            revision.checksum,
            revision.comment,
            revision.author_id,
            moment(connection.dialect.name)(revision.published_at),
            _json(plan),
        ),
    )
    run(connection, f"UPDATE meta_state SET revision = {mark} WHERE id = 1", (revision.number,))


def history(connection: Connection, limit: int) -> list[Entry]:
    """Return the newest publications, newest first."""
    rows = run(
        connection,
        "SELECT number, checksum, comment, author_id, published_at, plan FROM meta_revision"
        f" ORDER BY number DESC LIMIT {limit:d}",
    ).fetchall()
    entries = []
    for number, checksum, comment, author, at, text in rows:
        plan = orjson.loads(text)
        moment_ = _moment(connection, at)
        entries.append(
            Entry(
                number,
                checksum,
                comment,
                author,
                moment_,
                tuple(plan.get("changes", ())),
                tuple(plan.get("documents", ())),
            )
        )
    return entries


def save_draft(
    connection: Connection, kind: str, name: str, body: Mapping[str, Any] | None, author: str | None
) -> None:
    """Keep a document that is being edited; the first edit says on which revision it builds."""
    mark = _mark(connection)
    now = moment(connection.dialect.name)(clock.now())
    run(
        connection,
        "INSERT INTO meta_draft (kind, name, body, base_revision, author_id, updated_at)"
        f" VALUES ({mark}, {mark}, {mark}, (SELECT revision FROM meta_state WHERE id = 1), {mark}, {mark})"
        " ON CONFLICT (kind, name) DO UPDATE SET body = excluded.body, author_id = excluded.author_id,"
        " updated_at = excluded.updated_at",
        (kind, name, _json(body), author, now),
    )


def drop_drafts(connection: Connection, names: Sequence[tuple[str, str]] | None = None) -> None:
    """Forget drafts, all of them unless (kind, name) are given."""
    if names is None:
        run(connection, "DELETE FROM meta_draft")
        return
    mark = _mark(connection)
    for kind, name in names:
        run(connection, f"DELETE FROM meta_draft WHERE kind = {mark} AND name = {mark}", (kind, name))


def drop_published(connection: Connection, documents: Mapping[str, Mapping[str, Any]]) -> None:
    """Forget the drafts that say what was published; others are still being edited."""
    done = [each for each in drafts(connection) if documents.get(f"{each.kind}/{each.name}") == each.body]
    drop_drafts(connection, [(each.kind, each.name) for each in done])


def drafts(connection: Connection) -> list[Draft]:
    """Return all drafts, by kind and name."""
    rows = run(
        connection,
        "SELECT kind, name, body, base_revision, author_id, updated_at FROM meta_draft ORDER BY kind, name",
    ).fetchall()
    return [
        Draft(kind, name, orjson.loads(body), base, author, _moment(connection, at))
        for kind, name, body, base, author, at in rows
    ]


def _mark(connection: Connection) -> str:
    return "?" if connection.dialect.name == "sqlite" else "%s"


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _moment(connection: Connection, value: Any) -> dt.datetime:
    decode = decode_kind(StorageType("datetime"), connection.dialect.name)
    found: dt.datetime = value if decode is None else decode(value)
    return found
