//! The files open, the truth agrees with them, and the same seed writes the same bytes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use calamine::{Data, Reader, Xlsx};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use synth::{Config, Manifest, Shape, write_province};

fn make(persons: u64, seed: u64, shape: Shape, second: bool) -> (tempfile::TempDir, Manifest) {
    let dir = tempfile::tempdir().unwrap();
    let mut config = Config { persons, seed, ..Config::default() };
    if second {
        config.second_export = chrono::NaiveDate::from_ymd_opt(2020, 3, 31);
    }
    let manifest = write_province(&config, dir.path(), shape, &mut |_| {}).unwrap();
    (dir, manifest)
}

type Row = HashMap<String, String>;

fn csv_rows(path: &Path, gbk: bool) -> Vec<Row> {
    let bytes = std::fs::read(path).unwrap();
    let text = if gbk {
        let (text, _, bad) = encoding_rs::GBK.decode(&bytes);
        assert!(!bad, "{} must be GBK throughout", path.display());
        text.into_owned()
    } else {
        String::from_utf8(bytes).unwrap()
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headers: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(headers.iter().collect::<HashSet<_>>().len(), headers.len(), "headers are distinct");
    reader.records().map(|r| headers.iter().cloned().zip(r.unwrap().iter().map(str::to_owned)).collect()).collect()
}

fn xlsx_rows(path: &Path) -> Vec<Vec<String>> {
    let mut book: Xlsx<_> = calamine::open_workbook(path).unwrap();
    let range = book.worksheet_range_at(0).unwrap().unwrap();
    let (height, width) = range.get_size();
    let (top, left) = range.start().unwrap();
    assert_eq!((top, left), (0, 0));
    (0..height)
        .map(|r| {
            (0..width)
                .map(|c| match range.get((r, c)) {
                    Some(Data::String(s)) => s.clone(),
                    Some(Data::Float(f)) => f.to_string(),
                    Some(Data::Int(i)) => i.to_string(),
                    _ => String::new(),
                })
                .collect()
        })
        .collect()
}

fn bare(id: &str) -> &str {
    id.trim_start_matches("=\"").trim_end_matches('"')
}

fn file<'a>(manifest: &'a Manifest, kind: &str) -> &'a str {
    &manifest.files.iter().find(|f| f.kind == kind).unwrap_or_else(|| panic!("no {kind}")).path
}

#[test]
fn same_seed_same_bytes_and_other_seed_other_bytes() {
    let (a, manifest) = make(1_000, 7, Shape::Demo, false);
    let (b, _) = make(1_000, 7, Shape::Demo, false);
    let (c, _) = make(1_000, 8, Shape::Demo, false);
    for f in &manifest.files {
        let read = |d: &tempfile::TempDir| std::fs::read(d.path().join(&f.path)).unwrap();
        assert_eq!(read(&a), read(&b), "{} differs between two runs", f.path);
    }
    let persons = file(&manifest, "person");
    assert_ne!(std::fs::read(a.path().join(persons)).unwrap(), std::fs::read(c.path().join(persons)).unwrap());
}

