//! Who may call which route: written down here by hand, apart from the policies in the code, and walked for every
//! route × role × own and foreign division. A route that is not in this table fails the test.

use std::collections::BTreeSet;

use axum::http::{Method, StatusCode};
use taizhang::access::{self, NewUser, Role, Scope};
use taizhang::args;
use taizhang::platform::jobs::{self, NewJob};
use taizhang::platform::{App, DbError, Lang, ids};
use taizhang::tasks::flow::{self, NewTask};
use taizhang::web;
use taizhang::{assess, ledger, monitor};

use crate::support::http::{Browser, PASSWORD, Reply, TestApp, login_of};
use crate::support::{each_database, machine};
use crate::world;

/// The division of every test user here.
const OWN: &str = "9901";
/// A place inside it.
const INSIDE: &str = "990102";
/// A place that they must not see.
const FOREIGN: &str = "990201";

/// Who may call a route.
#[derive(Clone, Copy, PartialEq)]
enum Who {
    Anybody,
    SignedIn,
    Only(&'static [Role]),
}

/// What the `{…}` of a path stands for: the test makes one in the own and one in a foreign division.
#[derive(Clone, Copy, PartialEq)]
enum Thing {
    /// The path has no object, or one that belongs to no division; `{…}` is filled with this text.
    Nothing(&'static str),
    User,
    Job,
    WhatIf,
    Household,
    Organisation,
    Comparison,
    Pair,
    ListSource,
    ListRow,
    Import,
    Item,
    File,
    ProblemList,
    /// Something that was done to many items.
    Batch,
    /// A monitoring case.
    Case,
    /// A household that has a monitoring case.
    CaseHousehold,
    Visit,
    Round,
    /// A place under listed supervision.
    Listing,
    /// A dispatch session.
    Session,
    TeamMember,
    /// A leave of a member of a work team.
    Leave,
    Task,
    TaskReport,
    Campaign,
    Postponed,
    Measure,
    Practice,
    /// A request for temporary relief.
    Relief,
    Contribution,
    Deployment,
}

struct Line {
    method: Method,
    path: &'static str,
    who: Who,
    thing: Thing,
    /// Fields of the form.
    form: &'static [(&'static str, &'static str)],
}

const fn get(path: &'static str, who: Who, thing: Thing) -> Line {
    Line { method: Method::GET, path, who, thing, form: &[] }
}

const fn post(path: &'static str, who: Who, thing: Thing, form: &'static [(&'static str, &'static str)]) -> Line {
    Line { method: Method::POST, path, who, thing, form }
}

const NONE: Thing = Thing::Nothing("");
const ADMIN: Who = Who::Only(&[Role::Admin]);
const AUDITOR: Who = Who::Only(&[Role::Auditor]);
const FIGURES: Who = Who::Only(&[
    Role::Admin,
    Role::Analyst,
    Role::HealthClerk,
    Role::CountyStaff,
    Role::TownshipStaff,
    Role::VillageOfficer,
]);
const HOUSEHOLDS: Who = Who::Only(&[
    Role::Analyst,
    Role::HealthClerk,
    Role::CountyStaff,
    Role::TownshipStaff,
    Role::VillageOfficer,
    Role::Helper,
]);
const REVEAL: Who =
    Who::Only(&[Role::Analyst, Role::HealthClerk, Role::CountyStaff, Role::TownshipStaff, Role::VillageOfficer]);
const JOBS: Who = Who::Only(&[Role::Analyst, Role::HealthClerk, Role::CountyStaff]);

const IMPORT: Who = Who::Only(&[Role::Analyst, Role::CountyStaff]);
const COMPARE: Who = Who::Only(&[Role::Analyst, Role::HealthClerk, Role::CountyStaff]);
const REVIEW: Who = Who::Only(&[Role::Analyst, Role::HealthClerk, Role::CountyStaff, Role::TownshipStaff]);
const MODELS: Who = Who::Only(&[Role::Analyst]);
const EXPORT: Who = Who::Only(&[Role::Analyst, Role::CountyStaff]);
const ASSESS: Who = Who::Only(&[Role::Analyst, Role::CountyStaff]);
const SCREEN: Who = Who::Only(&[
    Role::Admin,
    Role::Analyst,
    Role::HealthClerk,
    Role::CountyStaff,
    Role::TownshipStaff,
    Role::VillageOfficer,
    Role::Helper,
]);
const RECORD: Who = Who::Only(&[Role::TownshipStaff, Role::VillageOfficer, Role::Helper]);
const ASSIGN: Who = Who::Only(&[Role::Analyst, Role::CountyStaff, Role::TownshipStaff]);
const ITEMS: Who =
    Who::Only(&[Role::Analyst, Role::CountyStaff, Role::TownshipStaff, Role::VillageOfficer, Role::Helper]);
const ITEMS_OF_OTHERS: Who = Who::Only(&[Role::Analyst, Role::CountyStaff, Role::TownshipStaff, Role::VillageOfficer]);
const ITEMS_WORKED: Who = Who::Only(&[Role::CountyStaff, Role::TownshipStaff, Role::VillageOfficer, Role::Helper]);

const DECIDE: Who = Who::Only(&[Role::CountyStaff, Role::TownshipStaff]);
const CONFIRM: Who = Who::Only(&[Role::CountyStaff, Role::TownshipStaff, Role::VillageOfficer]);

const TABLE: &[Line] = &[
    get("/", Who::SignedIn, NONE),
    get("/healthz", Who::Anybody, NONE),
    get("/lang/{code}", Who::Anybody, Thing::Nothing("en")),
    get("/assets/{*path}", Who::Anybody, Thing::Nothing("app.css")),
    get("/jobs/{id}", JOBS, Thing::Job),
    post("/jobs/{id}/cancel", JOBS, Thing::Job, &[]),
    get("/login", Who::Anybody, NONE),
    post("/login", Who::Anybody, NONE, &[("login", "nobody"), ("password", "x")]),
    post("/logout", Who::SignedIn, NONE, &[]),
    get("/settings", Who::SignedIn, NONE),
    get("/settings/account", Who::SignedIn, NONE),
    post("/settings/account", Who::SignedIn, NONE, &[("present", "x"), ("new", "y"), ("again", "y")]),
    get("/settings/users", ADMIN, NONE),
    get("/settings/users/new", ADMIN, NONE),
    post(
        "/settings/users/new",
        ADMIN,
        NONE,
        &[("login", "new-one"), ("name", "新"), ("role", "helper"), ("division", INSIDE)],
    ),
    get("/settings/users/{id}", ADMIN, Thing::User),
    post(
        "/settings/users/{id}",
        ADMIN,
        Thing::User,
        &[("name", "测试"), ("unit", ""), ("role", "helper"), ("division", INSIDE)],
    ),
    post("/settings/users/{id}/disable", ADMIN, Thing::User, &[]),
    post("/settings/users/{id}/enable", ADMIN, Thing::User, &[]),
    post("/settings/users/{id}/unlock", ADMIN, Thing::User, &[]),
    post("/settings/users/{id}/reset", ADMIN, Thing::User, &[]),
    get("/settings/audit", AUDITOR, NONE),
    post("/settings/audit/verify", AUDITOR, NONE, &[]),
    get("/settings/health", ADMIN, NONE),
    post("/settings/health", ADMIN, NONE, &[]),
    get("/situation", FIGURES, NONE),
    get("/signals", REVEAL, NONE),
    get("/search", HOUSEHOLDS, NONE),
    get("/households", HOUSEHOLDS, NONE),
    get("/households/{id}", HOUSEHOLDS, Thing::Household),
    get("/organisations/{id}", HOUSEHOLDS, Thing::Organisation),
    get("/households/{id}/reveal", REVEAL, Thing::Household),
    post(
        "/households/{id}/reveal",
        REVEAL,
        Thing::Household,
        &[("subject", "household"), ("field", "phone"), ("reason", "电话联系本户")],
    ),
    get("/imports", IMPORT, NONE),
    post("/imports", IMPORT, NONE, UPLOAD),
    get("/imports/{id}", IMPORT, Thing::Import),
    post("/imports/{id}/commit", IMPORT, Thing::Import, &[]),
    post("/imports/{id}/discard", IMPORT, Thing::Import, &[]),
    get("/imports/{id}/doubts.xlsx", IMPORT, Thing::Import),
    post("/imports/{id}/doubts.xlsx", IMPORT, Thing::Import, &[("reason", "乡镇逐条核实")]),
    get("/comparisons", REVIEW, NONE),
    get("/comparisons/new", COMPARE, NONE),
    get("/comparisons/quality", REVIEW, NONE),
    post("/comparisons/preview", COMPARE, NONE, UPLOAD),
    post(
        "/comparisons",
        COMPARE,
        NONE,
        &[
            ("upload", "gone.csv"),
            ("file", "x.csv"),
            ("source", "health.cases"),
            ("as_of", "2020-02-20"),
            ("purpose", "x"),
            ("retention", "30"),
        ],
    ),
    post("/comparisons/again", COMPARE, NONE, &[]),
    get("/comparisons/{id}", REVIEW, Thing::Comparison),
    get("/comparisons/{id}/review", REVIEW, Thing::Comparison),
    get("/comparisons/{id}/batches", REVIEW, Thing::Comparison),
    post("/comparisons/{id}/batches", REVIEW, Thing::Comparison, &[("verdict", "reject"), ("pairs", "")]),
    get("/comparisons/{id}/unmatched.csv", EXPORT, Thing::Comparison),
    get("/comparisons/{id}/held.csv", EXPORT, Thing::Comparison),
    get("/comparisons/rows/{row}", REVIEW, Thing::ListRow),
    post("/comparisons/rows/{row}", REVIEW, Thing::ListRow, &[("verdict", "undo")]),
    get("/comparisons/rows/{row}/look", REVIEW, Thing::ListRow),
    post("/comparisons/rows/{row}/look", REVIEW, Thing::ListRow, &[("name", "王小明")]),
    post(
        "/comparisons/rows/{row}/name",
        REVIEW,
        Thing::ListRow,
        &[("name", "王小明"), ("person", "00000000-0000-0000-0000-000000000001")],
    ),
    post("/comparisons/models", MODELS, NONE, &[("reason", "试")]),
    post("/comparisons/models/{version}", MODELS, Thing::Nothing("0"), &[("reason", "试")]),
    get("/duplicates", REVIEW, NONE),
    post("/duplicates", COMPARE, NONE, &[]),
    get("/duplicates/review", REVIEW, NONE),
    get("/duplicates/batches", REVIEW, NONE),
    post("/duplicates/batches", REVIEW, NONE, &[("verdict", "different"), ("pairs", "")]),
    post("/duplicates/export", EXPORT, NONE, &[("purpose", "更正来源文件")]),
    get("/duplicates/pairs/{id}", REVIEW, Thing::Pair),
    post("/duplicates/pairs/{id}", REVIEW, Thing::Pair, &[("verdict", "different")]),
    get("/sources", COMPARE, NONE),
    get("/sources/new", COMPARE, NONE),
    post("/sources", COMPARE, NONE, &[("kind", "health.cases"), ("schedule", "daily"), ("days", "30")]),
    get("/sources/{code}", COMPARE, Thing::ListSource),
    post(
        "/sources/{code}",
        COMPARE,
        Thing::ListSource,
        &[("version", "1"), ("purpose", "x"), ("schedule", "weekly:1"), ("days", "30")],
    ),
    get("/screen", SCREEN, NONE),
    get("/screen/list", HOUSEHOLDS, NONE),
    get("/screen/gaps", FIGURES, NONE),
    get("/screen/gaps/list", REVEAL, NONE),
    get("/screen/gaps/export", EXPORT, NONE),
    post("/screen/gaps/export", EXPORT, NONE, &[("purpose", "摘帽查缺补漏"), ("format", "csv")]),
    get("/screen/rounds", SCREEN, NONE),
    post("/screen/rounds", ASSIGN, NONE, &[("name", "春季排查"), ("from", "2020-02-01"), ("to", "2020-02-29")]),
    get("/screen/rounds/{id}", SCREEN, Thing::Round),
    get("/households/{id}/visit", RECORD, Thing::Household),
    get("/households/{id}/visits", HOUSEHOLDS, Thing::Household),
    post("/households/{id}/visits", RECORD, Thing::Household, &[("mode", "contact")]),
    get("/households/{id}/checks", HOUSEHOLDS, Thing::Household),
    get("/visits/{id}", HOUSEHOLDS, Thing::Visit),
    get("/visits/{id}/edit", RECORD, Thing::Visit),
    post("/visits/{id}/correct", RECORD, Thing::Visit, &[("mode", "contact")]),
    get("/income", FIGURES, NONE),
    get("/income/lines", FIGURES, NONE),
    get("/income/households", REVEAL, NONE),
    post("/income/run", ASSESS, NONE, &[]),
    get("/income/export", EXPORT, NONE),
    post("/income/export", EXPORT, NONE, &[("purpose", "县调度会"), ("which", "all")]),
    get("/households/{id}/income", HOUSEHOLDS, Thing::Household),
    get("/work-mode", FIGURES, NONE),
    get("/work-mode/items", ITEMS_OF_OTHERS, NONE),
    get("/assess", ASSESS, NONE),
    get("/assess/profile", ASSESS, NONE),
    get("/assess/profile/compare", ASSESS, NONE),
    post("/assess/run", ASSESS, NONE, &[]),
    get("/assess/profile/what-if", ASSESS, NONE),
    post("/assess/profile/what-if", ASSESS, NONE, &[("tiers.threshold", "40")]),
    get("/assess/profile/what-if/{job}", ASSESS, Thing::WhatIf),
    get("/assess/profile/what-if/{job}/list", ASSESS, Thing::WhatIf),
    post("/assess/profile/what-if/{job}/apply", ASSESS, Thing::WhatIf, &[("version", "9")]),
    get("/ledger", ITEMS, NONE),
    get("/ledger/export", EXPORT, NONE),
    post("/ledger/export", EXPORT, NONE, &[("purpose", "县调度会"), ("edition", "public")]),
    get("/ledger/problems", ITEMS_OF_OTHERS, NONE),
    get("/ledger/problems/new", IMPORT, NONE),
    post("/ledger/problems/preview", IMPORT, NONE, UPLOAD),
    post("/ledger/problems", IMPORT, NONE, &[("upload", "none"), ("file", "none.csv")]),
    get("/ledger/problems/pairs", ASSIGN, NONE),
    post("/ledger/problems/pairs", ASSIGN, NONE, &[("verdict", "apart")]),
    get("/ledger/problems/{id}", ITEMS_OF_OTHERS, Thing::ProblemList),
    get("/ledger/assignees", ASSIGN, NONE),
    get("/ledger/balance", ITEMS, NONE),
    get("/ledger/balance/list", ITEMS_OF_OTHERS, NONE),
    post("/ledger/balance/export", EXPORT, NONE, &[("purpose", "县调度会"), ("format", "csv")]),
    post("/ledger/assign", ASSIGN, NONE, &[]),
    post("/ledger/remind", ASSIGN, NONE, &[]),
    post("/ledger/assign/apply", ASSIGN, NONE, &[]),
    get("/ledger/batches", ASSIGN, NONE),
    get("/ledger/batches/{id}", ASSIGN, Thing::Batch),
    post("/ledger/batches/{id}/undo", ASSIGN, Thing::Batch, &[]),
    get("/ledger/print", ITEMS, NONE),
    post("/ledger/views", ITEMS, NONE, &[("name", "急办"), ("query", "state=overdue")]),
    post("/ledger/views/{id}/drop", ITEMS, Thing::Nothing("01234567-89ab-7def-8123-456789abcdea"), &[]),
    get("/ledger/mine", ITEMS, NONE),
    post("/ledger/mine/seen", ITEMS, NONE, &[]),
    get("/ledger/board", ITEMS, NONE),
    get("/ledger/calendar", ITEMS, NONE),
    get("/ledger/{id}", ITEMS, Thing::Item),
    get("/ledger/files/{id}", ITEMS, Thing::File),
    post(
        "/ledger/{id}/act",
        ITEMS,
        Thing::Item,
        &[("event", "01234567-89ab-7def-8123-456789abcdef"), ("version", "1"), ("action", "note"), ("note", "看过")],
    ),
    get("/supervise", ITEMS_OF_OTHERS, NONE),
    get("/supervise/list", ITEMS_OF_OTHERS, NONE),
    post("/supervise/remind", ASSIGN, NONE, &[]),
    post("/supervise/remind/apply", ASSIGN, NONE, &[]),
    get("/supervise/listed", ITEMS_OF_OTHERS, NONE),
    get("/supervise/listed/new", ASSIGN, NONE),
    post("/supervise/listed", ASSIGN, NONE, &[("division", "")]),
    get("/supervise/listed/{id}", ITEMS_OF_OTHERS, Thing::Listing),
    get("/supervise/listed/{id}/edit", ASSIGN, Thing::Listing),
    post(
        "/supervise/listed/{id}/edit",
        ASSIGN,
        Thing::Listing,
        &[("version", "1"), ("what", "content"), ("content", "work"), ("progress", "已安排")],
    ),
    get("/supervise/sessions", ITEMS_OF_OTHERS, NONE),
    get("/supervise/sessions/new", ASSIGN, NONE),
    post("/supervise/sessions", ASSIGN, NONE, &[("title", "调度")]),
    get("/supervise/sessions/{id}", ITEMS_OF_OTHERS, Thing::Session),
    get("/supervise/presence", ITEMS_OF_OTHERS, NONE),
    get("/supervise/presence/{id}", ITEMS_OF_OTHERS, Thing::TeamMember),
    post("/supervise/presence/{id}/leave", ASSIGN, Thing::TeamMember, &[("from", "2020-02-20"), ("to", "2020-02-21")]),
    post("/supervise/leaves/{id}/withdraw", ASSIGN, Thing::Leave, &[("reason", "没有去")]),
    get("/supervise/effort", ITEMS_OF_OTHERS, NONE),
    get("/supervise/effort/list", ITEMS_OF_OTHERS, NONE),
    get("/supervise/four", ITEMS_OF_OTHERS, NONE),
    post("/supervise/four", ASSIGN, NONE, &[("county", "")]),
    post("/ledger/{id}/kept", ITEMS, Thing::Item, &[("kept", "01234567-89ab-7def-8123-456789abcdaa")]),
    get("/ledger/look-backs", ITEMS_OF_OTHERS, NONE),
    get("/ledger/proxies", ITEMS, NONE),
    post("/ledger/proxies", ITEMS, NONE, &[("proxy", "nobody"), ("from", "x"), ("until", "x")]),
    get("/ledger/handover", ASSIGN, NONE),
    post("/ledger/handover", ASSIGN, NONE, &[]),
    get("/notices", ITEMS, NONE),
    get("/notices/bell", ITEMS, NONE),
    post("/notices/read", ITEMS, NONE, &[]),
    get("/monitor", ITEMS, NONE),
    get("/monitor/month", ITEMS_OF_OTHERS, NONE),
    get("/monitor/new", ITEMS_WORKED, NONE),
    post("/monitor/new", ITEMS_WORKED, NONE, &[("said", "短")]),
    get("/monitor/warnings", ITEMS_OF_OTHERS, NONE),
    post("/monitor/warnings", ASSESS, NONE, &[]),
    get("/monitor/reminders", ASSIGN, NONE),
    post("/monitor/reminders", ASSIGN, NONE, &[]),
    get("/monitor/notice", ITEMS_OF_OTHERS, NONE),
    post("/monitor/notice", ITEMS_OF_OTHERS, NONE, &[("purpose", "x")]),
    get("/monitor/household/{id}", ITEMS, Thing::CaseHousehold),
    get("/monitor/{id}", ITEMS, Thing::Case),
    post("/monitor/{id}/act", ITEMS, Thing::Case, &[("version", "0"), ("action", "green"), ("note", "先行帮扶")]),
    post(
        "/monitor/{id}/reply",
        ITEMS_WORKED,
        Thing::Case,
        &[
            ("event", "01234567-89ab-7def-8123-456789abcded"),
            ("version", "0"),
            ("clue", "01234567-89ab-7def-8123-456789abcdec"),
            ("verdict", "confirmed"),
            ("note", "现场看过"),
        ],
    ),
    get("/tasks", ITEMS_OF_OTHERS, NONE),
    post("/tasks", ASSIGN, NONE, &[("title", "排查")]),
    get("/tasks/new", ASSIGN, NONE),
    get("/tasks/owed", ITEMS_OF_OTHERS, NONE),
    post("/tasks/remind", ASSIGN, NONE, &[]),
    get("/tasks/reports/{id}", ITEMS_OF_OTHERS, Thing::TaskReport),
    get("/tasks/campaigns", ITEMS_OF_OTHERS, NONE),
    post("/tasks/campaigns", ASSIGN, NONE, &[("name", "春季攻势"), ("from", "2020-03-01"), ("to", "2020-04-30")]),
    get("/tasks/campaigns/new", ASSIGN, NONE),
    get("/tasks/campaigns/{id}", ITEMS_OF_OTHERS, Thing::Campaign),
    get("/tasks/campaigns/{id}/plan", ASSIGN, Thing::Campaign),
    post(
        "/tasks/campaigns/{id}/plan",
        ASSIGN,
        Thing::Campaign,
        &[("version", "1"), ("from", "2020-03-01"), ("to", "2020-05-31"), ("reason", "开工推迟")],
    ),
    get("/tasks/postponed", ITEMS_OF_OTHERS, NONE),
    post("/tasks/postponed", ASSIGN, NONE, &[("title", "培训")]),
    get("/tasks/postponed/{id}", ITEMS_OF_OTHERS, Thing::Postponed),
    post(
        "/tasks/postponed/{id}",
        ASSIGN,
        Thing::Postponed,
        &[("version", "1"), ("step", "cancel"), ("note", "不再举行")],
    ),
    get("/tasks/measures", ITEMS_OF_OTHERS, NONE),
    post("/tasks/measures", ASSIGN, NONE, &[("title", "措施")]),
    get("/tasks/measures/new", ASSIGN, NONE),
    get("/tasks/measures/{id}", ITEMS_OF_OTHERS, Thing::Measure),
    get("/tasks/measures/{id}/edit", ASSIGN, Thing::Measure),
    post("/tasks/measures/{id}/edit", ASSIGN, Thing::Measure, &[("version", "1"), ("title", "措施")]),
    get("/tasks/practices", ITEMS_OF_OTHERS, NONE),
    post("/tasks/practices", ITEMS_OF_OTHERS, NONE, &[("title", "做法")]),
    get("/tasks/practices/{id}", ITEMS_OF_OTHERS, Thing::Practice),
    post("/tasks/practices/{id}/spread", ASSIGN, Thing::Practice, &[("version", "1"), ("why", "推广")]),
    post(
        "/tasks/practices/{id}/adopt",
        ITEMS_OF_OTHERS,
        Thing::Practice,
        &[("version", "0"), ("state", "adopted"), ("since", "2020-02-20")],
    ),
    get("/tasks/{id}", ITEMS_OF_OTHERS, Thing::Task),
    get("/tasks/{id}/units", ITEMS_OF_OTHERS, Thing::Task),
    get("/tasks/{id}/export", EXPORT, Thing::Task),
    post("/tasks/{id}/export", EXPORT, Thing::Task, &[("purpose", "县调度会"), ("format", "csv")]),
    get("/tasks/{id}/hand", ASSIGN, Thing::Task),
    post("/tasks/{id}/hand", ASSIGN, Thing::Task, &[("version", "1")]),
    get("/tasks/{id}/report", ITEMS_OF_OTHERS, Thing::Task),
    post("/tasks/{id}/report", ITEMS_OF_OTHERS, Thing::Task, &[("version", "1"), ("poverty", "1")]),
    post("/tasks/{id}/decide", ASSIGN, Thing::Task, &[("version", "1"), ("verdict", "accept")]),
    post("/tasks/{id}/accept", ASSIGN, Thing::Task, &[]),
    post("/tasks/{id}/close", ASSIGN, Thing::Task, &[("version", "1"), ("reason", "任务已完成")]),
    get("/relief", ITEMS, NONE),
    get("/relief/balance", ITEMS_OF_OTHERS, NONE),
    get("/relief/balance/list", ITEMS_OF_OTHERS, NONE),
    get("/relief/export", EXPORT, NONE),
    post("/relief/export", EXPORT, NONE, &[("purpose", "村内公示"), ("edition", "public")]),
    get("/households/{id}/care", HOUSEHOLDS, Thing::Household),
    get("/households/{id}/relief", RECORD, Thing::Household),
    post("/households/{id}/relief", RECORD, Thing::Household, &[("kind", "urgent")]),
    get("/relief/{id}", ITEMS, Thing::Relief),
    post("/relief/{id}/decide", DECIDE, Thing::Relief, &[("verdict", "refuse"), ("version", "0")]),
    post("/relief/{id}/pay", DECIDE, Thing::Relief, &[("fen", "1"), ("version", "0")]),
    post("/relief/{id}/confirm", CONFIRM, Thing::Relief, &[("version", "0")]),
    post("/relief/{id}/void", DECIDE, Thing::Relief, &[("version", "0")]),
    post("/relief/{id}/withdraw", RECORD, Thing::Relief, &[("version", "0"), ("note", "填错了户")]),
    get("/contacts", SCREEN, NONE),
    get("/contacts/list", HOUSEHOLDS, NONE),
    get("/contributions", ITEMS, NONE),
    get("/households/{id}/contributions", RECORD, Thing::Household),
    post("/households/{id}/contributions", RECORD, Thing::Household, &[("kind", "work")]),
    post("/contributions/{id}/thank", RECORD, Thing::Contribution, &[("thanked_on", "x")]),
    post("/contributions/{id}/void", RECORD, Thing::Contribution, &[("note", "")]),
    get("/deployments", ITEMS_OF_OTHERS, NONE),
    get("/deployments/new", ASSIGN, NONE),
    post("/deployments", ASSIGN, NONE, &[("kind", "helper"), ("name", "某")]),
    get("/deployments/{id}", ITEMS_OF_OTHERS, Thing::Deployment),
    post("/deployments/{id}/change", ASSIGN, Thing::Deployment, &[("note", "返岗到位")]),
    get("/households/{id}/carers", HOUSEHOLDS, Thing::Household),
    post("/ledger/{id}/attach", ITEMS_WORKED, Thing::Item, &[("event", "01234567-89ab-7def-8123-456789abcdee")]),
];

/// The fields of a form that is sent with a file.
const UPLOAD: &[(&str, &str)] = &[("with", "file")];

async fn make(app: &App, thing: Thing, division: &str) -> String {
    match thing {
        Thing::Nothing(text) => text.to_owned(),
        Thing::User => {
            // One for each place: hashing a password for each call would take minutes.
            let login = format!("user-{division}");
            if let Ok(user) = access::find_user(&app.db, &Scope::everything(), &login).await {
                return user.id.to_string();
            }
            let new = NewUser {
                login,
                name: "测试".to_owned(),
                unit: String::new(),
                role: Role::Helper,
                division_code: division.to_owned(),
                password: PASSWORD.to_owned(),
                lang: Lang::Zh,
            };
            let id = access::create_user(app, &machine(), new).await.unwrap();
            id.to_string()
        }
        Thing::Household => {
            let mut world = crate::register::World::new(app);
            let no = ids::new_id().simple().to_string();
            let id = crate::register::citizen_id("99010119700101001");
            let head = crate::register::NewPerson { name: "张伟", id: &id, phone: "13800000001", is_head: true };
            let id = world.household(&no, division, &[head]);
            world.save().await;
            // A helper opens the households of their own items only.
            let item = item(app, division).await;
            world::run(app, "UPDATE item SET household_id = $2 WHERE id = $1", args![item, id]).await;
            id.to_string()
        }
        Thing::Organisation => {
            let household = Box::pin(make(app, Thing::Household, division)).await;
            let (name, id) = (ids::new_id().simple().to_string(), ids::new_id());
            world::run(
                app,
                "INSERT INTO organisation (id, name, credit_code, kind, division_code, address, contact, version,
                                           fingerprint, import_id, sheet, line, as_of, recorded_at)
                 VALUES ($1, $2, '', '', '', '', '', 1, 1, $1, '', 1, '2020-01-31', 1)",
                args![id, name.as_str()],
            )
            .await;
            world::run(
                app,
                "INSERT INTO organisation_alias (name, name_folded, pinyin, initials, organisation_id)
                 VALUES ($2, $2, '', '', $1)",
                args![id, name.as_str()],
            )
            .await;
            world::run(
                app,
                "UPDATE person SET work_employer = $2 WHERE household_id = $1",
                args![household.parse::<uuid::Uuid>().unwrap(), name.as_str()],
            )
            .await;
            id.to_string()
        }
        Thing::Job => {
            let job = NewJob {
                kind: "test",
                title: "测试任务".to_owned(),
                division_code: division.to_owned(),
                created_by: None,
                params: serde_json::json!({}),
                idempotency_key: None,
            };
            let id = app
                .db
                .write::<_, DbError, _>(move |tx| Box::pin(async move { jobs::enqueue(tx, job, 0).await }))
                .await
                .unwrap();
            id.to_string()
        }
        Thing::WhatIf => {
            let active = assess::active_profile(app, &machine()).await.unwrap();
            let job = NewJob {
                kind: "assess.what_if",
                title: "试算".to_owned(),
                division_code: division.to_owned(),
                created_by: None,
                params: serde_json::json!({
                    "text": assess::profile::BUILT_IN.replace("threshold = 50", "threshold = 40"),
                    "against": active.id, "scope": division,
                }),
                idempotency_key: None,
            };
            let work =
                app.db.write::<_, DbError, _>(move |tx| Box::pin(async move { jobs::enqueue(tx, job, 0).await }));
            work.await.unwrap().to_string()
        }
        Thing::Comparison => make_list(app, division).await.0.to_string(),
        Thing::Pair => {
            let id = ids::new_id();
            world::run(
                app,
                "INSERT INTO duplicate_pair (id, left_id, right_id, left_no, right_no, left_division, right_division, tier,
                     score, explanation, signature, cluster, model_version, present, first_run, last_run, found_at, verdict,
                     keep, decided_name, note)
                 VALUES ($1, $1, $2, 'P1', 'P2', $3, $3, 'name_birth', 3, '[]', '', '', 0, TRUE, $1, $1, 1, 'pending', '', '',
                     '')",
                args![id, ids::new_id(), division],
            )
            .await;
            id.to_string()
        }
        Thing::ListSource => {
            let code = ids::new_id().to_string();
            world::run(
                app,
                "INSERT INTO list_source (code, kind, agency, division_code, purpose, basis, schedule, scheduled_on,
                     extent, retention_days, retention_until, active, received_on, version, updated_at)
                 VALUES ($1, 'health.cases', '', $2, '', '', 'none', '', 'whole', 30, '', TRUE, '', 1, 1)",
                args![&code, division],
            )
            .await;
            code
        }
        Thing::Visit => {
            let household: uuid::Uuid = Box::pin(make(app, Thing::Household, division)).await.parse().unwrap();
            let (id, raw) = (ids::new_id(), world::contact("2020-02-19"));
            taizhang::screen::record(app, &machine(), household, id, &raw).await.unwrap();
            id.to_string()
        }
        Thing::Relief => {
            let household: uuid::Uuid = Box::pin(make(app, Thing::Household, division)).await.parse().unwrap();
            let raw = [
                ("kind", "urgent"),
                ("channel", "phone"),
                ("asked_on", "2020-02-19"),
                ("amount", "500"),
                ("reason", "生活困难"),
            ]
            .map(|(field, text)| (field.to_owned(), text.to_owned()))
            .into();
            let id = ids::new_id();
            taizhang::relief::requests::ask(app, &machine(), household, id, &raw).await.unwrap();
            id.to_string()
        }
        Thing::Contribution => {
            let household: uuid::Uuid = Box::pin(make(app, Thing::Household, division)).await.parse().unwrap();
            let raw = [
                ("kind", "money"),
                ("who", "张伟"),
                ("given_on", "2020-02-19"),
                ("amount", "100"),
                ("for_whom", "村口卡点"),
            ]
            .map(|(field, text)| (field.to_owned(), text.to_owned()))
            .into();
            let id = ids::new_id();
            taizhang::relief::contributions::record(app, &machine(), household, id, &raw).await.unwrap();
            id.to_string()
        }
        Thing::Deployment => {
            let id = ids::new_id();
            world::run(
                app,
                "INSERT INTO deployment (id, kind, name, name_folded, unit, division_code, post, place, from_day, to_day, stand_in,
                     stand_in_unit, note, by_name, fingerprint, version, recorded_at, updated_at)
                 VALUES ($1, 'helper', $2, $2, '', $3, '卡点', '', '2020-02-01', '', '', '', '', '', 1, 1, 0, 0)",
                args![id, id.to_string(), division],
            )
            .await;
            id.to_string()
        }
        Thing::Round => {
            let id = ids::new_id();
            world::run(
                app,
                "INSERT INTO screen_round (id, name, division_code, from_day, to_day, on_site, with_checks, created_name,
                                           created_at)
                 VALUES ($1, '排查', $2, '2020-02-01', '2020-02-29', FALSE, FALSE, '', 0)",
                args![id, division],
            )
            .await;
            id.to_string()
        }
        Thing::Listing => {
            let id = ids::new_id();
            // A place is listed once at a time.
            world::run(
                app,
                "UPDATE supervise_listing SET lifted_on = '2020-02-20' WHERE division_code = $1 AND lifted_on = ''",
                args![division],
            )
            .await;
            world::run(
                app,
                "INSERT INTO supervise_listing (id, division_code, reason, plan, leader_name, leader_unit, owner_name,
                     owner_unit, from_day, to_day, lifted_on, version, created_name, created_at, updated_at)
                 VALUES ($1, $2, '', '', '', '', '', '', '2020-02-01', '2020-06-30', '', 1, '', 0, 0)",
                args![id, division],
            )
            .await;
            world::run(
                app,
                "INSERT INTO supervise_content (listing_id, content, target, owner_name, owner_unit, due_on, progress, done,
                                                updated_by, updated_at)
                 VALUES ($1, 'work', '', '', '', '', '', FALSE, '', 0)",
                args![id],
            )
            .await;
            id.to_string()
        }
        Thing::Session => {
            let id = ids::new_id();
            world::run(
                app,
                "INSERT INTO supervise_session (id, division_code, channel, held_on, title, chair, attendees, minutes, payload,
                                                created_name, created_at)
                 VALUES ($1, $2, 'video', '2020-02-19', '', '', '', '', '', '', 0)",
                args![id, division],
            )
            .await;
            id.to_string()
        }
        Thing::TeamMember => world::team_member(app, division, "队员").await.to_string(),
        Thing::Leave => {
            let (id, member) = (ids::new_id(), world::team_member(app, division, "队员").await);
            world::run(
                app,
                "INSERT INTO supervise_leave (id, member_id, division_code, from_day, to_day, kind, reason, approved_level,
                                              approved_by, payload, recorded_name, recorded_at)
                 VALUES ($1, $2, $3, '2020-02-01', '2020-02-02', 'sick', '', 'county', '', '', '', 0)",
                args![id, member, division],
            )
            .await;
            id.to_string()
        }
        Thing::Task => task(app, division, "排查").await.to_string(),
        Thing::TaskReport => {
            let (task, id) = (task(app, division, "排查").await, ids::new_id());
            world::run(
                app,
                "INSERT INTO task_report (id, task_id, node_id, division_code, number, own_poverty, said_poverty, said_epidemic,
                     reported_on, by_name, by_unit, at)
                 SELECT $1, n.task_id, n.id, n.division_code, 1, 100, '已排查', '', '2020-02-20', '', '', 1
                 FROM task_node n WHERE n.task_id = $2",
                args![id, task],
            )
            .await;
            id.to_string()
        }
        Thing::Campaign => {
            let id = ids::new_id();
            world::run(
                app,
                "INSERT INTO campaign (id, name, goal, division_code, unit, plan_version, created_name, created_at)
                 VALUES ($1, '攻势', '', $2, '', 1, '', 1)",
                args![id, division],
            )
            .await;
            id.to_string()
        }
        Thing::Postponed => {
            let id = ids::new_id();
            world::run(
                app,
                "INSERT INTO postponed (id, kind, title, division_code, unit, contact, reason, first_on, new_on, state,
                     held_on, moves, version, updated_name, updated_at)
                 VALUES ($1, 'meeting', '培训', $2, '', '', '疫情', '2020-02-10', '', 'postponed', '', 0, 1, '', 1)",
                args![id, division],
            )
            .await;
            id.to_string()
        }
        Thing::Measure => {
            let id = ids::new_id();
            world::run(
                app,
                "INSERT INTO policy_measure (id, kind, title, number, issuer, division_code, issued_on, from_day, until_day,
                     problems, body, version, updated_name, updated_at)
                 VALUES ($1, 'patch', '措施', '', '', $2, '2020-02-10', '2020-02-10', '', '[]', '', 1, '', 1)",
                args![id, division],
            )
            .await;
            id.to_string()
        }
        Thing::Practice => {
            let id = ids::new_id();
            world::run(
                app,
                "INSERT INTO good_practice (id, title, body, effect, problem, division_code, unit, state, spread_to, spread_on,
                     version, updated_name, updated_at)
                 VALUES ($1, '做法', '', '', 'labour', $2, '', 'proposed', '', '', 1, '', 1)",
                args![id, division],
            )
            .await;
            id.to_string()
        }
        Thing::ListRow => make_list(app, division).await.1.to_string(),
        Thing::Item => item(app, division).await.to_string(),
        Thing::ProblemList => {
            let id = ids::new_id();
            world::run(
                app,
                "INSERT INTO problem_document (id, kind, title, issuer, issued_on, division_code, file_name, sha256, rows_total,
                     rows_held, rows_new, rows_revised, rows_same, held, created_name, created_at)
                 VALUES ($1, 'audit', $2, '', '2020-02-20', $3, '', '', 0, 0, 0, 0, 0, '[]', '', 1)",
                args![id, id.to_string(), division],
            )
            .await;
            id.to_string()
        }
        Thing::Batch => {
            let id = ids::new_id();
            world::run(
                app,
                "INSERT INTO item_batch (id, kind, state, by_name, division_code, deadline, note, made_at, done_at)
                 VALUES ($1, 'assign', 'done', '某', $2, '', '', 1, 1)",
                args![id, division],
            )
            .await;
            id.to_string()
        }
        Thing::File => {
            let item = item(app, division).await;
            let photo = b"\x89PNG\r\n\x1a\nphoto".to_vec();
            ledger::attach(app, &machine(), item, ids::new_id(), "p.png", photo).await.unwrap();
            let (id,): (uuid::Uuid,) =
                app.db.one("SELECT id FROM attachment WHERE item_id = $1", args![item]).await.unwrap();
            id.to_string()
        }
        Thing::Case | Thing::CaseHousehold => {
            let household = Box::pin(make(app, Thing::Household, division)).await;
            let id: uuid::Uuid = household.parse().unwrap();
            let new = monitor::NewClue {
                event_id: ids::new_id(),
                said: "收入骤减".to_owned(),
                division: division.to_owned(),
                risk: "因病".to_owned(),
                household: Some(id),
                ..monitor::NewClue::default()
            };
            let case = monitor::apply(app, &machine(), new).await.unwrap();
            if thing == Thing::Case { case.id.to_string() } else { household }
        }
        Thing::Import => {
            let id = ids::new_id();
            world::run(
                app,
                "INSERT INTO import (id, kind, file_name, sha256, bytes, as_of, source_unit, purpose, division_code,
                                     state, mapping, created_at)
                 VALUES ($1, 'person', 'x.csv', '', 0, '2020-02-20', '', '', $2, 'staged', '{}', 1)",
                args![id, division],
            )
            .await;
            id.to_string()
        }
    }
}

