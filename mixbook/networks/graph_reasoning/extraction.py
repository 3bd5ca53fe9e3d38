"""From text to triples: chunks, and what reads a chunk."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

from mixbook.core.validation import check_integer
from mixbook.networks.graph_reasoning._patterns import VERB_FORMS, Word, phrases

__all__ = [
    "DROP_TYPES",
    "AnnotationExtractor",
    "CallableExtractor",
    "Extractor",
    "LanguageModelExtractor",
    "PatternExtractor",
    "Triple",
    "extract_triples",
    "parse_llm_json",
    "split_text",
]

SEPARATORS = ("\n\n", "\n", ". ", " ", "")

DROP_TYPES = frozenset(
    {
        "Number",
        "Amount-Unit",
        "Condition-Unit",
        "Property-Unit",
        "Apparatus-Unit",
        "Reference",
        "Brand",
        "Amount-Misc",
        "Condition-Type",
        "Property-Type",
        "Apparatus-Property-Type",
        "Meta",
    }
)
"""Types of annotated spans that make no node: numbers, units and bookkeeping."""


class Triple(NamedTuple):
    """A relation between two terms, and the chunk of text that it was read from."""

    head: str
    relation: str
    tail: str
    chunk_id: str


@runtime_checkable
class Extractor(Protocol):
    """Anything with this method reads text for us."""

    def extract(self, chunk: str, chunk_id: str) -> list[Triple]:
        """The triples of one chunk of text."""


def split_text(text: str, chunk_size: int = 2500, overlap: int = 0) -> list[str]:
    """Cut a text at paragraphs, lines, sentences or words, whichever is coarse enough.

    Parameters
    ----------
    text : str
    chunk_size : int
        Most characters in a chunk.
    overlap : int
        Characters of a chunk that the next one repeats, at most; whole pieces are repeated.

    Returns
    -------
    list of str
        Stripped, none of them empty.

    Raises
    ------
    TypeError, ValueError
        If ``text`` is no string, or the sizes are no integers with ``0 <= overlap < chunk_size``.

    Examples
    --------
    >>> split_text("Mix them. Heat them. Wait.", chunk_size=12)
    ['Mix them.', 'Heat them.', 'Wait.']
    """
    if not isinstance(text, str):
        raise TypeError(f"text must be a string, got {type(text).__name__}")
    check_integer(chunk_size, "chunk_size", low=1)
    check_integer(overlap, "overlap", low=0, high=chunk_size - 1)
    chunks = _join(_pieces(text, chunk_size, SEPARATORS), chunk_size, overlap)
    return [chunk for chunk in (chunk.strip() for chunk in chunks) if chunk]


def _pieces(text: str, size: int, separators: tuple[str, ...]) -> Iterator[str]:
    """Pieces of at most ``size`` characters that join to the text again."""
    if len(text) <= size:
        yield text
        return
    separator, rest = separators[0], separators[1:]
    if not separator:
        yield from (text[k : k + size] for k in range(0, len(text), size))
        return
    parts = re.split(f"(?<={re.escape(separator)})", text)
    for part in parts:
        yield from _pieces(part, size, rest)


def _join(pieces: Iterable[str], size: int, overlap: int) -> Iterator[str]:
    held: list[str] = []
    for piece in pieces:
        if held and sum(map(len, held)) + len(piece) > size:
            yield "".join(held)
            while held and (
                sum(map(len, held)) > overlap or sum(map(len, held)) + len(piece) > size
            ):
                held.pop(0)
        held.append(piece)
    if held:
        yield "".join(held)


def extract_triples(
    texts: Iterable[str] | dict[str, str], extractor: Extractor, chunk_size: int = 2500
) -> list[Triple]:
    """Cut texts into chunks and read each.

    Parameters
    ----------
    texts : iterable of str, or dict of name to str
        A chunk's id is the name of its text (or its number) and the number of the chunk in it.
    extractor : Extractor
    chunk_size : int

    Returns
    -------
    list of Triple
    """
    named = texts.items() if isinstance(texts, dict) else enumerate(texts)
    return [
        triple
        for name, text in named
        for k, chunk in enumerate(split_text(text, chunk_size))
        for triple in extractor.extract(chunk, f"{name}:{k}")
    ]


def _name(term: Any) -> str:
    """A node's name: lower case, single blanks."""
    return " ".join(str(term).lower().split())


def _triples(found: Iterable[Any], chunk_id: str) -> list[Triple]:
    """Tidy names; drop what has an empty end or joins a term to itself."""
    tidy = (Triple(_name(h), " ".join(str(r).split()), _name(t), chunk_id) for h, r, t in found)
    return [triple for triple in tidy if triple.head and triple.tail and triple.head != triple.tail]


# --- gold annotations -----------------------------------------------------------------------------


