"""One rung of the ladder: embedded, clustered, scored, its symmetry and what survives its cheap explanations."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnabert.clusters import cluster, load_clusters
from dnabert.clusters.bootstrap import bootstrap_mean
from dnabert.clusters.config import ClusterConfig
from dnabert.clusters.ladder import agreements, hit_places, neighbor_hits, score_rung
from dnabert.clusters.resume import is_current, once
from dnabert.clusters.retrieval import Pairs, retrieval_hits, score_retrieval
from dnabert.clusters.scores import hits_as_text
from dnabert.clusters.symmetry import symmetry
from dnabert.comparison.config import CompareConfig
from dnabert.comparison.ladder import Ladder, clustered_windows
from dnabert.corpus.places import places_of_view
from dnabert.corpus.shuffle import shuffle_dinucleotides
from dnabert.encoders import Encoder, encoder_record, load_embeddings, load_recorded
from dnabert.encoders.config import EmbedConfig
from dnabert.encoders.embed import write_embeddings
from dnabert.encoders.encoder import inputs_of, parts_of
from dnabert.encoders.rungs import RungConfig, check_rung
from dnabert.encoders.source import open_source
from dnabert.explain import explained_away
from dnabert.explain.blast import missing_program
from dnabert.manifest import read_manifest

#: What scores, retrieval and relatives give.
_PARTS = ("metrics", "hits", "groups", "draws", "stretches")


def embedded(name: str, rung: RungConfig, read: EmbedConfig, *, config: CompareConfig) -> Path:
    """Embed what `read` chooses as a rung reads; the folder ``embeddings/NAME``, kept when it is current."""
    folder = _vectors(name, config)
    if not _is_embedded(name, rung, read, config=config):
        write_embeddings(rung.encoder, str(config.corpus), out=folder, config=rung.embedding(read), overwrite=True)
    return folder


def _vectors(name: str, config: CompareConfig) -> Path:
    return Path(config.out) / "embeddings" / name


def _is_embedded(name: str, rung: RungConfig, read: EmbedConfig, *, config: CompareConfig) -> bool:
    inputs: dict[str, str | Path] = {"input": str(config.corpus), **inputs_of(rung.encoder)}
    wanted = {"encoder": rung.encoder, **asdict(rung.embedding(read))}
    return is_current(_vectors(name, config), kind="embeddings", config=wanted, inputs=inputs)


def check_rungs(ladder: Ladder) -> None:
    """Refuse an encoder that cannot read the ladder's windows, as `check_rung` does; rungs that are embedded already
    are not loaded."""
    read, config = _reading(ladder), ladder.config
    with open_source(str(config.corpus), config=read) as source:
        for rung in config.rungs:
            if not _is_embedded(rung.name, rung, read, config=config):
                check_rung(rung, read, check_lengths=source.check_lengths)


def _reading(ladder: Ladder) -> EmbedConfig:
    """The ladder's windows, and on which strand each is read."""
    config = ladder.config
    return EmbedConfig(splits=ladder.splits, sample=config.ladder_windows, strand="random", seed=config.seed)


def clustered(name: str, embeddings: Path, cluster_config: ClusterConfig, *, out: str) -> Path:
    """Cluster embeddings; the folder ``clusters/NAME``, kept when it is current."""
    folder = Path(out) / "clusters" / name
    if not is_current(folder, kind="clusters", config=cluster_config, inputs={"embeddings": embeddings}):
        found = cluster(embeddings, out=folder, config=cluster_config, overwrite=True)
        print(f"{name}: {len(found.summary['clusters'])} clusters of {found.summary['n']:,} windows")
    return folder


