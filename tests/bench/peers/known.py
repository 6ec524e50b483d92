"""What a user would pick instead, doing the same work: Django REST framework and Directus, each where it is installed.

Neither is a dependency of the project. `docs/performance.md` says how to install them into a folder of their own, which
`--peers` names; a peer that is not there is printed as not run.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tests.bench.peers.base import Peer
from tests.bench.peers.directus import Directus
from tests.bench.peers.drf import DjangoRest

KINDS: tuple[type[Peer], ...] = (DjangoRest, Directus)


def found(installed: Path | None, folder: Path, urls: dict[str, str] | None) -> tuple[list[Peer], dict[str, str]]:
    """Return the peers that can be run, and by name why each of the others cannot.

    `urls` has the address of each one's PostgreSQL database; None = each makes an SQLite file in `folder`.
    """
    peers: list[Peer] = []
    lacking: dict[str, str] = {}
    for kind in KINDS:
        why = "no --peers folder was named" if installed is None else kind.lacking(installed)
        if why or installed is None:
            lacking[kind.name] = why
        else:
            peers.append(kind(installed, folder / kind.name, urls[kind.name] if urls else None))
    return peers, lacking


def names() -> Iterable[str]:
    """Yield the names of all peers, which are those of their databases."""
    return (kind.name for kind in KINDS)


__all__ = ["KINDS", "Peer", "found", "names"]
