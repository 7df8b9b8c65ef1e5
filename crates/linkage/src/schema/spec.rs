//! The schema file: which columns there are, how they are compared, and what may be a pair at all.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::text::{Clean, Step};

/// Comparisons in one schema: four bits of a pattern each.
pub(super) const MOST_COMPARISONS: usize = 16;
/// Levels in one comparison, beside "missing" and "else".
pub(super) const MOST_LEVELS: usize = 13;
/// Blocking rules in one schema.
const MOST_RULES: usize = 64;

/// What is wrong with a schema file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaProblem {
    /// What kind of mistake.
    pub fault: Fault,
    /// Line of the file, from 1; 0 where the file as a whole is meant.
    pub line: usize,
    /// The key at fault, such as `column.kind`.
    pub key: String,
    /// What stands there.
    pub value: String,
    /// What would be right: names or ranges.
    pub want: String,
}

/// Kinds of mistakes in a schema file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is not TOML.
    Toml,
    /// Something that must be there is not.
    Missing,
    /// A key that a schema does not have.
    UnknownKey,
    /// A value of another type.
    Type,
    /// A column that is not in the schema.
    UnknownColumn,
    /// A column that is there twice.
    Twice,
    /// A word (kind, comparator, step) that does not exist.
    UnknownWord,
    /// A number out of its range.
    Range,
    /// More than a schema may hold.
    TooMany,
}

impl Fault {
    /// A name for the kind of mistake, for texts.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Toml => "toml",
            Self::Missing => "missing",
            Self::UnknownKey => "unknown-key",
            Self::Type => "type",
            Self::UnknownColumn => "unknown-column",
            Self::Twice => "twice",
            Self::UnknownWord => "unknown-word",
            Self::Range => "range",
            Self::TooMany => "too-many",
        }
    }
}

impl std::fmt::Display for SchemaProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let what = match self.fault {
            Fault::Toml => "is not TOML",
            Fault::Missing => "is missing",
            Fault::UnknownKey => "is no key of a schema",
            Fault::Type => "is of the wrong type",
            Fault::UnknownColumn => "is no column of this schema",
            Fault::Twice => "is there twice",
            Fault::UnknownWord => "is not known",
            Fault::Range => "is out of range",
            Fault::TooMany => "is too much",
        };
        write!(f, "line {}: {} = {:?} {what}; wanted: {}", self.line, self.key, self.value, self.want)
    }
}

impl std::error::Error for SchemaProblem {}

/// What a column holds; decides how it is cleaned, compared and used for finding pairs unless the schema says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A name or another short word.
    Name,
    /// Several words in an order: an address line, a title.
    Text,
    /// Words whose order does not matter.
    Words,
    /// A number or code that identifies.
    Code,
    /// One of a few values.
    Category,
    /// A date.
    Date,
    /// A quantity.
    Number,
    /// Several values with a separator between them.
    Array,
}

const KINDS: [(&str, Kind); 8] = [
    ("name", Kind::Name),
    ("text", Kind::Text),
    ("words", Kind::Words),
    ("code", Kind::Code),
    ("category", Kind::Category),
    ("date", Kind::Date),
    ("number", Kind::Number),
    ("array", Kind::Array),
];

impl Kind {
    fn levels(self) -> &'static [&'static str] {
        match self {
            Self::Name => &["exact", "jaro_winkler 0.92", "jaro_winkler 0.82"],
            Self::Text => &["exact", "damerau_levenshtein 0.85", "jaccard 0.5", "damerau_levenshtein 0.6"],
            Self::Words => &["exact", "jaccard 0.75", "jaccard 0.5", "common 1"],
            Self::Code => &["exact", "damerau_levenshtein 1", "damerau_levenshtein 2"],
            Self::Category => &["exact"],
            Self::Date => &["exact", "damerau_levenshtein 1", "swapped", "january_first", "exact .year"],
            Self::Number => &["exact", "percent 1", "percent 10"],
            Self::Array => &["exact", "common 2", "common 1"],
        }
    }

    fn clean(self) -> Vec<Clean> {
        match self {
            Self::Code => vec![Clean::Trim, Clean::Lower],
            Self::Date | Self::Number => vec![Clean::Trim],
            _ => vec![Clean::Trim, Clean::Lower, Clean::Fold],
        }
    }
}

