//! `taizhang find`: one person in a packed register; no installation needed.

use std::path::PathBuf;
use std::sync::Arc;

use linkage::engine::{Evidence, Finder, RULES, Resident, Row};

use super::link::{packed, read_model, write_evidence};
use super::{CliError, Table};
use crate::platform::{Lang, i18n};

/// Find one person in a packed register
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The packed register
    #[arg(long, value_name = "TZR")]
    register: PathBuf,
    /// Name, or its pinyin, or with a village the first letters of its pinyin
    #[arg(long, default_value = "")]
    name: String,
    /// Sex
    #[arg(long, default_value = "")]
    sex: String,
    /// ID number, or at least its first 6 digits
    #[arg(long, default_value = "")]
    id_no: String,
    /// Date of birth
    #[arg(long, default_value = "")]
    birth: String,
    /// Phone
    #[arg(long, default_value = "")]
    phone: String,
    /// Division code of the village, or at least its first 6 digits
    #[arg(long, default_value = "")]
    village: String,
    /// Address
    #[arg(long, default_value = "")]
    address: String,
    /// Persons to show at most
    #[arg(long, value_name = "N", default_value_t = 10)]
    most: usize,
    /// The model to judge by [default: the one that comes along]
    #[arg(long, value_name = "TOML")]
    model: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// [`super::link::LinkTrouble`] where a file cannot be read or understood.
pub fn run(args: &Args, lang: Lang, json: bool) -> Result<(), CliError> {
    let t = |key: &str| i18n::text(lang, key);
    let resident = Resident::open(&args.register).map_err(packed(&args.register))?;
    let model = read_model(args.model.as_deref())?;
    let finder = Finder::new(Arc::new(resident), &model).map_err(packed(&args.register))?;
    let row = Row {
        key: b"",
        name: args.name.as_bytes(),
        sex: args.sex.as_bytes(),
        id_no: args.id_no.as_bytes(),
        birth: args.birth.as_bytes(),
        phone: args.phone.as_bytes(),
        village: args.village.as_bytes(),
        address: args.address.as_bytes(),
    };
    let answer = finder.find(&row, args.most).map_err(packed(&args.register))?;
    let key = |m: &linkage::engine::Match| String::from_utf8_lossy(&m.right).into_owned();
    if json {
        let matches: Vec<_> = answer
            .matches
            .iter()
            .map(|m| {
                let evidence: Vec<_> = finder
                    .explain(m)
                    .iter()
                    .map(|e| serde_json::json!({ "field": e.field, "level": e.level, "bits": e.bits }))
                    .collect();
                serde_json::json!({ "rid": key(m), "score": m.bits, "evidence": evidence })
            })
            .collect();
        super::out::line(
            serde_json::json!({ "matches": matches, "compared": answer.pairs, "crowded": answer.crowded }),
        );
        return Ok(());
    }
    let mut table = Table::new([t("find-rid"), t("find-score"), t("find-evidence")]);
    for m in &answer.matches {
        table.row([key(m), format!("{:.1}", m.bits), evidence_text(&finder.explain(m))]);
    }
    let mut text = if answer.matches.is_empty() { t("find-nobody") } else { table.to_string() };
    if !answer.crowded.is_empty() {
        let names: Vec<String> = answer.crowded.iter().map(|name| t(&rule_key(name))).collect();
        text.push('\n');
        text.push_str(&i18n::text_with(lang, "find-crowded", &[("rules", names.join(&t("find-comma")))]));
    }
    super::out::line(text);
    Ok(())
}

/// Every name that an answer may say was too crowded.
fn rule_key(name: &str) -> String {
    let kind = if RULES.contains(&name) { "link-rule" } else { "find-by" };
    format!("{kind}-{}", name.replace('_', "-"))
}

/// As `link --explain` writes it.
fn evidence_text(evidence: &[Evidence]) -> String {
    let mut text = Vec::new();
    match write_evidence(&mut text, evidence) {
        Ok(()) => String::from_utf8_lossy(&text).into_owned(),
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_crowded_has_a_name_in_both_languages() {
        for name in RULES.iter().chain(&["sound", "initials", "id_prefix"]) {
            let key = rule_key(name);
            for lang in [Lang::Zh, Lang::En] {
                assert_ne!(i18n::text(lang, &key), key);
            }
        }
    }
}
