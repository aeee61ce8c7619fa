"""Performance estimation: how good is an architecture? An estimate gives it a Score."""

from nas_course.estimation.curve_regression import CurveRegression
from nas_course.estimation.extrapolation import (
    ExtrapolatedEstimate,
    Forecast,
    extrapolate,
    last_value,
)
from nas_course.estimation.funnel import Funnel, funnel
from nas_course.estimation.kept import KeptTraining
from nas_course.estimation.predictors import (
    ForestPredictor,
    MeanPredictor,
    MLPEnsemble,
    RidgeEnsemble,
)
from nas_course.estimation.proxies import Proxy, ProxyQuality, measure_proxies
from nas_course.estimation.ranking import Interval, bootstrap, kendall, spearman, top_overlap
from nas_course.estimation.score import Score
from nas_course.estimation.stages import stages
from nas_course.estimation.stopping import MedianRule, MedianStopping, PointwiseMedianRule
from nas_course.estimation.table import TableEstimate
from nas_course.estimation.training import NetworkBuilder, TrainingEstimate
from nas_course.estimation.zero_cost import ZeroCostEstimate

__all__ = [
    "CurveRegression",
    "ExtrapolatedEstimate",
    "Forecast",
    "ForestPredictor",
    "Funnel",
    "Interval",
    "KeptTraining",
    "MLPEnsemble",
    "MeanPredictor",
    "MedianRule",
    "MedianStopping",
    "NetworkBuilder",
    "PointwiseMedianRule",
    "Proxy",
    "ProxyQuality",
    "RidgeEnsemble",
    "Score",
    "TableEstimate",
    "TrainingEstimate",
    "ZeroCostEstimate",
    "bootstrap",
    "extrapolate",
    "funnel",
    "kendall",
    "last_value",
    "measure_proxies",
    "spearman",
    "stages",
    "top_overlap",
]
