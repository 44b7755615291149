"""Explorer [n]: residual blocks, the scale of their branches, and where they normalize."""

import math
import re
import sys
from functools import partial

import numpy as np
import plotly.graph_objects as go
import pytest
import states
from states import by_role

from gradlab import theory
from gradlab.backprop import Normalization, backward, forward, profile, residual_stack
from gradlab.explorer.core import plain
from gradlab.explorer.table import floats
from gradlab.records import ResidualRecord
from gradlab.style import power
from gradlab.widgets import residual

widget = sys.modules["gradlab.widgets.residual"]  # the package gives its function that name
record_of = partial(states.record_of, "residual")
said = partial(states.said, "residual")


# -------------------------------------------------------------------------------------------------- the record


@pytest.mark.parametrize(
    ("branch", "scale", "normalization"),
    [("alpha", 1, "none"), ("root", 2, "batch_before"), ("depth", 0.5, "layer_after"), ("alone", 1.4, "none"),
     ("alone", 0.5, "layer_before"), ("alone", 0.5, "batch_after"), ("alpha", 0.7, "batch_after")],
)  # fmt: skip
def test_against_the_profile_of_each_network(branch, scale, normalization):
    """Networks of their own depth and scale, by the functions that the chapters call."""
    blocks, (how, where) = 7, widget.PLACES[normalization]
    found = []
    for seed in range(widget.NETWORKS):
        stack = residual_stack(
            widget.WIDTH, blocks, "relu", "kaiming_normal", seed=seed, position=where,
            branch_scale=scale / {"root": math.sqrt(blocks), "depth": blocks}.get(branch, 1),
            shortcut_scale=0 if branch == "alone" else 1,
            normalization="none" if how == "none" else Normalization(how, epsilon=0),
        )  # fmt: skip
        x, gradient = np.random.default_rng((seed, 1)).normal(size=(2, widget.BATCH, widget.WIDTH))
        inputs = backward(stack, forward(stack, x), gradient).inputs
        norms = profile(stack, x, gradient).log10_dz_norm
        found.append(np.append(np.log10(np.linalg.norm(inputs)), norms) - norms[-1])
    record = record_of(blocks=blocks, branch=branch, scale=scale, normalization=normalization)
    np.testing.assert_allclose(record.measured, np.median(found, axis=0), atol=1e-9)
    np.testing.assert_allclose([record.low, record.high], [np.min(found, axis=0), np.max(found, axis=0)], atol=1e-9)
    assert record.at.tolist() == list(range(blocks + 1)) and record.measured[-1] == record.theory[-1] == 0


@pytest.mark.parametrize("normalization", widget.PLACES)
@pytest.mark.parametrize("branch", widget.BRANCHES)
def test_theory_of_every_kind_of_block(branch, normalization):
    """By `residual_profile` itself, also where the explorer takes a scale out of it."""
    how, where = widget.PLACES[normalization]
    record = record_of(blocks=10, branch=branch, scale=0.5, normalization=normalization)
    expected = theory.residual_profile(
        10, "relu", 2.0, branch_scale=record.branch_scale, shortcut_scale=float(branch != "alone"), normalization=how,
        position=where,
    )  # fmt: skip
    np.testing.assert_allclose(record.theory, np.append(expected.log10_whole, expected.log10_gradient), atol=1e-9)
    at = np.flatnonzero(np.isclose(record.scales, 0.5))
    if len(at):
        assert record.family[record.branches.index(branch), at[0]] == pytest.approx(record.theory[0])


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"blocks": 0}, "blocks: got 0, expected a whole number from 1 to 100"),
        ({"blocks": 2.5}, "blocks: got 2.5"),
        ({"branch": "roots"}, "branch: got 'roots', expected one of alpha, root, depth, alone; did you mean 'root'"),
        ({"scale": 2.1}, "scale: got 2.1, expected a number from 0 to 2"),
        ({"scale": math.nan}, "scale: got nan"),
        ({"normalization": "batch"}, "normalization: got 'batch', expected one of none, batch_before"),
    ],
)
def test_bad_input_names_the_argument(state, message):
    with pytest.raises(ValueError, match=message):
        record_of(**state)


def test_the_record_checks_its_shapes():
    fields = {name: getattr(record_of(blocks=3), name) for name in ResidualRecord.__dataclass_fields__}
    for name, wrong in (("low", np.zeros(3)), ("profiles", np.zeros((4, 3))), ("family", np.zeros((4, 2)))):
        with pytest.raises(ValueError, match=f"{name} has shape"):
            ResidualRecord(**(fields | {name: wrong}))


