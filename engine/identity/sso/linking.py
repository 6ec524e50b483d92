"""Who of us it is whom a provider vouches for: known by the subject, else by a verified address, else made anew."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from engine import clock
from engine.audit import Event
from engine.data.batch import Change
from engine.data.principal import SYSTEM
from engine.data.records import Records
from engine.errors import NotFound, RecordInvalid, SignInRefused
from engine.i18n import Message
from engine.identity.identity import Identity
from engine.identity.people import Person
from engine.identity.sso.settings import Asserted, Provider
from engine.identity.store import Store

VIA = "sso"


class Linking:
    """Finds, links and makes people, and keeps their roles as the provider says."""

    def __init__(self, identity: Identity, records: Records) -> None:
        self._identity, self._records = identity, records
        self._store = Store(records.database)

    def person(self, provider: Provider, who: Asserted) -> str:
        """Return the id of the person; their roles are as the provider's groups say.

        Raises:
            SignInRefused: it is nobody of us, or somebody who may not sign in.
        """
        user_id = self._known(provider, who) or self._linked(provider, who) or self._made(provider, who)
        if user_id is None:
            raise SignInRefused(
                Message("Nobody here is known by this account of yours: ask who looks after the site to add you")
            )
        try:
            person = self._identity.find(user_id)
        except NotFound as error:
            raise SignInRefused(Message("This account may not sign in")) from error
        if not person.may_sign_in:
            raise SignInRefused(Message("This account may not sign in"))
        self._bring_up_to_date(provider, who, person)
        return person.id

    # --- who it is ------------------------------------------------------------------------------------------------

    def _known(self, provider: Provider, who: Asserted) -> str | None:
        with self._records.database.write() as connection:
            row = self._store.run(
                connection,
                "UPDATE sso_identity SET used_at = ?, name = ? WHERE provider = ? AND subject = ? RETURNING user_id",
                clock.now(),
                who.email or who.name,
                provider.key,
                who.subject,
            ).fetchone()
            if row is not None and not self._is_there(connection, str(row[0])):
                # Deleted for good: the account over there is nobody's here. Who lies in the recycle bin stays shut out.
                self._store.run(
                    connection,
                    "DELETE FROM sso_identity WHERE provider = ? AND subject = ?",
                    provider.key,
                    who.subject,
                )
                row = None
        return None if row is None else str(row[0])

    def _is_there(self, connection: Connection, user_id: str) -> bool:
        revision = self._records.database.probe(connection)[0]
        table = self._records.models.get(revision).tables.name("user")
        found = self._store.run_on_users(connection, f'SELECT 1 FROM "{table}" WHERE id = ?', user_id)  # noqa: S608
        return found.fetchone() is not None

    def accounts(self, user_id: str) -> list[tuple[str, str]]:
        """Return the accounts that a person is linked to, as (provider, how it is called there)."""
        with self._records.database.read() as connection:
            rows = self._store.run(
                connection,
                "SELECT provider, coalesce(name, subject) FROM sso_identity WHERE user_id = ?"
                " ORDER BY provider, subject",
                user_id,
            ).fetchall()
        return [(str(row[0]), str(row[1])) for row in rows]

    def unlink(self, user_id: str, provider: str | None, by: str | None) -> int:
        """Forget the accounts that a person is linked to, of one provider or of all; return how many there were."""
        with self._records.database.write() as connection:
            only, values = ("", (user_id,)) if provider is None else (" AND provider = ?", (user_id, provider))
            done = self._store.run(connection, f"DELETE FROM sso_identity WHERE user_id = ?{only}", *values)  # noqa: S608
            count = int(done.rowcount)
            if count:
                details = {"provider": provider, "removed": count}
                self._records.trail.note(connection, Event("sso_linked", by, "user", user_id, details=details))
        return count

    def _linked(self, provider: Provider, who: Asserted) -> str | None:
        """Link the person who has the address, when the provider knows it to be theirs."""
        if provider.link != "email" or not who.email or not who.verified:
            return None
        person = next((each for each in self._identity.people() if _same(each.email, who.email)), None)
        if person is None or not person.may_sign_in:
            return None
        with self._records.database.write() as connection:
            if self._has_another(connection, provider, person):
                # An address may be given to somebody new over there; what is behind it here is not.
                raise SignInRefused(
                    Message("Your address belongs to an account that somebody else uses: ask who looks after the site")
                )
            self._link(connection, provider, who, person.id)
        return person.id

    def _has_another(self, connection: Connection, provider: Provider, person: Person) -> bool:
        found = self._store.run(
            connection, "SELECT 1 FROM sso_identity WHERE provider = ? AND user_id = ?", provider.key, person.id
        )
        return found.fetchone() is not None

    def _link(self, connection: Connection, provider: Provider, who: Asserted, user_id: str) -> None:
        now = clock.now()
        self._store.run(
            connection,
            "INSERT INTO sso_identity (provider, subject, user_id, name, created_at, used_at)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            provider.key,
            who.subject,
            user_id,
            who.email or who.name,
            now,
            now,
        )
        details = {"provider": provider.key, "account": who.email or who.name}
        self._records.trail.note(connection, Event("sso_linked", user_id, "user", user_id, details=details))

    def _made(self, provider: Provider, who: Asserted) -> str | None:
        """Make the person, where the provider may bring new ones."""
        if provider.create == "never" or not who.email or not who.verified:
            return None
        if provider.create == "domains" and who.email.rpartition("@")[2].lower() not in provider.domains:
            return None
        roles = sorted({*provider.new_roles, *provider.roles_of(who.groups)} & self._roles())
        values = {"name": who.name or who.email, "email": who.email, "roles": roles}
        try:
            with self._records.begin() as connection:
                [made] = self._records.create(SYSTEM, "user", [values], via=VIA, connection=connection)
                self._link(connection, provider, who, made.id)
        except RecordInvalid as error:
            # The address is somebody's who is not to be linked.
            raise SignInRefused(
                Message("Nobody here is known by this account of yours: ask who looks after the site to add you")
            ) from error
        return made.id

    # --- what they may --------------------------------------------------------------------------------------------

    def _roles(self) -> frozenset[str]:
        with self._records.database.read() as connection:
            revision = self._records.database.probe(connection)[0]
        return frozenset(self._records.models.get(revision).model.roles)

    def _bring_up_to_date(self, provider: Provider, who: Asserted, person: Person) -> None:
        """Give and take the roles that the provider decides on, and no others; and the department, if it says one."""
        changes: dict[str, Any] = {}
        if provider.roles:
            wanted = (set(person.roles) - provider.named_roles) | (provider.roles_of(who.groups) & self._roles())
            if wanted != set(person.roles):
                changes["roles"] = sorted(wanted)
        department = self._department(who.department) if who.department else None
        if department is not None and department != person.department:
            changes["department"] = department
        if not changes:
            return
        try:
            self._records.update(SYSTEM, "user", [Change(person.id, changes)], via=VIA)
        except RecordInvalid as error:
            # The last one who may look after the site stays so, whatever the provider says.
            if any(problem.code != "last_admin" for problem in error.problems):
                raise SignInRefused(Message("This account may not sign in")) from error

    def _department(self, name: str) -> str | None:
        with self._records.database.read() as connection:
            revision = self._records.database.probe(connection)[0]
            published = self._records.models.get(revision)
            tables = published.tables
            columns = {key: tables.column_name("department", key) for key in ("name", "code")}
            rows = self._store.run_on_users(
                connection,
                f'SELECT id FROM "{tables.name("department")}" WHERE deleted_at IS NULL'  # noqa: S608 - names of the Model
                f' AND ("{columns["code"]}" = ? OR "{columns["name"]}" = ?) LIMIT 2',
                name,
                name,
            ).fetchall()
        return str(rows[0][0]) if len(rows) == 1 else None


def _same(one: str | None, other: str) -> bool:
    return one is not None and one.casefold() == other.strip().casefold()
