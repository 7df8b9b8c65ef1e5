//! The columns of the table: which there are, in which order they stand, and what each says of an item.

use crate::assess::Profile;
use crate::ledger::export::{Edition, mask_name};
use crate::ledger::model::{Line, Sort, title_in};
use crate::ledger::words;
use crate::platform::{Lang, clock};

/// A column of the table and of its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// 编号.
    Number,
    /// 户: head of household.
    Household,
    /// 村.
    Village,
    /// 问题.
    Title,
    /// 程度.
    Level,
    /// 状态.
    State,
    /// 轮次.
    Round,
    /// 期限.
    Deadline,
    /// 责任单位.
    Unit,
    /// 责任人.
    Owner,
    /// 承办人.
    Assignee,
    /// 台账.
    Ledger,
    /// 来源.
    Source,
    /// 登记日期.
    Opened,
    /// 更新时间.
    Updated,
}

impl Column {
    /// Every column in the order of the table.
    pub const ALL: [Self; 15] = [
        Self::Number,
        Self::Household,
        Self::Village,
        Self::Title,
        Self::Level,
        Self::State,
        Self::Round,
        Self::Deadline,
        Self::Unit,
        Self::Owner,
        Self::Assignee,
        Self::Ledger,
        Self::Source,
        Self::Opened,
        Self::Updated,
    ];
    /// Those that the table has where nobody chose.
    pub const USUAL: [Self; 8] = [
        Self::Number,
        Self::Household,
        Self::Village,
        Self::Title,
        Self::State,
        Self::Deadline,
        Self::Owner,
        Self::Assignee,
    ];

    /// The value in addresses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Household => "household",
            Self::Village => "village",
            Self::Title => "title",
            Self::Level => "level",
            Self::State => "state",
            Self::Round => "round",
            Self::Deadline => "deadline",
            Self::Unit => "unit",
            Self::Owner => "owner",
            Self::Assignee => "assignee",
            Self::Ledger => "ledger",
            Self::Source => "source",
            Self::Opened => "opened",
            Self::Updated => "updated",
        }
    }

    /// The key of its heading.
    pub fn key(self) -> String {
        format!("ledger-column-{}", self.name())
    }

    /// The order by it.
    pub fn sort(self) -> Sort {
        match self {
            Self::Number => Sort::Number,
            Self::Household => Sort::Household,
            Self::Village => Sort::Division,
            Self::Title => Sort::Title,
            Self::Level => Sort::Level,
            Self::State => Sort::State,
            Self::Round => Sort::Round,
            Self::Deadline => Sort::Deadline,
            Self::Unit => Sort::Unit,
            Self::Owner => Sort::Owner,
            Self::Assignee => Sort::Assignee,
            Self::Ledger => Sort::Ledger,
            Self::Source => Sort::Source,
            Self::Opened => Sort::Opened,
            Self::Updated => Sort::Updated,
        }
    }

    /// The columns of a list of names, in the order of the table; `full` is all, nothing the usual ones. The number is
    /// always among them.
    pub fn chosen(names: &str) -> Vec<Self> {
        let names: Vec<&str> = names.split(',').map(str::trim).collect();
        let known: Vec<Self> =
            Self::ALL.into_iter().filter(|column| names.contains(&column.name()) || names.contains(&"full")).collect();
        match (known.is_empty(), known.first()) {
            (true, _) => Self::USUAL.to_vec(),
            (_, Some(Self::Number)) => known,
            _ => std::iter::once(Self::Number).chain(known).collect(),
        }
    }

    /// Whether a file that is put up in public may have it: the problem, its level, kind and source say who is ill or
    /// what somebody earns.
    pub fn is_public(self) -> bool {
        !matches!(self, Self::Title | Self::Level | Self::Ledger | Self::Source | Self::Round | Self::Updated)
    }

    /// What it says of an item.
    pub fn text(self, profile: &Profile, edition: Edition, line: &Line, lang: Lang) -> String {
        let name = |name: &str| match edition {
            Edition::Internal => name.to_owned(),
            Edition::Public => mask_name(name),
        };
        match self {
            Self::Number => line.number.clone(),
            Self::Household => name(&line.head_name),
            Self::Village => line.division_name.clone(),
            Self::Title => title_in(&line.title, lang),
            Self::Level => words::level(profile, &line.level).get(lang).to_owned(),
            Self::State => words::state(profile, &line.ledger, &line.state).get(lang).to_owned(),
            Self::Round => line.round.to_string(),
            Self::Deadline => line.deadline.clone(),
            Self::Unit => line.owner_unit.clone(),
            Self::Owner => name(&line.owner_name),
            Self::Assignee => name(&line.assignee_name),
            Self::Ledger => words::ledger(profile, &line.ledger, lang),
            Self::Source => words::source(&line.source, lang),
            Self::Opened => line.opened_on.clone(),
            Self::Updated => clock::local(line.updated_at).format("%Y-%m-%d %H:%M").to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_chosen_by_name_in_the_order_of_the_table() {
        assert_eq!(Column::chosen(""), Column::USUAL);
        assert_eq!(Column::chosen("full"), Column::ALL);
        assert_eq!(Column::chosen("deadline,state,nonsense"), [Column::Number, Column::State, Column::Deadline]);
    }

    #[test]
    fn what_is_public_says_nothing_of_the_problem() {
        for column in [Column::Title, Column::Level, Column::Ledger, Column::Source] {
            assert!(!column.is_public());
        }
        assert!(Column::Household.is_public(), "by its first character");
    }
}
