"""The files of the built site: every link resolves, and the data for programs is whole."""

import json
import zipfile
from collections import defaultdict
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from mixbook import catalog, ledger

from .conftest import ROOT


class Page(HTMLParser):
    """The links and anchors of one page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.anchors.update(v for k in ("id", "name") if (v := given.get(k)))
        self.links += [v for k in ("href", "src") if (v := given.get(k))]


def broken_links(site: Path) -> list[str]:
    """Links within the site that lead to no file or to no anchor."""
    files = sorted(p for p in site.rglob("*.html") if site / "_static" not in p.parents)
    pages = {p: Page(p.read_text(encoding="utf-8")) for p in files}
    found = defaultdict(set)
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            anchor = unquote(parts.fragment)
            lost = target in pages and anchor and anchor not in pages[target].anchors
            if not target.is_file() or lost:
                found[path.relative_to(site).as_posix()].add(link)
    return [f"{path}: {link}" for path, links in found.items() for link in sorted(links)]


def test_every_internal_link_resolves(site):
    assert broken_links(site) == []


@pytest.mark.parametrize("link", ["gone.html", "a.html#gone", "#gone", "img/gone.png"])
def test_a_broken_link_is_found(tmp_path, link):
    (tmp_path / "a.html").write_text(f'<a id="here" href="{link}">x</a><a href="#here">y</a>')
    assert broken_links(tmp_path) == [f"a.html: {link}"]


def read(site: Path, name: str) -> list[dict]:
    return json.loads((site / name).read_text(encoding="utf-8"))


def test_papers_json_holds_the_catalogue(site):
    records = {record["slug"]: record for record in read(site, "papers.json")}
    assert list(records) == [paper.slug for paper in catalog.papers()]
    for paper in catalog.papers():
        record = records[paper.slug]
        assert record["title"] == paper.title
        assert record["status"] == paper.status
        if paper.done:
            assert (site / record["page"]).is_file()
            assert (ROOT / record["notebook"]).is_file()
            assert (ROOT / record["code_path"]).is_file()
        else:
            assert record["page"] is None


def test_claims_json_holds_the_ledger(site):
    rows = {(row["paper"], row["id"]): row for row in ledger.collect(ROOT)}
    records = {(record["paper"], record["id"]): record for record in read(site, "claims.json")}
    assert rows.keys() == records.keys()
    assert rows
    for key, record in records.items():
        row = rows[key]
        assert record["claim"] == row["claim"]
        assert record["criterion"] == row["criterion"]
        assert record["ours"]["ci"]["verdict"] == row["verdict"]
        assert record["verdict"] == (row["full_verdict"] or row["verdict"])
        assert record["versions"] == row["versions"]
        path, anchor = record["cell"].split("#")
        assert anchor in Page((site / path).read_text(encoding="utf-8")).anchors
        assert (ROOT / record["code_path"]).is_file()


def test_llms_txt_links_every_finished_chapter(site, config):
    lines = (site / "llms.txt").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "# mixbook"
    assert f"Source: {config['repository']['url']}" in lines
    links = [line.split("](")[1].split(")")[0] for line in lines if line.startswith("- [")]
    assert [link for link in links if not (site / link).is_file()] == []
    assert {f"{p.notebook}.html" for p in catalog.papers() if p.done} <= set(links)


def test_offline_zip_is_the_whole_site(site):
    with zipfile.ZipFile(site / "mixbook-offline.zip") as archive:
        assert archive.testzip() is None
        packed = {name.removeprefix("mixbook/") for name in archive.namelist()}
        entry = archive.read("mixbook/book/intro.html")
    there = {p.relative_to(site).as_posix() for p in site.rglob("*") if p.is_file()}
    assert there - packed == {"mixbook-offline.zip", ".buildinfo"} & there
    assert packed <= there
    assert entry == (site / "book/intro.html").read_bytes()


def test_the_repository_address_stands_only_in_the_configuration(config):
    sources = [ROOT / "_toc.yml", *(ROOT / "book").rglob("*.md"), *(ROOT / "book").rglob("*.py")]
    address = config["repository"]["url"].removeprefix("https://")
    assert [p.name for p in sources if address in p.read_text(encoding="utf-8")] == []
