"""A comparison and a run as the earlier stages leave them, with numbers of a realistic size."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dnabert.scoring.kinds import WindowBits, by_kind
from dnabert.scoring.sentence import told
from dnabert.stage import stage

NASTY = "</script><img src=x onerror=alert(1)>"


def _metric(value: float, *, half: float = 0.01, n: int = 4000) -> dict[str, Any]:
    return {"value": value, "low": value - half, "high": value + half, "n": n}


def ladder() -> list[dict[str, Any]]:
    """Four rungs: pretrained leads in repeat class, is level in region, behind in orthologs."""
    values = {
        "pretrained": ("runs/demo", 256, 0.81, 0.61, 0.70, 0.42),
        "bert": ("bert", 384, 0.66, 0.60, 0.35, 0.20),
        "kmer6": ("kmer:6", 4096, 0.74, 0.60, 0.78, 0.33),
        "random": ("random:runs/demo", 256, 0.64, 0.595, 0.50, 0.12),
    }
    return [
        {
            "rung": rung,
            "encoder": encoder,
            "n": 4000,
            "dimension": dimension,
            "seconds": 61.5,
            "explained_away": survival() if rung == "pretrained" else [],
            "metrics": {
                "clusters": {"value": 31, "low": None, "high": None, "n": 4000},
                "noise_share": _metric(0.55),
                "silhouette": _metric(0.21),
                "ami_repeat_class": _metric(ami),
                "ami_strand": _metric(0.001),
                "ari_repeat_class": _metric(ami / 2),
                "knn10_repeat_class": _metric(repeat),
                "majority_repeat_class": _metric(0.52),
                "knn10_region": _metric(region),
                "majority_region": _metric(0.63),
                "retrieval_top1": _metric(top, n=900),
                "ami_gene_type": {"value": None, "low": None, "high": None, "n": 0},
            },
        }
        for rung, (encoder, dimension, repeat, region, top, ami) in values.items()
    ]


def differences() -> list[dict[str, Any]]:
    """Of that ladder: ahead in repeat class (kept without composition) and AMI, level in region, behind in
    orthologs."""
    rows = (
        ("knn10_repeat_class", None, "pretrained", "kmer6", 0.07, "ahead"),
        ("ami_repeat_class", None, "pretrained", "kmer6", 0.09, "ahead"),
        ("knn10_region", None, "pretrained", "kmer6", 0.01, "level"),
        ("retrieval_top1", None, "pretrained", "kmer6", -0.08, "behind"),
        ("knn10_repeat_class", "all but repeats", "pretrained", "kmer6", 0.05, "ahead"),
        ("knn10_repeat_class", None, "bert", "kmer6", -0.08, "behind"),
    )
    return [
        {"metric": metric, "without": without, "rung": rung, "baseline": baseline, "outcome": outcome, "n": 4000}
        | {"value": value, "low": value - 0.015, "high": value + 0.015}
        for metric, without, rung, baseline, value, outcome in rows
    ]


def survival() -> list[dict[str, Any]]:
    found = {"nothing": (0.0, 0.81, 0.61), "all but repeats": (0.4, 0.7, 0.55), "all": (0.5, 0.5, 0.5)}
    return [
        {"without": name, "explained": out, "clusters": 9, "clustered_share": _metric(0.4)}
        | {"clusters_of_halves": {"low": 6, "high": 11, "n": 10}, "stable_clusters": 4}
        | {"ami_repeat_class": _metric(repeat / 4)}
        | {"knn10_repeat_class": _metric(repeat), "knn10_region": _metric(region)}
        for name, (out, repeat, region) in found.items()
    ]


def map_table(n: int, *, seed: int = 0) -> pd.DataFrame:
    """`n` windows in 31 clusters and noise, with every annotation column and one hostile gene name."""
    rng = np.random.default_rng(seed)
    label = np.where(rng.random(n) < 0.5, -1, rng.zipf(1.5, n) % 31).astype(np.int32)
    centres = rng.normal(0, 6, (32, 2))
    points = centres[label] * (label >= 0)[:, None] + rng.normal(0, np.where(label < 0, 4.0, 0.35)[:, None], (n, 2))
    gene = rng.choice([NASTY, "", "APOL1", "MYH9", "BRCA$1"], n)
    start = np.arange(n) * 448
    return pd.DataFrame(
        {
            "genome": rng.choice(["human", "chimp", "gorilla", "orangutan"], n),
            "chrom": "chr22",
            "start": start,
            "end": start + 448,
            "split": rng.choice(["train", "validation", "test"], n, p=[0.8, 0.1, 0.1]),
            "label": label,
            "probability": np.where(label < 0, 0, rng.random(n)).astype(np.float32),
            "kmeans": label,
            "x": points[:, 0].astype(np.float32),
            "y": points[:, 1].astype(np.float32),
            "gc": rng.beta(20, 25, n),
            "region": rng.choice(["CDS", "UTR", "exon", "intron", "intergenic"], n, p=[0.03, 0.03, 0.04, 0.4, 0.5]),
            "gene": gene,
            "gene_type": np.where(gene == "", "none", "protein_coding"),
            "repeat": rng.random(n),
            "repeat_class": np.where(
                label == 3, "SINE/Alu", rng.choice(["none", "LINE/L1", "SINE/Alu", "LTR/ERVL"], n)
            ),
            "cpg_island": np.where(rng.random(n) < 0.05, rng.random(n), 0),
        }
    )


def clusters(table: pd.DataFrame) -> list[dict[str, Any]]:
    rng = np.random.default_rng(1)
    sample = {
        "genome": "human", "chrom": "chr22", "start": 44_800, "end": 45_248, "strand": "+", "gene": NASTY,
        "region": "intron",
        "repeat_class": "SINE/Alu", "low_complexity": 0.07, "sequence": "".join(rng.choice(list("ACGTacgt"), 448)),
    }  # fmt: skip
    sizes = table["label"].value_counts()
    return [
        {
            "label": int(label), "n": int(n), "share": n / len(table), "gc": 0.44, "soft_masked": 0.6,
            "low_complexity": 0.9 if label == 7 else 0.05, "genomes": {"human": 0.4, "chimp": 0.35, "gorilla": 0.25},
            "region": {"intron": 0.7, "intergenic": 0.3}, "gene_type": {"protein_coding": 0.8, NASTY: 0.2},
            "repeat": 0.8 if label < 5 else 0.2, "repeat_class": {"SINE/Alu": 0.9, "none": 0.1}, "cpg_island": 0.0,
            "phase_entropy": 0.998, "edit_distance_median": 0.47 if label != 2 else None, "samples": [sample] * 3,
        }
        for label, n in sizes.items()
    ]  # fmt: skip


def edit_distance() -> dict[str, Any]:
    rng = np.random.default_rng(2)
    pairs = {
        "within": rng.normal(0.47, 0.05, 3000).clip(0).tolist(),
        "unclustered": rng.normal(0.53, 0.012, 3000).tolist(),
        "random_equal_gc": rng.normal(0.531, 0.011, 3000).tolist(),
        "random_equal_gc_unclustered": rng.normal(0.531, 0.011, 3000).tolist(),
    }
    return {
        "rung": "pretrained",
        "pairs": pairs,
        "summary": {
            k: {"n": len(v), "median": float(np.median(v)), "mean": float(np.mean(v)), "sd": float(np.std(v))}
            for k, v in pairs.items()
        },
        "tests": [
            {"a": "within", "b": "unclustered", "p": 1e-200, "effect": -0.78, "effect_name": "cliffs_delta"},
            {
                "a": "unclustered",
                "b": "random_equal_gc_unclustered",
                "p": 0.21,
                "effect": -0.03,
                "effect_name": "cliffs_delta",
            },
        ],
        "per_cluster": [{"label": 0, "n_pairs": 100, "median": 0.46}],
        "clusters": {
            "labels": [0, 2],
            "windows": 90,
            "tight": True,
            "tight_share": 0.05,
            "in_tight": 90,
            "clustered": 300,
        },
    }


def scores() -> dict[str, Any]:
    """Of 600 windows: the run is ahead in Alu, level elsewhere."""
    rng = np.random.default_rng(3)
    kinds = np.repeat(["SINE/Alu", NASTY, "none"], 200)
    counting = rng.normal(110, 8, 600)
    bits = WindowBits(
        counting + rng.normal(0, 3, 600) - 6 * (kinds == "SINE/Alu"), counting, np.full(600, 66.0), np.arange(600)
    )
    rows = by_kind(pd.DataFrame({"soft_masked": rng.random(600), "repeat_class": kinds}), bits)
    return {
        "split": "test",
        "windows": 600,
        "places": 600,
        "kinds": rows,
        "sentences": told(rows, split="test"),
        "notes": ["a note"],
    }


def write_comparison(folder: Path, *, n: int) -> Path:
    """Write a comparison of `n` windows to `folder`, through the same stages as the real one."""
    table = map_table(n)
    with stage(folder, kind="comparison", config={"seed": 0}) as out:
        (out / "clusters").mkdir()
        with stage(out / "clusters" / "pretrained_all", kind="clusters") as map_folder:
            table.to_parquet(map_folder / "clusters.parquet")
        with stage(out / "hidden_words", kind="scores", config={"windows": 600}) as asked:
            (asked / "scores.json").write_text(json.dumps(scores()))
        for name, content in (
            ("ladder", ladder()),
            ("differences", differences()),
            ("comparison", {"main": "clusters/pretrained_all", "main_rung": "pretrained"}),
            ("edit_distance", edit_distance()),
            ("clusters", clusters(table)),
        ):
            (out / f"{name}.json").write_text(json.dumps(content))
        (out / "config.yaml").write_text("encoders: [runs/demo, bert, kmer:6]\n# <b>comment</b>\n")
    return folder


def write_run(folder: Path, *, last: float = 1.76) -> Path:
    """Write a run whose validation falls to `last` bits per base."""
    with stage(folder, kind="run") as out:
        rows = []
        for step in range(0, 2001, 50):
            row = {"step": step, "tokens": step * 4096, "seconds": step * 0.18}
            rows.append({**row, "train_bits_per_base": 1.94 - 0.1 * step / 2000})
            if step % 250 == 0:
                value = last + (1.97 - last) * float(np.exp(-step / 400)) * (step < 2000)
                rows.append({**row, "validation_bits_per_base": value, "low": value - 0.004, "high": value + 0.004})
        (out / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        orders = dict(
            zip(
                range(13),
                (1.99, 1.946, 1.94, 1.93, 1.92, 1.904, 1.89, 1.86, 1.832, 1.817, 1.83, 1.89, 1.959),
                strict=True,
            )
        )
        floors = {
            "orders": {str(order): {"bits_per_base": value} for order, value in orders.items()},
            "uniform": 2.0,
            "best": {"order": 9, "bits_per_base": 1.817},
            "windows": 2000,
        }
        (out / "floors.json").write_text(json.dumps(floors))
        (out / "config.yaml").write_text("window_length: 448\n")
    return folder


@pytest.fixture(scope="session")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_comparison(tmp_path_factory.mktemp("comparison") / "demo", n=4000)


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("run") / "demo")
