"""Simplicial closure against hand counts, brute force, other libraries and published tables."""

import math
from collections import Counter
from functools import cache
from itertools import combinations, pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.metrics import average_precision_score

from mixbook.data import DataError, load_scholp, load_scholp_published
from mixbook.networks import simplicial_closure as sc
from mixbook.networks.simplicial_closure import _index, hodge, walks

FIGURE_1 = [
    {1, 2, 3, 4},
    {1, 3, 5},
    {1, 6},
    {2, 6},
    {1, 7, 8},
    {3, 9},
    {5, 8},
    {1, 2, 6},
]


def make(sets, times=None, **keywords):
    return sc.TemporalSimplices.from_simplices(sets, times, **keywords)


def figure_1():
    flat = [node for simplex in FIGURE_1 for node in sorted(simplex)]
    return sc.TemporalSimplices.from_arrays(flat, [len(s) for s in FIGURE_1], range(1, 9))


@cache
def network(name):
    try:
        return load_scholp(name)
    except DataError as error:
        pytest.skip(str(error))


@cache
def published():
    try:
        return load_scholp_published()
    except DataError as error:
        pytest.skip(str(error))


node_sets = st.sets(st.integers(0, 8), min_size=1, max_size=5)
set_lists = st.lists(node_sets, min_size=1, max_size=14)
small = settings(max_examples=60, deadline=None, derandomize=True)


def random_sets(seed, n=10, count=25, largest=5):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, largest + 1, count)
    return [set(rng.choice(n, size, replace=False).tolist()) for size in sizes]


# ---------------------------------------------------------------- brute force


def weight(sets, *nodes):
    return sum(set(nodes) <= s for s in sets)


def seen(sets):
    return sorted(set().union(*sets))


def brute_triangles(sets):
    triples = [
        t for t in combinations(seen(sets), 3) if all(weight(sets, *p) for p in combinations(t, 2))
    ]
    is_closed = {t: weight(sets, *t) > 0 for t in triples}
    return [t for t in triples if not is_closed[t]], [t for t in triples if is_closed[t]]


def type_3(sets, t):
    return tuple(sorted(min(weight(sets, *p), 2) for p in combinations(t, 2)))


def type_4(sets, q):
    edges = sum(weight(sets, *p) > 0 for p in combinations(q, 2))
    triangles = [t for t in combinations(q, 3) if all(weight(sets, *p) for p in combinations(t, 2))]
    if not triangles:
        return None
    ties = sorted(min(weight(sets, *t), 2) for t in triangles)
    return (*[edges - 6] * (4 - len(ties)), *ties)


def brute_counts(old, new, k, type_of, keys):
    opened, closed = Counter(), Counter()
    for subset in combinations(seen(old), k):
        if weight(old, *subset) == 0:
            opened[type_of(old, subset)] += 1
            closed[type_of(old, subset)] += weight(new, *subset) > 0
    return {key: (opened[key], closed[key]) for key in keys}


# ---------------------------------------------------------------- the worked example


def test_figure_1_graph():
    data = figure_1()
    w = sc.projected_graph(data)
    dense = w.toarray()
    assert w.nnz == 30
    assert (dense == dense.T).all()
    assert not dense.diagonal().any()
    assert (dense[0, 1], dense[0, 2], dense[0, 5], dense[1, 5], dense[6, 7]) == (2, 2, 2, 2, 1)
    assert sc.incidence(data).sum() == len(data.members) == 21
    assert sc.incidence(data).toarray()[:, 0].tolist() == [1, 1, 1, 1, 0, 0, 0, 0, 0]


def test_figure_1_triangles_and_scores():
    data = figure_1()
    assert sc.count_triangles(data) == (1, 7)
    triangle = sc.open_triangles(data)
    assert triangle.tolist() == [[0, 4, 7]]
    expected = {"pa_degree": 63, "pa_simplex": 20, "common": 0, "jaccard": 0, "adamic_adar": 0}
    expected |= {"harmonic": 1, "geometric": 1, "arithmetic": 1}
    for name, value in expected.items():
        assert sc.score_triangles(triangle, data, name).tolist() == [value]
    counts, _ = sc.neighbour_counts(triangle, sc.projected_graph(data))
    assert counts.tolist() == [[2, 2, 1, 0]]  # {3, 8}, {5, 7}, {1}, none


def test_figure_1_closure_counts():
    old, new = figure_1(), make([{0, 4, 7}], n_nodes=9)
    counts = sc.closure_counts_3(old, new)
    assert counts[1, 1, 1] == (1, 1)
    assert sum(n for n, _ in counts.values()) == math.comb(9, 3) - 7
    assert sum(c for _, c in counts.values()) == 1


def test_four_node_example_of_the_authors_test_suite():
    old = make([{1, 2, 3}, {1, 2, 3}, {1, 2, 4}, {2, 3, 4}, {1, 3, 4}, {8}])
    counts = sc.closure_counts_4(old, make([{9, 11, 12}, {1, 2, 3, 4}]))
    assert counts[1, 1, 1, 2] == (1, 1)
    assert counts[1, 1, 1, 1] == (0, 0)
    assert (counts[-3, -3, -3, 2], counts[-3, -3, -3, 1]) == ((1, 0), (3, 0))
    assert counts[-3, -3, -3, 0] == (0, 0)


# ---------------------------------------------------------------- the data structure


def test_construction_sorts_nodes_and_keeps_order_of_simplices():
    data = sc.TemporalSimplices.from_arrays([3, 1, 2, 5], [3, 1], [9, 4])
    assert [s.tolist() for s in data.simplices] == [[0, 1, 2], [4]]
    assert data.times.tolist() == [9, 4]
    assert (data.n_nodes, data.nodes.tolist(), len(data)) == (5, [0, 1, 2, 4], 2)
    assert [(s.tolist(), t) for s, t in data] == [([0, 1, 2], 9), ([4], 4)]


