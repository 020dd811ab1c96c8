"""Measures an exported version on labelled texts: counts, slices, confident mistakes."""
