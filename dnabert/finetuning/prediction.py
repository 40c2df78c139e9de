"""A fine-tuned classifier on new sequences: which class, how surely."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnabert.clusters.bootstrap import Score
from dnabert.corpus.pieces import Piece, table_of, told_rows, unreadable
from dnabert.encoders.arrays import check_arrays
from dnabert.errors import UserError
from dnabert.finetuning.config import PredictConfig
from dnabert.finetuning.results import Kept, read_kept
from dnabert.given import settings
from dnabert.manifest import read_manifest
from dnabert.probes.tasks import told_span
from dnabert.probes.unseen import told_unseen
from dnabert.table_file import check_table_free, write_table

if TYPE_CHECKING:
    import pandas as pd

    from dnabert.corpus.records import Record
    from dnabert.tokenizer import KmerTokenizer

#: With these the table begins; a column for each class follows.
COLUMNS = ("name", "start", "end", "length", "label", "probability", "note")


@dataclass(frozen=True)
class Prediction:
    """What a classifier says of new sequences.

    Attributes
    ----------
    table : one row per sequence or tile, in input order; its columns are those of the file, see `predict`.
    kept : what is known of the classifier.
    """

    table: pd.DataFrame
    kept: Kept

    def __repr__(self) -> str:
        """What it is, in a line: the last value of a notebook's cell is shown."""
        return f"Prediction({told_rows(self.table)}, task={self.task!r}, labels={self.labels})"

    @property
    def task(self) -> str:
        """The task that the classifier learned."""
        return self.kept.task

    @property
    def test(self) -> dict[str, Any]:
        """Its scores on that task's test sequences."""
        return self.kept.test

    @property
    def labels(self) -> dict[str, int]:
        """How many rows have each label, the most frequent first; rows that cannot be read have none."""
        return dict(Counter(label for label in self.table["label"] if label).most_common())

    @property
    def warning(self) -> str | None:
        """One line where sequences are much shorter or longer than all that the classifier has learned from."""
        shortest, longest = self.kept.lengths
        length = self.table["length"]
        unlike = int(((length < shortest / 2) | (length > 2 * longest)).sum())
        if not unlike:
            return None
        return (
            f"{unlike:,} of {len(self.table):,} rows are of under half or over twice the bases of the sequences it was "
            f"trained on ({told_span(shortest, longest)}): its test says nothing of them"
        )

    def describe(self) -> str:
        """The summary that ``dnabert predict`` prints."""
        none = int((self.table["note"] != "").sum())
        lines = [f"{told_rows(self.table)}, {none:,} that cannot be read (too short, or hardly a known base)"]
        lines += [f"  {label} {count:,}" for label, count in self.labels.items()]
        mcc = self.test["mcc"]
        known = (
            f"on the {mcc['n']:,} test sequences of {self.task} it has a Matthews' correlation of {mcc['value']:.3f} "
            f"[{mcc['low']:.3f}, {mcc['high']:.3f}]"
        )
        known += told_unseen(Score(**self.kept.unseen["mcc"]) if self.kept.unseen else None)
        frequent = ""
        if self.kept.balanced:
            frequent = "its probabilities are those of classes equally frequent, as its training weighed them; "
        return "\n".join(
            [*lines, f"{known}; {frequent}elsewhere classes may be more or less frequent, and probabilities with them"]
        )


