"""The choice between refusing a file with malformed rows and leaving those rows out."""

from typing import Literal

BadRows = Literal["refuse", "skip"]
"""`refuse` raises for a file with a malformed row; `skip` leaves such rows out and counts them."""
