# ---
# jupyter:
#   jupytext:
#     cell_metadata_filter: tags,mystnb,-all
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Meta Flow Matching: Integrating Vector Fields on the Wasserstein Manifold
#
# > **Draft, not a finished chapter:** it has not been reviewed, its verdicts have not been tried on enough seeds, and its full profile, on which the first claim rests, has not been run.

# %% tags=["install", "hide-input", "remove-output"]
import subprocess
import sys

if "google.colab" in sys.modules:
    pip = [sys.executable, "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "mixbook[flows]"], check=True)

# %% tags=["hide-input", "parameters"]
profile = "ci"
seed = 0
device = "auto"
overrides = {}  # other values for the sizes below

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch

import mixbook
from mixbook.core.plots import PALETTE, use_style
from mixbook.core.seeds import as_rng, pick_device
from mixbook.core.sliders import slider_figure
from mixbook.core.transport import wasserstein_1
from mixbook.data import load_cite_pca50, load_digit_collections
from mixbook.flows import meta_flow_matching as mfm
from mixbook.flows.meta_flow_matching import (
    ConditionalFlowMatching,
    FlowMatching,
    MetaFlowMatching,
)

SIZES = {
    "ci": {
        "rotations": 10, "points": 200, "test_points": 300, "test_rotations": 10, "batch": (8, 100), "hidden": 64, "layers": 3,
        "steps": 900, "lr": 4e-3, "lr_gnn": 1e-2, "k": [10], "digit_steps": 0, "moves_steps": 300,
        "cells": 200, "cell_steps": 700, "cell_batch": (10, 48), "cell_hidden": 64,
    },
    "full": {
        "rotations": 10, "points": 300, "test_points": 600, "test_rotations": 20, "batch": (8, 150), "hidden": 128, "layers": 4,
        "steps": 6000, "lr": 2e-3, "lr_gnn": 5e-3, "k": [0, 10], "digit_steps": 1500, "moves_steps": 600,
        "cells": 400, "cell_steps": 2000, "cell_batch": (12, 64), "cell_hidden": 64,
    },
}  # fmt: skip
cfg = SIZES[profile] | overrides
rng = as_rng(seed)
device = str(pick_device(device))
use_style()
BLUE, ORANGE, GREY = (PALETTE[c] for c in ("blue", "orange", "grey"))

# %% tags=["remove-input"]
mixbook.card("meta_flow_matching")

# %% [markdown]
# ## In one picture

# %% tags=["hide-input", "thumbnail"] mystnb={"image": {"alt": "Three panels with the same two overlapping clouds of points. Left, the truth: arrows lead from the left cloud down and from the right cloud up. Middle, flow matching: where the clouds overlap, arrows are short and both clouds end in a slanted smear. Right, Meta Flow Matching: every arrow of the left cloud leads down and every arrow of the right cloud up, as in the truth."}}


def opposite_moves(n, m=80):
    """Clouds left and right of the middle, in turn, that overlap; the left ones move down by 2, the right ones up."""
    pairs = []
    for side in np.resize([-1, 1], n):
        x0 = rng.standard_normal((m, 2)) + [side * rng.uniform(0.3, 0.9), rng.normal(0, 0.3)]
        pairs.append((x0, x0 + [0, 2 * side]))
    return pairs


moves_train, moves_test = opposite_moves(16), opposite_moves(16, 200)
small = {"hidden": 48, "n_layers": 3, "n_fourier": 8, "t_dim": 8, "lr": 4e-3, "device": device}
small |= {"batch_populations": 8, "batch_points": 80, "random_state": seed}
small_gnn = {"k": 0, "hidden_gnn": 16, "max_steps": cfg["moves_steps"]}
blind = FlowMatching(**small, max_steps=cfg["moves_steps"]).fit(moves_train)
reads = MetaFlowMatching(joint=True, **small_gnn, **small).fit(moves_train)

fig, axes = plt.subplots(1, 3, figsize=(9.6, 4), sharex=True, sharey=True)
titles = ("truth", "flow matching", "Meta Flow Matching")
for ax, title, model in zip(axes, titles, (None, blind, reads)):
    for (x0, x1), colour in zip(moves_test[:2], (ORANGE, BLUE)):
        end = x1 if model is None else model.predict(x0)
        few = slice(0, 60)
        ax.quiver(*x0[few].T, *(end - x0)[few].T, angles="xy", scale_units="xy", scale=1, width=0.003, color=colour, alpha=0.35)  # fmt: skip
        ax.scatter(*x0.T, s=6, color=colour, alpha=0.25)
        ax.scatter(*end.T, s=9, color=colour, ec="white", lw=0.2)
    ax.set(title=title, xlabel="$x_1$", aspect="equal", xlim=(-3.8, 3.8), ylim=(-5, 5))
axes[0].set_ylabel("$x_2$")
plt.show()

# %% [markdown]
# Pale dots start, full dots are where they end. Neither population was in training. A point in the overlap must go up if it belongs to the
# blue cloud and down if to the orange one. A field that sees only the point averages the two; one that first looks at the whole cloud does not.

# %% [markdown]
# ## The problem
#
# Flow matching learns a velocity field $v_t(x)$ that carries the points of one population to another. Often there are many pairs of
# populations: the cells of many patients before and after the same drug, say. Cells interact, so what one does depends on the
# others around it, and the field of one patient is wrong for the next. Three ways out:
#
# - one field for all patients (FM): wrong wherever the same cell moves differently in different company;
# - a field that is told the patient's number (CGFM): right for the patients in training, and empty for a new one;
# - a field that is told *what the population looks like*.
#
# ## The idea
#
# Embed the whole source population, $h = \varphi(p_0)$, and train $v_t(x \mid h)$ on all pairs at once. Seen from above, a population is a
# point in the space of distributions, and a map from populations to velocity fields is a vector field on that space. It
# is that field which is learned, so a new population is just a new starting point.
#
# Regression explains why this works. The least squares solution is a conditional mean, and conditioning on more leaves less variance,
#
# $$ E\,|u - E[u\mid x_t]|^2 = E\,|u - E[u\mid x_t,h]|^2 + E\,|E[u\mid x_t,h] - E[u\mid x_t]|^2. $$
#
# FM's loss is on the left. The last term is what the population tells about the move; where it is zero, an embedding cannot help.
# The number of a patient tells as much or more *in training*. What it lacks is a meaning that carries over.

# %% [markdown]
# ## The method
#
# ### The loss
#
# For a pair $i$ with points $x_0, x_1$ and an optional treatment $c^i$,
#
# $$ \mathcal L = E_i\, E_{\pi(x_0,x_1\mid i)} \int_0^1 \bigl| (x_1 - x_0) - v_t(x_t \mid \varphi(p_0^i), c^i) \bigr|^2 dt \quad \text{Eq. (1)}, \qquad x_t = (1-t)x_0 + t x_1 \quad \text{Eq. (2)}. $$

# %%
mixbook.show_source(mfm.flow_matching_loss)

# %% [markdown]
# Points may be paired (before and after), or ends drawn independently, or by optimal transport within the minibatch, Eq. (10):

# %%
mixbook.show_source(mfm.ot_pairs)

# %% [markdown]
# ### A population becomes a vector
#
# Join each point to its $k$ nearest neighbours. A layer averages over the neighbourhood and applies one linear map:
#
# $$ z_i' = W\,\frac{1}{k+1}\sum_{j\in N_k(i)\cup\{i\}} z_j + b \qquad \text{Eq. (3)} $$
#
# This *is* the usual graph convolution with its symmetric normalisation: each point has exactly $k$ incoming edges and a loop, so all degrees are
# $k+1$. No graph library is needed, only a gather. A ReLU follows all layers but the last, after which one takes the mean over the points. The
# mean commutes with a linear map, so the last gather is never done. It is enough to know how many neighbourhoods each point is in:
#
# $$ \bar z = W\sum_j w_j z_j + b,\quad w_j = \frac{\#\{i: j\in N_k(i)\cup\{i\}\}}{n(k+1)} \quad \text{Eq. (4)}, \qquad h = \bar z / |\bar z| \quad \text{Eq. (5)}. $$
#
# Four points on a line, at 0, 1, 2.5 and 6, with $k = 1$:

# %% tags=["nbval-check-output"]
line = torch.tensor([[0.0], [1.0], [2.5], [6.0]])
graph = mfm.PopulationGraph.build(line, k=1)
for i, (row, mean, weight) in enumerate(zip(graph.neighbours, graph.smoothed, graph.weights)):
    print(f"point {i}: reads points {row.tolist()}, mean {mean.item():.2f}; its weight is {weight.item():.3f}")  # fmt: skip

# %% [markdown]
# Point 1 is in three neighbourhoods (its own, that of 0, that of 2), so its weight is 3/8; nobody else wants point 3. Weights sum to
# one. With $k = 0$ everything is in its own neighbourhood alone, and the encoder is DeepSets {cite}`zaheer2017deep`: the mean of a network of single
# points. In either case the order of the points does not matter.

# %%
mixbook.show_source(mfm.PopulationEncoder.embed)

# %% [markdown]
# ### The velocity network
#
# It reads $h$, the time as sines and cosines, Eq. (6), the point and random Fourier features of it, Eq. (7), and $c$:
#
# $$ [\sin(\omega_i t), \cos(\omega_i t)] \quad \text{Eq. (6)}, \qquad [\cos(2\pi xB), \sin(2\pi xB)] \quad \text{Eq. (7)}, \qquad z' = \mathrm{SELU}(Wz + b + z) \quad \text{Eq. (8)}. $$

# %%
mixbook.show_source(mfm.VelocityNet.forward)

# %% [markdown]
# ### Training: together or in turns
#
# The paper's algorithm moves both networks at each step (`joint=True`). The official code takes turns. On even steps the velocity
# network learns and embeddings come from a cache; on odd steps the embeddings of the minibatch are computed anew, stored, and only the encoder learns.

# %%
mixbook.show_source(MetaFlowMatching._context)

# %% [markdown]
# At test time the new population is embedded once, and its points follow $\dot x = v_t(x \mid h)$, Eq. (9).
#
# ### Where people go wrong
#
# - **Judging by training populations.** There an index beats every embedding. The question is about new ones.
# - **Comparing bodies instead of contexts.** In the official letters runs the baselines may have another network body than MFM. Here all methods share one.
# - **Building the graph at every step.** It does not change. Here it is built once for each population, together with the first layer's means.
# - **Forgetting the sample.** Two samples of one population are a positive Wasserstein distance apart, in ten dimensions a large one. Report that floor.
# - **No rival without a network.** A one-line smoother can beat all of them; see the letters.

# %% [markdown]
# ## Experiments
#
# ### Opposite moves
#
# The picture's task, on 16 populations in training and 16 new ones. Slide a population from left to right and watch the field it would get. The stars do not move: only
# the company changes.

# %% tags=["hide-input"]
alternating = MetaFlowMatching(
    joint=False, **(small_gnn | {"max_steps": 2 * cfg["moves_steps"]}), **small
)
alternating.fit(moves_train)
models = {"FM": blind, "MFM": reads, "MFM, in turns": alternating}
moves = {n: np.array([-m.score([pair]) for pair in moves_test]) for n, m in models.items()}
moves["no move"] = np.array([wasserstein_1(*pair) for pair in moves_test])
probe = np.stack(np.meshgrid(np.linspace(-3, 3, 9), np.linspace(-3, 3, 7)), -1).reshape(-1, 2)
standard = as_rng(3).standard_normal((150, 2))


def draw_company(centre):
    cloud = standard + [centre, 0]
    fig, ax = plt.subplots(figsize=(6.2, 4.4))
    with torch.no_grad():
        points = torch.tensor(probe, dtype=torch.float32, device=device)
        h = torch.tensor(reads.embed(cloud), device=device)
        fields = (blind.net_(0.0, points), reads.net_(0.0, points, h))
    for field, colour, label in zip(fields, (GREY, BLUE), ("FM", "MFM")):
        ax.quiver(*probe.T, *field.cpu().numpy().T, angles="xy", scale_units="xy", scale=3, width=0.006, color=colour, label=label)  # fmt: skip
    ax.scatter(*cloud.T, s=8, color=ORANGE, alpha=0.5, label="the population")
    ax.plot(*probe.T, "*", ms=4, color=PALETTE["black"])
    ax.set(xlim=(-3.6, 3.6), ylim=(-3.9, 3.9), xlabel="$x_1$", ylabel="$x_2$")
    ax.legend(loc="upper center", ncols=3, framealpha=0.9, frameon=True)
    return fig


slider_figure(
    draw_company,
    [-1.0, -0.6, -0.3, 0.0, 0.3, 0.6, 1.0],
    "centre of the population",
    start=1,
    dpi=65,
)

# %% tags=["remove-input"]
moved = {name: f"{w.mean():.3f} ± {w.std(ddof=1) / len(w) ** 0.5:.3f}" for name, w in moves.items()}
mixbook.say(
    f"W1 to the truth, mean and standard error over new populations: {moved['no move']} without any move, {moved['FM']} for FM, "
    f"{moved['MFM']} for MFM, and {moved['MFM, in turns']} when the networks take turns for twice as many steps."
)

# %% [markdown]
# FM's arrows turn over from left to right, because on average points far to the left belong to clouds that go down. MFM's field turns as a whole when the
# population crosses the middle. Both ways of training solve this task.
#
# ### Letters
#
# The paper's synthetic task. A letter is a cloud of points, turned at random; its source is the same cloud with noise of standard deviation 0.5 on each point, Eq. (11),
# so the move is to denoise. Rows are paired. Letters X and Y are never trained on: they are the new populations. Where noise ends and a stroke begins depends on the shape around, and that is
# what the embedding may tell.
#
# We use DejaVu Sans, 24 letters in ten turns each, as the paper does with Arial. A page cannot train for half a million steps, though, so clouds have fewer points, the network is
# smaller, learning rates are higher, and the Fourier features are finer for all methods ($\sigma = 0.2$ in Eq. (7), where the paper has 0.01, at which they are almost constant on these clouds). All networks take the same number of
# steps. One rival has no network: the *local mean* moves each point to the mean of its nearest neighbours; how many is chosen on training letters.

# %% tags=["hide-input"]
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWZ"
letters = mfm.make_letters(LETTERS, cfg["rotations"], rng, n_points=cfg["points"])
held_out = mfm.make_letters("XY", cfg["test_rotations"], rng, n_points=cfg["test_points"])
net = {"hidden": cfg["hidden"], "n_layers": cfg["layers"], "n_fourier": 32, "t_dim": 16}
net |= {"fourier_scale": 0.2, "batch_populations": cfg["batch"][0], "batch_points": cfg["batch"][1]}
net |= {"max_steps": cfg["steps"], "lr": cfg["lr"], "random_state": seed, "device": device}
gnn = {"joint": True, "hidden_gnn": 32, "lr_gnn": cfg["lr_gnn"]}
letter_models = {
    "local mean": mfm.LocalMean(),
    "FM": FlowMatching(**net),
    "CGFM": ConditionalFlowMatching(**net),
}
letter_models |= {f"MFM, k = {k}": MetaFlowMatching(k, **gnn, **net) for k in cfg["k"]}

some = np.linspace(0, len(letters) - 1, 60).astype(int)  # training clouds to look at


def distances(model, pairs, **how):
    """Exact W1 of each prediction to its target; without a model, of each source."""
    ends = (
        [p[0] for p in pairs] if model is None else model.predict_all([p[0] for p in pairs], **how)
    )
    return [wasserstein_1(end, p[1]) for end, p in zip(ends, pairs)]


known_letters = [letters[i] for i in some]
letter_train = {"no move": distances(None, known_letters)}
letter_test = {"no move": distances(None, held_out)}
for name, model in letter_models.items():
    model.fit(known_letters[::3] if name == "local mean" else letters)
    numbers = {"contexts": [{"index": int(i)} for i in some]} if name == "CGFM" else {}
    letter_train[name] = distances(model, known_letters, **numbers)
    letter_test[name] = distances(model, held_out)
train, test = pd.DataFrame(letter_train), pd.DataFrame(letter_test)
last = f"MFM, k = {cfg['k'][-1]}"

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two rows of five clouds, an X and a Y. From left to right: the noisy source, the predictions of flow matching, of flow matching with an index, of Meta Flow Matching, and the true letter. All predictions are narrower than the source and blurred compared with the letter."}}
fig, axes = plt.subplots(2, 5, figsize=(9.6, 4.2), sharex=True, sharey=True)
for row, i in zip(axes, (0, cfg["test_rotations"])):
    x0, x1, letter = held_out[i]
    shown = (
        {"source": x0}
        | {n: letter_models[n].predict(x0) for n in ("FM", "CGFM", last)}
        | {"truth": x1}
    )
    for ax, (name, cloud) in zip(row, shown.items()):
        ax.scatter(
            *cloud.T,
            s=2.5,
            color=BLUE if name == last else PALETTE["black"] if name == "truth" else GREY,
        )
        ax.set(aspect="equal", xlim=(-4.6, 4.6), ylim=(-4.6, 4.6), xticks=[], yticks=[])
        ax.set_title(
            f"{letter}: {name}" if row is axes[0] or name == "source" else name, fontsize=10
        )
plt.show()

# %% tags=["hide-input"] mystnb={"image": {"alt": "Bars of the mean W1 to the letter for no move, the local mean, FM, CGFM and MFM with different k, on training letters and on the held-out letters X and Y. CGFM is low in training and highest on new letters; the local mean is lowest on new letters."}}
fig, ax = plt.subplots(figsize=(7, 3.6))
at = np.arange(len(train.columns))
for shift, table, colour, label in (
    (-0.2, train, GREY, "letters in training"),
    (0.2, test, BLUE, "X and Y, never seen"),
):
    ax.bar(at + shift, table.mean(), 0.38, yerr=table.sem(), color=colour, label=label, capsize=2)
ax.set(ylabel="W1 to the letter", xticks=at, xticklabels=train.columns)
ax.set_ylim(top=1.25 * max(train.mean().max(), test.mean().max()))
ax.legend(ncols=2)
plt.show()


def against_fm(name):
    """How much a method is below FM on the same clouds: mean and standard error."""
    return mixbook.Measured.from_samples(test["FM"] - test[name])


# %% tags=["remove-input"]
gain = against_fm(last)
mixbook.say(
    f"On the new letters: FM {test['FM'].mean():.3f}, CGFM {test['CGFM'].mean():.3f}, "
    + ", ".join(f"{n} {test[n].mean():.3f}" for n in test.columns if n.startswith("MFM"))
    + f"; in training FM {train['FM'].mean():.3f} and CGFM {train['CGFM'].mean():.3f}. {last} minus FM is {-gain.value:+.4f} ± {gain.se:.4f}, cloud by cloud. The local mean, "
    f"without any network, reaches {test['local mean'].mean():.3f} with {letter_models['local mean'].k_} points."
)

# %% [markdown]
# The index model is best where it has been and worst where it has not: it learns each training cloud, noise and all, and the codes of new clouds select weights
# that never moved. The embedding does less harm; but whether it *helps* letters that were never seen is a question of patience. The task is a faint one: the loss falls by a few per cent
# in all, and for the first thousand steps MFM learns no more than FM. Claims C1 and C5 are therefore left to the full profile, which trains a larger network for longer.
#
# The oldest trick in point cloud denoising beats all three networks here. That does not touch the paper's
# point, which is about the *context* that generalises, but it does say that this task is not one to need a flow for. (The local mean knows the population too: neighbours
# are all it looks at.)
#
# Handwritten digits are a harder test of "never seen". Here are the same models, trained on letters, on clouds of 8 and 9; the full profile also trains on the digits 0 to 7.

# %% tags=["hide-input"]
mnist = load_digit_collections()


def digit_clouds(digits, each):
    chosen = np.concatenate(
        [rng.choice(np.flatnonzero(mnist.mnist_digit == d), each, replace=False) for d in digits]
    )
    return mfm.make_digit_clouds(
        255 * mnist.mnist_raw[chosen], mnist.mnist_digit[chosen], rng, n_points=200
    )


digits_test = digit_clouds((8, 9), 10)
digit_models = {"no move": None} | {f"{n} (letters)": m for n, m in letter_models.items()}
if cfg["digit_steps"]:
    digits_train = digit_clouds(range(8), 60)
    digit_net = net | {"max_steps": cfg["digit_steps"]}
    trained = {
        "FM": FlowMatching(**digit_net),
        "CGFM": ConditionalFlowMatching(**digit_net),
        last: MetaFlowMatching(cfg["k"][-1], **gnn, **digit_net),
    }
    digit_models |= {f"{n} (digits)": m.fit(digits_train) for n, m in trained.items()}
digit_scores = pd.DataFrame({n: distances(m, digits_test) for n, m in digit_models.items()})
print(digit_scores.agg(["mean", "sem"]).T.round(3).to_string())

# %% tags=["remove-input"]
mixbook.say(
    f"Denoising learned on printed letters carries over to handwriting in part: W1 falls from {digit_scores['no move'].mean():.3f} to {digit_scores['FM (letters)'].mean():.3f} with FM and to "
    f"{digit_scores[last + ' (letters)'].mean():.3f} with MFM; CGFM, with its unused codes, gets {digit_scores['CGFM (letters)'].mean():.3f}."
)

# %% [markdown]
# What has the encoder learned? Below are the embeddings of all training letters and of X and Y, in their first two principal components.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Scatter plot of the first two principal components of the embeddings: each training cloud is a small letter, the held-out X and Y are in orange and lie among the others."}}
model = letter_models[last]
h = np.stack([model.embed(x0) for x0, _, _ in letters + held_out])
h -= h[: len(letters)].mean(0)
_, singular, axes_of_h = np.linalg.svd(h[: len(letters)], full_matrices=False)
plane = h @ axes_of_h[:2].T
fig, ax = plt.subplots(figsize=(6.4, 4.6))
for place, (_, _, letter) in zip(plane, letters + held_out):
    ax.text(
        *place,
        letter,
        fontsize=8,
        ha="center",
        va="center",
        color=ORANGE if letter in "XY" else PALETTE["black"],
        weight="bold" if letter in "XY" else None,
        alpha=0.9 if letter in "XY" else 0.5,
    )
share = singular**2 / (singular**2).sum()
spread = np.ptp(plane, axis=0)
ax.set(
    xlim=(plane[:, 0].min() - 0.05 * spread[0], plane[:, 0].max() + 0.05 * spread[0]),
    ylim=(plane[:, 1].min() - 0.05 * spread[1], plane[:, 1].max() + 0.05 * spread[1]),
)
ax.set(
    xlabel=f"first component ({100 * share[0]:.0f} % of variance)",
    ylabel=f"second ({100 * share[1]:.0f} %)",
)
plt.show()

# %% [markdown]
# The new letters lie among the old ones, so the network has been trained near them. A new index has no neighbours.
# %% [markdown]
# ### Single cells
#
# The paper's patients cannot be had offline. A stand-in: real blood stem cells (day 2 of the CITE data, ten principal components), clustered into eight types by k-means.
# A population is a random mixture of the types. The moves are made up: a cell of type $j$ in a population with shares $w$ moves by
#
# $$ \sum_i w_i V_{ji} \qquad \text{Eq. (12)}, $$
#
# with a random vector $V_{ji}$ for each pair of types, *what a cell of type i does to one of type j*. Sources and targets are different cells, so there are no pairs.
# Rivals: no move; the mean shift of all training populations; ridge regression from the mean of a population to its shift; and transport pairing, Eq. (10), for each
# network. The *floor* applies the true moves to the source.

# %% tags=["hide-input"]
CELLS = load_cite_pca50()[2][:, :10]
N_TEST = 40
world = mfm.make_cell_mixtures(CELLS, cfg["cells"] + N_TEST, 200, seed, strength=6.0)
cells_train, cells_test = world.pairs[: cfg["cells"]], world.pairs[cfg["cells"] :]
base = {"hidden": cfg["cell_hidden"], "n_layers": 3, "n_fourier": 8, "t_dim": 8, "lr": 4e-3}
base |= {"max_steps": cfg["cell_steps"], "paired": False, "random_state": seed, "device": device}
base |= {"batch_populations": cfg["cell_batch"][0], "batch_points": cfg["cell_batch"][1]}
cell_models = {
    "mean shift": mfm.ShiftOfMeans(np.inf),
    "ridge shift": mfm.ShiftOfMeans(1.0),
    "FM": FlowMatching(**base),
    "CGFM": ConditionalFlowMatching(**base),
    "MFM": MetaFlowMatching(k=0, hidden_gnn=32, n_layers_gnn=2, joint=True, **base),
    "FM w/ OT": FlowMatching(ot=True, **base),
    "CGFM w/ OT": ConditionalFlowMatching(ot=True, **base),
    "MFM w/ OT": MetaFlowMatching(k=0, hidden_gnn=32, n_layers_gnn=2, joint=True, ot=True, **base),
}

cells = {"no move": distances(None, cells_test)}
for name, model in cell_models.items():
    cells[name] = distances(model.fit(cells_train), cells_test)
truth = [
    x0 + np.einsum("i,jid->jd", w, world.interaction)[kinds]
    for (x0, _), w, kinds in zip(
        cells_test, world.shares[cfg["cells"] :], world.types[cfg["cells"] :]
    )
]
cells["floor"] = [wasserstein_1(moved, x1) for moved, (_, x1) in zip(truth, cells_test)]
cells = pd.DataFrame(cells)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Horizontal bars: mean W1 to the truth over new mixtures of cells for ten predictions, from no move at the top to the floor at the bottom."}}
fig, ax = plt.subplots(figsize=(7, 3.9))
order = [
    "no move",
    "mean shift",
    "ridge shift",
    "FM",
    "FM w/ OT",
    "CGFM",
    "CGFM w/ OT",
    "MFM",
    "MFM w/ OT",
    "floor",
][::-1]
colours = [
    BLUE if n.startswith("MFM") else PALETTE["black"] if n == "floor" else GREY for n in order
]
ax.barh(order, cells[order].mean(), xerr=cells[order].sem(), color=colours, capsize=2)
ax.set(xlabel="W1 to the target, new mixtures (mean and standard error)")
ax.set_xlim(left=0.8 * cells["floor"].mean())
plt.show()

# %% tags=["remove-input"]
c = cells.mean()
mixbook.say(
    f"Without a move the distance is {c['no move']:.2f}, at the floor {c['floor']:.2f}. FM reaches {c['FM']:.2f}, CGFM {c['CGFM']:.2f}, MFM {c['MFM']:.2f}; with transport pairing "
    f"{c['FM w/ OT']:.2f}, {c['CGFM w/ OT']:.2f} and {c['MFM w/ OT']:.2f}. Ridge regression on two means reaches {c['ridge shift']:.2f}. The axis does not start at zero."
)

# %% [markdown]
# Three readings. The embedding carries over to new mixtures, where the index does not: without transport pairing MFM is ahead of both rivals. But transport pairing helps each network about as much,
# because independent pairs make a noisy regression; the paper, too, found plain FM with transport pairing slightly ahead of MFM on held-out patients. And a linear shift, which moves all cells
# of a population alike, is a strong rival. Against *no move at all* MFM without transport pairing is too close to call here: at this length of training the sign depended on the seed, as the worlds differ,
# so claim C4 is left to the full profile, with twice the populations and three times the steps.
#
# ## Scorecard

# %% tags=["hide-input"]
scorecard = mixbook.Scorecard("meta_flow_matching", profile=profile, seed=seed)
measure = mixbook.Measured.from_samples
scorecard.claim(
    "C1",
    "On letters never seen, Meta Flow Matching is closer to the target than flow matching without a context and than flow matching with an index.",
    paper="test Y: FM 0.238, CGFM 0.327, MFM 0.204 to 0.218",
    where="Table 1 (as reported by others)",
    unit="W1",
    measured={"mfm": measure(test[last]), "fm": measure(test["FM"]), "cgfm": measure(test["CGFM"])}
    if profile == "full"
    else None,
    criterion="mfm < fm and mfm < cgfm",
)
scorecard.claim(
    "C2",
    "The index memorises: better than no context in training, worse on new populations.",
    paper="train: FM 0.209, CGFM 0.090; test Y: FM 0.238, CGFM 0.327",
    where="Table 1 (as reported by others)",
    unit="W1",
    measured={
        "cgfm_train": measure(train["CGFM"]),
        "fm_train": measure(train["FM"]),
        "cgfm": measure(test["CGFM"]),
        "fm": measure(test["FM"]),
    },
    criterion="cgfm_train < fm_train and cgfm > fm",
)
scorecard.claim(
    "C3",
    "The field depends on the population: where two populations share a region and need opposite moves, the embedding settles which.",
    paper="follows from the theory",
    unit="W1",
    measured={"mfm": measure(moves["MFM"]), "fm": measure(moves["FM"])},
    criterion="mfm < 0.3 * fm",
)
scorecard.claim(
    "C4",
    "On held-out populations of cells, Meta Flow Matching is better than flow matching and than no move.",
    paper="replicates: no move 4.513, FM 4.340, MFM 4.100",
    where="Table 2 (as reported by others)",
    unit="W1",
    measured={
        "mfm": measure(cells["MFM"]),
        "fm": measure(cells["FM"]),
        "d": measure(cells["no move"]),
    }
    if profile == "full"
    else None,
    criterion="mfm < fm and mfm < d",
    note="Real cells in random mixtures, moves made up. Transport pairing is a second way to gain; see the figure.",
)
scorecard.claim(
    "C5",
    "How many neighbours the graph has matters little.",
    paper="test Y: k = 0 0.218, k = 10 0.208, k = 50 0.204",
    where="Table 1 (as reported by others)",
    unit="W1",
    measured={"W1_of_k": [float(test[f"MFM, k = {k}"].mean()) for k in cfg["k"]]}
    if profile == "full"
    else None,
    criterion="max(W1_of_k) < 1.15 * min(W1_of_k)",
)
scorecard

# %% tags=["nbval-check-output"]
print(scorecard.verdicts())

# %% [markdown]
# ## What we scaled down
#
# - **Training**, by a factor of some hundreds: the paper's letters take half a million steps of 7,000 points, this page nine hundred of 800, the full profile six thousand of 1,200. At
#   the page's length MFM and FM cannot be told apart on new letters, so C1 and C5 wait for the full profile; so does C4, as said above. Eight letters in six turns would be cheaper, but 48 populations are so few
#   that MFM memorises them, so all 24 letters are used.
# - **Letters** have 200 or 300 points instead of 800 to 2,900, and W1 between small clouds is larger. The font is another one, and the Fourier features are finer.
# - **Cells** are real, their moves are not: that MFM finds interactions which were put there says that it can, not that drug responses have this form. Pushes are large, six standard deviations for a pure pair of types and about three in a
#   mixture; with pushes of two the floor of the sample hides most of what there is to see at this length of training. The organoid screen and the rival with input-convex networks are not here.
# - **C5's 15 %** compares W1 values with a common floor, a weak criterion.
# - **The encoder reads the whole source population** in training as at test time; the official code reads the minibatch and builds its graph anew.
#
# ## Use it on your own data

# %%
mine = []
for shift in as_rng(0).normal(size=12):  # twelve populations, each with a move of its own
    before = as_rng(1).normal(shift, 1.0, size=(150, 3))
    mine.append((before, before + shift))
mymodel = MetaFlowMatching(
    k=5,
    hidden=64,
    n_fourier=8,
    t_dim=16,
    joint=True,
    lr=3e-3,
    max_steps=200,
    batch_points=150,
    random_state=0,
)
mymodel.fit(mine[:10])
print("W1 on two new populations", round(-mymodel.score(mine[10:]), 2))
print("without a move", np.mean([wasserstein_1(*pair) for pair in mine[10:]]).round(2))
print(mfm.population_metrics(mymodel.predict(mine[10][0]), mine[10][1]).keys())

# %% [markdown]
# ## Exercises
#
# **1.** The embedding has unit length. Can it still tell a cloud from the same cloud twice as large?
#
# **Solution.** Yes: the scale changes which ReLUs are open, and biases do not scale, so the direction changes.

# %% tags=["hide-input"]
small_cloud = as_rng(5).standard_normal((200, 2))
print(
    "distance of embeddings",
    np.linalg.norm(reads.embed(small_cloud) - reads.embed(2 * small_cloud)).round(2),
)

# %% [markdown]
# **2.** Give the index model a better guess for new populations: the mean of all trained codes instead of an unused one.
#
# **Solution.** The first layer is linear in the code, so the mean code gives the mean of what the codes add there:

# %% tags=["hide-input"]
cgfm = letter_models["CGFM"]
mean_code = torch.zeros(cgfm.n_populations_ + cgfm.n_unseen, device=device)
mean_code[: cgfm.n_populations_] = 1 / cgfm.n_populations_
moved = [
    mfm.integrate(lambda t, x: cgfm.net_(t, x, mean_code), torch.tensor(x0, device=device))[0].cpu()
    for x0, _, _ in held_out
]
better = np.mean([wasserstein_1(m, x1) for m, (_, x1, _) in zip(moved, held_out)])
print(f"unused codes {test['CGFM'].mean():.3f}, mean code {better:.3f}, FM {test['FM'].mean():.3f}")

# %% [markdown]
# **3.** Change the method: start the paths at Gaussian noise (`base="gaussian"`), so that the source matters through its embedding alone. What is lost on the opposite moves?
#
# **Solution.** The target has to be generated from its description, and the identity of the points is lost:

# %% tags=["hide-input"]
generative = MetaFlowMatching(joint=True, base="gaussian", **small_gnn, **small).fit(moves_train)
found = np.mean(
    [wasserstein_1(generative.predict(x0, random_state=0), x1) for x0, x1 in moves_test]
)
print(f"from the source {moves['MFM'].mean():.3f}, from noise {found:.3f}")

# %% [markdown]
# ## References
#
# - Lazar Atanackovic, Xi Zhang, Brandon Amos, Mathieu Blanchette, Leo J. Lee, Yoshua Bengio, Alexander Tong, Kirill Neklyudov. *Meta Flow Matching: Integrating Vector Fields on the Wasserstein
#   Manifold*. ICLR 2025. {cite}`atanackovic2025meta`.
# - Yaron Lipman, Ricky T. Q. Chen, Heli Ben-Hamu, Maximilian Nickel, Matthew Le. *Flow Matching for Generative Modeling*. ICLR 2023. {cite}`lipman2023flow`.
# - Alexander Tong et al. *Improving and Generalizing Flow-Based Generative Models with Minibatch Optimal Transport*. TMLR 2024. {cite}`tong2024improving`.
# - Manzil Zaheer et al. *Deep Sets*. NeurIPS 2017. {cite}`zaheer2017deep`.
# - Rémi Flamary et al. *POT: Python Optimal Transport*. JMLR 2021. {cite}`flamary2021pot`.
