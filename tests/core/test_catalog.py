"""The catalogue: what it holds, how it agrees with the bibliography, and what it refuses."""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections import Counter
from itertools import combinations
from pathlib import Path

import numpy as np
import pybtex.database
import pybtex.errors
import pybtex.plugin
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mixbook import catalog

ROOT = Path(__file__).parents[2]
BIBLIOGRAPHY = ROOT / "book" / "references.bib"

SLUGS = {
    "mixtures": "gcd ila_sdp knn_embed llp_bp mycorrhiza ood_unlabeled ppp",
    "flows": "ambient condition_corruption diversity_distillation gdss kinetic_paths ldfacenet"
    " light_sb meta_flow_matching",
    "experts": "crowd_hmode mip mixture_growth mowst pi_hc_moe temperature_moe topk_moe",
    "generative": "adaptive_mix dwa gan_controls generative_augmentation mam mdbm meco",
    "physics": "active_matter bamboo dense_hebbian dense_rsb gp_hm hamiltonian_meta"
    " multitasking_hebbian",
    "bayes": "pdlt pfn pv_rnn sm_nngp",
    "landscapes": "convergent_learning dynas intrinsic_dimension lmc parzc random_search_sparse",
    "graphs": "adpa diffgraph hei kpath_gnn meow pamc",
    "networks": "commuters dynamic_connectome gradco graph_reasoning regenn simplicial_closure",
}


# --- what the catalogue holds -----------------------------------------------------------------


def test_every_paper_of_the_book_is_in_its_family():
    found = {f.slug: sorted(p.slug for p in catalog.papers() if p.family == f.slug)
             for f in catalog.families()}  # fmt: skip
    assert found == {name: slugs.split() for name, slugs in SLUGS.items()}
    assert [len(found[name]) for name in SLUGS] == [7, 8, 7, 7, 7, 4, 6, 6, 6]
    assert len(catalog.papers()) == 58


def test_families_are_the_parts_in_order():
    assert [f.slug for f in catalog.families()] == list(SLUGS)
    assert [f.part for f in catalog.families()] == list(range(1, 10))


def test_papers_come_in_the_order_of_the_parts():
    parts = [catalog.family(p.family).part for p in catalog.papers()]
    assert parts == sorted(parts)


@pytest.mark.parametrize("field", ["slug", "bib", "title"])
def test_papers_are_told_apart_by(field):
    values = [getattr(p, field) for p in catalog.papers()]
    assert [v for v, n in Counter(values).items() if n > 1] == []


@pytest.mark.parametrize("paper", catalog.papers(), ids=lambda p: p.slug)
def test_record_is_well_formed(paper):
    assert re.fullmatch(r"\d{4}\.\d{4,5}", paper.arxiv), "every paper of the book is on arXiv"
    assert 0 <= paper.year - (2000 + int(paper.arxiv[:2])) <= 2
    assert 30 <= len(paper.summary) <= 110
    assert paper.summary.endswith(".")
    assert not re.search(r"state.of.the.art|novel|powerful|outperform", paper.summary.lower())
    assert all(re.search(r"\S \S", name) for name in paper.authors), "full names"


def test_tags_form_a_shared_vocabulary():
    uses = Counter(tag for p in catalog.papers() for tag in p.tags)
    assert [tag for tag, n in uses.items() if n < 2] == []
    assert len(uses) <= 45


def test_extras_exist_in_the_build_file():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {p.extra for p in catalog.papers()} - {""}
    assert needed == {"flows", "landscapes", "mixtures", "networks"}
    assert needed <= set(project["optional-dependencies"])


@pytest.mark.skipif("MIXBOOK_DATA_DIR" not in os.environ, reason="no folder of data sets")
def test_data_sets_exist():
    folder = Path(os.environ["MIXBOOK_DATA_DIR"])
    if not (folder / "scholp").is_dir():
        pytest.skip("the folder is a cache, not the full collection")
    named = {name for p in catalog.papers() for name in p.data}
    assert sorted(name for name in named if not (folder / name).is_dir()) == []


def test_finished_chapters_fill_the_comparison_table():
    done = {p.slug: p for p in catalog.papers() if p.done}
    assert "simplicial_closure" in done
    for paper in done.values():
        for field in ("input", "assumes", "cost", "use_when"):
            assert 10 <= len(getattr(paper, field)) <= 130, (paper.slug, field)


