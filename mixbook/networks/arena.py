"""The arena of the part: its methods predict links and labels on the same networks.

Every method turns a network into features, and one and the same classifier reads them, so that
only the features differ. No method of its own is here: the features are those of
:mod:`mixbook.networks.simplicial_closure` and :mod:`mixbook.networks.gradco`, and the textbook
measures of a pair or a node.

==================  ================================  =========================================
features            of a pair without a link          of a node
==================  ================================  =========================================
plain               neighbourhoods and degrees        degree, clustering, core, PageRank, ...
higher order        tie strengths along the wedges,   means of the tie strengths, weighted
                    weighted walks, groups            PageRank, groups and triangles
walk embedding      inner products of embeddings      the embedding
graphlet counts     orbit adjacencies                 graphlet degree vector
graphlet embedding  inner products of embeddings      the embedding
==================  ================================  =========================================

The strength of a tie is the number of groups that hold both ends. Where only a graph is known, its
edges and triangles are taken as the groups.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import networkx as nx
import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import sparse
from scipy.sparse import csgraph
from scipy.sparse.linalg import spsolve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mixbook.core.seeds import as_rng
from mixbook.core.simplices import TemporalSimplices
from mixbook.core.validation import check_number
from mixbook.networks import gradco
from mixbook.networks import simplicial_closure as closure

__all__ = [
    "LINK_FEATURES",
    "NODE_FEATURES",
    "LinkTask",
    "Network",
    "clique_groups",
    "hidden_links",
    "later_links",
    "link_features",
    "link_scores",
    "node_features",
    "open_pairs",
]

DIMS = (4, 16, 64)
WINDOWS = (2, 5)
PAIR_KINDS = tuple(kind for kind in gradco.UNORDERED_KINDS if kind[0] > 1)
"""The orbit adjacencies that can be positive for two nodes without a link."""


@dataclass(frozen=True, eq=False)
class Network:
    """A graph and its groups.

    Attributes
    ----------
    groups : mixbook.core.simplices.TemporalSimplices
        The groups; their times are not used.
    weights, adjacency : csr_arrays of shape (n, n)
        Strength of each tie, which is the number of groups that hold both ends; and 1 where it is
        positive.
    """

    groups: TemporalSimplices

    @cached_property
    def weights(self) -> sparse.csr_array:
        """Symmetric, int64, no loops."""
        return closure.projected_graph(self.groups)

    @cached_property
    def adjacency(self) -> sparse.csr_array:
        """The 0-1 matrix of the ties."""
        return _pattern(self.weights)


@dataclass(frozen=True, eq=False)
class LinkTask:
    """Predict links twice: once to learn how, once to be judged.

    Attributes
    ----------
    known, later : Network
        What is known when the classifier is trained and when it is judged.
    train_pairs, test_pairs : int arrays of shape (m, 2)
        Pairs without a link in ``known`` and in ``later``.
    train_links, test_links : bool arrays of shape (m,)
        Whether they are linked afterwards.
    """

    known: Network
    later: Network
    train_pairs: Int[np.ndarray, "m 2"]
    train_links: Bool[np.ndarray, " m"]
    test_pairs: Int[np.ndarray, "k 2"]
    test_links: Bool[np.ndarray, " k"]


def clique_groups(A: Any) -> TemporalSimplices:
    """The edges and triangles of a graph as groups, all at time 0.

    Parameters
    ----------
    A : sparse or dense matrix of shape (n, n)
        0-1, symmetric, no loops.
    """
    upper = sparse.coo_array(sparse.triu(gradco.as_adjacency(A), k=1))
    edges = np.stack(upper.coords, axis=1)
    pairs = TemporalSimplices.from_arrays(
        edges.ravel(), np.full(len(edges), 2), np.zeros(len(edges), int), False,
        n_nodes=upper.shape[0],
    )  # fmt: skip
    triangles = closure.open_triangles(pairs)  # every triangle of a set of pairs is open
    sizes = np.concatenate([np.full(len(edges), 2), np.full(len(triangles), 3)])
    members = np.concatenate([edges.ravel(), triangles.ravel()])
    return TemporalSimplices.from_arrays(
        members, sizes, np.zeros(len(sizes), int), False, n_nodes=upper.shape[0]
    )


def open_pairs(A: Any) -> Int[np.ndarray, "m 2"]:
    """Pairs u < v without a link whose nodes both have one."""
    matrix = gradco.as_adjacency(A).toarray() > 0
    seen = matrix.any(axis=1)
    free = np.triu(~matrix & seen & seen[:, None], k=1)
    return np.argwhere(free)


def later_links(data: TemporalSimplices, cuts: tuple[float, float] = (60, 80)) -> LinkTask:
    """Links of the future in a network with times.

    The classifier learns on the first ``cuts[0]`` percent of the time which pairs meet until
    ``cuts[1]`` percent, and is judged on those that meet for the first time after that.

    Raises
    ------
    ValueError
        If the cuts are not 0 < cuts[0] < cuts[1] < 100, or no pair meets in one of the periods.
    """
    first, second = (check_number(c, "cuts", low=0, high=100, low_open=True) for c in cuts)
    if not first < second < 100:
        raise ValueError(f"cuts must rise and lie below 100, got {cuts}")
    known, after = data.split(first, second)
    later, end = data.split(second, 100)
    return _task(Network(known), _linked(after), Network(later), _linked(end))


def hidden_links(
    A: Any, share: float = 0.2, random_state: int | np.random.Generator | None = None
) -> LinkTask:
    """Links that were hidden at random, in a network without times.

    A ``share`` of the links is hidden for the judgement, and the same share of the rest for
    training.

    Raises
    ------
    ValueError
        If ``share`` is not between 0 and 1, or too few links are left.
    """
    share = check_number(share, "share", low=0, high=1, low_open=True, high_open=True)
    rng = as_rng(random_state)
    matrix = gradco.as_adjacency(A)
    seen, test = _hide(matrix, share, rng)
    known, train = _hide(seen, share, rng)
    return _task(Network(clique_groups(known)), train, Network(clique_groups(seen)), test)


def _hide(A: Any, share: float, rng: np.random.Generator) -> tuple[Any, Any]:
    upper = sparse.coo_array(sparse.triu(A, k=1))
    hidden = np.zeros(upper.nnz, dtype=bool)
    hidden[rng.permutation(upper.nnz)[: round(share * upper.nnz)]] = True
    if not hidden.any() or hidden.all():
        raise ValueError(f"share must hide some of the {upper.nnz} links and leave some")
    return tuple(_graph(upper, keep) for keep in (~hidden, hidden))


def _graph(upper: sparse.coo_array, keep: np.ndarray) -> sparse.csr_array:
    ends = tuple(c[keep] for c in upper.coords)
    half = sparse.csr_array((upper.data[keep], ends), shape=upper.shape)
    return sparse.csr_array(half + half.T)


def _linked(groups: TemporalSimplices) -> sparse.csr_array:
    return _pattern(closure.projected_graph(groups))


def _pattern(weights: sparse.csr_array) -> sparse.csr_array:
    return sparse.csr_array((weights > 0).astype(np.int64))


def _task(known: Network, train: Any, later: Network, test: Any) -> LinkTask:
    parts = []
    for network, truth, name in ((known, train, "training"), (later, test, "judgement")):
        pairs = open_pairs(network.adjacency)
        links = truth.toarray()[pairs[:, 0], pairs[:, 1]] > 0
        if not links.any() or links.all():
            raise ValueError(f"data must hold new links and pairs without one for the {name}")
        parts += [pairs, links]
    return LinkTask(known, later, *parts)


# ---- features of pairs ----


def link_features(
    name: str, network: Network, pairs: Int[np.ndarray, "m 2"], seed: int = 0
) -> Float[np.ndarray, "m k"]:
    """Features of node pairs, one row a pair; they do not depend on the order in a pair.

    Parameters
    ----------
    name : str
        A key of ``LINK_FEATURES``, or ``"all"`` for all of them side by side.
    seed : int
        Start of the iterative decompositions.

    Raises
    ------
    ValueError
        If the name is unknown.
    """
    names = list(LINK_FEATURES) if name == "all" else [name]
    if unknown := [n for n in names if n not in LINK_FEATURES]:
        raise ValueError(
            f"name must be one of {', '.join(LINK_FEATURES)} or all, got {unknown[0]!r}"
        )
    return np.hstack([LINK_FEATURES[n](network, pairs, seed) for n in names])


def link_scores(
    task: LinkTask, features: tuple[Float[np.ndarray, "m k"], Float[np.ndarray, "n k"]]
) -> tuple[Float[np.ndarray, " n"], float]:
    """Logistic regression on the training pairs, applied to the test pairs.

    Parameters
    ----------
    features : pair of arrays
        Features of the training pairs and of the test pairs.

    Returns
    -------
    scores : float array of shape (n,)
    average_precision : float
        Mean precision over all recalls; the share of links among the pairs for a random guess.
    """
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    model.fit(features[0], task.train_links)
    scores = model.decision_function(features[1])
    return scores, float(average_precision_score(task.test_links, scores))


def _at(matrix: Any, pairs: np.ndarray) -> np.ndarray:
    """Entries of a matrix at pairs, added over both orders."""
    u, v = pairs.T
    dense = matrix.toarray() if sparse.issparse(matrix) else matrix
    return (dense[u, v] + dense[v, u]).astype(float)


def _plain_pairs(network: Network, pairs: np.ndarray, seed: int) -> np.ndarray:
    A = network.adjacency.astype(float)
    degree = A.sum(axis=0)
    inverse = np.divide(1, degree, out=np.zeros_like(degree), where=degree > 0)
    # a common neighbour has two neighbours at least, so the others may get any weight
    log_inverse = 1 / np.log(np.maximum(degree, 2))
    common = _at(A @ A, pairs) / 2
    low, high = np.sort(degree[pairs], axis=1).T
    columns = [
        np.log1p(common),
        common / np.maximum(low + high - common, 1),  # Jaccard
        np.log1p(_at(A @ sparse.diags_array(log_inverse) @ A, pairs)),  # Adamic-Adar
        np.log1p(_at(A @ sparse.diags_array(inverse) @ A, pairs)),  # resource allocation
        np.log(low * high),  # preferential attachment
        np.log(high),
    ]
    return np.stack(columns, axis=1)


def _higher_pairs(network: Network, pairs: np.ndarray, seed: int) -> np.ndarray:
    W = network.weights.astype(float)
    power = _powers(W)
    katz, _ = closure.katz_matrix(network.weights, weighted=True)
    ppr = closure.ppr_matrix(network.weights, weighted=True)
    counts = np.bincount(network.groups.members, minlength=W.shape[0])[pairs]
    strength = W.sum(axis=0)[pairs]
    columns = [
        *(np.log1p(_at(power(p) @ power(p), pairs)) for p in (-1, 0.5, 1)),
        _log(_at(np.linalg.inv(katz.toarray()), pairs)),
        _log(_at(np.linalg.inv(ppr.toarray()), pairs)),
        np.log(counts).sum(axis=1),
        np.log(strength).sum(axis=1),
        np.log(counts).max(axis=1),
    ]
    return np.stack(columns, axis=1)


def _powers(W: sparse.csr_array) -> Callable[[float], sparse.csr_array]:
    return lambda p: sparse.csr_array((W.data**p, W.indices, W.indptr), shape=W.shape)


def _log(x: np.ndarray) -> np.ndarray:
    """Logarithm of numbers that are not negative but for rounding errors."""
    return np.log(np.maximum(x, 0) + 1e-9)


def _inner_products(X: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Inner product and cosine of the rows of a pair, for each number of columns in ``DIMS``."""
    columns = []
    for dim in DIMS:
        left, right = X[pairs[:, 0], :dim], X[pairs[:, 1], :dim]
        dot = (left * right).sum(axis=1)
        norms = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
        columns += [dot, np.divide(dot, norms, out=np.zeros_like(dot), where=norms > 0)]
    return np.stack(columns, axis=1)


