//! How far two records agree in each field. The levels follow the mistakes that are made with Chinese names and
//! numbers: the wrong character of the same sound, a look-alike, a digit off, 15 digits, the lunar birthday.

use crate::record::{Birth, Id, IdSource, Place, Record};

macro_rules! levels {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = ($text:literal, $points:literal),)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// A stable name, for storage and for text keys.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// What this level adds to the plain score.
            pub fn points(self) -> i32 {
                match self { $(Self::$variant => $points,)* }
            }
        }
    };
}

levels! {
    /// ID number (证件号码).
    IdLevel {
        /// Equal, both valid.
        Exact = ("exact", 45),
        /// Equal once wrappers, widths and case are undone.
        Format = ("format", 45),
        /// Equal once 15 digits are made 18.
        From15 = ("from15", 43),
        /// One digit off or two neighbours swapped, and the check character says that it is a typing error.
        Typo = ("typo", 30),
        /// All of at least ten visible digits agree.
        MaskedLong = ("masked_long", 25),
        /// All visible digits agree, fewer than ten.
        MaskedShort = ("masked_short", 15),
        /// One digit off, yet both are valid: also what two relatives or neighbours have.
        NearValid = ("near_valid", 8),
        /// At least one side has none.
        Missing = ("missing", 0),
        /// Different.
        Differ = ("differ", -40),
    }
}

levels! {
    /// Name (姓名), after folding of scripts and variants.
    NameLevel {
        /// Equal.
        Exact = ("exact", 20),
        /// Same sound, another character (同音).
        Homophone = ("homophone", 15),
        /// Same sound in many dialects: zh/z, n/l, ng/n, f/h.
        FuzzySound = ("fuzzy_sound", 11),
        /// One character replaced by one that looks alike (形近).
        LookAlike = ("look_alike", 13),
        /// The same characters in another order.
        Reordered = ("reordered", 12),
        /// One part of a name with `·` (minority names).
        Part = ("part", 10),
        /// Three or more characters, one of them different, missing or added.
        OneOff = ("one_off", 9),
        /// At least one side has none.
        Missing = ("missing", 0),
        /// Only the surname is the same: kin more often than not.
        Surname = ("surname", -10),
        /// Different.
        Differ = ("differ", -25),
    }
}

impl NameLevel {
    /// Close enough to be the same name with a slip.
    pub fn agrees(self) -> bool {
        self < Self::Missing
    }
}

levels! {
    /// Date of birth (出生日期).
    BirthLevel {
        /// Equal.
        Exact = ("exact", 12),
        /// One digit different, or day and month swapped.
        Slip = ("slip", 7),
        /// Three to seven weeks apart: lunar calendar against solar.
        Lunar = ("lunar", 4),
        /// Same year and one side is 1 January, the day that stands for an unknown one.
        YearOnly = ("year_only", 4),
        /// At least one side has none.
        Missing = ("missing", 0),
        /// Same year or the year beside it.
        NearYear = ("near_year", -3),
        /// Different.
        Differ = ("differ", -15),
    }
}

levels! {
    /// Sex (性别).
    SexLevel {
        /// Equal.
        Same = ("same", 3),
        /// At least one side has none.
        Missing = ("missing", 0),
        /// Different.
        Differ = ("differ", -12),
    }
}

levels! {
    /// Phone (联系电话).
    PhoneLevel {
        /// Equal.
        Same = ("same", 8),
        /// At least one side has none.
        Missing = ("missing", 0),
        /// Different; people change numbers and write a relative's.
        Differ = ("differ", -1),
    }
}

levels! {
    /// Place of residence (现住址).
    PlaceLevel {
        /// Same village (村).
        Village = ("village", 12),
        /// Same township (乡镇).
        Township = ("township", 8),
        /// Same county (县).
        County = ("county", 4),
        /// One side is not known deep enough to tell.
        Missing = ("missing", 0),
        /// Different counties: somebody works or stays elsewhere.
        Differ = ("differ", -4),
    }
}

