"""Passwords: hashed with argon2id, refused when they are easy to guess.

Easy to guess is what is left over when known words, runs of the keyboard and what others know of the person are taken
out, and is then too little. Figures and signs are never demanded: they make passwords harder to keep in mind, and
hardly any harder to guess.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from engine.errors import PasswordRefused
from engine.i18n import Message
from engine.identity.common import LOOKALIKES, RUNS, WORDS

SHORTEST = 10
LONGEST = 1_000
"""Longer ones would only cost time."""
_FEW_LETTERS = 4
_LEAST_LEFT = 5
_SHORTEST_WORD = 3
_SHORTEST_RUN = 4
_PREFIX = 5
"""Figures of the hash that are told to whoever knows passwords that leaked: too few to tell the password."""

_hasher = PasswordHasher()

Leaked = Callable[[str], Iterable[str]]
"""Given the first five figures of the SHA-1 of a password, returns the rest of each that leaked, `:count` behind it."""


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


def require_strong(password: str, *known: str | None, shortest: int = SHORTEST, leaked: Leaked | None = None) -> None:
    """Refuse a password that is easy to guess; `known` are words that others know, such as the person's name.

    Raises:
        PasswordRefused: the message says what would be better.
    """
    plain = _plain(password)
    if len(plain) < shortest:
        raise PasswordRefused(Message("The password needs at least {count} characters", count=shortest))
    if len(plain) > LONGEST:
        raise PasswordRefused(Message("The password has more than {count} characters", count=LONGEST))
    if len(set(plain.casefold())) <= _FEW_LETTERS:
        raise PasswordRefused(Message("The password repeats the same few characters"))
    words = {part for text in known if text for part in (text.casefold(), text.casefold().partition("@")[0])}
    if plain.casefold() in words:
        raise PasswordRefused(Message("The password is the name"))
    if _left(plain, known) < _LEAST_LEFT:
        raise PasswordRefused(
            Message("The password is made of words that many use, or that others know of you; a sentence is better")
        )
    if leaked is not None and _has_leaked(plain, leaked):
        raise PasswordRefused(Message("The password is known from a leak of another site; choose one of your own"))


def _left(plain: str, known: Iterable[str | None]) -> int:
    """Return how many different characters remain without what is easy to guess."""
    text = plain.casefold()
    own = {part for words in known if words for part in re.split(r"[\W_]+", words.casefold())}
    for word in sorted(WORDS | own, key=len, reverse=True):
        if len(word) >= _SHORTEST_WORD or (word and not word.isascii()):
            text = text.replace(word, " ").replace(word[::-1], " ")
            # `p4ssw0rd` is the word too: taken out where the letters that it stands for are.
            plainer = text.translate(LOOKALIKES)
            if word in plainer:
                text = plainer.replace(word, " ")
    for run in (each for line in RUNS for each in (line, line[::-1])):
        for length in range(len(run), _SHORTEST_RUN - 1, -1):
            for start in range(len(run) - length + 1):
                text = text.replace(run[start : start + length], " ")
    text = re.sub(r"(.)\1{2,}", r"\1", text)
    # A year or a day of birth is the first thing that is tried behind a word.
    text = re.sub(r"(19|20)\d\d(0?[1-9]|1[0-2])?([0-2]?\d|3[01])?", " ", text)
    return len(set(re.sub(r"[\W_]+", "", text))) if text.strip() else 0


def _has_leaked(plain: str, leaked: Leaked) -> bool:
    digest = hashlib.sha1(plain.encode(), usedforsecurity=False).hexdigest().upper()
    prefix, rest = digest[:_PREFIX], digest[_PREFIX:]
    return any(str(each).strip().upper().partition(":")[0] == rest for each in leaked(prefix))


def _plain(password: str) -> str:
    # One key may send composed letters and another keyboard decomposed ones.
    return unicodedata.normalize("NFKC", password)


@cache
def _nobody() -> str:
    return _hasher.hash("nobody")
