"""Exercise 00.1: every plausible mistake gets its own diagnosis, right answers full marks."""

from __future__ import annotations

import ast
import inspect
import itertools
import math

import pytest

from nas_course.grading import check, exercises, exercises_00_start_here

CHECK = "00.1"


def power_by_float(layers, operations):
    return float(operations) ** layers


def power_by_logarithm(layers, operations):
    return round(10 ** (layers * math.log10(operations)))


def memorised(layers, operations):
    return {(1, 1): 1, (2, 3): 9, (1, 4): 4}.get((layers, operations), 5)


def forgot_to_return(layers, operations):
    operations**layers


def as_text(layers, operations):
    return str(operations**layers)


WRONG = {
    "choices-added": lambda layers, operations: layers * operations,
    "base-and-exponent-swapped": lambda layers, operations: layers**operations,
    "repetition-forbidden": lambda layers, operations: math.perm(operations, layers),
    "order-ignored": lambda layers, operations: math.comb(operations + layers - 1, layers),
    "subsets-counted": lambda layers, operations: math.comb(operations, layers),
    "one-layer-too-few": lambda layers, operations: operations ** (layers - 1),
    "shorter-chains-too": lambda layers, operations: sum(
        operations**depth for depth in range(1, layers + 1)
    ),
    "empty-layer": lambda layers, operations: (operations + 1) ** layers,
    "count-is-a-float": power_by_float,
    "not-a-number": as_text,
    "values-differ": memorised,
}


def by_product(layers, operations):
    return math.prod([operations] * layers)


def by_recursion(layers, operations):
    return 1 if layers == 0 else operations * by_recursion(layers - 1, operations)


@pytest.mark.parametrize("code", WRONG)
def test_wrong_answer_gets_its_own_diagnosis(code: str) -> None:
    report = check(CHECK, WRONG[code])
    assert report.diagnosis is not None and report.diagnosis.code == code
    assert report.points < report.possible


def test_inexact_power_keeps_the_point_for_small_cases_only() -> None:
    report = check(CHECK, power_by_logarithm)
    assert report.points == 1


@pytest.mark.parametrize("answer", [forgot_to_return, ..., 64, None])
def test_no_answer_scores_nothing_and_says_why(answer) -> None:
    report = check(CHECK, answer)
    assert report.points == 0
    assert report.diagnosis is not None and report.diagnosis.next_step


@pytest.mark.parametrize("answer", [exercises_00_start_here.count_chains, by_product, by_recursion])
def test_right_answers_score_full_marks(answer) -> None:
    report = check(CHECK, answer)
    assert report.points == report.possible == exercises()[CHECK].points == 2


def test_every_mistake_the_check_knows_has_a_wrong_answer_here() -> None:
    assert {mistake.code for mistake in exercises_00_start_here.MISTAKES} <= set(WRONG)


def test_solution_agrees_with_enumeration() -> None:
    for layers, operations in itertools.product(range(1, 5), range(1, 5)):
        chains = set(itertools.product(range(operations), repeat=layers))
        assert exercises_00_start_here.count_chains(layers, operations) == len(chains)


SWAPS = (ast.Add, ast.Sub, ast.Mult, ast.Pow, ast.FloorDiv)


def mutants() -> dict[str, object]:
    """Every single edit of the solution's expression: operator, operand, constant added."""
    source = inspect.getsource(exercises_00_start_here.count_chains)
    expression = ast.parse(source).body[0].body[-1].value
    edits = [ast.unparse(ast.BinOp(expression.left, swap(), expression.right)) for swap in SWAPS]
    edits += [f"{text} {change} 1" for text in (ast.unparse(expression),) for change in "+-"]
    edits += ["layers ** layers", "operations ** operations", "operations", "layers"]
    edits += ["operations ** (layers + 1)", "(operations - 1) ** layers", "operations ** -layers"]
    own = ast.unparse(expression)
    return {edit: eval(f"lambda layers, operations: {edit}") for edit in edits if edit != own}


@pytest.mark.parametrize("edit", mutants())
def test_no_single_edit_of_the_solution_scores_full_marks(edit: str) -> None:
    assert check(CHECK, mutants()[edit]).points < 2
