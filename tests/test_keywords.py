"""The last keyword is the answer, whatever else stands in the sequence."""

import math

import numpy as np
import pytest

from gradlab.data import keyword_problem


def last_keyword(symbols, keywords):
    """The answer by a plain loop."""
    last = None
    for symbol in symbols:
        last = symbol if symbol < keywords else last
    return last


@pytest.mark.parametrize(("rate", "keywords", "fillers"), [(0.0, 3, 3), (0.1, 2, 5), (0.7, 4, 1), (1.0, 1, 1)])
def test_the_answer_is_the_keyword_that_came_last(rate, keywords, fillers):
    inputs, targets = keyword_problem(30, 200, seed=4, rate=rate, keywords=keywords, fillers=fillers)
    assert inputs.shape == (30, 200, keywords + fillers) and targets.shape == (200,)
    assert inputs.dtype == np.float64 and np.issubdtype(targets.dtype, np.integer)
    assert set(np.unique(inputs)) == {0, 1} and (inputs.sum(-1) == 1).all()
    symbols = inputs.argmax(-1)
    assert [last_keyword(column, keywords) for column in symbols.T] == targets.tolist()
    assert (symbols[0] < keywords).all(), "the first symbol is a keyword"


def test_keywords_come_at_the_rate_and_all_symbols_evenly():
    symbols = keyword_problem(101, 4000, seed=0, rate=0.2)[0].argmax(-1)
    assert np.mean(symbols[1:] < 3) == pytest.approx(0.2, abs=0.003)
    share = np.bincount(symbols[1:].ravel()) / symbols[1:].size
    np.testing.assert_allclose(share, [0.2 / 3] * 3 + [0.8 / 3] * 3, atol=0.002)
    np.testing.assert_allclose(np.bincount(symbols[0]) / 4000, 1 / 3, atol=0.03)


def test_one_keyword_only_at_rate_zero():
    inputs, targets = keyword_problem(50, 300, seed=1)
    assert (inputs[1:, :, :3] == 0).all() and (inputs[0].argmax(-1) == targets).all()


def test_who_guesses_has_the_entropy_of_the_keywords():
    targets = keyword_problem(2, 30_000, seed=2)[1]
    share = np.bincount(targets) / len(targets)
    assert -(share * np.log(share)).sum() == pytest.approx(math.log(3), rel=1e-3)


def test_a_generator_goes_on_and_a_seed_begins_again():
    generator = np.random.default_rng(5)
    first, second = (keyword_problem(9, 3, seed=generator, rate=0.3)[0] for _ in range(2))
    again = keyword_problem(9, 3, seed=5, rate=0.3)[0]
    assert not np.array_equal(first, second) and np.array_equal(first, again)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"length": 0}, "length is 0; it may be an integer from 1"),
        ({"examples": 1.5}, "examples is 1.5"),
        ({"keywords": 0}, "keywords is 0"),
        ({"fillers": True}, "fillers is True"),
        ({"rate": -0.1}, "rate is -0.1; it may be a number from 0 to 1"),
        ({"rate": math.nan}, "rate is nan"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_bad_input_is_named(changed, named):
    with pytest.raises(ValueError, match=named):
        keyword_problem(**{"length": 5, "examples": 2, "seed": 0} | changed)


def test_a_seed_left_out_is_an_error():
    with pytest.raises(TypeError, match="seed"):
        keyword_problem(5, 2)
