"""ReGENN's layers, training and baselines against worked examples, loops, torch and NumPy."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.metrics import mean_squared_log_error, roc_auc_score
from torch import nn

from mixbook.data import load_covid19_panel
from mixbook.networks import regenn as rg
from mixbook.networks.regenn import scaling

TINY = {"feedforward": 8, "start": "last"}


def tensor(*rows):
    return torch.tensor(rows, dtype=torch.float32)


def panel_of(n=6, steps=40, variables=2, seed=0):
    rng = np.random.default_rng(seed)
    return np.cumsum(rng.poisson(3, (n, steps, variables)), axis=1).astype(float)


def forecaster(**changes):
    own = {"window": 4, "stride": 3, "val_stride": 3, "epochs": 2, "network": TINY}
    return rg.ReGENNForecaster(**(own | {"random_state": 0, "progress": False} | changes))


# --- layers ---------------------------------------------------------------------------------------


def test_cooccurrence_of_the_official_layer():
    x = tensor([[1, 2, 0], [0, 3, 1]], [[2, 0, 4], [1, 1, 1]])
    assert rg.cooccurrence_adjacency(x).tolist() == [[0, 2, 3], [3, 0, 4], [5, 2, 0]]
    alone = tensor([[5, 0, 0], [0, 3, 0]])
    assert rg.cooccurrence_adjacency(alone).tolist() == [[5, 0, 0], [0, 3, 0], [0, 0, 0]]


@given(st.integers(0, 10_000))
@settings(max_examples=20)
def test_cooccurrence_is_the_plain_loop(seed):
    rng = np.random.default_rng(seed)
    x = rng.poisson(0.7, (3, 4, 4)).astype(float)
    V = x.shape[2]
    wanted = np.zeros((V, V))
    for i in range(V):
        shared = 0.0
        for j in range(V):
            if i != j:
                mass = sum(x[b, t, i] for b in range(3) for t in range(4) if x[b, t, j] > 0)
                wanted[i, j] = mass
                shared += mass
        wanted[i, i] = max(x[..., i].sum() - shared, 0)
    np.testing.assert_allclose(rg.cooccurrence_adjacency(torch.tensor(x)), wanted)


def test_cosine_is_that_of_torch_and_survives_a_row_of_zeros():
    H = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    wanted = nn.functional.cosine_similarity(H[:, None], H[None], dim=2)
    torch.testing.assert_close(rg.cosine_matrix(H), wanted)
    H[1] = 0
    assert rg.cosine_matrix(H)[1].tolist() == [0, 0, 0, 0]


def identity_layer(**settings):
    layer = rg.GSEvolution(3, 1, 1, time_dot=False, dropout=0.0, **settings)
    with torch.no_grad():
        layer.W_A.copy_(torch.eye(3))
        layer.W_C.fill_(1.0)
    layer.preset_adjacency(tensor([0, 2, 1], [2, 0, 0], [1, 0, 3]))
    return layer


def test_soft_evolution_of_the_official_layer():
    out, H = identity_layer()(tensor([[1, 2, 3]]))
    np.testing.assert_allclose(out.detach(), [[[2.272792, 2.948683, 4.056720]]], rtol=1e-6)
    assert H.tolist() == [[0, 2, 1], [2, 0, 0], [1, 0, 3]]
    assert not H.requires_grad


def test_soft_evolution_step_by_step():
    """The whole layer, written with loops."""
    torch.manual_seed(3)
    layer = rg.GSEvolution(3, 4, 2, activation=torch.tanh, dropout=0.0)
    with torch.no_grad():
        for p in layer.parameters():
            p.copy_(torch.randn_like(p))
    S, x = torch.rand(3, 3), torch.rand(2, 4, 3)
    out, H = layer(x, S)
    p = {name: value.detach().numpy() for name, value in layer.named_parameters()}
    wanted_H = np.array(
        [
            [p["b_A"][i, 0] + sum(S[i, k] * p["W_A"][k, j] for k in range(3)) for j in range(3)]
            for i in range(3)
        ]
    )
    np.testing.assert_allclose(H, wanted_H, rtol=1e-5)
    cosine = wanted_H @ wanted_H.T / np.outer(*[np.linalg.norm(wanted_H, axis=1)] * 2)
    G = cosine * p["W_C"] + p["B_C"]
    for b in range(2):
        mixed = np.zeros((4, 3))
        for t, a in np.ndindex(4, 3):
            mixed[t, a] = np.tanh(sum(G[a, v] * float(x[b, t, v]) for v in range(3)))
        for d in range(2):
            row = sum(p["W_T"][t, d] * mixed[t] for t in range(4)) + p["b_T"][d, 0]
            np.testing.assert_allclose(out[b, d].detach(), row, rtol=1e-4, atol=1e-5)


def test_dropout_of_the_graph_layer_is_off_in_evaluation():
    layer = rg.GSEvolution(3, 5, 5, dropout=0.5)
    layer.preset_adjacency(torch.rand(3, 3))
    x = torch.rand(2, 5, 3)
    assert not torch.equal(layer(x)[0], layer(x)[0])
    layer.eval()
    assert torch.equal(layer(x)[0], layer(x)[0])


def test_graph_is_counted_stored_and_forgotten():
    layer, x = rg.GSEvolution(3, 2, 2), torch.rand(4, 2, 3)
    layer.accumulate(x)
    layer.accumulate(2 * x)
    torch.testing.assert_close(layer.adjacency, 3 * rg.cooccurrence_adjacency(x))
    assert "adjacency" in layer.state_dict()
    assert not any(p is layer.adjacency for p in layer.parameters())
    layer.reset_graph()
    assert layer.adjacency.abs().sum() == 0


def test_a_given_adjacency_is_stored_in_training_only():
    layer, S = rg.GSEvolution(3, 2, 2), torch.rand(3, 3)
    layer.eval()
    layer(torch.rand(1, 2, 3), S)
    assert layer.adjacency.abs().sum() == 0
    layer.train()
    layer(torch.rand(1, 2, 3), S)
    assert torch.equal(layer.adjacency, S)


def test_autoregression_is_a_linear_layer_on_the_time_axis():
    ar, linear = rg.Autoregression(5, 3), nn.Linear(5, 3)
    with torch.no_grad():
        ar.bias.copy_(torch.randn(3, 1))
        linear.weight.copy_(ar.weight.T)
        linear.bias.copy_(ar.bias[:, 0])
    x = torch.rand(4, 5, 2)
    torch.testing.assert_close(ar(x), linear(x.transpose(1, 2)).transpose(1, 2))


def test_autoregression_can_start_as_the_last_value():
    x = torch.rand(4, 5, 2)
    assert torch.equal(rg.Autoregression(5, 3, "last")(x), x[:, -1:].expand(4, 3, 2))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_vars": 1}, "n_vars must be"),
        ({"n_vars": 2.0}, "n_vars must be an integer"),
        ({"t_in": 0}, "t_in must be"),
        ({"dropout": 1.0}, "dropout must be"),
        ({"dropout": float("nan")}, "dropout must be"),
        ({"time_dot": False, "t_out": 3}, "t_out must equal t_in"),
        ({"activation": "ReLU"}, "activation must be callable"),
    ],
)
def test_bad_graph_layer(settings, message):
    with pytest.raises((TypeError, ValueError), match=message):
        rg.GSEvolution(**({"n_vars": 3, "t_in": 4, "t_out": 4} | settings))


def test_bad_input_of_layers():
    layer = rg.GSEvolution(3, 4, 4)
    for x in (torch.rand(4, 3), torch.rand(0, 4, 3), torch.ones(1, 4, 3, dtype=torch.int64)):
        with pytest.raises(ValueError, match="x must be a floating-point tensor"):
            layer(x)
        with pytest.raises(ValueError, match="x must be a floating-point tensor"):
            rg.cooccurrence_adjacency(x)
    with pytest.raises(ValueError, match="x must have 3 variables, got 2"):
        layer(torch.rand(1, 4, 2))
    for A in (torch.rand(2, 2), torch.full((3, 3), torch.nan)):
        with pytest.raises(ValueError, match="A must be finite, of shape"):
            layer.preset_adjacency(A)
    with pytest.raises(ValueError, match="start must be"):
        rg.Autoregression(4, 3, "zero")
    with pytest.raises(ValueError, match="eps must be > 0"):
        rg.cosine_matrix(torch.rand(2, 2), eps=0.0)


# --- network --------------------------------------------------------------------------------------


def count(module):
    return sum(p.numel() for p in module.parameters())


def test_number_of_parameters():
    """32,331 in the authors' program: 36 stored entries of graphs, 56 weights without a use."""
    net = rg.ReGENN(3, 7, 7, bidirectional_gate=True, bidirectional_sequencer=True)
    parts = {name: count(part) for name, part in net.named_children() if count(part)}
    assert parts == {
        "source": 104 - 18,
        "encoder": 30_979,
        "gate": 896,
        "sequencer": 192,
        "target": 104 - 18 - 56,
        "autoregression": 56,
    }
    assert count(net) == 32_331 - 36 - 56


