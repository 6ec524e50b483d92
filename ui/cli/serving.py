"""`guanxi serve`: the web server."""

from __future__ import annotations

import atexit
import gc
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine import GuanxiError, Message
from ui.cli.command import Command, Face, Option, pass_face, shared

if TYPE_CHECKING:
    from flask import Flask

_THREADS = 8
_HEADER_MS = 10_000
"""How long a browser may take to say what it wants; who is slower holds a connection for nothing."""
_HEADER_BYTES = 64 * 1024
_ANEW_S = 5.0
"""How long after its end a worker is started anew that nobody stopped."""
_COLLECTING = (10_000, 20, 20)
"""When the collector looks for circles: after as many new objects, and at the older ones after as many looks.

A request leaves some hundred objects that are gone with it; Python's 700 has each create wait for a tenth of its time.
"""
_STOP_S = 40.0


@click.command(cls=Command)
@shared
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.", cls=Option)
@click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="The port to listen on.", cls=Option
)
@click.option(
    "--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes that answer.", cls=Option
)
@click.option(
    "--with-worker/--without-worker",
    default=None,
    help="Whether a process beside it runs jobs; on SQLite it does unless told otherwise.",
    cls=Option,
)
@pass_face
def serve(face: Face, *, host: str, port: int, workers: int, with_worker: bool | None) -> None:
    """Serve the site to browsers and programs."""
    with face.site(published=True) as site:
        # What is wrong is said here, once, and not by every process.
        _ = site.config.secret_key
        if with_worker is None:
            with_worker = site.config.database.startswith("sqlite")
    require_free(host, port)
    face.say(
        Message(
            "Serving {folder} at {address} (stop with Ctrl-C)",
            folder=str(face.site_folder),
            address=f"http://{host}:{port}",
        )
    )
    run_server(face.site_folder, host, port, workers, with_worker=with_worker)


def require_free(host: str, port: int) -> None:
    """Say in one line that a port cannot be had.

    Raises:
        GuanxiError: somebody else listens there, or the address is none of this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise GuanxiError(
                Message("Cannot listen on {address}: {why}", address=f"{host}:{port}", why=error.strerror or str(error))
            ) from error


def application() -> Flask:
    """Return the application of a process that answers."""
    from ui import logs
    from ui.app import create_app

    app = create_app()
    # What people do here may cause mail; each process sends, and no mail is sent twice.
    app.extensions["guanxi"].post.start()
    site = app.extensions["guanxi"]
    logs.set_up(site.config.log, site.config.folder)
    site.upkeep.start()
    # What was counted and noted in the last seconds is written down when the process ends.
    atexit.register(site.upkeep.stop)
    # What is there by now stays: the collector need not look through it again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTING)
    return app


class Beside:
    """A worker that runs the jobs of a site in a process of its own, and is started anew if it dies.

    Args:
        folder: of the site.
    """

    def __init__(self, folder: Path) -> None:
        words = ["worker", "--site", str(folder.resolve()), "--beside", str(os.getpid())]
        self._command = [sys.executable, "-c", "from ui.cli import main; main()", *words]
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._process = self._start()
        threading.Thread(target=self._look_after, name="guanxi-worker", daemon=True).start()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._command)  # noqa: S603 - this very product

    def _look_after(self) -> None:
        while not self._stopped.is_set():
            self._process.wait()
            if not self._stopped.wait(_ANEW_S):
                with self._lock:
                    if not self._stopped.is_set():
                        self._process = self._start()

    def stop(self) -> None:
        """Let the worker stop where it is, and wait for its end."""
        with self._lock:
            self._stopped.set()
            self._process.terminate()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def run_server(folder: Path, host: str, port: int, workers: int, *, with_worker: bool) -> None:
    """Serve a site until somebody stops it; each process makes its own application."""
    from granian import Granian
    from granian.constants import Interfaces
    from granian.http import HTTP1Settings
    from granian.log import LogLevels

    # Where processes are forked they share what is loaded here, and start at once.
    import ui.app  # noqa: F401

    os.environ["GUANXI_SITE"] = str(folder.resolve())
    # Links in mails lead here while guanxi.yaml does not say better.
    named = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    os.environ.setdefault("GUANXI_ADDRESS", f"http://{named}:{port}")
    server = Granian(
        "ui.cli.serving:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=_THREADS,
        factory=True,
        websockets=False,
        http1_settings=HTTP1Settings(header_read_timeout=_HEADER_MS, max_buffer_size=_HEADER_BYTES),
        log_level=LogLevels.error,
    )
    worker = Beside(folder) if with_worker else None
    try:
        server.serve()
    finally:
        if worker is not None:
            worker.stop()
