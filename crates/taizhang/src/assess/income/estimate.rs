//! The estimate itself: pure, from what the register and the signals in force say of one household on one day.
//!
//! Every amount is rounded to the fen once, where its line is made (halves away from nought); sums are of rounded lines
//! and so add up exactly. What is not known lowers nothing and is named as a gap: the estimate is then the most that the
//! household can have, never a guess.

use chrono::{Months, NaiveDate};
use uuid::Uuid;

use super::clock;
use super::model::{
    Effect, Estimate, EstimatePolicy, Gap, How, Inputs, Line, Method, Part, Piece, Reference, SelfPay, Shock,
    YearIncome, divided,
};

/// Months of a year, and tenths of them.
const MONTHS: i64 = 12;
const TENTHS: i64 = 10;

/// What the signals of a household take from the income of the collection year that `day` lies in.
pub fn estimate(policy: &EstimatePolicy, inputs: &Inputs, day: NaiveDate) -> Estimate {
    let year = clock::collection_year(day);
    let (from, _) = clock::collection_days(year).unwrap_or((day, day));
    let newest = inputs.years.first();
    let collected = newest.is_some_and(|newest| newest.year >= year);
    let mut gaps = Vec::new();
    match newest {
        None => gaps.push(Gap::NoIncome),
        Some(newest) if newest.year < year - 1 => gaps.push(Gap::Stale { year: newest.year }),
        Some(_) => {}
    }
    if inputs.members <= 0 {
        gaps.push(Gap::NoMembers);
    }
    let lines = if collected { Vec::new() } else { lines(policy, inputs, day, &mut gaps) };
    gaps.sort();
    gaps.dedup();
    let sum = |effect: Effect| lines.iter().filter(|line| line.effect == effect).map(|line| line.amount).sum::<i64>();
    let (loss, spent) = (sum(Effect::Income), sum(Effect::Spending));
    let base = newest.map(|newest| (newest.year, newest.net));
    let income = base.map(|(_, net)| net - loss - spent);
    let each = |amount: i64| (inputs.members > 0).then(|| divided(i128::from(amount), i128::from(inputs.members)));
    Estimate {
        year,
        from,
        upto: day,
        base,
        collected,
        gaps,
        loss,
        spent,
        spent_in_a_year: spent_in_a_year(policy, inputs, day),
        income,
        per_person: income.and_then(each),
        base_per_person: base.and_then(|(_, net)| each(net)),
        reference: reference(policy, inputs, day),
        lines,
    }
}

/// Every line of the collection year that `upto` lies in, with what happened up to then.
fn lines(policy: &EstimatePolicy, inputs: &Inputs, upto: NaiveDate, gaps: &mut Vec<Gap>) -> Vec<Line> {
    let Some(newest) = inputs.years.first() else {
        return Vec::new();
    };
    let from = clock::collection_days(clock::collection_year(upto)).map_or(upto, |(from, _)| from);
    // What ended before last year began has left its mark on last year's income already.
    let oldest = clock::collection_days(newest.year).map_or(from, |(from, _)| from);
    let mut out = Vec::new();
    for part in &policy.parts {
        let mut shocks = Vec::new();
        for shock in inputs.shocks.iter().filter(|shock| part.signals.contains(&shock.kind)) {
            let since = if part.method == Method::Months { oldest } else { from };
            match shock.day {
                None => gaps.push(Gap::NoDay { part: part.id.clone(), person: shock.person }),
                Some(day) if day >= since && day <= upto => shocks.push((day, shock)),
                Some(_) => {}
            }
        }
        if shocks.is_empty() {
            continue;
        }
        let base = part.base.as_deref().map(|id| newest.tree.get(id).copied());
        let known = base.flatten().map(|base| base.max(0));
        if base.is_some() && known.is_none() && part.method != Method::Amount {
            gaps.push(Gap::NoBase { part: part.id.clone() });
            if part.method == Method::Months {
                continue;
            }
        }
        let begin = out.len();
        match part.method {
            Method::Months => {
                let base = known.unwrap_or(0);
                by_months(policy, part, inputs, &shocks, base, from, upto, gaps, &mut out);
            }
            Method::Amount => told(part, &shocks, gaps, &mut out),
            Method::Whole => {
                let mut missing = Vec::new();
                told(part, &shocks, &mut missing, &mut out);
                whole(part, &shocks, known, missing, gaps, begin, &mut out);
            }
        }
        if let (Some(most), Method::Months | Method::Amount) = (known, part.method) {
            cap(&mut out[begin..], divided(i128::from(most) * i128::from(part.share), 1000));
        }
    }
    out
}