@pytest.mark.parametrize("gate", ["LSTM", "GRU", "RNN"])
@pytest.mark.parametrize("sequencer", [None, "GRU"])
@pytest.mark.parametrize("both", [False, True])
def test_shapes_and_ablations(gate, sequencer, both):
    x = torch.rand(5, 6, 3)
    for switches in ({}, {"graph": False}, {"encoder": False}, {"autoregression": False}):
        net = rg.ReGENN(
            3, 6, 4, gate, sequencer, bidirectional_gate=both, bidirectional_sequencer=both,
            feedforward=8, **switches,
        )  # fmt: skip
        out = net(x)
        assert out.shape == (5, 4, 3)
        assert (out >= 0).all()
        assert (net.source is None) == (not switches.get("graph", True))


def quiet(**settings):
    torch.manual_seed(0)
    net = rg.ReGENN(2, 5, 3, feedforward=8, output="Identity", **settings)
    for p in net.parameters():
        nn.init.normal_(p, std=0.4)
    return net.eval()


def test_forward_is_the_composition_of_its_parts():
    net = quiet(bidirectional_gate=True)
    net.source.preset_adjacency(torch.rand(2, 2))
    x = torch.rand(4, 5, 2)
    z, H = net.source(x)
    tokens = z.permute(0, 2, 1)
    attended = net.encoder(tokens)  # not batch_first: samples are the sequence
    both = net.gate.layer(attended)[0]
    gated = (both[..., :3] + both[..., 3:]).permute(0, 2, 1)
    mixed = net.sequencer.layer(gated)[0] + gated
    wanted = net.target(mixed, H)[0] + net.autoregression(x)
    torch.testing.assert_close(net(x), wanted)


