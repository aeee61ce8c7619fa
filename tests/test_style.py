"""The house style that a machine can hold: ruff, types, sizes, seeds and plain names."""

import ast
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "nas_course"
SENTENCE = 88  # characters of a module's opening sentence
FILE_LINES = 450
FUNCTION_LINES = 60
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "misc", "common", "base"}
LATER = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
ONE_PLACE = re.compile("cu" + "da", re.IGNORECASE)
# Random sources of numpy and Python that belong to one run, not to the whole process.
OWN_GENERATORS = {"default_rng", "Generator", "SeedSequence", "PCG64", "BitGenerator", "Random"}
DRAWS = {"rand", "randn", "randint", "randperm", "normal", "bernoulli", "multinomial"}


def files(folder: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted(folder.rglob("*.py")):
        yield path.relative_to(folder), path.read_text(encoding="utf-8")


# Each lint: a folder -> the complaints about it, so that it can be tried on planted faults.


def lint_opening_sentence(folder: Path) -> list[str]:
    found = []
    for path, text in files(folder):
        opening = (ast.get_docstring(ast.parse(text)) or "").split("\n")[0]
        if text.strip() and not (opening.endswith(".") and 10 < len(opening) <= SENTENCE):
            found.append(
                f"{path}: opens with {opening!r}; wanted: one sentence, {SENTENCE} at most"
            )
    return found


def lint_file_length(folder: Path) -> list[str]:
    lengths = [(path, len(text.splitlines())) for path, text in files(folder)]
    return [f"{path}: {length} lines" for path, length in lengths if length > FILE_LINES]


def lint_function_length(folder: Path) -> list[str]:
    found = []
    for path, text in files(folder):
        for function in functions(text):
            first = function.body[1 if ast.get_docstring(function) else 0 :][:1] or function.body
            length = (function.end_lineno or 0) - first[0].lineno + 1
            if length > FUNCTION_LINES:
                found.append(f"{path}:{function.lineno} {function.name} has {length} lines")
    return found


def lint_device_names(folder: Path) -> list[str]:
    return [
        f"{path}:{number} {line.strip()}"
        for path, text in files(folder)
        if path != Path("devices.py")
        for number, line in enumerate(text.splitlines(), 1)
        if ONE_PLACE.search(line)
    ]


def lint_file_names(folder: Path) -> list[str]:
    return [str(path) for path, _ in files(folder) if EMPTY_NAMES & {*path.parts, path.stem}]


def lint_postponed_work(folder: Path) -> list[str]:
    return [
        f"{path}:{number} {line.strip()}"
        for path, text in files(folder)
        for number, line in enumerate(text.splitlines(), 1)
        if LATER.search(line)
    ]


def lint_asserts(folder: Path) -> list[str]:
    """An assert may tell the type checker about an object's own state, not judge an argument."""
    return [
        f"{path}:{statement.lineno} assert on an argument: raise an error of nas_course.errors"
        for path, text in files(folder)
        for function in functions(text)
        for statement in ast.walk(function)
        if isinstance(statement, ast.Assert) and names(statement.test) & arguments(function)
    ]


def functions(text: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def arguments(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    given = function.args
    return {item.arg for item in (*given.posonlyargs, *given.args, *given.kwonlyargs)} - {"self"}


def names(node: ast.expr) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def lint_global_randomness(folder: Path) -> list[str]:
    return [
        f"{path}:{node.lineno} {name}: pass a generator"
        for path, text in files(folder)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and draws_globally(name := dotted(node.func), node)
    ]


def dotted(node: ast.expr) -> str:
    """Return `a.b.c` for an attribute chain, and "" for anything else."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def draws_globally(name: str, call: ast.Call) -> bool:
    parts = name.split(".")
    if parts[-1] in OWN_GENERATORS:
        return False
    if parts[0] == "random" or parts[:2] in (["np", "random"], ["numpy", "random"]):
        return len(parts) > 1
    if parts[0] != "torch":
        return False
    given = {keyword.arg for keyword in call.keywords}
    return parts[-1] in ("manual_seed", "seed", "set_rng_state", "manual_seed_all") or (
        len(parts) == 2 and parts[1] in DRAWS and "generator" not in given
    )


LINTS = {
    lint_opening_sentence: "'''Says too little'''\n",
    lint_file_length: "'''One idea per file.'''\n" + "x = 1\n" * FILE_LINES,
    lint_function_length: "def long():\n" + "    x = 1\n" * (FUNCTION_LINES + 1),
    lint_device_names: "device = 'cu" + "da:0'\n",
    lint_postponed_work: "# TO" + "DO: do it\n",
    lint_asserts: "def f(n):\n    assert n > 0\n",
    lint_global_randomness: "import torch\nx = torch.randn(3)\n",
}


@pytest.mark.parametrize("lint", [*LINTS, lint_file_names], ids=lambda lint: lint.__name__)
def test_the_package_keeps_the_house_style(lint):
    assert lint(PACKAGE) == []


@pytest.mark.parametrize(
    ("lint", "fault"), LINTS.items(), ids=lambda item: getattr(item, "__name__", "")
)
def test_each_rule_finds_a_planted_fault(tmp_path, lint, fault):
    (tmp_path / "module.py").write_text(fault)
    assert len(lint(tmp_path)) == 1


@pytest.mark.parametrize("name", ["utils.py", "helpers/__init__.py", "models/misc.py"])
def test_a_file_name_that_says_nothing_is_found(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("x = 1\n")
    assert len(lint_file_names(tmp_path)) == 1


@pytest.mark.parametrize(
    "line",
    [
        "torch.manual_seed(0)",
        "np.random.seed(0)",
        "np.random.rand(3)",
        "random.shuffle(items)",
        "torch.randperm(10)",
    ],
)
def test_every_global_draw_is_found(tmp_path, line):
    (tmp_path / "module.py").write_text(line)
    assert len(lint_global_randomness(tmp_path)) == 1


@pytest.mark.parametrize(
    "line",
    [
        "np.random.default_rng(0)",
        "random.Random(0).random()",
        "torch.randn(3, generator=generator)",
        "torch.Generator().manual_seed(0)",
        "rng.normal(size=3)",
    ],
)
def test_draws_from_an_own_generator_are_let_through(tmp_path, line):
    (tmp_path / "module.py").write_text(line)
    assert lint_global_randomness(tmp_path) == []


def test_nothing_is_postponed_outside_the_package_either():
    folders = ("tests", "source", "benchmarks")
    assert [line for folder in folders for line in lint_postponed_work(ROOT / folder)] == []


# --------------------------------------------------------------------------- ruff and types


def tool(*command: str, cwd: Path = ROOT) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", *command], capture_output=True, text=True, cwd=cwd, timeout=1200
    )


def test_ruff_finds_nothing():
    done = tool("ruff", "check", "--no-cache", ".")
    assert done.returncode == 0, done.stdout


def test_ruff_would_format_nothing():
    done = tool("ruff", "format", "--no-cache", "--check", ".")
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_the_types_of_the_package_agree():
    done = tool("mypy")
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_a_wrong_type_would_be_found(tmp_path):
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "nas_course").mkdir()
    (tmp_path / "nas_course/__init__.py").write_text(
        textwrap.dedent(
            '''
            """A package with one fault."""
            def half(number: int) -> int:
                return number / 2
            '''
        )
    )
    done = tool("mypy", cwd=tmp_path)
    assert done.returncode == 1
    assert "Incompatible return value" in done.stdout
