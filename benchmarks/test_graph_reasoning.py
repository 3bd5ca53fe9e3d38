"""Races on the gold graph and on random ones: ours against networkx, powerlaw and a plain loop.

Run with ``pytest benchmarks/test_graph_reasoning.py -s``; times are CPU seconds of one thread.
"""

import time

import networkx as nx
import numpy as np
import pytest

from mixbook.data import load_materials_procedures
from mixbook.networks import graph_reasoning as gr


def seconds(f, *args, **kwargs):
    start = time.process_time()
    out = f(*args, **kwargs)
    return time.process_time() - start, out


def gold_graph():
    reader = gr.AnnotationExtractor()
    procedures = load_materials_procedures().procedures
    triples = [t for p in procedures for t in reader.extract(p.annotations, p.name)]
    return gr.build_graph(triples)


@pytest.fixture(scope="module")
def gold():
    gr.betweenness(nx.path_graph(4))  # compile
    return gold_graph()


def test_the_whole_gold_pipeline_takes_seconds(benchmark, gold):
    def pipeline():
        G = gold_graph()
        G, _ = gr.merge_similar_nodes(G, gr.NodeEmbedder().fit(G))
        gr.bridging_centrality(G)
        return gr.graph_statistics(G), gr.power_law_fit([d for _, d in G.degree])

    benchmark.pedantic(pipeline, rounds=1)
    assert benchmark.stats.stats.max < 10


def test_betweenness_against_networkx(gold):
    small = nx.gnm_random_graph(600, 1500, seed=0)
    ours, found = seconds(gr.betweenness, small)
    theirs, wanted = seconds(nx.betweenness_centrality, small)
    print(f"600 nodes: ours {ours:.3f} s, networkx {theirs:.3f} s, {theirs / ours:.0f} x")
    assert found == pytest.approx(wanted)
    assert ours < theirs / 5
    whole, _ = seconds(gr.betweenness, gold)
    sampled, _ = seconds(nx.betweenness_centrality, gold, k=200, seed=0)
    print(f"3,078 nodes: ours, exact {whole:.2f} s; networkx, 200 of the sources {sampled:.2f} s")
    assert whole < sampled


def test_similar_pairs_against_a_loop(gold):
    vectors = gr.NodeEmbedder().fit(gold).vectors_[:600]
    ours, (i, j) = seconds(gr.similar_pairs, vectors, 0.9)

    def loop():
        dense = vectors.toarray()
        return [(a, b) for a in range(600) for b in range(a + 1, 600) if dense[a] @ dense[b] > 0.9]

    theirs, wanted = seconds(loop)
    print(f"600 names: ours {ours:.3f} s, a loop over pairs {theirs:.2f} s")
    assert list(zip(i.tolist(), j.tolist())) == wanted
    assert ours < theirs / 5


def test_matching_against_networkx():
    host = nx.gnm_random_graph(300, 700, seed=1)
    pattern = gr.grow_pattern(host, 0, 6)
    ours, found = seconds(
        gr.find_isomorphic_subgraphs, host, pattern, 10**6, 0, 1, distinct=False, rank=False
    )
    matcher = nx.algorithms.isomorphism.GraphMatcher(host, pattern)
    theirs, wanted = seconds(lambda: sum(1 for _ in matcher.subgraph_isomorphisms_iter()))
    print(f"{wanted} maps: ours {ours:.3f} s, networkx' VF2 {theirs:.2f} s")
    assert len(found) == wanted
    assert ours < theirs


def test_power_law_against_the_package(gold):
    powerlaw = pytest.importorskip("powerlaw")
    degrees = [d for _, d in gold.degree]

    def peer():
        fit = powerlaw.Fit(degrees, discrete=True, estimate_discrete=False, verbose=False)
        for law in ("exponential", "lognormal", "truncated_power_law"):
            fit.distribution_compare("power_law", law)
        return fit.power_law.alpha

    ours, found = seconds(gr.power_law_fit, degrees)
    theirs, alpha = seconds(peer)
    print(f"fit and alternatives: ours {ours:.2f} s, powerlaw {theirs:.2f} s")
    assert found["alpha"] == pytest.approx(alpha, abs=1e-3)
    assert ours < theirs


def test_growth_of_measures_and_pairs():
    points = {}
    for n in (1_000, 2_000, 4_000, 8_000):
        G = nx.barabasi_albert_graph(n, 3, seed=0)
        names = [f"{k * 7919 % 10007} oxide {k}" for k in range(n)]
        vectors = gr.NodeEmbedder().fit(names).vectors_
        points.setdefault("betweenness", []).append(seconds(gr.betweenness, G)[0])
        points.setdefault("similar pairs", []).append(seconds(gr.similar_pairs, vectors, 0.9)[0])
        print(f"n = {n:5d}: " + ", ".join(f"{k} {v[-1]:.2f} s" for k, v in points.items()))
    for what, times in points.items():
        slope = np.polyfit(np.log([2_000, 4_000, 8_000]), np.log(times[1:]), 1)[0]
        print(f"{what}: growth exponent {slope:.2f}")
        assert slope < 2.6
