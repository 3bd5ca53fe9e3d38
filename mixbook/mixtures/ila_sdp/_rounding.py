"""From relaxed memberships to labels, and when exact recovery is possible at all."""

import math
from typing import Any

import numpy as np
from jaxtyping import Int
from sklearn.cluster import KMeans

from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_choice, check_integer, check_number
from mixbook.mixtures.ila_sdp._checks import as_costs


def round_memberships(
    Z: Any,
    method: str = "auto",
    *,
    n_clusters: int | None = None,
    random_state: int | np.random.Generator | None = 0,
) -> Int[np.ndarray, " n"]:
    r"""Labels from membership matrices.

    Parameters
    ----------
    Z : array-like of shape (K, n, n)
        One matrix a cluster, or a single one of K-means, shape (1, n, n).
    method : {"auto", "argmax", "spectral"}
        ``"argmax"`` gives point i to the cluster with the largest share :math:`(Z_k 1)_i`.
        ``"spectral"`` runs K-means on the leading eigenvectors of :math:`\sum_k Z_k`; it is the one
        to take when the costs of all clusters agree, since the shares then say nothing.
        ``"auto"`` looks whether they do.
    n_clusters : int, optional
        Default K; needed for a single matrix.
    random_state : int, numpy Generator or None
        For the starts of K-means.

    Raises
    ------
    TypeError, ValueError
        If an argument is malformed.
    """
    Z = as_costs(Z)
    check_choice(method, "method", ("auto", "argmax", "spectral"))
    K = len(Z) if n_clusters is None else check_integer(n_clusters, "n_clusters", low=1)
    shares = Z.sum(2)
    if method == "auto":
        spread = (shares.max(0) - shares.min(0)).mean()
        method = "argmax" if spread > 0.1 else "spectral"
    if method == "argmax":
        # Eq. (14)
        return shares.argmax(0)
    leading = np.linalg.eigh(Z.sum(0))[1][:, -K:]
    seed = int(as_rng(random_state).integers(2**31))
    return KMeans(K, n_init=20, random_state=seed).fit_predict(leading).astype(np.int64)


def recovery_threshold(n: int, p: int, K: int, sigma: float = 1.0) -> float:
    r"""Smallest distance of centres at which spherical clusters can be recovered exactly.

    .. math:: \bar\Delta = 2\sigma \Big[\Big(1 + \sqrt{1 + \tfrac{Kp}{n \log n}}\Big)
              \log n\Big]^{1/2}

    For K Gaussians of covariance :math:`\sigma^2 I` and equal size, and large n: above it the
    SDP of K-means returns the true partition with high probability, below it no method does.

    Parameters
    ----------
    n, p, K : int
        Points (at least 2), dimensions, clusters.
    sigma : float
        Standard deviation in each direction, positive.
    """
    n, p = check_integer(n, "n", low=2), check_integer(p, "p", low=1)
    K = check_integer(K, "K", low=1, high=n)
    sigma = check_number(sigma, "sigma", low=0, low_open=True)
    # Eq. (16)
    return 2 * sigma * math.sqrt((1 + math.sqrt(1 + K * p / (n * math.log(n)))) * math.log(n))
