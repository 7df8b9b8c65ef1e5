//! The kinds of registry files and their columns, by the headers that real exports carry (DOMAIN: 建档立卡 and
//! 防返贫监测 exports), with the other words in use for the same column.

use std::collections::HashMap;
use std::sync::LazyLock;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// 行政区划.
    Division,
    /// 户信息.
    Household,
    /// 家庭成员.
    Person,
    /// 家庭收入.
    Income,
    /// 监测对象.
    Monitoring,
    /// 帮扶责任人.
    Helper,
    /// 驻村工作队.
    WorkTeam,
}

impl Kind {
    /// Every kind, in the order in which files must be brought in.
    pub const ALL: [Self; 7] =
        [Self::Division, Self::Household, Self::Person, Self::Income, Self::Monitoring, Self::Helper, Self::WorkTeam];

    /// The name in the database and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Division => "division",
            Self::Household => "household",
            Self::Person => "person",
            Self::Income => "income",
            Self::Monitoring => "monitoring",
            Self::Helper => "helper",
            Self::WorkTeam => "work_team",
        }
    }

    /// The kind of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Its columns.
    pub fn fields(self) -> &'static [Field] {
        match self {
            Self::Division => DIVISION,
            Self::Household => HOUSEHOLD,
            Self::Person => PERSON,
            Self::Income => INCOME,
            Self::Monitoring => MONITORING,
            Self::Helper => HELPER,
            Self::WorkTeam => WORK_TEAM,
        }
    }

    /// The column that tells one record from another.
    pub fn key_header(self) -> &'static str {
        match self {
            Self::Division => "行政区划代码",
            Self::Person => "人口编号",
            Self::WorkTeam => "驻村工作队名称",
            Self::Household | Self::Income | Self::Monitoring | Self::Helper => "户编号",
        }
    }

    /// The position of a column in [`Kind::fields`].
    pub fn position(self, header: &str) -> Option<usize> {
        self.fields().iter().position(|f| f.header == header)
    }
}

/// One column of a kind of file.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// The standard header.
    pub header: &'static str,
    /// Without it the file cannot be brought in.
    pub required: bool,
    /// Other headers for the same.
    pub synonyms: &'static [&'static str],
}

