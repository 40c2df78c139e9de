"""FSDP2: each process holds some rows of every weight, gradient and optimiser state, and sees a layer whole while it
computes it.

PyTorch's `fully_shard` does it, called here and not by accelerate, which shards on GPUs only and regroups optimisers by
memory address: so two CPU processes run what eight GPUs run. A parameter is then a `DTensor`, split by its first
dimension; what needs it whole (Muon, checkpoints, the finished model) finds the way there and back below. On whole
tensors every function here is the identity. All processes must call what gathers, in the same order.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch import distributed as dist

from dnabert.errors import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_SHIPPED = "configs/accelerate/fsdp2.yaml"
#: What `accelerate launch` can ask for and is not done here, by the environment variables in which it passes it on.
_REFUSED = ("FSDP_OFFLOAD_PARAMS", "FSDP_ACTIVATION_CHECKPOINTING", "FSDP_CPU_RAM_EFFICIENT_LOADING")
#: Likewise, what else it would wrap a model in.
_OTHERS = {"ACCELERATE_USE_DEEPSPEED": "DeepSpeed", "ACCELERATE_USE_MEGATRON_LM": "Megatron-LM"}


def is_asked_for() -> bool:
    """Whether the launcher asked for FSDP, e.g. by ``distributed_type: FSDP`` in accelerate's config.

    Raises
    ------
    UserError
        when it asked for what this training cannot do.
    """
    if not _flag("ACCELERATE_USE_FSDP"):
        return False
    version = os.environ.get("FSDP_VERSION", "1")
    if version != "2":
        raise UserError(
            f"FSDP cannot train this in its version {version}: launch with --config_file "
            f"configs/accelerate/many_gpus.yaml, where each process holds the whole model, or {_SHIPPED}"
        )
    for name in _REFUSED:
        if _flag(name):
            raise UserError(
                f"{name.lower()} is true, which is not done here: "
                f"set it to false in the --config_file, as {_SHIPPED} does"
            )
    if not dist.is_initialized():
        raise UserError(
            f"FSDP shards a model among processes, and this one is alone: accelerate launch --config_file {_SHIPPED} …"
        )
    _reshard_after_forward()
    return True


def refuse_others() -> None:
    """Raise `UserError` where the launcher asked for DeepSpeed or Megatron-LM; call it before accelerate looks for
    them."""
    for variable, name in _OTHERS.items():
        if _flag(variable):
            raise UserError(
                f"{name} cannot train this: launch with --config_file configs/accelerate/many_gpus.yaml, where each "
                f"process holds the whole model, or {_SHIPPED}"
            )


def shard(objective: nn.Module, *, device: torch.device) -> Any:
    """Split the parameters of `objective` among all processes, in place; one layer is gathered at a time.

    Weights stay float32 also on their way: with bf16 they are cast where they are used, as without sharding.

    Parameters
    ----------
    objective : whole, on any device and the same in every process; a process keeps its rows on `device`.
    device : CPU or GPU of this process.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    # nobody writes on losses
    warnings.filterwarnings("ignore", message=".*returned a view tensor.*in-place op", category=UserWarning)
    mesh = init_device_mesh(device.type, (dist.get_world_size(),))
    for layer in _layers(objective):
        fully_shard(layer, mesh=mesh, reshard_after_forward=_reshard_after_forward())
    return fully_shard(objective, mesh=mesh)  # what is in no layer: word vectors, norms, head


def is_part(tensor: Tensor) -> bool:
    """Whether other processes hold the rest of a tensor."""
    return hasattr(tensor, "device_mesh")  # a DTensor; importing it to ask would take seconds where nothing is sharded


def own(tensor: Tensor) -> Tensor:
    """This process's rows, sharing memory with `tensor`; call it without gradients."""
    return tensor.to_local() if is_part(tensor) else tensor  # type: ignore[attr-defined]


def part(whole: Tensor, *, like: Tensor) -> Tensor:
    """A whole tensor split as `like` is; `whole` itself where `like` is whole or of another shape (AdamW's step)."""
    if not is_part(like) or whole.shape != like.shape:
        return whole
    from torch.distributed.tensor import DTensor

    mesh: Any = like.device_mesh  # type: ignore[attr-defined]
    sizes = shares(len(whole), mesh.size())
    rows = whole.split(sizes)[mesh.get_local_rank()].to(like.device, copy=True)
    return DTensor.from_local(rows, mesh, like.placements, run_check=False, shape=like.shape, stride=like.stride())  # type: ignore[attr-defined]


