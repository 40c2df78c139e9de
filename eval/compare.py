"""The ladder of encoders on one corpus: embed, cluster, score, explain, and a page with the answer.

    python eval/compare.py --config configs/compare/demo.yaml --run RUN --out DIR

Every part is a folder of its own in DIR; one that stands there with the same configuration and inputs is kept.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dnabert.clusters.config import ClusterConfig
from dnabert.clusters.resume import is_current, once, write_json
from dnabert.config import parse, save_yaml
from dnabert.encoders.config import EmbedConfig
from dnabert.encoders.rungs import RungConfig, default_rungs, resolve_rungs
from dnabert.errors import UserError, one_line

if TYPE_CHECKING:
    from dnabert.corpus import Corpus


@dataclass
class RetrievalConfig:
    """Ortholog retrieval between two genomes of the corpus."""

    query: str = "human"
    target: str = "orangutan"
    n: int = 1_000
    """Queries, and as many candidates, at most."""


@dataclass
class CompareConfig:
    """Which encoders are compared, on which windows."""

    corpus: str | None = None
    """Corpus folder; default: the run's own, or without a run the demo corpus."""
    run: str | None = None
    """Run folder for the rungs that name RUN; without it these are left out."""
    out: str = "comparison"
    """Folder to make, or to go on with."""
    rungs: list[RungConfig] = field(default_factory=default_rungs)
    """Encoders; the first is the one whose map and clusters the page shows."""
    ladder_windows: int = 5_000
    """Windows on which all rungs are compared, the same for each, each read on a random strand."""
    ladder_splits: list[str] = field(default_factory=lambda: ["validation", "test"])
    """Splits from which these windows and the retrieval's are drawn."""
    map_windows: int | None = None
    """Windows on the first rung's map; default all, of all splits."""
    retrieval: RetrievalConfig = field(default_factory=RetrievalConfig)
    ladder_cluster: ClusterConfig = field(default_factory=ClusterConfig)
    """Clustering of the ladder's windows."""
    map_cluster: ClusterConfig = field(default_factory=ClusterConfig)
    """Clustering of the map's windows."""
    pairs: int = 5_000
    """Pairs of windows per group whose edit distance is taken."""
    resamples: int = 200
    """Bootstrap resamples behind each interval."""
    seed: int = 0
    tracker: Literal["wandb", "none"] = "wandb"
    """Add the maps, figures, tables and the page to the run's own run in Weights & Biases, where it has one."""


@one_line
def main() -> None:
    print(compare(parse(CompareConfig, description=__doc__ or "")))


def compare(config: CompareConfig) -> Path:
    """Run or go on with a comparison; the path of its page."""
    from dnabert.corpus import load_corpus
    from dnabert.report import track_report, write_report
    from dnabert.stage import write_manifest

    config = _resolved(config)
    out = Path(config.out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "manifest.json").unlink(missing_ok=True)  # not whole until the end
    corpus = load_corpus(str(config.corpus))
    save_yaml(config, out / "config.yaml")
    k = _word_length(config)
    ladder = [_rung(rung, config, corpus, k=k) for rung in config.rungs]
    main = _map(config)
    write_json(out / "ladder.json", ladder)
    _write_ladder_table(out / "ladder.tsv", ladder)
    _explain(main, config, corpus, k=k)
    inputs = {"corpus": str(config.corpus)} | ({"run": config.run} if config.run else {})
    write_manifest(out, kind="comparison", config=config, inputs=inputs)
    page = write_report(out, run=config.run, out=out / "report", overwrite=True)
    if config.run and config.tracker == "wandb":
        track_report(page.parent, run=config.run)
    return page


def _resolved(config: CompareConfig) -> CompareConfig:
    """Put the run in RUN's place, leave out rungs that lack it, and find the corpus."""
    from dnabert.stage import read_manifest

    manifest = read_manifest(config.run, kind="run") if config.run else {}
    rungs = resolve_rungs(config.rungs, run=config.run)
    corpus = config.corpus or manifest.get("inputs", {}).get("corpus", {}).get("path") or _demo_corpus(config.out)
    return replace(config, rungs=rungs, corpus=corpus)


