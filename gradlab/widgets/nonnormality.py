"""Explorer [i]: the same eigenvalues, further and further from normal; what the powers do on their way."""

import math
from functools import lru_cache

import numpy as np

from gradlab.explorer import Explorer, Menu, Preset, Sentence, Slider, limits
from gradlab.plots.nonnormality import nonnormality as draw
from gradlab.records import NonnormalityRecord, PowerNorms
from gradlab.recurrent import PlainCell, power_norms, recurrent_weights, run, step_jacobians, with_eigenvalues
from gradlab.style import number, power
from gradlab.theory import power_rail

LONGEST = 100  # steps; by then every linear matrix of the grid has fallen below 1 for good
FARTHEST = 16  # departure from normality
RANDOM = 200  # units of the random matrix
GAIN = 0.9  # of the Gaussian matrix that lends it its eigenvalues
FIXED_POINT = np.array([0.0, 0.5])  # where the tanh cell rests
SLOPES = 1 - FIXED_POINT**2  # of tanh there: 1 and 3/4
LEVEL = 2  # a gradient within this factor keeps its size

MATRICES = {
    "apart": "0.95 and 0.8",
    "equal": "0.9 twice",
    "random": "200, random",
    "tanh": "0 twice, with tanh",
}
DEPARTURES = (0, 0.1, 0.2, 0.4, 0.6, 0.85, 1.2, 1.7, 2.5, 3.5, 5, 7, 9, 12, FARTHEST)
STEPS = (*range(1, 11), 12, 14, 16, 18, 20, 25, 30, 35, 40, 45, 50, 54, 60, 70, 80, 90, LONGEST)


def nonnormality() -> Explorer:
    """The image of the unit circle and the norm of W^t, while the eigenvalues stay and the eigenvectors close up."""
    return Explorer(
        name="nonnormality",
        title="The eigenvalues never moved",
        controls=(
            Menu("matrix", "Eigenvalues", MATRICES, "apart"),
            Slider("departure", "Departure", DEPARTURES, 1.7),
            Slider("steps", "Steps", STEPS, 8),
        ),
        evaluate=evaluate,
        figure=draw,
        sentence=sentence,
        presets=(
            Preset("At right angles", {"departure": 0}),
            Preset("Almost parallel", {"departure": 9, "steps": 9}),
            Preset("One eigenvector", {"matrix": "equal", "departure": 5, "steps": 54}),
            Preset("A random two hundred", {"matrix": "random", "departure": 9, "steps": 5}),
            Preset("Radius zero", {"matrix": "tanh", "departure": 16, "steps": 20}),
        ),
    )


def evaluate(matrix: str = "apart", departure: float = 1.7, steps: int = 8) -> NonnormalityRecord:
    """Powers of a matrix W whose eigenvalues are fixed, at a given departure from normality; see `NonnormalityRecord`.

    matrix     "apart": [[0.95, c], [0, 0.8]]; "equal": [[0.9, c], [0, 0.9]]; "random": 200 x 200, the eigenvalues of a
               Gaussian matrix and Gaussian numbers above the diagonal, as in its Schur form; "tanh": the recurrent
               weights [[c, c], [-c, -c]] / 2 of a tanh cell at its fixed point (0, 1/2), where J = diag(1, 3/4) W is
               what a step multiplies by
    departure  c from 0 to 16, the Frobenius norm of what the Schur form of W has above its diagonal; 0 is normal
    steps      t from 1 to 100

    Raises ValueError for anything else. Source of the tanh cell: a counterexample to the bound of Pascanu et al. in
    its first form, by eigenvalues (arXiv 1211.5063v2, section 2.1); of the departure: Henrici 1962.

    >>> record = evaluate(matrix="equal", departure=5, steps=9)
    >>> record.powers.peak, round(10**record.log10_norm, 2), record.powers.last_above_one
    (9, 19.38, 54)
    """
    limits.one_of(MATRICES, matrix=matrix)
    limits.number(0, FARTHEST, departure=departure)
    limits.whole(1, LONGEST, steps=steps)
    steps, departure = int(steps), float(departure)
    weights, jacobian, powers = _matrices(matrix, departure)
    eigenvalues = _eigenvalues(matrix)
    bound = None
    if not powers.defective and powers.spectral_radius:
        bound = power_rail(powers.spectral_radius, LONGEST, max(powers.condition, 1.0))
    return NonnormalityRecord(
        matrix=matrix,
        departure=departure,
        steps=steps,
        activation="tanh" if matrix == "tanh" else "linear",
        weights=weights,
        eigenvalues=eigenvalues,
        slopes=SLOPES if matrix == "tanh" else np.ones(len(weights)),
        powers=powers,
        rail=power_rail(float(np.abs(eigenvalues).max()), LONGEST),
        bound=bound,
        image=_image(jacobian, steps),
        eigenvectors=_eigenvectors(jacobian) if len(jacobian) == 2 else np.empty((0, 2)),
        drawn_departure=_drawn()[1] if matrix == "random" else None,
    )


@lru_cache(maxsize=1)
def _drawn() -> tuple[np.ndarray, float, np.ndarray]:
    """Eigenvalues of a Gaussian matrix, its departure from normality, and Gaussian numbers of norm 1 to put above."""
    weights = recurrent_weights("gaussian", RANDOM, seed=0, gain=GAIN)
    values = np.linalg.eigvals(weights)
    departure = math.sqrt((weights**2).sum() - (np.abs(values) ** 2).sum())
    # the blocks of the pairs of eigenvalues stay as they are
    above = np.triu(np.random.default_rng(0).normal(size=weights.shape), 1) * (with_eigenvalues(values) == 0)
    return values, departure, above / np.linalg.norm(above)


