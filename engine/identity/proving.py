"""Second factors: an authenticator app, passkeys, recovery codes; and the way from the first factor to the sign-in."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from engine import clock
from engine.data.vault import Holder, Vault, register_holder
from engine.errors import GuanxiError, NotFound, SignInNeeded, SignInRefused, SiteBroken
from engine.i18n import Message
from engine.identity import letters
from engine.identity.factors import Factor
from engine.identity.mending import Mending
from engine.identity.people import Person
from engine.identity.rates import SECOND_STEP
from engine.identity.sessions import SignIn
from engine.identity.signing import entered
from engine.identity.steps import KnownStep

CODES = 10
"""Recovery codes that a person gets at once."""
_CODE_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without those that look like others."""
_CODE_GROUPS = 4
_PERIOD = 30
_DIGITS = 6
_WINDOW = 1
"""Time steps before and after the present one whose codes are taken: clocks differ."""
_OFFERED = timedelta(minutes=30)
_WRONG = Message("The code is not right")

for _kind, _field in (("totp", "totp"), ("totp_new", "totp_new")):
    register_holder(
        Holder("auth_credential", "user_id", "secret", "auth", _field, where=f"kind = '{_kind}'", about="auth.totp")
    )
for _column in ("body", "html"):
    register_holder(
        Holder("mail_message", "id", _column, "mail", _column, where=f"secret AND {_column} <> ''", about="mail")
    )


@dataclass(frozen=True, slots=True)
class AppSetup:
    """What an authenticator app needs to know, shown until it has proven that it does."""

    secret: str
    """Base 32, for who types it."""
    address: str
    """`otpauth://...`, for who scans it."""


@dataclass(frozen=True, slots=True)
class StepState:
    """A sign-in that is half done, as its page shows it."""

    user_id: str
    name: str
    needs: str
    """"second" or "set_up"."""
    kinds: frozenset[str]
    """Kinds of factors that the person has: totp, passkey."""
    codes: int
    """Recovery codes that are left."""


