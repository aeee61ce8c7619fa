# %% [markdown]
# # 04 Random search and evolution: exercises
#
# Seven exercises for chapter 04, 31 points, about two and a quarter hours in all. Do them in any
# order; those with ●●● come back whenever two strategies are compared.
#
# | | exercise | difficulty | minutes | points | importance |
# | --- | --- | --- | --- | --- | --- |
# | 04.1 | What to expect, what to pay | ●●○○○ | 15 | 4 | ●●● |
# | 04.2 | A random search that can be trusted | ●●○○○ | 20 | 4 | ●●● |
# | 04.3 | A mutation that mutates | ●●○○○ | 20 | 5 | ●●● |
# | 04.4 | Who wins a tournament? | ●●●○○ | 20 | 4 | ●●○ |
# | 04.5 | The oldest dies | ●●●○○ | 25 | 5 | ●●● |
# | 04.6 | Three faults in a generation | ●●●○○ | 20 | 5 | ●●○ |
# | 04.7 | Fronts | ●●●●○ | 20 | 4 | ●●○ |
#
# **How it works.** Replace each `...` by your answer and run the cell below it. The check goes from
# easy to hard, stops at the first thing that is not right, and says what it gave your code, what
# came back and what it expected. Points of earlier stages stay yours. You may return a list, a
# tuple, an array or a tensor, whatever is handy. Hints open one by one; the last one is the plan
# of the solution. Model answers stand in `solutions/04_random_and_evolution.ipynb`.
#
# You need neither the table nor any training here. A cell of NAS-Bench-201 has six edges, and on
# each edge one of five operations, numbered from 0 to 4: six numbers are a cell.

# %%
import math
from collections import deque

import numpy as np

from nas_course.grading import check

# %% [markdown]
# ---
# ## 04.1 What to expect, what to pay
#
# *Difficulty ●●○○○ · 15 minutes · 4 points · importance ●●●*
#
# Each of $n$ independent draws misses the best share $p$ of the space with probability $1-p$, so
# all of them miss it with probability $(1-p)^n$.
#
# - `missed`: the probability that none of 50 draws is among the best 2 % of the space;
# - `draws`: the smallest number of draws with which you find one of the best 1 % with a probability
#   of at least 95 %.
#
# Now let the $n$ drawn cells be all **different**, taken from $N$ cells in random order. The best
# of them then has, on average, the rank $\dfrac{N+1}{n+1}$ (rank 1 is the best cell of all): the
# $n$ drawn cells cut the list of the $N-n$ others, sorted by score, into $n+1$ pieces, none of them
# longer on average than another; the first piece is what is better than our best.
#
# - `rank`: that average for 99 different cells out of 999;
# - `rank_twice`: the same for 199 out of 999.
#
# And the bill, in trainings:
#
# - `evolution`: regularized evolution as a tutorial runs it: a population of 20, and then 50
#   "generations", in each of which one child is made;
# - `genetic`: a genetic algorithm with a population of 20 and 10 generations in all, of which the
#   first is random; the best cell of a generation goes on to the next and keeps its score;
# - `last_random`: in the evolution of above, after how many trainings has the last cell of the
#   random start died?
# - `fair`: somebody wants to show that this evolution beats random search. Which comparison is
#   fair?
#   - **a** random search with 50 draws, both with many seeds
#   - **b** random search with as many draws as evolution has trainings, both with many seeds
#   - **c** random search with 20 · 50 draws, both with many seeds
#   - **d** random search with as many draws as evolution has trainings, both with the same seed,
#     once
#
# <details><summary>Hint 1: the number of draws</summary>
# You need 0.99 to the power of n to be 0.05 or less. Take logarithms on both sides, and mind that
# you divide by a negative number. A draw and a half does not exist.
# </details>
# <details><summary>Hint 2: the bill</summary>
# What is trained at the start? What is trained in one step, and how many steps are there?
# </details>
# <details><summary>Hint 3: the last of the random start</summary>
# Training number 21 puts the first child into the population, and one cell dies. Which one? Which
# training makes the 20th cell die?
# </details>