levels! {
    /// Household number (户编号), where the list has one.
    HouseholdLevel {
        /// Equal.
        Same = ("same", 12),
        /// At least one side has none.
        Missing = ("missing", 0),
        /// Different.
        Differ = ("differ", -8),
    }
}

/// The levels of all fields of one pair: everything that a model needs to judge it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pattern {
    /// ID number.
    pub id: IdLevel,
    /// Name.
    pub name: NameLevel,
    /// Date of birth.
    pub birth: BirthLevel,
    /// Sex.
    pub sex: SexLevel,
    /// Phone.
    pub phone: PhoneLevel,
    /// Place.
    pub place: PlaceLevel,
    /// Household number.
    pub household: HouseholdLevel,
}

/// One field's part in the decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldLevel {
    /// `id`, `name`, `birth`, `sex`, `phone`, `place` or `household`.
    pub field: &'static str,
    /// The level's stable name.
    pub level: &'static str,
    /// What it adds to the score.
    pub points: i32,
}

impl Pattern {
    /// Compares two records, in either order.
    pub fn of(a: &Record, b: &Record) -> Self {
        let id = id_level(&a.id, &b.id);
        Self {
            id,
            name: name_level(&a.name, &b.name, &a.pinyin, &b.pinyin),
            birth: birth_level(a.birth, b.birth),
            sex: match (a.sex, b.sex) {
                (Some(x), Some(y)) if x == y => SexLevel::Same,
                (Some(_), Some(_)) => SexLevel::Differ,
                _ => SexLevel::Missing,
            },
            phone: match (a.phone, b.phone) {
                (Some(x), Some(y)) if x == y => PhoneLevel::Same,
                (Some(_), Some(_)) => PhoneLevel::Differ,
                _ => PhoneLevel::Missing,
            },
            place: place_level(&a.place, &b.place),
            household: match (a.household, b.household) {
                (Some(x), Some(y)) if x == y => HouseholdLevel::Same,
                (Some(_), Some(_)) => HouseholdLevel::Differ,
                _ => HouseholdLevel::Missing,
            },
        }
    }

    /// The plain score: the points of all fields, kept within 0 and 100.
    pub fn score(&self) -> i32 {
        self.fields().iter().map(|f| f.points).sum::<i32>().clamp(0, 100)
    }

    /// Every field with its level and points.
    pub fn fields(&self) -> [FieldLevel; 7] {
        let field = |field, level, points| FieldLevel { field, level, points };
        [
            field("id", self.id.name(), self.id.points()),
            field("name", self.name.name(), self.name.points()),
            field("birth", self.birth.name(), self.birth.points()),
            field("sex", self.sex.name(), self.sex.points()),
            field("phone", self.phone.name(), self.phone.points()),
            field("place", self.place.name(), self.place.points()),
            field("household", self.household.name(), self.household.points()),
        ]
    }
}

fn id_level(a: &Id, b: &Id) -> IdLevel {
    match (a, b) {
        (Id::Missing, _) | (_, Id::Missing) => IdLevel::Missing,
        (Id::Masked(x), Id::Masked(y)) => masked_level(x, y),
        (Id::Masked(mask), other) | (other, Id::Masked(mask)) => match other.digits() {
            Some(digits) => masked_level(mask, digits),
            None => IdLevel::Missing,
        },
        (Id::Valid { digits: x, source: p }, Id::Valid { digits: y, source: q }) if x == y => match p.max(q) {
            IdSource::Clean => IdLevel::Exact,
            IdSource::Format => IdLevel::Format,
            IdSource::From15 => IdLevel::From15,
        },
        _ => match (a.digits(), b.digits()) {
            (Some(x), Some(y)) if one_slip(x, y) => {
                if matches!(a, Id::Broken(_)) || matches!(b, Id::Broken(_)) {
                    IdLevel::Typo
                } else {
                    IdLevel::NearValid
                }
            }
            // The same broken number on both sides was copied from the same paper.
            (Some(x), Some(y)) if x == y => IdLevel::Typo,
            _ => IdLevel::Differ,
        },
    }
}

