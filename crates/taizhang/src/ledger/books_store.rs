//! The SQL of the books. Every movement of an item is one event that adds one or takes one away.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use sqlx::AssertSqlSafe;

use super::books::{Imbalance, Of, Reconciliation, Sheet, Side, Subject};
use super::model::{Move, Movement};
use crate::access::Scope;
use crate::args;
use crate::platform::{Db, DbError};

/// First day (none: the beginning) and last day, both included.
pub(super) type Period = (Option<NaiveDate>, NaiveDate);

/// What the lines of the books are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// One line for all.
    Whole,
    /// Kind of ledger and source, with a bar between them.
    Source,
    /// The first so many digits of the division.
    Division(usize),
}

impl By {
    fn value(self) -> i64 {
        match self {
            Self::Whole => -1,
            Self::Source => 0,
            Self::Division(length) => i64::try_from(length).unwrap_or(0),
        }
    }
}

/// A day as the database compares it. No day comes before the empty text, and every one before the tilde.
fn first(from: Option<NaiveDate>) -> String {
    from.map(|day| day.to_string()).unwrap_or_default()
}

fn last(to: NaiveDate) -> String {
    if to == NaiveDate::MAX { "~".to_owned() } else { to.to_string() }
}

/// The movements of a scope up to a day, each with its line. $1 $2 scope, $4 last day, $5 by what.
const MOVES: &str = "CASE WHEN $5 < 0 THEN '' WHEN $5 = 0 THEN ledger || '|' || source
                             ELSE substr(division_code, 1, CAST($5 AS INTEGER)) END AS line,
            day, action, household_id, person_id,
            CASE WHEN action IN ('open', 'reopen', 'move_in') THEN 1 ELSE -1 END AS d
     FROM item_event
     WHERE division_code >= $1 AND division_code < $2 AND day <= $4
       AND action IN ('open', 'pass', 'cancel', 'reopen', 'move_in', 'move_out')";

type SheetRow = (String, i64, i64, i64, i64, i64, i64, i64, i64);

fn sheet((line, start, opened, reopened, moved_in, closed, cancelled, moved_out, end): SheetRow) -> (String, Sheet) {
    (line, Sheet { start, moved: Movement { opened, reopened, closed, cancelled, moved_in, moved_out }, end })
}

/// The lines of the books of a scope and period.
pub(super) async fn sheets(
    db: &Db,
    scope: &Scope,
    (from, to): Period,
    by: By,
    of: Of,
) -> Result<Vec<(String, Sheet)>, DbError> {
    let args = args![scope.lo(), scope.hi(), first(from), last(to), by.value()];
    let rows: Vec<SheetRow> = match of {
        Of::Items => {
            let sql = format!(
                "SELECT line, CAST(SUM(CASE WHEN day < $3 THEN d ELSE 0 END) AS BIGINT),
                        COUNT(CASE WHEN day >= $3 AND action = 'open' THEN 1 END),
                        COUNT(CASE WHEN day >= $3 AND action = 'reopen' THEN 1 END),
                        COUNT(CASE WHEN day >= $3 AND action = 'move_in' THEN 1 END),
                        COUNT(CASE WHEN day >= $3 AND action = 'pass' THEN 1 END),
                        COUNT(CASE WHEN day >= $3 AND action = 'cancel' THEN 1 END),
                        COUNT(CASE WHEN day >= $3 AND action = 'move_out' THEN 1 END),
                        CAST(SUM(d) AS BIGINT)
                 FROM (SELECT {MOVES}) AS m GROUP BY line ORDER BY line"
            );
            db.all(AssertSqlSafe(sql), args).await?
        }
        Of::Households => {
            let sql = format!(
                "SELECT {SIDES} FROM (SELECT {WHO} FROM (SELECT line, household_id AS who, {SUMMED}
                 FROM (SELECT {MOVES}) AS m {ABOUT_HOUSEHOLD}) AS w) AS s {BY_LINE}"
            );
            db.all(AssertSqlSafe(sql), args).await?
        }
        Of::Persons => {
            let sql = format!(
                "SELECT {SIDES} FROM (SELECT {WHO} FROM (SELECT line, person_id AS who, {SUMMED}
                 FROM (SELECT {MOVES}) AS m {ABOUT_PERSON}) AS w) AS s {BY_LINE}"
            );
            db.all(AssertSqlSafe(sql), args).await?
        }
    };
    Ok(rows.into_iter().map(sheet).collect())
}

