import pytest
import torch

from dnabert.pretraining.muon import Muon, orthogonalise


@pytest.mark.parametrize("shape", [(32, 32), (16, 48), (48, 16)])
def test_equals_torchs_muon_up_to_its_bf16(shape):
    torch.manual_seed(0)
    start = torch.randn(shape)
    ours, theirs = torch.nn.Parameter(start.clone()), torch.nn.Parameter(start.clone())
    options = {"lr": 0.02, "weight_decay": 0.1, "momentum": 0.95}
    a = Muon([ours], **options)
    b = torch.optim.Muon([theirs], adjust_lr_fn="match_rms_adamw", **options)
    for _ in range(5):
        gradient = torch.randn(shape)
        ours.grad, theirs.grad = gradient.clone(), gradient.clone()
        a.step()
        b.step()
    moved = (theirs - start).norm()
    assert (ours - theirs).norm() < 0.03 * moved


@pytest.mark.parametrize("shape", [(3, 20, 20), (2, 10, 40), (2, 40, 10)])
def test_singular_values_end_near_one(shape):
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonalise(torch.randn(shape)))
    assert values.min() > 0.3 and values.max() < 1.3
