#!/usr/bin/env python3
"""Made-up British historical persons, about ten damaged records for each: a look-alike of historical_50k.

  python gen_people.py --rows 50000 --seed 1 --out DIR [--damage 1.0]

Writes DIR/people.csv (unique_id, cluster = truth, full_name, first_and_surname, first_name, surname, dob, birth_place,
postcode_fake, gender, occupation) and, where pyarrow is there, DIR/people.parquet. Standard library otherwise.
What is like the original: persons of the same family and place, years known without a day (1 January), titles and
epithets in the full name, other forms of first names, postcodes that belong to the place of birth, few and very unequal
occupations, empty fields, and slips of the pen in every field. --damage multiplies the share of damaged fields.
"""
import argparse, csv, os, random

ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
ap.add_argument("--rows", type=int, default=50000)
ap.add_argument("--seed", type=int, default=1)
ap.add_argument("--damage", type=float, default=1.0)
ap.add_argument("--out", required=True)
a = ap.parse_args()
R = random.Random(a.seed)

MEN = """john william thomas george james henry charles robert edward richard joseph samuel alexander david francis
frederick arthur walter benjamin peter daniel hugh andrew philip michael stephen edmund matthew alfred nicholas anthony
herbert patrick ralph lawrence christopher simon albert nathaniel humphrey jonathan harold gilbert ernest roger percy
timothy isaac leonard theodore edwin martin oliver reginald augustus sidney cecil adam bernard dudley maurice cuthbert
ambrose clement giles horace rowland godfrey lancelot silas""".split()
WOMEN = """mary elizabeth anne margaret jane sarah catherine frances charlotte emma alice eleanor harriet caroline lucy
martha isabella maria florence edith helen susan louisa dorothy agnes rachel matilda beatrice emily constance judith
rosamund winifred ethel georgiana sophia""".split()
SHORT = dict(john=["jack", "johnny", "jon"], william=["will", "bill", "willie", "wm"], thomas=["tom", "tommy", "thos"], george=["geo", "georgie"],
    james=["jim", "jamie", "jas"], henry=["harry", "hal"], charles=["charlie", "chas"], robert=["bob", "rob", "bobby"],
    edward=["ted", "ned", "eddie"], richard=["dick", "rich"], joseph=["joe", "jos"], samuel=["sam"], alexander=["alex", "sandy", "alec"],
    david=["dave", "davy"], francis=["frank"], frederick=["fred", "freddie"], arthur=["art"], walter=["walt", "wat"], benjamin=["ben"],
    peter=["pete"], daniel=["dan"], andrew=["andy"], philip=["phil", "pip"], michael=["mike"], stephen=["steve"], edmund=["ned"],
    matthew=["matt"], alfred=["alf"], nicholas=["nick"], anthony=["tony"], lawrence=["larry"], christopher=["kit", "chris"], albert=["bert"],
    nathaniel=["nat"], leonard=["len"], theodore=["theo"], reginald=["reggie"], margaret=["peggy", "maggie"], elizabeth=["betty", "eliza", "lizzie", "bess"],
    mary=["molly", "polly"], anne=["nancy", "annie"], sarah=["sally"], catherine=["kate", "kitty"], frances=["fanny"], charlotte=["lottie"],
    eleanor=["nell", "ellen"], harriet=["hattie"], caroline=["carrie"], martha=["patty"], florence=["flo"], helen=["nell"], dorothy=["dolly"])
A = """ash brad cald den ead far gar hal har kil lang lin mar mid nor ock pem rad rush sel shel stan tar thorn up
wal war wes whit wil win wood wyn black brough car ches cot crow dray fair hay hol hut kirk marsh pen pick pres ridg
roth sand stock sut tal til wake wad wren yar clif bram bar bel""".split()
B = """ton ford ley ham wood field worth by well shaw wick croft more land ner son burn dale ridge mer house stead
combe thorpe man bridge gate er ing""".split()
SURNAMES = """smith jones williams brown taylor davies wilson evans thomas johnson roberts walker wright robinson thompson
white hughes edwards green hall wood harris lewis martin jackson clarke clark turner hill scott cooper morris ward moore
king watson baker harrison morgan patel young allen mitchell james anderson phillips lee bell parker davis bennett miller
cook shaw cox campbell murray hamilton douglas stewart graham russell""".split()
RARE = sorted({x + y for x in A for y in B})
R.shuffle(RARE)
SURNAMES += RARE[:1400]
PLACES = """london edinburgh glasgow dublin birmingham manchester liverpool bristol leeds devon norwich york bath oxford
cambridge exeter plymouth newcastle aberdeen cardiff nottingham derby leicester sheffield hull bradford coventry
worcester gloucester shrewsbury chester durham carlisle lancaster ipswich colchester canterbury dover brighton
portsmouth southampton winchester salisbury dorchester truro swansea bangor perth dundee inverness stirling kent surrey
essex suffolk cornwall somerset lincoln northampton bedford hertford reading hereford stafford""".split()
AREA = {p: (p[:1] + p[2:3]) if i % 2 else p[:2] for i, p in enumerate(PLACES)}
JOBS = """politician writer cricketer painter military_officer footballer lawyer actor priest scientist architect composer
journalist clergyman engineer physician botanist poet historian businessperson engraver mathematician photographer
naval_officer diplomat banker explorer singer chemist""".split()
TITLES = ["sir {f} {s}", "{f} {s}, 1st baronet", "{f} {s}, 2nd baron {s}", "{f} {s} of {p}", "lord {s}", "{f} {s}, 1st earl of {p}",
    "{f} {m} {s}", "dr {f} {s}", "{f} {s} the younger", "{f} {s} esq"]

