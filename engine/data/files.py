"""Attachments: the bytes on disk, named by their checksum, and what is known of them in records of `file`.

No name from outside ever becomes a path: a blob lies under its SHA-256, and its name, kind and size are fields. Equal
files are stored once. A blob is written aside and moved into place, so there is never half of one.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any, BinaryIO

from engine import clock
from engine.data.drafts import stored_draft
from engine.data.phrases import phrases
from engine.data.principal import SYSTEM, Principal
from engine.data.purging import purge_rows
from engine.data.reader import Reader
from engine.data.records import Records
from engine.data.steps.load import load
from engine.data.unit import Unit
from engine.errors import AccessDenied, FieldProblem, GuanxiError, NotFound, RecordInvalid
from engine.i18n import Message
from engine.ids import is_id
from engine.storage.columns import quoted
from engine.storage.database import run
from engine.storage.guard import ENTITY_ACCESS

MOST_BYTES = 100 * 1024 * 1024
_CHUNK = 1024 * 1024
_HEAD = 8192
_CHECKSUM = re.compile(r"[0-9a-f]{64}")
_UNKNOWN = "application/octet-stream"
_ENTITY = "file"
ABANDONED_AFTER = timedelta(hours=24)
"""How long an uploaded file may wait for a record that names it."""


@dataclass(frozen=True, slots=True)
class Blob:
    """Stored bytes."""

    checksum: str
    """SHA-256, hexadecimal."""
    size: int
    content_type: str
    """What the bytes look like; never what an uploader says."""


class FileStore:
    """A folder of blobs. Safe to share between threads and processes.

    Args:
        folder: is made when the first file comes.
        most_bytes: how large a file may be.
    """

    def __init__(self, folder: Path, *, most_bytes: int = MOST_BYTES) -> None:
        self.folder = folder
        self.most_bytes = most_bytes

    def put(self, stream: IO[bytes], *, name: str = "") -> Blob:
        """Store what a stream holds and return what it is; `name` helps to tell kinds that look alike.

        Raises:
            RecordInvalid: it is larger than a file may be, or there is nothing in it.
            GuanxiError: the disk does not take it.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(prefix="upload-", dir=self.folder)
            try:
                with os.fdopen(handle, "wb") as target:
                    checksum, size, head = self._copy(stream, target)
                    target.flush()
                    os.fsync(target.fileno())
                place = self.path(checksum)
                place.parent.mkdir(exist_ok=True)
                # Another upload of the same bytes may have been quicker; then this replaces equal with equal.
                Path(temporary).replace(place)
                _sync_folder(place.parent)
            finally:
                Path(temporary).unlink(missing_ok=True)
        except OSError as error:
            raise GuanxiError(Message("The file cannot be stored: {why}", why=error.strerror or "")) from error
        return Blob(checksum, size, content_type(head, name))

    def _copy(self, stream: IO[bytes], target: BinaryIO | IO[bytes]) -> tuple[str, int, bytes]:
        digest, size, head = hashlib.sha256(), 0, b""
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            if size > self.most_bytes:
                most = self.most_bytes // 1024
                raise RecordInvalid(
                    [FieldProblem("file", Message("The file is larger than {most} KB", most=most), "size")]
                )
            if len(head) < _HEAD:
                head += chunk[: _HEAD - len(head)]
            digest.update(chunk)
            target.write(chunk)
        if not size:
            raise RecordInvalid([FieldProblem("file", Message("The file is empty"), "empty")])
        return digest.hexdigest(), size, head

    def path(self, checksum: str) -> Path:
        """Return where a blob lies or would lie.

        Raises:
            NotFound: that is no checksum.
        """
        if _CHECKSUM.fullmatch(checksum) is None:
            raise NotFound(Message("There is no such file"))
        return self.folder / checksum[:2] / checksum[2:]

    def remove(self, checksum: str) -> None:
        """Delete a blob; nothing happens when it is not there."""
        self.path(checksum).unlink(missing_ok=True)

    def blobs(self, older_than: datetime) -> Iterator[str]:
        """Yield the checksums of blobs that lie here since before a time; uploads that broke off are deleted."""
        limit = older_than.timestamp()
        for entry in sorted(self.folder.iterdir()) if self.folder.is_dir() else ():
            if entry.name.startswith("upload-") and entry.is_file():
                if entry.stat().st_mtime < limit:
                    entry.unlink(missing_ok=True)
            elif entry.is_dir():
                for blob in sorted(entry.iterdir()):
                    checksum = entry.name + blob.name
                    if _CHECKSUM.fullmatch(checksum) and blob.stat().st_mtime < limit:
                        yield checksum


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file that somebody may read."""

    path: Path
    name: str
    mimetype: str
    size: int
    checksum: str


@dataclass(frozen=True, slots=True)
class Room:
    """How many bytes files may have together; 0 = as many as there is room for."""

    site: int = 0
    person: int = 0
    """Of the files that one person has uploaded."""


class QuotaExceeded(RecordInvalid):
    """There is no room for a file; the message says how much is used."""


class Files:
    """Files as people know them: records of `file`, with their bytes in a store."""

    def __init__(self, store: FileStore, records: Records, room: Room | None = None) -> None:
        self.store = store
        self.records = records
        self.room = room or Room()

    def add(self, principal: Principal, stream: IO[bytes], *, name: str, via: str = "web") -> str:
        """Store an uploaded file and return the id of its record; a record may name it from now on.

        Raises:
            AccessDenied: the principal may not upload.
            RecordInvalid: it is too large or empty.
            QuotaExceeded: there is no room for it.
        """
        self._require_room(principal, 0)
        blob = self.store.put(stream, name=name)
        self._require_room(principal, blob.size)
        values = {
            "name": clean_name(name),
            "content_type": blob.content_type,
            "size": blob.size,
            "checksum": blob.checksum,
        }
        [written] = self.records.create(principal, _ENTITY, [values], via=via)
        return written.id

    def used(self, user_id: str | None = None) -> int:
        """Return how many bytes all files have, or those that one person uploaded; equal files count each time."""
        with self.records.database.read() as connection:
            return self._used(connection, user_id)

    def _used(self, connection: Any, user_id: str | None) -> int:
        tables = self.records.models.get(self.records.database.probe(connection)[0]).tables
        size, owner = (quoted(tables.column_name(_ENTITY, key)) for key in ("size", "created_by"))
        text = f"SELECT sum({size}) FROM {quoted(tables.name(_ENTITY))}"  # noqa: S608 - names of the Model
        values: tuple[str, ...] = ()
        if user_id is not None:
            text, values = f"{text} WHERE {owner} = {phrases(connection.dialect.name).mark}", (user_id,)
        return int(run(connection, text, values, access=ENTITY_ACCESS).fetchone()[0] or 0)

    def _require_room(self, principal: Principal, size: int) -> None:
        """Refuse a file for which there is no room; bytes that were stored for it are cleaned up later."""
        if self.room.site:
            _fit(self.used(), size, self.room.site, Message("The site has no room left for this file"))
        if self.room.person and principal.id is not None:
            _fit(self.used(principal.id), size, self.room.person, Message("You have no room left for this file"))

    def open(self, reader: Reader, id_: str) -> OpenFile:
        """Return a file that the reader's principal may read: their own, or one of a record whose field they may see.

        Raises:
            NotFound: there is no such file, or they may not.
        """
        row = _row(reader, id_)
        if row is None:
            raise NotFound(Message("There is no such file"))
        name, kind, size, checksum = row
        path = self.store.path(checksum)
        if not path.is_file():
            raise NotFound(Message("The bytes of the file {name} are missing", name=name))
        return OpenFile(path, name, kind or _UNKNOWN, size or 0, checksum)

    def clean_up(self, now: datetime | None = None, *, dry_run: bool = False) -> int:
        """Delete files that no record has named for a day and bytes without a record of `file`; return how many.

        With `dry_run` they are only counted, without the bytes that have no record.
        """
        limit = (now or clock.now()) - ABANDONED_AFTER
        return self.records.carry_out(
            SYSTEM,
            lambda unit: self._clean_up(unit, limit, dry_run=dry_run),
            kind="clean_up",
            entity=_ENTITY,
            via="clean_up",
        )

    def _clean_up(self, unit: Unit, limit: datetime, *, dry_run: bool) -> int:
        shape = unit.shape(_ENTITY)
        identity, record = shape.by_key["id"].name, shape.by_key["record_id"].name
        created, checksum = shape.by_key["created_at"].name, shape.by_key["checksum"].name
        text = f"SELECT {identity} FROM {shape.table} WHERE {record} IS NULL AND {created} < {unit.phrases.mark}"  # noqa: S608
        ids = [row[0] for row in unit.run(text, (unit.phrases.moment(limit),)).fetchall()]
        abandoned = sorted(set(ids) - named_files(unit, ids))
        if dry_run:
            return len(abandoned)
        stored = load(unit, shape, abandoned, lock="delete", trashed=None)
        purge_rows(unit, shape, [stored_draft(found) for found in stored.values()])
        known = {row[0] for row in unit.run(f"SELECT {checksum} FROM {shape.table}").fetchall()}  # noqa: S608
        for each in self.store.blobs(limit):
            if each not in known:
                self.store.remove(each)
        return len(abandoned)


def named_files(unit: Unit, ids: list[str]) -> set[str]:
    """Return those of the files that some field of some record names."""
    found: set[str] = set()
    for entity in unit.published.model.entities.values():
        shape = unit.shape(entity.key)
        for field in shape.file_fields:
            column = shape.by_key[field.key]
            text = f"SELECT {column.name} FROM {shape.table} WHERE {column.name} IS NOT NULL"  # noqa: S608
            for (value,) in unit.run(text).fetchall():
                decoded = value if column.decode is None else column.decode(value)
                found.update({decoded} if isinstance(decoded, str) else decoded)
    return found.intersection(ids)


def _row(reader: Reader, id_: str) -> tuple[str, str | None, int | None, str] | None:
    """Return name, kind, size and checksum of a file that the reader's principal may read; None of any other."""
    if not is_id(id_):
        return None
    tables, kind = reader.published.tables, reader.connection.dialect.name
    keys = ("name", "content_type", "size", "checksum", "record_entity", "record_id", "record_field")
    names = ", ".join(quoted(tables.column_name(_ENTITY, key)) for key in keys)
    text = (
        f"SELECT {names} FROM {quoted(tables.name(_ENTITY))} "  # noqa: S608 - names of the Model
        f"WHERE id = {phrases(kind).mark} AND deleted_at IS NULL"
    )
    row = run(reader.connection, text, (id_,), access=ENTITY_ACCESS).fetchone()
    if row is None:
        return None
    name, content, size, checksum, entity, record, field = row
    if not (_reads(reader, _ENTITY, id_) or _reads(reader, entity, record, field)):
        return None
    return name, content, size, checksum


