"""Every sentence of the product is there in Chinese too, with the same places for its values."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from engine.i18n import add_catalogues, translate

ROOT = Path(__file__).parents[2]
PLACE = re.compile(r"\{([a-z_]+)[^}]*\}")
SAME_IN_BOTH = re.compile(r"[\W\d_]*(\{\w+\}[\W\d_]*)*|.*(PostgreSQL|SQLite|Guanxi|SHA-256).*")


@cache
def sentences() -> tuple[tuple[str, str], ...]:
    """Return (where, sentence) for each `Message("…")` of the product."""
    return tuple(_found())


def _found() -> Iterator[tuple[str, str]]:
    for folder in ("engine", "ui"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            tree = ast.parse(file.read_text(encoding="utf-8"))
            for node in ast.walk(tree):
                if not isinstance(node, ast.Call) or not node.args:
                    continue
                name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                first = node.args[0]
                if name == "Message" and isinstance(first, ast.Constant) and isinstance(first.value, str):
                    yield f"{file.relative_to(ROOT)}:{node.lineno}", first.value


def test_every_sentence_is_there_in_chinese() -> None:
    add_catalogues(ROOT / "ui" / "locale")

    missing = [
        f"{where}: {sentence}"
        for where, sentence in sentences()
        if translate(sentence, "zh") == sentence and not SAME_IN_BOTH.fullmatch(sentence)
    ]

    assert missing == []


def test_a_translation_has_the_places_of_its_sentence() -> None:
    add_catalogues(ROOT / "ui" / "locale")

    wrong = [
        f"{where}: {sentence} -> {translate(sentence, 'zh')}"
        for where, sentence in sentences()
        if set(PLACE.findall(sentence)) != set(PLACE.findall(translate(sentence, "zh")))
    ]

    assert wrong == []
