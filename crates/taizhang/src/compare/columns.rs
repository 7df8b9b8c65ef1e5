//! What the agencies' lists are: their columns under the headers that real files use, and how a list is told by them.

use std::collections::BTreeMap;

use codes::text;

/// A column that the comparison understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Field {
    Card,
    CardKind,
    Name,
    IdNumber,
    Sex,
    Birth,
    Phone,
    Address,
    Province,
    City,
    County,
    Township,
    Village,
    Disease,
    Classification,
    Severity,
    Onset,
    Diagnosis,
    Cured,
    Died,
    Outcome,
    Filled,
    Cluster,
    Contact,
    Status,
    Amount,
    Grade,
    Event,
    HouseholdNo,
    Belongs,
    PlaceCode,
    Unit,
    DisabilityCard,
    DisabilityType,
    DisabilityGrade,
    Insured,
    Water,
    Loss,
}

/// The standard header of each field and the other headers that real files use for it.
const HEADERS: &[(Field, &[&str])] = &[
    // Only names that no list numbers its own lines by: 编号 and 流水号 begin at 1 in every file, and two lists so
    // numbered would revise each other.
    (
        Field::Card,
        &[
            "卡片编号",
            "卡片ID",
            "卡片标识",
            "报卡编号",
            "报告卡编号",
            "报告卡ID",
            "传染病报告卡编号",
            "疫情报告卡编号",
            "结算单号",
            "学籍号",
        ],
    ),
    (Field::CardKind, &["报卡类别", "报告类别", "报卡类型"]),
    (
        Field::Name,
        &[
            "姓名",
            "患者姓名",
            "病人姓名",
            "密切接触者姓名",
            "密接者姓名",
            "密接姓名",
            "学生姓名",
            "户主姓名",
            "参保人姓名",
            "人员姓名",
            "职工姓名",
            "务工人员姓名",
            "名字",
        ],
    ),
    (
        Field::IdNumber,
        &[
            "有效证件号",
            "证件号码",
            "有效证件号码",
            "身份证号",
            "身份证号码",
            "公民身份号码",
            "证件号",
            "户主证件号码",
            "户主身份证号",
            "学生身份证号",
            "社会保障号码",
            "身份证件号码",
        ],
    ),
    (Field::Sex, &["性别"]),
    (Field::Birth, &["出生日期", "出生年月", "出生年月日"]),
    (
        Field::Phone,
        &[
            "联系电话",
            "电话",
            "手机号",
            "手机",
            "手机号码",
            "电话号码",
            "本人电话",
            "联系方式",
            "户联系电话",
            "监护人电话",
            "家长电话",
        ],
    ),
    (
        Field::Address,
        &[
            "现住址",
            "现住地址",
            "现住详细地址",
            "家庭住址",
            "住址",
            "地址",
            "居住地址",
            "家庭地址",
            "详细地址",
            "户籍地址",
            "房屋地址",
            "户籍地",
            "现住址国标名称",
            "常住地址",
            "居住地",
        ],
    ),
    (Field::Province, &["省", "现住址省", "省份"]),
    (Field::City, &["市", "现住址市", "地市"]),
    (Field::County, &["县", "现住址县", "现住址县区", "参保县", "户籍县", "县区", "区县", "县(区)"]),
    (Field::Township, &["乡", "乡镇", "现住址乡", "乡(镇)", "现住址乡镇", "户籍乡镇", "镇"]),
    (Field::Village, &["村", "行政村", "现住址村", "户籍村", "村(社区)"]),
    (Field::Classification, &["病例分类", "诊断分类", "病例类型", "病例分类1"]),
    (Field::Disease, &["疾病名称", "病种", "病种名称", "疾病病种"]),
    (Field::Severity, &["临床严重程度", "临床分型", "严重程度"]),
    (Field::Onset, &["发病日期", "发病时间"]),
    (Field::Diagnosis, &["诊断日期", "诊断日期时", "诊断时间", "确诊日期", "确诊时间"]),
    (
        Field::Cured,
        &["出院日期", "治愈日期", "出院/治愈日期", "治愈出院日期", "出院时间", "痊愈日期", "解除隔离治疗日期"],
    ),
    (Field::Died, &["死亡日期", "死亡时间"]),
    (Field::Outcome, &["转归", "转归情况", "结局", "治疗情况"]),
    (
        Field::Filled,
        &["填卡日期", "报告日期", "录入日期", "订正日期", "填表日期", "报告卡录入时间", "订正报告时间", "更新日期"],
    ),
    (Field::Cluster, &["聚集性疫情编号", "聚集性事件编号", "聚集性疫情", "聚集疫情编号"]),
    (
        Field::Contact,
        &[
            "最后接触日期",
            "末次接触日期",
            "最后接触时间",
            "末次接触时间",
            "接触日期",
            "开始观察日期",
            "开始隔离日期",
            "隔离开始日期",
            "观察开始日期",
        ],
    ),
    (Field::Status, &["状态", "审核状态", "数据状态", "卡片状态", "删除标记", "是否删除", "备注状态", "排除日期"]),
    (
        Field::Amount,
        &[
            "个人自付金额",
            "自付费用",
            "个人自付费用",
            "合规自付费用",
            "合规自付金额",
            "自付金额",
            "个人自付",
            "合规自付支出",
            "个人负担金额",
        ],
    ),
    (Field::Grade, &["危房等级", "房屋等级", "鉴定等级", "危房级别", "鉴定结果", "房屋安全等级"]),
    (
        Field::Event,
        &[
            "辍学日期",
            "疑似辍学日期",
            "中断日期",
            "辍学时间",
            "离校日期",
            "失学日期",
            "鉴定日期",
            "鉴定时间",
            "评定日期",
            "失业日期",
            "离职日期",
            "解除劳动关系日期",
            "终止日期",
            "停工日期",
            "返乡日期",
            "离岗日期",
            "解除合同日期",
            "结算日期",
            "就诊日期",
            "截止日期",
            "发证日期",
            "办证日期",
            "残疾证办证日期",
            "停保日期",
            "断保日期",
            "中断缴费日期",
            "评价日期",
            "检测日期",
            "滞销日期",
            "应分红日期",
            "应兑现日期",
        ],
    ),
    (
        Field::Loss,
        &["滞销损失", "滞销金额", "销售损失金额", "损失金额", "未兑现分红金额", "未分红金额", "应分未分金额"],
    ),
    (Field::HouseholdNo, &["户编号"]),
    (Field::Belongs, &["病人属于", "病人所属", "患者属于", "病例属于", "患者所属"]),
    (
        Field::PlaceCode,
        &[
            "现住址国标",
            "现住址国标编码",
            "现住址编码",
            "现住地址国标",
            "现住地址国标编码",
            "现住址行政区划代码",
            "现住址区划代码",
        ],
    ),
    (
        Field::Unit,
        &[
            "报告单位",
            "医疗机构",
            "医疗机构名称",
            "定点医疗机构",
            "就诊医院",
            "就诊机构",
            "医院名称",
            "用工单位",
            "用工企业",
            "用人单位",
            "务工企业名称",
            "企业名称",
            "单位名称",
            "带贫主体",
            "带贫企业",
        ],
    ),
    (Field::DisabilityCard, &["残疾人证号", "残疾证号", "残疾证号码", "残疾人证号码", "残疾证编号", "残疾人证编号"]),
    (Field::DisabilityType, &["残疾类别", "残疾类型", "残疾种类"]),
    (Field::DisabilityGrade, &["残疾等级", "残疾级别"]),
    (Field::Insured, &["参保状态", "是否参保", "医保参保状态", "参保情况", "医保状态", "参保缴费状态"]),
    (Field::Water, &["饮水安全评价", "饮水安全情况", "饮水安全状况", "饮水安全评价结果", "饮水评价结果"]),
];

