"""Swaps versions under load in a server of several workers, and kills one of them.

    python -m benchmarks.workers --model models/sentiment --data reviews.csv --text-column review

Callers, each with a connection of its own, ask `serve --workers N` over gRPC while its versions are
swapped, as in `benchmarks.swap_tails`. At a random moment a random worker is killed (SIGKILL).
What failed is counted by whether it was under way when the worker was killed; an answer is wrong if
it is another than that of the version that it names, or if its version could not be the one asked
for. At the end the pages of metrics are compared with what was answered: what the killed worker has
counted in its last second may be missing. The memory is that of each process when it is idle.
"""

import asyncio
import json
import os
import random
import re
import signal
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import grpc
import typer

from benchmarks.asked_texts import shuffled_texts
from benchmarks.processes import NAME, REPOSITORY, Checkout, Server
from benchmarks.swap_tails import Swapper, is_right, known_answers, make_versions
from lstm_sentiment.version_folder import find_version

# Otherwise the channels of a process share one connection, and so one worker.
_OWN_CONNECTION = (("grpc.use_local_subchannel_pool", 1),)
_SECONDS_TO_RESTART = 60
_POLL_SECONDS = 0.05
_GONE_POLL_SECONDS = 0.001
# gRPC's client sends a request or two on a connection that has just been closed.
_SECONDS_TO_NOTICE = 0.02
_MIB = 1024
_FIGURES = {"Rss": "rss_mib", "Pss": "pss_mib", "Private_Dirty": "private_dirty_mib"}


@dataclass(frozen=True)
class Killed:
    """A worker that was killed.

    Attributes:
        pid: Its process id.
        moment: When it was killed.
        gone: When its process had ended; until then its connections stay open.
        replaced: When another worker had taken its place.
    """

    pid: int
    moment: float
    gone: float
    replaced: float


class KillingSwapper(Swapper):
    """Swaps versions, and kills a worker in the course of one of the swaps.

    Attributes:
        all_asks: All requests, those of the time before the first swap too.
        killed: The worker that was killed.
    """

    def __init__(
        self, server: Server, base_path: Path, texts: Sequence[str], last: int, draw: random.Random
    ) -> None:
        """Prepares the requests, and draws the moment and the worker: see `Swapper`."""
        super().__init__(server, base_path, texts, last)
        self._base = f"http://127.0.0.1:{server.rest_api_port}"
        self._draw = draw
        self._fatal_version = draw.randint(2, last)
        self.all_asks = self._run.asks
        self.killed: Killed | None = None

    async def _call(self, channel: grpc.aio.Channel, label: str) -> None:
        address = f"127.0.0.1:{self._server.port}"
        async with grpc.aio.insecure_channel(address, options=_OWN_CONNECTION) as own:
            await super()._call(own, label)

    async def _reload(self, channel: grpc.aio.Channel, version: int) -> None:
        while True:
            try:
                await super()._reload(channel, version)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE:
                    raise
            else:
                return

    async def _swap(self, channel: grpc.aio.Channel, version: int) -> None:
        if version == self._fatal_version:
            killing = asyncio.create_task(self._kill())
            await super()._swap(channel, version)
            await killing
        else:
            await super()._swap(channel, version)

    async def _kill(self) -> None:
        await asyncio.sleep(self._draw.uniform(0, 1))
        pid = self._draw.choice(await self._pids())
        moment = time.perf_counter()
        os.kill(pid, signal.SIGKILL)
        while Path(f"/proc/{pid}").exists():
            await asyncio.sleep(_GONE_POLL_SECONDS)
        gone, restarts = time.perf_counter(), 0
        while not restarts and time.perf_counter() < moment + _SECONDS_TO_RESTART:
            await asyncio.sleep(_POLL_SECONDS)
            workers = (await self._state_page())["workers"]
            restarts = workers["restarts"] if _are_all_ready(workers) else 0
        self.killed = Killed(pid, moment, gone, time.perf_counter())

    async def _pids(self) -> list[int]:
        return [each["pid"] for each in (await self._state_page())["workers"]["processes"]]

    async def _state_page(self) -> Any:
        while True:
            with suppress(OSError):  # it was asked of the worker that is killed
                return json.loads(await asyncio.to_thread(_page, f"{self._base}/state"))


