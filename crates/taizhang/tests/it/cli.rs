//! The command line as a person or a script uses it.

use std::path::Path;
use std::process::{Command, Output, Stdio};

fn taizhang(folder: &Path, args: &[&str]) -> Output {
    run(folder, args, "")
}

fn run(folder: &Path, args: &[&str], input: &str) -> Output {
    use std::io::Write;
    let mut child = Command::new(env!("CARGO_BIN_EXE_taizhang"))
        .args(args)
        .env("TAIZHANG_DATA", folder)
        .env("LANG", "en_GB.UTF-8")
        .env_remove("LC_ALL")
        .env_remove("TAIZHANG_DATABASE")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that does not read its input may be gone before.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn out(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn an_installation_from_nothing_to_its_first_users() {
    let folder = tempfile::tempdir().unwrap();
    let folder = &folder.path().join("new");
    let none = taizhang(folder, &["doctor"]);
    assert_eq!(none.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&none.stderr).contains("taizhang init"));
    assert!(!folder.exists(), "looking makes nothing");

    assert!(out(&taizhang(folder, &["init"])).contains("field.key"));
    let nothing: serde_json::Value = serde_json::from_str(&out(&taizhang(folder, &["init", "--json"]))).unwrap();
    assert!(nothing["admin"].is_null(), "the administrator is made once");
    let made = out(&taizhang(folder, &["user", "add", "wang", "--name", "王芳", "--role", "admin", "--json"]));
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    assert_eq!(made["password"].as_str().unwrap().len(), 19);
    let add = [
        "user",
        "add",
        "liqiang",
        "--name",
        "李强",
        "--role",
        "county_staff",
        "--division",
        "990102",
        "--password-stdin",
    ];
    assert!(!out(&run(folder, &add, "青山绿水长流不息日月\n")).contains("青山"));
    let again = run(folder, &add, "青山绿水长流不息日月\n");
    assert_eq!(again.status.code(), Some(6), "the login is taken");
    let weak = ["user", "add", "zhao", "--name", "赵", "--role", "helper", "--division", "990102", "--password-stdin"];
    assert_eq!(run(folder, &weak, "1234567890\n").status.code(), Some(2));
    assert_eq!(taizhang(folder, &["user", "add", "x", "--name", "x", "--role", "king"]).status.code(), Some(2));
    out(&taizhang(folder, &["user", "disable", "liqiang"]));
    out(&taizhang(folder, &["user", "edit", "liqiang", "--role", "township_staff", "--division", "990102003"]));
    assert_eq!(taizhang(folder, &["user", "edit", "liqiang", "--division", "99x"]).status.code(), Some(2));
    assert_eq!(taizhang(folder, &["user", "unlock", "nobody"]).status.code(), Some(4));
    let list: serde_json::Value = serde_json::from_str(&out(&taizhang(folder, &["user", "list", "--json"]))).unwrap();
    let states: Vec<_> =
        list.as_array().unwrap().iter().map(|u| (u["login"].as_str().unwrap(), u["state"].as_str().unwrap())).collect();
    assert_eq!(states, [("admin", "active"), ("liqiang", "disabled"), ("wang", "active")]);
    assert_eq!((&list[1]["role"], &list[1]["division"]), (&"township_staff".into(), &"990102003".into()));
    let table = out(&taizhang(folder, &["user", "list", "--lang", "zh-CN"]));
    assert!(table.contains("王芳") && table.contains("系统管理员"));
}

#[test]
fn doctor_and_audit_say_what_is_wrong_with_words_and_exit_codes() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    out(&taizhang(folder, &["init"]));
    let checks: serde_json::Value = serde_json::from_str(&out(&taizhang(folder, &["doctor", "--json"]))).unwrap();
    let names: Vec<&str> = checks.as_array().unwrap().iter().map(|c| c["check"].as_str().unwrap()).collect();
    for name in ["folder", "key", "disk", "database", "integrity", "schema", "users", "profile", "counts", "jobs"] {
        assert!(names.contains(&name), "{name} is not checked");
    }
    let text = out(&taizhang(folder, &["doctor"]));
    assert!(!text.contains("health-"), "a text is missing: {text}");

    let verified: serde_json::Value =
        serde_json::from_str(&out(&taizhang(folder, &["audit", "verify", "--json"]))).unwrap();
    assert_eq!((&verified["entries"], &verified["whole"]), (&1.into(), &true.into()));
    let head = verified["head"].as_str().unwrap();
    out(&taizhang(folder, &["audit", "verify", "--entries", "1", "--head", head]));
    let cut = taizhang(folder, &["audit", "verify", "--entries", "2", "--head", head]);
    assert_eq!(cut.status.code(), Some(6));

    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let key = folder.join("field.key");
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
        let checks: serde_json::Value = serde_json::from_str(&out(&taizhang(folder, &["doctor", "--json"]))).unwrap();
        let key = checks.as_array().unwrap().iter().find(|c| c["check"] == "key").unwrap();
        assert_eq!(key["level"], "warn");
    }
}

/// What the doctor says of an installation: its exit code, and `check: how` by check.
fn doctor(folder: &Path) -> (i32, Vec<(String, String, String)>) {
    let output = taizhang(folder, &["doctor", "--json"]);
    let checks: serde_json::Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"));
    let text = |check: &serde_json::Value, key: &str| check[key].as_str().unwrap().to_owned();
    let list = checks.as_array().unwrap();
    let list = list.iter().map(|c| (text(c, "check"), text(c, "how"), text(c, "text"))).collect();
    (output.status.code().unwrap(), list)
}

