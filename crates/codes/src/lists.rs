//! Code lists of the registry, by label: labels are what files hold, and the numbers behind them differ by system.

use crate::{Sex, text};

/// Relation to the head of the household (与户主关系): label, GB/T 4761 code, the sex that it implies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relation {
    /// The label of the registry.
    pub label: &'static str,
    /// GB/T 4761 code.
    pub code: &'static str,
    /// The sex that the word itself says.
    pub sex: Option<Sex>,
}

const fn relation(label: &'static str, code: &'static str, sex: Option<Sex>) -> Relation {
    Relation { label, code, sex }
}

const M: Option<Sex> = Some(Sex::Male);
const F: Option<Sex> = Some(Sex::Female);

/// The 28 relations of the national registry.
pub const RELATIONS: [Relation; 28] = [
    relation("户主", "02", None),
    relation("配偶", "10", None),
    relation("之子", "20", M),
    relation("之女", "30", F),
    relation("之儿媳", "38", F),
    relation("之女婿", "29", M),
    relation("之孙子", "41", M),
    relation("之孙女", "42", F),
    relation("之外孙子", "43", M),
    relation("之外孙女", "44", F),
    relation("之父", "51", M),
    relation("之母", "52", F),
    relation("之岳父", "55", M),
    relation("之岳母", "56", F),
    relation("之公公", "53", M),
    relation("之婆婆", "54", F),
    relation("之祖父", "61", M),
    relation("之祖母", "62", F),
    relation("之外祖父", "63", M),
    relation("之外祖母", "64", F),
    relation("之兄弟姐妹", "70", None),
    relation("之曾孙子", "45", M),
    relation("之曾孙女", "46", F),
    relation("之侄儿", "97", M),
    relation("之侄女", "97", F),
    relation("之兄弟媳妇", "97", F),
    relation("之叔伯", "97", M),
    relation("其他", "99", None),
];

/// The relation of a label, with or without 之, and the usual other words.
///
/// ```
/// use codes::lists::relation_of;
/// assert_eq!(relation_of("儿子").unwrap().label, "之子");
/// assert_eq!(relation_of("本人或户主").unwrap().label, "户主");
/// assert!(relation_of("邻居").is_none());
/// ```
pub fn relation_of(raw: &str) -> Option<&'static Relation> {
    let label = text::half_width(raw);
    let label = match &*label {
        "本人" | "本人或户主" | "户主本人" => "户主",
        "妻" | "夫" | "妻子" | "丈夫" | "之妻" | "之夫" => "配偶",
        "子" | "儿子" | "长子" | "次子" | "三子" | "养子" | "继子" => "之子",
        "女" | "女儿" | "长女" | "次女" | "三女" | "养女" | "继女" => "之女",
        "媳" | "儿媳妇" | "媳妇" => "之儿媳",
        "父亲" => "之父",
        "母亲" => "之母",
        "爷爷" => "之祖父",
        "奶奶" => "之祖母",
        "外公" | "姥爷" => "之外祖父",
        "外婆" | "姥姥" => "之外祖母",
        "兄" | "弟" | "姐" | "妹" | "哥哥" | "弟弟" | "姐姐" | "妹妹" | "之兄" | "之弟" | "之姐" | "之妹" => {
            "之兄弟姐妹"
        }
        "侄子" | "之侄子" => "之侄儿",
        "其他亲属" | "其它" | "非亲属" | "其他成员" => "其他",
        other => other,
    };
    RELATIONS.iter().find(|r| r.label == label || r.label.strip_prefix('之') == Some(label))
}

