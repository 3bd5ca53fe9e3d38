"""Races: radiation against scikit-mobility and a plain loop, PPML against statsmodels; growth.

Run with ``pytest benchmarks/test_commuters.py -s``; ratios and the growth curves are printed at the
end. Competitors compute the same numbers, which is checked. scikit-mobility and statsmodels are
raced where they are installed.
"""

import time

import numpy as np
import pytest

from mixbook.networks import commuters as cm

N = 500
SECONDS = {}


@pytest.fixture(scope="module")
def country():
    """500 places on the globe, so that all competitors measure distances alike."""
    rng = np.random.default_rng(0)
    lonlat = np.column_stack([rng.uniform(-60, -40, N), rng.uniform(-30, -5, N)])
    population = np.round(10 ** rng.normal(4.2, 0.55, N))
    outflow = np.round(0.1 * population)
    return lonlat, population, outflow


@pytest.fixture(scope="module", autouse=True)
def report():
    yield
    for (race, name), seconds in sorted(SECONDS.items(), key=lambda item: (item[0][0], item[1])):
        ratio = seconds / SECONDS.get((race, "ours"), seconds)
        print(f"{race:10s} {name:16s} {seconds:9.4f} s  {ratio:8.1f} x ours")


def race(benchmark, of, name, function, *arguments):
    result = benchmark.pedantic(function, arguments, rounds=5 if name == "ours" else 1)
    SECONDS[of, name] = benchmark.stats.stats.min
    return result


def ours(lonlat, population, outflow):
    return cm.radiation_model(population, cm.haversine_matrix(lonlat), outflow, finite_size=True)


def plain_loop(lonlat, population, outflow):
    """Sort the neighbours of each place and walk outwards."""
    distance, n = cm.haversine_matrix(lonlat), len(population)
    flows = np.zeros((n, n))
    for i in range(n):
        between, m = 0.0, population[i]
        share = outflow[i] / (1 - m / population.sum())
        for j in sorted((j for j in range(n) if j != i), key=lambda j: distance[i, j]):
            flows[i, j] = share * m * population[j]
            flows[i, j] /= (m + between) * (m + between + population[j])
            between += population[j]
    return flows


def scikit_mobility(lonlat, population, outflow):
    geopandas = pytest.importorskip("geopandas")
    radiation = pytest.importorskip("skmob.models.radiation")
    table = geopandas.GeoDataFrame(
        {"tile_ID": range(len(lonlat)), "relevance": population, "tot_outflow": outflow},
        geometry=geopandas.points_from_xy(*lonlat.T),
        crs="EPSG:4326",
    )
    found = radiation.Radiation().generate(table, out_format="probabilities")
    flows = np.zeros((len(lonlat), len(lonlat)))
    flows[found.origin.astype(int), found.destination.astype(int)] = found.flow
    return flows * outflow[:, None]


@pytest.mark.parametrize("competitor", [ours, plain_loop, scikit_mobility])
def test_radiation_of_500_places(benchmark, country, competitor):
    flows = race(benchmark, "radiation", competitor.__name__, competitor, *country)
    close = np.isclose(flows, ours(*country), rtol=1e-6)
    assert close.mean() > 0.999, "another formula of the distance may order two places otherwise"


@pytest.mark.parametrize("competitor", ["ours", "statsmodels"])
def test_ppml_of_a_country(benchmark, competitor):
    data = cm.synthetic_cities(300, 0)
    I, J = cm.all_pairs(300)
    if competitor == "ours":
        model = race(benchmark, "ppml", "ours", cm.GravityModel(method="poisson").fit, data)
        assert list(model.coef_) == ["log_constant", "origin", "destination", "distance"]
        return
    sm = pytest.importorskip("statsmodels.api")
    m, d = np.log(data.population), np.log(data.distance[I, J])
    x = np.column_stack([np.ones(len(I)), m[I], m[J], -d])
    peer = sm.GLM(data.flows[I, J], x, family=sm.families.Poisson())
    found = race(benchmark, "ppml", "statsmodels", peer.fit)
    ours_ = cm.GravityModel(method="poisson").fit(data).coef_
    np.testing.assert_allclose(list(ours_.values()), found.params, rtol=1e-4)


def best_of(repeats, function, *arguments):
    runs = []
    for _ in range(repeats):
        start = time.perf_counter()
        function(*arguments)
        runs.append(time.perf_counter() - start)
    return min(runs)


def test_growth_of_the_people_in_between():
    """One sort a row: time grows like n² log n, and a million pairs take well under a second."""
    rng, points = np.random.default_rng(0), []
    for n in (250, 500, 1_000, 2_000):
        place, population = rng.uniform(0, 1000, (n, 2)), rng.integers(1, 99, n)
        distance = np.linalg.norm(place[:, None] - place, axis=2)
        points.append((n, best_of(3, cm.intervening_population, population, distance)))
        print(f"n = {n:5d}: {points[-1][1]:.3f} s")
    slope = np.polyfit(*np.log(np.array(points).T), 1)[0]
    print(f"growth exponent {slope:.2f}")
    assert slope < 2.6


def test_a_million_pairs():
    """Features of all pairs of 1,000 cities, and boosting on them, with one thread."""
    data = cm.synthetic_cities(1_000, 0)
    seconds = {"features": best_of(1, cm.pair_features, data)}
    links = cm.link_dataset(data, balance=False)
    assert links.X.shape == (999_000, 45)
    assert links.X.dtype == np.float32
    model = cm.LinkReconstructor("hgb", random_state=0)
    seconds["fit hgb"] = best_of(1, model.fit, links.X, links.y)
    seconds["predict hgb"] = best_of(1, model.predict_proba, links.X)
    print("; ".join(f"{k}: {v:.1f} s" for k, v in seconds.items()))
    assert seconds["features"] < 10
