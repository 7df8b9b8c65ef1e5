use proptest::prelude::*;

use super::*;

const SCHEMA: &str = "
key = 'id'
[[column]]
name = 'first'
kind = 'name'
[[column]]
name = 'last'
kind = 'name'
levels = ['exact', 'jaro_winkler 0.9', 'exact first~last']
[[column]]
name = 'born'
kind = 'date'
[[column]]
name = 'town'
kind = 'category'
[[column]]
name = 'income'
kind = 'number'
[[column]]
name = 'tags'
kind = 'array'
[[column]]
name = 'street'
kind = 'text'
";

fn schema(extra: &str) -> Schema {
    Schema::from_toml(&format!("{SCHEMA}{extra}")).unwrap()
}

/// People numbered by `i`; `slip` changes a letter, as a second record of the same person may.
fn person(i: usize, slip: bool) -> String {
    let firsts = ["maria", "john", "petra", "li", "anselm", "rosa", "ivan", "kwame"];
    let lasts = ["stone", "rivera", "okafor", "weiss", "tanaka", "dubois", "novak", "larsen", "haddad"];
    let last = format!("{}{}", lasts[i % 9], ["", "son", "mann", "i"][i / 9 % 4]);
    let last = if slip { format!("{}x{}", &last[..2], &last[2..]) } else { last };
    let (year, month, day) = (1930 + i * 7 % 70, 1 + i * 5 % 12, 1 + i * 11 % 28);
    format!(
        "{},{last},{year}-{month:02}-{day:02},t{},{},a{};b{},{} high street",
        firsts[i * 3 % 8],
        i % 13,
        1_000 + i * 37,
        i % 17,
        i % 11,
        i % 90
    )
}

const HEADER: &str = "id,first,last,born,town,income,tags,street\n";

fn table(prefix: &str, count: usize, slip: bool) -> String {
    let rows: String = (0..count).map(|i| format!("{prefix}{i},{}\n", person(i, slip && i % 3 == 0))).collect();
    format!("{HEADER}{rows}")
}

fn backwards(table: &str) -> String {
    let rows: Vec<&str> = table.lines().skip(1).collect();
    format!("{HEADER}{}\n", rows.into_iter().rev().collect::<Vec<_>>().join("\n"))
}

fn read(schema: &Schema, text: &str) -> Rows {
    Rows::read(schema, 0, text.as_bytes()).unwrap()
}

fn pairs(schema: &Schema, left: &str, right: &str, options: &LinkOptions) -> Vec<(String, String, u64)> {
    let (left, right) = (read(schema, left), read(schema, right));
    let found = link(schema, &left, &right, options).unwrap();
    let text = |key: &[u8]| String::from_utf8_lossy(key).into_owned();
    found.pairs.iter().map(|p| (text(left.key(p.left)), text(right.key(p.right)), p.bits.to_bits())).collect()
}

#[test]
fn two_files_are_linked_the_same_for_any_order_and_number_of_threads() {
    let schema = schema("");
    let (left, right) = (table("L", 300, false), table("R", 300, true));
    let options = LinkOptions { one_to_one: true, ..LinkOptions::default() };
    let found = pairs(&schema, &left, &right, &options);
    let right_ones = found.iter().filter(|(l, r, _)| l[1..] == r[1..]).count();
    assert!(right_ones >= 297 && found.len() - right_ones <= 1, "{right_ones} of {}", found.len());
    let other = pairs(&schema, &backwards(&left), &backwards(&right), &LinkOptions { threads: 4, ..options });
    assert_eq!(found, other);
}

#[test]
fn one_file_becomes_clusters_the_same_for_any_order_and_number_of_threads() {
    let schema = schema("");
    let mut text = table("A", 200, false);
    for (prefix, slip) in [("B", true), ("C", false)] {
        text += table(prefix, 200, slip).trim_start_matches(HEADER);
    }
    let rows = read(&schema, &text);
    let found = dedupe(&schema, &rows, &DedupeOptions::default()).unwrap();
    let person = |row: usize| String::from_utf8_lossy(&rows.key(row as u32)[1..]).into_owned();
    let wrong = (0..rows.len()).filter(|row| person(*row) != person(found.clusters[*row] as usize)).count();
    let clusters = found.clusters.iter().enumerate().filter(|(row, c)| *row == **c as usize).count();
    assert!(wrong == 0 && clusters <= 204, "{wrong} wrong, {clusters} clusters");
    let again = read(&schema, &backwards(&text));
    let other = dedupe(&schema, &again, &DedupeOptions { threads: 3, ..DedupeOptions::default() }).unwrap();
    assert_eq!((found.clusters, found.model), (other.clusters, other.model));
}

