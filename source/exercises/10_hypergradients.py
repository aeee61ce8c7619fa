# %% [markdown]
# # 10 Hypergradients: exercises
#
# Six exercises for chapter 10, 28 points, about two and a half hours in all. Do them in any order;
# those with ●●● come back in later chapters.
#
# | | exercise | difficulty | minutes | points | importance |
# | --- | --- | --- | --- | --- | --- |
# | 10.1 | Two ways, and what they cost | ●○○○○ | 15 | 4 | ●●● |
# | 10.2 | The exact hypergradient | ●●○○○ | 20 | 4 | ●●● |
# | 10.3 | An inverse without a matrix | ●●●○○ | 25 | 5 | ●●● |
# | 10.4 | Backwards through the training | ●●●●○ | 30 | 5 | ●●○ |
# | 10.5 | One iteration of hyperDARTS | ●●●○○ | 25 | 5 | ●●○ |
# | 10.6 | Three faults in one iteration | ●●●●○ | 30 | 5 | ●●● |
#
# **How it works.** Replace each `...` by your answer and run the cell below it. The check goes from
# easy to hard, stops at the first thing that is not right, and says what it gave your code, what
# came back and what it expected. Points of earlier stages stay yours. You may return a list, a
# tuple, an array or a tensor, whatever is handy. Hints open one by one; the last one is the plan
# of the solution. Model answers stand in `solutions/10_hypergradients.ipynb`.
#
# Throughout, $w$ are weights, trained on $L_{train}(w,\alpha)$, and $\alpha$ are parameters that
# are judged by $L_{val}(w^*(\alpha),\alpha)$. The hypergradient has two parts:
#
# $$\frac{dL_{val}}{d\alpha}=\underbrace{\frac{\partial L_{val}}{\partial\alpha}}_{\text{direct}}
#   +\underbrace{\Big(\frac{\partial w^*}{\partial\alpha}\Big)^{\!\top}
#   \frac{\partial L_{val}}{\partial w}}_{\text{response}}$$

# %%
import copy

import numpy as np
import torch

from nas_course.grading import check

torch.set_num_threads(1)

# %% [markdown]
# ---
# ## 10.1 Two ways, and what they cost
#
# *Difficulty ●○○○○ · 15 minutes · 4 points · importance ●●●*
#
# Which part of the hypergradient can differ from zero? Write `"direct"`, `"response"` or `"both"`.
#
# - `weight_decay`: the coefficient of $|w|^2$ in the training loss.
# - `architecture_logits`: the $\alpha$ of a DARTS supernet.
# - `augmentation`: how far *training* images are shifted (say, differentiably).
# - `temperature_at_validation`: the logits are divided by it before the validation loss, not in
#   training.
#
# Costs. Count one for every gradient: a forward and a backward pass, or one product of a vector
# with second derivatives.
#
# - `second_order`: a whole iteration of DARTS, second order (with the finite difference), weight
#   step included.
# - `idarts`: a whole iteration of iDARTS with $T=4$ training steps and $K=2$ Hessian-vector
#   products. The gradient $q$ of the training loss is computed once, with its graph; it serves the
#   $K$ products with the Hessian and, after them, one more with $\partial q/\partial\alpha$.
# - `reverse_memory`: reverse mode goes back through $T=100$ training steps. How many copies of the
#   weights does it keep, the ones at the end not counted?
#
# hyperDARTS-1 has for each of two cell kinds a linear layer with biases. Each reads the 112 logits
# of its kind; they return 1,223,040 and 608,128 numbers.
#
# - `hypernetwork_weights`: how many weights do the two layers have together?
# - `gigabytes`: how many gigabytes (of $10^9$ bytes) are these weights, their gradients and their
#   momentum, in float32? Two decimals.
#
# A learning rate falls along a cosine to 0 at the end of training. What part of it is left, as a
# share from 0 to 1, with three decimals,
#
# - `rate_of_the_long_run`: after epoch 50 of 100,
# - `rate_of_the_short_run`: after epoch 50 of 50,
# - `rate_at_seventy_five`: after epoch 75 of 100?
# - `why_worse`: The report on hyperDARTS (section 5.2.3) saw a validation accuracy of about 86 % at
#   epoch 50 of 100, but 90 % at epoch 50 of 50. Why?
#   - **a** The framework divides its exploration over the number of epochs that it is told.
#   - **b** At epoch 50 the long run still takes large steps.
#   - **c** The long run overfits.
#   - **d** In the long run the $\alpha$ have moved too far.
#
# <details><summary>Hint 1: ways</summary>
# Hold the weights fixed and turn the knob. Does the validation loss change? Then hold the knob in
# the validation loss fixed and ask whether training would find other weights.
# </details>
# <details><summary>Hint 2: costs</summary>
# Write the iteration down line by line and put a number behind every line. One backward pass gives
# the gradients by the weights and by the alphas together.
# </details>