def test_scholp_files_are_read(tmp_path):
    (tmp_path / "toy-simplices.txt").write_text("2\n1\n3\n")
    (tmp_path / "toy-nverts.txt").write_text("2\n1\n")
    (tmp_path / "toy-times.txt").write_text("5\n7\n")
    (tmp_path / "toy-node-labels.txt").write_text("3\tlast one\n1 first one\n")
    data = sc.TemporalSimplices.from_scholp(tmp_path, "toy")
    assert [s.tolist() for s in data.simplices] == [[0, 1], [2]]
    assert data.node_labels == ("first one", "", "last one")
    with pytest.raises(FileNotFoundError, match=r"other-simplices\.txt"):
        sc.TemporalSimplices.from_scholp(tmp_path, "other")


def test_split_uses_rounded_percentiles_over_simplices():
    data = make([{i, i + 1} for i in range(11)], times=[10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0])
    old, new = data.split(80, 100)
    assert sorted(old.times) == list(range(9))
    assert sorted(new.times) == [9, 10]
    old, new = data.split(60, 80)
    assert (old.times.max(), new.times.min(), new.times.max()) == (6, 7, 8)
    odd = make([{0, 1}] * 4, times=[0, 1, 2, 4])  # 50th percentile 1.5 rounds to the even 2
    assert odd.split(50, 100)[0].times.tolist() == [0, 1, 2]


def test_backbone_keeps_the_earliest_of_equal_sets():
    data = make([{0, 1}, {2, 1, 0}, {1, 0}, {0, 1, 2}, {0}], times=[7, 3, 2, 5, 1])
    backbone = data.backbone()
    assert [s.tolist() for s in backbone.simplices] == [[0, 1, 2], [0, 1], [0]]
    assert backbone.times.tolist() == [3, 2, 1]


@small
@given(set_lists)
def test_backbone_holds_each_set_once(sets):
    backbone = make(sets).backbone()
    assert Counter(frozenset(s.tolist()) for s in backbone.simplices) == {
        frozenset(s): 1 for s in sets
    }


def test_filter_size_and_egonet():
    data = figure_1()
    assert data.filter_size(3, 3).sizes.tolist() == [3, 3, 3]
    ego = data.egonet(4)  # node 5: neighbours 1, 3, 8
    expected = [[0, 2], [0, 2, 4], [0], [0, 7], [2], [4, 7], [0]]
    assert [s.tolist() for s in ego.simplices] == expected
    assert ego.times.tolist() == [1, 2, 3, 5, 6, 7, 8]


# ---------------------------------------------------------------- triangles


@small
@given(set_lists)
def test_triangles_against_brute_force(sets):
    opened, closed = brute_triangles(sets)
    data = make(sets)
    assert sc.count_triangles(data) == (len(opened), len(closed))
    assert [tuple(t) for t in sc.open_triangles(data).tolist()] == opened


@pytest.mark.parametrize("seed", range(3))
def test_projected_graph_and_triangles_against_networkx(seed):
    sets = random_sets(seed, n=30, count=60)
    data = make(sets)
    graph = nx.Graph()
    for s in sets:
        for a, b in combinations(s, 2):
            graph.add_edge(a, b, weight=graph.get_edge_data(a, b, {"weight": 0})["weight"] + 1)
    ours = nx.from_scipy_sparse_array(sc.projected_graph(data))
    assert {frozenset(e[:2]): e[2] for e in ours.edges(data="weight")} == {
        frozenset(e[:2]): e[2] for e in graph.edges(data="weight")
    }
    assert sum(sc.count_triangles(data)) == sum(nx.triangles(graph).values()) // 3


def test_no_triangle_and_no_edge():
    for sets in ([{0}], [{0, 1}], [{0}, {3}], [{0, 1}, {1, 2}]):
        data = make(sets)
        assert sc.count_triangles(data) == (0, 0)
        assert sc.open_triangles(data).shape == (0, 3)
        assert not sc.lifecycle_transitions(data).any()
    assert math.isnan(sc.fraction_open(0, 0))


def test_listing_in_small_chunks_changes_nothing(monkeypatch):
    old, new = make(random_sets(1, count=40)), make(random_sets(2, count=40))
    whole = sc.closure_counts_3(old, new), sc.closure_counts_4(old, new), sc.count_triangles(old)
    monkeypatch.setattr(_index, "CHUNK", 3)
    assert len(list(_index.spans(3, _index.SimplexIndex.build(old).source))) > 3
    assert whole == (
        sc.closure_counts_3(old, new),
        sc.closure_counts_4(old, new),
        sc.count_triangles(old),
    )


# ---------------------------------------------------------------- closure counts


@small
@given(set_lists, set_lists)
def test_three_node_counts_against_brute_force(old, new):
    expected = brute_counts(old, new, 3, type_3, sc.KEYS_3)
    assert sc.closure_counts_3(make(old), make(new)) == expected


@small
@given(
    st.lists(st.sets(st.integers(0, 7), min_size=1, max_size=5), min_size=6, max_size=20), set_lists
)
def test_four_node_counts_against_brute_force(old, new):
    expected = brute_counts(old, new, 4, type_4, sc.KEYS_4)
    assert sc.closure_counts_4(make(old), make(new)) == expected


@pytest.mark.parametrize("seed", range(4))
def test_four_node_counts_of_pairs_and_triples(seed):
    """Dense graphs of small simplices have 4-cliques that no simplex covers."""
    old = random_sets(seed, n=9, count=45, largest=3)
    new = random_sets(seed + 50, n=11, count=8, largest=6)
    expected = brute_counts(old, new, 4, type_4, sc.KEYS_4)
    assert sum(expected[key][0] for key in sc.KEYS_4[12:]) > 0
    assert sc.closure_counts_4(make(old), make(new)) == expected


@pytest.mark.parametrize("name", ["example1", "email-Enron", "NDC-classes"])
def test_one_simplex_on_all_nodes_closes_everything(name):
    data = network(name)
    if name != "example1":
        data = data.select(slice(0, 400))
    nodes = data.nodes[:40]
    inside = np.zeros(data.n_nodes, dtype=bool)
    inside[nodes] = True
    data = make([s[inside[s]].tolist() for s in data.simplices if inside[s].any()])
    everything = make([set(data.nodes.tolist()), {data.n_nodes, data.n_nodes + 1}])
    for counts in (sc.closure_counts_3, sc.closure_counts_4):
        table = counts(data, everything)
        assert sum(n for n, _ in table.values()) > 0
        assert all(n_open == n_closed for n_open, n_closed in table.values())


