#!/usr/bin/env python3
"""Splink (DuckDB back end), dedupe_only with clusters, on the output of make_dedupe.py.

  python run_splink_dedupe.py --data DIR --out pairs.csv --clusters clusters.csv [--report report.json]
                              [--u-pairs 1e6] [--threads 0] [--memory-limit 20GB] [--temp DIR] [--cut 5]

Times everything from reading register.csv to both files written: pairs.csv (rid_a,rid_b,match_weight above --least)
and clusters.csv (cluster,rid; connected components above --cut).  Normalisation, levels and rules are those of
run_splink_cn.py, with two rules narrowed to the rows that need them: within one register "name and county" and "ends
of the number" pair everybody with everybody of the name; they are kept for rows without a birth date and for hidden
numbers, as a user who looked at the number of pairs by rule would do.
"""
import argparse, json, os, resource, time
T0 = time.perf_counter()
import duckdb
import splink.comparison_library as cl
import splink.comparison_level_library as cll
from splink.blocking_rule_library import CustomRule
from splink import DuckDBAPI, Linker, SettingsCreator, block_on
from pypinyin import lazy_pinyin
import opencc

ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
ap.add_argument("--data", required=True); ap.add_argument("--out", required=True); ap.add_argument("--clusters", required=True); ap.add_argument("--report")
ap.add_argument("--least", type=float, default=-5); ap.add_argument("--cut", type=float, default=5)
ap.add_argument("--u-pairs", type=float, default=1e6); ap.add_argument("--threads", type=int, default=0)
ap.add_argument("--memory-limit", default="20GB"); ap.add_argument("--temp", help="DuckDB spill folder")
ap.add_argument("--params", help="also save the trained model (json) here")
ap.add_argument("--model", help="use this trained model (json from --params) and do not train")
a = ap.parse_args()
stages, t_last = {}, time.perf_counter()
t_start = t_last
def lap(k):
    global t_last
    n = time.perf_counter(); stages[k] = round(n - t_last, 2); t_last = n

con = duckdb.connect()
con.execute(f"set memory_limit='{a.memory_limit}'"); con.execute("set enable_progress_bar=false")
if a.threads: con.execute(f"set threads={a.threads}")
if a.temp: con.execute(f"set temp_directory='{a.temp}'")
con.execute(f"""create temp table raw_reg as select rid as uid, name, sex, id_no, birth, phone, village, address
    from read_csv('{os.path.join(a.data, 'register.csv')}', all_varchar=true, header=true, delim=',', quote='')""")
lap("read_csv")

# ---- character tables; each DISTINCT name is normalised once in Python (DuckDB's translate() with a
#      1,000-character table took 41 s for 1.1 M names; this takes ~3 s)
names = [r[0] for r in con.execute("select distinct name from raw_reg").fetchall() if r[0]]
t2s = opencc.OpenCC("t2s")
m_simp, m_py, rep = {ord(c): None for c in "·.•・． \t\u3000"}, {}, {}
for c in set("".join(names)):
    if ord(c) in m_simp: continue
    s = t2s.convert(c)
    m_simp[ord(c)] = s
    if "\u4e00" <= s <= "\u9fff": m_py[ord(s)] = rep.setdefault(lazy_pinyin(s)[0], s)   # homophone class = its first character
