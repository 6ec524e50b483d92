"""Keys of secret values: data keys wrapped by the site's key, and both changed while others work."""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from itsdangerous import BadSignature

from engine.data.principal import SYSTEM
from engine.data.vault import rotation
from engine.errors import SiteBroken
from engine.site.secrets import encryption, rewrap_keys, rotate_keys
from engine.site.site import Site
from engine.storage.database import run
from engine.storage.guard import ENTITY_ACCESS
from tests.functional.secrets.conftest import configure


def make(site: Site, number: int, start: int = 0) -> list[str]:
    """Make badges with a secret each and return their ids."""
    rows = [{"name": f"C{each}", "portal": f"secret {each}"} for each in range(start, start + number)]
    return [written.id for written in site.records.create(SYSTEM, "badge", rows)]


def stored(site: Site) -> dict[str, str]:
    """Return the sealed values of badges by id, as the database has them."""
    table = site.published.tables.name("badge")
    with site.database.read() as connection:
        text = f"SELECT id, portal FROM {table} WHERE portal IS NOT NULL"
        return dict(run(connection, text, access=ENTITY_ACCESS).fetchall())


def changes(site: Site) -> int:
    """Return how many rows history has."""
    with site.database.read() as connection:
        number: int = run(connection, "SELECT count(*) FROM record_change").fetchone()[0]
    return number


def active(site: Site) -> str:
    [key] = [key.id for key in encryption(site).keys if key.purpose == "data" and key.state == "active"]
    return key


def test_a_value_names_the_data_key_that_sealed_it(site: Site) -> None:
    [one] = make(site, 1)

    assert stored(site)[one].startswith(f"v2:{active(site)}:")
    assert site.records.reveal(SYSTEM, "badge", one, "portal") == "secret 0"


def test_a_new_data_key_reaches_every_value(site: Site) -> None:
    ids = make(site, 7)
    before, told = active(site), changes(site)

    done = rotate_keys(site)

    assert changes(site) == told
    assert (done.sealed, done.unreadable, done.resumed) == (7, 0, False)
    assert done.key != before
    assert all(text.startswith(f"v2:{done.key}:") for text in stored(site).values())
    assert site.records.reveal(SYSTEM, "badge", ids[3], "portal") == "secret 3"


def test_another_process_takes_a_new_key_without_a_restart(site: Site, folder: Path) -> None:
    [one] = make(site, 1)
    with Site.open(folder) as other:
        assert other.records.reveal(SYSTEM, "badge", one, "portal") == "secret 0"
        done = rotate_keys(site)

        [two] = make(other, 1, start=1)

        assert other.records.reveal(SYSTEM, "badge", one, "portal") == "secret 0"
    assert stored(site)[two].startswith(f"v2:{done.key}:")


