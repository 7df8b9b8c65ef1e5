//! `taizhang init`.

use super::{CliError, Env};
use crate::access::{self, NewUser, Role, Scope, UserFilter, password};

/// Make the data folder, its key, its database and the first administrator.
///
/// Run again it changes nothing but brings the database schema up to date.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Login of the first administrator
    #[arg(long, value_name = "LOGIN", default_value = "admin")]
    admin: String,
    /// Make no administrator
    #[arg(long, conflicts_with = "admin")]
    no_admin: bool,
}

/// Makes the first administrator where there is no user yet, and says what there is; opening the installation has
/// made the rest.
pub async fn run(args: Args, env: &Env) -> Result<(), CliError> {
    let app = &env.app;
    let (_, users) = access::list_users(&app.db, &Scope::everything(), &UserFilter::default()).await?;
    let mut made = None;
    if users == 0 && !args.no_admin {
        let password = password::generate()?;
        let new = NewUser {
            login: args.admin.clone(),
            name: env.t("role-admin"),
            unit: String::new(),
            role: Role::Admin,
            division_code: String::new(),
            password: password.clone(),
            lang: env.lang,
        };
        access::invite_user(app, &env.actor, new).await?;
        made = Some(password);
    }
    let folder = app.folder.display().to_string();
    let database = format!("{} {}", app.db.name(), app.db.version().await?);
    let json = serde_json::json!({
        "folder": folder,
        "database": database,
        "admin": made.as_ref().map(|password| serde_json::json!({ "login": args.admin, "password": password })),
    });
    env.print(&json, || {
        let mut text = env.tf("cli-init-done", &[("folder", folder.clone()), ("database", database.clone())]);
        if let Some(password) = &made {
            text.push('\n');
            text.push_str(&env.tf("cli-init-admin", &[("login", args.admin.clone()), ("password", password.clone())]));
        }
        text
    });
    Ok(())
}
