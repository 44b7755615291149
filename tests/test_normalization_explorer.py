"""Explorer [m]: normalization, activation, batch and depth."""

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
from gradlab.backprop import dense_stack, profile
from gradlab.explorer.core import plain
from gradlab.explorer.table import floats
from gradlab.records import NormalizationRecord
from gradlab.style import number, power
from gradlab.widgets import normalization

widget = sys.modules["gradlab.widgets.normalization"]  # the package gives its function that name
record_of = partial(states.record_of, "normalization")
said = partial(states.said, "normalization")


# -------------------------------------------------------------------------------------------------- the record


@pytest.mark.parametrize(
    ("how", "activation", "batch"),
    [("none", "sigmoid", 128), ("batch", "sigmoid", 16), ("batch", "relu", 8), ("layer", "relu", 4), ("rms", "linear", 32)],
)  # fmt: skip
def test_against_the_profile_of_each_network(how, activation, batch):
    """By name, with the epsilon of the libraries: at these scales it changes nothing that a reader could see."""
    found = []
    for seed in range(widget.NETWORKS):
        stack = dense_stack([128] * 11, activation, widget.INITIALIZERS[activation], seed=seed, normalization=how)
        x, gradient = np.random.default_rng((seed, 1)).normal(size=(2, batch if how == "batch" else 32, 128))
        found.append(profile(stack, x, gradient).relative_dz)
    record = record_of(normalization=how, activation=activation, batch=batch, depth=10)
    np.testing.assert_allclose(record.measured, np.median(found, axis=0), atol=2e-2)
    np.testing.assert_allclose([record.low, record.high], [np.min(found, axis=0), np.max(found, axis=0)], atol=2e-2)
    assert record.measured[-1] == record.theory[-1] == 0
    assert record.examples == (batch if how == "batch" else 32)


def test_only_batch_normalization_knows_the_batch():
    for how in widget.NORMALIZATIONS:
        one, other = (record_of(normalization=how, activation="relu", batch=batch) for batch in (8, 32))
        assert np.array_equal(one.measured, other.measured) == (how != "batch")
        assert np.array_equal(one.theory, other.theory) == (how != "batch")
        np.testing.assert_array_equal(one.plain, other.plain)
    np.testing.assert_array_equal(record_of(normalization="none").measured, record_of().plain)


@pytest.mark.parametrize("activation", widget.ACTIVATIONS)
def test_theory_of_every_normalization(activation):
    record = record_of(activation=activation, batch=16, depth=7)
    for how, line in zip(record.normalizations, record.profiles, strict=True):
        if how == "none":
            expected = theory.gradient_profile(7, activation, 2.0 if activation == "relu" else 1.0, 0.0)
            expected = expected - expected[-1]
        else:
            batch = {"batch": 16} if how == "batch" else {}
            expected = theory.normalized_gradient_profile(7, activation, how, **batch)
        np.testing.assert_allclose(line, expected, atol=1e-9)
    at = record.batches.tolist().index(16)
    assert record.factors[1, at] == pytest.approx(record.factor_theory)
    assert (record.factors[[0, 2, 3]] == record.factors[[0, 2, 3], :1]).all() and (np.diff(record.factors[1]) < 0).all()
    assert record.large == pytest.approx(math.sqrt(theory.normalized_chi(activation)))


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"normalization": "group"}, "normalization: got 'group', expected one of none, batch, layer, rms"),
        ({"activation": "tanh"}, "activation: got 'tanh', expected one of sigmoid, relu, linear"),
        ({"batch": 3}, "batch: got 3, expected a whole number from 4 to 512"),
        ({"depth": 1}, "depth: got 1, expected a whole number from 2 to 100"),
        ({"depth": True}, "depth: got True"),
    ],
)
def test_bad_input_names_the_argument(state, message):
    with pytest.raises(ValueError, match=message):
        record_of(**state)


def test_the_record_checks_its_shapes():
    fields = {name: getattr(record_of(depth=2), name) for name in NormalizationRecord.__dataclass_fields__}
    for name, wrong in (("plain", np.zeros(3)), ("profiles", np.zeros((4, 3))), ("factors", np.zeros((4, 2)))):
        with pytest.raises(ValueError, match=f"{name} has shape"):
            NormalizationRecord(**(fields | {name: wrong}))


# ------------------------------------------------------------------------------------- theory and measurement


def test_the_title():
    """Batch normalization lifts the sigmoid by eighteen decades to level, and takes a level ReLU network off it."""
    sigmoid, relu = record_of(), record_of(activation="relu")
    assert sigmoid.plain[0] < -18 and abs(sigmoid.measured[0]) < 0.5
    assert abs(relu.plain[0]) < 0.2 and relu.measured[0] > 2.3


def test_measured_beside_theory():
    """In decades a layer; a batch of four has tails so heavy that networks of 128 units stay below theory."""
    for state in states.states("normalization"):
        record = state.record
        parted = (record.measured[0] - record.theory[0]) / (record.depth - 1)
        if record.normalization == "batch" and record.batch < 8:
            assert -0.08 < parted < 0.02, state.values
        else:
            assert abs(parted) < 0.025, state.values


