"""Restoring a backup into an empty site. Everything is checked before anything is touched.

What is unpacked lies in `.restoring` until it is whole, then takes its place; guanxi.yaml, which makes a folder a site,
comes last. Whatever is broken off is no site, and a second restore sweeps it away.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from psycopg import Error as DriverError
from sqlalchemy.exc import DBAPIError

from engine import clock
from engine.audit import Event
from engine.backup import postgres, sqlite
from engine.backup.archive import Archive
from engine.backup.container import Lock
from engine.backup.described import check_version, moved, relative, settings_text
from engine.backup.folder import config_database
from engine.backup.problems import damaged
from engine.errors import GuanxiError, SiteBroken
from engine.i18n import Message
from engine.site.config import FILE, SECRET_FILE, new_secret, read_config
from engine.site.folder import write_private
from engine.site.site import Site
from engine.storage.database import Database, run
from engine.storage.migrations import has_table

Progress = Callable[[int], None]
STAGE = ".restoring"
_MARK = "restoring.json"
_MARK_TABLE = "guanxi_restoring"
_ROOM = 2.5
"""Bytes that a byte of rows takes in a database, with its indexes, at most."""


def _quiet(_count: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore came to."""

    folder: Path
    database: str
    """The address, without its password."""
    rows: int
    files: int
    missing: tuple[str, ...]
    """Checksums of attachments that the backup does not have either."""
    revision: int
    new_key: bool
    """Whether the site was given a new key, for the backup has none: its secret values stay closed."""
    aside: Path | None
    """Where what was in the folder lies now."""
    held: int = 0
    """Jobs that were waiting or running in the backup; they are paused, so that nothing is done twice."""


def restore(
    file: Path,
    folder: Path,
    *,
    database: str | None = None,
    lock: Lock | None = None,
    force: bool = False,
    progress: Progress = _quiet,
) -> Restored:
    """Make a site of a backup, in an empty folder and an empty database.

    Args:
        file: the backup.
        folder: is made; what is in it is refused, or moved aside with `force`.
        database: the address of another database than guanxi.yaml of the backup names.
        lock: opens an encrypted backup.
        force: move what is there aside.
        progress: is told of bytes that were read.

    Raises:
        BackupUnusable: the backup is damaged, locked or of a newer version. Nothing was touched.
        GuanxiError: there is something where the site shall be, or no room. Nothing was touched.
    """
    folder = folder.absolute()
    with Archive(file, lock) as archive:
        archive.check(progress)
        check_version(archive)
        text = settings_text(archive, database)
        target = _Target(archive, folder, text, force=force)
        target.check()
        fresh = not folder.exists()
        aside = target.clear()
        try:
            target.fill(progress)
        except BaseException as error:
            target.give_back(aside, fresh=fresh)
            if isinstance(error, OSError):
                why = error.strerror or type(error).__name__
                raise GuanxiError(
                    Message("{file} cannot be written: {why}", file=error.filename or str(folder), why=why)
                ) from error
            raise
        target.settle()
    restored = target.report(aside)
    _note(folder, restored, file)
    return restored


