//! The estimate in words, with the figures filled in: every line names its formula and what it read.

use std::collections::HashMap;

use uuid::Uuid;

use super::model::{Effect, Estimate, EstimatePolicy, Gap, How, Line, Method, Part, Reference, SelfPay};
use super::tree;
use crate::platform::{Lang, i18n};
use crate::register::pages::grouped;

/// One line of the estimate in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// What it is: 务工收入减少.
    pub title: String,
    /// The formula with its figures.
    pub formula: String,
    /// What it read: whose signal, of which list and day.
    pub read: String,
    /// By how much it lowers the estimate: −6,000.
    pub amount: String,
}

/// Fen in yuan, thousands apart; fen only where there are some.
pub fn money(fen: i64) -> String {
    let (whole, rest) = (fen.unsigned_abs() / 100, fen.unsigned_abs() % 100);
    let whole = grouped(i64::try_from(whole).unwrap_or(i64::MAX));
    let sign = if fen < 0 { "−" } else { "" };
    if rest == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{rest:02}") }
}

fn tenths(tenths: i64) -> String {
    if tenths % 10 == 0 { (tenths / 10).to_string() } else { format!("{}.{}", tenths / 10, tenths % 10) }
}

/// A branch or leaf of the income tree.
pub fn base_name(id: &str, lang: Lang) -> String {
    tree::named(id).map_or_else(|| id.to_owned(), |(zh, en)| if lang == Lang::Zh { zh } else { en }.to_owned())
}

fn share_of(share: i64, lang: Lang) -> String {
    if share == 1000 {
        return String::new();
    }
    i18n::text_with(lang, "income-formula-share", &[("share", format!("{}%", tenths(share)))])
}

/// The formula of a part without figures, for the page of the profile.
pub fn part(part: &Part, lang: Lang) -> String {
    let key = match part.method {
        Method::Months => "income-part-months",
        Method::Amount if part.base.is_some() => "income-part-amount-most",
        Method::Amount => "income-part-amount",
        Method::Whole => "income-part-whole",
    };
    let kinds: Vec<String> =
        part.signals.iter().map(|kind| i18n::text(lang, &format!("signal-{}", kind.replace('.', "-")))).collect();
    i18n::text_with(
        lang,
        key,
        &[
            ("base", part.base.as_deref().map(|id| base_name(id, lang)).unwrap_or_default()),
            ("signals", kinds.join(&i18n::text(lang, "list-comma"))),
            ("share", share_of(part.share, lang)),
        ],
    )
}

/// The lines of an estimate; `names` are the persons whom the reader may see by name.
pub fn lines(policy: &EstimatePolicy, estimate: &Estimate, names: &HashMap<Uuid, String>, lang: Lang) -> Vec<Said> {
    estimate.lines.iter().map(|line| said(policy, line, names, lang)).collect()
}

fn said(policy: &EstimatePolicy, line: &Line, names: &HashMap<Uuid, String>, lang: Lang) -> Said {
    let part = policy.parts.iter().find(|part| part.id == line.part);
    let base = part.and_then(|part| part.base.as_deref()).map(|id| base_name(id, lang)).unwrap_or_default();
    let amount = format!("−{}", money(line.amount));
    let mut args = vec![("base", base), ("share", share_of(line.share, lang)), ("result", amount.clone())];
    let key = match &line.how {
        How::Months { base, worked, tenths: months } => {
            args.extend([("yuan", money(*base)), ("worked", worked.to_string()), ("months", tenths(*months))]);
            "income-formula-months"
        }
        How::Told { told } => {
            args.push(("yuan", money(*told)));
            "income-formula-told"
        }
        How::Whole { base } => {
            args.push(("yuan", money(*base)));
            "income-formula-whole"
        }
    };
    let mut formula = i18n::text_with(lang, key, &args);
    if line.capped {
        formula.push_str(&i18n::text_with(lang, "income-formula-capped", &args));
    }
    let list = i18n::text(lang, &format!("list-{}", line.source.replace('.', "-")));
    let day = line.day.map(|day| day.to_string()).unwrap_or_default();
    let who = who(line.person, names, lang);
    Said {
        title: part.map_or_else(|| line.part.clone(), |part| part.title.get(lang).to_owned()),
        formula,
        read: i18n::text_with(lang, "income-read", &[("who", who), ("list", list), ("day", day)]),
        amount,
    }
}

fn who(person: Option<Uuid>, names: &HashMap<Uuid, String>, lang: Lang) -> String {
    match person {
        None => i18n::text(lang, "income-household-itself"),
        Some(id) => names.get(&id).cloned().unwrap_or_else(|| i18n::text(lang, "evidence-somebody")),
    }
}

