"""Compiling loops with numba, which is an extra: import this module only where kernels live."""

from __future__ import annotations

import inspect
from collections.abc import Callable

try:
    from numba import njit
except ImportError as error:  # pragma: no cover - depends on the installation
    raise ImportError('compiled kernels need numba: pip install "mixbook[networks]"') from error

__all__ = ["kernel"]


def kernel(function: Callable) -> Callable:
    """Compile on first use; keep the machine code on disk where a folder is writable."""
    plain = inspect.unwrap(function)  # a type checker may have wrapped it
    try:
        return njit(cache=True)(plain)
    except RuntimeError:  # numba found no folder for its cache (read-only installation)
        return njit(plain)
