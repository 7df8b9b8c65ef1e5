//! Reads a rule's condition: CEL text in, a checked plan out. The `cel` crate parses; what a rule may name, which types
//! fit and what it may cost is decided here, when the profile loads.

use std::cell::RefCell;
use std::collections::BTreeMap;

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, SourceInfo, operators};
use serde::Serialize;

use super::nearest;
use super::plan::{self, Arithmetic, Compare, Each, FieldRef, Function, Mask, Node, Reads};
use super::view::{FUNCTIONS, Kind, Owner, day_number};
use crate::assess::evaluate::DEPTH;

/// The longest condition, in characters.
const LONGEST: usize = 4_000;
/// Steps that a condition may be taken to need for a household of the usual size.
const COST: u64 = 20_000;

/// A condition that was checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    text: String,
    pub(crate) root: Node,
    guard: Option<Mask>,
    parts: u16,
    reads: Reads,
    cost: u64,
}

impl Serialize for Expression {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.text)
    }
}

impl Expression {
    /// As the profile has it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What must be there for it to hold; `None` where every household has to be asked.
    pub(crate) fn guard(&self) -> Option<Mask> {
        self.guard
    }

    /// Whether a household without any signal, and with nobody who works in a county of a raised tier, can satisfy it.
    pub fn asks_everybody(&self) -> bool {
        self.guard.is_none()
    }

    /// The parts of the register that it reads, as bits of [`super::view::Part`].
    pub fn parts(&self) -> u16 {
        self.parts
    }

    /// The fields of household and member that it reads.
    pub(crate) fn reads(&self) -> Reads {
        self.reads
    }

    /// Steps that it is taken to need for a household of the usual size.
    pub fn cost(&self) -> u64 {
        self.cost
    }
}

/// What is wrong with a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// The definition that it lies in; none where it lies in the condition itself.
    pub(super) definition: Option<String>,
    /// Bytes before it.
    pub(super) at: usize,
    pub(super) what: &'static str,
    pub(super) found: String,
    pub(super) expected: String,
}

/// A parsed text.
pub(super) struct Parsed {
    text: String,
    expr: IdedExpr,
    info: SourceInfo,
}

/// Parses a text.
pub(super) fn parsed(text: &str) -> Result<Parsed, Fault> {
    let fault = |at, what, found: String, expected: &str| Fault {
        definition: None,
        at,
        what,
        found,
        expected: expected.to_owned(),
    };
    let length = text.chars().count();
    if length > LONGEST {
        return Err(fault(0, "profile-cel-long", length.to_string(), &LONGEST.to_string()));
    }
    let parser = cel::Env::default().with_optional_support(false).parser();
    match parser.parse_with_source_info(text) {
        Ok((expr, info)) => Ok(Parsed { text: text.to_owned(), expr, info }),
        Err(errors) => {
            let first = errors.errors.first();
            let (line, column) = first.map_or((0, 0), |e| e.pos);
            let said = first.map(|e| e.msg.clone()).unwrap_or_default();
            let before = text.split_inclusive('\n').take(usize::try_from(line - 1).unwrap_or(0));
            let line_at: usize = before.map(str::len).sum();
            let line = text.get(line_at..).unwrap_or_default();
            let column = usize::try_from(column - 1).unwrap_or(0);
            let at = line_at + line.chars().take(column).map(char::len_utf8).sum::<usize>();
            Err(fault(at, "profile-cel-syntax", said, ""))
        }
    }
}

/// What a condition may name besides the view.
#[derive(Default)]
pub(super) struct Names {
    pub(super) definitions: BTreeMap<String, Parsed>,
    pub(super) warnings: BTreeMap<String, f64>,
}

/// The type of a value.
#[derive(Debug, Clone, PartialEq)]
enum Type {
    Bool,
    Int,
    Number,
    Text,
    Choice(&'static [&'static str]),
    Date,
    Object(Owner),
    List(Box<Type>),
}

