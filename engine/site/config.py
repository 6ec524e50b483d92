"""`guanxi.yaml`: what a site is, apart from its documents. Every mistake in it is told with its place.

Whatever the file leaves out has a default that works on one machine. Secrets may stay out of it: the key that signs
sign-ins lies in a file of its own, readable by its owner only, or comes from the environment.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from ipaddress import ip_network
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.errors import DocumentsInvalid, Problem, SiteBroken
from engine.i18n import Message
from engine.metadata.document import Positions, by_place, join, read_plain
from engine.metadata.shape import Compiler
from engine.outbound import Allowance
from engine.site import appearance, sign_in
from engine.site.job_settings import BACKUP_SCHEMA, JOBS_SCHEMA
from engine.site.keys import Source, read_key

FILE = "guanxi.yaml"
SECRET_FILE = "data/secret_key"  # noqa: S105 - a place, not a secret
SECRET_VARIABLE = "GUANXI_SECRET_KEY"  # noqa: S105 - a name, not a secret
_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request, person or file may take at most."""

    rows_per_page: int = 200
    rows_per_write: int = 1_000
    query_seconds: int = 5
    report_seconds: int = 60
    upload_megabytes: int = 100
    import_megabytes: int = 500
    fields_per_entity: int = 400
    sign_in_attempts: int = 10
    """Wrong passwords for one name before it has to wait."""
    lock_minutes: int = 15
    session_hours: int = 12
    """How long a sign-in lasts without use."""
    session_most_hours: int = 168
    """How long a sign-in lasts however much it is used."""
    set_up_hours: int = 72
    """How long a set-up link is good for."""
    reset_minutes: int = 60
    """How long a link to a forgotten password, or to a new email address, is good for."""
    password_length: int = 10
    """Characters that a password has at least."""
    password_history: int = 0
    """Passwords of old that a person may not take again."""
    history_days: int = 0
    """Days that history is kept; 0 = for ever."""
    audit_days: int = 0
    """Days that events of the audit log are kept; 0 = for ever."""
    grace_days: int = 30
    """Days that the values of a retired field are kept."""
    trash_days: int = 90
    """Days that deleted records wait in the bin before `guanxi clean-up` deletes them for good; 0 = for ever."""
    api_requests_per_minute: int = 6_000
    """Requests of the API that one person's programs may make; 0 = any number."""
    export_rows: int = 100_000
    """Records that a person may export at a time, unless their roles say otherwise; 0 = as many as there are."""
    export_at_once: int = 2_000
    """Records up to which an export is made while the person waits; a job makes more."""
    export_megabytes: int = 5_000
    """What the files of records may have together that one export takes along; 0 = as much as there is."""
    export_days: int = 3
    """Days that an exported file is kept for its owner."""
    import_days: int = 30
    """Days that an imported file is kept after anybody did anything with it."""
    files_megabytes: int = 0
    """What all files may have together; 0 = as much as there is room for."""
    files_megabytes_per_person: int = 0
    """What the files that one person uploaded may have together; 0 = as much as there is room for."""


