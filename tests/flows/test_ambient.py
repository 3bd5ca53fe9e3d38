"""Tests of mixbook.flows.ambient against NumPy and closed forms."""

import numpy as np
import pytest
import torch

from mixbook.flows.ambient import mean_squared_error


def test_the_error_is_that_of_numpy():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 7, 3)).astype(np.float32)
    wanted = np.mean(np.linalg.norm(a - b, axis=1) ** 2)
    got = mean_squared_error(torch.from_numpy(a), torch.from_numpy(b))
    np.testing.assert_allclose(got.item(), wanted, rtol=1e-5)


def test_a_shift_by_one_in_each_of_d_directions_costs_d():
    x = torch.zeros(4, 5)
    assert mean_squared_error(x, x + 1).item() == pytest.approx(5.0)


def test_bad_shapes_are_refused():
    with pytest.raises(ValueError, match="same shape"):
        mean_squared_error(torch.zeros(2, 3), torch.zeros(3, 3))
    with pytest.raises(ValueError, match="n >= 1"):
        mean_squared_error(torch.zeros(0, 3), torch.zeros(0, 3))
