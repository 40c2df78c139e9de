import re
import subprocess
import sys

import pytest
import torch
from accelerate import infer_auto_device_map
from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
)

from dnabert.errors import UserError
from dnabert.models.build import build_model, hidden_matrices
from dnabert.models.config import ModelConfig
from dnabert.models.objective import MaskedObjective, last_states, places_of, word_logits
from dnabert.tokenizer import NOT_ASKED, KmerTokenizer

SIZES = {"hidden_size": 32, "layers": 2, "heads": 2, "intermediate_size": 48}


ARCHITECTURES = ["modernbert", "bert", "convolution", "lstm"]


@pytest.fixture(params=ARCHITECTURES)
def model(request):
    return build_model(ModelConfig(architecture=request.param, **SIZES), tokenizer=KmerTokenizer(k=3), max_tokens=20)


def test_logits_at_masked_positions_are_those_of_the_whole_model(model):
    for parameter in model.parameters():  # zeroed projections would hide a difference
        torch.nn.init.normal_(parameter, std=0.05)
    ids = torch.randint(5, 69, (4, 20))
    positions = torch.tensor([[1, 5, 18]]).repeat(4, 1)
    whole = model(input_ids=ids).logits
    expected = torch.take_along_dim(whole, positions.unsqueeze(-1), dim=1)
    asked = last_states(model.base_model, ids, places=places_of(positions, tokens=20))
    torch.testing.assert_close(word_logits(model, asked), expected.flatten(0, 1))


def test_objective_is_the_cross_entropy_of_transformers(model):
    ids = torch.randint(5, 69, (4, 20))
    positions = torch.tensor([[1, 5, 18]]).repeat(4, 1)
    labels = torch.randint(5, 69, (4, 3))
    everywhere = torch.full((4, 20), -100).scatter(1, positions, labels)
    nats, _, vectors = MaskedObjective(model)(ids, positions, labels, with_vectors=True)
    torch.testing.assert_close(vectors, model.base_model(input_ids=ids).last_hidden_state[:, 1:-1].mean(1))
    torch.testing.assert_close(nats.mean(), model(input_ids=ids, labels=everywhere).loss)
    alone, _, none = MaskedObjective(model)(ids, positions, labels)
    torch.testing.assert_close(alone, nats)
    assert none is None


@pytest.mark.parametrize("static", [False, True])  # a CPU's way, and a GPU's
@pytest.mark.parametrize("asked", [[], [0], [0, 3, 7, 11]])
def test_what_is_not_asked_for_has_neither_loss_nor_gradient(model, asked, static, monkeypatch):
    monkeypatch.setattr("dnabert.models.objective._wants_static_shapes", lambda device: static)
    ids, positions = torch.randint(5, 69, (4, 20)), torch.tensor([[1, 5, 18]]).repeat(4, 1)
    every = torch.randint(5, 69, (12,))
    some = torch.full((12,), NOT_ASKED)
    some[asked] = every[asked]
    objective = MaskedObjective(model).eval()
    whole, whole_hits, _ = objective(ids, positions, every.view(4, 3))
    weights = (some != NOT_ASKED).float().view(4, 3)
    names, parameters = zip(*objective.named_parameters(), strict=True)
    expected = torch.autograd.grad((whole * weights).sum(), parameters, allow_unused=True)
    nats, hits, _ = objective(ids, positions, some.view(4, 3))
    torch.testing.assert_close(nats, whole * weights)
    assert torch.equal(hits, whole_hits & weights.bool())
    for name, ours, theirs in zip(
        names, torch.autograd.grad(nats.sum(), parameters, allow_unused=True), expected, strict=True
    ):
        assert (ours is None) == (theirs is None), name
        if ours is not None:
            torch.testing.assert_close(ours, theirs, msg=name)


def test_same_seed_same_weights_and_the_callers_random_state_is_left_alone():
    tokenizer = KmerTokenizer(k=3)
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    first = build_model(ModelConfig(**SIZES), tokenizer=tokenizer, max_tokens=20, seed=7)
    assert torch.equal(torch.rand(3), expected)
    second = build_model(ModelConfig(**SIZES), tokenizer=tokenizer, max_tokens=20, seed=7)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_hidden_matrices_are_those_of_the_layers(model):
    names = hidden_matrices(model)
    # an LSTM has two directions of an input and a recurrent matrix each
    per_layer = {"modernbert": 4, "bert": 6, "dnabert_convolution": 4, "dnabert_lstm": 7}
    assert len(names) == 2 * per_layer[model.config.model_type]
    assert not any("embed" in name or "decoder" in name for name in names)