/// A kind of list that some agency gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// Stable name: `health.cases`.
    pub key: &'static str,
    /// What a row means: the leading signal kind.
    pub kind: &'static str,
    /// Columns without which a file is not such a list.
    pub required: &'static [Field],
    /// Of each group at least one column must be there.
    pub one_of: &'static [&'static [Field]],
    /// Columns that mark this kind of list among others.
    pub marks: &'static [Field],
    /// Whether the fact is about the household rather than the person.
    pub about_household: bool,
}

const WHO: &[&[Field]] =
    &[&[Field::IdNumber, Field::Birth, Field::Phone, Field::Address, Field::Village, Field::HouseholdNo]];

/// Every kind of list, the most particular first.
pub const SOURCES: &[Source] = &[
    Source {
        key: "health.cases",
        kind: "epidemic.confirmed",
        required: &[Field::Name, Field::Classification],
        one_of: WHO,
        marks: &[Field::Classification],
        about_household: false,
    },
    Source {
        key: "health.contacts",
        kind: "epidemic.close_contact",
        required: &[Field::Name, Field::Contact],
        one_of: WHO,
        marks: &[Field::Contact],
        about_household: false,
    },
    Source {
        key: "medical.self_pay",
        kind: "medical.self_pay",
        required: &[Field::Name, Field::Amount],
        one_of: WHO,
        marks: &[Field::Amount],
        about_household: false,
    },
    Source {
        key: "housing.dangerous",
        kind: "housing.dangerous",
        required: &[Field::Name, Field::Grade],
        one_of: WHO,
        marks: &[Field::Grade],
        about_household: true,
    },
    Source {
        key: "disability.cards",
        kind: "disability.card",
        required: &[Field::Name, Field::DisabilityCard],
        one_of: &[],
        marks: &[],
        about_household: false,
    },
    Source {
        key: "insurance.medical",
        kind: "insurance.absent",
        required: &[Field::Name, Field::Insured],
        one_of: WHO,
        marks: &[],
        about_household: false,
    },
    Source {
        key: "water.supply",
        kind: "water.unsafe",
        required: &[Field::Name, Field::Water],
        one_of: WHO,
        marks: &[],
        about_household: true,
    },
    Source {
        key: "sales.lost",
        kind: "sales.lost",
        required: &[Field::Name, Field::Loss],
        one_of: WHO,
        marks: &[],
        about_household: true,
    },
    Source {
        key: "dividend.missed",
        kind: "dividend.missed",
        required: &[Field::Name],
        one_of: WHO,
        marks: &[],
        about_household: true,
    },
    Source {
        key: "education.dropouts",
        kind: "education.dropout",
        required: &[Field::Name],
        one_of: WHO,
        marks: &[],
        about_household: false,
    },
    Source {
        key: "jobs.ended",
        kind: "jobs.ended",
        required: &[Field::Name],
        one_of: WHO,
        marks: &[],
        about_household: false,
    },
];

