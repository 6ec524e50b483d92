"""Acts on many records: all that fit a list, or some rows of it, changed at once or by a job, and undone as one.

A job goes through the list in the order of ids, so that what it changes never moves a row out of its way. Each step
is one transaction with what was kept of it: after a kill the next run goes on behind the last row that was done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from sqlalchemy import Connection

from engine.audit.statements import Statements
from engine.data.principal import Principal
from engine.data.query import Query
from engine.data.reader import Reader
from engine.data.records import Records
from engine.errors import AccessDenied, GuanxiError, RecordInvalid
from engine.expression import from_json, to_json
from engine.i18n import Message
from engine.jobs import Job, Jobs, Run, Task
from engine.jobs.job import message_from_json, message_to_json
from engine.metadata.model import Order
from engine.storage.database import Database

TASK = "mass"
AT_ONCE = 300
"""Records that are changed while somebody waits."""
STEP = 200
"""Records of one transaction of a job."""
MOST = 200_000
"""Records of one act."""
MOST_ERRORS = 2_000
"""Records that were left and are named with the reason."""
_LOOKED_AT = 1_000

MassVerb = Literal["update", "delete", "transition", "tag"]


@dataclass(frozen=True, slots=True)
class MassAct:
    """What is done to each of the records."""

    verb: MassVerb
    values: Mapping[str, Any] = field(default_factory=dict)
    """JSON values by field; of a tag act none."""
    name: str = ""
    """Of the transition, or the field of the tags."""
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(slots=True)
class Acted:
    """What came of it so far."""

    changed: int = 0
    same: int = 0
    """Records that were so already."""
    left: int = 0
    """Records that stayed as they are for a reason."""
    errors: list[tuple[str, Message]] = field(default_factory=list)
    """(id, reason) of the first of those that were left."""

    @property
    def seen(self) -> int:
        """Return how many records it came to."""
        return self.changed + self.same + self.left


@dataclass(frozen=True, slots=True)
class MassResult:
    """A job that acts on many records, as its page shows it."""

    job: Job
    act: MassAct
    change_set: str
    acted: Acted


@dataclass(frozen=True, slots=True)
class Reach:
    """How many records an act would come to."""

    all: int
    may: int
    """Of these, how many who asks may act on at all."""
    exact: bool = True
    """Whether all of them were looked at, or only the first."""


class MassActs:
    """Acts on many records of one site."""

    def __init__(
        self, database: Database, records: Records, readers: Callable[[Any, Principal], Reader], jobs: Jobs
    ) -> None:
        self._database, self._records, self._readers, self._jobs = database, records, readers, jobs
        jobs.register(Task(TASK, self._work, Message("Change many records"), address="/login/account/many/{id}"))

    # --- before -----------------------------------------------------------------------------------------------------

    @staticmethod
    def reach(reader: Reader, query: Query, action: str) -> Reach:
        """Return how many records a query has, and how many of them an action may be done to."""
        asked = replace(query, select=("id",), order_by=(Order(("id",)),), cursor=None)
        if reader.access.rule(query.entity, action).everybody:
            found = reader.count(asked, MOST)
            return Reach(found.number, found.number, exact=not found.capped)
        everything, may = 0, 0
        for ids, allowed in _pages(reader, asked, action, _LOOKED_AT * 10):
            everything += len(ids)
            may += sum(allowed)
        total = reader.count(asked, MOST).number
        return Reach(total, may, exact=total == everything)

    @staticmethod
    def ids(reader: Reader, query: Query, most: int = AT_ONCE) -> list[str] | None:
        """Return the ids of what a query has; None when there are more than `most`."""
        asked = replace(query, select=("id",), order_by=(Order(("id",)),), cursor=None, limit=most + 1)
        found = list(reader.query(asked).ids)
        return found if len(found) <= most else None

    # --- doing ------------------------------------------------------------------------------------------------------

    def at_once(self, principal: Principal, entity: str, act: MassAct, ids: Sequence[str]) -> tuple[str, Acted]:
        """Act on some records now; return (id of the change set, what came of it).

        Raises:
            AccessDenied: who asks only looks as somebody else.
        """
        change_set = self._records.begin_set(principal, act.verb, entity=entity)
        acted = Acted()
        with self._records.begin() as connection:
            self._step(connection, principal, entity, act, ids, change_set, acted, "web")
        return change_set, acted

    def later(self, principal: Principal, query: Query, act: MassAct, title: Message) -> str:
        """Have a job act on what a query has; return its id.

        Raises:
            AccessDenied: who asks is no person, or only looks as somebody else.
        """
        principal.require_own_hands()
        if principal.id is None:
            raise AccessDenied(Message("Only a person can have this done"))
        change_set = self._records.begin_set(principal, act.verb, entity=query.entity)
        payload = {
            "entity": query.entity,
            "where": to_json(query.where) if query.where is not None else None,
            "search": query.search,
            "ids": list(query.ids) if query.ids is not None else None,
            "act": asdict(act),
            "change_set": change_set,
            "scopes": sorted(principal.scopes) if principal.scopes is not None else None,
        }
        return self._jobs.enqueue(TASK, payload, actor=principal.id, title=title, entity=query.entity)

    def result(self, job: Job) -> MassResult:
        """Return what came of a job so far."""
        return MassResult(job, _act(job.payload["act"]), str(job.payload["change_set"]), _acted(job.kept))

    def undone(self, connection: Connection, change_set: str) -> bool:
        """Say whether an act was taken back."""
        text = "SELECT undone_by FROM change_set WHERE id = ?"
        row = Statements(self._database).run(connection, text, change_set).fetchone()
        return row is not None and row[0] is not None

    def _work(self, run: Run) -> None:
        said = run.payload
        act, entity, change_set = _act(said["act"]), str(said["entity"]), str(said["change_set"])
        principal = run.principal
        if said.get("scopes") is not None:
            principal = replace(principal, scopes=frozenset(said["scopes"]))
        acted, cursor = _acted(run.state), run.state.get("cursor")
        query = Query(
            entity,
            ("id",),
            where=from_json(said["where"]) if said["where"] is not None else None,
            search=said["search"],
            ids=tuple(said["ids"]) if said["ids"] is not None else None,
            order_by=(Order(("id",)),),
            limit=STEP,
            cursor=cursor,
        )
        if not run.state:
            with self._database.read() as connection:
                run.progress(0, self._readers(connection, principal).count(replace(query, cursor=None), MOST).number)
        while acted.seen < MOST and not run.state.get("ended"):
            with self._database.read() as connection:
                page = self._readers(connection, principal).query(query)
                ids, query = list(page.ids), replace(query, cursor=page.next_cursor)
            with self._records.begin() as connection:
                if ids:
                    self._step(connection, principal, entity, act, ids, change_set, acted, f"job:{run.job_id}")
                run.keep(connection, {"cursor": query.cursor, "ended": query.cursor is None, **_kept(acted)})
            run.progress(acted.seen)
        run.finish({"changed": acted.changed, "unchanged": acted.same, "left": acted.left})

    def _step(
        self,
        connection: Connection,
        principal: Principal,
        entity: str,
        act: MassAct,
        ids: Sequence[str],
        change_set: str,
        acted: Acted,
        via: str,
    ) -> None:
        operations = self._operations(connection, principal, entity, act, ids)
        results = self._records.bulk(
            principal, entity, operations, via=via, change_set=change_set, connection=connection
        )
        for id_, result in zip(ids, results, strict=True):
            if result.error is not None:
                acted.left += 1
                if len(acted.errors) < MOST_ERRORS:
                    acted.errors.append((id_, _reason(result.error)))
            elif result.written is not None and result.written.action == "unchanged":
                acted.same += 1
            else:
                acted.changed += 1

    def _operations(
        self, connection: Connection, principal: Principal, entity: str, act: MassAct, ids: Sequence[str]
    ) -> list[dict[str, Any]]:
        match act.verb:
            case "delete":
                return [{"delete": id_} for id_ in ids]
            case "transition":
                return [{"transition": {"id": id_, "name": act.name, "values": dict(act.values)}} for id_ in ids]
            case "tag":
                reader = self._readers(connection, principal)
                known = reader.query(Query(entity, ("id", act.name), ids=tuple(ids), limit=len(ids)))
                tags = {row["id"]: row[act.name] or () for row in known.dicts()}
                return [{"update": {"id": id_, "values": {act.name: _tagged(tags.get(id_, ()), act)}}} for id_ in ids]
            case _:
                return [{"update": {"id": id_, "values": dict(act.values)}} for id_ in ids]


def _tagged(now: Sequence[str], act: MassAct) -> list[str]:
    kept = [each for each in now if each not in act.remove]
    return [*kept, *(each for each in act.add if each not in kept)]


def _pages(reader: Reader, query: Query, action: str, most: int) -> Iterator[tuple[Sequence[str], Sequence[bool]]]:
    """Yield (ids, which of them an action may be done to), page by page, up to a number of records."""
    seen, cursor = 0, None
    while seen < most:
        page = reader.query(replace(query, limit=_LOOKED_AT, cursor=cursor), abilities=(action,))
        yield page.ids, page.abilities(action)
        seen, cursor = seen + len(page), page.next_cursor
        if cursor is None:
            return


def _reason(error: GuanxiError) -> Message:
    if isinstance(error, RecordInvalid) and error.problems:
        return error.problems[0].message
    return error.message


def _act(said: Mapping[str, Any]) -> MassAct:
    return MassAct(said["verb"], dict(said["values"]), said["name"], tuple(said["add"]), tuple(said["remove"]))


def _kept(acted: Acted) -> dict[str, Any]:
    errors = [[id_, message_to_json(why)] for id_, why in acted.errors]
    return {"changed": acted.changed, "same": acted.same, "left": acted.left, "errors": errors}


def _acted(state: Mapping[str, Any]) -> Acted:
    errors = [(id_, message_from_json(why)) for id_, why in state.get("errors", ())]
    return Acted(state.get("changed", 0), state.get("same", 0), state.get("left", 0), errors)
