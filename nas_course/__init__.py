"""Neural architecture search, built to be read: spaces, strategies, estimation, a course."""

__version__ = "0.1.0"
