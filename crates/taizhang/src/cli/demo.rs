//! `taizhang demo`: the whole road on a synthetic county, as the files that real systems export.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Instant;

use chrono::Days;
use tokio::net::TcpListener;

use super::truth::{self, RuleQuality, share};
use super::{CliError, Env, Table, Trouble, demo_cases};
use crate::access::{self, NewUser, Role, Scope, password};
use crate::compare::{self, CompareOptions, CompareReport, Quality};
use crate::intake::{self, ImportOptions, ImportReport, Kind};
use crate::ledger::{self, model::Filter};
use crate::platform::jobs::Progress;
use crate::platform::{App, Clock, Db, Lang, ids};
use crate::road::{self, RoadReport};
use crate::screen::{self, rounds};
use crate::{assess, register};

/// Where the demo lies when nobody says.
pub const FOLDER: &str = "taizhang-demo";
/// Persons above which the files are CSV only: a worksheet has 1,048,576 rows.
const XLSX_UP_TO: u64 = 1_000_000;

/// Make a synthetic county as files, import, compare, assess, and serve the pages.
///
/// Everything is invented: the province has the area prefix 99, which is assigned to nobody.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Registered persons
    #[arg(long, default_value_t = 60_000)]
    pub persons: u64,
    /// The same seed makes the same files
    #[arg(long, default_value_t = 2020)]
    pub seed: u64,
    /// Stop before serving
    #[arg(long)]
    pub no_serve: bool,
    /// Throw an earlier demo in the folder away and make a new one
    #[arg(long)]
    pub fresh: bool,
    /// Password of the demo logins [default: made at random and printed]
    #[arg(long, value_name = "TEXT")]
    pub password: Option<String>,
    /// Address and port of the pages
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
}

/// Empties and opens the folder of the demo, and runs it.
pub async fn run(
    args: Args,
    folder: &Path,
    database: Option<String>,
    (lang, json): (Lang, bool),
    clock: Clock,
) -> Result<(), CliError> {
    let filled = may_use(folder, args.fresh)?;
    if let Some(url) = &database
        && !Db::is_bare(url).await?
    {
        return Err(Trouble::NotEmpty.into());
    }
    prepare(folder, filled)?;
    let app = App::open(&folder.join("data"), database.as_deref(), clock).await?;
    let env = Env { app, lang, json, actor: access::Actor::machine(lang), database };
    let done = Demo { env: &env, args: &args, input: folder.join("input"), seconds: BTreeMap::new() }.run().await?;
    env.print(&done.json, || done.text.clone());
    if args.no_serve {
        return Ok(());
    }
    let listener = TcpListener::bind(args.listen)
        .await
        .map_err(|e| Trouble::Listen { address: args.listen.to_string(), why: e.to_string() })?;
    let address = listener.local_addr().map_err(|e| Trouble::System(e.to_string()))?;
    let url = format!("http://{address}/");
    env.print(&serde_json::json!({ "url": url }), || env.tf("cli-serving", &[("url", url.clone())]));
    super::serve::serve(&env, listener, false).await
}

/// Whether the folder holds an earlier demo that may go, and not that it is missing or empty.
fn may_use(folder: &Path, fresh: bool) -> Result<bool, CliError> {
    let fail = |e: std::io::Error| Trouble::of_file(folder, &e);
    let filled = folder.exists() && std::fs::read_dir(folder).map_err(fail)?.next().is_some();
    let ours = folder.join(".taizhang-demo").exists();
    if filled && !(fresh && ours) {
        return Err(Trouble::DemoFolder(folder.display().to_string()).into());
    }
    Ok(filled)
}

/// Throws an earlier demo away, and makes the folder of the new one.
fn prepare(folder: &Path, filled: bool) -> Result<(), CliError> {
    let fail = |e: std::io::Error| Trouble::of_file(folder, &e);
    if filled {
        for name in ["data", "input"] {
            let part = folder.join(name);
            if part.exists() {
                std::fs::remove_dir_all(&part).map_err(fail)?;
            }
        }
    }
    std::fs::create_dir_all(folder.join("input")).map_err(fail)?;
    std::fs::write(folder.join(".taizhang-demo"), "").map_err(fail)?;
    Ok(())
}