#[test]
fn persons_are_valid_but_for_planted_defects() {
    let (dir, manifest) = make(12_000, 3, Shape::Demo, false);
    let rows = csv_rows(&dir.path().join(file(&manifest, "person")), true);
    let mut planted: HashMap<String, Vec<String>> = HashMap::new();
    let mut touched: HashSet<String> = HashSet::new();
    for t in csv_rows(&dir.path().join(file(&manifest, "truth_quality")), false) {
        touched.insert(t["household_no"].clone());
        if !t["person_no"].is_empty() {
            // Row 1 of a CSV is the header, so data row n stands at index n - 2.
            let at = t["row"].parse::<usize>().unwrap() - 2;
            assert_eq!(rows[at]["人口编号"], t["person_no"], "truth points at the row");
            planted.entry(t["person_no"].clone()).or_default().push(t["rule"].clone());
        }
    }
    let hidden: HashSet<String> = csv_rows(&dir.path().join(file(&manifest, "truth_quality")), false)
        .into_iter()
        .filter(|t| t["rule"] == "persons_none" && t["severity"] == "doubt")
        .map(|t| t["household_no"].clone())
        .collect();
    assert!(rows.len() <= 12_000 && rows.len() + 8 * hidden.len() >= 12_000, "{} rows", rows.len());
    let mut ids = HashSet::new();
    let mut heads: BTreeMap<&str, usize> = BTreeMap::new();
    for r in &rows {
        let id = bare(&r["证件号码"]);
        let rules = planted.get(&r["人口编号"]).cloned().unwrap_or_default();
        *heads.entry(&r["户编号"]).or_default() += usize::from(r["与户主关系"] == "户主");
        if rules.iter().any(|x| x.starts_with("id_") || x == "birth_future") {
            continue;
        }
        let read = codes::citizen_id::read(id).unwrap_or_else(|e| panic!("{id}: {e}"));
        let citizen = read.id;
        assert!(!read.maybe_truncated, "{id} is not told as doubtful");
        assert!(citizen.as_str().starts_with("99"), "area prefix 99");
        assert!(citizen.as_str()[14..17] > *"000", "orders begin at 001");
        assert!(ids.insert(citizen.as_str().to_owned()), "{id} twice");
        let planted_here = |rule: &str| rules.iter().any(|r| r == rule);
        assert_eq!(citizen.birth_date().to_string() == r["出生日期"], !planted_here("birth_differs"), "{r:?}");
        assert_eq!(citizen.sex().zh() == r["性别"], !planted_here("sex_differs"), "{r:?}");
        let born: i32 = r["出生日期"][..4].parse().unwrap();
        assert!((1915..=2020).contains(&born), "{born} is no plausible birth year");
        if rules.is_empty() {
            assert!(r["文化程度"].is_empty() != r["在校生状况"].is_empty());
            assert!(r["务工所在地"].is_empty() == r["务工时间(月)"].is_empty());
            assert!(r["健康状况"].contains("残疾") == read.disability.is_some());
            assert!(r["务工所在地"].is_empty() || r["劳动技能"] != "无劳动力");
        }
    }
    for (no, n) in heads {
        assert!(n == 1 || touched.contains(no), "household {no} has {n} heads");
    }
}

#[test]
fn parents_are_older_than_their_children() {
    let (dir, manifest) = make(6_000, 11, Shape::Bulk, false);
    let rows = csv_rows(&dir.path().join(file(&manifest, "person")), false);
    let marked: HashSet<String> = csv_rows(&dir.path().join(file(&manifest, "truth_quality")), false)
        .into_iter()
        .map(|t| t["household_no"].clone())
        .collect();
    let year = |r: &Row| r["出生日期"][..4].parse::<i32>().unwrap();
    let mut head = 0;
    let mut seen = HashSet::new();
    for r in rows.iter().filter(|r| !marked.contains(&r["户编号"])) {
        seen.insert(r["与户主关系"].clone());
        match r["与户主关系"].as_str() {
            "户主" => head = year(r),
            "之父" | "之母" => assert!(head - year(r) >= 17, "{r:?}"),
            "之子" | "之女" => assert!(year(r) - head >= 14, "{r:?}"),
            "之孙子" | "之孙女" | "之外孙子" | "之外孙女" => {
                assert!(year(r) - head >= 28, "{r:?}")
            }
            _ => {}
        }
    }
    assert!(seen.len() >= 18, "only {seen:?}");
}

