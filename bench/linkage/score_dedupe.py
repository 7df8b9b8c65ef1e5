#!/usr/bin/env python3
"""Score pairs and clusters against the truth of make_dedupe.py.

  python score_dedupe.py --data DIR --pairs pairs.csv [--clusters clusters.csv] [--cut 0] [--report out.json]

pairs.csv: header, then rid_a,rid_b,score,...; clusters.csv: header, then cluster,rid,... .  Reports for the pairs the
best F1 over all thresholds, and precision, recall and F1 at --cut; for the clusters the same of all pairs within them;
recall by kind of slip at the cut.  Only the standard library.
"""
import argparse, collections, csv, itertools, json, os
ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
ap.add_argument("--data", required=True); ap.add_argument("--pairs", required=True); ap.add_argument("--clusters")
ap.add_argument("--cut", type=float, default=0.0); ap.add_argument("--report")
a = ap.parse_args()
truth = {}
with open(os.path.join(a.data, "pairs.csv"), encoding="utf-8", newline="") as f:
    for r in csv.DictReader(f): truth[(r["rid_a"], r["rid_b"])] = [t for t in r["tags"].split("|") if t] or ["clean"]
def rows(path):
    with open(path, encoding="utf-8", newline="") as f:
        rd = csv.reader(f); next(rd); yield from rd
def measure(pairs):
    tp = sum(p in truth for p in pairs); n = len(pairs)
    p, r = tp / max(n, 1), tp / len(truth)
    return dict(f1=round(2 * p * r / (p + r), 5) if tp else 0, precision=round(p, 5), recall=round(r, 5), fp=n - tp, fn=len(truth) - tp)
scored = sorted(((float(r[2]), tuple(sorted(r[:2]))) for r in rows(a.pairs)), key=lambda t: -t[0])
best, tp, i = (-1,), 0, 0
while i < len(scored):
    s = scored[i][0]
    while i < len(scored) and scored[i][0] == s: tp += scored[i][1] in truth; i += 1
    p, r = tp / i, tp / len(truth)
    if tp and 2 * p * r / (p + r) > best[0]: best = (2 * p * r / (p + r), p, r, s)
given = {p for s, p in scored if s >= a.cut}
res = dict(truth_pairs=len(truth), pairs_best=dict(f1=round(best[0], 5), threshold=best[-1]), pairs_at_cut=measure(given))
if a.clusters:
    of = collections.defaultdict(list)
    for r in rows(a.clusters): of[r[0]].append(r[1])
    res["clusters"] = measure({p for m in of.values() for p in itertools.combinations(sorted(m), 2)})
    res["cluster_sizes"] = dict(sorted(collections.Counter(len(m) for m in of.values()).items()))
tot, hit = collections.Counter(), collections.Counter()
for p, tags in truth.items():
    for t in tags: tot[t] += 1; hit[t] += p in given
res["recall_by_tag"] = {k: [round(hit[k] / tot[k], 4), tot[k]] for k in sorted(tot)}
print(json.dumps(res, ensure_ascii=False, indent=1))
if a.report: json.dump(res, open(a.report, "w"), ensure_ascii=False, indent=1)
