"""Citation graphs of the Planetoid benchmark: Cora and CiteSeer."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import sparse

from mixbook.core.validation import check_choice
from mixbook.data.graphs import adjacency_of
from mixbook.data.registry import fetch
from mixbook.data.safe import load_pickle

__all__ = ["PLANETOID", "CitationGraph", "load_planetoid"]

PLANETOID = ("cora", "citeseer")
ALLOWED = {
    "collections.defaultdict",
    "builtins.list",
    "__builtin__.list",
    "scipy.sparse.csr.csr_matrix",
    "scipy.sparse._csr.csr_matrix",
    "numpy.core.multiarray._reconstruct",
    "numpy.ndarray",
    "numpy.dtype",
}


@dataclass(frozen=True)
class CitationGraph:
    """Papers that cite each other, with bags of words and topics.

    Attributes
    ----------
    name : str
    adjacency : csr_array of shape (n, n), int64
        0-1, symmetric, no loops.
    features : float array of shape (n, d)
        Words (0 or 1); all zero for the 15 papers of CiteSeer that have none.
    labels : int array of shape (n,)
        Topic; those 15 papers get 0, as in other libraries.
    train, val, test : bool arrays of shape (n,)
        The public split: 20 papers a class, 500 and 1,000.
    """

    name: str
    adjacency: sparse.csr_array
    features: Float[np.ndarray, "n d"]
    labels: Int[np.ndarray, " n"]
    train: Bool[np.ndarray, " n"]
    val: Bool[np.ndarray, " n"]
    test: Bool[np.ndarray, " n"]


def load_planetoid(name: str) -> CitationGraph:
    """Cora (2,708 papers, 5,278 edges, 7 topics) or CiteSeer (3,327, 4,552, 6).

    Files of Yang, Cohen and Salakhutdinov's repository kimiyoung/planetoid (MIT); the citation data
    are those of the LINQS group.

    Parameters
    ----------
    name : {"cora", "citeseer"}

    Returns
    -------
    CitationGraph

    Raises
    ------
    ValueError
        If the name is unknown.
    DataError
        If the files cannot be had.
    """
    check_choice(name, "name", PLANETOID)
    order = np.loadtxt(fetch(f"planetoid/ind.{name}.test.index"), dtype=np.int64)
    known, classes = _part(name, "allx"), _part(name, "ally")
    n = int(order.max()) + 1
    features = np.zeros((n, known.shape[1]))
    one_hot = np.zeros((n, classes.shape[1]), dtype=np.int64)
    features[: known.shape[0]], one_hot[: known.shape[0]] = known.toarray(), classes
    features[order], one_hot[order] = _part(name, "tx").toarray(), _part(name, "ty")
    cited = [(u, v) for u, around in _part(name, "graph").items() for v in around]
    n_train, nodes = _part(name, "y").shape[0], np.arange(n)
    return CitationGraph(
        name,
        adjacency_of(np.array(cited), n),
        features,
        one_hot.argmax(axis=1),
        nodes < n_train,
        (nodes >= n_train) & (nodes < n_train + 500),
        np.isin(nodes, order),
    )


def _part(name: str, part: str) -> Any:
    path = fetch(f"planetoid/ind.{name}.{part}")
    with warnings.catch_warnings():  # the files name SciPy's sparse matrices by an old path
        warnings.simplefilter("ignore", DeprecationWarning)
        return load_pickle(path, ALLOWED, encoding="latin1")
