"""Being away: people say it themselves, name who stands in for them, and see for whom they stand in.

Only these three fields of one's own user are written here, so nobody gains more by it than the rows of who is away.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import Connection

from engine import clock
from engine.data.batch import Change
from engine.data.principal import Principal, zone
from engine.errors import AccessDenied, FieldProblem, RecordInvalid
from engine.i18n import Message
from engine.identity.base import Base
from engine.identity.people import ABSENCE, absences_of, day_of
from engine.publish import Published
from engine.storage.columns import quoted


@dataclass(frozen=True, slots=True)
class Away:
    """Somebody's absence, as it is written down."""

    user_id: str
    name: str
    """Of who is away."""
    deputy_id: str | None
    deputy: str
    """Name of who stands in; "" for nobody."""
    first: date | None
    """The first day, where the person is; None when only the deputy is known."""
    last: date | None
    """The last day; None until further notice."""
    begins: datetime | None
    """Aware UTC; None when it is over, or was never said."""

    @property
    def state(self) -> Literal["none", "planned", "now"]:
        """Say whether it is over or was never said, still to come, or now."""
        if self.begins is None:
            return "none"
        return "planned" if self.begins > clock.now() else "now"


class Absences(Base):
    """What people say about their own absence."""

    def absence(self, user_id: str) -> Away | None:
        """Return what is written down about a person's absence, also when it is over; None when nothing is."""
        with self._reading() as (connection, published, _memory):
            found = next(self._away(connection, published, "id", user_id), None)
        return None if found is None or (found.deputy_id is None and found.first is None) else found

    def stands_in(self, user_id: str) -> list[Away]:
        """Return for whom a person stands in, now or in days to come, the first to leave first."""
        with self._reading() as (connection, published, _memory):
            known = list(self._away(connection, published, "deputy", user_id))
        return [each for each in known if each.state != "none"]

    def go_away(self, actor: Principal, deputy: str | None, first: date | None, last: date | None = None) -> Away:
        """Write down that somebody is away themselves, from a day to the end of another, and who stands in for them.

        Days are those of the actor's time zone; no last day means until further notice.

        Raises:
            AccessDenied: it is not themselves who asks, or the account of a program.
            RecordInvalid: the deputy cannot stand in, or the days make no sense; `.problems` has all of it.
        """
        with self._records.begin() as connection:
            me = self._self(connection, actor)
            published = self._published(connection)
            problems = [*self._deputy(connection, published, me, deputy), *_days(actor, first, last)]
            if problems:
                raise RecordInvalid(problems)
            self._write_absence(connection, actor, me, (deputy, first, last))
            return next(self._away(connection, published, "id", me))

    def come_back(self, actor: Principal) -> None:
        """Write down that somebody is back, or stays; nobody stands in for them any longer.

        Raises:
            AccessDenied: as `go_away`.
        """
        with self._records.begin() as connection:
            self._write_absence(connection, actor, self._self(connection, actor), (None, None, None))

    def _self(self, connection: Connection, actor: Principal) -> str:
        """Return the id of who acts, when it is a person in their own name."""
        actor.require_own_hands()
        refused = AccessDenied(Message("Only people themselves say when they are away"), entity="user", action="update")
        if actor.system or actor.id is None or actor.scopes is not None:
            raise refused
        if not self._person(actor.id, connection).may_sign_in:
            raise refused
        return actor.id

    def _deputy(
        self, connection: Connection, published: Published, me: str, deputy: str | None
    ) -> Iterator[FieldProblem]:
        """Yield what speaks against somebody standing in."""
        if not deputy:
            yield FieldProblem("deputy", Message("Say who stands in for you"), "required")
            return
        person = self._people.by_id(connection, published, deputy)
        if person is None:
            yield FieldProblem("deputy", Message("There is no such person"))
        elif person.id == me:
            yield FieldProblem("deputy", Message("You cannot stand in for yourself"))
        elif person.service:
            yield FieldProblem("deputy", Message("A program cannot stand in for a person"))
        elif not person.active:
            yield FieldProblem("deputy", Message("This person may not sign in, so they cannot stand in for you"))

    def _write_absence(
        self, connection: Connection, actor: Principal, me: str, values: tuple[str | None, date | None, date | None]
    ) -> None:
        # Nobody needs a right to change users for this; the three fields and the one record are all that it opens.
        as_system = Principal(me, actor.name, system=True, language=actor.language, timezone=actor.timezone)
        change = Change(me, dict(zip(ABSENCE[:3], values, strict=True)))
        self._records.update(as_system, "user", [change], via="web", connection=connection)

    def _away(self, connection: Connection, published: Published, by: str, user_id: str) -> Iterator[Away]:
        """Yield the absences of one person, or of those for whom they stand in."""
        if "deputy" not in published.model.entity("user").fields:
            return
        names = {key: quoted(published.tables.column_name("user", key)) for key in ("id", "name", *ABSENCE)}
        table = quoted(published.tables.name("user"))
        columns = ", ".join(f"away.{names[key]}" for key in ("id", "name", *ABSENCE[1:]))
        statement = (
            f"SELECT deputy.id, deputy.{names['name']}, {columns} FROM {table} AS away"  # noqa: S608 - names of our own making
            f" LEFT JOIN {table} AS deputy ON deputy.id = away.{names['deputy']} AND deputy.deleted_at IS NULL"
            f" WHERE away.{names[by]} = ? AND away.deleted_at IS NULL ORDER BY away.{names['absent_from']}, away.id"
        )
        for row in self._store.run_on_users(connection, statement, user_id).fetchall():
            yield _read(row, published.model.timezone)


def _read(row: Any, timezone: str) -> Away:
    deputy_id, deputy, id_, name, first, last, own_zone = row
    known = next(absences_of([(id_, first, last, own_zone)], timezone), None) if first is not None else None
    return Away(
        str(id_),
        name,
        None if deputy_id is None else str(deputy_id),
        deputy or "",
        None if first is None else day_of(first),
        None if last is None else day_of(last),
        None if known is None else known.begins,
    )


def _days(actor: Principal, first: date | None, last: date | None) -> Iterator[FieldProblem]:
    """Yield what is wrong with the days."""
    if first is None:
        yield FieldProblem("absent_from", Message("Say from which day"), "required")
    if last is None:
        return
    if first is not None and last < first:
        yield FieldProblem("absent_until", Message("The last day comes before the first"))
    elif last < clock.now().astimezone(zone(actor.timezone)).date():
        yield FieldProblem("absent_until", Message("This day is over already"))
