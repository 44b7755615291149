"""A sweep measures what gradlab measures by hand, whoever computes it, and a table goes on where it was left."""

import math
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import numpy as np
import pytest
import torch

from gradlab import remedies
from gradlab.backprop import forward, profile
from gradlab.data import digits
from gradlab.records import Configuration, Outcome, Protocol, SweepRecord, combinations
from gradlab.records.sweeps import CHOICES, MEASURES
from gradlab.training import sweep as module
from gradlab.training.sweep import Networks, grid, measure, profiles, sweep

SMALL = Protocol(seeds=(0, 3), images=128, batch=64, epochs=1, descent_rates=(0.01, 0.1), adam_rates=(0.001,))
FOUR = combinations(
    depth=[2, 3],
    activation=["tanh"],
    initializer=["orthogonal", "standard_normal"],
    normalization=["none"],
    shortcut=["plain"],
    clip=[1.0],
)
FEW = digits(20, seed=4)
EVERY_WAY = combinations(depth=[4], activation=CHOICES["activation"], initializer=["torch_default"], clip=[math.inf])


def same(one, other):
    assert one.protocol == other.protocol and one.configurations == other.configurations
    for name in ("learning_rate", *MEASURES):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@pytest.fixture(scope="module")
def expected():
    return SweepRecord(SMALL, tuple(remedies.rounded(measure(one, SMALL), SMALL) for one in FOUR))


# the gradient before training


@pytest.mark.parametrize("configuration", EVERY_WAY, ids=lambda c: f"{c.activation}-{c.normalization}-{c.shortcut}")
def test_autograd_and_the_profile_by_hand_agree(configuration):
    layers, _ = profiles(configuration, (0, 5), FEW.images, FEW.labels)
    for row, seed in zip(layers, (0, 5), strict=True):
        by_hand = remedies.start_profile(configuration, FEW.images, FEW.labels, seed=seed)
        np.testing.assert_allclose(row, by_hand.log10_dz_norm, rtol=0, atol=1e-12)


@pytest.mark.parametrize("law", CHOICES["initializer"])
def test_they_agree_at_sixty_layers_too(law):
    configuration = Configuration(60, "relu", law, shortcut="residual")
    layers, _ = profiles(configuration, (1,), FEW.images, FEW.labels)
    by_hand = remedies.start_profile(configuration, FEW.images, FEW.labels, seed=1)
    np.testing.assert_allclose(layers[0], by_hand.log10_dz_norm, rtol=0, atol=1e-11)


def test_the_level_is_the_norm_of_the_whole_gradient():
    """Of a plain net the parameters' gradient is that of weights and biases by hand, and that of the readout."""
    configuration = Configuration(3, "tanh", "xavier_normal")
    stack, head = remedies.network(configuration, seed=2), remedies.readout(seed=2)
    last = forward(stack, FEW.images).post[-1]
    share = np.exp(last @ head.T)
    answer_gradient = (share / share.sum(1, keepdims=True) - FEW.labels) / len(FEW)
    by_hand = profile(stack, FEW.images, answer_gradient @ head)
    biases = module.Networks(configuration, (2,), torch.float64)
    loss = module._loss(biases.answers(module._columns(FEW.images, torch.float64)), module._classes(FEW.labels))
    bias_gradient = torch.autograd.grad(loss.sum(), biases.layers[1])[0].norm().item()
    parts = [
        *by_hand.dW_norm,
        bias_gradient,
        np.linalg.norm(answer_gradient.T @ last),
        np.linalg.norm(answer_gradient.sum(0)),
    ]
    _, level = profiles(configuration, (2,), FEW.images, FEW.labels)
    assert level[0] == pytest.approx(np.log10(np.linalg.norm(parts)), abs=1e-12)


def test_the_other_remedies_leave_the_weights_as_they_are():
    plain, normalized, scaled = (
        Networks(Configuration(3, "tanh", "orthogonal", how, shortcut), (7,))
        for how, shortcut in (("none", "plain"), ("batch", "plain"), ("layer", "scaled"))
    )
    for other in (normalized, scaled):
        assert all(torch.equal(a, b) for a, b in zip(plain.layers, other.layers[:2], strict=True))
        assert all(torch.equal(a, b) for a, b in zip(plain.head, other.head, strict=True))


