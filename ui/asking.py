"""Who asks, of which site, in which language: what every face finds out before it does anything.

A request is made in the name of a person, shown by a token or by the cookie of a sign-in. Both lead to a `Principal`,
and only a `Principal` opens a `Reader` or writes through `Records`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import current_app, g, request

from engine import (
    LANGUAGES,
    AccessChanged,
    AccessDenied,
    Message,
    Principal,
    Reader,
    SignInNeeded,
    Site,
    Standing,
    TooManyRequests,
)
from ui import cookies

_T = TypeVar("_T")
COOKIE = "guanxi"
"""Name of the cookie that holds a sign-in."""
STEP_COOKIE = "guanxi_step"
"""Name of the cookie of a sign-in that still lacks its second factor."""
VIEW_COOKIE = "guanxi_view"
"""Name of the cookie of an administrator who looks as somebody else."""
LANGUAGE_COOKIE = "guanxi_language"


def site() -> Site:
    """Return the site that this application serves."""
    found: Site = current_app.extensions["guanxi"]
    return found


def principal() -> Principal:
    """Return who asks.

    Raises:
        SignInNeeded: neither a token nor a cookie says so, or they are no longer good.
        TooManyRequests: their programs have asked the API too often.
    """
    found: Principal | None = g.get("principal")
    if found is None:
        found = g.principal = _signed_in()
    return found


def _signed_in(connection: Any = None) -> Principal:
    found = _shown(connection)
    _count(found)
    return found


def _count(who: Principal) -> None:
    """Count a request of the API.

    Raises:
        TooManyRequests: there were too many of them.
    """
    if who.id is not None and request.path.startswith("/api/"):
        throttle = site().throttle
        try:
            g.standing = throttle.take(who.id)
        except TooManyRequests as refused:
            g.standing = Standing(throttle.per_minute, 0, refused.seconds)
            raise


def require_credentials() -> None:
    """Refuse who shows nothing, before anything is read that they sent.

    Raises:
        SignInNeeded: the request has neither a token nor a cookie; whether they are good turns out later.
    """
    if "principal" not in g and "Authorization" not in request.headers and not session_secret():
        raise SignInNeeded(Message("Please sign in"))


def writing(work: Callable[[Principal, Any], _T]) -> _T:
    """Do some calls and reads in one transaction for who asks: `work` is given them and the connection.

    Who shows a token that this process knows is taken for who they were, as long as the transaction finds that nothing
    about access has changed since; that spares the request a transaction.

    Raises:
        SignInNeeded: as `principal`.
        AccessDenied: who asks only looks as somebody else.
    """
    records, known = site().records, None
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if "principal" not in g and scheme.lower() == "bearer":
        known = site().identity.remembered(token.strip(), address=request.remote_addr)
    if known is not None:
        who, epoch = known
        _count(who)
        g.principal = who
        try:
            return records.at_once(who, lambda connection: work(who, connection), epoch=epoch)
        except AccessChanged:
            g.principal = _shown(None)
    who = principal()
    return records.at_once(who, lambda connection: work(who, connection))


def _shown(connection: Any) -> Principal:
    """Return whom the token or the cookie stands for that was shown."""
    header = request.headers.get("Authorization")
    if header is not None:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            raise SignInNeeded(Message("Only the Authorization scheme Bearer is understood"))
        if connection is not None:
            known = site().identity.remembered(token.strip(), address=request.remote_addr)
            if known is not None and known[1] == site().database.probe(connection):
                return known[0]
        return site().identity.principal_of_token(token.strip(), connection, address=request.remote_addr)
    found = site().identity.principal_of_session(session_secret(), connection)
    return _viewed(found, connection) if cookies.read(VIEW_COOKIE) else found


def _viewed(actor: Principal, connection: Any) -> Principal:
    """Return as whom an administrator looks just now, themselves when the look is over."""
    secret, session = cookies.read(VIEW_COOKIE), session_secret()
    if connection is None:
        with site().database.read() as reading_:
            found = site().identity.viewed(actor, secret, session, reading_)
    else:
        found = site().identity.viewed(actor, secret, session, connection)
    g.view_is_over = found is None
    return found or actor


def session_secret() -> str:
    """Return the secret that this browser shows for its sign-in; "" when it shows none."""
    return cookies.read(COOKIE)


@contextmanager
def reading() -> Iterator[Reader]:
    """Open one read transaction for who asks, and find out in it who that is.

    Raises:
        SignInNeeded: as `principal`.
    """
    with site().reading(g.get("principal") or _signed_in) as reader:
        g.principal = reader.principal
        # What stands on many pages and asks something itself, such as the star of a record, reads in this transaction.
        g.reader = reader
        try:
            yield reader
        finally:
            g.reader = None


def language() -> str:
    """Return the language to speak: what the person chose, else this browser, else the person's, else the browser's.

    Who looks as somebody else goes on reading as they are used to.
    """
    known: Principal | None = g.get("principal")
    if known is not None and known.viewer is None and known.tastes.language in LANGUAGES:
        return known.tastes.language
    chosen = cookies.read(LANGUAGE_COOKIE)
    if chosen in LANGUAGES:
        return chosen
    if known is not None:
        return known.language
    best = request.accept_languages.best_match(["en", "zh", "zh-CN", "zh-Hans"], default=site().config.languages[0])
    return (best or "en")[:2]


def program_language() -> str:
    """Return the language that a program asks for by Accept-Language, else that of the person it works for."""
    if "Accept-Language" not in request.headers:
        return language()
    return (request.accept_languages.best_match(["en", "zh", "zh-CN", "zh-Hans"]) or language())[:2]


def refuse_foreign_origin() -> None:
    """Refuse a request that changes something and that a page of another site sent with our cookie.

    Raises:
        AccessDenied: the browser names another origin than ours, or none at all.
    """
    sender = request.headers.get("Origin") or request.headers.get("Referer") or ""
    # A proxy may keep the name to itself that the browser asked for; guanxi.yaml knows it too.
    own = {request.host, urlsplit(site().config.base_url or "").netloc} - {""}
    if urlsplit(sender).netloc not in own:
        raise AccessDenied(Message("The request came from another site"))
