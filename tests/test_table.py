"""The static table gives back what Python computed, read by a decoder that shares no code with the encoder."""

import base64
import json
import math
import struct
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from states import NAMES, encoded, evaluated, states
from test_explorer import toy

from gradlab.explorer import Menu, Sentence, Slider, table
from gradlab.style import figure


class Page:
    """A table as the page's script reads it: little-endian length, JSON header, float32 arrays."""

    def __init__(self, data: bytes):
        raw = zlib.decompress(data)
        (length,) = struct.unpack("<I", raw[:4])
        assert length % 4 == 0
        self.header = json.loads(raw[4 : 4 + length])
        numbers = np.frombuffer(raw, "<f4", offset=4 + length)
        ends = np.cumsum(self.header["lengths"]).astype(int)
        assert numbers.size == (ends[-1] if ends.size else 0)
        self.arrays = np.split(numbers, ends[:-1]) if ends.size else []

    def figure(self, state: int):
        return self._put(self.header["template"], state)

    def _put(self, node, state):
        if isinstance(node, list):
            return [self._put(item, state) for item in node]
        if not isinstance(node, dict):
            return node
        if "$" in node:
            pool, ids = self.header["columns"][node["$"]]
            at = ids[state if len(ids) > 1 else 0]
            return self.arrays[at] if pool == "arrays" else self.header["json"][at]
        return {key: self._put(value, state) for key, value in node.items()}


def numbers_of(node):
    """The numbers of a plotly leaf, or None."""
    if isinstance(node, dict) and set(node) == {"dtype", "bdata"}:
        node = np.frombuffer(base64.b64decode(node["bdata"]), np.dtype(node["dtype"]))
    return node if isinstance(node, np.ndarray) else None


def differs(found, expected) -> str:
    """Where two figures part, or "": arrays to float32, the rest exactly; no number outside of an array is null."""
    if (numbers := numbers_of(expected)) is not None:
        with np.errstate(over="ignore"):
            numbers = numbers.astype("f4")
        if isinstance(found, list):  # in another state this leaf is no array
            found = np.array([np.nan if v is None else v for v in found], "f4")
            numbers = np.where(np.isfinite(numbers), numbers, np.nan)
        same = isinstance(found, np.ndarray) and np.array_equal(found, numbers, equal_nan=True)
        return "" if same else f": {found} for {numbers}"
    if isinstance(expected, (dict, list, tuple)):
        if isinstance(expected, (list, tuple)):
            keys, same = range(len(expected)), isinstance(found, list) and len(found) == len(expected)
        else:
            keys, same = expected, isinstance(found, dict) and found.keys() == expected.keys()
        if not same:
            return f": {found} for {expected}"
        return next((f".{key}{part}" for key in keys if (part := differs(found[key], expected[key]))), "")
    if isinstance(expected, float) and not math.isfinite(expected):
        expected = None
    same = found == expected and isinstance(found, bool) == isinstance(expected, (bool, np.bool_))
    return "" if same else f": {found!r} for {expected!r}"


@pytest.mark.parametrize("name", NAMES)
def test_every_state_of_the_book_comes_back(name):
    sentences = evaluated(name)[1]
    data = encoded(name)
    assert len(data) * 4 // 3 <= 650_000  # in base64, as it stands in the page or beside it
    page = Page(data)
    assert page.header["sentences"] == sentences
    for at, state in enumerate(states(name)):
        assert not differs(page.figure(at), state.spec), state.values


def test_build_evaluates_every_state_in_order():
    one = toy()
    page = Page(table.build(one))
    for at, state in enumerate(one.states()):
        record = one.evaluate(**state)
        assert not differs(page.figure(at), one.figure(record).to_plotly_json())
        assert page.header["sentences"][at] == [
            "reading",
            f"{state['name']}: {state['x']:g}.",
            state["name"],
            state["x"],
        ]


def test_what_is_not_finite_is_nan_in_arrays_and_null_elsewhere():
    x = np.array([np.nan, np.inf, -np.inf, 1e300, -0.0, 5e-324])
    specs = [{"x": x, "at": float("nan")}, {"x": x[:2], "at": -np.inf}]
    page = Page(table.encode(specs, [["reading", "", "", float("inf")], ["reading", "", "", np.float64(1.5)]]))
    assert page.figure(0)["at"] is None and page.figure(1)["at"] is None
    np.testing.assert_array_equal(page.figure(0)["x"], np.array([np.nan, np.inf, -np.inf, np.inf, -0.0, 0.0], "f4"))
    assert [s[3] for s in page.header["sentences"]] == [None, 1.5]


def test_grids_of_two_dimensions_words_and_numpy_scalars():
    spec = {
        "z": np.array([[1.0, np.nan], [3.0, 4.0]]),
        "text": np.array(["a", "b"]),
        "n": np.int64(3),
        "b": np.bool_(True),
    }
    assert Page(table.encode([spec], [])).figure(0) == {"z": [[1, None], [3, 4]], "text": ["a", "b"], "n": 3, "b": True}


def test_equal_arrays_are_held_once():
    x = np.arange(1000.0)
    same = Page(table.encode([{"x": x, "y": x, "z": x + s} for s in (0, 1, 1)], []))
    assert same.header["lengths"] == [1000, 1000]


def test_two_encodings_are_identical():
    assert table.build(toy()) == table.build(toy())


def test_a_grid_too_large_says_its_size_and_the_limit():
    one = toy((Slider("x", "X", range(4001), 0),))
    with pytest.raises(
        ValueError, match=r"controls of explorer 'toy': the grid has 4,001 states, .* at most 4,000; use fewer"
    ):
        table.build(one)


def test_a_table_too_large_says_its_size_and_the_limit():
    noise = np.random.default_rng(0).normal(size=(9, 80_000))
    one = toy(
        (Menu("n", "N", {str(i): str(i) for i in range(9)}, "0"),),
        evaluate=lambda n: int(n),
        figure=lambda n: figure([{"type": "scatter", "x": noise[n], "y": noise[n]}], {}),
        sentence=lambda n: Sentence("reading", "Noise."),
    )
    with pytest.raises(
        ValueError, match=r"the table takes 3,\d{3},\d{3} bytes, a page may hold at most 3,000,000; use fewer"
    ):
        table.build(one)


# ------------------------------------------------------------------------------------------- any figure at all

numbers = st.lists(st.floats(width=64), max_size=4).map(lambda v: np.array(v, dtype=float))
whole_numbers = st.lists(st.integers(-100, 100), max_size=3).map(lambda v: np.array(v, dtype=np.int16))
scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text(max_size=4)
trees = st.recursive(
    numbers | whole_numbers | scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
figures = st.fixed_dictionaries(
    {"data": st.lists(st.fixed_dictionaries({"x": numbers, "more": trees}), max_size=2), "layout": trees}
)


@settings(max_examples=80, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(figures, min_size=1, max_size=4), st.data())
def test_round_trip_of_anything_that_looks_like_figures(specs, data):
    specs += data.draw(st.lists(st.sampled_from(specs), max_size=2))
    page = Page(table.encode(specs, [["reading", "s", "", None]] * len(specs)))
    for at, spec in enumerate(specs):
        assert not differs(page.figure(at), spec)