def test_layer_and_rms_normalization_agree():
    for activation in widget.ACTIVATIONS:
        layer, rms = (record_of(normalization=how, activation=activation) for how in ("layer", "rms"))
        np.testing.assert_allclose(layer.theory, rms.theory, atol=1e-9)
        assert layer.measured[0] == pytest.approx(rms.measured[0], abs=0.2)
    assert record_of(normalization="layer").measured[0] < -11


# ------------------------------------------------------------------------------------------------ the explorer


def test_every_state_has_a_frame_that_fits():
    found = states.states("normalization")
    assert len(found) == normalization().state_count == 672
    for state in found:
        layout = state.spec["layout"]
        low, high = layout["yaxis"]["range"]
        assert low < 0 < high and 2 <= len(layout["yaxis"]["tickvals"]) <= 6 and 0 in layout["yaxis"]["tickvals"]
        for note in layout["annotations"]:
            if note.get("yref") == "y3":
                assert layout["yaxis3"]["range"][0] <= note["y"] <= layout["yaxis3"]["range"][1]
        notes = [n["text"] for n in layout["annotations"] if n.get("name") != "wide"]
        assert len(notes) == 4 and max(map(len, notes)) <= 42


def test_the_figure_draws_the_record():
    record = record_of(activation="relu", depth=50, batch=16)
    spec = normalization().figure(record).to_plotly_json()
    go.Figure(spec)
    for role, values in (("theory", record.theory), ("measured", record.measured)):
        (trace,) = by_role(spec, role)
        at = floats(trace["x"]).astype(int) - 1
        assert at[0] == 0 and at[-1] == 49 and len(at) <= 26
        np.testing.assert_array_equal(floats(trace["y"]), values[at])
    for role, values in (("plain", record.plain), ("strip", record.measured - record.theory)):
        (trace,) = by_role(spec, role)
        assert floats(trace["y"]) == pytest.approx(values[at], abs=1 / 512)
    (handle,) = by_role(spec, "handle")
    assert 10 ** floats(handle["x"])[0] == pytest.approx(16) and floats(handle["y"])[0] == record.factor_measured
    held = handle["meta"]["handle"]["x"]
    assert held["control"] == "batch" and held["at"] == pytest.approx(np.log10(widget.BATCHES))
    (rail,) = by_role(spec, "family")
    assert rail["meta"]["values"] == list(widget.BATCHES) and floats(rail["y"]) == pytest.approx(record.factors[1])


def test_every_sentence_is_sound():
    for state in states.states("normalization"):
        text, record, total = plain(state.said.whole), state.record, state.record.measured[0]
        assert len(text) < 285
        assert not re.search(r"\bnan\b|\binf|undefined|\de[-+]?\d|\{|\}", text, re.IGNORECASE), text
        assert state.said.verdict == ("level" if abs(total) <= 0.5 else "vanishing" if total < 0 else "exploding")
        assert state.said.log10_value == total and f"receives <b>{power(total)}</b> times" in state.said.text
        assert (
            f"by <b>{number(record.factor_measured)}</b>, in theory by {number(record.factor_theory)}"
            in state.said.text
        )
        assert (f"{power(record.plain[0])} without it" in state.said.text) == (record.normalization != "none")
        assert ("over" in text) == (record.normalization == "batch")


@pytest.mark.parametrize(
    ("state", "verdict", "parts"),
    [
        ({}, "level", ["30 sigmoid layers with batch normalization over 128 examples", "without it", "batches by 1.017."]),
        ({"activation": "relu"}, "exploding", ["√(π/(π − 1)) = 1.211."]),
        ({"activation": "linear", "batch": 4}, "exploding", ["in theory by 1.41", "√((B − 2)/(B − 3)) = 1.414."]),
        ({"activation": "relu", "normalization": "layer"}, "level", ["with layer normalization,", "no batch matters"]),
        ({"normalization": "rms"}, "vanishing", ["with RMS normalization,", "in theory by 0.391", "examples share"]),
        ({"normalization": "none"}, "vanishing", ["without normalization, layer 1", "makes it 1.78 in all"]),
    ],
)  # fmt: skip
def test_the_sentence(state, verdict, parts):
    found = said(**state)
    assert found.verdict == verdict
    assert all(part in found.whole for part in parts), found.whole


def test_the_presets_tell_the_story():
    one = normalization()
    found = [one.sentence(one.evaluate(**one.state(**preset.state))).verdict for preset in one.presets]
    assert found == ["level", "exploding", "exploding", "level", "vanishing"]
    assert one.default == {"normalization": "batch", "activation": "sigmoid", "batch": 128, "depth": 30}
    assert (
        said(activation="relu", batch=8).label == "ReLU, batch of 8"
        and said(normalization="rms").label == "sigmoid, RMS"
    )
