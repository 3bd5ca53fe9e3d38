"""Commuter networks against worked examples, brute force, closed forms and other libraries."""

import itertools

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.base import clone
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LinearRegression

from mixbook.networks import commuters as cm

TOWNS = np.array([0.0, 10.0, 30.0])
LINE = np.abs(TOWNS[:, None] - TOWNS)
WEALTH = {"literacy": 1, "income share": 1, "sanitation": 1, "poverty": -1, "child mortality": -1}
FAST = {"rf": {"n_estimators": 5}, "extra": {"n_estimators": 5}, "hgb": {"max_iter": 5}}


@pytest.fixture(scope="module")
def country():
    return cm.synthetic_cities(60, 3)


@pytest.fixture(scope="module")
def ny():
    return cm.ny_counties()


def make(n=12, seed=0, law=None, **changes):
    """A small country; ``law(population, distance)`` gives its flows."""
    rng = np.random.default_rng(seed)
    place = rng.uniform(0, 100, (n, 2))
    distance = np.linalg.norm(place[:, None] - place, axis=2)
    population = np.round(10 ** rng.normal(4, 0.5, n))
    flows = rng.poisson(3, (n, n)) if law is None else law(population, distance)
    arguments = {
        "regions": [f"r{i}" for i in range(n)],
        "indicators": np.column_stack([population, rng.normal(size=n)]),
        "indicator_names": ["population", "mood"],
        "centroids": place,
        "population": population,
        "flows": flows,
        "distance": distance,
    }
    return cm.CommuterData(**(arguments | changes))


# --- geography ------------------------------------------------------------------------------------


def test_quarter_meridian():
    d = cm.haversine_matrix([[10, 0], [10, 90], [100, 0], [-170, 0]])
    np.testing.assert_allclose(d[0], [0, 10_007.557, 10_007.557, 20_015.114], atol=1e-3)


def test_haversine_is_the_angle_between_unit_vectors():
    rng = np.random.default_rng(0)
    lonlat = np.column_stack([rng.uniform(-180, 180, 20), rng.uniform(-89, 89, 20)])
    lon, lat = np.radians(lonlat).T
    xyz = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
    chord = np.linalg.norm(xyz[:, None] - xyz, axis=2)
    angle = 2 * cm.EARTH_RADIUS * np.arcsin(np.clip(chord / 2, 0, 1))
    np.testing.assert_allclose(cm.haversine_matrix(lonlat), angle, rtol=1e-9, atol=1e-6)


def box(west, south, east, north):
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def cap(west, south, east, north):
    """Exact area of a box of longitudes and latitudes on the sphere."""
    span = np.radians(east - west) * (np.sin(np.radians(north)) - np.sin(np.radians(south)))
    return cm.EARTH_RADIUS**2 * span


def test_area_of_a_box_on_the_sphere():
    lon, lat, area = cm.polygon_centroid_area(
        {"type": "Polygon", "coordinates": [box(10, 40, 12, 42)]}
    )
    assert area == pytest.approx(cap(10, 40, 12, 42), rel=1e-12)
    assert lon == pytest.approx(11)
    middle = (np.sin(np.radians(40)) + np.sin(np.radians(42))) / 2  # halves the area
    assert lat == pytest.approx(np.degrees(np.arcsin(middle)))


@pytest.mark.parametrize("turn", [1, -1])
def test_holes_and_islands(turn):
    hole, island = box(10.5, 40.5, 11, 41)[::turn], box(20, 40, 20.5, 40.5)[::-turn]
    shape = {"type": "MultiPolygon", "coordinates": [[island], [box(10, 40, 12, 42), hole]]}
    lon, _, area = cm.polygon_centroid_area(shape)
    expected = cap(10, 40, 12, 42) - cap(10.5, 40.5, 11, 41) + cap(20, 40, 20.5, 40.5)
    assert area == pytest.approx(expected, rel=1e-12)
    assert lon == pytest.approx(11), "the centroid is that of the largest ring"


def test_centroid_of_a_small_triangle_is_the_mean_of_its_corners():
    corners = [[-74.0, 41.0], [-73.99, 41.0], [-74.0, 41.02], [-74.0, 41.0]]
    lon, lat, _ = cm.polygon_centroid_area({"type": "Polygon", "coordinates": [corners]})
    np.testing.assert_allclose([lon, lat], np.mean(corners[:3], axis=0), atol=1e-6)


def test_area_of_new_york(ny):
    area = ny.indicators[:, ny.indicator_names.index("area")]
    assert area.sum() == pytest.approx(141_297, rel=0.005), "with water, as the state states it"


def test_people_in_between_three_towns():
    s = cm.intervening_population([10, 20, 70], LINE)
    np.testing.assert_array_equal(s, [[0, 0, 20], [0, 0, 10], [20, 0, 0]])


distances = hnp.arrays(np.float64, (6, 6), elements=st.integers(0, 4).map(float))


@given(d=distances, m=hnp.arrays(np.float64, 6, elements=st.integers(0, 9).map(float)))
def test_people_in_between_by_brute_force(d, m):
    np.fill_diagonal(d, 0)
    s = cm.intervening_population(m, d)
    for i, j in itertools.product(range(6), repeat=2):
        others = (m[k] for k in range(6) if k not in (i, j) and d[i, k] <= d[i, j])
        assert s[i, j] == (sum(others) if i != j else 0)


def test_people_in_between_do_not_depend_on_the_block(monkeypatch, country):
    whole = cm.intervening_population(country.population, country.distance)
    monkeypatch.setattr("mixbook.networks.commuters.geography.BLOCK", 130)
    np.testing.assert_array_equal(
        cm.intervening_population(country.population, country.distance), whole
    )


@given(d=distances)
def test_travel_rank_counts_who_is_nearer(d):
    rank = cm.travel_rank(d)
    for i, j in itertools.product(range(6), repeat=2):
        nearer = sum(d[i, k] < d[i, j] for k in range(6) if k != i)
        assert rank[i, j] == (0 if i == j else 1 + nearer)


