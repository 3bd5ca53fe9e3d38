"""Races of mixbook.flows.ambient against its peers."""

import numpy as np
import pytest
import torch

from mixbook.flows.ambient import mean_squared_error


@pytest.mark.parametrize("peer", ["mixbook", "numpy"])
def test_error_of_a_thousand_samples(benchmark, peer):
    a, b = np.random.default_rng(0).normal(size=(2, 1000, 16)).astype(np.float32)
    if peer == "mixbook":
        value = benchmark(mean_squared_error, torch.from_numpy(a), torch.from_numpy(b))
    else:
        value = benchmark(lambda: ((a - b) ** 2).sum(axis=1).mean())
    assert float(value) == pytest.approx(32.0, rel=0.1)
