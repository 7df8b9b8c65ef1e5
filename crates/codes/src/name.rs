//! Personal and place names: one spelling for comparing, pinyin for searching.
//!
//! A name is shown as it was written; what is compared and indexed is its folded form. Tables are built once from the
//! facts of OpenCC (traditional to simplified) and pinyin-data, character by character, because names have no context.

use std::collections::HashMap;
use std::sync::LazyLock;

use pinyin::{ToPinyin, ToPinyinMulti};
use unicode_normalization::UnicodeNormalization;

/// First and last character of the block that nearly all names are written in.
const BLOCK: std::ops::RangeInclusive<u32> = 0x3400..=0x9fff;

/// Traditional characters and their simplified forms.
const TRADITIONAL: &str = include_str!("../data/traditional.txt");

/// Spellings of one character that registers mix, beyond traditional and simplified: variant, usual form.
const VARIANTS: &[(char, char)] = &[
    ('峯', '峰'),
    ('喆', '哲'),
    ('昇', '升'),
    ('堃', '坤'),
    ('嶽', '岳'),
    ('嶽', '岳'),
    ('崑', '昆'),
    ('甦', '苏'),
    ('濬', '浚'),
    ('鉅', '巨'),
    ('並', '并'),
    ('傑', '杰'),
    ('喬', '乔'),
    ('筍', '笋'),
    ('煇', '辉'),
    ('燿', '耀'),
    ('吳', '吴'),
    ('呂', '吕'),
    ('黃', '黄'),
    ('曁', '暨'),
    ('淸', '清'),
    ('眞', '真'),
    ('靑', '青'),
    ('靜', '静'),
    ('衞', '卫'),
    ('爲', '为'),
    ('羣', '群'),
    ('畧', '略'),
    ('勳', '勋'),
    ('勛', '勋'),
    ('菓', '果'),
    ('槑', '梅'),
    ('鎻', '锁'),
    ('栢', '柏'),
    ('贇', '赟'),
    ('昰', '是'),
    ('仝', '同'),
    ('於', '于'),
    ('閏', '闰'),
    ('妳', '你'),
    ('寳', '宝'),
    ('寶', '宝'),
    ('珎', '珍'),
    ('脩', '修'),
    ('娛', '娱'),
    ('嫺', '娴'),
    ('嫻', '娴'),
    ('蘭', '兰'),
    ('葉', '叶'),
    ('範', '范'),
    ('鍾', '钟'),
    ('鐘', '钟'),
    ('鬱', '郁'),
    ('竝', '并'),
    ('昻', '昂'),
    ('溫', '温'),
    ('硏', '研'),
    ('囯', '国'),
    ('囻', '国'),
    ('旾', '春'),
    ('夀', '寿'),
    ('頴', '颖'),
    ('潁', '颍'),
    ('穎', '颖'),
    ('徳', '德'),
    ('悳', '德'),
    ('祿', '禄'),
    ('錄', '录'),
    ('尙', '尚'),
    ('晧', '皓'),
    ('暠', '皓'),
    ('皞', '皓'),
    ('迺', '乃'),
    ('廼', '乃'),
    ('逹', '达'),
    ('冺', '泯'),
    ('凃', '涂'),
    ('髙', '高'),
    ('濶', '阔'),
    ('楳', '梅'),
    ('韮', '韭'),
    ('畵', '画'),
    ('畫', '画'),
];

