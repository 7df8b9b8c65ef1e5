//! What can go wrong with an item, in words.

use super::evidence::{ATTACHMENT_LIMIT, ATTACHMENTS_LIMIT};
use super::model::REASON_CHARS;
use super::words;
use crate::assess::AssessError;
use crate::assess::profile::Words;
use crate::platform::{DbError, ErrorKind, Lang, UserError, clock, i18n};

/// Something that was done to an item since a form was made.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Since {
    /// By whom; empty for the system.
    pub who: String,
    /// When, milliseconds.
    pub at: i64,
    /// What.
    pub action: String,
}

/// The most changes that a message tells one by one.
const TOLD: usize = 5;

/// What was done since, in a sentence of its own; nothing where it is not known.
fn since_in_words(since: &[Since], lang: Lang) -> String {
    if since.is_empty() {
        return String::new();
    }
    let told: Vec<String> = since
        .iter()
        .rev()
        .take(TOLD)
        .rev()
        .map(|one| {
            let who = if one.who.is_empty() { i18n::text(lang, "ledger-system") } else { one.who.clone() };
            let at = clock::local(one.at).format("%m-%d %H:%M").to_string();
            format!("{at} {who} {}", words::action(&one.action, lang))
        })
        .collect();
    let list = told.join(&i18n::text(lang, "list-semicolon"));
    i18n::text_with(lang, "ledger-since-changes", &[("count", since.len().to_string()), ("changes", list)])
}

