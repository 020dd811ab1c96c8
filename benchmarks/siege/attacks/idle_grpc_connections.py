"""Connections to gRPC that say nothing, more than the server has descriptors."""

from benchmarks.siege.idle import idle_connections

ATTACK = idle_connections("idle-grpc-connections", "gRPC", lambda target: target.host_and_port)
