"""The live form shows what evaluate gives at any value, in a plain process without a kernel."""

import numpy as np
import pytest
from states import NAMES, explorer
from test_explorer import toy

from gradlab.explorer import Menu, Preset, Sentence, Slider, live
from gradlab.explorer.core import WORDS
from gradlab.explorer.table import floats

FEW = ("gradients", "window")  # every explorer is built; these are moved


class Shown:
    """The parts of a live explorer as a reader reaches them."""

    def __init__(self, one):
        self.explorer = one
        title, controls, tries, self.canvas, self.sentence, foot, self.code = live.build(one).children
        self.title = title.value
        self.controls = dict(zip((c.name for c in one.controls), controls.children, strict=True))
        self.all = (*tries.children, *foot.children)

    @property
    def buttons(self):
        return {button.description: button for button in self.all}

    def set(self, **state):
        for name, value in state.items():
            self.controls[name].value = value

    def press(self, label):
        button = self.buttons[label]
        if hasattr(button, "click"):
            button.click()
        else:
            button.value = not button.value

    def state(self):
        return {c.name: live.value_of(c, self.controls[c.name].value) for c in self.explorer.controls}

    def agrees(self, **more):
        """Compare sentence and traces with what evaluate, figure and sentence give for the controls' values."""
        record = self.explorer.evaluate(**(self.state() | more))
        spec = self.explorer.figure(record).to_plotly_json()
        assert self.explorer.sentence(record).whole in self.sentence.value
        for drawn, trace in zip(self.canvas.data, spec["data"], strict=False):
            for axis in ("x", "y"):
                np.testing.assert_array_equal(np.asarray(drawn[axis], dtype=float), floats(trace[axis]))
        assert len(self.canvas.data) == len(spec["data"]) + 1  # the last one is the pin
        (low, high), (least, most) = self.canvas.layout.yaxis.range, spec["layout"]["yaxis"]["range"]
        assert low <= least and most <= high  # a pin may have made the frame larger
        return record

    @property
    def pin(self):
        return np.asarray(self.canvas.data[-1].y, dtype=float), self.canvas.layout.annotations[-1].text


@pytest.mark.parametrize("name", NAMES)
def test_first_view(name):
    shown = Shown(explorer(name))
    assert shown.title == f"<b>{explorer(name).title}</b>" and shown.state() == explorer(name).default
    shown.agrees()
    assert (WORDS["linear"] in shown.buttons) == explorer(name).linear_axis


@pytest.mark.parametrize("name", FEW)
def test_moving_each_control_redraws(name):
    shown = Shown(explorer(name))
    for control in explorer(name).controls:
        seen = {shown.sentence.value}
        for value in (control.values[0], control.values[-1]):
            shown.set(**{control.name: value})
            shown.agrees()
            seen.add(shown.sentence.value)
        assert len(seen) >= 2


def test_values_outside_of_the_static_grid():
    shown = Shown(explorer("window"))
    shown.set(weight=33.3, centre=0.123)
    assert (
        shown.agrees().weight == pytest.approx(33.3)
        and shown.controls["weight"].value not in explorer("window").controls[0].values
    )


@pytest.mark.parametrize("name", FEW)
def test_presets_pin_again(name):
    one = explorer(name)
    shown = Shown(one)
    for preset in one.presets:
        shown.press(preset.label)
        assert shown.state() == one.state(**preset.state)
        shown.agrees(**one.state(**preset.state))
        assert (len(shown.pin[0]) > 0) == (preset.pin is not None)
    shown.press("Start again")
    assert shown.state() == one.default
    shown.agrees()


def test_a_pin_freezes_the_curve_and_the_sentence_compares():
    one = explorer("gradients")
    shown = Shown(one)
    frozen = np.asarray(shown.canvas.data[1].y)
    shown.press(WORDS["pin"])
    assert "equals the pinned curve" in shown.sentence.value
    shown.set(depth=40, initializer="standard_normal")
    y, label = shown.pin
    np.testing.assert_array_equal(y, frozen)
    assert label == "pinned: sigmoid, Xavier"
    difference = one.evaluate(40, "sigmoid", "standard_normal").measured[0] - frozen[0]
    assert f"{difference:.1f} powers of ten more than the pinned curve, sigmoid, Xavier" in shown.sentence.value
    shown.set(depth=2)  # the frame still holds the pinned curve
    assert shown.canvas.layout.yaxis.range[0] <= frozen.min()
    shown.press(WORDS["unpin"])
    assert len(shown.pin[0]) == 0 and not shown.pin[1] and "pinned" not in shown.sentence.value


