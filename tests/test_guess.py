"""The guess box reads what people write, and answers in powers of ten."""

import json

import pytest

from gradlab.explorer import Guess
from gradlab.explorer.core import WORDS
from gradlab.explorer.guess import decades


@pytest.mark.parametrize(
    ("text", "log10_value"),
    [
        ("1", 0),
        ("0.001", -3),
        (".001", -3),
        ("0,000001", None),
        ("1e-9", -9),
        ("1E−9", -9),
        (" 10^-9 ", -9),
        ("10**-9", -9),
        ("10 ^ (−9)", -9),
        ("10^+3", 3),
        ("10^-2.5", -2.5),
        ("3 * 10^-4", -3.5229),
        ("3·10^−4", -3.5229),
        ("3×10^-4", -3.5229),
        ("2.5e3 * 10^2", 5.39794),
        ("1/1000", -3),
        ("2 / 4", -0.30103),
        ("1,000,000", 6),
        ("5%", -1.30103),
        ("0.1 %", -3),
        ("1 in a billion", -9),
        ("one in a million", -6),
        ("a in ten", -1),
        ("1 in one trillion", -12),
        ("1 in 500", -2.69897),
        ("1 in 1,000", -3),
        ("1 in 10^9", -9),
        ("1 in 1e9", -9),
        ("1e-400", -400),
        ("1e400", 400),
        ("10^-400", -400),
        ("1e-400/1e400", -800),
    ],
)
def test_decades_reads(text, log10_value):
    found = decades(text)
    if log10_value is None:  # a comma groups digits here: 0,000001 reads as 1
        assert found == pytest.approx(0)
    else:
        assert found == pytest.approx(log10_value, abs=1e-4)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "no idea",
        "0",
        "0.0",
        "-3",
        "-1e-9",
        "0%",
        "1/0",
        "0/5",
        "0e9",
        "1 in 0",
        "1 in a",
        "1 in a few",
        "nan",
        "inf",
        "1e",
        "10^",
        "1..2",
        "e5",
        "<b>",
    ],
)
def test_decades_does_not_read(text):
    assert decades(text) is None


def guess(**more):
    return Guess("sigmoids", "How much is left? <b>Guess</b>", -18.3, "Some say a millionth.", **more)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "10^-18",
            "You said 1.00 · 10<sup>−18</sup>; it is 5.01 · 10<sup>−19</sup>. That is within half a power of ten.",
        ),
        ("1e-6", "your guess is 12.3 powers of ten too large."),
        ("1e-20", "your guess is 1.7 powers of ten too small."),
        (None, "It is 5.01 · 10<sup>−19</sup>."),
    ],
)
def test_answers(text, said):
    assert said in guess().answer(text) and guess().answer(text).endswith("Some say a millionth.")


@pytest.mark.parametrize("text", ["0.00001 m", "<script>", ""])
def test_what_cannot_be_read_is_asked_again_and_gives_nothing_away(text):
    assert guess().answer(text) == WORDS["unread"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_an_answer_must_be_finite(value):
    with pytest.raises(ValueError, match=r"log10_answer of guess 'x': got (nan|inf|-inf), expected a finite number"):
        Guess("x", "?", value)


def test_static_form_is_complete_without_a_script():
    html = guess(explorer="gradients", x=1, state={"depth": 30}).html()
    payload = html.split('<script type="application/json">')[1].split("</script>")[0]
    data = json.loads(payload)
    assert (
        "<" not in payload
        and data["log10"] == -18.3
        and data["explorer"] == "gradients"
        and data["answers"] == Guess.ANSWERS
    )
    assert f"<noscript><p>{guess().answer(None)}</p></noscript>" in html
    assert "<label>" in html and 'role="status"' in html


def test_live_form_answers():
    box = guess()._live()
    field, check, show = box.children[1].children
    answer = box.children[2]
    field.value = "1e-6"
    assert "12.3 powers of ten too large" in answer.value
    field.value = "?"
    assert answer.value == WORDS["unread"]
    show.click()
    assert answer.value.startswith("It is")
    check.click()
    assert answer.value == WORDS["unread"]


def test_mime_bundle_follows_the_build(monkeypatch, tmp_path):
    monkeypatch.delenv("GRADLAB_STATIC", raising=False)
    assert "application/vnd.jupyter.widget-view+json" in guess()._repr_mimebundle_()
    monkeypatch.setenv("GRADLAB_STATIC", str(tmp_path))
    assert guess()._repr_mimebundle_() == {"text/plain": "Guess('sigmoids')", "text/html": guess().html()}