def rung_record(rung: RungConfig, ladder: Ladder) -> dict[str, Any]:
    """Embed, cluster and measure one encoder.

    Returns
    -------
    dict with ``rung``, ``encoder``, its ``parts``, ``shuffled``, ``read`` (how: phases, strands and all else), ``n``,
    ``dimension``, ``seconds``, ``metrics`` (name to value, low, high, n), ``hits`` (metric to a string of 0 and 1 per
    window, for paired differences), ``groups`` (metric to the place of each), ``draws`` (metric to its values when
    halves of the windows are clustered again, the same halves for every rung), ``stretches`` (metric to how many were
    halved), ``symmetry`` and ``explained_away`` (rows).
    """
    config = ladder.config
    embeddings = embedded(rung.name, rung, _reading(ladder), config=config)
    clusters = clustered(rung.name, embeddings, config.ladder_cluster, out=config.out)
    parts = [
        _scores(rung, ladder, embeddings, clusters),
        _retrieval(rung, ladder, embeddings),
        _relatives(rung, ladder, embeddings, clusters),
    ]
    record = read_manifest(embeddings, kind="embeddings")["config"]
    return {
        "rung": rung.name,
        "encoder": rung.encoder,
        "parts": parts_of(rung.encoder),
        "shuffled": rung.shuffle,
        "read": rung.read,
        "n": record["windows"],
        "dimension": record["dimension"],
        "seconds": record["seconds"],
        **{name: {key: value for part in parts for key, value in part.get(name, {}).items()} for name in _PARTS},
        "symmetry": [] if rung.shuffle else _symmetry(rung, ladder, embeddings),
        "explained_away": [] if rung.shuffle else _explained_away(rung, ladder, embeddings, clusters),
    }


def _scores(rung: RungConfig, ladder: Ladder, embeddings: Path, clusters: Path) -> dict[str, Any]:
    config = ladder.config
    wanted = {
        "part": (
            "scores, k-means, hits and draws, by place (genes by theirs) and of halves clustered again (few stretches "
            "tell less), of what is known"
        ),
        "k": ladder.k,
        "resamples": config.resamples,
        "seed": config.seed,
    }

    def measure() -> dict[str, Any]:
        vectors, found = load_embeddings(embeddings).vectors, load_clusters(clusters)
        hits = neighbor_hits(vectors, found.table)
        again = agreements(vectors, found.table, config=config.ladder_cluster, seed=config.seed)
        points = found.basis.transform(vectors)
        scores = score_rung(
            vectors,
            found.table,
            points=points,
            hits=hits,
            again=again,
            k=ladder.k,
            resamples=config.resamples,
            seed=config.seed,
        )
        return {
            "metrics": {name: score.as_dict() for name, score in scores.items()},
            "hits": {name: hits_as_text(right) for name, right in hits.items()},
            "groups": {name: places.tolist() for name, places in hit_places(found.table).items()},
            "draws": {
                name: agreement.halves.round(6).tolist() for name, agreement in again.items() if "clustered" not in name
            },
            "stretches": {name: agreement.places for name, agreement in again.items() if "clustered" not in name},
        }

    inputs = {"embeddings": embeddings, "clusters": clusters}
    return dict(once(Path(config.out) / "scores" / rung.name, measure, config=wanted, inputs=inputs))


def _retrieval(rung: RungConfig, ladder: Ladder, embeddings: Path) -> dict[str, Any]:
    config = ladder.config
    wanted = {
        "part": "retrieval and hits, by place; moved copies without orthologs",
        "rung": asdict(rung),
        "retrieval": asdict(config.retrieval),
        "splits": ladder.splits,
        "resamples": config.resamples,
        "seed": config.seed,
    }

    def measure() -> dict[str, Any]:
        measure, pairs = ladder.same_places
        if len(pairs.queries) == 0:
            return {}
        queries, targets = _sequences(pairs, rung, seed=config.seed)
        encoder = _encoder(embeddings)
        hits = retrieval_hits(encoder.encode(queries), encoder.encode(targets), name=measure)
        places = places_of_view(ladder.held_out.select(pairs.query_rows))
        scores = score_retrieval(hits, groups=places, resamples=config.resamples, seed=config.seed)
        return {
            "metrics": {name: score.as_dict() for name, score in scores.items()},
            "hits": {name: hits_as_text(right) for name, right in hits.items()},
            "groups": {name: places.tolist() for name in hits},
        }

    return dict(
        once(Path(config.out) / "retrieval" / rung.name, measure, config=wanted, inputs=_inputs(config, embeddings))
    )


