"""Guanxi's engine: what is published as metadata becomes tables, rights and records. It knows no web and no trade.

Its public names, all that faces and plugins may use, stand in `__init__.pyi`. Each is imported when it is first asked
for, so a command that only checks a file does not wait for the database's driver.
"""

import ast
from importlib import import_module
from pathlib import Path as _File
from typing import Any

_HOMES = {
    name.asname or name.name: (node.module, name.name)
    for node in ast.parse(_File(__file__).with_suffix(".pyi").read_text(encoding="utf-8")).body
    if isinstance(node, ast.ImportFrom) and node.module and node.module != "engine"
    for name in node.names
}

__all__ = sorted(_HOMES)  # noqa: PLE0605 - it is a list


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'engine' has no attribute {name!r}")
    module, own_name = home
    value = getattr(import_module(module), own_name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
