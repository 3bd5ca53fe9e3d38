"""Streets, facilities and influence against toys, brute force, networkx and published counts."""

import itertools

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixbook.data import load_street_network
from mixbook.networks import regenn as rg

STEP = 0.001  # degrees, about 111 m


@pytest.fixture(scope="module")
def town():
    return load_street_network()


@pytest.fixture(scope="module")
def roads(town):
    return rg.street_graph(town.edges)


def segments(*pairs, road_class="residential"):
    return [(u, v, 100.0, road_class) for u, v in pairs]


def places(**where):
    """Latitude and longitude from steps north and east."""
    return {v: (STEP * north, STEP * east) for v, (north, east) in where.items()}


# --- geometry -------------------------------------------------------------------------------------


def test_haversine_is_the_angle_between_unit_vectors():
    rng = np.random.default_rng(0)
    p, q = (np.c_[rng.uniform(-89, 89, 20), rng.uniform(-180, 180, 20)] for _ in "pq")

    def globe(x):
        lat, lon = np.radians(x).T
        return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)

    angle = 2 * np.arcsin(np.linalg.norm(globe(p) - globe(q), axis=1) / 2)
    np.testing.assert_allclose(rg.haversine(p, q), rg.EARTH_RADIUS * angle, rtol=1e-9)
    assert rg.haversine((0, 0), (0, 90)) == pytest.approx(np.pi / 2 * 6_371_009)
    assert rg.haversine(p[0], p[0]) == 0


def test_angles_of_a_crossing():
    o, east, north, west = (0, 0), (0, STEP), (STEP, 0), (0, -STEP)
    assert rg.continuity_angle(east, o, west) == pytest.approx(180, abs=1.2)  # rounded lengths
    assert rg.continuity_angle(east, o, north) == pytest.approx(90, abs=0.1)
    assert rg.continuity_angle(east, o, (STEP, STEP)) == pytest.approx(45, abs=0.1)
    assert rg.continuity_angle(o, o, east) == 0
    assert rg.continuity_angle(east, o, o) == 0
    assert rg.continuity_angle(east, o, north) == rg.continuity_angle(north, o, east)


def test_angle_uses_lengths_rounded_to_a_centimetre():
    a, b, c = (0.0, 0.0), (0.0, 0.00003), (0.00001, 0.00007)
    ab, bc, ac = (round(rg.haversine(p, q), 2) for p, q in ((a, b), (b, c), (a, c)))
    wanted = np.degrees(np.arccos((ab**2 + bc**2 - ac**2) / (2 * ab * bc)))
    assert rg.continuity_angle(a, b, c) == pytest.approx(wanted, rel=1e-12)
    exact = [rg.haversine(p, q) for p, q in ((a, b), (b, c), (a, c))]
    free = np.degrees(
        np.arccos((exact[0] ** 2 + exact[1] ** 2 - exact[2] ** 2) / (2 * exact[0] * exact[1]))
    )
    assert abs(wanted - free) > 1e-3


def test_bad_points():
    with pytest.raises(ValueError, match="p must hold finite latitudes"):
        rg.haversine((91, 0), (0, 0))
    with pytest.raises(ValueError, match="q must hold finite latitudes"):
        rg.haversine((0, 0), (0, np.nan))
    with pytest.raises(ValueError, match="b must end in an axis of 2"):
        rg.continuity_angle((0, 0), (0, 0, 0), (0, 0))
    with pytest.raises(TypeError, match="p must hold real numbers"):
        rg.haversine("here", (0, 0))


# --- dual graph -----------------------------------------------------------------------------------

COUNTS = {
    False: {100: (139, 474), 120: (144, 489), 150: (163, 530), 170: (244, 696)},
    True: {100: (148, 492), 120: (153, 507), 150: (172, 548), 170: (249, 706)},
}


@pytest.mark.parametrize("by_class", [False, True])
@pytest.mark.parametrize("min_angle", [100, 120, 150, 170])
def test_counts_of_the_authors_program(town, by_class, min_angle):
    dual = rg.dual_graph(town.nodes, town.edges, min_angle, by_class)
    assert (len(dual.streets), dual.graph.number_of_edges()) == COUNTS[by_class][min_angle]


