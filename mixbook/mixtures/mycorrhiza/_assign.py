"""The classifier: split features of one or more networks, and forests on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from sklearn.base import BaseEstimator
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import StratifiedKFold
from sklearn.utils.validation import check_is_fitted

from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_choice, check_integer
from mixbook.mixtures.mycorrhiza._checks import as_codes, as_labels, as_mask, known_labels
from mixbook.mixtures.mycorrhiza._distances import HAPLOTYPES, KINDS, distances_of_codes
from mixbook.mixtures.mycorrhiza._splits import SplitSystem, neighbor_net, split_features
from mixbook.mixtures.mycorrhiza._weights import SOLVERS

PCA_COMPONENTS = 50


class Mycorrhiza(BaseEstimator):
    """Assignment of genotypes to populations by phylogenetic networks and random forests.

    The network is built on all individuals, labelled or not, so there is no way to add one later:
    fit again with it.

    Parameters
    ----------
    n_partitions : int
        Number of groups of neighbouring loci, each with a network and a forest of its own.
    n_estimators : int
        Trees in each forest.
    distance : {"jc", "hamming"}
        For SNPs and sequences, or for microsatellites; see :func:`genetic_distance`.
    missing : code or list of codes, optional
        Codes for *not typed*, besides "N" and negative numbers.
    features : {"splits", "pca"}
        ``"pca"`` is the paper's baseline: the first 50 principal components of the rows of the
        distance matrix.
    haplotypes : {"both", "first"}
        See :func:`genetic_distance`.
    solver : {"exact", "loose"}
        See :func:`split_weights`. ``"loose"`` is how the authors' program solves.
    shuffle : bool
        Whether the individuals enter NeighborNet in random order. Individuals that do not differ
        stand on the circle in the order in which they came, and files are often sorted by
        population: with False the network may read the labels off the file.
    random_state : int, numpy Generator or None

    Attributes
    ----------
    classes_ : array of shape (K,)
        Populations, sorted.
    mixture_ : array of shape (N, K)
        Estimated mixture proportions of every individual; rows sum to 1. Those of individuals
        with a label are close to it whatever the data say, since the forests were grown on them.
    systems_ : list of SplitSystem
        One network a group of loci (empty for ``features="pca"``).
    features_ : list of arrays of shape (N, S)
        The features of each group.
    cv_scores_ : array of shape (n_repeats,)
        Accuracies of the last :meth:`cross_val_accuracy`.
    """

    def __init__(
        self,
        n_partitions: int = 1,
        n_estimators: int = 60,
        distance: str = "jc",
        missing: Any = None,
        features: str = "splits",
        *,
        haplotypes: str = "both",
        solver: str = "exact",
        shuffle: bool = True,
        random_state: int | np.random.Generator | None = None,
    ) -> None:
        self.n_partitions = n_partitions
        self.n_estimators = n_estimators
        self.distance = distance
        self.missing = missing
        self.features = features
        self.haplotypes = haplotypes
        self.solver = solver
        self.shuffle = shuffle
        self.random_state = random_state

    def fit(self, G: Any, y: Any) -> Mycorrhiza:
        """Build the networks of all individuals and grow forests on those with a label.

        Parameters
        ----------
        G : array-like of shape (N, loci) or (N, loci, ploidy)
            Allele codes.
        y : array-like of shape (N,)
            Populations; -1 (or "-1" or "" among strings) for an unknown one.

        Raises
        ------
        TypeError, ValueError
            If an argument is malformed.
        """
        return self._fit(G, y, None)

    def fit_predict(self, G: Any, y: Any, labelled_mask: Any = None) -> np.ndarray:
        """Populations of all individuals, from the labels where ``labelled_mask`` is true.

        Labels elsewhere are not looked at. Default mask: where ``y`` is known, see :meth:`fit`.
        """
        return self._fit(G, y, labelled_mask).predict()

    def _fit(self, G: Any, y: Any, labelled: Any) -> Mycorrhiza:
        codes = self._check(G)
        y = as_labels(y, len(codes))
        mask = as_mask(known_labels(y) if labelled is None else labelled, y)
        rng = as_rng(self.random_state)
        self._build(codes, rng)
        self.classes_ = np.unique(y[mask])
        self.mixture_ = forest_mixture(self.features_, y, mask, self.n_estimators, rng)
        return self

    def predict_proba(self) -> Float[np.ndarray, "N K"]:
        """Estimated mixture proportions of all individuals, in the order of ``classes_``."""
        check_is_fitted(self, "mixture_")
        return self.mixture_

    def predict(self) -> np.ndarray:
        """The likeliest population of each individual."""
        best = self.predict_proba().argmax(1)
        return self.classes_[best]

    def cross_val_accuracy(self, G: Any, y: Any, n_splits: int = 5, n_repeats: int = 1) -> float:
        """Mean accuracy of stratified, shuffled cross-validation.

        Networks are built once; only the forests are grown anew for each fold. All populations
        must be known. Each repeat's accuracy is kept as ``cv_scores_``.
        """
        codes = self._check(G)
        y = as_labels(y, len(codes))
        rng = as_rng(self.random_state)
        self._build(codes, rng)

        def assign(labelled: np.ndarray) -> np.ndarray:
            mixture = forest_mixture(self.features_, y, labelled, self.n_estimators, rng)
            return np.unique(y[labelled])[mixture.argmax(1)]

        self.cv_scores_ = cross_validate(
            assign, y, n_splits=n_splits, n_repeats=n_repeats, random_state=rng
        )
        return float(self.cv_scores_.mean())

    def _check(self, G: Any) -> np.ndarray:
        check_integer(self.n_estimators, "n_estimators", low=1)
        check_choice(self.distance, "distance", KINDS)
        check_choice(self.features, "features", ("splits", "pca"))
        check_choice(self.haplotypes, "haplotypes", HAPLOTYPES)
        check_choice(self.solver, "solver", SOLVERS)
        codes = as_codes(G, self.missing)
        if len(codes) < 4:
            raise ValueError(f"G must hold at least 4 individuals, got {len(codes)}")
        check_integer(self.n_partitions, "n_partitions", low=1, high=codes.shape[1])
        return codes

    def _build(self, codes: np.ndarray, rng: np.random.Generator) -> None:
        entry = rng.permutation(len(codes)) if self.shuffle else np.arange(len(codes))
        groups = np.array_split(np.arange(codes.shape[1]), self.n_partitions)
        distances = [
            distances_of_codes(codes[:, g], self.distance, self.haplotypes) for g in groups
        ]
        self.systems_: list[SplitSystem] = []
        if self.features == "pca":
            self.features_ = [pca_features(D) for D in distances]
        else:
            self.systems_ = [
                neighbor_net(D[np.ix_(entry, entry)], solver=self.solver).renamed(entry)
                for D in distances
            ]
            self.features_ = [split_features(system) for system in self.systems_]


def pca_features(
    D: Float[np.ndarray, "N N"], n_components: int = PCA_COMPONENTS
) -> Float[np.ndarray, "N D"]:
    """Principal components of the rows of a distance matrix, at most ``n_components``."""
    return PCA(min(len(D), n_components), svd_solver="full").fit_transform(D)


def forest_mixture(
    features: list[np.ndarray],
    y: np.ndarray,
    labelled: Bool[np.ndarray, " N"],
    n_estimators: int = 60,
    random_state: int | np.random.Generator | None = None,
) -> Float[np.ndarray, "N K"]:
    """The mean over groups of the class shares that a random forest gives.

    Parameters
    ----------
    features : list of arrays of shape (N, S)
        One a group; a group without a feature votes for the shares among the labelled.
    y : array of shape (N,)
        Populations; those that are not labelled are not looked at.
    labelled : bool array of shape (N,)
    n_estimators : int
    random_state : int, numpy Generator or None
    """
    rng = as_rng(random_state)
    shares = []
    for X in features:
        X = X if X.shape[1] else np.zeros((len(X), 1))
        forest = RandomForestClassifier(n_estimators, random_state=int(rng.integers(2**31)))
        shares.append(forest.fit(X[labelled], y[labelled]).predict_proba(X))
    # Eq. (15)
    return np.mean(shares, axis=0)


def cross_validate(
    assign: Callable[[np.ndarray], np.ndarray],
    y: Any,
    *,
    n_splits: int = 5,
    n_repeats: int = 1,
    random_state: int | np.random.Generator | None = None,
) -> Float[np.ndarray, " n_repeats"]:
    """Accuracy of a transductive method in stratified, shuffled cross-validation.

    Parameters
    ----------
    assign : callable
        ``assign(labelled)`` takes a bool array of shape (N,) and returns a population for each
        of the N individuals.
    y : array-like of shape (N,)
        The true populations, each with at least ``n_splits`` individuals.
    n_splits, n_repeats : int
    random_state : int, numpy Generator or None

    Returns
    -------
    array of shape (n_repeats,)
        The share of individuals that were assigned rightly when their label was hidden.
    """
    y = as_labels(y, len(np.asarray(y)))
    smallest = int(np.unique(y, return_counts=True)[1].min())
    check_integer(n_splits, "n_splits", low=2, high=smallest)
    check_integer(n_repeats, "n_repeats", low=1)
    rng = as_rng(random_state)
    scores = []
    for _ in range(n_repeats):
        folds = StratifiedKFold(n_splits, shuffle=True, random_state=int(rng.integers(2**31)))
        right = np.zeros(len(y), dtype=bool)
        for _, hidden in folds.split(np.zeros(len(y)), y):
            labelled = np.ones(len(y), dtype=bool)
            labelled[hidden] = False
            right[hidden] = assign(labelled)[hidden] == y[hidden]
        scores.append(right.mean())
    return np.array(scores)
