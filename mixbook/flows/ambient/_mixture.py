"""Theory in a model that can be solved: a k-atomic law seen through noise of mixed levels."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.optimize import least_squares
from scipy.special import eval_hermitenorm, logsumexp
from sklearn.base import BaseEstimator
from sklearn.cluster import kmeans_plusplus
from sklearn.utils.validation import check_is_fitted

from mixbook.core.seeds import as_rng
from mixbook.core.validation import as_matrix, check_choice, check_integer, check_number

__all__ = [
    "HeteroscedasticGMM",
    "denoised_moments",
    "effective_sample_sizes",
    "error_rate",
    "fisher_information_atoms",
    "fit_atoms_1d",
    "spectral_subspace",
]

Vector = Float[np.ndarray, " n"]
Matrix = Float[np.ndarray, "n d"]
INITS = ("spectral", "random")
SHORT = 30  # EM iterations of each start, before the best goes on


def effective_sample_sizes(sigma: Any, k: int) -> tuple[float, float]:
    r"""How many clean samples a set of noisy ones is worth, for two tasks, Eq. (15).

    Parameters
    ----------
    sigma : array-like of shape (n,)
        Noise of each sample, at least 0, in units of the size of the problem.
    k : int
        Number of atoms.

    Returns
    -------
    n_d : float
        For finding the subspace of the atoms: a sample counts :math:`\min(1,\sigma^{-4})`.
    n_l : float
        For finding the atoms within it: a sample counts :math:`\min(1,\sigma^{-(4k-2)})`.
    """
    k = check_integer(k, "k", low=1)
    levels = _as_levels(sigma, low_open=False)
    # Eq. (15)
    return float(_discount(levels, 4).sum()), float(_discount(levels, 4 * k - 2).sum())


def error_rate(sigma: Any, d: int, k: int) -> tuple[float, float]:
    """The two terms of the minimax rate in W1, up to constants and logarithms, Eq. (16).

    Parameters
    ----------
    sigma : array-like of shape (n,)
    d, k : int
        Dimension and number of atoms.

    Returns
    -------
    subspace, fine : float
        ``(d / n_d) ** (1/4)`` and ``n_l ** (-1 / (4k - 2))``.
    """
    d = check_integer(d, "d", low=1)
    n_d, n_l = effective_sample_sizes(sigma, k)
    # Eq. (16)
    return (d / n_d) ** 0.25, n_l ** (-1 / (4 * k - 2))


def spectral_subspace(X: Any, sigma: Any, k: int) -> Float[np.ndarray, "d k"]:
    """Basis of the leading subspace of the weighted second moment without noise, Eq. (14).

    Parameters
    ----------
    X : array-like of shape (n, d)
    sigma : float or array-like of shape (n,)
    k : int
        At most d.
    """
    x, levels = _as_samples(X, sigma)
    k = check_integer(k, "k", low=1, high=x.shape[1])
    w = _discount(levels, 4)
    w /= w.sum()
    # Eq. (14)
    C = (w[:, None] * x).T @ x - (w @ levels**2) * np.eye(x.shape[1])
    return np.linalg.eigh(C)[1][:, ::-1][:, :k]


class HeteroscedasticGMM(BaseEstimator):
    """Atoms and weights from samples with isotropic Gaussian noise of known, different levels.

    Maximum likelihood by EM. A sample with little noise pulls harder on the atoms: its weight in a
    mean is its responsibility over its variance.

    Parameters
    ----------
    n_components : int
        Number of atoms k.
    n_init : int
        Starts; the one with the best likelihood after 30 iterations goes on.
    init : {"spectral", "random"}
        Starts are k-means++ draws among the samples with least noise. ``"spectral"`` tries them on
        projections on the leading k directions of Eq. (14) and lifts the best result, from which EM
        goes on in all dimensions; ``"random"`` works in the full space at once.
    max_iter : int
        EM iterations of the last run.
    tol : float
        Stop when the mean log-likelihood gains less than this.
    random_state : int, numpy.random.Generator or None

    Attributes
    ----------
    means_ : float array of shape (k, d)
    weights_ : float array of shape (k,)
    log_likelihood_ : float
        Mean over samples.
    history_ : float array
        Mean log-likelihood before each iteration of the last run.
    n_iter_ : int
    converged_ : bool
    n_features_in_ : int
    """

    def __init__(
        self,
        n_components: int = 2,
        n_init: int = 4,
        init: str = "spectral",
        max_iter: int = 500,
        tol: float = 1e-7,
        random_state: int | np.random.Generator | None = None,
    ) -> None:
        self.n_components, self.n_init, self.init = n_components, n_init, init
        self.max_iter, self.tol, self.random_state = max_iter, tol, random_state

    def fit(self, X: Any, sigma: Any) -> HeteroscedasticGMM:
        """Fit to rows of ``X`` with noise levels ``sigma``.

        Parameters
        ----------
        X : array-like of shape (n, d)
        sigma : float or array-like of shape (n,)
            Positive: a sample without any noise would be an atom by itself.

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong kind, shape or range, or there are fewer rows than atoms.
        """
        k = check_integer(self.n_components, "n_components", low=1)
        n_init = check_integer(self.n_init, "n_init", low=1)
        check_integer(self.max_iter, "max_iter", low=1)
        check_number(self.tol, "tol", low=0)
        check_choice(self.init, "init", INITS)
        x, levels = _as_samples(X, sigma, min_rows=k)
        rng = as_rng(self.random_state)
        U = spectral_subspace(x, levels, k) if self.init == "spectral" and k < x.shape[1] else None
        reduced = x if U is None else x @ U
        starts = [_draw_start(reduced, levels, k, rng) for _ in range(n_init)]
        even = np.full(k, 1 / k)
        short = min(SHORT, self.max_iter)
        runs = [_em(reduced, levels, start, even, short, self.tol) for start in starts]
        means, weights, _ = max(runs, key=lambda run: run[2][-1])
        if U is not None:
            means = means @ U.T
        self.means_, self.weights_, history = _em(
            x, levels, means, weights, self.max_iter, self.tol
        )
        self.history_, self.log_likelihood_ = history, float(history[-1])
        self.n_iter_, self.converged_ = len(history) - 1, len(history) <= self.max_iter
        self.n_features_in_ = x.shape[1]
        return self

    def predict_proba(self, X: Any, sigma: Any) -> Float[np.ndarray, "n k"]:
        """Probability of each atom given each row."""
        joint = self._joint(X, sigma)
        return np.exp(joint - logsumexp(joint, axis=1, keepdims=True))

    def predict(self, X: Any, sigma: Any) -> Int[np.ndarray, " n"]:
        """The most probable atom of each row."""
        return self._joint(X, sigma).argmax(axis=1)

    def score(self, X: Any, sigma: Any) -> float:
        """Mean log-likelihood of the rows."""
        return float(logsumexp(self._joint(X, sigma), axis=1).mean())

    def _joint(self, X: Any, sigma: Any) -> Float[np.ndarray, "n k"]:
        check_is_fitted(self, "means_")
        x, levels = _as_samples(X, sigma, n_columns=self.n_features_in_)
        return _log_joint(x, levels, self.means_, self.weights_)


def _log_joint(
    x: Matrix, sigma: Vector, means: Float[np.ndarray, "k d"], weights: Float[np.ndarray, " k"]
) -> Float[np.ndarray, "n k"]:
    """log of w_k N(x_i | mu_k, sigma_i^2 I)."""
    square = (x**2).sum(1)[:, None] - 2 * x @ means.T + (means**2).sum(1)
    variance = (sigma**2)[:, None]
    with np.errstate(divide="ignore"):  # an atom may lose all its weight
        log_weights = np.log(weights)
    return log_weights - 0.5 * square / variance - 0.5 * x.shape[1] * np.log(2 * np.pi * variance)


def _em(
    x: Matrix,
    sigma: Vector,
    means: Float[np.ndarray, "k d"],
    weights: Float[np.ndarray, " k"],
    max_iter: int,
    tol: float,
) -> tuple[Float[np.ndarray, "k d"], Float[np.ndarray, " k"], Float[np.ndarray, " t"]]:
    """Means, weights, and the mean log-likelihood before each iteration and after the last."""
    precision, history = (1 / sigma**2)[:, None], []
    for _ in range(max_iter + 1):
        joint = _log_joint(x, sigma, means, weights)
        highest = joint.max(axis=1, keepdims=True)
        r = np.exp(joint - highest)
        total = r.sum(axis=1, keepdims=True)
        history.append(float((highest + np.log(total)).mean()))
        stalled = len(history) > 1 and history[-1] - history[-2] < tol
        if stalled or len(history) > max_iter:
            break
        # Eq. (12)
        r /= total
        # Eq. (13)
        pull = r * precision
        mass = pull.sum(axis=0)[:, None]
        means = np.where(mass > 0, pull.T @ x / np.maximum(mass, 1e-300), means)
        weights = r.mean(axis=0)
    return means, weights, np.array(history)


def _draw_start(
    x: Matrix, sigma: Vector, k: int, rng: np.random.Generator
) -> Float[np.ndarray, "k d"]:
    """k spread-out samples among those with the least noise."""
    order = rng.permutation(len(x))  # ties come in any order
    pool = order[np.argsort(sigma[order], kind="stable")][: max(10 * k, len(x) // 100)]
    return kmeans_plusplus(x[pool], k, random_state=int(rng.integers(2**31)))[0]


def fisher_information_atoms(
    atoms: Any, weights: Any, sigma: float
) -> Float[np.ndarray, "two_k_less_1 two_k_less_1"]:
    r"""Information of one noisy sample about atoms and weights on a line, Eq. (17).

    Parameters
    ----------
    atoms, weights : array-like of shape (k,)
        Weights are positive and sum to one.
    sigma : float
        Noise, positive.

    Returns
    -------
    float array of shape (2k - 1, 2k - 1)
        Of the parameters :math:`a_1..a_k, w_1..w_{k-1}`, by quadrature on 4,001 points.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong kind, shape or range.
    """
    score, p, step = _scores(atoms, weights, sigma)
    # Eq. (17)
    return (score * p) @ score.T * step


def _scores(
    atoms: Any, weights: Any, sigma: float
) -> tuple[Float[np.ndarray, "m g"], Float[np.ndarray, " g"], float]:
    """Gradient of log p in each parameter on a grid, the density there, and the grid's step."""
    sigma = check_number(sigma, "sigma", low=0, low_open=True)
    a = as_matrix(np.asarray(atoms)[:, None], "atoms", dtype=torch.float64, n_columns=1).numpy()
    w = as_matrix(np.asarray(weights)[:, None], "weights", dtype=torch.float64, n_columns=1).numpy()
    if w.shape != a.shape or (w <= 0).any() or abs(w.sum() - 1) > 1e-8:
        raise ValueError(f"weights must be {len(a)} positive numbers of sum one, got {w[:, 0]}")
    x, step = np.linspace(-1, 1, 4001, retstep=True)
    reach = np.abs(a).max() + 10 * sigma
    x, step = reach * x, reach * step
    joint = np.log(w) - 0.5 * ((x - a) / sigma) ** 2 - np.log(sigma * np.sqrt(2 * np.pi))
    log_p = logsumexp(joint, axis=0)
    r = np.exp(joint - log_p)  # of each atom, also where the density underflows
    ratio = r / w
    score = np.concatenate([r * (x - a) / sigma**2, ratio[:-1] - ratio[-1]])
    return score, np.exp(log_p), float(step)


