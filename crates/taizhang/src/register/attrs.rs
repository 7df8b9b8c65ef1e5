//! The columns of a record that have no place of their own: JSON in the database, under short keys.
//!
//! A person carries some twenty of them, and their headers are longer than their values: under whole headers they were
//! three fifths of the register's size, and of the time to read and write it.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

/// Standard headers; the key of a header is its place here in base 36. New ones go to the end: keys are for ever.
const HEADERS: [&str; 149] = [
    "户主姓名",
    "户主证件号码",
    "家庭人口数",
    "户联系电话",
    "开户银行名称",
    "银行卡号",
    "识别标准",
    "户类型",
    "脱贫属性",
    "主要致贫原因",
    "次要致贫原因",
    "首次识别时间",
    "是否军烈属",
    "是否危房户",
    "危房级别",
    "住房面积",
    "是否解决安全饮用水",
    "是否通生活用电",
    "是否通生产用电",
    "是否通广播电视",
    "是否有卫生厕所",
    "主要燃料类型",
    "入户路类型",
    "与村主干路距离",
    "耕地面积(亩)",
    "林地面积(亩)",
    "退耕还林面积(亩)",
    "林果面积(亩)",
    "牧草地面积(亩)",
    "水面面积(亩)",
    "是否加入农民专业合作组织",
    "是否有龙头企业带动",
    "是否有创业致富带头人带动",
    "到户产业帮扶类型",
    "年度",
    "证件类型",
    "与户主关系",
    "民族",
    "政治面貌",
    "文化程度",
    "在校生状况",
    "失学或辍学原因",
    "健康状况",
    "残疾类别",
    "残疾证办证年度",
    "劳动技能",
    "务工区域",
    "务工所在地",
    "务工企业名称",
    "务工时间(月)",
    "是否国外务工",
    "就业渠道",
    "产业分类",
    "公益性岗位类型",
    "公益性岗位(月数)",
    "是否会讲普通话",
    "是否享受低保",
    "是否特困供养人员",
    "是否易地扶贫搬迁人口",
    "是否参加城乡居民基本医疗保险",
    "是否参加城镇职工基本医疗保险",
    "是否参加大病保险",
    "是否参加商业补充医疗保险",
    "是否参加城乡居民基本养老保险",
    "是否参加城镇职工基本养老保险",
    "是否接受医疗救助",
    "是否接受其他健康扶贫",
    "成员联系电话",
    "大专或本科毕业生未就业原因",
    "务工收入",
    "公益性岗位收入",
    "其他工资性收入",
    "工资性收入",
    "种植收入",
    "养殖收入",
    "林果收入",
    "其他生产经营性收入",
    "生产经营性收入",
    "资产收益扶贫分红收入",
    "土地流转收入",
    "其他财产性收入",
    "财产性收入",
    "计划生育金",
    "低保金",
    "特困供养金",
    "养老保险金",
    "生态补偿金",
    "其他转移性收入",
    "转移性收入",
    "生产经营性支出",
    "年收入",
    "纯收入",
    "人均纯收入",
    "理赔收入",
    "合规自付支出",
    "纳入监测对象的人均收入参考范围",
    "监测对象类别",
    "识别监测时间",
    "致贫/返贫风险1",
    "致贫/返贫风险2",
    "致贫/返贫风险3",
    "致贫/返贫风险4",
    "致贫/返贫风险5",
    "因自然灾害子项",
    "是否整户无劳动能力兜底保障户",
    "识别时是否住房出现安全问题",
    "识别时是否义务教育适龄儿童失学辍学",
    "识别时是否饮水出现安全问题",
    "识别时是否有家庭成员未参加基本医保",
    "识别时人均纯收入",
    "实施开发式帮扶措施情况",
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
    "风险是否已消除",
    "风险消除方式",
    "消除监测时间",
    "消除时是否住房出现安全问题",
    "消除时是否义务教育适龄儿童失学辍学",
    "消除时是否饮水出现安全问题",
    "消除时是否有家庭成员未参加基本医保",
    "消除时人均纯收入",
    "监测联系人",
    "信息采集人",
    "信息采集人电话",
    "帮扶责任人姓名",
    "帮扶(选派)单位名称",
    "帮扶开始时间",
    "帮扶结束时间",
    "联系电话",
    "驻村工作队名称",
    "队员类别",
    "驻村开始时间",
    "驻村结束时间",
    "状态",
    "户主签字",
    "驻村起止时间",
];

static KEYS: LazyLock<HashMap<&'static str, String>> =
    LazyLock::new(|| HEADERS.iter().enumerate().map(|(at, header)| (*header, base36(at))).collect());

fn base36(mut number: usize) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(char::from_digit((number % 36) as u32, 36).unwrap_or('0'));
        number /= 36;
        if number == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}

/// The key under which a header's value is kept; a header that is not on the list keeps its own name.
pub fn key(header: &str) -> &str {
    KEYS.get(header).map_or(header, String::as_str)
}

fn header(key: &str) -> &str {
    if key.len() > 2 {
        return key;
    }
    usize::from_str_radix(key, 36).ok().and_then(|at| HEADERS.get(at)).unwrap_or(&key)
}

/// The values of a record by standard header.
///
/// ```
/// let kept = format!("{{\"{}\":\"96\"}}", taizhang::register::attrs::key("住房面积"));
/// assert_eq!(taizhang::register::attrs::open(&kept)["住房面积"], "96");
/// ```
pub fn open(kept: &str) -> Map<String, Value> {
    let kept: Map<String, Value> = serde_json::from_str(kept).unwrap_or_default();
    kept.into_iter().map(|(key, value)| (header(&key).to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_header_has_a_key_of_its_own_and_comes_back() {
        for at in HEADERS {
            assert!(key(at).len() <= 2, "{at}");
            assert_eq!(header(key(at)), at);
        }
        assert_eq!(KEYS.len(), HEADERS.len(), "a header stands twice");
        assert_eq!(open("{\"没有的列\":\"1\"}")["没有的列"], "1");
        assert!(open("not JSON").is_empty());
    }
}
