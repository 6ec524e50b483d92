"""`Lookalikes`: what a site knows of records that stand for the same thing, for screens, programs and commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from engine import clock
from engine.data.alike import compared
from engine.data.batch import Draft
from engine.data.principal import Principal
from engine.data.reader import Reader
from engine.data.records import Records
from engine.data.steps.load import Stored, load
from engine.data.unit import Unit
from engine.duplicates import filling, pairs
from engine.duplicates.finding import Finder
from engine.duplicates.guarding import Guard, may_override
from engine.duplicates.merging import Merges
from engine.duplicates.scanning import TASK, Scan, reading_unit
from engine.duplicates.telling import Twin, names_of, reasons_of, tell, title_of
from engine.errors import BadValue, GuanxiError
from engine.i18n import Message
from engine.jobs import Jobs, Run, Task
from engine.metadata.model import Model
from engine.publish import Published

_LOOKED_AT = 120.0
"""Seconds between two looks of a worker for keys that are missing."""
_ROUNDS = 6
_PAGE = 100
_JOBS = 50


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check of values has found.

    Attributes:
        twins: records that are there already, as the person may know them.
        blocked: whether saving is refused; `may_override` says whether the person may save all the same.
        ready: False while keys of older records are still being made, so that some may not be found yet.
    """

    twins: tuple[Twin, ...]
    blocked: bool = False
    may_override: bool = False
    ready: bool = True


@dataclass(frozen=True, slots=True)
class Side:
    """One of two records that look alike."""

    entity: str
    id: str
    title: str
    owner: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Suspects:
    """Two records that look alike, as a person sees them."""

    id: str
    one: Side
    other: Side
    score: int
    reasons: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Searched:
    """The latest search through an entity: whether it is going on, how far it is, and when it ended."""

    going: bool
    done: int
    total: int | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class SuspectPage:
    """Pairs of one page, and where the next begins; None at the end."""

    suspects: tuple[Suspects, ...]
    after: tuple[int, str] | None


