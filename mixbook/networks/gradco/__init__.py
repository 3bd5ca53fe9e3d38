"""Graphlets correct for the topological information missed by random walks.

Paper: S. F. L. Windels, N. Malod-Dognin, N. Przulj. *Graphlets correct for the topological
information missed by random walks*. 2024, arXiv 2405.14194.

A *graphlet* is a small connected induced subgraph, an *orbit* a set of its nodes that symmetry
maps onto each other. The orbit adjacency of kind ``(h, a, b)`` counts, for each pair of nodes
(u, v), the graphlets in which u is on orbit a, v on orbit b, and the two are h steps apart inside
the graphlet. For graphlets of up to four nodes there are 28 kinds.

======  ===========================  ============================================================
G0      edge                         0
G1      path of three                1 ends, 2 middle
G2      triangle                     3
G3      path of four                 4 ends, 5 middles
G4      claw                         6 leaves, 7 centre
G5      square                       8
G6      paw (triangle with a tail)   9 end of the tail, 10 base (two nodes), 11 corner with the tail
G7      diamond                      12 the two nodes that are not joined, 13 the other two
G8      4-clique                     14
======  ===========================  ============================================================

The paper's counter enumerates graphlets. Here the same matrices are sums of sparse products, which
are this module's own derivation and are numbered as such. A is the 0-1 adjacency matrix, d the
degrees, ``o`` the entrywise product, ``non(X)`` keeps the pairs u != v that are not joined,
``c2(X) = X o (X - 1) / 2``:

====  =====================================================================================
(1)   T = A o A^2                                             triangles on an edge
(2)   W = non(A^2)                                            common neighbours
(3)   K = A o N N^T, Q = non(N N^T)                           N: node x edge, triangles
(4)   M = A o (1 d^T) - A - T                                 neighbours of v only
(5)   (1,1,2) = M, (1,3,3) = T, (1,14,14) = K, (2,1,1) = W, (2,12,12) = Q
(6)   (1,13,13) = c2(T) - K
(7)   (1,12,13) = A o (A T) - T - 2 K
(8)   (2,8,8) = c2(W) - Q
(9)   (1,8,8) = A o (W A) - M - (1,12,13)
(10)  (1,9,11) = A o (1 t^T) - A o (A T) + K                  t = T 1 / 2
(11)  (1,10,10) = A o (A D A) - A o (T A) - A o (A T) + 2 K   D = diag(d)
(12)  (1,10,11) = T o (1 d^T) - T o T - A o (A T) + 2 K
(13)  (2,9,10) = non(A T) - 2 Q
(14)  (1,6,7) = c2(M) - (1,9,11)
(15)  (2,6,6) = non(M A) - W - (2,9,10)
(16)  (1,5,5) = M o M^T - (1,8,8)
(17)  (1,4,5) = A o (1 s^T) - M^T - A o (A M^T) - (1,8,8)     s = M 1
(18)  (2,4,5) = non(A M) - 2 (2,8,8)
(19)  (3,4,4) = non(W A) - (2,9,10)
(20)  graphlet adjacency = sum of the graphlet's orbit adjacencies
(21)  graphlet degree vector from the row sums of one-hop kinds
(22)  edge graphlet degree vector from the one-hop kinds, B + B^T where the orbits differ
(23)  A^2 = (2,1,1) + (1,3,3) off the diagonal
(24)  paths u-x-y-v: P3 = (3,4,4) + (1,8,8) + (2,9,10) + (2,10,9) + 2 (2,12,12) + (1,12,13)
      + (1,13,12) + 2 (1,14,14)
(25)  A^3 = A + (1,1,2) + (1,2,1) + 2 (1,3,3) + P3 off the diagonal
(26)  co-occurrence on random walks, B = D (1/L) sum_l (D^-1 A)^l
(27)  PMI_uv = log(B_uv vol / (r_u c_v))
(28)  embedding X = U_d sqrt(S_d)
(29)  leave-one-out prediction of ridge regression, (fit_i - H_ii t_i) / (1 - H_ii)
====  =====================================================================================

The formulas of the embeddings (26) to (28) follow the usual matrix factorisation of random-walk
embeddings. Left out: the paper's general proof for walks on k nodes (the identities for walks of up
to three steps are here, and are exact).

Files: ``counting`` (the matrices) on ``_formulas``, ``_sparse`` and ``_kernels``; ``graphlets``
(sums of them, brute force); ``walks``; ``embedding``; ``prediction``. Needs the extra "networks"
(numba).
"""

from mixbook.networks.gradco._formulas import Parts, claw_leaves, path_ends
from mixbook.networks.gradco._sparse import as_adjacency
from mixbook.networks.gradco.counting import (
    GRAPHLET_KINDS,
    ORBIT_KINDS,
    OrbitCounter,
    check_kind,
    orbit_adjacencies,
)
from mixbook.networks.gradco.embedding import (
    UNORDERED_KINDS,
    OrbitPMIEmbedding,
    RandomWalkPMIEmbedding,
    pmi,
)
from mixbook.networks.gradco.graphlets import (
    EDGE_KINDS,
    brute_force_orbit_adjacencies,
    edge_graphlet_degree_vectors,
    graphlet_adjacencies,
    graphlet_degree_vectors,
)
from mixbook.networks.gradco.prediction import (
    LabelScores,
    compare_families,
    leave_one_out_labels,
    predict_labels,
)
from mixbook.networks.gradco.walks import (
    WalkTwins,
    rw_cooccurrence,
    seen_by_walks,
    walk_counts,
    walk_decomposition,
    walk_twins,
)

__all__ = [
    "EDGE_KINDS",
    "GRAPHLET_KINDS",
    "ORBIT_KINDS",
    "UNORDERED_KINDS",
    "LabelScores",
    "OrbitCounter",
    "OrbitPMIEmbedding",
    "Parts",
    "RandomWalkPMIEmbedding",
    "WalkTwins",
    "as_adjacency",
    "brute_force_orbit_adjacencies",
    "check_kind",
    "claw_leaves",
    "compare_families",
    "edge_graphlet_degree_vectors",
    "graphlet_adjacencies",
    "graphlet_degree_vectors",
    "leave_one_out_labels",
    "orbit_adjacencies",
    "path_ends",
    "pmi",
    "predict_labels",
    "rw_cooccurrence",
    "seen_by_walks",
    "walk_counts",
    "walk_decomposition",
    "walk_twins",
]
