"""The arena of the part: its clustering methods on the same data.

No method of its own is here: the entrants are those of :mod:`mixbook.mixtures.ila_sdp`,
:mod:`mixbook.mixtures.ppp` and :mod:`mixbook.mixtures.gcd`, with k-means and EM from scikit-learn
at their best, that is from twenty starts. One group is told the number of clusters, the other has
to find it.

====================  ===========  ==============================================================
entrant               told K       how the number is found
====================  ===========  ==============================================================
k-means               yes
EM                    yes
iLA-SDP               yes
k-means, silhouette   no           largest mean silhouette over K = 2 ... 8
EM, BIC               no           least BIC over K = 1 ... 8
PPP                   no           leaves of its tree
GPC                   no           split and merge moves, from eight components
====================  ===========  ==============================================================

All mixtures have full covariances, and the same regularisation: a thousandth of the mean variance
of the columns. GPC, made for data of which a part has labels, goes without here; its prior takes
the variance within a component from k-means with eight clusters.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from sklearn.cluster import KMeans
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture
from sklearn.preprocessing import scale

from mixbook.core.clustering import clustering_error
from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_choice, check_integer
from mixbook.mixtures import gcd, ila_sdp, ppp

__all__ = [
    "FIND_K",
    "REAL_SETS",
    "SIMULATED_SETS",
    "TOLD_K",
    "Points",
    "Score",
    "draw",
    "enter",
    "seed_disagreement",
]

K_MAX = 8
STARTS = 20
REG = 1e-3
SUBSAMPLE = 200
"""iLA-SDP solves its programmes for at most so many points."""

Labels = Int[np.ndarray, " n"]


@dataclass(frozen=True, eq=False)
class Points:
    """A data set with its true clusters.

    Attributes
    ----------
    X : array of shape (n, p)
    y : int array of shape (n,)
        0 ... K - 1.
    """

    X: Float[np.ndarray, "n p"]
    y: Int[np.ndarray, " n"]

    @property
    def K(self) -> int:
        """The true number of clusters."""
        return int(self.y.max()) + 1


@dataclass(frozen=True, eq=False)
class Score:
    """How one entrant did on one data set with one seed.

    Attributes
    ----------
    labels : int array of shape (n,)
    error : float
        Share of points that no naming of the clusters gets right.
    n_clusters : int
    seconds : float
        Processor time.
    """

    labels: Labels
    error: float
    n_clusters: int
    seconds: float


def _three_shapes(rng: np.random.Generator) -> Points:
    return _points(ila_sdp.make_three_shapes(90, random_state=rng))


def _crossing(rng: np.random.Generator) -> Points:
    return _points(ila_sdp.make_crossing(80, 8, random_state=rng))


def _imbalanced(rng: np.random.Generator) -> Points:
    return _points(ila_sdp.make_crossing(80, 4, gap=3.0, share=0.2, random_state=rng))


def _points(drawn: ila_sdp.Clusters) -> Points:
    return Points(drawn.X, drawn.y)


def _two_triangles(rng: np.random.Generator) -> Points:
    return Points(*ppp.make_nested6(120, random_state=rng))


def _ring(rng: np.random.Generator) -> Points:
    return Points(*ppp.make_ring(6, 120, random_state=rng))


def _one_cloud(rng: np.random.Generator) -> Points:
    return Points(rng.standard_normal((150, 2)) * [2.0, 1.0], np.zeros(150, dtype=np.int64))


def _square(rng: np.random.Generator) -> Points:
    return Points(rng.uniform(-1, 1, (150, 2)), np.zeros(150, dtype=np.int64))


SIMULATED_SETS: dict[str, Callable[[np.random.Generator], Points]] = {
    "two triangles": _two_triangles,
    "ring of six": _ring,
    "three shapes": _three_shapes,
    "crossing, p = 8": _crossing,
    "crossing, one in five": _imbalanced,
    "one Gaussian": _one_cloud,
    "uniform square": _square,
}
"""What draws each simulated set."""


def _real(load: Callable[[], Any], n_components: int | None) -> Points:
    data = load()
    X = scale(data.data)
    if n_components is not None:
        X = PCA(n_components).fit_transform(X)
    return Points(X, data.target.astype(np.int64))


REAL_SETS: dict[str, Callable[[], Points]] = {
    "iris": lambda: _real(load_iris, None),
    "wine": lambda: _real(load_wine, 4),
    "breast cancer": lambda: _real(load_breast_cancer, 5),
}
"""What loads each real set: standardised, the wider two reduced to principal components."""


def draw(name: str, random_state: int | np.random.Generator | None = None) -> Points:
    """One of the data sets.

    Parameters
    ----------
    name : str
        A key of ``SIMULATED_SETS`` or ``REAL_SETS``.
    random_state : int, Generator or None
        For the simulated ones.

    Raises
    ------
    ValueError
        If there is no such set.
    """
    check_choice(name, "name", (*SIMULATED_SETS, *REAL_SETS))
    if name in REAL_SETS:
        return REAL_SETS[name]()
    return SIMULATED_SETS[name](as_rng(random_state))


def _kmeans(X: np.ndarray, K: int, seed: int) -> Labels:
    return KMeans(K, n_init=STARTS, random_state=seed).fit_predict(X)


def _regular(X: np.ndarray) -> dict[str, Any]:
    """Settings of every mixture in scikit-learn."""
    return {"reg_covar": REG * float(X.var(0).mean()), "max_iter": 500}


def _em(X: np.ndarray, K: int, seed: int) -> Labels:
    return GaussianMixture(K, n_init=STARTS, random_state=seed, **_regular(X)).fit_predict(X)


def _ila_sdp(X: np.ndarray, K: int, seed: int) -> Labels:
    subsample = SUBSAMPLE if len(X) > SUBSAMPLE else None
    return ila_sdp.ILASDP(K, reg=REG, subsample=subsample, random_state=seed).fit_predict(X)


def _kmeans_silhouette(X: np.ndarray, seed: int) -> Labels:
    return ppp.kmeans_silhouette(X, range(2, K_MAX + 1), STARTS, seed)


def _em_bic(X: np.ndarray, seed: int) -> Labels:
    return ppp.mixture_bic(X, range(1, K_MAX + 1), random_state=seed, **_regular(X))[0]


def _ppp(X: np.ndarray, seed: int) -> Labels:
    return ppp.PPP(random_state=seed).fit_predict(X)


def _gpc(X: np.ndarray, seed: int) -> Labels:
    first = KMeans(K_MAX, n_init=STARTS, random_state=seed).fit(X)
    scale = first.inertia_ / X.size
    return gcd.GPC(K_MAX, prior_scale=scale, random_state=seed).fit(X).labels_u_


TOLD_K: dict[str, Callable[[np.ndarray, int, int], Labels]] = {
    "k-means": _kmeans,
    "EM": _em,
    "iLA-SDP": _ila_sdp,
}
"""Entrants that are told K: points, K and seed to labels."""

FIND_K: dict[str, Callable[[np.ndarray, int], Labels]] = {
    "k-means, silhouette": _kmeans_silhouette,
    "EM, BIC": _em_bic,
    "PPP": _ppp,
    "GPC": _gpc,
}
"""Entrants that find K: points and seed to labels."""


def enter(name: str, points: Points, seed: int) -> Score:
    """Let one entrant cluster one data set.

    Parameters
    ----------
    name : str
        A key of ``TOLD_K`` or ``FIND_K``.
    points : Points
    seed : int
        For the entrant, at least 0.

    Raises
    ------
    TypeError, ValueError
        If there is no such entrant, or the seed is none.
    """
    check_choice(name, "name", (*TOLD_K, *FIND_K))
    seed = check_integer(seed, "seed", low=0)
    clock = time.process_time()
    if name in TOLD_K:
        labels = TOLD_K[name](points.X, points.K, seed)
    else:
        labels = FIND_K[name](points.X, seed)
    seconds = time.process_time() - clock
    error = clustering_error(points.y, labels)
    return Score(labels.astype(np.int64), error, len(np.unique(labels)), seconds)


def seed_disagreement(labellings: list[Labels]) -> float:
    """One less the mean adjusted Rand index over all pairs of answers to the same points.

    0 if all are the same partition.

    Parameters
    ----------
    labellings : list of int arrays of shape (n,)
        At least two.

    Raises
    ------
    ValueError
        If there are fewer.
    """
    if len(labellings) < 2:
        raise ValueError(f"labellings must hold at least two, got {len(labellings)}")
    K = max(int(labels.max()) for labels in labellings) + 1
    table = ppp.pairwise_ari(np.array(labellings), K)
    return 1 - float(table[np.triu_indices(len(table), 1)].mean())
