"""Explorer [i]: eigenvalues that stay, powers that swell; against closed forms, mpmath and a run of the tanh cell."""

import math
import re
import sys
from functools import partial

import mpmath
import numpy as np
import plotly.graph_objects as go
import pytest
import states
from states import by_role

from gradlab import theory
from gradlab.explorer.core import plain
from gradlab.explorer.table import floats
from gradlab.records import NonnormalityRecord
from gradlab.recurrent import PlainCell, jacobian_profile, power_norms, recurrent_weights, run, two_by_two
from gradlab.style import number, power
from gradlab.widgets import nonnormality

widget = sys.modules["gradlab.widgets.nonnormality"]  # the package gives its function that name
record_of = partial(states.record_of, "nonnormality")
said = partial(states.said, "nonnormality")


# -------------------------------------------------------------------------------------------------- the record


@pytest.mark.parametrize("matrix", widget.MATRICES)
@pytest.mark.parametrize("departure", [0, 0.4, 9])
def test_the_dial_is_the_departure_from_normality(matrix, departure):
    """Henrici's: what is left of the squared Frobenius norm without the squared eigenvalues."""
    record = record_of(matrix=matrix, departure=departure)
    left = (record.weights**2).sum() - (np.abs(record.eigenvalues) ** 2).sum()
    assert left == pytest.approx(departure**2, abs=1e-9)
    commutator = record.weights @ record.weights.T - record.weights.T @ record.weights
    assert (np.linalg.norm(commutator) < 1e-12) == (departure == 0)


@pytest.mark.parametrize("matrix", widget.MATRICES)
def test_the_eigenvalues_never_move(matrix):
    first = record_of(matrix=matrix, departure=0).eigenvalues
    for departure in (0.4, 1.7, 16):
        record = record_of(matrix=matrix, departure=departure)
        np.testing.assert_array_equal(record.eigenvalues, first)
        if matrix != "random":  # computed again, but for rounding, which grows with the departure
            again = np.linalg.eigvals(record.weights)
            assert np.sort(again.real) == pytest.approx(np.sort(first.real), abs=1e-6)
    if matrix == "random":
        again = np.linalg.eigvals(record_of(matrix="random", departure=9).weights)
        assert np.sort(np.abs(again)) == pytest.approx(np.sort(np.abs(first)), abs=1e-9)


def test_the_powers_against_mpmath():
    for matrix, departure in (("apart", 1.7), ("equal", 5), ("tanh", 16), ("random", 9)):
        record = record_of(matrix=matrix, departure=departure)
        jacobian = np.diag(record.slopes) @ record.weights
        for t in (1, 9, 54) if record.n == 2 else (3,):
            if record.n == 2:
                with mpmath.workdps(40):
                    exact = mpmath.log10(mpmath.svd_r(mpmath.matrix(jacobian.tolist()) ** t, compute_uv=False)[0])
            else:
                exact = np.log10(np.linalg.norm(jacobian @ jacobian @ jacobian, 2))
            assert record.powers.log10_norm[t] == pytest.approx(float(exact), abs=1e-9)


def test_two_roads_to_the_same_matrix():
    """The angle between the eigenvectors and the number above the diagonal: c = 0.15 cot(angle)."""
    for angle in (90, 20, 10, 5, 2, 1):
        departure = 0.15 / math.tan(math.radians(angle))
        record, other = record_of(departure=departure), power_norms(two_by_two([0.95, 0.8], angle), 100)
        assert record.angle == pytest.approx(angle) and record.powers.peak == other.peak
        assert record.powers.log10_norm == pytest.approx(other.log10_norm, abs=1e-12)
        assert record.powers.condition == pytest.approx(1 / math.tan(math.radians(angle) / 2), rel=1e-9)


def test_equal_eigenvalues_follow_the_closed_form():
    for departure in (0.4, 5, 16):
        record = record_of(matrix="equal", departure=departure)
        assert record.powers.log10_norm == pytest.approx(theory.jordan_power_norm(0.9, departure, 100), abs=1e-9)
        assert record.bound is None and len(record.eigenvectors) == 1 and record.angle == 0


