//! `taizhang synth`: a synthetic province as files, for rehearsals and measurements.

use std::path::PathBuf;

use chrono::NaiveDate;

use super::{CliError, Env, Trouble};
use crate::platform::jobs::Progress;

/// Write a synthetic province, with its truth, as the files that real systems export.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder to write to; made where it is missing
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Registered persons, 1 to 20,000,000
    #[arg(long, default_value_t = 60_000)]
    persons: u64,
    /// The same seed makes the same files
    #[arg(long, default_value_t = 2020)]
    seed: u64,
    /// The day that the register speaks of [default: today]
    #[arg(long, value_name = "YYYY-MM-DD")]
    as_of: Option<NaiveDate>,
    /// Write a second, later export of the register too
    #[arg(long, value_name = "YYYY-MM-DD")]
    second: Option<NaiveDate>,
    /// CSV only
    #[arg(long)]
    bulk: bool,
}

/// Writes the files.
pub async fn run(args: Args, env: &Env) -> Result<(), CliError> {
    let config = synth::Config {
        persons: args.persons,
        seed: args.seed,
        as_of: args.as_of.unwrap_or_else(|| env.app.clock.today()),
        second_export: args.second,
        ..synth::Config::default()
    };
    let shape = if args.bulk { synth::Shape::Bulk } else { synth::Shape::Demo };
    let progress = Progress::default();
    progress.stage("job-stage-demo-files", args.persons);
    let bar = env.progress_bar(&progress);
    let (out, watch) = (args.out.clone(), progress.clone());
    let made = tokio::task::spawn_blocking(move || {
        std::fs::create_dir_all(&out).map_err(|e| Trouble::of_file(&out, &e))?;
        synth::write_province(&config, &out, shape, &mut |done| watch.at(done)).map_err(trouble)
    });
    let manifest = made.await.map_err(|e| Trouble::System(e.to_string()))??;
    drop(bar);
    let json = serde_json::to_value(&manifest).unwrap_or_default();
    env.print(&json, || {
        let mut table = super::Table::new([env.t("cli-import-file"), env.t("cli-import-rows")]);
        for file in &manifest.files {
            table.row([file.path.clone(), file.rows.to_string()]);
        }
        table.to_string()
    });
    Ok(())
}

/// Why the files could not be made, as a person is told it.
pub(super) fn trouble(error: synth::SynthError) -> Trouble {
    use synth::SynthError::{Persons, SecondExport, Sheet, TooManyRows, Write};
    match error {
        Persons(persons) => Trouble::Argument { code: "cli.persons", args: vec![("persons", persons.to_string())] },
        SecondExport { first, second } => Trouble::Argument {
            code: "cli.second",
            args: vec![("first", first.to_string()), ("second", second.to_string())],
        },
        TooManyRows { households } => {
            Trouble::Argument { code: "cli.too_many", args: vec![("households", households.to_string())] }
        }
        Write { path, source } => Trouble::of_file(std::path::Path::new(&path), &source),
        Sheet { path, source } => Trouble::File { path, why: source.to_string() },
        other => Trouble::System(other.to_string()),
    }
}