def zipf(items, s=0.9):
    weights = [1 / (i + 1) ** s for i in range(len(items))]
    return lambda: R.choices(items, weights)[0]

man, woman, surname, place, job = zipf(MEN), zipf(WOMEN), zipf(SURNAMES, 0.75), zipf(PLACES, 0.9), zipf(JOBS, 1.0)
hit = lambda share: R.random() < share * a.damage

def slip(word):
    if len(word) < 2:
        return word
    i = R.randrange(len(word) - 1)
    kind = R.randrange(5)
    letter = R.choice("abcdefghiklmnoprstuvwy")
    if kind == 0: return word[:i] + word[i + 1:]
    if kind == 1: return word[:i] + word[i + 1] + word[i] + word[i + 2:]
    if kind == 2: return word[:i] + letter + word[i:]
    if kind == 3: return word[:i] + word[i] + word[i:]
    return word[:i] + letter + word[i + 1:]

def postcode(town, district=None):
    district = district or R.randint(1, 25)
    return f"{AREA.get(town, town[:2])}{district} {R.randint(1, 9)}{R.choice('abdefghjlnp')}{R.choice('abdefghjlnp')}"

def person(i, family):
    p = dict(id=f"Q{100000 + i}", woman=R.random() < 0.2)
    p["first"] = woman() if p["woman"] else man()
    p["middle"] = woman() if p["woman"] else man()
    p["surname"], p["place"] = family or (surname(), place())
    p["maiden"] = surname() if p["woman"] and R.random() < 0.4 else None
    year = R.randint(1600, 1940)
    p["dob"] = (year, 1, 1) if R.random() < 0.35 else (year, R.randint(1, 12), R.randint(1, 28))
    p["district"] = R.randint(1, 25)
    p["postcode"] = postcode(p["place"], p["district"])
    p["job"], p["job2"] = job(), job() if R.random() < 0.4 else None
    p["title"] = R.choice(TITLES) if R.random() < 0.4 else "{f} {s}"
    return p

def record(p, n, worn):
    """worn: how badly this record is damaged (0 clean, 1 usual, 2 badly)."""
    bad = lambda share: worn and hit(share * worn)
    f, s, m = p["first"], p["surname"], p["middle"]
    if bad(.16) and f in SHORT: f = R.choice(SHORT[f])
    elif bad(.04): f = m
    elif bad(.03): f = f[0]
    if p["maiden"] and bad(.25): s = p["maiden"]
    if bad(.11): f = slip(f)
    if bad(.14): s = slip(s)
    if bad(.03): s = slip(s)
    form = p["title"] if not bad(.25) else R.choice(TITLES + ["{f} {s}"] * 6)
    full = form.format(f=f, s=s, m=m, p=p["place"])
    if bad(.10): full = slip(full)
    if bad(.06) and len(full.split()) > 2:
        w = full.split(); w.pop(R.randrange(len(w))); full = " ".join(w)
    words = full.replace(",", "").split()
    if "lord" in words and len(words) == 2: f = "lord" if bad(.5) else f
    y, mo, d = p["dob"]
    if bad(.10): mo, d = 1, 1
    if bad(.06):
        kind = R.randrange(4)
        if kind == 0: d = R.randint(1, 28)
        elif kind == 1: mo = R.randint(1, 12)
        elif kind == 2: y += R.choice([-10, -2, -1, 1, 2, 10])
        else: d, mo = (mo, d) if d <= 12 else (d, mo)
    dob = f"{y}-{mo:02}-{d:02}" if not bad(.14) else ""
    where = p["place"]
    if bad(.07): where = place()
    if bad(.03): where = slip(where)
    code = p["postcode"]
    if bad(.14): code = postcode(p["place"], p["district"])
    elif bad(.06): code = postcode(p["place"])
    elif bad(.05): code = postcode(where)
    if bad(.04): code = slip(code)
    work = p["job2"] if p["job2"] and bad(.3) else p["job"]
    if bad(.03): work = job()
    return [f"{p['id']}-{n}", p["id"], full, f"{f} {s}", f, s, dob, "" if bad(.12) else where, "" if bad(.18) else code,
        "" if bad(.12) else ("female" if p["woman"] else "male"), "" if bad(.14) else work]

rows, i = [], 0
families = []
while len(rows) < a.rows:
    family = R.choice(families) if families and R.random() < 0.12 else None
    p = person(i, family)
    families.append((p["surname"], p["place"]))
    families = families[-300:]
    i += 1
    for n in range(1, max(1, min(24, round(R.gauss(10, 4)))) + 1):
        worn = 0 if n == 1 else R.choice([0.5, 1, 1, 1.5, 2.4])
        rows.append(record(p, n, worn))
R.shuffle(rows)
os.makedirs(a.out, exist_ok=True)
head = "unique_id cluster full_name first_and_surname first_name surname dob birth_place postcode_fake gender occupation".split()
with open(os.path.join(a.out, "people.csv"), "w", newline="") as f:
    w = csv.writer(f, lineterminator="\n")
    w.writerow(head)
    w.writerows(rows)
try:
    import pyarrow as pa, pyarrow.parquet as pq
    pq.write_table(pa.table({h: [r[k] or None for r in rows] for k, h in enumerate(head)}), os.path.join(a.out, "people.parquet"))
except ImportError:
    pass
counts = {}
for r in rows: counts[r[1]] = counts.get(r[1], 0) + 1
print(dict(rows=len(rows), persons=len(counts), true_pairs=sum(n * (n - 1) // 2 for n in counts.values())))
