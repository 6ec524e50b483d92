"""LDAP: another place where a name and a password may fit. The directory is asked; it learns no password that is empty.

The person is searched by a service account, or anonymously, and then the password is tried by a bind as the very entry
that was found.
"""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from engine.errors import SiteBroken
from engine.i18n import Message
from engine.identity.sso.settings import Asserted, Provider, needed
from engine.outbound import Outbound

SECONDS = 5
_PORTS = {"ldap": 389, "ldaps": 636}
_USUAL = frozenset(_PORTS.values())
_FILTER = "(|(mail={name})(uid={name})(sAMAccountName={name})(userPrincipalName={name}))"
_MOST_NAME = 200


def check(provider: Provider, outbound: Outbound, name: str, password: str) -> Asserted | None:
    """Return who it is whose name and password fit; None when they fit nobody.

    Raises:
        GuanxiError: the directory cannot be reached, or the service account may not search in it.
    """
    # A bind with a name and no password is one as nobody, and succeeds: RFC 4513, 5.1.2.
    if not password or not name.strip() or len(name) > _MOST_NAME or "\0" in name or "\0" in password:
        return None
    ldap = _library()
    with _bound(ldap, provider, outbound, provider.options.get("bind_dn"), provider.secret("bind_password")) as asking:
        if asking is None:
            raise SiteBroken(Message("{server} does not let our account in", server=provider.options["url"]))
        entry = _found(ldap, provider, asking, name.strip())
    if entry is None:
        return None
    with _bound(ldap, provider, outbound, entry["dn"], password) as person:
        if person is None:
            return None
    return _asserted(provider, entry)


def _library() -> Any:
    with warnings.catch_warnings():
        # It has had no release since pyasn1 renamed what it imports.
        warnings.simplefilter("ignore", DeprecationWarning)
        return needed("ldap3")


@contextmanager
def _bound(ldap: Any, provider: Provider, outbound: Outbound, dn: str | None, password: str | None) -> Iterator[Any]:
    """Open a connection that is bound as an entry; None where the password does not fit.

    Raises:
        SiteBroken: it cannot be opened, or not as securely as it must be.
    """
    parts = urlsplit(provider.options["url"])
    host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 389)
    address = outbound.addresses(host, port, purpose="sign-in", usual=_USUAL)[0]
    start_tls = parts.scheme == "ldap" and provider.options.get("starttls", True) is not False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        tls = ldap.Tls(
            validate=ssl.CERT_REQUIRED,
            version=ssl.PROTOCOL_TLS_CLIENT,
            ca_certs_file=_file(provider, "authorities"),
            valid_names=[host],
            sni=host,
        )
        server = ldap.Server(
            address, port, use_ssl=parts.scheme == "ldaps", tls=tls, get_info=ldap.NONE, connect_timeout=SECONDS
        )
        connection = ldap.Connection(
            server,
            user=dn,
            password=password,
            authentication=ldap.SIMPLE if dn else ldap.ANONYMOUS,
            auto_bind=ldap.AUTO_BIND_NONE,
            read_only=True,
            receive_timeout=SECONDS,
            auto_referrals=False,
        )
        try:
            try:
                connection.open(read_server_info=False)
                if start_tls and not connection.start_tls(read_server_info=False):
                    raise _unreachable(provider)
                fits = connection.bind(read_server_info=False)
            except ldap.core.exceptions.LDAPException as error:
                raise _unreachable(provider) from error
            yield connection if fits else None
        finally:
            opened = connection.socket
            with suppress(ldap.core.exceptions.LDAPException, OSError):
                connection.unbind()
            if opened is not None:
                # Where saying goodbye fails, the library leaves it open.
                opened.close()


def _unreachable(provider: Provider) -> SiteBroken:
    return SiteBroken(Message("{server} cannot be reached, or not securely", server=provider.options["url"]))


def _file(provider: Provider, name: str) -> str | None:
    found = provider.options.get(name)
    return str(provider.folder / found) if found else None


def _found(ldap: Any, provider: Provider, asking: Any, name: str) -> Mapping[str, Any] | None:
    """Return the only entry of a name; a name that fits several fits nobody."""
    escaped = ldap.utils.conv.escape_filter_chars(name)
    template = provider.options.get("filter") or _FILTER
    names = [
        provider.name_of(what, usual)
        for what, usual in (
            ("subject", "entryUUID"), ("email", "mail"), ("name", "cn"), ("groups", "memberOf"),
            ("department", "department"),
        )
    ]  # fmt: skip
    try:
        asking.search(
            provider.options["base"],
            template.replace("{name}", escaped),
            ldap.SUBTREE,
            attributes=list(dict.fromkeys(names)),
            size_limit=2,
            time_limit=SECONDS,
        )
    except ldap.core.exceptions.LDAPException as error:
        raise SiteBroken(Message("{server} cannot be searched", server=provider.options["url"])) from error
    entries = [each for each in asking.response or () if each.get("type") == "searchResEntry" and each.get("dn")]
    return entries[0] if len(entries) == 1 else None


def _asserted(provider: Provider, entry: Mapping[str, Any]) -> Asserted:
    attributes = {key.lower(): value for key, value in (entry.get("attributes") or {}).items()}

    def values(what: str, usual: str) -> list[str]:
        found = attributes.get(provider.name_of(what, usual).lower())
        several = found if isinstance(found, (list, tuple)) else [] if found is None else [found]
        return [each.hex() if isinstance(each, bytes) else str(each) for each in several if each not in ("", b"")]

    def first(what: str, usual: str) -> str | None:
        return next(iter(values(what, usual)), None)

    email = first("email", "mail")
    groups = values("groups", "memberOf")
    return Asserted(
        first("subject", "entryUUID") or entry["dn"].lower(),
        email,
        email is not None and provider.options.get("trust_email", True) is True,
        first("name", "cn") or email or entry["dn"],
        # By their whole name and by the first part of it: cn=sales,ou=groups,... is `sales` too.
        tuple(dict.fromkeys([*groups, *(_short(each) for each in groups)])),
        first("department", "department"),
    )


def _short(group: str) -> str:
    kind, equals, rest = group.partition(",")[0].partition("=")
    return rest if equals and kind.strip().lower() in {"cn", "ou"} else group