@dataclass(frozen=True, slots=True)
class SiteConfig:
    """What `guanxi.yaml` says, defaults filled in."""

    folder: Path
    database: str
    """An address such as sqlite:///… or postgresql://…, absolute."""
    packs: tuple[str, ...] = ("crm",)
    plugins: tuple[str, ...] | None = None
    """Names of the plugins to load; None = every one in the site's own folder."""
    base_url: str | None = None
    hosts: tuple[str, ...] = ()
    """Names beside that of `base_url` under which the site answers."""
    trusted_proxies: tuple[str, ...] = ()
    timezone: str = "Asia/Shanghai"
    languages: tuple[str, ...] = ("en", "zh")
    """The first is what a person gets who says nothing."""
    currency: str = "CNY"
    files: Path = Path("data/files")
    mail: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    log: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({"level": "info"}))
    limits: Limits = field(default_factory=Limits)
    outbound: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({"allow": ()}))
    api: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """Which pages of other origins may use the API."""
    export: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """Whether people say why they export, and whether spreadsheets say who exported what."""
    jobs: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """How many jobs run at once."""
    backup: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """Where the backup of every night goes, and which are kept."""
    sign_in: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    """Who may sign in by password, and who else vouches for people."""
    site: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """Its name, its logo and its colour."""
    secret_source: Source | None = field(default=None, repr=False)
    secrets: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    """Where the keys come from that wrap data keys, and former ones of either kind."""

    @property
    def shown_database(self) -> str:
        """The address of the database, without its password."""
        return re.sub(r"(?<=:)[^:/@]+(?=@)", "***", self.database)

    @property
    def data(self) -> Path:
        """The folder of what the site writes itself."""
        return self.folder / "data"

    @property
    def secret_key(self) -> str:
        """Return the key that signs cookies and links.

        Raises:
            SiteBroken: there is none, or it is too short to be one.
        """
        source = self.secret_source
        if source is None or (not isinstance(source, str) and "file" in source):
            # The variable wins over a file: what runs in a container has none.
            source = {"env": SECRET_VARIABLE} if os.environ.get(SECRET_VARIABLE) else source or {"file": SECRET_FILE}
        return read_key(source, self.folder)

    @property
    def former_secret_keys(self) -> tuple[str, ...]:
        """Return the keys that cookies and links were signed with before, which are good for a while yet.

        Raises:
            SiteBroken: one cannot be had.
        """
        return tuple(read_key(each, self.folder) for each in self.secrets.get("old_signing_keys", ()))

    @property
    def wrapping_keys(self) -> tuple[str, ...]:
        """Return the keys that open data keys: the one that wraps them now, then former ones.

        Raises:
            SiteBroken: one cannot be had.
        """
        own, old = self.secrets.get("key"), self.secrets.get("old_keys", ())
        first = (read_key(own, self.folder),) if own is not None else (self.secret_key,)
        found = [*first, *(read_key(each, self.folder) for each in old)]
        if own is not None:
            # What was wrapped before there was a key of its own. Where it is not to be had, it is not needed either.
            with suppress(SiteBroken):
                found.append(self.secret_key)
        return tuple(dict.fromkeys((*found, *self.former_secret_keys)))


def read_config(folder: Path, *, database_url: str | None = None) -> SiteConfig:
    """Read and check the `guanxi.yaml` of a folder; `database_url`, or DATABASE_URL, wins over its `database`.

    Raises:
        SiteBroken: there is no such file.
        DocumentsInvalid: it says something that it cannot say.
    """
    folder = folder.resolve()
    file = folder / FILE
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        raise SiteBroken(
            Message(
                "{folder} is not a site: it has no {file} (make one with `guanxi new`)", folder=str(folder), file=FILE
            )
        ) from None
    except OSError as error:
        raise SiteBroken(Message("{file} cannot be read: {why}", file=str(file), why=error.strerror or "")) from error
    body, positions, problems = read_plain(data, FILE)
    body = {} if body is None else body
    if not problems:
        problems = _problems(body, positions, folder)
    if problems:
        raise DocumentsInvalid(problems)
    return _made(folder, dict(body), database_url or os.environ.get("DATABASE_URL"))


def _made(folder: Path, body: dict[str, Any], database_url: str | None) -> SiteConfig:
    secret_source = body.pop("secret_key", None)
    given: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else MappingProxyType(value) if isinstance(value, dict) else value
        for key, value in body.items()
        if value is not None
    }
    given["database"] = absolute_url(folder, database_url or body.get("database") or "sqlite:///data/site.sqlite")
    given["files"] = folder / (body.get("files") or "data/files")
    given["limits"] = Limits(**(body.get("limits") or {}))
    return SiteConfig(folder=folder, secret_source=secret_source, **given)


def absolute_url(folder: Path, url: str) -> str:
    """Return a database's address with the file of an SQLite one taken from the site's folder."""
    scheme, slashes, path = url.partition(":///")
    if not (scheme.startswith("sqlite") and slashes) or path.startswith("/") or not path or path == ":memory:":
        return url
    return f"{scheme}:///{(folder / path).as_posix()}"


