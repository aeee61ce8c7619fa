"""The checks of all chapters but 08 pass right answers and name what is wrong with others."""

import exercise_promises as promises
import pytest
from exercise_chapters import Chapter

CHAPTERS = [
    Chapter(name)
    for name in (
        "01_what_is_nas",
        "02_search_spaces",
        "03_performance_estimation",
        "04_random_and_evolution",
        "05_reinforcement_learning",
        "09_when_darts_fails",
        "10_hypergradients",
        "12_distributions",
    )
]
OF_EXERCISE = {key: chapter for chapter in CHAPTERS for key in chapter.exercises}
ANSWERS = [answer for chapter in CHAPTERS for answer in chapter.answers]
WRONG = [answer for answer in ANSWERS if answer.code]
RIGHT = [answer for answer in ANSWERS if not answer.code]
OTHER_SEED = 20_261_122

every_exercise = pytest.mark.parametrize("key", sorted(OF_EXERCISE))


@pytest.mark.parametrize("answer", WRONG, ids=str)
def test_a_wrong_answer_gets_the_diagnosis_of_its_mistake(answer):
    promises.mistake_is_named(OF_EXERCISE[answer.exercise], answer)


@pytest.mark.parametrize("answer", WRONG, ids=str)
def test_the_diagnosis_does_not_depend_on_the_random_cases(answer):
    promises.mistake_is_named_in_other_cases(OF_EXERCISE[answer.exercise], answer, [OTHER_SEED])


@pytest.mark.parametrize("answer", RIGHT, ids=str)
def test_a_right_answer_scores_full_marks_whatever_the_random_cases(answer):
    promises.gets_full_marks(OF_EXERCISE[answer.exercise], answer, range(5))


@every_exercise
def test_every_exercise_has_eight_named_mistakes_and_two_right_answers(key):
    promises.has_eight_named_mistakes_and_two_right_answers(OF_EXERCISE[key], key)


@every_exercise
@pytest.mark.parametrize("odd", sorted(promises.ODD_VALUES))
def test_an_answer_of_the_wrong_kind_gets_a_clear_diagnosis(key, odd):
    promises.wrong_kind_is_diagnosed(OF_EXERCISE[key], key, promises.ODD_VALUES[odd])


@every_exercise
def test_entries_of_the_wrong_kind_get_a_clear_diagnosis(key):
    odd = (*promises.ODD_ENTRIES, -7)
    promises.wrong_entries_are_diagnosed(OF_EXERCISE[key], key, odd, positions=4)


@every_exercise
def test_the_model_answer_scores_full_marks_in_under_two_seconds(key):
    promises.model_answer_gets_full_marks_in_under_two_seconds(OF_EXERCISE[key], key)


@every_exercise
def test_the_unsolved_notebook_runs_and_scores_nothing(key):
    promises.unsolved_notebook_scores_nothing(OF_EXERCISE[key], key)


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_the_table_of_the_notebook_states_what_the_checks_have(chapter):
    promises.table_of_the_notebook_is_true(chapter)


@pytest.mark.filterwarnings("ignore")  # mutants divide by zero and average nothing
@every_exercise
def test_no_single_edit_of_a_model_answer_passes_unless_it_is_equally_right(key):
    promises.only_equally_right_edits_pass(OF_EXERCISE[key], key, at_least=5)
