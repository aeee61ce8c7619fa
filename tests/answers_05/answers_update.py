"""Answers to 05.6: the repaired REINFORCE update, and repairs that are not complete."""

import torch

from answers_05 import right, wrong


def run(tables, value, tokens, rewards, learning_rate, losses, next_row=lambda t, s: t[:, s]):
    """The update; `losses` gives the sum of both, `next_row` what is fed back after a step."""
    tables = [table.clone().requires_grad_() for table in tables]
    value = torch.tensor(float(value), dtype=torch.double, requires_grad=True)
    previous = torch.zeros(len(tokens), dtype=torch.int64)
    log_p = torch.zeros(len(tokens), dtype=torch.double)
    for step, table in enumerate(tables):
        log_pi = table[previous].log_softmax(dim=1)
        log_p = log_p + log_pi.gather(1, tokens[:, step, None])[:, 0]
        previous = next_row(tokens, step)
    total = losses(rewards, value, log_p)
    new = []
    gradients = torch.autograd.grad(total, [*tables, value], allow_unused=True)
    for parameter, gradient in zip([*tables, value], gradients, strict=True):
        new.append(parameter if gradient is None else parameter - learning_rate * gradient)
    return {"tables": new[:-1], "value": new[-1].detach()}


def repaired(rewards, value, log_p):
    return -((rewards - value).detach() * log_p).mean() + (rewards - value).pow(2).mean()


def turned(rewards, value, log_p):
    return ((rewards - value).detach() * log_p).mean() + (rewards - value).pow(2).mean()


def in_the_graph(rewards, value, log_p):
    return -((rewards - value) * log_p).mean() + (rewards - value).pow(2).mean()


def turned_and_in_the_graph(rewards, value, log_p):
    return ((rewards - value) * log_p).mean() + (rewards - value).pow(2).mean()


def start_row(tokens, step):
    return torch.zeros(len(tokens), dtype=torch.int64)


@wrong("05.6", "nothing-repaired")
def as_it_was(*case):
    return run(*case, turned_and_in_the_graph, start_row)


@wrong("05.6", "loss-turned")
def sign_left(*case):
    return run(*case, turned)


@wrong("05.6", "loss-turned")
def sign_and_feedback_left(*case):
    return run(*case, turned, start_row)


@wrong("05.6", "loss-turned")
def sign_and_graph_left(*case):
    return run(*case, turned_and_in_the_graph)


@wrong("05.6", "token-not-fed-back")
def feedback_left(*case):
    return run(*case, repaired, start_row)


@wrong("05.6", "token-not-fed-back")
def feedback_and_graph_left(*case):
    return run(*case, in_the_graph, start_row)


@wrong("05.6", "baseline-in-the-graph")
def graph_left(*case):
    return run(*case, in_the_graph)


@wrong("05.6", "baseline-never-learns")
def detached_everywhere(*case):
    def losses(rewards, value, log_p):
        value = value.detach()
        return -((rewards - value) * log_p).mean() + (rewards - value).pow(2).mean()

    return run(*case, losses)


@wrong("05.6", "policy-cut-off")
def detached_log_probability(*case):
    def losses(rewards, value, log_p):
        gain = ((rewards - value).detach() * log_p.detach()).mean()
        return -gain + (rewards - value).pow(2).mean()

    return run(*case, losses)


@wrong("05.6", "both-losses-turned")
def minus_everything(*case):
    return run(*case, lambda r, v, log_p: -turned(r, v, log_p))


@wrong("05.6", "baseline-removed")
def rewards_only(*case):
    return run(*case, lambda r, v, log_p: -(r * log_p).mean() + (r - v).pow(2).mean())


@wrong("05.6", "summed-over-the-batch")
def sums(*case):
    def losses(rewards, value, log_p):
        gain = ((rewards - value).detach() * log_p).sum()
        return -gain + (rewards - value).pow(2).mean()

    return run(*case, losses)


@wrong("05.6", "first-token-only")
def always_the_first(*case):
    return run(*case, repaired, lambda tokens, step: tokens[:, 0])


@wrong("05.6", "token-itself-as-row")
def one_too_early(tables, value, tokens, rewards, learning_rate):
    last = len(tables) - 1
    case = (tables, value, tokens, rewards, learning_rate)
    return run(*case, repaired, lambda tokens, step: tokens[:, min(step + 1, last)])


@wrong("05.6", "likeliest-not-drawn")
def greedy(tables, value, tokens, rewards, learning_rate):
    tables = [table.clone().requires_grad_() for table in tables]
    value = torch.tensor(float(value), dtype=torch.double, requires_grad=True)
    previous = torch.zeros(len(tokens), dtype=torch.int64)
    log_p = torch.zeros(len(tokens), dtype=torch.double)
    for step, table in enumerate(tables):
        log_p = log_p + table[previous].log_softmax(dim=1).max(dim=1).values
        previous = tokens[:, step]
    repaired(rewards, value, log_p).backward()
    new = [p.detach() - learning_rate * p.grad for p in (*tables, value)]
    return {"tables": new[:-1], "value": new[-1]}


@wrong("05.6", "new-baseline-used")
def value_first(tables, value, tokens, rewards, learning_rate):
    value = value - learning_rate * float(2 * (value - rewards).mean())
    tables = run(tables, value, tokens, rewards, learning_rate, repaired)["tables"]
    return {"tables": tables, "value": value}


@wrong("05.6", "nothing-changed")
def returns_the_old(tables, value, tokens, rewards, learning_rate):
    run(tables, value, tokens, rewards, learning_rate, repaired)
    return {"tables": tables, "value": value}


@wrong("05.6", "tables-missing")
def one_table(*case):
    result = run(*case, repaired)
    return result | {"tables": result["tables"][0]}


@wrong("05.6", "wrong-keys")
def a_tuple(*case):
    return tuple(run(*case, repaired).values())


@right("05.6")
def with_no_grad(tables, value, tokens, rewards, learning_rate):
    """Computes the advantages from the float, so that nothing has to be detached."""

    def losses(r, v, log_p):
        return -((r - value) * log_p).mean() + (r - v).pow(2).mean()

    return run(tables, value, tokens, rewards, learning_rate, losses)


@right("05.6")
def with_parameters(tables, value, tokens, rewards, learning_rate):
    """Parameters changed in place after backward(), rows made by one shift of the tokens."""
    tables = [torch.nn.Parameter(table.clone()) for table in tables]
    baseline = torch.nn.Parameter(torch.tensor(value, dtype=torch.double))
    rows = torch.cat([torch.zeros_like(tokens[:, :1]), tokens[:, :-1]], dim=1)
    log_p = sum(
        table.log_softmax(dim=1)[rows[:, step], tokens[:, step]]
        for step, table in enumerate(tables)
    )
    (repaired(rewards, baseline, log_p)).backward()
    with torch.no_grad():
        for parameter in (*tables, baseline):
            parameter -= learning_rate * parameter.grad
    return {"tables": list(tables), "value": baseline.item()}


@right("05.6")
def by_hand(tables, value, tokens, rewards, learning_rate):
    """No autograd: one-hot minus pi, added row by row."""
    new = [table.numpy().copy() for table in tables]
    for sequence, reward in zip(tokens.tolist(), rewards.tolist(), strict=True):
        row = 0
        for step, token in enumerate(sequence):
            score = -tables[step][row].softmax(0).numpy()
            score[token] += 1
            new[step][row] += learning_rate * (reward - value) * score / len(tokens)
            row = token
    mean = float(rewards.mean())
    return {"tables": new, "value": value + learning_rate * 2 * (mean - value)}