/// Headers that tell the lists apart that have no column which no other list may have too.
const TELLING: &[(&str, &[&str])] = &[
    ("education.dropouts", &["学校", "年级", "辍学", "失学", "学籍", "学生"]),
    ("jobs.ended", &["失业", "离职", "用工", "务工", "劳动", "企业", "返乡", "离岗", "停工", "中断"]),
    ("health.contacts", &["密接", "密切接触"]),
    ("disability.cards", &["残疾人证", "残疾证", "残疾类别", "残疾等级"]),
    ("insurance.medical", &["参保", "医保", "缴费", "断保", "停保"]),
    ("water.supply", &["饮水", "饮用水", "水质", "供水"]),
    ("sales.lost", &["滞销", "积压", "销路", "农产品"]),
    ("dividend.missed", &["分红", "应分未分", "资产收益"]),
];

/// The words by whose presence in the headers a kind of list without a column of its own is known.
pub(super) fn telling(key: &str) -> &'static [&'static str] {
    TELLING.iter().find(|(k, _)| *k == key).map_or(&[], |(_, words)| words)
}

/// The source of a name.
pub fn source(key: &str) -> Option<&'static Source> {
    SOURCES.iter().find(|s| s.key == key)
}

/// Header text as it is compared: half-width, no blanks, stars or colons, and nothing in brackets.
fn plain(header: &str) -> String {
    let half = text::half_width(header);
    let mut out = String::new();
    let mut depth = 0;
    for c in half.chars() {
        match c {
            '(' | '（' | '[' | '【' => depth += 1,
            ')' | '）' | ']' | '】' => depth -= 1,
            c if depth <= 0 && !c.is_whitespace() && !matches!(c, '*' | ':' | '：' | '、' | '-' | '_') => out.push(c),
            _ => {}
        }
    }
    out
}

