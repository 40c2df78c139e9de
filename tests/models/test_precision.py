"""One Python process, several trainings."""

import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState

from dnabert.models.precision import accelerator_in, state_of_its_own


def test_a_second_training_of_the_same_process_may_have_another_precision():
    cpu = torch.device("cpu")
    for precision in ("fp32", "bf16", "bf16", "fp32"):
        accelerator = accelerator_in(precision, device=cpu)
        with accelerator.autocast():
            product = torch.ones(2, 2) @ torch.ones(2, 2)
        assert product.dtype == (torch.bfloat16 if precision == "bf16" else torch.float32)


@pytest.mark.parametrize("fails", [False, True])
def test_a_caller_of_a_training_finds_accelerate_as_it_was(fails):
    """A caller's own Accelerator was refused after a training (*already been initialized*), or gathered gradients over
    other steps."""

    @state_of_its_own()
    def trains(precision):
        accelerator_in(precision, device=torch.device("cpu"))
        if fails:
            raise ValueError

    def train(precision):
        if fails:
            with pytest.raises(ValueError):
                trains(precision)
        else:
            trains(precision)

    for state in (AcceleratorState, GradientState):
        state._reset_state()
    train("bf16")
    own = Accelerator(mixed_precision="no", gradient_accumulation_steps=4, cpu=True)
    train("bf16")
    assert (own.mixed_precision, own.gradient_accumulation_steps) == ("no", 4)
    with own.autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
    for state in (AcceleratorState, GradientState):
        state._reset_state()