@pytest.mark.parametrize("departure", [0.4, 8, 16])
def test_the_tanh_cell_is_run(departure):
    """From the fixed point, where every further step is the same; rounding leads away from an unstable one."""
    record = record_of(matrix="tanh", departure=departure)
    rest = widget.FIXED_POINT
    cell = PlainCell(record.weights, biases=np.arctanh(rest) - record.weights @ rest)
    states_ = run(cell, np.zeros((20, 1, 2)), rest[None])
    assert states_.h[-1, 0] == pytest.approx(rest, abs=1e-9)
    profile = jacobian_profile(cell, states_)
    assert profile.log10_spectral[::-1, 0] == pytest.approx(record.powers.log10_norm[:21], abs=1e-6)
    assert record.powers.spectral_radius == pytest.approx(departure / 8)
    t = np.arange(1, 101)
    exact = (t - 1) * np.log10(departure / 8) + np.log10(departure / 2 * math.sqrt(2) * 1.25)
    assert record.powers.log10_norm[1:] == pytest.approx(exact, abs=1e-9)
    assert record.angle == pytest.approx(8.13, abs=0.01)


def test_the_bound_holds_and_the_rail_is_right_in_the_end():
    for state in states.states("nonnormality"):
        record, norm = state.record, state.record.powers.log10_norm
        assert (norm >= record.rail - 1e-9).all() and norm[0] == record.rail[0] == 0
        if record.bound is not None:
            assert (norm <= record.bound + 1e-9).all()
        assert (record.bound is None) == (record.powers.defective or not record.weights.any()), state.values
        if record.departure == 0 and record.activation == "linear":
            assert norm == pytest.approx(record.rail, abs=1e-9)
    late = record_of(departure=16).powers.log10_norm
    assert late[-1] - late[-2] == pytest.approx(math.log10(0.95), abs=1e-3)


def test_the_image_is_that_of_the_power():
    for matrix in ("apart", "equal", "tanh"):
        record = record_of(matrix=matrix, steps=5)
        assert record.image == pytest.approx(np.linalg.matrix_power(np.diag(record.slopes) @ record.weights, 5))
    for state in states.states("nonnormality")[::7]:
        assert np.linalg.norm(state.record.image, 2) == pytest.approx(10**state.record.log10_norm, rel=1e-9)
    second = np.linalg.svd(np.linalg.matrix_power(record_of(matrix="random").weights, 8), compute_uv=False)[1]
    assert record_of(matrix="random").image[1, 1] == pytest.approx(second)


def test_the_random_matrix_is_near_a_real_draw():
    """Its Schur form is that of a Gaussian matrix; at 9 it swells as the drawn one does, of departure 8.98."""
    drawn = power_norms(recurrent_weights("gaussian", 200, seed=0, gain=0.9), 100)
    record = record_of(matrix="random", departure=9)
    assert record.drawn_departure == pytest.approx(8.98, abs=0.01)
    assert record.powers.log10_norm[:31] == pytest.approx(drawn.log10_norm[:31], abs=0.08)
    wide = 5 * math.log10(0.9) + np.log10(theory.largest_singular_value(5))
    assert record.powers.log10_norm[5] == pytest.approx(wide, abs=0.05)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"matrix": "jordan"}, "matrix: got 'jordan', expected one of apart, equal, random, tanh"),
        ({"departure": -1}, "departure: got -1, expected a number from 0 to 16"),
        ({"departure": 17}, "departure: got 17"),
        ({"departure": math.nan}, "departure: got nan"),
        ({"steps": 0}, "steps: got 0, expected a whole number from 1 to 100"),
        ({"steps": 101}, "steps: got 101"),
        ({"steps": 2.5}, "steps: got 2.5"),
        ({"steps": True}, "steps: got True"),
    ],
)
def test_bad_input_names_the_argument(state, message):
    with pytest.raises(ValueError, match=message):
        record_of(**state)


def test_the_record_refuses_lines_of_another_length():
    record = record_of()
    fields = {name: getattr(record, name) for name in NonnormalityRecord.__dataclass_fields__}
    with pytest.raises(ValueError, match=r"bound has shape \(100,\); the powers have \(101,\)"):
        NonnormalityRecord(**fields | {"bound": record.bound[1:]})