def _relatives(rung: RungConfig, ladder: Ladder, embeddings: Path, clusters: Path) -> dict[str, Any]:
    config = ladder.config
    wanted = {
        "part": "relatives",
        "blast": missing_program() is None,
        "resamples": config.resamples,
        "seed": config.seed,
    }

    def measure() -> dict[str, Any]:
        kin = ladder.relatives(clustered_windows(ladder, clusters))
        if kin is None:
            return {}
        hits = kin.hits(load_embeddings(embeddings).vectors)
        scores = {
            name: bootstrap_mean(right, groups=kin.groups_of(name), resamples=config.resamples, seed=config.seed)
            for name, right in hits.items()
        }
        return {
            "metrics": {name: score.as_dict() for name, score in (scores | kin.chance()).items()},
            "hits": {name: hits_as_text(right) for name, right in hits.items()},
            "groups": {name: kin.groups_of(name).tolist() for name in hits},
        }

    inputs = {"embeddings": embeddings, "clusters": clusters}
    return dict(once(Path(config.out) / "relatives" / rung.name, measure, config=wanted, inputs=inputs))


def _symmetry(rung: RungConfig, ladder: Ladder, embeddings: Path) -> list[dict[str, Any]]:
    config = ladder.config
    if not config.symmetry_windows:
        return []
    wanted = {
        "part": "symmetry, unknown words masked, by place",
        "rung": asdict(rung),
        "n": config.symmetry_windows,
        "k": ladder.k,
    }
    wanted |= {"resamples": config.resamples, "seed": config.seed}

    def measure() -> list[dict[str, Any]]:
        encoder = _encoder(embeddings)
        return symmetry(
            encoder,
            ladder.held_out,
            n=config.symmetry_windows,
            most_shift=ladder.k,
            resamples=config.resamples,
            seed=config.seed,
        )

    return list(
        once(Path(config.out) / "symmetry" / rung.name, measure, config=wanted, inputs=_inputs(config, embeddings))
    )


def _explained_away(rung: RungConfig, ladder: Ladder, embeddings: Path, clusters: Path) -> list[dict[str, Any]]:
    config = ladder.config
    wanted: dict[str, Any] = {
        "part": (
            "explained away, clusters by place (genes by theirs) and in halves (stable by the interval, agreement, few "
            "stretches tell less), relatives, of what is known"
        ),
        "databases": ladder.config.explain.databases,
        "blast": missing_program() is None,
    }
    wanted |= {"cluster": asdict(config.ladder_cluster), "resamples": config.resamples, "seed": config.seed}

    def measure() -> list[dict[str, Any]]:
        windows = clustered_windows(ladder, clusters)
        rows = explained_away(
            load_embeddings(embeddings).vectors,
            windows,
            ladder.explanations(windows),
            kin=ladder.relatives(windows),
            config=replace(config.ladder_cluster, seed=config.seed),
            resamples=config.resamples,
            seed=config.seed,
        )
        if not rows:
            print(
                f"{rung.name}: its windows lie in too few places to take cheap explanations out: "
                "compare more windows (ladder_windows)"
            )
        return rows

    inputs = {"embeddings": embeddings, "clusters": clusters}
    inputs |= {f"database {number}": Path(path) for number, path in enumerate(ladder.databases) if Path(path).is_file()}
    return list(once(Path(config.out) / "explained_away" / rung.name, measure, config=wanted, inputs=inputs))


def _encoder(embeddings: Path) -> Encoder:
    """The encoder that made embeddings, which read sequences in the same way."""
    # as its configuration names it
    return load_recorded(
        encoder_record(read_manifest(embeddings, kind="embeddings")), folder=embeddings, trust_code=True
    )


def _sequences(pairs: Pairs, rung: RungConfig, *, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    if not rung.shuffle:
        return pairs.queries, pairs.targets
    queries = shuffle_dinucleotides(pairs.queries, rows=pairs.query_rows, seed=seed)
    return queries, shuffle_dinucleotides(pairs.targets, rows=pairs.target_rows, seed=seed)


def _inputs(config: CompareConfig, embeddings: Path) -> dict[str, str]:
    return {"corpus": str(config.corpus), "embeddings": str(embeddings)} | ({"run": config.run} if config.run else {})
