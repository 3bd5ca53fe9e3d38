r"""PPP: probabilistic partitive partitioning.

Mujahid Sultan. *Probabilistic Partitive Partitioning (PPP)*. arXiv:2003.04372, 2020.

**A reconstruction.** Only the abstract of the paper could be read, and no code was found. The
abstract promises a method that joins a fast combinatorial and a slow probabilistic way of
clustering, gives the same answer whatever the start, finds the number of clusters, picks out the
most separable points, and reduces large data by k-means first. What "partitive" means is taken
from the author's earlier work (*Binary tree-structured vector quantization approach to clustering
and visualizing microarray data*, Bioinformatics 18, 2002): recursive splitting by k-means. The rest
is our design, which keeps each of these promises in a form that can be tested. The equations carry
this module's own numbers, used by the chapter as well.

=====  ===========================================================================================
(1)    :math:`\mathrm{SSE} = \sum_i w_i \min_c |x_i - \mu_c|^2`
(2)    repeatability: :math:`\rho_k = \binom R2^{-1}\sum_{r<s}\mathrm{ARI}(\ell_r, \ell_s)`
(3)    adjusted Rand index from a table of (weighted) counts
(4)    :math:`\log r_{mk} = \log w_k + \log N(c_m\mid\mu_k,\Sigma_k)
       - \tfrac12\mathrm{tr}\,\Sigma_k^{-1}S_m + \mathrm{const}`
(5)    :math:`N_k = \sum_m n_m r_{mk}`, :math:`w_k = N_k/n`,
       :math:`\mu_k = \sum_m n_m r_{mk} c_m / N_k`,
       :math:`\Sigma_k = \sum_m n_m r_{mk}[(c_m-\mu_k)(c_m-\mu_k)^\top + S_m]/N_k`
(6)    bound: :math:`\sum_m n_m\log\sum_k w_k N(c_m\mid\mu_k,\Sigma_k)\,
       e^{-\frac12\mathrm{tr}\,\Sigma_k^{-1}S_m}`
(7)    :math:`\mathrm{BIC}(k) = -2\log L + d_k\log n`, with
       :math:`d_k = k-1+kp+kp(p+1)/2` (full) or :math:`k-1+2kp` (diagonal)
(8)    gain: :math:`\mathrm{BIC}(1) - \mathrm{BIC}(k)`
(9)    agreement :math:`a_k`: share of points whose most probable component is their k-means
       cluster, with a posterior of at least :math:`\tau`
(10)   k is admissible if :math:`\rho_k\ge\theta_\rho`, gain above ``min_gain``,
       :math:`a_k\ge\theta_a`; of these, the one with the largest gain is taken
(11)   votes: share of runs that give a point its representative label
(12)   core: at every split votes at least :math:`\theta_\rho` and a confident posterior; in the end
       within the 99 % ellipsoid of its cluster
(13)   Hopkins: :math:`H = \sum u^p / (\sum u^p + \sum w^p)`
(14)   moments of micro-clusters: :math:`c_m = \sum_{i\in m}x_i/n_m`,
       :math:`S_m = \sum_{i\in m}(x_i-c_m)(x_i-c_m)^\top/n_m`
(15)   separation: :math:`\min_{a<b}|\mu_a-\mu_b|/(\sigma_a+\sigma_b)`
(16)   Anderson-Darling statistic (of the rival G-means)
(17)   BIC of a k-means partition (of the rival X-means)
=====  ===========================================================================================

Left out: nothing that the abstract promises.
"""

from mixbook.mixtures.ppp._baselines import (
    anderson_darling,
    g_means,
    kmeans_bic,
    kmeans_silhouette,
    mixture_bic,
)
from mixbook.mixtures.ppp._data import make_big, make_blobs7, make_nested6, make_ring, make_tri
from mixbook.mixtures.ppp._estimator import PPP
from mixbook.mixtures.ppp._kmeans import (
    Restarts,
    aligned_votes,
    lloyd,
    pairwise_ari,
    principal_start,
    repeatability,
    seed_centres,
)
from mixbook.mixtures.ppp._measures import compactness, hopkins, separation
from mixbook.mixtures.ppp._micro import MicroClusters, micro_clusters
from mixbook.mixtures.ppp._mixture import (
    Mixture,
    Validation,
    gmm_bic,
    n_parameters,
    validate_partition,
    weighted_gmm_em,
)
from mixbook.mixtures.ppp._tree import (
    Candidate,
    NodeResult,
    PartitionNode,
    Rules,
    grow_tree,
    judge_node,
    node_test,
)

__all__ = [
    "PPP",
    "Candidate",
    "MicroClusters",
    "Mixture",
    "NodeResult",
    "PartitionNode",
    "Restarts",
    "Rules",
    "Validation",
    "aligned_votes",
    "anderson_darling",
    "compactness",
    "g_means",
    "gmm_bic",
    "grow_tree",
    "hopkins",
    "judge_node",
    "kmeans_bic",
    "kmeans_silhouette",
    "lloyd",
    "make_big",
    "make_blobs7",
    "make_nested6",
    "make_ring",
    "make_tri",
    "micro_clusters",
    "mixture_bic",
    "n_parameters",
    "node_test",
    "pairwise_ari",
    "principal_start",
    "repeatability",
    "seed_centres",
    "separation",
    "validate_partition",
    "weighted_gmm_em",
]
