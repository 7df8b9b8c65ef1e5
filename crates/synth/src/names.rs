//! Names by realistic frequency: surnames with the shares of the national census, given names by sex and
//! birth decade, generation characters of a clan, one-character names, and minority names with `·`.

use crate::model::Sex;
use crate::rng::Rng;

/// Surnames and their share in ten-thousandths of the population (after the Ministry of Public Security's
/// yearly name reports, rounded); the tail stands for the rest.
pub(crate) const SURNAMES: &[(&str, u32)] = &[
    ("王", 725),
    ("李", 719),
    ("张", 683),
    ("刘", 538),
    ("陈", 453),
    ("杨", 308),
    ("黄", 223),
    ("赵", 229),
    ("吴", 205),
    ("周", 212),
    ("徐", 167),
    ("孙", 154),
    ("马", 129),
    ("朱", 126),
    ("胡", 131),
    ("郭", 119),
    ("何", 117),
    ("林", 107),
    ("高", 105),
    ("罗", 86),
    ("郑", 85),
    ("梁", 84),
    ("谢", 72),
    ("宋", 70),
    ("唐", 65),
    ("许", 66),
    ("韩", 61),
    ("邓", 62),
    ("冯", 64),
    ("曹", 60),
    ("彭", 50),
    ("曾", 58),
    ("肖", 56),
    ("田", 52),
    ("董", 51),
    ("潘", 48),
    ("袁", 47),
    ("蔡", 46),
    ("蒋", 47),
    ("余", 48),
    ("于", 44),
    ("杜", 45),
    ("叶", 43),
    ("程", 43),
    ("魏", 45),
    ("苏", 43),
    ("吕", 45),
    ("丁", 43),
    ("任", 42),
    ("卢", 40),
    ("姚", 40),
    ("沈", 41),
    ("钟", 40),
    ("姜", 38),
    ("崔", 38),
    ("谭", 38),
    ("陆", 37),
    ("范", 36),
    ("汪", 36),
    ("廖", 35),
    ("石", 34),
    ("金", 33),
    ("韦", 32),
    ("贾", 32),
    ("夏", 31),
    ("付", 31),
    ("方", 31),
    ("邹", 30),
    ("熊", 30),
    ("白", 29),
    ("孟", 29),
    ("秦", 28),
    ("邱", 28),
    ("侯", 27),
    ("江", 27),
    ("尹", 26),
    ("薛", 26),
    ("闫", 26),
    ("段", 25),
    ("雷", 25),
    ("龙", 24),
    ("黎", 24),
    ("史", 23),
    ("陶", 23),
    ("贺", 23),
    ("毛", 22),
    ("郝", 22),
    ("顾", 22),
    ("龚", 22),
    ("邵", 21),
    ("万", 21),
    ("覃", 21),
    ("武", 20),
    ("钱", 20),
    ("戴", 20),
    ("严", 19),
    ("莫", 19),
    ("孔", 18),
    ("向", 18),
    ("常", 18),
    ("汤", 17),
    ("康", 17),
    ("易", 16),
    ("乔", 16),
    ("赖", 15),
    ("文", 15),
    ("樊", 14),
    ("施", 14),
    ("洪", 14),
    ("季", 12),
    ("安", 12),
    ("章", 12),
    ("鲁", 11),
    ("倪", 11),
    ("殷", 11),
    ("庞", 10),
    ("辛", 10),
    ("管", 9),
    ("祝", 9),
    ("左", 9),
    ("涂", 9),
    ("谷", 8),
    ("祁", 8),
    ("时", 8),
    ("舒", 8),
    ("耿", 8),
    ("牟", 8),
    ("卜", 7),
    ("路", 7),
    ("詹", 7),
    ("关", 7),
    ("苗", 6),
    ("凌", 6),
    ("费", 6),
    ("纪", 6),
    ("靳", 6),
    ("盛", 6),
    ("童", 6),
    ("欧", 6),
    ("甄", 5),
    ("项", 5),
    ("曲", 5),
    ("成", 5),
    ("游", 5),
    ("阳", 5),
    ("裴", 5),
    ("席", 5),
    ("卫", 5),
    ("查", 4),
    ("屈", 4),
    ("鲍", 4),
    ("位", 4),
    ("覃", 4),
    ("霍", 4),
    ("翁", 4),
    ("隋", 4),
    ("植", 3),
    ("甘", 4),
    ("景", 4),
    ("薄", 3),
    ("单", 4),
    ("包", 4),
    ("司", 4),
    ("柏", 4),
    ("宁", 4),
    ("柯", 4),
    ("阮", 4),
    ("桂", 3),
    ("解", 3),
    ("仇", 3),
    ("华", 3),
    ("车", 3),
    ("冉", 3),
    ("岳", 3),
    ("全", 3),
    ("欧阳", 8),
    ("上官", 2),
    ("司马", 1),
    ("诸葛", 1),
    ("尉迟", 1),
];