# --- data and features ----------------------------------------------------------------------------


def test_new_york_numbers(ny):
    assert repr(ny) == "CommuterData(62 regions, 12 indicators, 1892 links)"
    i = ny.regions.index("New York")
    assert ny.indicators[i, ny.indicator_names.index("density")] == ny.indicators[:, 2].max()
    assert ny.outflow[i] == ny.flows[i].sum() - ny.flows[i, i]
    np.testing.assert_allclose(ny.centroids[i], [-73.97, 40.78], atol=0.02)
    share = ny.indicators[:, 9:]
    assert ((share > 0) & (share < 1)).all()
    assert (share[:, 0] >= share[:, 2]).all(), "Hispanic people are part of the minority"


def test_heavy_tails():
    x = np.random.default_rng(0).normal(size=(500, 3))
    data = make(500, indicators=np.column_stack([np.exp(x[:, 0]), x[:, 1], 9 + x[:, 2]]),
                indicator_names=["lognormal", "normal", "far from 0"])  # fmt: skip
    assert data.heavy_tailed.tolist()[:2] == [True, False]


def test_the_synthetic_law():
    data = cm.synthetic_cities(120, 5, log10_constant=8.0)  # rounding and cutting do not matter
    assert data.indicators.shape == (120, 22)
    I, J = cm.all_pairs(120)
    assert data.flows[I, J].min() > 100
    near = data.distance[I, J] <= 120
    m, d = np.log10(data.population), data.distance[I, J]
    unemployment = data.indicators[:, data.indicator_names.index("unemployment")][I]
    rates = data.indicators[:, [data.indicator_names.index(k) for k in WEALTH]]
    w = (np.log(rates / (1 - rates)) * list(WEALTH.values())).mean(axis=1)  # plus small noise
    far = ~near * (np.log10(d) - 2.08)
    x = np.column_stack([m[I], m[J], np.log10(d + 5), w[J] - w[I], unemployment, far])
    fitted = LinearRegression().fit(x, np.log10(data.flows[I, J]))
    np.testing.assert_allclose(fitted.coef_[:3], [0.9, 0.8, -2.2], atol=0.03)
    np.testing.assert_allclose(fitted.coef_[3:], [0.25, 1.0, -0.8], atol=0.06)
    assert fitted.intercept_ == pytest.approx(8.0, abs=0.1)
    assert np.std(np.log10(data.flows[I, J]) - fitted.predict(x)) == pytest.approx(0.25, abs=0.01)


def test_synthetic_flows_are_counts_and_about_8_percent_are_links():
    data = cm.synthetic_cities(150, 0)
    assert (data.flows == np.round(data.flows)).all()
    assert np.diag(data.flows).sum() == 0
    assert 0.05 < data.links.sum() / (150 * 149) < 0.12
    np.testing.assert_array_equal(data.flows, cm.synthetic_cities(150, 0).flows)
    assert (data.flows != cm.synthetic_cities(150, 1).flows).any()


def test_pair_features_row_by_row(country):
    X, (I, J), names = cm.pair_features(country, extras=True)
    assert X.dtype == np.float32
    assert X.shape == (60 * 59, 3 * 22 + 2)
    u = country.indicators.copy()
    u[:, country.heavy_tailed] = np.log10(u[:, country.heavy_tailed])
    rank = cm.travel_rank(country.distance)
    for r in (0, 17, 3_000, 3_539):
        i, j = I[r], J[r]
        row = [*u[i], *u[j], np.log10(country.distance[i, j]), *(u[j] - u[i]), np.log10(rank[i, j])]
        np.testing.assert_allclose(X[r], row, rtol=1e-4, atol=1e-5)
    assert names[0] == "origin: population"
    assert names[22] == "destination: population"
    assert names[44] == "distance"
    assert names[45] == "difference: population"
    assert names[-1] == "travel rank"
    assert len(names) == X.shape[1]


def test_raw_features_of_three_towns():
    X, (I, J), names = cm.pair_features(cm.three_towns(), log=False)
    assert names == ("origin: population", "destination: population", "distance")
    assert list(zip(I, J)) == [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]
    assert X.tolist()[:3] == [[10, 20, 10], [10, 70, 30], [20, 10, 10]]
    G, _, _ = cm.gravity_features(cm.three_towns())
    np.testing.assert_allclose(10**G, X, rtol=1e-12)


def test_feature_groups():
    names = ("origin: a", "origin: b", "destination: a", "destination: b", "distance",
             "difference: a", "difference: b", "travel rank")  # fmt: skip
    assert cm.feature_groups(names) == {
        "a": [0, 2, 5], "b": [1, 3, 6], "distance": [4], "travel rank": [7],
    }  # fmt: skip
    assert cm.feature_groups(names, "end") == {
        "origin": [0, 1], "destination": [2, 3], "distance": [4], "difference": [5, 6],
        "travel rank": [7],
    }  # fmt: skip
    assert cm.feature_groups(names, "column") == {name: [k] for k, name in enumerate(names)}


def test_link_dataset_is_balanced_and_right(country):
    links = cm.link_dataset(country, random_state=0)
    I, J = links.pairs
    assert links.y.mean() == 0.5
    assert links.y.sum() == country.links.sum(), "all links are kept"
    np.testing.assert_array_equal(links.y, country.flows[I, J] > 0)
    assert len(set(zip(I, J))) == len(I)
    np.testing.assert_array_equal(links.X, cm.pair_features(country, pairs=(I, J))[0])
    other = cm.link_dataset(country, random_state=1)
    assert (other.pairs[0] != I).any()
    np.testing.assert_array_equal(cm.link_dataset(country, random_state=0).X, links.X)