/// Ethnic groups (民族, GB/T 3304): code and short name.
pub const ETHNIC_GROUPS: [(&str, &str); 58] = [
    ("01", "汉"),
    ("02", "蒙古"),
    ("03", "回"),
    ("04", "藏"),
    ("05", "维吾尔"),
    ("06", "苗"),
    ("07", "彝"),
    ("08", "壮"),
    ("09", "布依"),
    ("10", "朝鲜"),
    ("11", "满"),
    ("12", "侗"),
    ("13", "瑶"),
    ("14", "白"),
    ("15", "土家"),
    ("16", "哈尼"),
    ("17", "哈萨克"),
    ("18", "傣"),
    ("19", "黎"),
    ("20", "傈僳"),
    ("21", "佤"),
    ("22", "畲"),
    ("23", "高山"),
    ("24", "拉祜"),
    ("25", "水"),
    ("26", "东乡"),
    ("27", "纳西"),
    ("28", "景颇"),
    ("29", "柯尔克孜"),
    ("30", "土"),
    ("31", "达斡尔"),
    ("32", "仫佬"),
    ("33", "羌"),
    ("34", "布朗"),
    ("35", "撒拉"),
    ("36", "毛南"),
    ("37", "仡佬"),
    ("38", "锡伯"),
    ("39", "阿昌"),
    ("40", "普米"),
    ("41", "塔吉克"),
    ("42", "怒"),
    ("43", "乌孜别克"),
    ("44", "俄罗斯"),
    ("45", "鄂温克"),
    ("46", "德昂"),
    ("47", "保安"),
    ("48", "裕固"),
    ("49", "京"),
    ("50", "塔塔尔"),
    ("51", "独龙"),
    ("52", "鄂伦春"),
    ("53", "赫哲"),
    ("54", "门巴"),
    ("55", "珞巴"),
    ("56", "基诺"),
    ("97", "其他"),
    ("98", "外籍入籍"),
];

/// Code and short name of an ethnic group, with or without 族, or by its code.
///
/// ```
/// assert_eq!(codes::lists::ethnic_group("土家族"), Some(("15", "土家")));
/// ```
pub fn ethnic_group(raw: &str) -> Option<(&'static str, &'static str)> {
    let label = text::half_width(raw);
    let label = label.strip_suffix('族').unwrap_or(&label);
    ETHNIC_GROUPS.iter().copied().find(|(code, name)| *name == label || *code == label)
}

/// Education reached (文化程度).
pub const EDUCATION: [&str; 6] = ["文盲或半文盲", "小学", "初中", "高中", "大专", "本科及以上"];

/// The level of a label of 文化程度, also in the words of GB/T 4658 (whose numbers differ by system, so that only its
/// labels are read).
///
/// ```
/// use codes::lists::education;
/// assert_eq!(education("大学本科"), Some("本科及以上"));
/// assert_eq!(education("中专"), Some("高中"));
/// assert_eq!(education("60"), None);
/// ```
pub fn education(raw: &str) -> Option<&'static str> {
    let label = text::half_width(raw);
    let label = match &*label {
        "文盲" | "半文盲" | "文盲半文盲" | "文盲/半文盲" | "不识字" | "文盲或识字很少" => {
            "文盲或半文盲"
        }
        "小学教育" => "小学",
        "初级中学" | "初级中学教育" | "初中(含职业初中)" => "初中",
        "普通高中"
        | "普通高级中学教育"
        | "中专"
        | "中等专业学校"
        | "中等职业教育"
        | "职高"
        | "职业高中"
        | "技校"
        | "技工学校"
        | "高中(中专)"
        | "高中/中专"
        | "高中(含中专)"
        | "高中或中专" => "高中",
        "专科" | "大学专科" | "大学专科教育" | "高职" | "高职高专" | "大专(高职)" => "大专",
        "本科" | "大学本科" | "大学本科教育" | "大学" | "研究生" | "研究生教育" | "硕士" | "硕士研究生" | "博士"
        | "博士研究生" => "本科及以上",
        other => other,
    };
    one_of(&EDUCATION, label)
}

