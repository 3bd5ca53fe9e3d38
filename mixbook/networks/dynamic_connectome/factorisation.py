"""Non-negative CP: a tensor as a sum of few rank-one parts, all of them non-negative."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy.optimize import linear_sum_assignment
from sklearn.base import BaseEstimator

from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_choice, check_integer, check_number
from mixbook.networks.dynamic_connectome._checks import as_mask, as_real

__all__ = ["ALGORITHMS", "NonnegativeCP", "cosines", "factor_match_score", "hals_update"]
__all__ += ["select_rank"]

ALGORITHMS = ("hals", "mu")
EPS = 1e-16
TINY = 1e-37  # smallest curvature; a column without curvature stays


class Run(NamedTuple):
    """One start: time, animal and pair factors, and the relative error after each sweep."""

    factors: list[np.ndarray]
    errors: list[float]


class NonnegativeCP(BaseEstimator):
    r"""Non-negative CP decomposition of a (time, animal, pair) tensor.

    .. math:: X_{twp} \approx \sum_r f^t_{tr} f^w_{wr} f^p_{pr}, \qquad f \ge 0,

    with the smallest squared error over the entries that were observed. Time and animal factors
    have unit norm, the pair factor keeps the scale; components come with the largest first.

    Parameters
    ----------
    rank : int
        Number of components R.
    n_init : int
        Random starts, of which the best is kept. Without missing entries they run side by side.
    max_iter : int
        Sweeps a start.
    tol : float
        Stop when the relative error changes by less.
    algorithm : str
        ``"hals"``, exact minimum for one column at a time; or ``"mu"``, multiplicative updates.
    dtype : str
        ``"float64"``, or ``"float32"``, which takes half the time; then ``tol`` should be 1e-5 at
        least.
    random_state : int, numpy.random.Generator or None

    Attributes
    ----------
    factors_ : list of three arrays, (T, R), (W, R) and (P, R)
    weights_ : array of shape (R,)
        Norms of the columns of the pair factor.
    rel_error_ : float
        \|\|X - model\|\| / \|\|X\|\| over observed entries.
    errors_ : list of float
        The relative error after each sweep of the best start.
    runs_ : list of Run
        All starts, the best first.
    """

    def __init__(
        self,
        rank: int,
        n_init: int = 10,
        max_iter: int = 500,
        tol: float = 1e-6,
        algorithm: str = "hals",
        dtype: str = "float64",
        random_state: int | np.random.Generator | None = None,
    ) -> None:
        self.rank = rank
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.algorithm = algorithm
        self.dtype = dtype
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, *, mask: Any = None) -> NonnegativeCP:
        """Factorise.

        Parameters
        ----------
        X : array-like of shape (T, W, P)
            Non-negative where observed; anything elsewhere.
        y : ignored
        mask : array-like of bool, broadcastable to (T, W, P), optional
            False where an entry is missing, e.g. :func:`pair_mask`.

        Raises
        ------
        TypeError, ValueError
            If X is not of that shape, not finite, negative or zero everywhere, or a parameter is
            out of range.
        """
        tensor, known = _checked(X, mask)
        self._check_parameters()
        tensor = tensor.astype(self.dtype)
        rng = as_rng(self.random_state)
        runs = _starts(
            tensor, known, self.rank, self.n_init, rng,
            max_iter=self.max_iter, tol=self.tol, algorithm=self.algorithm,
        )  # fmt: skip
        self.runs_ = sorted(runs, key=lambda run: run.errors[-1])
        self.factors_, self.errors_ = self.runs_[0]
        self.weights_ = np.linalg.norm(self.factors_[2], axis=0)
        self.rel_error_ = self.errors_[-1]
        return self

    def _check_parameters(self) -> None:
        for name in ("rank", "n_init", "max_iter"):
            check_integer(getattr(self, name), name, low=1)
        check_number(self.tol, "tol", low=0)
        check_choice(self.algorithm, "algorithm", ALGORITHMS)
        check_choice(self.dtype, "dtype", ("float32", "float64"))

    def reconstruct(self) -> Float[np.ndarray, "T W P"]:
        """The model's tensor."""
        # Eq. (4)
        time, animal, pair = self.factors_
        return (_khatri_rao(time, animal) @ pair.T).reshape(len(time), len(animal), len(pair))


