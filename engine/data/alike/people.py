"""Names of people: order, titles, pinyin and initials aside, and how alike two of them are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from engine.data.alike.letters import folded, is_chinese, parts, spoken

_TITLES = re.compile(
    "(?:先生|女士|小姐|太太|夫人|老师|教授|医生|大夫|律师|师傅|同学|董事长|总经理|副总|经理|总监|主任|主管|厂长|校长|院长|局长|处长|科长|部长|老板|博士|"
    "总|董|工|哥|姐)$"
)
_LATIN_TITLES_TEXT = """
mr mrs ms miss mx dr prof sir madam herr frau jr sr ii iii phd mba
"""
_LATIN_TITLES = frozenset(_LATIN_TITLES_TEXT.split())
_COMPOUND_TEXT = """
欧阳 太史 上官 端木 司马 东方 独孤 南宫 万俟 闻人 夏侯 诸葛 尉迟 公羊 赫连 澹台 皇甫 宗政 濮阳
公冶 太叔 申屠 公孙 慕容 仲孙 钟离 长孙 宇文 司徒 鲜于 司空 令狐
"""
_COMPOUND = frozenset(_COMPOUND_TEXT.split())

LEAST_ALIKE = 0.85
_SOUNDS, _TITLE_ONLY, _INITIAL = 0.95, 0.86, 0.86
_LONGEST_CHINESE = 5
_LEAST_COMPARED = 3
_CLOSE = 0.9


@dataclass(frozen=True, slots=True)
class Person:
    """A person's name, taken apart; both parts are as they are said."""

    whole: str
    """The name as it is written, without title and blanks."""
    surname: str
    given: str
    """Empty for "张先生": somebody of whom only the surname is known."""
    loose: bool
    """Whether nobody can tell which part is the surname."""


@lru_cache(maxsize=20_000)
def person(name: str) -> Person | None:
    """Return a name taken apart; None when nothing is left of it."""
    found = parts(folded(name))
    if not found:
        return None
    joined = "".join(found)
    if is_chinese(joined):
        return _chinese(joined)
    kept = [word for word in found if word not in _LATIN_TITLES] or found
    if len(kept) == 1:
        titled = len(found) > 1
        return Person(kept[0], kept[0], "", loose=not titled)
    surname = kept[0] if "," in name else kept[-1]
    others = kept[1:] if "," in name else kept[:-1]
    return Person("".join(kept), surname, "".join(others), loose=True)


def _chinese(joined: str) -> Person:
    title = _TITLES.search(joined)
    bare = joined[: title.start()] if title is not None and title.start() > 0 else joined
    titled = bare != joined
    length = 2 if bare[:2] in _COMPOUND else 1
    surname, given = bare[:length], bare[length:]
    if not titled and not given:
        return Person(bare, spoken(bare), "", loose=False)
    if len(bare) > _LONGEST_CHINESE:
        return Person(bare, spoken(bare), "", loose=True)
    return Person(bare, spoken(surname), spoken(given), loose=False)


def similarity(one: Person, other: Person) -> float:
    """Return how alike two names are, from 0 to 1."""
    if one.whole == other.whole and bool(one.given) == bool(other.given):
        return 1.0
    if _alphabetic(one) == _alphabetic(other):
        return _SOUNDS
    if not one.given or not other.given:
        return _TITLE_ONLY if _same_surname(one, other) else 0.0
    if _initialled(one, other) or _initialled(other, one):
        return _INITIAL
    return _close(one, other)


def _alphabetic(name: Person) -> str:
    """Return the letters of a name in the order of the alphabet: "wang xiaoming" and "xiao ming wang" have the same."""
    return "".join(sorted(name.surname + name.given))


def _same_surname(one: Person, other: Person) -> bool:
    names = {one.surname} | ({one.given} if one.loose and one.given else set())
    others = {other.surname} | ({other.given} if other.loose and other.given else set())
    return not names.isdisjoint(others)


def _initialled(one: Person, other: Person) -> bool:
    """Say whether the first is the second with the first letter of what is not the surname: J. Smith, John Smith."""
    return one.surname == other.surname and len(one.given) == 1 and one.given.isascii() and other.given[:1] == one.given


def _close(one: Person, other: Person) -> float:
    if is_chinese(one.whole) and is_chinese(other.whole):
        # Names that are said differently are other people: three letters leave no room for a slip.
        return 0.0
    if not one.given or not other.given:
        return 0.0
    straight = min(_part(one.surname, other.surname), _part(one.given, other.given))
    turned = min(_part(one.surname, other.given), _part(one.given, other.surname))
    likeness = max(straight, turned if one.loose or other.loose else 0.0)
    return likeness if likeness >= _CLOSE else 0.0


def _part(one: str, other: str) -> float:
    """Return how alike two parts of names are; both parts must be, for families share one of them."""
    if one == other:
        return 1.0
    if min(len(one), len(other)) < _LEAST_COMPARED:
        return 0.0
    from rapidfuzz.distance import JaroWinkler

    return float(JaroWinkler.similarity(one, other))


def keys(name: Person) -> set[str]:
    """Return what two names that are alike have at least one of in common."""
    found = {_alphabetic(name), "^" + name.surname}
    if name.loose and name.given:
        found.add("^" + name.given)
    return found
