"""How many nats does it take to write a weighted graph down, given groups of its nodes?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy.special import gammaln

from mixbook.core.validation import check_choice, check_number
from mixbook.networks.dynamic_connectome._checks import as_graph, as_labels

__all__ = [
    "block_counts",
    "description_length",
    "description_terms",
    "level_cost",
    "log_binomial",
    "nested_description_length",
    "partition_cost",
    "variation_of_information",
    "weight_cost",
]


def description_length(
    W: Any,
    b: Any,
    degree_corrected: bool = False,
    weights: str | None = "exponential",
    alpha: float = 1.0,
    beta: float | None = None,
) -> float:
    """Description length (nats) of a simple weighted graph and a partition of its nodes.

    The sum of :func:`description_terms`: minus the logarithm of the joint probability of graph,
    weights, numbers of edges between groups and partition.

    Parameters
    ----------
    W : array-like of shape (n, n)
        Symmetric, non-negative, empty diagonal; an edge is an entry > 0.
    b : array-like of int, shape (n,)
        Group of each node.
    degree_corrected : bool
        Whether nodes of a group may have different expected degrees.
    weights : ``"exponential"`` or None
        None describes the edges alone.
    alpha, beta : float
        Gamma prior of the rates of the exponential weights; ``beta=None`` is the mean weight.

    Raises
    ------
    TypeError, ValueError
        If W is no such matrix, b has another length, or an argument is out of range.
    """
    return sum(description_terms(W, b, degree_corrected, weights, alpha, beta).values())


def description_terms(
    W: Any,
    b: Any,
    degree_corrected: bool = False,
    weights: str | None = "exponential",
    alpha: float = 1.0,
    beta: float | None = None,
) -> dict[str, float]:
    """The parts of :func:`description_length`: edges, degrees, counts, partition, weights."""
    W = as_graph(W)
    b = as_labels(b, "b", len(W))
    alpha, beta = check_prior(W, weights, alpha, beta)
    e, mu = block_counts(W, b)
    n = np.bincount(b)
    edges, degrees = _edge_costs(W, n, e, bool(degree_corrected))
    return {
        "edges": edges,
        "degrees": degrees,
        # Eq. (12)
        "counts": log_binomial(len(n) * (len(n) + 1) // 2 + _total(e) - 1, _total(e)),
        "partition": partition_cost(n),
        "weights": weight_cost(e, mu, alpha, beta) if weights else 0.0,
    }


def check_prior(W: np.ndarray, weights: Any, alpha: Any, beta: Any) -> tuple[float, float]:
    """The two numbers of the Gamma prior."""
    if weights is not None:
        check_choice(weights, "weights", ("exponential",))
    alpha = check_number(alpha, "alpha", low=0, low_open=True)
    if beta is not None:
        return alpha, check_number(beta, "beta", low=0, low_open=True)
    return alpha, float(W[W > 0].mean()) if W.any() else 1.0


def block_counts(
    W: Float[np.ndarray, "n n"], b: Int[np.ndarray, " n"]
) -> tuple[Int[np.ndarray, "B B"], Float[np.ndarray, "B B"]]:
    """Number of edges and total weight between groups; inside a group each edge counts once."""
    Z = np.eye(b.max() + 1)[b]
    upper = np.triu(W, 1)
    counts, total = Z.T @ (upper > 0) @ Z, Z.T @ upper @ Z
    e, mu = counts + counts.T, total + total.T
    e[np.diag_indices_from(e)] /= 2
    mu[np.diag_indices_from(mu)] /= 2
    return np.rint(e).astype(np.int64), mu


def _total(e: np.ndarray) -> int:
    return int(np.triu(e).sum())


def _edge_costs(
    W: np.ndarray, n: np.ndarray, e: np.ndarray, degree_corrected: bool
) -> tuple[float, float]:
    inside = np.diag(e)
    ends = e.sum(axis=1) + inside  # half-edges of each group
    matchings = gammaln(np.triu(e) + 1).sum() + inside.sum() * np.log(2)
    if not degree_corrected:
        # Eq. (9)
        return float((ends * np.log(n)).sum() - matchings), 0.0
    degree = (W > 0).sum(axis=1)
    # Eq. (10)
    edges = gammaln(ends + 1).sum() - gammaln(degree + 1).sum() - matchings
    # Eq. (11)
    return float(edges), float(log_binomial(n + ends - 1, ends).sum())


def weight_cost(e: np.ndarray, mu: np.ndarray, alpha: float, beta: float) -> float:
    """Minus the log-probability of exponential weights, Eq. (14).

    The rate of each pair of groups is integrated out over its Gamma prior.

    Parameters
    ----------
    e : array of shape (B, B)
        Edges between groups; symmetric, of which the upper triangle is read.
    mu : array of shape (B, B)
        Their total weights.
    alpha, beta : float
        Shape and rate of the prior, > 0.

    Returns
    -------
    float
        In nats.
    """
    some = np.triu(e) > 0
    m, total = e[some], mu[some]
    # Eq. (14)
    log_p = gammaln(m + alpha) - gammaln(alpha) + alpha * np.log(beta)
    log_p = log_p - (m + alpha) * np.log(total + beta)
    return -float(log_p.sum())


def partition_cost(n: Any) -> float:
    """Minus the log-probability of a partition with group sizes ``n``."""
    n = np.asarray(n)
    total, groups = int(n.sum()), len(n)
    # Eq. (13)
    return float(
        gammaln(total + 1)
        - gammaln(n + 1).sum()
        + log_binomial(total - 1, groups - 1)
        + np.log(total)
    )


def log_binomial(n: Any, k: Any) -> Any:
    """log of n over k."""
    n, k = np.asarray(n, float), np.asarray(k, float)
    return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)


def level_cost(e: Int[np.ndarray, "B B"], b: Int[np.ndarray, " B"]) -> float:
    """Cost of a multigraph of groups, given groups of groups and the edges between those.

    All multigraphs with the given numbers of edges between upper groups are equally likely; an
    edge of group r with itself is allowed.
    """
    n = np.bincount(b)
    upper = merge_counts(e, b)
    slots = np.outer(n, n)
    slots[np.diag_indices_from(slots)] = n * (n + 1) // 2
    r, s = np.triu_indices(len(n))
    # Eq. (15)
    return float(log_binomial(slots[r, s] + upper[r, s] - 1, upper[r, s]).sum())


def merge_counts(e: Int[np.ndarray, "B B"], b: Int[np.ndarray, " B"]) -> Int[np.ndarray, "C C"]:
    """Edges between groups of groups; inside, each edge counts once."""
    Z = np.eye(b.max() + 1, dtype=np.int64)[b]
    twice = Z.T @ (e + np.diag(np.diag(e))) @ Z
    twice[np.diag_indices_from(twice)] //= 2
    return twice


def nested_description_length(
    W: Any,
    levels: Sequence[Any],
    degree_corrected: bool = False,
    weights: str | None = "exponential",
    alpha: float = 1.0,
    beta: float | None = None,
) -> float:
    """Description length with a hierarchy of groups in place of the flat prior of counts.

    Parameters
    ----------
    W, degree_corrected, weights, alpha, beta
        As in :func:`description_length`.
    levels : sequence of int arrays
        ``levels[0]`` groups the nodes, ``levels[l]`` the groups of ``levels[l - 1]``. The last one
        has one group, or a single group is put on top of it.
    """
    W = as_graph(W)
    if not len(levels):
        raise ValueError("levels must hold at least one partition, got none")
    b = as_labels(levels[0], "levels[0]", len(W))
    terms = description_terms(W, b, degree_corrected, weights, alpha, beta)
    return sum(terms.values()) - terms["counts"] + upper_cost(block_counts(W, b)[0], levels[1:])


def upper_cost(e: np.ndarray, levels: Sequence[Any]) -> float:
    """Cost of the counts ``e`` and of all partitions above them."""
    cost = 0.0
    for depth, given in enumerate([*levels, None], start=1):
        if given is None and len(e) == 1:
            break
        b = (
            np.zeros(len(e), dtype=np.int64)
            if given is None
            else as_labels(given, f"levels[{depth}]", len(e))
        )
        cost += level_cost(e, b) + partition_cost(np.bincount(b))
        e = merge_counts(e, b)
    return cost


def variation_of_information(a: Any, b: Any) -> float:
    """Distance of two partitions in nats: H(a given b) + H(b given a).

    Parameters
    ----------
    a, b : array-like of int, shape (n,)
    """
    a = np.asarray(a)
    if a.ndim != 1 or not len(a):
        raise ValueError(f"a must have shape (n,) with n >= 1, got shape {a.shape}")
    a, b = as_labels(a, "a", len(a)), as_labels(b, "b", len(a))
    joint = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(joint, (a, b), 1 / len(a))
    some = joint > 0
    p, q = joint.sum(axis=1, keepdims=True), joint.sum(axis=0)
    # Eq. (16)
    return float(
        -(
            joint
            * (
                np.log(joint / p, where=some, out=np.zeros_like(joint))
                + np.log(joint / q, where=some, out=np.zeros_like(joint))
            )
        ).sum()
    )
