"""Scorecards: what a paper claims, what we measured, and the verdict that follows.

A verdict is never typed. Each claim carries a *criterion*, a small expression over the measured
values, and the text that the reader sees is the very text that is evaluated::

    >>> card = Scorecard("light_sb", profile="ci", seed=0)
    >>> card.claim(
    ...     "C1",
    ...     "Recovers a known plan",
    ...     paper="0.03 %",
    ...     where="Table 2",
    ...     measured=dict(error=Measured(0.021, se=0.003, n=5)),
    ...     criterion="error < 0.3",
    ...     unit="%",
    ... ).verdict
    'holds'
"""

import ast
import html
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

__all__ = [
    "DOES_NOT_HOLD",
    "HOLDS",
    "MIME",
    "NEEDS_FULL",
    "Claim",
    "Measured",
    "Scorecard",
    "evaluate",
]

MIME = "application/vnd.mixbook.claims+json"
HOLDS, DOES_NOT_HOLD, NEEDS_FULL = "holds", "does not hold", "needs the full profile"


@dataclass(frozen=True)
class Measured:
    """A measured value with its uncertainty.

    Parameters
    ----------
    value : float
        The estimate.
    se : float, optional
        One standard error of ``value``.
    n : int, optional
        Number of independent repeats behind it.
    """

    value: float
    se: float | None = None
    n: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", _as_number(self.value, "value"))
        if self.se is not None:
            object.__setattr__(self, "se", _as_number(self.se, "se"))
            if self.se < 0:
                raise ValueError(f"se must be >= 0, got {self.se}")

    @classmethod
    def from_samples(cls, samples: Sequence[float]) -> "Measured":
        """Mean and standard error of independent repeats (at least two)."""
        values = [_as_number(v, "samples") for v in samples]
        if len(values) < 2:
            raise ValueError(f"samples must hold at least two repeats, got {len(values)}")
        mean = sum(values) / len(values)
        variance = sum((v - mean) ** 2 for v in values) / (len(values) - 1)
        return cls(mean, math.sqrt(variance / len(values)), len(values))

    def __str__(self) -> str:
        text = _short(self.value)
        if self.se is not None:
            text += f" ± {_short(self.se, 2)}"
        return text + (f" (n = {self.n})" if self.n is not None else "")


Value = Measured | float | int | bool | str | Sequence[float]


@dataclass(frozen=True)
class Claim:
    """One row of a scorecard. ``verdict`` is computed when the claim is made."""

    id: str
    text: str
    criterion: str
    measured: Mapping[str, Any] | None
    verdict: str
    paper: str = "not stated"
    where: str = ""
    unit: str = ""
    note: str = ""

    def measured_text(self) -> str:
        """The measured values as the reader sees them."""
        if self.measured is None:
            return "not measured in this profile"
        unit = f" {self.unit}" if self.unit else ""
        return "; ".join(f"{k} = {_value_text(v)}{unit}" for k, v in self.measured.items())

    def to_dict(self) -> dict[str, Any]:
        """The claim as plain data (JSON)."""
        measured = None
        if self.measured is not None:
            measured = {k: _plain(v) for k, v in self.measured.items()}
        return {
            "id": self.id,
            "claim": self.text,
            "paper": self.paper,
            "where": self.where,
            "measured": measured,
            "measured_text": self.measured_text(),
            "unit": self.unit,
            "criterion": self.criterion,
            "verdict": self.verdict,
            "note": self.note,
        }