#[test]
fn households_open_as_a_workbook_with_title_totals_and_footer() {
    let (dir, manifest) = make(3_000, 5, Shape::Demo, false);
    let rows = xlsx_rows(&dir.path().join(file(&manifest, "household")));
    assert!(rows[0][0].ends_with("建档立卡户信息"));
    assert!(rows[1][0].starts_with("填报单位"));
    let header = &rows[2];
    let at = |name: &str| header.iter().position(|h| h == name).unwrap();
    // This office puts the totals on top.
    assert_eq!(rows[3][0], "合计");
    assert_eq!(rows[3][at("家庭人口数")], "3000");
    let data = &rows[4..rows.len() - 1];
    assert_eq!(data.len() as u64, manifest.households);
    assert!(rows[rows.len() - 1][0].starts_with("审核人"));

    let income = xlsx_rows(&dir.path().join(file(&manifest, "income")));
    let top = income[2].iter().position(|h| h == "工资性收入").unwrap();
    assert_eq!(income[3][top], "务工");
    assert_eq!(income[2][top + 1], "", "a merged upper header covers its leaves");
    let cell = |r: &Vec<String>, i: usize| r[i].parse::<f64>().unwrap();
    let find = |name: &str| income[2].iter().position(|h| h == name).unwrap();
    let (cost, gross, net, head, n) =
        (find("生产经营性支出"), find("年收入"), find("纯收入"), find("人均纯收入"), find("家庭人口数"));
    assert_eq!(income[income.len() - 2][0], "合计");
    let slips: HashSet<String> = csv_rows(&dir.path().join(file(&manifest, "truth_quality")), false)
        .into_iter()
        .filter(|t| t["rule"] == "income_sum")
        .map(|t| t["household_no"].clone())
        .collect();
    for r in income[4..income.len() - 2].iter().filter(|r| !slips.contains(&r[find("户编号")])) {
        assert!((cell(r, gross) - cell(r, cost) - cell(r, net)).abs() < 0.01);
        assert!((cell(r, net) / cell(r, n) - cell(r, head)).abs() < 0.011);
    }
}

#[test]
fn every_case_row_is_traceable() {
    let (dir, manifest) = make(20_000, 9, Shape::Demo, false);
    let people: HashMap<String, Row> = csv_rows(&dir.path().join(file(&manifest, "person")), true)
        .into_iter()
        .map(|r| (r["人口编号"].clone(), r))
        .collect();
    let truth = csv_rows(&dir.path().join(file(&manifest, "truth_cases")), false);
    let mut lists: HashMap<String, Vec<Vec<String>>> = HashMap::new();
    for f in manifest.files.iter().filter(|f| f.kind == "case") {
        lists.insert(f.path.clone(), xlsx_rows(&dir.path().join(&f.path)));
    }
    let (mut checked, mut registered, mut revised) = (0, 0, 0);
    for t in truth.iter().filter(|t| lists.contains_key(&t["list"])) {
        let rows = &lists[&t["list"]];
        let row = &rows[t["row"].parse::<usize>().unwrap() - 1];
        let at = |name: &str| rows[2].iter().position(|h| h == name).unwrap();
        assert_eq!(row[at("卡片编号")], t["card_no"]);
        assert_eq!(row[at("病例分类")], t["class"]);
        checked += 1;
        revised += usize::from(row[at("报卡类别")] == "订正报告");
        if t["role"] == "registered" {
            registered += 1;
            let p = &people[&t["person_no"]];
            assert_eq!(p["户编号"], t["household_no"]);
            let registered = codes::citizen_id::read(&p["证件号码"]).unwrap();
            let same_id = row[at("有效证件号")] == registered.id.as_str();
            let same_name = row[at("姓名")] == p["姓名"];
            assert_eq!(same_id, !t["damage"].contains("id_"), "{t:?}");
            assert_eq!(same_name, !t["damage"].contains("name_"), "{t:?}");
        } else {
            assert!(t["person_no"].is_empty());
        }
        for kind in t["damage"].split(';').filter(|k| !k.is_empty()) {
            assert!(synth::DAMAGE_KINDS.contains(&kind), "{kind}");
        }
    }
    assert!(checked > 20 && revised > 0);
    let share = registered * 100 / checked;
    assert!((50..=80).contains(&share), "{share} % registered");
    let written: usize = lists.values().map(|rows| rows.len() - 5).sum();
    assert_eq!(written, checked, "no case row without its truth");
}