/// A task that a division's unit issued.
async fn task(app: &App, division: &str, title: &str) -> uuid::Uuid {
    let new = NewTask {
        id: ids::new_id(),
        title: title.to_owned(),
        content: "逐户排查".to_owned(),
        poverty: "排查".to_owned(),
        poverty_unit: "户".to_owned(),
        division: division.to_owned(),
        due: crate::support::today(),
        ..NewTask::default()
    };
    flow::issue(app, &machine(), new).await.unwrap().task
}

/// A comparison of one row, both lying in `division`.
async fn make_list(app: &App, division: &str) -> (uuid::Uuid, uuid::Uuid) {
    let (comparison, row) = (ids::new_id(), ids::new_id());
    let fields = app.vault.seal("list_row.fields", br#"{"columns":{},"facts":[],"withdrawn":null}"#).unwrap();
    let division = division.to_owned();
    app.db
        .write::<_, DbError, _>(move |tx| {
            Box::pin(async move {
                tx.run(
                    "INSERT INTO comparison (id, source, file_name, sha256, as_of, purpose, retention_until,
                         division_code, state, mapping, created_at)
                     VALUES ($1, 'health.cases', 'x.csv', '', '2020-02-20', '', '2020-03-20', $2, 'done', '{}', 1)",
                    taizhang::args![comparison, &division],
                )
                .await?;
                tx.run(
                    "INSERT INTO list_row (id, comparison_id, source, row_key, revision, current, division_code, kind,
                         fact_date, name, fields_enc, fingerprint, outcome, sheet, line, recorded_at)
                     VALUES ($1, $2, 'health.cases', $3, 1, TRUE, $4, 'epidemic.confirmed', '2020-02-05', '测试', $5, 1,
                         'unmatched', '', 1, 1)",
                    taizhang::args![row, comparison, row.to_string(), &division, fields],
                )
                .await?;
                Ok(())
            })
        })
        .await
        .unwrap();
    (comparison, row)
}

