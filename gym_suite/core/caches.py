"""What a kernel over very many rows says to the processor's caches; no number depends on it.

A step of some ten thousand rows and more moves more memory than caches hold, and then memory alone decides how long it
takes. Uncompiled, :func:`store_past` stores and :func:`fetch` does nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic, overload

#: Rows from which on what a step hands out is more than the caches hold together with the state.
MANY_ROWS = 32768
LINE = 64  # bytes of a cache line
NUMBERS = LINE // 8  # of float64 in it
#: Of LLVM's prefetch: to be read; into the second cache, because the first one is at work; data.
_READ, _SECOND, _DATA = 0, 2, 1


def lined_up(shape: tuple[int, int], make: Callable[[int], np.ndarray]) -> np.ndarray:
    """Return a float64 array that begins with a cache line: vectors that cross one take twice as long.

    Args:
        shape: Its shape.
        make: Makes an array of a size, as ``np.zeros`` does.
    """
    size = shape[0] * shape[1]
    memory = make(size + NUMBERS)
    first = -memory.ctypes.data % LINE // memory.itemsize
    return memory[first : first + size].reshape(shape)


def store_past(array: Any, k: int, value: float) -> None:
    """Store a number past the caches, which then keep what is needed again.

    A usual store first reads the line that it goes to, and pushes another one out. Who is given the array by another
    thread waits for that thread, by which its stores are done.

    Args:
        array: float64, one-dimensional.
        k: Place in it.
        value: The number.
    """
    array[k] = value


def fetch(array: Any, i: int, j: int) -> None:
    """Ask for a line of a row that is read soon.

    Args:
        array: Two-dimensional.
        i: Row; beyond the last one nothing happens.
        j: Column.
    """


@overload(store_past)
def _store_past(array, k, value):
    def compiled(array, k, value):
        _store(array, k, value)  # type: ignore[call-arg] - numba gives the first one

    return compiled


@overload(fetch)
def _fetch(array, i, j):
    def compiled(array, i, j):
        _prefetch(array, i, j)  # type: ignore[call-arg] - numba gives the first one

    return compiled


def _address(context: Any, builder: Any, signature: Any, arguments: Any, axes: int) -> Any:
    kind = signature.args[0]
    view = context.make_array(kind)(context, builder, arguments[0])
    place = [
        context.cast(builder, value, given, types.intp)
        for value, given in zip(arguments[1 : 1 + axes], signature.args[1:], strict=False)
    ]
    return cgutils.get_item_pointer(context, builder, kind, view, place)


@intrinsic
def _store(typing_context, array, k, value):
    def generate(context, builder, signature, arguments):
        address = _address(context, builder, signature, arguments, 1)
        stored = builder.store(arguments[2], address)
        stored.align = np.dtype(np.float64).alignment
        once = builder.module.add_metadata([ir.IntType(32)(1)])
        stored.set_metadata("nontemporal", once)
        return context.get_dummy_value()

    return types.none(array, k, value), generate


@intrinsic
def _prefetch(typing_context, array, i, j):
    def generate(context, builder, signature, arguments):
        address = _address(context, builder, signature, arguments, 2)
        address, flag = builder.bitcast(address, cgutils.voidptr_t), ir.IntType(32)
        shape = ir.FunctionType(ir.VoidType(), [address.type, flag, flag, flag])
        function = builder.module.declare_intrinsic("llvm.prefetch", [address.type], shape)
        builder.call(function, [address, flag(_READ), flag(_SECOND), flag(_DATA)])
        return context.get_dummy_value()

    return types.none(array, i, j), generate
