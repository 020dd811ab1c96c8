"""Connections to REST that say nothing, more than the server has descriptors."""

from benchmarks.siege.idle import idle_connections

ATTACK = idle_connections("idle-rest-connections", "REST", lambda target: target.rest_address)