def test_keys_are_those_of_the_published_tables():
    for k, keys, number in ((3, sc.KEYS_3, 10), (4, sc.KEYS_4, 27)):
        tables = getattr(published(), f"closures_{k}")
        assert len(keys) == number
        assert len(tables) == 19
        assert all(tuple(table) == keys for table in tables.values())


NETWORKS = (
    "email-Enron",
    "contact-primary-school",
    "contact-high-school",
    "NDC-classes",
    "email-Eu",
)


@pytest.mark.parametrize("name", NETWORKS)
def test_counts_equal_the_published_ones(name):
    data = network(name)
    row = published().statistics.loc[name]
    assert sc.count_triangles(data) == (row.nopentri, row.nclosedtri)
    old, new = data.split(80, 100)
    assert sc.closure_counts_3(old, new) == published().closures_3[name]
    assert sc.closure_counts_4(old, new) == published().closures_4[name]


def test_three_node_counts_of_a_larger_network():
    old, new = network("NDC-substances").split(80, 100)
    assert sc.closure_counts_3(old, new) == published().closures_3["NDC-substances"]


@pytest.mark.parametrize("name", ["email-Enron", "NDC-classes"])
def test_statistics_equal_the_published_ones(name):
    ours = sc.summary_statistics(network(name), 0)
    exact = ["nnodes", "nsimps", "nconns", "maxsimpsize", "nclosedtri", "nopentri"]
    for row, table in (("all", published().statistics), ("3-node", published().statistics_3)):
        theirs = table.loc[name]
        assert (ours.loc[row, exact] == theirs[exact]).all()
        assert ours.loc[row, "meanprojweight"] == pytest.approx(theirs.meanprojweight, abs=1e-6)
        assert ours.loc[row, "projdensity"] == pytest.approx(theirs.projdensity, rel=1e-6)
        # the authors count a set once for each order in which its nodes are listed
        assert ours.loc[row, "nbbnodes"] <= theirs.nbbnodes
        for column in ("bbconfigdensity", "nbbconfigclosedtri", "nbbconfigopentri"):
            assert ours.loc[row, column] == pytest.approx(theirs[column], rel=0.35, abs=5)


def test_statistics_without_three_node_simplices():
    table = sc.summary_statistics(make([{0, 1}, {0, 1, 2, 3}]), 0)
    assert table.loc["all", "nclosedtri"] == 4
    assert table.loc["3-node"].isna().all()


# ---------------------------------------------------------------- configuration, fit, null model


def test_configuration_keeps_node_counts_by_size():
    data = make(random_sets(3, n=40, count=80)).backbone()
    config = sc.random_configuration(data, 5)
    assert (config.sizes <= data.sizes).all()
    assert config.sizes.sum() >= 0.9 * data.sizes.sum()  # few nodes fell together
    pairs = data.filter_size(1, 1), sc.random_configuration(data.filter_size(1, 1), 5)
    assert Counter(pairs[0].members.tolist()) == Counter(pairs[1].members.tolist())
    again = sc.random_configuration(data, 5)
    assert (config.members == again.members).all()
    assert not np.array_equal(config.members, data.members)


def test_configuration_shuffles_within_sizes_only():
    data = make([{0, 1}, {2, 3}, {4, 5, 6}, {7, 8, 9}])
    for seed in range(5):
        config = sc.random_configuration(data, seed)
        assert set(np.concatenate(config.simplices[:2]).tolist()) <= {0, 1, 2, 3}
        assert set(np.concatenate(config.simplices[2:]).tolist()) <= {4, 5, 6, 7, 8, 9}


def test_linear_fits_of_the_published_statistics():
    fits = []
    for table in (published().statistics, published().statistics_3.drop("congress-committees")):
        degrees = [sc.average_degree(d, n) for d, n in zip(table.projdensity, table.nnodes)]
        opened = [sc.fraction_open(*r) for r in zip(table.nopentri, table.nclosedtri)]
        fits.append(sc.openness_fit(degrees, opened))
        design = np.stack([np.ones(len(degrees)), np.log(degrees)], axis=1)
        expected = np.linalg.lstsq(design, np.array(opened), rcond=None)[0]
        assert fits[-1][:2] == pytest.approx(expected)
    assert fits[0].r2 == pytest.approx(0.381, abs=0.002)
    assert fits[1].r2 == pytest.approx(0.850, abs=0.002)


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 1.0])
def test_expected_counts_by_enumerating_all_networks_on_five_nodes(p):
    triples = list(combinations(range(5), 3))
    opened = closed = density = 0.0
    for chosen in range(2 ** len(triples)):
        sets = [t for i, t in enumerate(triples) if chosen >> i & 1]
        probability = p ** len(sets) * (1 - p) ** (len(triples) - len(sets))
        if probability == 0:
            continue
        edges = {pair for t in sets for pair in combinations(t, 2)}
        both = sum(all(q in edges for q in combinations(t, 2)) for t in triples)
        opened += probability * (both - len(sets))
        closed += probability * len(sets)
        density += probability * len(edges) / 10
    assert sc.expected_open_closed(5, p) == pytest.approx((opened, closed))
    assert sc.expected_density(5, p) == pytest.approx(density)


def test_simulation_agrees_with_the_expectation():
    n, b = 30, 1.1
    rng = np.random.default_rng(0)
    counts = [sc.count_triangles(sc.simulate_random_simplices(n, b, rng)) for _ in range(300)]
    error = np.mean(counts, axis=0) - sc.expected_open_closed(n, n**-b)
    assert (np.abs(error) < 4 * np.std(counts, axis=0) / 300**0.5).all()


def test_simulated_simplices_are_all_distinct_triples_when_certain():
    data = sc.simulate_random_simplices(7, 0, 0)
    assert sorted(map(tuple, (s.tolist() for s in data.simplices))) == list(
        combinations(range(7), 3)
    )


# ---------------------------------------------------------------- tests of proportions


def test_z_test_by_hand():
    p = 40 / 1000
    z = (10 / 400 - 30 / 600) / math.sqrt(p * (1 - p) * (1 / 400 + 1 / 600))
    up, down = sc.compare_proportions(10, 400, 30, 600)
    assert up == pytest.approx(0.5 * math.erfc(-z / math.sqrt(2)))
    assert down == pytest.approx(1 - up)
    assert up < 0.05
    assert sc.compare_proportions(30, 30, 40, 40) == (0.5, 0.5)


