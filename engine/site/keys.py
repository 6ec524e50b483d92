"""Where a site's keys come from: a file, an environment variable, or a command that prints one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from engine.errors import SiteBroken
from engine.i18n import Message

LEAST = 32
"""Characters that a key needs at least."""
COMMAND_SECONDS = 10
"""How long a command may take that prints a key."""
_MOST_BYTES = 64 * 1024

Source = str | Mapping[str, Any]


def read_key(source: Source, folder: Path) -> str:
    """Return the key that a source gives: {file: ...}, {env: ...} or {command: [program, argument, ...]}.

    Raises:
        SiteBroken: it gives none, or one too short to be one. The message never holds what a command printed.
    """
    if isinstance(source, str):
        key = source
    elif "env" in source:
        key = os.environ.get(source["env"], "")
        if not key:
            raise SiteBroken(Message("The environment variable {name} holds no secret key", name=source["env"]))
    elif "command" in source:
        key = _printed(tuple(source["command"]), folder)
    else:
        key = read_file(folder / source["file"])
    if len(key) < LEAST:
        raise SiteBroken(Message("The secret key is too short: it needs at least {count} characters", count=LEAST))
    return key


def read_file(file: Path) -> str:
    """Return the key in a file.

    Raises:
        SiteBroken: it cannot be read.
    """
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise SiteBroken(
            Message("The secret key cannot be read from {file}: {why}", file=str(file), why=why)
        ) from error
    except UnicodeDecodeError:
        raise SiteBroken(Message("The secret key in {file} is no text", file=str(file))) from None


@cache
def _printed(words: tuple[str, ...], folder: Path) -> str:
    """Return what a command prints. No shell reads it, and nothing of what it prints is told to anybody.

    It is asked once in the life of a process.
    """
    program = words[0]
    try:
        done = subprocess.run(  # noqa: S603 - the administrator's own command, without a shell
            words,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=COMMAND_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SiteBroken(
            Message("The command {program} gave no key within {count} seconds", program=program, count=COMMAND_SECONDS)
        ) from None
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise SiteBroken(Message("The command {program} cannot be run: {why}", program=program, why=why)) from None
    if done.returncode:
        raise SiteBroken(
            Message("The command {program} gave no key: it ended with {code}", program=program, code=done.returncode)
        )
    try:
        return done.stdout[:_MOST_BYTES].decode().strip()
    except UnicodeDecodeError:
        raise SiteBroken(Message("The command {program} gave no key: it is no text", program=program)) from None
