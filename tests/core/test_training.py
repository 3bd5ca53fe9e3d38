import numpy as np
import pytest
import torch

from mixbook.core.training import minimise


def test_gradient_descent_follows_the_closed_form():
    """On f(w) = w^2 / 2 plain SGD shrinks w by (1 - lr) a step."""
    w = torch.tensor([3.0], requires_grad=True)
    losses = minimise(
        lambda: w.square().sum() / 2, [w], 20, lr=0.1, optimiser=torch.optim.SGD, progress=False
    )
    path = 3 * 0.9 ** np.arange(21)
    np.testing.assert_allclose(losses, path[:-1] ** 2 / 2, rtol=1e-5)
    np.testing.assert_allclose(w.item(), path[-1], rtol=1e-5)


def test_options_reach_the_optimiser():
    w = torch.tensor([1.0], requires_grad=True)
    minimise(
        lambda: 0 * w.sum(),
        [w],
        1,
        lr=0.5,
        optimiser=torch.optim.SGD,
        progress=False,
        weight_decay=0.2,
    )
    assert w.item() == pytest.approx(1 - 0.5 * 0.2)


@pytest.mark.parametrize("bad_step", [0, 7, 150])
def test_a_diverging_loss_is_named_with_its_step(bad_step):
    w, calls = torch.zeros(1, requires_grad=True), []

    def loss():
        calls.append(1)
        return w.sum() + (float("nan") if len(calls) == bad_step + 1 else 0.0)

    with pytest.raises(FloatingPointError, match=f"nan at step {bad_step};"):
        minimise(loss, [w], 160, lr=1e-9, progress=False)


def test_progress_can_be_switched_off(capfd):
    w = torch.zeros(1, requires_grad=True)
    minimise(lambda: w.sum(), [w], 3, lr=0.1, progress=False)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("steps", "lr", "name"), [(0, 0.1, "n_steps"), (3, 0.0, "lr")])
def test_bad_arguments(steps, lr, name):
    with pytest.raises(ValueError, match=f"{name} must be"):
        minimise(lambda: torch.zeros(()), [torch.zeros(1, requires_grad=True)], steps, lr=lr)
