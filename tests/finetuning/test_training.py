import numpy as np
import pytest
import torch

from dnabert.errors import UserError
from dnabert.finetuning import probabilities, training
from dnabert.finetuning.classifier import read_start
from dnabert.finetuning.config import TrainingConfig
from dnabert.probes import Part, Task


def part_of(labels, *, length=60, seed=0):
    rng = np.random.default_rng(seed)
    return Part([rng.choice(np.frombuffer(b"ACGT", dtype=np.uint8), length) for _ in labels], np.array(labels))


def test_balanced_weights_give_each_class_the_same_part():
    part = part_of([0] * 90 + [1] * 9 + [3])
    task = Task("t", ["a", "b", "never in train", "d"], part, part, part)
    weights = training._class_weights(task, TrainingConfig(class_weights="balanced"), device=torch.device("cpu"))
    parts = weights.numpy() * np.bincount(part.labels)
    assert parts[[0, 1, 3]] == pytest.approx([100 / 3] * 3) and parts[2] == 0
    assert training._class_weights(task, TrainingConfig(), device=torch.device("cpu")) is None


def test_the_loss_weighs_classes_as_it_is_told():
    part = part_of([0] * 14 + [1, 1])
    task, config = (
        Task("rare", ["no", "yes"], part, part, part),
        TrainingConfig(class_weights="balanced", dropout=0.0, precision="fp32"),
    )
    start, accelerator = read_start("default"), training.build_accelerator(config)
    model = training.build_classifier(start, task.classes, dropout=0.0)
    weights = training._class_weights(task, config, device=torch.device("cpu"))
    run = training._Training(model, config, accelerator, [training._optimizer(model, config)], weights, 0, "")
    tiles = training.LabelledReader(part, start.tokenizer, most_words=start.most_words).batch(np.arange(16))
    with torch.no_grad():
        nats = -model(tiles.input_ids).logits.log_softmax(1)[torch.arange(16), tiles.labels]
    by_hand = (nats[:14].mean() + nats[14:].mean()) / 2
    reader = training.LabelledReader(part, start.tokenizer, most_words=start.most_words)
    halves = [reader.batch(rows) for rows in (np.arange(8), np.arange(8, 16))]  # the first holds none of the rare class

    def loss(tiles):
        with torch.no_grad():
            logits = training.logits_of(model, tiles, accelerator, most=16)
        return training._loss(run, logits, tiles.labels).item()

    assert loss(tiles) == pytest.approx(by_hand.item(), rel=1e-4) != pytest.approx(nats.mean().item(), rel=1e-4)
    assert np.mean([loss(half) for half in halves]) == pytest.approx(by_hand.item(), rel=1e-4)
    assert training._step(run, tiles).item() == pytest.approx(by_hand.item(), rel=1e-4)


def test_predictions_do_not_depend_on_the_batch_size():
    part = part_of([0, 1] * 5, length=50)
    mixed = Part([*part.sequences, *part_of([0, 1], length=900, seed=1).sequences], np.array([0, 1] * 6))
    start, found = read_start("default"), []
    accelerator = training.build_accelerator(TrainingConfig(precision="fp32"))
    for batch_size in (1, 2, 32):
        model = training.build_classifier(start, ["a", "b"])
        reader = training.LabelledReader(mixed, start.tokenizer, most_words=start.most_words)
        found.append(
            training.probabilities(model, reader, batch_size=batch_size, both_strands=True, accelerator=accelerator)
        )
    assert (
        found[0] == pytest.approx(found[1], abs=1e-5)
        and found[0] == pytest.approx(found[2], abs=1e-5)
        and found[0].sum(1) == pytest.approx(np.ones(12))
    )


