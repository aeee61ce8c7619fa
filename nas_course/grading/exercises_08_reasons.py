"""Checks of exercises 08.1 and 08.2: what DARTS is made of, and why it is fast."""

from __future__ import annotations

from nas_course.grading.exercise import Exercise, Stage
from nas_course.grading.questions import Question, ask_questions

PARTS = ("space", "strategy", "estimation")
PARTS_HINT = (
    "Ask: does it say what may be built (space), what is tried next (strategy), or how good "
    "something is (estimation)?"
)


def _part(key: str, answer: str, **wrong: str) -> Question:
    explained = {part: (f"{key}-is-not-{part}", cause) for part, cause in wrong.items()}
    return Question(key, answer, PARTS_HINT, explained, PARTS)


CLEAR_PARTS = (
    _part(
        "a",
        "space",
        strategy="A list of allowed operations chooses nothing; it says what can be chosen.",
        estimation="A list of operations gives no score to anything.",
    ),
    _part(
        "b",
        "strategy",
        space="A gradient step does not change what may be built, only where the search goes.",
        estimation="The loss is the score; moving along its gradient is what is done with it.",
    ),
    _part(
        "c",
        "estimation",
        space="The same cells can be built, however long you train them.",
        strategy="Training for five epochs decides nothing; it gives a cell its score.",
    ),
)
SKELETON_PARTS = (
    _part(
        "d",
        "space",
        strategy="The search never gets to choose a third input: this is a rule of the space.",
        estimation="It limits what can be built, not how it is scored.",
    ),
    _part(
        "e",
        "strategy",
        space="Mutation moves within the space; it does not say what is allowed in it.",
        estimation="The five have their scores already; this rule says which cell is tried next.",
    ),
    _part(
        "f",
        "space",
        strategy="Where the reductions stand is fixed before the search begins.",
        estimation="It is part of what every network of the space looks like, not of its score.",
    ),
)
SUBTLE_PARTS = (
    _part(
        "g",
        "estimation",
        space="The same cells can be built as before. Sharing weights changes their scores.",
        strategy="Often said, but wrong: any strategy (random, evolution, gradient) can use shared "
        "weights. They are a cheap way to get a score.",
    ),
    _part(
        "h",
        "estimation",
        space="Slow cells may still be built; they only score lower.",
        strategy="The strategy stays the same; what it is told about a cell changes.",
    ),
)
PART_KEYS = tuple("abcdefgh")

THREE_PARTS = Exercise(
    id="08.1",
    chapter="08_darts",
    title="Space, strategy or estimation?",
    answer="parts",
    minutes=5,
    difficulty=1,
    stages=(
        Stage("clear cases: a, b, c", 1, ask_questions("parts", PART_KEYS, CLEAR_PARTS)),
        Stage("rules and moves: d, e, f", 1, ask_questions("parts", PART_KEYS, SKELETON_PARTS)),
        Stage("often confused: g, h", 1, ask_questions("parts", PART_KEYS, SUBTLE_PARTS)),
    ),
    reasons=(
        "a, d, f say which networks can be built at all: the search space. No search can leave it.",
        "b, e say which network is looked at next: the strategy.",
        "c, g, h say what score a network gets: estimation. With another price or other weights "
        "the same search would run, towards other networks.",
        "g is the one that is sorted wrongly most often: shared weights are a cheap score, and "
        "random search or evolution can use them as well as a gradient.",
    ),
)

