//! The tree of divisions (行政区划) in memory: names and codes as people write them, resolved to codes in force.
//!
//! Loaded once for a long operation; everything after [`Divisions::load`] is pure.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::NaiveDate;
use codes::division::{DivisionCode, DivisionTable, Entry as Dated};

use crate::access::Scope;
use crate::platform::{Db, DbError};

use super::store;

/// Lengths of the codes of the six levels: province, city, county, township, village, group.
pub const CODE_LENGTHS: [usize; 6] = [2, 4, 6, 9, 12, 14];

/// Kinds of division by their endings, level by level, longest first: what may be left out or written otherwise.
const ENDINGS: [&[&str]; 6] = [
    &["维吾尔自治区", "壮族自治区", "回族自治区", "特别行政区", "自治区", "省", "市"],
    &["地区", "市", "盟"],
    &["自治县", "自治旗", "林区", "特区", "县", "区", "市", "旗"],
    &["街道办事处", "办事处", "民族乡", "街道", "苏木", "镇", "乡"],
    &["社区居民委员会", "社区居委会", "村民委员会", "居民委员会", "村委会", "居委会", "行政村", "社区", "嘎查", "村"],
    &["村民小组", "村民组", "自然村", "小组", "组", "屯"],
];

/// Names in the city column that stand for no city of their own (GB/T 2260 collective codes 01, 02, 90).
const COLLECTIVE: [&str; 4] = ["市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划"];

/// One division.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Division {
    /// Code in force.
    pub code: String,
    /// Own name, such as 王庄村.
    pub name: String,
    /// Names from the province down, joined.
    pub full_name: String,
    /// Code of the division above; empty for a province.
    pub parent_code: String,
    /// 1 province, 2 city, 3 county, 4 township, 5 village, 6 group.
    pub level: i64,
    /// First day in force, ISO; empty if unknown.
    pub valid_from: String,
    /// First day on which it was no longer in force, ISO; empty while in force.
    pub valid_to: String,
}

/// A former code or name.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Alias {
    /// The former code; equal to `code` where only the name changed.
    pub alias_code: String,
    /// The former or other name; empty where only the code changed.
    pub alias_name: String,
    /// The code in force.
    pub code: String,
    /// First day on which it was used, ISO; empty if unknown.
    pub valid_from: String,
    /// First day on which it was no longer used, ISO; empty if unknown.
    pub valid_to: String,
}

/// A name in the tree: of a division itself, or of what it once was.
#[derive(Debug)]
struct Entry {
    /// Code under which the name was used; says under which parent it stood.
    code: String,
    /// Index of the division that it means.
    target: usize,
    /// Index into [`ENDINGS`].
    level: usize,
    valid_from: String,
    valid_to: String,
}

impl Entry {
    fn used_on(&self, day: Option<&str>) -> bool {
        day.is_none_or(|day| {
            (self.valid_from.is_empty() || self.valid_from.as_str() <= day)
                && (self.valid_to.is_empty() || day < self.valid_to.as_str())
        })
    }
}

/// What names resolve to, as far as they do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution<'d> {
    /// One division answers to all the names.
    Found(&'d str),
    /// The names above resolve to `within` (empty: nothing above), but nothing below it is called `name`.
    Unknown {
        /// Code of the deepest division found.
        within: &'d str,
        /// Position of the first name that is unknown there.
        level: usize,
    },
    /// Several divisions answer to the names.
    Ambiguous {
        /// Their codes, in order.
        codes: Vec<&'d str>,
    },
    /// No name was given.
    Empty,
}

/// The tree. Names are matched without regard to spaces, full-width digits and customary endings.
#[derive(Debug, Default)]
pub struct Divisions {
    nodes: Vec<Division>,
    by_code: HashMap<String, usize>,
    /// What each code meant when, and what took its place.
    table: DivisionTable,
    children: HashMap<String, Vec<usize>>,
    entries: Vec<Entry>,
    /// Name as written -> entries.
    exact: HashMap<String, Vec<usize>>,
    /// Name without its ending -> entries.
    stems: HashMap<(usize, String), Vec<usize>>,
    /// The longest name in characters: how far a look into a text goes.
    longest: usize,
}