impl Type {
    fn of(kind: Kind) -> Self {
        match kind {
            Kind::Bool => Self::Bool,
            Kind::Int => Self::Int,
            Kind::Number => Self::Number,
            Kind::Text => Self::Text,
            Kind::Choice(all) => Self::Choice(all),
            Kind::Date => Self::Date,
            Kind::Texts => Self::List(Box::new(Self::Text)),
            Kind::List(of) => Self::List(Box::new(Self::Object(of))),
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Bool => "bool".to_owned(),
            Self::Int => "int".to_owned(),
            Self::Number => "double".to_owned(),
            Self::Text | Self::Choice(_) => "string".to_owned(),
            Self::Date => "date".to_owned(),
            Self::Object(of) => of.name().to_owned(),
            Self::List(of) => format!("list({})", of.name()),
        }
    }

    fn is_text(&self) -> bool {
        matches!(self, Self::Text | Self::Choice(_))
    }

    fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Number)
    }

    /// Whether two values may be compared.
    fn meets(&self, other: &Self) -> bool {
        self == other || (self.is_number() && other.is_number()) || (self.is_text() && other.is_text())
    }
}

/// It was told already.
struct Told;

type Checked = Result<(Node, Type), Told>;

struct Checker<'n> {
    names: &'n Names,
    person: bool,
    /// Names in hand, innermost last.
    vars: Vec<(String, Type)>,
    /// Definitions being read, outermost first.
    within: Vec<String>,
    /// The texts being read, innermost last.
    infos: Vec<&'n SourceInfo>,
    faults: RefCell<Vec<Fault>>,
    /// The definition that is checked by itself; none for a condition.
    own: Option<String>,
    /// Nodes read, definitions as often as they are used.
    nodes: u64,
}

/// Checks a condition; every fault is told.
pub(super) fn check(parsed: &Parsed, names: &Names, person: bool) -> Result<Expression, Vec<Fault>> {
    let mut checker = Checker {
        names,
        person,
        vars: Vec::new(),
        within: Vec::new(),
        infos: vec![&parsed.info],
        faults: RefCell::default(),
        own: None,
        nodes: 0,
    };
    if let Ok((root, kind)) = checker.node(&parsed.expr) {
        if kind != Type::Bool {
            checker.fault(&parsed.expr, "profile-cel-result", kind.name(), "bool");
        }
        let (cost, nesting) = (root.cost(), root.nesting());
        if nesting > DEPTH {
            checker.fault(&parsed.expr, "profile-cel-nesting", nesting.to_string(), DEPTH.to_string());
        } else if cost > COST {
            checker.fault(&parsed.expr, "profile-cel-cost", cost.to_string(), COST.to_string());
        }
        if checker.faults.borrow().is_empty() {
            let (guard, parts, reads) = (plan::guard(&root), root.parts(), root.reads());
            return Ok(Expression { text: parsed.text.trim().to_owned(), root, guard, parts, reads, cost });
        }
    }
    Err(checker.faults.into_inner())
}

/// Checks a definition by itself, with a person in hand: the rules that use it say whether there is one.
pub(super) fn check_definition(name: &str, names: &Names) -> Vec<Fault> {
    let Some(parsed) = names.definitions.get(name) else {
        return Vec::new();
    };
    let mut checker = Checker {
        names,
        person: true,
        vars: Vec::new(),
        within: vec![name.to_owned()],
        infos: vec![&parsed.info],
        faults: RefCell::default(),
        own: Some(name.to_owned()),
        nodes: 0,
    };
    let _ = checker.node(&parsed.expr);
    let mut faults = checker.faults.into_inner();
    // Faults of the definitions that it uses are told with those.
    faults.retain(|fault| fault.definition.as_deref() == Some(name));
    faults
}

impl<'n> Checker<'n> {
    fn fault(&self, node: &IdedExpr, what: &'static str, found: impl Into<String>, expected: impl Into<String>) {
        self.fault_at(self.start(node), what, found, expected);
    }

    fn fault_at(&self, at: usize, what: &'static str, found: impl Into<String>, expected: impl Into<String>) {
        self.faults.borrow_mut().push(Fault {
            definition: self.within.last().cloned(),
            at,
            what,
            found: found.into(),
            expected: expected.into(),
        });
    }

    fn offset(&self, node: &IdedExpr) -> usize {
        self.infos.last().and_then(|info| info.offset_for(node.id)).map_or(0, |(start, _)| start as usize)
    }

