"""Meta Flow Matching against dense graph sums, closed-form flows, brute force, invariances."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge

from mixbook.core.transport import wasserstein_1, wasserstein_2
from mixbook.flows.meta_flow_matching import (
    ConditionalFlowMatching,
    FlowMatching,
    LocalMean,
    MetaFlowMatching,
    PopulationEncoder,
    PopulationGraph,
    ShiftOfMeans,
    VelocityNet,
    flow_matching_loss,
    integrate,
    knn_indices,
    make_cell_mixtures,
    make_digit_clouds,
    make_letters,
    ot_pairs,
    population_metrics,
    time_embedding,
)

SMALL = {"hidden": 32, "n_layers": 3, "n_fourier": 4, "t_dim": 8, "lr": 3e-3}
MODELS = {
    "FM": lambda **s: FlowMatching(**(SMALL | s)),
    "CGFM": lambda **s: ConditionalFlowMatching(**(SMALL | s)),
    "MFM": lambda **s: MetaFlowMatching(k=3, hidden_gnn=8, **(SMALL | s)),
}
BAD_MATRICES = {
    "NaN": (np.full((9, 2), np.nan), ValueError),
    "empty": (np.ones((0, 2)), ValueError),
    "a vector": (np.ones(9), ValueError),
    "text": ([["a", "b"]], TypeError),
    "None": (None, TypeError),
}


def cloud(n=20, d=2, seed=0, batch=()):
    return torch.randn(*batch, n, d, generator=torch.Generator().manual_seed(seed))


def opposite_pairs(n_populations=8, n=40, seed=0):
    """Populations left and right of the middle that move up and down."""
    rng = np.random.default_rng(seed)
    pairs = []
    for i in range(n_populations):
        side = 1 if i % 2 else -1
        x0 = rng.normal(size=(n, 2)) + [0.7 * side, 0]
        pairs.append((x0, x0 + [0, 2 * side]))
    return pairs


# ---- nearest neighbours and the encoder


@settings(max_examples=20)
@given(st.integers(2, 30), st.integers(1, 4), st.integers(0, 999), st.data())
def test_neighbours_are_those_of_brute_force(n, d, seed, data):
    k = data.draw(st.integers(0, n - 1))
    x = np.random.default_rng(seed).normal(size=(n, d))
    distance = cdist(x, x)
    np.fill_diagonal(distance, np.inf)
    np.testing.assert_array_equal(knn_indices(x, k), distance.argsort(1)[:, :k])


def test_a_point_is_never_its_own_neighbour_even_among_copies():
    x = np.zeros((7, 2))
    neighbours = knn_indices(x, 3)
    assert not (neighbours == torch.arange(7)[:, None]).any()
    assert all(len(set(row.tolist())) == 3 for row in neighbours)


def gcn_by_hand(encoder, x):
    """The symmetric normalisation of graph convolutions, with dense matrices."""
    n = len(x)
    A = np.eye(n)  # A[i, j] = 1 if j sends to i
    for i, row in enumerate(knn_indices(x, encoder.k)):
        A[i, row] = 1
    degree = A.sum(1)
    S = torch.tensor(A / np.sqrt(degree[:, None] * degree[None]), dtype=torch.float32)
    z = x
    for i, layer in enumerate(encoder.layers):
        z = S @ (z @ layer.weight.T) + layer.bias
        z = z.relu() if i < len(encoder.layers) - 1 else z
    z = z.mean(0)
    return z / z.norm()


@pytest.mark.parametrize("n_layers", [1, 2, 3, 4])
@pytest.mark.parametrize("k", [0, 1, 6])
def test_the_encoder_is_the_textbook_graph_network(n_layers, k):
    encoder = PopulationEncoder(3, 8, n_layers, k)
    x = cloud(25, 3)
    torch.testing.assert_close(encoder(x), gcn_by_hand(encoder, x), rtol=1e-4, atol=1e-5)


def test_without_neighbours_it_is_the_mean_of_a_network_of_single_points():
    encoder = PopulationEncoder(2, 8, 3, k=0)
    x = cloud(15)
    layers = [encoder.layers[0], torch.nn.ReLU(), encoder.layers[1], torch.nn.ReLU()]
    z = torch.nn.Sequential(*layers, encoder.layers[2])(x).mean(0)
    torch.testing.assert_close(encoder(x), z / z.norm(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("k", [0, 4])
def test_embeddings_are_unit_vectors_blind_to_the_order_of_points(k):
    encoder = PopulationEncoder(2, 16, 3, k)
    x = cloud(30, seed=1)
    h = encoder(x)
    assert h.norm().item() == pytest.approx(1, abs=1e-5)
    shuffled = x[torch.randperm(30, generator=torch.Generator().manual_seed(0))]
    torch.testing.assert_close(encoder(shuffled), h, rtol=1e-4, atol=1e-5)
    assert (encoder(2 * x) - h).norm() > 1e-3


def test_a_batch_is_embedded_as_its_populations_one_by_one_also_of_unequal_size():
    encoder = PopulationEncoder(2, 8, 3, 4)
    x = cloud(12, batch=(3,))
    torch.testing.assert_close(encoder(x), torch.stack([encoder(p) for p in x]))
    uneven = [cloud(n, seed=n) for n in (9, 30, 14)]
    joined = PopulationGraph.join([encoder.graph(p) for p in uneven])
    torch.testing.assert_close(encoder.embed(joined), torch.stack([encoder(p) for p in uneven]))


def test_cell_types_are_inputs_but_do_not_shape_the_graph():
    encoder = PopulationEncoder(2, 8, 2, 3, n_cell_cond=2)
    x, types = cloud(12), torch.eye(2)[torch.arange(12) % 2]
    graph = encoder.graph(x, types)
    assert torch.equal(graph.neighbours[:, 1:], knn_indices(x, 3))
    torch.testing.assert_close(graph.smoothed[0, 2:], types[graph.neighbours[0]].mean(0))
    assert (encoder(x, types) - encoder(x, types.flip(1))).norm() > 1e-3
    both = encoder(torch.stack([x, x]), torch.stack([types, types.flip(1)]))
    torch.testing.assert_close(both[1], encoder(x, types.flip(1)))


def test_weights_of_the_last_layer_sum_to_one():
    graph = PopulationGraph.build(cloud(40), 5)
    assert graph.weights.sum().item() == pytest.approx(1, abs=1e-6)
    assert graph.weights.std() > 0


# ---- the velocity network


def test_time_zero_is_zeros_then_ones_and_the_first_frequency_is_one():
    assert time_embedding(torch.tensor(0.0), 128).tolist() == [0.0] * 64 + [1.0] * 64
    e = time_embedding(torch.tensor([0.3, 1.0], dtype=torch.float64), 128)
    i = np.arange(64)
    angles = np.exp(-np.log(10_000) * i / 63)
    np.testing.assert_allclose(e[1], np.r_[np.sin(angles), np.cos(angles)], atol=1e-12)
    np.testing.assert_allclose(e[0, 0], np.sin(0.3), atol=1e-12)


def velocity_by_hand(net, t, x, h, c):
    """The network as one long input per point, in the order of the paper's code."""
    angles = 2 * np.pi * x @ net.B
    times = time_embedding(t, net.t_dim)
    z = torch.cat([h, times, angles.cos(), angles.sin(), x, c], dim=1)
    z = torch.nn.functional.selu(net.first(z))
    for block in net.blocks:
        z = torch.nn.functional.selu(block(z) + (z if net.skip else 0))
    return net.last(z)


