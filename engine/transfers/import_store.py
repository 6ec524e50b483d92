"""The files of imports: each in a folder of its own that nobody but the product reads, and sealed.

What works on a file gets it in plain for as long as that takes. What a killed process leaves in plain is thrown away by
the job that goes on with the import, or by the clean-up.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import IO

from engine import clock
from engine.errors import FieldProblem, GuanxiError, NotFound, RecordInvalid
from engine.i18n import Message
from engine.ids import is_id, new_id
from engine.transfers.export_rules import Fetched
from engine.transfers.sealed import SealedWriter, is_sealed, opened, plain_size

_BLOCK = 1 << 20
_PLAIN = "plain-"
_WORKED = "worked-"
"""Before the name of rows that could not be taken, while they are written."""
_CSV = "text/csv"
_LOOKED = timedelta(seconds=60)
"""For which somebody looks at a file at most."""
_FORGOTTEN = timedelta(hours=24)
"""After which folders without a row are thrown away."""


class ImportStore:
    """A folder of folders.

    Args:
        folder: is made when the first file comes.
        most_bytes: how large a file may be.
        keys: returns the keys that files open with, the first of which seals new ones.
    """

    def __init__(self, folder: Path, most_bytes: int, keys: Callable[[], Sequence[bytes]]) -> None:
        self.folder, self.most_bytes, self._keys = folder, most_bytes, keys

    def put(self, id_: str, stream: IO[bytes]) -> int:
        """Store what a stream holds and return how many bytes that are.

        Raises:
            RecordInvalid: it is larger than a file may be, or there is nothing in it.
            GuanxiError: the disk does not take it.
        """
        try:
            (self.folder / id_).mkdir(parents=True, mode=0o700)
            handle = os.open(self.folder / id_ / "file", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as out:
                sealed = SealedWriter(out, self._keys()[0], id_)
                while block := stream.read(_BLOCK):
                    if sealed.size + len(block) > self.most_bytes:
                        raise wrong_file(Message("The file is larger than {most} MB", most=self.most_bytes // 2**20))
                    sealed.write(block)
                sealed.finish()
        except OSError as error:
            raise GuanxiError(Message("The file cannot be stored: {why}", why=error.strerror or "")) from error
        if not sealed.size:
            raise wrong_file(Message("The file is empty"))
        return sealed.size

    @contextmanager
    def opened(self, id_: str, *, alone: bool = False) -> Iterator[Path]:
        """Give the file of an import in plain, for as long as it is worked on.

        `alone`: whether nobody else works on it for long, so that what lies in plain was left by a killed process.

        Raises:
            NotFound: it is gone, or does not open with the keys of the site.
            GuanxiError: the disk does not take it.
        """
        file = self.folder / id_ / "file"
        if file.is_file() and not is_sealed(file):
            yield file  # of a version that sealed none
            return
        if alone:
            _throw_away(file.parent, clock.now() - _LOOKED)
        plain = file.with_name(f"{_PLAIN}{new_id()}")
        try:
            self._unseal(file, id_, plain)
            yield plain
        finally:
            plain.unlink(missing_ok=True)

    def _unseal(self, file: Path, id_: str, plain: Path) -> None:
        gone = NotFound(Message("The file of this import is not there any more; upload it again"))
        if not file.is_file():
            raise gone
        try:
            handle = os.open(plain, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as out:
                for block in opened(file, self._keys(), id_):
                    out.write(block)
        except NotFound:
            raise gone from None
        except OSError as error:
            raise GuanxiError(Message("The file cannot be stored: {why}", why=error.strerror or "")) from error

    # --- rows that could not be taken ---------------------------------------------------------------------------------

    def errors(self, id_: str, *, trial: bool) -> Path:
        """Return where the rows lie sealed, or would lie, that could not be taken."""
        return self.folder / id_ / ("trial.csv" if trial else "errors.csv")

    @contextmanager
    def writing_errors(self, id_: str, *, trial: bool, anew: bool) -> Iterator[Path]:
        """Give where these rows are written in plain while an import is at work; they are sealed when it stops.

        After a kill what was written in plain is still there for whoever goes on. `anew`: nothing of it is wanted.

        Raises:
            GuanxiError: the disk does not take them.
        """
        sealed = self.errors(id_, trial=trial)
        plain = sealed.with_name(f"{_WORKED}{sealed.name}")
        if anew:
            plain.unlink(missing_ok=True)
            sealed.unlink(missing_ok=True)
        elif not plain.exists() and sealed.exists():
            partial = sealed.with_name(f"{_PLAIN}{new_id()}")
            with partial.open("wb") as out:
                out.writelines(self.read_errors(id_, trial=trial).blocks)
            partial.replace(plain)
        try:
            yield plain
        finally:
            self._seal(plain)

    def _seal(self, plain: Path) -> None:
        """Seal rows that lie in plain; nothing happens where there are none."""
        if not plain.exists():
            return
        sealed = plain.with_name(plain.name.removeprefix(_WORKED))
        partial = sealed.with_name(f"{_PLAIN}{new_id()}")
        try:
            handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as out, plain.open("rb") as stream:
                writer = SealedWriter(out, self._keys()[0], _errors_name(sealed))
                shutil.copyfileobj(stream, writer, _BLOCK)
                writer.finish()
            partial.replace(sealed)
            plain.unlink(missing_ok=True)
        except OSError as error:
            raise GuanxiError(Message("The file cannot be stored: {why}", why=error.strerror or "")) from error
        finally:
            partial.unlink(missing_ok=True)

    def read_errors(self, id_: str, *, trial: bool) -> Fetched:
        """Return the rows that could not be taken.

        Raises:
            NotFound: there are none, or not any more.
        """
        file = self.errors(id_, trial=trial)
        gone = NotFound(Message("There is no such file"))
        if not file.is_file():
            raise gone
        if not is_sealed(file):  # of a version that sealed none
            return Fetched(file.name, _CSV, file.stat().st_size, iter((file.read_bytes(),)))
        blocks = opened(file, self._keys(), _errors_name(file))
        try:
            first = next(blocks)
        except NotFound:
            raise gone from None
        return Fetched(file.name, _CSV, plain_size(file), chain((first,), blocks))

    def settle(self, id_: str, *, imported: bool) -> None:
        """Seal what was written of rows, and throw away what was uploaded once it is `imported`: nobody needs it."""
        for plain in (self.folder / id_).glob(f"{_WORKED}*"):
            self._seal(plain)
        if imported:
            self.remove_upload(id_)

    # --- throwing away ------------------------------------------------------------------------------------------------

    def remove_upload(self, id_: str) -> None:
        """Throw away what was uploaded; the rows that could not be taken stay."""
        (self.folder / id_ / "file").unlink(missing_ok=True)

    def remove(self, id_: str) -> None:
        """Throw away all files of an import."""
        shutil.rmtree(self.folder / id_, ignore_errors=True)

    def sweep(self, known: Collection[str], now: datetime) -> None:
        """Throw away what an upload left that broke off."""
        limit = (now - _FORGOTTEN).timestamp()
        for entry in sorted(self.folder.iterdir()) if self.folder.is_dir() else ():
            _throw_away(entry, now - _FORGOTTEN)
            for plain in entry.glob(f"{_WORKED}*"):
                # Whoever wrote them was killed, and nobody has gone on since.
                if plain.stat().st_mtime < limit:
                    self._seal(plain)
            if is_id(entry.name) and entry.name not in known and entry.stat().st_mtime < limit:
                self.remove(entry.name)


def _throw_away(folder: Path, before: datetime) -> None:
    """Delete what was left in plain before a moment."""
    for left in folder.glob(f"{_PLAIN}*"):
        with suppress(OSError):
            if left.stat().st_mtime < before.timestamp():
                left.unlink()


def _errors_name(sealed: Path) -> str:
    """Return under which name rows are sealed, so that none can be put in the place of others."""
    return f"{sealed.parent.name}/{sealed.name}"


def wrong_file(message: Message) -> RecordInvalid:
    """Return the error of a file that is not taken."""
    return RecordInvalid([FieldProblem("file", message, "file")])
