# %% [markdown]
# # 04 Random search and evolution
#
# The two oldest strategies are still the ones to beat: draw architectures at random, or let good
# ones have children. Both need nothing but a score for each architecture that they try.
#
# After this chapter you can
#
# - write random search, say what it will find before you run it, and use it as a baseline;
# - mutate and cross architectures so that the children are valid and really new;
# - write a genetic algorithm and regularized evolution, and tell apart what is often mixed up;
# - compare strategies at an equal budget over many seeds, and search for two things at once.
#
# Everything runs on the table of chapter 03: all cells of NAS-Bench-201, each trained in a small
# network on CIFAR-10 by `nas-course build-table`. So a search of 300 trainings takes milliseconds,
# and still every score is a measured one.

# %%
import itertools
from collections import deque

import numpy as np

from nas_course import leaderboard, plots, search, tabular, widgets
from nas_course.estimation import Score, TableEstimate
from nas_course.spaces import NASBench201Space
from nas_course.strategies import black_box

space = NASBench201Space()
table = tabular.load()
estimate = TableEstimate(table)
BUDGET = 300  # evaluations of one search

cells = list(space)  # all 15,625 texts
valid = table.valid[table.index(cells), -1]  # after the last epoch: what a search may see
print(f"{len(cells):,} cells, {len(table.architectures):,} different ones")
print(f"validation accuracy: worst {valid.min():.1%}, median {np.median(valid):.1%}, "
      f"best {valid.max():.1%}")

# %% [markdown]
# A *search* sees the validation accuracy of what it tries. The test accuracy stays in the table
# until the search is over. *Regret* is what we missed: the best test accuracy of the whole space
# minus that of the architecture we chose.

# %%
def regret(cell):
    """Percentage points of test accuracy below the best of the space."""
    return 100 * (table.best_test - table.query(cell).test_accuracy)


best_seen = cells[int(valid.argmax())]
print(f"The cell with the best validation accuracy has a regret of {regret(best_seen):.2f} points.")

# %% [markdown]
# Even a search that tries every cell is left with that regret, because it chooses by validation
# accuracy: one number from one training, with noise in it. Remember it as the floor.
#
# ## 1. Random search
#
# Draw, train, keep the best. Two lines of it are often wrong. *Before you read on: what does this
# return if every score is negative, such as minus the loss?*


# %%
def careless_random_search(score, rng, budget):
    """As found in a tutorial."""
    best, best_score = None, 0.0
    for _ in range(budget):
        cell = space.sample(rng)
        if score(cell) > best_score:
            best, best_score = cell, score(cell)
    return best


def random_search(score, rng, budget):
    """Return every cell that was drawn, and the best score after each."""
    drawn, curve, best = [], [], -np.inf
    for _ in range(budget):
        cell = space.sample(rng)
        best = max(best, score(cell))
        drawn.append(cell)
        curve.append(best)
    return drawn, curve


def minus_error(cell):
    """The same order as by accuracy, but never positive."""
    return estimate(cell).value - 1


careless = careless_random_search(minus_error, np.random.default_rng(0), 50)
print("started at 0, scores below 0:", careless)
drawn, curve = random_search(lambda cell: estimate(cell).value, np.random.default_rng(0), BUDGET)
print(f"started at minus infinity: {curve[0]:.1%} after 1 cell, {curve[-1]:.1%} after {BUDGET}")

# %% [markdown]
# `search.search` is the same loop with a budget, a progress bar, a history that survives a crash,
# and a memory: a cell that was drawn before is not trained again, and not charged.

# %%
result = search.search("random", estimate, space=space, evaluations=BUDGET, seed=0, progress=False)
rows = result.history.rows
assert [row["architecture"] for row in rows[:BUDGET]] == [str(cell) for cell in drawn][: len(rows)]
assert [row["best"] for row in rows[:BUDGET]] == curve[: len(rows)]
repeats = sum(row["cached"] for row in rows)
print(f"our draws and best scores equal the package's: True; it met {repeats} cell(s) again")

