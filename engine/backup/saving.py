"""Making a backup while others work: one snapshot of the database, the files that its records name, the folder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

from engine import clock
from engine.audit import Event
from engine.backup import postgres, sqlite
from engine.backup.archive import Archive, ArchiveWriter
from engine.backup.container import CHUNK, Lock
from engine.backup.folder import FILE, can_be_restored, key_files, site_files, without_keys
from engine.errors import GuanxiError
from engine.i18n import Message
from engine.site.site import Site
from engine.storage.columns import quoted
from engine.storage.database import Connection, Database, run
from engine.storage.guard import ENTITY_ACCESS

Progress = Callable[[int], None]
_ENTITY = "file"


def _quiet(_count: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What a backup came to."""

    file: Path
    bytes: int
    sha256: str
    """Of the file, for whoever copies it elsewhere."""
    rows: int
    files: int
    missing: tuple[str, ...]
    """Checksums of attachments that records name and that are not there, or not as they were."""
    left_out: tuple[str, ...]
    """Files of the folder whose names another system would not take."""
    with_keys: bool


def estimate(site: Site) -> int:
    """Return about how many bytes a backup reads, for a bar of progress."""
    dialect = postgres if site.database.dialect == "postgresql" else sqlite
    with site.database.bare() as connection:
        found: int = dialect.size(connection)
    # Written, and read back once packed and once unpacked.
    return found * 2


