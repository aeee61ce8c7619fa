"""course.py installs once, recovers from interruptions, and starts the right programs.

The real installation takes minutes and gigabytes, so a tiny project stands in for it: course.py
itself runs unchanged, in real environments, with real pip, without network.
"""

import ast
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[1]
UNSET = ("NAS_COURSE_VENV", "TELL", "OMP_NUM_THREADS")
BIN = "Scripts" if os.name == "nt" else "bin"

PYPROJECT = """
[build-system]
requires = []
build-backend = "tiny_backend"
backend-path = ["."]
"""

# A build backend in the project itself: pip needs no network and no setuptools for it. It notes
# each use, and fails or hangs when a test tells it to.
BACKEND = """
import os, time, zipfile
from pathlib import Path

INFO = "nas_course-0.1.0.dist-info"

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    with open("installs.txt", "a") as log:
        log.write("x")
    if Path("broken").exists():
        raise RuntimeError("the disk is full, or so")
    while Path("hang").exists():
        time.sleep(0.05)
    name = "nas_course-0.1.0-py3-none-any.whl"
    files = {
        "nas_course.pth": os.getcwd(),
        f"{INFO}/METADATA": "Metadata-Version: 2.1\\nName: nas_course\\nVersion: 0.1.0\\n"
        "Provides-Extra: test\\n",
        f"{INFO}/WHEEL": "Wheel-Version: 1.0\\nGenerator: tiny\\nRoot-Is-Purelib: true\\n"
        "Tag: py3-none-any\\n",
        f"{INFO}/entry_points.txt": "[console_scripts]\\nnas-course = told:main\\n",
    }
    files[f"{INFO}/RECORD"] = "".join(f"{name},,\\n" for name in [*files, f"{INFO}/RECORD"])
    with zipfile.ZipFile(Path(wheel_directory) / name, "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
    return name
"""

# Stands for JupyterLab, pytest and nas-course: writes down how it was called.
TOLD = """
import json, os, sys, time
from pathlib import Path

def main():
    told = {"arguments": sys.argv, "folder": os.getcwd(), "environment": dict(os.environ)}
    Path(__file__).with_name("told.json").write_text(json.dumps(told))
    while Path(os.environ.get("UNTIL_GONE", "nowhere")).exists():
        time.sleep(0.05)
    return int(os.environ.get("TELL", "0"))
"""


