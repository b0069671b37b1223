"""Compiles the loops of `kernels` to machine code with numba, when they are first used.

Compiled code is cached on disk, beside the source or in `NUMBA_CACHE_DIR`. Where neither can be
written, each process compiles for itself.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any, Final

from lineage.ancestry import kernels
from lineage.ancestry.views import Layout

FEW: Final = 8192
"""Rows and edges of a lake up to which plain Python costs less than an import of numba."""


def suited(function: Callable[..., None], layout: Layout) -> Callable[..., None]:
    """Choose how one of the lineage kernels goes through a lake: compiled, or in plain Python.

    Args:
        function: The kernel; both ways give the same, bit for bit.
        layout: The segments of the commit.
    """
    rows = int(layout.bases[-1])
    is_small = (
        rows <= FEW and rows + sum(len(each.arrays["parent"]) for each in layout.views) <= FEW
    )
    return function if is_small else compiled(function)


@cache
def compiled(function: Callable[..., None], *, fastmath: bool = False) -> Callable[..., None]:
    """Compile one of the kernels with numba.

    Args:
        function: The kernel.
        fastmath: Sums may be added up in any order, so that several are at once.
    """
    import numba  # noqa: PLC0415  slow to import, and only whole lakes need it

    _teach_prefetch()
    njit = partial(numba.njit, nogil=True, fastmath=fastmath)
    try:
        machine_code: Callable[..., None] = njit(cache=True)(function)
    except RuntimeError:  # there is no place to keep it
        machine_code = njit()(function)
    return machine_code


@cache
def _teach_prefetch() -> None:
    """Let numba translate `kernels.prefetch` into LLVM's instruction of that name."""
    from numba.core import types  # noqa: PLC0415
    from numba.extending import intrinsic, overload  # noqa: PLC0415

    def typed(_typing: Any, values: Any, position: Any) -> Any:  # noqa: ANN401  numba has no types
        return types.void(values, position), _prefetch

    typed_prefetch: Any = intrinsic(typed)

    def translate(_values: Any, _at: Any) -> Any:  # noqa: ANN401
        return lambda values, position: typed_prefetch(values, position)  # noqa: PLW0108  numba compiles functions only

    overload(kernels.prefetch, strict=False)(translate)


def _prefetch(context: Any, builder: Any, signature: Any, given: Any) -> Any:  # noqa: ANN401
    """Emit LLVM's prefetch instruction, following the conventions of numba's code generators."""
    from llvmlite import ir  # noqa: PLC0415
    from numba.core import cgutils, types  # noqa: PLC0415

    array = signature.args[0]
    position = context.cast(builder, given[1], signature.args[1], types.intp)
    first = [position, *[context.get_constant(types.intp, 0)] * (array.ndim - 1)]
    held = context.make_array(array)(context, builder, given[0])
    item_pointer = cgutils.get_item_pointer(context, builder, array, held, first)  # type: ignore[no-untyped-call]
    address, word = ir.IntType(8).as_pointer(), ir.IntType(32)
    function_type = ir.FunctionType(ir.VoidType(), [address, word, word, word])
    call = cgutils.get_or_insert_function(builder.module, function_type, "llvm.prefetch.p0")  # type: ignore[no-untyped-call]
    to_read, keep_near, data = word(0), word(3), word(1)
    builder.call(call, [builder.bitcast(item_pointer, address), to_read, keep_near, data])
    return context.get_dummy_value()