def test_batch_normalization_is_settled_on_the_images_trained_on():
    """Statistics of some of the images serve all of them: no answer depends on the images left out."""
    configuration = Configuration(3, "relu", "kaiming_normal", "batch")
    networks, x = Networks(configuration, (0,), torch.float64), module._columns(FEW.images, torch.float64)
    with torch.no_grad():
        settled, fewer, own = (
            networks.answers(x, settled=15),
            networks.answers(x[:, :17], settled=15),
            networks.answers(x[:, :15]),
        )
    torch.testing.assert_close(fewer, settled[..., :17])
    torch.testing.assert_close(own, settled[..., :15])  # where they are the batch itself


# training


def plain_torch(configuration, seed, rate, protocol):
    """The same training, one network, with what PyTorch has; accuracies on the images trained on and on the others."""
    stack, head = remedies.network(configuration, seed=seed), remedies.readout(seed=seed)
    phi = {"tanh": torch.nn.Tanh, "relu": torch.nn.ReLU}[configuration.activation]
    modules = []
    for weight, bias in zip(stack.weights, stack.biases, strict=True):
        linear = torch.nn.Linear(64, 64)
        linear.weight.data, linear.bias.data = (torch.tensor(a, dtype=torch.float32) for a in (weight, bias))
        norm = {"none": [], "batch": [torch.nn.BatchNorm1d(64, momentum=None)], "layer": [torch.nn.LayerNorm(64)]}
        modules += [linear, *norm[configuration.normalization], phi()]
    last = torch.nn.Linear(64, 10)
    last.weight.data, last.bias.data = torch.tensor(head, dtype=torch.float32), torch.zeros(10)
    net = torch.nn.Sequential(*modules, last)
    make = torch.optim.Adam if configuration.optimizer == "Adam" else torch.optim.SGD
    optimizer = make(net.parameters(), lr=rate)
    data = digits(seed=0)
    x, y = torch.tensor(data.images, dtype=torch.float32), torch.tensor(data.values)
    for _ in range(protocol.epochs):
        for start in range(0, protocol.images, protocol.batch):
            rows = slice(start, start + protocol.batch)
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(net(x[rows]), y[rows]).backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), configuration.clip)
            optimizer.step()
    return [p.detach() for p in net.parameters()]


@pytest.mark.parametrize(
    "configuration",
    [
        Configuration(3, "tanh", "xavier_normal"),
        Configuration(3, "tanh", "standard_normal", clip=0.5),
        Configuration(3, "relu", "kaiming_normal", "batch"),
        Configuration(3, "tanh", "torch_default", "layer", optimizer="Adam"),
    ],
    ids=lambda c: f"{c.normalization}-{c.clip}-{c.optimizer}",
)
def test_all_networks_together_take_the_steps_of_each_alone(configuration, monkeypatch):
    made = []
    monkeypatch.setattr(module, "Networks", lambda *given: made.append(Networks(*given)) or made[-1])
    seeds, rates = (0, 3), (0.001, 0.01)
    module._train(configuration, replace(SMALL, seeds=seeds), rates)
    for k, (rate, seed) in enumerate((r, s) for r in rates for s in seeds):
        alone = plain_torch(configuration, seed, rate, SMALL)
        together = [p.detach()[:, k] for p in made[0].layers] + [p.detach()[k] for p in made[0].head]
        per_layer = len(made[0].layers)
        for layer in range(configuration.depth):
            for part in range(per_layer):
                mine, its = together[part][layer], alone[per_layer * layer + part]
                torch.testing.assert_close(mine.reshape(its.shape), its, rtol=1e-3, atol=2e-5)


def test_the_best_rate_counts_and_learning_is_dated():
    learnt = measure(Configuration(3, "relu", "kaiming_normal", "batch"), Protocol(epochs=4, seeds=(0, 1)))
    assert (learnt.accuracy > 0.9).all() and (learnt.held_out > 0.8).all()
    assert (learnt.solved >= 1).all() and (learnt.solved <= 4).all() and np.isnan(learnt.broke).all()
    assert learnt.learning_rate in (0.01, 0.1, 1.0)


def test_an_overflow_is_a_result():
    """N(0, 1) weights and shortcuts, 60 layers: the loss is no float32 number before the first step."""
    broken = measure(Configuration(60, "relu", "standard_normal", shortcut="residual"), SMALL)
    assert (broken.broke == 0).all() and np.isnan([broken.accuracy, broken.held_out, broken.solved]).all()
    assert (broken.relative > 40).all() and np.isfinite(broken.level).all() and broken.learning_rate == 0.01


