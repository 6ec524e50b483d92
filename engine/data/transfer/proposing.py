"""Which field each column of a file probably means: by its words, by words like them, and by its cells."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from engine.data.transfer.changing import change_of
from engine.data.transfer.looking import FileLook
from engine.data.transfer.mapping import DATES, ColumnMap, ColumnRule
from engine.data.transfer.matching import Matcher, plain
from engine.errors import BadValue
from engine.metadata.model import Field

Why = Literal["name", "similar", "values", "said", ""]

_SIMILAR = 0.82
_MOSTLY = 0.8
_FEW = 3
"""Letters up to which words have to be the same to mean the same."""
_MOST_OPTIONS = 40
"""Different values of a column up to which each may be given a meaning."""

_EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;]+")
_PHONE = re.compile(r"[+(]?\d[\d\s().\-/]{5,18}\d")
_URL = re.compile(r"(https?://|www\.)\S+|[\w-]+(\.[\w-]+)*\.(com|cn|net|org|io|de|eu|co|gov|edu)(/\S*)?", re.IGNORECASE)
_COMMA_NUMBER = re.compile(r"[^\d,.]*-?(\d{1,3}(\.\d{3})+|\d+),\d{1,3}[^\d,.]*")

_BY_TYPE: Mapping[str, str] = {
    "email": "mail e-mail emailaddress mailaddress 邮箱 电子邮箱 电子邮件 邮件 电邮",
    "phone": "tel telephone telephonenumber phonenumber mobile mobilephone cell cellphone 电话 联系电话 手机 手机号"
    " 手机号码 固定电话 座机",
    "url": "web website homepage site link url 网址 网站 官网 主页",
    "address": "addr street streetaddress 地址 联系地址 公司地址 详细地址",
}
_BY_KEY: Mapping[str, str] = {
    "title": "name fullname title company companyname organisation organization customer customername 名称 姓名"
    " 公司名称 客户名称 企业名称 公司 单位名称 联系人姓名",
    "owner": "owner accountowner assignedto responsible salesperson 负责人 所有人 归属人 业务员 销售 销售员",
    "external_id": "externalid code number no legacyid sourceid 编号 编码 外部编号 客户编号 系统编号",
    "remark": "note notes comment comments description remarks 备注 说明 描述",
    "created_at": "createdat created createdon creationdate 创建时间 创建日期",
}


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a column probably is."""

    index: int
    header: str
    rule: ColumnRule | None
    """None = leave it out."""
    why: Why = ""


def propose(matcher: Matcher, look: FileLook, said: ColumnMap | None = None) -> list[Proposal]:
    """Return a proposal for each column that has a header; what a mapping says already stays as it is.

    No field is proposed for two columns.
    """
    found: dict[int, Proposal] = {}
    taken: set[str] = set()
    for index, header in look.named:
        if said is not None and header in said.columns:
            rules = said.rules(header)
            found[index] = Proposal(index, header, rules[0] if rules else None, "said")
            taken |= {rule.field for rule in rules}
    wanted = [(index, header) for index, header in look.named if index not in found]
    guesses = sorted(
        (guess for index, header in wanted for guess in _guesses(matcher, look, index, header)),
        key=lambda guess: (-guess.score, guess.index),
    )
    for guess in guesses:
        if guess.index in found or guess.target in taken or guess.target.partition(".")[0] in taken:
            continue
        taken.add(guess.target)
        rule = fitted(matcher, ColumnRule(guess.target), look.column(guess.index))
        found[guess.index] = Proposal(guess.index, look.headers[guess.index], rule, guess.why)
    return [found.get(index) or Proposal(index, header, None) for index, header in look.named]


@dataclass(frozen=True, slots=True)
class _Guess:
    index: int
    target: str
    score: float
    why: Why


def _guesses(matcher: Matcher, look: FileLook, index: int, header: str) -> Iterator[_Guess]:
    for target in sorted(matcher.guess(header), key=lambda each: each.count(".")):
        yield _Guess(index, target, 3, "name")
    words = plain(header)
    for name, targets in _names(matcher).items():
        score = _likeness(words, name)
        if score >= _SIMILAR:
            for target in targets:
                yield _Guess(index, target, 1 + score, "similar")
    samples = look.column(index)
    if samples:
        for key, each in matcher.fields().items():
            if (score := _fits(each, samples)) >= _MOSTLY:
                yield _Guess(index, key, score, "values")


