"""Simplicial closure and higher-order link prediction.

Paper: A. R. Benson, R. Abebe, M. T. Schaub, A. Jadbabaie, J. Kleinberg. *Simplicial closure and
higher-order link prediction*. PNAS 115(48), 2018. arXiv 1802.06916.

Everything in the paper's method is here. Left out: the supplement's table of temporal asynchrony.
The paper's own text numbers few equations, so the numbers below are those of this module, and
the chapter uses them too:

=====  ==============================================================  ========================
(1)    projected graph W = A A^T - diag(A A^T)                         ``projected_graph``
(2)    fraction open = n_open / (n_open + n_closed)                    ``fraction_open``
(3)    density nnz(W) / (n^2 - n); average degree density (n - 1)      ``average_degree``
(4)    fraction open = a + b log(average degree), least squares        ``openness_fit``
(5)    null model: E n_closed = C(n,3) p                               ``expected_open_closed``
(6)    null model: E n_open = C(n,3) (1-p) (1 - (1-p)^(n-3))^3         ``expected_open_closed``
(7)    time cut c(q) = round(percentile of times)                      ``split``
(8)    3-node types by inclusion and exclusion                         ``closure_counts_3``
(9)    4-node types by inclusion and exclusion                         ``closure_counts_4``
(10)   two-proportion z-statistic                                      ``compare_proportions``
(11)   generalised mean M_p                                            ``generalized_mean``
(12)   preferential attachment                                         ``score_triangles``
(13)   Jaccard index of three neighbour sets                           ``score_triangles``
(14)   Adamic-Adar of three neighbour sets                             ``neighbour_counts``
(15)   Katz K = (I - beta W)^-1 - I                                    ``katz_matrix``
(16)   PageRank F = (1 - alpha) (I - alpha W D^-1)^-1                  ``ppr_matrix``
(17)   Hodge operator L = (G G^T + C^T C) D^-1                         ``hodge_operator``
(18)   simplicial PageRank S = beta0 (beta0 I + L)^-1                  ``score_triangles``
(19)   Hodge decomposition of S                                        ``hodge_parts``
(20)   average precision over the positive rate                        ``relative_auprc``
(21)   the 26 features of the supervised predictor                     ``triangle_features``
(22)   accuracy of guessing by class frequencies, sum p_c^2            ``classify_egonets``
=====  ==============================================================  ========================

Files: ``temporal`` (the data structure), ``triangles`` (open and closed, statistics), ``closure``
and ``closure_tests`` (how often configurations close), ``lifecycles``, ``null_model``,
``egonets``, ``scores`` with ``walks`` and ``hodge`` (scores for open triangles), ``prediction``.
Needs the extra "networks" (numba).
"""

from mixbook.core.simplices import TemporalSimplices
from mixbook.networks.simplicial_closure._index import incidence, projected_graph
from mixbook.networks.simplicial_closure.closure import (
    KEYS_3,
    KEYS_4,
    closure_counts_3,
    closure_counts_4,
)
from mixbook.networks.simplicial_closure.closure_tests import (
    COMPARISONS,
    closure_tests,
    compare_proportions,
)
from mixbook.networks.simplicial_closure.egonets import (
    EGONET_FEATURES,
    EgonetScores,
    classify_egonets,
    egonet_features,
)
from mixbook.networks.simplicial_closure.hodge import (
    EdgeComplex,
    edge_complex,
    hodge_operator,
    hodge_parts,
)
from mixbook.networks.simplicial_closure.lifecycles import (
    STATES,
    lifecycle,
    lifecycle_transitions,
)
from mixbook.networks.simplicial_closure.null_model import (
    expected_density,
    expected_open_closed,
    simulate_random_simplices,
)
from mixbook.networks.simplicial_closure.prediction import (
    HigherOrderLinkPredictor,
    bootstrap_relative_auprc,
    labeled_open_triangles,
    relative_auprc,
    released_script_labels,
    triangle_features,
)
from mixbook.networks.simplicial_closure.scores import (
    SCORES,
    edge_weights,
    generalized_mean,
    neighbour_counts,
    score_triangles,
)
from mixbook.networks.simplicial_closure.triangles import (
    LinearFit,
    average_degree,
    count_triangles,
    edge_density,
    fraction_open,
    open_triangles,
    openness_fit,
    random_configuration,
    summary_statistics,
)
from mixbook.networks.simplicial_closure.walks import katz_matrix, ppr_matrix

__all__ = [
    "COMPARISONS",
    "EGONET_FEATURES",
    "KEYS_3",
    "KEYS_4",
    "SCORES",
    "STATES",
    "EdgeComplex",
    "EgonetScores",
    "HigherOrderLinkPredictor",
    "LinearFit",
    "TemporalSimplices",
    "average_degree",
    "bootstrap_relative_auprc",
    "classify_egonets",
    "closure_counts_3",
    "closure_counts_4",
    "closure_tests",
    "compare_proportions",
    "count_triangles",
    "edge_complex",
    "edge_density",
    "edge_weights",
    "egonet_features",
    "expected_density",
    "expected_open_closed",
    "fraction_open",
    "generalized_mean",
    "hodge_operator",
    "hodge_parts",
    "incidence",
    "katz_matrix",
    "labeled_open_triangles",
    "lifecycle",
    "lifecycle_transitions",
    "neighbour_counts",
    "open_triangles",
    "openness_fit",
    "ppr_matrix",
    "projected_graph",
    "random_configuration",
    "relative_auprc",
    "released_script_labels",
    "score_triangles",
    "simulate_random_simplices",
    "summary_statistics",
    "triangle_features",
]