# --- colours ----------------------------------------------------------------------------------

# Linear RGB as seen without one kind of cone (Machado, Oliveira, Fernandes 2009).
SIGHT = {
    "usual": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
               [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
               [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
               [0.004733, 0.691367, 0.303900]],
}  # fmt: skip
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear_rgb(colour):
    c = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def cielab(rgb):
    t = XYZ @ np.clip(rgb, 0, 1) / (XYZ @ np.ones(3))
    x, y, z = np.where(t > 0.008856, np.cbrt(t), 7.787 * t + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_colours_stand_out_on_white():
    for family in catalog.families():
        luminance = XYZ[1] @ linear_rgb(family.colour)
        assert 1.05 / (luminance + 0.05) >= 3, family.slug


@pytest.mark.parametrize("sight", SIGHT)
def test_colours_can_be_told_apart(sight):
    seen = {f.slug: cielab(np.asarray(SIGHT[sight]) @ linear_rgb(f.colour))
            for f in catalog.families()}  # fmt: skip
    for a, b in combinations(seen, 2):
        assert np.linalg.norm(seen[a] - seen[b]) >= 20, (a, b)


# --- the bibliography -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bibliography():
    with pybtex.errors.capture() as complaints:
        entries = pybtex.database.parse_file(str(BIBLIOGRAPHY)).entries
        style = pybtex.plugin.find_plugin("pybtex.style.formatting", "unsrt")()
        list(style.format_entries(entries.values()))
    assert complaints == []
    return entries


def plain(text):
    return re.sub(r"[^a-z0-9]+", " ", text.replace("\\&", "&").casefold()).strip()


@pytest.mark.parametrize("paper", catalog.papers(), ids=lambda p: p.slug)
def test_bibliography_agrees_with_the_catalogue(paper, bibliography):
    entry = bibliography[paper.bib]
    assert entry.fields["year"] == str(paper.year)
    assert plain(entry.fields["title"]) == plain(paper.title)
    assert entry.fields.get("eprint", "") == paper.arxiv
    assert entry.fields.get("doi", "") == paper.doi
    names = [
        " ".join(p.first_names + p.middle_names + p.prelast_names + p.last_names)
        for p in entry.persons["author"]
    ]
    assert tuple(names) == paper.authors


def test_bibliography_keys_name_author_and_year(bibliography):
    ascii_of = str.maketrans("éöüšŽžåáóč", "eousZzaaoc")
    for key, entry in bibliography.items():
        surname = "".join(entry.persons["author"][0].last_names).translate(ascii_of)
        letters = re.sub(r"[^a-z]", "", surname.casefold())
        assert key.startswith(letters + entry.fields["year"]), key


# --- looking things up ------------------------------------------------------------------------


def test_paths_and_links_of_a_paper():
    paper = catalog.paper("simplicial_closure")
    assert paper.module == "mixbook.networks.simplicial_closure"
    assert paper.notebook == "notebooks/networks/simplicial_closure"
    assert paper.links == (
        ("arXiv", "https://arxiv.org/abs/1802.06916"),
        ("DOI", "https://doi.org/10.1073/pnas.1800683115"),
        ("Official code", "https://github.com/arbenson/ScHoLP.jl"),
    )
    assert catalog.family("networks").notebook == "notebooks/networks/index"


def test_a_missing_identifier_has_no_link():
    paper = catalog.paper("kinetic_paths")
    assert (paper.doi, paper.doi_url, paper.code) == ("", "", "")
    assert [label for label, _ in paper.links] == ["arXiv"]


def test_records_cannot_be_changed():
    with pytest.raises(AttributeError):
        catalog.paper("light_sb").year = 1999


@given(st.sampled_from(catalog.papers()), st.data())
def test_a_slip_of_the_pen_finds_the_paper(paper, data):
    i = data.draw(st.integers(0, len(paper.slug) - 1))
    slip = paper.slug[:i] + paper.slug[i + 1 :]
    assume(slip not in {p.slug for p in catalog.papers()})
    with pytest.raises(ValueError, match=f"unknown paper .*did you mean .*'{paper.slug}'"):
        catalog.paper(slip)


@given(st.one_of(st.text(), st.integers(), st.none()))
def test_bad_slugs_are_refused(slug):
    assume(slug not in {p.slug for p in catalog.papers()})
    with pytest.raises(ValueError, match="unknown paper"):
        catalog.paper(slug)


def test_unknown_family():
    with pytest.raises(ValueError, match=r"unknown family 'flow': did you mean 'flows'"):
        catalog.family("flow")


def test_the_shipped_catalogue_is_read_once():
    assert catalog.papers() is catalog.papers()
    assert catalog.load().papers == catalog.papers()


def test_import_is_light():
    program = (
        "import sys, time; t = time.perf_counter(); import mixbook.catalog;"
        "print(time.perf_counter() - t, *({'torch', 'numpy', 'pandas'} & set(sys.modules)))"
    )
    runs = [
        subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
        for _ in range(3)
    ]
    assert [run.stderr for run in runs] == ["", "", ""]
    times, *heavy = zip(*(run.stdout.split() for run in runs), strict=True)
    assert heavy == []
    assert min(map(float, times)) < 0.3


# --- what is refused --------------------------------------------------------------------------

FAMILY = {
    "slug": "toys",
    "part": 1,
    "title": "Toys",
    "summary": "Small things.",
    "colour": "#4595e6",
}
PLANNED = {
    "slug": "spinner",
    "family": "toys",
    "name": "Spinner",
    "title": "On spinning",
    "authors": ["A. Person"],
    "venue": "Journal",
    "year": 2020,
    "code": "",
    "code_licence": "",
    "bib": "person2020spinning",
    "summary": "Spins.",
    "tags": ["toys", "motion"],
    "data": [],
    "extra": "",
    "status": "planned",
}
CELLS = {
    "reproduces": "All of it.",
    "input": "A top",
    "assumes": "A table",
    "cost": "None",
    "use_when": "Bored",
}
DONE = PLANNED | CELLS | {"status": "done"}


def toml(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k} = {toml(v)}" for k, v in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)


@pytest.fixture
def write(tmp_path):
    def write(papers, families=(FAMILY,)):
        rows = [("family", f) for f in families] + [("paper", p) for p in papers]
        text = "".join(
            f"[[{kind}]]\n" + "".join(f"{k} = {toml(v)}\n" for k, v in row.items())
            for kind, row in rows
        )
        path = tmp_path / "papers.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def without(record, key):
    return {k: v for k, v in record.items() if k != key}


def test_a_small_catalogue_loads(write):
    families, papers = catalog.load(
        write([PLANNED, DONE | {"slug": "b", "bib": "b2020b", "title": "B"}])
    )
    assert [f.title for f in families] == ["Toys"]
    assert [p.done for p in papers] == [False, True]
    assert papers[0].authors == ("A. Person",)
    assert (papers[0].arxiv, papers[0].reproduces, papers[1].input) == ("", "", "A top")


def test_an_empty_catalogue_loads(write):
    assert catalog.load(write([], families=())) == ((), ())


@pytest.mark.parametrize("key", PLANNED)
def test_missing_field_of_a_paper(write, key):
    where = "paper number 1" if key == "slug" else "paper 'spinner'"
    with pytest.raises(ValueError, match=f"papers.toml: {where}: field '{key}' is missing"):
        catalog.load(write([without(PLANNED, key)]))


@pytest.mark.parametrize("key", FAMILY)
def test_missing_field_of_a_family(write, key):
    where = "family number 1" if key == "slug" else "family 'toys'"
    with pytest.raises(ValueError, match=f"papers.toml: {where}: field '{key}' is missing"):
        catalog.load(write([], families=[without(FAMILY, key)]))


@pytest.mark.parametrize("key", CELLS)
def test_missing_field_of_a_finished_paper(write, key):
    with pytest.raises(ValueError, match=f"paper 'spinner': field '{key}' is missing"):
        catalog.load(write([without(DONE, key)]))
    with pytest.raises(ValueError, match=f"paper 'spinner': field '{key}' is ''"):
        catalog.load(write([DONE | {key: ""}]))


MAY_BE_EMPTY = {"arxiv", "doi", "code", "code_licence", "extra"}


@pytest.mark.parametrize("value", [True, 1.5, 7, ["x", 3], [""], ["x", "x"], {"a": 1}])
@pytest.mark.parametrize("key", sorted(set(DONE) | MAY_BE_EMPTY))
def test_wrong_type_of_a_paper(write, key, value):
    where = "paper number 1" if key == "slug" else "paper 'spinner'"
    path = write([DONE | {key: value}])
    with pytest.raises(ValueError, match=f"{where}: field '{key}' is .*expected"):
        catalog.load(path)


@pytest.mark.parametrize("key", sorted(set(DONE) - MAY_BE_EMPTY))
def test_what_may_not_be_empty(write, key):
    path = write([DONE | {key: ""}])
    with pytest.raises(ValueError, match=f"field '{key}' is '', expected"):
        catalog.load(path)


@pytest.mark.parametrize("key", sorted(MAY_BE_EMPTY))
def test_what_may_be_empty(write, key):
    assert getattr(catalog.load(write([DONE | {key: ""}])).papers[0], key) == ""


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("status", "almost", "one of planned, done"),
        ("family", "games", "one of toys"),
        ("slug", "Light-SB", "lower-case letters"),
        ("arxiv", "arXiv:2310.01174", "an identifier such as '2310.01174'"),
        ("doi", "https://doi.org/10.1073/x", "an identifier such as"),
        ("code", "github.com/a/b", "an https address"),
        ("code_licence", "MIT", "an empty string without"),
        ("bib", "Person:2020", "a key such as 'korotin2024light'"),
        ("year", 20, "a year"),
        ("summary", "x" * 111, "at most 110 characters, not 111"),
        ("summary", "two\nlines", "one non-empty line"),
        ("title", " padded ", "one non-empty line"),
        ("tags", ["alone"], "two to five tags"),
        ("tags", list("abcdef"), "two to five tags"),
        ("data", ["CITE data"], "lower-case letters"),
        ("extra", "flows,dev", "the name of an extra"),
        ("authors", [], "at least one author"),
    ],
)
def test_wrong_value_of_a_paper(write, field, value, expected):
    with pytest.raises(ValueError, match=f"paper .*: field '{field}' is .*{expected}"):
        catalog.load(write([PLANNED | {field: value}]))


