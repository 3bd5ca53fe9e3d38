r"""RSS: robust self-supervised training with unlabelled points from elsewhere.

Amir Hossein Saberi, Amir Najafi, Alireza Heidari, Mohammad Hosein Movasaghinia, Abolfazl Motahari,
Babak H. Khalaj. *Out-Of-Domain Unlabeled Data Improves Generalization*. ICLR 2024,
arXiv:2310.00027.

A few labelled points come from :math:`P_0`, many unlabelled ones from a shifted :math:`P_1`. RSS
adds to the distributionally robust loss of the labelled points that of the unlabelled ones with the
labels which the classifier itself gives them, and so drives the boundary out of dense regions.

The equations carry this module's own numbers, used by the chapter as well; 12 and 13 are the
paper's Theorems 4.1 and 4.2.

=====  ===========================================================================================
(1)    robust loss :math:`\phi_\gamma(X,y;\theta)=\sup_Z\ell(Z,y;\theta)-\gamma c(Z,X)`
(2)    RSS: :math:`\min_\theta\frac1m\sum_i\phi_\gamma(X_i,y_i;\theta)
       +\frac\lambda n\sum_j\phi_{\gamma'}(X'_j,h_\theta(X'_j);\theta)`
(3)    linear rule, 0-1 loss: the ramp :math:`\min\{1,\max(0,1-\gamma t)\}` of the margin
(4)    and with own labels: the tent :math:`\max(0,1-\gamma'|s|)` of the score
(5)    duality: worst error within the distance :math:`\epsilon` is
       :math:`\min_\gamma\gamma\epsilon+\mathrm E\phi_\gamma`
(6)    proximal map of the squared cost: :math:`D/(1+2w)`
(7)    and of the distance: :math:`D\max(0,1-w/\|D\|)`
(8)    data: :math:`X|y\sim N(y\mu_0,\sigma_0^2I)`, :math:`X'\sim\frac12\sum_\pm
       N(\pm\mu_1,\sigma_1^2I)`, :math:`\mu_1=\mu_0+\alpha v`
(9)    accuracy :math:`\Phi(\langle\theta,\mu_0\rangle/\sqrt{\theta^T\Sigma\theta})`
(10)   mean of the ramp under the Gaussian margin
(11)   ceiling of unlabelled points with an orthogonal shift
(12)   bound on the excess robust risk
(13)   bound on the excess error
(14)   start: mean of :math:`y_iX_i`
(15)   sub-gradient :math:`-\frac\gamma m\sum_{0<1-\gamma t_i<1}y_iX_i
       -\frac{\lambda\gamma'}n\sum_{\gamma'|s_j|<1}\mathrm{sign}(s_j)X'_j`
(16)   step along the sphere with momentum
(17)   baselines: labelled mean,
(18)   self-training,
(19)   EM,
(20)   leading singular vector
(21)   logistic loss of a network
(22)   the network's objective on minibatches, with the labels of the moment
(23)   mean accuracy that a number of labelled points allows
=====  ===========================================================================================

The paper's theory and its simulation have linear rules (Eqs. 3 to 5, 8 to 16), its experiment with
images a network (Eqs. 1, 2, 6, 7, 21, 22). The closed forms and the optimiser are derived here. The
paper leaves out how its networks were trained. Left out here: the proofs of the theorems, and the
theorem for other covariances, of which only the rule with a known covariance is implemented.

Files: ``_losses`` (robust losses), ``_linear`` and ``_network`` (the two learners), ``_gaussians``
(setting and bounds of the theory), ``_baselines``, ``_checks``.
"""

from mixbook.mixtures.ood_unlabeled._baselines import (
    em_direction,
    mean_direction,
    self_training,
    spectral_direction,
)
from mixbook.mixtures.ood_unlabeled._gaussians import (
    bound_thm41,
    bound_thm42,
    gmm_accuracy,
    gmm_pair,
    gmm_robust_risk,
    label_ceiling,
    shift_ceiling,
)
from mixbook.mixtures.ood_unlabeled._linear import (
    LinearFit,
    LinearProblems,
    RSSLinear,
    fit_directions,
)
from mixbook.mixtures.ood_unlabeled._losses import (
    ascend_points,
    ramp_loss,
    robust_loss,
    rss_objective,
    tent_loss,
    worst_case_error,
    worst_points,
)
from mixbook.mixtures.ood_unlabeled._network import RSSNet, logistic_loss

__all__ = [
    "LinearFit",
    "LinearProblems",
    "RSSLinear",
    "RSSNet",
    "ascend_points",
    "bound_thm41",
    "bound_thm42",
    "em_direction",
    "fit_directions",
    "gmm_accuracy",
    "gmm_pair",
    "gmm_robust_risk",
    "label_ceiling",
    "logistic_loss",
    "mean_direction",
    "ramp_loss",
    "robust_loss",
    "rss_objective",
    "self_training",
    "shift_ceiling",
    "spectral_direction",
    "tent_loss",
    "worst_case_error",
    "worst_points",
]
