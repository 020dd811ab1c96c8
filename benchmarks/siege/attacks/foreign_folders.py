"""A config by request that names a folder nobody has offered."""

import shutil

from benchmarks.processes import NAME
from benchmarks.siege.asking import grpc_statuses
from benchmarks.siege.attack import Attack, Target
from lstm_sentiment.models_config.config import single_model_config
from lstm_sentiment.protocol.model_management_pb2 import ReloadConfigRequest
from lstm_sentiment.version_folder import find_version

_RELOAD = "/tensorflow.serving.ModelService/HandleReloadConfigRequest"
_PATIENCE_SECONDS = 10.0


def _run(target: Target) -> str:
    base_path = target.folder / "planted"
    shutil.copytree(find_version(target.base_path), base_path / "1")
    ways = [
        base_path,
        f"{target.base_path}/../../../../../../../../../..{base_path}",
    ]
    messages = [_reload(str(way)) for way in ways]
    # At the end what was served is served again, for those who ask meanwhile.
    messages.append(_reload(str(target.base_path)))
    *answers, last = (
        dict(grpc_statuses(target, _RELOAD, [message], _PATIENCE_SECONDS)) for message in messages
    )
    return f"folders that nobody offered: {answers}; the one that is served: {last}"


def _reload(base_path: str) -> bytes:
    config = single_model_config(NAME, "/")
    config.model_config_list.config[0].base_path = base_path
    request = ReloadConfigRequest()
    request.config.CopyFrom(config)
    return request.SerializeToString()


ATTACK = Attack(
    name="foreign-folders",
    stands_for="item 7",
    what="Configs by request that name a folder planted elsewhere, plainly and by `..`.",
    run=_run,
    seconds=50.0,
)
