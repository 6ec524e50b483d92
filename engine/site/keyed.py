"""The keys of a site at work: what seals secret fields, and what signs the audit log."""

from __future__ import annotations

from contextlib import suppress

from engine.audit import Key
from engine.data.vault import KeyRing, Vault, Wrapping, first_key
from engine.errors import SiteBroken
from engine.site.config import SiteConfig
from engine.storage.database import Database


def vault_of(config: SiteConfig, database: Database) -> Vault | None:
    """Return what seals secret fields; without a key the site works, and refuses to keep secrets."""
    try:
        secret = config.secret_key.encode()
        wrappings = [Wrapping.of(key.encode()) for key in config.wrapping_keys]
    except SiteBroken:
        return None
    oldest = config.former_secret_keys
    ring = KeyRing(database, wrappings, first_key(oldest[-1].encode() if oldest else secret))
    ring.ensure()
    return Vault(secret, ring)


def audit_keys(config: SiteConfig) -> tuple[Key | None, tuple[Key, ...]]:
    """Return what the audit log is sealed with, and was before; without a secret the chain is a plain one."""
    key: Key | None = None
    former: tuple[Key, ...] = ()
    with suppress(SiteBroken):
        key = Key(config.secret_key.encode())
    with suppress(SiteBroken):
        former = tuple(Key(each.encode()) for each in config.former_secret_keys)
    return key, former
