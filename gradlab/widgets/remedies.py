"""Explorer [p]: every start with every remedy, before and after training."""

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np

from gradlab.data import digits
from gradlab.explorer import Explorer, Menu, Preset, Sentence, Slider, limits
from gradlab.initializers import initializer
from gradlab.plots.remedies import remedies as draw
from gradlab.records import Configuration, RemediesRecord, SweepRecord
from gradlab.remedies import shipped, start_profile
from gradlab.style import ACTIVATION_LABELS, power

DEPTHS = (10, 30, 60)
ACTIVATIONS = ("sigmoid", "tanh", "relu")
STARTS = ("torch_default", "xavier_normal", "kaiming_normal", "orthogonal", "standard_normal")
NETWORKS = tuple((activation, start) for activation in ACTIVATIONS for start in STARTS)
#: remedy -> normalization and shortcut
HOW = {
    "plain": ("none", "plain"),
    "batch": ("batch", "plain"),
    "layer": ("layer", "plain"),
    "residual": ("none", "residual"),
    "scaled": ("none", "scaled"),
    "batch_residual": ("batch", "residual"),
    "layer_residual": ("layer", "residual"),
}
REMEDIES = {
    "plain": "none: plain",
    "batch": "batch norm (BN)",
    "layer": "layer norm (LN)",
    "residual": "residual (res)",
    "scaled": "residual/√L",
    "batch_residual": "BN + residual",
    "layer_residual": "LN + residual",
}
SHOWN = {
    "gradient": "gradient before training",
    "accuracy": "accuracy after training",
    "clipped": "accuracy with clipping",
    "epochs": "epochs until it had learnt",
    "foresight": "where step 0 misled",
}
CLIP = 1.0  # largest norm of a gradient where it is clipped
PROMISE = 1  # decades about 1 within which the gradient before training promises that a network will train


def remedies() -> Explorer:
    """The table of starts and remedies, and the gradient over the layers of one of its cells."""
    return Explorer(
        name="remedies",
        title="Normalization erases your choice of weights, but not of the activation",
        controls=(
            Slider("depth", "Layers", DEPTHS, 30, between=False),
            Menu("network", "Network", {"_".join(network): _who(*network) for network in NETWORKS}, "sigmoid_xavier_normal"),
            Menu("remedy", "Remedy", REMEDIES, "batch"),
            Menu("shown", "The table shows", SHOWN, "gradient"),
        ),
        evaluate=evaluate,
        figure=draw,
        sentence=sentence,
        presets=(
            Preset("Choice erased"),
            Preset("What vanishes", {"network": "sigmoid_kaiming_normal", "remedy": "layer"}),
            Preset("What explodes", {"network": "relu_standard_normal", "remedy": "residual"}),
            Preset("What trains", {"shown": "accuracy"}),
            Preset("Step 0 misled", {"shown": "foresight", "network": "relu_kaiming_normal", "remedy": "plain"}),
        ),
    )  # fmt: skip


def evaluate(
    depth: int = 30, network: str = "sigmoid_xavier_normal", remedy: str = "batch", shown: str = "gradient"
) -> RemediesRecord:
    """The shipped table of trained networks for one depth, and the layers of one cell; see `RemediesRecord`.

    depth: 10, 30 or 60. network: an activation and a start, such as "tanh_orthogonal". remedy: "plain", "batch", "layer",
    "residual", "scaled", "batch_residual" or "layer_residual". shown: "gradient", "accuracy", "clipped", "epochs" or
    "foresight"; with "clipped" the networks are those that were trained with gradients of norm 1 at most.
    ValueError for anything else.

    >>> record = evaluate(depth=10, network="sigmoid_xavier_normal", remedy="plain")
    >>> record.relative.shape, round(float(np.median(record.profile[:, 0])), 1)
    ((15, 7), -5.7)
    """
    limits.one_of(DEPTHS, depth=depth)
    limits.one_of(["_".join(each) for each in NETWORKS], network=network)
    limits.one_of(HOW, remedy=remedy)
    limits.one_of(SHOWN, shown=shown)
    depth, clip = int(depth), CLIP if shown == "clipped" else math.inf
    activation, start = next(each for each in NETWORKS if "_".join(each) == network)
    protocol = _table().protocol
    return RemediesRecord(
        depth=depth,
        network=network,
        remedy=remedy,
        shown=shown,
        networks=NETWORKS,
        remedies=tuple(HOW),
        seeds=len(protocol.seeds),
        rates=len(protocol.descent_rates),
        epochs=protocol.epochs,
        solved_at=protocol.solved,
        clip=clip,
        promised_within=PROMISE,
        profile=_profile(depth, activation, start, remedy),
        plain=_profile(depth, activation, start, "plain"),
        **_cells(depth, clip),
    )


