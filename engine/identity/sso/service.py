"""`SingleSignOn`: the providers of a site, and the way of a sign-in through one of them.

A browser leaves for the provider with a word that it alone can come back with: the word is in the address, and a cookie
of the same browser has to go with it. So nobody can finish in another person's browser what they began in their own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from engine.audit import Event
from engine.data.records import Records
from engine.errors import GuanxiError, NotFound, SignInRefused, TooManyRequests
from engine.i18n import Message
from engine.identity.identity import Identity
from engine.identity.people import Person
from engine.identity.rates import Rate, Rates
from engine.identity.sessions import SignIn
from engine.identity.sso import ldap, saml
from engine.identity.sso.flows import Flows
from engine.identity.sso.linking import Linking
from engine.identity.sso.oidc import Oidc
from engine.identity.sso.settings import Asserted, Provider, SignInSettings, SsoRefused
from engine.identity.store import Store, fingerprint
from engine.outbound import Outbound

log = logging.getLogger(__name__)
_T = TypeVar("_T")
PATH = "/login/sso"
BEGIN = Rate(60, 1)
"""From one address: many people may share it, and each beginning is a row."""


@dataclass(frozen=True, slots=True)
class Came:
    """Somebody who has come back and whom the provider vouches for."""

    provider: Provider
    user_id: str
    wanted: str
    """Where they wanted to go: a path, to be judged again by whoever redirects."""


@dataclass(slots=True)
class SingleSignOn:
    """Signs people in whom others vouch for. Safe to share between threads."""

    settings: SignInSettings
    identity: Identity
    records: Records
    outbound: Outbound
    _store: Store = field(init=False)
    _oidc: Oidc = field(init=False)
    _flows: Flows = field(init=False)
    _rates: Rates = field(init=False)
    _linking: Linking = field(init=False)

    def __post_init__(self) -> None:
        store = self._store = Store(self.records.database)
        self._oidc, self._flows, self._rates = Oidc(self.outbound), Flows(store), Rates(store)
        self._linking = Linking(self.identity, self.records)

    # --- what the sign-in page needs ------------------------------------------------------------------------------

    @property
    def ways(self) -> list[Provider]:
        """Return the providers that a browser is sent to, in the order of guanxi.yaml."""
        return [each for each in self.settings.providers.values() if each.kind != "ldap"]

    @property
    def form(self) -> bool:
        """Say whether a name and a password can let anybody in."""
        return bool(self.settings.password) or any(each.kind == "ldap" for each in self.settings.providers.values())

    @property
    def names(self) -> bool:
        """Say whether names other than addresses may fit: those of a directory."""
        return any(each.kind == "ldap" for each in self.settings.providers.values())

    # --- the gate -------------------------------------------------------------------------------------------------

    def lets_in(self, person: Person) -> bool:
        """Say whether somebody may use the site's own ways: password, link and passkey."""
        allowed = self.settings.password
        return allowed if isinstance(allowed, bool) else not allowed.isdisjoint(person.roles)

    def elsewhere(self, name: str, password: str) -> tuple[str, str] | None:
        """Return whose name and password fit in a directory, as (id, method); None where they fit nobody."""
        for provider in self.settings.providers.values():
            if provider.kind != "ldap":
                continue
            try:
                who = ldap.check(provider, self.outbound, name, password)
                if who is not None:
                    return self._linking.person(provider, who), _method(provider)
            except SignInRefused as refused:
                log.info("%s: %s", provider.key, refused)
            except GuanxiError as error:
                # The directory is down: whoever has a password here signs in with it.
                log.warning("%s: %s", provider.key, error)
        return None

    # --- there ----------------------------------------------------------------------------------------------------

    def start(self, key: str, browser: str, wanted: str, *, address: str | None = None) -> str:
        """Return where a browser goes to sign in at a provider; `browser` is what a cookie of it holds.

        Raises:
            NotFound: there is no such provider.
            SignInRefused: it cannot be asked just now.
            TooManyRequests: so many attempts come from the address that it has to wait.
        """
        provider = self._provider(key)

        def work() -> str:
            if address:
                # Before the provider is asked: whoever wants to can begin a sign-in.
                with self.records.database.write() as connection:
                    self._rates.take(connection, f"sso:{address}", BEGIN)
            if provider.kind == "saml":
                there, known = saml.start(provider, self.entity(provider), self.page(provider, "acs"))
            else:
                there, known = self._oidc.start(provider, self.page(provider, "callback"))
            with self.records.database.write() as connection:
                word = self._flows.begin(connection, provider.key, browser, {**known, "wanted": wanted})
            return f"{there}{'&' if '?' in there else '?'}{'RelayState' if provider.kind == 'saml' else 'state'}={word}"

        return self._guarded(provider, work)

    # --- and back -------------------------------------------------------------------------------------------------

    def returned(self, key: str, given: Mapping[str, str], browser: str) -> Came:
        """Return who has come back from an OpenID provider, by the parameters of the address.

        Raises:
            NotFound: there is no such provider.
            SignInRefused: it is another browser, or too late, or the provider cannot be believed, or it is nobody.
        """
        provider = self._provider(key, "oidc")

        def work() -> Came:
            known = self._taken(provider, given.get("state", ""), browser)
            who = self._oidc.finish(provider, self.page(provider, "callback"), given, known)
            return Came(provider, self._linking.person(provider, who), str(known["wanted"]))

        return self._guarded(provider, work)

    def posted(self, key: str, answer: str, word: str) -> str:
        """Judge what an identity provider let a browser post; return the word with which `arrived` goes on.

        A post from another site comes without our cookies, so whose browser it is is asked in the next request.

        Raises:
            NotFound, SignInRefused: as `returned`.
        """
        provider = self._provider(key, "saml")

        def work() -> str:
            known = self._taken(provider, word, None)
            who, statement, until = saml.finish(
                provider, self.entity(provider), self.page(provider, "acs"), answer, known
            )
            with self.records.database.write() as connection:
                if not self._flows.believe(connection, provider.key, statement, until):
                    raise SsoRefused(Message("the answer was used before"))
                body = {"who": who.to_json(), "wanted": known["wanted"]}
                return self._flows.go_on(connection, provider.key, known["browser"], body)

        return self._guarded(provider, work)

    def arrived(self, key: str, word: str, browser: str) -> Came:
        """Return who it is whom `posted` has made out, in the browser that they left from.

        Raises:
            NotFound, SignInRefused: as `returned`.
        """
        provider = self._provider(key, "saml")

        def work() -> Came:
            known = self._taken(provider, word, browser)
            if "who" not in known:
                raise SsoRefused(Message("the sign-in was not begun here, or it is too late"))
            user_id = self._linking.person(provider, Asserted.from_json(known["who"]))
            return Came(provider, user_id, str(known["wanted"]))

        return self._guarded(provider, work)

    def enter(self, came: Came, *, address: str | None = None, agent: str | None = None) -> SignIn:
        """Sign in who has come back.

        Raises:
            SignInRefused: they may not sign in.
            SecondFactorNeeded: a second factor of this site is due.
        """
        return self.identity.begin_session(
            came.user_id, method=_method(came.provider), address=address, agent=agent, vouched=came.provider.vouched
        )

    def metadata(self, key: str) -> bytes:
        """Return what a SAML identity provider has to know of us.

        Raises:
            NotFound: there is no such provider.
            SiteBroken: guanxi.yaml does not describe it well enough.
        """
        provider = self._provider(key, "saml")
        return saml.metadata(provider, self.entity(provider), self.page(provider, "acs"))

    def left(self, secret: str) -> str:
        """Return the provider by which a sign-in came, by its secret, when signing out there too is to be offered."""
        if not secret or not any(each.options.get("logout") for each in self.ways):
            return ""
        with self.records.database.read() as connection:
            row = self._store.run(
                connection, "SELECT method FROM auth_session WHERE hash = ?", fingerprint(secret)
            ).fetchone()
        key = "" if row is None else str(row[0] or "").partition(":")[2]
        provider = self.settings.providers.get(key)
        return key if provider is not None and provider.options.get("logout") else ""

    def way_out(self, key: str) -> str:
        """Return where a browser goes to end its sign-in at a provider too; our own page where it has no such thing.

        Raises:
            NotFound: there is no such provider.
            SignInRefused: it cannot be asked just now.
        """
        provider = self._provider(key, "oidc")
        if not provider.options.get("logout"):
            raise NotFound(Message("There is no such way to sign in"))
        back = self.identity.address("/login")
        return self._guarded(provider, lambda: self._oidc.way_out(provider, back) or back)

    # --- who is linked to what ------------------------------------------------------------------------------------

    def accounts(self, user_id: str) -> list[tuple[str, str]]:
        """Return the accounts that a person is linked to, as (provider, how it is called there)."""
        return self._linking.accounts(user_id)

    def unlink(self, user_id: str, provider: str | None = None, *, by: str | None = None) -> int:
        """Forget the accounts that a person is linked to, of one provider or of all; return how many there were.

        The next sign-in links them anew, as guanxi.yaml says. `by` is the id of who does it.
        """
        return self._linking.unlink(user_id, provider, by)

    # --- shared ---------------------------------------------------------------------------------------------------

    def page(self, provider: Provider, name: str) -> str:
        """Return the whole address of a page of ours that a provider sends people to."""
        return self.identity.address(f"{PATH}/{provider.key}/{name}")

    def entity(self, provider: Provider) -> str:
        """Return how a SAML provider knows us."""
        return str(provider.options.get("our_id") or self.page(provider, "metadata"))

    def _provider(self, key: str, *kinds: str) -> Provider:
        provider = self.settings.providers.get(key)
        if provider is None or provider.kind == "ldap" or (kinds and provider.kind not in kinds):
            raise NotFound(Message("There is no such way to sign in"))
        return provider

    def _taken(self, provider: Provider, word: str, browser: str | None) -> dict[str, Any]:
        known = None
        if word and browser != "":
            with self.records.database.write() as connection:
                known = self._flows.take(connection, provider.key, word, browser)
        if known is None:
            raise SsoRefused(Message("the sign-in was not begun here, or it is too late"))
        return known

    def _guarded(self, provider: Provider, work: Callable[[], _T]) -> _T:
        """Do something that a stranger has asked for: what went wrong is noted, and told in few words."""
        try:
            return work()
        except TooManyRequests:
            raise
        except SignInRefused as refused:
            self._note(provider, str(refused))
            raise
        except SsoRefused as refused:
            self._note(provider, str(refused))
            raise SignInRefused(
                Message("Signing in by {provider} did not work: please try again", provider=provider.label)
            ) from refused
        except GuanxiError as error:
            self._note(provider, str(error))
            log.warning("%s: %s", provider.key, error)
            raise SignInRefused(
                Message("{provider} cannot be asked just now: please try again later", provider=provider.label)
            ) from error

    def _note(self, provider: Provider, why: str) -> None:
        details = {"method": _method(provider), "why": why}
        self.records.trail.tell(Event("sign_in_failed", None, "user", None, details=details))


def _method(provider: Provider) -> str:
    return f"{provider.kind}:{provider.key}"
