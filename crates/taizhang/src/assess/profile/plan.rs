//! A checked condition, ready to be evaluated, and what can be said of it without evaluating it: what it costs, which
//! parts of the register it reads, and which signals must be there for it to hold at all.

use super::view::{Field, Kind, OfHousehold, OfPerson, OfSignal, Owner};
use crate::assess::model::{SIGNAL_KINDS, Tier};

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compare {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What is done with two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// What is done with each entry of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Each {
    Exists,
    All,
    ExistsOne,
    Filter,
    Map,
}

/// A function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    Size,
    /// Of numbers with decimals.
    Sum,
    /// Of whole numbers.
    SumInt,
    Min,
    Max,
    Days,
    StartsWith,
    EndsWith,
    Contains,
    Double,
    Int,
}

/// A field of the view, by its owner and its place there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FieldRef {
    pub(crate) owner: Owner,
    pub(crate) at: usize,
}

impl FieldRef {
    /// What the table says of it.
    pub(crate) fn field(self) -> Option<&'static Field> {
        self.owner.fields().get(self.at)
    }

    pub(crate) fn is_household(self, field: OfHousehold) -> bool {
        self.owner == Owner::Household && self.at == field as usize
    }

    pub(crate) fn is_person(self, field: OfPerson) -> bool {
        self.owner == Owner::Person && self.at == field as usize
    }

    pub(crate) fn is_signal(self, field: OfSignal) -> bool {
        self.owner == Owner::Signal && self.at == field as usize
    }
}

/// Fields of the view that are read, of any owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Reads {
    household: u128,
    person: u128,
}

impl Reads {
    /// Everything that either reads.
    pub(crate) fn and(self, other: Self) -> Self {
        Self { household: self.household | other.household, person: self.person | other.person }
    }

    /// Whether a field of the household is read.
    pub(crate) fn household(self, field: OfHousehold) -> bool {
        self.household & (1 << field as u32) != 0
    }

    /// Whether a field of a member is read.
    pub(crate) fn person(self, field: OfPerson) -> bool {
        self.person & (1 << field as u32) != 0
    }

    fn add(&mut self, field: FieldRef) {
        match field.owner {
            Owner::Household => self.household |= 1 << field.at,
            Owner::Person => self.person |= 1 << field.at,
            _ => {}
        }
    }
}

/// A node of a checked condition. Its types fit by construction.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    Bool(bool),
    Int(i64),
    Number(f64),
    Text(String),
    Date(i64),
    Today,
    Household,
    Person,
    /// What a list function has in hand, by its depth.
    Var(usize),
    Field(Box<Node>, FieldRef),
    Has(Box<Node>, FieldRef),
    List(Vec<Node>),
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    If(Box<[Node; 3]>),
    Compare(Compare, Box<[Node; 2]>),
    Arithmetic(Arithmetic, Box<[Node; 2]>),
    Negate(Box<Node>),
    In(Box<[Node; 2]>),
    Each(Each, Box<Node>, usize, Box<Node>),
    Call(Function, Vec<Node>),
}

/// Entries that a list of the view is taken to have, for what a condition costs before it has been evaluated.
fn usual_size(of: Owner) -> u64 {
    match of {
        Owner::Household => 1,
        Owner::Person => 12,
        Owner::Signal => 40,
        Owner::Helper => 4,
        Owner::Member => 8,
    }
}

impl Node {
    /// The nodes right below.
    pub(crate) fn below(&self) -> Vec<&Node> {
        match self {
            Self::Bool(_) | Self::Int(_) | Self::Number(_) | Self::Text(_) | Self::Date(_) | Self::Today => Vec::new(),
            Self::Household | Self::Person | Self::Var(_) => Vec::new(),
            Self::Field(of, _) | Self::Has(of, _) | Self::Not(of) | Self::Negate(of) => vec![of],
            Self::List(all) | Self::And(all) | Self::Or(all) | Self::Call(_, all) => all.iter().collect(),
            Self::If(parts) => parts.iter().collect(),
            Self::Compare(_, two) | Self::Arithmetic(_, two) | Self::In(two) => two.iter().collect(),
            Self::Each(_, list, _, body) => vec![list, body],
        }
    }

    /// Whether this node or one below it is such a one.
    pub(crate) fn any(&self, test: &mut impl FnMut(&Node) -> bool) -> bool {
        test(self) || self.below().into_iter().any(|node| node.any(test))
    }

