"""Every page of the book, over http and from disk, at desktop and phone width, light and dark."""

import html
import re
from pathlib import Path

import nbformat
import pytest

from browser.drawn import DESK, POCKET, ROOT, SETTINGS, SIZES, Setting, explorers_of, pages, source

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
#: Formulas, code and side bars are most of a page and axe is not asked about them, but it reads the whole page: they
#: stand aside meanwhile.
CHECK = """async () => {
  const parts = [...document.querySelectorAll(".gl-explorer, .gl-guess")];
  if (!parts.length) return [];
  const aside = [...document.querySelectorAll(".katex, pre, .bd-sidebar-primary, .bd-sidebar-secondary")]
    .filter((e) => !parts.some((part) => part.contains(e) || e.contains(part)))
    .map((e) => [e, document.createComment("")]);
  for (const [e, place] of aside) e.replaceWith(place);
  const { violations } = await axe.run(parts);
  for (const [e, place] of aside) place.replaceWith(e);
  return violations.flatMap((v) => v.nodes.map((node) => `${v.id}: ${v.help}: ${node.html.slice(0, 200)} ${node.failureSummary}`));
}"""
LIGHT_INK = "rgb(28, 33, 40)"
DARK_LETTERS = {"rgb(170, 180, 192)", "rgb(230, 234, 240)"}  # muted and ink on a dark ground


@pytest.fixture(scope="module", params=SETTINGS, ids=str)
def seen(request, page_name, open_page):
    """A page on which everything has come into view. The tests here only look."""
    visit = open_page(request.param, page_name)
    visit.page.evaluate("() => document.fonts.ready.then(() => true)")
    visit.while_loading = visit.shifts()
    visit.draw_all()
    return visit


def test_asks_no_other_host(seen):
    assert seen.foreign == []


def test_raises_no_error(seen):
    assert seen.errors == []


def test_nothing_moves_by_itself(seen):
    """Nothing at all once the fonts are there; before that less than a tenth of what passes for good, which is 0.1.

    The letters of the formulas come from KaTeX's fonts, whose widths no other font has.
    """
    assert seen.shifts() == []
    assert sum(float(shift.split(":")[0]) for shift in seen.while_loading) < 0.01, seen.while_loading


def test_fits_the_width(seen):
    width = SIZES[seen.setting.size][0]
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
    wide = seen.page.evaluate("""() => [...document.querySelectorAll(".gl-explorer, .gl-explorer > *, .gl-guess")]
        .filter((e) => { const box = e.getBoundingClientRect(); return box.width && (box.right > innerWidth + 0.5 || box.left < -0.5); })
        .map((e) => e.className)""")
    assert wide == []
    hidden = seen.page.evaluate("""() => [...document.querySelectorAll(".katex-display .katex-html")]
        .filter((e) => e.getBoundingClientRect().left < e.closest("div.math").getBoundingClientRect().left - 0.5)
        .map((e) => e.textContent.slice(0, 60))""")
    assert hidden == [], "these formulas begin outside the page"


def test_every_figure_is_drawn(seen):
    counts = seen.page.evaluate("""() => [...document.querySelectorAll(".gl-explorer")].map((root) => [
        root.querySelectorAll(".gl-drawn .main-svg").length > 0,
        root.querySelectorAll(".trace path.js-line[d], .trace path.point[d], .trace .point path[d], .hm image, .contourlayer path[d]").length > 0,
        root.querySelector(".gl-drawn > svg") === null && root.querySelectorAll(".gl-drawn .plot-container").length === 1])""")
    assert all(all(root) for root in counts), counts


def test_follows_the_theme(seen):
    theme = seen.setting.theme
    assert seen.page.evaluate("document.documentElement.dataset.theme") == theme
    inks = seen.page.evaluate("""() => [...document.querySelectorAll(".gl-drawn")]
        .map((box) => box.layout.font?.color || box._fullLayout.font.color)""")
    assert len(set(inks)) <= 1


def test_axe_finds_nothing(seen):
    seen.page.evaluate(AXE.read_text(encoding="utf-8"))
    assert seen.page.evaluate(CHECK) == []


# ---------------------------------------------------------------------------------------- the watch itself


def test_the_watch_sees_a_foreign_request(open_page, scratch):
    folder, page = scratch('<img src="https://example.org/picture.png" alt="none">')
    visit = open_page(POCKET, page, folder=folder)
    assert visit.foreign == ["https://example.org/picture.png"]
    assert any("ERR_NAME_NOT_RESOLVED" in error for error in visit.errors)


def test_the_watch_sees_an_error_and_a_shift(open_page, scratch):
    grow = "<script>setTimeout(() => { document.querySelector('i').style.display = 'block'; console.error('seen'); }, 200)</script>"
    folder, page = scratch(f'<i style="display: none; height: 200px"></i><p style="height: 300px">Text</p>{grow}')
    visit = open_page(DESK, page, folder=folder)
    visit.page.wait_for_selector("i", state="visible")
    assert len(visit.shifts()) == 1
    assert [error.split()[0] for error in visit.errors] == ["seen"]


# -------------------------------------------------------------------------------- without script, and on paper


