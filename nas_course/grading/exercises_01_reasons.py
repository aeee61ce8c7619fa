"""Checks of exercises 01.2, 01.5 and 01.8: two levels, equal budgets, claims about cost."""

from __future__ import annotations

from nas_course.grading.exercise import Exercise, Stage
from nas_course.grading.questions import Question, ask_questions

CHAPTER = "01_what_is_nas"

LEVELS = ("inner", "outer", "neither")
PARTS = ("train", "valid", "test")
LEVEL_HINT = "inner: what optimizer.step() changes. outer: what the strategy proposes."


def _level(key: str, answer: str, **wrong: str) -> Question:
    explained = {level: (f"{key}-{level}".replace("_", "-"), why) for level, why in wrong.items()}
    return Question(key, answer, LEVEL_HINT, explained, LEVELS)


NETWORK_LEVELS = (
    _level("first_layer_weights", "inner", outer="The search never sees single weights."),
    _level("output_bias", "inner", outer="A bias is a weight: training finds it."),
    _level("depth", "outer", inner="No gradient step adds a layer."),
    _level("activation", "outer", inner="Training cannot turn a ReLU into a tanh."),
)
TRAINING_LEVELS = (
    _level(
        "dropout",
        "outer",
        inner="Training does not learn its own dropout: it would choose none, which fits best.",
        neither="The space has four values for it, so the search chooses.",
    ),
    _level(
        "learning_rate",
        "outer",
        inner="The steps of training are made with it; they do not change it.",
        neither="The space has four values for it, so the search chooses.",
    ),
    _level(
        "seed",
        "neither",
        outer="Choosing the seed that validates best is choosing luck; it does not come along to "
        "new data.",
        inner="Training starts from it and cannot change it.",
    ),
    _level(
        "test_rows",
        "neither",
        outer="A test part that was chosen to look good measures nothing.",
        inner="Training must not know the test rows.",
    ),
)
LOSSES = (
    Question(
        "inner_loss",
        "train",
        "Weights are fitted on the data that are named after it.",
        {
            "valid": ("inner-on-valid", "Then no data are left that the weights have not seen."),
            "test": ("inner-on-test", "Weights fitted on the test part make it useless."),
        },
        PARTS,
    ),
    Question(
        "outer_loss",
        "valid",
        "Designs are compared on rows that fitted no weight, and that are not the final ones.",
        {
            "train": ("outer-on-train", "That rewards designs that memorise their training rows."),
            "test": ("outer-on-test", "Then the reported number was used to choose: it flatters."),
        },
        PARTS,
    ),
    Question(
        "kind",
        "c",
        "Which of the six choices could you see in a drawing of the finished network?",
        {
            "a": ("called-nas-only", "Half of the choices say how to train, not what to build."),
            "b": ("called-hpo-only", "Depth, width and activation are the network itself."),
            "d": ("called-weight-sharing", "Every design is trained by itself in this space."),
        },
        ("a", "b", "c", "d"),
    ),
    Question(
        "one_level",
        "b",
        "Think of choosing the strength of weight decay on the training loss.",
        {
            "a": ("levels-equal", "The training loss is lower, and by more for designs that fit."),
            "c": ("one-level-slower", "It costs the same; it answers another question."),
            "d": ("one-level-random", "It follows a clear aim, only the wrong one."),
        },
        ("a", "b", "c", "d"),
    ),
)
LEVEL_KEYS = tuple(q.key for q in (*NETWORK_LEVELS, *TRAINING_LEVELS, *LOSSES))

WHICH_LEVEL = Exercise(
    id="01.2",
    chapter=CHAPTER,
    title="Which level decides?",
    answer="levels",
    minutes=10,
    difficulty=2,
    stages=(
        Stage("the network", 1, ask_questions("levels", LEVEL_KEYS, NETWORK_LEVELS)),
        Stage("training and chance", 1, ask_questions("levels", LEVEL_KEYS, TRAINING_LEVELS)),
        Stage("losses, kind, one level", 2, ask_questions("levels", LEVEL_KEYS, LOSSES)),
    ),
    reasons=(
        "Inner: what a gradient step of training changes. Outer: what another design would change.",
        "Seed and test rows belong to the experiment. A level that may choose them chooses luck.",
        "Learning rate, optimizer and dropout leave no trace in the network that is built: to "
        "search them is hyperparameter optimization, done here together with NAS.",
    ),
)

