"""What an explorer is made of refuses bad input; every state of every explorer of the book says and shows something."""

import re
from dataclasses import dataclass, fields

import numpy as np
import pytest
from states import NAMES, explorer, states

from gradlab import widgets
from gradlab.explorer import VERDICTS, Explorer, Menu, Preset, Sentence, Slider, limits
from gradlab.explorer.core import plain
from gradlab.explorer.table import floats
from gradlab.style import figure

LINE = 95  # characters of the sentence's type that fit a line of a desktop page


@dataclass(frozen=True)
class Square:
    x: float
    name: str


def toy(controls=None, **more):
    """A small explorer; its title needs escaping."""
    controls = controls or (Slider("x", "Value", (-1, 0.5, 3), 0.5), Menu("name", "Name", {"a": "A", "b": "B"}, "a"))
    made = {
        "name": "toy",
        "title": 'x < "y" & </script>',
        "evaluate": lambda x=0.5, name="a": Square(x, name),
        "figure": lambda r: figure(
            [
                {
                    "type": "scatter",
                    "x": np.arange(3.0),
                    "y": r.x * np.arange(3),
                    "meta": {"role": "measured"},
                    "line": {"color": "#1C2128"},
                }
            ],
            {"xaxis": {"range": [0, 2]}, "yaxis": {"range": [-2, 6]}},
        ),
        "sentence": lambda r: Sentence("reading", f"{r.name}: {r.x:g}.", r.name, r.x),
    }
    return Explorer(controls=controls, **(made | more))


