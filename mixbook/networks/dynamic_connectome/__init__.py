"""Dynamic functional connectome: which neurons work together, when, and in which animals.

Paper: L. Dyballa, S. Lang, A. Haslund-Gourley, E. Yemini, S. W. Zucker. *Learning dynamic
representations of the functional connectome in neurobiological networks*. ICLR 2024, arXiv
2402.14102.

Three stages. Traces of identified neurons in several animals become a tensor of affinities (time x
animal x pair); a non-negative CP decomposition splits it into components; and the pairs of each
component are a weighted graph, in which a weighted stochastic block model finds communities. The
numbers of the equations below are this module's, and the chapter uses them too.

=====  ======================================================================  ==================
(1)    slope of a trace, g = (derivative of Gaussian * x) / its spread         ``affinity``
(2)    affinity, sqrt(g_i g_j) times smaller over larger size, if g_i g_j > 0
(3)    smoothing over time
(4)    X_twp = sum_r f^t_tr f^w_wr f^p_pr                                      ``factorisation``
(5)    HALS: f_r <- max(eps, f_r + (M_r - F G_r) / G_rr)
(6)    multiplicative update: F <- F o M / (F G)
(7)    missing entries are filled with the model before each sweep
(8)    factor match score
(9)    P(A | e, b), edges                                                      ``description``
(10)   P(A | k, e, b), edges, degree-corrected
(11)   P(k | e, b), degrees
(12)   P(e | b), flat prior of the numbers of edges between groups
(13)   P(b), partition
(14)   P(x | A, b), exponential weights with a Gamma prior of their rates
(15)   P(e | e', b'), one level of a hierarchy
(16)   variation of information
(17)   membership of a neuron in its community                                 ``pipeline``
(18)   simulated traces                                                        ``simulation``
(19)   weights with given strengths
=====  ======================================================================  ==================

What is our own: the text of the paper that we could read describes the affinity in words
(pair by pair, non-linear, at each instant, non-negative), so Eqs. (1) to (3) are one function with
these properties, not a copy of theirs; so are the choice of the rank and the measures of the atlas.
The authors fit the block model with graph-tool, which pip cannot install; here description length
and search are written anew. Left out: overlapping groups, and the degree prior of graph-tool, which
is finer than the uniform one of Eq. (11).

Files: ``affinity``, ``factorisation``, ``description`` (the lengths), ``blockmodel`` on
``_kernels`` (the search), ``pipeline`` (all stages, atlas, ablation), ``simulation``. Needs the
extra "networks" (numba).
"""

from mixbook.networks.dynamic_connectome.affinity import (
    KINDS,
    concurrence,
    differential_affinity,
    pair_indices,
    pair_mask,
    pair_vector_to_matrix,
)
from mixbook.networks.dynamic_connectome.blockmodel import WeightedSBM
from mixbook.networks.dynamic_connectome.description import (
    block_counts,
    description_length,
    description_terms,
    level_cost,
    nested_description_length,
    partition_cost,
    variation_of_information,
    weight_cost,
)
from mixbook.networks.dynamic_connectome.factorisation import (
    ALGORITHMS,
    NonnegativeCP,
    cosines,
    factor_match_score,
    hals_update,
    select_rank,
)
from mixbook.networks.dynamic_connectome.pipeline import DynamicConnectome, component_graph
from mixbook.networks.dynamic_connectome.simulation import (
    GROUPS,
    Group,
    WormTruth,
    simulate_driver,
    simulate_worms,
    weighted_planted_graph,
)

__all__ = [
    "ALGORITHMS",
    "GROUPS",
    "KINDS",
    "DynamicConnectome",
    "Group",
    "NonnegativeCP",
    "WeightedSBM",
    "WormTruth",
    "block_counts",
    "component_graph",
    "concurrence",
    "cosines",
    "description_length",
    "description_terms",
    "differential_affinity",
    "factor_match_score",
    "hals_update",
    "level_cost",
    "nested_description_length",
    "pair_indices",
    "pair_mask",
    "pair_vector_to_matrix",
    "partition_cost",
    "select_rank",
    "simulate_driver",
    "simulate_worms",
    "variation_of_information",
    "weight_cost",
    "weighted_planted_graph",
]
