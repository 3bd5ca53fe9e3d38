"""The arena of the part: tasks without leaks, and features against slow counts and networkx."""

import networkx as nx
import numpy as np
import pytest
from scipy import sparse

from mixbook.core.simplices import TemporalSimplices
from mixbook.networks import arena

KARATE = nx.karate_club_graph()
A = sparse.csr_array(nx.to_scipy_sparse_array(KARATE, weight=None))
GRAPH = nx.from_scipy_sparse_array(A)
NETWORK = arena.Network(arena.clique_groups(A))
PAIRS = arena.open_pairs(A)


@pytest.fixture(scope="module")
def meetings() -> TemporalSimplices:
    rng = np.random.default_rng(0)
    sizes = rng.integers(2, 4, 200)
    groups = [rng.choice(20, size, replace=False).tolist() for size in sizes]
    return TemporalSimplices.from_simplices(groups, np.arange(200), n_nodes=20)


# ---- tasks ----


def test_clique_groups_are_all_edges_and_triangles():
    found = {tuple(s.tolist()) for s in NETWORK.groups.simplices}
    triangles = {tuple(sorted(c)) for c in nx.enumerate_all_cliques(GRAPH) if len(c) == 3}
    assert found == {tuple(sorted(e)) for e in GRAPH.edges} | triangles
    assert len(found) == NETWORK.groups.n_simplices
    u, v = next(iter(GRAPH.edges))
    assert NETWORK.weights[u, v] == 1 + len(list(nx.common_neighbors(GRAPH, u, v)))
    assert (NETWORK.adjacency != A).nnz == 0


def test_open_pairs_are_the_complement_among_nodes_with_a_link():
    isolated = sparse.block_diag([A, sparse.csr_array((1, 1), dtype=int)])
    assert np.array_equal(arena.open_pairs(isolated), PAIRS)
    assert {tuple(p) for p in PAIRS.tolist()} == {tuple(sorted(e)) for e in nx.non_edges(GRAPH)}


def test_later_links_are_first_meetings_after_the_cut(meetings):
    task = arena.later_links(meetings, (50, 75))
    times = meetings.times
    for network, low, high, pairs, links in (
        (task.known, 50, 75, task.train_pairs, task.train_links),
        (task.later, 75, 100, task.test_pairs, task.test_links),
    ):
        start, end = np.percentile(times, [low, high]).round()
        met_before, met_after = set(), set()
        for group, time in meetings:
            ends = {(u, v) for u in group.tolist() for v in group.tolist() if u < v}
            if time <= start:
                met_before |= ends
            elif time <= end:
                met_after |= ends
        assert {tuple(p) for p in pairs.tolist()}.isdisjoint(met_before)
        assert [tuple(p) in met_after for p in pairs.tolist()] == links.tolist()
        assert network.adjacency.nnz == 2 * len(met_before)


def test_hidden_links_are_in_neither_graph_that_a_learner_sees():
    task = arena.hidden_links(A, 0.2, random_state=1)
    known, later = task.known.adjacency, task.later.adjacency
    assert later.nnz == 2 * (78 - round(0.2 * 78))
    assert known.nnz == later.nnz - 2 * round(0.2 * later.nnz / 2)
    assert ((later - known) < 0).nnz == 0
    for pairs, links, seen, whole in (
        (task.train_pairs, task.train_links, known, later),
        (task.test_pairs, task.test_links, later, A),
    ):
        u, v = pairs.T
        assert not seen.toarray()[u, v].any()
        assert np.array_equal(whole.toarray()[u, v] > 0, links)
    again = arena.hidden_links(A, 0.2, random_state=1)
    assert np.array_equal(again.test_links, task.test_links)


# ---- features of pairs ----


def test_plain_features_of_pairs_are_those_of_networkx():
    found = arena.link_features("plain", NETWORK, PAIRS)
    pairs = [tuple(p) for p in PAIRS.tolist()]
    common = [len(list(nx.common_neighbors(GRAPH, u, v))) for u, v in pairs]
    assert np.allclose(np.expm1(found[:, 0]), common)
    measures = (nx.jaccard_coefficient, nx.adamic_adar_index, nx.resource_allocation_index,
                nx.preferential_attachment)  # fmt: skip
    values = [[s for *_, s in m(GRAPH, pairs)] for m in measures]
    assert np.allclose(found[:, 1], values[0])
    assert np.allclose(np.expm1(found[:, 2]) / 2, values[1])
    assert np.allclose(np.expm1(found[:, 3]) / 2, values[2])
    assert np.allclose(np.exp(found[:, 4]), values[3])


def test_higher_order_features_of_pairs_against_loops(meetings):
    network = arena.Network(meetings)
    pairs = np.array([[0, 1], [3, 17], [5, 9]])
    found = arena.link_features("higher order", network, pairs)
    W = network.weights.toarray().astype(float)
    for row, (u, v) in zip(found, pairs.tolist()):
        shared = np.flatnonzero((W[u] > 0) & (W[v] > 0))
        for column, p in enumerate((-1, 0.5, 1)):
            expected = 2 * sum(W[u, x] ** p * W[x, v] ** p for x in shared)
            assert np.isclose(np.expm1(row[column]), expected)
        beta = min(0.25 / np.linalg.norm(W, 2), 0.5)
        walks = sum(beta**k * np.linalg.matrix_power(W, k) for k in range(60))
        assert np.isclose(np.exp(row[3]) - 1e-9, 2 * walks[u, v])
        in_groups = [sum(x in group for group, _ in meetings) for x in (u, v)]
        assert np.isclose(row[5], np.log(in_groups).sum())
        assert np.isclose(row[6], np.log(W[[u, v]].sum(axis=1)).sum())