def test_a_summary_of_full_length_is_accepted(write):
    assert len(catalog.load(write([PLANNED | {"summary": "x" * 110}])).papers[0].summary) == 110


@pytest.mark.parametrize(("field", "value"), [("part", 0), ("colour", "blue"), ("colour", "#FFF")])
def test_wrong_value_of_a_family(write, field, value):
    with pytest.raises(ValueError, match=f"family 'toys': field '{field}' is .*expected"):
        catalog.load(write([], families=[FAMILY | {field: value}]))


def test_code_needs_a_licence_statement(write):
    with pytest.raises(ValueError, match="'code_licence' is '', expected a licence or"):
        catalog.load(write([PLANNED | {"code": "https://example.org/code"}]))


def test_unknown_field(write):
    with pytest.raises(ValueError, match="paper 'spinner': unknown field 'licence'"):
        catalog.load(write([PLANNED | {"licence": "MIT"}]))
    with pytest.raises(ValueError, match="family 'toys': unknown field 'color'"):
        catalog.load(write([], families=[FAMILY | {"color": "#000000"}]))


@pytest.mark.parametrize("field", ["slug", "bib", "title"])
def test_repeated_value(write, field):
    other = PLANNED | {"slug": "b", "bib": "b2020b", "title": "B"} | {field: PLANNED[field]}
    with pytest.raises(ValueError, match=f"field '{field}' repeats .* of paper 'spinner'"):
        catalog.load(write([PLANNED, other]))


@pytest.mark.parametrize("field", ["slug", "part", "title", "colour"])
def test_repeated_value_of_a_family(write, field):
    other = {"slug": "b", "part": 2, "title": "B", "summary": "B.", "colour": "#000000"}
    with pytest.raises(ValueError, match=f"field '{field}' repeats .* of family"):
        catalog.load(write([], families=[FAMILY, other | {field: FAMILY[field]}]))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[paper]\n", "papers.toml: "),
        ("paper = 3\n", "'paper' must be a list of"),
        ("[paper]\nslug = 'x'\n", "'paper' must be a list of"),
        ("[[papers]]\nslug = 'x'\n", "unknown table 'papers'"),
        ("family = ['flows']\n", "'family' must be a list of"),
    ],
)
def test_broken_file(tmp_path, text, message):
    path = tmp_path / "papers.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=re.escape(message)):
        catalog.load(path)


def test_a_file_that_is_not_text(tmp_path):
    path = tmp_path / "papers.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match=r"papers\.toml: "):
        catalog.load(str(path))


def test_absent_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        catalog.load(tmp_path / "nowhere.toml")
