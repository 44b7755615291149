"""The palette keeps its measured contrasts and distances; numbers are written as the book writes them."""

from itertools import combinations

import numpy as np
import pytest
from coloraide import Color

from gradlab import style

#: contrast with the ground, light and dark, and L* of the diverging steps: what the palette was designed to
CONTRAST = {
    "sigmoid": (9.8, 6.1),
    "tanh": (3.8, 11.4),
    "relu": (3.6, 6.0),
    "leaky": (7.8, 12.0),
    "gelu": (6.6, 6.8),
    "silu": (4.0, 13.5),
    "linear": (10.2, 10.8),
    "weight": (6.4, 9.0),
    "slope": (7.2, 7.0),
    "ink": (16.2, 14.7),
    "muted": (6.7, 8.5),
    "theory": (4.8, 6.9),
    "grid": (1.3, 1.4),
    "accent": (6.1, 8.7),
}
LIGHTNESS = ((21, 55, 83, 96, 83, 60, 26), (84, 60, 29, 12, 27, 57, 87))
COLOURED = ("sigmoid", "tanh", "relu", "leaky", "gelu", "silu")
FRONT_PAGE = ("sigmoid", "tanh", "relu", "gelu")
VISIONS = ("normal", "protan", "deutan", "tritan")
PAGES = pytest.mark.parametrize("page", [0, 1], ids=["light", "dark"])


def contrast(first, second):
    """WCAG 2, with the coefficients that it prints."""
    dark, light = sorted(
        np.dot((0.2126, 0.7152, 0.0722), Color(c).convert("srgb-linear").coords()) for c in (first, second)
    )
    return round((light + 0.05) / (dark + 0.05), 1)


def seen(hex_colour, vision):
    """What an eye of that kind sees: Machado, Oliveira and Fernandes 2009, severity 1, inside sRGB."""
    one = Color(hex_colour)
    return (one if vision == "normal" else one.filter(vision, 1, method="machado")).convert("srgb").clip()


def distance(first, second):
    """CIEDE2000, the worst over four kinds of vision."""
    return min(seen(first, v).delta_e(seen(second, v), method="2000") for v in VISIONS)


def worst_pair(names, page):
    return min(distance(style.PALETTE[a][page], style.PALETTE[b][page]) for a, b in combinations(names, 2))


@pytest.mark.parametrize(
    ("first", "second", "published"),
    [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((50, -0.001, 2.49), (50, 0.0011, -2.49), 4.7461),
        ((90.8027, -2.0831, 1.441), (91.1528, -1.6435, 0.0447), 1.4441),
    ],
)
def test_ciede2000_gives_the_published_distances(first, second, published):
    """Pairs 1, 17, 14 and 33 of Sharma, Wu and Dalal 2005, table 1."""
    assert Color("lab-d65", first).delta_e(Color("lab-d65", second), method="2000") == pytest.approx(
        published, abs=1e-4
    )


@pytest.mark.parametrize(
    ("vision", "column"),
    [
        ("protan", (0.152286, 0.114503, -0.003882)),
        ("deutan", (0.367322, 0.280085, -0.011820)),
        ("tritan", (1.255528, -0.078411, 0.004733)),
    ],
)
def test_vision_is_simulated_by_the_published_matrices(vision, column):
    """First columns of the matrices for severity 1.0."""
    red = Color("srgb-linear", [1, 0, 0]).filter(vision, 1, method="machado", out_space="srgb-linear")
    assert red.coords() == pytest.approx(column, abs=1e-6)


@PAGES
@pytest.mark.parametrize("name", CONTRAST)
def test_contrast_is_not_below_its_figure(name, page):
    assert contrast(style.PALETTE[name][page], style.PALETTE["ground"][page]) >= CONTRAST[name][page]


def test_every_palette_colour_has_a_figure_and_lines_and_text_pass():
    assert style.PALETTE.keys() == CONTRAST.keys() | {"ground"}
    assert all(min(CONTRAST[name]) >= 3 for name in (*COLOURED, "linear"))
    assert all(min(CONTRAST[name]) >= 4.5 for name in ("ink", "muted", "theory", "accent", "weight", "slope"))


@PAGES
def test_identity_colours_stay_apart_in_every_vision(page):
    assert round(worst_pair(COLOURED, page), 1) >= (11.3, 15.2)[page]
    assert round(worst_pair(FRONT_PAGE, page), 1) >= (12.8, 15.4)[page]
    assert round(worst_pair(("weight", "slope"), page), 1) >= (14.5, 13.6)[page]


@PAGES
def test_diverging_steps_rise_fall_and_stay_apart(page):
    steps = [pair[page] for pair in style.DIVERGING]
    assert tuple(round(Color(step).convert("lab-d65")["l"]) for step in steps) == LIGHTNESS[page]
    assert all(distance(steps[i], steps[-1 - i]) >= 26 for i in range(3))
    pale = [contrast(style.PALETTE["ink"][page], steps[i]) for i in (2, 4)]
    assert pale[0] >= (10.5, 7.9)[page] and pale[1] >= (10.4, 8.6)[page]


def test_dark_swap_knows_every_colour_once():
    """The page's script swaps hex for hex: two names must not share a light one."""
    assert len(style.swap()) == len(style.PALETTE) + len(style.DIVERGING)
    assert all(light == light.upper() and dark == dark.upper() for light, dark in style.swap().items())


def test_css_holds_every_variable_in_both_themes():
    light, dark = style.css().split("@media not print")
    for name, pair in style.variables().items():
        assert f"{name}:{pair[0]};" in light and f"{name}:{pair[1]};" in dark


