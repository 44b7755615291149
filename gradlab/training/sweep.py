"""Every combination of remedies, trained: which nets of 10, 30 and 60 layers learn the digits?

    python -m gradlab.training.sweep [--workers N] [--table PATH]

makes the table that `gradlab.remedies.shipped()` reads, and goes on where it was interrupted.
"""

import argparse
import math
import signal
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import contextmanager, nullcontext
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import batch_norm, cross_entropy, gelu, layer_norm
from tqdm import tqdm

from gradlab import remedies
from gradlab.data import AVAILABLE, digits
from gradlab.records import Configuration, Outcome, Protocol, SweepRecord, combinations
from gradlab.training.loop import one_thread, watched, whole

VALUES = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu, "gelu": gelu}


class Networks:
    """K networks of one configuration, computed together: network k has the weights of seeds[k].

    `parameters` tensors with the networks on an axis of their own: weights (L, K, n, n), biases (L, K, n, 1), gains and
    shifts of the normalization (L, K, n, 1) if there is one, the readout's weights (K, 10, n) and biases (K, 10, 1).
    """

    def __init__(self, configuration: Configuration, seeds, dtype: torch.dtype = torch.float32):
        self.configuration, self.count = configuration, len(seeds)
        drawn = {seed: remedies.network(configuration, seed=seed) for seed in set(seeds)}
        heads = np.stack([remedies.readout(seed=seed) for seed in seeds])
        n = remedies.WIDTH

        def layers(name, columns):
            each = [np.stack(getattr(drawn[seed], name)).reshape(-1, n, columns) for seed in seeds]
            return torch.tensor(np.stack(each, axis=1), dtype=dtype)

        biases = layers("biases", 1)
        self.layers = [layers("weights", n), biases]
        if configuration.normalization != "none":
            self.layers += [torch.ones_like(biases), torch.zeros_like(biases)]
        self.head = [torch.tensor(heads, dtype=dtype), torch.zeros(self.count, remedies.CLASSES, 1, dtype=dtype)]
        self.parameters = [p.requires_grad_() for p in (*self.layers, *self.head)]

    def answers(self, x: torch.Tensor, *, settled: int | None = None, seen: list | None = None) -> torch.Tensor:
        """Logits (K, 10, B) for x (64, B).

        settled: batch normalization asks the first so many columns of x alone; not where gradients are wanted. seen: a
        list to which the z of every hidden layer is added as `gradlab.backprop.profile` means it: normalized, before
        the activation; of a residual block the sum.
        """
        c, phi = self.configuration, VALUES[self.configuration.activation]
        h = x.expand(self.count, *x.shape)
        for weight, bias, *affine in zip(*(p.unbind() for p in self.layers), strict=True):
            if c.shortcut == "plain":
                z = self._normalized(torch.baddbmm(bias, weight, h), settled, *affine)
                h = phi(z)
            else:
                branch = torch.baddbmm(bias, weight, phi(self._normalized(h, settled, *affine)))
                z = h = torch.add(h, branch, alpha=c.branch_scale)
            if seen is not None:
                seen.append(z)
        return torch.baddbmm(self.head[1], self.head[0], h)

    def _normalized(self, z, settled, gain=None, shift=None):
        """z (K, n, B) with the normalization of the configuration."""
        if gain is None:
            return z
        if self.configuration.normalization == "layer":
            return torch.addcmul(shift, gain, layer_norm(z.mT, z.shape[1:2]).mT)
        variance, mean = (None, None) if settled is None else torch.var_mean(z[..., :settled], 2, correction=0)
        statistics = [None if s is None else s.flatten() for s in (mean, variance)]
        units = z.reshape(1, -1, z.shape[-1])  # a channel is one unit of one network
        return batch_norm(units, *statistics, gain.flatten(), shift.flatten(), settled is None).view(z.shape)

    def norm(self, tensors) -> torch.Tensor:
        """Norm of all these tensors of a network together, (K,) float64."""
        sizes = [
            torch.linalg.vector_norm(t, dim=(-2, -1), dtype=torch.float64).reshape(-1, self.count) for t in tensors
        ]
        return torch.cat(sizes).norm(dim=0)


def measure(configuration: Configuration, protocol: Protocol | None = None) -> Outcome:
    """The gradient of a configuration's networks at their start, and what training makes of them.

    Gradient descent or Adam on the softmax cross-entropy, the images in one fixed order, gain and shift of a
    normalization learnt as well; precision float32, but float64 at the start. All seeds and learning rates are trained
    at once. An overflow is a result, not an error. Batch normalization is settled on all images trained on before
    anything is counted.
    """
    protocol = protocol or Protocol()
    if protocol.images >= AVAILABLE:
        raise ValueError(f"images is {protocol.images}; it may be at most {AVAILABLE - 1}, so that some are held out")
    start = _start(configuration, protocol)
    rates = protocol.rates(configuration.optimizer)
    with one_thread(), _no_denormals():
        outcomes = [row.reshape(len(rates), -1) for row in _train(configuration, protocol, rates)]
    best = int(np.argmax(np.median(np.nan_to_num(outcomes[0]), axis=1)))  # of equals the first, the lowest
    return Outcome(configuration, rates[best], *start, *(row[best] for row in outcomes))