#[tokio::test]
async fn the_doctor_says_what_is_wrong_with_an_installation_that_does_not_open() {
    use sqlx::{ConnectOptions, Connection};
    let home = tempfile::tempdir().unwrap();
    let folder = &home.path().join("one");
    out(&taizhang(folder, &["init"]));
    let said = |found: &[(String, String, String)], check: &str, how: &str| {
        let hit = found.iter().find(|(name, as_it_is, _)| name == check && as_it_is == how);
        let (_, _, text) = hit.unwrap_or_else(|| panic!("{check} {how} is not in {found:?}"));
        assert!(!text.contains("health-") && !text.contains("error-"), "a text is missing: {text}");
        text.clone()
    };
    let (code, found) = doctor(folder);
    assert_eq!(code, 0, "{found:?}");
    said(&found, "profile", "warn");
    out(&taizhang(folder, &["assess"]));
    let (_, found) = doctor(folder);
    let profile = said(&found, "profile", "ok");
    assert!(profile.contains("2020-epidemic"), "{profile}");
    said(&found, "program", "ok");

    let (key, file) = (folder.join("field.key"), folder.join("taizhang.db"));
    let right = std::fs::read(&key).unwrap();
    // A key that is gone: nothing makes a new one, and everything says so.
    std::fs::remove_file(&key).unwrap();
    let (code, found) = doctor(folder);
    assert_eq!(code, 6);
    said(&found, "key", "fail");
    said(&found, "schema", "ok");
    for command in [&["init"][..], &["user", "list"]] {
        let output = taizhang(folder, command);
        assert_eq!(output.status.code(), Some(6), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("field.key"));
    }
    assert!(!key.exists());
    // One that is no key, and one of another installation.
    std::fs::write(&key, "broken").unwrap();
    assert_eq!(taizhang(folder, &["user", "list"]).status.code(), Some(2));
    let (code, found) = doctor(folder);
    assert_eq!(code, 6);
    said(&found, "key", "unreadable");
    std::fs::write(&key, "ab".repeat(64)).unwrap();
    assert_eq!(taizhang(folder, &["user", "list"]).status.code(), Some(6));
    said(&doctor(folder).1, "key", "other");
    std::fs::write(&key, &right).unwrap();

    // A profile that this version cannot read.
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&file);
    let mut database = options.connect().await.unwrap();
    let meddle = async |database: &mut sqlx::SqliteConnection, sql: &'static str| {
        let done = sqlx::query(sql).execute(database).await.unwrap();
        assert_eq!(done.rows_affected(), 1, "{sql}");
    };
    meddle(&mut database, "UPDATE policy_profile SET source = 'key = 7'").await;
    let (code, found) = doctor(folder);
    assert_eq!(code, 6);
    said(&found, "profile", "fail");
    // A database of a newer version.
    meddle(
        &mut database,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'later', TRUE, x'00', 0)",
    )
    .await;
    let (code, found) = doctor(folder);
    assert_eq!(code, 6);
    let schema = said(&found, "schema", "newer");
    assert!(schema.contains("9999"), "{schema}");
    let refused = taizhang(folder, &["user", "list", "--json"]);
    assert_eq!(refused.status.code(), Some(6));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("database.newer"), "{refused:?}");
    // One that an earlier version left: a warning, and the doctor does not bring it up to date.
    meddle(&mut database, "DELETE FROM _sqlx_migrations WHERE version = 9999").await;
    meddle(&mut database, "DELETE FROM _sqlx_migrations WHERE version = 9").await;
    said(&doctor(folder).1, "schema", "warn");
    said(&doctor(folder).1, "schema", "warn");
    database.close().await.unwrap();

    // A damaged file, one that is no database, and none.
    let whole = std::fs::read(&file).unwrap();
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    damaged[middle..].fill(0x55);
    std::fs::write(&file, &damaged).unwrap();
    let (code, found) = doctor(folder);
    assert_eq!(code, 6, "{found:?}");
    std::fs::write(&file, "this is a letter, and no database at all".repeat(100)).unwrap();
    let (code, found) = doctor(folder);
    assert_eq!(code, 6);
    let text = said(&found, "database", "closed");
    assert!(text.contains("damaged"), "{text}");
    let refused = taizhang(folder, &["user", "list", "--json"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("database.damaged"), "{refused:?}");
    std::fs::remove_file(&file).unwrap();
    let (code, found) = doctor(folder);
    assert_eq!(code, 6);
    said(&found, "database", "missing");
    assert!(!file.exists(), "looking makes nothing");
}