/// Readings of surnames that differ from the character's usual one.
const SURNAMES: &[(char, &str)] = &[
    ('曾', "zeng"),
    ('单', "shan"),
    ('仇', "qiu"),
    ('解', "xie"),
    ('任', "ren"),
    ('查', "zha"),
    ('朴', "piao"),
    ('区', "ou"),
    ('盖', "ge"),
    ('葛', "ge"),
    ('华', "hua"),
    ('乐', "yue"),
    ('翟', "zhai"),
    ('尉', "wei"),
    ('覃', "qin"),
    ('冼', "xian"),
    ('洗', "xian"),
    ('缪', "miao"),
    ('员', "yun"),
    ('召', "shao"),
    ('卜', "bu"),
    ('种', "chong"),
    ('折', "she"),
    ('逄', "pang"),
    ('秘', "bi"),
    ('晁', "chao"),
    ('黑', "he"),
    ('谌', "chen"),
    ('郗', "chi"),
    ('隗', "wei"),
    ('教', "jiao"),
    ('祭', "zhai"),
    ('纪', "ji"),
    ('宁', "ning"),
    ('沈', "shen"),
    ('贾', "jia"),
    ('车', "che"),
    ('石', "shi"),
    ('褚', "chu"),
    ('相', "xiang"),
    ('哈', "ha"),
    ('那', "na"),
    ('佴', "nai"),
    ('么', "yao"),
    ('幺', "yao"),
    ('万', "wan"),
    ('长', "zhang"),
    ('都', "du"),
    ('过', "guo"),
    ('能', "nai"),
    ('曲', "qu"),
    ('少', "shao"),
    ('舍', "she"),
    ('盛', "sheng"),
    ('於', "yu"),
    ('应', "ying"),
    ('占', "zhan"),
    ('重', "chong"),
    ('俞', "yu"),
    ('车', "che"),
    ('戚', "qi"),
    ('乜', "nie"),
    ('撒', "sa"),
    ('便', "pian"),
];

/// Surnames of two characters, with their readings where a character has another usual one.
const DOUBLE: &[(&str, &[&str])] = &[
    ("欧阳", &["ou", "yang"]),
    ("司马", &["si", "ma"]),
    ("上官", &["shang", "guan"]),
    ("诸葛", &["zhu", "ge"]),
    ("尉迟", &["yu", "chi"]),
    ("万俟", &["mo", "qi"]),
    ("长孙", &["zhang", "sun"]),
    ("单于", &["chan", "yu"]),
    ("澹台", &["tan", "tai"]),
    ("宗政", &["zong", "zheng"]),
    ("令狐", &["ling", "hu"]),
    ("夏侯", &["xia", "hou"]),
    ("皇甫", &["huang", "fu"]),
    ("公孙", &["gong", "sun"]),
    ("慕容", &["mu", "rong"]),
    ("司徒", &["si", "tu"]),
    ("端木", &["duan", "mu"]),
    ("东方", &["dong", "fang"]),
    ("呼延", &["hu", "yan"]),
    ("闻人", &["wen", "ren"]),
];

/// Readings of places that differ from their characters' usual ones, wherever they stand in the name.
const PLACES: &[(&str, &[&str])] = &[
    ("重庆", &["chong", "qing"]),
    ("长", &["chang"]),
    ("朝阳", &["chao", "yang"]),
    ("六安", &["lu", "an"]),
    ("六合", &["lu", "he"]),
    ("蚌埠", &["beng", "bu"]),
    ("蚌山", &["beng", "shan"]),
    ("涡阳", &["guo", "yang"]),
    ("枞阳", &["zong", "yang"]),
    ("单县", &["shan", "xian"]),
    ("单城", &["shan", "cheng"]),
    ("莘县", &["shen", "xian"]),
    ("解州", &["hai", "zhou"]),
    ("乐清", &["yue", "qing"]),
    ("乐亭", &["lao", "ting"]),
    ("厦门", &["xia", "men"]),
    ("番禺", &["pan", "yu"]),
    ("东阿", &["dong", "e"]),
    ("铅山", &["yan", "shan"]),
    ("大埔", &["da", "bu"]),
    ("尉犁", &["yu", "li"]),
    ("洪洞", &["hong", "tong"]),
    ("什邡", &["shi", "fang"]),
];

