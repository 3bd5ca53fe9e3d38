"""Reading other people's pickles without running other people's code."""

import pickle
from collections.abc import Collection
from pathlib import Path
from typing import Any

__all__ = ["UnsafePickleError", "load_pickle"]


class UnsafePickleError(pickle.UnpicklingError):
    """The pickle asks for something that is not on the allow-list."""


class _AllowListUnpickler(pickle.Unpickler):
    def __init__(self, file: Any, allowed: Collection[str], **options: Any) -> None:
        super().__init__(file, **options)
        self.allowed = frozenset(allowed)

    def find_class(self, module: str, name: str) -> Any:
        if f"{module}.{name}" not in self.allowed:
            raise UnsafePickleError(
                f"the pickle asks for {module}.{name}, which is not allowed here; refused"
            )
        return super().find_class(module, name)


def load_pickle(path: str | Path, allowed: Collection[str] = (), *, encoding: str = "ASCII") -> Any:
    """Load a pickle that may use only the classes and functions in ``allowed``.

    Parameters
    ----------
    path : str or Path
    allowed : collection of str
        Full names, e.g. ``{"numpy.ndarray", "numpy.dtype"}``. Plain containers, numbers and
        strings need no entry.
    encoding : str
        How Python 2 strings are decoded; ``"latin1"`` for old NumPy arrays.

    Raises
    ------
    UnsafePickleError
        If the pickle names anything else; nothing of it has been run by then.
    """
    with open(path, "rb") as file:
        return _AllowListUnpickler(file, allowed, encoding=encoding).load()
