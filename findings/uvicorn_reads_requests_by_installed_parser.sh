#!/usr/bin/env bash
# One would guess: uvicorn gives an application the same requests, whichever of its two parsers of HTTP/1.1 reads
# them. httptools is the faster one, and uvicorn takes it as soon as it is installed.
#
# What happens: two valid requests arrive differently. A POST that offers a change to HTTP/2 (`Upgrade: h2c`),
# which a server may ignore, keeps its body with h11 and loses it with httptools: the application gets an
# empty body and a Content-Length that is not zero. A request whose target is a whole URL (absolute form,
# which HTTP/1.1 servers must take) has the path `/predict` with httptools, and the path
# `http://localhost/predict` with h11, so that no route matches.
#
# Versions: uvicorn 0.54.0, h11 0.16.0, httptools 0.9.0.
#
# Why it matters: Java's HttpClient makes this offer over plain HTTP unless it is set to HTTP/1.1, and proxies
# send the absolute form. Installing or removing an optional package, such as those of `uvicorn[standard]`,
# decides which of these clients works, and the server's own tests, made with a Python client, see neither.
#
# Seen on Linux x86-64, Python 3.11:
#   POST with Upgrade: h2c: h11 path /predict, body of 2 bytes; httptools path /predict, body of 0 bytes
#   POST to http://localhost/predict: h11 path http://localhost/predict, body of 2 bytes; httptools path /predict, body of 2 bytes
#   POST: h11 path /predict, body of 2 bytes; httptools path /predict, body of 2 bytes
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check \
  uvicorn==0.54.0 h11==0.16.0 httptools==0.9.0

cat >"$folder/requests.py" <<'PYTHON'
"""Sends three requests to an application behind each of uvicorn's parsers."""
import asyncio

import uvicorn

TARGET, UPGRADE = "/predict", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
REQUESTS = {
    "POST with Upgrade: h2c": (TARGET, UPGRADE),
    "POST to http://localhost/predict": ("http://localhost/predict", ""),
    "POST": (TARGET, ""),
}


async def application(scope, receive, send):
    """Answers with the path and the length of the body."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    text = f"path {scope['path']}, body of {len(body)} bytes".encode()
    headers = [(b"content-length", str(len(text)).encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": text})


async def answers(parser):
    """Returns the answer to each request, read by one parser."""
    config = uvicorn.Config(application, http=parser, port=0, lifespan="off", log_level="critical")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    found = {}
    for name, (target, headers) in REQUESTS.items():
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"POST {target} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: 2\r\n\r\n[]".encode())
        found[name] = (await asyncio.wait_for(reader.read(), 20)).split(b"\r\n\r\n", 1)[1].decode()
        writer.close()
    server.should_exit = True
    await serving
    return found


by_h11, by_httptools = (asyncio.run(answers(parser)) for parser in ("h11", "httptools"))
for name in REQUESTS:
    print(f"{name}: h11 {by_h11[name]}; httptools {by_httptools[name]}")
whole = "path /predict, body of 2 bytes"
assert list(by_h11.values()) == [whole, "path http://localhost/predict, body of 2 bytes", whole]
assert list(by_httptools.values()) == ["path /predict, body of 0 bytes", whole, whole]
PYTHON
timeout 120 "$folder/env/bin/python" "$folder/requests.py"
