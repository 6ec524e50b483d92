"""Every sentence of the field types and the hooks is there in Chinese, with the same places for values."""

import ast
import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

ROOT = Path(__file__).parents[3]
CATALOGUE = ROOT / "engine/locale/zh/fields.po"
SOURCES = [*sorted((ROOT / "engine/fields").glob("*.py")), *sorted((ROOT / "engine/hooks").glob("*.py"))]
# Units of a duration stand in a table, see duration.py.
UNITS = {"{count}d", "{count}h", "{count}m", "{count}s"}


def sentences() -> set[str]:
    return UNITS | {
        call.args[0].value
        for source in SOURCES
        for call in ast.walk(ast.parse(source.read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in {"Message", "translate"}
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    }


def catalogue() -> dict[str, str]:
    with CATALOGUE.open("rb") as stream:
        return {str(entry.id): str(entry.string) for entry in read_po(stream) if entry.id}


def test_there_are_sentences() -> None:
    assert "Must be at least {min}" in sentences()
    assert len(sentences()) > 60


def test_the_catalogue_has_the_sentences_and_no_others() -> None:
    assert set(catalogue()) == sentences()


@pytest.mark.parametrize("sentence", sorted(sentences()))
def test_a_sentence_is_in_chinese_with_the_same_values(sentence: str) -> None:
    chinese = catalogue()[sentence]

    assert re.search("[\u4e00-\u9fff]|：", chinese)
    assert set(re.findall(r"{(\w+)}", chinese)) == set(re.findall(r"{(\w+)}", sentence))