@dataclass
class Scorecard:
    """The claims of one paper, measured again.

    Parameters
    ----------
    slug : str
        The paper's slug in the catalogue.
    profile : str
        ``"ci"`` or ``"full"``: which experiment was run.
    seed : int
        The chapter's seed.

    Raises
    ------
    ValueError
        If the profile is unknown or the slug is not in the catalogue.
    """

    slug: str
    profile: str = "ci"
    seed: int = 0
    claims: list[Claim] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.profile not in ("ci", "full"):
            raise ValueError(f"profile must be 'ci' or 'full', got {self.profile!r}")

    def claim(
        self,
        id: str,
        text: str,
        *,
        criterion: str,
        measured: Mapping[str, Value] | None,
        paper: str = "not stated",
        where: str = "",
        unit: str = "",
        note: str = "",
    ) -> Claim:
        """Add a claim; its verdict is the value of ``criterion`` on ``measured``.

        Parameters
        ----------
        id : str
            ``"C1"``, ``"C2"``, ... in order (``"C3a"`` for a part).
        text : str
            What the paper says, in one sentence of our own.
        criterion : str
            An expression over the names in ``measured``, see `evaluate`.
        measured : mapping of str to Measured, number or list of numbers; or None
            None means: only the full profile can tell. Refused when the profile is full.
        paper, where : str
            The paper's number and its place in the paper.
        unit : str
            Unit of the measured values.
        note : str
            A caveat, or why the claim does not hold.

        Raises
        ------
        ValueError
            If the id is malformed or taken, the text empty, or the criterion is not one that
            can fail on what was measured.
        """
        if not re.fullmatch(r"C\d+[a-z]?", id):
            raise ValueError(f"id must look like 'C1' or 'C2a', got {id!r}")
        if id in {c.id for c in self.claims}:
            raise ValueError(f"claim {id} is already on the scorecard of {self.slug!r}")
        if not text.strip():
            raise ValueError(f"text of claim {id} must not be empty")
        verdict = self._verdict(id, criterion, measured)
        made = Claim(id, text, criterion, measured, verdict, paper, where, unit, note)
        self.claims.append(made)
        return made

    def _verdict(self, id: str, criterion: str, measured: Mapping[str, Value] | None) -> str:
        if measured is None:
            if self.profile == "full":
                raise ValueError(f"claim {id} must be measured in the full profile")
            _parse(criterion)
            return NEEDS_FULL
        if missing := [name for name, value in measured.items() if _has_nan(value)]:
            raise ValueError(f"claim {id}: {', '.join(missing)} is NaN; nothing was measured")
        return HOLDS if evaluate(criterion, measured) else DOES_NOT_HOLD

    def verdicts(self) -> str:
        """One line a claim, with nothing in it that varies between machines."""
        return "\n".join(f"{c.id} {c.verdict}" for c in self.claims)

    def counts(self) -> dict[str, int]:
        """How many claims hold, do not hold, need the full profile."""
        found = [c.verdict for c in self.claims]
        return {v: found.count(v) for v in (HOLDS, DOES_NOT_HOLD, NEEDS_FULL)}

    def to_dict(self) -> dict[str, Any]:
        """The scorecard as plain data (JSON), as the ledger collects it."""
        return {
            "slug": self.slug,
            "profile": self.profile,
            "seed": self.seed,
            "claims": [c.to_dict() for c in self.claims],
        }

    def __repr__(self) -> str:
        return f"Scorecard of {self.slug} ({self.profile} profile)\n{self.verdicts()}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {"text/plain": repr(self), "text/html": self._repr_html_(), MIME: self.to_dict()}

    def _repr_html_(self) -> str:
        if not self.claims:
            return '<p class="mixbook-scorecard">No claim measured yet.</p>'
        head = "".join(
            f'<th scope="col">{h}</th>'
            for h in ("", "What the paper says", "Paper", "Measured", "Criterion", "Verdict")
        )
        rows = "".join(_row_html(c) for c in self.claims)
        return (
            f'<div class="mixbook-scorecard" style="overflow-x:auto" tabindex="0" role="region" '
            f'aria-label="Scorecard of {html.escape(self.slug)}">'
            f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
        )


def evaluate(criterion: str, measured: Mapping[str, Value]) -> bool:
    """Evaluate a criterion on measured values.

    The language is small: numbers, measured names, ``name.se``, subscripts, ``+ - * /``,
    comparisons (also chained), ``and or not``, and the functions ``abs min max mean all any len
    increasing decreasing``. Nothing else is run.

    Raises
    ------
    ValueError
        If the criterion is not of that language, names something that was not measured, uses no
        measured value (it could not fail), or does not yield true or false.
    """
    tree = _parse(criterion)
    names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} - set(_FUNCTIONS)
    if not names:
        raise ValueError(f"criterion {criterion!r} uses no measured value, so it could not fail")
    if unknown := names - set(measured):
        raise ValueError(
            f"criterion {criterion!r} names {', '.join(sorted(unknown))}, but measured holds "
            f"{', '.join(measured) or 'nothing'}"
        )
    result = _value(tree.body, measured)
    if not isinstance(result, bool):
        raise ValueError(f"criterion {criterion!r} must be true or false, got {result!r}")
    return result


def _parse(criterion: str) -> ast.Expression:
    try:
        tree = ast.parse(criterion, mode="eval")
    except (SyntaxError, TypeError) as error:
        raise ValueError(f"criterion {criterion!r} cannot be read: {error}") from error
    for node in ast.walk(tree):
        constant = isinstance(node, ast.Constant) and isinstance(node.value, bool)
        if constant or not isinstance(node, _ALLOWED):
            raise ValueError(f"criterion {criterion!r} uses {ast.unparse(node)!r}, not allowed")
    return tree


