"""Gravity and radiation: flows from populations and distances alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.special import softmax
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import PoissonRegressor
from sklearn.utils.validation import check_is_fitted

from mixbook.core.validation import check_choice
from mixbook.networks.commuters._checks import as_array, check_square
from mixbook.networks.commuters.data import CommuterData
from mixbook.networks.commuters.features import Folds, Pairs, check_data, pairs_of, positive
from mixbook.networks.commuters.geography import intervening_population
from mixbook.networks.commuters.measures import threshold_rule

__all__ = ["GravityModel", "physics_flows", "physics_links", "radiation_model"]

NEWTON_STEPS = 50


class GravityModel(BaseEstimator):
    """Gravity laws for flows.

    .. math:: F_{ij} = K \\, m_i^a \\, m_j^b \\, f(d_{ij}), \\qquad
              f(d) = d^{-g} \\ \\text{or}\\ e^{-d / l}

    and with ``constrained="production"`` the known outflow is shared out,

    .. math:: F_{ij} = O_i \\frac{m_j^b f(d_{ij})}{\\sum_{k \\ne i} m_k^b f(d_{ik})}.

    Parameters
    ----------
    deterrence : str
        "power" for d^-g, "exp" for exp(-d / l).
    method : str
        "ols": least squares of log F on pairs with flow (with an intercept for each origin if
        constrained). "poisson": maximum likelihood for Poisson counts, zeros included (PPML); if
        constrained, that is the multinomial choice of a destination.
    constrained : str or None
        None or "production".

    Attributes
    ----------
    coef_ : dict of str to float
        "log_constant" (natural log) and "origin" (a) unless constrained, "destination" (b), and
        "distance" (g, or 1 / l per km), which is positive where flows fall with distance.
    """

    def __init__(
        self, deterrence: str = "power", method: str = "ols", constrained: str | None = None
    ) -> None:
        self.deterrence = deterrence
        self.method = method
        self.constrained = constrained

    def fit(self, data: CommuterData, y: Any = None, *, pairs: Pairs | None = None) -> GravityModel:
        """Fit to the flows of ``data``, or only to those of ``pairs``.

        Parameters
        ----------
        data : CommuterData
        pairs : tuple of two int arrays, optional
            Training pairs (I, J); default all.

        Raises
        ------
        ValueError
            If a parameter is unknown, or there are too few flows for the number of coefficients.
        """
        self._check(data)
        I, J = pairs_of(data, pairs)
        flows, design = data.flows[I, J], self._design(data, I, J)
        if self.constrained:
            design = design[:, 1:]
        if (flows > 0).sum() <= design.shape[1]:
            raise ValueError(
                f"data must have more than {design.shape[1]} pairs with flow to fit a gravity law, "
                f"got {(flows > 0).sum()}"
            )
        self.coef_ = self._name(self._estimate(design, flows, I))
        return self

    def predict(self, data: CommuterData) -> Float[np.ndarray, "n n"]:
        """Flows of all pairs, 0 on the diagonal; outflows are those of ``data`` if constrained.

        With ``method="ols"`` this is exp of the mean log flow, which lies below the mean flow.
        """
        check_is_fitted(self)
        self._check(data)
        n = len(data.regions)
        I, J = pairs_of(data, None)
        weights = [self.coef_.get("origin", 0.0), self.coef_["destination"], self.coef_["distance"]]
        log_flow = np.full((n, n), -np.inf)
        # Eq. (6) and (7)
        log_flow[I, J] = self._design(data, I, J) @ weights + self.coef_.get("log_constant", 0.0)
        if self.constrained:
            # Eq. (10)
            return data.outflow[:, None] * softmax(log_flow, axis=1)
        return np.exp(log_flow)

    def _check(self, data: Any) -> None:
        check_data(data)
        check_choice(self.deterrence, "deterrence", ("power", "exp"))
        check_choice(self.method, "method", ("ols", "poisson"))
        if self.constrained is not None:
            check_choice(self.constrained, "constrained", ("production",))

    def _design(self, data: CommuterData, I: np.ndarray, J: np.ndarray) -> np.ndarray:
        """Columns log m_i, log m_j and -log d_ij (or -d_ij)."""
        d = data.distance[I, J]
        log_m = np.log(data.population)
        far = np.log(positive(d)) if self.deterrence == "power" else d
        return np.stack([log_m[I], log_m[J], -far], axis=1)

    def _estimate(self, design: np.ndarray, flows: np.ndarray, origin: np.ndarray) -> np.ndarray:
        if self.method == "ols":
            seen = flows > 0
            log_flow = np.log(flows[seen])
            groups = origin[seen] if self.constrained else None
            return _least_squares(design[seen], log_flow, groups)
        return _choice_fit(design, flows, origin) if self.constrained else _ppml(design, flows)

    def _name(self, solution: np.ndarray) -> dict[str, float]:
        first = () if self.constrained else ("log_constant", "origin")
        names = (*first, "destination", "distance")
        return dict(zip(names, map(float, solution)))


def _least_squares(x: np.ndarray, y: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    """Slopes after an intercept, which comes first; with groups one each, not returned."""
    if groups is None:
        return np.linalg.lstsq(np.column_stack([np.ones(len(y)), x]), y, rcond=None)[0]
    _, which, size = np.unique(groups, return_inverse=True, return_counts=True)
    table = np.column_stack([x, y])
    means = np.stack([np.bincount(which, column) / size for column in table.T], axis=1)
    centred = table - means[which]
    return np.linalg.lstsq(centred[:, :-1], centred[:, -1], rcond=None)[0]


def _ppml(x: np.ndarray, flows: np.ndarray) -> np.ndarray:
    """Poisson pseudo maximum likelihood: log E F is linear in x."""
    centre, scale = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-12)
    # Eq. (9)
    model = PoissonRegressor(alpha=0, solver="newton-cholesky", tol=1e-10, max_iter=500)
    model.fit((x - centre) / scale, flows / flows.mean())
    slopes = model.coef_ / scale
    return np.append(model.intercept_ + np.log(flows.mean()) - slopes @ centre, slopes)


def _choice_fit(x: np.ndarray, flows: np.ndarray, origin: np.ndarray) -> np.ndarray:
    """Multinomial choice of the destination, by Newton's method (the likelihood is concave)."""
    rows, which = np.unique(origin, return_inverse=True)
    column = np.zeros(len(origin), dtype=np.int64)
    order = np.argsort(which, kind="stable")
    sizes = np.bincount(which)
    column[order] = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    shape = (len(rows), sizes.max())
    table, counts = np.zeros((*shape, x.shape[1])), np.zeros(shape)
    absent = np.full(shape, -np.inf)
    table[which, column], counts[which, column], absent[which, column] = x, flows, 0.0
    b = np.zeros(x.shape[1])
    for _ in range(NEWTON_STEPS):
        step = _newton_step(table, counts, absent, b)
        b = b + step
        if np.abs(step).max() < 1e-12:
            break
    return b


