"""Ways to sign in besides the password: what the sign-in page offers as buttons."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from flask import Flask, current_app

_KEY = "guanxi_ways"


@dataclass(frozen=True, slots=True)
class Way:
    """One button of the sign-in page."""

    label: str
    """In the reader's language."""
    address: str
    """Where it leads, a path of this site."""
    icon: str = "login"


def offer(app: Flask, ways: Callable[[str], Iterable[Way]]) -> None:
    """Add ways to sign in: a function that is given the path where the person wants to go then.

    A blueprint calls it with `blueprint.record_once(lambda state: offer(state.app, ways))`.
    """
    app.extensions.setdefault(_KEY, []).append(ways)


def offered(wanted: str) -> list[Way]:
    """Return every way besides the password, in the order in which they were added."""
    return [way for ways in current_app.extensions.get(_KEY, ()) for way in ways(wanted)]