# %% nbgrader={"grade_id": "ex-10-1-answer", "solution": true}
reasons = {
    # "direct", "response" or "both"
    "weight_decay": (
        ### BEGIN SOLUTION
        "response"
        ### END SOLUTION
    ),
    "architecture_logits": (
        ### BEGIN SOLUTION
        "both"
        ### END SOLUTION
    ),
    "augmentation": (
        ### BEGIN SOLUTION
        "response"
        ### END SOLUTION
    ),
    "temperature_at_validation": (
        ### BEGIN SOLUTION
        "direct"
        ### END SOLUTION
    ),
    # whole numbers
    "second_order": (
        ### BEGIN SOLUTION
        5
        ### END SOLUTION
    ),
    "idarts": (
        ### BEGIN SOLUTION
        9
        ### END SOLUTION
    ),
    "reverse_memory": (
        ### BEGIN SOLUTION
        100
        ### END SOLUTION
    ),
    "hypernetwork_weights": (
        ### BEGIN SOLUTION
        113 * (1_223_040 + 608_128)
        ### END SOLUTION
    ),
    # numbers
    "gigabytes": (
        ### BEGIN SOLUTION
        2.48
        ### END SOLUTION
    ),
    "rate_of_the_long_run": (
        ### BEGIN SOLUTION
        0.5
        ### END SOLUTION
    ),
    "rate_of_the_short_run": (
        ### BEGIN SOLUTION
        0
        ### END SOLUTION
    ),
    "rate_at_seventy_five": (
        ### BEGIN SOLUTION
        0.1464
        ### END SOLUTION
    ),
    # a letter
    "why_worse": (
        ### BEGIN SOLUTION
        "b"
        ### END SOLUTION
    ),
}

# %% nbgrader={"grade_id": "ex-10-1-check", "grade": true, "points": 4}
check("10.1", reasons)

# %% [markdown]
# **What to take away.** First ask by which way a parameter acts; that decides which estimators can
# work at all. First order sees only the direct part, so it cannot tune a weight decay. And two runs
# of different length are never in the same state at the same epoch, as long as a schedule knows
# the end.
#
# ---
# ## 10.2 The exact hypergradient
#
# *Difficulty ●●○○○ · 20 minutes · 4 points · importance ●●●*
#
# When both losses are quadratic, everything can be written down:
#
# $$L_{train}=\tfrac12w^\top Hw-w^\top B\alpha,\qquad
#   L_{val}=\tfrac12\lVert w-D\alpha-t\rVert^2$$
#
# - `hessian`: $H$, shape (weights, weights), symmetric, all eigenvalues above 0;
# - `mixed`: $B$, and `direct`: $D$, both of shape (weights, parameters);
# - `target`: $t$, shape (weights,); `alpha`: $\alpha$, shape (parameters,).
#
# Return four arrays: the best weights $w^*(\alpha)$, the direct part, the response, and their sum,
# the gradient of $L_{val}(w^*(\alpha),\alpha)$. A tuple in this order will do, or a dict with the
# keys `weights`, `direct`, `response`, `gradient`.
#
# <details><summary>Hint 1: the best weights</summary>
# At the best weights the gradient of the training loss, H w - B alpha, is zero.
# </details>
# <details><summary>Hint 2: the response</summary>
# The best weights are linear in alpha. So the Jacobian of w* is a matrix that you can read off.
# </details>
# <details><summary>Hint 3: plan</summary>
# w = solve(H, B alpha); r = w - D alpha - t. The direct part is -D'r. The response is B' times
# solve(H, r), since H is symmetric.
# </details>


# %% nbgrader={"grade_id": "ex-10-2-answer", "solution": true}
def closed_form(hessian, mixed, direct, target, alpha):
    """Return w*, the direct part, the response, and the hypergradient."""
    # Hint: np.linalg.solve(H, x) is H^-1 x, without computing the inverse.
    ### BEGIN SOLUTION
    weights = np.linalg.solve(hessian, mixed @ alpha)
    residual = weights - direct @ alpha - target
    at_fixed_weights = -direct.T @ residual
    response = mixed.T @ np.linalg.solve(hessian, residual)
    return weights, at_fixed_weights, response, at_fixed_weights + response
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-10-2-check", "grade": true, "points": 4}
check("10.2", closed_form)

