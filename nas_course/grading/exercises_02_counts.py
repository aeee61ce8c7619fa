"""Checks of exercise 02.1: three counts of one cell space, and what each of them counts."""

from __future__ import annotations

from nas_course.grading.exercise import Exercise, Stage
from nas_course.grading.questions import Question, ask_questions

CHAPTER = "02_search_spaces"
LETTERS = ("a", "b", "c", "d")

SMALL_CELL = (
    Question(
        "edges",
        5,
        "Node 2 can read 0 and 1, node 3 can read 0, 1 and 2.",
        {
            6: ("inputs-joined", "The two inputs of the cell are not joined to each other."),
            4: ("kept-edges-only", "4 edges are kept in the end; asked for are all there can be."),
            1: ("inputs-not-counted", "The two inputs of the cell send edges too."),
            3: ("last-node-only", "These are the edges into the last node."),
        },
    ),
    Question(
        "all_edges",
        243,
        "One choice of three for each of the five edges: independent choices multiply.",
        {
            125: ("base-and-exponent-swapped", "This is edges ** operations."),
            15: ("choices-added", "This is edges * operations; independent choices multiply."),
            32: ("none-left-out", "On an edge that may be `none` there are three options."),
            81: ("four-edges", "This is 3 ** 4; there are five edges."),
            729: ("six-edges", "This is 3 ** 6; there are five edges."),
        },
    ),
    Question(
        "with_repetition",
        2916,
        "Each input has predecessors * operations options, each node two inputs, and nodes "
        "multiply.",
        {
            54: ("one-input-a-node", "This is 6 * 9: one input for each node, and there are two."),
            117: ("nodes-added", "The nodes were added. Their choices are independent."),
            576: ("none-left-out-of-pairs", "`none` can be drawn too: three operations."),
            972: ("drawn-without-repetition", "Here a node may read one predecessor twice."),
            36: ("operations-forgotten", "These are the predecessors only."),
            81: ("predecessors-forgotten", "These are the operations only."),
            1296: ("same-predecessors-everywhere", "The second node has 3 predecessors, not 2."),
        },
    ),
    Question(
        "distinct",
        48,
        "C(2, 2) * C(3, 2) ways to choose the inputs, then 2 operations for each of 4 inputs.",
        {
            243: ("none-selectable", "`none` was counted as an option; here it cannot be chosen."),
            192: ("ordered-predecessors", "(0, 1) and (1, 0) were counted as two."),
            576: ("repeated-predecessors", "The two predecessors of a node have to differ."),
            288: ("repeated-predecessors", "The two predecessors of a node have to differ."),
            16: ("topologies-forgotten", "Which predecessors a node reads is a choice as well."),
            3: ("operations-left-out", "Each of the four inputs has an operation of its own."),
            12: ("one-operation-a-node", "A node has two inputs, each with its own operation."),
            64: ("topologies-added", "The choices of the two nodes multiply: 1 * 3, not 1 + 3."),
        },
    ),
)
MEANING = (
    Question(
        "written",
        4,
        "Each node can be written in two orders.",
        {
            2: ("one-node-turned", "Either node can be turned round, and both."),
            1: ("order-believed", "A sum does not change when its terms change places."),
            8: ("too-many-orders", "Two terms have two orders; there are two nodes."),
            16: ("too-many-orders", "Two terms have two orders; there are two nodes."),
            60.75: ("counts-divided", "2916 / 48 mixes three differences, the order is only one."),
        },
    ),
    Question(
        "repeats",
        0.8,
        "First the probability that no node does: (1 - 1/2) (1 - 1/3) (1 - 1/4) (1 - 1/5).",
        {
            0.2: ("complement-taken", "This is the share of cells without any such node."),
            77 / 60: ("probabilities-added", "A probability above 1: the cases overlap."),
            1 / 120: ("all-nodes-repeat", "This is the share in which every node does it."),
            0.5: ("first-node-only", "This is the first node only."),
            2 / 3: ("two-nodes-only", "This is the small cell with two nodes; here are four."),
            77 / 240: ("mean-over-nodes", "This is the mean share of nodes; cells are asked for."),
        },
    ),
    Question(
        "formula",
        241_591_910_400,
        "math.prod((n * 8) ** 2 for n in (2, 3, 4, 5)): let the computer do it.",
        {
            17_179_869_184: ("print-believed", "This is 2 ** 34, which the formula never gives."),
            491_520: ("not-squared", "Each node has two inputs: square."),
            8**14: ("other-count", "This is the count with all edges kept."),
            8**8 * 180: ("other-count", "This is a count with two different predecessors."),
            7**8 * 180: ("other-count", "This is the count of cells that DARTS can derive."),
        },
    ),
    Question(
        "all_edges_meaning",
        "b",
        "Which edges does DARTS keep in the end?",
        {
            "a": ("pairs-of-cells", "A pair of cells would be the square of a count of cells."),
            "c": ("derived-cells", "A derived cell keeps 8 of the 14 edges, and never `none`."),
            "d": ("trained-networks", "A search trains one network with all operations."),
        },
        LETTERS,
    ),
)
KEYS = tuple(question.key for question in (*SMALL_CELL, *MEANING))

THREE_COUNTS = Exercise(
    id="02.1",
    chapter=CHAPTER,
    title="Three counts of one space",
    answer="counts",
    minutes=15,
    difficulty=1,
    stages=(
        Stage("a small cell", 2, ask_questions("counts", KEYS, SMALL_CELL)),
        Stage("what they count", 2, ask_questions("counts", KEYS, MEANING)),
    ),
    reasons=(
        "3**5 = 243 keeps every edge; (2*3)**2 * (3*3)**2 = 2916 counts texts; "
        "C(2,2) * C(3,2) * 2**4 = 48 counts choices of two different predecessors.",
        "Of 2916 texts many are one cell, and many have a node that adds one input to itself.",
        "For 4 nodes the product (1/2)(2/3)(3/4)(4/5) telescopes to 1/5: 80 % of the draws have a "
        "node that reads one predecessor twice.",
    ),
)

EXERCISES = (THREE_COUNTS,)