/// Middle dots of minority and foreign names, as different keyboards write them.
const DOTS: &[char] = &['·', '.', '•', '・', '．', '‧', '∙', '⋅', '●', '｡', '᛫', '\u{2022}'];

struct Tables {
    /// Usual form of each character of [`BLOCK`].
    fold: Vec<char>,
    /// Plain reading of each character of [`BLOCK`], `""` where there is none.
    reading: Vec<&'static str>,
    surname: HashMap<char, &'static str>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let mut usual: HashMap<char, char> = HashMap::new();
    for pair in TRADITIONAL.lines().filter(|line| !line.starts_with('#')).flat_map(|line| line.split(' ')) {
        let mut chars = pair.chars();
        if let (Some(traditional), Some(simplified)) = (chars.next(), chars.next()) {
            usual.insert(traditional, simplified);
        }
    }
    usual.extend(VARIANTS.iter().copied());
    let mut fold = Vec::with_capacity(BLOCK.clone().count());
    let mut reading = Vec::with_capacity(fold.capacity());
    for code in BLOCK {
        let Some(c) = char::from_u32(code) else {
            continue;
        };
        // A variant may lead to a character that itself has a simpler form.
        let simple = usual.get(&c).map_or(c, |next| usual.get(next).copied().unwrap_or(*next));
        fold.push(simple);
        reading.push(c.to_pinyin().map_or("", |p| plain(p.plain())));
    }
    Tables { fold, reading, surname: SURNAMES.iter().copied().collect() }
});

/// ASCII spelling of a reading: ü is typed v.
fn plain(reading: &'static str) -> &'static str {
    match reading {
        "lü" => "lv",
        "nü" => "nv",
        "lüe" => "lve",
        "nüe" => "nve",
        "ê" => "e",
        other if other.is_ascii() => other,
        _ => "",
    }
}

fn fold_char(c: char) -> char {
    let code = c as u32;
    if !BLOCK.contains(&code) {
        return c;
    }
    TABLES.fold.get((code - BLOCK.start()) as usize).copied().unwrap_or(c)
}

fn reading(c: char) -> &'static str {
    let code = c as u32;
    if !BLOCK.contains(&code) {
        return "";
    }
    TABLES.reading.get((code - BLOCK.start()) as usize).copied().unwrap_or("")
}

/// The form in which names are compared: compatibility forms composed (NFKC), blanks and invisible characters gone,
/// simplified characters, usual variants, one kind of middle dot, capital Latin letters.
///
/// ```
/// use codes::name::fold;
/// assert_eq!(fold("張 偉"), fold("张伟"));
/// assert_eq!(fold("买买提．艾力"), "买买提·艾力");
/// assert_eq!(fold("李峯"), "李峰");
/// ```
pub fn fold(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    if raw.chars().all(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)) {
        out.extend(raw.chars().map(fold_char));
        return out;
    }
    for c in raw.nfkc() {
        if c.is_whitespace() || c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\'')
        {
            continue;
        }
        if DOTS.contains(&c) {
            out.push('·');
        } else {
            out.push(fold_char(c).to_ascii_uppercase());
        }
    }
    // What was removed may have stood between a letter and its accent.
    let out: String = out.nfkc().collect();
    let trimmed = out.trim_matches('·');
    if trimmed.len() == out.len() { out } else { trimmed.to_owned() }
}

