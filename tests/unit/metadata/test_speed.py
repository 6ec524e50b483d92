"""Large configurations stay quick. Machines differ, so each time is held against work measured in the same run."""

# ruff: noqa: E501 - documents and messages stand here as people see them

import gc
import time
from collections.abc import Callable

import pytest
import yaml

from engine.metadata import Layer, build_model, dump, layer_of, read_text
from engine.metadata.document import Document
from tests.metadata.clinic import CORE, layer

ENTITIES, FIELDS = 80, 60
KINDS = (
    "{type: text, label: {en: Name, zh: 名称}, max_length: 100, search: normal}",
    "{type: number, decimals: 2, min: 0}",
    "{type: date, label: {en: On, zh: 日期}, required: true}",
    "{type: select, options: {a: {label: {en: A, zh: 甲}}, b: , c: {color: red}}, default: a}",
    "{type: lookup, to: e%d}",
    "{type: boolean, default: false}",
    "{type: longtext, help: Whatever else there is to say}",
    "{type: money, currency: CNY, required_when: f1 > 100}",
    "{type: email}",
    '{type: formula, result: number, expr: "f1 * 2 + coalesce(f9, 0)"}',
)


def entity(number: int) -> str:
    lines = [f"entity: e{number}", "label: {en: Thing, zh: 东西}", "title: f0", "features: [owned, history]", "fields:"]
    for field in range(FIELDS):
        kind = KINDS[field % len(KINDS)]
        lines.append(f"  f{field}: {kind % ((number * 7 + field) % ENTITIES) if '%d' in kind else kind}")
    lines.append("checks: {positive: {fail_when: f1 < 0, at: f1, message: {en: Below zero, zh: 小于零}}}")
    return "\n".join(lines).replace("f9, 0", "f11, 0") + "\n"


TEXTS = [entity(number) for number in range(ENTITIES)]


def cpu(work: Callable[[], object]) -> float:
    """The least CPU seconds of five runs: noise only ever adds."""
    times = []
    # What other tests have left in memory would be gone through by every collection.
    gc.collect()
    gc.freeze()
    for _ in range(5):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    gc.unfreeze()
    return min(times)


@pytest.fixture
def yardstick() -> float:
    """CPU seconds that the YAML library alone needs for the same documents, at this moment on this machine."""
    return cpu(lambda: [yaml.load(text, yaml.CSafeLoader) for text in TEXTS])


def python_yardstick() -> float:
    """Return the CPU seconds of a quarter of the same documents in the library's Python loader, at this moment.

    Python slows down by more than C where another process shares a core, so what is Python is measured by Python.
    """
    return cpu(lambda: [yaml.load(text, yaml.SafeLoader) for text in TEXTS[: ENTITIES // 4]])


def is_once(quick: Callable[[], bool]) -> bool:
    """Say whether something holds in one of three moments: a burst of other work outlasts the runs of one."""
    return any(quick() for _ in range(3))


def documents() -> list[Document]:
    return [document for number, text in enumerate(TEXTS) for document in read_text(text, f"e{number}.yaml", "site")[0]]


def test_reading_strictly_costs_no_more_than_reading_loosely(yardstick: float) -> None:
    assert cpu(documents) < yardstick


def test_a_model_of_many_entities_of_60_fields_is_built_quickly() -> None:
    core = layer(CORE, "core", "core")

    def build(found: list[Document]) -> int:
        return len(build_model([core, layer_of("site", "site", found)]).entities)

    assert build(documents()) == ENTITIES + 3
    # The goal for 200 entities is 0.5 s, so 0.2 s for these, where the yardstick takes 0.25 s.
    fresh = [documents() for _ in range(15)]
    assert is_once(lambda: cpu(lambda: build(fresh.pop())) < 0.8 * python_yardstick())


def test_patches_of_every_entity_are_composed_quickly() -> None:
    site = [
        document
        for number in range(ENTITIES)
        for document in read_text(
            f"entity: e{number}\nfields: {{f0: {{max_length: 200}}, f2: {{label: {{zh: 日}}}}, x_a: {{type: text, after: f0}}}}\n",
            "site.yaml",
            "site",
        )[0]
    ]
    below: list[Layer] = [layer(CORE, "core", "core"), layer_of("a", "pack", documents())]

    def patching() -> float:
        plain = cpu(lambda: build_model(below))
        return cpu(lambda: build_model([*below, layer_of("site", "site", site)])) - plain

    assert is_once(lambda: patching() < 0.32 * python_yardstick())


def test_writing_is_as_quick_as_reading(yardstick: float) -> None:
    found = documents()

    assert cpu(lambda: [dump(document.body) for document in found]) < 3 * yardstick
