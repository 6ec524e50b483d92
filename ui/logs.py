"""What the site writes down while it runs: a line for each event, and nothing from outside can begin another one."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from flask import g, has_request_context

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_CREDENTIAL = re.compile(
    r"""(?ix)
    (
      \bbearer\s+ | \bgx_ | ://[^\s/:@]*:
      | ["']? (?:password|passwd|secret|token|api[_-]?key|authorization) ["']? \s* [:=] \s* ["']?
    )
    [^\s"',;&@}]{4,}"""
)
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def clean(text: str) -> str:
    """Return a text in which control characters are written out and what looks like a credential is left out."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", _CREDENTIAL.sub(r"\1***", text))


class Lines(logging.Formatter):
    """One line for each event; the lines of a trace follow it, each set in."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the event as text."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = f"{moment} {record.levelname} {record.name} [{_number()}] {clean(record.getMessage())}"
        return "\n".join([line, *(f"  {clean(each)}" for each in _trace(self, record))])


class Objects(logging.Formatter):
    """One JSON object for each event, for programs."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the event as JSON."""
        event: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "request": _number(),
            "message": clean(record.getMessage()),
        }
        trace = _trace(self, record)
        if trace:
            event["trace"] = [clean(each) for each in trace]
        return orjson.dumps(event).decode()


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> list[str]:
    return formatter.formatException(record.exc_info).splitlines() if record.exc_info else []


def _number() -> str:
    return str(g.get("request_id") or "-") if has_request_context() else "-"


def set_up(settings: Mapping[str, Any], folder: Path) -> None:
    """Write down what guanxi.yaml says under `log`, where and how it says.

    Raises:
        OSError: the file cannot be opened.
    """
    name = settings.get("file")
    if name:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        handler: logging.Handler = logging.FileHandler(folder / name, encoding="utf-8")
    else:
        handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Objects() if settings.get("format") == "json" else Lines())
    handler.set_name("guanxi")
    root = logging.getLogger()
    for former in [each for each in root.handlers if each.get_name() == "guanxi"]:
        root.removeHandler(former)
        former.close()
    root.addHandler(handler)
    root.setLevel(_LEVELS[settings.get("level") or "info"])
    logging.getLogger("guanxi.requests").setLevel(logging.INFO if settings.get("requests") else logging.WARNING)
