import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dnabert.cli import main
from dnabert.corpus import Corpus, SplitConfig, config_from_fasta, prepare, simulate_fasta
from dnabert.corpus.places import gene_places, places_apart
from dnabert.errors import Caution, UserError
from dnabert.models.config import ModelConfig
from dnabert.pretraining import pretrain
from dnabert.pretraining.config import PretrainConfig
from dnabert.pretraining.counting import LARGEST_TABLE
from dnabert.scoring import ScoreConfig, load_scores, score
from dnabert.scoring.config import LARGEST_ORDER
from dnabert.scoring.score import _sampler
from dnabert.tokenizer import KmerTokenizer

FEW = ScoreConfig(windows=60, order=4, split="validation", precision="fp32")


@pytest.fixture(scope="module")
def run(tiny_corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pretrain(
        PretrainConfig(
            corpus=str(tiny_corpus.folder),
            out=str(tmp_path_factory.mktemp("scored") / "run"),
            k=4,
            model=ModelConfig(hidden_size=32, layers=1, heads=2, intermediate_size=32),
            batch_size=8,
            steps=4,
            warmup_steps=1,
            evaluate_every=4,
            evaluation_windows=FEW.windows,
            floor_order=FEW.order,
            tracker="none",
            threads=1,
            precision="fp32",
        )
    )


def test_it_says_what_the_runs_own_evaluation_and_floors_say(run: Path, tiny_corpus: Corpus, tmp_path: Path) -> None:
    found = score(run, tiny_corpus.folder, out=tmp_path / "scores", config=FEW)
    first = found.summary["kinds"][0]
    last = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()][-1]
    mixture = json.loads((run / "floors.json").read_text())["bidirectional"]["mixture"]
    assert first["bits_per_base"] == pytest.approx(last["validation_bits_per_base"], rel=1e-6)
    assert first["counting"] == pytest.approx(mixture["bits_per_base"], rel=1e-6)
    assert found.summary["notes"] == [] and found.summary["split"] == "validation"
    assert found.table["words"].sum() == last["validation_words"]
    known = found.table["words"] > 0
    weighted = np.average(found.table.loc[known, "bits_per_base"], weights=found.table.loc[known, "words"])
    assert weighted == pytest.approx(first["bits_per_base"])


