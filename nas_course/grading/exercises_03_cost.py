"""Check of exercise 03.1: by what factor proxies make a training cheaper."""

from __future__ import annotations

from nas_course.grading.exercise import Exercise, Stage
from nas_course.grading.questions import Question, ask_questions

CHANNELS = 16  # a quarter of the channels on both sides of a dense convolution
COMBINED = CHANNELS * 4 * 10 * 8
WHOLE = 1 / (0.9 / CHANNELS + 0.1 / 4)

PARTS = (
    Question(
        "channels",
        CHANNELS,
        "How often do channels stand in k² · C_in · C_out · H · W?",
        {
            4: (
                "channels-once",
                "Input and output channels are both a quarter; 4 counts only one of them.",
            ),
            8: ("channels-doubled", "A quarter in two places is 4 times 4, not 4 plus 4."),
            64: ("channels-cubed", "Channels stand in two places of the formula, not in three."),
            256: ("channels-too-often", "Channels stand in two places of the formula."),
        },
    ),
    Question(
        "depthwise",
        4,
        "Read the formula of the depthwise convolution: k² · C · H · W.",
        {
            16: (
                "depthwise-as-dense",
                "A depthwise convolution filters each channel by itself: C stands there once.",
            ),
            1: ("depthwise-for-free", "There are a quarter as many channels to filter."),
        },
    ),
    Question(
        "first_layer",
        4,
        "Which of C_in and C_out can be changed, if the image has three colours?",
        {
            16: ("colours-quartered", "The image keeps its 3 colours: only C_out is a quarter."),
            1: ("first-layer-unchanged", "Its output channels are a quarter as many."),
        },
    ),
    Question(
        "side",
        4,
        "How many pixels has an image of 16 x 16, how many one of 32 x 32?",
        {
            2: ("one-side-only", "Height and width are both half."),
            8: ("side-cubed", "An image has two sides, not three."),
            16: ("side-twice-squared", "Half the side is a quarter of the pixels."),
        },
    ),
    Question(
        "images",
        10,
        "Cost is epochs x images x multiply-adds; which of them changed?",
        {
            1: ("epoch-thought-constant", "An epoch goes once through the images: a tenth now."),
            0.1: ("cost-not-factor", "This is what is left of the cost; ask how many times less."),
            100: ("images-squared", "The images stand in the cost once."),
        },
    ),
    Question(
        "same_steps",
        1,
        "How many images pass through the network in so many steps?",
        {
            10: (
                "steps-not-seen",
                "Ten times as many epochs of a tenth of the images: the same number of images "
                "passes through the network.",
            ),
            0.1: (
                "steps-ten-times",
                "There are ten times more epochs, but each is ten times less.",
            ),
        },
    ),
    Question(
        "epochs",
        8,
        "200 over 25.",
        {
            0.125: (
                "cost-not-factor",
                "This is what is left of the cost; ask how many times less.",
            ),
            175: ("epochs-subtracted", "175 epochs are saved; the question is about the factor."),
            64: ("epochs-squared", "The epochs stand in the cost once."),
        },
    ),
)
TOGETHER = (
    Question(
        "combined",
        COMBINED,
        "Epochs, images, channels and side are different factors of one product.",
        {
            38: ("factors-added", "The factors 16, 4, 10 and 8 were added. They multiply."),
            COMBINED // 4: ("channels-once", "A quarter of the channels saves 16, not 4."),
            COMBINED // 2: ("one-side-only", "Half the side saves 4, not 2."),
            COMBINED // 10: ("images-forgotten", "A tenth of the images saves 10 more."),
            COMBINED // 8: ("epochs-forgotten", "25 epochs instead of 200 save 8 more."),
            16: ("largest-factor-only", "This is one of four savings; they multiply."),
            1 / COMBINED: ("cost-not-factor", "This is what is left of the cost: turn it round."),
        },
    ),
    Question(
        "whole_network",
        WHOLE,
        "What is left: 0.9 over one factor, plus 0.1 over the other. Then turn it round.",
        {
            16: ("first-layer-as-dense", "10 % of the cost falls to a quarter only."),
            0.9 * 16 + 0.1 * 4: (
                "factors-averaged",
                "The factors were averaged. But costs add up, not factors.",
            ),
            10: ("factors-averaged", "The factors were averaged. But costs add up, not factors."),
            1 / (0.9 / 16 + 0.1): (
                "first-layer-unchanged",
                "The first convolution gets cheaper too, by its output channels.",
            ),
            1 / (0.1 / 16 + 0.9 / 4): ("shares-swapped", "90 % are dense, 10 % read colours."),
            1 / WHOLE: ("cost-not-factor", "This is what is left of the cost: turn it round."),
        },
    ),
    Question(
        "parameters",
        1,
        "Count the numbers in a kernel of 3 x 3 from 64 channels to 64.",
        {
            4: (
                "weights-per-pixel",
                "The same kernel is used at every place of the image, so its size does not "
                "depend on the image.",
            ),
            2: (
                "weights-per-pixel",
                "The same kernel is used at every place of the image, so its size does not "
                "depend on the image.",
            ),
        },
    ),
    Question(
        "choice",
        "c",
        "What would a search with each of them find for the same money?",
        {
            "a": (
                "cheapest-is-best",
                "A ranking hardly better than a random one stays so, however many it ranks.",
            ),
            "b": (
                "tau-is-all",
                "Tau over all networks may come from telling the bad ones apart, and B can look "
                "at 500 times fewer.",
            ),
            "d": ("perfection-asked", "The full training does not rank perfectly either: seeds."),
        },
        ("a", "b", "c", "d"),
    ),
)
KEYS = tuple(question.key for question in (*PARTS, *TOGETHER))

WHAT_A_PROXY_SAVES = Exercise(
    id="03.1",
    chapter="03_performance_estimation",
    title="What a proxy saves",
    answer="savings",
    minutes=15,
    difficulty=2,
    stages=(
        Stage("one at a time", 2, ask_questions("savings", KEYS, PARTS)),
        Stage("together", 2, ask_questions("savings", KEYS, TOGETHER)),
    ),
    reasons=(
        "Channels stand in k² · C_in · C_out · H · W twice: 4 · 4 = 16. Where they stand once, in "
        "a depthwise convolution or behind the three colours of an image, a quarter saves 4.",
        "Half the side is a quarter of the pixels. It leaves the weights as they are.",
        "Together 16 · 4 · 10 · 8 = 5,120. For the whole network costs add up: 0.9/16 + 0.1/4 = "
        "0.081 is left, so it is 12.3 times cheaper, not 16.",
        "A proxy is judged by what a funnel finds with it at equal cost; tau over all networks is "
        "only a first look.",
    ),
)

EXERCISES = (WHAT_A_PROXY_SAVES,)
