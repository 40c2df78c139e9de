"""What torch does to bf16 states in several passes, each over all of them, done in one: numba's loops on torch's own
threads.

A second pool of threads would fight with torch's, whose threads wait busily for the next product. So the loops are C
callbacks that the OpenMP runtime within torch runs, `GOMP_parallel
<https://gcc.gnu.org/onlinedocs/libgomp/Implementing-PARALLEL-construct.html>`_, and its threads take
stretches of rows in turns. Where there is no such runtime (`is_ready`), `dnabert.models.lean` goes on with torch's own
passes.

Shapes: B windows, T tokens, H heads, K width of a head, N rows, I width of the feed-forward part. bf16 is the upper
half of a float32; here it goes by the name of its bits, uint16.
"""

from __future__ import annotations

import ctypes
import functools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

#: Stretches of rows for each thread: a thread that the machine holds up leaves the rest to the others.
_STRETCHES = 4


def is_ready(dtype: torch.dtype, device: torch.device) -> bool:
    """Whether the passes here can be taken: bf16 on a CPU, with torch's own OpenMP runtime at hand."""
    return dtype == torch.bfloat16 and device.type == "cpu" and _runtime() is not None


@functools.cache
def _runtime() -> Callable[..., None] | None:
    """``GOMP_parallel`` of the runtime that torch itself uses."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        library = ctypes.CDLL(str(next(Path(torch.__file__).parent.glob("lib/libgomp*.so*"))))
        run, threads = library.GOMP_parallel, library.omp_get_max_threads
    except (StopIteration, OSError, AttributeError):
        return None
    if threads() != torch.get_num_threads():  # another than torch's would start threads of its own
        return None
    run.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint]
    run.restype = None
    return run  # type: ignore[no-any-return]


def _run(name: str, rows: int, sizes: Sequence[int], tensors: Sequence[Tensor]) -> None:
    """Have torch's threads run a kernel over rows; what it gets: the next stretch, their number, rows, sizes,
    addresses."""
    from dnabert.models import fused_kernels  # numba, for those alone who compute in bf16 on a CPU

    run, threads = _runtime(), torch.get_num_threads()
    assert run is not None and all(tensor.is_contiguous() for tensor in tensors)
    words = [0, _stretches(rows), rows, *sizes, *(tensor.data_ptr() for tensor in tensors)]
    data = (ctypes.c_int64 * len(words))(*words)
    run(getattr(fused_kernels, name).address, ctypes.addressof(data), threads, 0)


def _stretches(rows: int) -> int:
    return min(rows, torch.get_num_threads() * _STRETCHES)


def split_and_turn(qkv: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Queries and keys turned by their place, and values, each laid out head by head.

    Parameters
    ----------
    qkv : bf16 (B, T, 3, H, K).
    cos, sin : float32 (2, 1, T, K / 2), of queries and of keys.

    Returns
    -------
    three of bf16 (B H, T, K).
    """
    batch, tokens, _, heads, width = qkv.shape
    q, k, v = (torch.empty(batch * heads, tokens, width, dtype=qkv.dtype) for _ in range(3))
    _run("split_and_turn", batch, (tokens, heads, width), (qkv.contiguous(), cos, sin, q, k, v))
    return q, k, v


def turn_back_and_join(q: Tensor, k: Tensor, v: Tensor, *, cos: Tensor, sin: Tensor, heads: int) -> Tensor:
    """What `split_and_turn` has as its gradient: bf16 (B, T, 3, H, K) from gradients like its results."""
    rows, tokens, width = q.shape
    out = torch.empty(rows // heads, tokens, 3, heads, width, dtype=q.dtype)
    tensors = (q.contiguous(), k.contiguous(), v.contiguous(), cos, sin, out)
    _run("turn_back_and_join", rows // heads, (tokens, heads, width), tensors)
    return out


def gate(x: Tensor) -> Tensor:
    """From bf16 (N, 2 I) to (N, I): the first half through GELU, times the second."""
    out = torch.empty(x.shape[0], x.shape[1] // 2, dtype=x.dtype)
    _run("gate", x.shape[0], (out.shape[1],), (x.contiguous(), out))
    return out


def gate_backward(grad: Tensor, x: Tensor) -> Tensor:
    """Gradient of `gate`, bf16 (N, 2 I)."""
    out = torch.empty_like(x, memory_format=torch.contiguous_format)
    _run("gate_backward", x.shape[0], (grad.shape[1],), (grad.contiguous(), x.contiguous(), out))
    return out


def softmax_(x: Tensor) -> Tensor:
    """Softmax over the last dimension of contiguous bf16 (..., T), in its place."""
    _run("softmax", x.numel() // x.shape[-1], (x.shape[-1],), (x,))
    return x


def norm(x: Tensor, weight: Tensor, *, bias: Tensor | None = None, eps: float) -> tuple[Tensor, Tensor]:
    """Layer normalisation.

    Parameters
    ----------
    x : bf16 (N, D).
    weight, bias : float32 (D,).

    Returns
    -------
    bf16 (N, D), and float32 (N, 2), mean and scale of each row, which `norm_backward` wants.
    """
    out, scales = torch.empty_like(x), torch.empty(x.shape[0], 2)
    bias = torch.zeros_like(weight) if bias is None else bias
    _run("norm", x.shape[0], (x.shape[1],), (x, weight, bias, torch.tensor([eps]), out, scales))
    return out, scales


def norm_backward(grad: Tensor, x: Tensor, *, weight: Tensor, scales: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of `norm` by states, bf16 (N, D), weights and biases, float32 (D,)."""
    out = torch.empty_like(x)
    of_weights = torch.zeros(_stretches(x.shape[0]), 2, x.shape[1])
    _run("norm_backward", x.shape[0], (x.shape[1],), (grad.contiguous(), x, weight, scales, out, of_weights))
    return out, *of_weights.sum(0)


def cross_entropy(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Minus the log probability of each row's label.

    Parameters
    ----------
    logits : bf16 (N, V).
    labels : int64 (N,), 0 to V - 1.

    Returns
    -------
    float32 (N,) each: nats, and the log of the sum of exponentials, which `cross_entropy_backward` wants.
    """
    nats, sums = torch.empty(len(logits)), torch.empty(len(logits))
    _run("cross_entropy", len(logits), (logits.shape[1],), (logits, labels, nats, sums))
    return nats, sums


def cross_entropy_backward(grad: Tensor, logits: Tensor, *, labels: Tensor, sums: Tensor) -> Tensor:
    """Gradient of `cross_entropy` by its logits, bf16 (N, V)."""
    out = torch.empty_like(logits)
    _run("cross_entropy_backward", len(logits), (logits.shape[1],), (grad.contiguous(), logits, labels, sums, out))
    return out
