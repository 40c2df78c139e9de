"""The stage: a run is asked for hidden words of a corpus, and so is counting."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dnabert.config import save_yaml
from dnabert.errors import UserError
from dnabert.given import InFolder, settings, stage_folder
from dnabert.json_file import read_json
from dnabert.manifest import content_hash, read_manifest
from dnabert.scoring.config import ScoreConfig
from dnabert.scoring.kinds import COLUMNS, WindowBits, by_kind
from dnabert.scoring.sentence import told
from dnabert.stage import reading, stage

if TYPE_CHECKING:
    import pandas as pd

    from dnabert.corpus import Corpus, WindowView
    from dnabert.pretraining.sampling import Sampler
    from dnabert.tokenizer import KmerTokenizer

#: Columns of ``windows.parquet``, where the corpus has them.
_PLACE = ("genome", "chrom", "start", "end", "block", "soft_masked", "repeat", "gene")


@dataclass(frozen=True)
class Scores(InFolder):
    """A folder of `score`, read.

    Attributes
    ----------
    table : one row per window that was asked: its place and annotation, ``words`` (hidden ones), ``bits_per_base``
        and, where it was counted, ``counting_bits_per_base``; NaN where every word holds an N.
    summary : the content of ``scores.json``: ``run``, ``split``, ``windows``, ``places``, ``kinds`` (rows of
        `by_kind`), ``sentences``, ``notes`` (what is left out and why, and what to keep in mind).
    manifest, folder : where it stands and what made it.
    """

    table: pd.DataFrame
    summary: dict[str, Any]
    manifest: dict[str, Any]
    folder: Path

    def __repr__(self) -> str:
        """What it is and where it stands, in a line: the last value of a notebook's cell is shown."""
        return f"Scores({len(self.table):,} windows, folder={str(self.folder)!r})"


