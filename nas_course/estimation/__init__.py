"""Performance estimation: how good is an architecture? An estimate gives it a Score."""

from nas_course.estimation.curve_regression import CurveRegression
from nas_course.estimation.extrapolation import (
    ExtrapolatedEstimate,
    Forecast,
    extrapolate,
    last_value,
)
from nas_course.estimation.kept import KeptTraining
from nas_course.estimation.ranking import Interval, bootstrap, kendall, spearman, top_overlap
from nas_course.estimation.score import Score
from nas_course.estimation.stages import stages
from nas_course.estimation.stopping import MedianRule, MedianStopping, PointwiseMedianRule
from nas_course.estimation.training import NetworkBuilder, TrainingEstimate

__all__ = [
    "CurveRegression",
    "ExtrapolatedEstimate",
    "Forecast",
    "Interval",
    "KeptTraining",
    "MedianRule",
    "MedianStopping",
    "NetworkBuilder",
    "PointwiseMedianRule",
    "Score",
    "TrainingEstimate",
    "bootstrap",
    "extrapolate",
    "kendall",
    "last_value",
    "spearman",
    "stages",
    "top_overlap",
]
