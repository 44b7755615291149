"""What many networks, each with its remedies, came to: configurations, how they were trained, outcomes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from itertools import product
from numbers import Integral, Real

import numpy as np

from gradlab.records.base import shaped

#: what a configuration chooses from, in the order of the tables
CHOICES = {
    "activation": ("sigmoid", "tanh", "relu", "gelu"),
    "initializer": ("torch_default", "xavier_normal", "kaiming_normal", "orthogonal", "standard_normal"),
    "normalization": ("none", "batch", "layer"),
    "shortcut": ("plain", "residual", "scaled"),
    "optimizer": ("gradient descent", "Adam"),
}


@dataclass(frozen=True)
class Configuration:
    """One network with its remedies: L hidden layers of 64 units over the 64 pixels, and a linear readout.

    depth          L
    activation, initializer, normalization, shortcut, optimizer   one of `CHOICES` each
                   initializer: of the hidden layers; the readout is the same whatever it is
                   shortcut: "plain" has none, h = phi(N(W h + b)); "residual" is h + W phi(N(h)) + b; "scaled" the same
                   with the branch divided by sqrt(L)
    clip           the largest norm that a gradient may have, all parameters together; inf: it is never clipped

    Raises ValueError for anything else.

    >>> Configuration(30, "tanh", "orthogonal").shortcut
    'plain'
    """

    depth: int
    activation: str
    initializer: str
    normalization: str = "none"
    shortcut: str = "plain"
    clip: float = math.inf
    optimizer: str = "gradient descent"

    def __post_init__(self):
        if isinstance(self.depth, bool) or not isinstance(self.depth, Integral) or self.depth < 2:
            raise ValueError(f"depth is {self.depth!r}; it may be an integer from 2")
        for name, choices in CHOICES.items():
            _one_of(name, getattr(self, name), choices)
        if isinstance(self.clip, bool) or not isinstance(self.clip, Real) or not self.clip > 0:
            raise ValueError(f"clip is {self.clip!r}; it may be a number above 0, inf for no clipping")
        object.__setattr__(self, "depth", int(self.depth))
        object.__setattr__(self, "clip", float(self.clip))

    @property
    def branch_scale(self) -> float:
        """What the branch is multiplied by: 1/sqrt(L) where it is scaled, else 1."""
        return self.depth**-0.5 if self.shortcut == "scaled" else 1.0

    @property
    def rank(self) -> tuple:
        """Where it stands in a table: by optimizer, depth, activation, normalization, shortcut, clip, initializer."""
        at = {name: choices.index(getattr(self, name)) for name, choices in CHOICES.items()}
        order = at["activation"], at["normalization"], at["shortcut"], -self.clip, at["initializer"]
        return at["optimizer"], self.depth, *order


def combinations(
    *,
    depth: Sequence[int] = (10, 30, 60),
    activation: Sequence[str] = ("sigmoid", "tanh", "relu"),
    initializer: Sequence[str] = CHOICES["initializer"],
    normalization: Sequence[str] = CHOICES["normalization"],
    shortcut: Sequence[str] = CHOICES["shortcut"],
    clip: Sequence[float] = (math.inf, 1.0),
    optimizer: Sequence[str] = ("gradient descent",),
) -> tuple[Configuration, ...]:
    """Every configuration of these choices that makes sense, each once, in the order of the tables.

    Adam with clipping is left out: the size of its step hardly depends on the size of the gradient.

    >>> len(combinations(depth=[10], initializer=["orthogonal"]))
    54
    """
    every = product(depth, activation, initializer, normalization, shortcut, clip, optimizer)
    made = {Configuration(*choice) for choice in every if choice[-1] != "Adam" or choice[-2] == math.inf}
    return tuple(sorted(made, key=lambda one: one.rank))


@dataclass(frozen=True)
class Protocol:
    """How every configuration of a sweep is trained: all that a table must have in common.

    seeds          one network each
    images, batch  how many of the digits are trained on, and how many a step; the others are held out
    epochs         passes over the images
    descent_rates, adam_rates   learning rates that are tried, rising; the best one counts
    solved         accuracy over an epoch's batches, each before its step, from which on a network has learnt

    Raises ValueError where a number makes no sense.

    >>> Protocol().steps
    200
    """

    seeds: tuple[int, ...] = (0, 1, 2)
    images: int = 1280
    batch: int = 64
    epochs: int = 10
    descent_rates: tuple[float, ...] = (0.001, 0.01, 0.1, 1.0)
    adam_rates: tuple[float, ...] = (0.0001, 0.001, 0.01)
    solved: float = 0.8

    def __post_init__(self):
        for name in ("seeds", "descent_rates", "adam_rates"):
            values = tuple(getattr(self, name))
            object.__setattr__(self, name, values)
            if not values or list(values) != sorted(set(values)):
                raise ValueError(f"{name} is {values}; it may be a rising list of at least one number")
        for name, least in {"images": 1, "batch": 2, "epochs": 1}.items():
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)!r}; it may be an integer from {least}")
        if min(*self.descent_rates, *self.adam_rates) <= 0:
            raise ValueError(
                f"descent_rates are {self.descent_rates}, adam_rates {self.adam_rates}; all may be above 0"
            )
        if self.images % self.batch:
            raise ValueError(f"batch is {self.batch}; it may be a divisor of {self.images}, the number of images")

    @property
    def steps(self) -> int:
        """Steps of one training."""
        return self.epochs * (self.images // self.batch)

    def rates(self, optimizer: str) -> tuple[float, ...]:
        """The learning rates tried with an optimizer."""
        return self.adam_rates if optimizer == "Adam" else self.descent_rates


@dataclass(frozen=True, eq=False)
class Outcome:
    """What S networks of one configuration came to; every array is (S,), one number a seed.

    learning_rate  the one of the rates tried whose median accuracy was highest; the lowest such
    relative       log10 of ||dL/dz|| of the first hidden layer over that of the last, before the first step
    level          log10 of the norm of the gradient by all parameters together, before the first step
    accuracy, held_out   share of the images right at the end, of those trained on and of the others; nan where the
                   network's answers are no numbers any more
    solved         epochs until it had learnt; nan where it never had
    broke          the step, from 0, whose loss was the first that is no finite number; nan where there is none
    """

    configuration: Configuration
    learning_rate: float
    relative: np.ndarray = field(repr=False)
    level: np.ndarray = field(repr=False)
    accuracy: np.ndarray = field(repr=False)
    held_out: np.ndarray = field(repr=False)
    solved: np.ndarray = field(repr=False)
    broke: np.ndarray = field(repr=False)

    def __post_init__(self):
        networks = np.shape(self.relative)[:1]
        shaped(self, f"{networks} networks", dict.fromkeys(MEASURES, networks))


MEASURES = tuple(one.name for one in fields(Outcome))[2:]


@dataclass(frozen=True, eq=False)
class SweepRecord:
    """R configurations and what became of them, in the order of the tables.

    protocol   how they were trained
    outcomes   R of them
    complete   False when the sweep was interrupted: what was finished by then is there

    The measures of `Outcome` are arrays here: `accuracy` and so on (R, S), `learning_rate` (R,).
    """

    protocol: Protocol
    outcomes: tuple[Outcome, ...] = field(repr=False)
    complete: bool = True

    def __post_init__(self):
        ordered = tuple(sorted(self.outcomes, key=lambda one: one.configuration.rank))
        object.__setattr__(self, "outcomes", ordered)

    def __len__(self) -> int:
        return len(self.outcomes)

    @property
    def configurations(self) -> tuple[Configuration, ...]:
        return tuple(one.configuration for one in self.outcomes)

    def where(self, **chosen) -> "SweepRecord":
        """The part whose configurations have these values; a list, tuple or set stands for any of its members.

        Raises ValueError for a name that configurations do not have, and where nothing is left.
        """
        names = [one.name for one in fields(Configuration)]
        for name in chosen:
            _one_of("where(...)", name, names)
        wanted = {name: v if isinstance(v, (list, tuple, set)) else (v,) for name, v in chosen.items()}
        kept = [o for o in self.outcomes if all(getattr(o.configuration, n) in v for n, v in wanted.items())]
        if not kept:
            raise ValueError(
                f"where({', '.join(f'{n}={v!r}' for n, v in chosen.items())}): the table has none of these"
            )
        return replace(self, outcomes=tuple(kept))

    def __getitem__(self, configuration: Configuration) -> Outcome:
        """What became of one configuration. Raises KeyError where the table has it not."""
        for one in self.outcomes:
            if one.configuration == configuration:
                return one
        raise KeyError(configuration)

    def _column(self, name) -> np.ndarray:
        return np.array([getattr(one, name) for one in self.outcomes]).reshape(len(self), -1)

    @property
    def learning_rate(self) -> np.ndarray:
        return self._column("learning_rate")[:, 0]

    @property
    def relative(self) -> np.ndarray:
        return self._column("relative")

    @property
    def level(self) -> np.ndarray:
        return self._column("level")

    @property
    def accuracy(self) -> np.ndarray:
        return self._column("accuracy")

    @property
    def held_out(self) -> np.ndarray:
        return self._column("held_out")

    @property
    def solved(self) -> np.ndarray:
        return self._column("solved")

    @property
    def broke(self) -> np.ndarray:
        return self._column("broke")

    def trained(self, accuracy: float = 0.5) -> np.ndarray:
        """(R,) how many of the S networks of each configuration know at least this share of the images at the end."""
        return (self.accuracy >= accuracy).sum(axis=1)  # nan is below everything


def _one_of(name, value, choices):
    """ValueError, with the near matches, for a value that is not one of the choices."""
    if value not in choices:
        near = get_close_matches(str(value), choices, n=1)
        meant = f"did you mean {near[0]!r}? It" if near else "it"
        raise ValueError(f"{name} is {value!r}; {meant} may be one of {', '.join(choices)}")