/// Cuts lines so that they come to no more than `most`.
fn cap(lines: &mut [Line], most: i64) {
    let mut left = most;
    for line in lines {
        if line.amount > left {
            line.amount = left;
            line.capped = true;
        }
        left -= line.amount;
    }
}

fn line(part: &Part, shock: &Shock, day: NaiveDate, amount: i64, how: How) -> Line {
    Line {
        part: part.id.clone(),
        effect: part.effect,
        amount,
        how,
        share: part.share,
        capped: false,
        person: shock.person,
        day: Some(day),
        source: shock.source.clone(),
    }
}

#[allow(clippy::too_many_arguments)]
fn by_months(
    policy: &EstimatePolicy,
    part: &Part,
    inputs: &Inputs,
    shocks: &[(NaiveDate, &Shock)],
    base: i64,
    from: NaiveDate,
    upto: NaiveDate,
    gaps: &mut Vec<Gap>,
    out: &mut Vec<Line>,
) {
    // The household's wages are known as one sum: a month of work is worth the same, whoever of it works.
    let worked: i64 = inputs.workers.iter().map(|worker| worker.months.clamp(0, MONTHS)).sum();
    let mut first: Vec<(NaiveDate, &Shock)> = Vec::new();
    for (day, shock) in shocks {
        // Two lists may tell of the same job; the earlier day counts.
        match first.iter_mut().find(|(_, known)| known.person == shock.person) {
            Some(known) if *day < known.0 => *known = (*day, shock),
            Some(_) => {}
            None => first.push((*day, shock)),
        }
    }
    first.sort_by_key(|(day, shock)| (shock.person, *day));
    for (day, shock) in first {
        let own = inputs.workers.iter().find(|worker| Some(worker.person) == shock.person);
        let Some(own) = own.map(|worker| worker.months.clamp(0, MONTHS)).filter(|months| *months > 0) else {
            gaps.push(Gap::NoMonths { part: part.id.clone(), person: shock.person });
            continue;
        };
        let days = (upto - day.max(from)).num_days().max(0);
        let per_month = policy.days_per_month.max(1);
        let tenths = ((2 * days * TENTHS + per_month) / (2 * per_month)).min(own * TENTHS);
        let whole = i128::from(base) * i128::from(tenths) * i128::from(part.share);
        let amount = divided(whole, i128::from(worked) * i128::from(TENTHS) * 1000);
        out.push(line(part, shock, day, amount, How::Months { base, worked, tenths }));
    }
}

/// What the signals themselves tell.
fn told(part: &Part, shocks: &[(NaiveDate, &Shock)], gaps: &mut Vec<Gap>, out: &mut Vec<Line>) {
    let mut ordered = shocks.to_vec();
    ordered.sort_by(|a, b| (a.0, &a.1.source, &a.1.row_key).cmp(&(b.0, &b.1.source, &b.1.row_key)));
    for (day, shock) in ordered {
        match shock.amount {
            Some(amount) => {
                let told = amount.max(0);
                let counts = divided(i128::from(told) * i128::from(part.share), 1000);
                out.push(line(part, shock, day, counts, How::Told { told }));
            }
            None => gaps.push(Gap::NoAmount { part: part.id.clone(), person: shock.person }),
        }
    }
}