/// A column of the data.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// How the schema calls it.
    pub name: String,
    /// Its header on the left side (or in the only file), and on the right.
    pub headers: [String; 2],
    /// What it holds.
    pub kind: Kind,
    pub(super) clean: Vec<Clean>,
    pub(super) nulls: Vec<String>,
    pub(super) separator: String,
    /// Whether months stand before days where the year is last.
    pub(super) month_first: bool,
    pub(super) frequency: bool,
}

/// A column, or what is made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expr {
    pub(super) column: usize,
    pub(super) steps: Vec<Step>,
}

/// How two values are measured against each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    Exact,
    Jaro,
    JaroWinkler,
    Levenshtein,
    Damerau,
    LevenshteinShare,
    DamerauShare,
    Jaccard,
    Bigrams,
    Common,
    Days,
    Months,
    Years,
    Swapped,
    JanuaryFirst,
    Difference,
    Percent,
    Prefix,
}

/// Comparators: name, what it measures, whether more is better, the range of its threshold (none: it has no threshold).
const MEASURES: [(&str, Measure, bool, Option<Range<f64>>); 16] = [
    ("exact", Measure::Exact, true, None),
    ("jaro", Measure::Jaro, true, Some(0.0..1.0)),
    ("jaro_winkler", Measure::JaroWinkler, true, Some(0.0..1.0)),
    ("levenshtein", Measure::Levenshtein, false, Some(0.0..64.0)),
    ("damerau_levenshtein", Measure::Damerau, false, Some(0.0..64.0)),
    ("jaccard", Measure::Jaccard, true, Some(0.0..1.0)),
    ("bigrams", Measure::Bigrams, true, Some(0.0..1.0)),
    ("common", Measure::Common, true, Some(1.0..64.0)),
    ("days", Measure::Days, false, Some(0.0..1e6)),
    ("months", Measure::Months, false, Some(0.0..1e5)),
    ("years", Measure::Years, false, Some(0.0..1e4)),
    ("swapped", Measure::Swapped, true, None),
    ("january_first", Measure::JanuaryFirst, true, None),
    ("difference", Measure::Difference, false, Some(0.0..1e300)),
    ("percent", Measure::Percent, false, Some(0.0..100.0)),
    ("prefix", Measure::Prefix, true, Some(1.0..64.0)),
];

/// One condition of a level.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Test {
    pub(super) measure: Measure,
    /// Expression on either side; two different ones are tried both ways round.
    pub(super) of: [usize; 2],
    /// At least (`more`) or at most so much.
    pub(super) at: f64,
    pub(super) more: bool,
}

/// A level of a comparison: it holds if all its tests do.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// As the schema writes it.
    pub text: String,
    pub(super) tests: Vec<Test>,
    /// Whether agreement counts by how rare the value is.
    pub(super) frequency: bool,
}

/// Levels of which the first that holds counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// How the schema calls it.
    pub name: String,
    /// From the strongest to the weakest; what fits none is "else".
    pub levels: Vec<Level>,
}

/// What a schema file says.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    /// Headers of the column that names a row, left and right.
    pub keys: [String; 2],
    /// The columns.
    pub columns: Vec<Column>,
    /// The comparisons.
    pub comparisons: Vec<Comparison>,
    pub(super) exprs: Vec<Expr>,
    /// Expressions of each blocking rule; none: they are chosen by the data.
    pub(super) rules: Vec<Vec<usize>>,
    /// How many sightings a prior is worth.
    pub(super) sightings: f64,
    /// Rows of the largest block that is searched.
    pub(super) largest: usize,
    /// Pairs per row that may be compared.
    pub(super) pairs_per_row: usize,
}

struct Reader<'a> {
    text: &'a str,
}

type Value<'a> = Spanned<DeValue<'a>>;

