"""OpenID Connect: authorization code with PKCE; every claim of the id token is checked before it is believed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from engine import clock
from engine.errors import GuanxiError
from engine.i18n import Message
from engine.identity.sso.settings import Asserted, Provider, SsoRefused, needed, several
from engine.outbound import Outbound

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures that can be checked with a public key. Never `none`, and never HS256: a public key would be its secret."""
_KEPT_SECONDS = 3_600
_AGAIN_SECONDS = 60
"""An unknown key may be a new one; so often at most it is looked for."""
_LEEWAY_SECONDS = 60
_MOST_SUBJECT = 255
_PURPOSE = "sign-in"


@dataclass(slots=True)
class _Kept:
    """What is remembered of a provider."""

    document: Mapping[str, Any]
    at: float
    keys: Any = None
    keys_at: float = 0.0


@dataclass(slots=True)
class Oidc:
    """Speaks with OpenID providers. Safe to share between threads."""

    outbound: Outbound
    _known: dict[str, _Kept] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, provider: Provider, redirect: str) -> tuple[str, dict[str, str]]:
        """Return where the browser goes, without `state`, and what has to be known when it comes back.

        Raises:
            GuanxiError: the provider cannot be reached, or its description cannot be used.
        """
        document = self._described(provider)
        verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        wanted = {
            "response_type": "code",
            "client_id": provider.options["client_id"],
            "redirect_uri": redirect,
            "scope": " ".join(provider.options.get("scopes") or ("openid", "email", "profile")),
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return _with(document["authorization_endpoint"], wanted), {"verifier": verifier, "nonce": nonce}

    def finish(self, provider: Provider, redirect: str, given: Mapping[str, str], known: Mapping[str, Any]) -> Asserted:
        """Return whom the provider vouches for in what the browser brought back.

        Raises:
            SsoRefused: it cannot be believed.
            GuanxiError: the provider cannot be reached.
        """
        if given.get("error"):
            raise SsoRefused(Message("the provider says: {error}", error=given["error"][:100]))
        document = self._described(provider)
        if "iss" in given and given["iss"] != document["issuer"]:
            raise SsoRefused(Message("the answer comes from another provider"))
        if not given.get("code"):
            raise SsoRefused(Message("the answer has no code"))
        tokens = self._exchanged(provider, document, redirect, given["code"], known["verifier"])
        claims = self._claims(provider, document, tokens, known["nonce"])
        return self._asserted(provider, document, claims, tokens)

    def way_out(self, provider: Provider, back: str) -> str | None:
        """Return where the browser goes to end the sign-in at the provider too; None when it has no such page."""
        end = self._described(provider).get("end_session_endpoint")
        if not end:
            return None
        return _with(end, {"client_id": provider.options["client_id"], "post_logout_redirect_uri": back})

    # --- what the provider says of itself -------------------------------------------------------------------------

    def _described(self, provider: Provider) -> Mapping[str, Any]:
        issuer = provider.options["issuer"]
        known = self._known.get(issuer)
        if known is not None and time.monotonic() - known.at < _KEPT_SECONDS:
            return known.document
        address = issuer.rstrip("/") + "/.well-known/openid-configuration"
        reply = self.outbound.get(address, purpose=_PURPOSE, headers={"accept": "application/json"})
        document = reply.json() if reply.status == 200 else None  # noqa: PLR2004
        if not isinstance(document, dict) or document.get("issuer") != issuer:
            raise GuanxiError(Message("{issuer} does not describe itself as an OpenID provider", issuer=issuer))
        secure = urlsplit(issuer).scheme == "https"
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            scheme = urlsplit(str(document.get(name) or "")).scheme
            if scheme != "https" and (secure or scheme != "http"):
                raise GuanxiError(Message("{issuer} does not describe itself as an OpenID provider", issuer=issuer))
        with self._lock:
            self._known[issuer] = _Kept(document, time.monotonic())
        return document

    def _keys(self, provider: Provider, document: Mapping[str, Any], *, anew: bool) -> Any:
        known = self._known[provider.options["issuer"]]
        age = time.monotonic() - known.keys_at
        if known.keys is None or age > _KEPT_SECONDS or (anew and age > _AGAIN_SECONDS):
            reply = self.outbound.get(document["jwks_uri"], purpose=_PURPOSE, headers={"accept": "application/json"})
            body = reply.json()
            found = body.get("keys") if isinstance(body, dict) else None
            if reply.status != 200 or not isinstance(found, list):  # noqa: PLR2004
                raise GuanxiError(Message("{issuer} shows no keys", issuer=document["issuer"]))
            # Only keys that are for signatures, and only public ones: whatever else stands there proves nothing.
            usable = [
                each
                for each in found
                if isinstance(each, dict)
                and each.get("kty") in {"RSA", "EC", "OKP"}
                and each.get("use", "sig") == "sig"
            ]
            known.keys = needed("joserfc.jwk").KeySet.import_key_set({"keys": usable}) if usable else None
            known.keys_at = time.monotonic()
        if known.keys is None:
            raise GuanxiError(Message("{issuer} shows no keys", issuer=document["issuer"]))
        return known.keys

    # --- tokens ---------------------------------------------------------------------------------------------------

    def _exchanged(
        self, provider: Provider, document: Mapping[str, Any], redirect: str, code: str, verifier: str
    ) -> Mapping[str, Any]:
        """Return the tokens that a code is good for."""
        client, secret = provider.options["client_id"], provider.secret("client_secret")
        body = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect, "code_verifier": verifier}
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        ways = document.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if secret is None or ("client_secret_basic" not in ways and "client_secret_post" in ways):
            body["client_id"] = client
            if secret is not None:
                body["client_secret"] = secret
        else:
            pair = f"{quote(client, safe='')}:{quote(secret, safe='')}"
            headers["authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        reply = self.outbound.post(
            document["token_endpoint"], purpose=_PURPOSE, headers=headers, body=urlencode(body).encode()
        )
        tokens = reply.json()
        if reply.status != 200 or not isinstance(tokens, dict) or not isinstance(tokens.get("id_token"), str):  # noqa: PLR2004
            said = str(tokens.get("error") or reply.status)[:100] if isinstance(tokens, dict) else str(reply.status)
            raise SsoRefused(Message("the provider gave no token: {error}", error=said))
        return tokens

    def _claims(
        self, provider: Provider, document: Mapping[str, Any], tokens: Mapping[str, Any], nonce: str
    ) -> Mapping[str, Any]:
        """Return the claims of an id token that was signed by the provider, now, for us, and for this sign-in."""
        claims = self._signed(provider, document, tokens["id_token"])
        client, now = provider.options["client_id"], clock.now().timestamp()
        audience = several(claims.get("aud"))
        if claims.get("iss") != document["issuer"]:
            raise SsoRefused(Message("the token is from another issuer"))
        if client not in audience:
            raise SsoRefused(Message("the token is for somebody else"))
        if (len(audience) > 1 or "azp" in claims) and claims.get("azp") != client:
            raise SsoRefused(Message("the token was given to somebody else"))
        if not _is_time(claims.get("exp")) or claims["exp"] + _LEEWAY_SECONDS <= now:
            raise SsoRefused(Message("the token has expired"))
        if not _is_time(claims.get("iat")) or claims["iat"] - _LEEWAY_SECONDS > now:
            raise SsoRefused(Message("the token is from the future"))
        if _is_time(claims.get("nbf")) and claims["nbf"] - _LEEWAY_SECONDS > now:
            raise SsoRefused(Message("the token is from the future"))
        if not hmac.compare_digest(str(claims.get("nonce") or "").encode(), nonce.encode()):
            raise SsoRefused(Message("the token is for another sign-in"))
        return claims

    def _signed(self, provider: Provider, document: Mapping[str, Any], token: str) -> Mapping[str, Any]:
        jwt, errors = needed("joserfc.jwt"), needed("joserfc.errors")
        allowed = [each for each in provider.options.get("algorithms") or ALGORITHMS if each in ALGORITHMS]
        for anew in (False, True):
            keys = self._keys(provider, document, anew=anew)
            try:
                claims: Mapping[str, Any] = jwt.decode(token, keys, algorithms=allowed).claims
            except errors.InvalidKeyIdError:
                continue
            except (errors.JoseError, ValueError, TypeError, KeyError) as error:
                raise SsoRefused(Message("the token is not signed as it must be")) from error
            return claims
        raise SsoRefused(Message("the token is not signed as it must be"))

    # --- who it is ------------------------------------------------------------------------------------------------

    def _asserted(
        self, provider: Provider, document: Mapping[str, Any], claims: Mapping[str, Any], tokens: Mapping[str, Any]
    ) -> Asserted:
        subject = claims.get("sub")
        if not isinstance(subject, str) or not 0 < len(subject) <= _MOST_SUBJECT:
            raise SsoRefused(Message("the token names nobody"))
        email, groups = provider.name_of("email", "email"), provider.name_of("groups", "groups")
        wanted = {email, *([groups] if provider.roles else [])}
        if not wanted <= claims.keys():
            claims = {**self._more(document, tokens, subject), **claims}
        address = claims.get(email)
        # Some providers send the text; what is neither true nor "true" is not verified.
        said = claims.get("email_verified")
        verified = provider.options.get("trust_email") is True or said is True or said == "true"
        department = claims.get(provider.name_of("department", "department"))
        return Asserted(
            subject,
            address if isinstance(address, str) and "@" in address else None,
            verified,
            str(claims.get(provider.name_of("name", "name")) or address or ""),
            several(claims.get(groups)),
            department if isinstance(department, str) else None,
        )

    def _more(self, document: Mapping[str, Any], tokens: Mapping[str, Any], subject: str) -> Mapping[str, Any]:
        """Return what the provider tells of the same person beside the token."""
        address, token = document.get("userinfo_endpoint"), tokens.get("access_token")
        if not address or not isinstance(token, str):
            return {}
        reply = self.outbound.get(address, purpose=_PURPOSE, headers={"authorization": f"Bearer {token}"})
        body = reply.json() if reply.status == 200 else None  # noqa: PLR2004
        if not isinstance(body, dict) or body.get("sub") != subject:
            return {}
        return body


def _is_time(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _with(address: str, values: Mapping[str, str]) -> str:
    return f"{address}{'&' if '?' in address else '?'}{urlencode(values)}"