# %% [markdown]
# **What to take away.** $H^{-1}$ stands in the response: directions in which the training loss is
# *flat* count most, since there the weights give way most easily. These are the directions that one
# step of training, or a few, hardly explore.
#
# ---
# ## 10.3 An inverse without a matrix
#
# *Difficulty ●●●○○ · 25 minutes · 5 points · importance ●●●*
#
# A supernet has a million weights and a Hessian of $10^{12}$ numbers. But the product of the
# Hessian with a *vector* costs no more than a gradient: differentiate $q=\partial
# L_{train}/\partial w$, times that vector, once more. And an inverse is a geometric series, if the
# step size $\gamma$ is small enough (Zhang et al., iDARTS, ICML 2021):
#
# $$H^{-1}=\gamma\sum_{k=0}^{\infty}(I-\gamma H)^k,\qquad
#   v_0=\frac{\partial L_{val}}{\partial w},\quad v_k=v_{k-1}-\gamma Hv_{k-1},\quad
#   p_k=v_0+\ldots+v_k$$
#
# $$g_k=\frac{\partial L_{val}}{\partial\alpha}-\gamma\,
#   \frac{\partial^2L_{train}}{\partial\alpha\,\partial w}\,p_k$$
#
# - `train_loss`, `valid_loss`: functions of `(w, alpha)` that return a scalar tensor;
# - `weights`, `alpha`: double tensors with one axis, without gradient;
# - `step_size`: $\gamma$; `products`: $K$, from 0 on.
#
# Return an array of shape (products + 1, parameters), whose row $k$ is $g_k$: the estimate with $k$
# Hessian-vector products. Never form the Hessian.
#
# <details><summary>Hint 1: leaves</summary>
# <code>w = weights.clone().requires_grad_()</code> is something you can differentiate by.
# <code>torch.autograd.grad(loss, [a, w])</code> gives both gradients at once.
# </details>
# <details><summary>Hint 2: products</summary>
# <code>q, = grad(train_loss(w, a), [w], create_graph=True)</code>, then
# <code>grad(q, [w], v, retain_graph=True)</code> is H v, and <code>grad(q, [a], p,
# retain_graph=True)</code> is the product with the mixed derivative.
# </details>
# <details><summary>Hint 3: plan</summary>
# direct and v from the validation loss; q with its graph; p = v; the first row from p. Then
# <code>products</code> times: v = v - gamma H v, p = p + v, one more row.
# </details>


# %% nbgrader={"grade_id": "ex-10-3-answer", "solution": true}
def neumann(train_loss, valid_loss, weights, alpha, step_size, products):
    """Return the estimates with 0, 1, ..., K products, shape (products + 1, parameters)."""
    # Hint: which line belongs before the loop, so that row 0 has no product in it?
    ### BEGIN SOLUTION
    w, a = weights.clone().requires_grad_(), alpha.clone().requires_grad_()
    direct, v = torch.autograd.grad(valid_loss(w, a), [a, w])
    (q,) = torch.autograd.grad(train_loss(w, a), [w], create_graph=True)
    p, rows = v, []
    for k in range(products + 1):
        if k > 0:
            v = v - step_size * torch.autograd.grad(q, [w], v, retain_graph=True)[0]
            p = p + v
        mixed = torch.autograd.grad(q, [a], p, retain_graph=True)[0]
        rows.append(direct - step_size * mixed)
    return torch.stack(rows)
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-10-3-check", "grade": true, "points": 5}
check("10.3", neumann)