impl Reader<'_> {
    fn line(&self, at: usize) -> usize {
        1 + self.text.as_bytes().iter().take(at).filter(|c| **c == b'\n').count()
    }

    fn problem(&self, fault: Fault, at: Range<usize>, key: &str, want: impl Into<String>) -> SchemaProblem {
        let value = self.text.get(at.clone()).unwrap_or_default();
        let value: String = value.trim_matches(['"', '\'']).chars().take(80).collect();
        SchemaProblem { fault, line: self.line(at.start), key: key.to_owned(), value, want: want.into() }
    }

    fn keys(&self, table: &DeTable<'_>, at: &str, known: &[&str]) -> Result<(), SchemaProblem> {
        match table.keys().find(|key| !known.contains(&key.get_ref().as_ref())) {
            None => Ok(()),
            Some(key) => Err(self.problem(Fault::UnknownKey, key.span(), at, known.join(", "))),
        }
    }

    fn string(&self, value: &Value<'_>, key: &str) -> Result<String, SchemaProblem> {
        let text = value.get_ref().as_str();
        text.map(str::to_owned).ok_or_else(|| self.problem(Fault::Type, value.span(), key, "\"…\""))
    }

    fn strings(&self, value: &Value<'_>, key: &str) -> Result<Vec<(String, Range<usize>)>, SchemaProblem> {
        let list = value.get_ref().as_array();
        let list = list.ok_or_else(|| self.problem(Fault::Type, value.span(), key, "[\"…\", …]"))?;
        list.iter().map(|v| Ok((self.string(v, key)?, v.span()))).collect()
    }

    fn flag(&self, value: &Value<'_>, key: &str) -> Result<bool, SchemaProblem> {
        let flag = value.get_ref().as_bool();
        flag.ok_or_else(|| self.problem(Fault::Type, value.span(), key, "true, false"))
    }

    fn number(&self, value: &Value<'_>, key: &str, range: Range<f64>) -> Result<f64, SchemaProblem> {
        let read = match value.get_ref() {
            DeValue::Integer(i) => i64::from_str_radix(i.as_str(), i.radix()).ok().map(|i| i as f64),
            DeValue::Float(f) => f.as_str().parse().ok(),
            _ => None,
        };
        let want = format!("{} … {}", range.start, range.end);
        let number: f64 = read.ok_or_else(|| self.problem(Fault::Type, value.span(), key, want.clone()))?;
        if number >= range.start && number <= range.end {
            Ok(number)
        } else {
            Err(self.problem(Fault::Range, value.span(), key, want))
        }
    }

    fn tables<'t, 'v>(
        &self,
        root: &'t DeTable<'v>,
        key: &str,
    ) -> Result<Vec<(&'t DeTable<'v>, Range<usize>)>, SchemaProblem> {
        let Some(value) = root.get(key) else {
            return Ok(Vec::new());
        };
        let want = format!("[[{key}]]");
        let list = value.get_ref().as_array();
        let list = list.ok_or_else(|| self.problem(Fault::Type, value.span(), key, want.clone()))?;
        list.iter()
            .map(|v| {
                let table = v.get_ref().as_table();
                Ok((table.ok_or_else(|| self.problem(Fault::Type, v.span(), key, want.clone()))?, v.span()))
            })
            .collect()
    }
}