/// School attended now (在校生状况).
pub const SCHOOLING: [&str; 25] = [
    "学龄前儿童",
    "学前教育",
    "小学",
    "七年级",
    "八年级",
    "九年级",
    "普通高中一年级",
    "普通高中二年级",
    "普通高中三年级",
    "中职一年级",
    "中职二年级",
    "中职三年级",
    "高职高专一年级",
    "高职高专二年级",
    "高职高专三年级",
    "技师学院一年级",
    "技师学院二年级",
    "技师学院三年级",
    "技师学院四年级",
    "本科一年级",
    "本科二年级",
    "本科三年级",
    "本科四年级",
    "本科五年级",
    "硕士研究生及以上",
];

/// The value of a label of 在校生状况, with the shorter words in use.
///
/// ```
/// assert_eq!(codes::lists::schooling("初二"), Some("八年级"));
/// ```
pub fn schooling(raw: &str) -> Option<&'static str> {
    let label = text::half_width(raw);
    let label = match &*label {
        "学龄前" => "学龄前儿童",
        "幼儿园" => "学前教育",
        "小学在校" | "小学生" => "小学",
        "初一" | "初中一年级" => "七年级",
        "初二" | "初中二年级" => "八年级",
        "初三" | "初中三年级" => "九年级",
        "高一" | "高中一年级" => "普通高中一年级",
        "高二" | "高中二年级" => "普通高中二年级",
        "高三" | "高中三年级" => "普通高中三年级",
        "硕士及以上" | "硕士研究生" | "研究生" => "硕士研究生及以上",
        other => other,
    };
    one_of(&SCHOOLING, label)
}

/// Political status (政治面貌).
pub const POLITICAL: [&str; 4] = ["中共党员", "中共预备党员", "共青团员", "群众"];

/// Main fuel (主要燃料类型).
pub const FUELS: [&str; 5] = ["柴草", "干畜粪", "煤炭", "清洁能源", "其他"];

/// Road to the house (入户路类型).
pub const ROADS: [&str; 4] = ["泥土路", "砂石路", "水泥路", "沥青路"];

/// How far away somebody works (务工区域).
pub const WORK_AREAS: [&str; 4] = ["乡(镇)内", "乡外县内", "县外省内", "省外"];

/// The label of a list that a cell holds, however wide its characters are.
///
/// ```
/// use codes::lists::{one_of, WORK_AREAS};
/// assert_eq!(one_of(&WORK_AREAS, "乡（镇）内"), Some("乡(镇)内"));
/// ```
pub fn one_of(list: &[&'static str], raw: &str) -> Option<&'static str> {
    let label = text::half_width(raw);
    list.iter().copied().find(|known| *known == label)
}

/// Labour skill (劳动技能).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Labour {
    /// 普通劳动力.
    Ordinary,
    /// 技能劳动力.
    Skilled,
    /// 弱劳动力或半劳动力.
    Weak,
    /// 丧失劳动力.
    Lost,
    /// 无劳动力.
    None,
}

impl Labour {
    /// Every value.
    pub const ALL: [Self; 5] = [Self::Ordinary, Self::Skilled, Self::Weak, Self::Lost, Self::None];

    /// The label of the registry.
    pub fn label(self) -> &'static str {
        match self {
            Self::Ordinary => "普通劳动力",
            Self::Skilled => "技能劳动力",
            Self::Weak => "弱劳动力或半劳动力",
            Self::Lost => "丧失劳动力",
            Self::None => "无劳动力",
        }
    }

    /// The value of a label.
    pub fn parse(raw: &str) -> Option<Self> {
        let label = text::half_width(raw);
        match &*label {
            "弱劳动力" | "半劳动力" | "弱劳力或半劳动力" => Some(Self::Weak),
            other => Self::ALL.into_iter().find(|v| v.label() == other),
        }
    }

    /// Whether somebody can work at all.
    pub fn able(self) -> bool {
        matches!(self, Self::Ordinary | Self::Skilled | Self::Weak)
    }
}