# %% nbgrader={"grade_id": "ex-04-1-answer", "solution": true}
bill = {
    # numbers (a formula is welcome), and a letter for the last
    "missed": (
        ### BEGIN SOLUTION
        0.98**50
        ### END SOLUTION
    ),
    "draws": (
        ### BEGIN SOLUTION
        math.ceil(math.log(0.05) / math.log(0.99))
        ### END SOLUTION
    ),
    "rank": (
        ### BEGIN SOLUTION
        (999 + 1) / (99 + 1)
        ### END SOLUTION
    ),
    "rank_twice": (
        ### BEGIN SOLUTION
        (999 + 1) / (199 + 1)
        ### END SOLUTION
    ),
    "evolution": (
        ### BEGIN SOLUTION
        20 + 50
        ### END SOLUTION
    ),
    "genetic": (
        ### BEGIN SOLUTION
        20 + 9 * 19
        ### END SOLUTION
    ),
    "last_random": (
        ### BEGIN SOLUTION
        20 + 20
        ### END SOLUTION
    ),
    "fair": (
        ### BEGIN SOLUTION
        "b"
        ### END SOLUTION
    ),
}

# %% nbgrader={"grade_id": "ex-04-1-check", "grade": true, "points": 4}
check("04.1", bill)

# %% [markdown]
# **What to take away.** Neither the 299 draws nor the rank knows anything about the space: that is
# why random search is the baseline everywhere. And a "generation" is not a unit: state trainings.
#
# ---
# ## 04.2 A random search that can be trusted
#
# *Difficulty ●●○○○ · 20 minutes · 4 points · importance ●●●*
#
# `draws` is a list of cells in the order in which a random search drew them; a cell is written as a
# text of six digits. `train(cell)` trains the cell and returns its score, the larger the better; at
# a second call for the same cell it would start from other weights, and return another score.
# `budget` is the largest number of trainings. Return a dict:
#
# - `"best"`: the cell with the best score, or `None` if there is none;
# - `"curve"`: the best score so far after each **training**, a list.
#
# What makes it trustworthy:
#
# - A cell that was drawn before is not trained again. It costs nothing and adds nothing to the
#   curve.
# - Scores may be negative, such as minus the loss.
# - A score that is `nan`, `inf` or `-inf` belongs to a run that diverged: it is never the best. But
#   the training was paid: the curve gets its entry, the best so far.
# - As long as there is no finite score, the best so far is `-math.inf`.
# - Of equal scores the earlier one stays.
#
# <details><summary>Hint 1: has it been drawn before?</summary>
# A <code>set</code> of the cells seen so far.
# </details>
# <details><summary>Hint 2: nan</summary>
# Every comparison with nan is false. So never let one become the best score: ask
# <code>math.isfinite(score)</code>.
# </details>
# <details><summary>Hint 3: plan</summary>
# best = None, value = -math.inf, curve empty, seen empty. For each cell of draws: if the curve has
# as many entries as the budget, stop; if the cell was seen, go on with the next; train it once; if
# the score is finite and larger than value, take it over; append value.
# </details>


# %% nbgrader={"grade_id": "ex-04-2-answer", "solution": true}
def random_search(draws, train, budget):
    """Return {"best": ..., "curve": ...}."""
    # Hint: how often do you call train for one cell?
    ### BEGIN SOLUTION
    best, value, curve, seen = None, -math.inf, [], set()
    for cell in draws:
        if len(curve) == budget:
            break
        if cell in seen:
            continue
        seen.add(cell)
        score = train(cell)
        if math.isfinite(score) and score > value:
            best, value = cell, score
        curve.append(value)
    return {"best": best, "curve": curve}
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-04-2-check", "grade": true, "points": 4}
check("04.2", random_search)

# %% [markdown]
# **What to take away.** `search.search` keeps the same books for every strategy. Without the memory
# a strategy that likes to repeat itself gets several throws at the same cell, and keeps the
# luckiest.
#
# ---
# ## 04.3 A mutation that mutates
#
# *Difficulty ●●○○○ · 20 minutes · 5 points · importance ●●●*
#
# An architecture is a tuple of choices: `cell[i]` is the option at choice `i`, one of
# `0, ..., options[i] - 1`. A *neighbour* differs in exactly one choice. Return a list of `count`
# neighbours of `cell`, drawn independently of each other with the generator `rng`, each neighbour
# with the same probability.
#
# In NAS-Bench-201 `options` is `(5, 5, 5, 5, 5, 5)` and there are 24 neighbours. In other spaces
# choices have different numbers of options. A choice with one option cannot change; and one with
# five options has four times as many neighbours as one with two.
#
# <details><summary>Hint 1: another option, whichever is there</summary>
# Of n options, <code>(old + step) % n</code> with a step from 1 to n - 1 is each of the others
# once.
# </details>
# <details><summary>Hint 2: the same probability</summary>
# If you draw the choice first, it must be drawn in proportion to <code>options[i] - 1</code>. Or
# write down all neighbours and draw from that list.
# </details>
# <details><summary>Hint 3: plan</summary>
# neighbours = for each choice, for each option that differs from the one there:
# (*cell[:i], option, *cell[i + 1:]). Then draw count positions of that list with
# <code>rng.integers(len(neighbours), size=count)</code>.
# </details>