    /// Bytes before an expression: the parser places calls at their bracket, fields at their dot and operators at
    /// themselves.
    fn start(&self, node: &IdedExpr) -> usize {
        match &node.expr {
            Expr::Select(select) => self.start(&select.operand),
            Expr::Call(call) => match (&call.target, call.args.first()) {
                (Some(target), _) => self.start(target),
                (None, Some(first)) if call.func_name.starts_with(['_', '@']) => self.start(first),
                _ if call.func_name.ends_with('_') => self.offset(node),
                _ => self.offset(node).saturating_sub(call.func_name.len()),
            },
            _ => self.offset(node),
        }
    }

    fn refuse<T>(
        &self,
        node: &IdedExpr,
        what: &'static str,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Result<T, Told> {
        self.fault(node, what, found, expected);
        Err(Told)
    }

    fn node(&mut self, expr: &'n IdedExpr) -> Checked {
        self.nodes += 1;
        if self.nodes == COST {
            let definition = self.own.clone();
            let (found, expected) = (COST.to_string(), COST.to_string());
            self.faults.borrow_mut().push(Fault { definition, at: 0, what: "profile-cel-cost", found, expected });
        }
        if self.nodes >= COST {
            return Err(Told);
        }
        match &expr.expr {
            Expr::Literal(literal) => self.literal(expr, literal),
            Expr::Ident(name) => self.name(expr, name),
            Expr::Select(select) => {
                if let Expr::Ident(name) = &select.operand.expr
                    && name == "warning"
                {
                    return match self.names.warnings.get(&select.field) {
                        Some(threshold) => Ok((Node::Number(*threshold), Type::Number)),
                        None => {
                            let known = self.names.warnings.keys().map(String::as_str);
                            let near = nearest(&select.field, known.clone());
                            let expected = near.unwrap_or_else(|| known.collect::<Vec<_>>().join(", "));
                            self.refuse(expr, "profile-cel-warning", select.field.clone(), expected)
                        }
                    };
                }
                let (of, field, kind) = self.field(expr, &select.operand, &select.field)?;
                Ok((Node::Field(Box::new(of), field), kind))
            }
            Expr::List(list) => {
                let mut all = Vec::new();
                let mut kind: Option<Type> = None;
                for one in &list.elements {
                    let (node, own) = self.node(one)?;
                    match &kind {
                        Some(kind) if *kind != own => {
                            return self.refuse(one, "profile-cel-list", own.name(), kind.name());
                        }
                        _ => kind = Some(own),
                    }
                    all.push(node);
                }
                match kind {
                    Some(kind) => Ok((Node::List(all), Type::List(Box::new(kind)))),
                    None => self.refuse(expr, "profile-empty-list", "[]", "[\"…\"]"),
                }
            }
            Expr::Call(call) => self.call(expr, call),
            Expr::Map(_) => self.refuse(expr, "profile-cel-form", "{ … }", "[ … ]"),
            Expr::Struct(_) => self.refuse(expr, "profile-cel-form", "Type{ … }", "[ … ]"),
            Expr::Comprehension(_) | Expr::Unspecified => self.refuse(expr, "profile-cel-form", "…", "exists"),
        }
    }

    fn literal(&self, expr: &IdedExpr, literal: &LiteralValue) -> Checked {
        Ok(match literal {
            LiteralValue::Boolean(yes) => (Node::Bool(*yes.inner()), Type::Bool),
            LiteralValue::Int(n) => (Node::Int(*n.inner()), Type::Int),
            LiteralValue::Double(n) => (Node::Number(*n.inner()), Type::Number),
            LiteralValue::String(text) => (Node::Text(text.inner().to_owned()), Type::Text),
            LiteralValue::UInt(_) => return self.refuse(expr, "profile-cel-form", "1u", "1"),
            LiteralValue::Bytes(_) => return self.refuse(expr, "profile-cel-form", "b\"…\"", "\"…\""),
            LiteralValue::Null => return self.refuse(expr, "profile-cel-form", "null", "!has(…)"),
        })
    }