def _reads(reader: Reader, entity: str | None, id_: str | None, field: str | None = None) -> bool:
    """Say whether the reader's principal may read a record, and one of its fields."""
    if entity is None or id_ is None or entity not in reader.model.entities:
        return False
    if field is not None and reader.access.mask(entity).get(field) not in {"read", "write"}:
        return False
    try:
        reader.record(entity, id_, select=("id",))
    except (NotFound, AccessDenied):
        return False
    return True


def content_type(head: bytes, name: str = "") -> str:
    """Return what bytes look like, `application/octet-stream` when they look like nothing known.

    Text is told by being text: formats without a signature, such as CSV, are known by the ending of the name.
    """
    import puremagic  # with its table of signatures, for the first file

    suffix = Path(clean_name(name)).suffix.lower()
    try:
        found: str = puremagic.from_string(head, mime=True, filename=f"x{suffix}" if suffix else None)
    except (puremagic.PureError, ValueError):
        found = ""
    if found:
        return found
    try:
        head.decode()
    except UnicodeDecodeError as error:
        # A character may be cut in two where the head ends.
        if error.start < len(head) - 4 or b"\0" in head:
            return _UNKNOWN
    return _UNKNOWN if b"\0" in head else _TEXTS.get(suffix, "text/plain")


_TEXTS = {".csv": "text/csv", ".json": "application/json", ".md": "text/markdown", ".yaml": "application/yaml"}


