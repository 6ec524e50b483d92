"""The demonstration as a site: its folder, its people with random passwords, its records with a past."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from engine import SYSTEM, GuanxiError, Message, Site, create_folder, write_private
from ui.cli.people import random_password
from ui.demo.generate import Generator, Row
from ui.demo.people import DEPARTMENTS, PEOPLE, TEAMS

_NOTES = Path("data/demo.json")
_CHUNK = 500
_Progress = Callable[[Message, int | None], AbstractContextManager[Callable[[int], None]]]


def is_demo(folder: Path) -> bool:
    """Say whether a folder was made by `make_demo`, even if it was broken off."""
    return (folder / _NOTES).exists()


def known_sign_ins(folder: Path) -> dict[str, dict[str, str]]:
    """Return email and password of each person of the demonstration, by key."""
    found: dict[str, dict[str, str]] = json.loads((folder / _NOTES).read_text(encoding="utf-8"))["sign_ins"]
    return found


def make_demo(folder: Path, size: int, seed: int, progress: _Progress, *, language: str) -> dict[str, int]:
    """Make and fill the site of a demonstration; return the records made by entity, none when it was there already.

    A demonstration that was broken off while it was filled begins anew.
    """
    if _read_notes(folder).get("filled"):
        with Site.open(folder) as site:
            if site.revision:
                # A newer version may bring newer documents: here they take effect by themselves.
                site.publish(comment="demo")
                return {}
    if folder.exists():
        shutil.rmtree(folder)
    create_folder(folder, language=language)
    sign_ins = {person.key: {"email": person.email, "password": random_password()} for person in PEOPLE}
    notes = {"seed": seed, "size": size, "sign_ins": sign_ins}
    write_private(folder / _NOTES, json.dumps(notes, indent=1))
    with Site.open(folder) as site:
        if site.revision:
            raise GuanxiError(
                Message(
                    "The database {url} holds a site already; a demo needs an empty one", url=site.config.shown_database
                )
            )
        site.publish(comment="demo")
        people = _people(site, sign_ins)
        counts = _fill(site, people, size, seed, progress)
    write_private(folder / _NOTES, json.dumps({**notes, "filled": True}, indent=1))
    return counts


def _read_notes(folder: Path) -> dict[str, Any]:
    try:
        notes: dict[str, Any] = json.loads((folder / _NOTES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return notes


def _people(site: Site, known: dict[str, dict[str, str]]) -> dict[str, str]:
    """Make the people, and return their ids by key."""
    records = site.records
    departments: dict[str, str] = {}
    for key, (name, above) in DEPARTMENTS.items():
        [made] = records.create(
            SYSTEM, "department", [{"name": name, "code": key, "parent": above and departments[above]}]
        )
        departments[key] = made.id
    people: dict[str, str] = {}
    for person in PEOPLE:
        people[person.key] = site.identity.add(
            person.name,
            person.email,
            [person.role],
            department=person.department and departments[person.department],
            manager=person.manager and people[person.manager],
            language=person.language,
            position=person.position,
        )
        site.identity.set_password(people[person.key], known[person.key]["password"])
    for name, (leader, members) in TEAMS.items():
        records.create(
            SYSTEM, "team", [{"name": name, "leader": people[leader], "members": [people[key] for key in members]}]
        )
    return people


def _fill(site: Site, people: dict[str, str], size: int, seed: int, progress: _Progress) -> dict[str, int]:
    now = datetime.now(ZoneInfo(site.config.timezone))
    # Rules reckon for the product itself in UTC: where a day has begun here but not there, it would lie ahead.
    today = min(now.date(), datetime.now(UTC).date())
    rows = list(Generator(size, seed, today).rows())
    counts: dict[str, int] = {}
    with progress(Message("Filling"), len(rows)) as move:
        for entity, of_entity in groupby(rows, key=lambda row: row.entity):
            for chunk in _chunks(list(of_entity)):
                site.records.create(SYSTEM, entity, [_values(row, people, now) for row in chunk], via="demo")
                counts[entity] = counts.get(entity, 0) + len(chunk)
                move(len(chunk))
    return counts


def _values(row: Row, people: dict[str, str], now: datetime) -> dict[str, Any]:
    made = now - timedelta(days=row.age)
    return {
        **row.values,
        "external_id": row.key,
        "owner": people[row.owner],
        "created_at": made,
        "updated_at": made,
        "created_by": people[row.owner],
    }


def _chunks(rows: list[Row]) -> Iterator[list[Row]]:
    for start in range(0, len(rows), _CHUNK):
        yield rows[start : start + _CHUNK]
