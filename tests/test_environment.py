"""pyproject.toml, environment.yml and the imports of the package agree; tests are kept offline."""

import ast
import importlib.metadata
import os
import shutil
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import rattler
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text())

PYPI_NAMES = {"pytorch": "torch", "matplotlib-base": "matplotlib"}  # conda-forge: PyPI
# imported name: distribution, where the two differ
DISTRIBUTIONS = {"sklearn": "scikit-learn", "PIL": "pillow"}
# What JupyterLab itself is made of, and could not run without.
WITH_JUPYTERLAB = {"IPython", "ipykernel", "jupyter_client", "jupyter_core", "nbclient"}
WITH_JUPYTERLAB |= {"nbformat", "nbconvert", "traitlets"}


def requirement_of(entry: str) -> tuple[str, str]:
    """Turn a conda spec into PyPI's name and version; rattler raises if it is not a valid one."""
    spec = rattler.MatchSpec(entry, strict=True)
    name = spec.name.normalized
    return PYPI_NAMES.get(name, name), str(spec.version or "")


def requirements(texts) -> dict[str, str]:
    parsed = [Requirement(text) for text in texts]
    return {item.name: str(item.specifier) for item in parsed}


def conda_entries() -> list[str]:
    return [entry for entry in ENVIRONMENT["dependencies"] if isinstance(entry, str)]


# --------------------------------------------------------------------------- environment.yml


@pytest.mark.parametrize("entry", conda_entries())
def test_each_conda_entry_is_a_valid_spec(entry):
    name, _ = requirement_of(entry)
    assert name


@pytest.mark.parametrize("entry", ["numpy>=>2", "pytorch 2.4 >=", "=jupyterlab"])
def test_the_parser_refuses_a_bad_spec(entry):
    with pytest.raises(Exception, match=r".+"):
        requirement_of(entry)


def test_conda_and_pip_users_get_the_same_packages():
    conda = dict(requirement_of(entry) for entry in conda_entries())
    python = conda.pop("python")
    conda.pop("pip")
    assert conda == requirements(PROJECT["dependencies"])
    assert python == PROJECT["requires-python"]


def test_pip_adds_nothing_but_the_course_to_a_conda_environment():
    pip = [entry["pip"] for entry in ENVIRONMENT["dependencies"] if isinstance(entry, dict)]
    assert pip == [["-e ."]]


def test_the_conda_environment_is_named_and_takes_conda_forge_alone():
    assert ENVIRONMENT["name"] == "nas-course"
    assert ENVIRONMENT["channels"] == ["conda-forge", "nodefaults"]
    assert set(ENVIRONMENT) == {"name", "channels", "dependencies"}


# ---------------------------------------------------------------------------- pyproject.toml


def test_the_test_extra_brings_what_browser_and_grading_tests_need():
    texts = [Requirement(text) for text in PROJECT["optional-dependencies"]["test"]]
    own = next(item for item in texts if item.name == "nas_course")
    assert {"browser", "grading"} <= own.extras


@pytest.mark.parametrize("extra", ["test", "browser", "grading", "distributed"])
def test_every_extra_of_the_issue_exists(extra):
    assert PROJECT["optional-dependencies"][extra]


def test_the_package_knows_its_version():
    import nas_course

    assert importlib.metadata.version("nas_course") == nas_course.__version__


def imported_packages(folder: Path) -> dict[str, str]:
    """Return {imported top-level name: file that imports it} for a folder of Python files."""
    found = {}
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module]
            else:
                continue
            found |= {name.split(".")[0]: str(path.relative_to(folder)) for name in names}
    return found


def test_every_import_of_the_package_is_declared():
    declared = requirements(PROJECT["dependencies"])
    for extra in PROJECT["optional-dependencies"].values():
        declared |= requirements(extra)
    allowed = sys.stdlib_module_names | WITH_JUPYTERLAB | {"nas_course"}
    undeclared = {
        name: path
        for name, path in imported_packages(ROOT / "nas_course").items()
        if name not in allowed and DISTRIBUTIONS.get(name, name) not in declared
    }
    assert undeclared == {}


def test_an_undeclared_import_would_be_noticed(tmp_path):
    (tmp_path / "module.py").write_text(
        "def f():\n    import pandas.io\n    from ray import tune\n"
    )
    assert imported_packages(tmp_path) == {"pandas": "module.py", "ray": "module.py"}


# -------------------------------------------------------------------------------- the tests


def test_tests_cannot_reach_the_network():
    with pytest.raises(OSError, match="without network"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)


def test_tests_can_reach_this_machine():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()


def test_tests_compute_with_one_thread():
    import torch

    assert torch.get_num_threads() == 1


def run_tests_of(folder: Path, text: str, **variables: str) -> subprocess.CompletedProcess:
    """Run a small test file under this project's conftest, in a process of its own."""
    for name in ("conftest.py", "absence.py"):
        (folder / name).write_text((ROOT / "tests" / name).read_text(encoding="utf-8"))
    (folder / "test_small.py").write_text(text)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = cuda\n")
    outside = {name: value for name, value in os.environ.items() if name != "CI"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", str(folder)],
        capture_output=True,
        text=True,
        cwd=folder,
        env=outside | variables,
        timeout=600,
    )


NEEDS_BROWSER = "def test_it(chromium_path): pass"


def test_without_a_browser_its_tests_are_skipped_and_say_so(tmp_path):
    done = run_tests_of(tmp_path, NEEDS_BROWSER, CHROMIUM=str(tmp_path / "none"))
    assert done.returncode == 0
    assert "1 skipped" in done.stdout and "no Chromium found" in done.stdout


def test_without_a_browser_ci_fails(tmp_path):
    done = run_tests_of(tmp_path, NEEDS_BROWSER, CHROMIUM=str(tmp_path / "none"), CI="true")
    assert done.returncode == 1
    assert "CI must not skip this" in done.stdout


# ---------------------------------------------------------------------------------------- CI


@pytest.mark.posix
def test_ci_runs_the_test_command_of_the_readme_and_fails_with_it(tmp_path):
    """.ci/run in a folder where course.py only writes down its arguments."""
    (tmp_path / ".ci").mkdir()
    (tmp_path / ".ci/run").write_text((ROOT / ".ci/run").read_text())
    (tmp_path / "course.py").write_text("import sys\nprint(*sys.argv)\nsys.exit(7)\n")
    no_apt = tmp_path / "programs"
    no_apt.mkdir()
    for name in ("bash", "dirname", "id", "env"):
        (no_apt / name).symlink_to(shutil.which(name))
    (no_apt / "python3").symlink_to(sys.executable)
    done = subprocess.run(
        ["bash", str(tmp_path / ".ci/run")],
        capture_output=True,
        text=True,
        cwd="/",
        env={"PATH": str(no_apt), "CI": "true"},
    )
    assert (done.stdout, done.returncode) == ("course.py test\n", 7)
    assert "python course.py test" in (ROOT / "README.md").read_text(encoding="utf-8")
