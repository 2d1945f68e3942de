#!/usr/bin/env python3
"""Measures `skewer verify` against DuckDB's best exact query for the same answer, in one run.

    python3 -m venv target/venv && target/venv/bin/pip install duckdb pyarrow numpy
    cargo build --release
    target/venv/bin/python benches/vs_duckdb.py [--rows 10_000_000] [--runs 5] [--only uniform-u64-ordered]

For each log both are run in turn, `--runs` times. The ratio counts the whole process of ours, from
its start to its exit, against the query time alone of DuckDB, whose table is loaded already and
whose times are plain integers: both in its favour. Answers are compared before anything is
timed. Logs: three regions, bounds of +-0.25 to +-0.75 ms around a reading whose error is inside
the bound, and a write rate at which about one row in a thousand conflicts. A log comes from the disk when answers are
compared, and from memory when that is timed; `--fresh` takes it as it was just written. Before each child a
`true` is started, untimed: the first child after a pause is slow, whatever it does.
"""

import argparse
import itertools
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

import duckdb
import numpy as np
import pyarrow as pa

KEYS = 10_000_000
REGIONS = ["ap", "eu", "us"]
# Expected rivals of a row: rows within the reach of its bound, in another region, of its key.
CONFLICTS_PER_ROW = 0.001

# No bound is wider, so two that touch begin in one slot of that width or in neighbouring ones.
SLOT = 1_500_001

OVERLAP = "a.earliest <= b.latest and b.earliest <= a.latest"
CONFLICT = "a.earliest < b.latest and b.earliest < a.latest"


def by_slot(count, condition):
    """Counts pairs of a key in one slot and in neighbouring ones: however often a key is written, few
    rows of a slot have it. `count` and `condition` mean the same for (a, b) and (b, a)."""
    return f"""(
        with s as (select *, earliest // {SLOT} slot from w)
        select same.n + next.n n, same.x + next.x x from
            (select {count} from s a join s b on a.key = b.key and a.slot = b.slot and a.id < b.id where {condition}) same,
            (select {count} from s a join s b on a.key = b.key and a.slot + 1 = b.slot where {condition}) next)"""


CONFLICTS = [
    # A self join on the key; the optimiser hashes the key and filters the rest.
    f"select count(*) from w a join w b on a.key = b.key where a.region < b.region and {CONFLICT}",
    # The same, after dropping keys that were written once.
    f"""with again as (select key from w group by key having count(*) > 1),
            v as (select w.* from w semi join again using (key))
       select count(*) from v a join v b on a.key = b.key where a.region < b.region and {CONFLICT}""",
]

# For hot keys, whose every pair a join on the key alone would make: days, not seconds.
CONFLICTS_BY_SLOT = [f"select n from {by_slot('count(*) n, 0 x', 'a.region <> b.region and ' + CONFLICT)}"]

# A winner is in doubt only if it overlaps the write whose bound begins last: keys without an
# ambiguous pair need no second look.
WRITE_ORDER = [
    f"""with pairs as materialized (
           select count(*) n, count(*) filter (a.region <> b.region) x,
                  count(*) filter ({OVERLAP}) ambiguous, count(*) filter (a.region <> b.region and {OVERLAP}) across,
                  coalesce(list(distinct a.key) filter ({OVERLAP}), []) keys
           from w a join w b on a.key = b.key and a.id < b.id),
         doubtful as materialized (
           select w.* from w semi join (select unnest(keys) as key from pairs) using (key)),
         contested as (
           select key from doubtful join (select key, max(earliest) m from doubtful group by key) using (key)
           where latest >= m group by key having count(*) > 1)
       select n - ambiguous, ambiguous, x - across, across,
              (select count(distinct key) from w) - (select count(*) from contested) from pairs""",
]

# Pairs from counts, ambiguous ones by slots, winners from the two last ends.
WRITE_ORDER_BY_SLOT = [
    f"""with per_key as materialized (
           select key, count(*) n, count(*) filter (region = 0) r0, count(*) filter (region = 1) r1,
                  max(earliest) m, max(latest, 2) last from w group by key),
         totals as (
           select sum(n * (n - 1) // 2) n, sum((n * n - r0 * r0 - r1 * r1 - (n - r0 - r1) * (n - r0 - r1)) // 2) x,
                  count(*) filter (len(last) = 1 or last[2] < m) justified from per_key),
         ambiguous as (select * from {by_slot('count(*) n, count(*) filter (a.region <> b.region) x', OVERLAP)})
       select totals.n - ambiguous.n, ambiguous.n, totals.x - ambiguous.x, ambiguous.x, justified
       from totals, ambiguous""",
]


