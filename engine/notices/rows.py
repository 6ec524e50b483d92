# ruff: noqa: S608
# Statements are put together from constants; values are bound.
"""The rows of notices, of what people follow and of how they want to be told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection

from engine import clock
from engine.audit.statements import Statements, text_of, time_of
from engine.ids import new_id
from engine.notices.settings import NoticeSettings, read_settings

_COLUMNS = "id, user_id, kind, entity, record_id, actor_id, number, details, at, read_at"
KEPT = timedelta(days=90)
"""How long notices are kept, read or not."""
_WAITING = "mail IS NOT NULL AND mailed_at IS NULL AND (read_at IS NULL OR NOT shown)"
"""What was read on the site needs no mail any more."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that somebody is told."""

    id: str
    user_id: str
    kind: str
    entity: str | None
    record_id: str | None
    """None when it is about several records, or about none."""
    actor_id: str | None
    number: int
    details: Mapping[str, Any]
    """comment: id of a comment; to: key of a state; job, state, title: a job."""
    at: datetime
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class Wish:
    """A notice that is to be written."""

    user_id: str
    kind: str
    entity: str | None = None
    record_id: str | None = None
    actor_id: str | None = None
    number: int = 1
    details: Mapping[str, Any] = field(default_factory=dict)
    change_set: str | None = None