@pytest.mark.parametrize(
    ("x1", "n1", "x2", "n2"), [(0, 30, 5, 25), (5, 40, 0, 900), (2, 21, 2, 21)]
)
def test_fisher_fall_back_by_the_hypergeometric_law(x1, n1, x2, n2):
    law = stats.hypergeom(n1 + n2, x1 + x2, n1)
    up, down = sc.compare_proportions(x1, n1, x2, n2)
    assert up == pytest.approx(law.cdf(x1))
    assert down == pytest.approx(law.sf(x1 - 1))


def test_six_closures_are_enough_for_the_normal_approximation():
    z = (5 / 30 - 6 / 30) / math.sqrt(11 / 60 * 49 / 60 * 2 / 30)
    assert sc.compare_proportions(5, 30, 6, 30)[0] == pytest.approx(stats.norm.cdf(z))


def test_comparisons_are_the_row_pairs_of_the_sheet():
    rows = {key: i + 1 for i, key in enumerate(sc.KEYS_3)}
    numbers = {
        k: [(rows[a], rows[b]) for a, b in sc.COMPARISONS[k]] for k in list(sc.COMPARISONS)[:3]
    }
    assert sorted(numbers["density"]) == [(1, 2), (2, 4), (3, 5), (4, 7), (5, 8), (6, 9)]
    assert sorted(numbers["strength"]) == [(2, 3), (4, 5), (5, 6), (7, 8), (8, 9), (9, 10)]
    assert numbers["strength_vs_density"] == [(6, 7)]
    lengths = {k: len(sc.COMPARISONS[k]) for k in sc.COMPARISONS}
    assert (lengths["density_4"], lengths["strength_4"]) == (12, 30)


def test_published_tables_give_the_expected_numbers_of_significant_tests():
    tables = published().closures_3
    assert sc.closure_tests(tables, "density") == {"increase": 102, "decrease": 0, "total": 113}
    assert sc.closure_tests(tables, "strength") == {"increase": 82, "decrease": 6, "total": 113}
    versus = sc.closure_tests(tables, "strength_vs_density")
    assert versus == {"increase": 4, "decrease": 6, "total": 18}


def test_rare_types_are_skipped_and_level_matters():
    table = dict.fromkeys(sc.KEYS_3, (1000, 100)) | {(1, 1, 1): (20, 10), (0, 2, 2): (21, 3)}
    assert sc.closure_tests({"a": table}, "strength_vs_density")["total"] == 0
    assert sc.closure_tests({"a": table}, "strength")["total"] == 5
    table = dict.fromkeys(sc.KEYS_3, (1000, 100)) | {(0, 0, 1): (1000, 140)}
    assert sc.closure_tests({"a": table}, "density", 0.01)["increase"] == 1
    assert sc.closure_tests({"a": table}, "density", 1e-5)["increase"] == 0


# ---------------------------------------------------------------- lifecycles


def brute_life(sets, triple):
    weights, states = dict.fromkeys(combinations(sorted(triple), 2), 0), ["000"]
    for s in sets:
        inside = tuple(sorted(s & set(triple)))
        if len(inside) == 3:
            return [*states, "closed"]
        if len(inside) == 2:
            weights[inside] += 1
            states.append("".join(str(min(w, 2)) for w in sorted(weights.values())))
    return states


def test_lifecycle_of_the_worked_example():
    data = figure_1()
    assert sc.lifecycle(data, (0, 4, 7)) == ["000", "001", "011", "111"]
    assert sc.lifecycle(data, (0, 1, 5)) == ["000", "001", "011", "111", "closed"]
    assert sc.lifecycle(data, (0, 6, 7)) == ["000", "closed"]


@small
@given(set_lists)
def test_lifecycles_and_transitions_against_brute_force(sets):
    times = list(range(len(sets)))[::-1]  # listed backwards in time
    data = make(sets[::-1], times)
    names = ["".join(map(str, s)) if s != "closed" else s for s in sc.STATES]
    tables = {"open": np.zeros((11, 11), int), "closed": np.zeros((11, 11), int)}
    for triple in (t for group in brute_triangles(sets) for t in group):
        life = brute_life(sets, triple)
        assert sc.lifecycle(data, triple) == life
        for a, b in pairwise(life):
            tables["closed" if life[-1] == "closed" else "open"][
                names.index(a), names.index(b)
            ] += 1
    for which, table in tables.items():
        assert (sc.lifecycle_transitions(data, which) == table).all()
    assert (sc.lifecycle_transitions(data) == tables["open"] + tables["closed"]).all()


def test_every_closed_triangle_ends_in_the_closed_state_once():
    data = network("email-Enron")
    transitions = sc.lifecycle_transitions(data)
    assert transitions[:, -1].sum() == sc.count_triangles(data)[1]
    assert transitions[0].sum() == sum(sc.count_triangles(data))


# ---------------------------------------------------------------- scores


def brute_scores(sets, t):
    neighbours = {v: {u for s in sets if v in s for u in s} - {v} for v in seen(sets)}
    common = set.intersection(*(neighbours[v] for v in t))
    w = [weight(sets, *p) for p in combinations(t, 2)]
    return {
        "harmonic": 3 / sum(1 / x for x in w),
        "geometric": math.prod(w) ** (1 / 3),
        "arithmetic": sum(w) / 3,
        "pa_degree": math.prod(len(neighbours[v]) for v in t),
        "pa_simplex": math.prod(weight(sets, v) for v in t),
        "common": len(common),
        "jaccard": len(common) / len(set.union(*(neighbours[v] for v in t))),
        "adamic_adar": sum(1 / math.log(len(neighbours[z])) for z in common),
    }


@pytest.mark.parametrize("seed", range(3))
def test_local_scores_against_brute_force(seed):
    sets = random_sets(seed, n=12, count=40, largest=3)
    data = make(sets)
    triangles = sc.open_triangles(data)
    assert len(triangles) > 5
    expected = [brute_scores(sets, t) for t in triangles.tolist()]
    for name in expected[0]:
        ours = sc.score_triangles(triangles, data, name)
        assert ours == pytest.approx([e[name] for e in expected], rel=1e-11)


