"""Progress bars of tqdm, without its warning where a notebook has no widgets."""

import warnings

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message="IProgress not found")
    from tqdm.auto import tqdm, trange

__all__ = ["tqdm", "trange"]