def test_output_activation_comes_last():
    net = quiet()
    net.source.preset_adjacency(torch.rand(2, 2))
    x = torch.rand(4, 5, 2)
    raw = net(x)
    assert (raw < 0).any()
    net.output = nn.ReLU()
    assert torch.equal(net(x), raw.clamp_min(0))


def test_who_is_attended_over():
    """Over samples, a forecast depends on the rest of the batch; over variables it does not."""
    x = torch.rand(6, 5, 2)
    for axis, depends in (("samples", True), ("variables", False)):
        net = quiet(attention_over=axis)
        assert torch.allclose(net(x)[:3], net(x[:3]), atol=1e-5) != depends
    net = quiet(attention_over="samples")
    torch.testing.assert_close(net(x, n_groups=2), torch.cat([net(x[:3]), net(x[3:])]))
    torch.testing.assert_close(net(x.flip(0)), net(x).flip(0))


def test_variables_are_attended_over_as_a_sequence():
    net = quiet(attention_over="variables", graph=False, sequencer=None, autoregression=False)
    x = torch.rand(2, 5, 2)
    one = net.gate(net.encoder(x[:1].transpose(1, 2))).transpose(1, 2)
    torch.testing.assert_close(net(x)[:1], one)


def test_time_gate_runs_along_the_variables():
    """The last variable cannot influence the forecast of the first one, which comes before it."""
    net = quiet(encoder=False, graph=False, sequencer=None)
    x = torch.rand(1, 5, 2)
    y = x.clone()
    y[..., 1] += 1
    assert torch.equal(net(x)[..., 0], net(y)[..., 0])
    y = x.clone()
    y[..., 0] += 1
    assert not torch.allclose(net(x)[..., 1], net(y)[..., 1])


def test_target_layer_reads_the_evolved_graph():
    net = quiet()
    net.source.preset_adjacency(torch.rand(2, 2))
    net.train()
    net(torch.rand(3, 5, 2))
    graphs = net.learned_graphs()
    torch.testing.assert_close(net.target.adjacency, graphs["evolved"])
    torch.testing.assert_close(graphs["evolved"], net.source.evolve().detach())
    C = rg.cosine_matrix(net.target.b_A + graphs["evolved"] @ net.target.W_A)
    torch.testing.assert_close(graphs["target"], (C * net.target.W_C + net.target.B_C).detach())
    C = rg.cosine_matrix(graphs["evolved"])
    torch.testing.assert_close(graphs["source"], (C * net.source.W_C + net.source.B_C).detach())


