"""The guess box: asked first, answered in powers of ten, never stored."""

import html
import json
import math

import pytest

from browser.drawn import DESK, POCKET, Setting, compare, element, explorers_of, pages
from gradlab.explorer import Guess
from gradlab.explorer.core import WORDS
from gradlab.explorer.guess import decades

SPELLINGS = (
    "1e-9", "1E-9", "10^-9", "10**-9", "10 ^ (-9)", "10^−9", "0.000000001", ".000000001", "1 in a billion", "one in a million",
    "1 in 1000", "a in ten", "1/1000", "3 * 10^-4", "3·10^-4", "2.5 × 10^(-7)", "1,000", "50 %", "25%", "7", "10^-18.2",
    " 6E-19 ", "5.9 · 10^−19", "2e+3", "1e-400", "1.", "0.5e-3", "1 in a thousand", "10^+2",
)  # fmt: skip
UNREADABLE = (
    "",
    "no idea",
    "-3",
    "0",
    "0.0",
    "1/0",
    "10^",
    "1e",
    "1 in 0",
    "1 in a zillion",
    "NaN",
    "Infinity",
    "--1",
    "1e-9 1",
    "1e-18.5",
    "<b>1</b>",
)


def box(page, name):
    return page.locator(f'[data-guess="{name}"]')


def ask(form, text: str, by_key: bool = False) -> str:
    """The answer to a guess."""
    form.evaluate("(form) => form.querySelector('.gl-answer span')?.remove()")
    form.locator("input").fill(text)
    if by_key:
        form.locator("input").press("Enter")
    else:
        form.locator("button[type=submit]").click()
    return answer(form)


def answer(form) -> str:
    """What the box says now, as HTML with its entities resolved; nothing before a guess."""
    said = form.locator(".gl-answer > span")
    return html.unescape(said.inner_html()) if said.count() else ""


@pytest.fixture(scope="module")
def own(book, scratch):
    """A page with one guess box whose guess is carried into an explorer of the book, and that box."""
    page = next(page for page in pages() if "gradients" in explorers_of(page))
    guess = Guess(
        "own", "How much of the gradient is left after 30 layers, between 1 and 10<sup>−30</sup>?", -18.23,
        "A tenth forgets the other <b>29</b> layers.", explorer="gradients", x=1, state={"depth": 30},
    )  # fmt: skip
    return *scratch(guess.html(), element(page, "gradients")), guess


@pytest.mark.parametrize("setting", [DESK, POCKET], ids=str)
def test_reads_what_python_reads(own, setting, visits):
    """Each spelling gets the answer that Python gives: script and Python read numbers alike."""
    folder, page, guess = own
    form = box(visits(setting, page, folder=folder).page, "own")
    for i, text in enumerate(SPELLINGS + UNREADABLE):
        assert ask(form, text, by_key=i % 2 == 0) == html.unescape(guess.answer(text)), text


def test_the_spellings_are_what_they_say():
    assert [text for text in SPELLINGS if decades(text) is None] == []
    assert [text for text in UNREADABLE if decades(text) is not None] == []
    assert all(decades(text) == pytest.approx(-9) for text in SPELLINGS[:9])


def test_decades_agree(own, visits):
    """The guess is drawn in the explorer as an open diamond at exactly the decades that Python reads."""
    folder, page, _ = own
    visit = visits(DESK, page, folder=folder)
    visit.draw_all()
    form = box(visit.page, "own")
    for text in ("1e-9", "10^-12", "1 in a billion", "3 * 10^-4", "1/1000", "50 %"):
        ask(form, text)
        shown = compare(visit.page, "gradients", extra=("guess",))
        drawn = shown["traces"][-1]["arrays"]
        assert drawn["x"].tolist() == [1]
        assert drawn["y"].tolist() == pytest.approx([decades(text)], rel=1e-6, abs=1e-6)
        assert WORDS["your_guess"] in shown["notes"]


@pytest.mark.parametrize("setting", [DESK, Setting("file", "phone", "light")], ids=str)
def test_every_guess_box_of_the_book(guess_on, setting, book, visits):
    """Nothing is answered before it is asked; a miss, a hit and Show me say what Python says; the page keeps still."""
    page_name, name = guess_on
    visit = visits(setting, page_name)
    visit.draw_all()
    form = box(visit.page, name)
    form.scroll_into_view_if_needed()
    payload = json.loads(form.locator("script").text_content())
    guess = Guess(name, "", payload["log10"], payload["explanation"])
    assert answer(form) == ""
    assert payload["answer"] not in html.unescape(form.inner_text())
    height = visit.page.evaluate("document.documentElement.scrollHeight")
    visit.shifts()
    texts = [f"1e{math.floor(guess.log10_answer) + off}" for off in (5, -5)] + [
        f"10^{guess.log10_answer:.1f}",
        "no idea",
    ]
    for text in texts:
        assert ask(form, text) == html.unescape(guess.answer(text))
    form.locator(".gl-show").click()
    assert answer(form) == html.unescape(guess.answer(None))
    assert form.locator(".gl-answer").get_attribute("role") == "status"
    assert visit.shifts() == []
    assert visit.page.evaluate("document.documentElement.scrollHeight") == height
    assert visit.page.evaluate("localStorage.length + sessionStorage.length") == visit.page.evaluate(
        "Object.keys(localStorage).filter((key) => /^(mode|theme)/.test(key)).length + sessionStorage.length"
    ), "a guess is not stored"
    if payload["explorer"]:
        assert payload["explorer"] in explorers_of(page_name)
