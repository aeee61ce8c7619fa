"""Check of exercise 08.10: the plan of an unconfounded comparison."""

from __future__ import annotations

from typing import Any

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Diagnosis, Exercise, Stage, describe
from nas_course.grading.expect import expect_keys, expect_number

PARTS = ("baseline", "regularised", "seeds", "retraining", "random_cells", "outcome")
SETTINGS = (
    "epochs",
    "weight_learning_rate",
    "minimum_learning_rate",
    "alpha_learning_rate",
    "alpha_weight_decay",
    "skip_strength",
)
GROUPS = ("baseline", "regularised", "random")
RECIPE = ("epochs", "learning_rate", "weight_decay", "cutout")
WHY_FIELD = {
    "epochs": "a longer search alone changes alpha: skips grow with the number of epochs",
    "weight_learning_rate": "the weights learn at another pace, and alpha follows them",
    "minimum_learning_rate": "the schedule differs, so the weights of the last epochs differ",
    "alpha_learning_rate": "alpha moves at another pace, with or without a penalty",
    "alpha_weight_decay": "decay pulls all logits to 0 and so acts on skips as the penalty does",
}
RANDOM_CELLS = {
    "a": (
        "random-cells-left-out",
        "Without random cells you cannot tell a good search from a good space.",
    ),
    "b": (
        "random-cells-not-matched",
        "Random cells of any kind have another number of skips; then a gain may come from fewer "
        "skips alone, which a coin could have given you too.",
    ),
    "d": (
        "random-cells-without-skips",
        "Cells without any skip answer another question, and are often hard to train.",
    ),
}
OUTCOMES = {
    "a": (
        "supernet-accuracy-as-outcome",
        "The supernet's accuracy belongs to a mixture of all operations, not to the derived cell.",
    ),
    "b": (
        "skip-count-as-outcome",
        "That the penalty lowers the number of skips is how it works, not whether it helps.",
    ),
    "d": (
        "parameters-as-outcome",
        "Fewer skips mean more convolutions, hence more parameters. That is a cost, not a success.",
    ),
    "e": (
        "best-epoch-on-test",
        "The best of many looks at the test set is an optimistic number: the test set chose it.",
    ),
}


def _plan(ask: Ask) -> dict[str, Any]:
    return expect_keys(ask.value(), PARTS, given="plan")


def _settings(plan: dict[str, Any], name: str) -> dict[str, float]:
    given = f"plan[{name!r}]"
    fields = expect_keys(plan[name], SETTINGS, given=given)
    return {key: expect_number(fields[key], given=f"{given}[{key!r}]") for key in SETTINGS}


def _one_difference(ask: Ask, rng: np.random.Generator) -> None:
    plan = _plan(ask)
    baseline, regularised = _settings(plan, "baseline"), _settings(plan, "regularised")
    _check_strengths(baseline["skip_strength"], regularised["skip_strength"])
    for field, why in WHY_FIELD.items():
        if baseline[field] != regularised[field]:
            raise Diagnosis(
                given="the two settings",
                got=f"{field}: {baseline[field]:g} and {regularised[field]:g}",
                expected=f"{field} equal in both",
                cause=f"The comparison is confounded: {why}.",
                next_step="Make the second setting from the first: "
                "{**baseline, 'skip_strength': ...}.",
                code=f"{field.replace('_', '-')}-differs",
            )


def _check_strengths(baseline: float, regularised: float) -> None:
    if baseline != 0:
        code, cause = "baseline-penalised", "The baseline carries the penalty too."
    elif regularised == 0:
        code, cause = "nothing-differs", "The regularised setting has no penalty."
    elif regularised < 0:
        code, cause = "skips-rewarded", "A negative strength rewards skip connections."
    else:
        return
    raise Diagnosis(
        given="skip_strength of baseline and regularised",
        got=f"{baseline:g} and {regularised:g}",
        expected="0 for the baseline, a positive number for the other",
        cause=cause,
        next_step="The penalty is the one field in which the settings may differ.",
        code=code,
    )


