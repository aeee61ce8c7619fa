"""Check of exercise 12.1: what is random in which method, and what the randomness does."""

from __future__ import annotations

from nas_course.grading.exercise import Exercise, Stage
from nas_course.grading.questions import Question, ask_questions

CHAPTER = "12_distributions"
DRAWN = ("nothing", "one-hot", "mixture", "logits")
LETTERS = ("a", "b", "c", "d")
DRAWN_HINT = "Which array differs when the same step is taken again with another seed?"


def _drawn(key: str, answer: str, **wrong: str) -> Question:
    explained = {
        word.replace("_", "-"): (f"{key}-{word.replace('_', '-')}", why)
        for word, why in wrong.items()
    }
    return Question(key, answer, DRAWN_HINT, explained, DRAWN)


WHAT = (
    _drawn(
        "darts",
        "nothing",
        one_hot="DARTS computes all operations, mixed by a softmax.",
        mixture="Its mixture is a softmax of the alphas themselves: no noise.",
        logits="Its alphas are numbers, not a distribution.",
    ),
    _drawn(
        "gdas",
        "one-hot",
        nothing="Gumbel noise is drawn for every step.",
        mixture="In front only one operation is computed; the soft sample is for the gradient.",
        logits="The logits stay; the noise is added for the sample only.",
    ),
    _drawn(
        "snas",
        "mixture",
        nothing="Gumbel noise is drawn for every step.",
        one_hot="It is soft in front too, until the temperature is nearly 0.",
        logits="The logits stay; the noise is added for the sample only.",
    ),
    _drawn(
        "balenas",
        "logits",
        nothing="The alphas have a posterior with a standard deviation.",
        one_hot="All operations are computed, mixed by the softmax of the drawn logits.",
        mixture="Mixed it is, but by a plain softmax: what is drawn are the logits.",
    ),
)
TEMPERATURE = (
    Question(
        "frequency",
        "b",
        "Which of some numbers is the largest after all were divided by the same positive one?",
        {
            "a": ("frequency-depends", "The softmax is not divided: the noise is scaled as well."),
            "c": ("frequency-cold", "Cold makes the soft sample sharp, not the choice certain."),
            "d": ("frequency-hot", "Hot makes the soft sample flat, not the choice even."),
        },
        LETTERS,
    ),
    Question(
        "sharp",
        "c",
        "What does softmax((logits + g) / temperature) tend to?",
        {
            "a": ("sharp-flat", "That is the limit of a high temperature."),
            "b": ("sharp-certain", "The noise stays: who wins still changes from draw to draw."),
            "d": ("sharp-softmax", "That is the mean of the samples, not one of them."),
        },
        LETTERS,
    ),
)
WIDTH = (
    Question(
        "sigma",
        1 / 3.5**0.5,
        "sigma = 1 / sqrt(N s + delta).",
        {
            1 / 3.5: ("sigma-is-variance", "This is the variance: take the root."),
            1 / 2.5**0.5: ("sigma-without-prior", "The prior's precision is missing."),
            1 / 251**0.5: ("sigma-root-of-s", "s itself belongs into the precision, not its root."),
            3.5**0.5: ("sigma-turned-over", "This is the root of the precision: turn it over."),
            1.0: ("sigma-of-the-prior", "This is sigma before the first gradient."),
        },
    ),
    Question(
        "too_wide",
        "a",
        "What is the gradient of a mean over a batch near a minimum, and what is the curvature?",
        {
            "b": ("wide-by-forgetting", "beta_2 = 0.999 remembers a thousand steps."),
            "c": ("wide-by-prior", "The prior adds precision: it makes sigma smaller."),
            "d": (
                "wide-by-correction",
                "s is not corrected there, and late both agree.",
            ),
        },
        LETTERS,
    ),
)
ADDED = (
    Question(
        "added",
        -0.5,
        "Expand the loss at the mean. Which term has mean 0, and what is the mean of the next one?",
        {
            -1.0: ("half-forgotten", "The factor 1/2 is missing."),
            0.0: (
                "sigma-not-squared",
                "0 comes from sigma instead of its square, or from the idea "
                "that noise of mean 0 adds nothing. The loss is curved.",
            ),
            1.5: ("absolute-values", "The curvatures were taken as positive: one is negative."),
            0.5: ("sign-turned", "The second direction has the larger sigma, and curves down."),
            -0.25: ("halved-twice", "Halve it once."),
        },
    ),
    Question(
        "favours",
        "a",
        "Which of two minima of equal loss has the smaller sum of sigma_j^2 H_jj?",
        {
            "b": ("favours-small-alphas", "That is weight decay, or the prior."),
            "c": ("favours-depth", "That takes a term of its own, on the connections."),
            "d": ("favours-nothing", "The noise has mean 0, but the loss is curved."),
        },
        LETTERS,
    ),
)
ALL = (*WHAT, *TEMPERATURE, *WIDTH, *ADDED)
KEYS = tuple(question.key for question in ALL)

REASONS = Exercise(
    id="12.1",
    chapter=CHAPTER,
    title="What is random, and what for?",
    answer="reasons",
    minutes=15,
    difficulty=1,
    stages=(
        Stage("what is drawn", 1, ask_questions("reasons", KEYS, WHAT)),
        Stage("temperature", 1, ask_questions("reasons", KEYS, TEMPERATURE)),
        Stage("how wide", 1, ask_questions("reasons", KEYS, WIDTH)),
        Stage("what noise adds to a loss", 1, ask_questions("reasons", KEYS, ADDED)),
    ),
    reasons=(
        "GDAS draws one operation, SNAS a mixture, BaLeNAS the logits; DARTS draws nothing.",
        "The winner of logits + g has the frequencies softmax(logits) at every temperature.",
        "1 / sqrt(25,000 * 0.0001 + 1) = 0.53. Near a minimum the mean gradient vanishes and the "
        "curvature does not: g squared is too small, and sigma too wide.",
        "(0.25 * 4 + 1 * (-2)) / 2 = -0.5: a trace, which rewards directions that curve down.",
    ),
)

EXERCISES = (REASONS,)