# %% [markdown]
# **What to take away.** $K$ counts products, not terms: with $K=0$ there is one term already, and
# the formula is that of DARTS' second order. The thesis behind iDARTS is off by one when it
# compares the series with truncated reverse mode: $K$ steps back are $K-1$ products (10.4).
#
# ---
# ## 10.4 Backwards through the training
#
# *Difficulty ●●●●○ · 30 minutes · 5 points · importance ●●○*
#
# Instead of asking where training *ends*, differentiate how it *went*. Let there be $T$ steps of
# gradient descent, each on another batch, whose loss is $\frac12w^\top H_tw-w^\top B_t\alpha$:
#
# $$w_{t+1}=w_t-\xi\,(H_tw_t-B_t\alpha),\quad t=0\ldots T-1,\qquad
#   L_{val}=\tfrac12\lVert w_T-\text{target}\rVert^2$$
#
# Here $\alpha$ does not enter the validation loss itself. With $v=\partial L_{val}/\partial w_T$
# the gradient is
#
# $$g=\sum_{t=0}^{T-1}\xi B_t^\top\;(I-\xi H_{t+1})\,(I-\xi H_{t+2})\cdots(I-\xi H_{T-1})\;v$$
#
# so that $v$ goes back through the *last* step first. Truncated to $K$ steps (Shaban et al.,
# AISTATS 2019) only the $K$ terms with the largest $t$ are kept, those with the shortest products.
#
# - `hessians`: shape ($T$, weights, weights), symmetric; `mixed`: shape ($T$, weights, parameters);
# - `start`: $w_0$; `alpha`; `step_size`: $\xi$; `target`: shape (weights,). All numpy arrays.
#
# Return an array of shape ($T$, parameters): row $K-1$ is the gradient truncated to $K$ steps, so
# that the last row is the full one.
#
# <details><summary>Hint 1: two loops</summary>
# One loop forward, to get the last weights; one loop backward. For quadratic losses the weights on
# the way are not needed again.
# </details>
# <details><summary>Hint 2: one step back</summary>
# Two questions about step t: how does its result change with alpha? By xi B_t. And with w_t? By
# I - xi H_t. The first gives the term, the second carries v to the step before.
# </details>
# <details><summary>Hint 3: plan</summary>
# Forward; v = w_T - target; total = 0. For t = T - 1 down to 0: total += xi B_t'v and store a copy;
# then v = v - xi H_t v.
# </details>


# %% nbgrader={"grade_id": "ex-10-4-answer", "solution": true}
def reverse_mode(hessians, mixed, start, alpha, step_size, target):
    """Return the hypergradients truncated to 1, 2, ..., T steps, shape (T, parameters)."""
    # Hint: in which order do the two lines of the second loop stand?
    ### BEGIN SOLUTION
    w = start
    for h, b in zip(hessians, mixed, strict=True):
        w = w - step_size * (h @ w - b @ alpha)
    v, total, rows = w - target, 0, []
    for h, b in zip(hessians[::-1], mixed[::-1], strict=True):
        total = total + step_size * b.T @ v
        rows.append(total)
        v = v - step_size * h @ v
    return np.array(rows)
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-10-4-check", "grade": true, "points": 5}
check("10.4", reverse_mode)

# %% [markdown]
# **What to take away.** Matrices do not commute: a product written in the wrong order is another
# number, and with one or two steps nobody notices. The report on hyperDARTS numbers its steps
# backwards, and its truncation keeps the term with the *longest* product: the one that was shrunk
# most.
#
# ---
# ## 10.5 One iteration of hyperDARTS
#
# *Difficulty ●●●○○ · 25 minutes · 5 points · importance ●●○*
#
# A hypernetwork $w=h(\alpha)$ stands for the best response $w^*(\alpha)$. Then both parts of the
# gradient come from the chain rule, without any second derivative. Take the simplest:
# $w=W\alpha+b$. One iteration has two steps.
#
# 1. $\alpha$ moves by `alpha_rate` down its hypergradient, direct part plus response:
#    $$\frac{\partial L_{val}(w,\alpha)}{\partial\alpha}\Big|_{w\text{ fixed}}\qquad\text{and}\qquad
#      W^\top\,\frac{\partial L_{val}(w,\alpha)}{\partial w}.$$
# 2. At the **new** $\alpha$ the weights are generated anew, and $W$ and $b$ move by `learning_rate`
#    down the gradient of the training loss: with $g=\partial L_{train}(w,\alpha)/\partial w$,
#    $$W\leftarrow W-\eta\,g\,\alpha^\top,\qquad b\leftarrow b-\eta\,g.$$
#
# `train_loss` and `valid_loss` are functions of `(w, alpha)`; `matrix` (weights, parameters),
# `bias` (weights,) and `alpha` (parameters,) are double tensors without gradient. Return five
# arrays, as a tuple in this order or a dict with these keys: `direct`, `response`, `alpha`,
# `matrix`, `bias`, the first two from before the step, the others from after the iteration.
#
# <details><summary>Hint 1: the direct part</summary>
# If w was computed from the same alpha that you differentiate by, autograd goes through both ways
# and gives you the sum. Make w a leaf of its own.
# </details>
# <details><summary>Hint 2: the step of the hypernetwork</summary>
# g is one gradient, by w. <code>torch.outer(g, alpha)</code> has the shape of the matrix.
# </details>
# <details><summary>Hint 3: plan</summary>
# w = (matrix @ alpha + bias), as a leaf; direct and v from one call of grad on the validation loss;
# response = matrix.T @ v; the new alpha. Again w, from the new alpha; g from the training loss; the
# two updates.
# </details>