/// Readings of the characters of a folded name, surname readings first; letters stay, other signs are left out.
fn readings_of(folded: &str) -> impl Iterator<Item = (char, &'static str)> + '_ {
    let double = DOUBLE.iter().find(|(name, _)| folded.starts_with(name)).map(|(_, readings)| *readings);
    folded.chars().enumerate().map(move |(at, c)| {
        let special = match double {
            Some(readings) => readings.get(at).copied(),
            None if at == 0 => TABLES.surname.get(&c).copied(),
            None => None,
        };
        (c, special.unwrap_or_else(|| reading(c)))
    })
}

/// Plain pinyin of a folded name without blanks, ü as v.
///
/// ```
/// use codes::name::pinyin;
/// assert_eq!(pinyin("张伟"), "zhangwei");
/// assert_eq!(pinyin("曾单"), "zengdan");
/// assert_eq!(pinyin("吕布"), "lvbu");
/// ```
pub fn pinyin(folded: &str) -> String {
    joined(readings_of(folded))
}

fn joined(readings: impl Iterator<Item = (char, &'static str)>) -> String {
    let mut out = String::new();
    for (c, reading) in readings {
        if reading.is_empty() && c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        } else {
            out.push_str(reading);
        }
    }
    out
}

/// Readings of the characters of a folded place name: no surname's, since 长岭 is no Mr Zhang.
fn place_readings(folded: &str) -> impl Iterator<Item = (char, &'static str)> + '_ {
    let mut special: &'static [&'static str] = &[];
    folded.char_indices().map(move |(at, c)| {
        if special.is_empty()
            && let Some((_, readings)) =
                PLACES.iter().find(|(name, _)| folded.get(at..).is_some_and(|rest| rest.starts_with(name)))
        {
            special = readings;
        }
        match special.split_first() {
            Some((first, rest)) => {
                special = rest;
                (c, *first)
            }
            None => (c, reading(c)),
        }
    })
}

/// Plain pinyin of a folded place name, without the readings that a character has as a surname.
///
/// ```
/// use codes::name::place_pinyin;
/// assert_eq!(place_pinyin("长岭镇"), "changlingzhen");
/// assert_eq!(place_pinyin("乐平村"), "lepingcun");
/// assert_eq!(place_pinyin("蚌埠市"), "bengbushi");
/// ```
pub fn place_pinyin(folded: &str) -> String {
    joined(place_readings(folded))
}

/// First letters of the readings of a folded place name.
///
/// ```
/// assert_eq!(codes::name::place_initials("长岭镇"), "clz");
/// ```
pub fn place_initials(folded: &str) -> String {
    first_letters(place_readings(folded))
}

/// First letters of the readings.
///
/// ```
/// assert_eq!(codes::name::initials("诸葛亮"), "zgl");
/// ```
pub fn initials(folded: &str) -> String {
    first_letters(readings_of(folded))
}

fn first_letters(readings: impl Iterator<Item = (char, &'static str)>) -> String {
    let mut out = String::new();
    for (c, reading) in readings {
        match reading.bytes().next() {
            Some(first) => out.push(char::from(first)),
            None if c.is_ascii_alphanumeric() => out.push(c.to_ascii_lowercase()),
            None => {}
        }
    }
    out
}

/// Every plain reading of a character, the usual one first; empty for what is no Chinese character.
///
/// ```
/// assert!(codes::name::readings('重').contains(&"chong"));
/// ```
pub fn readings(c: char) -> Vec<&'static str> {
    let mut out: Vec<&'static str> = Vec::new();
    let mut add = |reading: &'static str| {
        if !reading.is_empty() && !out.contains(&reading) {
            out.push(reading);
        }
    };
    add(reading(c));
    if let Some(surname) = TABLES.surname.get(&c) {
        add(surname);
    }
    if let Some(all) = c.to_pinyin_multi() {
        for reading in all {
            add(plain(reading.plain()));
        }
    }
    out
}

/// Whether two characters can be read alike, tones apart.
pub fn homophones(a: char, b: char) -> bool {
    a == b || {
        let others = readings(b);
        readings(a).iter().any(|r| others.contains(r))
    }
}