@pytest.mark.parametrize("skip", [True, False])
def test_context_may_be_given_once_for_each_population(skip):
    net = VelocityNet(2, 5, 3, 16, 4, skip, n_fourier=6, t_dim=8, generator=0)
    assert len(net.blocks) == (3 if skip else 2)
    x, h, c, t = cloud(7, batch=(4,)), cloud(4, 5), cloud(4, 3, seed=2), torch.rand(4, 7)
    got = net(t, x, h, c)
    for i in range(4):
        each = velocity_by_hand(net, t[i], x[i], h[i].expand(7, 5), c[i].expand(7, 3))
        torch.testing.assert_close(got[i], each, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(net(t[0], x[0], h[0], c[0]), got[0])
    per_point = net(t[0], x[0], h[0].expand(7, 5), c[0].expand(7, 3))
    torch.testing.assert_close(per_point, got[0])
    torch.testing.assert_close(net(0.5, x, h, c), net(torch.full((4, 7), 0.5), x, h, c))


def test_fourier_directions_are_fixed_seeded_and_of_the_given_size():
    net = VelocityNet(3, n_fourier=4000, fourier_scale=0.2, hidden=4, generator=1)
    assert net.B.std().item() == pytest.approx(0.2, rel=0.03)
    assert "B" not in dict(net.named_parameters())
    again = VelocityNet(3, n_fourier=4000, fourier_scale=0.2, hidden=4, generator=1)
    assert all(
        torch.equal(a, b) for a, b in zip(net.state_dict().values(), again.state_dict().values())
    )


# ---- loss, flow, pairs


def test_the_best_constant_velocity_is_the_mean_displacement():
    x0, x1 = cloud(500, seed=1), cloud(500, seed=2) + 3
    v = torch.zeros(2, requires_grad=True)
    loss = flow_matching_loss(lambda t, x: v.expand_as(x), x0, x1, torch.rand(500))
    assert loss.item() == pytest.approx((x1 - x0).square().sum(1).mean().item(), rel=1e-5)
    (gradient,) = torch.autograd.grad(loss, v)
    torch.testing.assert_close(-gradient / 2, (x1 - x0).mean(0), rtol=1e-4, atol=1e-5)


def test_the_loss_looks_at_points_between_start_and_end():
    x0, x1, t = cloud(5), cloud(5, seed=1), torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0])
    seen = []
    flow_matching_loss(lambda t, x: seen.append(x) or x, x0, x1, t)
    torch.testing.assert_close(seen[0], (1 - t[:, None]) * x0 + t[:, None] * x1)
    values = flow_matching_loss(cloud(5, seed=3), x0, x1, t)
    assert values.item() == pytest.approx(
        (cloud(5, seed=3) - x1 + x0).square().sum(1).mean().item()
    )