# %% [markdown]
# ### What it will find, before running it
#
# Let a share $p$ of the space be better than some accuracy. The best of $n$ independent draws is
# below it with probability $(1-p)^n$. That is all there is to random search, and it is exact.
# *Predict: after 300 draws, how many of the 15,625 cells are still better than the best one found?*

# %% nas_course={"tol": {"rel": 0.02}}
draws = 300
missed = 1 - np.arange(1, len(cells) + 1) / len(cells)
expected = (missed**draws).sum()  # sum over k of P(none of the best k was drawn)
found = [valid[np.random.default_rng(seed).integers(len(cells), size=draws)].max()
         for seed in range(2000)]
measured = np.mean([(valid > value).sum() for value in found])
print(f"cells better than the best of {draws} draws: by the formula {expected:.0f}, "
      f"in {len(found):,} searches {measured:.0f} on average")

# %% [markdown]
# About 1 in 300: the formula is close to $N/(n+1)$. To halve that rank you must double the budget,
# whatever the space. But it is a *rank*: how much accuracy lies between rank 50 and rank 1 depends
# on the space, and in a well designed space it is little. That is why random search is so strong
# in NAS, and why a result without it means nothing.
#
# ## 2. Neighbours
#
# To do better a strategy must use that similar cells have similar scores. Is that so here? A
# *mutation* changes one choice: one edge gets another operation.

# %% nas_course={"tol": {"abs": 0.02}}
rng = np.random.default_rng(0)
parents = [space.sample(rng) for _ in range(3000)]
children = [space.mutate(parent, rng) for parent in parents]
strangers = [space.sample(rng) for _ in range(3000)]


def values(architectures):
    """Validation accuracies (n,)."""
    return np.array([estimate(cell).value for cell in architectures])


for name, others in (("its mutation", children), ("a random cell", strangers)):
    correlation = np.corrcoef(values(parents), values(others))[0, 1]
    print(f"correlation of a cell with {name}: {correlation:+.2f}")

# %% [markdown]
# That correlation is what every strategy below lives on. Now a mutation as tutorials write it:


# %%
def careless_mutation(cell, rng):
    """Any operation for any edge: also the one that is there."""
    operations = list(cell.operations)
    operations[rng.integers(6)] = space.operations[rng.integers(5)]
    return type(cell)(tuple(operations))


careless = [careless_mutation(parent, rng) for parent in parents]
unchanged = np.mean([child == parent for child, parent in zip(careless, parents, strict=True)])
print(f"careless mutations that change nothing: {unchanged:.0%} (one option in five is old)")
print("mutations of the package that change nothing:",
      sum(child == parent for child, parent in zip(children, parents, strict=True)))

# %% [markdown]
# Every fifth training would be wasted. In the lesson this course grew from it was worse: its
# mutation could also give a node the same input twice, which the sampler forbids, and in a space of
# five operations it chose some that did not exist, because the number of operations was written
# into the function. Ask the **space** for a mutation: it knows its rules.
#
# ## 3. Hill climbing
#
# The simplest use of neighbours: mutate the best cell so far; now and then, with probability
# $\epsilon$, draw a random one instead.


# %%
def epsilon_greedy(rng, budget, epsilon=0.3):
    """Return the best score after each evaluation."""
    best, best_value, curve = None, -np.inf, []
    for _ in range(budget):
        explore = rng.random() < epsilon or best is None
        cell = space.sample(rng) if explore else space.mutate(best, rng)
        value = estimate(cell).value
        if value > best_value:
            best, best_value = cell, value
        curve.append(best_value)
    return curve


ours = epsilon_greedy(np.random.default_rng(0), BUDGET)
strategy = black_box.EpsilonGreedy(space, seed=0, epsilon=0.3)
theirs = []
for _ in range(BUDGET):
    cell = strategy.ask()
    strategy.tell(cell, estimate(cell))
    theirs.append(strategy.best.value)
assert ours == theirs
print("our hill climber equals the package's: True")

# %% [markdown]
# A widely copied listing calls exactly this loop an "RL controller". It has no policy, no
# parameters and no gradient; chapter 05 shows what those are. It is a good baseline under its
# right name.
#
# `ask` and `tell` are the whole interface of a strategy. Whoever runs it decides how a score is
# made: here from the table, elsewhere by training, in one process or in many.
#
# Its weakness: it believes its best score. A cell that was **lucky** once is mutated for ever.
# How much luck is in a score? Some cells were trained with three seeds.