def test_a_long_sequence_is_trained_on_in_parts_with_the_same_gradient(monkeypatch):
    part = part_of([0, 1], length=2000)
    start, config = read_start("default"), TrainingConfig(precision="fp32")
    accelerator = training.build_accelerator(config)
    tiles = training.LabelledReader(part, start.tokenizer, most_words=start.most_words).batch(np.arange(2))
    found, passes = [], []
    monkeypatch.setattr(
        training, "update", lambda model, *_, **__: found.append([each.grad for each in model.parameters()])
    )
    for most in (10, 4):
        monkeypatch.setattr(training, "_AT_ONCE", most * tiles.input_ids.shape[1])
        model = training.build_classifier(start, ["a", "b"], dropout=0.0).train()
        passes.append([])
        model.register_forward_pre_hook(lambda _, given: passes[-1].append(len(given[0])))
        training._step(training._Training(model, config, accelerator, [], None, 0, ""), tiles)
    assert passes[0] == [10]
    assert sorted(passes[1]) == [2, 2, 4, 4, 4, 4]  # forward, and again in the backward
    assert all(torch.allclose(parts, whole, atol=1e-5) for whole, parts in zip(*found, strict=True))


def test_probabilities_that_are_no_numbers_are_none():
    part, start = part_of([0, 1]), read_start("default")
    model = training.build_classifier(start, ["a", "b"])
    torch.nn.init.constant_(model.classifier.weight, torch.nan)
    reader = training.LabelledReader(part, start.tokenizer, most_words=start.most_words)
    with pytest.raises(
        UserError, match="gives probabilities that are no numbers: its weights are damaged, or it diverged"
    ):
        training.probabilities(
            model,
            reader,
            batch_size=2,
            both_strands=False,
            accelerator=training.build_accelerator(TrainingConfig(precision="fp32")),
        )


def test_a_long_sequence_does_not_pad_thousands_of_short_ones(monkeypatch):
    monkeypatch.setattr(probabilities, "_PADDED", 1000)
    lengths = np.array([10, 900, 10, 20, 5000, 10, 30])
    batches = probabilities._alike(lengths, most=3)
    assert sorted(np.concatenate(batches).tolist()) == list(range(7)) and max(map(len, batches)) == 3
    assert all(len(rows) == 1 or len(rows) * lengths[rows].max() <= 1000 for rows in batches)
    assert [len(rows) for rows in probabilities._alike(np.full(7, 10), most=3)] == [3, 3, 1]
    monkeypatch.setattr(probabilities, "_PADDED", 30)
    assert [len(rows) for rows in probabilities._alike(np.full(7, 10), most=7)] == [3, 3, 1]


def test_of_epochs_that_predict_the_same_classes_the_surest_is_kept_and_patience_is_not_renewed(monkeypatch, capsys):
    part = part_of([0, 0, 1, 1])
    task, config = (
        Task("t", ["a", "b"], part, part, part),
        TrainingConfig(epochs=9, patience=3, seeds=[0], warmup_steps=9),
    )
    sure = iter([0.6, 0.8, 0.7, 0.9, 0.95])
    chances = iter(np.abs(np.eye(2)[part.labels] - (1 - each)) for each in sure)
    monkeypatch.setattr(training, "probabilities", lambda *_, **__: next(chances))
    monkeypatch.setattr(training, "_epoch", lambda *_, **__: 0.0)
    run = training._Training(torch.nn.Linear(1, 1), config, training.build_accelerator(config), [], None, 0, "")
    found = training._fit(
        run,
        dict.fromkeys(
            ("train", "dev"), training.LabelledReader(task.train, read_start("default").tokenizer, most_words=60)
        ),
    )
    assert (found.epoch, found.dev_mcc, len(found.curve)) == (4, 1.0, 4)
    assert [round(row["dev_loss"], 4) for row in found.curve] == [
        round(-np.log(each), 4) for each in (0.6, 0.8, 0.7, 0.9)
    ]
    assert (
        "--warmup-steps 9 of 9 steps in all: the learning rate never reaches what was asked for; pass --warmup-steps 2"
        in capsys.readouterr().err
    )


def begun(part, config):
    """A training of the packaged model that has not yet made a step, and what it reads."""
    start, accelerator = read_start("default"), training.build_accelerator(config)
    model = training.build_classifier(start, ["a", "b"])
    run = training._Training(model, config, accelerator, [training._optimizer(model, config)], None, 0, "")
    return run, training.LabelledReader(part, start.tokenizer, most_words=start.most_words)