#[test]
fn one_county_outside_is_severe_with_a_cluster() {
    let (dir, manifest) = make(2_000, 1, Shape::Bulk, false);
    let mut confirmed: HashMap<String, HashSet<String>> = HashMap::new();
    let mut clusters = 0;
    for f in manifest.files.iter().filter(|f| f.kind.starts_with("case")) {
        for r in csv_rows(&dir.path().join(&f.path), false) {
            if r["病例分类"] == "确诊病例" {
                clusters += usize::from(!r["聚集性疫情编号"].is_empty() && r["填卡日期"].as_str() >= "2020-02-07");
                confirmed.entry(r["现住址县(区)"].clone()).or_default().insert(r["卡片编号"].clone());
            }
        }
    }
    assert!(confirmed["临江区"].len() > 50, "{}", confirmed["临江区"].len());
    assert!(clusters > 0);
    assert!(confirmed.values().any(|c| c.len() <= 50));
}

#[test]
fn a_second_export_differs_where_the_changes_say() {
    let (dir, manifest) = make(40_000, 4, Shape::Bulk, true);
    let exports: Vec<&str> = manifest.files.iter().filter(|f| f.kind == "household").map(|f| f.path.as_str()).collect();
    assert_eq!(exports.len(), 2);
    let index = |p: &str| -> HashMap<String, Row> {
        csv_rows(&dir.path().join(p), false).into_iter().map(|r| (r["户编号"].clone(), r)).collect()
    };
    let (first, second) = (index(exports[0]), index(exports[1]));
    let changes = csv_rows(&dir.path().join(file(&manifest, "truth_changes")), false);
    assert!(!changes.is_empty());
    let kinds: HashSet<&str> = changes.iter().map(|c| c["change"].as_str()).collect();
    for kind in [
        "phone",
        "birth",
        "death",
        "household_ended",
        "household_new",
        "divided",
        "head",
        "move",
        "income",
        "monitoring_begun",
        "monitoring_ended",
    ] {
        assert!(kinds.contains(kind), "no {kind} among {kinds:?}");
    }
    // Incomes and monitoring stand in files of their own.
    let elsewhere = ["income", "monitoring_begun", "monitoring_ended"];
    let changed: HashSet<&str> = changes
        .iter()
        .filter(|c| !elsewhere.contains(&c["change"].as_str()))
        .map(|c| c["household_no"].as_str())
        .collect();
    for (no, row) in &first {
        match second.get(no) {
            Some(now) => assert_eq!(now != row, changed.contains(no.as_str()), "{no}"),
            None => assert!(changes.iter().any(|c| &c["household_no"] == no && c["change"] == "household_ended")),
        }
    }
    for no in second.keys().filter(|no| !first.contains_key(*no)) {
        assert!(changes.iter().any(|c| &c["household_no"] == no && c["change"] == "household_new"), "{no}");
    }

    // Nobody is lost or doubled, every household has one head, and the totals of incomes still add up.
    let people: Vec<&str> = manifest.files.iter().filter(|f| f.kind == "person").map(|f| f.path.as_str()).collect();
    let before: HashMap<String, Row> =
        csv_rows(&dir.path().join(people[0]), false).into_iter().map(|r| (r["人口编号"].clone(), r)).collect();
    let after = csv_rows(&dir.path().join(people[1]), false);
    let marked: HashSet<String> = csv_rows(&dir.path().join(file(&manifest, "truth_quality")), false)
        .into_iter()
        .map(|t| t["household_no"].clone())
        .collect();
    let (mut heads, mut seen, mut ids) = (HashMap::new(), HashSet::new(), HashSet::new());
    for r in after.iter().filter(|r| !marked.contains(&r["户编号"])) {
        assert!(seen.insert(r["人口编号"].clone()), "{} twice", r["人口编号"]);
        *heads.entry(r["户编号"].clone()).or_insert(0) += u32::from(r["与户主关系"] == "户主");
        if let Ok(read) = codes::citizen_id::read(&r["证件号码"]) {
            assert!(ids.insert(read.id.as_str().to_owned()), "{} twice", r["证件号码"]);
        }
        let relation = codes::lists::relation_of(&r["与户主关系"]).unwrap();
        assert!(relation.sex.is_none_or(|s| s.zh() == r["性别"]), "{r:?}");
    }
    assert!(heads.values().all(|n| *n == 1), "{heads:?}");
    let gone: HashSet<&String> = changes
        .iter()
        .filter(|c| matches!(c["change"].as_str(), "death" | "household_ended"))
        .map(|c| &c["person_no"])
        .collect();
    for (no, r) in before.iter().filter(|(_, r)| !marked.contains(&r["户编号"])) {
        assert_eq!(seen.contains(no), !gone.contains(no), "{no} {} of {}", r["姓名"], r["户编号"]);
    }
    let incomes: Vec<&str> = manifest.files.iter().filter(|f| f.kind == "income").map(|f| f.path.as_str()).collect();
    let header = std::fs::read_to_string(dir.path().join(incomes[1])).unwrap();
    let header = header.lines().next().unwrap();
    assert!(header.contains("五保金") && header.contains("养老金或离退休金") && !header.contains("特困供养金"));
}

