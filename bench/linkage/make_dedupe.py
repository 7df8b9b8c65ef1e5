#!/usr/bin/env python3
"""Make one register with planted duplicates from the output of gen_cn.py.

  python make_dedupe.py --data DIR --out DIR2 [--again 0.1] [--seed 1]

All rows of incoming.csv are appended to registry.csv under new numbers: those with a true partner are duplicates, with
the list's slips; the others (half of them kin of a registered household) are persons of their own and must stay so.
Of the duplicates a share (--again) is registered a third time: every field from one of the two records by lot, so that
there are clusters of three.  Rows are shuffled.  Writes register.csv (rid,name,...), pairs.csv (rid_a,rid_b,tags; all
pairs of each person) and persons.csv (rid,person; rows that have a partner).  The same bytes for the same input and
seed.  Only the standard library.
"""
import argparse, csv, itertools, os, random
ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
ap.add_argument("--data", required=True); ap.add_argument("--out", required=True)
ap.add_argument("--again", type=float, default=0.1); ap.add_argument("--seed", type=int, default=1)
a = ap.parse_args()
rng = random.Random(a.seed)
# Lines are kept whole: the generator quotes nothing.
with open(os.path.join(a.data, "registry.csv"), encoding="utf-8") as f:
    header = next(f); rows = f.read().splitlines()
truth = {}
with open(os.path.join(a.data, "truth.csv"), encoding="utf-8", newline="") as f:
    for r in csv.DictReader(f): truth[r["qid"]] = (r["rid"], r["tags"])
at = {q[0] for q in truth.values() if q[0]}
partner = {}
for i, line in enumerate(rows):
    rid = line[:line.index(",")]
    if rid in at: partner[rid] = i
persons = {}                                   # place of the registered row -> [(place, tags)]
n = len(rows)
with open(os.path.join(a.data, "incoming.csv"), encoding="utf-8") as f:
    next(f)
    for line in f.read().splitlines():
        qid, rest = line.split(",", 1)
        rid, tags = truth[qid]
        if rid: persons.setdefault(partner[rid], []).append((len(rows), tags))
        rows.append("," + rest)
for first, more in list(persons.items()):
    if rng.random() < a.again:
        x, y = rows[first].split(",")[1:], rows[more[0][0]].split(",")[1:]
        mixed = [rng.choice(two) for two in zip(x, y)]
        persons[first].append((len(rows), "again"))
        rows.append("," + ",".join(mixed))
order = list(range(len(rows))); rng.shuffle(order)
rid_of = [""] * len(rows)
for new, old in enumerate(order): rid_of[old] = "P%09d" % new
os.makedirs(a.out, exist_ok=True)
with open(os.path.join(a.out, "register.csv"), "w", encoding="utf-8") as f:
    f.write(header)
    for old in order: f.write(rid_of[old] + "," + rows[old].split(",", 1)[1] + "\n")
count = 0
with open(os.path.join(a.out, "pairs.csv"), "w", encoding="utf-8") as f, \
     open(os.path.join(a.out, "persons.csv"), "w", encoding="utf-8") as g:
    f.write("rid_a,rid_b,tags\n"); g.write("rid,person\n")
    for k, (first, more) in enumerate(sorted(persons.items())):
        all_ = [(first, "")] + more
        for (x, s), (y, t) in itertools.combinations(all_, 2):
            p, q = sorted((rid_of[x], rid_of[y]))
            f.write("%s,%s,%s\n" % (p, q, "|".join(sorted(set(filter(None, (s + "|" + t).split("|"))))))); count += 1
        for x, _ in all_: g.write("%s,%d\n" % (rid_of[x], k))
print("%d rows, %d persons more than once, %d pairs" % (len(rows), len(persons), count))
