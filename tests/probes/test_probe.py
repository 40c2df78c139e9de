import json

import numpy as np
import pytest

from dnabert.encoders import load_encoder
from dnabert.encoders.encoder import DEFAULT_RUN
from dnabert.encoders.rungs import RungConfig
from dnabert.encoders.whitening import fit_whitening
from dnabert.errors import UserError
from dnabert.manifest import read_manifest, sha256
from dnabert.probes import Part, Task, probe, read_task
from dnabert.probes.config import ProbeConfig
from dnabert.probes.probe import _fit, _predict, _settings, _votes
from dnabert.probes.rungs import run_probes


def task_of(n, *, seed, share=1.0):
    """Two classes that lie apart along the first of ten dimensions, for `share` of the points."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(2, size=n)
    points = rng.normal(size=(n, 10))
    points[:, 0] += np.where(rng.random(n) < share, 8.0 * labels, 0)
    return Part([np.frombuffer(b"ACGT", dtype=np.uint8)] * n, labels), points


@pytest.mark.parametrize("classifier", ["logistic", "knn"])
def test_what_is_there_is_found_and_what_is_not_is_not(classifier):
    parts = [task_of(n, seed=i) for i, n in enumerate((300, 80, 200))]
    task = Task("t", ["a", "b"], *(part for part, _ in parts))
    names = ("train", "dev", "test")
    there = probe(task, dict(zip(names, (points for _, points in parts), strict=True)), classifier=classifier)
    assert there.scores["mcc"].value > 0.95
    rng = np.random.default_rng(9)
    noise = {name: rng.normal(size=(len(part.labels), 10)) for name, (part, _) in zip(names, parts, strict=True)}
    absent = probe(task, noise, classifier=classifier).scores["mcc"]
    assert absent.low < 0 < absent.high


def test_balanced_weights_find_the_rare_class():
    rng = np.random.default_rng(0)
    parts, vectors = [], {}
    for name, n in (("train", 600), ("dev", 200), ("test", 600)):
        labels = (np.arange(n) % 15 == 0).astype(np.int64)
        parts.append(Part([np.frombuffer(b"ACGT", dtype=np.uint8)] * n, labels))
        vectors[name] = rng.normal(size=(n, 3)) + 1.2 * labels[:, None]
    task = Task("t", ["no", "yes"], *parts)
    found = [
        probe(task, vectors, classifier="logistic", class_weights=weights).test.argmax(1)
        for weights in ("none", "balanced")
    ]
    none, balanced = ((said[parts[2].labels == 1] == 1).mean() for said in found)
    assert balanced > none + 0.2


def test_dev_chooses_the_neighbours():
    # one point in three is mislabelled: one neighbour follows the noise, many do not
    parts = [task_of(400, seed=i) for i in range(3)]
    rng = np.random.default_rng(0)
    noisy = [Part(p.sequences, np.where(rng.random(400) < 0.3, 1 - p.labels, p.labels)) for p, _ in parts]
    task = Task("t", ["a", "b"], *noisy)
    vectors = {name: points[:, :2] for name, (_, points) in zip(("train", "dev", "test"), parts, strict=True)}
    assert probe(task, vectors, classifier="knn").setting > 1


def test_a_tie_of_votes_goes_to_the_nearer_class_whatever_the_classes_are_called():
    for near, far in ((2, 0), (0, 2)):
        found = _votes(np.array([[near, near, far, far, 1]]), classes=3)
        assert found.argmax() == near
        np.testing.assert_allclose(found[0, [near, far, 1]], [0.4, 0.4, 0.2], atol=1e-8)


def test_votes_without_ties_are_those_of_scikit_learn():
    from sklearn.neighbors import KNeighborsClassifier

    rng = np.random.default_rng(0)
    points, labels, asked = rng.normal(size=(200, 4)), rng.integers(3, size=200), rng.normal(size=(300, 4))
    fit = KNeighborsClassifier(5).fit(points, labels)
    ours, theirs = _votes(labels[fit.kneighbors(asked, return_distance=False)], classes=3), fit.predict_proba(asked)
    np.testing.assert_allclose(ours, theirs, atol=1e-8)
    tied = (np.isclose(theirs, theirs.max(1, keepdims=True))).sum(1) > 1
    assert 0.1 < tied.mean() < 0.5
    assert (ours.argmax(1) == theirs.argmax(1))[~tied].all()


def test_both_classifiers_are_those_of_scikit_learn_on_standardised_columns_the_neighbours_by_cosine():
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    parts = [task_of(n, seed=i, share=0.6) for i, n in enumerate((15, 60, 200))]
    task, train = Task("t", ["a", "b"], *(part for part, _ in parts)), parts[0]
    vectors = {
        name: points * 3.0 ** np.arange(10) + 5
        for name, (_, points) in zip(("train", "dev", "test"), parts, strict=True)
    }
    for classifier, theirs in (
        ("knn", {k: KNeighborsClassifier(k, metric="cosine") for k in (1, 5, 15)}),  # of 15 training sequences
        ("logistic", {c: LogisticRegression(C=c, max_iter=1000) for c in (1e-3, 1e-2, 1e-1, 1.0)}),
    ):
        found = probe(task, vectors, classifier=classifier, resamples=0)
        fits = {
            setting: make_pipeline(StandardScaler(), fit).fit(vectors["train"], train[0].labels)
            for setting, fit in theirs.items()
        }
        assert _settings(classifier, train[0]) == tuple(fits)
        expected = fits[found.setting].predict_proba(vectors["test"])
        np.testing.assert_allclose(found.test, expected, atol=1e-4)


def test_a_probe_of_three_classes_prefers_none_by_its_name():
    rng = np.random.default_rng(0)
    parts, vectors = [], {}
    for name, n in (("train", 900), ("dev", 300), ("test", 3000)):
        labels = rng.integers(3, size=n)
        parts.append(Part([np.frombuffer(b"ACGT", dtype=np.uint8)] * n, labels))
        vectors[name] = rng.normal(size=(n, 6))  # nothing to be learned
    task = Task("t", ["a", "b", "c"], *parts)
    points = {name: part / np.linalg.norm(part, axis=1, keepdims=True) for name, part in vectors.items()}
    fit = _fit("knn", 5.0, points["train"], part=task.train, weights="none")
    said = np.bincount(_predict("knn", fit, points["test"], task).argmax(1), minlength=3) / 3000
    assert said.max() < 0.4, said


def test_of_settings_that_predict_the_same_classes_dev_chooses_the_surest():
    parts = [task_of(n, seed=i) for i, n in enumerate((200, 40, 40))]
    vectors = {name: 2 * points[:, :1] for name, (_, points) in zip(("train", "dev", "test"), parts, strict=True)}
    found = probe(Task("t", ["a", "b"], *(part for part, _ in parts)), vectors, classifier="logistic")
    assert found.scores["mcc"].value == 1 and found.setting == 1.0


def test_every_rung_is_probed(tmp_path, capsys):
    rng = np.random.default_rng(0)

    def sequence(gc):  # of any length from 40 to 90
        return "".join(rng.choice(list("ACGT"), rng.integers(40, 90), p=[(1 - gc) / 2, gc / 2, gc / 2, (1 - gc) / 2]))

    rows = [f"{sequence(0.7 if i % 2 else 0.3)},{'rich' if i % 2 else 'poor'}" for i in range(200)]
    (tmp_path / "gc.csv").write_text("sequence,label\n" + "\n".join(rows) + "\n")
    rungs = [RungConfig("kmer2", "kmer:2"), RungConfig("lost", "RUN")]
    out = run_probes(ProbeConfig(tasks=[str(tmp_path / "gc.csv")], out=str(tmp_path / "out"), rungs=rungs))
    records = json.loads((out / "probes.json").read_text())
    assert [(r["task"], r["rung"], r["classifier"]) for r in records] == [
        ("gc", "kmer2", "logistic"),
        ("gc", "kmer2", "knn"),
    ]
    assert all(r["scores"]["accuracy"]["value"] > 0.9 for r in records)
    assert "lost is left out" in capsys.readouterr().out
    assert len((out / "probes.tsv").read_text().splitlines()) == 1 + 2 * 4


def test_a_rung_is_read_as_it_says(tmp_path):
    """Shuffled, an order says nothing any more; whitened, it is what a whitening of train makes of the vectors."""
    rng, one, other = np.random.default_rng(0), "ACGGATTACAGTC", "AGTTACGGATCAC"  # as many of each pair of bases
    rows = ["".join(rng.choice(list("ACGT"), 30)) + 2 * (other if i % 2 else one) + f",{i % 2}" for i in range(300)]
    (tmp_path / "order.csv").write_text("sequence,label\n" + "\n".join(rows) + "\n")
    how = {"plain": {}, "whitened": {"whiten": 1.0}, "shuffled": {"shuffle": True}}
    rungs = [RungConfig(name, "kmer:4", **each) for name, each in how.items()]
    out = run_probes(
        ProbeConfig(tasks=[str(tmp_path / "order.csv")], out=str(tmp_path / "out"), rungs=rungs, classifiers=["knn"])
    )
    found = {record["rung"]: record["scores"] for record in json.loads((out / "probes.json").read_text())}
    assert (
        found["plain"]["mcc"]["value"] > 0.9 and found["shuffled"]["mcc"]["low"] < 0 < found["shuffled"]["mcc"]["high"]
    )
    task, encoder = read_task(tmp_path / "order.csv"), load_encoder("kmer:4")
    vectors = {name: encoder.encode(getattr(task, name).sequences) for name in ("train", "dev", "test")}
    whitening = fit_whitening(vectors["train"], power=1.0)
    by_hand = probe(task, {name: whitening(each) for name, each in vectors.items()}, classifier="knn").scores["auc"]
    assert found["whitened"]["auc"]["value"] == by_hand.value != found["plain"]["auc"]["value"]


@pytest.mark.parametrize(
    ("rung", "shortest", "said"),
    [
        ({"encoder": "kmer:8", "whiten": 0.5}, 8, (
            "whiten: vectors of 8-mer frequencies, strands collapsed have 32,896 "
            "dimensions"
        )),
        ({"encoder": "kmer:7"}, 6, (
            r"the shortest sequence of short has 6 bases, fewer than a word of the encoder "
            r"\(7\)"
        )),
        ({"encoder": "runs/gone"}, 8, "no such run folder or encoder: runs/gone"),
    ],
)  # fmt: skip
def test_a_rung_that_cannot_read_a_task_is_refused_before_any_is_probed(tmp_path, capsys, rung, shortest, said):
    for name, length in (("long", 60), ("short", shortest)):
        rows = [f"{''.join('ACGT'[(i >> j) & 3] for j in range(length))},{i % 2}\n" for i in range(100)]
        (tmp_path / f"{name}.csv").write_text("sequence,label\n" + "".join(rows))
    tasks = [str(tmp_path / name) for name in ("long.csv", "short.csv")]
    rungs = [RungConfig("fine", "kmer:2"), RungConfig("wrong", **rung)]
    with pytest.raises(UserError, match=f"rung wrong: {said}"):
        run_probes(ProbeConfig(tasks=tasks, out=str(tmp_path / "out"), rungs=rungs))
    assert "MCC" not in capsys.readouterr().out


def test_no_task_is_refused():
    with pytest.raises(UserError, match="pass --tasks FOLDER"):
        run_probes(ProbeConfig())


def test_the_manifest_knows_what_was_read(tmp_path):
    (tmp_path / "gc.csv").write_text(
        "sequence,label\n"
        + "".join(f"{'ACGT'[i % 4]}{'ACGT'[i // 4 % 4]}{'GC' if i % 2 else 'AT'}ACGT,{i % 2}\n" for i in range(160))
    )
    config = ProbeConfig(
        tasks=[str(tmp_path / "gc.csv")],
        run="default",
        out=str(tmp_path / "out"),
        rungs=[RungConfig("model", "RUN")],
        classifiers=["knn"],
        resamples=2,
    )
    inputs = read_manifest(run_probes(config), kind="probes")["inputs"]
    assert inputs["task 0"]["sha256"] == sha256(tmp_path / "gc.csv")
    assert inputs["run"] == inputs["model, encoder"] and inputs["run"]["sha256"] == sha256(
        DEFAULT_RUN / "manifest.json"
    )
    with pytest.raises(UserError, match="two of --tasks have the same name .gc, gc.: rename"):
        run_probes(ProbeConfig(tasks=config.tasks * 2))


def test_what_cannot_be_probed_is_told():
    """Another classifier was a logistic regression under its name."""
    parts = {name: task_of(n, seed=n) for name, n in (("train", 40), ("dev", 20), ("test", 10))}
    task = Task("apart", ["a", "b"], **{name: part for name, (part, _) in parts.items()})
    vectors = {name: points for name, (_, points) in parts.items()}
    with pytest.raises(ValueError, match="^classifier is 'svm', allowed is logistic or knn$"):
        probe(task, vectors, classifier="svm")
    with pytest.raises(ValueError, match="^class_weights is 'even', allowed is none or balanced$"):
        probe(task, vectors, classifier="knn", class_weights="even")
    with pytest.raises(ValueError, match=r"^the vectors of dev have shape \(3, 10\), allowed is \(20, d\)"):
        probe(task, vectors | {"dev": vectors["dev"][:3]}, classifier="knn")
    with pytest.raises(ValueError, match=r"^the vectors of test have shape \(0,\), allowed is \(10, d\)"):
        probe(task, {name: vectors[name] for name in ("train", "dev")}, classifier="knn")
