"""Merges: several records that stand for the same thing become one, and what hung on the others hangs on it.

All of it is one transaction and one change set, so a process that dies leaves nothing half done, and one undo takes
everything back. The others go into the recycle bin and say where they have gone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from engine.data import pipeline, trash
from engine.data.answers import answers
from engine.data.batch import Change
from engine.data.principal import Principal
from engine.data.probes import reached
from engine.data.records import Records
from engine.data.sets import write_set
from engine.data.shape import Shape
from engine.data.steps.authorise import denied, missing
from engine.data.steps.load import Stored, load
from engine.data.undo import ALSO
from engine.data.unit import Unit
from engine.duplicates import pairs
from engine.duplicates.choosing import MERGE_ALL, MergeChoice, choices_of, fullest
from engine.duplicates.moving import added_from_json, copy_rows, hanging_on, hangings, move, take_rows
from engine.duplicates.telling import title_of
from engine.errors import FieldProblem, GuanxiError, NotFound, RecordInvalid, VersionConflict
from engine.i18n import Message, Text
from engine.ids import is_id
from engine.metadata.model import Field

KIND = "merge"
MOST_MERGED = 5
"""Records that are merged at a time."""
_PERMISSION = "merge"
_FARTHEST = 20


@dataclass(frozen=True, slots=True)
class MergeLook:
    """What a merge would do.

    Attributes:
        titles: of the records by id, in the order in which they were named.
        survivor: the record that stays unless somebody says otherwise: the fullest, then the oldest.
        moves: label of what hangs on the records -> by record, how many.
    """

    entity: str
    titles: Mapping[str, str]
    survivor: str
    choices: tuple[MergeChoice, ...]
    moves: tuple[tuple[Text, Mapping[str, int]], ...]
    updated: Mapping[str, Any]
    owners: Mapping[str, str | None]
    versions: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge did."""

    survivor: str
    version: int
    losers: tuple[str, ...]
    moved: Mapping[str, int]
    change_set: str


