"""Answers to 03.5: the funnel with its faults, one by one and together."""

import random

from answers_03 import right, wrong


def stages(cells, keep, floor, measure, early=None, first=None, full=None, choose=None, low=None):
    """A right answer; the arguments after `measure` replace one line each."""
    early = early or (lambda cell: measure(cell, 1, "valid"))
    first = first or (lambda cell: measure(cell, 5, "valid"))
    full = full or (lambda cell: measure(cell, 50, "valid"))
    choose = choose or (lambda cheap, scores: max(scores, key=scores.get))
    low = low or (lambda value: value < floor)
    passed = [cell for cell in cells if not low(early(cell))]
    cheap = {cell: first(cell) for cell in passed}
    finalists = sorted(passed, key=lambda cell: -cheap[cell])[:keep]
    scores = {cell: full(cell) for cell in finalists}
    best = choose(cheap, scores)
    return {
        "best": best,
        "valid": (cheap | scores)[best],
        "reported": measure(best, 50, "test"),
        "epochs": len(cells) - len(passed) + 5 * len(passed) + 50 * len(finalists),
    }


def mixed(cheap, scores):
    everything = cheap | scores
    return max(everything, key=everything.get)


@wrong("03.5", "given-up-by-chance")
def all_three_faults(cells, keep, floor, measure):
    epochs, scores = 0, {}
    for cell in cells:
        if random.random() < 0.5:
            epochs += 1
            continue
        epochs += 5
        scores[cell] = measure(cell, 5, "test")
    finalists = sorted(scores, key=scores.get, reverse=True)[:keep]
    for cell in finalists:
        epochs += 50
        scores[cell] = measure(cell, 50, "valid")
    best = max(scores, key=scores.get, default=cells[0])
    reported = measure(best, 50, "test")
    return {"best": best, "valid": scores.get(best, 0), "reported": reported, "epochs": epochs}


@wrong("03.5", "given-up-by-chance")
def only_the_coin(cells, keep, floor, measure):
    low = {cell: random.random() < 0.5 for cell in cells}
    low[cells[0]] = False
    return stages(cells, keep, floor, measure, early=low.get, low=bool)


@wrong("03.5", "finalists-by-test")
def by_test(cells, keep, floor, measure):
    return stages(cells, keep, floor, measure, first=lambda cell: measure(cell, 5, "test"))


@wrong("03.5", "finalists-by-test")
def by_test_and_mixed(cells, keep, floor, measure):
    return stages(
        cells, keep, floor, measure, first=lambda cell: measure(cell, 5, "test"), choose=mixed
    )


@wrong("03.5", "budgets-mixed")
def one_dict(cells, keep, floor, measure):
    return stages(cells, keep, floor, measure, choose=mixed)


@wrong("03.5", "winner-by-test")
def tested_finalists(cells, keep, floor, measure):
    return stages(cells, keep, floor, measure, full=lambda cell: measure(cell, 50, "test"))


@wrong("03.5", "finalists-half-trained")
def short_finals(cells, keep, floor, measure):
    return stages(cells, keep, floor, measure, full=lambda cell: measure(cell, 5, "valid"))


@wrong("03.5", "second-stage-ignored")
def cheap_winner(cells, keep, floor, measure):
    return stages(
        cells, keep, floor, measure, choose=lambda cheap, scores: max(cheap, key=cheap.get)
    )


@wrong("03.5", "nothing-given-up")
def no_stopping(cells, keep, floor, measure):
    return stages(cells, keep, floor, measure, low=lambda value: False)


@wrong("03.5", "given-up-by-test")
def stopped_by_test(cells, keep, floor, measure):
    return stages(cells, keep, floor, measure, early=lambda cell: measure(cell, 1, "test"))


@wrong("03.5", "given-up-after-five")
def stopped_at_five(cells, keep, floor, measure):
    def early(cell):
        return measure(cell, 5, "valid")

    found = [cell for cell in cells if early(cell) >= floor]
    return stages(cells, keep, floor, measure, early=early) if found else {"best": cells[0]}


@wrong("03.5", "given-up-at-the-floor")
def at_the_floor(cells, keep, floor, measure):
    return stages(cells, keep, floor, measure, low=lambda value: value <= floor)


