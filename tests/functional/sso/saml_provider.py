"""A SAML identity provider that signs real XML, and that can be told to misbehave."""

from __future__ import annotations

import base64
import zlib
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

xmlsec: Any = import_module("xmlsec")
etree: Any = import_module("lxml.etree")
SAML, SAMLP = "urn:oasis:names:tc:SAML:2.0:assertion", "urn:oasis:names:tc:SAML:2.0:protocol"
SIGN_IN = "https://idp.example/sso"
ENTITY = "https://idp.example/metadata"


@dataclass
class Pair:
    """A key and its certificate."""

    key: bytes
    certificate: bytes

    @classmethod
    def new(cls) -> Pair:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp.example")])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1)).sign(key, hashes.SHA256())
        )  # fmt: skip
        pem = serialization.Encoding.PEM
        private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return cls(private, made.public_bytes(pem))


@dataclass
class Request:
    """What a browser brought from the site."""

    id: str
    acs: str
    issuer: str
    relay: str


def read_request(address: str) -> Request:
    words = dict(parse_qsl(urlsplit(address).query))
    xml = etree.fromstring(zlib.decompress(base64.b64decode(words["SAMLRequest"]), -15))
    issuer = xml.findtext(f"{{{SAML}}}Issuer")
    return Request(xml.get("ID"), xml.get("AssertionConsumerServiceURL"), str(issuer), words["RelayState"])