def _embedding(model: Any, A: sparse.csr_array) -> np.ndarray:
    dim = min(max(DIMS), A.shape[0])
    return model.set_params(dim=dim).fit_transform(A)


def _walk_pairs(network: Network, pairs: np.ndarray, seed: int) -> np.ndarray:
    models = [gradco.RandomWalkPMIEmbedding(window=w, random_state=seed) for w in WINDOWS]
    tables = [_embedding(model, network.adjacency) for model in models]
    return np.hstack([_inner_products(X, pairs) for X in tables])


def _graphlet_pairs(network: Network, pairs: np.ndarray, seed: int) -> np.ndarray:
    counter = gradco.OrbitCounter(network.adjacency)
    return np.stack([np.log1p(_at(counter.matrix(k), pairs)) for k in PAIR_KINDS], axis=1)


def _graphlet_embedding_pairs(network: Network, pairs: np.ndarray, seed: int) -> np.ndarray:
    model = gradco.OrbitPMIEmbedding(kind="all", random_state=seed)
    return _inner_products(_embedding(model, network.adjacency), pairs)


LINK_FEATURES: dict[str, Callable[[Network, np.ndarray, int], np.ndarray]] = {
    "plain": _plain_pairs,
    "higher order": _higher_pairs,
    "walk embedding": _walk_pairs,
    "graphlet counts": _graphlet_pairs,
    "graphlet embedding": _graphlet_embedding_pairs,
}