def test_where_non_links_are_rarer_links_are_dropped(ny):
    links = cm.link_dataset(ny, random_state=0)
    assert len(links.y) == 2 * 1_890
    assert links.y.sum() == 1_890
    whole = cm.link_dataset(ny, balance=False)
    assert len(whole.y) == 3_782
    assert whole.y.sum() == 1_892


def test_flow_dataset_holds_links_only(ny):
    flows = cm.flow_dataset(ny)
    assert len(flows.y) == 1_892
    np.testing.assert_allclose(10**flows.y, ny.flows[flows.pairs])
    assert 10 ** flows.y.max() == pytest.approx(429_343)


# --- folds ----------------------------------------------------------------------------------------


def nodes(I, J, part):
    return set(I[part]) | set(J[part])


@given(n=st.integers(10, 16), k=st.integers(2, 4), seed=st.integers(0, 99))
def test_folds_keep_their_promise(n, k, seed):
    I, J = cm.all_pairs(n)
    for scheme in ("random", "by_origin", "by_node"):
        folds = cm.pair_folds(I, J, scheme, k, seed)
        assert len(folds) == k
        tested = np.concatenate([test for _, test in folds])
        assert len(set(tested)) == len(tested), "no pair is tested twice"
        for train, test in folds:
            assert not set(train) & set(test)
            if scheme == "by_origin":
                assert not set(I[train]) & set(I[test])
            if scheme == "by_node":
                assert not nodes(I, J, train) & nodes(I, J, test)
            else:
                assert len(train) + len(test) == len(I)
        if scheme != "by_node":
            assert len(tested) == len(I)
        else:
            sizes = [len(nodes(I, J, test)) for _, test in folds]
            assert sum(sizes) == n, "each node is in one fold"
            assert sum(s * (s - 1) for s in sizes) == len(tested)
            assert all(len(tr) == (n - s) * (n - s - 1) for (tr, _), s in zip(folds, sizes))


def test_random_folds_are_even_and_follow_the_seed():
    I, J = cm.all_pairs(11)
    folds = cm.pair_folds(I, J, "random", 4, 0)
    assert sorted(len(test) for _, test in folds) == [27, 27, 28, 28]
    again, other = cm.pair_folds(I, J, "random", 4, 0), cm.pair_folds(I, J, "random", 4, 1)
    np.testing.assert_array_equal(folds[0][1], again[0][1])
    assert not np.array_equal(folds[0][1], other[0][1])


# --- physics --------------------------------------------------------------------------------------


def test_radiation_of_three_towns():
    flows = cm.radiation_model([10, 20, 70], LINE, [5, 4, 6])
    expected = [[0, 10 / 3, 7 / 6], [4 / 3, 0, 28 / 15], [7 / 15, 4 / 3, 0]]
    np.testing.assert_allclose(flows, expected, rtol=1e-12)


@given(n=st.integers(2, 12), seed=st.integers(0, 1_000))
def test_radiation_in_a_finite_country_hands_out_all_commuters(n, seed):
    """The sum telescopes: sum_j m_i m_j / ((m_i+s)(m_i+m_j+s)) = 1 - m_i / M."""
    rng = np.random.default_rng(seed)
    m, d = rng.uniform(1, 9, n), rng.uniform(1, 9, (n, n))
    np.fill_diagonal(d, 0)
    out = rng.uniform(0, 9, n)
    np.testing.assert_allclose(cm.radiation_model(m, d, out, True).sum(1), out, rtol=1e-9)
    share = cm.radiation_model(m, d, out).sum(1)
    np.testing.assert_allclose(share, out * (1 - m / m.sum()), rtol=1e-9)


def test_radiation_by_simulation():
    """A commuter leaves if the nearest better job is elsewhere; jobs are uniform numbers."""
    m, rng, n_people = np.array([1, 2, 3]), np.random.default_rng(0), 200_000
    home = rng.random((n_people, m[0])).max(1)
    best = {j: rng.random((n_people, m[j])).max(1) for j in (1, 2)}
    to_1 = best[1] > home
    to_2 = ~to_1 & (best[2] > home)
    flows = cm.radiation_model(m, LINE, [1, 1, 1])
    np.testing.assert_allclose([to_1.mean(), to_2.mean()], flows[0, 1:], atol=0.005)


def power_law(m, d):
    with np.errstate(divide="ignore"):
        flows = 0.02 * m[:, None] ** 0.7 * m**0.6 * d**-1.4
    np.fill_diagonal(flows, 0)
    return flows


def exp_law(m, d):
    flows = 0.02 * m[:, None] ** 0.7 * m**0.6 * np.exp(-d / 40)
    np.fill_diagonal(flows, 0)
    return flows


@pytest.mark.parametrize("method", ["ols", "poisson"])
@pytest.mark.parametrize(("deterrence", "law"), [("power", power_law), ("exp", exp_law)])
def test_exact_gravity_is_recovered(method, deterrence, law):
    data = make(law=law)
    model = cm.GravityModel(deterrence, method).fit(data)
    truth = [np.log(0.02), 0.7, 0.6, 1.4 if deterrence == "power" else 1 / 40]
    tolerance = 1e-10 if method == "ols" else 1e-6
    np.testing.assert_allclose(list(model.coef_.values()), truth, rtol=tolerance)
    assert list(model.coef_) == ["log_constant", "origin", "destination", "distance"]
    np.testing.assert_allclose(model.predict(data), data.flows, rtol=max(tolerance, 1e-9))


@pytest.mark.parametrize("method", ["ols", "poisson"])
@pytest.mark.parametrize(("deterrence", "law"), [("power", power_law), ("exp", exp_law)])
def test_exact_constrained_gravity_is_recovered(method, deterrence, law):
    def shared_out(m, d):
        flows = law(m, d)
        return np.arange(1, len(m) + 1)[:, None] * flows / flows.sum(1, keepdims=True)

    data = make(law=shared_out)
    model = cm.GravityModel(deterrence, method, "production").fit(data)
    truth = [0.6, 1.4 if deterrence == "power" else 1 / 40]
    np.testing.assert_allclose(list(model.coef_.values()), truth, rtol=1e-9)
    np.testing.assert_allclose(model.predict(data), data.flows, rtol=1e-9)
    np.testing.assert_allclose(model.predict(data).sum(1), data.outflow)


