"""What of a site is encrypted where, as an administrator or an auditor asks it, and what is not."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import Literal

from engine.errors import GuanxiError
from engine.i18n import Message
from engine.site.secrets import Encryption, encryption
from engine.site.site import Site
from engine.storage.database import run

State = Literal["good", "warning", "bad", "outside"]
"""`outside`: not the product's to encrypt, but the machine's."""

_HERE = frozenset({"", "localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Protection:
    """How one place where data lies or travels is protected."""

    key: str
    state: State
    about: Message
    said: Message


def protections(site: Site, known: Encryption | None = None) -> list[Protection]:
    """Return how every place is protected; `known` spares counting the sealed values again."""
    return [
        _fields(site, known),
        Protection(
            "passwords",
            "good",
            Message("Passwords"),
            Message("Argon2id with a salt each; nobody can read them back, not even with the key"),
        ),
        Protection(
            "tokens",
            "good",
            Message("Sign-ins, links and API tokens"),
            Message("Only their hashes are kept; what a browser or program holds is not in the database"),
        ),
        Protection(
            "factors",
            "good",
            Message("Authenticator apps"),
            Message("Their secrets are encrypted as secret fields are; passkeys need none"),
        ),
        _cookies(site),
        _connection(site),
        _database(site),
        _files(site),
        Protection(
            "backups",
            "outside",
            Message("Backups"),
            Message("Encrypted as a whole with --key-file or --passphrase; the keys are in them only with --with-keys"),
        ),
        _mail(site),
    ]


def _fields(site: Site, known: Encryption | None) -> Protection:
    about = Message("Secret fields")
    try:
        found = known or encryption(site)
    except GuanxiError as error:
        return Protection("fields", "bad", about, error.message)
    closed = [key.id for key in found.keys if not key.opens]
    values = sum(field.values for field in found.fields)
    if closed:
        said = Message("The key that the site is given does not open {count} data keys", count=len(closed))
        return Protection("fields", "bad", about, said)
    if any("" in field.keys for field in found.fields):
        return Protection("fields", "bad", about, Message("Some values are not encrypted"))
    if found.unfinished:
        said = Message("A rotation was broken off: run `guanxi secrets rotate` to end it")
        return Protection("fields", "warning", about, said)
    if not all(key.wrapped_now for key in found.keys):
        said = Message("A former key still wraps data keys: run `guanxi secrets rewrap`")
        return Protection("fields", "warning", about, said)
    said = Message("AES-256-GCM, each value for its place alone: {count} values in the database", count=values)
    return Protection("fields", "good", about, said)


def _cookies(site: Site) -> Protection:
    about = Message("Cookies")
    if (site.config.base_url or "").startswith("https://"):
        said = Message("Signed, for this site only, out of reach of scripts, and sent over TLS alone")
        return Protection("cookies", "good", about, said)
    said = Message("Signed, for this site only and out of reach of scripts; over TLS alone once base_url is https")
    return Protection("cookies", "warning" if _open_to_all(site) else "outside", about, said)


def _open_to_all(site: Site) -> bool:
    """Say whether people reach the site over a wire without TLS, as its settings say."""
    base = site.config.base_url
    host = (base or "").partition("//")[2].partition(":")[0].partition("/")[0]
    return base is not None and not base.startswith("https://") and host not in _HERE


def _connection(site: Site) -> Protection:
    about = Message("Between browsers and the site")
    if (site.config.base_url or "").startswith("https://"):
        return Protection(
            "connection", "good", about, Message("TLS, as base_url says; the proxy before the site has it")
        )
    if _open_to_all(site):
        said = Message("Open: base_url is not https, so anybody on the way can read along")
        return Protection("connection", "warning", about, said)
    said = Message("On this machine only, as far as base_url says; elsewhere, a proxy with TLS belongs before it")
    return Protection("connection", "outside", about, said)


def _database(site: Site) -> Protection:
    about = Message("Database")
    if site.database.dialect == "sqlite":
        said = Message("A file on this machine: encrypt its disk; secret fields are encrypted in it")
        return Protection("database", "outside", about, said)
    with site.database.bare() as connection:
        row = run(connection, "SELECT version, cipher FROM pg_stat_ssl WHERE ssl AND pid = pg_backend_pid()").fetchone()
        local = run(connection, "SELECT inet_server_addr() IS NULL OR inet_server_addr() <<= '127.0.0.0/8'").fetchone()
    if row is not None:
        said = Message("{version} to PostgreSQL; its files are the server's to encrypt", version=row[0])
        return Protection("database", "good", about, said)
    if local is not None and local[0]:
        said = Message("PostgreSQL on this machine, no wire between; its files are the server's to encrypt")
        return Protection("database", "outside", about, said)
    said = Message("Open on the way to PostgreSQL: add ?sslmode=verify-full to the address")
    return Protection("database", "bad", about, said)


def _files(site: Site) -> Protection:
    about, folder = Message("Attachments"), site.config.files
    try:
        mode = stat.S_IMODE(folder.stat().st_mode)
    except OSError:
        mode = 0
    if mode & 0o007:
        said = Message(
            "Not encrypted by the product, and others on this machine may look into {folder}", folder=str(folder)
        )
        return Protection("files", "warning", about, said)
    said = Message("Not encrypted by the product: encrypt the disk of {folder}", folder=str(folder))
    return Protection("files", "outside", about, said)


def _mail(site: Site) -> Protection:
    about, server = Message("Mail"), str(site.config.mail.get("server") or "")
    host = server.rpartition("@")[2].rpartition("//")[2].partition(":")[0]
    if not server:
        return Protection("mail", "outside", about, Message("None is sent"))
    if server.startswith("smtps://"):
        return Protection("mail", "good", about, Message("TLS from the first byte"))
    if host in _HERE:
        return Protection("mail", "outside", about, Message("To a server on this machine"))
    said = Message("TLS if the server offers it; smtps:// insists on it")
    return Protection("mail", "warning", about, said)
