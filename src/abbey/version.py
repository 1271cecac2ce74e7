"""The version of Abbey; the build reads it from here, and CHANGELOG.md must name it."""

__version__ = "0.1.0"
