"""One Python process, several trainings."""

import torch

from dnabert.models.precision import accelerator_in


def test_a_second_training_of_the_same_process_may_have_another_precision():
    cpu = torch.device("cpu")
    for precision in ("fp32", "bf16", "bf16", "fp32"):
        accelerator = accelerator_in(precision, device=cpu)
        with accelerator.autocast():
            product = torch.ones(2, 2) @ torch.ones(2, 2)
        assert product.dtype == (torch.bfloat16 if precision == "bf16" else torch.float32)