    fn name(&mut self, expr: &'n IdedExpr, name: &str) -> Checked {
        if let Some((at, (_, kind))) = self.vars.iter().enumerate().rfind(|(_, (var, _))| var == name) {
            return Ok((Node::Var(at), kind.clone()));
        }
        match name {
            "household" => return Ok((Node::Household, Type::Object(Owner::Household))),
            "person" if self.person => return Ok((Node::Person, Type::Object(Owner::Person))),
            "person" => return self.refuse(expr, "profile-cel-person", name, "household.persons.exists(p, …)"),
            "today" => return Ok((Node::Today, Type::Date)),
            _ => {}
        }
        let Some(definition) = self.names.definitions.get(name) else {
            let known = ["household", "person", "today", "warning"];
            let own = self.vars.iter().map(|(var, _)| var.as_str());
            let all: Vec<&str> =
                known.into_iter().chain(own).chain(self.names.definitions.keys().map(String::as_str)).collect();
            let near = nearest(name, all.iter().copied());
            return self.refuse(expr, "profile-cel-name", name, near.unwrap_or_else(|| all.join(", ")));
        };
        if self.within.iter().any(|outer| outer == name) {
            let round = format!("{} → {name}", self.within.join(" → "));
            // A circle is the fault of each of those in it, and told once with each.
            let definition = self.within.first().cloned();
            let fault = Fault { definition, at: 0, what: "profile-cel-cycle", found: round, expected: String::new() };
            self.faults.borrow_mut().push(fault);
            return Err(Told);
        }
        // A definition sees nothing of where it is used but how deep that lies.
        let vars = std::mem::take(&mut self.vars);
        self.vars.extend(vars.iter().map(|(_, kind)| (String::new(), kind.clone())));
        self.within.push(name.to_owned());
        self.infos.push(&definition.info);
        let out = self.node(&definition.expr);
        self.infos.pop();
        self.within.pop();
        self.vars = vars;
        out
    }

    fn field(&mut self, expr: &IdedExpr, of: &'n IdedExpr, name: &str) -> Result<(Node, FieldRef, Type), Told> {
        let (of, kind) = self.node(of)?;
        let Type::Object(owner) = kind else {
            return self.refuse(expr, "profile-cel-no-fields", format!("{} .{name}", kind.name()), "household.…");
        };
        let names = owner.fields().iter().map(|f| f.name);
        match owner.fields().iter().position(|f| f.name == name) {
            Some(at) => {
                let field = FieldRef { owner, at };
                let kind = field.field().map_or(Type::Bool, |f| Type::of(f.kind));
                Ok((of, field, kind))
            }
            None => {
                let near = nearest(name, names.clone()).map(|near| format!("{}.{near}", owner.name()));
                let expected = near.unwrap_or_else(|| names.collect::<Vec<_>>().join(", "));
                // Right behind the dot.
                let found = format!("{}.{name}", owner.name());
                self.fault_at(self.offset(expr) + 1, "profile-cel-field", found, expected);
                Err(Told)
            }
        }
    }

    fn bool(&mut self, expr: &'n IdedExpr) -> Result<Node, Told> {
        match self.node(expr)? {
            (node, Type::Bool) => Ok(node),
            (_, other) => self.refuse(expr, "profile-cel-type", other.name(), "bool"),
        }
    }

    /// The parts of `a && b && c`, whichever way they are bracketed.
    fn joined(&mut self, operator: &str, expr: &'n IdedExpr, out: &mut Vec<Node>) -> Result<(), Told> {
        match &expr.expr {
            Expr::Call(call) if call.func_name == operator => {
                // Both sides are read, so that all their faults are told.
                let done: Vec<_> = call.args.iter().map(|part| self.joined(operator, part, out)).collect();
                done.into_iter().collect()
            }
            _ => {
                out.push(self.bool(expr)?);
                Ok(())
            }
        }
    }

