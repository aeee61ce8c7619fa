"""Check of exercise 08.5: why weights and architecture learn from different images."""

from __future__ import annotations

from nas_course.grading.exercise import Exercise, Stage
from nas_course.grading.questions import Question, ask_questions

STRENGTHS = (0.0, 0.1, 1.0, 10.0, 100.0)
RIDGE_QUESTIONS = (
    Question(
        "picked_on_train",
        0.0,
        "Read the strength with the smallest training loss in the table.",
        {
            10.0: (
                "validation-column-read",
                "This has the smallest validation loss. The question is about the training loss.",
            ),
            100.0: ("largest-loss-picked", "This has the largest training loss."),
        },
        STRENGTHS,
    ),
    Question(
        "picked_on_valid",
        10.0,
        "Read the strength with the smallest validation loss in the table.",
        {
            0.0: (
                "training-column-read",
                "This has the smallest training loss. The question is about the validation loss.",
            ),
        },
        STRENGTHS,
    ),
    Question(
        "alpha_is_like",
        "b",
        "Which of the two numbers in ridge regression must not be fitted on the training set?",
        {
            "a": (
                "alpha-is-a-weight",
                "Then it would be fitted on the training set, and would be chosen for how well "
                "it fits, like the strength 0.",
            ),
            "c": ("alpha-is-data", "alpha is chosen by the search; data are not."),
        },
        tuple("abc"),
    ),
)
HALF_QUESTIONS = (
    Question(
        "images_for_weights",
        25_000,
        "CIFAR-10 has 50,000 training images, and the search uses half of them for w.",
        {
            50_000: ("whole-training-set", "The other half is for alpha."),
            30_000: ("test-set-split", "The 10,000 test images are not part of the search."),
            60_000: ("test-set-used", "The 10,000 test images are not part of the search."),
            45_000: ("small-validation-set", "DARTS splits in halves: alpha needs many images."),
        },
    ),
    Question(
        "test_images_in_search",
        0,
        "What would the reported test error mean if the search had seen the test images?",
        {
            10_000: (
                "test-set-used",
                "Then the test error would be a validation error, and too good.",
            ),
            5_000: ("test-set-used", "Not even a part of them."),
        },
    ),
)
ABLATION_QUESTIONS = (
    Question(
        "worse_than_random",
        2,
        "Count the rows with an error above 3.29 %.",
        {
            1: (
                "one-row-overlooked",
                "Both single-level rows are above 3.29 %: 4.16 and 3.56.",
            ),
            0: ("error-read-as-accuracy", "These are errors: above 3.29 % is worse."),
            3: ("first-order-counted", "3.00 % is below 3.29 %."),
        },
    ),
    Question(
        "smallest_gain",
        0.56,
        "Best row of the single-level kind minus worst row of the bilevel kind.",
        {
            1.40: ("largest-gain", "4.16 - 2.76 is the largest gain."),
            1.16: ("worst-single-level", "4.16 is the worse of the two single-level rows."),
            0.80: ("best-bilevel", "2.76 is the better of the two bilevel rows."),
            -0.56: ("sign", "The error falls by this much: count a gain as positive."),
            0.29: ("random-compared", "3.29 - 3.00 compares with the random cells."),
        },
    ),
)
LIMIT_QUESTIONS = (
    Question(
        "why_skips_win",
        "b",
        "Look at the loss: which of the three does it contain?",
        {
            "a": (
                "cost-in-the-loss",
                "The number of multiplications is not in the loss, so it cannot be rewarded.",
            ),
            "c": (
                "skips-fit-best",
                "They have no weights to fit with. It is the other operations that train better "
                "when a skip carries the gradient past them.",
            ),
        },
        tuple("abc"),
    ),
    Question(
        "splitting_prevents_collapse",
        False,
        "Collapse was reported for DARTS as published: does that use two halves?",
        {
            True: (
                "splitting-cures-all",
                "Published DARTS splits its data, and its cells can still end as all skips.",
            ),
        },
        (True, False),
    ),
    Question(
        "third_part_needed",
        True,
        "alpha was chosen for its validation loss. Is that loss still an honest number?",
        {
            False: (
                "validation-reported",
                "The search has fitted alpha to the validation half, so its accuracy there is "
                "optimistic. A third part, touched once, gives the result.",
            ),
        },
        (True, False),
    ),
)
TWO_HALVES_KEYS = (
    "picked_on_train",
    "picked_on_valid",
    "alpha_is_like",
    "images_for_weights",
    "test_images_in_search",
    "worse_than_random",
    "smallest_gain",
    "why_skips_win",
    "splitting_prevents_collapse",
    "third_part_needed",
)

TWO_HALVES = Exercise(
    id="08.5",
    chapter="08_darts",
    title="Why two halves of the data?",
    answer="two_halves",
    minutes=15,
    difficulty=2,
    stages=(
        Stage("ridge", 1, ask_questions("two_halves", TWO_HALVES_KEYS, RIDGE_QUESTIONS)),
        Stage("who sees what", 1, ask_questions("two_halves", TWO_HALVES_KEYS, HALF_QUESTIONS)),
        Stage("the ablation", 1, ask_questions("two_halves", TWO_HALVES_KEYS, ABLATION_QUESTIONS)),
        Stage("limits", 1, ask_questions("two_halves", TWO_HALVES_KEYS, LIMIT_QUESTIONS)),
    ),
    reasons=(
        "On the training loss, strength 0 always wins, because a penalty can only make the fit "
        "worse. On the validation loss 10 wins: it limits the fit just enough.",
        "alpha is like the strength, a hyperparameter: it decides what the weights can become, "
        "so it must not be judged by how well they fit.",
        "w sees 25,000 images, alpha the other 25,000, the search none of the 10,000 test images.",
        "Both single-level rows (4.16 and 3.56) are worse than random cells (3.29); the "
        "smallest gain of two halves is 3.56 - 3.00 = 0.56 points. One paper, the best of four "
        "runs each: evidence, not proof.",
        "Cost is not in the loss, so skips are not chosen for being cheap. They let gradients "
        "pass, losses fall faster with them, and alpha follows what helps now. Two halves do "
        "not change that.",
        "alpha was fitted to its half, so the accuracy there is optimistic: a third part "
        "reports the result.",
    ),
)

EXERCISES = (TWO_HALVES,)
