"""Signing in by SAML, with real signatures: that it works, and every way in which it must not."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from engine import NotFound
from engine.errors import SiteBroken
from engine.identity.sso import saml
from engine.identity.sso.settings import SignInSettings
from tests.functional.sso.conftest import BASE, Make, Office, go
from tests.functional.sso.saml_provider import (
    ENTITY,
    SAML,
    SIGN_IN,
    Answer,
    Pair,
    Request,
    encoded,
    etree,
    read_request,
    wrapped,
    xmlsec,
)

ACS = f"{BASE}/login/sso/adfs/acs"


@pytest.fixture(scope="module")
def pair() -> Pair:
    return Pair.new()


@pytest.fixture(scope="module")
def stranger() -> Pair:
    return Pair.new()


@pytest.fixture
def certificate(pair: Pair, tmp_path: Path) -> str:
    (tmp_path / "idp.pem").write_bytes(pair.certificate)
    return str(tmp_path / "idp.pem")


def config(certificate: str, **more: Any) -> dict[str, Any]:
    own = {"kind": "saml", "entity_id": ENTITY, "sign_in_url": SIGN_IN, "certificate": certificate, "label": "ADFS"}
    return {"providers": {"adfs": {**own, **more}}}


def leave(browser: Client, wanted: str = "") -> Request:
    response = go(browser, f"/login/sso/adfs{'?next=' + wanted if wanted else ''}")
    assert response.status_code == 303, response.text
    assert response.headers["Location"].startswith(SIGN_IN)
    return read_request(response.headers["Location"])


def post(browser: Client, answer: str, relay: str) -> TestResponse:
    """What the provider's page makes the browser post: from another site, so without our cookies."""
    cookie = browser.get_cookie("guanxi_sso", domain="crm.example")
    if cookie is not None:
        browser.delete_cookie("guanxi_sso", domain="crm.example")
    response = browser.post(
        "/login/sso/adfs/acs", data={"SAMLResponse": answer, "RelayState": relay}, base_url=BASE,
        headers={"Origin": "https://idp.example", "Sec-Fetch-Site": "cross-site"},
    )  # fmt: skip
    if cookie is not None:
        browser.set_cookie("guanxi_sso", cookie.value, domain="crm.example")
    return response


def whole(office: Office, pair: Pair, **changed: Any) -> tuple[Client, TestResponse]:
    browser = office.browser()
    request = leave(browser)
    response = post(browser, encoded(Answer(request, **changed).tree(pair)), request.relay)
    return browser, go(browser, response.headers["Location"]) if response.status_code == 303 else response


def why(office: Office, response: TestResponse) -> str:
    assert response.status_code == 422
    assert "did not work" in response.text
    return str(office.events("sign_in_failed")[-1]["why"])


def test_a_person_signs_in_by_saml(make: Make, pair: Pair, certificate: str) -> None:
    office = make(config(certificate))
    browser = office.browser()
    request = leave(browser, "/user")
    assert (request.acs, request.issuer) == (ACS, f"{BASE}/login/sso/adfs/metadata")

    response = post(browser, encoded(Answer(request).tree(pair)), request.relay)
    assert office.signed_in(browser) is None
    response = go(browser, response.headers["Location"])

    assert (response.status_code, response.headers["Location"]) == (303, "/user")
    ada = office.site.identity.find("ada@x.example")
    assert office.signed_in(browser) == ada.id
    assert office.events("sso_linked") == [{"provider": "adfs", "account": "ada@x.example"}]
    assert office.events("sign_in")[-1]["method"] == "saml:adfs"
    for sign in ("both",):
        browser, response = whole(office, pair, sign=sign)
        assert office.signed_in(browser) == ada.id


def test_groups_names_and_new_people(make: Make, pair: Pair, certificate: str) -> None:
    office = make(
        config(
            certificate, create="always", roles={"Sales": "seller"}, attributes={"groups": "Group", "subject": "guid"}
        )
    )
    attributes = {"mail": ["eve@y.example"], "cn": ["Eve"], "Group": ["Sales", "Other"], "guid": ["g-1"]}

    browser, _ = whole(
        office,
        pair,
        attributes=attributes,
        name="changes",
        format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient",
    )

    eve = office.site.identity.find("eve@y.example")
    assert (office.signed_in(browser), eve.name, office.roles(eve.id)) == (eve.id, "Eve", {"seller"})
    # Without a name that stays, nobody is known again.
    _, response = whole(
        office, pair, attributes={"mail": ["x@y.example"]}, format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
    )
    assert "another name each time" in why(office, response)


