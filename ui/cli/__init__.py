"""The command line: `guanxi <command>`. Every command works on one site folder and fails with one clear line."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from engine import add_catalogues

add_catalogues(Path(__file__).parents[1] / "locale")


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command of the process, or of a list of words, and leave with its exit code."""
    from ui.cli.command import run
    from ui.cli.commands import cli

    run(cli, arguments)


__all__ = ["main"]
