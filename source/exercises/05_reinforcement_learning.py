# %% [markdown]
# # 05 Reinforcement learning: exercises
#
# Six exercises for chapter 05, 28 points, about two hours in all. Do them in any order; those with
# ●●● come back in later chapters.
#
# | | exercise | difficulty | minutes | points | importance |
# | --- | --- | --- | --- | --- | --- |
# | 05.1 | What learns here, and what does it cost? | ●○○○○ | 10 | 4 | ●●● |
# | 05.2 | How probable is a sequence? | ●●○○○ | 15 | 4 | ●●● |
# | 05.3 | The policy gradient by hand | ●●●○○ | 20 | 5 | ●●● |
# | 05.4 | Better than usual, by how much? | ●●●○○ | 25 | 5 | ●●○ |
# | 05.5 | How undecided is the policy? | ●●●●○ | 25 | 5 | ●●○ |
# | 05.6 | Three faults in one update | ●●●●○ | 25 | 5 | ●●● |
#
# **How it works.** Replace each `...` by your answer and run the cell below it. The check goes from
# easy to hard, stops at the first thing that is not right, and says what it gave your code, what
# came back and what it expected. Points of earlier stages stay yours. You may return a list, a
# tuple, an array or a tensor, whatever is handy. Hints open one by one; the last one is the plan
# of the solution. Model answers stand in `solutions/05_reinforcement_learning.ipynb`.

# %%
import math

import numpy as np
import torch

from nas_course.grading import check

torch.set_num_threads(1)

# %% [markdown]
# ---
# ## 05.1 What learns here, and what does it cost?
#
# *Difficulty ●○○○○ · 10 minutes · 4 points · importance ●●●*
#
# Five ways to search. What is changed by a reward, so that it decides about the next draw? Write
# `"nothing"`, `"best"` (one architecture that is kept), `"population"` (several that are kept) or
# `"distribution"` (parameters of a policy).
#
# - `uniform`: every architecture is drawn with the same probability; the best one is reported at
#   the end.
# - `epsilon_listing`: with probability 0.1 an architecture is drawn at random, otherwise the best
#   so far is mutated.
# - `ageing`: the best of a few members is mutated, the oldest member dies.
# - `controller`: an LSTM writes tokens, each of which is fed back; REINFORCE moves its weights.
# - `constant_input`: the same, but every step of the LSTM gets a zero as input.
#
# Now the words of reinforcement learning, for `controller`. Which of these is the `state`, the
# `action`, the `reward`?
#
# - **a** the next token
# - **b** the tokens written so far
# - **c** the validation accuracy of the trained child
# - **d** the weights of the child
#
# Costs of search, on CIFAR-10: Zoph and Le (2017) 800 GPUs for 28 days, in which 12,800 children
# were trained; NASNet (2018) 450 GPUs for 4 days (500 GPUs is in print too); ENAS (2018) one GPU
# for half a day.
#
# - `hours_per_child`: how many GPU hours did one child of Zoph and Le take, on average?
# - `nasnet_saves`: how many times more GPU days did Zoph and Le use than NASNet with 450 GPUs?
# - `children_for_enas`: how many such children could be trained with the whole budget of ENAS?
# - `enas_shares`: what do the architectures of ENAS have in common?
#   - **a** a pretrained network, whose weights stay as they are
#   - **b** one set of weights: each is a part of one large network
#   - **c** their rewards: what is similar gets the same score
#   - **d** nothing; it simply trains each for fewer epochs
# - `enas_keeps`: what did it keep of Zoph and Le?
#   - **a** that every child is trained by itself
#   - **b** 12,800 trained children
#   - **c** an LSTM controller, trained by a policy gradient
#   - **d** nothing: its gradient goes through the architecture, as in DARTS
#
# <details><summary>Hint 1: what learns</summary>
# Suppose the rewards were all set to zero. Would the next draw come out differently?
# </details>
# <details><summary>Hint 2: costs</summary>
# A GPU day has 24 GPU hours. First compute all GPU hours of a search.
# </details>

