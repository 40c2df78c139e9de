"""Corpus and model as artifacts of Weights & Biases: what a run read and what it made, so that its graph leads from one
to the other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from dnabert.json_file import read_own_lines
from dnabert.manifest import read_manifest
from dnabert.pretraining.curve import METRICS, last_row_evaluated
from dnabert.pretraining.tracking import wandb_id

#: What of a run is its model; whatever else somebody keeps in its folder is theirs, and stays here.
_MODEL = (
    "config.json",
    "model*.safetensors",
    "model.safetensors.index.json",
    "tokenizer*.json",
    "special_tokens_map.json",
    "modules.json",
    "sentence_bert_config.json",
    "1_WordWeights/config.json",
    "2_Pooling/config.json",
    "manifest.json",
    "config.yaml",
    "floors.json",
    "masking.json",
    "README.md",
)


def corpus_artifact(folder: str | Path) -> Any:
    """A corpus as a `wandb.Artifact` of type ``dataset``.

    Parameters
    ----------
    folder : of the corpus.

    Returns
    -------
    the artifact: manifest, configuration and counts of windows are uploaded; the genome itself stays where it is, as a
    reference to its folder, known by the manifest. So a genome that may not leave the house does not, and 15 Gb cost
    nothing.

    Raises
    ------
    UserError
        when `folder` is no corpus.
    """
    import wandb

    folder = Path(folder).resolve()
    manifest = read_manifest(folder, kind="corpus")
    genomes = [genome["name"] for genome in manifest["config"]["genomes"]]
    artifact = wandb.Artifact(
        _name("corpus", folder.name),
        type="dataset",
        description=f"Windows of {', '.join(genomes)}, prepared by dnabert",
        metadata={"genomes": genomes, "config": manifest["config"], "inputs": manifest.get("inputs")},
    )
    for file in ("manifest.json", "config.yaml", "summary.json"):
        if (folder / file).is_file():
            _add(artifact, folder / file, name=file)
    artifact.add_reference(folder.as_uri(), name="windows", checksum=False)
    return artifact


def model_artifact(run: str | Path) -> Any:
    """A finished run as a `wandb.Artifact` of type ``model``: all that `AutoModelForMaskedLM` and dnabert need to load
    it.

    Parameters
    ----------
    run : folder of ``train/pretrain.py``, with its manifest.

    Raises
    ------
    UserError
        when `run` is no finished run.
    """
    import wandb

    run = Path(run).resolve()
    manifest = read_manifest(run, kind="run")
    curve = run / METRICS  # a released model has none
    last = last_row_evaluated(read_own_lines(curve)) if curve.is_file() else None
    artifact = wandb.Artifact(
        _name("model", wandb_id(run) or run.name),
        type="model",
        description=(
            "Masked language model of DNA, pretrained by dnabert; loads with transformers' AutoModelForMaskedLM"
        ),
        metadata={"config": manifest["config"], "last": last or {}},
    )
    for path in sorted(path for pattern in _MODEL for path in run.glob(pattern) if path.is_file()):
        _add(artifact, path, name=path.relative_to(run).as_posix())
    return artifact


def record_inputs(tracked: Any, *, corpus: str | Path, initial: str | Path | None = None) -> None:
    """Tell a W&B run what it reads: its corpus and, where it goes on from another run, that run's model.

    Parameters
    ----------
    tracked : what `wandb.init` gave.
    corpus, initial : folders.
    """
    _use(tracked, corpus_artifact(corpus))
    if initial is not None:
        _use(tracked, model_artifact(initial))


def record_model(tracked: Any, run: str | Path) -> None:
    """Log a finished run's model as what the W&B run `tracked` made."""
    tracked.log_artifact(model_artifact(run), aliases=["latest", "final"])


def _use(tracked: Any, artifact: Any) -> None:
    """`Run.use_artifact`, also offline.

    Offline the public method refuses (wandb 0.31), although it would do no more with a new artifact than what stands
    here, and ``wandb sync`` understands it. An artifact that W&B has already, by its digest, is not made a second time.
    """
    if tracked.settings._offline:
        tracked._log_artifact(artifact, aliases=["latest"], is_user_created=True, use_after_commit=True)
    else:
        tracked.use_artifact(artifact, aliases=["latest"])


def _add(artifact: Any, path: Path, *, name: str) -> None:
    # "immutable": read where it lies when it is uploaded, instead of copied beside it first
    artifact.add_file(str(path), name=name, policy="immutable", skip_cache=True)


def _name(kind: str, rest: str) -> str:
    """A name that W&B allows: letters, digits, dashes, underscores and dots, 128 at most.

    Examples
    --------
    >>> _name("corpus", "my apes (22)")
    'corpus-my-apes-22'
    """
    return f"{kind}-{re.sub(r'[^A-Za-z0-9_.-]+', '-', rest).strip('-') or 'unnamed'}"[:128]