# ---- features of nodes ----


def node_features(
    name: str, network: Network, seed: int = 0
) -> Mapping[str, Float[np.ndarray, "n k"]]:
    """Tables of node features by name; a learner may choose one table of several.

    Parameters
    ----------
    name : str
        A key of ``NODE_FEATURES``.
    seed : int
        Start of the iterative decompositions.

    Raises
    ------
    ValueError
        If the name is unknown.
    """
    if name not in NODE_FEATURES:
        raise ValueError(f"name must be one of {', '.join(NODE_FEATURES)}, got {name!r}")
    return NODE_FEATURES[name](network, seed)


def _plain_nodes(network: Network, seed: int) -> dict[str, np.ndarray]:
    A = network.adjacency
    graph = nx.from_scipy_sparse_array(A)
    degree = A.sum(axis=0)
    neighbours = np.divide(A @ degree, degree, out=np.zeros(len(degree)), where=degree > 0)
    measures = (nx.clustering(graph), nx.core_number(graph), nx.pagerank(graph))
    clustering, core, pagerank = (np.array([m[i] for i in range(len(degree))]) for m in measures)
    columns = [
        np.log1p(degree),
        clustering,
        np.log1p(core),
        np.log(pagerank),
        closeness(A),
        np.log1p(neighbours),
    ]
    return {"plain": np.stack(columns, axis=1)}


