"""The paper's networks, with He-normal weights and zero biases drawn from a seed."""

import itertools
import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils import skip_init

from mixbook.core.seeds import as_generator, as_rng
from mixbook.core.validation import check_choice, check_integer

__all__ = [
    "LocallyConnected2d",
    "count_parameters",
    "fc_net",
    "he_normal_",
    "lenet",
    "small_architectures",
]


def count_parameters(module: nn.Module) -> int:
    """Number of trainable parameters, the D of the paper.

    Examples
    --------
    >>> count_parameters(fc_net([784, 200, 200, 10]))
    199210
    """
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def he_normal_(module: nn.Module, seed: int | torch.Generator = 0) -> nn.Module:
    """Draw every weight from N(0, 2 / fan_in) and set every bias to zero, in place.

    Returns
    -------
    nn.Module
        The same module.
    """
    generator = as_generator(seed)
    for p in module.parameters():
        if p.ndim < 2:
            nn.init.zeros_(p)
        else:
            fan_in = p.shape[-2] if getattr(p, "locally_connected", False) else p[0].numel()
            nn.init.normal_(p, 0.0, math.sqrt(2 / fan_in), generator=generator)
    return module


def fc_net(sizes: Sequence[int], seed: int | torch.Generator = 0) -> nn.Sequential:
    """Fully connected ReLU network, e.g. ``[784, 200, 200, 10]``.

    Parameters
    ----------
    sizes : sequence of int
        Inputs, hidden widths, outputs; at least two.

    Raises
    ------
    ValueError
        If there are fewer than two sizes or one is not positive.
    """
    sizes = [check_integer(s, "sizes", low=1) for s in sizes]
    if len(sizes) < 2:
        raise ValueError(f"sizes must hold at least the inputs and the outputs, got {sizes}")
    net = nn.Sequential(nn.Flatten(), *_linear_relu(sizes))
    he_normal_(net, seed)
    return net


def lenet(
    shape: tuple[int, int, int] = (1, 28, 28),
    n_classes: int = 10,
    *,
    layer: str = "conv",
    channels: tuple[int, int] = (6, 16),
    hidden: tuple[int, ...] = (120, 84),
    kernel: int = 5,
    seed: int | torch.Generator = 0,
) -> nn.Sequential:
    """LeNet: two valid convolutions with 2 x 2 max pooling, then dense layers; or a variant.

    Parameters
    ----------
    shape : (int, int, int)
        Channels, height and width of an image; inputs may come flattened.
    layer : {"conv", "untied", "dense"}
        What stands where LeNet has convolutions: convolutions, :class:`LocallyConnected2d` (a
        kernel of its own at every position), or dense layers with as many outputs. On MNIST the
        three networks have 44,426, 286,334 and 3,640,574 parameters.
    channels, hidden, kernel
        Widths of the convolutions and dense layers, and the convolutions' side.

    Raises
    ------
    ValueError
        If the variant is unknown or the image is too small for the kernels.
    """
    check_choice(layer, "layer", ("conv", "untied", "dense"))
    (c0, *_), (c1, c2) = shape, channels
    start, one, middle, two, end = _sides(shape, kernel)
    ends = (c0, c1, start, one), (c1, c2, middle, two)
    stages: list[nn.Module] = []
    for c_in, c_out, before, after in ends:
        convolution = _convolution(layer, c_in, c_out, before, after, kernel)
        stages += [convolution, nn.ReLU(), nn.MaxPool2d(2)]
    dense = _linear_relu([c2 * end[0] * end[1], *hidden, n_classes])
    net = nn.Sequential(nn.Flatten(), nn.Unflatten(1, shape), *stages, nn.Flatten(), *dense)
    he_normal_(net, seed)
    return net


