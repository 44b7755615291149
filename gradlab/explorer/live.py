"""The live form: ipywidgets controls and a plotly FigureWidget, computed by the kernel at any value."""

import math
from html import escape

import ipywidgets
import numpy as np
import plotly.graph_objects as go

from gradlab.explorer.core import WORDS, Explorer, Menu, Slider
from gradlab.explorer.table import floats, numbers
from gradlab.style import note

_WIDE = ipywidgets.Layout(width="340px")


def build(explorer: Explorer) -> ipywidgets.VBox:
    """The explorer as one widget. Moving a control evaluates, then redraws in one batch."""
    return _Live(explorer).box


class _Live:
    """The state of one shown explorer: its controls, its pin and its axis; all else follows from them."""

    def __init__(self, explorer: Explorer):
        self.explorer = explorer
        self.pin: dict | None = None
        self.quiet = False
        self.controls = {control.name: _control(control) for control in explorer.controls}
        self.canvas = go.FigureWidget(self._figure(explorer.default))
        self.canvas._config = self.canvas._config | {"displayModeBar": False}
        self.sentence = ipywidgets.HTML(layout=ipywidgets.Layout(min_height="4.5em"))
        self.code = ipywidgets.HTML()
        self.linear = ipywidgets.ToggleButton(description=WORDS["linear"])
        self.pinned = ipywidgets.ToggleButton(description=WORDS["pin"])
        self.box = self._layout()
        self._press_first_pin()
        self._redraw()
        for control in self.controls.values():
            control.observe(self._redraw, names="value")
        self.linear.observe(self._redraw, names="value")
        self.pinned.observe(self._toggle_pin, names="value")

    def _layout(self) -> ipywidgets.VBox:
        tries = []
        for preset in self.explorer.presets:
            button = ipywidgets.Button(description=preset.label, layout=ipywidgets.Layout(width="auto"))
            button.on_click(lambda _, preset=preset: self._press(preset))
            tries.append(button)
        again, copy = (ipywidgets.Button(description=WORDS[word]) for word in ("again", "copy"))
        again.on_click(lambda _: self._again())
        copy.on_click(lambda _: setattr(self.code, "value", f"<pre>{escape(self.explorer.python(self.state))}</pre>"))
        foot = [self.pinned, again] + ([self.linear] if self.explorer.linear_axis else []) + [copy]
        wrap = ipywidgets.Layout(flex_flow="row wrap")
        return ipywidgets.VBox(
            [
                ipywidgets.HTML(f"<b>{escape(self.explorer.title)}</b>"),
                ipywidgets.HBox(list(self.controls.values()), layout=wrap),
                ipywidgets.HBox(tries, layout=wrap),
                self.canvas,
                self.sentence,
                ipywidgets.HBox(foot, layout=wrap),
                self.code,
            ]
        )

    @property
    def state(self) -> dict:
        return {
            control.name: value_of(control, self.controls[control.name].value) for control in self.explorer.controls
        }

    def _figure(self, state: dict) -> go.Figure:
        # The pinned curve and its label are always the last trace and the last note, empty or not.
        spec = self.explorer.figure(self.explorer.evaluate(**state)).to_plotly_json()
        return go.Figure(with_pin(spec, self.pin), _validate=False)

    def _record(self, state: dict):
        """The record of a state; None, and the reason in place of the sentence, where there is none."""
        try:
            return self.explorer.evaluate(**state)
        except ValueError as error:
            self.sentence.value = escape(str(error))
            return None

    def _redraw(self, _change=None) -> None:
        if self.quiet:
            return
        if (record := self._record(self.state)) is None:
            return
        spec = with_pin(self.explorer.figure(record).to_plotly_json(), self.pin)
        if self.linear.value:
            spec = on_linear_axis(spec)
        said = self.explorer.sentence(record)
        with self.canvas.batch_update():
            for old, new in zip(self.canvas.data, spec["data"], strict=True):
                old.update({key: _bare(value) for key, value in new.items() if key != "type"})
            self.canvas.layout = go.Layout(spec["layout"])
        self.sentence.value = f"<div style='font-family:serif;font-size:17px'>{said.whole} {self._compared(said)}</div>"
        self.code.value = ""

    def _compared(self, said) -> str:
        if self.pin is None or self.pin["log10_value"] is None or said.log10_value is None:
            return ""
        return compared(said.log10_value - self.pin["log10_value"], self.pin["label"])

    def _set(self, state: dict) -> None:
        # One redraw for many controls.
        self.quiet = True
        for name, value in state.items():
            self.controls[name].value = value
        self.quiet = False

    def _freeze(self, state: dict | None) -> None:
        self.pin = None
        if state is not None and (record := self._record(state)) is not None:
            said, spec = self.explorer.sentence(record), self.explorer.figure(record).to_plotly_json()
            self.pin = {"spec": spec, "label": said.label, "log10_value": said.log10_value}
        self.quiet = True
        self.pinned.value = self.pin is not None
        self.pinned.description = WORDS["unpin" if self.pin else "pin"]
        self.quiet = False

    def _press(self, preset) -> None:
        self._freeze(self.explorer.state(**preset.pin) if preset.pin is not None else None)
        self._set(self.explorer.state(**preset.state))
        self._redraw()

    def _press_first_pin(self) -> None:
        opens = (p for p in self.explorer.presets if self.explorer.state(**p.state) == self.explorer.default)
        first = next(opens, None)
        self._freeze(self.explorer.state(**first.pin) if first and first.pin is not None else None)

    def _again(self) -> None:
        self._press_first_pin()
        self._set(self.explorer.default)
        self._redraw()

    def _toggle_pin(self, change) -> None:
        if not self.quiet:
            self._freeze(self.state if change["new"] else None)
            self._redraw()


