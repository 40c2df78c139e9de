import dataclasses
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file

from dnabert.alphabet import reverse_complement
from dnabert.config import load_yaml, save_yaml
from dnabert.corpus import load_corpus
from dnabert.corpus.mutation import mutate
from dnabert.encoders.encoder import DEFAULT_RUN
from dnabert.errors import UserError
from dnabert.models.config import ModelConfig
from dnabert.pretraining import contrast, pretrain
from dnabert.pretraining.config import ContrastConfig, PretrainConfig
from dnabert.pretraining.contrast import PairSampler, contrastive_loss, near_copies
from dnabert.pretraining.sampling import Sampler
from dnabert.tokenizer import KmerTokenizer

LETTERS = np.frombuffer(b"ACGT", dtype=np.uint8)


def curve(run: Path, key: str) -> list[float]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [line[key] for line in lines if key in line]


def draws(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(1).integers(2**64, size=shape, dtype=np.uint64)


@pytest.fixture
def pairs(small_corpus: Path) -> PairSampler:
    view = load_corpus(small_corpus).view("train")
    return PairSampler(
        Sampler(view, KmerTokenizer(k=4), batch_size=8, seed=3, mask_share=0.15), ContrastConfig(weight=1.0)
    )


def test_parts_of_a_batch_are_the_batch_whoever_makes_them(pairs: PairSampler) -> None:
    whole = pairs.batch(5).input_ids.reshape(2, 4, -1)
    parts = [pairs.batch(5, part=part, parts=2).input_ids.reshape(2, 2, -1) for part in (0, 1)]
    np.testing.assert_array_equal(whole, np.concatenate(parts, axis=1))
    assert (pairs.batch(6).input_ids != pairs.batch(5).input_ids).any()


def test_two_views_are_of_one_place_and_no_two_of_the_same_frame_and_strand(pairs: PairSampler) -> None:
    rows, epochs = np.arange(40), np.zeros(40, dtype=np.int64)
    still = dataclasses.replace(pairs, config=ContrastConfig(weight=1.0, shift=20, substitutions=0.0, indels=0.0))
    first, second = (still.view_bases(rows, epochs, second=which) for which in (False, True))
    turned = 0
    for one, other in zip(first, second, strict=True):
        texts = [bytes(other).upper(), bytes(reverse_complement(other[None])[0]).upper()]
        inside = [bytes(one[40:-40]).upper() in text for text in texts]  # moved by 20 at most
        assert any(inside)
        turned += inside[1]
    assert 8 < turned < 32
    mutated = pairs.view_bases(rows, epochs, second=True)
    assert mutated.shape == first.shape and not np.array_equal(mutated, second)


def test_without_random_strands_no_view_is_turned(pairs: PairSampler) -> None:
    rows, epochs = np.arange(40), np.zeros(40, dtype=np.int64)
    config = ContrastConfig(weight=1.0, shift=0, substitutions=0.0, indels=0.0)
    still = dataclasses.replace(pairs, config=config, sampler=dataclasses.replace(pairs.sampler, random_strand=False))
    first, second = (still.view_bases(rows, epochs, second=which) for which in (False, True))
    np.testing.assert_array_equal(first, second)


def test_finding_places_is_scored_without_dropout(config, tmp_path) -> None:
    model = ModelConfig(hidden_size=32, layers=2, heads=2, intermediate_size=32, dropout=0.3)
    run = pretrain(
        config(
            contrast=ContrastConfig(weight=1.0),
            model=model,
            steps=2,
            evaluate_every=1,
            learning_rate=1e-12,
            embedding_learning_rate=1e-12,
            weight_decay=0.0,
            evaluation_windows=60,
        )
    )
    assert len(set(curve(run, "validation_found_first"))) == 1


def test_the_loss_is_the_cross_entropy_over_all_other_views() -> None:
    vectors = torch.randn(6, 5, generator=torch.Generator().manual_seed(0))
    nats, found = contrastive_loss(vectors, torch.zeros(3, 3, dtype=torch.bool), temperature=0.5)
    z = (vectors - vectors.mean(0)) / (vectors.std(0, unbiased=False) + 1e-4)
    z = (z / z.norm(dim=1, keepdim=True)).tolist()
    expected, first = [], []
    for i in range(6):
        similarity = {j: sum(a * b for a, b in zip(z[i], z[j], strict=True)) / 0.5 for j in range(6) if j != i}
        other = (i + 3) % 6
        expected.append(math.log(sum(map(math.exp, similarity.values()))) - similarity[other])
        first.append(max(similarity, key=similarity.__getitem__) == other)
    assert float(nats) == pytest.approx(np.mean(expected), rel=1e-5) and found.tolist() == first


def test_places_that_are_found_are_asked_for_all_over_the_genomes(
    pairs: PairSampler, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows stand genome by genome: the first ones are of the first genome alone."""
    monkeypatch.setattr(contrast, "_EVALUATED", 5)
    asked, view_bases = [], PairSampler.view_bases

    def looked_at(self: PairSampler, rows: np.ndarray, *rest: np.ndarray, **more: bool) -> np.ndarray:
        asked.append(rows.tolist())
        return view_bases(self, rows, *rest, **more)

    monkeypatch.setattr(PairSampler, "view_bases", looked_at)
    objective = torch.nn.Module()
    objective.forward = lambda ids, *_, with_vectors: (None, None, ids.float() if with_vectors else None)
    contrast.found_first(objective, pairs, accelerator=Accelerator(cpu=True))
    last = len(pairs.sampler.view) - 1
    assert asked == [[last * i // 4 for i in range(5)]] * 2


def test_copies_are_no_negatives() -> None:
    generator = torch.Generator().manual_seed(0)
    places = torch.randn(8, 16, generator=generator)
    places[1] = places[0]
    vectors = places.repeat(2, 1) + 0.05 * torch.randn(16, 16, generator=generator)
    copies = torch.zeros(8, 8, dtype=torch.bool)
    confused, _ = contrastive_loss(vectors, copies, temperature=0.05)
    copies[0, 1] = copies[1, 0] = True
    told, found = contrastive_loss(vectors, copies, temperature=0.05)
    assert float(told) < 0.01 < 0.1 < float(confused) and bool(found.all())


def test_orthologs_are_near_copies_and_old_repeats_are_not() -> None:
    rng = np.random.default_rng(0)
    one = LETTERS[rng.integers(0, 4, (1, 448))]
    ape = mutate(one, substitutions=0.02, indels=0.002, draws=draws(one.shape))
    old = mutate(one, substitutions=0.2, indels=0.02, draws=draws(one.shape))
    other = LETTERS[rng.integers(0, 4, (1, 448))]
    unknown = np.full((1, 448), ord("N"), dtype=np.uint8)
    found = near_copies(np.concatenate([one, reverse_complement(ape), old, other, unknown, unknown]))
    expected = np.zeros((6, 6), dtype=bool)
    expected[0, 1] = expected[1, 0] = True
    np.testing.assert_array_equal(found, expected)
    assert not near_copies(one[:, :10]).any()


def test_views_learn_to_find_each_other_from_where_a_run_stopped(config, tmp_path) -> None:
    start = pretrain(config(out=str(tmp_path / "start"), evaluation_windows=40))
    contrast = ContrastConfig(weight=1.0, shift=0, substitutions=0.01)
    options = {"initial": str(start), "contrast": contrast, "batch_size": 32, "evaluation_windows": 40}
    run = pretrain(config(steps=60, evaluate_every=60, learning_rate=1e-2, embedding_learning_rate=1e-2, **options))
    nats, found = curve(run, "train_contrast_nats"), curve(run, "train_found_first")
    assert np.mean(nats[-10:]) < np.mean(nats[:10]) and np.mean(found[-10:]) > np.mean(found[:10])
    assert all(0 <= share <= 1 for share in curve(run, "validation_found_first"))
    assert curve(run, "validation_bits_per_base")[0] == curve(start, "validation_bits_per_base")[-1]


@pytest.mark.parametrize("families", [0.0, 0.33])
def test_processes_and_resuming_do_not_change_a_contrastive_run(config, tmp_path, families) -> None:
    both = ContrastConfig(weight=0.5, families=families)
    alone = pretrain(config(out=str(tmp_path / "alone"), contrast=both))
    save_yaml(config(out=str(tmp_path / "two"), contrast=both), tmp_path / "two.yaml")
    script = Path(__file__).parents[2] / "train" / "pretrain.py"
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_port", "29613"]
    environment = os.environ | {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    ran = subprocess.run(
        [*command, str(script), "--config", str(tmp_path / "two.yaml")], env=environment, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    family = ["train_family_nats"] if families else []
    assert bool(curve(alone, "train_family_nats")) == bool(families)
    for key in ("train_bits_per_base", "train_contrast_nats", "validation_found_first", *family):
        np.testing.assert_allclose(curve(alone, key), curve(tmp_path / "two", key), rtol=1e-4, atol=1e-6)
    one, two = (load_file(run / "model.safetensors") for run in (alone, tmp_path / "two"))
    for name in one:
        torch.testing.assert_close(one[name], two[name], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"contrast": {"weight": -1.0}}, "--contrast.weight is -1.0, allowed is 0 or more"),
        ({"contrast": {"temperature": 0.0}}, "--contrast.temperature is 0.0"),
        ({"contrast": {"shift": -1}}, "--contrast.shift is -1"),
        ({"contrast": {"indels": 0.7}}, "--contrast.indels is 0.7, allowed is 0 to 0.5"),
        ({"contrast": {"families": 1.0}}, "--contrast.families is 1.0, allowed is 0 to 0.9"),
        (
            {"contrast": {"families": 0.33}},
            "--contrast.families is 0.33, which does nothing without --contrast.weight: pass --contrast.weight 1",
        ),
        ({"contrast": {"weight": 1.0}, "batch_size": 7}, "--batch-size is 7"),
        ({"contrast": {"weight": 1.0}, "accumulation": 2}, "--accumulation parts them: pass 1"),
        (
            {"contrast": {"weight": 1.0}, "random_phase": False},
            "--no-random-phase has no meaning beside --contrast.weight",
        ),
        ({"initial": "/no/such/run"}, "no such run folder: /no/such/run"),
    ],
)
def test_what_cannot_work_is_told_in_one_line(config, changes, line) -> None:
    def run() -> None:
        contrast = ContrastConfig(**changes.pop("contrast", {}))
        pretrain(config(contrast=contrast, **changes))

    with pytest.raises(UserError, match=line):
        run()
    assert not Path(config().out).exists()


def test_a_run_goes_on_with_the_words_and_sizes_of_its_start(config, tmp_path) -> None:
    start = str(pretrain(config(out=str(tmp_path / "start"), steps=1, stride=2, hide="touching")))
    run = pretrain(config(initial=start, steps=1, k=PretrainConfig.k, model=ModelConfig()))
    resolved = load_yaml(PretrainConfig, run / "config.yaml")
    assert (resolved.k, resolved.stride, resolved.model.hidden_size, resolved.model.heads) == (4, 2, 32, 2)
    assert curve(run, "validation_bits_per_base")[0] == curve(Path(start), "validation_bits_per_base")[-1]
    again = pretrain(PretrainConfig(**(vars(resolved) | {"out": str(tmp_path / "again")})))
    assert curve(again, "validation_bits_per_base") == curve(run, "validation_bits_per_base")


def test_the_packaged_model_can_be_the_start(config) -> None:
    still = {"learning_rate": 1e-12, "embedding_learning_rate": 1e-12, "weight_decay": 0.0}
    run = pretrain(
        config(initial="default", steps=1, k=PretrainConfig.k, model=ModelConfig(), evaluation_windows=4, **still)
    )
    assert load_yaml(PretrainConfig, run / "config.yaml").k == 6
    packaged, own = (load_file(folder / "model.safetensors") for folder in (DEFAULT_RUN, run))
    assert packaged.keys() == own.keys()
    for name in own:
        torch.testing.assert_close(own[name], packaged[name].float(), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"k": 3}, "has --k 4, this run asks for 3: leave --k out"),
        ({"k": 4, "stride": 2}, "has --stride 4, this run asks for 2: leave --stride out"),
        (
            {"model": ModelConfig(hidden_size=32, heads=8)},
            "has --model.heads 2, this run asks for 8: leave --model.heads out",
        ),
        ({"model": ModelConfig(architecture="lstm")}, "has --model.architecture modernbert, this run asks for lstm"),
    ],
)
def test_a_start_of_other_words_or_sizes_is_refused(config, tmp_path, changes, line) -> None:
    start = str(pretrain(config(out=str(tmp_path / "start"), steps=1)))
    with pytest.raises(UserError, match=line):
        pretrain(config(initial=start, **changes))
    assert not Path(config().out).exists()
