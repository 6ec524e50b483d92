"""Under which names the site answers: a foreign one in the Host header leads to links that lead elsewhere.

A name of our own choice keeps pages of others from reaching a site inside the house by a name of theirs. Where
guanxi.yaml names none, the site answers to addresses and to the names of the machine itself, which nobody else can
point at it.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Sequence
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Flask, request
from werkzeug.wrappers import Response

from engine import Message
from ui.api.problems import BadRequest, problem_response
from ui.asking import program_language

_FORM = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9_.-]{1,253})(?::[0-9]{1,5})?")
_ANYBODY = frozenset({"/healthz"})
"""What programs ask that know no name of the site; it says nothing but that it runs."""


def guard(app: Flask, base_url: str | None, hosts: Sequence[str]) -> None:
    """Refuse requests to the site under names that are not its own.

    `base_url` and `hosts` are those of guanxi.yaml; a name without a port is good with any.
    """
    known = knows(base_url, hosts)

    @app.before_request
    def _check() -> Response | None:
        if known(request.headers.get("Host", "")) or request.path in _ANYBODY:
            return None
        refusal = BadRequest(
            Message("The site does not answer under this name: base_url or hosts of guanxi.yaml would have to name it")
        )
        if request.path.startswith("/api/"):
            return problem_response(refusal, program_language())
        raise refusal


def knows(base_url: str | None, hosts: Sequence[str]) -> Callable[[str], bool]:
    """Return what says whether a Host header names the site."""
    named = {each.lower() for each in hosts}
    if base_url:
        named.add(urlsplit(base_url).netloc.lower())
    own = set() if named else {"localhost", socket.gethostname().lower(), socket.getfqdn().lower()} - {""}

    @lru_cache(maxsize=256)
    def known(host: str) -> bool:
        found = _FORM.fullmatch(host)
        if found is None:
            return False
        full, name = host.lower(), found[1].lower()
        if named:
            return full in named or name in named or full in {f"{each}:80" for each in named}
        return name in own or name.endswith(".localhost") or _is_address(name)

    return known


def _is_address(name: str) -> bool:
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