struct Done {
    json: serde_json::Value,
    text: String,
}

struct Login {
    login: &'static str,
    role: Role,
    division: String,
    place: String,
}

struct Demo<'a> {
    env: &'a Env,
    args: &'a Args,
    input: PathBuf,
    seconds: BTreeMap<&'static str, f64>,
}

impl Demo<'_> {
    async fn run(mut self) -> Result<Done, CliError> {
        let progress = Progress::default();
        let bar = self.env.progress_bar(&progress);
        let begun = Instant::now();
        let manifest = self.make(&progress).await?;
        self.seconds.insert("files", begun.elapsed().as_secs_f64());
        let path = |file: &synth::ManifestFile| self.input.join(&file.path);

        let begun = Instant::now();
        let files: Vec<(Kind, PathBuf)> =
            manifest.files.iter().filter_map(|f| Some((kind_of(&f.kind)?, path(f)))).collect();
        let options = ImportOptions {
            as_of: manifest.files.first().map(|f| f.as_of),
            purpose: "demo".to_owned(),
            ..ImportOptions::default()
        };
        let imports = intake::import_batch(&self.env.app, &self.env.actor, files, &options, &progress).await?;
        let import_seconds = begun.elapsed().as_secs_f64();

        let begun = Instant::now();
        let mut comparisons = Vec::new();
        let lists = manifest.files.iter().filter(|f| is_list(&f.kind));
        for file in lists {
            let options = CompareOptions {
                as_of: Some(file.as_of),
                purpose: "demo".to_owned(),
                retention_days: 30,
                ..CompareOptions::default()
            };
            let report = compare::run(&self.env.app, &self.env.actor, &path(file), options, &progress).await?;
            comparisons.push((file.path.clone(), report));
        }
        let truth = self.input.join("truth").join("truth_cases.csv");
        let quality = compare::evaluate_file(&self.env.app, "health.cases", &truth).await?;
        let compare_seconds = begun.elapsed().as_secs_f64();
        let folder = self.input.join("truth");
        let mut measured = Measured {
            cases: quality,
            lists: truth::lists(&self.env.app, &folder).await?,
            rules: truth::rules(&self.env.app, &self.env.actor, &folder).await?,
            visits: None,
        };

        let begun = Instant::now();
        let visits = manifest.files.iter().find(|f| f.kind == "visit");
        let visits = match visits {
            Some(file) => {
                Some(screen::import::import_file(&self.env.app, &self.env.actor, &path(file), false, &progress).await?)
            }
            None => None,
        };
        self.round().await?;
        self.seconds.insert("visits", begun.elapsed().as_secs_f64());

        let begun = Instant::now();
        let road = road::run_all(&self.env.app, &self.env.actor, &Scope::everything(), &progress).await?;
        self.seconds.insert("assess", begun.elapsed().as_secs_f64());
        let begun = Instant::now();
        let monitoring = demo_cases::run(self.env).await?;
        self.seconds.insert("monitor", begun.elapsed().as_secs_f64());
        let clues = truth::clues(&self.env.app, &folder).await?;
        if let Some(report) = visits {
            measured.visits = Some((report, truth::checks(&self.env.app, &self.input.join("truth")).await?));
        }
        self.seconds.insert("import", import_seconds);
        self.seconds.insert("compare", compare_seconds);
        let (password, logins) = self.logins().await?;
        drop(bar);
        self.tell(&manifest, &imports, &comparisons, &measured, &road, (&monitoring, clues), &password, &logins).await
    }

    async fn make(&self, progress: &Progress) -> Result<synth::Manifest, CliError> {
        progress.stage("job-stage-demo-files", self.args.persons);
        let config = synth::Config {
            persons: self.args.persons,
            seed: self.args.seed,
            as_of: self.env.app.clock.today(),
            ..synth::Config::default()
        };
        let shape = if self.args.persons > XLSX_UP_TO { synth::Shape::Bulk } else { synth::Shape::Demo };
        let (input, watch) = (self.input.clone(), progress.clone());
        let made = tokio::task::spawn_blocking(move || {
            synth::write_province(&config, &input, shape, &mut |done| watch.at(done))
        });
        let made = made.await.map_err(|e| Trouble::System(e.to_string()))?;
        Ok(made.map_err(super::synth::trouble)?)
    }

    /// Makes the demo logins around the village that has the first open item.
    async fn logins(&self) -> Result<(String, Vec<Login>), CliError> {
        let app = &self.env.app;
        let divisions = register::Divisions::load(&app.db).await?;
        let filter = Filter { page: 1, per_page: 1, ..Filter::default() };
        let (lines, _) = ledger::list(app, &self.env.actor, &filter).await?;
        let place = match lines.first() {
            Some(line) => line.division_code.clone(),
            None => divisions.all().iter().find(|d| d.code.len() == 12).map(|d| d.code.clone()).unwrap_or_default(),
        };
        let part = |digits: usize| place.get(..digits).unwrap_or(&place).to_owned();
        let given = match &self.args.password {
            Some(given) => given.clone(),
            None => password::generate()?,
        };
        let plan = [
            ("analyst", Role::Analyst, part(2)),
            ("health", Role::HealthClerk, part(6)),
            ("county", Role::CountyStaff, part(6)),
            ("town", Role::TownshipStaff, part(9)),
            ("village", Role::VillageOfficer, part(12)),
            ("admin", Role::Admin, String::new()),
            ("auditor", Role::Auditor, String::new()),
        ];
        let mut made = Vec::new();
        for (login, role, division) in plan {
            let shown = divisions.full_name(&division).unwrap_or_default().to_owned();
            let new = NewUser {
                login: login.to_owned(),
                name: self.env.t(&format!("demo-name-{login}")),
                unit: shown.clone(),
                role,
                division_code: division.clone(),
                password: given.clone(),
                lang: self.env.lang,
            };
            access::create_user(app, &self.env.actor, new).await?;
            made.push(Login { login, role, division, place: shown });
        }
        Ok((given, made))
    }

    #[allow(clippy::too_many_arguments)]
    async fn tell(
        &self,
        manifest: &synth::Manifest,
        imports: &[ImportReport],
        comparisons: &[(String, CompareReport)],
        measured: &Measured,
        road: &RoadReport,
        (monitoring, clues): (&demo_cases::Cases, truth::ClueQuality),
        password: &str,
        logins: &[Login],
    ) -> Result<Done, CliError> {
        let env = self.env;
        let rules = assess::rule_counts(&env.app.db, &Scope::everything()).await?;
        let profile = assess::active_profile(&env.app, &env.actor).await?;
        let quality = &measured.cases;
        let (all_rules, by_rule) = &measured.rules;
        let json = serde_json::json!({
            "input": self.input, "households": manifest.households, "persons": manifest.persons,
            "imports": imports, "comparisons": comparisons.iter().map(|(_, r)| r).collect::<Vec<_>>(),
            "quality": {
                "registered_cases": quality.truth, "decided": quality.decided, "decided_right": quality.decided_right,
                "precision": share(quality.decided_right, quality.decided),
                "recall": share(quality.decided_right, quality.truth),
                "best_precision": share(quality.best_right, quality.best),
                "best_recall": share(quality.best_right, quality.truth),
            },
            "list_quality": measured.lists, "rule_quality": { "all": all_rules, "rules": by_rule },
            "road": road, "rules": rules, "monitoring": monitoring, "clue_quality": clues, "seconds": self.seconds, "password": password,
            "visits": measured.visits.as_ref().map(|(report, _)| report),
            "check_quality": measured.visits.as_ref().map(|(_, checks)| checks),
            "logins": logins.iter().map(|l| serde_json::json!({"login": l.login, "role": l.role.name(), "division": l.division})).collect::<Vec<_>>(),
        });
        let mut out = String::new();
        let heading = |key: &str| format!("\n■ {}\n", env.t(key));
        out.push_str(&heading("demo-imported"));
        out.push_str(&super::import::show_files(env, imports));
        out.push_str(&heading("demo-compared"));
        let mut table = Table::new([
            env.t("demo-list"),
            env.t("compare-col-rows"),
            env.t("compare-outcome-matched"),
            env.t("compare-outcome-review"),
            env.t("compare-outcome-unmatched"),
            env.t("demo-signals"),
        ]);
        for (name, report) in comparisons {
            table.row([
                name.clone(),
                report.rows_total.to_string(),
                report.matched.to_string(),
                report.review.to_string(),
                report.unmatched.to_string(),
                report.signals_added.to_string(),
            ]);
        }
        out.push_str(&table.to_string());
        out.push_str(&heading("demo-quality"));
        out.push_str(&self.qualities(measured));
        out.push_str(&env.tf("demo-truth", &[("count", quality.truth.to_string())]));
        out.push('\n');
        out.push_str(&heading("demo-rules"));
        out.push_str(&self.rule_table(*all_rules, by_rule));
        if let Some((report, checks)) = &measured.visits {
            out.push_str(&heading("demo-visits"));
            out.push_str(&super::screen::show(env, report));
            out.push('\n');
            out.push_str(&self.check_table(checks));
        }
        out.push_str(&heading("demo-opened"));
        let mut table = Table::new([env.t("assess-rule"), env.t("assess-findings"), env.t("assess-households")]);
        for count in &rules {
            let title = profile.profile.rule(&count.rule_id).map(|rule| rule.title.get(env.lang).to_owned());
            table.row([
                title.unwrap_or_else(|| count.rule_id.clone()),
                count.findings.to_string(),
                count.households.to_string(),
            ]);
        }
        out.push_str(&table.to_string());
        out.push_str(&env.tf(
            "demo-items",
            &[("items", road.items.opened.to_string()), ("households", road.findings.households.to_string())],
        ));
        out.push('\n');
        out.push_str(&heading("demo-monitor"));
        out.push_str(&monitoring.table(env));
        out.push_str(&env.tf(
            "demo-monitor-clues",
            &[
                ("found", clues.found.to_string()),
                ("precision", percent(clues.right, clues.found)),
                ("recall", percent(clues.must_found, clues.must)),
            ],
        ));
        out.push('\n');
        out.push_str(&heading("demo-where"));
        out.push_str(&env.tf("demo-input", &[("path", self.input.display().to_string())]));
        out.push('\n');
        let second = |key: &str| format!("{:.1}", self.seconds.get(key).copied().unwrap_or_default());
        out.push_str(&env.tf(
            "demo-seconds",
            &[
                ("files", second("files")),
                ("import", second("import")),
                ("compare", second("compare")),
                ("assess", second("assess")),
            ],
        ));
        out.push('\n');
        out.push_str(&heading("demo-logins"));
        let mut table = Table::new([env.t("demo-login"), env.t("demo-role"), env.t("demo-place")]);
        for login in logins {
            let role = env.t(&format!("role-{}", login.role.name()));
            table.row([login.login.to_owned(), role, login.place.clone()]);
        }
        out.push_str(&table.to_string());
        out.push_str(&env.tf("demo-password", &[("password", password.to_owned())]));
        Ok(Done { json, text: out })
    }
}

