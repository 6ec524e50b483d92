"""What the bench asks of a peer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from tests.bench.client import Server
from tests.bench.works import Work

Clock = Callable[[], float]


class Peer(ABC):
    """One other product, set up by hand as its documents say, with the leads of the bench in it.

    Args:
        installed: where all peers are installed.
        folder: a folder of this peer's own, made here.
        url: address of an empty PostgreSQL database; None = SQLite.
    """

    name: ClassVar[str]
    first: ClassVar[str]
    """Address that answers 200 when the server is up."""

    def __init__(self, installed: Path, folder: Path, url: str | None) -> None:
        self.installed, self.folder, self.url = installed, folder, url
        folder.mkdir()

    @classmethod
    @abstractmethod
    def lacking(cls, installed: Path) -> str:
        """Return why it cannot be run from a folder, "" when it can."""

    @abstractmethod
    def make(self, rows: int) -> None:
        """Make the tables, the people, and the leads."""

    @abstractmethod
    def command(self, port: int, workers: int) -> Sequence[str]:
        """Return what starts the server."""

    @property
    @abstractmethod
    def environment(self) -> Mapping[str, str]:
        """Return the server's environment."""

    @property
    @abstractmethod
    def boss(self) -> Mapping[str, str]:
        """Return the headers of an administrator's requests."""

    @property
    def rep(self) -> Mapping[str, str]:
        """Return the headers of the requests of somebody under the row rule."""
        return {}

    @abstractmethod
    def pages(self, server: Server, rows: int) -> dict[str, Work]:
        """Return the works that it can do, with records of its own."""

    @abstractmethod
    def load(self, path: Path, server: Server) -> tuple[float, float]:
        """Import a CSV by the product's own import; return (CPU seconds without a database server, seconds).

        Raises:
            RuntimeError: it failed.
        """

    def told(self, work: str, body: Any) -> Any:
        """Return the JSON of an answer in the shape that the floor gives."""
        return body
