"""What a request of the API says, read strictly, and how its answer is put into words.

Whatever cannot be meant as it stands is refused with a reason: a key that comes twice, a parameter that there is not,
bytes that are no text. Numbers keep every digit that was sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

import orjson
from flask import Response, request

from engine import Message
from ui.api.problems import BadRequest, NotAcceptable, WrongMediaType, not_json
from ui.sizes import DEEPEST, is_too_deep

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_EXACT_LETTERS = 15
"""Digits that a binary number always keeps."""
_LONGEST_NUMBER = 400
_JSON = "application/json"
_PLAIN = frozenset({int, bool, type(None)})
_WITHOUT_BODY = frozenset({204, 304})
_ANY = re.compile(r"(\*/\*|application/\*|application/([a-z.+-]*\+)?json)\s*(;|,|$)", re.IGNORECASE)
_OTHER_FORMS = frozenset({"api.files.download", "api.transfers.fetch"})
"""What answers in a form of its own."""
_LISTS = frozenset({"fields", "order", "ids"})
"""Parameters that name several things: with commas between them, or each time anew, as some clients write lists."""
_MAY_BE_EMPTY = frozenset({"filter", "q", "cursor", "field", "person"})
"""Parameters that are texts, of which the empty one asks for nothing."""
_PREFERENCE = re.compile(r"(?:^|,)\s*return\s*=\s*\"?minimal\"?\s*(?:,|;|$)", re.IGNORECASE)


class Answer(Response):
    """JSON on its way: whole, its headers as they are, so nothing has to be looked at once more."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Send it."""
        if self.status_code in _WITHOUT_BODY or self._on_close or not isinstance(self.response, list):
            return super().__call__(environ, start_response)
        start_response(self.status, self.headers.to_wsgi_list())
        return () if environ["REQUEST_METHOD"] == "HEAD" else self.response


def answer(body: Any, status: int = 200) -> Response:
    """Return JSON."""
    return Answer(orjson.dumps(body), status, mimetype=_JSON)


def minimal() -> bool:
    """Say whether the caller wants no record back after a write (`Prefer: return=minimal`, RFC 7240)."""
    return "Prefer" in request.headers and _PREFERENCE.search(request.headers["Prefer"]) is not None


def wants_json() -> None:
    """Refuse to answer who takes no JSON.

    Raises:
        NotAcceptable: so it is.
    """
    accepted = request.headers.get("Accept")
    if accepted and accepted != "*/*" and _ANY.search(accepted) is None and request.endpoint not in _OTHER_FORMS:
        raise NotAcceptable(Message("The answer is {known}, which Accept leaves out", known=_JSON))


# --- parameters


def require_text() -> None:
    """Refuse an address that is no text: something would be looked for that nobody meant.

    Raises:
        BadRequest: it holds bytes that are no UTF-8, or the character NUL.
    """
    query: bytes = request.query_string
    path: str = request.environ.get("PATH_INFO", "")
    if (not path.isascii() and not _is_utf8(path.encode("latin-1"))) or (
        b"%" in query and not _is_utf8(unquote_to_bytes(query))
    ):
        raise BadRequest(Message("The address holds bytes that are no UTF-8"))
    if b"%00" in query or "\0" in path:
        raise BadRequest(Message("The address holds the character NUL"))


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def parameters(*known: str, more: re.Pattern[str] | None = None) -> dict[str, str]:
    """Return the parameters of the address; `more` is how others may be called that come in any number.

    Those that `more` names are left out of the answer.

    Raises:
        BadRequest: there is one that is none, as a misspelt filter would answer with every record; or one comes twice.
    """
    found: dict[str, str] = {}
    for name, values in request.args.lists():
        if name in known:
            if len(values) > 1 and name not in _LISTS:
                raise BadRequest(Message("The parameter {name} is given more than once", name=name))
            if not values[0] and name not in _MAY_BE_EMPTY:
                raise BadRequest(Message("The parameter {name} is empty; leave it out", name=name))
            found[name] = values[0] if len(values) == 1 else ",".join(values)
        elif more is None or more.fullmatch(name) is None:
            names = ", ".join(known) or "-"
            raise BadRequest(
                Message("There is no parameter {name} here; there are {known}", name=name[:100], known=names)
            )
    return found


# --- bodies


def given() -> dict[str, Any]:
    """Return the JSON object in the body.

    Raises:
        BadRequest: there is none, or it cannot be kept as it was sent.
        WrongMediaType: the body says that it is something else.
    """
    raw, mimetype = request.get_data(cache=False), request.mimetype
    if mimetype and mimetype != _JSON and not mimetype.endswith("+json"):
        raise WrongMediaType(Message("Send {wanted}, not {sent}", wanted=_JSON, sent=mimetype[:100]))
    try:
        # The strict reader: no NaN, no halves of characters, no depth that would end the process.
        quick = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadRequest(Message("The body is not JSON: {reason}", reason=str(error))) from None
    if not isinstance(quick, dict):
        raise not_json()
    if _is_plain(quick, raw):
        return quick
    if is_too_deep(quick):
        raise BadRequest(Message("The body has more than {most} levels within each other", most=DEEPEST))
    body: dict[str, Any] = _CAREFUL.decode(raw.decode())
    return body


def _is_plain(quick: dict[str, Any], raw: bytes) -> bool:
    """Say whether the strict reader has surely lost nothing: no list, no object, no number with a point, no double.

    Where none is escaped, each colon is one that stands in a text, or behind a key that was kept; one more is that of a
    key that comes twice.
    """
    if b"\\u003" in raw:
        return False
    colons = len(quick)
    for key, value in quick.items():
        kind = value.__class__
        if kind is str:
            colons += value.count(":")
        elif kind not in _PLAIN:
            return False
        colons += key.count(":")
    return raw.count(b":") == colons


def given_if_any() -> dict[str, Any]:
    """Return the JSON object in the body, an empty one where there is no body."""
    return given() if request.content_length or "Transfer-Encoding" in request.headers else {}


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise BadRequest(Message("The body gives {name} more than once", name=repr(twice[:100])))
    return found


def _exact(text: str) -> float | Decimal:
    """Return a number with a point as the float that it is, or exactly where a float would lose digits of it."""
    if len(text) <= _EXACT_LETTERS:
        return float(text)
    if len(text) > _LONGEST_NUMBER:
        raise BadRequest(Message("The body holds a number of more than {most} digits", most=_LONGEST_NUMBER))
    value, exact = float(text), Decimal(text)
    return value if Decimal(repr(value)) == exact else exact


def _whole(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise BadRequest(Message("The body holds a number of more than {most} digits", most=_LONGEST_NUMBER))
    return int(text)


_CAREFUL = json.JSONDecoder(object_pairs_hook=_without_doubles, parse_float=_exact, parse_int=_whole)
"""The exact reader, for what the strict one has found to be JSON."""


def require_only(body: Mapping[str, Any], *known: str) -> None:
    """Refuse a body with keys that mean nothing here.

    Raises:
        BadRequest: there is one.
    """
    for name in body.keys() - set(known):
        names = ", ".join(known)
        raise BadRequest(Message("The body has no {name}; it has {known}", name=name[:100], known=names))
