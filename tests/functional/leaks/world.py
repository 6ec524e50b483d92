"""Sites that were made to be looked through: documents, random roles, planted records, on a database of either kind."""

import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine import Site, create_folder
from engine.leaks import Channel, LeakReport, Planted, Scan, channels, plant, random_roles
from engine.metadata.document import read_text
from tests.metadata.clinic import CLINIC
from ui.leaks import register_faces

CLINIC_DOCUMENTS = CLINIC.partition("---\nworkflow:")[0]

register_faces()


@dataclass
class World:
    """A site, and what was planted in it."""

    site: Site
    planted: Planted
    dice: random.Random

    def scan(self, only: tuple[str, ...] = (), *, people: int = 0, about: tuple[str, ...] | None = None) -> LeakReport:
        """Ask through every channel, or through some, in the name of everybody, or of the last few."""
        asked: list[Channel] = [each for each in channels() if not only or each.name in only]
        persons = self.planted.people[-people:]
        return Scan(self.site, persons, marks=self.planted.marks, dice=self.dice, whole=True, about=about).run(asked)


@contextmanager
def world(
    folder: Path,
    documents: str,
    seed: int,
    *,
    url: str | None = None,
    packs: str = "[]",
    rows: int = 4,
    people: int = 5,
    roles: int = 6,
    plugin: str = "",
    held: tuple[str, ...] = (),
) -> Iterator[World]:
    """Make a site, fill it, and close it."""
    dice = random.Random(seed)
    place = folder / "site"
    create_folder(place)
    config = place / "guanxi.yaml"
    config.write_text(re.sub(r"(?m)^packs:.*$", f"packs: {packs}", config.read_text("utf-8")), "utf-8")
    if documents:
        (place / "schemas" / "site.yaml").write_text(documents, "utf-8")
    if plugin:
        (place / "plugins" / "leaky").mkdir(parents=True)
        (place / "plugins" / "leaky" / "plugin.yaml").write_text("plugin: leaky\nversion: 1.0.0\n", "utf-8")
        (place / "plugins" / "leaky" / "__init__.py").write_text(plugin, "utf-8")
    with Site.open(place, database_url=url) as site:
        site.publish()
        given, _ = read_text(documents, "site.yaml", "site") if documents else ([], [])
        site.publisher.publish([*given, *random_roles(site.published.model, dice, roles)])
        yield World(site, plant(site, dice, rows=rows, people=people, roles=[held] * people if held else ()), dice)