# %% nbgrader={"grade_id": "ex-04-3-answer", "solution": true}
def mutants(cell, options, count, rng):
    """Return a list of `count` random neighbours of the cell."""
    # Hint: every mutant starts from `cell`, not from the mutant before.
    ### BEGIN SOLUTION
    neighbours = [
        (*cell[:place], option, *cell[place + 1 :])
        for place, number in enumerate(options)
        for option in range(number)
        if option != cell[place]
    ]
    return [neighbours[position] for position in rng.integers(len(neighbours), size=count)]
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-04-3-check", "grade": true, "points": 5}
check("04.3", mutants)

# %% [markdown]
# **What to take away.** Three silent faults are common: a "mutation" that changes nothing, one that
# leaves the space because the number of options was typed in, and one that never reaches a part of
# the neighbours. None of them raises an error; the search only gets worse.
#
# ---
# ## 04.4 Who wins a tournament?
#
# *Difficulty ●●●○○ · 20 minutes · 4 points · importance ●●○*
#
# A tournament draws $k$ members of a population of $N$, **with** replacement, and the best of them
# wins. Let $S(f)$ be the number of members whose fitness is at most $f$. The best of the draws has
# a fitness of at most $f$ with probability $(S(f)/N)^k$. So a member of fitness $f$ or one of its
# equals wins with probability
#
# $$\Big(\frac{S(f)}{N}\Big)^k-\Big(\frac{S(f^-)}{N}\Big)^k$$
#
# where $S(f^-)$ counts the members of a fitness **below** $f$ (Blickle and Thiele, *A Comparison of
# Selection Schemes Used in Evolutionary Algorithms*, Evolutionary Computation, 1996). Members of
# equal fitness share that probability equally. With $N$ different values this is the chapter's
# formula for rank $r$: $S(f)=N-r+1$.
#
# Write `win_probabilities(fitness, k)`: for each member, in the order of the array `fitness`, the
# probability to win. A `nan` is a run that diverged: it counts as worse than every number, and all
# those are equal to each other.
#
# <details><summary>Hint 1: check yourself</summary>
# The probabilities sum to 1, and for k = 1 each is 1/N.
# </details>
# <details><summary>Hint 2: nan</summary>
# <code>np.where(np.isnan(fitness), -np.inf, fitness)</code>: minus infinity compares as it should.
# </details>
# <details><summary>Hint 3: plan</summary>
# Replace nan. For each value f: below = number of values smaller than f, equal = number of values
# equal to f. Its probability is ((below + equal)**k - below**k) / N**k / equal.
# </details>


# %% nbgrader={"grade_id": "ex-04-4-answer", "solution": true}
def win_probabilities(fitness, k):
    """Return the probability with which each member wins a tournament of k draws."""
    # Hint: count, for each member, how many are below it and how many are equal to it.
    ### BEGIN SOLUTION
    values = np.where(np.isnan(fitness), -np.inf, fitness)
    below = np.array([(values < value).sum() for value in values])
    equal = np.array([(values == value).sum() for value in values])
    share = ((below + equal) / len(values)) ** k - (below / len(values)) ** k
    return share / equal
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-04-4-check", "grade": true, "points": 4}
check("04.4", win_probabilities)

