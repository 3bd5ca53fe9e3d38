"""GPC: semi-supervised Gaussian mixtures for generalised category discovery.

Paper: B. Zhao, X. Wen, K. Han. *Learning Semi-supervised Gaussian Mixture Models for Generalized
Category Discovery*. ICCV 2023, arXiv 2305.06144.

Some classes have labelled points; the unlabelled points are of these and of unknown classes, and
nobody says how many there are. A mixture is fitted in which labelled points stay with their class,
and split and merge moves change the number of the other components; its means are prototypes on
which an encoder is trained, and so on in turn. The numbers are this module's:

====  =====================================================================================
(1)   assignment: labelled points to their class, others to the nearest centre
(2)   centre: mean of all members, labelled or not
(3)   posterior of the normal-inverse-Wishart prior
(4)   log marginal likelihood of a component
(5)   mean and covariance at the mode of the posterior
(6)   H_s, log of the Hastings ratio of a split
(7)   H_m = -H_s for a merge
(8)   prior scale: variance within the labelled classes
(9)   acceptance of a move
(10)  concentration of a prototype
(11)  prototypical contrastive loss
(12)  supervised contrastive loss
(13)  contrastive loss of two views
(14)  accuracy on all, old and new classes
(15)  critical separation of two spheres, in expectation
(16)  mixing weights under a Dirichlet prior
(17)  accuracy of the labelled probe, for the baseline's K
(18)  loss of the M-step
(19)  leading terms of (15) for many points
====  =====================================================================================

Left out: the vision transformer (any ``torch.nn.Module`` is an encoder here). The covariances and
mixing weights of the paper's mixture enter its moves only through the marginal likelihood, and its
assignments are those of k-means; :meth:`NIWPrior.posterior` and :func:`mixing_weights` give them.

Files: ``_kmeans``, ``_niw``, ``_moves`` on both; ``_estimator``; ``_losses``; ``_trainer`` on the
last two; ``_evaluation``.
"""

from mixbook.mixtures.gcd._estimator import GPC, estimate_k_by_probe
from mixbook.mixtures.gcd._evaluation import (
    GCDSplit,
    gcd_accuracy,
    gcd_split,
    make_separated_classes,
)
from mixbook.mixtures.gcd._kmeans import SemiSupKMeans, lloyd
from mixbook.mixtures.gcd._losses import (
    gpc_loss,
    infonce_loss,
    proto_loss,
    prototype_concentration,
    supcon_loss,
)
from mixbook.mixtures.gcd._moves import (
    Proposal,
    SplitMergeResult,
    accept_move,
    released_split_merge_step,
    split_merge_step,
)
from mixbook.mixtures.gcd._niw import (
    NIWPrior,
    critical_separation,
    log_merge_ratio,
    log_split_ratio,
    mixing_weights,
    within_class_variance,
)
from mixbook.mixtures.gcd._trainer import GPCTrainer, augment_images, small_encoder, small_head

__all__ = [
    "GPC",
    "GCDSplit",
    "GPCTrainer",
    "NIWPrior",
    "Proposal",
    "SemiSupKMeans",
    "SplitMergeResult",
    "accept_move",
    "augment_images",
    "critical_separation",
    "estimate_k_by_probe",
    "gcd_accuracy",
    "gcd_split",
    "gpc_loss",
    "infonce_loss",
    "lloyd",
    "log_merge_ratio",
    "log_split_ratio",
    "make_separated_classes",
    "mixing_weights",
    "proto_loss",
    "prototype_concentration",
    "released_split_merge_step",
    "small_encoder",
    "small_head",
    "split_merge_step",
    "supcon_loss",
    "within_class_variance",
]
