"""Explorer [h]: the powers of one recurrent matrix."""

import math
import re
import sys
from dataclasses import replace
from functools import partial
from xml.etree import ElementTree

import numpy as np
import plotly.graph_objects as go
import pytest
import states
from states import by_role

from gradlab.explorer import poster
from gradlab.explorer.core import plain
from gradlab.explorer.table import floats
from gradlab.recurrent import pair, recurrent_weights, two_by_two
from gradlab.style import number, power
from gradlab.widgets import powers

widget = sys.modules["gradlab.widgets.powers"]  # the package gives its function that name
record_of = partial(states.record_of, "powers")
said = partial(states.said, "powers")


def drawn(**some):
    return powers().figure(record_of(**some)).to_plotly_json()


# -------------------------------------------------------------------------------------------------- the record


@pytest.mark.parametrize(("modulus", "angle"), [(0.7, 45), (1.05, 135), (0.99, 0), (1.2, 180), (0.95, 77.7)])
def test_two_by_two_against_numpy(modulus, angle):
    record = record_of(modulus=modulus, angle=angle, steps=12)
    weights = two_by_two(pair(modulus, angle))
    found = [np.log10(np.linalg.norm(np.linalg.matrix_power(weights, t), 2)) for t in range(13)]
    assert record.at.tolist() == list(range(13)) and record.log10_norm == pytest.approx(found, abs=1e-12)
    gradients = [np.linalg.matrix_power(weights.T, t) @ [1, 0] for t in range(13)]
    assert record.ends == pytest.approx(np.array(gradients)[[0, -1]], abs=1e-12)
    assert np.sort_complex(record.eigenvalues) == pytest.approx(np.sort_complex(np.linalg.eigvals(weights)), abs=1e-9)
    turned = complex(*gradients[1])  # against the clock
    assert turned == pytest.approx(record.leading, abs=1e-12) and record.leading.imag >= 0


@pytest.mark.parametrize("angle", [45, 180])
def test_a_random_hundred_against_numpy(angle):
    record = record_of(modulus=1.05, angle=angle, steps=5, size="100")
    seed = int(np.abs(widget._leading_angles(100) - angle).argmin())
    weights = recurrent_weights("gaussian", 100, seed=seed, spectral_radius=1.05)
    found = [np.log10(np.linalg.norm(np.linalg.matrix_power(weights, t), 2)) for t in range(6)]
    assert record.log10_norm == pytest.approx(found, abs=1e-9)
    values = np.linalg.eigvals(weights)
    assert abs(np.angle(record.leading, deg=True) - angle) < 1 and abs(record.leading) == pytest.approx(1.05)
    assert np.min(np.abs(values - record.leading)) < 1e-9
    assert np.sort(np.abs(record.eigenvalues)) == pytest.approx(np.sort(np.abs(values)), abs=1e-9)


@pytest.mark.parametrize("angle", widget.ANGLES)
def test_the_draw_has_the_angle_asked_for(angle):
    assert abs(np.angle(record_of(angle=angle, size="100").leading, deg=True) - angle) < 1.1


@pytest.mark.parametrize("angle", [45, 180])
def test_the_plane_of_a_pair_stays_itself_and_so_does_the_line_of_a_real_eigenvalue(angle):
    record = record_of(modulus=1, angle=angle, steps=1, size="100")
    seed = int(np.abs(widget._leading_angles(100) - angle).argmin())
    matrix = recurrent_weights("gaussian", 100, seed=seed, spectral_radius=1.0).T
    value, plane = widget._leading_plane(matrix)
    assert value == pytest.approx(record.leading) and plane @ plane.T == pytest.approx(np.eye(2), abs=1e-12)
    inside = matrix @ plane.T
    within = plane @ inside
    if angle == 180:
        assert value == pytest.approx(-1) and inside[:, 0] == pytest.approx(-plane[0], abs=1e-9)
    else:
        assert plane.T @ within == pytest.approx(inside, abs=1e-9)
        assert np.min(np.abs(np.linalg.eigvals(within) - value)) < 1e-9
        assert within[1, 0] > 0 > within[0, 1]  # against the clock


def test_the_orbit_is_drawn_as_far_as_it_can_be_seen():
    for some, count, every in (
        ({"steps": 50}, 51, 1),
        ({"modulus": 0.5}, 6, 1),
        ({"modulus": 1.5}, 10, 1),
        ({}, 78, 5),
        ({"modulus": 1}, 77, 13),
    ):
        record = record_of(**some)
        assert (len(record.orbit), record.orbit_every) == (count, every)
        lengths = np.hypot(*record.orbit.T)
        assert lengths.min() >= 0.99 * widget.SEEN * lengths.max()
        end = record.ends[1 if record.modulus > 1 else 0]
        assert np.hypot(*(record.orbit[-1 if record.modulus > 1 else 0] - end)) < 1e-9 * np.hypot(*end)
    assert len(set(np.angle(record_of().orbit @ [1, 1j]).round(6) % 6.283185)) == 18  # all directions of 20 degrees