impl Schema {
    /// Reads a schema file.
    ///
    /// # Errors
    /// [`SchemaProblem`] with line, key, value and what would be right.
    pub fn from_toml(text: &str) -> Result<Self, SchemaProblem> {
        let reader = Reader { text };
        let root = DeTable::parse(text).map_err(|e| SchemaProblem {
            fault: Fault::Toml,
            line: e.span().map_or(0, |at| reader.line(at.start)),
            key: String::new(),
            value: e.message().to_owned(),
            want: "TOML".to_owned(),
        })?;
        let root = root.get_ref();
        reader.keys(root, "", &["key", "right_key", "column", "compare", "block", "prior", "blocking"])?;
        let missing = |key: &str, want: &str| SchemaProblem {
            fault: Fault::Missing,
            line: 0,
            key: key.to_owned(),
            value: String::new(),
            want: want.to_owned(),
        };
        let key = root.get("key").ok_or_else(|| missing("key", "key = \"id\""))?;
        let key = reader.string(key, "key")?;
        let right = root.get("right_key").map_or(Ok(key.clone()), |v| reader.string(v, "right_key"))?;
        let mut schema = Self {
            keys: [key, right],
            columns: Vec::new(),
            comparisons: Vec::new(),
            exprs: Vec::new(),
            rules: Vec::new(),
            sightings: 3.0,
            largest: 1_000,
            pairs_per_row: 150,
        };
        schema.read_settings(&reader, root)?;
        let columns = reader.tables(root, "column")?;
        if columns.is_empty() {
            return Err(missing("column", "[[column]]"));
        }
        for (table, at) in &columns {
            schema.read_column(&reader, table, at.clone())?;
        }
        for (at, (table, _)) in columns.iter().enumerate() {
            schema.read_own_levels(&reader, table, at)?;
        }
        for (table, at) in reader.tables(root, "compare")? {
            reader.keys(table, "compare", &["name", "levels", "tf"])?;
            let need = |key: &str| {
                table.get(key).ok_or_else(|| reader.problem(Fault::Missing, at.clone(), &format!("compare.{key}"), key))
            };
            let name = reader.string(need("name")?, "compare.name")?;
            let levels = reader.strings(need("levels")?, "compare.levels")?;
            let tf = table.get("tf").map_or(Ok(true), |v| reader.flag(v, "compare.tf"))?;
            schema.add_comparison(&reader, name, &levels, None, tf, at)?;
        }
        if schema.comparisons.is_empty() {
            return Err(missing("compare", "[[compare]]"));
        }
        for (table, at) in reader.tables(root, "block")? {
            reader.keys(table, "block", &["on"])?;
            let on = table.get("on");
            let on = on.ok_or_else(|| reader.problem(Fault::Missing, at.clone(), "block.on", "on = [\"…\"]"))?;
            let parts = reader.strings(on, "block.on")?;
            if parts.is_empty() {
                return Err(reader.problem(Fault::Missing, on.span(), "block.on", schema.column_names()));
            }
            let parts = parts.iter().map(|(text, at)| schema.expr(&reader, text, None, at.clone(), "block.on"));
            let parts = parts.collect::<Result<Vec<_>, _>>()?;
            if schema.rules.len() == MOST_RULES {
                return Err(reader.problem(Fault::TooMany, at, "block", format!("≤ {MOST_RULES}")));
            }
            schema.rules.push(parts);
        }
        Ok(schema)
    }

    fn read_settings(&mut self, reader: &Reader<'_>, root: &DeTable<'_>) -> Result<(), SchemaProblem> {
        if let Some(value) = root.get("prior") {
            let table = value.get_ref().as_table();
            let table = table.ok_or_else(|| reader.problem(Fault::Type, value.span(), "prior", "[prior]"))?;
            reader.keys(table, "prior", &["sightings"])?;
            if let Some(v) = table.get("sightings") {
                self.sightings = reader.number(v, "prior.sightings", 0.01..1e6)?;
            }
        }
        if let Some(value) = root.get("blocking") {
            let table = value.get_ref().as_table();
            let table = table.ok_or_else(|| reader.problem(Fault::Type, value.span(), "blocking", "[blocking]"))?;
            reader.keys(table, "blocking", &["largest", "pairs_per_row"])?;
            if let Some(v) = table.get("largest") {
                self.largest = reader.number(v, "blocking.largest", 2.0..100_000.0)? as usize;
            }
            if let Some(v) = table.get("pairs_per_row") {
                self.pairs_per_row = reader.number(v, "blocking.pairs_per_row", 1.0..10_000.0)? as usize;
            }
        }
        Ok(())
    }

