"""The table of routes: what it promises of every route, whichever are added."""

import re
from collections.abc import Mapping
from itertools import combinations

import pytest

from lstm_sentiment.serving.monitoring.observability import MetricsPage
from lstm_sentiment.serving.rest_api.answers import RestAnswers
from lstm_sentiment.serving.rest_api.open_inference.answers import OpenInferenceAnswers
from lstm_sentiment.serving.rest_api.open_inference.pages import OpenInferencePages
from lstm_sentiment.serving.rest_api.pages import Pages
from lstm_sentiment.serving.rest_api.routing.route import Route, Router
from tests.serving.fake_servables import FakeServable, plane_of

PAGES = Pages(lambda: True, dict, MetricsPage("/metrics[{x}]", bytes), ui=True)
ROUTER = Router(PAGES.routes())


# The path of the metrics is an operator's, and no template.
TEMPLATES = [route for route in ROUTER.routes if route.operation_id != "metrics"]


@pytest.mark.parametrize("route", TEMPLATES, ids=lambda route: route.operation_id)
def test_every_route_is_found_by_all_paths_of_its_template(route: Route) -> None:
    for path in route.paths():
        values = {name: "7" for name in re.findall(r"{(\w+)}", path)}
        target = ROUTER.find(route.methods[0], path.format(**values))
        assert target is not None
        assert target.route is route
        given = {name: value for name, value in target.match.groupdict().items() if value}
        assert given == values


@pytest.mark.parametrize("route", ROUTER.routes, ids=lambda route: route.operation_id)
def test_every_route_has_a_handler_and_a_good_answer(route: Route) -> None:
    plane = plane_of(FakeServable())
    handlers: Mapping[str, object] = (
        PAGES.handlers() | OpenInferencePages(lambda: True).handlers()
        if route.api is None
        else RestAnswers(plane).handlers | OpenInferenceAnswers(plane).handlers
    )
    assert route.operation_id in handlers
    assert 200 in route.replies


def test_operations_have_names_of_their_own() -> None:
    for one, other in combinations(ROUTER.routes, 2):
        assert one.operation_id != other.operation_id


@pytest.mark.parametrize("route", ROUTER.routes, ids=lambda route: route.operation_id)
def test_a_path_has_the_methods_by_which_it_is_found(route: Route) -> None:
    values = {name: "7" for name in re.findall(r"{(\w+)}", route.paths()[0])}
    path = route.paths()[0].format(**values) if route in TEMPLATES else "/metrics[{x}]"
    methods = ROUTER.methods_of(path)
    assert {*route.methods} <= {*methods}
    assert ("HEAD" in methods) is ("GET" in methods)
    if "*" not in methods:
        tried = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")
        found = [method for method in tried if ROUTER.find(method, path) is not None]
        assert sorted(found) == sorted(methods)


def test_a_path_without_a_route_has_no_methods() -> None:
    assert ROUTER.methods_of("/nowhere") == ()


@pytest.mark.parametrize("method", ["GET", "POST", "PURGE"])
def test_the_page_of_metrics_is_found_at_its_very_path(method: str) -> None:
    target = ROUTER.find(method, "/metrics[{x}]")
    assert target is not None
    assert target.route.operation_id == "metrics"
    assert ROUTER.find(method, "/metricsx") is None


def test_pages_that_a_server_does_not_have_have_no_route() -> None:
    router = Router(Pages(lambda: True, None, None, ui=False).routes())
    assert [router.find("GET", path) for path in ("/state", "/", "/metrics")] == [None] * 3