fn masked_level(a: &[u8; 18], b: &[u8; 18]) -> IdLevel {
    let mut visible = 0;
    for (x, y) in a.iter().zip(b) {
        if *x == b'*' || *y == b'*' {
            continue;
        }
        if x != y {
            return IdLevel::Differ;
        }
        visible += 1;
    }
    match visible {
        10.. => IdLevel::MaskedLong,
        4.. => IdLevel::MaskedShort,
        _ => IdLevel::Missing,
    }
}

/// One position different (and with it perhaps the check character), or two neighbours swapped.
fn one_slip(a: &[u8; 18], b: &[u8; 18]) -> bool {
    let mut different = [0usize; 3];
    let mut count = 0;
    for i in 0..17 {
        if a[i] != b[i] {
            if count == 3 {
                return false;
            }
            different[count.min(2)] = i;
            count += 1;
        }
    }
    match count {
        0 => a[17] != b[17],
        1 => true,
        2 => {
            let (i, j) = (different[0], different[1]);
            j == i + 1 && a[i] == b[j] && a[j] == b[i]
        }
        _ => false,
    }
}

fn birth_level(a: Option<Birth>, b: Option<Birth>) -> BirthLevel {
    let (Some(a), Some(b)) = (a, b) else {
        return BirthLevel::Missing;
    };
    if a == b {
        return BirthLevel::Exact;
    }
    let mut digits = 0;
    let (mut x, mut y) = (a.0, b.0);
    while x != y {
        digits += u32::from(x % 10 != y % 10);
        (x, y) = (x / 10, y / 10);
    }
    let swapped = a.year() == b.year() && a.month() == b.day() && a.day() == b.month();
    let apart = (a.rough_days() - b.rough_days()).abs();
    if digits == 1 || swapped {
        BirthLevel::Slip
    } else if a.year() == b.year() && (a.0 % 10_000 == 101 || b.0 % 10_000 == 101) {
        BirthLevel::YearOnly
    } else if (17..=52).contains(&apart) {
        BirthLevel::Lunar
    } else if a.year().abs_diff(b.year()) <= 1 {
        BirthLevel::NearYear
    } else {
        BirthLevel::Differ
    }
}

fn place_level(a: &Place, b: &Place) -> PlaceLevel {
    let depth = a.depth().min(b.depth());
    let same = |len| depth >= len && a.prefix(len) == b.prefix(len);
    if same(12) {
        PlaceLevel::Village
    } else if same(9) {
        PlaceLevel::Township
    } else if same(6) {
        PlaceLevel::County
    } else if depth < 6 {
        PlaceLevel::Missing
    } else {
        PlaceLevel::Differ
    }
}

/// Compares two folded names, each with its tone-less pinyin.
pub fn name_level(a: &str, b: &str, pinyin_a: &str, pinyin_b: &str) -> NameLevel {
    if a.is_empty() || b.is_empty() {
        return NameLevel::Missing;
    }
    if a == b {
        return NameLevel::Exact;
    }
    let x: Vec<char> = a.chars().filter(|c| *c != '·').collect();
    let y: Vec<char> = b.chars().filter(|c| *c != '·').collect();
    if x == y {
        return NameLevel::Exact;
    }
    let sounded = !pinyin_a.is_empty() && !pinyin_b.is_empty();
    if (sounded && pinyin_a == pinyin_b) || same_sound(&x, &y) {
        return NameLevel::Homophone;
    }
    if x.len() == y.len() {
        let different: Vec<usize> = (0..x.len()).filter(|i| x[*i] != y[*i]).collect();
        if let [i] = different[..]
            && look_alike(x[i], y[i])
        {
            return NameLevel::LookAlike;
        }
    }
    if sounded && codes::name::fuzzy_pinyin(pinyin_a) == codes::name::fuzzy_pinyin(pinyin_b) {
        return NameLevel::FuzzySound;
    }
    let sorted = |v: &[char]| {
        let mut v = v.to_vec();
        v.sort_unstable();
        v
    };
    if sorted(&x) == sorted(&y) {
        return NameLevel::Reordered;
    }
    let part = |whole: &str, part: &str| {
        whole.contains('·') && part.chars().count() >= 2 && whole.split('·').any(|p| p == part)
    };
    if part(a, b) || part(b, a) {
        return NameLevel::Part;
    }
    if x.len().max(y.len()) >= 3 && one_edit(&x, &y) {
        return NameLevel::OneOff;
    }
    if x.first() == y.first() {
        return NameLevel::Surname;
    }
    NameLevel::Differ
}

