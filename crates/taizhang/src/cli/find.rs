//! `taizhang find`: one person in a packed register; no installation needed.

use std::path::PathBuf;
use std::sync::Arc;

use linkage::engine::{Evidence, Finder, RULES, Resident, Row};

use super::link::{packed, read_model, write_evidence};
use super::{CliError, Table, Trouble};
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
    #[arg(long, value_name = "PERSONS", value_parser = at_least_one, default_value_t = 10)]
    most: usize,
    /// The model to judge by [default: the one that comes along]
    #[arg(long, value_name = "TOML")]
    model: Option<PathBuf>,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|most| *most > 0).ok_or_else(String::new)
}

/// Digits of an ID number or a division code that lead somewhere, at least.
const DIGITS: usize = 6;

impl Args {
    /// What is typed, as a row.
    fn row(&self) -> Row<'_> {
        Row {
            key: b"",
            name: self.name.as_bytes(),
            sex: self.sex.as_bytes(),
            id_no: self.id_no.as_bytes(),
            birth: self.birth.as_bytes(),
            phone: self.phone.as_bytes(),
            village: self.village.as_bytes(),
            address: self.address.as_bytes(),
        }
    }

    /// Whether something can be read in every field that is given.
    fn check(&self) -> Result<(), Trouble> {
        let row = self.row();
        let fields = [row.name, row.sex, row.id_no, row.birth, row.phone, row.village, row.address];
        if fields.iter().all(|field| field.trim_ascii().is_empty()) {
            return Err(Trouble::Argument { code: "cli.find_nothing", args: Vec::new() });
        }
        let digits = |text: &str| text.trim().bytes().all(|c| c.is_ascii_digit()) && !text.trim().is_empty();
        let id_no = self.id_no.trim();
        // The beginning of a number is no number yet.
        let begins = digits(id_no) && (DIGITS..18).contains(&id_no.len());
        let mut unread = row.unread();
        unread.retain(|field| *field != "id_no" || !begins);
        for (field, text) in [("id_no", id_no), ("village", &self.village)] {
            if digits(text) && text.trim().len() < DIGITS && !unread.contains(&field) {
                unread.push(field);
            }
        }
        let Some(field) = unread.first() else {
            return Ok(());
        };
        let (code, value) = match *field {
            "sex" => ("cli.find_sex", &self.sex),
            "id_no" => ("cli.find_id_no", &self.id_no),
            "birth" => ("cli.find_birth", &self.birth),
            "phone" => ("cli.find_phone", &self.phone),
            _ => ("cli.find_village", &self.village),
        };
        Err(Trouble::Argument { code, args: vec![("value", value.trim().to_owned())] })
    }

    /// Why nothing that is given leads anywhere.
    fn too_little(&self) -> Trouble {
        let letters = !self.name.trim().is_empty() && self.name.is_ascii();
        let code = if letters { "cli.find_initials" } else { "cli.find_little" };
        Trouble::Argument { code, args: vec![("value", self.name.trim().to_owned())] }
    }
}

/// Runs the command.
///
/// # Errors
/// [`super::link::LinkTrouble`] where a file cannot be read or understood; [`Trouble::Argument`] where what is given
/// cannot be read or leads nowhere.
pub fn run(args: &Args, lang: Lang, json: bool) -> Result<(), CliError> {
    let t = |key: &str| i18n::text(lang, key);
    args.check()?;
    let resident = Resident::open(&args.register).map_err(packed(&args.register))?;
    let model = read_model(args.model.as_deref())?;
    let finder = Finder::new(Arc::new(resident), &model).map_err(packed(&args.register))?;
    let answer = finder.find(&args.row(), args.most).map_err(packed(&args.register))?;
    if answer.asked == 0 {
        return Err(args.too_little().into());
    }
    let initials = answer.initials.iter().copied().chain(std::iter::repeat(false));
    let explained: Vec<(&linkage::engine::Match, Vec<Evidence>)> =
        answer.matches.iter().zip(initials).map(|(m, by)| (m, named(finder.explain(m), by))).collect();
    let more = answer.pairs - answer.matches.len() as u64;
    let key = |m: &linkage::engine::Match| String::from_utf8_lossy(&m.right).into_owned();
    if json {
        let matches: Vec<_> = explained
            .iter()
            .map(|(m, evidence)| {
                let evidence: Vec<_> = evidence
                    .iter()
                    .map(|e| serde_json::json!({ "field": e.field, "level": e.level, "bits": e.bits }))
                    .collect();
                serde_json::json!({ "rid": key(m), "score": m.bits, "evidence": evidence })
            })
            .collect();
        super::out::line(
            serde_json::json!({ "matches": matches, "compared": answer.pairs, "more": more, "crowded": answer.crowded }),
        );
        return Ok(());
    }
    let mut table = Table::new([t("find-rid"), t("find-score"), t("find-evidence")]);
    for (m, evidence) in &explained {
        table.row([key(m), format!("{:.1}", m.bits), evidence_text(evidence)]);
    }
    let mut text = if answer.matches.is_empty() { t("find-nobody") } else { table.to_string() };
    if more > 0 {
        let shown = answer.matches.len();
        let values = [("shown", shown.to_string()), ("more", more.to_string()), ("all", answer.pairs.to_string())];
        text.push('\n');
        text.push_str(&i18n::text_with(lang, "find-more", &values));
    }
    if !answer.crowded.is_empty() {
        let names: Vec<String> = answer.crowded.iter().map(|name| t(&rule_key(name))).collect();
        text.push('\n');
        text.push_str(&i18n::text_with(lang, "find-crowded", &[("rules", names.join(&t("find-comma")))]));
    }
    super::out::line(text);
    Ok(())
}

/// Evidence in which a name that was typed as first letters is called so: whether they fit is all that is known of it.
fn named(mut evidence: Vec<Evidence>, by_initials: bool) -> Vec<Evidence> {
    for part in evidence.iter_mut().filter(|part| by_initials && part.field == "name" && part.level == "missing") {
        part.level = "initials";
    }
    evidence
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
