#!/usr/bin/env bash
# One would guess: a study that is kept in a storage and resumed with `load_if_exists=True` goes on. A sampler with
# a seed knows which trials exist and continues after them, so that 3 trials and 3 more are what 6 trials at
# once are. And a `direction` that contradicts the stored study is an error.
#
# What happens: the sampler starts from its seed again and does not look at what was tried. While TPESampler still
# draws at random, which is for its first 10 trials, the resumed study evaluates exactly the same points a second
# time; RandomSampler does so always. The other direction is dropped without a warning: a study
# that maximizes goes on to maximize, and `best_params` are those of the highest value.
#
# Versions: optuna 5.0.0.
#
# Why it matters: a search on machines that may be taken away is restarted often, with a seed so that it can be
# repeated. If it is restarted after every few trials, the whole budget goes into the same few points; several
# workers with the same seed do the same work at the same time. The number of trials in the storage
# grows, and nothing shows the repetition. Derive the seed from the number of trials
# (`len(study.trials)`), or keep the sampler itself with pickle; compare `study.direction` after loading.
#
# Seen on Linux x86-64, Python 3.11 (one parameter, seed 0):
#   TPESampler, 6 trials at once: 0.549 0.715 0.603 0.545 0.424 0.646
#   TPESampler, 3 trials and 3 more: 0.549 0.715 0.603 0.549 0.715 0.603
#   RandomSampler, 3 trials and 3 more: 0.549 0.715 0.603 0.549 0.715 0.603
#   direction="minimize" on a study that maximizes: MAXIMIZE, best value 0.715
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check optuna==5.0.0

cat >"$folder/resume.py" <<'PYTHON'
"""Runs studies at once and in two parts, and prints the points that they tried."""
import warnings

import optuna
from optuna.samplers import RandomSampler, TPESampler

optuna.logging.set_verbosity(optuna.logging.ERROR)
STORAGE = "sqlite:///studies.db"


def objective(trial):
    """Returns its only parameter."""
    return trial.suggest_float("x", 0, 1)


def points(sampler, *parts):
    """Returns the points of a study that was run in parts, each with a new sampler with the seed 0."""
    name = f"{sampler.__name__} {parts}"
    for trials in parts:
        study = optuna.create_study(
            study_name=name, storage=STORAGE, direction="maximize", load_if_exists=True, sampler=sampler(seed=0)
        )
        study.optimize(objective, n_trials=trials)
    return [round(trial.params["x"], 3) for trial in study.trials]


def show(name, found):
    """Prints the points and returns them."""
    print(f"{name}:", *(f"{point:.3f}" for point in found))
    return found


at_once = show("TPESampler, 6 trials at once", points(TPESampler, 6))
resumed = {
    sampler.__name__: show(f"{sampler.__name__}, 3 trials and 3 more", points(sampler, 3, 3))
    for sampler in (TPESampler, RandomSampler)
}
assert len(set(at_once)) == 6
assert resumed["TPESampler"] == resumed["RandomSampler"] == at_once[:3] * 2

with warnings.catch_warnings():
    warnings.simplefilter("error")
    study = optuna.create_study(
        study_name="TPESampler (3, 3)", storage=STORAGE, direction="minimize", load_if_exists=True
    )
print(f'direction="minimize" on a study that maximizes: {study.direction.name}, best value {study.best_value:.3f}')
assert (study.direction.name, round(study.best_value, 3)) == ("MAXIMIZE", 0.715)
PYTHON
cd "$folder"
env/bin/python resume.py