def new_secret() -> str:
    """Return a new secret key."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def _words(description: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "description": description, "minLength": 1, **more}


def _names(description: str, **more: Any) -> dict[str, Any]:
    items = {"type": "string", "minLength": 1, **more}
    return {"type": "array", "description": description, "items": items, "uniqueItems": True}


def _map(description: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "description": description, "additionalProperties": False, "properties": properties}


def _key(description: str) -> dict[str, Any]:
    words = {"type": "array", "description": "A program that prints it, and its arguments.", "minItems": 1}
    return {
        "type": ["string", "object"],
        "description": description,
        "additionalProperties": False,
        "minProperties": 1,
        "properties": {
            "file": _words("A file."),
            "env": _words("An environment variable."),
            "command": {**words, "items": {"type": "string", "minLength": 1}},
        },
    }


def _keys(description: str) -> dict[str, Any]:
    return {"type": "array", "description": description, "items": _key("A key, or where it comes from.")}


def _whole(description: str) -> dict[str, Any]:
    return {"type": "integer", "description": description, "minimum": 0}


SCHEMA: dict[str, Any] = _map(
    "What a site is.",
    {
        "database": _words(
            "sqlite:///data/site.sqlite, or postgresql://user@host/name. DATABASE_URL wins over it.",
            pattern=r"^(sqlite|postgresql|postgres)(\+[a-z0-9]+)?://",
        ),
        "packs": _names("Ready-made objects; core is always there.", pattern="^[a-z][a-z0-9_]*$"),
        "plugins": _names("Plugins to load; all in the folder plugins when left out."),
        "site": appearance.SCHEMA,
        "base_url": _words("Where people reach the site.", pattern=r"^https?://[^\s/]+"),
        "hosts": _names("Further names under which the site answers.", pattern=r"^[A-Za-z0-9._\[\]:-]+$"),
        "trusted_proxies": _names(
            "Addresses and networks of proxies whose headers say who asks; unix is for a socket."
        ),
        "secret_key": _key("The key that signs sign-ins and links, or where it comes from."),
        "secrets": _map(
            "The keys of secret values, and former keys.",
            {
                "key": _key("The key that wraps data keys; secret_key when left out."),
                "old_keys": _keys("Keys that wrapped data keys before, until `guanxi secrets rewrap` has run."),
                "old_signing_keys": _keys("Former values of secret_key, until what they signed has run out."),
            },
        ),
        "sign_in": sign_in.SCHEMA,
        "timezone": _words("A time zone, such as Asia/Shanghai."),
        "languages": _names("The first is for whoever has not chosen one.", pattern="^[a-z]{2,3}(_[A-Za-z]{2,4})?$"),
        "currency": _words("A code such as CNY.", pattern="^[A-Z]{3}$"),
        "files": _words("The folder of attachments."),
        "mail": _map(
            "How the site sends mail.",
            {
                "server": _words("smtp://host:25, or smtps://host:465.", pattern=r"^smtps?://[^\s/@]+$"),
                "from": _words("The address that it comes from."),
                "user": _words("Who signs in at the server."),
                "tls": {
                    "enum": ["always", "offered", "never"],
                    "description": "STARTTLS: always, unless the server is this machine; offered; never.",
                },
                "authorities": _words("A file of certificates that are trusted besides those of the machine."),
                "timeout": {
                    "type": "number",
                    "description": "Seconds to wait for the server.",
                    "minimum": 1,
                    "maximum": 300,
                },
                "password": {
                    "type": "object",
                    "description": "The file or environment variable that holds the password.",
                    "additionalProperties": False,
                    "properties": {"file": _words("A file."), "env": _words("An environment variable.")},
                },
            },
        ),
        "log": _map(
            "What the site writes down while it runs.",
            {
                "level": {"enum": ["debug", "info", "warning", "error"], "description": "From which weight on."},
                "format": {"enum": ["text", "json"], "description": "For people or for machines."},
                "file": _words("Where to, the error stream unless given."),
                "requests": {"type": "boolean", "description": "Whether every request gets a line."},
            },
        ),
        "limits": _map(
            "What one request, person or file may take.", {each.name: _whole(each.name) for each in fields(Limits)}
        ),
        "export": _map(
            "What is asked and said when records are exported.",
            {
                "reason": {"type": "boolean", "description": "Whether everybody says why they export."},
                "about": {"type": "boolean", "description": "Whether spreadsheets say who exported what and when."},
            },
        ),
        "jobs": JOBS_SCHEMA,
        "backup": BACKUP_SCHEMA,
        "api": _map(
            "Who may use the API.",
            {
                "cors": _names(
                    "Origins whose pages may use the API with a token, such as https://shop.example.com; * for all.",
                    pattern=r"^(\*|https?://[^\s/]+)$",
                )
            },
        ),
        "outbound": _map(
            "Where the site itself may connect to.",
            {
                "allow": _names(
                    "Names, addresses or networks inside the house that it may reach, with or without :port."
                ),
                "public": {
                    "type": "boolean",
                    "description": "Whether servers outside may be reached that allow does not name.",
                },
            },
        ),
    },
)


def _problems(body: Any, positions: Positions, folder: Path) -> list[Problem]:
    """Return all that is wrong in one file."""
    problems = [
        Problem(
            fault.message,
            positions.place(tuple(reversed(fault.path)), key=fault.key),
            join(tuple(reversed(fault.path))),
            fault.code,
            fault.advice,
        )
        for fault in Compiler(SCHEMA).compile(SCHEMA).check(body) or ()
    ]
    if not problems and not _is_timezone(body.get("timezone", "UTC")):
        message = Message("there is no time zone {name}", name=repr(body["timezone"]))
        problems.append(Problem(message, positions.place(("timezone",)), "timezone", "value"))
    if not problems and (mail := body.get("mail") or {}).get("server") and not mail.get("from"):
        message = Message("mail.from is missing: the address that mail comes from")
        problems.append(Problem(message, positions.place(("mail",)), "mail", "required"))
    if not problems and body.get("languages") == []:
        message = Message("at least one language is needed")
        problems.append(Problem(message, positions.place(("languages",)), "languages", "value"))
    if not problems and isinstance(allowed := (body.get("outbound") or {}).get("allow"), list):
        problems += _not_reachable(allowed, positions)
    if not problems:
        parts = {
            "sign_in": sign_in.faults(body.get("sign_in") or {}),
            "site": appearance.faults(body.get("site") or {}, folder),
        }
        for part, faults in parts.items():
            for path, message in faults:
                whole = (part, *path)
                problems.append(Problem(message, positions.place(whole), join(whole), "value"))
    if not problems:
        problems = _no_proxies(body.get("trusted_proxies") or [], positions)
    return sorted(problems, key=by_place)


def _not_reachable(allowed: list[str], positions: Positions) -> list[Problem]:
    """Return which entries of `outbound.allow` mean nothing."""
    problems = []
    for number, entry in enumerate(allowed):
        try:
            Allowance([entry])
        except ValueError:
            message = Message(
                "{entry} is neither a name, an address nor a network, with or without a port", entry=entry
            )
            place = positions.place(("outbound", "allow", number))
            problems.append(Problem(message, place, f"outbound/allow/{number}", "value"))
    return problems


def _no_proxies(proxies: list[str], positions: Positions) -> list[Problem]:
    """Return which entries of `trusted_proxies` mean nothing."""
    problems = []
    for number, entry in enumerate(proxies):
        try:
            _ = entry == "unix" or ip_network(entry, strict=False)
        except ValueError:
            message = Message("{entry} is neither an address nor a network", entry=entry)
            place = positions.place(("trusted_proxies", number))
            problems.append(Problem(message, place, f"trusted_proxies/{number}", "value"))
    return problems


def _is_timezone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def schema_text() -> str:
    """Return the JSON Schema of guanxi.yaml, as editors read it from schemas/meta."""
    named = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": FILE, **SCHEMA}
    return json.dumps(named, ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    target = Path(__file__).parents[2] / "schemas" / "meta" / "guanxi.schema.json"
    target.write_text(schema_text(), encoding="utf-8", newline="\n")
