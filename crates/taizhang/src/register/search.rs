//! The one search box (查找): what was typed is told from how it looks.

use std::collections::HashSet;

use uuid::Uuid;

use crate::access::{Actor, Scope};
use crate::platform::App;

use super::model::{RegisterError, age};
use super::organisations::{self, OrganisationLine};
use super::store::{self, By, FoundPerson, Place};
use super::{mask, open};

/// The most persons that one page of results holds.
pub const PAGE: i64 = 30;
/// The most persons that can be asked for.
pub const MOST: i64 = 300;
/// Rows that are sifted for somebody who may see a few households only.
const SIFTED: i64 = 5_000;
/// The longest input that is looked at, characters.
const INPUT: usize = 60;
/// How many places one input may mean.
const PLACES: i64 = 12;
/// Endings after which a name may follow without a space: 王庄村张伟.
const PLACE_ENDINGS: [&str; 6] = ["社区", "村", "镇", "乡", "街道", "县"];

/// What the input was taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing was typed.
    Empty,
    /// Too little to search by: one letter.
    TooShort,
    /// 证件号码.
    CitizenId,
    /// An ID number with a fault: searched as typed.
    FaultyId,
    /// 电话.
    Phone,
    /// 统一社会信用代码.
    CreditCode,
    /// 户编号, 人口编号 or division code.
    Number,
    /// A name, a place, or both, in characters.
    Name,
    /// The same in pinyin or initials.
    Pinyin,
}

impl Kind {
    /// The text key that names it: `search-kind-...`.
    pub fn key(self) -> &'static str {
        match self {
            Self::Empty => "search-kind-empty",
            Self::TooShort => "search-kind-short",
            Self::CitizenId => "search-kind-id",
            Self::FaultyId => "search-kind-faulty-id",
            Self::Phone => "search-kind-phone",
            Self::CreditCode => "search-kind-credit-code",
            Self::Number => "search-kind-number",
            Self::Name => "search-kind-name",
            Self::Pinyin => "search-kind-pinyin",
        }
    }
}

/// How a person was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// By what the input is: its kind says it all.
    Input,
    /// By the household's phone.
    HouseholdPhone,
    /// By the phone of the household's helper.
    HelperPhone,
    /// By 户编号.
    HouseholdNo,
}

/// A person in the results; personal numbers masked.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Hit {
    pub id: Uuid,
    pub household_id: Uuid,
    pub household_no: String,
    pub name: String,
    pub sex: String,
    /// Whole years today.
    pub age: Option<i64>,
    pub id_masked: String,
    pub relation: String,
    pub head_name: String,
    /// Full name of the village or group.
    pub place: String,
    pub via: Via,
}

/// What was found.
#[derive(Debug, Clone)]
pub struct Results {
    /// What the input was taken for.
    pub kind: Kind,
    /// Persons, the closest first.
    pub persons: Vec<Hit>,
    /// Divisions by that name.
    pub places: Vec<Place>,
    /// Organisations by that name or code.
    pub organisations: Vec<OrganisationLine>,
    /// Whether there are more persons than were asked for.
    pub more: bool,
    /// The place in which a name was looked for, if the input named one.
    pub within: Vec<Place>,
}

/// What the input looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Typed {
    Empty,
    TooShort,
    Id {
        first18: String,
        sound: bool,
    },
    Phone(String),
    CreditCode(String),
    Number(String),
    /// Words in characters, and letters joined.
    Words {
        words: Vec<String>,
        letters: String,
    },
}