def _eigenvalues(matrix: str) -> np.ndarray:
    """Those of W, the same at every departure."""
    fixed = {"apart": (0.95, 0.8), "equal": (0.9, 0.9), "tanh": (0.0, 0.0)}
    return _drawn()[0] if matrix == "random" else np.array(fixed[matrix], complex)


@lru_cache(maxsize=128)  # more than the grid has
def _matrices(matrix: str, departure: float) -> tuple[np.ndarray, np.ndarray, PowerNorms]:
    """W, what one step multiplies by, and the norms of its powers."""
    if matrix == "tanh":
        weights = departure / 2 * np.array([[1.0, 1.0], [-1.0, -1.0]])
        cell = PlainCell(weights, biases=np.arctanh(FIXED_POINT) - weights @ FIXED_POINT)
        step = run(cell, np.zeros((1, 1, 2)), FIXED_POINT[None])
        jacobian = next(step_jacobians(cell, step))[0]
    else:
        above = _drawn()[2] if matrix == "random" else np.ones((2, 2))
        weights = jacobian = with_eigenvalues(_eigenvalues(matrix), departure * above)
    return weights, jacobian, power_norms(jacobian, LONGEST)


def _image(jacobian: np.ndarray, steps: int) -> np.ndarray:
    """(2, 2): J^t itself, or its two largest singular values on the diagonal where J is larger."""
    image = np.linalg.matrix_power(jacobian, steps)
    return image if len(image) == 2 else np.diag(np.linalg.svd(image, compute_uv=False)[:2])


def _eigenvectors(jacobian: np.ndarray) -> np.ndarray:
    """(k, 2): the directions of norm 1 that a step leaves as they are, none where it leaves all, one where two are one."""
    values, vectors = np.linalg.eig(jacobian)
    if np.array_equal(jacobian, values[0] * np.eye(2)):
        return np.empty((0, 2))
    cosine = abs(vectors[:, 0] @ vectors[:, 1])
    return vectors.T[: 1 if cosine > 1 - 1e-12 else 2].real


VALUE = {
    "bounded": (
        "After {steps} the gradient can be <b>{norm}</b> times as long; the eigenvalues promise {rail}, and κ = {kappa} "
        "times that at most."
    ),
    "unbounded": "After {steps} the gradient can be <b>{norm}</b> times as long; the eigenvalues promise {rail}.",
    "normal": "After {steps} the gradient can be <b>{norm}</b> times as long, exactly as the eigenvalues say.",
    "tanh": "After {steps} the gradient can be <b>{norm}</b> times as long; the eigenvalues of W promise 0.",
    "zero": "After {steps} <b>nothing</b> is left of the gradient, exactly as the eigenvalues say.",
}
GROWTH = {
    "here": "{who} make it peak here; it stays below 1 from step {below} on.",
    "peak": "{who} make it peak at step {peak} with <b>{largest}</b>; it stays below 1 from step {below} on.",
    "longer": "{who} make it peak at step {peak} with <b>{largest}</b>, and at step {last} it is still above 1.",
    "none": "{who} do not make it grow at any step.",
}
WHO = {
    "apart": "Eigenvectors {angle}° apart",
    "equal": "Eigenvectors that coincide",
    "random": "Its {n} eigenvectors",
}
NAMES = {"apart": "0.95 and 0.8", "equal": "0.9 twice", "random": "200 random", "tanh": "0 twice, tanh"}
NORMAL = "The eigenvectors stand at right angles: W is normal."
DRAWN = " A random draw has non-normality {drawn}."
TANH = "At the fixed point tanh has the slopes 1 and ¾, so that one step, J, has an eigenvalue that W has not: {own}."
UNSTABLE = " Drawn are powers of J; a run leaves so unstable a point."
NOTHING = "With nothing above its diagonal W itself is 0."


def sentence(record: NonnormalityRecord) -> Sentence:
    """The norm after t steps beside what eigenvalues promise, and where it comes from."""
    powers, norm, tanh = record.powers, record.log10_norm, record.activation == "tanh"
    if record.departure == 0:
        value, reason = ("zero", NOTHING) if tanh else ("normal", NORMAL)
    elif tanh:
        value, reason = "tanh", TANH + UNSTABLE * (powers.spectral_radius > 1)
    else:
        value, reason = "unbounded" if record.bound is None else "bounded", _growth(record)
    words = {
        "steps": f"{record.steps} step{'s' * (record.steps > 1)}",
        "norm": power(norm),
        "rail": power(float(record.rail[record.steps])),
        "kappa": number(powers.condition),
        "who": WHO.get(record.matrix, "").format(angle=number(record.angle), n=record.n),
        "peak": powers.peak,
        "largest": power(float(powers.log10_norm[powers.peak])),
        "below": powers.last_above_one + 1,
        "last": LONGEST,
        "drawn": "" if record.drawn_departure is None else number(record.drawn_departure),
        "own": number(powers.spectral_radius),
    }
    level = abs(norm) <= math.log10(LEVEL)
    verdict = "level" if level else "exploding" if norm > 0 else "vanishing"
    label = f"{NAMES[record.matrix]}; {record.departure:g}"
    text = f"{VALUE[value]} {reason}".format(**words)
    return Sentence(verdict, text, label, norm if math.isfinite(norm) else None)


def _growth(record: NonnormalityRecord) -> str:
    """How far the norm rises above 1, when, and when it is back."""
    powers = record.powers
    if powers.peak == 0:
        kind = "none"
    elif powers.last_above_one == LONGEST:
        kind = "longer"
    else:
        kind = "here" if powers.peak == record.steps else "peak"
    return GROWTH[kind] + (DRAWN if record.matrix == "random" else "")
