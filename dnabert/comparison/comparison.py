"""A whole comparison; every part is a folder of its own, and one that is current is kept."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from dnabert.clusters import load_clusters
from dnabert.clusters.ladder import places_of
from dnabert.clusters.null import null_report
from dnabert.clusters.resume import is_current, once, write_json
from dnabert.clusters.stability import stability
from dnabert.comparison.added import added_to_counts
from dnabert.comparison.config import CompareConfig
from dnabert.comparison.differences import differences
from dnabert.comparison.ladder import Ladder, clustered_windows
from dnabert.comparison.rung import check_rungs, clustered, embedded, rung_record
from dnabert.config import load_yaml, save_yaml
from dnabert.corpus import Corpus, demo_config, load_corpus, prepare
from dnabert.disk import disk_in_one_line
from dnabert.encoders.config import EmbedConfig
from dnabert.encoders.rungs import RungConfig, of_corpus, resolve_rungs
from dnabert.errors import UserError
from dnabert.explain import cluster_rows, edit_distances, explain
from dnabert.explain.blast import missing_program
from dnabert.explain.explanation import check_files, decisive, explanation_inputs
from dnabert.given import settings
from dnabert.leftovers import held
from dnabert.manifest import kind_of, read_manifest, write_manifest
from dnabert.report import track_report, write_report
from dnabert.report.numbers import listed
from dnabert.scoring import score
from dnabert.tokenizer import load_tokenizer
from dnabert.yaml_file import read_mapping

#: What a record of a rung holds for computing alone, and no reader needs.
_WORKING = ("hits", "groups", "draws", "stretches")


def compare(config: CompareConfig | Mapping[str, Any]) -> Path:
    """Run or go on with a comparison; the path of its page.

    The folder holds ``ladder.json`` and ``ladder.tsv`` (every rung's scores), ``differences.json`` (the pretrained
    rung, and the off-the-shelf BERT, against the best cheap one), ``added.json`` (what trained rungs add to counting),
    ``null.json``, ``hidden_words`` (scores of the run, by kind of sequence), ``report/report.html`` and, of the first
    rung's map, ``stability``, ``explanation``, ``clusters.json`` and ``edit_distance.json``.

    Raises
    ------
    UserError
        for a config, corpus or run that cannot work, or a folder that holds something else, cannot be written or is
        being written.
    """
    config = settings(config, CompareConfig)
    out = Path(config.out)
    found = kind_of(out)
    if found not in (None, "comparison"):
        raise UserError(f"{out} holds {found}, not a comparison: choose another --out")
    if found is None and _is_strange(out):
        raise UserError(f"{out} holds files of somebody's own, which a comparison would replace: choose another --out")
    with disk_in_one_line(out, mend="mend that and run it again: what is whole there is kept"):
        config = _resolved(config)
        check_files(config.explain.expanded())
        out.mkdir(parents=True, exist_ok=True)
        with held(out, by="comparison"):
            return _compare(config, out)


def _is_strange(out: Path) -> bool:
    """Whether a folder without a comparison's manifest holds anything that no comparison wrote, which its parts would
    replace."""
    if (out / "manifest.json").exists():
        return True
    try:
        load_yaml(CompareConfig, out / "config.yaml")
        return not read_mapping(out / "config.yaml").keys() >= {"rungs", "ladder_windows"}
    except UserError:  # the demo corpus is prepared before there is a config
        return out.is_dir() and any(path.name != "corpus" and not path.name.startswith(".") for path in out.iterdir())


def _compare(config: CompareConfig, out: Path) -> Path:
    corpus = load_corpus(str(config.corpus))
    ladder = Ladder(config, corpus, k=int(load_tokenizer(config.run).k) if config.run else EmbedConfig().word_length)
    _check_genomes(config, corpus)
    check_rungs(ladder)
    (out / "manifest.json").unlink(missing_ok=True)  # not whole until the end
    save_yaml(config, out / "config.yaml")
    records = [rung_record(rung, ladder) for rung in config.rungs]
    main = _map(config)
    _explanation(main, config)
    _score(config)
    write_json(out / "null.json", _null(config))
    write_json(out / "ladder.json", [_for_readers(record) for record in records])
    write_json(out / "differences.json", differences(records, seed=config.seed))
    write_json(out / "added.json", _added(records, ladder))
    _write_ladder_table(out / "ladder.tsv", records)
    _explain(main, ladder)
    inputs = {"corpus": str(config.corpus)} | ({"run": config.run} if config.run else {})
    write_manifest(out, kind="comparison", config=config, inputs=inputs)
    page = write_report(out, run=config.run, out=out / "report", overwrite=True)
    if config.run and config.tracker == "wandb":
        track_report(page.parent, run=config.run)
    return page


def _resolved(config: CompareConfig) -> CompareConfig:
    """Put the run in RUN's place, leave out rungs that lack it, find the corpus and put it in CORPUS's place."""
    manifest = read_manifest(config.run, kind="run") if config.run else {}
    rungs = resolve_rungs(config.rungs, run=config.run, has_corpus=True)
    if _map_name(rungs) in [rung.name for rung in rungs]:
        raise UserError(
            f"a rung is named {_map_name(rungs)}, as is the map of {rungs[0].name}, whose vectors would take its "
            "place: rename it under rungs"
        )
    corpus = config.corpus or manifest.get("inputs", {}).get("corpus", {}).get("path") or _demo_corpus(config.out)
    return replace(config, rungs=of_corpus(rungs, str(corpus)), corpus=corpus)


def _check_genomes(config: CompareConfig, corpus: Corpus) -> None:
    """Refuse a genome of `retrieval` that the corpus lacks."""
    _, genomes = corpus.view(None).coded("genome")
    for name, genome in (("query", config.retrieval.query), ("target", config.retrieval.target)):
        if genome not in (None, *genomes):
            raise UserError(
                f"retrieval.{name} is {genome}, which {config.corpus} does not hold ({listed(sorted(genomes))}): name "
                "one of these, or leave it out"
            )


def _demo_corpus(out: str) -> str:
    folder = Path(out) / "corpus"
    if not (folder / "manifest.json").exists():
        prepare(demo_config(), out=folder)
    return str(folder)


def _map(config: CompareConfig) -> Path:
    """Embed and cluster the windows of the first rung's map; the folder of its clusters."""
    rung = config.rungs[0]
    name = _map_name(config.rungs)
    embeddings = embedded(name, rung, EmbedConfig(sample=config.map_windows, seed=config.seed), config=config)
    folder = clustered(name, embeddings, config.map_cluster, out=config.out)
    write_json(Path(config.out) / "comparison.json", {"main": f"clusters/{name}", "main_rung": rung.name})
    return folder


