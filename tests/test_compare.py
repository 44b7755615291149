"""The table shows what agrees and refuses what does not."""

import numpy as np
import pytest

from gradlab.compare import Disagreement, table


def test_the_table_names_rows_and_the_largest_distance():
    text = table([1.0, 2.1], [1.0, 2.0], tolerance=0.06, rows=["a", "b"], label="what")
    head, first, second, foot = text.splitlines()
    assert head.split() == ["what", "measured", "theory", "measured/theory"]
    assert second.split() == ["b", "2.10", "2.00", "1.050"] and first.split()[0] == "a"
    assert foot == "apart at most 5.0 %, allowed 6 %"


def test_it_raises_when_they_part_and_shows_the_table():
    with pytest.raises(Disagreement, match=r"layer 2: 100.0 % apart, allowed 10 %") as caught:
        table([1.0, 2.0], [1.0, 1.0], tolerance=0.1)
    assert "measured" in caught.value.table and isinstance(caught.value, AssertionError)


@pytest.mark.parametrize("measured", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_never_agrees(measured):
    for decades in (False, True):
        with pytest.raises(Disagreement):
            table([measured], [1.0], tolerance=1e9, decades=decades)
        with pytest.raises(Disagreement):
            table([1.0], [measured], tolerance=1e9, decades=decades)
        with pytest.raises(Disagreement):
            table([measured], [measured], tolerance=1e9, decades=decades)


def test_zero_agrees_with_zero_alone():
    assert "1.000" in table([0.0], [0.0], tolerance=0.0)
    with pytest.raises(Disagreement):
        table([1e-300], [0.0], tolerance=0.5)


def test_a_wrong_sign_is_a_disagreement():
    with pytest.raises(Disagreement):
        table([-1.0], [1.0], tolerance=1.0)


def test_decades_compare_differences():
    text = table([-300.1, -20.0], [-300.0, -20.0], tolerance=0.11, decades=True)
    assert "-0.100" in text and "0.100 decades, allowed 0.11 decades" in text
    with pytest.raises(Disagreement, match=r"0\.200 decades apart"):
        table([-300.2], [-300.0], tolerance=0.11, decades=True)


def test_band_columns_and_small_numbers():
    text = table(0.00298, 0.0026, tolerance=0.2, low=[0.0014], high=[0.0035])
    assert text.splitlines()[0].split() == ["layer", "measured", "low", "high", "theory", "measured/theory"]
    assert "0.00298" in text and "0.00140" in text
    assert "5.90e-19" in table(5.9e-19, 5.9e-19, tolerance=0)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"measured": [1, 2], "theory": [1]}, "theory has 1 values and measured 2"),
        ({"measured": [], "theory": []}, "measured"),
        ({"measured": [[1.0]], "theory": [1.0]}, "measured"),
        ({"measured": [1], "theory": [1], "tolerance": -0.1}, "tolerance"),
        ({"measured": [1], "theory": [1], "tolerance": np.nan}, "tolerance"),
        ({"measured": [1], "theory": [1], "rows": ["a", "b"]}, "rows has 2 names"),
        ({"measured": [1], "theory": [1], "low": [1]}, "low and high"),
        ({"measured": [1], "theory": [1], "low": [1, 2], "high": [1, 2]}, "low has 2"),
    ],
)
def test_bad_input_is_named(arguments, named):
    with pytest.raises(ValueError, match=named):
        table(**({"tolerance": 0.1} | arguments))
