"""The loops of `dnabert.models.fused`: C callbacks that get one array of int64, see `dnabert.models.fused._run`.

All in one file: when numba asks whether machine code on disk is current it looks at a callback's own file and at no
other.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numba
import numba.extending
import numpy as np
from llvmlite import ir

#: Sums may be taken in any order, and there are no infinities: what lets loops become vectors.
_FAST = {"contract", "reassoc", "nsz", "arcp", "nnan", "ninf"}
_intrinsic: Any = numba.extending.intrinsic
_carray: Any = numba.carray
types: Any = numba.types
_F = np.float32
_U = np.uint32


def _inline(function: Callable[..., Any]) -> Any:
    """A part of the callbacks, which are one function each for the compiler.

    A function of its own would be optimised once by itself and once within each callback, its sums in another order,
    and which of both runs depends on whether the machine code comes from disk: a run that goes on would not be bit for
    bit what it had been.
    """
    return numba.njit(inline="always")(function)


def _callback(function: Callable[..., Any]) -> Any:
    """Compile for C; the machine code is kept on disk where there is a place for it."""
    signature = types.void(types.CPointer(types.int64))
    compiled = partial(numba.cfunc, signature, fastmath=_FAST, error_model="numpy")
    try:
        return compiled(cache=True)(function)
    except RuntimeError:
        return compiled()(function)


@_intrinsic
def _take(context: Any, data: Any) -> Any:
    """Add one to the first word, whichever thread comes; what it was before."""

    def build(_: Any, builder: Any, __: Any, arguments: Any) -> Any:
        return builder.atomic_rmw("add", arguments[0], ir.Constant(ir.IntType(64), 1), "monotonic")

    return types.int64(types.CPointer(types.int64)), build


def _pointer_to(element: Any, native: Any) -> Any:
    """What reads an address as that of such numbers."""

    @_intrinsic
    def at(context: Any, address: Any) -> Any:
        def build(_: Any, builder: Any, __: Any, arguments: Any) -> Any:
            return builder.inttoptr(arguments[0], native.as_pointer())

        return types.CPointer(element)(types.int64), build

    return at


def _bits_as(result: Any, argument: Any, native: Any) -> Any:
    """What takes the bits of one type for those of another."""

    @_intrinsic
    def cast(context: Any, x: Any) -> Any:
        def build(_: Any, builder: Any, __: Any, arguments: Any) -> Any:
            return builder.bitcast(arguments[0], native)

        return result(argument), build

    return cast


_halves_at = _pointer_to(types.uint16, ir.IntType(16))
_floats_at = _pointer_to(types.float32, ir.FloatType())
_longs_at = _pointer_to(types.int64, ir.IntType(64))
_as_float = _bits_as(types.float32, types.uint32, ir.FloatType())
_as_bits = _bits_as(types.uint32, types.float32, ir.IntType(32))


@_inline
def _load(half: Any) -> Any:
    return _as_float(_U(half) << _U(16))


@_inline
def _store(x: Any) -> Any:
    """Round to the nearest, ties to even."""
    bits = _as_bits(x)
    return np.uint16((bits + _U(0x7FFF) + ((bits >> _U(16)) & _U(1))) >> _U(16))


@_inline
def _exp_of_negative(x: Any) -> Any:
    """exp for x up to 0, to 3e-6 of its value: 2^n times a polynomial of what is left, within half of ln 2."""
    y = max(x, _F(-87.0)) * _F(1.4426950408889634)
    n = np.floor(y + _F(0.5))
    r = (y - n) * _F(0.6931471805599453)
    p = _F(1) + r * (_F(1) + r * (_F(1 / 2) + r * (_F(1 / 6) + r * (_F(1 / 24) + r * _F(1 / 120)))))
    return p * _as_float(_U((np.int32(n) + np.int32(127)) << np.int32(23)))


@_inline
def _normal(x: Any) -> Any:
    """Distribution function and density of the standard normal, to 2e-7: Abramowitz and Stegun (1964), 7.1.26."""
    e = _exp_of_negative(_F(-0.5) * x * x)
    t = _F(1) / (_F(1) + _F(0.3275911 * 0.7071067811865476) * abs(x))
    series = _F(0.254829592) + t * (
        _F(-0.284496736) + t * (_F(1.421413741) + t * (_F(-1.453152027) + t * _F(1.061405429)))
    )
    return _F(0.5) + np.copysign(_F(0.5) - _F(0.5) * t * series * e, x), e * _F(0.3989422804014327)


@_inline
def _split(first: Any, last: Any, qkv: Any, cos: Any, sin: Any, q: Any, k: Any, v: Any) -> Any:
    _, tokens, _, heads, width = qkv.shape
    half = width // 2
    for b in range(first, last):
        for t in range(tokens):
            for h in range(heads):
                for i in range(half):
                    one, two = _load(qkv[b, t, 0, h, i]), _load(qkv[b, t, 0, h, i + half])
                    q[b, h, t, i] = _store(one * cos[0, t, i] - two * sin[0, t, i])
                    q[b, h, t, i + half] = _store(two * cos[0, t, i] + one * sin[0, t, i])
                for i in range(half):
                    one, two = _load(qkv[b, t, 1, h, i]), _load(qkv[b, t, 1, h, i + half])
                    k[b, h, t, i] = _store(one * cos[1, t, i] - two * sin[1, t, i])
                    k[b, h, t, i + half] = _store(two * cos[1, t, i] + one * sin[1, t, i])
                for i in range(width):
                    v[b, h, t, i] = qkv[b, t, 2, h, i]


@_inline
def _join(first: Any, last: Any, q: Any, k: Any, v: Any, cos: Any, sin: Any, out: Any) -> Any:
    _, tokens, _, heads, width = out.shape
    half = width // 2
    for b in range(first, last):
        for t in range(tokens):
            for h in range(heads):
                for i in range(half):
                    one, two = _load(q[b, h, t, i]), _load(q[b, h, t, i + half])
                    out[b, t, 0, h, i] = _store(one * cos[0, t, i] + two * sin[0, t, i])
                    out[b, t, 0, h, i + half] = _store(two * cos[0, t, i] - one * sin[0, t, i])
                for i in range(half):
                    one, two = _load(k[b, h, t, i]), _load(k[b, h, t, i + half])
                    out[b, t, 1, h, i] = _store(one * cos[1, t, i] + two * sin[1, t, i])
                    out[b, t, 1, h, i + half] = _store(two * cos[1, t, i] - one * sin[1, t, i])
                for i in range(width):
                    out[b, t, 2, h, i] = v[b, h, t, i]


@_inline
def _gate(first: Any, last: Any, x: Any, out: Any) -> Any:
    width = out.shape[1]
    for n in range(first, last):
        for i in range(width):
            value = _load(x[n, i])
            below, _ = _normal(value)
            out[n, i] = _store(value * below * _load(x[n, i + width]))


@_inline
def _gate_backward(first: Any, last: Any, grad: Any, x: Any, out: Any) -> Any:
    width = grad.shape[1]
    active = np.empty(width, np.float32)
    for n in range(first, last):
        value, gate, g, of_value, of_gate = x[n][:width], x[n][width:], grad[n], out[n][:width], out[n][width:]
        for i in range(width):
            v, d = _load(value[i]), _load(g[i])
            below, density = _normal(v)
            active[i] = d * v * below
            of_value[i] = _store(d * _load(gate[i]) * (below + v * density))
        for i in range(width):
            of_gate[i] = _store(active[i])


@_inline
def _largest(row: Any) -> Any:
    """Largest of bf16 numbers, compared as whole numbers in their order: loops over float comparisons do not become
    vectors."""
    found = np.int32(-32768)
    for i in range(len(row)):
        bits = np.int32(np.int16(row[i]))
        found = max(found, np.int32(bits ^ np.int32(np.int32(bits >> np.int32(15)) & np.int32(0x7FFF))))
    return _load(np.uint16(np.int32(found ^ np.int32(np.int32(found >> np.int32(15)) & np.int32(0x7FFF)))))


@_inline
def _exponentials(row: Any, shift: Any) -> Any:
    total = _F(0)
    for i in range(len(row)):
        e = _exp_of_negative(row[i] - shift)
        row[i] = e
        total += e
    return total


@_inline
def _softmax(first: Any, last: Any, x: Any) -> Any:
    width = x.shape[1]
    padded = np.empty((width + 31) // 32 * 32, np.float32)  # whole vectors
    row, rest = padded[:width], padded[width:]
    for n in range(first, last):
        rest[:] = _F(-3e38)
        halves = x[n]
        for i in range(width):
            row[i] = _load(halves[i])
        share = _F(1) / _exponentials(padded, _largest(halves))
        for i in range(width):
            halves[i] = _store(row[i] * share)


@_inline
def _norm(first: Any, last: Any, x: Any, weight: Any, bias: Any, eps: Any, out: Any, scales: Any) -> Any:
    width = x.shape[1]
    row = np.empty(width, np.float32)
    for n in range(first, last):
        source, target = x[n], out[n]
        total, squares = _F(0), _F(0)
        for i in range(width):
            value = _load(source[i])
            row[i] = value
            total += value
        mean = total / _F(width)
        for i in range(width):
            squares += (row[i] - mean) * (row[i] - mean)
        scale = _F(1) / np.sqrt(squares / _F(width) + eps)
        scales[n, 0], scales[n, 1] = mean, scale
        for i in range(width):
            target[i] = _store((row[i] - mean) * scale * weight[i] + bias[i])


@_inline
def _norm_backward(
    first: Any, last: Any, grad: Any, x: Any, weight: Any, scales: Any, out: Any, of_weights: Any
) -> Any:
    width = x.shape[1]
    normed, scaled = np.empty(width, np.float32), np.empty(width, np.float32)
    of_weight, of_bias = of_weights[0], of_weights[1]
    for n in range(first, last):
        source, g, target = x[n], grad[n], out[n]
        mean, scale = scales[n, 0], scales[n, 1]
        total, along = _F(0), _F(0)
        for i in range(width):
            value = (_load(source[i]) - mean) * scale
            d = _load(g[i])
            of_weight[i] += d * value
            of_bias[i] += d
            normed[i] = value
            scaled[i] = d * weight[i]
        for i in range(width):
            total += scaled[i]
            along += scaled[i] * normed[i]
        total, along = total / _F(width), along / _F(width)
        for i in range(width):
            target[i] = _store(scale * (scaled[i] - total - normed[i] * along))


@_inline
def _cross_entropy(first: Any, last: Any, x: Any, labels: Any, nats: Any, sums: Any) -> Any:
    for n in range(first, last):
        row, total = x[n], _F(0)
        largest = _largest(row)
        for i in range(len(row)):
            total += _exp_of_negative(_load(row[i]) - largest)
        sums[n] = largest + _F(np.log(total))
        nats[n] = sums[n] - _load(row[labels[n]])


@_inline
def _cross_entropy_backward(first: Any, last: Any, grad: Any, x: Any, labels: Any, sums: Any, out: Any) -> Any:
    for n in range(first, last):
        row, target, scale, total = x[n], out[n], grad[n], sums[n]
        for i in range(len(row)):
            target[i] = _store(scale * _exp_of_negative(_load(row[i]) - total))
        own = labels[n]
        target[own] = _store(scale * (_exp_of_negative(_load(row[own]) - total) - _F(1)))


@_callback
def cross_entropy(data: Any) -> None:
    """Loop of `dnabert.models.fused.cross_entropy`."""
    d = _carray(data, 8)
    stretches, rows, width = d[1], d[2], d[3]
    x, labels = _carray(_halves_at(d[4]), (rows, width)), _carray(_longs_at(d[5]), (rows,))
    nats, sums = _carray(_floats_at(d[6]), (rows,)), _carray(_floats_at(d[7]), (rows,))
    own = _take(data)
    while own < stretches:
        _cross_entropy(own * rows // stretches, (own + 1) * rows // stretches, x, labels, nats, sums)
        own = _take(data)


@_callback
def cross_entropy_backward(data: Any) -> None:
    """Loop of `dnabert.models.fused.cross_entropy_backward`."""
    d = _carray(data, 9)
    stretches, rows, width = d[1], d[2], d[3]
    grad, x, labels = (
        _carray(_floats_at(d[4]), (rows,)),
        _carray(_halves_at(d[5]), (rows, width)),
        _carray(_longs_at(d[6]), (rows,)),
    )
    sums, out = _carray(_floats_at(d[7]), (rows,)), _carray(_halves_at(d[8]), (rows, width))
    own = _take(data)
    while own < stretches:
        _cross_entropy_backward(own * rows // stretches, (own + 1) * rows // stretches, grad, x, labels, sums, out)
        own = _take(data)


@_callback
def softmax(data: Any) -> None:
    """Loop of `dnabert.models.fused.softmax_`."""
    d = _carray(data, 5)
    stretches, rows, width = d[1], d[2], d[3]
    x = _carray(_halves_at(d[4]), (rows, width))
    own = _take(data)
    while own < stretches:
        _softmax(own * rows // stretches, (own + 1) * rows // stretches, x)
        own = _take(data)


@_callback
def norm(data: Any) -> None:
    """Loop of `dnabert.models.fused.norm`."""
    d = _carray(data, 10)
    stretches, rows, width = d[1], d[2], d[3]
    x, weight, bias = (
        _carray(_halves_at(d[4]), (rows, width)),
        _carray(_floats_at(d[5]), (width,)),
        _carray(_floats_at(d[6]), (width,)),
    )
    eps = _carray(_floats_at(d[7]), (1,))[0]
    out, scales = _carray(_halves_at(d[8]), (rows, width)), _carray(_floats_at(d[9]), (rows, 2))
    own = _take(data)
    while own < stretches:
        _norm(own * rows // stretches, (own + 1) * rows // stretches, x, weight, bias, eps, out, scales)
        own = _take(data)


@_callback
def norm_backward(data: Any) -> None:
    """Loop of `dnabert.models.fused.norm_backward`."""
    d = _carray(data, 10)
    stretches, rows, width = d[1], d[2], d[3]
    grad, x, weight = (
        _carray(_halves_at(d[4]), (rows, width)),
        _carray(_halves_at(d[5]), (rows, width)),
        _carray(_floats_at(d[6]), (width,)),
    )
    scales, out = _carray(_floats_at(d[7]), (rows, 2)), _carray(_halves_at(d[8]), (rows, width))
    of_weights = _carray(_floats_at(d[9]), (stretches, 2, width))
    own = _take(data)
    while own < stretches:
        _norm_backward(
            own * rows // stretches, (own + 1) * rows // stretches, grad, x, weight, scales, out, of_weights[own]
        )
        own = _take(data)


@_callback
def split_and_turn(data: Any) -> None:
    """Loop of `dnabert.models.fused.split_and_turn`."""
    d = _carray(data, 12)
    stretches, batch, tokens, heads, width = d[1], d[2], d[3], d[4], d[5]
    shape, turn = (batch, heads, tokens, width), (2, tokens, width // 2)
    qkv = _carray(_halves_at(d[6]), (batch, tokens, 3, heads, width))
    cos, sin = _carray(_floats_at(d[7]), turn), _carray(_floats_at(d[8]), turn)
    q, k, v = _carray(_halves_at(d[9]), shape), _carray(_halves_at(d[10]), shape), _carray(_halves_at(d[11]), shape)
    own = _take(data)
    while own < stretches:
        _split(own * batch // stretches, (own + 1) * batch // stretches, qkv, cos, sin, q, k, v)
        own = _take(data)


@_callback
def turn_back_and_join(data: Any) -> None:
    """Loop of `dnabert.models.fused.turn_back_and_join`."""
    d = _carray(data, 12)
    stretches, batch, tokens, heads, width = d[1], d[2], d[3], d[4], d[5]
    shape, turn = (batch, heads, tokens, width), (2, tokens, width // 2)
    q, k, v = _carray(_halves_at(d[6]), shape), _carray(_halves_at(d[7]), shape), _carray(_halves_at(d[8]), shape)
    cos, sin = _carray(_floats_at(d[9]), turn), _carray(_floats_at(d[10]), turn)
    out = _carray(_halves_at(d[11]), (batch, tokens, 3, heads, width))
    own = _take(data)
    while own < stretches:
        _join(own * batch // stretches, (own + 1) * batch // stretches, q, k, v, cos, sin, out)
        own = _take(data)


@_callback
def gate(data: Any) -> None:
    """Loop of `dnabert.models.fused.gate`."""
    d = _carray(data, 6)
    stretches, rows, width = d[1], d[2], d[3]
    x, out = _carray(_halves_at(d[4]), (rows, 2 * width)), _carray(_halves_at(d[5]), (rows, width))
    own = _take(data)
    while own < stretches:
        _gate(own * rows // stretches, (own + 1) * rows // stretches, x, out)
        own = _take(data)


@_callback
def gate_backward(data: Any) -> None:
    """Loop of `dnabert.models.fused.gate_backward`."""
    d = _carray(data, 7)
    stretches, rows, width = d[1], d[2], d[3]
    grad = _carray(_halves_at(d[4]), (rows, width))
    x, out = _carray(_halves_at(d[5]), (rows, 2 * width)), _carray(_halves_at(d[6]), (rows, 2 * width))
    own = _take(data)
    while own < stretches:
        _gate_backward(own * rows // stretches, (own + 1) * rows // stretches, grad, x, out)
        own = _take(data)