def test_saved_model_loads_with_its_own_weights(model, tmp_path):
    model.eval().save_pretrained(tmp_path)
    ids = torch.randint(5, 69, (2, 20))
    loaded = AutoModelForMaskedLM.from_pretrained(tmp_path).eval()
    torch.testing.assert_close(loaded(input_ids=ids).logits, model(input_ids=ids).logits)
    body = AutoModel.from_pretrained(tmp_path).eval()
    states = body(input_ids=ids, output_hidden_states=True)
    torch.testing.assert_close(states.last_hidden_state, model.base_model(input_ids=ids).last_hidden_state)
    assert len(states.hidden_states) == 3
    torch.testing.assert_close(states.hidden_states[-1], states.last_hidden_state)


def test_hidden_states_are_given_where_they_are_asked_for(model, tmp_path):
    model.save_pretrained(tmp_path)
    ids = torch.randint(5, 69, (2, 20))
    for load, asked, said in (
        (AutoModel, {}, {"output_hidden_states": True}),
        (AutoModelForSequenceClassification, {"output_hidden_states": True}, {}),
    ):
        assert len(load.from_pretrained(tmp_path, **said)(input_ids=ids, **asked).hidden_states) == 3
    assert AutoModel.from_pretrained(tmp_path)(input_ids=ids).hidden_states is None


@pytest.mark.parametrize("model", ["convolution", "lstm"], indirect=True)
def test_a_tuple_is_given_where_it_is_asked_for(model, tmp_path):
    model.eval().save_pretrained(tmp_path)
    ids = torch.randint(5, 69, (2, 20))
    logits, states = model(input_ids=ids, output_hidden_states=True, return_dict=False)
    assert logits.shape == (2, 20, 69) and len(states) == 3
    assert type(model.base_model(input_ids=ids, return_dict=False)) is tuple
    classifier = AutoModelForSequenceClassification.from_pretrained(tmp_path, return_dict=False)
    loss, logits = classifier(input_ids=ids, labels=torch.tensor([0, 1]))
    assert loss.ndim == 0 and logits.shape == (2, 2)


def test_word_vectors_are_read_in_place_of_words(model, tmp_path):
    model.save_pretrained(tmp_path)
    ids = torch.randint(5, 69, (2, 20))
    for each in (model.eval(), AutoModelForSequenceClassification.from_pretrained(tmp_path)):
        vectors = each.get_input_embeddings()(ids)
        torch.testing.assert_close(each(inputs_embeds=vectors).logits, each(input_ids=ids).logits)
        with pytest.raises(ValueError, match="inputs_embeds"):
            each(input_ids=ids, inputs_embeds=vectors)


@pytest.mark.parametrize("model", ["convolution", "lstm"], indirect=True)
def test_layers_computed_again_for_the_backward_have_the_same_gradients(model):
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    ids, read, found = torch.randint(5, 69, (4, 20)), [], []
    model.train().model.layers[0].mixer.register_forward_hook(lambda *_: read.append(len(found)))
    for again in (False, True):
        if again:
            model.activation_checkpointing_enable()
        found.append(torch.autograd.grad(model(input_ids=ids, labels=ids).loss, list(model.parameters())))
    assert read == [0, 1, 1]
    for kept, computed in zip(*found, strict=True):
        torch.testing.assert_close(computed, kept)


# transformers' own BERT has not
@pytest.mark.parametrize("model", ["modernbert", "convolution", "lstm"], indirect=True)
def test_a_batch_in_parts_has_the_loss_of_the_whole(model):
    """transformers' trainer names the labels of all parts, and divides no loss by their number."""
    ids = torch.randint(5, 69, (4, 20))
    labels = torch.where(torch.rand(4, 20) < 0.3, ids, -100)
    asked = (labels != -100).sum()
    parts = [
        model.eval()(input_ids=ids[rows], labels=labels[rows], num_items_in_batch=asked).loss
        for rows in (slice(1), slice(1, 4))
    ]
    torch.testing.assert_close(sum(parts), model(input_ids=ids, labels=labels).loss)


