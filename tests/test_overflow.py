"""Explorer [f]: singular values of products of random matrices, and where number formats end."""

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
from gradlab.explorer.core import plain
from gradlab.explorer.table import floats
from gradlab.products import random_factors, where_numbers_end
from gradlab.style import power
from gradlab.widgets import overflow

widget = sys.modules["gradlab.widgets.overflow"]  # the package gives its function that name
FORMATS = widget.FORMATS
record_of = partial(states.record_of, "overflow")
said = partial(states.said, "overflow")


# -------------------------------------------------------------------------------------------------- the record


@pytest.mark.parametrize("kind", widget.KINDS)
@pytest.mark.parametrize("gain", [0.6, 1, 1.75])
def test_short_products_against_numpy(kind, gain):
    """Four factors lose no digits: the singular values straight from the product."""
    record = record_of(kind=kind, layers=4, gain=gain)
    found = []
    for seed in range(widget.PRODUCTS):
        product = np.eye(record.width)
        for factor in random_factors(kind, record.width, 4, seed=seed, gain=gain):
            product = factor @ product
        values = np.log10(np.linalg.svd(product, compute_uv=False))
        found.append([values[0], np.median(values), values[-1]])
    assert record.at[-1] == 4
    assert record.log10_values[:, -1] == pytest.approx(np.median(found, axis=0), abs=1e-9)
    assert record.log10_low[:, -1] == pytest.approx(np.quantile(found, 0.1, axis=0), abs=1e-9)


def test_the_identity_comes_first_and_a_gain_adds_its_power():
    one, two = record_of(gain=1), record_of(gain=2)
    assert one.at[0] == 0 and not one.log10_values[:, 0].any() and not two.log10_high[:, 0].any()
    assert two.log10_values - one.log10_values == pytest.approx(np.tile(one.at * math.log10(2), (3, 1)), abs=1e-9)


def test_the_formats_are_the_run_of_each_product():
    record = record_of(kind="standard_normal", gain=1.25)
    for row, dtype in enumerate(FORMATS):
        for seed in (0, 5):
            end = where_numbers_end(random_factors("standard_normal", 4, 200, seed=seed, gain=1.25), dtype)
            first = (record.first_inf, record.first_nan, record.first_zero)
            found = [None if np.isnan(values[row, seed]) else values[row, seed] for values in first]
            assert found == [end.first_inf, end.first_nan, end.first_zero]


def test_the_ranges_of_the_formats():
    torch = pytest.importorskip("torch")
    for dtype, (smallest, largest) in zip(FORMATS, record_of().log10_range, strict=True):
        info = torch.finfo(getattr(torch, dtype))
        assert largest == pytest.approx(math.log10(info.max), abs=1e-12)
        assert smallest == pytest.approx(math.log10(info.tiny) + math.log10(info.eps), abs=1e-9)


def test_a_length_off_the_grid_fits_between_its_neighbours():
    record = record_of(layers=137)
    assert record.at[-1] == 137
    around = np.stack([record_of(layers=layers).log10_values[:, -1] for layers in (125, 150)])
    expected = around[0] + (around[1] - around[0]) * 12 / 25
    assert record.log10_values[:, -1] == pytest.approx(expected, abs=2.5)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"layers": 0}, "layers: got 0, expected a whole number from 1 to 200"),
        ({"layers": 1.5}, "layers: got 1.5"),
        ({"layers": True}, "layers: got True"),
        ({"gain": 3}, "gain: got 3, expected a number from 0.5 to 2"),
        ({"gain": math.nan}, "gain: got nan"),
        ({"kind": "uniform"}, "kind: got 'uniform', expected one of gaussian, orthogonal, standard_normal"),
        ({"dtype": "float8"}, "dtype: got 'float8', expected one of float16"),
    ],
)
def test_bad_input_names_the_argument(state, message):
    with pytest.raises(ValueError, match=message):
        record_of(**state)


# ------------------------------------------------------------------------------------- theory and measurement