@pytest.mark.parametrize("by_class", [False, True])
def test_streets_share_out_the_segments(town, by_class):
    dual = rg.dual_graph(town.nodes, town.edges, by_class=by_class)
    used = [s for street in dual.streets for s in street.segments]
    assert sorted(used) == list(range(863))
    assert len(dual.street_of_segment) == 863
    total = sum(street.length for street in dual.streets)
    assert total == pytest.approx(town.edges.length.sum())
    for k, street in enumerate(dual.streets):
        walked = [{u, v} for u, v in itertools.pairwise(street.nodes)]
        ends = town.edges.loc[list(street.segments), ["source", "target"]].to_numpy()
        assert walked == [set(e) for e in ends.tolist()]
        assert (dual.street_of_segment[list(street.segments)] == k).all()
        classes = set(town.edges.road_class[list(street.segments)])
        assert street.road_class is None if not by_class else classes == {street.road_class}
        for a, b, c in zip(street.nodes, street.nodes[1:], street.nodes[2:]):
            assert rg.continuity_angle(*town.nodes[[a, b, c]]) >= 120


def test_links_are_shared_intersections(town):
    dual = rg.dual_graph(town.nodes, town.edges)
    sets = [set(street.nodes) for street in dual.streets]
    wanted = {(i, j) for i, j in itertools.combinations(range(len(sets)), 2) if sets[i] & sets[j]}
    assert {tuple(sorted(e)) for e in dual.graph.edges} == wanted
    assert set(dual.graph) == set(range(len(sets)))


@pytest.mark.parametrize("seed", range(4))
def test_a_straight_line_is_one_street(seed):
    pos = {k: (0, STEP * k) for k in range(6)}
    order = np.random.default_rng(seed).permutation(5)
    dual = rg.dual_graph(pos, segments(*[(int(k), int(k) + 1) for k in order]))
    assert [sorted(street.nodes) for street in dual.streets] == [list(range(6))]
    assert dual.streets[0].length == 500
    assert dual.graph.number_of_edges() == 0


def test_a_crossing_and_a_junction():
    pos = places(o=(0, 0), n=(1, 0), e=(0, 1), s=(-1, 0), w=(0, -1))
    cross = rg.dual_graph(pos, segments(("o", "n"), ("o", "e"), ("o", "s"), ("o", "w")))
    assert sorted("".join(sorted(street.nodes)) for street in cross.streets) == ["eow", "nos"]
    assert list(cross.graph.edges) == [(0, 1)]
    tee = rg.dual_graph(pos, segments(("o", "n"), ("o", "e"), ("o", "w")))
    assert sorted(len(street.segments) for street in tee.streets) == [1, 2]
    assert tee.graph.number_of_edges() == 1


def test_classes_part_a_straight_road():
    pos = {k: (0, STEP * k) for k in range(4)}
    table = [(0, 1, 1.0, "a"), (1, 2, 1.0, "b"), (2, 3, 1.0, "b")]
    assert len(rg.dual_graph(pos, table).streets) == 2
    assert len(rg.dual_graph(pos, table, by_class=False).streets) == 1
    assert len(rg.dual_graph(pos, [row[:3] for row in table], by_class=False).streets) == 1


def test_the_straightest_branch_wins_and_the_limit_counts():
    pos = places(a=(0, -1), o=(0, 0), up=(0.5, 1), flat=(-0.2, 1))
    table = segments(("a", "o"), ("o", "up"), ("o", "flat"))
    assert rg.dual_graph(pos, table).streets[0].nodes == ("a", "o", "flat")
    angle = rg.continuity_angle(pos["a"], pos["o"], pos["flat"])
    assert rg.dual_graph(pos, table, angle).streets[0].nodes == ("a", "o", "flat")
    assert rg.dual_graph(pos, table, angle + 0.01).streets[0].nodes == ("a", "o")


def test_no_segment_is_used_twice_by_a_street_that_comes_round():
    """An eight-sided ring with a spoke: both ends of the street meet, and one segment is left."""
    angle = np.linspace(0, 2 * np.pi, 9)[:-1]
    pos = {k: (STEP * np.sin(a), STEP * np.cos(a)) for k, a in enumerate(angle)}
    pos["out"] = (0.0, 2 * STEP)
    ring = segments(*[(k, (k + 1) % 8) for k in range(8)], (0, "out"))
    dual = rg.dual_graph(pos, ring)
    used = [s for street in dual.streets for s in street.segments]
    assert sorted(used) == list(range(9))
    assert dual.streets[0].segments != ()


