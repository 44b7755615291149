"""[b] Learning speed over training: hidden layers x network x epoch x what is measured."""

from functools import lru_cache

import numpy as np

from gradlab import theory
from gradlab.backprop import dense_stack
from gradlab.data import PIXELS, digits
from gradlab.explorer import Explorer, Menu, Preset, Sentence, Slider, limits
from gradlab.plots.learning_speed import learning_speed as draw
from gradlab.records import GapRecord, SpeedRecord
from gradlab.style import number

WIDTH, CLASSES, IMAGES = 30, 10, 1000
NETS = 4  # networks behind every line; their geometric mean is drawn
LAST = 500
EPOCHS = (0, 1, 2, 3, 4, 6, 8, 11, 15, 21, 29, 40, 55, 75, 103, 141, 193, 265, 364, 500)
#: Nielsen's rate and weight decay (lambda 5.0 over 1000 images); Adam with its usual moments and no decay
DESCENT = {"optimizer": "gradient descent", "learning_rate": 0.1, "weight_decay": 5.0 / IMAGES}
ADAM = {"optimizer": "Adam", "learning_rate": 0.01, "weight_decay": 0.0}

#: network -> (activation of the hidden layers, initial weights of all)
NETWORKS = {"nielsen": ("sigmoid", "nielsen"), "tanh": ("tanh", "xavier_normal"), "relu": ("relu", "kaiming_normal")}
NETWORK_WORDS = {"nielsen": "sigmoid as in Nielsen", "tanh": "tanh, Xavier", "relu": "ReLU, He"}
SHORT_WORDS = {"nielsen": "sigmoid", "tanh": "tanh", "relu": "ReLU"}
#: view -> (field of the training record, how it is trained)
VIEWS = {
    "bias": ("bias_gradient", DESCENT),
    "weights": ("weight_gradient", DESCENT),
    "step": ("step_ratio", DESCENT),
    "adam": ("step_ratio", ADAM),
}
#: measure of a training run -> its name in the figure of the gaps
GAP_WORDS = {"image_gradient": "one image", "bias_gradient": "biases", "weight_gradient": "weights"}
VIEW_WORDS = {
    "bias": "gradient of the biases",
    "weights": "gradient of the weights",
    "step": "step ÷ weight",
    "adam": "Adam’s step ÷ weight",
}
ORDINALS = {2: "second", 3: "third", 4: "fourth"}


def learning_speed() -> Explorer:
    """Training does not close the gap; Adam steps over it."""
    return Explorer(
        name="learning_speed",
        title="Training does not close the gap; Adam steps over it",
        controls=(
            Slider("hidden_layers", "Hidden layers", (1, 2, 3, 4), 4),
            Menu("network", "Network", NETWORK_WORDS, "nielsen"),
            Slider("epoch", "Epoch", EPOCHS, 0),
            Menu("view", "Measured", VIEW_WORDS, "bias"),
        ),
        evaluate=evaluate,
        figure=draw,
        sentence=sentence,
        presets=(
            Preset("At the start"),
            Preset("At the end", {"epoch": LAST}),
            Preset("Look at the weights", {"epoch": LAST, "view": "weights"}),
            Preset("Swap the squash", {"epoch": LAST, "network": "relu"}),
            Preset("Count steps, not gradients", {"epoch": LAST, "view": "adam"}),
        ),
        linear_axis=True,
    )


def evaluate(hidden_layers: int = 4, network: str = "nielsen", epoch: int = 0, view: str = "bias") -> SpeedRecord:
    """How fast each hidden layer of [64, 30, ..., 30, 10] learns on 1000 digits: geometric mean of four networks.

    hidden_layers: 1 to 4. network: a key of ``NETWORKS``. epoch: 0 to 500 full-batch steps already taken. view: a key
    of ``VIEWS``. Raises ValueError for anything else.
    """
    limits.whole(1, 4, hidden_layers=hidden_layers)
    limits.one_of(NETWORKS, network=network)
    limits.one_of(VIEWS, view=view)
    limits.whole(0, LAST, epoch=epoch)
    field, how = VIEWS[view]
    run = training_run(hidden_layers, network, how["optimizer"], epoch not in EPOCHS)
    log10_speed = np.log10(getattr(run, field)[:, :, :hidden_layers]).mean(axis=1)
    now = int(np.flatnonzero(run.epochs == epoch)[0])
    drawn = np.isin(run.epochs, EPOCHS)
    return SpeedRecord(
        hidden_layers=int(hidden_layers),
        network=network,
        view=view,
        epoch=int(epoch),
        activation=NETWORKS[network][0],
        networks=NETS,
        epochs=run.epochs[drawn],
        log10_speed=log10_speed[drawn],
        log10_now=log10_speed[now],
        log10_theory=_theory(hidden_layers, network, view),
        accuracy=float(np.median(run.accuracy[now])),
    )


@lru_cache(maxsize=48)
def training_run(hidden_layers: int, network: str, optimizer: str, every_epoch: bool = False):
    """Four networks trained together; a ``LearningSpeeds`` at ``EPOCHS``, or at every epoch up to the last."""
    from gradlab.training import train  # torch: only for those who ask

    activation, weights = NETWORKS[network]
    widths = [PIXELS, *[WIDTH] * hidden_layers, CLASSES]
    activations = (activation,) * hidden_layers + ("sigmoid",)
    stacks = [dense_stack(widths, activations, weights, seed=seed, dtype=np.float32) for seed in range(NETS)]
    images = digits(IMAGES, seed=0)
    how = next(h for h in (DESCENT, ADAM) if h["optimizer"] == optimizer)
    return train(stacks, images.images, images.labels, epochs=range(LAST + 1) if every_epoch else EPOCHS, **how)


