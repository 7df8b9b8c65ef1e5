//! Conditions and facts in words, for the pages and for whoever compares two versions.

use super::checks::{Checks, Indicator, Outcome};
use super::plan::{Arithmetic, Compare, Each, FieldRef, Function, Node, kinds};
use super::view::{Field, Kind, OfSignal, Owner, TIERS};
use super::{Profile, Rule, Subject};
use crate::assess::model::SIGNAL_KINDS;
use crate::assess::value_in_words;
use crate::platform::{Lang, i18n};

/// A rule's condition in words.
pub fn condition(profile: &Profile, rule: &Rule, lang: Lang) -> String {
    Speaker { profile, lang }.test(&rule.when.root)
}

/// What a field is called, and what a value of it says.
pub fn fact(profile: &Profile, of: &str, field: &str, value: &str, lang: Lang) -> (String, String) {
    let owner = Owner::ALL.into_iter().find(|owner| owner.name() == of);
    let Some(known) = owner.and_then(|owner| owner.fields().iter().find(|f| f.name == field)) else {
        // A field of a later version.
        return (field.to_owned(), value.to_owned());
    };
    let name = field_name(known, lang).to_owned();
    let said = match (value, known.kind) {
        ("", _) => i18n::text(lang, "words-open"),
        ("true", Kind::Bool) => i18n::text(lang, "words-yes"),
        ("false", Kind::Bool) => i18n::text(lang, "words-no"),
        (_, Kind::Texts) => value.split(',').collect::<Vec<_>>().join(&i18n::text(lang, "list-comma")),
        _ => literal(profile, Some(known), value, lang),
    };
    (name, said)
}

fn field_name(field: &Field, lang: Lang) -> &'static str {
    match lang {
        Lang::Zh => field.zh,
        Lang::En => field.en,
    }
}

/// A value next to the field that it is compared with.
fn literal(profile: &Profile, field: Option<&Field>, value: &str, lang: Lang) -> String {
    let Some(field) = field else {
        return value_in_words(value);
    };
    match field.kind {
        Kind::Choice(all) if all == TIERS => {
            profile.tiers.names.get(value).map_or_else(|| value.to_owned(), |words| words.get(lang).to_owned())
        }
        Kind::Choice(all) if all == SIGNAL_KINDS.as_slice() => {
            i18n::text(lang, &format!("signal-{}", value.replace('.', "-")))
        }
        Kind::Choice(_) if field.name == "result" || field.name.starts_with("check_") => {
            outcome(profile, field.name, value, lang)
        }
        Kind::Text if field.name.starts_with("check_") => i18n::text(lang, &format!("role-{value}")),
        Kind::Choice(_) if i18n::has(lang, &format!("words-choice-{value}")) => {
            i18n::text(lang, &format!("words-choice-{value}"))
        }
        Kind::Text | Kind::Texts | Kind::Choice(_) => {
            let unit = if lang == Lang::Zh { field.unit.0 } else { field.unit.1 };
            if unit.is_empty() {
                i18n::text_with(lang, "words-quoted", &[("text", value.to_owned())])
            } else {
                format!("{value} {unit}")
            }
        }
        // A year is no amount.
        Kind::Int if field.unit.0 == "年" => value.to_owned(),
        _ => {
            let unit = if lang == Lang::Zh { field.unit.0 } else { field.unit.1 };
            format!("{} {unit}", value_in_words(value)).trim_end().to_owned()
        }
    }
}

/// An outcome of a check; of which check, where the field says so.
fn outcome(profile: &Profile, field: &str, value: &str, lang: Lang) -> String {
    let indicator = field.strip_prefix("check_").and_then(Indicator::from_name);
    match (indicator, Outcome::from_name(value)) {
        (Some(indicator), Some(outcome)) => Checks::of(profile).result(indicator, outcome, lang).to_owned(),
        _ => i18n::text(lang, &format!("check-result-{value}")),
    }
}

struct Speaker<'a> {
    profile: &'a Profile,
    lang: Lang,
}

/// A test of somebody's signals: whose, whether none may be there, and which.
struct Signals {
    whose: &'static str,
    none: bool,
    said: String,
}