def _seeds(ask: Ask, rng: np.random.Generator) -> None:
    value = _plan(ask)["seeds"]
    entries = value.tolist() if isinstance(value, np.ndarray) else value
    if not isinstance(entries, list | tuple | set):
        raise Diagnosis(
            given="plan['seeds']",
            got=f"{describe(entries)} ({type(entries).__name__})",
            expected="a list of whole numbers",
            cause="The seeds must be listed one by one, so that both settings can use the same.",
            next_step="For example [0, 1, 2].",
            code="seeds-not-listed",
        )
    seeds = [expect_number(seed, given="plan['seeds']", whole=True) for seed in entries]
    if len(set(seeds)) < len(seeds):
        code, cause = "seed-repeated", "A repeated seed gives the same run again, no new evidence."
    elif len(seeds) < 3:
        code, cause = (
            "too-few-seeds",
            "One run cannot show how much runs scatter, and two hardly: with two seeds the 95 % "
            "interval is 12.7 standard errors wide on each side.",
        )
    else:
        return
    raise Diagnosis(
        given="plan['seeds']",
        got=seeds,
        expected="at least 3 different seeds",
        cause=cause,
        next_step="Use 3 or more different seeds, the same for all groups.",
        code=code,
    )


def _retraining(ask: Ask, rng: np.random.Generator) -> None:
    recipes = expect_keys(_plan(ask)["retraining"], GROUPS, given="plan['retraining']")
    for group in GROUPS:
        expect_keys(recipes[group], RECIPE, given=f"plan['retraining'][{group!r}]")
        if any(isinstance(value, bool | str) for value in recipes[group].values()):
            raise _odd_recipe(group, recipes[group])
    for group in GROUPS[1:]:
        for field in RECIPE:
            if recipes[group][field] != recipes["baseline"][field]:
                raise _unequal_recipe(group, field, recipes)
    if recipes["baseline"]["epochs"] <= 0:
        raise Diagnosis(
            given="plan['retraining']",
            got=f"epochs = {recipes['baseline']['epochs']}",
            expected="at least one epoch",
            cause="Without retraining the cells would be judged with the weights of the supernet.",
            next_step="Train every derived cell from scratch.",
            code="no-retraining",
        )


def _odd_recipe(group: str, recipe: dict[str, Any]) -> Diagnosis:
    return Diagnosis(
        given=f"plan['retraining'][{group!r}]",
        got=recipe,
        expected="a number for each field",
        cause="A recipe is made of numbers here.",
        next_step="Copy `retraining_recipe` from the cell above.",
        code="recipe-not-numbers",
    )


def _unequal_recipe(group: str, field: str, recipes: dict[str, Any]) -> Diagnosis:
    baseline, other = recipes["baseline"][field], recipes[group][field]
    return Diagnosis(
        given="plan['retraining']",
        got=f"{field}: {baseline} for baseline, {other} for {group}",
        expected=f"{field} equal for {', '.join(GROUPS)}",
        cause="The derived cells are trained by different recipes, so recipes would be compared.",
        next_step="Use one recipe for all three groups.",
        code="random-retrained-differently" if group == "random" else "retraining-differs",
    )


def _control(ask: Ask, rng: np.random.Generator) -> None:
    plan = _plan(ask)
    _choice(plan, "random_cells", RANDOM_CELLS, "c", "abcd")
    _choice(plan, "outcome", OUTCOMES, "c", "abcde")


def _choice(
    plan: dict[str, Any], key: str, wrong: dict[str, tuple[str, str]], right: str, letters: str
) -> None:
    given = plan[key].strip().lower() if isinstance(plan[key], str) else plan[key]
    if given == right:
        return
    unknown = "not-a-choice", "The answer is none of the letters."
    code, cause = wrong.get(given, unknown) if isinstance(given, str) else unknown
    raise Diagnosis(
        given=f"plan[{key!r}]",
        got=plan[key],
        expected="one of the letters " + ", ".join(letters),
        cause=cause,
        next_step="Read the list once more: what would your choice leave unexplained?",
        code=code,
    )


PLAN = Exercise(
    id="08.10",
    chapter="08_darts",
    title="Plan a comparison that can be believed",
    answer="plan",
    minutes=15,
    difficulty=2,
    stages=(
        Stage("the two searches differ in one field", 2, _one_difference),
        Stage("seeds", 1, _seeds),
        Stage("equal retraining", 1, _retraining),
        Stage("random cells and the outcome", 1, _control),
    ),
    reasons=(
        "One field differs, so whatever differs in the outcome beyond chance comes from it. In "
        "the lesson it could have been the decay of alpha or the schedule.",
        "Three seeds are the least from which the scatter can be seen, and they must be the "
        "same ones in every group, so that results can be paired.",
        "Equal retraining: otherwise recipes are compared, not cells.",
        "Random cells with the same number of skips separate two explanations of a gain: fewer "
        "skips, or a better search.",
        "Test accuracy after the last epoch of retraining is what a user gets. The number of "
        "skips or parameters describes the cell, and the best epoch has been chosen by the test "
        "set.",
    ),
)

EXERCISES = (PLAN,)
