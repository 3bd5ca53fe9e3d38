"""Orbit adjacencies against brute force, other programs, closed forms and symmetries."""

from functools import cache
from itertools import combinations, permutations, product

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mixbook.data import DataError, load_airports, load_planetoid
from mixbook.networks import gradco as g
from mixbook.networks.gradco import _sparse, embedding, prediction

# Sum of all entries, and sum of entries weighed by (31 u + 17 v + u v) mod 101, as counted by
# version 0.1.8 of the authors' package `gradco` (PyPI) for the karate club, for the characters of
# Les Miserables in alphabetical order (edges without weights), for the airports of Brazil, and for
# the Barabasi-Albert graph of 3,000 nodes and 5 new edges a node that networkx grows from seed 0.
# The package needs NumPy 1, so it cannot live in the development environment; the race in
# benchmarks/test_gradco.py calls it in one of its own.
# fmt: off
PUBLIC_PACKAGE = {
    "karate": {
        (1, 0, 0): (156, 8052),
        (1, 1, 2): (786, 39773),
        (1, 2, 1): (786, 38404),
        (1, 3, 3): (270, 14528),
        (1, 4, 5): (1362, 68908),
        (1, 5, 4): (1362, 72730),
        (1, 5, 5): (1362, 75416),
        (1, 6, 7): (3294, 160651),
        (1, 7, 6): (3294, 149273),
        (1, 8, 8): (288, 16063),
        (1, 9, 11): (452, 22270),
        (1, 11, 9): (452, 22821),
        (1, 10, 10): (904, 49706),
        (1, 10, 11): (904, 48722),
        (1, 11, 10): (904, 45654),
        (1, 12, 13): (340, 17491),
        (1, 13, 12): (340, 15838),
        (1, 13, 13): (170, 11475),
        (1, 14, 14): (132, 6913),
        (2, 1, 1): (786, 38522),
        (2, 4, 5): (1362, 68798),
        (2, 5, 4): (1362, 62823),
        (2, 6, 6): (6588, 327380),
        (2, 8, 8): (144, 6765),
        (2, 9, 10): (904, 46688),
        (2, 10, 9): (904, 41667),
        (2, 12, 12): (170, 7915),
        (3, 4, 4): (1362, 68036),
    },
    "miserables": {
        (1, 0, 0): (508, 25509),
        (1, 1, 2): (2814, 143905),
        (1, 2, 1): (2814, 137989),
        (1, 3, 3): (2802, 140281),
        (1, 4, 5): (9996, 532471),
        (1, 5, 4): (9996, 483762),
        (1, 5, 5): (9996, 462554),
        (1, 6, 7): (19086, 912197),
        (1, 7, 6): (19086, 964453),
        (1, 8, 8): (360, 17775),
        (1, 9, 11): (4839, 252344),
        (1, 11, 9): (4839, 240626),
        (1, 10, 10): (9678, 507445),
        (1, 10, 11): (9678, 483308),
        (1, 11, 10): (9678, 460572),
        (1, 12, 13): (2840, 144306),
        (1, 13, 12): (2840, 137862),
        (1, 13, 13): (1420, 72171),
        (1, 14, 14): (7668, 385788),
        (2, 1, 1): (2814, 143998),
        (2, 4, 5): (9996, 518108),
        (2, 5, 4): (9996, 494649),
        (2, 6, 6): (38172, 1927146),
        (2, 8, 8): (180, 9155),
        (2, 9, 10): (9678, 496430),
        (2, 10, 9): (9678, 484115),
        (2, 12, 12): (1420, 80266),
        (3, 4, 4): (9996, 494548),
    },
    "brazil": {
        (1, 0, 0): (2006, 100430),
        (1, 1, 2): (35816, 1813376),
        (1, 2, 1): (35816, 1779080),
        (1, 3, 3): (29274, 1457601),
        (1, 4, 5): (184478, 9458355),
        (1, 5, 4): (184478, 9176807),
        (1, 5, 5): (184478, 9230071),
        (1, 6, 7): (500124, 25354309),
        (1, 7, 6): (500124, 24663841),
        (1, 8, 8): (14952, 749838),
        (1, 9, 11): (157404, 8021011),
        (1, 11, 9): (157404, 7806609),
        (1, 10, 10): (314808, 15629307),
        (1, 10, 11): (314808, 15803505),
        (1, 11, 10): (314808, 15916385),
        (1, 12, 13): (199224, 9979852),
        (1, 13, 12): (199224, 9923412),
        (1, 13, 13): (99612, 4978005),
        (1, 14, 14): (203940, 10096229),
        (2, 1, 1): (35816, 1822806),
        (2, 4, 5): (184478, 9296557),
        (2, 5, 4): (184478, 9524453),
        (2, 6, 6): (1000248, 50680398),
        (2, 8, 8): (7476, 391592),
        (2, 9, 10): (314808, 15844436),
        (2, 10, 9): (314808, 16146809),
        (2, 12, 12): (99612, 5139019),
        (3, 4, 4): (184478, 9287510),
    },
    "scale-free": {
        (1, 0, 0): (29950, 1507022),
        (1, 1, 2): (685038, 34497018),
        (1, 2, 1): (685038, 34441330),
        (1, 3, 3): (9540, 475956),
        (1, 4, 5): (12963246, 652928158),
        (1, 5, 4): (12963246, 652479224),
        (1, 5, 5): (12963246, 646019437),
        (1, 6, 7): (25860372, 1304083908),
        (1, 7, 6): (25860372, 1299193037),
        (1, 8, 8): (132216, 6640299),
        (1, 9, 11): (312291, 15803188),
        (1, 11, 9): (312291, 15731208),
        (1, 10, 10): (624582, 30965418),
        (1, 10, 11): (624582, 31251627),
        (1, 11, 10): (624582, 30627330),
        (1, 12, 13): (24176, 1185954),
        (1, 13, 12): (24176, 1188624),
        (1, 13, 13): (12088, 605126),
        (1, 14, 14): (1476, 71609),
        (2, 1, 1): (685038, 34447518),
        (2, 4, 5): (12963246, 651643549),
        (2, 5, 4): (12963246, 651035338),
        (2, 6, 6): (51720744, 2603399103),
        (2, 8, 8): (66108, 3343705),
        (2, 9, 10): (624582, 31385109),
        (2, 10, 9): (624582, 31400139),
        (2, 12, 12): (12088, 609560),
        (3, 4, 4): (12963246, 652026634),
    },
}
# fmt: on

