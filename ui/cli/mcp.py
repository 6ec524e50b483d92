"""`guanxi mcp`: the tools for agents over standard input and output, for programs on this machine."""

from __future__ import annotations

import os
from dataclasses import replace

import click

from engine import AGENT, AGENT_DELETE, AGENT_DIRECT, AGENT_PERSONAL, AGENT_WRITE, GuanxiError, Message, Site
from ui.cli.command import Command, Face, Option, pass_face, shared
from ui.mcp.caller import Caller

_VARIABLE = "GUANXI_TOKEN"
_LONGEST_TOKEN = 200


@click.command(cls=Command)
@shared
@click.option("--as", "person", help="Work in the name of this user: an email.", cls=Option)
@click.option(
    "--token-stdin",
    is_flag=True,
    help="Take the token of an agent from the first line of the input; else it is taken from GUANXI_TOKEN.",
    cls=Option,
)
@click.option("--write", is_flag=True, help="With --as: it may propose changes.", cls=Option)
@click.option("--direct", is_flag=True, help="With --as: it may make changes at once.", cls=Option)
@click.option("--delete", is_flag=True, help="With --as: it may delete, too.", cls=Option)
@click.option("--personal", is_flag=True, help="With --as: it sees personal data.", cls=Option)
@pass_face
def mcp(
    face: Face,
    person: str | None,
    *,
    token_stdin: bool,
    write: bool,
    direct: bool,
    delete: bool,
    personal: bool,
) -> None:
    """Serve the tools for agents to the program that starts this command (MCP over standard input and output)."""
    try:
        from ui.mcp.stdio import serve
    except ImportError:
        from ui.mcp.http import missing

        raise GuanxiError(missing()) from None
    switches = {AGENT_WRITE: write, AGENT_DIRECT: direct, AGENT_DELETE: delete, AGENT_PERSONAL: personal}
    chosen = {key for key, given in switches.items() if given}
    token = _first_line() if token_stdin else os.environ.get(_VARIABLE, "") if person is None else ""
    with face.site(published=True) as site:
        if token:
            if chosen:
                raise GuanxiError(Message("A token says by itself what it may do: leave the other options out"))
            serve(site, lambda: _of_token(site, token))
        elif person is None:
            raise GuanxiError(
                Message("Say in whose name: --as EMAIL, or a token in {variable}, or --token-stdin", variable=_VARIABLE)
            )
        else:
            id_, scopes = site.identity.find(person).id, frozenset({"*", AGENT, *chosen})
            serve(site, lambda: Caller(replace(site.principal(id_), scopes=scopes), token_name="stdio"))  # noqa: S106 - a name


def _of_token(site: Site, token: str) -> Caller:
    principal, known = site.identity.agent_of_token(token)
    return Caller(principal, known.id, known.name)


def _first_line() -> str:
    """Return the first line of the input, and leave the rest for the protocol: nothing behind it is read."""
    line = b""
    while len(line) < _LONGEST_TOKEN and not line.endswith(b"\n"):
        more = os.read(0, 1)
        if not more:
            break
        line += more
    return line.decode("ascii", "replace").strip()