def clean_name(name: str) -> str:
    """Return a file name that every system takes and that shows what it is.

    It is the last part of a path, without control characters and marks that turn the direction of writing (a name
    could end with another ending than it seems to), without what Windows reserves, and no longer than a name may be.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode()))[-1]
    words = "".join(letter for letter in last if letter.isprintable()).strip(" .")
    words = _RESERVED_LETTERS.sub("_", words)
    if words.partition(".")[0].rstrip().upper() in _DEVICES:
        words = f"_{words}"
    if len(words.encode()) > _LONGEST_NAME:
        stem, dot, suffix = words.rpartition(".")
        end = f"{dot}{suffix}" if stem and len(suffix.encode()) <= _LONGEST_SUFFIX else ""
        start = (stem if end else words).encode()[: _LONGEST_NAME - len(end.encode())].decode("utf-8", "ignore")
        words = f"{start}{end}"
    return words or "file"


_RESERVED_LETTERS = re.compile(r'[<>:"|?*]')
_DEVICES = frozenset(
    {"CON", "PRN", "AUX", "NUL", *(f"{each}{number}" for each in ("COM", "LPT") for number in "0123456789")}
)
_LONGEST_NAME = 200
"""Bytes: names of most systems end at 255, and browsers add to them."""
_LONGEST_SUFFIX = 20


def _fit(used: int, size: int, most: int, refusal: Message) -> None:
    if used + size > most or used >= most:
        message = Message(
            "{refusal}: {used} of {most} MB are used", refusal=refusal, used=_megabytes(used), most=_megabytes(most)
        )
        raise QuotaExceeded([FieldProblem("file", message, "quota")])


def _megabytes(size: int) -> str:
    return f"{size / 2**20:,.1f}"


def _sync_folder(folder: Path) -> None:
    """Let the new name survive a power cut too; not every system can do that to a folder."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)
