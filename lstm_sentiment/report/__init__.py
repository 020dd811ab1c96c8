"""What an exported version is worth on labelled texts: scores, and a page to look at."""
