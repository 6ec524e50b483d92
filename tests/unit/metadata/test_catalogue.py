"""Every sentence of engine/metadata, and every description of its schemas, is there in Chinese."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from babel.messages.pofile import read_po

from engine.metadata import KINDS
from engine.metadata.kinds import schema
from engine.metadata.kinds.parts import DURATION_WORDS
from engine.metadata.reference import FILES, renewed

ROOT = Path(__file__).parents[3]
CATALOGUE = ROOT / "engine/locale/zh/metadata.po"
ABOUT_DOCUMENTS = {"warning", "{count} problems in the documents"}
"""Sentences of engine/errors.py that belong here."""


def sentences() -> set[str]:
    return ABOUT_DOCUMENTS | {
        call.args[0].value
        for source in (ROOT / "engine/metadata").rglob("*.py")
        for call in ast.walk(ast.parse(source.read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "Message"
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    }


def descriptions() -> set[str]:
    def walk(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            if isinstance(value.get("description"), str):
                yield value["description"].removesuffix(DURATION_WORDS)
            for each in value.values():
                yield from walk(each)
        elif isinstance(value, list):
            for each in value:
                yield from walk(each)

    # Those that name a type or a step stand in no table of the reference.
    named = ("A field of type", "A step that does")
    found = {each for kind in KINDS for each in walk(schema(kind)) if not each.startswith(named)}
    return found | {DURATION_WORDS.strip()}


def elsewhere() -> set[str]:
    """Return the sentences of the other catalogues: one that two parts say stands in one of them."""
    found: set[str] = set()
    for path in CATALOGUE.parent.glob("*.po"):
        if path != CATALOGUE:
            with path.open("rb") as stream:
                found |= {str(entry.id) for entry in read_po(stream) if entry.id}
    return found


def catalogue() -> dict[str, str]:
    with CATALOGUE.open("rb") as stream:
        return {str(entry.id): str(entry.string) for entry in read_po(stream) if entry.id}


def test_the_catalogue_has_the_sentences_and_no_others() -> None:
    found = sentences() | descriptions()

    assert found - elsewhere() - catalogue().keys() == set()
    assert catalogue().keys() - found == set()


def test_a_sentence_has_the_same_values_in_chinese() -> None:
    for sentence, chinese in catalogue().items():
        assert re.search("[\u4e00-\u9fff]", chinese), sentence
        assert set(re.findall(r"{(\w+)}", chinese)) == set(re.findall(r"{(\w+)}", sentence)), sentence


@pytest.mark.parametrize("language", FILES)
def test_the_reference_is_up_to_date(language: str) -> None:
    text = (ROOT / FILES[language]).read_text(encoding="utf-8")

    assert renewed(language, text) == text, "run python -m engine.metadata.reference"