def test_every_parameter_learns():
    net = quiet(bidirectional_gate=True, bidirectional_sequencer=True)
    net.train()
    net.source.accumulate(torch.rand(8, 5, 2))
    net(torch.rand(8, 5, 2)).pow(2).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_vars": 1}, "n_vars must be"),
        ({"window": 0}, "window must be"),
        ({"stride": 1.5}, "stride must be an integer"),
        ({"gate": "lstm"}, "gate must be one of 'LSTM'"),
        ({"sequencer": "CNN"}, "sequencer must be one of"),
        ({"output": "relu"}, "output must be one of"),
        ({"attention_over": "time"}, "attention_over must be one of"),
        ({"dropout": -0.1}, "dropout must be"),
        ({"feedforward": 0}, "feedforward must be"),
        ({"start": "zero"}, "start must be one of"),
    ],
)
def test_bad_network(settings, message):
    with pytest.raises((TypeError, ValueError), match=message):
        rg.ReGENN(**({"n_vars": 2, "window": 5, "stride": 3} | settings))


def test_bad_input_of_the_network():
    net = quiet(graph=False)
    with pytest.raises(ValueError, match=r"x must have shape \(samples, 5, 2\)"):
        net(torch.rand(3, 4, 2))
    with pytest.raises(ValueError, match="n_groups must divide the 3 samples, got 2"):
        net(torch.rand(3, 5, 2), n_groups=2)
    with pytest.raises(ValueError, match="graph must be True"):
        net.learned_graphs()


# --- scales ---------------------------------------------------------------------------------------


def test_scales_by_hand():
    x = tensor([[1, 0], [4, 0.5]])
    assert rg.window_scale(x).tolist() == [[[4, 1]]]
    assert scaling.to_scale(x, "window", 1.0).tolist() == [[[0.25, 0], [1, 0.5]]]
    torch.testing.assert_close(scaling.to_scale(x, "log", 2.0), torch.log1p(x) / 2)
    assert scaling.to_scale(x, "official_axis2", 1.0).tolist() == [[[1, 0], [1, 0.125]]]
    assert scaling.log_constant(x) == pytest.approx(np.log(5))
    assert scaling.log_constant(x / 10) == 1.0


@pytest.mark.parametrize("kind", ["window", "log", "official_axis2"])
def test_scales_are_undone(kind):
    x = torch.rand(3, 5, 2) * 100
    torch.testing.assert_close(
        scaling.from_scale(scaling.to_scale(x, kind, 4.0), x, kind, 4.0, future=x), x
    )


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_official_scale_is_the_maximum_along_an_axis(axis):
    x = panel_of()
    x[0] = 0
    assert (rg.official_scale(x, axis) == x.max(axis, keepdims=True).clip(1)).all()


def test_official_scale_leaks_the_panel():
    """No model at all: ratio 1, or the last observed ratio, times the scale of future steps."""
    x = load_covid19_panel().distinct.astype(float)
    scale, y = rg.official_scale(x, 2), x[:, -7:]
    ratio = x[:, -8:-7] / scale[:, -8:-7]
    assert rg.mae(scale[:, -7:, 0], y[..., 0]) == 0
    assert rg.mae((ratio * scale[:, -7:])[..., 1], y[..., 1]) == pytest.approx(524.5, abs=0.05)
    last = rg.last_value(x[:, -14:-7], 7)
    assert rg.mae(last[..., 1], y[..., 1]) == pytest.approx(1015.0, abs=0.05)


def test_bad_scale():
    with pytest.raises(ValueError, match="axis must be an integer"):
        rg.official_scale(panel_of(), 3)
    with pytest.raises(ValueError, match="future must be given"):
        scaling.from_scale(torch.rand(1, 2, 2), torch.rand(1, 3, 2), "official_axis2", 1.0)


# --- forecaster -----------------------------------------------------------------------------------


def test_split_of_the_authors():
    split = rg.panel_split(120, 7, 7, 7)
    assert split["train"].tolist() == list(range(120 - 7 - 14 - 7 + 1))
    assert split["validation"].tolist() == [120 - 21]
    assert split["test"].tolist() == [106]


@given(st.integers(1, 6), st.integers(1, 6), st.data())
@settings(max_examples=40)
def test_targets_of_the_parts_do_not_meet(window, stride, data):
    r = data.draw(st.integers(0, stride))
    Y = window + 2 * stride + r + data.draw(st.integers(0, 9))
    split = rg.panel_split(Y, window, stride, r)
    targets = lambda start, n: set(range(start + window, start + window + n))  # noqa: E731
    train = set().union(*(targets(s, stride) for s in split["train"]))
    validation = set().union(set(), *(targets(s, r) for s in split["validation"]))
    test = targets(split["test"][0], stride)
    assert max(test) == Y - 1
    assert train | validation | test == set(range(window, Y))
    assert not train & validation
    assert not (train | validation) & test


