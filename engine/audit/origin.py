"""Where a request comes from: faces say it once, and whatever is noted on the way carries it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request comes from."""

    via: str = "system"
    """web, api, command, job ..."""
    address: str | None = None
    agent: str | None = None
    token: str | None = None
    """Id of the token that was shown; never the token itself."""


_SYSTEM = Origin()
_current: ContextVar[Origin | None] = ContextVar("origin", default=None)


def origin() -> Origin:
    """Return where the work that is being done comes from."""
    return _current.get() or _SYSTEM


def by_token(token_id: str) -> None:
    """Say that what is done from here on, in the request that is being answered, is done by a token."""
    here = _current.get()
    if here is not None and here.token != token_id:
        _current.set(replace(here, token=token_id))


@contextmanager
def acting_from(given: Origin) -> Iterator[None]:
    """Let what is done inside come from somewhere."""
    before = _current.set(given)
    try:
        yield
    finally:
        _current.reset(before)
