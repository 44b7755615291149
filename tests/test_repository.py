"""What the repository holds: its own sources only, pinned requirements, no address and no path of anyone's machine."""

import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BINARY = {".png", ".jpg", ".gif", ".ico", ".woff", ".woff2"}
TOP_LEVEL = {
    ".ci",
    ".github",
    ".gitignore",
    ".npmrc",
    "LICENSE",
    "LICENSE-text",
    "Makefile",
    "README.md",
    "_config.yml",
    "_toc.yml",
    "assets",
    "benchmarks",
    "chapters",
    "claims.toml",
    "conftest.py",
    "gradlab",
    "intro.ipynb",
    "notation.md",
    "package-lock.json",
    "package.json",
    "pyproject.toml",
    "references.bib",
    "references.md",
    "requirements.txt",
    "tests",
    "tools",
}


def kept_files():
    """Every file that git tracks or would track."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout.split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def texts():
    return {path: path.read_text(encoding="utf-8") for path in kept_files() if path.suffix not in BINARY}


def test_top_level_is_as_designed():
    assert {path.relative_to(ROOT).parts[0] for path in kept_files()} <= TOP_LEVEL


def test_no_third_party_file_is_kept():
    for path in kept_files():
        name = path.name.lower()
        assert not re.search(r"\.min\.(js|css)$|\.(woff2?|ttf|otf|whl|tgz|so|map)$", name), path
        assert not {"_build", "node_modules", "__pycache__", ".venv", "vendor"} & set(path.parts), path
        assert path.stat().st_size < 500_000, f"{path} is {path.stat().st_size} bytes"


def test_no_machine_path_is_kept():
    pattern = re.compile(r"(?<![\w.])/(?:home|Users|root|work|tmp|opt)/\w|[A-Z]:\\\\Users")
    for path, text in texts().items():
        if path != Path(__file__):
            assert not pattern.search(text), f"{path.name}: {pattern.search(text)[0]}"


def test_the_lock_records_hashes_and_no_address():
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    for name, entry in packages.items():
        assert entry["integrity"].startswith("sha512-"), name
        assert "resolved" not in entry, name
    wanted = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    for name, version in (wanted["dependencies"] | wanted["devDependencies"]).items():
        assert packages[f"node_modules/{name}"]["version"] == version, name
    assert "omit-lockfile-registry-resolved=true" in (ROOT / ".npmrc").read_text(encoding="utf-8")


def test_no_package_index_is_named():
    for name in ("requirements.txt", "pyproject.toml", "Makefile", ".npmrc", ".ci/run", ".github/workflows/book.yml"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert not re.search(r"index-url|find-links|registry=|trusted-host", text), name


def requirement_lines():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_requirements_are_exact():
    *pins, last = requirement_lines()
    assert last == "-e ."
    for pin in pins:
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][\w.]*", pin), pin


def test_the_environment_is_the_pinned_one():
    from importlib.metadata import version

    for pin in requirement_lines()[:-1]:
        name, wanted = pin.split("==")
        assert version(name).partition("+")[0] == wanted, f"{name}: {version(name)} is installed; run `make book`"


def test_every_dependency_of_the_package_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pinned = {pin.split("==")[0].lower() for pin in requirement_lines()}
    for wanted in project["dependencies"]:
        assert re.match(r"[\w-]+", wanted)[0].lower() in pinned, wanted


def test_plotly_in_the_page_is_plotly_in_python():
    """The page's bundle is the version of plotly.js that the plotly package was made for."""
    from importlib.resources import files

    wanted = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["dependencies"][
        "plotly.js-cartesian-dist-min"
    ]
    with (files("plotly") / "package_data" / "plotly.min.js").open(encoding="utf-8") as bundle:
        assert f"plotly.js v{wanted}" in bundle.read(400)


@pytest.mark.parametrize("name", ["LICENSE", "LICENSE-text", "README.md"])
def test_a_reader_finds_the_terms(name):
    assert ("MIT" in (text := (ROOT / name).read_text(encoding="utf-8"))) and ("CC BY 4.0" in text or name == "LICENSE")
