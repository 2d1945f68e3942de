#!/usr/bin/env python3
"""Shows that time grows with rows and no faster, what a second thread gains, and where the time goes.

    target/venv/bin/python benches/growth.py [--rows 10_000_000] [--times 10] [--runs 5]

Two logs of one density, uniform u64 keys in order of time, as in `vs_duckdb.py`: `--rows` rows, and `--times` as
many. `skewer verify`, the whole process, judges them in turn. Rows a second of the large one are to be within a fifth
of those of the small one. Both logs are removed afterwards; the large one has 25 bytes a row.
"""

import argparse
import pathlib
import statistics
import subprocess
import tempfile

from vs_duckdb import make, run_skewer, start_launcher, write_log

MODELS = ["cross-region-conflicts", "write-order"]
GOAL = 0.8
START = 1_700_000_000_000_000_000


def parts(rows, part_rows):
    """The columns of a log, part after part in time: a hundred million rows at once would not fit memory."""
    shift = 0
    for seed, first in enumerate(range(0, rows, part_rows)):
        key, region, earliest, latest = make(min(part_rows, rows - first), 0, False, False, seed)
        yield key, region, earliest + shift, latest + shift
        shift += int(earliest[-1]) - START


def rates(args, logs, model, runs):
    """Median rows a second of each log, and the median ratio of the last one's to the first one's."""
    seconds = [[run_skewer(args, path, model)[0] for path, _ in logs] for _ in range(runs)]
    by_run = [[rows / s for s, (_, rows) in zip(run, logs)] for run in seconds]
    return [statistics.median(of_log) for of_log in zip(*by_run)], statistics.median(r[-1] / r[0] for r in by_run)


def growth(args, logs):
    for model in MODELS:
        (small, large), ratio = rates(args, logs, model, args.runs)
        verdict = "within a fifth" if ratio >= GOAL else "MORE THAN A FIFTH LESS"
        print(f"{model:24} {logs[0][1]:>12,} rows {small / 1e6:7.1f} M rows/s  {logs[1][1]:>12,} rows "
              f"{large / 1e6:7.1f} M rows/s  ratio {ratio:.2f}: {verdict}", flush=True)


def threads(args, log):
    """What two threads gain: of the whole process, and of its phases."""
    for model in MODELS:
        ratios = []
        for _ in range(args.runs):
            one, two = (run_skewer(argparse.Namespace(**{**vars(args), "threads": n}), log, model)[0] for n in (1, 2))
            ratios.append(one / two)
        print(f"{model:24} two threads are {statistics.median(ratios):.2f}x as fast as one", flush=True)


def start_timed(args, log, model, count):
    command = [args.binary, "verify", str(log), "--model", model, "--threads", str(count), "--quiet", "--timings"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def milliseconds(table, phase):
    return next(float(line.split()[1]) for line in table.splitlines() if line.split()[:1] == [phase])


def join(args, log):
    """What a second thread gains in the window join alone, beside what a second core gives two processes that share
    nothing: where cores are shared with others, that is not twice as much."""
    model, phase = MODELS[0], "join"
    gains, ceilings = [], []
    for _ in range(2 * args.runs):
        one, two = (milliseconds(start_timed(args, log, model, n).communicate()[1], phase) for n in (1, 2))
        apart = [start_timed(args, log, model, 1) for _ in range(2)]
        together = statistics.mean(milliseconds(p.communicate()[1], phase) for p in apart)
        gains.append(one / two)
        ceilings.append(2 * one / together)
    spread = lambda ratios: f"{statistics.median(ratios):.2f}x ({min(ratios):.2f} to {max(ratios):.2f})"
    print(f"{model}, the join alone: two threads are {spread(gains)} as fast as one; "
          f"two processes of one thread at once do {spread(ceilings)} the work of one", flush=True)


def phases(args, log):
    for model in MODELS:
        for count in (1, 2):
            table = start_timed(args, log, model, count).communicate()[1]
            print(f"{model}, threads: {count}\n{table}", flush=True)


def main():
    number = lambda text: int(text.replace("_", ""))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=number, default=10_000_000)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--binary", default="target/release/skewer")
    parser.add_argument("--folder", default="target")
    args = parser.parse_args()
    args.launcher = start_launcher()
    with tempfile.TemporaryDirectory(dir=args.folder, prefix="growth-") as folder:
        logs = []
        for rows in (args.rows, args.rows * args.times):
            path = pathlib.Path(folder) / f"{rows}.arrow"
            write_log(path, parts(rows, args.rows))
            logs.append((path, rows))
        # From the disk, untimed.
        for path, _ in logs:
            run_skewer(args, path, "cross-region-conflicts")
        growth(args, logs)
        threads(args, logs[0][0])
        join(args, logs[0][0])
        phases(args, logs[0][0])


if __name__ == "__main__":
    main()
