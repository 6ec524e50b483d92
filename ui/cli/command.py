"""What every command shares: where the site is, in which language it speaks, how it answers and how it fails.

A command is a click command whose help is a key of the catalogue. Mistakes become one line on the error stream and an
exit code, never a traceback: what nobody foresaw is written to a file, which that line names.
"""

from __future__ import annotations

import getpass
import json
import locale
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NoReturn, TypeVar

import click

from engine import (
    DocumentsInvalid,
    GuanxiError,
    Message,
    Origin,
    PlanRefused,
    Problem,
    RecordInvalid,
    Site,
    SiteConfig,
    acting_from,
    plan_to_json,
    plan_to_text,
    read_config,
)

DONE, PROBLEMS, CHANGES, SOME_FAILED, INTERRUPTED = 0, 1, 2, 3, 130

_F = TypeVar("_F", bound=Callable[..., Any])


class Face:
    """One run of a command: its site, its language and its way of answering."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.as_json = False
        self._language: str | None = None

    @property
    def site_folder(self) -> Path:
        """Return the folder that the command works on."""
        return self.folder or Path(os.environ.get("GUANXI_SITE") or ".")

    @property
    def language(self) -> str:
        """Return the language of the person at the terminal: theirs, else the site's first."""
        if self._language is None:
            self._language = terminal_language() or self._site_language() or "en"
        return self._language

    def _site_language(self) -> str | None:
        try:
            return self.config().languages[0]
        except GuanxiError:
            return None

    def config(self) -> SiteConfig:
        """Read the site's guanxi.yaml."""
        return read_config(self.site_folder)

    @contextmanager
    def site(self, *, published: bool = False) -> Iterator[Site]:
        """Open the site, and close it; with `published`, refuse one that has no tables yet."""
        site = Site.open(self.site_folder)
        try:
            if published:
                site.require_published()
            yield site
        finally:
            site.close()

    def say(self, message: Message | str = "", *, error: bool = False) -> None:
        """Write a line for a person; nothing when a machine listens, but for errors."""
        if error or not self.as_json:
            click.echo(self.words(message), err=error)

    def words(self, message: Any) -> str:
        """Return a message in the person's language."""
        return str(message.in_(self.language)) if hasattr(message, "in_") else str(message)

    def answer(self, value: Any) -> None:
        """Write a value for a machine; nothing when a person reads."""
        if self.as_json:
            click.echo(json.dumps(value, ensure_ascii=False, default=str))

    def problems(self, problems: Any, *, error: bool = True) -> None:
        """Write problems, a line each."""
        for problem in problems:
            click.echo(problem.in_(self.language), err=error)

    def fail(self, error: GuanxiError) -> int:
        """Tell of an error and return the exit code."""
        if self.as_json:
            click.echo(json.dumps(self.error_json(error), ensure_ascii=False), err=True)
            return PROBLEMS
        if isinstance(error, PlanRefused) and error.plan is not None and not error.problems:
            click.echo(plan_to_text(error.plan, self.language))  # It lists the records whose values would be lost.
        for line in self._lines(error):
            click.echo(line, err=True)
        return PROBLEMS

    def _lines(self, error: GuanxiError) -> list[str]:
        if isinstance(error, DocumentsInvalid):
            return [problem.in_(self.language) for problem in error.problems]
        if isinstance(error, PlanRefused):
            return [error.in_(self.language), *(problem.in_(self.language) for problem in error.problems)]
        if isinstance(error, RecordInvalid):
            return [
                f"{each.path}: {self.words(each.message)}" if each.path else self.words(each.message)
                for each in error.problems
            ]
        return [" ".join(error.in_(self.language).split("\n"))]

    def error_json(self, error: GuanxiError) -> dict[str, Any]:
        """Return an error for machines."""
        said: dict[str, Any] = {"error": type(error).__name__, "message": error.in_(self.language)}
        if isinstance(error, PlanRefused) and error.plan is not None:
            said["plan"] = plan_to_json(error.plan, self.language)
        problems = getattr(error, "problems", None)
        if problems:
            said["problems"] = [self.problem_json(problem) for problem in problems]
        return said

    def problem_json(self, problem: Any) -> dict[str, Any]:
        """Return a problem of a document, or of a record, for machines."""
        said: dict[str, Any] = {
            "path": getattr(problem, "path", ""),
            "code": getattr(problem, "code", ""),
            "message": self.words(problem.message),
        }
        if isinstance(problem, Problem):
            place, advice = problem.place, problem.advice
            said |= {"severity": problem.severity, "advice": None if advice is None else self.words(advice)}
            if place is not None:
                said |= {"file": place.file, "line": place.line, "column": place.column}
        return said

    @contextmanager
    def progress(self, label: Message, total: int | None) -> Iterator[Callable[[int], None]]:
        """Show a bar on the error stream while something long goes on; yield what moves it by a number."""
        if self.as_json or not sys.stderr.isatty() or not total:
            yield lambda _step: None
            return
        with click.progressbar(length=total, label=self.words(label), file=sys.stderr) as bar:
            yield bar.update