def _are_all_ready(workers: Any) -> bool:
    ready = [each for each in workers["processes"] if each["ready"]]
    return len(ready) == int(workers["count"])


def _page(url: str) -> str:
    with urllib.request.urlopen(url) as answer:
        return str(answer.read().decode())


def counted(server: Server) -> int:
    """Returns the number of answered requests on the page of metrics."""
    page = _page(f"http://127.0.0.1:{server.rest_api_port}/monitoring/prometheus/metrics")
    label = re.escape(f'{{model_name="{NAME}",status="OK"}}')
    found = re.search(rf"^:tensorflow:serving:request_count{label} (\d+)$", page, re.MULTILINE)
    return int(found[1]) if found else 0


def memory(pid: int) -> dict[str, float]:
    """Returns the resident, the proportional and the private memory of a process, in MiB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    values = {line.partition(":")[0]: line.split()[1] for line in lines[1:]}
    return {name: int(values[key]) / _MIB for key, name in _FIGURES.items()}


def say(name: str, figures: dict[str, Any]) -> None:
    """Prints one line, with figures of one place."""
    rounded = {k: round(v, 1) if isinstance(v, float) else v for k, v in figures.items()}
    print(json.dumps({"benchmark": "workers", "name": name, **rounded}), flush=True)


def main(
    model: Annotated[
        list[Path], typer.Option(help="A version's folder, or a folder of versions; repeatable.")
    ],
    data: Annotated[
        Path | None, typer.Option(help="Texts to ask for. Default: the demo corpus.")
    ] = None,
    text_column: str = "text",
    workers: int = 2,
    callers: int = 16,
    swaps: int = 20,
    quiet_seconds: Annotated[float, typer.Option(help="Between two swaps.")] = 0.5,
    num_texts: int = 1000,
    seed: Annotated[int, typer.Option(help="Of the worker and the moment.")] = 0,
    flag: Annotated[
        list[str] | None, typer.Option(help="Of `serve`, such as --flag=--enable-batching.")
    ] = None,
) -> None:
    """Swaps versions under load and kills a worker; prints what failed, and the memory."""
    texts = shuffled_texts(data, text_column, seed=seed)
    draw = random.Random(seed)
    texts = texts[:num_texts]
    versions = [find_version(each) for each in model]
    known = [known_answers(version, texts) for version in versions]
    flags = [f"--workers={workers}", "--file-system-poll-wait-seconds=0", *(flag or ())]
    with tempfile.TemporaryDirectory() as folder:
        base_path = Path(folder).resolve() / NAME
        last = swaps + 1
        make_versions(base_path, versions, last)
        with Checkout(REPOSITORY).served(base_path, *flags) as server:
            pids = json.loads(_page(f"http://127.0.0.1:{server.rest_api_port}/state"))["workers"]
            say("parent", memory(server.process.pid))
            for each in pids["processes"]:
                say(f"worker {each['number']}", memory(each["pid"]))
            swapper = KillingSwapper(server, base_path, texts, last, draw)
            run = asyncio.run(swapper.run(callers, quiet_seconds))
            on_page = counted(server)
    killed = swapper.killed
    answered = [ask for ask in swapper.all_asks if ask.response is not None]
    failed = [ask for ask in swapper.all_asks if ask.response is None]
    under_way = [
        ask
        for ask in failed
        if killed and ask.start <= killed.gone + _SECONDS_TO_NOTICE and killed.moment <= ask.end
    ]
    say(
        "swaps and a killed worker",
        {
            "swaps": len(run.swaps),
            "requests": len(swapper.all_asks),
            "wrong": sum(not is_right(ask, known) for ask in answered),
            "failed_with_the_killed": len(under_way),
            "failed_else": len(failed) - len(under_way),
            "seconds_to_replace": killed.replaced - killed.moment if killed else None,
            "answered": len(answered),
            "counted": on_page,
        },
    )


if __name__ == "__main__":
    typer.run(main)
