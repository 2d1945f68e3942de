#!/usr/bin/env bash
# Measures what README says of speed, and keeps it: benches/record/<target>/<date>.txt.
#
#     benches/record.sh [PART...]
#
# Without a part all of those marked * are run, which takes about a quarter of an hour on two cores, and the day's
# file is written anew; named parts are added to it. A part that fails is recorded as failed, the others still run,
# and the script ends with 1. For figures that mean something nothing else should run; the load is recorded.
#
#   limits       * bandwidth, the scan's share of it, and what each kernel gains (benches/limits.rs)
#   adversaries  * logs that defeat shortcuts, beside the uniform one (benches/adversaries.rs)
#   growth       * 10 M and 100 M rows, one and two threads, phases (benches/growth.py)
#   duckdb       * verify against DuckDB's best queries, 10 M rows (benches/vs_duckdb.py)
#   duckdb50       the same, 50 M rows; RUNS of each, or five, which takes hours
#   models       * all models on transactions of fifteen operations, and a hot key (benches/models.rs)
#   calls        * the commit path by kinds of keys, for points, and one transaction a call (benches/commit_path.rs)
#   shared       * the commit path for two threads and for one (benches/commit_path.rs)
#   resolve      * FoundationDB's benchmark of the commit path (examples/skip_list_test.rs)
#   windows        the commit path by window, age and keys (benches/resolve.rs)
#   rivals         the commit path beside other crates (benches/rivals/)
#
# RECORD_FILE overrides the file, CARGO_TARGET_DIR where things are built, PYTHON the Python of its own that has duckdb,
# pyarrow and numpy. It needs Rust, Python 3 with venv, 8 GiB of
# memory and 5 GB of disk.
set -uo pipefail
cd "$(dirname "$0")/.."

readonly DEFAULT=(limits adversaries growth duckdb models calls shared resolve)
target=${CARGO_TARGET_DIR:-target}
skewer=$target/release/skewer
python=${PYTHON:-$target/venv/bin/python}
failed=()

# The architecture and the widest instruction set that there are kernels for.
machine() {
    local flags wide=scalar
    flags=" $(grep -m1 -E '^(flags|Features)' /proc/cpuinfo | cut -d: -f2) "
    case $flags in *" avx2 "*) wide=avx2 ;; esac
    case $flags in *" avx512f "*)
        [[ $flags == *" avx512dq "* && $flags == *" avx512bw "* && $flags == *" avx512vl "* ]] && wide=avx512 ;;
    esac
    echo "$(uname -m)-$wide"
}

header() {
    local cpu changed=""
    cpu=$(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2)
    [ -z "$(git status --porcelain --untracked-files=no -- . ':!benches/record')" ] || changed=" with changes"
    cat <<END
recorded  $(date -u +%Y-%m-%dT%H:%M:%SZ)
commit    $(git rev-parse HEAD)$changed
cpu      ${cpu:- unknown}, $(nproc) cores
caches    $(lscpu | sed -n 's/^\(L[0-9][a-z]*\) cache: *\(.*\)$/\1 \2/p' | paste -sd ';')
flags     $(grep -m1 -E '^(flags|Features)' /proc/cpuinfo | cut -d: -f2 | tr ' ' '\n' | grep -E '^(sse4|avx|bmi|asimd|sve)' | paste -sd ' ')
memory    $(awk '/MemTotal/ {printf "%.1f GiB", $2 / 1048576}' /proc/meminfo), huge pages $(sed 's/.*\[\(.*\)\].*/\1/' /sys/kernel/mm/transparent_hugepage/enabled 2>/dev/null)
kernel    $(uname -sr)
rust      $(rustc --version)
load      $(cut -d' ' -f1-3 /proc/loadavg) when it began
END
}

# Runs a command and keeps what it prints, under its own words.
part() {
    printf '\n$ %s\n' "$*"
    "$@" || { printf 'FAILED with status %d\n' $?; return 1; }
}

# What criterion says while it measures is no figure.
figures() {
    part "$@" | grep -vE '^(Benchmarking|Gnuplot|Found [0-9]+ outliers|  [0-9]+ \([0-9.]+%\)|$)'
    return "${PIPESTATUS[0]}"
}

need_python() {
    local said='import duckdb, numpy, pyarrow; print("duckdb", duckdb.__version__, "numpy", numpy.__version__)'
    "$python" -c "$said" 2>/dev/null && return
    python3 -m venv "$target/venv" && "$target/venv/bin/pip" install --quiet duckdb pyarrow numpy >&2 && "$python" -c "$said"
}

need_skewer() { cargo build --release --quiet; }

run_part() {
    case $1 in
        limits) part cargo bench --quiet --bench limits ;;
        adversaries) part cargo bench --quiet --bench adversaries ;;
        growth) need_python && need_skewer && part "$python" benches/growth.py --binary "$skewer" --folder "$target" ;;
        duckdb) need_python && need_skewer &&
            part "$python" benches/vs_duckdb.py --binary "$skewer" --folder "$target/vs_duckdb" ;;
        duckdb50) need_python && need_skewer &&
            part "$python" benches/vs_duckdb.py --rows 50_000_000 --runs "${RUNS:-5}" --binary "$skewer" --folder "$target/vs_duckdb" ;;
        models) figures cargo bench --quiet --bench models ;;
        calls) part cargo bench --quiet --bench commit_path -- keys/ points/ call/ ;;
        shared) part cargo bench --quiet --bench commit_path -- shared/ ;;
        # Five runs: the machine's mood is seen.
        resolve) for _ in 1 2 3 4 5; do part cargo run --release --quiet --example skip_list_test || return; done ;;
        windows) figures cargo bench --quiet --bench resolve ;;
        rivals) (cd benches/rivals && figures cargo bench --quiet --bench check && figures cargo bench --quiet --bench stores) ;;
        *) echo "no part is called $1: see the head of benches/record.sh" >&2; return 1 ;;
    esac
}

file=${RECORD_FILE:-benches/record/$(machine)/$(date -u +%F).txt}
mkdir -p "$(dirname "$file")"
parts=("$@")
if [ $# -eq 0 ]; then
    parts=("${DEFAULT[@]}")
    : >"$file"
elif [ -s "$file" ]; then
    echo >>"$file"
fi
header >>"$file"
for name in "${parts[@]}"; do
    begin=$SECONDS
    # Paths of this machine are nobody's business.
    run_part "$name" 2> >(cat >&2) | sed -u "s#$PWD/##g; s#$target\b#target#g" | tee -a "$file"
    [ "${PIPESTATUS[0]}" -eq 0 ] || failed+=("$name")
    echo "# $name took $((SECONDS - begin)) s" | tee -a "$file"
done
if [ ${#failed[@]} -gt 0 ]; then
    echo "FAILED: ${failed[*]}" | tee -a "$file" >&2
    exit 1
fi
echo "recorded in $file"
