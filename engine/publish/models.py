"""The Model of a revision, for every thread of this process, built once and never changed.

A request asks the database which revision runs (one cheap statement) and pins the `Published` of that number; the
last two are kept, so requests that began before a publication finish with what they began with.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import orjson

from engine.errors import SiteBroken
from engine.i18n import Message
from engine.metadata.build import build_model
from engine.metadata.layers import Layer
from engine.metadata.model import Model
from engine.publish import revisions
from engine.publish.revisions import Revision
from engine.storage.database import Database
from engine.storage.storage_map import StorageMap
from engine.storage.tables import Tables

KEPT = 2


class ProcessOutdated(SiteBroken):
    """The running revision was published with other packs than this process has.

    A process that ran before answers reads from the Model it has, refuses writes and ends when it is idle. One that
    starts like this needs `guanxi publish`, by which the packs that are installed take effect.
    """


@dataclass(frozen=True, slots=True)
class Settings:
    """What the site's configuration says of its Models."""

    languages: tuple[str, ...] = ("en", "zh")
    currency: str = "CNY"
    timezone: str = "Asia/Shanghai"
    grace_days: int = 30
    """How long the values of a retired field are kept."""


@dataclass(frozen=True, slots=True, eq=False)
class Published:
    """One revision, ready to work with: what it means and where it lies."""

    model: Model
    storage: StorageMap
    tables: Tables

    @property
    def revision(self) -> int:
        """Its number."""
        return self.model.revision


class Models:
    """The Models of one site in this process; safe to share between threads."""

    def __init__(self, database: Database, layers: Callable[[], Sequence[Layer]], settings: Settings) -> None:
        self._database = database
        self._layers = layers
        self._settings = settings
        self._lock = threading.Lock()
        self._kept: dict[int, Published] = {}

    def get(self, revision: int) -> Published:
        """Return a revision; kept in memory when it was used lately, built from the database otherwise.

        Raises:
            ProcessOutdated: it was published with other packs than this process has.
            NotFound: there is no such revision.
            DocumentsInvalid: it cannot be built with this version of the engine.
        """
        found = self._kept.get(revision)
        if found is not None:
            return found
        with self._lock:
            found = self._kept.get(revision)
            if found is None:
                found = self._build(revision)
                self.keep(found)
            return found

    def latest(self) -> Published | None:
        """Return the newest revision that this process has built; None when it has none."""
        kept = self._kept
        return kept[max(kept)] if kept else None

    def keep(self, published: Published) -> None:
        """Keep a revision in memory, and let go of the oldest ones."""
        kept = {**self._kept, published.revision: published}
        for number in sorted(kept)[:-KEPT]:
            del kept[number]
        self._kept = kept

    def build(self, layers: Sequence[Layer], number: int) -> Model:
        """Return the Model of some layers.

        Raises:
            DocumentsInvalid: with every problem of every document.
        """
        settings = self._settings
        return build_model(
            layers,
            number,
            languages=settings.languages,
            currency=settings.currency,
            timezone=settings.timezone,
        )

    def _build(self, number: int) -> Published:
        with self._database.bare() as connection:
            revision = revisions.load(connection, number)
        layers = list(self._layers())
        check_packs(revision, layers)
        model = self.build([*layers, revision.site_layer()], number)
        return published(model, revision.storage)


def published(model: Model, storage: StorageMap) -> Published:
    """Return a Model with its tables."""
    return Published(model, storage, Tables(model, storage))


def pack_checksums(layers: Sequence[Layer]) -> dict[str, str]:
    """Return the checksum of each layer below the site."""
    return {layer.name: _checksum(layer) for layer in layers if layer.kind != "site"}


_known: dict[int, tuple[tuple[object, ...], str]] = {}


def _checksum(layer: Layer) -> str:
    # Layers that come from files are kept by who reads them, with the same documents each time.
    known = _known.get(id(layer.documents))
    if known is not None and known[0] is layer.documents:
        return known[1]
    bodies = sorted((document.id, _canonical(document.body)) for document in layer.documents)
    checksum = hashlib.sha256(orjson.dumps([layer.prefix, bodies])).hexdigest()
    if len(_known) > 100:  # noqa: PLR2004 - plugins of a few sites
        _known.clear()
    _known[id(layer.documents)] = (layer.documents, checksum)
    return checksum


def _canonical(body: Mapping[str, object]) -> str:
    return orjson.dumps(body, default=str).decode()


def check_packs(revision: Revision, layers: Sequence[Layer]) -> None:
    """Compare the packs that a revision was published with to those that are installed.

    Raises:
        ProcessOutdated: they differ.
    """
    installed = pack_checksums(layers)
    if revision.number == 0 or dict(revision.packs) == installed:
        return
    names = sorted(name for name in {*installed, *revision.packs} if installed.get(name) != revision.packs.get(name))
    raise ProcessOutdated(
        Message(
            "Revision {number} was published with another version of {names} than is installed;"
            " publish to let the installed one take effect, or install the other",
            number=revision.number,
            names=", ".join(names),
        )
    )
