"""Imports in the package point downwards only: the layers of the design hold."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "nas_course"

# From the bottom up. A module may import from lines above its own, and from its own package.
LAYERS = (
    ("errors", "interruption"),
    ("devices", "history", "mixing", "parallel"),
    ("data", "operations"),
    ("spaces",),
    ("models",),
    ("training",),
    ("tabular",),
    ("estimation",),
    ("strategies", "storage", "results_file"),
    ("methods",),
    ("search",),
    ("comparison",),
    ("leaderboard",),
    ("plots",),
    ("widgets",),
    ("grading", "build", "doctor"),
    ("cli",),
)
# These know even less than their layer would allow.
KNOW_ONLY = {
    "operations": {"errors"},
    "spaces": {"errors", "operations"},
    "history": {"errors"},
    "storage": {"errors"},
    "results_file": {"errors"},
    "parallel": {"errors"},
    "strategies.black_box": {"errors", "spaces", "estimation", "strategies.black_box"},
}
HEIGHT = {name: height for height, layer in enumerate(LAYERS) for name in layer}


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, module inside the package) for every import in a file, also within functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            # `from nas_course import data` names a module, `from nas_course.data import load` not
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            names = inner if node.module == "nas_course" else [node.module or ""]
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, "(relative)"
            continue
        else:
            continue
        for name in names:
            if name.startswith("nas_course."):
                yield node.lineno, name.removeprefix("nas_course.")


def violations(package: Path) -> list[str]:
    """List the imports that point up or sideways, as "file:line imports module (reason)"."""
    found = []
    for path in sorted(package.rglob("*.py")):
        relative = path.relative_to(package).with_suffix("")
        module = ".".join(relative.parts).removesuffix(".__init__").removesuffix(".__main__")
        for line, target in imports(path):
            if reason := complaint(module, target):
                found.append(f"{path.relative_to(package)}:{line} imports {target} ({reason})")
    return found


def complaint(module: str, target: str) -> str | None:
    """Say why ``module`` may not import ``target``; None if it may."""
    if target == "(relative)":
        return "write the full name, so that the direction can be seen"
    own, other = module.split(".")[0], target.split(".")[0]
    if other.startswith("__") or own == "__init__":
        return None  # the version; and the package's front door, which imports nothing else
    for name in (own, other):
        if name not in HEIGHT:
            return f"{name} has no place in LAYERS"
    for part, known in KNOW_ONLY.items():
        inside = module == part or module.startswith(part + ".")
        allowed = {part, *known}
        if inside and not any(target == name or target.startswith(name + ".") for name in allowed):
            return f"{part} may know only {', '.join(sorted(known))}"
    if own != other and HEIGHT[other] >= HEIGHT[own]:
        return "not a lower layer"
    return None


def plant(package: Path, module: str, text: str) -> None:
    path = package / f"{module}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_every_import_points_downwards():
    assert violations(PACKAGE) == []


def test_every_module_has_a_place():
    modules = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in modules_on_disk()}
    assert modules - {"__init__"} <= set(HEIGHT)


def modules_on_disk() -> list[Path]:
    return list(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("data", "from nas_course.training import fit"),
        ("spaces/darts", "import nas_course.models"),
        ("training", "def fit():\n    from nas_course import search"),
        ("models/supernet", "from nas_course.strategies.gradient import step"),
        ("strategies/black_box/evolution", "from nas_course.training import fit"),
        ("strategies/black_box/evolution", "from nas_course.strategies.gradient import step"),
        ("storage", "from nas_course.history import History"),
        ("plots/alphas", "from nas_course.widgets import explorer"),
        ("search", "from nas_course.plots import alphas"),
        ("models/supernet", "from .skeleton import CellSkeleton"),
        ("novelty", "from nas_course.errors import CourseError"),
    ],
)
def test_a_planted_violation_is_found(tmp_path, module, text):
    plant(tmp_path, module, text)
    (found,) = violations(tmp_path)
    assert found.startswith(f"{module}.py:")


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("training", "from nas_course.data import Split\nimport torch"),
        ("strategies/black_box/evolution", "from nas_course.spaces import Genotype"),
        ("strategies/gradient/search", "from nas_course.strategies.gradient.parts import x"),
        ("cli", "from nas_course import doctor, search\nfrom nas_course.grading import command"),
        ("doctor", "from nas_course import __version__"),
    ],
)
def test_imports_that_point_downwards_are_let_through(tmp_path, module, text):
    plant(tmp_path, module, text)
    assert violations(tmp_path) == []
