//! The kinds of registry files and their columns, by the headers that real exports carry (DOMAIN: 建档立卡 and
//! 防返贫监测 exports), with the other words in use for the same column.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use codes::lists::MEASURES;

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
    /// 单位名录.
    Organisation,
}

impl Kind {
    /// Every kind, in the order in which files must be brought in.
    pub const ALL: [Self; 8] = [
        Self::Division,
        Self::Household,
        Self::Person,
        Self::Income,
        Self::Monitoring,
        Self::Helper,
        Self::WorkTeam,
        Self::Organisation,
    ];

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
            Self::Organisation => "organisation",
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
            Self::Organisation => ORGANISATION,
        }
    }

    /// The column that tells one record from another.
    pub fn key_header(self) -> &'static str {
        match self {
            Self::Division => "行政区划代码",
            Self::Person => "人口编号",
            Self::WorkTeam => "驻村工作队名称",
            Self::Organisation => "单位名称",
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

/// The column of an organisation's code (GB 32100), beside the column that names the organisation.
pub const CREDIT_CODE: &str = "统一社会信用代码";
const EMPLOYER_CODE: Field = may(
    CREDIT_CODE,
    &[
        "社会信用代码",
        "信用代码",
        "组织机构代码",
        "务工单位统一社会信用代码",
        "务工企业统一社会信用代码",
        "务工单位信用代码",
        "务工企业信用代码",
    ],
);
const UNIT_CODE: Field = may(
    CREDIT_CODE,
    &[
        "社会信用代码",
        "信用代码",
        "组织机构代码",
        "单位统一社会信用代码",
        "帮扶单位统一社会信用代码",
        "选派单位统一社会信用代码",
        "派出单位统一社会信用代码",
        "帮扶单位信用代码",
        "派出单位信用代码",
    ],
);

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

const PROVINCE: Field = may("省", &["省(自治区、直辖市)", "省份"]);
const CITY: Field = may("市", &["市(州)", "地市", "市(地、州、盟)"]);
const COUNTY: Field = may("县", &["县(市、区)", "区县", "县区", "县(市、区、旗)"]);
const TOWNSHIP: Field = may("乡", &["乡镇", "乡(镇)", "镇", "乡(镇、街道)"]);
const VILLAGE_NAMES: &[&str] = &["行政村", "村(社区)", "村名称", "村(居)"];
const VILLAGE: Field = may("村", VILLAGE_NAMES);
const GROUP: Field = may("自然村", &["村民组", "组", "自然村(组)", "村民小组"]);
const HOUSEHOLD_NO: Field = need("户编号", &["户编码", "家庭编号", "户号"]);
const HEAD: Field = may("户主姓名", &["户主"]);
const HEAD_ID: Field = may("户主证件号码", &["户主身份证号", "户主身份证号码", "户主证件号"]);
const MEMBERS: Field = may("家庭人口数", &["家庭人口", "人口数", "家庭成员数", "家庭人数"]);
const YEAR: Field = may("年度", &["年份", "数据年度"]);
const ID_NAMES: &[&str] = &["身份证号", "身份证号码", "公民身份号码", "证件号"];

const HOUSEHOLD: &[Field] = &[
    PROVINCE,
    CITY,
    COUNTY,
    TOWNSHIP,
    need("村", VILLAGE_NAMES),
    GROUP,
    HOUSEHOLD_NO,
    may("户主编号", &["户主人口编号"]),
    need("户主姓名", &["户主"]),
    HEAD_ID,
    MEMBERS,
    may("户联系电话", &["联系电话", "家庭联系电话", "电话", "手机号码", "户主联系电话"]),
    may("开户银行名称", &["开户银行"]),
    may("银行卡号", &["银行账号", "一卡通账号", "银行账户"]),
    plain("识别标准"),
    may("户类型", &["户属性", "农户类型", "贫困户类型"]),
    may("脱贫属性", &["脱贫状态", "贫困户属性"]),
    may("主要致贫原因", &["致贫原因", "主要致贫因素"]),
    may("次要致贫原因", &["其他致贫原因", "次要致贫因素"]),
    may("首次识别时间", &["识别时间", "首次识别年份"]),
    may("是否军烈属", &["军烈属"]),
    may("是否危房户", &["是否危房"]),
    may("危房级别", &["危房等级", "住房安全等级", "房屋等级"]),
    plain("住房面积"),
    may("是否解决安全饮用水", &["饮水是否安全", "是否解决饮水安全", "饮水情况", "是否安全饮水", "是否有安全饮用水"]),
    may("是否通生活用电", &["是否通生活电", "是否通电"]),
    may("是否通生产用电", &["是否通生产电"]),
    may("是否通广播电视", &["是否通广播"]),
    may("是否有卫生厕所", &["有无卫生厕所"]),
    may("主要燃料类型", &["燃料类型"]),
    may("入户路类型", &["入户路情况"]),
    may("与村主干路距离", &["与村主干道距离", "距村主干路距离"]),
    plain("耕地面积(亩)"),
    plain("林地面积(亩)"),
    plain("退耕还林面积(亩)"),
    plain("林果面积(亩)"),
    plain("牧草地面积(亩)"),
    plain("水面面积(亩)"),
    may("是否加入农民专业合作组织", &["是否加入农民专业合作社", "是否加入合作组织"]),
    may("是否有龙头企业带动", &["有无龙头企业带动"]),
    may("是否有创业致富带头人带动", &["是否有致富带头人带动"]),
    may("到户产业帮扶类型", &["到户产业扶贫类型"]),
    YEAR,
];

const PERSON: &[Field] = &[
    PROVINCE,
    CITY,
    COUNTY,
    TOWNSHIP,
    VILLAGE,
    GROUP,
    HOUSEHOLD_NO,
    need("人口编号", &["个人编号", "成员编号", "人口编码"]),
    need("姓名", &["成员姓名"]),
    plain("性别"),
    may("出生日期", &["出生年月", "生日", "出生年月日"]),
    may("证件类型", &["证件种类"]),
    need("证件号码", ID_NAMES),
    need("与户主关系", &["户主关系", "家庭关系"]),
    plain("民族"),
    plain("政治面貌"),
    may("文化程度", &["学历"]),
    may("在校生状况", &["在校状况", "在校生情况"]),
    may("失学或辍学原因", &["失学辍学原因", "失辍学原因"]),
    may("健康状况", &["身体状况"]),
    may("残疾类别", &["残疾类型"]),
    may("残疾证办证年度", &["残疾证办证年份", "残疾证办理年度"]),
    may("劳动技能", &["劳动能力"]),
    may("务工区域", &["务工范围"]),
    may("务工所在地", &["务工地点", "务工地"]),
    may("务工企业名称", &["务工企业", "务工单位"]),
    may("务工时间(月)", &["务工月数", "务工时间(月数)"]),
    may("是否国外务工", &["是否境外务工"]),
    may("就业渠道", &["就业途径"]),
    plain("产业分类"),
    may("公益性岗位类型", &["公益岗位类型"]),
    may("公益性岗位(月数)", &["公益性岗位月数", "公益岗位(月数)", "公益岗位月数"]),
    may("是否会讲普通话", &["会讲普通话"]),
    may("是否享受低保", &["是否享受农村居民最低生活保障", "是否低保", "是否享受农村低保"]),
    may("是否特困供养人员", &["是否特困供养", "是否五保", "是否特困人员"]),
    may("是否易地扶贫搬迁人口", &["是否易地搬迁人口", "是否易地扶贫搬迁"]),
    may(
        "是否参加城乡居民基本医疗保险",
        &[
            "是否参加城乡居民医疗保险",
            "是否参加居民医保",
            "是否参加新型农村合作医疗",
            "居民医保",
            "城乡居民基本医疗保险",
        ],
    ),
    may(
        "是否参加城镇职工基本医疗保险",
        &["是否参加职工医保", "是否参加城镇职工医疗保险", "职工医保", "城镇职工基本医疗保险"],
    ),
    may("是否参加大病保险", &["大病保险", "是否参加城乡居民大病保险"]),
    may("是否参加商业补充医疗保险", &["商业补充医疗保险", "商业补充保险", "是否参加商业补充保险"]),
    may(
        "是否参加城乡居民基本养老保险",
        &["城乡居民基本养老保险", "居民养老保险", "是否参加居民养老保险", "是否参加城乡居民社会养老保险"],
    ),
    may(
        "是否参加城镇职工基本养老保险",
        &["城镇职工基本养老保险", "职工养老保险", "是否参加职工养老保险", "是否参加城镇职工养老保险"],
    ),
    may("是否接受医疗救助", &["是否享受医疗救助"]),
    may("是否接受其他健康扶贫", &["是否接受其他健康帮扶", "是否享受其他健康扶贫"]),
    may("成员联系电话", &["联系电话", "电话", "手机号码"]),
    may("大专或本科毕业生未就业原因", &["未就业原因", "毕业生未就业原因"]),
    YEAR,
    EMPLOYER_CODE,
];

const INCOME: &[Field] = &[
    PROVINCE,
    CITY,
    COUNTY,
    TOWNSHIP,
    VILLAGE,
    HOUSEHOLD_NO,
    HEAD,
    HEAD_ID,
    MEMBERS,
    may("务工收入", &["工资性收入/务工", "工资性收入/务工工资"]),
    may("公益性岗位收入", &["工资性收入/公益性岗位", "公益岗位收入", "工资性收入/公益岗位"]),
    may("其他工资性收入", &["工资性收入/其他"]),
    may("工资性收入", &["工资性收入/小计", "工资性收入/合计"]),
    may("种植收入", &["生产经营性收入/种植", "种植业收入", "生产经营性收入/种植业"]),
    may("养殖收入", &["生产经营性收入/养殖", "养殖业收入", "生产经营性收入/养殖业"]),
    may("林果收入", &["生产经营性收入/林果", "林果业收入", "生产经营性收入/林果业"]),
    may("其他生产经营性收入", &["生产经营性收入/其他"]),
    may("生产经营性收入", &["生产经营性收入/小计", "生产经营性收入/合计"]),
    may(
        "资产收益扶贫分红收入",
        &[
            "财产性收入/资产收益扶贫分红",
            "资产收益扶贫分红",
            "财产性收入/资产收益分红",
            "资产收益分红",
            "财产性收入/资产收益",
        ],
    ),
    may("土地流转收入", &["财产性收入/土地流转", "土地流转"]),
    may("其他财产性收入", &["财产性收入/其他"]),
    may("财产性收入", &["财产性收入/小计", "财产性收入/合计"]),
    may("计划生育金", &["转移性收入/计划生育金", "计划生育奖励金", "计生金"]),
    may("低保金", &["转移性收入/低保金", "最低生活保障金", "农村低保金"]),
    may("特困供养金", &["转移性收入/特困供养金", "五保金", "转移性收入/五保金", "特困人员供养金", "五保供养金"]),
    may("养老保险金", &["转移性收入/养老保险金", "养老金或离退休金", "转移性收入/养老金或离退休金", "养老金"]),
    may("生态补偿金", &["转移性收入/生态补偿金", "生态补助金"]),
    may("其他转移性收入", &["转移性收入/其他"]),
    may("转移性收入", &["转移性收入/小计", "转移性收入/合计"]),
    may("生产经营性支出", &["生产经营支出", "经营性支出"]),
    may("年收入", &["家庭年收入", "年总收入"]),
    need("纯收入", &["家庭纯收入", "年纯收入", "家庭年纯收入"]),
    may("人均纯收入", &["家庭人均纯收入", "年人均纯收入"]),
    may("理赔收入", &["保险理赔收入"]),
    may("合规自付支出", &["合规自付费用"]),
    may("纳入监测对象的人均收入参考范围", &["纳入监测对象的收入参考范围", "纳入监测对象收入参考范围"]),
    may("年度", &["收入年度", "年份", "数据年度"]),
];

const MONITORING: &[Field] = &[
    PROVINCE,
    CITY,
    COUNTY,
    TOWNSHIP,
    VILLAGE,
    HOUSEHOLD_NO,
    HEAD,
    HEAD_ID,
    MEMBERS,
    need("监测对象类别", &["监测对象类型", "监测类别"]),
    may("识别监测时间", &["纳入监测时间", "监测识别时间", "识别时间"]),
    may("致贫/返贫风险1", &["致贫/返贫风险/风险1", "致贫返贫风险1", "返贫风险1", "主要致贫返贫风险", "致贫返贫风险"]),
    may("致贫/返贫风险2", &["致贫/返贫风险/风险2", "致贫返贫风险2", "返贫风险2"]),
    may("致贫/返贫风险3", &["致贫/返贫风险/风险3", "致贫返贫风险3", "返贫风险3"]),
    may("致贫/返贫风险4", &["致贫/返贫风险/风险4", "致贫返贫风险4", "返贫风险4"]),
    may("致贫/返贫风险5", &["致贫/返贫风险/风险5", "致贫返贫风险5", "返贫风险5"]),
    may("因自然灾害子项", &["自然灾害子项", "致贫/返贫风险/因自然灾害子项"]),
    may("是否整户无劳动能力兜底保障户", &["整户无劳动能力兜底保障户", "是否整户无劳动力兜底保障户"]),
    may("识别时是否住房出现安全问题", &["是否住房出现安全问题"]),
    may("识别时是否义务教育适龄儿童失学辍学", &["是否义务教育适龄儿童失学辍学"]),
    may("识别时是否饮水出现安全问题", &["是否饮水出现安全问题"]),
    may("识别时是否有家庭成员未参加基本医保", &["是否有家庭成员未参加基本医保"]),
    may("识别时人均纯收入", &["识别时收入"]),
    may("实施开发式帮扶措施情况", &["开发式帮扶措施情况", "开发式帮扶措施"]),
    plain(MEASURES[0]),
    plain(MEASURES[1]),
    plain(MEASURES[2]),
    plain(MEASURES[3]),
    plain(MEASURES[4]),
    plain(MEASURES[5]),
    plain(MEASURES[6]),
    plain(MEASURES[7]),
    plain(MEASURES[8]),
    plain(MEASURES[9]),
    plain(MEASURES[10]),
    plain(MEASURES[11]),
    plain(MEASURES[12]),
    plain(MEASURES[13]),
    may(MEASURES[14], &["帮扶措施备注", "其他帮扶措施"]),
    may("风险是否已消除", &["是否消除风险", "风险消除情况", "风险是否消除", "是否已消除风险"]),
    may("风险消除方式", &["消除方式"]),
    may("消除监测时间", &["风险消除时间", "消除时间"]),
    plain("消除时是否住房出现安全问题"),
    plain("消除时是否义务教育适龄儿童失学辍学"),
    plain("消除时是否饮水出现安全问题"),
    plain("消除时是否有家庭成员未参加基本医保"),
    may("消除时人均纯收入", &["消除时收入"]),
    may("监测联系人", &["监测责任人"]),
    may("信息采集人", &["采集人"]),
    may("信息采集人电话", &["信息采集人联系电话", "信息采集人及电话", "信息采集人及联系电话", "采集人电话"]),
    may("户主签字", &["户主签名"]),
];

const HELPER: &[Field] = &[
    PROVINCE,
    CITY,
    COUNTY,
    TOWNSHIP,
    VILLAGE,
    HOUSEHOLD_NO,
    HEAD,
    HEAD_ID,
    need("帮扶责任人姓名", &["帮扶人姓名", "帮扶责任人", "帮扶干部姓名", "姓名", "帮扶干部"]),
    plain("性别"),
    plain("政治面貌"),
    may("证件号码", &["身份证号", "身份证号码", "帮扶责任人证件号码", "帮扶责任人身份证号"]),
    may("帮扶(选派)单位名称", &["帮扶单位名称", "帮扶单位", "选派单位", "选派单位名称", "帮扶(选派)单位"]),
    may("帮扶开始时间", &["开始时间", "帮扶起始时间"]),
    may("帮扶结束时间", &["结束时间", "帮扶截止时间"]),
    may("联系电话", &["帮扶人电话", "帮扶责任人电话", "帮扶责任人联系电话", "电话", "手机号码"]),
    UNIT_CODE,
];

const WORK_TEAM: &[Field] = &[
    PROVINCE,
    CITY,
    COUNTY,
    TOWNSHIP,
    need("村", &["驻村名称", "行政村", "村(社区)", "村名称", "驻村"]),
    need("驻村工作队名称", &["工作队名称", "队名", "驻村工作队"]),
    may("队员类别", &["职务", "队内职务", "队员身份", "第一书记/队长/队员"]),
    need("姓名", &["队员姓名"]),
    plain("性别"),
    may("证件号码", ID_NAMES),
    plain("政治面貌"),
    may("帮扶(选派)单位名称", &["选派单位名称", "选派单位", "派出单位"]),
    may("驻村开始时间", &["开始时间", "任职开始时间"]),
    may("驻村结束时间", &["结束时间", "任职结束时间"]),
    may("驻村起止时间", &["起止时间", "任职起止时间"]),
    may("联系电话", &["电话", "手机号码"]),
    may("状态", &["在岗状态", "在岗情况"]),
    UNIT_CODE,
];

const ORGANISATION: &[Field] = &[
    need("单位名称", &["企业名称", "机构名称", "组织名称", "用工单位", "用工单位名称", "帮扶单位", "帮扶单位名称"]),
    need(CREDIT_CODE, &["社会信用代码", "信用代码", "组织机构代码", "单位统一社会信用代码"]),
    may("单位类型", &["单位性质", "企业类型", "机构类型", "单位类别"]),
    may("行政区划代码", &["区划代码", "所在地代码", "所在区划代码"]),
    may("地址", &["单位地址", "注册地址", "住所", "所在地", "详细地址"]),
    may("联系人", &["联系人姓名", "负责人", "负责人姓名"]),
    may("联系电话", &["单位电话", "联系人电话", "负责人电话", "电话", "手机号码"]),
];

/// An upper header that gives its lower ones their meaning, with the other words for it.
struct Group {
    kind: Kind,
    name: &'static str,
    words: &'static [&'static str],
}