# %% [markdown]
# **What to take away.** Only the order counts, not how far apart the scores are: minus the loss and
# the accuracy breed the same parents if they rank the same. And $k$ is the only dial: the best of
# twenty wins 5 % of the tournaments with $k=1$, 10 % with $k=2$, 23 % with $k=5$.
#
# ---
# ## 04.5 The oldest dies
#
# *Difficulty ●●●○○ · 25 minutes · 5 points · importance ●●●*
#
# Regularized evolution (Real, Aggarwal, Huang, Le, *Regularized Evolution for Image Classifier
# Architecture Search*, AAAI 2019, algorithm 1), as somebody sees it who hands its architectures to
# several machines: scores come back late, and not in order. `events` is a list in order of time;
# `size` is $P$. An event is one of
#
# - `("ask", drawn)`: the next architecture is wanted. Architectures are numbered in the order in
#   which they are asked for: 0, 1, 2, ...
# - `("tell", number, score)`: the score of architecture `number` has arrived.
#
# The rules:
#
# - An architecture joins the population when its score is **told**: that is its birth. If there are
#   more than `size` members then, the oldest dies.
# - As long as the population has fewer than `size` members, an ask gives a random architecture.
# - Otherwise it gives a mutation of a *parent*: the best of a sample. `drawn` are the positions of
#   the sample in the population at that time, the **oldest member first**, with replacement. Of
#   equal scores the one drawn first wins.
# - A score of `nan` is worse than every number.
#
# Return a dict: `"parents"`, for each ask the number of the parent, or `-1` if the architecture is
# random; `"population"`, the numbers of the members at the end, the oldest first.
#
# <details><summary>Hint 1: a queue of fixed length</summary>
# <code>deque(maxlen=size)</code> drops its first entry when one is appended and it is full.
# </details>
# <details><summary>Hint 2: the first of the best</summary>
# <code>max(members, key=...)</code> returns the first of several that are equal. But with a nan in
# it, its answer depends on the order: replace nan by minus infinity at birth.
# </details>
# <details><summary>Hint 3: plan</summary>
# population = deque(maxlen=size) of pairs (number, score). For each event: a tell appends a pair;
# an ask appends -1 to parents while len(population) is below size, otherwise the number of
# max([population[p] for p in drawn], key=score of the pair).
# </details>


# %% nbgrader={"grade_id": "ex-04-5-answer", "solution": true}
def aging_evolution(events, size):
    """Return {"parents": ..., "population": ...}."""
    # Hint: do you need to remember in which order architectures were asked for?
    ### BEGIN SOLUTION
    population, parents = deque(maxlen=size), []
    for kind, *content in events:
        if kind == "tell":
            number, score = content
            population.append((number, -math.inf if math.isnan(score) else score))
        elif len(population) < size:
            parents.append(-1)
        else:
            sample = [population[position] for position in content[0]]
            parents.append(max(sample, key=lambda member: member[1])[0])
    return {"parents": parents, "population": [number for number, _ in population]}
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-04-5-check", "grade": true, "points": 5}
check("04.5", aging_evolution)

# %% [markdown]
# **What to take away.** `black_box.RegularizedEvolution` is this loop. Nothing in it waits: an ask
# is answered at once from whoever lives now, which is why evolution runs well on many machines.
#
# ---
# ## 04.6 Three faults in a generation
#
# *Difficulty ●●●○○ · 20 minutes · 5 points · importance ●●○*
#
# The function below should make the next generation of a genetic algorithm. It runs without an
# error, and three things in it are wrong. What it should do:
#
# - `population` is a list of cells, each a **list** of six operation numbers; `fitness` are their
#   scores. The `elites` best go on to the next generation, the best first, of equal ones the one
#   that stands first; they keep their scores.
# - `pairs` are the parents that were selected, each `(mother, father, cut)`: two positions in
#   `population` and a place to cut. Each pair has two children: the first has the mother's
#   operations before `cut` and the father's from `cut` on; the second has it the other way round.
#   No mutation here.
# - The next generation is the elites, then the children in the order of birth, as many as the
#   population had. There may be more children than places: the last ones are left out. There are
#   never too few.
# - `score(cell)` scores a cell. Children need a score; a cell that has one is not scored again. In
#   the check a score is the sum of the six operation numbers, each times a weight of its edge, and
#   the members of `population` had luck: their `fitness` differs from it.
#
# Write `next_generation` so that it does all that. Copy the broken one, and change as little as you
# can.


# %%
def broken_generation(population, fitness, pairs, elites, score):
    """Has three faults."""
    size = len(population)
    order = sorted(range(size), key=lambda place: fitness[place], reverse=True)
    kept = [population[place] for place in order[:elites]]
    children = []
    for mother, father, cut in pairs:
        one, two = population[mother], population[father]
        one[cut:], two[cut:] = two[cut:], one[cut:]
        children += [one, two]
    following = (kept + children)[-size:]
    return {"population": following, "fitness": [score(cell) for cell in following]}