# %% nbgrader={"grade_id": "ex-10-5-answer", "solution": true}
def hypernetwork_iteration(
    train_loss, valid_loss, matrix, bias, alpha, learning_rate, alpha_rate
):
    """Return direct, response, and the new alpha, matrix and bias."""
    # Hint: every loss gets two tensors; which of them may depend on the other?
    ### BEGIN SOLUTION
    w, a = (matrix @ alpha + bias).requires_grad_(), alpha.clone().requires_grad_()
    direct, v = torch.autograd.grad(valid_loss(w, a), [a, w], materialize_grads=True)
    response = matrix.T @ v
    new = alpha - alpha_rate * (direct + response)
    w = (matrix @ new + bias).requires_grad_()
    (g,) = torch.autograd.grad(train_loss(w, new), [w])
    new_matrix = matrix - learning_rate * torch.outer(g, new)
    return direct, response, new, new_matrix, bias - learning_rate * g
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-10-5-check", "grade": true, "points": 5}
check("10.5", hypernetwork_iteration)

# %% [markdown]
# **What to take away.** Look at the update of $W$: it has rank one, along $\alpha$. So training at
# one $\alpha$ teaches $W\alpha+b$, the weights, and nothing about how they would change if $\alpha$
# went elsewhere. But that is all that the response uses. The chapter shows what comes of it, and
# what a little noise on $\alpha$ during training does about it.
#
# ---
# ## 10.6 Three faults in one iteration
#
# *Difficulty ●●●●○ · 30 minutes · 5 points · importance ●●●*
#
# Here is somebody's iDARTS: some steps of training that are kept, then the hypergradient of 10.3,
# but with the mixed derivative as a difference of two gradients, as DARTS does it. With
# $\epsilon=0.01/\lVert p\rVert$,
#
# $$\frac{\partial^2L_{train}}{\partial\alpha\,\partial w}\,p\approx
#   \frac{1}{2\epsilon}\Big(\frac{\partial L_{train}}{\partial\alpha}(w+\epsilon p,\alpha)
#   -\frac{\partial L_{train}}{\partial\alpha}(w-\epsilon p,\alpha)\Big).$$


# %%
def faulty_iteration(
    train_loss, valid_loss, weights, alpha, learning_rate, alpha_rate, inner_steps, products
):
    """Train the weights, then move alpha; return both."""
    w, a = weights.clone().requires_grad_(), alpha.clone().requires_grad_()
    optimizer = torch.optim.SGD([w], lr=learning_rate)
    for _ in range(inner_steps):
        (w.grad,) = torch.autograd.grad(train_loss(w, a), [w])
        inner = copy.deepcopy(optimizer)  # so that the outer loop keeps a clean optimizer
        inner.step()
    direct, v = torch.autograd.grad(valid_loss(w, a), [a, w])
    (q,) = torch.autograd.grad(train_loss(w, a), [w], create_graph=True)
    p = v
    for _ in range(products):
        v = v - learning_rate * torch.autograd.grad(q, [w], v, retain_graph=True)[0]
        p = p + v
    epsilon = 0.01 / p.norm()
    with torch.no_grad():
        w += epsilon * p
    (plus,) = torch.autograd.grad(train_loss(w, a), [a])
    with torch.no_grad():
        w -= 2 * epsilon * p
    (minus,) = torch.autograd.grad(train_loss(w, a), [a])
    with torch.no_grad():
        w += epsilon * v
    mixed = (plus - minus) / 2 * epsilon
    gradient = direct - learning_rate * mixed
    return {"weights": w.detach(), "alpha": alpha - alpha_rate * gradient}


# %% [markdown]
# It runs, and nothing is `nan`. Try it on a problem whose solution is plain: the training pulls the
# weights towards $\alpha$, the validation loss wants them at 1, so that $w=\alpha=1$ is the end.


