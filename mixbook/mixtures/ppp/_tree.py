"""One node: is this set of points worth splitting, and into how many parts?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from sklearn.metrics import pairwise_distances_argmin

from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_integer, check_number
from mixbook.mixtures.ppp._checks import as_points, as_scatters, as_weights
from mixbook.mixtures.ppp._kmeans import aligned_votes, repeatability
from mixbook.mixtures.ppp._mixture import _validate

__all__ = [
    "Candidate",
    "NodeResult",
    "PartitionNode",
    "Rules",
    "grow_tree",
    "is_certain",
    "judge_node",
    "node_test",
]


@dataclass(frozen=True)
class Candidate:
    """What was measured for one number of parts.

    Attributes
    ----------
    k : int
    rho : float
        Repeatability, Eq. (2).
    gain : float
        In units of BIC, Eq. (8). NaN, like ``agreement``, if no mixture was fitted because the
        partition was not repeatable.
    agreement : float
        Eq. (9).
    sse : float
        Of the best run, Eq. (1).
    admissible : bool
        Whether it passes all three thresholds, Eq. (10).
    """

    k: int
    rho: float
    gain: float
    agreement: float
    sse: float
    admissible: bool


@dataclass(frozen=True, eq=False)
class NodeResult:
    """Verdict on a set of points.

    Attributes
    ----------
    k : int
        Number of parts; 1 if the set should stay whole.
    candidates : tuple of Candidate
        One for each k that the set is large enough for.
    labels : int array of shape (n,)
        The representative partition (zeros if k = 1).
    centres : array of shape (k, p)
    votes : array of shape (n,)
        Share of runs that agree with ``labels``, Eq. (11).
    confident : bool array of shape (n,)
        Whether the mixture agrees with a posterior of at least tau.
    """

    k: int
    candidates: tuple[Candidate, ...]
    labels: Int[np.ndarray, " n"]
    centres: Float[np.ndarray, "k p"]
    votes: Float[np.ndarray, " n"]
    confident: Any

    @property
    def chosen(self) -> Candidate | None:
        """The candidate that won; None if the set stays whole."""
        return next((c for c in self.candidates if c.k == self.k), None)


@dataclass(frozen=True)
class Rules:
    """Thresholds of the node test, see :func:`node_test`."""

    k_max: int = 4
    n_restarts: int = 12
    rho: float = 0.9
    agreement: float = 0.9
    tau: float = 0.8
    min_gain: float = 10.0
    n_init: int = 3
    with_principal: bool = False
    em_tol: float = 1e-5

    def __post_init__(self) -> None:
        check_integer(self.k_max, "k_max", low=2)
        check_integer(self.n_restarts, "n_restarts", low=2)
        check_integer(self.n_init, "n_init", low=1)
        check_number(self.rho, "rho", low=-1, high=1)
        check_number(self.agreement, "agreement", low=0, high=1)
        check_number(self.tau, "tau", low=0, high=1)
        check_number(self.min_gain, "min_gain")
        check_number(self.em_tol, "em_tol", low=0)

    def admit(self, rho: float, gain: float, agreement: float) -> bool:
        """Whether all three tests are passed."""
        # Eq. (10)
        return rho >= self.rho and gain > self.min_gain and agreement >= self.agreement


def node_test(
    X: Any,
    k_max: int = 4,
    n_restarts: int = 12,
    rho: float = 0.9,
    agreement: float = 0.9,
    tau: float = 0.8,
    min_gain: float = 10.0,
    n_init: int = 3,
    *,
    with_principal: bool = False,
    em_tol: float = 1e-5,
    thorough: bool = True,
    sample_weight: Any = None,
    scatters: Any = None,
    reg: float = 1e-4,
    random_state: int | np.random.Generator | None = None,
) -> NodeResult:
    """Try 2 ... k_max parts, and choose among those that both tests admit.

    A number of parts k is tried if at least 2k(p + 1) points are there. The mixture has full
    covariances from 10p points on, else diagonal ones.

    Parameters
    ----------
    X : array-like of shape (n, p)
    k_max, n_restarts, rho, agreement, tau, min_gain, n_init, with_principal, em_tol
        As in :class:`~mixbook.mixtures.ppp.PPP`.
    thorough : bool
        Fit the mixture also where the partition was not repeatable, to report what it says.
    sample_weight, scatters, reg
        As in :func:`~mixbook.mixtures.ppp.weighted_gmm_em`.
    random_state : int, Generator or None

    Returns
    -------
    NodeResult

    Raises
    ------
    TypeError, ValueError
        If an argument is malformed.
    """
    X = as_points(X)
    rules = Rules(k_max, n_restarts, rho, agreement, tau, min_gain, n_init, with_principal, em_tol)
    check_number(reg, "reg", low=0)
    w, S = as_weights(sample_weight, len(X)), as_scatters(scatters, *X.shape)
    return judge_node(X, w, S, rules, reg, as_rng(random_state), thorough)


def judge_node(
    X: np.ndarray,
    w: np.ndarray,
    S: np.ndarray | None,
    rules: Rules,
    reg: float,
    rng: np.random.Generator,
    thorough: bool = False,
) -> NodeResult:
    """:func:`node_test` on arguments that are known to be good."""
    n, p = w.sum(), X.shape[1]
    sizes = [k for k in range(2, rules.k_max + 1) if n >= 2 * k * (p + 1) and k <= len(X)]
    tried = [_try_k(X, w, S, k, rules, reg, rng, thorough) for k in sizes]
    candidates = tuple(candidate for candidate, _ in tried)
    admitted = [result for candidate, result in tried if candidate.admissible]
    if not admitted:
        whole = np.zeros(len(X), dtype=np.int64)
        centre = np.average(X, axis=0, weights=w)[None]
        return NodeResult(1, candidates, whole, centre, np.ones(len(X)), whole == 0)
    best = max(admitted, key=lambda result: result.candidates[0].gain)
    return replace(best, candidates=candidates)


def _try_k(
    X: np.ndarray,
    w: np.ndarray,
    S: np.ndarray | None,
    k: int,
    rules: Rules,
    reg: float,
    rng: np.random.Generator,
    thorough: bool,
) -> tuple[Candidate, NodeResult]:
    runs = repeatability(
        X,
        k,
        rules.n_restarts,
        n_init=rules.n_init,
        sample_weight=w,
        with_principal=rules.with_principal,
        random_state=rng,
    )
    labels, sse = runs.labels[runs.best], float(runs.sse[runs.best])
    votes = aligned_votes(runs.labels, runs.best, k, w)
    distinct = len(np.unique(labels)) == k  # not so where fewer than k points differ
    if not distinct or (runs.rho < rules.rho and not thorough):
        candidate = Candidate(k, runs.rho, np.nan, np.nan, sse, False)
        nowhere = np.zeros(len(X), dtype=bool)
        return candidate, NodeResult(k, (candidate,), labels, runs.centres[0], votes, nowhere)
    kind = "full" if w.sum() >= 10 * X.shape[1] else "diag"
    found = _validate(X, labels, w, S, rules.tau, kind, reg, rules.em_tol)
    fine = rules.admit(runs.rho, found.gain, found.agreement)
    candidate = Candidate(k, runs.rho, found.gain, found.agreement, sse, fine)
    centres = runs.centres[runs.best]
    return candidate, NodeResult(k, (candidate,), labels, centres, votes, found.confident)


@dataclass(eq=False)
class PartitionNode:
    """A set of points, and how it was split.

    Attributes
    ----------
    indices : int array
        Rows of the data (or micro-clusters) in this node.
    size : float
        How many points these are.
    result : NodeResult
    children : list of PartitionNode
        Sorted by their smallest index; empty for a leaf.
    label : int or None
        Number of the leaf; None for a node that was split.
    """

    indices: Int[np.ndarray, " m"]
    size: float
    result: NodeResult
    children: list[PartitionNode] = field(default_factory=list)
    label: int | None = None

    @property
    def k(self) -> int:
        """Number of parts, 1 for a leaf."""
        return self.result.k

    @property
    def rho(self) -> float:
        """Repeatability of the split; NaN for a leaf, like ``gain``, ``agreement``, ``sse``."""
        return self._chosen("rho")

    @property
    def gain(self) -> float:
        """Evidence for the split in units of BIC."""
        return self._chosen("gain")

    @property
    def agreement(self) -> float:
        """Agreement of mixture and k-means on the split."""
        return self._chosen("agreement")

    @property
    def sse(self) -> float:
        """Sum of squares after the split."""
        return self._chosen("sse")

    def _chosen(self, name: str) -> float:
        return float("nan") if self.result.chosen is None else getattr(self.result.chosen, name)

    def __iter__(self) -> Iterator[PartitionNode]:
        """This node and all below it, depth first."""
        yield self
        for child in self.children:
            yield from child

    @property
    def leaves(self) -> list[PartitionNode]:
        """The clusters, in the order of their labels."""
        return [node for node in self if not node.children]

    def describe(self, depth: int = 0) -> str:
        """The tree as indented text, one line a node."""
        line = f"{'  ' * depth}{self.size:g} points: "
        if not self.children:
            return line + f"cluster {self.label}"
        line += f"{self.k} parts (repeatability {self.rho:.2f}, agreement {self.agreement:.2f})"
        return "\n".join([line, *(child.describe(depth + 1) for child in self.children)])

    def descend(self, X: Float[np.ndarray, "n p"]) -> Int[np.ndarray, " n"]:
        """The leaf that each point ends in when it goes to the nearest centre at every split."""
        if not self.children:
            return np.full(len(X), self.label)
        nearest = pairwise_distances_argmin(X, self.result.centres)
        labels = np.empty(len(X), dtype=np.int64)
        for child in self.children:
            part = self.result.labels[np.searchsorted(self.indices, child.indices[0])]
            labels[nearest == part] = child.descend(X[nearest == part])
        return labels


def grow_tree(
    X: np.ndarray,
    w: np.ndarray,
    S: np.ndarray | None,
    rules: Rules,
    reg: float,
    rng: np.random.Generator,
) -> PartitionNode:
    """Split recursively until no node passes the test; leaves get their numbers."""

    def node_of(rows: np.ndarray) -> PartitionNode:
        own = None if S is None else S[rows]
        result = judge_node(X[rows], w[rows], own, rules, reg, rng)
        return PartitionNode(rows, float(w[rows].sum()), result)

    root = node_of(np.arange(len(X)))
    stack = [root]
    while stack:
        node = stack.pop()
        if node.k > 1:
            parts = [node.indices[node.result.labels == c] for c in range(node.k)]
            node.children = [node_of(part) for part in sorted(parts, key=lambda rows: rows[0])]
            stack += node.children
    for number, leaf in enumerate(root.leaves):
        leaf.label = number
    return root


def is_certain(
    root: PartitionNode, n: int, least_votes: float
) -> tuple[Int[np.ndarray, " n"], Any]:
    """Leaf of each row, and whether restarts and mixture agreed on it at every split."""
    labels, certain = np.empty(n, dtype=np.int64), np.ones(n, dtype=bool)
    for number, leaf in enumerate(root.leaves):
        labels[leaf.indices] = number
    for node in root:
        if node.children:
            # Eq. (12)
            sure = (node.result.votes >= least_votes) & node.result.confident
            certain[node.indices] &= sure
    return labels, certain
