"""What a page of the book shows, read back, beside what Python computes for the same state."""

import base64
import html
import re
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from gradlab import widgets
from gradlab.explorer import Explorer, Menu, static, table

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "_build" / "html"
sys.path.append(str(ROOT / "tools"))
import chromium  # noqa: E402, F401 (the fixtures take it from here)

SIZES = {"desktop": (1280, 800), "phone": (390, 844)}


@dataclass(frozen=True)
class Setting:
    """How a page is looked at: scheme "http" or "file", size "desktop" or "phone", theme "light" or "dark"."""

    scheme: str
    size: str
    theme: str

    def context(self) -> dict[str, Any]:
        width, height = SIZES[self.size]
        phone = {"has_touch": True, "is_mobile": True} if self.size == "phone" else {}
        return {"viewport": {"width": width, "height": height}, "color_scheme": self.theme} | phone

    def __str__(self) -> str:
        return f"{self.scheme}-{self.size}-{self.theme}"


DESK, POCKET = Setting("http", "desktop", "light"), Setting("file", "phone", "dark")
#: Four of the eight combinations: every pair, say dark and from disk, occurs once.
SETTINGS = [
    DESK,
    Setting("http", "phone", "dark"),
    Setting("file", "desktop", "dark"),
    Setting("file", "phone", "light"),
]


@cache
def pages() -> tuple[str, ...]:
    """The pages of the book that hold text, the front page first."""
    if not (BOOK / "intro.html").exists():
        return ()
    found = [path.relative_to(BOOK).as_posix() for path in sorted(BOOK.rglob("*.html")) if "_static" not in path.parts]
    text = [name for name in found if "<article" in source(name) and Path(name).stem not in ("genindex", "search")]
    return tuple(sorted(text, key=lambda name: (name != "intro.html", name)))


@cache
def source(page: str) -> str:
    """The HTML of a page as it was built."""
    return (BOOK / page).read_text(encoding="utf-8")


def explorers_of(page: str) -> list[str]:
    """Names of the explorers on a page."""
    return re.findall(r'data-explorer="(\w+)"', source(page))


def guesses_of(page: str) -> list[str]:
    """Names of the guess boxes on a page."""
    return re.findall(r'data-guess="([^"]*)"', source(page))


def element(page: str, name: str) -> str:
    """The HTML of one explorer of a page."""
    return re.search(rf'<section class="gl-explorer" data-explorer="{name}".*?</section>', source(page), re.S)[0]


# ------------------------------------------------------------------------------------------------- Python's side


@cache
def explorer(name: str) -> Explorer:
    """The explorer as the chapters make it."""
    return getattr(widgets, name)()


@cache
def _computed(name: str, items: tuple) -> tuple[Any, Any]:
    made = explorer(name)
    record = made.evaluate(**dict(items))
    return made.figure(record), made.sentence(record)


def computed(name: str, state: dict[str, Any]) -> tuple[Any, Any]:
    """(figure, sentence) that Python makes of a state."""
    return _computed(name, tuple(state.items()))


def grid_state(name: str, shown: dict[str, Any]) -> dict[str, Any]:
    """A state read from a page with the values that the controls hold in Python, types included."""
    controls = explorer(name).controls
    assert list(shown) == [control.name for control in controls]
    return {c.name: next(value for value in c.values if value == shown[c.name]) for c in controls}


def arrays(node: Any, path: str = "") -> dict[str, np.ndarray]:
    """Every array of numbers of a trace as float32, by its path: {"x": ..., "marker.size": ...}."""
    if (numbers := table.array(node)) is not None:
        return {path: numbers}
    if isinstance(node, (list, tuple)) and all(v is None or isinstance(v, (int, float)) for v in node):
        return {path: np.array(node, dtype=np.float32)}
    if isinstance(node, dict):
        parts = [arrays(value, f"{path}.{key}".lstrip(".")) for key, value in node.items() if key != "meta"]
        return {key: value for part in parts for key, value in part.items()}
    return {}


def cells(markup: str) -> list[list[str]]:
    """The rows of an HTML table, each a list of its cells' HTML."""
    rows = re.findall(r"<tr>(.*?)</tr>", markup, re.S)
    return [[html.unescape(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)] for row in rows]


# --------------------------------------------------------------------------------------------- the browser's side