# %% nas_course={"tol": {"abs": 0.002}}
def follow(iteration, iterations=300):
    """Print where three weights and three alphas end that should end at 1."""
    curvature = torch.tensor([0.5, 1.0, 2.0], dtype=torch.double)
    w, a = torch.zeros(2, 3, dtype=torch.double)

    def train_loss(w, a):
        return (curvature * (w - a) ** 2).sum() / 2

    def valid_loss(w, a):
        return ((w - 1) ** 2).sum() / 2 + (0 * a).sum()

    for _ in range(iterations):
        result = iteration(train_loss, valid_loss, w, a, 0.3, 0.5, 4, 2)
        w, a = result["weights"], result["alpha"]
    print(f"mean distance from 1: weights {(w - 1).abs().mean():.3f}, ", end="")
    print(f"alphas {(a - 1).abs().mean():.3f}")


follow(faulty_iteration)

# %% [markdown]
# Three faults are in `faulty_iteration`; each sits in one or two lines. All three stood in public
# code. Find them, and write the repaired iteration: copy the function's body and change as little
# as possible. Arguments as in 10.3; `learning_rate` is the step size of the training *and* of the
# series; `inner_steps` is the number of training steps, `products` the $K$ of 10.3. Return the same
# dict (or a tuple): the weights as training left them (up to rounding is enough; what you may gain
# beyond stands below the check), and the new alpha. When it passes, run `follow(idarts_iteration)`.
#
# <details><summary>Hint 1: who steps?</summary>
# Print w in the first loop. Whose weights does a deep copy of an optimizer hold?
# </details>
# <details><summary>Hint 2: how large?</summary>
# Compare <code>mixed</code> with the product that 10.3 computes exactly.
# </details>
# <details><summary>Hint 3: where is w?</summary>
# Compare w before the difference and after it. Which vector is v by then?
# </details>
# <details><summary>Hint 4: plan</summary>
# optimizer.step() without a copy; parentheses round 2 * epsilon; move the weights back along p, or
# copy them before they are moved and put them back with <code>w.copy_(...)</code>.
# </details>


# %% nbgrader={"grade_id": "ex-10-6-answer", "solution": true}
def idarts_iteration(
    train_loss, valid_loss, weights, alpha, learning_rate, alpha_rate, inner_steps, products
):
    """Return {"weights": ..., "alpha": ...} after one iteration of iDARTS."""
    # Hint: every line runs; ask of each tensor what it holds at that moment.
    ### BEGIN SOLUTION
    w, a = weights.clone().requires_grad_(), alpha.clone().requires_grad_()
    optimizer = torch.optim.SGD([w], lr=learning_rate)
    for _ in range(inner_steps):
        (w.grad,) = torch.autograd.grad(train_loss(w, a), [w])
        optimizer.step()
    direct, v = torch.autograd.grad(valid_loss(w, a), [a, w])
    (q,) = torch.autograd.grad(train_loss(w, a), [w], create_graph=True)
    p = v
    for _ in range(products):
        v = v - learning_rate * torch.autograd.grad(q, [w], v, retain_graph=True)[0]
        p = p + v
    epsilon = 0.01 / p.norm()
    trained = w.detach().clone()
    with torch.no_grad():
        w.copy_(trained + epsilon * p)
    (plus,) = torch.autograd.grad(train_loss(w, a), [a])
    with torch.no_grad():
        w.copy_(trained - epsilon * p)
    (minus,) = torch.autograd.grad(train_loss(w, a), [a])
    mixed = (plus - minus) / (2 * epsilon)
    gradient = direct - learning_rate * mixed
    return {"weights": trained, "alpha": alpha - alpha_rate * gradient}
    ### END SOLUTION


# %% nbgrader={"grade_id": "ex-10-6-check", "grade": true, "points": 5}
check("10.6", idarts_iteration)

# %% [markdown]
# **What to take away.** Each fault has its own symptom, if it is alone. With the copied optimizer
# the weights stay at 0, and the alphas run far past 1, since nothing they do has an effect.
# Without the parentheses hardly anything moves. With the wrong vector everything seems to work,
# only the weights end a little beside 1. But look at all three together: the weights arrive,
# although nobody trains them. What is left over when they are put back, $-\epsilon(p-v)$, points
# down the *validation* loss. A supernet that learns is no proof that its training step does
# anything.
#
# Whoever moves the weights back by $\epsilon p$ gets them back up to rounding, the last of sixteen
# digits here. The iteration is as good, but it leaves the weights a trace different from what
# training made of them. Copying is exact, and a test can ask for equality.