def _checked(X: Any, mask: Any) -> tuple[np.ndarray, np.ndarray | None]:
    tensor = as_real(X, "X", "(T, W, P)", finite=mask is None)
    known = None
    if mask is not None:
        known = as_mask(mask, "mask", tensor.shape)
        if not np.isfinite(tensor[known]).all():
            raise ValueError("X must be finite where mask is True, got NaN or infinite entries")
        tensor = np.where(known, tensor, 0.0)
        known = None if known.all() else known
    if tensor.min() < 0:
        raise ValueError(f"X must be >= 0, got an entry {tensor.min():g}")
    if not tensor.any():
        raise ValueError("X must have an entry > 0, got zeros only")
    return tensor, known


def _side_by_side(stack: np.ndarray) -> np.ndarray:
    """(S, n, R) as one matrix (n, S R), so that one product with X serves all starts."""
    return np.concatenate(list(stack), axis=1)


def _apart(matrix: np.ndarray, starts: int) -> np.ndarray:
    """The way back: (n, S R) as (S, n, R)."""
    return matrix.reshape(len(matrix), starts, -1).transpose(1, 0, 2)


def _khatri_rao(time: np.ndarray, animal: np.ndarray) -> np.ndarray:
    """(T W, R): row (t, w) is the product of row t and row w."""
    return (time[:, None] * animal).reshape(-1, time.shape[1])


def _gram(F: np.ndarray) -> np.ndarray:
    return F.swapaxes(1, 2) @ F


def _starts(
    tensor: np.ndarray, known: np.ndarray | None, rank: int, n_init: int, rng: np.random.Generator,
    **rest: Any,
) -> list[Run]:  # fmt: skip
    """Random starts side by side; with missing entries one by one, as each fills its own X."""
    X = tensor.reshape(-1, tensor.shape[2])
    drawn = [[rng.random((n, rank)).astype(X.dtype) for n in tensor.shape] for _ in range(n_init)]
    stacks = [np.stack(factor) for factor in zip(*drawn)]
    if known is None:
        return _descend(X, None, stacks, **rest)
    hidden = ~known.reshape(X.shape)
    return [
        run
        for at in range(n_init)
        for run in _descend(X.copy(), hidden, [f[at : at + 1] for f in stacks], **rest)
    ]


def _descend(
    X: np.ndarray,
    hidden: np.ndarray | None,
    factors: list[np.ndarray],
    max_iter: int,
    tol: float,
    algorithm: str,
) -> list[Run]:
    """Sweep until each start stands still; ``factors`` are stacks (S, n, R) and X is (T W, P)."""
    norm, starts = float(np.linalg.norm(X)), len(factors[0])
    _scale_and_fill(X, hidden, factors)
    update = hals_update if algorithm == "hals" else multiplicative_update
    errors: list[list[float]] = [[] for _ in range(starts)]
    live = np.arange(starts)
    for _ in range(max_iter):
        part = [f[live] for f in factors]
        for start, error in zip(live, _sweep(X, norm, part, hidden, update)):
            errors[start].append(float(error) / norm)
        for whole, f in zip(factors, part):
            whole[live] = f
        live = np.array([s for s in live if not _still(errors[s], tol)], dtype=int)
        if not len(live):
            break
    return [_sorted_run([f[s] for f in factors], errors[s]) for s in range(starts)]


def _still(errors: list[float], tol: float) -> bool:
    return len(errors) > 1 and abs(errors[-2] - errors[-1]) < tol