# %% nbgrader={"grade_id": "ex-05-1-answer", "solution": true}
reasons = {
    # "nothing", "best", "population" or "distribution"
    "uniform": (
        ### BEGIN SOLUTION
        "nothing"
        ### END SOLUTION
    ),
    "epsilon_listing": (
        ### BEGIN SOLUTION
        "best"
        ### END SOLUTION
    ),
    "ageing": (
        ### BEGIN SOLUTION
        "population"
        ### END SOLUTION
    ),
    "controller": (
        ### BEGIN SOLUTION
        "distribution"
        ### END SOLUTION
    ),
    "constant_input": (
        ### BEGIN SOLUTION
        "distribution"
        ### END SOLUTION
    ),
    # letters
    "state": (
        ### BEGIN SOLUTION
        "b"
        ### END SOLUTION
    ),
    "action": (
        ### BEGIN SOLUTION
        "a"
        ### END SOLUTION
    ),
    "reward": (
        ### BEGIN SOLUTION
        "c"
        ### END SOLUTION
    ),
    # numbers (7 / 2 is as good as 3.5)
    "hours_per_child": (
        ### BEGIN SOLUTION
        800 * 28 * 24 / 12800
        ### END SOLUTION
    ),
    "nasnet_saves": (
        ### BEGIN SOLUTION
        (800 * 28) / (450 * 4)
        ### END SOLUTION
    ),
    "children_for_enas": (
        ### BEGIN SOLUTION
        0.5 * 24 / 42
        ### END SOLUTION
    ),
    # letters
    "enas_shares": (
        ### BEGIN SOLUTION
        "b"
        ### END SOLUTION
    ),
    "enas_keeps": (
        ### BEGIN SOLUTION
        "c"
        ### END SOLUTION
    ),
}

# %% nbgrader={"grade_id": "ex-05-1-check", "grade": true, "points": 4}
check("05.1", reasons)

# %% [markdown]
# **What to take away.** The whole search of ENAS costs less than a third of *one* child of Zoph and
# Le. No policy, however clever, can do that: it comes from not training children at all. And a
# program is reinforcement learning by what its rewards change, not by the name of its class.
#
# ---
# ## 05.2 How probable is a sequence?
#
# *Difficulty ●●○○○ · 15 minutes · 4 points · importance ●●●*
#
# An autoregressive policy gives at each step $t$ one logit for each option, knowing the tokens
# before. The probability of a whole sequence is a product, its logarithm a sum:
#
# $$\log p(a)=\sum_t\log\pi(a_t\mid a_1\ldots a_{t-1}),\qquad
#   \pi(k\mid\ldots)=\frac{e^{z_{tk}}}{\sum_{j<n_t}e^{z_{tj}}}$$
#
# - `logits`: tensor $z$, shape (batch, steps, most options), for the sequences in `tokens`;
# - `tokens`: int64 tensor, shape (batch, steps);
# - `options`: list of $n_t$, the number of options of each step. Some steps have fewer than others:
#   `logits[:, t, n_t:]` is left over from somewhere, may hold anything, and must not count.
#
# Return $\log p(a)$ for each sequence, shape (batch,), in nats (natural logarithm). Logits may be
# as large as 2,000, and then the result must be right as well.
#
# <details><summary>Hint 1: the options that are missing</summary>
# An option with the logit minus infinity has probability zero. A logit of 0 is an option like any
# other, since e<sup>0</sup> = 1.
# </details>
# <details><summary>Hint 2: large logits</summary>
# e<sup>2000</sup> is infinite for a computer. <code>log_softmax</code> subtracts the largest logit
# first; <code>softmax</code> followed by <code>log</code> may give the logarithm of 0.
# </details>
# <details><summary>Hint 3: plan</summary>
# missing = (numbers of the columns &gt;= options, as a column), shape (steps, most options). Fill
# the logits with minus infinity there; log_softmax over the last dimension; pick the tokens'
# entries with <code>gather</code>; sum over the steps.
# </details>