def test_generalised_mean():
    x = np.array([[1, 2, 8], [3, 3, 3]])
    assert sc.generalized_mean(x, -np.inf).tolist() == [1, 3]
    assert sc.generalized_mean(x, np.inf).tolist() == [8, 3]
    assert sc.generalized_mean(x, 0)[0] == pytest.approx(stats.gmean([1, 2, 8]))
    assert sc.generalized_mean(x, -1)[0] == pytest.approx(stats.hmean([1, 2, 8]))
    assert sc.generalized_mean(x, 2.5)[0] == pytest.approx(stats.pmean([1, 2, 8], 2.5))
    assert sc.generalized_mean([[1e200, 1e200, 1e200]], 4)[0] == pytest.approx(1e200)


def test_equal_means_are_equal_numbers():
    """Harmonic means of (1, 2, 12) and (1, 3, 4) are both 36/19, but not in floating point."""
    sets = []
    for first, weights in ((0, (1, 2, 12)), (3, (4, 1, 3)), (6, (3, 4, 1))):
        for pair, times in zip(combinations(range(first, first + 3), 2), weights):
            sets += [set(pair)] * times
    data = make(sets)
    triangles = sc.open_triangles(data)
    weights = sc.edge_weights(triangles, sc.projected_graph(data))
    assert len(set(sc.generalized_mean(weights, -1).tolist())) == 2
    scores = sc.score_triangles(triangles, data, "harmonic")
    assert scores == pytest.approx([36 / 19] * 3)
    assert len(set(scores.tolist())) == 1


@pytest.mark.parametrize("weighted", [False, True])
def test_walk_scores_against_power_series(weighted):
    data = make(random_sets(4, n=15, count=45, largest=3))
    triangles = sc.open_triangles(data)
    w = sc.projected_graph(data).toarray().astype(float)
    w = w if weighted else (w > 0).astype(float)
    beta = min(0.25 / np.linalg.svd(w, compute_uv=False)[0], 0.5)
    katz = sum(np.linalg.matrix_power(beta * w, k) for k in range(1, 60))
    walk = w / np.maximum(w.sum(axis=0), 1)
    ppr = 0.15 * sum(np.linalg.matrix_power(0.85 * walk, k) for k in range(400))
    for name, matrix in (("katz", katz), ("ppr", ppr)):
        expected = [
            sum(matrix[a, b] + matrix[b, a] for a, b in combinations(t, 2)) for t in triangles
        ]
        ours = sc.score_triangles(triangles, data, name, weighted=weighted)
        assert ours == pytest.approx(expected, rel=1e-9)


def test_pagerank_columns_sum_to_one():
    data = make([{0, 1, 2}, {2, 3}, {5}])
    f = np.linalg.inv(sc.ppr_matrix(sc.projected_graph(data)).toarray())
    assert f[:, :4].sum(axis=0) == pytest.approx(np.ones(4))


def test_sparse_solves_agree_with_the_dense_inverse(monkeypatch):
    data = make(random_sets(5, n=20, count=60, largest=3))
    triangles = sc.open_triangles(data)
    cases = [("katz", {}), ("ppr", {"weighted": True})]
    cases += [("simplicial_ppr", {"part": part}) for part in hodge.PARTS]
    dense = [sc.score_triangles(triangles, data, name, **k) for name, k in cases]
    monkeypatch.setattr(walks, "DENSE_LIMIT", 0)
    monkeypatch.setattr(walks, "BLOCK", 3)
    monkeypatch.setattr(hodge, "DENSE_LIMIT", 0)
    for before, (name, k) in zip(dense, cases):
        after = sc.score_triangles(triangles, data, name, **k)
        assert after == pytest.approx(before, rel=1e-6, abs=1e-9)


def test_spectral_norm_by_lanczos_agrees_with_dense():
    w = sc.projected_graph(make(random_sets(6, n=600, count=900, largest=4)))
    assert w.shape[0] > 500
    expected = np.abs(np.linalg.eigvalsh(w.toarray().astype(float))).max()
    assert walks.spectral_norm(w.astype(float)) == pytest.approx(expected)


def test_gradient_and_curl_of_the_worked_example():
    edges, gradient, curl = sc.edge_complex(figure_1())
    assert (gradient.shape, curl.shape) == ((15, 9), (7, 15))
    number = {tuple(e): i for i, e in enumerate((edges + 1).tolist())}
    assert gradient.toarray()[number[1, 3]].tolist() == [-1, 0, 1, 0, 0, 0, 0, 0, 0]
    faces = [{i: int(v) for i, v in enumerate(row) if v} for row in curl.toarray()]
    assert {number[1, 2]: 1, number[2, 4]: 1, number[1, 4]: -1} in faces
    assert abs(curl @ gradient).sum() == 0


@pytest.mark.parametrize("seed", range(3))
def test_hodge_operator_and_decomposition(seed):
    data = make(random_sets(seed, n=12, count=30, largest=4))
    complex_ = sc.edge_complex(data)
    g, c = complex_.gradient.toarray(), complex_.curl.toarray()
    assert not (c @ g).any()
    d = np.abs(c).sum(axis=0) + np.abs(g).sum(axis=0)[complex_.edges].sum(axis=1)
    expected = (g @ g.T + c.T @ c) / d
    assert sc.hodge_operator(complex_).toarray() == pytest.approx(expected)
    s = np.linalg.inv((1 / 0.85 - 1) * np.eye(len(g)) + expected) * (1 / 0.85 - 1)
    parts = sc.hodge_parts(complex_, s)
    assert parts["grad"] == pytest.approx(g @ np.linalg.pinv(g) @ s, abs=1e-9)
    assert parts["curl"] == pytest.approx(c.T @ np.linalg.pinv(c.T) @ s, abs=1e-9)
    assert sum(parts.values()) == pytest.approx(s)
    for a, b in combinations(parts.values(), 2):
        assert a.T @ b == pytest.approx(np.zeros_like(s), abs=1e-9)