impl Speaker<'_> {
    fn say(&self, key: &str, args: &[(&'static str, String)]) -> String {
        i18n::text_with(self.lang, key, args)
    }

    fn listed(&self, all: impl IntoIterator<Item = String>) -> String {
        all.into_iter().collect::<Vec<_>>().join(&i18n::text(self.lang, "list-comma"))
    }

    fn test(&self, node: &Node) -> String {
        match node {
            Node::Bool(yes) => i18n::text(self.lang, if *yes { "words-yes" } else { "words-no" }),
            Node::And(all) => self.joined(all),
            Node::Or(all) => {
                let parts: Vec<String> = all
                    .iter()
                    .map(|part| match part {
                        Node::And(_) => self.say("words-group", &[("what", self.test(part))]),
                        _ => self.test(part),
                    })
                    .collect();
                parts.join(&i18n::text(self.lang, "words-or"))
            }
            Node::Not(inner) => match &**inner {
                Node::Has(_, field) => self.say("words-lacks", &[("field", self.field(*field))]),
                Node::Field(_, field) => self.say("words-false", &[("field", self.field(*field))]),
                Node::In(two) => self.among(two, "words-not-in"),
                Node::Each(Each::Exists, list, _, body) => match self.signals(node) {
                    Some(signals) => self.signals_said(&signals, true),
                    None => self.say("words-none", &[("list", self.list(list)), ("test", self.test(body))]),
                },
                other => self.say("words-not", &[("what", self.test(other))]),
            },
            Node::Has(_, field) => self.say("words-has", &[("field", self.field(*field))]),
            Node::Field(_, field) => self.say("words-true", &[("field", self.field(*field))]),
            Node::Compare(how, two) => self.compared(*how, two),
            Node::In(two) => self.among(two, "words-in"),
            Node::Each(how, list, var, body) => match self.signals(node) {
                Some(signals) => self.signals_said(&signals, true),
                None if *how == Each::Exists && self.only_signals_of(*var, body) => self.test(body),
                None => {
                    let key = match how {
                        Each::All => "words-all",
                        Each::ExistsOne => "words-one",
                        _ => "words-exists",
                    };
                    self.say(key, &[("list", self.list(list)), ("test", self.test(body))])
                }
            },
            Node::If(parts) => self.say(
                "words-if",
                &[("test", self.test(&parts[0])), ("yes", self.test(&parts[1])), ("no", self.test(&parts[2]))],
            ),
            Node::Call(Function::StartsWith | Function::EndsWith | Function::Contains, args) => {
                let (a, b) = (args.first().unwrap_or(node), args.last().unwrap_or(node));
                let key = match node {
                    Node::Call(Function::StartsWith, _) => "words-starts",
                    Node::Call(Function::EndsWith, _) => "words-ends",
                    _ => "words-contains",
                };
                self.say(key, &[("a", self.value(a, None)), ("b", self.value(b, field_of(a)))])
            }
            other => self.value(other, None),
        }
    }

    fn joined(&self, all: &[Node]) -> String {
        let mut before = None;
        let mut out: Vec<String> = Vec::new();
        for node in all {
            match self.signals(node) {
                Some(signals) => {
                    let again = before == Some(signals.whose) && signals.none;
                    before = Some(signals.whose);
                    out.push(self.signals_said(&signals, !again));
                }
                None => {
                    before = None;
                    out.push(match node {
                        Node::Or(_) => self.say("words-group", &[("what", self.test(node))]),
                        _ => self.test(node),
                    });
                }
            }
        }
        out.join(&i18n::text(self.lang, "words-and"))
    }

    fn signals_said(&self, signals: &Signals, with_whose: bool) -> String {
        let whose = if with_whose { i18n::text(self.lang, signals.whose) } else { String::new() };
        let key = match (signals.none, with_whose) {
            (false, _) => "words-signals",
            (true, true) => "words-no_signals",
            (true, false) => "words-nor_signals",
        };
        self.say(key, &[("whose", whose), ("what", signals.said.clone())])
    }

    /// A test of signals of certain kinds.
    fn signals(&self, node: &Node) -> Option<Signals> {
        let (none, inner) = match node {
            Node::Not(inner) => (true, &**inner),
            other => (false, other),
        };
        let Node::Each(Each::Exists, list, var, body) = inner else {
            return None;
        };
        let whose = self.whose(list)?;
        let kinds = kinds(body, *var)?;
        let named = kinds.iter().map(|kind| i18n::text(self.lang, &format!("signal-{}", kind.replace('.', "-"))));
        let mut said = self.listed(named);
        for test in tests(body).into_iter().filter(|test| kinds_only(test, *var).is_none()) {
            said.push_str(&i18n::text(self.lang, "words-with"));
            said.push_str(&self.test(test));
        }
        Some(Signals { whose, none, said })
    }

    fn whose(&self, list: &Node) -> Option<&'static str> {
        let Node::Field(of, field) = list else {
            return None;
        };
        if !matches!(field.field()?.kind, Kind::List(Owner::Signal)) || field.field()?.name != "signals" {
            return None;
        }
        Some(match (&**of, field.owner) {
            (_, Owner::Household) => "assess-whose-household",
            (Node::Person, _) => "assess-whose-person",
            (_, Owner::Person) => "assess-whose-member",
            (_, Owner::Helper) => "assess-whose-helper",
            _ => "assess-whose-team",
        })
    }

    /// Whether a test speaks of nothing but the signals of what is in hand.
    fn only_signals_of(&self, var: usize, body: &Node) -> bool {
        tests(body).into_iter().all(|test| {
            let inner = if let Node::Not(inner) = test { inner } else { test };
            let of_var = |list: &Node| matches!(list, Node::Field(of, _) if **of == Node::Var(var));
            matches!(inner, Node::Each(Each::Exists, list, ..) if of_var(list)) && self.signals(test).is_some()
        })
    }

    fn field(&self, field: FieldRef) -> String {
        field.field().map(|f| field_name(f, self.lang).to_owned()).unwrap_or_default()
    }

    fn list(&self, node: &Node) -> String {
        match node {
            Node::Each(Each::Filter, list, _, body) => {
                self.say("words-filter", &[("list", self.list(list)), ("test", self.test(body))])
            }
            Node::Each(Each::Map, list, _, body) => {
                self.say("words-map", &[("list", self.list(list)), ("value", self.value(body, None))])
            }
            other => self.value(other, None),
        }
    }

    fn compared(&self, how: Compare, two: &[Node; 2]) -> String {
        let key = match how {
            Compare::Equal => "words-equal",
            Compare::NotEqual => "words-not_equal",
            Compare::Less => "words-less",
            Compare::LessOrEqual => "words-less_or_equal",
            Compare::Greater => "words-greater",
            Compare::GreaterOrEqual => "words-greater_or_equal",
        };
        let (a, b) = (field_of(&two[0]), field_of(&two[1]));
        self.say(key, &[("a", self.value(&two[0], b)), ("b", self.value(&two[1], a))])
    }

    fn among(&self, two: &[Node; 2], key: &str) -> String {
        match &two[1] {
            Node::List(all) => {
                let field = field_of(&two[0]);
                let all = self.listed(all.iter().map(|one| self.value(one, field)));
                self.say(key, &[("a", self.value(&two[0], None)), ("list", all)])
            }
            list => {
                let key = if key == "words-in" { "words-within" } else { "words-not_within" };
                self.say(key, &[("list", self.list(list)), ("a", self.value(&two[0], field_of(list)))])
            }
        }
    }

    /// A value; `beside`: the field that it is compared with.
    fn value(&self, node: &Node, beside: Option<&'static Field>) -> String {
        let number = |text: String| literal(self.profile, beside, &text, self.lang);
        match node {
            Node::Int(n) => number(n.to_string()),
            Node::Number(n) => number(n.to_string()),
            Node::Text(text) if beside.is_some() => literal(self.profile, beside, text, self.lang),
            Node::Text(text) => self.say("words-quoted", &[("text", text.clone())]),
            Node::Date(day) => super::view::iso_day(*day),
            Node::Today => i18n::text(self.lang, "words-today"),
            Node::Field(_, field) => self.field(*field),
            Node::Household => i18n::text(self.lang, "assess-whose-household"),
            Node::Person => i18n::text(self.lang, "assess-whose-person"),
            Node::Var(_) => i18n::text(self.lang, "words-it"),
            Node::List(all) => self.listed(all.iter().map(|one| self.value(one, None))),
            Node::Negate(inner) => format!("−{}", self.value(inner, beside)),
            Node::Arithmetic(what, two) => {
                let sign = match what {
                    Arithmetic::Add => "+",
                    Arithmetic::Subtract => "−",
                    Arithmetic::Multiply => "×",
                    Arithmetic::Divide => "÷",
                    Arithmetic::Remainder => "mod",
                };
                format!("{} {sign} {}", self.value(&two[0], None), self.value(&two[1], None))
            }
            Node::Call(Function::Days, args) => match args.as_slice() {
                [from, Node::Today] => self.say("words-days_since", &[("a", self.value(from, None))]),
                [from, to] => self.say("words-days", &[("a", self.value(from, None)), ("b", self.value(to, None))]),
                _ => String::new(),
            },
            Node::Call(function, args) => {
                let list = args.first().map(|list| self.list(list)).unwrap_or_default();
                let key = match function {
                    Function::Size => "words-size",
                    Function::Sum | Function::SumInt => "words-sum",
                    Function::Min => "words-min",
                    Function::Max => "words-max",
                    _ => return list,
                };
                self.say(key, &[("list", list)])
            }
            Node::Each(Each::Filter | Each::Map, ..) => self.list(node),
            other => self.say("words-group", &[("what", self.test(other))]),
        }
    }
}