def test_the_numbers_of_the_page():
    """One per cent either side of the circle, over a thousand steps."""
    inside, outside = record_of(), record_of(modulus=1.01)
    assert (f"{inside.half_life:.0f}", f"{outside.half_life:.1f}") == ("69", "69.7")
    ends = [10 ** record.log10_norm[-1] for record in (inside, outside)]
    assert ends == pytest.approx([0.99**1000, 1.01**1000], rel=1e-9)
    assert [number(end) for end in ends] == ["4.32 · 10<sup>−5</sup>", "2.10 · 10<sup>4</sup>"]
    assert outside.log10_norm[-1] - inside.log10_norm[-1] == pytest.approx(8.7, abs=0.05)
    assert record_of(modulus=1).half_life == math.inf


def test_a_random_hundred_swells_before_it_decays():
    """A Gaussian matrix of radius 1 has norm 2, less what 100 rows leave of that; its powers stay above the rail."""
    for angle in widget.ANGLES:
        record = record_of(modulus=0.95, angle=angle, steps=50, size="100")
        assert 1.6 < 10 ** record.log10_norm[1] < 2 and 1.9 < 10**record.log10_peak < 2.7 and 2 <= record.peak <= 6
        assert np.all(record.log10_norm[1:] > record.log10_rail[1:] + 0.2) and record.log10_norm[-1] < -0.4
        circle = record_of(modulus=1, angle=angle, size="100")
        assert 2 < 10 ** circle.log10_norm[-1] <= 10**circle.log10_peak < widget.LEVEL[100][1]


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"modulus": 0.4}, "modulus: got 0.4, expected a number from 0.5 to 1.5"),
        ({"modulus": math.nan}, "modulus: got nan"),
        ({"angle": 181}, "angle: got 181, expected a number from 0 to 180"),
        ({"steps": 0}, "steps: got 0, expected a whole number from 1 to 1000"),
        ({"steps": 2.5}, "steps: got 2.5"),
        ({"steps": True}, "steps: got True"),
        ({"size": "3"}, "size: got '3', expected one of 2, 100"),
    ],
)
def test_bad_input_names_the_argument(state, message):
    with pytest.raises(ValueError, match=message):
        record_of(**state)


def test_the_record_refuses_other_shapes():
    record = record_of()
    with pytest.raises(ValueError, match="ends has shape"):
        replace(record, ends=np.zeros(2))
    with pytest.raises(ValueError, match="log10_rail has shape"):
        replace(record, log10_rail=np.zeros(3))


# ------------------------------------------------------------------------------------------------ the explorer


def test_every_state_draws_every_eigenvalue_and_the_last_gradient():
    found = states.states("powers")
    assert len(found) == powers().state_count < 2500
    for state in found:
        assert np.hypot(*(floats(by_role(state.spec, "now")[0][axis])[0] for axis in "xy")) < 1.06
        assert len(floats(by_role(state.spec, "handle")[0]["x"])) == 1
        eigenvalues = len(floats(by_role(state.spec, "eigenvalues")[0]["x"]))
        assert eigenvalues == (0 if state.record.n == 2 and state.values["angle"] in (0, 180) else state.record.n - 1)


def test_the_figure_draws_the_record():
    record, spec = record_of(), drawn()
    go.Figure(spec)  # validates
    (line,), (rail,) = by_role(spec, "measured"), by_role(spec, "theory")
    assert floats(line["x"])[2:].tolist() == record.at.tolist() == floats(rail["x"]).tolist()
    assert floats(line["y"])[2:] == pytest.approx(record.log10_norm) and floats(rail["y"]) == pytest.approx(
        record.log10_rail
    )
    (wedge,) = by_role(spec, "band")
    assert floats(wedge["y"])[1:3] == pytest.approx([1000 * math.log10(1.01), 1000 * math.log10(0.99)])
    orbit = np.concatenate(
        [np.stack([floats(part["x"]), floats(part["y"])], axis=1) for part in by_role(spec, "orbit")]
    )
    assert orbit == pytest.approx(record.orbit, abs=1 / 1000)
    (first,) = by_role(spec, "start")
    assert (floats(first["x"])[0], floats(first["y"])[0]) == (1, 0)


def test_the_last_tick_of_the_orbit_says_its_unit():
    for some, last in (
        ({}, "1"),
        ({"modulus": 1.01}, "2 · 10<sup>4</sup>"),
        ({"modulus": 1.5}, "2 · 10<sup>176</sup>"),
    ):
        assert drawn(**some)["layout"]["xaxis3"]["ticktext"] == [f"−{last}", "0", last]