#: What is drawn, once it is settled. Arrays travel as base64 of float32: JSON knows no "not a number".
READ = """async (name) => {
  await gradlab.settled();
  const root = document.querySelector(`[data-explorer="${name}"]`);
  const box = root.querySelector(".gl-drawn");
  const pack = (values) => {
    const bytes = new Uint8Array(Float32Array.from(values, (v) => (v === null ? NaN : v)).buffer);
    let text = "";
    for (const byte of bytes) text += String.fromCharCode(byte);
    return btoa(text);
  };
  const numeric = (v) => ArrayBuffer.isView(v) || (Array.isArray(v) && v.every((e) => e === null || typeof e === "number"));
  const arrays = (node, path, out) => {
    if (numeric(node)) out[path] = pack(node);
    else if (node && typeof node === "object" && !Array.isArray(node))
      for (const [key, value] of Object.entries(node)) if (key !== "meta") arrays(value, path ? `${path}.${key}` : key, out);
    return out;
  };
  const controls = [...root.querySelectorAll(".gl-control [name]")].map((c) => ({
    name: c.name, value: c.value, spoken: c.getAttribute("aria-valuetext"),
    shown: c.closest("label").querySelector(".gl-value")?.textContent,
  }));
  return {
    traces: box.data.map((t) => ({ type: t.type || "scatter", seen: t.visible !== false, role: t.meta?.role, arrays: arrays(t, "", {}) })),
    calculated: box.calcdata.map((points) => points.filter((p) => typeof p.x === "number")).map((points) =>
      ({ x: pack(points.map((p) => p.x)), y: pack(points.map((p) => p.y ?? null)) })),
    paths: box.querySelectorAll(".trace path.js-line[d], .trace path.point[d], .trace .point path[d], .hm image, .contourlayer path[d]").length,
    notes: (box.layout.annotations || []).map((note) => note.text),
    range: Array.from(box.layout.yaxis.range),
    state: JSON.parse(root.dataset.state),
    inMap: gradlab.explorers.get(name).state,
    verdict: root.querySelector(".gl-sentence").dataset.verdict,
    said: root.querySelector(".gl-said").innerHTML,
    compared: root.querySelector(".gl-compared").innerHTML,
    table: root.querySelector(".gl-table-box").innerHTML,
    named: box.getAttribute("aria-label"),
    notice: root.querySelector(".gl-notice").hidden ? "" : root.querySelector(".gl-notice").textContent,
    copied: root.dataset.copied,
    pressed: [...root.querySelectorAll(".gl-preset")].map((b) => b.getAttribute("aria-pressed") === "true"),
    height: document.documentElement.scrollHeight,
    controls,
  };
}"""


def unpack(text: str) -> np.ndarray:
    """The float32 values behind the base64 that a page sent."""
    return np.frombuffer(base64.b64decode(text), "<f4")


def read(page, name: str) -> dict[str, Any]:
    """Everything that an explorer shows, after its last draw."""
    shown = page.evaluate(READ, name)
    for packed in [trace["arrays"] for trace in shown["traces"]] + shown["calculated"]:
        packed.update({key: unpack(text) for key, text in packed.items()})
    return shown


def compare(page, name: str, *, extra: tuple[str, ...] = ()) -> dict[str, Any]:
    """Read an explorer and assert that it shows what Python computes for its state; returns what was read.

    ``extra``: the roles of the traces that the page adds after Python's ("pinned", "guess").
    """
    shown = read(page, name)
    made, state = explorer(name), grid_state(name, shown["state"])
    assert shown["inMap"] == shown["state"]
    figure, sentence = computed(name, state)
    spec = figure.to_plotly_json()
    assert [trace["role"] for trace in shown["traces"][len(spec["data"]) :]] == list(extra), state
    for trace, expected in zip(shown["traces"], spec["data"], strict=False):
        same_arrays(trace["arrays"], arrays(expected), (state, trace["role"]))
    for points, trace in zip(shown["calculated"], shown["traces"], strict=True):
        if trace["type"] == "scatter" and trace["seen"]:
            there = ~np.isnan([trace["arrays"][key] for key in "xy"]).any(axis=0)  # else it only breaks the line
            same_arrays(points, {key: trace["arrays"][key][there] for key in "xy"}, (state, trace["role"], "placed"))
    assert shown["paths"] > 0, f"{state}: nothing is drawn"
    assert (shown["verdict"], html.unescape(shown["said"])) == (sentence.verdict, html.unescape(sentence.whole)), state
    assert cells(shown["table"]) == cells(static.numbers_table(figure)), state
    assert not re.search(r"\bnan\b|\binf\b|undefined|null|\de[-−]?\d", shown["said"], re.I), shown["said"]
    for control, element in zip(made.controls, shown["controls"], strict=True):
        value = state[control.name]
        if isinstance(control, Menu):
            assert element["value"] == value
        else:
            place = str(list(control.values).index(value))
            assert (element["value"], element["shown"], element["spoken"]) == (
                place,
                control.text(value),
                control.text(value),
            )
    assert shown["pressed"] == [made.state(**preset.state) == state for preset in made.presets]
    return shown | {"state": state}


def same_arrays(shown: dict, expected: dict, where) -> None:
    """Assert that two sets of float32 arrays are equal to the last bit."""
    assert shown.keys() == expected.keys(), where
    for key, values in expected.items():
        assert np.array_equal(shown[key], values, equal_nan=True), (*where, key, shown[key], values)
