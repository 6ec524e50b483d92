"""Signing in by OpenID Connect, against a provider over real HTTP: that it works, and how it must not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey
from werkzeug.test import Client, TestResponse

from engine import SYSTEM, Site, clock
from engine.errors import DocumentsInvalid, SiteBroken
from engine.identity.sso import oidc, settings
from tests.functional.commands.conftest import run_here
from tests.functional.sso.conftest import BASE, PASSWORD, Make, Office, asked, go
from tests.functional.sso.oidc_provider import ADA, CLIENT, SECRET, Provider, running


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running() as provider:
        yield provider


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OIDC_SECRET", SECRET)


def config(provider: Provider, **more: Any) -> dict[str, Any]:
    own = {
        "kind": "oidc", "issuer": provider.issuer, "client_id": CLIENT, "client_secret": {"env": "OIDC_SECRET"},
        "label": {"en": "Company account", "zh": "公司账号"}, **more,
    }  # fmt: skip
    return {"providers": {"company": own}}


def leave(browser: Client, provider: Provider, wanted: str = "") -> dict[str, str]:
    """Go to the provider, sign in there, and return what the browser comes back with."""
    query = f"?next={wanted}" if wanted else ""
    words = asked(go(browser, f"/login/sso/company{query}"))
    assert words["redirect_uri"] == f"{BASE}/login/sso/company/callback"
    assert words["tenant"] == "x"
    return {"code": provider.authorise(words), "state": words["state"]}


def come_back(browser: Client, given: dict[str, str]) -> TestResponse:
    return browser.get("/login/sso/company/callback", query_string=given, base_url=BASE)


def whole(office: Office, provider: Provider, **words: str) -> tuple[Client, TestResponse]:
    browser = office.browser()
    return browser, come_back(browser, {**leave(browser, provider), **words})


def refused(office: Office, response: TestResponse) -> str:
    """What the audit log says about a refusal that the page tells little of."""
    assert response.status_code == 422
    assert "did not work" in response.text
    assert response.headers.get_all("Set-Cookie") == [] or "guanxi=" not in str(response.headers.get_all("Set-Cookie"))
    return str(office.events("sign_in_failed")[-1]["why"])


# --- that it works ----------------------------------------------------------------------------------------------------


def test_a_person_signs_in_by_the_provider(make: Make, provider: Provider) -> None:
    office = make(config(provider))
    browser = office.browser()
    page = go(browser, "/login?next=/user").text
    assert "Sign in with Company account" in page
    assert "/login/sso/company?next=%2Fuser" in page

    response = come_back(browser, leave(browser, provider, "/user"))

    assert (response.status_code, response.headers["Location"]) == (303, "/user")
    ada = office.site.identity.find("ada@x.example")
    assert office.signed_in(browser) == ada.id
    assert office.site.identity.sessions(ada.id)[0].method == "oidc:company"
    assert office.events("sso_linked") == [{"provider": "company", "account": "ada@x.example"}]
    assert office.events("sign_in")[-1]["method"] == "oidc:company"
    # From now on the subject says who it is, whatever becomes of the address.
    provider.claims |= {"email": "ada.new@x.example", "email_verified": False}
    browser, response = whole(office, provider)
    assert office.signed_in(browser) == ada.id
    assert len(office.events("sso_linked")) == 1
    # Described once, and its keys read once, for both.
    assert provider.paths.count("/.well-known/openid-configuration") == 1
    assert provider.paths.count("/keys") == 1


def test_keys_of_another_kind_and_keys_that_change(
    make: Make, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = make(config(provider))
    monkeypatch.setattr(oidc, "_AGAIN_SECONDS", -1)
    for key, algorithm in (
        (ECKey.generate_key("P-256", {"kid": "two"}), "ES256"),
        (RSAKey.generate_key(2048, {"kid": "three"}), "PS256"),
    ):
        provider.keys, provider.algorithm = [*provider.keys, key], algorithm
        browser, response = whole(office, provider)
        assert (response.status_code, office.signed_in(browser) is not None) == (303, True)


def test_new_people_and_their_roles(make: Make, provider: Provider) -> None:
    office = make(
        config(
            provider, create="domains", domains=["x.example"], new_roles=["helper"],
            roles={"Sales": "seller", "Chiefs": ["seller", "nonsense"]}, scopes=["openid", "groups"],
        )
    )  # fmt: skip
    provider.claims = {"sub": "u-2", "email": "Eve@X.example", "email_verified": True, "name": "Eve"}
    provider.more = {"sub": "u-2", "groups": ["Sales", "admin"]}

    browser, _ = whole(office, provider)

    eve = office.site.identity.find("eve@x.example")
    assert (office.signed_in(browser), eve.name) == (eve.id, "Eve")
    assert office.roles(eve.id) == {"helper", "seller"}
    # What the map names is taken again; what it does not name is nobody's business over there.
    provider.more = {"sub": "u-2"}
    whole(office, provider)
    assert office.roles(eve.id) == {"helper"}
    # Another person's answer is not mixed in.
    provider.more = {"sub": "u-9", "groups": ["Sales"]}
    whole(office, provider)
    assert office.roles(eve.id) == {"helper"}
    for claims in (
        {"sub": "u-3", "email": "eve@y.example", "email_verified": True},
        {"sub": "u-4", "email": "mallory@x.example", "email_verified": False},
        {"sub": "u-5", "email": "mallory@x.example.evil.example", "email_verified": True},
        {"sub": "u-6"},
    ):
        provider.claims, before = {**claims, "groups": []}, office.number("user")
        _, response = whole(office, provider)
        assert (response.status_code, office.number("user")) == (422, before)
        assert "Nobody here is known" in response.text


def test_a_role_of_the_last_administrator_is_not_taken(make: Make, provider: Provider) -> None:
    office = make(config(provider, roles={"Admins": "admin"}))

    browser, _ = whole(office, provider)

    ada = office.site.identity.find("ada@x.example")
    assert office.signed_in(browser) == ada.id
    assert office.roles(ada.id) == {"admin"}
    provider.claims = {"sub": "u-7", "email": "ben@x.example", "email_verified": "true", "groups": ["Admins"]}
    whole(office, provider)
    assert office.roles(office.site.identity.find("ben@x.example").id) == {"helper", "admin"}
    provider.claims = {**ADA, "groups": ["Others"]}
    whole(office, provider)
    assert office.roles(ada.id) == set()


def test_who_is_disabled_does_not_get_in(make: Make, provider: Provider) -> None:
    office = make(config(provider))
    provider.claims = {"sub": "u-8", "email": "ben@x.example", "email_verified": True}
    whole(office, provider)
    office.site.identity.disable(office.site.identity.find("ben@x.example").id)

    browser, response = whole(office, provider)

    assert (response.status_code, office.signed_in(browser)) == (422, None)


def test_who_was_deleted_comes_back_only_when_nothing_is_left_of_them(make: Make, provider: Provider) -> None:
    office = make(config(provider, create="always"))
    provider.claims = {"sub": "u-8", "email": "eve@x.example", "email_verified": True, "name": "Eve"}
    whole(office, provider)
    eve = office.site.identity.find("eve@x.example").id

    office.site.records.delete(SYSTEM, "user", [eve])
    browser, response = whole(office, provider)
    assert (response.status_code, office.signed_in(browser)) == (422, None)
    office.site.records.purge(SYSTEM, "user", [eve])
    browser, response = whole(office, provider)
    assert office.signed_in(browser) not in {None, eve}


def test_accounts_are_listed_and_unlinked(make: Make, provider: Provider) -> None:
    office = make(config(provider))
    whole(office, provider)
    folder = office.site.config.folder
    provider.claims = {**ADA, "sub": "u-99"}
    _, response = whole(office, provider)
    assert "somebody else uses" in response.text

    listed = run_here("user", "accounts", "--site", folder, "ada@x.example")
    done = run_here("user", "unlink", "--site", folder, "ada@x.example", "--provider", "company")

    assert listed.out == "company  ada@x.example\n"
    assert done.out == "1 accounts were unlinked\n"
    browser, _ = whole(office, provider)
    assert office.signed_in(browser) == office.site.identity.find("ada@x.example").id
    assert [event.get("removed") for event in office.events("sso_linked")] == [None, 1, None]


def test_passwords_can_be_kept_for_some_or_for_nobody(make: Make, provider: Provider) -> None:
    for allowed, who in ((["admin"], {"ada"}), (False, set()), (True, {"ada", "ben"})):
        office = make({"password": allowed, **config(provider)})
        identity = office.site.identity
        page = go(office.browser(), "/login").text
        assert ('name="password"' in page) is (allowed is not False)
        for name in ("ada", "ben"):
            user_id = identity.find(f"{name}@x.example").id
            identity.set_password(user_id, PASSWORD)
            link = identity.make_link(user_id)
            if name in who:
                assert identity.sign_in(f"{name}@x.example", PASSWORD).principal.id == user_id
                continue
            with pytest.raises(Exception, match="Email and password do not fit"):
                identity.sign_in(f"{name}@x.example", PASSWORD)
            with pytest.raises(Exception, match="signs in elsewhere"):
                identity.follow_link(link, "another horse battery")


def test_a_second_factor_is_asked_for_here_or_there(make: Make, provider: Provider) -> None:
    for where, status in (("here", "/login/step"), ("there", "/")):
        office = make(config(provider, second_factor=where))
        ada = office.site.identity.find("ada@x.example")
        from engine.storage.database import run

        with office.site.database.write() as connection:
            run(
                connection,
                "INSERT INTO auth_credential (user_id, kind, key, secret, created_at)"
                " VALUES (?, 'totp', 'x', 'sealed', '2026-01-01T00:00:00.000Z')",
                (ada.id,),
            )
        browser, response = whole(office, provider)
        assert response.headers["Location"] == status
        assert (office.signed_in(browser) is None) is (where == "here")


def test_signing_out_offers_to_end_it_there_too(make: Make, provider: Provider) -> None:
    for logout in (True, False):
        office = make(config(provider, logout=logout))
        browser, _ = whole(office, provider)
        token = browser.get_cookie("guanxi_form", domain="crm.example")
        if token is None:
            go(browser, "/login/sso/nobody")
            go(browser, "/user")
            token = browser.get_cookie("guanxi_form", domain="crm.example")
        assert token is not None

        response = browser.post("/logout", data={"_token": token.value}, base_url=BASE)

        page = go(browser, response.headers["Location"]).text
        assert ("Sign out at Company account too" in page) is logout
        out = go(browser, "/login/sso/company/out")
        if logout:
            words = asked(out)
            assert out.headers["Location"].startswith(f"{provider.issuer}/end?")
            assert words == {"client_id": CLIENT, "post_logout_redirect_uri": f"{BASE}/login"}
        else:
            assert out.status_code == 404


# --- and how it must not ----------------------------------------------------------------------------------------------


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"iss": "https://evil.example"}, "another issuer"),
    ({"aud": "other"}, "for somebody else"),
    ({"aud": []}, "for somebody else"),
    ({"aud": ["other", CLIENT]}, "given to somebody else"),
    ({"aud": ["other", CLIENT], "azp": "other"}, "given to somebody else"),
    ({"azp": "other"}, "given to somebody else"),
    ({"nonce": "of another sign-in"}, "another sign-in"),
    ({"nonce": None}, "another sign-in"),
    ({"exp": 1}, "expired"),
    ({"exp": None}, "expired"),
    ({"exp": "tomorrow"}, ""),
    ({"iat": None}, "future"),
    ({"iat": 32_503_680_000}, "future"),
    ({"nbf": 32_503_680_000}, "future"),
    ({"sub": None}, "names nobody"),
    ({"sub": ""}, "names nobody"),
    ({"sub": "x" * 300}, "names nobody"),
]


def test_a_token_with_a_wrong_claim_is_refused(make: Make, provider: Provider) -> None:
    office = make(config(provider))
    for changed, why in WRONG:
        provider.changed = changed
        browser, response = whole(office, provider)
        assert why in refused(office, response), changed
        assert office.signed_in(browser) is None
    assert office.events("sso_linked") == []


def test_a_token_that_is_not_signed_as_it_must_be_is_refused(make: Make, provider: Provider) -> None:
    office = make(config(provider))
    browser = office.browser()
    for how in (
        "none", "None", "hs256 with the public key", "hs256 with the secret", "another key", "an unknown key",
        "a key of its own", "claims of another", "no signature", "nonsense", "a.b.c", "",
    ):  # fmt: skip
        words = asked(go(browser, "/login/sso/company"))
        provider.token = provider.forged(how, words["nonce"]) or "."
        response = come_back(browser, {"code": provider.authorise(words), "state": words["state"]})
        assert "signed as it must be" in refused(office, response), how
    assert office.signed_in(browser) is None


def test_nobody_finishes_what_another_browser_began(make: Make, provider: Provider) -> None:
    office = make(config(provider))
    mallory, victim = office.browser(), office.browser()
    given = leave(mallory, provider)
    leave(victim, provider)

    # Another browser, none at all, no state, an old one: each is refused, and the first attempt uses it up.
    assert "not begun here" in refused(office, come_back(victim, given))
    assert "not begun here" in refused(office, come_back(mallory, given))
    fresh = leave(mallory, provider)
    assert "not begun here" in refused(office, come_back(office.browser(), fresh))
    assert "not begun here" in refused(office, come_back(mallory, {"code": "x"}))
    fresh = leave(mallory, provider)
    assert come_back(mallory, fresh).status_code == 303
    assert "not begun here" in refused(office, come_back(mallory, fresh))
    assert office.signed_in(victim) is None


def test_answers_that_are_none(make: Make, provider: Provider) -> None:
    office = make(config(provider))
    for more, why in (
        ({"iss": "https://evil.example"}, "another provider"),
        ({"error": "access_denied", "code": ""}, "access_denied"),
        ({"code": ""}, "no code"),
        ({"code": "made up"}, "invalid_grant"),
    ):
        _, response = whole(office, provider, **more)
        assert why in refused(office, response)
    _, response = whole(office, provider, iss=provider.issuer)
    assert response.status_code == 303


def test_an_address_that_is_not_verified_links_nobody(make: Make, provider: Provider) -> None:
    office = make(config(provider, create="always"))
    before = office.number("user")
    for verified in (False, None, "yes", 1, "false"):
        provider.changed = {"email_verified": verified}
        browser, response = whole(office, provider)
        assert (response.status_code, office.signed_in(browser)) == (422, None)
    assert (office.events("sso_linked"), office.number("user")) == ([], before)
    # What the site says to trust is trusted.
    trusting = make(config(provider, trust_email=True))
    browser, response = whole(trusting, provider)
    assert trusting.signed_in(browser) is not None


def test_an_address_that_was_given_to_somebody_new_links_nobody(make: Make, provider: Provider) -> None:
    office = make(config(provider, create="always"))
    whole(office, provider)
    provider.claims = {**ADA, "sub": "u-99"}

    browser, response = whole(office, provider)

    assert (response.status_code, office.signed_in(browser)) == (422, None)
    assert "somebody else uses" in response.text
    # Where addresses link nobody, the same address makes nobody either.
    other = make(config(provider, create="always", link="never"))
    browser, response = whole(other, provider)
    assert (response.status_code, other.signed_in(browser)) == (422, None)


@pytest.mark.parametrize("wanted", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_nobody_is_led_to_another_site(make: Make, provider: Provider, wanted: str) -> None:
    office = make(config(provider))
    browser = office.browser()

    response = come_back(browser, leave(browser, provider, wanted))

    assert (response.status_code, response.headers["Location"]) == (303, "/")


def test_a_provider_that_cannot_be_believed_or_reached(make: Make, provider: Provider) -> None:
    for described in (
        {"issuer": "https://evil.example"},
        {"token_endpoint": None},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": "javascript:alert(1)"},
    ):
        provider.described = described
        response = go(make(config(provider)).browser(), "/login/sso/company")
        assert (response.status_code, "cannot be asked just now" in response.text) == (422, True)
    refusing = make(config(provider), outbound={"allow": []})
    assert "cannot be asked" in go(refusing.browser(), "/login/sso/company").text
    assert "not in" in str(refusing.events("sign_in_failed")[-1]["why"])
    assert go(refusing.browser(), "/login/sso/nobody").status_code == 404
    assert go(refusing.browser(), "/login/sso/company/metadata").status_code == 404


def test_a_missing_secret_or_library_is_named(make: Make, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    office = make(config(provider))
    monkeypatch.delenv("OIDC_SECRET")
    _, response = whole(office, provider)
    assert "cannot be asked" in response.text
    assert "OIDC_SECRET" in str(office.events("sign_in_failed")[-1]["why"])
    with pytest.raises(SiteBroken, match=r"guanxi\[sso\]"):
        settings.needed("no_such_library_at_all")


def test_sign_ins_begin_only_so_often_from_one_address(make: Make, provider: Provider) -> None:
    office = make(config(provider))

    with clock.set_to(clock.now()):
        answers = [go(office.browser(), "/login/sso/company").status_code for _ in range(61)]

    assert answers == [303] * 60 + [429]


WRONG_SETTINGS: list[tuple[dict[str, Any], str]] = [
    ({"providers": {"x": {"kind": "oidc", "client_id": "y"}}}, "'issuer' is missing"),
    ({"providers": {"x": {"kind": "oauth"}}}, "oauth"),
    ({"providers": {"x": {"issuer": "https://y.example"}}}, "'kind' is missing"),
    ({"providers": {"X y": {"kind": "ldap", "url": "ldaps://y", "base": "dc=x"}}}, "X y"),
    ({"providers": {"x": {"kind": "ldap", "url": "https://y", "base": "dc=x"}}}, "https://y"),
    ({"providers": {"x": {"kind": "ldap", "url": "ldaps://y", "base": "dc=x", "filter": "(uid=*)"}}}, "(uid=*)"),
    ({"providers": {"x": {"kind": "ldap", "url": "ldaps://y", "base": "dc=x", "bind_dn": "cn=y"}}}, "bind_password"),
    ({"providers": {"x": {"kind": "saml", "entity_id": "y"}}}, "sign_in_url, certificate is needed"),
    ({"providers": {"x": {"kind": "oidc", "issuer": "https://y", "client_id": "z", "create": "domains"}}}, "domains"),
    ({"providers": {"x": {"kind": "oidc", "issuer": "https://y", "client_id": "z", "algorithms": ["HS256"]}}}, "HS256"),
    ({"providers": {"x": {"kind": "oidc", "issuer": "https://y", "client_id": "z", "client_secret": "open"}}}, "a map"),
    ({"password": False}, "nobody could sign in"),
    ({"passwords": False}, "passwords"),
]


def test_wrong_settings_are_told_with_their_place(make: Make) -> None:
    for sign_in, said in WRONG_SETTINGS:
        with pytest.raises(DocumentsInvalid) as refused:
            make(sign_in)
        [problem, *_] = refused.value.problems
        assert said in str(problem), (sign_in, str(problem))
        assert str(problem).startswith("guanxi.yaml:")


def test_a_site_without_providers_has_none(make: Make) -> None:
    office = make({})

    assert go(office.browser(), "/login/sso/company").status_code == 404
    assert "Sign in with" not in go(office.browser(), "/login").text
    assert isinstance(office.site, Site)
