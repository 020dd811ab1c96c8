"""The command line: each command parses flags and calls one library function."""