def test_colour_of_an_activation_and_of_nobody():
    assert style.colour("selu") == style.colour("elu") == style.PALETTE["leaky"][0]
    with pytest.raises(ValueError, match=r"name: got 'mauve', expected one of sigmoid, tanh"):
        style.colour("mauve")


def test_every_activation_of_the_package_has_a_colour_and_a_marker():
    from gradlab.activations import ACTIVATIONS

    assert all(style.colour(name).startswith("#") and style.marker(name) for name in ACTIVATIONS)


# -------------------------------------------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1.0, "1.00"),
        (9.994, "9.99"),
        (9.996, "10.0"),
        (99.96, "100"),
        (999.6, "1000"),
        (9996.0, "1.00 · 10<sup>4</sup>"),
        (1234.0, "1230"),
        (0.0009996, "0.00100"),
        (0.00099949, "9.99 · 10<sup>−4</sup>"),
        (-0.5, "−0.500"),
        (-9.996, "−10.0"),
        (-5.9e-19, "−5.90 · 10<sup>−19</sup>"),
        (5e-324, "4.94 · 10<sup>−324</sup>"),
        (float("nan"), "not a number"),
        (float("inf"), "beyond every float"),
        (float("-inf"), "−beyond every float"),
    ],
)
def test_number(value, text):
    assert style.number(value) == text


@pytest.mark.parametrize(
    ("log10_value", "text"),
    [
        (0.0, "1.00"),
        (-18.30669, "4.94 · 10<sup>−19</sup>"),
        (np.log10(9.996), "10.0"),
        (-0.0001, "1.00"),
        (400 - 1e-9, "1.00 · 10<sup>400</sup>"),
        (-4000.0, "1.00 · 10<sup>−4000</sup>"),
        (float("-inf"), "0"),
        (float("inf"), "beyond every float"),
        (float("nan"), "not a number"),
    ],
)
def test_power(log10_value, text):
    assert style.power(log10_value) == text


def test_digits():
    assert style.number(0.23512, 2) == "0.24" and style.number(61234.0, 2) == "6.1 · 10<sup>4</sup>"


def test_ten_to_writes_a_true_minus_and_the_landmark():
    assert [style.ten_to(e) for e in (-3, 0, 1, 300)] == ["10<sup>−3</sup>", "1", "10<sup>1</sup>", "10<sup>300</sup>"]


# ----------------------------------------------------------------------------------------------------- axes


def test_frame_grows_in_steps_and_holds_every_finite_value():
    assert [style.frame(v) for v in (0.0, 1.0, 1.01, -9.9, 301.0)] == [1, 1, 3, 10, 1000]
    assert style.frame([0.2, np.nan], [-31.0, -np.inf]) == 100
    assert style.frame([]) == 1 and style.frame(1e9) == style.FRAMES[-1]


@pytest.mark.parametrize("half_height", style.FRAMES)
def test_decades_is_symmetric_round_and_linear(half_height):
    axis = style.decades(half_height)
    ticks = axis["tickvals"]
    assert 3 <= len(ticks) <= 7 and 0 in ticks and ticks == [-t for t in reversed(ticks)]
    assert axis["ticktext"] == [style.ten_to(t) for t in ticks] and "type" not in axis
    low, high = axis["range"]
    assert low == -high and high > half_height >= max(ticks)
    few = style.decades(half_height, step=half_height)
    assert few["range"] == axis["range"] and few["tickvals"] == [-half_height, 0, half_height]


@pytest.mark.parametrize(("low", "high", "step"), [(-30.0, 5.0, 10), (-3, 0.75, 1), (0, 7, 2), (-0.6, 0.3, 0.3)])
def test_decades_between_have_a_tick_at_one_and_even_steps_from_it(low, high, step):
    axis = style.decades_between(low, high, step, room=0.1, word=str)
    ticks, ends = axis["tickvals"], axis["range"]
    assert 0 in ticks and np.diff(ticks) == pytest.approx(step) and axis["ticktext"] == [str(t) for t in ticks]
    assert low <= min(ticks) < low + step and high - step < max(ticks) <= high
    assert [ends[0] - low, ends[1] - high] == pytest.approx([-0.1 * (high - low), 0.1 * (high - low)])


def test_round_up():
    assert [style.round_up(amount, (1, 3, 10)) for amount in (-5, 1, 1.1, 10, 11)] == [1, 1, 3, 10, 10]


def test_the_axis_of_layers_names_its_ends_and_its_middle():
    assert [style.layer_axis(depth)["tickvals"] for depth in (1, 2, 3, 9, 50)] == [
        [1], [1, 2], [1, 2, 3], [1, 5, 9], [1, 25, 50],
    ]  # fmt: skip
    assert style.layer_axis(1)["range"] == [0.9, 1.1] and style.layer_axis(101, room=0.03)["range"] == [-2, 104]


@pytest.mark.parametrize("reach", [0.0, 0.4, 18.3, 290.0])
def test_a_frame_reaches_farther_where_the_values_are(reach):
    for sign in (-1, 1):
        low, high = style.frame_between([sign * reach, np.inf], [-np.inf, 0.0])
        assert low <= sign * reach <= high and 1 <= max(-low, high) <= 6 * min(-low, high) + 1e-9
        axis = style.decades_ticked(low, high, 4)
        assert 2 <= len(axis["tickvals"]) <= 5 and 0 in axis["tickvals"]


def test_a_strip_of_more_decades():
    assert style.strip(1)["ticktext"] == ["÷10", "", "×10"] and style.strip(2)["tickvals"] == [-2, 0, 2]
    assert style.strip(5)["ticktext"][2] == "×10<sup>5</sup>" and style.strip(5)["range"] == [-5.75, 5.75]
