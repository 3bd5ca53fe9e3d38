"""Intrinsic dimension against closed forms, explicit matrices and an independent cart-pole."""

import copy
import math
from collections import OrderedDict
from functools import partial

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.random_projection import SparseRandomProjection
from torch import nn

import mixbook.landscapes.intrinsic_dimension as idm
from mixbook.landscapes.intrinsic_dimension.subspace import FlatNetwork

KINDS = ["dense", "sparse", "fastfood"]
QUIET = {"progress": False, "device": "cpu"}


def small_net(seed=0):
    return idm.fc_net([5, 7, 3], seed)


def blobs(n=120, seed=0):
    """Three classes in R^5, easy to tell apart."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n)
    return (3 * np.eye(5)[y] + rng.normal(size=(n, 5))).astype("float32"), y


# ---- Walsh-Hadamard transform


def test_fwht_of_a_known_vector():
    x = torch.tensor([1.0, 0, 1, 0, 0, 1, 1, 0])
    assert idm.fwht(x).tolist() == [4, 2, 0, -2, 0, 2, 0, 2]


@pytest.mark.parametrize("n", [1, 2, 16, 32, 512, 1024])
def test_fwht_is_the_product_with_scipys_hadamard_matrix(n):
    x = torch.randn(3, 2, n, dtype=torch.float64, generator=torch.Generator().manual_seed(n))
    wanted = x.numpy() @ scipy.linalg.hadamard(n)
    np.testing.assert_allclose(idm.fwht(x).numpy(), wanted, atol=1e-10)


@given(st.integers(0, 11), st.integers(0, 100))
@settings(max_examples=25, deadline=None)
def test_fwht_twice_is_n_times_the_identity(power, seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(2, 2**power, dtype=torch.float64, generator=generator)
    torch.testing.assert_close(idm.fwht(idm.fwht(x)), 2**power * x)


def test_fwht_gradient_by_finite_differences():
    x = torch.randn(2, 32, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(idm.fwht, (x,))


@pytest.mark.parametrize("bad", [torch.ones(6), torch.ones(2, 0), torch.tensor(1.0)])
def test_bad_lengths_for_fwht(bad):
    with pytest.raises(ValueError, match=r"^x must have a last axis"):
        idm.fwht(bad)


# ---- projections


@pytest.mark.parametrize("kind", KINDS)
@given(st.integers(1, 70), st.data())
@settings(max_examples=15, deadline=None)
def test_shapes_unit_columns_and_transpose(kind, D, data):
    d = data.draw(st.integers(1, D))
    P = idm.make_projection(kind, D, d, seed=D)
    matrix = P.matrix()
    assert matrix.shape == (D, d)
    if kind != "fastfood" or P.L == D:
        torch.testing.assert_close(matrix.norm(dim=0), torch.ones(d))
    t, g = torch.randn(2, 3, d), torch.randn(2, 3, D)
    torch.testing.assert_close(P(t), t @ matrix.T, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(P.T(g), g @ matrix, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_transpose_is_what_autograd_uses(kind):
    P = idm.make_projection(kind, 100, 9, seed=1)
    t = torch.randn(9, requires_grad=True)
    g = torch.randn(100)
    (by_autograd,) = torch.autograd.grad(P(t) @ g, t)
    torch.testing.assert_close(by_autograd, P.T(g))
    back = torch.randn(100, requires_grad=True)
    (forward,) = torch.autograd.grad(P.T(back) @ t.detach(), back)
    torch.testing.assert_close(forward, P(t.detach()))


@pytest.mark.parametrize("kind", KINDS)
def test_same_seed_same_matrix_and_no_global_randomness(kind):
    state = torch.get_rng_state()
    first, second, other = (idm.make_projection(kind, 60, 4, s).matrix() for s in (3, 3, 4))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("kind", KINDS)
def test_projection_has_buffers_only_and_survives_a_state_dict(kind):
    P, Q = (idm.make_projection(kind, 60, 4, s) for s in (0, 1))
    assert list(P.parameters()) == []
    if kind == "sparse":  # its buffers' sizes are random
        Q = idm.make_projection(kind, 60, 4, 0)
    Q.load_state_dict(P.state_dict())
    assert torch.equal(Q.matrix(), P.matrix())


@pytest.mark.parametrize("kind", KINDS)
def test_projection_can_be_copied_and_made_double(kind):
    P = idm.make_projection(kind, 60, 4, 0)
    Q = copy.deepcopy(P).double()
    assert Q(torch.ones(4, dtype=torch.float64)).dtype == torch.float64
    torch.testing.assert_close(Q.matrix().float(), P.matrix())
    assert P.matrix().dtype == torch.float32


@pytest.mark.parametrize(("D", "d"), [(8, 3), (6, 6), (64, 64), (100, 17)])
def test_fastfood_equals_its_explicit_matrices(D, d):
    P = idm.FastfoodProjection(D, d, seed=5)
    L = 2 ** math.ceil(math.log2(D))
    H = scipy.linalg.hadamard(L).astype(float)
    B, G, permutation = np.diag(P.B.numpy()), np.diag(P.G.numpy()), np.eye(L)[P.Pi.numpy()]
    full = H @ G @ permutation @ H @ B
    scale = np.sqrt(L * np.sum(P.G.numpy() ** 2)) * np.sqrt(D / L)
    np.testing.assert_allclose(P.matrix().numpy(), full[:D, :d] / scale, atol=1e-5)


def test_fastfood_with_given_parts():
    B = torch.tensor([1.0, -1, 1, 1])
    Pi = torch.tensor([2, 0, 3, 1])
    G = torch.tensor([0.5, -1.0, 2.0, 1.0])
    P = idm.FastfoodProjection(4, 4, B=B, Pi=Pi, G=G)
    H = scipy.linalg.hadamard(4)
    t = np.array([1.0, 2.0, -1.0, 0.5])
    wanted = H @ (G.numpy() * (H @ (B.numpy() * t))[Pi.numpy()]) / math.sqrt(4 * (G**2).sum())
    np.testing.assert_allclose(P(torch.tensor(t, dtype=torch.float32)), wanted, rtol=1e-5)


def test_fastfood_columns_have_unit_mean_square_when_cut():
    squares = [idm.FastfoodProjection(40, 10, s).matrix().square().sum(0) for s in range(200)]
    mean = torch.stack(squares).mean()
    assert abs(mean - 1) < 0.01


def test_fastfood_stores_nothing_of_size_D_d():
    few, many = (idm.FastfoodProjection(5000, d) for d in (10, 4000))
    sizes = [sum(b.numel() for b in P.buffers()) for P in (few, many)]
    assert sizes[0] == sizes[1] == 4 * 8192 + 1


def test_dense_columns_are_nearly_orthogonal():
    M = idm.DenseProjection(20000, 20, 0).matrix()
    off = (M.T @ M - torch.eye(20)).abs().max()
    assert off < 5 / math.sqrt(20000)


def test_sparse_density_is_that_of_each_layer():
    sizes, d = [40000, 400], 50
    M = idm.SparseProjection(sum(sizes), d, 0, layer_sizes=sizes).matrix()
    start = 0
    for size in sizes:
        share = (M[start : start + size] != 0).double().mean().item()
        p = 1 / math.sqrt(size)
        assert abs(share - p) < 5 * math.sqrt(p * (1 - p) / (size * d))
        start += size
    # before normalisation, entries are +-1 / sqrt(density): larger layers have larger entries
    large, small = M[:40000, 0].abs().max(), M[40000:].abs()[:, 0].max()
    assert large / small == pytest.approx((40000 / 400) ** 0.25, rel=1e-4)


def test_sparse_is_scikit_learns_matrix_up_to_the_length_of_columns():
    """Same density, same two values before normalisation; independent random draws."""
    D, d = 2500, 40
    peer = SparseRandomProjection(d, random_state=0).fit(np.zeros((1, D))).components_
    ours = idm.SparseProjection(D, d, 0).matrix().numpy()
    theirs = peer.toarray().T
    assert (ours != 0).mean() == pytest.approx((theirs != 0).mean(), rel=0.05)
    counts = (ours != 0).sum(0)
    np.testing.assert_allclose(np.abs(ours).max(0), 1 / np.sqrt(counts), rtol=1e-5)
    assert (theirs > 0).sum() / peer.nnz == pytest.approx((ours > 0).sum() / counts.sum(), abs=0.05)


def test_sparse_products_of_a_cpu_and_of_other_devices_agree():
    P = idm.SparseProjection(300, 40, 2, layer_sizes=[250, 50])
    matrix = P.matrix()
    t, g = torch.randn(2, 3, 40), torch.randn(2, 3, 300)
    torch.testing.assert_close(P._add_up(t), t @ matrix.T, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(P._add_up_transposed(g), g @ matrix, atol=1e-5, rtol=1e-5)


def test_sparse_never_has_an_empty_column():
    for seed in range(30):
        matrix = idm.SparseProjection(6, 6, seed, density=0.05).matrix()
        torch.testing.assert_close(matrix.norm(dim=0), torch.ones(6))


@pytest.mark.parametrize(
    ("build", "error", "text"),
    [
        (lambda: idm.DenseProjection(10, 11), ValueError, "^d must be"),
        (lambda: idm.DenseProjection(0, 1), ValueError, "^D must be"),
        (lambda: idm.SparseProjection(10, 2.5), TypeError, "^d must be"),
        (lambda: idm.SparseProjection(10, 2, density=0.0), ValueError, "^density"),
        (lambda: idm.SparseProjection(10, 2, density="dense"), ValueError, "^density"),
        (lambda: idm.SparseProjection(10, 2, layer_sizes=[4, 5]), ValueError, "^layer_sizes"),
        (lambda: idm.FastfoodProjection(4, 2, B=torch.zeros(4)), ValueError, "^B must"),
        (lambda: idm.FastfoodProjection(4, 2, B=torch.ones(3)), ValueError, "^B must"),
        (lambda: idm.FastfoodProjection(4, 2, Pi=torch.tensor([0, 0, 1, 2])), ValueError, "^Pi"),
        (lambda: idm.FastfoodProjection(4, 2, G=torch.zeros(4)), ValueError, "^G must"),
        (lambda: idm.make_projection("gaussian", 4, 2), ValueError, "^projection must"),
        (lambda: idm.DenseProjection(4, 2)(torch.ones(3)), ValueError, "^t must have shape"),
        (lambda: idm.DenseProjection(4, 2).T(torch.ones(3)), ValueError, "^g must have shape"),
        (lambda: idm.DenseProjection(4, 2, seed=-1), ValueError, "seed"),
    ],
)
def test_bad_input_to_projections(build, error, text):
    with pytest.raises(error, match=text):
        build()


# ---- networks


@pytest.mark.parametrize(
    ("net", "parameters"),
    [
        (lambda: idm.fc_net([784, 200, 200, 10]), 199210),
        (lambda: idm.fc_net([784, *[400] * 5, 10]), 959610),
        (lambda: idm.fc_net([3072, 400, 400, 10]), 1393610),
        (lambda: idm.cartpole_policy((200, 200)), 41602),
        (lambda: idm.lenet(), 44426),
        (lambda: idm.lenet((3, 32, 32)), 62006),
        (lambda: idm.lenet(layer="untied"), 286334),
        (lambda: idm.lenet((3, 32, 32), layer="untied"), 658238),
        (lambda: idm.lenet(layer="dense"), 3640574),
    ],
)
def test_parameter_counts_of_the_paper(net, parameters):
    assert idm.count_parameters(net()) == parameters


@pytest.mark.parametrize("layer", ["conv", "untied", "dense"])
def test_image_networks_take_images_and_rows(layer):
    net = idm.lenet((2, 14, 12), 4, layer=layer, kernel=3, channels=(2, 3), hidden=(5,))
    x = torch.randn(3, 2, 14, 12)
    assert net(x).shape == (3, 4)
    torch.testing.assert_close(net(x), net(x.flatten(1)))


def test_untied_layer_with_equal_kernels_is_a_convolution():
    layer = idm.LocallyConnected2d(2, 3, (6, 5), 3)
    conv = nn.Conv2d(2, 3, 3)
    places = layer.weight.shape[0]
    with torch.no_grad():
        layer.weight.copy_(conv.weight.flatten(1).T.expand(places, -1, -1))
        layer.bias.copy_(conv.bias.repeat_interleave(places))
    x = torch.randn(4, 2, 6, 5)
    torch.testing.assert_close(layer(x), conv(x), atol=1e-5, rtol=1e-5)


def test_he_normal_has_the_right_spread_and_zero_biases():
    state = torch.get_rng_state()
    net = idm.lenet(layer="untied", seed=1)
    for p in net.parameters():
        if p.ndim == 1:
            assert not p.any()
        elif p.numel() > 5000:
            fan_in = p.shape[-2] if p.ndim == 3 else p[0].numel()
            assert p.std().item() == pytest.approx(math.sqrt(2 / fan_in), rel=0.05)
    assert torch.equal(torch.get_rng_state(), state)


def test_small_architectures_fit_the_budget():
    nets = idm.small_architectures(8, 64, 10, max_parameters=200, seed=3)
    sizes = [idm.count_parameters(idm.fc_net(n)) for n in nets]
    assert max(sizes) <= 200
    assert len({tuple(n) for n in nets}) == 8
    with pytest.raises(ValueError, match="^max_parameters must be at least 160"):
        idm.small_architectures(1, 64, 10, max_parameters=100)


@pytest.mark.parametrize("bad", [[5], [5, 0, 2]])
def test_bad_sizes_of_fc_net(bad):
    with pytest.raises(ValueError, match="^sizes"):
        idm.fc_net(bad)


def test_bad_images_for_lenet():
    with pytest.raises(ValueError, match="too small"):
        idm.lenet((1, 12, 12))
    with pytest.raises(ValueError, match="^shape must be"):
        idm.lenet((28, 28))
    with pytest.raises(ValueError, match="^layer must be one of 'conv', 'untied', 'dense'"):
        idm.lenet(layer="tied")


# ---- subspace model


@pytest.mark.parametrize("kind", KINDS)
def test_model_starts_as_an_exact_copy(kind):
    net = small_net()
    D = idm.count_parameters(net)
    model = idm.SubspaceModel(net, idm.make_projection(kind, D, 6))
    x = torch.randn(11, 5)
    assert torch.equal(model(x), net(x))
    assert [(n, tuple(p.shape)) for n, p in model.named_parameters()] == [("t", (6,))]


def test_subspace_gradient_is_the_projected_full_gradient():
    net, x, y = small_net(), torch.randn(20, 5), torch.randint(0, 3, (20,))
    P = idm.DenseProjection(idm.count_parameters(net), 6)
    model = idm.SubspaceModel(net, P)
    nn.functional.cross_entropy(model(x), y).backward()
    nn.functional.cross_entropy(net(x), y).backward()
    full = torch.cat([p.grad.flatten() for p in net.parameters()])
    torch.testing.assert_close(model.t.grad, P.matrix().T @ full)


def test_model_computes_with_theta0_plus_Pt():
    net = small_net()
    P = idm.SparseProjection(idm.count_parameters(net), 6)
    model = idm.SubspaceModel(net, P)
    with torch.no_grad():
        model.t.copy_(torch.randn(6))
        moved = idm.flatten_parameters(net) + P.matrix() @ model.t
        nn.utils.vector_to_parameters(moved, net.parameters())
        x = torch.randn(4, 5)
        torch.testing.assert_close(model(x), net(x))


def test_direct_model_trains_everything_and_leaves_the_module_alone():
    net = small_net()
    before = idm.flatten_parameters(net)
    model = idm.SubspaceModel(net, direct=True)
    assert sum(p.numel() for p in model.parameters()) == idm.count_parameters(net)
    model(torch.randn(4, 5)).sum().backward()
    torch.optim.SGD(model.parameters(), lr=1.0).step()
    assert not torch.equal(model.theta, before)
    assert torch.equal(idm.flatten_parameters(net), before)


def _trajectory(P_matrix, optimiser, steps=12, **options):
    """Outputs of a small network along a run in the subspace of the given matrix."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(30, 5, generator=generator, dtype=torch.float64)
    y = torch.randint(0, 3, (30,), generator=generator)
    net = small_net().double()
    P = idm.DenseProjection(*P_matrix.shape).double()
    P.P.copy_(P_matrix)
    model = idm.SubspaceModel(net, P)
    opt, outputs = optimiser(model.parameters(), **options), []
    for _ in range(steps):
        opt.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        opt.step()
        outputs.append(model(x).detach())
    return torch.stack(outputs)


