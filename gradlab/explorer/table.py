"""Every state of an explorer as one compressed table.

The figures of all states are compared leaf by leaf. What never changes stays in one template; what changes becomes a
column that points into a pool of distinct values. Arrays of numbers go into the pool as float32, all else as JSON.

Layout of the table, before compression: the length of the header as little-endian uint32, the header as JSON padded
with spaces to a multiple of four bytes, then the float32 values of every pooled array, one after the other.
"""

import base64
import json
import math
import struct
import zlib
from typing import Any

import numpy as np

from gradlab.explorer.core import STATE_LIMIT, Explorer

#: bytes of base64 beyond which a table does not belong on a page at all, and beyond which it stands beside it
TABLE_LIMIT = 3_000_000
INLINE_LIMIT = 60_000


class _Pool:
    """Distinct values in the order of their first appearance."""

    def __init__(self):
        self.values: list[Any] = []
        self._index: dict[Any, int] = {}

    def add(self, key, value) -> int:
        if key not in self._index:
            self._index[key] = len(self.values)
            self.values.append(value)
        return self._index[key]


def numbers(node) -> np.ndarray | None:
    """The numbers of a figure's leaf at full precision, or None when it is not an array of numbers.

    >>> numbers({"dtype": "f8", "bdata": "AAAAAAAA8D8="}), numbers([1.0]) is None
    (array([1.]), True)
    """
    if isinstance(node, dict) and node.keys() == {"dtype", "bdata"}:
        node = np.frombuffer(base64.b64decode(node["bdata"]), dtype=np.dtype(node["dtype"]))
    return node if isinstance(node, np.ndarray) and node.ndim == 1 and node.dtype.kind in "fiu" else None


def floats(node) -> np.ndarray:
    """Numbers in whatever form a figure may hold them, as float64: an array, a list with gaps, a single number.

    >>> floats([1, None, 3])
    array([ 1., nan,  3.])
    """
    values = numbers(node)
    return np.asarray(plain_json(node) if values is None else values, dtype=float)


def array(node) -> np.ndarray | None:
    """The same as float32, as the page holds them; a value past the range of float32 is infinite there."""
    if (values := numbers(node)) is None:
        return None
    with np.errstate(over="ignore"):
        return values.astype(np.float32)


def plain_json(node) -> Any:
    """A figure's node with every array as a list; not-a-number and infinity become null.

    >>> plain_json({"y": np.array([1.5, np.nan]), "z": np.eye(2), "at": -np.inf, "n": np.int64(3)})
    {'y': [1.5, None], 'z': [[1.0, 0.0], [0.0, 1.0]], 'at': None, 'n': 3}
    """
    if (values := array(node)) is not None:
        return [plain_json(float(value)) for value in values]
    if isinstance(node, (np.ndarray, np.generic)):
        return plain_json(node.tolist())
    if isinstance(node, dict):
        return {key: plain_json(value) for key, value in node.items()}
    if isinstance(node, (list, tuple)):
        return [plain_json(value) for value in node]
    return None if isinstance(node, float) and not math.isfinite(node) else node


class _Columns:
    """Merges the figures of all states into a template and its columns."""

    def __init__(self):
        self.arrays, self.json = _Pool(), _Pool()
        self.columns: list[tuple[str, list[int]]] = []

    def merge(self, nodes: list) -> Any:
        first = nodes[0]
        arrays = [array(node) for node in nodes]
        if all(a is not None for a in arrays):
            return self._leaf("arrays", [self.arrays.add(a.tobytes(), a) for a in arrays])
        if isinstance(first, dict) and all(isinstance(n, dict) and n.keys() == first.keys() for n in nodes):
            return {key: self.merge([node[key] for node in nodes]) for key in first}
        if isinstance(first, (list, tuple)) and all(
            isinstance(n, (list, tuple)) and len(n) == len(first) for n in nodes
        ):
            return [self.merge(list(items)) for items in zip(*nodes, strict=True)]
        nodes = [plain_json(node) for node in nodes]
        texts = [json.dumps(node, ensure_ascii=False) for node in nodes]
        if len(set(texts)) == 1:
            return nodes[0]
        return self._leaf("json", [self.json.add(text, node) for text, node in zip(texts, nodes, strict=True)])

    def _leaf(self, pool: str, ids: list[int]) -> dict:
        # Arrays are always columns, even when they never change: the template then holds no long lists.
        if len(set(ids)) == 1:
            ids = ids[:1]
        if (pool, ids) not in self.columns:
            self.columns.append((pool, ids))
        return {"$": self.columns.index((pool, ids))}


def encode(figures: list[dict], sentences: list[list]) -> bytes:
    """The compressed table of figures (plotly dictionaries) and sentences, one of each a state.

    A sentence is the list verdict, whole text, label, headline in decades or None.
    """
    columns = _Columns()
    template = columns.merge(figures)
    header = {
        "template": template,
        "columns": columns.columns,
        "lengths": [len(a) for a in columns.arrays.values],
        "json": columns.json.values,
        "sentences": plain_json(sentences),
    }
    text = json.dumps(header, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    floats = b"".join(a.astype("<f4").tobytes() for a in columns.arrays.values)
    return zlib.compress(struct.pack("<I", len(text)) + text + floats, 9)


def evaluated(explorer: Explorer) -> tuple[list[dict], list[list]]:
    """The figure (a plotly dictionary) and the sentence of every state; ValueError when the grid is too large."""
    if explorer.state_count > STATE_LIMIT:
        raise ValueError(
            f"controls of explorer {explorer.name!r}: the grid has {explorer.state_count:,} states, "
            f"a page may hold at most {STATE_LIMIT:,}; use fewer values"
        )
    figures, sentences = [], []
    for state in explorer.states():
        record = explorer.evaluate(**state)
        figures.append(explorer.figure(record).to_plotly_json())
        said = explorer.sentence(record)
        sentences.append([said.verdict, said.whole, said.label, said.log10_value])
    return figures, sentences


def compressed(explorer: Explorer, figures: list[dict], sentences: list[list]) -> bytes:
    """The table of what `evaluated` returned; ValueError when it is too large for a page."""
    table = encode(figures, sentences)
    if len(table) * 4 // 3 > TABLE_LIMIT:
        raise ValueError(
            f"controls of explorer {explorer.name!r}: the table takes {len(table) * 4 // 3:,} bytes, "
            f"a page may hold at most {TABLE_LIMIT:,}; use fewer values or shorter curves"
        )
    return table


def build(explorer: Explorer) -> bytes:
    """Evaluates an explorer on its whole grid and compresses the result; errors as of the two functions above."""
    return compressed(explorer, *evaluated(explorer))