#[test]
fn help_teaches_in_the_language_of_the_reader() {
    let folder = tempfile::tempdir().unwrap();
    let help = |words: &[&str]| out(&taizhang(folder.path(), words));
    let english = help(&["--help"]);
    assert!(english.contains("taizhang init") && english.contains("Exit codes") && english.contains("Global options:"));
    let commands = [
        &["user", "add"][..],
        &["user", "edit"],
        &["serve"],
        &["audit", "verify"],
        &["doctor"],
        &["init"],
        &["import"],
        &["compare"],
        &["source", "add"],
        &["source", "set"],
        &["assess"],
        &["demo"],
        &["synth"],
    ];
    for command in commands {
        let words = |more: &[&'static str]| command.iter().copied().chain(more.iter().copied()).collect::<Vec<_>>();
        assert!(help(&words(&["--help"])).contains("Examples:"), "{command:?}");
        let chinese = help(&words(&["--help", "--lang", "zh-CN"]));
        for english in ["Usage:", "Options:", "Arguments:", "[default", "Print ", "[OPTIONS]", "help-", "usage-"] {
            assert!(!chinese.to_lowercase().contains(&english.to_lowercase()), "{english} in {chinese}");
        }
        assert!(!chinese.contains("global:"), "{chinese}");
        assert!(chinese.contains("用法: taizhang") && chinese.contains("示例"), "{chinese}");
        assert_eq!(chinese, help(&words(&["--lang=zh-CN", "--help"])));
    }
    // Chinese where the terminal says nothing, and as the terminal says.
    for (lang, text) in
        [(Some("zh_CN.UTF-8"), "用法"), (Some("C.UTF-8"), "用法"), (None, "用法"), (Some("en_US"), "Usage")]
    {
        let mut command = Command::new(env!("CARGO_BIN_EXE_taizhang"));
        command.arg("--help").env_remove("LANG").env_remove("LC_ALL").env_remove("LC_MESSAGES");
        command.envs(lang.map(|lang| ("LANG", lang)));
        assert!(out(&command.output().unwrap()).contains(text), "{lang:?}");
    }
    assert_eq!(help(&["help", "user", "add"]), help(&["user", "add", "--help"]));
    assert!(help(&["--version"]).starts_with("taizhang "));
    // What stands first on the line is explained first.
    let diff = help(&["profile", "diff", "--help"]);
    let explained = diff.split_once("Arguments:").unwrap().1;
    assert!(explained.find("<BEFORE>").unwrap() < explained.find("<AFTER>").unwrap(), "{diff}");
}

#[test]
fn a_wrong_command_line_is_told_in_the_language_of_the_reader_and_as_json() {
    let folder = tempfile::tempdir().unwrap();
    let cases: &[(&[&str], &str, &str)] = &[
        (&["import"], "还缺必填的参数：<FILE>...", "Required and missing: <FILE>..."),
        (&["import", "x.csv", "--prview"], "没有 --prview 这个参数。（是不是 --preview？）", "Did you mean --preview?"),
        (&["imprt"], "没有“imprt”这个命令", "There is no command “imprt”"),
        (&["compare", "x.csv", "--as-of", "2020-02-31"], "应为日期", "a day such as 2020-02-20"),
        (&["serve", "--listen", "8080"], "地址:端口", "address:port"),
        (
            &["user", "add", "x", "--name", "x", "--role", "king"],
            "应为其中之一：admin",
            "one of these is needed: admin",
        ),
        (&["synth", "--out", "x", "--persons", "many"], "应为整数", "a whole number"),
        (&["import", "x.csv", "--unmasked"], "还缺必填的参数", "Required and missing"),
        (&["audit"], "还缺一个命令", "A command is missing"),
    ];
    for (words, zh, en) in cases {
        for (lang, text) in [("zh-CN", zh), ("en", en)] {
            let mut words = words.to_vec();
            words.extend(["--lang", lang]);
            let output = taizhang(folder.path(), &words);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(2), "{words:?} {said}");
            assert!(said.contains(text), "{words:?} {lang}: {said}");
            assert!(lang == "en" || !said.contains("error:") && !said.contains("Usage:"), "{said}");
            words.push("--json");
            let output = taizhang(folder.path(), &words);
            assert_eq!(output.status.code(), Some(2));
            let told: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
            assert_eq!(told["error"]["code"], "cli.usage", "{told}");
            assert!(!told["error"]["message"].as_str().unwrap().is_empty());
        }
    }
}

#[test]
fn exit_codes_tell_wrong_input_from_what_is_not_there() {
    let home = tempfile::tempdir().unwrap();
    let folder = &home.path().join("one");
    out(&taizhang(folder, &["init"]));
    let here = |name: &str| home.path().join(name).display().to_string();
    std::fs::write(home.path().join("letter.toml"), "dear sir").unwrap();
    std::fs::write(home.path().join("letter.csv"), "dear sir\n").unwrap();
    for (words, code) in [
        (vec!["import".to_owned(), here("gone.csv")], 4),
        (vec!["import".to_owned(), here("gone.csv"), "--preview".to_owned()], 4),
        (vec!["import".to_owned(), here(".")], 2),
        (vec!["import".to_owned(), here("letter.csv")], 2),
        (vec!["compare".to_owned(), here("gone.csv")], 4),
        (vec!["compare".to_owned(), here("letter.csv")], 2),
        (vec!["assess".to_owned(), "--profile".to_owned(), here("gone.toml")], 4),
        (vec!["assess".to_owned(), "--profile".to_owned(), here("letter.toml")], 2),
        (vec!["synth".to_owned(), "--out".to_owned(), here("new"), "--persons".to_owned(), "0".to_owned()], 2),
        (vec!["synth".to_owned(), "--out".to_owned(), here("letter.csv")], 2),
        (vec!["user".to_owned(), "edit".to_owned(), "nobody".to_owned()], 4),
        (vec!["source".to_owned(), "set".to_owned(), "nothing".to_owned(), "--stop".to_owned()], 4),
        (vec!["source".to_owned(), "add".to_owned(), "nothing".to_owned()], 2),
        (["source", "add", "health.cases", "--schedule", "yearly"].map(str::to_owned).to_vec(), 2),
    ] {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let output = taizhang(folder, &words);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {said}");
        assert!(!said.contains("error-"), "a text is missing: {said}");
    }
    use taizhang::platform::{ErrorKind, UserError};
    assert_eq!(taizhang::intake::IntakeError::File("x".to_owned()).kind(), ErrorKind::Invalid);
    // A port that is taken is a conflict: nothing says that trying again would help.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    assert_eq!(taizhang(folder, &["serve", "--listen", &address]).status.code(), Some(6));
}

