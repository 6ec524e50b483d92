"""Every sentence of the product exists in Chinese, with the same values in it."""

import ast
import re
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.pofile import read_po

ROOT = Path(__file__).parents[2]
CATALOGUES = sorted([*(ROOT / "engine/locale/zh").glob("*.po"), *(ROOT / "ui/locale/zh").glob("*.po")])
_IN_TEMPLATE = re.compile(r"""\b_\(\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""")


def chinese() -> dict[str, str]:
    """Return all catalogues as one."""
    words: dict[str, str] = {}
    for path in CATALOGUES:
        with path.open("rb") as stream:
            words.update({str(each.id): str(each.string) for each in read_po(stream) if each.id and each.string})
    return words


def sentences() -> dict[str, str]:
    """Return every sentence in the code and in the templates, with the file that says it first."""
    found: dict[str, str] = {}
    for folder in ("engine", "ui"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "node_modules" not in path.parts:
                for words in _called(ast.parse(path.read_text(encoding="utf-8"))):
                    found.setdefault(words, str(path.relative_to(ROOT)))
    for path in sorted((ROOT / "ui/templates").rglob("*.html")):
        for literal in _IN_TEMPLATE.findall(path.read_text(encoding="utf-8")):
            found.setdefault(ast.literal_eval(literal), str(path.relative_to(ROOT)))
    return found


def _called(tree: ast.AST) -> list[str]:
    return [
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"Message", "words"}
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    ]


def _values(template: str) -> set[str]:
    return {name for _text, name, _format, _conversion in Formatter().parse(template) if name}


def test_every_sentence_has_its_chinese() -> None:
    known = chinese()

    missing = {words: place for words, place in sentences().items() if words and words not in known}

    assert not missing, "\n".join(f"{place}: {words}" for words, place in missing.items())


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: f"{path.parts[-4]}-{path.stem}")
def test_a_translation_has_the_values_of_its_sentence(path: Path) -> None:
    with path.open("rb") as stream:
        entries = [(str(each.id), str(each.string)) for each in read_po(stream) if each.id and each.string]

    wrong = [words for words, translated in entries if _values(words) != _values(translated)]

    assert not wrong


def test_no_two_catalogues_say_the_same_in_other_words() -> None:
    said: dict[str, set[str]] = {}
    for path in CATALOGUES:
        with path.open("rb") as stream:
            for each in read_po(stream):
                if each.id and each.string:
                    said.setdefault(str(each.id), set()).add(str(each.string))

    assert not {words: ways for words, ways in said.items() if len(ways) > 1}
