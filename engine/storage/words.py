"""How text is cut into words for search, the same for both databases and for queries.

Latin words and numbers stand as they are, in lower case and without accents. A run of Chinese, Japanese or Korean
characters becomes its pairs, one after the other, and once each its single characters: one character is found by
itself, two by their pair, three and more by pairs that follow each other. So a query of any length finds exactly what
contains it. Names get the first letters of their pinyin besides, and short ones all of it; long numbers get their
endings, by which people look for telephone numbers.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

GAP = "·"
"""Stands between two runs that would look like one; nobody can search for it."""

MAX_CHARACTERS = 20_000
"""Of one record and weight; what follows is not found."""

MAX_WORD = 64
_MAX_TERMS = 16

_CJK = "\u3005-\u3007\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
_RUNS = re.compile(f"([{_CJK}]+)|([^\\W_{_CJK}]+)")
_PHONE = re.compile(r"\+?\(?\d[\d\s().\-/]{5,}\d")
_DIGITS = re.compile(r"\D+")
_PLAIN_BELOW = 0x530  # Latin, Greek, Cyrillic: there an accent is an accent and not another letter

_LONG_NUMBER, _LONGEST_NUMBER, _ENDING = 7, 20, 4
_NAME_RUN, _SHORT_NAME = 20, 4


def plain(text: str) -> str:
    """Return text as it is compared: compatible forms made one, lower case, no accents."""
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKC", text).casefold()
    letters = []
    for letter in text:
        if "\x7f" < letter < chr(_PLAIN_BELOW):
            letters.append(
                "".join(part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part))
            )
        else:
            letters.append(letter)
    return "".join(letters)


def segment(text: str, *, name: bool = False) -> list[str]:
    """Return the words of a text in their order, then what else it shall be found by.

    With `name`, pinyin is added for Chinese.
    """
    text = plain(text[:MAX_CHARACTERS])
    words: list[str] = []
    more: dict[str, None] = {}
    before = ""
    for cjk, word in _RUNS.findall(text):
        if word:
            words.append(word[:MAX_WORD])
            before = ""
            if word.isdigit():
                more.update(dict.fromkeys(_endings(word)))
            continue
        if before == cjk[0]:
            words.append(GAP)
        before = cjk[-1]
        if len(cjk) == 1:
            words.append(cjk)
            continue
        words += [cjk[at : at + 2] for at in range(len(cjk) - 1)]
        more.update(dict.fromkeys(cjk))
        if name and len(cjk) <= _NAME_RUN:
            more.update(dict.fromkeys(pinyin(cjk)))
    if len(text) > _LONG_NUMBER and any(letter.isdigit() for letter in text):
        for found in _PHONE.findall(text):
            number = _DIGITS.sub("", found)
            if number not in words:
                more.update(dict.fromkeys((number[:MAX_WORD], *_endings(number))))
    return [*words, *more]


def _endings(number: str) -> Iterator[str]:
    """Yield the endings of a long number."""
    if _LONG_NUMBER <= len(number) <= _LONGEST_NUMBER:
        for length in range(_ENDING, len(number)):
            yield number[-length:]


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that must occur: words that follow each other, the last of which may go on when `prefix`."""

    words: tuple[str, ...]
    prefix: bool = False


@lru_cache(maxsize=1000)
def terms(query: str) -> tuple[Term, ...]:
    """Return what must all occur for a query to match; nothing for a query without a word."""
    text = plain(query)
    if _PHONE.fullmatch(text.strip()):
        return (Term((_DIGITS.sub("", text)[:MAX_WORD],), prefix=True),)
    found: list[Term] = []
    last = -1
    for cjk, word in _RUNS.findall(text)[:_MAX_TERMS]:
        if word:
            last = len(found)
            found.append(Term((word[:MAX_WORD],)))
        elif len(cjk) == 1:
            found.append(Term((cjk,)))
        else:
            pairs = [cjk[at : at + 2] for at in range(len(cjk) - 1)][:_MAX_TERMS]
            found.append(Term(tuple(pairs)))
    if last >= 0:
        found[last] = Term(found[last].words, prefix=True)
    return tuple(dict.fromkeys(found))


# -- pinyin

_FIRST, _LAST = 0x4E00, 0x9FFF
_SURNAMES = {
    "单": ("shan", "dan"), "曾": ("zeng", "ceng"), "解": ("xie", "jie"), "仇": ("qiu", "chou"), "查": ("zha", "cha"),
    "盖": ("ge", "gai"), "朴": ("piao", "pu"), "尉": ("wei", "yu"), "重": ("zhong", "chong"), "长": ("chang", "zhang"),
    "乐": ("le", "yue"), "行": ("hang", "xing"), "会": ("hui", "kuai"), "区": ("qu", "ou"), "翟": ("zhai", "di"),
    "缪": ("miao", "mou"), "召": ("shao", "zhao"), "盛": ("sheng", "cheng"), "藏": ("zang", "cang"),
    "折": ("she", "zhe"), "覃": ("qin", "tan"), "阚": ("kan", "han"), "车": ("che", "ju"), "俟": ("qi", "si"),
    "石": ("shi",), "沈": ("shen",), "任": ("ren",), "万": ("wan",), "厦": ("xia", "sha"), "调": ("diao", "tiao"),
    "传": ("chuan", "zhuan"), "银": ("yin",), "都": ("du", "dou"), "宿": ("su", "xiu"), "晟": ("sheng", "cheng"),
}  # fmt: skip
"""Characters that names pronounce otherwise than, or otherwise also, as a dictionary has it first."""

_MOST_READINGS = 4


@lru_cache(maxsize=1)
def _syllables() -> list[str]:
    """Return the syllable of each common character, without its tone; read from pypinyin's table.

    The table is read by itself: importing the package takes a quarter of a second and 58 MB.
    """
    spec = find_spec("pypinyin")
    assert spec is not None  # noqa: S101 - a dependency
    assert spec.origin is not None  # noqa: S101
    with (Path(spec.origin).parent / "pinyin_dict.json").open(encoding="utf-8") as stream:
        table = json.load(stream)
    found = [""] * (_LAST - _FIRST + 1)
    for code, readings in table.items():
        if _FIRST <= int(code) <= _LAST:
            marked = readings.partition(",")[0]
            letters = unicodedata.normalize("NFKD", marked.replace("ü", "v"))
            found[int(code) - _FIRST] = sys.intern("".join(each for each in letters if each.isascii()))
    return found


@lru_cache(maxsize=2000)
def pinyin(run: str) -> tuple[str, ...]:
    """Return what a run of Chinese characters is typed as: "zs" and "zhangsan"; nothing for one that is not Chinese."""
    table = _syllables()
    readings: list[tuple[str, ...]] = []
    for letter in run:
        known = _SURNAMES.get(letter)
        if known is None:
            at = ord(letter) - _FIRST
            known = (table[at],) if 0 <= at < len(table) and table[at] else None
        if known is None:
            return ()
        readings.append(known)
    spelled: list[tuple[str, ...]] = [()]
    for choices in readings:
        more = [(*head, choice) for choice in choices for head in spelled]
        spelled = more if len(more) <= _MOST_READINGS else [(*head, choices[0]) for head in spelled]
    initials = ("".join(each[0] for each in syllables) for syllables in spelled)
    whole: Iterable[str] = ("".join(syllables) for syllables in spelled) if len(run) <= _SHORT_NAME else ()
    return tuple(dict.fromkeys((*initials, *whole)))