@lru_cache(maxsize=1)
def _table() -> SweepRecord:
    return shipped()


@lru_cache(maxsize=8)
def _cells(depth: int, clip: float) -> dict[str, np.ndarray]:
    """The tables of a `RemediesRecord`, (networks, remedies)."""
    held = {one.configuration: one for one in _table().where(depth=depth, optimizer="gradient descent").outcomes}
    cells = [[Configuration(depth, *network, *how) for how in HOW.values()] for network in NETWORKS]
    clipped = [[replace(one, clip=clip) for one in row] for row in cells]

    def table(measure, missing=math.nan) -> np.ndarray:
        return np.array([[measure(held[one]) if one in held else missing for one in row] for row in clipped])

    return {
        "measured": np.array([[one in held for one in row] for row in clipped]),
        "relative": np.array(
            [[np.median(held[one].relative) for one in row] for row in cells]
        ),  # no clipping changes it
        "learning_rate": table(lambda one: one.learning_rate),
        "accuracy": table(lambda one: _median(one.accuracy, -math.inf)),
        "solved": table(lambda one: _median(one.solved, math.inf), math.inf),
        "learnt": table(lambda one: int((one.accuracy >= 0.5).sum()), 0),
    }


def _median(values: np.ndarray, missing: float) -> float:
    """The median where what is missing counts as ``missing``; nan for -inf."""
    found = float(np.median(np.where(np.isnan(values), missing, values)))
    return math.nan if found == -math.inf else found


@lru_cache(maxsize=512)  # more than the grid has
def _profile(depth: int, activation: str, start: str, remedy: str) -> np.ndarray:
    """log10 of ||dL/dz_ell|| over that of the last layer in each network, (seeds, depth); on the first batch."""
    protocol = _table().protocol
    few = digits(protocol.batch, seed=0)
    configuration = Configuration(depth, activation, start, *HOW[remedy])
    nets = [start_profile(configuration, few.images, few.labels, seed=seed) for seed in protocol.seeds]
    return np.array([net.relative_dz for net in nets])


def _who(activation: str, start: str) -> str:
    return f"{ACTIVATION_LABELS[activation]}, {initializer(start).label}"


SHORT = {
    "plain": "plain", "batch": "BN", "layer": "LN", "residual": "res", "scaled": "res/√L", "batch_residual": "BN+res",
    "layer_residual": "LN+res",
}  # fmt: skip
WITH = {
    "plain": "no remedy",
    "batch": "batch norm",
    "layer": "layer norm",
    "residual": "residual",
    "scaled": "residual/√L",
    "batch_residual": "residual with batch norm",
    "layer_residual": "residual with layer norm",
}
GRADIENT = (
    "{depth} {who} layers, {start} weights, {how}: layer 1’s gradient is <b>{total}</b> times the last one’s{plain}."
)
SPAN = "The five starts lie {here} powers of ten apart{plain}. Trained, {many}, {foreseen}."
LEARNT = "At the best of {rates} rates, {rate}{clipped}, {many}, {foreseen}: {right}."
UNTRAINED = "It was not trained with clipping: behind a normalization, only nets of 10 layers were."
EPOCHS = "At the best of {rates} rates, {rate}, the median net is {solved} {when}, {right} in the end."
FORECAST = (
    "Step 0 {forecast}, {and_yet} {many}. Of its {cells} forecasts here {wrong} were wrong: {warnings}{all_up} and "
    "{promises}."
)
MANY = {0: "no net learns", 1: "one of three nets learns", 2: "two of three nets learn", 3: "all three nets learn"}
FORESEEN = {
    (True, True): "as step 0 promised",
    (False, False): "as step 0 warned",
    (True, False): "though step 0 promised it",
    (False, True): "though step 0 warned",
}


