#!/usr/bin/env python3
"""A cut that is set on some lists and used on others: what does it lose against each one's best cut?

  python thresholds.py --set DIR,MATCHES [--set …] --use NAME,DIR,MATCHES [--use …]

DIR has truth.csv (qid,rid,…); MATCHES is qid,rid,score, one-to-one. The cut with the best mean F1 over the lists of --set
is taken to a tenth of a bit; for each list of --use the F1 there is held against the best F1 of all cuts (ties enter
together); more than 0.001 lost is a failure. Only the standard library.
"""
import argparse, csv

def sweep(folder, matches):
    with open(f"{folder}/truth.csv", encoding="utf-8", newline="") as f:
        truth = {r["qid"]: r["rid"] for r in csv.DictReader(f)}
    with open(matches, encoding="utf-8", newline="") as f:
        rows = csv.reader(f); next(rows)
        pairs = sorted(((float(r[2]), truth[r[0]] == r[1] != "") for r in rows), reverse=True)
    real = sum(1 for r in truth.values() if r)
    points, right, i = [], 0, 0
    while i < len(pairs):
        score = pairs[i][0]
        while i < len(pairs) and pairs[i][0] == score:
            right += pairs[i][1]; i += 1
        points.append((score, right / i, right / real))
    return points                                        # scores falling: (score, precision, recall)

def f1(p, r): return 2 * p * r / (p + r) if p + r else 0.0
def at(points, cut):
    last = (cut, 1.0, 0.0)
    for point in points:
        if point[0] < cut: break
        last = point
    return last[1], last[2]

ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
ap.add_argument("--set", action="append", required=True); ap.add_argument("--use", action="append", required=True)
a = ap.parse_args()
known = [sweep(*s.split(",")) for s in a.set]
cuts = [c / 10 for c in range(-50, 151)]
cut = max(cuts, key=lambda c: sum(f1(*at(k, c)) for k in known))
print(f"cut: {cut:.1f} bits")
print("| list | best cut | best F1 | F1 at the fixed cut | lost | precision | recall |\n|---|---|---|---|---|---|---|")
worst = 0.0
for use in a.use:
    name, folder, matches = use.split(",")
    points = sweep(folder, matches)
    best = max(points, key=lambda p: f1(p[1], p[2]))
    p, r = at(points, cut)
    lost = f1(best[1], best[2]) - f1(p, r)
    worst = max(worst, lost)
    print(f"| {name} | {best[0]:.1f} | {f1(best[1], best[2]):.5f} | {f1(p, r):.5f} | {lost:.5f} | {p:.5f} | {r:.5f} |")
print(f"most lost: {worst:.5f}")
raise SystemExit(worst > 0.001)