@pytest.mark.parametrize("angle", widget.ANGLES)
def test_the_handle_runs_along_the_ray_of_the_eigenvalue(angle):
    for size in widget.SIZES:
        record, spec = record_of(angle=angle, size=size), drawn(angle=angle, size=size)
        (mark,) = by_role(spec, "handle")
        ((key, held),) = [(key, held) for key, held in mark["meta"]["handle"].items() if key != "label"]
        assert held["control"] == "modulus" and len(held["at"]) == len(widget.MODULI)
        at = held["at"][widget.MODULI.index(0.99)]
        assert floats(mark[key])[0] == pytest.approx(at, abs=1e-5)
        assert abs(at) >= 0.99 / math.sqrt(2) - 1e-5 and np.ptp(held["at"]) > 0.7  # never along the short way
        assert complex(floats(mark["x"])[0], floats(mark["y"])[0]) == pytest.approx(record.leading, abs=1e-6)


@pytest.mark.parametrize("phone", [False, True])
def test_the_unit_circle_is_round_on_the_poster(phone):
    root = ElementTree.fromstring(poster.svg(powers().poster().figure, alt="x", phone=phone))
    paths = [re.findall(r"[ML]([\d.]+) ([\d.]+)", path.get("d", "")) for path in root.iter("path")]
    (circle,) = [np.array(points, dtype=float) for points in paths if len(points) == 61]
    across, up = np.ptp(circle, axis=0)
    assert across == pytest.approx(up, abs=0.3) and across > 70


def test_the_names_have_room():
    """The name of the pale ground only where the ground is wide, and never on the side of the line."""
    for state in states.states("powers"):
        layout = state.spec["layout"]
        (name,) = [one for one in layout["annotations"] if one["text"].endswith("1.01")]
        top = layout["yaxis"]["tickvals"][-1]
        assert name["visible"] == (state.values["steps"] * math.log10(1.01) > 0.6 * top)
        assert (name["yanchor"] == "bottom") == (state.record.log10_norm[-1] < 0.01)


def test_every_sentence_is_sound():
    lengths = []
    for state in states.states("powers"):
        text, record = plain(state.said.whole), state.record
        lengths.append(len(text))
        assert not re.search(
            r"\bnan\b|\binf|none\b|undefined|\de[-+]?\d|\{|\}|\b1 steps|beyond", text, re.IGNORECASE
        ), text
        assert (
            f"|λ| = {record.modulus:g}" in text and f"<b>{power(float(record.log10_norm[-1]))}</b>" in state.said.text
        )
        assert ("random" in text) == (record.n == 100) == ("random" in state.said.label)
        low, high = widget.LEVEL[record.n]
        value = 10 ** record.log10_norm[-1]
        expected = "vanishing" if value < low - 1e-9 else "exploding" if value > high + 1e-9 else "level"
        assert state.said.verdict == expected, state.values
    assert max(lengths) < 270


@pytest.mark.parametrize(
    ("state", "verdict", "parts"),
    [
        ({}, "vanishing", ["every 69 steps: 1000 steps leave <b>4.32 · 10<sup>−5</sup>", "1.01 would make it 2.10"]),
        ({"modulus": 1}, "level", ["no step changes the length", "<b>1.00</b>", "less would leave 4.32", "20° a step"]),
        ({"modulus": 1.01}, "exploding", ["doubles every 69.7 steps", "0.99 would leave 4.32"]),
        ({"modulus": 0.5, "steps": 1}, "level", ["lost every step: 1 step leaves <b>0.500</b>"]),
        ({"modulus": 1.5, "steps": 1}, "level", ["every 1.71 steps: 1 step makes it <b>1.50</b> times"]),
        ({"angle": 180}, "vanishing", ["changes sign at every step, which costs nothing"]),
        ({"angle": 0}, "vanishing", ["Its direction stays"]),
        (
            {"modulus": 0.95, "steps": 50, "size": "100"},
            "vanishing",
            ["in 50 steps", "is 0.0769", "At step 4 the luckiest was 2.06"],
        ),
        ({"modulus": 1.5, "steps": 1, "size": "100"}, "level", ["in 1 step, where"]),
    ],
)
def test_the_sentence(state, verdict, parts):
    found = said(**state)
    assert found.verdict == verdict
    assert all(part in found.whole for part in parts), found.whole
    if state.get("steps") == 1:
        assert "longest" not in found.text


def test_the_presets_tell_the_story():
    one = powers()
    found = [one.sentence(one.evaluate(**one.state(**preset.state))).verdict for preset in one.presets]
    assert found == ["vanishing", "level", "exploding", "vanishing", "vanishing"]
    assert (
        one.state(**one.presets[0].state) == one.default == {"modulus": 0.99, "angle": 20, "steps": 1000, "size": "2"}
    )