    fn call(&mut self, expr: &'n IdedExpr, call: &'n CallExpr) -> Checked {
        let args: Vec<&'n IdedExpr> = call.args.iter().collect();
        match (call.func_name.as_str(), call.target.as_deref(), args.as_slice()) {
            (operators::LOGICAL_AND, None, _) => {
                let mut all = Vec::new();
                self.joined(operators::LOGICAL_AND, expr, &mut all)?;
                Ok((Node::And(all), Type::Bool))
            }
            (operators::LOGICAL_OR, None, _) => {
                let mut all = Vec::new();
                self.joined(operators::LOGICAL_OR, expr, &mut all)?;
                Ok((Node::Or(all), Type::Bool))
            }
            (operators::LOGICAL_NOT, None, [inner]) => Ok((Node::Not(Box::new(self.bool(inner)?)), Type::Bool)),
            (operators::CONDITIONAL, None, [test, yes, no]) => {
                let test = self.bool(test)?;
                let (yes, kind) = self.node(yes)?;
                match self.node(no)? {
                    (other, same) if same == kind => Ok((Node::If(Box::new([test, yes, other])), kind)),
                    (_, other) => self.refuse(no, "profile-cel-type", other.name(), kind.name()),
                }
            }
            (operators::NEGATE, None, [inner]) => match self.node(inner)? {
                (node, kind) if kind.is_number() => Ok((Node::Negate(Box::new(node)), kind)),
                (_, other) => self.refuse(inner, "profile-cel-type", other.name(), "int | double"),
            },
            (operators::IN, None, [one, list]) => self.is_in(one, list),
            ("has", None, [inner]) => match &inner.expr {
                Expr::Select(select) => {
                    let (of, field, _) = self.field(inner, &select.operand, &select.field)?;
                    match field.field() {
                        Some(known) if !known.open => self.refuse(inner, "profile-cel-always", known.name, ""),
                        _ => Ok((Node::Has(Box::new(of), field), Type::Bool)),
                    }
                }
                _ => self.refuse(expr, "profile-cel-arguments", "has", "has(person.age)"),
            },
            (name, None, [a, b]) if comparison(name).is_some() => {
                let how = comparison(name).unwrap_or(Compare::Equal);
                self.compared(how, a, b)
            }
            (name, None, [a, b]) if arithmetic(name).is_some() => {
                let what = arithmetic(name).unwrap_or(Arithmetic::Add);
                let (left, kind) = self.node(a)?;
                let (right, other) = self.node(b)?;
                if !kind.is_number() {
                    return self.refuse(a, "profile-cel-type", kind.name(), "int | double");
                }
                if kind != other || (what == Arithmetic::Remainder && kind != Type::Int) {
                    let expected = if what == Arithmetic::Remainder { "int".to_owned() } else { kind.name() };
                    return self.refuse(b, "profile-cel-type", other.name(), expected);
                }
                Ok((Node::Arithmetic(what, Box::new([left, right])), kind))
            }
            ("exists", Some(list), [var, body]) => self.each(Each::Exists, list, var, body),
            ("all", Some(list), [var, body]) => self.each(Each::All, list, var, body),
            ("exists_one", Some(list), [var, body]) => self.each(Each::ExistsOne, list, var, body),
            ("filter", Some(list), [var, body]) => self.each(Each::Filter, list, var, body),
            ("map", Some(list), [var, body]) => self.each(Each::Map, list, var, body),
            (name @ ("startsWith" | "endsWith" | "contains"), Some(text), [part]) => {
                let (a, b) = (self.text(text)?, self.text(part)?);
                let function = match name {
                    "startsWith" => Function::StartsWith,
                    "endsWith" => Function::EndsWith,
                    _ => Function::Contains,
                };
                Ok((Node::Call(function, vec![a, b]), Type::Bool))
            }
            ("date", None, [inner]) => match &inner.expr {
                Expr::Literal(LiteralValue::String(text)) => {
                    match day_number(text.inner()).filter(|_| text.inner().len() == 10) {
                        Some(day) => Ok((Node::Date(day), Type::Date)),
                        None => self.refuse(inner, "profile-day", text.inner(), "date(\"2020-02-04\")"),
                    }
                }
                _ => self.refuse(inner, "profile-cel-arguments", "date", "date(\"2020-02-04\")"),
            },
            ("days", None, [a, b]) => {
                let (a, b) = (self.date(a)?, self.date(b)?);
                Ok((Node::Call(Function::Days, vec![a, b]), Type::Int))
            }
            ("size", None, [inner]) => match self.node(inner)? {
                (node, Type::List(_) | Type::Text | Type::Choice(_)) => {
                    Ok((Node::Call(Function::Size, vec![node]), Type::Int))
                }
                (_, other) => self.refuse(inner, "profile-cel-type", other.name(), "list | string"),
            },
            (name @ ("sum" | "min" | "max"), None, [inner]) => {
                let (node, kind) = self.node(inner)?;
                let of = match &kind {
                    Type::List(of) if of.is_number() || (**of == Type::Date && name != "sum") => (**of).clone(),
                    _ => {
                        let expected = if name == "sum" { "list(double)" } else { "list(double) | list(date)" };
                        return self.refuse(inner, "profile-cel-type", kind.name(), expected);
                    }
                };
                let function = match (name, &of) {
                    ("sum", Type::Int) => Function::SumInt,
                    ("sum", _) => Function::Sum,
                    ("min", _) => Function::Min,
                    _ => Function::Max,
                };
                Ok((Node::Call(function, vec![node]), of))
            }
            (name @ ("double" | "int"), None, [inner]) => match self.node(inner)? {
                (node, kind) if kind.is_number() => {
                    let (function, kind) =
                        if name == "double" { (Function::Double, Type::Number) } else { (Function::Int, Type::Int) };
                    Ok((Node::Call(function, vec![node]), kind))
                }
                (_, other) => self.refuse(inner, "profile-cel-type", other.name(), "int | double"),
            },
            (name, target, _) => {
                let known = FUNCTIONS.map(|(shape, ..)| (bare(shape), shape));
                match known.iter().find(|(bare, _)| *bare == name) {
                    Some((_, shape)) => self.refuse(expr, "profile-cel-arguments", name, *shape),
                    None => {
                        let near = nearest(name, known.iter().map(|(bare, _)| *bare));
                        let near = near.and_then(|near| known.iter().find(|(bare, _)| *bare == near));
                        let all = || known.map(|(bare, _)| bare).join(", ");
                        let expected = near.map_or_else(all, |(_, shape)| (*shape).to_owned());
                        let shown = name.trim_matches('_');
                        let shown = if target.is_some() { format!(".{shown}()") } else { format!("{shown}()") };
                        let at = self.offset(expr).saturating_sub(name.len());
                        self.fault_at(at, "profile-cel-function", shown, expected);
                        Err(Told)
                    }
                }
            }
        }
    }

