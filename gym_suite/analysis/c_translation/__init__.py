"""Compiled row functions as C99: the equations of a law are written once, and its C comes from them.

A kernel is read as Python source and followed with the numbers that are known, which are those of one tuned law:
branches on them are taken here, their products become constants, and calls are written out. What is left is
straight-line code on what is observed and remembered, in the order of the kernel's own operations, with an ``if`` where
a measured value decides. Names are those of the kernel.

What a law adds to a number that it remembers is summed in twice the digits (W. Kahan, "Further remarks on reducing
truncation errors", Comm. ACM 8(1), 1965): an integral would else stand still, or drift, once what a sample adds is
below its last digits.

What kernels may contain is what those of control laws do: assignments, branches, ``for`` over a known range,
arithmetic, comparisons, calls of other kernels, and of ``math`` the functions whose result IEEE 754 fixes to the last
bit, besides sine and cosine, which the exported file brings itself. Anything else is refused by its name.
"""

from gym_suite.analysis.c_translation.laws import Sampled, law_of
from gym_suite.analysis.c_translation.values import Batch, Numbers, Slots, Table

__all__ = ["Batch", "Numbers", "Sampled", "Slots", "Table", "law_of"]
