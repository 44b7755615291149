"""Explorer [l]: for which weight and bias scales gradients keep their size."""

import math
import re
import sys
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import plotly.graph_objects as go
import pytest
from states import by_role, encoded, states
from states import record_of as made
from states import said as told

from gradlab import theory
from gradlab.backprop import dense_stack, forward, profile
from gradlab.explorer import poster
from gradlab.explorer.core import plain
from gradlab.explorer.table import floats
from gradlab.plots import phase_map as draw
from gradlab.style import DIVERGING, number, power
from gradlab.widgets import phase_map

widget = sys.modules["gradlab.widgets.phase_map"]  # the package gives its function that name
plots = sys.modules["gradlab.plots.phase_map"]
DEFAULT = {"activation": "sigmoid", "sigma_w": 1, "sigma_b": 0, "depth": 40}
BIAS = widget.PYTORCH["sigma_b"]


def record_of(**some):
    return made("phase_map", **some)


def said(**some):
    return told("phase_map", **some)


def drawn(**some):
    return draw(record_of(**some)).to_plotly_json()


# -------------------------------------------------------------------------------------------------- the record


@pytest.mark.parametrize(
    "state",
    [{}, {"activation": "tanh", "sigma_w": 1.37, "sigma_b": 0.31, "depth": 17}, {"activation": "relu", "sigma_w": 2}],
)
def test_the_record_is_the_median_of_networks(state):
    record = record_of(**state)
    assert (record.width, record.networks) == (100, 4)
    for lines in (record.gradient, record.gradient_theory):
        assert lines.shape == (record.depth,) and lines[-1] == 0
    # one network by hand, without biases the very one that dense_stack draws
    if not record.sigma_b:
        found = []
        for seed in range(4):
            stack = dense_stack(
                [100] * (record.depth + 1), record.activation, "lecun_normal", seed=seed, gain=record.sigma_w
            )
            _, _, inputs, output_gradient = widget._draws(seed)
            assert inputs @ inputs.T == pytest.approx(100 * np.eye(8), abs=1e-9)
            found.append(profile(stack, inputs, output_gradient).relative_dz)
            units = [h / np.linalg.norm(h, axis=1, keepdims=True) for h in forward(stack, inputs).post[-1:]]
            (unit,) = units
            cosine = ((unit @ unit.T).sum() - 8) / 56
            assert record.cosine_band[0, -1] - 1e-9 <= cosine <= record.cosine_band[1, -1] + 1e-9
        assert record.gradient == pytest.approx(np.median(found, axis=0), rel=1e-9)
        assert record.gradient_band == pytest.approx(np.array([np.min(found, axis=0), np.max(found, axis=0)]), rel=1e-9)
    variances = record.sigma_w**2, record.sigma_b**2
    expected = theory.gradient_profile(record.depth, record.activation, *variances)
    assert record.gradient_theory == pytest.approx(expected, abs=1e-9)
    expected = theory.correlation_profile(record.depth, record.activation, *variances)
    assert record.cosine_theory == pytest.approx(expected, abs=1e-9)


def test_the_map_is_that_of_the_settled_layers():
    for name in widget.ACTIVATIONS:
        record = record_of(activation=name, sigma_b=0.5, depth=20)
        assert record.biases[[0, -1]].tolist() == [0, pytest.approx(2)]
        for i in (3, 11, 16):
            sigma_b2 = record.biases[i] ** 2
            for factor, line in zip(record.factors, record.lines_at, strict=True):
                assert theory.settled_chi(name, line[i] ** 2, sigma_b2) == pytest.approx(factor**2, rel=1e-6)
            for factor, line in zip((0.1, 10), record.channel, strict=True):
                chi = theory.settled_chi(name, line[i] ** 2, sigma_b2)
                assert chi ** (19 / 2) == pytest.approx(factor, rel=1e-5)
        assert record.border == pytest.approx(theory.critical_sigma_w(name, 0.25))
        assert np.all(np.diff([*record.lines_at[:3], record.border_line, *record.lines_at[3:]], axis=0) > 0)


