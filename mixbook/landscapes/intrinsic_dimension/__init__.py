"""Intrinsic dimension of objective landscapes.

Implements Chunyuan Li, Heerad Farkhoor, Rosanne Liu and Jason Yosinski, *Measuring the Intrinsic
Dimension of Objective Landscapes*, ICLR 2018 (arXiv 1804.08838): training inside a random subspace
with three kinds of projection, the intrinsic dimension that is read off the resulting curve, its
bootstrap error, the description length that it bounds, the toy problem with a known answer, the
networks and the shuffled variants of the data, and the inverted pendulum.

The equation numbers below are this module's own, not the paper's.

==========  ======================================================================================
Eq. (1)     ``D = d_int + s``: parameters = intrinsic dimension + dimension of the solution set
Eq. (2)     ``theta = theta_0 + P t``: the random affine subspace
Eq. (3)     ``grad_t = P^T grad_theta``: the gradient inside it
Eq. (4)     dense ``P``: normal entries, columns of unit length
Eq. (5)     sparse ``P``: ``P(P_ij != 0) = 1 / sqrt(D_l)`` in layer l, columns of unit length
Eq. (6)     Fastfood ``P``: first D rows, first d columns of ``H G Pi H B``, scaled
Eq. (7)     Walsh-Hadamard matrix: ``H_2n = [[H_n, H_n], [H_n, -H_n]]``
Eq. (8)     ``d_int = min {d : mean performance(d) > fraction * baseline}``
Eq. (9)     toy loss: ``sum_k (k - sum of group k)^2``, performance ``exp(-loss)``
Eq. (10)    the toy's best point of a subspace: ``min_t || target - S (theta_0 + P t) ||^2``
Eq. (11)    description length: ``d`` numbers and one seed, ``bits * (d + 1)``
Eq. (12)    cross-entropy plus ``l2 * sum of squared weights`` of the *full* theta
Eq. (13)    accelerations of the cart and of the pole
Eq. (14)    evolution-strategy gradient: ``sum_i u_i eps_i / (N sigma)`` with mirrored ``eps``
==========  ======================================================================================

Left out: the paper's Humanoid and Pong runs (they need MuJoCo and the Atari emulator), its deep
Q-learner (the pendulum is solved with evolution strategies, which the paper uses for its own
InvertedPendulum), and ImageNet. The numbers of the networks follow the paper's, and
:func:`count_parameters` reproduces them.
"""

from mixbook.landscapes.intrinsic_dimension.cartpole import (
    CartPole,
    cartpole_policy,
    es_subspace,
    rollout,
)
from mixbook.landscapes.intrinsic_dimension.estimate import (
    IntrinsicDimensionEstimator,
    bootstrap_dint,
    compression_factor,
    description_length,
    intrinsic_dimension,
)
from mixbook.landscapes.intrinsic_dimension.networks import (
    LocallyConnected2d,
    count_parameters,
    fc_net,
    he_normal_,
    lenet,
    small_architectures,
)
from mixbook.landscapes.intrinsic_dimension.projections import (
    DenseProjection,
    FastfoodProjection,
    Projection,
    SparseProjection,
    fwht,
    make_projection,
)
from mixbook.landscapes.intrinsic_dimension.subspace import SubspaceModel, flatten_parameters
from mixbook.landscapes.intrinsic_dimension.toy import toy_problem, toy_solve
from mixbook.landscapes.intrinsic_dimension.training import (
    Runs,
    Training,
    train_direct,
    train_subspace,
)
from mixbook.landscapes.intrinsic_dimension.variants import shuffle_labels, shuffle_pixels

__all__ = [
    "CartPole",
    "DenseProjection",
    "FastfoodProjection",
    "IntrinsicDimensionEstimator",
    "LocallyConnected2d",
    "Projection",
    "Runs",
    "SparseProjection",
    "SubspaceModel",
    "Training",
    "bootstrap_dint",
    "cartpole_policy",
    "compression_factor",
    "count_parameters",
    "description_length",
    "es_subspace",
    "fc_net",
    "flatten_parameters",
    "fwht",
    "he_normal_",
    "intrinsic_dimension",
    "lenet",
    "make_projection",
    "rollout",
    "shuffle_labels",
    "shuffle_pixels",
    "small_architectures",
    "toy_problem",
    "toy_solve",
    "train_direct",
    "train_subspace",
]