#[test]
fn evidence_adds_up_and_a_saved_model_judges() {
    let schema = schema("");
    let (left, right) = (read(&schema, &table("L", 200, false)), read(&schema, &table("R", 200, true)));
    let found = link(&schema, &left, &right, &LinkOptions::default()).unwrap();
    assert!(!found.pairs.is_empty());
    for (at, pair) in found.pairs.iter().enumerate() {
        let sum: f64 = found.explain(at).iter().map(|e| e.bits).sum();
        assert!((sum - pair.bits).abs() < 1e-3, "{sum} {}", pair.bits);
    }
    let model = SchemaModel::from_toml(&found.model.to_toml().unwrap()).unwrap();
    let options = LinkOptions { model: Some(model.clone()), ..LinkOptions::default() };
    let again = link(&schema, &left, &right, &options).unwrap();
    assert_eq!(found.pairs.len(), again.pairs.len());
    let other = Schema::from_toml("key = 'id'\n[[column]]\nname = 'name'\nkind = 'name'\n").unwrap();
    let fit = dedupe(
        &other,
        &Rows::read(&other, 0, &b"id,name\n1,a\n2,b\n"[..]).unwrap(),
        &DedupeOptions { model: Some(model), ..DedupeOptions::default() },
    );
    assert!(matches!(fit, Err(SchemaModelProblem::Level { comparison, .. }) if comparison == "name"));
}

#[test]
fn a_rare_value_counts_for_more() {
    let schema = Schema::from_toml(
        "key = 'id'\n[[column]]\nname = 'name'\nkind = 'name'\nlevels = ['exact']\n[[block]]\non = ['name']\n",
    )
    .unwrap();
    let mut left = "id,name\n".to_owned();
    for i in 0..400 {
        left += &if i < 40 { format!("{i},smith\n") } else { format!("{i},n{i}\n") };
    }
    let options = LinkOptions { min_bits: -100.0, ..LinkOptions::default() };
    let found = pairs(&schema, &left, &left, &options);
    let bits = |key: &str| found.iter().find(|(l, ..)| l == key).map(|(_, _, b)| f64::from_bits(*b)).unwrap();
    assert!(bits("399") > bits("3") + 3.0, "{} {}", bits("399"), bits("3"));
}

#[test]
fn what_is_wrong_with_a_schema_is_said_with_its_line() {
    let fault = |extra: &str| Schema::from_toml(&format!("{SCHEMA}{extra}")).unwrap_err();
    let e = fault("[[block]]\non = ['fist']\n");
    assert_eq!((e.fault, e.line, e.value.as_str()), (Fault::UnknownColumn, 26, "fist"));
    assert!(e.want.contains("first"), "{e}");
    let e = fault("[[compare]]\nname = 'x'\nlevels = ['exact first', 'jaro_winkle first 0.9']\n");
    assert_eq!((e.fault, e.line, e.value.as_str()), (Fault::UnknownWord, 27, "jaro_winkle"));
    assert!(e.want.contains("jaro_winkler"));
    let e = fault("[[compare]]\nname = 'x'\nlevels = ['jaro_winkler first 1.9']\n");
    assert_eq!((e.fault, e.value.as_str(), e.want.as_str()), (Fault::Range, "1.9", "jaro_winkler 0 … 1"));
    assert_eq!(fault("[[block]]\non = []\n").fault, Fault::Missing);
    assert_eq!(fault("[[block]]\n").fault, Fault::Missing);
    assert_eq!(fault("[[compare]]\nname = 'x'\nlevels = ['exact first.words']\n").fault, Fault::UnknownWord);
    assert_eq!(fault("[[compare]]\nname = 'x'\nlevels = ['exact']\n").fault, Fault::UnknownColumn);
    assert_eq!(fault("[[block]]\non = ['first.first(0)']\n").fault, Fault::UnknownWord);
    let none = Schema::from_toml("key = 'id'\n").unwrap_err();
    assert_eq!((none.fault, none.key.as_str()), (Fault::Missing, "column"));
    let lacks = Rows::read(&schema(""), 0, &b"id,first\n"[..]).unwrap_err();
    assert!(matches!(lacks, DataProblem::Column { header, .. } if header == "last"));
}

