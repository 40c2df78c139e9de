"""Assemblies that can be fetched: a JSON file that says where the files of each one are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from dnabert.config import nearest
from dnabert.errors import UserError
from dnabert.json_file import read_json

#: Parts of a genome, by the keys of `GenomeConfig`; without the first there is no genome.
PARTS = ("fasta", "genes", "repeats", "cpg_islands")

_BUILT_IN = Path(__file__).with_name("assemblies.json")
#: How UCSC names assemblies: hg38, hs1, panTro6, sacCer3, canFamX is none.
_UCSC_NAME = re.compile(r"[a-z]{2,3}([A-Z][A-Za-z]{2})?\d+")
#: What may become the name of a folder in the cache.
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SAFE_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*(/[A-Za-z0-9_][A-Za-z0-9._+-]*)*")
#: What the cache writes beside the files (`Cache`).
_OWN_FILES = ("checksums.json", "md5sum.txt")


@dataclass(frozen=True)
class Assembly:
    """One assembly: where its files are, below the registry's source."""

    id: str
    name: str
    """Of the genome in a corpus: human, chimp, …"""
    files: dict[str, list[str]]
    """Paths by part; the first that the server has is taken."""
    title: str = ""


@dataclass(frozen=True)
class Registry:
    """Assemblies by name, groups of them, and checksums that are known beforehand."""

    source: str
    """URL that every path is below."""
    assemblies: dict[str, Assembly]
    groups: dict[str, list[str]] = field(default_factory=dict)
    layout: dict[str, list[str]] = field(default_factory=dict)
    """Paths of the parts of an assembly that is not listed, with ``{assembly}`` for its name; empty: none is
    allowed."""
    sha256: dict[str, str] = field(default_factory=dict)
    """By path, in hexadecimal."""

    def choose(self, names: Sequence[str]) -> list[Assembly]:
        """The assemblies that names of groups and assemblies stand for, each once, in order.

        Raises
        ------
        UserError
            for a name that is neither.

        Examples
        --------
        >>> [each.name for each in read_registry().choose(["great-apes"])]
        ['human', 'chimp', 'bonobo', 'gorilla', 'orangutan']
        """
        ids = [assembly for name in names for assembly in self.groups.get(name, [name])]
        return [self._assembly(name) for name in dict.fromkeys(ids)]

    def _assembly(self, name: str) -> Assembly:
        if name in self.assemblies:
            return self.assemblies[name]
        if self.layout and _UCSC_NAME.fullmatch(name):
            try:
                return Assembly(id=name, name=name, files=_paths(self.layout, name))
            except (ValueError, AttributeError, TypeError) as error:
                raise UserError(
                    f"the registry's layout gives no files of {name} ({error}): mend it, see "
                    "dnabert/corpus/assemblies.json"
                ) from None
        known = [*self.groups, *self.assemblies]
        more = ", or another of UCSC's, such as mm39" if self.layout else ""
        raise UserError(f"no assembly {name!r}{nearest(name, known)}: allowed is {', '.join(known)}{more}")


def read_registry(path: str | Path | None = None) -> Registry:
    """Read a registry.

    Parameters
    ----------
    path : JSON file with the keys ``source`` (URL), ``assemblies`` (by name: ``name``, ``title`` and ``files``, which
        gives a list of paths for ``fasta`` and any of ``genes``, ``repeats``, ``cpg_islands``), and, where wanted,
        ``groups``, ``layout`` and ``sha256``; none: the package's own, UCSC's assemblies.

    Raises
    ------
    UserError
        when it cannot be read or lacks something.
    """
    path = _BUILT_IN if path is None else Path(path)
    try:
        content = read_json(path)
        layout = content.get("layout", {})
        assemblies = {
            id: Assembly(
                id=_safe(id),
                name=entry.get("name", id),
                title=entry.get("title", ""),
                files=_paths({**layout, **entry.get("files", {})}, id),
            )
            for id, entry in content["assemblies"].items()
        }
        groups = _groups(content.get("groups", {}))
        known = content.get("sha256", {})
        return Registry(content["source"].rstrip("/"), assemblies, groups=groups, layout=layout, sha256=known)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}: --registry takes a JSON file") from None
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise UserError(
            f"{path} is no registry of assemblies ({error!r}): see dnabert/corpus/assemblies.json"
        ) from None


def _groups(groups: dict[str, list[str]]) -> dict[str, list[str]]:
    for name, members in groups.items():
        if not isinstance(members, list) or not all(isinstance(member, str) for member in members):
            raise ValueError(f"group {name!r} is no list of assemblies")
    return groups


def _paths(layout: dict[str, Any], assembly: str) -> dict[str, list[str]]:
    if not set(layout) <= set(PARTS) or not layout.get("fasta"):
        raise ValueError(f"files of {assembly}: fasta is needed, allowed are {', '.join(PARTS)}")
    paths = {part: [path.replace("{assembly}", assembly) for path in layout.get(part, [])] for part in PARTS}
    for path in (path for each in paths.values() for path in each):
        # its last part becomes a file of the cache: none that leads out of it, none that stands for the cache's own
        if not _SAFE_PATH.fullmatch(path):
            raise ValueError(
                f"file {path!r} of {assembly}: parts of letters, digits, "
                "'.', '_', '+' and '-', none hidden, with '/' between"
            )
        if PurePosixPath(path).name in _OWN_FILES:
            raise ValueError(f"file {path!r} of {assembly} is named as one of the cache's own")
    of_part = {(PurePosixPath(path).name, path): part for part, each in paths.items() for path in each}
    for (name, path), part in of_part.items():
        for (other, another), its in of_part.items():
            # the second would be taken for the first, which is in the cache already
            if name == other and path != another and part != its:
                raise ValueError(
                    f"files {path!r} and {another!r} of {assembly}: {part} and {its} would be one file in the cache"
                )
    return paths


def _safe(name: str) -> str:
    if not _SAFE_NAME.fullmatch(name):
        raise ValueError(f"assembly {name!r}: letters, digits, '.', '_' and '-' only")
    return name