# Graphlet degree vectors of nodes 0, 2 and 33 of the karate club and their sum over all nodes, as
# counted by version 0.1.4 of the package `orca-graphlets` (PyPI).
ORCA = {
    0: [16, 17, 102, 18, 81, 197, 13, 352, 10, 6, 34, 171, 2, 30, 7],
    2: [10, 34, 34, 11, 72, 179, 84, 54, 20, 17, 75, 51, 6, 8, 7],
    33: [17, 18, 121, 15, 81, 210, 3, 507, 25, 9, 26, 123, 1, 48, 2],
}
ORCA_SUM = [156, 786, 393, 135, 1362, 1362, 3294, 1098, 144, 452, 904, 452, 170, 170, 44]

quick = settings(max_examples=40, deadline=None, derandomize=True)


@st.composite
def graphs(draw, low=2, high=9):
    n = draw(st.integers(low, high))
    pairs = list(combinations(range(n), 2))
    joined = draw(st.lists(st.booleans(), min_size=len(pairs), max_size=len(pairs)))
    A = np.zeros((n, n), dtype=int)
    for (u, v), edge in zip(pairs, joined):
        A[u, v] = A[v, u] = edge
    return A


def dense(A, kind):
    return g.orbit_adjacencies(A, [kind])[kind].toarray()


@cache
def named_graph(name):
    if name == "brazil":
        return airports("brazil").adjacency
    if name == "scale-free":
        grown = nx.barabasi_albert_graph(3000, 5, seed=0)
        return nx.to_scipy_sparse_array(grown, dtype=np.int64)
    graph = nx.karate_club_graph() if name == "karate" else nx.les_miserables_graph()
    return nx.to_scipy_sparse_array(graph, nodelist=sorted(graph), weight=None, dtype=np.int64)


@cache
def airports(name):
    try:
        return load_airports(name)
    except DataError as error:
        pytest.skip(str(error))


@cache
def karate_matrices():
    return g.orbit_adjacencies(named_graph("karate"))


# ---------------------------------------------------------------- an oracle of its own


def by_isomorphism(A):
    """All 28 matrices by mapping every induced subgraph onto a drawing of the graphlets."""
    drawings = {
        "edge": ([(0, 1)], (0, 0)),
        "path3": ([(0, 1), (1, 2)], (1, 2, 1)),
        "triangle": ([(0, 1), (1, 2), (0, 2)], (3, 3, 3)),
        "path4": ([(0, 1), (1, 2), (2, 3)], (4, 5, 5, 4)),
        "claw": ([(0, 1), (0, 2), (0, 3)], (7, 6, 6, 6)),
        "square": ([(0, 1), (1, 2), (2, 3), (3, 0)], (8, 8, 8, 8)),
        "paw": ([(0, 1), (1, 2), (1, 3), (2, 3)], (9, 11, 10, 10)),
        "diamond": ([(0, 1), (0, 2), (1, 2), (1, 3), (2, 3)], (12, 13, 13, 12)),
        "clique": (list(combinations(range(4), 2)), (14,) * 4),
    }
    n = len(A)
    counts = {kind: np.zeros((n, n), dtype=int) for kind in g.ORBIT_KINDS}
    for size in (2, 3, 4):
        for nodes in combinations(range(n), size):
            inside = {(i, j) for i, j in combinations(range(size), 2) if A[nodes[i], nodes[j]]}
            for edges, orbits in drawings.values():
                drawn = {tuple(sorted(e)) for e in edges}
                for order in permutations(range(size)):
                    if len(orbits) == size and drawn == {
                        tuple(sorted((order[i], order[j]))) for i, j in inside
                    }:
                        steps = dict(nx.all_pairs_shortest_path_length(nx.Graph(edges)))
                        for i, j in permutations(range(size), 2):
                            x, y = order[i], order[j]
                            counts[steps[x][y], orbits[x], orbits[y]][nodes[i], nodes[j]] += 1
                        break
    return counts


@pytest.mark.parametrize("seed", range(4))
def test_all_kinds_against_drawings(seed):
    graph = nx.gnp_random_graph(8, (0.25, 0.45, 0.6, 0.8)[seed], seed=seed)
    A = nx.to_numpy_array(graph, dtype=int)
    ours, brute = g.orbit_adjacencies(A), g.brute_force_orbit_adjacencies(A)
    oracle = by_isomorphism(A)
    assert list(ours) == list(g.ORBIT_KINDS)
    for kind in g.ORBIT_KINDS:
        np.testing.assert_array_equal(ours[kind].toarray(), oracle[kind], err_msg=str(kind))
        np.testing.assert_array_equal(brute[kind].toarray(), oracle[kind], err_msg=str(kind))


@quick
@given(graphs(low=1, high=9))
def test_all_kinds_against_brute_force(A):
    ours, brute = g.orbit_adjacencies(A), g.brute_force_orbit_adjacencies(A)
    for kind, matrix in ours.items():
        np.testing.assert_array_equal(matrix.toarray(), brute[kind].toarray(), err_msg=str(kind))


@pytest.mark.parametrize("seed", range(3))
def test_larger_graphs_against_brute_force(seed):
    graph = nx.gnp_random_graph(16, (0.2, 0.5, 0.75)[seed], seed=seed)
    brute = g.brute_force_orbit_adjacencies(graph)
    for kind, matrix in g.orbit_adjacencies(graph).items():
        assert (matrix != brute[kind]).nnz == 0, kind


def test_matrices_are_canonical_integers():
    for kind, matrix in karate_matrices().items():
        assert matrix.dtype == np.int64, kind
        assert (matrix.data > 0).all(), kind
        canonical = sparse.csr_array(matrix.toarray())
        np.testing.assert_array_equal(matrix.indices, canonical.indices)
        np.testing.assert_array_equal(matrix.indptr, canonical.indptr)


@pytest.mark.parametrize("name", list(PUBLIC_PACKAGE))
def test_checksums_of_the_public_package(name):
    for kind, matrix in g.orbit_adjacencies(named_graph(name)).items():
        u, v = matrix.nonzero()
        u, v = u.astype(np.int64), v.astype(np.int64)
        weighed = matrix.data * ((31 * u + 17 * v + u * v) % 101)
        assert (matrix.sum(), weighed.sum()) == PUBLIC_PACKAGE[name][kind], kind


# ---------------------------------------------------------------- closed forms and symmetries


