//! Learning a model without labels: how often strangers agree from drawn pairs and counts, everything else by
//! expectation-maximisation over the patterns of all pairs that were found.
//!
//! Three kinds of pairs are mixed: one person, kin of one household, strangers. The pairs found are not a sample of all
//! pairs, but how many strangers show a pattern is known (all pairs times its share), so the rules need no correction:
//! the number found of each pattern is explained by expected numbers, not by shares of what was found.

use super::levels::{
    AREA_BIRTH, BIRTH, BIRTH_SEQUENCE, DROPPED, EXACT, FIELDS, HOMOPHONE, HOUSE, ID, NAME, NEAR_VALID, OLD_15, ONE_OFF,
    PATTERNS, PHONE, PLACE, Pattern, TWO_TYPOS, TYPO, compare, id_level_of_one_birthday,
};
use super::model::{Expected, Frequency, Shares, TrainingReport};
use super::person::Person;
use super::stream::Found;

/// Pairs of strangers that are drawn.
const DRAWN: usize = 1_500_000;
/// Rows of the list that they are drawn from.
const DRAWN_ROWS: usize = 8_192;
/// Rounds of expectation and maximisation at most.
const ROUNDS: u32 = 400;
/// Rounds for the shares of known names.
const KNOWN_ROUNDS: u32 = 6;
/// Rounds for the numbers of matches and kin under a given model.
const RATE_ROUNDS: u32 = 30;
/// A round that changes no share by more has converged.
const STILL: f64 = 1e-5;
/// How many pairs of a level its prior share is worth, per class: a level that was seen more often speaks for itself,
/// one that was not seen keeps the share that the number of pairs leaves possible.
pub(super) const PRIOR_SEEN: [f64; 3] = [3.0, 3.0, 1.0];

/// A share from how often it was seen, with a gamma prior of this mean.
fn share(seen: f64, of: f64, prior: f64, class: usize) -> f64 {
    (seen + PRIOR_SEEN[class]) / (of + PRIOR_SEEN[class] / prior)
}

/// Learns from one pass over the registry.
pub(super) fn train(
    list: &[Person],
    lots: &[u64],
    found: &Found,
    frequencies: &[Frequency],
    threads: usize,
) -> (Shares, TrainingReport) {
    let drawn = strangers(list, lots, found, threads);
    let known = frequencies.iter().filter(|f| f.name > 0).count() as f64;
    let known = (known + 1.0) / (frequencies.len() as f64 + 2.0);
    learn(&drawn, known, list.len(), found, frequencies)
}

/// Learns from drawn pairs of strangers and the pairs found; `known` is the share of names one character off that
/// somebody else bears, were it chance.
pub(super) fn learn(
    drawn: &Drawn,
    known: f64,
    rows: usize,
    found: &Found,
    frequencies: &[Frequency],
) -> (Shares, TrainingReport) {
    let prior = Shares::prior();
    let mut shares = prior.clone();
    estimate_strangers(&mut shares, &prior, drawn, chance(frequencies, found.registry));

    let cells = cells(found);
    let certain: f64 = cells.iter().filter(|(levels, _)| is_certain(levels)).map(|(_, n)| n).sum();
    let (list, rows) = (rows as u64, rows.max(1) as f64);
    let all_pairs = rows * found.registry.max(1) as f64;
    // Plain rules miss some of the matches, and a list of nobody has still to have an expectation.
    let mut matches = (certain * 1.1).clamp(0.5, rows);
    let mut kin = rows.min(cells.iter().map(|(_, n)| n).sum::<f64>()).max(0.5);
    let mut report = TrainingReport {
        list,
        registry: found.registry,
        pairs: found.pairs,
        patterns: cells.len() as u64,
        drawn: drawn.patterns.iter().map(|(_, n)| u64::from(*n)).sum(),
        certain: certain as u64,
        rounds: 0,
        converged: false,
        last_change: 0.0,
        log_likelihood: (0.0, 0.0),
        unseen: unseen(&cells),
    };
    while report.rounds < ROUNDS && !report.converged {
        let Round { sums, totals, likelihood } = expect(&shares, &cells, [matches, kin, all_pairs]);
        let mut change: f64 = 0.0;
        let next = maximise(&shares, &prior, &sums, all_pairs);
        for (a, b) in shares.of.iter().flatten().zip(next.of.iter().flatten()) {
            change = change.max((a[0] - b[0]).abs()).max((a[1] - b[1]).abs());
        }
        shares = next;
        matches = totals[0].clamp(0.5, rows);
        kin = totals[1].max(0.5);
        report.log_likelihood.1 = likelihood;
        if report.rounds == 0 {
            report.log_likelihood.0 = likelihood;
        }
        report.rounds += 1;
        report.last_change = change;
        report.converged = change < STILL;
    }
    shares.make_monotone();
    shares.matches_per_row = matches / rows;
    shares.kin_per_row = kin / rows;
    learn_known_names(&mut shares, known, found, frequencies);
    (shares, report)
}

