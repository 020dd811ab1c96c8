"""A model service that answers as stock TensorFlow Serving does, with no model behind it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
)

from lstm_sentiment.models_config.config import as_models_config

START, AVAILABLE, END = 10, 30, 50


class StockModelService(model_service_pb2_grpc.ModelServiceServicer):
    """Its labels point to available versions only, and are applied before versions are loaded."""

    def __init__(self, **models: set[int]) -> None:
        self.states = {name: dict.fromkeys(found, AVAILABLE) for name, found in models.items()}
        self.labels: dict[str, dict[str, int]] = {}
        self.broken: set[int] = set()
        self.slow: set[int] = set()
        self.refusal = ""
        self.loads_nothing = False
        self.on_reload: Callable[[], object] = lambda: None
        self.reloads: list[Any] = []
        self.callers: list[str] = []

    def GetModelStatus(self, request: Any, context: grpc.ServicerContext) -> Any:
        name = request.model_spec.name
        if name not in self.states:
            context.abort(grpc.StatusCode.NOT_FOUND, f"Could not find any versions of model {name}")
        response = get_model_status_pb2.GetModelStatusResponse()
        for version, state in sorted(self.states[name].items(), reverse=True):
            told = response.model_version_status.add(version=version, state=state)
            if version in self.broken:
                told.status.error_code, told.status.error_message = 2, "no good"
            if version in self.slow:  # loaded by the time it is asked for again
                self.slow.remove(version)
                self.states[name][version] = AVAILABLE
        return response

    def HandleReloadConfigRequest(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.reloads.append(as_models_config(request.config))
        metadata = dict(context.invocation_metadata())
        self.callers.append(str(metadata.get("authorization", "")))
        self.on_reload()
        if self.refusal:
            status = {"error_code": 3, "error_message": self.refusal}
            return model_management_pb2.ReloadConfigResponse(status=status)
        models = request.config.model_config_list.config
        for model in models:
            for version in model.version_labels.values():
                if self.states.get(model.name, {}).get(version) != AVAILABLE:
                    context.abort(
                        grpc.StatusCode.FAILED_PRECONDITION, f"label to version {version}"
                    )
        for model in models:
            self.labels[model.name] = dict(model.version_labels)
            if model.model_version_policy.HasField("specific") and not self.loads_nothing:
                self._serve(model.name, {*model.model_version_policy.specific.versions})
        return model_management_pb2.ReloadConfigResponse()

    def available(self, name: str) -> set[int]:
        return {version for version, state in self.states[name].items() if state == AVAILABLE}

    def _serve(self, name: str, wanted: set[int]) -> None:
        states = self.states.setdefault(name, {})
        for version in wanted | states.keys():
            is_loaded = version in wanted - self.broken
            states[version] = AVAILABLE if is_loaded else END
            if is_loaded and version in self.slow:
                states[version] = START

    def serve(self) -> tuple[grpc.Server, str]:
        """Starts a server of it on a free port; gives it and its address."""
        server = grpc.server(ThreadPoolExecutor(2))
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(self, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        return server, f"127.0.0.1:{port}"