def test_complete_graph():
    n = 7
    off = 1 - np.eye(n, dtype=int)
    values = {(1, 0, 0): 1, (1, 3, 3): n - 2, (1, 14, 14): (n - 2) * (n - 3) // 2}
    for kind, matrix in g.orbit_adjacencies(nx.complete_graph(n)).items():
        np.testing.assert_array_equal(matrix.toarray(), values.get(kind, 0) * off)


def test_star():
    leaves = 6
    found = g.orbit_adjacencies(nx.star_graph(leaves))
    hub = (leaves - 1, (leaves - 1) * (leaves - 2) // 2)
    assert (found[1, 1, 2].toarray()[1:, 0] == hub[0]).all()
    assert (found[1, 7, 6].toarray()[0, 1:] == hub[1]).all()
    off = 1 - np.eye(leaves, dtype=int)
    np.testing.assert_array_equal(found[2, 1, 1].toarray()[1:, 1:], off)
    np.testing.assert_array_equal(found[2, 6, 6].toarray()[1:, 1:], (leaves - 2) * off)
    full = {(1, 0, 0), (1, 1, 2), (1, 2, 1), (1, 6, 7), (1, 7, 6), (2, 1, 1), (2, 6, 6)}
    assert {kind for kind, matrix in found.items() if matrix.nnz} == full


@pytest.mark.parametrize("n", [5, 8])
def test_cycle(n):
    found = g.orbit_adjacencies(nx.cycle_graph(n))
    np.testing.assert_array_equal(found[1, 5, 5].toarray(), found[1, 0, 0].toarray())
    full = {k for k in g.ORBIT_KINDS if k[1] in (0, 1, 2, 4, 5)}
    assert {kind for kind, matrix in found.items() if matrix.nnz} == full


def test_complete_bipartite_graph():
    a, b = 3, 4
    found = g.orbit_adjacencies(nx.complete_bipartite_graph(a, b))
    assert found[1, 8, 8].toarray()[0, a] == (a - 1) * (b - 1)
    assert found[2, 8, 8].toarray()[0, 1] == b * (b - 1) // 2
    assert found[2, 1, 1].toarray()[0, 1] == b


def test_sum_rules():
    total = {kind: int(matrix.sum()) for kind, matrix in karate_matrices().items()}
    assert total[2, 6, 6] == 2 * total[1, 6, 7]
    assert total[1, 8, 8] == 2 * total[2, 8, 8]
    assert total[1, 12, 13] == 2 * total[2, 12, 12]
    assert total[1, 4, 5] == total[1, 5, 5] == total[2, 4, 5] == total[3, 4, 4]


def test_mirrored_kinds_are_transposes():
    for (hop, a, b), matrix in karate_matrices().items():
        assert (matrix != karate_matrices()[hop, b, a].T).nnz == 0


@quick
@given(graphs(low=4), st.randoms(use_true_random=False))
def test_names_of_nodes_do_not_matter(A, random):
    order = np.array(random.sample(range(len(A)), len(A)))
    before, after = g.orbit_adjacencies(A), g.orbit_adjacencies(A[np.ix_(order, order)])
    for kind in g.ORBIT_KINDS:
        moved = before[kind].toarray()[np.ix_(order, order)]
        np.testing.assert_array_equal(after[kind].toarray(), moved, err_msg=str(kind))


@quick
@given(graphs(low=4))
def test_paths_of_the_complement(A):
    """The complement of a path of four is a path of four whose ends were its middles."""
    other = 1 - A - np.eye(len(A), dtype=int)
    for kind, image in {(3, 4, 4): (1, 5, 5), (1, 5, 5): (3, 4, 4), (1, 4, 5): (2, 5, 4)}.items():
        np.testing.assert_array_equal(dense(A, kind), dense(other, image), err_msg=str(kind))


def test_isolated_nodes_change_nothing():
    graph = nx.karate_club_graph()
    graph.add_nodes_from([34, 35])
    for kind, matrix in g.orbit_adjacencies(graph).items():
        assert (matrix[:34, :34] != karate_matrices()[kind]).nnz == 0
        assert matrix[34:].nnz == 0


def test_graphs_of_one_node_and_without_edges():
    for n in (1, 5):
        found = g.orbit_adjacencies(np.zeros((n, n)))
        assert all(matrix.shape == (n, n) and matrix.nnz == 0 for matrix in found.values())


def test_kinds_are_chosen_and_ordered():
    found = g.orbit_adjacencies(nx.karate_club_graph(), [(3, 4, 4), (1, 5, 5)])
    assert list(found) == [(1, 5, 5), (3, 4, 4)]
    assert len(g.ORBIT_KINDS) == len(set(g.ORBIT_KINDS)) == 28
    assert [sum(k[0] == hop for k in g.ORBIT_KINDS) for hop in (1, 2, 3)] == [19, 8, 1]


def test_graph_formats_agree():
    graph = nx.karate_club_graph()  # its edges carry weights, which do not count
    A = nx.to_numpy_array(graph, weight=None)
    for form in (A, A.tolist(), A.astype(bool), sparse.coo_array(A), sparse.csr_matrix(A)):
        found = g.orbit_adjacencies(form, [(2, 9, 10)])[2, 9, 10]
        assert (found != karate_matrices()[2, 9, 10]).nnz == 0


def test_the_callers_matrix_stays_as_it_is():
    A = sparse.csr_array(named_graph("karate").copy())
    g.orbit_adjacencies(A)[1, 0, 0].data[:] = 7
    assert (named_graph("karate") != A).nnz == 0


def test_results_do_not_share_memory_with_the_counter():
    counter = g.OrbitCounter(nx.karate_club_graph())
    for kind in g.ORBIT_KINDS:
        counter.matrix(kind).data[:] = -5
    for kind in g.ORBIT_KINDS:
        assert (counter.matrix(kind) != karate_matrices()[kind]).nnz == 0, kind


@pytest.mark.parametrize("size", [1, 5, 34, 100])
def test_blocks_of_rows(size):
    counter = g.OrbitCounter(nx.karate_club_graph())
    for kind in g.ORBIT_KINDS:
        starts, blocks = zip(*counter.blocks(kind, size))
        assert list(starts) == list(range(0, 34, size))
        assert all(b.shape[0] <= size and b.has_sorted_indices for b in blocks)
        assert (sparse.vstack(blocks) != karate_matrices()[kind]).nnz == 0, kind


def test_sparse_products():
    rng = np.random.default_rng(0)
    A = g.as_adjacency(nx.gnp_random_graph(30, 0.2, seed=1))
    X, Y, S = (
        sparse.csr_array(rng.integers(-2, 3, (30, 30)) * (rng.random((30, 30)) < p))
        for p in (0.2, 0.3, 0.1)
    )
    product, edges = X.toarray() @ Y.toarray(), A.toarray().astype(bool)
    np.testing.assert_array_equal(_sparse.on_graph(A, X, Y).toarray(), product * edges)
    outside = ~edges & ~np.eye(30, dtype=bool)
    wanted = (product - S.toarray()) * outside
    np.testing.assert_array_equal(_sparse.off_graph(A, X, Y, S).toarray(), wanted)
    part = _sparse.off_graph(A, X, Y, S, slice(7, 19))
    np.testing.assert_array_equal(part.toarray(), wanted[7:19])
    assert part.has_canonical_format
    assert (part.data != 0).all()


# ---------------------------------------------------------------- sums of matrices


def test_graphlet_degree_vectors_against_orca():
    vectors = g.graphlet_degree_vectors(nx.karate_club_graph())
    assert vectors.shape == (34, 15)
    assert vectors.sum(axis=0).tolist() == ORCA_SUM
    for node, row in ORCA.items():
        assert vectors[node].tolist() == row


def test_graphlet_degree_vectors_against_networkx():
    graph = nx.les_miserables_graph()
    vectors = g.graphlet_degree_vectors(graph)
    np.testing.assert_array_equal(vectors[:, 0], [d for _, d in graph.degree()])
    np.testing.assert_array_equal(vectors[:, 3], list(nx.triangles(graph).values()))
    cliques = [c for c in nx.enumerate_all_cliques(graph) if len(c) == 4]
    np.testing.assert_array_equal(vectors[:, 14], [sum(v in c for c in cliques) for v in graph])


@quick
@given(graphs(low=4))
def test_edge_vectors_against_one_edge_at_a_time(A):
    edges, counts = g.edge_graphlet_degree_vectors(A)
    assert edges.tolist() == [list(e) for e in combinations(range(len(A)), 2) if A[e]]
    oracle = g.brute_force_orbit_adjacencies(A)
    for (u, v), row in zip(edges, counts):
        for (hop, a, b), value in zip(g.EDGE_KINDS, row):
            count = oracle[hop, a, b][u, v] + (oracle[hop, a, b][v, u] if a != b else 0)
            assert value == count
    assert len(g.EDGE_KINDS) == 12


def test_graphlet_adjacencies_count_subgraphs():
    graph = nx.gnp_random_graph(11, 0.4, seed=3)
    found = g.graphlet_adjacencies(graph)
    assert len(found) == 9
    sizes = [2, 3, 3, 4, 4, 4, 4, 4, 4]
    for k in (3, 4):
        subsets = [s for s in combinations(graph, k) if nx.is_connected(graph.subgraph(s))]
        together = sum(found[i].toarray() for i in range(9) if sizes[i] == k)
        for u, v in combinations(graph, 2):
            assert together[u, v] == together[v, u] == sum({u, v} <= set(s) for s in subsets)
    assert [sum(k in kinds for kinds in g.GRAPHLET_KINDS) for k in g.ORBIT_KINDS] == [1] * 28


# ---------------------------------------------------------------- walks


@pytest.mark.parametrize("name", ["karate", "miserables", "brazil"])
@pytest.mark.parametrize("length", [1, 2, 3])
def test_powers_are_sums_of_orbit_adjacencies(name, length):
    A = named_graph(name)
    blend = g.walk_decomposition(length)
    matrices = g.orbit_adjacencies(A, list(blend))
    total = sum(times * matrices[kind] for kind, times in blend.items()).toarray()
    off = ~np.eye(A.shape[0], dtype=bool)
    power = np.linalg.matrix_power(A.toarray(), length)
    np.testing.assert_array_equal(total[off], power[off])
    np.testing.assert_array_equal(g.walk_counts(A, length).toarray(), power)


@quick
@given(graphs(low=4, high=7))
def test_paths_of_three_steps_one_by_one(A):
    paths = np.zeros_like(A)
    for u, x, y, v in permutations(range(len(A)), 4):
        paths[u, v] += A[u, x] * A[x, y] * A[y, v]
    blend = g.walk_decomposition(3, paths_only=True)
    matrices = g.orbit_adjacencies(A, list(blend))
    total = sum(times * matrices[kind] for kind, times in blend.items())
    np.testing.assert_array_equal(total.toarray(), paths)
    degrees = A.sum(axis=1)
    back = A * (degrees[:, None] + degrees[None, :] - 1)
    off = ~np.eye(len(A), dtype=bool)
    cube = np.linalg.matrix_power(A, 3)
    np.testing.assert_array_equal(cube[off], (back + paths)[off])


def test_what_walks_see():
    assert g.seen_by_walks(1) == {(1, 0, 0)}
    assert g.seen_by_walks(2) == {(1, 0, 0), (2, 1, 1), (1, 3, 3)}
    seen = g.seen_by_walks()
    unseen = {kind for kind in g.ORBIT_KINDS if kind not in seen}
    assert {k for k in unseen if k[1] <= k[2]} == {
        (1, 4, 5),
        (1, 5, 5),
        (1, 6, 7),
        (1, 9, 11),
        (1, 10, 10),
        (1, 10, 11),
        (1, 13, 13),
        (2, 4, 5),
        (2, 6, 6),
        (2, 8, 8),
    }


def test_unseen_kinds_are_no_combination_of_walks():
    """Seen or not is a statement about span: each unseen kind adds a dimension to that of walks."""
    A = named_graph("miserables")
    u, v = np.triu_indices(A.shape[0], 1)
    degrees = A.toarray().sum(axis=1)
    walks = [g.walk_counts(A, l).toarray()[u, v] for l in (1, 2, 3)]
    walks += [A.toarray()[u, v] * (degrees[u] + degrees[v]), np.ones(len(u))]
    matrices = g.orbit_adjacencies(A)
    unseen = [
        (matrices[k] + matrices[k].T).toarray()[u, v]
        for k in g.UNORDERED_KINDS
        if k not in g.seen_by_walks()
    ]
    columns = np.array([*walks, *unseen], dtype=float).T
    columns /= np.linalg.norm(columns, axis=0)
    assert np.linalg.matrix_rank(columns) == len(walks) + len(unseen)


def test_walk_twins_of_the_karate_club():
    twins = g.walk_twins(nx.karate_club_graph(), (2, 6, 6))
    assert len(twins.pairs) == 34 * 33 // 2
    assert (twins.n_classes, len(twins.split)) == (274, 22)
    first, second = ((twins.pairs == pair).all(axis=1).argmax() for pair in ([2, 17], [2, 12]))
    assert twins.classes[first] == twins.classes[second]
    assert twins.classes[first] in twins.split
    assert (twins.values[first], twins.values[second]) == (12, 9)


@quick
@given(graphs(low=3, high=8), st.sampled_from(g.ORBIT_KINDS), st.integers(1, 4))
def test_walk_twins_one_pair_at_a_time(A, kind, longest):
    twins = g.walk_twins(A, kind, longest)
    powers = [np.linalg.matrix_power(A, l) for l in range(1, longest + 1)]
    matrix, degrees = dense(A, kind), A.sum(axis=1)
    seen = {}
    for (u, v), label, value in zip(twins.pairs, twins.classes, twins.values):
        key = (*(int(P[u, v]) for P in powers), *sorted((int(degrees[u]), int(degrees[v]))))
        count = matrix[u, v] + (matrix[v, u] if kind[1] != kind[2] else 0)
        assert value == count
        seen.setdefault(key, (label, set()))
        assert seen[key][0] == label
        seen[key][1].add(int(value))
    assert len(seen) == twins.n_classes
    assert sorted(label for label, values in seen.values() if len(values) > 1) == list(twins.split)


# ---------------------------------------------------------------- embeddings


def test_cooccurrence_against_dense_powers():
    graph = nx.les_miserables_graph()
    A = nx.to_numpy_array(graph, weight=None)
    P = A / A.sum(axis=1, keepdims=True)
    for window in (1, 2, 5):
        powers = sum(np.linalg.matrix_power(P, l) for l in range(1, window + 1))
        B = g.rw_cooccurrence(graph, window)
        np.testing.assert_allclose(
            B.toarray(), np.diag(A.sum(axis=1)) @ powers / window, atol=1e-12
        )
        np.testing.assert_allclose(B.sum(axis=1), A.sum(axis=1))
    np.testing.assert_array_equal(g.rw_cooccurrence(graph, 1).toarray(), A)


def test_cooccurrence_of_simulated_walks():
    A = nx.to_numpy_array(nx.house_graph())
    rng, steps, window = np.random.default_rng(0), 60_000, 2
    walk = np.zeros(steps, dtype=int)
    targets = [np.flatnonzero(row) for row in A]
    for t, draw in enumerate(rng.random(steps - 1)):
        around = targets[walk[t]]
        walk[t + 1] = around[int(draw * len(around))]
    counted = np.zeros_like(A)
    for lag in range(1, window + 1):
        np.add.at(counted, (walk[:-lag], walk[lag:]), 1)
    B = g.rw_cooccurrence(A, window).toarray()
    np.testing.assert_allclose(counted / counted.sum(), B / B.sum(), atol=0.004)


def test_pmi_by_hand():
    B = np.array([[0, 3, 1], [3, 0, 0], [1, 0, 0]])
    low = np.log(8 * 3 / (4 * 3))  # the same for both pairs: log 2
    np.testing.assert_allclose(
        g.pmi(B).toarray(), [[0, low, low], [low, 0, 0], [low, 0, 0]], atol=1e-12
    )


@quick
@given(st.integers(0, 10**6))
def test_pmi_one_entry_at_a_time(seed):
    rng = np.random.default_rng(seed)
    B = rng.poisson(0.8, (6, 6))
    both, clipped = g.pmi(B, positive=False).toarray(), g.pmi(B).toarray()
    for u in range(6):
        for v in range(6):
            want = np.log(B[u, v] * B.sum() / (B[u].sum() * B[:, v].sum())) if B[u, v] else 0
            assert both[u, v] == pytest.approx(want, abs=1e-9)
            assert clipped[u, v] == pytest.approx(max(want, 0), abs=1e-9)
    np.testing.assert_allclose(g.pmi(7 * B).toarray(), clipped, atol=1e-12)


def test_pmi_of_tiny_and_huge_counts():
    B = np.array([[0, 3, 1], [3, 0, 0], [1, 0, 0]])
    for scale in (1e-200, 1e200):
        np.testing.assert_allclose(g.pmi(B * scale).toarray(), g.pmi(B).toarray(), atol=1e-9)


def test_independent_counts_have_no_information():
    r = np.array([1.0, 2, 3, 4])
    assert np.abs(g.pmi(np.outer(r, r), positive=False).toarray()).max() < 1e-12


@pytest.mark.parametrize("dim", [4, 20, 34])
def test_embedding_against_a_dense_decomposition(dim):
    graph = nx.karate_club_graph()
    model = g.OrbitPMIEmbedding((1, 4, 5), dim=dim, random_state=0)
    X = model.fit_transform(graph)
    B = karate_matrices()[1, 4, 5]
    U, S, _ = np.linalg.svd(g.pmi(B + B.T).toarray())
    np.testing.assert_allclose(model.singular_values_, S[:dim] * (S[:dim] > 1e-9), atol=1e-8)
    want = U[:, :dim] * np.sqrt(model.singular_values_)
    np.testing.assert_allclose(np.abs(X), np.abs(want), atol=1e-5)
    assert (X[np.abs(X).argmax(axis=0), np.arange(dim)] >= 0).all()
    assert model.kinds_ == [(1, 4, 5)]


def test_small_and_large_decomposition_agree():
    rng = np.random.default_rng(0)
    X = sparse.csr_array(rng.random((60, 80)) * (rng.random((60, 80)) < 0.3))
    few, S = embedding.factorise(X, 6, random_state=0)
    many, _ = embedding.factorise(X, 60)
    np.testing.assert_allclose(few, many[:, :6], atol=1e-6)
    np.testing.assert_allclose(S, np.linalg.svd(X.toarray(), compute_uv=False)[:6])


def test_columns_beyond_the_rank_are_zero():
    rng = np.random.default_rng(0)
    U = rng.random((200, 3)) * (rng.random((200, 3)) < 0.4)
    X, S = embedding.factorise(sparse.csr_array(U @ U.T), 10, random_state=0)
    assert (S[:3] > 1).all()
    assert not S[3:].any()
    assert not X[:, 3:].any()


def test_first_columns_are_the_smaller_embedding():
    graph = nx.les_miserables_graph()
    for make in (
        lambda dim: g.OrbitPMIEmbedding((2, 6, 6), dim),
        lambda dim: g.RandomWalkPMIEmbedding(3, dim),
    ):
        large, small = (make(dim).fit_transform(graph) for dim in (12, 5))
        np.testing.assert_allclose(large[:, :5], small, atol=1e-6)


def test_embedding_of_all_kinds():
    graph = nx.karate_club_graph()
    model = g.OrbitPMIEmbedding("all", dim=10).fit(graph)
    found = karate_matrices()
    nnz = {k: (found[k] + found[k].T).nnz for k in g.UNORDERED_KINDS}
    assert model.dropped_kinds_ == [k for k in g.UNORDERED_KINDS if nnz[k] < 34]
    assert set(model.kinds_) | set(model.dropped_kinds_) == set(g.UNORDERED_KINDS)
    assert len(g.UNORDERED_KINDS) == 20
    tables = [found[k] if k[1] == k[2] else found[k] + found[k].T for k in model.kinds_]
    joined = np.hstack([g.pmi(B).toarray() for B in tables])
    values = np.linalg.svd(joined, compute_uv=False)[:10]
    np.testing.assert_allclose(model.singular_values_, values)


def test_almost_empty_kinds_are_reported():
    tree = nx.balanced_tree(2, 4)
    model = g.OrbitPMIEmbedding("all", dim=4).fit(tree)
    assert (1, 3, 3) in model.dropped_kinds_
    assert (3, 4, 4) in model.kinds_
    lone = g.OrbitPMIEmbedding((1, 3, 3), dim=4)
    assert not lone.fit_transform(tree).any()
    assert lone.dropped_kinds_ == [(1, 3, 3)]
    assert lone.singular_values_.tolist() == [0] * 4


def test_a_kind_with_a_few_entries_is_dropped_too():
    """A triangle gives (1, 3, 3) six entries: enough for six nodes, too few for seven."""
    for tail, dropped in ((3, False), (4, True)):
        graph = nx.lollipop_graph(3, tail)
        model = g.OrbitPMIEmbedding("all", dim=2).fit(graph)
        assert ((1, 3, 3) in model.dropped_kinds_) == dropped
        assert ((1, 3, 3) in model.kinds_) != dropped


def test_nodes_without_the_orbit_get_zero():
    graph = nx.lollipop_graph(5, 4)
    X = g.OrbitPMIEmbedding((1, 3, 3), dim=3).fit_transform(graph)
    assert not X[5:].any()
    assert np.abs(X[:5]).max(axis=1).all()
    graph.add_node(99)
    assert not g.RandomWalkPMIEmbedding(2, dim=3).fit_transform(graph)[-1].any()


def test_plain_adjacency_is_a_walk_of_one_step():
    graph = nx.les_miserables_graph()
    one = g.RandomWalkPMIEmbedding(window=1, dim=8).fit_transform(graph)
    edges = g.OrbitPMIEmbedding((1, 0, 0), dim=8).fit_transform(graph)
    np.testing.assert_allclose(one, edges, atol=1e-8)


def test_estimators_follow_scikit_learn():
    model = clone(g.OrbitPMIEmbedding(kind="all", dim=5, random_state=3))
    assert model.get_params() == {"kind": "all", "dim": 5, "random_state": 3}
    X = model.fit_transform(nx.karate_club_graph())
    np.testing.assert_array_equal(model.fit(nx.karate_club_graph()).embedding_, X)
    assert clone(g.RandomWalkPMIEmbedding(window=10)).get_params()["window"] == 10


# ---------------------------------------------------------------- labels


def test_leave_one_out_against_refitting():
    rng = np.random.default_rng(0)
    y = np.array(["a", "b", "c"])[rng.integers(0, 3, 40)]
    X = rng.standard_normal((40, 5)) + (y == "a")[:, None] * [1.5, 0, 0, 0, 0]
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    targets = np.where(y[:, None] == ["a", "b", "c"], 1.0, -1.0)
    values = []
    for i in range(40):
        rest = np.arange(40) != i
        values.append(Ridge(alpha=2.0).fit(Z[rest], targets[rest]).predict(Z[[i]])[0])
    np.testing.assert_allclose(prediction._left_out(Z, targets, 2.0), values)
    guess = ["abc"[k] for k in np.argmax(values, axis=1)]
    ours = g.leave_one_out_labels(X, y, ridge=2.0)
    assert ours.tolist() == guess


def blobs(seed, n=90):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    return rng, y, np.eye(3)[y] * 6 + rng.standard_normal((n, 3))


@pytest.mark.parametrize("chooser", ["cv", "ridge"])
def test_labels_are_found_where_they_are(chooser):
    rng, y, X = blobs(0)
    noise = rng.standard_normal((90, 3))
    both = {"noise": noise, "blobs": X}
    scores = g.predict_labels(both, y, chooser=chooser, n_repeats=2, random_state=0)
    assert scores.macro_f1.shape == scores.accuracy.shape == (2, 5)
    assert scores.macro_f1.mean() > 0.97
    assert set(scores.chosen) == {("blobs", 3)}
    chance = g.predict_labels({"noise": noise}, y, n_repeats=2, random_state=0)
    assert chance.accuracy.mean() < 0.5


def test_labels_may_be_words():
    _, y, X = blobs(1)
    words = np.array(["x", "y", "z"])[y]
    one, two = (g.predict_labels({0: X}, t, n_repeats=1, random_state=1) for t in (y, words))
    np.testing.assert_array_equal(one.macro_f1, two.macro_f1)


@pytest.mark.parametrize("chooser", ["cv", "ridge"])
def test_dimension_is_chosen(chooser):
    _, y, X = blobs(2)
    rng = np.random.default_rng(5)
    padded = np.hstack([X, 30 * rng.standard_normal((90, 40))])
    scores = g.predict_labels(
        {"x": padded}, y, dims=(3, 43), chooser=chooser, n_repeats=1, random_state=0
    )
    assert set(scores.chosen) == {("x", 3)}
    wide = g.predict_labels({"x": X}, y, dims=(2, 50, 60), n_repeats=1, random_state=0)
    assert set(wide.chosen) <= {("x", 2), ("x", 3)}


def test_equal_seeds_give_equal_folds():
    _, y, X = blobs(3)
    X = X + 4 * np.random.default_rng(0).standard_normal(X.shape)
    a, b, c = (g.predict_labels({"x": X}, y, n_repeats=2, random_state=s) for s in (0, 0, 1))
    np.testing.assert_array_equal(a.macro_f1, b.macro_f1)
    assert (a.macro_f1 != c.macro_f1).any()


def test_test_folds_take_no_part(monkeypatch):
    """What is standardised, chosen and fitted sees the training rows alone."""
    _, y, X = blobs(4)
    seen = []
    original = prediction._left_out

    def spy(Z, targets, ridge):
        seen.append(len(Z))
        return original(Z, targets, ridge)

    monkeypatch.setattr(prediction, "_left_out", spy)
    both = {"x": X, "z": X[:, :2]}
    g.predict_labels(both, y, chooser="ridge", n_repeats=1, random_state=0)
    assert seen == [72] * 10
    train, test = np.arange(60), np.arange(60, 90)
    moved = X.copy()
    moved[test] *= 50
    models = []
    fit = prediction.LogisticRegression.fit
    monkeypatch.setattr(
        prediction.LogisticRegression,
        "fit",
        lambda self, X, y: models.append((X.copy(), y.copy())) or fit(self, X, y),
    )
    predict, asked = prediction.LogisticRegression.predict, []
    monkeypatch.setattr(
        prediction.LogisticRegression,
        "predict",
        lambda self, X: asked.append(X.copy()) or predict(self, X),
    )
    for table in (X, moved):
        prediction._fit_and_score(table, y, train, test)
    mean, spread = X[train].mean(axis=0), X[train].std(axis=0)
    np.testing.assert_allclose(asked[1], (moved[test] - mean) / spread)
    np.testing.assert_array_equal(models[0][0], models[1][0])
    np.testing.assert_allclose(models[0][0].mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(models[0][0].std(axis=0), 1)


@pytest.mark.parametrize("chooser", ["cv", "ridge"])
def test_choices_against_scikit_learn(chooser):
    """Nested cross-validation written out with scikit-learn's pipelines gives the same scores."""
    rng, y, X = blobs(5, n=75)
    tables = {
        k: X + spread * rng.standard_normal(X.shape) for k, spread in ((0, 6), (1, 7), (2, 8))
    }
    families = {"first two": [0, 1], "last two": [1, 2]}
    found = g.compare_families(
        tables, y, families, dims=(2, 3), chooser=chooser, n_repeats=2, random_state=7
    )
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, tol=1e-3))
    stream = np.random.default_rng(7)
    for repeat in range(2):
        seed = int(stream.integers(2**31))
        outer = StratifiedKFold(5, shuffle=True, random_state=seed)
        inner = StratifiedKFold(3, shuffle=True, random_state=seed)
        for fold, (train, test) in enumerate(outer.split(X, y)):
            quality = {}
            for name, d in product(tables, (2, 3)):
                Z = tables[name][train, :d]
                quality[name, d] = (
                    cross_val_score(model, Z, y[train], cv=inner, scoring="f1_macro").mean()
                    if chooser == "cv"
                    else f1_score(y[train], g.leave_one_out_labels(Z, y[train]), average="macro")
                )
            for family, names in families.items():
                best = max(product(names, (2, 3)), key=quality.get)
                assert found[family].chosen[5 * repeat + fold] == best
                Z = tables[best[0]][:, : best[1]]
                guess = model.fit(Z[train], y[train]).predict(Z[test])
                want = f1_score(y[test], guess, average="macro"), accuracy_score(y[test], guess)
                scores = found[family]
                assert scores.macro_f1[repeat, fold] == pytest.approx(want[0])
                assert scores.accuracy[repeat, fold] == pytest.approx(want[1])
    assert len({c for scores in found.values() for c in scores.chosen}) > 2


def test_one_family_alone_scores_as_among_others():
    _, y, X = blobs(6)
    X = X + 5 * np.random.default_rng(1).standard_normal(X.shape)
    tables = {"x": X, "mirror": -X[:, ::-1], "half": X[:, :1]}
    both = g.compare_families(
        tables, y, {"a": ["half"], "b": ["x", "mirror"]}, n_repeats=2, random_state=3
    )
    for family, names in {"a": ["half"], "b": ["x", "mirror"]}.items():
        alone = g.predict_labels(
            {name: tables[name] for name in names}, y, n_repeats=2, random_state=3
        )
        np.testing.assert_array_equal(both[family].macro_f1, alone.macro_f1)
        assert both[family].chosen == alone.chosen


@pytest.mark.parametrize("chooser", ["cv", "ridge"])
def test_chance_level_of_a_choice_among_noise(chooser):
    """Choosing inside the training folds keeps the score of pure noise at chance."""
    rng, y = np.random.default_rng(0), np.arange(80) % 2
    tables = {k: rng.standard_normal((80, 4)) for k in range(20)}
    scores = g.predict_labels(tables, y, chooser=chooser, n_repeats=4, random_state=0)
    assert abs(scores.accuracy.mean() - 0.5) < 0.08


@quick
@given(st.lists(st.integers(0, 3), min_size=8, max_size=30), st.integers(0, 10**6))
def test_macro_f1_against_scikit_learn(truth, seed):
    truth = np.unique(truth, return_inverse=True)[1]
    guess = np.random.default_rng(seed).integers(0, truth.max() + 1, len(truth))
    want = f1_score(truth, guess, average="macro")
    assert prediction._macro_f1(truth, guess) == pytest.approx(want)


def test_roles_in_copies_of_a_graph():
    """Graphlet degrees know the role of a node, in whichever copy of the graph it is."""
    graph = nx.disjoint_union_all([nx.barbell_graph(5, 2)] * 6)
    labels = np.tile([0] * 4 + [1] + [2] * 2 + [1] + [0] * 4, 6)
    vectors = np.log1p(g.graphlet_degree_vectors(graph))
    scores = g.predict_labels({"gdv": vectors}, labels, n_repeats=1, random_state=0)
    assert scores.macro_f1.mean() == 1.0


# ---------------------------------------------------------------- data


@pytest.mark.parametrize(
    ("name", "n", "m", "largest"),
    [("brazil", 131, 1003, 35), ("europe", 399, 5993, 102), ("usa", 1190, 13599, 299)],
)
def test_airports(name, n, m, largest):
    data = airports(name)
    assert data.adjacency.shape == (n, n)
    assert data.adjacency.nnz == 2 * m
    assert np.bincount(data.labels).max() == largest
    assert len(np.unique(data.node_ids)) == n
    g.as_adjacency(data.adjacency)


def test_airport_edges_by_hand():
    data = airports("brazil")
    place = {node: k for k, node in enumerate(data.node_ids.tolist())}
    for u, v in ((7, 77), (29, 50), (3, 35)):  # the file's first lines
        assert data.adjacency[place[u], place[v]] == data.adjacency[place[v], place[u]] == 1


@pytest.mark.parametrize(
    ("name", "n", "m", "words"), [("cora", 2708, 5278, 1433), ("citeseer", 3327, 4552, 3703)]
)
def test_planetoid(name, n, m, words):
    try:
        data = load_planetoid(name)
    except DataError as error:
        pytest.skip(str(error))
    assert data.features.shape == (n, words)
    assert data.adjacency.nnz == 2 * m
    assert (data.train.sum(), data.val.sum()) == (20 * (data.labels.max() + 1), 500)
    assert data.test.sum() == 1000
    assert not (data.train & data.test).any()
    ends = sparse.triu(data.adjacency).nonzero()
    assert (data.labels[ends[0]] == data.labels[ends[1]]).mean() > 0.7  # homophilous


# ---------------------------------------------------------------- bad input

RAGGED = [[0, 1], [1]]
BAD_GRAPHS = [
    (nx.DiGraph([(0, 1)]), ValueError, "undirected"),
    (nx.MultiGraph([(0, 1), (0, 1)]), ValueError, "undirected simple"),
    (nx.Graph(), ValueError, "at least one node"),
    (nx.Graph([(0, 0), (0, 1)]), ValueError, "loops"),
    (np.zeros((0, 0)), ValueError, "at least one node"),
    (np.zeros((2, 3)), ValueError, "square"),
    (np.zeros(4), ValueError, "shape"),
    (np.array([[0, 2], [2, 0]]), ValueError, "only 0 and 1"),
    (np.array([[0, np.nan], [np.nan, 0]]), ValueError, "only 0 and 1"),
    (np.array([[0, 1], [0, 0]]), ValueError, "symmetric"),
    (sparse.csr_array(np.array([[0, 1], [0, 0]])), ValueError, "symmetric"),
    (sparse.coo_array(([1, 1, 1], ([0, 0, 1], [1, 1, 0])), shape=(2, 2)), ValueError, "0 and 1"),
    (sparse.csr_array(np.array([[0, 1j], [1j, 0]])), TypeError, "numbers"),
    (RAGGED, TypeError, "rectangular"),
    ("karate", TypeError, "networkx graph"),
    (None, TypeError, "networkx graph"),
    (np.array([["a", "b"]]), TypeError, "numeric"),
]


@pytest.mark.parametrize(("graph", "error", "text"), BAD_GRAPHS)
@pytest.mark.parametrize(
    "function",
    [
        g.orbit_adjacencies,
        g.OrbitCounter,
        g.graphlet_adjacencies,
        g.graphlet_degree_vectors,
        g.edge_graphlet_degree_vectors,
        g.brute_force_orbit_adjacencies,
        lambda A: g.walk_counts(A, 2),
        lambda A: g.walk_twins(A, (1, 5, 5)),
        lambda A: g.rw_cooccurrence(A, 2),
        lambda A: g.OrbitPMIEmbedding(dim=1).fit(A),
        lambda A: g.RandomWalkPMIEmbedding(dim=1).fit_transform(A),
    ],
)
def test_bad_graphs(function, graph, error, text):
    with pytest.raises(error, match=f"(?s)A must.*{text}"):
        function(graph)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ((1, 5), ValueError),
        ((1, 1, 1), ValueError),
        ((2, 5, 5), ValueError),
        ((1, 5.0, 5), TypeError),
        ("all", TypeError),
        (5, TypeError),
        (None, TypeError),
    ],
)
def test_bad_kinds(kind, error):
    graph = nx.karate_club_graph()
    for call in (
        lambda: g.check_kind(kind),
        lambda: g.OrbitCounter(graph).matrix(kind),
        lambda: g.OrbitCounter(graph).blocks(kind),
        lambda: g.walk_twins(graph, kind),
        lambda: g.orbit_adjacencies(graph, [kind]),
    ):
        with pytest.raises(error, match="kind"):
            call()
    if kind != "all":
        with pytest.raises(error, match="kind"):
            g.OrbitPMIEmbedding(kind, dim=2).fit(graph)