@dataclass
class Answer:
    """What the provider says, each part as it should be unless it is told otherwise; None leaves a part out."""

    request: Request
    name: str = "u-1"
    format: str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
    attributes: dict[str, list[str]] = field(
        default_factory=lambda: {"email": ["ada@x.example"], "displayName": ["Ada Elsewhere"]}
    )
    issuer: str = ENTITY
    audience: str | None = ""
    recipient: str | None = ""
    destination: str | None = ""
    in_response_to: str | None = ""
    confirmed_response_to: str | None = ""
    minutes: float | None = 5
    """Until the confirmation ends."""
    conditions_minutes: float = 5
    sign: str = "assertion"
    """assertion, response, both or nothing."""
    signed_by: Pair | None = None
    method: Any = xmlsec.Transform.RSA_SHA256
    digest: Any = xmlsec.Transform.SHA256
    id: str = field(default_factory=lambda: f"_{uuid4().hex}")

    def tree(self, pair: Pair) -> Any:
        """The answer as XML, signed."""
        request, now = self.request, datetime.now(UTC)

        def at(minutes: float) -> str:
            return (now + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")

        def given(name: str, value: str | None, usual: str) -> str:
            return "" if value is None else f' {name}="{value or usual}"'

        audience = (
            ""
            if self.audience is None
            else (
                f"<saml:AudienceRestriction><saml:Audience>{self.audience or request.issuer}</saml:Audience>"
                "</saml:AudienceRestriction>"
            )
        )
        ends = "" if self.minutes is None else f' NotOnOrAfter="{at(self.minutes)}"'
        attributes = "".join(
            f'<saml:Attribute Name="{name}">'
            + "".join(f"<saml:AttributeValue>{value}</saml:AttributeValue>" for value in values)
            + "</saml:Attribute>"
            for name, values in self.attributes.items()
        )
        text = (
            f'<samlp:Response xmlns:samlp="{SAMLP}" xmlns:saml="{SAML}" ID="_{uuid4().hex}" Version="2.0"'
            f' IssueInstant="{at(0)}"{given("Destination", self.destination, request.acs)}'
            f"{given('InResponseTo', self.in_response_to, request.id)}><saml:Issuer>{self.issuer}</saml:Issuer>"
            '<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>'
            f'<saml:Assertion ID="{self.id}" Version="2.0" IssueInstant="{at(0)}">'
            f"<saml:Issuer>{self.issuer}</saml:Issuer>"
            f'<saml:Subject><saml:NameID Format="{self.format}">{self.name}</saml:NameID>'
            '<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">'
            f"<saml:SubjectConfirmationData{ends}{given('Recipient', self.recipient, request.acs)}"
            f"{given('InResponseTo', self.confirmed_response_to, request.id)}/>"
            "</saml:SubjectConfirmation></saml:Subject>"
            f'<saml:Conditions NotBefore="{at(-5)}" NotOnOrAfter="{at(self.conditions_minutes)}">'
            f"{audience}</saml:Conditions>"
            f'<saml:AuthnStatement AuthnInstant="{at(0)}"><saml:AuthnContext><saml:AuthnContextClassRef>'
            "urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext>"
            f"</saml:AuthnStatement><saml:AttributeStatement>{attributes}</saml:AttributeStatement></saml:Assertion>"
            "</samlp:Response>"
        )
        tree = etree.fromstring(text)
        if self.sign in {"assertion", "both"}:
            self.put_signature(tree.find(f"{{{SAML}}}Assertion"), pair)
        if self.sign in {"response", "both"}:
            self.put_signature(tree, pair)
        return tree

    def put_signature(self, node: Any, pair: Pair) -> None:
        signature = xmlsec.template.create(node, xmlsec.Transform.EXCL_C14N, self.method, ns="ds")
        node.insert(1, signature)
        reference = xmlsec.template.add_reference(signature, self.digest, uri="#" + node.get("ID"))
        xmlsec.template.add_transform(reference, xmlsec.Transform.ENVELOPED)
        xmlsec.template.add_transform(reference, xmlsec.Transform.EXCL_C14N)
        xmlsec.tree.add_ids(node, ["ID"])
        context = xmlsec.SignatureContext()
        context.key = xmlsec.Key.from_memory((self.signed_by or pair).key, xmlsec.KeyFormat.PEM)
        context.sign(signature)


def encoded(tree: Any) -> str:
    return base64.b64encode(etree.tostring(tree)).decode()


def wrapped(tree: Any, how: str) -> Any:
    """A signed answer that was turned into one about somebody else, with the signature still over the old part."""
    good = tree.find(f"{{{SAML}}}Assertion")
    if how == "changed":
        good.find(f".//{{{SAML}}}NameID").text = "u-9"
        return tree
    evil = deepcopy(good)
    evil.set("ID", f"_{uuid4().hex}")
    evil.find(f".//{{{SAML}}}NameID").text = "u-9"
    for value in evil.iter(f"{{{SAML}}}AttributeValue"):
        if "@" in (value.text or ""):
            value.text = "ben@x.example"
    signature = evil.find("{http://www.w3.org/2000/09/xmldsig#}Signature")
    if how != "same id" and signature is not None:
        evil.remove(signature)
    if how == "before":
        tree.insert(tree.index(good), evil)
    elif how == "after":
        tree.append(evil)
    elif how == "in the signature":
        _inner(tree, good, evil, good.find("{http://www.w3.org/2000/09/xmldsig#}Signature"))
    elif how == "in extensions":
        extensions = etree.Element(f"{{{SAMLP}}}Extensions")
        tree.replace(good, evil)
        extensions.append(good)
        tree.insert(1, extensions)
    elif how == "in a new response":
        outer = deepcopy(tree)
        outer.set("ID", f"_{uuid4().hex}")
        outer.replace(outer.find(f"{{{SAML}}}Assertion"), evil)
        holder = etree.SubElement(evil, f"{{{SAML}}}Advice")
        holder.append(tree)
        return outer
    elif how == "in its own":
        tree.append(evil)
        evil.append(good)
    elif how == "same id":
        evil.set("ID", good.get("ID"))
        tree.insert(tree.index(good), evil)
    return tree


def _inner(tree: Any, good: Any, evil: Any, signature: Any) -> None:
    holder = etree.SubElement(signature, "{http://www.w3.org/2000/09/xmldsig#}Object")
    tree.replace(good, evil)
    evil.insert(1, signature)
    good_copy = deepcopy(good)
    for each in good_copy.findall("{http://www.w3.org/2000/09/xmldsig#}Signature"):
        good_copy.remove(each)
    holder.append(good_copy)