#[test]
fn sources_are_added_listed_and_changed() {
    let home = tempfile::tempdir().unwrap();
    let folder = &home.path().join("one");
    out(&taizhang(folder, &["init"]));
    let list = || -> serde_json::Value {
        serde_json::from_str(&out(&taizhang(folder, &["source", "list", "--json", "--today", "2020-02-14"]))).unwrap()
    };
    let add = ["source", "add", "jobs.ended", "--schedule", "weekly:1", "--purpose", "x", "--today", "2020-02-04"];
    assert!(out(&taizhang(folder, &add)).contains("jobs.ended"));
    let [source] = list().as_array().cloned().unwrap().try_into().unwrap();
    assert_eq!((source["next_due"].as_str(), source["days_late"].as_i64()), (Some("2020-02-10"), Some(4)));
    out(&taizhang(folder, &["source", "set", "jobs.ended", "--stop", "--retention-days", "14"]));
    let [source] = list().as_array().cloned().unwrap().try_into().unwrap();
    assert_eq!((source["active"].as_bool(), source["retention_days"].as_i64()), (Some(false), Some(14)));
    assert_eq!((source["purpose"].as_str(), source["days_late"].as_i64()), (Some("x"), Some(0)));
    assert!(out(&taizhang(folder, &["source", "list", "--lang", "zh-CN"])).contains("已停用"));
}

#[cfg(unix)]
#[test]
fn serve_answers_and_goes_down_when_told() {
    use std::io::{BufRead, BufReader, Read, Write};
    let folder = tempfile::tempdir().unwrap();
    out(&taizhang(folder.path(), &["init"]));
    let mut child = Command::new(env!("CARGO_BIN_EXE_taizhang"))
        .args(["serve", "--listen", "127.0.0.1:0", "--json"])
        .env("TAIZHANG_DATA", folder.path())
        .env_remove("TAIZHANG_DATABASE")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let said: serde_json::Value = serde_json::from_str(&line).unwrap();
    let address = said["url"].as_str().unwrap().trim_start_matches("http://").trim_end_matches('/').to_owned();
    let mut stream = std::net::TcpStream::connect(&address).unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 200") && reply.ends_with("ok\n"), "{reply}");
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_register_is_packed_updated_linked_and_asked() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let path = |name: &str| folder.join(name).display().to_string();
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    let header = "name,sex,id_no,birth,phone,village,address";
    write(
        "register.csv",
        &format!(
            "rid,{header}\n\
             R1,王小明,男,,1965-03-12,12000000001,990101101201,3组5号\n\
             R2,李红,女,,1970-01-02,,990101101202,1组1号\n"
        ),
    );
    write(
        "list.csv",
        &format!(
            "qid,{header}\nQ1,王晓明,男,,1965-03-12,,990101101201,\nQ2,赵新,男,,1988-08-08,,990101101203,2组2号\n"
        ),
    );
    let (register, packed) = (path("register.csv"), path("register.tzr"));
    let text = out(&taizhang(folder, &["pack", "--register", &register, "--out", &packed]));
    assert!(text.contains("Registered persons"), "{text}");
    let link = |source: &str, file: &str| {
        let (list, matches) = (path("list.csv"), path("matches.csv"));
        out(&taizhang(
            folder,
            &["link", "--left", &list, source, file, "--out", &matches, "--explain", "--min-weight=-20"],
        ));
        std::fs::read_to_string(matches).unwrap()
    };
    let streamed = link("--right", &register);
    assert!(streamed.contains("Q1,R1,"), "{streamed}");
    assert_eq!(streamed, link("--register", &packed));

    write("changed.csv", &format!("rid,{header}\nR3,赵新,男,,1988-08-08,,990101101203,2组2号\n"));
    write("removed.csv", "rid,name\nR2,\nR9,\n");
    let args =
        ["pack", "--update", &packed, "--register", &path("changed.csv"), "--removed", &path("removed.csv"), "--json"];
    let report: serde_json::Value = serde_json::from_str(&out(&taizhang(folder, &args))).unwrap();
    assert_eq!(
        (&report["added"], &report["removed"], &report["unknown"], &report["rows"]),
        (&1.into(), &1.into(), &1.into(), &2.into())
    );
    assert!(link("--register", &packed).contains("Q2,R3,"));

    let find = |args: &[&str]| taizhang(folder, &[&["find", "--register", &packed], args].concat());
    assert!(out(&find(&["--name", "wangxiaoming"])).contains("R1"));
    let json: serde_json::Value =
        serde_json::from_str(&out(&find(&["--name", "zx", "--village", "990101", "--json"]))).unwrap();
    assert_eq!(json["matches"][0]["rid"], "R3");
    assert!(out(&find(&["--name", "李红", "--village", "990101101202"])).contains("Nobody"));

    let refused = |bytes: &[u8], code: &str| {
        std::fs::write(&packed, bytes).unwrap();
        let output = find(&["--name", "王小明", "--json"]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(text.contains(code), "{text}");
    };
    // One that is large enough to have its changes beside it.
    let rows: String = (0..40).map(|i| format!("R{i},王伟,男,,1960-01-{:02},,990101101201,\n", 1 + i % 28)).collect();
    write("register.csv", &format!("rid,{header}\n{rows}"));
    out(&taizhang(folder, &["pack", "--register", &register, "--out", &packed]));
    out(&taizhang(folder, &["pack", "--update", &packed, "--register", &path("changed.csv")]));
    let (beside, first) = (path("register.tzr.changes"), std::fs::read(path("register.tzr.changes")).unwrap());
    out(&taizhang(folder, &["pack", "--update", &packed, "--removed", &path("removed.csv")]));
    let sound = std::fs::read(&packed).unwrap();
    std::fs::write(&beside, first).unwrap();
    refused(&sound, "cli.packed_behind");
    std::fs::remove_file(&beside).unwrap();
    refused(&sound, "cli.packed_lost");
    refused(&sound[..sound.len() - 1], "cli.packed_cut");
    refused(b"rid,name\n", "cli.packed_foreign");
    let mut flipped = sound.clone();
    flipped[60] ^= 1;
    refused(&flipped, "cli.packed_damaged");
}

#[test]
fn two_files_are_linked_without_an_installation() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("none");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let header = "name,sex,id_no,birth,phone,village,address";
    let register = format!(
        "rid,{header}\nR1,王建国,男,,1960-05-06,12000000001,990101101201,3组5号\nR2,李芳,女,,1971-02-03,,990101101202,1组8号\n"
    );
    let list = format!("qid,{header}\nQ1,王建國,男,,1960-05-06,,990101101201,三组5户\nQ2,周强,男,,1990-01-01,,,\n");
    std::fs::write(path("register.csv"), register).unwrap();
    std::fs::write(path("list.csv"), list).unwrap();
    let (left, right, matches, model) = (path("list.csv"), path("register.csv"), path("matches.csv"), path("m.toml"));
    let base = ["link", "--left", &left, "--right", &right, "--out", &matches, "--one-to-one"];
    let text = out(&taizhang(&nowhere, &base));
    assert!(text.contains("Same village, group and house"), "{text}");
    let written = std::fs::read_to_string(&matches).unwrap();
    assert!(written.starts_with("qid,rid,score\nQ1,R1,") && written.lines().count() == 2, "{written}");
    assert!(!nowhere.exists(), "no installation is made");
    // What one run learns the next one judges by.
    out(&taizhang(&nowhere, &[&base[..], &["--train", "--model", &model]].concat()));
    let text = out(&taizhang(
        &nowhere,
        &[&base[..], &["--model", &model, "--explain", "--min-weight", "-30", "--json"]].concat(),
    ));
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["list"], 2);
    assert!(report["training"]["rounds"].as_u64().unwrap() > 0);
    let written = std::fs::read_to_string(&matches).unwrap();
    assert!(written.contains("name=exact:+"), "{written}");
    // A wrong file is named, with what it lacks.
    std::fs::write(&right, "rid,sex\n").unwrap();
    let wrong = taizhang(&nowhere, &base);
    let said = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(wrong.status.code() == Some(2) && said.contains("register.csv") && said.contains("name"), "{said}");
    std::fs::write(&model, "matches_per_row = 1").unwrap();
    assert_eq!(taizhang(&nowhere, &[&base[..], &["--model", &model]].concat()).status.code(), Some(2));
}

