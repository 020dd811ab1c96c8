"""Runs tests of a TensorFlow Serving checkout and writes what became of each: for `__main__`.

python -m benchmarks.upstream.run_tests TENSORFLOW_SERVING_FOLDER OUTCOMES_JSON [TEST...]
"""

import importlib.util
import json
import sys
import unittest
from pathlib import Path
from typing import Any

import tensorflow_serving


def main(sources: Path, outcomes: Path, names: list[str]) -> None:
    """Runs tests and writes a JSON file: test to `pass`, or how it failed.

    Args:
        sources: The folder `tensorflow_serving` of a checkout.
        outcomes: The file.
        names: The tests to run; none for all.
    """
    # The messages come from the package on PyPI; what the checkout has beside them from there.
    tensorflow_serving.__path__.append(str(sources))
    path = sources / "model_servers" / "tensorflow_model_server_test.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    found: dict[str, str] = {}
    for test in _tests_in(suite):
        name = test.id().rsplit(".", 1)[-1]
        if names and name not in names:
            continue
        found[name] = _outcome(test)
        print(name, found[name], flush=True)
    outcomes.write_text(json.dumps(found))


def _tests_in(suite: unittest.TestSuite) -> list[unittest.TestCase]:
    tests: list[Any] = []
    for each in suite:
        tests += _tests_in(each) if isinstance(each, unittest.TestSuite) else [each]
    return tests


def _outcome(test: unittest.TestCase) -> str:
    result = unittest.TestResult()
    test.run(result)
    # `test_session` of TensorFlow's class of tests is skipped.
    for _, trace in (*result.failures, *result.errors):
        print(trace)
        lines = [line.strip() for line in trace.splitlines() if line.strip()]
        # An error of gRPC takes several lines.
        told = next((line for line in lines if line.startswith("details = ")), lines[-1])
        return f"FAIL: {told[:120]}"
    return "pass"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
