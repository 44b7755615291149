"""Explorer of deep linear networks: the mode on Saxe's curve, and the steps it takes by depth, start, scale, strength."""

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
from gradlab.deep_linear import linear_descent
from gradlab.explorer.core import plain
from gradlab.explorer.table import floats
from gradlab.records import LearningTimeRecord
from gradlab.widgets import learning_time

widget = sys.modules["gradlab.widgets.learning_time"]  # the package gives its function that name
record_of = partial(states.record_of, "learning_time")
said = partial(states.said, "learning_time")


# -------------------------------------------------------------------------------------------------- the record


@pytest.mark.parametrize(
    ("depth", "start", "scale", "strength"),
    [(1, "gaussian", 0.5, 2), (5, "orthogonal", 1, 10), (20, "gaussian", 0.9, 3), (20, "aligned", 0.95, 5)],
)
def test_against_a_descent_of_its_own(depth, start, scale, strength):
    record = record_of(depth=depth, start=start, scale=scale, strength=strength)
    run = linear_descent(depth, start, seed=0, strength=strength, scale=scale, rate=0.2, steps=200)
    mode = run.mode[:, 0]
    np.testing.assert_allclose(record.mode, np.median(mode, axis=1), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(record.low, mode.min(axis=1), rtol=1e-9, atol=1e-12)
    assert record.learned == sorted(run.learned_at()[0])[len(mode[0]) // 2] and record.networks == len(mode[0])
    assert record.log10_theory == theory.log10_learning_steps(depth, strength, scale, rate=0.2)
    np.testing.assert_allclose(record.theory, theory.mode_strength(depth, strength, scale, range(201), rate=0.2))


def test_off_the_grid_it_is_the_same_function():
    """What is computed alone, and what is computed with all other settings."""
    on = record_of(depth=3, start="orthogonal", scale=0.8, strength=3)
    off = record_of(depth=3, start="orthogonal", scale=0.8 + 1e-9, strength=3)
    np.testing.assert_allclose(on.mode, off.mode, atol=1e-6)
    assert math.isfinite(record_of(depth=37, start="orthogonal", scale=0.97, strength=2.2).log10_theory)


def test_the_curves_of_all_depths():
    record = record_of(depth=10, scale=0.9, strength=5)
    np.testing.assert_array_equal(record.rail, record.family[record.scales.index(0.9)])
    assert record.rail[list(record.depths).index(10)] == record.log10_theory
    assert (np.diff(record.family, axis=0) < 0).all() and (np.diff(record.rail) > 0).all()


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"depth": 0}, "depth: got 0, expected a whole number from 1 to 100"),
        ({"start": "orthogonl"}, "start: got 'orthogonl'.*did you mean 'orthogonal'"),
        ({"scale": 1.1}, "scale: got 1.1, expected a number from 0.5 to 1"),
        ({"strength": 1}, "strength: got 1, expected a number from 2 to 10"),
    ],
)
def test_bad_input_names_the_argument(state, message):
    with pytest.raises(ValueError, match=message):
        record_of(**state)


def test_the_record_checks_its_shapes():
    fields = {name: getattr(record_of(depth=3), name) for name in LearningTimeRecord.__dataclass_fields__}
    for name, wrong in (("low", np.zeros(3)), ("rail", np.zeros(3)), ("family", np.zeros((2, 18)))):
        with pytest.raises(ValueError, match=f"{name} has shape"):
            LearningTimeRecord(**(fields | {name: wrong}))


# ------------------------------------------------------------------------------------- theory and measurement


def test_the_title():
    """In all states of the sliders that it does not name."""
    for strength in widget.STRENGTHS:
        ten, fifty = (record_of(depth=depth, scale=1, strength=strength) for depth in (10, 50))
        assert fifty.learned < 1.3 * ten.learned
        slow = record_of(depth=50, scale=0.9, strength=strength)
        assert 80 < 10 ** (slow.log10_theory - fifty.log10_theory) < 130 and math.isinf(slow.learned)


def test_aligned_layers_stay_on_the_rail():
    """The curve to 0.11 and the time to 7 %, or 2 steps: two hundred steps are not quite a flow."""
    for state in states.states("learning_time"):
        record = state.record
        if record.start == "aligned":
            assert np.abs(record.mode - record.theory).max() < 0.11, state.values
            if math.isfinite(record.learned):
                expected = 10**record.log10_theory
                assert abs(record.learned - expected) < max(2, 0.07 * expected), state.values
            else:
                assert 10**record.log10_theory > 190, state.values