def terminal_language() -> str | None:
    """Return `en` or `zh` when the environment says so; None when it says nothing, as in a container."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "")
        if value and value.split(".")[0] not in {"C", "POSIX"}:
            language = locale.normalize(value)[:2].lower()
            return language if language in {"en", "zh"} else None
    return None


pass_face = click.make_pass_decorator(Face, ensure=True)


def shared(function: _F) -> _F:
    """Give a command the options that all have."""
    function = click.option(
        "--json",
        "as_json",
        is_flag=True,
        expose_value=False,
        callback=_set_json,
        help="Answer for machines.",
        cls=Option,
    )(function)
    return click.option(
        "--site",
        type=click.Path(file_okay=False, path_type=Path),
        expose_value=False,
        callback=_set_site,
        help="The folder of the site; GUANXI_SITE or the current folder unless given.",
        cls=Option,
    )(function)


def _set_json(context: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's own shape
    if value:
        context.ensure_object(Face).as_json = True


def _set_site(context: click.Context, _parameter: click.Parameter, value: Path | None) -> None:
    if value is not None:
        context.ensure_object(Face).folder = value


# ------------------------------------------------------------------------------------------------- help


def _here(words: str | None) -> str:
    context = click.get_current_context(silent=True)
    face = context.find_object(Face) if context is not None else None
    language = face.language if face is not None else terminal_language() or "en"
    return Message(" ".join((words or "").split())).in_(language)


class Option(click.Option):
    """An option whose help is translated."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the option and its help in the person's language."""
        record = super().get_help_record(ctx)
        return None if record is None else (record[0], _here(self.help))


class _Help:
    """Help in the person's language, in place of click's English."""

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        pieces = self.collect_usage_pieces(ctx)  # type: ignore[attr-defined]
        formatter.write_usage(ctx.command_path, " ".join(pieces), prefix=f"{_here('Usage')}: ")

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(_here(self.help))  # type: ignore[attr-defined]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        records = [record for each in self.get_params(ctx) if (record := each.get_help_record(ctx)) is not None]  # type: ignore[attr-defined]
        if records:
            with formatter.section(_here("Options")):
                formatter.write_dl(records)
        if isinstance(self, click.Group):
            self.format_commands(ctx, formatter)

    def get_short_help_str(self, limit: int = 45) -> str:
        return _here(self.help)  # type: ignore[attr-defined]

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option = super().get_help_option(ctx)  # type: ignore[misc]
        if option is None:
            return None
        option.help = _here("Show this text and stop.")
        return option  # type: ignore[no-any-return]


class Command(_Help, click.Command):
    """A command whose help is translated."""


class Group(_Help, click.Group):
    """A group of commands whose help is translated."""

    command_class = Command
    group_class = type

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands with the first words of what they do."""
        rows = [
            (name, command.get_short_help_str())
            for name in self.list_commands(ctx)
            if (command := self.get_command(ctx, name)) is not None and not command.hidden
        ]
        with formatter.section(_here("Commands")):
            formatter.write_dl(rows)


# ----------------------------------------------------------------------------------------------- errors


def existing(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Refuse files that are not there: a callback for options and arguments.

    Raises:
        GuanxiError: there is no such file.
    """
    for path in value if isinstance(value, tuple) else (value,):
        if path is not None and not path.exists():
            raise GuanxiError(Message("There is no file {file}", file=str(path)))
    return value