const fn need(header: &'static str, synonyms: &'static [&'static str]) -> Field {
    Field { header, required: true, synonyms }
}

const fn may(header: &'static str, synonyms: &'static [&'static str]) -> Field {
    Field { header, required: false, synonyms }
}

const fn plain(header: &'static str) -> Field {
    Field { header, required: false, synonyms: &[] }
}

const DIVISION: &[Field] = &[
    need("行政区划代码", &["区划代码", "统计用区划代码", "code", "代码"]),
    need("名称", &["行政区划名称", "区划名称", "name"]),
    may("上级代码", &["父级代码", "parent"]),
    may("级别", &["层级", "level"]),
    may("城乡分类代码", &["城乡分类"]),
    may("启用日期", &["生效日期"]),
    may("停用日期", &["失效日期"]),
    may("原代码", &["原行政区划代码", "旧代码"]),
];

const HOUSEHOLD: &[Field] = &[
    may("省", &["省(自治区、直辖市)", "省份"]),
    may("市", &["市(州)", "地市"]),
    may("县", &["县(市、区)", "区县", "县区"]),
    may("乡", &["乡镇", "乡(镇)", "镇"]),
    need("村", &["行政村", "村(社区)", "村名称"]),
    may("自然村", &["村民组", "组", "自然村(组)", "村民小组"]),
    need("户编号", &["户编码", "家庭编号"]),
    may("户主编号", &["户主人口编号"]),
    need("户主姓名", &["户主"]),
    may("户主证件号码", &["户主身份证号", "户主身份证号码", "户主证件号"]),
    may("家庭人口数", &["家庭人口", "人口数", "家庭成员数", "家庭人数"]),
    may("户联系电话", &["联系电话", "家庭联系电话", "电话", "手机号码"]),
    may("开户银行名称", &["开户银行"]),
    may("银行卡号", &["银行账号", "一卡通账号"]),
    plain("识别标准"),
    may("户类型", &["户属性", "农户类型"]),
    may("脱贫属性", &["脱贫状态", "贫困户属性"]),
    may("主要致贫原因", &["致贫原因", "主要致贫因素"]),
    may("次要致贫原因", &["其他致贫原因", "次要致贫因素"]),
    may("首次识别时间", &["识别时间", "首次识别年份"]),
    plain("是否军烈属"),
    may("是否危房户", &["是否危房"]),
    may("危房级别", &["危房等级", "住房安全等级"]),
    may("住房面积", &["住房面积(平方米)"]),
    may("是否解决安全饮用水", &["饮水是否安全", "是否解决饮水安全", "饮水情况"]),
    plain("是否通生活用电"),
    plain("是否通生产用电"),
    plain("是否通广播电视"),
    plain("是否有卫生厕所"),
    plain("主要燃料类型"),
    plain("入户路类型"),
    may("与村主干路距离", &["与村主干路距离(公里)"]),
    may("耕地面积(亩)", &["耕地面积"]),
    may("林地面积(亩)", &["林地面积"]),
    may("退耕还林面积(亩)", &["退耕还林面积"]),
    may("林果面积(亩)", &["林果面积"]),
    may("牧草地面积(亩)", &["牧草地面积"]),
    may("水面面积(亩)", &["水面面积"]),
    plain("是否加入农民专业合作组织"),
    plain("是否有龙头企业带动"),
    plain("是否有创业致富带头人带动"),
    plain("到户产业帮扶类型"),
    plain("年度"),
];

const PERSON: &[Field] = &[
    plain("省"),
    plain("市"),
    plain("县"),
    plain("乡"),
    plain("村"),
    plain("自然村"),
    need("户编号", &["户编码", "家庭编号"]),
    need("人口编号", &["个人编号", "成员编号", "人口编码"]),
    need("姓名", &["成员姓名"]),
    may("性别", &[]),
    may("出生日期", &["出生年月", "生日"]),
    plain("证件类型"),
    need("证件号码", &["身份证号", "身份证号码", "公民身份号码", "证件号"]),
    need("与户主关系", &["户主关系", "家庭关系"]),
    plain("民族"),
    plain("政治面貌"),
    may("文化程度", &["学历"]),
    may("在校生状况", &["在校状况", "在校生情况"]),
    may("失学或辍学原因", &["失学辍学原因"]),
    may("健康状况", &["身体状况"]),
    may("残疾类别", &["残疾类型"]),
    plain("残疾证办证年度"),
    may("劳动技能", &["劳动能力"]),
    plain("务工区域"),
    may("务工所在地", &["务工地点", "务工地"]),
    may("务工企业名称", &["务工企业", "务工单位"]),
    may("务工时间(月)", &["务工时间", "务工月数", "务工时间(月数)"]),
    plain("是否国外务工"),
    plain("就业渠道"),
    plain("产业分类"),
    may("公益性岗位类型", &["公益性岗位", "公益岗位类型"]),
    may("公益性岗位(月数)", &["公益性岗位月数", "公益岗位(月数)"]),
    plain("是否会讲普通话"),
    may("是否享受低保", &["是否享受农村居民最低生活保障", "是否低保"]),
    may("是否特困供养人员", &["是否特困供养"]),
    plain("是否易地扶贫搬迁人口"),
    may("是否参加城乡居民基本医疗保险", &["是否参加城乡居民医疗保险", "是否参加居民医保", "是否参加新型农村合作医疗"]),
    may("是否参加城镇职工基本医疗保险", &["是否参加职工医保", "是否参加城镇职工医疗保险"]),
    plain("是否参加大病保险"),
    plain("是否参加商业补充医疗保险"),
    plain("是否参加城乡居民基本养老保险"),
    plain("是否参加城镇职工基本养老保险"),
    plain("是否接受医疗救助"),
    plain("是否接受其他健康扶贫"),
    may("成员联系电话", &["联系电话", "电话", "手机号码"]),
    plain("大专或本科毕业生未就业原因"),
    plain("年度"),
];

const INCOME: &[Field] = &[
    plain("省"),
    plain("市"),
    plain("县"),
    plain("乡"),
    plain("村"),
    need("户编号", &["户编码", "家庭编号"]),
    may("户主姓名", &["户主"]),
    may("户主证件号码", &["户主身份证号", "户主身份证号码"]),
    may("家庭人口数", &["家庭人口", "人口数"]),
    may("务工收入", &["工资性收入/务工", "工资性收入(务工)"]),
    may("公益性岗位收入", &["工资性收入/公益性岗位", "公益岗位收入"]),
    may("其他工资性收入", &["工资性收入/其他"]),
    may("工资性收入", &["工资性收入/小计", "工资性收入/合计"]),
    may("种植收入", &["生产经营性收入/种植"]),
    may("养殖收入", &["生产经营性收入/养殖"]),
    may("林果收入", &["生产经营性收入/林果"]),
    may("其他生产经营性收入", &["生产经营性收入/其他"]),
    may("生产经营性收入", &["生产经营性收入/小计", "生产经营性收入/合计"]),
    may("资产收益扶贫分红收入", &["财产性收入/资产收益扶贫分红", "资产收益扶贫分红"]),
    may("土地流转收入", &["财产性收入/土地流转", "土地流转"]),
    may("其他财产性收入", &["财产性收入/其他"]),
    may("财产性收入", &["财产性收入/小计", "财产性收入/合计"]),
    may("计划生育金", &["转移性收入/计划生育金"]),
    may("低保金", &["转移性收入/低保金"]),
    may("特困供养金", &["转移性收入/特困供养金", "五保金", "转移性收入/五保金"]),
    may("养老保险金", &["转移性收入/养老保险金", "养老金或离退休金", "转移性收入/养老金或离退休金"]),
    may("生态补偿金", &["转移性收入/生态补偿金"]),
    may("其他转移性收入", &["转移性收入/其他"]),
    may("转移性收入", &["转移性收入/小计", "转移性收入/合计"]),
    may("生产经营性支出", &[]),
    plain("年收入"),
    need("纯收入", &["家庭纯收入", "年纯收入"]),
    may("人均纯收入", &["家庭人均纯收入"]),
    plain("理赔收入"),
    plain("合规自付支出"),
    may("纳入监测对象的人均收入参考范围", &["纳入监测对象的收入参考范围"]),
    may("年度", &["收入年度"]),
];

const MONITORING: &[Field] = &[
    plain("省"),
    plain("市"),
    plain("县"),
    plain("乡"),
    plain("村"),
    need("户编号", &["户编码", "家庭编号"]),
    may("户主姓名", &["户主"]),
    may("户主证件号码", &["户主身份证号", "户主身份证号码"]),
    may("家庭人口数", &["家庭人口", "人口数"]),
    need("监测对象类别", &["监测对象类型", "监测类别"]),
    may("识别监测时间", &["纳入监测时间", "监测识别时间"]),
    may("致贫/返贫风险1", &["致贫/返贫风险/风险1", "致贫返贫风险1", "返贫风险1", "主要致贫返贫风险"]),
    may("致贫/返贫风险2", &["致贫/返贫风险/风险2", "致贫返贫风险2", "返贫风险2"]),
    may("致贫/返贫风险3", &["致贫/返贫风险/风险3", "致贫返贫风险3", "返贫风险3"]),
    may("致贫/返贫风险4", &["致贫/返贫风险/风险4", "致贫返贫风险4", "返贫风险4"]),
    may("致贫/返贫风险5", &["致贫/返贫风险/风险5", "致贫返贫风险5", "返贫风险5"]),
    plain("因自然灾害子项"),
    may("是否整户无劳动能力兜底保障户", &["整户无劳动能力兜底保障户"]),
    may("识别时是否住房出现安全问题", &["识别时三保障和饮水安全/住房出现安全问题", "是否住房出现安全问题"]),
    may(
        "识别时是否义务教育适龄儿童失学辍学",
        &["识别时三保障和饮水安全/义务教育适龄儿童失学辍学", "义务教育适龄儿童失学辍学"],
    ),
    may("识别时是否饮水出现安全问题", &["识别时三保障和饮水安全/饮水出现安全问题", "饮水出现安全问题"]),
    may(
        "识别时是否有家庭成员未参加基本医保",
        &["识别时三保障和饮水安全/有家庭成员未参加基本医保", "有家庭成员未参加基本医保"],
    ),
    may("识别时人均纯收入", &["识别时收入"]),
    plain("实施开发式帮扶措施情况"),
    may("产业帮扶", &["帮扶措施/产业帮扶", "产业"]),
    may("就业帮扶", &["帮扶措施/就业帮扶", "就业"]),
    may("金融帮扶", &["帮扶措施/金融帮扶", "金融"]),
    may("公益岗位帮扶", &["帮扶措施/公益岗位帮扶", "公益岗位", "帮扶措施/公益岗位"]),
    may("住房安全保障", &["帮扶措施/住房安全保障", "住房安全", "帮扶措施/住房安全"]),
    may("饮水安全保障", &["帮扶措施/饮水安全保障", "饮水安全", "帮扶措施/饮水安全"]),
    may("健康帮扶", &["帮扶措施/健康帮扶", "健康", "帮扶措施/健康"]),
    may("义务教育保障", &["帮扶措施/义务教育保障", "义务教育", "帮扶措施/义务教育"]),
    may("其他教育帮扶", &["帮扶措施/其他教育帮扶", "帮扶措施/其他教育"]),
    may("综合保障", &["帮扶措施/综合保障"]),
    may("社会帮扶", &["帮扶措施/社会帮扶", "帮扶措施/社会"]),
    may("搬迁", &["帮扶措施/搬迁"]),
    may("生产生活条件改善", &["帮扶措施/生产生活条件改善"]),
    may("基础设施建设", &["帮扶措施/基础设施建设"]),
    may("其他帮扶", &["帮扶措施/其他", "其他"]),
    may("风险是否已消除", &["是否消除风险", "风险消除情况"]),
    may("风险消除方式", &[]),
    may("消除监测时间", &["风险消除时间"]),
    may("消除时是否住房出现安全问题", &["消除时三保障和饮水安全/住房出现安全问题"]),
    may("消除时是否义务教育适龄儿童失学辍学", &["消除时三保障和饮水安全/义务教育适龄儿童失学辍学"]),
    may("消除时是否饮水出现安全问题", &["消除时三保障和饮水安全/饮水出现安全问题"]),
    may("消除时是否有家庭成员未参加基本医保", &["消除时三保障和饮水安全/有家庭成员未参加基本医保"]),
    may("消除时人均纯收入", &["消除时收入"]),
    plain("监测联系人"),
    plain("信息采集人"),
    plain("信息采集人电话"),
];

const HELPER: &[Field] = &[
    plain("省"),
    plain("市"),
    plain("县"),
    plain("乡"),
    plain("村"),
    need("户编号", &["户编码", "家庭编号"]),
    plain("户主姓名"),
    plain("户主证件号码"),
    need("帮扶责任人姓名", &["帮扶人姓名", "帮扶责任人", "帮扶干部姓名", "姓名"]),
    plain("性别"),
    plain("政治面貌"),
    may("证件号码", &["身份证号", "身份证号码", "帮扶责任人证件号码"]),
    may("帮扶(选派)单位名称", &["帮扶单位名称", "帮扶单位", "选派单位"]),
    may("帮扶开始时间", &["开始时间"]),
    may("帮扶结束时间", &["结束时间"]),
    may("联系电话", &["帮扶人电话", "帮扶责任人电话", "电话", "手机号码"]),
];

const WORK_TEAM: &[Field] = &[
    plain("省"),
    plain("市"),
    plain("县"),
    plain("乡"),
    need("村", &["驻村名称", "行政村"]),
    need("驻村工作队名称", &["工作队名称", "队名"]),
    may("队员类别", &["职务", "队内职务", "队员身份"]),
    need("姓名", &["队员姓名"]),
    plain("性别"),
    may("证件号码", &["身份证号", "身份证号码"]),
    plain("政治面貌"),
    may("帮扶(选派)单位名称", &["选派单位名称", "选派单位", "派出单位"]),
    may("驻村开始时间", &["开始时间"]),
    may("驻村结束时间", &["结束时间"]),
    may("联系电话", &["电话", "手机号码"]),
    plain("状态"),
];

/// A header without what does not matter: blanks, line breaks, full-width forms, stars that mark duty.
pub fn fold_header(raw: &str) -> String {
    let text = codes::text::half_width(raw);
    text.chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '*' | '★' | ':' | '：'))
        .map(|c| match c {
            '（' => '(',
            '）' => ')',
            '／' => '/',
            c => c,
        })
        .collect()
}

