"""The digits are the real ones, in an order that the seed alone decides."""

import numpy as np
import pytest

from gradlab.data import AVAILABLE, digits


def test_scaled_one_hot_and_complete():
    whole = digits(seed=3)
    assert len(whole) == AVAILABLE and whole.images.shape == (AVAILABLE, 64) and whole.labels.shape == (AVAILABLE, 10)
    assert whole.images.min() == 0 and whole.images.max() == 1 and whole.images.dtype == np.float64
    assert (whole.labels.sum(axis=1) == 1).all() and (whole.labels.argmax(axis=1) == whole.values).all()
    assert np.bincount(whole.values).min() > 170  # all ten, about evenly


def test_the_seed_decides_and_a_smaller_set_begins_the_larger():
    few, many, other = digits(100, seed=0), digits(200, seed=0), digits(100, seed=1)
    assert np.array_equal(few.images, many.images[:100]) and not np.array_equal(few.values, other.values)
    assert len(np.unique(digits(seed=0).images, axis=0)) == len(np.unique(digits(seed=1).images, axis=0))


def test_split_keeps_every_image_once():
    first, rest = digits(300, seed=0).split(200)
    assert len(first) == 200 and len(rest) == 100
    assert np.array_equal(np.vstack([first.images, rest.images]), digits(300, seed=0).images)


def test_the_record_cannot_be_changed():
    few = digits(10, seed=0)
    with pytest.raises(ValueError, match="read-only"):
        few.images[0, 0] = 1.0
    with pytest.raises(AttributeError):
        few.images = None


@pytest.mark.parametrize("count", [0, -1, 1798, 2.5, True, "ten"])
def test_bad_count_is_named(count):
    with pytest.raises(ValueError, match=r"count.*1 to 1797"):
        digits(count, seed=0)


@pytest.mark.parametrize("seed", [None, -1, 0.5, True])
def test_bad_seed_is_named(seed):
    with pytest.raises(ValueError, match="seed"):
        digits(10, seed=seed)


def test_a_seed_left_out_is_an_error():
    with pytest.raises(TypeError, match="seed"):
        digits(10)


@pytest.mark.parametrize("count", [0, 10, 11, 1.5])
def test_bad_split_is_named(count):
    with pytest.raises(ValueError, match=r"count.*1 to 9"):
        digits(10, seed=0).split(count)