    fn column_names(&self) -> String {
        self.columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    fn read_column(&mut self, reader: &Reader<'_>, table: &DeTable<'_>, at: Range<usize>) -> Result<(), SchemaProblem> {
        const KEYS: [&str; 12] = [
            "name",
            "kind",
            "header",
            "left",
            "right",
            "clean",
            "null",
            "separator",
            "month_first",
            "tf",
            "levels",
            "compare",
        ];
        reader.keys(table, "column", &KEYS)?;
        let need = |key: &str, want: String| {
            table.get(key).ok_or_else(|| reader.problem(Fault::Missing, at.clone(), &format!("column.{key}"), want))
        };
        let kinds = || KINDS.map(|(word, _)| word).join(", ");
        let value = need("name", "name = \"…\"".to_owned())?;
        let name = reader.string(value, "column.name")?;
        if self.columns.iter().any(|c| c.name == name) {
            return Err(reader.problem(Fault::Twice, value.span(), "column.name", self.column_names()));
        }
        if name.is_empty() || name.contains(['.', '~', '(', ')']) || name.contains(char::is_whitespace) {
            return Err(reader.problem(Fault::UnknownWord, value.span(), "column.name", "a_b1; header = \"…\""));
        }
        let value = need("kind", kinds())?;
        let word = reader.string(value, "column.kind")?;
        let kind = KINDS.iter().find(|(known, _)| *known == word).map(|(_, kind)| *kind);
        let kind = kind.ok_or_else(|| reader.problem(Fault::UnknownWord, value.span(), "column.kind", kinds()))?;
        let text = |key: &str, otherwise: &str| {
            table.get(key).map_or(Ok(otherwise.to_owned()), |v| reader.string(v, &format!("column.{key}")))
        };
        let header = text("header", &name)?;
        let headers = [text("left", &header)?, text("right", &header)?];
        let clean = match table.get("clean") {
            None => kind.clean(),
            Some(v) => {
                let words = reader.strings(v, "column.clean")?;
                let one = |(word, at): &(String, Range<usize>)| {
                    Clean::named(word).ok_or_else(|| {
                        reader.problem(Fault::UnknownWord, at.clone(), "column.clean", Clean::NAMES.join(", "))
                    })
                };
                words.iter().map(one).collect::<Result<_, _>>()?
            }
        };
        let nulls = table.get("null").map_or(Ok(Vec::new()), |v| reader.strings(v, "column.null"))?;
        let separator = text("separator", ";")?;
        let flag = |key: &str, otherwise: bool| {
            table.get(key).map_or(Ok(otherwise), |v| reader.flag(v, &format!("column.{key}")))
        };
        let (month_first, frequency) = (flag("month_first", false)?, flag("tf", true)?);
        let nulls = nulls.into_iter().map(|(word, _)| word).collect();
        self.columns.push(Column { name, headers, kind, clean, nulls, separator, month_first, frequency });
        Ok(())
    }

    fn read_own_levels(
        &mut self,
        reader: &Reader<'_>,
        table: &DeTable<'_>,
        column: usize,
    ) -> Result<(), SchemaProblem> {
        let span = table.get("name").map_or(0..0, Spanned::span);
        let compared = table.get("compare").map_or(Ok(true), |v| reader.flag(v, "column.compare"))?;
        if !compared {
            return Ok(());
        }
        let levels = match table.get("levels") {
            Some(v) => reader.strings(v, "column.levels")?,
            None => {
                let kind = self.columns[column].kind;
                kind.levels().iter().map(|level| ((*level).to_owned(), span.clone())).collect()
            }
        };
        let (name, tf) = (self.columns[column].name.clone(), self.columns[column].frequency);
        self.add_comparison(reader, name, &levels, Some(column), tf, span)
    }

    fn add_comparison(
        &mut self,
        reader: &Reader<'_>,
        name: String,
        levels: &[(String, Range<usize>)],
        own: Option<usize>,
        tf: bool,
        at: Range<usize>,
    ) -> Result<(), SchemaProblem> {
        if self.comparisons.iter().any(|c| c.name == name) {
            return Err(reader.problem(Fault::Twice, at, "compare.name", name));
        }
        if self.comparisons.len() == MOST_COMPARISONS {
            return Err(reader.problem(Fault::TooMany, at, "compare", format!("≤ {MOST_COMPARISONS}")));
        }
        if levels.is_empty() || levels.len() > MOST_LEVELS {
            return Err(reader.problem(Fault::TooMany, at, "levels", format!("1 … {MOST_LEVELS}")));
        }
        let mut read = Vec::new();
        for (text, at) in levels {
            let tests = text.split(" and ").map(|part| self.test(reader, part, own, at.clone()));
            let tests: Vec<Test> = tests.collect::<Result<_, _>>()?;
            let frequency = tf && tests.iter().all(|t| t.measure == Measure::Exact && t.of[0] == t.of[1]);
            read.push(Level { text: text.clone(), tests, frequency });
        }
        self.comparisons.push(Comparison { name, levels: read });
        Ok(())
    }

    fn test(
        &mut self,
        reader: &Reader<'_>,
        text: &str,
        own: Option<usize>,
        at: Range<usize>,
    ) -> Result<Test, SchemaProblem> {
        let wrong = |fault, value: &str, want: String| SchemaProblem {
            value: value.to_owned(),
            ..reader.problem(fault, at.clone(), "levels", want)
        };
        let mut words = text.split_whitespace().peekable();
        let word = words.next().unwrap_or_default();
        let Some((_, measure, more, range)) = MEASURES.iter().find(|(name, ..)| *name == word) else {
            let known: Vec<&str> = MEASURES.iter().map(|(name, ..)| *name).collect();
            return Err(wrong(Fault::UnknownWord, word, known.join(", ")));
        };
        let is_operand = |word: &&str| word.parse::<f64>().is_err();
        let of = match words.next_if(is_operand) {
            Some(operand) => {
                let (a, b) = operand.split_once('~').unwrap_or((operand, operand));
                let mut one = |part| self.expr(reader, part, own, at.clone(), "levels");
                let of = [one(a)?, one(b)?];
                // A level compares one value with one; sets have comparators of their own.
                if of.iter().any(|at| self.exprs[*at].steps.iter().any(|step| step.many())) {
                    return Err(wrong(Fault::UnknownWord, operand, "jaccard, common".to_owned()));
                }
                of
            }
            None => match own {
                Some(column) => [self.intern(Expr { column, steps: Vec::new() }); 2],
                None => return Err(wrong(Fault::UnknownColumn, text, self.column_names())),
            },
        };
        let (mut measure, mut more, mut limit) = (*measure, *more, 1.0);
        if let Some(range) = range {
            let want = format!("{word} {} … {}", range.start, range.end);
            let number = words.next().ok_or_else(|| wrong(Fault::Missing, text, want.clone()))?;
            limit = number.parse().map_err(|_| wrong(Fault::Type, number, want.clone()))?;
            if !(limit >= range.start && limit <= range.end) {
                return Err(wrong(Fault::Range, number, want));
            }
            // Below 1 it is a share of the longer value's length, above it a count of edits.
            if limit > 0.0 && limit < 1.0 && matches!(measure, Measure::Levenshtein | Measure::Damerau) {
                more = true;
                measure = if measure == Measure::Damerau { Measure::DamerauShare } else { Measure::LevenshteinShare };
            }
        }
        if let Some(rest) = words.next() {
            return Err(wrong(Fault::UnknownWord, rest, format!("{word} … and …")));
        }
        Ok(Test { measure, of, at: limit, more })
    }

    /// `column.step.step(n)`; a text that begins with a dot means the comparison's own column.
    fn expr(
        &mut self,
        reader: &Reader<'_>,
        text: &str,
        own: Option<usize>,
        at: Range<usize>,
        key: &str,
    ) -> Result<usize, SchemaProblem> {
        let wrong = |fault, value: &str, want: String| SchemaProblem {
            value: value.to_owned(),
            ..reader.problem(fault, at.clone(), key, want)
        };
        let mut parts = text.trim().split('.');
        let name = parts.next().unwrap_or_default();
        let column = match own {
            Some(own) if name.is_empty() => Some(own),
            _ => self.columns.iter().position(|c| c.name == name),
        };
        let column = column.ok_or_else(|| wrong(Fault::UnknownColumn, text, self.column_names()))?;
        let step = |word| Step::named(word).ok_or_else(|| wrong(Fault::UnknownWord, word, Step::NAMES.join(", ")));
        let steps = parts.map(step).collect::<Result<_, _>>()?;
        Ok(self.intern(Expr { column, steps }))
    }

    pub(super) fn intern(&mut self, expr: Expr) -> usize {
        self.exprs.iter().position(|known| *known == expr).unwrap_or_else(|| {
            self.exprs.push(expr);
            self.exprs.len() - 1
        })
    }

    /// How a rule reads.
    pub(super) fn rule_name(&self, rule: &[usize]) -> String {
        let one = |at: &usize| {
            let expr = &self.exprs[*at];
            let steps: String = expr.steps.iter().map(|s| format!(".{s}")).collect();
            format!("{}{steps}", self.columns[expr.column].name)
        };
        rule.iter().map(one).collect::<Vec<_>>().join(" + ")
    }
}
