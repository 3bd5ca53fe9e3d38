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
# # ScHoLP: Simplicial closure and higher-order link prediction

# %% tags=["install", "hide-input", "remove-output"]
import subprocess
import sys

if "google.colab" in sys.modules:
    pip = [sys.executable, "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "mixbook[networks]"], check=True)

# %% tags=["hide-input", "parameters"]
profile = "ci"
seed = 0
device = "auto"

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.ensemble import HistGradientBoostingClassifier

import mixbook
from mixbook.core.plots import PALETTE, use_style
from mixbook.core.seeds import as_rng
from mixbook.core.sliders import slider_figure
from mixbook.data import load_scholp, load_scholp_published
from mixbook.networks import simplicial_closure as sc

SMALL = ["email-Enron", "contact-primary-school", "contact-high-school", "NDC-classes"]
ALL = [*SMALL, "email-Eu", "NDC-substances", "congress-bills"]
SIZES = {
    "ci": {
        "count": SMALL,
        "score": SMALL,
        "null_n": [25, 50, 100],
        "b_step": 0.05,
        "egos": 40,
        "boots": 40,
        "parts": ["comb"],
    },
    "full": {
        "count": ALL,
        "score": ALL[:6],
        "null_n": [25, 50, 100, 200],
        "b_step": 0.02,
        "egos": 100,
        "boots": 200,
        "parts": ["comb", "grad", "curl", "harm"],
    },
}
cfg = SIZES[profile]
rng = as_rng(seed)
use_style()

# %% tags=["remove-input"]
mixbook.card("simplicial_closure")

# %% [markdown]
# ## In one picture

# %% tags=["hide-input", "thumbnail"] mystnb={"image": {"alt": "Left: a network of nine nodes in which seven triangles are shaded because a group covers them, and one triangle, 1-5-8, has all three edges but no group. Right: the share of triples that become a group in 19 networks, by the type of their edges; it rises from types with no edge to triangles of three strong edges."}}
published = load_scholp_published()
example = load_scholp("example1")
XY = {1: (0, 0), 2: (-0.9, 0.75), 3: (0.35, 1.15), 4: (-0.75, 1.75), 5: (1.35, 0.85),
      6: (-1.25, -0.45), 7: (0.35, -1.15), 8: (1.35, -0.55), 9: (1.15, 1.85)}  # fmt: skip


def draw_example(ax):
    """Nodes, edges (thick if strong), closed triangles shaded, the open one hatched."""
    w = sc.projected_graph(example).toarray()
    for simplex in example.simplices:
        if len(simplex) >= 3:
            corners = np.array([XY[i + 1] for i in simplex])
            around = np.argsort(np.arctan2(*(corners - corners.mean(0)).T))
            ax.fill(*corners[around].T, color=PALETTE["sky"], alpha=0.35, lw=0)
    (opened,) = sc.open_triangles(example) + 1
    ax.fill(
        *np.array([XY[i] for i in opened]).T, fill=False, hatch="///", color=PALETTE["red"], lw=0
    )
    for i, j in zip(*np.triu(w).nonzero()):
        ax.plot(*zip(XY[i + 1], XY[j + 1]), color=PALETTE["black"], lw=1 if w[i, j] == 1 else 3.5)
    for i, (x, y) in XY.items():
        ax.plot(x, y, "o", ms=15, mfc="white", mec=PALETTE["black"], zorder=3)
        ax.text(x, y, i, ha="center", va="center", fontsize=9, zorder=4)
    ax.set(title="eight groups, one open triangle", xlim=(-1.6, 1.7))
    ax.axis("off")


def draw_types(ax):
    """Closure probability by type, all published networks."""
    for tables in published.closures_3.values():
        probability = [c / n if n > 20 and c else np.nan for n, c in tables.values()]
        ax.plot(range(10), probability, color=PALETTE["grey"], lw=0.6, alpha=0.6)
    middle = [
        np.nanmedian([t[k][1] / t[k][0] for t in published.closures_3.values() if t[k][0] > 20])
        for k in sc.KEYS_3
    ]
    ax.plot(range(10), middle, "o-", color=PALETTE["blue"], label="median of the networks")
    labels = ["".join(map(str, k)) for k in sc.KEYS_3]
    ax.set(xticks=range(10), xticklabels=labels, yscale="log")
    ax.set(xlabel="tie classes of the three edges (0 absent, 1 weak, 2 strong)")
    ax.set(ylabel="share that close", title="19 networks: which triples close?")
    ax.tick_params(axis="x", rotation=45)
    ax.legend()


fig, axes = plt.subplots(1, 2, figsize=(9.2, 4.1), width_ratios=[1, 1.25])
draw_example(axes[0])
draw_types(axes[1])
plt.show()

# %% [markdown]
# On the left is a small world of groups. Shaded areas are groups of three or more that met; a thick edge
# joins two nodes that met at least twice. Nodes 1, 5 and 8 met in pairs but never all together: an **open
# triangle**, hatched. On the right, for each kind of triple: how often did it turn into a group later? Each
# grey line is one real network.

# %% [markdown]
# ## The problem
#
# E-mails have several receivers, papers several authors, drugs several ingredients. A graph keeps only the
# pairs and forgets which of them came from one group. So it cannot ask the question that matters for groups:
# *which set of three or four nodes will appear together next?*
#
# What is given is a list of **simplices**, sets of nodes with a time stamp. What is wanted is, first, a
# description: how open are real systems, and when do open configurations close? Second, a forecast: rank the
# open triangles of the past by how likely they are to become a group. Both are hard for one reason, size: a
# network of a few thousand nodes has billions of triples, nearly all without any edge, and each of them is a
# case that has not closed yet.
#
# ## The idea
#
# Keep the graph, and add one bit to each triangle. Two nodes are joined if they ever met, and the weight
# of the edge counts their meetings. A triangle is *closed* if one simplex holds all three nodes, *open*
# otherwise. The event of interest, **simplicial closure**, is the first simplex that covers a configuration.
#
# Two things could make it likely: more edges among the nodes (*density*), and more meetings an edge
# (*tie strength*). The paper counts, for every type of triple and quadruple, how many there are and how
# many close. And it turns closure into a benchmark: scores for open triangles, judged on the last fifth of time.

# %% [markdown]
# ## The method
#
# ### The graph of the worked example
#
# Eight simplices, at times 1 to 8, so small that you can check every number in this section by hand.

# %% tags=["nbval-check-output"]
for simplex, time in example:
    print(f"t = {time}:", "{" + ", ".join(str(i + 1) for i in simplex) + "}")

# %% [markdown]
# With the incidence matrix $A$ ($A_{is} = 1$ if node $i$ is in simplex $s$), the projected graph is
#
# $$ W = A A^\top - \mathrm{diag}(A A^\top) \qquad \text{Eq. (1)} $$
#
# so $W_{ij}$ counts the simplices with both $i$ and $j$. Repeated simplices count each time; the code lists
# each distinct one once and multiplies.

# %%
mixbook.show_source(sc.projected_graph)

# %% tags=["nbval-check-output"]
w = sc.projected_graph(example)
print(pd.DataFrame(w.toarray(), index=range(1, 10), columns=range(1, 10)).to_string())

# %% [markdown]
# Row 1 says that nodes 1 and 2 met twice: at $t = 1$ and $t = 8$.
#
# ### Open and closed
#
# Searching all triples for open triangles would be slow. Instead, list all triangles of the graph (each from
# its node of lowest degree, so hubs cost little), list all triples inside simplices (each of these *is* a
# triangle), and subtract. The fraction of triangles that are open is Eq. (2).

# %%
mixbook.show_source(sc.count_triangles)

# %% tags=["nbval-check-output"]
n_open, n_closed = sc.count_triangles(example)
print(f"open {n_open}, closed {n_closed}, fraction open {sc.fraction_open(n_open, n_closed):.3f}")
print("open triangles:", (sc.open_triangles(example) + 1).tolist())

# %% [markdown]
# The closed ones: four in the tetrahedron {1, 2, 3, 4}, and {1, 3, 5}, {1, 7, 8}, {1, 2, 6}.
#
# ### A life in states
#
# Follow one triple. Its state is the sorted vector of its three edge weights, where 2 stands for "two or
# more". A simplex with exactly two of the nodes strengthens one edge; the first with all three ends the life.

# %% tags=["nbval-check-output"]
for triple in ((1, 5, 8), (1, 2, 6), (1, 7, 8)):
    print(triple, " -> ".join(sc.lifecycle(example, tuple(i - 1 for i in triple))))

# %% [markdown]
# ### Counting what could have closed
#
# Cut time at a percentile $c(q)$ of the simplices' times, Eq. (7), and call the parts *old* and *new*. For
# every triple of old nodes that is not closed yet, note its type; then count how many of each type are
# covered by a new simplex. Types with an absent edge are far too many to list, but they follow by
# **inclusion and exclusion**. For example, each triangle contains three wedges (pairs of edges at a node), so
#
# $$ \#\{\text{wedges whose ends are not joined}\} = \sum_i \binom{d_i}{2} - 3\,\#\{\text{triangles}\} \qquad \text{Eq. (8)} $$
#
# and the same again from wedges to single edges, and from these to empty triples, type by type. For four
# nodes the ladder goes from cliques to diamonds to triangles with a tail, Eq. (9).

# %%
mixbook.show_source(sc.closure_counts_3)

# %% tags=["nbval-check-output"]
old, new = example.split(75, 100)
table = sc.closure_counts_3(old, new)
print(f"{old.n_simplices} old and {new.n_simplices} new simplices")
print("type    open  closed")
for key, (n_opened, n_newly) in table.items():
    if n_opened:
        print(*key, f"{n_opened:8d} {n_newly:7d}")

# %% [markdown]
# Check two rows. Type 111: after six simplices, {1, 2, 6} is the only triple with three weak edges and no
# simplex, and it closes at $t = 8$. The sum of the column "open" is $\binom{9}{3} = 84$ less the six triples
# closed by then. To compare two types across a network, the paper uses a one-sided two-proportion z-test,
# Eq. (10), and Fisher's exact test where both types closed at most five times.
#
# ### Scores
#
# For an open triangle with edge weights $w_1, w_2, w_3$, the workhorse is the generalised mean
#
# $$ M_p = \Bigl(\tfrac13 \sum_a w_a^p\Bigr)^{1/p} \qquad \text{Eq. (11)} $$
#
# which is the arithmetic mean at $p = 1$, the geometric at $p = 0$ and the harmonic at $p = -1$: the lower $p$, the
# more the weakest edge decides. Other local scores look at the neighbours that all three nodes share, Eqs. (12)
# to (14). The long-range ones solve a linear system on the whole graph: Katz sums walks of all lengths, and personalised
# PageRank follows a walker that jumps back home,
#
# $$ K = (I - \beta W)^{-1} - I \quad \text{Eq. (15)}, \qquad F = (1-\alpha)\,(I - \alpha W D^{-1})^{-1} \quad \text{Eq. (16)}, $$
#
# summed over the six ordered pairs of the triangle.

# %%
mixbook.show_source(sc.generalized_mean)

# %% tags=["nbval-check-output"]
triangle = sc.open_triangles(example)
for name in ("harmonic", "arithmetic", "pa_degree", "pa_simplex", "common", "katz", "ppr"):
    print(f"{name:11s} {sc.score_triangles(triangle, example, name)[0]:7.3f}")

# %% [markdown]
# Nodes 1, 5, 8 have 7, 3, 3 neighbours, so preferential attachment by degree says $7 \cdot 3 \cdot 3$. They
# are in 5, 2, 2 simplices. No fourth node knows all three.
#
# ### Walks on edges, and what a hole looks like
#
# One more score moves on edges instead of nodes. Orient edges from small to large id. The gradient $G$
# turns numbers on nodes into flows on edges; the curl $C$ sums a flow around each *closed* triangle. The walk uses
#
# $$ L = (G G^\top + C^\top C)\, D^{-1} \quad \text{Eq. (17)}, \qquad S = \beta_0 (\beta_0 I + L)^{-1} \quad \text{Eq. (18)}. $$
#
# Because $C G = 0$, every flow splits into three orthogonal parts, Eq. (19): gradient, curl, and a
# harmonic rest that neither sees. In the example the rest has a meaning:

# %% tags=["nbval-check-output"]
edges, gradient, curl = sc.edge_complex(example)
ranks = [np.linalg.matrix_rank(m.toarray()) for m in (gradient, curl)]
print(
    f"edges {len(edges)} = gradient {ranks[0]} + curl {ranks[1]} + harmonic {len(edges) - sum(ranks)}"
)
print("largest entry of C G:", abs(curl @ gradient).max())

# %% [markdown]
# Fifteen edges, and a harmonic space of dimension one: a flow that circles the open triangle {1, 5, 8}. The open triangle
# is a hole, and Hodge theory finds it. (Where closed triangles patch the border of an open one, no hole is left.)
#
# ### A null model
#
# How open would chance make a network? Let each triple of $n$ nodes be a simplex with probability $p = n^{-b}$. A given
# triple is closed with probability $p$. If it is not, each of its edges is present when one of $n-3$ other triples covers
# it; the three sets of triples are disjoint, so the edges are independent:
#
# $$ E[n_{closed}] = \tbinom n3\, p \quad \text{Eq. (5)}, \qquad E[n_{open}] = \tbinom n3 (1-p)\bigl(1 - (1-p)^{n-3}\bigr)^3 \quad \text{Eq. (6)}. $$
#
# ### Where people go wrong
#
# - **Looking up an unsorted triple among sorted ones.** The lookup fails silently and a positive becomes a
#   negative. The last experiment shows that this happened in the released scripts.
# - **Ties.** Many triangles share a score. Average precision must take a tie as one step, and equal means must be equal
#   *numbers*: in floating point the harmonic means of (1, 2, 12) and (1, 3, 4) differ in the last bit. Our scores are
#   rounded to twelve digits.
# - **Leaks.** Weights, degrees and candidates must come from the old part only.
# - **Sets and sequences.** {1, 2} and {2, 1} are one simplex. Counting distinct *lists* gives a larger backbone.

# %% [markdown]
# ### The exponent of the mean, by hand
#
# Move the slider. Left: precision among the top-ranked open triangles of the primary school (face-to-face
# contacts, 20 seconds resolution). Right: average precision relative to guessing, Eq. (20), for all exponents.

# %% tags=["hide-input"]
problems = {name: sc.labeled_open_triangles(load_scholp(name)) for name in cfg["score"]}
EXPONENTS = np.arange(-4, 4.25, 0.25)


def mean_curve(name, labels=None):
    """Relative AUC-PR of the generalised means."""
    triangles, y, past = problems[name]
    weights = sc.edge_weights(triangles, sc.projected_graph(past))
    types, which = np.unique(np.sort(weights, axis=1), axis=0, return_inverse=True)
    means = [np.round(np.log(sc.generalized_mean(types, p)), 12)[which.ravel()] for p in EXPONENTS]
    return np.array([sc.relative_auprc(y if labels is None else labels, m) for m in means])


curves = {name: mean_curve(name) for name in problems}


def draw_exponent(p):
    triangles, y, past = problems["contact-primary-school"]
    score = sc.score_triangles(triangles, past, "generalized", p=p)
    fig, axes = plt.subplots(1, 2, figsize=(8.6, 3.4))
    top = np.unique(np.geomspace(100, len(y), 60).astype(int))
    hits = np.cumsum(y[np.argsort(-score, kind="stable")])
    axes[0].plot(top, hits[top - 1] / top, color=PALETTE["blue"], label=f"$M_p$, p = {p:g}")
    axes[0].axhline(y.mean(), color=PALETTE["grey"], ls="--", label="guessing")
    axes[0].set(xscale="log", xlabel="number of top-ranked triangles", ylabel="share that close")
    axes[0].set(ylim=(0, 0.2), title="precision, primary school")
    axes[0].legend()
    for (name, curve), style in zip(list(curves.items())[:4], ("-", "--", "-.", ":")):
        axes[1].plot(EXPONENTS, curve, style, label=name)
    axes[1].axvline(p, color=PALETTE["black"], lw=1)
    axes[1].set(
        xlabel="exponent p", ylabel="relative AUC-PR", title="all exponents", ylim=(0.8, 8.2)
    )
    axes[1].legend(fontsize=7.5, ncols=2, loc="upper center")
    return fig


slider_figure(draw_exponent, [-4, -2, -1, -0.5, 0, 0.5, 1, 2, 4], "exponent p of the mean")

# %% [markdown]
# ## Experiments
#
# ### Do our counts equal the authors'?
#
# The authors published their tables for all 19 networks: an oracle we did not write. We count triangles and all 10 + 27
# types on the networks of this profile.

# %% tags=["nbval-check-output"]
rows = []
own_tables = {}
for name in cfg["count"]:
    data = load_scholp(name)
    ours = (
        *sc.count_triangles(data),
        sc.closure_counts_3(*data.split()),
        sc.closure_counts_4(*data.split()),
    )
    own_tables[name] = ours[2]
    theirs = published.statistics.loc[name]
    tables = published.closures_3[name], published.closures_4[name]
    differences = [
        abs(x - y) for a, b in zip(ours[2:], tables) for k in b for x, y in zip(a[k], b[k])
    ]
    triangles_off = abs(ours[0] - theirs.nopentri) + abs(ours[1] - theirs.nclosedtri)
    rows.append((name, ours[0], ours[1], int(triangles_off), max(differences)))
columns = ["network", "open", "closed", "triangles off by", "largest difference in 37 rows"]
counting = pd.DataFrame(rows, columns=columns)
print(counting.to_string(index=False))

# %% [markdown]
# ### How open are real networks?
#
# The openness of a network goes with the logarithm of its average degree, Eq. (4): moderately over all
# simplices, tightly if only 3-node simplices are kept.


# %% tags=["hide-input"] mystnb={"image": {"alt": "Two scatter plots of the fraction of open triangles against average degree for 19 networks. With all simplices the points lie loosely around a rising line; with 3-node simplices only they follow it closely."}}
def log_ticks(ax):
    """Plain numbers on a logarithmic axis that spans less than three decades."""
    low, high = ax.get_xlim()
    ticks = [x for x in (2, 5, 10, 20, 50, 100, 200, 500) if low <= x <= high]
    ax.set_xticks(ticks, [str(x) for x in ticks])
    ax.set_xticks([], minor=True)


fits = []
fig, axes = plt.subplots(1, 2, figsize=(8.8, 3.6), sharey=True)
for ax, table, title in zip(
    axes,
    (published.statistics, published.statistics_3.drop("congress-committees")),
    ("all simplices", "3-node simplices only"),
):
    degree = np.array([sc.average_degree(*r) for r in zip(table.projdensity, table.nnodes)])
    opened = np.array([sc.fraction_open(*r) for r in zip(table.nopentri, table.nclosedtri)])
    fits.append(sc.openness_fit(degree, opened))
    contact = table.index.str.startswith(("contact", "email"))
    ax.semilogx(
        degree[contact], opened[contact], "o", color=PALETTE["orange"], label="contact, e-mail"
    )
    ax.semilogx(
        degree[~contact], opened[~contact], "s", color=PALETTE["blue"], label="other systems"
    )
    line = np.geomspace(degree.min(), degree.max(), 50)
    ax.plot(line, fits[-1].intercept + fits[-1].slope * np.log(line), color=PALETTE["grey"], lw=1.2)
    log_ticks(ax)
    ax.set(xlabel="average degree (neighbours a node)", title=f"{title}: $R^2$ = {fits[-1].r2:.2f}")
axes[0].set_ylabel("fraction of triangles open")
axes[1].legend(loc="upper left")
plt.show()

# %% [markdown]
# ### Does density or strength close triangles?
#
# Each test compares two types that differ by one step, in one network, at level $10^{-5}$. "Density" adds an edge,
# "strength" makes a weak tie strong, and the last row lets two strong edges (022) compete with three weak ones (111).

# %% tags=["nbval-check-output"]
tests = {kind: sc.closure_tests(published.closures_3, kind) for kind in list(sc.COMPARISONS)[:3]}
own_networks = {name: published.closures_3[name] for name in own_tables}
own_differ = sum(
    sc.closure_tests(own_tables, k) != sc.closure_tests(own_networks, k) for k in tests
)
print(pd.DataFrame(tests).T.to_string())

# %% tags=["remove-input"]
density, strength, versus = tests.values()
mixbook.say(
    f"An extra edge raised the closure rate significantly in {density['increase']} of {density['total']} tests and never "
    f"lowered it. A stronger tie raised it in {strength['increase']} of {strength['total']} and lowered it in "
    f"{strength['decrease']}. In the direct duel strength wins {versus['decrease']} times and density {versus['increase']} "
    f"times out of {versus['total']}: both matter, and neither rules."
)

# %% [markdown]
# ### How triples travel
#
# The same story as a flow: from each state, where do the triples that end up closed go next?

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two heat maps of transition shares between the eleven states of a triple, one for e-mails and one for contacts in a primary school. Mass runs along the diagonal, from weaker to stronger states; the last column, moves to closed, is bright for many states in the e-mail network and dark for most in the school."}}
labels = ["".join(map(str, s)) if s != "closed" else s for s in sc.STATES]
fig, axes = plt.subplots(1, 2, figsize=(9.4, 4.3), sharey=True)
direct = {}
for ax, name in zip(axes, ("email-Enron", "contact-primary-school")):
    moves = sc.lifecycle_transitions(load_scholp(name), "closed").astype(float)
    direct[name] = moves[0, -1] / moves[:, -1].sum()
    np.fill_diagonal(moves, 0)  # a simplex that leaves the state as it is
    total = moves.sum(axis=1, keepdims=True)
    share = np.divide(moves, total, out=np.full_like(moves, np.nan), where=total > 0)
    image = ax.imshow(share[:-1], cmap="cividis", vmin=0, vmax=1, aspect="auto")
    ax.set(xticks=range(11), xticklabels=labels, yticks=range(10), yticklabels=labels[:-1])
    ax.tick_params(axis="x", rotation=60)
    ax.set(title=name, xlabel="to state")
    ax.grid(visible=False)
axes[0].set_ylabel("from state")
fig.colorbar(image, ax=axes, label="share of the moves out of a state")
plt.show()

# %% tags=["remove-input"]
mixbook.say(
    f"Of all triples that close, {direct['email-Enron']:.0%} do so out of nothing in the e-mail network (one message to three "
    f"people who never shared one), but only {direct['contact-primary-school']:.0%} in the school, where pairs meet first."
)

# %% [markdown]
# ### Does chance span the range?

# %% tags=["hide-input"] mystnb={"image": {"alt": "Fraction of open triangles against edge density in random networks of 25, 50 and 100 nodes. The simulated means lie on the closed-form curves, which run from almost all closed to almost all open."}}
SAMPLES = 20
b_grid = np.arange(0.8, 1.8 + 1e-9, cfg["b_step"])
fig, ax = plt.subplots(figsize=(6.6, 3.9))
z_by_n, z_by_point, all_fractions = [], [], []
for n, marker in zip(cfg["null_n"], "os^D"):
    residual_means, residual_variances, fractions = [], [], []
    for b in b_grid:
        expected = sc.expected_open_closed(n, n**-b)
        ratio = sc.fraction_open(*expected)
        networks = [sc.simulate_random_simplices(n, b, rng) for _ in range(SAMPLES)]
        counts = np.array([sc.count_triangles(network) for network in networks])
        residual = (counts[:, 0] - ratio * counts.sum(axis=1)) / sum(expected)  # mean zero, exactly
        residual_means.append(residual.mean())
        residual_variances.append(residual.var(ddof=1) / SAMPLES)
        fractions.append(sc.fraction_open(*counts.sum(axis=0)))
    z_by_point += list(np.array(residual_means) / np.sqrt(residual_variances))
    z_by_n.append(np.sum(residual_means) / np.sum(residual_variances) ** 0.5)
    all_fractions += fractions
    expected_densities = [sc.expected_density(n, n**-b) for b in b_grid]
    curve = [sc.fraction_open(*sc.expected_open_closed(n, n**-b)) for b in b_grid]
    (line,) = ax.semilogx(expected_densities, curve, lw=1.2)
    errors = 2 * np.sqrt(residual_variances)
    ax.errorbar(
        expected_densities,
        fractions,
        yerr=errors,
        fmt=marker,
        ms=4,
        lw=1,
        color=line.get_color(),
        label=f"n = {n}",
    )
ax.set(xlabel="expected edge density", ylabel="fraction of triangles open")
ax.set(title=f"random 3-node simplices: {SAMPLES} samples a point, and closed form")
ax.legend()
plt.show()

# %% [markdown]
# The curves are the ratio of Eqs. (5) and (6); the markers are open over all triangles in the samples, with two standard errors.
# (The mean of the samples' own ratios would be biased where triangles are few: a mean of ratios is not a ratio of means.) Nothing but density moves a random network from almost all
# closed to almost all open. So openness says little about a system unless one also looks at its density.
#
# ### Can you tell a domain by one neighbourhood?
#
# Take random nodes, keep their egonets (every simplex cut down to a node and its neighbours), and describe each by log average
# degree and fraction open. A logistic regression sees 80 % of them.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Scatter plot of egonets: average degree against fraction of triangles open. Contact networks lie at the top, drug classes at the bottom, e-mail networks between them with more spread."}}
domains = {"e-mail": ["email-Enron", "email-Eu"], "contact": SMALL[1:3], "drugs": ["NDC-classes"]}
if profile == "full":
    domains |= {"drugs": ["NDC-classes", "NDC-substances"], "congress": ["congress-bills"]}
features = {
    domain: np.concatenate(
        [sc.egonet_features(load_scholp(name), cfg["egos"], rng, progress=False) for name in names]
    )
    for domain, names in domains.items()
}
x = np.concatenate(list(features.values()))
domain_of = np.repeat(list(features), [len(v) for v in features.values()])
egonets = {
    "degree and openness": sc.classify_egonets(
        x, domain_of, ["log_average_degree", "fraction_open"], random_state=rng
    ),
    "degree and density": sc.classify_egonets(
        x, domain_of, ["log_average_degree", "log_density"], random_state=rng
    ),
}
fig, ax = plt.subplots(figsize=(6.2, 3.8))
for (domain, values), marker in zip(features.items(), "os^D"):
    ax.plot(np.exp(values[:, 0]), values[:, 2], marker, ms=4, alpha=0.7, label=domain)
ax.set(xscale="log", xlabel="average degree in the egonet", ylabel="fraction of triangles open")
ax.set(title=f"{len(x)} egonets")
log_ticks(ax)
ax.legend()
plt.show()

# %% tags=["remove-input"]
both, no_open = egonets.values()
mixbook.say(
    f"Accuracy on unseen egonets: {both.accuracy.mean():.2f} ± {both.accuracy.std():.2f} (standard deviation over 20 splits) "
    f"with degree and openness, {no_open.accuracy.mean():.2f} ± {no_open.accuracy.std():.2f} if density replaces openness, "
    f"and {both.random_rate:.2f} by guessing, Eq. (22). The higher-order feature does the work."
)

# %% [markdown]
# ### Which open triangle closes next?
#
# Candidates are the open triangles of the first 80 % of time. Besides the paper's scores we train its logistic
# regression on 26 features, Eq. (21), on the triangles of 60 % to 80 %, and gradient boosting on the same. Bars
# show one standard deviation of a bootstrap over triangles. Triangles share edges, so the true uncertainty is larger.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Relative AUC-PR of local, walk-based and learned scores on four networks, with error bars. In both contact networks harmonic and geometric means and logistic regression are far above guessing and above Katz and PageRank; in the e-mail network unweighted PageRank is best; in the drug network everything is near guessing."}}
METHODS = {
    "harmonic": ("harmonic", {}), "geometric": ("geometric", {}), "arithmetic": ("arithmetic", {}),
    "pref. attachment": ("pa_degree", {}), "common": ("common", {}), "Jaccard": ("jaccard", {}),
    "Adamic-Adar": ("adamic_adar", {}), "Katz": ("katz", {}), "Katz, weighted": ("katz", {"weighted": True}),
    "PageRank": ("ppr", {}), "PageRank, weighted": ("ppr", {"weighted": True}),
}  # fmt: skip
LEARNERS = {
    "logistic regression": None,
    "gradient boosting": HistGradientBoostingClassifier(max_iter=60, random_state=seed),
}
PARTS = {part: f"simplicial PageRank, {part}" for part in cfg["parts"]}
performance = {}
for name, (triangles, y, past) in problems.items():
    scores = {m: sc.score_triangles(triangles, past, s, **k) for m, (s, k) in METHODS.items()}
    if name == "email-Enron":
        for part in cfg["parts"]:
            scores[PARTS[part]] = sc.score_triangles(triangles, past, "simplicial_ppr", part=part)
    for method, learner in LEARNERS.items():
        model = sc.HigherOrderLinkPredictor(learner).fit(load_scholp(name))
        scores[method] = model.predict_scores(load_scholp(name))
    for method, score in scores.items():
        spread = np.nanstd(sc.bootstrap_relative_auprc(y, score, cfg["boots"], rng))
        performance[name, method] = sc.relative_auprc(y, score), spread
order = [*METHODS, *PARTS.values(), *LEARNERS]
shown = list(problems)[:4]
fig, axes = plt.subplots(1, len(shown), figsize=(10, 4.2), sharey=True)
for ax, name in zip(axes, shown):
    for row, method in enumerate(order):
        if (name, method) in performance:
            value, spread = performance[name, method]
            colour = "blue" if row < 7 else "orange" if method not in LEARNERS else "green"
            ax.errorbar(value, row, xerr=spread, fmt="o", color=PALETTE[colour])
    ax.axvline(1, color=PALETTE["grey"], ls="--", lw=1)
    ax.set(title=name, yticks=range(len(order)), yticklabels=order, xlim=(0, None))
axes[0].invert_yaxis()
fig.supxlabel(
    "AUC-PR relative to guessing (blue: local, orange: walks, green: learned)", fontsize=10
)
plt.show()


# %% tags=["remove-input"]
def value_of(name, method):
    return performance[name, method][0]


school, enron, drugs = "contact-primary-school", "email-Enron", "NDC-classes"
mixbook.say(
    f"In the primary school the geometric mean reaches {value_of(school, 'geometric'):.2f} times the random rate, unweighted "
    f"PageRank {value_of(school, 'PageRank'):.2f} and Katz {value_of(school, 'Katz'):.2f}. Give the walks the weights, and "
    f"they recover much of the gap ({value_of(school, 'PageRank, weighted'):.2f}): what counts is the weight, not the distance. "
    f"The e-mail network is the exception: there unweighted PageRank wins with {value_of(enron, 'PageRank'):.2f} against "
    f"{value_of(enron, 'geometric'):.2f}. And in {drugs} logistic regression gets {value_of(drugs, 'logistic regression'):.2f}, "
    f"below guessing: what it learned between 60 % and 80 % of time no longer held. Boosting, the stronger learner "
    f"on paper, gets {value_of(school, 'gradient boosting'):.2f} in the school, less than a plain mean."
)

# %% [markdown]
# ### Why our numbers differ from the published ones
#
# The authors also published the performance of all generalised means. Ours differ, for the drug network by a lot, though
# candidates and weights are the same. The cause is in the labels. The released script lists a triangle from its node of lowest degree,
# and then asks whether this triple is among the *sorted* triples that close. Unless the lowest-degree node happens to have the smallest id,
# the answer is no, and a positive is lost. If we lose the same labels, we get the published numbers back:

# %% tags=["hide-input"] mystnb={"image": {"alt": "Relative AUC-PR of generalised means against the exponent for four networks, three curves each. The published curve and ours with the script's labels lie on top of each other; the curve with all labels differs, most of all for the drug network, where it is far lower."}}
fig, axes = plt.subplots(1, 4, figsize=(10.4, 3.2))
lost, gaps, means_table = {}, {}, []
for name in problems:
    triangles, y, past = problems[name]
    released = sc.released_script_labels(triangles, y, past)
    theirs = published.means.query("dataset == @name").set_index("p").relative_auprc
    ours = mean_curve(name, released)
    lost[name] = 1 - released.sum() / y.sum()
    gaps[name] = np.abs(ours - theirs[EXPONENTS].to_numpy()).max()
    three = (curves[name], ours, theirs[EXPONENTS].to_numpy())
    means_table.append((name, *(f"{c[p == EXPONENTS][0]:.2f}" for c in three for p in (-1, 0, 1))))
    if name in shown:
        ax = axes[shown.index(name)]
        ax.plot(EXPONENTS, curves[name], color=PALETTE["blue"], label="all labels")
        ax.plot(EXPONENTS, ours, color=PALETTE["orange"], lw=4, alpha=0.6, label="script's labels")
        ax.plot(theirs[EXPONENTS], color=PALETTE["black"], ls="--", lw=1.2, label="published")
        ax.set(xlabel="exponent p")
        ax.set_title(name, fontsize=9.5)
axes[0].set_ylabel("relative AUC-PR")
axes[-1].legend(fontsize=8)
plt.show()

# %% tags=["nbval-check-output"]
at = {p: int(np.flatnonzero(p == EXPONENTS)[0]) for p in (-1, 0, 1)}
geometric_wins = sum(c[at[0]] > c[at[1]] for c in curves.values())
harmonic_wins = sum(c[at[-1]] > c[at[1]] for c in curves.values())
groups = ["all labels", "script's labels", "published"]
header = pd.MultiIndex.from_product([groups, ["harm.", "geom.", "arith."]])
print(
    pd.DataFrame(
        [r[1:] for r in means_table], index=[r[0] for r in means_table], columns=header
    ).to_string()
)

# %% tags=["remove-input"]
mixbook.say(
    f"The script keeps only {1 - max(lost.values()):.0%} to {1 - min(lost.values()):.0%} of the positives. With its labels our curves "
    f"differ from the published ones by at most {max(gaps.values()):.3f} (ties that rounding errors break). With all labels the geometric mean "
    f"still beats the arithmetic one in {geometric_wins} of {len(curves)} networks, the harmonic in {harmonic_wins}: the finding survives the "
    "correction, the values do not. Who compares with the published numbers of this benchmark should say which labels they use."
)

# %% [markdown]
# ## Scorecard

# %% tags=["hide-input"]
finite = published.means[np.isfinite(published.means.p)]
wide = finite.pivot(index="dataset", columns="p", values="relative_auprc")
best_published = wide.idxmax(axis=1)
own_best = [float(EXPONENTS[c.argmax()]) for c in curves.values()]
Measured = mixbook.Measured
schools = {
    m: Measured(*performance[school, m])
    for m in ("harmonic", "geometric", "arithmetic", "Katz", "PageRank")
}
card = mixbook.Scorecard("simplicial_closure", profile=profile, seed=seed)
card.claim(
    "C1",
    "The counts of open and closed triangles and of all closure types can be reproduced.",
    paper="tables for 19 networks; email-Enron 3,317 open and 6,578 closed",
    where="Table 1, Fig. 6, published counts",
    measured={
        "networks": len(counting),
        "triangles_off": int(counting["triangles off by"].sum()),
        "table_rows_off": int(counting["largest difference in 37 rows"].max()),
    },
    criterion="networks >= 4 and triangles_off == 0 and table_rows_off == 0",
)
card.claim(
    "C2",
    "Openness varies widely between systems and goes with log average degree.",
    paper="R² about 0.38 (all simplices) and 0.85 (3-node only)",
    where="Fig. 2D, 2E",
    measured={"r2_all": fits[0].r2, "r2_three": fits[1].r2},
    criterion="abs(r2_all - 0.381) <= 0.002 and abs(r2_three - 0.850) <= 0.002",
)
card.claim(
    "C3",
    "Edge density and tie strength are competing positive indicators of closure.",
    paper="density 102 of 113 tests up and 0 down; strength 82 up, 6 down; 022 against 111: 6 to 4 of 18",
    where="Fig. 6, published counts",
    measured={
        "density": [
            tests["density"]["increase"],
            tests["density"]["decrease"],
            tests["density"]["total"],
        ],
        "strength": [
            tests["strength"]["increase"],
            tests["strength"]["decrease"],
            tests["strength"]["total"],
        ],
        "duel": [versus["decrease"], versus["increase"], versus["total"]],
        "own_tables_differ": own_differ,
    },
    criterion="density[0] == 102 and density[1] == 0 and density[2] == 113 and strength[0] == 82 and strength[1] == 6 "
    "and strength[2] == 113 and duel[0] == 6 and duel[1] == 4 and duel[2] == 18 and own_tables_differ == 0",
)
card.claim(
    "C4",
    "Local means of the weights beat long-range scores (contact-primary-school).",
    paper="geometric 6.40, harmonic 5.63, arithmetic 3.96 times random",
    where="Table 3, Fig. 7",
    measured={m.lower(): v for m, v in schools.items()},
    criterion="geometric > arithmetic and min(geometric, harmonic) > max(katz, pagerank) and geometric >= 5.5 and geometric <= 7",
    note="Errors are bootstrap standard deviations. Walks are unweighted, as in the paper's table. "
    "The claim does not carry over to email-Enron, where unweighted PageRank is best.",
)
card.claim(
    "C5",
    "Harmonic and geometric means beat the arithmetic mean in most networks.",
    paper="17 of 17 networks have their best p in [-4, 0.5]; M_0 > M_1 in 16, M_-1 > M_1 in 15",
    where="Fig. 7",
    measured={
        "networks": len(wide),
        "best_p": [best_published.min(), best_published.max()],
        "geometric_wins": int((wide[0.0] > wide[1.0]).sum()),
        "harmonic_wins": int((wide[-1.0] > wide[1.0]).sum()),
        "own_best_p": own_best,
        "own_geometric_wins": geometric_wins,
        "own_harmonic_wins": harmonic_wins,
    },
    criterion="networks == 17 and min(best_p) >= -4 and max(best_p) <= 0.5 and geometric_wins == 16 "
    "and harmonic_wins == 15 and max(own_best_p) <= 0.5 and own_geometric_wins == len(own_best_p)",
    note="The published values rest on the script's labels; the own ones on all labels. With these the harmonic mean loses to the "
    "arithmetic in email-Enron.",
)
card.claim(
    "C6",
    "A simple null model spans the whole range of openness.",
    paper="simulation over n and b",
    where="Fig. 4",
    measured={
        "worst_z": max(abs(z) for z in z_by_n),
        "share_within_4_se": float(np.mean(np.abs(z_by_point) <= 4)),
        "range_open": max(all_fractions) - min(all_fractions),
    },
    criterion="worst_z < 4 and share_within_4_se >= 0.95 and range_open > 0.8",
    note="worst_z pools the grid for each n. A single point's standard error is itself an estimate, and skewed where triangles "
    "are few, so of many points a few may leave 4 standard errors by chance; hence a share.",
)
card.claim(
    "C7",
    "Egonets separate domains.",
    paper="accuracies for five domains, not compared here",
    where="Table 2",
    measured={
        "accuracy": Measured(both.accuracy.mean(), both.accuracy.std(ddof=1) / 20**0.5, 20),
        "random": both.random_rate,
    },
    criterion="accuracy > 2 * random",
    note="Splits overlap, so the standard error is optimistic.",
)
card

# %% tags=["nbval-check-output"]
print(card.verdicts())

# %% [markdown]
# ## What we scaled down
#
# - Seven of the paper's 19 networks are at hand; this page scores four and counts on four. The full profile counts on all seven and scores six.
#   congress-bills is counted but not scored: it has too many open triangles.
# - Claims C2, C3 and the first half of C5 are computed from the authors' published tables for all networks: they test the statistics, not
#   the counting. C1 tests the counting.
# - The null model stops at 100 nodes (full: 200), and the grid of $b$ is coarser. Egonets come from three domains, not five.
# - Simplicial PageRank runs on the e-mail network only (its matrix has a row for each edge), and its gradient, curl and harmonic
#   parts are scored in the full profile.

# %% [markdown]
# ## Use it on your own data
#
# Sets of nodes, in order of time (or with `times=`), are enough:

# %% tags=["nbval-check-output"]
import numpy as np

from mixbook.networks.simplicial_closure import (
    TemporalSimplices,
    labeled_open_triangles,
    score_triangles,
)

# your data here: a list of sets of integers
draw = np.random.default_rng(0)
teams = [set(draw.choice(30, size, replace=False).tolist()) for size in draw.integers(2, 4, 200)]

data = TemporalSimplices.from_simplices(teams)
candidates, closes, known = labeled_open_triangles(data, 80, 100)
score = score_triangles(candidates, known, "geometric")
for i in np.argsort(-score, kind="stable")[:3]:
    print(candidates[i].tolist(), f"score {score[i]:.2f}", "closed" if closes[i] else "open")

# %% [markdown]
# ## Exercises
#
# **1. By hand.** Add the simplex {1, 5, 8} to the example at time 9. What are the life of the triple, the number of open triangles and the
# dimension of the harmonic space?
#
# **Solution.** The triple closes, no open triangle is left, and the hole is filled.

# %% tags=["hide-input", "nbval-check-output"]
filled = sc.TemporalSimplices.from_simplices([*example.simplices, [0, 4, 7]])
edges, gradient, curl = sc.edge_complex(filled)
harmonic = len(edges) - sum(np.linalg.matrix_rank(m.toarray()) for m in (gradient, curl))
print(sc.lifecycle(filled, (0, 4, 7)), sc.count_triangles(filled), "harmonic", harmonic)

# %% [markdown]
# **2. Change the method.** A meeting long ago may say less than one today. Replace $W$ by $A\,\mathrm{diag}(e^{-(T - t_s)/\tau})A^\top$,
# with $T$ the last old time, and score contact-primary-school by the geometric mean for several $\tau$. Which memory is best?
#
# **Solution.** Decay is a diagonal matrix between the two factors of Eq. (1). Forgetting does not pay in this network.

# %% tags=["hide-input"]
triangles, y, past = problems["contact-primary-school"]
age = past.times.max() - past.times
incidence = sc.incidence(past).astype(float)
for hours in (1, 4, 16, np.inf):
    decay = sparse.diags_array(np.exp(-age / (3600 * hours)))
    recent = sparse.csr_array(incidence @ decay @ incidence.T)
    recent.sort_indices()
    weights = sc.edge_weights(triangles, recent)
    print(f"tau = {hours:>4} h: {sc.relative_auprc(y, sc.generalized_mean(weights, 0)):.2f}")

# %% [markdown]
# **3. Against chance.** Is email-Enron more closed than its group sizes and its active people explain? Shuffle nodes among simplices of equal size in
# the backbone and compare the fraction of open triangles.
#
# **Solution.** It is far more closed than any of the shuffles: the same people keep meeting in the same circles.

# %% tags=["hide-input"]
backbone = load_scholp("email-Enron").backbone()
real = sc.fraction_open(*sc.count_triangles(backbone))
chance = [
    sc.fraction_open(*sc.count_triangles(sc.random_configuration(backbone, rng))) for _ in range(10)
]
print(
    f"fraction open: real {real:.3f}, shuffled {np.mean(chance):.3f}, from {min(chance):.3f} to {max(chance):.3f}"
)

# %% [markdown]
# ## References
#
# - Austin R. Benson, Rediet Abebe, Michael T. Schaub, Ali Jadbabaie, Jon Kleinberg. *Simplicial closure and higher-order link prediction*. PNAS
#   2018. {cite}`benson2018simplicial`.
# - David Liben-Nowell, Jon Kleinberg. *The link-prediction problem for social networks*. JASIST 2007. {cite}`libennowell2007link`.
# - Leo Katz. *A new status index derived from sociometric analysis*. Psychometrika 1953. {cite}`katz1953new`.
# - Lawrence Page, Sergey Brin, Rajeev Motwani, Terry Winograd. *The PageRank citation ranking: bringing order to the web*. Stanford 1999.
#   {cite}`page1999pagerank`.
# - Lada A. Adamic, Eytan Adar. *Friends and neighbors on the web*. Social Networks 2003. {cite}`adamic2003friends`.
# - Michael T. Schaub, Austin R. Benson, Paul Horn, Gabor Lippner, Ali Jadbabaie. *Random walks on simplicial complexes and the normalized Hodge
#   1-Laplacian*. SIAM Review 2020. {cite}`schaub2020random`.
