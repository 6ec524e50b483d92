"""Attached files: who may have them, and how they come."""

import re

from tests.functional.screens.filling import form_at
from tests.functional.screens.world import World

PAGE = b"<html><script>alert(1)</script></html>"


def attached(clinic: World, content: bytes = PAGE, name: str = "page.html") -> tuple[str, str]:
    """Attach a file as Cai; return the addresses of the record and of the file."""
    web = clinic.browser("cai")
    address = form_at(web, "/thing/new").fill(name="Vase", papers=(content, name)).saved()
    [file] = re.findall(r'href="(/files/[^"]+)"', web.text(address).partition("record-side")[0])
    return address, file


def test_a_file_comes_to_be_saved_and_is_never_a_page_of_ours(clinic: World) -> None:
    _, file = attached(clinic)

    response = clinic.browser("nia").get(file)

    assert response.data == PAGE
    assert response.headers["Content-Disposition"].startswith("attachment")
    assert "page.html" in response.headers["Content-Disposition"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert response.headers["Cache-Control"] == "private, no-cache"


def test_a_chinese_name_and_one_of_a_folder_come_as_names(clinic: World) -> None:
    _, file = attached(clinic, b"x", "../../etc/报告.txt")

    header = clinic.browser("cai").get(file).headers["Content-Disposition"]

    assert "filename*=UTF-8''%E6%8A%A5%E5%91%8A.txt" in header
    assert ".." not in header


def test_a_file_is_asked_for_again_without_its_bytes(clinic: World) -> None:
    _, file = attached(clinic)
    web = clinic.browser("cai")
    mark = web.get(file).headers["ETag"]

    assert web.get(file, **{"If-None-Match": mark}).status_code == 304
    part = web.get(file, Range="bytes=0-4")
    assert (part.status_code, part.data) == (206, PAGE[:5])


def test_who_may_not_read_the_record_has_no_file_of_it(clinic: World) -> None:
    address, file = attached(clinic)

    assert clinic.browser().get(file).status_code == 303
    assert clinic.browser("nia").get(file).status_code == 200
    clinic.browser("ada").submit(f"{address}/delete")
    assert clinic.browser("nia").get(file).status_code == 404
    assert clinic.browser("cai").get("/files/01a202f3-c05e-71e6-b5d3-ac5cf497aa96").status_code == 404
    assert clinic.browser("cai").get("/files/nonsense").status_code == 404


def test_somebody_elses_file_cannot_be_named_by_its_id(clinic: World) -> None:
    _, file = attached(clinic)
    form = form_at(clinic.browser("eve"), "/thing/new").fill(name="Mine")
    form.values["keep-paper"] = file.removeprefix("/files/")

    again = form.refused()

    assert "paper" in again.problems


def test_an_empty_and_a_foreign_kind_of_file_are_refused_at_their_field(clinic: World) -> None:
    web = clinic.browser("cai")

    assert "paper" in form_at(web, "/thing/new").fill(name="V", paper=(b"MZ\x00\x01", "tool.exe")).refused().problems
    assert "paper" in form_at(web, "/thing/new").fill(name="V", paper=(b"", "empty.txt")).refused().problems