def zipf(rng, rows, keys, s):
    """Ranks 0..keys drawn with probability proportional to 1 / (rank + 1)^s."""
    cumulative = np.cumsum(1.0 / np.arange(1, keys + 1) ** s)
    return np.searchsorted(cumulative, rng.random(rows) * cumulative[-1]).astype(np.uint64)


def collision_probability(skew):
    weights = 1.0 / np.arange(1, KEYS + 1) ** skew
    return float(((weights / weights.sum()) ** 2).sum())


def make(rows, skew, strings, shuffled, seed=7):
    """The columns of a log: key, region, earliest, latest."""
    rng = np.random.default_rng(seed)
    rank = zipf(rng, rows, KEYS, skew) if skew else rng.integers(0, KEYS, rows, dtype=np.uint64)
    # Ranks are not left as keys: neighbours in rank must be strangers as keys.
    key = rank * np.uint64(0x9E3779B97F4A7C15)
    in_reach = CONFLICTS_PER_ROW / (2 / 3) / collision_probability(skew)
    gap = 2_000_000 / in_reach
    true = 1_700_000_000_000_000_000 + np.cumsum(rng.exponential(gap, rows)).astype(np.int64)
    error = rng.integers(250_000, 750_001, rows)
    reading = true + (rng.random(rows) * 2 - 1) * error
    reading = reading.astype(np.int64)
    order = rng.permutation(rows) if shuffled else np.argsort(reading, kind="stable")
    region = rng.integers(0, len(REGIONS), rows, dtype=np.int8)
    columns = [c[order] for c in (key, region, reading - error, reading + error)]
    if strings:
        columns[0] = text_keys(columns[0])
    return columns


def text_keys(keys):
    """17 bytes each: a letter and 16 hexadecimal digits."""
    digits = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
    out = np.empty((len(keys), 17), dtype=np.uint8)
    out[:, 0] = ord("k")
    for place in range(16):
        out[:, place + 1] = digits[((keys >> np.uint64(60 - 4 * place)) & np.uint64(15)).astype(np.int64)]
    offsets = np.arange(0, 17 * (len(keys) + 1), 17, dtype=np.int64)
    buffers = [None, pa.py_buffer(offsets.tobytes()), pa.py_buffer(out.tobytes())]
    return pa.Array.from_buffers(pa.large_utf8(), len(keys), buffers)


def table_of(columns):
    key, region, earliest, latest = columns
    stamp = pa.timestamp("ns")
    return pa.table({
        "key": key if isinstance(key, pa.Array) else pa.array(key, pa.uint64()),
        "region": pa.DictionaryArray.from_arrays(pa.array(region), pa.array(REGIONS)),
        "commit_earliest": pa.array(earliest).cast(stamp),
        "commit_latest": pa.array(latest).cast(stamp),
    })


def write_log(path, parts, fresh=False):
    """Writes the columns of each part, one after the other; the system may keep its pages if the log is to be `fresh`."""
    tables = map(table_of, parts)
    first = next(tables)
    with pa.ipc.new_file(path, first.schema) as writer:
        for table in itertools.chain([first], tables):
            writer.write_table(table, max_chunksize=1 << 16)
    if not fresh:
        forget(path)