@pytest.mark.parametrize("model", ["convolution", "lstm"], indirect=True)
def test_a_classifier_has_the_loss_that_its_labels_ask_for(model, tmp_path):
    model.save_pretrained(tmp_path)
    ids, numbers = torch.randint(5, 69, (4, 20)), torch.tensor([0, 2, 1, 2])
    classifier = AutoModelForSequenceClassification.from_pretrained(tmp_path, num_labels=3).eval()
    parts = [
        classifier(input_ids=ids[rows], labels=numbers[rows], num_items_in_batch=4).loss
        for rows in (slice(1), slice(1, 4))
    ]
    torch.testing.assert_close(sum(parts), classifier(input_ids=ids, labels=numbers).loss)
    regression = AutoModelForSequenceClassification.from_pretrained(tmp_path, num_labels=1).eval()
    found = regression(input_ids=ids, labels=numbers.float())
    torch.testing.assert_close(found.loss, (found.logits[:, 0] - numbers).square().mean())


@pytest.mark.parametrize("model", ["modernbert"], indirect=True)
def test_transformers_classifies_a_sequence_by_the_mean_of_its_states(model, tmp_path):
    """By default it reads [CLS], of which no training here asks anything."""
    model.save_pretrained(tmp_path)
    classifier = AutoModelForSequenceClassification.from_pretrained(tmp_path, num_labels=3).eval()
    ids = torch.randint(5, 69, (4, 20))
    mean = classifier.base_model(input_ids=ids).last_hidden_state.mean(dim=1)
    torch.testing.assert_close(classifier(input_ids=ids).logits, classifier.classifier(classifier.head(mean)))


@pytest.mark.parametrize("model", ["modernbert", "convolution", "lstm"], indirect=True)
def test_words_are_labelled_by_what_was_pretrained_and_a_new_layer(model, tmp_path):
    model.save_pretrained(tmp_path / "masked")
    tagger, told = AutoModelForTokenClassification.from_pretrained(
        tmp_path / "masked", num_labels=3, output_loading_info=True
    )
    assert set(told["missing_keys"]) == {"classifier.weight", "classifier.bias"}
    tagger.eval().save_pretrained(tmp_path / "tagger")
    tagger = AutoModelForTokenClassification.from_pretrained(tmp_path / "tagger").eval()
    ids = torch.randint(5, 69, (4, 20))
    labels = torch.where(torch.rand(4, 20) < 0.3, torch.randint(0, 3, (4, 20)), -100)
    found = tagger(input_ids=ids, labels=labels)
    states = model.eval().base_model(input_ids=ids).last_hidden_state
    logits = tagger.classifier(model.head(states))
    torch.testing.assert_close(found.logits, logits)
    asked = labels != -100
    torch.testing.assert_close(found.loss, -logits.log_softmax(-1)[asked, labels[asked]].mean())