/// Headers with a unit behind them are found without it too: 住房面积(平方米).
fn without_unit(folded: &str) -> Option<&str> {
    folded.ends_with(')').then(|| folded.rfind('(').map(|at| &folded[..at])).flatten().filter(|rest| !rest.is_empty())
}

static INDEX: LazyLock<HashMap<Kind, HashMap<String, usize>>> = LazyLock::new(|| {
    Kind::ALL
        .into_iter()
        .map(|kind| {
            let mut names = HashMap::new();
            for (at, field) in kind.fields().iter().enumerate() {
                for name in std::iter::once(&field.header).chain(field.synonyms) {
                    names.entry(fold_header(name)).or_insert(at);
                }
            }
            for (at, field) in kind.fields().iter().enumerate() {
                if let Some(short) = without_unit(&fold_header(field.header)) {
                    names.entry(short.to_owned()).or_insert(at);
                }
            }
            (kind, names)
        })
        .collect()
});

/// The column of a kind that a header means; `group` is the upper header of a two-level one, empty where there is none.
pub fn find(kind: Kind, group: &str, leaf: &str) -> Option<usize> {
    let names = INDEX.get(&kind)?;
    let (group, leaf) = (fold_header(group), fold_header(leaf));
    let look = |name: &str| names.get(name).or_else(|| without_unit(name).and_then(|short| names.get(short))).copied();
    if !group.is_empty() && group != leaf {
        // Under a group a bare 其他 means the group's own, so the whole name goes first.
        return look(&format!("{group}/{leaf}")).or_else(|| look(&format!("{group}{leaf}"))).or_else(|| look(&leaf));
    }
    look(&leaf)
}