# ----------------------------------------------------------------------------------------------- what it claims


def test_peaks():
    """The numbers of the dial: higher peaks, at about the same step, from the same eigenvalues."""
    found = {c: record_of(departure=c).powers for c in (0, 0.4, 0.85, 1.7, 9)}
    peaks = {c: round(float(10 ** p.log10_norm.max()), 2) for c, p in found.items()}
    assert peaks == {0: 1.0, 0.4: 1.49, 0.85: 2.89, 1.7: 5.66, 9: 29.77}
    assert [p.peak for p in found.values()] == [0, 7, 8, 8, 9]
    equal = record_of(matrix="equal", departure=5).powers
    assert (equal.peak, equal.last_above_one) == (9, 54) and 10 ** equal.log10_norm[9] == pytest.approx(19.38, abs=5e-3)
    tanh = record_of(matrix="tanh", departure=16, steps=20)
    assert 10**tanh.log10_norm == pytest.approx(2**19 * 200**0.5) and not np.linalg.matrix_power(tanh.weights, 2).any()


def test_all_linear_states_end_below_one():
    for state in states.states("nonnormality"):
        if state.record.activation == "linear":
            assert state.record.powers.last_above_one < widget.LONGEST, state.values


def test_the_presets_do_what_they_are_called():
    one = nonnormality()
    right, parallel, single, many, zero = (one.evaluate(**one.state(**preset.state)) for preset in one.presets)
    assert right.angle == 90 and right.powers.peak == 0
    assert parallel.angle < 1 and parallel.powers.peak == parallel.steps
    assert len(single.eigenvectors) == 1 and single.powers.last_above_one == single.steps == 54
    assert single.weights.tolist() == [[0.9, 5], [0, 0.9]]
    assert many.n == 200 and 10**many.log10_norm > 2
    assert zero.weights.tolist() == [[8, 8], [-8, -8]] and zero.log10_norm > 6 and not zero.eigenvalues.any()


# ------------------------------------------------------------------------------------------------ the explorer


def test_every_state_says_something_sound():
    for values, record, _, words in states.states("nonnormality"):
        text, norm, powers = plain(words.whole), record.log10_norm, record.powers
        assert not re.search(r"\bnan\b|\binf|None|\{|\}|not a number", text, re.IGNORECASE), values
        assert len(text) <= 285 and f"After {record.steps} step{'s' * (record.steps > 1)} " in text, values
        assert power(norm) in words.text or (norm == -math.inf and "nothing" in text)
        assert (words.verdict == "exploding") == (norm > math.log10(2))
        assert (words.verdict == "vanishing") == (norm < -math.log10(2))
        assert words.log10_value == (norm if math.isfinite(norm) else None)
        grows = powers.peak > 0 and record.activation == "linear"
        assert ("make it peak" in text) == grows, values
        if grows:
            assert f"from step {powers.last_above_one + 1} on" in text
            assert ("peak here" in text) == (powers.peak == record.steps)
        assert (f"{number(record.angle)}° apart" in text) == (record.matrix == "apart" and record.departure > 0)


@pytest.mark.parametrize(
    ("state", "verdict", "parts"),
    [
        ({}, "exploding", ["can be 5.66 times as long", "promise 0.663", "22.7 times that at most", "5.04° apart"]),
        ({"departure": 0}, "level", ["can be 0.663 times as long, exactly as the eigenvalues say", "W is normal"]),
        ({"departure": 0.1}, "level", ["56.3° apart do not make it grow"]),
        ({"matrix": "equal", "departure": 5, "steps": 54}, "level", ["1.01 times", "peak at step 9 with 19.4", "step 55"]),
        ({"matrix": "random", "departure": 9}, "level", ["Its 200 eigenvectors", "random draw has non-normality 8.98"]),
        ({"matrix": "tanh", "departure": 16, "steps": 20}, "exploding", ["7.41 · 10^6", "W promise 0", "not: 2.00. Drawn"]),
        ({"matrix": "tanh", "departure": 0}, "vanishing", ["nothing is left", "W itself is 0"]),
        ({"steps": 1, "departure": 16}, "exploding", ["After 1 step the", "16.0 times"]),
    ],
)  # fmt: skip
def test_the_sentence(state, verdict, parts):
    found = said(**state)
    assert found.verdict == verdict
    assert all(part in plain(found.whole) for part in parts), found.whole


