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
from gradlab.explorer.core import WORDS, Explorer, Menu, Sentence, Slider, plain
from gradlab.style import number, power, swap

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
    data, inline = _table(explorer.name, table.build(explorer), folder)
    spec |= data
    tries = "".join(f'<button type="button" class="gl-preset">{escape(p.label)}</button>' for p in explorer.presets)
    tries = f'<div class="gl-try" role="group" aria-label="{WORDS["try"]}"><span aria-hidden="true">{WORDS["try"]}</span>{tries}</div>'
    linear = f'<button type="button" data-do="linear" aria-pressed="false">{WORDS["linear"]}</button>' if explorer.linear_axis else ""
    return f"""<section class="gl-explorer" data-explorer="{explorer.name}" data-state="{escape(json.dumps(state), quote=True)}" aria-label="{escape(explorer.title, quote=True)}">
<p class="gl-title" role="heading" aria-level="3">{escape(explorer.title)}</p>
<div class="gl-controls">{"".join(_control(c) for c in explorer.controls)}</div>
{tries if explorer.presets else ""}
{_figure(figure, explorer.title, said)}
<p class="gl-sentence" data-verdict="{said.verdict}"><span class="gl-mark" aria-hidden="true"></span><span class="gl-said">{said.whole}</span> <span class="gl-compared"></span></p>
<p class="gl-notice" hidden></p>
<div class="gl-foot"><button type="button" data-do="pin" aria-pressed="false">{WORDS["pin"]}</button><button type="button" data-do="again">{WORDS["again"]}</button>{linear}<button type="button" data-do="copy">{WORDS["copy"]}</button><button type="button" data-do="link">{WORDS["link"]}</button>
<details class="gl-numbers"><summary>{WORDS["numbers"]}</summary><div class="gl-table-box" tabindex="0" role="region" aria-label="{WORDS["numbers"]}">{numbers_table(figure)}</div></details></div>
<p class="gl-status" role="status"></p>
{_script("gl-spec", spec)}
{inline}</section>"""


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
    return f"""<figure class="gl-explorer gl-plot" data-figure aria-label="{escape(plain(title), quote=True)}">
<figcaption class="gl-title">{title}</figcaption>
{_figure(bare, plain(title), Sentence("reading", alt))}
<details class="gl-numbers"><summary>{WORDS["numbers"]}</summary><div class="gl-table-box" tabindex="0" role="region" aria-label="{WORDS["numbers"]}">{numbers_table(bare)}</div></details>
{_script("gl-spec", {"name": "", "controls": [], "presets": [], "words": WORDS, "swap": swap(), "table": ""})}
<script type="text/plain" class="gl-table">{data}</script></figure>"""


def numbers_table(figure: go.Figure) -> str:
    """The state's values as a table of at most ``ROWS`` rows: x, then every trace whose meta names a column."""
    spec = figure.to_plotly_json()
    columns = [t for t in spec["data"] if (t.get("meta") or {}).get("column")]
    if not columns:
        return ""
    x = table.array(columns[0]["x"])
    rows = [x[i] for i in evenly(len(x), ROWS)]
    head = [(spec["layout"].get("meta") or {}).get("x", "x")] + [c["meta"]["column"] for c in columns]
    body = "".join(f"<tr><th scope=row>{number_or_word(value)}</th>{''.join(_cell(c, value) for c in columns)}</tr>" for value in rows)
    return f"<table><thead><tr>{''.join(f'<th scope=col>{h}</th>' for h in head)}</tr></thead><tbody>{body}</tbody></table>"


def evenly(count: int, most: int) -> list[int]:
    """At most ``most`` indices from 0 to count - 1, evenly spread, first and last included."""
    if count <= most:
        return list(range(count))
    return [(i * (count - 1) + (most - 1) // 2) // (most - 1) for i in range(most)]


def number_or_word(value: float) -> str:
    """A value of the first column: whole numbers bare, others with three digits."""
    return str(int(value)).replace("-", "−") if float(value).is_integer() and abs(value) < 1e6 else number(float(value))


def _cell(trace: dict, at: float) -> str:
    x, y = table.array(trace["x"]), table.array(trace["y"])
    hits = np.nonzero(x == at)[0]
    if len(hits) == 0:
        return "<td></td>"
    value = float(y[hits[0]])
    return f"<td>{power(value) if trace['meta'].get('format', 'power') == 'power' else number(value)}</td>"


def _figure(figure: go.Figure, title: str, said: Sentence) -> str:
    alt = f"{title}. {plain(said.whole)}"
    return f'<div class="gl-figure"><div class="gl-drawn">{poster.svg(figure, alt=alt)}</div></div>'


def _control(control: Slider | Menu) -> str:
    name, value = control.name, control.default
    if isinstance(control, Menu):
        options = "".join(
            f'<option value="{escape(v, quote=True)}"{" selected" if v == value else ""}>{escape(text)}</option>'
            for v, text in control.choices.items()
        )
        return f'<label class="gl-control"><span>{escape(control.label)}</span><select name="{name}" autocomplete="off">{options}</select></label>'
    values = list(control.values)
    return (
        f'<label class="gl-control"><span>{escape(control.label)} <b class="gl-value">{escape(control.text(value))}</b></span>'
        f'<input type="range" name="{name}" min="0" max="{len(values) - 1}" step="1" value="{values.index(value)}" '
        f'aria-label="{escape(control.label, quote=True)}" aria-valuetext="{escape(control.text(value), quote=True)}" autocomplete="off" data-lm-suppress-shortcuts="true"></label>'
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


def _script(css_class: str, data: dict) -> str:
    # "</" would end the element early, whatever the JSON means by it.
    payload = json.dumps(data, ensure_ascii=False).replace("</", "<\\/")
    return f'<script type="application/json" class="{css_class}">{payload}</script>'
