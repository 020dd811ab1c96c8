"""Makes the `*_pb2` modules of this package from its `.proto` files.

    python -m lstm_sentiment.protocol.generate

Needs `grpcio-tools`, of the extra `dev`. A test checks that the modules are up to date.
"""

import re
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
_ROOT = FOLDER.parents[1]
_DEFAULT_POOL = "_descriptor_pool.Default()"
_IMPORT_OF_POOL = "from google.protobuf import descriptor_pool as _descriptor_pool\n"


def generate(output: Path) -> None:
    """Writes a module and its type stub for each `.proto` file.

    Args:
        output: The root folder; the modules come into `lstm_sentiment/protocol` below it.

    Raises:
        RuntimeError: If the compiler refuses a file.
    """
    files = sorted(str(file.relative_to(_ROOT)) for file in FOLDER.glob("*.proto"))
    # A process of its own: the compiler's C++ does not go together with TensorFlow's.
    done = subprocess.run(
        [
            *(sys.executable, "-m", "grpc_tools.protoc", f"-I{_ROOT}"),
            *(f"--python_out={output}", f"--pyi_out={output}", *files),
        ],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"protoc ended with exit code {done.returncode}: {done.stderr}")
    for file in files:
        module = output / file.replace(".proto", "_pb2.py")
        module.write_text(_in_own_pool(module.read_text("utf-8")), "utf-8")


def _in_own_pool(code: str) -> str:
    """Puts a generated module's messages into `POOL`, whatever protobuf's version below 8."""
    code = code.replace(_IMPORT_OF_POOL, "from lstm_sentiment.protocol.pool import POOL\n")
    code = code.replace(_DEFAULT_POOL, "POOL")
    # The compiler's version, and the check that the runtime fits: pyproject.toml has both.
    code = re.sub(r"^# Protobuf Python Version.*\n", "", code, flags=re.M)
    code = re.sub(r"^from .* import runtime_version as .*\n", "", code, flags=re.M)
    return re.sub(r"^_runtime_version\.Validate.*?^\)\n", "", code, flags=re.M | re.S)


if __name__ == "__main__":
    generate(_ROOT)
    sys.stdout.write(f"{FOLDER}: the modules are up to date.\n")
