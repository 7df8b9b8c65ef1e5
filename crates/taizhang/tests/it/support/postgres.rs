//! A throw-away PostgreSQL for the whole test process, made from the machine's packages.
//!
//! It listens on a Unix socket in a folder of its own, and a shell that waits on our end of a pipe stops it and removes
//! the folder when this process ends, however it ends.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection, PgConnection};

const MISSING: &str = "PostgreSQL is needed for these tests: install it (Debian: apt-get install postgresql; Fedora: \
                       dnf install postgresql-server; macOS: brew install postgresql), or run with \
                       TAIZHANG_TEST_DATABASES=sqlite to leave it out";

struct Cluster {
    socket: PathBuf,
    /// Held open: its closing stops the server.
    _guard: std::process::Child,
}

static CLUSTER: OnceLock<Cluster> = OnceLock::new();
static NEXT: AtomicU32 = AtomicU32::new(1);

/// Whether PostgreSQL takes part.
pub fn wanted() -> bool {
    std::env::var("TAIZHANG_TEST_DATABASES").map_or(true, |names| names.contains("postgres"))
}

/// The address of a new, empty database.
pub async fn fresh_database() -> String {
    let cluster = CLUSTER.get_or_init(start);
    let name = format!("t{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let mut admin = PgConnection::connect(&address(&cluster.socket, "postgres")).await.unwrap();
    // The name is a number of ours.
    sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut admin).await.unwrap();
    admin.close().await.unwrap();
    address(&cluster.socket, &name)
}

/// The address of a copy of a database that nobody is connected to.
pub async fn copy_of(url: &str) -> String {
    let cluster = CLUSTER.get_or_init(start);
    let from = url.rsplit('/').next().and_then(|tail| tail.split('?').next()).unwrap_or_default();
    let name = format!("t{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let mut admin = PgConnection::connect(&address(&cluster.socket, "postgres")).await.unwrap();
    // Both names are numbers of ours.
    sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE {from}"))).execute(&mut admin).await.unwrap();
    admin.close().await.unwrap();
    address(&cluster.socket, &name)
}

fn address(socket: &Path, database: &str) -> String {
    let host = socket.display().to_string().replace('/', "%2F");
    format!("postgres://postgres@localhost/{database}?host={host}")
}

fn start() -> Cluster {
    let bin = binaries();
    let folder = tempfile::Builder::new().prefix("tz-pg-").tempdir_in("/tmp").unwrap().keep();
    let data = folder.join("data");
    let user = other_user();
    if let Some((uid, gid)) = &user {
        run(Command::new("chown").arg(format!("{uid}:{gid}")).arg(&folder));
    }
    let as_user = |program: &Path| match &user {
        None => Command::new(program),
        Some((uid, gid)) => {
            let mut command = Command::new("setpriv");
            command.arg(format!("--reuid={uid}")).arg(format!("--regid={gid}")).arg("--clear-groups").arg(program);
            command
        }
    };
    let initdb = || {
        let mut command = as_user(&bin.join("initdb"));
        command
            .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "-D"])
            .arg(&data)
            .current_dir(&folder);
        command
    };
    // With a collation that does not go by code point, as servers out there have: what must go by code point has to
    // say so itself.
    let icu = initdb().args(["--locale-provider=icu", "--icu-locale=zh-CN"]).output().unwrap();
    if !icu.status.success() {
        let _ = std::fs::remove_dir_all(&data);
        run(&mut initdb());
    }
    let server = as_user(&bin.join("postgres"));
    let guard = Command::new("sh")
        .arg("-c")
        .arg(
            "folder=$1; shift; \"$@\" >\"$folder/log\" 2>&1 & server=$!
             cat >/dev/null; kill -INT $server 2>/dev/null; wait $server; rm -rf \"$folder\"",
        )
        .arg("sh")
        .arg(&folder)
        .arg(server.get_program())
        .args(server.get_args())
        .arg("-D")
        .arg(&data)
        .arg("-k")
        .arg(&folder)
        .args([
            "-c",
            "listen_addresses=",
            "-c",
            "fsync=off",
            "-c",
            "full_page_writes=off",
            "-c",
            "synchronous_commit=off",
            "-c",
            "max_connections=400",
            "-c",
            "shared_buffers=64MB",
        ])
        .current_dir(&folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let ready = bin.join("pg_isready");
    let begun = Instant::now();
    loop {
        let state = Command::new(&ready).arg("-h").arg(&folder).output().unwrap();
        if state.status.success() {
            break;
        }
        let log = || std::fs::read_to_string(folder.join("log")).unwrap_or_default();
        assert!(begun.elapsed() < Duration::from_secs(60), "PostgreSQL does not start:\n{}", log());
        std::thread::sleep(Duration::from_millis(50));
    }
    Cluster { socket: folder, _guard: guard }
}

/// The folder of the newest PostgreSQL of this machine.
fn binaries() -> PathBuf {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort();
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let on_path: Vec<PathBuf> = std::env::split_paths(&on_path).collect();
    versions
        .into_iter()
        .rev()
        .map(|(_, bin)| bin)
        .chain(on_path)
        .find(|bin| ["initdb", "postgres", "pg_isready"].iter().all(|name| bin.join(name).exists()))
        .unwrap_or_else(|| panic!("{MISSING}"))
}

/// PostgreSQL does not run as root: the ids of somebody else when we are root.
fn other_user() -> Option<(String, String)> {
    let id = |args: &[&str]| {
        let output = Command::new("id").args(args).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
        (output.status.success() && !text.is_empty()).then_some(text)
    };
    if id(&["-u"])? != "0" {
        return None;
    }
    ["postgres", "nobody"].iter().find_map(|name| Some((id(&["-u", name])?, id(&["-g", name])?)))
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