/// How often a row's name, and another name of its sound, stands before a random registered person.
fn chance(frequencies: &[Frequency], registry: u64) -> (f64, f64) {
    let pairs = (frequencies.len() as f64 * registry as f64).max(1.0);
    let name: f64 = frequencies.iter().map(|f| f64::from(f.name)).sum();
    let sound: f64 = frequencies.iter().map(|f| f64::from(f.sound.saturating_sub(f.name))).sum();
    (name / pairs, sound / pairs)
}

/// Learns how often names one character off are names that somebody bears, from the pairs that were kept.
fn learn_known_names(shares: &mut Shares, known: f64, found: &Found, frequencies: &[Frequency]) {
    shares.known_name[2] = known.clamp(0.01, 0.99);
    shares.known_name[1] = shares.known_name[2];
    for _ in 0..KNOWN_ROUNDS {
        let expected = Expected::new(shares, frequencies.len() as u64, found.registry);
        let mut sums = [[0.0f64; 2]; 3];
        for hit in &found.hits {
            let levels = hit.pattern.levels();
            if !ONE_OFF.contains(&levels[NAME]) {
                continue;
            }
            let frequency = frequencies[hit.left as usize];
            let kinds = expected.kinds(hit.pattern, frequency.adjust(levels, shares, found.registry));
            for (sum, part) in sums.iter_mut().zip(kinds) {
                sum[usize::from(frequency.name > 0)] += f64::from(part);
            }
        }
        for class in 0..2 {
            let [unknown, known] = sums[class];
            let prior = shares.known_name[2] * [0.5, 1.0][class];
            shares.known_name[class] = ((known + 5.0 * prior) / (known + unknown + 5.0)).clamp(0.01, 0.99);
        }
    }
}

/// A given model's shares with the numbers of matches and kin of these very lists: how alike records of one person are
/// is learned once, how many there are differs from list to list.
pub(super) fn fit_rates(shares: &mut Shares, rows: usize, found: &Found) {
    let cells = cells(found);
    let rows = rows.max(1) as f64;
    let all_pairs = rows * found.registry.max(1) as f64;
    for _ in 0..RATE_ROUNDS {
        let expected = [shares.matches_per_row * rows, shares.kin_per_row * rows, all_pairs];
        let Round { totals, .. } = expect(shares, &cells, expected);
        shares.matches_per_row = totals[0].clamp(0.5, rows) / rows;
        shares.kin_per_row = totals[1].max(0.5) / rows;
    }
}

/// What one round of expectation finds.
struct Round {
    /// Expected pairs by field, level and kind.
    sums: Vec<Vec<[f64; 3]>>,
    /// Expected pairs by kind.
    totals: [f64; 3],
    likelihood: f64,
}

