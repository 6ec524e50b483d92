"""The pages for whoever shapes a site are true: the tutorial is carried out, the reference is up to date."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.commands.conftest import SHARES, STOCKS, Command, wheel
from ui.cli import reference

DOCS = Path(__file__).parents[3] / "docs"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NOT_RUN = ("guanxi serve", "cd ", "pip ", "python ")


@pytest.mark.parametrize(("file", "language"), [("commands.md", "en"), ("zh/commands.md", "zh")])
def test_the_page_of_commands_is_up_to_date(file: str, language: str) -> None:
    assert (DOCS / file).read_text(encoding="utf-8") == reference.page(language), "python -m ui.cli.reference"


def steps(page: Path) -> Iterator[tuple[str, str]]:
    """Yield (file, text) for what is to be written and ("", command) for what is to be run, in their order."""
    for kind, text in BLOCK.findall(page.read_text(encoding="utf-8")):
        if kind == "yaml":
            yield text.splitlines()[0].removeprefix("# "), text
        elif kind == "sh":
            yield from (("", line) for line in text.splitlines() if not line.startswith(NOT_RUN))


def test_the_tutorial_is_the_same_in_both_languages() -> None:
    def plain(page: str) -> list[tuple[str, str]]:
        # Comments, and what people are called, may differ.
        return [
            (file, re.sub(r'"[^"]*"', '""', re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)))
            for file, text in steps(DOCS / page)
        ]

    assert plain("zh/start.md") == plain("start.md")


@pytest.mark.slow
def test_the_tutorial_works_as_it_stands(tmp_path: Path, guanxi: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    import zipfile

    monkeypatch.chdir(tmp_path)
    for file, text in steps(DOCS / "start.md"):
        if file.startswith("+ "):
            with Path(file.removeprefix("+ ")).open("a", encoding="utf-8") as stream:
                stream.write(text)
            continue
        if file:
            Path(file).write_text(text, encoding="utf-8")
            continue
        words = shlex.split(text)[1:]
        if words[0] == "import" and not Path("lists").exists():
            for name, _member in (STOCKS, SHARES):
                with zipfile.ZipFile(wheel(name)) as archive:
                    archive.extractall("lists")

        done = guanxi(*words)

        assert done.code == (2 if words[0] == "plan" else 0), (text, done)
        if words[0] == "new":
            monkeypatch.chdir(tmp_path / words[1])
        if words[0] == "test":
            assert done.out.startswith("2 passed, 0 failed")
    assert guanxi("export", "account").out.count("\n") > 22_165 + 5_640
    assert guanxi("doctor").code == 0