fn read(input: &str) -> Typed {
    let cut: String = input.chars().take(INPUT).collect();
    let text = codes::text::half_width(&cut);
    let text = text.trim();
    if text.is_empty() {
        return Typed::Empty;
    }
    let is_han = |c: char| !c.is_ascii() && c.is_alphabetic();
    if !text.chars().any(is_han) && text.chars().any(|c| c.is_ascii_digit()) {
        let compact: String = text.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '+').collect();
        if let Ok(reading) = codes::citizen_id::read(&compact) {
            return Typed::Id { first18: reading.id.as_str().to_owned(), sound: true };
        }
        if let Ok(code) = codes::credit_code::CreditCode::read(&compact) {
            return Typed::CreditCode(code.as_str().to_owned());
        }
        // Subscriber numbers without an area code look like any other number.
        if let Ok(phone) = codes::phone::read(text)
            && (phone.digits().starts_with('0') || phone.digits().len() == 11)
        {
            return Typed::Phone(phone.digits().to_owned());
        }
        let upper = compact.to_ascii_uppercase();
        let (body, last) = upper.split_at(upper.len().saturating_sub(1));
        if upper.len() == 18
            && body.bytes().all(|b| b.is_ascii_digit())
            && (last == "X" || last.bytes().all(|b| b.is_ascii_digit()))
        {
            return Typed::Id { first18: upper, sound: false };
        }
        let number: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        return Typed::Number(number);
    }
    let mut words = Vec::new();
    let mut letters = String::new();
    for token in text.split(|c: char| c.is_whitespace() || ",，、;；".contains(c)) {
        if token.chars().any(is_han) {
            words.push(token.to_owned());
        } else {
            letters.extend(token.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_lowercase()));
        }
    }
    match (words.is_empty(), letters.len()) {
        (true, 0) => Typed::Empty,
        (true, 1) => Typed::TooShort,
        _ => Typed::Words { words, letters },
    }
}

/// Looks for persons and places within `scope`; at most `limit` persons (and never more than [`MOST`]).
///
/// # Errors
/// The database fails.
pub async fn search(app: &App, scope: &Scope, input: &str, limit: i64) -> Result<Results, RegisterError> {
    search_among(app, scope, None, input, limit).await
}

/// [`search`] as `actor` may: a helper finds members of the own households only.
///
/// # Errors
/// The database fails.
pub async fn search_for(app: &App, actor: &Actor, input: &str, limit: i64) -> Result<Results, RegisterError> {
    let own = super::own_households(app, actor).await?;
    search_among(app, &actor.scope, own, input, limit).await
}

async fn search_among(
    app: &App,
    scope: &Scope,
    own: Option<HashSet<Uuid>>,
    input: &str,
    limit: i64,
) -> Result<Results, RegisterError> {
    let limit = limit.clamp(1, MOST);
    let mut out = Collector {
        app,
        own,
        limit,
        seen: HashSet::new(),
        results: Results {
            kind: Kind::Empty,
            persons: Vec::new(),
            places: Vec::new(),
            organisations: Vec::new(),
            more: false,
            within: Vec::new(),
        },
    };
    match read(input) {
        Typed::Empty => {}
        Typed::TooShort => out.results.kind = Kind::TooShort,
        Typed::Id { first18, sound } => {
            out.results.kind = if sound { Kind::CitizenId } else { Kind::FaultyId };
            let index = app.vault.index("citizen_id", &first18);
            let rows = store::persons_by_id_index(&app.db, scope, index, out.ask()).await?;
            out.add(rows, Via::Input);
            if out.results.persons.is_empty() {
                // A code of digits only can look like an ID number.
                out.organisations(scope, organisations::By::Code(&first18)).await?;
                out.numbers(scope, &first18).await?;
            }
        }
        Typed::Phone(phone) => {
            out.results.kind = Kind::Phone;
            let index = app.vault.index("phone", &phone);
            let rows = store::persons_by_phone(&app.db, scope, index, out.ask()).await?;
            out.add(rows, Via::Input);
            let rows = store::households_by_phone(&app.db, scope, index, out.ask()).await?;
            out.add(rows, Via::HouseholdPhone);
            let rows = store::households_by_helper_phone(&app.db, scope, index, out.ask()).await?;
            out.add(rows, Via::HelperPhone);
            if out.results.persons.is_empty() {
                out.numbers(scope, &phone).await?;
            }
        }
        Typed::CreditCode(code) => {
            out.results.kind = Kind::CreditCode;
            out.organisations(scope, organisations::By::Code(&code)).await?;
        }
        Typed::Number(number) => {
            out.results.kind = Kind::Number;
            // A credit code begins with the office and the division: less of it is in half of all codes.
            if number.len() >= 9 {
                out.organisations(scope, organisations::By::Code(&number.to_uppercase())).await?;
            }
            out.numbers(scope, &number).await?;
        }
        Typed::Words { words, letters } => out.words(scope, words, letters).await?,
    }
    Ok(out.results)
}

