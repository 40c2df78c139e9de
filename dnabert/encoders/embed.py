"""The stage that turns a corpus or a FASTA file into vectors."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnabert.config import save_yaml
from dnabert.encoders.arrays import Bases
from dnabert.encoders.config import EmbedConfig
from dnabert.encoders.encoder import inputs_of, load_encoder, parts_of
from dnabert.encoders.fitting import WHITENED_SEQUENCES, read, sequences_to_fit
from dnabert.encoders.interface import Encoder, FittedEncoder
from dnabert.encoders.processes import Processes
from dnabert.encoders.revisions import revisions_of
from dnabert.encoders.source import Source, open_source
from dnabert.encoders.table import FILE, Embeddings, TableWriter, join, load_embeddings
from dnabert.encoders.whitening import WhitenedEncoder, check_width, fit_whitening, load_whitening, white_columns
from dnabert.errors import Caution, UserError
from dnabert.given import settings
from dnabert.progress import bars_are_hidden
from dnabert.stage import check_free, stage

#: Bases from which a sequence is taken for a chromosome: titin's mRNA, the longest of human, has 109 kb.
_CHROMOSOME = 200_000


def embed(
    encoder_spec: str | Path,
    input: str | os.PathLike[str],
    *,
    out: str | Path,
    config: EmbedConfig | Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Embeddings:
    """Encode every window of a corpus or every record of a FASTA file, and read what was written.

    See `write_embeddings`, which does the same at a memory that does not grow with the number of windows.

    Returns
    -------
    What `load_embeddings` reads from `out`.
    """
    return load_embeddings(write_embeddings(encoder_spec, input, out=out, config=config, overwrite=overwrite))


def write_embeddings(
    encoder_spec: str | Path,
    input: str | os.PathLike[str],
    *,
    out: str | Path,
    config: EmbedConfig | Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Path:
    """Encode every window of a corpus or every record of a FASTA file.

    Under ``accelerate launch`` each process encodes a stretch of the input and the main one joins them. A
    `FittedEncoder` is fitted first, without labels, on training windows of the corpus, or on all of a FASTA file; which
    share of what is encoded that is stands in the manifest as ``fitted_share``, if the encoder learns directions.

    Parameters
    ----------
    encoder_spec : a run folder, ``bert``, ``bert:NAME_OR_FOLDER``, ``dna:NAME_OR_FOLDER``, ``kmer:6``, ``lsa:8``,
        ``random:RUN``, ``abundance:CORPUS``, ``python:MODULE:NAME``, ``default+lsa:8``; see `load_encoder`.
    input : a corpus or its folder, or a FASTA or .2bit file, plain or compressed by gzip.
    out : folder to write: `embeddings.parquet` (columns of the input and `vector`, in input order),
        `config.yaml`, `manifest.json`, `whitening.safetensors` where vectors are whitened, and what a `FittedEncoder`
        saves.
    config : what is read, how, and what becomes of the model's states; an `EmbedConfig`, or a dict of its fields.
    overwrite : replace embeddings that stand at `out`.

    Returns
    -------
    `out`.

    Raises
    ------
    UserError
        when encoder or input cannot be read, a sequence is too short for the encoder, or `out` may not be written.
    """
    config = settings(config, EmbedConfig)
    encoder_spec = str(encoder_spec)
    check_free(out, kind="embeddings", overwrite=overwrite)
    processes = Processes.current()
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(open_source(input, config=config))
        encoder = checked_encoder(encoder_spec, source.check_lengths, config=config)
        _check_enough(encoder, source, config=config, told=processes.is_main)
        record: dict[str, Any] = {
            "encoder": encoder_spec,
            "parts": parts_of(encoder_spec),
            "name": encoder.name,
            "dimension": encoder.dimension,
            "windows": len(source),
            **dataclasses.asdict(config),
        }
        if revisions := revisions_of(record["parts"]):
            record["revisions"] = revisions
        inputs = {"input": Path(input), **inputs_of(encoder_spec)}
        folder = None
        encoded = []
        began = time.perf_counter()
        if processes.is_main:
            folder = stack.enter_context(
                stage(out, kind="embeddings", config=record, inputs=inputs, overwrite=overwrite)
            )
            save_yaml(config, folder / "config.yaml")
            if isinstance(encoder, FittedEncoder):
                share = _fit(encoder, source, config, folder=folder)
                record |= {"fitted_share": share} if encoder.learns_directions else {}
            encoded = _fit_whitening(encoder, source, config, folder=folder, processes=processes)
        folder = processes.broadcast(folder)
        if isinstance(encoder, FittedEncoder) and not processes.is_main:
            encoder.load(folder)
        if config.whiten:
            whitening = load_whitening(folder)
            encoder = WhitenedEncoder(encoder, whitening)
            encoded = [whitening(vectors) for vectors in encoded]
        _encode_all(encoder, source, config, folder=folder, processes=processes, encoded=encoded)
        record["seconds"] = round(time.perf_counter() - began, 2)
    processes.wait()
    return Path(out)


def checked_encoder(encoder_spec: str, check_lengths: Callable[[int], None], *, config: EmbedConfig) -> Encoder:
    """The encoder of a specification, if it can read each sequence and, where that is asked for, be whitened.

    Parameters
    ----------
    encoder_spec : as for `load_encoder`.
    check_lengths : raises `UserError` where a sequence has fewer than so many bases, such as `Source.check_lengths`.
    config : as for `load_encoder`.

    Raises
    ------
    UserError
        when it cannot, or there is none.
    """
    encoder = load_encoder(encoder_spec, config=config)
    check_lengths(encoder.minimum_length)
    if config.whiten:
        check_width(encoder)
    return encoder


def _check_enough(encoder: Encoder, source: Source, *, config: EmbedConfig, told: bool) -> None:
    """Of one sequence, such as a genome of one chromosome, nothing can be learned; of many chromosomes whoever asks for
    their vectors rarely wants one of each."""
    longest = int(source.lengths().max(initial=0))
    if told and longest >= _CHROMOSOME:
        warnings.warn(f"one vector for a sequence of {longest:,} bases: {source.more}", Caution, stacklevel=3)
    if config.whiten and len(source) < 2:
        raise UserError(f"--whiten needs two sequences or more to be fitted on: {source.more}")
    if isinstance(encoder, FittedEncoder):
        to_fit = source.to_fit()
        to_fit.check_lengths(encoder.minimum_length)
        if len(to_fit) < 2:
            raise UserError(f"{encoder.name} needs two sequences or more to be fitted on: {source.more}")


def _fit(encoder: FittedEncoder, source: Source, config: EmbedConfig, *, folder: Path) -> float:
    """Fit an encoder on what its source says, and write it into `folder`.

    Returns
    -------
    the share of the chosen sequences that it was fitted on.
    """
    fitted = sequences_to_fit(source.to_fit(), config, most=encoder.fit_sequences)
    sequences = [sequence for chunk in fitted.bases for sequence in chunk]
    # minutes, where a model reads them
    with _progress(f"{encoder.name}, fitted on {len(sequences):,} sequences", total=1, unit=" fit") as bar:
        encoder.fit(sequences)
        bar.update()
    encoder.save(folder)
    return float(np.isin(source.rows, fitted.rows).mean())


def _fit_whitening(
    encoder: Encoder, source: Source, config: EmbedConfig, *, folder: Path, processes: Processes
) -> list[NDArray[np.float32]]:
    """Fit a whitening, where one is asked for, on stretches of the chosen sequences, and write it into `folder`.

    Returns
    -------
    the vectors that it was fitted on, chunk by chunk, where these are all that this process has to write; else nothing.
    """
    if not config.whiten:
        return []
    some = sequences_to_fit(source, config, most=WHITENED_SEQUENCES)
    with _progress(f"{encoder.name}, to be whitened", total=sum(map(len, some.bases))) as bar:
        vectors = [_encoded(encoder, chunk, bar=bar) for chunk in some.bases]
    white = white_columns(encoder)
    fit_whitening(np.concatenate(vectors), power=config.whiten, white=white).save(folder)
    return vectors if some.whole and processes.size == 1 else []


def _encode_all(
    encoder: Encoder,
    source: Source,
    config: EmbedConfig,
    *,
    folder: Path,
    processes: Processes,
    encoded: list[NDArray[np.float32]],
) -> None:
    """Write this process's part, join all of them; what `encoded` holds, chunk by chunk, is not encoded again."""
    start, stop = processes.share(len(source))
    parts = [folder / f"part-{rank:05d}.parquet" for rank in range(processes.size)]
    part = folder / FILE if processes.size == 1 else parts[processes.rank]
    with (
        TableWriter(part) as writer,
        _progress(encoder.name, total=stop - start, shown=processes.is_main and not encoded) as bar,
    ):
        for number, chunk in enumerate(source.chunks(start, stop)):
            writer.add(chunk.columns, encoded[number] if encoded else _encoded(encoder, read(chunk, config), bar=bar))
    processes.wait()
    if processes.size > 1 and processes.is_main:
        join(parts, into=folder / FILE)


def _progress(name: str, *, total: int, shown: bool = True, unit: str = " windows") -> Any:
    from tqdm.auto import tqdm

    return tqdm(total=total, unit=unit, desc=name, disable=not shown or bars_are_hidden())


def _encoded(encoder: Encoder, bases: Bases, *, bar: Any) -> NDArray[np.float32]:
    vectors = encoder.encode(bases)
    bar.update(len(bases))
    return vectors