/// An item of a division, assigned to the helper of this test, if they are there already.
async fn item(app: &App, division: &str) -> uuid::Uuid {
    let loaded = assess::active_profile(app, &machine()).await.unwrap();
    let id = ids::new_id();
    world::run(
        app,
        "INSERT INTO item (id, number, ledger, source, rule_id, division_code, title, level, state, round, owner_unit,
                           owner_division, owner_name, assignee_id, deadline, measures, version, profile_id, opened_at,
                           opened_on, updated_at)
         VALUES ($1, $2, 'epidemic_assistance', 'manual', 'E01', $3, '{}', 'severe', 'assigned', 1, '', $3, '',
                 (SELECT id FROM app_user WHERE login = $4), '2020-03-01', '[]', 1, $5, 0, '2020-02-20', 0)",
        args![id, id.to_string(), division, login_of(Role::Helper, OWN), loaded.id],
    )
    .await;
    id
}

fn fill(path: &str, with: &str) -> String {
    match (path.find('{'), path.find('}')) {
        (Some(from), Some(to)) => format!("{}{with}{}", &path[..from], &path[to + 1..]),
        _ => path.to_owned(),
    }
}

async fn call(browser: &mut Browser, line: &Line, path: &str) -> Reply {
    if line.method == Method::GET {
        browser.get(path).await
    } else if line.form == UPLOAD {
        browser.upload(path, line.form, ("file", "x.csv", b"")).await
    } else if line.path.ends_with("/attach") {
        let photo = ("file", "p.png", &b"\x89PNG\r\n\x1a\nphoto"[..]);
        browser.upload(path, line.form, photo).await
    } else {
        browser.post(path, line.form).await
    }
}

