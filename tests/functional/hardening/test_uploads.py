"""What people upload: judged by its bytes, never shown by us, limited in all, and no spreadsheet is a trap."""

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from engine import QuotaExceeded, SheetUnreadable
from engine.data.files import Room
from engine.data.transfer import unpacking
from engine.data.transfer.sheet import open_sheet
from tests.functional.screens.filling import form_at
from tests.functional.screens.world import World

HTML = b"<!doctype html><script>alert(1)</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
XML = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'
PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489") + b"\0" * 40


def sent(world: World, content: bytes, name: str, kind: str = "image/png") -> str:
    """Upload a file with the API as Ada and return its id."""
    web = world.browser("ada")
    response = web.client.post(
        "/api/v1/files", data={"file": (io.BytesIO(content), name, kind)}, headers={"Origin": "http://localhost"}
    )
    assert response.status_code == 201, response.text
    return str(response.get_json()["id"])


def test_no_upload_is_ever_a_page_of_ours(clinic: World) -> None:
    for content, name in ((HTML, "a.png"), (SVG, "a.svg"), (XML, "a.xml"), (HTML, "a.html")):
        file = sent(clinic, content, name)
        for address in (f"/files/{file}", f"/api/v1/files/{file}"):
            response = clinic.browser("ada").get(address)

            headers = response.headers
            assert response.data == content
            assert headers["Content-Disposition"].startswith("attachment;")
            assert headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert "image/png" not in headers["Content-Type"]


def test_what_an_upload_says_it_is_counts_for_nothing(clinic: World) -> None:
    web = clinic.browser("cai")

    refused = form_at(web, "/thing/new").fill(name="Vase", photo=(HTML, "face.png")).send()

    assert refused.status_code == 422
    assert "image/png" in refused.text


def test_a_name_leads_nowhere_and_brings_no_header(clinic: World) -> None:
    for name in ("../../../etc/passwd", "..\\..\\boot.ini", "\u202egnp.exe", "a\0.txt", "\ud800.txt"):
        file = sent(clinic, PNG, name.encode("utf-8", "replace").decode())

        headers = clinic.browser("ada").get(f"/files/{file}").headers

        assert ".." not in headers["Content-Disposition"]
        assert "%E2%80%AE" not in headers["Content-Disposition"]
    assert not list(clinic.site.config.folder.rglob("passwd"))


def test_a_person_and_a_site_have_so_much_room_and_no_more(clinic: World) -> None:
    clinic.site.files.room = Room(person=1_000)
    web = clinic.browser("ada")
    sent(clinic, b"x" * 900, "a.txt")

    response = web.client.post(
        "/api/v1/files", data={"file": (io.BytesIO(b"y" * 200), "b.txt")}, headers={"Origin": "http://localhost"}
    )

    assert response.status_code == 413
    assert response.get_json()["type"] == "urn:guanxi:quota-exceeded"
    assert response.get_json()["detail"] == "You have no room left for this file: 0.0 of 0.0 MB are used"
    assert clinic.site.files.used(clinic.ids["ada"]) == 900
    clinic.site.files.room = Room(site=500)
    with pytest.raises(QuotaExceeded):
        clinic.site.files.add(clinic.site.principal(clinic.ids["cai"]), io.BytesIO(b"z"), name="c.txt")


def test_a_form_says_at_its_field_that_there_is_no_room(clinic: World) -> None:
    clinic.site.files.room = Room(site=10)

    refused = form_at(clinic.browser("cai"), "/thing/new").fill(name="Vase", papers=(b"x" * 20, "a.txt")).send()

    assert refused.status_code == 422
    assert "no room left" in refused.text
    assert 'value="Vase"' in refused.text


def test_the_limits_of_guanxi_yaml_are_in_force(clinic: World) -> None:
    limits = replace(clinic.site.config.limits, files_megabytes=5, files_megabytes_per_person=2)
    config = replace(clinic.site.config, limits=limits)

    site = type(clinic.site)(config)

    assert site.files.room == Room(5 * 2**20, 2 * 2**20)
    site.close()


def packed(path: Path, parts: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in parts.items():
            book.writestr(name, content)
    return path


def lying(path: Path) -> Path:
    """Let a packed file say that its parts are tiny."""
    data = path.read_bytes()
    with zipfile.ZipFile(path) as book:
        [part] = book.infolist()
    truth, lie = part.file_size.to_bytes(4, "little"), (7).to_bytes(4, "little")
    path.write_bytes(data.replace(truth, lie))
    return path


@pytest.mark.parametrize("lies", [False, True])
def test_a_spreadsheet_that_is_a_trap_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lies: bool
) -> None:
    monkeypatch.setattr(unpacking, "MOST_BYTES", 2**21)
    monkeypatch.setattr(unpacking, "_BLOCK", 2**12)
    path = packed(tmp_path / "trap.xlsx", {"xl/workbook.xml": b"0" * (2**22)})
    if lies:
        path = lying(path)

    with pytest.raises((unpacking.TooLargeUnpacked, SheetUnreadable)), open_sheet(path):
        pass


def test_entities_of_a_spreadsheet_are_not_expanded(tmp_path: Path) -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">' + b"".join(
        b'<!ENTITY %c "%s">' % (98 + level, b"&%c;" % (97 + level) * 10) for level in range(9)
    )
    secret = b'<!DOCTYPE a [<!ENTITY j SYSTEM "file:///etc/passwd">'
    for start in (bomb, b'<?xml version="1.0"?>' + secret):
        path = packed(
            tmp_path / "book.xlsx",
            {
                "[Content_Types].xml": b'<?xml version="1.0"?><Types/>',
                "xl/workbook.xml": b'<workbook xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/'
                b'relationships"><sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>',
                "xl/_rels/workbook.xml.rels": b'<Relationships><Relationship Id="rId1" Type="http://schemas.'
                b'openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/>'
                b"</Relationships>",
                "xl/worksheets/sheet1.xml": start + b"]><worksheet><sheetData><row r='1'><c r='A1' t='inlineStr'><is>"
                b"<t>x&j;y</t></is></c></row></sheetData></worksheet>",
            },
        )
        try:
            with open_sheet(path) as sheet:
                text = " ".join(sheet.headers)
        except SheetUnreadable:
            continue

        assert "aaaa" not in text
        assert "root" not in text
        assert len(text) < 100
