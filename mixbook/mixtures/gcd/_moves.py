"""One round of split and merge moves on the components of a semi-supervised mixture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_integer, check_number
from mixbook.mixtures.gcd._checks import as_accept, as_labelled, as_points
from mixbook.mixtures.gcd._kmeans import best_of, nearest_center
from mixbook.mixtures.gcd._niw import NIWPrior, log_merge_ratio, log_split_ratio

__all__ = [
    "Proposal",
    "SplitMergeResult",
    "accept_move",
    "released_split_merge_step",
    "split_merge_step",
]


class Proposal(NamedTuple):
    """A move that was tried: the components, the log of its Hastings ratio, and the outcome."""

    kind: str
    clusters: tuple[int, ...]
    log_ratio: float
    accepted: bool


@dataclass(frozen=True)
class SplitMergeResult:
    """What one round of moves has made of the centres.

    Attributes
    ----------
    centers : array of shape (K, d)
        Those of the labelled classes first, in their order; then those kept, then the new ones.
    n_splits, n_merges : int
        Accepted moves.
    assign_u : int array of shape (n,)
        Nearest new centre of each unlabelled point.
    proposals : list of Proposal
        Every move that was scored; components are numbered as in the centres given.
    """

    centers: Float[np.ndarray, "K d"]
    n_splits: int
    n_merges: int
    assign_u: Int[np.ndarray, " n"]
    proposals: list[Proposal]


def accept_move(log_ratio: float, accept: str | float, rng: np.random.Generator) -> bool:
    """Accept a move with positive log ratio; any other by chance, Eq. (9).

    The chance is exp(log_ratio) for "mh", nil for "greedy", or a constant.
    """
    if log_ratio > 0:
        return True
    if accept == "greedy":
        return False
    # Eq. (9)
    chance = math.exp(log_ratio) if accept == "mh" else float(accept)
    return bool(rng.random() < chance)


class _Moves:
    """The components before the moves, and the tries made on them."""

    def __init__(
        self, X_u: Any, X_l: Any, y_l: Any, centers: Any, prior: NIWPrior, accept: Any,
        generator: Any, alpha: float, min_size: int, split_labelled: bool,
    ) -> None:  # fmt: skip
        self.X_u = as_points(X_u, "X_u")
        d = self.X_u.shape[1]
        self.X_l, self.codes, self.classes = as_labelled(X_l, y_l, d)
        self.centers = as_points(centers, "centers", d, min_rows=max(1, len(self.classes)))
        self.prior, self.accept, self.rng = prior, as_accept(accept), as_rng(generator)
        self.alpha = check_number(alpha, "alpha", low=0, low_open=True)
        self.min_size = check_integer(min_size, "min_size", low=1)
        self.n_classes = len(self.classes)
        self.first = 0 if split_labelled else self.n_classes  # the first that may move
        self.assign = nearest_center(self.X_u, self.centers)
        self.proposals: list[Proposal] = []

    def unlabelled(self, k: int) -> Float[np.ndarray, "n d"]:
        return self.X_u[self.assign == k]

    def labelled(self, k: int) -> Float[np.ndarray, "m d"]:
        return self.X_l[self.codes == k]

    def members(self, k: int) -> Float[np.ndarray, "n d"]:
        return np.vstack([self.labelled(k), self.unlabelled(k)])

    def attempt(self, kind: str, clusters: tuple[int, ...], log_ratio: float) -> bool:
        accepted = accept_move(log_ratio, self.accept, self.rng)
        self.proposals.append(Proposal(kind, clusters, log_ratio, accepted))
        return accepted

    def try_split(self, k: int) -> Float[np.ndarray, "2 d"] | None:
        """The two sub-centres if component k is split, else None.

        Sub-components come from 2-means on the members. Labelled ones all stay in the first.
        """
        new, old = self.unlabelled(k), self.labelled(k)
        if len(new) < 2 or len(new) + len(old) < 2 * (self.min_size + 1):
            return None  # one half would be too small, whatever the halves
        halves = best_of(new, old, np.zeros(len(old), dtype=np.int64), 2, 10, self.rng)
        X1 = np.vstack([old, new[halves.labels_u == 0]])
        X2 = new[halves.labels_u == 1]
        if min(len(X1), len(X2)) <= self.min_size:
            return None
        ratio = log_split_ratio(X1, X2, self.prior, self.alpha)
        return halves.centers if self.attempt("split", (k,), ratio) else None

    def merge_ratio(self, a: int, b: int) -> float:
        return log_merge_ratio(self.members(a), self.members(b), self.prior, self.alpha)

    def splits(self) -> dict[int, Float[np.ndarray, "2 d"]]:
        tried = {k: self.try_split(k) for k in range(self.first, len(self.centers))}
        return {k: centers for k, centers in tried.items() if centers is not None}

    def mergeable(self, splits: dict[int, Any]) -> list[int]:
        """Components that have members, were not split and may be merged."""
        ks = range(self.first, len(self.centers))
        return [k for k in ks if k not in splits and len(self.members(k))]

    def merges(self, splits: dict[int, Any]) -> dict[int, int]:
        """``{a: b}`` for each accepted merge of a, which no class owns, into its neighbour b.

        Close pairs are tried first, each pair once, and each component is in one merge at most.
        """
        free = self.mergeable(splits)
        if len(free) < 2:
            return {}
        at = self.centers[free]
        gap = np.linalg.norm(at[:, None] - at[None], axis=2)
        np.fill_diagonal(gap, np.inf)
        merged: dict[int, int] = {}
        tried: set[tuple[int, int]] = set()
        for i in np.argsort(gap.min(1), kind="stable"):
            j = int(gap[i].argmin())
            a, b = free[i], free[j]
            pair = (min(a, b), max(a, b))
            if a < self.n_classes or not np.isfinite(gap[i, j]) or pair in tried:
                continue
            tried.add(pair)
            if self.attempt("merge", pair, self.merge_ratio(a, b)):
                merged[a] = b
                gap[[i, j]] = gap[:, [i, j]] = np.inf
        return merged

    def result(self, centers: np.ndarray, n_splits: int, n_merges: int) -> SplitMergeResult:
        assign = nearest_center(self.X_u, centers)
        return SplitMergeResult(centers, n_splits, n_merges, assign, self.proposals)


def split_merge_step(
    X_u: Any,
    X_l: Any,
    y_l: Any,
    centers: Any,
    prior: NIWPrior,
    accept: str | float = "mh",
    generator: Any = None,
    *,
    alpha: float = 1.0,
    min_size: int = 5,
    split_labelled: bool = False,
) -> SplitMergeResult:
    """Try to split each component, and to merge those not split with their nearest neighbour.

    A split replaces a centre by its two sub-centres; a merge replaces two centres by the mean of
    their pooled members. Each component takes part in one accepted move at most. Unlabelled points
    then go to the nearest centre; labelled ones stay with their class.

    Parameters
    ----------
    X_u : array-like of shape (n, d)
    X_l, y_l : array-like of shapes (m, d) and (m,), or None
    centers : array-like of shape (K, d)
        The first belong to the classes of ``y_l`` in sorted order.
    prior : NIWPrior
    accept : {"mh", "greedy"} or float
        What happens to a move whose ratio is below one: it is accepted with probability of the
        ratio, never, or with this constant probability (0.1 in the authors' program).
    generator : int, numpy Generator or None
    alpha : float
        Concentration in Eq. (6).
    min_size : int
        Both halves of a split must be larger (5 as in the authors' program).
    split_labelled : bool
        An extension. The unlabelled members of a labelled component may be split off, and
        components without labels may be merged into it. By default labelled components are left
        alone, as in the paper.

    Returns
    -------
    SplitMergeResult

    Raises
    ------
    TypeError, ValueError
        If the input is malformed.
    """
    given = (X_u, X_l, y_l, centers, prior, accept, generator, alpha, min_size, split_labelled)
    moves = _Moves(*given)
    splits = moves.splits()
    merges = moves.merges(splits)
    C = moves.centers.copy()
    for k, halves in splits.items():
        C[k] = halves[0]
    for a, b in merges.items():
        C[b] = np.vstack([moves.members(a), moves.members(b)]).mean(0)
    kept = np.delete(C, list(merges), axis=0)
    new = [halves[1] for halves in splits.values()]
    return moves.result(np.vstack([kept, *new]), len(splits), len(merges))


def released_split_merge_step(
    X_u: Any,
    X_l: Any,
    y_l: Any,
    centers: Any,
    prior: NIWPrior,
    accept: str | float = 0.1,
    generator: Any = None,
    *,
    alpha: float = 1.0,
    min_size: int = 5,
) -> SplitMergeResult:
    """The moves with the bookkeeping of the authors' program, kept here to show its fault.

    A centre is kept if it belongs to a class, *or* was not split, *or* was not merged. Merged
    centres were not split, so they stay, and the midpoint of the pair is added, twice if both ask
    for it. Whatever is accepted, the number of components never falls. Arguments as in
    :func:`split_merge_step`.
    """
    moves = _Moves(X_u, X_l, y_l, centers, prior, accept, generator, alpha, min_size, False)
    splits = moves.splits()
    free = moves.mergeable(splits)
    C = moves.centers
    midpoints = []
    for a in free if len(free) > 1 else []:
        b = min((k for k in free if k != a), key=lambda k, a=a: np.linalg.norm(C[k] - C[a]))  # type: ignore[misc]
        if moves.attempt("merge", (a, b), moves.merge_ratio(a, b)):
            midpoints.append((C[a] + C[b]) / 2)
    kept = np.delete(C, list(splits), axis=0)
    return moves.result(
        np.vstack([kept, *splits.values(), *midpoints]), len(splits), len(midpoints)
    )
