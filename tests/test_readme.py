"""The README tells the truth: its code runs, its commands parse, its links lead somewhere."""

import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from nas_course import methods
from nas_course.cli import _make_parser

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
DOCUMENTS = {"README.md": README, "CONTRIBUTING.md": CONTRIBUTING}


def python_blocks(text: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)


def command_lines(text: str) -> list[list[str]]:
    """Return the words of each line in an indented block, without the comment at its end."""
    lines = re.findall(r"^    (\S.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.M)
    return [shlex.split(line, comments=True) for line in lines]


ALL_LINES = [words for text in DOCUMENTS.values() for words in command_lines(text)]
NAS_COURSE_LINES = [words[1:] for words in ALL_LINES if words[0] == "nas-course"]
COURSE_LINES = [words[2:] for words in ALL_LINES if words[:2] == ["python", "course.py"]]


def test_the_first_screen_is_short_and_holds_both_commands():
    screen = README.split("![")[0]
    assert len(screen.splitlines()) <= 30
    words = re.findall(r"\w[\w./'-]*", re.sub(r"\]\([^)]*\)", "", screen))
    assert len(words) <= 120
    assert "python course.py " in screen and "python course.py test" in screen


def run_block(block: str, folder: Path) -> str:
    command = [sys.executable, "-c", block]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=1200)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_search_in_the_readme_finds_an_architecture(tmp_path):
    gradient, black_box = python_blocks(README)
    printed = run_block(gradient, tmp_path)
    assert "normal: " in printed and " weights;" in printed
    assert (tmp_path / "runs/second/result.json").is_file()
    printed = run_block(black_box, tmp_path)
    assert re.match(r"\|\w+~0\|\+\|\w+~0\|\w+~1\|\+.* 0\.\d+$", printed.strip())


def test_the_method_in_contributing_searches(tmp_path):
    (block,) = python_blocks(CONTRIBUTING)
    assert "normal: " in run_block(block, tmp_path)


@pytest.mark.parametrize("words", NAS_COURSE_LINES, ids=" ".join)
def test_every_command_line_is_one_that_nas_course_takes(words):
    assert _make_parser(words).parse_args(words).command == words[0]


def test_an_outdated_command_line_would_be_noticed():
    words = ["search", "darts-1st", "--out", "x", "--no-such-option"]
    with pytest.raises(SystemExit):
        _make_parser(words).parse_args(words)


@pytest.mark.parametrize("words", COURSE_LINES, ids=" ".join)
def test_every_command_of_course_py_exists(words):
    spec = importlib.util.spec_from_file_location("course", ROOT / "course.py")
    course = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(course)
    assert not words or words[0] in course.COMMANDS


@pytest.mark.parametrize("family", methods.FAMILIES)
def test_the_readme_lists_the_methods_of_the_registry(family):
    (row,) = re.findall(rf"^\| {family} \| (.*) \|$", README, re.M)
    assert re.findall(r"`([^`]+)`", row) == methods.names(family)


def test_the_documents_show_command_lines_at_all():
    assert len(NAS_COURSE_LINES) >= 5 and len(COURSE_LINES) >= 2


def test_every_program_of_the_documents_is_known():
    known = {"python", "nas-course", "git", "pip", "pytest", "ruff", "mypy"}
    assert {words[0] for words in ALL_LINES} <= known


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_path_that_is_named_exists(name):
    """Also those in commands, with their stars; NN stands for the chapter that you write."""
    code = " ".join(re.findall(r"`([^`\n]+)`", DOCUMENTS[name]))
    folders = r"(?:nas_course|tests|source|chapters|exercises|solutions|results|benchmarks|docs)"
    paths = re.findall(rf"(?<![\w/]){folders}/[\w./*]*", code)
    assert paths
    assert [path for path in paths if "NN" not in path and not any(ROOT.glob(path))] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_leads_to_a_file(name):
    links = re.findall(r"\]\(([^)#\s]+)\)", DOCUMENTS[name])
    local = [link for link in links if "://" not in link]
    assert local
    assert [link for link in local if not (ROOT / link).exists()] == []


def test_every_picture_has_a_description():
    pictures = re.findall(r"!\[(.*?)\]", README)
    assert pictures and all(len(text) > 20 for text in pictures)


def test_the_table_of_chapters_says_what_is_there():
    rows = re.findall(r"^\| (?:\[)?(\d\d) .*?\| (ready|planned)", README, re.M)
    assert [number for number, _ in rows] == [f"{number:02}" for number in range(16)]
    there = {path.name[:2] for path in (ROOT / "chapters").glob("*.ipynb")}
    assert {number for number, state in rows if state == "ready"} == there
