"""How Numba is made to compile kernels with less work: its compiler, with two of its habits changed.

Numba optimises every function by itself and makes machine code of it, although what is called is linked into its
callers and optimised there once more, and nothing ever jumps to the function's own code. :class:`LinkedCompiler` does
neither. And it looks up every operation by the options of the compilation, some two dozen, which it compares one by
one; here options that say the same are one object. Neither changes what a kernel computes.
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding as llvm
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.compiler import Flags as Options


class _Settled(Options):
    """Options that no longer change."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._number = super().__hash__()

    def __hash__(self) -> int:
        return self._number

    def __eq__(self, other: object) -> bool:
        return self is other or super().__eq__(other)

    def copy(self) -> Options:
        return Options(self)


_settled: dict[str, _Settled] = {}


class _Options(Options):
    """Options of which a copy, which Numba takes before it compiles, is the one object that says the same."""

    def copy(self) -> Options:
        said = self.summary()
        if said not in _settled:
            _settled[said] = _Settled(self)
        return _settled[said]


class KernelCompiler(Compiler):
    """Compiles what Python calls."""

    def __init__(
        self, typing: Any, target: Any, library: Any, args: Any, result: Any, flags: Any, names: Any
    ):
        super().__init__(typing, target, library, args, result, _Options(flags), names)


class LinkedLibrary(JITCodeLibrary):
    """A function's intermediate code for callers to link, as it was lowered, without machine code of its own."""

    def _optimize_final_module(self) -> None:
        """Leave that to the callers."""

    def _finalize_final_module(self) -> None:
        """Keep what callers link; give the engine the global variables alone, of which Numba asks addresses."""
        own = self._final_module
        self._shared_module = own.clone()
        for module, linkage in (
            (self._shared_module, llvm.Linkage.linkonce_odr),
            (own, llvm.Linkage.available_externally),
        ):
            for function in module.functions:
                if not function.is_declaration:
                    function.linkage = linkage
        super()._finalize_final_module()


class LinkedCompiler(KernelCompiler):
    """Compiles what only other kernels call."""

    def define_pipelines(self) -> list[Any]:
        """Return Numba's passes, for which there is a library already."""
        state: Any = self.state
        state.library = LinkedLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        state.library.enable_object_caching()  # so that it can be kept on disk
        return super().define_pipelines()