def design(data, I, J):
    m, d = np.log(data.population), np.log(data.distance[I, J])
    return np.column_stack([np.ones(len(I)), m[I], m[J], d])


def test_ppml_solves_its_score_equations_with_zeros():
    data = make(40, flows=np.random.default_rng(1).poisson(0.7, (40, 40)))
    I, J = cm.all_pairs(40)
    predicted = cm.GravityModel(method="poisson").fit(data).predict(data)[I, J]
    score = design(data, I, J).T @ (data.flows[I, J] - predicted)
    np.testing.assert_allclose(score, 0, atol=1e-4)
    assert predicted.sum() == pytest.approx(data.flows[I, J].sum(), rel=1e-8)


def test_ppml_agrees_with_statsmodels(ny):
    sm = pytest.importorskip("statsmodels.api")
    I, J = cm.all_pairs(62)
    peer = sm.GLM(ny.flows[I, J], design(ny, I, J), family=sm.families.Poisson()).fit(tol=1e-12)
    ours = cm.GravityModel(method="poisson").fit(ny).coef_
    np.testing.assert_allclose(list(ours.values()), peer.params * [1, 1, 1, -1], rtol=1e-6)


def test_gravity_ols_is_plain_least_squares_on_positive_flows(country):
    I, J = np.nonzero(country.links)
    x, y = design(country, I, J), np.log(country.flows[I, J])
    expected = np.linalg.solve(x.T @ x, x.T @ y) * [1, 1, 1, -1]
    np.testing.assert_allclose(list(cm.GravityModel().fit(country).coef_.values()), expected)


def test_constrained_ols_has_an_intercept_for_each_origin(country):
    I, J = np.nonzero(country.links)
    x = np.column_stack([np.eye(60)[I][:, np.unique(I)], design(country, I, J)[:, 2:]])
    expected = np.linalg.lstsq(x, np.log(country.flows[I, J]), rcond=None)[0][-2:] * [1, -1]
    found = cm.GravityModel(constrained="production").fit(country).coef_
    np.testing.assert_allclose(list(found.values()), expected, rtol=1e-8)


@pytest.mark.parametrize("part", ["all", "some"])
def test_choice_of_destination_is_poisson_with_an_effect_for_each_origin(part):
    """Two roads to one number: conditional on outflows, Poisson counts are multinomial."""
    data = make(10, flows=np.random.default_rng(2).poisson(4, (10, 10)))
    I, J = cm.all_pairs(10)
    if part == "some":
        kept = np.random.default_rng(0).random(len(I)) < 0.7
        I, J = I[kept], J[kept]
    model = cm.GravityModel(method="poisson", constrained="production").fit(data, pairs=(I, J))
    b = np.array([model.coef_["destination"], -model.coef_["distance"]])
    x = design(data, I, J)[:, 2:]
    weight = np.exp(x @ b)
    flows = data.flows[I, J]
    outflow, total = np.bincount(I, flows), np.bincount(I, weight)
    expected = (outflow / total)[I] * weight
    np.testing.assert_allclose(x.T @ (flows - expected), 0, atol=1e-8)


def test_gravity_sees_only_the_training_pairs(country):
    I, J = cm.all_pairs(60)
    kept = np.arange(len(I)) % 2 == 0
    hidden = country.flows.copy()
    hidden[I[~kept], J[~kept]] = 999
    other = cm.CommuterData(
        country.regions, country.indicators, country.indicator_names, country.centroids,
        country.population, hidden, country.distance,
    )  # fmt: skip
    for method in ("ols", "poisson"):
        a, b = (cm.GravityModel(method=method).fit(c, pairs=(I[kept], J[kept]))
                for c in (country, other))  # fmt: skip
        assert a.coef_ == b.coef_


def test_out_of_fold_physics(country):
    pairs = cm.flow_dataset(country).pairs
    folds = cm.pair_folds(*pairs, "by_node", 3, 0)
    flows = cm.physics_flows(country, pairs, folds, cm.GravityModel())
    tested = np.zeros(len(flows), bool)
    for train, test in folds:
        model = cm.GravityModel().fit(country, pairs=(pairs[0][train], pairs[1][train]))
        np.testing.assert_allclose(flows[test], model.predict(country)[pairs][test])
        tested[test] = True
    np.testing.assert_array_equal(np.isnan(flows), ~tested)
    everywhere = cm.radiation_model(country.population, country.distance, country.outflow)[pairs]
    found = cm.physics_flows(country, pairs, folds, "radiation")
    np.testing.assert_allclose(found[tested], everywhere[tested])


def test_out_of_fold_links_use_the_training_threshold(country):
    links = cm.link_dataset(country, random_state=0)
    folds = cm.pair_folds(*links.pairs, "random", 3, 0)
    found = cm.physics_links(country, links.pairs, links.y, folds, "radiation")
    score = cm.physics_flows(country, links.pairs, folds, "radiation")
    for train, test in folds:
        t = cm.threshold_rule(score[train], links.y[train])
        np.testing.assert_array_equal(found[test], score[test] >= t)
    assert (found == links.y).mean() > 0.8


# --- learners -------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [m for m in cm.MODELS if m not in ("constant", "xgb")])
def test_each_learner_beats_a_guess_and_repeats(country, model):
    links, flows = cm.link_dataset(country, random_state=0), cm.flow_dataset(country)
    for task, data, floor in ((cm.LinkReconstructor, links, 0.75), (cm.FlowRegressor, flows, 0.2)):
        train, test = cm.pair_folds(*data.pairs, "random", 3, 0)[0]
        learner = task(model, random_state=0, params=FAST.get(model))
        guess = learner.fit(data.X[train], data.y[train]).predict(data.X[test])
        if task is cm.LinkReconstructor or model not in ("knn", "mlp"):  # too few flows for them
            assert learner.score(data.X[test], data.y[test]) > floor
        again = clone(learner).fit(data.X[train], data.y[train]).predict(data.X[test])
        np.testing.assert_array_equal(guess, again)


