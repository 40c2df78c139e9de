import pytest

from dnabert.errors import UserError
from dnabert.pretraining.budget import most_steps, spent, warmup_warning
from dnabert.pretraining.checkpoints import Progress
from dnabert.pretraining.config import PretrainConfig
from dnabert.pretraining.optimizer import learning_rate


def test_the_tightest_budget_counts():
    config = PretrainConfig(steps=100, tokens=1000, minutes=1)
    assert spent(config, Progress(step=50, tokens=900, seconds=30)) == 0.9


def test_without_a_budget_five_minutes():
    assert PretrainConfig().minutes == 5.0


def test_learning_rate_warms_up_stays_and_falls_to_zero():
    config = PretrainConfig(steps=10, warmup_steps=2, decay_share=0.5, learning_rate=4.0)
    rates = [learning_rate(config, step=s, progress=s / 10) for s in (0, 1, 2, 5, 10)]
    assert rates == pytest.approx([2, 4, 4, 4, 0])


@pytest.mark.parametrize(
    ("budget", "warned"),
    [
        ({"steps": 100}, True),
        ({"steps": 150}, True),  # falls from step 90 on
        ({"steps": 167}, False),
        ({"steps": 150, "decay_share": 0.0}, False),
        ({"tokens": 149_000}, True),
        ({"tokens": 170_000}, False),
        ({"tokens": 10**9, "steps": 120}, True),
        ({"minutes": 1}, False),
        ({"steps": 1, "warmup_steps": 1}, False),
        ({"steps": 1, "warmup_steps": 0, "decay_share": 1.0}, False),
    ],
)
def test_a_rate_that_falls_before_it_has_risen_is_told(budget, warned):
    config = PretrainConfig(**budget)
    assert bool(warmup_warning(config, tokens_per_step=1000)) == warned
    if config.minutes is None:
        steps = most_steps(config, tokens_per_step=1000)
        peak = max(learning_rate(config, step=s, progress=s / steps) for s in range(steps))
        assert (peak < 0.999 * config.learning_rate) == warned


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"k": 9}, "--k is 9, allowed is 1 to 8: pass --k 7"),
        ({"steps": 0}, "--steps is 0, allowed is more than 0"),
        ({"least_mask_share": 0.2}, "--least-mask-share is 0.2, allowed is 0 to --mask-share, which is 0.15: pass 0"),
        ({"mask_share": 1.5}, "--mask-share is 1.5, allowed is between 0 and 1: pass --mask-share 0.15"),
        ({"batch_size": 0}, "--batch-size is 0, allowed is 1 or more"),
        ({"learning_rate": -1}, "--learning-rate is -1.0, allowed is more than 0: pass --learning-rate 4e-3"),
        ({"decay_share": 2}, "--decay-share is 2.0, allowed is 0 to 1: pass --decay-share 0.4"),
        ({"floor_order": 17}, "--floor-order is 17, allowed is 0 to 16"),
    ],
)
def test_values_that_cannot_work_are_refused_with_the_flag(change, line):
    with pytest.raises(UserError) as error:
        PretrainConfig(**change)
    assert str(error.value).startswith(line)


@pytest.mark.parametrize(
    ("budget", "share"),
    [({"steps": 40}, 0.5), ({"tokens": 1000}, 0.9), ({"minutes": 2}, 0.25), ({"steps": 10, "minutes": 2}, 2.0)],
)
def test_a_budget_is_spent_in_what_it_is_given(budget, share):
    config = PretrainConfig(**budget)
    assert (spent(config, Progress()), spent(config, Progress(step=20, tokens=900, seconds=30))) == (0, share)


@pytest.mark.parametrize(
    ("budget", "steps"),
    [
        ({"steps": 7}, 7),
        ({"tokens": 900}, 3),
        ({"tokens": 901}, 4),  # the last one is begun
        ({"tokens": 901, "steps": 5}, 4),
        ({"tokens": 901, "steps": 3}, 3),
        ({"minutes": 2}, None),
    ],
)
def test_the_most_steps_of_a_budget(budget, steps):
    assert most_steps(PretrainConfig(**budget), tokens_per_step=300) == steps


@pytest.mark.parametrize(
    ("steps", "warmup", "decay", "mend"),
    [
        (10, 6, 0.4, None),
        (10, 7, 0.4, "pass --warmup-steps 6 or fewer"),
        (10, 1, 0.9, None),
        (10, 2, 0.9, "pass --warmup-steps 1 or fewer"),  # (1 - 0.9) * 10 is a little less than 1 as floats go
        (5, 3, 0.401, "pass --warmup-steps 2 or fewer"),  # 2.995
        (10, 2, 1.0, "pass a smaller --decay-share"),
    ],
)
def test_the_mend_of_a_warmup_that_is_too_long_is_the_most_that_fits(steps, warmup, decay, mend):
    config = PretrainConfig(steps=steps, warmup_steps=warmup, decay_share=decay)
    told = warmup_warning(config, tokens_per_step=1000)
    assert told.partition("; ")[2] == (mend or "") and bool(told) == bool(mend)
    if mend:
        assert told.startswith(f"--warmup-steps {warmup} of {steps} steps end when")
