"""Whatever the language says, it says in Chinese too."""

from __future__ import annotations

import ast
import string
from pathlib import Path

import engine.expression
from engine.i18n import translate


def templates() -> set[str]:
    found = set()
    for file in Path(engine.expression.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id="Message"), args=[ast.Constant(value=str(template)), *_]):
                    found.add(template)
    return found


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_message_has_a_chinese_text_with_the_same_values() -> None:
    messages = templates()

    assert len(messages) > 80
    for template in messages:
        chinese = translate(template, "zh")
        assert chinese != template, template
        assert placeholders(chinese) == placeholders(template), template
