"""The scan of a live site: its own people over its own records, which changes nothing, then a copy of its metadata.

On the site itself nothing is written: channels that try to change something run on the copy alone, where people with
the site's roles and with random ones meet planted records. The site's plugins take part in both.
"""

from __future__ import annotations

import html
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import orjson

from engine.data.principal import SYSTEM, Principal
from engine.errors import GuanxiError
from engine.leaks.marks import Mark, Marks
from engine.leaks.plain import SEALED, Plain, Record
from engine.leaks.planting import plant
from engine.leaks.roles import random_roles
from engine.leaks.scan import LIMIT_MS, SAMPLE, LeakReport, Scan
from engine.metadata.model import Entity
from engine.site.documents import Found
from engine.site.site import Site

SECONDS = 60.0
_MOST_PEOPLE = 40
_SHORTEST = 8
"""Characters of a real value that is looked for in pages: a shorter one may stand there by chance."""
_ROLES, _ROWS, _PERSONS = 6, 5, 6
_BY_CHANCE = 2
"""People of the copy that hold random roles at least; the others hold what people of the site do."""

Step = Callable[[float], None]
"""Is told which part of the whole is done, 0 to 1."""


def examine_leaks(
    site: Site, *, seconds: float = SECONDS, seed: int | None = None, progress: Step | None = None
) -> LeakReport:
    """Look for leaks on a site for about as long as is said and return what was found.

    Args:
        site: published; nothing in it is changed.
        seconds: how long; the first half for the site itself, the rest for the copy.
        seed: repeats a scan; by chance unless given.
        progress: is told how far it is.

    Raises:
        SiteBroken: nothing was published yet.
    """
    dice = random.Random(seed)  # noqa: S311 - nothing secret
    started = time.monotonic()
    report = LeakReport()

    def step(_done: int, _of: int) -> None:
        if progress is not None:
            progress(min((time.monotonic() - started) / seconds, 1.0))

    people = list(_people(site, dice))
    marks = _real_marks(site)
    with site.meters.paused():
        report.add(Scan(site, people, marks=marks, dice=dice, deadline=started + seconds / 2, progress=step).run())
    for number in count():
        throw = random.Random(None if seed is None else f"{seed} {number}")  # noqa: S311 - as above
        report.add(_copy(site, throw, started + seconds, step))
        if time.monotonic() > started + seconds:
            break
    if progress is not None:
        progress(1.0)
    report.seconds = time.monotonic() - started
    return report


def _people(site: Site, dice: random.Random) -> Iterator[Principal]:
    """Yield people of the site, one of each set of roles first: who holds the same is told the same."""
    people = [person for person in site.identity.people() if person.active]
    dice.shuffle(people)
    seen: set[tuple[str, ...]] = set()
    first = [person for person in people if (key := tuple(sorted(person.roles))) not in seen and not seen.add(key)]  # type: ignore[func-returns-value]
    chosen = [*first, *(person for person in people if person not in first)]
    for person in chosen[:_MOST_PEOPLE]:
        try:
            yield site.principal(person.id)
        except GuanxiError:
            continue


def _copy(site: Site, dice: random.Random, deadline: float, step: Callable[[int, int], None]) -> LeakReport:
    """Scan a site of the same metadata and plugins with planted records and random roles, and throw it away."""
    documents = list(site.publisher.current().site_documents())
    found = Found(site.config, site.config.packs, site.plugins, tuple(documents), ())
    with tempfile.TemporaryDirectory(prefix="guanxi-leaks-", ignore_cleanup_errors=True) as folder:
        copy = Site.temporary(Path(folder), found)
        try:
            roles = random_roles(copy.published.model, dice, _ROLES)
            copy.publisher.publish([*documents, *roles])
            known = sorted({tuple(sorted(person.roles)) for person in site.identity.people() if person.active})
            held = dice.sample(known, min(len(known), _PERSONS - _BY_CHANCE))
            planted = plant(copy, dice, rows=_ROWS, people=_PERSONS, roles=held)
            people = planted.people
            scan = Scan(
                copy,
                people,
                marks=planted.marks,
                dice=dice,
                whole=True,
                deadline=deadline,
                least=_BY_CHANCE,
                progress=step,
            )
            return scan.run()
        finally:
            copy.close()


# --- real values that are known again


def _real_marks(site: Site) -> Marks:
    """Return texts of sampled records that stand nowhere else, so that they are known again in a page or a file."""
    marks = Marks()
    with site.reading(SYSTEM, limit_ms=LIMIT_MS) as reader:
        plain = Plain(reader.connection, reader.published)
        model = reader.model
        words = orjson.dumps(model.documents, default=str).decode()
        rows = {key: plain.some(key, SAMPLE) for key in model.entities}
        fetched = orjson.dumps(rows, default=str).decode()
        for key, records in rows.items():
            for row in records:
                for text, mark in _texts(model.entity(key), row):
                    once = fetched.count(orjson.dumps(text).decode().strip('"')) == 1 and text not in words
                    if once and plain.times(mark.entity, mark.field, text) == 1:
                        marks.add_real(text, mark)
    return marks


def _texts(entity: Entity, row: Record) -> Iterator[tuple[str, Mark]]:
    for key, field in entity.fields.items():
        value = row.get(key)
        text = field.type.value_type == "text" and not (field.choices or field.system or field.type.computed)
        if not text or not isinstance(value, str) or len(value) < _SHORTEST or value == SEALED:
            continue
        # What pages write otherwise, such as & and <, is not known again there.
        if html.escape(value) == value:
            yield value, Mark(entity.key, row["id"], key)
