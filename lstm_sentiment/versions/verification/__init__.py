"""Checks that a version answers as it did when it was trained, whichever way it is asked."""
