"""The documents of a folder: those of a site, or those of any folder that somebody wants checked or tested."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from engine.errors import DocumentsInvalid, GuanxiError, Problem
from engine.i18n import Message
from engine.metadata import Document, Layer, check_documents, read_folder, shipped_layers
from engine.metadata.document import by_place
from engine.metadata.layers import layer_of
from engine.metadata.shipped import ROOT
from engine.plugins import Plugin, find_plugins
from engine.site.config import FILE, SiteConfig, read_config
from engine.site.folder import DOCUMENT_FOLDERS

SITE = "site"
DEFAULT_PACKS = ("crm",)


@dataclass(frozen=True, slots=True)
class Found:
    """What was found to work on."""

    config: SiteConfig | None
    """None outside of any site."""
    packs: tuple[str, ...]
    plugins: tuple[Plugin, ...]
    documents: tuple[Document, ...]
    """The site layer."""
    tests: tuple[Document, ...]
    """Documents whose tests were asked for."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What checking files came to."""

    documents: int
    problems: tuple[Problem, ...]
    """Errors and warnings of all files, by place."""


def site_documents(folder: Path, *, base: Path | None = None) -> tuple[list[Document], list[Problem]]:
    """Read the documents of a site's folder; files are named relative to `base` in messages."""
    documents: list[Document] = []
    problems: list[Problem] = []
    for name in DOCUMENT_FOLDERS:
        if (folder / name).is_dir():
            found, wrong = read_folder(folder / name, SITE, base=base)
            documents += found
            problems += wrong
    return documents, problems


def lower_layers(packs: Sequence[str], plugins: Sequence[Plugin]) -> list[Layer]:
    """Return the layers below the site: core, packs, plugins."""
    return [*shipped_layers(packs), *(plugin.documents() for plugin in plugins)]


def pack_versions(layers: Sequence[Layer]) -> dict[str, str]:
    """Return the version of each pack."""
    return {
        layer.name: str(document.body.get("version", version("guanxi")))
        for layer in layers
        for document in layer.documents
        if document.kind == "pack"
    }


def site_plugins(config: SiteConfig) -> tuple[Plugin, ...]:
    """Return the plugins of a site, in order.

    Raises:
        SiteBroken: one is missing, or needs what is not there.
        DocumentsInvalid: a plugin.yaml says something that it cannot say.
    """
    folder = config.folder / "plugins"
    if not config.plugins and (config.plugins is not None or not folder.is_dir()):
        return ()
    return tuple(find_plugins(folder, config.plugins, pack_versions(shipped_layers(config.packs))))


def check_files(paths: Sequence[Path], *, site: Path) -> Checked:
    """Check the documents of files and folders, or those of a site when none are given; no database is asked.

    What the files name must stand in them, in the packs, or in the plugins of the site.

    Raises:
        GuanxiError: no paths are given, and `site` is no site.
    """
    config, problems = _config_of(site)
    documents: list[Document] = []
    if not paths:
        if config is None and not problems:
            raise GuanxiError(
                Message(
                    "{folder} is not a site: it has no {file}; name the files to check", folder=str(site), file=FILE
                )
            )
        documents, found = site_documents(site, base=site)
        problems += found
    for path in paths:
        if path.is_dir() and (path / FILE).is_file():
            config, found = _config_of(path)
            problems += found
            read = site_documents(path, base=None)
        else:
            read = read_folder(path, SITE)
        documents += read[0]
        problems += read[1]
    packs = DEFAULT_PACKS if config is None else config.packs
    try:
        plugins = () if config is None else site_plugins(config)
    except DocumentsInvalid as error:
        plugins = ()
        problems += error.problems
    layers = [*lower_layers(packs, plugins), layer_of(SITE, "site", documents)]
    return Checked(len(documents), tuple(sorted({*problems, *check_documents(layers)}, key=by_place)))


def _config_of(folder: Path) -> tuple[SiteConfig | None, list[Problem]]:
    if not (folder / FILE).is_file():
        return None, []
    try:
        return read_config(folder), []
    except DocumentsInvalid as error:
        return None, list(error.problems)


def read_documents(site: Path, path: Path | None) -> Found:
    """Read what tests are run on: the site, or, when `path` lies outside of it, the folder alone.

    Raises:
        DocumentsInvalid: a file cannot be read.
        SiteBroken: there is neither a site nor a path.
    """
    inside = path is None or _within(path, site)
    if inside and (path is None or (site / FILE).is_file()):
        config = read_config(site)
        documents, problems = site_documents(site, base=site)
        asked = None if path is None else read_folder(path, SITE)[0]
        plugins = site_plugins(config)
        packs = config.packs
    else:
        assert path is not None  # noqa: S101 - the first branch takes the other case
        if (path / FILE).is_file():
            return read_documents(path, None)
        config, plugins, packs = None, (), DEFAULT_PACKS
        documents, problems = read_folder(path, SITE)
        asked = documents
        if _within(path, ROOT / "schemas"):
            # The documents of a pack are there already, as the pack.
            documents = []
    if problems:
        raise DocumentsInvalid(sorted(problems, key=by_place))
    return Found(config, packs, plugins, tuple(documents), tuple(documents if asked is None else asked))


def _within(path: Path, folder: Path) -> bool:
    return os.path.commonpath([path.resolve(), folder.resolve()]) == str(folder.resolve())
