"""How good are extraction, merging and matching? What the chapter measures, with a known truth."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_choice, check_integer
from mixbook.networks.graph_reasoning._networkx import as_graph, nx
from mixbook.networks.graph_reasoning._patterns import STOP_WORDS, VERB_FORMS
from mixbook.networks.graph_reasoning.extraction import Triple

__all__ = [
    "GoldTerms",
    "bag_of_words",
    "extracted_terms",
    "gold_terms",
    "merge_scores",
    "plant_copy",
    "spelling_variants",
    "term_scores",
]


@dataclass(frozen=True)
class GoldTerms:
    """What people marked in a text: mentions as (type, name), and the names of all of any type."""

    mentions: tuple[tuple[str, str], ...]
    names: frozenset[str]


def gold_terms(
    annotations: str, types: Sequence[str] = ("Material", "Operation"), start: int = 0
) -> GoldTerms:
    """The marked terms of a BRAT file that begin at or after a character of its text."""
    spans = re.findall(r"^T\d+\t(\S+) (\d+) [^\t]*\t(.*)$", annotations, re.M)
    named = [(kind, " ".join(w.lower().split())) for kind, at, w in spans if int(at) >= start]
    return GoldTerms(tuple(x for x in named if x[0] in types), frozenset(name for _, name in named))


def extracted_terms(triples: Iterable[Triple]) -> set[str]:
    """The terms of some triples: their ends, and the known verbs in their relations."""
    triples = list(triples)
    ends = {end for triple in triples for end in (triple.head, triple.tail)}
    return ends | {w for triple in triples for w in triple.relation.split() if w in VERB_FORMS}


def bag_of_words(text: str, kind: str = "capitalised") -> set[str]:
    """A baseline without grammar: single words, in lower case.

    Parameters
    ----------
    text : str
    kind : {"capitalised", "content"}
        Words with a capital letter, as names and formulas have; or all but stop words and numbers.
    """
    check_choice(kind, "kind", ("capitalised", "content"))
    words = re.findall(r"[^\s,;:()\[\]]+[^\s,;:()\[\].]", text)
    if kind == "capitalised":
        return {word.lower() for word in words if word != word.lower()} - STOP_WORDS
    return {word.lower() for word in words if re.search(r"[A-Za-z]", word)} - STOP_WORDS


def term_scores(found: Sequence[set[str]], gold: Sequence[GoldTerms]) -> dict[str, float]:
    """Compare found terms with marked ones, text by text; a term counts if it is spelt alike.

    Returns
    -------
    dict
        recall: share of mentions found; recall of each type, under its name in lower case;
        precision: share of found terms that are the name of anything marked; f1.
    """
    if len(found) != len(gold) or not gold:
        raise ValueError(f"found and gold must have one length >= 1, got {len(found)}, {len(gold)}")
    hits = [(kind, name in f) for f, g in zip(found, gold) for kind, name in g.mentions]
    right = sum(len(f & g.names) for f, g in zip(found, gold))
    recall = float(np.mean([hit for _, hit in hits])) if hits else 0.0
    precision = right / max(sum(map(len, found)), 1)
    scores = {"recall": recall, "precision": precision}
    scores["f1"] = 2 * recall * precision / max(recall + precision, 1e-12)
    for kind in sorted({kind for kind, _ in hits}):
        scores[kind.lower()] = float(np.mean([hit for k, hit in hits if k == kind]))
    return scores


def spelling_variants(
    G: nx.Graph, n: int = 200, random_state: Any = None
) -> tuple[nx.Graph, dict[str, str]]:
    """Add nodes that are other spellings of nodes: plurals, hyphens and capitals, in turn.

    Each gets one edge, to a random neighbour of the node that it spells.

    Parameters
    ----------
    G : networkx.Graph
    n : int
    random_state : int, Generator or None

    Returns
    -------
    (networkx.Graph, dict of variant to node)

    Raises
    ------
    ValueError
        If the graph has too few names of some kind.
    """
    check_integer(n, "n", low=1)
    rng, names = as_rng(random_state), list(as_graph(G, "G", min_nodes=1))
    made: dict[str, str] = {}
    for k, kind in enumerate(_VARIANTS):
        wanted = n // 3 + (k < n % 3)
        pool = [(v, _VARIANTS[kind](v)) for v in names if G.degree(v)]
        pool = [(v, x) for v, x in pool if x and x not in G and v not in made.values()]
        if len(pool) < wanted:
            raise ValueError(f"n is too large: only {len(pool)} nodes have a variant by {kind}")
        made |= {pool[i][1]: pool[i][0] for i in rng.choice(len(pool), wanted, replace=False)}
    H = G.copy()
    for variant, node in made.items():
        around = list(G[node])
        beside = around[int(rng.integers(len(around)))]
        H.add_edge(variant, beside, **G.edges[node, beside])
    return H, made


def _plural(name: str) -> str:
    return name + "s" if re.search(r"[a-z]{2}[a-rt-z]$", name) else ""


def _hyphen(name: str) -> str:
    swapped = name.replace(" ", "-") if " " in name else name.replace("-", " ")
    return swapped if swapped != name and re.search(r"\w[ -]\w", name) else ""


def _capital(name: str) -> str:
    return name.title() if name.title() != name else ""


_VARIANTS = {"plural": _plural, "hyphen": _hyphen, "capital": _capital}


def merge_scores(mapping: dict[str, str], truth: dict[str, str]) -> dict[str, float]:
    """Judge merges of a graph with known variants.

    Parameters
    ----------
    mapping : dict
        Merged node -> node kept, as :func:`merge_similar_nodes` returns it.
    truth : dict
        Variant -> node that it spells.

    Returns
    -------
    dict
        right: share of variants that ended with their node; merges: how many in all; wrong: share
        of merges that are mistakes: a variant with another node, or two names whose tokens with
        digits differ, as those of NiO2 and NiO3 do; numbers: share of merges with the latter.
    """
    if not truth:
        raise ValueError("truth must hold at least one variant, got none")
    end = lambda node: mapping.get(node, node)  # noqa: E731
    wrong = numbers = 0
    for merged, kept in mapping.items():
        known = [end(truth[x]) != end(x) for x in (merged, kept) if x in truth]
        differ = _digits(merged) != _digits(kept)
        numbers += differ
        wrong += any(known) or differ
    right = sum(end(variant) == end(node) for variant, node in truth.items())
    merges = len(mapping)
    return {
        "right": right / len(truth),
        "merges": merges,
        "wrong": wrong / max(merges, 1),
        "numbers": numbers / max(merges, 1),
    }


def _digits(name: str) -> Counter[str]:
    return Counter(re.findall(r"\w*\d\w*", name.lower()))


def plant_copy(
    host: nx.Graph, pattern: nx.Graph, links: int = 2, random_state: Any = None
) -> tuple[nx.Graph, dict[Any, str]]:
    """Hide a renamed copy of a pattern in a graph, each of its nodes joined to ``links`` others.

    Returns
    -------
    (networkx.Graph, dict of pattern node to its copy)
    """
    check_integer(links, "links", low=0, high=len(as_graph(host, "host")))
    rng, others = as_rng(random_state), list(host)
    names = rng.permutation(len(as_graph(pattern, "pattern", min_nodes=1)))
    copy = {v: f"copy {k}" for v, k in zip(pattern, names)}
    planted = nx.compose(host, nx.relabel_nodes(pattern, copy))
    for v in copy.values():
        for k in rng.choice(len(others), links, replace=False):
            planted.add_edge(v, others[k], title="planted", weight=1.0)
    return planted, copy
