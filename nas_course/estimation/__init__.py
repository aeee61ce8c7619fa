"""Performance estimation: how good is an architecture? An estimate gives it a Score."""

from nas_course.estimation.kept import KeptTraining
from nas_course.estimation.ranking import Interval, bootstrap, kendall, spearman, top_overlap
from nas_course.estimation.score import Score
from nas_course.estimation.stages import stages
from nas_course.estimation.stopping import MedianRule, MedianStopping, PointwiseMedianRule
from nas_course.estimation.training import NetworkBuilder, TrainingEstimate

__all__ = [
    "Interval",
    "KeptTraining",
    "MedianRule",
    "MedianStopping",
    "NetworkBuilder",
    "PointwiseMedianRule",
    "Score",
    "TrainingEstimate",
    "bootstrap",
    "kendall",
    "spearman",
    "stages",
    "top_overlap",
]