/// How many households or persons stand on each side.
const SIDES: &str = "line, COUNT(CASE WHEN before > 0 THEN 1 END), COUNT(CASE WHEN came = 'opened' THEN 1 END),
            COUNT(CASE WHEN came = 'reopened' THEN 1 END), COUNT(CASE WHEN came = 'moved_in' THEN 1 END),
            COUNT(CASE WHEN went = 'closed' THEN 1 END), COUNT(CASE WHEN went = 'cancelled' THEN 1 END),
            COUNT(CASE WHEN went = 'moved_out' THEN 1 END), COUNT(CASE WHEN after > 0 THEN 1 END)";

/// On which sides each of them stands.
const WHO: &str = "w.*,
            CASE WHEN before > 0 OR opened + moved_in = 0 THEN '' WHEN opened = 0 THEN 'moved_in'
                 WHEN earlier = 0 THEN 'opened' ELSE 'reopened' END AS came,
            CASE WHEN after > 0 OR (before <= 0 AND opened + moved_in = 0) THEN '' WHEN closed > 0 THEN 'closed'
                 WHEN cancelled > 0 THEN 'cancelled' ELSE 'moved_out' END AS went";

/// What a period did to one household or person.
const SUMMED: &str = "SUM(CASE WHEN day < $3 THEN d ELSE 0 END) AS before, SUM(d) AS after,
            COUNT(CASE WHEN day < $3 THEN 1 END) AS earlier,
            COUNT(CASE WHEN day >= $3 AND action IN ('open', 'reopen') THEN 1 END) AS opened,
            COUNT(CASE WHEN day >= $3 AND action = 'move_in' THEN 1 END) AS moved_in,
            COUNT(CASE WHEN day >= $3 AND action = 'pass' THEN 1 END) AS closed,
            COUNT(CASE WHEN day >= $3 AND action = 'cancel' THEN 1 END) AS cancelled";
const ABOUT_HOUSEHOLD: &str = "WHERE household_id IS NOT NULL GROUP BY line, household_id";
const ABOUT_PERSON: &str = "WHERE person_id IS NOT NULL GROUP BY line, person_id";
const BY_LINE: &str = "GROUP BY line ORDER BY line";

/// One figure of the books.
#[derive(Debug, Clone, Copy)]
pub(super) struct Figure<'a> {
    pub(super) period: Period,
    /// Kind of ledger; empty for all.
    pub(super) ledger: &'a str,
    /// Source; empty for all.
    pub(super) source: &'a str,
    pub(super) of: Of,
    pub(super) side: Side,
}

/// Those of one side.
const CHOSEN: &str = "WHERE (s.line = $6 OR $5 < 0)
       AND (($7 = 'start' AND before > 0) OR ($7 = 'end' AND after > 0) OR came = $7 OR went = $7)";
