r"""Meta Flow Matching: one flow that reads the whole starting population.

Lazar Atanackovic, Xi Zhang, Brandon Amos, Mathieu Blanchette, Leo J. Lee, Yoshua Bengio, Alexander
Tong, Kirill Neklyudov. *Meta Flow Matching: Integrating Vector Fields on the Wasserstein Manifold*.
ICLR 2025, arXiv:2408.14608.

Given many pairs of populations :math:`(p_0^i, p_1^i)`, learn one velocity field
:math:`v_t(x\mid h)` that moves the points of any source population, where :math:`h=\varphi(p_0)` is
a description of that population, computed by a graph network from all of its points. A population
that was never seen is described and pushed forward.

The equations carry this module's own numbers, used by the chapter as well (only the objective,
Eq. (1), is known to have the number 17 in the paper).

=====  ===========================================================================================
(1)    objective: :math:`E_i\,E_{\pi(x_0,x_1\mid i)}\int_0^1|(x_1-x_0)-v_t(x_t\mid
       \varphi(p_0^i),c^i)|^2dt`
(2)    path: :math:`x_t=(1-t)x_0+t\,x_1`
(3)    graph layer: :math:`z_i'=W\,\tfrac1{k+1}\sum_{j\in N_k(i)\cup\{i\}}z_j+b`
(4)    last layer and mean over points: :math:`\bar z=W\sum_jw_jz_j+b`, where :math:`w_j` is
       :math:`\tfrac1{n(k+1)}` times the number of neighbourhoods that hold :math:`j`
(5)    embedding: :math:`h=\bar z/(|\bar z|+10^{-12})`
(6)    time: :math:`[\sin(\omega_it),\cos(\omega_it)]`,
       :math:`\omega_i=10000^{-i/(d/2-1)}`
(7)    place: :math:`[\cos(2\pi xB),\sin(2\pi xB)]`, :math:`B_{ij}\sim N(0,\sigma^2)` fixed
(8)    residual block: :math:`z'=\mathrm{SELU}(Wz+b+z)`
(9)    flow: :math:`\dot x=v_t(x\mid h,c)` from :math:`t=0` to 1
(10)   pairs by optimal transport: the plan of a minibatch, and pairs drawn from it
(11)   letters: :math:`x_0=x_1+0.5\,z`, kept in pairs
(12)   cells: a cell of type :math:`j` in a population with shares :math:`w` moves by
       :math:`\sum_iw_iV_{ji}`
=====  ===========================================================================================

Eq. (3) is the usual graph convolution: in a nearest-neighbour graph each point has exactly k
incoming edges and a loop, so the symmetric normalisation is the constant 1/(k+1). Eq. (4) holds as
the mean commutes with a linear map; it saves the last gather. For the same reason the neighbour
means of the raw points, which the first layer needs, are computed once with the graph.

Departures from the official code, all on purpose: the graph of a population is built once from all
its points and kept (there: again at each step from the points of the minibatch); one network body
for all methods (there: the flag is ignored in some); a ReLU after every layer of the encoder but
the last, with cell types as well (there: not after the first). Left out: nothing of the method; its
competitor with input-convex networks, and the organoid data, which are not openly served offline.
"""

from mixbook.flows.meta_flow_matching._data import (
    CellMixtures,
    make_cell_mixtures,
    make_digit_clouds,
    make_letters,
)
from mixbook.flows.meta_flow_matching._encoder import (
    PopulationEncoder,
    PopulationGraph,
    knn_indices,
)
from mixbook.flows.meta_flow_matching._estimators import (
    ConditionalFlowMatching,
    FlowMatching,
    MetaFlowMatching,
)
from mixbook.flows.meta_flow_matching._metrics import LocalMean, ShiftOfMeans, population_metrics
from mixbook.flows.meta_flow_matching._velocity import (
    VelocityNet,
    flow_matching_loss,
    integrate,
    ot_pairs,
    time_embedding,
)

__all__ = [
    "CellMixtures",
    "ConditionalFlowMatching",
    "FlowMatching",
    "LocalMean",
    "MetaFlowMatching",
    "PopulationEncoder",
    "PopulationGraph",
    "ShiftOfMeans",
    "VelocityNet",
    "flow_matching_loss",
    "integrate",
    "knn_indices",
    "make_cell_mixtures",
    "make_digit_clouds",
    "make_letters",
    "ot_pairs",
    "population_metrics",
    "time_embedding",
]
