"""What an administrator does with the keys of a site, and what is known of what is encrypted where."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.audit import Event
from engine.data.vault import Holder, Rotation, Vault, count_by_key, holders, rewrap, rotate
from engine.errors import GuanxiError, SiteBroken
from engine.i18n import Message
from engine.publish import ProcessOutdated
from engine.site.config import new_secret
from engine.site.site import Site


@dataclass(frozen=True, slots=True)
class Key:
    """A data key as an administrator may see it: never the key itself."""

    id: str
    purpose: str
    """data or index."""
    state: str
    """active seals, leaving is being replaced, retired opens what is left."""
    created_at: Any
    values: int
    """Values sealed with it."""
    opens: bool
    """Whether the key that the site is given opens it."""
    wrapped_now: bool
    """Whether the key that wraps now wrapped it; `guanxi secrets rewrap` sees to it."""


@dataclass(frozen=True, slots=True)
class SealedField:
    """A place of sealed values."""

    name: str
    """`lead.id_card`."""
    values: int
    keys: tuple[str, ...]
    """Ids of the data keys of its values; "" stands for open text, which is a defect."""


@dataclass(frozen=True, slots=True)
class Encryption:
    """What is encrypted in the database."""

    keys: tuple[Key, ...]
    fields: tuple[SealedField, ...]

    @property
    def unfinished(self) -> bool:
        """Whether a rotation was begun and not ended."""
        return any(key.state == "leaving" for key in self.keys)


def encryption(site: Site) -> Encryption:
    """Return what is sealed where, and with which keys; counts every sealed value.

    Raises:
        SiteBroken: the site has no key at all.
    """
    ring = _vault(site).ring
    assert ring is not None  # noqa: S101 - a site always has one
    with site.database.bare() as connection:
        rows = ring.rows(connection)
        counts = count_by_key(connection, _holders(site))
    by_key: dict[str, int] = {}
    for numbers in counts.values():
        for key, number in numbers.items():
            by_key[key] = by_key.get(key, 0) + number
    keys = tuple(
        Key(
            row.id,
            row.purpose,
            row.state,
            row.created_at,
            by_key.get(row.id, 0),
            ring.opens(row),
            ring.wrapped_now(row),
        )
        for row in rows
    )
    fields = tuple(
        SealedField(name, sum(numbers.values()), tuple(sorted(numbers))) for name, numbers in sorted(counts.items())
    )
    return Encryption(keys, fields)


def rotate_keys(site: Site, *, progress: Callable[[int], None] = lambda _done: None) -> Rotation:
    """Seal every secret value with a new data key while others work; see `engine.data.vault.rotation`.

    Raises:
        SiteBroken: the site has no key, or it opens none of the data keys.
        DatabaseUnavailable: others held what is needed for too long.
    """

    def note(connection: Any, number: int, key: str) -> None:
        site.trail.note(connection, Event("key_rotated", number=number, details={"what": "data key", "key": key}))

    return rotate(_vault(site), site.database, _holders(site), progress=progress, note=note)


def rewrap_keys(site: Site) -> int:
    """Wrap every data key with the key-encryption key of now, and return how many had another.

    Raises:
        SiteBroken: a data key opens with none of the keys that the site is given.
    """

    def note(connection: Any, number: int, _key: str) -> None:
        site.trail.note(connection, Event("key_rotated", number=number, details={"what": "key-encryption key"}))

    return rewrap(_vault(site), site.database, note=note)


def _vault(site: Site) -> Vault:
    if site.records.vault is None:
        _ = site.config.secret_key, site.config.wrapping_keys  # says what is the matter
        raise SiteBroken(Message("The site has no secret key, so secret fields cannot be kept"))
    return site.records.vault


def _holders(site: Site) -> list[Holder]:
    if site.revision == 0:
        return []
    model = None
    with suppress(ProcessOutdated):  # The storage map knows all fields of type `secret` by itself.
        model = site.published.model
    return list(holders(model, site.publisher.current().storage))


def write_new_key(file: Path) -> None:
    """Write a new random key into a file that only its owner can read.

    Raises:
        GuanxiError: there is a file of that name already, or it cannot be made.
    """
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise GuanxiError(Message("{folder} exists already", folder=str(file))) from None
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise GuanxiError(Message("{file} cannot be written: {why}", file=str(file), why=why)) from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(new_secret() + "\n")


def reindex_keys(site: Site) -> int:
    """Make a new index key and write every blind index with it, while writers wait; return how many fields have one.

    Raises:
        SiteBroken: the site has no key, or it opens none of the data keys.
        DatabaseUnavailable: others wrote for too long.
    """
    ring = _vault(site).ring
    assert ring is not None  # noqa: S101 - a site always has one
    published = site.published
    fields = [
        (entity.key, field.key)
        for entity in published.model.entities.values()
        for field in entity.columns
        if field.blind_of
    ]
    with site.database.exclusive() as connection:
        key = ring.add(connection, "index")
        for entity, field in fields:
            site.records.backfill(connection, published, entity, [field])
        ring.drop(connection, [row.id for row in ring.rows(connection) if row.purpose == "index" and row.id != key])
        details = {"what": "index key", "key": key}
        site.trail.note(connection, Event("key_rotated", number=len(fields), details=details))
    return len(fields)
