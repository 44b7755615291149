"""The checker of numbers in prose must let true numbers pass and stop invented ones."""

from decimal import Decimal

import pytest
from prose import literals, numbers, paragraphs, unsupported

PRINTED = """
factor 0.23512 theory 0.23701
layer 1: 5.8943e-19, in decades -18.2296
ratio 95.83 of 3530 pairs, share 0.18937
huge 1.234e+400
"""
COMPARED = "slope < 0.5 in 31.7 %\nslope > 0.5 in 68.3 %"
CODE = 'depths = range(1, 51)\nstack = dense([64] * 31, seed=2_024)\nprint(f"{1e-3:.2f}", "of 137")  # 999'


def faults(markdown):
    return unsupported(markdown, numbers(PRINTED), literals(CODE))


@pytest.mark.parametrize(
    "true",
    [
        "Each layer keeps 0.235.",
        "Each layer keeps $0.235$, or 23.5 %.",
        "Each layer keeps 23.5 per cent.",
        r"A share of $19\,\%$.",
        r"Layer 1 receives $5.89 \cdot 10^{-19}$ of it.",
        "Layer 1 receives 5.9 · 10<sup>−19</sup> of it.",
        "Layer 1 receives 5.9 × 10⁻¹⁹ of it.",
        "Layer 1 receives 5.89e-19 of it.",
        "It loses 18.2 decades, $10^{-18.2}$, some $10^{-18}$.",
        "That is 3,530 pairs, or 3530, or $3{,}530$, or $3\\,530$, about 3500.",
        "The first layer is about 100 times slower: 95.8.",
        "Depth 51, width 64, seed 2024, 137 in a string and $10^{-3}$.",
        "Three layers, 4 units, 1/4, $\\tfrac14$, $\\frac{1}{2}$, $W_3$, $x^2$.",
        "From 0.235 to 0.237; 0.235–0.237; 0.235-0.237.",
        "It goes to $1.23 \\cdot 10^{400}$.",
        "Their value was 0.913 {cite}`glorot2010`.",
        "See chapter 14, equation 31, section 12.4 and float32.",
        "| [4. A title of 0.913](chapters/04_some.ipynb) | A question |",
        "`0.913` and {eq}`eq-99` and [here](https://example.org/913) and ResNet-913.",
        "```python\nx = 0.913\n```",
        "## 2.13 A title",
        ":::{exercise} A title\n:label: ch913-a\n\nHalve 64.\n:::",
        "$$ a = 2 $$ (eq-913)",
    ],
)
def test_true_numbers_pass(true):
    assert faults(true) == []


def test_signs_that_compare_are_no_markup():
    assert [number.text for number in numbers(COMPARED)] == ["0.5", "31.7 %", "0.5", "68.3 %"]
    assert [number.text for number in numbers("It is <b>0.5</b>.")] == ["0.5"]


@pytest.mark.parametrize(
    ("invented", "token"),
    [
        ("Each layer keeps 0.238.", "0.238"),
        ("Each layer keeps $0.236$.", "0.236"),
        ("Each layer keeps 0.2352.", "0.2352"),
        ("Each layer keeps 23.6 %.", "23.6 %"),
        ("A share of 11 %.", "11 %"),
        (r"Layer 1 receives $5.8 \cdot 10^{-19}$.", "5.8*10^{-19}"),
        (r"Layer 1 receives $5.9 \cdot 10^{-18}$.", "5.9*10^{-18}"),
        ("Layer 1 receives 5.9 · 10<sup>−17</sup>.", "5.9*10^{-17}"),
        ("That is $10^{-18.3}$.", "10^{-18.3}"),
        ("That is $10^{-6}$.", "10^{-6}"),
        ("That is 3,540 pairs.", "3540"),
        ("That is about 3600 pairs.", "3600"),
        ("It is 100 times slower.", "100"),
        ("It is about 200 times slower.", "200"),
        ("It takes 13 layers.", "13"),
        ("A comment is no source: 999.", "999"),
        ("From 0.235 to 0.247; and 0.235–0.247.", "0.247"),
        ("# Ten layers keep 0.913", "0.913"),
        ("| a | b |\n|---|---|\n| 0.913 | x |", "0.913"),
        (":::{exercise} Halve 0.913\n:label: ch2-a\n\nHow?\n:::", "0.913"),
        ("```{margin}\nIt is 0.913.\n```", "0.913"),
        ("A cited line {cite}`glorot2010`.\n\nAnother, 0.913.", "0.913"),
        (r"$\approx0.913$", "0.913"),
        ("It is 1/16.", "16"),
    ],
)
def test_invented_numbers_are_found(invented, token):
    assert token in faults(invented)


def test_a_number_without_a_print_is_found():
    assert unsupported("It keeps 0.235.", [], []) == ["0.235"]


def test_literals_come_from_code_and_its_strings_not_its_comments():
    assert set(literals(CODE)) == {
        Decimal(1),
        Decimal(51),
        Decimal(64),
        Decimal(31),
        Decimal(2024),
        Decimal("0.001"),
        Decimal(137),
    } | (
        set(literals(CODE)) & {Decimal("0.2"), Decimal(2)}  # the format, on Pythons that see it
    )


def test_cited_paragraphs_are_left_out():
    assert not any("0.913" in piece for piece in paragraphs("He found 0.913 {cite}`he2015`.\n\nText."))