# %% nbgrader={"grade_id": "ex-05-2-answer", "solution": true}
def sequence_log_probability(logits, tokens, options):
    """Return log p(a) of each sequence, shape (batch,)."""
    # Hint: mask, normalise, pick, sum; in this order.
    ### BEGIN SOLUTION
    missing = torch.arange(logits.shape[2]) >= torch.tensor(options)[:, None]
    log_pi = logits.masked_fill(missing, -math.inf).log_softmax(dim=2)
    return log_pi.gather(2, tokens[:, :, None]).sum(dim=(1, 2))
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-05-2-check", "grade": true, "points": 4}
check("05.2", sequence_log_probability)

# %% [markdown]
# **What to take away.** Mask *before* the softmax, so that the rest sums to one. A mask that is
# forgotten does not crash: the policy only wastes probability on options that do not exist, and its
# gradient pushes logits that nobody will ever draw.
#
# ---
# ## 05.3 The policy gradient by hand
#
# *Difficulty ●●●○○ · 20 minutes · 5 points · importance ●●●*
#
# Take the simplest policy: an independent softmax for each choice, with the logits
# $\theta_{t}$ for choice $t$. A batch of $B$ sequences was drawn; sequence $i$ has the tokens
# $a_{it}$ and the advantage $A_i$ (its reward minus a baseline). The REINFORCE estimate (Williams
# 1992) is
#
# $$g_{tk}=\frac1B\sum_{i=1}^B A_i\,\frac{\partial\log p(a_i)}{\partial\theta_{tk}},\qquad
#   \frac{\partial\log\pi_t(a)}{\partial\theta_{tk}}=\delta_{ka}-\pi_{tk}$$
#
# - `logits`: array $\theta$, shape (choices, options);
# - `tokens`: int array, shape (batch, choices);
# - `advantages`: array, shape (batch,).
#
# Return $g$, shape (choices, options): the direction in which the logits go **up** to more reward.
# Do it in numpy, without automatic differentiation, so that you see every part.
#
# <details><summary>Hint 1: one sequence, one choice</summary>
# Exercise 01.7 was this case: 1 at the drawn option, minus the probabilities, times the advantage.
# </details>
# <details><summary>Hint 2: one-hot</summary>
# <code>np.eye(options)[tokens]</code> has the shape (batch, choices, options).
# </details>
# <details><summary>Hint 3: plan</summary>
# pi = softmax of each row of the logits. score = one-hot minus pi, shape (batch, choices, options).
# Multiply by the advantages, with two more axes. Mean over the batch only.
# </details>


# %% nbgrader={"grade_id": "ex-05-3-answer", "solution": true}
def policy_gradient(logits, tokens, advantages):
    """Return the REINFORCE estimate of the gradient, shape (choices, options)."""
    # Hint: which axes are left when the batch is averaged?
    ### BEGIN SOLUTION
    pi = np.exp(logits - logits.max(axis=1, keepdims=True))
    pi /= pi.sum(axis=1, keepdims=True)
    score = np.eye(logits.shape[1])[tokens] - pi
    return (advantages[:, None, None] * score).mean(axis=0)
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-05-3-check", "grade": true, "points": 5}
check("05.3", policy_gradient)

