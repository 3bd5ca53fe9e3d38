"""A network seen through a flat parameter vector, and the subspace model of Eq. (2)."""

import copy
import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call, vmap

from mixbook.landscapes.intrinsic_dimension.projections import Projection

__all__ = ["FlatNetwork", "SubspaceModel", "flatten_parameters"]

# Layers without parameters that treat every row alike, so members can be put one after another.
_ROW_BY_ROW = (nn.ReLU, nn.Tanh, nn.Flatten, nn.Unflatten, nn.MaxPool2d)


def flatten_parameters(module: nn.Module) -> Float[Tensor, " D"]:
    """All trainable parameters of ``module`` in one detached vector, in creation order.

    Raises
    ------
    TypeError
        If ``module`` is not an ``nn.Module``.
    ValueError
        If it has no trainable parameter.
    """
    if not isinstance(module, nn.Module):
        raise TypeError(f"module must be a torch.nn.Module, got {type(module).__name__}")
    parts = [p.detach().reshape(-1) for p in module.parameters() if p.requires_grad]
    if not parts:
        raise ValueError("module must have at least one trainable parameter")
    return torch.cat(parts)


class FlatNetwork:
    """A pure function ``(theta, x) -> outputs`` made from a module.

    Attributes
    ----------
    sizes : list of int
        Number of parameters of each tensor, in creation order; they sum to D.
    is_weight : Tensor of shape (D,)
        1 for entries of weights (tensors with two or more axes), 0 for biases.
    layers : list of (str, nn.Module)
        Names and layers of a plain ``nn.Sequential`` without shared parameters, else empty.
    """

    def __init__(self, module: nn.Module) -> None:
        self.theta0 = flatten_parameters(module).clone()
        self.module = copy.deepcopy(module)
        trainable = {k: p for k, p in module.named_parameters() if p.requires_grad}
        self.shapes = {name: p.shape for name, p in trainable.items()}
        self.sizes = [p.numel() for p in trainable.values()]
        self.is_weight = torch.cat(
            [torch.full((p.numel(),), float(p.ndim > 1)) for p in trainable.values()]
        ).to(self.theta0.device)
        names = [k for k, _ in module.named_parameters(remove_duplicate=False)]
        tied = len(names) > len(list(module.parameters()))
        plain = type(module) is nn.Sequential and not tied
        self.layers = [(k, m) for k, m in self.module._modules.items() if plain and m is not None]

    @property
    def D(self) -> int:
        return len(self.theta0)

    def __call__(self, theta: Float[Tensor, " D"], *inputs: Any) -> Any:
        return functional_call(self.module, self._unflatten(theta), inputs)

    def members(
        self, theta: Float[Tensor, "m D"], x: Float[Tensor, "m n *shape"]
    ) -> Float[Tensor, "m n classes"]:
        """Outputs of m networks at once, each with its own parameters and its own n inputs.

        The same numbers as ``vmap(self)(theta, x)``; a plain stack of layers is walked layer by
        layer, which saves the small fixed cost of ``vmap`` in long loops of small steps.
        """
        if not self.layers:
            return vmap(self, randomness="different")(theta, x)
        parameters = self._unflatten(theta)
        for name, layer in self.layers:
            start = f"{name}."
            own = {k[len(start) :]: p for k, p in parameters.items() if k.startswith(start)}
            x = _layer_of_members(layer, own, x)
        return x

    def _unflatten(self, theta: Float[Tensor, "*m D"]) -> dict[str, Tensor]:
        pieces = theta.split(self.sizes, dim=-1)
        shapes = self.shapes.items()
        return {k: p.unflatten(-1, shape) for (k, shape), p in zip(shapes, pieces)}


def _layer_of_members(layer: nn.Module, own: dict[str, Tensor], x: Tensor) -> Tensor:
    """One layer of m networks: ``own`` holds its parameters, first axis m, and x is [m, n, ...]."""
    if type(layer) is nn.Linear and set(own) == {"weight", "bias"} and x.ndim == 3:
        return torch.baddbmm(own["bias"][:, None], x, own["weight"].transpose(1, 2))
    if isinstance(layer, _ROW_BY_ROW) or getattr(layer, "row_by_row", False):
        return layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])
    return vmap(lambda p, z: functional_call(layer, p, (z,)), randomness="different")(own, x)


class SubspaceModel(nn.Module):
    """A network whose only trainable parameter is ``t``: ``theta = theta_0 + P t``, Eq. (2).

    ``theta_0`` is what ``module`` holds when the model is made; ``t`` starts at zero, so the model
    starts as an exact copy of ``module``. Backpropagation gives ``t`` the gradient
    ``P^T grad_theta``, Eq. (3), so any optimiser can be used.

    Parameters
    ----------
    module : nn.Module
        The network; it is copied and left alone.
    projection : Projection or None
        Maps t to the offset; its ``D`` is the module's number of parameters. May be None with
        ``direct=True``.
    direct : bool
        Train all D parameters instead (the paper's baseline): the only parameter is ``theta_full``.

    Raises
    ------
    TypeError, ValueError
        If ``module`` is no module, or the projection is missing or of another size.

    Notes
    -----
    Buffers of ``module`` (running means of batch normalisation) belong to the model's private copy.
    """

    theta0: Tensor

    def __init__(
        self, module: nn.Module, projection: Projection | None = None, *, direct: bool = False
    ) -> None:
        super().__init__()
        network = FlatNetwork(module)
        # A registered submodule would show its own parameters to the optimiser.
        self._network = (network,)
        self.register_buffer("theta0", network.theta0)
        if direct:
            self.theta_full = nn.Parameter(network.theta0.clone())
            return
        self.projection = _check_projection(projection, network.D)
        dtype = next(b.dtype for b in self.projection.buffers() if b.is_floating_point())
        zeros = torch.zeros(self.projection.d, dtype=dtype, device=network.theta0.device)
        self.t = nn.Parameter(zeros)

    @property
    def theta(self) -> Float[Tensor, " D"]:
        """The full parameter vector, differentiable in ``t``."""
        if hasattr(self, "theta_full"):
            return self.theta_full
        # Eq. (2)
        return self.theta0 + self.projection(self.t).to(self.theta0)

    def forward(self, *inputs: Any) -> Any:
        return self._network[0](self.theta, *inputs)

    def _apply(self, fn: Any, recurse: bool = True) -> "SubspaceModel":
        """Move the private copy along with ``.to(...)``."""
        self._network[0].module._apply(fn, recurse)
        return super()._apply(fn, recurse)

    def extra_repr(self) -> str:
        d = math.prod(next(self.parameters()).shape)
        return f"D={self.theta0.numel()}, trained={d}"


def _check_projection(projection: Projection | None, D: int) -> Projection:
    if not isinstance(projection, Projection):
        raise TypeError(
            f"projection must be a Projection unless direct=True, got {type(projection).__name__}"
        )
    if projection.D != D:
        raise ValueError(f"projection must have D={D}, as the module has, got D={projection.D}")
    return projection
