"""What `sign_in` of guanxi.yaml says, and what all kinds of providers have in common."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from engine.errors import GuanxiError, SiteBroken
from engine.i18n import Message, Text

Kind = Literal["oidc", "saml", "ldap"]


class SsoRefused(GuanxiError):
    """What a provider sent cannot be believed; the message is for the log of the site, not for a stranger."""


@dataclass(frozen=True, slots=True)
class Asserted:
    """Whom a provider vouches for."""

    subject: str
    """What never changes, nor is ever given to anybody else, as the provider promises."""
    email: str | None
    verified: bool
    """Whether the address is known to be theirs."""
    name: str
    groups: tuple[str, ...] = ()
    department: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as it is kept for the moment between two requests."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Asserted:
        """Read it back."""
        return cls(**{**body, "groups": tuple(body["groups"])})


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider, as guanxi.yaml describes it."""

    key: str
    kind: Kind
    label: Text
    folder: Path
    options: Mapping[str, Any] = field(repr=False)
    """What is said of it, apart from what stands here by itself."""
    create: Literal["never", "always", "domains"] = "never"
    domains: frozenset[str] = frozenset()
    link: Literal["email", "never"] = "email"
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Group -> roles that it gives; roles that stand here are taken from those whose groups do not give them."""
    new_roles: tuple[str, ...] = ()
    """What somebody holds who is made at their first sign-in."""
    vouched: bool = False
    """Whether a second factor is asked for over there."""

    @property
    def named_roles(self) -> frozenset[str]:
        """Return the roles that the provider decides on."""
        return frozenset(role for roles in self.roles.values() for role in roles)

    def roles_of(self, groups: Iterable[str]) -> frozenset[str]:
        """Return the roles that groups give."""
        return frozenset(role for group in groups for role in self.roles.get(group, ()))

    def secret(self, name: str) -> str | None:
        """Return what a file or a variable holds that an option names; None where it is not given.

        Raises:
            SiteBroken: it cannot be had.
        """
        source = self.options.get(name)
        if source is None:
            return None
        if "env" in source:
            found = os.environ.get(source["env"])
            if not found:
                raise SiteBroken(Message("The environment variable {name} is not set", name=source["env"]))
            return found
        return self.text_of(source["file"])

    def text_of(self, file: str) -> str:
        """Return what stands in a file, taken from the site's folder.

        Raises:
            SiteBroken: it cannot be read.
        """
        path = self.folder / file
        try:
            return path.read_text(encoding="utf-8").strip()
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise SiteBroken(Message("{file} cannot be read: {why}", file=str(path), why=why)) from error

    def name_of(self, what: str, usual: str) -> str:
        """Return how the provider calls something: `attributes` of guanxi.yaml, else as most call it."""
        return str((self.options.get("attributes") or {}).get(what) or usual)


@dataclass(frozen=True, slots=True)
class SignInSettings:
    """How people sign in."""

    password: bool | frozenset[str] = True
    """Whether passwords of the site let in everybody, nobody, or the holders of some roles."""
    providers: Mapping[str, Provider] = field(default_factory=dict)

    @classmethod
    def read(cls, body: Mapping[str, Any], folder: Path) -> SignInSettings:
        """Read what guanxi.yaml says, which was checked already."""
        password = body.get("password", True)
        return cls(
            frozenset(password) if isinstance(password, (list, tuple)) else bool(password),
            {key: _provider(key, each, folder) for key, each in (body.get("providers") or {}).items()},
        )


def _provider(key: str, body: Mapping[str, Any], folder: Path) -> Provider:
    return Provider(
        key=key,
        kind=body["kind"],
        label=Text(body.get("label") or key),
        folder=folder,
        options=body,
        create=body.get("create", "never"),
        domains=frozenset(each.lower() for each in body.get("domains") or ()),
        link=body.get("link", "email"),
        roles={group: _several(roles) for group, roles in (body.get("roles") or {}).items()},
        new_roles=_several(body.get("new_roles") or ()),
        vouched=body.get("second_factor") == "there",
    )


def _several(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def several(value: Any) -> tuple[str, ...]:
    """Return a claim that may be one text or many as texts."""
    if isinstance(value, str):
        return (value,)
    return tuple(str(each) for each in value) if isinstance(value, (list, tuple)) else ()


def needed(module: str) -> Any:
    """Import a library of the extra `sso`.

    Raises:
        SiteBroken: it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise SiteBroken(
            Message("Signing in elsewhere needs more libraries: pip install 'guanxi[sso]' ({why})", why=str(error))
        ) from error
