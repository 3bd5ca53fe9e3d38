import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixbook.claims import DOES_NOT_HOLD, HOLDS, MIME, NEEDS_FULL, Measured, Scorecard, evaluate


def card(**options):
    return Scorecard("light_sb", **options)


@given(st.floats(-9, 9), st.floats(-9, 9))
def test_the_verdict_follows_the_measured_value(value, bound):
    claim = card().claim("C1", "small", criterion=f"error < {bound}", measured={"error": value})
    assert claim.verdict == (HOLDS if value < bound else DOES_NOT_HOLD)


NUMBERS = {"a": Measured(2.0, 0.5), "b": 3, "c": [1.0, 2.0, 4.0], "d": np.array([3, 2]), "e": "x"}


@pytest.mark.parametrize(
    ("criterion", "expected"),
    [
        ("a < b", True),
        ("a > b", False),
        ("1 < a < b", True),
        ("1 < a < b < 2", False),
        ("not a > b", True),
        ("a + b * 2 - 1 == 7", True),
        ("b / a >= 1.5", True),
        ("-a < 0 and (b < 1 or c[2] == 4)", True),
        ("a + 3 * a.se < 3", False),
        ("max(c) / min(c) <= 4", True),
        ("mean(c) < 2", False),
        ("increasing(c)", True),
        ("decreasing(c)", False),
        ("decreasing(d)", True),
        ("len(c) == 3 and abs(a - b) == 1", True),
        ("e == 'x'", True),
        ("all(c) and any(d)", True),
        ("c[-1] > c[0]", True),
    ],
)
def test_the_language_of_criteria(criterion, expected):
    assert evaluate(criterion, NUMBERS) is expected


@pytest.mark.parametrize(
    "criterion",
    ["1 < 2", "True", "a < 1 or True", "zzz < 1", "a", "a +", "a and b", "b.se < 1", "a.value < 1"]
    + ["__import__('os').system('true') == 0", "(lambda: a)() < 1", "[x for x in c] == 1"]
    + ["a.__class__ == 1", "open('f') == a", "max(c, key=abs) < 1", "a ** 9 > 1", "a if b else a"],
)
def test_what_is_not_a_criterion(criterion):
    with pytest.raises(ValueError, match=r"criterion|join comparisons|standard error|not allowed"):
        card().claim("C1", "text", criterion=criterion, measured=NUMBERS)


def test_not_measured_needs_the_full_profile_and_only_in_ci():
    assert card().claim("C1", "big", criterion="x < 1", measured=None).verdict == NEEDS_FULL
    with pytest.raises(ValueError, match="must be measured in the full profile"):
        card(profile="full").claim("C1", "big", criterion="x < 1", measured=None)


def test_ids_are_checked():
    scorecard = card()
    scorecard.claim("C1", "t", criterion="x < 1", measured={"x": 0})
    with pytest.raises(ValueError, match="already on the scorecard"):
        scorecard.claim("C1", "t", criterion="x < 1", measured={"x": 0})
    with pytest.raises(ValueError, match="must look like"):
        scorecard.claim("one", "t", criterion="x < 1", measured={"x": 0})
    with pytest.raises(ValueError, match="must not be empty"):
        scorecard.claim("C2", " ", criterion="x < 1", measured={"x": 0})
    with pytest.raises(ValueError, match="profile must be"):
        card(profile="quick")
    assert scorecard.verdicts() == "C1 holds"


@pytest.mark.parametrize("value", [math.nan, Measured(math.nan), [1.0, math.nan]])
def test_nan_is_not_a_measurement(value):
    with pytest.raises(ValueError, match="x is NaN"):
        card().claim("C1", "t", criterion="not x == 1", measured={"x": value})


def test_measured_from_samples_agrees_with_numpy():
    samples = [1.0, 2.0, 4.0, 8.0]
    m = Measured.from_samples(samples)
    assert m.value == np.mean(samples)
    assert m.se == pytest.approx(np.std(samples, ddof=1) / 2)
    assert str(m) == "3.75 ± 1.5 (n = 4)"
    with pytest.raises(ValueError, match="at least two"):
        Measured.from_samples([1.0])
    with pytest.raises(ValueError, match="se must be"):
        Measured(1.0, -0.1)


def test_the_three_forms_of_a_scorecard():
    scorecard = card(seed=3)
    scorecard.claim("C1", "a < b", criterion="x < 0.3", measured={"x": Measured(0.123456, 0.01)})
    scorecard.claim("C2", "big", criterion="y < 1", measured={"y": math.inf}, note="<why>")
    scorecard.claim("C3", "later", criterion="z < 1", measured=None, paper="0.03 %", where="Tab. 2")
    bundle = scorecard._repr_mimebundle_()
    assert "0.123456" not in bundle["text/plain"], "plain text must not vary between machines"
    assert bundle["text/plain"].splitlines()[1:] == [
        "C1 holds",
        "C2 does not hold",
        "C3 needs the full profile",
    ]
    data = json.loads(json.dumps(bundle[MIME], allow_nan=False))
    assert [c["verdict"] for c in data["claims"]] == [HOLDS, DOES_NOT_HOLD, NEEDS_FULL]
    assert data["claims"][0]["measured"]["x"] == {"value": 0.123456, "se": 0.01, "n": None}
    assert (data["slug"], data["profile"], data["seed"]) == ("light_sb", "ci", 3)
    for part in ("0.123 ± 0.01", "a &lt; b", "&lt;why&gt;", "0.03 %", "Tab. 2", "x &lt; 0.3"):
        assert part in bundle["text/html"]
    assert scorecard.counts() == {HOLDS: 1, DOES_NOT_HOLD: 1, NEEDS_FULL: 1}