/// Why something was not done to an item.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// No such item, or not for this person.
    #[error("no such item")]
    NotFound,
    /// The person may not do this.
    #[error("may not {action}")]
    Forbidden {
        /// Step.
        action: &'static str,
    },
    /// The item's state does not allow it.
    #[error("{number}: cannot {action} while {}", .state.en)]
    WrongState {
        /// Number of the item.
        number: String,
        /// Step.
        action: &'static str,
        /// State of the item, as its profile calls it.
        state: Words,
    },
    /// Somebody changed the item since the form was shown.
    #[error("{number} was changed by {who}")]
    Stale {
        /// Number of the item.
        number: String,
        /// Who changed it; empty for the system.
        who: String,
        /// When, milliseconds.
        at: i64,
        /// What was done since the form was made, oldest first; empty where it is not known.
        since: Vec<Since>,
    },
    /// What was done at another time belongs to a round that is over.
    #[error("{number}: done in round {then}, now in round {now}")]
    OtherRound {
        /// Number of the item.
        number: String,
        /// Round that the sender saw.
        then: i64,
        /// Round of now.
        now: i64,
    },
    /// The time of doing lies in the future, or before the item was opened.
    #[error("done at {at}, opened on {opened}")]
    ActedAt {
        /// Milliseconds.
        at: i64,
        /// ISO day.
        opened: String,
    },
    /// Whoever closed it cannot look back at it.
    #[error("{number}: whoever closed it cannot look back at it")]
    OwnClosing {
        /// Number of the item.
        number: String,
    },
    /// This round was looked back at.
    #[error("{number} was looked back at on {day}")]
    LookedBack {
        /// Number of the item.
        number: String,
        /// ISO day.
        day: String,
    },
    /// What was given for an amount of money is none.
    #[error("{0} is no amount")]
    Amount(String),
    /// No such kind or source of money.
    #[error("no money of {0}")]
    MoneyOf(String),
    /// No such entry of money, or it was struck.
    #[error("no such entry of money")]
    NoMoney,
    /// No such photo or paper, or it was taken away; or it is somebody else's.
    #[error("no such attachment")]
    NoFile,
    /// A proxy for oneself, or for somebody whom one may not name a proxy for.
    #[error("no proxy for this person")]
    ProxyFor,
    /// The days of a proxy.
    #[error("proxy from {from} until {until}")]
    ProxyDays {
        /// First day.
        from: String,
        /// Last day.
        until: String,
    },
    /// Items changed between the preview and the handover.
    #[error("the items to hand over changed")]
    HandoverChanged,
    /// The form was sent before, and with other words: Back, and another choice on the same page.
    #[error("{number}: the form was already used")]
    Resent {
        /// Number of the item.
        number: String,
        /// Who used it.
        who: String,
        /// When, milliseconds.
        at: i64,
    },
    /// The id of the step is taken by another one.
    #[error("the step's id is taken")]
    EventTaken,
    /// Whoever worked on it cannot check it (整改人不得核验).
    #[error("{number}: whoever worked on it cannot check it")]
    SelfCheck {
        /// Number of the item.
        number: String,
    },
    /// Required measures are not done.
    #[error("{number}: {} measures open", .measures.len())]
    MeasuresOpen {
        /// Number of the item.
        number: String,
        /// What they are called.
        measures: Vec<Words>,
    },
    /// The note is too short.
    #[error("a note of at least {least} characters is needed")]
    Note {
        /// Characters.
        least: usize,
        /// Step.
        action: &'static str,
    },
    /// The note is too long.
    #[error("a note has at most {most} characters")]
    NoteLong {
        /// Characters.
        most: usize,
    },
    /// No such measure.
    #[error("no measure {0}")]
    NoMeasure(String),
    /// The measure is already done.
    #[error("measure {} is done", .0.en)]
    MeasureDone(Words),
    /// Nobody to assign to, or they cannot work there.
    #[error("cannot be assigned to that user")]
    Assignee,
    /// More than one user fits what was typed.
    #[error("{count} users fit {who}")]
    Assignees {
        /// What was typed.
        who: String,
        /// How many fit.
        count: usize,
    },
    /// The deadline lies in the past.
    #[error("deadline {0} lies in the past")]
    Deadline(String),
    /// An overdue item gets a later deadline only with a reason.
    #[error("{number} was due on {was}: a later deadline needs a reason")]
    DeadlineReason {
        /// Number of the item.
        number: String,
        /// The deadline that has passed.
        was: String,
    },
    /// A period ends before it begins.
    #[error("the period begins on {from} and ends on {to}")]
    Period {
        /// First day.
        from: String,
        /// Last day.
        to: String,
    },
    /// No such division, or not for this person.
    #[error("no division {0}")]
    Place(String),
    /// What was given for a day is none.
    #[error("{0} is no day")]
    Day(String),
    /// The file cannot be made.
    #[error("the file cannot be made: {0}")]
    Sheet(#[from] rust_xlsxwriter::XlsxError),
    /// A table leaves the house only for a purpose.
    #[error("a purpose is needed")]
    Purpose,
    /// The purpose is longer than anybody reads.
    #[error("the purpose is too long")]
    PurposeLong,
    /// The name of a view is empty or too long.
    #[error("a view needs a name of at most {most} characters")]
    ViewName {
        /// Characters.
        most: usize,
    },
    /// Nobody has it yet who could be reminded.
    #[error("{number} is assigned to nobody")]
    Nobody {
        /// Number of the item.
        number: String,
    },
    /// The same person reminded of it today.
    #[error("{number} was reminded of today")]
    Reminded {
        /// Number of the item.
        number: String,
    },
    /// No village officer is there to whom an item of a village could go.
    #[error("{number}: its village has nobody")]
    NoOfficer {
        /// Number of the item.
        number: String,
    },
    /// Somebody keeps too many views.
    #[error("more than {most} views")]
    Views {
        /// How many one may keep.
        most: i64,
    },
    /// No such batch, or not theirs.
    #[error("no such batch")]
    NoBatch,
    /// A batch cannot be taken back: it was not carried out, was taken back before, or too long ago.
    #[error("the batch cannot be taken back within {hours} hours")]
    BatchUndo {
        /// Hours within which it could.
        hours: i64,
    },
    /// Not a photo or paper of a known type.
    #[error("attachment type")]
    AttachmentType,
    /// Too large or too many.
    #[error("attachment size {bytes}")]
    AttachmentSize {
        /// Bytes.
        bytes: usize,
    },
    /// Too many attachments.
    #[error("too many attachments")]
    AttachmentCount,
    /// The data folder does not take it.
    #[error("attachment folder: {0}")]
    AttachmentStore(std::io::Error),
    /// Too many items at once, or none.
    #[error("{count} items at once")]
    Bulk {
        /// How many.
        count: usize,
        /// How many may be.
        limit: usize,
    },
    /// The profile of the item.
    #[error(transparent)]
    Profile(#[from] AssessError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl UserError for LedgerError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "ledger.not_found",
            Self::Forbidden { .. } => "ledger.forbidden",
            Self::WrongState { .. } => "ledger.wrong_state",
            Self::Stale { .. } => "ledger.stale",
            Self::OtherRound { .. } => "ledger.other_round",
            Self::ActedAt { .. } => "ledger.acted_at",
            Self::OwnClosing { .. } => "ledger.own_closing",
            Self::LookedBack { .. } => "ledger.looked_back",
            Self::Amount(_) => "ledger.amount",
            Self::MoneyOf(_) => "ledger.money_of",
            Self::NoMoney => "ledger.no_money",
            Self::NoFile => "ledger.no_file",
            Self::ProxyFor => "ledger.proxy_for",
            Self::ProxyDays { .. } => "ledger.proxy_days",
            Self::HandoverChanged => "ledger.handover_changed",
            Self::Resent { .. } => "ledger.resent",
            Self::EventTaken => "ledger.event_taken",
            Self::SelfCheck { .. } => "ledger.self_check",
            Self::MeasuresOpen { .. } => "ledger.measures_open",
            Self::Note { .. } => "ledger.note",
            Self::NoteLong { .. } => "ledger.note_long",
            Self::NoMeasure(_) => "ledger.no_measure",
            Self::MeasureDone(_) => "ledger.measure_done",
            Self::Assignee => "ledger.assignee",
            Self::Assignees { .. } => "ledger.assignees",
            Self::DeadlineReason { .. } => "ledger.deadline_reason",
            Self::Purpose => "ledger.purpose",
            Self::PurposeLong => "ledger.purpose_long",
            Self::Period { .. } => "ledger.period",
            Self::Place(_) => "ledger.place",
            Self::Day(_) => "ledger.day",
            Self::Sheet(_) => "ledger.sheet",
            Self::Deadline(_) => "ledger.deadline",
            Self::ViewName { .. } => "ledger.view_name",
            Self::Views { .. } => "ledger.views",
            Self::Nobody { .. } => "ledger.nobody",
            Self::Reminded { .. } => "ledger.reminded",
            Self::NoOfficer { .. } => "ledger.no_officer",
            Self::NoBatch => "ledger.batch",
            Self::BatchUndo { .. } => "ledger.batch_undo",
            Self::AttachmentType => "ledger.attachment_type",
            Self::AttachmentSize { .. } => "ledger.attachment_size",
            Self::AttachmentCount => "ledger.attachment_count",
            Self::AttachmentStore(_) => "ledger.attachment_store",
            Self::Bulk { .. } => "ledger.bulk",
            Self::Profile(inner) => inner.code(),
            Self::Db(inner) => inner.code(),
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound | Self::Place(_) | Self::NoBatch => ErrorKind::NotFound,
            Self::Forbidden { .. } | Self::SelfCheck { .. } | Self::OwnClosing { .. } => ErrorKind::Forbidden,
            Self::WrongState { .. }
            | Self::Stale { .. }
            | Self::OtherRound { .. }
            | Self::LookedBack { .. }
            | Self::NoMoney
            | Self::NoFile
            | Self::HandoverChanged
            | Self::Resent { .. }
            | Self::EventTaken
            | Self::BatchUndo { .. }
            | Self::MeasureDone(_) => ErrorKind::Conflict,
            Self::AttachmentStore(_) => ErrorKind::Busy,
            Self::Sheet(_) => ErrorKind::Internal,
            Self::Profile(inner) => inner.kind(),
            Self::Db(inner) => inner.kind(),
            _ => ErrorKind::Invalid,
        }
    }

    fn args(&self) -> Vec<(&'static str, String)> {
        self.args_in(Lang::En)
    }

    fn message(&self, lang: Lang) -> String {
        match self {
            Self::Profile(inner) => inner.message(lang),
            Self::Db(inner) => inner.message(lang),
            other => {
                let args = other
                    .args_in(lang)
                    .into_iter()
                    .map(|(name, value)| match name {
                        "action" => (name, i18n::text(lang, &format!("ledger-action-{value}"))),
                        "who" if value.is_empty() => (name, i18n::text(lang, "ledger-system")),
                        _ => (name, value),
                    })
                    .collect::<Vec<_>>();
                i18n::text_with(lang, &format!("error-{}", other.code().replace('.', "-")), &args)
            }
        }
    }
}