def _value(node: ast.expr, names: Mapping[str, Value]) -> Any:
    match node:
        case ast.Constant(value=value) if isinstance(value, int | float | str):
            return value
        case ast.Name(id=name):
            return _bare(names[name])
        case ast.Attribute(value=ast.Name(id=name), attr="se"):
            return _standard_error(name, names)
        case ast.Subscript(value=base, slice=index):
            return _value(base, names)[_value(index, names)]
        case ast.UnaryOp(op=op, operand=operand):
            return _UNARY[type(op)](_value(operand, names))
        case ast.BinOp(left=left, op=op, right=right):
            return _BINARY[type(op)](_value(left, names), _value(right, names))
        case ast.BoolOp(op=op, values=values):
            join = all if isinstance(op, ast.And) else any
            return join([_truth(_value(v, names)) for v in values])
        case ast.Compare(left=left, ops=ops, comparators=rest):
            terms = [_value(t, names) for t in (left, *rest)]
            steps = zip(ops, pairwise(terms))
            return all(bool(_COMPARE[type(op)](a, b)) for op, (a, b) in steps)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _FUNCTIONS:
            return _FUNCTIONS[name](*[_value(a, names) for a in args])
    raise ValueError(f"{ast.unparse(node)!r} is not allowed in a criterion")


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"and/or/not join comparisons, got the value {value!r}")
    return value


def _standard_error(name: str, names: Mapping[str, Value]) -> float:
    value = names[name]
    if not isinstance(value, Measured) or value.se is None:
        raise ValueError(f"{name} was measured without a standard error, so {name}.se is unknown")
    return value.se


def _steps(compare: Callable[[Any, Any], bool]) -> Callable[[Sequence[float]], bool]:
    return lambda values: all(bool(compare(a, b)) for a, b in pairwise(values))


_UNARY: dict[type, Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: lambda v: not _truth(v),
}
_BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARE: dict[type, Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "min": min,
    "max": max,
    "len": len,
    "mean": lambda values: sum(values) / len(values),
    "all": lambda values: all(bool(v) for v in values),
    "any": lambda values: any(bool(v) for v in values),
    "increasing": _steps(operator.lt),
    "decreasing": _steps(operator.gt),
}
_ALLOWED = (
    ast.Expression,
    ast.Constant,
    ast.Name,
    ast.Load,
    ast.Attribute,
    ast.Subscript,
    ast.UnaryOp,
    ast.BinOp,
    ast.BoolOp,
    ast.Compare,
    ast.Call,
    ast.And,
    ast.Or,
    *_UNARY,
    *_BINARY,
    *_COMPARE,
)


def _bare(value: Any) -> Any:
    """A measured value without its uncertainty, as plain Python numbers."""
    if isinstance(value, Measured):
        return value.value
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_bare(v) for v in value]
    return value


def _has_nan(value: Any) -> bool:
    value = _bare(value)
    if isinstance(value, list):
        return any(_has_nan(v) for v in value)
    return isinstance(value, float) and math.isnan(value)


def _plain(value: Any) -> Any:
    """A measured value as JSON; not-finite numbers become text."""
    if isinstance(value, Measured):
        return {"value": _plain(value.value), "se": _plain(value.se), "n": value.n}
    value = _bare(value)
    if isinstance(value, list):
        return [_plain(v) for v in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _as_number(value: Any, name: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must be a number, got {value!r}") from error


def _short(value: float, digits: int = 3) -> str:
    if isinstance(value, int) or (value == int(value) if math.isfinite(value) else False):
        return f"{value:,.0f}"
    return f"{value:.{digits}g}" if 1e-3 <= abs(value) < 1e3 else _power_text(value, digits)


def _power_text(value: float, digits: int) -> str:
    if 1e3 <= abs(value) < 1e7:
        return f"{value:,.0f}"
    return f"{value:.{max(digits - 1, 1)}e}"


def _value_text(value: Any) -> str:
    if isinstance(value, Measured):
        return str(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(_value_text(v) for v in value) + "]"
    value = _bare(value)
    if isinstance(value, list):
        return _value_text(value)
    return str(value) if isinstance(value, bool | str) else _short(value)


def _row_html(claim: Claim) -> str:
    kind = {HOLDS: "holds", DOES_NOT_HOLD: "fails", NEEDS_FULL: "full"}[claim.verdict]
    note = f"<br><small>{html.escape(claim.note)}</small>" if claim.note else ""
    where = f"<br><small>{html.escape(claim.where)}</small>" if claim.where else ""
    return (
        f'<tr id="claim-{claim.id}"><th scope="row">{claim.id}</th>'
        f"<td>{html.escape(claim.text)}{note}</td>"
        f"<td>{html.escape(claim.paper)}{where}</td>"
        f"<td>{html.escape(claim.measured_text())}</td>"
        f"<td><code>{html.escape(claim.criterion)}</code></td>"
        f'<td><span class="mixbook-verdict mixbook-{kind}">{claim.verdict}</span></td></tr>'
    )
