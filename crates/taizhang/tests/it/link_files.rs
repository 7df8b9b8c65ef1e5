//! What `link`, `dedupe`, `pack`, `find` and `model` do with files that are not as they should be.

use std::path::Path;
use std::process::{Command, Output, Stdio};

const HEADER: &str = "name,sex,id_no,birth,phone,village,address";

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        std::fs::write(self.0.path().join(name), bytes).unwrap();
        self.path(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.path().join(name)).unwrap()
    }

    fn read_bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.path().join(name)).unwrap()
    }

    fn exists(&self, name: &str) -> bool {
        self.0.path().join(name).exists()
    }

    /// Names of what is there, hidden files too.
    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn taizhang(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_taizhang"));
    command.args(args).env("LANG", "en_GB.UTF-8").env_remove("LC_ALL").env_remove("TAIZHANG_DATABASE");
    command.env("TAIZHANG_DATA", "/nonexistent/taizhang").stdin(Stdio::null()).output().unwrap()
}

#[track_caller]
fn done(args: &[&str]) -> String {
    let output = taizhang(args);
    assert!(output.status.success(), "{args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn json(args: &[&str]) -> serde_json::Value {
    serde_json::from_str(&done(&[args, &["--json"]].concat())).unwrap()
}

/// What is said by a command that is refused for its input.
#[track_caller]
fn refused(args: &[&str]) -> String {
    let output = taizhang(args);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[track_caller]
fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
}

fn rows(range: std::ops::Range<usize>) -> Vec<String> {
    range
        .map(|n| {
            let pick = |of: &str, n: usize| of.chars().nth(n % of.chars().count()).unwrap();
            let name: String = [pick("王李张刘陈杨黄赵", n), pick("伟芳娜敏静丽强磊军洋勇", n / 3)].iter().collect();
            format!(
                "{name}{n},男,,{}-{:02}-{:02},,990101101{:03},{}组{n}号",
                1950 + n % 60,
                1 + n % 12,
                1 + n % 28,
                201 + n % 7,
                1 + n % 5
            )
        })
        .collect()
}

fn table(key: &str, letter: char, rows: &[String]) -> String {
    let rows: Vec<String> = rows.iter().enumerate().map(|(n, row)| format!("{letter}{n},{row}\n")).collect();
    format!("{key},{HEADER}\n{}", rows.concat())
}

/// A list and a register of the same forty persons.
fn files(folder: &Folder) -> (String, String) {
    let all = rows(0..40);
    (folder.write("l.csv", table("qid", 'Q', &all)), folder.write("r.csv", table("rid", 'R', &all)))
}

#[test]
fn a_file_that_is_no_table_is_refused_with_its_line() {
    let folder = Folder::new();
    let (left, right) = files(&folder);
    let out = folder.path("o.csv");
    let good = table("rid", 'R', &rows(0..40));
    let lines: Vec<&str> = good.lines().collect();
    let with = |line: usize, bytes: &[u8]| {
        let mut all: Vec<Vec<u8>> = lines.iter().map(|line| line.as_bytes().to_vec()).collect();
        all[line - 1] = bytes.to_vec();
        all.join(&b'\n')
    };
    let cases: [(&str, Vec<u8>, &[&str]); 6] = [
        ("open.csv", with(11, "R9,\"王伟,男".as_bytes()), &["open.csv", "quotation mark", "line 11"]),
        // The next quoted field would close it, and the rows between would be gone.
        (
            "torn.csv",
            [with(11, "R9,\"王伟,男".as_bytes()), "\nR50,\"李红\",女\n".as_bytes().to_vec()].concat(),
            &["torn.csv", "quotation mark", "line 11"],
        ),
        ("gbk.csv", with(21, b"R19,\xcd\xf5\xce\xb0,\xc4\xd0"), &["gbk.csv", "line 21", "GB18030", "CSV UTF-8"]),
        ("cr.csv", good.replace('\n', "\r").into_bytes(), &["cr.csv", "CR"]),
        ("book.csv", b"PK\x03\x04\x00\x00".to_vec(), &["book.csv", "workbook"]),
        (
            "wide.csv",
            "\u{feff}".encode_utf16().chain("rid,name\n".encode_utf16()).flat_map(u16::to_le_bytes).collect(),
            &["wide.csv", "UTF-16"],
        ),
    ];
    for (name, bytes, parts) in &cases {
        let wrong = folder.write(name, bytes);
        let tzr = folder.path("o.tzr");
        for args in [
            &["link", "--left", &left, "--right", &wrong, "--out", &out][..],
            &["link", "--left", &wrong, "--right", &right, "--out", &out],
            &["dedupe", "--in", &wrong, "--out", &out],
            &["pack", "--register", &wrong, "--out", &tzr],
            &["model", "train", "--left", &left, "--right", &wrong, "--out", &out],
        ] {
            says(&refused(args), parts);
        }
    }
    assert!(!folder.exists("o.csv") && !folder.exists("o.tzr"));
    // By a schema too, which reads lines of any end.
    let schema = folder.write("s.toml", "key = 'rid'\n[[column]]\nname = 'name'\nkind = 'name'\n");
    for (name, _, parts) in cases.iter().filter(|(name, ..)| *name != "cr.csv") {
        let wrong = folder.path(name);
        says(&refused(&["dedupe", "--in", &wrong, "--out", &out, "--schema", &schema]), parts);
    }
    let lines = json(&["dedupe", "--in", &folder.path("cr.csv"), "--out", &out, "--schema", &schema]);
    assert_eq!(lines["left"], 40);
    let named = folder.write("named.csv", "rid,name\n1,a\n");
    let nul = folder.write("nul.toml", "key = 'x'\n[[column]]\nname = 'name'\nkind = 'name'\n");
    says(&refused(&["dedupe", "--in", &named, "--out", &out, "--schema", &nul]), &["no column x", "rid, name"]);
    says(&refused(&["dedupe", "--in", &named, "--out", &out, "--schema", &folder.write("e.toml", "")]), &["line 1"]);
    says(&refused(&["dedupe", "--in", &folder.write("n.csv", "name\na\n"), "--out", &out]), &["qid or rid"]);
}

#[test]
fn rows_that_are_odd_are_counted_and_told() {
    let folder = Folder::new();
    let (left, right) = files(&folder);
    let (out, tzr) = (folder.path("o.csv"), folder.path("o.tzr"));
    // A ninth column under a name that is there already; then a row without a number, a short one, one whose number is
    // taken, and a long one.
    let mut odd = format!("rid,{HEADER},name\n");
    for (n, row) in rows(0..40).iter().enumerate() {
        odd += &format!("R{n},{row},x\n");
    }
    odd += &format!(",无号,男,,,,,,\nR90,短\nR3,{},x\nR91,长,,,,,,,,,\n", rows(3..4)[0]);
    let odd = folder.write("odd.csv", odd);
    let kinds = |report: &serde_json::Value| -> Vec<(String, u64, u64)> {
        let all = report["warnings"].as_array().unwrap().iter();
        all.map(|w| {
            let kind = w["kind"].as_str().unwrap().to_owned();
            (kind, w["count"].as_u64().unwrap(), w["line"].as_u64().unwrap_or(0))
        })
        .collect()
    };
    let kind = |name: &str, count, line| (name.to_owned(), count, line);
    let rows_and_columns = [kind("unkeyed", 1, 42), kind("short", 1, 43), kind("long", 1, 45), kind("column", 1, 1)];
    let repeated = [&rows_and_columns[..], &[kind("repeated", 1, 0)]].concat();
    let link = |left: &str, right: &str| json(&["link", "--left", left, "--right", right, "--out", &out]);
    assert_eq!(kinds(&link(&odd, &right)), repeated);
    assert_eq!(kinds(&link(&left, &odd)), [&rows_and_columns[..], &[kind("repeated-candidates", 1, 0)]].concat());
    assert_eq!(kinds(&json(&["dedupe", "--in", &odd, "--out", &out])), repeated);
    assert_eq!(kinds(&json(&["pack", "--register", &odd, "--out", &tzr])), repeated);
    assert_eq!(kinds(&link(&left, &right)), []);
    let text = done(&["--lang", "zh-CN", "link", "--left", &left, "--right", &odd, "--out", &out]);
    says(&text, &["请注意", "没有编号的行", "odd.csv", "42"]);
    // A schema reads rows of its own, and keeps those without a key.
    let schema = folder.write("s.toml", "key = 'rid'\n[[column]]\nname = 'name'\nkind = 'name'\n");
    let report = json(&["dedupe", "--in", &odd, "--out", &out, "--schema", &schema]);
    assert_eq!((kinds(&report), &report["left"]), (rows_and_columns.to_vec(), &44.into()));
}

#[test]
fn what_is_written_is_never_what_is_read() {
    let folder = Folder::new();
    let (left, right) = files(&folder);
    let tzr = folder.path("r.tzr");
    done(&["pack", "--register", &right, "--out", &tzr]);
    let model = folder.path("m.toml");
    done(&["model", "train", "--left", &left, "--right", &right, "--out", &model]);
    let before: Vec<Vec<u8>> = ["l.csv", "r.csv", "r.tzr", "m.toml"].map(|n| folder.read_bytes(n)).into();
    let (out, again) = (folder.path("o.csv"), folder.0.path().join(".").join("o.csv").display().to_string());
    let link = ["link", "--left", &left, "--right", &right];
    for args in [
        &[&link[..], &["--out", &left]].concat()[..],
        &[&link[..], &["--out", &right]].concat(),
        &[&link[..], &["--out", &model, "--model", &model]].concat(),
        &[&link[..], &["--out", &out, "--train", "--model", &right]].concat(),
        &[&link[..], &["--out", &out, "--train", "--model", &again]].concat(),
        &["link", "--left", &left, "--register", &tzr, "--out", &tzr],
        &["dedupe", "--in", &right, "--out", &right],
        &["dedupe", "--in", &right, "--out", &out, "--clusters", &right],
        &["dedupe", "--in", &right, "--out", &out, "--clusters", &again],
        &["pack", "--register", &right, "--out", &right],
        &["pack", "--update", &tzr, "--register", &tzr],
        &["model", "train", "--left", &left, "--right", &right, "--out", &left],
    ] {
        says(&refused(args), &["the same file", "--"]);
    }
    let after: Vec<Vec<u8>> = ["l.csv", "r.csv", "r.tzr", "m.toml"].map(|n| folder.read_bytes(n)).into();
    assert!(before == after && !folder.exists("o.csv"));
}

#[test]
fn all_results_are_written_or_none() {
    let folder = Folder::new();
    let (left, right) = files(&folder);
    let out = folder.write("o.csv", "old\n");
    let nowhere = folder.0.path().join("none").join("m.toml").display().to_string();
    let names = folder.names();
    let link = ["link", "--left", &left, "--right", &right, "--out", &out];
    says(
        &refused(&[&link[..], &["--train", "--model", &nowhere]].concat()),
        &["Cannot write", "m.toml", "folder does not exist"],
    );
    says(&refused(&["pack", "--register", &right, "--out", &nowhere]), &["Cannot write", "m.toml", "folder"]);
    says(&refused(&["link", "--left", &nowhere, "--right", &right, "--out", &out]), &["Cannot read", "no such file"]);
    says(&refused(&["--lang", "zh-CN", "dedupe", "--in", &nowhere, "--out", &out]), &["无法读取", "没有这个文件"]);
    assert_eq!((folder.read("o.csv"), folder.names()), ("old\n".to_owned(), names.clone()));
    done(&link);
    assert!(folder.read("o.csv").lines().count() > 30);
    assert_eq!(folder.names(), names, "nothing is left beside it");
    // A device is written as it stands.
    done(&["link", "--left", &left, "--right", &right, "--out", "/dev/null"]);
    assert!(Path::new("/dev/null").metadata().is_ok_and(|meta| !meta.is_file()));
}

/// A full disk: a file may not grow beyond a size.
#[test]
fn a_full_disk_leaves_the_old_file() {
    let folder = Folder::new();
    let (left, right) = files(&folder);
    let out = folder.write("o.csv", "old\n");
    let program = env!("CARGO_BIN_EXE_taizhang");
    let script = format!("trap '' XFSZ; ulimit -f 0; exec {program} link --left {left} --right {right} --out {out}");
    let output = Command::new("bash").args(["-c", &script]).env("LANG", "en_GB.UTF-8").output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    says(&String::from_utf8_lossy(&output.stderr), &["Cannot write", "o.csv"]);
    assert_eq!(folder.read("o.csv"), "old\n");
    assert_eq!(folder.names(), ["l.csv", "o.csv", "r.csv"]);
}

#[test]
fn numbers_that_cannot_be_are_said_so() {
    let folder = Folder::new();
    let (left, right) = files(&folder);
    let out = folder.path("o.csv");
    let link = ["link", "--left", &left, "--right", &right, "--out", &out];
    for wrong in ["NaN", "inf", "-inf", "abc"] {
        let bits = format!("--min-weight={wrong}");
        says(&refused(&[&link[..], &[&bits]].concat()), &["a number is needed", wrong]);
        says(&refused(&["dedupe", "--in", &right, "--out", &out, &bits]), &["a number is needed"]);
    }
    done(&[&link[..], &["--min-weight=-1.5"]].concat());
    let whole = folder.read("o.csv");
    let many = taizhang(&[&link[..], &["--min-weight=-1.5", "--threads=99999"]].concat());
    assert!(many.status.success());
    says(&String::from_utf8_lossy(&many.stderr), &["99999", "too many"]);
    assert_eq!(folder.read("o.csv"), whole);
}

#[test]
fn rows_that_are_all_alike_are_one_and_what_is_skipped_is_said() {
    let folder = Folder::new();
    let row = "王建国,男,990101196005061238,1960-05-06,12000000001,990101101201,3组5号".to_owned();
    let alike = folder.write("r.csv", table("rid", 'R', &vec![row.clone(); 300]));
    let (out, clusters) = (folder.path("o.csv"), folder.path("c.csv"));
    let report = json(&["dedupe", "--in", &alike, "--out", &out, "--clusters", &clusters]);
    assert_eq!((&report["duplicates"], &report["clusters"], &report["alike"]), (&299.into(), &1.into(), &300.into()));
    assert_eq!(folder.read("c.csv").lines().count(), 301);
    let text = done(&["dedupe", "--in", &alike, "--out", &out]);
    says(&text, &["300 rows that are alike", "were not compared one by one"]);
    // Of a list against a register nobody is looked for, and nobody is said to be found.
    let list = folder.write("l.csv", table("qid", 'Q', &vec![row; 300]));
    let link = ["link", "--left", &list, "--right", &alike, "--out", &out];
    let report = json(&link);
    assert_eq!((&report["unsought"], &report["matches"]), (&300.into(), &0.into()));
    let crowded = report["rules"].as_array().unwrap().iter().map(|rule| rule["crowded_rows"].as_u64().unwrap());
    assert_eq!(crowded.max(), Some(300));
    let text = done(&link);
    says(&text, &["300 rows of the list were not looked for", "is not known"]);
    assert!(!text.contains("0 still missed"), "{text}");
    let tzr = folder.path("r.tzr");
    done(&["pack", "--register", &alike, "--out", &tzr]);
    assert_eq!(json(&["link", "--left", &list, "--register", &tzr, "--out", &out])["unsought"], 300);
}

#[test]
fn find_says_what_is_too_little_and_that_there_are_more() {
    let folder = Folder::new();
    let people: Vec<String> =
        (0..30).map(|n| format!("王军,男,,1960-01-{:02},,990101101201,3组{n}号", 1 + n % 28)).collect();
    let register = folder.write("r.csv", table("rid", 'R', &people));
    let tzr = folder.path("r.tzr");
    done(&["pack", "--register", &register, "--out", &tzr]);
    let base = ["find", "--register", &tzr];
    for (args, parts) in [
        (&[][..], &["at least a name"][..]),
        (&["--most", "0", "--name", "王军"], &["from 1 on"]),
        (&["--name", "wj"], &["--village", "county"]),
        (&["--id-no", "99010"], &["99010", "first 6 digits"]),
        (&["--id-no", "abc"], &["abc", "ID number"]),
        (&["--village", "990101"], &["Too little"]),
        (&["--village", "9901", "--name", "wj"], &["9901", "6 digits"]),
        (&["--sex", "X", "--name", "王军"], &["--sex", "X"]),
        (&["--birth", "31.31.2000", "--name", "王军"], &["--birth", "31.31.2000", "1965-03-12"]),
        (&["--phone", "12", "--name", "王军"], &["--phone", "12"]),
    ] {
        says(&refused(&[&base[..], args].concat()), parts);
    }
    let text = done(&[&base[..], &["--name", "wj", "--village", "990101"]].concat());
    says(&text, &["30 persons were compared", "20 more", "--most", "name=initials"]);
    let report = json(&[&base[..], &["--name", "wj", "--village", "990101", "--most", "30"]].concat());
    assert_eq!((report["matches"].as_array().unwrap().len(), &report["more"]), (30, &0.into()));
    assert!(!done(&[&base[..], &["--id-no", "990101", "--name", "王军"]].concat()).is_empty());
}

#[test]
fn rows_are_taken_away_by_number_alone() {
    let folder = Folder::new();
    let (_, right) = files(&folder);
    let tzr = folder.path("r.tzr");
    done(&["pack", "--register", &right, "--out", &tzr]);
    let removed = folder.write("rm.csv", "rid\nR1\nR2\nR99\n");
    let changed = folder.write("new.csv", table("rid", 'R', &rows(0..2)));
    let args = ["pack", "--update", &tzr, "--register", &changed, "--removed", &removed];
    let report = json(&args);
    let counts = ["removed", "unknown", "both", "changed"].map(|key| report[key].as_u64().unwrap());
    assert_eq!(counts, [1, 1, 1, 2]);
    assert_eq!(report["warnings"][0]["kind"], "both");
    says(&done(&args), &["Numbers that --register has, too"]);
}

#[test]
fn answers_about_nobody_are_told() {
    let folder = Folder::new();
    let (left, right) = files(&folder);
    let truth = folder.write("t.csv", "qid,rid\nQ1,R1\nQ2,R777\nQ3,R778\nQ888,R4\nQ5,\n");
    let args = ["model", "evaluate", "--left", &left, "--right", &right, "--truth", &truth];
    let report = json(&args);
    let warnings = report["warnings"].as_array().unwrap();
    let told: Vec<_> =
        warnings.iter().map(|w| (w["kind"].as_str().unwrap(), w["count"].as_u64(), w["line"].as_u64())).collect();
    assert_eq!(told, [("truth-list", Some(1), Some(5)), ("truth-register", Some(2), Some(3))]);
    says(&done(&args), &["Answers whose rid is not in the register"]);
}

#[test]
fn a_model_that_is_none_is_refused_in_the_language_of_whoever_asks() {
    let folder = Folder::new();
    let (left, right) = files(&folder);
    let (good, out) = (folder.path("m.toml"), folder.path("o.csv"));
    done(&["model", "train", "--left", &left, "--right", &right, "--out", &good]);
    let model = folder.read("m.toml");
    let matches = model.lines().find(|line| line.starts_with("matches_per_row")).unwrap().to_owned();
    let show = |text: &str| {
        let wrong = folder.write("wrong.toml", text);
        let said = refused(&["--lang", "zh-CN", "model", "show", &wrong]);
        says(&said, &["wrong.toml", "模型"]);
        said
    };
    says(&show(&format!("zzz = 1\n{model}")), &["zzz", "第 1 行", "matches_per_row"]);
    says(&show(&model.replacen(&matches, "matches_per_row = 1e300", 1)), &["matches_per_row", "超出范围", "≤ 1000000"]);
    says(&show(&model.replacen(&matches, "matches_per_row = 'x'", 1)), &["'x'", "应为数字"]);
    says(&show(&model.replacen(&matches, "matches_per_row =", 1)), &["无法读取", "TOML"]);
    says(&show(&model.replacen(&matches, "", 1)), &["缺少", "matches_per_row"]);
    // Of either kind where the other is wanted.
    let schema = folder.write(
        "s.toml",
        "key = 'qid'\nright_key = 'rid'\n[[column]]\nname = 'name'\nkind = 'name'\n[[column]]\nname = 'birth'\nkind = 'date'\n",
    );
    let link = ["link", "--left", &left, "--right", &right, "--out", &out, "--schema", &schema];
    let of_schema = folder.path("sm.toml");
    done(&[&link[..], &["--train", "--model", &of_schema]].concat());
    says(&show(&folder.read("sm.toml")), &["--schema"]);
    says(&refused(&[&link[..], &["--model", &good]].concat()), &["model of persons", "--schema"]);
    says(&refused(&["--lang", "de", "model", "show"]), &["zh-CN, en"]);
}
