"""What people type, made plain: blanks, line ends, full-width signs, and what no text may hold.

Nothing here drops a character that a person could mean. What cannot be stored or would deceive a reader is refused.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import Any

from engine.errors import BadValue
from engine.i18n import Message

# Null bytes and lone surrogates cannot be stored; the bidirectional overrides and isolates let a name show in another
# order than it is stored. Joiners (emoji, Persian) and the marks that set a direction for one place are harmless.
_NOT_IN_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_NOT_IN_BLOCK = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_LINE_END = re.compile("\r\n|[\r\x85\u2028\u2029]")
_EMPTY_HEAD = re.compile(r"\A(?:[^\S\n]*\n)+")
# A byte order mark or a zero-width blank came along with a copy.
_EDGE = re.compile(r"\A[\s\ufeff\u200b]+|[\s\ufeff\u200b]+\Z")

_NARROW = {0xFF01 + step: 0x21 + step for step in range(94)} | {
    ord(wide): narrow
    for wide, narrow in {
        "\u3000": " ", "\u00a0": " ", "\u2009": " ", "\u202f": " ",
        "\uffe5": "\u00a5", "。": ".", "、": ",", "\u2212": "-", "\u2010": "-", "\u2011": "-",
        "\u2013": "-", "\u2014": "-", "\u2018": "'", "\u2019": "'", "“": '"', "”": '"',
    }.items()
}  # fmt: skip
_SHOWN = 40


def narrow(text: str) -> str:
    """Return text with full-width letters, digits and punctuation as ASCII has them."""
    return text if text.isascii() else text.translate(_NARROW)


def shown(raw: Any) -> str:
    """Return a wrong value as a message quotes it: short, on one line, harmless to print."""
    text = raw if isinstance(raw, str) else repr(raw)
    text = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text[: _SHOWN + 1])
    return text[:_SHOWN] + "…" if len(text) > _SHOWN else text


def as_text(raw: Any) -> str:
    """Return raw text as it is, and a whole or decimal number in digits, as a spreadsheet cell may hold it.

    Raises:
        BadValue: it is neither.
    """
    if isinstance(raw, str):
        return raw
    if isinstance(raw, int) and not isinstance(raw, bool):
        return str(raw)
    if isinstance(raw, float) and abs(raw) < 1e15:  # noqa: PLR2004 - whole numbers below are exact; not nan, not inf
        return str(int(raw)) if raw.is_integer() else repr(raw)
    if isinstance(raw, Decimal) and raw.is_finite():
        return format(raw, "f")
    raise BadValue(Message("Not a text"))


def line(raw: Any) -> str:
    """Return one line of text: outer blanks dropped, in Unicode's composed form (NFC).

    Raises:
        BadValue: it has several lines, control characters or marks that turn the reading direction.
    """
    text = as_text(raw).strip()
    if text.isprintable():
        return text if text.isascii() else unicodedata.normalize("NFC", text)
    text = _EDGE.sub("", text)
    found = _NOT_IN_LINE.search(text)
    if found is not None:
        _refuse(found[0])
    return unicodedata.normalize("NFC", text)


def block(raw: Any) -> str:
    r"""Return text of several lines: line ends as "\n", outer empty lines and closing blanks dropped, NFC.

    Raises:
        BadValue: it has control characters other than tabs and line ends.
    """
    text = as_text(raw)
    if not text.isprintable():
        text = _LINE_END.sub("\n", text).removeprefix("\ufeff")
        found = _NOT_IN_BLOCK.search(text)
        if found is not None:
            _refuse(found[0])
    text = _EMPTY_HEAD.sub("", text.rstrip())  # the first line itself may be indented on purpose
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _refuse(character: str) -> None:
    if character in "\n\r\u2028\u2029":
        raise BadValue(Message("Must be one line"))
    raise BadValue(Message("Holds the character U+{code}, which cannot be kept", code=f"{ord(character):04X}"))


def check_length(text: str, most: int, least: int = 0) -> str:
    """Return the text.

    Raises:
        BadValue: it has more code points than `most`, or fewer than `least`.
    """
    if len(text) > most:
        raise BadValue(Message("Too long: {length} characters, at most {max}", length=len(text), max=most))
    if len(text) < least:
        raise BadValue(Message("Too short: {length} characters, at least {min}", length=len(text), min=least))
    return text


_SEPARATOR = re.compile("[,，、;；\n\r\t]+")


def parts(raw: Any) -> list[Any]:
    """Return the entries of a list but None, or of a text with commas, semicolons or line ends between them.

    Raises:
        BadValue: it is neither.
    """
    if isinstance(raw, str):
        return [part for part in map(str.strip, _SEPARATOR.split(raw)) if part]
    if isinstance(raw, (list, tuple)):
        return [part for part in raw if part is not None]
    if isinstance(raw, (set, frozenset)):
        return sorted((part for part in raw if part is not None), key=str)
    raise BadValue(Message("Not a list"))
