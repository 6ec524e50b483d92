"""Every sentence of the screens has its Chinese, with the same places for values."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

UI = Path(__file__).parents[3] / "ui"
CALLED = {"Message": 0, "words": 0, "_said": 0, "_range": 1}
"""Functions that are given a sentence, and which of their arguments it is."""


def in_python(file: Path) -> Iterator[str]:
    """Yield the sentences of a module."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLED:
            for part in ast.walk(node.args[CALLED[node.func.id]]) if node.args else ():
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.value


def in_template(file: Path) -> Iterator[str]:
    """Yield the sentences of a template."""
    yield from re.findall(r'_\("((?:[^"\\]|\\.)*)"', file.read_text("utf-8"))


def sentences() -> dict[str, str]:
    """Return every sentence of the screens, and where it stands."""
    modules = [*UI.glob("*.py"), *UI.glob("pages/**/*.py"), *UI.glob("widgets/**/*.py")]
    found = {each: file.name for file in modules for each in in_python(file)}
    return found | {each: file.name for file in UI.glob("templates/**/*.html") for each in in_template(file)}


@pytest.fixture(scope="module")
def catalogue() -> dict[str, str]:
    """The Chinese of the product: what the engine says already, the screens do not say again."""
    known: dict[str, str] = {}
    for file in (*(UI / "locale" / "zh").glob("*.po"), *(UI.parent / "engine" / "locale" / "zh").glob("*.po")):
        with file.open("rb") as stream:
            known |= {str(each.id): str(each.string) for each in read_po(stream, locale="zh") if each.id}
    return known


def test_every_sentence_is_in_the_catalogue(catalogue: dict[str, str]) -> None:
    missing = {each: place for each, place in sentences().items() if not catalogue.get(each)}

    assert missing == {}


def test_a_translation_has_the_places_for_values_of_its_sentence(catalogue: dict[str, str]) -> None:
    def places(text: str) -> list[str]:
        return sorted(re.findall(r"\{\w+\}", text))

    assert {each: said for each, said in catalogue.items() if places(each) != places(said)} == {}


def test_there_are_sentences_to_look_at() -> None:
    assert {"Recycle bin", "No {plural} yet", "The filter cannot be used", "Last 30 days"} <= set(sentences())