@pytest.mark.parametrize(("kind", "sizes"), [("gaussian", [0.6, 0.6, 4.0]), ("standard_normal", [4.0, 4.0, 4.0])])
def test_the_lines_grow_at_the_rates_of_theory(kind, sizes):
    """Over the last hundred layers, in decades; the spread of one product is a few."""
    late, early = record_of(kind=kind, layers=200), record_of(kind=kind, layers=100)
    grown = late.log10_values[:, -1] - early.log10_values[:, -1]
    assert np.all(np.abs(grown - 100 * late.log10_theory) < sizes)


def test_orthogonal_matrices_fold_the_fan():
    record = record_of(kind="orthogonal", layers=200, gain=1.1)
    for values in (record.log10_low, record.log10_values, record.log10_high):
        assert values == pytest.approx(np.tile(record.at * math.log10(1.1), (3, 1)), abs=1e-9)
    assert record.log10_theory == pytest.approx([math.log10(1.1)] * 3)


@pytest.mark.parametrize("kind", widget.KINDS)
@pytest.mark.parametrize("gain", [g for g in widget.GAINS if g > 1])
def test_where_a_format_overflows(kind, gain):
    """The median product within a tenth of the prediction and three layers, in every format that ends in the search."""
    record = record_of(kind=kind, gain=gain)
    assert record.grows
    seen = np.isfinite(record.ends[1])
    assert seen[0] and not seen[3]
    assert np.all(np.abs(record.ends[1] - record.predicted[:, 1])[seen] < 0.1 * record.predicted[seen, 1] + 3)
    assert np.all(record.predicted[~seen, 1] > 0.9 * record.searched)
    assert record.ends_in_inf[seen].all()
    follows = (record.first_nan - record.first_inf)[np.isfinite(record.first_nan)]
    assert set(follows) <= {1.0, 2.0}


@pytest.mark.parametrize(("kind", "gain"), [("gaussian", 0.5), ("gaussian", 0.6), ("orthogonal", 0.5)])
def test_where_a_format_holds_only_zeros(kind, gain):
    record = record_of(kind=kind, gain=gain)
    seen = np.isfinite(record.ends[1])
    assert not record.grows and seen[:3].all() and not record.ends_in_inf.any()
    assert record.ends[1, seen] == pytest.approx(record.predicted[seen, 1], abs=4)


def test_rounding_keeps_float16_alive_at_gain_0_9():
    """No entry of the exact product is larger than its largest singular value, here a thirtieth of half the smallest
    float16; yet float16 holds numbers other than 0."""
    record = record_of(gain=0.9, layers=200, dtype="float16")
    assert record.log10_high[0, -1] < math.log10(2**-25) - 1 and np.isnan(record.first_zero[record.row]).all()
    assert "rounding up keeps some alive past layer 200" in said(gain=0.9, layers=200, dtype="float16").text


def test_bfloat16_overflows_with_float32():
    for kind in ("gaussian", "standard_normal"):
        record = record_of(kind=kind)
        short, long = (record.first_inf[FORMATS.index(dtype)] for dtype in ("bfloat16", "float32"))
        assert np.isfinite(short).all() and np.max(np.abs(short - long)) <= 2


def test_the_record_counts_products_that_have_not_ended():
    record = record_of(kind="standard_normal", gain=0.6, dtype="float16")
    first = record.first_inf[0]
    assert 0 < np.isnan(first).sum() < widget.PRODUCTS and record.ends[2, 0] == math.inf
    assert np.mean(np.nan_to_num(first, nan=math.inf) <= record.ends[1, 0]) >= 0.5


# ------------------------------------------------------------------------------------------------ the explorer


def test_every_state_has_a_frame_that_fits():
    found = states.states("overflow")
    assert len(found) == overflow().state_count < 2000
    for state in found:
        spec, record = state.spec, state.record
        layout = spec["layout"]
        low, high = layout["yaxis"]["range"]
        assert low < 0 < high and max(-low, high) <= 6 * min(-low, high) and 0 in layout["yaxis"]["tickvals"]
        assert 3 <= len(layout["yaxis"]["tickvals"]) <= 9
        above, below = np.reshape([len(floats(trace["x"])) for trace in by_role(spec, "overflow")], (2, 2))
        inf = record.ends_in_inf
        assert above.tolist() == [(record.shown_end is not None) and inf[record.row] == kind for kind in (True, False)]
        assert below.tolist() == [(np.isfinite(record.ends[1]) & (inf == kind)).sum() for kind in (True, False)]


