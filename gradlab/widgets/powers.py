"""Explorer [h]: the powers of one recurrent matrix, whose largest eigenvalue decides what becomes of a gradient."""

from functools import lru_cache

import numpy as np

from gradlab import theory
from gradlab.explorer import Explorer, Menu, Preset, Sentence, Slider, limits
from gradlab.plots.powers import powers as draw
from gradlab.records import PowerNorms, PowersRecord
from gradlab.recurrent import pair, power_norms, recurrent_weights, two_by_two
from gradlab.style import power

LONGEST = 1000  # steps
DRAWS = 200  # random matrices, among which the one whose leading eigenvalue has the angle is looked for
SHOWN = 80  # dots of an orbit at most
STRIDES = (1, 5, 7, 11, 13, 17)  # none has a divisor in common with a round number of steps a turn
SEEN = 0.02  # of the longest gradient: a shorter one is a dot in the middle
DRAWN = 30  # steps at most for which the norm is drawn
SWOLLEN = 0.02  # decades above 1 from which a norm is said to have swollen
LEVEL = {2: (0.5, 2), 100: (0.5, 5)}  # a norm between these is level: on the circle a random one swells up to fivefold

MODULI = (0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 1, 1.005, 1.01, 1.02, 1.05, 1.1, 1.2, 1.3, 1.5)
ANGLES = (0, 10, 20, 45, 90, 135, 180)
STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
SIZES = {"2": "2 × 2", "100": "random, 100 × 100"}


def powers() -> Explorer:
    """Eigenvalues, the orbit of a gradient, and the norm of W^t, for a modulus and an angle of the eigenvalues."""
    return Explorer(
        name="powers",
        title="One per cent decides, in a thousand steps",
        controls=(
            Slider("modulus", "Modulus |λ|", MODULI, 0.99),
            Slider("angle", "Angle of λ", ANGLES, 20, words={angle: f"{angle}°" for angle in ANGLES}),
            Slider("steps", "Steps", STEPS, 1000),
            Menu("size", "Matrix", SIZES, "2"),
        ),
        evaluate=evaluate,
        figure=draw,
        sentence=sentence,
        presets=(
            Preset("A hair inside", {}),
            Preset("On the circle", {"modulus": 1}),
            Preset("A hair outside", {"modulus": 1.01}),
            Preset("Sign flips", {"angle": 180, "steps": 100}),
            Preset("A random hundred", {"modulus": 0.95, "steps": 50, "size": "100"}),
        ),
    )


def evaluate(modulus: float = 0.99, angle: float = 20, steps: int = 1000, size: str = "2") -> PowersRecord:
    """What ``steps`` steps through one matrix W do to a gradient; see `PowersRecord`.

    modulus: largest |eigenvalue| of W, 0.5 to 1.5. angle: of that eigenvalue, 0 to 180 degrees. steps: 1 to 1000. size:
    "2" for the normal 2 x 2 matrix with that pair of eigenvalues, or "100" for a Gaussian matrix, rescaled: of
    ``DRAWS`` draws the one whose leading eigenvalue has the angle nearest to that asked. ValueError for anything else.

    Powers are homogeneous: those of modulus 1, times modulus^t, serve every modulus exactly.

    >>> record = evaluate(modulus=0.99, steps=1000)
    >>> print(f"{10 ** record.log10_norm[-1]:.3g}, halved every {record.half_life:.3g} steps")
    4.32e-05, halved every 69 steps
    """
    limits.number(MODULI[0], MODULI[-1], modulus=modulus)
    limits.number(0, 180, angle=angle)
    limits.whole(1, LONGEST, steps=steps)
    limits.one_of(SIZES, size=size)
    norms, leading, orbit = _on_the_circle(float(angle), size)
    steps, log10 = int(steps), np.log10(modulus)
    norm = (norms.log10_norm[: steps + 1] + log10 * np.arange(steps + 1)).round(12) + 0.0  # equal at every angle
    orbit = orbit[: steps + 1] * modulus ** np.arange(steps + 1.0)[:, None]
    at, (shown, every) = _spread_out(steps), _seen(float(modulus), steps)
    return PowersRecord(
        n=int(size),
        modulus=float(modulus),
        angle=float(angle),
        steps=steps,
        eigenvalues=modulus * norms.eigenvalues,
        leading=modulus * leading,
        at=at,
        log10_norm=norm[at],
        log10_rail=theory.power_rail(modulus, steps)[at],
        peak=int(norm.argmax()),
        log10_peak=float(norm.max()),
        orbit=orbit[shown],
        orbit_every=every,
        ends=orbit[[0, -1]],
        moduli=np.array(MODULI, dtype=float),
    )


@lru_cache(maxsize=256)
def _on_the_circle(angle: float, size: str) -> tuple[PowerNorms, complex, np.ndarray]:
    """For the matrix of modulus 1: the powers, the leading eigenvalue, and the orbit of a gradient, (LONGEST + 1, 2)."""
    if size == "2":
        weights, gradient, plane = two_by_two(pair(1.0, angle)), np.array([1.0, 0.0]), np.eye(2)
        leading = pair(1.0, angle)[0]
    else:
        n, seed = int(size), int(np.abs(_leading_angles(int(size)) - angle).argmin())
        weights = recurrent_weights("gaussian", n, seed=seed, spectral_radius=1.0)
        gradient = np.random.default_rng((seed, 1)).normal(size=n)
        gradient /= np.linalg.norm(gradient)
        leading, plane = _leading_plane(weights.T)
    orbit = np.empty((LONGEST + 1, 2))
    for t in range(LONGEST + 1):
        orbit[t] = plane @ gradient
        gradient = weights.T @ gradient
    return power_norms(weights, LONGEST), complex(leading), orbit


