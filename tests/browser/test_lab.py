"""JupyterLab, driven live: the front page's notebook runs, and its explorer is computed by the kernel."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from browser.drawn import DESK, ROOT, arrays, computed, explorer, unpack
from gradlab.explorer import Menu
from gradlab.explorer.live import with_pin

#: What the live explorer of the notebook draws and says.
LIVE = """() => {
  const pack = (values) => btoa([...new Uint8Array(Float32Array.from(values, (v) => v ?? NaN).buffer)].map((b) => String.fromCharCode(b)).join(""));
  const box = document.querySelector(".jp-OutputArea .js-plotly-plot");
  if (!box || !box._fullData || !box.calcdata) return null;
  return {
    traces: box._fullData.map((t) => ({ x: pack(t.x || []), y: pack(t.y || []) })),
    marks: box.querySelectorAll(".trace path.js-line[d]").length,
    words: box.closest(".widget-vbox").innerText.replace(/\\s+/g, " "),
  };
}"""
READY = """() => {
  const kernel = window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel;
  return kernel?.connectionStatus === "connected" && kernel.status === "idle";
}"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of a JupyterLab of its own, with a copy of the book's notebooks and a home that is thrown away."""
    home = tmp_path_factory.mktemp("lab")
    work = home / "work"
    shutil.copytree(ROOT / "chapters", work / "chapters", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    shutil.copy(ROOT / "intro.ipynb", work)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    folders = (
        "JUPYTER_CONFIG_DIR",
        "JUPYTER_DATA_DIR",
        "JUPYTER_RUNTIME_DIR",
        "IPYTHONDIR",
        "JUPYTERLAB_SETTINGS_DIR",
        "JUPYTERLAB_WORKSPACES_DIR",
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **{name: str(home / name.lower()) for name in folders}}
    environment.pop("GRADLAB_STATIC", None)
    options = {
        "ServerApp.ip": "127.0.0.1", "ServerApp.port": port, "ServerApp.port_retries": 0, "ServerApp.root_dir": work,
        "ServerApp.open_browser": False, "ServerApp.allow_root": True, "IdentityProvider.token": token,
        "LabApp.expose_app_in_browser": True, "LabApp.extension_manager": "readonly",
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate", "LabApp.news_url": "",
    }  # fmt: skip
    command = [sys.executable, "-m", "jupyterlab", *(f"--{name}={value}" for name, value in options.items())]
    log = home / "log.txt"
    with log.open("w") as out:
        process = subprocess.Popen(command, cwd=work, env=environment, stdout=out, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}/"
    try:
        _wait_for(f"{address}api?token={token}", process, log)
        yield address, token
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(url: str, process, log, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert process.poll() is None, f"JupyterLab did not start:\n{log.read_text()[-2000:]}"
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"JupyterLab did not answer within {seconds} s:\n{log.read_text()[-2000:]}")


@pytest.fixture(scope="module")
def notebook(lab, browser, watch):
    """The front page's notebook in JupyterLab, all cells run."""
    address, token = lab
    context = browser.new_context(**DESK.context())
    visit = watch(context, DESK, address)
    page = visit.page
    page.set_default_timeout(30_000)
    page.goto(f"{address}lab/tree/intro.ipynb?token={token}")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", state="attached")
    page.wait_for_function(READY)  # what is sent to a kernel before it is connected never comes back
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
    page.wait_for_function(f"() => ({LIVE})() !== null")
    page.locator(".jp-OutputArea .js-plotly-plot").scroll_into_view_if_needed()
    yield visit
    context.close()


def expect(page, state: dict) -> dict:
    """Wait until the widget shows what Python computes for a state, then return it; what it shows instead fails."""
    figure, sentence = computed("gradients", state)
    wanted = [
        {key: arrays(trace)[key].tolist() for key in ("x", "y")}
        for trace in with_pin(figure.to_plotly_json(), None)["data"][:-1]
    ]
    words = page.evaluate(
        "(html) => { const e = document.createElement('div'); e.innerHTML = html; return e.textContent; }",
        sentence.whole,
    )
    end, shown = time.monotonic() + 30, None
    while time.monotonic() < end:
        shown = page.evaluate(LIVE)
        drawn = [{key: unpack(trace[key]).tolist() for key in ("x", "y")} for trace in shown["traces"][: len(wanted)]]
        if drawn == wanted and " ".join(words.split()) in shown["words"]:
            break
        page.wait_for_timeout(50)
    assert drawn == wanted
    assert " ".join(words.split()) in shown["words"]
    assert shown["marks"] > 0
    return shown


def test_the_notebook_shows_a_live_explorer(notebook):
    page = notebook.page
    shown = expect(page, explorer("gradients").default)
    assert explorer("gradients").title in shown["words"]
    body = page.locator(".jp-Notebook").inner_text()
    assert "Error displaying widget" not in body and "Traceback" not in body
    assert page.locator(".jp-Notebook .jp-RenderedText[data-mime-type='application/vnd.jupyter.error']").count() == 0


def test_the_keyboard_moves_it(notebook):
    """Arrow keys on the slider, choices in the menus: the kernel computes each state, drawn and said."""
    page, made = notebook.page, explorer("gradients")
    state = dict(made.default)
    depth = made.controls[0]
    handle = page.locator(".jp-OutputArea .widget-slider").first.locator(".noUi-handle, input[type=range]").first
    handle.focus()
    for key, step in (("ArrowRight", 1), ("ArrowRight", 1), ("ArrowLeft", -1)):
        handle.press(key)
        state[depth.name] += step
        expect(page, state)
    menus = [control for control in made.controls if isinstance(control, Menu)]
    for control, menu in zip(menus, page.locator(".jp-OutputArea .widget-dropdown select").all(), strict=True):
        # Chosen, not stepped: JupyterLab keeps the arrow keys of a closed menu in an output for itself.
        values = list(control.values)
        menu.select_option(index=values.index(state[control.name]) + 1)
        state[control.name] = values[values.index(state[control.name]) + 1]
        expect(page, state)


def test_lab_raised_no_error_and_asked_no_other_host(notebook):
    assert notebook.foreign == []
    assert [
        error
        for error in notebook.errors
        if "gradlab" in error or "plotly" in error.lower() or "widget" in error.lower()
    ] == []