class NoticeRows:
    """Statements on the tables of notices."""

    def __init__(self, statements: Statements) -> None:
        self._run, self._run_many = statements.run, statements.run_many

    # --- settings ---------------------------------------------------------------------------------------------------

    def settings(self, connection: Connection, people: Iterable[str]) -> dict[str, NoticeSettings]:
        """Return how some people want to be told, by id."""
        wanted = sorted(set(people))
        if not wanted:
            return {}
        text = f"SELECT user_id, body FROM notice_setting WHERE user_id IN ({_marks(wanted)})"
        known = {str(row[0]): row[1] for row in self._run(connection, text, *wanted).fetchall()}
        return {each: read_settings(known.get(each)) for each in wanted}

    def keep_settings(self, connection: Connection, user_id: str, settings: NoticeSettings) -> None:
        """Keep how somebody wants to be told."""
        self._run(
            connection,
            "INSERT INTO notice_setting (user_id, body, updated_at) VALUES (?, ?, ?) ON CONFLICT (user_id)"
            " DO UPDATE SET body = excluded.body, updated_at = excluded.updated_at",
            user_id, settings.text(), clock.now(),
        )  # fmt: skip

    # --- notices ----------------------------------------------------------------------------------------------------

    def write(self, connection: Connection, wishes: Sequence[Wish]) -> set[str]:
        """Write notices as each person wants them; return whose there are."""
        settings = self.settings(connection, (each.user_id for each in wishes))
        rows, told, now = [], set[str](), clock.now()
        for each in wishes:
            way = settings[each.user_id].way(each.kind)
            mail = way.mail if way.mail != "no" else None
            if not way.shown and mail is None:
                continue
            if each.number > 1 and self._add(connection, each):
                continue
            told.add(each.user_id)
            rows.append(
                (new_id(), each.user_id, each.kind, each.entity, each.record_id, each.actor_id, each.number,
                 orjson.dumps(each.details).decode(), each.change_set, now, way.shown,
                 None if way.shown else now, mail)
            )  # fmt: skip
        if rows:
            self._run_many(
                connection,
                "INSERT INTO notice (id, user_id, kind, entity, record_id, actor_id, number, details, change_set_id,"
                f" at, shown, read_at, mail) VALUES ({', '.join('?' * 13)})",
                rows,
            )
        return told

    def _add(self, connection: Connection, wish: Wish) -> bool:
        """Count records to a notice of the same call that was not read yet; False when there is none."""
        if wish.change_set is None:
            return False
        done = self._run(
            connection,
            "UPDATE notice SET number = number + ? WHERE user_id = ? AND change_set_id = ? AND kind = ? AND entity = ?"
            " AND number > 1 AND read_at IS NULL",
            wish.number, wish.user_id, wish.change_set, wish.kind, wish.entity,
        )  # fmt: skip
        return bool(done.rowcount)

    def unread(self, connection: Connection, user_id: str) -> int:
        """Return how many notices somebody has not read, counted up to 100."""
        text = "SELECT count(*) FROM (SELECT 1 FROM notice WHERE user_id = ? AND read_at IS NULL LIMIT 100) AS fresh"
        return int(self._run(connection, text, user_id).fetchone()[0])

    def page(
        self, connection: Connection, user_id: str, limit: int, before: tuple[datetime, str] | None = None
    ) -> list[Notice]:
        """Return notices of somebody, the latest first; `before` is (at, id) of the last one that was shown."""
        where, values = "user_id = ? AND shown", [user_id]
        found: list[Any] = [*values]
        if before is not None:
            where += " AND (at, id) < (?, ?)"
            found += before
        text = f"SELECT {_COLUMNS} FROM notice WHERE {where} ORDER BY at DESC, id DESC LIMIT ?"
        return [_notice(row) for row in self._run(connection, text, *found, limit).fetchall()]

    def some(self, connection: Connection, user_id: str, ids: Sequence[str]) -> list[Notice]:
        """Return those of some notices that are somebody's."""
        text = f"SELECT {_COLUMNS} FROM notice WHERE user_id = ? AND id IN ({_marks(ids)})"
        return [_notice(row) for row in self._run(connection, text, user_id, *ids).fetchall()] if ids else []

    def mark(self, connection: Connection, user_id: str, ids: Sequence[str] | None = None, *, read: bool = True) -> int:
        """Note that somebody has read notices, all of them unless ids are given, or has not; return how many."""
        values: list[Any] = [clock.now() if read else None, user_id]
        where = f"user_id = ? AND shown AND read_at IS {'' if read else 'NOT '}NULL"
        if ids is not None:
            if not ids:
                return 0
            where += f" AND id IN ({_marks(ids)})"
            values += ids
        return int(self._run(connection, f"UPDATE notice SET read_at = ? WHERE {where}", *values).rowcount)

    def mark_record(self, connection: Connection, user_id: str, entity: str, record_id: str) -> int:
        """Note that somebody has seen the record that notices are about."""
        return int(
            self._run(
                connection,
                "UPDATE notice SET read_at = ? WHERE user_id = ? AND entity = ? AND record_id = ? AND read_at IS NULL",
                clock.now(), user_id, entity, record_id,
            ).rowcount
        )  # fmt: skip

    # --- mails ------------------------------------------------------------------------------------------------------

    def due(self, connection: Connection) -> list[tuple[str, str, datetime]]:
        """Return (person, now or daily, when the oldest was written) of whom mail is due to."""
        text = f"SELECT user_id, mail, min(at) FROM notice WHERE {_WAITING} GROUP BY user_id, mail"
        return [(str(row[0]), row[1], time_of(row[2])) for row in self._run(connection, text).fetchall()]

    def to_mail(self, connection: Connection, user_id: str, mail: str, limit: int) -> list[Notice]:
        """Return notices that somebody is to be told of by mail, the oldest first."""
        text = f"SELECT {_COLUMNS} FROM notice WHERE user_id = ? AND mail = ? AND {_WAITING} ORDER BY at, id LIMIT ?"
        return [_notice(row) for row in self._run(connection, text, user_id, mail, limit).fetchall()]

    def mailed(self, connection: Connection, ids: Sequence[str]) -> list[str]:
        """Note that notices went out by mail; return those that had not before."""
        if not ids:
            return []
        text = f"UPDATE notice SET mailed_at = ? WHERE id IN ({_marks(ids)}) AND mailed_at IS NULL RETURNING id"
        return [str(row[0]) for row in self._run(connection, text, clock.now(), *ids).fetchall()]

    def forget(self, connection: Connection, before: datetime) -> int:
        """Delete notices that were written before a time; return how many."""
        return int(self._run(connection, "DELETE FROM notice WHERE at < ?", before).rowcount)

    # --- following --------------------------------------------------------------------------------------------------

    def followers(self, connection: Connection, entity: str, ids: Sequence[str]) -> dict[str, dict[str, bool]]:
        """Return record -> person -> whether they follow it or want to hear no more, where somebody said so."""
        found: dict[str, dict[str, bool]] = {}
        if ids:
            text = (
                "SELECT record_id, user_id, follows FROM record_follow"
                f" WHERE entity = ? AND record_id IN ({_marks(ids)})"
            )
            for record_id, user_id, follows in self._run(connection, text, entity, *ids).fetchall():
                found.setdefault(str(record_id), {})[str(user_id)] = bool(follows)
        return found

    def follow(
        self, connection: Connection, entity: str, record_id: str, user_id: str, *, follows: bool, gently: bool = False
    ) -> None:
        """Note that somebody follows a record, or wants to hear no more; `gently` leaves what they said themselves."""
        also = "NOTHING" if gently else "UPDATE SET follows = excluded.follows, made_at = excluded.made_at"
        self._run(
            connection,
            "INSERT INTO record_follow (entity, record_id, user_id, follows, made_at) VALUES (?, ?, ?, ?, ?)"
            f" ON CONFLICT (entity, record_id, user_id) DO {also}",
            entity, record_id, user_id, follows, clock.now(),
        )  # fmt: skip


def _marks(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))


def _notice(row: Sequence[Any]) -> Notice:
    return Notice(
        str(row[0]), str(row[1]), row[2], row[3], text_of(row[4]), text_of(row[5]), int(row[6]), orjson.loads(row[7]),
        time_of(row[8]), None if row[9] is None else time_of(row[9]),
    )  # fmt: skip