#[test]
fn agencies_list_plausible_people_and_some_of_them_again() {
    let (dir, manifest) = make(60_000, 12, Shape::Bulk, false);
    let truth = csv_rows(&dir.path().join(file(&manifest, "truth_lists")), false);
    let mut roles: HashMap<&str, usize> = HashMap::new();
    let mut lists_of: HashMap<&str, HashSet<&str>> = HashMap::new();
    let mut rows_of: HashMap<(&str, &str), usize> = HashMap::new();
    for t in truth.iter().filter(|t| t["kind"] != "close_contact") {
        *roles.entry(&t["role"]).or_default() += 1;
        if t["role"] == "registered" {
            lists_of.entry(&t["person_no"]).or_default().insert(&t["kind"]);
            *rows_of.entry((&t["kind"], &t["person_no"])).or_default() += 1;
        }
    }
    for role in ["registered", "kin", "namesake", "stranger"] {
        assert!(roles[role] > 15, "{roles:?}");
    }
    assert!(lists_of.values().filter(|kinds| kinds.len() > 1).count() > 5, "people on several lists");
    let stays = rows_of.iter().filter(|((kind, _), _)| *kind == "medical_self_pay");
    let twice = stays.clone().filter(|(_, n)| **n > 1).count();
    assert!(twice * 100 / stays.count() >= 5, "{twice} with two stays");
    let cards = truth.iter().filter(|t| t["damage"].contains("id_card")).count();
    assert!(cards > 0, "no disability card stands on a list");
    let age = |r: &Row, column: &str| {
        let read = codes::citizen_id::read(&r[column]).ok()?;
        Some(2020 - chrono::Datelike::year(&read.id.birth_date()))
    };
    // A mistyped digit of the year that happens to check is one in hundreds: the number is read where it is sound.
    let odd: HashSet<(&str, &str)> =
        truth.iter().filter(|t| t["damage"].contains("id_")).map(|t| (t["list"].as_str(), t["row"].as_str())).collect();
    for (kind, column, least, most) in [
        ("dropout", "身份证号", 6, 16),
        ("job_ended", "公民身份号码", 16, 61),
        ("dangerous_house", "身份证号码", 20, 99),
        ("water_supply", "身份证号码", 20, 99),
    ] {
        let path = file(&manifest, kind);
        for (at, r) in csv_rows(&dir.path().join(path), false).iter().enumerate() {
            if let Some(age) = age(r, column).filter(|_| !odd.contains(&(path, (at + 2).to_string().as_str()))) {
                assert!((least..=most).contains(&age), "{kind}: {age} years, {r:?}");
            }
        }
    }
}

