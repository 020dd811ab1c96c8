#!/bin/sh
# Sends requests to a model server with plain curl: ours, or stock TensorFlow Serving.
#
#   ./ask.sh predict "房间很干净"            each class with its probability
#   ./ask.sh classify "房间很干净"           the same by the Classify API
#   ./ask.sh explain "房间很干净"            how much each token supports the label
#   ./ask.sh status                          the versions and their states
#   ./ask.sh metadata                        the model's signatures: its functions, inputs and outputs
#
# Prints the server's JSON. Environment variables:
#   SERVER=http://localhost:8501   address of the REST API
#   MODEL=sentiment                the model's name
#   VERSION=3 or LABEL=stable      the version; default: the newest
#   TOKEN_FILE=token.txt           a file with the bearer token, if the server requires one
#   RETRY=5                        retries while the server does not listen yet
set -eu

usage() {
  sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
  exit 2
}

# Prints a text as a JSON string, with special characters escaped.
quoted() {
  printf '"%s"' "$(
    printf '%s' "$1" | sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' |
      awk '{ gsub(/\t/, "\\t"); gsub(/\r/, "\\r"); printf "%s%s", (NR > 1 ? "\\n" : ""), $0 }'
  )"
}

# curl reads its settings from standard input, so the list of processes does not show the token.
ask() {
  path=$1
  shift
  status=0
  if [ -n "${TOKEN_FILE:-}" ]; then
    printf 'header = "Authorization: Bearer %s"\n' "$(cat "$TOKEN_FILE")"
  fi | curl --silent --show-error --fail-with-body --max-time 30 \
    --retry "${RETRY:-0}" --retry-connrefused --config - "$@" "$model$path" || status=$?
  echo
  return "$status"
}

model="${SERVER:-http://localhost:8501}/v1/models/${MODEL:-sentiment}"
if [ -n "${VERSION:-}" ]; then
  model="$model/versions/$VERSION"
elif [ -n "${LABEL:-}" ]; then
  model="$model/labels/$LABEL"
fi

case "${1:-}:$#" in
  predict:2) ask :predict --data "{\"signature_name\": \"text\", \"instances\": [$(quoted "$2")]}" ;;
  explain:2) ask :predict --data "{\"signature_name\": \"explain\", \"instances\": [$(quoted "$2")]}" ;;
  classify:2) ask :classify --data "{\"signature_name\": \"classify\", \"examples\": [{\"text\": $(quoted "$2")}]}" ;;
  status:1) ask "" ;;
  metadata:1) ask /metadata ;;
  *) usage ;;
esac
