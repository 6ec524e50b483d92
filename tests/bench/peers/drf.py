"""Django REST framework, and django-import-export for imports: the peer that a Python developer would write."""

from __future__ import annotations

import json
import os
import random
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from tests.bench.client import Request, Server, watched
from tests.bench.peers.base import Peer
from tests.bench.works import Bodies, Work, bulk_body, same, walk

_ROOT = Path(__file__).parents[3]
_LIST = "/api/leads/?stage=qualified&country=CN"


class DjangoRest(Peer):
    """The application in `drf_app.py`, on the server that the floor runs on."""

    name: ClassVar[str] = "django"
    first: ClassVar[str] = "/api/leads/"

    @classmethod
    def lacking(cls, installed: Path) -> str:
        """Return why it cannot be run from a folder, "" when it can."""
        if not _python(installed).exists():
            return f"there is no {_python(installed)}"
        modules = "import django, rest_framework, import_export, granian, psycopg"
        done = subprocess.run([str(_python(installed)), "-c", modules], capture_output=True, text=True, check=False)
        return done.stderr.strip().splitlines()[-1] if done.returncode else ""

    def make(self, rows: int) -> None:
        """Make the tables, the people, and the leads."""
        command = [str(_python(self.installed)), "-m", "tests.bench.peers.drf_app", "fill", str(rows)]
        subprocess.run(command, env=self.environment, check=True, capture_output=True)

    def command(self, port: int, workers: int) -> Sequence[str]:
        """Return what starts the server."""
        return [
            str(_python(self.installed).parent / "granian"), "tests.bench.peers.drf_app:application",
            "--interface", "wsgi", "--port", str(port), "--workers", str(workers),
            "--blocking-threads", "8", "--working-dir", str(_ROOT), "--log-level", "error",
        ]  # fmt: skip

    @property
    def environment(self) -> Mapping[str, str]:
        """Return the server's environment."""
        url = self.url or f"sqlite:///{self.folder / 'leads.db'}"
        return {**os.environ, "PYTHONPATH": str(_ROOT), "DRF_URL": url, "DJANGO_SETTINGS_MODULE": ""}

    @property
    def boss(self) -> Mapping[str, str]:
        """Return the headers of an administrator's requests."""
        return {"Authorization": "Bearer admin"}

    @property
    def rep(self) -> Mapping[str, str]:
        """Return the headers of the requests of somebody under the row rule."""
        return {"Authorization": "Bearer t1"}

    def pages(self, server: Server, rows: int) -> dict[str, Work]:
        """Return the works that it can do, with records of its own."""
        ids, _ = walk(server, self.boss, "/api/leads/", "/api/leads/?cursor=", 0)
        bodies = Bodies(10**6)
        return {
            "W1": Work("boss", 201, lambda n: [("POST", "/api/leads/", body) for body in bodies.take(n)]),
            "W2": Work("boss", 200, lambda n: [_one(ids) for _ in range(2 * n)]),
            "W3a": same("boss", _LIST),
            "W4j": same("rep", _LIST),
            "W8": Work("boss", 200, lambda n: [("POST", "/api/leads/bulk/", bulk_body(ids))] * max(1, n // 7)),
        }

    def load(self, path: Path, server: Server) -> tuple[float, float]:
        """Import a CSV by the product's own import; return (CPU seconds without a database server, seconds).

        Raises:
            RuntimeError: it failed.
        """
        command = [str(_python(self.installed)), "-m", "tests.bench.peers.drf_app", "load", str(path)]
        log = self.folder / "load.log"
        done = watched(command, self.environment, log)
        with path.open(encoding="utf-8") as stream:
            rows = sum(1 for _ in stream) - 1
        if json.loads(log.read_text(encoding="utf-8").splitlines()[-1]) != {"new": rows}:
            raise RuntimeError(log.read_text(encoding="utf-8")[-2000:])
        return done.cpu, done.seconds


def _one(ids: Sequence[str]) -> Request:
    return "GET", f"/api/leads/{random.choice(ids)}/", None


def _python(installed: Path) -> Path:
    return installed / "django" / "bin" / "python"