@lru_cache(maxsize=1)
def _leading_angles(n: int) -> np.ndarray:
    """Angle of the largest eigenvalue of each draw, in degrees from 0 to 180, (DRAWS,)."""
    values = (np.linalg.eigvals(recurrent_weights("gaussian", n, seed=seed)) for seed in range(DRAWS))
    return np.array([abs(np.angle(one[np.abs(one).argmax()], deg=True)) for one in values])


def _leading_plane(matrix) -> tuple[complex, np.ndarray]:
    """The largest eigenvalue, imaginary part not negative, and an orthonormal basis, (2, n), of the plane to look at.

    The matrix maps the plane of a pair into itself; the basis is turned so that it turns against the clock. Where the
    eigenvalue is real the plane is that of its eigenvector, the first of the basis, and of the next one's real part.
    """
    values, vectors = np.linalg.eig(matrix)
    order = np.lexsort((-values.imag, -np.abs(values).round(12)))
    value, first = values[order[0]], vectors[:, order[0]]
    second = -first.imag if value.imag else vectors[:, order[1]].real
    across = first.real / np.linalg.norm(first.real)
    up = second - (second @ across) * across
    return value, np.array([across, up / np.linalg.norm(up)])


def _seen(modulus: float, steps: int) -> tuple[np.ndarray, int]:
    """The steps at which the orbit is drawn, and how far apart they are: those at which |lambda|^t is not too small."""
    far = steps if modulus == 1 else min(steps, int(np.log(SEEN) / -abs(np.log(modulus))))
    every = next((stride for stride in STRIDES if far // stride < SHOWN), STRIDES[-1])
    back = np.arange(0, far + 1, every)
    return (back if modulus <= 1 else steps - back[::-1]), every


def _spread_out(steps: int) -> np.ndarray:
    """The steps for which the norm is drawn: closer together at first, where a matrix that is not normal swells."""
    if steps < DRAWN:
        return np.arange(steps + 1)
    return np.unique(np.round(np.linspace(0, 1, DRAWN) ** 1.5 * steps).astype(int))


RATES = {
    "vanishing": "With |λ| = {modulus} half of the gradient is lost every {half}: {leave} <b>{left}</b> of it.",
    "level": "With |λ| = 1 no step changes the length of the gradient: {leave} <b>{left}</b> of it.",
    "exploding": "With |λ| = {modulus} the gradient doubles every {half}: {make} it <b>{left}</b> times as long.",
}
ACROSS = {
    "vanishing": "As far outside the circle, {mirror} would make it {other} times as long.",
    "level": "One per cent less would leave {other}.",
    "exploding": "As far inside the circle, {mirror} would leave {other}.",
}
TURNS = {0: "Its direction stays as it is.", 180: "It changes sign at every step, which costs nothing."}
TURNED = "The angle only turns it, by {angle}° a step."
RANDOM = (
    "A random 100 × 100 matrix with |λ| = {modulus} makes the luckiest gradient <b>{left}</b> times as long in {steps}, "
    "where |λ|<sup>t</sup> is {rail}: its eigenvectors do not stand at right angles."
)
PEAK = "At step {peak} the luckiest was {longest} times as long as at first."


def sentence(record: PowersRecord) -> Sentence:
    """What is left of the gradient, how fast it goes, and what the angle, or the other eigenvalues, have to do with it."""
    left, modulus = float(record.log10_norm[-1]), record.modulus
    low, high = np.log10(LEVEL[record.n])
    verdict = "vanishing" if left < low - 1e-9 else "exploding" if left > high + 1e-9 else "level"  # but for rounding
    half, one = f"{record.half_life:.3g}", record.steps == 1
    steps = "1 step" if one else f"{record.steps} steps"
    mirror = 0.99 if modulus == 1 else 2 - modulus
    values = {
        "modulus": f"{modulus:.6g}",
        "mirror": f"{mirror:.6g}",
        "angle": f"{record.angle:.4g}",
        "half": "step" if half == "1" else f"{half} steps",
        "steps": steps,
        "leave": f"{steps} leaves" if one else f"{steps} leave",
        "make": f"{steps} makes" if one else f"{steps} make",
        "left": power(left),
        "other": power(record.steps * float(np.log10(mirror))),
        "rail": power(float(record.log10_rail[-1])),
        "peak": record.peak,
        "longest": power(record.log10_peak),
    }
    parts = (_two if record.n == 2 else _hundred)(record)
    label = f"|λ| = {values['modulus']}, {values['angle']}°" + (", random" if record.n > 2 else "")
    return Sentence(verdict, parts.format(**values), label, left)


def _two(record: PowersRecord) -> str:
    kind = "level" if record.modulus == 1 else "vanishing" if record.modulus < 1 else "exploding"
    return f"{RATES[kind]} {ACROSS[kind]} {TURNS.get(record.angle, TURNED)}"


def _hundred(record: PowersRecord) -> str:
    """A norm that is largest at its last step is the one already named; the swelling is told where it can be seen."""
    return f"{RANDOM} {PEAK}" if 0 < record.peak < record.steps and record.log10_peak > SWOLLEN else RANDOM
