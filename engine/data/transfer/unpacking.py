"""Spreadsheets are packed, and what is small packed can be endless unpacked: measured before anything reads it."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

from engine.errors import GuanxiError
from engine.i18n import Message

MOST_BYTES = 2**30
"""What the parts of a spreadsheet may have together when they are unpacked: a full sheet of a million rows."""
MOST_PARTS = 10_000
_FURTHEST = 1_032
"""How many bytes a packed one can stand for at most."""
_BLOCK = 2**20


class TooLargeUnpacked(GuanxiError):
    """A packed file is larger unpacked than anything that is meant to be read."""


def measure(path: Path, name: str) -> None:
    """Refuse a packed file that is a trap; anything that is not packed is left to who reads it.

    What the file itself says of its sizes may be a lie, so it is unpacked once, to nowhere, up to the limit.

    Raises:
        TooLargeUnpacked: it is one.
        OSError: the file cannot be read.
    """
    if path.stat().st_size * _FURTHEST <= MOST_BYTES and path.stat().st_size < _BLOCK:
        return
    try:
        with zipfile.ZipFile(path) as packed:
            parts = packed.infolist()
            if len(parts) > MOST_PARTS or sum(each.file_size for each in parts) > MOST_BYTES:
                raise _too_large(name)
            total = 0
            for each in parts:
                with packed.open(each) as stream:
                    while block := stream.read(_BLOCK):
                        total += len(block)
                        if total > MOST_BYTES:
                            raise _too_large(name)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError):
        # No packed file, or a damaged one: whoever reads it says so in its own words.
        return


def _too_large(name: str) -> TooLargeUnpacked:
    most = MOST_BYTES // 2**20
    return TooLargeUnpacked(
        Message("{file} is larger than {most} MB when it is unpacked; save it as CSV", file=name, most=most)
    )