/// Where a signal tells no amount, the whole base of last year is gone, less what other signals have told of it.
fn whole(
    part: &Part,
    shocks: &[(NaiveDate, &Shock)],
    known: Option<i64>,
    missing: Vec<Gap>,
    gaps: &mut Vec<Gap>,
    begin: usize,
    out: &mut Vec<Line>,
) {
    if missing.is_empty() {
        return;
    }
    let Some(base) = known else {
        gaps.extend(missing);
        return;
    };
    let said: i64 = out[begin..].iter().map(|line| line.amount).sum();
    let rest = divided(i128::from(base) * i128::from(part.share), 1000) - said;
    let silent = shocks.iter().filter(|(_, shock)| shock.amount.is_none());
    if let Some((day, shock)) = silent.min_by_key(|(day, shock)| (*day, &shock.source, &shock.row_key)) {
        out.push(line(part, shock, *day, rest.max(0), How::Whole { base }));
    }
}

/// Signals of spending between two days, both included.
fn spent<'a>(
    policy: &'a EstimatePolicy,
    inputs: &'a Inputs,
    from: NaiveDate,
    to: NaiveDate,
) -> impl Iterator<Item = i64> + 'a {
    let counts = |shock: &Shock| {
        policy.parts.iter().any(|part| part.effect == Effect::Spending && part.signals.contains(&shock.kind))
    };
    inputs
        .shocks
        .iter()
        .filter(move |shock| counts(shock) && shock.day.is_some_and(|day| day >= from && day <= to))
        .filter_map(|shock| shock.amount.map(|amount| amount.max(0)))
}

fn spent_in_a_year(policy: &EstimatePolicy, inputs: &Inputs, day: NaiveDate) -> i64 {
    let before = day.checked_sub_months(Months::new(12)).and_then(|before| before.succ_opt()).unwrap_or(day);
    spent(policy, inputs, before, day).sum()
}

/// The reference for entry of somebody identified on `day`.
fn reference(policy: &EstimatePolicy, inputs: &Inputs, day: NaiveDate) -> Option<Reference> {
    let newest = inputs.years.first()?;
    let (from, to) = clock::twelve_months(day);
    let of = |year: i64| -> &YearIncome { inputs.years.iter().find(|known| known.year == year).unwrap_or(newest) };
    let pieces: Vec<Piece> = clock::months_by_year(from, to)
        .into_iter()
        .map(|(year, months)| {
            let found = of(year);
            let amount = divided(i128::from(found.net) * i128::from(months), i128::from(MONTHS));
            Piece { year, months, of_year: found.year, net: found.net, amount }
        })
        .collect();
    // Losses lie in the months that no collection has seen yet, and in no others.
    let open = pieces.iter().any(|piece| piece.year == clock::collection_year(to) && piece.of_year != piece.year);
    let lost = if open {
        let lines = lines(policy, inputs, to, &mut Vec::new());
        lines.iter().filter(|line| line.effect == Effect::Income).map(|line| line.amount).sum()
    } else {
        0
    };
    let told: Vec<i64> = spent(policy, inputs, from, to).collect();
    let self_pay = match (told.is_empty(), newest.self_pay) {
        (false, _) => SelfPay::Signals { amount: told.iter().sum() },
        (true, Some(amount)) => SelfPay::Register { year: newest.year, amount },
        (true, None) => SelfPay::Unknown,
    };
    let income: i64 = pieces.iter().map(|piece| piece.amount).sum();
    let total = income - lost + newest.claims.unwrap_or(0) - self_pay.amount();
    let per_person = (inputs.members > 0).then(|| divided(i128::from(total), i128::from(inputs.members)));
    Some(Reference { from, to, pieces, lost, claims: newest.claims, self_pay, total, per_person })
}

/// Whom the lines and gaps of an estimate are about.
pub fn persons(estimate: &Estimate) -> Vec<Uuid> {
    let of_gaps = estimate.gaps.iter().filter_map(|gap| match gap {
        Gap::NoMonths { person, .. } | Gap::NoAmount { person, .. } | Gap::NoDay { person, .. } => *person,
        _ => None,
    });
    let mut out: Vec<Uuid> = estimate.lines.iter().filter_map(|line| line.person).chain(of_gaps).collect();
    out.sort_unstable();
    out.dedup();
    out
}

#[cfg(test)]
mod tests;
