"""Tests that run where the core of the package is installed alone: see `.ci/core_only`."""
