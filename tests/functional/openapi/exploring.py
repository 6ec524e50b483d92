"""Schemathesis against a site in this process, from the document that the site serves to whoever asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import schemathesis
from flask import Flask
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from werkzeug.serving import make_server

ALL = ("examples", "coverage", "fuzzing", "stateful")
"""The phases of a run."""
MEANING = (400, 412, 422)
"""How a request of the right form is refused for what it means: a filter is no expression, an ETag is of another
version, a link leads nowhere, a rule of the site is not kept. No schema can say that; everything else that the form
allows has to be accepted."""


def configured(
    *, examples: int, seed: int, phases: Iterable[str], headers: dict[str, str], seconds: int | None
) -> SchemathesisConfig:
    """Return the configuration of a run: every check that there is, and answers as the document says."""
    accepted = ["2xx", "3xx", "401", "403", "404", "409", "429", *map(str, MEANING)]
    refused = ["400", "401", "403", "404", "405", "406", "409", "412", "415", "422", "429"]
    return SchemathesisConfig.from_dict(
        {
            "seed": seed,
            **({"max-time": seconds} if seconds else {}),
            "headers": headers,
            "continue-on-failure": True,
            "generation": {"max-examples": examples, "no-shrink": True, "database": "none"},
            "checks": {
                "positive_data_acceptance": {"expected-statuses": accepted},
                "negative_data_rejection": {"expected-statuses": refused},
            },
            "phases": {each: {"enabled": each in set(phases)} for each in ALL},
            # A call with many operations is taken, and each that is wrong is refused in its place: Multi-Status.
            "operations": [
                {
                    "include-path-regex": "/bulk$",
                    "checks": {"negative_data_rejection": {"expected-statuses": [*refused, "207"]}},
                }
            ],
        }
    )


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Serve an application on a port of its own and yield its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def explore(
    address: str,
    token: str,
    *,
    examples: int = 5,
    seed: int = 1,
    phases: Iterable[str] = ALL,
    only: str | None = None,
    language: str = "en",
    seconds: int | None = None,
) -> tuple[dict[str, str], int]:
    """Run schemathesis in the name of a token, for so many seconds at most unless they are None.

    Return what it found wrong, and how many requests it made.
    """
    headers = {"Authorization": f"Bearer {token}", "Accept-Language": language}
    config = configured(examples=examples, seed=seed, phases=phases, headers=headers, seconds=seconds)
    whole = schemathesis.openapi.from_url(f"{address}/api/v1/openapi.json", config=config, headers=headers)
    schema = whole if only is None else whole.include(path_regex=only)
    found: dict[str, str] = {}
    made = 0
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            made += len(event.recorder.interactions)
            for case, checks in event.recorder.checks.items():
                for check in checks:
                    if check.failure_info is not None:
                        said = _said(event.recorder.label, check, event.recorder.interactions.get(case))
                        found.setdefault(*said)
        elif isinstance(event, (events.NonFatalError, events.FatalError)):
            error = event.value if isinstance(event, events.NonFatalError) else event.exception
            found.setdefault(f"error {getattr(event, 'label', '')}", repr(error)[:2_000])
        elif isinstance(event, events.EngineFinished):
            for failure in event.failures:
                found.setdefault(f"{failure.operation}: {failure.title}", str(failure.message)[:2_000])
    return found, made


def _said(label: str, check: Any, interaction: Any) -> tuple[str, str]:
    failure = check.failure_info.failure
    request, response = interaction.request, interaction.response
    body = response.content[:1_500].decode(errors="replace") if response is not None else ""
    status = response.status_code if response is not None else "-"
    sent = request.body[:1_000] if request.body else b""
    about = next((line for line in str(failure.message).splitlines() if line.startswith("Invalid component")), "")
    kind = f"{check.name} {failure.operation or label}: {failure.title} ({status}) {about}"
    return kind, f"{failure.message}\n  {request.method} {request.uri}\n  {sent!r}\n  {status} {body}"