def test_a_shift_is_followed_exactly_by_one_step_of_euler():
    x, a = cloud(), torch.tensor([1.0, -2.0])
    moved = integrate(lambda t, x: a.expand_as(x), x, method="euler", n_steps=1)[0]
    torch.testing.assert_close(moved, x + a)


def test_the_flow_of_a_linear_field_with_time_is_the_exponential():
    x = cloud(30)
    times = [0.3, 0.55, 1.0]  # multiples of 1/200
    exact = torch.stack([x * np.exp(t + t**2) for t in times])
    path = integrate(lambda t, x: (1 + 2 * t) * x, x, times, tol=1e-7)
    torch.testing.assert_close(path, exact, rtol=1e-4, atol=1e-5)
    errors = [
        (integrate(lambda t, x: (1 + 2 * t) * x, x, times, "euler", n) - exact).abs().max().item()
        for n in (200, 400)
    ]
    assert errors[1] == pytest.approx(errors[0] / 2, rel=0.05)
    assert errors[1] < 0.2


def test_pairs_by_transport_have_the_least_cost_and_keep_to_their_population():
    x0, x1 = (
        cloud(30, batch=(3,)),
        cloud(30, seed=1, batch=(3,)) + 10 * torch.arange(3)[:, None, None],
    )
    a, b = ot_pairs(x0, x1, 0)
    for i in range(3):
        rows0, rows1 = ({tuple(p.tolist()) for p in x[i]} for x in (x0, x1))
        drawn = {(tuple(p.tolist()), tuple(q.tolist())) for p, q in zip(a[i], b[i])}
        assert {p for p, _ in drawn} <= rows0
        assert {q for _, q in drawn} <= rows1
        assert len({p for p, _ in drawn}) == len(drawn) == len({q for _, q in drawn}) < 30
    many = [ot_pairs(x0[0], x1[0], s) for s in range(200)]
    cost = torch.stack([(p - q).square().sum(1).mean() for p, q in many]).mean().item()
    assert cost == pytest.approx(wasserstein_2(x0[0], x1[0]) ** 2, rel=0.05)


# ---- the estimators


@pytest.mark.parametrize("name", MODELS)
def test_a_common_shift_is_learned(name):
    pairs = [(cloud(50, seed=s).numpy(), cloud(50, seed=s).numpy() + [2.0, -1.0]) for s in range(4)]
    model = MODELS[name](max_steps=400, batch_points=50, random_state=0).fit(pairs)
    new = cloud(50, seed=9).numpy()
    assert wasserstein_1(model.predict(new, method="euler", n_steps=10), new + [2.0, -1.0]) < 0.3
    assert model.loss_curve_.shape == (400,)
    assert model.loss_curve_[-50:].mean() < 0.1 * model.loss_curve_[:5].mean()


@pytest.mark.parametrize("joint", [True, False])
def test_only_the_population_tells_where_to_go(joint):
    settings = {"max_steps": 800, "batch_points": 40, "random_state": 0}
    blind = MODELS["FM"](**settings).fit(opposite_pairs())
    reads = MODELS["MFM"](joint=joint, **settings).fit(opposite_pairs())
    new = opposite_pairs(4, seed=5)
    assert reads.score(new) > 0.35 * blind.score(new)  # scores are minus distances
    assert reads.score(new) == pytest.approx(
        -np.mean([wasserstein_1(reads.predict(a), b) for a, b in new]), rel=0.02
    )


