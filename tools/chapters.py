"""The stored form of a chapter: text outputs and counts kept, figures, widgets and stray metadata left out.

    python tools/chapters.py run   [NOTEBOOK ...]   execute, then store in canonical form
    python tools/chapters.py write [NOTEBOOK ...]   store in canonical form without executing
    python tools/chapters.py check [NOTEBOOK ...]   exit with 1 and name every notebook that is not in that form

Without a name: intro.ipynb and every notebook in chapters/.

What is kept is what the tests compare: standard output, the plain text of a result, and the counts 1, 2, 3, ... of
the cells. A notebook with no counts and no outputs would pass that comparison while comparing nothing: `check` refuses
it.
"""

import json
import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parent.parent
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
TIMEOUT_SECONDS = 120


def notebooks() -> list[Path]:
    """Every notebook of the book, the front page first."""
    front = ROOT / "intro.ipynb"
    return ([front] if front.exists() else []) + sorted((ROOT / "chapters").glob("*.ipynb"))


def execute(path: Path):
    """The notebook at `path` with fresh outputs, run by a new kernel in the notebook's own folder."""
    notebook = nbformat.read(path, as_version=4)
    environment = {name: value for name, value in os.environ.items() if name != "GRADLAB_STATIC"}
    environment.setdefault("OMP_NUM_THREADS", "1")
    client = NotebookClient(
        notebook,
        timeout=TIMEOUT_SECONDS,
        kernel_name=KERNEL["name"],
        resources={"metadata": {"path": str(path.parent)}},
    )
    return client.execute(env=environment)


def canonical(notebook: dict) -> dict:
    """A new notebook holding only what is stored; the argument is left as it is."""
    cells, count = [], 0
    for index, cell in enumerate(notebook["cells"]):
        kept = {"cell_type": cell["cell_type"], "id": cell.get("id", f"cell-{index:02d}"), "metadata": {}}
        if cell["metadata"].get("tags"):
            kept["metadata"]["tags"] = sorted(cell["metadata"]["tags"])
        kept["source"] = _lines("\n".join(line.rstrip() for line in _text(cell["source"]).split("\n")).strip("\n"))
        if cell["cell_type"] == "code":
            executed = cell.get("execution_count") is not None
            count += executed
            kept["execution_count"] = count if executed else None
            kept["outputs"] = _outputs(cell["outputs"], kept["execution_count"])
        cells.append(kept)
    return {"cells": cells, "metadata": {"kernelspec": dict(KERNEL)}, "nbformat": 4, "nbformat_minor": 5}


def dumps(notebook: dict) -> str:
    """The canonical text of a notebook: sorted keys, one space of indent, a newline at the end."""
    return json.dumps(canonical(notebook), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def faults(path: Path) -> list[str]:
    """What keeps the file at `path` from being a well-stored notebook; empty when it is one."""
    stored = path.read_text(encoding="utf-8")
    try:
        notebook = json.loads(stored)
    except ValueError as error:
        return [f"is not JSON: {error}"]
    found = [] if stored == dumps(notebook) else ["is not in canonical form (python tools/chapters.py write)"]
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    unrun = [index for index, cell in enumerate(code, 1) if cell["execution_count"] is None]
    if unrun:
        found.append(f"has code cells that never ran: {unrun} (python tools/chapters.py run)")
    if any(output["output_type"] == "error" for cell in code for output in cell["outputs"]):
        found.append("stores an error")
    return found


def _outputs(outputs: list, count: int | None) -> list[dict]:
    """The stored outputs of one cell: neighbouring pieces of standard output joined, results as plain text."""
    kept = []
    for output in outputs:
        kind = output["output_type"]
        if kind == "stream" and output["name"] == "stdout":
            if kept and kept[-1]["output_type"] == "stream":
                kept[-1]["text"] = _lines(_text(kept[-1]["text"]) + _text(output["text"]))
            else:
                kept.append({"output_type": "stream", "name": "stdout", "text": _lines(_text(output["text"]))})
        elif kind in ("execute_result", "display_data") and "text/plain" in output["data"]:
            plain = {"data": {"text/plain": _lines(_text(output["data"]["text/plain"]))}, "metadata": {}}
            kept.append(
                {"output_type": kind, **plain, **({"execution_count": count} if kind == "execute_result" else {})}
            )
        elif kind == "error":  # only under the tag raises-exception; the traceback is not compared
            kept.append({"output_type": "error", "ename": output["ename"], "evalue": output["evalue"], "traceback": []})
    return kept


def _text(value: str | list[str]) -> str:
    return value if isinstance(value, str) else "".join(value)


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] not in ("run", "write", "check"):
        print(__doc__, file=sys.stderr)
        return 2
    paths = [Path(name).resolve() for name in arguments[1:]] or notebooks()
    failed = False
    for path in paths:
        if arguments[0] == "check":
            found = faults(path)
            failed |= bool(found)
            for fault in found:
                print(f"{path.name} {fault}", file=sys.stderr)
            continue
        notebook = execute(path) if arguments[0] == "run" else nbformat.read(path, as_version=4)
        path.write_text(dumps(notebook), encoding="utf-8")
        print(f"{path.name} {'executed and ' if arguments[0] == 'run' else ''}stored")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
