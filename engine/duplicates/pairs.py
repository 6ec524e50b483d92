# ruff: noqa: S608
# Names in statements are constants; values are bound.
"""Pairs of records that look alike, kept until somebody has merged them or said that they are not the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson
from sqlalchemy import Connection

from engine import clock
from engine.data.alike import Reason, Score
from engine.data.phrases import phrases
from engine.errors import NotFound
from engine.i18n import Message
from engine.ids import new_id
from engine.storage.codec import moment
from engine.storage.database import run, run_many

PairState = Literal["open", "different", "merged"]
_COLUMNS = "id, document, entity, a_entity, a_id, b_entity, b_id, score, reasons, state"
Place = tuple[str, str]
"""(entity, id) of a record."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two records that look alike."""

    id: str
    document: str
    entity: str
    """What the document is about."""
    one: Place
    other: Place
    score: Score
    state: PairState

    @property
    def places(self) -> tuple[Place, Place]:
        """Return both records."""
        return self.one, self.other


def keep(
    connection: Connection, entity: str, found: Iterable[tuple[str, Place, Place, Score]], *, scan: str = ""
) -> None:
    """Keep pairs that (document, one, other, score) names; what somebody has said of a pair stands.

    `scan` names the search that has found them, so that it can tell those that it has not found again.
    """
    spoken = phrases(connection.dialect.name)
    at = moment(connection.dialect.name)(clock.now())
    rows = []
    for document, one, other, score in found:
        first, second = sorted((one, other))
        reasons = orjson.dumps([[each.rule, each.percent] for each in score.reasons]).decode()
        rows.append((new_id(), document, entity, *first, *second, score.total, reasons, "open", at, scan))
    if rows:
        marks = ", ".join([spoken.mark] * 12)
        run_many(
            connection,
            f"INSERT INTO duplicate_pair ({_COLUMNS}, found_at, scan) VALUES ({marks})"
            " ON CONFLICT (document, a_id, b_id) DO UPDATE SET score = excluded.score, reasons = excluded.reasons,"
            " found_at = excluded.found_at, scan = CASE WHEN excluded.scan = '' THEN duplicate_pair.scan"
            " ELSE excluded.scan END",
            rows,
        )


def forget_others(connection: Connection, entity: str, scan: str) -> int:
    """Forget open pairs that a search over the whole entity has not found again, and return how many."""
    mark = phrases(connection.dialect.name).mark
    text = f"DELETE FROM duplicate_pair WHERE entity = {mark} AND state = 'open' AND scan <> {mark}"
    return int(run(connection, text, (entity, scan)).rowcount)


def open_pairs(
    connection: Connection, entity: str, *, limit: int, after: tuple[int, str] | None = None, state: PairState = "open"
) -> list[Pair]:
    """Return pairs of an entity, the most alike first, those behind `after` (score, id)."""
    mark = phrases(connection.dialect.name).mark
    behind, values = "", [entity, state]
    if after is not None:
        behind = f" AND (score < {mark} OR (score = {mark} AND id > {mark}))"
        values += [after[0], after[0], after[1]]  # type: ignore[list-item]
    text = (
        f"SELECT {_COLUMNS} FROM duplicate_pair WHERE entity = {mark} AND state = {mark}{behind}"
        f" ORDER BY score DESC, id LIMIT {limit}"
    )
    return [_pair(row) for row in run(connection, text, values).fetchall()]


def pair(connection: Connection, pair_id: str) -> Pair:
    """Return a pair.

    Raises:
        NotFound: there is none of that id.
    """
    mark = phrases(connection.dialect.name).mark
    row = run(connection, f"SELECT {_COLUMNS} FROM duplicate_pair WHERE id = {mark}", (pair_id,)).fetchone()
    if row is None:
        raise NotFound(Message("There is no such pair"))
    return _pair(row)


def settle(connection: Connection, ids: Sequence[str], state: PairState, by: str | None, at: datetime) -> None:
    """Say what became of pairs."""
    spoken = phrases(connection.dialect.name)
    run(
        connection,
        f"UPDATE duplicate_pair SET state = {spoken.mark}, settled_by = {spoken.mark}, settled_at = {spoken.mark}"
        f" WHERE {spoken.is_in('id')}",
        (state, by, spoken.moment(at), spoken.values(ids)),
    )


def settle_between(connection: Connection, ids: Sequence[str], state: PairState, by: str | None, at: datetime) -> None:
    """Say what became of the pairs both of whose records are named."""
    spoken = phrases(connection.dialect.name)
    run(
        connection,
        f"UPDATE duplicate_pair SET state = {spoken.mark}, settled_by = {spoken.mark}, settled_at = {spoken.mark}"
        f" WHERE {spoken.is_in('a_id')} AND {spoken.is_in('b_id')}",
        (state, by, spoken.moment(at), spoken.values(ids), spoken.values(ids)),
    )


def ignored(connection: Connection, ids: Iterable[str]) -> set[frozenset[str]]:
    """Return the pairs of ids, one of which is named, that somebody said are different."""
    spoken = phrases(connection.dialect.name)
    wanted = spoken.values(ids)
    text = (
        f"SELECT a_id, b_id FROM duplicate_pair WHERE state = 'different'"
        f" AND ({spoken.is_in('a_id')} OR {spoken.is_in('b_id')})"
    )
    return {frozenset(row) for row in run(connection, text, (wanted, wanted)).fetchall()}


def _pair(row: Sequence[Any]) -> Pair:
    id_, document, entity, a_entity, a_id, b_entity, b_id, total, reasons, state = row
    read: list[list[Any]] = orjson.loads(reasons) if isinstance(reasons, (str, bytes)) else reasons
    score = Score(total, tuple(Reason(rule, percent) for rule, percent in read))
    return Pair(id_, document, entity, (a_entity, a_id), (b_entity, b_id), score, state)
