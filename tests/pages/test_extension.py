"""The parts of the Sphinx extension that can be tried without building a book."""

import base64
import io
import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
import yaml
from docutils.utils import new_document
from mixbook_pages import api, check, claims, directives, drawing, export, offline, thumbnails
from PIL import Image
from sphinx import addnodes

from mixbook import catalog
from mixbook.claims import DOES_NOT_HOLD, HOLDS, NEEDS_FULL

from .conftest import ROOT, toc_pages

PAPER = replace(catalog.papers()[0], status="done")
PLANNED = replace(PAPER, status="planned")


def png(size=(2000, 1000), colour=(255, 0, 0, 0)) -> bytes:
    out = io.BytesIO()
    Image.new("RGBA", size, colour).save(out, "PNG")
    return out.getvalue()


def write_notebook(root, *, tags=("thumbnail",), mime="image/png", alt="A red square"):
    data = {mime: base64.b64encode(png()).decode()}
    metadata = {"tags": list(tags), "mystnb": {"image": {"alt": alt}}}
    cells = [{"metadata": {}}, {"metadata": metadata, "outputs": [{"data": data}]}]
    path = root / f"{PAPER.notebook}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"cells": cells}))


# ---- what does not fit together is a warning ----


def test_a_complete_chapter_has_no_gap(tmp_path):
    write_notebook(tmp_path)
    assert check.gaps(PAPER, tmp_path, {PAPER.notebook}) == []


def test_a_done_paper_without_notebook_is_a_gap(tmp_path):
    (gap,) = check.gaps(PAPER, tmp_path, {PAPER.notebook})
    assert "does not exist" in gap


def test_a_done_paper_outside_the_toc_is_a_gap(tmp_path):
    write_notebook(tmp_path)
    (gap,) = check.gaps(PAPER, tmp_path, set())
    assert "not in _toc.yml" in gap


@pytest.mark.parametrize("broken", [{"tags": ()}, {"mime": "text/html"}])
def test_a_chapter_without_picture_is_a_gap(tmp_path, broken):
    write_notebook(tmp_path, **broken)
    (gap,) = check.gaps(PAPER, tmp_path, {PAPER.notebook})
    assert "thumbnail" in gap


def test_a_planned_paper_in_the_toc_is_a_gap(tmp_path):
    assert check.gaps(PLANNED, tmp_path, set()) == []
    (gap,) = check.gaps(PLANNED, tmp_path, {PLANNED.notebook})
    assert "planned" in gap


# ---- thumbnails ----


def test_thumbnails_are_small_and_on_white():
    image = Image.open(io.BytesIO(thumbnails.shrink(png())))
    assert image.size == (480, 240)
    assert image.convert("RGB").getpixel((5, 5)) == (255, 255, 255)


def test_the_alternative_text_is_the_notebooks(tmp_path):
    assert PAPER.name in directives.thumbnail_text(tmp_path, PAPER)
    write_notebook(tmp_path)
    assert directives.thumbnail_text(tmp_path, PAPER) == "A red square"


# ---- map of a part ----


def test_the_map_links_finished_methods_and_says_everything_in_words():
    family = catalog.families()[0].slug
    papers = [replace(p, status="planned") for p in catalog.papers() if p.family == family]
    papers[0] = replace(papers[0], status="done", name="A & B")
    svg = drawing.method_map(papers, lambda paper: f"{paper.slug}.html")
    assert svg.count("<a href=") == 1
    assert "A &amp; B" in svg
    assert svg.count('class="planned"') == len(papers) - 1
    tags = drawing.shared_tags(papers)
    assert svg.count('class="link"') == sum(len(set(p.tags) & set(tags)) for p in papers)
    assert all(tag in drawing.describe(papers, tags) for tag in tags)


def test_methods_that_share_nothing_have_no_map():
    alone = [replace(PAPER, tags=("a",)), replace(PAPER, tags=("b",))]
    assert drawing.method_map(alone, str) == ""


# ---- claims ----


def row(**changes) -> dict:
    given = dict.fromkeys(["note", "unit", "where"], "") | {
        "paper": catalog.papers()[0].slug,
        "id": "C1",
        "verdict": HOLDS,
        "measured": "error = 1",
        "full_measured": "",
        "full_verdict": "",
    }
    return given | changes


def test_the_full_profile_decides_where_it_was_run():
    assert claims._shown(row())["deciding"] == HOLDS
    assert claims._shown(row(full_verdict=DOES_NOT_HOLD))["deciding"] == DOES_NOT_HOLD
    needs = claims._shown(row(verdict=NEEDS_FULL, measured="not measured in this profile"))
    assert (needs["deciding"], needs["ours_ci"]) == (NEEDS_FULL, "")


