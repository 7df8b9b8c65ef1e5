//! The columns of problem lists under the headers that real ones use.

use codes::text;

/// A column that a problem list may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Column {
    Serial,
    Kind,
    Found,
    Province,
    City,
    County,
    Township,
    Village,
    PlaceCode,
    Place,
    HouseholdNo,
    Head,
    IdNumber,
    Category,
    Description,
    Level,
    Requirement,
    Lead,
    Unit,
    Owner,
    Due,
    Answer,
}

impl Column {
    /// Every column.
    pub const ALL: [Self; 22] = [
        Self::Serial,
        Self::Kind,
        Self::Found,
        Self::Province,
        Self::City,
        Self::County,
        Self::Township,
        Self::Village,
        Self::PlaceCode,
        Self::Place,
        Self::HouseholdNo,
        Self::Head,
        Self::IdNumber,
        Self::Category,
        Self::Description,
        Self::Level,
        Self::Requirement,
        Self::Lead,
        Self::Unit,
        Self::Owner,
        Self::Due,
        Self::Answer,
    ];

    /// Headers in use, the standard one first.
    fn headers(self) -> &'static [&'static str] {
        match self {
            Self::Serial => &["序号", "编号", "问题编号", "问题序号"],
            Self::Kind => &["问题来源", "来源", "来源类别"],
            Self::Found => {
                &["发现日期", "发现时间", "反馈日期", "反馈时间", "检查日期", "检查时间", "交办日期", "交办时间"]
            }
            Self::Province => &["省", "省份"],
            Self::City => &["市", "地市"],
            Self::County => &["县", "县区", "区县", "市县"],
            Self::Township => &["乡镇", "乡", "镇", "镇街"],
            Self::Village => &["村", "行政村", "村居", "村社区"],
            Self::PlaceCode => &["行政区划代码", "区划代码", "村代码", "行政村代码"],
            Self::Place => &["地点", "问题点位", "点位", "所在地", "所在地区", "涉及地区", "涉及乡村", "地址"],
            Self::HouseholdNo => &["户编号", "涉及户编号", "户编码", "农户编号"],
            Self::Head => &["户主姓名", "户主", "涉及户", "涉及农户", "农户姓名", "贫困户姓名", "姓名"],
            Self::IdNumber => &["证件号码", "身份证号", "身份证号码", "户主证件号码", "户主身份证号"],
            Self::Category => &["类别", "问题类别", "问题类型", "问题分类", "类型"],
            Self::Description => &[
                "问题描述",
                "问题",
                "存在问题",
                "存在的问题",
                "具体问题",
                "问题内容",
                "主要问题",
                "反馈问题",
                "发现问题",
                "发现的问题",
                "问题表现",
                "具体表现",
                "问题清单",
                "反馈意见",
            ],
            Self::Level => &["严重程度", "问题等级", "等级", "程度"],
            Self::Requirement => &["整改措施", "整改要求", "整改意见", "整改目标", "整改任务", "整改建议"],
            Self::Lead => &["牵头单位", "牵头部门", "牵头责任单位"],
            Self::Unit => &["责任单位", "整改单位", "整改责任单位", "责任部门", "配合单位"],
            Self::Owner => &["责任人", "整改责任人", "责任领导", "负责人", "具体责任人"],
            Self::Due => &["整改时限", "完成时限", "时限", "整改期限", "完成时间", "整改完成时限", "期限"],
            Self::Answer => {
                &["进展", "整改进展", "整改情况", "整改进展情况", "完成情况", "整改结果", "整改落实情况", "进展情况"]
            }
        }
    }

    /// The standard header.
    pub fn header(self) -> &'static str {
        self.headers()[0]
    }

    fn of(header: &str) -> Option<Self> {
        let plain = plain(header);
        Self::ALL.into_iter().find(|column| column.headers().contains(&plain.as_str()))
    }
}

/// Whether a text is a header of such lists.
pub(super) fn is_header(header: &str) -> bool {
    Column::of(header).is_some()
}

/// Header text as it is compared: half-width, without blanks, and without what stands in brackets.
fn plain(header: &str) -> String {
    let half = text::half_width(header);
    let mut depth = 0;
    let mut out = String::new();
    for c in half.chars() {
        match c {
            '(' | '（' | '[' | '【' => depth += 1,
            ')' | '）' | ']' | '】' => depth -= 1,
            c if depth <= 0 && !c.is_whitespace() && !matches!(c, '*' | ':' | '：' | '、' | '/' | '-' | '_') => {
                out.push(c)
            }
            _ => {}
        }
    }
    out
}

/// Which column of a table is what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns {
    /// Column, its position, and its header as the file has it.
    pub found: Vec<(Column, usize, String)>,
    /// Headers that mean nothing here.
    pub extra: Vec<String>,
}

impl Columns {
    /// Reads the headers; of two that mean the same the one whose text is nearer to the standard comes first in the file's
    /// order, and the other is extra.
    pub fn of(headers: &[String]) -> Self {
        let mut out = Self::default();
        for (at, header) in headers.iter().enumerate() {
            match Column::of(header) {
                Some(column) if out.found.iter().all(|(known, ..)| *known != column) => {
                    out.found.push((column, at, header.clone()));
                }
                _ if header.trim().is_empty() => {}
                _ => out.extra.push(header.clone()),
            }
        }
        out
    }

    /// Where a column stands.
    pub fn at(&self, column: Column) -> Option<usize> {
        self.found.iter().find(|(known, ..)| *known == column).map(|(_, at, _)| *at)
    }

    /// The header that a column has in the file; the standard one where it has none.
    pub fn header(&self, column: Column) -> &str {
        let said = self.found.iter().find(|(known, ..)| *known == column).map(|(.., header)| header.as_str());
        said.unwrap_or_else(|| column.header())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_real_lists_are_known() {
        for (header, column) in [
            ("序 号", Column::Serial),
            ("县（市、区）", Column::County),
            ("乡(镇)", Column::Township),
            ("村（居）", Column::Village),
            ("存在的问题", Column::Description),
            ("牵头\n单位", Column::Lead),
            ("整改时限", Column::Due),
            ("整改责任人", Column::Owner),
            ("问题来源", Column::Kind),
        ] {
            assert_eq!(Column::of(header), Some(column), "{header}");
        }
        assert_eq!(Column::of("备注"), None);
    }

    #[test]
    fn no_header_means_two_columns() {
        let mut seen = std::collections::BTreeMap::new();
        for column in Column::ALL {
            for header in column.headers() {
                assert_eq!(plain(header), **header, "{header} is written as it is compared");
                assert_eq!(seen.insert(*header, column), None, "{header}");
            }
        }
    }
}