/// State of health (健康状况); several at once, but 健康 stands alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Health {
    /// 健康.
    Healthy,
    /// 长期慢性病.
    Chronic,
    /// 患有大病.
    Serious,
    /// 残疾.
    Disabled,
}

impl Health {
    /// Every value.
    pub const ALL: [Self; 4] = [Self::Healthy, Self::Chronic, Self::Serious, Self::Disabled];

    /// The label of the registry.
    pub fn label(self) -> &'static str {
        match self {
            Self::Healthy => "健康",
            Self::Chronic => "长期慢性病",
            Self::Serious => "患有大病",
            Self::Disabled => "残疾",
        }
    }

    /// The values of a cell, in any order, in the order of [`Health::ALL`]; the part that is not known where there is one.
    ///
    /// ```
    /// use codes::lists::Health;
    /// assert_eq!(Health::parse_all("残疾，长期慢性病"), Ok(vec![Health::Chronic, Health::Disabled]));
    /// assert_eq!(Health::parse_all("好"), Err("好".to_owned()));
    /// ```
    ///
    /// # Errors
    /// The first part that is no label.
    pub fn parse_all(raw: &str) -> Result<Vec<Self>, String> {
        let mut out = Vec::new();
        for part in raw.split([',', '，', '、', ';', '；', '|']) {
            let label = text::half_width(part);
            let value = match &*label {
                "" => continue,
                "大病" | "重病" => Self::Serious,
                "慢性病" | "长期慢病" => Self::Chronic,
                other => Self::ALL.into_iter().find(|v| v.label() == other).ok_or_else(|| other.to_owned())?,
            };
            if !out.contains(&value) {
                out.push(value);
            }
        }
        out.sort_unstable();
        Ok(out)
    }
}

/// Kinds of household (户类型) in the words of 2020, with the words before and after.
///
/// ```
/// assert_eq!(codes::lists::household_kind("五保户"), Some("特困供养贫困户"));
/// ```
pub fn household_kind(raw: &str) -> Option<&'static str> {
    Some(match &*text::half_width(raw) {
        "一般贫困户" | "一般户" => "一般贫困户",
        "低保贫困户" | "低保户" => "低保贫困户",
        "特困供养贫困户" | "五保户" | "五保贫困户" | "特困户" | "特困供养户" => "特困供养贫困户",
        "一般脱贫户" => "一般脱贫户",
        "低保脱贫户" => "低保脱贫户",
        "特困供养脱贫户" => "特困供养脱贫户",
        "一般农户" => "一般农户",
        _ => return None,
    })
}

/// Whether a household has been lifted out of poverty (脱贫属性).
pub const REGISTRATION: [&str; 4] = ["未脱贫", "已脱贫(享受政策)", "已脱贫(不享受政策)", "返贫"];

/// Causes of poverty (致贫原因).
pub const CAUSES: [&str; 14] = [
    "因病",
    "因残",
    "因学",
    "因灾",
    "缺土地",
    "缺水",
    "缺技术",
    "缺劳力",
    "缺资金",
    "交通条件落后",
    "自身发展动力不足",
    "因婚",
    "因丧",
    "其他",
];

/// The cause of a label, with the longer words in use.
pub fn cause(raw: &str) -> Option<&'static str> {
    let label = text::half_width(raw);
    let label = match &*label {
        "缺劳动力" => "缺劳力",
        "交通落后" => "交通条件落后",
        "自身动力不足" => "自身发展动力不足",
        "其它" => "其他",
        other => other,
    };
    one_of(&CAUSES, label)
}

