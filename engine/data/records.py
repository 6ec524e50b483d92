"""`Records`: the one way to write. Pages, API, import, workflows and plugins all come through it.

Every call is one batch in one transaction, pinned to one Model. Access, checks, history and hooks hold for each of
them, in the order that `pipeline.py` reads and docs/records.md promises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from engine import clock
from engine.data import bulk, mass, pipeline, purging, restoring, transitions, trash, upserting
from engine.data.answers import answers
from engine.data.backfill import backfill
from engine.data.batch import Batch, BulkResult, Change, Result, Written, changes_of
from engine.data.idempotency import begin, finish, forget, request_hash, written_from_json, written_to_json
from engine.data.mass import Wish
from engine.data.noting import note_call
from engine.data.phrases import phrases
from engine.data.principal import Principal
from engine.data.revealing import reveal
from engine.data.sets import new_set, write_set
from engine.data.shape import Shape
from engine.data.sharing import Sharing
from engine.data.undo import Undo, UndoReport
from engine.data.unit import CHUNK, Unit
from engine.errors import FieldProblem, GuanxiError, RecordInvalid
from engine.expression import Expr, parse
from engine.ids import is_id
from engine.publish import Published
from engine.storage.database import run

_Chunk = Callable[[Unit, Shape, Sequence[Any], int], Batch | list[Batch]]


class Records(Sharing):
    """Writes records of every entity. Safe to share between threads.

    Principals are asked for their rights in every call; raw values are taken by field key, as a form, a JSON body or
    Python gives them. All methods raise:

        NotFound: there is no such entity or record, or the principal may not know of it.
        AccessDenied: the principal may know of it, but not do this.
        RecordInvalid: values are wrong; `.problems` has all of them, of all records of the call.
        VersionConflict: somebody else changed the same fields since the caller read the record.
        IdempotencyMismatch: `key` came with another request before.
        StaleModel: the site was published again and again while the call was tried.
        DatabaseUnavailable: the database does not answer, or others wrote for too long.

    `key` makes a call safe to repeat. `via` says where it came from (web, api, import:<id>, run:<id>). `change_set`
    puts it into a set that `begin_set` has made; without one it makes its own. `connection` lets several calls share
    one transaction that `begin` has opened. `exact` takes the values for JSON of a program: what a field's
    `input_schema` does not name is refused, and nothing is guessed.
    """

    # --- calls ------------------------------------------------------------------------------------------------------

    def create(
        self,
        principal: Principal,
        entity: str,
        rows: Sequence[Mapping[str, Any]],
        *,
        exact: bool = False,
        key: str | None = None,
        via: str = "api",
        change_set: str | None = None,
        connection: Connection | None = None,
    ) -> list[Written]:
        """Create records and return them as stored, in the order of `rows`."""
        return self._call(
            principal, entity, "create", rows, pipeline.create,
            exact=exact, key=key, via=via, change_set=change_set, connection=connection,
        )  # fmt: skip

    def update(  # noqa: PLR0913 - as above
        self,
        principal: Principal,
        entity: str,
        changes: Sequence[Change | Mapping[str, Any]],
        *,
        strict: bool = False,
        exact: bool = False,
        key: str | None = None,
        via: str = "api",
        change_set: str | None = None,
        connection: Connection | None = None,
    ) -> list[Written]:
        """Change records; fields that are not given stay, and a record that comes out the same is not written.

        A mapping names its record by `id` and may say the `version` that was read. What others changed since is
        merged with it; `strict` refuses any change of a record that is no longer at that version.
        """

        def chunk(unit: Unit, shape: Shape, part: Sequence[Any], first_row: int) -> Batch:
            return pipeline.update(unit, shape, part, first_row, strict=strict)

        return self._call(
            principal, entity, "update", changes_of(changes), chunk,
            exact=exact, key=key, via=via, change_set=change_set, connection=connection,
        )  # fmt: skip

    def delete(
        self,
        principal: Principal,
        entity: str,
        ids: Sequence[str],
        *,
        version: int | None = None,
        key: str | None = None,
        via: str = "api",
        change_set: str | None = None,
        connection: Connection | None = None,
    ) -> list[Written]:
        """Put records into the recycle bin, with their child rows and what cascades.

        When a `version` is given, records that are at another one stay.
        """

        def chunk(unit: Unit, shape: Shape, part: Sequence[Any], first_row: int) -> Batch:
            return trash.delete(
                unit, shape, part, first_row, dict.fromkeys(part, version) if version is not None else {}
            )

        return self._call(
            principal, entity, "delete", list(ids), chunk,
            key=key, via=via, change_set=change_set, connection=connection,
        )  # fmt: skip

    def restore(
        self,
        principal: Principal,
        entity: str,
        ids: Sequence[str],
        *,
        version: int | None = None,
        key: str | None = None,
        via: str = "api",
        change_set: str | None = None,
        connection: Connection | None = None,
    ) -> list[Written]:
        """Take records out of the recycle bin, with those that went in along with them; `version` as for `delete`."""

        def chunk(unit: Unit, shape: Shape, part: Sequence[Any], first_row: int) -> Batch:
            return restoring.restore(
                unit, shape, part, first_row, dict.fromkeys(part, version) if version is not None else {}
            )

        return self._call(
            principal, entity, "restore", list(ids), chunk,
            key=key, via=via, change_set=change_set, connection=connection,
        )  # fmt: skip

    def purge(
        self,
        principal: Principal,
        entity: str,
        ids: Sequence[str],
        *,
        key: str | None = None,
        via: str = "api",
        change_set: str | None = None,
        connection: Connection | None = None,
    ) -> list[Written]:
        """Delete records of the recycle bin for good, with their child rows, comments, files and history."""
        return self._call(
            principal, entity, "purge", list(ids), purging.purge,
            key=key, via=via, change_set=change_set, connection=connection,
        )  # fmt: skip

    def upsert(  # noqa: PLR0913 - as above
        self,
        principal: Principal,
        entity: str,
        rows: Sequence[Mapping[str, Any]],
        *,
        on: str,
        exact: bool = False,
        key: str | None = None,
        via: str = "api",
        change_set: str | None = None,
        connection: Connection | None = None,
    ) -> list[Written]:
        """Change the records that rows match by `on`, and create the others.

        `on` is `id`, `external_id`, a unique rule of the entity or a unique field.
        """

        def chunk(unit: Unit, shape: Shape, part: Sequence[Any], first_row: int) -> list[Batch]:
            return upserting.upsert(unit, shape, part, first_row, on)

        return self._call(
            principal, entity, f"upsert {on}", rows, chunk,
            exact=exact, key=key, via=via, change_set=change_set, connection=connection,
        )  # fmt: skip

    def transition(  # noqa: PLR0913 - as above
        self,
        principal: Principal,
        entity: str,
        ids: Sequence[str],
        name: str,
        values: Mapping[str, Any] | None = None,
        *,
        version: int | None = None,
        strict: bool = False,
        exact: bool = False,
        key: str | None = None,
        via: str = "api",
        change_set: str | None = None,
        connection: Connection | None = None,
    ) -> list[Written]:
        """Make a transition of records; `values` are what it needs besides, the same for each.

        `version` is what was read of them; `strict` as for `update`.
        """

        def chunk(unit: Unit, shape: Shape, part: Sequence[Any], first_row: int) -> Batch:
            return transitions.transition(unit, shape, part, first_row, name, strict=strict)

        changes = [Change(id_, dict(values or {}), version) for id_ in ids]
        return self._call(
            principal, entity, f"transition {name}", changes, chunk,
            exact=exact, key=key, via=via, change_set=change_set, connection=connection,
        )  # fmt: skip

    def update_where(  # noqa: PLR0913 - as above
        self,
        principal: Principal,
        entity: str,
        where: Expr | str | None,
        values: Mapping[str, Any],
        *,
        ids: Sequence[str] | None = None,
        explain: bool = False,
        via: str = "api",
        change_set: str | None = None,
        connection: Connection | None = None,
    ) -> BulkResult:
        """Give some fields the same values in all records that fit a condition, or that `ids` names.

        Records that the principal may not change stay as they are. The result says whether two statements did it or
        every record went through the steps, and why; with `explain` it only says so.

        Raises:
            ExpressionInvalid: the condition cannot be read, or names what the principal may not know of.
        """
        condition = parse(where) if isinstance(where, str) else where
        wish = Wish(values, condition, tuple(filter(is_id, ids)) if ids is not None else None)

        def work(unit: Unit) -> BulkResult:
            found = mass.update_where(unit, unit.shape(entity), wish, explain=explain)
            note_call(unit, entity, "update", found.count)
            return found

        return self.carry_out(
            principal, work, kind="update", entity=entity, via=via, change_set=change_set, connection=connection
        )

    def bulk(  # noqa: PLR0913 - as above
        self,
        principal: Principal,
        entity: str,
        operations: Sequence[Mapping[str, Any]],
        atomic: bool = False,  # noqa: FBT001, FBT002 - the word of the API
        *,
        exact: bool = False,
        key: str | None = None,
        via: str = "api",
        change_set: str | None = None,
        connection: Connection | None = None,
    ) -> list[Result]:
        """Carry out several operations in one transaction and return one result for each; see `bulk.read_operations`.

        `atomic`: all or none, an error is raised. Otherwise what can be carried out is, and the rest has its error.
        """
        read = bulk.read_operations(operations)
        digest = request_hash("bulk", entity, operations, atomic) if key is not None else ""

        def work(unit: Unit) -> list[Result]:
            shape = unit.shape(entity)
            unit.exact = exact
            if key is not None:
                known = begin(unit, key, digest)
                if known is not None:
                    return [bulk.result_from_json(shape, each) for each in known]
            found = bulk.carry_out(unit, shape, read, atomic=atomic)
            note_call(unit, entity, _only_verb(read), sum(each.count for each in found if each.ok))
            if key is not None:
                finish(unit, key, [bulk.result_to_json(shape, each) for each in found])
            return found

        return self.carry_out(
            principal, work, kind="bulk", entity=entity, via=via, change_set=change_set, connection=connection
        )

    # --- change sets ------------------------------------------------------------------------------------------------

    def begin_set(
        self, principal: Principal, kind: str, title: str = "", *, entity: str | None = None, via: str = "web"
    ) -> str:
        """Make a change set for several calls and return its id.

        Raises:
            AccessDenied: the principal is somebody who only looks as another person.
        """
        principal.require_own_hands()
        made = new_set(kind, title)
        with self.database.write() as connection:
            write_set(
                lambda text, values: run(connection, text, values),
                phrases(self.database.dialect),
                made,
                entity=entity,
                actor=principal.id,
                via=via,
                at=clock.now(),
            )
        return made.id

    def undo(self, principal: Principal, change_set: str, *, via: str = "web") -> UndoReport:
        """Take a change set back and report what was kept because somebody edited it since.

        Raises:
            NotFound: there is no such set, or it is somebody else's and the principal is no administrator.
            GuanxiError: it was taken back before.
        """
        return self.carry_out(
            principal, lambda unit: Undo(unit, change_set).carry_out(), kind="undo", via=via, undoes=change_set
        )

    # --- publication and housekeeping -------------------------------------------------------------------------------

    def backfill(
        self,
        connection: Connection,
        published: Published,
        entity: str,
        fields: Sequence[str],
        ids: Sequence[str] | None = None,
    ) -> None:
        """Work out computed fields of records for a publication; `Publisher.backfill` takes it."""
        backfill(self, connection, published, entity, fields, ids)

    def reveal(
        self, principal: Principal, entity: str, id_: str, field: str, *, reason: str = "", via: str = "api"
    ) -> Any:
        """Return the plain value of a field that the principal sees masked; who asked, and why, is noted.

        It is a Python value, of a secret its text; None when there is none.

        Raises:
            NotFound: there is no such record, or no field that they see masked.
            AccessDenied: no role lets them reveal it.
        """
        return self.carry_out(
            principal,
            lambda unit: reveal(unit, unit.shape(entity), id_, field, reason=reason),
            kind="reveal",
            entity=entity,
            via=via,
        )

    def forget_keys(self) -> int:
        """Delete idempotency keys that are past their time and return how many there were."""
        with self.database.write() as connection:
            return forget(connection, phrases(self.database.dialect), clock.now())

    # --- the steps, chunk by chunk -----------------------------------------------------------------------------------

    def _call(  # noqa: PLR0913 - what every call takes
        self,
        principal: Principal,
        entity: str,
        verb: str,
        rows: Sequence[Any],
        chunk: _Chunk,
        *,
        exact: bool = False,
        key: str | None,
        via: str,
        change_set: str | None,
        connection: Connection | None,
    ) -> list[Written]:
        digest = request_hash(verb, entity, [_hashable(row) for row in rows]) if key is not None else ""

        def work(unit: Unit) -> list[Written]:
            shape = unit.shape(entity)
            unit.exact = exact
            if key is not None:
                known = begin(unit, key, digest)
                if known is not None:
                    return [written_from_json(shape, each) for each in known]
            found = _whole(self._chunks(unit, shape, rows, chunk))
            note_call(unit, entity, verb.partition(" ")[0], len(found))
            if key is not None:
                finish(unit, key, [written_to_json(shape, each) for each in found])
            return found

        return self.carry_out(
            principal, work, kind=verb, entity=entity, via=via, change_set=change_set, connection=connection
        )

    @staticmethod
    def _chunks(unit: Unit, shape: Shape, rows: Sequence[Any], chunk: _Chunk) -> list[Written | GuanxiError]:
        """Take rows through the steps, some hundred at a time, and return what became of each."""
        found: list[Written | GuanxiError] = []
        for start in range(0, len(rows), CHUNK):
            part = rows[start : start + CHUNK]
            batches = chunk(unit, shape, part, start)
            known: dict[int, Written | GuanxiError] = {}
            for batch in batches if isinstance(batches, list) else [batches]:
                known |= answers(unit, shape, batch)
            found += [known[row] for row in sorted(known)]
        return found


def _whole(found: Sequence[Written | GuanxiError]) -> list[Written]:
    """Return the records when none was kept out.

    Raises:
        RecordInvalid: with the problems of all rows.
        GuanxiError: a row was kept out by another error.
    """
    problems: list[FieldProblem] = []
    written: list[Written] = []
    for each in found:
        if isinstance(each, Written):
            written.append(each)
        elif isinstance(each, RecordInvalid):
            problems += each.problems
        else:
            raise each
    if problems:
        raise RecordInvalid(problems)
    return written


def _only_verb(operations: Sequence[bulk.Operation]) -> str:
    """Return the verb of operations, "bulk" when they differ."""
    verbs = {each.verb for each in operations}
    return verbs.pop() if len(verbs) == 1 else "bulk"


def _hashable(row: Any) -> Any:
    return [row.id, dict(row.values), row.version] if isinstance(row, Change) else row
