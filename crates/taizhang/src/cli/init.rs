//! `taizhang init`.

use super::{CliError, Env};

/// Make the data folder, its key and its database.
///
/// Run again it changes nothing but brings the database schema up to date.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  taizhang init                                   in ./taizhang-data, with SQLite
  taizhang init --data /srv/taizhang              elsewhere
  taizhang init --database postgres://tz@db/tz    with PostgreSQL; the key stays in the data folder

Keep a copy of <data>/field.key in a safe place: without it the encrypted fields cannot be read again.")]
pub struct Args {}

/// Says what was made; opening the installation has made it.
pub async fn run(_: Args, env: &Env) -> Result<(), CliError> {
    let folder = env.app.folder.display().to_string();
    let version = env.app.db.version().await?;
    let json = serde_json::json!({
        "folder": folder,
        "database": env.app.db.name(),
        "version": version,
    });
    env.print(&json, || {
        env.tf(
            "cli-init-done",
            &[
                ("folder", folder.clone()),
                ("database", format!("{} {version}", env.app.db.name())),
            ],
        )
    });
    Ok(())
}