def test_claims_of_planned_papers_are_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(claims.ledger, "collect", lambda root: [row()])
    monkeypatch.setattr(claims.catalog, "papers", lambda: (PLANNED,))
    assert claims.of_book(tmp_path) == []
    monkeypatch.setattr(claims.catalog, "papers", lambda: (PAPER,))
    rows = claims.of_book(tmp_path)
    assert claims.count_verdicts(rows) == {HOLDS: 1, DOES_NOT_HOLD: 0, NEEDS_FULL: 0}


# ---- small pieces ----


def test_thebe_is_dropped_and_nothing_else():
    inline = SimpleNamespace(filename=None, attributes={"body": 'const THEBE_JS_URL = "x"'})
    file = SimpleNamespace(filename="sphinx-thebe.js", attributes={})
    ours = SimpleNamespace(filename="mixbook.js", attributes={"defer": "defer"})
    context = {"script_files": [inline, file, ours]}
    offline.drop_thebe(None, "", "", context, None)
    assert context["script_files"] == [ours]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("(f: ~collections.abc.Callable[[], ~torch.Tensor])", "(f: Callable[[], Tensor])"),
        ("(c: ~mixbook.claims.Claim)", "(c: ~mixbook.claims.Claim)"),
        (None, ""),
    ],
)
def test_foreign_types_are_shown_by_their_last_name(given, shown):
    assert api.shorten_types(None, "", "", None, None, given, None) == (shown, "")


def test_objects_are_linked_under_the_module_that_defines_them_too():
    signature = addnodes.desc_signature(ids=["mixbook.data.fetch"])
    signature["module"], signature["fullname"] = "mixbook.data", "fetch"
    page = new_document("page")
    page += signature
    api.add_home_anchors(None, page)
    assert signature["ids"] == ["mixbook.data.fetch", "mixbook.data.registry.fetch"]


def test_metadata_routing_is_not_described():
    assert api.skip_foreign_members(None, "", "set_fit_request", None, False, None)
    assert api.skip_foreign_members(None, "", "fit", None, False, None) is None


def test_a_method_that_is_a_folder_is_found(tmp_path):
    base = tmp_path / "mixbook" / PAPER.family / PAPER.slug
    assert export.code_path(PAPER, tmp_path) == f"mixbook/{PAPER.family}/{PAPER.slug}.py"
    base.mkdir(parents=True)
    assert export.code_path(PAPER, tmp_path).endswith(f"{PAPER.slug}/__init__.py")


def test_the_zip_does_not_depend_on_the_time(tmp_path):
    (tmp_path / "a.html").write_text("x")
    export.write_zip(tmp_path)
    first = (tmp_path / export.ZIP).read_bytes()
    (tmp_path / "a.html").touch()
    export.write_zip(tmp_path)
    assert (tmp_path / export.ZIP).read_bytes() == first


# ---- the table of contents follows the catalogue ----


def test_the_toc_holds_every_part_and_every_finished_chapter_in_order():
    expected = []
    for family in catalog.families():
        expected.append(family.notebook)
        expected += [p.notebook for p in catalog.papers() if p.family == family.slug and p.done]
    assert [page for page in toc_pages() if page.startswith("notebooks/")] == expected


def part_page(family) -> str:
    """The text of a part's opening page, which is plain text or an executed notebook."""
    plain = ROOT / f"{family.notebook}.md"
    if plain.is_file():
        return plain.read_text(encoding="utf-8")
    notebook = json.loads((ROOT / f"{family.notebook}.ipynb").read_text(encoding="utf-8"))
    texts = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "markdown"]
    return "\n\n".join(texts) + "\n"


@pytest.mark.parametrize("family", catalog.families(), ids=lambda family: family.slug)
def test_a_part_page_has_the_title_of_the_catalogue_and_names_every_method(family):
    text = part_page(family)
    assert text.startswith(f"# {directives.ROMAN[family.part]}. {family.title}\n")
    flat = " ".join(text.split())
    names = [p.name for p in catalog.papers() if p.family == family.slug]
    assert [name for name in names if f"*{name}*" not in flat] == []


@pytest.mark.parametrize("name", ["test", "book", "weekly"])
def test_workflows_are_yaml_with_a_trigger_and_least_rights(name):
    flow = yaml.safe_load((ROOT / f".github/workflows/{name}.yml").read_text(encoding="utf-8"))
    assert flow[True]  # YAML reads the key "on" as true
    assert flow["permissions"] == {"contents": "read"}
    assert all("timeout-minutes" in job or "needs" in job for job in flow["jobs"].values())