/// Upper headers under which the same lower header means something else than under another one.
const GROUPS: [Group; 8] = [
    Group { kind: Kind::Income, name: "工资性收入", words: &["工资性收入", "工资收入"] },
    Group {
        kind: Kind::Income,
        name: "生产经营性收入",
        words: &["生产经营性收入", "生产经营收入", "家庭经营性收入", "经营性收入", "经营收入"],
    },
    Group { kind: Kind::Income, name: "财产性收入", words: &["财产性收入", "财产收入"] },
    Group { kind: Kind::Income, name: "转移性收入", words: &["转移性收入", "转移收入"] },
    Group {
        kind: Kind::Monitoring,
        name: "致贫/返贫风险",
        words: &["致贫/返贫风险", "致贫返贫风险", "返贫致贫风险", "返贫风险", "致贫风险"],
    },
    Group {
        kind: Kind::Monitoring, name: "帮扶措施", words: &["帮扶措施", "帮扶情况", "落实帮扶措施"]
    },
    Group {
        kind: Kind::Monitoring,
        name: BEGIN,
        words: &["识别时三保障和饮水安全", "识别时三保障及饮水安全", "识别监测时", "识别时"],
    },
    Group {
        kind: Kind::Monitoring,
        name: END,
        words: &["消除时三保障和饮水安全", "消除时三保障及饮水安全", "风险消除时", "消除监测时", "消除时"],
    },
];
const BEGIN: &str = "识别时";
const END: &str = "消除时";