def test_simplicial_pagerank_sums_the_right_entries():
    data = make(random_sets(7, n=10, count=25, largest=3))
    triangles = sc.open_triangles(data)
    complex_ = sc.edge_complex(data)
    beta0 = 1 / 0.7 - 1
    eye = np.eye(len(complex_.edges))
    s = beta0 * np.linalg.inv(beta0 * eye + sc.hodge_operator(complex_).toarray())
    number = {tuple(e): i for i, e in enumerate(complex_.edges.tolist())}
    for part, flow in {"comb": s, **sc.hodge_parts(complex_, s)}.items():
        expected = [
            sum(
                abs(flow[number[e], number[f]])
                for e in combinations(t, 2)
                for f in combinations(t, 2)
                if e != f
            )
            for t in triangles.tolist()
        ]
        ours = sc.score_triangles(triangles, data, "simplicial_ppr", part=part, alpha=0.7)
        assert ours == pytest.approx(expected, abs=1e-9)


CASES = [(name, {}) for name in sc.SCORES] + [("simplicial_ppr", {"part": "curl"})]


@pytest.mark.parametrize(("name", "keywords"), CASES)
def test_renaming_nodes_permutes_scores(name, keywords):
    sets = random_sets(8, n=12, count=30, largest=3)
    new_name = np.random.default_rng(0).permutation(12)
    data, renamed = make(sets), make([{int(new_name[v]) for v in s} for s in sets])
    triangles = sc.open_triangles(data)
    moved = new_name[triangles]
    assert sorted(np.sort(moved, axis=1).tolist()) == sc.open_triangles(renamed).tolist()
    before = sc.score_triangles(triangles, data, name, **keywords)
    assert sc.score_triangles(moved, renamed, name, **keywords) == pytest.approx(before, rel=1e-8)


# ---------------------------------------------------------------- prediction


def test_labels_against_brute_force():
    sets = random_sets(9, n=14, count=80, largest=4)
    data = make(sets)
    triangles, y, old = sc.labeled_open_triangles(data)
    cut = round(float(np.percentile(range(80), 80)))
    opened, _ = brute_triangles(sets[: cut + 1])
    assert [tuple(t) for t in triangles.tolist()] == opened
    assert y.tolist() == [int(weight(sets[cut + 1 :], *t) > 0) for t in opened]
    assert old.n_simplices == cut + 1
    assert 0 < y.sum() < len(y)


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 4)), min_size=2, max_size=40))
@small
def test_relative_auprc_is_average_precision_over_the_rate(pairs):
    y, score = np.array([(1, 3), *pairs]).T
    expected = average_precision_score(y, score) / y.mean()
    assert sc.relative_auprc(y, score) == pytest.approx(expected)
    assert sc.relative_auprc(y, np.zeros(len(y))) == pytest.approx(1)


def test_bootstrap_weights_triangles(monkeypatch):
    rng = np.random.default_rng(1)
    y, score = rng.integers(0, 2, 60), rng.integers(0, 9, 60)
    ours = sc.bootstrap_relative_auprc(y, score, 5, np.random.default_rng(3))
    order, again = np.argsort(-score, kind="stable"), np.random.default_rng(3)
    for value in ours:
        w = np.empty(60)
        w[order] = again.poisson(1.0, 60)
        expected = average_precision_score(y, score, sample_weight=w) / np.average(y, weights=w)
        assert value == pytest.approx(expected)


def test_top_pagerank_predictions_are_the_published_ones():
    triangles, y, old = sc.labeled_open_triangles(network("email-Enron"))
    scores = sc.score_triangles(triangles, old, "ppr")
    top = np.argsort(-scores)[:12]
    listed = [0.304992, 0.272495, 0.253992, 0.189678, 0.181085, 0.179376]  # iterative solves
    listed += [0.176236, 0.175624, 0.173160, 0.170947, 0.164845, 0.162391]
    assert scores[top] == pytest.approx(listed, abs=1e-4)
    as_listed = sc.released_script_labels(triangles, y, old)
    assert as_listed[top].tolist() == [0, 0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 0]
    assert y[top].tolist() == [0, 0, 0, 0, 1, 0, 0, 1, 1, 0, 1, 0]  # the 11th closes after all


@pytest.mark.parametrize("name", ["email-Enron", "contact-primary-school", "contact-high-school"])
def test_published_means_follow_from_the_released_labels(name):
    triangles, y, old = sc.labeled_open_triangles(network(name))
    lossy = sc.released_script_labels(triangles, y, old)
    assert lossy.sum() < 0.35 * y.sum()
    table = published().means.query("dataset == @name")
    for p, value in zip(table.p, table.relative_auprc):
        score = sc.score_triangles(triangles, old, "generalized", p=p)
        assert sc.relative_auprc(lossy, score) == pytest.approx(value, abs=2e-3)


def test_local_means_beat_walks_on_contacts():
    triangles, y, old = sc.labeled_open_triangles(network("contact-primary-school"))
    value = {
        name: sc.relative_auprc(y, sc.score_triangles(triangles, old, name))
        for name in ("harmonic", "geometric", "arithmetic", "katz", "ppr")
    }
    assert 5.5 < value["geometric"] < 7
    assert value["geometric"] > value["arithmetic"]
    assert min(value["geometric"], value["harmonic"]) > max(value["katz"], value["ppr"])


def test_features_by_hand():
    data = figure_1()
    x = sc.triangle_features(sc.open_triangles(data), data)
    first = [1, 1, 1, 7, 3, 3, 5, 2, 2]
    assert x.shape == (1, 26)
    assert x[0, :13].tolist() == [*first, 2, 2, 1, 0]
    assert x[0, 13:] == pytest.approx([*np.log(first), *np.log1p([2, 2, 1, 0])])


def test_predictor_learns_from_an_earlier_window():
    data = network("email-Enron")
    model = sc.HigherOrderLinkPredictor().fit(data)
    triangles, y, old = sc.labeled_open_triangles(data, 60, 80)
    expected = model.estimator_.fit(sc.triangle_features(triangles, old), y).coef_
    again = sc.HigherOrderLinkPredictor().fit(data)
    assert again.estimator_.coef_ == pytest.approx(expected)
    test_triangles, test_y, _ = sc.labeled_open_triangles(data)
    scores = again.predict_scores(data)
    assert scores.shape == (len(test_triangles),)
    assert again.score(data) == pytest.approx(sc.relative_auprc(test_y, scores))
    assert again.n_features_in_ == 26
    boosted = sc.HigherOrderLinkPredictor(HistGradientBoostingClassifier(max_iter=5)).fit(data)
    assert isinstance(boosted.estimator_, HistGradientBoostingClassifier)
    assert boosted.estimator_ is not boosted.estimator


