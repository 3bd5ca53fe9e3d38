"""Traces in, atlas out: affinity, factorisation and communities in one estimator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from sklearn.base import BaseEstimator

from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_integer, check_number
from mixbook.networks.dynamic_connectome._checks import as_mask
from mixbook.networks.dynamic_connectome.affinity import (
    differential_affinity,
    pair_mask,
    pair_vector_to_matrix,
)
from mixbook.networks.dynamic_connectome.blockmodel import WeightedSBM
from mixbook.networks.dynamic_connectome.description import variation_of_information
from mixbook.networks.dynamic_connectome.factorisation import NonnegativeCP

__all__ = ["DynamicConnectome", "component_graph"]


def component_graph(
    model: NonnegativeCP, r: int, threshold: float = 0.01
) -> Float[np.ndarray, "n n"]:
    """The weighted graph of neurons that a component's pair factor holds.

    Parameters
    ----------
    model : NonnegativeCP
        Fitted.
    r : int
        Component.
    threshold : float
        Pairs below this share of the largest entry are no edges.
    """
    pair = model.factors_[2]
    check_integer(r, "r", low=0, high=pair.shape[1] - 1)
    check_number(threshold, "threshold", low=0, high=1)
    n = round((1 + np.sqrt(1 + 8 * len(pair))) / 2)
    v = pair[:, r]
    return pair_vector_to_matrix(np.where(v >= max(threshold * v.max(), 1e-12), v, 0.0), n)


class DynamicConnectome(BaseEstimator):
    """Which neurons work together, when, and in which animals.

    Parameters
    ----------
    rank : int
        Number of components.
    kind, sigma_d, sigma_s, window
        See :func:`differential_affinity`.
    n_init, max_iter, tol, dtype
        See :class:`NonnegativeCP`.
    threshold : float
        See :func:`component_graph`.
    degree_corrected, nested, n_restarts
        See :class:`WeightedSBM`.
    random_state : int, numpy.random.Generator or None

    Attributes
    ----------
    affinity_ : array of shape (T, W, P)
    pairs_ : int array of shape (P, 2)
    cp_ : NonnegativeCP
    graphs_ : list of (N, N) arrays
        Weighted graph of each component.
    communities_ : list of int arrays of shape (N,)
        Partition of the neurons in each component.
    corrected_ : list of bool
        Whether the block model of each component is degree-corrected.
    """

    def __init__(
        self,
        rank: int = 6,
        kind: str = "differential",
        sigma_d: float = 2.0,
        sigma_s: float = 4.0,
        window: int = 20,
        n_init: int = 10,
        max_iter: int = 500,
        tol: float = 1e-6,
        dtype: str = "float64",
        threshold: float = 0.01,
        degree_corrected: bool | str = "auto",
        nested: bool = False,
        n_restarts: int = 5,
        random_state: int | np.random.Generator | None = None,
    ) -> None:
        self.rank = rank
        self.kind = kind
        self.sigma_d = sigma_d
        self.sigma_s = sigma_s
        self.window = window
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.dtype = dtype
        self.threshold = threshold
        self.degree_corrected = degree_corrected
        self.nested = nested
        self.n_restarts = n_restarts
        self.random_state = random_state

    def fit(self, traces: Any, y: Any = None, *, mask: Any = None) -> DynamicConnectome:
        """Run all stages.

        Parameters
        ----------
        traces : array-like of shape (W, N, T)
            At least 3 neurons.
        y : ignored
        mask : array-like of bool, shape (W, N), optional
            False where a neuron was not identified in an animal.

        Raises
        ------
        TypeError, ValueError
            As the stages do.
        """
        rng = as_rng(self.random_state)
        self.affinity_, self.pairs_ = differential_affinity(
            traces, self.kind, self.sigma_d, self.sigma_s, mask, window=self.window
        )
        known = None
        if mask is not None:
            known = pair_mask(as_mask(mask, "mask", np.asarray(traces).shape[:2]))
        cp = NonnegativeCP(
            self.rank, self.n_init, self.max_iter, self.tol, dtype=self.dtype, random_state=rng
        )
        self.cp_ = cp.fit(self.affinity_, mask=known)
        self.n_neurons_ = int(self.pairs_.max()) + 1
        self.graphs_ = [component_graph(cp, r, self.threshold) for r in range(self.rank)]
        self.seed_ = int(rng.integers(2**31))
        fits = [self._fit_blocks(W, self.degree_corrected) for W in self.graphs_]
        self.communities_ = [fit.labels_ for fit in fits]
        self.corrected_ = [fit.degree_corrected_ for fit in fits]
        return self

    def _fit_blocks(self, W: np.ndarray, degree_corrected: bool | str) -> WeightedSBM:
        return WeightedSBM(
            degree_corrected,
            nested=self.nested,
            n_restarts=self.n_restarts,
            random_state=self.seed_,
        ).fit(W)

    def membership(self) -> Float[np.ndarray, "R N"]:
        """Share of each neuron's weight that stays in its community (0 where it has none)."""
        shares = []
        for W, b in zip(self.graphs_, self.communities_):
            inside, total = (W * (b[:, None] == b)).sum(axis=1), W.sum(axis=1)
            # Eq. (17)
            shares.append(np.divide(inside, total, out=np.zeros_like(total), where=total > 0))
        return np.array(shares)

    def atlas(self, stimuli: Mapping[str, tuple[int, int]]) -> pd.DataFrame:
        """Who works together, when and where: one row a working community.

        Listed are the communities of two neurons or more whose mean inner weight exceeds the mean
        weight of the component's graph.

        Parameters
        ----------
        stimuli : mapping of name to (start, stop)
            Intervals in frames, stop excluded.

        Returns
        -------
        pandas.DataFrame
            ``component``, ``share`` (of the norm of all components), ``neurons``, ``weight`` (mean
            inner weight over the graph's mean), ``membership`` (mean), ``animals`` (those above
            half of the largest loading), ``class`` (communities of different components with a
            Jaccard index of at least 0.5 are the same class), and for each stimulus the share of
            the component's time course in it.
        """
        intervals = self._check_stimuli(stimuli)
        time, animal, _ = self.cp_.factors_
        membership, share = self.membership(), self.cp_.weights_ / self.cp_.weights_.sum()
        rows = []
        for r, neurons, weight in self._working_communities():
            f = animal[:, r]
            row: dict[str, Any] = {
                "component": r,
                "share": share[r],
                "neurons": tuple(neurons.tolist()),
                "weight": weight,
                "membership": membership[r, neurons].mean(),
                "animals": tuple(np.flatnonzero(f > f.max() / 2).tolist()),
            }
            for name, (start, stop) in intervals.items():
                row[name] = time[start:stop, r].sum() / time[:, r].sum()
            rows.append(row)
        columns = ["component", "share", "neurons", "weight", "membership", "animals"]
        table = pd.DataFrame(rows, columns=[*columns, *intervals])
        table.insert(6, "class", _consensus([set(row["neurons"]) for row in rows]))
        return table

    def _working_communities(self) -> list[tuple[int, np.ndarray, float]]:
        found = []
        for r, (W, b) in enumerate(zip(self.graphs_, self.communities_)):
            mean = W.sum() / (len(W) * (len(W) - 1))
            for group in range(b.max() + 1):
                neurons = np.flatnonzero(b == group)
                if len(neurons) < 2 or mean == 0:
                    continue
                block = W[np.ix_(neurons, neurons)]
                inner = block.sum() / (len(neurons) * (len(neurons) - 1))
                if inner > mean:
                    found.append((r, neurons, float(inner / mean)))
        return found

    def _check_stimuli(self, stimuli: Any) -> dict[str, tuple[int, int]]:
        if not isinstance(stimuli, Mapping):
            kind = type(stimuli).__name__
            raise TypeError(f"stimuli must map names to (start, stop) in frames, got {kind}")
        frames = len(self.affinity_)
        checked = {}
        for name, (start, stop) in stimuli.items():
            start = check_integer(start, f"stimuli[{name!r}][0]", low=0, high=frames - 1)
            stop = check_integer(stop, f"stimuli[{name!r}][1]", low=start + 1, high=frames)
            checked[str(name)] = start, stop
        return checked

    def flexibility(self) -> Int[np.ndarray, " N"]:
        """In how many different classes of working communities each neuron takes part."""
        communities = [set(neurons.tolist()) for _, neurons, _ in self._working_communities()]
        classes = _consensus(communities)
        part: list[set[int]] = [set() for _ in range(self.n_neurons_)]
        for neurons, name in zip(communities, classes):
            for neuron in neurons:
                part[neuron].add(name)
        return np.array([len(names) for names in part])

    def ablate(self, neuron: int) -> Float[np.ndarray, " R"]:
        """How much the partition of the *other* neurons changes when one neuron is cut out.

        The neuron's affinities are set to 0 and the communities fitted again, with the same seed
        and the same of the two models (degree-corrected or not).

        Returns
        -------
        array of shape (R,)
            Variation of information (nats) in each component.
        """
        check_integer(neuron, "neuron", low=0, high=self.n_neurons_ - 1)
        others = np.arange(self.n_neurons_) != neuron
        changes = []
        for W, before, dc in zip(self.graphs_, self.communities_, self.corrected_):
            without = W * others * others[:, None]
            after = before if np.array_equal(without, W) else self._fit_blocks(without, dc).labels_
            changes.append(variation_of_information(before[others], after[others]))
        return np.array(changes)


def _consensus(communities: list[set[int]]) -> list[int]:
    """Class of each community: chains of Jaccard indices of at least 0.5 join them."""
    classes: list[int] = []
    for at, one in enumerate(communities):
        alike = {
            classes[before]
            for before, other in enumerate(communities[:at])
            if len(one & other) >= 0.5 * len(one | other)
        }
        new = min(alike, default=max(classes, default=-1) + 1)
        classes = [new if name in alike else name for name in classes] + [new]
    names = {name: at for at, name in enumerate(dict.fromkeys(classes))}
    return [names[name] for name in classes]
