"""Every state of every explorer of the book, evaluated once and shared by the tests that look at all of them."""

from functools import cache
from typing import Any, NamedTuple

from gradlab import widgets
from gradlab.explorer import Explorer, Sentence
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
