#!/usr/bin/env python3
"""Scores pairs or clusters against the truth (standard library only).

  python score_schema.py febrl4 MATCHES.csv            qid,rid,score: rec-N-org and rec-N-dup-k are one
  python score_schema.py febrl CLUSTERS.csv            id,cluster on FEBRL1-3
  python score_schema.py people CLUSTERS.csv TRUTH.csv  truth has unique_id and cluster

Prints F1, precision and recall over pairs: as given out, and for febrl4 also at the best threshold.
"""
import collections, csv, sys

def f1(good, all_, true):
    p, r = good / all_ if all_ else 0, good / true if true else 0
    return dict(f1=round(2 * p * r / (p + r), 5) if p + r else 0, precision=round(p, 5), recall=round(r, 5))

kind, file = sys.argv[1:3]
rows = list(csv.DictReader(open(file, newline="")))
person = lambda rid: rid.split("-")[1]
if kind == "febrl4":
    pairs = sorted(((float(r["score"]), person(r["qid"]) == person(r["rid"])) for r in rows), reverse=True)
    given = [same for bits, same in pairs if bits >= 0]
    best, good = dict(f1=0), 0
    for n, (bits, same) in enumerate(pairs, 1):
        good += same
        if n == len(pairs) or pairs[n][0] < bits:
            now = f1(good, n, 5000)
            if now["f1"] > best["f1"]: best = dict(now, threshold=bits)
    print(dict(at_0_bits=f1(sum(given), len(given), 5000), best=best))
else:
    if kind == "people":
        truth = {r["unique_id"]: r["cluster"] for r in csv.DictReader(open(sys.argv[3], newline=""))}
    else:
        truth = {r["id"]: person(r["id"]) for r in rows}
    two = lambda counts: sum(n * (n - 1) // 2 for n in counts.values())
    both = two(collections.Counter((truth[r["id"]], r["cluster"]) for r in rows))
    print(f1(both, two(collections.Counter(r["cluster"] for r in rows)), two(collections.Counter(truth.values()))))