def test_the_borders_of_the_page():
    """The surprise: sigmoid's border is ten times as far out as tanh's, and no bias moves ReLU's."""
    assert record_of().border == pytest.approx(10.149, abs=5e-4)
    assert record_of(sigma_b=1).border == pytest.approx(10.265, abs=5e-4)
    sigmoid = record_of().border_line
    assert sigmoid.min() > 10.14 and sigmoid.max() < 10.58
    assert record_of().border / record_of(activation="tanh").border == pytest.approx(10.1, abs=0.06)
    assert np.ptp(record_of(activation="relu").border_line) == 0
    tanh = record_of(activation="tanh", sigma_w=1, sigma_b=0.05)
    assert f"{tanh.settled_factor:.4f} {tanh.depth_scale:.1f}" == "0.9665 14.7"
    usual = [start.sigma_w for start in record_of().starts]
    assert usual == pytest.approx([1 / math.sqrt(3), 1, math.sqrt(2), 10])
    kept = [math.sqrt(theory.settled_chi("sigmoid", w**2)) for w in usual]
    assert [round(factor, 3) for factor in kept] == [0.141, 0.236, 0.318, 0.993]


def test_what_shrinks_gradients_makes_inputs_alike_and_relu_does_so_always():
    for state in states("phase_map"):
        record = state.record
        if record.depth == 80 and record.activation == "tanh" and abs(math.log(record.chi)) > 0.1:
            assert (record.cosine[-1] > 0.9) == (record.chi < 1) or not record.sigma_b, state.values
        if record.depth == 80 and record.activation == "relu":
            assert record.cosine[-1] > 0.98, state.values


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"activation": "gelu"}, "activation: got 'gelu', expected one of sigmoid, tanh, relu"),
        ({"sigma_w": 0.1}, "sigma_w: got 0.1, expected a number from 0.3 to 20"),
        ({"sigma_b": math.nan}, "sigma_b: got nan"),
        ({"sigma_b": -0.1}, "sigma_b: got -0.1, expected a number from 0 to 2"),
        ({"depth": 1}, "depth: got 1, expected a whole number from 2 to 80"),
    ],
)
def test_bad_input_names_the_argument(state, message):
    with pytest.raises(ValueError, match=message):
        record_of(**state)


def test_the_record_refuses_other_shapes():
    record = record_of()
    for name in ("gradient", "cosine_band", "channel", "lines_at", "border_line"):
        with pytest.raises(ValueError, match=f"{name} has shape"):
            replace(record, **{name: np.zeros((3, 3))})


# ------------------------------------------------------------------------------------------------ the explorer


def test_every_state_is_drawn_inside_its_frame():
    found = states("phase_map")
    assert len(found) == phase_map().state_count < 4000
    shape = [(t["type"], t["mode"], t["meta"]["role"]) for t in found[0].spec["data"]]
    for state in found:
        layout = state.spec["layout"]
        assert [(t["type"], t["mode"], t["meta"]["role"]) for t in state.spec["data"]] == shape
        assert len(layout["annotations"]) == len(found[0].spec["layout"]["annotations"])
        for trace in state.spec["data"]:
            assert len(floats(trace["x"])) == len(floats(trace["y"])) > 0
            for axis in "xy":
                values = floats(trace[axis])
                low, high = layout[trace.get(f"{axis}axis", axis).replace(axis, f"{axis}axis")]["range"]
                assert ((low <= values) & (values <= high)).all(), (state.values, trace["meta"])


def test_the_figure_draws_the_record():
    record, spec = record_of(activation="tanh", sigma_b=0.5, depth=10), drawn(activation="tanh", sigma_b=0.5, depth=10)
    go.Figure(spec)  # validates
    for role, values in (("measured", record.gradient), ("cosine", record.cosine)):
        (line,) = by_role(spec, role)
        assert floats(line["x"]).tolist() == list(range(1, 11))
        assert floats(line["y"]) == pytest.approx(values, abs=1e-12)
    gradient, cosine = by_role(spec, "theory")
    assert floats(gradient["y"]) == pytest.approx(record.gradient_theory, abs=1e-12)
    assert floats(cosine["y"]) == pytest.approx(record.cosine_theory, abs=1e-12)
    bands = by_role(spec, "band")
    for band, values in zip(bands, (record.gradient_band, record.cosine_band), strict=True):
        assert floats(band["y"]) == pytest.approx([*values[1], *values[0][::-1]], abs=0.003)
    (border,) = by_role(spec, "border")
    assert 10 ** floats(border["x"]) == pytest.approx(record.border_line, rel=0.002)
    assert floats(border["y"]) ** 2 == pytest.approx(record.biases, abs=0.003)
    (handle,) = by_role(spec, "handle")
    assert (floats(handle["x"])[0], floats(handle["y"])[0]) == (0, pytest.approx(math.sqrt(0.5)))
    held = handle["meta"]["handle"]
    assert [held[axis]["control"] for axis in "xy"] == ["sigma_w", "sigma_b"]
    assert 10 ** np.array(held["x"]["at"]) == pytest.approx(widget.WEIGHTS, rel=1e-5)
    assert np.square(held["y"]["at"]) == pytest.approx(widget.BIASES, abs=1e-5)
    (starts,) = by_role(spec, "starts")
    assert 10 ** floats(starts["x"]) == pytest.approx([start.sigma_w for start in record.starts])