    /// How many entries its value is taken to have.
    fn size(&self) -> u64 {
        match self {
            Self::Field(_, field) => match field.field().map(|f| f.kind) {
                Some(Kind::List(of)) => usual_size(of),
                Some(Kind::Texts) => 8,
                _ => 1,
            },
            Self::List(all) => all.len() as u64,
            Self::Each(Each::Filter | Each::Map, list, ..) => list.size(),
            _ => 1,
        }
    }

    /// Steps that an evaluation is taken to need for a household of the usual size.
    pub(crate) fn cost(&self) -> u64 {
        let below: u64 = match self {
            Self::Each(_, list, _, body) => {
                list.cost().saturating_add(list.size().saturating_mul(body.cost().saturating_add(1)))
            }
            // Signals of a member are found among all of the household's.
            Self::Field(_, field) => {
                self.below().iter().map(|n| n.cost()).sum::<u64>() + u64::from(field.owner == Owner::Person)
            }
            Self::In(two) => two[0].cost().saturating_add(two[1].cost()),
            _ => self.below().iter().fold(0, |sum, node| sum.saturating_add(node.cost())),
        };
        below.saturating_add(1)
    }

    /// How many list functions lie inside one another.
    pub(crate) fn nesting(&self) -> usize {
        let below = self.below().iter().map(|node| node.nesting()).max().unwrap_or(0);
        below + usize::from(matches!(self, Self::Each(..)))
    }

    /// The fields that it reads.
    pub(crate) fn reads(&self) -> Reads {
        let mut out = Reads::default();
        if let Self::Field(_, field) | Self::Has(_, field) = self {
            out.add(*field);
        }
        self.below().iter().fold(out, |all, node| all.and(node.reads()))
    }

    /// The parts of the register that it reads, as bits.
    pub(crate) fn parts(&self) -> u16 {
        let own = match self {
            Self::Field(_, field) | Self::Has(_, field) => field.field().map_or(0, |f| f.part.bit()),
            _ => 0,
        };
        self.below().iter().fold(own, |bits, node| bits | node.parts())
    }
}

/// What a household has, as bits: kinds of signals in force about it, its helpers and its team, and tiers other than low
/// of counties that members work in.
pub(crate) type Mask = u128;

const WHOSE: [Whose; 3] = [Whose::House, Whose::Helper, Whose::Team];
const WORK_FROM: usize = WHOSE.len() * SIGNAL_KINDS.len();
const _: () = assert!(WORK_FROM + 2 <= Mask::BITS as usize, "more kinds of signal than a mask has bits");

/// Whose signals a bit is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// The household and its members.
    House,
    /// Its helpers.
    Helper,
    /// The village's team.
    Team,
}

/// The bit of a kind of signal.
pub(crate) fn signal_bit(whose: Whose, kind: &str) -> Mask {
    let row = WHOSE.iter().position(|w| *w == whose).unwrap_or(0);
    SIGNAL_KINDS.iter().position(|k| *k == kind).map_or(0, |at| 1 << (row * SIGNAL_KINDS.len() + at))
}

/// The kinds of signals whose bits a mask has.
pub(crate) fn kinds_of(mask: Mask, whose: Whose) -> Vec<String> {
    let has = |kind: &&&str| mask & signal_bit(whose, kind) != 0;
    SIGNAL_KINDS.iter().filter(has).map(|kind| (*kind).to_owned()).collect()
}

/// The bit of a tier of a county that somebody works in.
pub(crate) fn work_bit(tier: Tier) -> Mask {
    match tier {
        Tier::Low => 0,
        Tier::Medium => 1 << WORK_FROM,
        Tier::High => 1 << (WORK_FROM + 1),
    }
}

/// What must be there for a condition to hold: at least one bit of the mask. `None` where nothing of that sort must.
pub(crate) fn guard(node: &Node) -> Option<Mask> {
    match node {
        Node::Bool(false) => Some(0),
        Node::And(all) => all.iter().filter_map(guard).min_by_key(|mask| mask.count_ones()),
        Node::Or(all) => all.iter().try_fold(0, |sum, node| Some(sum | guard(node)?)),
        Node::Each(Each::Exists | Each::ExistsOne, list, var, body) => found(list, Some((*var, body))),
        Node::Compare(how, two) => match (how, &two[0], &two[1]) {
            (Compare::Equal, Node::Field(_, field), Node::Text(tier))
            | (Compare::Equal, Node::Text(tier), Node::Field(_, field))
                if field.is_person(OfPerson::WorkTier) =>
            {
                tier_mask(tier)
            }
            (Compare::Greater | Compare::GreaterOrEqual | Compare::Equal, Node::Call(function, args), least) => {
                let above = match least {
                    Node::Int(n) => *n as f64,
                    Node::Number(n) => *n,
                    _ => return None,
                };
                let needs_one = above > 0.0 || (above == 0.0 && *how == Compare::Greater);
                match function {
                    Function::Size | Function::Sum | Function::SumInt if needs_one => found(args.first()?, None),
                    Function::Min | Function::Max => found(args.first()?, None),
                    _ => None,
                }
            }
            _ => None,
        },
        Node::In(two) => match (&two[0], &two[1]) {
            (Node::Field(_, field), Node::List(all)) if field.is_person(OfPerson::WorkTier) => {
                all.iter().try_fold(0, |sum, node| match node {
                    Node::Text(tier) => Some(sum | tier_mask(tier)?),
                    _ => None,
                })
            }
            _ => None,
        },
        _ => None,
    }
}