# %% nas_course={"tol": {"abs": 0.0006}}
trainings = table.repeated_valid[:, :, -1].T  # (cells, 3 seeds)
noise = np.sqrt(trainings.var(axis=1, ddof=1).mean())
best_hundred = np.sort(table.valid[:, -1])[-100:]
print(f"{len(trainings)} cells were trained 3 times: standard deviation {100 * noise:.2f} points")
print(f"the best 100 of {len(table):,} cells lie within "
      f"{100 * (best_hundred[-1] - best_hundred[0]):.2f} points")

# %% [markdown]
# ## 4. A genetic algorithm
#
# A *population* of cells; the better ones become parents; a child takes its genes from two
# parents (*crossover*) and a few are changed (*mutation*); the children replace the population,
# except for the very best (*elitism*).
#
# ### Tournaments
#
# A parent is the best of $k$ cells drawn from the population. Of $N$ cells the one of rank $r$
# then wins with probability $\big((N-r+1)^k-(N-r)^k\big)/N^k$. So $k$ is the dial between
# exploring ($k=1$: any cell) and exploiting.

# %% nas_course={"tol": {"abs": 0.02}}
N = 10
ranking = np.arange(N, 0, -1)  # fitness of ranks 1, 2, ..., 10


def tournament(fitness, k, rng):
    """Index of the best of k draws with replacement."""
    drawn = rng.integers(len(fitness), size=k)
    return drawn[np.argmax(fitness[drawn])]


for k in (1, 2, 5):
    wins = np.bincount([tournament(ranking, k, rng) for _ in range(20_000)], minlength=N) / 20_000
    formula = [((N - r + 1) ** k - (N - r) ** k) / N**k for r in (1, 5, 10)]
    print(f"k = {k}: ranks 1, 5, 10 win {wins[[0, 4, 9]].round(2).tolist()}, "
          f"formula {np.round(formula, 2).tolist()}")

# %% [markdown]
# ### Crossover
#
# Cut both parents at one place and glue: the child has the first edges of one and the last edges of
# the other. Is the child always valid? Here yes, because each edge may carry any operation. In
# the DARTS space too, if whole **nodes** are exchanged: a node may only look back, and it looks
# back to positions that exist in both parents. Where that does not hold, crossover must repair or
# refuse.

# %%
from nas_course.spaces.choices import one_point

mother, father = parents[0], parents[1]
child = one_point(space, mother, father, rng)
for name, cell in (("mother", mother), ("father", father), ("child", child)):
    print(f"{name:6s}", " ".join(f"{operation:13s}" for operation in cell.operations))
genes = zip(child.operations, mother.operations, father.operations, strict=True)
assert all(gene in (hers, his) for gene, hers, his in genes)

# %% [markdown]
# ### Elites, and a mistake that hides in them
#
# If the best cell stays and keeps its score, the best score of the population can never fall. A
# widely copied listing scores the elites **again** in each generation, with fresh noise. Then
# the best falls, and the final answer is whoever was lucky in the last scoring.
#
# We can watch it with real noise: let a fresh score be the table's plus a difference between
# two real trainings of one cell, drawn from those measured above.

# %% nas_course={"tol": {"abs": 0.08}}
differences = (trainings - trainings.mean(axis=1, keepdims=True)).ravel() * np.sqrt(3 / 2)


def genetic(rng, scored_again, generations=15, size=20):
    """Best fitness of each generation, and the cell that is returned."""
    def fresh(cell):
        return estimate(cell).value + rng.choice(differences)

    population = [space.sample(rng) for _ in range(size)]
    fitness = np.array([fresh(cell) for cell in population])
    history = []
    for _ in range(generations):
        history.append(fitness.max())
        elite = int(fitness.argmax())
        pairs = [
            [population[tournament(fitness, 2, rng)] for _ in range(2)] for _ in range(size - 1)
        ]
        offspring = [space.mutate(one_point(space, *pair, rng), rng) for pair in pairs]
        kept = fresh(population[elite]) if scored_again else fitness[elite]
        population = [population[elite], *offspring]
        fitness = np.array([kept, *(fresh(cell) for cell in offspring)])
    return history, population[int(fitness.argmax())]


