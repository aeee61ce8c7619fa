# %% [markdown]
# # 05 Reinforcement learning
#
# Evolution keeps architectures. A *controller* keeps a **distribution** over architectures: it
# draws one, is told how good it was, and makes what was good more probable. That is how NAS
# became famous in 2017, on 800 GPUs.
#
# After this chapter you can
#
# - write an architecture as a sequence of tokens, and a policy that draws it;
# - derive the REINFORCE gradient and check it against the exact one;
# - say what the baseline, the entropy bonus and the fed-back token are for, and show it;
# - tell a policy gradient from what merely bears its name.
#
# Rewards come from the table of chapter 03: every one was measured by a real training.

# %%
import numpy as np
import torch

from nas_course import leaderboard, plots, tabular, widgets
from nas_course.estimation import TableEstimate
from nas_course.spaces import NASBench201Space
from nas_course.strategies.black_box import Reinforce
from nas_course.strategies.black_box.controller import (
    Controller,
    reinforce_loss,
    sequence_log_probability,
)

torch.set_num_threads(1)
space = NASBench201Space()
table = tabular.load()
estimate = TableEstimate(table)

# %% [markdown]
# ## 1. An architecture is a sentence
#
# Fix an order of the choices. Then an architecture is a sequence of *tokens*, one for each choice,
# and the controller "writes" it from left to right. Any space of this course can be written so:
# `space.choices` lists the choices, and every sequence is a valid architecture.

# %%
cell = space.parse(
    "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|nor_conv_1x1~2|"
)
tokens = space.indices(cell)
for choice, token in zip(space.choices, tokens, strict=True):
    print(f"{choice.name}: token {token} of {len(choice.options)} = {choice.options[token]}")
assert space.from_indices(tokens) == cell

# %% [markdown]
# ## 2. A small world where everything can be computed
#
# To see what the gradient does we need a world small enough to enumerate. Take the cell above and
# leave only two choices open, edges 0-1 and 2-3: 25 architectures. Their rewards are accuracies
# from the table.

# %%
first, last = 0, 5  # positions of the two open choices


def world(i, j):
    """The cell whose two open edges carry operations i and j."""
    changed = list(tokens)
    changed[first], changed[last] = i, j
    return space.from_indices(changed)


R = torch.tensor(
    [[estimate(world(i, j)).value for j in range(5)] for i in range(5)], dtype=torch.double
)
print("rewards: worst", f"{R.min():.1%}, mean {R.mean():.1%}, best {R.max():.1%}")

# %% [markdown]
# The simplest *policy*: an independent softmax for each choice. Its parameters $\theta$ are ten
# logits. We want the logits with the largest **expected** reward
#
# $$J(\theta)=\sum_a p_\theta(a)\,R(a).$$
#
# In this world we can sum over all 25 architectures and let automatic differentiation do the rest.
# In a real one we cannot: $R(a)$ costs a training. The *log-derivative trick* turns the gradient
# into an expectation, which can be estimated from samples:
#
# $$\nabla J=\sum_a \nabla p(a)\,R(a)=\sum_a p(a)\,\nabla\log p(a)\,R(a)
# =\mathbb E\big[R(a)\,\nabla\log p(a)\big],\qquad \log p(a)=\sum_t\log\pi(a_t).$$

# %%
theta = torch.randn(2, 5, dtype=torch.double, generator=torch.Generator().manual_seed(0))


def probabilities(theta):
    """p(i, j) of the independent policy, shape (5, 5)."""
    pi = theta.softmax(dim=1)
    return pi[0][:, None] * pi[1][None, :]


theta.requires_grad_()
(exact,) = torch.autograd.grad((probabilities(theta) * R).sum(), theta)


def score(i, j):
    """The gradient of log p(i, j), shape (2, 5)."""
    return torch.autograd.grad(probabilities(theta)[i, j].log(), theta)[0]