def whole(tensor: Tensor) -> Tensor:
    """Gather a tensor from all processes, on the CPU; `tensor` itself where it is whole."""
    return tensor.full_tensor().cpu() if is_part(tensor) else tensor  # type: ignore[attr-defined]


def load_weights(model: nn.Module, weights: dict[str, Tensor]) -> None:
    """`load_state_dict` of whole weights into a model that may be sharded."""
    held = model.state_dict()
    model.load_state_dict(
        {name: part(value, like=held[name]) if name in held else value for name, value in weights.items()}
    )


def whole_weights(model: PreTrainedModel, *, keep: bool) -> dict[str, Tensor] | None:
    """The state dict of a sharded model, gathered on the CPU; None where the model holds its weights whole.

    Parameters
    ----------
    keep : whether this process wants it; the others take part and get nothing.
    """
    state = model.state_dict()  # first: this frees layers that were left gathered
    if not any(map(is_part, state.values())):
        return None
    parameters = dict(model.named_parameters(remove_duplicate=False))
    found: dict[Tensor, Tensor] = {}  # tied names stay one tensor, as save_pretrained wants them
    for name, value in state.items():
        held = parameters.get(name, value)
        if held not in found:
            gathered = whole(value.detach())
            found[held] = gathered if keep else gathered.new_empty(0)
    return {name: found[parameters.get(name, value)] for name, value in state.items()} if keep else {}


def shares(total: int, processes: int) -> list[int]:
    """How many of `total` rows each process holds: as `torch.chunk`, and so `fully_shard`, cuts them.

    Examples
    --------
    >>> shares(10, 4)
    [3, 3, 3, 1]
    """
    size = -(-total // processes)
    return [max(0, min(size, total - size * process)) for process in range(processes)]


def apply_to_whole(function: Callable[[Tensor], Tensor], parts: Tensor, *, like: Tensor) -> Tensor:
    """Apply a function of whole matrices to matrices whose rows are spread over the processes.

    Each process collects its share of the matrices, works on those alone, and sends every process its rows back: an
    n-th of the work and of the traffic that gathering all matrices everywhere would cost.

    Parameters
    ----------
    function : float (m, rows, columns) to the same shape, each matrix by itself.
    parts : float (n, own rows, columns), this process's rows of n matrices.
    like : a parameter that is split as the matrices are.

    Returns
    -------
    float (n, own rows, columns), this process's rows of the results.
    """
    mesh: Any = like.device_mesh  # type: ignore[attr-defined]
    me, columns = mesh.get_local_rank(), parts.shape[2]
    rows = shares(like.shape[0], mesh.size())
    matrices = shares(len(parts), mesh.size())
    here = [matrices[me] * r * columns for r in rows]  # of my matrices, the rows that each process holds
    there = [m * rows[me] * columns for m in matrices]  # my rows, of the matrices that each process works on
    received = _exchange(parts.flatten(), there, here, group=mesh.get_group())
    collected = [x.view(matrices[me], r, columns) for x, r in zip(received.split(here), rows, strict=True)]
    results = torch.cat(collected, dim=1)
    if matrices[me]:
        results = function(results)
    sent = torch.cat([x.flatten() for x in results.split(rows, dim=1)])
    return _exchange(sent, here, there, group=mesh.get_group()).view_as(parts)


def _exchange(values: Tensor, sent: list[int], received: list[int], *, group: dist.ProcessGroup) -> Tensor:
    result = values.new_empty(sum(received))
    dist.all_to_all_single(result, values, output_split_sizes=received, input_split_sizes=sent, group=group)
    return result


def _layers(objective: nn.Module) -> list[nn.Module]:
    """The layers, as `hidden_matrices` knows them."""
    stacks = [
        x
        for name, x in objective.named_modules()
        if isinstance(x, nn.ModuleList) and name.endswith((".layers", ".layer"))
    ]
    return [layer for stack in stacks for layer in stack]


def _reshard_after_forward() -> bool:
    value = os.environ.get("FSDP_RESHARD_AFTER_FORWARD", "true").lower()
    if value not in ("true", "false"):
        raise UserError(f"fsdp_reshard_after_forward is {value}, allowed in version 2 is true or false: see {_SHIPPED}")
    return value == "true"


def _flag(name: str) -> bool:
    return os.environ.get(name, "false").lower() in ("true", "1", "yes")