#[test]
fn a_file_is_searched_for_duplicates_without_an_installation() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("none");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let register = "rid,name,sex,id_no,birth,phone,village,address\n\
        \"R,9\",王建國,男,,1960-05-06,,990101101201,三组5户\n\
        R1,王建国,男,,1960-05-06,12000000001,990101101201,3组5号\n\
        R2,李芳,女,,1971-02-03,12000000001,990101101201,3组5号\n";
    std::fs::write(path("register.csv"), register).unwrap();
    let (register, pairs, clusters, model) =
        (path("register.csv"), path("pairs.csv"), path("clusters.csv"), path("m.toml"));
    let base = ["dedupe", "--in", &register, "--out", &pairs, "--clusters", &clusters];
    let text = out(&taizhang(&nowhere, &base));
    assert!(text.contains("Persons registered more than once") && text.contains("Of these 2 times"), "{text}");
    let written = std::fs::read_to_string(&pairs).unwrap();
    assert!(written.starts_with("rid_a,rid_b,score,cluster\n\"R,9\",R1,"), "{written}");
    assert!(written.ends_with(",\"R,9\"\n") && written.lines().count() == 2, "{written}");
    assert_eq!(std::fs::read_to_string(&clusters).unwrap(), "cluster,rid\n\"R,9\",\"R,9\"\n\"R,9\",R1\n");
    assert!(!nowhere.exists(), "no installation is made");
    // What one run learns the next one judges by.
    out(&taizhang(&nowhere, &[&base[..], &["--train", "--model", &model]].concat()));
    let text = out(&taizhang(
        &nowhere,
        &[&base[..], &["--model", &model, "--explain", "--min-weight", "-30", "--json"]].concat(),
    ));
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((report["rows"].as_u64(), report["rules"].as_array().map(Vec::len)), (Some(3), Some(11)));
    assert!(report["training"]["rounds"].as_u64().unwrap() > 0);
    let written = std::fs::read_to_string(&pairs).unwrap();
    assert!(written.contains("name=exact:+"), "{written}");
    std::fs::write(&register, "rid,sex\n").unwrap();
    let wrong = taizhang(&nowhere, &base);
    let said = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(wrong.status.code() == Some(2) && said.contains("register.csv") && said.contains("name"), "{said}");
}

#[test]
fn the_own_register_is_searched_and_the_model_chosen_in_an_installation() {
    let folder = tempfile::tempdir().unwrap();
    let folder = &folder.path().join("new");
    assert_eq!(taizhang(folder, &["dedupe", "--register"]).status.code(), Some(4), "there is no installation");
    assert_eq!(taizhang(folder, &["model", "list"]).status.code(), Some(4));
    out(&taizhang(folder, &["init", "--no-admin"]));
    let empty = taizhang(folder, &["dedupe", "--register"]);
    assert_eq!(empty.status.code(), Some(2), "{empty:?}");
    assert!(String::from_utf8_lossy(&empty.stderr).contains("regist"), "{empty:?}");
    let both = taizhang(folder, &["dedupe", "--register", "--in", "x.csv"]);
    assert_eq!(both.status.code(), Some(2));
    let list: serde_json::Value = serde_json::from_str(&out(&taizhang(folder, &["model", "list", "--json"]))).unwrap();
    let only = &list["versions"][0];
    assert_eq!((&only["version"], &only["in_force"], &list["uses"]), (&0.into(), &true.into(), &serde_json::json!([])));
    let unknown = taizhang(folder, &["model", "use", "5", "--reason", "try"]);
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("no model 5"), "{unknown:?}");
    let few = taizhang(folder, &["model", "use", "--learned", "--reason", "try"]);
    assert!(String::from_utf8_lossy(&few.stderr).contains("fewer than 50 verdicts"), "{few:?}");
    assert!(out(&taizhang(folder, &["model", "use", "0", "--reason", "as it was"])).contains("model 0"));
}

