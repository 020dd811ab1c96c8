"""The framework of `benchmarks/siege`."""

import pkgutil
from pathlib import Path

from benchmarks.siege import attacks
from benchmarks.siege.attack import Target, all_attacks
from benchmarks.siege.cost import Cost
from benchmarks.siege.measuring import Outcome
from benchmarks.siege.table import table


def test_each_module_holds_an_attack_of_its_own_name() -> None:
    found = all_attacks()
    modules = [module.name for module in pkgutil.iter_modules(attacks.__path__)]
    assert sorted(found) == sorted(name.replace("_", "-") for name in modules)
    for attack in found.values():
        assert attack.what.endswith(".") and 0 < attack.seconds <= 120


def test_target_tells_its_addresses() -> None:
    target = Target(8500, 8501, Path("models/sentiment"), Path("attack"))
    assert target.grpc_address == "127.0.0.1:8500"
    assert target.rest_address == ("127.0.0.1", 8501)


def test_table_shows_what_each_server_cost_before_during_and_after() -> None:
    calm = Cost(cpu_seconds=0.1, mib=100, kept_mib=100, threads=10, descriptors=20)
    stormy = Cost(cpu_seconds=3.25, mib=1500, log_bytes=12345, failures=2)
    stormy.latencies["gRPC"] += [0.002, 0.003, 0.9]
    lines = table(
        [("old", Outcome("", calm, stormy, calm)), ("new", Outcome("", calm, calm, calm))]
    )
    rows = {line.split("|")[1].strip(): line.split("|")[2:-1] for line in lines.splitlines()}
    cells = {name: [cell.strip() for cell in row] for name, row in rows.items()}
    assert cells[""] == [f"{who}, {when}" for who in ("old", "new") for when in _TIMES]
    assert cells["CPU, s"] == ["0.10", "3.25", "0.10", "0.10", "0.10", "0.10"]
    assert cells["log, bytes"][1] == "12,345"
    assert cells["honest gRPC, median, ms"][:2] == ["–", "3.0"]
    assert cells["honest gRPC, worst, ms"][1] == "900.0"
    assert cells["honest requests failed"][1] == "2"


_TIMES = ("before", "during", "after")