/// Divides the pairs of each pattern among the kinds.
fn expect(shares: &Shares, cells: &[([usize; 6], f64)], expected: [f64; 3]) -> Round {
    let mut sums: Vec<Vec<[f64; 3]>> = shares.of.iter().map(|f| vec![[0.0; 3]; f.len()]).collect();
    let mut totals = [0.0; 3];
    let mut likelihood = -expected[0] - expected[1];
    for (levels, n) in cells {
        let mut parts = expected;
        for (field, level) in shares.of.iter().zip(levels) {
            for (part, share) in parts.iter_mut().zip(field[*level]) {
                *part *= share;
            }
        }
        let whole: f64 = parts.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        likelihood += n * whole.ln();
        for class in 0..3 {
            let pairs = n * parts[class] / whole;
            totals[class] += pairs;
            for (field, level) in sums.iter_mut().zip(levels) {
                field[*level][class] += pairs;
            }
        }
    }
    Round { sums, totals, likelihood }
}

/// The patterns found, with how many pairs show them.
fn cells(found: &Found) -> Vec<([usize; 6], f64)> {
    found
        .histogram
        .iter()
        .enumerate()
        .filter(|(_, n)| **n > 0)
        .map(|(p, n)| (Pattern(p as u32).levels(), f64::from(*n)))
        .collect()
}

/// What plain rules call a match: the number, or name, birth and place.
fn is_certain(levels: &[usize; 6]) -> bool {
    let [id, name, birth, _, _, place] = *levels;
    ((id == EXACT || id == OLD_15) && (1..=4).contains(&name))
        || (name == EXACT && birth == EXACT && (1..=4).contains(&place) && id < FIELDS[ID].levels.len() - 1)
}

fn unseen(cells: &[([usize; 6], f64)]) -> Vec<String> {
    let mut out = Vec::new();
    for (at, field) in FIELDS.iter().enumerate() {
        for (level, name) in field.levels.iter().enumerate().skip(1) {
            if !cells.iter().any(|(levels, _)| levels[at] == level) {
                out.push(format!("{}.{}", field.name, name));
            }
        }
    }
    out
}

/// The patterns of drawn pairs: every drawn person of the registry with rows of the list, by lot.
pub(super) fn strangers(list: &[Person], lots: &[u64], found: &Found, threads: usize) -> Drawn {
    if list.is_empty() || found.sample.is_empty() {
        return Drawn::default();
    }
    // A part of the list by lot, copied together: small enough to stay in the processor's cache.
    let mut order: Vec<u32> = (0..list.len() as u32).collect();
    if order.len() > DRAWN_ROWS {
        order.select_nth_unstable_by_key(DRAWN_ROWS, |at| lots[*at as usize]);
        order.truncate(DRAWN_ROWS);
    }
    order.sort_unstable_by_key(|at| lots[*at as usize]);
    let rows: Vec<Person> = order.iter().map(|at| list[*at as usize]).collect();
    // Of few pairs a fraction is drawn, or matches would be taken for chance.
    let all_pairs = (list.len() as u64).saturating_mul(found.registry) / 8;
    let wanted = all_pairs.min(DRAWN as u64) as usize;
    let each = (wanted / found.sample.len()).clamp(1, rows.len());
    // Steps through the rows that differ from person to person, so that all of them are drawn on.
    let step = (rows.len() / each).max(1);
    let count = |from: usize, to: usize| {
        let mut histogram = vec![0u32; PATTERNS];
        let mut birthday = [0u32; ID_LEVELS];
        for (at, (lot, person)) in found.sample.iter().enumerate().take(to).skip(from) {
            let start = (*lot >> 8) as usize % rows.len();
            for k in 0..each {
                let left = &rows[(start + k * step + at) % rows.len()];
                histogram[compare(left, person).index()] += 1;
                if let Some(level) = id_level_of_one_birthday(left.id, person.id) {
                    birthday[level] += 1;
                }
            }
        }
        (histogram, birthday)
    };
    let len = found.sample.len();
    let share = len.div_ceil(threads.max(1));
    let parts: Vec<(Vec<u32>, [u32; ID_LEVELS])> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.max(1))
            .map(|t| scope.spawn(move || count((t * share).min(len), ((t + 1) * share).min(len))))
            .collect();
        workers.into_iter().map(|w| w.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    let mut drawn = Drawn::default();
    for p in 0..PATTERNS {
        let n: u32 = parts.iter().map(|(histogram, _)| histogram[p]).sum();
        if n > 0 {
            drawn.patterns.push((p, n));
        }
    }
    for (sum, level) in drawn.one_birthday.iter_mut().zip(0..) {
        *sum = parts.iter().map(|(_, birthday): &(_, [u32; ID_LEVELS])| birthday[level]).sum();
    }
    drawn
}

