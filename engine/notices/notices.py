"""`Notices`: what people are told on the site, how they want to be told, and what they follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from engine.audit.statements import Statements
from engine.data.principal import Principal
from engine.data.query import Query
from engine.data.reader import Reader
from engine.errors import AccessDenied, NotFound
from engine.expression import Call, Literal, Path
from engine.hooks import Hooks
from engine.i18n import Message
from engine.jobs import Jobs
from engine.notices.cache import Unread
from engine.notices.posts import Posts
from engine.notices.presence import Presence
from engine.notices.rows import Notice, NoticeRows, Wish
from engine.notices.settings import NoticeSettings
from engine.notices.telling import COMMENT, Telling
from engine.storage.database import Database

_HOOK = "notices"
_SHORT = 200
"""Characters of a comment that a notice shows."""
_TOLD_STATES = frozenset({"done", "failed"})


@dataclass(frozen=True, slots=True)
class ToldNotice:
    """A notice with what its reader may know of what it is about, as things stand now."""

    notice: Notice
    title: str
    """Name of the record; "" where there is none."""
    actor: str
    """Name of whose doing it was; "" for the system."""
    words: str = ""
    """The beginning of the comment."""


class Notices:
    """The notices of one site.

    Args:
        database: where their rows are.
        hooks: tell of what is written.
        jobs: tell of jobs that end.
    """

    def __init__(self, database: Database, hooks: Hooks, jobs: Jobs) -> None:
        self._database = database
        statements = Statements(database)
        self.rows = NoticeRows(statements)
        self.unread = Unread()
        self.posts, self.presence = Posts(statements), Presence(statements)
        hooks.register(Telling(self.rows, self.unread), _HOOK)
        jobs.store.ended = self._ended

    # --- what somebody is told --------------------------------------------------------------------------------------

    def count(self, connection: Connection, user_id: str) -> int:
        """Return how many notices somebody has not read, counted up to 100, and remember it."""
        number = self.rows.unread(connection, user_id)
        self.unread.put(user_id, number)
        return number

    def page(
        self, reader: Reader, limit: int, before: tuple[datetime, str] | None = None
    ) -> tuple[list[ToldNotice], tuple[datetime, str] | None]:
        """Return (notices of whoever reads, the latest first; where the next page begins).

        Those about records that they may no longer see are left out.
        """
        if reader.principal.id is None:
            return [], None
        found = self.rows.page(reader.connection, reader.principal.id, limit + 1, before)
        following = None
        if len(found) > limit:
            found = found[:limit]
            following = (found[-1].at, found[-1].id)
        return tell(reader, found), following

    def one(self, reader: Reader, id_: str) -> ToldNotice | None:
        """Return a notice of whoever reads; None of any other, and where they may no longer see what it is about."""
        if reader.principal.id is None:
            return None
        found = tell(reader, self.rows.some(reader.connection, reader.principal.id, [id_]))
        return found[0] if found else None

    def mark(self, principal: Principal, ids: Sequence[str] | None = None, *, read: bool = True) -> int:
        """Note that somebody has read notices, all of them unless ids are given, or has not; return how many.

        Raises:
            AccessDenied: they only look as somebody else, or are a program.
        """
        me = acting_person(principal)
        with self._database.write() as connection:
            number = self.rows.mark(connection, me, ids, read=read)
        self.unread.forget([me])
        return number

    def seen(self, principal: Principal, entity: str, record_id: str) -> None:
        """Note that somebody looks at a record: what they were told about it is read."""
        if principal.id is None or principal.viewer is not None or not self.unread.get(principal.id):
            return
        with self._database.write() as connection:
            self.rows.mark_record(connection, principal.id, entity, record_id)
        self.unread.forget([principal.id])

    # --- how, and of what -------------------------------------------------------------------------------------------

    def settings(self, connection: Connection, user_id: str) -> NoticeSettings:
        """Return how somebody wants to be told."""
        return self.rows.settings(connection, [user_id])[user_id]

    def keep_settings(self, principal: Principal, settings: NoticeSettings) -> None:
        """Keep how somebody wants to be told.

        Raises:
            AccessDenied: they only look as somebody else, or are a program.
        """
        me = acting_person(principal)
        with self._database.write() as connection:
            self.rows.keep_settings(connection, me, settings)

    def followed(self, reader: Reader, entity: str, record_id: str, values: Mapping[str, Any]) -> bool:
        """Say whether whoever reads follows a record, of which `values` has owner and maker."""
        me = reader.principal.id
        if me is None:
            return False
        said = self.rows.followers(reader.connection, entity, [record_id]).get(record_id, {})
        return said.get(me, me in {values.get("owner"), values.get("created_by")})

    def follow(self, principal: Principal, entity: str, record_id: str, *, follows: bool) -> None:
        """Let somebody follow a record that they may read, or hear no more of it.

        Raises:
            AccessDenied: they only look as somebody else, or are a program.
        """
        me = acting_person(principal)
        with self._database.write() as connection:
            self.rows.follow(connection, entity, record_id, me, follows=follows)

    # --- jobs -------------------------------------------------------------------------------------------------------

    def _ended(self, connection: Connection, job_id: str, actor: str | None, state: str) -> None:
        if actor is not None and state in _TOLD_STATES:
            self.rows.write(connection, [Wish(actor, "job", details={"job": job_id, "state": state})])
            self.unread.forget([actor])


def acting_person(principal: Principal) -> str:
    """Return the id of a person who acts with their own hands.

    Raises:
        AccessDenied: they only look as somebody else, or are a program.
    """
    principal.require_own_hands()
    if principal.id is None or principal.scopes is not None:
        raise AccessDenied(Message("Only people do this, not programs"))
    return principal.id


def tell(reader: Reader, notices: Sequence[Notice]) -> list[ToldNotice]:
    """Return notices with names, without those about records that whoever reads may no longer see."""
    wanted: dict[str, set[str]] = {}
    for each in notices:
        if each.entity is not None and each.record_id is not None and each.entity in reader.model.entities:
            wanted.setdefault(each.entity, set()).add(each.record_id)
    titles: dict[tuple[str, str], str] = {}
    for entity, ids in wanted.items():
        for id_, title in reader.titles(entity, reader.readable(entity, ids)).items():
            titles[entity, id_] = title
        titles.update({(entity, id_): "…" for id_ in reader.readable(entity, ids) if (entity, id_) not in titles})
    actors = reader.titles("user", {each.actor_id for each in notices if each.actor_id is not None})
    words = _comments(reader, [each.details["comment"] for each in notices if "comment" in each.details])
    found = []
    for each in notices:
        if each.record_id is not None and (each.entity, each.record_id) not in titles:
            continue
        comment = each.details.get("comment")
        if comment is not None and comment not in words:
            continue  # It was deleted.
        title = titles.get((each.entity or "", each.record_id or ""), "")
        found.append(ToldNotice(each, title, actors.get(each.actor_id or "", ""), words.get(str(comment), "")))
    return found


def _comments(reader: Reader, ids: Sequence[str]) -> dict[str, str]:
    if not ids or COMMENT not in reader.model.entities or not reader.access.may(COMMENT, "read"):
        return {}
    where = Call("in", (Path(("id",)), Literal(tuple(dict.fromkeys(ids)))))
    try:
        rows = reader.query(Query(COMMENT, select=("id", "body"), where=where, limit=len(ids))).dicts()
    except (AccessDenied, NotFound):
        return {}
    return {row["id"]: _short(row["body"] or "") for row in rows}


def _short(words: str) -> str:
    plain = " ".join(words.split())
    return plain if len(plain) <= _SHORT else f"{plain[: _SHORT - 1]}…"