def test_constant_learners(country):
    links, flows = cm.link_dataset(country, balance=False), cm.flow_dataset(country)
    model = cm.LinkReconstructor("constant").fit(links.X, links.y)
    np.testing.assert_allclose(model.predict_proba(links.X)[:, 1], links.y.mean())
    mean = cm.FlowRegressor("constant").fit(flows.X, flows.y).predict(flows.X)
    np.testing.assert_allclose(mean, flows.y.mean())


def test_the_linear_learner_is_least_squares(country):
    flows = cm.flow_dataset(country)
    X = cm.gravity_features(country, flows.pairs)[0]
    ours = cm.FlowRegressor("logit").fit(X, flows.y).predict(X)
    gravity = cm.GravityModel().fit(country).predict(country)[flows.pairs]
    np.testing.assert_allclose(ours, np.log10(gravity), rtol=1e-8)


def test_arguments_reach_the_learner(country):
    flows = cm.flow_dataset(country)
    model = cm.FlowRegressor("rf", params={"n_estimators": 3, "max_depth": 2}, random_state=0)
    forest = model.fit(flows.X, flows.y).estimator_[-1]
    assert isinstance(forest, RandomForestRegressor)
    assert len(forest.estimators_) == 3
    assert max(t.get_depth() for t in forest.estimators_) == 2
    assert model.get_params()["model"] == "rf"


def test_xgboost(country):
    pytest.importorskip("xgboost")
    flows, links = cm.flow_dataset(country), cm.link_dataset(country, random_state=0)
    assert cm.FlowRegressor("xgb").fit(flows.X, flows.y).score(flows.X, flows.y) > 0.8
    assert cm.LinkReconstructor("xgb").fit(links.X, links.y).score(links.X, links.y) > 0.9


def test_out_of_fold_never_trains_on_the_test_pair(country):
    flows = cm.flow_dataset(country)
    folds = cm.pair_folds(*flows.pairs, "by_origin", 3, 0)
    model = cm.FlowRegressor("knn", params={"n_neighbors": 1})
    found = cm.out_of_fold(model, flows.X, flows.y, folds, progress=False)
    for train, test in folds:
        expected = clone(model).fit(flows.X[train], flows.y[train]).predict(flows.X[test])
        np.testing.assert_allclose(found[test], expected)
    assert (found != flows.y).mean() > 0.5, "one nearest neighbour repeats what it has seen"
    links = cm.link_dataset(country, random_state=0)
    folds = cm.pair_folds(*links.pairs, "by_node", 3, 0)
    p = cm.out_of_fold(cm.LinkReconstructor("logit"), links.X, links.y, folds, progress=False)
    tested = np.concatenate([test for _, test in folds])
    assert np.isnan(p).sum() == len(p) - len(tested)
    assert ((p[tested] >= 0) & (p[tested] <= 1)).all()


# --- importance -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def linear():
    """y = 3 a + 2 b + c with a copy of a, and one column of noise."""
    rng = np.random.default_rng(0)
    a, b, c, noise = rng.normal(size=(4, 4_000))
    X = np.column_stack([a, b, c, noise])
    y = 3 * a + 2 * b + c
    return X, y, cm.FlowRegressor("logit").fit(X, y)


def test_permutation_of_a_linear_model_has_a_closed_form(linear):
    """Shuffling a column with coefficient k and variance v costs 2 k² v / Var(y) of R²."""
    X, y, model = linear
    groups = {"a": [0], "b": [1], "c": [2], "noise": [3], "a and b": [0, 1], "all": [0, 1, 2, 3]}
    drops = cm.grouped_permutation_importance(model, X, y, groups, 20, 0)
    expected = {"a": 18 / 14, "b": 8 / 14, "c": 2 / 14, "noise": 0, "a and b": 26 / 14, "all": 2}
    for name, value in expected.items():
        assert drops[name].shape == (20,)
        assert drops[name].mean() == pytest.approx(value, abs=0.03)
    ranks = {name: cm.rank_of(drops, name) for name in groups}
    assert ranks == {"all": 1, "a and b": 2, "a": 3, "b": 4, "c": 5, "noise": 6}


def test_a_group_is_shuffled_as_one():
    """y depends on a - b only, and a and b are nearly equal: together they move little."""
    rng = np.random.default_rng(0)
    a = 10 * rng.normal(size=2_000)
    b = a + rng.normal(size=2_000)
    X, y = np.column_stack([a, b]), b - a
    model = cm.FlowRegressor("logit").fit(X, y)
    drops = cm.grouped_permutation_importance(model, X, y, {"one": [0], "both": [0, 1]}, 5, 0)
    assert drops["both"].mean() == pytest.approx(2, abs=0.2)
    assert drops["one"].mean() > 100


def test_single_columns_agree_with_scikit_learn(country):
    links = cm.link_dataset(country, random_state=0)
    train, test = cm.pair_folds(*links.pairs, "random", 3, 0)[0]
    model = cm.LinkReconstructor("hgb", random_state=0, params=FAST["hgb"])
    model.fit(links.X[train], links.y[train])
    X, y = links.X[test], links.y[test]
    groups = cm.feature_groups(links.names, "column")
    ours = cm.grouped_permutation_importance(model, X, y, groups, 20, 0)
    peer = permutation_importance(model, X, y, n_repeats=20, random_state=0)
    means = np.array([v.mean() for v in ours.values()])
    np.testing.assert_allclose(means, peer.importances_mean, atol=0.02)
    assert means.argmax() == links.names.index("distance") == peer.importances_mean.argmax()