#[test]
fn a_model_is_trained_shown_and_held_against_answers() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("none");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let header = "name,sex,id_no,birth,phone,village,address";
    let (mut register, mut list) = (format!("rid,{header}\n"), format!("qid,{header}\n"));
    let (mut truth, mut labels) = ("qid,rid,tags\n".to_owned(), "qid,rid,same\n".to_owned());
    for n in 0..300 {
        let pick = |of: &str, n: usize| of.chars().nth(n % of.chars().count()).unwrap();
        let (surname, given) = (pick("王李张刘陈杨黄赵", n / 3), pick("伟芳娜敏静丽强磊军洋勇", n * 7));
        let (day, village) =
            (format!("{}-{:02}-{:02}", 1950 + n % 60, 1 + n % 12, 1 + n % 28), 990_101_101_201 + n / 40);
        let row = format!("{surname}{given}华,男,,{day},1200000{n:04},{village},{}组{}号", 1 + n % 9, n);
        register.push_str(&format!("R{n},{row}\n"));
        if n % 3 == 0 {
            // One in nine of these has a slip in the name, one in nine has moved and lost the phone.
            let listed = match n % 27 {
                0 => row.replacen(given, "某", 1),
                9 => format!("{surname}{given}华,男,,{day},,990101199201,"),
                _ => row,
            };
            list.push_str(&format!("Q{n},{listed}\n"));
            truth.push_str(&format!("Q{n},R{n},\n"));
            labels.push_str(&format!("Q{n},R{n},{}\n", if n % 2 == 0 { "yes" } else { "是" }));
        }
    }
    list.push_str("Q999,欧阳某某,女,,1999-09-09,,,\n");
    truth.push_str("Q999,,\n");
    for (name, text) in [("r.csv", &register), ("l.csv", &list), ("truth.csv", &truth), ("labels.csv", &labels)] {
        std::fs::write(path(name), text).unwrap();
    }
    let (left, right, model, answers, judged) =
        (path("l.csv"), path("r.csv"), path("m.toml"), path("truth.csv"), path("labels.csv"));
    let files = ["--left", &left, "--right", &right];
    let text = out(&taizhang(&nowhere, &[&["model", "train"], &files[..], &["--out", &model]].concat()));
    assert!(text.contains("Rounds of training") && text.contains("Levels never seen"), "{text}");
    let text = out(&taizhang(&nowhere, &["model", "show", &model]));
    assert!(text.contains("Same sound") && text.contains("│█") && text.contains("▒│"), "{text}");
    let text = out(&taizhang(&nowhere, &["--lang", "zh-CN", "model", "show"]));
    assert!(text.contains("同村同组同户号"), "{text}");
    let evaluate = [&["model", "evaluate"], &files[..], &["--model", &model]].concat();
    let json = |more: &[&str]| -> serde_json::Value {
        serde_json::from_str(&out(&taizhang(&nowhere, &[&evaluate[..], more, &["--json"]].concat()))).unwrap()
    };
    let with_truth = json(&["--truth", &answers]);
    let cut = &with_truth["cuts"][0];
    assert_eq!((&cut["why"], &with_truth["truth"]), (&"even".into(), &100.into()));
    assert!(cut["real"]["f1"].as_f64().unwrap() > 0.9, "{cut}");
    assert!((cut["right"].as_f64().unwrap() - cut["real"]["right"].as_f64().unwrap()).abs() < 10.0, "{cut}");
    assert!(with_truth["calibration_error"].as_f64().unwrap() < 0.1);
    let text = out(&taizhang(&nowhere, &[&evaluate[..], &["--truth", &answers]].concat()));
    assert!(text.contains("Best real F1") && text.contains("wrong in every 1000"), "{text}");
    let text = out(&taizhang(&nowhere, &[&evaluate[..], &["--labels", &judged]].concat()));
    assert!(text.contains("100 judged pairs") && text.contains("95% interval"), "{text}");
    // Judged pairs change the model that is given, and this is said in the file.
    let better = path("better.toml");
    let from = ["model", "train", "--from", &model, "--labels", &judged, "--out", &better, "--json"];
    let said: serde_json::Value =
        serde_json::from_str(&out(&taizhang(&nowhere, &[&from[..], &files[..]].concat()))).unwrap();
    assert!(said["labelled"]["pairs"].as_u64().unwrap() > 90, "{said}");
    assert!(std::fs::read_to_string(&better).unwrap().contains("[labelled]"));
    let matches = path("matches.csv");
    let link = ["link", "--out", &matches, "--one-to-one", "--model", &better];
    assert!(out(&taizhang(&nowhere, &[&link[..], &files[..]].concat())).contains("wrong in every 1000"));
    // What is wrong with answers is said with its line.
    std::fs::write(&judged, "qid,rid,same\nQ1,R1,yes\nQ2,R2,perhaps\n").unwrap();
    let wrong = taizhang(&nowhere, &[&evaluate[..], &["--labels", &judged]].concat());
    let said = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(wrong.status.code() == Some(2) && said.contains("line 3") && said.contains("perhaps"), "{said}");
    let wrong = taizhang(&nowhere, &[&evaluate[..], &["--truth", &left]].concat());
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("rid"), "{wrong:?}");
    std::fs::write(&judged, "qid,rid,same\nX,Y,no\n").unwrap();
    assert_eq!(taizhang(&nowhere, &[&from[..], &files[..]].concat()).status.code(), Some(2));
    assert!(!nowhere.exists(), "no installation is made");
}

