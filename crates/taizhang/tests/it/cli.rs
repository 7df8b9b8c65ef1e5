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
    let weak = ["user", "add", "zhao", "--name", "赵", "--role", "helper", "--password-stdin"];
    assert_eq!(run(folder, &weak, "1234567890\n").status.code(), Some(2));
    assert_eq!(taizhang(folder, &["user", "add", "x", "--name", "x", "--role", "king"]).status.code(), Some(2));
    out(&taizhang(folder, &["user", "disable", "liqiang"]));
    assert_eq!(taizhang(folder, &["user", "unlock", "nobody"]).status.code(), Some(4));
    let list: serde_json::Value = serde_json::from_str(&out(&taizhang(folder, &["user", "list", "--json"]))).unwrap();
    let states: Vec<_> =
        list.as_array().unwrap().iter().map(|u| (u["login"].as_str().unwrap(), u["state"].as_str().unwrap())).collect();
    assert_eq!(states, [("admin", "active"), ("liqiang", "disabled"), ("wang", "active")]);
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
    std::fs::write(folder.join("field.key"), "broken").unwrap();
    assert_eq!(taizhang(folder, &["doctor"]).status.code(), Some(2));
}

#[test]
fn help_teaches() {
    let folder = tempfile::tempdir().unwrap();
    let help = out(&taizhang(folder.path(), &["--help"]));
    assert!(help.contains("taizhang init") && help.contains("Exit codes"));
    for command in [
        &["user", "add", "--help"][..],
        &["serve", "--help"],
        &["audit", "verify", "--help"],
        &["doctor", "--help"],
        &["init", "--help"],
    ] {
        assert!(out(&taizhang(folder.path(), command)).contains("Examples:"), "{command:?}");
    }
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