const MALE_OLD: &str = "德国明文福生金贵林有财发根水土树春清云山海龙保长永正世家祥富荣华兴旺来宝全仁义忠良";
const MALE_MID: &str = "建国军平强勇志刚伟明华东红卫民兵胜利新学文辉斌波峰涛海洋松林成祥光亮永利跃进社会";
const MALE_NEW: &str = "伟强磊涛鹏超杰浩亮俊飞凯鑫宇斌波龙刚峰辉健平勇军旭阳帅东晨博文";
const MALE_KID: &str = "浩宇轩子涵博文俊熙梓睿泽晨辰一诺天佑嘉豪奕航皓铭宸昊然锦明哲瑞霖";
const FEMALE_OLD: &str = "秀英兰桂珍玉凤芝莲香花翠琴荣淑素菊梅云芳金银彩巧喜贵春秋月娥";
const FEMALE_MID: &str = "丽红艳芳梅玲霞燕秀英敏华萍娟琴兰云凤桂香莉爱琼群美珍小春平";
const FEMALE_NEW: &str = "静丽婷娜敏艳娟霞芳燕玲倩雪莉丹洁琳晶慧颖欣蕾佳瑶梦露莹";
const FEMALE_KID: &str = "梓涵欣怡子萱诗雨可馨雨桐语嫣思琪一诺佳琪梦瑶若汐芷晴紫悦婉清雅淇";
/// Characters that clans use to mark a generation (字辈).
const GENERATION: &str = "德正仁义礼智信国家永世传诗书继祖宗功光明显达文章华成克绍先启承延庆安邦定必大有学道兴";

const YI_CLANS: &[&str] = &["吉克", "阿苏", "沙马", "曲比", "海来", "吉木", "阿尔", "马海", "罗洪", "且沙"];
const YI_MALE: &[&str] = &["木呷", "拉铁", "尔布", "子哈", "伍呷", "日布", "克古", "阿木", "石布", "友古"];
const YI_FEMALE: &[&str] = &["阿依", "小红", "伍各", "阿各", "果果", "日呷", "布西", "尔扎", "依作", "阿芝"];
const UY_MALE: &[&str] =
    &["买买提", "艾合买提", "吐尔逊", "阿卜杜拉", "玉素甫", "库尔班", "艾山", "热合曼", "图尔荪", "伊敏"];
const UY_FEMALE: &[&str] = &["阿依古丽", "古丽娜", "帕提古丽", "热依汗", "祖丽菲亚", "阿孜古丽", "玛依拉", "迪丽努尔"];

fn nth(text: &str, rng: &mut Rng) -> char {
    // Every table above is pure three-byte UTF-8, so a character can be cut by position.
    let n = text.len() / 3;
    let at = rng.index(n) * 3;
    text.get(at..at + 3).and_then(|s| s.chars().next()).unwrap_or('文')
}

/// Which people a family belongs to, and how its members are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum People {
    Han,
    Hui,
    Miao,
    Tujia,
    Yi,
    Uyghur,
}

impl People {
    /// The label used in the registry's 民族 column (GB/T 3304).
    pub(crate) fn zh(self) -> &'static str {
        match self {
            Self::Han => "汉族",
            Self::Hui => "回族",
            Self::Miao => "苗族",
            Self::Tujia => "土家族",
            Self::Yi => "彝族",
            Self::Uyghur => "维吾尔族",
        }
    }
}

/// A surname by national frequency.
pub(crate) fn surname(rng: &mut Rng) -> &'static str {
    rng.weighted(SURNAMES)
}