fn sent_to_login(reply: &Reply) -> bool {
    reply.status == StatusCode::SEE_OTHER && reply.location().starts_with("/login?")
}

#[test]
fn every_route_is_in_the_table_and_nothing_else() {
    let code: BTreeSet<_> =
        web::all_routes().table().iter().map(|route| format!("{} {}", route.method, route.path)).collect();
    let table: BTreeSet<_> = TABLE.iter().map(|line| format!("{} {}", line.method, line.path)).collect();
    let missing: Vec<_> = code.difference(&table).collect();
    let gone: Vec<_> = table.difference(&code).collect();
    assert!(missing.is_empty(), "not in the table of this test: {missing:?}");
    assert!(gone.is_empty(), "in the table, but no such route: {gone:?}");
    assert_eq!(table.len(), TABLE.len(), "a line is written twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_passes_who_should_not_and_everybody_who_should() {
    each_database(|app| async move {
        let server = TestApp::new(&app);
        for line in TABLE {
            let own = fill(line.path, &make(&app, line.thing, INSIDE).await);
            let at = format!("{} {}, not signed in", line.method, line.path);
            let reply = call(&mut server.browser(), line, &own).await;
            if line.who == Who::Anybody {
                assert!(!sent_to_login(&reply), "{at}");
                assert!(
                    reply.status != StatusCode::FORBIDDEN && reply.status != StatusCode::NOT_FOUND,
                    "{at}: {}",
                    reply.status
                );
            } else {
                assert!(sent_to_login(&reply), "{at}: {}", reply.status);
            }
        }
        for role in Role::ALL {
            let signed_in = server.login(role, OWN).await;
            for line in TABLE {
                let mut browser = signed_in.clone();
                if line.path == "/logout" || line.path == "/login" {
                    // These end the session that the other lines go on using.
                    browser = server.login(role, OWN).await;
                }
                let at = format!("{} {} as {role:?}", line.method, line.path);
                let may = match line.who {
                    Who::Anybody | Who::SignedIn => true,
                    Who::Only(roles) => roles.contains(&role),
                };
                let own = fill(line.path, &make(&app, line.thing, INSIDE).await);
                // A form with a file has its token inside the body that only the upload reads; another body is refused as such.
                if line.method != Method::GET && line.form != UPLOAD {
                    let reply = browser.post_raw(&own, line.form).await;
                    // An upload is refused for what it is before its token is looked for.
                    let upload =
                        may && line.path.ends_with("/attach") && reply.status == StatusCode::UNSUPPORTED_MEDIA_TYPE;
                    assert!(upload || reply.status == StatusCode::FORBIDDEN, "{at} without a token");
                }
                let reply = call(&mut browser, line, &own).await;
                if !may {
                    assert_eq!(reply.status, StatusCode::FORBIDDEN, "{at}, own");
                    continue;
                }
                let passed = !sent_to_login(&reply)
                    && reply.status != StatusCode::FORBIDDEN
                    && reply.status != StatusCode::NOT_FOUND
                    && !reply.status.is_server_error();
                assert!(passed, "{at}, own: {} {}", reply.status, reply.body);
                if matches!(line.thing, Thing::Nothing(_)) {
                    continue;
                }
                let foreign = fill(line.path, &make(&app, line.thing, FOREIGN).await);
                let reply = call(&mut browser, line, &foreign).await;
                assert_eq!(reply.status, StatusCode::NOT_FOUND, "{at}, foreign");
                // Not there looks like not yours.
                let absent = fill(line.path, &ids::new_id().to_string());
                let nothing = call(&mut browser, line, &absent).await;
                assert_eq!(nothing.status, StatusCode::NOT_FOUND, "{at}, absent");
                let plain = |reply: &Reply, path: &str| {
                    let text = reply.body.replace(path, "").replace(&crate::support::http::encode_path(path), "");
                    let tokens: Vec<&str> = text.split("name=\"csrf\" value=\"").collect();
                    tokens.iter().map(|part| part.split_once('"').map_or(*part, |(_, rest)| rest)).collect::<String>()
                };
                assert_eq!(plain(&reply, &foreign), plain(&nothing, &absent), "{at}: foreign and absent differ");
            }
        }
    })
    .await;
}

/// A person, a household and what hangs on them, in a division; nothing else of the test is called so.
struct Planted {
    division: String,
    household: String,
    household_no: String,
    item: String,
    words: [String; 7],
}

/// Puts something of each kind into a division. `mark` is a word that stands in each of them.
async fn plant(app: &App, division: &str, mark: &str) -> Planted {
    let mut world = crate::register::World::new(app);
    world.division(division, &format!("{mark}县"), &format!("虚省某市{mark}县"));
    let no = format!("HH{mark}");
    let id_number = crate::register::citizen_id("99010119700101002");
    let head = crate::register::NewPerson { name: mark, id: &id_number, phone: "13800000002", is_head: true };
    let household = world.household(&no, division, &[head]);
    world.save().await;
    let (person,): (uuid::Uuid,) =
        app.db.one("SELECT id FROM person WHERE household_id = $1", args![household]).await.unwrap();
    let signal = world::signal(app, "epidemic.confirmed", "person", person, household, "{}").await;
    world::run(app, "UPDATE signal SET division_code = $2 WHERE id = $1", args![signal, division]).await;
    let (number, owner) = (format!("NO-{mark}"), format!("干部{mark}"));
    let item = item(app, division).await;
    world::run(
        app,
        "UPDATE item SET number = $2, owner_name = $3, household_id = $4, state = 'submitted' WHERE id = $1",
        args![item, &number, &owner, household],
    )
    .await;
    let login = format!("login-{division}");
    let new = NewUser {
        login: login.clone(),
        name: format!("用户{mark}"),
        unit: String::new(),
        role: Role::TownshipStaff,
        division_code: division.to_owned(),
        password: PASSWORD.to_owned(),
        lang: Lang::Zh,
    };
    access::create_user(app, &machine(), new).await.unwrap();
    task(app, division, &format!("任务{mark}")).await;
    let file = format!("file-{mark}.csv");
    let (import, job, comparison) = (ids::new_id(), format!("job-{mark}"), make_list(app, division).await.0);
    world::run(
        app,
        "INSERT INTO import (id, kind, file_name, sha256, bytes, as_of, source_unit, purpose, division_code, state,
                             mapping, created_at)
         VALUES ($1, 'person', $2, '', 0, '2020-02-20', '', '', $3, 'committed', '{}', 1)",
        args![import, &file, division],
    )
    .await;
    world::run(app, "UPDATE comparison SET file_name = $2 WHERE id = $1", args![comparison, &file]).await;
    let (division, title) = (division.to_owned(), job.clone());
    let code = division.clone();
    app.db
        .write::<_, DbError, _>(move |tx| {
            Box::pin(async move {
                let job = NewJob {
                    kind: "test",
                    title,
                    division_code: code,
                    created_by: None,
                    params: serde_json::json!({}),
                    idempotency_key: None,
                };
                jobs::enqueue(tx, job, 0).await.map(|_| ())
            })
        })
        .await
        .unwrap();
    Planted {
        division,
        household: household.to_string(),
        household_no: no.clone(),
        item: item.to_string(),
        words: [mark.to_owned(), no, number, owner, login, file, job],
    }
}