/// The households or persons of a figure, by place, and how many there are.
pub(super) async fn subjects(
    db: &Db,
    scope: &Scope,
    figure: &Figure<'_>,
    limit: i64,
    offset: i64,
) -> Result<(Vec<Subject>, i64), DbError> {
    let (from, to) = figure.period;
    let by = if figure.ledger.is_empty() && figure.source.is_empty() { By::Whole } else { By::Source };
    let line = format!("{}|{}", figure.ledger, figure.source);
    let side = figure.side.name();
    let args = || args![scope.lo(), scope.hi(), first(from), last(to), by.value(), &line, side];
    let page = || {
        let mut args = args();
        args.extend(args![limit, offset]);
        args
    };
    let (rows, (total,)): (Vec<Subject>, (i64,)) = match figure.of {
        Of::Persons => {
            let list = format!(
                "SELECT p.household_id AS household_id, COALESCE(h.household_no, '') AS household_no,
                        COALESCE(p.name, '') AS name, COALESCE(d.full_name, p.division_code, '') AS place,
                        CAST(s.before AS BIGINT) AS before, CAST(s.after AS BIGINT) AS after
                 FROM (SELECT {WHO} FROM (SELECT line, person_id AS who, {SUMMED} FROM (SELECT {MOVES}) AS m {ABOUT_PERSON}) AS w) AS s
                 LEFT JOIN person p ON p.id = s.who AND p.division_code >= $1 AND p.division_code < $2
                 LEFT JOIN household h ON h.id = p.household_id LEFT JOIN division d ON d.code = p.division_code
                 {CHOSEN} ORDER BY p.division_code, h.household_no, p.name, s.who LIMIT $8 OFFSET $9"
            );
            let count = format!(
                "SELECT COUNT(*) FROM (SELECT {WHO} FROM (SELECT line, person_id AS who, {SUMMED} FROM (SELECT {MOVES}) AS m {ABOUT_PERSON}) AS w) AS s
                 {CHOSEN}"
            );
            (db.all(AssertSqlSafe(list), page()).await?, db.one(AssertSqlSafe(count), args()).await?)
        }
        _ => {
            let list = format!(
                "SELECT h.id AS household_id, COALESCE(h.household_no, '') AS household_no,
                        COALESCE(h.head_name, '') AS name, COALESCE(d.full_name, h.division_code, '') AS place,
                        CAST(s.before AS BIGINT) AS before, CAST(s.after AS BIGINT) AS after
                 FROM (SELECT {WHO} FROM (SELECT line, household_id AS who, {SUMMED} FROM (SELECT {MOVES}) AS m {ABOUT_HOUSEHOLD}) AS w) AS s
                 LEFT JOIN household h ON h.id = s.who AND h.division_code >= $1 AND h.division_code < $2
                 LEFT JOIN division d ON d.code = h.division_code
                 {CHOSEN} ORDER BY h.division_code, h.household_no, s.who LIMIT $8 OFFSET $9"
            );
            let count = format!(
                "SELECT COUNT(*) FROM (SELECT {WHO} FROM (SELECT line, household_id AS who, {SUMMED} FROM (SELECT {MOVES}) AS m {ABOUT_HOUSEHOLD}) AS w)
                      AS s {CHOSEN}"
            );
            (db.all(AssertSqlSafe(list), page()).await?, db.one(AssertSqlSafe(count), args()).await?)
        }
    };
    Ok((rows, total))
}

/// How the items of a scope moved by the roll-up, day by day, newest first.
pub(super) async fn days(db: &Db, scope: &Scope, (from, to): Period) -> Result<Vec<(String, Movement)>, DbError> {
    let rows: Vec<(String, i64, i64, i64, i64, i64, i64)> = db
        .all(
            "SELECT day, CAST(SUM(opened) AS BIGINT), CAST(SUM(reopened) AS BIGINT), CAST(SUM(closed) AS BIGINT),
                    CAST(SUM(cancelled) AS BIGINT), CAST(SUM(moved_in) AS BIGINT), CAST(SUM(moved_out) AS BIGINT)
             FROM item_rollup WHERE division_code >= $1 AND division_code < $2 AND day >= $3 AND day <= $4
             GROUP BY day ORDER BY day DESC",
            args![scope.lo(), scope.hi(), first(from), last(to)],
        )
        .await?;
    Ok(rows
        .into_iter()
        .map(|(day, opened, reopened, closed, cancelled, moved_in, moved_out)| {
            (day, Movement { opened, reopened, closed, cancelled, moved_in, moved_out })
        })
        .collect())
}