def test_bad_streets(town):
    pos = {0: (0, 0), 1: (0, STEP)}
    for table, message in (
        ([(0, 1)], "length is missing"),
        ([(0, 1, 5.0)], "road_class is missing"),
        ([(0, 1, -5.0, "a")], "edges.length must be positive"),
        ([(0, 1, np.nan, "a")], "edges.length must be positive"),
        ([(0, 0, 5.0, "a")], "edges must join different nodes, got a loop at 0"),
        ([(0, 7, 5.0, "a")], "nodes must hold every node, but 7 is missing"),
        (town.edges[:0], "edges must hold at least one segment"),
    ):
        with pytest.raises(ValueError, match=message):
            rg.dual_graph(pos, table)
    for angle in (0, 181, np.nan):
        with pytest.raises(ValueError, match="min_angle must be"):
            rg.dual_graph(pos, segments((0, 1)), angle)
    with pytest.raises(ValueError, match="nodes must be a mapping"):
        rg.dual_graph(town.nodes[:5], town.edges)


# --- facilities -----------------------------------------------------------------------------------


def brute_force(G, pos, facilities, direction):
    """Inconsistent nodes by networkx and plain loops."""
    found = {}
    for v in G:
        line = {f: np.hypot(*np.subtract(pos[f], pos[v])) for f in facilities}
        path = {}
        for f in facilities:
            there = nx.dijkstra_path_length(G, v, f, "length") if nx.has_path(G, v, f) else np.inf
            back = nx.dijkstra_path_length(G, f, v, "length") if nx.has_path(G, f, v) else np.inf
            path[f] = {"to": there, "from": back, "both": (there + back) / 2}[direction]
        e = {f for f in facilities if line[f] <= min(line.values()) + 1e-6}
        n = {f for f in facilities if path[f] <= min(path.values()) + 1e-6}
        found[v] = np.isfinite(min(path.values())) and not (e & n)
    return found


@pytest.mark.parametrize("direction", ["to", "from", "both"])
@pytest.mark.parametrize("seed", range(4))
def test_inconsistent_nodes_by_brute_force(direction, seed):
    rng = np.random.default_rng(seed)
    G, pos = rg.perturbed_grid(6, jitter=0.2, closed=0.2, random_state=seed)
    one_way = nx.DiGraph(G)
    one_way.remove_edges_from([e for e in list(one_way.edges) if rng.random() < 0.25])
    facilities = [3, 17, 30]
    for graph in (G, one_way):
        table = rg.inconsistent_nodes(graph, pos, facilities, direction, metric="euclidean")
        assert table.inconsistent.to_dict() == brute_force(graph, pos, facilities, direction)
    assert table.inconsistent.any()


def test_a_full_grid_has_ties_only():
    """Manhattan distance against straight line, by formula."""
    G, pos = rg.perturbed_grid(7)
    facilities = [0, 24, 40]
    table = rg.inconsistent_nodes(G, pos, facilities, metric="euclidean")
    for v, (x, y) in pos.items():
        gaps = np.abs(np.array([pos[f] for f in facilities]) - (x, y))
        line, path = np.hypot(*gaps.T), gaps.sum(axis=1)
        both = np.isclose(line, line.min()) & np.isclose(path, path.min())
        assert table.inconsistent[v] == (not both.any())
        assert table.network_distance[v] == pytest.approx(path.min())
        assert table.straight_distance[v] == pytest.approx(line.min())


def river():
    """Two facilities; node 2 is near a by air and near b by road (the bridge is far away)."""
    pos = {0: (0, 0), 1: (3, 0), 2: (0, 1), 3: (3, 1), 4: (9, 0.5)}
    roads = [(0, 1), (2, 3), (1, 4), (3, 4)]
    G = nx.Graph()
    for u, v in roads:
        G.add_edge(u, v, length=float(np.hypot(*np.subtract(pos[u], pos[v]))))
    return G, pos


def test_a_river():
    G, pos = river()
    table = rg.inconsistent_nodes(G, pos, [0, 3], metric="euclidean")
    assert table.straight[2] == 0
    assert table.network[2] == 3
    assert table.index[table.inconsistent].tolist() == [1, 2]
    assert table.detour[2] == pytest.approx(1)
    assert table.detour[0] == 1
    bridge = 3 + np.hypot(6, 0.5)
    far = rg.inconsistent_nodes(G, pos, [0], metric="euclidean")
    assert far.detour[4] == pytest.approx(bridge / np.hypot(9, 0.5))
    assert not far.inconsistent.any()
    groups = rg.inconsistency_groups(G, table)
    assert groups == [{1}, {2}]
    G.add_edge(1, 2, length=100.0)
    assert rg.inconsistency_groups(G, table) == [{1, 2}]


