"""Check of exercise 09.1: what skip collapse is, and what each remedy changes."""

from __future__ import annotations

from nas_course.grading.exercise import Exercise, Stage
from nas_course.grading.questions import Question, ask_questions

CHAPTER = "09_when_darts_fails"
LETTERS = ("a", "b", "c", "d")


def _letter(key: str, answer: str, hint: str, **wrong: tuple[str, str]) -> Question:
    return Question(key, answer, hint, wrong, LETTERS)


COLLAPSE = (
    _letter(
        "still_improves",
        "c",
        "Which curve do people look at, and see nothing?",
        a=("derived-improves", "The derived network is what gets worse: that is the collapse."),
        b=("flatness-improves", "The loss gets sharper in the alphas, not flatter."),
        d=("all-get-worse", "One of them goes on improving, so stopping on it never stops."),
    ),
    _letter(
        "early_gain",
        "a",
        "In the first epochs every convolution is still random. What is a skip connection then?",
        b=("alpha-starts-larger", "All alphas start alike, but for noise of about 0.001."),
        c=("decay-spares-it", "The weight decay treats all alphas alike."),
        d=("skips-alone-are-best", "Without any weights nothing is learned but the classifier."),
    ),
    _letter(
        "eigenvalue",
        "b",
        "A Hessian describes how a function bends.",
        a=(
            "eigenvalue-counts-skips",
            "It often grows together with their number, but counts none.",
        ),
        c=("eigenvalue-of-the-weights", "The Hessian is taken by the alphas, not by the weights."),
        d=("eigenvalue-sets-the-rate", "That would be the Hessian of the training loss by w."),
    ),
    Question(
        "zeros",
        14,
        "Adding one number to a row of logits changes nothing: how many such directions are there?",
        {
            8: ("one-zero-per-column", "One per column: but the softmax runs over each row."),
            0: ("shift-invariance-forgotten", "A softmax does not notice a shift of its row."),
            1: ("one-zero-in-all", "Each row can be shifted by itself."),
            112: ("all-zero", "Then the loss would not depend on the alphas at all."),
            98: ("the-others-counted", "These are the directions that may matter: 14 times 7."),
        },
    ),
)
STOPPING = (
    _letter(
        "darts_plus",
        "b",
        "DARTS+ looks at the cell.",
        a=("darts-plus-watches-the-loss", "That loss goes on falling while the cell collapses."),
        c=("darts-plus-watches-curvature", "This is the rule of DARTS-ES."),
        d=("darts-plus-waits-for-alphas", "Its second criterion is a stable ranking, not this."),
    ),
    _letter(
        "r_darts",
        "c",
        "DARTS-ES looks at the Hessian.",
        a=("r-darts-watches-the-loss", "That loss goes on falling while the cell collapses."),
        b=("r-darts-counts-skips", "This is the rule of DARTS+."),
        d=("r-darts-waits-for-alphas", "It does not look at the alphas themselves."),
    ),
)
CHANGES = (
    _letter(
        "darts_minus",
        "c",
        "Look at what an edge carries.",
        a=("taken-for-a-penalty", "It is often told so; but no loss gets a term."),
        b=("candidate-removed", "The skip connection stays a candidate."),
        d=("alpha-multiplied", "The path is outside of the softmax; no alpha is scaled."),
    ),
    _letter(
        "sdarts",
        "a",
        "Which training should not get used to one exact mixture?",
        b=("alphas-trained-perturbed", "The step of the alphas is not perturbed."),
        c=("images-perturbed", "That is adversarial training of a classifier."),
        d=("weights-perturbed", "The weights of the operations stay what they are."),
    ),
    Question(
        "skips_left",
        2,
        "The refinement at the end of P-DARTS.",
        {
            8: ("no-limit", "A cell has 8 edges: this would be no limit."),
            0: ("no-skips-left", "Some skip connections are useful, and may stay."),
            1: ("one-skip-left", "One more is allowed."),
            3: ("three-skips-left", "That is the number of its stages."),
            4: ("half-the-edges", "Half of the 8 edges would be a collapsed cell already."),
        },
    ),
)
KEYS = tuple(question.key for question in (*COLLAPSE, *STOPPING, *CHANGES))

REASONS = Exercise(
    id="09.1",
    chapter=CHAPTER,
    title="What collapses, and what does not?",
    answer="reasons",
    minutes=10,
    difficulty=1,
    stages=(
        Stage("the collapse", 2, ask_questions("reasons", KEYS, COLLAPSE)),
        Stage("rules that stop", 1, ask_questions("reasons", KEYS, STOPPING)),
        Stage("what remedies change", 1, ask_questions("reasons", KEYS, CHANGES)),
    ),
)

EXERCISES = (REASONS,)
