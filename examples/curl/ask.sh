#!/bin/sh
# Asks a model server in plain curl: ours, or stock TensorFlow Serving.
#
#   ./ask.sh predict "房间很干净"            each class with its probability
#   ./ask.sh classify "房间很干净"           the same by the Classify API
#   ./ask.sh explain "房间很干净"            which tokens spoke for the label
#   ./ask.sh status                          which versions are there, and in which state
#   ./ask.sh metadata                        what the model can be asked
#
# What comes back is the server's JSON, pretty where it is pretty. Settings:
#   SERVER=http://localhost:8501   where its REST API is
#   MODEL=sentiment                the model's name
#   VERSION=3 or LABEL=stable      whom to ask; neither: the newest version
#   TOKEN_FILE=token.txt           a file with the bearer token, where the server wants one
#   RETRY=5                        how often to try again while nobody listens yet
set -eu

usage() {
  sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
  exit 2
}

# A JSON string: what would end it, or may not stand in it, is escaped.
quoted() {
  printf '"%s"' "$(
    printf '%s' "$1" | sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' |
      awk '{ gsub(/\t/, "\\t"); gsub(/\r/, "\\r"); printf "%s%s", (NR > 1 ? "\\n" : ""), $0 }'
  )"
}

# curl's settings come by standard input, so that no token is seen in the list of processes.
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
