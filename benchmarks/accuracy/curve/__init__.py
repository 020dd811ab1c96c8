"""The learning curve: how right the whole product is with 100, 300, 1,000 and more labels."""

BENCHMARK = "accuracy curve"