def test_the_denormals_and_the_threads_come_back():
    measure(FOUR[0], SMALL)
    tiny = torch.tensor([1e-40]) * 1
    assert tiny.item() > 0


# who computes


class AtOnce(Executor):
    """The least that is an executor: it does the task when it is handed in."""

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        future.set_result(fn(*args, **kwargs))
        return future


EXECUTORS = {
    "threads": lambda: ThreadPoolExecutor(2),
    "processes": lambda: ProcessPoolExecutor(2, get_context("spawn")),
    "at once": AtOnce,
}


@pytest.mark.parametrize("name", EXECUTORS)
def test_whoever_computes_the_table_is_the_same(name, expected, tmp_path):
    with EXECUTORS[name]() as executor:
        table = sweep(reversed(FOUR), protocol=SMALL, executor=executor, table=tmp_path / "t.csv", progress=False)
        executor.submit(int).result()  # it was left open
    same(table, expected)
    assert table.complete
    remedies.write(expected, tmp_path / "expected.csv")
    assert (tmp_path / "t.csv").read_bytes() == (tmp_path / "expected.csv").read_bytes()


def test_processes_of_its_own(expected):
    same(sweep(FOUR[:2], protocol=SMALL, workers=1, progress=False), replace(expected, outcomes=expected.outcomes[:2]))


# tables


def test_a_table_goes_on_where_it_was_torn(expected, tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    remedies.write(expected, path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    assert len(remedies.read(path)) == 3
    measured = []
    monkeypatch.setattr(module, "measure", lambda one, protocol: measured.append(one) or measure(one, protocol))
    same(sweep(FOUR, protocol=SMALL, executor=AtOnce(), table=path), expected)
    assert measured == [FOUR[-1]] and path.read_bytes() == whole
    same(sweep(FOUR[:1], protocol=SMALL, table=path), replace(expected, outcomes=expected.outcomes[:1]))
    assert path.read_bytes() == whole  # what was not asked for stays


def test_ctrl_c_keeps_what_is_finished(expected, tmp_path):
    """Two are done, one is running or waits, and then somebody presses Ctrl-C: while tasks are handed in, or later."""

    class Interrupted(AtOnce):
        def __init__(self, early):
            self.early, self.waiting = early, Future()

        def submit(self, fn, one, protocol):
            if one == FOUR[2]:
                return self.waiting
            if one == FOUR[3] and self.early:
                raise KeyboardInterrupt
            future = super().submit(fn, one, protocol)
            if one == FOUR[3]:
                future = Future()
                future.set_exception(KeyboardInterrupt())
            return future

    for early in (True, False):
        path, executor = tmp_path / f"{early}.csv", Interrupted(early)
        part = sweep(FOUR, protocol=SMALL, executor=executor, table=path)
        assert not part.complete and executor.waiting.cancelled() and part.configurations == FOUR[:2]
        assert remedies.read(path).configurations == FOUR[:2]
        same(sweep(FOUR, protocol=SMALL, executor=AtOnce(), table=path), expected)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT to send")
def test_ctrl_c_ends_the_command_and_leaves_a_table(tmp_path):
    path = tmp_path / "t.csv"
    command = [sys.executable, "-m", "gradlab.training.sweep", "--workers", "1", "--table", str(path)]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # as a shell starts what is in the background
    )
    try:
        until = time.monotonic() + 300
        while time.monotonic() < until and not (path.exists() and path.read_text().count("\n") > 2):
            time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        said, complained = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 1 and "Traceback" not in complained, complained
    held = remedies.read(path)
    assert 0 < len(held) < len(grid()) and f"{len(held)} of {len(grid())}" in said
    assert held.configurations == grid()[: len(held)]


def test_a_table_made_otherwise_is_refused(expected, tmp_path):
    path = tmp_path / "t.csv"
    remedies.write(expected, path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="was made with Protocol.*epochs=1.*this sweep has.*epochs=2.*another file"):
        sweep(FOUR, protocol=replace(SMALL, epochs=2), table=path)
    assert path.read_bytes() == before
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="does not begin as a table of a sweep"):
        sweep(FOUR, protocol=SMALL, table=path)
    path.write_text(before.decode().replace("relative_0", "relative"))
    with pytest.raises(ValueError, match="has the columns"):
        remedies.read(path)


