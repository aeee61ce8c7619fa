# %% [markdown]
# # 02 Search spaces: exercises
#
# Six exercises for chapter 02, 28 points, a little under two hours in all. The first three go in
# any order; 02.4 helps with 02.6.
#
# | | exercise | difficulty | minutes | points | importance |
# | --- | --- | --- | --- | --- | --- |
# | 02.1 | Three counts of one space | ●○○○○ | 15 | 4 | ●●● |
# | 02.2 | What a convolution costs | ●●○○○ | 15 | 4 | ●●○ |
# | 02.3 | Where the picture shrinks | ●●○○○ | 15 | 4 | ●●○ |
# | 02.4 | All neighbours of a cell | ●●●○○ | 20 | 5 | ●●● |
# | 02.5 | One cell, one key | ●●●○○ | 25 | 6 | ●●● |
# | 02.6 | A mutation that looks right | ●●●○○ | 20 | 5 | ●●● |
#
# **How it works.** Replace each `...` by your answer and run the cell below it. The check goes from
# easy to hard, stops at the first thing that is not right, and says what it gave your code, what
# came back and what it expected. Points of earlier stages stay yours. Hints open one by one; the
# last one is the plan of the solution. Model answers stand in `solutions/02_search_spaces.ipynb`.

# %%
import math

import numpy as np

from nas_course.grading import check

# %% [markdown]
# ---
# ## 02.1 Three counts of one space
#
# *Difficulty ●○○○○ · 15 minutes · 4 points · importance ●●●*
#
# "How large is the space?" has as many answers as there are ways to describe a cell. Take a small
# one: two inputs, numbered 0 and 1, and two nodes, 2 and 3. Node 2 can read 0 and 1; node 3 can
# read 0, 1 and 2. There are three operations: `none`, `skip` and `conv`. A node adds what it reads.
#
# - `edges`: how many edges can there be?
# - `all_edges`: every edge is kept and has one of the three operations. How many cells?
# - `with_repetition`: each node has a first and a second input, and each of these is a predecessor
#   and an operation, drawn independently: the same one may be drawn twice. How many descriptions?
# - `distinct`: each node reads **two different** predecessors, without order, each through an
#   operation other than `none`. How many cells? (This is how DARTS derives a cell.)
#
# And what the counts count:
#
# - `written`: take a cell both nodes of which read two different predecessors. How many of the
#   descriptions of `with_repetition` are this one cell?
# - `repeats`: now **four** nodes, 2 to 5, so that node $n$ has $n$ predecessors. Both of its inputs
#   are drawn as in `with_repetition`, every predecessor equally likely. What share of the cells
#   has at least one node that reads the same predecessor twice?
# - `formula`: a lesson counts this four-node space with 8 operations as $\prod_{n=2}^{5}(8n)^2$ and
#   prints 17,179,869,184. What does the formula give?
# - `all_edges_meaning`: the same lesson estimates the space of DARTS as $8^{14}$. What is that?
#   - **a** the number of pairs of a normal and a reduction cell
#   - **b** the number of cells in which each of the 14 edges is kept, with one of 8 operations,
#     `none` among them
#   - **c** the number of cells that DARTS can derive
#   - **d** the number of networks that a search trains
#
# <details><summary>Hint 1: independent choices</summary>
# Choices that do not depend on each other multiply. Count the options of one input, of one node, of
# the cell.
# </details>
# <details><summary>Hint 2: two different ones</summary>
# <code>math.comb(n, 2)</code> counts them without order.
# </details>
# <details><summary>Hint 3: plan for the share</summary>
# Node n reads two different predecessors with probability 1 - 1/n. Multiply over the four nodes:
# that is the share without any repetition.
# </details>

# %% nbgrader={"grade_id": "ex-02-1-answer", "solution": true}
counts = {
    # numbers (3**2 is as good as 9), and a letter for the last
    "edges": (
        ### BEGIN SOLUTION
        2 + 3
        ### END SOLUTION
    ),
    "all_edges": (
        ### BEGIN SOLUTION
        3**5
        ### END SOLUTION
    ),
    "with_repetition": (
        ### BEGIN SOLUTION
        (2 * 3) ** 2 * (3 * 3) ** 2
        ### END SOLUTION
    ),
    "distinct": (
        ### BEGIN SOLUTION
        math.comb(2, 2) * math.comb(3, 2) * 2**4
        ### END SOLUTION
    ),
    "written": (
        ### BEGIN SOLUTION
        2 * 2
        ### END SOLUTION
    ),
    "repeats": (
        ### BEGIN SOLUTION
        1 - math.prod(1 - 1 / n for n in (2, 3, 4, 5))
        ### END SOLUTION
    ),
    "formula": (
        ### BEGIN SOLUTION
        math.prod((8 * n) ** 2 for n in (2, 3, 4, 5))
        ### END SOLUTION
    ),
    "all_edges_meaning": (
        ### BEGIN SOLUTION
        "b"
        ### END SOLUTION
    ),
}

