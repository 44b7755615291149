"""What an explorer is made of: controls, a function, a figure, a sentence; and how it shows itself."""

import difflib
import itertools
import json
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import plotly.graph_objects as go

#: The most states a static explorer may have. Beyond it the build would take minutes and the table megabytes.
STATE_LIMIT = 4000


@dataclass(frozen=True)
class Slider:
    """A control over ordered numbers.

    name: the parameter's name. label: what the reader sees. values: the grid of the static form, in increasing order;
    the live form takes any value between the first and the last. scale: "linear", "log" or "signed log". unit: stands
    after the value. words: optional words for single values ("centred" for a bias, say). between: False where the live
    form, too, takes the grid's values only. ValueError for an empty or unsorted grid, a default outside it and an unknown
    scale.

    >>> Slider("bias", "Bias", values=(-0.5, 0, 2), default=0, words={0: "none"}).text(-0.5)
    '−0.5'
    """

    name: str
    label: str
    values: Sequence[float]
    default: float
    unit: str = ""
    scale: str = "linear"
    words: dict[float, str] = field(default_factory=dict)
    between: bool = True

    def __post_init__(self):
        # Python's own numbers, so that a state can be written as JSON and as a line of Python.
        object.__setattr__(self, "values", tuple(v.item() if isinstance(v, np.generic) else v for v in self.values))
        if len(self.values) == 0:
            raise ValueError(f"values of control {self.name!r}: got an empty grid, expected at least one value")
        if list(self.values) != sorted(set(self.values)):
            raise ValueError(
                f"values of control {self.name!r}: got {list(self.values)}, expected them in increasing order"
            )
        if self.default not in self.values:
            raise ValueError(
                f"default of control {self.name!r}: got {self.default!r}, expected one of {list(self.values)}"
            )
        if self.scale not in ("linear", "log", "signed log"):
            raise ValueError(f"scale of control {self.name!r}: got {self.scale!r}, expected linear, log or signed log")

    @property
    def whole(self) -> bool:
        """Whether the values are whole numbers, in the live form as well."""
        return all(isinstance(value, int) for value in self.values)

    def text(self, value: float) -> str:
        """The value as the reader sees it, with its unit."""
        if value in self.words:
            return self.words[value]
        return f"{value:g}".replace("-", "−") + (f" {self.unit}" if self.unit else "")


@dataclass(frozen=True)
class Menu:
    """A control over named choices: ``choices`` maps each value to the word that the reader sees.

    >>> Menu("activation", "Activation", {"relu": "ReLU"}, default="relu").text("relu")
    'ReLU'
    """

    name: str
    label: str
    choices: dict[str, str]
    default: str

    def __post_init__(self):
        if not self.choices:
            raise ValueError(f"choices of control {self.name!r}: got none, expected at least one")
        if self.default not in self.choices:
            raise ValueError(
                f"default of control {self.name!r}: got {self.default!r}, expected one of {list(self.choices)}"
            )

    @property
    def values(self) -> list[str]:
        return list(self.choices)

    def text(self, value: str) -> str:
        """The choice as the reader sees it."""
        return self.choices[value]


@dataclass(frozen=True)
class Preset:
    """A named state. Controls that ``state`` leaves out take their default; ``pin`` is a state to freeze beside it."""

    label: str
    state: dict[str, Any] = field(default_factory=dict)
    pin: dict[str, Any] | None = None


#: verdict -> the word that opens a sentence. "reading" opens none.
VERDICTS = {
    "vanishing": "Vanishing.",
    "level": "Level.",
    "exploding": "Exploding.",
    "both": "Both at once.",
    "broken": "Not a number.",
    "reading": "",
}


@dataclass(frozen=True)
class Sentence:
    """What a state says, in whole sentences.

    verdict: a key of ``VERDICTS``. text: HTML with <b> and <sup> only. label: short name of the measured curve, shown
    when it is pinned. log10_value: the state's headline number in decades, compared with the pinned one; or None.

    >>> Sentence("level", "Each layer passes <b>0.998</b>.").whole
    '<b>Level.</b> Each layer passes <b>0.998</b>.'
    """

    verdict: str
    text: str
    label: str = ""
    log10_value: float | None = None

    def __post_init__(self):
        if self.verdict not in VERDICTS:
            raise ValueError(f"verdict: got {self.verdict!r}, expected one of {', '.join(VERDICTS)}")

    @property
    def whole(self) -> str:
        """Verdict and text."""
        word = VERDICTS[self.verdict]
        return f"<b>{word}</b> {self.text}" if word else self.text


