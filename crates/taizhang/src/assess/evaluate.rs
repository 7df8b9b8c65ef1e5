//! Evaluates a checked condition over the view of one household, and says what it read where it holds.
//!
//! What the register leaves open is neither true nor false: it satisfies no test, and a test that hangs on it holds
//! neither as it stands nor denied. That is CEL's own rule for errors: `false && open` is false, `true || open` is true,
//! anything else that hangs on the open value stays open.

use std::cell::Cell;
use std::cmp::Ordering;

use uuid::Uuid;

use super::model::{Evidence, HouseholdView, PersonView, ServantView, SignalView, Tier};
use super::profile::plan::{Arithmetic, Compare, Each, FieldRef, Function, Node, signal_value};
use super::profile::view::{self, Fact, Kind, OfHousehold, OfPerson, OfSignal};
use super::rules::TierMap;

/// Steps that one evaluation of a rule for one household may take: far more than any real household needs.
const BUDGET: u64 = 2_000_000;
/// List functions inside one another; a profile that nests deeper is refused.
pub(crate) const DEPTH: usize = 3;

/// The world around the household.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// Tiers of counties other than low.
    pub tiers: &'a TierMap,
    /// The day that the run speaks of, as [`view::number_of`] counts.
    pub today: i64,
}

/// An evaluation took more steps than it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OverBudget;

/// Through whom a signal is read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Holder {
    relation: &'static str,
    carrier: Option<Uuid>,
}