#[test]
fn a_block_of_all_rows_is_left_out_and_reported() {
    let schema =
        Schema::from_toml("key = 'id'\n[[column]]\nname = 'town'\nkind = 'category'\n[[block]]\non = ['town']\n")
            .unwrap();
    let text: String = (0..3_000).map(|i| format!("{i},same\n")).collect();
    let rows = read(&schema, &format!("id,town\n{text}"));
    let found = dedupe(&schema, &rows, &DedupeOptions::default()).unwrap();
    assert_eq!(found.report.pairs, 0);
    assert_eq!((found.report.rules[0].dropped_blocks, found.report.rules[0].dropped_pairs), (1, 3_000 * 2_999 / 2));
    assert!(found.clusters.iter().enumerate().all(|(row, cluster)| row == *cluster as usize));
}

#[test]
fn damaged_rows_find_their_cluster_by_what_several_rows_say() {
    // The last row shares its name with one row and its street with another, and hardly suffices for either.
    let mut text = table("A", 150, false);
    text += table("B", 150, false).trim_start_matches(HEADER);
    text += "Z,petra,,,t2,,,2 high street\n";
    let schema = schema("");
    let rows = read(&schema, &text);
    let found = dedupe(&schema, &rows, &DedupeOptions::default()).unwrap();
    let sizes = found.clusters.iter().fold(std::collections::BTreeMap::new(), |mut sizes, c| {
        *sizes.entry(*c).or_insert(0) += 1;
        sizes
    });
    assert!(sizes.values().all(|n| *n <= 3), "{sizes:?}");
}

#[test]
fn a_value_of_a_megabyte_and_mixed_scripts() {
    let schema = schema("");
    let long = "x".repeat(1 << 20);
    let text = format!(
        "{HEADER}1,{long},a,,,,,{long}\n1,{long}y,a,,,,,{long} z\n2,张伟,Ωmega,1990-13-99,\0,1e999,;;;,\u{202e}abc\n3,,,,,,,\n3,张伟,ωmega,19900101,,NaN,a,é\n"
    );
    let rows = read(&schema, &text);
    let found = dedupe(&schema, &rows, &DedupeOptions::default()).unwrap();
    assert_eq!((found.clusters.len(), found.report.repeated_keys), (5, 4));
}

fn cell() -> impl Strategy<Value = String> {
    let pool =
        ["", "", "a", "ab", "ba", "张伟", "\0", "1990-01-01", "01/02/1990", "-5", "1e9", "a;b", "b;a;a", "Äx y", "  "];
    prop_oneof![proptest::sample::select(pool.to_vec()).prop_map(str::to_owned), "[a-z0-9 ;é张]{0,12}"]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_rows_are_clustered_and_linked_without_a_panic(
        rows in proptest::collection::vec(proptest::collection::vec(cell(), 8), 0..40),
        given in any::<bool>(),
    ) {
        let blocks = "[[block]]\non = ['first.soundex']\n[[block]]\non = ['tags.each', 'born.year']\n[[block]]\non = ['street.words']\n";
        let schema = schema(if given { blocks } else { "" });
        let text: String = rows.iter().map(|row| format!("{}\n", row.join(","))).collect();
        let read = Rows::read(&schema, 0, format!("{HEADER}{text}").as_bytes()).unwrap();
        let found = dedupe(&schema, &read, &DedupeOptions { threads: 2, ..DedupeOptions::default() }).unwrap();
        prop_assert_eq!(found.clusters.len(), read.len());
        prop_assert!(found.clusters.iter().all(|c| found.clusters[*c as usize] == *c));
        let options = LinkOptions { one_to_one: true, min_bits: -50.0, ..LinkOptions::default() };
        let linked = link(&schema, &read, &read, &options).unwrap();
        prop_assert!(linked.pairs.iter().all(|p| p.bits.is_finite()));
        let mut lefts: Vec<u32> = linked.pairs.iter().map(|p| p.left).collect();
        lefts.dedup();
        prop_assert_eq!(lefts.len(), linked.pairs.len());
    }

    #[test]
    fn any_text_is_a_schema_or_a_problem(text in "(key = 'id'\n)?(\\[\\[column\\]\\]\n)?[a-z=\\[\\]'\"0-9. ~()\n]{0,80}") {
        let _ = Schema::from_toml(&text);
    }

    #[test]
    fn any_level_is_read_or_refused(level in "(exact|common|jaro_winkler|days|swapped)?[a-z0-9. ~()-]{0,24}") {
        let text = format!("key = 'id'\n[[column]]\nname = 'a'\nkind = 'date'\nlevels = [\"{level}\"]\n");
        if let Ok(schema) = Schema::from_toml(&text) {
            let rows = Rows::read(&schema, 0, &b"id,a\n1,2000-01-02\n2,2000-02-01\n3,x\n"[..]).unwrap();
            prop_assert_eq!(dedupe(&schema, &rows, &DedupeOptions::default()).unwrap().clusters.len(), 3);
        }
    }
}