def _bare(value):
    """A trace's leaf as a widget takes it: arrays at full precision, all else as it is."""
    return value if (values := numbers(value)) is None else values


def compared(difference: float, label: str) -> str:
    """The clause that compares a state with the pinned one, from the difference of their headlines in decades."""
    kind = "same" if abs(difference) < 0.05 else "more" if difference > 0 else "less"
    return WORDS[kind].format(decades=f"{abs(difference):.1f}", label=label)


def with_pin(spec: dict, pin: dict | None) -> dict:
    """The figure with one more trace and note: the pinned curve, dotted in its own colour; empty without a pin."""
    trace = {"type": "scatter", "mode": "lines", "x": [], "y": [], "line": {"width": 2, "dash": "dot"}}
    label = note("", x=0, y=0, xref="paper", yref="paper")
    layout = dict(spec["layout"])
    curves = pin["spec"]["data"] if pin is not None else ()
    frozen = next((t for t in curves if (t.get("meta") or {}).get("role") == "measured"), None)
    if frozen is not None:
        trace |= {key: frozen[key] for key in ("x", "y", "xaxis", "yaxis") if key in frozen}
        trace["line"] = trace["line"] | {"color": frozen["line"]["color"]}
        x, y = floats(frozen["x"]), floats(frozen["y"])
        if len(x):
            # Its name stands where the figure keeps room for one, else at the curve's first point.
            place = (layout.get("meta") or {}).get("pinned") or {
                "x": float(x[0]), "y": float(y[0]), "xref": frozen.get("xaxis", "x"), "yref": frozen.get("yaxis", "y"),
                "yanchor": "bottom",
            }  # fmt: skip
            label = note(WORDS["pinned"].format(label=pin["label"]), colour_name="ink", xanchor="left", **place)
        for axis in ("xaxis", "yaxis"):
            if axis in layout and axis in pin["spec"]["layout"]:
                layout[axis] = max(layout[axis], pin["spec"]["layout"][axis], key=_span)
    layout["annotations"] = [*layout.get("annotations", ()), label]
    return {"data": [*spec["data"], trace], "layout": layout}


def _span(axis: dict) -> float:
    low, high = axis.get("range", (0, 0))
    return abs(high - low)


def on_linear_axis(spec: dict) -> dict:
    """The figure with its main y axis, which holds log10 values, made linear: 10 to the y, from 0 up."""

    data, top = [], 0.0
    for trace in spec["data"]:
        if trace.get("yaxis", "y") == "y" and "y" in trace:
            trace = trace | {"y": np.power(10.0, np.clip(floats(trace["y"]), -300, 300))}
            if "fill" not in trace:
                top = max(top, float(np.nanmax(trace["y"], initial=0.0)))
        data.append(trace)
    top = top or 1.0
    layout = dict(spec["layout"])
    kept = {key: value for key, value in layout["yaxis"].items() if key not in ("tickvals", "ticktext", "range")}
    layout["yaxis"] = kept | {"range": [-0.03 * top, 1.06 * top], "exponentformat": "power"}
    layout["shapes"] = [s | {"visible": False} if s.get("yref", "y") == "y" else s for s in layout.get("shapes", ())]
    layout["annotations"] = [
        a | {"y": 10.0 ** min(max(a["y"], -300.0), 300.0)} if a.get("yref") == "y" else a
        for a in layout.get("annotations", ())
    ]
    return {"data": data, "layout": layout}


def value_of(control: Slider | Menu, shown):
    """The value of a control; a logarithmic slider of ipywidgets holds whole numbers only to rounding."""
    return round(shown) if isinstance(control, Slider) and control.scale == "log" and control.whole else shown


def _control(control: Slider | Menu) -> ipywidgets.Widget:
    style = {"description_width": "initial"}
    if isinstance(control, Menu):
        options = [(text, value) for value, text in control.choices.items()]
        return ipywidgets.Dropdown(description=control.label, options=options, value=control.default, style=style)
    low, high = control.values[0], control.values[-1]
    common = {"description": control.label, "style": style, "layout": _WIDE}
    if not control.between:
        options = [(control.text(value), value) for value in control.values]
        return ipywidgets.SelectionSlider(options=options, value=control.default, **common)
    if control.scale == "log":
        ends = {"base": 10, "min": math.log10(low), "max": math.log10(high), "step": 0.001}
        return ipywidgets.FloatLogSlider(value=control.default, readout_format=".4g", **ends, **common)
    if control.scale == "signed log":
        return ipywidgets.BoundedFloatText(value=control.default, min=low, max=high, **common)
    if all(float(v).is_integer() for v in control.values):
        return ipywidgets.IntSlider(value=int(control.default), min=int(low), max=int(high), **common)
    ends = {"min": low, "max": high, "step": (high - low) / 1000}
    return ipywidgets.FloatSlider(value=control.default, readout_format=".4g", **ends, **common)