# %% nbgrader={"grade_id": "ex-02-1-check", "grade": true, "points": 4}
check("02.1", counts)

# %% [markdown]
# **What to take away.** A size is worth as much as the sentence that says what was counted. And a
# sampler draws from what it describes: descriptions with repetition are a space in which most
# cells waste an input.
#
# ---
# ## 02.2 What a convolution costs
#
# *Difficulty ●●○○○ · 15 minutes · 4 points · importance ●●○*
#
# Count the parameters of three operations that lead from $C_{in}$ to $C_{out}$ channels with a
# kernel of $K\times K$ (Liu et al., "DARTS", section 3.1; the order is ReLU, convolution,
# normalisation). No convolution has a bias.
#
# - `"convolution"`: $K\times K$ from $C_{in}$ to $C_{out}$; normalisation.
# - `"separable"`: depthwise $K\times K$; $1\times1$ from $C_{in}$ to $C_{in}$; normalisation. Then
#   once more: depthwise $K\times K$; $1\times1$ from $C_{in}$ to $C_{out}$; normalisation.
# - `"dilated"`: depthwise $K\times K$ with dilation 2; $1\times1$ from $C_{in}$ to $C_{out}$;
#   normalisation.
#
# A *depthwise* convolution has one filter for each channel and mixes none. With `affine`, the
# normalisation learns a scale and a shift for each channel; without, as in a supernet, nothing.
# Return a dict with the three counts.
#
# <details><summary>Hint 1: an ordinary convolution</summary>
# Each of the C_out outputs looks at K × K places in each of the C_in inputs.
# </details>
# <details><summary>Hint 2: dilation</summary>
# It spreads the same K × K weights over a larger field.
# </details>
# <details><summary>Hint 3: plan</summary>
# depthwise = C_in K²; a 1 × 1 convolution from A to B channels has A B weights; a normalisation of
# B channels has 2 B parameters if affine, else 0. Add what stands in each line of the list.
# </details>


# %% nbgrader={"grade_id": "ex-02-2-answer", "solution": true}
def parameters(channels_in, channels_out, kernel, affine):
    """Return {"convolution": ..., "separable": ..., "dilated": ...}."""
    # Hint: what does one depthwise convolution have?
    ### BEGIN SOLUTION
    depthwise = channels_in * kernel**2
    per_channel = 2 * affine
    last = channels_in * channels_out + per_channel * channels_out
    return {
        "convolution": depthwise * channels_out + per_channel * channels_out,
        "separable": depthwise + channels_in**2 + per_channel * channels_in + depthwise + last,
        "dilated": depthwise + last,
    }
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-02-2-check", "grade": true, "points": 4}
check("02.2", parameters)

# %% [markdown]
# **What to take away.** With 16 channels and a 3 × 3 kernel an ordinary convolution has 2,304
# weights, the separable one, applied twice, 800, and the dilated one 400 for a field of 5 × 5.
# A search that is told nothing about cost does not see this difference.
#
# ---
# ## 02.3 Where the picture shrinks
#
# *Difficulty ●●○○○ · 15 minutes · 4 points · importance ●●○*
#
# A DARTS network is a chain of `layers` cells, numbered from 0. The cells $\lfloor L/3\rfloor$ and
# $\lfloor 2L/3\rfloor$ are reduction cells (section 3.1): their own output already has half the
# side and twice the channels. Every other cell keeps both. The first cell works with `channels`
# channels on pictures of side `side`, and the output of a cell is the outputs of all its `nodes`
# nodes one after the other, so it has `nodes` times the channels of the cell. Return a dict
#
# - `"reductions"`: the numbers of the reduction cells;
# - `"shapes"`: for each cell, in order, the pair (channels, side) of its output.
#
# Sides are divisible by 4. Networks of one or two cells are allowed.
#
# <details><summary>Hint 1: eight cells</summary>
# N N R N N R N N: the reductions are the cells 2 and 5.
# </details>
# <details><summary>Hint 2: one cell</summary>
# Both formulas give 0: that is one reduction, not two. A set holds it once.
# </details>
# <details><summary>Hint 3: plan</summary>
# Go through the cells. If the cell is in the set: channels times 2, side // 2. Then note
# (nodes * channels, side).
# </details>


