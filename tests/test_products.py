"""Products: singular values against high precision and against their own inverses, number formats against PyTorch."""

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradlab import products
from gradlab.products import KINDS, random_factors, singular_values, vector_growth, where_numbers_end
from gradlab.records import NumbersEnd
from gradlab.theory import overflow_depth


def in_high_precision(matrices, digits):
    """log10 singular values of the whole product, from the eigenvalues of P^T P with so many digits."""
    with mpmath.workdps(digits):
        product = mpmath.eye(len(matrices[0]))
        for a in matrices:
            product = mpmath.matrix(a.tolist()) * product
        squares = mpmath.eigsy(product.T * product, eigvals_only=True)
        return np.array(sorted((float(mpmath.log10(x) / 2) for x in squares), reverse=True))


@pytest.mark.parametrize(
    ("kind", "n", "depth", "tied", "digits"),
    [
        ("gaussian", 8, 60, False, 150),
        ("gaussian", 6, 200, False, 400),
        ("standard_normal", 4, 200, False, 300),
        ("gaussian", 10, 5, False, 60),
        ("orthogonal", 7, 90, False, 60),
        ("gaussian", 6, 60, True, 250),
    ],
)
def test_singular_values_in_high_precision(kind, n, depth, tied, digits):
    matrices = list(random_factors(kind, n, depth, seed=1, tied=tied))
    measured = singular_values(matrices)
    assert measured.shape == (depth, n)
    np.testing.assert_allclose(measured[-1], in_high_precision(matrices, digits), rtol=0, atol=2e-12)


@pytest.mark.parametrize(("n", "depth"), [(64, 100), (40, 200), (12, 800)])  # the last one spans 1500 decades
def test_the_inverse_has_the_inverse_singular_values(n, depth):
    matrices = list(random_factors("gaussian", n, depth, seed=2))
    measured = singular_values(matrices)
    inverse = singular_values([np.linalg.inv(a).T for a in matrices])
    np.testing.assert_allclose(measured, -inverse[:, ::-1], rtol=0, atol=1e-9)
    transpose = singular_values([a.T for a in reversed(matrices)], layers=[depth])
    np.testing.assert_allclose(measured[-1:], transpose, rtol=0, atol=1e-9)
    determinants = np.cumsum([np.linalg.slogdet(a)[1] for a in matrices]) / np.log(10)
    np.testing.assert_allclose(measured.sum(axis=1), determinants, rtol=1e-12, atol=1e-10)
    assert np.all(np.diff(measured, axis=1) <= 0)


def test_a_shallow_product_needs_no_care():
    matrices = list(random_factors("gaussian", 20, 3, seed=0))
    product = matrices[2] @ matrices[1] @ matrices[0]
    np.testing.assert_allclose(10 ** singular_values(matrices)[-1], np.linalg.svd(product).S, rtol=1e-10)


def test_what_is_known_in_closed_form():
    turned = singular_values(random_factors("orthogonal", 30, 200, seed=0, gain=1.5))
    np.testing.assert_allclose(turned, np.arange(1, 201)[:, None] * np.full(30, np.log10(1.5)), atol=1e-11)
    upside_down = singular_values([np.diag([1e-3, 1.0, 10.0])] * 200)
    np.testing.assert_allclose(upside_down[-1], [200, 0, -600], atol=1e-9)
    np.testing.assert_allclose(singular_values([[[0.5]]] * 3), np.log10([[0.5], [0.25], [0.125]]), rtol=1e-14)
    assert singular_values([np.zeros((3, 3))] * 4).tolist() == [[-np.inf] * 3] * 4
    lost = singular_values([np.eye(3), np.diag([2.0, 1.0, 0.0]), np.eye(3)])
    np.testing.assert_allclose(lost[:, :2], [[0, 0], [np.log10(2), 0], [np.log10(2), 0]], atol=1e-12)
    assert np.all(lost[1:, 2] < -14)


@given(st.floats(0.01, 100), st.integers(0, 100))
def test_a_gain_shifts_every_singular_value(gain, seed):
    one, scaled = (singular_values(random_factors("gaussian", 5, 30, seed=seed, gain=g)) for g in (1.0, gain))
    np.testing.assert_allclose(scaled, one + np.arange(1, 31)[:, None] * np.log10(gain), atol=1e-9)


def test_some_layers_only():
    matrices = list(random_factors("gaussian", 6, 40, seed=0))
    np.testing.assert_array_equal(singular_values(matrices, layers=[40, 1, 7]), singular_values(matrices)[[39, 0, 6]])
    for wrong in ([0], [41], [1.5]):
        with pytest.raises(ValueError, match=r"layers = .*: whole numbers from 1 to 40"):
            singular_values(matrices, layers=wrong)


def test_the_growth_of_a_vector():
    matrices = list(random_factors("gaussian", 7, 300, seed=0, gain=30.0))
    x = np.arange(1.0, 8.0)
    grown = vector_growth(matrices, x)
    direct = matrices[2] @ matrices[1] @ matrices[0] @ x
    assert grown[2] == pytest.approx(np.log10(np.linalg.norm(direct) / np.linalg.norm(x)), rel=1e-12)
    logs = singular_values(matrices)
    assert np.all(grown <= logs[:, 0] + 1e-9) and np.all(grown >= logs[:, -1])
    np.testing.assert_allclose(grown - logs[:, 0], grown[-1] - logs[-1, 0], atol=1.5)  # both follow the first exponent
    assert vector_growth([np.eye(2), np.zeros((2, 2)), np.eye(2)], [3.0, 4.0]).tolist() == [0, -np.inf, -np.inf]
    for wrong in ([1.0], [0.0, 0.0], [1.0, np.inf]):
        with pytest.raises(ValueError, match=r"x = .*: 2 finite numbers, not all 0"):
            vector_growth([np.eye(2)], wrong)


