"""Splits the text of an expression into tokens with their places, and knows what people type by mistake."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

from engine.errors import ExpressionInvalid, ExpressionProblem
from engine.expression.ast import Position
from engine.i18n import Message

_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r\n\f\u3000]+|\#[^\n]*)
  | (?P<number>(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9]+)?)
  | (?P<text>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")
  | (?P<name>[^\W\d]\w*)
  | (?P<operator>===|!==|\*\*|//|==|!=|<=|>=|<>|<<|>>|:=|&&|\|\||[-+*/%<>()\[\],.=!&|^~?:;@{}$`\\])
    """,
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([\\'\"ntr])|(.?))", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}

_WRITE = {
    "=": "==", "===": "==", "!==": "!=", "<>": "!=", "&&": "and", "&": "and", "||": "or", "|": "or", "!": "not",
    "?": "a if condition else b", "{": "[", "}": "]",
    "、": ",", "。": ".", "≥": ">=", "≤": "<=", "≠": "!=", "×": "*", "÷": "/", "【": "[", "】": "]",
    "“": '"', "”": '"', "‘": "'", "’": "'", "–": "-", "\u2014": "-", "\u2212": "-",
}  # fmt: skip
"""What people write, and what stands for it here."""

_FULL_WIDTH = range(0xFF01, 0xFF5F)
"""What Chinese keyboards give instead of ASCII signs, in the order of ASCII."""

_NO_OPERATOR = {"**", "<<", ">>", "^", "~", "@", ":=", ":", ";", "$", "`", "\\"}


@dataclass(frozen=True, slots=True)
class Token:
    """One word of an expression: kind is number, text, name, operator or end."""

    kind: str
    text: str
    place: Position
    value: str = ""
    """Of a text, what stands between the quotes."""
    sign: str = ""
    """Of a name or operator, the text again: what the grammar looks for."""


def fail(place: Position, message: Message, advice: Message | None = None, code: str = "syntax") -> NoReturn:
    """Stop reading with one problem."""
    raise ExpressionInvalid([ExpressionProblem(message, place[0], place[1], advice, code)])


def tokens(text: str) -> list[Token]:
    """Return the tokens of a text, the last one of kind `end`.

    Raises:
        ExpressionInvalid: something in it is no part of the language.
    """
    found: list[Token] = []
    at, line, start = 0, 1, 0
    while at < len(text):
        place = (line, at - start + 1)
        match = _TOKEN.match(text, at)
        if match is None:
            _refuse_sign(text, at, place)
        kind, word = str(match.lastgroup), match.group()
        at = match.end()
        if kind == "space":
            if "\n" in word:
                line += word.count("\n")
                start = at - len(word) + word.rindex("\n") + 1
            continue
        value = _unquote(word, place) if kind == "text" else ""
        if kind == "operator" and (word in _WRITE or word in _NO_OPERATOR):
            _refuse_sign(text, at - len(word), place, word)
        found.append(Token(kind, word, place, value, word if kind in {"operator", "name"} else ""))
    found.append(Token("end", "", (line, at - start + 1)))
    return found


def _refuse_sign(text: str, at: int, place: Position, word: str = "") -> NoReturn:
    word = word or text[at]
    if word in "'\"":
        fail(
            place,
            Message("The text that begins here is not closed"),
            Message("end it with {quote} on the same line", quote=word),
        )
    message = Message("{sign} means nothing here", sign=word if word.isprintable() else repr(word))
    plain = chr(ord(word) - _FULL_WIDTH.start + 0x21) if len(word) == 1 and ord(word) in _FULL_WIDTH else word
    instead = _WRITE.get(plain, plain)
    if instead != word:
        fail(place, message, Message("write {instead}", instead=instead))
    fail(place, message, Message("allowed are + - * / // % == != < <= > >= in, not, and, or, if and else"))


def _unquote(word: str, place: Position) -> str:
    body = word[1:-1]

    def letter(found: re.Match[str]) -> str:
        code = found[1] or found[2] or found[3]
        if code is not None:
            number = int(code, 16)
            if not 0 < number < 0x110000 or 0xD800 <= number < 0xE000:  # noqa: PLR2004 - what is no character
                fail(
                    (place[0], place[1] + 1 + found.start()),
                    Message("{escape} is no character", escape=found.group()),
                )
            return chr(number)
        if found[4] is not None:
            return _ESCAPED.get(found[4], found[4])
        fail(
            (place[0], place[1] + 1 + found.start()),
            Message("{escape} means nothing in a text", escape=found.group()),
            Message("write \\\\ for a backslash"),
        )

    plain = _ESCAPE.sub(letter, body) if "\\" in body else body
    for offset, sign in enumerate(plain):
        if sign == "\0" or "\ud800" <= sign <= "\udfff":
            fail((place[0], place[1] + 1 + offset), Message("{escape} is no character", escape=repr(sign)))
    return plain