def _demo_corpus(out: str) -> str:
    from dnabert.corpus import demo_config, prepare

    folder = Path(out) / "corpus"
    if not (folder / "manifest.json").exists():
        prepare(demo_config(), out=folder)
    return str(folder)


def _word_length(config: CompareConfig) -> int:
    from dnabert.tokenizer import load_tokenizer

    return int(load_tokenizer(config.run).k) if config.run else EmbedConfig().word_length


def _rung(rung: RungConfig, config: CompareConfig, corpus: Corpus, *, k: int) -> dict[str, Any]:
    """Embed, cluster and score one encoder: its record in the ladder."""
    from dnabert.encoders import load_embeddings

    read = EmbedConfig(
        splits=_present(config.ladder_splits, corpus), sample=config.ladder_windows, strand="random", seed=config.seed
    )
    folder = _embedded(rung.name, rung, config, read)
    _clustered(rung.name, folder, config, config.ladder_cluster)
    metrics = {**_scores(rung, config, k=k), **_retrieval(rung, config, corpus)}
    record = load_embeddings(folder).manifest["config"]
    return {
        "rung": rung.name,
        "encoder": rung.encoder,
        "shuffled": rung.shuffle,
        "n": record["windows"],
        "dimension": record["dimension"],
        "seconds": record["seconds"],
        "metrics": metrics,
    }


def _map(config: CompareConfig) -> Path:
    """Embed and cluster the windows of the first rung's map; the folder of its clusters."""
    rung = config.rungs[0]
    name = f"{rung.name}_all"
    embeddings = _embedded(name, rung, config, EmbedConfig(sample=config.map_windows, seed=config.seed))
    folder = _clustered(name, embeddings, config, config.map_cluster)
    write_json(Path(config.out) / "comparison.json", {"main": f"clusters/{name}", "main_rung": rung.name})
    return folder


def _embedded(name: str, rung: RungConfig, config: CompareConfig, read: EmbedConfig) -> Path:
    from dnabert.encoders import embed

    embed_config = rung.embedding(read)
    folder = Path(config.out) / "embeddings" / name
    inputs = {"input": str(config.corpus)} | (
        {"encoder": config.run} if config.run and config.run in rung.encoder else {}
    )
    wanted = {"encoder": rung.encoder, **asdict(embed_config)}
    if not is_current(folder, kind="embeddings", config=wanted, inputs=inputs):
        embed(rung.encoder, str(config.corpus), out=folder, config=embed_config, overwrite=True)
    return folder


def _clustered(name: str, embeddings: Path, config: CompareConfig, cluster_config: ClusterConfig) -> Path:
    from dnabert.clusters import cluster

    folder = Path(config.out) / "clusters" / name
    if not is_current(folder, kind="clusters", config=cluster_config, inputs={"embeddings": embeddings}):
        found = cluster(embeddings, out=folder, config=cluster_config, overwrite=True)
        print(f"{name}: {len(found.summary['clusters'])} clusters of {found.summary['n']:,} windows")
    return folder


def _scores(rung: RungConfig, config: CompareConfig, *, k: int) -> dict[str, Any]:
    from dnabert.clusters import load_clusters
    from dnabert.clusters.ladder import score_rung
    from dnabert.encoders import load_embeddings

    embeddings = Path(config.out) / "embeddings" / rung.name
    clusters = Path(config.out) / "clusters" / rung.name
    wanted = {"part": "scores and k-means", "k": k, "resamples": config.resamples, "seed": config.seed}

    def measure() -> dict[str, Any]:
        vectors, found = load_embeddings(embeddings).vectors, load_clusters(clusters)
        scores = score_rung(
            vectors,
            found.table,
            points=found.basis.transform(vectors),
            k=k,
            resamples=config.resamples,
            seed=config.seed,
        )
        return {name: score.as_dict() for name, score in scores.items()}

    inputs = {"embeddings": embeddings, "clusters": clusters}
    return once(Path(config.out) / "scores" / rung.name, measure, config=wanted, inputs=inputs)