def test_bad_split():
    with pytest.raises(ValueError, match=r"Y must be at least .* = 28, got 27"):
        rg.panel_split(27, 7, 7, 7)
    with pytest.raises(ValueError, match="val_stride must be"):
        rg.panel_split(60, 7, 7, 8)


def test_windows_hold_what_they_should():
    x = torch.arange(4 * 20 * 2, dtype=torch.float32).reshape(4, 20, 2)
    a, b = forecaster()._windows(x, np.array([2, 0]), np.array([5, 9]))
    for row, (sample, start) in enumerate([(2, 5), (0, 5), (2, 9), (0, 9)]):
        assert torch.equal(a[row], x[sample, start : start + 4])
        assert torch.equal(b[row], x[sample, start + 4 : start + 7])


@pytest.mark.parametrize("iterate", ["time", "batch", "shuffled"])
def test_an_epoch_sees_every_pair_once(iterate):
    model = forecaster(iterate=iterate, batch_size=3, windows_per_batch=4)
    batches = list(model._batches(8, np.arange(10), np.random.default_rng(0)))
    pairs = [(s, w) for samples, windows in batches for s in samples for w in windows]
    assert sorted(pairs) == [(s, w) for s in range(8) for w in range(10)]
    begins = [windows[0] for _, windows in batches]
    if iterate == "time":  # all windows of the first samples, then all of the next ones
        half = len(batches) // 2
        assert begins == sorted(begins[:half]) * 2
        assert len({tuple(samples) for samples, _ in batches[:half]}) == 1
    if iterate == "batch":
        assert begins == sorted(begins)


def test_graph_is_counted_in_the_first_epoch_only():
    x = panel_of()
    once, thrice = forecaster(epochs=1).fit(x), forecaster(epochs=3).fit(x)
    S = once.learned_graphs()["adjacency"]
    np.testing.assert_array_equal(S, thrice.learned_graphs()["adjacency"])
    starts = rg.panel_split(43, 4, 3, 3)["train"]
    scaled = [x[:, s : s + 4] / x[:, s : s + 4].max(1, keepdims=True).clip(1) for s in starts]
    wanted = rg.cooccurrence_adjacency(torch.tensor(np.concatenate(scaled), dtype=torch.float32))
    np.testing.assert_allclose(S, wanted, rtol=1e-5, atol=1e-3)  # a difference of large sums


@pytest.mark.parametrize("scale", ["window", "log"])
@pytest.mark.parametrize("criterion", ["mae", "scaled_mae"])
def test_training_helps_and_is_repeatable(scale, criterion):
    x = panel_of(12)
    settings = {"epochs": 8, "batch_size": 6, "windows_per_batch": 9, "lr": 0.01}
    model = forecaster(scale=scale, criterion=criterion, **settings).fit(x)
    assert model.history_["train"][-1] < 0.85 * model.history_["train"][0]
    assert model.best_epoch_ == int(np.argmin(model.history_["watched"]))
    again = clone(model).fit(x)
    assert np.array_equal(model.predict(x[:, -4:]), again.predict(x[:, -4:]))
    other = clone(model).set_params(random_state=1).fit(x)
    assert not np.array_equal(model.predict(x[:, -4:]), other.predict(x[:, -4:]))


def test_the_best_weights_are_kept():
    x = panel_of(12)
    model = forecaster(epochs=8, lr=0.05).fit(x)
    guess = model.predict(x[:, -7:-3])
    assert rg.mae(guess, x[:, -3:]) == pytest.approx(min(model.history_["watched"]), rel=1e-4)


def test_cooccurrences_are_counted_in_the_first_epoch_only():
    x = panel_of(12)
    once, longer = (forecaster(epochs=n, lr=0.01).fit(x) for n in (1, 8))
    assert longer.best_epoch_ > 0
    counted = [model.learned_graphs()["adjacency"] for model in (once, longer)]
    assert np.array_equal(*counted)


def test_the_last_steps_are_not_trained_on():
    """Other values in the watched steps change when training stops, and nothing else."""
    x, y = panel_of(), panel_of()
    y[:, -3:] += 50
    a, b = (forecaster(epochs=1, lr_patience=99).fit(z) for z in (x, y))
    for p, q in zip(a.network_.parameters(), b.network_.parameters()):
        assert torch.equal(p, q)
    assert a.history_["watched"] != b.history_["watched"]


def test_log_constant_is_of_the_training_period():
    x = panel_of()
    model = forecaster(scale="log", epochs=1).fit(x)
    assert model.constant_ == pytest.approx(np.log1p(x[:, :-3].max()), rel=1e-6)


def test_nothing_watched_means_the_training_loss():
    model = forecaster(val_stride=0).fit(panel_of())
    assert model.history_["watched"] == model.history_["train"]