def _sorted_run(factors: list[np.ndarray], errors: list[float]) -> Run:
    order = np.argsort(-np.linalg.norm(factors[2], axis=0), kind="stable")
    return Run([f[:, order] for f in factors], errors)


def _scale_and_fill(X: np.ndarray, hidden: np.ndarray | None, factors: list[np.ndarray]) -> None:
    """Give each random model the scale of X, and the hidden entries of X the model's values."""
    time, animal, pair = factors
    rows = _khatri_rao(_side_by_side(time), _side_by_side(animal))
    fit = _apart(X.T @ rows, len(pair)) * pair
    square = (_gram(time) * _gram(animal) * _gram(pair)).sum(axis=(1, 2))
    pair *= (np.maximum(fit.sum(axis=(1, 2)), EPS) / square)[:, None, None]
    if hidden is not None:
        X[hidden] = (rows @ pair[0].T)[hidden]


def _sweep(
    X: np.ndarray, norm: float, factors: list[np.ndarray], hidden: np.ndarray | None, update: Any
) -> np.ndarray:
    """Update all three factors of all starts in place; the error of each over observed entries.

    One product with X serves the time and the animal factor, a second one the pair factor.
    """
    time, animal, pair = factors
    starts = len(pair)
    Y = (X @ _side_by_side(pair)).reshape(time.shape[1], animal.shape[1], -1)
    inner = _gram(pair)
    M = _apart((Y * _side_by_side(animal)).sum(axis=1), starts)
    time = update(time, M, _gram(animal) * inner)
    M = _apart((Y * _side_by_side(time)[:, None]).sum(axis=0), starts)
    animal = update(animal, M, _gram(time) * inner)
    time, animal, pair = _normalise(time, animal, pair)
    rows = _khatri_rao(_side_by_side(time), _side_by_side(animal))
    gram = _gram(time) * _gram(animal)
    M = _apart(X.T @ rows, starts)
    pair = update(pair, M, gram)
    factors[:] = [time, animal, pair]
    if hidden is None:
        square = norm**2 - 2 * (M * pair).sum(axis=(1, 2)) + (gram * _gram(pair)).sum(axis=(1, 2))
        return np.sqrt(np.maximum(square, 0.0))
    model = rows @ pair[0].T
    # Eq. (7)
    X[hidden] = model[hidden]
    return np.array([np.linalg.norm(X - model)])


