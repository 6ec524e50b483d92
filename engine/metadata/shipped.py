"""The layers that come with the product: the core and its packs, read from `schemas/` and `workflows/`."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path

from engine.errors import Place, Problem
from engine.i18n import Message
from engine.metadata.document import Document, read_folder
from engine.metadata.layers import Layer, LayerKind, layer_of

ROOT = Path(__file__).parents[2]
CORE = "core"


def shipped_packs(root: Path = ROOT) -> tuple[str, ...]:
    """Return the names of the packs that come with the product, the core among them."""
    folders = (root / "schemas").iterdir() if (root / "schemas").is_dir() else ()
    return tuple(
        sorted(each.name for each in folders if each.is_dir() and each.name != "meta" and each.name[0] not in "._")
    )


def shipped_layers(packs: Sequence[str], root: Path = ROOT) -> list[Layer]:
    """Return the core and these packs with what they require, lowest first; a file is parsed once per content.

    A pack that does not exist is a problem of the layer that stands in its place.
    """
    read: dict[str, Layer] = {}
    for name in (CORE, *packs):
        _read(name, root, read, ())
    return list(read.values())


def folder_layer(name: str, kind: LayerKind, folders: Iterable[Path], base: Path | None = None) -> Layer:
    """Return the layer whose documents stand in some folders; those that are not there hold none."""
    documents: list[Document] = []
    problems: list[Problem] = []
    for folder in folders:
        if folder.exists():
            found, wrong = read_folder(folder, name, base=base)
            documents += found
            problems += wrong
    return layer_of(name, kind, documents, problems)


def _read(name: str, root: Path, read: dict[str, Layer], trail: tuple[str, ...]) -> None:
    if name in read or name in trail:
        return
    folders = (root / "schemas" / name, root / "workflows" / name)
    kind: LayerKind = "core" if name == CORE else "pack"
    if name != CORE and not any(each.is_dir() for each in folders):
        known = shipped_packs(root)
        close = difflib.get_close_matches(name, known, 1)
        advice = Message("did you mean {name}?", name=repr(close[0])) if close else None
        problem = Problem(
            Message("there is no pack {name}", name=repr(name)), Place("guanxi.yaml"), "packs", "no_pack", advice
        )
        read[name] = layer_of(name, kind, (), [problem])
        return
    layer = folder_layer(name, kind, folders, root)
    for needed in _requires(layer):
        _read(needed, root, read, (*trail, name))
    read[name] = layer


def _requires(layer: Layer) -> tuple[str, ...]:
    pack = next((each.body for each in layer.documents if each.kind == "pack"), {})
    needed = pack.get("requires")
    names = [needed] if isinstance(needed, str) else needed if isinstance(needed, (list, dict)) else ()
    return tuple(each for each in names if isinstance(each, str))