def test_early_stop_and_a_falling_rate():
    own = {"early_stop": 3, "lr_patience": 0, "lr_threshold": 0.9, "windows_per_batch": 9}
    model = forecaster(epochs=60, lr=0.01, **own)
    model.fit(panel_of())
    assert len(model.history_["lr"]) == model.best_epoch_ + 4 < 60
    assert model.history_["lr"][-1] < 0.01 * 0.95


def test_global_random_state_is_left_alone():
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    forecaster(epochs=1).fit(panel_of())
    assert torch.equal(torch.rand(3), wanted)


def test_untrained_forecast_with_the_official_scale_is_ratio_times_future_maximum():
    x = panel_of()
    switches = {"graph": False, "encoder": False}
    model = forecaster(scale="official_axis2", network=TINY | switches, epochs=1, lr=1e-12).fit(x)
    y = x[:, -3:] + 7
    with torch.no_grad():  # only the highway is left, which repeats the last value
        for p in model.network_.gate.parameters():
            p.zero_()
        for p in model.network_.sequencer.parameters():
            p.zero_()
    h = x[:, -4:]
    wanted = h[:, -1:] / h[:, -1:].max(2, keepdims=True) * y.max(2, keepdims=True)
    np.testing.assert_allclose(model.predict(h, y), wanted, rtol=1e-5)
    with pytest.raises(ValueError, match="future must be given"):
        model.predict(h)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 0}, "epochs must be"),
        ({"window": 2.5}, "window must be an integer"),
        ({"val_stride": 4}, "val_stride must be"),
        ({"batch_size": 0}, "batch_size must be"),
        ({"scale": "none"}, "scale must be one of"),
        ({"criterion": "mse"}, "criterion must be one of"),
        ({"iterate": "random"}, "iterate must be one of"),
        ({"lr": 0}, "lr must be > 0"),
        ({"lr": float("nan")}, "lr must be > 0"),
        ({"clip": -1}, "clip must be > 0"),
        ({"lr_factor": 1.0}, "lr_factor must be"),
        ({"network": [1]}, "network must be a dict"),
        ({"random_state": -1}, "a seed must be >= 0"),
        ({"device": "tpu9"}, "device must be"),
    ],
)
def test_bad_settings_of_the_forecaster(settings, message):
    with pytest.raises((TypeError, ValueError), match=message):
        forecaster(**settings).fit(panel_of())


def test_bad_panels():
    x = panel_of()
    broken = x.copy()
    broken[0, 0, 0] = np.nan
    for panel, message in (
        (x[0], "panel must have the axes samples, time and variables"),
        (x[:0], "panel must have the axes"),
        (broken, "panel must be finite, but 1 of its entries"),
        (-x, "panel must be >= 0"),
        (x[..., :1], "panel must have at least 2 variables"),
        (x[:, :9], "panel must have at least 10 steps, got 9"),
    ):
        with pytest.raises(ValueError, match=message):
            forecaster().fit(panel)
    with pytest.raises(TypeError, match="panel must hold real numbers"):
        forecaster().fit(x.astype(str))
    with pytest.raises(Exception, match="not fitted"):
        forecaster().predict(x)
    model = forecaster(epochs=1).fit(x)
    with pytest.raises(ValueError, match="history must have 4 steps, got 5"):
        model.predict(x[:, -5:])
    with pytest.raises(ValueError, match="history must have 2 variables, got 1"):
        model.predict(x[:, -4:, :1])


# --- measures -------------------------------------------------------------------------------------


def test_measures_by_hand_and_by_scikit_learn():
    assert rg.mae([[1, 2]], [[2, 4]]) == 1.5
    assert rg.rmse([[1, 2]], [[2, 4]]) == pytest.approx(np.sqrt(2.5))
    rng = np.random.default_rng(0)
    a, b = rng.exponential(50, (2, 30))
    assert rg.msle(a, b) == pytest.approx(mean_squared_log_error(b, a))
    assert rg.msle([-5.0], [np.e - 1]) == pytest.approx(1.0)


