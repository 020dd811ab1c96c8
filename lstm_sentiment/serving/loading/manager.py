"""A manager of versions, made from a server's options."""

from functools import partial

from lstm_sentiment.serving.batching.scheduler import BatchScheduler
from lstm_sentiment.serving.loading.engines import VersionLoader
from lstm_sentiment.serving.loading.options import LoadingOptions
from lstm_sentiment.serving.manager.load_order import (
    availability_preserving_action,
    resource_preserving_action,
)
from lstm_sentiment.serving.manager.manager import Manager
from lstm_sentiment.serving.manager.state_events import StateCallback

_POLICIES = {
    "availability-preserving": availability_preserving_action,
    "resource-preserving": resource_preserving_action,
}


def version_manager(
    loading: LoadingOptions, scheduler: BatchScheduler | None, on_state: StateCallback
) -> Manager:
    """Makes an idle manager of versions, whose requests a scheduler may batch.

    Raises:
        InvalidInputError: If a number is out of its range.
    """
    return Manager(
        partial(VersionLoader, loading=loading, scheduler=scheduler),
        policy=_POLICIES[loading.aspired_version_policy],
        max_num_load_retries=loading.max_num_load_retries,
        load_retry_interval_seconds=loading.load_retry_interval_seconds,
        num_load_threads=loading.num_load_threads,
        memory_limit_bytes=loading.memory_limit_bytes,
        on_state=on_state,
    )
