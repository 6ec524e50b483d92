"""Passkeys: as the second factor, and in place of everything else when the device has checked who holds it."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection

from engine.audit import Event
from engine.errors import GuanxiError, SignInRefused
from engine.i18n import Message
from engine.identity.factors import Passkey
from engine.identity.proving import Proving
from engine.identity.rates import PASSKEY
from engine.identity.sessions import SignIn
from engine.identity.signing import entered
from engine.identity.steps import KnownStep

_REFUSED = Message("The passkey was not accepted")
_LONGEST_NAME = 60
_LONGEST_ANSWER = 20_000


@dataclass(frozen=True, slots=True)
class Party:
    """Whom passkeys are made for: a name of this site, and the origin that its pages come from."""

    id: str
    origin: str


class Keys(Proving):
    """What people do about their passkeys, and with them."""

    @property
    def party(self) -> Party | None:
        """Return whom passkeys are made for; None where browsers make none: without a name, or without TLS."""
        parts = urlsplit(self.address("/"))
        host = parts.hostname or ""
        if (parts.scheme != "https" and host != "localhost") or _is_address(host) or not host:
            return None
        return Party(host, f"{parts.scheme}://{parts.netloc}")

    # --- making one -----------------------------------------------------------------------------------------------

    def passkey_creation(self, user_id: str) -> str:
        """Return what a browser needs to make a passkey for a person, as JSON.

        Raises:
            GuanxiError: the site's address takes no passkeys.
        """
        from webauthn import generate_registration_options, options_to_json
        from webauthn.helpers.structs import (
            AuthenticatorSelectionCriteria,
            ResidentKeyRequirement,
            UserVerificationRequirement,
        )

        person, party = self._person(user_id), self._party()
        with self._writing() as connection:
            known = self._factors.passkeys(connection, user_id)
            options = generate_registration_options(
                rp_id=party.id,
                rp_name="Guanxi",
                user_name=person.email or person.name,
                user_id=user_id.encode(),
                user_display_name=person.name,
                authenticator_selection=AuthenticatorSelectionCriteria(
                    resident_key=ResidentKeyRequirement.PREFERRED,
                    user_verification=UserVerificationRequirement.PREFERRED,
                ),
                exclude_credentials=[_described(each) for each in known],
            )
            self._steps.begin(connection, user_id, "challenge", _name(options.challenge), kind="create")
        return options_to_json(options)

    def add_passkey(self, user_id: str, answer: str, name: str) -> tuple[str, ...]:
        """Keep the passkey that a browser made; return recovery codes when the person had none.

        Raises:
            SignInRefused: it is not an answer to what we asked, or not for this site.
        """
        from webauthn import verify_registration_response
        from webauthn.helpers import bytes_to_base64url

        person, party, given = self._person(user_id), self._party(), _read(answer)
        with self._writing() as connection:
            asked = self._asked(connection, given, "create")
            if asked.user_id != user_id:
                raise SignInRefused(_REFUSED)
            try:
                made = verify_registration_response(
                    credential=dict(given),
                    expected_challenge=_challenge(given),
                    expected_rp_id=party.id,
                    expected_origin=party.origin,
                )
            except Exception as error:
                raise SignInRefused(_REFUSED) from error
            key = bytes_to_base64url(made.credential_id)
            if self._factors.holder(connection, key) is not None:
                raise SignInRefused(Message("This passkey is known already"))
            transports = given.get("response", {}).get("transports") or ()
            known = tuple(str(each)[:20] for each in transports if isinstance(each, str))[:8]
            passkey = Passkey(key, bytes_to_base64url(made.credential_public_key), made.sign_count, known)
            called = " ".join(name.split())[:_LONGEST_NAME]
            self._factors.add_passkey(connection, user_id, passkey, called)
            return self._added(connection, person, "passkey", called)

    # --- showing one ----------------------------------------------------------------------------------------------

    def passkey_request(self, step: str = "", *, user_id: str | None = None, address: str | None = None) -> str:
        """Return what a browser needs to show a passkey, as JSON.

        Args:
            step: the secret of a sign-in that is half done, whose person's passkeys will do.
            user_id: the person who is signed in and shows one again.
            address: where it comes from; without a person any passkey will do that checks who holds it.

        Raises:
            GuanxiError: the site's address takes no passkeys.
            SignInNeeded: there is no such step.
            TooManyRequests: it was asked for too often.
        """
        from webauthn import generate_authentication_options, options_to_json
        from webauthn.helpers.structs import UserVerificationRequirement

        party = self._party()
        whose = self.step(step).user_id if step else user_id
        with self._writing() as connection:
            if address:
                self._rates.take(connection, f"passkey:{address}", PASSKEY)
            known = self._factors.passkeys(connection, whose) if whose else []
            options = generate_authentication_options(
                rp_id=party.id,
                allow_credentials=[_described(each) for each in known] or None,
                user_verification=UserVerificationRequirement.PREFERRED
                if step
                else UserVerificationRequirement.REQUIRED,
            )
            self._steps.begin(connection, whose, "challenge", _name(options.challenge), kind="get")
        return options_to_json(options)

    def sign_in_by_passkey(self, answer: str, *, address: str | None = None, agent: str | None = None) -> SignIn:
        """Sign in with nothing but a passkey whose device has checked who holds it.

        Raises:
            SignInRefused: it is no passkey that we know, or was not asked for.
        """
        given = _read(answer)
        with self._writing() as connection:
            user_id = self._shown(connection, given, None, verified=True)
            if user_id is not None:
                return entered(self._begin(connection, user_id, "passkey", address, agent, vouched=True))
            self._trail.note(connection, Event("sign_in_failed", None, details={"method": "passkey"}))
        raise SignInRefused(_REFUSED)

    def finish_step_by_passkey(
        self, secret: str, answer: str, *, address: str | None = None, agent: str | None = None
    ) -> SignIn:
        """Sign in with a passkey after the first factor.

        Raises:
            SignInNeeded: there is no first factor, or it took too long.
            SignInRefused: it is no passkey of the person.
        """
        given, state = _read(answer), self.step(secret)
        with self._writing() as connection:
            known = self._steps.find(connection, secret, "second")
            if self._shown(connection, given, state.user_id, verified=False) is not None:
                return self._complete(connection, secret, known, "+passkey", address, agent)
            self._steps.failed(connection, secret)
            details = {"method": "passkey"}
            self._trail.note(connection, Event("sign_in_failed", None, "user", state.user_id, details=details))
        raise SignInRefused(_REFUSED)

    def prove_by_passkey(self, session: str, user_id: str, answer: str) -> str:
        """Show a passkey in place of the password, and return the new secret of the sign-in.

        Raises:
            SignInRefused: it is no passkey of the person.
        """
        given = _read(answer)
        with self._writing() as connection:
            if self._shown(connection, given, user_id, verified=True) is not None:
                return self._renewed(connection, session)
        raise SignInRefused(_REFUSED)

    def _shown(
        self, connection: Connection, given: Mapping[str, Any], user_id: str | None, *, verified: bool
    ) -> str | None:
        """Return whose passkey was shown, for a challenge that is used up; None when it is not to be believed."""
        from webauthn import verify_authentication_response
        from webauthn.helpers import base64url_to_bytes

        party = self._party()
        try:
            asked = self._asked(connection, given, "get")
        except SignInRefused:
            return None
        holder = self._factors.holder(connection, str(given.get("id", "")))
        if holder is None or asked.user_id != user_id or (user_id is not None and holder != user_id):
            return None
        passkey = next(each for each in self._factors.passkeys(connection, holder) if each.key == given["id"])
        try:
            shown = verify_authentication_response(
                credential=dict(given),
                expected_challenge=_challenge(given),
                expected_rp_id=party.id,
                expected_origin=party.origin,
                credential_public_key=base64url_to_bytes(passkey.public),
                credential_current_sign_count=passkey.count,
                require_user_verification=verified,
            )
        except Exception:  # noqa: BLE001 - whatever is wrong with it, it is not accepted
            return None
        if not self._factors.use_passkey(connection, holder, passkey.key, shown.new_sign_count):
            return None
        return holder

    def _asked(self, connection: Connection, given: Mapping[str, Any], kind: str) -> KnownStep:
        """Use up the challenge that an answer is about.

        Raises:
            SignInRefused: we asked for no such thing, or it took too long.
        """
        name = _name(_challenge(given))
        try:
            found = self._steps.find(connection, name, "challenge")
        except GuanxiError as error:
            raise SignInRefused(_REFUSED) from error
        if found.details.get("kind") != kind or not self._steps.end(connection, name):
            raise SignInRefused(_REFUSED)
        return found

    def _party(self) -> Party:
        party = self.party
        if party is None:
            raise GuanxiError(
                Message("Passkeys need a site with a name and TLS: set base_url in guanxi.yaml to https://…")
            )
        return party


def _described(passkey: Passkey) -> Any:
    from webauthn.helpers import base64url_to_bytes
    from webauthn.helpers.structs import AuthenticatorTransport, PublicKeyCredentialDescriptor

    known = {each.value for each in AuthenticatorTransport}
    transports = [AuthenticatorTransport(each) for each in passkey.transports if each in known]
    return PublicKeyCredentialDescriptor(id=base64url_to_bytes(passkey.key), transports=transports or None)


def _read(answer: str) -> Mapping[str, Any]:
    """Return the JSON that a browser sent.

    Raises:
        SignInRefused: it is none.
    """
    try:
        given = json.loads(answer) if len(answer) <= _LONGEST_ANSWER else None
    except ValueError:
        given = None
    if not isinstance(given, dict) or not isinstance(given.get("response"), dict):
        raise SignInRefused(_REFUSED)
    return given


def _challenge(given: Mapping[str, Any]) -> bytes:
    """Return the challenge that an answer says it is about; the signature proves it later.

    Raises:
        SignInRefused: it says none.
    """
    from webauthn.helpers import base64url_to_bytes

    try:
        client = json.loads(base64url_to_bytes(given["response"]["clientDataJSON"]))
        return base64url_to_bytes(client["challenge"])
    except (KeyError, TypeError, ValueError) as error:
        raise SignInRefused(_REFUSED) from error


def _name(challenge: bytes) -> str:
    """Return the name of the row of a challenge."""
    return "challenge " + challenge.hex()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
