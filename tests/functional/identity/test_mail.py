"""The outbox, and a server that takes mail: a real one, which may be slow to please, or not there at all."""

import email
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from engine import clock
from engine.data.vault import Vault
from engine.errors import GuanxiError
from engine.i18n import Message
from engine.mail import Letter, Mail, MailSettings, Post
from engine.storage.database import Database
from engine.storage.migrations import migrate

LINK = "https://crm.example/login/link/very-secret"
USER, PASSWORD = "guanxi@x.example", "mail password"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    migrate(database)
    yield database
    database.dispose()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a key and a certificate for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


class Server:
    """A mail server with moods."""

    def __init__(self) -> None:
        self.taken: list[EmailMessage] = []
        self.moods: list[str] = []
        self.refused: dict[str, str] = {}
        self.signed_in: list[bool] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.moods:
            return self.moods.pop(0)
        self.signed_in.append(bool(session.authenticated))
        message = email.message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.taken.append(message)
        return "250 taken"


def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    fits = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=fits, handled=fits)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def unused_port() -> int:
    return free_port()


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def port(server: Server, certificate: Path) -> Iterator[int]:
    """The port of a server that takes mail from who signs in over TLS."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    controller = Controller(
        server,
        hostname="127.0.0.1",
        port=free_port(),
        tls_context=context,
        require_starttls=True,
        auth_required=True,
        authenticator=check,
    )
    controller.start()
    yield controller.port
    controller.stop()


def settings(port: int, folder: Path, **more: Any) -> MailSettings:
    (folder / "mail_password").write_text(PASSWORD + "\n", "utf-8")
    found = MailSettings.read(
        {
            "server": f"smtp://127.0.0.1:{port}",
            "from": "关系 <guanxi@x.example>",
            "user": USER,
            "password": {"file": "mail_password"},
            **more,
        },
        folder,
    )
    assert found is not None
    return found


@pytest.fixture
def post(database: Database, port: int, tmp_path: Path, certificate: Path) -> Post:
    """The post of a site whose server is there."""
    given = settings(port, tmp_path, authorities=str(certificate))
    return Post(database, given, tmp_path / "outbox", Vault(b"a secret of at least some length"))


def put(post: Post, to: str = "ada@x.example", **more: Any) -> str:
    letter = Letter("reset", Message("A new password"), [Message("Choose a new password")],
                    (Message("Choose a new password"), LINK), secret=True, **more)  # fmt: skip
    with post.outbox._database.write() as connection:  # noqa: SLF001 - the one that it writes to
        return post.put(connection, letter.mail(to, "Ada", "zh"))


def state(post: Post, id_: str) -> tuple[str, int]:
    [found] = [each for each in post.entries() if each.id == id_]
    return found.state, found.attempts


def test_a_mail_goes_out_over_tls_and_leaves_no_secret_behind(post: Post, server: Server, database: Database) -> None:
    id_ = put(post)
    with database.read() as connection:
        waiting = str(connection.exec_driver_sql("SELECT * FROM mail_message").fetchall())
    assert LINK not in waiting

    done = post.send_due()

    assert (done.sent, server.signed_in, state(post, id_)) == (1, [True], ("sent", 1))
    [mail] = server.taken
    assert (mail["To"], mail["From"], mail["Subject"]) == ("ada@x.example", "关系 <guanxi@x.example>", "设置新密码")
    text, page = (mail.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert page is not None
    assert "Ada，您好：" in text.get_content()
    assert LINK in text.get_content()
    assert f'href="{LINK}"' in page.get_content()
    with database.read() as connection:
        [row] = connection.exec_driver_sql("SELECT body, html FROM mail_message").fetchall()
    assert tuple(row) == ("", "")
    assert post.send_due().sent == 0


def test_a_mail_is_there_only_if_what_causes_it_is(post: Post, database: Database) -> None:
    letter = Letter("notice", Message("Mail works"), []).mail("ada@x.example", "Ada", "en")

    def fail() -> None:
        with database.write() as connection:
            post.put(connection, letter)
            raise GuanxiError("The records were refused")

    with pytest.raises(GuanxiError, match="refused"):
        fail()

    assert post.entries() == []


def test_a_server_that_wants_it_later_gets_it_later(post: Post, server: Server) -> None:
    server.moods = ["451 come again", "450 and again"]
    id_ = put(post)

    for attempts, minutes in ((1, 0), (2, 2), (3, 10)):
        with clock.set_to(clock.now() + timedelta(minutes=minutes)):
            post.send_due()
            post.send_due()
        assert state(post, id_) == ("sent" if attempts == 3 else "waiting", attempts)

    assert len(server.taken) == 1


def test_who_is_unknown_there_is_not_tried_again_and_keeps_no_other_mail_back(post: Post, server: Server) -> None:
    server.refused = {"gone@x.example": "550 no such user", "full@x.example": "452 mailbox full"}
    gone, full, fine = put(post, "gone@x.example"), put(post, "full@x.example"), put(post)

    done = post.send_due()

    assert (done.sent, done.put_off, done.failed) == (1, 1, 1)
    assert [state(post, each)[0] for each in (gone, full, fine)] == ["failed", "waiting", "sent"]
    [entry] = post.entries(state="failed")
    assert "550 no such user" in (entry.error or "")


def test_a_server_that_is_not_there_loses_no_mail(database: Database, tmp_path: Path, unused_port: int) -> None:
    post = Post(database, settings(unused_port, tmp_path), tmp_path)
    first, second = put(post), put(post)

    done = post.send_due()

    assert (done.sent, done.put_off, done.failed) == (0, 1, 0)
    assert (state(post, first), state(post, second)) == (("waiting", 1), ("waiting", 0))
    later = clock.now()
    for _ in range(12):
        later += timedelta(days=2)
        with clock.set_to(later):
            post.send_due()
            post.send_due()
    assert {each.state for each in post.entries()} == {"failed"}


def test_a_link_that_is_over_is_not_sent_any_more(database: Database, tmp_path: Path, unused_port: int) -> None:
    post = Post(database, settings(unused_port, tmp_path), tmp_path)
    id_ = put(post, good_until=clock.now() + timedelta(seconds=30))

    post.send_due()

    assert state(post, id_) == ("failed", 1)


def test_a_server_whose_certificate_nobody_vouches_for_gets_neither_password_nor_mail(
    database: Database, port: int, tmp_path: Path, server: Server
) -> None:
    post = Post(database, settings(port, tmp_path), tmp_path)
    id_ = put(post)

    post.send_due()

    assert (server.taken, state(post, id_)) == ([], ("waiting", 1))
    assert "CERTIFICATE_VERIFY_FAILED" in (post.entries()[0].error or "")


def test_a_wrong_password_is_told_and_the_mail_waits(
    database: Database, port: int, tmp_path: Path, certificate: Path
) -> None:
    given = settings(port, tmp_path, authorities=str(certificate))
    (tmp_path / "mail_password").write_text("wrong", "utf-8")
    post = Post(database, given, tmp_path)
    id_ = put(post)

    post.send_due()

    assert state(post, id_) == ("waiting", 1)
    with pytest.raises(GuanxiError, match="535"):
        post.try_out("ada@x.example", "en")


@pytest.fixture
def bare(server: Server) -> Iterator[int]:
    """The port of a server that knows no TLS."""
    controller = Controller(server, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield controller.port
    controller.stop()


@pytest.mark.parametrize(
    ("more", "taken"),
    [
        ({"tls": "always", "user": ""}, 0),
        ({"tls": "offered", "user": ""}, 1),
        ({"tls": "offered"}, 0),
        ({"tls": "never", "user": ""}, 1),
    ],
    ids=["demanded", "offered", "never a password in the open", "never"],
)
def test_a_server_without_tls_is_used_only_where_that_is_allowed(
    sqlite_url: str, bare: int, tmp_path: Path, server: Server, more: dict[str, str], taken: int
) -> None:
    database = Database(sqlite_url)
    migrate(database)
    post = Post(database, settings(bare, tmp_path, **more), tmp_path)
    put(post)

    post.send_due()
    database.dispose()

    assert len(server.taken) == taken


def test_two_senders_never_send_one_mail_twice(post: Post, server: Server, database: Database) -> None:
    ids = {put(post, f"u{number}@x.example") for number in range(12)}
    others = [Post(database, post.settings, post.folder, post.outbox._vault) for _ in range(3)]  # noqa: SLF001 - the same
    threads = [threading.Thread(target=each.send_due) for each in (post, *others)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(str(each["To"]) for each in server.taken) == sorted(f"u{number}@x.example" for number in range(12))
    assert len({each["Message-ID"] for each in server.taken}) == len(ids)


def test_a_mail_whose_sender_died_goes_out_later_under_the_same_name(post: Post, server: Server) -> None:
    id_ = put(post)
    assert post.outbox.claim() is not None

    post.send_due()
    assert server.taken == []
    with clock.set_to(clock.now() + timedelta(minutes=11)):
        post.send_due()

    assert [each["Message-ID"] for each in server.taken] == [f"<{id_}@x.example>"]


def test_without_a_server_mails_are_files_for_the_owner_alone(database: Database, tmp_path: Path) -> None:
    post = Post(database, None, tmp_path / "outbox")
    id_ = put(post)

    assert post.send_due().sent == 1

    file = tmp_path / "outbox" / f"{id_}.eml"
    assert file.stat().st_mode & 0o077 == 0
    read = email.message_from_bytes(file.read_bytes(), policy=policy.default)
    assert read["To"] == "ada@x.example"
    assert not list(file.parent.glob("*.part"))


def test_the_thread_sends_as_soon_as_something_is_put_in(post: Post, server: Server) -> None:
    thread = post.start()
    put(post)
    post.nudge()
    waited = threading.Event()
    for _ in range(100):
        if server.taken:
            break
        waited.wait(0.05)
    post.stop()
    thread.join(5)

    assert not thread.is_alive()
    assert len(server.taken) == 1


@pytest.mark.parametrize(
    "address",
    ["ada@x.example\nBcc: all@x.example", "ada@x.example\r\n\r\nhello", "ada@x.example, bo@x.example", "ada", "",
     "<ada@x.example>", "a b@x.example", "ada@x.example\x00"],
)  # fmt: skip
def test_an_address_cannot_become_a_header(address: str) -> None:
    with pytest.raises(GuanxiError, match="no address"):
        Letter("notice", Message("Mail works"), []).mail(address, "Ada", "en")


def test_a_name_cannot_become_a_header_nor_markup(database: Database, tmp_path: Path) -> None:
    evil = "Eve\r\nBcc: all@x.example\r\n\r\n<script>alert(1)</script>"
    post = Post(database, None, tmp_path / "outbox")
    subject: Callable[..., Message] = Message
    with database.write() as connection:
        letter = Letter("notice", subject("{name} has made an account for you.", name=evil), [])
        id_ = post.put(connection, letter.mail("ada@x.example", evil, "en"))

    post.send_due()

    raw = (tmp_path / "outbox" / f"{id_}.eml").read_bytes()
    read = email.message_from_bytes(raw, policy=policy.default)
    assert isinstance(read, EmailMessage)
    assert read["Bcc"] is None
    page = read.get_body(("html",))
    assert page is not None
    assert "<script" not in page.get_content()


def test_a_mail_says_the_same_as_text_and_as_a_page() -> None:
    letter = Letter("notice", Message("Mail works"), [Message("An account was made for you.")])

    mail: Mail = letter.mail("ada@x.example", "Ada & Bo", "en")

    assert mail.text == "Hello Ada & Bo,\n\nAn account was made for you.\n"
    assert "Hello Ada &amp; Bo," in mail.html
