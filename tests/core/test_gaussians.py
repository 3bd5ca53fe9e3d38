import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from mixbook.core.gaussians import (
    component_log_prob,
    log_sum_exp,
    mixture_log_prob,
    sample_mixture,
)


def make(n, k, d, seed, full):
    rng = np.random.default_rng(seed)
    y, means, logw = rng.normal(size=(n, d)), rng.normal(size=(k, d)) * 3, rng.normal(size=k)
    if full:
        a = rng.normal(size=(k, d, d))
        cov = a @ a.transpose(0, 2, 1) + np.eye(d)
    else:
        cov = rng.uniform(0.1, 2, size=(k, d))
    return [torch.tensor(v) for v in (y, logw, means, cov)]


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 4), st.integers(0, 99), st.booleans())
def test_density_agrees_with_scipy(n, k, d, seed, full):
    y, logw, means, cov = make(n, k, d, seed, full)
    matrices = cov if full else torch.diag_embed(cov)
    each = np.stack(
        [multivariate_normal(m, c).logpdf(y.numpy()).reshape(n) for m, c in zip(means, matrices)], 1
    )
    np.testing.assert_allclose(component_log_prob(y, means, cov), each, rtol=1e-9, atol=1e-9)
    mixture = np.log((np.exp(logw.numpy()) * np.exp(each)).sum(1))
    np.testing.assert_allclose(mixture_log_prob(y, logw, means, cov), mixture, rtol=1e-7)


def test_far_from_the_origin_float32_keeps_its_digits():
    y, logw, means, cov = make(50, 3, 4, 0, full=False)
    moved = [t.float() for t in (y + 1e3, logw, means + 1e3, cov)]
    np.testing.assert_allclose(
        mixture_log_prob(*moved), mixture_log_prob(y, logw, means, cov), atol=0.05
    )


@pytest.mark.parametrize("full", [False, True])
def test_samples_have_the_moments_of_the_mixture(full):
    _, logw, means, cov = make(1, 3, 2, 5, full)
    w = torch.softmax(logw, 0)
    matrices = cov if full else torch.diag_embed(cov)
    mean = w @ means
    second = torch.einsum("k,kij->ij", w, matrices + means[:, :, None] * means[:, None, :])
    n = 200_000
    x = sample_mixture(n, logw, means, cov, generator=0)
    spread = (second - torch.outer(mean, mean)).diagonal().sqrt()
    assert ((x.mean(0) - mean).abs() < 5 * spread / n**0.5).all()
    np.testing.assert_allclose(torch.cov(x.T), second - torch.outer(mean, mean), atol=0.15)
    assert torch.equal(x[:9], sample_mixture(n, logw, means, cov, generator=0)[:9])


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 5), st.integers(1, 6), st.floats(0.1, 500), st.integers(0, 99))
def test_log_sum_exp_and_its_gradient_agree_with_torch(n, k, scale, seed):
    draw = torch.Generator().manual_seed(seed)
    x = (scale * torch.randn(n, k, generator=draw, dtype=torch.float64)).requires_grad_()
    y = x.detach().clone().requires_grad_()
    for dim in (0, 1):
        ours, theirs = log_sum_exp(x, dim), torch.logsumexp(y, dim)
        assert ours.shape == theirs.shape
        torch.testing.assert_close(ours, theirs, rtol=1e-14, atol=1e-14)
        weight = torch.arange(1.0, len(ours) + 1)
        (mine,) = torch.autograd.grad((ours * weight).sum(), x)
        (wanted,) = torch.autograd.grad((theirs * weight).sum(), y)
        torch.testing.assert_close(mine, wanted, rtol=1e-12, atol=1e-20)


def test_log_sum_exp_of_zeros():
    inf = float("inf")
    x = torch.tensor([[-inf, 0.0], [-inf, -inf], [3.0, -inf]])
    torch.testing.assert_close(log_sum_exp(x, 1), torch.logsumexp(x, 1))
