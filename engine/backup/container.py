"""The outside of a backup: a digest over every byte, and, where wanted, encryption of the whole.

Encrypted, it is a head and chunks of AES-256-GCM. The number of a chunk and whether it is the last one are part of its
nonce, and the head is associated data of each, so a chunk that was left out, put elsewhere or cut off does not open.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from engine.backup.problems import BackupUnusable, damaged
from engine.i18n import Message

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = b"GUANXI ENCRYPTED BACKUP 1\n"
CHUNK = 1024 * 1024
DIGEST = 64
"""Characters of the SHA-256 at the end, which covers every byte before it."""
_TAG = 16
_PREFIX = 7
_MOST_HEAD = 4096
_SCRYPT = {"n": 2**16, "r": 8, "p": 1}
_MOST_SCRYPT = 2**20


@dataclass(frozen=True)
class Lock:
    """What encrypts a backup: a passphrase, or the bytes of a key file."""

    secret: bytes
    kind: str
    """passphrase or file."""

    def key(self, head: dict[str, Any]) -> bytes:
        """Return the key that a head speaks of.

        Raises:
            BackupUnusable: the head wants another kind of secret, or asks for too much.
        """
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF
        from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

        salt = bytes.fromhex(head["salt"])
        if head["kind"] != self.kind:
            raise BackupUnusable(
                Message("The backup was encrypted with a passphrase")
                if head["kind"] == "passphrase"
                else Message("The backup was encrypted with a key file")
            )
        if self.kind == "file":
            return HKDF(hashes.SHA256(), 32, salt, b"guanxi backup").derive(self.secret)
        n, r, p = head["n"], head["r"], head["p"]
        if n * r * p > _MOST_SCRYPT * 16:
            raise damaged(Message("its head asks for too much"))
        return Scrypt(salt, 32, n, r, p).derive(self.secret)


class Sealing(io.RawIOBase):
    """Writes chunks, encrypted, to a stream."""

    def __init__(self, target: IO[bytes], lock: Lock) -> None:
        self._target = target
        head: dict[str, Any] = {"kind": lock.kind, "salt": os.urandom(32).hex(), "chunk": CHUNK}
        if lock.kind == "passphrase":
            head |= _SCRYPT
        head["prefix"] = os.urandom(_PREFIX).hex()
        text = json.dumps(head).encode()
        self._head = MAGIC + struct.pack(">I", len(text)) + text
        self._cipher = _cipher(lock.key(head))
        self._prefix = bytes.fromhex(head["prefix"])
        self._number = 0
        self._waiting = bytearray()
        target.write(self._head)

    def writable(self) -> bool:
        """Say that it takes bytes."""
        return True

    def write(self, data: Any) -> int:
        """Take bytes; full chunks are written."""
        self._waiting += data
        while len(self._waiting) > CHUNK:  # one byte more: the last chunk must be known as such
            self._put(bytes(self._waiting[:CHUNK]), last=False)
            del self._waiting[:CHUNK]
        return len(data)

    def finish(self) -> None:
        """Write the last chunk."""
        self._put(bytes(self._waiting), last=True)
        self._waiting.clear()

    def _put(self, data: bytes, *, last: bool) -> None:
        self._target.write(self._cipher.encrypt(_nonce(self._prefix, self._number, last=last), data, self._head))
        self._number += 1


class Opening(io.RawIOBase):
    """Reads what `Sealing` wrote, from any place.

    Raises:
        BackupUnusable: the secret is another one, or the file is damaged.
    """

    def __init__(self, source: IO[bytes], size: int, lock: Lock) -> None:
        self._source = source
        source.seek(0)
        start = source.read(len(MAGIC) + 4)
        length = struct.unpack(">I", start[len(MAGIC) :])[0] if len(start) == len(MAGIC) + 4 else _MOST_HEAD + 1
        if length > _MOST_HEAD:
            raise damaged(Message("its head is not whole"))
        text = source.read(length)
        try:
            head = json.loads(text)
            self._cipher = _cipher(lock.key(head))
            self._chunk, self._prefix = int(head["chunk"]), bytes.fromhex(head["prefix"])
        except (ValueError, KeyError, TypeError):
            raise damaged(Message("its head is not whole")) from None
        if not 0 < self._chunk <= 64 * CHUNK or len(self._prefix) != _PREFIX:
            raise damaged(Message("its head is not whole"))
        self._head = start + text
        body = size - len(self._head)
        self._chunks = max(1, -(-body // (self._chunk + _TAG)))
        self._size = body - self._chunks * _TAG
        if self._size < 0:
            raise damaged(Message("its end is missing"))
        self._place = 0
        self._known: tuple[int, bytes] = (-1, b"")
        self._load(0)

    def readable(self) -> bool:
        """Say that it gives bytes."""
        return True

    def seekable(self) -> bool:
        """Say that it reads from any place."""
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place."""
        self._place = max(0, offset + (0, self._place, self._size)[whence])
        return self._place

    def tell(self) -> int:
        """Return the place."""
        return self._place

    def readinto(self, buffer: Any) -> int:
        """Read what follows, as far as the chunk goes."""
        if self._place >= self._size:
            return 0
        number, offset = divmod(self._place, self._chunk)
        data = self._load(number)[offset : offset + len(buffer)]
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)

    def _load(self, number: int) -> bytes:
        from cryptography.exceptions import InvalidTag

        if self._known[0] != number:
            self._source.seek(len(self._head) + number * (self._chunk + _TAG))
            sealed = self._source.read(self._chunk + _TAG)
            nonce = _nonce(self._prefix, number, last=number == self._chunks - 1)
            try:
                self._known = (number, self._cipher.decrypt(nonce, sealed, self._head))
            except InvalidTag:
                if number == 0 and self._known[0] < 0:
                    raise BackupUnusable(
                        Message("The backup does not open: it was encrypted with another key, or is damaged")
                    ) from None
                raise damaged(Message("part {number} was changed", number=number + 1)) from None
        return self._known[1]


