"""`verify`: compares a version's answers, here and on a server, with those of training."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lstm_sentiment.cli.connection_options import AccessFlags
from lstm_sentiment.cli.engine_flags import EngineFlags, import_tensorflow_if_installed
from lstm_sentiment.cli.flag_groups import takes_flag_groups
from lstm_sentiment.cli.options import AsJson, ModelFolder
from lstm_sentiment.cli.results import print_json, print_line, print_rows
from lstm_sentiment.version_folder import find_version

if TYPE_CHECKING:
    from lstm_sentiment.versions.verification.verify import Verification

DIFFERENT = 1


@takes_flag_groups
def verify(
    access: AccessFlags,
    engine: EngineFlags,
    model: ModelFolder = Path("models/sentiment"),
    server: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT", help="gRPC address of a server to check.", show_default=False
        ),
    ] = None,
    rest_api: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT", help="REST address of a server to check.", show_default=False
        ),
    ] = None,
    model_name: Annotated[
        str | None,
        typer.Option(
            help="The model's name on the server and in the log. Default: the name of the "
            "folder of versions.",
            show_default=False,
        ),
    ] = None,
    version: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Version on the server. Default: the number of --model; with --requests, the "
            "highest.",
            show_default=False,
        ),
    ] = None,
    version_label: Annotated[
        str | None,
        typer.Option(
            "--version-label",
            "--label",
            metavar="L",
            help="Version label on the server, instead of a number.",
            show_default=False,
        ),
    ] = None,
    requests: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PREFIX",
            help="Replay a server's request log instead: the filename_prefix of its "
            "logging_config, or a file. May be repeated.",
            show_default=False,
        ),
    ] = None,
    tolerance: Annotated[
        float, typer.Option(help="Largest allowed difference of a probability.")
    ] = 1e-5,
    timeout_seconds: Annotated[
        float, typer.Option(help="Seconds to wait for each request to the server.")
    ] = 10.0,
    as_json: AsJson = False,
) -> None:
    """Check that a version still answers what training computed.

    Each version stores texts with the answers of the trained model. The command
    loads the version with each available engine, sends the same texts to
    --server or --rest-api if given, and compares the answers of the signatures
    (kinds of request) text, tokens, serving_default or ids, classify, explain.

    With --requests, it sends the texts of a request log to the version or the
    server instead, and compares the answers with those in the log. With
    --tolerance 1, only changed labels count.

    Exits with 0 if all probabilities, labels and tokens are equal, with 1 and a
    line per difference otherwise, and with 2 if a server cannot be reached or
    refuses the token.

    Example: python cli.py verify --model models/sentiment --server localhost:8500
    """
    from lstm_sentiment.versions.verification.verify import check_verification, verify_version

    check_verification(server, rest_api, version, version_label, tolerance, timeout_seconds)
    access.check_server(server, rest_api, flags="`--server` or `--rest-api`")
    if requests:
        from lstm_sentiment.cli.verify_requests import replay_requests

        is_equal = replay_requests(
            requests,
            engine,
            as_json=as_json,
            model_dir=model,
            server=server,
            rest_api=rest_api,
            model_name=model_name,
            version=version,
            version_label=version_label,
            tolerance=tolerance,
            timeout_seconds=timeout_seconds,
            **access.access._asdict(),
        )
        raise typer.Exit(0 if is_equal else DIFFERENT)
    version_dir = find_version(model)
    if engine.engine == "auto":
        import_tensorflow_if_installed()  # both engines are asked
    else:
        engine.prepare(version_dir)
    from lstm_sentiment.cli.console import TerminalProgress

    result = verify_version(
        model,
        server=server,
        rest_api=rest_api,
        engine=engine.engine,
        model_name=model_name,
        version=version,
        version_label=version_label,
        tolerance=tolerance,
        timeout_seconds=timeout_seconds,
        **access.access._asdict(),
        progress=TerminalProgress(),
    )
    if as_json:
        print_json(result.to_dict())
    else:
        _print_result(result)
    _tell_problems(result)
    if not result.is_equal:
        raise typer.Exit(DIFFERENT)


def _print_result(result: "Verification") -> None:
    print_line(f"{'answered by':<15}{'signature':<18}largest difference")
    for way in result.ways:
        mark = "" if way.problem is None else "  differs"
        print_line(
            f"{way.way:<15}{way.signature:<18}{_number(way.largest_difference):<18}{mark}".rstrip()
        )
    print()
    rows = {
        "version": result.version_dir,
        "texts": result.texts,
        "tolerance": f"{result.tolerance:g}",
        "largest of all": _number(result.largest_difference),
        "equal": "yes" if result.is_equal else "no",
    }
    print_rows(rows.items())


def _number(difference: float | None) -> str:
    return "none" if difference is None else f"{difference:.2g}"


def _tell_problems(result: "Verification") -> None:
    from lstm_sentiment.cli.console import tell

    for way in result.ways:
        if way.problem is not None:
            tell(f"{way.way}, {way.signature}: {way.problem}")