# %% [markdown]
# **What to take away.** Every row of the gradient sums to zero: probability is only moved. And all
# choices of a sequence get the same advantage, whichever of them deserved it. That is one reason
# why a policy gradient needs many samples.
#
# ---
# ## 05.4 Better than usual, by how much?
#
# *Difficulty ●●●○○ · 25 minutes · 5 points · importance ●●○*
#
# Rewards come in batches. The baseline $b$ follows their mean, the spread $s$ their squared
# distance from the baseline, and the advantage is the distance in units of the spread. With
# `decay` $=\gamma$, for each batch of rewards $R_i$, in this order:
#
# $$d_i=R_i-b,\qquad s^2\leftarrow\gamma s^2+(1-\gamma)\,\overline{d^2},\qquad
#   A_i=d_i/s,\qquad b\leftarrow\gamma b+(1-\gamma)\,\overline{R}$$
#
# where a bar is the mean over the batch. So advantages are measured against the baseline of
# **before** the batch. Further rules:
#
# - The first batch has no "before": for it, $b=\overline R$ and $s^2=\overline{d^2}$, taken from
#   itself. Afterwards it goes on as above.
# - If $s$ is below $10^{-8}$, divide by 1 instead. (Not "if $s$ is 0": the mean of three times
#   0.1 is not exactly 0.1 in a computer, and what is left would be blown up to $\pm1$.)
# - A reward that is not finite (`nan`, `inf`, `-inf`: the training diverged) counts as the smallest
#   finite reward told so far, in earlier batches or in this one. Replace it before everything else.
# - As long as nothing finite was told, the advantages are 0 and nothing is started: the first batch
#   with a finite reward is "the first batch".
#
# `batches` is a list of arrays, which may differ in length. Return a list of arrays: the advantages
# of each batch.
#
# <details><summary>Hint 1: state</summary>
# Three things live from batch to batch: the baseline, the squared spread, the smallest finite
# reward. Let the first be <code>None</code> before the first batch.
# </details>
# <details><summary>Hint 2: the first batch</summary>
# With its own mean as the baseline of before, and a decay of 0 for this one batch, the general rule
# gives what is asked for.
# </details>
# <details><summary>Hint 3: plan</summary>
# For each batch: worst = min(worst, its finite rewards); if worst is still infinite, append zeros
# and continue. Replace. If there is no baseline: b = mean and kept = 0, otherwise kept = decay.
# d = R - b; update s²; append d / (s or 1); update b.
# </details>


# %% nbgrader={"grade_id": "ex-05-4-answer", "solution": true}
def standardised_advantages(batches, decay):
    """Return the advantages of each batch, as a list of arrays."""
    # Hint: what must be computed before the baseline follows?
    ### BEGIN SOLUTION
    worst, baseline, variance, result = math.inf, None, 0.0, []
    for batch in batches:
        finite = np.isfinite(batch)
        worst = min([worst, *batch[finite]])
        if worst == math.inf:
            result.append(np.zeros(len(batch)))
            continue
        rewards = np.where(finite, batch, worst)
        kept = decay
        if baseline is None:
            baseline, kept = rewards.mean(), 0
        distances = rewards - baseline
        variance = kept * variance + (1 - kept) * np.mean(distances**2)
        spread = math.sqrt(variance)
        result.append(distances / (spread if spread >= 1e-8 else 1))
        baseline = kept * baseline + (1 - kept) * rewards.mean()
    return result
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-05-4-check", "grade": true, "points": 5}
check("05.4", standardised_advantages)

# %% [markdown]
# **What to take away.** Standardised, a reward may be an accuracy, a negative loss or a perplexity
# of 500: the learning rate and the weight of the entropy need not know. One `nan` that is let in
# would stay in the baseline for ever.
#
# ---
# ## 05.5 How undecided is the policy?
#
# *Difficulty ●●●●○ · 25 minutes · 5 points · importance ●●○*
#
# The entropy of a policy over whole sequences, $H=-\sum_a p(a)\log p(a)$, has as many terms as
# there are architectures. The *chain rule* takes it apart, one step at a time:
#
# $$H=\sum_t H_t,\qquad H_t=\sum_{a_1\ldots a_{t-1}}p(a_1\ldots a_{t-1})\;
#   H\big(\pi(\,\cdot\mid a_1\ldots a_{t-1})\big)$$
#
# that is, the entropy of each step, averaged over what may have come before. (Cover, Thomas,
# *Elements of Information Theory*, chapter 2.)
#
# `conditionals` is a list of arrays. `conditionals[0]`, shape $(K_1,)$, holds the probabilities of
# the first token; `conditionals[1]`, shape $(K_1,K_2)$, those of the second token, one row for each
# first token; `conditionals[2]` has the shape $(K_1,K_2,K_3)$, and so on. Probabilities may be 0,
# and $0\log0=0$. Return a dict, in nats:
#
# - `"steps"`: the list of the $H_t$;
# - `"entropy"`: $H$;
# - `"independent"`: the entropy of the independent policy with the same *marginals*: each token is
#   drawn by itself, with the probability that it has on average over everything before it.
#
# <details><summary>Hint 1: prefixes</summary>
# Keep the array of the probabilities of all prefixes. <code>joint = reach[..., None] *
# conditional</code> makes from it those of all prefixes that are longer by one.
# </details>
# <details><summary>Hint 2: zero</summary>
# <code>np.log(np.where(p &gt; 0, p, 1))</code> is 0 where p is 0.
# </details>
# <details><summary>Hint 3: marginals</summary>
# Sum the joint probabilities over all axes but the last.
# </details>
# <details><summary>Hint 4: plan</summary>
# reach = 1. For each conditional: joint as in hint 1; the step is minus the sum of joint times log
# of the <i>conditional</i>; the marginal as in hint 3, add its entropy to the sum of the
# independent ones; reach = joint. H is the sum of the steps.
# </details>