def test_bad_collections_of_kinds():
    for kinds in ("all", 5):
        with pytest.raises(TypeError, match="kinds must be a collection"):
            g.orbit_adjacencies(nx.karate_club_graph(), kinds)


def test_bad_numbers():
    graph = nx.karate_club_graph()
    cases = [
        (lambda: g.walk_counts(graph, 0), ValueError, "length"),
        (lambda: g.walk_counts(graph, 1.5), TypeError, "length"),
        (lambda: g.walk_decomposition(4), ValueError, "length"),
        (lambda: g.seen_by_walks(0), ValueError, "length"),
        (lambda: g.rw_cooccurrence(graph, 0), ValueError, "window"),
        (lambda: g.walk_twins(graph, (1, 5, 5), 0), ValueError, "max_length"),
        (lambda: g.OrbitCounter(graph).blocks((1, 5, 5), 0), ValueError, "size"),
        (lambda: g.OrbitPMIEmbedding(dim=0).fit(graph), ValueError, "dim"),
        (lambda: g.OrbitPMIEmbedding(dim=35).fit(graph), ValueError, "dim must be at most"),
        (lambda: g.OrbitPMIEmbedding(dim="8").fit(graph), TypeError, "dim"),
        (lambda: g.RandomWalkPMIEmbedding(window=0, dim=2).fit(graph), ValueError, "window"),
        (lambda: g.RandomWalkPMIEmbedding(dim=35).fit(graph), ValueError, "dim"),
        (lambda: g.walk_twins(np.zeros((1, 1)), (1, 5, 5)), ValueError, "two nodes"),
        (lambda: g.brute_force_orbit_adjacencies(nx.path_graph(65)), ValueError, "64"),
    ]
    for call, error, text in cases:
        with pytest.raises(error, match=text):
            call()