# ------------------------------------------------------------------------------------- theory and measurement


def test_the_title():
    one, tenth = record_of(blocks=100), record_of(blocks=100, branch="root")
    assert tenth.branch_scale == pytest.approx(one.branch_scale / 10)
    for line in ("theory", "measured"):
        assert round(getattr(one, line)[0]) == 15 and round(getattr(tenth, line)[0], 1) == 0.2


@pytest.mark.parametrize("blocks", widget.BLOCKS)
def test_one_over_root_is_level_at_any_depth(blocks):
    record = record_of(blocks=blocks, branch="root")
    assert 1.4 < 10 ** record.measured[0] < 1.7 and 10 ** record.theory[0] < math.sqrt(math.e)
    for scale in widget.SCALES:
        profiles = record_of(blocks=blocks, scale=scale)
        assert profiles.family[0, -1] >= profiles.family[1, -1] >= profiles.family[2, -1] >= 0


def test_measured_beside_theory():
    """Within a factor of 3 but for ReLU networks without a shortcut, or nearly, a hundred blocks deep."""
    for state in states.states("residual"):
        record = state.record
        if np.isfinite(record.theory[0]):
            parted = abs(record.measured[0] - record.theory[0])
            assert parted < (0.6 if record.blocks == 100 else 0.4), state.values
            if record.branch in ("root", "depth"):
                assert parted < 0.11, state.values


def test_normalization_before_the_branch_grows_as_a_power():
    ten, hundred = (record_of(blocks=blocks, normalization="layer_before") for blocks in (10, 100))
    for record in (ten, hundred):
        assert 10 ** (2 * record.theory[0]) == pytest.approx(record.blocks + 1, rel=1e-9)
    assert hundred.measured[0] < 1.1 < 15 < record_of(blocks=100).measured[0]


def test_no_scale_survives_a_normalization():
    for normalization in widget.PLACES:
        one, half = (record_of(branch="alone", scale=s, normalization=normalization) for s in (1, 0.5))
        gone = one.measured - half.measured
        how, where = widget.PLACES[normalization]
        expected = np.arange(20, -1, -1) if how == "none" else np.arange(21) < (where == "before")
        np.testing.assert_allclose(gone, expected * math.log10(2), atol=1e-12)


def test_without_shortcut_and_branch_nothing_comes_back():
    for normalization in widget.PLACES:
        record = record_of(branch="alone", scale=0, normalization=normalization)
        assert np.isneginf(record.measured[:-1]).all() and np.isneginf(record.theory[:-1]).all()
        assert record.measured[-1] == 0
        sentence = said(branch="alone", scale=0, normalization=normalization)
        assert sentence.verdict == "vanishing" and "exactly <b>0</b>" in sentence.text and sentence.log10_value is None


# ------------------------------------------------------------------------------------------------ the explorer


def test_every_state_has_a_frame_that_fits():
    found = states.states("residual")
    assert len(found) == residual().state_count == 1260
    for state in found:
        spec, layout = state.spec, state.spec["layout"]
        for axis, most in (("yaxis", 6), ("yaxis3", 5)):
            low, high = layout[axis]["range"]
            assert low < 0 < high and 0 in layout[axis]["tickvals"]
            assert 2 <= len(layout[axis]["tickvals"]) <= most, (state.values, layout[axis])
        silent = state.record.branch == "alone" and state.record.scale == 0
        assert len(floats(by_role(spec, "overflow")[0]["x"])) == silent
        for note in layout["annotations"]:
            if note.get("yref") == "y3":
                assert layout["yaxis3"]["range"][0] <= note["y"] <= layout["yaxis3"]["range"][1]
        notes = [n["text"] for n in layout["annotations"] if n.get("name") != "wide"]
        assert len(notes) == 4 and max(map(len, notes)) <= 42


