"""mixbook: research papers on mixtures and networks as code, chapters and checked claims.

Importing the package is light: nothing heavier than the standard library is loaded until a
family, a data loader or a notebook helper is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from mixbook.claims import Measured, Scorecard
    from mixbook.notebook import card, say, show_source

# public name -> module that holds it
_LAZY = {
    "Scorecard": "mixbook.claims",
    "Measured": "mixbook.claims",
    "card": "mixbook.notebook",
    "say": "mixbook.notebook",
    "show_source": "mixbook.notebook",
}
_MODULES = ("catalog", "claims", "core", "data", "notebook")

__all__ = ["Measured", "Scorecard", "__version__", "card", "say", "show_source"]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    if name in _MODULES:
        return import_module(f"mixbook.{name}")
    raise AttributeError(f"module 'mixbook' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_LAZY, *_MODULES])