def test_nodes_that_reach_no_facility_are_named_and_not_counted():
    G, pos = river()
    one_way = nx.DiGraph(G)
    one_way.remove_edge(2, 3)
    table = rg.inconsistent_nodes(one_way, pos, [0, 3], metric="euclidean")
    assert table.reached.to_dict() == {0: True, 1: True, 2: False, 3: True, 4: True}
    assert table.network[2] is None
    assert not table.inconsistent[2]
    assert table.detour[2] == np.inf
    back = rg.inconsistent_nodes(one_way, pos, [0, 3], "from", metric="euclidean")
    assert back.reached.all()


def test_real_town(town, roads):
    table = rg.inconsistent_nodes(roads, town.nodes, [5, 100, 200, 300, 400])
    assert table.loc[100, ["straight", "network"]].tolist() == [100, 100]
    assert table.detour.min() > 0.999
    assert 0 < table.inconsistent.mean() < 0.5
    assert table.reached.all()
    lengths = nx.multi_source_dijkstra_path_length(roads, {5, 100, 200, 300, 400}, weight="length")
    np.testing.assert_allclose(table.network_distance, [lengths[v] for v in table.index])


def test_bad_facilities(town, roads):
    G, pos = river()
    for facilities, message in (
        ([], "facilities must hold at least one node"),
        ([0, 0], "facilities must stand at different nodes"),
        ([0, 99], "facilities must be nodes of G, but 99 is none"),
    ):
        with pytest.raises(ValueError, match=message):
            rg.inconsistent_nodes(G, pos, facilities, metric="euclidean")
        with pytest.raises(ValueError, match=message):
            rg.relocate_facilities(G, pos, facilities, metric="euclidean")
    with pytest.raises(ValueError, match="direction must be one of"):
        rg.inconsistent_nodes(G, pos, [0], "there")
    with pytest.raises(ValueError, match="metric must be one of"):
        rg.inconsistent_nodes(G, pos, [0], metric="manhattan")
    with pytest.raises(ValueError, match="pos must hold every node, but 4 is missing"):
        rg.inconsistent_nodes(G, {v: pos[v] for v in range(4)}, [0])
    with pytest.raises(TypeError, match="G must be a networkx Graph"):
        rg.inconsistent_nodes([1, 2], pos, [0])
    G.add_edge(0, 4)
    with pytest.raises(ValueError, match=r"edges of G must carry a length, but \(0, 4\)"):
        rg.inconsistent_nodes(G, pos, [0], metric="euclidean")
    G.edges[0, 4]["length"] = -1.0
    with pytest.raises(ValueError, match="lengths of edges of G must be positive"):
        rg.inconsistent_nodes(G, pos, [0], metric="euclidean")
    with pytest.raises(ValueError, match="edges must have the column"):
        rg.street_graph(pd.DataFrame({"source": [0], "target": [1]}))


# --- relocation -----------------------------------------------------------------------------------


def state(G, pos, facilities):
    table = rg.inconsistent_nodes(G, pos, facilities, metric="euclidean")
    reached = table.network_distance[table.reached]
    return int(table.inconsistent.sum()), reached.mean(), set(table.index[table.reached])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("keep_access", [True, False])
def test_first_move_by_brute_force(seed, keep_access):
    G, pos = rg.perturbed_grid(6, jitter=0.25, closed=0.2, random_state=seed)
    start = [1, 14, 33]
    done = rg.relocate_facilities(
        G, pos, start, metric="euclidean", keep_access=keep_access, max_moves=1
    )
    count, mean, _ = state(G, pos, start)
    assert done.inconsistent[0] == count
    assert done.access[0] == pytest.approx(mean)
    options = []
    for slot, v in itertools.product(range(3), G):
        if v not in start:
            c, m, _ = state(G, pos, [v if s == slot else f for s, f in enumerate(start)])
            if not keep_access or m <= mean + 1e-9:
                options.append((c, m))
    best = min(options)
    assert best[0] < count
    assert done.inconsistent[1] == best[0]
    assert done.access[1] == pytest.approx(best[1])
    assert state(G, pos, done.facilities)[0] == best[0]


