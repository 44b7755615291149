"""Every state of every explorer of the book, evaluated once and shared by the tests that look at all of them."""

from functools import cache
from typing import Any, NamedTuple

from gradlab import widgets
from gradlab.explorer import Explorer, Sentence, table
from gradlab.widgets.gradients import evaluate

NAMES = tuple(widgets.__all__)


class State(NamedTuple):
    """One state: the control values, the record, the figure as plotly dictionaries and the sentence."""

    values: dict[str, Any]
    record: Any
    spec: dict
    said: Sentence


@cache
def explorer(name: str) -> Explorer:
    """The explorer of that name."""
    return getattr(widgets, name)()


@cache
def overflown() -> Any:
    """The front page's record of a network whose signal passes the range of float64 before its last layer."""
    return evaluate(depth=350, activation="linear", initializer="standard_normal")


@cache
def states(name: str) -> tuple[State, ...]:
    """All states of an explorer, in the order of its static table."""
    one = explorer(name)
    records = [(values, one.evaluate(**values)) for values in one.states()]
    return tuple(State(v, r, one.figure(r).to_plotly_json(), one.sentence(r)) for v, r in records)


@cache
def evaluated(name: str) -> tuple[list[dict], list[list]]:
    """What `gradlab.explorer.table.evaluated` makes of an explorer: the figures and the sentences of all states."""
    found = states(name)
    return [s.spec for s in found], [[s.said.verdict, s.said.whole, s.said.label, s.said.log10_value] for s in found]


@cache
def encoded(name: str) -> bytes:
    """The static table of an explorer."""
    return table.compressed(explorer(name), *evaluated(name))


def record_of(name: str, **some) -> Any:
    """The record of the default state with some of its values changed, on the explorer's grid or off it."""
    return explorer(name).evaluate(**(explorer(name).default | some))


def said(name: str, **some) -> Sentence:
    """The sentence of that record."""
    return explorer(name).sentence(record_of(name, **some))


def by_role(spec: dict, role: str) -> list[dict]:
    """The traces of a figure that play a role."""
    return [trace for trace in spec["data"] if trace["meta"]["role"] == role]