/// Risks of a monitored household (致贫返贫风险): the code where one is known, and the label. National forms have the
/// last three but one without any code that could be found, 因疫 since 2020.
pub const RISKS: [(&str, &str); 19] = [
    ("01", "因病"),
    ("0201", "因洪涝灾害"),
    ("0202", "因地质灾害"),
    ("0203", "因旱灾"),
    ("0204", "因生物灾害"),
    ("0205", "因气象灾害"),
    ("0206", "因地震灾害"),
    ("0299", "因其他自然灾害"),
    ("02", "因自然灾害"),
    ("03", "因残"),
    ("04", "因缺劳动力"),
    ("05", "因意外事故"),
    ("06", "因产业项目失败"),
    ("07", "因务工就业不稳"),
    ("09", "因学"),
    ("", "因住房安全"),
    ("", "因安全饮水"),
    ("", "因疫"),
    ("99", "其他"),
];

/// Code and label of a risk, by either.
pub fn risk(raw: &str) -> Option<(&'static str, &'static str)> {
    let label = text::half_width(raw);
    let label = match &*label {
        "缺劳动力" | "缺劳力" => "因缺劳动力",
        "饮水安全" | "因饮水安全" | "安全饮水" => "因安全饮水",
        "住房安全" => "因住房安全",
        "因灾" => "因自然灾害",
        "" => return None,
        other => other,
    };
    RISKS.iter().copied().find(|(code, name)| *name == label || *code == label)
}

/// Kinds of monitored households (监测对象类别).
pub const MONITORED: [&str; 3] = ["脱贫不稳定户", "边缘易致贫户", "突发严重困难户"];

/// The kind of a monitored household, with the shorter words in use.
pub fn monitored_kind(raw: &str) -> Option<&'static str> {
    let label = text::half_width(raw);
    let label = match &*label {
        "边缘户" => "边缘易致贫户",
        "突发困难户" | "突发严重困难农户" => "突发严重困难户",
        "不稳定户" => "脱贫不稳定户",
        other => other,
    };
    MONITORED.into_iter().find(|kind| *kind == label)
}

/// The 15 groups of measures (帮扶措施), in the words of the registry's exports; the last takes what has no group.
pub const MEASURES: [&str; 15] = [
    "产业帮扶",
    "就业帮扶",
    "金融帮扶",
    "公益岗位帮扶",
    "住房安全保障",
    "饮水安全保障",
    "健康帮扶",
    "义务教育保障",
    "其他教育帮扶",
    "综合保障",
    "社会帮扶",
    "搬迁帮扶",
    "生产生活条件改善",
    "基础设施建设",
    "其他帮扶",
];

/// The group of measures that a text names, with or without 帮扶, 保障 or 措施 behind it.
///
/// ```
/// use codes::lists::measure;
/// assert_eq!(measure("就业"), Some("就业帮扶"));
/// assert_eq!(measure("易地搬迁"), Some("搬迁帮扶"));
/// assert_eq!(measure("教育"), None, "compulsory or other?");
/// ```
pub fn measure(raw: &str) -> Option<&'static str> {
    let label = text::half_width(raw);
    let mut stem = &*label;
    while let Some(shorter) = ["措施", "帮扶", "扶贫", "保障"].iter().find_map(|end| stem.strip_suffix(end)) {
        stem = shorter;
    }
    let at = match stem {
        "产业" | "产业发展" => 0,
        "就业" | "务工就业" => 1,
        "金融" => 2,
        "公益岗位" | "公益性岗位" | "公益岗" => 3,
        "住房安全" | "住房" | "安全住房" => 4,
        "饮水安全" | "饮水" | "安全饮水" => 5,
        "健康" => 6,
        "义务教育" => 7,
        "其他教育" | "其它教育" => 8,
        "综合" => 9,
        "社会" => 10,
        "搬迁" | "易地搬迁" | "易地" => 11,
        "生产生活条件改善" | "生产生活条件" => 12,
        "基础设施建设" | "基础设施" => 13,
        "其他" | "其它" | "备注" => 14,
        _ => return None,
    };
    Some(MEASURES[at])
}

