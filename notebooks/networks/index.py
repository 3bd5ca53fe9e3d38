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
# # IX. Complex networks
#
# Here the network is the object of study, not the tool: e-mails, contacts, commuters, streets, neurons, concepts. The questions are
# what local patterns it is made of, which links come next, and how it changes with time.
#
# *ScHoLP* looks at groups of more than two. Three people who have met in pairs may or may not meet all together; the chapter counts
# how often such triangles close and predicts which do. *GRADCO* counts the roles that pairs of nodes play in small
# subgraphs and shows which of them random walks never see.
#
# *Commuter networks* predicts who travels where from what is known about both cities, with the gravity law as the opponent.
# *ReGENN* forecasts many series with one learned graph of their variables and audits streets as networks. *Dynamic functional connectome*
# finds groups of neurons that are active together for a while, and *GraphReasoning* turns papers into a graph of
# concepts and samples paths through it.
#
# ## The methods side by side
#
# ```{part} networks
# ```
#
# ## The arena
#
# Two of these methods, and the measures that they have to beat, answer the same two questions on the same networks.
#
# **Which pairs will be linked?** In e-mails and in the contacts of two schools the links have times: a classifier learns from an early
# period which pairs met in the next one, and is judged on pairs that meet later still. Between airports the links have no time, so a fifth of
# them is hidden, and a fifth of the rest to learn from. Every pair of nodes without a link is judged, and the score is the average
# precision: the mean share of true links among the highest-ranked pairs.
#
# **Which class is a node of?** Airports are in four classes by their traffic, papers of the Cora graph in seven by their topic. The score is
# the share of right answers in five-fold cross-validation.
#
# Each method only supplies *features*; the classifier, logistic regression, is the same for all, and so are the pairs, nodes and folds.
#
# | features | of a pair | of a node |
# |---|---|---|
# | plain | common neighbours, Jaccard, Adamic-Adar, resource allocation, degrees | degree, clustering, core, PageRank, closeness, degree of the neighbours |
# | higher order (*ScHoLP*) | means of the tie strengths along two-step paths, weighted Katz and PageRank, number of groups | means of the tie strengths, weighted Katz and PageRank, groups, triangles |
# | walk embedding | inner products of random-walk embeddings | the embedding; window and dimension chosen in the training folds |
# | graphlet counts (*GRADCO*) | the orbit adjacencies that two unlinked nodes can have | the 15 graphlet degrees |
# | graphlet embedding (*GRADCO*) | inner products of the embedding of all orbit adjacencies | the embedding; orbit pair and dimension chosen in the training folds |
#
# The strength of a tie is the number of groups in which both ends took part. Airports and papers come without groups; there the edges and
# triangles of the graph take their place.

# %% tags=["install", "remove-cell"]
import subprocess
import sys

