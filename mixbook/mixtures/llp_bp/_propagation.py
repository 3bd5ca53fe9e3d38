"""Sum-product belief propagation on pairs and on whole bags."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.special import expit

from mixbook.core.validation import check_choice, check_integer, check_number
from mixbook.mixtures.llp_bp._bags import bag_order
from mixbook.mixtures.llp_bp._checks import as_bags, as_graph, as_points, as_vector
from mixbook.mixtures.llp_bp._gibbs import gibbs_potentials, strengths
from mixbook.mixtures.llp_bp._graph import knn_graph
from mixbook.mixtures.llp_bp._kernels import bag_round, pair_round

__all__ = ["BPResult", "bp_bags", "bp_marginals", "count_messages"]


@dataclass(frozen=True)
class BPResult:
    """What belief propagation has found.

    Attributes
    ----------
    marginals : float array of shape (n,)
        Estimates of :math:`P(y_i = 1)`, Eq. (7).
    log_odds : float array of shape (n,)
        Their logits, which still tell instances apart where the marginals round to 0 or 1.
    messages : float array of shape (P, 2)
        Log-ratios; ``[p, 0]`` goes to the first instance of pair p and ``[p, 1]`` to the second.
    bag_messages : float array of shape (n,)
        From its bag to each instance; zeros where bags were written out as pairs.
    n_iter : int
        Iterations done.
    residual : float
        Largest change that the last iteration wanted, before damping. Unless it is small, the
        marginals are those of a moment and not of a fixed point.
    """

    marginals: np.ndarray
    log_odds: np.ndarray
    messages: np.ndarray
    bag_messages: np.ndarray
    n_iter: int
    residual: float


def bp_marginals(
    u: Any,
    pair_index: Any,
    pair_w: Any,
    n_iter: int = 100,
    damping: float = 0.5,
    tol: float = 0.0,
    start: str = "zero",
) -> BPResult:
    """Marginals of :math:`P(y) \\propto \\exp(\\sum_i u_i y_i + \\sum_{ij} w_{ij} y_i y_j)`.

    Synchronous. Exact on graphs without cycles; O(P) an iteration.

    Parameters
    ----------
    u : array-like of shape (n,)
    pair_index : int array-like of shape (P, 2)
    pair_w : array-like of shape (P,)
    n_iter : int
        Most iterations.
    damping : float
        Share of the old message that is kept, in [0, 1).
    tol : float
        Stop when the residual is at most this; 0 runs all iterations unless nothing moves.
    start : {"zero", "ising"}
        First messages: 0, or Eq. (17), which favours neither label. On graphs without cycles
        both end at the same place.

    Returns
    -------
    BPResult

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, shape or range.
    """
    u = as_vector(u, "u")
    pairs, w = as_graph(pair_index, pair_w, len(u), "pair_index")
    return _propagate(u, pairs, w, None, _check_run(n_iter, damping, tol, start))


def bp_bags(
    Z_or_graph: Any,
    bag_id: Any,
    bag_count: Any,
    lam_bag: float,
    lam_sim: float,
    method: str = "pairwise",
    *,
    k: int = 5,
    length: float = 1.0,
    edge_rule: str = "all",
    n_iter: int = 100,
    damping: float = 0.5,
    tol: float = 0.0,
    start: str = "zero",
) -> BPResult:
    """Marginals of the Gibbs law of Eq. (1) by belief propagation.

    Parameters
    ----------
    Z_or_graph : array-like of shape (n, d), or (edges, weights)
        Covariates, of which :func:`~mixbook.mixtures.llp_bp.knn_graph` makes the graph, or a
        graph made already.
    bag_id, bag_count, lam_bag, lam_sim
        As in :func:`~mixbook.mixtures.llp_bp.log_gibbs`.
    method : {"pairwise", "cardinality"}
        The paper's :math:`b(b-1)/2` couplings in a bag of b, or one factor a bag, Eq. (8). The
        law is the same; the second is exact within a bag, and much cheaper for large bags.
    k, length
        Neighbours and the kernel's length, where covariates are given; see
        :func:`~mixbook.mixtures.llp_bp.knn_graph`.
    edge_rule : {"all", "low_count"}
        "low_count" keeps the neighbours of instances from bags with at most one 1 only, as the
        authors' code does. It needs covariates.
    n_iter, damping, tol, start
        As in :func:`bp_marginals`. Messages of whole bags always start at 0.

    Returns
    -------
    BPResult

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, shape or range.
    """
    ids, counts = as_bags(bag_id, bag_count)
    check_choice(method, "method", ("pairwise", "cardinality"))
    check_choice(edge_rule, "edge_rule", ("all", "low_count"))
    lam_bag = check_number(lam_bag, "lam_bag", low=0)
    lam_sim = check_number(lam_sim, "lam_sim", low=0)
    run = _check_run(n_iter, damping, tol, start)
    if isinstance(Z_or_graph, tuple) and len(Z_or_graph) == 2:
        if edge_rule != "all":
            raise ValueError('edge_rule "low_count" needs covariates, got a graph')
        edges, weights = as_graph(*Z_or_graph, len(ids))
    else:
        Z = as_points(Z_or_graph, "Z_or_graph")
        if len(Z) != len(ids):
            raise ValueError(f"Z_or_graph must have {len(ids)} rows, as bag_id, got {len(Z)}")
        sources = None if edge_rule == "all" else counts[ids] <= 1
        edges, weights = knn_graph(Z, k, length=length, sources=sources)
    if method == "pairwise":
        u, pairs, w = gibbs_potentials(edges, weights, ids, counts, lam_bag, lam_sim)
        return _propagate(u, pairs, w, None, run)
    u = -lam_sim * strengths(edges, weights, len(ids))  # Eq. (2) without the bags
    bags = None if lam_bag == 0 else (*bag_order(ids), counts, lam_bag)
    return _propagate(u, edges, 2 * lam_sim * weights, bags, run)


def count_messages(c: Any, bag_id: Any, bag_count: Any, lam_bag: float) -> Float[np.ndarray, " n"]:
    """Eq. (8): what the count of its bag tells each instance, given what the others say.

    Laws of partial counts go up a binary tree, Eq. (11), and the factor comes down, Eq. (12). A
    tilt, Eq. (9), first puts the law where the factor is, so that nothing is lost to rounding and
    both ends of each law can be cut at :math:`10^{-30}`. What is left of a law over b instances
    has a width of :math:`O(\\sqrt b)`, hence O(b log b) for a bag where b is large, and at most
    O(b^2).

    Parameters
    ----------
    c : array-like of shape (n,)
        Log-odds of each instance without its bag's message.
    bag_id, bag_count
        As in :func:`~mixbook.mixtures.llp_bp.log_gibbs`.
    lam_bag : float
        Positive.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, shape or range.
    """
    ids, counts = as_bags(bag_id, bag_count)
    c = as_vector(c, "c", len(ids))
    lam_bag = check_number(lam_bag, "lam_bag", low=0, low_open=True)
    out, waste = np.zeros(len(c)), np.zeros(len(c))
    order, start = bag_order(ids)
    bag_round(c, order, start, counts, lam_bag, np.zeros(len(counts)), out, 0.0, waste)
    return out


def _check_run(
    n_iter: int, damping: float, tol: float, start: str
) -> tuple[int, float, float, str]:
    return (
        check_integer(n_iter, "n_iter", low=1),
        check_number(damping, "damping", low=0, high=1, high_open=True),
        check_number(tol, "tol", low=0),
        check_choice(start, "start", ("zero", "ising")),
    )


def _propagate(
    u: np.ndarray,
    pairs: np.ndarray,
    w: np.ndarray,
    bags: tuple | None,
    run: tuple[int, float, float, str],
) -> BPResult:
    n_iter, damping, tol, start = run
    # Eq. (17)
    messages = np.repeat(w[:, None] / 2 if start == "ising" else np.zeros((len(w), 1)), 2, axis=1)
    bag_messages, theta = np.zeros(len(u)), np.zeros(0 if bags is None else len(bags[2]))
    total, next_total = u + strengths(pairs, messages[:, 0], len(u)), np.empty_like(u)
    step = 0
    while step < n_iter:
        step += 1
        next_total[:] = u
        residual = pair_round(total, pairs, w, messages, damping, next_total)
        if bags is not None:
            moved = bag_round(total, *bags, theta, bag_messages, damping, next_total)
            residual = max(residual, moved)
        total, next_total = next_total, total
        if residual <= tol:
            break
    # Eq. (7)
    return BPResult(expit(total), total, messages, bag_messages, step, float(residual))