/// The province whose register has these division codes: the only one there is, else the one that has townships or
/// villages, since other provinces stand in a division file with cities and counties only, as places where people work.
/// `None` where that leaves no province or several.
pub fn province_of<'a>(codes: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
    let only = |least: usize| {
        let mut provinces = codes.clone().filter(|code| code.len() >= least).filter_map(|code| code.get(..2));
        let first = provinces.next()?;
        provinces.all(|code| code == first).then_some(first)
    };
    only(CODE_LENGTHS[0]).or_else(|| only(CODE_LENGTHS[3]))
}

impl Divisions {
    /// Reads the tree from the database.
    ///
    /// # Errors
    /// The database fails.
    pub async fn load(db: &Db) -> Result<Self, DbError> {
        let (nodes, aliases) = store::division_tables(db).await?;
        Ok(Self::new(nodes, aliases))
    }

    /// The tree of given divisions and aliases. Aliases of unknown divisions are left out.
    pub fn new(mut nodes: Vec<Division>, aliases: Vec<Alias>) -> Self {
        nodes.sort_by(|a, b| a.code.cmp(&b.code));
        let mut tree = Self::default();
        let replaced: HashSet<&str> =
            aliases.iter().filter(|a| a.alias_code != a.code).map(|a| a.alias_code.as_str()).collect();
        for (index, node) in nodes.iter().enumerate() {
            tree.by_code.insert(node.code.clone(), index);
            // A code that another has replaced is in the table as its alias.
            if node.valid_to.is_empty() || !replaced.contains(node.code.as_str()) {
                tree.table.extend(dated(&node.code, &node.name, &node.valid_from, &node.valid_to, None));
            }
            if node.valid_to.is_empty() {
                tree.children.entry(node.parent_code.clone()).or_default().push(index);
            }
        }
        for alias in aliases.iter().filter(|a| !a.alias_code.is_empty()) {
            let successor = (alias.alias_code != alias.code).then_some(alias.code.as_str());
            let (from, to) = (alias.valid_from.as_str(), alias.valid_to.as_str());
            tree.table.extend(dated(&alias.alias_code, &alias.alias_name, from, to, successor));
        }
        let level_of = |node: &Division| usize::try_from(node.level).unwrap_or(1).clamp(1, 6) - 1;
        for (index, node) in nodes.iter().enumerate() {
            if node.valid_to.is_empty() {
                // A division's own name is known for as long as the division is, also when read later.
                tree.add_entry(&node.name, &node.code, index, level_of(node), ("", ""));
            } else {
                let target = tree.newest(&node.code).unwrap_or(index);
                let used = (node.valid_from.as_str(), node.valid_to.as_str());
                tree.add_entry(&node.name, &node.code, target, level_of(node), used);
            }
        }
        for alias in aliases.iter().filter(|a| !a.alias_name.is_empty()) {
            let code = if alias.alias_code.is_empty() { &alias.code } else { &alias.alias_code };
            let Some(target) = tree.newest(&alias.code) else {
                continue;
            };
            // A retired code that is a division of the register has its name from there.
            let known = tree.by_code.get(code).is_some_and(|&at| nodes[at].name == alias.alias_name);
            if !known {
                let used = (alias.valid_from.as_str(), alias.valid_to.as_str());
                tree.add_entry(&alias.alias_name, code, target, level_of(&nodes[target]), used);
            }
        }
        tree.nodes = nodes;
        tree
    }

    /// The division that a code, also a former one, has come to mean.
    fn newest(&self, code: &str) -> Option<usize> {
        let latest = self.table.latest(code).map_or(code, |entry| entry.code.as_str());
        self.by_code.get(latest).or_else(|| self.by_code.get(code)).copied()
    }

    fn add_entry(&mut self, name: &str, code: &str, target: usize, level: usize, used: (&str, &str)) {
        let name = tidy(name);
        if name.is_empty() {
            return;
        }
        let index = self.entries.len();
        self.longest = self.longest.max(name.chars().count());
        self.stems.entry((level, stem(level, &name))).or_default().push(index);
        self.exact.entry(name).or_default().push(index);
        self.entries.push(Entry {
            code: code.to_owned(),
            target,
            level,
            valid_from: used.0.to_owned(),
            valid_to: used.1.to_owned(),
        });
    }