if "google.colab" in sys.modules:
    pip = [sys.executable, "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "mixbook[networks]"], check=True)

# %% tags=["parameters", "remove-cell"]
profile = "ci"
seed = 0
device = "auto"

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import mixbook
from mixbook.core.plots import PALETTE, use_style
from mixbook.core.seeds import as_rng
from mixbook.data import load_airports, load_planetoid, load_scholp
from mixbook.networks import arena
from mixbook.networks.gradco import compare_families

SIZES = {
    "ci": {
        "timed": ["email-Enron", "contact-primary-school", "contact-high-school"],
        "cuts": [(50, 65), (60, 75), (70, 85)],  # percent of the time
        "hidden": {"brazil": 4, "europe": 1},
        "labels": {"brazil": 6, "europe": 4, "cora": 1},
    },
    "full": {
        "timed": ["email-Enron", "contact-primary-school", "contact-high-school", "email-Eu"],
        "cuts": [(50, 65), (55, 70), (60, 75), (60, 80), (65, 80), (70, 85)],
        "hidden": {"brazil": 10, "europe": 10, "usa": 5, "cora": 3},
        "labels": {"brazil": 20, "europe": 20, "usa": 10, "cora": 10},
    },
}
cfg = SIZES[profile]
METHODS = list(arena.LINK_FEATURES)
SHORT = {"email-Enron": "Enron e-mail", "contact-primary-school": "primary school",
         "contact-high-school": "high school", "email-Eu": "EU e-mail", "brazil": "airports, Brazil",
         "europe": "airports, Europe", "usa": "airports, USA", "cora": "Cora"}  # fmt: skip
rng = as_rng(seed)
use_style()


def graph_of(name):
    """Adjacency and labels of a graph without times."""
    data = load_planetoid(name) if name == "cora" else load_airports(name)
    return data.adjacency, data.labels


# %% tags=["hide-input"]
def race(task):
    """Average precision of each method alone, and with the plain features beside it."""
    sides = ((task.known, task.train_pairs), (task.later, task.test_pairs))
    tables = {m: [arena.link_features(m, *side, seed) for side in sides] for m in METHODS}
    rows = {(m, "alone"): arena.link_scores(task, t)[1] for m, t in tables.items()}
    for m in METHODS[1:]:
        joined = [np.hstack(both) for both in zip(tables["plain"], tables[m])]
        rows[m, "with plain"] = arena.link_scores(task, joined)[1]
    return rows | {("guessing", "alone"): task.test_links.mean()}


def tasks():
    """Each network with its repeats: other cuts in time, or other hidden links."""
    for name in cfg["timed"]:
        data = load_scholp(name)
        yield from ((name, arena.later_links(data, cuts)) for cuts in cfg["cuts"])
    for name, repeats in cfg["hidden"].items():
        A, _ = graph_of(name)
        yield from ((name, arena.hidden_links(A, random_state=rng)) for _ in range(repeats))


links = pd.DataFrame([{"network": name} | race(task) for name, task in tasks()])
links = links.set_index("network")
links.columns = pd.MultiIndex.from_tuples(links.columns)

labels = {}
for name, repeats in cfg["labels"].items():
    A, y = graph_of(name)
    network = arena.Network(arena.clique_groups(A))
    parts = {m: arena.node_features(m, network, seed) for m in METHODS}
    tables = {(m, key): X for m, found in parts.items() for key, X in found.items()}
    families = {m: [(m, key) for key in found] for m, found in parts.items()}
    folds = int(rng.integers(2**31))
    scores = compare_families(
        tables, y, families, dims=(8, 16, 32, 64), chooser="ridge", n_repeats=repeats,
        random_state=folds,
    )  # fmt: skip
    labels[name] = {m: s.accuracy for m, s in scores.items()}
    labels[name]["guessing"] = np.bincount(y).max() / len(y)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels of dots, one row a network and one colour a kind of features. Left, predicting links: average precision as a multiple of that of the plain features, for each kind alone and beside the plain ones. Right, predicting classes: accuracy of each kind; dotted lines mark the share of the largest class."}}
COLOURS = dict(zip(METHODS, (PALETTE[c] for c in ("black", "orange", "sky", "green", "purple"))))
MARKS = dict(zip(METHODS, "oD^sv"))


def span(ax, row, values, colour, mark, **look):
    """The mean and the range of the repeats."""
    ax.plot([values.min(), values.max()], [row, row], color=colour, lw=1.5, alpha=0.6)
    ax.plot(values.mean(), row, mark, color=colour, ms=7, **look)


def draw_links(ax, r, found):
    """What each method gains over the plain features, repeat by repeat."""
    for k, m in enumerate(METHODS[1:]):
        row = r + 0.2 * (k - 1.5)
        for column, dy, look in (("alone", -0.04, {}), ("with plain", 0.04, {"mfc": "none"})):
            ratio = found[m, column] / found["plain", "alone"]
            span(ax, row + dy, ratio, COLOURS[m], MARKS[m], **look)


def draw_classes(ax, r, found):
    """The accuracy of each method, and of naming the largest class."""
    for k, m in enumerate(METHODS):
        span(ax, r + 0.15 * (k - 2), found[m].mean(axis=1), COLOURS[m], MARKS[m])
    ax.plot([found["guessing"]] * 2, [r - 0.35, r + 0.35], color=PALETTE["grey"], ls=":")


fig, axes = plt.subplots(1, 2, figsize=(10.5, 5.6), width_ratios=[1.15, 1])
names = list(dict.fromkeys(links.index))
for r, name in enumerate(names):
    draw_links(axes[0], r, links.loc[[name]])
for r, found in enumerate(labels.values()):
    draw_classes(axes[1], r, found)
axes[0].axvline(1, color=PALETTE["black"], lw=1)
axes[0].set(xscale="log", xlabel="average precision / that of the plain features (log scale)")
axes[0].set_xticks([0.2, 0.5, 1, 1.5], ["0.2", "0.5", "1", "1.5"])
axes[0].set_xticks([], minor=True)
axes[0].set_title("links: alone (filled), beside the plain features (open)")
axes[1].set(xlabel="accuracy (dotted: the largest class)", title="classes")
for ax, rows in zip(axes, (names, list(labels))):
    ax.set_yticks(range(len(rows)), [SHORT[n] for n in rows])
    ax.set_ylim(len(rows) - 0.5, -0.5)
marks = [
    plt.Line2D([], [], color=COLOURS[m], marker=MARKS[m], ls="", ms=7, label=m) for m in METHODS
]
fig.legend(handles=marks, loc="outside lower center", ncols=5)
plt.show()

# %% [markdown]
# Bars span the repeats: other divisions of the time, other hidden links, other folds. They overlap in their data, so they show how far
# a result depends on the division, not a confidence interval. For links, both methods of a ratio meet the same pairs. The table
# gives the average precision (links) and the accuracy (classes) of each kind of feature alone, averaged over the repeats.

# %% tags=["hide-input"]
columns = {SHORT[n]: links.loc[[n]].mean() for n in names}
table = pd.DataFrame({n: c.xs("alone", level=1) for n, c in columns.items()}).loc[
    [*METHODS, "guessing"]
]
classes = pd.DataFrame(
    {SHORT[n]: {m: np.mean(v) for m, v in found.items()} for n, found in labels.items()}
)
both = pd.concat({"links": table, "classes": classes.loc[table.index]}, axis=1)
both.T.style.set_uuid("arena").format("{:.2f}").highlight_max(axis=1, props="font-weight: bold")

# %% tags=["remove-input"]
best_link, best_class = table.drop("guessing").idxmax(), classes.drop("guessing").idxmax()
gain = {
    m: np.mean([c[m, "with plain"] / c["plain", "alone"] for c in columns.values()])
    for m in METHODS[1:]
}
best_gain = max(gain, key=gain.get)


def listing(winners):
    return ", ".join(f"{m} on {n}" for n, m in winners.items())


mixbook.say(
    f"**Links.** The best average precision alone: {listing(best_link)}. Beside the plain features, {best_gain} features change the "
    f"average precision most for the better, by a factor of {gain[best_gain]:.2f} on average over the networks; the others by "
    + ", ".join(f"{g:.2f} ({m})" for m, g in gain.items() if m != best_gain)
    + ".\n\n"
    f"**Classes.** The best accuracy: {listing(best_class)}. On Cora the walk embedding is right for {classes.loc['walk embedding', 'Cora']:.0%}, "
    f"graphlet counts for {classes.loc['graphlet counts', 'Cora']:.0%} and the largest class has {classes.loc['guessing', 'Cora']:.0%}."
)

# %% [markdown]
# ### How to read it
#
# Counts describe a *role*: a hub is a hub wherever it lies. Embeddings of walks describe a *place*: who is near whom. An airport's traffic
# is mostly a role, a paper's topic is a place; look in the right panel which kind of feature each of them prefers. Graphlet embeddings can hold
# something of both, since the learner may choose which pair of orbits counts as being alike.
#
# New links are mostly a matter of common neighbours and of busy nodes, so the plain measures are hard to beat. What could help is what
# they do not see, for example how *strong* the ties to a common neighbour are. The inner products of an embedding alone lack
# the degrees, because pointwise mutual information divides them out; the open marks give them back.
#
# ### What it cannot show
#
# The networks are small, and links that nobody could foresee (a first meeting without any common acquaintance) weigh on every method alike. The classifier
# is linear in the features; a forest could combine them better. The other chapters of this part answer questions of their own (flows between
# cities, series, neurons, concepts) on data of their own, so they do not play here.
