"""Sites that are made once and copied for each test that changes something: making one, with its passwords, is slow."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine import Site, create_folder
from tests.conftest import PostgresServer


def make_folder(folder: Path, documents: str, packs: str = "[]") -> None:
    """Make the folder of a site with documents of its own, which nobody has published yet."""
    create_folder(folder)
    config = folder / "guanxi.yaml"
    config.write_text(re.sub(r"(?m)^packs:.*$", f"packs: {packs}", config.read_text("utf-8")), "utf-8")
    (folder / "schemas" / "world.yaml").write_text(documents, "utf-8")


@contextmanager
def copied(
    pattern: Path, folder: Path, server: PostgresServer | None = None, template: str | None = None
) -> Iterator[Site]:
    """Open a copy of a site in a folder; with `template`, the address of its database, on a copy of that too."""
    shutil.copytree(pattern, folder)
    url = server.create(template) if server is not None and template is not None else None
    with Site.open(folder, database_url=url) as site:
        yield site
    if server is not None and url is not None:
        server.drop(url)