class AnnotationExtractor:
    """Reads the relations that people have marked, from files in BRAT's stand-off format.

    The arguments of an operation (lines ``E``) and the relations (lines ``R``) become triples
    between the annotated words; an operation stands for the word that triggers it.

    Parameters
    ----------
    drop_types : collection of str
        A triple with an end of one of these types is left out.

    Examples
    --------
    >>> spans = "T1\\tOperation 0 5\\tmixed\\nT2\\tMaterial 6 11\\tWater"
    >>> AnnotationExtractor().extract(spans + "\\nE1\\tOperation:T1 Solvent_Material:T2", "a")
    [Triple(head='mixed', relation='Solvent_Material', tail='water', chunk_id='a')]
    """

    def __init__(self, drop_types: Iterable[str] = DROP_TYPES) -> None:
        if isinstance(drop_types, str):
            raise TypeError(f"drop_types must be a collection of names, got {drop_types!r}")
        self.drop_types = frozenset(drop_types)

    def extract_file(self, path_ann: str | Path) -> list[Triple]:
        """The triples of one file; its name without the ending is the chunk's id."""
        path = Path(path_ann)
        return self.extract(path.read_text("utf-8"), path.stem)

    def extract(self, chunk: str, chunk_id: str) -> list[Triple]:
        """The triples of the text of one annotation file.

        Raises
        ------
        ValueError
            If a line cannot be read, or names a span that the file does not have.
        """
        spans, triggers, relations = _read_brat(chunk, chunk_id)
        found = []
        for head, relation, tail in relations:
            ends = [triggers.get(end, end) for end in (head, tail)]
            if missing := [end for end in ends if end not in spans]:
                raise ValueError(f"{chunk_id}: a relation names {missing[0]}, which has no span")
            (type_h, text_h), (type_t, text_t) = (spans[end] for end in ends)
            if not {type_h, type_t} & self.drop_types:
                found.append((text_h, relation, text_t))
        return _triples(found, chunk_id)


def _read_brat(text: str, chunk_id: str) -> tuple[dict, dict, list[tuple[str, str, str]]]:
    """Spans ``id -> (type, text)``, triggers ``event -> span``, and ``(id, relation, id)``."""
    spans, triggers, relations = {}, {}, []
    for line in text.splitlines():
        try:
            key, what, *words = line.split("\t")
            if key[0] == "T":
                spans[key] = (what.split()[0], words[0])
            elif key[0] == "E":
                trigger, *arguments = (part.split(":") for part in what.split())
                triggers[key] = trigger[1]
                relations += [(key, role.rstrip("0123456789"), end) for role, end in arguments]
            elif key[0] == "R":
                relation, a, b = what.split()
                relations.append((a.split(":")[1], relation, b.split(":")[1]))
        except (ValueError, IndexError):
            if line.strip():
                raise ValueError(f"{chunk_id}: cannot read the annotation {line!r}") from None
    return spans, triggers, relations


# --- surface patterns -----------------------------------------------------------------------------


class PatternExtractor:
    """Reads sentences by surface patterns: no model, no training, the same answer every time.

    A sentence falls into noun phrases (words between stop words, numbers, units and punctuation)
    and verb groups of a closed list. A verb group relates the phrase before it to the phrases
    after it; a verb that nothing follows, as in "the gel was dried", becomes a term itself with the
    relation "is". Prepositions such as "of" and patterns such as "such as" relate neighbours.

    Parameters
    ----------
    verbs : collection of str, optional
        Inflected forms, lower case; the default holds those of some 60 verbs.
    max_len : int
        Most words in a term; of a longer phrase the last ones are kept, where English has the head.

    Examples
    --------
    >>> for t in PatternExtractor().extract("The KOH powder was slowly added to water.", "a"):
    ...     print(t[:3])
    ('koh powder', 'was slowly added to', 'water')
    """

    def __init__(self, verbs: Iterable[str] | None = None, max_len: int = 4) -> None:
        if isinstance(verbs, str):
            raise TypeError(f"verbs must be a collection of words, got {verbs!r}")
        self.verbs = VERB_FORMS if verbs is None else frozenset(str(v).lower() for v in verbs)
        self.max_len = check_integer(max_len, "max_len", low=1)

    def extract(self, chunk: str, chunk_id: str) -> list[Triple]:
        """The triples of one chunk of plain text."""
        if not isinstance(chunk, str):
            raise TypeError(f"chunk must be a string, got {type(chunk).__name__}")
        found: list[tuple[str, str, str]] = []
        for sentence in phrases(chunk, self.verbs, self.max_len):
            found += _relate(sentence)
        return _triples(found, chunk_id)


