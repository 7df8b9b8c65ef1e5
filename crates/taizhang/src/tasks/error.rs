//! Why something was not done in this room.

use crate::platform::{DbError, ErrorKind, Lang, UserError, clock, i18n};

/// What stands against it.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// There is none, or not for this person.
    #[error("not found")]
    NotFound,
    /// The person may not.
    #[error("forbidden")]
    Forbidden,
    /// A field is empty or holds nothing that can be read; the text `task-field-…` names it.
    #[error("{0} is missing")]
    Field(&'static str),
    /// A text is too long.
    #[error("{field} has more than {most} characters")]
    Long {
        /// Which.
        field: &'static str,
        /// Characters.
        most: usize,
    },
    /// A day is none, or out of range.
    #[error("{field}: {given} is no day that fits")]
    Day {
        /// Which.
        field: &'static str,
        /// As it was written.
        given: String,
    },
    /// A figure is none.
    #[error("{field}: {given} is no figure")]
    Figure {
        /// Which.
        field: &'static str,
        /// As it was written.
        given: String,
    },
    /// No reason is said.
    #[error("a reason is missing")]
    Reason,
    /// What a table is taken out for is not said.
    #[error("a purpose is missing")]
    Purpose,
    /// Another unit's business.
    #[error("this is for {unit}")]
    Unit {
        /// Whose.
        unit: String,
    },
    /// A task has neither leg.
    #[error("a task needs a leg")]
    NoLeg,
    /// The task is closed.
    #[error("the task is closed")]
    Closed,
    /// The task is open.
    #[error("the task is open")]
    Open,
    /// A division that a task cannot be handed to.
    #[error("{place} does not lie below")]
    Place {
        /// Code.
        place: String,
    },
    /// Somebody else handed the task there before.
    #[error("{place} has the task already")]
    Handed {
        /// Name or code.
        place: String,
    },
    /// One place lies in another that has the task: its figures would count twice.
    #[error("{place} lies in {other}")]
    Nested {
        /// Name or code.
        place: String,
        /// Name or code.
        other: String,
    },
    /// A due day after the one that the unit itself has.
    #[error("{given} is later than {most}")]
    DueLater {
        /// As it was written.
        given: String,
        /// The last day possible.
        most: String,
    },
    /// Where it stands does not allow this.
    #[error("state {state}")]
    State {
        /// Text key of the state.
        state: String,
    },
    /// Somebody changed it since the form was shown.
    #[error("changed by {who}")]
    Stale {
        /// Who; empty where it is not known.
        who: String,
        /// When, milliseconds.
        at: i64,
    },
    /// The form was sent before, with other words.
    #[error("the form was used by {who}")]
    Resent {
        /// Who.
        who: String,
        /// When, milliseconds.
        at: i64,
    },
    /// Days of a plan that do not follow each other.
    #[error("the plan's days or shares do not follow each other")]
    Plan,
    /// The file cannot be made.
    #[error("the file cannot be made: {0}")]
    Sheet(#[from] rust_xlsxwriter::XlsxError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl UserError for TaskError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "task.not_found",
            Self::Forbidden => "task.forbidden",
            Self::Field(_) => "task.field",
            Self::Long { .. } => "task.long",
            Self::Day { .. } => "task.day",
            Self::Figure { .. } => "task.figure",
            Self::Reason => "task.reason",
            Self::Purpose => "task.purpose",
            Self::Unit { .. } => "task.unit",
            Self::NoLeg => "task.no_leg",
            Self::Closed => "task.closed",
            Self::Open => "task.open",
            Self::Place { .. } => "task.place",
            Self::Handed { .. } => "task.handed",
            Self::Nested { .. } => "task.nested",
            Self::DueLater { .. } => "task.due_later",
            Self::State { .. } => "task.state",
            Self::Stale { .. } => "task.stale",
            Self::Resent { .. } => "task.resent",
            Self::Plan => "task.plan",
            Self::Sheet(_) => "task.sheet",
            Self::Db(inner) => inner.code(),
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::NotFound,
            Self::Forbidden => ErrorKind::Forbidden,
            Self::Unit { .. }
            | Self::Closed
            | Self::Open
            | Self::Handed { .. }
            | Self::State { .. }
            | Self::Stale { .. }
            | Self::Resent { .. } => ErrorKind::Conflict,
            Self::Sheet(_) => ErrorKind::Internal,
            Self::Db(inner) => inner.kind(),
            _ => ErrorKind::Invalid,
        }
    }

    fn args(&self) -> Vec<(&'static str, String)> {
        self.args_in(Lang::En)
    }

    fn message(&self, lang: Lang) -> String {
        match self {
            Self::Db(inner) => inner.message(lang),
            other => i18n::text_with(lang, &format!("error-{}", other.code().replace('.', "-")), &other.args_in(lang)),
        }
    }
}

impl TaskError {
    fn args_in(&self, lang: Lang) -> Vec<(&'static str, String)> {
        let field = |name: &str| i18n::text(lang, &format!("task-field-{name}"));
        match self {
            Self::Field(name) => vec![("field", field(name))],
            Self::Long { field: name, most } => vec![("field", field(name)), ("most", most.to_string())],
            Self::Day { field: name, given } | Self::Figure { field: name, given } => {
                vec![("field", field(name)), ("given", given.clone())]
            }
            Self::Unit { unit } => vec![("unit", unit.clone())],
            Self::Place { place } | Self::Handed { place } => vec![("place", place.clone())],
            Self::Nested { place, other } => vec![("place", place.clone()), ("other", other.clone())],
            Self::DueLater { given, most } => vec![("given", given.clone()), ("most", most.clone())],
            Self::State { state } => vec![("state", i18n::text(lang, state))],
            Self::Stale { who, at } | Self::Resent { who, at } => vec![
                ("who", if who.is_empty() { i18n::text(lang, "task-somebody") } else { who.clone() }),
                ("at", clock::local(*at).format("%Y-%m-%d %H:%M").to_string()),
            ],
            Self::Sheet(why) => vec![("why", why.to_string())],
            Self::Db(inner) => inner.args(),
            _ => Vec::new(),
        }
    }
}