@dataclass(frozen=True)
class Explorer:
    """A pure function of a few controls, a figure and a sentence.

    evaluate: (**state) -> record. figure: record -> go.Figure, with the same traces in the same order in every state.
    sentence: record -> Sentence. presets: the "Try" row. linear_axis: offer a linear axis; the main y axis then holds
    log10 values. ValueError where two controls share a name or a preset leaves the grid.

    >>> from gradlab import widgets
    >>> widgets.gradients().state_count
    1250
    """

    name: str
    title: str
    controls: tuple[Slider | Menu, ...]
    evaluate: Callable[..., Any]
    figure: Callable[[Any], go.Figure]
    sentence: Callable[[Any], Sentence]
    presets: tuple[Preset, ...] = ()
    linear_axis: bool = False

    def __post_init__(self):
        names = [control.name for control in self.controls]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"controls of explorer {self.name!r}: got {twice[0]!r} twice, expected different names")
        for preset in self.presets:
            self.index(self.state(**preset.state))
            if preset.pin is not None:
                self.index(self.state(**preset.pin))

    @property
    def default(self) -> dict[str, Any]:
        """The state in which the explorer opens."""
        return {control.name: control.default for control in self.controls}

    @property
    def state_count(self) -> int:
        """How many states the static form holds: the product of the lengths of all grids."""
        return math.prod(len(control.values) for control in self.controls)

    def state(self, **some) -> dict[str, Any]:
        """A whole state from some of its values; the rest take their default."""
        unknown = [name for name in some if name not in self.default]
        if unknown:
            near = difflib.get_close_matches(unknown[0], self.default)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"{unknown[0]}: no such control, expected one of {', '.join(self.default)}{hint}")
        return self.default | some

    def states(self):
        """Every state of the grid, the last control running fastest: the order of the static table."""
        names = [control.name for control in self.controls]
        for values in itertools.product(*(control.values for control in self.controls)):
            yield dict(zip(names, values, strict=True))

    def index(self, state: dict[str, Any]) -> int:
        """Where a state stands in ``states()``; ValueError when one of its values is not in the grid."""
        position = 0
        for control in self.controls:
            values = list(control.values)
            if state[control.name] not in values:
                raise ValueError(f"{control.name}: got {state[control.name]!r}, expected one of {values}")
            position = position * len(values) + values.index(state[control.name])
        return position

    def python(self, state: dict[str, Any]) -> str:
        """The call that returns the record drawn in ``state``."""
        arguments = ", ".join(f"{name}={value!r}" for name, value in state.items())
        return f"from gradlab import widgets\n\nwidgets.{self.name}().evaluate({arguments})"

    def poster(self, **some) -> "Poster":
        """The figure of one state as a small still picture with its title and sentence as text equivalent."""
        record = self.evaluate(**self.state(**some))
        return Poster(self.figure(record), f"{self.title}. {plain(self.sentence(record).whole)}", self.name)

    def __repr__(self) -> str:
        # Fixed text: it is stored in the chapters and compared by nbval.
        return f"Explorer({self.name!r})"

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        if folder := static_folder():
            from gradlab.explorer import static

            return {"text/plain": repr(self), "text/html": static.html(self, folder)}
        from gradlab.explorer import live

        return live.build(self)._repr_mimebundle_() | {"text/plain": repr(self)}


@dataclass(frozen=True)
class Poster:
    """A still picture of a figure: an SVG of a few kB, readable without any script."""

    figure: go.Figure
    alt: str
    name: str = "figure"

    def __repr__(self) -> str:
        return f"Poster({self.name!r})"

    def _repr_html_(self) -> str:
        from gradlab.explorer import poster

        # Both widths stand in the page, with the rule that shows one of them: JupyterLab has no style sheet of ours.
        rule = (
            "<style>.gl-poster>svg+svg{display:none}@media(max-width:640px)"
            "{.gl-poster>svg:first-child{display:none}.gl-poster>svg+svg{display:block}}</style>"
        )
        pictures = (poster.svg(self.figure, alt=self.alt, phone=phone) for phone in (False, True))
        return f'{rule}<div class="gl-poster">{"".join(pictures)}</div>'


def plain(html: str) -> str:
    """HTML of a sentence as plain text: superscripts become ^.

    >>> plain("<b>5.9 · 10<sup>−19</sup></b> is left")
    '5.9 · 10^−19 is left'
    """
    return html.replace("<sup>", "^").replace("</sup>", "").replace("<b>", "").replace("</b>", "").strip()


def script(data, css_class: str = "") -> str:
    """Data in a page for its script. No "<" is left in it, so that no text can end the element or open a comment."""
    payload = json.dumps(data, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    named = f' class="{css_class}"' if css_class else ""
    return f'<script type="application/json"{named}>{payload}</script>'


def static_folder() -> str | None:
    """Where a build wants the tables of static explorers; None with a live kernel."""
    return os.environ.get("GRADLAB_STATIC")


class PlotlyMime:
    """Draws plotly figures on built pages (a myst-nb mime renderer, registered in pyproject.toml)."""

    mime_priority_overrides = (("html", "application/vnd.plotly.v1+json", 1),)

    @staticmethod
    def handle_mime(renderer, data, inline):
        """The figure as the same static element that explorers use, with no controls."""
        if data.mime_type != "application/vnd.plotly.v1+json":
            return None
        from docutils import nodes

        from gradlab.explorer import static

        return [nodes.raw(text=static.figure_html(go.Figure(data.content)), format="html")]


#: Every word that the page's script or the live form shows and that no explorer brings itself. Whole sentences with
#: named places, so that a translation replaces them here and nowhere else.
WORDS = {
    "try": "Try",
    "pin": "Pin this curve",
    "unpin": "Remove the pin",
    "again": "Start again",
    "linear": "Linear axis",
    "decades": "Powers of ten",
    "numbers": "The numbers",
    "copy": "Copy as Python",
    "copied": "Copied.",
    "link": "Link to this state",
    "back": "Back to the text",
    "pinned": "pinned: {label}",
    "more": "That is {decades} powers of ten more than the pinned curve, {label}.",
    "less": "That is {decades} powers of ten less than the pinned curve, {label}.",
    "same": "That equals the pinned curve, {label}, to a tenth of a power of ten.",
    "ignored": "The address asks for {name} = {value}, which this page does not hold; the rest of it was kept.",
    "missing": "The table of this explorer could not be read. The picture above shows its first state.",
    "guess": "Your guess",
    "check": "Compare",
    "show": "Show me",
    "unread": "That does not read as a positive number. Write 0.001, 1e-9, 10^-9 or 1 in a million.",
    "your_guess": "your guess",
}
