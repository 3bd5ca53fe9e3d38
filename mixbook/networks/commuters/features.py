"""From regions to ordered pairs: features, the two data sets, and honest ways to split them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_choice, check_integer
from mixbook.networks.commuters._checks import check_pairs
from mixbook.networks.commuters.data import CommuterData
from mixbook.networks.commuters.geography import travel_rank

__all__ = [
    "PairData",
    "all_pairs",
    "feature_groups",
    "flow_dataset",
    "gravity_features",
    "link_dataset",
    "pair_features",
    "pair_folds",
]

SCHEMES = ("random", "by_origin", "by_node")
Pairs = tuple[np.ndarray, np.ndarray]
Folds = list[tuple[np.ndarray, np.ndarray]]


class PairData(NamedTuple):
    """A learning problem over ordered pairs.

    Attributes
    ----------
    X : float32 array of shape (m, p)
        phi_ij, one row a pair.
    y : array of shape (m,)
        1 or 0 for links; log10 F_ij for flows.
    pairs : tuple of two int arrays of shape (m,)
        Origins I and destinations J.
    names : tuple of str
        What the p columns are.
    """

    X: np.ndarray
    y: np.ndarray
    pairs: Pairs
    names: tuple[str, ...]


def check_data(data: Any, name: str = "data") -> CommuterData:
    if not isinstance(data, CommuterData):
        raise TypeError(f"{name} must be a CommuterData, got {type(data).__name__}")
    return data


def all_pairs(n: int) -> tuple[Int[np.ndarray, " m"], Int[np.ndarray, " m"]]:
    """Origins and destinations of all n (n - 1) ordered pairs, row by row."""
    I, J = np.nonzero(~np.eye(check_integer(n, "n", low=2), dtype=bool))
    return I, J


def pair_features(
    data: CommuterData, log: bool = True, extras: bool = False, pairs: Pairs | None = None
) -> tuple[Float[np.ndarray, "m p"], Pairs, tuple[str, ...]]:
    """Describe each ordered pair by both regions' indicators and their distance.

    .. math:: \\phi_{ij} = [u_i ; u_j ; d_{ij}]

    Parameters
    ----------
    data : CommuterData
    log : bool
        Take log10 of the distance and of ``data.heavy_tailed`` indicators.
    extras : bool
        Add u_j - u_i (of logarithms where taken) and log10 of j's travel rank seen from i.
    pairs : tuple of two int arrays, optional
        Default: all n (n - 1) ordered pairs.

    Returns
    -------
    X : float32 array of shape (m, 2 q + 1), or (m, 3 q + 2) with extras
    (I, J) : int arrays of shape (m,)
    names : tuple of str
        "origin: population", ..., "destination: population", ..., "distance", and with extras
        "difference: population", ..., "travel rank".
    """
    I, J = pairs_of(data, pairs)
    u = data.indicators.copy()
    if log:
        u[:, data.heavy_tailed] = np.log10(u[:, data.heavy_tailed])
    u = u.astype(np.float32)
    d = data.distance[I, J]
    q = u.shape[1]
    X = np.empty((len(I), 3 * q + 2 if extras else 2 * q + 1), dtype=np.float32)
    # Eq. (1)
    X[:, :q], X[:, q : 2 * q], X[:, 2 * q] = u[I], u[J], np.log10(positive(d)) if log else d
    if extras:
        X[:, 2 * q + 1 : -1] = u[J] - u[I]
        X[:, -1] = np.log10(travel_rank(data.distance)[I, J])
    return X, (I, J), _feature_names(data.indicator_names, extras)


def pairs_of(data: CommuterData, pairs: Pairs | None) -> Pairs:
    n = len(check_data(data).regions)
    return all_pairs(n) if pairs is None else check_pairs(*pairs, n)


def positive(d: np.ndarray) -> np.ndarray:
    if d.min() <= 0:
        raise ValueError("distance must be > 0 between two regions where its logarithm is taken")
    return d


def _feature_names(indicators: tuple[str, ...], extras: bool) -> tuple[str, ...]:
    names = [f"{end}: {u}" for end in ("origin", "destination") for u in indicators]
    more = [f"difference: {u}" for u in indicators] + ["travel rank"]
    return (*names, "distance", *(more if extras else []))


def feature_groups(names: tuple[str, ...] | list[str], by: str = "indicator") -> dict[str, list]:
    """Columns that belong together, for grouped importances.

    Parameters
    ----------
    names : sequence of str
        As :func:`pair_features` returns them.
    by : str
        "indicator": all copies of an indicator; "end": origin, destination, distance; "column":
        each column on its own.

    Returns
    -------
    dict of str to list of int
    """
    check_choice(by, "by", ("indicator", "end", "column"))
    groups: dict[str, list[int]] = {}
    for k, name in enumerate(names):
        end, _, indicator = name.partition(": ")
        key = name if by == "column" or not indicator else indicator if by == "indicator" else end
        groups.setdefault(key, []).append(k)
    return groups


def gravity_features(
    data: CommuterData, pairs: Pairs | None = None
) -> tuple[Float[np.ndarray, "m 3"], Pairs, tuple[str, ...]]:
    """The three numbers that a gravity law sees: log10 of m_i, of m_j and of d_ij.

    Returns
    -------
    X, (I, J), names
        As :func:`pair_features`.
    """
    I, J = pairs_of(data, pairs)
    log_m = np.log10(data.population)
    X = np.stack([log_m[I], log_m[J], np.log10(positive(data.distance[I, J]))], axis=1)
    return X, (I, J), ("origin: population", "destination: population", "distance")


def link_dataset(
    data: CommuterData,
    balance: bool = True,
    random_state: int | np.random.Generator | None = None,
    *,
    log: bool = True,
    extras: bool = False,
) -> PairData:
    """Task 1: which pairs are links?

    .. math:: y_{ij} = [F_{ij} > 0], \\quad i \\ne j

    Parameters
    ----------
    data : CommuterData
    balance : bool
        Keep equally many links and non-links: all of the rarer kind, and a random choice of the
        other.
    log, extras : bool
        See :func:`pair_features`.

    Raises
    ------
    ValueError
        If all pairs, or none, are links.
    """
    I, J = all_pairs(len(check_data(data).regions))
    # Eq. (4)
    y = (data.flows[I, J] > 0).astype(np.int64)
    if len(np.unique(y)) < 2:
        raise ValueError(f"data must have links and non-links, but {y.sum()} of {len(y)} are links")
    kept = _balanced(y, as_rng(random_state)) if balance else np.arange(len(y))
    X, pairs, names = pair_features(data, log, extras, (I[kept], J[kept]))
    return PairData(X, y[kept], pairs, names)


def _balanced(y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    kinds = [np.flatnonzero(y == k) for k in (0, 1)]
    size = min(len(kind) for kind in kinds)
    return np.sort(np.concatenate([rng.choice(kind, size, replace=False) for kind in kinds]))


def flow_dataset(data: CommuterData, *, log: bool = True, extras: bool = False) -> PairData:
    """Task 2: how many commute on a link? The target is log10 F_ij; other pairs are left out.

    Raises
    ------
    ValueError
        If there is no link.
    """
    I, J = np.nonzero(check_data(data).links)
    if not len(I):
        raise ValueError("data must have at least one link, got none")
    X, pairs, names = pair_features(data, log, extras, (I, J))
    # Eq. (5)
    return PairData(X, np.log10(data.flows[I, J]), pairs, names)


def pair_folds(
    I: Any,
    J: Any,
    scheme: str = "random",
    n_splits: int = 5,
    random_state: int | np.random.Generator | None = None,
) -> Folds:
    """Cross-validation for data on pairs.

    Parameters
    ----------
    I, J : int arrays of shape (m,)
        Origins and destinations.
    scheme : str
        "random": pairs are dealt out. Both regions of a test pair occur in training.
        "by_origin": all pairs of an origin are in one fold; it still occurs as a destination.
        "by_node": regions are dealt out. Test pairs have both ends in the fold, training pairs
        have neither, and pairs with one end in the fold are left out.
    n_splits : int
        Number of folds, at least 2.

    Returns
    -------
    list of (train, test)
        Positions in I and J, ascending. With "by_node" most positions are in no test part.

    Raises
    ------
    ValueError
        If there are fewer pairs, origins or nodes than folds, or a part would be empty.
    """
    I, J = check_pairs(I, J)
    check_choice(scheme, "scheme", SCHEMES)
    check_integer(n_splits, "n_splits", low=2)
    units = {"random": np.arange(len(I)), "by_origin": I, "by_node": np.concatenate([I, J])}[scheme]
    fold = _deal(units, n_splits, scheme, as_rng(random_state))
    a, b = (fold[: len(I)], fold[len(I) :]) if scheme == "by_node" else (fold, fold)
    folds = [
        (np.flatnonzero((a != k) & (b != k)), np.flatnonzero((a == k) & (b == k)))
        for k in range(n_splits)
    ]
    if any(not len(part) for pair in folds for part in pair):
        raise ValueError(f"n_splits = {n_splits} leaves an empty fold with scheme {scheme!r}")
    return folds


def _deal(units: np.ndarray, k: int, scheme: str, rng: np.random.Generator) -> np.ndarray:
    """A random fold for each distinct unit, of sizes that differ by at most one."""
    distinct, which = np.unique(units, return_inverse=True)
    if len(distinct) < k:
        raise ValueError(
            f"n_splits must be at most {len(distinct)} with scheme {scheme!r} here, got {k}"
        )
    return rng.permutation(np.arange(len(distinct)) % k)[which]