def test_our_description_and_a_house_of_single_names(make: Make, pair: Pair, certificate: str, tmp_path: Path) -> None:
    office = make(config(certificate), base_url="http://crm")
    response = office.browser().get("/login/sso/adfs/metadata", base_url="http://crm")
    tree = etree.fromstring(response.data)
    assert tree.get("entityID") == "http://crm/login/sso/adfs/metadata"
    [acs] = tree.iter("{urn:oasis:names:tc:SAML:2.0:metadata}AssertionConsumerService")
    assert acs.get("Location") == "http://crm/login/sso/adfs/acs"
    [described] = tree.iter("{urn:oasis:names:tc:SAML:2.0:metadata}SPSSODescriptor")
    assert described.get("WantAssertionsSigned") == "true"
    # And theirs, as they give it away.
    pem = "".join(pair.certificate.decode().splitlines()[1:-1])
    (tmp_path / "idp.xml").write_text(
        '<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#"'
        f' entityID="{ENTITY}"><md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">'
        f'<md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{pem}</ds:X509Certificate>'
        "</ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:SingleSignOnService"
        f' Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{SIGN_IN}"/></md:IDPSSODescriptor>'
        "</md:EntityDescriptor>"
    )
    office = make({"providers": {"adfs": {"kind": "saml", "metadata": str(tmp_path / "idp.xml")}}})
    browser, _ = whole(office, pair)
    assert office.signed_in(browser) is not None
    (tmp_path / "idp.xml").write_text("nonsense")
    with pytest.raises(SiteBroken, match="no metadata"):
        office.site.sso.metadata("adfs")
    with pytest.raises(NotFound):
        office.site.sso.metadata("other")


@pytest.mark.parametrize(
    "base",
    [
        "https://crm.example.com",
        "https://crm.example.com:8443",
        "http://127.0.0.1:8000",
        "http://crm",
        "http://crm:81",
        "https://[::1]:8443",
    ],
)
def test_a_site_is_called_as_it_likes(pair: Pair, certificate: str, tmp_path: Path, base: str) -> None:
    own = config(certificate)["providers"]["adfs"]
    provider = SignInSettings.read({"providers": {"adfs": own}}, tmp_path).providers["adfs"]
    entity, acs = f"{base}/login/sso/adfs/metadata", f"{base}/login/sso/adfs/acs"

    there, known = saml.start(provider, entity, acs)
    request = read_request(f"{there}&RelayState=x")
    who, _, until = saml.finish(provider, entity, acs, encoded(Answer(request).tree(pair)), known)

    assert (request.acs, request.issuer, request.id) == (acs, entity, known["request"])
    assert (who.subject, who.email, who.verified) == ("u-1", "ada@x.example", True)
    assert until > datetime.now(UTC)


def test_a_site_on_postgresql_does_the_same(make: Make, pair: Pair, certificate: str, postgres_url: str) -> None:
    office = make(config(certificate, create="always"), database_url=postgres_url)
    office.site.publish()

    browser, _ = whole(office, pair, id="_same")
    assert office.signed_in(browser) == office.site.identity.find("ada@x.example").id
    _, response = whole(office, pair, id="_same")
    assert "used before" in why(office, response)
    whole(office, pair, sign="nothing")
    assert len(office.events("sso_linked")) == 1


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"sign": "nothing"}, "not valid"),
    ({"sign": "response"}, "not signed"),
    ({"audience": "https://other.example"}, "not a valid audience"),
    ({"audience": None}, "for somebody else"),
    ({"recipient": "https://other.example/acs"}, "SubjectConfirmation"),
    ({"recipient": None}, "not meant for this page"),
    ({"recipient": ACS + "/x"}, "not meant for this page"),
    ({"destination": "https://other.example/acs"}, "was received at"),
    ({"in_response_to": "_another"}, "InResponseTo"),
    ({"in_response_to": None}, "not to our request"),
    ({"confirmed_response_to": "_another"}, "SubjectConfirmation"),
    ({"confirmed_response_to": None}, "not meant for this page"),
    ({"minutes": -10}, "SubjectConfirmation"),
    ({"minutes": None}, "not meant for this page"),
    ({"conditions_minutes": -10}, "expired"),
    ({"issuer": "https://other.example"}, "Invalid issuer"),
    ({"name": ""}, ""),
    ({"method": xmlsec.Transform.RSA_SHA1}, "eprecated"),
    ({"digest": xmlsec.Transform.SHA1}, "eprecated"),
]


def test_an_answer_that_is_wrong_in_one_part_is_refused(make: Make, pair: Pair, certificate: str) -> None:
    office = make(config(certificate))
    for changed, said in WRONG:
        browser, response = whole(office, pair, **changed)
        assert said in why(office, response), changed
        assert office.signed_in(browser) is None
    assert office.events("sso_linked") == []


def test_an_answer_that_somebody_else_signed_is_refused(
    make: Make, pair: Pair, stranger: Pair, certificate: str
) -> None:
    office = make(config(certificate))
    for sign in ("assertion", "both"):
        _, response = whole(office, pair, signed_by=stranger, sign=sign)
        assert "not valid" in why(office, response)
    # One good signature does not make the other part good.
    browser = office.browser()
    request = leave(browser)
    tree = Answer(request).tree(pair)
    Answer(request).put_signature(tree, stranger)
    assert "not valid" in why(office, post(browser, encoded(tree), request.relay))


