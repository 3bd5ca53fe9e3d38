"""Families of population pairs: letters, handwritten digits, mixtures of real cells."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from sklearn.cluster import KMeans

from mixbook.core.seeds import as_rng
from mixbook.core.validation import as_matrix, check_integer, check_number

__all__ = ["CellMixtures", "make_cell_mixtures", "make_digit_clouds", "make_letters"]

Pair = tuple[np.ndarray, np.ndarray, Any]


def make_letters(
    letters: Sequence[str] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    n_rotations: int = 10,
    random_state: int | np.random.Generator | None = None,
    font: str | None = None,
    *,
    n_points: int | None = None,
    noise: float = 0.05,
    source_noise: float = 0.5,
) -> list[Pair]:
    """Point clouds of rotated letters (the targets) and the same with noise (the sources).

    A letter is drawn at size 100, all its pixels are points, the longer axis spans [-3, 3]. Noise
    of 0.05 blurs the raster, a random turn makes the target, further noise of 0.5 the source,
    Eq. (11). Row i of a source belongs to row i of its target.

    Parameters
    ----------
    letters : sequence of str
        Characters that the font can draw.
    n_rotations : int
        Clouds of each letter, each with a turn of its own.
    random_state : int, numpy Generator or None
    font : str, optional
        A TrueType file; the default is DejaVu Sans, which comes with matplotlib (the paper's
        Arial may not be passed on).
    n_points : int, optional
        Take this many points of each letter at random; the default takes all, 800 to 2,900.
    noise, source_noise : float
        Standard deviations.

    Returns
    -------
    list of (x0, x1, letter)
        float32 arrays of shape (n, 2); all turns of one letter stand together.
    """
    check_integer(n_rotations, "n_rotations", low=1)
    if not len(letters) or not all(isinstance(s, str) and len(s) == 1 for s in letters):
        raise ValueError(f"letters must be single characters, at least one, got {letters!r}")
    _check_cloud_settings(n_points, noise, source_noise)
    rng = as_rng(random_state)
    made: list[Pair] = []
    for letter in letters:
        shape = _letter_points(letter, font)
        for _ in range(n_rotations):
            angle = 2 * np.pi * rng.random()
            points = _take(shape, n_points, rng)
            points = points + noise * rng.standard_normal(points.shape)
            turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
            made.append((*_noisy_pair(points @ turn.T, source_noise, rng), letter))
    return made


def make_digit_clouds(
    images: Any,
    labels: Any = None,
    random_state: int | np.random.Generator | None = None,
    *,
    n_points: int | None = None,
    threshold: float = 100.0,
    source_noise: float = 0.5,
) -> list[Pair]:
    """Point clouds of handwritten digits, and the same with noise; no two writers draw alike.

    Points are the pixels above the threshold, each moved by up to half a pixel at random; the
    longer axis is scaled to [-3, 3]. Otherwise as :func:`make_letters`, without the turns.

    Parameters
    ----------
    images : array-like of shape (N, h, w)
        Ink, usually from 0 to 255.
    labels : sequence of length N, optional
        Handed on as the third entry of each pair.
    n_points : int, optional
        Points of each cloud, drawn with replacement (and a new jitter) where pixels are too few.

    Returns
    -------
    list of (x0, x1, label)
    """
    pictures = np.asarray(images)
    if pictures.ndim != 3 or pictures.dtype.kind not in "uif" or not len(pictures):
        raise ValueError(
            f"images must be numbers of shape (N, h, w) with N >= 1, got shape {pictures.shape}"
        )
    names = [None] * len(pictures) if labels is None else list(labels)
    if len(names) != len(pictures):
        raise ValueError(f"labels must have length {len(pictures)}, got {len(names)}")
    check_number(threshold, "threshold")
    _check_cloud_settings(n_points, 0.0, source_noise)
    rng = as_rng(random_state)
    made: list[Pair] = []
    for i, (picture, name) in enumerate(zip(pictures, names)):
        pixels = np.argwhere(picture > threshold)[:, ::-1] * [1.0, -1.0]
        if len(pixels) < 2:
            raise ValueError(f"images[{i}] must have at least two pixels above {threshold}")
        points = _take(pixels, n_points, rng)
        points = points + rng.uniform(-0.5, 0.5, points.shape)
        made.append((*_noisy_pair(_rescale(points), source_noise, rng), name))
    return made


@dataclass(frozen=True)
class CellMixtures:
    """Populations of real cells whose composition differs, and made-up moves; see the maker.

    Attributes
    ----------
    pairs : list of (x0, x1)
        Sources and targets, unpaired: the cells of a target are others than those of its source.
    shares : array of shape (N, K)
        Share of each cell type in each population.
    types : list of int arrays
        Type of each cell of each source.
    interaction : array of shape (K, K, D)
        ``interaction[j, i]`` is the push that a cell of type j gets from cells of type i.
    """

    pairs: list[tuple[np.ndarray, np.ndarray]]
    shares: Float[np.ndarray, "N K"]
    types: list[np.ndarray]
    interaction: Float[np.ndarray, "K K D"]


def make_cell_mixtures(
    cells: Any,
    n_populations: int,
    n_points: int = 200,
    random_state: int | np.random.Generator | None = None,
    *,
    n_types: int = 8,
    strength: float = 1.0,
    concentration: float = 0.5,
) -> CellMixtures:
    """Semi-synthetic populations: real cells in random proportions, that push one another.

    The cells are clustered into types by k-means and scaled by one number to an average standard
    deviation of one. Each population draws shares from a Dirichlet distribution, then cells by
    type. A cell of type j moves by the mean push of its population, Eq. (12), whose vectors are
    Gaussian, of length about ``strength``. Which cells there are is real; how they move is not.

    Parameters
    ----------
    cells : array-like of shape (n, D)
        Real measurements, such as the first principal components.
    n_populations, n_points : int
    n_types : int
        Number K of clusters.
    strength : float
        Typical length of a push, in units of the data's standard deviation.
    concentration : float
        Of the Dirichlet distribution; small values make populations of few types.
    """
    X = as_matrix(cells, "cells", min_rows=n_types).numpy()
    check_integer(n_populations, "n_populations", low=1)
    check_integer(n_points, "n_points", low=2)
    check_integer(n_types, "n_types", low=1)
    check_number(strength, "strength", low=0)
    check_number(concentration, "concentration", low=0, low_open=True)
    rng = as_rng(random_state)
    X = (X - X.mean(0)) / X.std(0).mean()
    seed = int(rng.integers(2**31))
    label = KMeans(n_types, n_init=1, random_state=seed).fit_predict(X)
    members = [np.flatnonzero(label == j) for j in range(n_types)]
    D = X.shape[1]
    interaction = strength * rng.standard_normal((n_types, n_types, D)) / D**0.5
    shares = rng.dirichlet(np.full(n_types, concentration), n_populations)
    pairs, types = [], []
    for w in shares:
        kinds = rng.choice(n_types, (2, n_points), p=w)
        source, target = (
            X[[members[j][rng.integers(len(members[j]))] for j in row]] for row in kinds
        )
        # Eq. (12)
        moves = np.einsum("i,jid->jd", w, interaction)
        pairs.append((source, (target + moves[kinds[1]]).astype(np.float32)))
        types.append(kinds[0])
    return CellMixtures(pairs, shares, types, interaction)


def _check_cloud_settings(n_points: int | None, noise: float, source_noise: float) -> None:
    if n_points is not None:
        check_integer(n_points, "n_points", low=1)
    check_number(noise, "noise", low=0)
    check_number(source_noise, "source_noise", low=0)


def _letter_points(letter: str, font: str | None, size: int = 100) -> np.ndarray:
    """Pixels of a letter, y upwards, the longer axis scaled to [-3, 3]."""
    from matplotlib import font_manager  # slow to import, and for this function alone
    from PIL import Image, ImageDraw, ImageFont

    path = font_manager.findfont("DejaVu Sans") if font is None else font
    image = Image.new("L", (2 * size, 2 * size), 0)
    ImageDraw.Draw(image).text((0, 0), letter, fill=255, font=ImageFont.truetype(path, size))
    pixels = np.argwhere(np.asarray(image) > 0)[:, ::-1] * [1.0, -1.0]
    if len(pixels) < 2:
        raise ValueError(f"letters must be visible, but {letter!r} has no pixels in {path}")
    return _rescale(pixels)


def _rescale(points: np.ndarray) -> np.ndarray:
    """Centre the bounding box; the longer axis becomes [-3, 3], the shape stays."""
    low, high = points.min(0), points.max(0)
    return 6 * (points - (low + high) / 2) / (high - low).max()


def _take(points: np.ndarray, n: int | None, rng: np.random.Generator) -> np.ndarray:
    """n rows at random, each at most once if there are enough; all in their order if n is None."""
    return points if n is None else points[rng.choice(len(points), n, replace=n > len(points))]


def _noisy_pair(
    target: np.ndarray, noise: float, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "n 2"], Float[np.ndarray, "n 2"]]:
    # Eq. (11)
    source = target + noise * rng.standard_normal(target.shape)
    return source.astype(np.float32), target.astype(np.float32)