for scored_again in (False, True):
    runs = [genetic(np.random.default_rng(seed), scored_again) for seed in range(60)]
    falls = np.mean([later < earlier for history, _ in runs
                     for earlier, later in itertools.pairwise(history)])
    how = "again" if scored_again else "once "
    middle = np.median([regret(cell) for _, cell in runs])
    print(f"elites scored {how}: the best falls in {falls:.0%} of the generations, "
          f"median regret {middle:.2f}")

# %% [markdown]
# Keep scores. It is also cheaper: nothing is trained twice.
#
# ## 5. Regularized evolution
#
# Keeping the best for ever has the weakness of the hill climber: a lucky score stays in the
# population and has children without end. Real and others (2019) let the **oldest** die, not the
# worst. A good architecture survives only through children that score well *again*.
#
# *Aging* is one line: a queue of fixed length. There is no crossover, and one "cycle" is one
# child, so $P$ first members and $C$ cycles are $P+C$ evaluations, not $P\times C$.


# %%
def regularized_evolution(rng, budget, population_size, sample_size):
    """Real et al. 2019, algorithm 1. Returns (cell, value, parent) in order of birth."""
    population = deque(maxlen=population_size)  # a full deque drops its oldest entry
    births = []
    for _ in range(budget):
        if len(population) < population_size:
            cell, parent = space.sample(rng), None
        else:
            sample = [population[int(u * population_size)] for u in rng.random(sample_size)]
            parent = max(sample, key=lambda member: member[1])[0]
            cell = space.mutate(parent, rng)
        population.append((cell, estimate(cell).value, parent))
        births.append(population[-1])
    return births


births = regularized_evolution(np.random.default_rng(1), BUDGET, population_size=50, sample_size=10)

strategy = black_box.RegularizedEvolution(space, seed=1, population_size=50, sample_size=10)
members, living = [], []
for _ in range(BUDGET):
    cell = strategy.ask()
    strategy.tell(cell, estimate(cell))
    members.append(strategy.population[-1])
    living.append(list(strategy.population))
assert [(m.architecture, m.value, m.parent) for m in members] == births
print("our evolution equals the package's: True")

# %% [markdown]
# Watch it. Press ▶ or drag. *Before you do: at which evaluation will the last of the first, random
# generation have died?*

# %% nas_course={"tol": {"rel": 0.03}}
def draw(evaluation):
    """The population after so many evaluations."""
    return plots.draw_population(members, living[evaluation - 1])


widgets.FigurePanel(draw, evaluation=widgets.PlaySlider(10, BUDGET, value=BUDGET, step=10))

# %% [markdown]
# Three things to see. The first 50 are a plain random search. From then on the cloud rises as a
# whole, because the old die whatever they scored; on the right every age stands once, for all live
# equally long. And the orange line: the best living one has many ancestors, each better or hardly
# worse than its parent.
#
# The paper's $P=100$, $S=25$ were chosen for 20,000 evaluations. In 300 the first third is random.
# Still the leaderboard below runs them as they are; `results/tuning_evolution.json` (command
# inside) holds what other settings gave.
#
# ## 6. Which is best?
#
# One run says nothing. `nas-course leaderboard` ran every strategy with
# hundreds of seeds on the table, each with the same budget, and stored quartiles of the regret.
# All strategies chose by validation accuracy; the test accuracy was read afterwards.

# %%
board = leaderboard.read("../results/leaderboard.json")
family = ["regularized-evolution", "genetic", "local-search", "epsilon-greedy"]
plots.regret_curves(board, ["random", *family])

# %%
for method in family:
    print(leaderboard.statement(board, method))

# %% [markdown]
# ## 7. Two things at once
#
# Accuracy is rarely all. Suppose you also want few weights. There is no best cell then, but a
# *Pareto front*: the cells that no other one beats in both. NSGA-II (Deb and others, 2002) evolves
# towards the whole front: sort the population into fronts, prefer the earlier front and, within
# one, whoever has the most room around it (*crowding distance*).