@pytest.mark.parametrize("measure", [rg.mae, rg.rmse, rg.msle])
def test_bad_measures(measure):
    with pytest.raises(ValueError, match="must have the same shape"):
        measure([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="must have the same shape"):
        measure([], [])
    with pytest.raises(ValueError, match="prediction must be finite"):
        measure([np.nan], [1.0])
    with pytest.raises(TypeError, match="target must hold real numbers"):
        measure([1.0], ["a"])
    with pytest.raises(ValueError, match="target must be >= 0"):
        rg.msle([1.0], [-1.0])


# --- baselines ------------------------------------------------------------------------------------


def test_trends_continue_lines_and_exponentials():
    t = np.arange(12.0)
    line = np.stack([3 + 2 * t, 50 - t], axis=1)[None]
    np.testing.assert_allclose(rg.linear_trend(line[:, :8], 4), line[:, 8:])
    growth = np.expm1(0.5 + 0.1 * line)
    np.testing.assert_allclose(rg.log_linear_trend(growth[:, :8], 4), growth[:, 8:])
    assert rg.linear_trend(10 - line[:, :8], 4).min() == 0
    assert rg.last_value(line[:, :8], 4).tolist() == [[line[0, 7].tolist()] * 4]


def test_trend_is_least_squares():
    x = panel_of()[:, :7]
    slope, start = np.polyfit(np.arange(7), x[2, :, 1], 1)
    assert rg.linear_trend(x, 3)[2, :, 1] == pytest.approx(start + slope * np.arange(7, 10))


def test_linear_trend_of_the_covid_panel():
    x = load_covid19_panel().distinct.astype(float)
    assert rg.msle(rg.last_value(x[:, -14:-7], 7), x[:, -7:]) == pytest.approx(0.1060, abs=1e-4)
    assert rg.msle(rg.linear_trend(x[:, -14:-7], 7), x[:, -7:]) == pytest.approx(0.0795, abs=1e-4)


def test_pooled_regression_finds_the_law_of_the_panel():
    """x_{t+1} = A x_t is linear, so with all variables it is forecast exactly."""
    rng = np.random.default_rng(0)
    A = 0.5 * np.eye(3) + 0.4 * rng.dirichlet([1, 1, 1], 3)
    x = [rng.random((10, 3)) + 1]
    for _ in range(30):
        x.append(x[-1] @ A.T)
    x = np.stack(x, axis=1)
    both = {"window": 2, "stride": 3, "log": False, "alpha": 1e-9}
    model = rg.PooledAR(**both, cross=True).fit(x[:, :-3])
    np.testing.assert_allclose(model.predict(x[:, -5:-3]), x[:, -3:], rtol=1e-4)
    alone = rg.PooledAR(**both).fit(x[:, :-3])
    assert rg.mae(alone.predict(x[:, -5:-3]), x[:, -3:]) > 1e-4


def test_pooled_regression_in_logs_finds_exponential_growth():
    rate = np.random.default_rng(0).uniform(0.02, 0.2, (8, 1, 2))
    x = np.expm1(1 + rate * np.arange(25)[:, None])
    model = rg.PooledAR(4, 3, alpha=1e-9).fit(x[:, :-3])
    np.testing.assert_allclose(model.predict(x[:, -7:-3]), x[:, -3:], rtol=1e-4)


def test_boosting_learns_growth():
    """Samples double, or stay: the growth within the window says which."""
    kind = np.random.default_rng(0).integers(0, 2, 80)
    x = np.expm1(2 + 0.1 * kind[:, None, None] * np.arange(30)[:, None] * np.ones(2))
    model = rg.BoostedGrowth(4, 3, max_iter=60).fit(x[:, :-3])
    np.testing.assert_allclose(model.predict(x[:, -7:-3]), x[:, -3:], rtol=0.02)
    few = rg.BoostedGrowth(4, 3, max_iter=5, max_rows=200).fit(x[:, :-3])
    assert few.predict(x[:, -7:-3]).shape == (80, 3, 2)


def test_boosting_features_by_hand():
    x = np.array([[[1, 10], [2, 20], [4, 50]]], dtype=float)
    table = rg.BoostedGrowth(3, 1)._features(x)
    assert table.tolist() == [[1, 2, 4, 4, 50, 0], [10, 30, 50, 4, 50, 1]]


@pytest.mark.parametrize("method", ["holt", "arima"])
def test_series_by_themselves(method):
    t = np.arange(30.0)
    x = np.stack([5 + 3 * t, np.full(30, 7.0)], axis=1)[None]
    found = rg.per_series(x, 4, method, log=False, progress=False)
    np.testing.assert_allclose(found[0, :, 0], 5 + 3 * np.arange(30, 34), rtol=0.05)
    assert (found[0, :, 1] == 7).all()


def test_holt_is_that_of_statsmodels():
    from statsmodels.tsa.api import Holt

    x = panel_of(1, 30, 1)
    fit = Holt(x[0, :, 0], damped_trend=True, initialization_method="heuristic")
    wanted = fit.fit(use_brute=False).forecast(5)
    found = rg.per_series(x, 5, log=False, progress=False)[0, :, 0]
    np.testing.assert_allclose(found, wanted)


def test_bad_baselines():
    x = panel_of()
    for call in (rg.last_value, rg.linear_trend, rg.log_linear_trend):
        with pytest.raises(ValueError, match="stride must be"):
            call(x, 0)
        with pytest.raises(ValueError, match="history must have the axes"):
            call(x[0], 2)
    with pytest.raises(ValueError, match="history must have at least 2 steps"):
        rg.linear_trend(x[:, :1], 2)
    with pytest.raises(ValueError, match="history must be >= 0"):
        rg.log_linear_trend(-x, 2)
    with pytest.raises(ValueError, match="alpha must be > 0"):
        rg.PooledAR(alpha=0).fit(x)
    with pytest.raises(ValueError, match="panel must have at least 14 steps"):
        rg.PooledAR().fit(x[:, :13])
    with pytest.raises(ValueError, match="panel must be >= 0"):
        rg.BoostedGrowth().fit(-x)
    with pytest.raises(ValueError, match="history must have 7 steps"):
        rg.PooledAR().fit(x).predict(x)
    with pytest.raises(ValueError, match="method must be one of"):
        rg.per_series(x, 3, "prophet")
    with pytest.raises(ValueError, match="panel must be >= 0 with log=True"):
        rg.per_series(-x, 3)
    with pytest.raises(Exception, match="not fitted"):
        rg.BoostedGrowth().predict(x)


# --- worlds with a known truth --------------------------------------------------------------------


def test_ring_and_chord():
    for seed in range(20):
        R = rg.ring_with_chord(6, seed)
        assert (R == R.T).all()
        assert R.sum() == 2 * 7
        assert np.trace(R) == 0
        assert sorted(R.sum(axis=1)) == [2, 2, 2, 2, 3, 3]
    assert not np.array_equal(rg.ring_with_chord(6, 0), rg.ring_with_chord(6, 1))


def test_coupled_panel_follows_its_law():
    x, R = rg.coupled_panel(5, 6, 30, noise=0.0, random_state=0)
    A = 0.6 * np.eye(6) + 0.35 * R / R.sum(axis=1, keepdims=True)
    u = x[:, 1] - x[:, 0] @ A.T
    assert ((u >= 0) & (u <= 1)).all()
    for t in range(1, 29):
        np.testing.assert_allclose(x[:, t + 1], x[:, t] @ A.T + u)
    rest = np.linalg.solve(np.eye(6) - A, u.T).T
    far, _ = rg.coupled_panel(5, 6, 400, noise=0.0, random_state=0)
    np.testing.assert_allclose(far[:, -1], rest, rtol=1e-6)


def test_pulses_keep_the_panel_alive():
    calm, _ = rg.coupled_panel(20, noise=0.0, random_state=0)
    live, _ = rg.coupled_panel(20, noise=0.0, drive="pulses", random_state=0)
    move = lambda x: np.abs(np.diff(x, axis=1))[:, -10:].mean() / x.std()  # noqa: E731
    assert move(calm) < 0.005 < 0.05 < move(live)


def test_linear_influences_are_found():
    x, R = rg.coupled_panel(40, drive="pulses", random_state=1)
    A = 0.6 * np.eye(6) + 0.35 * R / R.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(rg.var_weights(x), A, atol=0.05)
    assert rg.edge_auc(rg.var_weights(x), R) == 1


@given(st.integers(0, 1000))
@settings(max_examples=20)
def test_edge_auc_is_that_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    R, W = rg.ring_with_chord(5, rng), rng.integers(-3, 4, (5, 5))
    off = ~np.eye(5, dtype=bool)
    assert rg.edge_auc(W, R) == pytest.approx(roc_auc_score(R[off], np.abs(W)[off]))


def test_bad_worlds():
    with pytest.raises(ValueError, match="n_vars must be an integer >= 4"):
        rg.ring_with_chord(3)
    with pytest.raises(ValueError, match="drive must be one of"):
        rg.coupled_panel(drive="sine")
    with pytest.raises(ValueError, match="noise must be"):
        rg.coupled_panel(noise=-1)
    with pytest.raises(ValueError, match="n_steps must be"):
        rg.coupled_panel(n_steps=1)
    with pytest.raises(ValueError, match="weights and truth must be square alike"):
        rg.edge_auc(np.ones((2, 3)), np.ones((2, 3)))
    with pytest.raises(ValueError, match="truth must have both links and gaps"):
        rg.edge_auc(np.ones((3, 3)), np.ones((3, 3)))
    with pytest.raises(ValueError, match="panel must have shape"):
        rg.var_weights(np.ones((3, 2)))