# ---------------------------------------------------------------- egonets


def test_egonet_features_of_the_worked_example():
    data = figure_1()
    every = sc.egonet_features(data, 8, 0, progress=False)
    expected = []
    for ego in (0, 1, 2, 3, 4, 5, 6, 7):  # node 9 (id 8) is in no triangle
        net = data.egonet(ego)
        n, edges = len(net.nodes), sc.projected_graph(net).nnz
        counts = sc.count_triangles(net)
        expected.append(
            [math.log(edges / n), math.log(edges / (n * n - n)), counts[0] / sum(counts)]
        )
    assert sorted(every.tolist()) == [pytest.approx(row) for row in sorted(expected)]


def test_egonets_ignore_repetition():
    data = figure_1()
    twice = make([s.tolist() for s in data.simplices] * 2)
    a, b = (sc.egonet_features(d, 5, 3, progress=False) for d in (data, twice))
    assert a == pytest.approx(b)


def test_classifier_separates_what_is_separable_and_not_noise():
    rng = np.random.default_rng(0)
    y = np.repeat(["a", "b", "c"], [60, 60, 35])
    x = rng.normal(size=(155, 3))
    clear = sc.classify_egonets(
        x + 20 * (y == "b")[:, None] - 20 * (y == "c")[:, None], y, random_state=0
    )
    assert clear.accuracy.min() > 0.95
    assert clear.random_rate == pytest.approx((60**2 + 60**2 + 35**2) / 155**2)
    tests = 12 + 12 + 7  # a fifth of each domain
    right = clear.accuracy * tests
    assert right == pytest.approx(np.round(right))
    noise = sc.classify_egonets(x, y, random_state=0)
    assert noise.accuracy * tests == pytest.approx(np.round(noise.accuracy * tests))
    assert noise.accuracy.mean() < 0.55
    assert len(noise.accuracy) == 20
    one = x.copy()
    one[:, 2] += 50 * (y == "a")
    assert sc.classify_egonets(one, y, ["fraction_open"], random_state=0).accuracy.mean() > 0.6
    assert sc.classify_egonets(one, y, ["log_density"], random_state=0).accuracy.mean() < 0.55


# ---------------------------------------------------------------- bad input

DATA = make(FIGURE_1)
TRIANGLE = np.array([[1, 5, 8]])
GOOD = dict.fromkeys(sc.KEYS_3, (100, 10))
make_flat = sc.TemporalSimplices.from_arrays

