//! `taizhang serve`.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::{CliError, Env, Trouble};
use crate::access::{Role, Scope, UserFilter, list_users};
use crate::platform::jobs;
use crate::web;

/// Serve the pages and run the queued jobs, until Ctrl-C or SIGTERM.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Address and port
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Browsers reach it over HTTPS: cookies are marked Secure and browsers told to stay on HTTPS
    #[arg(long)]
    pub https: bool,
}

/// Serves until told to stop.
pub async fn run(args: Args, env: &Env) -> Result<(), CliError> {
    let listener = TcpListener::bind(args.listen)
        .await
        .map_err(|e| Trouble::Listen { address: args.listen.to_string(), why: e.to_string() })?;
    let address = listener.local_addr().map_err(|e| Trouble::System(e.to_string()))?;
    let admins = UserFilter { role: Role::Admin.name().to_owned(), limit: 1, ..UserFilter::default() };
    let (_, count) = list_users(&env.app.db, &Scope::everything(), &admins).await?;
    if count == 0 {
        super::out::complain(env.t("cli-serve-no-admin"));
    }
    let url = format!("http://{address}/");
    env.print(&serde_json::json!({ "url": url }), || env.tf("cli-serving", &[("url", url.clone())]));
    serve(env, listener, args.https).await
}

/// Serves on a listener that is already bound, and runs the queued jobs, until Ctrl-C or SIGTERM.
///
/// # Errors
/// The server cannot accept connections.
pub async fn serve(env: &Env, listener: TcpListener, https: bool) -> Result<(), CliError> {
    let config = web::Config { https };
    let router = web::router(env.app.clone(), config, web::all_routes())?;
    // Copies of uploads that a process left when it died hold personal data: they go before anything else.
    if let Err(error) = crate::intake::sweep(&env.app).await {
        tracing::warn!(%error, "left-over uploads could not be deleted");
    }
    let worker = tokio::spawn(jobs::run_forever(env.app.clone(), web::job_handlers()));
    let retention = tokio::spawn(crate::compare::every_day(env.app.clone()));
    let served = web::serve(router, listener, told_to_stop()).await;
    // A job under way is taken up again by the next process: what it writes is one transaction.
    worker.abort();
    retention.abort();
    Ok(served?)
}

/// Ready on Ctrl-C or SIGTERM.
async fn told_to_stop() {
    let ctrl_c = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending::<()>().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = ctrl_c => {}
        () = terminate => {}
    }
}
