"""Every chapter: stored in canonical form, in the agreed order, its exercises solved and its numbers printed."""

import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from prose import literals, numbers, unsupported

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import chapters as store  # noqa: E402

SECTIONS = [
    "Goals",
    "Predict",
    "By hand",
    "Derivation",
    "Experiment",
    "Measured and theory",
    "Explore",
    "Your prediction",
    "Where it fails",
    "Exercises",
    "In three sentences",
    "Sources",
]
FEWEST_CELLS, MOST_CELLS, MOST_LINES = 20, 45, 15
MOST_COLUMNS = 84  # what a page 1280 px wide shows without scrolling
FEWEST_COMPARED = 8  # outputs with text, a chapter
FEWEST_EXERCISES, MOST_EXERCISES = 3, 5
MOST_SETTING_LINKS = 5
VERDICTS = {"holds", "holds only if", "false"}

NOTEBOOKS = store.notebooks()
CHAPTERS = [path for path in NOTEBOOKS if path.parent.name == "chapters"]
SETTING_LINK = re.compile(r"\]\(<?set:([^)>\s]*)>?\)")


def each(paths):
    return pytest.mark.parametrize("path", paths, ids=[path.stem for path in paths])


def cells(path, kind=None):
    found = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell | {"text": "".join(cell["source"])} for cell in found if kind in (None, cell["cell_type"])]


def prose(path):
    return "\n\n".join(cell["text"] for cell in cells(path, "markdown"))


def title(path):
    return re.search(r"^# (.*?)\s*$", prose(path), re.M)[1]


def printed(path):
    """What the cells of a notebook print, as one text."""
    outputs = [output for cell in cells(path, "code") for output in cell["outputs"]]
    return "\n".join("".join(output.get("text") or output.get("data", {}).get("text/plain", [])) for output in outputs)


def code_literals(path):
    return [value for cell in cells(path, "code") for value in literals(cell["text"])]


def test_there_are_chapters():
    assert (ROOT / "intro.ipynb") in NOTEBOOKS
    assert CHAPTERS, "chapters/ holds no notebook, so that none of these tests tests anything"


def test_the_contents_list_every_chapter():
    listed = re.findall(r"file: (chapters/\S+)", (ROOT / "_toc.yml").read_text(encoding="utf-8"))
    assert listed == [f"chapters/{path.stem}" for path in CHAPTERS]


def test_the_front_page_names_every_chapter():
    titles = {f"chapters/{path.name}": f"{int(path.stem[:2])}. {title(path)}" for path in CHAPTERS}
    named = re.findall(r"\[(\d+\. [^\]]*)\]\((chapters/[^)]*\.ipynb)\)", prose(ROOT / "intro.ipynb"))
    assert {target: text for text, target in named} == titles


@each(NOTEBOOKS)
def test_is_stored_in_canonical_form(path):
    assert store.faults(path) == []


@each(NOTEBOOKS)
def test_every_code_cell_has_run_in_order(path):
    counts = [cell["execution_count"] for cell in cells(path, "code")]
    assert counts == list(range(1, len(counts) + 1))


@each(NOTEBOOKS)
def test_no_cell_is_left_out_of_the_comparison(path):
    excused = {"nbval-skip", "nbval-ignore-output", "skip-execution"}
    marked = [cell["id"] for cell in cells(path, "code") if excused & set(cell["metadata"].get("tags", []))]
    assert marked == [] and "NBVAL_" not in "".join(cell["text"] for cell in cells(path, "code"))


@each(CHAPTERS)
def test_there_is_output_to_compare(path):
    kept = [output for cell in cells(path, "code") for output in cell["outputs"]]
    assert len(kept) >= FEWEST_COMPARED
    silent = [
        cell["id"] for cell in cells(path, "code") if re.search(r"^print\(", cell["text"], re.M) and not cell["outputs"]
    ]
    assert silent == [], f"these cells print, but nothing is stored: {silent}"


@each(CHAPTERS)
def test_sections_stand_in_order(path):
    assert re.findall(r"^## (.*?)\s*$", prose(path), re.M) == SECTIONS
    assert len(re.findall(r"^# ", prose(path), re.M)) == 1


@each(CHAPTERS)
def test_cells_are_few_and_short(path):
    assert FEWEST_CELLS <= len(cells(path)) <= MOST_CELLS
    long = {cell["id"]: lines for cell in cells(path, "code") if (lines := len(cell["text"].splitlines())) > MOST_LINES}
    assert long == {}, f"code cells of more than {MOST_LINES} lines: {long}"


@each(NOTEBOOKS)
def test_code_fits_the_page(path):
    shown = [cell for cell in cells(path, "code") if "remove-input" not in cell["metadata"].get("tags", [])]
    wide = [line for cell in shown for line in cell["text"].splitlines() if len(line) > MOST_COLUMNS]
    assert wide == [], f"{len(wide)} lines of code are wider than {MOST_COLUMNS} characters"


@each(CHAPTERS)
def test_the_guess_box_knows_a_measured_answer(path):
    """Computed in its own cell, or a literal that a later cell prints as a power of ten."""
    texts = "\n".join(cell["text"] for cell in cells(path, "code"))
    calls = [
        node
        for node in ast.walk(ast.parse(texts))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Guess"
    ]
    assert calls, "the chapter asks for no prediction"
    for call in calls:
        answer = next(word.value for word in call.keywords if word.arg == "log10_answer")
        if not any(isinstance(node, ast.Call) for node in ast.walk(answer)):
            literal = f"10^{ast.unparse(answer)}"
            assert re.search(rf"{re.escape(literal)}(?!\d)", printed(path)), f"no cell prints {literal}"