def test_linear_axis_also_past_the_range_of_float32():
    shown = Shown(explorer("gradients"))
    shown.set(depth=50, activation="linear", initializer="standard_normal")
    log10 = np.asarray(shown.canvas.data[1].y, dtype=float)
    assert log10[0] > 39
    shown.press(WORDS["linear"])
    np.testing.assert_allclose(shown.canvas.data[1].y, 10**log10)
    low, high = shown.canvas.layout.yaxis.range
    assert low < 0 < max(shown.canvas.data[1].y) <= high < np.inf and shown.canvas.layout.yaxis.ticktext is None
    assert all(shape.visible is False for shape in shown.canvas.layout.shapes if shape.yref == "y")
    shown.press(WORDS["linear"])
    np.testing.assert_array_equal(shown.canvas.data[1].y, log10)


def test_linear_axis_skips_gaps():
    y = [0.0, None, -2.0]
    spec = live.on_linear_axis({"data": [{"y": y}], "layout": {"yaxis": {"range": [-3, 3], "tickvals": [0]}}})
    np.testing.assert_allclose(spec["data"][0]["y"], [1, np.nan, 0.01])
    assert spec["layout"]["yaxis"]["range"] == [-0.03, 1.06] and "tickvals" not in spec["layout"]["yaxis"]


def test_an_error_is_said_in_place_of_the_sentence():
    def evaluate(x=0.5, name="a"):
        if x > 1:
            raise ValueError(f"x: got {x}, expected < 1")
        return toy().evaluate(x, name)

    shown = Shown(toy(evaluate=evaluate))
    shown.set(x=2.0)
    assert shown.sentence.value == "x: got 2.0, expected &lt; 1"
    shown.press(WORDS["pin"])
    assert not shown.buttons[WORDS["pin"]].value and len(shown.pin[0]) == 0
    shown.set(x=0.0)
    shown.agrees()


def test_copy_as_python():
    shown = Shown(toy())
    shown.set(name="b")
    shown.press(WORDS["copy"])
    assert (
        shown.code.value
        == "<pre>from gradlab import widgets\n\nwidgets.toy().evaluate(x=0.5, name=&#x27;b&#x27;)</pre>"
    )
    shown.set(name="a")
    assert shown.code.value == ""


def test_every_scale_has_a_control():
    sliders = (
        Slider("log", "Log", (1.0, 10.0, 200.0), 200.0, scale="log"),
        Slider("signed", "Signed", (-100, 0.3, 100), 0.3, scale="signed log"),
        Slider("whole", "Whole", (1, 2, 9), 2),
        Slider("real", "Real", (0.0, 0.5, 1.0), 0.5),
        Slider("steps", "Steps", (1, 10, 1000), 10, scale="log"),
        Slider("odd", "Odd", (1, 3, 5), 3, between=False),
        Menu("word", "Word", {"a": "A"}, "a"),
    )
    one = toy(sliders, evaluate=lambda **state: state, sentence=lambda r: Sentence("reading", "Fine."),
              figure=lambda r: toy().figure(toy().evaluate()), presets=(Preset("P", {"log": 10}),))  # fmt: skip
    shown = Shown(one)
    assert [type(c).__name__ for c in shown.controls.values()] == [
        "FloatLogSlider", "BoundedFloatText", "IntSlider", "FloatSlider", "FloatLogSlider", "SelectionSlider", "Dropdown",
    ]  # fmt: skip
    assert list(shown.state().values())[1:] == [0.3, 2, 0.5, 10, 3, "a"] and shown.state()["log"] == pytest.approx(200)
    between = {"log": 55.5, "signed": -3.7, "whole": 5, "real": 0.123, "steps": 77}
    shown.set(**between)
    assert shown.state() == between | {"odd": 3, "word": "a"} and type(shown.state()["steps"]) is int


@pytest.mark.parametrize(
    ("difference", "said"),
    [(0.04, "equals"), (-0.04, "equals"), (16.454, "16.5 powers of ten more"), (-2.0, "2.0 powers of ten less")],
)
def test_compared(difference, said):
    assert said in live.compared(difference, "here")


def test_the_name_of_a_pin_stands_where_the_figure_keeps_room_for_it():
    shown = Shown(explorer("cells"))  # its first preset pins a curve
    shown.set(cell="relu", start="gaussian_large", length=1000)
    name, place = shown.canvas.layout.annotations[-1], shown.canvas.layout.meta["pinned"]
    assert name.text == "pinned: tanh, orthogonal, 100 steps"
    assert (name.x, name.y, name.xref, name.yref) == (place["x"], place["y"], "paper", "paper")
