"""`Query`: what somebody wants to read, as a value. It holds no permission and no SQL.

The three ways in are the same thing: Python code makes one, `Query.from_params` reads the parameters of a GET,
`Query.from_json` the body of a POST. What it names is checked when it is compiled, for the one who asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

import orjson

from engine.errors import QueryInvalid
from engine.expression import Expr, from_json, parse
from engine.i18n import Message
from engine.ids import is_id
from engine.metadata.model import Order

QUERY_KEYS = (
    "select", "where", "search", "group_by", "aggregates", "having", "order_by", "limit", "cursor", "trashed", "ids",
)  # fmt: skip
"""Keys of a query as JSON."""
Unit = Literal["", "year", "quarter", "month", "week", "day", "weekday"]
Function = Literal["count", "sum", "avg", "min", "max", "count_distinct"]
UNITS: tuple[str, ...] = get_args(Unit)
FUNCTIONS: tuple[str, ...] = get_args(Function)
MOST_ROWS = 200
"""Rows of one page that a request from outside may ask for."""
MOST_IDS = 1_000
"""Ids that a request from outside may name."""
MOST_PATHS = 500
MOST_ORDERS = 10
MOST_GROUPS = 10
MOST_NUMBERS = 50
"""Columns, sort keys, parts of a grouping and numbers that a request from outside may ask for."""
_USUAL_ROWS = 50
_FLAGS = {"": False, "false": False, "true": True}

_LONGEST_PATH = 500
_LONGEST_LIMIT = 9
_T = TypeVar("_T")
_CALL = re.compile(r"([a-z_]+)\(\s*([a-z0-9_.]*)\s*\)", re.IGNORECASE)
_PATH = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Bucket:
    """One part of a grouping: a field, or the year, quarter, month, week, day or day of the week of a date."""

    path: str
    unit: Unit = ""

    @property
    def key(self) -> str:
        """Return its name in the answer: `stage`, `month(closed_on)`."""
        return f"{self.unit}({self.path})" if self.unit else self.path

    @classmethod
    def parse(cls, text: str) -> Bucket:
        """Read `stage` or `month(closed_on)`.

        Raises:
            QueryInvalid: it is neither.
        """
        call = _CALL.fullmatch(text.strip())
        if call is not None and call[1] in UNITS and call[2]:
            return cls(call[2], call[1])  # type: ignore[arg-type]
        return cls(_path(text))


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One number over each group: `count()`, `sum(amount)`."""

    function: Function
    path: str | None = None
    name: str = ""
    """How the answer calls it, and `having` and the order refer to it; `sum(amount)` and `sum_amount` unless given."""
    where: Expr | None = None
    """Only of records for which this is true."""

    @property
    def key(self) -> str:
        """Return its name in the answer."""
        return self.name or f"{self.function}({self.path or ''})"

    @property
    def names(self) -> frozenset[str]:
        """Return every name that the order and `having` may use for it."""
        word = "_".join(filter(None, (self.function, (self.path or "").replace(".", "_"))))
        return frozenset((self.key, self.name or word))

    @classmethod
    def parse(cls, text: str, name: str = "") -> Aggregate:
        """Read `count()`, `count`, `sum(amount)`.

        Raises:
            QueryInvalid: there is no such function, or it needs a field.
        """
        words = text.strip()
        call = _CALL.fullmatch(words)
        function, path = (call[1], call[2] or None) if call else (words, None)
        if function not in FUNCTIONS or (path is None and function != "count"):
            choices = ", ".join(FUNCTIONS)
            raise QueryInvalid(Message("{text} is no such number; use one of {choices}", text=text, choices=choices))
        return cls(function, path, name)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Query:
    """Rows of one entity, or numbers over them.

    Paths are dotted: `amount`, `account.owner.name`. A page has at most `limit` rows; `cursor` is what the page
    before it answered.
    """

    entity: str
    select: tuple[str, ...] = ()
    """Empty = the columns of the entity's default view."""
    where: Expr | None = None
    search: str | None = None
    """Words that full-text search must find."""
    group_by: tuple[Bucket, ...] = ()
    aggregates: tuple[Aggregate, ...] = ()
    having: Expr | None = None
    order_by: tuple[Order, ...] = ()
    """Empty = the order of the entity, else the newest first."""
    limit: int = 50
    cursor: str | None = None
    trashed: bool = False
    """True = only what is in the recycle bin; False = only what is not."""
    ids: tuple[str, ...] | None = None

    @classmethod
    def from_params(cls, entity: str, params: Mapping[str, str], *, most: int = MOST_ROWS) -> Query:
        """Return the query of a GET: `filter fields order limit cursor q trashed ids`.

        `filter` is an expression, or JSON as `to_json` writes it; `most` is the largest page. Numbers over groups are
        asked for with `from_json`.

        Raises:
            QueryInvalid: a parameter cannot be read.
            ExpressionInvalid: the filter cannot be read.
        """
        return cls(
            entity=entity,
            select=tuple(map(_path, _few("fields", _names(params.get("fields")), MOST_PATHS))),
            where=_condition(params.get("filter")),
            search=params.get("q", "").strip() or None,
            order_by=orders(_few("order", _names(params.get("order")), MOST_ORDERS)),
            limit=_limit(_whole(params.get("limit")), most),
            cursor=params.get("cursor") or None,
            trashed=_flag(_FLAGS.get(params.get("trashed", ""))),
            ids=_ids(_names(params["ids"])) if params.get("ids") else None,
        )

    @classmethod
    def from_json(cls, entity: str, body: Mapping[str, Any], *, most: int = MOST_ROWS) -> Query:
        """Return the query of a POST.

        Its keys are `select where search group_by aggregates having order_by limit cursor trashed ids`. `aggregates` is
        a list of texts, or a map of names to texts; `where` and `having` are expressions as texts or as JSON; `most` is
        the largest page.

        Raises:
            QueryInvalid: there is an unknown key, or a value of a wrong kind.
            ExpressionInvalid: an expression cannot be read.
        """
        for key in body.keys() - set(QUERY_KEYS):
            known = ", ".join(QUERY_KEYS)
            raise QueryInvalid(Message("A query has no {key}; it has {known}", key=key[:100], known=known))
        numbers = body.get("aggregates")
        named = (
            tuple(numbers.items())
            if isinstance(numbers, Mapping) and all(isinstance(text, str) for text in numbers.values())
            else tuple(("", t) for t in _texts(body, "aggregates"))
        )
        _few("aggregates", named, MOST_NUMBERS)
        return cls(
            entity=entity,
            select=tuple(map(_path, _texts(body, "select", MOST_PATHS))),
            where=_condition(body.get("where")),
            search=_text(body, "search"),
            group_by=tuple(map(Bucket.parse, _texts(body, "group_by", MOST_GROUPS))),
            aggregates=tuple(Aggregate.parse(text, name) for name, text in named),
            having=_condition(body.get("having")),
            order_by=orders(_texts(body, "order_by", MOST_ORDERS)),
            limit=_limit(body.get("limit"), most),
            cursor=_text(body, "cursor"),
            trashed=_flag(body["trashed"]) if body.get("trashed") is not None else False,
            ids=_ids(_texts(body, "ids")) if body.get("ids") is not None else None,
        )