BAD = {
    "float ids": (
        lambda: make_flat([1.0, 2.0], [2], [0]),
        TypeError,
        "simplices_flat must hold int",
    ),
    "two-dimensional": (
        lambda: make_flat([[1, 2]], [2], [0]),
        ValueError,
        "simplices_flat must be one",
    ),
    "id 0 in a one-based file": (
        lambda: make_flat([0, 1], [2], [0]),
        ValueError,
        "one_based=False",
    ),
    "sizes disagree": (lambda: make_flat([1, 2], [3], [0]), ValueError, "nverts must add up"),
    "times disagree": (lambda: make_flat([1, 2], [2], [0, 1]), ValueError, "times must have one"),
    "empty simplex": (
        lambda: make_flat([1], [1, 0], [0, 1]),
        ValueError,
        "nverts must be at least 1",
    ),
    "node twice": (
        lambda: make_flat([1, 2, 1], [3], [0]),
        ValueError,
        "simplex 0 names a node twice",
    ),
    "too few nodes": (lambda: make([{0, 5}], n_nodes=3), ValueError, "n_nodes must exceed"),
    "too few labels": (
        lambda: make([{0, 1}], node_labels=["a"]),
        ValueError,
        "node_labels must name",
    ),
    "split backwards": (lambda: DATA.split(80, 60), ValueError, "q1 and q2"),
    "split of nothing": (lambda: make([]).split(), ValueError, "at least one simplex"),
    "filter backwards": (lambda: DATA.filter_size(3, 2), ValueError, "hi must be"),
    "unknown ego": (lambda: DATA.egonet(99), ValueError, "ego must be"),
    "ego in no simplex": (lambda: DATA.egonet(0), ValueError, "ego must occur"),
    "list for incidence": (
        lambda: sc.incidence([{1}]),
        TypeError,
        "data must be a TemporalSimplices",
    ),
    "list for graph": (lambda: sc.projected_graph([{1}]), TypeError, "data must be"),
    "None for triangles": (lambda: sc.count_triangles(None), TypeError, "data must be"),
    "None for open": (lambda: sc.open_triangles(None), TypeError, "data must be"),
    "None for statistics": (lambda: sc.summary_statistics(None), TypeError, "data must be"),
    "None for configuration": (lambda: sc.random_configuration(None), TypeError, "data must be"),
    "bad seed": (lambda: sc.random_configuration(DATA, -1), ValueError, "seed must be"),
    "negative count": (lambda: sc.fraction_open(-1, 2), ValueError, "n_open must be"),
    "NaN count": (lambda: sc.fraction_open(1, math.nan), ValueError, "n_closed must be"),
    "density above 1": (lambda: sc.average_degree(2.0, 5), ValueError, "density must be"),
    "two networks": (lambda: sc.openness_fit([1, 2], [0, 1]), ValueError, "one length >= 3"),
    "degree 0": (
        lambda: sc.openness_fit([0, 1, 2], [0, 1, 1]),
        ValueError,
        "average_degrees must be",
    ),
    "fraction NaN": (
        lambda: sc.openness_fit([3, 1, 2], [0, 1, np.nan]),
        ValueError,
        "fractions_open",
    ),
    "old is a list": (lambda: sc.closure_counts_3([], DATA), TypeError, "old must be"),
    "new is a list": (lambda: sc.closure_counts_3(DATA, []), TypeError, "new must be"),
    "old is None": (lambda: sc.closure_counts_4(None, DATA), TypeError, "old must be"),
    "new is None": (lambda: sc.closure_counts_4(DATA, None), TypeError, "new must be"),
    "kind": (lambda: sc.closure_tests({}, "colour"), ValueError, "kind must be one of"),
    "alpha": (lambda: sc.closure_tests({}, "density", 0), ValueError, "alpha must be"),
    "not a mapping": (lambda: sc.closure_tests([GOOD], "density"), TypeError, "counts_by_dataset"),
    "missing key": (lambda: sc.closure_tests({"a": {}}, "density"), ValueError, "lacks"),
    "more closed than open": (lambda: sc.compare_proportions(3, 2, 1, 9), ValueError, "x1 must be"),
    "fractional count": (lambda: sc.compare_proportions(1.5, 2, 1, 9), TypeError, "x1 must be"),
    "which": (lambda: sc.lifecycle_transitions(DATA, "some"), ValueError, "which must be"),
    "transitions of None": (lambda: sc.lifecycle_transitions(None), TypeError, "data must be"),
    "two nodes": (lambda: sc.lifecycle(DATA, (1, 2)), ValueError, "triple must hold three"),
    "same node": (lambda: sc.lifecycle(DATA, (1, 2, 2)), ValueError, "three distinct"),
    "unknown node": (lambda: sc.lifecycle(DATA, (1, 2, 99)), ValueError, "three distinct"),
    "n too small": (lambda: sc.simulate_random_simplices(2, 1.0), ValueError, "n must be"),
    "b negative": (lambda: sc.simulate_random_simplices(9, -1.0), ValueError, "b must be"),
    "n float": (lambda: sc.expected_open_closed(9.5, 0.1), TypeError, "n must be"),
    "p above 1": (lambda: sc.expected_open_closed(9, 1.1), ValueError, "p must be"),
    "p NaN": (lambda: sc.expected_density(9, math.nan), ValueError, "p must be"),
    "score name": (
        lambda: sc.score_triangles(TRIANGLE, DATA, "best"),
        ValueError,
        "name must be one of",
    ),
    "score keyword": (lambda: sc.score_triangles(TRIANGLE, DATA, "common", p=2), TypeError, "p"),
    "weighted": (
        lambda: sc.score_triangles(TRIANGLE, DATA, "katz", weighted=2),
        TypeError,
        "weighted",
    ),
    "alpha 1": (
        lambda: sc.score_triangles(TRIANGLE, DATA, "ppr", alpha=1),
        ValueError,
        "alpha must",
    ),
    "part": (
        lambda: sc.score_triangles(TRIANGLE, DATA, "simplicial_ppr", part="x"),
        ValueError,
        "part",
    ),
    "old is a set": (lambda: sc.score_triangles(TRIANGLE, {1}, "common"), TypeError, "old must be"),
    "pairs": (
        lambda: sc.score_triangles([[1, 2]], DATA, "common"),
        ValueError,
        "triangles must have",
    ),
    "float rows": (
        lambda: sc.score_triangles([[1.0, 2, 3]], DATA, "common"),
        TypeError,
        "triangles must",
    ),
    "id out of range": (
        lambda: sc.score_triangles([[1, 2, 77]], DATA, "common"),
        ValueError,
        "ids from",
    ),
    "no triangle": (
        lambda: sc.score_triangles([[1, 2, 9]], DATA, "common"),
        ValueError,
        r"\[1, 2, 9\]",
    ),
    "mean of zero": (lambda: sc.generalized_mean([[0, 1, 2]], 1), ValueError, "x must be positive"),
    "p is NaN": (lambda: sc.generalized_mean([[1, 1, 2]], math.nan), ValueError, "p must be"),
    "labels of None": (lambda: sc.labeled_open_triangles(None), TypeError, "data must be"),
    "no positive": (lambda: sc.relative_auprc([0, 0], [1, 2]), ValueError, "at least one positive"),
    "label 2": (lambda: sc.relative_auprc([0, 2], [1, 2]), ValueError, "only 0 and 1"),
    "lengths": (lambda: sc.relative_auprc([0, 1], [1]), ValueError, "one length"),
    "NaN score": (
        lambda: sc.relative_auprc([0, 1], [1, math.nan]),
        ValueError,
        "score must be finite",
    ),
    "one repeat": (lambda: sc.bootstrap_relative_auprc([0, 1], [1, 2], 1), ValueError, "n_repeats"),
    "fit on None": (lambda: sc.HigherOrderLinkPredictor().fit(None), TypeError, "data must be"),
    "nothing to learn": (lambda: sc.HigherOrderLinkPredictor().fit(DATA), ValueError, "fit needs"),
    "not fitted": (
        lambda: sc.HigherOrderLinkPredictor().predict_scores(DATA),
        NotFittedError,
        "fitted",
    ),
    "egonets of None": (lambda: sc.egonet_features(None), TypeError, "data must be"),
    "too many egos": (lambda: sc.egonet_features(DATA, 99, progress=False), ValueError, "n_egos"),
    "two features": (lambda: sc.classify_egonets([[1, 2]], ["a"]), ValueError, "x must have 3"),
    "NaN feature": (
        lambda: sc.classify_egonets([[1, 2, np.nan]], ["a"]),
        ValueError,
        "x must be finite",
    ),
    "one domain": (
        lambda: sc.classify_egonets(np.ones((4, 3)), ["a"] * 4),
        ValueError,
        "two domains",
    ),
    "labels short": (
        lambda: sc.classify_egonets(np.ones((4, 3)), ["a"]),
        ValueError,
        "y must have one",
    ),
    "unknown feature": (
        lambda: sc.classify_egonets(np.ones((4, 3)), list("aabb"), ["size"]),
        ValueError,
        "features must be among",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case):
    call, error, message = BAD[case]
    with pytest.raises(error, match=message):
        call()


def test_bad_four_node_network_is_too_large(monkeypatch):
    monkeypatch.setattr("mixbook.networks.simplicial_closure.closure.MAX_NODES_4", 5)
    with pytest.raises(ValueError, match="old must have at most 5 nodes, got 9"):
        sc.closure_counts_4(DATA, DATA)