def closeness(A: sparse.csr_array) -> Float[np.ndarray, " n"]:
    """Closeness of each node within its component, times the component's share of the graph."""
    distances = csgraph.shortest_path(A, unweighted=True)
    reached = np.isfinite(distances)
    others = reached.sum(axis=1) - 1
    total = np.where(reached, distances, 0).sum(axis=1)
    near = np.divide(others, total, out=np.zeros(len(total)), where=total > 0)
    return near * others / max(len(total) - 1, 1)


def _higher_nodes(network: Network, seed: int) -> dict[str, np.ndarray]:
    W = network.weights.astype(float)
    n, power = W.shape[0], _powers(W)
    degree = np.maximum(np.diff(W.indptr), 1)
    counts = np.bincount(network.groups.members, minlength=n)
    means = [power(p).sum(axis=1) / degree for p in (-1, 0.5, 1)]
    ppr = closure.ppr_matrix(network.weights, weighted=True)
    katz, _ = closure.katz_matrix(network.weights, weighted=True)
    triangles = (network.adjacency @ network.adjacency).multiply(network.adjacency).sum(axis=1)
    columns = [
        np.log1p(counts),
        np.log1p(W.sum(axis=1)),
        *(np.log1p(m) for m in means),
        _log(spsolve(ppr.tocsc(), np.full(n, 1 / n))),  # mean over the places of restart
        np.log(spsolve(katz.tocsc(), np.ones(n))),  # walks from each node, discounted
        np.log1p(triangles),
    ]
    return {"higher order": np.stack(columns, axis=1)}


def _walk_nodes(network: Network, seed: int) -> dict[str, np.ndarray]:
    models = {w: gradco.RandomWalkPMIEmbedding(window=w, random_state=seed) for w in (1, *WINDOWS)}
    return {f"window {w}": _embedding(m, network.adjacency) for w, m in models.items()}


def _graphlet_nodes(network: Network, seed: int) -> dict[str, np.ndarray]:
    return {"counts": np.log1p(gradco.graphlet_degree_vectors(network.adjacency).astype(float))}


def _graphlet_embedding_nodes(network: Network, seed: int) -> dict[str, np.ndarray]:
    kinds = ("all", *gradco.UNORDERED_KINDS)
    models = {k: gradco.OrbitPMIEmbedding(kind=k, random_state=seed) for k in kinds}
    return {str(kind): _embedding(model, network.adjacency) for kind, model in models.items()}


NODE_FEATURES: dict[str, Callable[[Network, int], dict[str, np.ndarray]]] = {
    "plain": _plain_nodes,
    "higher order": _higher_nodes,
    "walk embedding": _walk_nodes,
    "graphlet counts": _graphlet_nodes,
    "graphlet embedding": _graphlet_embedding_nodes,
}
