"""What is shipped holds together: documents, their tests, and what the contract promises of the first pack."""

from pathlib import Path

import pytest

from engine.metadata import build_model, check_documents, shipped_layers, shipped_packs
from engine.metadata.model import Model
from engine.scenario import run_scenarios

ROOT = Path(__file__).parents[2]
PACKS = [pack for pack in shipped_packs() if pack != "core"]


@pytest.fixture(scope="module")
def model() -> Model:
    return build_model(shipped_layers(PACKS), 1)


def test_shipped_documents_have_neither_errors_nor_warnings() -> None:
    problems = check_documents(shipped_layers(PACKS))

    assert [str(problem) for problem in problems] == []


@pytest.mark.parametrize("pack", ["core", *PACKS])
def test_the_tests_that_packs_carry_pass(pack: str, tmp_path: Path) -> None:
    folder = ROOT / "schemas" / pack
    if not any("\ntest: " in file.read_text(encoding="utf-8") for file in folder.rglob("*.yaml")):
        assert pack == "core"
        return

    outcome = run_scenarios(tmp_path, folder)

    assert [(each.name, [str(line) for line in each.failures]) for each in outcome.results if not each.passed] == []
    checks = {rule for rule in outcome.rules if ".checks." in rule}
    assert checks <= outcome.covered


def test_everything_that_people_read_is_there_in_both_languages(model: Model) -> None:
    missing = []
    for entity in model.entities.values():
        texts = {"label": entity.label, "plural": entity.plural}
        for field in entity.fields.values():
            texts[field.key] = field.label
            texts |= {f"{field.key}.{key}": option.label for key, option in field.choices.items()}
        if entity.states is not None:
            texts |= {f"states.{key}": each.label for key, each in entity.states.transitions.items()}
        texts |= {f"checks.{key}": check.message for key, check in entity.checks.items()}
        missing += [
            f"{entity.key}.{name}" for name, text in texts.items() if not {"en", "zh"} <= set(text) and "" not in text
        ]
    missing += [view.key for view in model.views.values() if not view.derived and not {"en", "zh"} <= set(view.title)]
    missing += [role.key for role in model.roles.values() if not {"en", "zh"} <= set(role.label)]

    assert missing == []


@pytest.mark.parametrize("entity", ["account", "contact", "lead", "opportunity", "activity"])
def test_each_object_of_sales_has_views_a_form_and_both_roles(model: Model, entity: str) -> None:
    views = [view for view in model.views.values() if view.entity == entity and not view.derived]

    assert any(view.key == f"{entity}.mine" for view in views)
    assert len(views) >= 3
    assert not model.form(entity).derived
    assert model.roles["sales_rep"].grants[entity].actions["read"] == ("own", "shared")
    assert "subordinates" in model.roles["sales_manager"].grants[entity].actions["read"]
    assert {"owned", "history", "search"} <= model.entities[entity].features


def test_every_entity_is_in_the_menu_of_somebody(model: Model) -> None:
    def entities(items: object) -> set[str]:
        found: set[str] = set()
        for item in items:  # type: ignore[attr-defined]
            found |= ({item.entity} if item.entity else set()) | entities(item.items)
        return found

    assert {"account", "contact", "lead", "opportunity", "activity", "user", "team", "department"} <= entities(
        model.menus["main"]
    )