def save(
    site: Site, file: Path, *, lock: Lock | None = None, with_keys: bool = False, progress: Progress = _quiet
) -> Saved:
    """Write a backup of a site, read it back, and give it its name; a file of that name is replaced at the end.

    Args:
        site: is used by others meanwhile, or not.
        file: where; its folder is made.
        lock: encrypts the backup.
        with_keys: whether the keys of the site go in; without them nobody can read its secret values.
        progress: is told of bytes that were read or written.

    Raises:
        GuanxiError: the disk does not take it.
        BackupUnusable: what was written does not read back.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        writer = ArchiveWriter(file, lock)
    except OSError as error:
        raise _unwritable(file, error) from error
    try:
        missing, left_out = _fill(site, writer, with_keys=with_keys, progress=progress)
        saved = _read_back(writer, lock, progress)
        writer.keep()
    except OSError as error:
        raise _unwritable(file, error) from error
    finally:
        writer.drop()
    details = {"file": file.name, "bytes": saved.bytes, "rows": saved.rows, "keys": with_keys}
    site.trail.tell(Event("backup", number=saved.rows, details={**details, "encrypted": lock is not None}))
    return Saved(file, saved.bytes, saved.sha256, saved.rows, saved.files, missing, left_out, with_keys)


def _unwritable(file: Path, error: OSError) -> GuanxiError:
    why = error.strerror or type(error).__name__
    return GuanxiError(Message("{file} cannot be written: {why}", file=str(file), why=why))


def _fill(
    site: Site, writer: ArchiveWriter, *, with_keys: bool, progress: Progress
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    with site.database.bare() as connection:
        manifest = put_database(connection, site.database, writer, progress)
        checksums = _attachments(site, connection)
        # While the snapshot is open, so that as few as can be are purged before they are read.
        missing = [each for each in checksums if not _put_attachment(site, writer, each, progress)]
    left_out = _put_folder(site, writer, progress, with_keys=with_keys)
    keys = _put_keys(site, writer) if with_keys else []
    writer.finish({**manifest, "site": _facts(site), "keys": keys, "missing": missing})
    return tuple(missing), tuple(left_out)


def _facts(site: Site) -> Mapping[str, Any]:
    return {"revision": site.revision, "packs": list(site.config.packs), "name": site.config.folder.name}


def put_database(
    connection: Connection, database: Database, writer: ArchiveWriter, progress: Progress = _quiet
) -> dict[str, Any]:
    """Write the database as one snapshot sees it, and return what the manifest says of it."""
    dialect = postgres if database.dialect == "postgresql" else sqlite
    schema = dialect.describe(connection)
    tables = []
    for number, table in enumerate(schema["tables"]):
        name = f"tables/{number:05}"
        with writer.part(name) as part:

            def write(data: bytes, part: Any = part) -> None:
                part.write(data)
                progress(len(data))

            rows = dialect.rows(connection, table, write)
        tables.append({"name": table["name"], "part": name, "rows": rows})
    with writer.part("schema.json") as part:
        part.write(orjson.dumps(schema) + b"\n")
    ledger = run(connection, "SELECT number, checksum FROM engine_migration ORDER BY number").fetchall()
    return {
        "product": version("guanxi"),
        "made_at": clock.now().isoformat(),
        "database": database.dialect,
        "migrations": {str(number): checksum for number, checksum in ledger},
        "tables": tables,
    }


def _attachments(site: Site, connection: Connection) -> list[str]:
    # By the storage map, not the Model: a backup is also made where newer packs wait to be published.
    stored = site.publisher.current().storage.entities.get(_ENTITY)
    if stored is None:
        return []
    table, column = quoted(stored.table), quoted(stored.columns["checksum"].name)
    text = f"SELECT DISTINCT {column} FROM {table} WHERE {column} IS NOT NULL ORDER BY 1"  # noqa: S608 - names of the Model
    return [row[0] for row in run(connection, text, access=ENTITY_ACCESS).fetchall()]


def _put_attachment(site: Site, writer: ArchiveWriter, checksum: str, progress: Progress) -> bool:
    """Write the bytes of an attachment; say whether they were there and are what they were."""
    digest = hashlib.sha256()
    try:
        stream = site.files.store.path(checksum).open("rb")
    except OSError:
        return False
    with stream, writer.part(f"files/{checksum}") as part:
        while data := stream.read(CHUNK):
            part.write(data)
            digest.update(data)
            progress(len(data))
    return digest.hexdigest() == checksum


def _put_folder(site: Site, writer: ArchiveWriter, progress: Progress, *, with_keys: bool) -> list[str]:
    left_out = []
    for each in site_files(site.config):
        if not can_be_restored(each.name):
            left_out.append(each.name)
            continue
        data = each.path.read_bytes()
        if each.name == FILE and not with_keys:
            data = without_keys(data.decode(), site.config).encode()
        with writer.part(f"site/{each.name}") as part:
            part.write(data)
        progress(len(data))
    return left_out


def _put_keys(site: Site, writer: ArchiveWriter) -> list[dict[str, str]]:
    folder = site.config.folder.resolve()
    found = []
    for number, path in enumerate(dict.fromkeys(path.resolve() for path in key_files(site.config))):
        if path.is_relative_to(folder) and path.is_file():
            with writer.part(f"keys/{number}") as part:
                part.write(path.read_bytes())
            found.append({"part": f"keys/{number}", "path": path.relative_to(folder).as_posix()})
    return found


def _read_back(writer: ArchiveWriter, lock: Lock | None, progress: Progress) -> Saved:
    """Read what was written, from the disk, and return what it is."""
    return checked(writer.partial, lock, progress)


def checked(file: Path, lock: Lock | None = None, progress: Progress = _quiet) -> Saved:
    """Read a backup from its first byte to its last and return what it is.

    Raises:
        BackupUnusable: something is not as it was written, or it does not open.
    """
    with Archive(file, lock) as archive:
        archive.check(progress)
        manifest = archive.manifest
        files = sum(name.startswith("files/") for name in archive.parts)
        rows = sum(table["rows"] for table in manifest["tables"])
        size = archive.size
        missing, keys = tuple(manifest.get("missing", ())), bool(manifest.get("keys"))
    digest = hashlib.sha256()
    with suppress(OSError), file.open("rb") as stream:
        while data := stream.read(CHUNK):
            digest.update(data)
    return Saved(file, size, digest.hexdigest(), rows, files, missing, (), keys)
