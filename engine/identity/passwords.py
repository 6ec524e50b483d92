"""Passwords: hashed with argon2id, refused when they are easy to guess."""

from __future__ import annotations

import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from engine.errors import PasswordRefused
from engine.i18n import Message

SHORTEST = 10
LONGEST = 1_000
"""Longer ones would only cost time."""
_FEW_LETTERS = 4

_hasher = PasswordHasher()


def hash_password(password: str) -> str:
    """Return what is stored of a password."""
    return _hasher.hash(_plain(password))


def fits(stored: str | None, password: str) -> bool:
    """Say whether a password is the stored one; without one it takes as long and is False."""
    try:
        _hasher.verify(stored or _nobody(), _plain(password)[:LONGEST])
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def is_outdated(stored: str) -> bool:
    """Say whether a hash was made with weaker settings than those of today."""
    return _hasher.check_needs_rehash(stored)


def require_strong(password: str, *known: str | None) -> None:
    """Refuse a password that is easy to guess; `known` are words that others know, such as the person's name.

    Raises:
        PasswordRefused: the message says what would be better.
    """
    plain = _plain(password)
    if len(plain) < SHORTEST:
        raise PasswordRefused(Message("The password needs at least {count} characters", count=SHORTEST))
    if len(plain) > LONGEST:
        raise PasswordRefused(Message("The password has more than {count} characters", count=LONGEST))
    if len(set(plain.casefold())) <= _FEW_LETTERS:
        raise PasswordRefused(Message("The password repeats the same few characters"))
    words = {part for text in known if text for part in (text.casefold(), text.casefold().partition("@")[0])}
    if plain.casefold() in words:
        raise PasswordRefused(Message("The password is the name"))


def _plain(password: str) -> str:
    # One key may send composed letters and another keyboard decomposed ones.
    return unicodedata.normalize("NFKC", password)


@cache
def _nobody() -> str:
    return _hasher.hash("nobody")
