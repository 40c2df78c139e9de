"""The folder that is uploaded: made whole before any server is asked."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dnabert.encoders.encoder import run_folder
from dnabert.errors import UserError
from dnabert.given import settings
from dnabert.hub.config import PushConfig
from dnabert.json_file import read_json
from dnabert.manifest import kind_of, read_manifest, told_kind, without_places
from dnabert.pretraining.curve import METRICS
from dnabert.stage import whole_folder

#: The Hub's kind of repository for each kind of stage.
REPOSITORIES = {"run": "model", "finetuning": "model", "corpus": "dataset"}
#: What a corpus has beside its splits.
_CORPUS = ("manifest.json", "config.yaml", "summary.json", "dataset_dict.json", "gene_names.parquet", "sequences")
#: What a classifier's folder has; whatever else somebody keeps there stays here.
_CLASSIFIER = (
    "config.json",
    "config.yaml",
    "manifest.json",
    "metrics.jsonl",
    "results.json",
    "model*.safetensors",
    "model.safetensors.index.json",
    "tokenizer*.json",
    "special_tokens_map.json",
)
#: What no stage of ours makes: a version control's or an editor's, or what another process is writing.
_HIDDEN = shutil.ignore_patterns(".*")


@dataclass(frozen=True)
class Staged:
    """What is uploaded.

    Attributes
    ----------
    folder : holds the files.
    name : OWNER/NAME of the repository.
    repository : ``model`` or ``dataset``.
    """

    folder: Path
    name: str
    repository: str

    @property
    def card(self) -> str:
        """The text of ``README.md``."""
        return (self.folder / "README.md").read_text()

    @property
    def files(self) -> dict[str, int]:
        """Path in the repository to bytes."""
        found = sorted(path for path in self.folder.rglob("*") if path.is_file())
        return {path.relative_to(self.folder).as_posix(): path.stat().st_size for path in found}

    def describe(self) -> str:
        """A line for each file, and their sum."""
        lines = [f"{size:>14,}  {path}" for path, size in self.files.items()]
        total = sum(self.files.values())
        return "\n".join([*lines, f"{total:>14,}  bytes in {len(lines)} files for the {self.repository} {self.name}"])


@contextlib.contextmanager
def staged(
    source: str | Path,
    name: str,
    *,
    config: PushConfig | Mapping[str, Any] | None = None,
    out: str | Path | None = None,
) -> Iterator[Staged]:
    """Make the folder that is uploaded: a run's release, or a classifier or corpus with a card; no network is needed.

    Paths of this machine are cut down to their last part in what is uploaded.

    Parameters
    ----------
    source : folder of kind ``run`` (of ``train/pretrain.py`` or ``train/release.py``), ``finetuning`` or ``corpus``; or
        ``default``, the packaged model.
    name : OWNER/NAME of the repository.
    config : the card's licence and data.
    out : where the folder stays; by default it is temporary, and gone after the block.

    Raises
    ------
    UserError
        when `source` is none of them, `name` is no repository's, or `out` may not be written or is in `source`.
    """
    config = settings(config, PushConfig)
    _check_name(name)
    source = run_folder(str(source))
    kind = kind_of(source)
    if kind not in REPOSITORIES:
        found = f"holds {told_kind(kind)}" if kind else "is no stage of dnabert"
        raise UserError(f"{source} {found}: give the folder of a run, of a classifier or of a corpus")
    if out is not None and Path(out).resolve().is_relative_to(Path(source).resolve()):
        raise UserError(f"--out {out} is in {source}, which is copied there: choose another --out")
    with tempfile.TemporaryDirectory(prefix="dnabert-push-") as scratch:
        final = Path(scratch) / "repository" if out is None else Path(out)
        with whole_folder(final, kind=kind) as folder:
            stage_one = {"run": _stage_run, "finetuning": _stage_classifier, "corpus": _stage_corpus}[kind]
            stage_one(Path(source), folder, name=name, config=config)
            _cut_places(folder)
        yield Staged(final, name, REPOSITORIES[kind])


def _check_links(part: Path, *, source: Path) -> None:
    """Raise `UserError` where a link in a part of the folder leads out of the folder: a stranger's could have any file
    of this machine uploaded."""
    for path in (part, *part.rglob("*")):
        if path.is_symlink() and not path.resolve().is_relative_to(source.resolve()):
            raise UserError(
                f"{path} is a link out of {source}, which is not followed for an upload: "
                "put the file itself there, or remove it"
            )


def _cut_places(folder: Path) -> None:
    """Where files stood on this machine concerns nobody: of paths in manifest and configuration the last part stays."""
    manifest, config = folder / "manifest.json", folder / "config.yaml"
    told = json.dumps(without_places(read_json(manifest)), indent=2) + "\n"
    manifest.unlink()  # it may be a link to the source's own
    manifest.write_text(told)
    if config.is_file():
        settings = yaml.safe_dump(
            without_places(yaml.safe_load(config.read_text())), sort_keys=False, allow_unicode=True
        )
        config.unlink()
        config.write_text(settings)


def _check_name(name: str) -> None:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(name)
    except HFValidationError:
        name = ""
    if not re.fullmatch("[^/]+/[^/]+", name):
        raise UserError(
            "NAME must be OWNER/NAME of a Hub repository: letters, digits, - _ . (dnabert push RUN me/my-model)"
        )


def _stage_run(run: Path, folder: Path, *, name: str, config: PushConfig) -> None:
    from dnabert.pretraining.card import CARD
    from dnabert.pretraining.release import release

    read_manifest(run, kind="run")
    if (run / METRICS).is_file():
        release(run, out=folder, data=config.data, license=config.license, name=name)
        return
    if not (run / CARD).is_file():
        raise UserError(
            f"{run} has neither metrics.jsonl nor a card: give the folder of train/pretrain.py or train/release.py"
        )
    if config.license or config.data:
        raise UserError(
            f"{run} is a release and has its card: pass --license and --data to train/release.py, or push the run"
        )
    _check_links(run, source=run)
    shutil.copytree(run, folder, dirs_exist_ok=True, ignore=_HIDDEN)
    made = str((read_manifest(run, kind="run")["config"] or {}).get("out", ""))
    card = folder / CARD  # its examples load the model under the name that it was released by
    card.write_text(
        card.read_text().replace(f'"{made}"', f'"{name}"').replace(f"name: {made}\n", f"name: {name.split('/')[-1]}\n")
    )


def _stage_classifier(classifier: Path, folder: Path, *, name: str, config: PushConfig) -> None:
    from dnabert.finetuning.card import classifier_card

    card = classifier_card(classifier, name=name, data=config.data, license=config.license)
    for path in sorted(path for pattern in _CLASSIFIER for path in classifier.glob(pattern)):
        _check_links(path, source=classifier)
        _link(str(path), str(folder / path.name))
    (folder / "README.md").write_text(card)


def _stage_corpus(corpus: Path, folder: Path, *, name: str, config: PushConfig) -> None:
    from dnabert.corpus import load_corpus
    from dnabert.corpus.card import dataset_card

    whole = load_corpus(corpus)
    card = dataset_card(whole, name=name, data=config.data, license=config.license)
    for part in (*_CORPUS, *whole):  # and not what else somebody keeps there
        _check_links(corpus / part, source=corpus)
        if (corpus / part).is_dir():
            shutil.copytree(corpus / part, folder / part, ignore=_HIDDEN, copy_function=_link)
        elif (corpus / part).is_file():
            _link(str(corpus / part), str(folder / part))
    (folder / "README.md").write_text(card)


def _link(source: str, target: str) -> None:
    """A whole genome's bases need not be there twice; across file systems they must. Of a link the file is meant, which
    its path need not find from `target`."""
    try:
        os.link(os.path.realpath(source), target)
    except OSError:
        shutil.copyfile(source, target)
