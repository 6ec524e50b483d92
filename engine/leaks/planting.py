"""A site full of planted values: people in departments and teams, records of every entity, shares, a past, a bin.

Everything is written through `Records` as on any site, so hooks of plugins take part and history tells what was.
"""

from __future__ import annotations

import io
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from engine import clock
from engine.data.about import KIND, RECORD
from engine.data.principal import SYSTEM, Principal
from engine.data.rules import ABOUT
from engine.errors import GuanxiError, RecordInvalid
from engine.leaks.marks import HOST, Mark, Marks, Planter, chance
from engine.metadata.model import Entity, Field, Model
from engine.site.site import Site
from engine.storage.codec import moment
from engine.storage.database import run

_ATTEMPTS = 8
_PASSES = 4
_STRIDE = 7
_SCOPES: tuple[frozenset[str], ...] = (frozenset({"read"}), frozenset({"*"}), frozenset({"user:read"}), frozenset())
_ORGANISATION = ("department", "user", "team")


@dataclass(slots=True)
class Planted:
    """What was planted."""

    marks: Marks = field(default_factory=Marks)
    people: list[Principal] = field(default_factory=list)
    records: dict[str, list[str]] = field(default_factory=dict)
    """Entity -> ids of records that are not in the recycle bin."""
    refused: dict[str, str] = field(default_factory=dict)
    """Entities of which no record could be made, with the reason."""


def plant(
    site: Site, dice: random.Random, *, rows: int = 6, people: int = 6, roles: Sequence[Sequence[str]] = ()
) -> Planted:
    """Fill a site that was made for this and return what was planted.

    Args:
        site: published, and nobody's.
        dice: the same seed plants the same.
        rows: records of each entity.
        people: persons.
        roles: what the first of them hold; the others hold some by chance.
    """
    return _Planting(site, dice, rows, people, roles).carry_out()


