"""Plugins: found, put in order, loaded, and their tables brought up to date. Whatever is wrong stops the start.

A plugin is a folder with `plugin.yaml`: in the folder `plugins` of a site, or inside an installed distribution that
names its module under the entry point group `guanxi.plugins`. A site's own modules are loaded by path under a private
name, so that no two sites and no distribution can be mistaken for each other.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points, version
from pathlib import Path
from types import ModuleType
from typing import Any

from engine.errors import DocumentsInvalid, Problem, SiteBroken
from engine.i18n import Message
from engine.metadata.document import by_place, join, read_folder, read_plain
from engine.metadata.layers import Layer
from engine.metadata.shape import Compiler
from engine.storage.database import Database
from engine.storage.migrations import Migration, migrate

GROUP = "guanxi.plugins"
FILE = "plugin.yaml"
_KEY = "^[a-z][a-z0-9_]*$"
_SPEC = re.compile(r"\s*(>=|<=|==|!=|<|>)\s*([0-9]+(?:\.[0-9]+)*)\s*")
_MIGRATION = re.compile(r"([0-9]{4})_([a-z0-9_]+)\.py")

_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["plugin", "version"],
    "properties": {
        "plugin": {"type": "string", "pattern": _KEY, "maxLength": 40},
        "version": {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)*$"},
        "label": {"type": ["string", "object"], "additionalProperties": {"type": "string"}},
        "engine": {"type": "string"},
        "requires": {"type": "object", "additionalProperties": {"type": "string"}},
        "prefix": {"type": "string", "pattern": _KEY, "maxLength": 20},
        "permissions": {"type": "array", "items": {"type": "string"}},
    },
}


@dataclass(frozen=True, slots=True, eq=False)
class Plugin:
    """One plugin that takes part in a site."""

    name: str
    version: str
    folder: Path
    prefix: str
    engine: str = ""
    requires: Mapping[str, str] = field(default_factory=dict)
    permissions: tuple[str, ...] = ()
    entry_point: EntryPoint | None = None
    """How it is imported; None for a folder of the site."""

    def documents(self) -> Layer:
        """Return its documents as a layer.

        Raises:
            DocumentsInvalid: a file cannot be read.
        """
        documents, problems = [], []
        for part in ("schemas", "workflows", "translations"):
            if (self.folder / part).is_dir():
                found, wrong = read_folder(self.folder / part, self.name, base=self.folder.parent)
                documents += found
                problems += wrong
        if problems:
            raise DocumentsInvalid(sorted(problems, key=by_place))
        return Layer(self.name, "plugin", tuple(documents), f"{self.prefix}_")

    def module(self) -> ModuleType | None:
        """Import its code; None when it has none.

        Raises:
            SiteBroken: the import fails; the message says why.
        """
        try:
            if self.entry_point is not None:
                loaded: ModuleType = self.entry_point.load()
                return loaded
            return self._by_path()
        except Exception as error:  # the code is somebody else's, and may raise anything
            why = f"{type(error).__name__}: {error}"
            raise SiteBroken(
                Message("The plugin {plugin} cannot be loaded: {why}", plugin=self.name, why=why)
            ) from error

    def _by_path(self) -> ModuleType | None:
        file = self.folder / "__init__.py"
        if not file.exists():
            return None
        place = hashlib.sha256(str(self.folder.resolve()).encode()).hexdigest()[:12]
        name = f"_guanxi_plugin_{place}_{self.name}"
        if name in sys.modules:
            return sys.modules[name]
        spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=[str(self.folder)])
        if spec is None or spec.loader is None:
            raise ImportError(f"{file} is no module")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
        return module

    def migrate(self, database: Database) -> list[int]:
        """Run its migrations that were not run yet, and return their numbers."""
        migrations = [
            self._migration(file) for file in sorted(self.folder.glob("migrations/*.py")) if file.name != "__init__.py"
        ]
        return migrate(database, migrations, plugin=self.name) if migrations else []

    def _migration(self, file: Path) -> Migration:
        named = _MIGRATION.fullmatch(file.name)
        if named is None:
            raise SiteBroken(
                Message(
                    "{file} is no migration; those are named like {example}", file=str(file), example="0001_first.py"
                )
            )
        values: dict[str, Any] = {}
        exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), values)  # noqa: S102 - the plugin's own code
        statements = values.get("STATEMENTS")
        if not isinstance(statements, Mapping) or not {"sqlite", "postgresql"} <= set(statements):
            raise SiteBroken(Message("{file} must say STATEMENTS for sqlite and postgresql", file=str(file)))
        return Migration(int(named[1]), named[2], statements)


def find_plugins(folder: Path, names: Sequence[str] | None, packs: Mapping[str, str]) -> list[Plugin]:
    """Return the plugins of a site, each behind those that it requires.

    `folder` holds the site's own. `names` are those to load, installed ones among them; None means every one in the
    folder. `packs` gives the versions of the packs that the site has.

    Raises:
        SiteBroken: one is missing, or needs what is not there, or they need each other in a circle.
        DocumentsInvalid: a plugin.yaml says something that it cannot say.
    """
    own = {plugin.name: plugin for plugin in _in_folder(folder)}
    wanted = list(own) if names is None else list(names)
    found: dict[str, Plugin] = {}
    for name in wanted:
        plugin = own.get(name) or _installed(name)
        if plugin is None:
            raise SiteBroken(
                Message(
                    "There is no plugin {plugin}: neither in {folder} nor installed", plugin=name, folder=str(folder)
                )
            )
        found[name] = plugin
    _require(found, packs)
    return _ordered(found)


def _in_folder(folder: Path) -> Iterable[Plugin]:
    if folder.is_dir():
        for each in sorted(folder.iterdir()):
            if (each / FILE).is_file():
                yield _read(each, None)


def _installed(name: str) -> Plugin | None:
    for entry in entry_points(group=GROUP, name=name):
        spec = importlib.util.find_spec(entry.module)
        origin = spec.origin if spec is not None else None
        if origin is None or not (Path(origin).parent / FILE).is_file():
            raise SiteBroken(Message("The installed plugin {plugin} has no {file}", plugin=name, file=FILE))
        return _read(Path(origin).parent, entry)
    return None


def _read(folder: Path, entry_point: EntryPoint | None) -> Plugin:
    file = folder / FILE
    shown = f"{folder.name}/{FILE}"
    body, positions, problems = read_plain(file.read_bytes(), shown)
    if not problems:
        problems = [
            Problem(
                fault.message,
                positions.place(tuple(reversed(fault.path)), key=fault.key),
                join(tuple(reversed(fault.path))),
                fault.code,
                fault.advice,
            )
            for fault in Compiler(_SCHEMA).compile(_SCHEMA).check({} if body is None else body) or ()
        ]
    if problems:
        raise DocumentsInvalid(problems)
    name = body["plugin"]
    if entry_point is None and name != folder.name:
        raise SiteBroken(
            Message(
                "The plugin {plugin} lies in the folder {folder}; the two must be named alike",
                plugin=name,
                folder=folder.name,
            )
        )
    return Plugin(
        name=name,
        version=body["version"],
        folder=folder,
        prefix=body.get("prefix", name),
        engine=body.get("engine", ""),
        requires=body.get("requires", {}),
        permissions=tuple(body.get("permissions", ())),
        entry_point=entry_point,
    )


def _require(found: Mapping[str, Plugin], packs: Mapping[str, str]) -> None:
    engine = version("guanxi")
    for plugin in found.values():
        if not satisfies(engine, plugin.engine, plugin.name):
            raise SiteBroken(
                Message(
                    "The plugin {plugin} needs Guanxi {spec}; this is {version}",
                    plugin=plugin.name,
                    spec=plugin.engine,
                    version=engine,
                )
            )
        for other, spec in plugin.requires.items():
            known = found[other].version if other in found else packs.get(other)
            if known is None:
                raise SiteBroken(
                    Message("The plugin {plugin} needs {other}, which is not there", plugin=plugin.name, other=other)
                )
            if not satisfies(known, spec, plugin.name):
                raise SiteBroken(
                    Message(
                        "The plugin {plugin} needs {other} {spec}; this is {version}",
                        plugin=plugin.name,
                        other=other,
                        spec=spec,
                        version=known,
                    )
                )


def _ordered(found: Mapping[str, Plugin]) -> list[Plugin]:
    ordered: list[Plugin] = []
    under_way: list[str] = []

    def place(name: str) -> None:
        plugin = found[name]
        if plugin in ordered:
            return
        if name in under_way:
            circle = " -> ".join([*under_way[under_way.index(name) :], name])
            raise SiteBroken(Message("Plugins need each other in a circle: {circle}", circle=circle))
        under_way.append(name)
        for other in plugin.requires:
            if other in found:
                place(other)
        under_way.pop()
        ordered.append(plugin)

    for name in found:
        place(name)
    return ordered


def satisfies(known: str, spec: str, plugin: str = "") -> bool:
    """Say whether a version is one that a specification such as ">=1.2,<2" allows.

    Raises:
        SiteBroken: the specification cannot be read.
    """
    for part in filter(None, map(str.strip, spec.split(","))):
        read = _SPEC.fullmatch(part)
        if read is None:
            raise SiteBroken(
                Message(
                    "The plugin {plugin} asks for the version {spec}, which cannot be read",
                    plugin=plugin,
                    spec=repr(spec),
                )
            )
        left, right = _numbers(known), _numbers(read[2])
        width = max(len(left), len(right))
        left += (0,) * (width - len(left))
        right += (0,) * (width - len(right))
        order = (left > right) - (left < right)
        if not {">=": order >= 0, "<=": order <= 0, "==": order == 0, "!=": order != 0, "<": order < 0, ">": order > 0}[
            read[1]
        ]:
            return False
    return True


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"[0-9]+", re.split(r"[-+a-z]", text)[0]))