p = probabilities(theta).detach()
scores = torch.stack([torch.stack([score(i, j) for j in range(5)]) for i in range(5)])
trick = (p[:, :, None, None] * R[:, :, None, None] * scores).sum(dim=(0, 1))
assert torch.allclose(trick, exact, atol=1e-12)
print("E[R grad log p] equals the gradient of the expected reward: True")

# %% [markdown]
# ## 3. The baseline
#
# Now from samples. *Predict: all rewards here are positive. What happens to the logit of an option
# that was drawn and got a bad reward: up or down?*

# %% nas_course={"tol": {"rel": 0.02}}
rng = np.random.default_rng(0)


def estimates(rewards, batch, repeats=2000):
    """Many REINFORCE estimates, each from `batch` draws: (repeats, 2, 5)."""
    drawn = rng.choice(25, size=(repeats, batch), p=p.numpy().ravel())
    terms = rewards.ravel()[drawn][:, :, None, None] * scores.reshape(25, 2, 5)[drawn]
    return terms.mean(dim=1)


b = (p * R).sum()
for name, rewards in (("R", R), ("R - b", R - b), ("R - 1", R - 1)):
    samples = estimates(rewards, batch=10)
    bias = (samples.mean(0) - exact).norm()
    noise = (samples - exact).pow(2).sum(dim=(1, 2)).mean().sqrt()
    print(f"{name:5s}: error of the mean of 2,000 estimates {bias:.3f}, "
          f"of a single one {noise:.3f}; length of the gradient {exact.norm():.3f}")

# %% [markdown]
# All three aim at the same gradient, since $\mathbb E[b\,\nabla\log p]=b\,\nabla\sum_a p(a)=0$.
# But a single estimate without a baseline is mostly noise. The reason is the answer to the
# question: with positive rewards, whatever was drawn goes **up**, only less so if it was bad, and
# which options were drawn is luck. Subtract the mean, and what is worse than usual goes down.
#
# A published article uses the reward $-\text{loss}$ without a baseline. Then everything that is
# drawn goes **down**, the best architecture too:

# %%
best = divmod(int(R.argmax()), 5)
for name, reward in (("minus the error", R[best] - 1), ("with baseline", R[best] - b)):
    step = reward * scores[best]
    direction = "up" if step[0, best[0]] > 0 else "down"
    print(f"reward {name}: the drawn, best option of edge 0-1 goes {direction}")

# %% [markdown]
# The same article makes 5 updates with one sample each and a learning rate of 0.01, in a space of
# 3,600. That is five random draws with a controller standing by. How far does such a policy move?

# %% nas_course={"tol": {"abs": 0.01}}
moved = torch.zeros(2, 5, dtype=torch.double, requires_grad=True)
adam = torch.optim.Adam([moved], lr=0.01)
for _ in range(5):
    drawn = int(rng.choice(25, p=probabilities(moved).detach().numpy().ravel()))
    loss = -(R.ravel()[drawn] - 1) * probabilities(moved).ravel()[drawn].log()
    adam.zero_grad()
    loss.backward()
    adam.step()
largest = probabilities(moved).max()
print(f"the likeliest of 25 architectures: before 0.040, after five updates {largest:.3f}")

# %% [markdown]
# ## 4. Entropy: do not be sure too soon
#
# Policy gradients have a taste for early certainty: an option that is no longer drawn is no longer
# judged. The *entropy* $H=-\sum_a p(a)\log p(a)$ measures how undecided the policy is ($\log
# 25=3.2$ nats if all are equal). Adding $\lambda H$ to the objective pushes back. With exact
# gradients, no luck involved:

# %% nas_course={"tol": {"abs": 0.02}}
for weight in (0.0, 0.002, 0.02):
    logits = torch.zeros(2, 5, dtype=torch.double, requires_grad=True)
    for _ in range(3000):
        q = probabilities(logits)
        objective = (q * R).sum() - weight * (q * q.log()).sum()
        (g,) = torch.autograd.grad(objective, logits)
        logits.data += 1.0 * g
    q = probabilities(logits).detach()
    print(f"weight {weight:5.3f}: entropy {-(q * q.log()).sum():.2f} nats, expected reward "
          f"{(q * R).sum():.3f}, best {R.max():.3f}")

