"""Reads an expression: a part of Python's expression syntax, with our operators only.

Precedence and associativity are Python's own. Three things are shorter in the tree than in the text:
`a < b < c` is `a < b and b < c`, `x is None` is `x == None` (equality knows missing values), and
`date('2026-01-31')` is a literal date.
"""

from __future__ import annotations

import difflib
import keyword
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

from engine.expression.ast import AGGREGATES, MAX_DEPTH, MAX_NODES, Call, Expr, Literal, Path, Position, Value, Var
from engine.expression.lexer import Token, fail, tokens
from engine.expression.moments import date_of, datetime_of, time_of
from engine.expression.registry import is_function, operators
from engine.i18n import Message

MAX_LENGTH = 10_000

VARIABLE_ROOTS = frozenset({"user", "today", "now", "old", "input"})
"""Names that begin a variable; every other one begins a path. `record.x` is another way to write `x`."""

_CONSTANTS: dict[str, Value] = {"True": True, "False": False, "None": None}
_MEANT = {
    "true": "True", "TRUE": "True", "false": "False", "FALSE": "False", "null": "None", "NULL": "None", "nil": "None",
    "undefined": "None", "none": "None", "AND": "and", "OR": "or", "NOT": "not", "IN": "in", "And": "and", "Or": "or",
    "Not": "not",
}  # fmt: skip
_KEYWORDS = frozenset(keyword.kwlist)
_WORDS = frozenset({"and", "or", "not", "in", "is", "if", "else"})
_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
_MAX_DIGITS = 28


def parse(text: str, *, around: bool = False) -> Expr:
    """Return the tree of an expression.

    With `around`, the expression speaks of other records than the one it stands in, as the `where` of a lookup does:
    then `record.x` is a variable, the field of that one record, and no other way to write `x`.

    Raises:
        ExpressionInvalid: the text is not of the language; the problem has line, column and advice.
    """
    if len(text) > MAX_LENGTH:
        fail(
            (1, MAX_LENGTH + 1),
            Message("The expression has {length} characters; {most} are allowed", length=len(text), most=MAX_LENGTH),
            code="too_long",
        )
    return _read(text, around)


@lru_cache(maxsize=2_048)
def _read(text: str, around: bool) -> Expr:  # noqa: FBT001 - a part of the key
    """Trees are immutable, and the same texts come again and again: from documents, views and filters."""
    return _Parser(tokens(text), around=around).whole()


