"""Compute knows nothing of plots, plots nothing of widgets, and theory and measurement never meet: by their imports."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import gradlab

PACKAGE = Path(gradlab.__file__).parent

# What each module or package of gradlab may import, here and from outside; the standard library is free.
COMPUTE = {
    "records": {"numpy"},
    "activations": {"numpy"},
    "initializers": {"numpy"},
    "theory": {"numpy", "gradlab.activations"},
    "backprop": {"numpy", "gradlab.records", "gradlab.activations", "gradlab.initializers"},
    "products": {"numpy", "gradlab.records", "gradlab.activations", "gradlab.initializers"},
    "signals": {"numpy", "gradlab.records", "gradlab.activations", "gradlab.initializers", "gradlab.backprop"},
    "recurrent": {"numpy", "gradlab.records", "gradlab.activations", "gradlab.initializers", "gradlab.backprop"},
    "clipping": {"numpy", "gradlab.records"},
    "cliff": {"numpy", "gradlab.records", "gradlab.activations", "gradlab.clipping"},
    "deep_linear": {"numpy", "gradlab.records", "gradlab.initializers"},
    "data": {"numpy", "sklearn"},
    "remedies": {"numpy", "gradlab.records", "gradlab.initializers", "gradlab.backprop"},
    "compare": {"numpy", "gradlab.records"},
}
TORCH = {
    "training": {"numpy", "torch", "tqdm", "gradlab.records", "gradlab.data", "gradlab.remedies"},
    "clinic": {"numpy", "torch", "gradlab.records"},
}
DRAW = {
    "style": {"numpy", "plotly", "gradlab.records"},
    "plots": {"numpy", "plotly", "gradlab.records", "gradlab.style"},
    # docutils: what Sphinx asks of the object that writes a figure into a page
    "explorer": {"numpy", "plotly", "ipywidgets", "anywidget", "docutils", "gradlab.style"},
}
LAW = {"__init__": set()} | COMPUTE | TORCH | DRAW
LAW["widgets"] = {"numpy", "plotly", "ipywidgets"} | {f"gradlab.{module}" for module in LAW}


def unit(path):
    """The module or package of gradlab that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path):
    """Every module that a file names in an import, at any depth of the code, as absolute dotted names."""
    place = ("gradlab", *path.relative_to(PACKAGE).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = place[: len(place) - node.level + 1] if node.level else ()
            module = ".".join((*base, *([node.module] if node.module else [])))
            # `from gradlab import theory` names the module theory
            yield from (f"{module}.{a.name}" for a in node.names) if module == "gradlab" else (module,)


def owner(name):
    """The part of a dotted name that the law speaks of: a package from outside, or a module of gradlab."""
    return ".".join(name.split(".")[: 2 if name.startswith("gradlab.") else 1])


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_what_its_layer_may(path):
    name = unit(path)
    assert name in LAW, f"gradlab/{name} has no place in the layers: add it to design section 3 and to this test"
    found = {owner(i) for i in imports(path)} - set(sys.stdlib_module_names)
    assert found <= LAW[name] | {f"gradlab.{name}"}


def test_the_walk_sees_every_form_of_import(tmp_path, monkeypatch):
    monkeypatch.setattr(f"{__name__}.PACKAGE", tmp_path)
    (tmp_path / "plots").mkdir()
    file = tmp_path / "plots" / "some.py"
    file.write_text(
        "import torch.nn as nn\nfrom gradlab import theory\nfrom ..backprop import profile\nfrom . import marks\n"
        "def f():\n    from sklearn.datasets import load_digits\n"
    )
    assert {owner(i) for i in imports(file)} == {
        "torch",
        "gradlab.theory",
        "gradlab.backprop",
        "gradlab.plots",
        "sklearn",
    }


PRESENT = sorted({unit(path) for path in FILES})


def loaded_by(module):
    """The packages from outside, of those that are slow, that a fresh interpreter holds after importing a module."""
    code = f"import sys, {module}; print(*{{m.split('.')[0] for m in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split()) & {"torch", "plotly", "sklearn", "scipy", "ipywidgets", "pandas", "tqdm"}


def test_the_compute_modules_load_neither_torch_nor_plotly():
    """One interpreter for all of them: together they need NumPy alone."""
    modules = [f"gradlab.{name}" for name in COMPUTE if name in PRESENT]
    assert loaded_by(", ".join(modules)) == set()


@pytest.mark.parametrize("name", [name for name in ("plots", "explorer", "widgets") if name in PRESENT])
def test_torch_is_loaded_only_for_those_who_ask(name):
    assert "torch" not in loaded_by(f"gradlab.{name}")