# %%
strategy = black_box.NSGA2(space, seed=0, objectives=("value", "-parameters"), population_size=40)
asked = []
for _ in range(BUDGET):
    cell = strategy.ask()
    strategy.tell(cell, estimate(cell))
    asked.append(cell)


def front_of(architectures):
    """Rows of the table that form the Pareto front of these architectures."""
    rows = np.unique(table.index(architectures))
    front = plots.pareto_front(table.valid[rows, -1], table.parameters[rows])
    return rows[front].tolist()


def draw(evaluations):
    """What both strategies had found after so many evaluations."""
    found = {"random": front_of(drawn[:evaluations]), "nsga2": front_of(asked[:evaluations])}
    return plots.draw_front(table.valid[:, -1], table.parameters, found)


widgets.FigurePanel(draw, evaluations=widgets.PlaySlider(20, BUDGET, value=BUDGET, step=20))

# %% [markdown]
# ## 8. What goes wrong in practice
#
# - **Unequal budgets.** "Evolution beats random search" with 10 × 5 trainings against 5 is a
#   statement about 50 and 5. Count trainings, better: epochs, better: seconds.
# - **The winner's curse.** The best of many noisy scores is too good. Report the test accuracy of
#   the chosen architecture, retrained, never the score it was chosen by. How much is it here?

# %% nas_course={"tol": {"abs": 0.003}}
difference = valid - table.test[table.index(cells)]  # validation minus test accuracy
chosen = []
for seed in range(200):
    sampled = np.random.default_rng(seed).integers(len(cells), size=draws)
    chosen.append(sampled[valid[sampled].argmax()])
print(f"validation minus test accuracy: all cells {100 * difference.mean():+.2f} points, "
      f"the chosen ones {100 * difference[chosen].mean():+.2f}")

# %% [markdown]
# - **Diverged networks.** Their loss is not a number, and a NaN makes the order of a sort
#   undefined: every comparison with it is false. Treat it as worse than everything. The package
#   does:

# %%
strategy = black_box.EpsilonGreedy(space, seed=0)
for value in (0.3, float("nan"), 0.4):
    strategy.tell(strategy.ask(), Score(value, 1.0, "an example"))
print("best after scores of 0.3, NaN and 0.4:", strategy.best.value)

# %% [markdown]
# - **Costs of long ago.** Evolution is often called cheaper than reinforcement learning.
#   AmoebaNet-A took 450 GPUs for 7 days, 3,150 GPU-days; NASNet is given as 1,800 in its first
#   preprint and as 2,000 in the printed paper. What Real and others showed is faster progress in
#   runs that were matched. And aging is more than "diversity": it favours architectures that score
#   well *when trained again*.
#
# ## Recap
#
# - Random search is a formula: the best of $n$ draws has rank $N/(n+1)$ or so. Beat it at an equal
#   budget, over many seeds, or be silent.
# - Mutation must change something, crossover must keep children valid; ask the space.
# - Keep scores, or the winner is whoever was lucky last.
# - Regularized evolution: tournament, mutation, and the oldest dies.
# - With several objectives look for the front, not for a point.
#
# Exercises: `exercises/04_random_and_evolution.ipynb`. Next: chapter 05, where a policy with
# parameters proposes the architectures.
#
# ## References
#
# - Li, Talwalkar, *Random Search and Reproducibility for Neural Architecture Search*, UAI 2019.
#   Two results: random search with early stopping is at least as good as ENAS, and random search
#   with weight sharing is better still (state of the art on Penn Treebank then, competitive on
#   CIFAR-10).
# - Real, Aggarwal, Huang, Le, *Regularized Evolution for Image Classifier Architecture Search*,
#   AAAI 2019.
# - White, Nolen, Savani, *Exploring the Loss Landscape in Neural Architecture Search*, UAI 2021.
# - Deb, Pratap, Agarwal, Meyarivan, *A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II*,
#   IEEE Transactions on Evolutionary Computation, 2002.
# - Dong, Yang, *NAS-Bench-201*, ICLR 2020.