@pytest.mark.parametrize("setting", [DESK, POCKET], ids=str)
def test_without_script(page_name, setting, visits):
    """Title, picture, sentence, numbers and the answer of every guess box are in the page itself."""
    page = visits(setting, page_name, java_script_enabled=False).page
    assert page.locator("article h1").is_visible()
    for root in page.locator(".gl-explorer").all():
        title = root.locator(".gl-title")
        assert title.is_visible() and title.inner_text().strip()
        poster = root.locator(".gl-drawn > svg")
        assert poster.is_visible() and poster.bounding_box()["height"] > 250
        assert len(poster.get_attribute("aria-label")) > len(title.inner_text())
        if root.get_attribute("data-explorer"):
            said = root.locator(".gl-said")
            assert said.is_visible() and len(said.inner_text()) > 40
            root.locator("summary").click()
            assert root.locator("table").is_visible() and root.locator("td").count() >= 2
    for form in page.locator(".gl-guess").all():
        assert "It is" in form.locator("noscript").inner_text()


def test_on_paper(page_name, visits):
    """Print from a dark screen shows every figure in the light colours and no control, drawn or not yet drawn."""
    visit = visits(Setting("file", "desktop", "dark"), page_name)
    page = visit.page
    page.emulate_media(media="print", color_scheme="dark")
    for box in page.locator(".gl-drawn").element_handles():
        # asked in one breath: meanwhile the page may put the drawn figure in the place of the still picture
        page.wait_for_function("(box) => box.querySelector('svg')?.getBoundingClientRect().height > 250", arg=box)
    for part in page.locator(".gl-controls, .gl-try, .gl-foot button, .gl-guess-row").all():
        assert not part.is_visible()
    inks = page.evaluate("[...document.querySelectorAll('.gl-title')].map((t) => getComputedStyle(t).color)")
    assert set(inks) <= {LIGHT_INK}
    page.emulate_media(media="screen", color_scheme="dark")
    visit.draw_all()
    assert len(page.pdf()) > 10_000
    letters = page.evaluate("window.printed")
    assert bool(letters) == bool(page.locator(".gl-drawn").count())
    assert not set(letters) & DARK_LETTERS, "letters for a dark ground on white paper"


def test_reduced_motion(page_name, visits):
    """Nothing of an explorer has a transition or an animation when the reader wants none."""
    visit = visits(DESK, page_name, reduced_motion="reduce")
    visit.draw_all()
    moving = visit.page.evaluate("""() => [...document.querySelectorAll(".gl-explorer *, .gl-guess *, .gl-back, a.gl-set")]
        .filter((e) => { const s = getComputedStyle(e); return s.animationName !== "none" || !/^0s(, 0s)*$/.test(s.transitionDuration); })
        .map((e) => e.outerHTML.slice(0, 120))""")
    assert moving == []


# ------------------------------------------------------------------------------------------------- the whole


def test_the_front_door_opens(visits):
    """The bare folder leads to the front page, which has the first explorer on its first screen."""
    for setting in (DESK, POCKET):
        page = visits(setting, "index.html").page
        page.wait_for_function("() => window.gradlab && gradlab.explorers.has('gradients')")


def test_the_front_page_shows_its_claim_at_once(visits):
    """On a phone figure, sentence and one control share a screen; on a desktop claim and figure are on the first."""
    page = visits(DESK, "intro.html").page
    assert page.locator("article h1").bounding_box()["y"] >= 0
    box = page.locator(".gl-figure").first.bounding_box()
    assert box["y"] + box["height"] <= SIZES["desktop"][1]
    phone = visits(POCKET, "intro.html").page
    figure = phone.locator(".gl-figure").first.bounding_box()
    control = phone.locator(".gl-control").first.bounding_box()
    assert control["y"] + control["height"] - figure["y"] <= SIZES["phone"][1]


def test_pages_name_nothing_of_another_host(book):
    """No page loads a script, a style or a picture from elsewhere, not even on a click."""
    for page in pages():
        loaded = re.findall(
            r'<(?:script|img|iframe|source)[^>]*\bsrc="(https?:|//)[^"]*"|<link[^>]*href="(https?:|//)[^"]*"',
            source(page),
        )
        assert not [link for link in loaded if any(link)], page


def test_what_cells_print_stands_on_the_page(book):
    """As the notebook has it, also where a slow cell prints a line in pieces."""
    for path in sorted((ROOT / "chapters").glob("*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        streams = [[o.text for o in cell.get("outputs", ()) if o.get("name") == "stdout"] for cell in cells]
        printed = ["".join(pieces).strip() for pieces in streams if pieces]
        page = source(f"chapters/{path.stem}.html")
        found = re.findall(r'<div class="output stream[^>]*>.*?<pre>(.*?)</pre>', page, re.S)
        assert [html.unescape(re.sub(r"<[^>]+>", "", text)).strip() for text in found] == printed, path.stem


def test_every_chapter_has_an_explorer_and_a_guess(book):
    for page in pages():
        if page.startswith("chapters/"):
            assert explorers_of(page), page
            assert 'class="gl-guess"' in source(page), page
    assert Path(book, "_static", "plotly.min.js").exists()