# %% nbgrader={"grade_id": "ex-05-5-answer", "solution": true}
def policy_entropy(conditionals):
    """Return {"steps": ..., "entropy": ..., "independent": ...}, in nats."""
    # Hint: a prefix that is never drawn must not count.
    ### BEGIN SOLUTION
    reach, steps, independent = np.ones(()), [], 0.0
    for conditional in conditionals:
        joint = reach[..., None] * conditional
        steps.append(-(joint * np.log(np.where(conditional > 0, conditional, 1))).sum())
        marginal = joint.reshape(-1, joint.shape[-1]).sum(axis=0)
        independent -= (marginal * np.log(np.where(marginal > 0, marginal, 1))).sum()
        reach = joint
    return {"steps": steps, "entropy": sum(steps), "independent": independent}
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-05-5-check", "grade": true, "points": 5}
check("05.5", policy_entropy)

# %% [markdown]
# **What to take away.** `independent` is never smaller than `entropy`. The difference is what the
# tokens know about each other, and an independent policy with these marginals would lose it. A
# sampled path gives an estimate of $H$ without summing over all prefixes: that is what the
# controller's entropy bonus uses.
#
# ---
# ## 05.6 Three faults in one update
#
# *Difficulty ●●●●○ · 25 minutes · 5 points · importance ●●●*
#
# Here is somebody's REINFORCE. The policy is a list of tables of logits: `tables[0]` has one row,
# for the first token; `tables[t]` has one row for each token that may come before, and gives the
# next one. The token is fed back by choosing the row. The baseline `value` is learned along with
# the policy, by squared error, so that it moves towards the mean reward. The update is one step of
# gradient descent on the sum of two losses.


# %%
def faulty_update(tables, value, tokens, rewards, learning_rate):
    """One update from a batch of drawn tokens (batch, steps) and their rewards (batch,)."""
    tables = [table.clone().requires_grad_() for table in tables]
    value = torch.tensor(value, dtype=torch.double, requires_grad=True)
    previous = torch.zeros(len(tokens), dtype=torch.int64)  # the only row of the first table
    log_p = torch.zeros(len(tokens), dtype=torch.double)
    for step, table in enumerate(tables):
        log_pi = table[previous].log_softmax(dim=1)
        token = tokens[:, step]
        log_p = log_p + log_pi.gather(1, token[:, None])[:, 0]
    advantages = rewards - value
    policy_loss = (advantages * log_p).mean()
    value_loss = (rewards - value).pow(2).mean()
    gradients = torch.autograd.grad(policy_loss + value_loss, [*tables, value])
    with torch.no_grad():
        updated = [
            parameter - learning_rate * gradient
            for parameter, gradient in zip([*tables, value], gradients, strict=True)
        ]
    return {"tables": updated[:-1], "value": updated[-1].item()}


# %% [markdown]
# It runs, the shapes are right, and nothing is `nan`. Try it on a task that needs the feedback: the
# first of three tokens is thrown by a die with three faces, and each of the other two earns a point
# if it equals the one before.


