"""SAML 2.0: our request, the answer that an identity provider lets the browser post, and our description for it.

The library checks the signature, and that what is read is what was signed. What it takes on trust when it is left out
(who it is for, where it was to go, which request it answers) is demanded here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from engine.errors import GuanxiError, SiteBroken
from engine.i18n import Message
from engine.identity.sso.settings import Asserted, Provider, SsoRefused, needed

MOST_BYTES = 500_000
_REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
_POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
_SUBJECT = "/saml:Subject/saml:SubjectConfirmation[@Method='urn:oasis:names:tc:SAML:2.0:cm:bearer']"
_TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
_NAMES = {
    "email": (
        "email",
        "mail",
        "urn:oid:0.9.2342.19200300.100.1.3",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    ),
    "name": (
        "name",
        "displayName",
        "cn",
        "urn:oid:2.16.840.1.113730.3.1.241",
        "http://schemas.microsoft.com/identity/claims/displayname",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
    ),
    "groups": (
        "groups",
        "memberOf",
        "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups",
        "http://schemas.xmlsoap.org/claims/Group",
    ),
    "department": ("department",),
}
"""How most providers call what we look for, tried in this order."""


def start(provider: Provider, base: str, acs: str) -> tuple[str, dict[str, str]]:
    """Return where the browser goes, with our request but without RelayState, and what has to be known then.

    Raises:
        SiteBroken: guanxi.yaml does not describe the provider well enough, or the library is missing.
    """
    settings = _settings(provider, base, acs)
    request = needed("onelogin.saml2.authn_request").OneLogin_Saml2_Authn_Request(settings)
    utils = needed("onelogin.saml2.utils").OneLogin_Saml2_Utils
    address = utils.redirect(settings.get_idp_sso_url(), {"SAMLRequest": request.get_request()}, {"http_host": ""})
    return address, {"request": request.get_id()}


def finish(
    provider: Provider, base: str, acs: str, answer: str, known: Mapping[str, Any]
) -> tuple[Asserted, str, datetime]:
    """Return whom the provider vouches for, the id of its statement, and until when it would be believed.

    Raises:
        SsoRefused: it cannot be believed.
    """
    if not answer or len(answer) > MOST_BYTES:
        raise SsoRefused(Message("the answer is empty or too large"))
    settings = _settings(provider, base, acs)
    errors = needed("onelogin.saml2.errors")
    parts = urlsplit(acs)
    request: dict[str, Any] = {
        "https": "on" if parts.scheme == "https" else "off",
        "http_host": parts.netloc,
        "script_name": parts.path,
        "get_data": {},
        "post_data": {},
    }
    try:
        response = needed("onelogin.saml2.response").OneLogin_Saml2_Response(settings, answer)
        response.is_valid(request, known["request"], raise_exceptions=True)
        return _believed(provider, base, acs, response, known["request"])
    except SsoRefused:
        raise
    except (errors.OneLogin_Saml2_ValidationError, errors.OneLogin_Saml2_Error) as error:
        raise SsoRefused(Message("the answer is not valid: {why}", why=str(error)[:200])) from error
    except Exception as error:
        # XML that is none, base64 that is none, a signature that the library cannot even read.
        raise SsoRefused(Message("the answer cannot be read")) from error


def _believed(provider: Provider, base: str, acs: str, response: Any, request: str) -> tuple[Asserted, str, datetime]:
    """Demand what the library takes on trust, then read the statement that was signed."""
    if response.encrypted:
        raise SsoRefused(Message("encrypted answers are not understood"))
    if response.get_in_response_to() != request:
        raise SsoRefused(Message("the answer is not to our request"))
    if base not in response.get_audiences():
        raise SsoRefused(Message("the answer is for somebody else"))
    ends = [
        end
        for node in response._query_assertion(f"{_SUBJECT}/saml:SubjectConfirmationData")  # noqa: SLF001 - of what is signed
        if (end := _end_of(node, acs, request)) is not None
    ]
    if not ends:
        raise SsoRefused(Message("the answer was not meant for this page, or its time is over"))
    format_ = response.get_nameid_format()
    found = response.get_attributes()
    subject = _first(found, provider, "subject") if "subject" in (provider.options.get("attributes") or {}) else None
    if subject is None:
        if format_ == _TRANSIENT:
            raise SsoRefused(
                Message("the provider calls people by another name each time: name an attribute `subject`")
            )
        subject = response.get_nameid()
    if not subject:
        raise SsoRefused(Message("the answer names nobody"))
    email = _first(found, provider, "email") or (
        response.get_nameid() if "@" in (response.get_nameid() or "") else None
    )
    who = Asserted(
        subject,
        email,
        email is not None and provider.options.get("trust_email", True) is True,
        _first(found, provider, "name") or email or subject,
        tuple(str(each) for each in _values(found, provider, "groups")),
        _first(found, provider, "department"),
    )
    return who, response.get_assertion_id(), max(ends)


def _end_of(node: Any, acs: str, request: str) -> datetime | None:
    """Return until when a confirmation is good; None when it is not for us, or says no end."""
    end = node.get("NotOnOrAfter")
    if node.get("Recipient") != acs or node.get("InResponseTo") != request or not end:
        return None
    parsed = needed("onelogin.saml2.utils").OneLogin_Saml2_Utils.parse_SAML_to_time(end)
    return datetime.fromtimestamp(parsed, UTC)


def metadata(provider: Provider, base: str, acs: str) -> bytes:
    """Return what the provider has to know of us, as XML.

    Raises:
        SiteBroken: as `start`.
    """
    found: Any = _settings(provider, base, acs).get_sp_metadata()
    return found if isinstance(found, bytes) else str(found).encode()


def _settings(provider: Provider, base: str, acs: str) -> Any:
    """Return the settings of the library: strict, signed statements only, no old algorithms."""
    library = needed("onelogin.saml2.settings")
    body = {
        "strict": True,
        "sp": {
            "entityId": base,
            "assertionConsumerService": {"url": acs, "binding": _POST},
            "NameIDFormat": provider.options.get("name_id") or "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
        },
        "idp": _described(provider),
        "security": {
            "wantAssertionsSigned": True,
            "wantNameId": True,
            "wantAttributeStatement": False,
            "requestedAuthnContext": False,
            "rejectDeprecatedAlgorithm": True,
            # Inside a house servers are called `crm`; without this the library takes only names with a dot.
            "allowSingleLabelDomains": True,
            "metadataValidUntil": None,
        },
    }
    try:
        return library.OneLogin_Saml2_Settings(body, sp_validation_only=False)
    except Exception as error:
        raise SiteBroken(
            Message("sign_in.providers.{key} of guanxi.yaml: {why}", key=provider.key, why=str(error)[:200])
        ) from error


def _described(provider: Provider) -> dict[str, Any]:
    """Return what is known of the provider: from its own metadata in a file, or from guanxi.yaml."""
    options = provider.options
    if "metadata" in options:
        parser = needed("onelogin.saml2.idp_metadata_parser").OneLogin_Saml2_IdPMetadataParser
        try:
            found = parser.parse(provider.text_of(options["metadata"]), required_sso_binding=_REDIRECT)
        except GuanxiError:
            raise
        except Exception as error:
            raise SiteBroken(
                Message("{file} is no metadata of an identity provider", file=options["metadata"])
            ) from error
        described: dict[str, Any] = found.get("idp") or {}
        return described
    certificates = [provider.text_of(file) for file in _files(options.get("certificate"))]
    return {
        "entityId": options.get("entity_id", ""),
        "singleSignOnService": {"url": options.get("sign_in_url", ""), "binding": _REDIRECT},
        "x509certMulti": {"signing": certificates},
    }


def _files(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value or ())


def _values(found: Mapping[str, Any], provider: Provider, what: str) -> list[Any]:
    own = (provider.options.get("attributes") or {}).get(what)
    for name in (own,) if own else _NAMES.get(what, ()):
        if found.get(name):
            return list(found[name])
    return []


def _first(found: Mapping[str, Any], provider: Provider, what: str) -> str | None:
    values = _values(found, provider, what)
    return str(values[0]).strip() or None if values else None
