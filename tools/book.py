"""The book's own Sphinx extension: what stands between the sources and a page that asks no other host.

- Notebooks are executed again when the package changes, not only when their own code does: the execution cache lies in
  a folder named after a hash of `gradlab` and the pinned requirements. They are executed side by side.
- The kernels of the build are asked for the static form of every explorer, by the environment variable
  GRADLAB_STATIC. It names the folder for their tables, which are copied to `_static/explorers/` at the end.
- Style sheet, script, plotly and KaTeX are gathered from the package, `assets/` and `node_modules/` into `_static/`.
"""

import hashlib
import html
import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import page_assets
import sphinxcontrib.katex as katex
from docutils import nodes
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import single_nb_execution
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util import logging

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build"
SETTLE_THEME = (
    "const root = document.documentElement;"
    'if (root.dataset.theme === "auto")'
    '  root.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";'
)
logger = logging.getLogger(__name__)


def setup(app: Sphinx) -> dict:
    app.add_config_value("book_looks", "", "html")  # its change rewrites every page and executes nothing
    app.connect("config-inited", prepare_execution, priority=600)
    app.connect("config-inited", prepare_assets, priority=610)
    app.connect("config-inited", prepare_formulas, priority=620)
    app.connect("env-before-read-docs", execute_side_by_side)
    app.connect("doctree-read", mend_links)
    app.connect("build-finished", publish_tables)
    app.connect("build-finished", forget_old_executions)
    app.connect("build-finished", drop_icon_script)
    app.connect("build-finished", open_front_door)
    app.add_css_file("gradlab.css", priority=900)
    # Before the first paint: the theme alone would show both logos, and white to dark readers, until its script runs.
    app.add_js_file(None, body=SETTLE_THEME, priority=1)
    app.add_js_file("gradlab.js", loading_method="defer")
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def prepare_execution(app: Sphinx, config: Config) -> None:
    """Name the execution cache after the package, and ask the kernels for the static form."""
    app.executed = folder = execution_folder()  # once: the package may be edited while the book is built
    (folder / "tables").mkdir(parents=True, exist_ok=True)
    config.nb_execution_cache_path = str(folder / "cache")
    os.environ["GRADLAB_STATIC"] = str(folder / "tables")
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def execute_side_by_side(app: Sphinx, env: BuildEnvironment, pages: list[str]) -> None:
    """Execute the notebooks about to be read, at most four at a time, into the cache where myst_nb looks for them.

    One that fails is left to myst_nb, which executes it again and reports it.
    """
    cache = get_cache(app.config.nb_execution_cache_path)
    unknown = {}
    for path in map(Path, map(env.doc2path, pages)):
        if path.suffix == ".ipynb":
            notebook = nbformat.read(path, as_version=4)
            try:
                cache.match_cache_notebook(notebook)
            except KeyError:
                unknown[path] = notebook

    def execute(path: Path):
        settings = {"cwd": str(path.parent), "timeout": app.config.nb_execution_timeout, "allow_errors": False}
        # What a slow cell prints in pieces is joined here as it came: myst_nb would begin a line with every piece.
        return single_nb_execution(unknown[path], **settings, coalesce_streams=True)

    with ThreadPoolExecutor(min(os.cpu_count() or 1, 4)) as pool:
        for path, result in zip(unknown, pool.map(execute, unknown), strict=True):
            if result.err is None:
                done = CacheBundleIn(result.nb, str(path), data={"execution_seconds": result.time})
                cache.cache_notebook_bundle(done, check_validity=False, overwrite=True)


def execution_folder() -> Path:
    """The folder for outputs computed by the present package with the present requirements."""
    sources = sorted(path for suffix in ("py", "js") for path in (ROOT / "gradlab").rglob(f"*.{suffix}"))
    return BUILD / "executed" / digest([*sources, ROOT / "requirements.txt"])


def digest(paths: list[Path]) -> str:
    """Twelve hexadecimal digits that change when a file or its name changes."""
    total = hashlib.sha256()
    for path in paths:
        total.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()[:12]


def prepare_assets(app: Sphinx, config: Config) -> None:
    """Gather what every page loads in one folder, which Sphinx copies to `_static/`."""
    folder = BUILD / "assets"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "katex" / "fonts").mkdir(parents=True)
    (folder / "gradlab.css").write_text(style_sheet(), encoding="utf-8")
    shutil.copy(needed("gradlab/explorer/explorer.js"), folder / "gradlab.js")
    shutil.copy(needed("node_modules/plotly.js-cartesian-dist-min/plotly-cartesian.min.js"), folder / "plotly.min.js")
    shutil.copy(needed("node_modules/katex/dist/katex.min.css"), folder / "katex")
    for font in needed("node_modules/katex/dist/fonts").glob("*.woff2"):
        shutil.copy(font, folder / "katex" / "fonts")
    config.html_static_path.append(str(folder))
    config.book_looks = hashlib.sha256(style_sheet().encode()).hexdigest()