def profiles(configuration: Configuration, seeds, images, labels) -> tuple[np.ndarray, np.ndarray]:
    """log10 ||dL/dz_ell|| by autograd, (S, L), and log10 of the norm of the whole gradient, (S,); before training.

    images (B, 64), labels (B, 10). `gradlab.remedies.start_profile` finds the first by hand.
    """
    networks, seen = Networks(configuration, seeds, torch.float64), []
    loss = _loss(networks.answers(_columns(images, torch.float64), seen=seen), _classes(labels))
    sizes = torch.autograd.grad(loss.sum(), [*seen, *networks.parameters])
    with np.errstate(divide="ignore"):
        layers = np.log10([networks.norm([g]).numpy() for g in sizes[: len(seen)]]).T
        return layers, np.log10(networks.norm(sizes[len(seen) :]).numpy())


def sweep(
    configurations: Iterable[Configuration],
    *,
    protocol: Protocol | None = None,
    executor: Executor | None = None,
    workers: int | None = None,
    table: Path | str | None = None,
    progress: bool | None = None,
) -> SweepRecord:
    """`measure` every configuration, each in a task of its own; the record is the same whoever computes it and when.

    executor: anything with the `submit` of `concurrent.futures.Executor` whose futures `as_completed` takes, such as
    that of a cluster (`dask.distributed.Client.get_executor()`); it is left open. None: processes of this machine, as
    many as `workers` or as it has cores. table: a file to which each outcome is added as it comes; what it holds
    already is not measured again. Ctrl-C cancels what has not begun and returns what is finished, `complete` False;
    the next call with the same table goes on. progress: a bar on stderr; None shows it only to somebody who watches.

    Raises ValueError for a table that was made by another protocol. The processes are fresh ones: a script that calls
    this does so under `if __name__ == "__main__":`.
    """
    protocol, wanted = protocol or Protocol(), set(configurations)
    for one in wanted:
        if not isinstance(one, Configuration):
            raise ValueError(f"configurations holds {one!r}; it may hold `Configuration`s alone")
    if workers is not None:
        whole("workers", workers, 1)
    done = _resumed(table, protocol)
    open_tasks = sorted(wanted - set(done), key=lambda one: one.rank)
    complete, futures = True, []
    bar = tqdm(
        total=len(wanted),
        initial=len(wanted) - len(open_tasks),
        desc="sweep",
        disable=not watched(progress),
        file=sys.stderr,
    )
    with (
        bar,
        nullcontext(executor)
        if executor is not None or not open_tasks
        else _processes(workers, len(open_tasks)) as pool,
    ):
        try:
            for one in open_tasks:
                futures.append(pool.submit(measure, one, protocol))
            for future in as_completed(futures):
                outcome = remedies.rounded(future.result(), protocol)
                done[outcome.configuration] = outcome
                if table is not None:
                    with open(table, "a", encoding="utf-8", newline="\n") as file:
                        file.write(remedies.line(outcome))
                bar.update()
        except KeyboardInterrupt:
            complete = False
        finally:
            for future in futures:
                future.cancel()
    if not complete:  # some have ended in the meantime
        ended = [f.result() for f in futures if f.done() and not f.cancelled() and f.exception() is None]
        done |= {one.configuration: remedies.rounded(one, protocol) for one in ended}
    if table is not None:
        remedies.write(SweepRecord(protocol, tuple(done.values())), table)
    return SweepRecord(protocol, tuple(done[one] for one in wanted if one in done), complete)


def _resumed(table, protocol) -> dict[Configuration, Outcome]:
    """What a table holds already; the file is then there and ends with a whole line."""
    if table is None:
        return {}
    held = SweepRecord(protocol, ())
    if Path(table).exists():
        held = remedies.read(table)
        if held.protocol != protocol:
            raise ValueError(
                f"table {table} was made with {held.protocol}; this sweep has {protocol}: name another file"
            )
    remedies.write(held, table)
    return dict(zip(held.configurations, held.outcomes, strict=True))


def _processes(workers, tasks) -> ProcessPoolExecutor:
    """Fresh processes, since a fork of one that has used PyTorch may hang; Ctrl-C is for the parent alone."""
    return ProcessPoolExecutor(
        None if workers is None else min(workers, tasks),
        get_context("spawn"),
        signal.signal,
        (signal.SIGINT, signal.SIG_IGN),
    )


def _start(configuration, protocol) -> tuple[np.ndarray, np.ndarray]:
    """`relative` and `level`, on the first batch."""
    few = digits(protocol.batch, seed=0)
    with one_thread():
        layers, level = profiles(configuration, protocol.seeds, few.images, few.labels)
    with np.errstate(invalid="ignore"):
        return layers[:, 0] - layers[:, -1], level