def test_taking_turns_moves_one_network_at_a_time():
    moved = []

    class Spy(MetaFlowMatching):
        def _step(self, loss, optimisers):
            before = [[p.clone() for p in n.parameters()] for n in (self.net_, self.encoder_)]
            cache = self._cache.clone()
            MetaFlowMatching._step(loss, optimisers)
            now = [list(n.parameters()) for n in (self.net_, self.encoder_)]
            changed = [
                any(not torch.equal(a, b) for a, b in zip(*pair)) for pair in zip(before, now)
            ]
            moved.append((*changed, cache))

    def run(joint):
        moved.clear()
        Spy(k=3, hidden_gnn=8, joint=joint, batch_populations=2, batch_points=40, max_steps=6,
            random_state=0, **SMALL).fit(opposite_pairs())  # fmt: skip
        return list(moved)

    turns = run(joint=False)
    assert [m[:2] for m in turns] == 3 * [(True, False), (False, True)]
    rows = [int((a[2] != b[2]).any(1).sum()) for a, b in pairwise(turns)]
    assert rows[0] == 0  # the encoder has not moved yet: what is recomputed is what was cached
    assert rows[1::2] == [0, 0]  # a step of the flow only reads the cache
    assert 0 < rows[2] <= 2  # a step of the encoder renews its minibatch alone
    assert [m[:2] for m in run(joint=True)] == 6 * [(True, True)]


def test_the_index_model_knows_its_populations_and_gives_the_unseen_an_unused_code():
    pairs = opposite_pairs()
    model = MODELS["CGFM"](max_steps=800, batch_points=40, n_unseen=3, random_state=0).fit(pairs)
    x0, x1 = pairs[1]
    assert wasserstein_1(model.predict(x0, index=1), x1) < 0.3
    assert wasserstein_1(model.predict(x0, index=0), x1) > 2
    np.testing.assert_array_equal(model.predict(x0), model.predict(x0, index=8))
    assert not np.array_equal(model.predict(x0), model.predict(x0, index=9))
    # The weights of unused codes have never moved.
    start = MODELS["CGFM"](max_steps=1, batch_points=40, n_unseen=3, random_state=0).fit(pairs)
    W, W0 = (m.net_.first.weight.detach() for m in (model, start))
    torch.testing.assert_close(W[:, 8:11], W0[:, 8:11], rtol=0, atol=1e-6)
    assert (W[:, :8] - W0[:, :8]).abs().min(0).values.max() > 0


@pytest.mark.parametrize("name", MODELS)
def test_treatments_are_told_apart(name):
    pairs, treatment = [], []
    for i in range(8):
        x = cloud(40, seed=i).numpy()
        pairs.append((x, x + [3.0 * (i % 2), 0.0]))
        treatment.append(i % 2)
    settings = {"max_steps": 600, "batch_points": 40, "random_state": 0}
    model = MODELS[name](**settings).fit(pairs, treatment)
    new = cloud(40, seed=99).numpy()
    for c in (0, 1):
        assert wasserstein_1(model.predict(new, c), new + [3.0 * c, 0.0]) < 1.0
    as_rows = MODELS[name](**settings).fit(pairs, np.eye(2)[treatment])
    np.testing.assert_allclose(as_rows.predict(new, [0.0, 1.0]), model.predict(new, 1), atol=1e-5)


def test_transport_pairing_finds_a_shift_that_independent_pairs_blur():
    def unpaired(seed):
        rng = np.random.default_rng(seed)
        return rng.normal(size=(80, 2)), rng.normal(size=(80, 2)) + [3.0, 0.0]

    pairs = [unpaired(s) for s in range(6)]
    settings = {"max_steps": 200, "batch_points": 60, "random_state": 0, "paired": False}
    plain = MODELS["FM"](**settings).fit(pairs)
    matched = MODELS["FM"](ot=True, **settings).fit(pairs)
    # Left over: the variance of displacements, 4 for independent pairs and little for matched ones.
    assert plain.loss_curve_[-50:].mean() > 1.5
    assert matched.loss_curve_[-50:].mean() < 0.75
    assert wasserstein_1(matched.predict(pairs[0][0]), pairs[0][1]) < 0.7