def _retrieval(rung: RungConfig, config: CompareConfig, corpus: Corpus) -> dict[str, Any]:
    from dnabert.clusters.retrieval import orthologs, retrieval
    from dnabert.corpus.shuffle import shuffle_dinucleotides
    from dnabert.encoders import load_encoder

    embed_config = rung.embedding(EmbedConfig(seed=config.seed))
    wanted = {
        "part": "retrieval",
        "rung": asdict(rung),
        "retrieval": asdict(config.retrieval),
        "splits": config.ladder_splits,
        "resamples": config.resamples,
        "seed": config.seed,
    }

    def measure() -> dict[str, Any]:
        pairs = orthologs(
            _held_out(corpus, config.ladder_splits),
            query_genome=config.retrieval.query,
            target_genome=config.retrieval.target,
            n=config.retrieval.n,
            seed=config.seed,
        )
        if len(pairs.queries) == 0:
            print(f"no retrieval: no block holds both {config.retrieval.query} and {config.retrieval.target}")
            return {}
        encoder = load_encoder(rung.encoder, config=embed_config)
        queries, targets = pairs.queries, pairs.targets
        if rung.shuffle:
            queries = shuffle_dinucleotides(queries, rows=pairs.query_rows, seed=config.seed)
            targets = shuffle_dinucleotides(targets, rows=pairs.target_rows, seed=config.seed)
        scores = retrieval(
            encoder.encode(queries), encoder.encode(targets), resamples=config.resamples, seed=config.seed
        )
        return {name: score.as_dict() for name, score in scores.items()}

    inputs = {"corpus": str(config.corpus)} | ({"run": config.run} if config.run else {})
    return once(Path(config.out) / "retrieval" / rung.name, measure, config=wanted, inputs=inputs)


def _explain(main: Path, config: CompareConfig, corpus: Corpus, *, k: int) -> None:
    """Edit distances and a row per cluster of the map."""
    from dnabert.clusters import load_clusters
    from dnabert.clusters.ladder import places_of
    from dnabert.explain import cluster_rows, edit_distances

    wanted = {"part": "explain", "pairs": config.pairs, "k": k, "seed": config.seed}

    def measure() -> dict[str, Any]:
        table, view = load_clusters(main).table, corpus.view(None)
        rows = table["row"].to_numpy()
        distances = edit_distances(
            table["label"].to_numpy(),
            lambda i: view.bases(rows[i]),
            gc=table["gc"].to_numpy(),
            places=places_of(table),
            pairs=config.pairs,
            seed=config.seed,
        )
        within = {row["label"]: row["mean"] for row in distances["per_cluster"]}
        clusters = cluster_rows(
            table, lambda i: view.bases(rows[i]), phase_modulus=k, edit_distance=within, seed=config.seed
        )
        return {"edit_distance": {"rung": config.rungs[0].name, **distances}, "clusters": clusters}

    out = Path(config.out)
    inputs = {"clusters": str(main), "corpus": str(config.corpus)}
    found = once(out / "explain", measure, config=wanted, inputs=inputs)
    for name, value in found.items():
        write_json(out / f"{name}.json", value)


def _present(splits: list[str], corpus: Corpus) -> list[str]:
    found = [split for split in splits if split in corpus]
    if not found:
        raise UserError(
            f"ladder_splits {splits} are not in the corpus, which has {', '.join(corpus)}: name one of these"
        )
    return found


def _held_out(corpus: Corpus, splits: list[str]) -> Any:
    import numpy as np

    view = corpus.view(None)
    return view.select(np.flatnonzero(np.isin(view.column("split").astype(str), splits)))


def _write_ladder_table(path: Path, ladder: list[dict[str, Any]]) -> None:
    """One line per rung and metric."""
    lines = ["rung\tencoder\tdimension\tseconds\tmetric\tvalue\tlow\thigh\tn"]
    for rung in ladder:
        head = [rung["rung"], rung["encoder"], str(rung["dimension"]), str(rung["seconds"])]
        for metric, score in rung["metrics"].items():
            numbers = [f"{score[name]:.6g}" for name in ("value", "low", "high", "n")]
            lines.append("\t".join([*head, metric, *numbers]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