# %% [markdown]
# The weight is in units of reward per nat, so it means nothing before the rewards have a scale.
# That is one reason to standardise them (below).
#
# ## 5. Why a recurrent network?
#
# Our policy chooses both edges independently. Suppose two very different cells are equally good. An
# independent policy that likes both must also like their mixtures. Fit it to two cells by
# maximum likelihood, and give the same task to an LSTM that is told what it chose before:

# %%
pair = torch.tensor([[0, 4], [3, 1]])  # two architectures of the small world, as tokens


def fit(log_probability, parameters):
    """Maximise the likelihood of the two."""
    adam = torch.optim.Adam(parameters, lr=0.05)
    for _ in range(300):
        loss = -log_probability().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()


logits = torch.zeros(2, 5, requires_grad=True)
fit(lambda: logits.log_softmax(1)[torch.arange(2), pair].sum(dim=1), [logits])
controller = Controller([5, 5], hidden=16, generator=torch.Generator().manual_seed(0))
fit(lambda: sequence_log_probability(controller(pair), pair), list(controller.parameters()))

mixtures = torch.tensor([[0, 1], [3, 4]])
with torch.no_grad():
    independent = probabilities(logits.double())
    recurrent = sequence_log_probability(controller(torch.cat([pair, mixtures])),
                                         torch.cat([pair, mixtures])).exp()
print("independent: the two", independent[pair[:, 0], pair[:, 1]].numpy().round(1),
      "their mixtures", independent[mixtures[:, 0], mixtures[:, 1]].numpy().round(1))
print("recurrent:   the two", recurrent[:2].numpy().round(1),
      "their mixtures", recurrent[2:].numpy().round(1))

# %% [markdown]
# The chosen token must be **fed back** (as an embedding) for this. With a constant input, as in
# the article and many short listings, an LSTM only adds depth: each step's distribution is
# the same whatever was chosen before, and the policy is a product of independent ones again.
#
# ## 6. The whole method
#
# Draw a batch, get the rewards, subtract a moving average, divide by a moving spread, one Adam
# step.


# %%
def reinforce(seed, budget, batch=10, entropy_weight=0.2, decay=0.9):
    """Return the architectures in the order in which they were tried."""
    rng = np.random.default_rng(seed)
    controller = Controller([5] * 6, hidden=64, generator=torch.Generator().manual_seed(seed))
    adam = torch.optim.Adam(controller.parameters(), lr=0.01)
    baseline, variance, tried = None, 0.0, []
    while len(tried) < budget:
        drawn, _ = controller.sample(batch, rng)
        architectures = [space.from_indices(row) for row in drawn.tolist()]
        rewards = np.array([estimate(architecture).value for architecture in architectures])
        kept = 0.0 if baseline is None else decay
        before = rewards.mean() if baseline is None else baseline
        variance = kept * variance + (1 - kept) * np.mean((rewards - before) ** 2)
        baseline = kept * before + (1 - kept) * rewards.mean()
        advantages = torch.from_numpy((rewards - before) / np.sqrt(variance)).float()
        loss, _ = reinforce_loss(controller, drawn, advantages, entropy_weight)
        adam.zero_grad()
        loss.backward()
        adam.step()
        tried += architectures
    return tried


ours = reinforce(seed=0, budget=200)
strategy, theirs = Reinforce(space, seed=0, rewards="value"), []
for _ in range(200):
    theirs.append(strategy.ask())
    strategy.tell(theirs[-1], estimate(theirs[-1]))
assert ours == theirs
print("our REINFORCE tries the same 200 architectures as the package's: True")

# %% [markdown]
# One thing is left to choose: what *is* the reward? Accuracy itself has a fault here. A few cells
# are at chance, and they make the spread; between a good cell and the best there is next to no
# difference left. The package's default is the **rank** among what was told so far, from 0 to 1:

# %% nas_course={"tol": {"abs": 0.02}}
values = np.sort(table.valid[:, -1])
standard = (values - values.mean()) / values.std()
places = [0.01, 0.5, 0.9, 1.0]
print("cell at quantile        ", places)
print("standardised accuracy   ", [round(float(np.quantile(standard, q)), 2) for q in places])
ranks = (np.arange(len(values)) + 0.5) / len(values)
standard = (ranks - ranks.mean()) / ranks.std()
print("standardised rank       ", [round(float(np.quantile(standard, q)), 2) for q in places])

# %% [markdown]
# Watch it learn. *Before you press ▶: which operation will the controller dislike first?*

# %%
strategy, snapshots = Reinforce(space, seed=0), []
for _ in range(600):
    cell = strategy.ask()
    strategy.tell(cell, estimate(cell))
    if len(snapshots) < len(strategy.history):  # a batch is complete
        snapshots.append(strategy.probabilities())


# %% nas_course={"tol": {"abs": 0.3, "rel": 0.05}}
def draw(update):
    """The policy after so many updates."""
    evaluations = strategy.history[update - 1]["evaluations"]
    return plots.draw_policy(space.choices, snapshots[update - 1],
                             when=f"after {evaluations} evaluations")


widgets.FigurePanel(draw, update=widgets.PlaySlider(1, len(snapshots), value=len(snapshots)))

# %% nas_course={"tol": {"abs": 0.2}}
plots.draw_policy_learning(strategy.history)

# %% [markdown]
# ## 7. Does it beat random search?
#
# The same question as always, with the same budget, over many seeds, from one command,
# `nas-course leaderboard`:

# %%
board = leaderboard.read("../results/leaderboard.json")
plots.regret_curves(board, ["random", "reinforce"])

# %%
print(leaderboard.statement(board, "reinforce"))

# %% [markdown]
# ## 8. What goes wrong in practice
#
# - **Not every "controller" is one.** A listing that draws at random with probability $\epsilon$
#   and otherwise mutates the best so far has no policy, no parameters and no gradient. It is the
#   hill climber of chapter 04.
# - **A reward that was invented.** The same listing rewards the number of different operations plus
#   noise. Nothing learned from that says anything about networks.
# - **Too few samples.** A policy gradient needs hundreds of rewards before it knows anything. That
#   is why the first paper took 800 GPUs for 28 days, and NASNet about 2,000 GPU-days.
# - **What made it affordable** was not a better policy but a cheaper reward. ENAS, by Pham and
#   others, keeps this controller and lets all architectures share one set of weights, trained in
#   turn with it. By its authors' count that is 1,000 times cheaper. Weight sharing is chapter 07.
# - **Stale samples.** With many workers, rewards arrive for architectures that an older policy
#   drew. The gradient is then biased. `nas_course` computes log-probabilities anew at the update
#   and says so; it does not reweight.
#
# ## Recap
#
# - $\nabla J=\mathbb E[(R-b)\,\nabla\log p]$: exact in the mean, noisy in the single case. The
#   baseline removes noise, not signal.
# - The entropy bonus keeps options alive; its weight only means something for scaled rewards.
# - Feeding tokens back lets a later choice depend on an earlier one.
# - Compare with random search at an equal number of trainings, over many seeds.
#
# Exercises: `exercises/05_reinforcement_learning.ipynb`.
#
# ## References
#
# - Williams, *Simple Statistical Gradient-Following Algorithms for Connectionist Reinforcement
#   Learning*, Machine Learning, 1992.
# - Zoph, Le, *Neural Architecture Search with Reinforcement Learning*, ICLR 2017.
# - Zoph, Vasudevan, Shlens, Le, *Learning Transferable Architectures for Scalable Image
#   Recognition* (NASNet), CVPR 2018.
# - Pham, Guan, Zoph, Le, Dean, *Efficient Neural Architecture Search via Parameter Sharing*, ICML
#   2018.