def test_from_a_gaussian_base_the_source_matters_through_its_embedding_alone():
    pairs = opposite_pairs()
    model = MODELS["MFM"](
        base="gaussian", max_steps=600, batch_points=40, random_state=0, joint=True
    )
    model.fit(pairs)
    x0, x1 = pairs[1]
    same = model.predict(x0, random_state=0)
    np.testing.assert_allclose(model.predict(x0[::-1].copy(), random_state=0), same, atol=1e-3)
    assert not np.allclose(model.predict(x0, random_state=1), same)
    assert (
        wasserstein_1(same, x1) < wasserstein_1(model.predict(pairs[0][0], random_state=0), x1) - 1
    )


def test_cell_types_reach_the_encoder():
    """The same clouds, told apart by their cells' types alone."""
    x = cloud(40).numpy()
    pairs = [(x, x + [0.0, 2.0 * (i % 2)]) for i in range(4)]
    types = [np.eye(2)[np.full(40, i % 2)] for i in range(4)]
    model = MODELS["MFM"](joint=True, max_steps=400, batch_points=40, random_state=0)
    model.fit(pairs, cell_types=types)
    for i in (0, 1):
        assert wasserstein_1(model.predict(x, cell_types=types[i]), pairs[i][1]) < 0.3
    assert model.embed(x, types[0]).shape == (8,)


@pytest.mark.parametrize("name", MODELS)
def test_same_seed_same_model_and_results_of_the_kind_that_came_in(name):
    pairs = opposite_pairs(n=30)
    settings = {"max_steps": 5, "batch_points": 20, "batch_populations": 3}
    models = [MODELS[name](random_state=s, **settings).fit(pairs) for s in (0, 0, 1)]
    x = cloud()
    a, b, c = (m.predict(x) for m in models)
    assert torch.equal(a, b)
    assert not torch.equal(a, c)
    assert isinstance(models[0].predict(x.numpy()), np.ndarray)
    assert models[0].trajectory(x, [0.5, 1.0]).shape == (2, 20, 2)
    torch.testing.assert_close(models[0].trajectory(x, [0.5, 1.0])[1], a, rtol=1e-3, atol=1e-3)
    torch.manual_seed(0)
    before = torch.get_rng_state()
    clone(models[0]).set_params(random_state=0).fit(pairs)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", MODELS)
def test_many_populations_at_once_are_predicted_as_one_by_one(name):
    pairs = opposite_pairs(5)
    model = MODELS[name](max_steps=30, batch_points=40, random_state=0).fit(pairs, [0, 1, 0, 1, 0])
    new = [cloud(n, seed=n + i).numpy() for i, n in enumerate((20, 31, 20, 20))]
    contexts = [{"index": 5 + i} if name == "CGFM" else {} for i in range(4)]
    for method in ("euler", "dopri5"):
        together = model.predict_all(new, [0, 1, 1, 0], 20, method)
        for x, c, kw, end in zip(new, [0, 1, 1, 0], contexts, together):
            alone = model.predict(x, c, 20, method, **kw)
            np.testing.assert_allclose(end, alone, rtol=1e-2, atol=2e-3)
    if name == "CGFM":
        chosen = model.predict_all(new[:1], [0], contexts=[{"index": 2}])[0]
        np.testing.assert_allclose(chosen, model.predict(new[0], 0, index=2), atol=1e-4)


def test_populations_of_unequal_size_train_together_and_all_points_are_drawn():
    model = MODELS["MFM"](max_steps=10, batch_points=300, batch_populations=2, random_state=0)
    model.fit([(cloud(n, seed=n).numpy(), cloud(n, seed=n).numpy()) for n in (7, 50, 21)])
    assert np.isfinite(model.loss_curve_).all()
    from mixbook.flows.meta_flow_matching._estimators import _Batches

    sizes = [(7, 5), (3, 9)]
    clouds = [
        (100.0 * i + torch.arange(n)[:, None], torch.arange(m)[:, None])
        for i, (n, m) in enumerate(sizes)
    ]
    fm = FlowMatching(paired=False, batch_populations=2, batch_points=500)
    populations, x0, x1, t = _Batches(
        clouds, fm, torch.Generator().manual_seed(0), torch.device("cpu")
    )()
    for i, p in enumerate(populations.tolist()):
        assert sorted(set(x0[i].flatten().tolist())) == clouds[p][0].flatten().tolist()
        assert sorted(set(x1[i].flatten().tolist())) == clouds[p][1].flatten().tolist()
        assert abs(np.corrcoef(x0[i, :, 0], x1[i, :, 0])[0, 1]) < 0.2
    assert 0 <= t.min() < 0.01
    assert 0.99 < t.max() <= 1
    paired = FlowMatching(batch_populations=2, batch_points=500)
    same = [(a, a) for a, _ in clouds]
    _, x0, x1, _ = _Batches(same, paired, torch.Generator().manual_seed(0), torch.device("cpu"))()
    assert torch.equal(x0, x1)


