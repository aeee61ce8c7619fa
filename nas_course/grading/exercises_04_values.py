"""Check of exercise 04.1: what random search finds, and how many trainings a search takes."""

from __future__ import annotations

from nas_course.grading.exercise import Exercise, Stage
from nas_course.grading.questions import Question, ask_questions

CHAPTER = "04_random_and_evolution"

FINDS = (
    Question(
        "missed",
        0.98**50,
        "One draw misses with probability 0.98; all 50 of them must miss.",
        {
            1 - 0.98**50: ("found-not-missed", "This is the probability to find one of them."),
            0.0: ("chances-added", "50 times 2 % is no certainty: some draws find the same part."),
            1.0: ("chances-added", "50 times 2 % is no certainty: some draws find the same part."),
            0.98: ("one-draw-only", "This is the probability that one draw misses."),
            0.8**50: ("share-of-twenty", "The best 2 % are a share of 0.02, not of 0.2."),
        },
    ),
    Question(
        "draws",
        299,
        "0.99 to the power of n must be 0.05 or less; solve for n, and round up.",
        {
            298: ("rounded-down", "With 298 draws the probability is still just below 95 %."),
            95: ("chances-summed", "95 draws of 1 % do not add up: they find one in 62 %."),
            100: ("one-in-a-hundred", "With 100 draws the probability is 63 %."),
            6: ("sides-swapped", "This is log 0.95 over log 0.99: a 5 % chance to find one."),
            5: ("sides-swapped", "This is log 0.95 over log 0.99: a 5 % chance to find one."),
            459: ("one-per-cent-error", "This is for a probability of 99 %."),
        },
    ),
)
RANKS = (
    Question(
        "rank",
        10,
        "(N + 1) / (n + 1) with N = 999 and n = 99.",
        {
            9: ("number-of-better-ones", "So many are better; the rank is one more."),
            999 / 99: ("ones-forgotten", "One is added above and below: 1000 over 100."),
            500.0: ("rank-of-one-draw", "This is the mean rank of a single draw."),
            1.0: ("best-found", "The best of all is found with probability 99/999 only."),
            0.1: ("share-not-rank", "This is upside down."),
        },
    ),
    Question(
        "rank_twice",
        5,
        "(N + 1) / (n + 1) with N = 999 and n = 199.",
        {
            10.0: ("draws-do-not-help", "Twice the draws give half the rank."),
            20.0: ("rank-doubled", "More draws find better cells: a smaller rank."),
            999 / 199: ("ones-forgotten", "One is added above and below: 1000 over 200."),
            2.5: ("halved-twice", "Twice the draws halve the rank once."),
            4.0: ("number-of-better-ones", "So many are better; the rank is one more."),
            200.0: ("share-not-rank", "This is the number of draws, and one."),
        },
    ),
)
TRAININGS = (
    Question(
        "evolution",
        70,
        "The random start, and one training for each child.",
        {
            1000: ("population-times-generations", "A step trains one child, not 20 cells."),
            1020: ("population-times-generations", "A step trains one child, not 20 cells."),
            50: ("start-unpaid", "The 20 cells of the random start are trained too."),
            20: ("children-unpaid", "Each of the 50 children is trained too."),
            69: ("elite-in-aging-evolution", "Every child is new: nobody comes along for free."),
        },
    ),
    Question(
        "genetic",
        191,
        "20 at the start; then 9 generations of 19 children.",
        {
            200: ("elites-trained-again", "The best cell of each generation keeps its score."),
            190: ("elite-at-the-start", "The first generation is random: nobody came along."),
            171: ("start-unpaid", "The first generation is trained too."),
            210: ("one-generation-too-many", "The first generation is one of the 10."),
            220: ("one-generation-too-many", "The first is one of the 10, and elites are free."),
            29: ("one-child-a-generation", "A generation of this algorithm has 19 children."),
            30: ("one-child-a-generation", "A generation of this algorithm has 19 children."),
        },
    ),
)
COMPARED = (
    Question(
        "last_random",
        40,
        "Training 21 makes the first one die. One dies at each training from then on.",
        {
            20: ("birth-not-death", "At training 20 the random start is just complete."),
            21: ("first-not-last", "At training 21 the first of them dies."),
            39: ("one-too-early", "At training 39 the last of them still lives."),
            41: ("one-too-late", "At training 41 the first child dies."),
            70: ("never-dead", "With a queue of 20 nobody lives for more than 20 trainings."),
        },
    ),
    Question(
        "fair",
        "b",
        "The same number of trainings, and more than one draw of luck.",
        {
            "a": ("start-given-away", "Evolution has 70 trainings: the start counts."),
            "c": ("random-search-favoured", "Evolution has 70 trainings, not 1,000."),
            "d": ("one-seed-believed", "One run of each says who was lucky that time."),
        },
        ("a", "b", "c", "d"),
    ),
)
KEYS = tuple(question.key for question in (*FINDS, *RANKS, *TRAININGS, *COMPARED))

BILL = Exercise(
    id="04.1",
    chapter=CHAPTER,
    title="What to expect, what to pay",
    answer="bill",
    minutes=15,
    difficulty=2,
    stages=(
        Stage("two probabilities", 1, ask_questions("bill", KEYS, FINDS)),
        Stage("two ranks", 1, ask_questions("bill", KEYS, RANKS)),
        Stage("two bills", 1, ask_questions("bill", KEYS, TRAININGS)),
        Stage("who dies, what is fair", 1, ask_questions("bill", KEYS, COMPARED)),
    ),
    reasons=(
        "298 draws find one of the best 1 % with 94.996 %, 299 with 95.05 %, in any space.",
        "Ranks 10 and 5: twice the draws, half the rank. What that is worth in accuracy, only the "
        "space can tell.",
        "20 + 50 trainings, because one child is made at a time; 20 + 9 * 19, because elites keep "
        "their scores.",
        "After 40 trainings the queue holds children only. Fair means equal trainings and many "
        "seeds.",
    ),
)

EXERCISES = (BILL,)
