"""The folder of a site: what `guanxi new` makes, and which revision its documents were taken from."""

from __future__ import annotations

import json
import os
from pathlib import Path

from engine.errors import GuanxiError, SiteBroken
from engine.i18n import Message
from engine.site.config import FILE, SECRET_FILE, new_secret

DOCUMENT_FOLDERS = ("schemas", "workflows")
_BASE_FILE = "data/published.json"

_CONFIG = """\
# What this site is. Every key may be left out; `guanxi doctor` says what is in force.

# SQLite in a file of this folder, or PostgreSQL: postgresql://user:password@host/name. DATABASE_URL wins over it.
database: {database}

# Ready-made objects; `core` is always there. An empty list begins with nothing but people and teams.
packs: [crm]

# The first language is for whoever has not chosen one.
languages: [{languages}]
timezone: {timezone}
currency: {currency}

# The key that signs sign-ins and links. Keep it secret, and keep it: a new one signs everybody out.
secret_key: {{file: {secret}}}
"""

_IGNORED = """\
# What the site writes while it runs, its secrets among it
/data/
*.errors.csv
"""


def create_folder(
    folder: Path,
    *,
    language: str = "en",
    timezone: str = "Asia/Shanghai",
    currency: str = "CNY",
    database: str | None = None,
) -> None:
    """Make the folder of a new site.

    Raises:
        GuanxiError: there is something already.
        SiteBroken: it cannot be made.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise GuanxiError(Message("{folder} exists already", folder=str(folder)))
    languages = [language, *(each for each in ("en", "zh") if each != language)]
    text = _CONFIG.format(
        database=database or "sqlite:///data/site.sqlite",
        languages=", ".join(languages),
        timezone=timezone,
        currency=currency,
        secret=SECRET_FILE,
    )
    try:
        for name in (*DOCUMENT_FOLDERS, "plugins", "data"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "data").chmod(0o700)
        write_private(folder / SECRET_FILE, new_secret() + "\n")
        (folder / ".gitignore").write_text(_IGNORED, encoding="utf-8")
        for name in (*DOCUMENT_FOLDERS, "plugins"):
            (folder / name / ".gitkeep").touch()
        # Last, for this is what makes the folder a site.
        (folder / FILE).write_text(text, encoding="utf-8")
    except OSError as error:
        raise SiteBroken(
            Message("{folder} cannot be made: {why}", folder=str(folder), why=error.strerror or type(error).__name__)
        ) from error


def write_private(file: Path, text: str) -> None:
    """Write a file that nobody but its owner may read, whole or not at all."""
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    partial.replace(file)


def base_revision(folder: Path) -> tuple[int, str] | None:
    """Return the revision that the documents of a folder were taken from, and its checksum; None when it has none."""
    try:
        noted = json.loads((folder / _BASE_FILE).read_text(encoding="utf-8"))
        return int(noted["revision"]), str(noted["checksum"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SiteBroken(Message("{file} cannot be read: {why}", file=_BASE_FILE, why=str(error))) from error


def remember_base(folder: Path, revision: int, checksum: str) -> None:
    """Note that the documents of a folder are those of a revision."""
    (folder / "data").mkdir(exist_ok=True)
    write_private(folder / _BASE_FILE, json.dumps({"revision": revision, "checksum": checksum}) + "\n")