/// Whether a text is a header, or the upper part of one, of any kind.
pub fn is_header(text: &str) -> bool {
    const GROUPS: [&str; 8] = [
        "工资性收入",
        "生产经营性收入",
        "财产性收入",
        "转移性收入",
        "致贫/返贫风险",
        "帮扶措施",
        "识别时三保障和饮水安全",
        "消除时三保障和饮水安全",
    ];
    let folded = fold_header(text);
    GROUPS.contains(&folded.as_str()) || INDEX.values().any(|names| names.contains_key(&folded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_drift_and_are_found() {
        let at = |kind: Kind, header: &str| kind.position(header);
        assert_eq!(find(Kind::Income, "转移性收入", "五保金"), at(Kind::Income, "特困供养金"));
        assert_eq!(find(Kind::Income, "转移性收入", "其他"), at(Kind::Income, "其他转移性收入"));
        assert_eq!(find(Kind::Income, "工资性收入", "其 他"), at(Kind::Income, "其他工资性收入"));
        assert_eq!(find(Kind::Person, "", "务工时间（月）"), at(Kind::Person, "务工时间(月)"));
        assert_eq!(find(Kind::Household, "", "住房面积（平方米）"), at(Kind::Household, "住房面积"));
        assert_eq!(find(Kind::Person, "", "*身份证号码"), at(Kind::Person, "证件号码"));
        assert_eq!(find(Kind::Person, "", "备注"), None);
    }

    #[test]
    fn every_standard_header_finds_itself() {
        for kind in Kind::ALL {
            for (at, field) in kind.fields().iter().enumerate() {
                assert_eq!(find(kind, "", field.header), Some(at), "{kind:?} {}", field.header);
            }
        }
    }
}
