"""The static form: HTML that is complete without a script, and a table that brings it to life.

The page's script (``explorer.js``) finds the element, decodes the table and draws with the page's own plotly. Nothing
here is loaded from another host.
"""

import base64
import hashlib
import json
from html import escape
from pathlib import Path

import numpy as np
import plotly.graph_objects as go

from gradlab.explorer import poster, table
from gradlab.explorer.core import WORDS, Explorer, Menu, Sentence, Slider, plain, script
from gradlab.style import HEIGHT, number, phone_height, power, swap

#: rows of "The numbers" at most
ROWS = 12


def html(explorer: Explorer, folder: str) -> str:
    """An explorer as one element. A table too large to stand in the page is written into ``folder`` as a script."""
    state = explorer.default
    record = explorer.evaluate(**state)
    figure, said = explorer.figure(record), explorer.sentence(record)
    spec = {
        "name": explorer.name,
        "controls": [_control_spec(control) for control in explorer.controls],
        "presets": [
            {"state": explorer.state(**p.state), "pin": explorer.state(**p.pin) if p.pin is not None else None}
            for p in explorer.presets
        ],
        "python": explorer.python({c.name: "" for c in explorer.controls}).split("(")[0],
        "words": WORDS,
        "swap": swap(),
    }
    figures, sentences = table.evaluated(explorer)
    data, inline = _table(explorer.name, table.compressed(explorer, figures, sentences), folder)
    head = f'data-explorer="{explorer.name}" data-state="{escape(json.dumps(state))}"'
    return "\n".join(
        [
            f'<section class="gl-explorer" {head} aria-label="{escape(explorer.title)}">',
            f'<p class="gl-title" role="heading" aria-level="2">{escape(explorer.title)}</p>',
            f'<div class="gl-controls">{"".join(_control(c) for c in explorer.controls)}</div>',
            _tries(explorer),
            _figure(figure, explorer.title, said),
            f'<p class="gl-sentence" data-verdict="{said.verdict}" data-reserve="{escape(_longest(sentences))}">'
            '<span class="gl-line"><span class="gl-mark" aria-hidden="true"></span>'
            f'<span class="gl-said">{said.whole}</span> <span class="gl-compared"></span></span></p>',
            '<p class="gl-notice" hidden></p>',
            _foot(explorer, figure),
            '<p class="gl-status" role="status"></p>',
            script(spec | data, "gl-spec"),
            f"{inline}</section>",
        ]
    )


def figure_html(figure: go.Figure) -> str:
    """A figure of a chapter: the same element with no controls. Its title and text equivalent are in layout.meta."""
    spec = figure.to_plotly_json()
    meta = spec["layout"].get("meta") or {}
    title, alt = meta.get("title", ""), meta.get("alt", "")
    if not title:
        raise ValueError("figure: got one without a title; build it with gradlab.style.figure(..., title=, alt=)")
    spec["layout"].pop("title", None)
    spec["layout"]["margin"] = dict(spec["layout"].get("margin", {})) | {"t": 30}
    data = base64.b64encode(table.encode([spec], [["reading", "", "", None]])).decode()
    bare = go.Figure(spec, _validate=False)
    words = {"name": "", "controls": [], "presets": [], "words": WORDS, "swap": swap(), "table": ""}
    return "\n".join(
        [
            f'<figure class="gl-explorer gl-plot" data-figure aria-label="{escape(plain(title))}">',
            f'<figcaption class="gl-title">{title}</figcaption>',
            _figure(bare, plain(title), Sentence("reading", alt)),
            _numbers(bare) if numbers_table(bare) else "",
            script(words, "gl-spec"),
            f'<script type="text/plain" class="gl-table">{data}</script></figure>',
        ]
    )