    fn text(&mut self, expr: &'n IdedExpr) -> Result<Node, Told> {
        match self.node(expr)? {
            (node, kind) if kind.is_text() => Ok(node),
            (_, other) => self.refuse(expr, "profile-cel-type", other.name(), "string"),
        }
    }

    fn date(&mut self, expr: &'n IdedExpr) -> Result<Node, Told> {
        match self.node(expr)? {
            (node, Type::Date) => Ok(node),
            (Node::Text(text), _) => self.refuse(expr, "profile-cel-type", "string", format!("date(\"{text}\")")),
            (_, other) => self.refuse(expr, "profile-cel-type", other.name(), "date"),
        }
    }

    fn each(&mut self, how: Each, list: &'n IdedExpr, var: &'n IdedExpr, body: &'n IdedExpr) -> Checked {
        let (node, kind) = self.node(list)?;
        let Type::List(of) = kind else {
            return self.refuse(list, "profile-cel-type", kind.name(), "list");
        };
        let Expr::Ident(name) = &var.expr else {
            return self.refuse(var, "profile-cel-variable", "", "household.persons.exists(p, …)");
        };
        if ["household", "person", "today", "warning"].contains(&name.as_str())
            || self.vars.iter().any(|(outer, _)| outer == name)
            || self.names.definitions.contains_key(name)
        {
            return self.refuse(var, "profile-cel-taken", name.clone(), "");
        }
        if self.vars.len() >= DEPTH {
            return self.refuse(list, "profile-cel-nesting", (self.vars.len() + 1).to_string(), DEPTH.to_string());
        }
        let at = self.vars.len();
        self.vars.push((name.clone(), (*of).clone()));
        let inner = self.node(body);
        self.vars.pop();
        let (inner, kind) = inner?;
        let result = match how {
            Each::Map => Type::List(Box::new(kind)),
            _ if kind != Type::Bool => return self.refuse(body, "profile-cel-type", kind.name(), "bool"),
            Each::Filter => Type::List(of),
            _ => Type::Bool,
        };
        Ok((Node::Each(how, Box::new(node), at, Box::new(inner)), result))
    }