def forget(path):
    """Lets the system forget a file's pages, so that the first who reads it reads it from the disk, as a log that was
    not just written here. Otherwise it would be held in pages as small as the pieces in which it was written."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def load(columns, threads):
    key, region, earliest, latest = columns
    con = duckdb.connect()
    con.execute(f"set threads = {threads}")
    source = pa.table({"key": key, "region": region, "earliest": earliest, "latest": latest,
                       "id": np.arange(len(earliest), dtype=np.int64)})
    con.execute("create table w as select * from source")
    return con


def timed_query(con, sql):
    begin = time.perf_counter()
    answer = con.execute(sql).fetchone()
    return time.perf_counter() - begin, tuple(int(x) for x in answer)


# Started while this process is small: a child inherits its parent's peak of memory, and ours
# holds tables.
LAUNCHER = """
import json, os, subprocess, sys, time
for line in sys.stdin:
    # What it takes this interpreter to start the first child after a pause is none of the child's time.
    subprocess.run(["true"])
    begin = time.perf_counter()
    child = subprocess.Popen(json.loads(line), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    out = child.stdout.read().decode()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - begin
    print(json.dumps([seconds, usage.ru_maxrss * 1024, os.waitstatus_to_exitcode(status), out]), flush=True)
"""


def start_launcher():
    return subprocess.Popen([sys.executable, "-c", LAUNCHER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def run_skewer(args, log, model, extra=()):
    """Wall time, peak memory in bytes (mapped pages of the log included), and what it printed."""
    command = [args.binary, "verify", str(log), "--model", model, "--threads", str(args.threads), "--findings", "0"]
    args.launcher.stdin.write(json.dumps(command + list(extra)) + "\n")
    args.launcher.stdin.flush()
    seconds, peak, status, out = json.loads(args.launcher.stdout.readline())
    if status not in (0, 1):
        raise SystemExit(f"skewer failed: {out}")
    return seconds, peak, out


def skewer_answer(args, log, model):
    out = run_skewer(args, log, model, ["--format", "json"])[2]
    report = json.loads(out)["models"][model]
    if model == "write-order":
        names = ["pairs_ordered", "pairs_ambiguous", "cross_region_pairs_ordered", "cross_region_pairs_ambiguous",
                 "winners_justified"]
        return tuple(report["facts"][n] for n in names)
    kinds = report["kinds"].get("write-write", {"definite": 0, "possible": 0})
    return (kinds["definite"] + kinds["possible"],)


def best_query(con, queries):
    """The fastest of the formulations, by one run each after a warm-up of the table."""
    return min(queries, key=lambda sql: timed_query(con, sql)[0])


def queries_for(skew):
    """For each model the formulations to try: the best of them is what counts."""
    conflicts, order = CONFLICTS_BY_SLOT, WRITE_ORDER_BY_SLOT
    if not skew:
        conflicts, order = CONFLICTS + conflicts, WRITE_ORDER + order
    return ("cross-region-conflicts", conflicts), ("write-order", order)


def compare(name, columns, skew, args, folder):
    log = folder / f"{name}.arrow"
    if not log.exists():
        write_log(log, [columns], args.fresh)
    con = load(columns, args.threads)
    rows = len(columns[2])
    for model, queries in queries_for(skew):
        if args.model and args.model != model:
            continue
        sql = best_query(con, queries)
        theirs_answer = timed_query(con, sql)[1]
        ours_answer = skewer_answer(args, log, model)
        if theirs_answer != ours_answer:
            raise SystemExit(f"{name} {model}: DuckDB says {theirs_answer}, skewer {ours_answer}")
        theirs, ours, memory = [], [], []
        for _ in range(args.runs):
            theirs.append(timed_query(con, sql)[0])
            seconds, peak, _ = run_skewer(args, log, model)
            ours.append(seconds)
            memory.append(peak)
        ratio = statistics.median(t / o for t, o in zip(theirs, ours))
        their_peak = con.execute("select sum(memory_usage_bytes) from duckdb_memory()").fetchone()[0]
        t, o = statistics.median(theirs), statistics.median(ours)
        print(f"{name:28} {model:24} answer {ours_answer}  duckdb {t * 1e3:8.1f} ms ({rows / t / 1e6:6.1f} M rows/s)  "
              f"skewer {o * 1e3:7.1f} ms ({rows / o / 1e6:6.1f} M rows/s)  ratio {ratio:5.1f}  "
              f"peak MiB: duckdb's buffers {int(their_peak) >> 20}, skewer {max(memory) >> 20} "
              f"(log {log.stat().st_size >> 20})", flush=True)
    con.close()
    if not args.keep:
        log.unlink()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=lambda s: int(s.replace("_", "")), default=10_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", help="a part of the names of logs to run")
    parser.add_argument("--model")
    parser.add_argument("--binary", default="target/release/skewer")
    parser.add_argument("--folder", default="target/vs_duckdb")
    parser.add_argument("--fresh", action="store_true", help="judge logs in the pages in which they were just written")
    parser.add_argument("--keep", action="store_true", help="keep the logs for the next run")
    args = parser.parse_args()
    args.launcher = start_launcher()
    folder = pathlib.Path(args.folder)
    folder.mkdir(parents=True, exist_ok=True)
    for skew, spread in ((0, "uniform"), (0.99, "zipf")):
        for strings, kind in ((False, "u64"), (True, "utf8")):
            for shuffled, order in ((False, "ordered"), (True, "shuffled")):
                name = f"{spread}-{kind}-{order}"
                if args.only and args.only not in name:
                    continue
                compare(f"{name}-{args.rows}", make(args.rows, skew, strings, shuffled), skew, args, folder)


if __name__ == "__main__":
    main()
