"""What guanxi.yaml may say under `sign_in`, and what a schema cannot say of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.i18n import Message

_KEY = "^[a-z][a-z0-9_]{0,39}$"
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")


def _words(description: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "description": description, "minLength": 1, **more}


def _names(description: str, **more: Any) -> dict[str, Any]:
    items = {"type": "string", "minLength": 1, **more}
    return {"type": "array", "description": description, "items": items, "uniqueItems": True}


def _one_of(description: str, *words: str) -> dict[str, Any]:
    return {"enum": list(words), "description": description}


def _yes(description: str) -> dict[str, Any]:
    return {"type": "boolean", "description": description}


def _secret(description: str) -> dict[str, Any]:
    return {
        "type": "object",
        "description": description,
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
        "properties": {"file": _words("A file."), "env": _words("An environment variable.")},
    }


_COMMON: dict[str, Any] = {
    "kind": _one_of("What it speaks.", "oidc", "saml", "ldap"),
    "label": {
        "type": ["string", "object"],
        "description": "What stands on the button: a text, or one for each language.",
        "additionalProperties": {"type": "string", "minLength": 1},
    },
    "create": _one_of("Whether new people are made at their first sign-in.", "never", "always", "domains"),
    "domains": _names("Domains of addresses whose people are made, for `create: domains`."),
    "link": _one_of("Whether a person with the same verified address is taken for the same.", "email", "never"),
    "trust_email": _yes("Whether addresses are taken as verified without being told so."),
    "roles": {
        "type": "object",
        "description": "Group -> role, or several; these roles are given and taken by the provider, no others.",
        "additionalProperties": {"type": ["string", "array"], "items": {"type": "string"}, "minLength": 1},
    },
    "new_roles": _names("Roles of people who are made."),
    "second_factor": _one_of("Where a second factor is asked for, when one is due.", "here", "there"),
    "attributes": {
        "type": "object",
        "description": "How the provider calls what is looked for.",
        "additionalProperties": False,
        "properties": {
            name: _words(f"The name of {name}.") for name in ("subject", "email", "name", "groups", "department")
        },
    },
}

_KINDS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "oidc": (
        {
            "issuer": _words("The address of the provider.", pattern=r"^https?://[^\s?#]+$"),
            "client_id": _words("How the provider knows this site."),
            "client_secret": _secret("What proves it."),
            "scopes": _names("What is asked for; openid, email and profile unless given."),
            "algorithms": {
                "type": "array",
                "description": "Signatures that are believed.",
                "minItems": 1,
                "items": {"enum": list(_ALGORITHMS)},
            },
            "logout": _yes("Whether signing out here ends the sign-in there."),
        },
        ["kind", "issuer", "client_id"],
    ),
    "saml": (
        {
            "metadata": _words("A file with the provider's own description."),
            "entity_id": _words("How the provider is called, where there is no metadata."),
            "sign_in_url": _words("Where people are sent, where there is no metadata.", pattern=r"^https?://\S+$"),
            "certificate": {
                "type": ["string", "array"],
                "description": "Files with the certificates that it signs with, where there is no metadata.",
                "items": {"type": "string", "minLength": 1},
                "minLength": 1,
            },
            "our_id": _words("How the provider knows this site; the address of its metadata page unless given."),
            "name_id": _words("The format of names that is asked for."),
        },
        ["kind"],
    ),
    "ldap": (
        {
            "url": _words("ldaps://server, or ldap://server with STARTTLS.", pattern=r"^ldaps?://[^\s/]+$"),
            "starttls": _yes("For ldap:// only: false sends passwords in the open, and is for this machine alone."),
            "authorities": _words("A file of certificates that are trusted in place of those of the machine."),
            "base": _words("Below which entry people are."),
            "filter": _words("Who is meant by a name; it stands for {name}.", pattern=r"\{name\}"),
            "bind_dn": _words("The account that searches; anonymous unless given."),
            "bind_password": _secret("Its password."),
        },
        ["kind", "url", "base"],
    ),
}

SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "How people sign in.",
    "additionalProperties": False,
    "properties": {
        "password": {
            "type": ["boolean", "array"],
            "description": "Whether the site's own passwords, links and passkeys let people in; or only some roles.",
            "items": {"type": "string", "minLength": 1},
        },
        "providers": {
            "type": "object",
            "description": "Who else vouches for people.",
            "propertyNames": {"pattern": _KEY},
            "additionalProperties": {
                "type": "object",
                "required": ["kind"],
                "properties": {"kind": _COMMON["kind"]},
                "allOf": [
                    {
                        "if": {"properties": {"kind": {"const": kind}}},
                        "then": {
                            "type": "object",
                            "additionalProperties": False,
                            "required": required,
                            "properties": {**_COMMON, **own},
                        },
                    }
                    for kind, (own, required) in _KINDS.items()
                ],
            },
        },
    },
}


def faults(body: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Message]]:
    """Yield what is wrong in a `sign_in` of the right shape, with the way to it."""
    providers: Mapping[str, Any] = body.get("providers") or {}
    if body.get("password") is False and not providers:
        yield ("password",), Message("nobody could sign in: there are no providers")
    for key, each in providers.items():
        if each.get("create") == "domains" and not each.get("domains"):
            yield ("providers", key), Message("create: domains needs a list of domains")
        if each["kind"] == "saml" and "metadata" not in each:
            missing = [name for name in ("entity_id", "sign_in_url", "certificate") if name not in each]
            if missing:
                names = ", ".join(missing)
                yield ("providers", key), Message("either metadata or {names} is needed", names=names)
        if each["kind"] == "ldap" and "bind_dn" in each and "bind_password" not in each:
            yield ("providers", key), Message("bind_dn needs bind_password")
