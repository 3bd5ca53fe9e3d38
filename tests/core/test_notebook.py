import pytest

import mixbook
from mixbook.core.gaussians import mixture_log_prob


def test_card_shows_who_what_and_where():
    html = mixbook.card("light_sb")._repr_mimebundle_()["text/html"]
    for part in ("Light Schrödinger Bridge", "Korotin", "arxiv.org/abs/2310.01174", "cite_pca50"):
        assert part in html
    assert '<span class="mixbook-stamp">' in html
    with pytest.raises(ValueError, match="light_sb"):
        mixbook.card("lightsb")


def test_show_source_shows_the_code_that_runs():
    text = mixbook.show_source(mixture_log_prob)._repr_mimebundle_()["text/markdown"]
    assert "log_sum_exp(log_weights" in text
    assert "unnormalised" not in text
    assert '"""' not in text
    assert "book/api/core.html#mixbook.core.gaussians.mixture_log_prob" in text
    assert '"""' in repr(mixbook.show_source(mixture_log_prob, docstring=True))
    with pytest.raises(TypeError, match="obj must be a function"):
        mixbook.show_source(3)


def test_show_source_leaves_out_the_docstrings_of_methods_too():
    class Toy:
        """Class text."""

        def one(self):
            """Method text."""
            return 1

    text = repr(mixbook.show_source(Toy))
    assert "text." not in text
    assert "return 1" in text


def test_say_is_markdown():
    bundle = mixbook.say("  The error is **3**.")._repr_mimebundle_()
    assert bundle["text/markdown"] == "The error is **3**."


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        mixbook.nothing  # noqa: B018
    assert "Scorecard" in dir(mixbook)