/// The parts that must all hold.
fn tests(node: &Node) -> Vec<&Node> {
    match node {
        Node::And(all) => all.iter().collect(),
        other => vec![other],
    }
}

/// The kinds of a test that says nothing else.
fn kinds_only(node: &Node, var: usize) -> Option<Vec<String>> {
    let mut other = |n: &Node| matches!(n, Node::Field(_, field) if !field.is_signal(OfSignal::Kind));
    if node.any(&mut other) { None } else { kinds(node, var) }
}

/// The field whose unit and words a value beside it takes on.
fn field_of(node: &Node) -> Option<&'static Field> {
    match node {
        Node::Field(_, field) => field.field(),
        Node::Call(Function::Size | Function::Days, _) => None,
        Node::Call(_, args) => args.first().and_then(field_of),
        Node::Each(Each::Map, _, _, body) => field_of(body),
        Node::Arithmetic(Arithmetic::Add | Arithmetic::Subtract, two) => {
            field_of(&two[0]).or_else(|| field_of(&two[1]))
        }
        Node::Arithmetic(Arithmetic::Multiply | Arithmetic::Divide, two) => field_of(&two[0]),
        _ => None,
    }
}

/// The name of a subject, for headings.
pub fn subject(subject: Subject, lang: Lang) -> String {
    let key = match subject {
        Subject::Person => "words-subject-person",
        Subject::Household => "words-subject-household",
    };
    i18n::text(lang, key)
}