def style_sheet() -> str:
    """The palette as variables, the explorers' rules, the book's typography."""
    from gradlab import style

    parts = [style.css()]
    parts += [needed(name).read_text(encoding="utf-8") for name in ("gradlab/explorer/explorer.css", "assets/book.css")]
    return "\n".join(parts)


def needed(name: str) -> Path:
    """The path of a file that the pages cannot do without."""
    path = ROOT / name
    if not path.exists():
        advice = (
            "run `make book`, which fetches it" if name.startswith("node_modules") else "it belongs to this repository"
        )
        raise ExtensionError(f"{name} is missing: {advice}")
    return path


def prepare_formulas(app: Sphinx, config: Config) -> None:
    """Typeset at build with the KaTeX of the lock; a formula that KaTeX cannot read is a warning that names it.

    `katex_options` is not used for formulas set at build, so the defaults of the module are changed instead.
    """
    options = {"trust": True, "strict": False, "throwOnError": True}
    katex.KATEX_DEFAULT_OPTIONS.update(options)
    katex.NODEJS_BINARY = page_assets.node()
    if katex.NODEJS_BINARY is None:
        raise ExtensionError("Node is missing: run `make book`, which installs it into .venv")
    katex.STARTUP_TIMEOUT = katex.RENDER_TIMEOUT = 60.0
    config.katex_js_path = str(needed("node_modules/katex/dist/katex.min.js"))
    config.katex_css_path = "katex/katex.min.css"
    render = katex.render_latex

    def render_or_report(latex: str, options: dict | None = None) -> str:
        try:
            return render(coloured(latex), options)
        except katex.KaTeXError as error:
            page = app.builder.current_docname
            logger.warning("this formula cannot be typeset: %s\n%s", latex.strip(), error, location=page)
            return ""

    katex.render_latex = render_or_report


def coloured(latex: str) -> str:
    r"""Plain TeX with the book's two factors in their classes, so that they follow the theme and notebooks need no macros.

    Colours w_2, W_{\ell+1}, \tilde w_c and \varphi'(z).
    """
    weight = r"(?:\\(?:tilde|hat|bar) ?)?(?<![A-Za-z_^\\])[wW]_(?:\{[^{}]*\}|\\[A-Za-z]+|[A-Za-z0-9])"
    latex = re.sub(weight, lambda found: rf"\htmlClass{{sy-W}}{{{found[0]}}}", latex)
    return re.sub(r"\\varphi'\([^()]*\)", lambda found: rf"\htmlClass{{sy-S}}{{{found[0]}}}", latex)


def mend_links(app: Sphinx, doctree: nodes.document) -> None:
    """Undo one of the two escapes that an `&` in a link to an explorer's setting went through."""
    for link in doctree.findall(nodes.reference):
        if "gl-set" in link["classes"]:
            link["refuri"] = html.unescape(link["refuri"])


def publish_tables(app: Sphinx, exception: Exception | None) -> None:
    """Copy the tables that the explorers wrote to where their pages look for them."""
    if exception is None:
        target = Path(app.outdir) / "_static" / "explorers"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for table in (app.executed / "tables").glob("*.js"):
            shutil.copy(table, target)


def forget_old_executions(app: Sphinx, exception: Exception | None) -> None:
    """Delete what earlier states of the package computed."""
    if exception is None:
        for folder in (BUILD / "executed").iterdir():
            if folder != app.executed:
                shutil.rmtree(folder, ignore_errors=True)


def drop_icon_script(app: Sphinx, exception: Exception | None) -> None:
    """Empty the theme's heaviest file, a script of 1.5 MB; its icons stand in the theme's icon font as well."""
    script = Path(app.outdir) / "_static" / "scripts" / "fontawesome.js"
    if exception is None and script.exists():
        script.write_text("/* The icons come from the font in vendor/fontawesome. */\n", encoding="utf-8")
        script.with_suffix(".js.map").unlink(missing_ok=True)


def open_front_door(app: Sphinx, exception: Exception | None) -> None:
    """Let the bare folder lead to the front page. Jupyter Book's own redirect has no icon: browsers ask, and get a 404."""
    if exception is None:
        front, title = f"{app.config.root_doc}.html", html.escape(app.config.html_title)
        (Path(app.outdir) / "index.html").write_text(
            f'<!doctype html>\n<html lang="{app.config.language}">\n<meta charset="utf-8">\n<title>{title}</title>\n'
            '<link rel="icon" href="_static/favicon.svg">\n'
            f'<meta http-equiv="refresh" content="0; url={front}">\n<p><a href="{front}">{title}</a></p>\n</html>\n',
            encoding="utf-8",
        )