COST_QUESTIONS = (
    Question(
        "search_factor",
        500.0,
        "Divide the GPU days of the RL search by those of second-order DARTS.",
        {
            450: (
                "preprint-cost",
                "450 = 1800 / 4 uses the figure of the paper's first preprint. The table above, "
                "from the published version, has 2000.",
            ),
            0.002: ("ratio-upside-down", "This is the inverse: DARTS cost over RL cost."),
            2000 / 1.5: ("first-order-cost", "1.5 GPU days is the cost of first-order DARTS."),
            5600: ("other-rl-search", "22,400 GPU days belong to an earlier RL search (2017)."),
            787.5: ("evolution-cost", "3150 GPU days is the evolutionary search."),
        },
    ),
    Question(
        "whole_factor",
        2000 / 6.5,
        "Search, selection of the cell and final training together: 4 + 1 + 1.5.",
        {
            500: (
                "search-cost-only",
                "The cell still has to be selected and trained; the table's note gives both costs.",
            ),
            400: ("final-training-forgotten", "The final training (1.5 GPU days) is missing."),
            2000 / 5.5: ("selection-forgotten", "The selection cost (1 GPU day) is missing."),
            2000 / 4: ("search-cost-only", "Selection and final training are missing."),
            500 / 2.5: (
                "divided-the-factor",
                "500 was divided by 2.5. Costs add up first; then comes the ratio.",
            ),
        },
    ),
)
SAVING_QUESTIONS = (
    Question(
        "sharing_factor",
        4000.0,
        "ENAS keeps the RL controller and shares weights: compare it with the RL search.",
        {
            500: ("darts-instead-of-enas", "500 is DARTS. ENAS shares weights without relaxing."),
            8: ("compared-with-darts", "8 compares ENAS with DARTS; the question is about RL."),
            2000 / 1.5: ("darts-instead-of-enas", "That is first-order DARTS."),
            0.00025: ("ratio-upside-down", "This is the inverse."),
        },
    ),
    Question(
        "relaxation_buys",
        "b",
        "Imagine a relaxed search in which each candidate still had to be trained alone.",
        {
            "a": (
                "relaxation-mistaken-for-sharing",
                "That no child has to be trained comes from sharing weights. ENAS has it without "
                "any relaxation.",
            ),
            "c": (
                "relaxation-saves-memory",
                "It costs memory: all operations of all edges are computed and kept.",
            ),
            "d": (
                "no-final-training",
                "The derived cell is trained from scratch; supernet weights are thrown away.",
            ),
        },
        tuple("abcd"),
    ),
    Question(
        "sharing_buys",
        "a",
        "What did the RL search spend its 2000 GPU days on?",
        {
            "b": (
                "sharing-mistaken-for-relaxation",
                "Gradients with respect to the architecture come from the relaxation. ENAS shares "
                "weights and still needs a controller that learns from rewards.",
            ),
            "c": ("sharing-saves-memory", "The supernet is larger than any of its children."),
            "d": (
                "no-final-training",
                "Both ENAS and DARTS train the final cell from scratch.",
            ),
        },
        tuple("abcd"),
    ),
)
STEP_QUESTIONS = (
    Question(
        "numbers_per_step",
        224,
        "Two kinds of cell, 14 edges each, 8 logits on every edge.",
        {
            112: ("one-kind-of-cell", "Normal and reduction cell have logits of their own."),
            28: ("edges-only", "Each edge has one logit per operation."),
            196: ("none-has-no-logit", "`none` has a logit too, although it is never selected."),
            1: ("one-reward", "One number per child is what RL gets: the reward."),
            1792: (
                "one-set-per-cell",
                "All cells of one kind share their logits; the depth of the network adds none.",
            ),
        },
    ),
    Question(
        "passes_first_order",
        2,
        "One forward and backward pass for alpha, and one for the weights.",
        {
            1: ("weight-step-forgotten", "The weights need a pass of their own."),
            3: ("unrolled-in-first-order", "First order takes no look-ahead step."),
        },
    ),
    Question(
        "passes_second_order",
        5,
        "List them: look ahead, validation at w', two for the finite difference, weight step.",
        {
            4: (
                "one-pass-forgotten",
                "One is missing: look ahead (train), validation at w', train at w+, train at w-, "
                "and the weight step.",
            ),
            3: ("finite-difference-forgotten", "The finite difference alone needs two passes."),
            2: ("like-first-order", "The unrolled gradient needs more passes than first order."),
            6: ("weight-step-counted-twice", "Count the weight step once."),
        },
    ),
)
PRICE_QUESTION = Question(
    "not_a_price",
    "e",
    "Four of the five are prices that DARTS pays; look for what it does not need.",
    {
        "a": ("memory-is-a-price", "It is one: with 8 operations on an edge, all 8 are in memory."),
        "b": ("gap-is-a-price", "It is one: the mixture is trained, but one operation is kept."),
        "c": ("collapse-is-a-price", "It is one, often seen in long searches."),
        "d": ("ranking-is-a-price", "It is one: shared weights rank cells differently."),
    },
    tuple("abcde"),
)
WHY_FAST_KEYS = (
    "search_factor",
    "whole_factor",
    "sharing_factor",
    "relaxation_buys",
    "sharing_buys",
    "numbers_per_step",
    "passes_first_order",
    "passes_second_order",
    "not_a_price",
)

WHY_FAST = Exercise(
    id="08.2",
    chapter="08_darts",
    title="Why DARTS is faster than reinforcement learning",
    answer="why_fast",
    minutes=15,
    difficulty=2,
    stages=(
        Stage("what it costs", 1, ask_questions("why_fast", WHY_FAST_KEYS, COST_QUESTIONS)),
        Stage("two savings", 1, ask_questions("why_fast", WHY_FAST_KEYS, SAVING_QUESTIONS)),
        Stage("one step", 1, ask_questions("why_fast", WHY_FAST_KEYS, STEP_QUESTIONS)),
        Stage("the price", 1, ask_questions("why_fast", WHY_FAST_KEYS, (PRICE_QUESTION,))),
    ),
    reasons=(
        "2000 / 4 = 500. With selection and final training it is 2000 / 6.5 = 308. A factor "
        "needs both numbers beside it.",
        "ENAS shares weights and keeps the RL controller: 2000 / 0.5 = 4000. So sharing alone "
        "explains the order of magnitude. (DARTS' 1.5 and 4 GPU days are for four runs of the "
        "search, ENAS' 0.5 for one.)",
        "The relaxation makes the loss differentiable in alpha: 2 x 14 x 8 = 224 derivatives "
        "from one backward pass, where a child gives one reward. Without sharing it would save "
        "nothing, since every mixture would have to be trained for itself.",
        "First order: one pass for alpha, one for w. Second order: look ahead, validation at "
        "w', two ends of a finite difference, weight step: 5.",
        "A controller is what ENAS and NASNet pay for. DARTS pays in memory, in the gap between "
        "mixture and cell, in collapse, and in a ranking by shared weights.",
    ),
)

EXERCISES = (THREE_PARTS, WHY_FAST)