def denoised_moments(x: Any, sigma: Any, k: int) -> Float[np.ndarray, " two_k_less_1"]:
    r"""Unbiased moments :math:`E[\mu^r]`, r = 1..2k-1, of the clean law on a line, Eq. (20).

    :math:`E[\sigma^r He_r((\mu + \sigma z)/\sigma)] = \mu^r` with Hermite polynomials; samples are
    weighted as they count for the highest moment, by :math:`\min(1, \sigma^{-(4k-2)})`.

    Parameters
    ----------
    x : array-like of shape (n,)
    sigma : float or array-like of shape (n,)
        Positive.
    k : int
    """
    return _moments_with_errors(x, sigma, k)[0]


def _moments_with_errors(
    x: Any, sigma: Any, k: int
) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    k = check_integer(k, "k", low=1)
    rows, levels = _as_samples(np.asarray(x)[:, None], sigma)
    r = np.arange(1, 2 * k)[:, None]
    w = _discount(levels, 4 * k - 2)
    w /= w.sum()
    # Eq. (20)
    terms = levels**r * eval_hermitenorm(r, rows[:, 0] / levels)
    moments = terms @ w
    return moments, np.sqrt((terms - moments[:, None]) ** 2 @ w**2)


def fit_atoms_1d(
    x: Any,
    sigma: Any,
    k: int,
    n_starts: int = 8,
    random_state: int | np.random.Generator | None = None,
) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """The k-atomic law on a line whose first 2k-1 moments are nearest to the denoised ones.

    Distances are in standard errors of each moment; weights are a softmax, so the answer is always
    a law, which a plain inversion of noisy moments need not be.

    Parameters
    ----------
    x : array-like of shape (n,)
    sigma : float or array-like of shape (n,)
    k : int
    n_starts : int
        Starts of the search, atoms drawn uniformly over the range that the moments suggest.
    random_state : int, numpy.random.Generator or None

    Returns
    -------
    atoms, weights : float array of shape (k,)
        Sorted by atom.
    """
    target, error = _moments_with_errors(x, sigma, k)
    n_starts = check_integer(n_starts, "n_starts", low=1)
    rng, r = as_rng(random_state), np.arange(1, 2 * k)[:, None]
    spread = np.sqrt(max(target[1] - target[0] ** 2, 1e-4)) if k > 1 else 1.0

    def gaps(theta: Float[np.ndarray, " p"]) -> Float[np.ndarray, " m"]:
        return ((theta[:k] ** r) @ _softmax(theta[k:]) - target) / np.maximum(error, 1e-12)

    def start() -> Float[np.ndarray, " p"]:
        atoms = target[0] + 2 * spread * np.sort(rng.uniform(-1, 1, k))
        return np.concatenate([atoms, np.zeros(k - 1)])

    fits = [least_squares(gaps, start(), max_nfev=200) for _ in range(n_starts)]
    theta = min(fits, key=lambda fit: fit.cost).x
    order = theta[:k].argsort()
    return theta[:k][order], _softmax(theta[k:])[order]


