"""The nine activations side by side: the record against other ways to the same numbers, and the figure that draws it."""

import numpy as np
import plotly.graph_objects as go
import pytest
from scipy.optimize import brentq, minimize_scalar
from scipy.special import ndtr

from gradlab import theory
from gradlab.activations import ACTIVATIONS, activation
from gradlab.explorer import static
from gradlab.explorer.table import floats
from gradlab.plots.slopes import Y_RANGE, slopes
from gradlab.records import SlopesRecord
from gradlab.style import ACTIVATION_LABELS, colour

NINE = ("sigmoid", "tanh", "softplus", "relu", "leaky_relu", "elu", "selu", "gelu", "silu")


@pytest.fixture(scope="module")
def record():
    return SlopesRecord.of([activation(name) for name in NINE], theory.rms_slope)


@pytest.fixture(scope="module")
def spec(record):
    return slopes(record).to_plotly_json()


def test_the_record_holds_slopes_that_are_differences_of_values(record):
    z, h = record.z, 1e-6
    assert z[0] == -3 and z[-1] == 3 and 0 in z and record.activations == NINE
    away = z != 0  # a kink has no two-sided slope
    for i, name in enumerate(NINE):
        phi = activation(name).value
        np.testing.assert_array_equal(record.value[i], phi(z))
        np.testing.assert_allclose(record.slope[i][away], ((phi(z + h) - phi(z - h)) / (2 * h))[away], atol=1e-8)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_no_slope_passes_its_supremum_and_the_search_finds_it(name):
    phi = activation(name)
    z = np.concatenate([np.linspace(-40, 40, 400_001), [-1e-12]])
    found = np.abs(phi.slope(z)).max()
    assert found <= phi.slope_supremum * (1 + 1e-12) and found == pytest.approx(phi.slope_supremum, abs=1e-9)


def test_where_the_modern_slopes_are_steepest():
    """SiLU: z tanh(z/2) = 2 and the slope (z + 2)/4. GELU: z = sqrt(2). SELU: just below 0."""
    z = brentq(lambda z: z * np.tanh(z / 2) - 2, 1, 5, xtol=1e-14)
    assert activation("silu").slope_supremum == pytest.approx((z + 2) / 4, abs=1e-14)
    best = minimize_scalar(lambda z: -activation("silu").slope(np.array(z)), bounds=(1, 5), method="bounded")
    assert best.x == pytest.approx(z, abs=1e-4)
    gelu = ndtr(2**0.5) + np.exp(-1) / np.sqrt(np.pi)
    assert activation("gelu").slope_supremum == pytest.approx(gelu, abs=1e-14)


def test_steepest_points(record):
    at = dict(zip(NINE, record.steepest, strict=True))
    assert at["sigmoid"] == at["tanh"] == at["elu"] == at["selu"] == 0
    assert at["gelu"] == pytest.approx(2**0.5, abs=0.03) and at["silu"] == pytest.approx(2.3994, abs=0.03)
    assert 0 < at["relu"] <= 0.05 and np.isnan(at["softplus"])


@pytest.mark.parametrize(
    ("given", "message"),
    [(([], theory.rms_slope), "activations is empty"), (([activation("tanh")], theory.rms_slope, 0.0), "end = 0.0")],
)
def test_bad_input_names_the_argument(given, message):
    names, rms, *end = given
    with pytest.raises(ValueError, match=message):
        SlopesRecord.of(names, rms, **({"end": end[0]} if end else {}))


def test_the_figure_draws_the_record(record, spec):
    go.Figure(spec)
    assert len(spec["data"]) == 4 * len(NINE)
    for i, name in enumerate(NINE):
        density, value, slope, dot = spec["data"][4 * i : 4 * i + 4]
        axes = {(t["xaxis"], t["yaxis"]) for t in (density, value, slope, dot)}
        number = str(i + 1) if i else ""
        assert axes == {(f"x{number}", f"y{number}")}
        np.testing.assert_array_equal(floats(slope["y"]), record.slope[i])
        assert slope["line"]["color"] == colour(name) and floats(density["y"]).max() == pytest.approx(0.3989, abs=1e-4)
        x, y = floats(value["x"]), floats(value["y"])
        assert np.allclose(np.diff(x), record.z[1] - record.z[0])
        assert Y_RANGE[0] < y.min() and y.max() < Y_RANGE[1]
        assert len(floats(dot["x"])) == np.isfinite(record.steepest[i])
    assert record.slope.min() > Y_RANGE[0] and record.supremum.max() < Y_RANGE[1]


def test_panels_do_not_overlap(spec):
    boxes = []
    for i in range(len(NINE)):
        number = str(i + 1) if i else ""
        boxes.append((*spec["layout"][f"xaxis{number}"]["domain"], *spec["layout"][f"yaxis{number}"]["domain"]))
    assert np.min(boxes) >= -1e-12 and np.max(boxes) <= 1 + 1e-12
    for i, (a, b, c, d) in enumerate(boxes):
        assert b > a and d > c
        assert all(b <= e or f <= a or d <= g or h <= c for e, f, g, h in boxes[i + 1 :])


def test_title_alt_and_notes_state_the_numbers(record, spec):
    meta = spec["layout"]["meta"]
    assert meta["title"] == "3 of 9 slopes pass 1: SELU 1.76, GELU 1.13, SiLU 1.10"
    assert all(ACTIVATION_LABELS[name] in meta["alt"] for name in NINE) and "GELU 1.13 and 0.675" in meta["alt"]
    always = [n["text"] for n in spec["layout"]["annotations"] if n.get("name") != "wide"]
    assert always[0] == "<b>sigmoid</b> 0.25" and always[-1] == "<b>SiLU</b> 1.10" and len(always) == len(NINE)
    tame = slopes(SlopesRecord.of([activation("tanh"), activation("relu")], theory.rms_slope))
    assert tame.layout.meta["title"] == "No slope here passes 1"


def test_the_page_form_is_small(spec):
    assert len(static.figure_html(go.Figure(spec))) < 100_000
