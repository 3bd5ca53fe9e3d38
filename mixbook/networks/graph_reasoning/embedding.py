"""Vectors for names of nodes: what makes two terms look alike, and which node a keyword means."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse
from scipy.sparse.linalg import eigsh
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize

from mixbook.core.validation import check_choice, check_integer, check_number
from mixbook.networks.graph_reasoning._networkx import nx

__all__ = ["KINDS", "NodeEmbedder", "similar_pairs"]

KINDS = ("char_tfidf", "spectral", "sentence")
BLOCK = 1024


class NodeEmbedder:
    """Embeds names of nodes as vectors of length one.

    Parameters
    ----------
    kind : {"char_tfidf", "spectral", "sentence"}
        ``"char_tfidf"``: weights of the 3- to 5-grams of characters in a name, which see spelling.
        ``"sentence"``: the sentence model all-MiniLM-L6-v2 on this machine, which knows words; it
        needs the extra "sentences". ``"spectral"``: eigenvectors of the graph's normalised
        adjacency matrix, which see who is joined to whom and nothing else.
    dim : int, optional
        Size of the vectors: for TF-IDF, reduce by a truncated singular value decomposition (the
        default keeps the sparse weights); for the spectral kind the number of eigenvectors, 32 by
        default. The sentence model has 384.

    Attributes
    ----------
    names_ : list of str
        The names that it was fitted on.
    vectors_ : array or csr_array of shape (n, d)
        Their vectors.
    """

    def __init__(self, kind: str = "char_tfidf", dim: int | None = None) -> None:
        self.kind = check_choice(kind, "kind", KINDS)
        if dim is not None:
            check_integer(dim, "dim", low=1)
        self.dim = dim

    def fit(self, data: Iterable[str] | nx.Graph) -> NodeEmbedder:
        """Learn from names, or from the nodes of a graph (which the spectral kind needs).

        Raises
        ------
        TypeError, ValueError
            If there is no name, a name is no string, or the spectral kind is not given a graph.
        """
        if self.kind == "spectral" and not isinstance(data, nx.Graph):
            raise TypeError(f"the spectral kind is fitted on a graph, got {type(data).__name__}")
        self.names_ = _check_names(data, "data")
        self._place = {name: k for k, name in enumerate(self.names_)}
        if self.kind == "spectral":
            self.vectors_ = _spectral(data, min(self.dim or 32, max(len(self.names_) - 2, 1)))
        elif self.kind == "sentence":
            from mixbook.networks.graph_reasoning._minilm import SentenceModel

            self._model = SentenceModel()
            self.vectors_ = self._model.encode(self.names_)
        else:
            self._tfidf = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True)
            # Eq. (3)
            self._tfidf.fit(self.names_)
            weights = sparse.csr_array(self._tfidf.transform(self.names_))
            self._svd = self._fit_svd(weights)
            self.vectors_ = self._reduce(weights)
        return self

    def transform(self, names: Iterable[str]) -> Any:
        """Vectors of names, array or csr_array of shape (n, d).

        Raises
        ------
        ValueError
            If it was not fitted, or the spectral kind is asked for a name that it has not seen.
        """
        self._check_fitted()
        names = _check_names(names, "names")
        if names == self.names_:
            return self.vectors_
        unseen = [name for name in names if name not in self._place]
        if not unseen:
            return self.vectors_[[self._place[name] for name in names]]
        if self.kind == "spectral":
            raise ValueError(f"the spectral kind knows only its graph's nodes, not {unseen[0]!r}")
        if self.kind == "sentence":
            return self._encode(names)
        return self._reduce(sparse.csr_array(self._tfidf.transform(names)))

    def nearest(self, keyword: str, k: int = 5) -> list[tuple[str, float]]:
        """The names most like a keyword, best first, with their cosines.

        A later rank is another place to start from: the paper draws paths between the n-th best
        nodes of two keywords.

        Parameters
        ----------
        keyword : str
        k : int

        Returns
        -------
        list of (str, float)
        """
        check_integer(k, "k", low=1)
        # Eq. (4)
        cosines = _dense(self.vectors_ @ self.transform([keyword]).T).ravel()
        best = np.argsort(-cosines, kind="stable")[:k]
        return [(self.names_[i], float(cosines[i])) for i in best]

    def _check_fitted(self) -> None:
        if not hasattr(self, "names_"):
            raise ValueError("the embedder must be fitted first: call fit(names or graph)")

    def _fit_svd(self, weights: sparse.csr_array) -> TruncatedSVD | None:
        if self.dim is None:
            return None
        dim = min(self.dim, min(weights.shape) - 1)
        return TruncatedSVD(dim, algorithm="arpack", random_state=0).fit(weights) if dim else None

    def _reduce(self, weights: sparse.csr_array) -> Any:
        return weights if self._svd is None else normalize(self._svd.transform(weights))

    def _encode(self, names: list[str]) -> Float[np.ndarray, "n d"]:
        """Known names from memory, the rest through the model."""
        new = [name for name in dict.fromkeys(names) if name not in self._place]
        fresh = dict(zip(new, self._model.encode(new))) if new else {}
        rows = [fresh[n] if n in fresh else self.vectors_[self._place[n]] for n in names]
        return np.stack(rows)


def similar_pairs(
    vectors: Any, threshold: float
) -> tuple[Int[np.ndarray, " m"], Int[np.ndarray, " m"]]:
    """All pairs of rows whose cosine exceeds a threshold, in blocks of rows.

    Parameters
    ----------
    vectors : array or csr_array of shape (n, d)
        Rows of length one.
    threshold : float

    Returns
    -------
    (i, j) : int arrays of shape (m,)
        i < j, in the order of i and then j.
    """
    check_number(threshold, "threshold", low=-1, high=1)
    found = []
    for start in range(0, vectors.shape[0], BLOCK):
        cosines = _dense(vectors[start : start + BLOCK] @ vectors.T)
        # Eq. (5)
        rows, columns = np.nonzero(cosines > threshold)
        upper = columns > rows + start
        found.append(np.stack([rows[upper] + start, columns[upper]]))
    i, j = np.concatenate(found, axis=1) if found else np.empty((2, 0), dtype=np.int64)
    return i, j


def _check_names(data: Any, name: str) -> list[str]:
    if isinstance(data, str):
        raise TypeError(f"{name} must be a collection of names, got the string {data!r}")
    names = list(data)
    if not names:
        raise ValueError(f"{name} must hold at least one name, got none")
    if wrong := [x for x in names if not isinstance(x, str)]:
        raise TypeError(f"{name} must hold strings, got {wrong[0]!r}")
    return names


def distances_to(
    emb: NodeEmbedder | dict[Any, Any], nodes: Sequence[Any], target: Any
) -> np.ndarray:
    """Euclidean distance of each node's vector to the target's."""
    vectors, goal = vectors_of(emb, nodes), vectors_of(emb, [target])
    if sparse.issparse(vectors):
        return np.sqrt(np.maximum(2 - 2 * (vectors @ goal.T).toarray().ravel(), 0))
    # Eq. (19)
    return np.linalg.norm(vectors - goal, axis=1)


def _dense(x: Any) -> np.ndarray:
    return x.toarray() if sparse.issparse(x) else np.asarray(x)


def _spectral(G: nx.Graph, dim: int) -> Float[np.ndarray, "n d"]:
    """Leading eigenvectors of the normalised adjacency matrix, rows of length one."""
    A = nx.to_scipy_sparse_array(G, weight="weight", dtype=float)
    scale = 1 / np.sqrt(np.maximum(A.sum(axis=1), 1e-12))
    A = sparse.csr_array(sparse.diags_array(scale) @ A @ sparse.diags_array(scale))
    if dim >= len(G) - 1:
        values, vectors = np.linalg.eigh(A.toarray())
    else:
        values, vectors = eigsh(A, k=dim, which="LA", v0=np.sqrt(1 / scale + 1))
    order = np.argsort(-values)[:dim]
    vectors = vectors[:, order]
    signs = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(len(order))])
    return normalize(vectors * signs)


def vectors_of(emb: NodeEmbedder | dict[Any, Any], nodes: Sequence[Any]) -> Any:
    """The vectors of nodes, from an embedder or a dict of node to vector."""
    if isinstance(emb, dict):
        if missing := [node for node in nodes if node not in emb]:
            raise ValueError(f"emb has no vector of {missing[0]!r}")
        return np.stack([np.asarray(emb[node], dtype=float).ravel() for node in nodes])
    if not isinstance(emb, NodeEmbedder):
        raise TypeError(f"emb must be a NodeEmbedder or a dict, got {type(emb).__name__}")
    return emb.transform(nodes)