def test_a_norm_that_is_still_large_at_the_last_step(monkeypatch):
    """No state of the grid is; a longer reach of the dial would be."""
    monkeypatch.setattr(widget, "FARTHEST", 40)
    assert "with <b>132</b>, and at step 100 it is still above 1." in said(departure=40).text


def test_every_state_has_a_frame_that_fits():
    for values, record, spec, _ in states.states("nonnormality"):
        layout = spec["layout"]
        low, high = layout["yaxis"]["range"]
        assert max(-low, high) <= 5.2 * min(-low, high) and 4 <= len(layout["yaxis"]["tickvals"]) <= 8, values
        for panel in "23":
            across, up = layout[f"xaxis{panel}"], layout[f"yaxis{panel}"]
            assert across["range"] == up["range"] and up["scaleanchor"] == f"x{panel}"
        assert record.log10_norm < math.log10(layout["xaxis3"]["range"][1]) + 1e-9


def test_the_figure_draws_the_record():
    for some in ({}, {"matrix": "equal", "departure": 5}, {"matrix": "random"}, {"matrix": "tanh", "departure": 16}):
        record = record_of(**some)
        spec = nonnormality().figure(record).to_plotly_json()
        go.Figure(spec)  # validates
        (line,), (rail,), (bound,) = (by_role(spec, role) for role in ("measured", "theory", "bound"))
        np.testing.assert_array_equal(floats(line["y"])[2:], record.powers.log10_norm)
        np.testing.assert_array_equal(floats(rail["y"]), record.rail[np.isfinite(record.rail)])
        np.testing.assert_array_equal(floats(bound["y"]), [] if record.bound is None else record.bound)
        (here,), (peak,), (dots,) = (by_role(spec, role) for role in ("handle", "peak", "eigenvalues"))
        assert (floats(here["x"])[0], floats(here["y"])[0]) == (8, record.log10_norm)
        assert floats(peak["x"]).tolist() == ([record.powers.peak] if record.activation == "linear" else [])
        np.testing.assert_array_equal(floats(dots["x"]), record.eigenvalues.real)
        (image,) = by_role(spec, "image")
        size = np.hypot(floats(image["x"]), floats(image["y"])).max()
        assert size == pytest.approx(10**record.log10_norm, rel=0.01)
        drop, peak_line = spec["layout"]["shapes"]
        assert drop["visible"] == (record.activation == "tanh") and peak_line["visible"] == (not drop["visible"])


def test_where_nothing_is_left_the_dot_points_out_of_the_frame():
    spec = nonnormality().figure(record_of(matrix="tanh", departure=0)).to_plotly_json()
    (here,) = by_role(spec, "handle")
    assert here["marker"]["symbol"] == "triangle-down" and floats(here["y"])[0] == -3


@pytest.mark.parametrize(
    ("some", "columns", "rows"),
    [
        ({}, ["eigenvalues alone", "at most", "norm"], 101),
        ({"matrix": "equal"}, ["eigenvalues alone", "norm"], 101),
        ({"matrix": "tanh"}, ["at most", "norm"], 101),
        ({"matrix": "tanh", "departure": 0}, ["eigenvalues alone", "norm"], 1),
    ],
)
def test_the_table_of_numbers(some, columns, rows):
    data = nonnormality().figure(record_of(**some)).to_plotly_json()["data"]
    held = [trace for trace in data if "column" in trace["meta"]]
    assert [trace["meta"]["column"] for trace in held] == columns and len(floats(held[0]["x"])) == rows


def test_at_most_a_few_notes_stand_on_a_phone():
    for _, _, spec, _ in states.states("nonnormality")[::50]:
        notes = [n["text"] for n in spec["layout"]["annotations"] if n.get("name") != "wide" and n["text"]]
        assert len(notes) <= 6 and max(len(re.sub(r"<[^>]*>", "", text)) for text in notes) <= 22