EPOCHS = (
    Question(
        "evolution",
        500,
        "Trainings per generation, times generations, times epochs of a training.",
        {
            50: ("evaluations-not-epochs", "50 is the number of trainings; each has 10 epochs."),
            100: ("one-generation", "This is one generation. There are 5."),
            300: (
                "elites-not-trained-anew",
                "10 + 4 * 5 trainings leave the elites out; here every member is trained anew.",
            ),
        },
    ),
    Question(
        "reinforcement",
        50,
        "One training per episode.",
        {
            5: ("episodes-not-epochs", "5 is the number of episodes; each trains for 10 epochs."),
            500: ("population-in-rl", "An episode trains one design, not ten."),
        },
    ),
    Question(
        "gradient",
        100,
        "The search and the training of its choice.",
        {
            50: ("retraining-forgotten", "The chosen network is trained for 50 epochs as well."),
            60: ("retrained-for-ten", "The article trains its choice for 50 epochs, not for 10."),
        },
    ),
)
EQUALISED = (
    Question(
        "random_draws",
        50,
        "The budget of evolution over the epochs of one training.",
        {
            500: ("epochs-as-draws", "500 is the budget in epochs; a draw takes 10 of them."),
            5: ("budget-of-rl", "This is the budget of reinforcement learning."),
            10: ("one-population", "This is one population's worth of draws."),
        },
    ),
    Question(
        "episodes",
        50,
        "The budget of evolution over the epochs of one episode.",
        {
            500: ("epochs-as-episodes", "500 is the budget in epochs; an episode takes 10."),
            10: ("episodes-ratio", "10 is how many times more evolution had; there were 5."),
        },
    ),
    Question(
        "mixed_epochs",
        490,
        "What is left when the final training, 10 epochs, is paid for.",
        {
            500: (
                "final-training-unpaid",
                "The final training is to be paid from the budget.",
            ),
            450: ("final-training-of-fifty", "Its choice is to be trained for 10 epochs, not 50."),
            50: ("old-budget", "This is what the article gave it."),
            400: ("old-cost-deducted", "Only the 10 epochs of the final training are deducted."),
        },
    ),
    Question(
        "conclusion",
        "c",
        "Would 50 random draws have done what evolution did? Nobody tried.",
        {
            "a": ("unequal-budget-believed", "Evolution had 10 times the trainings of RL."),
            "b": ("half-believed", "That comparison has the most unequal budgets of all."),
            "d": ("crossover-blamed", "Crossover is a part of the strategy; it is not unfair."),
        },
        ("a", "b", "c", "d"),
    ),
)
BUDGET_KEYS = tuple(question.key for question in (*EPOCHS, *EQUALISED))

EQUAL_BUDGETS = Exercise(
    id="01.5",
    chapter=CHAPTER,
    title="Equal budgets",
    answer="budgets",
    minutes=10,
    difficulty=2,
    stages=(
        Stage("what was spent", 2, ask_questions("budgets", BUDGET_KEYS, EPOCHS)),
        Stage("what would be fair", 2, ask_questions("budgets", BUDGET_KEYS, EQUALISED)),
    ),
    reasons=(
        "500, 50 and 100 epochs: ten to one between evolution and reinforcement learning.",
        "The smallest of 50 draws of a noisy number lies below the smallest of 5 most of the time, "
        "whoever draws. A fair table has a row with 50 random draws.",
    ),
)

CLAIMS = (
    Question(
        "smallest",
        450.0,
        "Above the cheapest RL search without sharing, below the dearest DARTS.",
        {
            500: ("larger-of-both-figures", "1,800 and 2,000 are both in print; 1,800 is smaller."),
            1200: ("divided-by-first-order", "1.5 is the cheaper DARTS; the dearer is below."),
            0.125: ("enas-above", "ENAS shares weights; it is not meant here."),
            787.5: ("evolution-above", "3,150 is an evolutionary search."),
            1 / 450: ("upside-down", "This is DARTS over RL: the inverse."),
        },
    ),
    Question(
        "largest",
        22400 / 1.5,
        "Above the dearest RL search, below the cheapest DARTS.",
        {
            5600: ("second-order-below", "4 is the dearer DARTS; take the cheaper one below."),
            2000 / 1.5: ("nasnet-above", "There is a dearer RL search in the table."),
            3150 / 1.5: ("evolution-for-largest", "3,150 is an evolutionary search."),
            44800: ("enas-below", "22,400 / 0.5 compares two RL searches; DARTS stands below."),
        },
    ),
    Question(
        "evolution_smallest",
        787.5,
        "AmoebaNet above, the dearer DARTS below.",
        {
            2100: ("evolution-first-order", "1.5 is the cheaper DARTS; the smallest ratio has 4."),
            450: ("rl-for-evolution", "1,800 GPU days is an RL search."),
        },
    ),
)
CLAIMED_CAUSES = (
    Question(
        "same_trick",
        "enas",
        "Which column of the chapter's table says how a candidate gets its score?",
        {
            "nasnet": ("nasnet-shares-nothing", "NASNet trained each candidate by itself."),
            "zoph-le": ("zoph-le-share-nothing", "12,800 candidates were trained by themselves."),
        },
        ("zoph-le", "nasnet", "enas"),
    ),
    Question(
        "enas_ratio",
        1 / 3,
        "Its 0.5 GPU days over the 1.5 of first-order DARTS.",
        {
            3: ("ratio-turned", "This is DARTS over ENAS."),
            0.125: ("second-order-taken", "4 GPU days is second-order DARTS."),
        },
    ),
    Question(
        "inverted_bottleneck",
        "b",
        "Compare the dates of the two papers.",
        {
            "a": ("reversed-history", "MobileNetV2 is half a year older than MnasNet."),
            "c": ("not-evolution", "AmoebaNet's space holds other operations."),
            "d": ("not-from-theory", "No equation proposes a block; people do."),
        },
        ("a", "b", "c", "d"),
    ),
)
CLAIM_KEYS = tuple(question.key for question in (*CLAIMS, *CLAIMED_CAUSES))

READ_CLAIMS = Exercise(
    id="01.8",
    chapter=CHAPTER,
    title="Claims, with numerator and denominator",
    answer="claims",
    minutes=10,
    difficulty=2,
    stages=(
        Stage("three ratios", 2, ask_questions("claims", CLAIM_KEYS, CLAIMS)),
        Stage("causes", 1, ask_questions("claims", CLAIM_KEYS, CLAIMED_CAUSES)),
    ),
    reasons=(
        "From 450 (1,800 / 4) to 14,933 (22,400 / 1.5): a factor without its two numbers says "
        "little. With evolution above it begins at 787.5.",
        "ENAS is RL with shared weights, and it is cheaper than DARTS: sharing makes the factor.",
        "Spaces hold what their authors knew: the searched MnasNet was built from a block that "
        "people had drawn for MobileNetV2.",
    ),
)

EXERCISES = (WHICH_LEVEL, EQUAL_BUDGETS, READ_CLAIMS)
