import base64
import re

import matplotlib.pyplot as plt
import pytest

from mixbook.core.sliders import slider_figure


def draw(value):
    figure, axes = plt.subplots(figsize=(3, 2))
    axes.plot([0, value], [0, 1])
    return figure


def test_every_frame_is_a_picture_in_the_html():
    before = plt.get_fignums()
    slider = slider_figure(draw, [1, 2, 3], "slope <s>", describe=lambda v: f"slope {v}")
    text = slider._repr_html_()
    frames = set(re.findall(r"iVBORw0KGgo[\w+/=]+", text))
    assert len(frames) == 3
    assert all(base64.b64decode(f).startswith(b"\x89PNG") for f in frames)
    assert 'max="2" value="1"' in text
    assert 'alt="slope 2"' in text
    assert "slope &lt;s&gt;" in text
    assert "http" not in text, "the figure must work without a network"
    assert plt.get_fignums() == before, "the frames' figures are closed"


def test_two_sliders_on_a_page_do_not_share_an_id():
    slider = slider_figure(draw, [1, 2], "s")
    ids = [re.search(r'id="(mixbook-slider-\w+)"', slider._repr_html_())[1] for _ in range(2)]
    assert ids[0] != ids[1]


def test_bad_arguments(monkeypatch):
    with pytest.raises(ValueError, match="at least two stops"):
        slider_figure(draw, [1], "s")
    with pytest.raises(ValueError, match="start must be"):
        slider_figure(draw, [1, 2], "s", start=2)
    monkeypatch.setattr("mixbook.core.sliders.MAX_BYTES", 1000)
    with pytest.raises(ValueError, match=r"frames weigh .* kB, more than 1 kB"):
        slider_figure(draw, [1, 2], "s")