@pytest.mark.parametrize("sign", ["assertion", "both"])
def test_a_signature_over_something_else_is_refused(make: Make, pair: Pair, certificate: str, sign: str) -> None:
    office = make(config(certificate))
    ways = (
        "before",
        "after",
        "in the signature",
        "in extensions",
        "in a new response",
        "in its own",
        "same id",
        "changed",
    )
    for how in ways:
        browser = office.browser()
        request = leave(browser)
        tree = wrapped(Answer(request, sign=sign).tree(pair), how)
        response = post(browser, encoded(tree), request.relay)
        said = why(office, response)
        assert "1 assertion" in said or "Signature validation failed" in said, (how, said)
        assert office.signed_in(browser) is None
    assert office.events("sso_linked") == []


def test_a_comment_in_a_name_makes_nobody_else_of_it(make: Make, pair: Pair, certificate: str) -> None:
    # Comments are no part of what is signed: `ada@x.example<!-- -->.evil.example` is never read as its first half.
    office = make(config(certificate, create="always", attributes={"email": "none"}))
    browser = office.browser()
    request = leave(browser)
    tree = Answer(request, name="ada@x.example.evil.example").tree(pair)
    name = tree.find(f".//{{{SAML}}}NameID")
    name.text = "ada@x.example"
    name.append(etree.Comment("x"))
    name[0].tail = ".evil.example"

    response = post(browser, encoded(tree), request.relay)
    if response.status_code == 303:
        go(browser, response.headers["Location"])

    mallory = office.site.identity.find("ada@x.example.evil.example")
    assert (office.signed_in(browser), mallory.roles) == (mallory.id, ())


def test_an_answer_is_good_once(make: Make, pair: Pair, certificate: str) -> None:
    office = make(config(certificate))
    browser = office.browser()
    request = leave(browser)
    answer = encoded(Answer(request).tree(pair))
    first = post(browser, answer, request.relay)
    assert first.status_code == 303
    assert "not begun here" in why(office, post(browser, answer, request.relay))
    go(browser, first.headers["Location"])
    assert "not begun here" in why(office, go(browser, first.headers["Location"]))
    # The same statement to another of our requests: it says which one it answers.
    other = leave(browser)
    assert "InResponseTo" in why(office, post(browser, answer, other.relay))
    # Nor twice when whoever signs repeats an id.
    request = leave(browser)
    assert post(browser, encoded(Answer(request, id="_same").tree(pair)), request.relay).status_code == 303
    request = leave(browser)
    answer = encoded(Answer(request, id="_same").tree(pair))
    assert "used before" in why(office, post(browser, answer, request.relay))


def test_nobody_is_signed_in_as_somebody_elses_doing(make: Make, pair: Pair, certificate: str) -> None:
    office = make(config(certificate))
    mallory, victim = office.browser(), office.browser()
    request = leave(mallory)
    there = post(mallory, encoded(Answer(request).tree(pair)), request.relay).headers["Location"]

    # The victim is led to where Mallory's answer is waiting, with and without a sign-in of their own under way.
    assert "not begun here" in why(office, go(victim, there))
    leave(victim)
    request = leave(mallory)
    there = post(mallory, encoded(Answer(request).tree(pair)), request.relay).headers["Location"]
    assert "not begun here" in why(office, go(victim, there))
    assert office.signed_in(victim) is None
    # An answer that nobody asked for is none, and what is under way is no word to arrive with.
    assert "not begun here" in why(office, post(victim, encoded(Answer(request).tree(pair)), "made up"))
    request = leave(victim)
    assert "not begun here" in why(office, go(victim, f"/login/sso/adfs/arrived?word={request.relay}"))


def test_nonsense_is_refused_politely(make: Make, pair: Pair, certificate: str) -> None:
    office = make(config(certificate))
    bomb = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><a>&b;</a>'
    file = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'
    for text in (b"", b"nonsense", b"<a/>", bomb.encode(), file.encode(), b"\xff\xfe", b"<" * 600_000):
        browser = office.browser()
        request = leave(browser)
        said = why(office, post(browser, base64.b64encode(text).decode(), request.relay))
        assert "root:" not in said
    browser = office.browser()
    assert why(office, post(browser, "%%%not base64%%%", leave(browser).relay))


def test_nobody_is_led_to_another_site(make: Make, pair: Pair, certificate: str) -> None:
    office = make(config(certificate))
    for wanted in ("https://evil.example", "//evil.example"):
        browser = office.browser()
        request = leave(browser, wanted)
        there = post(browser, encoded(Answer(request).tree(pair)), request.relay).headers["Location"]
        assert go(browser, there).headers["Location"] == "/"
    # Nor does the word that goes to the provider and back say where.
    browser = office.browser()
    leave(browser)
    assert post(browser, "", "https://evil.example").status_code == 422