    /// How many divisions there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are none: nothing has been imported yet.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The province whose register this is: see [`province_of`].
    pub fn province(&self) -> Option<&str> {
        province_of(self.all().iter().map(|d| d.code.as_str()))
    }

    /// The division that what somebody of this scope brings in belongs to: the top of the scope. What the command line
    /// brings in, which sees everything, is the province's, so that whoever sees the province sees it.
    pub fn home<'a>(&'a self, scope: &'a Scope) -> &'a str {
        match scope.root() {
            "" => self.province().unwrap_or_default(),
            root => root,
        }
    }

    /// Every division in the order of codes, also those no longer in force.
    pub fn all(&self) -> &[Division] {
        &self.nodes
    }

    /// The division of exactly this code, in force or not.
    pub fn get(&self, code: &str) -> Option<&Division> {
        self.by_code.get(code).map(|&index| &self.nodes[index])
    }

    /// The name of a code, also of a former one.
    pub fn name(&self, code: &str) -> Option<&str> {
        self.in_force(code).map(|d| d.name.as_str())
    }

    /// The joined names from the province down, also of a former code.
    pub fn full_name(&self, code: &str) -> Option<&str> {
        self.in_force(code).map(|d| d.full_name.as_str())
    }

    /// The divisions in force right below, in the order of codes; of "" the provinces.
    pub fn children(&self, code: &str) -> impl Iterator<Item = &Division> {
        self.children.get(code).into_iter().flatten().map(|&index| &self.nodes[index])
    }

    /// The divisions above, widest first, without the division itself.
    pub fn ancestors(&self, code: &str) -> Vec<&Division> {
        let mut above: Vec<&Division> = CODE_LENGTHS
            .iter()
            .filter(|length| **length < code.len())
            .filter_map(|length| self.get(code.get(..*length)?))
            .collect();
        above.dedup();
        above
    }

    /// The code in force that a code means now: itself, or the successor of a former code. With a day, the code that it
    /// meant on that day.
    pub fn resolve_code(&self, code: &str, day: Option<&str>) -> Option<&str> {
        match day.map(str::parse::<NaiveDate>) {
            Some(Ok(day)) => self.table.resolve(code, day).map(|entry| entry.code.as_str()),
            _ => self.in_force(code).map(|d| d.code.as_str()),
        }
    }

    /// The first day on which a code no longer holds, if it has ended.
    pub fn ended(&self, code: &str) -> Option<String> {
        self.table.newest(code)?.valid_to.map(|day| day.to_string())
    }

    fn in_force(&self, code: &str) -> Option<&Division> {
        self.newest(code).map(|index| &self.nodes[index])
    }

    /// The code that a row's names mean: 省, 市, 县, 乡, 村, 自然村 in this order, empty where a column is missing or
    /// blank. All names down to the village must fit; a natural village that is not in the table counts as its village.
    pub fn resolve_names(&self, names: &[&str]) -> Option<&str> {
        match self.resolve(names, None) {
            Resolution::Found(code) => Some(code),
            _ => None,
        }
    }