def suggestion(word: str, known: Iterable[str]) -> Message | None:
    """Return the advice "did you mean ...?" when a known word looks like it."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return Message("did you mean {name}?", name=close[0]) if close else None


class _Parser:
    """One method a level of precedence, lowest first. Every method returns the node that it read."""

    def __init__(self, words: list[Token], *, around: bool = False) -> None:
        self._words = words
        self._around = around
        self._at = 0
        self._nesting = 0
        self._sizes: dict[int, tuple[int, int, Expr]] = {}
        self._inside_rows = 0

    # -- tokens

    @property
    def _word(self) -> Token:
        return self._words[self._at]

    def _is(self, *texts: str) -> bool:
        return self._words[self._at].sign in texts

    def _take(self, *texts: str) -> Token | None:
        word = self._words[self._at]
        if word.sign not in texts:
            return None
        self._at += 1
        return word

    def _expect(self, text: str, opened: Token | None = None) -> None:
        if self._take(text) is None:
            advice = Message("{sign} is missing", sign=text)
            if opened is not None:
                advice = Message(
                    "the {sign} of line {line}, column {column} is not closed",
                    sign=opened.text,
                    line=opened.place[0],
                    column=opened.place[1],
                )
            self._unexpected(advice)

    def _unexpected(self, advice: Message | None = None) -> None:
        word = self._word
        if word.kind == "end":
            fail(word.place, Message("The expression ends too early"), advice)
        if word.text in _MEANT:
            advice = Message("write {instead}", instead=_MEANT[word.text])
        fail(word.place, Message("{word} does not fit here", word=word.text), advice)

    # -- nodes, with their depth and size kept so that no tree grows beyond what recursion can bear

    def _made(self, node: Expr, *children: Expr) -> Expr:
        depth, size = 0, 1
        for child in children:
            below = self._sizes[id(child)]
            depth, size = max(depth, below[0]), size + below[1]
        place = node.place or (1, 1)
        if depth + 1 > MAX_DEPTH:
            fail(
                place,
                Message("The expression is nested more than {most} levels deep", most=MAX_DEPTH),
                Message("split it into several fields"),
                "too_deep",
            )
        if size > MAX_NODES:
            fail(place, Message("The expression has more than {most} parts", most=MAX_NODES), code="too_long")
        self._sizes[id(node)] = (depth + 1, size, node)
        return node

    def _call(self, name: str, place: Position, *args: Expr) -> Expr:
        return self._made(Call(name, args, place), *args)

    def _literal(self, value: Value, place: Position) -> Expr:
        return self._made(Literal(value, place))

    # -- the grammar

    def whole(self) -> Expr:
        if self._word.kind == "end":
            fail(self._word.place, Message("The expression is empty"), code="empty")
        found = self._expression()
        if self._word.kind != "end":
            self._unexpected(self._advice_after_end())
        return found

    def _advice_after_end(self) -> Message | None:
        before = self._words[self._at - 1]
        if self._word.text == "(" and before.kind == "name":
            return None
        if before.kind == "name" and before.text.lower() in {"rf", "f", "r", "b", "u"} and self._word.kind == "text":
            return Message("a text has no prefix here")
        if self._word.kind in {"name", "number", "text"} and self._word.text not in _WORDS:
            return Message("an operator such as and, or, ==, + is missing before it")
        return None

    def _expression(self) -> Expr:
        self._nesting += 1
        if self._nesting > MAX_DEPTH:
            fail(
                self._word.place,
                Message("The expression is nested more than {most} levels deep", most=MAX_DEPTH),
                Message("split it into several fields"),
                "too_deep",
            )
        value = self._any_of()
        word = self._take("if")
        if word is not None:
            condition = self._any_of()
            self._expect("else")
            value = self._call("if", word.place, condition, value, self._expression())
        self._nesting -= 1
        return value

    def _any_of(self) -> Expr:
        return self._junction("or", self._all_of)

    def _all_of(self) -> Expr:
        return self._junction("and", self._negated)

    def _junction(self, name: str, part: Callable[[], Expr]) -> Expr:
        first = part()
        if not self._is(name):
            return first
        place, parts = self._word.place, [first]
        while self._take(name):
            parts.append(part())
        return self._call(name, place, *parts)

    def _negated(self) -> Expr:
        signs = []
        while (word := self._take("not")) is not None:
            signs.append(word.place)
        value = self._comparison()
        for place in reversed(signs):
            value = self._call("not", place, value)
        return value

    def _comparison(self) -> Expr:
        left = self._sum()
        links: list[Expr] = []
        place = self._word.place
        while (made := self._link(left)) is not None:
            link, left = made
            links.append(link)
        if not links:
            return left
        return links[0] if len(links) == 1 else self._call("and", place, *links)

    def _link(self, left: Expr) -> tuple[Expr, Expr] | None:
        word = self._word
        if word.kind == "operator" and word.text in _COMPARISONS:
            self._at += 1
            right = self._sum()
            return self._call(word.text, word.place, left, right), right
        if self._take("in"):
            right = self._sum()
            return self._call("in", word.place, left, right), right
        if self._is("not") and self._words[self._at + 1].text == "in":
            self._at += 2
            right = self._sum()
            return self._call("not", word.place, self._call("in", word.place, left, right)), right
        if self._take("is"):
            name = "!=" if self._take("not") else "=="
            if not self._is("None"):
                fail(
                    self._word.place,
                    Message("Only None can follow `is`"),
                    Message("write {instead} to compare values", instead=name),
                )
            right = self._sum()
            return self._call(name, word.place, left, right), right
        return None

    def _sum(self) -> Expr:
        return self._chain(self._product, "+", "-")

    def _product(self) -> Expr:
        return self._chain(self._signed, "*", "/", "//", "%")

    def _chain(self, part: Callable[[], Expr], *signs: str) -> Expr:
        left = part()
        while (word := self._take(*signs)) is not None:
            left = self._call(word.text, word.place, left, part())
        return left

    def _signed(self) -> Expr:
        signs = []
        while (word := self._take("-", "+")) is not None:
            signs.append(word)
        if signs and signs[-1].text == "-" and self._word.kind == "number":
            place = signs.pop().place
            value = self._literal(-self._number(), place)
        else:
            value = self._primary()
        for word in reversed(signs):
            if word.text == "-":
                value = self._call("neg", word.place, value)
        return value

    def _primary(self) -> Expr:
        word = self._word
        if word.kind == "number":
            return self._literal(self._number(), word.place)
        if word.kind == "text":
            self._at += 1
            return self._literal(word.value, word.place)
        if self._take("("):
            value = self._expression()
            if self._is(","):
                fail(self._word.place, Message("{word} does not fit here", word=","), Message("a list stands in [ ]"))
            self._expect(")", word)
            return value
        if self._take("["):
            return self._list(word)
        if word.kind == "name" and word.text not in _WORDS:
            return self._named()
        self._unexpected()
        raise AssertionError

    def _number(self) -> Decimal:
        word = self._word
        self._at += 1
        after = self._word
        if (
            after.kind == "name"
            and after.place == (word.place[0], word.place[1] + len(word.text))
            and after.text not in _WORDS
        ):
            fail(word.place, Message("{word} is neither a number nor a name", word=word.text + after.text))
        digits = word.text.replace("_", "")
        if "__" in word.text or word.text.endswith("_") or "_." in word.text or "._" in word.text:
            fail(word.place, Message("{word} is no number", word=word.text))
        mantissa, _, exponent = digits.lower().partition("e")
        if len(exponent) > 3 or len(mantissa) > 2 * _MAX_DIGITS:  # noqa: PLR2004
            self._too_many_digits(word)
        value = Decimal(digits)
        whole = value.adjusted() + 1 if value else 1
        places = -int(value.normalize().as_tuple().exponent) if value else 0
        if whole > _MAX_DIGITS or places > _MAX_DIGITS:
            self._too_many_digits(word)
        return value

    def _too_many_digits(self, word: Token) -> None:
        fail(word.place, Message("{word} has more than {most} digits", word=word.text[:40], most=_MAX_DIGITS))

    def _list(self, opened: Token) -> Expr:
        values: list[Value] = []
        while not self._is("]"):
            place = self._word.place
            each = self._expression()
            if not isinstance(each, Literal) or isinstance(each.value, tuple):
                fail(
                    place,
                    Message("A list holds values only, such as ['new', 'open'] or [1, 2]"),
                    Message("write x == a or x == b to compare with other fields"),
                    "list",
                )
            values.append(each.value)
            if not self._take(","):
                break
        self._expect("]", opened)
        return self._literal(tuple(values), opened.place)

    def _named(self) -> Expr:
        word = self._word
        self._at += 1
        if self._is("(") and word.text not in _CONSTANTS:
            return self._function(word)
        if word.text in _CONSTANTS:
            return self._literal(_CONSTANTS[word.text], word.place)
        if word.text in _MEANT or word.text in _KEYWORDS:
            advice = Message("write {instead}", instead=_MEANT[word.text]) if word.text in _MEANT else None
            fail(word.place, Message("{word} is not a name", word=word.text), advice)
        keys = [word.text]
        while self._take("."):
            part = self._word
            if part.kind != "name":
                self._unexpected(Message("a field name follows the dot"))
            self._at += 1
            keys.append(part.text)
            if self._is("("):
                fail(
                    part.place,
                    Message("{name} cannot be called on a value", name=part.text),
                    Message("write {name}({path}, ...)", name=part.text, path=".".join(keys[:-1])),
                )
        if self._is("["):
            fail(
                self._word.place,
                Message("Nothing can be taken out with [ ]"),
                Message("a field of a linked record is written link.field"),
            )
        return self._path(keys, word.place)

    def _path(self, keys: list[str], place: Position) -> Expr:
        if keys[0] in VARIABLE_ROOTS:
            return self._made(Var(".".join(keys), place))
        if keys[0] == "record":
            if len(keys) == 1:
                fail(place, Message("record alone is no value"), Message("write record.field, or just field"))
            if self._around:
                return self._made(Var(".".join(keys), place))
            if self._inside_rows:
                fail(
                    place,
                    Message("record cannot be used inside any, all, count and sum_of"),
                    Message("names there are those of the related rows"),
                )
            keys = keys[1:]
        return self._made(Path(tuple(keys), place))

    def _function(self, word: Token) -> Expr:
        name = word.text
        if not is_function(name):
            advice = suggestion(name, (each for each in operators() if is_function(each)))
            if name in _WORDS or name in _KEYWORDS:
                self._at -= 1
                self._unexpected()
            fail(word.place, Message("There is no function {name}", name=name), advice, "unknown_function")
        opened = self._word
        self._at += 1
        args: list[Expr] = []
        while not self._is(")"):
            inside = bool(args) and name in AGGREGATES
            self._inside_rows += inside
            args.append(self._expression())
            self._inside_rows -= inside
            if self._is("for"):
                self._unexpected(Message("write any(relation, condition)"))
            if not self._take(","):
                break
        self._expect(")", opened)
        node = Call(name, tuple(args), word.place)
        folded = fold(node)
        return self._made(folded, *args) if folded is node else self._made(folded)


def fold(node: Expr) -> Expr:
    """Return date('2026-01-31'), time('09:00') and datetime('...Z') as the literals that they are."""
    if not isinstance(node, Call) or len(node.args) != 1 or node.name not in _FOLDED:
        return node
    (text,) = node.args
    if not isinstance(text, Literal) or not isinstance(text.value, str):
        return node
    value = _FOLDED[node.name](text.value)
    return node if value is None else Literal(value, node.place)


def _moment_of(text: str) -> datetime | None:
    """Return the moment that a text names by itself: one without an offset depends on the reader's time zone."""
    return datetime_of(text) if text[-1:] == "Z" or (text[-6:-5] in {"+", "-"} and text[-3:-2] == ":") else None


_FOLDED: dict[str, Callable[[str], Value]] = {"date": date_of, "time": time_of, "datetime": _moment_of}