def predict(
    classifier: str | Path,
    input: str | Path,
    *,
    out: str | Path,
    config: PredictConfig | Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Prediction:
    """Classify new sequences, and write a table of tab-separated values.

    Sequences are read as the test sequences of the task were: in tiles that leave nothing out where one is longer than
    a window, a word with an unknown base as a hidden one, and on both strands, with the mean of both, where training
    drew a random strand.

    Columns of the table:

    - ``name``; ``start``, ``end`` of the piece in its sequence (0-based, half open); ``length`` in bases;
    - ``label``: the most probable class, and its ``probability`` (the network's softmax: of classes as frequent as in
      training, or where ``--class-weights balanced`` trained it equally frequent);
    - ``note``: ``too short`` or ``too few known bases`` where no word can be read; such a row has no label;
    - ``probability of CLASS`` for each class.

    Parameters
    ----------
    classifier : folder made by `finetune`.
    input : FASTA, GenBank, EMBL, FASTQ, CSV or TSV (column ``sequence``, perhaps ``name``), plain or gzip; ``-`` is
        standard input.
    out : file to write, whole or not at all.
    config : a `PredictConfig`, or a dict of its fields.
    overwrite : replace such a table that stands at `out`.

    Raises
    ------
    UserError
        when the folder holds no classifier, the input cannot be read, or `out` may not be written.
    """
    from dnabert.corpus.records import read_records

    check_table_free(out, columns=COLUMNS, command="dnabert predict", overwrite=overwrite)
    reader = Classifier(classifier, config=config)
    table = reader.table(read_records(input))
    write_table(table, out)
    return Prediction(table, reader.kept)


class Classifier:
    """A fine-tuned classifier, ready to read sequences that are in memory; `predict` reads those of a file.

    Parameters
    ----------
    folder : made by `finetune`.
    config : a `PredictConfig`, or a dict of its fields.

    Attributes
    ----------
    classes : their names, in the order of the probabilities.
    kept : what is known of it.

    Raises
    ------
    UserError
        when the folder holds no whole classifier.
    """

    def __init__(self, folder: str | Path, *, config: PredictConfig | Mapping[str, Any] | None = None) -> None:
        self._config = settings(config, PredictConfig)
        folder = Path(folder)
        manifest = read_manifest(folder, kind="finetuning")
        self.kept = read_kept(folder)
        self._both_strands = bool(manifest["config"]["random_strand"])
        self._model, self._tokenizer, self._window = _load(folder)
        self.classes = [str(self._model.config.id2label[number]) for number in range(self._model.config.num_labels)]

    def probabilities(self, sequences: Sequence[NDArray[np.uint8]]) -> NDArray[np.float64]:
        """Probabilities of classes.

        Parameters
        ----------
        sequences : n arrays of ASCII, uint8 (L_i,).

        Returns
        -------
        float64 (n, classes), in the order of the input and of `classes`; rows sum to 1.

        Raises
        ------
        ValueError
            for text, or arrays of another kind.
        UserError
            when a sequence is shorter than a word.
        """
        from dnabert.finetuning.probabilities import probabilities
        from dnabert.finetuning.reading import LabelledReader
        from dnabert.finetuning.training import build_accelerator
        from dnabert.models.precision import state_of_its_own
        from dnabert.probes import Part

        check_arrays(sequences)
        if not len(sequences):
            return np.empty((0, len(self.classes)))
        part = Part(list(sequences), np.zeros(len(sequences), dtype=np.int64))
        reader = LabelledReader(part, self._tokenizer, most_words=self._tokenizer.number_of_words(self._window))
        with state_of_its_own():
            accelerator = build_accelerator(self._config)
            return probabilities(
                self._model.to(accelerator.device),
                reader,
                batch_size=self._config.batch_size,
                both_strands=self._both_strands,
                accelerator=accelerator,
                rounded=True,
            )

    def table(self, records: Iterable[Record]) -> pd.DataFrame:
        """One row per record or tile, in order, with the columns of `predict`."""
        return table_of(
            records, self._rows, window=self._window if self._config.tile else None, description=self.kept.task
        )

    def _rows(self, pieces: list[Piece]) -> pd.DataFrame:
        import pandas as pd

        names, starts, bases = (list(column) for column in zip(*pieces, strict=True))
        notes = [unreadable(piece, least=self._tokenizer.k) for piece in bases]
        rows = [row for row, note in enumerate(notes) if not note]
        found = np.full((len(bases), len(self.classes)), np.nan)
        if rows:
            found[rows] = self.probabilities([bases[row] for row in rows])
        lengths = np.array([len(piece) for piece in bases])
        label = np.full(len(bases), "", dtype=object)
        label[rows] = np.array(self.classes, dtype=object)[found[rows].argmax(axis=1)]
        columns: dict[str, Any] = {
            "name": names,
            "start": starts,
            "end": np.array(starts) + lengths,
            "length": lengths,
            "label": label,
        }
        columns |= {"probability": found.max(axis=1).round(4), "note": notes}
        return pd.DataFrame(
            columns | {f"probability of {name}": found[:, i].round(4) for i, name in enumerate(self.classes)}
        )


def _load(folder: Path) -> tuple[Any, KmerTokenizer, int]:
    """The model on the CPU in float32, its tokenizer, and the bases of a window."""
    from transformers import AutoModelForSequenceClassification

    from dnabert.models.build import loading_options
    from dnabert.models.loading import load_weights, read_architecture
    from dnabert.tokenizer import load_tokenizer

    architecture: Any = read_architecture(folder)
    if not isinstance(getattr(architecture, "window_length", None), int):
        raise UserError(
            f"{folder / 'config.json'} does not state window_length, "
            "so it is of no classifier of dnabert: fine-tune again"
        )
    model = load_weights(
        AutoModelForSequenceClassification, folder, config=architecture, **loading_options(architecture)
    )
    return model, load_tokenizer(folder), architecture.window_length