/// The generation characters of one clan: the character for generation `generation` (0 = the head's).
pub(crate) fn generation_char(clan: u64, generation: i32) -> char {
    let mut rng = Rng::stream(clan, &[0x0067_656E]);
    let start = rng.index(GENERATION.len() / 3) as i32;
    let n = (GENERATION.len() / 3) as i32;
    let at = (start + generation * 7).rem_euclid(n) as usize * 3;
    GENERATION.get(at..at + 3).and_then(|s| s.chars().next()).unwrap_or('德')
}

/// A full name. `generation` carries the clan's key and the generation number for people of the male line.
pub(crate) fn full_name(
    rng: &mut Rng,
    people: People,
    surname: &str,
    sex: Sex,
    birth_year: i32,
    generation: Option<(u64, i32)>,
    out: &mut String,
) {
    out.clear();
    match people {
        People::Yi => {
            out.push_str(YI_CLANS[surname.len() % YI_CLANS.len()]);
            if rng.per_cent(55) {
                out.push('·');
            }
            out.push_str(rng.pick::<&str>(if sex == Sex::Male { YI_MALE } else { YI_FEMALE }));
            return;
        }
        People::Uyghur => {
            out.push_str(rng.pick::<&str>(if sex == Sex::Male { UY_MALE } else { UY_FEMALE }));
            out.push('·');
            out.push_str(rng.pick::<&str>(UY_MALE));
            return;
        }
        _ => {}
    }
    out.push_str(surname);
    let (pool, single) = match (sex, birth_year) {
        (Sex::Male, ..=1959) => (MALE_OLD, 8),
        (Sex::Male, 1960..=1979) => (MALE_MID, 18),
        (Sex::Male, 1980..=1999) => (MALE_NEW, 30),
        (Sex::Male, _) => (MALE_KID, 8),
        (Sex::Female, ..=1959) => (FEMALE_OLD, 8),
        (Sex::Female, 1960..=1979) => (FEMALE_MID, 20),
        (Sex::Female, 1980..=1999) => (FEMALE_NEW, 30),
        (Sex::Female, _) => (FEMALE_KID, 6),
    };
    if rng.per_cent(single) {
        out.push(nth(pool, rng));
        return;
    }
    let with_generation = match (sex, birth_year) {
        (Sex::Male, ..=1979) => 62,
        (Sex::Male, 1980..=1999) => 38,
        (Sex::Male, _) => 15,
        (Sex::Female, ..=1979) => 18,
        (Sex::Female, _) => 6,
    };
    match generation {
        Some((clan, g)) if rng.per_cent(with_generation) => {
            let first = generation_char(clan, g);
            out.push(first);
            let mut second = nth(pool, rng);
            if second == first {
                second = nth(pool, rng);
            }
            out.push(second);
        }
        _ => {
            out.push(nth(pool, rng));
            out.push(nth(pool, rng));
        }
    }
}

/// Groups of characters that sound alike (same Mandarin syllable, tone aside) and are swapped in dictation.
pub(crate) const HOMOPHONES: &[&str] = &[
    "伟卫维玮魏",
    "丽莉利立",
    "芳方房",
    "军君钧均",
    "平萍苹",
    "明鸣铭",
    "华桦花",
    "红洪宏鸿",
    "英瑛莹颖",
    "强蔷",
    "涛滔桃",
    "磊蕾雷",
    "静婧晶敬",
    "娟涓",
    "霞侠",
    "燕艳雁彦",
    "玲灵凌铃",
    "飞菲妃",
    "鹏朋",
    "浩昊皓",
    "宇雨羽玉",
    "轩萱宣",
    "涵晗含",
    "欣新鑫心",
    "怡宜仪",
    "梅美",
    "秀绣",
    "兰岚蓝",
    "国果",
    "建健剑",
    "志智治",
    "文雯闻",
    "波博",
    "峰锋丰枫",
    "张章",
    "王汪",
    "李黎",
    "徐许",
    "江姜蒋",
    "余于俞",
    "付傅富",
    "程成陈",
    "何贺",
    "吴武伍",
    "刘柳",
    "周邹",
    "杨阳",
    "胡虎",
    "梁良粮",
    "云芸",
    "海害",
    "永勇咏",
    "荣容蓉",
    "贵桂",
    "珍真贞",
    "凤奉",
    "春椿",
    "生升胜",
    "金锦今",
    "林琳霖",
    "东冬",
    "光广",
    "辉晖慧惠",
    "俊骏",
    "杰洁捷",
    "超朝",
    "子紫梓",
    "佳家嘉",
    "琪淇琦",
    "晨辰宸",
    "德得",
    "福富",
    "清青",
    "龙隆",
    "正政",
    "世士",
    "学雪",
];

