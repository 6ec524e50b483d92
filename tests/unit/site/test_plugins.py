"""Plugins are found, put in order and loaded; whatever is wrong with one stops the start and says why."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import DocumentsInvalid, SiteBroken
from engine.plugins import Plugin, find_plugins, satisfies


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder `plugins` of a site."""
    path = tmp_path / "plugins"
    path.mkdir()
    return path


@pytest.fixture(autouse=True)
def no_module_stays() -> Iterator[None]:
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("_guanxi_plugin_"):
            del sys.modules[name]


def write(folder: Path, name: str, more: str = "", code: str | None = None) -> Path:
    place = folder / name
    place.mkdir()
    (place / "plugin.yaml").write_text(f"plugin: {name}\nversion: 1.2.0\n{more}", encoding="utf-8")
    if code is not None:
        (place / "__init__.py").write_text(code, encoding="utf-8")
    return place


def names(found: list[Plugin]) -> list[str]:
    return [plugin.name for plugin in found]


def test_a_plugin_stands_behind_those_that_it_requires(folder: Path) -> None:
    write(folder, "a", 'requires: {b: ">=1.0"}')
    write(folder, "b", 'requires: {c: ">=1.0,<2"}')
    write(folder, "c", 'requires: {crm: ">=0.1"}')

    assert names(find_plugins(folder, None, {"crm": "0.1.0"})) == ["c", "b", "a"]
    assert names(find_plugins(folder, ["c"], {"crm": "0.1.0"})) == ["c"]
    assert find_plugins(folder, [], {}) == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('requires: {other: ">=1"}', "The plugin a needs other, which is not there"),
        ('requires: {crm: ">=9"}', "The plugin a needs crm >=9; this is 0.1.0"),
        ('engine: ">=99"', "The plugin a needs Guanxi >=99"),
        ("engine: newest", "asks for the version 'newest', which cannot be read"),
        ('requires: {a: ">=1"}', "Plugins need each other in a circle: a -> a"),
    ],
)
def test_what_is_missing_stops_the_start_and_is_told(folder: Path, more: str, said: str) -> None:
    write(folder, "a", more)

    with pytest.raises(SiteBroken) as refused:
        find_plugins(folder, None, {"crm": "0.1.0"})

    assert said in str(refused.value)


def test_a_circle_is_told_whole(folder: Path) -> None:
    write(folder, "a", 'requires: {b: ">=1"}')
    write(folder, "b", 'requires: {c: ">=1"}')
    write(folder, "c", 'requires: {a: ">=1"}')

    with pytest.raises(SiteBroken, match="a -> b -> c -> a"):
        find_plugins(folder, None, {})


def test_a_plugin_that_is_nowhere_is_told(folder: Path) -> None:
    with pytest.raises(SiteBroken, match="There is no plugin nowhere: neither in"):
        find_plugins(folder, ["nowhere"], {})


def test_a_plugin_is_named_like_its_folder(folder: Path) -> None:
    write(folder, "a").rename(folder / "b")

    with pytest.raises(SiteBroken, match="must be named alike"):
        find_plugins(folder, None, {})


def test_a_mistake_in_its_file_is_told_with_its_place(folder: Path) -> None:
    write(folder, "a", "verion: 2\n")

    with pytest.raises(DocumentsInvalid) as refused:
        find_plugins(folder, None, {})

    assert str(refused.value).startswith("a/plugin.yaml:3:1: ")
    assert "did you mean 'version'?" in str(refused.value)


def test_code_is_loaded_under_a_private_name_with_its_own_modules(folder: Path) -> None:
    place = write(folder, "json", code="from . import part\nANSWER = part.ANSWER\n")
    (place / "part.py").write_text("ANSWER = 42\n", encoding="utf-8")
    [plugin] = find_plugins(folder, None, {})

    module = plugin.module()

    assert module is not None
    assert module.ANSWER == 42
    assert module.__name__.startswith("_guanxi_plugin_")
    assert "json" not in module.__name__.split("_")[:3]
    import json

    assert json.dumps([1]) == "[1]"
    assert plugin.module() is module


def test_plugins_of_one_name_in_two_sites_are_two_modules(tmp_path: Path) -> None:
    modules = []
    for number in (1, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        write(folder, "a", code=f"NUMBER = {number}\n")
        [plugin] = find_plugins(folder, None, {})
        modules.append(plugin.module())

    assert [module.NUMBER for module in modules if module is not None] == [1, 2]


def test_code_that_does_not_load_is_told_and_leaves_nothing_behind(folder: Path) -> None:
    write(folder, "a", code="import nowhere_at_all\n")
    [plugin] = find_plugins(folder, None, {})

    with pytest.raises(SiteBroken, match="The plugin a cannot be loaded: ModuleNotFoundError"):
        plugin.module()

    assert not [name for name in sys.modules if name.startswith("_guanxi_plugin_")]


def test_an_installed_plugin_is_found_by_its_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = write(tmp_path, "guanxi_example_plugin", code="INSTALLED = True\n")
    (place / "plugin.yaml").write_text("plugin: example\nversion: 2.0.0\n", encoding="utf-8")
    distribution = tmp_path / "guanxi_example-2.0.dist-info"
    distribution.mkdir()
    (distribution / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: guanxi-example\nVersion: 2.0\n", encoding="utf-8"
    )
    (distribution / "entry_points.txt").write_text(
        "[guanxi.plugins]\nexample = guanxi_example_plugin\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)

    [plugin] = find_plugins(tmp_path / "none", ["example"], {})

    module = plugin.module()
    assert (plugin.name, plugin.version) == ("example", "2.0.0")
    assert module is not None
    assert module.INSTALLED
    del sys.modules["guanxi_example_plugin"]


@pytest.mark.parametrize(
    ("known", "spec", "fits"),
    [
        ("1.2.0", "", True),
        ("1.2.0", ">=1.2", True),
        ("1.2", ">=1.2.1", False),
        ("1.10", ">1.9", True),
        ("2.0", ">=1,<2", False),
        ("1.9.9", ">=1,<2", True),
        ("1.0", "==1", True),
        ("1.0", "!=1.0.0", False),
        ("1.2.0-rc1", "<=1.2", True),
    ],
)
def test_versions_are_compared_by_their_numbers(known: str, spec: str, fits: bool) -> None:
    assert satisfies(known, spec) is fits


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    assert find_plugins(tmp_path / "nowhere", None, {}) == []
