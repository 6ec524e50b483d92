"""Collects what is wrong with the meaning of documents, each with its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine.errors import ExpressionInvalid, ExpressionProblem, Problem
from engine.expression import Expr, Scope, Type, check, parse, paths
from engine.i18n import Message, Text
from engine.metadata.document import PathKey, join
from engine.metadata.layers import Composed
from engine.metadata.ordering import ordered
from engine.metadata.shape import suggest

Path = tuple[PathKey, ...]
_ABSENCES = frozenset({"unknown", "dropped", "title", "no_title", "parent", "no_link", "state_field"})
"""Codes of what is said when something is not there."""
_parsed: dict[tuple[str, bool], Expr] = {}
_PARSED_LIMIT = 20_000


class Report:
    """The composed documents and all that is wrong with them."""

    def __init__(self, composed: Composed, translations: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self.composed = composed
        self.problems: list[Problem] = []
        self.unresolved: set[str] = set()
        """Keys of fields whose type is not known, for a reason that is noted already."""
        self._translations = translations or {}

    def error(
        self,
        doc: str,
        path: Path,
        message: Message,
        advice: Message | None = None,
        *,
        code: str = "invalid",
        key: bool = False,
    ) -> None:
        """Note an error at a path of a document; `key`: at the key that stands there, not at its value."""
        if not self._follows(message, code):
            place = self.composed.place(doc, path, key=key)
            self.problems.append(Problem(message, place, join(path), code, advice))

    def warning(
        self,
        doc: str,
        path: Path,
        message: Message,
        advice: Message | None = None,
        *,
        code: str = "dropped",
        key: bool = False,
    ) -> None:
        """Note something that is left out, or odd, and stops nothing."""
        if not self._follows(message, code):
            place = self.composed.place(doc, path, key=key)
            self.problems.append(Problem(message, place, join(path), code, advice, "warning"))

    def _follows(self, message: Message, code: str) -> bool:
        """Whether a mistake only follows from another one, which is said already."""
        if code not in _ABSENCES:
            return False
        gone = self.composed.gone
        if gone and code == "no_title":
            return True
        if gone and any(
            not gone.isdisjoint(value.strip("'\"").removeprefix("-").split("."))
            for value in message.values.values()
            if isinstance(value, str)
        ):
            return True
        return self.composed.unread and code == "unknown" and not message.template.startswith("{entity}")

    def unknown(self, doc: str, path: Path, message: Message, word: str, known: Iterable[str], **how: Any) -> None:
        """Note a name that names nothing, with the one that it may have meant."""
        advice = suggest(word, known, gone=self.composed.gone)
        self.error(doc, path, message, advice, **{"code": "unknown", **how})

    def ordered(self, doc: str, path: Path, entries: Mapping[str, Any]) -> list[str]:
        """Return the keys of a map in order, each behind what its `after` names; warn of what cannot stand there."""
        return ordered(entries, lambda key, anchor: self.misplaced(doc, (*path, key, "after"), key, anchor, [*entries]))

    def misplaced(self, doc: str, path: Path, key: str, anchor: str, known: list[str]) -> None:
        """Warn that something cannot stand behind what its `after` names."""
        if anchor in known:
            message = Message(
                "{key} and {anchor} stand behind one another; {key} stands at the end", key=key, anchor=anchor
            )
            self.warning(doc, path, message, code="anchor")
        else:
            message = Message(
                "there is no {anchor} to stand behind; {key} stands at the end", key=key, anchor=repr(anchor)
            )
            self.warning(doc, path, message, suggest(anchor, [each for each in known if each != key]))

    def text(self, doc: str, path: Path, words: Any, fallback: str = "") -> Text:
        """Return the label that stands at a path, with what translations add."""
        if self._translations:
            more = self._translations.get(f"{doc}#/{join(path)}")
            if more is not None:
                own = {"": words} if isinstance(words, str) else dict(words or {})
                return Text({**more, **own}, fallback)
        return Text(words, fallback)

    def expression(
        self, doc: str, path: Path, text: Any, scope: Scope, expect: Type | None = Type.BOOLEAN, *, around: bool = False
    ) -> Expr | None:
        """Return an expression that fits its scope; None after noting what is wrong with it.

        `around` is what `parse` means by it.
        """
        expr = self.parse(doc, path, text, around=around)
        if expr is None:
            return None
        if self.unresolved and not self.unresolved.isdisjoint(key for each in paths(expr) for key in each):
            return None  # What it may do with that field cannot be told before the field is right.
        checked = check(expr, scope, expect)
        for problem in checked.problems:
            self.expression_problem(doc, path, problem)
        return None if checked.problems else expr

    def parse(self, doc: str, path: Path, text: Any, *, around: bool = False) -> Expr | None:
        """Return the tree of an expression; None after noting why there is none."""
        if not isinstance(text, str):
            return None
        found = _parsed.get((text, around))
        if found is not None:
            return found
        try:
            expr = parse(text, around=around)
        except ExpressionInvalid as error:
            for problem in error.problems:
                self.expression_problem(doc, path, problem)
            return None
        if len(_parsed) >= _PARSED_LIMIT:
            _parsed.clear()
        _parsed[text, around] = expr
        return expr

    def expression_problem(self, doc: str, path: Path, problem: ExpressionProblem) -> None:
        """Note a mistake at its line and column inside the text that stands at a path."""
        if self._follows(problem.message, problem.code):
            return
        positions = self.composed.origin(doc, path).positions
        place = positions.inside(path, problem.line, problem.column)
        self.problems.append(Problem(problem.message, place, join(path), problem.code, problem.advice))