@pytest.mark.parametrize(
    ("B", "error", "text"),
    [
        (np.ones((2, 3)), ValueError, "shape"),
        (np.array([[1, -1], [0, 1]]), ValueError, ">= 0"),
        (np.array([[1, np.nan], [0, 1]]), ValueError, "finite"),
        (np.array([[1, np.inf], [0, 1]]), ValueError, "finite"),
        ("counts", TypeError, "matrix"),
        (RAGGED, TypeError, "matrix"),
        (None, TypeError, "matrix"),
    ],
)
def test_bad_counts(B, error, text):
    with pytest.raises(error, match=f"B must.*{text}"):
        g.pmi(B)


def test_bad_label_problems():
    X, y = np.random.default_rng(0).standard_normal((20, 2)), np.arange(20) % 2
    few = (np.arange(20) < 4).astype(int)
    cases = [
        (lambda: g.predict_labels(X, y), TypeError, "embeddings must map"),
        (lambda: g.predict_labels({}, y), ValueError, "at least one embedding"),
        (lambda: g.predict_labels({"x": X[:19]}, y), ValueError, "row for each"),
        (lambda: g.predict_labels({"x": X * np.nan}, y), ValueError, "finite"),
        (lambda: g.predict_labels({"x": X[:, 0]}, y), ValueError, "shape"),
        (lambda: g.predict_labels({"x": X}, y[:, None]), ValueError, "labels must have shape"),
        (lambda: g.predict_labels({"x": X}, np.zeros(20)), ValueError, "at least 2 classes"),
        (lambda: g.predict_labels({"x": X}, np.arange(20)), ValueError, "5 members"),
        (lambda: g.predict_labels({"x": X}, y, n_folds=1), ValueError, "n_folds"),
        (lambda: g.predict_labels({"x": X}, y, n_repeats=0), ValueError, "n_repeats"),
        (lambda: g.predict_labels({"x": X}, y, dims=[0]), ValueError, "dims"),
        (lambda: g.predict_labels({"x": X}, y, dims=[]), ValueError, "dims"),
        (lambda: g.predict_labels({"x": X}, y, dims=[2.5]), TypeError, "dims"),
        (lambda: g.predict_labels({"x": X}, y, chooser="best"), ValueError, "chooser"),
        (lambda: g.compare_families({"x": X}, y, {}), TypeError, "families"),
        (lambda: g.compare_families({"x": X}, y, ["x"]), TypeError, "families"),
        (lambda: g.compare_families({"x": X}, y, {"a": []}), ValueError, "families"),
        (lambda: g.compare_families({"x": X}, y, {"a": ["z"]}), ValueError, "families"),
        (lambda: g.predict_labels({"x": X, "z": X}, few, n_folds=2), ValueError, "training fold"),
        (lambda: g.leave_one_out_labels(X, y[:5]), ValueError, "labels"),
        (lambda: g.leave_one_out_labels(X, y, ridge=0), ValueError, "ridge"),
    ]
    for call, error, text in cases:
        with pytest.raises(error, match=text):
            call()


def test_bad_data_names():
    for load in (load_airports, load_planetoid):
        with pytest.raises(ValueError, match="name must be one of"):
            load("france")
