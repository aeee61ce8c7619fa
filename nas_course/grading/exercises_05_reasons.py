"""Check of exercise 05.1: what a reward changes, the words of RL, and costs of search."""

from __future__ import annotations

from nas_course.grading.exercise import Exercise, Stage
from nas_course.grading.questions import Question, ask_questions

CHAPTER = "05_reinforcement_learning"
CHANGED = ("nothing", "best", "population", "distribution")
LETTERS = ("a", "b", "c", "d")
CHANGED_HINT = "What would the program have to write to a file, to go on tomorrow as if today?"


def _changed(key: str, answer: str, **wrong: str) -> Question:
    name = key.replace("_", "-")
    explained = {word: (f"{name}-{word}", why) for word, why in wrong.items()}
    return Question(key, answer, CHANGED_HINT, explained, CHANGED)


WITHOUT_POLICY = (
    _changed(
        "uniform",
        "nothing",
        best="The best is kept for the report, but the next draw does not look at it.",
        distribution="There is a distribution, but no reward ever changes it.",
        population="No members are kept for the next draw.",
    ),
    _changed(
        "epsilon_listing",
        "best",
        nothing="Nine times out of ten the next draw is a mutant of the best so far.",
        population="One architecture is kept, not several.",
        distribution="It has no parameters and no gradient: its ε is a constant. Bearing the name "
        "of a controller does not make a policy.",
    ),
    _changed(
        "ageing",
        "population",
        nothing="Who is mutated depends on the scores of the members.",
        best="The best of a few *members* is mutated, so several are kept.",
        distribution="Nothing in it is a probability that a reward moves.",
    ),
)
WITH_POLICY = (
    _changed(
        "controller",
        "distribution",
        nothing="A gradient step moves the LSTM's weights, and with them the next draw.",
        best="No architecture is kept: a good one only becomes more probable.",
        population="No architectures are kept: good ones only become more probable.",
    ),
    _changed(
        "constant_input",
        "distribution",
        nothing="Its weights move too. The zero input only makes its choices independent.",
        best="No architecture is kept: a good one only becomes more probable.",
        population="No architectures are kept: good ones only become more probable.",
    ),
    Question(
        "state",
        "b",
        "The state is what the policy knows when it acts.",
        {
            "a": ("state-is-the-action", "The next token is what the policy does."),
            "c": ("state-is-the-reward", "The accuracy is known only after the last token."),
            "d": ("state-is-the-weights", "The controller never sees the child's weights."),
        },
        LETTERS,
    ),
    Question(
        "action",
        "a",
        "An action is what the policy draws.",
        {
            "b": ("action-is-the-state", "These are the actions before; the policy knows them."),
            "c": ("action-is-the-reward", "The policy does not choose the accuracy, alas."),
            "d": ("action-is-the-weights", "Gradient descent finds the child's weights."),
        },
        LETTERS,
    ),
    Question(
        "reward",
        "c",
        "Which of them says how good it was?",
        {
            "a": ("reward-is-the-action", "A token is what was done, not how good it was."),
            "b": ("reward-is-the-state", "Tokens say what was done, not how good it was."),
            "d": ("reward-is-the-weights", "A reward is one number, measured on other data."),
        },
        LETTERS,
    ),
)
COSTS = (
    Question(
        "hours_per_child",
        42.0,
        "800 GPUs, 28 days, 24 hours; over 12,800 children.",
        {
            1.75: ("days-per-child", "These are GPU days; a day has 24 hours."),
            0.0525: ("one-gpu-only", "This counts the hours of one GPU; there were 800."),
            1 / 42: ("children-per-hour", "This is children per hour: the inverse."),
            672: ("children-left-out", "This is the time of the search; divide the GPU hours."),
            537600: ("hours-of-all-children", "This is for all children together."),
        },
    ),
    Question(
        "nasnet_saves",
        22400 / 1800,
        "GPU days of Zoph and Le above, those of NASNet (450 GPUs, 4 days) below.",
        {
            11.2: ("five-hundred-gpus", "2,000 GPU days belong to 500 GPUs."),
            1800 / 22400: ("turned-over", "This is NASNet over Zoph and Le."),
            800 / 450: ("gpus-only", "This compares GPUs; the days differ too."),
            7.0: ("days-only", "This compares days; the numbers of GPUs differ too."),
        },
    ),
    Question(
        "children_for_enas",
        12 / 42,
        "GPU hours of ENAS above, those of one child below.",
        {
            3.5: ("child-over-enas", "This is one child over ENAS."),
            0.5 / 42: ("days-over-hours", "Half a day is 12 hours: the units differ."),
            24 / 42: ("whole-day", "ENAS took half a day."),
            0: ("none-of-them", "Not a whole child, but a share of one."),
        },
    ),
)
ENAS = (
    Question(
        "enas_shares",
        "b",
        "Its title: Efficient Neural Architecture Search via Parameter Sharing.",
        {
            "a": ("enas-frozen", "The shared weights are trained, in turn with the controller."),
            "c": ("enas-copies-rewards", "Each draw gets a reward of its own, on one batch."),
            "d": ("enas-only-shorter", "No child is trained by itself, not even shortly."),
        },
        LETTERS,
    ),
    Question(
        "enas_keeps",
        "c",
        "Which part of the title of Zoph and Le's paper is still true of it?",
        {
            "a": ("enas-trains-children", "That is what it gave up: it is where the time went."),
            "b": ("enas-many-children", "12 GPU hours do not pay for one of them."),
            "d": ("enas-relaxes", "It draws discrete architectures and sees only their rewards."),
        },
        LETTERS,
    ),
)
ALL = (*WITHOUT_POLICY, *WITH_POLICY, *COSTS, *ENAS)
KEYS = tuple(question.key for question in ALL)

WHAT_LEARNS = Exercise(
    id="05.1",
    chapter=CHAPTER,
    title="What learns here, and what does it cost?",
    answer="reasons",
    minutes=10,
    difficulty=1,
    stages=(
        Stage("without a policy", 1, ask_questions("reasons", KEYS, WITHOUT_POLICY)),
        Stage("with a policy", 1, ask_questions("reasons", KEYS, WITH_POLICY)),
        Stage("costs", 1, ask_questions("reasons", KEYS, COSTS)),
        Stage("ENAS", 1, ask_questions("reasons", KEYS, ENAS)),
    ),
    reasons=(
        "Reinforcement learning moves the parameters of a policy. Mutating the best so far is hill "
        "climbing; with a zero input the policy still learns, each choice for itself.",
        "800 * 28 * 24 / 12,800 = 42 GPU hours for a child; 22,400 / 1,800 = 12.4; 12 / 42 = 0.29.",
        "ENAS keeps the controller and its policy gradient; its children share their weights.",
    ),
)

EXERCISES = (WHAT_LEARNS,)