def test_a_rotation_that_was_killed_goes_on(site: Site, folder: Path) -> None:
    make(site, 30)
    before = active(site)
    code = (
        "import os, signal, sys; from engine.data.vault import rotation; from engine.site.site import Site\n"
        "from engine.site.secrets import rotate_keys\n"
        "rotation.BATCH = 10\n"
        "with Site.open(sys.argv[1]) as site:\n"
        "    rotate_keys(site, progress=lambda done: os.kill(os.getpid(), signal.SIGKILL) if done else None)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(folder)], check=False)
    assert killed.returncode == -signal.SIGKILL
    heads = {text.split(":")[1] for text in stored(site).values()}
    assert heads == {before, active(site)}

    done = rotate_keys(site)

    assert done.resumed
    assert done.key == active(site)
    assert done.sealed == 20
    assert {text.split(":")[1] for text in stored(site).values()} == {done.key}
    assert not encryption(site).unfinished


def test_others_write_while_values_are_sealed_anew(site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "BATCH", 5)
    ids = make(site, 40)
    written: dict[str, str] = {}
    stop = threading.Event()

    def work() -> None:
        with Site.open(folder) as other:
            for number in range(10_000):
                if stop.is_set():
                    return
                id_, text = ids[number % len(ids)], f"new {number}"
                other.records.update(SYSTEM, "badge", [{"id": id_, "portal": text}])
                written[id_] = text

    writer = threading.Thread(target=work)
    writer.start()
    while not written:
        time.sleep(0.01)
    done = rotate_keys(site)
    stop.set()
    writer.join()

    assert {text.split(":")[1] for text in stored(site).values()} == {done.key}
    for number, id_ in enumerate(ids):
        expected = written.get(id_, f"secret {number}")
        assert site.records.reveal(SYSTEM, "badge", id_, "portal") == expected


def test_an_emptied_key_is_destroyed_by_the_next_rotation(site: Site) -> None:
    make(site, 1)
    first = active(site)

    rotate_keys(site)
    assert first in {key.id for key in encryption(site).keys}
    done = rotate_keys(site)

    assert first in done.dropped
    assert first not in {key.id for key in encryption(site).keys}


def test_only_data_keys_are_wrapped_anew_for_a_new_key_of_the_site(site: Site, folder: Path) -> None:
    [one] = make(site, 1)
    sealed = stored(site)[one]
    site.close()
    (folder / "data" / "wrapping").write_text("w" * 40, encoding="utf-8")
    configure(folder, secrets={"key": {"file": "data/wrapping"}})

    with Site.open(folder) as changed:
        assert changed.records.reveal(SYSTEM, "badge", one, "portal") == "secret 0"
        assert rewrap_keys(changed) == 3
        assert rewrap_keys(changed) == 0
        assert stored(changed)[one] == sealed
    configure(folder, secrets={"key": {"command": ["cat", "data/wrapping"]}}, secret_key="s" * 40)
    with Site.open(folder) as changed:
        assert changed.records.reveal(SYSTEM, "badge", one, "portal") == "secret 0"


def test_a_new_signing_key_does_not_lose_secrets(site: Site, folder: Path) -> None:
    [one] = make(site, 1)
    site.close()
    old = (folder / "data" / "secret_key").read_text(encoding="utf-8").strip()
    configure(folder, secret_key="n" * 40, secrets={"old_signing_keys": [old]})

    with Site.open(folder) as changed:
        assert changed.records.reveal(SYSTEM, "badge", one, "portal") == "secret 0"
        rewrap_keys(changed)
    configure(folder, secrets={})
    with Site.open(folder) as changed:
        assert changed.records.reveal(SYSTEM, "badge", one, "portal") == "secret 0"


def test_without_the_key_nothing_opens_and_values_may_be_given_anew(site: Site, folder: Path) -> None:
    [one] = make(site, 1)
    site.close()
    configure(folder, secret_key="n" * 40)

    with Site.open(folder) as lost:
        with pytest.raises(SiteBroken, match="wrapped with another key"):
            lost.records.reveal(SYSTEM, "badge", one, "portal")
        assert not any(key.opens for key in encryption(lost).keys)
        done = rotate_keys(lost)
        assert done.unreadable == 1
        lost.records.update(SYSTEM, "badge", [{"id": one, "portal": "again"}])
        assert lost.records.reveal(SYSTEM, "badge", one, "portal") == "again"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["sh", "-c", "echo 5ecret-that-leaks; exit 3"], "ended with 3"),
        (["sh", "-c", "echo 5ecret-that-leaks"], "too short"),
        (["no-such-program"], "cannot be run"),
        (["sh", "-c", "printf '\\377'"], "no text"),
    ],
)
def test_a_command_that_gives_no_key_is_told_of_and_its_output_is_not(
    sqlite_folder: Path, command: list[str], said: str
) -> None:
    configure(sqlite_folder, secret_key={"command": command})

    with Site.open(sqlite_folder) as broken, pytest.raises(SiteBroken, match=said) as told:
        encryption(broken)

    assert "5ecret" not in str(told.value)


def test_values_from_before_data_keys_open_and_are_sealed_anew(site: Site) -> None:
    assert site.records.vault is not None
    secret = site.config.secret_key.encode()
    from engine.data.vault import Vault

    [one] = make(site, 1)
    old = Vault(secret).seal("badge", one, "portal", "from before")
    table = site.published.tables.name("badge")
    mark = "?" if site.database.dialect == "sqlite" else "%s"
    with site.database.write() as connection:
        run(connection, f"UPDATE {table} SET portal = {mark} WHERE id = {mark}", (old, one), access=ENTITY_ACCESS)
    assert old.startswith("v1:")
    assert site.records.reveal(SYSTEM, "badge", one, "portal") == "from before"

    rotate_keys(site)

    assert stored(site)[one].startswith("v2:")
    assert site.records.reveal(SYSTEM, "badge", one, "portal") == "from before"


def test_a_renamed_secret_still_opens(site: Site, folder: Path) -> None:
    [one] = make(site, 1)
    file = folder / "schemas" / "badge.yaml"
    file.write_text(file.read_text("utf-8").replace("portal: {", "gate: {renamed_from: portal, "), encoding="utf-8")
    site.publish()

    assert site.records.reveal(SYSTEM, "badge", one, "gate") == "secret 0"
    rotate_keys(site)
    assert site.records.reveal(SYSTEM, "badge", one, "gate") == "secret 0"


def test_cookies_of_a_former_signing_key_are_good_for_a_while(sqlite_folder: Path) -> None:
    from ui.app import create_app

    def cookie(folder: Path) -> str:
        app = create_app(folder)
        signer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
        assert signer is not None
        return str(signer.dumps({"notice": "hello"}))

    def read(folder: Path, text: str) -> object:
        app = create_app(folder)
        return app.session_interface.get_signing_serializer(app).loads(text)  # type: ignore[attr-defined]

    old, text = (sqlite_folder / "data" / "secret_key").read_text(encoding="utf-8").strip(), cookie(sqlite_folder)
    configure(sqlite_folder, secret_key="n" * 40, secrets={"old_signing_keys": [old]})
    assert read(sqlite_folder, text) == {"notice": "hello"}
    configure(sqlite_folder, secrets={})

    with pytest.raises(BadSignature):
        read(sqlite_folder, text)