@each(CHAPTERS)
def test_opens_with_a_picture_of_its_own(path):
    second = cells(path)[1]
    assert (
        second["cell_type"] == "code"
        and "remove-input" in second["metadata"].get("tags", [])
        and ".poster(" in second["text"]
    )


@each(NOTEBOOKS)
def test_every_exercise_has_a_solution_that_runs(path):
    exercises = re.findall(r"^(?::::+|```+)\{exercise(?:-start)?\}.*\n(?::.*\n)*?:label: (\S+)", prose(path), re.M)
    assert len(exercises) == len(re.findall(r"\{exercise(?:-start)?\}", prose(path))), "an exercise has no label"
    if path in CHAPTERS:
        assert FEWEST_EXERCISES <= len(exercises) <= MOST_EXERCISES
    assert sorted(solutions(path)) == sorted(exercises)
    for label, (folded, runs) in solutions(path).items():
        assert folded, f"the solution of {label} is not folded (:class: dropdown)"
        assert runs, f"the solution of {label} has no code cell that ran"


def solutions(path):
    """Label -> (is it folded, did a code cell of it run)."""
    found, label = {}, None
    for cell in cells(path):
        start = re.search(r"\{solution-start\} (\S+)", cell["text"]) if cell["cell_type"] == "markdown" else None
        if start:
            label = start[1]
            assert label not in found, f"{label} is solved twice"
            found[label] = (":class: dropdown" in cell["text"], False)
        elif cell["cell_type"] == "code" and label:
            found[label] = (found[label][0], found[label][1] or cell["execution_count"] is not None)
        if cell["cell_type"] == "markdown" and "{solution-end}" in cell["text"]:
            label = None
    assert label is None, f"the solution of {label} has no end"
    return found


@each(NOTEBOOKS)
def test_every_number_in_the_prose_is_printed(path):
    output, code = numbers(printed(path)), code_literals(path)
    invented = {
        cell["id"]: found for cell in cells(path, "markdown") if (found := unsupported(cell["text"], output, code))
    }
    assert invented == {}, f"no cell prints these, no code holds them, no citation carries them: {invented}"


@each(NOTEBOOKS)
def test_links_in_the_prose_set_controls_that_exist(path):
    from gradlab import widgets

    targets = SETTING_LINK.findall(prose(path))
    assert len(targets) == prose(path).count("](set:") + prose(path).count("](<set:"), "a set: link could not be read"
    assert len(targets) <= MOST_SETTING_LINKS
    for target in targets:
        name, _, query = target.partition("?")
        assert name in widgets.__all__, f"set:{target} names no explorer of gradlab.widgets"
        explorer = getattr(widgets, name)()
        given = dict(parse_qsl(query, strict_parsing=True))
        numeric = {control.name for control in explorer.controls if hasattr(control, "scale")}
        explorer.index(
            explorer.state(**{key: float(value) if key in numeric else value for key, value in given.items()})
        )
        assert f"widgets.{name}()" in "".join(cell["text"] for cell in cells(path, "code")), (
            f"{name} is not shown on this page"
        )


def test_claims_are_recorded():
    claims = tomllib.loads((ROOT / "claims.toml").read_text(encoding="utf-8"))["claim"]
    identities = [claim["id"] for claim in claims]
    assert len(identities) == len(set(identities)), "a claim is recorded twice"
    stems = {path.stem: path for path in CHAPTERS}
    for claim in claims:
        assert set(claim) == {"id", "chapter", "verdict", "claim", "measured"}, claim
        assert re.fullmatch(r"\d+\.\d+", claim["id"]), claim["id"]
        assert claim["chapter"] in stems, f"claim {claim['id']}: there is no chapter {claim['chapter']}"
        assert claim["verdict"] in VERDICTS, f"claim {claim['id']}: {claim['verdict']}"
        assert claim["claim"].strip() and claim["measured"].strip()
        path = stems[claim["chapter"]]
        invented = unsupported(claim["measured"], numbers(printed(path)), code_literals(path))
        assert invented == [], f"claim {claim['id']}: {claim['chapter']} does not print {invented}"
    assert {claim["chapter"] for claim in claims} == set(stems), "a chapter settles no claim"


# Each notebook runs under nbval and is compared (pyproject.toml, conftest.py). Here: that the comparison can fail.


def opening(path):
    """A notebook cut after its first cell that prints a digit, and that cell."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for index, cell in enumerate(notebook["cells"]):
        for output in cell.get("outputs", []):
            if re.search(r"\d", "".join(output.get("text", []))):
                return notebook | {"cells": notebook["cells"][: index + 1]}, output
    raise AssertionError(f"{path.name} prints no number")


def compared(notebook, folder):
    """The exit code and the output of a comparison of this notebook with a fresh run."""
    folder.mkdir()
    shutil.copy(ROOT / "conftest.py", folder)
    shutil.copy(ROOT / "pyproject.toml", folder)
    (folder / "copy.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), "copy.ipynb"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout + done.stderr


def test_a_changed_digit_in_a_stored_output_is_found(tmp_path):
    notebook, output = opening(CHAPTERS[0])
    code, report = compared(notebook, tmp_path / "as_it_is")
    assert code == 0, report
    text = "".join(output["text"])
    digit = re.search(r"\d", text)
    output["text"] = text[: digit.start()] + str((int(digit[0]) + 1) % 10) + text[digit.end() :]
    code, report = compared(notebook, tmp_path / "changed")
    assert code == 1 and "mismatch" in report, report


def test_a_notebook_that_compares_nothing_is_refused(tmp_path):
    notebook, _ = opening(CHAPTERS[0])
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell.update(execution_count=None, outputs=[])
    emptied = tmp_path / "emptied.ipynb"
    emptied.write_text(store.dumps(notebook), encoding="utf-8")
    assert any("never ran" in fault for fault in store.faults(emptied))