def test_sgd_sees_the_column_space_only_and_adam_does_not():
    P = idm.DenseProjection(idm.count_parameters(small_net()), 6).double().matrix()
    Q = torch.linalg.qr(torch.randn(6, 6, dtype=torch.float64)).Q
    sgd = [_trajectory(M, torch.optim.SGD, lr=0.1, momentum=0.9) for M in (P, P @ Q)]
    adam = [_trajectory(M, torch.optim.Adam, lr=0.03) for M in (P, P @ Q)]
    torch.testing.assert_close(*sgd)
    assert (adam[0] - adam[1]).abs().max() > 1e-3


class _Plain(nn.Module):
    """Not a stack of layers: a skip connection."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(5, 5), nn.Linear(5, 3)

    def forward(self, x):
        return self.b(x + torch.tanh(self.a(x)))


def _tied():
    first, relu = nn.Linear(5, 5), nn.ReLU()
    return nn.Sequential(first, relu, first, relu, nn.Linear(5, 3))


def _same_relu_twice():
    relu = nn.ReLU()
    return nn.Sequential(nn.Linear(5, 6), relu, nn.Linear(6, 4, bias=False), relu, nn.Linear(4, 3))


def _named():
    return nn.Sequential(OrderedDict(first=nn.Linear(5, 4), act=nn.Tanh(), last=nn.Linear(4, 3)))


def _frozen():
    net = small_net()
    net[1].requires_grad_(False)
    return net


@pytest.mark.parametrize(
    ("net", "shape"),
    [
        (small_net, (5,)),
        (_Plain, (5,)),
        (_tied, (5,)),
        (_same_relu_twice, (5,)),
        (_named, (5,)),
        (_frozen, (5,)),
        (lambda: nn.Sequential(nn.Linear(5, 4), nn.LayerNorm(4), nn.Linear(4, 3)), (5,)),
        (lambda: nn.Sequential(nn.Linear(5, 4), nn.Flatten(), nn.Linear(8, 3)), (2, 5)),
        *[
            (partial(idm.lenet, (2, 8, 9), layer=k, kernel=2, channels=(2, 3), hidden=(5,)), (144,))
            for k in ("conv", "untied", "dense")
        ],
    ],
)
def test_many_members_are_as_many_single_networks(net, shape):
    net = net()
    network = FlatNetwork(net)
    theta = network.theta0 + torch.randn(3, network.D)
    x = torch.randn(3, 6, *shape)
    together = network.members(theta, x)
    for i in range(3):
        single = copy.deepcopy(net)
        trained = [p for p in single.parameters() if p.requires_grad]
        nn.utils.vector_to_parameters(theta[i], trained)
        torch.testing.assert_close(together[i], single(x[i]), atol=1e-4, rtol=1e-4)


def test_buffers_of_the_module_move_and_update():
    net = nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Linear(4, 3))
    model = idm.SubspaceModel(net, idm.DenseProjection(idm.count_parameters(net), 3)).double()
    assert model(torch.randn(8, 5, dtype=torch.float64)).dtype == torch.float64


def test_bad_input_to_model():
    with pytest.raises(TypeError, match="^projection must be"):
        idm.SubspaceModel(small_net())
    with pytest.raises(ValueError, match="^projection must have D="):
        idm.SubspaceModel(small_net(), idm.DenseProjection(10, 2))
    with pytest.raises(TypeError, match="^module must be"):
        idm.flatten_parameters("net")
    with pytest.raises(ValueError, match="^module must have"):
        idm.flatten_parameters(nn.ReLU())


# ---- training


def _reference_run(X, y, d, seed, n_steps, lr, batch_size, l2=0.0):
    """One run by a plain loop over one SubspaceModel: no vmap, no shared code for the batch."""
    net = small_net(seed)
    D = idm.count_parameters(net)
    model = idm.SubspaceModel(net, idm.DenseProjection(D, d, seed))
    generator = torch.Generator().manual_seed(seed)
    opt = torch.optim.Adam(model.parameters(), lr=lr)
    X, y = torch.as_tensor(X), torch.as_tensor(y)
    weights = torch.cat([torch.full((p.numel(),), float(p.ndim > 1)) for p in net.parameters()])
    for step in range(n_steps):
        for group in opt.param_groups:
            group["lr"] = lr * 0.5 ** (step * 3 // n_steps)
        rows = torch.randint(len(y), (batch_size,), generator=generator)
        loss = nn.functional.cross_entropy(model(X[rows]), y[rows])
        loss = loss + l2 * (weights * model.theta**2).sum()
        opt.zero_grad()
        loss.backward()
        opt.step()
    return model.theta.detach(), (model(X).argmax(1) == y).float().mean().item()


@pytest.mark.parametrize("l2", [0.0, 0.05])
def test_batched_training_equals_a_plain_loop(l2):
    X, y = blobs()
    options = {"n_steps": 15, "lr": 0.1, "batch_size": 16, "l2": l2}
    runs = idm.train_subspace(small_net, X, y, d=6, seed=[0, 4], halvings=2, **options, **QUIET)
    for i, seed in enumerate([0, 4]):
        theta, accuracy = _reference_run(X, y, 6, seed, **options)
        torch.testing.assert_close(runs.theta[0, i], theta, atol=1e-4, rtol=1e-3)
        assert runs.accuracy[0, i] == pytest.approx(accuracy, abs=1e-6)


def test_dimension_d_uses_the_first_d_columns():
    X, y = blobs()
    kw = {"n_steps": 10, "seed": 3, **QUIET}
    runs = idm.train_subspace(small_net, X, y, d=[2, 5], **kw)
    P = idm.DenseProjection(runs.D, 5, 3).matrix()
    moved = runs.theta[:, 0] - idm.flatten_parameters(small_net(3))
    for row, d in enumerate([2, 5]):
        t, residual = np.linalg.lstsq(P[:, :d].numpy(), moved[row].numpy(), rcond=None)[:2]
        assert residual[0] < 1e-8
        assert np.abs(t).min() > 1e-3


def test_members_of_a_batch_do_not_touch_each_other():
    """Plain gradient descent sees the size of the gradient; P is drawn for the largest d."""
    X, y = blobs()
    kw = {"optimiser": torch.optim.SGD, "lr": 0.5, "n_steps": 8, "l2": 0.02, **QUIET}
    both = idm.train_subspace(small_net, X, y, d=[2, 5], seed=[3, 4], **kw)
    alone = idm.train_subspace(small_net, X, y, d=5, seed=4, **kw)
    torch.testing.assert_close(both.theta[1, 1], alone.theta[0, 0])


def test_sparse_training_draws_its_matrix_layer_by_layer():
    X, y = blobs()
    kw = {"n_steps": 10, "seed": 3, "projection": "sparse", **QUIET}
    runs = idm.train_subspace(small_net, X, y, d=5, **kw)
    sizes = [p.numel() for p in small_net().parameters()]
    P = idm.SparseProjection(runs.D, 5, 3, layer_sizes=sizes).matrix().numpy()
    moved = (runs.theta[0, 0] - idm.flatten_parameters(small_net(3))).numpy()
    assert np.linalg.lstsq(P, moved, rcond=None)[1][0] < 1e-8
    assert np.linalg.norm(moved) > 0.1


def test_losses_are_means_over_the_members():
    X, y = blobs()
    runs = idm.train_subspace(small_net, X, y, d=[2, 5], seed=[0, 1], n_steps=1, **QUIET)
    first = []
    for seed in (0, 1):
        generator = torch.Generator().manual_seed(seed)
        rows = torch.randint(len(y), (128,), generator=generator)
        scores = small_net(seed)(torch.as_tensor(X)[rows])
        first.append(nn.functional.cross_entropy(scores, torch.as_tensor(y)[rows]).item())
    assert runs.losses[0] == pytest.approx(np.mean(first), rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_every_projection_learns_and_more_dimensions_help(kind):
    X, y = blobs()
    runs = idm.train_subspace(
        small_net, X, y, *blobs(seed=9), d=[1, 20], seed=[0, 1], projection=kind, lr=0.1,
        halvings=0, n_steps=60, **QUIET,
    )  # fmt: skip
    few, many = runs.accuracy.mean(1)
    assert many > 0.85 > few
    assert runs.losses[-1] < runs.losses[0]


def test_direct_training_and_predictions():
    X, y = blobs()
    runs = idm.train_direct(
        small_net, X, y, *blobs(seed=9), seed=[0, 1], lr=1e-2, halvings=0, n_steps=100, **QUIET
    )
    assert runs.d == [runs.D] == [66]
    assert runs.accuracy.shape == (1, 2)
    assert runs.accuracy.min() > 0.9
    again = runs.predict(torch.as_tensor(X), seed=1).numpy()
    assert (again == y).mean() == pytest.approx(runs.train_accuracy[0, 1])


def test_runs_are_reproducible_and_leave_the_global_generators_alone():
    X, y = blobs()
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    first, second = (
        idm.train_subspace(small_net, X, y, d=4, seed=1, n_steps=5, **QUIET) for _ in range(2)
    )
    assert torch.equal(first.theta, second.theta)
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert (np.random.get_state()[1] == numpy_state).all()  # noqa: NPY002


def test_penalty_shrinks_the_full_weights():
    X, y = blobs()
    norms = [
        idm.train_direct(small_net, X, y, lr=1e-2, l2=l2, halvings=0, n_steps=100, **QUIET)
        .theta.norm()
        .item()
        for l2 in (0.0, 0.02)
    ]
    assert norms[1] < 0.7 * norms[0]


def test_a_module_is_the_start_of_every_seed_and_is_left_alone():
    X, y = blobs()
    net, kw = small_net(7), {"d": 4, "seed": [1, 2], "n_steps": 5, **QUIET}
    before = idm.flatten_parameters(net)
    given = idm.train_subspace(net, X, y, **kw)
    made = idm.train_subspace(lambda _: small_net(7), X, y, **kw)
    assert torch.equal(given.theta, made.theta)
    assert not torch.equal(given.theta[0, 0], given.theta[0, 1])  # another P, other batches
    assert torch.equal(idm.flatten_parameters(net), before)


X_OK, Y_OK = blobs(20)


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"X": X_OK[:, 0]}, ValueError, "^X must have shape"),
        ({"X": np.full_like(X_OK, np.nan)}, ValueError, "^X must be finite"),
        ({"X": [["a", "b"]]}, TypeError, "^X must hold real numbers"),
        ({"X": X_OK[:0], "y": Y_OK[:0]}, ValueError, "^X must have shape"),
        ({"y": Y_OK[:-1]}, ValueError, "^y must have shape"),
        ({"y": Y_OK - 1}, ValueError, "^y must hold integer labels"),
        ({"y": Y_OK + 0.5}, ValueError, "^y must hold integer labels"),
        ({"X_val": X_OK}, ValueError, "^X_val and y_val"),
        ({"X_val": X_OK[:, :3], "y_val": Y_OK}, ValueError, "^X_val must have rows"),
        ({"d": 0}, ValueError, "^d must be"),
        ({"d": 10**6}, ValueError, "^d must be"),
        ({"d": []}, ValueError, "^d must hold"),
        ({"d": "all"}, TypeError, "^d must be"),
        ({"seed": -1}, ValueError, "^seed must be"),
        ({"projection": "random"}, ValueError, "^projection must be"),
        ({"n_steps": 0}, ValueError, "^n_steps must be"),
        ({"batch_size": 1.5}, TypeError, "^batch_size must be"),
        ({"lr": 0.0}, ValueError, "^lr must be"),
        ({"l2": -1.0}, ValueError, "^l2 must be"),
        ({"halvings": -1}, ValueError, "^halvings must be"),
        ({"make_model": "small_net"}, TypeError, "^make_model must be"),
    ],
)
def test_bad_input_to_training(change, error, text):
    arguments = {"make_model": small_net, "X": X_OK, "y": Y_OK, "d": 2, "n_steps": 1, **QUIET}
    with pytest.raises(error, match=text):
        idm.train_subspace(**{**arguments, **change})


# ---- intrinsic dimension


def test_dint_follows_the_rule_by_hand():
    d = [100, 10, 50]
    perf = [[0.95, 0.97], [0.2, 0.3], [0.8, 1.0]]
    assert idm.intrinsic_dimension(d, perf, 0.95) == 50  # mean 0.90 > 0.855
    assert idm.intrinsic_dimension(d, perf, 1.0) == 100  # 0.90 is not > 0.90: strict
    assert idm.intrinsic_dimension(d, perf, 1.0, fraction=1.0) == math.inf
    assert idm.intrinsic_dimension([1, 2], [0.1, 0.95], 1.0) == 2


def test_dint_of_the_papers_mnist_curve():
    d = [10, 50, 100, 200, 300, 400, 500, 600, 750, 1000, 2000, 5000, 10000, 25000]
    accuracy = [
        0.158, 0.456, 0.606, 0.771, 0.818, 0.854, 0.869, 0.888, 0.902, 0.918, 0.920, 0.944, 0.957,
        0.972,
    ]  # fmt: skip
    assert idm.intrinsic_dimension(d, accuracy, 1.0) == 750
    assert idm.compression_factor(199210, 750) == pytest.approx(265.6, abs=0.05)
    assert idm.description_length(750) == 751 * 32
    assert idm.description_length(750, bits=64) == 751 * 64


@given(
    st.lists(st.floats(0, 1), min_size=3, max_size=3), st.floats(0.05, 1.0), st.floats(0.05, 1.0)
)
@settings(max_examples=50, deadline=None)
def test_a_lower_bar_never_raises_dint(accuracy, low, high):
    low, high = sorted((low, high))
    d = [1, 2, 3]
    easy, hard = (idm.intrinsic_dimension(d, accuracy, 1.0, f) for f in (low, high))
    assert easy <= hard


def test_bootstrap_against_all_combinations():
    d, perf = [1, 2, 3], np.array([[0.1, 0.95], [0.2, 0.96], [0.97, 0.98]])
    # by hand: 1 with probability 1/2, else 2 with 1/2, else 3
    mean, std = idm.bootstrap_dint(d, perf, 1.0, n_resamples=20000, random_state=0)
    assert mean == pytest.approx(1.75, abs=0.03)
    assert std == pytest.approx(math.sqrt(0.5 + 1 + 2.25 - 1.75**2), abs=0.03)


def test_bootstrap_of_one_seed_has_no_spread_and_of_a_hopeless_curve_no_value():
    assert idm.bootstrap_dint([1, 2], [[0.1], [0.95]], 1.0) == (2.0, 0.0)
    mean, std = idm.bootstrap_dint([1, 2], [[0.1], [0.2]], 1.0)
    assert mean == math.inf
    assert math.isnan(std)


@pytest.mark.parametrize("function", [idm.intrinsic_dimension, idm.bootstrap_dint])
@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (([], np.ones((0, 1)), 1.0), ValueError, "^d_list"),
        (([1, 1], np.ones((2, 1)), 1.0), ValueError, "^d_list"),
        (([1, 2.5], np.ones((2, 1)), 1.0), TypeError, "^d_list"),
        (([1, 2], np.ones((3, 1)), 1.0), ValueError, "^perf must have shape"),
        (([1, 2], [[0.1], [np.nan]], 1.0), ValueError, "^perf must be finite"),
        (([1], [[0.5]], 0.0), ValueError, "^baseline"),
        (([1], [[0.5]], 1.0, 1.5), ValueError, "^fraction"),
        (([1], [[0.5]], "best"), TypeError, "^baseline"),
    ],
)
def test_bad_input_to_dint(function, arguments, error, text):
    with pytest.raises(error, match=text):
        function(*arguments)


def test_bad_input_to_description_length():
    with pytest.raises(ValueError, match="^d must be"):
        idm.description_length(0)
    with pytest.raises(ValueError, match="^D must be"):
        idm.compression_factor(10, 20)


def _estimator(**options):
    settings = {"d_grid": (1, 3, 20), "n_seeds": 2, "lr": 0.1, "n_steps": 60, **QUIET}
    settings["lr_direct"] = 1e-2
    return idm.IntrinsicDimensionEstimator(small_net, **{**settings, **options})


def test_estimator_fits_and_predicts():
    X, y = blobs(300)
    labels = np.array(["ant", "bee", "cat"])[y]
    model = _estimator().fit(X, labels)
    assert model.curve_.shape == (3, 2)
    assert model.D_ == 66
    assert model.d_int_ == idm.intrinsic_dimension((1, 3, 20), model.curve_, model.baseline_)
    assert model.d_int_ in (3, 20)
    fresh, truth = blobs(200, seed=7)
    assert model.score(fresh, np.array(["ant", "bee", "cat"])[truth]) > 0.75
    assert clone(model).get_params()["n_seeds"] == 2


def test_estimator_trains_the_baseline_at_its_own_rate():
    X, y = blobs(100)
    slow, fast = (
        _estimator(d_grid=(1,), n_seeds=1, lr_direct=rate).fit(X, y).baseline_
        for rate in (1e-6, 1e-2)
    )
    assert slow < fast - 0.2


def test_estimator_with_an_unreachable_bar():
    X, y = blobs(100)
    model = _estimator(d_grid=(1,), baseline=1.0, fraction=1.0, n_steps=5).fit(X, y)
    assert model.d_int_ == math.inf
    with pytest.raises(ValueError, match="no dimension of d_grid"):
        model.predict(X)


@pytest.mark.parametrize(
    ("options", "X", "y", "error", "text"),
    [
        ({}, X_OK[:, 0], Y_OK, ValueError, "^X must have shape"),
        ({}, np.full_like(X_OK, np.inf), Y_OK, ValueError, "^X must be finite"),
        ({}, X_OK, Y_OK[:3], ValueError, "^y must have shape"),
        ({}, X_OK, np.zeros(20), ValueError, "^y must hold at least two classes"),
        ({"projection": "none"}, X_OK, Y_OK, ValueError, "^projection"),
        ({"n_seeds": 0}, X_OK, Y_OK, ValueError, "^n_seeds"),
        ({"fraction": 2.0}, X_OK, Y_OK, ValueError, "^fraction"),
        ({"validation": 1.0}, X_OK, Y_OK, ValueError, "^validation"),
    ],
)
def test_bad_input_to_estimator(options, X, y, error, text):
    with pytest.raises(error, match=text):
        _estimator(**options).fit(X, y)


# ---- toy problem


def test_toy_problem_has_intrinsic_dimension_ten():
    S, target = idm.toy_problem()
    assert S.shape == (10, 1000)
    assert np.linalg.matrix_rank(scipy.linalg.null_space(S)) == 990
    theta0 = np.random.default_rng(0).normal(size=1000)
    for d, solved in ((9, False), (10, True), (15, True)):
        P = idm.DenseProjection(1000, d, seed=d).double().matrix().numpy()
        loss, performance = idm.toy_solve(S, target, theta0, P)
        assert (loss < 1e-12) == solved
        assert performance == pytest.approx(math.exp(-loss))


def test_toy_loss_is_the_groupwise_sum_at_the_minimum():
    S, target = idm.toy_problem(12, 3)
    rng = np.random.default_rng(1)
    theta0, P = rng.normal(size=12), rng.normal(size=(12, 2))
    loss, _ = idm.toy_solve(S, target, theta0, P)

    def by_hand(t):
        theta = theta0 + P @ t
        return sum((k - theta[4 * (k - 1) : 4 * k].sum()) ** 2 for k in (1, 2, 3))

    found = scipy.optimize.minimize(by_hand, np.zeros(2))
    assert loss == pytest.approx(found.fun, rel=1e-5)


def test_bad_input_to_toy():
    S, target = idm.toy_problem(6, 3)
    with pytest.raises(ValueError, match="^D must be a multiple"):
        idm.toy_problem(7, 3)
    with pytest.raises(ValueError, match="^P must have shape"):
        idm.toy_solve(S, target, np.zeros(6), np.ones((5, 2)))
    with pytest.raises(ValueError, match="^theta0 must have shape"):
        idm.toy_solve(S, target, np.zeros(5), np.ones((6, 2)))
    with pytest.raises(ValueError, match="must be finite"):
        idm.toy_solve(S, target, np.full(6, np.nan), np.ones((6, 2)))


# ---- shuffled data


@given(st.integers(0, 50))
@settings(max_examples=20, deadline=None)
def test_shuffled_pixels_are_one_permutation(seed):
    X = torch.randn(4, 2, 3, 5)
    Z = idm.shuffle_pixels(X, seed)
    assert Z.shape == X.shape
    assert torch.equal(Z.flatten(1).sort(1).values, X.flatten(1).sort(1).values)
    labels = torch.arange(30.0).expand(2, 30)
    order = idm.shuffle_pixels(labels, seed)
    assert torch.equal(order[0], order[1])
    assert torch.equal(Z.flatten(1), X.flatten(1)[:, order[0].long()])


def test_shuffling_pixels_is_a_relabelling_for_a_full_layer():
    X = torch.randn(6, 30)
    order = idm.shuffle_pixels(torch.arange(30.0)[None], 1)[0].long()
    first = nn.Linear(30, 4)
    permuted = nn.functional.linear(idm.shuffle_pixels(X, 1), first.weight[:, order], first.bias)
    torch.testing.assert_close(permuted, first(X), atol=1e-5, rtol=1e-5)


def test_shuffled_labels_keep_their_counts():
    y = torch.arange(10).repeat(100)
    z = idm.shuffle_labels(y, 1.0, 0)
    assert torch.equal(z.bincount(), y.bincount())
    assert abs((z == y).double().mean().item() - 0.1) < 0.05
    assert torch.equal(idm.shuffle_labels(y, 0.0), y)
    half = (idm.shuffle_labels(y, 0.5, 0) != y).double().mean().item()
    assert half == pytest.approx(0.45, abs=0.05)
    names = torch.arange(1000)
    assert torch.equal(idm.shuffle_labels(names, 0.5, 0).sort().values, names)


def test_bad_input_to_shuffling():
    with pytest.raises(TypeError, match="^X must be a tensor"):
        idm.shuffle_pixels(np.ones((2, 2)))
    with pytest.raises(ValueError, match="^X must have shape"):
        idm.shuffle_pixels(torch.ones(3))
    with pytest.raises(ValueError, match="^fraction must be"):
        idm.shuffle_labels(torch.ones(3, dtype=torch.int64), 1.5)
    with pytest.raises(ValueError, match="^y must have shape"):
        idm.shuffle_labels(torch.ones((2, 2), dtype=torch.int64))


# ---- cart-pole


def scalar_cartpole(state, action):
    """The equations of Barto, Sutton and Anderson for one cart, solved as a linear system.

    Unknowns are both accelerations, from Newton's law for the cart and pole together and the
    pole's torque balance; nothing is eliminated by hand.
    """
    x, v, angle, spin = state
    M, m, length, g, dt = 1.0, 0.1, 0.5, 9.8, 0.02
    push = 10.0 if action == 1 else -10.0
    s, c = math.sin(angle), math.cos(angle)
    # (M + m) x'' + m l cos a'' = F + m l spin^2 sin;  cos x'' + 4/3 l a'' = g sin
    left = np.array([[M + m, m * length * c], [c, 4 / 3 * length]])
    right = np.array([push + m * length * spin**2 * s, g * s])
    acceleration, angular = np.linalg.solve(left, right)
    new = (x + dt * v, v + dt * acceleration, angle + dt * spin, spin + dt * angular)
    return new, abs(new[0]) > 2.4 or abs(new[2]) > math.radians(12)


@pytest.mark.parametrize("seed", range(3))
def test_cartpole_against_a_scalar_simulation(seed):
    rng = np.random.default_rng(seed)
    env = idm.CartPole(5)
    start = env.reset(seed).copy()
    assert np.abs(start).max() <= 0.05
    states, returns, over = [tuple(s) for s in start], [0] * 5, [False] * 5
    for _ in range(200):
        actions = rng.integers(0, 2, 5)
        got, reward, done = env.step(actions)
        for i in range(5):
            assert reward[i] == (0.0 if over[i] else 1.0)
            if not over[i]:
                states[i], over[i] = scalar_cartpole(states[i], actions[i])
                returns[i] += 1
        np.testing.assert_allclose(got, states, rtol=1e-9, atol=1e-12)
        assert done.tolist() == over
    assert env.returns.tolist() == returns


def test_cartpole_stops_at_its_limits():
    for side in (-2.41, 2.41):
        far = idm.CartPole(1)
        far.state = np.array([[side, 0, 0, 0.0]])
        assert far.step(np.array([0]))[2].all()
    env = idm.CartPole(3, max_steps=2)
    env.state = np.array([[2.41, 0, 0, 0], [0, 0, 0.22, 0], [0, 0, 0, 0.0]])
    assert env.step(np.array([0, 0, 0]))[2].tolist() == [True, True, False]
    assert env.step(np.array([1, 1, 1]))[2].tolist() == [True, True, True]
    assert env.returns.tolist() == [1, 1, 2]


def test_a_hand_made_controller_balances():
    class Lean(nn.Module):
        """Push to the side to which the pole leans or falls."""

        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.tensor([[0.1, 0.2, 1.0, 0.5]]))

        def forward(self, x):
            z = x @ self.w.T
            return torch.cat((-z, z), -1)

    w = torch.tensor([[0.1, 0.2, 1.0, 0.5]])
    good, bad = idm.rollout(Lean(), torch.cat((w, -w)), episodes=20)
    assert good == 200
    assert bad < 15


def test_es_solves_the_pole_in_ten_dimensions_and_repeats():
    kw = {"d": [10], "seed": [0], "n_generations": 8, "test_episodes": 10, "progress": False}
    first = idm.es_subspace(lambda s: idm.cartpole_policy((8,), s), **kw)
    assert first.shape == (1, 1)
    assert first[0, 0] > 100
    untrained = idm.es_subspace(
        lambda s: idm.cartpole_policy((8,), s), **{**kw, "n_generations": 0}
    )
    assert untrained[0, 0] < first[0, 0]
    assert np.array_equal(first, idm.es_subspace(lambda s: idm.cartpole_policy((8,), s), **kw))


def test_es_gradient_points_uphill():
    """On a linear return the estimate is parallel to the slope, on average."""
    from mixbook.landscapes.intrinsic_dimension import cartpole

    slope = torch.tensor([3.0, -1.0, 0.0])
    eps = torch.randn(1, 1, 4000, 3, generator=torch.Generator().manual_seed(0))
    eps = torch.cat((eps, -eps), dim=2)
    found = cartpole._es_gradient((eps @ slope).numpy(), eps, 0.5)[0, 0, 0]
    cosine = torch.cosine_similarity(found, slope, dim=0)
    assert cosine > 0.99
    assert not cartpole._es_gradient(np.ones((1, 1, 8000)), eps, 0.5).any()
    # by hand: utilities 1/2 and -1/2, (1/2 * 3 + 1/2 * 3) / (2 * 0.5)
    pair = torch.tensor([[[[3.0], [-3.0]]]])
    assert cartpole._es_gradient(np.array([[[7.0, 2.0]]]), pair, 0.5).item() == 3.0


def test_es_moves_the_first_d_coordinates_in_mirrored_pairs():
    from mixbook.landscapes.intrinsic_dimension import cartpole

    search = cartpole._Search(lambda s: idm.cartpole_policy((4,), s), [1, 3], [0, 5], "dense")
    eps = search.noise(6)
    assert eps.shape == (2, 2, 12, 3)
    assert not eps[:, 0, :, 1:].any()
    assert eps[:, 0, :, 0].all()
    assert eps[:, 1].all()
    assert torch.equal(eps[:, :, :6], -eps[:, :, 6:])


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"population": 3}, "^population must be even"),
        ({"sigma": 0.0}, "^sigma"),
        ({"lr": -1.0}, "^lr"),
        ({"episodes": 0}, "^episodes"),
        ({"d": 0}, "^d must be"),
        ({"d": 10**6}, "^d must be"),
        ({"projection": "x"}, "^projection"),
        ({"seed": -2}, "^seed"),
    ],
)
def test_bad_input_to_es(change, text):
    kw = {"d": 2, "n_generations": 0, "progress": False, **change}
    with pytest.raises(ValueError, match=text):
        idm.es_subspace(lambda s: idm.cartpole_policy((4,), s), **kw)


def test_bad_input_to_cartpole():
    with pytest.raises(ValueError, match="^n must be"):
        idm.CartPole(0)
    with pytest.raises(ValueError, match="^action must be"):
        idm.CartPole(2).step(np.array([0, 2]))
    with pytest.raises(ValueError, match="^theta must have shape"):
        idm.rollout(idm.cartpole_policy((4,)), torch.zeros(2, 3))
    policy = idm.cartpole_policy((4,))
    with pytest.raises(ValueError, match="^starts must have shape"):
        idm.rollout(policy, torch.zeros(2, 30), starts=np.zeros((3, 1, 4)))


# ---- the method on real data


def test_digits_curve_rises_to_the_direct_accuracy():
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype("float32")
    make = lambda s: idm.fc_net([64, 20, 10], s)  # noqa: E731
    split = (X[:1200], y[:1200], X[1200:], y[1200:])
    direct = idm.train_direct(make, *split, lr=1e-2, n_steps=100, **QUIET)
    kw = {"d": [10, 100, 400], "projection": "sparse", "lr": 0.1, "n_steps": 100}
    runs = idm.train_subspace(make, *split, **kw, **QUIET)
    assert np.all(np.diff(runs.accuracy[:, 0]) > 0)
    assert idm.intrinsic_dimension(runs.d, runs.accuracy, direct.accuracy.mean()) in (100, 400)


def test_shuffled_data_of_one_network_share_a_shape():
    X = torch.rand(8, 1, 8, 8)
    net = idm.lenet((1, 8, 8), 3, kernel=2, channels=(2, 2), hidden=(4,))
    y = torch.randint(0, 3, (8,), generator=torch.Generator().manual_seed(0))
    make = lambda s: idm.lenet((1, 8, 8), 3, kernel=2, channels=(2, 2), hidden=(4,), seed=s)  # noqa: E731
    runs = idm.train_subspace(
        make, idm.shuffle_pixels(X), idm.shuffle_labels(y), d=3, n_steps=2, **QUIET
    )
    assert idm.count_parameters(net) == runs.D