# ---- data and metrics


def test_letters_are_the_right_way_up_and_scaled_and_their_rows_are_pairs():
    pairs = make_letters("LI", 4, 0, source_noise=0.3)
    assert [label for _, _, label in pairs] == ["L"] * 4 + ["I"] * 4
    for x0, x1, _ in pairs:
        assert x0.shape == x1.shape
        assert 700 < len(x0) < 2900
        assert (x0 - x1).std() == pytest.approx(0.3, rel=0.05)
        assert np.linalg.norm(x1, axis=1).max() < 4.5
    assert not np.allclose(pairs[0][1][:5], pairs[1][1][:5], atol=0.5)
    from mixbook.flows.meta_flow_matching._data import _letter_points

    points = _letter_points("L", None)
    assert points.min(0).tolist() == pytest.approx([-points[:, 0].max(), -3])
    assert points[:, 1].max() == pytest.approx(3)
    foot = points[points[:, 1] < -2.5]
    assert np.ptp(foot[:, 0]) == pytest.approx(np.ptp(points[:, 0]))  # the foot is wide, below
    assert np.ptp(points[points[:, 1] > 0][:, 0]) < 0.3 * np.ptp(points[:, 0])
    assert points[points[:, 1] > 0][:, 0].max() < 0  # the stem stands on the left


def test_turns_are_rotations_spread_over_the_circle():
    pairs = make_letters("L", 200, 1, n_points=60, noise=0.0, source_noise=0.0)
    assert all(len(x1) == 60 for _, x1, _ in pairs)
    means = np.array([x1.mean(0) for _, x1, _ in pairs])
    angles = np.sort(np.arctan2(*means.T))
    assert np.diff(angles).max() < 0.3
    from mixbook.flows.meta_flow_matching._data import _letter_points

    shape = {tuple(np.round([np.hypot(*p)], 3)) for p in _letter_points("L", None)}
    assert {tuple(np.round([np.hypot(*p)], 3)) for p in pairs[3][1].astype(float)} <= shape


def test_digit_clouds_are_the_dark_pixels():
    image = np.zeros((9, 9))
    image[1, 2:8] = 255  # a bar above
    image[1:8, 4] = 255  # a stem below it
    image[8, 8] = 99  # too pale
    ((x0, x1, label),) = make_digit_clouds(image[None], ["seven"], 0, n_points=4000)
    assert label == "seven"
    assert np.abs(x1).max() == pytest.approx(3, abs=1e-3)
    assert (x0 - x1).std() == pytest.approx(0.5, rel=0.03)
    high, low = x1[x1[:, 1] > 2.2], x1[x1[:, 1] < 1.5]
    assert np.ptp(high[:, 0]) > 5 * np.ptp(low[:, 0])
    assert np.ptp(x1[:, 0]) == pytest.approx(6 * 6 / 7, rel=0.02)


def test_cells_move_by_the_mean_push_of_their_population():
    rng = np.random.default_rng(0)
    centres = 20 * rng.normal(size=(3, 4))
    cells = np.concatenate([c + 0.01 * rng.normal(size=(50, 4)) for c in centres])
    made = make_cell_mixtures(cells, 5, 400, 0, n_types=3, strength=2.0)
    scaled = (cells - cells.mean(0)) / cells.std(0).mean()
    spots = np.array([scaled[50 * i : 50 * i + 50].mean(0) for i in range(3)])
    np.testing.assert_allclose(made.shares.sum(1), 1)
    for (x0, x1), w, types in zip(made.pairs, made.shares, made.types):
        counts = np.bincount(types, minlength=3) / 400
        np.testing.assert_allclose(counts, w, atol=0.12)
        for j in np.flatnonzero((counts > 0) & (w > 0.05)):
            own = x0[types == j].mean(0)
            assert np.linalg.norm(spots - own, axis=1).min() < 0.01
            push = sum(w[i] * made.interaction[j, i] for i in range(3))
            moved = np.linalg.norm(x1 - own - push, axis=1) < 0.02
            assert moved.mean() == pytest.approx(w[j], abs=0.1)
    assert made.interaction.shape == (3, 3, 4)
    lengths = make_cell_mixtures(cells, 1, 9, 0, n_types=30, strength=2.0).interaction
    assert (lengths**2).sum(-1).mean() == pytest.approx(4, rel=0.1)


