"""Every sentence of the writing half of engine/data is there in Chinese, with the same places for values."""

import ast
import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

ROOT = Path(__file__).parents[4]
CATALOGUES = ROOT / "engine/locale/zh"
MODULES = [
    "answers",
    "autonumber",
    "backfill",
    "batch",
    "bulk",
    "consequences",
    "dependencies",
    "drafts",
    "files",
    "history",
    "idempotency",
    "incoming",
    "linked",
    "mass",
    "phrases",
    "pipeline",
    "probes",
    "purging",
    "records",
    "restoring",
    "revealing",
    "rollups",
    "searching",
    "sets",
    "shape",
    "transactions",
    "transitions",
    "trash",
    "undo",
    "unit",
    "upserting",
]
SOURCES = [
    *(ROOT / f"engine/data/{name}.py" for name in MODULES),
    *sorted((ROOT / "engine/data/steps").glob("*.py")),
]


def elsewhere() -> set[str]:
    """Return the sentences of the other catalogues: one that two parts say stands in one of them."""
    found: set[str] = set()
    for path in CATALOGUES.glob("*.po"):
        if path.name != "data_write.po":
            with path.open("rb") as stream:
                found |= {str(entry.id) for entry in read_po(stream) if entry.id}
    return found


def sentences() -> set[str]:
    return {
        call.args[0].value
        for source in SOURCES
        for call in ast.walk(ast.parse(source.read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "Message"
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    }


def catalogue() -> dict[str, str]:
    with (CATALOGUES / "data_write.po").open("rb") as stream:
        return {str(entry.id): str(entry.string) for entry in read_po(stream) if entry.id}


def test_the_catalogue_has_the_sentences_and_no_others() -> None:
    found = sentences()

    assert len(found) > 60
    assert found - elsewhere() - catalogue().keys() == set()
    assert catalogue().keys() - found == set()


@pytest.mark.parametrize(("english", "chinese"), catalogue().items())
def test_a_sentence_has_the_same_places_in_both_languages(english: str, chinese: str) -> None:
    assert chinese
    assert sorted(re.findall(r"\{\w+\}", english)) == sorted(re.findall(r"\{\w+\}", chinese))