def test_what_has_no_number_has_none_after_reading(tmp_path):
    gone = np.array([np.nan, np.inf])
    outcome = Outcome(FOUR[0], 0.1, np.array([-1.234, -np.inf]), gone, gone, gone, gone, gone)
    remedies.write(SweepRecord(SMALL, (outcome,)), tmp_path / "deep" / "t.csv")
    read = remedies.read(tmp_path / "deep" / "t.csv")[FOUR[0]]
    assert read.relative.tolist() == [-1.23, -np.inf] and np.isnan(read.accuracy[0]) and read.level[1] == np.inf


# choices


def test_the_combinations_are_each_there_once_in_order():
    assert len(combinations()) == 3 * 3 * 5 * 3 * 3 * 2 and len(grid()) == len(set(grid())) == 711
    ranks = [one.rank for one in grid()]
    assert ranks == sorted(ranks) and len(set(ranks)) == 711
    assert not [one for one in combinations(optimizer=["Adam"]) if one.clip < math.inf]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"depth": 1}, "depth is 1; it may be an integer from 2"),
        ({"depth": 2.5}, "depth is 2.5"),
        ({"activation": "tanhh"}, "activation is 'tanhh'; did you mean 'tanh'"),
        ({"initializer": "he"}, "initializer is 'he'; .*it may be one of torch_default"),
        ({"normalization": "rms"}, "normalization is 'rms'"),
        ({"shortcut": "none"}, "shortcut is 'none'"),
        ({"clip": 0}, "clip is 0; it may be a number above 0, inf"),
        ({"clip": math.nan}, "clip is nan"),
        ({"optimizer": "adam"}, "did you mean 'Adam'"),
    ],
)
def test_a_configuration_says_what_it_may_be(given, said):
    with pytest.raises(ValueError, match=said):
        Configuration(**{"depth": 3, "activation": "tanh", "initializer": "orthogonal"} | given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"seeds": ()}, "seeds is"),
        ({"seeds": (1, 0)}, "seeds is .*rising"),
        ({"descent_rates": (0.0, 1.0)}, "above 0"),
        ({"batch": 1}, "batch is 1; it may be an integer from 2"),
        ({"batch": 7}, "batch is 7; it may be a divisor of 1280"),
        ({"epochs": 0}, "epochs is 0"),
    ],
)
def test_a_protocol_says_what_it_may_be(given, said):
    with pytest.raises(ValueError, match=said):
        Protocol(**given)


def test_some_images_must_be_held_out_and_configurations_be_such():
    with pytest.raises(ValueError, match="images is 1797; it may be at most 1796"):
        measure(FOUR[0], Protocol(images=1797, batch=3))
    with pytest.raises(ValueError, match="configurations holds 3"):
        sweep([3], protocol=SMALL)
    with pytest.raises(ValueError, match="workers is 0"):
        sweep(FOUR, protocol=SMALL, workers=0)


def test_a_part_of_a_table(expected):
    part = expected.where(depth=2, initializer=["orthogonal", "xavier_normal"])
    assert part.configurations == (Configuration(2, "tanh", "orthogonal", clip=1.0),)
    assert part.relative.shape == (1, 2) and part.learning_rate.shape == (1,) and part.trained(0.0).tolist() == [2]
    np.testing.assert_array_equal(part.accuracy[0], expected[part.configurations[0]].accuracy)
    with pytest.raises(ValueError, match=r"where\(depth=99\): the table has none"):
        expected.where(depth=99)
    with pytest.raises(ValueError, match="width"):
        expected.where(width=3)
    with pytest.raises(KeyError):
        expected[Configuration(99, "tanh", "orthogonal")]


# the table that comes with the package


def test_the_shipped_table_is_whole():
    table = remedies.shipped()
    assert table.protocol == Protocol() and table.configurations == grid()
    assert np.isfinite(table.relative).all() and np.isfinite(table.level).all()
    assert table.learning_rate[table.learning_rate > 0].size == len(table)
    learnt = table.accuracy[np.isfinite(table.accuracy)]
    assert (learnt >= 0).all() and (learnt <= 1).all()
    assert (np.isnan(table.accuracy) <= ~np.isnan(table.broke)).all()  # only what broke has no accuracy


@pytest.mark.parametrize("configuration", grid()[:: len(grid()) // 12])
def test_the_shipped_table_says_what_is_measured_here(configuration):
    few, held = digits(Protocol().batch, seed=0), remedies.shipped()[configuration]
    for seed, said in zip(Protocol().seeds, held.relative, strict=True):
        here = remedies.start_profile(configuration, few.images, few.labels, seed=seed).relative_dz[0]
        assert said == pytest.approx(here, abs=0.0051)
