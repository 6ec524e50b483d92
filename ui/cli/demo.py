"""`guanxi demo`: a site to try things on, filled with made-up data and served."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from engine import GuanxiError, Message
from ui.cli.command import Command, Face, Option, pass_face, shared
from ui.cli.serving import require_free, run_server
from ui.demo.people import PEOPLE, SHOWN
from ui.demo.site import is_demo, known_sign_ins, make_demo

_SIZE = 250


@click.command(cls=Command)
@shared
@click.option(
    "--dir",
    "folder",
    default="guanxi-demo",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder of the site.",
    cls=Option,
)
@click.option("--fresh", is_flag=True, help="Throw away what is there and begin anew.", cls=Option)
@click.option("--no-serve", is_flag=True, help="Stop when it is filled.", cls=Option)
@click.option(
    "--size", default=_SIZE, show_default=True, type=click.IntRange(1, 100_000), help="How many accounts.", cls=Option
)
@click.option("--seed", default=1, show_default=True, type=int, help="The same seed gives the same data.", cls=Option)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.", cls=Option)
@click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="The port to listen on.", cls=Option
)
@pass_face
def demo(
    face: Face,
    folder: Path,
    fresh: bool,  # noqa: FBT001 - click's own shape
    no_serve: bool,  # noqa: FBT001 - as above
    size: int,
    seed: int,
    host: str,
    port: int,
) -> None:
    """Make a site with made-up data, and serve it."""
    if not no_serve:
        require_free(host, port)
    if folder.exists() and any(folder.iterdir()) and not is_demo(folder):
        raise GuanxiError(Message("{folder} is no demo: choose another folder with --dir", folder=str(folder)))
    if fresh and folder.exists():
        shutil.rmtree(folder)
    counts = make_demo(folder, size, seed, face.progress, language=face.language)
    if counts:
        face.say(Message("Made {count} records in {folder}", count=sum(counts.values()), folder=str(folder)))
    else:
        face.say(Message("{folder} is there already (begin anew with --fresh)", folder=str(folder)))
    known = known_sign_ins(folder)
    roles = {person.key: person.role for person in PEOPLE}
    face.say()
    for key in SHOWN:
        face.say(f"  {roles[key]:<14} {known[key]['email']:<24} {known[key]['password']}")
    face.say()
    address = f"http://{host}:{port}"
    face.answer(
        {
            "folder": str(folder.resolve()),
            "address": None if no_serve else address,
            "made": counts,
            "sign_ins": [{"role": roles[key], **known[key]} for key in known],
        }
    )
    if no_serve:
        return
    face.say(Message("Open {address} (stop with Ctrl-C)", address=address))
    run_server(folder, host, port, workers=1, with_worker=True)