def test_metrics_of_a_shift_and_of_a_changed_correlation():
    x = np.random.default_rng(0).normal(size=(300, 4)) @ np.diag([1, 2, 3, 4.0])
    x[:, 1] += x[:, 0]
    found = population_metrics(x + [3.0, 0, 4.0, 0], x)
    assert [found["w1"], found["w2"]] == pytest.approx([5, 5], rel=1e-6)
    assert [found["mean"], found["median"]] == pytest.approx([5 / 2, 5 / 2], rel=1e-6)
    assert found["corr_r2"] == pytest.approx(1, abs=1e-9)
    assert 0 < found["mmd"] < 2
    other = population_metrics(x[:, [2, 1, 0, 3]], x)
    assert other["corr_r2"] < 0.5
    assert "corr_r2" not in population_metrics(x[:, :2], x[:, :2])


def test_local_means_remove_noise_and_find_the_number_of_neighbours():
    pairs = make_letters("T", 3, 0, n_points=300)
    model = LocalMean().fit(pairs)
    x0, x1, _ = make_letters("H", 1, 5, n_points=300)[0]
    near = cdist(x0, x0).argsort(1)[:, : model.k_]
    np.testing.assert_allclose(model.predict(x0), x0[near].mean(1), atol=1e-5)
    assert wasserstein_1(model.predict(x0), x1) < wasserstein_1(x0, x1)
    assert 1 < model.k_ < 60


@pytest.mark.parametrize("alpha", [1.0, np.inf])
def test_the_shift_of_means_is_that_of_scikit_learn(alpha):
    pairs = [(cloud(30, 3, s).numpy() + s, cloud(30, 3, s + 50).numpy() * s) for s in range(6)]
    model = ShiftOfMeans(alpha).fit(pairs)
    m0, m1 = (np.array([p[i].mean(0) for p in pairs]) for i in (0, 1))
    new = cloud(30, 3, 99).numpy() + 2
    shift = (m1 - m0).mean(0)
    if alpha == 1.0:
        shift = Ridge(alpha=1.0).fit(m0, m1 - m0).predict(new.mean(0)[None])[0]
    np.testing.assert_allclose(model.predict(new), new + shift, atol=1e-3)


# ---- bad input


@pytest.mark.parametrize("bad", BAD_MATRICES)
def test_bad_populations_are_refused_everywhere(bad):
    value, error = BAD_MATRICES[bad]
    good = cloud().numpy()
    model = MODELS["MFM"](max_steps=1, batch_points=5, random_state=0).fit([(good, good)])
    calls = [
        lambda: knn_indices(value, 1),
        lambda: model.fit([(value, good)]),
        lambda: model.fit([(good, good), (good, value)]),
        lambda: model.predict(value),
        lambda: model.embed(value),
        lambda: population_metrics(value, good),
        lambda: LocalMean().fit([(value, good)]),
        lambda: ShiftOfMeans().fit([(good, value)]),
        lambda: make_cell_mixtures(value, 2, n_types=1),
    ]
    for call in calls:
        with pytest.raises(error, match=r"must"):
            call()


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"hidden": 0}, "hidden"),
        ({"max_steps": 0}, "max_steps"),
        ({"batch_points": 0}, "batch_points"),
        ({"batch_populations": 0}, "batch_populations"),
        ({"lr": 0.0}, "lr"),
        ({"base": "uniform"}, "base"),
        ({"t_dim": 7}, "t_dim"),
        ({"n_layers": 0}, "n_layers"),
        ({"fourier_scale": -1.0}, "fourier_scale"),
        ({"device": "abacus"}, "device"),
        ({"random_state": -1}, "seed"),
    ],
)
@pytest.mark.parametrize("name_of_model", MODELS)
def test_bad_settings_are_refused(name_of_model, settings, name):
    with pytest.raises(ValueError, match=name):
        MODELS[name_of_model](**settings).fit(opposite_pairs(2))