def _newton_step(
    table: np.ndarray, counts: np.ndarray, absent: np.ndarray, b: np.ndarray
) -> np.ndarray:
    expected = counts.sum(axis=1, keepdims=True) * softmax(table @ b + absent, axis=1)
    gradient = np.einsum("ij,ijk->k", counts - expected, table)
    share = expected / np.maximum(counts.sum(axis=1, keepdims=True), 1e-300)
    mean = np.einsum("ij,ijk->ik", share, table)
    centred = table - mean[:, None]
    return np.linalg.lstsq(np.einsum("ij,ijk,ijl->kl", expected, centred, centred), gradient)[0]


def radiation_model(
    population: Any, distance: Any, outflow: Any, finite_size: bool = False
) -> Float[np.ndarray, "n n"]:
    """Flows of the radiation model, which has no parameter to fit.

    .. math:: F_{ij} = O_i \\frac{m_i m_j}{(m_i + s_{ij})(m_i + m_j + s_{ij})}

    A commuter takes the nearest job that is better than the best one at home, with jobs in
    proportion to people; s_ij are the people in between.

    Parameters
    ----------
    population : array-like of shape (n,)
        m_i > 0.
    distance : array-like of shape (n, n)
    outflow : array-like of shape (n,)
        O_i >= 0, commuters who leave i (without those who stay).
    finite_size : bool
        Multiply by 1 / (1 - m_i / M), with M all people, so that rows sum to O_i in a finite
        country as well.

    Raises
    ------
    ValueError
        If shapes do not match, or an entry is out of range.
    """
    m = as_array(population, "population", ndim=1, low=0.0)
    if m.min() <= 0:
        raise ValueError("population must be > 0 in each region, got 0")
    out = as_array(outflow, "outflow", ndim=1, low=0.0)
    if out.shape != m.shape:
        raise ValueError(f"outflow must have shape {m.shape}, got {out.shape}")
    s = intervening_population(m, check_square(distance, "distance", len(m)))
    if finite_size:
        # Eq. (12)
        out = out / (1 - m / m.sum())
    # Eq. (11)
    flows = out[:, None] * m[:, None] * m / ((m[:, None] + s) * (m[:, None] + m + s))
    np.fill_diagonal(flows, 0.0)
    return flows


def physics_flows(
    data: CommuterData, pairs: Pairs, folds: Folds, model: GravityModel | str
) -> Float[np.ndarray, " m"]:
    """Out-of-fold flows of a gravity law, or of the radiation model.

    Parameters
    ----------
    data : CommuterData
    pairs : tuple of two int arrays of shape (m,)
    folds : list of (train, test)
        Positions in ``pairs``, see :func:`pair_folds`; gravity is fitted to the training pairs.
    model : GravityModel or "radiation"

    Returns
    -------
    float array of shape (m,)
        NaN where a pair is in no test part.
    """
    pairs = pairs_of(data, pairs)
    found = np.full(len(pairs[0]), np.nan)
    for _, test, flows in _by_fold(data, pairs, folds, model):
        found[test] = flows[test]
    return found


def physics_links(
    data: CommuterData, pairs: Pairs, y: Any, folds: Folds, model: GravityModel | str
) -> Float[np.ndarray, " m"]:
    """Out-of-fold links: flows above the threshold that is best on the training pairs.

    Parameters and result are those of :func:`physics_flows`, with labels ``y`` of shape (m,);
    entries are 0, 1 or NaN.
    """
    pairs = pairs_of(data, pairs)
    y = as_array(y, "y", ndim=1)
    if y.shape != pairs[0].shape:
        raise ValueError(f"y must have shape {pairs[0].shape}, got {y.shape}")
    found = np.full(len(y), np.nan)
    for train, test, flows in _by_fold(data, pairs, folds, model):
        found[test] = flows[test] >= threshold_rule(flows[train], y[train])
    return found


def _by_fold(
    data: CommuterData, pairs: Pairs, folds: Folds, model: GravityModel | str
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    I, J = pairs
    if not isinstance(model, GravityModel):
        check_choice(model, "model", ("radiation",))
        flows = radiation_model(data.population, data.distance, data.outflow)[I, J]
        yield from ((train, test, flows) for train, test in folds)
        return
    for train, test in folds:
        fitted = clone(model).fit(data, pairs=(I[train], J[train]))
        yield train, test, fitted.predict(data)[I, J]