struct Collector<'a> {
    app: &'a App,
    /// Households whose members may be shown; all if none.
    own: Option<HashSet<Uuid>>,
    limit: i64,
    seen: HashSet<Uuid>,
    results: Results,
}

impl Collector<'_> {
    /// One more than fits, to know whether there are more; as many as there may be where most are left out.
    fn ask(&self) -> i64 {
        if self.own.is_some() { SIFTED } else { self.limit + 1 }
    }

    fn is_full(&self) -> bool {
        self.results.more
    }

    fn add(&mut self, rows: Vec<FoundPerson>, via: Via) {
        let today = self.app.clock.today();
        for row in rows {
            let theirs = self.own.as_ref().is_none_or(|own| own.contains(&row.household_id));
            if !theirs || !self.seen.insert(row.id) {
                continue;
            }
            if i64::try_from(self.results.persons.len()).unwrap_or(i64::MAX) >= self.limit {
                self.results.more = true;
                return;
            }
            self.results.persons.push(Hit {
                id: row.id,
                household_id: row.household_id,
                household_no: row.household_no,
                name: row.name,
                sex: row.sex,
                age: age(&row.birth_date, today),
                id_masked: mask("id", &open(&self.app.vault, "person.id", row.id_enc.as_deref())),
                relation: row.relation,
                head_name: row.head_name,
                place: row.place,
                via,
            });
        }
    }

    async fn organisations(&mut self, scope: &Scope, by: organisations::By<'_>) -> Result<(), RegisterError> {
        let found = organisations::find(self.app, scope, self.own.as_ref(), by, PLACES).await?;
        self.results.organisations.extend(found);
        Ok(())
    }

    async fn numbers(&mut self, scope: &Scope, number: &str) -> Result<(), RegisterError> {
        let db = &self.app.db;
        let upper = number.to_uppercase();
        for text in [number, upper.as_str()] {
            let rows = store::households_numbered(db, scope, text, self.ask()).await?;
            self.add(rows, Via::HouseholdNo);
            let rows = store::persons_numbered(db, scope, text, self.ask()).await?;
            self.add(rows, Via::Input);
            if upper == number || self.is_full() {
                break;
            }
        }
        if number.bytes().all(|b| b.is_ascii_digit()) {
            self.results.places = store::places_coded(db, scope, number, PLACES).await?;
        }
        Ok(())
    }

    async fn words(&mut self, scope: &Scope, words: Vec<String>, letters: String) -> Result<(), RegisterError> {
        self.results.kind = if words.is_empty() { Kind::Pinyin } else { Kind::Name };
        let db = &self.app.db;
        if let [word] = words.as_slice()
            && letters.is_empty()
        {
            self.named(std::slice::from_ref(scope), word).await?;
            self.results.places = store::places_named(db, scope, word, PLACES).await?;
            self.organisations(scope, organisations::By::Name(word)).await?;
            if self.results.persons.is_empty()
                && self.results.places.is_empty()
                && self.results.organisations.is_empty()
            {
                for (place, name) in split_after_place(word) {
                    let places = store::places_named(db, scope, place, PLACES).await?;
                    if !places.is_empty() {
                        self.named(&scopes(&places), name).await?;
                        self.results.within = places;
                        break;
                    }
                }
            }
            return Ok(());
        }
        if words.is_empty() {
            self.sounding(std::slice::from_ref(scope), &letters).await?;
            self.results.places = store::places_sounding(db, scope, &letters, PLACES).await?;
            self.organisations(scope, organisations::By::Letters(&letters)).await?;
            return Ok(());
        }
        // Several words: those that name places narrow where the other one is looked for.
        let mut within: Option<Vec<Place>> = None;
        let mut names: Vec<&str> = Vec::new();
        for (at, word) in words.iter().enumerate() {
            let last_hope = at + 1 == words.len() && names.is_empty() && letters.is_empty();
            let looks_like_name =
                word.chars().count() <= 4 && !PLACE_ENDINGS.iter().any(|ending| word.ends_with(ending));
            if last_hope && looks_like_name {
                names.push(word);
                continue;
            }
            let mut places = Vec::new();
            match &within {
                None => places = store::places_named(db, scope, word, PLACES).await?,
                Some(above) => {
                    for scope in scopes(above) {
                        places.extend(store::places_named(db, &scope, word, PLACES).await?);
                    }
                }
            }
            if places.is_empty() {
                names.push(word);
            } else {
                within = Some(places);
            }
        }
        let name = names.concat();
        let places = within.unwrap_or_default();
        let scopes = if places.is_empty() { vec![scope.clone()] } else { scopes(&places) };
        if !name.is_empty() {
            self.named(&scopes, &name).await?;
            self.results.within = places;
        } else if !letters.is_empty() {
            self.sounding(&scopes, &letters).await?;
            self.results.within = places;
        } else {
            self.results.places = places;
        }
        Ok(())
    }

    /// By name in characters: the whole name first, then names that begin with it.
    async fn named(&mut self, scopes: &[Scope], name: &str) -> Result<(), RegisterError> {
        let folded = codes::name::fold(name);
        if folded.is_empty() {
            return Ok(());
        }
        self.by(scopes, By::Name, &folded, false).await?;
        self.by(scopes, By::Name, &folded, true).await
    }

    /// By letters: whole pinyin, then initials, then pinyin that begins with them.
    async fn sounding(&mut self, scopes: &[Scope], letters: &str) -> Result<(), RegisterError> {
        self.by(scopes, By::Pinyin, letters, false).await?;
        if letters.len() <= 5 {
            self.by(scopes, By::Initials, letters, false).await?;
        }
        self.by(scopes, By::Pinyin, letters, true).await
    }

    async fn by(&mut self, scopes: &[Scope], by: By, text: &str, prefix: bool) -> Result<(), RegisterError> {
        for scope in scopes {
            if self.is_full() {
                break;
            }
            // Those found before come again, so that asking for the limit alone could return nothing new.
            let ask = self.ask();
            let rows = store::persons_named(&self.app.db, scope, by, text, prefix, ask).await?;
            self.add(rows, Via::Input);
        }
        Ok(())
    }
}

