"""The toy problem whose intrinsic dimension is known: groups of coordinates with given sums."""

import numpy as np
from jaxtyping import Float

from mixbook.core.validation import check_integer

__all__ = ["toy_problem", "toy_solve"]


def toy_problem(
    D: int = 1000, groups: int = 10
) -> tuple[Float[np.ndarray, "groups D"], Float[np.ndarray, " groups"]]:
    """A linear problem in R^D with solution set of dimension ``D - groups``.

    The D coordinates fall into ``groups`` blocks of equal size; block k must sum to k.

    Returns
    -------
    S : ndarray of shape (groups, D)
        Row k-1 adds up block k: ``S theta`` are the blocks' sums.
    target : ndarray of shape (groups,)
        1, 2, ..., groups.

    Raises
    ------
    ValueError
        If D is not a positive multiple of ``groups``.

    Examples
    --------
    >>> S, target = toy_problem(D=6, groups=3)
    >>> S[1].tolist(), target.tolist()
    ([0.0, 0.0, 1.0, 1.0, 0.0, 0.0], [1.0, 2.0, 3.0])
    """
    groups = check_integer(groups, "groups", low=1)
    D = check_integer(D, "D", low=1)
    if D % groups:
        raise ValueError(f"D must be a multiple of groups={groups}, got {D}")
    S = np.repeat(np.eye(groups), D // groups, axis=1)
    return S, np.arange(1.0, groups + 1)


def toy_solve(
    S: Float[np.ndarray, "groups D"],
    target: Float[np.ndarray, " groups"],
    theta0: Float[np.ndarray, " D"],
    P: Float[np.ndarray, "D d"],
) -> tuple[float, float]:
    """The best that the subspace ``theta0 + P t`` can do on the toy problem.

    The loss, Eq. (9), is quadratic in t, so Eq. (10) is a least-squares problem: no training,
    and no doubt whether a failure is the subspace's or the optimiser's.

    Returns
    -------
    loss : float
        The smallest value of Eq. (9) in the subspace, at least 0.
    performance : float
        ``exp(-loss)``, between 0 and 1.

    Raises
    ------
    ValueError
        If the shapes do not fit together.
    """
    S, target, theta0, P = (np.asarray(a, dtype=float) for a in (S, target, theta0, P))
    _check_shapes(S, target, theta0, P)
    gap = target - S @ theta0
    # Eq. (10)
    t = np.linalg.lstsq(S @ P, gap, rcond=None)[0]
    # Eq. (9)
    loss = float(np.sum((target - S @ (theta0 + P @ t)) ** 2))
    return loss, float(np.exp(-loss))


def _check_shapes(S: np.ndarray, target: np.ndarray, theta0: np.ndarray, P: np.ndarray) -> None:
    if S.ndim != 2:
        raise ValueError(f"S must have shape (groups, D), got {S.shape}")
    groups, D = S.shape
    if target.shape != (groups,):
        raise ValueError(f"target must have shape ({groups},), got {target.shape}")
    if theta0.shape != (D,):
        raise ValueError(f"theta0 must have shape ({D},), got {theta0.shape}")
    if P.ndim != 2 or P.shape[0] != D or P.shape[1] < 1:
        raise ValueError(f"P must have shape ({D}, d) with d >= 1, got {P.shape}")
    if not all(np.isfinite(a).all() for a in (S, target, theta0, P)):
        raise ValueError("S, target, theta0 and P must be finite")
