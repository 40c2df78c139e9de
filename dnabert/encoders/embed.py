"""The stage that turns a corpus or a FASTA file into vectors."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from pathlib import Path
from typing import Any

import numpy as np

from dnabert.config import save_yaml
from dnabert.corpus.shuffle import shuffle_dinucleotides
from dnabert.encoders.config import EmbedConfig
from dnabert.encoders.encoder import Bases, Encoder, FittedEncoder, inputs_of, load_encoder
from dnabert.encoders.processes import Processes
from dnabert.encoders.source import Chunk, Source, open_source
from dnabert.encoders.table import FILE, Embeddings, TableWriter, join, load_embeddings
from dnabert.encoders.whitening import FIT_SEQUENCES, WhitenedEncoder, Whitening, fit_whitening, load_whitening
from dnabert.errors import UserError
from dnabert.stage import check_free, stage


def embed(
    encoder_spec: str,
    input: str | Path,
    *,
    out: str | Path,
    config: EmbedConfig | None = None,
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
    encoder_spec: str,
    input: str | Path,
    *,
    out: str | Path,
    config: EmbedConfig | None = None,
    overwrite: bool = False,
) -> Path:
    """Encode every window of a corpus or every record of a FASTA file.

    Under ``accelerate launch`` each process encodes a stretch of the input and the main one joins them.

    Parameters
    ----------
    encoder_spec : a run folder, ``bert``, ``bert:NAME_OR_FOLDER``, ``kmer:6``, ``lsa:8``, ``random:RUN``, ``default+lsa:8``; see `load_encoder`.
    input : a corpus folder, or a FASTA or .2bit file, plain or compressed by gzip.
    out : folder to write: `embeddings.parquet` (columns of the input and `vector`, in input order),
        `config.yaml`, `manifest.json`, `whitening.safetensors` where vectors are whitened, and what a `FittedEncoder` saves.
    config : what is read, how, and what becomes of the model's states.
    overwrite : replace embeddings that stand at `out`.

    Returns
    -------
    `out`.

    Raises
    ------
    UserError
        when encoder or input cannot be read, a sequence is too short for the encoder, or `out` may not be written.
    """
    config = config or EmbedConfig()
    check_free(out, kind="embeddings", overwrite=overwrite)
    processes = Processes.current()
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(open_source(input, config=config))
        encoder = load_encoder(encoder_spec, config=config)
        _check_lengths(source, encoder=encoder)
        record: dict[str, Any] = {
            "encoder": encoder_spec,
            "name": encoder.name,
            "dimension": encoder.dimension,
            "windows": len(source),
            **dataclasses.asdict(config),
        }
        inputs = {"input": Path(input), **inputs_of(encoder_spec)}
        folder = None
        if processes.is_main:
            folder = stack.enter_context(
                stage(out, kind="embeddings", config=record, inputs=inputs, overwrite=overwrite)
            )
            save_yaml(config, folder / "config.yaml")
            _fit(encoder, source, config, folder=folder)
        folder = processes.broadcast(folder)
        if isinstance(encoder, FittedEncoder) and not processes.is_main:
            encoder.load(folder)
        if config.whiten:
            encoder = WhitenedEncoder(encoder, load_whitening(folder))
        record["seconds"] = round(_encode_all(encoder, source, config, folder=folder, processes=processes), 2)
    processes.wait()
    return Path(out)


def _fit(encoder: Encoder, source: Source, config: EmbedConfig, *, folder: Path) -> None:
    """Fit what has to be, on stretches of the input, and write it into `folder`."""
    if not (config.whiten or isinstance(encoder, FittedEncoder)):
        return
    bases = [_read(chunk, config) for chunk in _spread(source)]
    if isinstance(encoder, FittedEncoder):
        encoder.fit([sequence for each in bases for sequence in each])
        encoder.save(folder)
    if config.whiten:
        _fit_whitening(encoder, bases, config).save(folder)


def _spread(source: Source) -> list[Chunk]:
    """Stretches of the input, evenly spread: what is fitted, is fitted on these."""
    stretch = 100
    count = min(len(source), FIT_SEQUENCES) // stretch
    starts = np.linspace(0, len(source) - stretch, count).astype(int).tolist() if count > 1 else [0]
    stops = [start + stretch for start in starts] if count > 1 else [min(len(source), FIT_SEQUENCES)]
    return [chunk for start, stop in zip(starts, stops, strict=True) for chunk in source.chunks(start, stop)]


def _fit_whitening(encoder: Encoder, bases: list[Bases], config: EmbedConfig) -> Whitening:
    vectors = np.concatenate([encoder.encode(each) for each in bases])
    if len(vectors) < 2:
        raise UserError("--whiten needs two sequences or more: leave it out")
    return fit_whitening(vectors, power=config.whiten)


def _check_lengths(source: Source, *, encoder: Encoder) -> None:
    name, length = source.shortest
    if length < encoder.minimum_length:
        raise UserError(
            f"{name} has {length} bases, fewer than a word of the encoder ({encoder.minimum_length}): "
            "leave it out or lower k"
        )


def _encode_all(
    encoder: Encoder, source: Source, config: EmbedConfig, *, folder: Path, processes: Processes
) -> float:
    """Write this process's part, join all of them; give the seconds that encoding took."""
    from tqdm.auto import tqdm

    start, stop = processes.share(len(source))
    parts = [folder / f"part-{rank:05d}.parquet" for rank in range(processes.size)]
    part = folder / FILE if processes.size == 1 else parts[processes.rank]
    began = time.perf_counter()
    with (
        TableWriter(part) as writer,
        tqdm(total=stop - start, unit=" windows", desc=encoder.name, disable=not processes.is_main) as bar,
    ):
        for chunk in source.chunks(start, stop):
            bases = _read(chunk, config)
            vectors = encoder.encode(bases)
            if not np.isfinite(vectors).all():
                raise UserError(f"{encoder.name} gives vectors that are no numbers: its weights are damaged, or it diverged: train it again")
            writer.add(chunk.columns, vectors)
            bar.update(len(bases))
    processes.wait()
    seconds = time.perf_counter() - began
    if processes.size > 1 and processes.is_main:
        join(parts, into=folder / FILE)
    return seconds


def _read(chunk: Chunk, config: EmbedConfig) -> Bases:
    return _shuffled(chunk, seed=config.seed) if config.shuffle else chunk.bases


def _shuffled(chunk: Chunk, *, seed: int) -> Bases:
    rows = chunk.columns["row"].to_numpy()
    if isinstance(chunk.bases, np.ndarray):
        return shuffle_dinucleotides(chunk.bases, rows=rows, seed=seed)
    return [shuffle_dinucleotides(b[None], rows=rows[i : i + 1], seed=seed)[0] for i, b in enumerate(chunk.bases)]
