"""Looks through a whole entity for records that look alike, by a job that goes on where it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from engine import clock
from engine.data.alike import compared
from engine.data.drafts import stored_draft
from engine.data.principal import SYSTEM
from engine.data.records import Records
from engine.data.sets import new_set
from engine.data.steps.load import load
from engine.data.unit import Unit
from engine.duplicates import pairs
from engine.duplicates.finding import Finder
from engine.errors import GuanxiError
from engine.i18n import Message
from engine.ids import new_id
from engine.jobs import Run
from engine.publish import Published
from engine.storage.database import run
from engine.storage.guard import ENTITY_ACCESS

TASK = "duplicates_search"
PORTION = 200
_FIRST = "00000000-0000-0000-0000-000000000000"


class Scan:
    """The search for duplicates in one entity; what a job of it is given is {"entity": key}."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def now(self, entity: str) -> int:
        """Search here and now, and return how many pairs there are."""
        state: dict[str, Any] = {"after": _FIRST, "done": 0, "found": 0}
        database, scan = self._records.database, new_id()
        while state["after"]:
            with database.read() as connection:
                found, state = self._portion(connection, entity, state)
            with database.write() as connection:
                pairs.keep(connection, entity, found, scan=scan)
                if not state["after"]:
                    pairs.forget_others(connection, entity, scan)
        return int(state["found"])

    def __call__(self, job: Run) -> None:
        """Search on from where the job was."""
        entity = str(job.payload["entity"])
        state = dict(job.state) or {"after": _FIRST, "done": 0, "found": 0}
        database = self._records.database
        job.progress(state["done"], self._count(entity))
        while state["after"]:
            with database.read() as connection:
                found, state = self._portion(connection, entity, state)
            with database.write() as connection:
                pairs.keep(connection, entity, found, scan=job.job_id)
                if not state["after"]:
                    pairs.forget_others(connection, entity, job.job_id)
                job.keep(connection, state)
            job.progress(state["done"])
        job.finish({"entity": entity, "looked": state["done"], "found": state["found"]})

    def _count(self, entity: str) -> int:
        with self._records.database.read() as connection:
            unit = self._unit(connection)
            shape = unit.shape(entity)
            text = f"SELECT count(*) FROM {shape.table} WHERE {shape.by_key['deleted_at'].name} IS NULL"  # noqa: S608
            return int(unit.run(text).fetchone()[0])

    def _portion(
        self, connection: Connection, entity: str, state: Mapping[str, Any]
    ) -> tuple[list[tuple[str, pairs.Place, pairs.Place, Any]], dict[str, Any]]:
        unit = self._unit(connection)
        known = compared(unit.published.model).get(entity)
        if known is None or not known.own:
            plural = unit.published.model.entity(entity).plural
            raise GuanxiError(Message("No document says when {plural} are the same", plural=plural))
        shape = unit.shape(entity)
        identity, deleted = shape.by_key["id"].name, shape.by_key["deleted_at"].name
        text = (
            f"SELECT {identity} FROM {shape.table} WHERE {identity} > {unit.phrases.mark} AND {deleted} IS NULL"  # noqa: S608
            f" ORDER BY {identity} LIMIT {PORTION}"
        )
        ids = [row[0] for row in run(connection, text, (state["after"],), access=ENTITY_ACCESS).fetchall()]
        drafts = [stored_draft(each) for each in load(unit, shape, ids, lock="none").values()]
        found = []
        for draft, matches in zip(drafts, Finder(unit).find(entity, drafts, known.own), strict=True):
            found += [
                (match.document.name, (entity, draft.id), (match.entity, match.id), match.score) for match in matches
            ]
        # Each of two finds the other: a pair counts where its lesser one is looked at.
        count = sum(1 for _, one, other, _ in found if one < other or one[0] != other[0])
        return found, {
            "after": ids[-1] if len(ids) == PORTION else "",
            "done": state["done"] + len(ids),
            "found": state["found"] + count,
        }

    def _unit(self, connection: Connection) -> Unit:
        return reading_unit(self._records, connection, self._published(connection), SYSTEM)

    def _published(self, connection: Connection) -> Published:
        return self._records.models.get(self._records.database.probe(connection)[0])


def reading_unit(records: Records, connection: Connection, published: Published, principal: Any) -> Unit:
    """Return a unit that only reads, in a transaction that is open."""
    return Unit(records, connection, published, principal, now=clock.now(), via="", change_set=new_set("look"))