/// Pairs of characters that look alike and are confused in handwriting or character recognition.
pub(crate) const LOOK_ALIKES: &[(char, char)] = &[
    ('土', '士'),
    ('未', '末'),
    ('日', '曰'),
    ('己', '已'),
    ('天', '夫'),
    ('大', '太'),
    ('王', '玉'),
    ('田', '由'),
    ('申', '甲'),
    ('刘', '刻'),
    ('李', '季'),
    ('陈', '阵'),
    ('杨', '扬'),
    ('徐', '除'),
    ('朱', '末'),
    ('郭', '敦'),
    ('林', '材'),
    ('宋', '宗'),
    ('侯', '候'),
    ('汪', '注'),
    ('史', '吏'),
    ('晴', '睛'),
    ('怡', '治'),
    ('洋', '泽'),
    ('栋', '拣'),
    ('洁', '浩'),
    ('玲', '珍'),
    ('贵', '责'),
    ('凤', '风'),
    ('水', '永'),
    ('英', '莫'),
    ('娟', '姐'),
    ('明', '朋'),
    ('丽', '两'),
    ('军', '车'),
    ('芳', '芬'),
    ('平', '乎'),
    ('文', '交'),
    ('建', '健'),
    ('有', '友'),
    ('华', '毕'),
    ('国', '囯'),
    ('云', '去'),
    ('宇', '字'),
    ('金', '全'),
    ('荣', '茉'),
    ('涛', '铸'),
];

/// Variant glyphs of the same character.
pub(crate) const VARIANTS: &[(char, char)] = &[
    ('峰', '峯'),
    ('哲', '喆'),
    ('升', '昇'),
    ('群', '羣'),
    ('秀', '琇'),
    ('杰', '傑'),
    ('略', '畧'),
    ('闫', '阎'),
    ('付', '傅'),
    ('肖', '萧'),
];

/// Simplified characters and their traditional forms, for names met in older papers and outside the mainland.
pub(crate) const TRADITIONAL: &[(char, char)] = &[
    ('张', '張'),
    ('刘', '劉'),
    ('陈', '陳'),
    ('杨', '楊'),
    ('黄', '黃'),
    ('赵', '趙'),
    ('吴', '吳'),
    ('孙', '孫'),
    ('马', '馬'),
    ('罗', '羅'),
    ('郑', '鄭'),
    ('谢', '謝'),
    ('许', '許'),
    ('韩', '韓'),
    ('邓', '鄧'),
    ('冯', '馮'),
    ('萧', '蕭'),
    ('蒋', '蔣'),
    ('叶', '葉'),
    ('苏', '蘇'),
    ('吕', '呂'),
    ('卢', '盧'),
    ('钟', '鍾'),
    ('谭', '譚'),
    ('陆', '陸'),
    ('贾', '賈'),
    ('邹', '鄒'),
    ('龙', '龍'),
    ('贺', '賀'),
    ('顾', '顧'),
    ('龚', '龔'),
    ('万', '萬'),
    ('钱', '錢'),
    ('严', '嚴'),
    ('汤', '湯'),
    ('国', '國'),
    ('军', '軍'),
    ('华', '華'),
    ('丽', '麗'),
    ('红', '紅'),
    ('兰', '蘭'),
    ('凤', '鳳'),
    ('莲', '蓮'),
    ('芦', '蘆'),
    ('银', '銀'),
    ('财', '財'),
    ('贵', '貴'),
    ('强', '強'),
    ('东', '東'),
    ('伟', '偉'),
    ('飞', '飛'),
    ('云', '雲'),
    ('学', '學'),
    ('荣', '榮'),
    ('宝', '寶'),
    ('庆', '慶'),
    ('兴', '興'),
    ('义', '義'),
    ('礼', '禮'),
    ('书', '書'),
    ('传', '傳'),
    ('继', '繼'),
    ('辉', '輝'),
    ('涛', '濤'),
    ('宁', '寧'),
    ('刚', '剛'),
    ('艳', '艷'),
    ('静', '靜'),
    ('颖', '穎'),
    ('莹', '瑩'),
    ('琼', '瓊'),
];
