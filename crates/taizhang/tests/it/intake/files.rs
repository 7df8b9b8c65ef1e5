//! Files as people send them: damaged, odd, of several sheets, under another program's name.

use std::io::Write;
use std::path::Path;

use taizhang::access::Role;
use taizhang::args;
use taizhang::intake::{self, ImportOptions, Kind, SkipReason};
use taizhang::platform::jobs::Progress;
use taizhang::platform::{Lang, UserError};

use super::{DIVISIONS, Desk, HOUSEHOLDS, PERSON_HEADS, count, hits, id, person, persons};
use crate::support::http::TestApp;
use crate::support::{self, each_database, machine};

/// A workbook of one sheet with the given rows.
fn book(rows: &[&[&str]]) -> rust_xlsxwriter::Workbook {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (at, row) in rows.iter().enumerate() {
        for (column, cell) in row.iter().enumerate() {
            sheet.write_string(at as u32, column as u16, *cell).unwrap();
        }
    }
    book
}

/// A zip archive with these parts; a part of `None` is two gigabytes of zeros.
fn archive(path: &Path, parts: &[(&str, Option<&str>)]) {
    let mut zip = zip::ZipWriter::new(std::fs::File::create(path).unwrap());
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated)
        .compression_level(Some(1))
        .large_file(true);
    for (name, text) in parts {
        zip.start_file(*name, options).unwrap();
        match text {
            Some(text) => zip.write_all(text.as_bytes()).unwrap(),
            None => {
                let zeros = vec![0u8; 1 << 20];
                for _ in 0..2_048 {
                    zip.write_all(&zeros).unwrap();
                }
            }
        }
    }
    zip.finish().unwrap();
}

const TYPES: &str = r#"<?xml version="1.0" encoding="UTF-8"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>"#;
const RELS: &str = r#"<?xml version="1.0" encoding="UTF-8"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
const BOOK: &str = r#"<?xml version="1.0" encoding="UTF-8"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>"#;
const BOOK_RELS: &str = r#"<?xml version="1.0" encoding="UTF-8"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;

/// A workbook written by hand, with this sheet.
pub(super) fn raw_book(path: &Path, sheet: Option<&str>) {
    archive(
        path,
        &[
            ("[Content_Types].xml", Some(TYPES)),
            ("_rels/.rels", Some(RELS)),
            ("xl/workbook.xml", Some(BOOK)),
            ("xl/_rels/workbook.xml.rels", Some(BOOK_RELS)),
            ("xl/worksheets/sheet1.xml", sheet),
        ],
    );
}

