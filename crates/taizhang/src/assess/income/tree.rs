//! The income tree (收入结构) of the national system: four branches and what is spent to earn, each leaf under the
//! header that register files give it (DOMAIN §2; the same headers as `intake::fields` reads).

/// A leaf of the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaf {
    /// As a profile names it: `wage.work`.
    pub id: &'static str,
    /// The standard header, under which `household_income.items` keeps it.
    pub header: &'static str,
    /// What it is, English.
    pub en: &'static str,
}

/// A branch of the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Branch {
    /// As a profile names it: `wage`.
    pub id: &'static str,
    /// The standard header.
    pub header: &'static str,
    /// What it is, English.
    pub en: &'static str,
    /// Whether it lowers the net income: 生产经营性支出.
    pub lowers: bool,
    /// Its leaves in the order of the forms.
    pub leaves: &'static [Leaf],
}

const fn leaf(id: &'static str, header: &'static str, en: &'static str) -> Leaf {
    Leaf { id, header, en }
}

/// 纯收入 = 工资性 + 生产经营性 + 财产性 + 转移性 − 生产经营性支出.
pub const TREE: [Branch; 5] = [
    Branch {
        id: "wage",
        header: "工资性收入",
        en: "wages",
        lowers: false,
        leaves: &[
            leaf("wage.work", "务工收入", "work away from home"),
            leaf("wage.post", "公益性岗位收入", "public-benefit posts"),
            leaf("wage.other", "其他工资性收入", "other wages"),
        ],
    },
    Branch {
        id: "operating",
        header: "生产经营性收入",
        en: "operating income",
        lowers: false,
        leaves: &[
            leaf("operating.crops", "种植收入", "crops"),
            leaf("operating.livestock", "养殖收入", "livestock"),
            leaf("operating.forestry", "林果收入", "fruit and forestry"),
            leaf("operating.other", "其他生产经营性收入", "other operating income"),
        ],
    },
    Branch {
        id: "property",
        header: "财产性收入",
        en: "property income",
        lowers: false,
        leaves: &[
            leaf("property.dividend", "资产收益扶贫分红收入", "dividends of assistance assets"),
            leaf("property.land", "土地流转收入", "rent of land"),
            leaf("property.other", "其他财产性收入", "other property income"),
        ],
    },
    Branch {
        id: "transfer",
        header: "转移性收入",
        en: "transfers",
        lowers: false,
        leaves: &[
            leaf("transfer.birth", "计划生育金", "family planning award"),
            leaf("transfer.subsistence", "低保金", "subsistence allowance"),
            leaf("transfer.destitute", "特困供养金", "support of the destitute"),
            leaf("transfer.pension", "养老保险金", "pension"),
            leaf("transfer.ecology", "生态补偿金", "ecological compensation"),
            leaf("transfer.other", "其他转移性收入", "other transfers"),
        ],
    },
    Branch { id: "cost", header: "生产经营性支出", en: "operating costs", lowers: true, leaves: &[] },
];

/// What insurance paid (理赔收入), beside the tree.
pub const CLAIMS: &str = "理赔收入";
/// What the household paid of its own by the rules (合规自付支出), beside the tree.
pub const SELF_PAY: &str = "合规自付支出";

/// Ids of every branch and leaf that earns: what a part of an estimate may name as its base.
pub fn bases() -> Vec<&'static str> {
    TREE.iter()
        .filter(|branch| !branch.lowers)
        .flat_map(|branch| std::iter::once(branch.id).chain(branch.leaves.iter().map(|leaf| leaf.id)))
        .collect()
}

/// Header and English name of a branch or leaf.
pub fn named(id: &str) -> Option<(&'static str, &'static str)> {
    TREE.iter().find_map(|branch| {
        if branch.id == id {
            return Some((branch.header, branch.en));
        }
        branch.leaves.iter().find(|leaf| leaf.id == id).map(|leaf| (leaf.header, leaf.en))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_its_own_and_a_leaf_begins_with_its_branch() {
        let all = bases();
        let distinct: std::collections::BTreeSet<&str> = all.iter().copied().collect();
        assert_eq!(distinct.len(), all.len());
        for branch in TREE {
            assert!(branch.leaves.iter().all(|leaf| leaf.id.starts_with(&format!("{}.", branch.id))));
        }
        assert_eq!(named("wage.work"), Some(("务工收入", "work away from home")));
        assert_eq!(named("property"), Some(("财产性收入", "property income")));
        assert_eq!(named("cost.other"), None);
    }
}
