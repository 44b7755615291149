"""`make test` runs its suites side by side, shows each whole and in order, and fails when one fails."""

import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "tools"))
import suites  # noqa: E402


@pytest.fixture
def suite(tmp_path, monkeypatch):
    """suite(name, body) -> a suite of one test."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    made = []

    def make(name: str, body: str) -> suites.Suite:
        path = tmp_path / f"test_{name}.py"
        path.write_text(f"import time, pathlib\ndef test_it():\n    {body}\n")
        arguments = ("-q", "-s", "-p", "no:cacheprovider", "-c", str(tmp_path / "pytest.ini"), str(path))
        made.append(suites.Suite(name, arguments))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_all_pass(suite, capfdbinary):
    made = [suite("first", "print('one')"), suite("second", "print('two')")]
    assert suites.run(made, 2) == 0
    said = capfdbinary.readouterr().out.decode()
    order = [said.index(part) for part in ("First\n", "one", "Second\n", "two", "first: passed", "second: passed")]
    assert order == sorted(order)


@pytest.mark.parametrize("place", [0, 1])
def test_one_failure_is_a_failure(suite, place, capfdbinary):
    bodies = ["pass", "pass"]
    bodies[place] = "assert 1 == 2"
    assert suites.run([suite(f"s{i}", body) for i, body in enumerate(bodies)], 2) == 1
    said = capfdbinary.readouterr().out.decode()
    assert f"s{place}: FAILED (pytest ended with 1)" in said and f"s{1 - place}: passed" in said
    assert "assert 1 == 2" in said


def test_a_suite_without_tests_is_a_failure(suite, capfdbinary):
    empty = suite("empty", "pass")
    empty.arguments = (*empty.arguments, "-k", "nothing")
    assert suites.run([empty], 1) == 1


def test_two_places_serve_two_at_a_time(suite, tmp_path, capfdbinary):
    """Two that wait for each other end; a third begins when one of them has ended."""
    meet = "pathlib.Path({!r}).touch(); [time.sleep(0.05) for _ in range(400) if not pathlib.Path({!r}).exists()]; assert pathlib.Path({!r}).exists()"
    a, b = str(tmp_path / "a"), str(tmp_path / "b")
    made = [suite("a", meet.format(a, b, b)), suite("b", meet.format(b, a, a)), suite("c", "pass")]
    assert suites.run(made, 2) == 0


def test_what_is_closed_has_ended(suite, tmp_path):
    long = suite("long", f"pathlib.Path({str(tmp_path / 'here')!r}).touch(); time.sleep(60)")
    long.start()
    while not (tmp_path / "here").exists():
        time.sleep(0.05)
    long.close()
    assert long.process.returncode == pytest.ExitCode.INTERRUPTED


def test_each_test_is_in_one_suite():
    rest, explorers, pages = suites.SUITES.values()
    assert rest == ("--ignore=tests/browser",) and explorers == (suites.EXPLORERS,)
    assert pages == ("tests/browser", f"--ignore={suites.EXPLORERS}") and (ROOT / suites.EXPLORERS).exists()
