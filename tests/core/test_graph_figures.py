"""The interactive picture of a graph."""

import json
import re

import numpy as np
import pytest

from mixbook.core.graph_figures import graph_figure

XY = [[0.0, 0.0], [1.0, 0.0], [2.0, 4.0]]
EDGES = [[0, 1], [1, 2]]
NAMES = ["a", "b </script><b>", "c"]


def data_of(text):
    return json.loads(re.search(r", d = (\{.*\});", text)[1].replace("<\\/", "</"))


def test_everything_is_in_the_html_and_nothing_is_fetched():
    figure = graph_figure(XY, EDGES, NAMES, "three <nodes>", titles=["x", "y"], groups=[0, 1, 99])
    text = figure._repr_html_()
    data = data_of(text)
    assert data["names"] == NAMES
    assert data["edges"] == EDGES
    assert data["titles"] == ["x", "y"]
    assert data["groups"] == [0, 1, len(data["colours"]) - 1]
    assert text.count("</script>") == 1
    assert "three &lt;nodes&gt;" in text
    assert "@" not in re.sub(r", d = \{.*\};", "", text), "a placeholder was left"
    addresses = set(re.findall(r"https?://[^\"' )]+", text))
    assert addresses <= {"http://www.w3.org/2000/svg"}, "the figure must work without a network"
    assert not re.search(r"\b(src|href|import|fetch|XMLHttpRequest)\b", text)


def test_places_keep_their_order_and_stay_inside():
    places = np.array(graph_figure(XY, EDGES, NAMES, "g").data["xy"])
    assert places.min() >= 0
    assert (places <= [900, 600]).all()
    assert np.argsort(places[:, 0]).tolist() == [0, 1, 2]
    assert places[0, 1] == places[1, 1] < places[2, 1]


def test_sizes_are_degrees_by_default():
    figure = graph_figure(XY, EDGES, NAMES, "g", n_labels=1)
    r = figure.data["r"]
    assert r[1] > r[0] == r[2]
    assert figure.data["labelled"] == [1]
    assert figure.start == 1
    assert graph_figure(XY, EDGES, NAMES, "g", sizes=[9, 1, 4], start=2).data["r"] == [
        16,
        7.3,
        11.7,
    ]


def test_two_pictures_on_a_page_do_not_share_an_id():
    figure = graph_figure(XY, EDGES, NAMES, "g")
    ids = {re.search(r'id="(mixbook-graph-\w+)"', figure._repr_html_())[1] for _ in range(2)}
    assert len(ids) == 2
    assert repr(figure) == "GraphFigure('g', 3 nodes, 2 edges)"


def test_a_graph_without_edges():
    assert graph_figure([[0, 0]], [], ["alone"], "g").data["edges"] == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"positions": [[0, 0], [1, 1]]}, r"positions must be finite of shape \(3, 2\)"),
        ({"positions": [[0, 0], [1, 1], [np.nan, 0]]}, "positions must be finite"),
        ({"positions": [], "names": [], "edges": []}, "n >= 1"),
        ({"edges": [[0, 3]]}, "edges must name nodes 0 to 2, got 0 to 3"),
        ({"titles": ["x"]}, "titles must have length 2, got 1"),
        ({"groups": [1]}, "groups must have length 3, got 1"),
        ({"sizes": [1, -1, 1]}, "sizes must be >= 0"),
        ({"sizes": [1, 1]}, "sizes must be >= 0 of shape"),
        ({"start": 3}, "start must be a node 0 to 2, got 3"),
        ({"titles": ["x" * 400_000] * 2}, "weighs 8.. kB, more than 600 kB"),
    ],
)
def test_bad_arguments(change, message):
    arguments = {"positions": XY, "edges": EDGES, "names": NAMES, "label": "g"} | change
    with pytest.raises(ValueError, match=message):
        graph_figure(**arguments)
