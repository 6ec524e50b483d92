"""`guanxi user handover`: what a person has goes to others, from the terminal."""

from pathlib import Path

import pytest

from engine import SYSTEM, Site
from engine.testing import copy_site, published_site
from tests.functional.commands.conftest import run_here

__all__ = ["published_site"]


@pytest.fixture
def folder(published_site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    folder = copy_site(published_site, tmp_path / "site")
    with Site.open(folder) as site:
        ids = {
            name: site.identity.add(name, f"{name.lower()}@x.example", ["sales_rep"]) for name in ("Tom", "Eve", "Ann")
        }
        site.records.create(
            SYSTEM, "account", [{"name": f"Account {number}", "owner": ids["Tom"]} for number in range(3)]
        )
        site.records.create(SYSTEM, "lead", [{"name": f"Lead {number}", "owner": ids["Tom"]} for number in range(4)])
    return folder


def test_a_person_is_handed_over_by_a_command(folder: Path) -> None:
    def handover(*words: str) -> tuple[int, str, str]:
        done = run_here("user", "handover", "--site", folder, "tom@x.example", *words)
        return done.code, done.out, done.err

    code, out, _ = handover("--to", "eve@x.example", "--entity", "lead=Ann,Eve", "--dry-run")
    assert (code, out.splitlines()) == (0, ["account: 3 → Eve (3)", "lead: 4 → Ann (2), Eve (2)"])
    code, _, err = handover("--entity", "lead=Ann")
    assert (code, "Say who gets account" in err) == (1, True)
    code, _, err = handover("--entity", "lead")
    assert (code, "is not of the kind" in err) == (1, True)
    code, _, err = handover("--to", "Eve", "--entity", "leed=Ann")
    assert (code, "There is no leed to hand over" in err) == (1, True)
    code, _, err = handover("--continue")
    assert (code, "There is no such hand-over of Tom" in err) == (1, True)

    code, out, _ = handover("--to", "Eve", "--segment", "lead", "name == 'Lead 1'", "Ann", "--keep", "account")
    assert code == 0
    assert "4 records were given away" in out
    assert "The account of Tom is closed" in out
    assert "Still with Tom: 3 Accounts (Owner): Nobody was named for them" in out
    assert run_here("user", "list", "--site", folder, "--json").json[-1]["active"] is False

    code, out, _ = handover("--undo")
    assert (code, "5 records are as they were before" in out) == (0, True)
    done = run_here("user", "handover", "--site", folder, "Tom", "--to", "Eve", "--keep-enabled", "--json")
    assert (done.json["moved"], done.json["closed"], done.json["remaining"]) == ({"account": 3, "lead": 4}, False, [])