    fn is_in(&mut self, one: &'n IdedExpr, list: &'n IdedExpr) -> Checked {
        let (left, kind) = self.node(one)?;
        let (right, other) = self.node(list)?;
        let Type::List(of) = &other else {
            return self.refuse(list, "profile-cel-type", other.name(), format!("list({})", kind.name()));
        };
        if !kind.meets(of) {
            return self.refuse(list, "profile-cel-type", other.name(), format!("list({})", kind.name()));
        }
        if let (Type::Choice(all), Node::List(words), Expr::List(texts)) = (&kind, &right, &list.expr) {
            for (word, at) in words.iter().zip(&texts.elements) {
                self.known_word(all, word, at)?;
            }
        } else if let (Type::Choice(all), Node::List(words)) = (&kind, &right) {
            for word in words {
                self.known_word(all, word, list)?;
            }
        }
        Ok((Node::In(Box::new([left, right])), Type::Bool))
    }

    /// A word that a choice does not have would never be found.
    fn known_word(&self, all: &'static [&'static str], word: &Node, at: &IdedExpr) -> Result<(), Told> {
        match word {
            Node::Text(word) if !all.contains(&word.as_str()) => {
                let near = nearest(word, all.iter().copied());
                self.refuse(at, "profile-cel-word", word.clone(), near.unwrap_or_else(|| all.join(", ")))
            }
            _ => Ok(()),
        }
    }

    fn compared(&mut self, how: Compare, a: &'n IdedExpr, b: &'n IdedExpr) -> Checked {
        let left = self.node(a);
        let right = self.node(b);
        let ((left, kind), (right, other)) = (left?, right?);
        if matches!(kind, Type::Object(_) | Type::List(_)) {
            return self.refuse(a, "profile-cel-type", kind.name(), "bool | int | double | string | date");
        }
        if !kind.meets(&other) {
            let expected = match (&kind, &right) {
                (Type::Date, Node::Text(text)) => format!("date(\"{text}\")"),
                _ => kind.name(),
            };
            return self.refuse(b, "profile-cel-compare", other.name(), expected);
        }
        let ordered = !matches!(how, Compare::Equal | Compare::NotEqual);
        if ordered && (kind == Type::Bool || kind.is_text()) {
            return self.refuse(a, "profile-cel-order", kind.name(), "int | double | date");
        }
        match (&kind, &other) {
            (Type::Choice(all), _) => self.known_word(all, &right, b)?,
            (_, Type::Choice(all)) => self.known_word(all, &left, a)?,
            _ => {}
        }
        Ok((Node::Compare(how, Box::new([left, right])), Type::Bool))
    }
}

/// The name in the shape of a function: `list.exists(v, test)` → `exists`.
fn bare(shape: &str) -> &str {
    let before = shape.split('(').next().unwrap_or(shape);
    before.rsplit('.').next().unwrap_or(before)
}

fn comparison(operator: &str) -> Option<Compare> {
    Some(match operator {
        operators::EQUALS => Compare::Equal,
        operators::NOT_EQUALS => Compare::NotEqual,
        operators::LESS => Compare::Less,
        operators::LESS_EQUALS => Compare::LessOrEqual,
        operators::GREATER => Compare::Greater,
        operators::GREATER_EQUALS => Compare::GreaterOrEqual,
        _ => return None,
    })
}

fn arithmetic(operator: &str) -> Option<Arithmetic> {
    Some(match operator {
        operators::ADD => Arithmetic::Add,
        operators::SUBSTRACT => Arithmetic::Subtract,
        operators::MULTIPLY => Arithmetic::Multiply,
        operators::DIVIDE => Arithmetic::Divide,
        operators::MODULO => Arithmetic::Remainder,
        _ => return None,
    })
}