def _map_name(rungs: list[RungConfig]) -> str:
    return f"{rungs[0].name}_all"


def _explanation(main: Path, config: CompareConfig) -> None:
    """The map's clusters repeated, and a card for each of them; folders ``stability`` and ``explanation``, kept when
    current, removed where there is none."""
    out = Path(config.out)
    if not load_clusters(main).summary["clusters"]:
        print("no cluster on the map, so none is explained: lower --map-cluster.min-cluster-size")
        for name in ("stability", "explanation"):  # of the clusters of before, which the page would show
            shutil.rmtree(out / name, ignore_errors=True)
        return
    inputs: dict[str, str | Path] = {"clusters": main}
    if not is_current(out / "stability", kind="stability", config=config.stability, inputs=inputs):
        stability(main, out=out / "stability", config=config.stability, overwrite=True)
    wanted = config.explain.expanded()
    if not is_current(
        out / "explanation",
        kind="explanation",
        config=decisive(wanted),
        inputs=explanation_inputs(main, out / "stability", wanted),
    ):
        explain(main, out=out / "explanation", config=wanted, stability=out / "stability", overwrite=True)


def _score(config: CompareConfig) -> None:
    """Folder ``hidden_words`` (``scores`` holds those of the rungs), kept when current, removed where there is no run
    or it cannot be asked.

    The rest of the page stands without it.
    """
    folder = Path(config.out) / "hidden_words"
    if config.run is not None:
        inputs: dict[str, str | Path] = {"run": config.run, "corpus": str(config.corpus)}
        if is_current(folder, kind="scores", config=config.score, inputs=inputs):
            return
        try:
            score(config.run, str(config.corpus), out=folder, config=config.score, overwrite=True)
            return
        except UserError as error:
            print(f"the run is not asked for hidden words by kind of sequence: {error}")
    shutil.rmtree(folder, ignore_errors=True)


