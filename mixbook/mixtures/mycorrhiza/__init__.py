r"""Mycorrhiza: genotype assignment by phylogenetic networks.

Jeremy Georges-Filteau, Richard C. Hamelin, Mathieu Blanchette. *Mycorrhiza: Genotype Assignment
using Phylogenetic Networks*. Bioinformatics 36(1):212-220, 2020, arXiv:2010.09483.

Which population does an individual come from, judged by its alleles? The method computes genetic
distances between all individuals, labelled or not, turns them into a weighted system of circular
splits (NeighborNet, Bryant and Moulton 2004), and grows a random forest on the sides that each
individual takes. No model of allele frequencies is needed. The class shares of the forest serve as
mixture proportions.

The equations carry this module's own numbers, used by the chapter as well.

=====  ===========================================================================================
(1)    :math:`p_{ij}`: share of the sites typed in both that differ
(2)    Jukes and Cantor: :math:`d = -\frac34\ln(1-\frac43p)`
(3)    :math:`d(C,C')`: mean distance of the nodes of two clusters
(4)    :math:`Q(C_i,C_j) = (m-2)\,d(C_i,C_j)-\sum_{k\ne i}d(C_i,C_k)-\sum_{k\ne j}d(C_j,C_k)`
(5)    :math:`(\hat m-2)\,d(x,y)-R(x)-R(y)`, :math:`R(x)=\sum_{k\ne i,j}d(x,C_k)+\sum_z d(x,z)`
       over the other nodes z of both clusters, :math:`\hat m = m+|C_i|+|C_j|-2`
(6)    :math:`d(u,\cdot) = \frac23d(x,\cdot)+\frac13d(y,\cdot)`,
       :math:`d(v,\cdot) = \frac23d(z,\cdot)+\frac13d(y,\cdot)`,
       :math:`d(u,v) = \frac13(d(x,y)+d(x,z)+d(y,z))`
(7)    :math:`\hat d_{ij} = \sum_{s\text{ separates }i,j}w_s`
(8)    with cuts in the interval :math:`I=[i,j)`:
       :math:`\hat d_{ij} = \sum_{a\in I}\sum_bw_{ab}-\sum_{a,b\in I}w_{ab}`
(9)    exact weights: :math:`w_{ab} = \frac12(d_{a,b}+d_{a+1,b+1}-d_{a,b+1}-d_{a+1,b})`
(10)   :math:`\min_{w\ge0}\sum_{i<j}(d_{ij}-\hat d_{ij})^2`
(11)   gradient :math:`A^T(Aw-d)`; :math:`A^T` is (8) with places for cuts
(12)   pairs that two splits both separate, with n, m places and k in common:
       :math:`k(N-n-m+k)+(n-k)(m-k)`
(13)   fit: :math:`1-\sum(d-\hat d)^2/\sum d^2`
(14)   features: the side of each split that is not trivial
(15)   mixture proportions: the mean over P groups of loci of the shares in each forest
(16)   mixture error: :math:`\frac1N\sum_{ik}(q_{ik}-\hat q_{ik})^2`
(17)   :math:`F_{ST} = 1-H_S/H_T`
(18)   likelihood: :math:`\hat p_{ka} = (n_{ka}+\alpha/J)/(n_k+\alpha)`,
       :math:`P(k\mid i)\propto\prod_a\hat p_{ka}^{c_{ia}}`
(19)   EM: :math:`q_{ik}\leftarrow\frac1{n_i}\sum_ac_{ia}q_{ik}\hat p_{ka}/\sum_lq_{il}\hat p_{la}`
(20)   Balding and Nichols: :math:`p_k\sim\mathrm{Beta}(\frac{1-F}Fp,\frac{1-F}F(1-p))`
=====  ===========================================================================================

Left out: STRUCTURE and Admixture, which are programs of their own; their model with known source
populations is (18) and (19). The paper simulates forward with SLiM, here the same demography runs
backward. Two things differ from the authors' programs on purpose: (10) is solved exactly, and
individuals enter NeighborNet in random order (see ``solver`` and ``shuffle`` of `Mycorrhiza`).

Files: ``_distances``, ``_ordering`` and ``_weights`` (NeighborNet), ``_splits`` (split systems,
features, planar drawing), ``_assign`` (the classifier), ``_baselines``, ``_simulate``,
``_measures``.
"""

from mixbook.data import Genotypes as Genotypes
from mixbook.data import load_myco as load_myco
from mixbook.mixtures.mycorrhiza._assign import (
    Mycorrhiza,
    cross_validate,
    forest_mixture,
    pca_features,
)
from mixbook.mixtures.mycorrhiza._baselines import (
    admixture_proportions,
    likelihood_assignment,
    raw_forest_mixture,
)
from mixbook.mixtures.mycorrhiza._distances import allele_counts, genetic_distance
from mixbook.mixtures.mycorrhiza._measures import fst, mixture_error
from mixbook.mixtures.mycorrhiza._ordering import (
    agglomeration_criterion,
    circular_order,
    smooth_chain,
)
from mixbook.mixtures.mycorrhiza._simulate import (
    make_hybrids,
    migration_matrix,
    simulate_balding_nichols,
    simulate_islands,
)
from mixbook.mixtures.mycorrhiza._splits import (
    NetworkLayout,
    SplitSystem,
    neighbor_net,
    network_layout,
    split_features,
)
from mixbook.mixtures.mycorrhiza._weights import across, exact_weights, split_weights

__all__ = [
    "Mycorrhiza",
    "NetworkLayout",
    "SplitSystem",
    "across",
    "admixture_proportions",
    "agglomeration_criterion",
    "allele_counts",
    "circular_order",
    "cross_validate",
    "exact_weights",
    "forest_mixture",
    "fst",
    "genetic_distance",
    "likelihood_assignment",
    "make_hybrids",
    "migration_matrix",
    "mixture_error",
    "neighbor_net",
    "network_layout",
    "pca_features",
    "raw_forest_mixture",
    "simulate_balding_nichols",
    "simulate_islands",
    "smooth_chain",
    "split_features",
    "split_weights",
]