/// What was found, held against the truth.
struct Measured {
    cases: Quality,
    lists: BTreeMap<String, Quality>,
    rules: (RuleQuality, BTreeMap<String, RuleQuality>),
    visits: Option<(screen::import::Report, BTreeMap<String, RuleQuality>)>,
}

/// A share in a table; a dash where there is nothing to have a share in.
fn percent(part: i64, whole: i64) -> String {
    share(part, whole).map_or_else(|| "—".to_owned(), |share| format!("{:.1}%", share * 100.0))
}

impl Demo<'_> {
    /// Precision and recall of each list, decided by the machine alone and with a person's look at the rest.
    fn qualities(&self, measured: &Measured) -> String {
        let env = self.env;
        let mut table = Table::new([
            env.t("demo-list"),
            env.t("demo-what"),
            env.t("demo-right"),
            env.t("demo-precision"),
            env.t("demo-recall"),
        ]);
        let cases = (env.t("demo-cases"), &measured.cases);
        for (name, quality) in
            std::iter::once(cases).chain(measured.lists.iter().map(|(name, quality)| (name.clone(), quality)))
        {
            for (key, right, of) in [
                ("demo-automatic", quality.decided_right, quality.decided),
                ("demo-with-review", quality.best_right, quality.best),
            ] {
                table.row([
                    name.clone(),
                    env.t(key),
                    format!("{right} / {of}"),
                    percent(right, of),
                    percent(right, quality.truth),
                ]);
            }
        }
        table.to_string()
    }

    /// A screening round of the last two months, so that its page shows something.
    async fn round(&self) -> Result<(), CliError> {
        let today = self.env.app.clock.today();
        let round = rounds::NewRound {
            id: ids::new_id(),
            name: self.env.t("demo-round"),
            division: String::new(),
            from: today.checked_sub_days(Days::new(60)).unwrap_or(today),
            to: today.checked_add_days(Days::new(30)).unwrap_or(today),
            on_site: false,
            with_checks: true,
        };
        rounds::begin(&self.env.app, &self.env.actor, round).await?;
        Ok(())
    }

    /// What checks found of what was planted, by indicator.
    fn check_table(&self, checks: &BTreeMap<String, RuleQuality>) -> String {
        let env = self.env;
        let mut table = Table::new([
            env.t("screen-column-indicator"),
            env.t("demo-planted"),
            env.t("demo-right"),
            env.t("demo-precision"),
            env.t("demo-recall"),
        ]);
        for (indicator, q) in checks {
            table.row([
                env.t(&format!("signal-check-{indicator}")),
                q.planted.to_string(),
                format!("{} / {}", q.right, q.found),
                percent(q.right, q.found),
                percent(q.right, q.planted),
            ]);
        }
        table.to_string()
    }

    /// All quality rules together, and each that missed something or found what was not planted.
    fn rule_table(&self, all: RuleQuality, by_rule: &BTreeMap<String, RuleQuality>) -> String {
        let env = self.env;
        let mut table = Table::new([
            env.t("demo-rule"),
            env.t("demo-planted"),
            env.t("demo-right"),
            env.t("demo-precision"),
            env.t("demo-recall"),
        ]);
        let mut line = |name: String, q: RuleQuality| {
            table.row([
                name,
                q.planted.to_string(),
                format!("{} / {}", q.right, q.found),
                percent(q.right, q.found),
                percent(q.right, q.planted),
            ]);
        };
        line(env.tf("demo-all-rules", &[("count", by_rule.len().to_string())]), all);
        for (rule, quality) in by_rule.iter().filter(|(_, q)| q.right != q.planted || q.right != q.found) {
            line(env.t(&format!("rule-{}", rule.replace('.', "-"))), *quality);
        }
        table.to_string()
    }
}

/// The kind of registry file that a file of the synthetic province is.
fn kind_of(kind: &str) -> Option<Kind> {
    Some(match kind {
        "divisions" => Kind::Division,
        "household" => Kind::Household,
        "person" => Kind::Person,
        "income" => Kind::Income,
        "monitor" => Kind::Monitoring,
        "helper" => Kind::Helper,
        "team" => Kind::WorkTeam,
        _ => return None,
    })
}

fn is_list(kind: &str) -> bool {
    matches!(
        kind,
        "case"
            | "case_elsewhere"
            | "close_contact"
            | "medical_self_pay"
            | "dropout"
            | "dangerous_house"
            | "job_ended"
            | "disability_card"
            | "medical_insurance"
            | "water_supply"
    )
}
