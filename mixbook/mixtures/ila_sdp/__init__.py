r"""iLA-SDP: likelihood adjusted semidefinite programmes for clusters of different shapes.

Yubo Zhuang, Xiaohui Chen, Yun Yang. *Likelihood Adjusted Semidefinite Programs for Clustering
Heterogeneous Data*. ICML 2023, arXiv:2209.15097.

Points come from K Gaussians with different covariances. The partition itself is the parameter: for
given covariances the means drop out of the likelihood, which becomes a sum of costs over pairs of
points in the same cluster. Each cluster is lifted to a membership matrix, and the matrices are
relaxed to a semidefinite programme (LA-SDP), convex and without starting centres. Alternating it
with a covariance update is iLA-SDP.

The equations carry this module's own numbers, used by the chapter as well. :math:`J = 11^T`.

=====  ===========================================================================================
(1)    :math:`-2\ell = \sum_k \big[|G_k|\log|\Sigma_k| + \sum_{i\in G_k}
       \|x_i-\bar x_k\|^2_{\Sigma_k^{-1}}\big] + np\log 2\pi`
(2)    :math:`\sum_{i\in G}\|x_i-\bar x\|^2 = \frac1{2|G|}\sum_{i,j\in G}\|x_i-x_j\|^2`
(3)    lifting: :math:`Z_k = 1_{G_k}1_{G_k}^T/|G_k|`
(4)    costs: :math:`C_k = \log|\Sigma_k|\,J + \frac12\big(\|x_i-x_j\|^2_{\Sigma_k^{-1}}\big)_{ij}`
(5)    LA-SDP: :math:`\min\sum_k\langle C_k,Z_k\rangle`, :math:`Z_k\succeq0`, :math:`Z_k\ge0`,
       :math:`\mathrm{tr}Z_k=1`, :math:`\sum_kZ_k1=1`
(6)    K-means SDP: :math:`\min\langle C,Z\rangle`, :math:`Z\succeq0`, :math:`Z\ge0`,
       :math:`\mathrm{tr}Z=K`, :math:`Z1=1`
(7)    :math:`\Sigma_k = \frac1{2\,1^TZ_k1}\sum_{ij}(Z_k)_{ij}(x_i-x_j)(x_i-x_j)^T`
(8)    penalty :math:`\lambda\sum_k|G_k|\,\mathrm{tr}\Sigma_k^{-1}` added to (1), minimised by the
       sample covariance plus :math:`\lambda I`
(9)    projection on the equations of (5): :math:`Z_k = W_k-\alpha_kI-(v1^T+1v^T)`
(10)   :math:`Z = \mathrm{Proj}\big(\frac12(X-U+Y-V)-C/2\rho\big)`
(11)   :math:`X = (\tilde Z_X+U)_{\succeq0}`, :math:`Y = (\tilde Z_Y+V)_{\ge0}`, where
       :math:`\tilde Z_X = 1.6Z-0.6X`, :math:`\tilde Z_Y = 1.6Z-0.6Y` with the old copies
(12)   :math:`U \leftarrow U+\tilde Z_X-X`, :math:`V \leftarrow V+\tilde Z_Y-Y`
(13)   lower bound: :math:`\sum_k(t_k+\lambda_{\min}(S_k))+1^Tu`,
       :math:`S_k = C_k-t_kI-\frac12(u1^T+1u^T)-N_k`, :math:`N_k\ge0`, for any :math:`t,u,N`
(14)   rounding: point i goes to the cluster with the largest :math:`(Z_k1)_i`
(15)   new points: :math:`\arg\max_k\log w_k+\log N(x\mid\mu_k,\Sigma_k)`
(16)   threshold: :math:`\bar\Delta^2 = 4\sigma^2\big(1+\sqrt{1+Kp/(n\log n)}\big)\log n`
=====  ===========================================================================================

The paper solves its programmes with an interior SDP package; the ADMM solver, its lower bound and
the penalty (8) are this module's. Left out: the paper's theorems, which are cited in the chapter.

Files: ``_likelihood`` (costs, objective, covariances), ``_solver`` (ADMM), ``_rounding``,
``_estimator`` (the two classes), ``_mixtures`` (simulated data).
"""

from mixbook.core.clustering import clustering_error
from mixbook.mixtures.ila_sdp._estimator import ILASDP, LASDP, kmeans_sdp_labels
from mixbook.mixtures.ila_sdp._likelihood import (
    cluster_covariances,
    mahalanobis_cost,
    membership_matrices,
    profile_nll,
    soft_covariances,
)
from mixbook.mixtures.ila_sdp._mixtures import (
    Clusters,
    make_crossing,
    make_parallel,
    make_spherical,
    make_three_shapes,
)
from mixbook.mixtures.ila_sdp._rounding import recovery_threshold, round_memberships
from mixbook.mixtures.ila_sdp._solver import (
    LASDPResult,
    affine_multipliers,
    project_affine,
    project_psd,
    project_psd_near,
    solve_kmeans_sdp,
    solve_la_sdp,
)

__all__ = [
    "ILASDP",
    "LASDP",
    "Clusters",
    "LASDPResult",
    "affine_multipliers",
    "cluster_covariances",
    "clustering_error",
    "kmeans_sdp_labels",
    "mahalanobis_cost",
    "make_crossing",
    "make_parallel",
    "make_spherical",
    "make_three_shapes",
    "membership_matrices",
    "profile_nll",
    "project_affine",
    "project_psd",
    "project_psd_near",
    "recovery_threshold",
    "round_memberships",
    "soft_covariances",
    "solve_kmeans_sdp",
    "solve_la_sdp",
]
