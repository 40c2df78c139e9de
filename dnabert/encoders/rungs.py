"""The rungs of a ladder: named encoders that are compared with each other."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from dnabert.config import check_types
from dnabert.encoders.config import EmbedConfig
from dnabert.errors import UserError

#: A rung's folders bear its name.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
#: Where the folder given as --run stands in an encoder's specification, alone or as a part.
_RUN = re.compile(r"((?:^|\+)(?:codebook:)?(?:random:|untrained:)?)RUN(?=\+|$)")
#: Where the corpus stands that a comparison reads.
_CORPUS = re.compile(r"((?:^|\+)abundance:)CORPUS(?=\+|$)")


@dataclass
class RungConfig:
    """One encoder of the ladder."""

    name: str
    """Its name in tables and folders."""
    encoder: str
    """As for `dnabert embed`; RUN stands for the folder given as --run: `RUN`, `random:RUN`, `untrained:RUN`,
    `codebook:RUN`, `RUN+lsa:8`. CORPUS stands for the comparison's corpus: `abundance:CORPUS`."""
    pooling: Literal["mean", "cls", "max"] = "mean"
    """Mean or maximum over the words, or the state of [CLS]."""
    layer: int = -1
    """Hidden layer that the vectors come from."""
    phases: int = 1
    """Mean over this many frames of the words."""
    both_strands: bool = False
    """Mean with the reverse complement."""
    whiten: float = 0.0
    """Power to which principal axes are divided by their spread; see `EmbedConfig`."""
    shuffle: bool = False
    """Read shuffled sequences, each with its dinucleotides: the null, which takes no part in who leads."""

    def __post_init__(self) -> None:
        """Refuse a name that would lead out of the comparison's folder, and a reading that cannot be, which otherwise
        ends the ladder when its turn comes."""
        check_types(self)
        if not _NAME.fullmatch(self.name):
            raise UserError(
                f"a rung is named {self.name!r}, allowed are letters, digits, '.', '_' and '-': rename it under rungs"
            )
        try:
            self.embedding(EmbedConfig())
        except UserError as error:  # no flags: those of `dnabert embed` are keys of a rung
            raise UserError(f"rung {self.name}: {str(error).replace('--', '')}: correct it under rungs") from None

    def embedding(self, base: EmbedConfig) -> EmbedConfig:
        """How this rung reads: `base` with its own pooling, layer, frames and strands."""
        return replace(base, **self.read, shuffle=self.shuffle)

    @property
    def read(self) -> dict[str, Any]:
        """How this rung makes a vector of a sequence; a shuffled rung is the null of one that reads alike."""
        return {name: getattr(self, name) for name in ("pooling", "layer", "phases", "both_strands", "whiten")}


def default_rungs() -> list[RungConfig]:
    """The ladder: a run, its codebook, k-mer counts and their latent semantic analysis, the off-the-shelf BERT, the
    run's architecture with random weights."""
    return [
        RungConfig("pretrained", "RUN"),
        RungConfig("codebook", "codebook:RUN"),
        RungConfig("kmer6", "kmer:6"),
        RungConfig("kmer4", "kmer:4"),
        RungConfig("lsa8", "lsa:8"),
        RungConfig("bert", "bert"),
        RungConfig("random", "random:RUN"),
    ]


def resolve_rungs(rungs: list[RungConfig], *, run: str | None, has_corpus: bool = False) -> list[RungConfig]:
    """Put the run in RUN's place; leave out the rungs that need a run or a corpus that there is not, and say so.

    Raises
    ------
    UserError
        when no rung is left, or two have the same name.
    """
    kept = []
    for rung in rungs:
        if not run and _RUN.search(rung.encoder):
            print(f"{rung.name} is left out: it needs a run (--run RUN)")
        elif not has_corpus and _CORPUS.search(rung.encoder):
            print(f"{rung.name} is left out: there is no corpus here; name its folder in the place of CORPUS")
        else:
            kept.append(rung)
    if not kept:
        raise UserError("no rung is left: pass --run RUN, or name encoders that need none")
    if len({rung.name for rung in kept}) < len(kept):
        raise UserError("two rungs have the same name: rename one under `rungs`")
    return [replace(rung, encoder=_RUN.sub(lambda found: f"{found[1]}{run}", rung.encoder)) for rung in kept]


def of_corpus(rungs: list[RungConfig], corpus: str) -> list[RungConfig]:
    """Put the folder of a corpus in CORPUS's place."""
    return [replace(rung, encoder=_CORPUS.sub(lambda found: f"{found[1]}{corpus}", rung.encoder)) for rung in rungs]


def check_rung(rung: RungConfig, read: EmbedConfig, *, check_lengths: Callable[[int], None]) -> None:
    """Refuse an encoder that cannot read what is asked of it, which otherwise ends all when its turn comes, perhaps an
    hour from now.

    Parameters
    ----------
    rung : resolved, see `resolve_rungs`.
    read : what all rungs read.
    check_lengths : see `checked_encoder`.

    Raises
    ------
    UserError
        that names the rung.
    """
    from dnabert.encoders.embed import checked_encoder

    try:
        checked_encoder(rung.encoder, check_lengths, config=rung.embedding(read))
    except UserError as error:
        raise UserError(f"rung {rung.name}: {str(error).removeprefix('--')}") from None
