#!/bin/bash
# A real Orthanc with DICOMweb on loopback, for tests and for trying things by hand.
#
#   tests/archive/orthanc.sh start FOLDER [--user NAME:PASSWORD]     prints its port once it answers
#   tests/archive/orthanc.sh stop FOLDER                             stops it and removes FOLDER
#
# FOLDER must not exist: what Orthanc stores, its log, port and process number lie there. DICOMweb is at
# http://127.0.0.1:PORT/dicom-web. Exit codes: 77 where Orthanc or its plugin is not installed, 1 for other failures.
set -uo pipefail

fail() { echo "orthanc.sh: $1" >&2; exit "${2:-1}"; }

usage="expected start FOLDER [--user NAME:PASSWORD] or stop FOLDER"
[[ $# -ge 2 ]] || fail "$usage" 2
action=$1
folder=$2
shift 2

# This very process: a number may since belong to another.
is_ours() { [[ -n "$1" && "$(tr '\0' ' ' 2>/dev/null <"/proc/$1/cmdline")" == *"$folder/orthanc.json"* ]]; }

stop() {
  local process
  process=$(cat "$folder/process" 2>/dev/null)
  if is_ours "$process"; then
    kill -TERM "$process" 2>/dev/null
    for ((i = 0; i < 100; ++i)); do is_ours "$process" || break; sleep 0.1; done
    is_ours "$process" && kill -KILL "$process" 2>/dev/null
  fi
  rm -rf "$folder"
}

start() {
  local user="" plugin="" program place
  while [[ $# -gt 0 ]]; do
    case $1 in
      --user) [[ "${2:-}" == ?*:?* ]] || fail "--user: expected NAME:PASSWORD" 2; user=$2; shift 2 ;;
      *) fail "$usage, found '$1'" 2 ;;
    esac
  done
  program=$(PATH=$PATH:/usr/sbin:/usr/local/sbin command -v Orthanc) || fail "Orthanc is not installed" 77
  for place in /usr/share/orthanc/plugins /usr/local/share/orthanc/plugins /usr/lib/orthanc; do
    [[ -e "$place/libOrthancDicomWeb.so" ]] && plugin="$place/libOrthancDicomWeb.so" && break
  done
  [[ -n "$plugin" ]] || fail "Orthanc's DICOMweb plugin is not installed" 77
  mkdir -m 700 "$folder" || fail "expected a folder that can be made, found '$folder'"
  folder=$(realpath "$folder")

  local authentication=false users="" port process
  if [[ -n "$user" ]]; then
    authentication=true
    users="\"${user%%:*}\": \"${user#*:}\""
  fi
  # A port that another takes meanwhile is not ours: Orthanc then ends, and the next is tried.
  for ((try = 0; try < 20; ++try)); do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && continue
    cat >"$folder/orthanc.json" <<JSON
{"Name": "nodulus test", "HttpPort": $port, "DicomServerEnabled": false, "RemoteAccessAllowed": false,
 "AuthenticationEnabled": $authentication, "RegisteredUsers": {$users},
 "StorageDirectory": "$folder/stored", "IndexDirectory": "$folder/stored", "Plugins": ["$plugin"],
 "DicomWeb": {"Enable": true, "Root": "/dicom-web/"}}
JSON
    "$program" "$folder/orthanc.json" >"$folder/log" 2>&1 </dev/null &
    process=$!
    echo "$process" >"$folder/process"
    for ((i = 0; i < 300; ++i)); do
      kill -0 "$process" 2>/dev/null || break
      if grep -q "Orthanc has started" "$folder/log" && (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
        echo "$port" >"$folder/port"
        echo "$port"
        return
      fi
      sleep 0.1
    done
    kill -KILL "$process" 2>/dev/null
    wait "$process" 2>/dev/null
    rm -rf "$folder/stored"
    grep -qi "already in use\|Unable to create.*HTTP\|HTTP port" "$folder/log" || break
  done
  tail -5 "$folder/log" >&2
  stop
  fail "Orthanc did not start"
}

case $action in
  start) start "$@" ;;
  stop) [[ -e "$folder/orthanc.json" ]] || fail "no Orthanc of ours in '$folder'"; folder=$(realpath "$folder"); stop ;;
  *) fail "$usage, found '$action'" 2 ;;
esac