# %% nbgrader={"grade_id": "ex-02-3-answer", "solution": true}
def skeleton(layers, channels, side, nodes):
    """Return {"reductions": ..., "shapes": ...}."""
    # Hint: first reduce, then write down.
    ### BEGIN SOLUTION
    reductions = {layers // 3, 2 * layers // 3}
    shapes = []
    for cell in range(layers):
        if cell in reductions:
            channels, side = 2 * channels, side // 2
        shapes.append((nodes * channels, side))
    return {"reductions": reductions, "shapes": shapes}
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-02-3-check", "grade": true, "points": 4}
check("02.3", skeleton)

# %% [markdown]
# **What to take away.** The macro structure is a decision of the authors, not of the search: depth,
# the two reductions and the doubling stay fixed while the cell is searched.
#
# ---
# ## 02.4 All neighbours of a cell
#
# *Difficulty ●●●○○ · 20 minutes · 5 points · importance ●●●*
#
# A cell is a tuple of nodes, a node is two inputs, an input is a pair (operation, predecessor):
#
# ```python
# cell = (
#     ((1, 0), (0, 1)),  # node 2
#     ((0, 0), (1, 2)),  # node 3
# )
# ```
#
# Node 2 is operation 1 of input 0 plus operation 0 of input 1; node 3 is operation 0 of input 0
# plus operation 1 of node 2.
#
# The node at position `i` has the number `i + 2`; it reads two **different** predecessors among 0
# to `i + 1`, and the smaller one stands first. Operations are numbered from 0 to `operations - 1`;
# all of them may be chosen.
#
# Return a list of all cells that differ from `cell` in **one choice**: one operation, or one
# predecessor. An input that moves takes its operation along. Each neighbour once; the cell itself
# is not among them.
#
# <details><summary>Hint 1: how many?</summary>
# An input at position i can take operations - 1 other operations and move to i other predecessors.
# A cell of four nodes and seven operations has 2 (6 + 7 + 8 + 9) = 60 neighbours.
# </details>
# <details><summary>Hint 2: order</summary>
# <code>sorted(inputs, key=lambda pair: pair[1])</code> sorts pairs by predecessor, operations come
# along.
# </details>
# <details><summary>Hint 3: plan</summary>
# For each position and each of the two slots: collect the pairs that can stand there (another
# operation with the same predecessor; the same operation with a predecessor that neither input
# reads). For each of them build the node of this pair and the other input, sort it, and put it in
# place of the old node.
# </details>


# %% nbgrader={"grade_id": "ex-02-4-answer", "solution": true}
def neighbors(cell, operations):
    """Return the list of all cells that differ in one operation or one predecessor."""
    # Hint: which pairs (operation, predecessor) can stand in this slot?
    ### BEGIN SOLUTION
    found = []
    for position, node in enumerate(cell):
        for slot in range(2):
            (operation, source), kept = node[slot], node[1 - slot]
            free = set(range(position + 2)) - {source, kept[1]}
            pairs = [(other, source) for other in range(operations) if other != operation]
            pairs += [(operation, other) for other in free]
            for pair in pairs:
                changed = tuple(sorted((pair, kept), key=lambda each: each[1]))
                found.append((*cell[:position], changed, *cell[position + 1 :]))
    return found
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-02-4-check", "grade": true, "points": 5}
check("02.4", neighbors)

# %% [markdown]
# **What to take away.** Neighbours make a space a landscape: local search walks over them, and a
# mutation is one of them, drawn at random. What counts as one choice is a decision too: if a pair
# of predecessors were one choice, the neighbourhood would be larger.
#
# ---
# ## 02.5 One cell, one key
#
# *Difficulty ●●●○○ · 25 minutes · 6 points · importance ●●●*
#
# A NAS-Bench-201 cell has four nodes, 0 (input) to 3 (output), and an operation on each of its six
# edges. Here it is a tuple of six numbers, for the edges 0-1, 0-2, 1-2, 0-3, 1-3, 2-3, which index
# `NAMES` below. There are $5^6$ = 15,625 tuples; but some cells differ in nothing that matters.
# The benchmark (Dong and Yang, ICLR 2020) counts 6,466, by writing each node as a **text**:
#
# - Node 0 is `0`. Any other node is the sum of its incoming edges: their terms, **sorted as
#   texts**, joined with `+`. There are no brackets round a sum.
# - The term of an edge is
#   - `#` if the operation is `none`, or if the text of its source is `#`, exactly that;
#   - the text of its source, as it is, if the operation is `skip_connect`;
#   - `(` text of the source `)@` name of the operation otherwise.
#
# The text of node 3 is the key. For example `(3, 0, 0, 1, 0, 2)`: node 1 is `(0)@nor_conv_3x3`,
# node 2 is `#+#`, and node 3 is `#+(#+#)@nor_conv_1x1+0`. Return the key, so that two cells have
# equal keys exactly when the benchmark says that they are one.
#
# <details><summary>Hint 1: order of the edges</summary>
# First all edges into node 1, then all into node 2, then all into node 3, each time by source. So
# node n takes the next n numbers.
# </details>
# <details><summary>Hint 2: test yourself</summary>
# <code>len({key(cell) for cell in itertools.product(range(5), repeat=6)})</code> is to be 6466.
# </details>
# <details><summary>Hint 3: plan</summary>
# texts = ["0"]. For node 1, 2, 3: for each source below it take the next operation, write the term
# from texts[source], collect; append "+".join(sorted(terms)) to texts. Return texts[3].
# </details>

# %%
NAMES = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")


# %% nbgrader={"grade_id": "ex-02-5-answer", "solution": true}
def key(operations):
    """Return the benchmark's text of a cell, given as six indices of NAMES."""
    # Hint: keep the texts of the nodes in a list, and let each node use those before it.
    ### BEGIN SOLUTION
    texts, remaining = ["0"], iter(operations)
    for node in (1, 2, 3):
        terms = []
        for source in texts[:node]:
            name = NAMES[next(remaining)]
            if name == "none" or source == "#":
                terms.append("#")
            elif name == "skip_connect":
                terms.append(source)
            else:
                terms.append(f"({source})@{name}")
        texts.append("+".join(sorted(terms)))
    return texts[3]
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-02-5-check", "grade": true, "points": 6}
check("02.5", key)

# %% [markdown]
# **What to take away.** "The same cell" is a definition. The benchmark's is a convention: it keeps
# `#` in sums, and a sum that a skip connection passes on loses its border, so that the alphabet
# decides what runs together: with numbers in place of names there are 6,466 classes again, but
# partly others. `spaces.NASBench201Space().canonical` writes the same texts.
#
# ---
# ## 02.6 A mutation that looks right
#
# *Difficulty ●●●○○ · 20 minutes · 5 points · importance ●●●*
#
# `draft` below is to return a random neighbour of a cell, cells as in 02.4. It raises no error, and
# many of its children are fine. But it breaks the rules of 02.4 in several ways, sometimes changes
# nothing, and some neighbours never come out. Find out what is wrong, and write `mutate`:
#
# - the child is a cell: two different predecessors among those before the node, the smaller first;
# - it differs from its parent in exactly one operation or one predecessor;
# - every neighbour can come out (not necessarily all equally often);
# - all randomness comes from `rng`, a `np.random.Generator`; there are at least two operations.

# %%
def draft(cell, operations, rng):
    """Change one input of one node."""
    position = rng.integers(len(cell))
    slot = rng.integers(2)
    node = list(cell[position])
    operation, source = node[slot]
    if rng.random() < 0.5:
        operation = rng.integers(operations)
    else:
        source = rng.integers(position + 1)
    node[slot] = (int(operation), int(source))
    return (*cell[:position], tuple(node), *cell[position + 1 :])


parent = (((0, 0), (1, 1)), ((1, 0), (0, 2)), ((2, 1), (1, 3)))
for seed in range(4):
    print(draft(parent, 3, np.random.default_rng(seed)))

# %% [markdown]
# <details><summary>Hint 1: count</summary>
# Draw a thousand children and put them in a set. How many are there, how many should there be
# (02.4), and which are no cells?
# </details>
# <details><summary>Hint 2: without what is there</summary>
# Make a list of what may be drawn, without the present value and without the predecessor of the
# other input, and draw a position of that list.
# </details>
# <details><summary>Hint 3: the first node</summary>
# It has two predecessors and reads both, so only its operations can change. And how many
# predecessors has the node at position 1?
# </details>
# <details><summary>Hint 4: plan</summary>
# Draw position and slot. free = predecessors range(position + 2) without the two that are read. If
# free is not empty and a coin says so, draw the source from free; else draw the operation from the
# others. Build the node of the new pair and the other input, sorted by predecessor. (Or: draw one
# of the list of 02.4.)
# </details>


# %% nbgrader={"grade_id": "ex-02-6-answer", "solution": true}
def mutate(cell, operations, rng):
    """Return a random cell that differs in one operation or one predecessor."""
    # Hint: what may be drawn, and what of it is there already?
    ### BEGIN SOLUTION
    position, slot = rng.integers(len(cell)), rng.integers(2)
    (operation, source), kept = cell[position][slot], cell[position][1 - slot]
    free = sorted(set(range(position + 2)) - {source, kept[1]})
    if free and rng.random() < 0.5:
        source = free[rng.integers(len(free))]
    else:
        others = [other for other in range(operations) if other != operation]
        operation = others[rng.integers(len(others))]
    node = tuple(sorted(((operation, source), kept), key=lambda pair: pair[1]))
    return (*cell[:position], node, *cell[position + 1 :])
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-02-6-check", "grade": true, "points": 5}
check("02.6", mutate)

# %% [markdown]
# **What to take away.** Nothing of this would have raised an error in a search. It would have paid
# twice for cells it knew, and moved no input to the node just before, so long chains would have
# been rare. Test an operator by counting what comes out of it, against a list made in another way.
