"""Black-box strategies: asked for an architecture, told its score, nothing else known."""

from nas_course.strategies.black_box.strategy import (
    Finished,
    Partial,
    Strategy,
    fitness,
    generator_state,
    require,
    set_generator_state,
)

__all__ = [
    "Finished",
    "Partial",
    "Strategy",
    "fitness",
    "generator_state",
    "require",
    "set_generator_state",
]
