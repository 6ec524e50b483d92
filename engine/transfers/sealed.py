"""Files that nobody but the product reads: sealed block by block, so that their size does not matter.

A file begins with a salt of its own, from which and from the site's key its key is made. Each block is sealed with its
number, the last one as the last: a block that was changed, moved, left out or cut off does not open.
"""

from __future__ import annotations

import hmac
import io
import os
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from engine.errors import NotFound
from engine.i18n import Message

BLOCK = 256 * 1024
_MARK = b"guanxi export 1\n"
_SALT, _TAG, _NUMBER = 32, 16, 12
_PURPOSE = b"exported files:"


def _key(secret: bytes, salt: bytes, name: str) -> bytes:
    return hmac.digest(hmac.digest(secret, _PURPOSE + salt, "sha256"), name.encode(), "sha256")


def _cipher(key: bytes) -> Any:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


class SealedWriter(io.RawIOBase):
    """A stream that seals what is written to it; `finish` writes the last block and has it on the disk."""

    def __init__(self, stream: IO[bytes], secret: bytes, name: str) -> None:
        salt = secrets.token_bytes(_SALT)
        self._stream, self._number = stream, 0
        self._cipher = _cipher(_key(secret, salt, name))
        self._held = bytearray()
        self.size = 0
        """Bytes that were written, before they were sealed."""
        stream.write(_MARK + salt)

    def writable(self) -> bool:
        """Say that it takes bytes."""
        return True

    def write(self, data: Any) -> int:
        """Seal what makes a whole block; the rest waits for more."""
        view = memoryview(data).cast("B")
        self._held += view
        self.size += len(view)
        while len(self._held) > BLOCK:
            self._put(bytes(self._held[:BLOCK]), b"more")
            del self._held[:BLOCK]
        return len(view)

    def finish(self) -> None:
        """Write the last block; without it the file is none."""
        self._put(bytes(self._held), b"last")
        self._held.clear()
        self._stream.flush()
        os.fsync(self._stream.fileno())

    def _put(self, block: bytes, place: bytes) -> None:
        self._stream.write(self._cipher.encrypt(self._number.to_bytes(_NUMBER), block, place))
        self._number += 1


def opened(path: Path, keys: Sequence[bytes], name: str) -> Iterator[bytes]:
    """Yield the blocks of a sealed file; the first is read and checked before anything is yielded.

    Raises:
        NotFound: it is not there, or opens with none of the keys, or was changed.
    """
    from cryptography.exceptions import InvalidTag

    try:
        stream = path.open("rb")
    except OSError:
        raise lost() from None
    with stream:
        head = stream.read(len(_MARK) + _SALT)
        salt = head[len(_MARK) :]
        blocks = _blocks(stream)
        first, last = next(blocks, (b"", True))
        number = (0).to_bytes(_NUMBER)
        for secret in keys if head.startswith(_MARK) else ():
            cipher = _cipher(_key(secret, salt, name))
            try:
                plain = cipher.decrypt(number, first, b"last" if last else b"more")
            except InvalidTag:
                continue
            yield plain
            for count, (block, ends) in enumerate(blocks, 1):
                try:
                    yield cipher.decrypt(count.to_bytes(_NUMBER), block, b"last" if ends else b"more")
                except InvalidTag:
                    raise lost() from None
            return
        raise lost()


def plain_size(path: Path) -> int:
    """Return how many bytes a sealed file holds."""
    sealed = path.stat().st_size - len(_MARK) - _SALT
    return sealed - _TAG * -(-sealed // (BLOCK + _TAG))


def is_sealed(path: Path) -> bool:
    """Say whether a file begins like a sealed one."""
    with path.open("rb") as stream:
        return stream.read(len(_MARK)) == _MARK


def _blocks(stream: IO[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Yield (block, whether it is the last)."""
    block = stream.read(BLOCK + _TAG)
    while block:
        following = stream.read(BLOCK + _TAG)
        yield block, not following
        block = following


def lost() -> NotFound:
    """Return what is said of a file that is not there any more."""
    return NotFound(Message("The file is not there any more; export it again"))