class _Planting:
    def __init__(self, site: Site, dice: random.Random, rows: int, people: int, roles: Sequence[Sequence[str]]) -> None:
        self._site, self._dice = site, dice
        self._rows, self._people, self._held = rows, people, roles
        self._model: Model = site.published.model
        self._planter = Planter(dice)
        self._planted = Planted()

    def carry_out(self) -> Planted:
        """Plant everything."""
        self._organisation()
        waiting = [entity for entity in self._model.entities.values() if entity.key not in {*_ORGANISATION, "file"}]
        for last in [False] * (_PASSES - 1) + [True]:
            waiting = [entity for entity in waiting if not self._entity(entity, last=last)]
        self._past()
        self._about()
        self._share()
        self._bin()
        self._principals()
        return self._planted

    # --- people ---------------------------------------------------------------------------------------------------

    def _organisation(self) -> None:
        ids: list[str] = []
        for _ in range(4):
            made = self._make(self._model.entity("department"), {"parent": self._dice.choice([None, *ids])})
            ids += [made] if made else []
        known = sorted(self._model.roles.keys() - {"everyone"})
        people: list[str] = []
        for number in range(self._people):
            some = self._dice.sample(known, min(len(known), self._dice.randrange(1, 4))) if number else []
            values = {
                "email": f"{self._planter.word()}@{HOST}",
                "roles": list(self._held[number]) if number < len(self._held) else some,
                "manager": self._dice.choice([None, *people]),
                "department": self._dice.choice([None, *ids]),
                "status": "active",
            }
            made = self._make(self._model.entity("user"), values)
            people += [made] if made else []
        for _ in range(3):
            members = self._dice.sample(people, min(3, len(people)))
            self._make(self._model.entity("team"), {"members": members})

    def _principals(self) -> None:
        for id_ in self._planted.records.get("user", []):
            person = self._site.identity.principal(id_)
            self._planted.people.append(person)
            if chance(self._dice, 0.3):
                scopes = self._dice.choice(
                    [*_SCOPES, frozenset({f"{self._dice.choice(list(self._model.entities))}:*"})]
                )
                self._planted.people.append(replace(person, scopes=scopes))

    # --- records --------------------------------------------------------------------------------------------------

    def _entity(self, entity: Entity, *, last: bool) -> bool:
        """Make the records of an entity; False while records that they need are missing."""
        known = self._planted.records
        needed = (f for f in entity.fields.values() if f.required and f.type.links in {"one", "many"} and f.target)
        if not last and any(not known.get(f.target or "") and f.target != entity.key for f in needed):
            return False
        for _ in range(self._rows):
            self._make(entity)
        return True

    def _make(self, entity: Entity, given: Mapping[str, Any] | None = None) -> str | None:
        values, marks = self._values(entity, given or {})
        for _ in range(_ATTEMPTS):
            try:
                [written] = self._site.records.create(SYSTEM, entity.key, [values], via="leaks")
            except RecordInvalid as error:
                if not self._yield_to(entity, values, marks, error):
                    self._planted.refused.setdefault(entity.key, str(error))
                    return None
            except GuanxiError as error:
                self._planted.refused.setdefault(entity.key, str(error))
                return None
            else:
                for key, text in marks.items():
                    self._planted.marks.add(text, Mark(entity.key, written.id, key))
                self._planted.records.setdefault(entity.key, []).append(written.id)
                return written.id
        return None

    def _yield_to(self, entity: Entity, values: dict[str, Any], marks: dict[str, str], error: RecordInvalid) -> bool:
        """Give up values that were refused; say whether another attempt makes sense."""
        changed = False
        for problem in error.problems:
            key = problem.path.split("/")[0].split(".")[0]
            known = entity.fields.get(key)
            if known is None:
                # A rule about the record as a whole: another throw of the dice may keep it.
                fresh, planted = self._values(entity, {})
                values.clear()
                values.update(fresh)
                marks.clear()
                marks.update(planted)
                changed = True
            elif values.get(key) is not None:
                values[key] = None
                marks.pop(key, None)
                changed = True
            else:
                made = self._value(entity, known)
                if made is not None:
                    values[key], text = made
                    if text is not None:
                        marks[key] = text
                    changed = True
        return changed

    def _values(self, entity: Entity, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        values: dict[str, Any] = {}
        marks: dict[str, str] = {}
        for key, known in entity.fields.items():
            if key in given:
                values[key] = given[key]
                continue
            skip = not known.writable or known.type.links == "children" or key == "external_id"
            state = entity.states is not None and entity.states.field == key
            if skip or state or (not known.required and chance(self._dice, 0.12)):
                continue
            made = self._value(entity, known)
            if made is not None:
                values[key], text = made
                if text is not None:
                    marks[key] = text
        return values, marks

    def _value(self, entity: Entity, known: Field) -> tuple[Any, str | None] | None:
        dice, records = self._dice, self._planted.records
        if known.type.name in {"file", "image", "signature", "files", "images"}:
            return self._file(known)
        if known.type.links == "any":
            ends = [f"{target}/{id_}" for target in known.targets for id_ in records.get(target, ())]
            return (dice.choice(ends), None) if ends else None
        if known.type.links in {"one", "many"}:
            ids = records.get(known.target or "", [])
            if known.type.links == "many":
                return dice.sample(ids, min(len(ids), dice.randrange(0, 3))), None
            return (dice.choice(ids), None) if ids and (known.required or chance(dice, 0.85)) else None
        if known.choices:
            one = dice.choice(list(known.choices))
            return ([one] if known.type.value_type == "list" else one), None
        planted = self._planter.value(known)
        return planted if planted is not None else self._plainly(known)

    def _plainly(self, known: Field) -> tuple[Any, None] | None:
        """Return a value that gives nothing away."""
        dice = self._dice
        day = f"2026-0{dice.randrange(1, 9)}-1{dice.randrange(0, 9)}"
        least, most = known.options.get("min"), known.options.get("max")
        number = dice.randrange(int(least if least is not None else 0), int(most if most is not None else 100) + 1)
        for raw in (number, chance(dice, 0.5), day, f"{day}T09:00:00Z", "09:00", "#336699", f"a{number}", "x"):
            try:
                if known.type.parse(raw, known.options) is not None:
                    return raw, None
            except Exception:  # noqa: BLE001, S112 - a type of a plugin may refuse in ways of its own
                continue
        return None

    def _file(self, known: Field) -> tuple[Any, None] | None:
        content = f"{self._planter.word()}\n".encode()
        try:
            id_ = self._site.files.add(SYSTEM, io.BytesIO(content), name=f"{self._planter.word()}.txt", via="leaks")
        except GuanxiError:
            return None
        self._planted.records.setdefault("file", []).append(id_)
        return ([id_] if known.type.value_type == "list" else id_), None

    # --- what became of them --------------------------------------------------------------------------------------

    def _past(self) -> None:
        """Change some records, so that their history has values that they no longer have."""
        for entity in self._model.entities.values():
            if entity.key == "file":
                continue
            for id_ in self._planted.records.get(entity.key, [])[::2]:
                keys = [key for key, known in entity.fields.items() if known.writable and known.type.links == ""]
                for key in self._dice.sample(keys, min(3, len(keys))):
                    self._change(entity, id_, key)

    def _change(self, entity: Entity, id_: str, key: str) -> None:
        made = self._planter.value(entity.fields[key])
        if made is None:
            return
        try:
            self._site.records.update(SYSTEM, entity.key, [{"id": id_, key: made[0]}], via="leaks")
        except GuanxiError:
            return
        if made[1] is not None:
            self._planted.marks.add(made[1], Mark(entity.key, id_, key))

    def _about(self) -> None:
        """Let each comment be about some record, so that it is read with that one."""
        records = self._planted.records
        ends = [(key, id_) for key in sorted(records) if key not in {*ABOUT, "file"} for id_ in records[key]]
        for number, id_ in enumerate(records.get("comment", ())):
            # No throw of the dice: what else is planted stays as it was.
            entity, record = ends[(number * _STRIDE) % len(ends)]
            self._site.records.update(SYSTEM, "comment", [{"id": id_, KIND: entity, RECORD: record}], via="leaks")

    def _share(self) -> None:
        records = self._planted.records
        principals = [*records.get("user", ()), *records.get("team", ()), *records.get("department", ())]
        entities = [key for key in records if key not in _ORGANISATION]
        shares = set()
        for _ in range(3 * len(entities)):
            entity = self._dice.choice(entities)
            shares.add((entity, self._dice.choice(records[entity]), self._dice.choice(principals)))
        dice, now = self._dice, clock.now()
        # Some have ended, some will, some never do.
        ends = [None, *(moment(self._site.database.dialect)(now + timedelta(days=days)) for days in (-1, 1))]
        rows = [(*each, dice.choice(["read", "edit"]), dice.randrange(2), dice.choice(ends)) for each in sorted(shares)]
        with self._site.database.write() as connection:
            mark = "?" if self._site.database.dialect == "sqlite" else "%s"
            text = (
                "INSERT INTO share (entity, record_id, principal_id, level, cascades, until, cause) "  # noqa: S608
                f"VALUES ({mark}, {mark}, {mark}, {mark}, {mark}, {mark}, 'manual')"
            )
            for row in rows:
                run(connection, text, row)

    def _bin(self) -> None:
        """Put some records into the recycle bin."""
        for entity in self._model.entities.values():
            ids: Sequence[str] = self._planted.records.get(entity.key, [])
            if entity.key in {*_ORGANISATION, "file"} or not ids or entity.parent is not None:
                continue
            try:
                self._site.records.delete(SYSTEM, entity.key, [ids[-1]], via="leaks")
            except GuanxiError:
                continue