/// Yes and no as files write them (是/否).
///
/// ```
/// assert_eq!(codes::lists::yes_no("是"), Some(true));
/// assert_eq!(codes::lists::yes_no("0"), Some(false));
/// assert_eq!(codes::lists::yes_no("不详"), None);
/// ```
pub fn yes_no(raw: &str) -> Option<bool> {
    match &*text::half_width(raw) {
        "是" | "有" | "1" | "Y" | "y" | "√" | "true" | "TRUE" | "对" => Some(true),
        "否" | "无" | "0" | "N" | "n" | "×" | "false" | "FALSE" | "没有" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever a spreadsheet does to a label, it is still found; what is found is a label of the list.
        #[test]
        fn labels_survive_wide_characters_and_wrappers(pick in 0usize..1000, form in 0..4) {
            let wide = |c: char| if matches!(c, '!'..='~') { char::from_u32(c as u32 + 0xfee0).unwrap() } else { c };
            let dress = |label: &str| match form {
                0 => label.to_owned(),
                1 => format!(" {label}\u{3000}"),
                2 => format!("=\"{label}\""),
                _ => label.chars().map(wide).collect(),
            };
            for (list, read) in [
                (&EDUCATION[..], education as fn(&str) -> Option<&'static str>),
                (&SCHOOLING[..], schooling),
                (&CAUSES[..], cause),
                (&MONITORED[..], monitored_kind),
            ] {
                let label = list[pick % list.len()];
                prop_assert_eq!(read(&dress(label)), Some(label));
            }
            for list in [&POLITICAL[..], &FUELS[..], &ROADS[..], &WORK_AREAS[..], &REGISTRATION[..], &MEASURES[..]] {
                let label = list[pick % list.len()];
                prop_assert_eq!(one_of(list, &dress(label)), Some(label));
            }
            let (code, label) = RISKS[pick % RISKS.len()];
            prop_assert_eq!(risk(&dress(label)), Some((code, label)));
            if !code.is_empty() {
                prop_assert_eq!(risk(&dress(code)), Some((code, label)));
            }
            let one = RELATIONS[pick % RELATIONS.len()];
            prop_assert_eq!(relation_of(&dress(one.label)).map(|r| r.label), Some(one.label));
        }

        #[test]
        fn what_is_read_is_always_a_label(raw in "\\PC{0,8}") {
            prop_assert!(education(&raw).is_none_or(|l| EDUCATION.contains(&l)));
            prop_assert!(schooling(&raw).is_none_or(|l| SCHOOLING.contains(&l)));
            prop_assert!(cause(&raw).is_none_or(|l| CAUSES.contains(&l)));
            prop_assert!(risk(&raw).is_none_or(|(_, l)| !l.is_empty()));
            let _ = (relation_of(&raw), ethnic_group(&raw), household_kind(&raw), yes_no(&raw));
        }

        #[test]
        fn health_comes_back_in_any_order(picked in proptest::sample::subsequence(vec![Health::Chronic, Health::Serious, Health::Disabled], 1..=3).prop_shuffle()) {
            let text: Vec<&str> = picked.iter().map(|h| h.label()).collect();
            let mut sorted = picked.clone();
            sorted.sort_unstable();
            prop_assert_eq!(Health::parse_all(&text.join("，")), Ok(sorted));
        }
    }

    #[test]
    fn every_label_finds_itself() {
        for r in &RELATIONS {
            assert_eq!(relation_of(r.label), Some(r));
        }
        for (code, name) in ETHNIC_GROUPS {
            assert_eq!(ethnic_group(code), Some((code, name)));
            assert_eq!(ethnic_group(&format!("{name}族")), Some((code, name)));
        }
        for v in Labour::ALL {
            assert_eq!(Labour::parse(v.label()), Some(v));
        }
        for (code, label) in RISKS {
            assert_eq!(risk(label), Some((code, label)));
        }
        for kind in MONITORED {
            assert_eq!(monitored_kind(kind), Some(kind));
        }
        for group in MEASURES {
            assert_eq!(measure(group), Some(group));
        }
    }
}