def test_the_figure_draws_the_record():
    record = record_of()
    spec = overflow().figure(record).to_plotly_json()
    go.Figure(spec)
    for trace, values in zip(by_role(spec, "values"), record.log10_values, strict=True):
        assert floats(trace["x"]).tolist() == record.at.tolist() and floats(trace["y"]) == pytest.approx(values)
    (fan,) = by_role(spec, "measured")
    y = floats(fan["y"])
    assert y[~np.isnan(y)][1:] == pytest.approx(record.log10_values.ravel())
    (rail,) = by_role(spec, "theory")
    assert floats(rail["y"])[[3, 6, 9]] == pytest.approx(150 * record.log10_theory)
    cross = by_role(spec, "overflow")
    assert floats(cross[0]["x"]).tolist() == [record.ends[1, record.row]]
    assert 10 ** floats(cross[2]["x"]) == pytest.approx(record.ends[1, :3])


def test_the_layers_behind_the_end_are_shaded():
    for some, shown in (({}, True), ({"gain": 1}, False), ({"gain": 0.5}, True)):
        record = record_of(**some)
        behind = overflow().figure(record).to_plotly_json()["layout"]["shapes"][2]
        assert behind["visible"] is shown
        assert behind["x0"] == (record.ends[1, record.row] if shown else behind["x1"])


def test_every_sentence_is_sound():
    lengths = []
    for state in states.states("overflow"):
        text = plain(state.said.whole)
        lengths.append(len(text))
        assert not re.search(r"\bnan\b|\binf|none\b|undefined|\de[-+]?\d|\{|\}", text, re.IGNORECASE), text
        assert f"gain {state.values['gain']:g} " in text and state.values["dtype"] in text
        ends = state.record.log10_values[:, -1]
        assert power(ends[0]) in state.said.text
        assert np.ptp(ends) < 1e-6 or power(ends[2]) in state.said.text
        shown, verdict = state.record.shown_end, state.said.verdict
        assert (verdict == "broken") == (shown is not None and bool(state.record.ends_in_inf[state.record.row]))
        assert verdict != "both" or (ends[0] > 1 and ends[2] < -1)
        if shown is not None:
            assert f"layer <b>{shown}</b>" in state.said.text
    assert max(lengths) < 280


@pytest.mark.parametrize(
    ("state", "verdict", "parts"),
    [
        (
            {},
            "broken",
            [
                "After 150 layers of gain 2",
                "float32 overflows at layer <b>",
                "is not a number from 13",
                "theory says 129",
            ],
        ),
        ({"layers": 100}, "both", ["float32 overflows at layer <b>13"]),
        ({"dtype": "float64"}, "both", ["float64 should overflow at layer <b>1,03"]),
        ({"layers": 1}, "vanishing", ["After 1 layer of gain 2"]),
        ({"gain": 0.5}, "vanishing", ["has shrunk to <b>", "float32 holds only zeros from layer <b>14"]),
        ({"gain": 1, "layers": 100}, "vanishing", ["every entry should be too small for float32"]),
        ({"kind": "orthogonal", "gain": 1}, "level", ["every direction has length <b>1.00</b>", "should never end"]),
        ({"kind": "standard_normal", "gain": 2}, "broken", ["and the shortest to <b>"]),
    ],
)
def test_the_sentence(state, verdict, parts):
    found = said(**state)
    assert found.verdict == verdict
    assert all(part in found.whole for part in parts), found.whole


def test_the_presets_tell_the_story():
    one = overflow()
    found = [one.sentence(one.evaluate(**one.state(**preset.state))).verdict for preset in one.presets]
    assert found == ["broken", "vanishing", "level", "broken", "broken"]
    assert (
        one.state(**one.presets[0].state)
        == one.default
        == {"kind": "gaussian", "layers": 150, "gain": 2, "dtype": "float32"}
    )
    assert record_of().log10_values[0, -1] > 38 and record_of().log10_values[2, -1] < -100  # the title


def test_the_median_direction_at_gain_one_is_theorys():
    record = record_of(gain=1, layers=100)
    expected = np.median(theory.gaussian_exponents(64, 1 / 64)) * 100 / math.log(10)
    assert record.log10_values[1, -1] == pytest.approx(expected, abs=0.5)