def _added(records: list[dict[str, Any]], ladder: Ladder) -> list[dict[str, Any]]:
    """What trained rungs add to counting, measured again when a rung's vectors have changed."""
    out, config = Path(ladder.config.out), ladder.config
    names = [record["rung"] for record in records if not record["shuffled"]]

    def measure() -> list[dict[str, Any]]:
        return added_to_counts(
            records,
            out / "embeddings",
            kin=lambda: ladder.relatives(clustered_windows(ladder, out / "clusters" / names[0])),
            seed=config.seed,
        )

    wanted = {"part": "added to counts", "blast": missing_program() is None, "rungs": names, "seed": config.seed}
    inputs = {f"embeddings {name}": out / "embeddings" / name for name in names}
    return list(once(out / "added", measure, config=wanted, inputs=inputs))


def _null(config: CompareConfig) -> dict[str, Any]:
    """The first rung's clusters beside those of its shuffled windows, where the ladder has both, read in the same way;
    else empty."""
    first = config.rungs[0]
    null = next((rung for rung in config.rungs if replace(rung, name=first.name) == replace(first, shuffle=True)), None)
    if null is None or first.shuffle:
        if any(rung.shuffle and rung.encoder == first.encoder for rung in config.rungs[1:]):
            print(
                f"clusters of {first.name} are held against none of shuffled windows: give the shuffled rung the "
                f"phases, strands and all else of {first.name}"
            )
        return {}
    found = (load_clusters(Path(config.out) / "clusters" / rung.name) for rung in (first, null))
    return {"rung": first.name, **null_report(*found)}


def _explain(main: Path, ladder: Ladder) -> None:
    """Edit distances and a row per cluster of the map."""
    config = ladder.config
    wanted = {
        "part": "explain, random pairs of each group's GC, medians",
        "pairs": config.pairs,
        "k": ladder.k,
        "seed": config.seed,
    }

    def measure() -> dict[str, Any]:
        table, view = load_clusters(main).table, ladder.corpus.view(None)
        rows = table["row"].to_numpy()
        distances = edit_distances(
            table["label"].to_numpy(),
            lambda i: view.bases(rows[i]),
            gc=table["gc"].to_numpy(),
            places=places_of(table),
            pairs=config.pairs,
            seed=config.seed,
        )
        clusters = cluster_rows(table, lambda i: view.bases(rows[i]), phase_modulus=ladder.k, seed=config.seed)
        return {"edit_distance": {"rung": config.rungs[0].name, **distances}, "clusters": clusters}

    out = Path(config.out)
    inputs = {"clusters": str(main), "corpus": str(config.corpus)}
    for name, value in once(out / "explain", measure, config=wanted, inputs=inputs).items():
        write_json(out / f"{name}.json", value)


def _for_readers(record: dict[str, Any]) -> dict[str, Any]:
    shown = {key: value for key, value in record.items() if key not in _WORKING}
    survival = [{key: value for key, value in row.items() if key not in _WORKING} for row in record["explained_away"]]
    return shown | {"explained_away": survival}


def _write_ladder_table(path: Path, ladder: list[dict[str, Any]]) -> None:
    """One line per rung and metric."""
    lines = ["rung\tencoder\tdimension\tseconds\tmetric\tvalue\tlow\thigh\tn"]
    for rung in ladder:
        head = [rung["rung"], rung["encoder"], str(rung["dimension"]), str(rung["seconds"])]
        for metric, measured in rung["metrics"].items():
            numbers = [f"{measured[name]:.6g}" for name in ("value", "low", "high", "n")]
            lines.append("\t".join([*head, metric, *numbers]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
