"""Planted secrets: after all that people do with them, no byte of one is found where somebody might look."""

import io
import logging
import re
import zipfile
from pathlib import Path

import pytest

from engine.backup import postgres, sqlite
from engine.backup.saving import save
from engine.data.principal import SYSTEM
from engine.data.query import Query
from engine.data.transfer import ImportOptions
from engine.errors import GuanxiError
from engine.expression import parse
from engine.site.secrets import rotate_keys
from engine.site.site import Site
from tests.functional.screens.filling import form_at
from tests.functional.screens.world import Web
from ui.app import create_app
from ui.asking import COOKIE

MARK = "pl4nt3d"
PASSWORD = f"{MARK}-password-of-ada"


def secret(number: int) -> str:
    """Return a secret value; all of them have something in common that nothing else has."""
    return f"{MARK}-{number:04}"


@pytest.fixture
def indexed(site: Site) -> Site:
    """A site whose secret `id_card` has a blind index."""
    file = site.config.folder / "schemas" / "badge.yaml"
    text = file.read_text(encoding="utf-8").replace("id_card: {type: secret,", "id_card: {type: secret, unique: true,")
    file.write_text(text, encoding="utf-8")
    site.publish()
    return site


def work(site: Site, folder: Path) -> list[str]:
    """Do everything with secrets that can be done, and return what people and logs saw of it."""
    records, seen = site.records, []
    [one, two] = [
        each.id
        for each in records.create(
            SYSTEM, "badge", [{"name": f"n{n}", "id_card": secret(n), "portal": secret(10 + n)} for n in (0, 1)]
        )
    ]
    changes = [{"id": one, "portal": secret(20)}, {"id": two, "id_card": secret(21), "name": "changed"}]
    for change in changes:
        records.update(SYSTEM, "badge", [change])
    for wrong in (
        {"name": None, "id_card": secret(30), "portal": secret(31)},
        {"name": "twin", "id_card": secret(0)},
        {"name": "long", "portal": secret(32) * 400},
        {"name": "no such", "x": secret(33)},
    ):
        with pytest.raises(GuanxiError) as told:
            records.create(SYSTEM, "badge", [wrong])
        seen += [str(told.value), repr(told.value)]
    with site.reading(SYSTEM) as reader:
        for where in (f"id_card == '{secret(0)}'", f"id_card in ['{secret(21)}']"):
            assert len(reader.query(Query("badge", ("id", "name", "id_card", "portal"), where=parse(where))).ids) == 1
        for where in (f"portal == '{secret(20)}'", f"id_card > '{secret(0)}'"):
            with pytest.raises(GuanxiError) as refused:
                reader.query(Query("badge", ("id",), where=parse(where)))
            seen.append(repr(refused.value.in_("zh")))
        assert reader.search(secret(0)) == []
        seen.append(str(reader.history("badge", one)))
        seen.append(str(reader.record("badge", one).json()))
    out = io.BytesIO()
    for kind in ("csv", "jsonl"):
        site.export(SYSTEM, "badge", out, kind=kind)
    seen.append(out.getvalue().decode())
    sheet = io.BytesIO()
    site.export(SYSTEM, "badge", sheet, kind="xlsx")
    with zipfile.ZipFile(sheet) as book:
        seen += [book.read(name).decode(errors="replace") for name in book.namelist()]
    file = folder / "in.csv"
    file.write_text(f"name,id_card,portal\nimported,{secret(40)},{secret(41)}\n,{secret(42)},{secret(43)}\n", "utf-8")
    report = site.import_file(SYSTEM, "badge", file, ImportOptions())
    assert (report.created, report.failed) == (1, 1)
    seen.append(str(report.problems))
    assert report.change_set
    site.undo(SYSTEM, report.change_set)
    records.delete(SYSTEM, "badge", [two])
    records.restore(SYSTEM, "badge", [two])
    assert records.reveal(SYSTEM, "badge", one, "id_card") == secret(0)
    rotate_keys(site)
    (folder / "in.csv").unlink()
    for errors in folder.glob("*.errors.csv"):
        errors.unlink()  # It holds rows of the file that was read, for whoever had that.
    return seen


def browse(site: Site) -> list[str]:
    """Use the screens: a good form, a bad one, a failure, the record, its history, the list, a wrong password."""
    app = create_app(site)
    ada = site.identity.add("Ada", "ada@example.com", ["admin"])
    site.identity.set_password(ada, PASSWORD)
    web = Web(app.test_client())
    seen = [web.submit("/login", {"email": "ada@example.com", "password": PASSWORD + "x"}).text]
    web.client.set_cookie(COOKIE, site.identity.sign_in("ada@example.com", PASSWORD).secret)
    place = form_at(web, "/badge/new").fill(name="by form", id_card=secret(50), portal=secret(51)).saved()
    place = place.partition("?")[0]
    bad = form_at(web, "/badge/new").fill(name="", id_card=secret(52), portal=secret(53)).refused()
    # What was typed into a form that is refused comes back to who typed it, in its input, and nowhere else.
    seen.append(re.sub(r'value="[^"]*"', "", bad.page))
    seen += [web.get(each).text for each in (place, f"{place}/edit", f"{place}/history", "/badge")]
    seen.append(web.get("/badge/no-such-id").text)
    for address in ("/api/v1/badge", f"/api/v1{place}", "/badge/export.csv", f"/search?q={MARK}"):
        response = web.get(address)
        seen.append(response.text if MARK not in address else re.sub(MARK, "", response.text, count=10))
    return seen


@pytest.mark.usefixtures("caplog")
def test_no_byte_of_a_secret_is_found_anywhere(
    indexed: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    with caplog.at_level(logging.DEBUG):
        seen = work(indexed, folder)
        seen += browse(indexed)
    file = indexed.config.folder / "schemas" / "badge.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("portal: {type: secret,", "portal: {type: text,"), encoding="utf-8")
    indexed.publish()
    save(indexed, tmp_path / "one.backup")

    for number, each in enumerate(seen):
        assert MARK not in each, (number, each[max(0, each.index(MARK) - 200) :][:400])
    assert MARK not in caplog.text
    assert MARK not in "".join(capfd.readouterr())
    with zipfile.ZipFile(tmp_path / "one.backup") as archive:
        for name in archive.namelist():
            assert MARK.encode() not in archive.read(name), name
    for path in (each for each in indexed.config.folder.rglob("*") if each.is_file()):
        assert MARK.encode() not in path.read_bytes(), path
    dialect = postgres if indexed.database.dialect == "postgresql" else sqlite
    with indexed.database.read() as connection:
        for table in dialect.describe(connection)["tables"]:
            rows: list[bytes] = []
            dialect.rows(connection, table, rows.append)
            assert MARK.encode() not in b"".join(rows), table["name"]


def test_the_search_finds_what_lies_open(indexed: Site) -> None:
    """The proof above would find a value: an open one is found in the same places."""
    indexed.records.create(SYSTEM, "badge", [{"name": MARK}])
    dialect = postgres if indexed.database.dialect == "postgresql" else sqlite
    found = set()
    with indexed.database.read() as connection:
        for table in dialect.describe(connection)["tables"]:
            rows: list[bytes] = []
            dialect.rows(connection, table, rows.append)
            if MARK.encode() in b"".join(rows):
                found.add(table["name"])

    assert {"s_badge", "record_change"} <= found