def test_the_figure_draws_the_record():
    record = record_of(blocks=50, branch="root", scale=1.4)
    spec = residual().figure(record).to_plotly_json()
    go.Figure(spec)
    for role, values in (("theory", record.theory), ("measured", record.measured)):
        (trace,) = by_role(spec, role)
        at = floats(trace["x"]).astype(int)
        assert at[0] == 0 and at[-1] == 50 and len(at) <= 21
        np.testing.assert_array_equal(floats(trace["y"]), values[at])
    (strip,) = by_role(spec, "strip")
    assert floats(strip["y"]) == pytest.approx((record.measured - record.theory)[at], abs=1 / 512)
    (handle,) = by_role(spec, "handle")
    assert handle["meta"]["handle"]["x"] == {"control": "scale"}
    assert (floats(handle["x"])[0], floats(handle["y"])[0]) == (1.4, record.measured[0])
    (rail,) = by_role(spec, "family")
    assert rail["meta"]["sets"] == "scale"
    assert floats(rail["y"]) == pytest.approx(record.family[1], abs=1 / 512)


def test_lines_are_cut_at_the_frame():
    """The lines of other kinds of blocks rise or fall out of it: they end on its edge, on their own curve."""
    for state in states.states("residual")[::7]:
        record = state.record
        others = by_role(state.spec, "others")
        kinds = [i for i, branch in enumerate(record.branches) if branch != record.branch] * 2
        for trace, kind in zip(others, kinds, strict=True):
            family = trace.get("xaxis") == "x3"
            x, y = floats(trace["x"]), floats(trace["y"])
            curve, at = (record.family, record.scales) if family else (record.profiles, record.at)
            low, high = state.spec["layout"]["yaxis3" if family else "yaxis"]["range"]
            assert len(x) >= 1 and (np.diff(x) >= 0).all() and (low <= y).all() and (y <= high).all()
            known = np.isin(x, at)
            np.testing.assert_allclose(y[known], curve[kind][np.searchsorted(at, x[known])], atol=1 / 512)


def test_every_sentence_is_sound():
    for state in states.states("residual"):
        text, record = plain(state.said.whole), state.record
        assert len(text) < 270
        assert not re.search(r"\bnan\b|\binf|none\b|undefined|\de[-+]?\d|\{|\}|\b1 blocks", text, re.IGNORECASE), text
        total = record.measured[0]
        if np.isfinite(total):
            verdict = "level" if abs(total) <= 0.5 else "vanishing" if total < 0 else "exploding"
            assert state.said.verdict == verdict and state.said.log10_value == total
            assert f"multiplied by <b>{power(total)}</b>; theory says {power(record.theory[0])}." in state.said.text
        assert ("no shortcut" in text) == (record.branch == "alone")
        assert ("normalization" in text) == (record.normalization != "none")


@pytest.mark.parametrize(
    ("state", "verdict", "parts"),
    [
        ({}, "exploding", ["Through 20 blocks with branches of scale 1, the", "theory says 1020.", "= 1.41; with F(h)/√L all",
                           "below 1.65."]),
        ({"branch": "root", "blocks": 50}, "level", ["of scale 1/√50 = 0.141,", "stays below e<sup>α²/2</sup> = 1.65."]),
        ({"branch": "depth", "scale": 0.5}, "level", ["of scale 0.5/20 = 0.0250,", "nearer to 1"]),
        ({"branch": "root", "blocks": 1}, "level", ["Through 1 block with branches of scale 1,"]),
        ({"scale": 0}, "level", ["by <b>1.00</b>; theory says 1.00.", "silences the branch"]),
        ({"branch": "alone"}, "level", ["but no shortcut", "multiplies it by α."]),
        ({"branch": "alone", "normalization": "batch_after", "blocks": 30}, "exploding", ["plain network with batch"]),
        ({"normalization": "batch_before", "blocks": 100}, "exploding", ["behind batch normalization", "theory says 20.3",
                                                                       "adds less"]),
        ({"normalization": "batch_after", "blocks": 100}, "exploding", ["after each sum", "takes back most"]),
        ({"normalization": "layer_after"}, "level", ["theory says 1.00", "takes back what"]),
    ],
)  # fmt: skip
def test_the_sentence(state, verdict, parts):
    found = said(**state)
    assert found.verdict == verdict
    assert all(part in found.whole for part in parts), found.whole


def test_the_presets_tell_the_story():
    one = residual()
    found = [one.sentence(one.evaluate(**one.state(**preset.state))).verdict for preset in one.presets]
    assert found == ["exploding", "level", "level", "exploding", "level"]
    assert one.default == {"blocks": 20, "branch": "alpha", "scale": 1, "normalization": "none"}
    assert said(branch="root", blocks=50).label == "50 blocks, α = 1/√50"
    assert said(branch="alone", normalization="layer_after").label == "20 blocks, α = 1 alone, layer after"