class Proving(Mending):
    """What people do about their second factors, and with them."""

    # --- from the first factor to the sign-in ---------------------------------------------------------------------

    def step(self, secret: str) -> StepState:
        """Return what a sign-in that is half done still lacks.

        Raises:
            SignInNeeded: there is none, or it took too long.
        """
        with self._reading() as (connection, published, _memory):
            known = self._steps.find(connection, secret, "second", "set_up")
            person = self._people.by_id(connection, published, known.user_id or "")
            if person is None or not person.may_sign_in:
                raise SignInNeeded(Message("Please sign in again"))
            kinds = self._factors.kinds(connection, person.id)
            codes = self._factors.codes_left(connection, person.id)
        return StepState(person.id, person.name, known.purpose, kinds, codes)

    def finish_step(self, secret: str, code: str, *, address: str | None = None, agent: str | None = None) -> SignIn:
        """Sign in with a code of the app, or a recovery code, after the first factor.

        Raises:
            SignInNeeded: there is no first factor, or it took too long.
            SignInRefused: the code is wrong, or was used before.
            SignInLocked: there were too many wrong ones.
            TooManyRequests: they come too fast.
        """
        state = self.step(secret)
        with self._writing() as connection:
            self._rates.take(connection, f"second:{state.user_id}", SECOND_STEP)
        with self._database.read() as connection:
            self._attempts.require_free(connection, f"second {state.user_id}", None)
        person = self._person(state.user_id)
        with self._writing() as connection:
            known = self._steps.find(connection, secret, "second")
            how = self._code_fits(connection, person, code)
            if how is not None:
                return self._complete(connection, secret, known, f"+{how}", address, agent)
            self._steps.failed(connection, secret)
        self._failed(f"second {person.id}", person, None, "second")
        raise SignInRefused(_WRONG)

    def finish_set_up(self, secret: str, *, address: str | None = None, agent: str | None = None) -> SignIn:
        """Sign in somebody who has just set up the second factor that a role of theirs demands.

        Raises:
            SignInNeeded: there is no first factor, or it took too long, or no second factor was set up.
        """
        with self._writing() as connection:
            known = self._steps.find(connection, secret, "set_up")
            if not self._factors.kinds(connection, known.user_id or ""):
                raise SignInNeeded(Message("A second factor is needed"))
            return self._complete(connection, secret, known, "+new", address, agent)

    def _complete(
        self,
        connection: Connection,
        secret: str,
        known: KnownStep,
        how: str,
        address: str | None,
        agent: str | None,
    ) -> SignIn:
        """End a step and begin the sign-in; of two who try at once, one is let in."""
        if known.user_id is None or not self._steps.end(connection, secret):
            raise SignInNeeded(Message("Please sign in again"))
        self._attempts.succeeded(connection, f"second {known.user_id}")
        method = f"{known.details.get('method', 'password')}{how}"
        return entered(self._begin(connection, known.user_id, method, address, agent, vouched=True))

    def _code_fits(self, connection: Connection, person: Person, code: str) -> str | None:
        """Use a code up and return what it was, totp or recovery; None when it is wrong or was used."""
        plain = "".join(code.split()).replace("-", "").lower()
        if plain.isascii() and plain.isdigit() and len(plain) == _DIGITS:
            found = self._factors.app(connection, person.id)
            step = None if found is None else _step_of(self._open(person.id, found[0]), plain)
            return "totp" if step is not None and self._factors.use_app(connection, person.id, step) else None
        if not self._factors.use_code(connection, person.id, _hash_code(plain)):
            return None
        left = self._factors.codes_left(connection, person.id)
        self._note(connection, "recovery_code_used", person.id, left=left)
        self._tell(connection, person, letters.code_used(left))
        return "recovery"

    # --- the app --------------------------------------------------------------------------------------------------

    def offer_app(self, user_id: str, *, anew: bool = False) -> AppSetup:
        """Return what an app needs that a person sets up: the same as before, for half an hour.

        Raises:
            SiteBroken: the site has no key to seal the secret with.
        """
        import pyotp

        person = self._person(user_id)
        with self._writing() as connection:
            found = self._factors.app(connection, user_id, new=True)
            if found is None or anew or (found[1] is not None and clock.now() - found[1] > _OFFERED):
                secret = pyotp.random_base32()
                sealed = self._vault().seal("auth", user_id, "totp_new", secret, connection=connection)
                self._factors.offer_app(connection, user_id, sealed)
            else:
                secret = self._open(user_id, found[0], "totp_new")
        site = self._rules.base_url or ""
        issuer = f"Guanxi {site.partition('://')[2].partition('/')[0]}".strip()
        return AppSetup(
            secret, pyotp.TOTP(secret).provisioning_uri(name=person.email or person.name, issuer_name=issuer)
        )

    def confirm_app(self, user_id: str, code: str) -> tuple[str, ...]:
        """Take an app that shows the right code; return recovery codes when the person had none.

        Raises:
            SignInRefused: the code is wrong.
            SignInLocked: it was wrong too often.
        """
        person = self._person(user_id)
        with self._writing() as connection:
            self._attempts.require_free(connection, f"second {user_id}", None)
            found = self._factors.app(connection, user_id, new=True)
            secret = None if found is None else self._open(user_id, found[0], "totp_new")
            step = None if secret is None else _step_of(secret, "".join(code.split()))
            if secret is not None and step is not None:
                sealed = self._vault().seal("auth", user_id, "totp", secret, connection=connection)
                self._factors.keep_app(connection, user_id, sealed, step)
                self._attempts.succeeded(connection, f"second {user_id}")
                return self._added(connection, person, "totp", "")
        self._failed(f"second {user_id}", person, None, "set_up")
        raise SignInRefused(_WRONG)

    def _open(self, user_id: str, sealed: str, field: str = "totp") -> str:
        return self._vault().open("auth", user_id, field, sealed)

    def _vault(self) -> Vault:
        vault = self._records.vault
        if vault is None:
            raise SiteBroken(Message("The site has no secret key, so second factors cannot be kept"))
        return vault

    # --- factors and codes ----------------------------------------------------------------------------------------

    def factors(self, user_id: str) -> list[Factor]:
        """Return a person's second factors, the oldest first."""
        with self._database.read() as connection:
            return self._factors.of(connection, user_id)

    def codes_left(self, user_id: str) -> int:
        """Return how many recovery codes a person has left."""
        with self._database.read() as connection:
            return self._factors.codes_left(connection, user_id)

    def must_have_second(self, user_id: str) -> bool:
        """Say whether a role of a person demands a second factor."""
        with self._reading() as (connection, published, _memory):
            return self._must_have_second(connection, published, self._person(user_id, connection))

    def remove_factor(self, user_id: str, factor_id: str) -> None:
        """Remove a second factor of a person, with the recovery codes when it was the last.

        Raises:
            NotFound: there is none of that id.
            GuanxiError: it is the last one, and a role of theirs demands one.
        """
        person = self._person(user_id)
        with self._writing() as connection:
            removed = self._factors.remove(connection, user_id, factor_id)
            if removed is None:
                raise NotFound(Message("There is no such second factor"))
            if not self._factors.kinds(connection, user_id):
                if self._must_have_second(connection, self._published(connection), person):
                    raise GuanxiError(
                        Message("A role of yours demands a second factor: set up another one before you remove this")
                    )
                self._factors.drop_codes(connection, user_id)
            self._note(connection, "second_factor_removed", user_id, factor=removed.kind, called=removed.name)
            self._tell(connection, person, letters.factor_removed(removed.kind, removed.name))

    def new_codes(self, user_id: str) -> tuple[str, ...]:
        """Return new recovery codes, which are never seen again; the old ones stop working.

        Raises:
            GuanxiError: the person has no second factor.
        """
        person = self._person(user_id)
        with self._writing() as connection:
            if not self._factors.kinds(connection, user_id):
                raise GuanxiError(Message("Recovery codes stand in for a second factor: set one up first"))
            codes = self._make_codes(connection, user_id)
            self._note(connection, "second_factor_added", user_id, factor="recovery", number=len(codes))
            self._tell(connection, person, letters.codes_made())
        return codes

    def _make_codes(self, connection: Connection, user_id: str) -> tuple[str, ...]:
        codes = tuple(_new_code() for _ in range(CODES))
        self._factors.keep_codes(connection, user_id, [_hash_code(code) for code in codes])
        return codes

    def _added(self, connection: Connection, person: Person, kind: str, name: str) -> tuple[str, ...]:
        """Note that a person has another factor, and return recovery codes when they have none yet."""
        self._note(connection, "second_factor_added", person.id, factor=kind, called=name)
        self._tell(connection, person, letters.factor_added(kind, name))
        if self._factors.codes_left(connection, person.id):
            return ()
        return self._make_codes(connection, person.id)


def _step_of(secret: str, code: str) -> int | None:
    """Return the time step whose code it is, near the present one; None when it is none of them."""
    import pyotp

    app, now = pyotp.TOTP(secret), int(clock.now().timestamp()) // _PERIOD
    found = None
    for step in range(now - _WINDOW, now + _WINDOW + 1):
        # All of them are compared, so that the time tells nothing.
        if hmac.compare_digest(app.generate_otp(step).encode(), code.encode("utf-8", "replace")):
            found = step
    return found


def _new_code() -> str:
    """Return a recovery code of 80 bits, in groups that can be read aloud."""
    groups: Sequence[str] = [
        "".join(secrets.choice(_CODE_LETTERS) for _ in range(_CODE_GROUPS)) for _ in range(_CODE_GROUPS)
    ]
    return "-".join(groups)


def _hash_code(code: str) -> str:
    return hashlib.sha256(code.replace("-", "").encode("utf-8", "replace")).hexdigest()
