"""Explorer [b]: what it evaluates agrees with the theory and with itself, and every state can be drawn and said."""

import numpy as np
import pytest

from gradlab.explorer.core import plain
from gradlab.plots.learning_speed import gap
from gradlab.records import GapRecord
from gradlab.training import log_epochs
from gradlab.widgets.learning_speed import (
    EPOCHS,
    LAST,
    NETWORKS,
    VIEWS,
    evaluate,
    gaps,
    learning_speed,
    sentence,
    training_run,
)


def test_fresh_networks_learn_as_fast_as_the_theory_says():
    """Geometric means of four networks against mean squares: within a third of the value at every depth."""
    for hidden_layers in (1, 2, 3, 4):
        record = evaluate(hidden_layers=hidden_layers)
        np.testing.assert_allclose(record.log10_now, record.log10_theory, atol=np.log10(4 / 3))


def test_theory_is_drawn_only_where_there_is_one():
    for network in NETWORKS:
        for view in VIEWS:
            known = np.isfinite(evaluate(hidden_layers=2, network=network, view=view).log10_theory)
            assert known.all() if (network, view) == ("nielsen", "bias") else not known.any()


def test_the_grid_is_even_in_the_logarithm():
    assert log_epochs(LAST, len(EPOCHS)) == EPOCHS


def test_the_claim_of_the_title():
    """After training the gap of a gradient is still there; Adam's steps are within a factor of three."""
    assert evaluate().log10_gap > 2
    assert evaluate(epoch=LAST).log10_gap > 1.5 and evaluate(epoch=LAST, view="weights").log10_gap > 0.7
    assert abs(evaluate(epoch=LAST, view="adam").log10_gap) < np.log10(3)
    assert evaluate(epoch=LAST, network="relu").log10_gap < 0


def test_an_epoch_between_the_grid_lies_between_its_neighbours():
    between, before, after = (evaluate(hidden_layers=1, epoch=epoch).log10_now[0] for epoch in (18, 15, 21))
    assert min(before, after) < between < max(before, after)
    exact = evaluate(hidden_layers=1, epoch=18)
    assert exact.epochs.tolist() == list(EPOCHS)
    np.testing.assert_allclose(exact.log10_speed, evaluate(hidden_layers=1, epoch=15).log10_speed, rtol=1e-6)


def test_every_state_has_the_same_traces_and_a_whole_sentence():
    explorer = learning_speed()
    shapes = set()
    for state in explorer.states():
        if state["hidden_layers"] == 3 or state["network"] == "tanh":
            continue  # as the others, and slow to train
        record = explorer.evaluate(**state)
        assert np.isfinite(record.log10_speed).all() and 0 < record.relative.min() <= record.relative.max() == 1
        drawn = explorer.figure(record)
        shapes.add(tuple((trace.type, trace.xaxis, trace.meta["role"]) for trace in drawn.data))
        notes = len(drawn.layout.annotations)
        low, high = drawn.layout.yaxis.range
        assert notes == 11 and low < record.log10_speed.min() and record.log10_speed.max() < high
        said = plain(sentence(record).whole)
        assert said.endswith(".") and not any(word in said for word in ("nan", "inf", "e-", "{", "<")), said
        assert len(said) < 230
    assert len(shapes) == 1


def test_numbers_of_the_sentence_are_the_record():
    record = evaluate(epoch=LAST)
    assert f"<b>{10**record.log10_gap:.1f}</b> times smaller" in sentence(record).text
    assert f"{100 * record.accuracy:.0f} %" in sentence(record).text
    assert sentence(record).log10_value == -record.log10_gap


def test_one_hidden_layer_is_told_with_its_network_and_its_measure():
    """Nothing to compare with, yet every control still changes the sentence."""
    states = [{}, {"network": "tanh"}, {"epoch": LAST}, *({"view": view} for view in VIEWS if view != "bias")]
    texts = {sentence(evaluate(hidden_layers=1, **state)).text for state in states}
    assert len(texts) == len(states) and all("no other to compare it with" in text for text in texts)


def test_the_gaps_of_a_run_are_quantiles_over_its_networks():
    run = training_run(2, "nielsen", "gradient descent")
    record = gaps(run, 0.7)
    assert record.names == ("one image", "biases", "weights") and record.median.shape == (3, len(EPOCHS))
    np.testing.assert_allclose(record.median[1], np.median(np.log10(run.gap("bias_gradient")), axis=1))
    assert (record.low <= record.median).all() and (record.median <= record.high).all()


def test_the_gap_figure_says_its_numbers():
    rows = np.array([[2.0, 2.3], [2.0, 1.0], [2.0, 2.0]])
    epochs, names = np.array([0, 500]), ("a", "b", "c")
    drawn = gap(GapRecord("sigmoid", epochs, names, rows, rows - 0.1, rows + 0.1, 2.0), "A title")
    assert (
        "a 100 to 200, b 100 to 10, c 100 to 100" in drawn.layout.meta["alt"]
        and drawn.layout.meta["title"] == "A title"
    )


@pytest.mark.parametrize(
    ("state", "named"),
    [
        ({"hidden_layers": 0}, "hidden_layers: got 0"),
        ({"hidden_layers": 5}, "from 1 to 4"),
        ({"epoch": 501}, "from 0 to 500"),
        ({"epoch": 1.5}, "epoch: got 1.5"),
        ({"network": "sigmoid"}, "network: got 'sigmoid', expected one of nielsen"),
        ({"view": "loss"}, "view: got 'loss'"),
    ],
)
def test_bad_states_are_named(state, named):
    with pytest.raises(ValueError, match=named):
        evaluate(**state)
