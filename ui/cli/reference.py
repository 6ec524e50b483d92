"""The page of commands, made from the commands themselves: `python -m ui.cli.reference` writes docs/commands.md.

A test proves that the pages are up to date.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from engine import Message
from ui.cli.commands import cli

DOCS = Path(__file__).parents[2] / "docs"

_TITLE = Message("Commands")
_INTRODUCTION = Message(
    "For whoever runs or shapes a site. `guanxi COMMAND --help` says the same. Every command takes `--site DIR` (the"
    " current folder, or `GUANXI_SITE`) and `--json` for machines, speaks the language of the terminal or of the site,"
    " and answers a mistake with one line on the error stream."
)
_OTHER = {"en": "中文版：[zh/commands.md](zh/commands.md)。", "zh": "English: [../commands.md](../commands.md)."}
_EXITS = (
    ("0", Message("done; `check` and `plan`: nothing is wrong, nothing is to be done")),
    ("1", Message("it was refused, or there are problems; nothing was changed that the message does not name")),
    ("2", Message("`plan`: publishing would change something")),
    ("3", Message("`import`: some rows could not be taken, the others are stored")),
    ("130", Message("somebody pressed Ctrl-C")),
)


def page(language: str) -> str:
    """Return the page in a language."""
    return "\n".join(_lines(language)) + "\n"


def _lines(language: str) -> Iterator[str]:
    def said(words: str) -> str:
        return Message(" ".join(words.split())).in_(language)

    yield from (f"# {_TITLE.in_(language)}", "", f"{_INTRODUCTION.in_(language)} {_OTHER[language]}", "")
    for path, command in _commands(cli, "guanxi"):
        context = click.Context(command, info_name=path)
        left_out = {"[OPTIONS]", "[COMMAND] [ARGS]..."}
        pieces = [piece for piece in command.collect_usage_pieces(context) if piece not in left_out]
        yield from (f"## `{' '.join([path, *pieces])}`", "", said(command.help or ""), "")
        rows = [
            each for each in command.params if isinstance(each, click.Option) and each.name not in {"as_json", "site"}
        ]
        if rows:
            yield f"| {Message('Option').in_(language)} | |"
            yield "|---|---|"
            for option in rows:
                yield f"| `{_option(option)}` | {said(option.help or '')}{_default(option, language)} |"
            yield ""
    yield from (f"## {Message('Exit codes').in_(language)}", "", "| | |", "|---|---|")
    yield from (f"| {code} | {meaning.in_(language)} |" for code, meaning in _EXITS)


def _commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            if command.invoke_without_command:
                yield f"{path} {name}", command
            yield from _commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def _option(option: click.Option) -> str:
    names = ", ".join(option.opts)
    if option.is_flag:
        return names
    if isinstance(option.type, click.Choice):
        return f"{names} {'/'.join(map(str, option.type.choices))}"
    kind = "N" if isinstance(option.type, (click.IntRange, type(click.INT))) else option.type.name.upper()
    return f"{names} {option.metavar or kind}"


def _default(option: click.Option, language: str) -> str:
    if not option.show_default or option.default is None:
        return ""
    return f" ({Message('default').in_(language)}: `{option.default}`)"


def write() -> None:
    """Write the page in both languages."""
    (DOCS / "commands.md").write_text(page("en"), encoding="utf-8")
    (DOCS / "zh" / "commands.md").write_text(page("zh"), encoding="utf-8")


if __name__ == "__main__":
    write()