def _theory(hidden_layers: int, network: str, view: str) -> np.ndarray:
    """log10 of the bias gradient at epoch 0, (k,), where the images see nearly one and the same network; else nan."""
    if (network, view) != ("nielsen", "bias"):
        return np.full(hidden_layers, np.nan)
    profile = theory.gradient_profile(hidden_layers, "sigmoid", 1.0, 1.0, digits(IMAGES, seed=0).mean_square)
    q = theory.mean_square(1.302, "sigmoid", 1.0, 1.0)  # where the layers settle
    error = theory.gaussian_mean(lambda z: (1 / (1 + np.exp(-z)) - 1 / CLASSES) ** 2, q)
    return profile + 0.5 * np.log10(CLASSES * error * theory.chi(q, "sigmoid", 1.0))


def gaps(run, log10_theory: float, activation: str = "sigmoid") -> GapRecord:
    """How much slower the first hidden layer is than the last, over a training run: its median and 10-90 % band.

    run: a ``LearningSpeeds`` of several networks. log10_theory: the prediction for fresh weights. activation: of the
    hidden layers, for the colour.
    """
    bands = [np.quantile(np.log10(run.gap(measure)), (0.1, 0.5, 0.9), axis=1) for measure in GAP_WORDS]
    low, median, high = np.swapaxes(bands, 0, 1)
    return GapRecord(activation, run.epochs, tuple(GAP_WORDS.values()), median, low, high, log10_theory)


def sentence(record: SpeedRecord) -> Sentence:
    """Which layer is slower at this epoch, by how much, and whether the network learns at all."""
    label = f"layer 1, {NETWORK_WORDS[record.network]}"
    values = {
        "epoch": record.epoch,
        "last": ORDINALS.get(record.hidden_layers, ""),
        "accuracy": f"{100 * record.accuracy:.0f}",
        "network": SHORT_WORDS[record.network],
        "times": number(10 ** abs(record.log10_gap)),
        "ratio": number(10**-record.log10_gap),
    }
    if record.hidden_layers == 1:
        values["size"] = number(10 ** record.log10_now[0])
        return Sentence("reading", ALONE[record.view].format(**values), label, 0.0)
    verdict = "level" if abs(record.log10_gap) <= np.log10(2) else "vanishing" if record.log10_gap > 0 else "reading"
    return Sentence(verdict, TEXTS[record.view][verdict].format(**values), label, -record.log10_gap)


_GRADIENT = {
    "vanishing": (
        "At epoch {epoch} of gradient descent the gradient of the %s is <b>{times}</b> times smaller in the first "
        "hidden layer than in the {last}. The {network} networks name {accuracy} %% of the digits correctly."
    ),
    "level": (
        "At epoch {epoch} of gradient descent the gradient of the %s in the first hidden layer is <b>{ratio}</b> times "
        "that in the {last}: within a factor of two. The {network} networks name {accuracy} %% of the digits correctly."
    ),
    "reading": (
        "At epoch {epoch} of gradient descent the order is reversed: the gradient of the %s is <b>{times}</b> times "
        "larger in the first hidden layer than in the {last}. The {network} networks name {accuracy} %% of the digits correctly."
    ),
}
_STEP = {
    "vanishing": (
        "At epoch {epoch} a step of %s moves the first hidden layer, for its size, <b>{times}</b> times less than the "
        "{last}. The {network} networks name {accuracy} %% of the digits correctly."
    ),
    "level": (
        "At epoch {epoch} a step of %s moves the first hidden layer, for its size, <b>{ratio}</b> times as far as the "
        "{last}: within a factor of two. The {network} networks name {accuracy} %% of the digits correctly."
    ),
    "reading": (
        "At epoch {epoch} the order is reversed: a step of %s moves the first hidden layer, for its size, "
        "<b>{times}</b> times further than the {last}. The {network} networks name {accuracy} %% of the digits correctly."
    ),
}
_ALONE = (
    "At epoch {epoch} of gradient descent the gradient of the %s of the one hidden layer has the norm <b>{size}</b>, "
    "and there is no other to compare it with: add a layer. The {network} networks name {accuracy} %% of the digits "
    "correctly."
)
_ALONE_STEP = (
    "At epoch {epoch} a step of %s moves the one hidden layer by <b>{size}</b> of its size, and there is no other to "
    "compare it with: add a layer. The {network} networks name {accuracy} %% of the digits correctly."
)
ALONE = {
    "bias": _ALONE % "biases",
    "weights": _ALONE % "weights",
    "step": _ALONE_STEP % "gradient descent",
    "adam": _ALONE_STEP % "Adam",
}
TEXTS = {
    "bias": {verdict: text % "biases" for verdict, text in _GRADIENT.items()},
    "weights": {verdict: text % "weights" for verdict, text in _GRADIENT.items()},
    "step": {verdict: text % "gradient descent" for verdict, text in _STEP.items()},
    "adam": {verdict: text % "Adam" for verdict, text in _STEP.items()},
}
