#!/usr/bin/env python3
"""Counts lost updates and untrue bounds in recorded logs, without skewer.

Usage: count_lost_updates.py LOG.arrow...      (needs pyarrow)

An independent, quadratic check of what the recorded logs of this folder hold:

same version   pairs of committed transactions that read one version of a key and both wrote
               the key: the later one overwrote what it had never seen. No clock is consulted.
proved         pairs of committed writers of a key of which each certainly started before the
               other committed (S(A).latest < C(B).earliest and the reverse); of these, those
               that read the same version, and those between two regions.
future reads   reads of a version whose commit is certainly after the reader's snapshot.
stale reads    reads of a version that was certainly replaced before the reader's snapshot.
"""

import sys
from collections import defaultdict
from itertools import combinations
from statistics import median

import pyarrow as pa

TIMES = ("start_earliest", "start_latest", "commit_earliest", "commit_latest")


def committed_transactions(path):
    """The committed transactions of a log, each with its first reads and its last writes."""
    table = pa.ipc.open_file(path).read_all()
    for name in TIMES:
        at = table.schema.get_field_index(name)
        table = table.set_column(at, name, table[name].cast(pa.int64()))
    transactions = {}
    for row in table.to_pylist():
        if row.get("status", "committed") != "committed":
            continue
        new = {"region": row["region"], "reads": {}, "writes": {}}
        txn = transactions.setdefault(row["txn"], new)
        txn.update((name, row[name]) for name in TIMES)
        if row["op"] == "write":
            txn["writes"][row["key"]] = row["value"]
        elif row["key"] not in txn["writes"]:
            txn["reads"].setdefault(row["key"], row["value"])
    return list(transactions.values())


def counts(transactions):
    """Each count of this program, by its name."""
    writers = defaultdict(list)
    for txn in transactions:
        for key in txn["writes"]:
            writers[key].append(txn)
    found = {"same version": 0, "proved": 0, "proved, same version": 0, "proved, two regions": 0}
    for key, of_key in writers.items():
        for a, b in combinations(of_key, 2):
            same = key in a["reads"] and key in b["reads"] and a["reads"][key] == b["reads"][key]
            proved = a["start_latest"] < b["commit_earliest"] and b["start_latest"] < a["commit_earliest"]
            found["same version"] += same
            found["proved"] += proved
            found["proved, same version"] += proved and same
            found["proved, two regions"] += proved and a["region"] != b["region"]
    return found | read_counts(transactions, writers)


def read_counts(transactions, writers):
    """The reads that no snapshot at the recorded start can have returned."""
    found = {"reads": 0, "future reads": 0, "stale reads": 0}
    for reader in transactions:
        for key, value in reader["reads"].items():
            found["reads"] += 1
            of_key = [w for w in writers[key] if w is not reader]
            source = next((w for w in of_key if w["writes"][key] == value), None)
            if value is not None and source is None:
                raise ValueError(f"key {key}: no committed transaction wrote {value}")
            after = -(2**63) if source is None else source["commit_latest"]
            if source and reader["start_latest"] < source["commit_earliest"]:
                found["future reads"] += 1
            elif any(after < w["commit_earliest"] and w["commit_latest"] <= reader["start_earliest"] for w in of_key):
                found["stale reads"] += 1
    return found


def widths(transactions):
    """Median microseconds of start bounds, commit bounds and whole transactions."""
    spans = {
        "start bound": ("start_earliest", "start_latest"),
        "commit bound": ("commit_earliest", "commit_latest"),
        "lifetime": ("start_latest", "commit_earliest"),
    }
    return {name: median(t[b] - t[a] for t in transactions) / 1000 for name, (a, b) in spans.items()}


def main():
    for path in sys.argv[1:]:
        transactions = committed_transactions(path)
        print(f"{path}: {len(transactions)} committed")
        for name, count in counts(transactions).items():
            print(f"  {name}: {count}")
        for name, microseconds in widths(transactions).items():
            print(f"  median {name}: {microseconds:.0f} us")


if __name__ == "__main__":
    main()
