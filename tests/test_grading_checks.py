"""A check runs its stages in order, stops at the first failure and explains it."""

import dataclasses
import sys

import numpy as np
import pytest
from grading_samples import EDGES, WEIGHTS, softmax

import nas_course.grading as grading
from nas_course.errors import InvalidInput
from nas_course.grading.checking import check_here, run_check
from nas_course.grading.exercise import Diagnosis, Exercise, Stage, describe
from nas_course.grading.expect import (
    expect_array,
    expect_choice,
    expect_close,
    expect_equal,
    expect_keys,
    expect_number,
)


def right(values):
    return softmax(np.array(values))


def half_right(values):
    return [1 / len(values)] * len(values)


def fails_on_three(values):
    if len(values) == 5:
        return right(values)
    total = 0
    return total / 0


def test_right_answer_passes_every_stage():
    report = check_here(WEIGHTS, right)
    assert (report.points, report.possible, report.verdict) == (4, 4, "right")
    assert [stage.verdict for stage in report.stages] == ["passed"] * 3
    assert report.diagnosis is None


def test_first_failing_stage_ends_the_check_and_keeps_the_points_before_it():
    report = check_here(WEIGHTS, half_right)
    assert report.points == 2
    assert [stage.verdict for stage in report.stages] == ["passed", "passed", "failed"]
    assert report.diagnosis.code == "other-weights"


def test_representation_is_the_points_alone_for_nbgrader():
    assert repr(check_here(WEIGHTS, half_right)) == "2"
    assert float(repr(check_here(WEIGHTS, right))) == 4.0


def test_text_says_given_got_expected_cause_and_next_step():
    text = str(check_here(WEIGHTS, lambda values: [0.0] * len(values)))
    parts = ("1 of 4 points", "[ok]   length", "[fail] by hand", "Your code gave: [0, 0]")
    for part in (*parts, "Expected: [0.5, 0.5]", "Likely cause: Other", "Next step: Divide."):
        assert part in text


def test_page_escapes_and_names_the_verdict_in_words():
    page = check_here(WEIGHTS, lambda values: "<script>alert(1)</script>" * 2)._repr_html_()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "not right yet" in page
    assert "passed" in check_here(WEIGHTS, right)._repr_html_()


def test_backticks_of_a_message_are_code_on_the_page_and_stages_without_points_show_none():
    stages = (Stage("form", 0, lambda ask, rng: ask(1)), Stage("value", 2, lambda ask, rng: ask(2)))
    exercise = Exercise("99.1", "99_x", "Title", answer="f", stages=stages)
    report = check_here(exercise, lambda value: 0 if value == 1 else 1 / 0)
    diagnosis = Diagnosis(cause="`a < b` is `right`.", next_step="Look at `c`.", code="x")
    page = dataclasses.replace(report, diagnosis=diagnosis)._repr_html_()
    assert "<code>a &lt; b</code> is <code>right</code>." in page and "`" not in page
    assert "✓ form: passed<" in page and "✗ value: failed (0/2)<" in page
    assert "[ok]   form\n" in str(report) and "[fail] value (0/2)\n" in str(report)


@pytest.mark.parametrize("answer", [..., None, lambda values: None, lambda values: ...])
def test_untouched_stub_is_not_answered(answer):
    report = check_here(WEIGHTS, answer)
    assert (report.points, report.verdict) == (0, "not answered")
    assert {stage.verdict for stage in report.stages} == {"not run"}


def test_stub_that_raises_not_implemented_is_not_answered():
    def stub(values):
        raise NotImplementedError

    assert check_here(WEIGHTS, stub).verdict == "not answered"


def test_none_after_an_answer_is_a_missing_return():
    def sometimes(values):
        if len(values) == 5:
            return right(values)

    assert check_here(WEIGHTS, sometimes).diagnosis.code == "returned-none"


def test_exception_is_reported_with_type_message_and_the_learners_line():
    report = check_here(WEIGHTS, fails_on_three)
    assert report.diagnosis.code == "raised"
    assert report.diagnosis.got == "ZeroDivisionError: division by zero"
    assert "return total / 0" in report.diagnosis.cause
    assert report.diagnosis.given == "weights([0, 0])"


@pytest.mark.parametrize("error", [SystemExit(0), KeyboardInterrupt(), GeneratorExit()], ids=repr)
def test_check_comes_back_whatever_the_learner_raises(error):
    def stops(values):
        raise error

    assert check_here(WEIGHTS, stops).points == 0


def test_text_instead_of_a_function_is_named():
    assert check_here(WEIGHTS, "right").diagnosis.code == "not-a-function"


def test_unknown_type_is_named():
    report = check_here(WEIGHTS, lambda values: (v for v in values))
    assert report.diagnosis.code == "unsupported-type"
    assert "a generator" in report.diagnosis.got


