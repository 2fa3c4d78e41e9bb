# What scripts/end-to-end and scripts/end-to-end-archive share: a folder to work in, and checks that are counted.
# shellcheck shell=bash
# Expects $program. Leaves the shell in $work, which goes at the end with whatever runs as $job.
work="$(mktemp -d)"
job=
trap '[[ -n "$job" ]] && kill -KILL "$job" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 1
checks=0
failures=0

fail() { printf '%s: FAILED: %s\n' "$(basename "$0")" "$1"; [[ -f said ]] && sed 's/^/    | /' said | tail -5; failures=$((failures + 1)); }
# nodulus WORDS...: runs it quietly, keeps what it said in `said`, its output in `out`.
nodulus() { "$program" "$@" >out 2>said; }
succeeds() { checks=$((checks + 1)); nodulus "$@" || fail "expected success: nodulus $*"; }
# refuses CODE WORDS_IN_MESSAGE COMMAND...: fails with that exit code and one line that says so.
refuses() {
  local code="$1" text="$2" got; shift 2
  checks=$((checks + 1))
  nodulus "$@"; got=$?
  ((got == code)) || { fail "expected exit code $code, found $got: nodulus $*"; return; }
  [[ "$(grep -c '^nodulus: ' said)" == 1 ]] || { fail "expected one line of error: nodulus $*"; return; }
  grep -qiE -- "$text" said || fail "expected an error about '$text': nodulus $*"
}
holds() {  # holds WHAT COMMAND...
  local what="$1"; shift
  checks=$((checks + 1))
  "$@" >/dev/null 2>&1 || fail "expected that $what"
}
has() { local file; for file in "$@"; do holds "there is $file" test -s "$file"; done; }
absent() { checks=$((checks + 1)); compgen -G "$1*" >/dev/null && fail "expected no trace of $1"; true; }