/// The name of a division that the register knows, or knew.
pub(super) async fn name_of(db: &Db, code: &str) -> Result<Option<String>, DbError> {
    let row: Option<(String,)> = db.maybe("SELECT name FROM division WHERE code = $1", args![code]).await?;
    Ok(row.map(|row| row.0))
}

/// Ledger, source, division, day.
type Key = (String, String, String, String);

type MovementRow = (String, String, String, String, i64, i64, i64, i64, i64, i64);

fn keyed(rows: Vec<MovementRow>) -> BTreeMap<Key, Movement> {
    rows.into_iter()
        .map(|(ledger, source, division, day, opened, reopened, closed, cancelled, moved_in, moved_out)| {
            let movement = Movement { opened, reopened, closed, cancelled, moved_in, moved_out };
            ((ledger, source, division, day), movement)
        })
        .filter(|(_, movement)| *movement != Movement::default())
        .collect()
}

/// The stretches of codes that are compared one after another, so that a province's villages and days are never all in
/// memory: counties, and whatever stands above them by itself.
async fn stretches(db: &Db, scope: &Scope) -> Result<Vec<(String, String)>, DbError> {
    if scope.root().len() >= COUNTY {
        return Ok(vec![(scope.lo().to_owned(), scope.hi().to_owned())]);
    }
    let rows: Vec<(String,)> = db
        .all(
            "SELECT substr(division_code, 1, CAST($3 AS INTEGER)) FROM item_rollup
             WHERE division_code >= $1 AND division_code < $2
             UNION SELECT substr(division_code, 1, CAST($3 AS INTEGER)) FROM item_event
             WHERE division_code >= $1 AND division_code < $2
               AND action IN ('open', 'pass', 'cancel', 'reopen', 'move_in', 'move_out')",
            args![scope.lo(), scope.hi(), COUNTY as i64],
        )
        .await?;
    Ok(rows
        .into_iter()
        .map(|(code,)| {
            if code.len() == COUNTY {
                let scope = Scope::subtree(&code);
                (scope.lo().to_owned(), scope.hi().to_owned())
            } else {
                // No digit comes before the exclamation mark.
                (code.clone(), format!("{code}!"))
            }
        })
        .collect())
}

/// Digits of a county's code.
const COUNTY: usize = 6;

/// Counts everything up to a day again from the events, and compares with the roll-up; with the items themselves too
/// where that day is today (`now`).
pub(super) async fn prove(db: &Db, scope: &Scope, to: NaiveDate, now: bool) -> Result<Reconciliation, DbError> {
    let mut out = Reconciliation::default();
    let mut net: BTreeMap<Key, i64> = BTreeMap::new();
    for (lo, hi) in stretches(db, scope).await? {
        compare(db, (&lo, &hi), to, &mut net, &mut out).await?;
    }
    if now {
        compare_with_items(db, scope, net, &mut out).await?;
    }
    Ok(out)
}

