import numpy as np
import pytest
import torch

from mixbook.core.seeds import as_generator, as_rng, pick_device


def test_same_seed_gives_the_same_numbers_and_other_seeds_others():
    draws = [torch.rand(3, generator=as_generator(seed)) for seed in (1, 1, 2)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
    assert np.array_equal(as_rng(7).random(3), np.random.default_rng(7).random(3))


def test_generators_are_handed_back_unchanged():
    generator, rng = torch.Generator(), np.random.default_rng()
    assert as_generator(generator) is generator
    assert as_rng(rng) is rng


def test_no_global_state_is_touched():
    torch_before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    as_generator(3), as_rng(3), as_generator(None), as_rng(None)
    assert torch.equal(torch_before, torch.get_rng_state())
    assert np.array_equal(numpy_before, np.random.get_state()[1])  # noqa: NPY002


@pytest.mark.parametrize("make", [as_generator, as_rng])
@pytest.mark.parametrize(("seed", "error"), [(-1, ValueError), (True, TypeError)])
def test_bad_seeds(make, seed, error):
    with pytest.raises(error, match="seed must be"):
        make(seed)


def test_pick_device():
    assert pick_device("cpu") == torch.device("cpu")
    assert pick_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    with pytest.raises(ValueError, match="device must be"):
        pick_device("warp drive")


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_a_missing_gpu_is_named():
    with pytest.raises(ValueError, match="no GPU is available"):
        pick_device("cuda")
