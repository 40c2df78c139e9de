"""Genomes with their annotation from UCSC's server into a cache, and the YAML that prepares them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from dnabert.config import check_types, nearest, to_yaml
from dnabert.corpus.cache import Cache
from dnabert.corpus.config import CorpusConfig, GenomeConfig, SplitConfig
from dnabert.corpus.download import Patience, Server
from dnabert.corpus.registry import PARTS, Assembly, read_registry
from dnabert.corpus.twobit import TwoBit
from dnabert.disk import check_writable
from dnabert.errors import UserError
from dnabert.given import settings
from dnabert.stage import whole_file

#: Environment variables behind --cache and --base-url.
CACHE_VARIABLE, BASE_URL_VARIABLE = "DNABERT_CACHE", "DNABERT_BASE_URL"

#: UCSC's names of assembled chromosomes: no unplaced (chrUn), unlocalised (_random), alternative (_alt) or patch
#: sequence, which repeat the chromosomes' own, and no mitochondrion.
_ASSEMBLED = re.compile(r"chr(?!Un$|M$|EBV$)[^_]+")
#: The smallest autosomes of the great apes, named alike in all of them: the same places by descent stay in one split.
_VALIDATION, _TEST = "chr21", "chr22"


@dataclass
class FetchConfig:
    """Where genomes come from and where they are kept."""

    chrom: list[str] = field(default_factory=list)
    """Chromosomes to use, by name; none: all assembled ones. The whole .2bit is fetched all the same."""
    cache: str | None = None
    """Folder that keeps the files; none: $DNABERT_CACHE, else the user's cache folder."""
    base_url: str | None = None
    """URL of a mirror; none: $DNABERT_BASE_URL, else that of the registry (UCSC)."""
    registry: str | None = None
    """JSON file of other assemblies; none: the package's."""
    timeout: float = 60.0
    """Seconds without a byte after which a connection counts as broken."""
    retries: int = 6
    """Attempts that may follow each other without a new byte, with growing pauses."""
    wait: float = 1.0
    """Seconds before the second attempt; doubled for each one after it."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_types(self)
        for name, least in (("timeout", 0), ("retries", -1), ("wait", -1)):
            if not getattr(self, name) > least:
                allowed = "above 0" if least == 0 else "0 or more"
                raise UserError(f"--{name} is {getattr(self, name)}, allowed is {allowed}: pass another --{name}")


@dataclass(frozen=True)
class Fetched:
    """What was fetched."""

    config: CorpusConfig
    """What the YAML holds: `dnabert.prepare` takes it."""
    absent: dict[str, list[str]]
    """By genome: the parts that the server has not."""

    def describe(self) -> str:
        """One line per genome."""
        lines = []
        for genome in self.config.genomes:
            paths = {part: getattr(genome, part) for part in PARTS if getattr(genome, part) is not None}
            size = sum(os.path.getsize(path) for path in paths.values())
            lacks = f"; the server has no {', '.join(self.absent[genome.name])}" if self.absent[genome.name] else ""
            count = len(genome.chroms or ())
            chroms = f"{count} chromosome{'s' * (count > 1)}" if count else "all sequences"
            files = ", ".join(Path(path).name for path in paths.values())
            lines.append(f"{genome.name}: {files} ({size / 1e6:,.1f} MB), {chroms}{lacks}")
        return "\n".join(lines)


def fetch_genomes(
    names: Sequence[str],
    *,
    out: str | Path,
    config: FetchConfig | Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Fetched:
    """Fetch assemblies with genes, repeats and CpG islands, and write the YAML for ``dnabert prepare --config``.

    A file counts as fetched when its checksum is right: that of the registry where it knows one, else that of the
    ``md5sum.txt`` in the server's folder, else (UCSC's tables have none) its compression's own. Its SHA-256 is noted
    in the cache (``checksums.json`` of the assembly), and whatever comes from that path, or is found there, later must
    have it. With everything in the cache no network is needed.

    Parameters
    ----------
    names : assemblies (``hg38``, ``panTro6``, …) and groups (``great-apes``).
    out : YAML file to write; its parents are made too.
    config : where from, where to, which chromosomes.
    overwrite : replace a file that stands at `out`.

    Raises
    ------
    UserError
        for an unknown name, without a network, when the server has no such assembly, sends something else or nothing
        more, or when the disk is full. What has come by then stays in the cache and is not fetched again.
    """
    config = settings(config, FetchConfig)
    out = Path(out)
    if not names:
        raise UserError("nothing to fetch: name assemblies or groups, for example great-apes or hg38")
    _check_out(out, overwrite=overwrite)
    registry = read_registry(config.registry)
    assemblies = registry.choose(names)
    patience = Patience(timeout=config.timeout, retries=config.retries, wait=config.wait)
    base_url = (config.base_url or os.environ.get(BASE_URL_VARIABLE) or registry.source).rstrip("/")
    cache = Cache(cache_folder(config.cache), server=Server(patience), base_url=base_url, sha256=registry.sha256)
    genomes, absent = [], {}
    for assembly, name in zip(assemblies, _names(assemblies), strict=True):
        files = {part: cache.get(assembly, part) for part in PARTS}
        genomes.append(GenomeConfig(name=name, **{part: str(path) for part, path in files.items() if path}))  # type: ignore[arg-type]
        absent[name] = [part.replace("_", " ") for part, path in files.items() if path is None]
    _choose_chroms(genomes, config.chrom)
    corpus = CorpusConfig(genomes=genomes, split=_split(genomes))
    _write(corpus, out=out, origin=f"{', '.join(assembly.id for assembly in assemblies)} from {base_url}")
    return Fetched(config=corpus, absent=absent)


def cache_folder(given: str | None = None) -> Path:
    """The folder that keeps fetched files: the one given, else ``$DNABERT_CACHE``, else the user's cache folder."""
    import pooch

    named = given or os.environ.get(CACHE_VARIABLE)
    return Path(os.path.abspath(os.path.expanduser(named))) if named else Path(pooch.os_cache("dnabert"))