def test_moves_lead_from_start_to_end(town, roads):
    start = [5, 100, 200, 300, 400]
    done = rg.relocate_facilities(roads, town.nodes, start)
    now = list(start)
    for old, new in done.moves:
        now[now.index(old)] = new
    assert tuple(now) == done.facilities
    assert len(done.inconsistent) == len(done.access) == len(done.moves) + 1
    assert list(done.inconsistent) == sorted(done.inconsistent, reverse=True)
    assert done.inconsistent[-1] < done.inconsistent[0]
    assert max(done.access) <= done.access[0] * (1 + 1e-9)
    table = rg.inconsistent_nodes(roads, town.nodes, done.facilities)
    assert table.inconsistent.sum() == done.inconsistent[-1]
    assert table.network_distance.mean() == pytest.approx(done.access[-1])


def test_distances_may_be_given(town, roads):
    start, nodes = [5, 100, 200], list(roads)
    xy = town.nodes[nodes]
    known = rg.network_distances(roads, nodes), rg.straight_distances(xy, xy)
    for candidates in (None, range(50, 90)):
        plain = rg.relocate_facilities(roads, town.nodes, start, candidates)
        assert (
            rg.relocate_facilities(roads, town.nodes, start, candidates, distances=known) == plain
        )
    with pytest.raises(ValueError, match=r"distances must hold two arrays \(532, 532\)"):
        rg.relocate_facilities(roads, town.nodes, start, distances=(known[0], known[1][:9]))


def test_without_the_condition_facilities_may_flee():
    """An island that no road leaves or enters: a facility there is nobody's nearest by road."""
    G, pos = river()
    G.add_edge(10, 11, length=1.0)
    pos |= {10: (90, 90), 11: (91, 90)}
    free = rg.relocate_facilities(G, pos, [0, 3], [10, 11], metric="euclidean", keep_access=False)
    kept = rg.relocate_facilities(G, pos, [0, 3], [10, 11], metric="euclidean")
    assert free.inconsistent == (2, 0)
    assert kept.inconsistent == (2,)
    assert kept.facilities == (0, 3)


def test_access_may_not_be_lost():
    """One way out: moving the only facility across it would cut two nodes off."""
    pos = {k: (float(k), 0.0) for k in range(4)}
    G = nx.DiGraph([(0, 1), (1, 0), (1, 2), (2, 3), (3, 2)])
    nx.set_edge_attributes(G, 1.0, "length")
    pos[0], pos[3] = (2.9, 0.4), (0.1, 0.4)
    start = [1, 2]
    done = rg.relocate_facilities(G, pos, start, metric="euclidean")
    before = rg.inconsistent_nodes(G, pos, start, metric="euclidean")
    after = rg.inconsistent_nodes(G, pos, done.facilities, metric="euclidean")
    assert (after.reached | ~before.reached).all()
    assert after.network_distance.mean() <= before.network_distance.mean()


def test_limits_of_the_search():
    G, pos = rg.perturbed_grid(6, jitter=0.25, closed=0.2, random_state=0)
    start = [1, 14, 33]
    settings = {"metric": "euclidean"}
    assert rg.relocate_facilities(G, pos, start, max_moves=0, **settings).moves == ()
    assert rg.relocate_facilities(G, pos, start, min_gain=99, **settings).moves == ()
    few = rg.relocate_facilities(G, pos, start, [2, 3, 4], **settings)
    assert set(few.facilities) <= {1, 14, 33, 2, 3, 4}
    one = rg.relocate_facilities(G, pos, [7], **settings)
    assert one.inconsistent == (0,)


def test_bad_relocation():
    G, pos = river()
    with pytest.raises(ValueError, match="candidates must be nodes of G, but 77 is none"):
        rg.relocate_facilities(G, pos, [0], [77], metric="euclidean")
    with pytest.raises(ValueError, match="max_moves must be"):
        rg.relocate_facilities(G, pos, [0], max_moves=-1, metric="euclidean")
    with pytest.raises(ValueError, match="min_gain must be"):
        rg.relocate_facilities(G, pos, [0], min_gain=0, metric="euclidean")


# --- influence ------------------------------------------------------------------------------------


def test_influence_on_a_path():
    pos = {k: (float(k), 0.0) for k in range(5)}
    G = nx.path_graph(5)
    nx.set_edge_attributes(G, 1.0, "length")
    table = rg.influence_table(G, pos, metric="euclidean")
    assert (table.straightness == 1).all()
    assert table.betweenness.tolist() == pytest.approx([0, 0.5, 2 / 3, 0.5, 0])
    assert table.degree.tolist() == [1, 2, 2, 2, 1]
    assert table.closeness[0] == pytest.approx(4 / 10)