class Digesting(io.RawIOBase):
    """Passes bytes on, and puts their SHA-256 in the place of the last `DIGEST` of them."""

    def __init__(self, target: Any) -> None:
        self._target = target
        self._digest = hashlib.sha256()
        self._held = b""
        self._place = 0

    def writable(self) -> bool:
        """Say that it takes bytes."""
        return True

    def seekable(self) -> bool:
        """Say that it goes only forward, so nothing that was written is changed afterwards."""
        return False

    def tell(self) -> int:
        """Return how much was written."""
        return self._place

    def write(self, data: Any) -> int:
        """Take bytes."""
        data = bytes(data)
        self._place += len(data)
        whole = self._held + data
        due, self._held = whole[:-DIGEST], whole[-DIGEST:]
        self._digest.update(due)
        self._target.write(due)
        return len(data)

    def finish(self) -> None:
        """Write the digest."""
        self._target.write(self._digest.hexdigest().encode())


def check_digest(source: IO[bytes], moved: Callable[[int], None] = lambda _count: None) -> None:
    """Read a stream from its start to its end and compare the digest.

    Raises:
        BackupUnusable: some byte is not as it was written.
    """
    source.seek(0)
    digest, held = hashlib.sha256(), b""
    while data := source.read(CHUNK):
        moved(len(data))
        whole = held + data
        digest.update(whole[:-DIGEST])
        held = whole[-DIGEST:]
    if held != digest.hexdigest().encode():
        raise damaged(Message("its checksum is another one"))


def is_encrypted(source: IO[bytes]) -> bool:
    """Say whether a file begins as an encrypted backup does."""
    source.seek(0)
    return source.read(len(MAGIC)) == MAGIC


def _cipher(key: bytes) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


def _nonce(prefix: bytes, number: int, *, last: bool) -> bytes:
    return prefix + struct.pack(">IB", number, last)