def test_batches_do_not_change_permutation_importances(monkeypatch, linear):
    X, y, model = linear
    whole = cm.grouped_permutation_importance(model, X, y, {"a": [0]}, 7, 0)
    monkeypatch.setattr("mixbook.networks.commuters.importance.BATCH", 3 * X.size)
    parts = cm.grouped_permutation_importance(model, X, y, {"a": [0]}, 7, 0)
    np.testing.assert_allclose(parts["a"], whole["a"])


def test_permutation_leaves_the_table_alone(linear):
    X, y, model = linear
    before = X.copy()
    cm.grouped_permutation_importance(model, X, y, {"a": [0]}, 2, 0)
    cm.partial_dependence_curve(model, X, 0, [1.0])
    np.testing.assert_array_equal(X, before)


def test_impurity_shares_add_up(country):
    flows = cm.flow_dataset(country)
    model = cm.FlowRegressor("rf", random_state=0, params=FAST["rf"]).fit(flows.X, flows.y)
    shares = cm.grouped_impurity_importance(model, cm.feature_groups(flows.names))
    assert sum(shares.values()) == pytest.approx(1)
    raw = model.estimator_[-1].feature_importances_
    assert shares["GDP"] == pytest.approx(
        raw[flows.names.index("origin: GDP")] + raw[flows.names.index("destination: GDP")]
    )


def test_dropping_a_column_with_a_copy_costs_nothing(linear):
    X, y, model = linear
    doubled = np.column_stack([X, X[:, 0]])
    folds = cm.pair_folds(*cm.all_pairs(64), "random", 3, 0)
    rows = [(a[a < 4_000], b[b < 4_000]) for a, b in folds]
    groups = {"a": [0], "a and copy": [0, 4], "b": [1]}
    drops = cm.drop_group_importance(model, doubled, y, groups, rows)
    assert drops["a"] == pytest.approx(np.zeros(3), abs=1e-9)
    assert drops["a and copy"] == pytest.approx(np.full(3, 9 / 14), abs=0.03)
    assert drops["b"] == pytest.approx(np.full(3, 4 / 14), abs=0.03)


def test_partial_dependence_agrees_with_scikit_learn(country):
    flows, links = cm.flow_dataset(country), cm.link_dataset(country, random_state=0)
    regressor = cm.FlowRegressor("hgb", random_state=0, params=FAST["hgb"])
    regressor.fit(flows.X, flows.y)
    k, grid = flows.names.index("distance"), np.linspace(1, 3, 5)
    peer = partial_dependence(
        regressor, flows.X.astype(float), [k], method="brute", custom_values={k: grid}
    )
    ours = cm.partial_dependence_curve(regressor, flows.X, k, grid)
    np.testing.assert_allclose(ours, peer["average"][0], rtol=1e-5)
    classifier = cm.LinkReconstructor("logit").fit(links.X, links.y)
    curve = cm.partial_dependence_curve(classifier, links.X, k, grid)
    table = links.X.copy()
    table[:, k] = grid[2]
    assert curve[2] == pytest.approx(classifier.predict_proba(table)[:, 1].mean(), rel=1e-5)
    assert (np.diff(curve) < 0).all()


def test_rank_counts_ties_against():
    assert cm.rank_of({"a": 2.0, "b": np.array([1.0, 3.0]), "c": 1.0}, "a") == 2
    assert cm.rank_of({"a": 2.1, "b": np.array([1.0, 3.0]), "c": 1.0}, "a") == 1


# --- measures -------------------------------------------------------------------------------------


def test_cpc_by_hand():
    assert cm.cpc([[0, 4], [2, 0]], [[0, 1], [3, 0]]) == pytest.approx(2 * 3 / 10)
    assert cm.cpc([1, 2, 3], [1, 2, 3]) == 1
    assert cm.cpc([1, 0], [0, 1]) == 0


@given(hnp.arrays(np.float64, (2, 5), elements=st.floats(0, 9).map(lambda v: round(v, 3))))
def test_cpc_is_symmetric_and_between_0_and_1(flows):
    if flows.sum() > 0:
        value = cm.cpc(*flows)
        assert 0 <= value <= 1
        assert value == cm.cpc(*flows[::-1])


def test_flow_scores_by_hand():
    scores = cm.flow_scores([0.0, 1.0, 2.0], [0.0, 1.0, 1.0])
    assert scores["r2_log"] == pytest.approx(1 - 1 / 2)
    assert scores["error"] == pytest.approx(1 / 3)
    assert scores["cpc"] == pytest.approx(2 * 21 / (111 + 21))
    assert scores["r2_raw"] == pytest.approx(1 - 90**2 / (36**2 + 27**2 + 63**2))
    assert scores["spearman"] == pytest.approx(np.sqrt(3) / 2)


def test_link_scores_by_hand():
    scores = cm.link_scores([1, 1, 1, 0, 0], [0.9, 0.5, 0.2, 0.6, 0.1])
    assert scores == pytest.approx(
        {"accuracy": 0.6, "precision": 2 / 3, "recall": 2 / 3, "f1": 2 / 3, "auc": 4 / 6}
    )


@given(
    score=hnp.arrays(np.float64, 8, elements=st.integers(0, 5).map(float)),
    y=hnp.arrays(np.int64, 8, elements=st.integers(0, 1)),
)
def test_the_threshold_is_the_best_of_all(score, y):
    def accuracy(t):
        return ((score >= t) == y).mean()

    t = cm.threshold_rule(score, y)
    assert accuracy(t) == max(map(accuracy, (*range(6), 6)))
    below = [s for s in (*np.unique(score), np.inf) if s < t]
    assert all(accuracy(s) < accuracy(t) for s in below), "the lowest of the best"


def test_thresholds_at_the_ends():
    assert cm.threshold_rule([1, 2, 3], [0, 1, 1]) == 1.5
    assert cm.threshold_rule([1, 2, 3], [1, 1, 1]) == -np.inf
    assert cm.threshold_rule([1, 2, 3], [0, 0, 0]) == np.inf