/// What may stand in brackets behind a header without making it another one: units, forms, duty.
const NOTES: [&str; 32] = [
    "元",
    "万元",
    "元/年",
    "元/人",
    "元/月",
    "元/人/年",
    "亩",
    "平方米",
    "㎡",
    "m2",
    "公里",
    "千米",
    "米",
    "月",
    "个月",
    "月数",
    "年",
    "年月",
    "人",
    "户",
    "岁",
    "个",
    "吨",
    "是/否",
    "是否",
    "YYYYMM",
    "YYYY-MM-DD",
    "必填",
    "选填",
    "单选",
    "多选",
    "盖章",
];

/// A header without what does not matter: blanks, line breaks, full-width forms, stars that mark duty, a number or 其中
/// before it.
pub fn fold_header(raw: &str) -> String {
    let text = codes::text::half_width(raw);
    let text: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '*' | '★' | ':' | '：' | '“' | '”' | '"'))
        .map(|c| match c {
            '（' => '(',
            '）' => ')',
            '／' => '/',
            c => c,
        })
        .collect();
    let bare = text.strip_prefix("其中").unwrap_or(&text);
    let number = |c: char| c.is_ascii_digit() || "一二三四五六七八九十".contains(c);
    let rest = bare.trim_start_matches(number);
    let bare = match rest.strip_prefix(['、', '.']) {
        Some(after) if rest.len() < bare.len() && !after.is_empty() => after,
        _ => match bare.strip_prefix('(').and_then(|b| b.split_once(')')) {
            Some((inside, rest)) if !inside.is_empty() && inside.chars().all(number) && !rest.is_empty() => rest,
            _ => bare,
        },
    };
    bare.to_owned()
}