# ------------------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Slider("depth", "Depth", (), 1),
            r"values of control 'depth': got an empty grid, expected at least one",
        ),
        (
            lambda: Slider("depth", "Depth", (3, 1), 1),
            r"values of control 'depth': got \[3, 1\], expected them in increasing",
        ),
        (lambda: Slider("depth", "Depth", (1, 1), 1), r"got \[1, 1\], expected them in increasing order"),
        (lambda: Slider("depth", "Depth", (1, 2), 3), r"default of control 'depth': got 3, expected one of \[1, 2\]"),
        (
            lambda: Slider("depth", "Depth", (1,), 1, scale="cubic"),
            r"scale .*'cubic', expected linear, log or signed log",
        ),
        (lambda: Menu("kind", "Kind", {}, "a"), r"choices of control 'kind': got none"),
        (lambda: Menu("kind", "Kind", {"a": "A"}, "b"), r"default of control 'kind': got 'b', expected one of \['a'\]"),
        (lambda: Sentence("worse", "text"), r"verdict: got 'worse', expected one of vanishing, level"),
        (
            lambda: toy(presets=(Preset("p", {"nane": "b"}),)),
            r"nane: no such control, expected one of x, name; did you mean 'name'\?",
        ),
        (lambda: toy(presets=(Preset("p", {"x": 2}),)), r"x: got 2, expected one of \[-1, 0.5, 3\]"),
        (lambda: toy(presets=(Preset("p", pin={"x": 2}),)), r"x: got 2, expected one of"),
        (lambda: toy((Slider("x", "X", (1,), 1), Slider("x", "Y", (1,), 1))), r"got 'x' twice"),
        (lambda: toy().state(zzz=1), r"zzz: no such control, expected one of x, name$"),
    ],
)
def test_bad_input_names_the_argument(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_grid_of_numpy_numbers_becomes_pythons_own():
    slider = Slider("w", "W", np.linspace(0, 1, 3), 0.5)
    assert [type(v) for v in slider.values] == [float] * 3
    assert toy((slider,)).python({"w": slider.values[1]}).endswith("evaluate(w=0.5)")


def test_states_stand_in_the_order_of_their_index():
    one = toy()
    assert [one.index(state) for state in one.states()] == list(range(one.state_count)) == list(range(6))
    assert next(one.states()) == {"x": -1, "name": "a"} and one.index({"x": -1, "name": "b"}) == 1


def test_limits_of_controls():
    limits.whole(2, length=np.int64(9))
    limits.number(-1, 3, gain=3 * (1 + 1e-13), bias=np.float64(-1))
    limits.one_of({1: "one", "a": "A"}, kernel=1, name="a")
    for call, message in (
        (lambda: limits.whole(2, length=1.0), r"length: got 1.0, expected a whole number from 2$"),
        (lambda: limits.whole(0, 5, length=2, epoch=True), r"epoch: got True, expected a whole number from 0 to 5$"),
        (lambda: limits.number(-1, 3, gain=np.nan), r"gain: got nan, expected a number from -1 to 3$"),
        (lambda: limits.number(-1, 3, gain="2"), r"gain: got '2', expected a number"),
        (lambda: limits.one_of((1, 3), kernel=True), r"kernel: got True, expected one of 1, 3$"),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_texts_of_controls():
    slider = Slider("d", "D", (-2, 0.5, 3), 3, unit="layers", words={0.5: "half"})
    assert [slider.text(v) for v in slider.values] == ["−2 layers", "half", "3 layers"]


def test_mime_bundle_follows_the_build(monkeypatch, tmp_path):
    monkeypatch.delenv("GRADLAB_STATIC", raising=False)
    live = toy()._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in live and live["text/plain"] == "Explorer('toy')"
    monkeypatch.setenv("GRADLAB_STATIC", str(tmp_path))
    static = toy()._repr_mimebundle_()
    assert static.keys() == {"text/plain", "text/html"} and "data-explorer" in static["text/html"]


# ------------------------------------------------------------------------------------ the explorers of the book


def everywhere(test):
    return pytest.mark.parametrize("name", NAMES)(test)


@everywhere
def test_name_and_controls(name):
    one = explorer(name)
    assert one.name == name and one.state_count == len(states(name))
    assert all(control.label and control.name.isidentifier() for control in one.controls) and len(one.controls) <= 4


@everywhere
def test_python_text_gives_the_record_shown(name):
    one = explorer(name)
    state = {control.name: control.values[len(control.values) // 3] for control in one.controls}
    *head, last = one.python(state).splitlines()
    scope = {}
    exec("\n".join(head), scope)
    again, record = eval(last, scope), one.evaluate(**state)
    assert type(again) is type(record)
    for field in fields(record):
        np.testing.assert_array_equal(getattr(again, field.name), getattr(record, field.name), err_msg=field.name)


@everywhere
def test_presets_are_three_to_five_different_states(name):
    one = explorer(name)
    chosen = [(one.index(one.state(**p.state)), p.pin and one.index(one.state(**p.pin))) for p in one.presets]
    assert 3 <= len(chosen) <= 5 and len(set(chosen)) == len(chosen)
    assert all(2 <= len(p.label.split()) <= 4 or len(p.label) <= 20 for p in one.presets)


@everywhere
def test_sentences_can_be_read(name):
    for values, _, _, said in states(name):
        text = plain(said.whole)
        assert said.verdict in VERDICTS and text.endswith("."), values
        assert not re.search(r"\b(nan|inf|None|undefined)\b|\d[eE][-+]?\d|[{}]", text), (values, text)
        assert not re.sub(r"</?(b|sup)>", "", said.whole).count("<"), (values, said.whole)
        assert len(text) <= 3 * LINE, (values, len(text), text)
        assert said.label and not re.search(r"\d[eE][-+]?\d|nan|-\d", said.label), (values, said.label)
        assert said.log10_value is None or np.isfinite(said.log10_value), values


@everywhere
def test_every_control_answers_from_the_first_state(name):
    """Whatever is touched first, the sentence says that something happened."""
    one = explorer(name)
    said = {tuple(state.values.values()): state.said.whole for state in states(name)}
    for control in one.controls:
        sentences = {said[tuple(one.state(**{control.name: value}).values())] for value in control.values}
        assert len(sentences) >= min(len(control.values), 3), control.name


def _shape(spec):
    traces = [
        (t["type"], t.get("mode"), t.get("xaxis"), t.get("yaxis"), (t.get("meta") or {}).get("role"), sorted(t))
        for t in spec["data"]
    ]
    layout = spec["layout"]
    return traces, sorted(layout), len(layout.get("annotations", ())), len(layout.get("shapes", ()))


@everywhere
def test_every_state_has_the_same_traces(name):
    first = _shape(states(name)[0].spec)
    assert all(_shape(state.spec) == first for state in states(name))
    assert [role for *_, role, _ in first[0]].count("measured") == 1


def _inside(trace, layout):
    """Of the points of a trace that are drawn, which stand in its frame."""
    x, y = floats(trace["x"]), floats(trace["y"])
    there = ~(np.isnan(x) | np.isnan(y))
    inside = there.copy()
    for values, key in ((x, trace.get("xaxis", "x")), (y, trace.get("yaxis", "y"))):
        low, high = layout[f"{key[0]}axis{key[1:]}"]["range"]
        inside &= (values >= low - 1e-9) & (values <= high + 1e-9)
    return inside[there]


@everywhere
def test_marks_stand_in_the_frame(name):
    """All but the strip of the front page, which holds one decade each way."""
    cut = ("strip", "band") if name == "gradients" else ()
    for values, _, spec, _ in states(name):
        for trace in spec["data"]:
            role = (trace.get("meta") or {}).get("role")
            inside = _inside(trace, spec["layout"])
            assert len(inside) or role != "measured", values
            assert not len(inside) or (inside.any() if role in cut else inside.all()), (values, role)


@everywhere
def test_default_state_shows_every_kind_of_mark(name):
    """First paint is a finished figure; an overflow is the one mark that no static state has."""
    data = explorer(name).figure(explorer(name).evaluate(**explorer(name).default)).to_plotly_json()["data"]
    for trace in data:
        if (trace.get("meta") or {}).get("role") not in ("overflow", "weight"):
            assert len(floats(trace["x"])), trace.get("meta")


def test_all_explorers_are_exported():
    assert set(NAMES) == {name for name in vars(widgets) if callable(getattr(widgets, name))}