class _Target:
    """The place of the site to be."""

    def __init__(self, archive: Archive, folder: Path, text: str, *, force: bool) -> None:
        self._archive, self._folder, self._text, self._force = archive, folder, text, force
        self._stage = folder / STAGE
        with tempfile.TemporaryDirectory(prefix="guanxi-") as temporary:
            (Path(temporary) / FILE).write_text(text, encoding="utf-8")
            config = read_config(Path(temporary))
            # Relative paths lead into the folder of the site, wherever that is read.
            self._config = moved(config, Path(temporary).resolve(), folder)
        self._dialect = "sqlite" if config_database(self._config) is not None else "postgresql"
        self._schema: dict[str, Any] = orjson.loads(archive.whole("schema.json"))
        self._loaded = False
        self._held = 0

    # --- before anything is touched

    def check(self) -> None:
        """Refuse what cannot go well."""
        if self._archive.manifest["database"] != self._dialect:
            raise GuanxiError(
                Message(
                    "The backup is of {kind}, and {url} is another kind of database; give one with --database",
                    kind={"sqlite": "SQLite", "postgresql": "PostgreSQL"}[self._archive.manifest["database"]],
                    url=self._config.shown_database,
                )
            )
        if self._folder.exists() and not self._folder.is_dir():
            raise GuanxiError(Message("{folder} is no folder", folder=str(self._folder)))
        if self._leftovers() and not self._force:
            raise GuanxiError(
                Message("{folder} is not empty: a backup is restored into an empty folder", folder=str(self._folder))
            )
        if self._dialect == "postgresql":
            self._check_postgres()
        else:
            outside = self._outside()
            if outside is not None and outside.exists() and not self._force:
                raise GuanxiError(Message("There is a database already: {url}", url=str(outside)))
        self._check_room()

    def _leftovers(self) -> list[Path]:
        """Return what is in the folder that no restore has left there."""
        if not self._folder.is_dir():
            return []
        ours = {STAGE, *self._half_moved()}
        return [each for each in sorted(self._folder.iterdir()) if each.name not in ours]

    def _half_moved(self) -> list[str]:
        """Return what a restore that was broken off had moved into its place."""
        with suppress(OSError, ValueError, KeyError):
            names: list[str] = orjson.loads((self._stage / _MARK).read_bytes())["names"]
            return names
        return []

    def _check_postgres(self) -> None:
        base = Database(self._config.database)
        try:
            with base.bare() as connection:
                if postgres.is_empty(connection):
                    return
                if has_table(connection, _MARK_TABLE):
                    [digest] = run(connection, f"SELECT digest FROM {_MARK_TABLE}").fetchone()  # noqa: S608 - a constant
                    if digest == self._digest():
                        self._loaded = True  # A restore was broken off after this.
                        return
        finally:
            base.dispose()
        raise GuanxiError(Message("There is a database already: {url}", url=self._config.shown_database))

    def _digest(self) -> str:
        return self._archive.parts["schema.json"].sha256 + str(self._archive.size)

    def _outside(self) -> Path | None:
        """Return the file of an SQLite database that is not in the folder of the site."""
        file = config_database(self._config)
        return file if file is not None and not file.is_relative_to(self._folder) else None

    def _check_room(self) -> None:
        parts = self._archive.parts.values()
        rows = sum(part.bytes for part in parts if part.name.startswith("tables/"))
        needed = self._archive.unpacked - rows + int(rows * _ROOM if self._dialect == "sqlite" else 0)
        there = next(each for each in (self._folder, *self._folder.parents) if each.exists())
        free = shutil.disk_usage(there).free
        if free < needed:
            raise GuanxiError(
                Message(
                    "There is not enough room in {folder}: {needed} MB are needed, {free} MB are free",
                    folder=str(there),
                    needed=needed // 2**20 + 1,
                    free=free // 2**20,
                )
            )

    # --- from here on things change

    def clear(self) -> Path | None:
        """Sweep away what a restore has left, and move the rest aside; return where it lies."""
        for name in self._half_moved():
            _remove(self._folder / name)
        if self._stage.exists():
            shutil.rmtree(self._stage)
        stamp = clock.now().strftime("%Y%m%d-%H%M%S")
        aside = None
        old = self._leftovers()
        if old:
            aside = self._folder.with_name(f"{self._folder.name}.before-{stamp}")
            aside.mkdir()
            for each in old:
                each.replace(aside / each.name)
        outside = self._outside()
        if outside is not None and outside.exists():
            for end in ("", "-wal", "-shm"):
                beside = outside.with_name(outside.name + end)
                if beside.exists():
                    beside.replace(beside.with_name(f"{beside.name}.before-{stamp}"))
        return aside

    def give_back(self, aside: Path | None, *, fresh: bool) -> None:
        """Leave the folder as it was, for what was begun cannot be ended."""
        shutil.rmtree(self._stage, ignore_errors=True)
        if aside is not None:
            for each in sorted(aside.iterdir()):
                each.replace(self._folder / each.name)
            aside.rmdir()
        elif fresh:
            with suppress(OSError):
                self._folder.rmdir()

    def fill(self, progress: Progress) -> None:
        """Unpack everything into the stage, and the rows into the database."""
        self._stage.mkdir(parents=True)
        data = self._stage / "data"
        data.mkdir(mode=0o700)
        for name in self._archive.parts:
            kind, _, rest = name.partition("/")
            if kind == "site" and rest != FILE:
                self._unpack(name, self._stage / rest, progress)
            elif kind == "files":
                self._unpack(name, self._staged(self._config.files) / rest[:2] / rest[2:], progress)
        for each in self._archive.manifest.get("keys", ()):
            text = self._archive.whole(each["part"]).decode()
            file = self._stage / relative(each["path"])
            file.parent.mkdir(parents=True, exist_ok=True)
            write_private(file, text)
        (self._stage / FILE).write_text(self._text, encoding="utf-8")
        self.new_key = self._give_key()
        if self._dialect == "sqlite":
            self._load_sqlite(progress)
        elif not self._loaded:
            self._load_postgres(progress)

    def _staged(self, path: Path) -> Path:
        """Return where a path of the site lies while it is staged."""
        return self._stage / path.relative_to(self._folder) if path.is_relative_to(self._folder) else path

    def _unpack(self, name: str, file: Path, progress: Progress) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        if name.startswith("files/") and self._archive.parts[name].sha256 != name.rpartition("/")[2]:
            return  # It was damaged when it was saved; the manifest says so.
        partial = file.with_name(f".{file.name}.part")
        with partial.open("wb") as stream:
            for data in self._archive.read(name):
                stream.write(data)
                progress(len(data))
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(file)

    def _give_key(self) -> bool:
        """Make a new key where the site's key was in a file that the backup does not hold."""
        source = self._config.secret_source
        if source is None or (not isinstance(source, str) and "file" in source):
            file = self._staged(self._folder / (source or {"file": SECRET_FILE})["file"])
            if not file.exists():
                file.parent.mkdir(parents=True, exist_ok=True)
                write_private(file, new_secret() + "\n")
                return True
        return not self._archive.manifest.get("keys")

    def _load_sqlite(self, progress: Progress) -> None:
        file = config_database(self._config)
        assert file is not None  # noqa: S101 - the dialect says so
        place = self._staged(file)
        place.parent.mkdir(parents=True, exist_ok=True)
        loader = sqlite.Loader(place)
        try:
            loader.make(self._schema)
            for table, part in self._tables():
                loader.load(table, self._archive.lines(part), progress)
            loader.finish(self._schema)
            self._held = loader.held
            loader.keep()
        except (KeyError, TypeError, ValueError, sqlite3.Error) as error:
            raise damaged(Message("its tables cannot be read")) from error
        finally:
            loader.drop()

    def _load_postgres(self, progress: Progress) -> None:
        base = Database(self._config.database)
        try:
            with base.plain() as connection:
                loader = postgres.Loader(connection)
                loader.make(self._schema)
                for table, part in self._tables():
                    loader.load(table, self._archive.read(part), progress)
                loader.finish(self._schema)
                self._held = loader.held
                run(connection, f"CREATE TABLE {_MARK_TABLE} (digest TEXT)")
                run(connection, f"INSERT INTO {_MARK_TABLE} VALUES (%s)", (self._digest(),))  # noqa: S608 - a constant
        except (KeyError, TypeError, ValueError) as error:
            raise damaged(Message("its tables cannot be read")) from error
        except (DBAPIError, DriverError) as error:
            why = str(getattr(error, "orig", None) or error).partition("\n")[0]
            raise GuanxiError(Message("The database does not take the backup: {why}", why=why)) from error
        finally:
            base.dispose()

    def _tables(self) -> list[tuple[dict[str, Any], str]]:
        """Return each table with its part; a table of the list that the schema does not have is refused."""
        parts = {table["name"]: table["part"] for table in self._archive.manifest["tables"]}
        return [(table, parts[table["name"]]) for table in self._schema["tables"]]

    def settle(self) -> None:
        """Let everything take its place, guanxi.yaml last."""
        names = sorted(each.name for each in self._stage.iterdir())
        names.sort(key=lambda name: name == FILE)
        (self._stage / _MARK).write_bytes(orjson.dumps({"names": names}))
        for name in names:
            (self._stage / name).replace(self._folder / name)
        shutil.rmtree(self._stage)
        if self._dialect == "postgresql":
            base = Database(self._config.database)
            try:
                with base.plain() as connection:
                    run(connection, f"DROP TABLE {_MARK_TABLE}")
            finally:
                base.dispose()

    def report(self, aside: Path | None) -> Restored:
        """Return what it came to."""
        manifest = self._archive.manifest
        return Restored(
            self._folder,
            self._config.shown_database,
            sum(table["rows"] for table in manifest["tables"]),
            sum(name.startswith("files/") for name in self._archive.parts),
            tuple(manifest.get("missing", ())),
            manifest.get("site", {}).get("revision", 0),
            self.new_key,
            aside,
            self._held,
        )


def _note(folder: Path, restored: Restored, file: Path) -> None:
    """Write into the log of the new site that it was restored, and bring it up to date with this version."""
    with suppress(SiteBroken), Site.open(folder) as site:
        details = {"file": file.name, "keys": not restored.new_key}
        site.trail.tell(Event("restore", number=restored.rows, details=details))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