/// Pinyin as a dialect may hear it: zh/z, ch/c, sh/s, n/l, f/h at the front and ng/n at the end of a syllable are one.
///
/// ```
/// use codes::name::{fuzzy_pinyin, pinyin};
/// assert_eq!(fuzzy_pinyin("陈兰"), fuzzy_pinyin("程南"));
/// assert_ne!(fuzzy_pinyin("陈兰"), fuzzy_pinyin("王南"));
/// ```
pub fn fuzzy_pinyin(folded: &str) -> String {
    let mut out = String::with_capacity(folded.len() * 2);
    for (c, reading) in readings_of(folded) {
        if reading.is_empty() {
            if c.is_ascii_alphanumeric() {
                out.push(c.to_ascii_lowercase());
            }
            continue;
        }
        let body = match reading {
            r if r.starts_with("zh") || r.starts_with("ch") || r.starts_with("sh") => {
                out.push_str(&r[..1]);
                &r[2..]
            }
            r if r.starts_with('n') => {
                out.push('l');
                &r[1..]
            }
            r if r.starts_with('f') => {
                out.push('h');
                &r[1..]
            }
            r => r,
        };
        out.push_str(body.strip_suffix('g').filter(|b| b.ends_with('n')).unwrap_or(body));
    }
    out
}

/// The surname of a folded name: one character, or two where it is one of the double surnames.
///
/// ```
/// assert_eq!(codes::name::surname("欧阳锋"), "欧阳");
/// ```
pub fn surname(folded: &str) -> &str {
    if let Some((double, _)) = DOUBLE.iter().find(|(name, _)| folded.starts_with(name) && folded.len() > name.len()) {
        return folded.get(..double.len()).unwrap_or_default();
    }
    folded.chars().next().and_then(|c| folded.get(..c.len_utf8())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn surname_readings() {
        for (name, expected) in [
            ("曾国强", "zengguoqiang"),
            ("单田芳", "shantianfang"),
            ("仇英", "qiuying"),
            ("解珍", "xiezhen"),
            ("任我行", "renwoxing"),
            ("尉迟恭", "yuchigong"),
            ("万俟卨", "moqixie"),
            ("绿女", "lvnv"),
        ] {
            assert_eq!(pinyin(name), expected);
        }
        assert_eq!(initials("任我行"), "rwx");
    }

    #[test]
    fn places_are_not_surnames() {
        for (name, expected) in [
            ("长岭镇", "changlingzhen"),
            ("新长桥村", "xinchangqiaocun"),
            ("乐平县", "lepingxian"),
            ("单县", "shanxian"),
            ("任集村", "renjicun"),
            ("重庆市", "chongqingshi"),
            ("西六安村", "xiluancun"),
            ("石桥3组", "shiqiao3zu"),
        ] {
            assert_eq!(place_pinyin(name), expected);
        }
        assert_eq!(place_initials("蚌埠市"), "bbs");
        assert_eq!(pinyin("长孙无忌"), "zhangsunwuji");
    }

    #[test]
    fn script_and_variants() {
        assert_eq!(fold("劉國慶"), "刘国庆");
        assert_eq!(fold("陳喆"), "陈哲");
        assert_eq!(fold("趙 昇"), "赵升");
        for dot in ['·', '.', '•', '・', '．', '‧'] {
            assert_eq!(fold(&format!("阿依古丽{dot}买买提")), "阿依古丽·买买提");
        }
        assert_eq!(fold(" 张\u{3000}伟 "), "张伟");
        // In names it is Qian: 干 is the simplified form of another word.
        assert_eq!(pinyin(&fold("王乾坤")), "wangqiankun");
    }

    #[test]
    fn homophones_by_any_reading() {
        assert!(homophones('伟', '玮'));
        assert!(homophones('曾', '增'));
        assert!(!homophones('伟', '强'));
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(raw in "\\PC{0,12}") {
            let once = fold(&raw);
            prop_assert_eq!(fold(&once), once);
        }

        #[test]
        fn pinyin_is_ascii(raw in "[\\u{4e00}-\\u{9fa5}]{1,4}") {
            let folded = fold(&raw);
            prop_assert!(pinyin(&folded).is_ascii());
            prop_assert!(initials(&folded).len() <= folded.chars().count());
        }
    }
}