@pytest.mark.parametrize("kind", KINDS)
def test_random_factors(kind):
    long, short = (list(random_factors(kind, 30, depth, seed=3, gain=2.0)) for depth in (9, 4))
    np.testing.assert_array_equal(long[:4], short)
    rms = {"standard_normal": 2.0}.get(kind, 2 / np.sqrt(30))
    assert np.sqrt(np.mean(np.square(long))) == pytest.approx(rms, rel=0.02)
    tied = list(random_factors(kind, 30, 5, seed=3, gain=2.0, tied=True))
    np.testing.assert_array_equal(tied, [long[0]] * 5)
    assert list(random_factors(kind, 2, 0, seed=0)) == []


def test_what_is_refused():
    for arguments, message in (
        (("cauchy", 3, 3), r"kind = 'cauchy': it may be one of gaussian, orthogonal, standard_normal"),
        (("gaussian", 0, 3), r"0: a whole number of at least 1"),
        (("gaussian", 3, -1), r"depth = -1: a whole number of at least 0"),
        (("gaussian", 3, 2.5), r"depth = 2\.5"),
    ):
        with pytest.raises(ValueError, match=message):
            random_factors(*arguments, seed=0)
    with pytest.raises(TypeError, match="seed = None"):
        random_factors("gaussian", 2, 2, seed=None)
    with pytest.raises(ValueError, match=r"gain = nan"):
        random_factors("gaussian", 2, 2, seed=0, gain=np.nan)
    for function in (singular_values, where_numbers_end):
        with pytest.raises(ValueError, match="matrices is empty"):
            function([])
        with pytest.raises(ValueError, match=r"matrices\[1\] has shape \(2, 3\); square ones"):
            function([np.eye(2), np.ones((2, 3))])
        with pytest.raises(ValueError, match=r"matrices\[0\] has shape \(\)"):
            function([1.0])
        with pytest.raises(ValueError, match=r"matrices\[0\] holds inf"):
            function([[[np.inf]]])
    with pytest.raises(ValueError, match=r"dtype = 'int8': it may be one of float16, bfloat16, float32, float64"):
        where_numbers_end([np.eye(2)], "int8")


def test_bfloat16_rounds_as_in_pytorch():
    every = (np.arange(2**16, dtype=np.uint32) << 16).view(np.float32)  # every bfloat16, and what lies between two
    with np.errstate(invalid="ignore"):
        x = np.concatenate([every, (every.view(np.uint32) + 0x8000).view(np.float32)])
    rng = np.random.default_rng(0)
    x = np.concatenate([x, rng.integers(0, 2**32, 100_000, dtype=np.uint32).view(np.float32)])
    np.testing.assert_array_equal(products._bfloat16(x), torch.from_numpy(x).to(torch.bfloat16).float().numpy())


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("factor", [2.0, 8.0, 0.5, 0.25])  # powers of 2: bfloat16 rounds those of 1.5 a layer later
def test_one_number_to_a_power_ends_where_theory_says(dtype, factor):
    """A 1 x 1 matrix: past the largest number after `overflow_depth`, 0 once below half the smallest, and never nan."""
    end = where_numbers_end([[[factor]]] * 1800, dtype)
    smallest = {"float16": -24, "bfloat16": -133, "float32": -149, "float64": -1074}[dtype]
    zero = None if factor > 1 else int(np.ceil((smallest - 1) / np.log2(factor)))  # half the smallest is a tie: to 0
    inf = overflow_depth(factor, dtype)
    assert end == NumbersEnd(dtype, 1800, inf if factor > 1 else None, None, zero)
    assert end.finite == (inf - 1 if factor > 1 else 1800)


def test_formats_by_type():
    matrices = list(random_factors("standard_normal", 4, 200, seed=0))
    for dtype in (np.float16, np.float32, np.float64):
        assert where_numbers_end(matrices, dtype) == where_numbers_end(matrices, np.dtype(dtype).name)


def test_short_formats_add_up_in_float32():
    """60000 + 60000 - 60000 leaves float16 on the way and comes back."""
    start = np.full((3, 3), 60000.0)
    back = np.array([[1.0, 1.0, -1.0]] * 3)
    assert where_numbers_end([start, back], "float16").first_inf is None
    assert where_numbers_end([start, np.abs(back)], "float16").first_inf == 2


def test_from_inf_to_nan():
    big = np.diag([1e30, 1.0])
    turn = np.array([[1.0, -1.0], [1.0, 1.0]])
    assert where_numbers_end([big, big, big]) == NumbersEnd("float32", 3, 2, 3)  # 0 times inf
    # each inf fills its column with the next factor; with the one after that it meets itself with the other sign
    assert where_numbers_end([turn, big, big, turn, turn, turn]) == NumbersEnd("float32", 6, 3, 5)
    positive = [np.full((3, 3), 1e10)] * 50
    assert where_numbers_end(positive) == NumbersEnd("float32", 50, 4)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("n", [4, 10, 64])
def test_nan_follows_one_or_two_factors_after_inf(n, dtype):
    ends = [where_numbers_end(random_factors("gaussian", n, 230, seed=s, gain=2.0), dtype) for s in range(10)]
    assert {end.first_nan - end.first_inf for end in ends} <= {1, 2}