/// The subtrees of places; one that lies in another is left out.
fn scopes(places: &[Place]) -> Vec<Scope> {
    places
        .iter()
        .filter(|place| !places.iter().any(|other| other.code != place.code && place.code.starts_with(&other.code)))
        .map(|place| Scope::subtree(&place.code))
        .collect()
}

/// The ways to cut 王庄村张伟 after the ending of a place.
fn split_after_place(word: &str) -> Vec<(&str, &str)> {
    let mut out: Vec<(&str, &str)> = PLACE_ENDINGS
        .iter()
        .flat_map(|ending| word.match_indices(ending).map(|(at, e)| at + e.len()))
        .filter(|cut| *cut < word.len())
        .map(|cut| word.split_at(cut))
        .collect();
    out.sort_by_key(|(place, _)| std::cmp::Reverse(place.len()));
    out.dedup();
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_is_told_from_how_it_looks() {
        assert_eq!(read("  "), Typed::Empty);
        assert_eq!(read("z"), Typed::TooShort);
        assert!(
            matches!(read("99032319650503101X"), Typed::Id { sound: false, .. })
                || matches!(read("99032319650503101X"), Typed::Id { sound: true, .. })
        );
        assert_eq!(read("138 0013 8000"), Typed::Phone("13800138000".to_owned()));
        assert_eq!(read("HH-001"), Typed::Number("HH-001".to_owned()));
        assert_eq!(read("990323102"), Typed::Number("990323102".to_owned()));
        assert_eq!(read("Zhang Wei"), Typed::Words { words: vec![], letters: "zhangwei".to_owned() });
        assert_eq!(
            read("王庄村　张伟"),
            Typed::Words { words: vec!["王庄村".to_owned(), "张伟".to_owned()], letters: String::new() }
        );
    }

    #[test]
    fn a_place_and_a_name_may_stand_together() {
        assert_eq!(split_after_place("新桥镇王庄村张伟"), [("新桥镇王庄村", "张伟"), ("新桥镇", "王庄村张伟")]);
        assert!(split_after_place("张伟").is_empty());
    }
}
