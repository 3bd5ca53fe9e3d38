"""Gallery, ledger, search and sliders do what they promise, with the mouse and by keyboard."""

import subprocess

import pytest

from mixbook import catalog

from .conftest import ROOT

DONE = [paper for paper in catalog.papers() if paper.done]
SHOWN_CARDS = ".mixbook-cards > li:not([hidden])"
SHOWN_CLAIMS = ".mixbook-claims tbody tr:not([hidden])"


def tab_to(page, selector: str, limit: int = 400) -> None:
    """Press Tab until the focus is on the element; fail if it never gets there."""
    for _ in range(limit):
        page.keyboard.press("Tab")
        if page.evaluate("s => !!document.activeElement?.matches(s)", selector):
            return
    pytest.fail(f"{selector} cannot be reached with the Tab key")


def texts(page, selector: str) -> list[str]:
    return [text.strip() for text in page.locator(selector).all_inner_texts()]


# ---- gallery ----


def test_gallery_shows_every_paper_with_its_status(page):
    page.goto("book/intro.html")
    assert page.locator(SHOWN_CARDS).count() == len(catalog.papers())
    assert page.locator(f"{SHOWN_CARDS}[data-status=done] img").count() == len(DONE)
    planned = page.locator(f"{SHOWN_CARDS}[data-status=planned]")
    assert planned.locator("text=planned").count() == len(catalog.papers()) - len(DONE)
    assert planned.locator("h3 a").count() == 0


def test_gallery_filters_by_text_part_and_status(page):
    page.goto("book/intro.html")
    paper = catalog.papers()[0]
    page.get_by_role("searchbox").fill(f"{paper.authors[0]} {paper.year}")
    assert paper.name in texts(page, f"{SHOWN_CARDS} h3")
    assert page.locator(SHOWN_CARDS).count() < len(catalog.papers())
    page.get_by_role("searchbox").fill("")
    page.get_by_label("Part").select_option(paper.family)
    expected = [p.name for p in catalog.papers() if p.family == paper.family]
    assert sorted(texts(page, f"{SHOWN_CARDS} h3")) == sorted(expected)
    page.get_by_label("Part").select_option("")
    page.get_by_label("Status").select_option("done")
    assert sorted(texts(page, f"{SHOWN_CARDS} h3")) == sorted(p.name for p in DONE)
    assert f"{len(DONE)} of {len(catalog.papers())}" in page.locator("output").inner_text()


def test_gallery_says_when_nothing_fits(page):
    page.goto("book/intro.html")
    page.get_by_role("searchbox").fill("zzzz")
    assert page.locator(SHOWN_CARDS).count() == 0
    assert page.locator(".mixbook-none").is_visible()


def test_gallery_works_by_keyboard(page):
    page.goto("book/intro.html")
    tab_to(page, "[data-filter=text]")
    page.keyboard.type(DONE[0].name)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")  # status: done
    assert DONE[0].name in texts(page, f"{SHOWN_CARDS} h3")
    tab_to(page, f".mixbook-cards a[href$='{DONE[0].slug}.html']", 5)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{DONE[0].notebook}.html")


def test_gallery_without_javascript_still_lists_everything(browser, address):
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(f"{address}/book/intro.html")
    assert tab.locator(".mixbook-cards > li").count() == len(catalog.papers())
    assert not tab.locator(".mixbook-controls").is_visible()
    context.close()


# ---- ledger ----


def test_ledger_filters_by_text_part_and_verdict(page):
    page.goto("book/ledger.html")
    everything = page.locator(SHOWN_CLAIMS).count()
    page.get_by_role("searchbox").fill(DONE[0].name)
    assert set(texts(page, f"{SHOWN_CLAIMS} th")) == {DONE[0].name}
    page.get_by_role("searchbox").fill("null model")
    assert 0 < page.locator(SHOWN_CLAIMS).count() < everything
    page.get_by_role("searchbox").fill("")
    page.get_by_label("Part").select_option(DONE[-1].family)
    names = {paper.name for paper in DONE if paper.family == DONE[-1].family}
    assert set(texts(page, f"{SHOWN_CLAIMS} th")) == names
    page.get_by_label("Part").select_option("")
    page.get_by_label("Verdict").select_option("holds")
    assert set(texts(page, f"{SHOWN_CLAIMS} td:last-child")) == {"holds"}