def test_bad_arguments_of_the_estimators_are_refused():
    pairs = opposite_pairs(3)
    x = pairs[0][0]
    mfm = MODELS["MFM"](max_steps=1, batch_points=5)
    cgfm = MODELS["CGFM"](max_steps=1, batch_points=5)
    unfitted = MODELS["MFM"]()
    for call, error in [(unfitted.predict, NotFittedError), (unfitted.embed, NotFittedError)]:
        with pytest.raises(error):
            call(x)
    mfm.fit(pairs), cgfm.fit(pairs)
    for call, text in [
        (lambda: mfm.fit([]), "non-empty"),
        (lambda: mfm.fit([x]), r"pairs\[0\] must be \(x0, x1\)"),
        (lambda: mfm.fit([(x, x[:10])]), "paired"),
        (lambda: mfm.fit([(x, x), (x[:, :1], x[:, :1])]), "column"),
        (lambda: MetaFlowMatching(k=40, max_steps=1).fit(pairs), "k must be less"),
        (lambda: mfm.fit(pairs, [0, 1]), "conditions must have length 3"),
        (lambda: mfm.fit(pairs, [0, 1, -1]), "conditions"),
        (lambda: mfm.fit(pairs, [0.5, 1, 2]), "conditions"),
        (lambda: mfm.fit(pairs, cell_types=[np.ones((40, 1))]), "cell_types must have length 3"),
        (lambda: cgfm.fit(pairs, cell_types=[1, 2, 3]), "cell_types must be None"),
        (lambda: cgfm.predict(x, index=99), "index"),
        (lambda: cgfm.predict(x, 1), "condition must be None"),
        (lambda: cgfm.predict(x[:, :1]), "column"),
        (lambda: cgfm.predict(x, method="rk9"), "method"),
        (lambda: cgfm.predict(x, method="euler", n_steps=0), "n_steps"),
        (lambda: cgfm.trajectory(x, [0.5, 0.2]), "times"),
        (lambda: cgfm.trajectory(x, []), "times"),
    ]:
        with pytest.raises(ValueError, match=text):
            call()
    mfm.fit(pairs, [0, 1, 0])
    for bad, text in [(None, "given"), (2, "condition")]:
        with pytest.raises(ValueError, match=text):
            mfm.predict(x, bad)


def test_bad_arguments_of_functions_are_refused():
    x = cloud()
    net = VelocityNet(2, 3, 0, 8, generator=0)
    encoder = PopulationEncoder(2, 4, k=3, n_cell_cond=1)
    for call, text in [
        (lambda: knn_indices(x, 20), "k must be less"),
        (lambda: knn_indices(x, -1), "k must"),
        (lambda: PopulationEncoder(2, 4, 0), "n_layers"),
        (lambda: PopulationEncoder(2, 4, k=-1), "k must"),
        (lambda: PopulationEncoder(2, 4, k=3)(x[0]), "points must"),
        (lambda: PopulationEncoder(3, 4, k=3)(x), "column"),
        (lambda: PopulationEncoder(2, 4, k=3)(x, x), "cell_cond must be None"),
        (lambda: encoder(x), "cell_cond must have 1"),
        (lambda: encoder(x, x[:5, :1]), "one row for each"),
        (lambda: net(0.5, x), "h must have 3"),
        (lambda: net(0.5, x, x), "h must have 3"),
        (lambda: net(0.5, x[:, :1], cloud(1, 3)[0]), "x must have shape"),
        (lambda: flow_matching_loss(x, x, x[:5], torch.rand(20)), "same shape"),
        (lambda: flow_matching_loss(x, x, x, torch.rand(5)), "t the shape"),
        (lambda: ot_pairs(x, x[:5]), "same shape"),
        (lambda: make_letters([], 1), "letters"),
        (lambda: make_letters(["AB"], 1), "letters"),
        (lambda: make_letters([" "], 1), "no pixels"),
        (lambda: make_letters("A", 0), "n_rotations"),
        (lambda: make_letters("A", 1, noise=-1.0), "noise"),
        (lambda: make_letters("A", 1, n_points=0), "n_points"),
        (lambda: make_digit_clouds(np.zeros((1, 5, 5))), "two pixels"),
        (lambda: make_digit_clouds(np.zeros((5, 5))), "images"),
        (lambda: make_digit_clouds(np.full((2, 5, 5), 255), [1]), "labels"),
        (lambda: make_cell_mixtures(x, 0), "n_populations"),
        (lambda: make_cell_mixtures(x, 1, concentration=0.0), "concentration"),
        (lambda: population_metrics(x, x[:, :1]), "column"),
        (lambda: LocalMean([0]).fit(opposite_pairs(2)), "choices"),
    ]:
        with pytest.raises(ValueError, match=text):
            call()


def test_bad_learning_rate_that_diverges_says_so():
    pairs = [(1e18 * cloud().numpy(), 1e20 * cloud().numpy())]
    with pytest.raises(FloatingPointError, match="at step"):
        MODELS["FM"](max_steps=20, batch_points=20, random_state=0).fit(pairs)