def test_every_row_can_be_made_from_the_table(
    run: Path, tiny_corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dnabert.scoring.kinds.FEWEST_PLACES", 2)  # the corpus has 4 places in its validation windows
    score(run, tiny_corpus.folder, out=tmp_path / "scores", config=FEW)
    found = load_scores(tmp_path / "scores")
    rows = pd.read_csv(tmp_path / "scores" / "kinds.tsv", sep="\t").to_dict("records")
    assert [row["kind"] for row in rows] == [row["kind"] for row in found.summary["kinds"]] and len(rows) > 3
    for row in rows:
        if row["column"] in found.table:
            own = found.table[(found.table[row["column"]] == row["kind"]) & (found.table["words"] > 0)]
            if row["column"] != "soft_masked":
                assert row["windows"] == len(own)
                for name, value in (
                    ("bits_per_base", own["bits_per_base"]),
                    ("counting", own["counting_bits_per_base"]),
                ):
                    assert row[name] == pytest.approx(np.average(value, weights=own["words"]), rel=1e-5)
    assert {"all", "soft_masked", "repeat_class"} <= {row["column"] for row in rows}


def test_the_command_tells_it_in_sentences_and_as_json(
    run: Path, tiny_corpus: Corpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["score", str(run), str(tiny_corpus.folder), "--windows", "40", "--order", "3"]
    main([*words, "--out", str(tmp_path / "a")])
    said = capsys.readouterr()
    assert "Of 40 test windows the run needs" in said.out and "counting from both sides" in said.out
    main([*words, "--out", str(tmp_path / "b"), "--split", "train", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told["split"] == "train" and "neither is a test" in told["notes"][0] and told["kinds"][0]["windows"] == 40
    table = load_scores(tmp_path / "b").table
    assert told["places"] == gene_places(table).max() + 1 < places_apart(table).max() + 1  # near windows cost alike


def test_it_says_that_words_are_counted_in_a_part_of_the_training_windows(
    run: Path, tiny_corpus: Corpus, tmp_path: Path
) -> None:
    found = score(
        run,
        tiny_corpus.folder,
        out=tmp_path / "scores",
        config=ScoreConfig(windows=10, order=2, counted_windows=100, precision="fp32"),
    )
    training = len(tiny_corpus.view("train"))
    assert found.summary["notes"] == [
        f"words were counted in 100 of {training:,} training windows: in all of them counting would know more"
    ]


def test_another_corpus_is_said_and_one_without_training_windows_is_not_counted(run: Path, tmp_path: Path) -> None:
    simulate_fasta(tmp_path / "other.fa", length=20_000, seed=3)
    config = config_from_fasta([tmp_path / "other.fa"])
    config.window.length, config.split = 60, SplitConfig(by="chromosome", test=["chr1"])
    with pytest.warns(Caution, match="no window is in train"):
        other = prepare(config, out=tmp_path / "other")
    assert list(other) == ["test"]
    found = score(run, other.folder, out=tmp_path / "scores", config=ScoreConfig(windows=50))
    assert any("no training windows" in note for note in found.summary["notes"])
    assert any("trained on another corpus" in note for note in found.summary["notes"])
    assert "counting" not in found.summary["kinds"][0] and "counting_bits_per_base" not in found.table


def test_windows_too_broken_to_count_in_or_too_short_for_two_words_are_one_line(run: Path, tmp_path: Path) -> None:
    letters = np.random.default_rng(0).choice(list("ACGT"), 9_000)
    letters[::8] = "N"
    (tmp_path / "broken.fa").write_text(">chr1\n" + "".join(letters) + "\n")
    config = config_from_fasta([tmp_path / "broken.fa"])
    config.window.length, config.window.max_n_fraction, config.split = 60, 0.5, SplitConfig(validation_fraction=0.2)
    broken = prepare(config, out=tmp_path / "broken")
    with pytest.raises(
        UserError, match="no window that is asked holds 13 bases without N for --order 12: pass --order 6, or"
    ):
        score(run, broken.folder, out=tmp_path / "x", config=ScoreConfig(split="validation", precision="fp32"))
    assert (
        score(
            run, broken.folder, out=tmp_path / "x", config=ScoreConfig(split="validation", order=6, precision="fp32")
        ).summary["kinds"][0]["windows"]
        > 2
    )
    config.window.length = 6
    short = prepare(config, out=tmp_path / "short")
    with pytest.raises(UserError, match="windows of 6 bp hold under 2 words of the run's k = 4: prepare longer ones"):
        _sampler(short.view("train"), KmerTokenizer(k=4, stride=1), FEW)


def test_careless_inputs_are_one_line(run: Path, tiny_corpus: Corpus, tmp_path: Path) -> None:
    simulate_fasta(tmp_path / "long.fa", length=20_000, seed=3)
    config = config_from_fasta([tmp_path / "long.fa"])
    longer = prepare(config, out=tmp_path / "long")
    for what, match in (
        (
            lambda: score(run, longer.folder, out=tmp_path / "x"),
            "longer than the 112 bp that .* prepare the corpus with --window.length 112",
        ),
        (lambda: score(tmp_path / "no", tiny_corpus.folder, out=tmp_path / "x"), "no such run"),
        (lambda: score(run, tmp_path / "no", out=tmp_path / "x"), "no such corpus"),
        (
            lambda: score(run, tiny_corpus.folder, out=tmp_path / "x", config=ScoreConfig(genome="yeti")),
            "--genome yeti has no test windows; there are: tiny",
        ),
        (lambda: ScoreConfig(windows=1), "--windows is 1"),
        (lambda: ScoreConfig(mask_share=1.0), "--mask-share is 1.0"),
        (lambda: ScoreConfig(order=LARGEST_TABLE + 1), f"--order is {LARGEST_ORDER + 1}"),
    ):
        with pytest.raises(UserError, match=match):
            what()
    assert not (tmp_path / "x").exists()