#[cfg(unix)]
#[test]
fn the_data_folder_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    let folder = &home.path().join("deep").join("data");
    let mode = |name: &str| std::fs::metadata(folder.join(name)).unwrap().permissions().mode() & 0o777;
    let level = || {
        let (_, found) = doctor(folder);
        found.into_iter().find(|(check, ..)| check == "folder").unwrap().1
    };
    out(&taizhang(folder, &["init"]));
    assert_eq!((mode(""), mode("field.key"), mode("taizhang.db")), (0o700, 0o600, 0o600));
    assert_eq!(level(), "ok");
    // As an earlier version made it.
    std::fs::create_dir(folder.join("evidence")).unwrap();
    std::fs::write(folder.join("evidence").join("a.pdf"), "a").unwrap();
    for (name, loose) in [("", 0o755), ("taizhang.db", 0o644), ("evidence", 0o755), ("evidence/a.pdf", 0o644)] {
        std::fs::set_permissions(folder.join(name), std::fs::Permissions::from_mode(loose)).unwrap();
    }
    assert_eq!(level(), "warn");
    out(&taizhang(folder, &["init"]));
    assert_eq!((mode(""), mode("taizhang.db")), (0o700, 0o600));
    assert_eq!((mode("evidence"), mode("evidence/a.pdf")), (0o700, 0o600));
    assert_eq!(level(), "ok");
}

