"""What can go wrong, said once: every error of the engine, with its place and a message for people.

Faces turn these into an exit code, a page or problem+json; nothing below them knows which.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from engine.i18n import Message


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where in a file: lines and columns count from 1. Documents from the database say `site:entity/lead`."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a document, and what would put it right."""

    message: Message
    place: Place | None = None
    path: str = ""
    """Inside the document: "fields/amount/type"."""
    code: str = "invalid"
    advice: Message | None = None
    severity: Literal["error", "warning"] = "error"

    def in_(self, language: str) -> str:
        """Return `file:line:column: what is wrong (what would put it right)`."""
        words = self.message.in_(language)
        if self.advice is not None:
            words = f"{words} ({self.advice.in_(language)})"
        if self.severity == "warning":
            words = f"{Message('warning').in_(language)}: {words}"
        return f"{self.place}: {words}" if self.place is not None else words

    def __str__(self) -> str:
        return self.in_("en")


class GuanxiError(Exception):
    """Whatever the engine refuses, with a message for the person who asked."""

    row: int | None = None
    """Which of several operations it is about, from 0, where one of them keeps all from being done."""

    def __init__(self, message: Message | str) -> None:
        self.message = message if isinstance(message, Message) else Message(message)
        super().__init__(str(self.message))

    def in_(self, language: str) -> str:
        """Return the message in a language."""
        return self.message.in_(language)


class DocumentsInvalid(GuanxiError):
    """Documents hold errors; `.problems` has all of all files, sorted by place."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(Message("{count} problems in the documents", count=len(self.problems)))

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


@dataclass(frozen=True, slots=True)
class ExpressionProblem:
    """One mistake in the text of an expression; line and column count from 1."""

    message: Message
    line: int = 1
    column: int = 1
    advice: Message | None = None
    code: str = "expression"

    def __str__(self) -> str:
        advice = f" ({self.advice})" if self.advice is not None else ""
        return f"{self.line}:{self.column}: {self.message}{advice}"


class ExpressionInvalid(GuanxiError):
    """An expression cannot be read or does not fit its types; `.problems` has every mistake."""

    def __init__(self, problems: Iterable[ExpressionProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems[0].message if self.problems else Message("The expression is not valid"))


class BadValue(GuanxiError):
    """A value does not fit its field; raised by field types, collected by `Records`."""


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One value that a record cannot take."""

    path: str
    """The field's key, "items/0/amount" inside child rows, "" for the record as a whole."""
    message: Message
    code: str = "invalid"
    row: int = 0
    """Place of the record in the batch, from 0."""


class RecordInvalid(GuanxiError):
    """Values are wrong; `.problems` has all of them, of all records of the batch."""

    def __init__(self, problems: Iterable[FieldProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems[0].message if self.problems else Message("The record is not valid"))

    def __str__(self) -> str:
        return "; ".join(f"{problem.path or 'record'}: {problem.message}" for problem in self.problems)


class NotFound(GuanxiError):
    """There is no such thing, or the asker may not know of it: the two are never told apart."""


class AccessDenied(GuanxiError):
    """The asker may not do this with something that they may know of."""

    def __init__(self, message: Message | str, *, entity: str = "", action: str = "", field: str = "") -> None:
        super().__init__(message)
        self.entity, self.action, self.field = entity, action, field


class SignInNeeded(GuanxiError):
    """Nobody is signed in, or the token or sign-in that was shown is no longer good."""


class SignInRefused(GuanxiError):
    """Name and password do not fit, or were wrong too often; nothing tells whether the name exists."""


class SignInLocked(SignInRefused):
    """Name or address had too many failures; `.seconds` says when to come again."""

    def __init__(self, message: Message | str, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds


class ProofNeeded(GuanxiError):
    """The sign-in is too old for this: the person shows the password or a passkey again first."""


class TooManyRequests(GuanxiError):
    """Somebody asks for something too often; `.seconds` says when to come again."""

    def __init__(self, message: Message | str, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds


class PasswordRefused(GuanxiError):
    """A new password is easy to guess; the message says what would be better."""


class StaleModel(GuanxiError):
    """The site was published between reading the model and writing: repeat once with the new one."""

    def __init__(self, pinned: int, current: int) -> None:
        self.pinned, self.current = pinned, current
        super().__init__(Message("The configuration changed while you worked; please try again"))


class AccessChanged(GuanxiError):
    """People, roles or sign-ins changed since it was found out who asks: find out again, and repeat."""

    def __init__(self) -> None:
        super().__init__(Message("What you may do changed while you worked; please try again"))


@dataclass(frozen=True, slots=True)
class FieldConflict:
    """One field that two people changed: the value both saw, the stored one, and the one not taken."""

    base: Any
    theirs: Any
    mine: Any


class VersionConflict(GuanxiError):
    """Somebody else changed the same fields of the record since it was read."""

    def __init__(
        self,
        entity: str,
        record_id: str,
        version: int,
        fields: Mapping[str, FieldConflict],
        *,
        changed_by: str | None = None,
    ) -> None:
        self.entity, self.record_id, self.version, self.fields, self.changed_by = (
            entity,
            record_id,
            version,
            fields,
            changed_by,
        )
        super().__init__(Message("The record was changed by somebody else meanwhile"))


class IdempotencyMismatch(GuanxiError):
    """An idempotency key came back with another request."""


class QueryInvalid(GuanxiError):
    """A query cannot be answered: an unknown or hidden path, a wrong type, a broken cursor."""

    def __init__(self, message: Message | str, problems: Sequence[ExpressionProblem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class QueryTooSlow(GuanxiError):
    """A query took longer than the site allows."""


class PlanRefused(GuanxiError):
    """Publishing would lose values that nobody accepted to lose; `.problems` says which."""

    def __init__(self, message: Message | str, problems: Sequence[Problem] = (), plan: Any = None) -> None:
        super().__init__(message)
        self.problems = tuple(problems)
        self.plan = plan


class PullFirst(GuanxiError):
    """The database is ahead of the folder: somebody published from elsewhere."""


class SiteBroken(GuanxiError):
    """The site's configuration or database cannot be used; the message says what and what to do."""


class DatabaseUnavailable(SiteBroken):
    """The database does not answer, or is busy for longer than a writer waits."""


class AccessTokenMissing(RuntimeError):
    """A statement touched an entity table without passing the access layer: a defect, never a user's mistake."""