#[derive(Debug, Clone, PartialEq)]
enum Val<'a> {
    Unknown,
    Bool(bool),
    Int(i64),
    Number(f64),
    Text(&'a str),
    Date(i64),
    Household,
    Person(&'a PersonView),
    Signal(&'a SignalView, Holder),
    Helper(&'a ServantView),
    Member(&'a ServantView),
    List(Vec<Val<'a>>),
}

impl Val<'_> {
    fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(yes) => Some(*yes),
            _ => None,
        }
    }

    fn as_number(&self) -> Option<f64> {
        match self {
            Self::Int(n) => Some(*n as f64),
            Self::Number(n) => Some(*n),
            _ => None,
        }
    }
}

/// One evaluation.
pub(crate) struct Evaluation<'a> {
    household: &'a HouseholdView,
    person: Option<&'a PersonView>,
    around: Around<'a>,
    vars: [Val<'a>; DEPTH],
    steps: Cell<u64>,
}

impl<'a> Evaluation<'a> {
    pub(crate) fn new(household: &'a HouseholdView, person: Option<&'a PersonView>, around: Around<'a>) -> Self {
        let vars = [Val::Unknown, Val::Unknown, Val::Unknown];
        Self { household, person, around, vars, steps: Cell::new(0) }
    }

    /// Whether the condition holds; open is no.
    pub(crate) fn holds(&mut self, node: &'a Node) -> Result<bool, OverBudget> {
        Ok(self.eval(node)?.as_bool() == Some(true))
    }

    /// What a condition that holds rests on, unordered.
    pub(crate) fn evidence(&mut self, node: &'a Node) -> Result<Vec<Evidence>, OverBudget> {
        let mut out = Vec::new();
        self.why(node, true, &mut out)?;
        Ok(out)
    }

    fn step(&self) -> Result<(), OverBudget> {
        let steps = self.steps.get() + 1;
        self.steps.set(steps);
        if steps > BUDGET { Err(OverBudget) } else { Ok(()) }
    }

    fn eval(&mut self, node: &'a Node) -> Result<Val<'a>, OverBudget> {
        self.step()?;
        Ok(match node {
            Node::Bool(yes) => Val::Bool(*yes),
            Node::Int(n) => Val::Int(*n),
            Node::Number(n) => Val::Number(*n),
            Node::Text(text) => Val::Text(text),
            Node::Date(day) => Val::Date(*day),
            Node::Today => Val::Date(self.around.today),
            Node::Household => Val::Household,
            Node::Person => self.person.map_or(Val::Unknown, Val::Person),
            Node::Var(at) => self.vars.get(*at).cloned().unwrap_or(Val::Unknown),
            Node::Field(of, field) => {
                let of = self.eval(of)?;
                self.read(&of, *field)
            }
            Node::Has(of, field) => {
                let of = self.eval(of)?;
                Val::Bool(self.read(&of, *field) != Val::Unknown)
            }
            Node::List(all) => Val::List(all.iter().map(|n| self.eval(n)).collect::<Result<_, _>>()?),
            Node::And(all) => self.joined(all, false)?,
            Node::Or(all) => self.joined(all, true)?,
            Node::Not(inner) => self.eval(inner)?.as_bool().map_or(Val::Unknown, |yes| Val::Bool(!yes)),
            Node::If(parts) => match self.eval(&parts[0])?.as_bool() {
                Some(true) => self.eval(&parts[1])?,
                Some(false) => self.eval(&parts[2])?,
                None => Val::Unknown,
            },
            Node::Compare(how, two) => {
                let (a, b) = (self.eval(&two[0])?, self.eval(&two[1])?);
                compare(*how, &a, &b)
            }
            Node::Arithmetic(what, two) => {
                let (a, b) = (self.eval(&two[0])?, self.eval(&two[1])?);
                calculate(*what, &a, &b)
            }
            Node::Negate(inner) => match self.eval(inner)? {
                Val::Int(n) => n.checked_neg().map_or(Val::Unknown, Val::Int),
                Val::Number(n) => Val::Number(-n),
                _ => Val::Unknown,
            },
            Node::In(two) => {
                let wanted = self.eval(&two[0])?;
                // Most lists are of literals: nothing of them needs to be copied.
                if let (Node::List(all), Val::Text(text)) = (&two[1], &wanted) {
                    if all.iter().any(|n| matches!(n, Node::Text(one) if one == text)) {
                        return Ok(Val::Bool(true));
                    }
                    if all.iter().all(|n| matches!(n, Node::Text(_))) {
                        return Ok(Val::Bool(false));
                    }
                }
                if let (Node::Field(of, field), Val::Text(text)) = (&two[1], &wanted)
                    && let Some(all) = self.texts(of, *field)?
                {
                    return Ok(Val::Bool(all.iter().any(|one| one == text)));
                }
                match (wanted, self.eval(&two[1])?) {
                    (Val::Unknown, _) => Val::Unknown,
                    (wanted, Val::List(all)) => {
                        if all.contains(&Val::Unknown) {
                            Val::Unknown
                        } else {
                            Val::Bool(all.iter().any(|one| compare(Compare::Equal, &wanted, one) == Val::Bool(true)))
                        }
                    }
                    _ => Val::Unknown,
                }
            }
            Node::Each(how, list, var, body) => self.each(*how, list, *var, body)?,
            Node::Call(function, args) => {
                let args: Vec<Val<'a>> = args.iter().map(|n| self.eval(n)).collect::<Result<_, _>>()?;
                call(*function, &args)
            }
        })
    }

    /// `&&` (until the first false) and `||` (until the first true).
    fn joined(&mut self, all: &'a [Node], until: bool) -> Result<Val<'a>, OverBudget> {
        let mut open = false;
        for node in all {
            match self.eval(node)?.as_bool() {
                Some(yes) if yes == until => return Ok(Val::Bool(until)),
                Some(_) => {}
                None => open = true,
            }
        }
        Ok(if open { Val::Unknown } else { Val::Bool(!until) })
    }

    fn each(&mut self, how: Each, list: &'a Node, var: usize, body: &'a Node) -> Result<Val<'a>, OverBudget> {
        if let (Node::Field(of, field), Each::Exists | Each::All) = (list, how)
            && **of == Node::Household
            && field.is_household(OfHousehold::Persons)
        {
            return self.each_person(how == Each::Exists, var, body);
        }
        let Val::List(entries) = self.eval(list)? else {
            return Ok(Val::Unknown);
        };
        let (mut open, mut hits) = (false, 0_usize);
        let mut out = Vec::new();
        for entry in entries {
            let kept = if how == Each::Filter { Some(entry.clone()) } else { None };
            self.bind(var, entry);
            let value = self.eval(body)?;
            match (how, value.as_bool()) {
                (Each::Exists, Some(true)) => return Ok(Val::Bool(true)),
                (Each::All, Some(false)) => return Ok(Val::Bool(false)),
                (Each::Filter, Some(true)) => out.extend(kept),
                (Each::Map, _) => {
                    open |= value == Val::Unknown;
                    out.push(value);
                }
                (_, Some(true)) => hits += 1,
                (_, None) => open = true,
                _ => {}
            }
        }
        Ok(match how {
            _ if open => Val::Unknown,
            Each::Exists => Val::Bool(false),
            Each::All => Val::Bool(true),
            Each::ExistsOne => Val::Bool(hits == 1),
            Each::Filter | Each::Map => Val::List(out),
        })
    }

    /// [`Self::each`] over the members, without a list of them.
    fn each_person(&mut self, until: bool, var: usize, body: &'a Node) -> Result<Val<'a>, OverBudget> {
        let mut open = false;
        for person in &self.household.persons {
            self.bind(var, Val::Person(person));
            match self.eval(body)?.as_bool() {
                Some(yes) if yes == until => return Ok(Val::Bool(until)),
                Some(_) => {}
                None => open = true,
            }
        }
        Ok(if open { Val::Unknown } else { Val::Bool(!until) })
    }

    /// The texts of a field that has several; nothing where it is another sort of field.
    fn texts(&mut self, of: &'a Node, field: FieldRef) -> Result<Option<&'a [String]>, OverBudget> {
        let facts = match self.eval(of)? {
            Val::Household => &self.household.facts,
            Val::Person(person) => &person.facts,
            _ => return Ok(None),
        };
        Ok(match facts.get(field.at) {
            Fact::Texts(all) => Some(all),
            Fact::Words(all) => Some(all),
            _ => None,
        })
    }

    fn bind(&mut self, var: usize, value: Val<'a>) {
        if let Some(slot) = self.vars.get_mut(var) {
            *slot = value;
        }
    }

    fn tier_of(&self, county: &str) -> Val<'a> {
        let code = county.get(..6).unwrap_or_default();
        Val::Text(self.around.tiers.get(code).map_or(Tier::Low, |(tier, _)| *tier).name())
    }

    /// A field of what is in hand.
    fn read(&self, of: &Val<'a>, field: FieldRef) -> Val<'a> {
        match of {
            Val::Household => self.of_household(field),
            Val::Person(person) => self.of_person(person, field),
            Val::Signal(signal, _) => of_signal(signal, field),
            Val::Helper(servant) => own_signals(&servant.signals, "helper", servant.id),
            Val::Member(servant) => own_signals(&servant.signals, "team_member", servant.id),
            _ => Val::Unknown,
        }
    }

    fn of_household(&self, field: FieldRef) -> Val<'a> {
        let house = self.household;
        let signals = |active: bool| {
            let all = house.signals.iter().filter(|s| s.is_active() == active);
            Val::List(all.map(|s| Val::Signal(s, Holder { relation: "self", carrier: s.person_id })).collect())
        };
        if field.is_household(OfHousehold::Persons) {
            return Val::List(house.persons.iter().map(Val::Person).collect());
        } else if field.is_household(OfHousehold::Signals) {
            return signals(true);
        } else if field.is_household(OfHousehold::EndedSignals) {
            return signals(false);
        } else if field.is_household(OfHousehold::HelperList) {
            return Val::List(house.helpers.iter().map(Val::Helper).collect());
        } else if field.is_household(OfHousehold::TeamList) {
            return Val::List(house.team.iter().map(Val::Member).collect());
        } else if field.is_household(OfHousehold::CountyTier) {
            return self.tier_of(&house.division_code);
        }
        of_fact(house.facts.get(field.at))
    }

    fn of_person(&self, person: &'a PersonView, field: FieldRef) -> Val<'a> {
        if field.is_person(OfPerson::Signals) {
            let itself = self.person.is_some_and(|p| p.id == person.id);
            let relation = if itself { "self" } else { "household_member" };
            let holder = Holder { relation, carrier: Some(person.id) };
            let own = self.household.signals.iter().filter(|s| s.person_id == Some(person.id) && s.is_active());
            return Val::List(own.map(|s| Val::Signal(s, holder)).collect());
        } else if field.is_person(OfPerson::WorkTier) {
            return if person.work_county.is_empty() { Val::Unknown } else { self.tier_of(&person.work_county) };
        }
        of_fact(person.facts.get(field.at))
    }

    /// What `node` being `wanted` rests on.
    fn why(&mut self, node: &'a Node, wanted: bool, out: &mut Vec<Evidence>) -> Result<(), OverBudget> {
        match node {
            Node::And(all) | Node::Or(all) => {
                for part in all {
                    if self.eval(part)?.as_bool() == Some(wanted) {
                        self.why(part, wanted, out)?;
                    }
                }
            }
            Node::Not(inner) => self.why(inner, !wanted, out)?,
            Node::If(parts) => {
                let first = self.eval(&parts[0])?.as_bool() == Some(true);
                self.why(&parts[0], first, out)?;
                self.why(if first { &parts[1] } else { &parts[2] }, wanted, out)?;
            }
            // That none is there rests on nothing that could be shown.
            Node::Each(Each::Exists | Each::ExistsOne, ..) if !wanted => {}
            Node::Each(Each::Exists | Each::All | Each::ExistsOne, list, var, body) => {
                self.facts(list, out)?;
                let Val::List(entries) = self.eval(list)? else {
                    return Ok(());
                };
                for entry in entries {
                    self.bind(*var, entry.clone());
                    if self.eval(body)?.as_bool() == Some(wanted) {
                        self.told(&entry, body, out);
                        self.why(body, wanted, out)?;
                    }
                }
            }
            leaf => self.facts(leaf, out)?,
        }
        Ok(())
    }

    /// A signal that counts, as evidence.
    fn told(&self, entry: &Val<'a>, read: &Node, out: &mut Vec<Evidence>) {
        let Val::Signal(signal, holder) = entry else {
            return;
        };
        out.push(Evidence::Signal {
            kind: signal.kind.clone(),
            fact_date: signal.fact_date.clone(),
            relation: holder.relation.to_owned(),
            carrier: holder.carrier,
            value: signal_value(read).and_then(|name| super::rules::shown(signal.value.get(name))),
            source: signal.source.clone(),
            row_key: signal.row_key.clone(),
        });
    }

    /// Every fact that a value was computed from.
    fn facts(&mut self, node: &'a Node, out: &mut Vec<Evidence>) -> Result<(), OverBudget> {
        self.step()?;
        match node {
            Node::Field(of, field) | Node::Has(of, field) => {
                let of = self.eval(of)?;
                let value = self.read(&of, *field);
                out.extend(self.as_evidence(&of, *field, &value));
            }
            Node::Each(how, list, var, body) => {
                self.facts(list, out)?;
                let Val::List(entries) = self.eval(list)? else {
                    return Ok(());
                };
                for entry in entries {
                    self.bind(*var, entry.clone());
                    match how {
                        Each::Map => {
                            // The value is what a signal below was read for.
                            if let Some(last) = self.shown_by(&entry, body) {
                                out.retain(|e| !same_row(e, &last));
                                out.push(last);
                            }
                            self.facts(body, out)?;
                        }
                        _ if self.eval(body)?.as_bool() == Some(true) => {
                            self.told(&entry, body, out);
                            self.why(body, true, out)?;
                        }
                        _ => {}
                    }
                }
            }
            other => {
                for inner in other.below() {
                    self.facts(inner, out)?;
                }
            }
        }
        Ok(())
    }

    fn shown_by(&self, entry: &Val<'a>, body: &Node) -> Option<Evidence> {
        let mut one = Vec::new();
        self.told(entry, body, &mut one);
        one.pop()
    }

    fn as_evidence(&self, of: &Val<'a>, field: FieldRef, value: &Val<'a>) -> Option<Evidence> {
        let what = field.field()?;
        if matches!(what.kind, Kind::List(_)) {
            return None;
        }
        let carrier = match of {
            Val::Household => None,
            Val::Person(person) => Some(person.id),
            _ => return None,
        };
        if let (Val::Person(person), true) = (of, field.is_person(OfPerson::WorkTier)) {
            let county = person.work_county.get(..6).unwrap_or_default();
            if let Some((tier, since)) = self.around.tiers.get(county) {
                let (county, tier, since) = (county.to_owned(), *tier, since.clone());
                return Some(Evidence::WorkTier { county, tier, since, carrier: person.id });
            }
        }
        Some(Evidence::Fact {
            of: field.owner.name().to_owned(),
            field: what.name.to_owned(),
            value: said(value),
            carrier,
        })
    }
}

fn same_row(a: &Evidence, b: &Evidence) -> bool {
    match (a, b) {
        (
            Evidence::Signal { source, row_key, carrier, kind, .. },
            Evidence::Signal { source: s, row_key: r, carrier: c, kind: k, .. },
        ) => (source, row_key, carrier, kind) == (s, r, c, k),
        _ => false,
    }
}

/// A value as evidence keeps it; nothing for what is not filled in.
fn said(value: &Val<'_>) -> String {
    match value {
        Val::Bool(yes) => yes.to_string(),
        Val::Int(n) => n.to_string(),
        Val::Number(n) => n.to_string(),
        Val::Text(text) => (*text).to_owned(),
        Val::Date(day) => view::iso_day(*day),
        Val::List(all) => all.iter().map(said).collect::<Vec<_>>().join(","),
        _ => String::new(),
    }
}

fn own_signals<'a>(signals: &'a [SignalView], relation: &'static str, id: Uuid) -> Val<'a> {
    let holder = Holder { relation, carrier: Some(id) };
    Val::List(signals.iter().filter(|s| s.is_active()).map(|s| Val::Signal(s, holder)).collect())
}

fn of_signal<'a>(signal: &'a SignalView, field: FieldRef) -> Val<'a> {
    if field.is_signal(OfSignal::Kind) {
        Val::Text(&signal.kind)
    } else if field.is_signal(OfSignal::Day) {
        view::day_number(&signal.fact_date).map_or(Val::Unknown, Val::Date)
    } else if field.is_signal(OfSignal::Amount) {
        signal.value.get("amount").and_then(serde_json::Value::as_f64).map_or(Val::Unknown, Val::Number)
    } else if field.is_signal(OfSignal::Grade) {
        signal.value.get("grade").and_then(serde_json::Value::as_str).map_or(Val::Unknown, Val::Text)
    } else if field.is_signal(OfSignal::Result) {
        signal.value.get("result").and_then(serde_json::Value::as_str).map_or(Val::Unknown, Val::Text)
    } else if field.is_signal(OfSignal::Source) {
        Val::Text(&signal.source)
    } else {
        Val::Unknown
    }
}

fn of_fact(fact: &Fact) -> Val<'_> {
    match fact {
        Fact::Unknown => Val::Unknown,
        Fact::Bool(yes) => Val::Bool(*yes),
        Fact::Int(n) => Val::Int(*n),
        Fact::Number(n) => Val::Number(*n),
        Fact::Text(text) => Val::Text(text),
        Fact::Date(day) => Val::Date(*day),
        Fact::Texts(all) => Val::List(all.iter().map(|t| Val::Text(t)).collect()),
        Fact::Word(text) => Val::Text(text),
        Fact::Words(all) => Val::List(all.iter().map(|t| Val::Text(t)).collect()),
    }
}

fn order(a: &Val<'_>, b: &Val<'_>) -> Option<Ordering> {
    match (a, b) {
        (Val::Int(a), Val::Int(b)) | (Val::Date(a), Val::Date(b)) => Some(a.cmp(b)),
        (Val::Text(a), Val::Text(b)) => Some(a.cmp(b)),
        (Val::Bool(a), Val::Bool(b)) => Some(a.cmp(b)),
        _ => a.as_number()?.partial_cmp(&b.as_number()?),
    }
}

fn compare<'a>(how: Compare, a: &Val<'a>, b: &Val<'a>) -> Val<'a> {
    let Some(order) = order(a, b) else {
        return Val::Unknown;
    };
    Val::Bool(match how {
        Compare::Equal => order == Ordering::Equal,
        Compare::NotEqual => order != Ordering::Equal,
        Compare::Less => order == Ordering::Less,
        Compare::LessOrEqual => order != Ordering::Greater,
        Compare::Greater => order == Ordering::Greater,
        Compare::GreaterOrEqual => order != Ordering::Less,
    })
}

fn calculate<'a>(what: Arithmetic, a: &Val<'a>, b: &Val<'a>) -> Val<'a> {
    match (a, b) {
        (Val::Int(a), Val::Int(b)) => match what {
            Arithmetic::Add => a.checked_add(*b),
            Arithmetic::Subtract => a.checked_sub(*b),
            Arithmetic::Multiply => a.checked_mul(*b),
            Arithmetic::Divide => a.checked_div(*b),
            Arithmetic::Remainder => a.checked_rem(*b),
        }
        .map_or(Val::Unknown, Val::Int),
        (Val::Number(a), Val::Number(b)) => match what {
            Arithmetic::Add => Val::Number(a + b),
            Arithmetic::Subtract => Val::Number(a - b),
            Arithmetic::Multiply => Val::Number(a * b),
            Arithmetic::Divide => Val::Number(a / b),
            Arithmetic::Remainder => Val::Unknown,
        },
        _ => Val::Unknown,
    }
}

fn call<'a>(function: Function, args: &[Val<'a>]) -> Val<'a> {
    let best = |all: &[Val<'a>], wanted: Ordering| {
        let mut found: Option<&Val<'a>> = None;
        for one in all {
            match found.map(|so_far| order(one, so_far)) {
                None => found = Some(one),
                Some(Some(by)) if by == wanted => found = Some(one),
                _ => {}
            }
        }
        found.cloned().unwrap_or(Val::Unknown)
    };
    match (function, args) {
        (Function::Size, [Val::List(all)]) => i64::try_from(all.len()).map_or(Val::Unknown, Val::Int),
        (Function::Size, [Val::Text(text)]) => i64::try_from(text.chars().count()).map_or(Val::Unknown, Val::Int),
        (Function::Sum, [Val::List(all)]) => {
            // Sorted, so that the order of the rows does not change the last digit.
            let mut numbers: Vec<f64> = all.iter().filter_map(Val::as_number).collect();
            numbers.sort_by(f64::total_cmp);
            Val::Number(numbers.iter().sum())
        }
        (Function::SumInt, [Val::List(all)]) => {
            let sum = all.iter().try_fold(0_i64, |sum, one| match one {
                Val::Int(n) => sum.checked_add(*n),
                _ => None,
            });
            sum.map_or(Val::Unknown, Val::Int)
        }
        (Function::Min, [Val::List(all)]) => best(all, Ordering::Less),
        (Function::Max, [Val::List(all)]) => best(all, Ordering::Greater),
        (Function::Days, [Val::Date(a), Val::Date(b)]) => Val::Int(b - a),
        (Function::StartsWith, [Val::Text(a), Val::Text(b)]) => Val::Bool(a.starts_with(b)),
        (Function::EndsWith, [Val::Text(a), Val::Text(b)]) => Val::Bool(a.ends_with(b)),
        (Function::Contains, [Val::Text(a), Val::Text(b)]) => Val::Bool(a.contains(b)),
        (Function::Double, [one]) => one.as_number().map_or(Val::Unknown, Val::Number),
        (Function::Int, [Val::Int(n)]) => Val::Int(*n),
        // Beyond what a whole number holds there is no answer.
        (Function::Int, [Val::Number(n)]) if n.abs() < 9.0e15 => Val::Int(n.trunc() as i64),
        _ => Val::Unknown,
    }
}