    /// [`Divisions::resolve_names`] that says what is missing, and with names as they were used on `day` (ISO).
    pub fn resolve(&self, names: &[&str], day: Option<&str>) -> Resolution<'_> {
        let names: Vec<String> = names.iter().take(6).map(|name| tidy(name)).collect();
        let mut found: Vec<usize> = Vec::new();
        let mut given = false;
        for (level, name) in names.iter().enumerate().filter(|(_, n)| !n.is_empty()) {
            if level == 1 && COLLECTIVE.contains(&name.as_str()) {
                continue;
            }
            let mut next = self.named(level, name, given.then_some(&found[..]), day);
            if next.is_empty() && level == 5 && given {
                break;
            }
            if next.is_empty() {
                let codes = self.targets(&found);
                return Resolution::Unknown {
                    within: common(&codes).and_then(|c| self.code_of(c)).unwrap_or(""),
                    level,
                };
            }
            std::mem::swap(&mut found, &mut next);
            given = true;
        }
        let codes = self.targets(&found);
        match codes.as_slice() {
            [] => Resolution::Empty,
            [one] => Resolution::Found(one),
            _ => Resolution::Ambiguous { codes },
        }
    }

    /// Entries of a level called `name` under any of `above` (anywhere if none): by full name if there is one, else by
    /// the name without its ending.
    fn named(&self, level: usize, name: &str, above: Option<&[usize]>, day: Option<&str>) -> Vec<usize> {
        let under = |index: &&usize| {
            let entry = &self.entries[**index];
            entry.level == level
                && entry.used_on(day)
                && above.is_none_or(|above| above.iter().any(|up| self.is_under(entry, *up)))
        };
        let exact: Vec<usize> = self.exact.get(name).into_iter().flatten().filter(under).copied().collect();
        if !exact.is_empty() {
            return exact;
        }
        self.stems.get(&(level, stem(level, name))).into_iter().flatten().filter(under).copied().collect()
    }

    /// Whether an entry stood, or its division stands, below another entry's division or its former self.
    fn is_under(&self, entry: &Entry, above: usize) -> bool {
        let above = &self.entries[above];
        let now = self.nodes[entry.target].code.as_str();
        let top = self.nodes[above.target].code.as_str();
        let below = |code: &str, top: &str| code.len() > top.len() && code.starts_with(top);
        below(&entry.code, &above.code) || below(&entry.code, top) || below(now, top)
    }

    fn targets(&self, entries: &[usize]) -> Vec<&str> {
        let mut codes: Vec<&str> =
            entries.iter().map(|index| self.nodes[self.entries[*index].target].code.as_str()).collect();
        codes.sort_unstable();
        codes.dedup();
        codes
    }

    fn code_of(&self, code: &str) -> Option<&str> {
        self.get(code).map(|d| d.code.as_str())
    }

    /// The deepest division that an address names from its beginning (省, 市 or more may be missing). Where several
    /// fit equally well, what they have in common.
    pub fn find_in_text(&self, address: &str) -> Option<&str> {
        let text: Vec<char> = tidy(address).chars().filter(|c| c.is_alphanumeric()).collect();
        let text = match text.as_slice() {
            ['中', '国', rest @ ..] => rest,
            all => all,
        };
        // Best end position -> entries that reach it.
        let mut reached: BTreeMap<usize, HashSet<usize>> = BTreeMap::new();
        let mut open: Vec<(usize, Option<usize>)> = vec![(0, None)];
        let mut seen: HashSet<(usize, Option<usize>)> = open.iter().copied().collect();
        while let Some((at, above)) = open.pop() {
            for (end, entry) in self.at(text, at, above) {
                reached.entry(end).or_default().insert(entry);
                if seen.insert((end, Some(entry))) {
                    open.push((end, Some(entry)));
                }
            }
        }
        let (_, best) = reached.pop_last()?;
        let best: Vec<usize> = best.into_iter().collect();
        // At the same place in the text the wider reading is the safer one only if the deeper ones differ.
        let codes = self.targets(&best);
        match codes.as_slice() {
            [one] => Some(one),
            many => {
                let shared = common(many)?;
                CODE_LENGTHS.iter().rev().filter_map(|length| self.code_of(shared.get(..*length)?)).next()
            }
        }
    }

    /// Names that begin at `at` in the text, of divisions under `above`: where they end, and their entries.
    fn at(&self, text: &[char], at: usize, above: Option<usize>) -> Vec<(usize, usize)> {
        let mut out = Vec::new();
        let mut word = String::new();
        for (length, c) in text.iter().skip(at).take(self.longest).enumerate() {
            word.push(*c);
            let length = length + 1;
            let fits = |index: &&usize| above.is_none_or(|above| self.is_under(&self.entries[**index], above));
            for index in self.exact.get(&word).into_iter().flatten().filter(fits) {
                out.push((at + length, *index));
            }
            // One character without its ending would be found in any text.
            if length < 2 {
                continue;
            }
            for (level, endings) in ENDINGS.iter().enumerate() {
                let key = (level, word.clone());
                for index in self.stems.get(&key).into_iter().flatten().filter(fits) {
                    out.push((at + length, *index));
                    // Another ending than the table's is read over, so that what follows is found.
                    for ending in *endings {
                        let ending: Vec<char> = ending.chars().collect();
                        if text[at + length..].starts_with(&ending) {
                            out.push((at + length + ending.len(), *index));
                        }
                    }
                }
            }
        }
        out
    }
}

