"""Check of exercise 10.1: where alpha acts, what a gradient costs, and a cosine."""

from __future__ import annotations

import math

from nas_course.grading.exercise import Exercise, Stage
from nas_course.grading.questions import Question, ask_questions

CHAPTER = "10_hypergradients"
WAYS = ("direct", "response", "both")
LETTERS = ("a", "b", "c", "d")
WAYS_HINT = "Is it in the formula of the validation loss? Does it change how weights are trained?"


ROUNDED = ("rounded-too-far", "That is near, but rounded to fewer digits than are asked for.")
PER_CENT = ("rate-in-per-cent", "This is in per cent; a share from 0 to 1 is asked for.")


def _way(key: str, answer: str, **wrong: str) -> Question:
    name = key.replace("_", "-")
    explained = {word: (f"{name}-{word}", why) for word, why in wrong.items()}
    return Question(key, answer, WAYS_HINT, explained, WAYS)


ALPHA_ACTS = (
    _way(
        "weight_decay",
        "response",
        direct="The validation loss has no penalty in it; the penalty changes the weights.",
        both="The penalty stands in the training loss only: at fixed weights the validation loss "
        "does not change with it.",
    ),
    _way(
        "architecture_logits",
        "both",
        direct="They shape the trained weights as well: that is what second order is for.",
        response="They enter every mixture of the validation pass too. The direct part is all of "
        "first-order DARTS; a report on hyperDARTS called it zero.",
    ),
    _way(
        "augmentation",
        "response",
        direct="The validation images are not augmented.",
        both="Only training images are augmented: at fixed weights nothing changes.",
    ),
    _way(
        "temperature_at_validation",
        "direct",
        response="The weights are trained without it.",
        both="The weights are trained without it, so their best values do not depend on it.",
    ),
)
COSTS = (
    Question(
        "second_order",
        5,
        "Write the iteration down line by line. Which line did you not count, or count twice?",
        {
            2: ("first-order-cost", "This is first order."),
            3: ("difference-not-counted", "The difference needs two gradients, at w+ and w-."),
            4: (
                "one-not-counted",
                "One gradient is missing.",
            ),
            6: ("one-too-many", "The gradient at w' gives v and the direct part at once."),
        },
    ),
    Question(
        "idarts",
        9,
        "Which line of the iteration did you not count, or count twice?",
        {
            7: ("products-not-counted", "The two Hessian-vector products are missing."),
            6: ("training-steps-not-counted", "There are T = 4 training steps, not one."),
            5: ("training-steps-left-out", "The T = 4 training steps are part of the iteration."),
            8: (
                "graph-or-last-product-missing",
                "One gradient or product is missing.",
            ),
            10: ("one-product-too-many", "The sum has K + 1 terms, but needs K products."),
            2.25: ("per-weight-step", "This is the cost for each training step."),
        },
    ),
    Question(
        "reverse_memory",
        100,
        "At which weights was the gradient of each step taken?",
        {
            1: (
                "only-the-last-weights",
                "Each step is differentiated at its own weights; only the "
                "implicit gradients get by with the last ones.",
            ),
            2: ("as-many-as-one-step", "That is enough for one step back."),
            99: (
                "first-weights-forgotten",
                "One copy is missing: the first step has weights, too.",
            ),
            101: ("last-weights-counted", "w_100 is what you have anyway: it is no extra copy."),
        },
    ),
)
INPUTS, NORMAL, REDUCE = 112, 1_223_040, 608_128
KERNELS = NORMAL + REDUCE
HYPERNETWORKS = (
    Question(
        "hypernetwork_weights",
        (INPUTS + 1) * KERNELS,
        "Every output has a weight for each input, and a bias.",
        {
            INPUTS * KERNELS: ("biases-forgotten", "Each output has a bias too."),
            (2 * INPUTS + 1) * KERNELS: (
                "inputs-of-both-kinds",
                "Each kind has a network of its own, which reads its own 112 logits.",
            ),
            (INPUTS + 1) * NORMAL: ("normal-only", "The reduction cells have a network too."),
            INPUTS * KERNELS + INPUTS: ("biases-on-the-inputs", "A bias belongs to an output."),
            KERNELS: ("kernels-only", "This is what the networks generate."),
        },
    ),
    Question(
        "gigabytes",
        3 * 4 * (INPUTS + 1) * KERNELS / 1e9,
        "How many numbers are kept for each weight, and how many bytes has one of them?",
        {
            4 * (INPUTS + 1) * KERNELS / 1e9: (
                "parameters-only",
                "Gradient and momentum are as large as the parameters.",
            ),
            2 * 4 * (INPUTS + 1) * KERNELS / 1e9: (
                "one-of-three-forgotten",
                "Parameter, gradient and momentum: three numbers each.",
            ),
            3 * (INPUTS + 1) * KERNELS / 1e9: ("numbers-not-bytes", "A float32 has four bytes."),
            3 * 8 * (INPUTS + 1) * KERNELS / 1e9: ("double-precision", "A float32 has four bytes."),
        },
    ),
)
COSINE = (
    Question(
        "rate_of_the_long_run",
        0.5,
        "Draw half a wave of a cosine that falls from 1 to 0. Where on it is epoch 50 of 100?",
        {
            50: PER_CENT,
            0: ("long-run-over", "The long run is in its middle then."),
            1: ("nothing-annealed", "The rate falls from the first step on."),
        },
    ),
    Question(
        "rate_of_the_short_run",
        0.0,
        "Draw half a wave of a cosine that falls from 1 to 0. Where on it is epoch 50 of 50?",
        {
            50: PER_CENT,
            0.5: ("short-run-in-its-middle", "The short run is at its end then."),
            1: ("nothing-annealed", "The rate falls from the first step on."),
        },
    ),
    Question(
        "rate_at_seventy_five",
        (1 + math.cos(0.75 * math.pi)) / 2,
        "Draw half a wave of a cosine that falls from 1 to 0. Where on it is epoch 75 of 100?",
        {
            50 * (1 + math.cos(0.75 * math.pi)): PER_CENT,
            15: PER_CENT,
            0.15: ROUNDED,
            0.25: ("straight-line", "This is a straight line; a cosine is flat at its end."),
            (1 - math.cos(0.75 * math.pi)) / 2: ("cosine-turned", "This is what it has lost."),
            math.cos(0.75 * math.pi): ("bare-cosine", "A cosine ends at -1, but the rate at 0."),
        },
    ),
    Question(
        "why_worse",
        "b",
        "What differs between the two runs at epoch 50, if the seeds are the same?",
        {
            "a": (
                "framework-plans-exploration",
                "torch knows nothing of exploration. It gets the "
                "number of epochs for one purpose: the cosine.",
            ),
            "c": (
                "overfitting",
                "Overfitting would show in a falling curve; the long run has not "
                "got there yet, and catches up.",
            ),
            "d": ("alphas-too-far", "Both runs have given the alphas as many steps."),
        },
        LETTERS,
    ),
)
ALL = (*ALPHA_ACTS, *COSTS, *HYPERNETWORKS, *COSINE)
KEYS = tuple(question.key for question in ALL)

REASONS = Exercise(
    id="10.1",
    chapter=CHAPTER,
    title="Two ways, and what they cost",
    answer="reasons",
    minutes=15,
    difficulty=1,
    stages=(
        Stage("where a hyperparameter acts", 1, ask_questions("reasons", KEYS, ALPHA_ACTS)),
        Stage("costs of gradients", 1, ask_questions("reasons", KEYS, COSTS)),
        Stage("costs of hypernetworks", 1, ask_questions("reasons", KEYS, HYPERNETWORKS)),
        Stage("a cosine", 1, ask_questions("reasons", KEYS, COSINE)),
    ),
    reasons=(
        "What stands in the validation loss acts directly; what changes the training acts through "
        "the weights. Architecture logits do both.",
        "Second order: 1 + 1 + 2 + 1 = 5. iDARTS with T = 4 and K = 2: 4 + 1 + 1 + 2 + 1 = 9. "
        "Reverse mode keeps w_0 to w_99.",
        "113 * 1,831,168 = 206,921,984 weights, and 12 bytes each are 2.48 GB.",
        "At epoch 50 the long run still trains with half of its learning rate, the short one with "
        "none: the first is in its middle, the other at its end.",
    ),
)

EXERCISES = (REASONS,)