fn same_sound(x: &[char], y: &[char]) -> bool {
    x.len() == y.len()
        && x.iter().zip(y).all(|(a, b)| {
            a == b || {
                let other = codes::name::readings(*b);
                codes::name::readings(*a).iter().any(|r| other.contains(r))
            }
        })
}

fn one_edit(x: &[char], y: &[char]) -> bool {
    let (short, long) = if x.len() <= y.len() { (x, y) } else { (y, x) };
    let head = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    match long.len() - short.len() {
        0 => short[head + 1..] == long[head + 1..],
        1 => short[head..] == long[head + 1..],
        _ => false,
    }
}

/// Characters that are taken for each other on paper and in handwriting (形近字), by group.
const LOOK_ALIKE: &[&str] = &[
    "己已巳",
    "未末",
    "土士",
    "日曰",
    "王玉主",
    "天夫无",
    "人入八",
    "大太犬",
    "千干于",
    "刀力",
    "午牛",
    "田由甲申",
    "白自百",
    "目且",
    "贝见",
    "风凤",
    "乌鸟",
    "今令",
    "免兔",
    "北比",
    "卫工",
    "云去",
    "折拆析",
    "清请情晴青菁靖",
    "红江虹",
    "明朋",
    "林材村",
    "芳苏花",
    "英荚",
    "萍苹",
    "兰三",
    "桂挂佳",
    "秀季",
    "珍玲",
    "凤风",
    "霞露",
    "春舂",
    "荣莱",
    "梅海悔",
    "丽雨",
    "勇男",
    "军车",
    "刚钢冈",
    "强弘",
    "伟纬炜玮",
    "杰木",
    "浩洁",
    "涛寿",
    "超赵",
    "波坡",
    "斌赋",
    "辉晖挥",
    "鹏朋",
    "宇字",
    "晨辰",
    "昊吴",
    "洋详祥样",
    "华毕",
    "建健",
    "国困",
    "平苹",
    "永水",
    "光先",
    "志忐",
    "忠患",
    "安女",
    "福富",
    "贵责",
    "财材",
    "全金",
    "银很",
    "荷何",
    "菊蓟",
    "莲连链",
    "芬芳",
    "琴瑟",
    "燕蒸",
    "婷停",
    "娟绢涓",
    "敏每",
    "静净",
    "慧惠",
    "玉王",
    "雪雷",
    "俊峻骏竣",
    "凯剀",
    "亮壳",
    "坤坪",
    "栋拣",
    "彬杉",
    "淑叔",
    "瑞端",
    "新斯",
    "喜善",
    "庆厌",
    "宝定",
    "良艮",
    "振震",
    "兴光",
    "发友",
    "来米",
    "长张",
    "刘列",
    "陈阵",
    "扬杨场",
    "赵越",
    "吴昊",
    "徐余",
    "孙小",
    "胡湖",
    "朱未",
    "郭敦",
    "何河",
    "罗岁",
    "粱梁",
    "宋末",
    "谢榭",
    "韩朝",
    "唐塘",
    "冯马",
    "于干",
    "董重",
    "程桯",
    "曹遭",
    "袁衰",
    "邓郑",
    "许计",
    "傅博",
    "沈枕",
    "曾会",
    "彭澎",
    "吕吴",
];