class Lookalikes:
    """Duplicates of one site. Safe to share between threads.

    Args:
        records: writes; from here on it asks before it writes what looks like another record.
        jobs: does what takes long.
    """

    def __init__(self, records: Records, jobs: Jobs) -> None:
        self._records, self._jobs = records, jobs
        records.guard = Guard()
        self.merges = Merges(records)
        self._scan = Scan(records)
        jobs.register(Task(TASK, self._scan, Message("Search for duplicates"), concurrency=1))
        jobs.register(Task(filling.TASK, self._prepare, Message("Preparation of duplicate rules"), concurrency=1))
        jobs.watches.append((_LOOKED_AT, self.ask_for_keys))

    # --- one record -------------------------------------------------------------------------------------------------

    def check(
        self,
        reader: Reader,
        entity: str,
        values: Mapping[str, Any],
        *,
        id: str | None = None,  # noqa: A002
    ) -> Checked:
        """Return what looks like a record with some values, given raw as a form sends them.

        `id` is the record that is being changed: what is not given is as it is stored.
        """
        known = compared(reader.model).get(entity)
        if known is None or not known.own or not (reader.access.may(entity, "create") or id):
            return Checked(())
        unit = self.unit(reader)
        shape = unit.shape(entity)
        new: dict[str, Any] = dict(shape.blank)
        if id is not None:
            stored = load(unit, shape, [id], action="read", lock="none").get(id)
            if stored is None or not stored.readable:
                return Checked(())
            new.update(stored.values)
        writable = reader.access.writable(entity)
        for key in known.fields & values.keys() & writable:
            new[key] = self._parsed(unit, entity, key, values[key])
        draft = Draft(id or "", 0, {}, new)
        due = [document for document in known.own if document.action("screen") in {"warn", "block"}]
        found = Finder(unit).find(entity, [draft], due)[0] if due else []
        if id is not None:
            apart = pairs.ignored(reader.connection, [id])
            found = [match for match in found if frozenset((id, match.id)) not in apart]
        blocking = [match.document for match in found if match.document.action("screen") == "block"]
        return Checked(
            tell(unit, found),
            blocked=bool(blocking),
            may_override=all(may_override(unit, each) for each in blocking),
            ready=filling.is_ready(reader.connection, reader.published, entity),
        )

    def like(self, reader: Reader, entity: str, id: str) -> tuple[Twin, ...]:  # noqa: A002
        """Return the records that look like a stored one, which the person has been found to read."""
        known = compared(reader.model).get(entity)
        if known is None or not known.own:
            return ()
        unit = self.unit(reader)
        stored = load(unit, unit.shape(entity), [id], action="read", lock="none").get(id)
        if stored is None or not stored.readable:
            return ()
        draft = Draft(id, 0, {}, dict(stored.values))
        found = Finder(unit).find(entity, [draft], known.own)[0]
        apart = pairs.ignored(reader.connection, [id])
        return tell(unit, [match for match in found if frozenset((id, match.id)) not in apart])

    def watches(self, model: Model, entity: str) -> frozenset[str]:
        """Return the fields by which duplicates of an entity are told; none when no document looks for them."""
        known = compared(model).get(entity)
        if known is None:
            return frozenset()
        return frozenset[str]().union(*(document.read(entity) for document in known.own))

    def unit(self, reader: Reader) -> Unit:
        """Return what asks in the name of a reader's principal; it only reads."""
        return reading_unit(self._records, reader.connection, reader.published, reader.principal)

    @staticmethod
    def _parsed(unit: Unit, entity: str, key: str, raw: Any) -> Any:
        shape = unit.shape(entity)
        try:
            return shape.fields[key].parse(raw) if key not in shape.sealed else None
        except BadValue:
            # What cannot be read is told of elsewhere, and looks like nothing.
            return None

    # --- all of them ------------------------------------------------------------------------------------------------

    def search(self, connection: Connection, principal: Principal, entity: str) -> str:
        """Let a job look for all duplicates of an entity, and return its id.

        Raises:
            GuanxiError: no document says what they are.
        """
        published = self._published(connection)
        known = compared(published.model).get(entity)
        plural = published.model.entity(entity).plural
        if known is None or not known.own:
            raise GuanxiError(Message("No document says when {plural} are the same", plural=plural))
        title = Message("Search for duplicates: {plural}", plural=plural)
        return self._jobs.submit(
            connection, TASK, {"entity": entity}, actor=principal.id, title=title, key=f"{TASK}:{entity}", entity=entity
        )

    def search_now(self, entity: str) -> int:
        """Look for all duplicates of an entity here and now, and return how many pairs look alike.

        Raises:
            GuanxiError: no document says what they are.
        """
        return self._scan.now(entity)

    def last_search(self, connection: Connection, entity: str) -> Searched | None:
        """Return the latest search through an entity; None when there was none."""
        found = self._jobs.store.entries(connection, task=TASK, limit=_JOBS)
        job = next((each for each in found if each.entity == entity), None)
        if job is None:
            return None
        return Searched(job.finished_at is None, job.done, job.total, job.finished_at)

    def suspects(
        self, reader: Reader, entity: str, *, after: tuple[int, str] | None = None, limit: int = 25
    ) -> SuspectPage:
        """Return pairs that nobody has looked at yet, both of whose records the person may read."""
        unit = self.unit(reader)
        found: list[Suspects] = []
        for _ in range(_ROUNDS):
            page = pairs.open_pairs(reader.connection, entity, limit=_PAGE, after=after)
            for pair, shown in zip(page, self._seen(unit, page), strict=True):
                if len(found) == limit:
                    return SuspectPage(tuple(found), after)
                after = (pair.score.total, pair.id)
                if shown is not None:
                    found.append(shown)
            if len(page) < _PAGE:
                return SuspectPage(tuple(found), None)
        return SuspectPage(tuple(found), after)

    def differ(self, principal: Principal, pair_id: str) -> None:
        """Say that the records of a pair are not the same, so that they are not named again.

        Raises:
            NotFound: there is no such pair, or the person may not read both of its records.
            AccessDenied: they may not change such records.
        """

        def work(unit: Unit) -> None:
            pair = pairs.pair(unit.connection, pair_id)
            unit.access.require(pair.entity, "update")
            if self._seen(unit, [pair])[0] is None:
                pairs.pair(unit.connection, "00000000-0000-0000-0000-000000000000")
            pairs.settle(unit.connection, [pair_id], "different", unit.principal.id, clock.now())

        self._records.carry_out(principal, work, kind="duplicates", via="web")

    def _seen(self, unit: Unit, page: list[pairs.Pair]) -> list[Suspects | None]:
        places: dict[str, set[str]] = {}
        for pair in page:
            for entity, id_ in pair.places:
                places.setdefault(entity, set()).add(id_)
        stored: dict[tuple[str, str], Stored] = {}
        for entity, ids in places.items():
            if entity in unit.published.model.entities and unit.access.may(entity, "read"):
                rows = load(unit, unit.shape(entity), ids, action="read", lock="none")
                stored.update(((entity, id_), each) for id_, each in rows.items() if each.readable)
        owners = names_of(unit, {each.values.get("owner") for each in stored.values()})
        return [self._shown(unit, pair, stored, owners) for pair in page]

    @staticmethod
    def _shown(
        unit: Unit, pair: pairs.Pair, stored: Mapping[tuple[str, str], Stored], owners: Mapping[str, str]
    ) -> Suspects | None:
        """Return a pair as the person may see it: by rules whose fields they know; None when nothing is left."""
        if pair.one not in stored or pair.other not in stored:
            return None
        model = unit.published.model
        known = compared(model).get(pair.entity)
        document = next((each for each in known.own if each.name == pair.document), None) if known else None
        if document is None:
            return None
        score = Finder(unit).compare(document, (pair.one[0], stored[pair.one]), (pair.other[0], stored[pair.other]))
        if score.total < document.threshold:
            return None
        sides = [
            Side(entity, id_, title_of(unit, entity, values), owners.get(values.get("owner") or "", ""), values)
            for entity, id_ in pair.places
            for values in (stored[entity, id_].values,)
        ]
        return Suspects(pair.id, sides[0], sides[1], score.total, reasons_of(model, document, score))

    # --- keys -------------------------------------------------------------------------------------------------------

    def ask_for_keys(self) -> None:
        """Let a job make the keys that are missing, if there are any."""
        with self._records.database.read() as connection:
            if self._records.database.probe(connection)[0] == 0:
                return
            due = filling.waiting(connection, self._published(connection))
        if due:
            self._jobs.enqueue(
                filling.TASK, {}, actor=None, title=Message("Preparation of duplicate rules"), key=filling.TASK
            )

    def prepare(self, told: Callable[[int], None] = lambda _done: None) -> int:
        """Make the keys that are missing here and now, and return of how many records."""
        return filling.fill(self._records.database, self._published, told=told)

    def _prepare(self, job: Run) -> None:
        database = self._records.database
        done = filling.fill(
            database,
            self._published,
            keep=lambda connection, number: job.keep(connection, {"done": number}),
            told=job.progress,
        )
        job.finish({"done": done})

    def _published(self, connection: Connection) -> Published:
        return self._records.models.get(self._records.database.probe(connection)[0])
