"""From cities to series: ReGENN, and street networks.

Papers: G. Spadon. *From Cities to Series: Complex Networks and Deep Learning for Improved Spatial
and Temporal Analytics*. PhD thesis, University of São Paulo, 2022, arXiv 2206.01176. Its network is
that of G. Spadon, S. Hong, B. Brandoli, S. Matwin, J. F. Rodrigues-Jr, J. Sun. *Pay Attention to
Evolution: Time Series Forecasting With Deep Graph-Evolution Learning*. IEEE TPAMI 44(9), 2022,
arXiv 2008.12833.

The thesis uses networks three times: as one graph of variables inside a forecaster (ReGENN), for
commuting (the module ``commuters``), and to criticise streets. The numbers below are those of this
module, and the chapter uses them too:

=====  ==========================================================  ==============================
(1)    autoregression                                              ``Autoregression``
(2)    co-occurrence S of variables, off the diagonal              ``cooccurrence_adjacency``
(3)    own mass of a variable, on the diagonal                     ``cooccurrence_adjacency``
(4)    evolved adjacency H = b_A + S W_A                           ``GSEvolution.evolve``
(5)    cosine similarity C of the rows of H                        ``cosine_matrix``
(6)    graph G = C o W_C + B_C                                     ``GSEvolution.graph``
(7)    variables mixed along G                                     ``GSEvolution``
(8)    linear map of the time axis                                 ``GSEvolution``
(9)    the network                                                 ``ReGENN``
(10)   scale by the largest value of the window                    ``window_scale``
(11)   logarithmic scale                                           ``to_scale``
(12)   the scale of the authors' program, which leaks              ``official_scale``
(13)   great-circle distance                                       ``haversine``
(14)   continuity angle                                            ``continuity_angle``
(15)   inconsistent nodes                                          ``inconsistent_nodes``
(16)   detour ratio                                                ``inconsistent_nodes``
(17)   straightness                                                ``influence_table``
(18)   overlap of the highest nodes (Jaccard)                      ``top_k_overlap``
(19)   efficiency                                                  ``efficiency``
(20)   mean absolute error                                         ``mae``
(21)   mean squared logarithmic error                              ``msle``
(22)   the coupled panel                                           ``coupled_panel``
(23)   AUC of the links                                            ``edge_auc``
=====  ==========================================================  ==============================

Left out of ReGENN: repeated evolution of the adjacency after the first epoch, which the authors'
program has switched off as too unstable; and activations inside the graph layer are a callable in
place of their list of names. The stored adjacency is a buffer here and not a parameter, and a layer
without a time map has no weights for one; this is why the authors' count of parameters is larger
(by 36 + 56 with three variables and w = s = 7). Of the thesis' street part, what follows from maps
alone is here: continuous streets, facilities, influence. How a nearest facility, a relocation and
the loss of efficiency are measured in detail is this module's own choice.

Files: ``layers``, ``network``, ``scaling``, ``forecaster``, ``measures``, ``baselines``,
``synthetic``, ``streets``, ``facilities`` (on ``_kernels``) and ``influence``. Needs the extra
"networks" (networkx, numba, statsmodels).
"""

from mixbook.networks.regenn.baselines import (
    BoostedGrowth,
    PooledAR,
    last_value,
    linear_trend,
    log_linear_trend,
    per_series,
)
from mixbook.networks.regenn.facilities import (
    Relocation,
    inconsistency_groups,
    inconsistent_nodes,
    network_distances,
    relocate_facilities,
    straight_distances,
    street_graph,
)
from mixbook.networks.regenn.forecaster import ReGENNForecaster, panel_split
from mixbook.networks.regenn.influence import (
    efficiency,
    efficiency_loss,
    influence_table,
    top_k_overlap,
)
from mixbook.networks.regenn.layers import (
    Autoregression,
    GSEvolution,
    cooccurrence_adjacency,
    cosine_matrix,
)
from mixbook.networks.regenn.measures import mae, msle, rmse
from mixbook.networks.regenn.network import ReGENN
from mixbook.networks.regenn.scaling import official_scale, window_scale
from mixbook.networks.regenn.streets import (
    EARTH_RADIUS,
    DualGraph,
    Street,
    continuity_angle,
    dual_graph,
    haversine,
)
from mixbook.networks.regenn.synthetic import (
    coupled_panel,
    edge_auc,
    perturbed_grid,
    ring_with_chord,
    var_weights,
)

__all__ = [
    "EARTH_RADIUS",
    "Autoregression",
    "BoostedGrowth",
    "DualGraph",
    "GSEvolution",
    "PooledAR",
    "ReGENN",
    "ReGENNForecaster",
    "Relocation",
    "Street",
    "continuity_angle",
    "cooccurrence_adjacency",
    "cosine_matrix",
    "coupled_panel",
    "dual_graph",
    "edge_auc",
    "efficiency",
    "efficiency_loss",
    "haversine",
    "inconsistency_groups",
    "inconsistent_nodes",
    "influence_table",
    "last_value",
    "linear_trend",
    "log_linear_trend",
    "mae",
    "msle",
    "network_distances",
    "official_scale",
    "panel_split",
    "per_series",
    "perturbed_grid",
    "relocate_facilities",
    "ring_with_chord",
    "rmse",
    "straight_distances",
    "street_graph",
    "top_k_overlap",
    "var_weights",
    "window_scale",
]