def _relate(sentence: list[Word]) -> Iterator[tuple[str, str, str]]:
    """Relate the groups of terms on both sides of each verb or link.

    ``kind`` is "term", "verb", "link" (of, such as, ...), "and" (joins terms) or "stop". A verb
    with no term before it, or after an "and", takes the sentence's first group: "KOH was dissolved
    in water, filtered and dried".
    """
    subject: list[str] = []  # the first group
    before: list[str] = []  # the group to the left of the relation that waits
    group: list[str] = []
    relation, kind_before = "", "stop"
    for word, following in pairwise(sentence):
        if word.kind == "term":
            if group and kind_before != "and":
                before, group = [], []
            group.append(word.text)
            subject = subject or group
            yield from ((head, relation, word.text) for head in before)
        elif word.kind in ("verb", "link"):
            own = kind_before != "and" and group
            before, group = (group if own or word.kind == "link" else subject), []
            relation = word.text
            if word.kind == "verb" and following.kind not in ("term", "link"):
                yield from ((head, "is", word.root) for head in before)
        elif word.kind == "stop":
            before, group = [], []
        kind_before = word.kind


# --- models ---------------------------------------------------------------------------------------


class CallableExtractor:
    """Wraps a function of your own.

    Parameters
    ----------
    f : callable
        ``f(chunk)`` returns (head, relation, tail) for each triple.
    """

    def __init__(self, f: Callable[[str], Iterable[tuple[str, str, str]]]) -> None:
        if not callable(f):
            raise TypeError(f"f must be callable, got {type(f).__name__}")
        self.f = f

    def extract(self, chunk: str, chunk_id: str) -> list[Triple]:
        """The triples of one chunk, tidied."""
        return _triples(self.f(chunk), chunk_id)


ONTOLOGY_TASK = (
    "You turn a text into an ontology. Name the concepts of the text (materials, methods, "
    "properties, systems) by terms in common use, and relate them in pairs. Answer with "
    'nothing but a JSON list: [{"node_1": "a term", "node_2": "a term", "edge": "how the first '
    'relates to the second, in few words"}, ...]. Give about ten entries.'
)
FORMAT_TASK = (
    'Answer with nothing but a JSON list of {"node_1": ..., "node_2": ..., "edge": ...} objects.'
)


class LanguageModelExtractor:
    """Asks a language model, in the order of steps that the paper uses. No model is included.

    Draft about ten triples; rename the nodes to consistent terms of the field; repair the format;
    then, ``rounds`` times, ask for further triples and repair again. The prompts are ours.

    Parameters
    ----------
    generate : callable
        ``generate(system, prompt)`` returns the model's answer as a string.
    rounds : int
        Rounds of adding triples.
    field : str
        The field whose terms are to be used.
    """

    def __init__(
        self,
        generate: Callable[[str, str], str],
        rounds: int = 0,
        field: str = "materials science",
    ) -> None:
        if not callable(generate):
            raise TypeError(f"generate must be callable, got {type(generate).__name__}")
        self.generate, self.field = generate, field
        self.rounds = check_integer(rounds, "rounds", low=0)

    def extract(self, chunk: str, chunk_id: str) -> list[Triple]:
        """The triples of one chunk; none where the last answer cannot be parsed."""
        text = f"Text: ```{chunk}```\n\n"
        answer = self.generate(ONTOLOGY_TASK, text)
        rename = f"Rename the nodes consistently, with terms in wide use in {self.field}."
        answer = self.generate(FORMAT_TASK, f"{text}Ontology: ```{answer}```\n\n{rename}")
        answer = self._repair(answer)
        for _ in range(self.rounds):
            more = "Repeat this list and add triples that it lacks."
            answer = self.generate(ONTOLOGY_TASK, f"{text}Ontology: ```{answer}```\n\n{more}")
            answer = self._repair(answer)
        return parse_llm_json(answer, chunk_id)

    def _repair(self, answer: str) -> str:
        return self.generate(
            FORMAT_TASK, f"```{answer}```\n\nRepair the format where it is broken."
        )


def parse_llm_json(text: str, chunk_id: str) -> list[Triple]:
    """Read the triples in a model's answer.

    What stands between the first ``[`` and the last ``]`` is parsed as JSON. Entries without two
    named nodes are left out; an answer that cannot be parsed has no triples.

    Parameters
    ----------
    text : str
        The answer, with objects of the keys node_1, node_2 and edge.
    chunk_id : str

    Returns
    -------
    list of Triple

    Examples
    --------
    >>> parse_llm_json('Sure: [{"node_1": "Silk", "edge": "is a", "node_2": "Fibre"}] Bye.', "a")
    [Triple(head='silk', relation='is a', tail='fibre', chunk_id='a')]
    """
    if not isinstance(text, str):
        raise TypeError(f"text must be a string, got {type(text).__name__}")
    try:
        entries = json.loads(text[text.find("[") : text.rfind("]") + 1])
    except ValueError:
        return []
    ends = ("node_1", "node_2")
    good = [e for e in entries if isinstance(e, dict) and all(_is_name(e.get(k)) for k in ends)]
    return _triples(((e["node_1"], e.get("edge") or "", e["node_2"]) for e in good), chunk_id)


def _is_name(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)