#[test]
fn a_key_without_its_database_is_not_taken_for_a_new_installation() {
    let home = tempfile::tempdir().unwrap();
    let folder = &home.path().join("data");
    out(&taizhang(folder, &["init"]));
    let file = folder.join("taizhang.db");
    let refused = || {
        for command in [&["audit", "verify"][..], &["assess"], &["serve"], &["user", "list"]] {
            let output = taizhang(folder, command);
            assert_eq!(output.status.code(), Some(4), "{output:?}");
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(said.contains("taizhang.db") && said.contains("backup"), "{said}");
        }
    };
    for name in ["taizhang.db", "taizhang.db-wal", "taizhang.db-shm"] {
        let _ = std::fs::remove_file(folder.join(name));
    }
    refused();
    assert!(!file.exists(), "nothing is made");
    std::fs::write(&file, "").unwrap();
    refused();
    assert_eq!(std::fs::metadata(&file).unwrap().len(), 0);
    assert!(doctor(folder).1.iter().any(|(check, how, _)| check == "database" && how == "missing"));
    out(&taizhang(folder, &["init"]));
    out(&taizhang(folder, &["audit", "verify"]));
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_nobody_takes_ends_without_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    out(&taizhang(folder, &["init"]));
    let printed = |args: &[&str], to: Stdio| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_taizhang"));
        command.args(args).env("TAIZHANG_DATA", folder).env("LANG", "en_GB.UTF-8").env_remove("LC_ALL");
        command.env_remove("TAIZHANG_DATABASE").stdin(Stdio::null()).stderr(Stdio::piped()).stdout(to);
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    for args in [&["user", "list"][..], &["user", "list", "--json"], &["doctor"], &["--help"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let (code, said) = printed(args, writer.into());
        assert_eq!((code, said.as_str()), (Some(0), ""), "{args:?}");
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let (code, said) = printed(args, full.into());
        assert_eq!(code, Some(1), "{args:?}: {said}");
        assert!(said.contains("could not be written") && !said.contains("panicked"), "{said}");
    }
}

#[test]
fn the_last_administrator_stays_and_role_and_division_fit() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    out(&taizhang(folder, &["init"]));
    let refused = |args: &[&str], code: i32, name: &str| {
        let mut args = args.to_vec();
        args.push("--json");
        let output = taizhang(folder, &args);
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(name) && !said.contains("error-"), "{said}");
    };
    for args in [
        &["user", "disable", "admin"][..],
        &["user", "edit", "admin", "--role", "analyst"],
        &["user", "edit", "admin", "--division", "990102"],
    ] {
        refused(args, 6, "access.last_admin");
    }
    // One who manages a part is none for the whole.
    out(&taizhang(folder, &["user", "add", "part", "--name", "李", "--role", "admin", "--division", "9901"]));
    refused(&["user", "disable", "admin"], 6, "access.last_admin");
    out(&taizhang(folder, &["user", "disable", "part"]));
    out(&taizhang(folder, &["user", "add", "second", "--name", "王", "--role", "admin"]));
    out(&taizhang(folder, &["user", "disable", "admin"]));
    refused(&["user", "disable", "second"], 6, "access.last_admin");

    for (role, division) in [
        ("village_officer", "990102003"),
        ("township_staff", "990102"),
        ("county_staff", "9901"),
        ("health_clerk", ""),
        ("helper", ""),
        ("helper", "9901"),
    ] {
        let add = ["user", "add", "liu", "--name", "刘", "--role", role, "--division", division];
        refused(&add, 2, "access.role_division");
    }
    for (login, role, division) in
        [("liu.a", "village_officer", "99010200300401"), ("liu.b", "helper", "990102"), ("liu.c", "auditor", "")]
    {
        out(&taizhang(folder, &["user", "add", login, "--name", "刘", "--role", role, "--division", division]));
    }
    refused(&["user", "edit", "liu.b", "--role", "village_officer"], 2, "access.role_division");
    let long = "长".repeat(101);
    refused(&["user", "edit", "liu.b", "--name", &long], 2, "access.name");
    refused(&["user", "edit", "liu.b", "--unit", &long], 2, "access.unit");
    out(&taizhang(folder, &["user", "edit", "liu.b", "--unit", &"长".repeat(100)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_demo_deletes_nothing_when_the_database_is_not_empty() {
    use crate::support::postgres;
    if !postgres::wanted() {
        return;
    }
    let url = postgres::fresh_database().await;
    let home = tempfile::tempdir().unwrap();
    drop(crate::support::open(&home.path().join("other"), Some(&url)).await);
    let folder = home.path().join("demo");
    let key = folder.join("data").join("field.key");
    std::fs::create_dir_all(folder.join("data")).unwrap();
    std::fs::write(folder.join(".taizhang-demo"), "").unwrap();
    std::fs::write(&key, "kept").unwrap();
    let output = taizhang(&folder, &["demo", "--no-serve", "--fresh", "--persons", "2000", "--database", &url]);
    assert_eq!(output.status.code(), Some(6), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("createdb"), "{output:?}");
    assert_eq!(std::fs::read_to_string(&key).unwrap(), "kept");
}

#[test]
fn a_profile_is_checked_and_compared_without_an_installation_and_applied_in_one() {
    let folder = tempfile::tempdir().unwrap();
    let data = &folder.path().join("data");
    let policy = |name: &str| format!("{}/../../policy/{name}", env!("CARGO_MANIFEST_DIR"));
    for name in ["2020-epidemic.toml", "2026-regular.toml"] {
        assert!(out(&taizhang(data, &["profile", "check", &policy(name)])).contains("all sound"), "{name}");
    }
    assert!(!data.exists(), "checking makes nothing");
    let text = std::fs::read_to_string(policy("2020-epidemic.toml")).unwrap();
    let faulty = folder.path().join("faulty.toml");
    std::fs::write(&faulty, text.replacen("s.kind == \"jobs.ended\"", "s.kind == \"jobs.endd\"", 1)).unwrap();
    let refused = taizhang(data, &["profile", "check", faulty.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("rules[13].when") && said.contains("jobs.ended") && said.contains("column"), "{said}");

    let next = folder.path().join("next.toml");
    let changed = text.replacen("version = 4", "version = 5", 1).replacen("yuan = 5000", "yuan = 5500", 1).replacen(
        "level = \"notice\"",
        "level = \"affected\"",
        1,
    );
    std::fs::write(&next, changed).unwrap();
    let found = taizhang(data, &["profile", "diff", &policy("2020-epidemic.toml"), next.to_str().unwrap(), "--json"]);
    let found: Vec<serde_json::Value> = serde_json::from_str(&out(&found)).unwrap();
    let told: Vec<(&str, &str, &str)> = found
        .iter()
        .map(|d| {
            let of = |key: &str| d[key].as_str().unwrap();
            (of("part"), of("field"), of("after"))
        })
        .collect();
    assert_eq!(told, [("rules", "level", "Affected"), ("income_lines", "yuan", "5,500 yuan")]);

    out(&taizhang(data, &["init"]));
    let apply = |file: &str| taizhang(data, &["profile", "apply", file, "--json"]);
    let value = |output: &Output| serde_json::from_str::<serde_json::Value>(&out(output)).unwrap();
    assert_eq!(value(&apply(next.to_str().unwrap()))["is_new"], true);
    assert_eq!(value(&apply(next.to_str().unwrap()))["is_new"], false);
    std::fs::write(&next, text.replacen("version = 4", "version = 5", 1)).unwrap();
    assert_eq!(apply(next.to_str().unwrap()).status.code(), Some(6), "that version has another text");
    let list = value(&taizhang(data, &["profile", "list", "--json"]));
    assert_eq!((&list[0]["key"], &list[0]["version"]), (&"2020-epidemic".into(), &5.into()));
    assert_eq!(list[0]["state"], "in_force");
}

#[test]
fn the_books_of_the_ledger_are_added_up_on_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let folder = &folder.path().join("new");
    out(&taizhang(folder, &["init"]));
    let books = out(&taizhang(folder, &["ledger", "reconcile", "--json", "--as-of", "2020-02-20"]));
    let books: serde_json::Value = serde_json::from_str(&books).unwrap();
    assert_eq!((&books["balanced"], &books["books"]["to"]), (&true.into(), &"2020-02-20".into()));
    assert_eq!(books["books"]["total"]["items"]["end"], 0);
    let said = out(&taizhang(folder, &["ledger", "reconcile", "--from", "2020-02-01", "--to", "2020-02-20"]));
    assert!(said.contains("Households") && said.contains("2020-02-01 to 2020-02-20"), "{said}");
    let wrong = taizhang(folder, &["ledger", "reconcile", "--from", "2020-02-21", "--to", "2020-02-20"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("2020-02-21"));
    let nowhere = taizhang(folder, &["ledger", "reconcile", "--division", "990199"]);
    assert_eq!(nowhere.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&nowhere.stderr).contains("990199"));
    let both = taizhang(folder, &["ledger", "reconcile", "--from", "2020-02-21", "--as-of", "2020-02-20"]);
    assert_eq!(both.status.code(), Some(2));
    for (lang, words) in [("zh-CN", "日终的账目"), ("en", "at the end of this day")] {
        assert!(out(&taizhang(folder, &["ledger", "reconcile", "--help", "--lang", lang])).contains(words));
    }
}
