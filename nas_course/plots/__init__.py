"""Static figures: one function per figure, data in, a figure with its own description out."""

from nas_course.plots.alphas import alpha_curves, alpha_heatmap, weight_bars, winner_timeline
from nas_course.plots.cells import draw_cell, draw_mixed_cell
from nas_course.plots.chains import draw_chain
from nas_course.plots.changes import draw_change
from nas_course.plots.collapse import (
    course_of,
    draw_collapse,
    draw_gap,
    draw_remedies,
    draw_remedy_courses,
)
from nas_course.plots.distributions import draw_spread
from nas_course.plots.fidelity import (
    draw_agreement,
    draw_fidelity,
    draw_halving,
    draw_quality,
)
from nas_course.plots.figure import CourseFigure, new_figure
from nas_course.plots.fronts import draw_front, pareto_front
from nas_course.plots.gradient_board import gradient_regret, regret_by_epoch
from nas_course.plots.hypergradients import (
    draw_bench,
    draw_differences,
    draw_jacobians,
    draw_recovered,
    draw_regularization,
)
from nas_course.plots.images import draw_images
from nas_course.plots.learning import accuracy_against_size, draw_comparison, learning_curves
from nas_course.plots.network import draw_network
from nas_course.plots.overview import alpha_overview, entropy_and_skip
from nas_course.plots.parts import draw_parts
from nas_course.plots.policy import draw_policy, draw_policy_learning
from nas_course.plots.population import draw_population
from nas_course.plots.regret import final_regret, regret_curves
from nas_course.plots.sampling import draw_estimates, draw_gumbel, draw_posterior
from nas_course.plots.selection import (
    draw_design,
    draw_fits,
    draw_searches,
    draw_winners_curse,
)

__all__ = [
    "CourseFigure",
    "accuracy_against_size",
    "alpha_curves",
    "alpha_heatmap",
    "alpha_overview",
    "course_of",
    "draw_agreement",
    "draw_bench",
    "draw_cell",
    "draw_chain",
    "draw_change",
    "draw_collapse",
    "draw_comparison",
    "draw_design",
    "draw_differences",
    "draw_estimates",
    "draw_fidelity",
    "draw_fits",
    "draw_front",
    "draw_gap",
    "draw_gumbel",
    "draw_halving",
    "draw_images",
    "draw_jacobians",
    "draw_mixed_cell",
    "draw_network",
    "draw_parts",
    "draw_policy",
    "draw_policy_learning",
    "draw_population",
    "draw_posterior",
    "draw_quality",
    "draw_recovered",
    "draw_regularization",
    "draw_remedies",
    "draw_remedy_courses",
    "draw_searches",
    "draw_spread",
    "draw_winners_curse",
    "entropy_and_skip",
    "final_regret",
    "gradient_regret",
    "learning_curves",
    "new_figure",
    "pareto_front",
    "regret_by_epoch",
    "regret_curves",
    "weight_bars",
    "winner_timeline",
]