def score(
    run: str | Path,
    corpus: str | os.PathLike[str],
    *,
    out: str | Path,
    config: ScoreConfig | Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Scores:
    """Ask a run for hidden words of a corpus's windows, by kind of sequence, beside counting.

    Of each window a share of the words is hidden, always the same ones, and read on the forward strand in the first
    frame, as pretraining evaluates. Counting is what `dnabert.pretraining.bidirectional` makes of the corpus's training
    windows: a mixture of Markov models that read both sides of the same words, smoothed on one half of the windows and
    scored on the other. Intervals draw stretches of a genome whole (`dnabert.corpus.places.gene_places`): what windows
    cost goes together over hundreds of kilobases (on chromosome 22 the standard error is twice that of orthologous
    blocks).

    Writes ``scores.json``, ``kinds.tsv`` and ``windows.parquet``.

    Parameters
    ----------
    run : folder of ``train/pretrain.py``, or ``default``.
    corpus : what `dnabert.prepare` gave, or its folder; its windows may be shorter than the run's, not longer.
    out : folder to make.
    config : a `ScoreConfig`, or a dict of its fields.
    overwrite : replace scores that stand there.

    Raises
    ------
    UserError
        when an input is no run or corpus, they do not fit each other, or no word can be asked for.
    """
    from dnabert.corpus import load_corpus
    from dnabert.corpus.places import gene_places
    from dnabert.encoders.encoder import run_folder
    from dnabert.encoders.run import check_whole
    from dnabert.tokenizer import load_tokenizer

    config, run = settings(config, ScoreConfig), run_folder(str(run))
    corpus = stage_folder(corpus, kind="corpus")
    with stage(out, kind="scores", config=config, inputs={"run": run, "corpus": corpus}, overwrite=overwrite) as folder:
        manifest = read_manifest(run, kind="run")
        check_whole(run, weights=True)
        opened = load_corpus(corpus)
        split, view = _chosen(opened, config)
        sampler = _sampler(view, load_tokenizer(run), config)
        table = _table(view)
        bits, words = _asked(run, opened, sampler, config, places=gene_places(table))
        kinds = by_kind(table, bits)
        summary = {
            "run": str(run),
            "split": split,
            "windows": len(view),
            "places": int(bits.places.max()) + 1,
            "kinds": kinds,
            "sentences": told(kinds, split=split),
            "notes": _notes(opened, config, split=split, trained_on=manifest["inputs"].get("corpus")),
        }
        _write(folder, config, summary, _with_bits(table, bits, words))
    return load_scores(out)


def load_scores(folder: str | Path) -> Scores:
    """Read a folder of scores.

    Raises
    ------
    UserError
        when it is none, was made by another version, or a file of it is damaged.
    """
    import pandas as pd

    folder = Path(folder)
    with reading(folder, kind="scores") as manifest:
        return Scores(pd.read_parquet(folder / "windows.parquet"), read_json(folder / "scores.json"), manifest, folder)


def _chosen(corpus: Corpus, config: ScoreConfig) -> tuple[str, WindowView]:
    """The split that is asked, and its windows, evenly spread."""
    from dnabert.corpus.view import spread_windows

    split = config.split or ("test" if "test" in corpus else "validation")
    return split, spread_windows(
        corpus.view(split), most=config.windows, genome=config.genome, flag="--genome", split=split
    )


def _sampler(view: WindowView, tokenizer: KmerTokenizer, config: ScoreConfig) -> Sampler:
    """What hides words, the same ones as pretraining's evaluation of these windows would."""
    from dnabert.pretraining.audit import refuse_leaks
    from dnabert.pretraining.sampling import Sampler

    sampler = Sampler(view, tokenizer, batch_size=1, seed=0, mask_share=config.mask_share)
    if sampler.tokens_per_window < 4 or sampler.plan.cells < 1:
        raise UserError(
            f"windows of {view.window_length} bp hold under 2 words of the run's k = {tokenizer.k}: prepare longer ones"
        )
    refuse_leaks(sampler.plan)
    return sampler


def _asked(
    run: Path, corpus: Corpus, sampler: Sampler, config: ScoreConfig, *, places: np.ndarray
) -> tuple[WindowBits, np.ndarray]:
    """Bits of the windows' hidden words, by the run and by counting, and how many words they are, int64 (n,)."""
    nats, words = _of_run(run, sampler, config)
    if not words.any():
        raise UserError(
            f"no window that is asked holds a word of k = {sampler.tokenizer.k} without N: "
            "ask other windows, or prepare others"
        )
    counting = _of_counting(corpus, sampler, config) if "train" in corpus else None
    bases = words * float(sampler.tokenizer.k)
    return WindowBits(nats / math.log(2), counting, bases, places), words.astype(np.int64)


def _of_run(run: Path, sampler: Sampler, config: ScoreConfig) -> tuple[np.ndarray, np.ndarray]:
    """Nats of the hidden words of each window, float64 (n,), and how many they are."""
    from dnabert.encoders.processes import process_state
    from dnabert.models.objective import MaskedObjective
    from dnabert.models.precision import accelerator_in, state_of_its_own
    from dnabert.pretraining.evaluation import window_sums

    model = _masked_lm(run, window_length=sampler.view.window_length)
    with state_of_its_own():
        accelerator = accelerator_in(config.precision, device=process_state().device)
        nats, _, words = window_sums(MaskedObjective(model.to(accelerator.device)), sampler, accelerator=accelerator)
    if not np.isfinite(nats).all():
        raise UserError(
            f"{run} foretells with numbers that are none: its weights are damaged, or it diverged: train it again"
        )
    return nats, words


def _masked_lm(run: Path, *, window_length: int) -> Any:
    """A run's model with its head, in float32."""
    import torch
    from transformers import AutoModelForMaskedLM

    from dnabert.encoders.run import window_length as longest_of
    from dnabert.models.loading import load_weights, read_architecture

    longest = longest_of(run)
    if window_length > longest:
        raise UserError(
            f"windows of {window_length} bp are longer than the {longest} bp that {run} reads: prepare the corpus with "
            f"--window.length {longest}"
        )
    return load_weights(AutoModelForMaskedLM, run, config=read_architecture(run), dtype=torch.float32)


def _of_counting(corpus: Corpus, sampler: Sampler, config: ScoreConfig) -> np.ndarray:
    """Bits of the hidden words of each window by counting, float64 (n,)."""
    from dnabert.alphabet import codes
    from dnabert.corpus.view import evenly_spread
    from dnabert.pretraining.bidirectional import bits_of_words, mixed_orders
    from dnabert.pretraining.counting import ending_words
    from dnabert.pretraining.floors import fit_markov_models

    size = len(sampler.view)
    highest = min(config.order, sampler.view.window_length - 1)
    known = ending_words(codes(sampler.view.bases(np.arange(size))), size=highest + 1)[1].max(initial=0)
    if known <= highest:
        raise UserError(
            f"no window that is asked holds {highest + 1} bases without N for --order {highest}: pass --order "
            f"{known - 1}, or ask other windows"
        )
    train = corpus.view("train")
    counted = train.select(evenly_spread(len(train), most=config.counted_windows))
    models = fit_markov_models(counted, sampler.view, max_order=highest)
    bits, window = bits_of_words(models, sampler, np.arange(size), orders=mixed_orders(highest))
    return np.bincount(window, weights=bits[-1], minlength=size)


def _table(view: WindowView) -> pd.DataFrame:
    import pandas as pd

    known = set(view.table.column_names)
    return pd.DataFrame({name: view.column(name) for name in dict.fromkeys((*_PLACE, *COLUMNS)) if name in known})


def _with_bits(table: pd.DataFrame, bits: WindowBits, words: np.ndarray) -> pd.DataFrame:
    with np.errstate(invalid="ignore"):
        per_base = {"bits_per_base": bits.run / bits.bases}
        if bits.counting is not None:
            per_base["counting_bits_per_base"] = bits.counting / bits.bases
    return table.assign(words=words, **per_base)


def _notes(corpus: Corpus, config: ScoreConfig, *, split: str, trained_on: dict[str, Any] | None) -> list[str]:
    training = len(corpus.view("train")) if "train" in corpus else 0
    notes = []
    if not training:
        notes.append(f"{corpus.folder} has no training windows, in which to count: nothing stands beside the run")
    elif training > config.counted_windows:
        notes.append(
            f"words were counted in {config.counted_windows:,} of {training:,} training windows: in all of them "
            "counting would know more"
        )
    if split == "train":
        notes.append("the run may have been trained on these windows, and counting was: neither is a test")
    elif trained_on is None or trained_on.get("sha256") != content_hash(corpus.folder):
        notes.append(
            "the run was trained on another corpus, or on one that it does not name: "
            "whether on these windows too is not known"
        )
    return notes


def _write(folder: Path, config: ScoreConfig, summary: dict[str, Any], table: pd.DataFrame) -> None:
    import pandas as pd

    save_yaml(config, folder / "config.yaml")
    (folder / "scores.json").write_text(json.dumps(summary, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    pd.DataFrame(summary["kinds"]).to_csv(
        folder / "kinds.tsv", sep="\t", index=False, float_format="%.6g", lineterminator="\n"
    )
    table.to_parquet(folder / "windows.parquet", index=False)
