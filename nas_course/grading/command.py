"""`nas-course grade FILE...`: points, verdict and cause for every exercise of a notebook."""

from __future__ import annotations

import argparse
import json
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

from nas_course.grading import exercises
from nas_course.grading.grader import Grader, NotebookReport
from nas_course.grading.isolation import summary, warning
from nas_course.grading.limits import Limits
from nas_course.grading.report import Report, visible


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `nas-course grade`."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="notebooks to grade")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--seed", type=int, help="of the hidden cases; without it a new one, shown in the report"
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=Limits.seconds,
        metavar="S",
        help="seconds for the check of each exercise (default %(default)g)",
    )
    parser.add_argument(
        "--cell-timeout",
        type=float,
        default=Limits.cell_seconds,
        metavar="S",
        help="seconds for each cell of the notebook (default %(default)g)",
    )


def run(args: argparse.Namespace) -> int:
    """Grade the files; 0 when every file could be graded, else 1."""
    seed = secrets.randbits(31) if args.seed is None else args.seed
    grader = Grader(exercises(), seed, Limits(seconds=args.timeout, cell_seconds=args.cell_timeout))
    reports = []
    for path in args.files:
        reports.append(grader.grade(path))
        if not args.json:
            show(as_text(reports[-1]) + "\n")
    show(as_json(reports, seed) if args.json else totals(reports, seed))
    return 1 if any(report.error for report in reports) else 0


def show(text: str) -> None:
    """Print, with a question mark for what the terminal's encoding does not have."""
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "replace").decode(encoding))


def as_json(reports: Sequence[NotebookReport], seed: int) -> str:
    """All reports as one JSON object."""
    content = {"seed": seed, "notebooks": [report.to_dict() for report in reports]}
    return json.dumps(content, indent=2)


def as_text(report: NotebookReport) -> str:
    """One notebook as a table, with the cause under each exercise that is not right."""
    if report.error:
        return f"not graded: {_line(report.error)}"
    lines = [f"{_line(report.file)}: {report.points:g} of {report.possible:g} points"]
    width = max((len(part.exercise) for part in report.reports), default=0)
    for part in report.reports:
        lines += _exercise_lines(part, width)
    lines += [f"  cell {trouble.number}: {_line(trouble.text)}" for trouble in report.troubles]
    lines.append(f"  isolation: {summary(report.isolation)}")
    if warning(report.isolation):
        lines.append(f"  warning: {warning(report.isolation)}")
    return "\n".join(lines)


def _exercise_lines(part: Report, width: int) -> list[str]:
    score = f"{part.points:g}/{part.possible:g}"
    lines = [f"  {part.exercise:<{width}}  {score:>7}  {part.verdict:<13}  {_line(part.title)}"]
    if part.diagnosis and part.verdict != "not answered":
        indent = " " * (width + 13)
        lines.append(f"{indent}{part.diagnosis.code}: {_line(part.diagnosis.cause)}")
        if part.diagnosis.got:
            lines.append(f"{indent}came: {_line(part.diagnosis.got)}")
    return lines


def totals(reports: Sequence[NotebookReport], seed: int) -> str:
    """The last lines of the table."""
    graded = [report for report in reports if not report.error]
    refused = len(reports) - len(graded)
    points = sum(report.points for report in graded)
    possible = sum(report.possible for report in graded)
    text = f"{len(graded)} graded, {refused} not graded; {points:g} of {possible:g} points"
    return f"{text}; hidden cases drawn with --seed {seed}"


def _line(text: str) -> str:
    """One line that cannot steer the terminal, of bounded length."""
    flat = " ".join(visible(text).split())
    return flat if len(flat) <= 300 else flat[:300] + " ..."