/// A header without a unit or another note in brackets behind it: 住房面积(平方米).
fn without_note(folded: &str) -> Option<&str> {
    let open = folded.strip_suffix(')')?.rfind('(')?;
    let (rest, note) = (&folded[..open], &folded[open + 1..folded.len() - 1]);
    (!rest.is_empty() && NOTES.iter().any(|n| n.eq_ignore_ascii_case(note))).then_some(rest)
}

/// The names of a kind's columns, folded.
struct Index {
    names: HashMap<String, usize>,
    /// Upper headers that each column belongs under, where it belongs under any.
    homes: Vec<Vec<&'static str>>,
    /// Lower headers that mean different columns under different upper ones.
    shared: HashSet<String>,
}

impl Index {
    fn of(kind: Kind) -> Self {
        let mut names = HashMap::new();
        let mut homes = vec![Vec::new(); kind.fields().len()];
        let mut leaves: HashMap<String, HashSet<usize>> = HashMap::new();
        for (at, field) in kind.fields().iter().enumerate() {
            for name in std::iter::once(&field.header).chain(field.synonyms) {
                let folded = fold_header(name);
                for group in GROUPS.iter().filter(|g| g.kind == kind) {
                    let rest = folded.strip_prefix(group.name).map(|r| r.trim_start_matches('/').to_owned());
                    if let Some(leaf) = rest.filter(|r| !r.is_empty()) {
                        homes[at].push(group.name);
                        leaves.entry(leaf).or_default().insert(at);
                    }
                }
                names.entry(folded).or_insert(at);
            }
        }
        for (at, field) in kind.fields().iter().enumerate() {
            if let Some(short) = without_note(&fold_header(field.header)) {
                names.entry(short.to_owned()).or_insert(at);
            }
        }
        let shared = leaves.into_iter().filter(|(_, at)| at.len() > 1).map(|(leaf, _)| leaf).collect();
        Self { names, homes, shared }
    }

