"""What must hold on every page: it loads alone, fits a phone, can be read, and shows its math."""

import functools
from pathlib import Path

import pytest

from .conftest import toc_pages

CHECKS = Path(__file__).with_name("checks.js").read_text(encoding="utf-8")
PHONE = {"width": 390, "height": 844}
SETTLED = "() => !window.MathJax?.startup?.promise || MathJax.startup.promise.then(() => true)"


def run(tab, check: str) -> list[str]:
    return tab.evaluate(f"() => {{ {CHECKS}; return window.mixbookChecks.{check}(); }}")


@pytest.fixture(scope="module")
def visit(browser, address):
    """Open a page on a phone, in light and in dark, and note everything that is wrong with it."""

    @functools.cache
    def open_once(name: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {"errors": [], "outside": []}
        context = browser.new_context(viewport=PHONE, color_scheme="light")
        tab = context.new_page()
        tab.on("pageerror", lambda error: found["errors"].append(str(error)))
        tab.on("console", lambda m: found["errors"].append(m.text) if m.type == "error" else None)
        tab.on("request", lambda r: note_outside(r.url, address, found["outside"]))
        assert tab.goto(f"{address}/{name}.html").ok
        tab.wait_for_function(SETTLED)
        for check in ("wide", "badAlt", "brokenImages", "unrenderedMath"):
            found[check] = run(tab, check)
        found["faint in light"] = run(tab, "faintText")
        tab.emulate_media(color_scheme="dark")
        tab.wait_for_selector("html[data-theme=dark]")
        tab.wait_for_timeout(400)  # colours fade over
        found["faint in dark"] = run(tab, "faintText")
        context.close()
        return found

    return open_once


def note_outside(url: str, address: str, found: list[str]) -> None:
    if not url.startswith((address, "data:", "blob:")):
        found.append(url)


@pytest.mark.parametrize("name", toc_pages())
@pytest.mark.parametrize(
    "kind",
    [
        "errors",
        "outside",
        "wide",
        "badAlt",
        "brokenImages",
        "unrenderedMath",
        "faint in light",
        "faint in dark",
    ],
)
def test_page_has_no(visit, name, kind):
    assert visit(name)[kind] == []


# ---- the checks themselves find what they look for ----


@pytest.mark.parametrize(
    ("check", "body"),
    [
        ("wide", "<div style='width:2000px'>x</div>"),
        ("badAlt", "<img src='data:,' alt=''>"),
        ("badAlt", "<img src='data:,' alt='../_images/a.png'>"),
        ("unrenderedMath", "<span class='math notranslate'>\\(x\\)</span>"),
        ("unrenderedMath", "<g data-mjx-error='Undefined control sequence'></g>"),
        ("faintText", "<p style='color:#777;background:#999'>x</p>"),
        ("faintText", "<p style='color:rgba(0,0,0,.4)'>x</p>"),
        ("faintText", "<div style='opacity:.4'><p style='color:#000'>x</p></div>"),
        ("faintText", "<svg><text fill='#ccc' y='20'>x</text></svg>"),
    ],
)
def test_check_finds(page, check, body):
    page.set_content(f"<!doctype html><body>{body}")
    assert run(page, check)


def test_check_of_contrast_leaves_good_text_alone(page):
    page.set_content("<body><p style='color:#767676'>just enough</p><p>black</p>")
    assert run(page, "faintText") == []


def test_requests_to_other_hosts_are_noted():
    found: list[str] = []
    for url in ("http://127.0.0.1:1/a.js", "data:,x", "https://cdn.example.org/a.js"):
        note_outside(url, "http://127.0.0.1:1", found)
    assert found == ["https://cdn.example.org/a.js"]