@settings(max_examples=40)
@given(hnp.arrays(np.bool_, (7, 7)), hnp.arrays(np.bool_, (7, 7)))
def test_networks_are_described_as_networkx_does(A, B):
    result = cm.network_comparison(A * 2.0, B)
    for matrix, found in ((A, result["observed"]), (B, result["predicted"])):
        graph = nx.from_numpy_array(matrix & ~np.eye(7, dtype=bool), create_using=nx.DiGraph)
        links = graph.number_of_edges()
        assert found["links"] == links
        assert found["density"] == pytest.approx(nx.density(graph))
        assert found["clustering"] == pytest.approx(nx.average_clustering(graph.to_undirected()))
        biggest = max(map(len, nx.weakly_connected_components(graph)))
        assert found["largest component"] == pytest.approx(biggest / 7)
        if links:
            assert found["reciprocity"] == pytest.approx(nx.overall_reciprocity(graph))


def test_overlap_of_networks_by_hand():
    F = [[0, 1, 1], [1, 0, 0], [0, 0, 0]]
    G = [[9, 1, 0], [1, 0, 1], [0, 0, 9]]
    overlap = cm.network_comparison(F, G)["overlap"]
    assert overlap["agreement"] == pytest.approx(4 / 6)
    assert overlap["jaccard"] == pytest.approx(2 / 4)
    full = cm.network_comparison(F, np.ones((3, 3)))["overlap"]
    assert full["ks out-degree"] == pytest.approx(2 / 3)  # 2, 1, 0 against 2, 2, 2
    assert full["ks in-degree"] == 1  # 1, 1, 1 against 2, 2, 2
    same = cm.network_comparison(F, F)["overlap"]
    assert same == {"agreement": 1, "jaccard": 1, "ks out-degree": 0, "ks in-degree": 0}


# --- bad input ------------------------------------------------------------------------------------

NAN = np.array([[np.nan, 1.0], [1.0, 2.0]])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"flows": -np.ones((4, 4))}, ValueError, "flows must be >= 0"),
        ({"flows": np.ones((3, 4))}, ValueError, r"flows must have shape \(4, 4\)"),
        ({"flows": np.full((4, 4), np.nan)}, ValueError, "flows must be finite"),
        ({"population": [1, 2, 0, 4]}, ValueError, "population must be > 0"),
        ({"population": [1, 2, 3]}, ValueError, r"population must have shape \(4,\)"),
        ({"indicators": np.ones((4, 3))}, ValueError, "indicators must have shape"),
        ({"indicators": [["a", "b"]] * 4}, TypeError, "indicators must hold real numbers"),
        ({"indicators": [[1, 2], [3]]}, TypeError, "indicators must be a rectangular"),
        ({"centroids": np.ones((4, 3))}, ValueError, "centroids must have shape"),
        ({"distance": np.ones((4, 5))}, ValueError, "distance must have shape"),
        ({"centroids": np.full((4, 2), 99.0), "distance": None}, ValueError, "latitudes"),
        ({"regions": []}, ValueError, "flows must have"),
    ],
)
def test_bad_data(change, error, message):
    with pytest.raises(error, match=message):
        make(4, **change)


def test_bad_single_region():
    with pytest.raises(ValueError, match="at least 2 regions"):
        cm.CommuterData(["a"], [[1.0]], ["u"], [[0, 0]], [1], [[0]])


