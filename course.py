#!/usr/bin/env python3
"""Set the course up and open it, with nothing but Python: the same on Linux, macOS, Windows.

    python course.py             install what is missing, open JupyterLab at the first chapter
    python course.py test        install what is missing, run every test
    python course.py setup       look for missing packages again, say what was found
    python course.py doctor      say what was found, and how to mend what is wrong
    python course.py run ...     the command line, as in: python course.py run methods

More arguments go to the program that is started: python course.py --no-browser,
python course.py test -k darts.

Everything is installed in the folder .venv (or the one named by NAS_COURSE_VENV); nothing is
registered outside it. Your own copies of the notebooks lie in work/, where git does not look.
pip's own variables work as usual: PIP_EXTRA_INDEX_URL, PIP_FIND_LINKS, PIP_NO_INDEX, ...
"""

# This file must be readable by old Pythons, or they could not print the message about their age:
# no syntax newer than Python 3.6 and no annotations. A test parses it with that grammar.
import hashlib
import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

OLDEST_PYTHON = (3, 11)
ROOT = Path(__file__).resolve().parent
VENV = Path(os.environ.get("NAS_COURSE_VENV") or ROOT / ".venv").resolve()
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
NAS_COURSE = BIN / ("nas-course.exe" if os.name == "nt" else "nas-course")
STAMP = VENV / "course-installed.json"
WORK = ROOT / "work"
COPIED = ("chapters", "exercises", "solutions", "results")
FIRST_PAGE = "chapters/00_start_here.ipynb"
# The cells of a notebook need one kernel, so that a file is never divided.
ALL_TESTS = ["-n", "2", "--dist", "loadfile"]
# PyPI's Linux build of PyTorch carries the GPU libraries; the others are for the CPU.
GIGABYTES = 7 if sys.platform == "linux" else 3


class Stop(Exception):
    """A reason to end which the user can understand; printed without a traceback."""


# ---------------------------------------------------------------------------- the environment


def python_complaint(version, newer):
    """Return what to tell the user of a too old Python ``version``, or None if it will do.

    ``newer`` is the command of a newer Python on this machine, or None.
    """
    if tuple(version[:2]) >= OLDEST_PYTHON:
        return None
    wanted = ".".join(map(str, OLDEST_PYTHON))
    given = ".".join(map(str, version[:3]))
    advice = (
        f"This machine has one: run `{newer} course.py`."
        if newer
        else "Get one from https://www.python.org/downloads/ and run course.py with it."
    )
    return f"Python {wanted} or newer is needed; this is {given}. {advice}"


def newer_python():
    """Return the command of a Python on PATH that is new enough, or None."""
    names = [f"python3.{minor}" for minor in (13, 12, 11, 14)]
    return next((name for name in names if shutil.which(name) and runs(name)), None)