fn tier_mask(name: &str) -> Option<Mask> {
    Tier::from_name(name).map(work_bit).filter(|mask| *mask != 0)
}

/// What must be there for a list to have an entry, one that satisfies the test where there is one.
fn found(list: &Node, test: Option<(usize, &Node)>) -> Option<Mask> {
    match list {
        Node::Field(_, field) => match field.field()?.kind {
            Kind::List(Owner::Signal) if !field.is_household(OfHousehold::EndedSignals) => {
                let whose = match field.owner {
                    Owner::Helper => Whose::Helper,
                    Owner::Member => Whose::Team,
                    _ => Whose::House,
                };
                let kinds = test.and_then(|(var, body)| kinds(body, var));
                let all = || SIGNAL_KINDS.iter().map(|kind| (*kind).to_owned()).collect();
                let kinds: Vec<String> = kinds.unwrap_or_else(all);
                Some(kinds.iter().fold(0, |mask, kind| mask | signal_bit(whose, kind)))
            }
            _ => test.and_then(|(_, body)| guard(body)),
        },
        Node::Each(Each::Filter, inner, var, body) => {
            let narrowed = found(inner, Some((*var, body)));
            let outer = test.and_then(|(_, body)| guard(body));
            [narrowed, outer].into_iter().flatten().min_by_key(|mask| mask.count_ones())
        }
        Node::Each(Each::Map, inner, ..) => found(inner, None),
        _ => None,
    }
}

/// The kinds one of which a signal must be for a test of it to hold.
pub(crate) fn kinds(body: &Node, var: usize) -> Option<Vec<String>> {
    let is_kind = |node: &Node| matches!(node, Node::Field(of, field) if field.is_signal(OfSignal::Kind) && **of == Node::Var(var));
    match body {
        Node::Compare(Compare::Equal, two) => match (&two[0], &two[1]) {
            (field, Node::Text(kind)) | (Node::Text(kind), field) if is_kind(field) => Some(vec![kind.clone()]),
            _ => None,
        },
        Node::In(two) if is_kind(&two[0]) => match &two[1] {
            Node::List(all) => all
                .iter()
                .map(|node| match node {
                    Node::Text(kind) => Some(kind.clone()),
                    _ => None,
                })
                .collect(),
            _ => None,
        },
        Node::And(all) => all.iter().filter_map(|node| kinds(node, var)).min_by_key(Vec::len),
        Node::Or(all) => all.iter().try_fold(Vec::new(), |mut sum, node| {
            sum.extend(kinds(node, var)?);
            Some(sum)
        }),
        _ => None,
    }
}

/// Kinds of signals whose presence rules a condition out: those that it denies.
pub(crate) fn against(node: &Node) -> Vec<String> {
    let mut out = Vec::new();
    denied(node, false, &mut out);
    out
}

fn denied(node: &Node, under_not: bool, out: &mut Vec<String>) {
    match node {
        Node::Not(inner) => denied(inner, !under_not, out),
        Node::Each(Each::Exists, _, var, body) if under_not => {
            for kind in kinds(body, *var).unwrap_or_default() {
                if !out.contains(&kind) {
                    out.push(kind);
                }
            }
        }
        other => other.below().into_iter().for_each(|inner| denied(inner, under_not, out)),
    }
}

/// The member of a signal's value that a condition reads: `amount`, `grade` or `result`.
pub(crate) fn signal_value(node: &Node) -> Option<&'static str> {
    for (field, name) in [(OfSignal::Amount, "amount"), (OfSignal::Grade, "grade"), (OfSignal::Result, "result")] {
        let reads = |n: &Node| matches!(n, Node::Field(_, of) | Node::Has(_, of) if of.is_signal(field));
        if node.any(&mut { reads }) {
            return Some(name);
        }
    }
    None
}
