"""The kit for tests of plugins and of metadata: a pytest plugin with a site that starts in milliseconds.

In a plugin's `conftest.py`: `pytest_plugins = ["engine.testing"]`. A test then asks for `site`, loads documents into it
as a person would write them, and acts as whom it likes; the site is thrown away after the test.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from engine import clock
from engine.data.batch import Change, Written
from engine.data.principal import SYSTEM, Principal
from engine.data.query import Query
from engine.errors import AccessDenied, NotFound
from engine.expression import parse
from engine.metadata import shipped_layers
from engine.publish.models import pack_checksums
from engine.site.config import FILE
from engine.site.folder import create_folder
from engine.site.site import Site
from engine.storage.guard import GUARD

_numbers = count(1)


class Kit:
    """A site under test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.site = Site.open(folder)
        self.principal: Principal = SYSTEM

    # --- documents ------------------------------------------------------------------------------------------------

    def load(self, text: str) -> Kit:
        """Add documents, as YAML, to the site's folder; `publish` makes them hold."""
        (self.folder / "schemas" / f"loaded_{next(_numbers)}.yaml").write_text(text, encoding="utf-8")
        return self

    def publish(self, **accept: int) -> Kit:
        """Publish the folder."""
        self.site.publish(accept={key.replace("__", "."): number for key, number in accept.items()})
        return self

    # --- people ---------------------------------------------------------------------------------------------------

    def person(self, role: str, *, name: str = "", manager: Principal | None = None) -> Principal:
        """Make a user who holds a role, and return who they are."""
        name = name or f"{role} {next(_numbers)}"
        values = {"manager": manager.id} if manager is not None else {}
        email = f"{hashlib.sha256(name.encode()).hexdigest()[:12]}@test.example"
        return self.site.principal(self.site.identity.add(name, email, [role], **values))

    @contextmanager
    def as_(self, who: Principal | str) -> Iterator[Principal]:
        """Act as a person, or as a new one who holds a role, until the block ends."""
        before, self.principal = self.principal, self.person(who) if isinstance(who, str) else who
        try:
            yield self.principal
        finally:
            self.principal = before

    # --- records --------------------------------------------------------------------------------------------------

    def create(self, entity: str, /, **values: Any) -> Written:
        """Create one record."""
        return self.site.records.create(self.principal, entity, [values])[0]

    def update(self, entity: str, record: Written | str, /, **values: Any) -> Written:
        """Change one record."""
        return self.site.records.update(self.principal, entity, [Change(_id(record), values)])[0]

    def delete(self, entity: str, record: Written | str) -> Written:
        """Put one record into the recycle bin."""
        return self.site.records.delete(self.principal, entity, [_id(record)])[0]

    def transition(self, entity: str, record: Written | str, name: str, /, **values: Any) -> Written:
        """Make a transition of one record."""
        return self.site.records.transition(self.principal, entity, [_id(record)], name, values or None)[0]

    def rows(self, entity: str, *paths: str, where: str | None = None, trashed: bool = False) -> list[dict[str, Any]]:
        """Return the records that the person sees, as Python values by path."""
        query = Query(entity, paths, None if where is None else parse(where), trashed=trashed, limit=1000)
        with self.site.reading(self.principal) as reader:
            return list(reader.query(query).dicts())

    def count(self, entity: str, where: str | None = None) -> int:
        """Return how many records the person sees."""
        with self.site.reading(self.principal) as reader:
            return reader.count(Query(entity, where=None if where is None else parse(where)), 1_000_000).number

    def values(self, entity: str, record: Written | str, *paths: str) -> Mapping[str, Any]:
        """Return the values of one record."""
        with self.site.reading(self.principal) as reader:
            return reader.record(entity, _id(record), paths).values()

    # --- time -----------------------------------------------------------------------------------------------------

    def freeze(self, text: str) -> AbstractContextManager[None]:
        """Let the clock stand at a moment such as "2026-11-22 09:00", local to the site."""
        moment = datetime.fromisoformat(text)
        zone = ZoneInfo(self.site.config.timezone)
        return clock.set_to(moment if moment.tzinfo else moment.replace(tzinfo=zone))

    def close(self) -> None:
        """Let go of the database."""
        self.site.close()


def _id(record: Written | str) -> str:
    return record if isinstance(record, str) else record.id


@contextmanager
def assert_queries(most: int) -> Iterator[list[str]]:
    """Fail when a block sends more statements than `most`; BEGIN and COMMIT are not counted."""
    seen: list[str] = []
    with watched(seen):
        yield seen
    assert len(seen) <= most, f"{len(seen)} statements, at most {most}:\n" + "\n".join(seen)  # noqa: S101 - it is one


@contextmanager
def watched(seen: list[str]) -> Iterator[None]:
    """Note every statement that a block sends, in any thread."""
    check = GUARD.check

    def noting(statement: str, token: object) -> None:
        seen.append(statement)
        check(statement, token)

    # The guard sees every statement, those that bypass SQLAlchemy too.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GUARD, "check", noting)
        yield


@contextmanager
def assert_denied() -> Iterator[None]:
    """Fail unless a block is refused for want of rights, or because the asker may not know of a record."""
    with pytest.raises((AccessDenied, NotFound)):
        yield


@pytest.fixture(scope="session")
def published_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a site with the standard packs, published once for all tests of a run; copy it, never open it."""
    layers = shipped_layers(["crm"])
    checksum = hashlib.sha256(repr(sorted(pack_checksums(layers).items())).encode()).hexdigest()[:16]
    folder = tmp_path_factory.mktemp("published") / checksum
    create_folder(folder)
    with Site.open(folder) as made:
        made.publish()
    return folder


@pytest.fixture
def site(published_site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kit]:
    """A site of its own, with the standard packs, in SQLite."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    kit = Kit(copy_site(published_site, tmp_path / "site"))
    yield kit
    kit.close()


def copy_site(source: Path, target: Path) -> Path:
    """Copy the folder of a site that nobody has open."""
    shutil.copytree(source, target)
    assert (target / FILE).exists()  # noqa: S101 - a fixture checks itself
    return target