def _names(matcher: Matcher) -> dict[str, list[str]]:
    """Return words that a header may have -> fields, those of the product and those that are usual elsewhere."""
    names: dict[str, list[str]] = {name: sorted(targets) for name, targets in matcher.names().items()}
    for key, each in matcher.fields().items():
        usual = _BY_TYPE.get(each.type.name, "") + " " + _BY_KEY.get(key, "")
        if key == matcher.title:
            usual += " " + _BY_KEY["title"]
        for word in usual.split():
            names.setdefault(plain(word), []).append(key)
    return names


def _likeness(words: str, name: str) -> float:
    """Return how much alike two headers are, from 0 to 1."""
    if words == name:
        return 1
    if not words or not name or min(len(words), len(name)) <= (1 if not words.isascii() else _FEW):
        return 0
    if words.isascii() != name.isascii():
        return 0
    if not words.isascii() and (words in name or name in words):
        return 0.84 + 0.1 * min(len(words), len(name)) / max(len(words), len(name))
    matcher = difflib.SequenceMatcher(None, words, name)
    return matcher.ratio() if matcher.quick_ratio() >= _SIMILAR else 0


def _fits(each: Field, samples: Sequence[str]) -> float:
    """Return which share of a column's cells look like values of a field of few possible ones."""
    kind = each.type.name
    test: Callable[[str], Any] | None = {
        "email": _EMAIL.fullmatch,
        "phone": _PHONE.fullmatch,
        "url": _URL.fullmatch,
    }.get(kind)
    if kind == "select" and len(set(samples)) > 1:
        parse, options = each.type.parse, each.options

        def known(cell: str) -> bool:
            # A number may mean anything; it is no word of an option.
            return not cell.isdigit() and _parses(lambda: parse(cell, options))

        test = known
    if test is None:
        return 0
    return sum(1 for cell in samples if test(cell.strip())) / len(samples)


def _parses(read: Callable[[], Any]) -> bool:
    try:
        read()
    except BadValue:
        return False
    return True


# --- what has to happen to cells


def fitted(matcher: Matcher, rule: ColumnRule, samples: Sequence[str]) -> ColumnRule:
    """Return a rule with the order of dates, the marks of numbers and the meaning of words that samples show."""
    each = matcher.fields().get(rule.field)
    if each is None or not samples:
        return rule
    kind = each.type.value_type
    if kind in {"date", "datetime"} and not rule.date:
        return _dated(matcher, each, rule, samples)
    if each.type.scale(each.options) is not None and not rule.number:
        commas = sum(1 for cell in samples if _COMMA_NUMBER.fullmatch(cell.strip()))
        return replace(rule, number="comma") if commas > len(samples) / 3 else rule
    if each.choices and not rule.values:
        unknown = unknown_words(each, rule, samples)
        meant = {word: key for word in unknown if (key := _option_like(each, word))}
        return replace(rule, values=meant) if meant else rule
    return rule


def _dated(matcher: Matcher, each: Field, rule: ColumnRule, samples: Sequence[str]) -> ColumnRule:
    def good(wanted: ColumnRule) -> int:
        change = change_of(wanted) or (lambda cell: cell)
        return sum(_parses(lambda cell=cell: matcher.read(each, change(cell))) for cell in samples)  # type: ignore[misc]

    best, most = rule, good(rule)
    for order in DATES:
        count = good(replace(rule, date=order)) if most < len(samples) else 0
        if count > most:
            best, most = replace(rule, date=order), count
    return best


def unknown_words(each: Field, rule: ColumnRule, samples: Sequence[str]) -> list[str]:
    """Return the different words of a column that name no option, or none that a rule gives a meaning to."""
    change = change_of(replace(rule, values={})) or (lambda cell: cell)
    separator = rule.separator
    found: dict[str, None] = {}
    for cell in samples:
        try:
            text = str(change(cell)).strip()
        except BadValue:
            continue
        words = [text]
        if each.type.value_type == "list":
            words = [word.strip() for word in (text.split(separator) if separator else re.split(r"[,，、;；\n]", text))]
        for word in words:
            if word and not _parses(lambda word=word: each.type.parse(word, each.options)):  # type: ignore[misc]
                found[word] = None
        if len(found) >= _MOST_OPTIONS:
            break
    return list(found)[:_MOST_OPTIONS]


def _option_like(each: Field, word: str) -> str | None:
    """Return the option that a word is probably meant to be."""
    names = {
        plain(str(name)): key
        for key, option in each.choices.items()
        for name in (key, *option.label.values(), str(option.label))
    }
    close = difflib.get_close_matches(plain(word), list(names), n=1, cutoff=0.7)
    if close:
        return names[close[0]]
    inside = {key for name, key in names.items() if len(name) > 1 and not name.isascii() and name in plain(word)}
    return inside.pop() if len(inside) == 1 else None