impl LedgerError {
    fn args_in(&self, lang: Lang) -> Vec<(&'static str, String)> {
        let time = |at: &i64| clock::local(*at).format("%Y-%m-%d %H:%M").to_string();
        match self {
            Self::WrongState { number, action, state } => vec![
                ("number", number.clone()),
                ("action", (*action).to_owned()),
                ("state", state.get(lang).to_owned()),
            ],
            Self::Stale { number, who, at, since } => vec![
                ("number", number.clone()),
                ("who", who.clone()),
                ("at", time(at)),
                ("since", since_in_words(since, lang)),
            ],
            Self::Resent { number, who, at } => {
                vec![("number", number.clone()), ("who", who.clone()), ("at", time(at))]
            }
            Self::OtherRound { number, then, now } => {
                vec![("number", number.clone()), ("then", then.to_string()), ("now", now.to_string())]
            }
            Self::ActedAt { at, opened } => vec![("at", time(at)), ("opened", opened.clone())],
            Self::OwnClosing { number } => vec![("number", number.clone())],
            Self::LookedBack { number, day } => vec![("number", number.clone()), ("day", day.clone())],
            Self::Amount(text) | Self::MoneyOf(text) => vec![("value", text.clone())],
            Self::ProxyDays { from, until } => vec![("from", from.clone()), ("until", until.clone())],
            Self::SelfCheck { number }
            | Self::Nobody { number }
            | Self::Reminded { number }
            | Self::NoOfficer { number } => vec![("number", number.clone())],
            Self::MeasuresOpen { number, measures } => {
                vec![("number", number.clone()), ("measures", words::list(measures, lang))]
            }
            Self::NoteLong { most } => vec![("most", most.to_string())],
            Self::Note { least, .. } => vec![("least", least.to_string())],
            Self::NoMeasure(id) => vec![("measure", id.clone())],
            Self::MeasureDone(title) => vec![("measure", title.get(lang).to_owned())],
            Self::Assignees { who, count } => vec![("typed", who.clone()), ("count", count.to_string())],
            Self::Deadline(day) => vec![("day", day.clone())],
            Self::DeadlineReason { number, was } => {
                vec![("number", number.clone()), ("was", was.clone()), ("least", REASON_CHARS.to_string())]
            }
            Self::Period { from, to } => vec![("from", from.clone()), ("to", to.clone())],
            Self::Place(code) => vec![("code", code.clone())],
            Self::Day(day) => vec![("day", day.clone())],
            Self::Sheet(why) => vec![("why", why.to_string())],
            Self::Purpose => vec![("least", REASON_CHARS.to_string())],
            Self::PurposeLong => vec![("most", crate::access::reveal::REASON_MOST.to_string())],
            Self::AttachmentSize { .. } => vec![("limit", (ATTACHMENT_LIMIT / 1024 / 1024).to_string())],
            Self::AttachmentCount => vec![("limit", ATTACHMENTS_LIMIT.to_string())],
            Self::AttachmentStore(why) => vec![("why", why.to_string())],
            Self::Bulk { limit, .. } => vec![("limit", limit.to_string())],
            Self::ViewName { most } => vec![("most", most.to_string())],
            Self::Views { most } => vec![("most", most.to_string())],
            Self::BatchUndo { hours } => vec![("hours", hours.to_string())],
            Self::Profile(inner) => inner.args(),
            Self::Db(inner) => inner.args(),
            _ => Vec::new(),
        }
    }
}
