"""A route of the REST API, and the router that finds the route of a request.

A `Route` describes one operation: its method and paths, who answers
it, and what its requests and responses look like. The table of all routes is `routing/table.py`;
requests are dispatched by it and `/openapi.json` is made from it, so that the two cannot differ.

To add an operation:

1. Add its `Route` to `table.py`, with an `operation_id` of its own, and the roles that it requires.
2. Add a handler of that name. One that calls a model (`api` is set) is in `RestAnswers.handlers`
   and takes a `RestCall`; limits, deadline, errors as `{"error": message}`, metrics and logs
   are taken care of by the application. A page (`api` is `None`) stands in `Pages.handlers`, takes
   the ASGI scope, and is answered as it is. Both return a `Response`.
3. Name the schemas of its bodies in `schemas.py`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from lstm_sentiment.serving.access.roles import ANY, Roles
from lstm_sentiment.serving.asgi import Scope

ANY_METHOD = ("GET", "*")
"""The methods of a page that does not look at the method."""

_PARAMETERS = {"version": "[0-9]+"}
# What a path may hold but for `/` and `:`, as TensorFlow Serving's parser of URLs takes it.
_ANY_PARAMETER = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=@]++|%[0-9A-Fa-f]{2})++"
_TOKENS = re.compile(r"(\{\w+\}|[\[\]|])")

# Key of a scope: the route is looked for once.
_TARGET = "lstm_sentiment.target"


class Reply(NamedTuple):
    """One way in which an operation answers.

    Attributes:
        description: What the answer means.
        schema: Name of the body's schema; `None` where there is none.
        content_types: Media types of the body.
    """

    description: str
    schema: str | None = None
    content_types: tuple[str, ...] = ("application/json",)


@dataclass(frozen=True, eq=False, kw_only=True)
class Route:
    """One operation of the REST API.

    Attributes:
        operation_id: Its name, by which its handler is found.
        template: Its paths. `{name}` stands for a part of the path, `[...|...]` for one of several
            alternatives or nothing: `/v1/models/{model}[/versions/{version}|/labels/{label}]`.
        methods: The HTTP methods; the description shows only the first. Where `GET` is among them,
            `HEAD` is answered as it is, without the body.
        summary: What it does, in one line.
        tag: The group that it is described in.
        api: Name of the method in metrics and logs, such as `Predict`; `None` for a page.
        body: Name of the schema of the request's body; `None` for none.
        headers: Names of the headers that its answer depends on.
        query: Names of the parameters of its query, all of them optional.
        replies: The answers, by HTTP status; 401 and 403 go without saying.
        roles: Roles of which a token must have one; `None` where it needs no token.
        pattern: What a whole path must match; by default the template, in its very case. Parameters
            of the path are its named groups.
    """

    operation_id: str
    template: str
    methods: tuple[str, ...] = ("GET",)
    summary: str
    tag: str
    roles: Roles
    api: str | None = None
    body: str | None = None
    headers: tuple[str, ...] = ()
    query: tuple[str, ...] = ()
    replies: Mapping[int, Reply] = field(default_factory=dict)
    pattern: re.Pattern[str] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        """Makes the pattern of the template."""
        if self.pattern is None:
            object.__setattr__(self, "pattern", re.compile(template_pattern(self.template)))

    def paths(self) -> list[str]:
        """Returns the paths that the template stands for, each with its `{name}`s."""
        head, begin, rest = self.template.partition("[")
        if not begin:
            return [head]
        choices, _, tail = rest.partition("]")
        return [f"{head}{choice}{tail}" for choice in ("", *choices.split("|"))]


class RestTarget(NamedTuple):
    """The route of a request.

    Attributes:
        route: The route.
        match: The match of the path, with its parameters as groups.
    """

    route: Route
    match: re.Match[str]


class Router:
    """Finds the route of a request."""

    def __init__(self, routes: Iterable[Route]) -> None:
        """Makes the router; of two routes that match, the first one counts."""
        self.routes = tuple(routes)
        methods = {method for route in self.routes for method in route.methods}
        self._by_method = {method: [*self._routes_of(method)] for method in {*methods, "*"}}

    def _routes_of(self, method: str) -> Iterator[Route]:
        return (route for route in self.routes if {method, "*"} & {*route.methods})

    def find(self, method: str, path: str) -> RestTarget | None:
        """Returns the route of a request; `None` if it has none.

        Args:
            method: The HTTP method.
            path: The path as it was sent: a name may hold an escaped slash or colon.
        """
        if method == "HEAD":  # as GET, but that the connection sends no body (RFC 9110, 9.3.2)
            method = "GET"
        for route in self._by_method.get(method) or self._by_method["*"]:
            if match := route.pattern.fullmatch(path):
                return RestTarget(route, match)
        return None

    def methods_of(self, path: str) -> tuple[str, ...]:
        """Returns the methods that a path has; empty if there is no such path.

        Args:
            path: The path as it was sent.
        """
        found = (route.methods for route in self.routes if route.pattern.fullmatch(path))
        methods = {method: None for each in found for method in each}
        return (*methods, "HEAD") if "GET" in methods else (*methods,)

    def roles_of(self, scope: Scope) -> Roles:
        """Returns the roles that a request requires: any token where it has no route."""
        target = scope[_TARGET] = self.find(scope["method"], path_of(scope))
        return ANY if target is None else target.route.roles

    def target_of(self, scope: Scope) -> RestTarget | None:
        """Returns the route of a request; `None` if it has none."""
        if _TARGET in scope:
            found: RestTarget | None = scope[_TARGET]
            return found
        return self.find(scope["method"], path_of(scope))


def path_of(scope: Scope) -> str:
    """Returns the path as it was sent: a name may hold an escaped slash or colon."""
    path: str = scope["raw_path"].decode("latin-1")
    return path


def template_pattern(template: str) -> str:
    """Returns the regular expression of a template."""
    return "".join(map(_token_pattern, _TOKENS.split(template)))


def _token_pattern(token: str) -> str:
    if token.startswith("{"):
        name = token[1:-1]
        return f"(?P<{name}>{_PARAMETERS.get(name, _ANY_PARAMETER)})"
    return {"[": "(?:", "|": "|", "]": ")?"}.get(token) or re.escape(token)