/// What the estimate does not know.
pub fn gaps(policy: &EstimatePolicy, estimate: &Estimate, names: &HashMap<Uuid, String>, lang: Lang) -> Vec<String> {
    let title = |id: &str| {
        let part = policy.parts.iter().find(|part| part.id == id);
        part.map_or_else(|| id.to_owned(), |part| part.title.get(lang).to_owned())
    };
    let base = |id: &str| {
        let part = policy.parts.iter().find(|part| part.id == id);
        part.and_then(|part| part.base.as_deref()).map(|base| base_name(base, lang)).unwrap_or_default()
    };
    estimate
        .gaps
        .iter()
        .map(|gap| match gap {
            Gap::NoIncome => i18n::text(lang, "income-gap-no_income"),
            Gap::NoMembers => i18n::text(lang, "income-gap-no_members"),
            Gap::Stale { year } => i18n::text_with(lang, "income-gap-stale", &[("year", year.to_string())]),
            Gap::NoBase { part } => {
                i18n::text_with(lang, "income-gap-no_base", &[("part", title(part)), ("base", base(part))])
            }
            Gap::NoMonths { part, person } => i18n::text_with(
                lang,
                "income-gap-no_months",
                &[("part", title(part)), ("who", who(*person, names, lang))],
            ),
            Gap::NoAmount { part, person } => i18n::text_with(
                lang,
                "income-gap-no_amount",
                &[("part", title(part)), ("who", who(*person, names, lang))],
            ),
            Gap::NoDay { part, person } => {
                i18n::text_with(lang, "income-gap-no_day", &[("part", title(part)), ("who", who(*person, names, lang))])
            }
        })
        .collect()
}

/// The sum: last year's income less what was lost and spent.
pub fn sum(estimate: &Estimate, lang: Lang) -> String {
    let (Some((year, base)), Some(income)) = (estimate.base, estimate.income) else {
        return i18n::text(lang, "income-gap-no_income");
    };
    if estimate.collected {
        return i18n::text_with(lang, "income-collected", &[("year", year.to_string()), ("yuan", money(base))]);
    }
    i18n::text_with(
        lang,
        "income-sum",
        &[
            ("year", year.to_string()),
            ("base", money(base)),
            ("loss", money(estimate.loss)),
            ("spent", money(estimate.spent)),
            ("income", money(income)),
        ],
    )
}

/// The reference for entry, step by step.
pub fn reference(reference: &Reference, members: i64, lang: Lang) -> Vec<String> {
    let mut out: Vec<String> = reference
        .pieces
        .iter()
        .map(|piece| {
            let key = if piece.of_year == piece.year { "income-piece" } else { "income-piece-assumed" };
            i18n::text_with(
                lang,
                key,
                &[
                    ("year", piece.year.to_string()),
                    ("of", piece.of_year.to_string()),
                    ("net", money(piece.net)),
                    ("months", piece.months.to_string()),
                    ("amount", money(piece.amount)),
                ],
            )
        })
        .collect();
    if reference.lost > 0 {
        out.push(i18n::text_with(lang, "income-piece-lost", &[("amount", money(reference.lost))]));
    }
    out.push(match reference.claims {
        Some(claims) => i18n::text_with(lang, "income-claims", &[("amount", money(claims))]),
        None => i18n::text(lang, "income-claims-unknown"),
    });
    out.push(match reference.self_pay {
        SelfPay::Signals { amount } => i18n::text_with(lang, "income-self_pay-signals", &[("amount", money(amount))]),
        SelfPay::Register { year, amount } => {
            i18n::text_with(lang, "income-self_pay-register", &[("year", year.to_string()), ("amount", money(amount))])
        }
        SelfPay::Unknown => i18n::text(lang, "income-self_pay-unknown"),
    });
    if let Some(each) = reference.per_person {
        out.push(i18n::text_with(
            lang,
            "income-reference-sum",
            &[("total", money(reference.total)), ("members", members.to_string()), ("each", money(each))],
        ));
    }
    out
}

/// What a part is to the household.
pub fn effect(effect: Effect, lang: Lang) -> String {
    i18n::text(
        lang,
        match effect {
            Effect::Income => "income-effect-income",
            Effect::Spending => "income-effect-spending",
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_as_people_read_it() {
        assert_eq!([money(600_000), money(-150_050), money(7), money(0)], ["6,000", "−1,500.50", "0.07", "0"]);
        assert_eq!([tenths(25), tenths(30), tenths(800)], ["2.5", "3", "80"]);
    }
}