def _normalise(
    time: np.ndarray, animal: np.ndarray, pair: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    a, b = (np.linalg.norm(f, axis=1, keepdims=True) for f in (time, animal))
    return time / a, animal / b, pair * (a * b)


def hals_update(F: np.ndarray, M: np.ndarray, G: np.ndarray) -> np.ndarray:
    """Minimise over one column after the other, each at least 0, Eq. (5).

    Parameters
    ----------
    F : array of shape (n, R)
        The factor. All three may be stacks with the starts as first axis.
    M : array of shape (n, R)
        The tensor, unfolded along this mode, times the Khatri-Rao product of the other factors.
    G : array of shape (R, R)
        Entrywise product of the Gram matrices of the other factors.

    Returns
    -------
    array of the shape of ``F``
        A new array; the squared error is not larger than with ``F``.
    """
    F = F.copy()
    for r in range(F.shape[-1]):
        residual = M[..., r] - (F @ G[..., r, None])[..., 0]
        # Eq. (5)
        F[..., r] = np.maximum(EPS, F[..., r] + residual / np.maximum(G[..., r, r, None], TINY))
    return F


def multiplicative_update(F: np.ndarray, M: np.ndarray, G: np.ndarray) -> np.ndarray:
    """Scale each entry so that the error does not rise and no sign changes."""
    # Eq. (6)
    return np.maximum(EPS, F * (M / np.maximum(F @ G, EPS)))


def cosines(F1: Sequence[Any], F2: Sequence[Any]) -> Float[np.ndarray, "modes R S"]:
    """Cosine of each column of one model with each column of another, in each mode.

    Parameters
    ----------
    F1, F2 : sequences of arrays of shape (n_mode, R) and (n_mode, S)
    """
    if len(F1) != len(F2) or not len(F1):
        raise ValueError(f"F1 and F2 must have equally many modes, got {len(F1)} and {len(F2)}")
    found = []
    for mode, (a, b) in enumerate(zip(F1, F2)):
        a, b = as_real(a, f"F1[{mode}]", "(n, R)"), as_real(b, f"F2[{mode}]", "(n, R)")
        if len(a) != len(b):
            raise ValueError(
                f"F1[{mode}] and F2[{mode}] must have equally many rows, got {len(a)} and {len(b)}"
            )
        norms = np.linalg.norm(a, axis=0)[:, None] * np.linalg.norm(b, axis=0)
        found.append(np.divide(a.T @ b, norms, out=np.zeros_like(norms), where=norms > 0))
    return np.stack(found)


def factor_match_score(F1: Sequence[Any], F2: Sequence[Any]) -> float:
    """How alike two decompositions are, whatever the order and scale of their components.

    The product of the modes' cosines, averaged over the best one-to-one matching. With unequal
    ranks, components of the larger model stay alone and count as 0.

    Parameters
    ----------
    F1, F2 : sequences of arrays of shape (n_mode, R)

    Returns
    -------
    float
        1 for equal decompositions; non-negative factors give at least 0.
    """
    # Eq. (8)
    score = cosines(F1, F2).prod(axis=0)
    rows, columns = linear_sum_assignment(-score)
    return float(score[rows, columns].sum() / max(score.shape))


def select_rank(
    X: Any,
    ranks: Sequence[int] = tuple(range(1, 13)),
    n_init: int = 5,
    *,
    mask: Any = None,
    threshold: float = 0.9,
    max_iter: int = 500,
    tol: float = 1e-6,
    dtype: str = "float64",
    random_state: int | np.random.Generator | None = None,
) -> pd.DataFrame:
    """Fit several ranks from several starts: how small is the error, how stable the answer?

    Chosen is the largest rank whose starts agree, that is, whose median match with the best start
    is at least ``threshold``; if there is none, the elbow of the error.

    Parameters
    ----------
    X, mask
        As in :meth:`NonnegativeCP.fit`.
    ranks : sequence of int
    n_init : int
        Starts a rank, at least 2.

    Returns
    -------
    pandas.DataFrame
        Indexed by rank: ``rel_error`` (best start), ``match`` (median), ``chosen``.
    """
    wanted = sorted({check_integer(rank, "ranks", low=1) for rank in ranks})
    if not wanted:
        raise ValueError("ranks must hold at least one rank, got none")
    check_integer(n_init, "n_init", low=2)
    check_number(threshold, "threshold", low=0, high=1)
    rng, rows = as_rng(random_state), []
    for rank in wanted:
        cp = NonnegativeCP(rank, n_init, max_iter, tol, dtype=dtype, random_state=rng)
        cp.fit(X, mask=mask)
        match = [factor_match_score(cp.factors_, run.factors) for run in cp.runs_[1:]]
        rows.append((rank, cp.rel_error_, float(np.median(match))))
    table = pd.DataFrame(rows, columns=["rank", "rel_error", "match"]).set_index("rank")
    stable = table.index[table.match >= threshold]
    table["chosen"] = table.index == (stable.max() if len(stable) else _elbow(table.rel_error))
    return table


def _elbow(error: pd.Series) -> int:
    """The rank that lies farthest below the chord of the error curve."""
    x = np.asarray(error.index, float)
    slope = (error.iloc[-1] - error.iloc[0]) / max(x[-1] - x[0], 1.0)
    return int(error.index[np.argmax(error.iloc[0] + slope * (x - x[0]) - error)])
