r"""LLP-BP: labels of instances from counts per bag, by belief propagation.

Shreyas Havaldar, Navodita Sharma, Shubhi Sareen, Karthikeyan Shanmugam, Aravindan Raghuveer.
*Learning from Label Proportions: Bootstrapping Supervised Learners via Belief Propagation*.
ICLR 2024, arXiv:2310.08056.

Instances :math:`x_i` come in disjoint bags :math:`S_1, \ldots, S_m`; of the labels only the number
of ones in each bag, :math:`B_s`, is known. A Gibbs law over all labels rewards agreement with the
counts and with the neighbours in a k-nearest-neighbour graph (edges :math:`E`). Its marginals,
found by sum-product belief propagation, are thresholded to pseudo-labels; a network is trained on
them; its inner layer gives a better graph, and the two steps repeat.

The equations carry this module's own numbers, used by the chapter as well. :math:`\sigma` is the
logistic function, :math:`B(i)` the count of the bag of i, and all quantities on the right of an
arrow are those of the last iteration.

=====  ===========================================================================================
(1)    :math:`P(y) \propto \exp\big(-\lambda_b \sum_s (\sum_{i\in S_s} y_i - B_s)^2
       - \lambda_s \sum_{(i,j)\in E} k_{ij} (y_i-y_j)^2\big)`, :math:`y \in \{0,1\}^n`
(2)    log-potential of :math:`y_i=1`:
       :math:`u_i = -\lambda_b(1-2B(i)) - \lambda_s \sum_{j:(i,j)\in E} k_{ij}`
(3)    log-potential of :math:`y_i=y_j=1`: :math:`w_{ij} = 2\lambda_s k_{ij}[(i,j)\in E]
       - 2\lambda_b[\text{same bag}]`
(4)    edge weight (Matern 1/2): :math:`k_{ij} = \exp(-\|z_i-z_j\|/\ell)`
(5)    :math:`\tilde m_{i\to j} = \log\big((1+e^{c+w_{ij}})/(1+e^{c})\big)`,
       :math:`c = u_i + \sum_{l\ne j} m_{l\to i}`
(6)    damping: :math:`m \leftarrow \delta m + (1-\delta)\tilde m`
(7)    marginal: :math:`q_i = \sigma(u_i + \sum_l m_{l\to i})`
(8)    message of a whole bag to i: :math:`\log\frac{\sum_K P_{-i}(K) f(K+1)}{\sum_K P_{-i}(K)
       f(K)}`, :math:`f(K) = e^{-\lambda_b(K-B)^2}`, :math:`P_{-i}` the law of the number of ones
       among the others, :math:`y_j = 1` with probability :math:`\sigma(c_j)`
(9)    tilt: :math:`\theta + 2\lambda_b\big(\sum_j \sigma(c_j+\theta) - B\big) = 0`
(10)   tilted factor: :math:`g(K) = e^{-\lambda_b(K-\kappa)^2}`,
       :math:`\kappa = B - \theta/2\lambda_b`
(11)   halves of a bag, upwards: :math:`P_{L\cup R}(K) = \sum_j P_R(j) P_L(K-j)`
(12)   and downwards: :math:`\beta_L(K) = \sum_j P_R(j)\, \beta_{L\cup R}(K+j)`, from
       :math:`\beta = g` at the root; (8) is :math:`\theta + \log\beta_i(1)/\beta_i(0)`
(13)   pseudo-label: :math:`\hat y_i = [q_i \ge \tau]`
(14)   loss: :math:`\mathrm{BCE}(\hat y_i, p_i)
       + \lambda_a \mathrm{BCE}(B_s/|S_s|, p^{\mathrm{bag}}_s)`
(15)   DLLP: :math:`\mathrm{BCE}\big(B_s/|S_s|, \frac1{|S_s|}\sum_{i\in S_s} p_i\big)`
(16)   EasyLLP: cross-entropy with :math:`|S_s|\,(B_s/|S_s| - \pi) + \pi` in place of
       :math:`y_i`; :math:`\pi` is the share of ones
(17)   first messages :math:`m_{i\to j} = w_{ij}/2`: the messages 0 of the same law written for
       labels :math:`\pm 1` (Ising), where neither label is favoured
=====  ===========================================================================================

The paper's belief propagation runs on pairs, (2) to (7). Messages (8) to (12), which treat a bag as
one factor of the same law, are this module's: exact within a bag, and O(b log b) rather than O(b^2)
for a large bag of b. So is the start (17); the authors' code starts from 0. Left out: GenBags, a
further baseline of the paper.

Files: ``_graph`` (neighbours), ``_gibbs`` (the law), ``_propagation`` and ``_kernels`` (messages),
``_bags``, ``_losses``, ``_networks`` (training), ``_estimator``. Needs the extra "mixtures" (faiss,
numba).
"""

from mixbook.mixtures.llp_bp._bags import bag_mean_classifier, make_bags
from mixbook.mixtures.llp_bp._estimator import LLPBP, BagClassifier, pseudo_labels, select_best
from mixbook.mixtures.llp_bp._gibbs import exact_marginals, gibbs_potentials, log_gibbs
from mixbook.mixtures.llp_bp._graph import knn_graph
from mixbook.mixtures.llp_bp._losses import aggregate_loss, dllp_loss, easyllp_loss
from mixbook.mixtures.llp_bp._networks import BagNetwork
from mixbook.mixtures.llp_bp._propagation import BPResult, bp_bags, bp_marginals, count_messages
from mixbook.mixtures.llp_bp._synthetic import make_two_gaussians

__all__ = [
    "LLPBP",
    "BPResult",
    "BagClassifier",
    "BagNetwork",
    "aggregate_loss",
    "bag_mean_classifier",
    "bp_bags",
    "bp_marginals",
    "count_messages",
    "dllp_loss",
    "easyllp_loss",
    "exact_marginals",
    "gibbs_potentials",
    "knn_graph",
    "log_gibbs",
    "make_bags",
    "make_two_gaussians",
    "pseudo_labels",
    "select_best",
]
