"""Commuter networks from indicators of the regions: which links exist, and how many commute.

Paper: G. Spadon, A. C. P. L. F. de Carvalho, J. F. Rodrigues-Jr, L. G. A. Alves. *Reconstructing
commuters network using machine learning and urban indicators*. Scientific Reports 9, 11801, 2019.
arXiv 1908.03512.

Each ordered pair of regions becomes a row of a table: the indicators of the origin, those of the
destination, and their distance. A classifier answers whether there is a link, a regressor how
many commute on it. Beside them stand gravity and radiation, ways to split data on pairs, and
importances of groups of columns. Left out: the Brazilian data of the paper, which are not
published with it. The paper numbers no equation that is used here, so the numbers below are
those of this module, and the chapter uses them too:

=====  ==============================================================  ==========================
(1)    pair features phi_ij = [u_i; u_j; d_ij]                         ``pair_features``
(2)    great-circle distance                                           ``haversine_matrix``
(3)    area and centroid of a polygon (shoelace)                       ``polygon_centroid_area``
(4)    links y_ij = [F_ij > 0]                                         ``link_dataset``
(5)    target log10 F_ij on links                                      ``flow_dataset``
(6)    gravity: log F = log K + a log m_i + b log m_j - g log d        ``GravityModel``
(7)    the same with exp(-d / l)                                       ``GravityModel``
(8)    people in between s_ij                                          ``intervening_population``
(9)    Poisson pseudo maximum likelihood                               ``GravityModel``
(10)   gravity with known outflows                                     ``GravityModel``
(11)   radiation                                                       ``radiation_model``
(12)   radiation in a finite country                                   ``radiation_model``
(13)   common part of commuters                                        ``cpc``
(14)   best threshold                                                  ``threshold_rule``
(15)   clustering                                                      ``network_comparison``
(16)   grouped permutation importance                                  ``grouped_permutation_...``
(17)   the law of the synthetic country                                ``synthetic_cities``
(18)   partial dependence                                              ``partial_dependence_curve``
=====  ==============================================================  ==========================

Files: ``data`` (container, New York, synthetic country), ``geography``, ``features`` (pairs, data
sets, folds), ``physics``, ``learners``, ``importance``, ``measures``.
"""

from mixbook.networks.commuters.data import (
    CommuterData,
    ny_counties,
    synthetic_cities,
    three_towns,
)
from mixbook.networks.commuters.features import (
    PairData,
    all_pairs,
    feature_groups,
    flow_dataset,
    gravity_features,
    link_dataset,
    pair_features,
    pair_folds,
)
from mixbook.networks.commuters.geography import (
    EARTH_RADIUS,
    haversine_matrix,
    intervening_population,
    polygon_centroid_area,
    travel_rank,
)
from mixbook.networks.commuters.importance import (
    drop_group_importance,
    grouped_impurity_importance,
    grouped_permutation_importance,
    partial_dependence_curve,
    rank_of,
)
from mixbook.networks.commuters.learners import (
    MODELS,
    FlowRegressor,
    LinkReconstructor,
    out_of_fold,
)
from mixbook.networks.commuters.measures import (
    cpc,
    flow_scores,
    link_scores,
    network_comparison,
    threshold_rule,
)
from mixbook.networks.commuters.physics import (
    GravityModel,
    physics_flows,
    physics_links,
    radiation_model,
)

__all__ = [
    "EARTH_RADIUS",
    "MODELS",
    "CommuterData",
    "FlowRegressor",
    "GravityModel",
    "LinkReconstructor",
    "PairData",
    "all_pairs",
    "cpc",
    "drop_group_importance",
    "feature_groups",
    "flow_dataset",
    "flow_scores",
    "gravity_features",
    "grouped_impurity_importance",
    "grouped_permutation_importance",
    "haversine_matrix",
    "intervening_population",
    "link_dataset",
    "link_scores",
    "network_comparison",
    "ny_counties",
    "out_of_fold",
    "pair_features",
    "pair_folds",
    "partial_dependence_curve",
    "physics_flows",
    "physics_links",
    "polygon_centroid_area",
    "radiation_model",
    "rank_of",
    "synthetic_cities",
    "three_towns",
    "threshold_rule",
    "travel_rank",
]