X2, Y2 = np.arange(12.0).reshape(6, 2), np.array([0, 1, 0, 1, 0, 1])
FIT = cm.FlowRegressor("logit").fit(X2, Y2)
SOME = cm.three_towns()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: cm.haversine_matrix(np.ones((3, 3))), ValueError, "lonlat must have 2 columns"),
        (lambda: cm.haversine_matrix(NAN), ValueError, "lonlat must be finite"),
        (lambda: cm.haversine_matrix("here"), TypeError, "lonlat must hold real numbers"),
        (lambda: cm.polygon_centroid_area({"type": "Point"}), ValueError, "geometry must be"),
        (lambda: cm.polygon_centroid_area(None), ValueError, "NoneType"),
        (lambda: cm.polygon_centroid_area({"type": "Polygon", "coordinates": [[[0, 0]]]}),
         ValueError, "at least four points"),
        (lambda: cm.polygon_centroid_area({"type": "Polygon", "coordinates": [[[0, 0]] * 4]}),
         ValueError, "enclose an area"),
        (lambda: cm.travel_rank(np.ones((2, 3))), ValueError, "distance must have shape"),
        (lambda: cm.intervening_population([1, 2], np.ones((3, 3))), ValueError, r"\(2, 2\)"),
        (lambda: cm.intervening_population([-1, 2], np.ones((2, 2))), ValueError, "population"),
        (lambda: cm.radiation_model([0, 2], np.ones((2, 2)), [1, 1]), ValueError, "population"),
        (lambda: cm.radiation_model([1, 2], np.ones((2, 2)), [1]), ValueError, "outflow"),
        (lambda: cm.radiation_model([1, 2], -np.ones((2, 2)), [1, 1]), ValueError, "distance"),
        (lambda: cm.all_pairs(1), ValueError, "n must be"),
        (lambda: cm.all_pairs(2.0), TypeError, "n must be an integer"),
        (lambda: cm.synthetic_cities(1), ValueError, "n must be"),
        (lambda: cm.synthetic_cities(5, -1), ValueError, "seed"),
        (lambda: cm.synthetic_cities(5, 0, log10_constant=np.nan), ValueError, "log10_constant"),
        (lambda: cm.pair_features("data"), TypeError, "data must be a CommuterData, got str"),
        (lambda: cm.pair_features(SOME, pairs=([0], [0])), ValueError, "I and J must differ"),
        (lambda: cm.pair_features(SOME, pairs=([0], [3])), ValueError, "nodes from 0 to"),
        (lambda: cm.pair_features(SOME, pairs=([0.5], [1.0])), TypeError, "I must hold integers"),
        (lambda: cm.pair_features(make(3, distance=np.zeros((3, 3)))), ValueError, "distance"),
        (lambda: cm.gravity_features(None), TypeError, "data must be"),
        (lambda: cm.feature_groups(["a"], "rows"), ValueError, "by must be one of"),
        (lambda: cm.link_dataset(make(3, flows=np.zeros((3, 3)))), ValueError, "0 of 6"),
        (lambda: cm.link_dataset(None), TypeError, "data must be"),
        (lambda: cm.flow_dataset(make(3, flows=np.eye(3))), ValueError, "at least one link"),
        (lambda: cm.pair_folds([0, 1], [1], n_splits=2), ValueError, "one length"),
        (lambda: cm.pair_folds([0, 1], [1, 0], "by_time", 2), ValueError, "scheme must be"),
        (lambda: cm.pair_folds([0, 1], [1, 0], n_splits=1), ValueError, "n_splits must be"),
        (lambda: cm.pair_folds([0, 1], [1, 0], n_splits=3), ValueError, "at most 2"),
        (lambda: cm.pair_folds([0, 1], [1, 2], "by_node", 2, 0), ValueError, "empty fold"),
        (lambda: cm.GravityModel("linear").fit(SOME), ValueError, "deterrence must be"),
        (lambda: cm.GravityModel(method="gmm").fit(SOME), ValueError, "method must be"),
        (lambda: cm.GravityModel(constrained="doubly").fit(SOME), ValueError, "constrained"),
        (lambda: cm.GravityModel().fit("x"), TypeError, "data must be"),
        (lambda: cm.GravityModel().fit(SOME, pairs=([0], [1])), ValueError, "more than 3 pairs"),
        (lambda: cm.GravityModel().predict(SOME), ValueError, "not fitted"),
        (lambda: cm.physics_flows(SOME, ([0], [1]), [], "gravity"), ValueError, "model must be"),
        (lambda: cm.physics_links(SOME, ([0], [1]), [0, 1], [], "radiation"), ValueError, "y must"),
        (lambda: cm.LinkReconstructor("svm").fit(X2, Y2), ValueError, "model must be one of"),
        (lambda: cm.LinkReconstructor("rf").fit(X2, Y2[:3]), ValueError, "same number of rows"),
        (lambda: cm.LinkReconstructor("rf").fit(X2, np.ones(6)), ValueError, "0 and 1, both"),
        (lambda: cm.LinkReconstructor("rf").fit(X2, 2 * Y2), ValueError, "0 and 1, both"),
        (lambda: cm.LinkReconstructor("rf").fit(X2 * np.nan, Y2), ValueError, "X must be finite"),
        (lambda: cm.LinkReconstructor("rf", params={"depth": 3}).fit(X2, Y2), ValueError, "depth"),
        (lambda: cm.LinkReconstructor().predict_proba(X2), ValueError, "not fitted"),
        (lambda: cm.FlowRegressor("rf").fit(X2, Y2 + np.inf), ValueError, "y must be finite"),
        (lambda: cm.FlowRegressor("rf").fit("X", Y2), TypeError, "X must hold real numbers"),
        (lambda: FIT.predict(np.ones((2, 3))), ValueError, "X must have 2 columns, got 3"),
        (lambda: FIT.predict(np.ones(2)), ValueError, "X must have 2 axes"),
        (lambda: cm.out_of_fold(LinearRegression(), X2, Y2, []), TypeError, "model must be a Link"),
        (lambda: cm.grouped_permutation_importance(FIT, X2, Y2, {"a": [2]}), ValueError, "'a'"),
        (lambda: cm.grouped_permutation_importance(FIT, X2, Y2, {"a": []}), ValueError, "'a'"),
        (lambda: cm.grouped_permutation_importance(FIT, X2, Y2, [[0]]), TypeError, "groups"),
        (lambda: cm.grouped_permutation_importance(FIT, X2, Y2, {"a": [0]}, 0), ValueError,
         "n_repeats"),
        (lambda: cm.grouped_impurity_importance(FIT, {"a": [0]}), TypeError, "forest or tree"),
        (lambda: cm.drop_group_importance(FIT, X2, Y2, {"a": [0, 1]}, [(Y2 == 0, Y2 == 1)]),
         ValueError, "at least one column"),
        (lambda: cm.partial_dependence_curve(FIT, X2, 2, [0.0]), ValueError, "column must be"),
        (lambda: cm.partial_dependence_curve(FIT, X2, 0, []), ValueError, "grid must have"),
        (lambda: cm.rank_of({"a": 1}, "b"), ValueError, "name must be one of a"),
        (lambda: cm.cpc([1, 2], [1]), ValueError, "same number of entries"),
        (lambda: cm.cpc([-1, 2], [1, 1]), ValueError, "F must be >= 0"),
        (lambda: cm.cpc([0], [0]), ValueError, "at least one flow"),
        (lambda: cm.flow_scores([1, 2], [1]), ValueError, "observed and predicted"),
        (lambda: cm.link_scores([1, 2], [0.1, 0.2]), ValueError, "only 0 and 1"),
        (lambda: cm.link_scores([1, 1], [0.1, 0.2]), ValueError, "both 0 and 1"),
        (lambda: cm.threshold_rule([1, np.nan], [0, 1]), ValueError, "score must be finite"),
        (lambda: cm.network_comparison(np.ones((2, 2)), np.ones((3, 3))), ValueError, "G must"),
        (lambda: cm.network_comparison([[1]], [[1]]), ValueError, "at least 2 nodes"),
    ],
)  # fmt: skip
def test_bad_calls(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_bad_installation_names_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "xgboost", None)
    with pytest.raises(ImportError, match=r'pip install "mixbook\[boosting\]"'):
        cm.LinkReconstructor("xgb").fit(X2, Y2)