import pyarrow as pa
ns = [x.translate(m_simp) for x in names]
nt = pa.table(dict(name=names, name_s=ns, name_py=[x.translate(m_py) for x in ns]))
con.register("nt", nt); con.execute("create temp table name_map as select * from nt"); con.unregister("nt")
W = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
i17 = "substr(idu,1,6)||'19'||substr(idu,7,9)"
chk = "substr('10X98765432',1+(" + "+".join(f"{w}*cast(substr(i17,{k+1},1) as int)" for k, w in enumerate(W)) + ")%11,1)"
PREP = f"""
create table {{out}} as
with s as (select *, upper(trim(id_no)) idu from {{src}} left join name_map using (name)),
 s2 as (select *, case when regexp_full_match(idu,'[0-9]{{{{15}}}}') then {i17} end i17 from s),
 s3 as (select *, case when i17 is not null then i17||{chk}
       when idu is not null and idu<>'' and not contains(idu,'*') then idu end id18 from s2)
select uid, '{{ds}}' source_dataset, nullif(name_s,'') name_s, nullif(name_py,'') name_py, substr(name_py,1,1) sur_py,
  sex, nullif(birth,'') birth, try_cast(nullif(birth,'') as date) bdate, substr(nullif(birth,''),1,4) byear, nullif(phone,'') phone,
  nullif(village,'') village, substr(nullif(village,''),1,9) town, substr(nullif(village,''),1,6) county,
  nullif(address,'') address, id18,
  case when contains(idu,'*') then substr(idu,1,4)||'|'||right(idu,4) end id_mask,
  case when idu is null or idu='' then null else coalesce(substr(id18,1,4)||'|'||right(id18,4), substr(idu,1,4)||'|'||right(idu,4)) end id_ends,
  left(id18,9) ida, right(id18,9) idb, left(id18,6) id1, substr(id18,7,6) id2, right(id18,6) id3
from s3"""
for o, s, d in (("reg", "raw_reg", "reg"),):
    con.execute(PREP.format(out=o, src=s, ds=d)); con.execute(f"drop table {s}")
lap("normalise")

# Levels that training never sees stay 'untrained' and then carry NO weight (a household member with another name and
# another birth date scored 2^8.8): a first version lost 0.5 points of F1 on the 'hard' preset.  Their m or u is fixed by hand below.
rules = [block_on("id18"), block_on("phone"), block_on("name_s", "birth"), block_on("name_py", "town"),
         block_on("birth", "town"), block_on("sur_py", "birth"), block_on("name_py", "byear"),
         
         CustomRule("l.name_s = r.name_s and l.county = r.county and (l.birth is null or r.birth is null)"),
         CustomRule("l.id_ends = r.id_ends and l.sur_py = r.sur_py and (l.id_mask is not null or r.id_mask is not null)"),
          block_on("village", "address", "sex")]
id_cmp = dict(output_column_name="id_no", comparison_levels=[
    cll.CustomLevel("id_ends_l is null or id_ends_r is null", "null").configure(is_null_level=True),
    cll.CustomLevel("id18_l = id18_r", "exact"),
    cll.CustomLevel("(id_mask_l is not null or id_mask_r is not null) and id_ends_l = id_ends_r", "masked, ends agree"),
    # damerau_levenshtein costs 3.1 us a pair in DuckDB: a pigeonhole test (one half / one third must be equal) first
    cll.CustomLevel("(ida_l = ida_r or idb_l = idb_r) and damerau_levenshtein(id18_l,id18_r) <= 1", "1 edit").configure(u_probability=2e-6, fix_u_probability=True),
    cll.CustomLevel("(id1_l = id1_r or id2_l = id2_r or id3_l = id3_r) and damerau_levenshtein(id18_l,id18_r) <= 2", "2 edits").configure(u_probability=6e-6, fix_u_probability=True),
    cll.ElseLevel()])
name_cmp = dict(output_column_name="name", comparison_levels=[
    cll.CustomLevel("name_s_l is null or name_s_r is null", "null").configure(is_null_level=True),
    cll.ExactMatchLevel("name_s", term_frequency_adjustments=True),
    cll.ExactMatchLevel("name_py", term_frequency_adjustments=True),
    cll.CustomLevel("length(name_s_l) >= 3 and length(name_s_r) >= 2 and levenshtein(name_s_l,name_s_r) <= 1", "1 character"),
    cll.CustomLevel("list_sort(string_split(name_s_l,'')) = list_sort(string_split(name_s_r,''))", "same characters, other order").configure(u_probability=1e-6, fix_u_probability=True),
    cll.CustomLevel("levenshtein(name_py_l,name_py_r) <= 1", "1 syllable"),
    cll.CustomLevel("sur_py_l = sur_py_r", "surname"),
    cll.ElseLevel()])