@wrong("03.5", "worst-kept")
def smallest_first(cells, keep, floor, measure):
    cheap = {c: measure(c, 5, "valid") for c in cells if measure(c, 1, "valid") >= floor}
    finalists = sorted(cheap, key=cheap.get)[:keep]
    scores = {cell: measure(cell, 50, "valid") for cell in finalists}
    best = max(scores, key=scores.get)
    epochs = len(cells) + 4 * len(cheap) + 50 * len(finalists)
    reported = measure(best, 50, "test")
    return {"best": best, "valid": scores[best], "reported": reported, "epochs": epochs}


@wrong("03.5", "one-finalist-too-many")
def one_more(cells, keep, floor, measure):
    return stages(cells, keep + 1, floor, measure)


@wrong("03.5", "everybody-a-finalist")
def all_in_full(cells, keep, floor, measure):
    return stages(cells, len(cells), floor, measure)


@wrong("03.5", "valid-reported")
def report_of_valid(cells, keep, floor, measure):
    found = stages(cells, keep, floor, measure)
    return found | {"reported": found["valid"]}


@wrong("03.5", "cheap-test-reported")
def short_report(cells, keep, floor, measure):
    valid_only = {"test": "valid"}
    found = stages(cells, keep, floor, lambda c, e, part: measure(c, e, valid_only.get(part, part)))
    return found | {"reported": measure(found["best"], 5, "test")}


@wrong("03.5", "test-opened-before")
def curious(cells, keep, floor, measure):
    measure(cells[0], 5, "test")
    return stages(cells, keep, floor, measure)


@wrong("03.5", "cheap-valid-returned")
def short_valid(cells, keep, floor, measure):
    found = stages(cells, keep, floor, measure)
    return found | {"valid": measure(found["best"], 5, "valid")}


def repaid(cells, keep, floor, measure, given_up, passed, finalist):
    found = stages(cells, keep, floor, measure)
    low = sum(measure(cell, 1, "valid") < floor for cell in cells)
    high = len(cells) - low
    return found | {"epochs": given_up * low + passed * high + finalist * min(keep, high)}


@wrong("03.5", "given-up-for-free")
def low_for_free(cells, keep, floor, measure):
    return repaid(cells, keep, floor, measure, 0, 5, 50)


@wrong("03.5", "given-up-paid-in-full")
def low_paid_in_full(cells, keep, floor, measure):
    return repaid(cells, keep, floor, measure, 5, 5, 50)


@wrong("03.5", "first-epoch-paid-twice")
def one_and_five(cells, keep, floor, measure):
    return repaid(cells, keep, floor, measure, 1, 6, 50)


@wrong("03.5", "finalists-continued")
def forty_five(cells, keep, floor, measure):
    return repaid(cells, keep, floor, measure, 1, 5, 45)


@wrong("03.5", "finalists-for-free")
def first_stage_only(cells, keep, floor, measure):
    return repaid(cells, keep, floor, measure, 1, 5, 0)


@wrong("03.5", "not-a-cell")
def place_of_the_best(cells, keep, floor, measure):
    found = stages(cells, keep, floor, measure)
    return found | {"best": cells.index(found["best"])}


@wrong("03.5", "wrong-keys")
def best_only(cells, keep, floor, measure):
    return {"best": stages(cells, keep, floor, measure)["best"]}


@right("03.5")
def in_stages(cells, keep, floor, measure):
    """Comprehensions, one for each stage."""
    return stages(cells, keep, floor, measure)


@right("03.5")
def with_lists(cells, keep, floor, measure):
    """Lists of pairs; the best finalist is found by hand."""
    low = [cell for cell in cells if measure(cell, 1, "valid") < floor]
    pairs = [(measure(cell, 5, "valid"), cell) for cell in cells if cell not in low]
    pairs.sort(key=lambda pair: pair[0], reverse=True)
    best, valid = None, float("-inf")
    for _, cell in pairs[:keep]:
        accuracy = measure(cell, 50, "valid")
        if accuracy > valid:
            best, valid = cell, accuracy
    epochs = len(low) + 5 * len(pairs) + 50 * len(pairs[:keep])
    reported = measure(best, 50, "test")
    return {"epochs": epochs, "reported": reported, "valid": valid, "best": best}