class TinyProject:
    """A folder with course.py and stand-ins for everything that it starts."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir()
        shutil.copy(ROOT / "course.py", folder)
        for name, text in {
            "pyproject.toml": PYPROJECT,
            "tiny_backend.py": BACKEND,
            "told.py": TOLD,
            "jupyterlab/__init__.py": "",
            "jupyterlab/__main__.py": "import sys, told\nsys.exit(told.main())",
            "pytest/__init__.py": "",
            "pytest/__main__.py": "import sys, told\nsys.exit(told.main())",
            "chapters/00_start_here.ipynb": "start",
            "exercises/08_darts.ipynb": "empty",
        }.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)

    def variables(self, **extra: str) -> dict[str, str]:
        outside = {k: v for k, v in os.environ.items() if k not in UNSET}
        return {**outside, "PIP_NO_INDEX": "1", **extra}

    def run(self, *arguments: str, cwd: Path | None = None, **extra: str):
        return subprocess.run(
            [sys.executable, str(self.folder / "course.py"), *arguments],
            capture_output=True,
            text=True,
            timeout=1200,
            cwd=cwd,
            env=self.variables(**extra),
        )

    def told(self) -> dict:
        return json.loads((self.folder / "told.json").read_text())

    @property
    def installs(self) -> int:
        log = self.folder / "installs.txt"
        return len(log.read_text()) if log.exists() else 0

    @property
    def stamp(self) -> Path:
        return self.folder / ".venv" / "course-installed.json"

    def change_pyproject(self) -> None:
        with (self.folder / "pyproject.toml").open("a") as file:
            file.write("\n# one more dependency\n")


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> TinyProject:
    """A project that is set up; tests leave it set up."""
    project = TinyProject(tmp_path_factory.mktemp("course") / "with a space")
    done = project.run()
    assert done.returncode == 0, done.stderr
    return project


@pytest.fixture
def course(tmp_path, monkeypatch):
    """course.py as a module whose root is an empty temporary folder."""
    shutil.copy(ROOT / "course.py", tmp_path)
    monkeypatch.delenv("NAS_COURSE_VENV", raising=False)
    spec = importlib.util.spec_from_file_location("course_under_test", tmp_path / "course.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# ------------------------------------------------------------------------ starting programs


def test_lab_opens_the_first_chapter_in_the_learners_copies(project):
    assert project.run("--no-browser").returncode == 0
    told = project.told()
    work = project.folder / "work"
    assert told["arguments"][1:] == [
        f"--ServerApp.root_dir={work}",
        "--LabApp.default_url=/lab/tree/chapters/00_start_here.ipynb",
        "--no-browser",
    ]
    assert (work / "chapters/00_start_here.ipynb").read_text() == "start"


def test_programs_find_the_environments_own_kernel_and_commands_first(project):
    project.run("lab")
    variables = project.told()["environment"]
    assert variables["JUPYTER_PREFER_ENV_PATH"] == "1"
    assert variables["PATH"].split(os.pathsep)[0] == str(project.folder / ".venv" / BIN)


@pytest.mark.parametrize(("outside", "inside"), [({}, "1"), ({"OMP_NUM_THREADS": "3"}, "3")])
def test_one_thread_computes_unless_the_user_says_otherwise(project, outside, inside):
    project.run("run", "doctor", **outside)
    assert project.told()["environment"]["OMP_NUM_THREADS"] == inside


def test_pytest_gets_the_further_arguments_and_decides_the_exit_code(project):
    done = project.run("test", "-k", "darts", "--maxfail=1", TELL="3")
    assert done.returncode == 3
    told = project.told()
    assert told["arguments"][1:] == ["-k", "darts", "--maxfail=1"]
    assert Path(told["folder"]) == project.folder


def test_the_whole_suite_runs_in_two_processes(project):
    assert project.run("test").returncode == 0
    assert project.told()["arguments"][1:] == ["-n", "2", "--dist", "loadfile"]


def test_run_passes_everything_to_the_command_line_where_the_user_stands(project, tmp_path):
    done = project.run("run", "grade", "mine.ipynb", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = project.told()
    assert told["arguments"][1:] == ["grade", "mine.ipynb", "--json"]
    assert Path(told["folder"]) == tmp_path


@pytest.mark.posix
def test_ctrl_c_leaves_it_to_jupyterlab_to_end(project, tmp_path):
    """JupyterLab asks "Shutdown this server?" and stops its kernels: it must not be killed."""
    running = tmp_path / "running"
    running.touch()
    (project.folder / "told.json").unlink(missing_ok=True)
    command = [sys.executable, str(project.folder / "course.py")]
    process = subprocess.Popen(command, env=project.variables(UNTIL_GONE=str(running)))
    wait_until((project.folder / "told.json").exists)
    parent = psutil.Process(process.pid)
    wait_until(lambda: parent.status() == psutil.STATUS_SLEEPING)  # it waits for JupyterLab
    process.send_signal(signal.SIGINT)
    time.sleep(1)
    assert process.poll() is None
    running.unlink()
    assert process.wait(300) == 0


def wait_until(happens, seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


@pytest.mark.parametrize("word", ["doctor", "setup"])
def test_doctor_and_setup_end_with_the_doctors_findings_and_exit_code(project, word):
    assert project.run(word, "--json", TELL="1").returncode == 1
    assert project.told()["arguments"][1:] == ["doctor", "--json"]


def test_help_names_every_command_and_installs_nothing(tmp_path):
    project = TinyProject(tmp_path / "course")
    done = project.run("--help")
    assert done.returncode == 0
    assert all(f"course.py {word}" in done.stdout for word in ("test", "setup", "doctor", "run"))
    assert not (project.folder / ".venv").exists()


def test_an_unknown_command_is_named_and_nothing_is_installed(tmp_path):
    project = TinyProject(tmp_path / "course")
    done = project.run("tset")
    assert done.returncode == 2
    assert "'tset' is no command" in done.stderr
    assert not (project.folder / ".venv").exists()


# ------------------------------------------------------------------------------- installing


def test_a_second_run_installs_nothing_and_takes_seconds(project):
    installs = project.installs
    start = time.perf_counter()
    done = project.run()
    assert done.returncode == 0
    assert project.installs == installs
    assert "Installing" not in done.stdout
    assert time.perf_counter() - start < 60  # on a slow machine that is busy with other tests


def test_setup_looks_again_even_if_all_was_installed(project):
    installs = project.installs
    assert project.run("setup").returncode == 0
    assert project.installs == installs + 1


def test_a_changed_dependency_list_installs_again(project):
    installs = project.installs
    project.change_pyproject()
    assert project.run().returncode == 0
    assert project.installs == installs + 1


def test_the_test_extra_is_installed_once_and_does_not_undo_the_plain_course(project):
    project.change_pyproject()
    assert project.run().returncode == 0
    installs = project.installs
    assert project.run("test").returncode == 0
    assert project.installs == installs + 1
    assert project.run().returncode == 0
    assert project.run("test").returncode == 0
    assert project.installs == installs + 1


def test_a_failed_installation_says_what_to_do_and_is_repeated(project):
    project.change_pyproject()
    broken = project.folder / "broken"
    broken.touch()
    done = project.run()
    assert done.returncode == 1
    assert "The installation did not finish" in done.stderr
    assert "HTTPS_PROXY" in done.stderr and "GB are free" in done.stderr
    assert "Traceback" not in done.stderr.split("The installation did not finish")[1]
    assert not project.stamp.exists()
    broken.unlink()
    assert project.run().returncode == 0
    assert project.stamp.exists()


def test_a_run_killed_while_it_installs_is_repeated(project):
    project.change_pyproject()
    hang = project.folder / "hang"
    hang.touch()
    installs = project.installs
    process = subprocess.Popen(
        [sys.executable, str(project.folder / "course.py")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=project.variables(),
    )
    wait_until(lambda: project.installs > installs)
    left_behind = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    hang.unlink()
    psutil.wait_procs(left_behind, timeout=300)
    assert project.installs == installs + 1
    assert not project.stamp.exists()
    assert project.run().returncode == 0
    assert project.installs == installs + 2
    assert project.stamp.exists()


def test_an_environment_without_pip_is_made_anew(project):
    """An interrupted creation leaves a Python that runs, and nothing else."""
    for folder in (project.folder / ".venv").rglob("site-packages/pip"):
        shutil.rmtree(folder)
    project.stamp.unlink()
    done = project.run()
    assert done.returncode == 0, done.stderr
    assert "Making a Python environment" in done.stdout


def test_a_truncated_record_counts_as_none(project):
    installs = project.installs
    project.stamp.write_text(project.stamp.read_text()[:20])
    assert project.run().returncode == 0
    assert project.installs == installs + 1


def test_a_folder_that_is_no_environment_is_left_alone(tmp_path):
    project = TinyProject(tmp_path / "course")
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "cat.jpg").write_text("a cat")
    done = project.run(NAS_COURSE_VENV=str(photos))
    assert done.returncode == 1
    assert "is not a Python environment" in done.stderr and "NAS_COURSE_VENV" in done.stderr
    assert [path.name for path in photos.iterdir()] == ["cat.jpg"]


@pytest.fixture(scope="module")
def far(tmp_path_factory) -> Path:
    """A folder with a project, its environment in another place, and a home that is watched."""
    folder = tmp_path_factory.mktemp("far")
    home = folder / "home"
    home.mkdir()
    elsewhere = {"HOME": str(home), "USERPROFILE": str(home), "APPDATA": str(home)}
    elsewhere["JUPYTER_DATA_DIR"] = str(home / "jupyter")
    elsewhere["NAS_COURSE_VENV"] = str(folder / "other")
    done = TinyProject(folder / "course").run("test", **elsewhere)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_environment_can_lie_elsewhere(far):
    assert (far / "other" / "course-installed.json").exists()
    assert not (far / "course" / ".venv").exists()


def test_the_home_folder_gets_no_kernel_no_setting_and_no_package(far):
    home = far / "home"
    written = {path.relative_to(home).parts[0] for path in home.rglob("*") if path.is_file()}
    # pip keeps its downloads, and asks a Rust compiler, if there is one, for its version.
    assert written <= {".cache", "Library", "Local", "pip", ".rustup"}


def test_jupyterlab_of_the_course_fetches_no_news(project):
    settings = project.folder / ".venv/share/jupyter/lab/settings/overrides.json"
    notification = json.loads(settings.read_text())["@jupyterlab/apputils-extension:notification"]
    assert notification["fetchNews"] == "false"


# -------------------------------------------------------------------------- the old Pythons


def test_an_old_python_can_read_the_file_that_refuses_it():
    ast.parse((ROOT / "course.py").read_text(encoding="utf-8"), feature_version=(3, 6))


def old_pythons() -> list[str]:
    names = [f"python3.{minor}" for minor in range(6, 11)]
    starts = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    found = [path for name in names if (path := shutil.which(name))]
    found += map(str, Path.home().glob(".pyenv/versions/3.[6-9].*/bin/python"))
    return [path for path in found if subprocess.call([path, "-c", ""], **starts) == 0]


def test_old_pythons_on_this_machine_are_refused_politely(tmp_path):
    if not old_pythons():
        pytest.skip("no Python from 3.6 to 3.10 on this machine")
    project = TinyProject(tmp_path / "course")
    for python in old_pythons():
        done = subprocess.run(
            [python, str(project.folder / "course.py")], capture_output=True, text=True
        )
        assert done.returncode == 1
        assert done.stderr.startswith("Python 3.11 or newer is needed; this is 3.")
        assert not (project.folder / ".venv").exists()


@pytest.mark.parametrize("version", [(3, 6, 9), (3, 10, 14)])
def test_a_python_that_is_too_old_hears_what_is_needed(course, version):
    message = course.python_complaint(version, None)
    assert ".".join(map(str, version)) in message
    assert "3.11 or newer" in message and "https://www.python.org" in message


def test_a_newer_python_on_the_machine_is_named(course):
    assert "`python3.12 course.py`" in course.python_complaint((3, 9, 1), "python3.12")


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 12, 4), (3, 14, 0)])
def test_a_python_that_will_do_hears_nothing(course, version):
    assert course.python_complaint(version, None) is None


def test_the_oldest_python_is_the_one_of_pyproject(course):
    import tomllib

    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert needed == ">=" + ".".join(map(str, course.OLDEST_PYTHON))


def test_the_course_needs_nothing_but_the_standard_library():
    tree = ast.parse((ROOT / "course.py").read_text(encoding="utf-8"))
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported and imported <= sys.stdlib_module_names


# ----------------------------------------------------------------------- the learner's copies


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_copy_the_learner_never_changed_follows_the_course(course):
    write(course.ROOT / "chapters/a.ipynb", "first edition")
    assert course.copy_notebooks() == []
    write(course.ROOT / "chapters/a.ipynb", "second edition")
    assert course.copy_notebooks() == []
    assert (course.WORK / "chapters/a.ipynb").read_text() == "second edition"


def test_a_copy_with_the_learners_work_is_never_overwritten(course):
    write(course.ROOT / "exercises/a.ipynb", "first edition")
    course.copy_notebooks()
    write(course.WORK / "exercises/a.ipynb", "my answer")
    assert course.copy_notebooks() == []  # no newer edition, so nothing to say
    write(course.ROOT / "exercises/a.ipynb", "second edition")
    assert course.copy_notebooks() == ["exercises/a.ipynb"]
    assert (course.WORK / "exercises/a.ipynb").read_text() == "my answer"


def test_a_file_the_learner_made_under_a_later_chapters_name_is_kept(course):
    write(course.WORK / "chapters/b.ipynb", "mine")
    write(course.ROOT / "chapters/b.ipynb", "the course's")
    assert course.copy_notebooks() == ["chapters/b.ipynb"]
    assert (course.WORK / "chapters/b.ipynb").read_text() == "mine"


def test_a_deleted_copy_comes_back(course):
    write(course.ROOT / "chapters/a.ipynb", "text")
    course.copy_notebooks()
    (course.WORK / "chapters/a.ipynb").unlink()
    course.copy_notebooks()
    assert (course.WORK / "chapters/a.ipynb").read_text() == "text"


def test_chapters_are_handed_out_without_the_results_they_ask_to_predict(course):
    cell = {"cell_type": "code", "source": "1 + 1", "outputs": ["2"], "execution_count": 7}
    for name in ("chapters/a.ipynb", "solutions/a.ipynb"):
        write(course.ROOT / name, json.dumps({"cells": [cell]}))
    course.copy_notebooks()
    (handed,) = json.loads((course.WORK / "chapters/a.ipynb").read_text())["cells"]
    assert handed == {**cell, "outputs": [], "execution_count": None}
    assert json.loads((course.WORK / "solutions/a.ipynb").read_text())["cells"] == [cell]
    assert course.copy_notebooks() == []  # the copy counts as unchanged


def test_folders_beside_the_notebooks_are_not_copied(course):
    """Such as Jupyter's checkpoints, and the searches beside a measured file."""
    write(course.ROOT / "chapters/.ipynb_checkpoints/a.ipynb", "old")
    write(course.ROOT / "results/digits.runs/history.jsonl", "much")
    course.copy_notebooks()
    assert [path.name for path in course.WORK.rglob("*") if path.is_file()] == [".copied.json"]