def sentence(record: RemediesRecord) -> Sentence:
    """What reaches layer 1, and what the table says of it: how much the start matters, what training made of the network,
    or how good a forecast the gradient before training was.
    """
    row, column = record.cell
    activation, start = record.networks[row]
    total, plain = (float(np.median(profile[:, 0])) for profile in (record.profile, record.plain))
    promised = bool(record.promised[row, column])
    where = GRADIENT.format(
        depth=record.depth,
        who=ACTIVATION_LABELS[activation],
        start=initializer(start).label,
        how=WITH[record.remedy],
        total=power(total),
        plain=f", plain {power(plain)}" if column else "",
    )
    table = {"gradient": _starts, "epochs": _epochs, "foresight": _forecasts}.get(record.shown, _learnt)
    fate = {
        "many": MANY[int(record.learnt[row, column])],
        "foreseen": FORESEEN[promised, bool(record.trained[row, column])],
        "rates": {3: "three", 4: "four"}[record.rates],
        "rate": f"{record.learning_rate[row, column]:g}",
    }
    verdict = "level" if promised else "vanishing" if total < 0 else "exploding"
    label = f"{_who(activation, start)}, {SHORT[record.remedy]}"
    return Sentence(verdict, f"{where} {table(record, fate)}", label, total)


def _starts(record: RemediesRecord, fate: dict[str, str]) -> str:
    row, column = record.cell
    plain = f", plain {record.spans(0)[row]:.1f}" if column else ""
    return SPAN.format(here=f"{record.spans(column)[row]:.1f}", plain=plain, **fate)


def _learnt(record: RemediesRecord, fate: dict[str, str]) -> str:
    if not record.measured[record.cell]:
        return UNTRAINED
    accuracy, solved = float(record.accuracy[record.cell]), float(record.solved[record.cell])
    if math.isnan(accuracy):
        right = "its answers end as no numbers"
    elif math.isinf(solved):
        right = f"{accuracy:.0%} right in the end"
    else:
        right = f"{record.solved_at:.0%} right after {_count(solved, 'epoch')}, {accuracy:.0%} in the end"
    clipped = " with clipping" if math.isfinite(record.clip) else ""
    return LEARNT.format(clipped=clipped, right=right.replace("%", " %"), **fate)


def _epochs(record: RemediesRecord, fate: dict[str, str]) -> str:
    accuracy, solved = float(record.accuracy[record.cell]), float(record.solved[record.cell])
    learnt = math.isfinite(solved)
    return EPOCHS.format(
        solved=f"{'' if learnt else 'not '}{100 * record.solved_at:.0f} % right",
        when=f"after {_count(solved, 'epoch')}" if learnt else f"within {record.epochs} epochs",
        right="not a number" if math.isnan(accuracy) else f"{100 * accuracy:.0f} %",
        **fate,
    )


def _forecasts(record: RemediesRecord, fate: dict[str, str]) -> str:
    promised, trained = bool(record.promised[record.cell]), bool(record.trained[record.cell])
    broken, needless = record.promised & ~record.trained, ~record.promised & record.trained
    return FORECAST.format(
        forecast="promised training" if promised else "warned",
        and_yet="and" if promised == trained else "yet",
        cells=record.relative.size,
        wrong=int(broken.sum() + needless.sum()),
        warnings=_count(int(needless.sum()), "warning"),
        all_up=" of explosion" if needless.any() and (record.relative[needless] > 0).all() else "",
        promises=_count(int(broken.sum()), "promise"),
        **fate,
    )


def _count(number: float, what: str) -> str:
    return f"{number:.0f} {what}" if number == 1 else f"{number:.0f} {what}s"
