//! `taizhang user`.

use std::io::{BufRead, IsTerminal, Write};

use clap::Subcommand;

use super::{CliError, Env, Table, Trouble};
use crate::access::{self, NewUser, Role, Scope, UserEdit, UserFilter, password};
use crate::platform::{Lang, clock};

/// Add, list, change, disable and unlock the people who sign in.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Add a user
    Add {
        /// 3 to 32 of a-z 0-9 . _ -
        login: String,
        /// Name of the person
        #[arg(long)]
        name: String,
        /// Working unit
        #[arg(long, default_value = "")]
        unit: String,
        /// Role
        #[arg(long, value_parser = role)]
        role: Role,
        /// Division code whose part of the country they may see; everything without it
        #[arg(long, value_name = "CODE", default_value = "")]
        division: String,
        /// Read the password from standard input (asks twice on a terminal)
        #[arg(long)]
        password_stdin: bool,
        /// Language of their pages
        #[arg(long, value_name = "LANG", default_value = "zh-CN", value_parser = super::language)]
        user_lang: Lang,
    },
    /// Change a user's name, unit, role or division
    Edit {
        /// Login
        login: String,
        /// Name of the person
        #[arg(long)]
        name: Option<String>,
        /// Working unit
        #[arg(long)]
        unit: Option<String>,
        /// Role
        #[arg(long, value_parser = role)]
        role: Option<Role>,
        /// Division code whose part of the country they may see; "" for everything
        #[arg(long, value_name = "CODE")]
        division: Option<String>,
    },
    /// List users
    List {
        /// Only those with this in login, name or unit
        #[arg(default_value = "")]
        text: String,
    },
    /// Bar a user; their sessions end at once
    Disable {
        /// Login
        login: String,
    },
    /// Let a disabled user in again
    Enable {
        /// Login
        login: String,
    },
    /// Give a user a new password; their sessions end
    Reset {
        /// Login
        login: String,
        /// Read the password from standard input (asks twice on a terminal)
        #[arg(long)]
        password_stdin: bool,
    },
    /// Unlock an account after failed sign-ins
    Unlock {
        /// Login
        login: String,
    },
}

/// Runs the command.
pub async fn run(args: Args, env: &Env) -> Result<(), CliError> {
    let (app, actor) = (&env.app, &env.actor);
    match args.action {
        Action::Add { login, name, unit, role, division, password_stdin, user_lang } => {
            let (password, made) = password_for(env, password_stdin)?;
            let new = NewUser {
                login: login.clone(),
                name,
                unit,
                role,
                division_code: division,
                password: password.clone(),
                lang: user_lang,
            };
            let id = access::invite_user(app, actor, new).await?;
            let shown = made.then_some(&password);
            env.print(&serde_json::json!({ "id": id, "login": login, "password": shown }), || match shown {
                Some(password) => {
                    env.tf("cli-user-added-password", &[("login", login.clone()), ("password", password.clone())])
                }
                None => env.tf("cli-user-added", &[("login", login.clone())]),
            });
        }
        Action::Edit { login, name, unit, role, division } => {
            let user = access::find_user(&app.db, &Scope::everything(), &login).await?;
            let edit = UserEdit { name, unit, role, division_code: division };
            access::edit_user(app, actor, user.id, edit).await?;
            say(env, "cli-user-edited", &user.login);
        }
        Action::List { text } => list(env, text).await?,
        Action::Disable { login } => {
            let user = access::find_user(&app.db, &Scope::everything(), &login).await?;
            access::set_disabled(app, actor, user.id, true).await?;
            say(env, "cli-user-disabled", &user.login);
        }
        Action::Enable { login } => {
            let user = access::find_user(&app.db, &Scope::everything(), &login).await?;
            access::set_disabled(app, actor, user.id, false).await?;
            say(env, "cli-user-enabled", &user.login);
        }
        Action::Reset { login, password_stdin } => {
            let user = access::find_user(&app.db, &Scope::everything(), &login).await?;
            let (password, made) = password_for(env, password_stdin)?;
            access::reset_password(app, actor, user.id, password.clone()).await?;
            let shown = made.then_some(&password);
            env.print(&serde_json::json!({ "login": user.login, "password": shown }), || match shown {
                Some(password) => {
                    env.tf("cli-user-reset-password", &[("login", user.login.clone()), ("password", password.clone())])
                }
                None => env.tf("cli-user-reset", &[("login", user.login.clone())]),
            });
        }
        Action::Unlock { login } => {
            let user = access::find_user(&app.db, &Scope::everything(), &login).await?;
            access::unlock(app, actor, user.id).await?;
            say(env, "cli-user-unlocked", &user.login);
        }
    }
    Ok(())
}

async fn list(env: &Env, text: String) -> Result<(), CliError> {
    let filter = UserFilter { text, limit: i64::from(u32::MAX), ..UserFilter::default() };
    let (users, _) = access::list_users(&env.app.db, &Scope::everything(), &filter).await?;
    let now = env.app.clock.now_ms();
    let state = |user: &access::User| {
        if user.disabled {
            "disabled"
        } else if user.locked_until.is_some_and(|until| until > now) {
            "locked"
        } else {
            "active"
        }
    };
    let json: Vec<_> = users
        .iter()
        .map(|user| {
            serde_json::json!({
                "login": user.login, "name": user.name, "unit": user.unit, "role": user.role,
                "division": user.division_code, "state": state(user), "last_login_at": user.last_login_at,
            })
        })
        .collect();
    env.print(&serde_json::Value::from(json), || {
        let heads = ["login", "name", "unit", "role", "division", "state", "last-login"];
        let mut table = Table::new(heads.map(|head| env.t(&format!("user-{head}"))));
        for user in &users {
            table.row([
                user.login.clone(),
                user.name.clone(),
                user.unit.clone(),
                env.t(&format!("role-{}", user.role)),
                user.division_code.clone(),
                env.t(&format!("user-state-{}", state(user))),
                user.last_login_at.map_or_else(String::new, |ms| clock::local(ms).format("%Y-%m-%d %H:%M").to_string()),
            ]);
        }
        table.to_string()
    });
    Ok(())
}

fn say(env: &Env, key: &str, login: &str) {
    env.print(&serde_json::json!({ "login": login }), || env.tf(key, &[("login", login.to_owned())]));
}

fn role(text: &str) -> Result<Role, String> {
    Role::from_name(text).ok_or_else(|| Role::ALL.map(Role::name).join(", "))
}

/// A password from standard input, or a made one; and whether it was made.
fn password_for(env: &Env, stdin: bool) -> Result<(String, bool), CliError> {
    if !stdin {
        return Ok((password::generate()?, true));
    }
    let terminal = std::io::stdin().is_terminal();
    let first = read_line(env, terminal, "cli-password")?;
    if terminal && read_line(env, terminal, "cli-password-again")? != first {
        return Err(access::AccessError::PasswordsDiffer.into());
    }
    Ok((first, false))
}

fn read_line(env: &Env, terminal: bool, key: &str) -> Result<String, CliError> {
    let system = |e: std::io::Error| Trouble::System(e.to_string());
    if terminal {
        write!(std::io::stderr(), "{} ", env.t(key)).map_err(system)?;
        echo(false);
    }
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    if terminal {
        echo(true);
        super::out::complain("");
    }
    read.map_err(system)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// Switches the terminal's echo, where the system has `stty`.
fn echo(on: bool) {
    let mode = if on { "echo" } else { "-echo" };
    let _ = std::process::Command::new("stty").arg(mode).stdin(std::process::Stdio::inherit()).status();
}