    fn exact(&self, folded: &str) -> Option<usize> {
        let mut name = folded;
        loop {
            if let Some(at) = self.names.get(name) {
                return Some(*at);
            }
            name = without_note(name)?;
        }
    }

    /// A lower header under one of the upper headers that give it its meaning.
    fn under(&self, kind: Kind, group: &Group, leaf: &str) -> Option<usize> {
        if [BEGIN, END].contains(&group.name) {
            let bare = leaf.strip_prefix(group.name).unwrap_or(leaf);
            return self
                .exact(&format!("{}{bare}", group.name))
                .or_else(|| self.exact(&format!("{}是否{bare}", group.name)));
        }
        self.exact(&format!("{}/{leaf}", group.name))
            // The lower header in full, if it has its place there or nowhere: 务工收入 below 工资性收入.
            .or_else(|| {
                self.exact(leaf).filter(|at| self.homes[*at].is_empty() || self.homes[*at].contains(&group.name))
            })
            .or_else(|| if group.name == "帮扶措施" { measure(kind, leaf) } else { None })
    }

    /// An upper and a lower header in one cell: 工资性收入(其他), 工资性收入-其他.
    fn split(&self, kind: Kind, folded: &str) -> Option<usize> {
        GROUPS.iter().filter(|g| g.kind == kind).find_map(|group| {
            group.words.iter().find_map(|word| {
                let rest = folded.strip_prefix(word)?;
                let leaf = rest
                    .strip_prefix('(')
                    .and_then(|r| r.strip_suffix(')'))
                    .unwrap_or_else(|| rest.trim_start_matches(['-', '—', '_', '/', '·', '、', '.']));
                if leaf.is_empty() { None } else { self.under(kind, group, leaf) }
            })
        })
    }
}

