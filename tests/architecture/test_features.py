"""What docs/features.md promises is shown by tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_feature_names_a_test_that_exists() -> None:
    rows = re.findall(
        r"^\| ([A-Z]\d\d) \|.*\| `(test_\w+)` \|$",
        (ROOT / "docs/features.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    tests = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }

    assert len(rows) > 30
    assert not {(feature, name) for feature, name in rows if name not in tests}


def test_every_page_of_the_docs_exists_in_chinese_and_is_linked() -> None:
    index = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    pages = [path.name for path in (ROOT / "docs").glob("*.md") if path.name not in {"README.md", "features.md"}]

    assert not [name for name in pages if not (ROOT / "docs/zh" / name).exists()]
    assert not [name for name in pages if f"({name})" not in index]