def orders(texts: Iterable[str]) -> tuple[Order, ...]:
    """Return a sort order from texts such as `-amount`, `account.name`, `-sum(amount)`.

    Raises:
        QueryInvalid: one of them is none.
    """
    found = []
    for text in texts:
        words = text.strip()
        name = words.removeprefix("-").strip()
        path = (name,) if _CALL.fullmatch(name) else tuple(_path(name).split("."))
        found.append(Order(path, descending=words.startswith("-")))
    return tuple(found)


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",")) if text else ()


def _path(text: str) -> str:
    words = text.strip()
    if len(words) > _LONGEST_PATH or _PATH.fullmatch(words) is None:
        raise QueryInvalid(Message("{text} is not the name of a field", text=text[:100]))
    return words


def _condition(raw: Any) -> Expr | None:
    if raw is None or raw == "":
        return None
    if isinstance(raw, Mapping):
        return from_json(raw)
    if isinstance(raw, str):
        return from_json(_json(raw)) if raw.lstrip().startswith("{") else parse(raw)
    raise QueryInvalid(Message("A condition is an expression, written as a text or as JSON"))


def _json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise QueryInvalid(Message("The condition is not JSON: {reason}", reason=str(error))) from None


def _texts(body: Mapping[str, Any], key: str, most: int = MOST_IDS) -> tuple[str, ...]:
    raw = body.get(key)
    if raw is None:
        return ()
    if not isinstance(raw, (list, tuple)) or not all(isinstance(each, str) for each in raw):
        raise QueryInvalid(Message("{key} is a list of texts", key=key))
    return _few(key, tuple(raw), most)


def _few(key: str, found: tuple[_T, ...], most: int) -> tuple[_T, ...]:
    if len(found) > most:
        raise QueryInvalid(Message("{key} has at most {most} entries", key=key, most=most))
    return found


def _text(body: Mapping[str, Any], key: str) -> str | None:
    raw = body.get(key)
    if raw is not None and not isinstance(raw, str):
        raise QueryInvalid(Message("{key} is a text", key=key))
    return (raw or "").strip() or None


def _limit(raw: Any, most: int) -> int:
    if raw is None:
        return min(_USUAL_ROWS, most)
    if not isinstance(raw, int) or isinstance(raw, bool) or not 1 <= raw <= most:
        raise QueryInvalid(Message("limit is a number from 1 to {most}", most=most))
    return raw


def _whole(text: str | None) -> int | None:
    """Return the number that a parameter gives, 0 for what is none; None where there is none."""
    if not text:
        return None
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _LONGEST_LIMIT else 0


def _flag(raw: Any) -> bool:
    if not isinstance(raw, bool):
        raise QueryInvalid(Message("trashed is true or false"))
    return raw


def _ids(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in _few("ids", texts, MOST_IDS):
        if not is_id(text):
            raise QueryInvalid(Message("{text} is not an id", text=text[:100]))
    return texts
