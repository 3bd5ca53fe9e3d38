"""Groups of nodes that describe a weighted graph in the fewest nats, and how many there are."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int
from scipy.special import gammaln
from sklearn.base import BaseEstimator, ClusterMixin

from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_integer
from mixbook.networks.dynamic_connectome import _kernels as k
from mixbook.networks.dynamic_connectome._checks import as_graph
from mixbook.networks.dynamic_connectome.description import (
    block_counts,
    check_prior,
    description_length,
    merge_counts,
    nested_description_length,
)

__all__ = ["WeightedSBM"]

FIRST = 40  # groups from which nodes are moved; above, groups are only merged
SKIP = 0.3  # chance that a random start passes over a merge


class WeightedSBM(ClusterMixin, BaseEstimator):
    """Weighted stochastic block model with the partition of least description length.

    A start merges nodes into groups, best merge first, moves single nodes to better groups on the
    way down to one group, and remembers the best partition for each number of groups. The first
    start is greedy, the others pass over some merges at random.

    Parameters
    ----------
    degree_corrected : bool or ``"auto"``
        ``"auto"`` fits both models and keeps the shorter description.
    weights : ``"exponential"`` or None
        None ignores the weights.
    nested : bool
        Describe the numbers of edges between groups by a hierarchy of groups of groups. This finds
        smaller groups than the flat prior in large graphs.
    n_restarts : int
    random_state : int, numpy.random.Generator or None
    alpha, beta : float
        Prior of the weights, see :func:`description_length`.

    Attributes
    ----------
    labels_ : int array of shape (n,)
        Groups, the largest first.
    levels_ : list of int arrays
        ``labels_`` and, if nested, groups of groups.
    description_length_ : float
    degree_corrected_ : bool
        The model that was kept.
    n_blocks_ : int
    lengths_ : dict of int to float
        Least description length met with each number of groups (of the model that was kept).
    """

    def __init__(
        self,
        degree_corrected: bool | str = "auto",
        weights: str | None = "exponential",
        nested: bool = False,
        n_restarts: int = 5,
        random_state: int | np.random.Generator | None = None,
        alpha: float = 1.0,
        beta: float | None = None,
    ) -> None:
        self.degree_corrected = degree_corrected
        self.weights = weights
        self.nested = nested
        self.n_restarts = n_restarts
        self.random_state = random_state
        self.alpha = alpha
        self.beta = beta

    def fit(self, W: Any, y: Any = None) -> WeightedSBM:
        """Find the groups of a graph.

        Parameters
        ----------
        W : array-like of shape (n, n)
            Symmetric, non-negative, empty diagonal.
        y : ignored

        Raises
        ------
        TypeError, ValueError
            If W is no such matrix, or a parameter is out of range.
        """
        W = as_graph(W)
        check_integer(self.n_restarts, "n_restarts", low=1)
        models = self._models()
        alpha, beta = check_prior(W, self.weights, self.alpha, self.beta)
        rng = as_rng(self.random_state)
        fits = [self._fit_model(W, dc, alpha, beta, rng) for dc in models]
        best = min(range(len(models)), key=lambda at: fits[at].length)
        self.degree_corrected_ = models[best]
        self.description_length_, self.levels_, self.lengths_ = fits[best]
        self.labels_ = self.levels_[0]
        self.n_blocks_ = int(self.labels_.max()) + 1
        return self

    def _models(self) -> list[bool]:
        if isinstance(self.degree_corrected, bool | np.bool_):
            return [bool(self.degree_corrected)]
        if self.degree_corrected != "auto":
            raise ValueError(
                f"degree_corrected must be True, False or 'auto', got {self.degree_corrected!r}"
            )
        return [False, True]

    def _fit_model(
        self, W: np.ndarray, dc: bool, alpha: float, beta: float, rng: np.random.Generator
    ) -> Fit:
        problem = Problem.of_graph(W, self.weights is not None, alpha, beta)
        found: Found = {}

        def keep(cost: float, b: np.ndarray) -> None:
            groups = int(b.max()) + 1
            if groups not in found or cost < found[groups][0]:
                found[groups] = cost, b

        for start in range(self.n_restarts):
            for cost, b in problem.search(int(dc), SKIP if start else 0.0, rng):
                keep(cost, b)
        _, b = min(found.values(), key=lambda pair: pair[0])
        keep(*problem.moves(int(dc), b, rng))
        prior = dc, self.weights, alpha, beta
        return _best_nested(W, found, prior, rng) if self.nested else _best_flat(W, found, prior)


class Fit(NamedTuple):
    """Description length, partitions from the nodes upwards, lengths by number of groups."""

    length: float
    levels: list[np.ndarray]
    lengths: dict[int, float]


class Problem:
    """A graph in the form that the kernels want, with tables of logarithms."""

    def __init__(
        self,
        counts: np.ndarray,
        weight: np.ndarray,
        par: tuple[float, float, float],
        nested: bool = False,
    ) -> None:
        self.n = len(counts)
        between = counts - np.diag(np.diag(counts))
        rows, ends = np.nonzero(between)
        starts = np.searchsorted(rows, np.arange(self.n + 1)).astype(np.int64)
        loops = np.diag(counts).astype(np.int64)
        self.graph = (
            starts, ends.astype(np.int64), between[rows, ends].astype(np.int64),
            weight[rows, ends].astype(float), loops,
        )  # fmt: skip
        self.edges = int(between.sum() // 2 + loops.sum())
        use, alpha, beta = par
        self.log_factorial = gammaln(np.arange(self.n**2 + 2 * self.edges + self.n + 2) + 1.0)
        self.log_gamma = gammaln(np.arange(self.edges + 1) + alpha)
        constant = alpha * np.log(beta) - gammaln(alpha)
        self.par = np.array([use, alpha, beta, constant, float(nested)])

    @classmethod
    def of_graph(cls, W: np.ndarray, weighted: bool, alpha: float, beta: float) -> Problem:
        return cls((W > 0).astype(np.int64), W, (float(weighted), alpha, beta))

    @classmethod
    def of_groups(cls, e: np.ndarray) -> Problem:
        return cls(e, np.zeros(e.shape), (0.0, 1.0, 1.0), nested=True)

    @property
    def tables(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.log_factorial, self.log_gamma, self.par

    def search(
        self, kind: int, skip: float, rng: np.random.Generator
    ) -> list[tuple[float, np.ndarray]]:
        """Merge and move from single nodes down to one group.

        Returns the best partition met for each number of groups up to ``FIRST``, with its cost
        (the description length up to a constant).
        """
        met: dict[int, tuple[float, np.ndarray]] = {}
        b, groups, target = np.arange(self.n), self.n, min(self.n, FIRST)
        while True:
            state = k.state_of(b, groups, self.graph)
            k.merge_down(kind, b, target, skip, rng.random(997), state, self.tables)
            b, groups = _without_gaps(b)
            state = k.state_of(b, groups, self.graph)
            for _ in range(1 if groups > 15 else 20):
                order = rng.permutation(self.n)
                if k.sweep(kind, b, order, False, state, self.graph, self.tables, self.edges) == 0:
                    break
            cost = k.state_cost(kind, state, self.n, self.edges, self.tables)
            b, groups = _without_gaps(b)
            if groups not in met or cost < met[groups][0]:
                met[groups] = cost, b.copy()
            if groups == 1:
                return list(met.values())
            target = groups - max(1, groups // 8)

    def moves(
        self, kind: int, b: Int[np.ndarray, " n"], rng: np.random.Generator
    ) -> tuple[float, Int[np.ndarray, " n"]]:
        """Sweeps of single moves, with room for new groups, until nothing is gained."""
        b = b.astype(np.int64).copy()
        state = k.state_of(b, min(int(b.max()) + 4, self.n), self.graph)
        for _ in range(50):
            order = rng.permutation(self.n)
            if k.sweep(kind, b, order, True, state, self.graph, self.tables, self.edges) == 0:
                break
        cost = k.state_cost(kind, state, self.n, self.edges, self.tables)
        return cost, _without_gaps(b)[0]


Found = dict[int, tuple[float, np.ndarray]]


def _best_flat(W: np.ndarray, found: Found, prior: tuple[Any, ...]) -> Fit:
    cost, b = min(found.values(), key=lambda pair: pair[0])
    length = description_length(W, b, *prior)
    lengths = {groups: found[groups][0] + length - cost for groups in sorted(found)}
    return Fit(length, _by_size([b]), lengths)


def _best_nested(
    W: np.ndarray, found: Found, prior: tuple[Any, ...], rng: np.random.Generator
) -> Fit:
    """A hierarchy for each number of groups that was met; the shortest of all."""
    fits = {}
    for groups, (_, b) in sorted(found.items()):
        levels = [b, *_fit_upper(block_counts(W, b)[0], rng)]
        fits[groups] = nested_description_length(W, levels, *prior), levels
    lengths = {groups: length for groups, (length, _) in fits.items()}
    length, levels = min(fits.values(), key=lambda pair: pair[0])
    return Fit(length, _by_size(levels), lengths)


def _without_gaps(b: np.ndarray) -> tuple[np.ndarray, int]:
    names, b = np.unique(b, return_inverse=True)
    return b.ravel().astype(np.int64), len(names)


def _fit_upper(e: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Partitions above the counts ``e``, as long as they make the description shorter."""
    if len(e) < 3:  # two groups in two groups, or in one: nothing to choose from
        return []
    candidates = Problem.of_groups(e).search(2, 0.0, rng)
    _, b = min(candidates, key=lambda found: found[0])
    if not 1 < b.max() + 1 < len(e):
        return []
    return [b, *_fit_upper(merge_counts(e, b), rng)]


def _by_size(levels: list[np.ndarray]) -> list[np.ndarray]:
    """The same partitions with groups numbered from the largest to the smallest."""
    named = []
    for depth, b in enumerate(levels):
        order = np.argsort(-np.bincount(b), kind="stable")
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        named.append(rank[b])
        if depth + 1 < len(levels):
            levels = [*levels[: depth + 1], levels[depth + 1][order], *levels[depth + 2 :]]
    return named
