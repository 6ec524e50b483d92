"""How values of two records are compared: what is compared, how alike two are, and what those that are alike share."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from engine.data.alike import companies, people
from engine.data.alike.letters import folded, is_chinese, parts, shortened, skeleton, spoken

_DIGITS = re.compile(r"\D+")
_EXTENSION = re.compile(r";ext=.*|(?:ext\.?|x|#|转).*", re.IGNORECASE)
_HOME = "86"
_END = 4
_LEAST_PHONE = 6
_VARIED = range(5, 21)
_LEAST_FUZZY = 0.85
_PUBLIC_HOSTS_TEXT = """
gmail.com googlemail.com outlook.com hotmail.com live.com msn.com yahoo.com icloud.com me.com aol.com gmx.de
gmx.net web.de proton.me protonmail.com mail.ru yandex.ru zoho.com qq.com vip.qq.com foxmail.com 163.com
126.com yeah.net 139.com 189.cn sina.com sina.cn sohu.com aliyun.com wo.cn 21cn.com tom.com facebook.com
linkedin.com weibo.com weixin.qq.com taobao.com tmall.com 1688.com alibaba.com jd.com github.com google.com
"""
PUBLIC_HOSTS = frozenset(_PUBLIC_HOSTS_TEXT.split())
"""Hosts that say nothing about whose an address is."""


@dataclass(frozen=True, slots=True)
class Method:
    """One way to compare.

    Attributes:
        read: returns a stored value as it is compared; None for one that cannot be.
        alike: how alike two read values are, from 0 to 1; the same in both directions.
        keys: what two values that are alike have at least one of in common.
        least: from where on they count as alike unless a rule says otherwise.
        exact: whether only equal values are alike.
    """

    name: str
    read: Callable[[Any], Any]
    alike: Callable[[Any, Any], float]
    keys: Callable[[Any], Iterable[str]]
    least: float = 1.0

    @property
    def exact(self) -> bool:
        """Say whether only equal values are alike."""
        return self.least >= 1.0


def _plain(value: Any) -> str | None:
    if not isinstance(value, str):
        return str(value)
    return re.sub(r"[\s\-_.]+", "", folded(value)) or None


def _phone(value: Any) -> str | None:
    """Return the digits of a number, as those of a country when it says which."""
    text = _EXTENSION.sub("", str(value))
    digits = _DIGITS.sub("", text)
    if len(digits) < _LEAST_PHONE:
        return None
    return digits.removeprefix("00").removeprefix(_HOME) if digits.startswith(("00" + _HOME, _HOME)) else digits


def _phone_end(value: Any) -> str | None:
    digits = _phone(value)
    return digits[-_END:] if digits is not None else None


def _email(value: Any) -> str | None:
    text = folded(str(value)).strip()
    name, at, host = text.rpartition("@")
    return f"{name.partition('+')[0]}@{host}" if at and name else None


def _domain(value: Any) -> str | None:
    """Return the host of an address or of a mailbox, unless half the world is there."""
    text = str(value).strip().lower()
    host = text.rpartition("@")[2] if "@" in text else urlsplit(text if "//" in text else "//" + text).hostname or ""
    host = host.removeprefix("www.").removeprefix("mail.").rstrip(".")
    return host if "." in host and host not in PUBLIC_HOSTS else None


def _same(one: Hashable, other: Hashable) -> float:
    return 1.0 if one == other else 0.0


def _itself(value: str) -> Iterable[str]:
    return (value,)


def _words(value: Any) -> tuple[str, ...] | None:
    return tuple(parts(folded(str(value)))) or None


def _fuzzy(one: tuple[str, ...], other: tuple[str, ...]) -> float:
    if one == other:
        return 1.0
    from rapidfuzz import fuzz

    return fuzz.ratio(" ".join(sorted(one)), " ".join(sorted(other))) / 100


def _fuzzy_keys(value: tuple[str, ...]) -> Iterable[str]:
    whole = "".join(sorted(value))
    found = {spoken(whole)}
    if not is_chinese(whole):
        found.add("~" + skeleton(whole))
    if len(whole) in _VARIED:
        found |= shortened(whole)
    return found


METHODS: Mapping[str, Method] = {
    each.name: each
    for each in (
        Method("exact", _plain, _same, _itself),
        Method("phone", _phone, _same, _itself),
        Method("phone_end", _phone_end, _same, _itself),
        Method("email", _email, _same, _itself),
        Method("domain", _domain, _same, _itself),
        Method("name", lambda value: people.person(str(value)), people.similarity, people.keys, people.LEAST_ALIKE),
        Method(
            "company",
            lambda value: companies.company(str(value)),
            companies.similarity,
            companies.keys,
            companies.LEAST_ALIKE,
        ),
        Method("fuzzy", _words, _fuzzy, _fuzzy_keys, _LEAST_FUZZY),
    )
}
"""By the name that documents call them."""