birth_cmp = dict(output_column_name="birth", comparison_levels=[
    cll.CustomLevel("birth_l is null or birth_r is null", "null").configure(is_null_level=True),
    cll.ExactMatchLevel("birth"),
    cll.CustomLevel("hamming(birth_l,birth_r) <= 1", "1 digit"),
    cll.CustomLevel("substr(birth_l,6,2)=substr(birth_r,9,2) and substr(birth_l,9,2)=substr(birth_r,6,2) and byear_l=byear_r", "day/month swapped"),
    cll.CustomLevel("abs(bdate_l - bdate_r) <= 50", "within 50 days (lunar)"),
    cll.CustomLevel("substr(birth_l,6)=substr(birth_r,6) or byear_l=byear_r", "same day-month or same year"),
    cll.ElseLevel().configure(m_probability=1e-5, fix_m_probability=True)])
place_cmp = dict(output_column_name="place", comparison_levels=[
    cll.CustomLevel("village_l is null or village_r is null", "null").configure(is_null_level=True),
    cll.CustomLevel("village_l = village_r and address_l = address_r", "address"),
    cll.ExactMatchLevel("village"), cll.ExactMatchLevel("town"), cll.ExactMatchLevel("county"), cll.ElseLevel()])
phone_cmp = dict(output_column_name="phone", comparison_levels=[
    cll.CustomLevel("phone_l is null or phone_r is null", "null").configure(is_null_level=True), cll.ExactMatchLevel("phone"),
    cll.ElseLevel()])
sex_cmp = dict(output_column_name="sex", comparison_levels=[cll.CustomLevel("sex_l is null or sex_r is null", "null").configure(is_null_level=True),
    cll.ExactMatchLevel("sex"), cll.ElseLevel().configure(m_probability=1e-4, fix_m_probability=True)])
settings = SettingsCreator(link_type="dedupe_only", unique_id_column_name="uid",
    blocking_rules_to_generate_predictions=rules,
    comparisons=[cl.CustomComparison(**id_cmp), cl.CustomComparison(**name_cmp), cl.CustomComparison(**birth_cmp),
                 cl.CustomComparison(**place_cmp), cl.CustomComparison(**phone_cmp), cl.CustomComparison(**sex_cmp)],
    retain_matching_columns=False, retain_intermediate_calculation_columns=False, max_iterations=20)
api = DuckDBAPI(connection=con)
linker = Linker([api.register("reg", dataset_display_name="reg")], a.model or settings)
def train():
    tr = linker.training
    tr.estimate_probability_two_random_records_match([block_on("id18"), block_on("name_s", "birth", "village")], recall=0.95)
    lap("lambda")
    tr.estimate_u_using_random_sampling(max_pairs=a.u_pairs, seed=1)
    lap("u_sampling")
    tr.estimate_parameters_using_expectation_maximisation(block_on("id18"), estimate_without_term_frequencies=True)
    tr.estimate_parameters_using_expectation_maximisation(block_on("name_s", "birth"), estimate_without_term_frequencies=True)
    lap("em")
if not a.model: train()
pred = linker.inference.predict()
lap("predict")
n_pairs = con.execute(f"select count(*) from {pred.physical_name}").fetchone()[0]
con.execute(f"""copy (select least(uid_l, uid_r) rid_a, greatest(uid_l, uid_r) rid_b, round(match_weight, 4) match_weight
    from {pred.physical_name} where match_weight >= {a.least} order by 1, 2) to '{a.out}' (header)""")
lap("write")
cl = linker.clustering.cluster_pairwise_predictions_at_threshold(pred, threshold_match_weight=a.cut)
con.execute(f"""copy (select cluster_id, uid from {cl.physical_name}
    qualify count(*) over (partition by cluster_id) > 1 order by 1, 2) to '{a.clusters}' (header)""")
lap("cluster")
if a.params: linker.misc.save_model_to_json(a.params, overwrite=True)
rep = dict(tool="splink", splink=__import__("splink").__version__, duckdb=duckdb.__version__, data=os.path.basename(a.data.rstrip("/")),
    stages_s=stages, wall_s=round(time.perf_counter() - t_start, 2), import_s=round(t_start - T0, 2),
    pairs_scored=n_pairs, peak_rss_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    cpu_s=round(sum(resource.getrusage(resource.RUSAGE_SELF)[:2]), 1))
print(json.dumps(rep, indent=1))
if a.report: json.dump(rep, open(a.report, "w"), indent=1)
