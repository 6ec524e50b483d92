"""What is kept in the repository was written for it: what a build makes, or others have made, is fetched or built."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILT = ("ui/static/", "node_modules/", "dist/", "build/")
MADE_ELSEWHERE = (".min.js", ".min.css", ".map", ".gz", ".br", ".whl", ".pyc")


def kept() -> list[str]:
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("only a checkout knows what is kept")
    # Whoever owns the checkout: nothing of it is run.
    asked = ["git", "-c", f"safe.directory={ROOT}", "ls-files"]
    return subprocess.run(asked, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()


def test_nothing_that_is_built_is_kept() -> None:
    found = kept()

    assert len(found) > 1_000
    assert [each for each in found if each.startswith(BUILT) or each.endswith(MADE_ELSEWHERE)] == []


def test_no_line_is_that_of_a_packed_script() -> None:
    scripts = [each for each in kept() if each.endswith((".js", ".mjs", ".css"))]

    assert scripts
    assert [
        each for each in scripts if any(len(line) > 1_000 for line in (ROOT / each).read_text("utf-8").splitlines())
    ] == []
