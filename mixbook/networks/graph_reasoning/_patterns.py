"""Sentences as alternating terms and links: the word lists of the pattern extractor."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["VERB_FORMS", "Word", "phrases"]


class Word(NamedTuple):
    """A piece of a sentence: its kind, its text, and for a verb group its main verb."""

    kind: str
    text: str
    root: str = ""


REGULAR = """
add adjust age ball-mill anneal calcine cast centrifuge clean coat collect compare contain control
cool crush deposit dissolve disperse dry evaporate extract fabricate fill filter fire form grow
grind harden heat immerse improve increase isolate keep load maintain mill mix obtain perform place
pour precipitate prepare press provide purchase purge purify quench react recover reduce reflux
remove require rinse separate sinter soak sonicate spray stir store supply synthesize synthesise
transfer treat use vary wash weigh yield
"""
IRREGULAR = """
grew grown ground kept ball-milled ball-milling spun spin spinning made make makes making held hold
holds holding set given give gives taken left let done cast spread
"""
_STOP_WORDS = """
a about above after again all also although an any approximately are as at at% be because been
before being below between both but by c can cm could day days degc did different do does due
during each either few finally first firstly five followed following for four from further g h had
has have having he hence her here herein his hour hours how however hr hrs hz i if in into is it
its itself just k kg khz kpa kv kw l least less m ma may me meanwhile mere mg might min mins ml mm
mmol mol more most mpa much must my namely nearly nm no nor not now on once one only onto or other
our out over overnight own pa per ppm prior respectively rpm s same sec second secondly seconds
several shall she should similar similarly since so some still subsequently such than that the
their them then there thereafter thereby therefore these they third this those three through thus
till to together too total two typical typically um under until up upon v various very via vol w
was we were what when where which while who whose will with within without would wt wt% you your
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())
LINKS = {
    "of": "of",
    "such as": "such as",
    "including": "including",
    "includes": "includes",
    "include": "include",
    "is a": "is a",
    "is an": "is a",
    "are": "are",
    "consist of": "consist of",
    "consists of": "consists of",
    "consisting of": "consists of",
    "composed of": "composed of",
    "containing": "containing",
    "in": "in",
    "into": "into",
    "to": "to",
    "with": "with",
    "from": "from",
    "using": "using",
    "by": "by",
    "under": "under",
    "onto": "onto",
    "on": "on",
    "at": "at",
    "for": "for",
    "via": "via",
    "through": "through",
}
_AUXILIARIES = """
also are be been being can could further had has have is may might must not should then was were
will would
"""
AUXILIARIES = frozenset(_AUXILIARIES.split())
_PARTICLES = """
as at by for from in into of on onto over to under with
"""
PARTICLES = frozenset(_PARTICLES.split())
JOINS = frozenset(["and", "or", ",", "/", "&"])


def _forms(verb: str) -> Iterator[str]:
    """The regular inflections of a verb."""
    stem = verb.removesuffix("e") if not verb.endswith("ee") else verb
    if re.fullmatch(r"[^aeiou]*[aeiou][bdgmnpt]", verb):  # stir, mix and dry have rules below
        stem = verb + verb[-1]
    if re.search(r"[^aeiou]y$", verb):
        yield from (verb, verb[:-1] + "ies", verb[:-1] + "ied", verb + "ing")
        return
    if verb in ("stir", "transfer"):
        stem = verb + "r"
    plural = "es" if re.search(r"(s|x|sh|ch|z)$", verb) else "s"
    yield from (verb, verb + plural, stem + "ed", stem + "ing")


VERB_FORMS = frozenset(
    [form for verb in REGULAR.split() for form in _forms(verb)] + IRREGULAR.split()
)
"""Inflected forms of the verbs that the patterns know."""

TOKEN = re.compile(r"\w[\w.\-–·+%°′'/]*\w|\w|[,;:()\[\].!?&]")
SENTENCE_END = re.compile(r"(?<=[a-z0-9\])%][.!?])\s+(?=[A-Z(\[])")
ASIDE = re.compile(r"(?<=\s)\(([^()]*)\)")
NUMBER = re.compile(r"^[\d.,×x±~–\-/:%°]+(°?[cCkK]|[a-zμµ]{1,3}|%)?$")


def phrases(text: str, verbs: frozenset[str], max_len: int) -> Iterator[list[Word]]:
    """Each sentence as a list of terms, verb groups, links, joins and stops.

    What stands in parentheses, or before a colon, is a sentence of its own.
    """
    for sentence in SENTENCE_END.split(text):
        parts = [*re.split(r":\s", ASIDE.sub("", sentence)), *ASIDE.findall(sentence)]
        yield from (_group(TOKEN.findall(part), verbs, max_len) for part in parts)


def _group(tokens: list[str], verbs: frozenset[str], max_len: int) -> list[Word]:
    words: list[Word] = []
    term: list[str] = []
    k = 0
    while k < len(tokens):
        size, word = _special(tokens, k, verbs)
        if size == 0:
            term.append(tokens[k].lower())
        elif term:
            words.append(Word("term", " ".join(term[-max_len:])))
            term = []
        if word is not None:
            words.append(word)
        k += max(size, 1)
    if term:
        words.append(Word("term", " ".join(term[-max_len:])))
    return [*words, Word("stop", ".")]


def _special(tokens: list[str], k: int, verbs: frozenset[str]) -> tuple[int, Word | None]:
    """What stands at ``k`` if it is no part of a term: how many tokens, and the piece to keep."""
    for find in (lambda: _verb_group(tokens, k, verbs), lambda: _link(tokens, k)):
        size, word = find()
        if size:
            return size, word
    token = tokens[k].lower()
    if token in JOINS:
        return 1, Word("and", token)
    if re.fullmatch(r"[;:()\[\].!?]", token):
        return 1, Word("stop", token)
    if token in STOP_WORDS or NUMBER.match(token) or token.endswith("ly"):
        return 1, None
    return 0, None


def _verb_group(tokens: list[str], k: int, verbs: frozenset[str]) -> tuple[int, Word | None]:
    """Auxiliaries and adverbs, a verb of the list, adverbs, and a particle."""
    j = k
    while j < len(tokens) and (tokens[j].lower() in AUXILIARIES or tokens[j].lower()[-2:] == "ly"):
        j += 1
    if j >= len(tokens) or tokens[j].lower() not in verbs:
        return 0, None
    root, j = tokens[j].lower(), j + 1
    while j < len(tokens) and tokens[j].lower()[-2:] == "ly":
        j += 1
    if j < len(tokens) and tokens[j].lower() in PARTICLES:
        j += 1
    return j - k, Word("verb", " ".join(tokens[k:j]).lower(), root)


def _link(tokens: list[str], k: int) -> tuple[int, Word | None]:
    for size in (2, 1):
        words = " ".join(tokens[k : k + size]).lower()
        if words in LINKS and k + size <= len(tokens):
            return size, Word("link", LINKS[words])
    return 0, None