/// A compound file (the container of DOC, PPT and XLS) with streams of these names, all of them empty.
fn compound(streams: &[&str]) -> Vec<u8> {
    const FREE: u32 = 0xffff_ffff;
    const END: u32 = 0xffff_fffe;
    const TABLE: u32 = 0xffff_fffd;
    let mut out = vec![0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
    out.resize(24, 0);
    for half in [0x3e_u16, 3, 0xfffe, 9, 6, 0, 0, 0] {
        out.extend(half.to_le_bytes());
    }
    // Directory sectors, sectors of the table, where the directory begins, and that there is no small or second table.
    for word in [0, 1, 1, 0, 4_096, END, 0, END, 0, 0] {
        out.extend(u32::to_le_bytes(word));
    }
    while out.len() < 512 {
        out.extend(u32::to_le_bytes(FREE));
    }
    let mut table = vec![FREE; 128];
    (table[0], table[1]) = (TABLE, END);
    out.extend(table.into_iter().flat_map(u32::to_le_bytes));
    for (at, name) in std::iter::once(&"Root Entry").chain(streams).enumerate() {
        let mut entry: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let len = entry.len() as u16 + 2;
        entry.resize(64, 0);
        entry.extend(len.to_le_bytes());
        entry.extend([if at == 0 { 5 } else { 2 }, 1]);
        for word in [FREE, FREE, if at == 0 { 1 } else { FREE }] {
            entry.extend(u32::to_le_bytes(word));
        }
        entry.resize(116, 0);
        entry.extend(END.to_le_bytes());
        entry.resize(128, 0);
        out.extend(entry);
    }
    out.resize(512 * 3, 0);
    out
}

#[tokio::test]
async fn bad_files_are_refused_with_what_is_wrong_in_both_languages() {
    let folder = tempfile::tempdir().unwrap();
    let app = support::open(folder.path(), None).await;
    let desk = Desk::new();
    desk.base(&app).await;
    let before = (count(&app, "household").await, count(&app, "person").await, count(&app, "import").await);

    let mut wrong_text = HOUSEHOLDS.as_bytes().to_vec();
    let third_line = HOUSEHOLDS.match_indices('\n').nth(1).unwrap().0 + 1;
    wrong_text.splice(third_line..third_line, [0x81, 0x20, 0xff, 0xff]);
    desk.file("乱码.csv", &wrong_text);
    desk.file("缺列.csv", HOUSEHOLDS.replace("户编号,", "编号,"));
    desk.file("重列.csv", HOUSEHOLDS.replace("户类型,", "户主姓名,"));
    let shifted: String = persons().replace("姓名,性别,证件号码", "证件号码,性别,姓名");
    desk.file("错列.csv", shifted);
    desk.file("空.csv", "");
    desk.file("空白.csv", ",,,\n,,,\n\n");
    desk.file("文档.xlsx", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n");
    desk.file("照片.xlsx", b"\x89PNG\r\n\x1a\n0000");
    desk.file("杂文.csv", "今天天气很好\n明天也不错\n后天再说\n");
    desk.file("长格.csv", HOUSEHOLDS.replace("张桂兰", &"长".repeat(10 << 20)));
    let mut open = HOUSEHOLDS.replace("张桂兰", "\"张桂兰");
    open.push_str(&"测试省,测试市,甲县,东乡,石村,H8,某某,3,13900000001,一般贫困户,否\n".repeat(1 << 20));
    desk.file("引号.csv", open);
    raw_book(&desk.folder.path().join("炸弹.xlsx"), None);
    let long = format!(
        r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>村</t></is></c></row><row r="2"><c r="C2" t="inlineStr"><is><t>{}</t></is></c></row></sheetData></worksheet>"#,
        (0..10_u64 << 20).map(|n| char::from(b'a' + (n * n / 7 % 26) as u8)).collect::<String>()
    );
    raw_book(&desk.folder.path().join("长格.xlsx"), Some(&long));
    archive(
        &desk.folder.path().join("报告.xlsx"),
        &[("[Content_Types].xml", Some("<Types/>")), ("word/document.xml", Some("<w/>"))],
    );
    desk.file("文档.xls", compound(&["WordDocument", "1Table"]));
    desk.file("幻灯片.xls", compound(&["PowerPoint Document"]));
    desk.file("加密.xlsx", compound(&["EncryptionInfo", "EncryptedPackage"]));
    desk.file("其他.xls", compound(&["Contents"]));
    let page =
        "<html xmlns:x=\"urn:schemas-microsoft-com:office:excel\"><table><tr><td>户编号</td></tr></table></html>";
    desk.file("网页.xls", page);
    let wide: Vec<u8> = format!("\u{feff}\r\n {page}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    desk.file("网页16.xls", wide);
    desk.file("表格2003.xls", "\u{feff}<?xml version=\"1.0\"?><Workbook><Worksheet/></Workbook>");
    desk.file("单文件.xls", "MIME-Version: 1.0\r\nContent-Type: multipart/related\r\n");
    desk.file("缺证件.csv", persons().replace("证件号码", "备注"));
    desk.file("报告卡.csv", "姓名,性别,证件号码,发病日期,病例分类\n王一,男,,2020-02-01,确诊病例\n");
    desk.file(
        "长行.csv",
        [b"\xe6\x88\xb7\xe7\xbc\x96\xe5\x8f\xb7,\xe6\x9d\x91\n".to_vec(), vec![b'1'; 70 << 20]].concat(),
    );
    desk.file("零字节.csv", HOUSEHOLDS.replace("张桂兰", "张\0兰"));
    let wide = |text: &str| text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect::<Vec<u8>>();
    desk.file("32.csv", wide(&format!("\u{feff}{HOUSEHOLDS}")));
    desk.file("富文本.doc", "{\\rtf1\\ansi}");
    desk.file("断.xlsx", &std::fs::read(desk.folder.path().join("长格.xlsx")).unwrap()[..5_000]);
    let nul = (HOUSEHOLDS.find("桂兰").unwrap()).to_string();
    let cases: &[(&str, &str, &[&str], &[&str])] = &[
        ("乱码.csv", "intake.read_encoding", &["第 3 行", "字节"], &["line 3", "byte"]),
        ("缺列.csv", "intake.missing_columns", &["户编号"], &["户编号", "lacks required"]),
        ("重列.csv", "intake.duplicated_headers", &["户主姓名", "重复"], &["户主姓名", "twice"]),
        ("错列.csv", "intake.swapped_columns", &["姓名", "********"], &["姓名", "does not look like"]),
        ("空.csv", "intake.read_empty", &["是空的"], &["is empty"]),
        ("空白.csv", "intake.read_empty", &["是空的"], &["is empty"]),
        ("文档.xlsx", "intake.read_not_a_table", &["PDF"], &["PDF"]),
        ("照片.xlsx", "intake.read_not_a_table", &["PNG"], &["PNG"]),
        ("报告.xlsx", "intake.read_not_a_table", &["DOCX"], &["DOCX"]),
        ("杂文.csv", "intake.no_header", &["没有认识的表头"], &["no known header"]),
        ("长格.csv", "intake.read_cell_too_long", &["第 3 行第 7 列", "10485760"], &["line 3 column 7"]),
        ("长格.xlsx", "intake.read_cell_too_long", &["Sheet1 第 2 行第 3 列"], &["Sheet1 line 2 column 3"]),
        ("引号.csv", "intake.read_open_quote", &["第 3 行", "引号"], &["line 3", "quotation mark"]),
        ("炸弹.xlsx", "intake.read_bomb", &["超过限制"], &["over the limit"]),
        ("文档.xls", "intake.read_not_a_table", &["DOC"], &["DOC"]),
        ("幻灯片.xls", "intake.read_not_a_table", &["PPT"], &["PPT"]),
        ("加密.xlsx", "intake.read_encrypted", &["密码"], &["password"]),
        ("其他.xls", "intake.read_not_a_table", &["OLE"], &["OLE"]),
        ("网页.xls", "intake.read_markup", &["HTML", "另存为 XLSX"], &["HTML", "save it as XLSX"]),
        ("网页16.xls", "intake.read_markup", &["HTML"], &["HTML"]),
        ("表格2003.xls", "intake.read_markup", &["XML"], &["XML"]),
        ("单文件.xls", "intake.read_markup", &["MHTML"], &["MHTML"]),
        ("缺证件.csv", "intake.missing_columns", &["家庭成员", "证件号码"], &["Persons", "证件号码"]),
        ("报告卡.csv", "intake.agency_list", &["疫情报告卡", "比对"], &["Epidemic report cards", "compare"]),
        ("长行.csv", "intake.read_line_too_long", &["第 2 行", "64 MB"], &["line 2", "64 MB"]),
        ("零字节.csv", "intake.read_encoding", &["第 3 行", &nul], &["line 3", &nul]),
        ("32.csv", "intake.read_utf32", &["UTF-32"], &["UTF-32"]),
        ("富文本.doc", "intake.read_not_a_table", &["RTF"], &["RTF"]),
        ("断.xlsx", "intake.read_broken", &["读不了"], &["cannot be read"]),
        ("没有.csv", "intake.read_open", &["打不开"], &["cannot be opened"]),
    ];
    for (name, code, zh, en) in cases {
        let path = desk.folder.path().join(name);
        let outcome =
            intake::import_file(&app, &machine(), &path, ImportOptions::default(), &Progress::default()).await;
        let error = outcome.expect_err(name);
        assert_eq!(error.code(), *code, "{name}: {error}");
        for (lang, words) in [(Lang::Zh, zh), (Lang::En, en)] {
            let message = error.message(lang);
            assert!(message.contains(name), "{message}");
            for word in *words {
                assert!(message.contains(word), "{name}: {message}");
            }
        }
    }
    let after = (count(&app, "household").await, count(&app, "person").await, count(&app, "import").await);
    assert_eq!(after, before, "nothing was written and nothing lost");
}

#[tokio::test]
async fn odd_files_are_read_and_what_is_odd_is_said() {
    each_database(|app| async move {
        let desk = Desk::new();
        desk.import(&app, "区划.csv", DIVISIONS).await.unwrap();
        // Title, unit row, totals first, repeated header, footer, a formula, a hidden sheet.
        let mut odd = book(&[
            &["甲县建档立卡户信息表"],
            &["填报单位(盖章):甲县扶贫办", "", "填报日期:2020年2月10日", "", "单位:户、人"],
            &["序号", "县", "乡镇", "行政村", "户编码", "户主", "家庭人口"],
            &["合计", "", "", "", "", "", "4"],
            &["1", "甲县", "东乡", "石村", "H1", "王建国", "3"],
            &["序号", "县", "乡镇", "行政村", "户编码", "户主", "家庭人口"],
            &["2", "甲县", "东乡", "石村", "H2", "张桂兰"],
            &["审核人:某某", "", "填表人:某某"],
        ]);
        let sheet = odd.worksheet_from_index(0).unwrap();
        sheet.write_formula(6, 6, rust_xlsxwriter::Formula::new("=1+0").set_result("1")).unwrap();
        odd.add_worksheet().set_name("草稿").unwrap().set_hidden(true).write_string(0, 0, "x").unwrap();
        let path = desk.folder.path().join("户.xlsx");
        odd.save(&path).unwrap();
        let preview = intake::preview(&app, &machine(), &path, &ImportOptions::default()).await.unwrap();
        assert_eq!((preview.kind, preview.formulas), (Kind::Household, 1));
        let skipped: Vec<_> = preview.skipped_sheets.iter().map(|s| (s.sheet.as_str(), s.why)).collect();
        assert_eq!(skipped, [("草稿", SkipReason::Hidden)]);
        assert_eq!((preview.as_of.to_string().as_str(), preview.source_unit.as_str()), ("2020-02-10", "甲县扶贫办"));
        assert_eq!(preview.rows.len(), 2);
        let report =
            intake::import_file(&app, &machine(), &path, ImportOptions::default(), &Progress::default()).await.unwrap();
        assert_eq!((report.rows_total, report.rows_new, report.formulas), (2, 2, 1));
        let (line, sheet, members): (i64, String, i64) = app
            .db
            .one("SELECT line, sheet, member_count FROM household WHERE household_no = 'H2'", args![])
            .await
            .unwrap();
        assert_eq!((line, sheet.as_str(), members), (7, "Sheet1", 1));

        // A birth date before 1900, and one written as people write.
        let people = format!(
            "{PERSON_HEADS}\n{}{}",
            person("H1", "P1", "王建国", "男", "", "户主").replace(",\n", ",1899-05-01\n"),
            person("H2", "P2", "张桂兰", "女", "", "户主").replace(",\n", ",1950年5月20日\n"),
        );
        let report = desk.import(&app, "人.csv", &people).await.unwrap();
        assert_eq!((report.rows_new, hits(&report).get("row.date")), (2, Some(&1)));
        let (value, line): (String, i64) = app
            .db
            .one("SELECT value_masked, line FROM import_issue WHERE rule_id = 'row.date'", args![])
            .await
            .unwrap();
        assert_eq!((value.as_str(), line), ("1899-05-01", 2));
        let days: Vec<(String,)> =
            app.db.all("SELECT birth_date FROM person ORDER BY person_no", args![]).await.unwrap();
        assert_eq!(days, [(String::new(),), ("1950-05-20".to_owned(),)]);

        // The same table in each encoding is the same file to us.
        for (name, bytes) in [
            ("gbk.csv", encoding_rs::GBK.encode(HOUSEHOLDS).0.into_owned()),
            ("gb18030.csv", encoding_rs::GB18030.encode(HOUSEHOLDS).0.into_owned()),
            ("bom.csv", format!("\u{feff}{HOUSEHOLDS}").into_bytes()),
            (
                "utf16.csv",
                std::iter::once(0xfeffu16).chain(HOUSEHOLDS.encode_utf16()).flat_map(u16::to_le_bytes).collect(),
            ),
            (
                "utf16be.csv",
                std::iter::once(0xfeffu16).chain(HOUSEHOLDS.encode_utf16()).flat_map(u16::to_be_bytes).collect(),
            ),
            ("tab.txt", HOUSEHOLDS.replace(',', "\t").into_bytes()),
        ] {
            let path = desk.file(name, bytes);
            let preview = intake::preview(&app, &machine(), &path, &ImportOptions::default()).await.unwrap();
            assert_eq!(
                (preview.kind, preview.rows.len(), preview.rows[0][6].as_str()),
                (Kind::Household, 3, "王建国"),
                "{name}"
            );
            assert!(preview.rows[0][8].contains('*'), "{name}: phones are masked");
        }
    })
    .await;
}

#[tokio::test]
async fn every_sheet_is_read_or_named() {
    each_database(|app| async move {
        let desk = Desk::new();
        desk.import(&app, "区划.csv", DIVISIONS).await.unwrap();
        let mut book = rust_xlsxwriter::Workbook::new();
        let write = |sheet: &mut rust_xlsxwriter::Worksheet, at: u32, cells: &[&str]| {
            for (column, cell) in cells.iter().enumerate() {
                sheet.write_string(at, column as u16, *cell).unwrap();
            }
        };
        // More rows than a first look takes, and what matters behind them.
        let first = book.add_worksheet().set_name("东乡").unwrap();
        write(first, 0, &["县", "乡", "村", "户编号", "户主姓名", "家庭人口数"]);
        for n in 1..=300 {
            write(first, n, &["甲县", "东乡", "石村", &format!("A{n}"), "王建国", "3"]);
        }
        let other_order = book.add_worksheet().set_name("西乡").unwrap();
        write(other_order, 0, &["西乡建档立卡户"]);
        write(other_order, 1, &["户主姓名", "户编号", "家庭人口数", "户联系电话", "村", "乡", "县"]);
        for n in 2..=251 {
            write(other_order, n, &["陈大力", &format!("B{n}"), "5", "13900000003", "水村", "西乡", "乙县"]);
        }
        other_order.write_formula(251, 2, rust_xlsxwriter::Formula::new("=2+3").set_result("5")).unwrap();
        write(book.add_worksheet().set_name("说明").unwrap(), 0, &["本表由各乡镇填报"]);
        book.add_worksheet().set_name("Sheet4").unwrap();
        let income = book.add_worksheet().set_name("收入").unwrap();
        write(income, 0, &["户编号", "户主姓名", "工资性收入", "纯收入"]);
        write(income, 1, &["A1", "王建国", "100", "100"]);
        let lacking = book.add_worksheet().set_name("缺列").unwrap();
        write(lacking, 0, &["县", "乡", "村", "户主姓名", "家庭人口数"]);
        write(lacking, 1, &["甲县", "东乡", "石村", "李某", "2"]);
        let hidden = book.add_worksheet().set_name("底稿").unwrap();
        write(hidden.set_hidden(true), 0, &["县", "乡", "村", "户编号", "户主姓名", "家庭人口数"]);
        let path = desk.folder.path().join("户.xlsx");
        book.save(&path).unwrap();

        let expected = [
            ("Sheet4", SkipReason::Empty, ""),
            ("底稿", SkipReason::Hidden, ""),
            ("收入", SkipReason::OtherKind, "income"),
            ("缺列", SkipReason::MissingColumns, "户编号"),
            ("说明", SkipReason::NoHeader, ""),
        ];
        let named = |skipped: &[intake::SkippedSheet]| {
            let mut named: Vec<_> = skipped.iter().map(|s| (s.sheet.clone(), s.why, s.detail.clone())).collect();
            named.sort_by(|a, b| a.0.cmp(&b.0));
            let expected = expected.map(|(sheet, why, detail)| (sheet.to_owned(), why, detail.to_owned()));
            assert_eq!(named, expected);
        };
        let preview = intake::preview(&app, &machine(), &path, &ImportOptions::default()).await.unwrap();
        named(&preview.skipped_sheets);
        assert_eq!((preview.sheets, preview.formulas), (vec!["东乡".to_owned(), "西乡".to_owned()], 1));
        let report =
            intake::import_file(&app, &machine(), &path, ImportOptions::default(), &Progress::default()).await.unwrap();
        named(&report.skipped_sheets);
        assert_eq!((report.rows_total, report.rows_new, report.formulas), (550, 550, 1));
        let (sheet, line, members, division): (String, i64, i64, String) = app
            .db
            .one("SELECT sheet, line, member_count, division_code FROM household WHERE household_no = 'B251'", args![])
            .await
            .unwrap();
        assert_eq!((sheet.as_str(), line, members, division.as_str()), ("西乡", 252, 5, "990102001001"));
        let page = TestApp::new(&app).login(Role::Analyst, "99").await.get(&format!("/imports/{}", report.id)).await;
        for skipped in &report.skipped_sheets {
            assert!(page.body.contains(&skipped.text(Lang::Zh)), "{}: {}", skipped.sheet, page.body);
            for (lang, words) in [(Lang::Zh, "不读取"), (Lang::En, "")] {
                let text = skipped.text(lang);
                assert!(text.contains(&skipped.sheet) && text.contains(words) && !text.contains("intake-"), "{text}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_division_file_of_two_columns_loses_no_row() {
    each_database(|app| async move {
        let desk = Desk::new();
        let mut text = "行政区划代码,名称\n99,测试省\n9901,测试市\n990101,甲县\n990101001,东乡\n".to_owned();
        for n in 1..=200 {
            text.push_str(&format!("990101001{n:03},第{n}村\n"));
        }
        let report = desk.import(&app, "区划.csv", text).await.unwrap();
        assert_eq!((report.rows_total, report.rows_new, report.rows_held), (204, 204, 0));
        assert_eq!(count(&app, "division").await, 204);
    })
    .await;
}

#[tokio::test]
async fn a_preview_shows_no_personal_number_of_any_column() {
    let folder = tempfile::tempdir().unwrap();
    let app = support::open(folder.path(), None).await;
    let desk = Desk::new();
    desk.import(&app, "区划.csv", DIVISIONS).await.unwrap();
    let number = id("19650312", 11);
    let secrets = [number.as_str(), "13800138000", "6228480000001234567"];
    let text = format!(
        "县,乡,村,户编号,户主姓名,备注,经办人,缴费账户\n甲县,东乡,石村,H1,王建国,配偶{number}电话13800138000,138-0013-8000,6228480000001234567\n"
    );
    let path = desk.file("户.csv", text);
    let preview = intake::preview(&app, &machine(), &path, &ImportOptions::default()).await.unwrap();
    assert!(preview.mapping.extra.iter().any(|h| h == "缴费账户"), "{:?}", preview.mapping.extra);
    let shown = preview.rows.concat().join("\n");
    assert!(secrets.iter().all(|s| !shown.contains(s)) && !shown.contains("0013"), "{shown}");
    assert!(shown.contains("配偶990101********") && shown.contains("138****8000") && shown.contains("4567"), "{shown}");
}

/// A workbook that counts its days from 1904, as those made on a Macintosh did.
fn book_of_1904(path: &Path) {
    let first = format!("{}\n", r#"<row r="1"><c r="A1" t="inlineStr"><is><t>户编号</t></is></c>"#);
    let mut head = first;
    for (column, text) in ["人口编号", "姓名", "证件号码", "与户主关系", "出生日期"].iter().enumerate()
    {
        let cell = char::from(b'B' + column as u8);
        head.push_str(&format!(r#"<c r="{cell}1" t="inlineStr"><is><t>{text}</t></is></c>"#));
    }
    let day = chrono::NaiveDate::from_ymd_opt(1965, 3, 12).unwrap();
    let serial = (day - chrono::NaiveDate::from_ymd_opt(1904, 1, 1).unwrap()).num_days();
    let mut row = String::new();
    for (column, text) in ["H1", "P1", "王建国", "", "户主"].iter().enumerate() {
        let cell = char::from(b'A' + column as u8);
        row.push_str(&format!(r#"<c r="{cell}2" t="inlineStr"><is><t>{text}</t></is></c>"#));
    }
    let sheet = format!(
        r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{head}</row><row r="2">{row}<c r="F2" s="1"><v>{serial}</v></c></row></sheetData></worksheet>"#
    );
    let styles = r#"<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>"#;
    let book = BOOK.replace("<sheets>", r#"<workbookPr date1904="1"/><sheets>"#);
    let types = TYPES.replace(
        "</Types>",
        r#"<Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/></Types>"#,
    );
    let rels = BOOK_RELS.replace(
        "</Relationships>",
        r#"<Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>"#,
    );
    archive(
        path,
        &[
            ("[Content_Types].xml", Some(&types)),
            ("_rels/.rels", Some(RELS)),
            ("xl/workbook.xml", Some(&book)),
            ("xl/_rels/workbook.xml.rels", Some(&rels)),
            ("xl/styles.xml", Some(styles)),
            ("xl/worksheets/sheet1.xml", Some(&sheet)),
        ],
    );
}

#[tokio::test]
async fn old_workbooks_and_those_that_count_from_1904_are_read() {
    each_database(|app| async move {
        let desk = Desk::new();
        desk.import(&app, "区划.csv", DIVISIONS).await.unwrap();
        let bytes = include_bytes!("../../fixtures/household.xls");
        let path = desk.file("户.xls", bytes);
        let preview = intake::preview(&app, &machine(), &path, &ImportOptions::default()).await.unwrap();
        assert_eq!((preview.encoding.as_str(), preview.formulas), ("xls", 1));
        assert_eq!((preview.as_of.to_string().as_str(), preview.source_unit.as_str()), ("2020-02-10", "甲县扶贫办"));
        let skipped: Vec<_> = preview.skipped_sheets.iter().map(|s| (s.sheet.as_str(), s.why)).collect();
        assert_eq!(skipped, [("草稿", SkipReason::Hidden), ("Sheet3", SkipReason::Empty)]);
        let report = desk.import(&app, "户.xls", bytes).await.unwrap();
        assert_eq!((report.rows_total, report.rows_new), (3, 3), "the total below is no household");
        let (line, attrs): (i64, String) =
            app.db.one("SELECT line, attrs FROM household WHERE household_no = 'H2'", args![]).await.unwrap();
        assert_eq!(line, 5);
        assert_eq!(taizhang::register::attrs::open(&attrs)["首次识别时间"], "2016-11-30");

        let birth = async |app: &taizhang::platform::App| -> String {
            let (day,): (String,) =
                app.db.one("SELECT birth_date FROM person WHERE person_no = 'P1'", args![]).await.unwrap();
            day
        };
        let report = desk.import(&app, "人.xls", include_bytes!("../../fixtures/person-1904.xls")).await.unwrap();
        assert_eq!(report.rows_new, 1);
        assert_eq!(birth(&app).await, "1965-03-12");
        let path = desk.folder.path().join("人.xlsx");
        book_of_1904(&path);
        let report =
            intake::import_file(&app, &machine(), &path, ImportOptions::default(), &Progress::default()).await.unwrap();
        assert_eq!(report.rows_total, 1);
        assert_eq!(birth(&app).await, "1965-03-12");
    })
    .await;
}