class LocallyConnected2d(nn.Module):
    """A valid convolution without weight sharing: one kernel and bias per output position.

    Parameters
    ----------
    in_channels, out_channels : int
    side : (int, int)
        Height and width of the input.
    kernel : int
        Side of the square window.
    """

    def __init__(
        self, in_channels: int, out_channels: int, side: tuple[int, int], kernel: int
    ) -> None:
        super().__init__()
        self.kernel = kernel
        self.out = (side[0] - kernel + 1, side[1] - kernel + 1)
        places, window = self.out[0] * self.out[1], in_channels * kernel**2
        self.weight = nn.Parameter(torch.empty(places, window, out_channels))
        self.weight.locally_connected = True  # type: ignore[attr-defined]
        self.bias = nn.Parameter(torch.empty(out_channels * places))

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n k u v"]:
        windows = nn.functional.unfold(x, self.kernel)
        y = torch.einsum("nwp,pwk->nkp", windows, self.weight)
        return (y.flatten(1) + self.bias).unflatten(1, (-1, *self.out))


def small_architectures(
    n: int,
    inputs: int,
    outputs: int,
    *,
    max_parameters: int,
    widths: tuple[int, int] = (2, 25),
    depths: tuple[int, int] = (1, 5),
    seed: int = 0,
) -> list[list[int]]:
    """Random small fully connected networks with at most ``max_parameters`` parameters.

    Depth, the largest width allowed and then each hidden width are drawn uniformly; networks that
    are too large are drawn again. (The paper's search gives all layers of a network one width.)

    Parameters
    ----------
    n : int
        Number of architectures.
    inputs, outputs : int
        Ends of each network.
    widths, depths : (int, int)
        Smallest and largest hidden width, and number of hidden layers.

    Returns
    -------
    list of list of int
        Sizes for :func:`fc_net`, all different as long as there are enough.

    Raises
    ------
    ValueError
        If not even the smallest network fits.
    """
    n = check_integer(n, "n", low=1)
    smallest = [inputs, *[widths[0]] * depths[0], outputs]
    if _n_parameters(smallest) > max_parameters:
        raise ValueError(
            f"max_parameters must be at least {_n_parameters(smallest)}, the size of {smallest}, "
            f"got {max_parameters}"
        )
    rng, found, tries = as_rng(seed), list[list[int]](), 0
    while len(found) < n:
        depth = int(rng.integers(depths[0], depths[1] + 1))
        # a random cap first, so that narrow networks are drawn as often as wide ones
        cap = int(rng.integers(widths[0], widths[1] + 1))
        hidden = rng.integers(widths[0], cap + 1, depth).tolist()
        sizes = [inputs, *hidden, outputs]
        tries += 1
        if _n_parameters(sizes) <= max_parameters and (sizes not in found or tries > 1000 * n):
            found.append(sizes)
    return found


def _n_parameters(sizes: Sequence[int]) -> int:
    return sum((a + 1) * b for a, b in itertools.pairwise(sizes))


def _linear_relu(sizes: Sequence[int]) -> list[nn.Module]:
    """Linear layers with ReLU between them, not after the last."""
    layers: list[nn.Module] = []
    for fan_in, fan_out in itertools.pairwise(sizes):
        layers += [skip_init(nn.Linear, fan_in, fan_out), nn.ReLU()]
    return layers[:-1]


def _convolution(
    layer: str,
    c_in: int,
    c_out: int,
    before: tuple[int, int],
    after: tuple[int, int],
    kernel: int,
) -> nn.Module:
    """A convolution, or what replaces it, from sides ``before`` to sides ``after``."""
    if layer == "conv":
        return skip_init(nn.Conv2d, c_in, c_out, kernel)
    if layer == "untied":
        return LocallyConnected2d(c_in, c_out, before, kernel)
    linear = skip_init(nn.Linear, c_in * math.prod(before), c_out * math.prod(after))
    return nn.Sequential(nn.Flatten(), linear, nn.Unflatten(1, (c_out, *after)))


def _sides(shape: tuple[int, int, int], kernel: int) -> list[tuple[int, int]]:
    """Height and width of the image, and after each convolution and pooling."""
    if len(shape) != 3:
        raise ValueError(f"shape must be (channels, height, width), got {shape}")
    kernel = check_integer(kernel, "kernel", low=1)
    sides = [(shape[1], shape[2])]
    for _ in range(2):
        h, w = sides[-1]
        sides.append((h - kernel + 1, w - kernel + 1))
        sides.append(((h - kernel + 1) // 2, (w - kernel + 1) // 2))
    if min(sides[-1]) < 1:
        raise ValueError(f"shape {shape} is too small for two {kernel} x {kernel} convolutions")
    return sides
