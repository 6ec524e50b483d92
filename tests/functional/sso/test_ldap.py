"""Names and passwords that fit in a directory: the ordinary form, the same lockout, the same words."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from engine.errors import SignInLocked, SignInRefused
from tests.functional.sso import directory as servers
from tests.functional.sso.conftest import BASE, PASSWORD, Make, Office
from tests.functional.sso.directory import Directory

SERVICE = "the service account's own"


def certificate(folder: Path, name: str, address: str = "127.0.0.1") -> ssl.SSLContext:
    """A server's certificate for an address, signed by itself and written down for clients."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / f"{name}.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    return context


def fill(directory: Directory) -> None:
    directory.add("cn=guanxi,dc=x", SERVICE)
    directory.add(
        "cn=Ada,ou=people,dc=x", "ada's there", mail="ada@x.example", cn="Ada", uid="ada", entryUUID="e-1",
        memberOf=["cn=Sales,ou=groups,dc=x"],
    )  # fmt: skip
    directory.add(
        "cn=Eve,ou=people,dc=x", "eve's there", mail="eve@x.example", cn="Eve There", uid="eve", entryUUID="e-2",
        memberOf=["cn=Sales,ou=groups,dc=x", "cn=Other,ou=groups,dc=x"],
    )  # fmt: skip
    directory.add("cn=Two,ou=people,dc=x", "two", mail="two@x.example", uid="two")
    directory.add("cn=Too,ou=people,dc=x", "two", mail="two@x.example", uid="too")


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Directory]:
    with servers.running(certificate(tmp_path, "ldap")) as directory:
        fill(directory)
        yield directory


def config(directory: Directory, tmp_path: Path, **more: Any) -> dict[str, Any]:
    (tmp_path / "bind").write_text(SERVICE)
    own = {
        "kind": "ldap", "url": f"ldap://127.0.0.1:{directory.port}", "base": "ou=people,dc=x",
        "authorities": str(tmp_path / "ldap.pem"), "bind_dn": "cn=guanxi,dc=x",
        "bind_password": {"file": str(tmp_path / "bind")}, "create": "always", "roles": {"Sales": "seller"}, **more,
    }  # fmt: skip
    return {"providers": {"house": own}}


def refused(office: Office, name: str, password: str) -> str:
    with pytest.raises(SignInRefused) as error:
        office.site.identity.sign_in(name, password)
    return str(error.value)


def test_a_name_and_a_password_fit_in_the_directory(make: Make, directory: Directory, tmp_path: Path) -> None:
    office = make(config(directory, tmp_path))
    identity = office.site.identity

    for name in ("eve@x.example", "eve", " EVE "):
        done = identity.sign_in(name, "eve's there")
        assert done.principal.name == "Eve There"
        assert done.principal.roles == {"everyone", "seller"}
    ada = identity.find("ada@x.example")
    assert identity.sign_in("ada@x.example", "ada's there").principal.id == ada.id
    assert office.roles(ada.id) == {"admin", "seller"}
    assert {event["method"] for event in office.events("sign_in")} == {"ldap:house"}
    assert len(office.events("sso_linked")) == 2
    # Nothing went over the line in the open.
    assert directory.binds
    assert all(secure for _, _, secure in directory.binds)
    # Passwords of the site go on working beside it, and groups that are gone are gone.
    identity.set_password(ada.id, PASSWORD)
    assert identity.sign_in("ada@x.example", PASSWORD).principal.id == ada.id
    directory.entries["cn=Eve,ou=people,dc=x"]["memberOf"] = ["cn=Other,ou=groups,dc=x"]
    assert identity.sign_in("eve", "eve's there").principal.roles == {"everyone"}


def test_the_ordinary_form_takes_it(make: Make, directory: Directory, tmp_path: Path) -> None:
    office = make({"password": False, **config(directory, tmp_path)})
    browser = office.browser()
    page = browser.get("/login", base_url=BASE).text
    assert 'name="email" type="text"' in page
    token = browser.get_cookie("guanxi_form", domain="crm.example")
    assert token is not None

    response = browser.post(
        "/login", data={"_token": token.value, "email": "eve@x.example", "password": "eve's there"}, base_url=BASE
    )

    assert response.status_code == 303
    assert office.signed_in(browser) == office.site.identity.find("eve@x.example").id
    cookie = browser.get_cookie("guanxi", domain="crm.example")
    assert cookie is not None
    # Where the password has to be shown again, it is that of the directory too; nobody else's will do.
    with pytest.raises(SignInRefused, match="The password is wrong"):
        office.site.identity.prove(cookie.value, "ada's there")
    assert office.site.identity.prove(cookie.value, "eve's there") != cookie.value