def _train(configuration, protocol, rates) -> list[np.ndarray]:
    """`accuracy`, `held_out`, `solved` and `broke` of every network, (R * S,): all seeds at the first rate, and so on."""
    data, count = digits(seed=0), protocol.images
    x, y = _columns(data.images), _classes(data.labels)
    networks = Networks(configuration, protocol.seeds * len(rates))
    update = _UPDATES[configuration.optimizer](networks.parameters)
    rate = torch.tensor(np.repeat(rates, len(protocol.seeds)), dtype=torch.float32)
    solved, broke = torch.full((2, networks.count), math.nan)
    batches = list(zip(x[:, :count].split(protocol.batch, 1), y[:count].split(protocol.batch), strict=True))
    for epoch in range(protocol.epochs):
        right = torch.zeros(networks.count)
        for step, (images, classes) in enumerate(batches, epoch * len(batches)):
            answers = networks.answers(images)
            loss = _loss(answers, classes)
            gradients = torch.autograd.grad(loss.sum(), networks.parameters)
            broke[broke.isnan() & ~loss.isfinite()] = step
            right += (answers.argmax(1) == classes).float().mean(1)
            with torch.no_grad():
                update(gradients, rate, _kept(networks, gradients, configuration.clip))
        solved[solved.isnan() & broke.isnan() & (right >= protocol.solved * len(batches))] = epoch + 1
        if not broke.isnan().any():
            break  # nothing is left to train
    with torch.no_grad():
        answers = networks.answers(x, settled=count)
        hits = (answers.argmax(1) == y).double()
        hits[~answers.isfinite().all(1).all(1)] = math.nan
    return [part.numpy() for part in (hits[:, :count].mean(1), hits[:, count:].mean(1), solved, broke)]


def _kept(networks, gradients, clip) -> torch.Tensor:
    """What clipping multiplies the gradient of each network by, (K,)."""
    if clip == math.inf:
        return torch.ones(networks.count)
    return (clip / networks.norm(gradients)).clamp(max=1.0).float()


class _Descent:
    """Steps of gradient descent, every network with its own rate."""

    def __init__(self, parameters):
        self.parameters = parameters

    def __call__(self, gradients, rate, kept):
        for p, gradient in zip(self.parameters, gradients, strict=True):
            p.addcmul_(gradient, (rate * kept)[:, None, None], value=-1)


class _Adam:
    """Steps of Adam with PyTorch's constants, every network with its own rate."""

    def __init__(self, parameters):
        self.parameters, self.steps = parameters, 0
        self.means, self.squares = ([torch.zeros_like(p) for p in parameters] for _ in range(2))

    def __call__(self, gradients, rate, kept):
        self.steps += 1
        first, second = (1 - beta**self.steps for beta in (0.9, 0.999))
        for p, g, mean, square in zip(self.parameters, gradients, self.means, self.squares, strict=True):
            mean.lerp_(g, 0.1)
            square.lerp_(g * g, 0.001)
            p.addcmul_(mean / (square.div(second).sqrt_().add_(1e-8)), (rate / first)[:, None, None], value=-1)


_UPDATES = {"gradient descent": _Descent, "Adam": _Adam}


def _loss(answers, classes) -> torch.Tensor:
    """Softmax cross-entropy, mean over the images: (K, 10, B), (B,) -> (K,)."""
    return cross_entropy(answers, classes.expand(len(answers), -1), reduction="none").mean(1)


def _columns(images, dtype=torch.float32) -> torch.Tensor:
    return torch.tensor(np.asarray(images).T, dtype=dtype).contiguous()


def _classes(labels) -> torch.Tensor:
    return torch.tensor(np.asarray(labels).argmax(1))


@contextmanager
def _no_denormals() -> Iterator[None]:
    """Gradients below 1e-38 are 0, as on a GPU: a CPU is a hundred times slower on the last decades before."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def grid() -> tuple[Configuration, ...]:
    """The configurations of the shipped table.

    Gradient descent at every depth, clipped too, but from 30 layers on only where nothing normalizes: at 10 layers
    clipping made none of the 90 combinations with a normalization learn, and none fail. Adam at 30 layers, for three
    starts.
    """
    starts = ("torch_default", "kaiming_normal", "standard_normal")
    descent = [c for c in combinations() if c.depth == 10 or c.clip == math.inf or c.normalization == "none"]
    return (*descent, *combinations(depth=(30,), initializer=starts, clip=(math.inf,), optimizer=("Adam",)))


def main(arguments=None) -> int:
    """The command: make a table, or go on with it; 1 where it was interrupted."""
    parser = argparse.ArgumentParser(prog="python -m gradlab.training.sweep", description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, help="processes; as many as there are cores when left out")
    parser.add_argument("--table", type=Path, default=remedies.SHIPPED, help="default: the shipped one")
    given = parser.parse_args(arguments)
    for end in (signal.SIGINT, signal.SIGTERM):  # a shell lets what runs in the background ignore the first
        signal.signal(end, signal.default_int_handler)
    table = sweep(grid(), workers=given.workers, table=given.table, progress=True)
    print(f"{len(table)} of {len(grid())} configurations are in {given.table}")
    return 0 if table.complete else 1


if __name__ == "__main__":
    from gradlab.training import sweep as module  # its functions then have one name here and in the processes

    sys.exit(module.main())
