"""The streets of Ji-Paraná."""

import networkx as nx
import numpy as np

from mixbook.data import load_street_network


def on_the_globe(lat, lon):
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)


def test_counts():
    streets = load_street_network()
    assert streets.nodes.shape == (532, 2)
    assert len(streets.edges) == 863
    assert streets.edges.road_class.value_counts().to_dict() == {
        "residential": 768,
        "tertiary": 83,
        "unclassified": 8,
        "secondary": 4,
    }
    assert streets.nodes[0].tolist() == [-11.9227393, -62.0014909]
    assert streets.edges.iloc[0].tolist() == [0, 2, 87.126, "residential"]


def test_simple_and_connected():
    streets = load_street_network()
    graph = nx.from_pandas_edgelist(streets.edges)
    assert graph.number_of_edges() == 863
    assert set(graph) == set(range(532))
    assert nx.is_connected(graph)
    assert nx.number_of_selfloops(graph) == 0


def test_lengths_are_those_of_the_segments():
    """Never shorter than the straight line by more than the rounding of coordinates."""
    streets = load_street_network()
    a, b = (np.radians(streets.nodes[streets.edges[end]]) for end in ("source", "target"))
    unit = [on_the_globe(*p.T) for p in (a, b)]
    chord = np.linalg.norm(unit[0] - unit[1], axis=1)
    straight = 2 * 6_371_009 * np.arcsin(chord / 2)
    ratio = streets.edges.length / straight
    assert ratio.min() > 0.9999
    assert np.isclose(ratio, 1, atol=1e-3).mean() > 0.85
