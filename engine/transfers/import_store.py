"""The files of imports: each in a folder of its own that nobody but the product reads."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from engine.errors import FieldProblem, GuanxiError, NotFound, RecordInvalid
from engine.i18n import Message
from engine.ids import is_id

_BLOCK = 1 << 20
_FORGOTTEN = timedelta(hours=24)
"""After which folders without a row are thrown away."""


class ImportStore:
    """A folder of folders.

    Args:
        folder: is made when the first file comes.
        most_bytes: how large a file may be.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self.folder, self.most_bytes = folder, most_bytes

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
                size = 0
                while block := stream.read(_BLOCK):
                    size += len(block)
                    if size > self.most_bytes:
                        raise wrong_file(Message("The file is larger than {most} MB", most=self.most_bytes // 2**20))
                    out.write(block)
                out.flush()
                os.fsync(out.fileno())
        except OSError as error:
            raise GuanxiError(Message("The file cannot be stored: {why}", why=error.strerror or "")) from error
        if not size:
            raise wrong_file(Message("The file is empty"))
        return size

    def file(self, id_: str) -> Path:
        """Return where the file of an import lies.

        Raises:
            NotFound: it is gone.
        """
        file = self.folder / id_ / "file"
        if not file.is_file():
            raise NotFound(Message("The file of this import is not there any more; upload it again"))
        return file

    def errors(self, id_: str, *, trial: bool) -> Path:
        """Return where the rows lie, or would lie, that could not be taken."""
        return self.folder / id_ / ("trial.csv" if trial else "errors.csv")

    def remove(self, id_: str) -> None:
        """Throw away all files of an import."""
        shutil.rmtree(self.folder / id_, ignore_errors=True)

    def sweep(self, known: Collection[str], now: datetime) -> None:
        """Throw away what an upload left that broke off."""
        limit = (now - _FORGOTTEN).timestamp()
        for entry in sorted(self.folder.iterdir()) if self.folder.is_dir() else ():
            if is_id(entry.name) and entry.name not in known and entry.stat().st_mtime < limit:
                self.remove(entry.name)


def wrong_file(message: Message) -> RecordInvalid:
    """Return the error of a file that is not taken."""
    return RecordInvalid([FieldProblem("file", message, "file")])