async fn compare(
    db: &Db,
    (lo, hi): (&str, &str),
    to: NaiveDate,
    net: &mut BTreeMap<Key, i64>,
    out: &mut Reconciliation,
) -> Result<(), DbError> {
    let rollup = keyed(
        db.all(
            "SELECT ledger, source, division_code, day, opened, reopened, closed, cancelled, moved_in, moved_out
             FROM item_rollup WHERE division_code >= $1 AND division_code < $2 AND day <= $3",
            args![lo, hi, last(to)],
        )
        .await?,
    );
    // By the states, not by the actions that the sheets go by: two ways to the same figures.
    let recount = keyed(
        db.all(
            "SELECT ledger, source, division_code, day,
                    COUNT(CASE WHEN from_state = '' THEN 1 END),
                    COUNT(CASE WHEN from_state IN ('closed', 'cancelled') AND to_state NOT IN ('closed', 'cancelled') THEN 1 END),
                    COUNT(CASE WHEN from_state NOT IN ('', 'closed', 'cancelled') AND to_state = 'closed' THEN 1 END),
                    COUNT(CASE WHEN from_state NOT IN ('', 'closed', 'cancelled') AND to_state = 'cancelled' THEN 1 END),
                    COUNT(CASE WHEN action = 'move_in' THEN 1 END),
                    COUNT(CASE WHEN action = 'move_out' THEN 1 END)
             FROM item_event
             WHERE division_code >= $1 AND division_code < $2 AND day <= $3
               AND action IN ('open', 'pass', 'cancel', 'reopen', 'move_in', 'move_out')
             GROUP BY ledger, source, division_code, day",
            args![lo, hi, last(to)],
        )
        .await?,
    );
    let keys: BTreeSet<&Key> = rollup.keys().chain(recount.keys()).collect();
    out.compared += keys.len();
    for key in keys {
        let (a, b) = (rollup.get(key).copied().unwrap_or_default(), recount.get(key).copied().unwrap_or_default());
        out.total.add(&a);
        out.open_by_rollup += a.net();
        out.open_by_events += b.net();
        let (ledger, source, division, day) = key.clone();
        *net.entry((ledger.clone(), source.clone(), division.clone(), String::new())).or_default() += b.net();
        out.faults.extend(Move::ALL.into_iter().filter(|how| a.of(*how) != b.of(*how)).map(|how| Imbalance {
            what: how.name(),
            ledger: ledger.clone(),
            source: source.clone(),
            division_code: division.clone(),
            day: day.clone(),
            rollup: a.of(how),
            recount: b.of(how),
        }));
    }
    Ok(())
}

/// What is open now by the events against what is open by the items: by ledger, source and village; and households and
/// persons in all.
async fn compare_with_items(
    db: &Db,
    scope: &Scope,
    net: BTreeMap<Key, i64>,
    out: &mut Reconciliation,
) -> Result<(), DbError> {
    let open: Vec<(String, String, String, i64)> = db
        .all(
            "SELECT ledger, source, division_code, COUNT(*) FROM item
             WHERE division_code >= $1 AND division_code < $2 AND state NOT IN ('closed', 'cancelled')
             GROUP BY ledger, source, division_code",
            args![scope.lo(), scope.hi()],
        )
        .await?;
    out.open_by_items = Some(open.iter().map(|row| row.3).sum());
    let mut both: BTreeMap<Key, (i64, i64)> = net.into_iter().map(|(key, n)| (key, (0, n))).collect();
    for (ledger, source, division, n) in open {
        both.entry((ledger, source, division, String::new())).or_default().0 += n;
    }
    let differing = both.into_iter().filter(|(_, (items, events))| items != events);
    out.faults.extend(differing.map(|((ledger, source, division_code, day), (rollup, recount))| Imbalance {
        what: "open",
        ledger,
        source,
        division_code,
        day,
        rollup,
        recount,
    }));
    let (households, persons): (i64, i64) = db
        .one(
            "SELECT COUNT(DISTINCT household_id), COUNT(DISTINCT person_id) FROM item
             WHERE division_code >= $1 AND division_code < $2 AND state NOT IN ('closed', 'cancelled')",
            args![scope.lo(), scope.hi()],
        )
        .await?;
    for (of, items) in [(Of::Households, households), (Of::Persons, persons)] {
        let lines = sheets(db, scope, (None, NaiveDate::MAX), By::Whole, of).await?;
        let events = lines.first().map_or(0, |(_, sheet)| sheet.end);
        if events != items {
            out.faults.push(Imbalance {
                what: of.name(),
                ledger: String::new(),
                source: String::new(),
                division_code: String::new(),
                day: String::new(),
                rollup: items,
                recount: events,
            });
        }
    }
    Ok(())
}
