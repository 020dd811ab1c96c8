#!/usr/bin/env bash
# One would guess: `trial.params` and `study.best_params` of Optuna hold the values that the objective received
# from `suggest_categorical` and `suggest_int`, so that a model can be trained again from them.
#
# What happens: the objective receives one value, and another is recorded. A categorical choice is recorded as the
# place of the first choice that is equal to it, and in Python 1, 1.0 and True are equal. Of the choices 1, 1.0
# and 0.5 the objective receives 1.0, and `best_params` holds 1. A grid search runs both and records the same
# parameters twice. `suggest_int` records an integer as a float: above 2**53 the recorded seed is another seed.
#
# Versions: optuna 5.0.0.
#
# Why it matters: in scikit-learn's vectorizers, `min_df=1` means "one document" and `min_df=1.0` "every
# document", as do `max_df`, `max_features` and `max_samples` elsewhere; a switch may be off, on or a weight
# (False, True, 0.5, 1). The model that is trained from `best_params` is not the model that won. Give the choices
# names ("one", "all") and map them to values in the objective; draw seeds below 2**53.
#
# Seen on Linux x86-64, Python 3.11:
#   grid over [1, 1.0, 0.5]: tried 0.5, 1, 1.0; recorded 0.5, 1, 1
#   best: tried 1.0; best_params 1; best_trial.suggest_categorical 1
#   switch over [False, True, 0, 1]: tried 0, 1, False, True; recorded False, True
#   seed: tried 9007199254740993; recorded 9007199254740992
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check optuna==5.0.0

cat >"$folder/params.py" <<'PYTHON'
"""Compares the values that an objective received with those that the study recorded."""
import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)


def listed(values):
    """Returns the values as their sorted representations."""
    return ", ".join(sorted(map(repr, values)))


tried = []


def objective(trial):
    """Records what it receives; the float 1.0 is the best."""
    tried.append(trial.suggest_categorical("min_df", [1, 1.0, 0.5]))
    return 1.0 if isinstance(tried[-1], float) and tried[-1] == 1 else 0.0


study = optuna.create_study(
    direction="maximize", sampler=optuna.samplers.GridSampler({"min_df": [1, 1.0, 0.5]}, seed=0)
)
study.optimize(objective, n_trials=3)
recorded = [trial.params["min_df"] for trial in study.trials]
print(f"grid over [1, 1.0, 0.5]: tried {listed(tried)}; recorded {listed(recorded)}")
best, of_trial = study.best_params["min_df"], study.best_trial.suggest_categorical("min_df", [1, 1.0, 0.5])
winner = tried[study.best_trial.number]
print(f"best: tried {winner!r}; best_params {best!r}; best_trial.suggest_categorical {of_trial!r}")
assert (listed(tried), listed(recorded)) == ("0.5, 1, 1.0", "0.5, 1, 1")
assert [repr(value) for value in (winner, best, of_trial)] == ["1.0", "1", "1"]

switches = []
study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
study.optimize(
    lambda trial: float(switches.append(trial.suggest_categorical("switch", [False, True, 0, 1])) or 0),
    n_trials=30,
)
kept = {repr(trial.params["switch"]) for trial in study.trials}
received = {repr(value) for value in switches}
print(f"switch over [False, True, 0, 1]: tried {', '.join(sorted(received))}; recorded {', '.join(sorted(kept))}")
assert received == {"False", "True", "0", "1"}
assert kept == {"False", "True"}

seeds = []
study = optuna.create_study()
study.enqueue_trial({"seed": 2**53 + 1})
study.optimize(lambda trial: float(seeds.append(trial.suggest_int("seed", 0, 2**62)) or 0), n_trials=1)
print(f"seed: tried {seeds[0]}; recorded {study.best_params['seed']}")
assert (seeds[0], study.best_params["seed"]) == (2**53 + 1, 2**53)
PYTHON
"$folder/env/bin/python" "$folder/params.py"