def test_padding_changes_nothing(model):
    ids = torch.randint(5, 69, (2, 20))
    padded, mask = torch.nn.functional.pad(ids[:, :13], (0, 7)), torch.ones(2, 20, dtype=torch.int64)
    mask[:, 13:] = 0
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    model.eval()
    alone = model.base_model(input_ids=ids[:, :13]).last_hidden_state
    beside = model.base_model(input_ids=padded, attention_mask=mask).last_hidden_state[:, :13]
    torch.testing.assert_close(beside, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("model", ["convolution", "lstm"], indirect=True)
def test_neither_does_the_side_of_the_padding(model, tmp_path):
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    model.save_pretrained(tmp_path)
    classifier = AutoModelForSequenceClassification.from_pretrained(tmp_path, num_labels=3).eval()
    ids = torch.randint(5, 69, (2, 20))
    padded, mask = ids.clone(), torch.ones(2, 20, dtype=torch.int64)
    padded[1, :7] = mask[1, :7] = 0
    states = model.eval().base_model(input_ids=padded, attention_mask=mask).last_hidden_state[1, 7:]
    torch.testing.assert_close(
        states, model.base_model(input_ids=ids[1:, 7:]).last_hidden_state[0], rtol=1e-4, atol=1e-5
    )
    logits = classifier(input_ids=padded, attention_mask=mask).logits
    torch.testing.assert_close(logits[1:], classifier(input_ids=ids[1:, 7:]).logits, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(logits[:1], classifier(input_ids=ids[:1]).logits, rtol=1e-4, atol=1e-5)


def test_every_word_can_reach_the_answer(model):
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    ids, far = torch.randint(5, 69, (1, 20)), 4
    changed = ids.clone()
    changed[0, 10 + far] = 5 + (ids[0, 10 + far] - 4) % 64
    before, after = (model.eval()(input_ids=x).logits[0, 10] for x in (ids, changed))
    assert not torch.allclose(before, after)


@pytest.mark.parametrize("model", ["modernbert", "bert"], indirect=True)
def test_saved_model_loads_without_dnabert(model, tmp_path):
    model.save_pretrained(tmp_path)
    KmerTokenizer(k=3).save_pretrained(tmp_path)
    assert AutoModel.from_pretrained(tmp_path).config.vocab_size == 69
    assert type(AutoModelForMaskedLM.from_pretrained(tmp_path)) is type(model)
    script = (
        "import sys; from transformers import AutoModelForMaskedLM, AutoTokenizer; "
        f"AutoModelForMaskedLM.from_pretrained({str(tmp_path)!r}); "
        f"print(AutoTokenizer.from_pretrained({str(tmp_path)!r})('ACGACG').input_ids); assert 'dnabert' not in "
        "sys.modules"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert ran.stdout.strip() == "[2, 11, 11, 3]"


@pytest.mark.parametrize("architecture", ["convolution", "lstm"])
def test_no_layer_lies_on_two_devices(architecture):
    """``device_map="auto"`` cut a layer in two, whose residual sum then met tensors of two devices."""
    model = build_model(ModelConfig(architecture=architecture, **SIZES), tokenizer=KmerTokenizer(k=3), max_tokens=20)
    whole = sum(parameter.numel() * 4 for parameter in model.parameters())
    maps = [
        infer_auto_device_map(
            model,
            max_memory={"cpu": int(share * whole), "disk": 2 * whole},
            no_split_module_classes=list(model._no_split_modules),
        )
        for share in (0.5, 0.6, 0.7, 0.8)
    ]
    assert any(len(set(places.values())) == 2 for places in maps)
    assert not [name for places in maps for name in places if re.search(r"layers\.\d+\.", name)]


def test_width_that_the_heads_do_not_divide_is_refused_with_the_flag():
    with pytest.raises(UserError, match="--model.hidden-size 100 must be an even multiple of --model.heads 3"):
        ModelConfig(hidden_size=100, heads=3)


def _words(*, k=4, **changes):
    model = build_model(ModelConfig(**SIZES, **changes), tokenizer=KmerTokenizer(k=k), max_tokens=20)
    return model.get_input_embeddings().weight.detach()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_words_of_like_bases_begin_alike(architecture):
    words = torch.nn.functional.normalize(_words(architecture=architecture)[5:], dim=1)
    digits = torch.arange(256).unsqueeze(1) // 4 ** torch.arange(3, -1, -1) % 4
    differing = (digits[:, None] != digits[None]).sum(-1)
    cosine = [(words @ words.T)[differing == n].mean().item() for n in range(5)]
    assert cosine == sorted(cosine, reverse=True)
    assert cosine[1] > 0.4 and cosine[4] < 0


@pytest.mark.parametrize("size", ["heads", "hidden_size", "layers", "intermediate_size", "kernel_size"])
@pytest.mark.parametrize("value", [0, -2])
def test_a_size_below_one_is_refused_with_the_flag(size, value):
    with pytest.raises(UserError, match=f"--model.{size.replace('_', '-')} is {value}, allowed is 1 or more"):
        ModelConfig(**SIZES | {size: value})


@pytest.mark.parametrize("k", [1, 4])
def test_composed_words_keep_the_spread_and_the_special_tokens(k):
    plain, composed = _words(k=k, composed_words=0.0), _words(k=k)
    assert torch.equal(plain[:5], composed[:5]) and not torch.equal(plain[5:], composed[5:])
    assert composed[5:].std() == pytest.approx(plain[5:].std().item(), rel=0.02)


def test_a_kernel_without_a_middle_is_refused_with_the_flag():
    with pytest.raises(UserError, match="--model.kernel-size is 4, allowed is an odd number"):
        ModelConfig(architecture="convolution", kernel_size=4)