def runs(program):
    """Tell whether a Python starts: pyenv puts programs on PATH that do not."""
    code = subprocess.call(
        [program, "-c", ""], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return code == 0


def answer(code):
    """Return what the environment's Python prints for ``code``, or None if it cannot run it."""
    try:
        done = subprocess.run(
            [str(PYTHON), "-c", code],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=str(ROOT),
        )
    except OSError:  # no such file, or its base Python was uninstalled
        return None
    return done.stdout.decode().strip() if done.returncode == 0 else None


def fingerprint(version):
    """Return what an installation depends on: the project's list, its place and its Python."""
    digest = hashlib.sha256((ROOT / "pyproject.toml").read_bytes())
    digest.update(f"{ROOT}\n{version}".encode())
    return digest.hexdigest()


def installed_extras(key):
    """Return the extras installed for the fingerprint ``key``; empty if none, or out of date."""
    try:
        stamp = json.loads(STAMP.read_text())
        return stamp["extras"] if stamp["key"] == key else []
    except (OSError, ValueError, KeyError, TypeError):
        return []


def make_environment():
    """Make the virtual environment, in place of a broken one if there is one."""
    if VENV.exists() and any(VENV.iterdir()) and not (VENV / "pyvenv.cfg").exists():
        raise Stop(
            f"{VENV} exists and is not a Python environment. Delete it, or name another folder by "
            "the variable NAS_COURSE_VENV."
        )
    print(f"Making a Python environment in {VENV} ...", flush=True)
    try:
        venv.create(str(VENV), clear=True, symlinks=os.name != "nt", with_pip=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Stop(
            f"Could not make a Python environment in {VENV}: {error}\nOn Debian and Ubuntu, "
            "`sudo apt install python3-venv` adds the missing part; elsewhere look at the free "
            "disk space and at who may write there."
        ) from None


def free_gigabytes():
    """Return the free space on the environment's disk."""
    return shutil.disk_usage(str(VENV)).free / 1e9


def install(extra):
    """Run pip; raise Stop with advice if it fails."""
    print(
        f"Installing in {VENV}: up to {GIGABYTES} GB and several minutes, mostly for PyTorch.\n"
        "Later runs start in seconds.",
        flush=True,
    )
    if free_gigabytes() < GIGABYTES:
        print(f"Only {free_gigabytes():.1f} GB are free on that disk: this may not be enough.")
    target = f".[{extra}]" if extra else "."
    code = run([PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "-e", target])
    if code != 0:
        raise Stop(installation_advice(code))


def installation_advice(code):
    """Return what to do after pip ended with exit code ``code``."""
    major, minor = sys.version_info[:2]
    return (
        f"\nThe installation did not finish (pip's exit code {code}; its last lines are above).\n"
        "  no network, or a proxy?  set HTTPS_PROXY, or PIP_INDEX_URL to your mirror\n"
        f"  disk full?               {free_gigabytes():.1f} GB are free, up to {GIGABYTES} GB are "
        "needed; NAS_COURSE_VENV names another folder\n"
        f"  no matching torch?       there may be none yet for a Python as new as {major}.{minor}\n"
        "Then run the same command again: what is there already is kept."
    )


def write_stamp(key, extras):
    """Record a finished installation in one step, so that no half-written record can be read."""
    unfinished = STAMP.with_suffix(".new")
    unfinished.write_text(json.dumps({"key": key, "extras": extras}))
    os.replace(str(unfinished), str(STAMP))


def write_lab_defaults():
    """Let this environment's JupyterLab ask nothing at its first start, and fetch no news."""
    settings = VENV / "share" / "jupyter" / "lab" / "settings"
    settings.mkdir(parents=True, exist_ok=True)
    silent = {"fetchNews": "false", "checkForUpdates": False}
    overrides = {"@jupyterlab/apputils-extension:notification": silent}
    (settings / "overrides.json").write_text(json.dumps(overrides))


def setup(extra):
    """Make the environment hold the course and ``extra``; return True if it had to install.

    The record of an installation is taken away before pip starts and written after it ends, so
    that a run which was killed in between is repeated.
    """
    version = answer("import sys; print(sys.version)")
    key = fingerprint(version)
    extras = installed_extras(key)
    if version is not None and extra in extras:
        return False
    if answer("import pip") is None:
        make_environment()
        key = fingerprint(answer("import sys; print(sys.version)"))
    if STAMP.exists():
        STAMP.unlink()
    install(extra)
    write_lab_defaults()
    write_stamp(key, sorted({"", extra, *extras}))
    return True


# ------------------------------------------------------------------- the learner's own copies


def digest(content):
    """Return the fingerprint of a file's content."""
    return hashlib.sha256(content).hexdigest()


def handed_out(path):
    """Return a file's content for the learner: chapters come without their outputs.

    Chapters ask for a prediction before they show a result; stored outputs would give it away.
    """
    content = path.read_bytes()
    if path.parent.name != "chapters" or path.suffix != ".ipynb":
        return content
    try:
        notebook = json.loads(content.decode("utf-8"))
    except ValueError:  # damaged: JupyterLab says what is wrong with it
        return content
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell.update(outputs=[], execution_count=None)
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode("utf-8")


def copy_notebooks():
    """Bring work/ up to date without touching a file which the learner has changed.

    Returns the names of changed files of which the course has a newer version.
    """
    record = WORK / ".copied.json"
    copied = json.loads(record.read_text()) if record.exists() else {}
    kept = []
    for source in sorted(path for folder in COPIED for path in (ROOT / folder).glob("*")):
        name = source.relative_to(ROOT).as_posix()
        mine = WORK / name
        if not source.is_file():
            continue
        content = handed_out(source)
        if mine.exists() and digest(mine.read_bytes()) != copied.get(name):
            if copied.get(name) != digest(content):
                kept.append(name)
            continue
        mine.parent.mkdir(parents=True, exist_ok=True)
        mine.write_bytes(content)
        copied[name] = digest(content)
    WORK.mkdir(exist_ok=True)
    record.write_text(json.dumps(copied, indent=1))
    return kept


# --------------------------------------------------------------------------------- commands


def environment():
    """Return the variables for programs of the course: its own programs and kernel come first."""
    return dict(
        os.environ,
        VIRTUAL_ENV=str(VENV),
        PATH=str(BIN) + os.pathsep + os.environ.get("PATH", ""),
        JUPYTER_PREFER_ENV_PATH="1",  # a kernel named python3 in the home folder must not win
        # Two threads on a busy two-core machine were ten times slower than one.
        OMP_NUM_THREADS=os.environ.get("OMP_NUM_THREADS", "1"),
    )


def run(command, folder=ROOT):
    """Run a program in ``folder`` to its end and return its exit code."""
    process = subprocess.Popen([str(part) for part in command], cwd=str(folder), env=environment())
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # the program got it too, and ends (or asks) by itself
            continue


def open_lab(arguments):
    """Open JupyterLab at the first chapter, in the learner's own copies."""
    setup("")
    for name in copy_notebooks():
        print(f"work/{name} has your changes and stays. The course's newer version: {name}")
    place = [f"--ServerApp.root_dir={WORK}", f"--LabApp.default_url=/lab/tree/{FIRST_PAGE}"]
    return run([PYTHON, "-m", "jupyterlab", *place, *arguments])


def run_tests(arguments):
    """Run the whole test suite, in two processes at once, or the part that ``arguments`` name."""
    setup("test")
    return run([PYTHON, "-m", "pytest", *(arguments or ALL_TESTS)])


def run_command_line(arguments):
    """Run `nas-course` with these arguments, in the folder where the user stands."""
    setup("")
    return run([NAS_COURSE, *arguments], Path.cwd())


def repeat_setup(arguments):
    """Install even if the record says that all is there: somebody may have removed a package."""
    if STAMP.exists():
        STAMP.unlink()
    return run_doctor(arguments)


def run_doctor(arguments):
    """Say what was found, and how to mend what is wrong."""
    return run_command_line(["doctor", *arguments])


COMMANDS = {
    "lab": open_lab,
    "test": run_tests,
    "setup": repeat_setup,
    "doctor": run_doctor,
    "run": run_command_line,
}


def main(arguments):
    """Run the command that ``arguments`` name, and return the exit code."""
    if arguments and arguments[0] in ("-h", "--help", "help"):
        print(__doc__)
        return 0
    word = "lab" if not arguments or arguments[0].startswith("-") else arguments[0]
    if word not in COMMANDS:
        print(f"{word!r} is no command of course.py.\n{__doc__}", file=sys.stderr)
        return 2
    complaint = python_complaint(sys.version_info, newer_python())
    if complaint:
        print(complaint, file=sys.stderr)
        return 1
    rest = arguments[1:] if arguments and arguments[0] == word else arguments
    try:
        return COMMANDS[word](rest)
    except Stop as reason:
        print(reason, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Run the same command again: it goes on where it was.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