# %% [markdown]
# <details><summary>Hint 1: where to look</summary>
# The best fitness of the population falls from one generation to the next, although the best cell
# went on. If there is one child too many, the best cell does not even go on. And a cell that is
# selected twice gives other genes the second time.
# </details>
# <details><summary>Hint 2: two names for one list</summary>
# <code>one = population[mother]</code> copies nothing: writing to <code>one</code> writes to the
# population, and to the elites in it.
# </details>
# <details><summary>Hint 3: plan</summary>
# Cross copies: <code>list(population[mother])</code>. Cut at the end, not at the beginning:
# <code>[:size]</code>. Fitness of the next generation: that of the elites, looked up, then score of
# each child that got a place.
# </details>


# %% nbgrader={"grade_id": "ex-04-6-answer", "solution": true}
def next_generation(population, fitness, pairs, elites, score):
    """Return {"population": ..., "fitness": ...} of the next generation."""
    # Hint: three lines of the broken one need a change.
    ### BEGIN SOLUTION
    size = len(population)
    order = sorted(range(size), key=lambda place: fitness[place], reverse=True)
    kept = [population[place] for place in order[:elites]]
    children = []
    for mother, father, cut in pairs:
        one, two = list(population[mother]), list(population[father])
        one[cut:], two[cut:] = two[cut:], one[cut:]
        children += [one, two]
    children = children[: size - elites]
    known = [fitness[place] for place in order[:elites]]
    return {"population": kept + children, "fitness": known + [score(cell) for cell in children]}
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-04-6-check", "grade": true, "points": 5}
check("04.6", next_generation)

# %% [markdown]
# **What to take away.** None of the three raises an error. One assertion finds each of them: the
# best of the population never falls; the elites are in the next generation; a parent is the same
# before and after it was crossed.
#
# ---
# ## 04.7 Fronts
#
# *Difficulty ●●●●○ · 20 minutes · 4 points · importance ●●○*
#
# Two aims: a large `accuracy`, a small number of `parameters`. Cell $i$ *dominates* cell $j$ if it
# is at least as good in both and better in one of them. Front 0 holds the cells that nobody
# dominates; front 1 those that nobody dominates once front 0 is taken away; and so on (Deb, Pratap,
# Agarwal, Meyarivan, *NSGA-II*, IEEE Transactions on Evolutionary Computation, 2002, section
# III-A). Return, for each cell, the number of its front.
#
# <details><summary>Hint 1: equal cells</summary>
# Two cells that are equal in both do not dominate each other: they are in the same front.
# </details>
# <details><summary>Hint 2: not the number of those that dominate it</summary>
# In a chain in which a dominates b and b dominates c, two cells dominate c, and it is in front 2.
# But if b and c only are dominated by the two equal cells a and d, both are in front 1.
# </details>
# <details><summary>Hint 3: plan</summary>
# found full of -1. For number = 0, 1, 2, ...: left = the cells that still have -1 (a list made
# before any of them gets its number). Each cell of left that no cell of left dominates gets the
# number.
# </details>


# %% nbgrader={"grade_id": "ex-04-7-answer", "solution": true}
def fronts(accuracy, parameters):
    """Return the number of the front of each cell, 0 for the best."""
    # Hint: write a small function dominates(i, j) first.
    ### BEGIN SOLUTION
    def dominates(i, j):
        no_worse = accuracy[i] >= accuracy[j] and parameters[i] <= parameters[j]
        return no_worse and (accuracy[i] > accuracy[j] or parameters[i] < parameters[j])

    found = [-1] * len(accuracy)
    for number in range(len(accuracy)):
        left = [cell for cell, front in enumerate(found) if front == -1]
        for j in left:
            if not any(dominates(i, j) for i in left):
                found[j] = number
    return found
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-04-7-check", "grade": true, "points": 4}
check("04.7", fronts)

# %% [markdown]
# **What to take away.** A front is an answer to "what can I have?" before anybody says what a
# parameter costs. Adding the two aims up with a weight needs that price, and it never finds a cell
# that lies in a dent of the front, whatever the weight.
