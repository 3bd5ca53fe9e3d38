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
# ---

# %% [markdown]
# # LLP-BP: Learning from label proportions by belief propagation

# %% tags=["install", "hide-input", "remove-output"]
import subprocess
import sys

if "google.colab" in sys.modules:
    pip = [sys.executable, "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "mixbook[mixtures]"], check=True)

# %% tags=["hide-input", "parameters"]
profile = "ci"
seed = 0
device = "auto"

# %% tags=["hide-input"]
import itertools
import time

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from sklearn.datasets import make_moons
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

import mixbook
from mixbook.claims import Measured
from mixbook.core.plots import PALETTE, use_style
from mixbook.core.sliders import slider_figure
from mixbook.data import load_adult, load_bank_marketing, load_digit_collections
from mixbook.mixtures import llp_bp as lb

SIZES = {
    "ci": {
        "worlds": 6, "swept": 3, "carried": 2048, "starts": 6,
        "bags": {"Adult": {8: 3, 256: 5}, "Digits": {16: 2, 256: 4}}, "n": 4096, "n_val": 1024, "digits": 3072, "pairs_up_to": 64,
        "net": {"hidden": (64, 32, 16), "batch_size": 512, "max_epochs": 25, "patience": 4},
        "growth": {32: [2**k for k in range(11, 15)]},
    },
    "full": {
        "worlds": 20, "swept": 20, "carried": 4096, "starts": 20,
        "bags": {"Adult": {8: 4, 64: 4, 512: 4}, "Bank": {8: 4, 64: 4, 512: 4}, "Digits": {16: 4, 64: 4, 256: 4}}, "n": 16_000, "n_val": 4000, "digits": 3500, "pairs_up_to": 128,
        "net": {"hidden": (256, 128, 64), "batch_size": 1024, "max_epochs": 40, "patience": 4},
        "growth": {32: [2**k for k in range(11, 18)], 1024: [2**k for k in (14, 16, 18, 20)], 2048: [43_008]},
    },
}  # fmt: skip
cfg = SIZES[profile]
TWO = LinearSegmentedColormap.from_list("two", [PALETTE["blue"], "#F4F4F4", PALETTE["orange"]])
use_style()

# %% tags=["remove-input"]
mixbook.card("llp_bp")

# %% [markdown]
# ## In one picture

# %% tags=["hide-input", "thumbnail"] mystnb={"image": {"alt": "Three panels with the same points, two interlocking half-moons. Left: each point has the colour of the share of ones in its bag; the colours say nothing about the shape. Middle: the graph of neighbours, points coloured by their marginals after belief propagation; the upper moon is blue and the lower one orange. Right: the classifier trained on the thresholded marginals, its two regions divided by a curve between the moons."}}
moons, moon_y = make_moons(480, noise=0.13, random_state=seed)
moons = moons.astype(np.float32)
moon_bags, moon_counts = lb.make_bags(moon_y, 12, seed)
moon_graph = lb.knn_graph(moons, 6, metric="euclidean", length=0.2)
moon_share = (moon_counts / 12)[moon_bags]
moon_law = (moon_graph, moon_bags, moon_counts, 1.0)  # weight 1 for the counts
moon_found = lb.bp_bags(*moon_law, 1.0, "cardinality", start="ising")


def draw_points(ax, colours, title, **more):
    ax.scatter(*moons.T, c=colours, cmap=TWO, vmin=0, vmax=1, s=16, lw=0.3, ec="#555555", **more)  # fmt: skip
    ax.set(title=title, xlabel="$x_1$")
    ax.grid(visible=False)


def draw_graph(ax, colours, title):
    ax.add_collection(LineCollection(moons[moon_graph[0]], color="#B9B9B9", lw=0.5, zorder=0))
    draw_points(ax, colours, title, zorder=1)


fig, axes = plt.subplots(1, 3, figsize=(10, 3.6), sharex=True, sharey=True)
draw_points(axes[0], moon_share, "known: share of ones in each bag")
draw_graph(axes[1], moon_found.marginals, "inferred: marginals on the graph")
labels = lb.pseudo_labels(moon_found.marginals, 0.5, moon_bags, moon_counts)
student = lb.BagClassifier(hidden=(64, 32, 16), lr=1e-2, max_epochs=60, batch_size=96, random_state=seed)  # fmt: skip
student.fit(moons, np.arange(len(moons)), labels)
side = [np.linspace(a, b, 120, dtype=np.float32) for a, b in zip(moons.min(0) - 0.2, moons.max(0) + 0.2)]  # fmt: skip
grid = np.stack(np.meshgrid(*side), axis=-1)
axes[2].contourf(*side, student.predict_proba(grid.reshape(-1, 2))[:, 1].reshape(120, 120), 20, cmap=TWO, alpha=0.45, vmin=0, vmax=1)  # fmt: skip
draw_points(axes[2], moon_y, "learned: a classifier")
axes[0].set(ylabel="$x_2$")
plt.show()

# %% tags=["remove-input"]
mixbook.say(
    f"480 points in {len(moon_counts)} random bags of 12; of the labels only the number of ones in each bag is known. A bag's share ranks the points little better than chance "
    f"(AUC {roc_auc_score(moon_y, moon_share):.2f}). Together with the wish that neighbours agree it pins down almost every label (AUC {roc_auc_score(moon_y, moon_found.log_odds):.2f}), "
    f"and an ordinary classifier trained on these guesses (right panel, with the true labels) is right for {student.score(moons, moon_y, 'accuracy'):.0%} of the points."
)

# %% [markdown]
# ## The problem
#
# Sometimes labels exist only as totals. An advertiser learns that 7 of the 64 people who saw an advertisement bought something, but not which 7; a clinic publishes counts for
# each ward. Instances $x_i$ come in disjoint **bags** $S_1, \dots, S_m$, and of the labels $y_i \in \{0, 1\}$ only the counts $B_s = \sum_{i \in S_s} y_i$ are known. Wanted is a
# classifier of *instances*. In a bag of 8 the count says a good deal about each member, in a bag of 1,000 next to nothing.
#
# ## The idea
#
# There is a second source of information: similar instances tend to have the same label. Put both into one probability law over all labels,
#
# $$ P(y) \propto \exp\Big(-\lambda_b \sum_s \Big(\sum_{i \in S_s} y_i - B_s\Big)^2 - \lambda_s \sum_{(i,j) \in E} k_{ij} (y_i - y_j)^2\Big), \qquad \text{Eq. (1)} $$
#
# where $E$ are the edges of a graph of nearest neighbours, and ask **belief propagation** (BP) for the marginals $q_i = P(y_i = 1)$. Threshold them: these are
# **pseudo-labels**. Train an ordinary network on them. Its inner layer is an **embedding** in which classes lie farther apart than in the raw data, so build the graph there and do it again.
#
# The paper runs two such rounds. Inference does the hard part and supervised learning the rest.

# %% [markdown]
# ## The method
#
# ### Four instances by hand
#
# Two bags, {0, 1} with one 1 and {2, 3} with two, and a single edge between 1 and 2. Since $y^2 = y$, all of Eq. (1) is a sum over instances and over pairs, with
#
# $$ u_i = -\lambda_b (1 - 2 B(i)) - \lambda_s \sum_{j : (i,j) \in E} k_{ij} \quad \text{Eq. (2)}, \qquad w_{ij} = 2 \lambda_s k_{ij} [(i,j) \in E] - 2 \lambda_b [\text{same bag}] \quad \text{Eq. (3)}. $$

# %% tags=["nbval-check-output"]
edges, weights = np.array([[1, 2]]), np.array([0.5])
ids, counts = np.array([0, 0, 1, 1]), np.array([1, 2])
u, pairs, w = lb.gibbs_potentials(edges, weights, ids, counts, lam_bag=1.0, lam_sim=2.0)
print("u:", u)
for (i, j), value in zip(pairs.tolist(), w):
    print(f"w_{i}{j} = {value:+.0f}")
print("exact:", lb.exact_marginals(edges, weights, ids, counts, 1.0, 2.0).round(4))
print("BP:   ", lb.bp_marginals(u, pairs, w).marginals.round(4))

# %% [markdown]
# By hand: $u_2 = -(1 - 2 \cdot 2) - 2 \cdot 0.5 = 2$. Instances of one bag repel each other, neighbours attract. Instance 1 has a neighbour whose bag is all ones, so it is
# likelier than instance 0 to be the single 1 of their bag. These pairs form a chain, and there belief propagation is exact.
#
# ### Messages
#
# Each instance tells each partner how its own odds would change the partner's:
#
# $$ \tilde m_{i \to j} = \log \frac{1 + e^{c + w_{ij}}}{1 + e^c}, \quad c = u_i + \sum_{l \ne j} m_{l \to i} \quad \text{Eq. (5)}, \qquad q_i = \sigma\Big(u_i + \sum_l m_{l \to i}\Big) \quad \text{Eq. (7)}. $$
#
# All messages are updated at once, and half of the old one is kept, Eq. (6). In the code $c$ is the total at $i$ minus one message, and the fraction a difference of two softplus
# functions, so that nothing overflows:

# %%
mixbook.show_source(lb.bp_marginals)

# %% [markdown]
# ### When pairs don't settle
#
# In a bag of $b$ every instance is coupled with all others: short cycles everywhere. Take a bag of twelve with four ones and no edges at all. By symmetry every marginal is the same.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Marginal over iterations for a bag of twelve with four ones. Messages between pairs jump between nearly zero and nearly 0.8 for ever; the message of the whole bag comes to the true value, a little above one third, within ten iterations."}}
nothing = (np.zeros((0, 2), int), np.zeros(0))
steps = np.arange(1, 61)
twelve = {
    method: [lb.bp_bags(nothing, np.zeros(12, int), [4], 2.0, 0.0, method, n_iter=int(t)).marginals[0] for t in steps]
    for method in ("pairwise", "cardinality")
}  # fmt: skip
truth = lb.exact_marginals(*nothing, np.zeros(12, int), [4], 2.0, 0.0)[0]
fig, ax = plt.subplots(figsize=(7.2, 3))
ax.plot(steps, twelve["pairwise"], "-o", ms=3, color=PALETTE["orange"], label="pairs, Eq. (5)")
ax.plot(steps, twelve["cardinality"], "-", color=PALETTE["blue"], lw=2.4, label="whole bag, Eq. (8)")  # fmt: skip
ax.axhline(truth, ls="--", lw=1, color=PALETTE["black"], label="exact")
ax.set(xlabel="iteration", ylabel="marginal $q_i$", ylim=(-0.03, 1.2))
ax.legend(ncols=3, loc="upper center")
plt.show()

# %% tags=["remove-input"]
hundred = [lb.bp_bags(nothing, np.zeros(12, int), [4], 2.0, 0.0, n_iter=t) for t in (99, 100)]
mixbook.say(
    f"After 100 iterations the pairs say {hundred[1].marginals[0]:.2f}, after 99 they say {hundred[0].marginals[0]:.2f}; the truth is {truth:.3f}. The residual, which the result carries, is {hundred[1].residual:.1f}: "
    "these are not marginals but a moment in an oscillation."
)

# %% [markdown]
# ### A bag as one factor
#
# The cure is older than the paper: treat the count as *one* factor of all its members. To instance $i$ the bag sends
#
# $$ \log \frac{\sum_K P_{-i}(K) f(K+1)}{\sum_K P_{-i}(K) f(K)}, \qquad f(K) = e^{-\lambda_b (K - B)^2}, \qquad \text{Eq. (8)} $$
#
# where $P_{-i}$ is the law of the number of ones among the others if each is a 1 with the probability that it currently believes. The Gibbs law is the same; within a bag the
# sum is now exact. Leaving each member out in turn looks like $O(b^3)$. A binary tree over the bag does all at once: laws of partial counts go up, Eq. (11), the factor comes down, Eq. (12).
#
# A rounding trap: if the count is far from what the members expect, all that matters lies in the tail of $P$. A tilt $\theta$ moves the law there first; it solves
#
# $$ \theta + 2\lambda_b \Big(\sum_j \sigma(c_j + \theta) - B\Big) = 0 \qquad \text{Eq. (9)} $$
#
# and turns the factor into $e^{-\lambda_b(K - \kappa)^2}$ with $\kappa = B - \theta / 2\lambda_b$, Eq. (10), which is exactly the mean of the tilted law. Now both ends of every law can be
# cut where they fall below $10^{-30}$ of the peak. What is left is about $\sqrt b$ wide, and a large bag costs $O(b \log b)$ instead of $O(b^2)$.

# %%
mixbook.show_source(lb.count_messages)

# %% [markdown]
# ### Where messages start
#
# $\lambda_s$ sets how much neighbours count. With none, all members of a bag are alike. With much, something unexpected happens, in the left panel only. Move the slider.

# %% tags=["hide-input"]


def draw_strength(lam_sim):
    fig, axes = plt.subplots(1, 2, figsize=(7.6, 3.3), sharex=True, sharey=True)
    for ax, (start, name) in zip(axes, (("zero", "zero"), ("ising", "Eq. (17)"))):
        q = lb.bp_bags(*moon_law, lam_sim, "cardinality", start=start).log_odds
        draw_graph(ax, 1 / (1 + np.exp(-q)), f"start: {name}, AUC {roc_auc_score(moon_y, q):.2f}")
    axes[0].set(ylabel="$x_2$")
    fig.suptitle(f"$\\lambda_s$ = {lam_sim:g}", fontsize=10)
    return fig


slider_figure(draw_strength, [0.0, 0.1, 0.3, 1.0, 3.0, 10.0], "weight of neighbours", start=3, dpi=62)  # fmt: skip

# %% [markdown]
# Eq. (1) favours neither label, but messages of zero do. With them the odds of $i$ start at $u_i$, and $u_i$ contains $-\lambda_s \sum_j k_{ij}$: a push towards 0 that only the messages of the neighbours can cancel, and the harder, the more
# neighbours there are. If neighbours are strong, all agree on 0 before the counts are heard, and no message brings them back.
#
# Write the same law for spins $s_i = 2y_i - 1$. Now couplings are symmetric, and spins with messages of zero are even. Translated back, the first messages are
#
# $$ m_{i \to j} = w_{ij} / 2. \qquad \text{Eq. (17)} $$
#
# Law, updates and fixed points are the same; BP only starts elsewhere. The authors' code has labels 0 and 1 and starts at zero. We found no word about this in what is public of the paper, and it will matter.

# %% tags=["remove-input"]
frozen = lb.bp_bags(*moon_law, 10.0, "cardinality").marginals >= 0.5
law = (*moon_graph, *moon_law[1:], 10.0)
mixbook.say(
    f"At λ_s = 10 and from zero, BP calls {frozen.mean():.0%} of the points ones. The law does not want that: the true labels are e^{lb.log_gibbs(moon_y, *law) - lb.log_gibbs(frozen, *law):,.0f} times as likely."
)

# %% [markdown]
# ### Pseudo-labels, network, and again
#
# $\hat y_i = [q_i \ge \tau]$, Eq. (13), with $\tau = \frac12$. Where that leaves no ones (large bags, rare label), `tau="count"` takes the $B_s$ likeliest of each bag. The network is trained on
#
# $$ \mathrm{BCE}(\hat y_i, p_i) + \lambda_a\, \mathrm{BCE}(B_s / |S_s|,\ p^{\mathrm{bag}}_s), \qquad \text{Eq. (14)} $$
#
# whose second term keeps the counts, which are certain, in play: the mean embedding of a bag must predict the bag's proportion.

# %%
mixbook.show_source(lb.LLPBP.fit)

# %% [markdown]
# ### Rivals
#
# **DLLP** matches the mean predicted probability of a bag to its proportion, Eq. (15). **EasyLLP** trains on surrogate labels $|S_s|(B_s/|S_s| - \pi) + \pi$, Eq. (16), unbiased if bags are random and noisy if
# they are large. Both use the same network here. The **bag means** baseline is a logistic regression that sees each bag's mean as a one with weight $B_s$ and as a zero with weight $|S_s| - B_s$.
#
# ### Where people go wrong
#
# - **The unary's sign.** It is $-\lambda_b(1 - 2B)$. With the sign reversed balanced data still look fine.
# - **Trusting 100 iterations.** Damping hides oscillations but doesn't remove them. Look at the residual.
# - **Zero as a neutral start.** It depends on how labels are coded. Flip all labels and counts: the marginals must flip too, after any number of iterations.
# - **AUC of saturated marginals.** Many round to exactly 0 or 1 and tie. Rank by log-odds.
# - **A rare label and strong $\lambda_s$.** Everything falls to the majority, first the hubs of the graph.
# - **Validation labels.** The paper tunes on labelled validation data, which a true user of label proportions may not have. So do we, for all methods alike.

# %% [markdown]
# ## Experiments
#
# ### Two sources on known ground
#
# Two Gaussians in ten dimensions, 2,048 points, random bags of 16. Do counts and neighbours *both* matter? We run BP with the true counts, with counts shuffled among bags, and without the graph.

# %% tags=["hide-input"]
LAMS = (0.1, 0.3, 1.0, 3.0)


def one_world(s, sweep):
    """AUC of each source alone and of both; with ``sweep`` also over the weight of the counts."""
    X, y = lb.make_two_gaussians(2048, 10, 1.5, s)
    X_new, y_new = lb.make_two_gaussians(2048, 10, 1.5, 500_000 + s)
    ids, counts = lb.make_bags(y, 16, s)
    graph = lb.knn_graph(X, 10)
    shuffled = np.random.default_rng(s).permutation(counts)
    found = lb.bp_bags(graph, ids, counts, 0.1, 2.0)
    hard = lb.pseudo_labels(found.marginals, 0.5, ids, counts)
    logistic = LogisticRegression().fit(X, hard) if 0 < hard.mean() < 1 else None
    row = {
        "bag's share alone": roc_auc_score(y, (counts / 16)[ids]),
        "counts without neighbours": roc_auc_score(y, lb.bp_bags(nothing, ids, counts, 0.1, 0.0).log_odds),
        "neighbours and shuffled counts": roc_auc_score(y, lb.bp_bags(graph, ids, shuffled, 0.1, 2.0).log_odds),
        "neighbours and counts": roc_auc_score(y, found.log_odds),
        "logistic regression on these labels": 0.5 if logistic is None else roc_auc_score(y_new, logistic.decision_function(X_new)),
    }  # fmt: skip
    for lam_bag, method in itertools.product(LAMS if sweep else (), ("pairwise", "cardinality")):
        run = lb.bp_bags(graph, ids, counts, lam_bag, 2.0, method)
        row[method, lam_bag] = roc_auc_score(y, run.log_odds)
        row[method, lam_bag, "residual"] = run.residual
    return row


worlds = pd.DataFrame([one_world(1000 * seed + i, i < cfg["swept"]) for i in range(cfg["worlds"])])
named = [c for c in worlds.columns if isinstance(c, str)]
pd.DataFrame({"mean AUC": worlds[named].mean(), "lowest": worlds[named].min(), "highest": worlds[named].max()}).round(3)  # fmt: skip

# %% tags=["remove-input"]
shuffled = worlds["neighbours and shuffled counts"]
mixbook.say(
    f"Neighbours and counts together reach {worlds['neighbours and counts'].mean():.3f}, counts alone {worlds['counts without neighbours'].mean():.3f}. With shuffled counts the AUC is {shuffled.mean():.2f} on average, "
    f"between {shuffled.min():.2f} and {shuffled.max():.2f}: the graph still splits the points into the two classes, but which of them is the class of ones is left to chance. "
    "On such easy data the counts mainly fix the sign."
)

# %% [markdown]
# ### Strong counts
#
# The stronger the count term, the more frustrated its pairs.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels over the weight of the counts. Left: AUC of the marginals; whole bags stay near 0.97 at all weights, pairs fall to one half from weight one on. Right: residual after one hundred iterations, on a logarithmic axis; that of whole bags stays small, that of pairs rises above one where the AUC falls."}}
fig, axes = plt.subplots(1, 2, figsize=(8.8, 3.3))
for method, name, colour in (("pairwise", "pairs", "orange"), ("cardinality", "whole bags", "blue")):  # fmt: skip
    values = worlds[[(method, b) for b in LAMS]].dropna()
    axes[0].errorbar(LAMS, values.mean(), values.std(), fmt="o-", capsize=3, color=PALETTE[colour], label=name)  # fmt: skip
    residual = worlds[[(method, b, "residual") for b in LAMS]].dropna().median()
    axes[1].loglog(LAMS, residual.clip(lower=1e-16), "o-", color=PALETTE[colour], label=name)
axes[0].set(xscale="log", xlabel=r"weight of the counts $\lambda_b$", ylabel="AUC of the marginals (mean, sd)", ylim=(0.4, 1.02))  # fmt: skip
axes[1].set(xlabel=r"weight of the counts $\lambda_b$", ylabel="residual after 100 iterations (nats)")  # fmt: skip
axes[0].legend()
plt.show()

# %% tags=["remove-input"]
mixbook.say(
    f"At λ_b = 1 pairs have an AUC of {worlds['pairwise', 1.0].mean():.2f}, whole bags {worlds['cardinality', 1.0].mean():.2f}, on the same law."
)

# %% [markdown]
# ### How far do the counts carry?
#
# Now inference alone, without any network, as bags grow: on the Gaussians, on *digits* (5,000 pictures of MNIST, 50 principal components; is the digit odd? ten groups, each with one label) and on *Adult* (a census; is
# the income above 50,000 dollars?). All with whole bags and $\lambda_b = 10$, $\lambda_s = 3$. Neighbours among digits are about six apart, so there the kernel's length is 10.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Three panels, AUC of the marginals over bag size from 4 to 256. Two Gaussians: near one at all sizes. Digits: with the start of Eq. 17 near one up to bags of 32 and falling after that; from zero it falls from bags of 16 on and ends below one half. Adult: both starts nearly the same, falling with the dashed line of the bag's share down to one half."}}
adult = load_adult()
adult_X, adult_test, _ = adult.features()
digits = load_digit_collections()
digit_y = digits.mnist_digit % 2
digit_X = PCA(50, random_state=0).fit_transform(digits.mnist_raw.reshape(5000, -1)).astype(np.float32)  # fmt: skip
CARRY = np.random.default_rng(seed).permutation(5000)[: cfg["carried"]]
GROUNDS = {
    "two Gaussians": (*lb.make_two_gaussians(cfg["carried"], 10, 1.5, seed), 1.0),
    "digits": (digit_X[CARRY], digit_y[CARRY], 10.0),
    "Adult": (adult_X[CARRY], adult.y_train[CARRY], 1.0),
}
BAGS = [4, 8, 16, 32, 64, 128, 256]


def weight_cut(graph, labels):
    """Share of the weight of all edges that joins a one and a zero."""
    return graph[1][labels[graph[0][:, 0]] != labels[graph[0][:, 1]]].sum() / graph[1].sum()


carried = []
for name, (X, y, length) in GROUNDS.items():
    graph = lb.knn_graph(X, 5, length=length)
    for size in BAGS:
        ids, counts = lb.make_bags(y, size, seed)
        row = {"data": name, "bag": size, "share": roc_auc_score(y, (counts / np.bincount(ids))[ids]), "cut, truth": weight_cut(graph, y)}  # fmt: skip
        for start in ("zero", "ising"):
            run = lb.bp_bags(graph, ids, counts, 10.0, 3.0, "cardinality", tol=1e-4, start=start)
            row[f"AUC, {start}"] = roc_auc_score(y, run.log_odds)
            row[f"cut, {start}"] = weight_cut(graph, lb.pseudo_labels(run.log_odds, "count", ids, counts))  # fmt: skip
        carried.append(row)
carried = pd.DataFrame(carried).set_index(["data", "bag"])
fig, axes = plt.subplots(1, 3, figsize=(10, 3.3), sharey=True)
for ax, name in zip(axes, GROUNDS):
    part = carried.loc[name]
    ax.plot(BAGS, part["AUC, ising"], "o-", color=PALETTE["blue"], label="start: Eq. (17)")
    ax.plot(BAGS, part["AUC, zero"], "s-", color=PALETTE["orange"], label="start: zero")
    ax.plot(BAGS, part["share"], "--", lw=1, color=PALETTE["grey"], label="the bag's share alone")
    ax.set(xscale="log", xlabel="bag size (instances)", title=name)
    ax.set_xticks(BAGS, [str(b) for b in BAGS])
    ax.minorticks_off()
axes[0].set(ylabel="AUC of the marginals")
axes[0].legend(loc="lower left")
plt.show()

# %% [markdown]
# Where it fails, who is to blame, the law or its inference? Give a one to the instances that BP ranks highest, as many in each bag as there are ones. These labels meet every count, and so do the true ones. Which are likelier
# under Eq. (1) is then a matter of the edges they cut. If BP's labels cut *more* weight than the truth, a likelier answer exists and BP has missed it. If they cut *less*, the law itself prefers
# something smoother than the truth. That may still be close, as on the Gaussians, where it is a tidier border between the classes. Where it cuts several times less, as on Adult, no inference can help: the graph has smooth
# cuts that aren't classes, and large bags don't tell them apart.

# %% tags=["hide-input"]
carried.loc[[(name, size) for name in GROUNDS for size in (16, 64, 256)], ["AUC, zero", "AUC, ising", "cut, truth", "cut, zero", "cut, ising"]].round(3)  # fmt: skip

# %% tags=["hide-input"]
starts = {"zero": [], "ising": []}
for i in range(cfg["starts"]):  # fresh digits, fresh bags of 64
    rows = np.random.default_rng([seed, 64, i]).permutation(5000)[: cfg["carried"]]
    ids, counts = lb.make_bags(digit_y[rows], 64, np.random.default_rng([seed, 65, i]))
    graph = lb.knn_graph(digit_X[rows], 5, length=10.0)
    for start, values in starts.items():
        run = lb.bp_bags(graph, ids, counts, 10.0, 3.0, "cardinality", tol=1e-4, start=start)
        values.append(roc_auc_score(digit_y[rows], run.log_odds))
starts = {start: Measured.from_samples(values) for start, values in starts.items()}

# %% tags=["remove-input"]
census = carried.loc[("Adult", 64)]
mixbook.say(
    f"With bags of 64 the start moves the digits from {starts['zero'].value:.2f} ± {starts['zero'].se:.2f} to {starts['ising'].value:.2f} ± {starts['ising'].se:.2f} (mean and s.e. of {cfg['starts']} samples). On Adult it changes next to nothing: "
    f"the true labels cut {census['cut, truth']:.0%} of the weight, the labels that BP finds {census['cut, ising']:.0%}. Rich and poor are neighbours in the census."
)

# %% [markdown]
# ### The whole method, and its rivals
#
# Adult with random bags of 8 and of 256, judged by the AUC on the official test set, and digits with bags of 16 and 256, judged on a thousand others. The full profile adds *Bank Marketing* (did the call sell a deposit?). Every method has the same network, batches
# and early stopping, and a small grid: learning rates for DLLP and EasyLLP; for LLP-BP the messages and their start, $\lambda_b$, $\lambda_s$, the weight $\lambda_a$ of the aggregate loss and a learning
# rate, the authors' $\lambda_b = \lambda_s = 10$ on pairs from zero among them (small bags only, since their cost grows with $b^2$). The validation AUC on a first sample chooses one setting for each method and bag size; fresh
# samples with fresh bags are then judged.

# %% tags=["hide-input"]
bank = load_bank_marketing()
bank_train, bank_val, bank_test = bank.standardised()
AUTHORS = ("pairwise", "zero", 10.0, 10.0, 0.1, 3e-3)
LLP_GRID = [  # messages, start, weights of counts, neighbours and aggregate loss, learning rate
    ("cardinality", "ising", 10.0, 1.0, 0.1, 3e-3),
    ("cardinality", "ising", 10.0, 3.0, 10.0, 3e-3),
    ("cardinality", "ising", 10.0, 0.3, 100.0, 1e-2),
    AUTHORS,
]
RATES = {"dllp": [3e-3, 1e-2, 3e-2], "easyllp": [3e-3, 1e-2]}
if profile == "full":
    LLP_GRID += [("cardinality", "ising", 10.0, 0.3, 10.0, 1e-2), ("cardinality", "zero", 10.0, 1.0, 0.1, 3e-3), ("pairwise", "zero", 1.0, 0.3, 0.1, 3e-3), ("pairwise", "zero", 1.0, 0.3, 10.0, 1e-2)]  # fmt: skip
    RATES["easyllp"] += [1e-3]
LENGTH = {"Adult": 1.0, "Bank": 1.0, "Digits": 10.0}


def sample(name, repeat):
    """Training and validation rows of one repeat, and test rows (the official ones if there are)."""
    rng = np.random.default_rng([seed, repeat])
    if name == "Bank":  # official three parts
        rows = rng.permutation(len(bank_train))[: cfg["n"]]
        return (bank_train[rows], bank.y_train[rows], bank_val, bank.y_val, bank_test, bank.y_test)
    if name == "Digits":
        rows = rng.permutation(5000)
        parts = rows[: cfg["digits"]], rows[3500:4000], rows[4000:]
        return tuple(v[part] for part in parts for v in (digit_X, digit_y))
    rows = rng.permutation(len(adult_X))
    rows, held = rows[: cfg["n"]], rows[-cfg["n_val"] :]
    return (adult_X[rows], adult.y_train[rows], adult_X[held], adult.y_train[held], adult_test, adult.y_test)  # fmt: skip


def llp(setting, name, s):
    method, start, lam_bag, lam_sim, lam_agg, lr = setting
    return lb.LLPBP(5, lam_sim, lam_bag, lam_agg=lam_agg, lr=lr, method=method, start=start, length=LENGTH[name], random_state=s, **cfg["net"])  # fmt: skip


def rival(loss, lr, s):
    return lb.BagClassifier(loss, lr=lr, random_state=s, **cfg["net"])


def grids(name, size):
    """The settings of each method, as functions of a seed."""
    laws = [g for g in LLP_GRID if g[0] == "cardinality" or size <= cfg["pairs_up_to"]]
    grid = {
        "LLP-BP": [lambda s, g=g: llp(g, name, s) for g in laws],
        "DLLP": [lambda s, r=r: rival("dllp", r, s) for r in RATES["dllp"]],
        "EasyLLP": [lambda s, r=r: rival("easyllp", r, s) for r in RATES["easyllp"]],
    }
    if profile == "full":
        without = sorted({(*g[:4], 0.0, g[5]) for g in laws})
        grid["LLP-BP, no aggregate loss"] = [lambda s, g=g: llp(g, name, s) for g in without]
    return grid


def evaluate(name, size):
    """Tune on repeat 0, then one row for each method and fresh repeat."""
    X, y, X_val, y_val, *_ = sample(name, 0)
    bags, s = lb.make_bags(y, size, 1000 * seed), 1000 * seed
    makers, chosen = {}, {}
    for method, grid in grids(name, size).items():
        models = [make(s) for make in grid]
        best = lb.select_best(models, X, *bags, X_val, y_val)
        makers[method], chosen[method] = grid[models.index(best)], best.get_params()
    if size <= cfg["pairs_up_to"] and (name == "Adult" or profile == "full"):
        makers["LLP-BP, authors' weights"] = lambda s: llp(AUTHORS, name, s)
    return [r for i in range(cfg["bags"][name][size]) for r in one_repeat(name, size, i + 1, makers)], chosen  # fmt: skip


def one_repeat(name, size, repeat, makers):
    X, y, X_val, y_val, X_new, y_new = sample(name, repeat)
    s = 1000 * seed + repeat
    ids, counts = lb.make_bags(y, size, s)
    base = {"data": name, "bag": size, "repeat": repeat}
    means = lb.bag_mean_classifier(X, ids, counts).decision_function(X_new)
    rows = [base | {"method": "bag means", "test": roc_auc_score(y_new, means)}]
    for method, make in makers.items():
        start = time.process_time()
        model = make(s).fit(X, ids, counts, X_val, y_val)
        row = base | {"method": method, "test": model.score(X_new, y_new), "seconds": time.process_time() - start}  # fmt: skip
        if method.startswith("LLP-BP"):
            row |= {f"round {k + 1}": roc_auc_score(y, q) for k, q in enumerate(model.log_odds_)}
            row["ones"] = model.pseudo_labels_.mean()
        rows.append(row)
    if size == min(cfg["bags"][name]):
        full = rival("dllp", 3e-3, s).fit(X, np.arange(len(y)), y, X_val, y_val)
        rows.append(base | {"method": "true labels", "test": full.score(X_new, y_new)})
    return rows


results, settings = [], {}
for name, size in [(name, size) for name, sizes in cfg["bags"].items() for size in sizes]:
    rows, settings[name, size] = evaluate(name, size)
    results += rows
results = pd.DataFrame(results)
results.groupby(["data", "method", "bag"])["test"].mean().round(3).astype(str).unstack(
    "bag", fill_value=""
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Test AUC over bag size for LLP-BP, DLLP, EasyLLP and the logistic regression on bag means, with error bars; a dashed line shows training on true labels. All methods lose from small to large bags. On Adult LLP-BP lies below EasyLLP and the bag means; on digits it is the best with small bags and level with the bag means with large ones."}}
LOOK = {"LLP-BP": ("blue", "o-"), "DLLP": ("orange", "s-"), "EasyLLP": ("green", "^-"), "bag means": ("grey", "d-")}  # fmt: skip
fig, axes = plt.subplots(1, len(cfg["bags"]), figsize=(max(5.6, 3.8 * len(cfg["bags"])), 3.6), squeeze=False)  # fmt: skip
for ax, name in zip(axes[0], cfg["bags"]):
    part = results[results.data == name]
    for method, (colour, fmt) in LOOK.items():
        by = part[part.method == method].groupby("bag").test
        ax.errorbar(by.mean().index, by.mean(), by.sem(), fmt=fmt, capsize=3, color=PALETTE[colour], label=method)  # fmt: skip
    ax.axhline(part[part.method == "true labels"].test.mean(), ls="--", lw=1, color=PALETTE["black"], label="true labels")  # fmt: skip
    ax.set(xscale="log", xlabel="bag size (instances)", title=name)
    ax.set_xticks(list(cfg["bags"][name]), [str(b) for b in cfg["bags"][name]])
    ax.minorticks_off()
axes[0, 0].set(ylabel="test AUC (mean, s.e.)")
axes[0, 0].legend()
plt.show()

# %% tags=["hide-input"]


def paired(name, size, a, b, column="test"):
    """Differences between two methods, repeat by repeat."""
    part = results[(results.data == name) & (results.bag == size)].set_index("repeat")
    return Measured.from_samples((part[part.method == a][column] - part[part.method == b][column]).tolist())  # fmt: skip


def gain(name, size, method):
    """What the second round adds to the AUC of the marginals."""
    part = results[(results.data == name) & (results.bag == size) & (results.method == method)]
    return Measured.from_samples((part["round 2"] - part["round 1"]).tolist())


SMALL, LARGE = ({name: pick(sizes) for name, sizes in cfg["bags"].items()} for pick in (min, max))
gap_small = {n: paired(n, SMALL[n], "LLP-BP", "DLLP") for n in SMALL}
gap_large = {n: paired(n, LARGE[n], "LLP-BP", "DLLP") for n in LARGE}
easy = {n: paired(n, LARGE[n], "LLP-BP", "EasyLLP") for n in LARGE}
plain = {n: paired(n, LARGE[n], "LLP-BP", "bag means") for n in LARGE}
second = {m: gain("Adult", 8, m) for m in ("LLP-BP, authors' weights", "LLP-BP")}

# %% tags=["remove-input"]


def at_large(name):
    """What validation chose for the largest bags, and what BP found there."""
    big, picked = LARGE[name], settings[name, LARGE[name]]["LLP-BP"]
    mine = results[(results.data == name) & (results.bag == big) & (results.method == "LLP-BP")]
    return (
        f"*{name}*: with bags of {SMALL[name]} LLP-BP is {gap_small[name].value:+.3f} from DLLP; with bags of {big} it is {gap_large[name].value:+.3f} from DLLP, {easy[name].value:+.3f} from EasyLLP and {plain[name].value:+.3f} from the logistic regression on bag means. "
        f"Validation chose λ_s = {picked['lam_sim']:g} and λ_a = {picked['lam_agg']:g} there; the marginals have an AUC of {mine['round 1'].mean():.2f} in the first round and {mine['round 2'].mean():.2f} in the second, and {mine['ones'].mean():.0%} of the pseudo-labels are ones."
    )


mixbook.say("\n\n".join(at_large(name) for name in cfg["bags"]))

# %% [markdown]
# So the method stands and falls with its first step. Where BP's marginals are good, as on digits in small bags, the network inherits it and leads all rivals. Where they are not, no later round
# repairs them. What then remains of LLP-BP at large bags is the aggregate loss: validation takes a large $\lambda_a$ with a graph that hardly matters, and the network learns from proportions, as its rivals do.

# %% [markdown]
# ### Cost

# %% tags=["hide-input"] mystnb={"image": {"alt": "Seconds of one processor over the number of instances, both axes logarithmic: belief propagation rises along a straight line with a slope close to one, the graph faster."}}
timings = []
for n in sorted({n for ns in cfg["growth"].values() for n in ns}):
    X, y = lb.make_two_gaussians(n, 10, 1.5, seed)
    start = time.process_time()
    graph = lb.knn_graph(X, 5)
    graph_seconds = time.process_time() - start
    for size in (b for b, ns in cfg["growth"].items() if n in ns):
        ids, counts = lb.make_bags(y, size, seed)
        start = time.process_time()
        lb.bp_bags(graph, ids, counts, 1.0, 1.0, "cardinality", n_iter=100)
        timings.append((size, n, graph_seconds, time.process_time() - start))
timings = pd.DataFrame(timings, columns=["bag", "n", "graph", "BP"])
slope = float(np.polyfit(*np.log(timings[timings.bag == 32][["n", "BP"]].to_numpy().T), 1)[0])
fig, ax = plt.subplots(figsize=(6, 3.4))
for (size, t), marker in zip(timings.groupby("bag"), "osD"):
    ax.loglog(t.n, t.BP, marker + "-", color=PALETTE["blue"], label=f"BP, 100 iterations, bags of {size:,}")  # fmt: skip
by_n = timings.drop_duplicates("n").sort_values("n")
ax.loglog(by_n.n, by_n.graph, "^--", color=PALETTE["grey"], label="graph")
ax.set(xlabel="instances", ylabel="CPU time (s)")
ax.legend()
plt.show()

# %% tags=["remove-input"]
last = timings[timings.bag == (1024 if 1024 in cfg["growth"] else 32)].iloc[-1]
mixbook.say(
    f"Belief propagation grows like n to the power of {slope:.2f}; {int(last.n):,} instances in bags of {int(last.bag):,} take {last.BP:.1f} s for 100 iterations and {last.graph:.1f} s for the graph, on one core. "
    "The exact search for neighbours is quadratic; above 50,000 points it is replaced by one in the nearest cells."
)

# %% [markdown]
# ## Scorecard

# %% tags=["hide-input"]
scorecard = mixbook.Scorecard("llp_bp", profile=profile, seed=seed)
full = profile == "full"


def from_worlds(name):
    return Measured.from_samples(worlds[name].dropna().tolist())


def gaps(name):
    return dict(gap_small=gap_small[name], gap_large=gap_large[name], easy_large=easy[name])


scorecard.claim(
    "C1",
    "Marginals combine covariates and counts: they beat either source alone, and a classifier trained on them is good.",
    paper="idea of the pseudo-label step",
    where="abstract",
    measured=dict(
        marginals=from_worlds("neighbours and counts"),
        bag=from_worlds("bag's share alone"),
        classifier=from_worlds("logistic regression on these labels"),
        shuffled=from_worlds("neighbours and shuffled counts"),
        no_graph=from_worlds("counts without neighbours"),
    ),
    criterion="marginals >= bag + 0.15 and classifier >= 0.95 and marginals > shuffled + 0.05 and marginals > no_graph + 0.05",
    note="Two Gaussians, bags of 16. The ablations are needed: the first two conditions alone could be met by the graph and a lucky sign.",
)
scorecard.claim(
    "C1b",
    "With strong counts, pairs break down and whole bags don't (an addition of ours).",
    where="our protocol",
    measured=dict(whole=from_worlds(("cardinality", 1.0)), pairs=from_worlds(("pairwise", 1.0))),
    criterion="whole - pairs >= 0.2",
)
scorecard.claim(
    "C2",
    "A second round, on the network's embedding, gives better pseudo-labels.",
    paper="ablation, number not checked",
    where="abstract",
    measured=dict(gain=second["LLP-BP, authors' weights"], chosen=second["LLP-BP"]),
    criterion="gain >= 0.01",
    note="Adult, bags of 8, AUC of the marginals on the training instances, with the authors' weights; 'chosen' is the same in the setting that validation chose.",
)
scorecard.claim(
    "C3",
    "LLP-BP gains on DLLP as bags grow, and beats EasyLLP at large bags: Adult.",
    paper="up to 15 %",
    where="abstract",
    measured=gaps("Adult") | dict(easy_se=gaps("Adult")["easy_large"].se),
    criterion="gap_large > gap_small and easy_large > 2 * easy_se",
    note=f"Differences of test AUC; bags of {SMALL['Adult']} and {LARGE['Adult']}. Draws of large bags differ much, so the lead on EasyLLP must exceed two standard errors.",
)
scorecard.claim(
    "C3b",
    "The same on Bank Marketing, with the authors' split.",
    paper="up to 15 %",
    where="abstract",
    measured=gaps("Bank") if full else None,
    criterion="gap_large > gap_small and easy_large > 0",
    note="Bags of 8 and 512.",
)
scorecard.claim(
    "C3c",
    "At large bags LLP-BP beats a logistic regression on bag means (an addition of ours): Adult.",
    where="our protocol",
    measured=dict(difference=plain["Adult"]),
    criterion="difference > 0",
)
scorecard.claim(
    "C3d",
    "C3 on images: odd and even digits.",
    paper="strong gains, also on images",
    where="abstract",
    measured=gaps("Digits"),
    criterion="gap_large > gap_small and easy_large > 0",
    note="Bags of 16 and 256. The paper's image set is CIFAR-10.",
)
scorecard.claim(
    "C3f",
    "At large bags LLP-BP beats a logistic regression on bag means (an addition of ours): digits.",
    where="our protocol",
    measured=dict(difference=plain["Digits"], se=plain["Digits"].se),
    criterion="difference > 2 * se",
)
scorecard.claim(
    "C3e",
    "The first messages decide: with whole bags of 64 digits the Ising start beats zero, on the same law (an addition of ours).",
    where="our protocol",
    measured=starts,
    criterion="ising - zero >= 0.1",
)
aggregate = {b: paired("Adult", b, "LLP-BP", "LLP-BP, no aggregate loss") for b in cfg["bags"]["Adult"] if full}  # fmt: skip
scorecard.claim(
    "C4",
    "The aggregate loss helps.",
    paper="ablation, number not checked",
    where="abstract",
    measured=dict(small=aggregate[8], large=aggregate[LARGE["Adult"]]) if full else None,
    criterion="small > -small.se and large > -large.se and max(small, large) > 0",
    note="Adult, bags of 8 and 512: test AUC of the best setting with the term minus that of the best setting without.",
)
scorecard.claim(
    "C5",
    "The cost of inference is linear in the number of instances.",
    paper="minimal overhead, a million samples",
    where="abstract",
    measured=dict(
        slope=slope,
        seconds_8k=float(timings[(timings.bag == 32) & (timings.n == 8192)].BP.iloc[0]),
    ),
    criterion="slope < 1.25 and seconds_8k < 15",
)
scorecard.claim(
    "C5b",
    "A million instances in bags of 1,024 are feasible on one core: graph and inference within five minutes.",
    paper="even for a million samples",
    where="abstract",
    measured=dict(graph=float(last.graph), inference=float(last.BP)) if full else None,
    criterion="graph + inference < 300",
    unit="s",
)
scorecard

# %% tags=["nbval-check-output"]
print(scorecard.verdicts())

# %% [markdown]
# ## What we scaled down
#
# - **Sizes.** The stored run has 4,096 persons of Adult and 3,072 digits, so 16 and 12 bags of 256, and a small network. The paper has all rows, bags of 8 to 2,048 and six layers, the widest of 5,040 units. With a dozen bags no method is where it would be with hundreds; the full profile has 16,000 rows.
# - **Grids.** Four settings or fewer a method, where the paper tunes more, and one threshold $\tau$.
# - **Images.** Digits stand in for CIFAR-10. The baseline GenBags is left out.
# - **The million** are Gaussians and not the paper's data; above 50,000 points the search for neighbours misses some.
# - **Numbers of the paper.** Its tables could not be read, so the scorecard tests directions and not values.
#
# Where we left the protocol that was laid down before the experiments, and why:
#
# - *C1* has two ablations more, as its first two conditions could be met by luck. *C3e* and *Eq. (17)* came up while we looked for the reason why large bags fail.
# - *C3* was planned with 8,192 persons and two repeats. Here are half as many, for time, but more repeats, since at bags of 256 a single difference scatters by more than its mean. For the same reason its lead on EasyLLP has to exceed two standard errors, which was added after three seeds had been seen. With 16 bags all methods scatter, DLLP most; a rate too low for 25 epochs was taken out of its grid.
# - *The grid.* An earlier one had been chosen with an eye on test results and was thrown away. This one comes from other random samples of training rows, judged by validation AUC alone. It gained the weight $\lambda_a$, without which LLP-BP does worse at large bags.
# - *C3d* was planned as a side remark on images. It first had to beat bag means as well; after three seeds, one of which passed, that condition became a claim of its own, *C3f*, and C3d has the criterion planned for C3.
# - *C4* compares the best setting with the aggregate term to the best one without; planned was $\lambda_a = 0.1$ against 0 in one setting.
# - *C5b* has bags of 1,024 in place of 8, because the paper's sentence is about large bags.

# %% [markdown]
# ## Use it on your own data

# %%
import numpy as np

from mixbook.mixtures.llp_bp import LLPBP, make_two_gaussians

mine, hidden_labels = make_two_gaussians(1200, 5, random_state=0)
bag_of = np.arange(1200) // 20  # which bag each row belongs to
ones_in = np.bincount(bag_of, hidden_labels)  # what you know of each bag
model = LLPBP(k=10, lam_sim=1.0, lam_bag=1.0, hidden=(32, 16, 8), max_epochs=15, batch_size=100, random_state=0)  # fmt: skip
model.fit(mine, bag_of, ones_in)  # X_val=..., y_val=... if you have some labels
print(model.predict(mine[:10]), hidden_labels[:10])
print("AUC", round(model.score(mine, hidden_labels), 2), "residuals", [f"{r:.0e}" for r in model.residuals_])  # fmt: skip

# %% [markdown]
# ## Exercises
#
# **1.** By hand: one bag of two with one 1, no edges, any $\lambda_b > 0$. What are the marginals, and does the pair of messages find them?
#
# **Solution.** By symmetry one half. The unary is $-\lambda_b(1 - 2) = \lambda_b$, and a single pair is a tree, so BP is exact:

# %% tags=["hide-input", "nbval-check-output"]
pair_bag = lb.bp_bags(nothing, np.zeros(2, int), [1], 3.0, 0.0, n_iter=400)
print(pair_bag.marginals.round(6))

# %% [markdown]
# **2.** Change the method: replace $\hat y_i = [q_i \ge \frac12]$ by the rule that meets every count. Are the labels better?
#
# **Solution.** They meet the counts exactly, which the threshold does not. With strong neighbours both give nearly the same labels:

# %% tags=["hide-input"]
for tau in (0.5, "count"):
    guess = lb.pseudo_labels(moon_found.log_odds if tau == "count" else moon_found.marginals, tau, moon_bags, moon_counts)  # fmt: skip
    off = np.abs(np.bincount(moon_bags, guess) - moon_counts).mean()
    print(f"tau = {tau}: {np.mean(guess == moon_y):.1%} right, counts off by {off:.2f} a bag")

# %% [markdown]
# **3.** Change the method: keep an edge only if it leaves a bag with at most one 1, as the authors' code does (`edge_rule="low_count"`). What happens to the graph for bags of 16 with half ones?
#
# **Solution.** Almost no bag has so few ones, so almost no edge is left and neighbours no longer matter. The rule makes sense only for rare labels and small bags.

# %% tags=["hide-input"]
X, y = lb.make_two_gaussians(1024, 10, random_state=seed)
ids, counts = lb.make_bags(y, 16, seed)
for rule in ("all", "low_count"):
    run = lb.bp_bags(X, ids, counts, 0.1, 2.0, "cardinality", k=10, edge_rule=rule)
    print(f"{rule:10s} {len(run.messages):6d} edges, AUC {roc_auc_score(y, run.log_odds):.2f}")

# %% [markdown]
# ## References
#
# - Shreyas Havaldar, Navodita Sharma, Shubhi Sareen, Karthikeyan Shanmugam, Aravindan Raghuveer. *Learning from Label Proportions: Bootstrapping Supervised Learners via Belief Propagation*. ICLR 2024. {cite}`havaldar2024learning`.
# - Ehsan Mohammady Ardehaly, Aron Culotta. *Co-training for demographic classification using deep learning from label proportions*. ICDM Workshops 2017. {cite}`ardehaly2017cotraining`.
# - Robert Istvan Busa-Fekete, Heejin Choi, Travis Dick, Claudio Gentile, Andres Munoz Medina. *Easy Learning from Label Proportions*. NeurIPS 2023. {cite}`busafekete2023easy`.
# - Daniel Tarlow, Kevin Swersky, Richard Zemel, Ryan Adams, Brendan Frey. *Fast exact inference for recursive cardinality models*. UAI 2012. {cite}`tarlow2012fast`.