def run(command: click.Command, arguments: list[str] | None) -> NoReturn:
    """Run a command and leave the process with its exit code."""
    face = Face()
    try:
        with acting_from(Origin("command", agent=_who_types())):
            outcome = command.main(arguments, prog_name="guanxi", standalone_mode=False, obj=face)
        code = outcome if isinstance(outcome, int) else DONE
        _flush(sys.stdout)
    except click.exceptions.Exit as error:
        code = error.exit_code
    except click.UsageError as error:
        code = _fail_usage(face, error)
    except (click.Abort, KeyboardInterrupt):
        click.echo(face.words(Message("Interrupted")), err=True)
        code = INTERRUPTED
    except click.ClickException as error:
        click.echo(error.format_message(), err=True)
        code = PROBLEMS
    except GuanxiError as error:
        code = face.fail(error)
    except BrokenPipeError:
        # Whoever read our output has gone, as `head` does; there is nobody to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = PROBLEMS
    except Exception as error:  # noqa: BLE001 - the last place where a defect can become one clear line
        code = _fail_unforeseen(face, error)
    sys.exit(code)


def _who_types() -> str | None:
    """Return who works at this machine, as the machine calls them: for the audit log."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return None


def _flush(stream: IO[str]) -> None:
    stream.flush()


def _fail_usage(face: Face, error: click.UsageError) -> int:
    click.echo(face.words(usage_message(error)), err=True)
    if error.ctx is not None:
        hint = Message("`{command} --help` says what it takes", command=error.ctx.command_path)
        click.echo(face.words(hint), err=True)
    return PROBLEMS


def usage_message(error: click.UsageError) -> Message:
    """Return what is wrong with the words of a command, for people of either language."""
    match error:
        case click.NoSuchOption():
            if error.possibilities:
                return Message(
                    "There is no option {name}; did you mean {close}?",
                    name=error.option_name,
                    close=error.possibilities[0],
                )
            return Message("There is no option {name}", name=error.option_name)
        case click.MissingParameter():
            return Message("{name} is missing", name=_parameter_name(error))
        case click.BadParameter() if error.param is not None and (kind := _kind_of(error.param.type)) is not None:
            return Message("{name}: {kind} is expected", name=_parameter_name(error), kind=kind)
        case click.BadParameter():
            return Message("{name}: {why}", name=_parameter_name(error), why=error.message)
    if "No such command" in error.message:
        known = list(error.ctx.command.commands) if error.ctx and isinstance(error.ctx.command, click.Group) else []
        return Message(
            "There is no command {name}; the commands are {known}",
            name=error.message.split("'")[1],
            known=", ".join(sorted(known)),
        )
    return Message("{why}", why=error.format_message())


def _kind_of(type_: click.ParamType[Any]) -> Message | None:
    """Return what a parameter takes, in words of ours: click's own are English; None for what says it itself."""
    if isinstance(type_, click.IntRange) and type_.max is not None:
        return Message("a whole number from {min} to {max}", min=type_.min, max=type_.max)
    if isinstance(type_, click.IntRange):
        return Message("a whole number from {min}", min=type_.min)
    return Message("a whole number") if isinstance(type_, click.types.IntParamType) else None


def _parameter_name(error: click.BadParameter) -> str:
    parameter = error.param
    if parameter is None:
        return str(error.param_hint or "")
    return parameter.opts[-1] if isinstance(parameter, click.Option) else (parameter.name or "").upper()


def _fail_unforeseen(face: Face, error: Exception) -> int:
    if os.environ.get("GUANXI_DEBUG"):
        traceback.print_exc()
        return PROBLEMS
    folder = face.site_folder / "data"
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        folder = Path(tempfile.gettempdir())
    file = folder / "guanxi-error.log"
    with file.open("a", encoding="utf-8") as log:
        traceback.print_exception(error, file=log)
    what = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    click.echo(
        face.words(
            Message("Something went wrong that should not ({what}); {file} has the details", what=what, file=str(file))
        ),
        err=True,
    )
    return PROBLEMS