fn look_alike(a: char, b: char) -> bool {
    LOOK_ALIKE.iter().any(|group| group.contains(a) && group.contains(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(a: &str, b: &str) -> NameLevel {
        let sound = |n: &str| codes::name::pinyin(n);
        name_level(a, b, &sound(a), &sound(b))
    }

    #[test]
    fn names_as_they_are_mistaken() {
        assert_eq!(name("张伟", "张伟"), NameLevel::Exact);
        assert_eq!(name("张伟", "章玮"), NameLevel::Homophone);
        assert_eq!(name("李明未", "李明末"), NameLevel::LookAlike);
        assert_eq!(name("王志强", "王强志"), NameLevel::Reordered);
        assert_eq!(name("买买提·艾力", "艾力"), NameLevel::Part);
        assert_eq!(name("买买提·艾力", "买买提艾力"), NameLevel::Exact);
        assert_eq!(name("王建国", "王国"), NameLevel::OneOff);
        assert_eq!(name("王建国", "王建军"), NameLevel::OneOff);
        assert_eq!(name("王军", "王芳"), NameLevel::Surname);
        assert_eq!(name("王军", "李芳"), NameLevel::Differ);
        assert_eq!(name("", "李芳"), NameLevel::Missing);
    }

    #[test]
    fn births_as_they_are_mistaken() {
        let level = |a, b| birth_level(Some(Birth(a)), Some(Birth(b)));
        assert_eq!(level(19_650_312, 19_650_312), BirthLevel::Exact);
        assert_eq!(level(19_650_312, 19_650_317), BirthLevel::Slip);
        assert_eq!(level(19_650_312, 19_651_203), BirthLevel::Slip);
        assert_eq!(level(19_650_312, 19_650_207), BirthLevel::Lunar);
        assert_eq!(level(19_650_412, 19_650_101), BirthLevel::YearOnly);
        assert_eq!(level(19_650_312, 19_660_928), BirthLevel::NearYear);
        assert_eq!(level(19_650_312, 19_840_928), BirthLevel::Differ);
        assert_eq!(birth_level(None, Some(Birth(1))), BirthLevel::Missing);
    }

    fn digits() -> impl Strategy<Value = [u8; 18]> {
        proptest::array::uniform18(b'0'..=b'9')
    }

    proptest! {
        #[test]
        fn one_mistyped_digit_is_a_slip_and_two_far_ones_are_not(id in digits(), at in 0usize..17, by in 1u8..10) {
            let mut other = id;
            other[at] = b'0' + (other[at] - b'0' + by) % 10;
            prop_assert!(one_slip(&id, &other));
            let far = (at + 5) % 17;
            other[far] = b'0' + (other[far] - b'0' + by) % 10;
            prop_assert!(!one_slip(&id, &other));
        }

        #[test]
        fn a_masked_number_agrees_with_its_own_and_is_never_exact(id in digits(), from in 4usize..8, to in 10usize..15) {
            let mut mask = id;
            mask[from..to].fill(b'*');
            let level = id_level(&Id::Masked(mask), &Id::Valid { digits: id, source: IdSource::Clean });
            let agrees = matches!(level, IdLevel::MaskedLong | IdLevel::MaskedShort);
            prop_assert!(agrees);
        }

        #[test]
        fn comparison_does_not_care_which_side_is_which(a in "[王李张][伟玮芳建国]{1,3}", b in "[王李张][伟玮芳建国]{1,3}", x in 19_000_101u32..20_201_231, y in 19_000_101u32..20_201_231) {
            prop_assert_eq!(name(&a, &b), name(&b, &a));
            prop_assert_eq!(birth_level(Some(Birth(x)), Some(Birth(y))), birth_level(Some(Birth(y)), Some(Birth(x))));
        }
    }
}