def test_what_the_notebooks_refer_to_is_copied_with_them(course):
    """A path such as ../results/x.json must lead somewhere from work/chapters too."""
    referred = set()
    for notebook in (path for name in course.COPIED for path in (ROOT / name).glob("*.ipynb")):
        for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
            text = "".join(cell["source"])
            referred |= {place for place in re.findall(r"\.\./([\w./-]*\w)", text)}
    referred = {place for place in referred if not place.startswith("runs/")}  # the learner's own
    assert "results/darts_digits.json" in referred
    assert {place.split("/")[0] for place in referred} <= set(course.COPIED)
    assert [place for place in referred if not (ROOT / place).exists()] == []


def test_the_learners_folder_is_ignored_by_git():
    assert "/work/" in (ROOT / ".gitignore").read_text().splitlines()


# ------------------------------------------------------------------------- the real JupyterLab


@pytest.fixture
def lab(course, tmp_path, monkeypatch):
    """JupyterLab of this environment, started as course.py would; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    empty = '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
    write(course.ROOT / "chapters/00_start_here.ipynb", empty)
    started = []
    monkeypatch.setattr(course, "VENV", Path(sys.prefix))
    monkeypatch.setattr(course, "PYTHON", Path(sys.executable))
    monkeypatch.setattr(course, "setup", lambda extra: False)
    monkeypatch.setattr(course, "run", lambda command: started.append(command))
    own = ["--no-browser", "--allow-root", f"--port={port}", "--IdentityProvider.token=secret"]
    course.open_lab(own)
    folders = {name: str(tmp_path / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR")}
    server = subprocess.Popen(
        list(map(str, started[0])),
        env=course.environment() | folders,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield f"http://127.0.0.1:{port}"
    server.terminate()
    server.wait(300)


def ask(address: str, patience: float = 300):
    """Fetch an address; while nobody answers there, try again."""
    deadline = time.monotonic() + patience
    while True:
        try:
            return urllib.request.urlopen(address, timeout=30)
        except urllib.error.HTTPError:
            raise
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def test_jupyterlab_itself_opens_at_the_first_chapter_with_this_environments_kernel(lab):
    page = ask(f"{lab}/?token=secret")
    assert page.url.split("?")[0] == f"{lab}/lab/tree/chapters/00_start_here.ipynb"
    notebook = json.load(ask(f"{lab}/api/contents/chapters/00_start_here.ipynb?token=secret"))
    assert notebook["name"] == "00_start_here.ipynb"
    kernels = json.load(ask(f"{lab}/api/kernelspecs?token=secret"))["kernelspecs"]
    assert kernels["python3"]["spec"]["argv"][0] in ("python", sys.executable)