/// The standard header of a field.
pub fn header(field: Field) -> &'static str {
    HEADERS.iter().find(|(f, _)| *f == field).and_then(|(_, names)| names.first()).copied().unwrap_or("")
}

/// Which column of a file holds which field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapping {
    /// Field to column number and the header as the file has it.
    pub columns: BTreeMap<Field, (usize, String)>,
    /// Headers that nothing here understands; their values are kept with the row all the same.
    pub extra: Vec<String>,
    /// Headers that mean a field already taken by an earlier column.
    pub doubled: Vec<String>,
}

impl Mapping {
    /// Reads a header row.
    pub fn of(headers: &[String]) -> Self {
        let plain: Vec<String> = headers.iter().map(|h| plain(h)).collect();
        let mut out = Self::default();
        let mut taken = vec![false; headers.len()];
        for (field, names) in HEADERS {
            // The standard header wins over its synonyms wherever it stands.
            let found = names.iter().find_map(|name| plain.iter().position(|h| *h == self::plain(name)));
            if let Some(at) = found.filter(|at| !taken[*at]) {
                taken[at] = true;
                out.columns.insert(*field, (at, headers[at].clone()));
            }
        }
        for (at, header) in headers.iter().enumerate() {
            if taken[at] || plain[at].is_empty() {
                continue;
            }
            let known = HEADERS.iter().find(|(_, names)| names.iter().any(|n| self::plain(n) == plain[at]));
            match known {
                Some((field, _)) if out.columns.contains_key(field) => out.doubled.push(header.clone()),
                _ => out.extra.push(header.clone()),
            }
        }
        out
    }

    /// What `source` needs and the file does not have.
    pub fn missing(&self, source: &Source) -> Vec<&'static str> {
        let has = |f: &Field| self.columns.contains_key(f);
        let mut missing: Vec<&'static str> = source.required.iter().filter(|f| !has(f)).map(|f| header(*f)).collect();
        for group in source.one_of {
            if !group.iter().any(has) {
                missing.extend(group.first().map(|f| header(*f)));
            }
        }
        missing
    }

    /// How much of these headers speaks for a kind of list: 0 where nothing tells it from another.
    fn weight(&self, source: &Source, headers: &[String]) -> usize {
        let telling = TELLING
            .iter()
            .filter(|(key, _)| *key == source.key)
            .flat_map(|(_, words)| words.iter())
            .filter(|word| headers.iter().any(|h| h.contains(**word)))
            .count();
        source.marks.len() * 10 + telling
    }

    /// Whether a file may be read as a kind of list that somebody names: its headers tell it, and none much better.
    ///
    /// # Errors
    /// It may not; the kind that they are of, where that is clear.
    pub fn accept(&self, source: &Source, headers: &[String]) -> Result<(), Option<&'static Source>> {
        /// What another kind must have more: a column of its own, or as many telling words.
        const CLEARLY: usize = 3;
        let own = self.weight(source, headers);
        let best = self.detect(headers).filter(|best| best.key != source.key);
        if own == 0 || best.is_some_and(|best| self.weight(best, headers) >= own + CLEARLY) {
            return Err(best);
        }
        Ok(())
    }

    /// The kind of list that these headers are of, if that is clear.
    pub fn detect(&self, headers: &[String]) -> Option<&'static Source> {
        SOURCES
            .iter()
            .filter(|s| self.missing(s).is_empty())
            .map(|s| (self.weight(s, headers), s))
            .filter(|(weight, _)| *weight > 0)
            // The first of equals: SOURCES goes from the particular to the general.
            .fold(None, |best: Option<(usize, &Source)>, new| match best {
                Some(old) if old.0 >= new.0 => Some(old),
                _ => Some(new),
            })
            .map(|(_, s)| s)
    }
}
