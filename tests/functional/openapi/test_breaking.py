"""What breaks programs between two documents, told by the place; what does not is not told."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from engine import Site
from tests.functional.openapi.conftest import Described
from ui.api.openapi.breaking import breaking
from ui.cli.command import Face
from ui.cli.commands import cli

Change = Callable[[dict[str, Any]], Any]


def sent(document: dict[str, Any], entity: str = "thing") -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"][f"{entity}.create"]
    return found


def read(document: dict[str, Any], entity: str = "thing") -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"][entity]
    return found


BREAKS: dict[str, tuple[Change, str]] = {
    "address": (lambda it: it["paths"].pop("/thing/query"), "/thing/query: the address is gone"),
    "method": (lambda it: it["paths"]["/thing"].pop("post"), "POST /thing: the method is gone"),
    "parameter": (
        lambda it: it["components"]["parameters"]["q"].update(name="words"),
        "GET /contact: the parameter q is gone",
    ),
    "field sent": (lambda it: sent(it)["properties"].pop("note"), "POST /thing · sent: the field note is gone"),
    "field read": (lambda it: read(it)["properties"].pop("note"), "GET /thing · read · data[]: the field note is gone"),
    "option": (
        lambda it: sent(it)["properties"]["kind"]["enum"].remove("old"),
        "POST /thing · sent · kind: the option old is gone",
    ),
    "new option": (
        lambda it: read(it)["properties"]["kind"]["enum"].append("odd"),
        "GET /thing · read · data[].kind: it may be odd now",
    ),
    "required": (
        lambda it: sent(it)["required"].append("note"),
        "POST /thing · sent: the field note has to be given now",
    ),
    "narrower": (
        lambda it: sent(it)["properties"]["name"].update(maxLength=10),
        "POST /thing · sent · name: maxLength is 10 now",
    ),
    "higher least": (
        lambda it: sent(it)["properties"]["pieces"].update(minimum=5),
        "POST /thing · sent · pieces: minimum is 5 now",
    ),
    "type sent": (
        lambda it: sent(it)["properties"]["ready"].update(type=["string", "null"]),
        "POST /thing · sent · ready: boolean is no longer taken",
    ),
    "empty sent": (
        lambda it: sent(it)["properties"]["ready"].update(type="boolean"),
        "POST /thing · sent · ready: it may no longer be empty",
    ),
    "empty read": (
        lambda it: read(it)["properties"]["created_at"].update(type=["string", "null"]),
        "GET /thing · read · data[].created_at: it may be empty now",
    ),
    "form": (
        lambda it: sent(it)["properties"]["town"].update(pattern="^[A-Z]"),
        "POST /thing · sent · town: its form is another one now: ^[A-Z]",
    ),
    "row of a child": (
        lambda it: it["components"]["schemas"]["visit_item.nested"]["properties"].pop("what"),
        "POST /visit · sent · items[]: the field what is gone",
    ),
}
HARMLESS: dict[str, Change] = {
    "label": lambda it: read(it)["properties"]["note"].update(title="Remark"),
    "new field": lambda it: (
        sent(it)["properties"].update(more={"type": "string"}),
        read(it)["properties"].update(more={"type": "string"}),
    ),
    "wider": lambda it: sent(it)["properties"]["name"].update(maxLength=1_000),
    "no longer required": lambda it: sent(it)["required"].remove("name"),
    "option gone from what is read": lambda it: read(it)["properties"]["kind"]["enum"].remove("old"),
    "option added to what is sent": lambda it: sent(it)["properties"]["kind"]["enum"].append("odd"),
    "new address": lambda it: it["paths"].update({"/more": {"get": {"responses": {}}}}),
    "never empty any more": lambda it: read(it)["properties"]["note"].update(type="string"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_what_breaks_programs_is_told_at_its_place(shown: Described, name: str) -> None:
    old = shown.document()
    new = copy.deepcopy(old)
    change, told = BREAKS[name]
    change(new)

    assert told in [each.in_("en") for each in breaking(old, new)]


@pytest.mark.parametrize("name", HARMLESS)
def test_what_breaks_nothing_is_not_told(shown: Described, name: str) -> None:
    old = shown.document()
    new = copy.deepcopy(old)
    HARMLESS[name](new)

    assert not breaking(old, new)


def guanxi(site: Site, *words: str) -> tuple[int, str]:
    """Run a command on a site; return its exit code and what it printed."""
    face = Face()
    face.folder = site.config.folder
    done = CliRunner().invoke(cli, ["openapi", *words], obj=face, standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return int(done.return_value or 0), done.stdout


def test_the_command_writes_the_document_and_tells_what_a_publication_breaks(clinic: Described, tmp_path: Path) -> None:
    file = tmp_path / "nurse.json"
    code, _ = guanxi(clinic.site, "--role", "nurse", "-o", str(file))
    assert code == 0
    assert json.loads(file.read_bytes())["paths"] == clinic.document("nia")["paths"]
    assert guanxi(clinic.site, "--role", "nurse", "--against", str(file))[0] == 0
    documents = clinic.site.config.folder / "schemas" / "world.yaml"
    text = documents.read_text(encoding="utf-8")
    documents.write_text(text.replace("required: true, max_length: 120", "required: true, max_length: 60"), "utf-8")
    clinic.site.publish()

    code, said = guanxi(clinic.site, "--role", "nurse", "--against", str(file))
    machine = guanxi(clinic.site, "--json", "--role", "nurse", "--against", str(file))[1]

    assert code == 1
    assert "POST /visit · sent · subject: maxLength is 60 now" in said
    assert {"place": "POST /visit · sent · subject", "message": "maxLength is 60 now"} in json.loads(machine)["breaks"]
