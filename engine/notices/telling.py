"""Who is told of what is written: rows of notices in the same transaction, for the owner, the maker and followers.

It listens to the hooks of writing, so a form, an import, the API and an automation tell alike. A write that nobody is
to be told of costs one look at each draft and no statement.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection

from engine.data.batch import Batch, Draft
from engine.data.sharing import Share
from engine.data.unit import Unit, unit_at_work
from engine.hooks import hookimpl
from engine.ids import is_id
from engine.metadata.model import Entity
from engine.notices.cache import Unread
from engine.notices.rows import NoticeRows, Wish

COMMENT = "comment"
MENTIONS = "mentions"
MOST_EACH = 5
"""Notices of one kind that one write gives one person; of more records one notice tells together."""
_SILENT = frozenset({"demo", "backfill"})
"""Ways by which records come that are news to nobody."""


class Telling:
    """Writes notices about what is written."""

    fields = frozenset({"owner", MENTIONS})
    """Fields of which an update that changes no other need not be told; states move through transitions."""

    def __init__(self, rows: NoticeRows, unread: Unread) -> None:
        self._rows, self._unread = rows, unread

    @hookimpl
    def changed(self, batch: Batch, connection: Connection) -> None:
        """Tell of records that become somebody's, of stages, and of what is said."""
        if batch.via in _SILENT or batch.computed or batch.trusted or batch.action not in {"create", "update"}:
            return
        if batch.entity == COMMENT:
            wishes = list(self._comments(batch, connection))
        else:
            wishes = [*_assigned(batch), *self._moved(batch, connection)]
        if wishes:
            self._write(connection, together(wishes))

    @hookimpl
    def shared(self, share: Share, connection: Connection) -> None:
        """Tell of a record that is shared with a person, or with people of a team."""
        if share.kind == "user":
            people: Iterable[str] = [share.principal_id]
        elif share.kind == "team":
            people = _members(_unit(), [share.principal_id])
        else:
            return  # A department is no group of people who are spoken to.
        wishes = [
            Wish(each, "shared", share.entity, share.record_id, share.made_by, details={"level": share.level})
            for each in people
            if each != share.made_by
        ]
        self._write(connection, wishes)

    def _write(self, connection: Connection, wishes: Sequence[Wish]) -> None:
        told = self._rows.write(connection, wishes)
        unit = unit_at_work()
        if unit is not None and told:
            unit.tail.committed.append(lambda: self._unread.forget(told))

    # --- stages -----------------------------------------------------------------------------------------------------

    def _moved(self, batch: Batch, connection: Connection) -> Iterator[Wish]:
        states = batch.kind.states
        if states is None or batch.action == "create":
            return
        moved = [draft for draft in batch.drafts if states.field in draft.changed]
        if not moved:
            return
        said = self._rows.followers(connection, batch.entity, [draft.id for draft in moved])
        for draft in moved:
            people = interested(batch.kind, draft.new, said.get(draft.id, {}))
            details = {"to": draft.new.get(states.field), "from": (draft.old or {}).get(states.field)}
            for each in people - {batch.actor.id}:
                yield _wish(batch, draft, each, "moved", details)

    # --- comments ---------------------------------------------------------------------------------------------------

    def _comments(self, batch: Batch, connection: Connection) -> Iterator[Wish]:
        unit, actor = _unit(), batch.actor.id
        for draft in batch.drafts:
            entity, record_id = draft.new.get("record_entity"), draft.new.get("record_id")
            kind = batch.model.entities.get(str(entity))
            if kind is None or not is_id(str(record_id)):
                continue
            mentioned = _mentioned(unit, draft.new.get(MENTIONS)) - {actor}
            if draft.old is not None:
                mentioned -= _mentioned(unit, draft.old.get(MENTIONS))
            details = {"comment": draft.id}
            for each in sorted(mentioned):
                yield Wish(each, "mention", str(entity), str(record_id), actor, details=details)
            if draft.old is not None:
                continue
            said = self._rows.followers(connection, kind.key, [str(record_id)]).get(str(record_id), {})
            people = interested(kind, _owner_and_maker(unit, kind, str(record_id)), said)
            people |= _author(unit, batch.kind, draft.new.get("parent"))
            for each in sorted(people - mentioned - {actor}):
                yield Wish(each, "comment", str(entity), str(record_id), actor, details=details)
            if actor is not None and self._rows.settings(connection, [actor])[actor].follow_own:
                self._rows.follow(connection, kind.key, str(record_id), actor, follows=True, gently=True)


