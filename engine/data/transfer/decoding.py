"""In which encoding a text is written, and what stands between its cells: found out by reading."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TextIO

from engine.errors import GuanxiError
from engine.i18n import Message

DELIMITERS = (",", ";", "\t", "|")
ENCODINGS = ("utf-8", "gb18030", "big5", "cp1252", "utf-16")
"""Those that a person may choose from; any other that Python knows may be named."""
_GUESSED = ("gb18030", "big5", "cp1252")
_BLOCK = 1 << 20
_SAMPLE_BYTES = 65_536
_SAMPLE_LINES = 30
_USUAL_GB = range(0xB0, 0xD8)
"""First bytes of the hanzi that GB2312 counts as usual."""
_USUAL_BIG5 = range(0xA4, 0xC7)
_MARKS_GB = range(0xA1, 0xA4)
_MARKS_BIG5 = range(0xA1, 0xA3)


class SheetUnreadable(GuanxiError):
    """A file holds no rows that can be read; the message says why."""


def detect_encoding(path: Path) -> str:
    """Return the encoding of a text file, found by reading it to its end.

    UTF-8 is told by its strictness: text in another encoding is practically never valid UTF-8. Where several others
    could be meant, the one wins in which most characters are usual ones.

    Raises:
        SheetUnreadable: it is no text, or in none of the encodings that are known here.
    """
    with path.open("rb") as stream:
        start = stream.read(_SAMPLE_BYTES)
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" in start:
        # Text in UTF-16 without its mark: the zero bytes of ASCII letters stand on one side only.
        odd, even = start[1::2].count(0), start[::2].count(0)
        for name, sure in (("utf-16-le", odd > 10 * even), ("utf-16-be", even > 10 * odd)):
            if sure and _decodes(path, name):
                return name
        raise SheetUnreadable(Message("{file} is no text file", file=path.name))
    if _decodes(path, "utf-8"):
        return "utf-8"
    possible = [name for name in _GUESSED if _decodes(path, name)]
    if possible:
        sample = _strange_lines(path)
        return max(possible, key=lambda name: _usual(sample, name))
    raise SheetUnreadable(Message("the encoding of {file} is unknown; say it with --encoding", file=path.name))


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _strange_lines(path: Path) -> bytes:
    """Return lines that are more than ASCII, as many as a judgement needs."""
    found = bytearray()
    with path.open("rb") as stream:
        while (line := stream.readline(_SAMPLE_BYTES)) and len(found) < _SAMPLE_BYTES:
            if not line.isascii():
                found += line
    return bytes(found)


def _usual(sample: bytes, encoding: str) -> float:
    """Return which share of the characters beyond ASCII are usual ones in an encoding, from 0 to 1."""
    text = sample.decode(encoding, "replace")
    strange = [letter for letter in text if not letter.isascii()]
    if encoding == "cp1252":
        # Letters with accents stand one by one between plain ones; what is Chinese comes in pairs of high bytes.
        pairs = sum(1 for first, second in pairwise(sample) if first > 127 and second > 127)  # noqa: PLR2004
        letters = sum(1 for letter in strange if letter.isalpha() or letter in "°€£«»–—’‘“”…")
        return (letters - 2 * pairs) / max(len(strange), 1)
    marks, usual = (_MARKS_GB, _USUAL_GB) if encoding == "gb18030" else (_MARKS_BIG5, _USUAL_BIG5)
    name = "gb2312" if encoding == "gb18030" else "big5"
    score = 0.0
    for letter in strange:
        written = letter.encode(name, "ignore")
        if len(written) == 2:  # noqa: PLR2004 - bytes of a hanzi
            score += 1 if written[0] in usual else 0.5 if written[0] in marks else 0
    return score / max(len(strange), 1)


@contextmanager
def text_stream(path: Path, encoding: str) -> Iterator[TextIO]:
    """Open a text file in an encoding.

    Raises:
        LookupError: there is no such encoding.
    """
    codecs.lookup(encoding)
    with path.open("rb") as raw, io.TextIOWrapper(raw, encoding=encoding, newline="") as text:
        yield text


def sniff_delimiter(sample: str) -> str:
    """Return the delimiter that cuts the first lines into the same number of cells, more of them being better."""
    best, best_score = ",", (0.0, 0)
    for delimiter in DELIMITERS:
        try:
            rows = [row for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter) if row]
        except csv.Error:
            continue
        widths = [len(row) for row in (rows[:-1] or rows)[:_SAMPLE_LINES]]  # The last one may be cut off.
        # A title above the headers has one cell: what most rows have counts.
        usual = max(set(widths), key=lambda width: (widths.count(width), width), default=1)
        if usual == 1:
            continue
        score = (widths.count(usual) / len(widths), usual)
        if score > best_score:
            best, best_score = delimiter, score
    return best