/// An entry of the table of codes over time; none for what is no code.
fn dated(code: &str, name: &str, from: &str, to: &str, successor: Option<&str>) -> Option<Dated> {
    Some(Dated {
        code: DivisionCode::parse(code).ok()?,
        name: name.to_owned(),
        valid_from: from.parse().ok(),
        valid_to: to.parse().ok(),
        successor: successor.and_then(|code| DivisionCode::parse(code).ok()),
    })
}

/// The longest text that all codes begin with.
fn common<'a>(codes: &[&'a str]) -> Option<&'a str> {
    let (first, rest) = codes.split_first()?;
    let shared = rest.iter().fold(first.len(), |shared, code| {
        first.bytes().zip(code.bytes()).take(shared).take_while(|(a, b)| a == b).count()
    });
    first.get(..shared)
}

/// Without spaces and with half-width letters and digits: how names are compared.
fn tidy(name: &str) -> String {
    name.chars()
        .filter(|c| !c.is_whitespace() && !c.is_control() && *c != '\u{feff}')
        .map(|c| match u32::from(c) {
            code @ 0xFF01..=0xFF5E => char::from_u32(code - 0xFEE0).unwrap_or(c),
            _ => c,
        })
        .collect()
}

/// A name without the ending that is customary at its level; groups are counted in Chinese numerals (3组 = 三组).
fn stem(level: usize, name: &str) -> String {
    let name = if level == 5 { numerals(name.strip_prefix('第').unwrap_or(name)) } else { name.to_owned() };
    let short = ENDINGS[level].iter().find_map(|ending| name.strip_suffix(ending).filter(|rest| !rest.is_empty()));
    short.unwrap_or(&name).to_owned()
}