def together(wishes: Sequence[Wish]) -> list[Wish]:
    """Return notices with those of one person and kind as one, where there are many."""
    groups: dict[tuple[str, str, str | None], list[Wish]] = {}
    for each in wishes:
        groups.setdefault((each.user_id, each.kind, each.entity), []).append(each)
    found: list[Wish] = []
    for (user_id, kind, entity), alike in groups.items():
        if len(alike) <= MOST_EACH:
            found += alike
        else:
            first = alike[0]
            found.append(Wish(user_id, kind, entity, None, first.actor_id, len(alike), change_set=first.change_set))
    return found


def interested(entity: Entity, values: Any, said: dict[str, bool]) -> set[str]:
    """Return who follows a record: its owner and maker unless they want to hear no more, and whoever asked to."""
    keys = ("owner", "created_by") if entity.owned else ("created_by",)
    own = {str(values[key]) for key in keys if values.get(key) is not None}
    return {each for each in own if said.get(each, True)} | {each for each, follows in said.items() if follows}


def _assigned(batch: Batch) -> Iterator[Wish]:
    if not batch.kind.owned:
        return
    for draft in batch.drafts:
        owner = draft.new.get("owner")
        fresh = draft.old is None or "owner" in draft.changed
        if owner is not None and fresh and owner != batch.actor.id:
            yield _wish(batch, draft, str(owner), "assigned", {})


def _wish(batch: Batch, draft: Draft, user_id: str, kind: str, details: dict[str, Any]) -> Wish:
    return Wish(user_id, kind, batch.entity, draft.id, batch.actor.id, 1, details, batch.change_set or None)


def _unit() -> Unit:
    unit = unit_at_work()
    assert unit is not None  # noqa: S101 - hooks are called within one
    return unit


def _mentioned(unit: Unit, value: Any) -> set[str]:
    """Return the ids of people who are mentioned, themselves or as members of a team."""
    people: set[str] = set()
    teams: list[str] = []
    for each in value or ():
        kind, _, id_ = str(each).partition("/")
        if kind == "user" and is_id(id_):
            people.add(id_)
        elif kind == "team" and is_id(id_):
            teams.append(id_)
    return people | set(_members(unit, teams))


def _members(unit: Unit, teams: Sequence[str]) -> list[str]:
    team = unit.published.model.entities.get("team")
    if not teams or team is None or "members" not in team.fields:
        return []
    table = unit.phrases.name(unit.published.tables.link_name("team", "members"))
    text = f"SELECT target_id FROM {table} WHERE {unit.phrases.is_in('record_id')}"  # noqa: S608 - names of the Model
    return [str(row[0]) for row in unit.run(text, [unit.ids(teams)]).fetchall()]


def _owner_and_maker(unit: Unit, entity: Entity, record_id: str) -> dict[str, Any]:
    shape = unit.shape(entity.key)
    keys = [key for key in ("owner", "created_by") if key in shape.by_key]
    names = ", ".join(shape.by_key[key].name for key in keys)
    text = f"SELECT {names} FROM {shape.table} WHERE {shape.by_key['id'].name} = {unit.phrases.mark}"  # noqa: S608
    row = unit.run(text, (record_id,)).fetchone()
    return {} if row is None else dict(zip(keys, row, strict=True))


def _author(unit: Unit, entity: Entity, comment_id: Any) -> set[str]:
    """Return who wrote the comment that is answered."""
    if comment_id is None:
        return set()
    found = _owner_and_maker(unit, entity, str(comment_id)).get("created_by")
    return set() if found is None else {str(found)}
