//! Writes a synthetic province: `cargo run --release -p synth --example province -- --persons 60000 --out DIR`.

use clap::Parser;
use std::path::PathBuf;

#[derive(Parser)]
struct Args {
    /// Registered persons.
    #[arg(long, default_value_t = 60_000)]
    persons: u64,
    /// Where to write.
    #[arg(long)]
    out: PathBuf,
    /// demo or bulk.
    #[arg(long, default_value = "demo")]
    shape: String,
    /// The same seed writes the same bytes.
    #[arg(long, default_value_t = 2020)]
    seed: u64,
    /// Day of a second, newer export of the register (YYYY-MM-DD).
    #[arg(long)]
    second: Option<chrono::NaiveDate>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args = Args::parse();
    let shape = match args.shape.as_str() {
        "demo" => synth::Shape::Demo,
        "bulk" => synth::Shape::Bulk,
        other => return Err(format!("shape must be demo or bulk, not {other}").into()),
    };
    let config = synth::Config {
        persons: args.persons,
        seed: args.seed,
        second_export: args.second,
        ..synth::Config::default()
    };
    let start = std::time::Instant::now();
    let manifest = synth::write_province(&config, &args.out, shape, &mut |_| {})?;
    for file in &manifest.files {
        println!("{:<46} {:<26} {:<10} {:>9}", file.path, file.kind, file.encoding, file.rows);
    }
    println!(
        "{} persons, {} households, {:.2} s",
        manifest.persons,
        manifest.households,
        start.elapsed().as_secs_f64()
    );
    Ok(())
}