def test_drawn_layers_take_longer_and_gaussian_ones_longest():
    for depth in (10, 20, 50, 100):
        learned = [record_of(depth=depth, start=start, scale=1).learned for start in widget.STARTS]
        assert learned == sorted(learned) and learned[1] < 60
    assert math.isinf(record_of(depth=100, start="gaussian", scale=1).learned)


# ------------------------------------------------------------------------------------------------ the explorer


def test_every_state_is_inside_its_frame():
    found = states.states("learning_time")
    assert len(found) == learning_time().state_count == 576
    for state in found:
        layout = state.spec["layout"]
        for trace in state.spec["data"]:
            low, high = layout["yaxis2" if trace.get("yaxis") == "y2" else "yaxis"]["range"]
            y = floats(trace["y"])
            assert (low <= y).all() and (y <= high).all(), (state.values, trace["meta"])
        notes = [n["text"] for n in layout["annotations"] if n.get("name") != "wide"]
        assert len(notes) == 2 and max(map(len, notes)) <= 42


def test_the_figure_draws_the_record():
    record = record_of(depth=20, start="orthogonal", scale=1)
    spec = learning_time().figure(record).to_plotly_json()
    go.Figure(spec)
    for role, values in (("theory", record.theory), ("measured", record.mode)):
        (trace,) = by_role(spec, role)
        at = floats(trace["x"]).astype(int)
        assert at[0] == 0 and at[-1] == 200 and len(at) <= 51
        assert floats(trace["y"]) == pytest.approx(values[at], abs=1 / 512)
    (handle,) = by_role(spec, "handle")
    assert 10 ** floats(handle["x"])[0] == pytest.approx(20) and 10 ** floats(handle["y"])[0] == pytest.approx(
        record.learned
    )
    assert handle["meta"]["handle"]["x"] == {"control": "depth", "at": np.log10(widget.DEPTHS).tolist()}
    never = learning_time().figure(record_of(depth=100, start="gaussian", scale=1)).to_plotly_json()
    (handle,) = by_role(never, "handle")
    assert 10 ** floats(handle["y"])[0] == pytest.approx(200) and handle["marker"]["symbol"] == "triangle-up"


def test_every_sentence_is_sound():
    for state in states.states("learning_time"):
        text, record = plain(state.said.whole), state.record
        assert len(text) < 300
        assert not re.search(r"\bnan\b|\binf|none\b|undefined|\de[-+]?\d|\{|\}|\b1 layers", text, re.IGNORECASE), text
        learned = math.isfinite(record.learned)
        keeps = record.depth == 1 or (record.scale == 1 and record.start != "gaussian")
        assert state.said.verdict == ("vanishing" if not learned else "level" if keeps else "reading")
        assert ("not learned" in text) != learned
        assert state.said.log10_value == (math.log10(record.learned) if learned else None)


@pytest.mark.parametrize(
    ("state", "verdict", "parts"),
    [
        ({}, "reading", ["20 layers, aligned with the mode, begin at 0.0608 of its strength.", "after <b>86</b> steps",
                         "theory says 85.", "multiplies the start by 0.9"]),
        ({"scale": 1, "depth": 100}, "level", ["after <b>15</b> steps; theory says 15.",
                                              "no depth needs more than 16 steps"]),
        ({"depth": 1}, "level", ["1 layer, aligned with the mode, begins at", "the same share of the gap"]),
        ({"start": "orthogonal", "scale": 1}, "level", ["of random orthogonal weights carry some other signal, at", "theory for aligned layers",
                                                        "must first turn"]),
        ({"start": "gaussian", "scale": 1, "depth": 100}, "vanishing", ["In 200 steps the mode is <b>not learned</b>",
                                                                       "fewer directions"]),
        ({"scale": 0.5, "depth": 100}, "vanishing", ["says 3.19\u00a0·\u00a010<sup>30</sup>."]),
    ],
)  # fmt: skip
def test_the_sentence(state, verdict, parts):
    found = said(**state)
    assert found.verdict == verdict
    assert all(part in found.whole for part in parts), found.whole


def test_the_presets_tell_the_story():
    one = learning_time()
    found = [one.sentence(one.evaluate(**one.state(**preset.state))).verdict for preset in one.presets]
    assert found == ["reading", "level", "level", "vanishing", "vanishing"]
    assert one.default == {"depth": 20, "start": "aligned", "scale": 0.9, "strength": 2}
    assert said(start="gaussian", depth=1, scale=1).label == "1 layer at 1, Gaussian, s = 2"