/// Method, address and form of a call.
type Probe = (Method, String, Vec<(&'static str, String)>);

/// The addresses of routes without an object, with every parameter by which something foreign could be asked for.
fn probes(of: &Planted) -> Vec<Probe> {
    let (division, mark) = (&of.division, crate::support::http::encode_path(&of.words[0]));
    let mut out: Vec<Probe> = [
        format!("/ledger?state=all&mine=0&division={division}"),
        format!("/ledger?state=all&mine=0&household={}", of.household),
        format!("/ledger?state=all&mine=0&q=NO-{mark}"),
        format!("/ledger?state=all&mine=0&q={mark}"),
        format!("/ledger?state=all&mine=0&q={}", crate::support::http::encode_path(&of.household_no)),
        format!("/ledger?state=all&mine=0&owner={}", crate::support::http::encode_path(&of.words[3])),
        format!("/ledger/export?state=all&mine=0&division={division}"),
        format!("/ledger/print?state=all&mine=0&division={division}"),
        format!("/ledger/print?state=all&mine=0&household={}", of.household),
        format!(
            "/ledger?state=all&mine=0&sort=assignee&cols=full&unit={}",
            crate::support::http::encode_path(&of.words[3])
        ),
        format!("/ledger/board?division={division}"),
        format!("/ledger/calendar?month=2020-03&division={division}"),
        "/ledger/mine".to_owned(),
        "/ledger/batches".to_owned(),
        format!("/ledger/balance?division={division}"),
        format!("/ledger/balance/list?of=households&side=end&from=&division={division}"),
        format!("/ledger/balance/list?of=persons&side=opened&from=&division={division}"),
        format!("/ledger?state=all&mine=0&asof=2020-02-20&division={division}"),
        format!("/ledger?state=all&mine=0&moved=opened&from=2020-01-01&to=2020-12-31&division={division}"),
        format!("/screen?division={division}"),
        format!("/screen/list?division={division}&which=never"),
        format!("/screen/gaps?division={division}"),
        format!("/screen/gaps/list?division={division}"),
        format!("/screen/gaps/export?division={division}"),
        format!("/relief?division={division}"),
        format!("/relief?q={mark}"),
        format!("/relief/balance?division={division}"),
        format!("/relief/balance/list?figure=asked&division={division}"),
        format!("/relief/export?division={division}"),
        "/relief".to_owned(),
        format!("/contacts?division={division}"),
        format!("/contacts/list?division={division}&figure=never"),
        "/contacts/list?figure=never".to_owned(),
        format!("/contributions?division={division}"),
        format!("/deployments?division={division}&which=all"),
        format!("/deployments/new?q={mark}"),
        "/screen/list?which=never".to_owned(),
        "/supervise".to_owned(),
        "/supervise/list".to_owned(),
        "/supervise/listed".to_owned(),
        "/supervise/sessions".to_owned(),
        "/supervise/presence".to_owned(),
        "/supervise/four".to_owned(),
        format!("/supervise/effort?division={division}"),
        format!("/supervise/effort/list?what=worked&division={division}"),
        format!("/supervise/presence?division={division}"),
        format!("/supervise/four?county={division}"),
        format!("/supervise?division={division}"),
        format!("/supervise/list?division={division}&rule=overdue"),
        format!("/supervise/list?by=person&unit=&person={}", crate::support::http::encode_path(&of.words[3])),
        "/screen/rounds".to_owned(),
        format!("/tasks?q={mark}"),
        format!("/tasks/owed?division={division}"),
        "/tasks".to_owned(),
        "/tasks/owed".to_owned(),
        "/tasks/campaigns".to_owned(),
        "/tasks/measures".to_owned(),
        "/tasks/practices".to_owned(),
        format!("/ledger/assignees?division={division}"),
        format!("/ledger/assignees?division={division}&who={mark}"),
        format!("/ledger/assignees?item={}", of.item),
        format!("/search?q={mark}"),
        format!("/search?q={}", crate::support::http::encode_path(&of.household_no)),
        format!("/households?division={division}"),
        format!("/signals?division={division}"),
        format!("/signals?kind=epidemic.confirmed&division={division}"),
        format!("/situation?division={division}"),
        format!("/settings/users?q={mark}"),
        "/settings/users".to_owned(),
        "/ledger?state=all&mine=0".to_owned(),
        "/ledger/balance".to_owned(),
        "/households".to_owned(),
        "/signals".to_owned(),
        "/situation".to_owned(),
        "/imports".to_owned(),
        "/comparisons".to_owned(),
        "/assess".to_owned(),
        "/".to_owned(),
    ]
    .into_iter()
    .map(|path| (Method::GET, path, Vec::new()))
    .collect();
    let batch = ids::new_id().to_string();
    let own = |name: &'static str, value: &str| (name, value.to_owned());
    out.push((
        Method::POST,
        "/ledger/export".to_owned(),
        vec![own("state", "all"), own("division", division), own("purpose", "县调度会"), own("edition", "internal")],
    ));
    out.push((
        Method::POST,
        "/ledger/export".to_owned(),
        vec![
            own("state", "all"),
            own("household", &of.household),
            own("purpose", "县调度会"),
            own("edition", "internal"),
        ],
    ));
    out.push((Method::POST, "/supervise/remind".to_owned(), vec![own("batch", &batch), own("id", &of.item)]));
    out.push((
        Method::POST,
        "/supervise/remind/apply".to_owned(),
        vec![own("batch", &batch), own("item", &format!("{}:1", of.item))],
    ));
    out.push((
        Method::POST,
        "/ledger/assign".to_owned(),
        vec![own("batch", &batch), own("id", &of.item), own("who", &login_of(Role::TownshipStaff, OWN))],
    ));
    out.push((
        Method::POST,
        "/ledger/remind".to_owned(),
        vec![own("batch", &batch), own("all", "1"), own("view", &format!("state=all&mine=0&division={division}"))],
    ));
    out.push((Method::POST, "/ledger/assign/apply".to_owned(), vec![own("batch", &batch)]));
    out
}

/// A page without what is different each time: form tokens, made-up ids, the time, and what was asked for.
fn bare(reply: &Reply, asked: &Planted) -> String {
    let mut text = reply.body.clone();
    for word in asked.words.iter().chain([&asked.household, &asked.item, &asked.household_no, &asked.division]) {
        let once = crate::support::http::encode_path(word);
        // The switch of languages leads back to the same address, encoded once more.
        let twice = crate::support::http::encode_path(&once);
        text = text.replace(&twice, "?").replace(&once, "?").replace(word.as_str(), "?");
    }
    let mut out = String::new();
    for (i, part) in text.split("value=\"").enumerate() {
        let rest = part.split_once('"').map_or(part, |(value, rest)| {
            if i > 0 && (value.len() > 40 || value.parse::<uuid::Uuid>().is_ok()) { rest } else { part }
        });
        out.push_str(if i == 0 { part } else { rest });
    }
    let time = |text: &str| {
        let chars: Vec<char> = text.chars().collect();
        let mut out = String::new();
        let mut at = 0;
        while at < chars.len() {
            let is = |i: usize, want: char| chars.get(at + i) == Some(&want);
            let digit = |i: usize| chars.get(at + i).is_some_and(char::is_ascii_digit);
            // 06:50
            if digit(0) && digit(1) && is(2, ':') && digit(3) && digit(4) {
                at += 5;
            } else {
                out.push(chars[at]);
                at += 1;
            }
        }
        out
    };
    time(&out)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_foreign_shows_on_no_page_and_asking_for_it_is_like_asking_for_what_is_not_there() {
    each_database(|app| async move {
        let server = TestApp::new(&app);
        let mut world = crate::register::World::new(&app);
        world.division(OWN, "本市", "虚省本市");
        world.save().await;
        for role in Role::ALL {
            server.login(role, OWN).await;
        }
        let foreign = plant(&app, FOREIGN, "外乡人氏").await;
        let own = plant(&app, INSIDE, "本地人氏").await;
        // Of this nothing is there: the same kind of values, made up.
        let absent = Planted {
            division: "990299".to_owned(),
            household: ids::new_id().to_string(),
            household_no: "HH无中生有".to_owned(),
            item: ids::new_id().to_string(),
            words: [
                "无中生有",
                "HH无中生有",
                "NO-无中生有",
                "干部无中生有",
                "login-990299",
                "file-无中生有.csv",
                "job-无中生有",
            ]
            .map(str::to_owned),
        };
        let (mut seen, mut looked) = (0, 0);
        for role in Role::ALL {
            let browser = server.login(role, OWN).await;
            let ask = async |(method, path, form): &Probe| {
                let mut browser = browser.clone();
                if *method == Method::GET {
                    return browser.get(path).await;
                }
                let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
                browser.post(path, &form).await
            };
            for ((probe, nothing), mine) in probes(&foreign).iter().zip(&probes(&absent)).zip(&probes(&own)) {
                let at = format!("{} {} as {role:?}", probe.0, probe.1);
                let (reply, void) = (ask(probe).await, ask(nothing).await);
                assert!(!reply.status.is_server_error(), "{at}: {}", reply.status);
                assert_eq!(reply.status, void.status, "{at}: foreign and absent differ");
                let (shown, void) = (bare(&reply, &foreign), bare(&void, &absent));
                let differing = shown.lines().zip(void.lines()).find(|(a, b)| a != b);
                assert!(shown == void, "{at}: foreign and absent differ: {differing:?}");
                // What was typed may stand in its field again; nothing else of the foreign may stand anywhere.
                let typed = probe.1.contains("q=")
                    || probe.1.contains("owner=")
                    || probe.1.contains("who=")
                    || probe.1.contains("unit=")
                    || probe.1.contains("person=");
                for word in foreign.words.iter().filter(|_| !typed) {
                    assert!(!reply.body.contains(word.as_str()), "{at}: shows {word}");
                }
                looked += 1;
                let reply = ask(mine).await;
                seen += usize::from(own.words.iter().any(|word| reply.body.contains(word.as_str())));
            }
        }
        // The same questions about one's own show it: what is found above to be hidden is there to be shown.
        assert!(seen > looked / 4, "{seen} of {looked} pages show what is one's own");
        let touched = world::number(
            &app,
            "SELECT COUNT(*) FROM item_event e JOIN item i ON i.id = e.item_id WHERE i.division_code = $1",
            args![FOREIGN],
        )
        .await;
        assert_eq!(touched, 0, "nothing was done to a foreign item");
        let mut admin = server.login(Role::Admin, OWN).await;
        let form = [("login", "spy-1"), ("name", "某"), ("role", "helper"), ("division", FOREIGN)];
        let made = admin.post("/settings/users/new", &form).await;
        assert!(made.status.is_client_error(), "a user of a foreign division: {}", made.status);
        let nobody = access::find_user(&app.db, &Scope::everything(), "spy-1").await;
        assert!(nobody.is_err(), "a user of a foreign division was made");
    })
    .await;
}