def test_tints_lie_over_one_another_from_vanish_to_explode():
    record, spec = record_of(), drawn()
    ground = by_role(spec, "ground")
    assert [trace["fillcolor"] for trace in ground] == [light for light, _ in DIVERGING]
    right = spec["layout"]["xaxis3"]["range"][1]
    assert all(floats(trace["x"]).max() == right for trace in ground)
    lefts = [floats(trace["x"]).min() for trace in ground]
    assert lefts[1:4] == pytest.approx(np.log10(record.lines_at[:3].min(axis=1)), abs=0.002)
    assert lefts[-2:] == [right, right]  # where the sigmoid would double it, no map reaches


def test_few_layers_are_drawn_and_the_ends_among_them():
    for depth in (2, 3, 10, 12, 13, 40, 80):
        at = plots._drawn(depth)
        assert at[0] == 0 and at[-1] == depth - 1 and len(at) <= 12 and (np.diff(at) > 0).all()


@pytest.mark.parametrize("phone", [False, True])
def test_the_poster_shows_the_map(phone):
    root = ElementTree.fromstring(poster.svg(phase_map().poster().figure, alt="x", phone=phone))
    text = " ".join("".join(element.itertext()) for element in root.iter("text"))
    assert "÷10, ×10: 40 layers" in text and ("Xavier" in text) != phone
    assert sum(1 for path in root.iter("path") if path.get("fill")) >= 7


def test_every_sentence_is_sound():
    lengths = []
    for state in states("phase_map"):
        text, record = plain(state.said.whole), state.record
        lengths.append(len(text))
        assert not re.search(r"\bnan\b|\binf\b|undefined|\de[-+]?\d|\{|\}|beyond", text, re.IGNORECASE), text
        total = record.gradient[0]
        assert f"<b>{power(total)}</b>" in state.said.text and state.said.log10_value == total
        verdict = "level" if abs(total) <= math.log10(2) else "vanishing" if total < 0 else "exploding"
        assert state.said.verdict == verdict
        assert f"theory says {number(record.factor_theory)}." in text
        assert ("This is the border" in text) == (record.chi == 1)
        assert ("here the depth scale" in text) == (record.chi < 1) and ("past it" in text) == (record.chi > 1)
        assert ("nearly one signal" in text) == (record.cosine[-1] >= 0.9)
    assert max(lengths) < 282


@pytest.mark.parametrize(
    ("state", "parts"),
    [
        ({}, ["40 sigmoid layers of weight scale 1 without biases leave <b>2.12 · 10<sup>−25</sup></b>",
              "keeps 0.233, theory says 0.235", "The border lies at 10.1", "<b>above 0.999</b>"]),
        ({"sigma_w": 10}, ["<b>0.224</b>", "theory says 0.988", "here the depth scale is 70.0 layers"]),
        ({"activation": "tanh"}, ["This is the border", "still apart"]),
        ({"activation": "tanh", "sigma_b": BIAS}, ["bias scale 0.058", "depth scale is 12.7 layers"]),
        ({"activation": "relu", "sigma_w": math.sqrt(2), "sigma_b": 0.5}, ["weight scale 1.41", "This is the border"]),
        ({"activation": "relu", "sigma_w": 20, "depth": 80}, ["times as long: 14.1 a layer, theory says 14.1", "nearly one"]),
    ],
)  # fmt: skip
def test_the_sentence(state, parts):
    found = said(**state)
    assert all(part in found.whole for part in parts), found.whole


def test_the_presets_tell_the_story():
    one = phase_map()
    found = [one.sentence(one.evaluate(**one.state(**preset.state))) for preset in one.presets]
    assert [f.verdict for f in found] == ["vanishing", "vanishing", "vanishing", "level", "vanishing"]
    assert [round(f.log10_value, 1) for f in found] == [-24.7, -0.7, -4.7, -0.0, -15.3]
    assert one.state(**one.presets[0].state) == one.default == DEFAULT
    pinned = one.sentence(one.evaluate(**one.state(**one.presets[2].pin)))
    assert pinned.log10_value - found[2].log10_value > 3.5


def test_the_table_fits_beside_the_page():
    assert len(encoded("phase_map")) * 4 // 3 < 500_000
