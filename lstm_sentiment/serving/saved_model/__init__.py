"""Loads version folders as servables."""