def test_the_learning_rate_of_each_step_is_that_of_its_place_among_all_epochs(monkeypatch):
    config = TrainingConfig(
        epochs=2, batch_size=2, learning_rate=0.1, head_learning_rate=0.4, warmup_steps=2, decay_share=0.5
    )
    run, reader = begun(part_of([0, 1, 0, 1, 0, 1]), config)
    body = {id(parameter) for parameter in run.model.base_model.parameters()}
    told = []

    def step(run, _):
        told.append(
            [
                {group["lr"] for group in run.optimizers[0].param_groups if (id(group["params"][0]) in body) == is_body}
                for is_body in (True, False)
            ]
        )
        return torch.tensor(float(len(told)))

    monkeypatch.setattr(training, "_step", step)
    means = [training._epoch(run, reader, epoch=epoch, steps=3) for epoch in (1, 2)]
    by_hand = [0.05, 0.1, 0.1, 0.1, 0.1 * 2 / 3, 0.1 / 3]  # two of warm-up; of six the last three fall to 0
    assert [list(map(len, rates)) for rates in told] == [[1, 1]] * 6
    assert [rate for (rate,), _ in told] == pytest.approx(by_hand)
    assert [rate for _, (rate,) in told] == pytest.approx([4 * rate for rate in by_hand])
    assert means == [2.0, 5.0]


def test_an_epoch_reads_each_sequence_once_in_an_order_frames_and_strands_of_its_own():
    part = Part(part_of([0] * 70).sequences, np.arange(70))  # labels tell which are read
    config = TrainingConfig(batch_size=8, random_strand=True)
    run, reader = begun(part, config)

    def read_so(tiles, shift, back):
        rows = tiles.labels.numpy()
        ids = reader.batch(rows, shift=shift, reverse=np.full(len(rows), back)).input_ids
        same = ids.shape == tiles.input_ids.shape
        return (ids == tiles.input_ids).all(1).numpy() if same else np.zeros(len(rows), dtype=bool)

    orders, frames, turned = [], [], []
    for epoch in (1, 2):
        batches = [training._batches(reader, run, epoch=epoch)(number) for number in range(9)]
        orders.append(torch.cat([tiles.labels for tiles in batches]).tolist())
        assert [len(tiles.labels) for tiles in batches] == [8] * 8 + [6] and sorted(orders[-1]) == list(range(70))
        for tiles in batches:
            alike = [[read_so(tiles, shift, back) for back in (False, True)] for shift in range(reader.stride)]
            (frame,) = [shift for shift, (forward, back) in enumerate(alike) if (forward | back).all()]
            frames.append(frame)
            turned.append(alike[frame][1])
    assert orders[0] != orders[1] and orders[0] != sorted(orders[0])
    assert set(frames) == set(range(reader.stride)) and frames[:9] != frames[9:]
    assert 0.35 < np.concatenate(turned).mean() < 0.65  # of 140: beyond three and a half standard errors
    again = training._batches(reader, run, epoch=1)(3)
    assert torch.equal(again.input_ids, training._batches(reader, run, epoch=1)(3).input_ids)
    plain, _ = begun(part, TrainingConfig(batch_size=8, random_phase=False))
    tiles = training._batches(reader, plain, epoch=1)(0)
    assert torch.equal(tiles.input_ids, reader.batch(tiles.labels.numpy()).input_ids)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("architecture", ["run", "convolution"])
def test_no_step_waits_for_the_gpu(architecture):
    config = TrainingConfig(batch_size=16, seeds=[0])
    part = part_of([0, 1] * 64)
    start = read_start("default", fresh=True, architecture=architecture)
    accelerator = training.build_accelerator(config)
    model = training.build_classifier(start, ["a", "b"]).to(accelerator.device)
    run = training._Training(model, config, accelerator, [training._optimizer(model, config)], None, 0, "")
    reader = training.LabelledReader(part, start.tokenizer, most_words=start.most_words)
    make = training._batches(reader, run, epoch=1)
    training._step(run, make(0))  # the first one allocates
    torch.cuda.set_sync_debug_mode("error")
    try:
        losses = [training._step(run, make(number)) for number in range(1, 8)]
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert torch.stack(losses).isfinite().all()