def test_ledger_sorts_both_ways_by_keyboard(page):
    page.goto("book/ledger.html")
    tab_to(page, ".mixbook-claims th:first-child button")
    page.keyboard.press("Enter")
    up = texts(page, ".mixbook-claims tbody th")
    assert up == sorted(up, key=str.casefold)
    assert page.locator(".mixbook-claims th[aria-sort=ascending]").count() == 1
    page.keyboard.press("Enter")
    assert texts(page, ".mixbook-claims tbody th") == sorted(up, key=str.casefold, reverse=True)
    assert len(set(up)) == len(DONE)


def test_ledger_links_lead_to_the_row_of_the_scorecard(page):
    page.goto("book/ledger.html")
    link = page.locator(".mixbook-claims td:nth-child(2) a").first
    link.click()
    anchor = page.evaluate("location.hash")
    assert page.locator(f".mixbook-scorecard tr{anchor}").is_visible()


# ---- chapters ----


def test_site_search_finds_a_chapter(page):
    page.goto(f"search.html?q={DONE[0].name}")
    wanted = f"#search-results a[href*='{DONE[0].notebook}.html']"
    assert page.wait_for_selector(wanted, timeout=20_000).is_visible()


@pytest.mark.parametrize("paper", DONE, ids=lambda paper: paper.slug)
def test_colab_opens_the_committed_notebook_on_the_default_branch(page, config, paper):
    repository = config["repository"]
    place = repository["url"].removeprefix("https://github.com/")
    file = f"{paper.notebook}.ipynb"
    page.goto(f"{paper.notebook}.html")
    links = page.locator("a[href*='colab.research.google.com']")
    base = f"https://colab.research.google.com/github/{place}/blob/{repository['branch']}"
    assert links.first.get_attribute("href") == f"{base}/{file}"
    listed = subprocess.run(["git", "ls-files", file], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode == 0:
        assert listed.stdout.strip() == file


@pytest.mark.parametrize("paper", DONE, ids=lambda paper: paper.slug)
def test_slider_works_by_keyboard(page, paper):
    page.goto(f"{paper.notebook}.html")
    if not page.locator(".mixbook-slider").count():
        pytest.skip("this chapter has no slider")
    figure = page.locator(".mixbook-slider").first
    tab_to(page, f"#{figure.get_attribute('id')} input[type=range]")
    before = figure.locator("output").inner_text(), figure.locator("img").get_attribute("src")
    page.keyboard.press("ArrowLeft")
    after = figure.locator("output").inner_text(), figure.locator("img").get_attribute("src")
    assert before[0] != after[0]
    assert before[1] != after[1]
    assert figure.locator("img").get_attribute("alt") == after[0]


@pytest.mark.parametrize("paper", DONE, ids=lambda paper: paper.slug)
def test_picture_of_a_graph_works_by_keyboard(page, paper):
    page.goto(f"{paper.notebook}.html")
    if not page.locator(".mixbook-graph").count():
        pytest.skip("this chapter has no picture of a graph")
    figure = page.locator(".mixbook-graph").first
    said = figure.locator("[aria-live]")
    tab_to(page, f"#{figure.get_attribute('id')} svg")
    seen = {said.inner_text()}
    for key in ("ArrowLeft", "ArrowUp", "ArrowRight"):
        page.keyboard.press(key)
        seen.add(said.inner_text())
    assert len(seen) >= 3
    before = figure.locator("svg").get_attribute("viewBox")
    page.keyboard.press("+")
    assert figure.locator("svg").get_attribute("viewBox") != before
    page.keyboard.press("Tab")  # the first neighbour
    name = page.evaluate("document.activeElement.textContent").split("\u2192 ")[-1]
    page.keyboard.press("Enter")
    assert said.inner_text().startswith(f"{name}:")


@pytest.mark.parametrize("paper", DONE, ids=lambda paper: paper.slug)
def test_folded_cells_open_by_keyboard(page, paper):
    page.goto(f"{paper.notebook}.html")
    tab_to(page, "details.toggle-details summary, details.hide summary")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.parentElement.open")