# %% nas_course={"tol": {"abs": 0.1, "rel": 0.05}}
def learn(update, updates=200, batch=20):
    """Print the mean reward of the first and last batches, and the baseline."""
    generator = torch.Generator().manual_seed(0)
    tables = [torch.zeros(rows, 3, dtype=torch.double) for rows in (1, 3, 3)]
    value, means = 0.0, []
    for _ in range(updates):
        tables[0] = torch.zeros(1, 3, dtype=torch.double)  # the die does not learn
        previous, drawn = torch.zeros(batch, dtype=torch.int64), []
        for table in tables:
            pi = table[previous].softmax(dim=1)
            previous = torch.multinomial(pi, 1, generator=generator)[:, 0]
            drawn.append(previous)
        tokens = torch.stack(drawn, dim=1)
        rewards = (tokens[:, 1:] == tokens[:, :-1]).sum(dim=1).double()
        means.append(rewards.mean().item())
        result = update(tables, value, tokens, rewards, 0.1)
        tables, value = result["tables"], result["value"]
    first, last = np.mean(means[:20]), np.mean(means[-20:])
    print(f"mean reward, at most 2: first {first:.1f}, last {last:.1f}; baseline {value:.1f}")


learn(faulty_update)

# %% [markdown]
# Three faults are in `faulty_update`; each sits in one or two lines. Find them, and write the
# repaired update: copy the function's body and change as little as possible. Arguments: `tables`,
# a list of double tensors; `value`, a float; `tokens`, int64 (batch, steps); `rewards`, double
# (batch,); `learning_rate`. Return the same dict. When it passes, run `learn(reinforce_update)`.
#
# The right losses: the policy's is $-\frac1B\sum_i (R_i-v)\log p(a_i)$ with $R_i-v$ a **constant**;
# the baseline's is $\frac1B\sum_i (R_i-v)^2$.
#
# <details><summary>Hint 1: which way?</summary>
# A step of gradient descent makes the loss smaller. Take one token with a reward above the
# baseline: should its log-probability go up or down? Which sign must the loss have?
# </details>
# <details><summary>Hint 2: which row?</summary>
# Print <code>previous</code> in each round of the loop.
# </details>
# <details><summary>Hint 3: who moves the baseline?</summary>
# Two losses contain <code>value</code>. Only one of them should move it. What does
# <code>detach()</code> do?
# </details>
# <details><summary>Hint 4: plan</summary>
# At the end of the loop's body, <code>previous = token</code>. The advantages are
# <code>(rewards - value).detach()</code>. The policy's loss gets a minus.
# </details>


# %% nbgrader={"grade_id": "ex-05-6-answer", "solution": true}
def reinforce_update(tables, value, tokens, rewards, learning_rate):
    """Return {"tables": ..., "value": ...} after one update."""
    # Hint: the shapes are right in every line; ask what each line means.
    ### BEGIN SOLUTION
    tables = [table.clone().requires_grad_() for table in tables]
    value = torch.tensor(value, dtype=torch.double, requires_grad=True)
    previous = torch.zeros(len(tokens), dtype=torch.int64)
    log_p = torch.zeros(len(tokens), dtype=torch.double)
    for step, table in enumerate(tables):
        log_pi = table[previous].log_softmax(dim=1)
        token = tokens[:, step]
        log_p = log_p + log_pi.gather(1, token[:, None])[:, 0]
        previous = token
    advantages = (rewards - value).detach()
    policy_loss = -(advantages * log_p).mean()
    value_loss = (rewards - value).pow(2).mean()
    gradients = torch.autograd.grad(policy_loss + value_loss, [*tables, value])
    with torch.no_grad():
        updated = [
            parameter - learning_rate * gradient
            for parameter, gradient in zip([*tables, value], gradients, strict=True)
        ]
    return {"tables": updated[:-1], "value": updated[-1].item()}
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-05-6-check", "grade": true, "points": 5}
check("05.6", reinforce_update)

# %% [markdown]
# **What to take away.** None of the three raises an error, and each has its own symptom. With the
# sign turned the reward falls. Without the feedback nothing is learned *here*; on a task where
# independent choices are good enough you would never notice. And with the baseline in the graph
# alone the reward rises as it should, but the baseline ends near 2.8 where no reward is above 2:
# you see it only if you print it.