def _softmax(free: Float[np.ndarray, " p"]) -> Float[np.ndarray, " k"]:
    logits = np.append(free, 0.0)
    w = np.exp(logits - logits.max())
    return w / w.sum()


def _discount(sigma: Vector, power: int) -> Vector:
    return np.maximum(sigma, 1.0) ** -float(power)


def _as_samples(
    X: Any, sigma: Any, min_rows: int = 1, n_columns: int | None = None
) -> tuple[Matrix, Vector]:
    x = as_matrix(X, "X", dtype=torch.float64, min_rows=min_rows, n_columns=n_columns).numpy()
    levels = _as_levels(sigma)
    if len(levels) not in (1, len(x)) or (np.ndim(sigma) and len(levels) != len(x)):
        raise ValueError(f"sigma must be a number or have {len(x)} entries, got {len(levels)}")
    return x, np.ascontiguousarray(np.broadcast_to(levels, (len(x),)))


def _as_levels(sigma: Any, low_open: bool = True) -> Vector:
    table = as_matrix(np.reshape(np.asarray(sigma), (-1, 1)), "sigma", dtype=torch.float64)
    levels = table.numpy()[:, 0]
    if not ((levels > 0) if low_open else (levels >= 0)).all():
        raise ValueError(f"sigma must be {'> 0' if low_open else '>= 0'}, got {levels.min()}")
    return levels