def test_straightness_by_loops():
    G, pos = rg.perturbed_grid(4, jitter=0.3, closed=0.2, random_state=1)
    table = rg.influence_table(G, pos, metric="euclidean")
    for v in G:
        path = nx.single_source_dijkstra_path_length(G, v, weight="length")
        ratios = [np.hypot(*np.subtract(pos[u], pos[v])) / path[u] for u in G if u != v]
        assert table.straightness[v] == pytest.approx(np.mean(ratios))
    assert table.pagerank.sum() == pytest.approx(1)


def test_overlap_by_hand():
    table = pd.DataFrame({"a": [4, 3, 2, 1], "b": [4, 1, 3, 2], "c": [1, 2, 3, 4]})
    overlap = rg.top_k_overlap(table, 2)
    assert np.diag(overlap).tolist() == [1, 1, 1]
    assert overlap.loc["a", "b"] == pytest.approx(1 / 3)
    assert overlap.loc["a", "c"] == 0
    assert (rg.top_k_overlap(table, 4) == 1).all().all()


def test_efficiency_is_that_of_networkx():
    G = nx.gnp_random_graph(12, 0.2, seed=1)
    nx.set_edge_attributes(G, 1.0, "length")
    assert rg.efficiency(G) == pytest.approx(nx.global_efficiency(G))
    nx.set_edge_attributes(G, 4.0, "length")
    assert rg.efficiency(G) == pytest.approx(nx.global_efficiency(G) / 4)
    assert rg.efficiency(nx.empty_graph(1)) == 0


def test_loss_counts_the_pairs_that_stay():
    path = nx.path_graph(4)
    nx.set_edge_attributes(path, 1.0, "length")
    assert rg.efficiency_loss(path, [3]) == pytest.approx(0)
    # Without 1 the pairs (0, 2) at 2 and (0, 3) at 3 are lost; (2, 3) at 1 stays.
    assert rg.efficiency_loss(path, [1]) == pytest.approx((1 / 2 + 1 / 3) / (1 / 2 + 1 / 3 + 1))


def test_bad_influence():
    G, pos = river()
    with pytest.raises(ValueError, match="G must have at least two nodes"):
        rg.influence_table(nx.empty_graph(1), {0: (0, 0)})
    table = rg.influence_table(G, pos, metric="euclidean")
    for k in (0, 6):
        with pytest.raises(ValueError, match="k must be an integer"):
            rg.top_k_overlap(table, k)
    with pytest.raises(ValueError, match="removed must hold at least one node"):
        rg.efficiency_loss(G, [])
    with pytest.raises(ValueError, match="removed must be nodes of G"):
        rg.efficiency_loss(G, [50])
    with pytest.raises(ValueError, match="removed must leave at least two nodes, it leaves 1"):
        rg.efficiency_loss(G, [0, 1, 2, 3])


# --- towns on a grid ------------------------------------------------------------------------------


@given(st.integers(2, 7), st.floats(0, 0.9), st.integers(0, 99))
@settings(max_examples=25)
def test_grids(side, closed, seed):
    G, pos = rg.perturbed_grid(side, spacing=50, jitter=0.1, closed=closed, random_state=seed)
    assert nx.is_connected(G)
    full, tree = 2 * side * (side - 1), side**2 - 1
    assert G.number_of_edges() == max(full - round(closed * full), tree)
    for u, v, length in G.edges(data="length"):
        assert length == pytest.approx(np.hypot(*np.subtract(pos[u], pos[v])))
        assert abs(u - v) in (1, side)


def test_plain_grid():
    G, pos = rg.perturbed_grid(3, spacing=10)
    assert pos[0] == (0, 0)
    assert pos[1] == (10, 0)
    assert pos[3] == (0, 10)
    assert set(nx.get_edge_attributes(G, "length").values()) == {10}
    assert nx.is_isomorphic(G, nx.grid_2d_graph(3, 3))


def test_bad_grids():
    for arguments, message in (
        ({"side": 1}, "side must be"),
        ({"closed": 1.0}, "closed must be"),
        ({"jitter": -0.1}, "jitter must be"),
        ({"spacing": 0}, "spacing must be"),
    ):
        with pytest.raises(ValueError, match=message):
            rg.perturbed_grid(**arguments)