fn measure(kind: Kind, folded: &str) -> Option<usize> {
    if kind == Kind::Monitoring { kind.position(codes::lists::measure(folded)?) } else { None }
}

static INDEX: LazyLock<HashMap<Kind, Index>> =
    LazyLock::new(|| Kind::ALL.into_iter().map(|kind| (kind, Index::of(kind))).collect());

fn group_of(kind: Kind, folded: &str) -> Option<&'static Group> {
    let folded = without_note(folded).unwrap_or(folded);
    let mine = || GROUPS.iter().filter(|g| g.kind == kind);
    mine().find(|g| g.words.contains(&folded)).or_else(|| {
        mine().filter(|g| [BEGIN, END].contains(&g.name)).find(|g| g.words.iter().any(|w| folded.starts_with(w)))
    })
}

/// The column of a kind that a header means; `group` is the upper header of a two-level one, empty where there is none.
pub fn find(kind: Kind, group: &str, leaf: &str) -> Option<usize> {
    let index = INDEX.get(&kind)?;
    let (group, leaf) = (fold_header(group), fold_header(leaf));
    if group.is_empty() || group == leaf {
        return index
            .exact(&leaf)
            .or_else(|| index.split(kind, &leaf))
            // A bare 其他 or 备注 says nothing of measures.
            .or_else(|| {
                if matches!(leaf.as_str(), "其他" | "其它" | "备注") { None } else { measure(kind, &leaf) }
            });
    }
    if let Some(known) = group_of(kind, &group) {
        return index.under(kind, known, &leaf);
    }
    let about = group.trim_end_matches("信息").trim_end_matches("情况");
    let whole = [format!("{group}/{leaf}"), format!("{about}{leaf}")];
    whole.iter().find_map(|name| index.exact(name)).or_else(|| {
        // The upper header says nothing to us: the lower one counts if it can mean only one column.
        let at = index.exact(&leaf).or_else(|| index.split(kind, &leaf))?;
        let of_head = about.contains("户主") && kind != Kind::Household && !kind.fields()[at].header.contains('户');
        (!index.shared.contains(&leaf) && !of_head).then_some(at)
    })
}

/// Whether a text is a header, or the upper part of one, of any kind.
pub fn is_header(text: &str) -> bool {
    let folded = fold_header(text);
    !folded.is_empty()
        && INDEX.iter().any(|(kind, index)| {
            index.exact(&folded).is_some()
                || index.split(*kind, &folded).is_some()
                || group_of(*kind, &folded).is_some()
        })
}

#[cfg(test)]
mod tests;