def test_graphlet_counts_hold_the_common_neighbours():
    found = arena.link_features("graphlet counts", NETWORK, PAIRS)
    column = list(arena.PAIR_KINDS).index((2, 1, 1))
    common = [len(list(nx.common_neighbors(GRAPH, u, v))) for u, v in PAIRS.tolist()]
    assert np.allclose(np.expm1(found[:, column]) / 2, common)


@pytest.mark.parametrize("name", [*arena.LINK_FEATURES, "all"])
def test_features_do_not_depend_on_the_order_in_a_pair_or_on_node_numbers(name):
    found = arena.link_features(name, NETWORK, PAIRS[:40])
    assert np.isfinite(found).all()
    assert np.allclose(found, arena.link_features(name, NETWORK, PAIRS[:40, ::-1]))
    if "embedding" in name or name == "all":
        return  # columns of equal singular values may turn
    order = np.random.default_rng(0).permutation(34)
    where = np.argsort(order)
    moved = arena.Network(arena.clique_groups(A[order][:, order]))
    assert np.allclose(found, arena.link_features(name, moved, where[PAIRS[:40]]))


def test_all_is_every_feature_side_by_side():
    widths = [arena.link_features(n, NETWORK, PAIRS[:3]).shape[1] for n in arena.LINK_FEATURES]
    assert arena.link_features("all", NETWORK, PAIRS[:3]).shape == (3, sum(widths))


def test_link_scores_find_a_feature_that_tells_and_none_in_noise():
    task = arena.hidden_links(A, 0.3, random_state=0)
    rng = np.random.default_rng(1)
    truth = [x[:, None].astype(float) for x in (task.train_links, task.test_links)]
    noise = [rng.normal(size=(len(x), 2)) for x in truth]
    scores, perfect = arena.link_scores(task, (truth[0], truth[1]))
    assert perfect == 1
    assert scores.shape == task.test_links.shape
    _, chance = arena.link_scores(task, (noise[0], noise[1]))
    assert chance < 4 * task.test_links.mean()


# ---- features of nodes ----


def test_plain_features_of_nodes_are_those_of_networkx():
    found = arena.node_features("plain", NETWORK)["plain"]
    for column, measure in ((1, nx.clustering), (4, nx.closeness_centrality)):
        assert np.allclose(found[:, column], [measure(GRAPH)[i] for i in range(34)])
    near = nx.average_neighbor_degree(GRAPH)
    assert np.allclose(np.expm1(found[:, 5]), [near[i] for i in range(34)])


def test_closeness_of_a_graph_in_pieces_is_that_of_networkx():
    graph = nx.disjoint_union(nx.path_graph(4), nx.star_graph(2))
    graph.add_node(7)
    matrix = sparse.csr_array(nx.to_scipy_sparse_array(graph))
    assert np.allclose(arena.closeness(matrix), list(nx.closeness_centrality(graph).values()))


def test_higher_order_features_of_nodes_against_dense_inverses():
    found = arena.node_features("higher order", NETWORK)["higher order"]
    W = NETWORK.weights.toarray().astype(float)
    pagerank = np.full(34, 1 / 34)
    for _ in range(400):
        pagerank = 0.85 * W / W.sum(axis=0) @ pagerank + 0.15 / 34
    assert np.allclose(np.exp(found[:, 5]), pagerank, atol=1e-7)
    beta = 0.25 / np.linalg.norm(W, 2)
    assert np.allclose(np.exp(found[:, 6]), np.linalg.inv(np.eye(34) - beta * W) @ np.ones(34))
    assert np.allclose(np.expm1(found[:, 7]) / 2, list(nx.triangles(GRAPH).values()))
    arithmetic = W.sum(axis=1) / (W > 0).sum(axis=1)
    assert np.allclose(np.expm1(found[:, 4]), arithmetic)


@pytest.mark.parametrize("name", list(arena.NODE_FEATURES))
def test_node_features_are_finite_tables_with_a_row_a_node(name):
    tables = arena.node_features(name, NETWORK)
    assert tables
    assert all(len(X) == 34 and np.isfinite(X).all() for X in tables.values())


# ---- bad input ----


@pytest.mark.parametrize("cuts", [(80, 60), (0, 50), (50, 100)])
def test_bad_cuts(meetings, cuts):
    with pytest.raises(ValueError, match="cuts"):
        arena.later_links(meetings, cuts)


@pytest.mark.parametrize("share", [0, 1, 1.5, 0.001])
def test_bad_share(share):
    with pytest.raises(ValueError, match="share"):
        arena.hidden_links(A, share)


def test_bad_names():
    with pytest.raises(ValueError, match="walk embedding"):
        arena.link_features("walks", NETWORK, PAIRS)
    with pytest.raises(ValueError, match="plain"):
        arena.node_features("walks", NETWORK)


def test_bad_period_without_a_new_link():
    still = TemporalSimplices.from_simplices([(0, 1), (1, 2)] * 10, list(range(20)))
    with pytest.raises(ValueError, match="new links"):
        arena.later_links(still)