/// A leading number below 100 in Chinese numerals; other text as it is.
fn numerals(text: &str) -> String {
    const DIGITS: [char; 10] = ['零', '一', '二', '三', '四', '五', '六', '七', '八', '九'];
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    let Ok(value @ 1..100) = number.parse::<usize>() else {
        return text.to_owned();
    };
    let (tens, ones) = (value / 10, value % 10);
    let mut out = String::new();
    if tens > 1 {
        out.push(DIGITS[tens]);
    }
    if tens > 0 {
        out.push('十');
    }
    if ones > 0 {
        out.push(DIGITS[ones]);
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn division(code: &str, name: &str, full: &str) -> Division {
        let level = CODE_LENGTHS.iter().position(|l| *l == code.len()).unwrap();
        Division {
            code: code.to_owned(),
            name: name.to_owned(),
            full_name: full.to_owned(),
            parent_code: if level == 0 { String::new() } else { code[..CODE_LENGTHS[level - 1]].to_owned() },
            level: level as i64 + 1,
            valid_from: String::new(),
            valid_to: String::new(),
        }
    }

    #[test]
    fn the_registers_own_province_is_the_one_with_villages() {
        assert_eq!(province_of([].into_iter()), None);
        assert_eq!(province_of(["990102", "9901"].into_iter()), Some("99"), "a county's own table has no province row");
        assert_eq!(province_of(["31", "3101", "99", "990102100", "990102100200"].into_iter()), Some("99"));
        assert_eq!(province_of(["31", "99"].into_iter()), None);
        assert_eq!(province_of(["310101001", "990102100"].into_iter()), None);
    }

    fn alias(alias_code: &str, alias_name: &str, code: &str, from: &str, to: &str) -> Alias {
        Alias {
            alias_code: alias_code.to_owned(),
            alias_name: alias_name.to_owned(),
            code: code.to_owned(),
            valid_from: from.to_owned(),
            valid_to: to.to_owned(),
        }
    }

    fn tree() -> Divisions {
        Divisions::new(
            vec![
                division("99", "东江省", "东江省"),
                division("9903", "清河市", "东江省清河市"),
                division("990323", "固山县", "东江省清河市固山县"),
                division("990324", "萧县", "东江省清河市萧县"),
                division("990323102", "新桥镇", "东江省清河市固山县新桥镇"),
                division("990323103", "王庄镇", "东江省清河市固山县王庄镇"),
                division("990323102201", "王庄村", "东江省清河市固山县新桥镇王庄村"),
                division("990323102202", "李集社区", "东江省清河市固山县新桥镇李集社区"),
                division("990323103201", "王庄村", "东江省清河市固山县王庄镇王庄村"),
                division("99032310220101", "三组", "东江省清河市固山县新桥镇王庄村三组"),
                division("990324101", "新桥乡", "东江省清河市萧县新桥乡"),
                division("990324101201", "赵楼村", "东江省清河市萧县新桥乡赵楼村"),
            ],
            vec![
                alias("990323104", "马铺乡", "990323102", "1990-01-01", "2016-12-31"),
                alias("990323104205", "陈圩村", "990323102202", "1990-01-01", "2016-12-31"),
                alias("990323103", "王家庄镇", "990323103", "", ""),
                alias("990399999", "无主", "990399998", "", ""),
            ],
        )
    }

    #[test]
    fn names_resolve_with_or_without_endings_and_the_upper_levels() {
        let tree = tree();
        let village = Some("990323102201");
        for names in [
            ["东江省", "清河市", "固山县", "新桥镇", "王庄村", ""],
            ["东江", "清河", "固山", "新桥", "王庄", ""],
            ["", "", "固山县", "新桥镇", "王庄村民委员会", ""],
            ["", "", "", "新桥镇", "王庄", ""],
            ["东江省", "市辖区", "固山县", "新桥镇", "王庄村", ""],
            [" 东江省", "清河市 ", "固山 县", "新桥镇", "王庄村", "小王庄"],
        ] {
            assert_eq!(tree.resolve_names(&names), village, "{names:?}");
        }
        for group in ["三组", "3组", "第3村民组", "３组"] {
            assert_eq!(
                tree.resolve_names(&["", "", "固山县", "新桥镇", "王庄村", group]),
                Some("99032310220101"),
                "{group}"
            );
        }
    }

    #[test]
    fn what_does_not_resolve_says_where_it_ends() {
        let tree = tree();
        assert_eq!(
            tree.resolve(&["", "", "固山县", "新桥镇", "孙庄村"], None),
            Resolution::Unknown { within: "990323102", level: 4 }
        );
        assert_eq!(
            tree.resolve(&["", "", "固山县", "", "王庄村"], None),
            Resolution::Ambiguous { codes: vec!["990323102201", "990323103201"] }
        );
        assert_eq!(tree.resolve(&["西江省", "清河市"], None), Resolution::Unknown { within: "", level: 0 });
        assert_eq!(tree.resolve(&["", " "], None), Resolution::Empty);
        assert_eq!(tree.resolve_names(&[]), None);
    }

    #[test]
    fn former_names_and_codes_lead_to_what_is_in_force() {
        let tree = tree();
        let old = ["", "", "固山县", "马铺乡", "陈圩村"];
        assert_eq!(tree.resolve_names(&old), Some("990323102202"));
        assert_eq!(tree.resolve(&old, Some("2015-06-01")), Resolution::Found("990323102202"));
        assert!(matches!(tree.resolve(&old, Some("2020-02-01")), Resolution::Unknown { level: 3, .. }));
        // The merged township holds the village that was always in it, too.
        assert_eq!(tree.resolve_names(&["", "", "固山县", "马铺乡", "王庄村"]), Some("990323102201"));
        assert_eq!(tree.resolve_names(&["", "", "固山", "王家庄镇", "王庄"]), Some("990323103201"));
        assert_eq!(tree.resolve_code("990323104", None), Some("990323102"));
        assert_eq!(tree.resolve_code("990323104", Some("2020-02-01")), Some("990323102"));
        assert_eq!(tree.resolve_code("990323104", Some("2016-12-30")), Some("990323104"));
        // The day on which a code ends is the first on which it no longer holds.
        assert_eq!(tree.resolve_code("990323104", Some("2016-12-31")), Some("990323102"));
        assert!(matches!(tree.resolve(&old, Some("2016-12-31")), Resolution::Unknown { level: 3, .. }));
        assert_eq!(tree.resolve_code("990399999", None), None);
        assert_eq!(tree.name("990323104205"), Some("李集社区"));
        assert_eq!(tree.full_name("990324"), Some("东江省清河市萧县"));
    }

    #[test]
    fn a_retired_division_stays_known_and_leads_on() {
        let mut retired = division("990323201", "杨庙乡", "东江省清河市固山县杨庙乡");
        retired.valid_to = "2014-01-01".to_owned();
        let mut gone = division("990323202", "废乡", "东江省清河市固山县废乡");
        gone.valid_to = "2015-01-01".to_owned();
        let mut nodes = tree().all().to_vec();
        nodes.extend([retired, gone, division("990323108", "杨庙镇", "东江省清河市固山县杨庙镇")]);
        let tree = Divisions::new(nodes, vec![alias("990323201", "杨庙乡", "990323108", "", "2014-01-01")]);
        assert_eq!(tree.resolve_code("990323201", None), Some("990323108"));
        assert_eq!(tree.resolve_code("990323201", Some("2013-12-31")), Some("990323201"));
        assert_eq!(tree.resolve_names(&["", "", "固山县", "杨庙乡"]), Some("990323108"));
        assert_eq!(tree.name("990323201"), Some("杨庙镇"));
        assert_eq!(tree.name("990323202"), Some("废乡"), "abolished without a successor");
        let below: Vec<&str> = tree.children("990323").map(|d| d.code.as_str()).collect();
        assert_eq!(below, ["990323102", "990323103", "990323108"]);
    }

    #[test]
    fn an_address_is_read_as_far_as_it_goes() {
        let tree = tree();
        for (address, code) in [
            ("东江省清河市固山县新桥镇王庄村3组12号", Some("990323102201")),
            ("东江省清河市固山县新桥镇王庄村三组", Some("99032310220101")),
            ("清河市萧县新桥乡赵楼行政村", Some("990324101201")),
            ("东江 清河 固山 新桥 王庄", Some("990323102201")),
            ("固山县新桥镇李集居委会2栋", Some("990323102202")),
            ("中国东江省清河市人民路5号", Some("9903")),
            ("王庄村12号", Some("990323")),
            ("萧县县城", Some("990324")),
            ("萧山路1号", None),
            ("固山县马铺乡陈圩村", Some("990323102202")),
            ("北京市朝阳区", None),
            ("", None),
        ] {
            assert_eq!(tree.find_in_text(address), code, "{address}");
        }
    }

    #[test]
    fn children_and_ancestors() {
        let tree = tree();
        let below: Vec<&str> = tree.children("990323").map(|d| d.code.as_str()).collect();
        assert_eq!(below, ["990323102", "990323103"]);
        let above: Vec<&str> = tree.ancestors("990323102201").iter().map(|d| d.name.as_str()).collect();
        assert_eq!(above, ["东江省", "清河市", "固山县", "新桥镇"]);
        assert_eq!(tree.children("").count(), 1);
        assert!(tree.ancestors("99").is_empty());
    }

    proptest! {
        #[test]
        fn every_division_is_found_by_its_own_names(pick in 0usize..12, drop_top in 0usize..3) {
            let tree = tree();
            let node = &tree.all()[pick];
            let mut path: Vec<&str> = tree.ancestors(&node.code).iter().map(|d| d.name.as_str()).collect();
            path.push(&node.name);
            // Province and city may be missing wherever the county is there.
            let dropped = if path.len() > 2 { drop_top } else { 0 };
            for name in path.iter_mut().take(dropped) {
                *name = "";
            }
            prop_assert_eq!(tree.resolve_names(&path), Some(node.code.as_str()));
            prop_assert_eq!(tree.find_in_text(&path.concat()), Some(node.code.as_str()));
        }

        #[test]
        fn no_text_upsets_it(text in "\\PC{0,40}") {
            let tree = tree();
            tree.find_in_text(&text);
            tree.resolve_names(&[&text, &text, &text, &text, &text, &text]);
        }
    }
}