def test_nothing_tells_why_it_did_not_fit(make: Make, directory: Directory, tmp_path: Path) -> None:
    office = make(config(directory, tmp_path))
    identity = office.site.identity
    identity.sign_in("eve", "eve's there")
    identity.disable(identity.find("eve@x.example").id)

    said = {
        refused(office, name, password)
        for name, password in (
            ("ada", "wrong"),
            ("nobody", "wrong"),
            ("two@x.example", "two"),
            ("eve", "eve's there"),
            ("cn=Ada,ou=people,dc=x", "ada's there"),
        )
    }

    assert said == {"Email and password do not fit"}


def test_an_empty_password_is_none(make: Make, directory: Directory, tmp_path: Path) -> None:
    office = make(config(directory, tmp_path))

    for password in ("", "\0", "ada's there\0"):
        before = len(directory.binds)
        assert refused(office, "ada", password) == "Email and password do not fit"
        # The directory would have let a bind without a password in: it is never asked.
        assert len(directory.binds) == before


def test_a_name_is_a_name_and_no_filter(make: Make, directory: Directory, tmp_path: Path) -> None:
    office = make(config(directory, tmp_path, filter="(uid={name})"))

    for name in (
        "*", "a*", "ada)(uid=*", "*)(|(uid=*", "ada)(!(uid=x", "nobody)(|(uid=ada", "\\61da", "ada\\00", "(uid=ada)",
        "ada,ou=people", "*)(memberOf=cn=Sales,ou=groups,dc=x", "x" * 300,
    ):  # fmt: skip
        for password in ("ada's there", "eve's there"):
            assert refused(office, name, password) == "Email and password do not fit", name
    assert office.site.identity.sign_in("ada", "ada's there").principal.name == "Ada"


def test_wrong_passwords_are_counted_as_always(make: Make, directory: Directory, tmp_path: Path) -> None:
    office = make(config(directory, tmp_path), limits={"sign_in_attempts": 3})
    for _ in range(3):
        refused(office, "ada", "wrong")
    before = len(directory.binds)

    with pytest.raises(SignInLocked):
        office.site.identity.sign_in("ada", "ada's there")

    # So nobody locks an account of the directory by trying here.
    assert len(directory.binds) == before
    assert [event["method"] for event in office.events("sign_in_failed")] == ["password"] * 3


def test_a_directory_that_cannot_be_trusted_learns_nothing(make: Make, directory: Directory, tmp_path: Path) -> None:
    certificate(tmp_path, "stranger")
    for more in (
        {"authorities": str(tmp_path / "stranger.pem")},
        {"url": f"ldaps://127.0.0.1:{directory.port}"},
        {"url": "ldap://127.0.0.1:9"},
        {"base": "dc=elsewhere"},
    ):
        before = len([each for each in directory.binds if "guanxi" not in each[0]])
        assert (
            refused(make(config(directory, tmp_path, **more)), "ada", "ada's there") == "Email and password do not fit"
        )
        assert len([each for each in directory.binds if "guanxi" not in each[0]]) == before
    with servers.running() as open_one:
        fill(open_one)
        office = make(config(open_one, tmp_path))
        refused(office, "ada", "ada's there")
        assert open_one.binds == []
        # On this machine it may be told to.
        office = make(config(open_one, tmp_path, starttls=False))
        assert office.site.identity.sign_in("ada", "ada's there").principal.name == "Ada"


# The library drops a connection whose certificate names another server without closing it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_certificate_for_another_server_is_not_believed(make: Make, tmp_path: Path) -> None:
    with servers.running(certificate(tmp_path, "ldap", "127.0.0.2"), ldaps=True) as directory:
        fill(directory)
        refused(make(config(directory, tmp_path, url=f"ldaps://127.0.0.1:{directory.port}")), "ada", "ada's there")
        assert directory.binds == []
    with servers.running(certificate(tmp_path, "ldap"), ldaps=True) as directory:
        fill(directory)
        office = make(config(directory, tmp_path, url=f"ldaps://127.0.0.1:{directory.port}"))
        assert office.site.identity.sign_in("ada", "ada's there").principal.name == "Ada"


def test_a_site_on_postgresql_does_the_same(
    make: Make, directory: Directory, tmp_path: Path, postgres_url: str
) -> None:
    office = make(config(directory, tmp_path), database_url=postgres_url)
    office.site.publish()

    done = office.site.identity.sign_in("eve", "eve's there")

    assert done.principal.roles == {"everyone", "seller"}
    assert office.events("sso_linked") == [{"provider": "house", "account": "eve@x.example"}]
    assert office.site.identity.sign_in("eve", "eve's there").principal.id == done.principal.id