#[test]
fn cards_insurance_and_water_are_listed_with_their_truth() {
    let (dir, manifest) = make(60_000, 12, Shape::Bulk, false);
    let truth = csv_rows(&dir.path().join(file(&manifest, "truth_lists")), false);
    for (kind, column, states) in [
        ("disability_card", "残疾等级", &["一级", "二级", "三级", "四级"][..]),
        ("medical_insurance", "参保状态", &["未参保", "停保", "断保", "正常参保"]),
        ("water_supply", "饮水安全评价", &["不安全", "基本安全", "安全"]),
    ] {
        let path = file(&manifest, kind);
        let rows = csv_rows(&dir.path().join(path), false);
        let answers: Vec<&Row> = truth.iter().filter(|t| t["list"] == path).collect();
        assert!(rows.len() > 50 && rows.len() == answers.len(), "{kind}: {} {}", rows.len(), answers.len());
        for state in states {
            assert!(rows.iter().any(|r| r[column] == *state), "{kind}: nobody is {state}");
        }
        assert!(rows.iter().all(|r| states.contains(&r[column].as_str())), "{kind}");
        let registered = answers.iter().filter(|t| t["role"] == "registered").count();
        assert!((55..85).contains(&(registered * 100 / answers.len())), "{kind}: {registered}");
    }
    // A card's number begins with an ID number and ends with type and grade; it is never missing.
    let path = file(&manifest, "disability_card");
    for row in csv_rows(&dir.path().join(path), false) {
        let card = &row["残疾人证号"];
        assert!(card.len() == 20 && card.is_ascii(), "{card}");
        let grade = card.chars().last().unwrap().to_digit(10).unwrap();
        assert_eq!(["一级", "二级", "三级", "四级"][grade as usize - 1], row["残疾等级"]);
    }
}

#[test]
fn every_rule_is_planted_and_every_other_form_is_named() {
    let (dir, manifest) = make(120_000, 2, Shape::Bulk, false);
    let truth = csv_rows(&dir.path().join(file(&manifest, "truth_quality")), false);
    let planted: HashSet<&str> = truth.iter().map(|t| t["rule"].as_str()).collect();
    let missing: Vec<&str> = synth::QUALITY_RULES.iter().map(|r| r.0).filter(|r| !planted.contains(r)).collect();
    assert_eq!(missing, Vec::<&str>::new());
    assert!(planted.iter().all(|rule| synth::QUALITY_RULES.iter().any(|r| r.0 == *rule)), "{planted:?}");
    let forms = csv_rows(&dir.path().join(file(&manifest, "truth_id_forms")), false);
    let persons = csv_rows(&dir.path().join(file(&manifest, "person")), false);
    let mut seen: HashMap<String, usize> = HashMap::new();
    for f in &forms {
        let row = &persons[f["row"].parse::<usize>().unwrap() - 2];
        assert_eq!(row["人口编号"], f["person_no"]);
        let id = &row["证件号码"];
        let fits = match f["form"].as_str() {
            "id_15" => id.len() == 15,
            "id_lower_x" => id.ends_with('x'),
            "id_full_width" => id.chars().all(|c| c >= '\u{ff01}'),
            "id_apostrophe" => id.starts_with('\''),
            _ => id.contains(' '),
        };
        assert!(fits && codes::citizen_id::read(id).is_ok_and(|r| r.repairs.any()), "{f:?}: {id}");
        *seen.entry(f["form"].clone()).or_default() += 1;
    }
    assert_eq!(seen.len(), 5, "{seen:?}");
    assert!(forms.len() * 1000 / persons.len() < 15, "a small share");
    let monitored = csv_rows(&dir.path().join(file(&manifest, "monitor")), false);
    let holds = |column: &str, value: &str| monitored.iter().any(|r| r[column] == value);
    assert!(holds("监测对象类别", "突发严重困难户") && holds("风险消除方式", "自然消除"));
    assert!(holds("致贫/返贫风险1", "因疫") || holds("致贫/返贫风险2", "因疫") || holds("致贫/返贫风险3", "因疫"));
    assert!(holds("因自然灾害子项", "洪涝灾害"));
}

#[test]
fn refuses_what_it_cannot_do() {
    let dir = tempfile::tempdir().unwrap();
    let none = Config { persons: 0, ..Config::default() };
    let error = write_province(&none, dir.path(), Shape::Bulk, &mut |_| {}).unwrap_err();
    assert_eq!(error.code(), "synth-persons");
    let early =
        Config { persons: 10, second_export: chrono::NaiveDate::from_ymd_opt(2020, 2, 21), ..Config::default() };
    let error = write_province(&early, dir.path(), Shape::Bulk, &mut |_| {}).unwrap_err();
    assert_eq!(error.code(), "synth-second-export");
}