def _check_out(out: Path, *, overwrite: bool) -> None:
    """Refuse before the hours of a download what cannot be written after them."""
    if out.is_dir() or (out.exists() and not overwrite):
        raise UserError(f"{out} exists already: choose another --out or pass --overwrite")
    if out.exists() and b"# Written by dnabert fetch" not in out.read_bytes()[:4096]:
        raise UserError(f"{out} was not written by dnabert fetch, so --overwrite leaves it alone: choose another --out")
    check_writable(out)


def _names(assemblies: Sequence[Assembly]) -> list[str]:
    """Names of the genomes: human, chimp, …; of two assemblies of one species their own."""
    common = [assembly.name for assembly in assemblies]
    return [assembly.id if common.count(assembly.name) > 1 else assembly.name for assembly in assemblies]


def _choose_chroms(genomes: Sequence[GenomeConfig], wanted: Sequence[str]) -> None:
    """Set each genome's `chroms`: those wanted that it has, else the assembled ones."""
    known: set[str] = set()
    for genome in genomes:
        names = _sequence_names(Path(genome.fasta))
        known |= set(names)
        if not wanted:
            genome.chroms = [name for name in names if _ASSEMBLED.fullmatch(name)] or None
        elif names:
            genome.chroms = [name for name in names if name in wanted]
            if not genome.chroms:
                close = nearest(wanted[0], names) or f" (it has {', '.join(names[:5])})"
                raise UserError(f"--chrom {' '.join(wanted)} is not in {genome.name}{close}: name its chromosomes")
        else:
            genome.chroms = list(wanted)
    strange = [name for name in wanted if known and name not in known]
    if strange:
        raise UserError(f"--chrom {strange[0]} is in no genome{nearest(strange[0], known)}: name their chromosomes")


def _sequence_names(path: Path) -> list[str]:
    """Names in a .2bit file; of another format they are known once it is prepared."""
    if path.suffix != ".2bit":
        return []
    twobit = TwoBit(path)
    twobit.close()
    return list(twobit.lengths)


def _split(genomes: Sequence[GenomeConfig]) -> SplitConfig:
    """By chromosome where all genomes have the two, and others for training; else the default."""
    chosen = [set(genome.chroms or ()) for genome in genomes]
    if all({_VALIDATION, _TEST} < chroms for chroms in chosen):
        return SplitConfig(by="chromosome", validation=[_VALIDATION], test=[_TEST])
    return SplitConfig()


def _write(corpus: CorpusConfig, *, out: Path, origin: str) -> None:
    head = f"# {origin}\n# Written by dnabert fetch; dnabert prepare --config {PurePosixPath(out)} --out corpus\n"
    with whole_file(out) as temporary:
        temporary.write_text(head + to_yaml(corpus), encoding="utf-8")