class Merges:
    """Merges of one site. Safe to share between threads.

    All methods raise:

        NotFound: there is no such record, or whoever asks may not know of it.
        AccessDenied: they may not change one of the records, or neither delete the others nor merge at all.
        RecordInvalid: too few or too many records, or a choice that is none.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        ALSO[KIND] = _take_back

    def look(self, unit: Unit, entity: str, ids: Sequence[str], survivor: str | None = None) -> MergeLook:
        """Return what there is to choose, and what moves; `unit` may be one that only reads."""
        shape = unit.shape(entity)
        named = _named(ids)
        stored = _within_reach(unit, shape, named)
        stays = survivor if survivor in stored else fullest(shape, stored)
        choices = choices_of(unit, shape, stored, stays)
        moves = []
        for hanging in hangings(unit.published.model, entity):
            counts: dict[str, int] = {}
            for _, on in hanging_on(unit, hanging, entity, named):
                counts[on] = counts.get(on, 0) + 1
            if counts:
                moves.append((hanging.label, counts))
        return MergeLook(
            entity,
            {id_: title_of(unit, entity, stored[id_].values) for id_ in named},
            stays,
            choices,
            tuple(moves),
            {id_: stored[id_].values["updated_at"] for id_ in named},
            {id_: stored[id_].values.get("owner") for id_ in named},
            {id_: stored[id_].values["version"] for id_ in named},
        )

    def merge(
        self,
        principal: Principal,
        entity: str,
        survivor: str,
        losers: Sequence[str],
        choices: Mapping[str, str] | None = None,
        *,
        versions: Mapping[str, int] | None = None,
        via: str = "web",
        change_set: str | None = None,
    ) -> Merged:
        """Merge records into one of them and return what was done.

        `survivor` stays, `losers` go into the recycle bin. `choices` says by field whose value is taken, or `all` for
        fields of several values; for others what `look` proposes stands. `versions` is what was read of the records:
        one that was changed since is not merged.

        Raises:
            VersionConflict: a record is no longer at the version that was read.
        """

        def work(unit: Unit) -> Merged:
            return _merge(unit, entity, survivor, losers, choices or {}, versions or {})

        return self._records.carry_out(principal, work, kind=KIND, entity=entity, via=via, change_set=change_set)

    def gone_to(self, unit: Unit, entity: str, id_: str) -> str | None:
        """Return the record that one was merged into, at the end of the way; None when there is none to be read."""
        at, seen = id_, {id_}
        for _ in range(_FARTHEST):
            step = _pointer(unit, entity, at)
            if step is None or step in seen:
                break
            seen.add(step)
            at = step
        if at == id_ or at not in reached(unit, entity, "read", [at]):
            return None
        return at

    def merged_into(self, unit: Unit, entity: str, id_: str) -> list[tuple[str, str]]:
        """Return (record, change set) of what was merged into a record and not taken back, the newest first."""
        mark = unit.phrases.mark
        text = (
            "SELECT m.record_id, m.change_set_id FROM merged_record m LEFT JOIN change_set c ON c.id = m.change_set_id"  # noqa: S608
            f" WHERE m.entity = {mark} AND m.survivor_id = {mark} AND c.undone_by IS NULL ORDER BY m.at DESC"
        )
        return [(row[0], row[1]) for row in unit.run(text, (entity, id_)).fetchall()]


# --- what is asked --------------------------------------------------------------------------------------------------


def _named(ids: Sequence[str]) -> list[str]:
    named = list(dict.fromkeys(each for each in ids if is_id(each)))
    if not 1 < len(named) <= MOST_MERGED:
        message = Message("Choose two to {most} records to merge", most=MOST_MERGED)
        raise RecordInvalid([FieldProblem("", message, "count")])
    return named


def _within_reach(unit: Unit, shape: Shape, ids: Sequence[str], *, lock: bool = False) -> dict[str, Stored]:
    """Return the records, all of which the principal may read, change, and delete or merge."""
    entity = shape.entity
    if entity.parent is not None or entity.key == "user":
        raise RecordInvalid([FieldProblem("", Message("{plural} are not merged", plural=entity.plural), "entity")])
    unit.access.require(entity.key, "update")
    stored = load(unit, shape, ids, action="update", lock="delete" if lock else "none")
    for id_ in ids:
        found = stored.get(id_)
        if found is None or not found.readable:
            raise missing(entity, id_)
        if not found.reached:
            raise denied(entity, "update")
    if not unit.access.has(_PERMISSION):
        unit.access.require(entity.key, "delete")
    return stored


def _require_deletable(unit: Unit, shape: Shape, losers: Sequence[str]) -> None:
    if not unit.access.has(_PERMISSION) and reached(unit, shape.entity.key, "delete", losers) != set(losers):
        raise denied(shape.entity, "delete")


# --- what is done ---------------------------------------------------------------------------------------------------


def _merge(
    asker: Unit,
    entity: str,
    survivor: str,
    losers: Sequence[str],
    wanted: Mapping[str, str],
    versions: Mapping[str, int],
) -> Merged:
    shape = asker.shape(entity)
    named = _named([survivor, *losers])
    if survivor not in named or len(named) != len(losers) + 1:
        raise RecordInvalid([FieldProblem("", Message("A record is not merged with itself"), "twice")])
    stored = _within_reach(asker, shape, named, lock=True)
    going = named[1:]
    _require_deletable(asker, shape, going)
    for id_ in named:
        if versions.get(id_, stored[id_].values["version"]) != stored[id_].values["version"]:
            raise VersionConflict(entity, id_, stored[id_].values["version"], {})
    choices = choices_of(asker, shape, stored, survivor)
    _check(choices, wanted, named)
    values = _values(asker, shape, stored, choices, wanted, survivor, going)
    _say_begun(asker, entity, stored[survivor])
    # From here on the engine writes: that the person may do all of it was found out above.
    unit = asker.joined(replace(asker.principal, system=True, scopes=None), None, None)
    moved = move(unit, entity, going, survivor)
    _answered(unit, shape, trash.delete(unit, shape, going, 0))
    batch = pipeline.update(unit, shape, [Change(survivor, values)] if values else [], 0, trusted=True)
    written = _answered(unit, shape, batch)
    added = copy_rows(unit, entity, going, survivor)
    if "share" in added:
        unit.records.database.raise_access_epoch(unit.connection)
    _point(unit, entity, survivor, going, added)
    pairs.settle_between(unit.connection, named, "merged", asker.principal.id, asker.now)
    asker.note(
        KIND, entity=entity, record_id=survivor, number=len(going),
        details={"change_set": asker.change_set.id, "merged": going, "moved": moved},
    )  # fmt: skip
    version = next((each.version for each in written), None) or _version(unit, shape, survivor)
    return Merged(survivor, version, tuple(going), moved, asker.change_set.id)


def _check(choices: Sequence[MergeChoice], wanted: Mapping[str, str], named: Sequence[str]) -> None:
    known = {choice.field.key: choice for choice in choices}
    problems = []
    for key, record in wanted.items():
        choice = known.get(key)
        if choice is None or not choice.free:
            problems.append(FieldProblem(key, Message("There is no field {key} to choose", key=key), "unknown"))
        elif record not in named and not (record == MERGE_ALL and choice.several):
            problems.append(FieldProblem(key, Message("Choose one of the records that are merged"), "option"))
    if problems:
        raise RecordInvalid(problems)


def _values(
    unit: Unit,
    shape: Shape,
    stored: Mapping[str, Stored],
    choices: Sequence[MergeChoice],
    wanted: Mapping[str, str],
    survivor: str,
    going: Sequence[str],
) -> dict[str, Any]:
    """Return what changes in the survivor, as it is written."""
    found: dict[str, Any] = {}
    for choice in choices:
        key, field = choice.field.key, choice.field
        source = wanted.get(key, choice.chosen)
        value = _joined(choice) if source == MERGE_ALL else choice.values[source]
        if key in shape.sealed:
            if source != survivor and value is not None:
                found[key] = unit.unseal(shape, source, key, stored[source].sealed[key])
            continue
        value = _without(value, {survivor, *going}, field) if shape.entity.key in _targets(field) else value
        if value != choice.values[survivor]:
            found[key] = list(value) if isinstance(value, tuple) else [] if value is None and choice.several else value
    return found


def _joined(choice: MergeChoice) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(each for value in choice.values.values() for each in value or ()))


def _targets(field: Field) -> tuple[str, ...]:
    return field.targets or ((field.target,) if field.target is not None else ())


def _without(value: Any, records: set[str], field: Field) -> Any:
    """Return a link without those that become one: nothing leads to itself."""
    if isinstance(value, tuple):
        return tuple(each for each in value if each not in records)
    bare = value.partition("/")[2] if field.type.links == "any" and isinstance(value, str) else value
    return None if bare in records else value


def _say_begun(unit: Unit, entity: str, survivor: Stored) -> None:
    """Write the row of the set first: a merge is one however few records it writes."""
    change_set = unit.change_set
    change_set.title = change_set.title or str(survivor.values.get(unit.shape(entity).entity.title) or "")
    write_set(
        unit.run, unit.phrases, change_set,
        entity=entity, actor=unit.principal.id, via=unit.via, at=unit.now,
    )  # fmt: skip


def _answered(unit: Unit, shape: Shape, batch: Any) -> list[Any]:
    """Return what was written.

    Raises:
        GuanxiError: a record was kept out.
    """
    found = []
    for each in answers(unit, shape, batch).values():
        if isinstance(each, GuanxiError):
            raise each
        found.append(each)
    return found


def _point(unit: Unit, entity: str, survivor: str, going: Sequence[str], added: Mapping[str, list[list[Any]]]) -> None:
    mark = unit.phrases.mark
    told = orjson.dumps(added).decode()
    unit.run_many(
        "INSERT INTO merged_record (change_set_id, entity, record_id, survivor_id, added, at) "  # noqa: S608 - constants
        f"VALUES ({', '.join([mark] * 6)})",
        [
            (unit.change_set.id, entity, id_, survivor, told if place == 0 else "{}", unit.at)
            for place, id_ in enumerate(going)
        ],
    )


def _version(unit: Unit, shape: Shape, id_: str) -> int:
    return int(load(unit, shape, [id_], lock="none")[id_].values["version"])


def _pointer(unit: Unit, entity: str, id_: str) -> str | None:
    """Return where a record went, unless that was taken back."""
    mark = unit.phrases.mark
    text = (
        "SELECT m.survivor_id FROM merged_record m LEFT JOIN change_set c ON c.id = m.change_set_id"  # noqa: S608 - constants
        f" WHERE m.entity = {mark} AND m.record_id = {mark} AND c.undone_by IS NULL ORDER BY m.at DESC LIMIT 1"
    )
    row = unit.run(text, (entity, id_)).fetchone()
    return str(row[0]) if row is not None else None


# --- and back -------------------------------------------------------------------------------------------------------


def _take_back(unit: Unit, change_set: str) -> list[str]:
    """Take back what a merge gave the survivor besides values and links; return the survivor."""
    mark = unit.phrases.mark
    rows = unit.run(
        f"SELECT entity, record_id, survivor_id, added FROM merged_record WHERE change_set_id = {mark}",  # noqa: S608
        (change_set,),
    ).fetchall()
    if not rows:
        raise NotFound(Message("There is no change set {id}", id=change_set))
    entity, survivor = rows[0][0], rows[0][2]
    shape = unit.shape(entity)
    stored = load(unit, shape, [survivor], action="update", lock="none").get(survivor)
    if stored is not None and not (stored.readable and stored.reached):
        raise denied(shape.entity, "update")
    for _, _, _, added in rows:
        take_rows(unit, entity, survivor, added_from_json(added))
    unit.records.database.raise_access_epoch(unit.connection)
    pairs.settle_between(unit.connection, [survivor, *(row[1] for row in rows)], "open", None, unit.now)
    return [survivor]
