"""The New York commuting data."""

import numpy as np
import pytest

from mixbook.data import load_ny_commuting


@pytest.fixture(scope="module")
def ny():
    return load_ny_commuting()


def test_published_totals(ny):
    off = ny.flows[~np.eye(62, dtype=bool)]
    assert ny.flows.sum() == 8_831_941
    assert (off > 0).sum() == 1_892
    assert off.size == 3_782
    assert ny.population.sum() == 19_498_514
    assert ny.groups.total.sum() == 19_570_261


def test_counties_are_aligned_by_code(ny):
    assert ny.fips[0] == "36001"
    assert ny.names[0] == "Albany County"
    assert list(ny.labour.index) == list(ny.groups.index) == list(ny.fips) == sorted(ny.fips)
    assert ny.flows[0, 0] == 121_606
    assert ny.flows[0, ny.fips.index("36005")] == 5
    assert ny.population[ny.fips.index("36019")] == 81_716


def test_labour_is_parsed(ny):
    assert ny.labour.loc["36001"].tolist() == [158_778, 152_357, 6_421, 4.0]
    rate = 100 * ny.labour.unemployed / ny.labour.labour_force
    np.testing.assert_allclose(rate, ny.labour.unemployment_rate, atol=0.051)
    assert (ny.labour.employed + ny.labour.unemployed == ny.labour.labour_force).all()


def test_groups_add_up(ny):
    assert (ny.groups.male + ny.groups.female == ny.groups.total).all()
    assert ny.groups.loc["36005", "minority"] == 1_257_062
    assert ny.names[ny.fips.index("36005")] == "Bronx County"