def numbers_table(figure: go.Figure) -> str:
    """The state's values as a table of at most ``ROWS`` rows: x, then every trace whose meta names a column.

    Rows are named by the layout's meta if it has ``rows``, else by x.
    """
    spec = figure.to_plotly_json()
    columns = [t for t in spec["data"] if (t.get("meta") or {}).get("column")]
    if not columns:
        return ""
    x = _column(columns[0]["x"])
    meta = spec["layout"].get("meta") or {}
    names = [meta.get("x", "x")] + [c["meta"]["column"] for c in columns]
    named = meta.get("rows") or [number_or_word(value) for value in x]
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    rows = "".join(
        f'<tr><th scope="row">{named[i]}</th>{"".join(_cell(c, x[i]) for c in columns)}</tr>'
        for i in evenly(len(x), ROWS)
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def evenly(count: int, most: int) -> list[int]:
    """At most ``most`` indices from 0 to count - 1, evenly spread, first and last included."""
    if count <= most:
        return list(range(count))
    return [(i * (count - 1) + (most - 1) // 2) // (most - 1) for i in range(most)]


def number_or_word(value: float) -> str:
    """A value of the first column: whole numbers bare, others with three digits."""
    return str(int(value)).replace("-", "−") if float(value).is_integer() and abs(value) < 1e6 else number(float(value))


def _column(node) -> np.ndarray:
    """Numbers as the page holds them, so that its script writes the same digits."""
    return table.array(table.floats(node))


def _cell(trace: dict, at: float) -> str:
    hits = np.flatnonzero(_column(trace["x"]) == at)
    if len(hits) == 0:
        return "<td></td>"
    if trace["meta"].get("format") == "text":
        return f"<td>{trace['text'][hits[0]]}</td>"
    value = float(_column(trace["y"])[hits[0]])
    return f"<td>{number(value) if trace['meta'].get('format') == 'number' else power(value)}</td>"


def _longest(sentences: list[list]) -> str:
    """The longest text that the sentence's place must hold at any width, unseen: no move of a control moves the page."""
    longest = max((plain(text) for _, text, _, _ in sentences), key=len)
    labels = [label for _, _, label, value in sentences if value is not None]
    if labels:
        longest += " " + WORDS["less"].format(decades="100.0", label=max(labels, key=len))
    return f"{longest} mm"  # room for the verdict's mark


def _figure(figure: go.Figure, title: str, said: Sentence) -> str:
    alt = f"{title}. {plain(said.whole)}"
    layout = figure.to_plotly_json()["layout"]
    heights = f"--gl-height:{layout.get('height', HEIGHT)}px;--gl-phone:{phone_height(layout)}px"
    drawn = f'<div class="gl-drawn" style="{heights}">{poster.svg(figure, alt=alt)}</div>'
    return f'<div class="gl-figure">{drawn}</div>'


def _tries(explorer: Explorer) -> str:
    if not explorer.presets:
        return ""
    tries = "".join(f'<button type="button" class="gl-preset">{escape(p.label)}</button>' for p in explorer.presets)
    label = f'<span aria-hidden="true">{WORDS["try"]}</span>'
    return f'<div class="gl-try" role="group" aria-label="{WORDS["try"]}">{label}{tries}</div>'


def _foot(explorer: Explorer, figure: go.Figure) -> str:
    switches = ("pin", "linear") if explorer.linear_axis else ("pin",)
    others = {"pin": "unpin", "copy": "copied"}  # what a button says in its other state; it is as wide as the wider

    def button(word: str) -> str:
        pressed = ' aria-pressed="false"' if word in switches else ""
        reserve = "\n".join((WORDS[word], WORDS[others.get(word, word)]))
        return f'<button type="button" data-do="{word}" data-reserve="{reserve}"{pressed}>{WORDS[word]}</button>'

    buttons = "".join(button(word) for word in ("pin", "again", *switches[1:], "copy", "link"))
    return f'<div class="gl-foot">{buttons}\n{_numbers(figure)}</div>'


def _numbers(figure: go.Figure) -> str:
    box = f'class="gl-table-box" tabindex="0" role="region" aria-label="{WORDS["numbers"]}"'
    return (
        f'<details class="gl-numbers"><summary>{WORDS["numbers"]}</summary>'
        f"<div {box}>{numbers_table(figure)}</div></details>"
    )


def _control(control: Slider | Menu) -> str:
    name, label, said = control.name, escape(control.label), escape(control.text(control.default))
    if isinstance(control, Menu):
        options = "".join(
            f'<option value="{escape(value)}"{" selected" if value == control.default else ""}>{escape(text)}</option>'
            for value, text in control.choices.items()
        )
        select = f'<select name="{name}" autocomplete="off">{options}</select>'
        return f'<label class="gl-control"><span>{label}</span>{select}</label>'
    last, at = len(control.values) - 1, list(control.values).index(control.default)
    return (
        f'<label class="gl-control"><span>{label} <b class="gl-value">{said}</b></span>'
        f'<input type="range" name="{name}" min="0" max="{last}" step="1" value="{at}" aria-label="{label}" '
        f'aria-valuetext="{said}" autocomplete="off" data-lm-suppress-shortcuts="true"></label>'
    )


def _control_spec(control: Slider | Menu) -> dict:
    values = list(control.values)
    return {
        "name": control.name,
        "label": control.label,
        "kind": "menu" if isinstance(control, Menu) else "slider",
        "values": values,
        "default": control.default,
        "texts": [control.text(v) for v in values],
        "literals": [repr(v) for v in values],
    }


def _table(name: str, data: bytes, folder: str) -> tuple[dict, str]:
    text = base64.b64encode(data).decode()
    if len(text) <= table.INLINE_LIMIT:
        return {"table": ""}, f'<script type="text/plain" class="gl-table">{text}</script>'
    key = f"{name}-{hashlib.sha256(data).hexdigest()[:12]}"
    path = Path(folder, f"{key}.js")
    path.parent.mkdir(parents=True, exist_ok=True)
    # A classic script, since pages opened from disk may load neither modules nor data.
    path.write_text(f'gradlabTables["{key}"]="{text}";\n')
    return {"table": key}, ""