def test_answer_that_breaks_the_check_itself_is_reported_as_unforeseen():
    def run(ask, rng):
        return ask.value()["missing"]

    report = check_here(Exercise("99.9", "x", "t", "a", (Stage("s", 1, run),)), {"other": 1})
    assert report.diagnosis.code == "unforeseen-form"


def test_prints_are_shown_in_the_report_and_nowhere_else(capfd):
    def chatty(values):
        print("my sum is", sum(values))
        print("to stderr", file=sys.stderr)
        return right(values)

    report = check_here(WEIGHTS, chatty)
    assert report.points == 4
    assert "my sum is" in str(report)
    assert "my sum is" in report._repr_html_()
    assert capfd.readouterr() == ("", "")


def test_endless_printing_is_ended():
    def endless(values):
        while True:
            print("x" * 1000)

    assert check_here(WEIGHTS, endless).diagnosis.code == "output-limit"


def test_learner_cannot_change_what_the_check_compares_with():
    def mutates(values):
        result = right(values).tolist()
        values.clear()
        return result

    assert check_here(WEIGHTS, mutates).points == 4


def test_random_cases_depend_on_the_seed_and_on_nothing_else():
    def seen(seed):
        inputs = []

        def deliver(request):
            inputs.append(repr(request))
            return {"value": {"list": [0.5] * 5}}

        run_check(WEIGHTS, deliver, seed)
        return inputs

    assert seen(3) == seen(3)
    assert seen(3) != seen(4)


def test_unknown_exercise_is_refused_with_the_known_ones():
    with pytest.raises(InvalidInput, match=r"'8.1'; allowed: .*'08.1'"):
        grading.check("8.1", right)


def test_exercises_come_in_the_order_of_their_numbers():
    numbers = [tuple(map(int, number.split("."))) for number in grading.exercises()]
    assert numbers == sorted(numbers)
    assert len(numbers) >= 6


def test_value_exercise_reads_the_value():
    assert check_here(EDGES, 14).points == 2
    assert check_here(EDGES, np.int64(14)).points == 2
    assert check_here(EDGES, 13).diagnosis.code == "not-14"
    assert check_here(EDGES, ...).verdict == "not answered"


CAUSE = {"cause": "c", "next_step": "n", "code": "mine"}
EXPECTATIONS = (
    (lambda: expect_number(True), "not-a-number"),
    (lambda: expect_number("3"), "not-a-number"),
    (lambda: expect_number(float("nan")), "not-a-number"),
    (lambda: expect_number(2.5, whole=True), "not-a-number"),
    (lambda: expect_array([[1, 2], [3]], (2, 2)), "not-an-array"),
    (lambda: expect_array("text", (1,)), "not-an-array"),
    (lambda: expect_array(None, (1,)), "not-an-array"),
    (lambda: expect_array([1, 2], (3,)), "wrong-shape"),
    (lambda: expect_array([1, 2], (2, 1)), "wrong-shape"),
    (lambda: expect_array([1.0, np.inf], (2,)), "not-finite"),
    (lambda: expect_close([1, 2], [1, 3], **CAUSE), "mine"),
    (lambda: expect_close([1, 2], [1, 2, 3], **CAUSE), "mine"),
    (lambda: expect_equal([1, 2], [2, 1], **CAUSE), "mine"),
    (lambda: expect_equal(True, 1, **CAUSE), "mine"),
    (lambda: expect_choice("d", "abc"), "not-a-choice"),
    (lambda: expect_keys({"a": ..., "b": 1}, "ab"), "wrong-keys"),
    (lambda: expect_keys({"a": 1, "c": 1}, "ab"), "wrong-keys"),
    (lambda: expect_keys([1], "ab"), "wrong-keys"),
)


@pytest.mark.parametrize(("run", "code"), EXPECTATIONS)
def test_expectation_names_what_is_wrong(run, code):
    with pytest.raises(Diagnosis) as caught:
        run()
    assert caught.value.code == code


def test_expectations_pass_what_is_right():
    expect_close([0.5, 0.5000001], np.array([0.5, 0.5]), **CAUSE)
    expect_equal([1, (2, 3)], (1, [2, 3]), **CAUSE)
    assert expect_number(3.0, whole=True) == 3
    assert expect_choice("b", "abc") == "b"
    assert expect_array([[1, 2]], (None, 2)).shape == (1, 2)
    assert expect_keys({"a": 1}, "a") == {"a": 1}


def test_long_values_are_described_shortly():
    assert len(describe(np.random.default_rng(0).normal(size=(100, 100)))) < 700
    assert len(describe(["word"] * 10_000)) < 700


@pytest.mark.parametrize(
    "fields", [{"answer": "not a name"}, {"stages": ()}, {"stages": (Stage("s", -1, right),)}]
)
def test_ill_made_exercises_are_refused(fields):
    made = {"id": "1", "chapter": "c", "title": "t", "answer": "a"}
    with pytest.raises(InvalidInput):
        Exercise(**{**made, "stages": (Stage("s", 1, right),), **fields})