/// Pairs that were drawn.
#[derive(Default)]
pub(super) struct Drawn {
    patterns: Vec<(usize, u32)>,
    /// Levels that the numbers of drawn pairs would have, were the two born on the same day: this is what makes
    /// strangers' numbers alike, and far too rare to be drawn.
    one_birthday: [u32; ID_LEVELS],
}

const ID_LEVELS: usize = FIELDS[ID].levels.len();

/// Shares among strangers from drawn pairs; those of equal names and sounds from exact counts.
fn estimate_strangers(shares: &mut Shares, prior: &Shares, drawn: &Drawn, (name, sound): (f64, f64)) {
    let mut sums: Vec<Vec<f64>> = shares.of.iter().map(|f| vec![0.0; f.len()]).collect();
    for (pattern, n) in &drawn.patterns {
        for (field, level) in sums.iter_mut().zip(Pattern(*pattern as u32).levels()) {
            field[level] += f64::from(*n);
        }
    }
    for (at, field) in sums.iter().enumerate() {
        let known: f64 = field.iter().skip(1).sum();
        for (level, seen) in field.iter().enumerate().skip(1) {
            let before = prior.of[at][level][2];
            // What never happens by chance happens in a draw because the pair is no pair of strangers.
            let fixed = (at == ID && matches!(level, EXACT | OLD_15 | DROPPED))
                || (at == PHONE && level == EXACT)
                || (at == PLACE && level == HOUSE);
            shares.of[at][level][2] = if fixed { before } else { share(*seen, known, before, 2) };
        }
    }
    let birthdays: u32 = drawn.one_birthday.iter().sum();
    let birthday = shares.of[BIRTH][EXACT][2];
    for level in [TYPO, TWO_TYPOS, NEAR_VALID, BIRTH_SEQUENCE, AREA_BIRTH] {
        shares.of[ID][level][2] += birthday * f64::from(drawn.one_birthday[level]) / f64::from(birthdays.max(1));
    }
    if name > 0.0 {
        shares.of[NAME][EXACT][2] = name;
    }
    if sound > 0.0 {
        shares.of[NAME][HOMOPHONE][2] = sound;
    }
    shares.normalise();
}

/// New shares from expected numbers of pairs; the prior speaks with a few pairs of its own.
fn maximise(now: &Shares, prior: &Shares, sums: &[Vec<[f64; 3]>], all_pairs: f64) -> Shares {
    let mut next = now.clone();
    for (at, field) in sums.iter().enumerate() {
        for class in 0..2 {
            let known: f64 = field.iter().skip(1).map(|l| l[class]).sum();
            for (level, seen) in field.iter().enumerate().skip(1) {
                next.of[at][level][class] = share(seen[class], known, prior.of[at][level][class], class);
            }
        }
    }
    // Strangers with the same phone, house, or birth and sequence are all found, by that very rule: they are counted.
    for (at, level) in [(PHONE, EXACT), (PLACE, HOUSE), (ID, BIRTH_SEQUENCE)] {
        next.of[at][level][2] = share(sums[at][level][2], all_pairs, prior.of[at][level][2], 2);
    }
    next.normalise();
    next
}
