//! Contacts by channel, contributions of households, and who stands in for a helper who was sent elsewhere.

use axum::http::StatusCode;
use taizhang::access::{Actor, Role, Scope, audit};
use taizhang::args;
use taizhang::platform::{App, UserError, ids};
use taizhang::register;
use taizhang::relief::ReliefError;
use taizhang::relief::contacts::{self, FIGURES};
use taizhang::relief::contributions::{self, Change, Filter};
use taizhang::relief::deployments::{self, Which};
use taizhang::relief::model::Raw;
use taizhang::screen;
use uuid::Uuid;

use crate::support::http::TestApp;
use crate::support::{each_database, machine};
use crate::world::{self, OTHER, VILLAGE};

fn raw(fields: &[(&str, &str)]) -> Raw {
    fields.iter().map(|(field, text)| ((*field).to_owned(), (*text).to_owned())).collect()
}

async fn homes(app: &App) -> [Uuid; 4] {
    world::divisions(app).await;
    [
        world::household(app, 1, VILLAGE, &[""]).await.0,
        world::household(app, 2, VILLAGE, &[""]).await.0,
        world::household(app, 3, OTHER, &[""]).await.0,
        world::household(app, 4, OTHER, &[""]).await.0,
    ]
}

async fn contact(app: &App, household: Uuid, day: &str, channel: &str) {
    let fields = raw(&[("visited_on", day), ("channel", channel), ("mode", "contact"), ("note", "问候")]);
    screen::record(app, &machine(), household, ids::new_id(), &fields).await.unwrap();
}

/// A helper of a household with a unit.
async fn helper(app: &App, household: Uuid, village: &str, name: &str, unit: &str, phone: Option<i64>) {
    let id = world::helper(app, household, village, name, 0).await;
    world::run(app, "UPDATE helper SET unit = $2, phone_index = $3 WHERE id = $1", args![id, unit, phone]).await;
}

fn fields_of(error: &ReliefError) -> Vec<&'static str> {
    let ReliefError::Fields(faults) = error else { panic!("{error:?}") };
    faults.iter().map(|fault| fault.field).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_are_told_by_channel_and_who_was_missed_by_whom() {
    each_database(|app| async move {
        let [one, two, three, four] = homes(&app).await;
        contact(&app, one, "2020-02-19", "wechat").await;
        contact(&app, one, "2020-01-02", "on_site").await;
        contact(&app, two, "2020-02-10", "on_site").await;
        contact(&app, two, "2020-02-18", "phone").await;
        contact(&app, three, "2020-01-05", "video").await;
        helper(&app, three, OTHER, "钱助", "县水利局", None).await;
        let since = contacts::since(app.clock.today(), 30);
        assert_eq!(since, "2020-01-21");
        let county = Scope::subtree("990101");
        let (total, lines) = contacts::reach(&app, &machine(), &county, &since).await.unwrap();
        let figures: Vec<i64> = FIGURES.iter().map(|name| total.figure(name)).collect();
        assert_eq!(figures, [2, 1, 1, 1, 0, 1, 2, 1]);
        assert_eq!(total.registered, 4);
        let names: Vec<(&str, i64)> = lines.iter().map(|line| (line.name.as_str(), line.missed)).collect();
        assert_eq!(names, [("新桥镇", 0), ("柳河镇", 2)]);
        // Every figure is as many households as its list has.
        for name in FIGURES {
            let list = contacts::list(&app, &machine(), &county, &since, name, (0, 100)).await.unwrap();
            assert_eq!(list.len() as i64, total.figure(name), "{name}");
        }
        let missed = contacts::list(&app, &machine(), &county, &since, "missed", (0, 100)).await.unwrap();
        let who: Vec<(Uuid, &str, Vec<&str>)> = missed
            .iter()
            .map(|(touch, carers)| {
                (touch.id, touch.last_channel(), carers.iter().map(|carer| carer.name.as_str()).collect())
            })
            .collect();
        assert_eq!(who, [(three, "video", vec!["钱助"]), (four, "", vec![])]);
        // Longer ago, the one by video counts too.
        let since = contacts::since(app.clock.today(), 60);
        let (total, _) = contacts::reach(&app, &machine(), &county, &since).await.unwrap();
        assert_eq!((total.video, total.missed, total.never), (1, 1, 1));
        // A helper sees their own households only.
        let own = world::user(&app, "qian", Role::Helper, "990101").await;
        let own = Actor { name: "钱助".to_owned(), unit: "县水利局".to_owned(), ..own };
        let (total, lines) = contacts::reach(&app, &own, &own.scope, "2020-01-21").await.unwrap();
        assert_eq!((total.registered, total.missed, lines.len()), (1, 1, 0));
        let list = contacts::list(&app, &own, &own.scope, "2020-01-21", "missed", (0, 100)).await.unwrap();
        assert_eq!(list.len(), 1);
        // WeChat and video are told apart where they are entered, and rules read the later of the two.
        let (wechat, video): (String, String) = app
            .db
            .one("SELECT last_wechat, last_video FROM household_visited WHERE household_id = $1", args![one])
            .await
            .unwrap();
        assert_eq!((wechat.as_str(), video.as_str()), ("2020-02-19", ""));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_households_gave_is_counted_and_thanked_for() {
    each_database(|app| async move {
        let [one, two, three, _] = homes(&app).await;
        let village = world::user(&app, "village", Role::VillageOfficer, VILLAGE).await;
        let other = world::user(&app, "other", Role::TownshipStaff, "990101002").await;
        let common = [("who", "赵1"), ("for_whom", "村口防疫卡点"), ("given_on", "2020-02-10")];
        let form = |more: &[(&str, &str)]| raw(&[&common, more].concat());
        let work = form(&[("kind", "work"), ("days", "3.5"), ("amount", "99"), ("goods", "无")]);
        let id = ids::new_id();
        contributions::record(&app, &village, one, id, &work).await.unwrap();
        contributions::record(&app, &village, one, id, &work).await.unwrap();
        let resent = contributions::record(&app, &village, one, id, &form(&[("kind", "work"), ("days", "4")])).await;
        assert_eq!(resent.unwrap_err().code(), "relief.resent");
        let money = form(&[("kind", "money"), ("amount", "200.50")]);
        contributions::record(&app, &village, two, ids::new_id(), &money).await.unwrap();
        let goods = form(&[("kind", "goods"), ("goods", "蔬菜500斤"), ("given_on", "2020-02-12")]);
        contributions::record(&app, &other, three, ids::new_id(), &goods).await.unwrap();
        for (more, fields) in [
            (&[("kind", "work"), ("days", "0.3")][..], &["days"][..]),
            (&[("kind", "work"), ("days", "-1")], &["days"]),
            (&[("kind", "work"), ("days", "NaN")], &["days"]),
            (&[("kind", "money")], &["amount"]),
            (&[("kind", "goods"), ("amount", "x")], &["amount", "goods"]),
            (&[("kind", "time"), ("given_on", "2020-02-21")], &["kind", "given_on"]),
        ] {
            let refused = contributions::record(&app, &village, one, ids::new_id(), &form(more)).await.unwrap_err();
            assert_eq!(fields_of(&refused), fields, "{more:?}");
        }
        let foreign = contributions::record(&app, &village, three, ids::new_id(), &work).await.unwrap_err();
        assert_eq!(foreign.code(), "relief.not_found");
        let city = Scope::subtree("9901");
        let all = Filter::default();
        let (total, _) = contributions::totals(&app, &machine(), &city, &all).await.unwrap();
        assert_eq!((total.entries, total.households, total.unthanked), (3, 3, 3));
        // Of work neither the amount nor the goods of the form are taken.
        assert_eq!((total.half_days, total.money_fen, total.goods_n, total.goods_fen), (7, 20_050, 1, 0));
        assert_eq!(contributions::days_text(total.half_days), "3.5");
        let county = Scope::subtree("990101");
        let (_, lines) = contributions::totals(&app, &machine(), &county, &all).await.unwrap();
        let names: Vec<(&str, i64)> = lines.iter().map(|line| (line.name.as_str(), line.entries)).collect();
        assert_eq!(names, [("新桥镇", 2), ("柳河镇", 1)]);
        let later = Filter { from: "2020-02-11".to_owned(), ..Filter::default() };
        let (list, count) = contributions::list(&app, &machine(), &county, &later, (0, 50)).await.unwrap();
        assert_eq!((count, list[0].goods.as_str()), (1, "蔬菜500斤"));

        let thank = |day: &str| Change::Thank(day.to_owned(), "上门致谢".to_owned());
        let early = contributions::change(&app, &village, id, thank("2020-02-09")).await.unwrap_err();
        assert_eq!(fields_of(&early), ["thanked_on"]);
        contributions::change(&app, &village, id, thank("2020-02-20")).await.unwrap();
        let foreign = contributions::change(&app, &other, id, thank("2020-02-20")).await.unwrap_err();
        assert_eq!(foreign.code(), "relief.not_found");
        let unthanked = Filter { unthanked: true, ..Filter::default() };
        let (_, count) = contributions::list(&app, &machine(), &county, &unthanked, (0, 50)).await.unwrap();
        assert_eq!(count, 2);
        // What was a mistake is struck with a reason, counts no more and cannot be changed.
        let void = |why: &str| Change::Void(why.to_owned());
        assert_eq!(fields_of(&contributions::change(&app, &village, id, void("错")).await.unwrap_err()), ["note"]);
        contributions::change(&app, &village, id, void("登记错户")).await.unwrap();
        assert!(contributions::change(&app, &village, id, thank("2020-02-20")).await.is_err());
        let (total, _) = contributions::totals(&app, &machine(), &county, &all).await.unwrap();
        assert_eq!((total.entries, total.half_days), (2, 0));
        assert!(contributions::of_household(&app, &village, one).await.unwrap().is_empty());
        audit::verify(&app.db).await.unwrap();
    })
    .await;
}

const POST: [(&str, &str); 4] = [("kind", "helper"), ("name", "钱助"), ("unit", "县水利局"), ("post", "村口卡点值守")];

#[tokio::test(flavor = "multi_thread")]
async fn somebody_stands_in_for_a_helper_who_was_sent_away() {
    each_database(|app| async move {
        let [one, two, three, four] = homes(&app).await;
        helper(&app, one, VILLAGE, "钱助", "县水利局", Some(7)).await;
        helper(&app, three, OTHER, "钱助", "县水利局", Some(7)).await;
        // Another person of that name and unit, and one of another unit.
        helper(&app, two, VILLAGE, "钱助", "县水利局", Some(8)).await;
        helper(&app, four, OTHER, "钱助", "县农业局", None).await;
        let county = world::user(&app, "county", Role::CountyStaff, "990101").await;
        let township = world::user(&app, "township", Role::TownshipStaff, "990101001").await;
        let stand_in = world::user(&app, "sun", Role::Helper, "990101").await;
        let stand_in = Actor { name: "孙代".to_owned(), unit: "县林业局".to_owned(), ..stand_in };
        let found = deployments::servants(&app, &county, "钱").await.unwrap();
        let cares: Vec<(&str, i64)> = found.iter().map(|one| (one.unit.as_str(), one.cares_for)).collect();
        assert_eq!(cares, [("县农业局", 1), ("县水利局", 2), ("县水利局", 1)]);
        let key = found[1].key();
        assert!(deployments::servants(&app, &township, "县农业局").await.unwrap().is_empty(), "of another township");
        let form = |more: &[(&str, &str)]| {
            raw(&[&POST[..], &[("from_day", "2020-02-05"), ("key", key.as_str())], more].concat())
        };
        for (more, field) in [
            (&[("name", "无此人")][..], "name"),
            (&[("key", "")], "name"),
            (&[("post", "")], "post"),
            (&[("from_day", "2020-02-21")], "from_day"),
            (&[("to_day", "2020-02-01")], "to_day"),
            (&[("stand_in", "钱助"), ("stand_in_unit", "县水利局")], "stand_in"),
            (&[("stand_in", "孙代")], "stand_in_unit"),
        ] {
            let refused = deployments::record(&app, &county, ids::new_id(), &form(more)).await.unwrap_err();
            assert_eq!(fields_of(&refused), [field], "{more:?}");
        }
        let id = ids::new_id();
        deployments::record(&app, &county, id, &form(&[])).await.unwrap();
        deployments::record(&app, &county, id, &form(&[])).await.unwrap();
        let stored = deployments::one(&app, &county.scope, id).await.unwrap();
        assert_eq!((stored.division_code.as_str(), stored.households, stored.version), ("990101", 2, 1));
        let twice = deployments::record(&app, &county, ids::new_id(), &form(&[])).await.unwrap_err();
        assert_eq!(fields_of(&twice), ["from_day"], "nobody is at two posts on one day");

        // Nobody stands in: the household says so, and so does the list of those without anybody.
        let day = "2020-02-20";
        let carers = deployments::carers(&app, &[one, two, three, four], day).await.unwrap();
        let away: Vec<bool> = [one, two, three, four].iter().map(|id| carers[id][0].deployment_id.is_some()).collect();
        assert_eq!(away, [true, false, true, false], "another of that name is still there");
        assert_eq!(deployments::list(&app, &county, &county.scope, Which::Uncovered).await.unwrap().len(), 1);
        assert!(register::own_households(&app, &stand_in).await.unwrap().unwrap().is_empty());

        let change =
            |version: &str, more: &[(&str, &str)]| raw(&[&[("version", version), ("note", "安排代管")], more].concat());
        let named = [("stand_in", "孙代"), ("stand_in_unit", "县林业局")];
        deployments::change(&app, &county, id, &change("1", &named)).await.unwrap();
        let stale = deployments::change(&app, &county, id, &change("1", &named)).await.unwrap_err();
        assert_eq!(stale.code(), "relief.stale");
        let carers = deployments::carers(&app, &[one], day).await.unwrap();
        assert_eq!((carers[&one][0].name.as_str(), carers[&one][0].stand_in.as_str()), ("钱助", "孙代"));
        // Whoever stands in sees these households for that time, and only as long as it lasts.
        let own = register::own_households(&app, &stand_in).await.unwrap().unwrap();
        assert_eq!((own.len(), own.contains(&one), own.contains(&three)), (2, true, true));
        screen::record(&app, &stand_in, one, ids::new_id(), &world::contact("2020-02-19")).await.unwrap();
        // Whoever stands in cannot be sent away at that time.
        helper(&app, four, OTHER, "孙代", "县林业局", None).await;
        let sent = raw(&[
            ("kind", "helper"),
            ("name", "孙代"),
            ("unit", "县林业局"),
            ("post", "医院"),
            ("from_day", "2020-02-10"),
        ]);
        let second = ids::new_id();
        deployments::record(&app, &county, second, &sent).await.unwrap();
        let gone = deployments::change(&app, &county, id, &change("2", &named)).await.unwrap_err();
        assert_eq!(fields_of(&gone), ["stand_in"]);
        let mut ended = change("2", &named);
        ended.insert("to_day".to_owned(), "2020-02-09".to_owned());
        deployments::change(&app, &county, id, &ended).await.unwrap();
        assert_eq!(register::own_households(&app, &stand_in).await.unwrap().unwrap().len(), 1, "the own one is left");
        let carers = deployments::carers(&app, &[one], day).await.unwrap();
        assert!(carers[&one][0].deployment_id.is_none(), "back");
        assert_eq!(deployments::list(&app, &county, &county.scope, Which::All).await.unwrap().len(), 2);
        assert_eq!(deployments::list(&app, &county, &county.scope, Which::Now).await.unwrap().len(), 1);
        // From below, those of the county are seen with the own households alone; elsewhere they are not there.
        let seen = deployments::list(&app, &township, &township.scope, Which::All).await.unwrap();
        assert_eq!(seen.iter().map(|one| one.households).collect::<Vec<_>>(), [1]);
        let foreign = world::user(&app, "foreign", Role::CountyStaff, "990202").await;
        assert_eq!(deployments::one(&app, &foreign.scope, id).await.unwrap_err().code(), "relief.not_found");
        audit::verify(&app.db).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_of_a_work_team_is_sent_and_the_village_says_so() {
    each_database(|app| async move {
        let [one, ..] = homes(&app).await;
        world::team_member(&app, VILLAGE, "周驻").await;
        let server = TestApp::new(&app);
        let mut township = server.login(Role::TownshipStaff, "990101001").await;
        let mut village = server.login(Role::VillageOfficer, VILLAGE).await;
        let page = township.get("/deployments/new?q=周").await;
        assert!(page.body.contains("周驻") && page.body.contains("驻 1 个村"), "{}", page.body);
        let id = ids::new_id().to_string();
        let form = [
            ("id", id.as_str()),
            ("kind", "team_member"),
            ("name", "周驻"),
            ("unit", ""),
            ("post", "乡镇卫生院"),
            ("from_day", "2020-02-03"),
        ];
        let reply = township.post("/deployments", &form).await;
        assert_eq!(reply.status, StatusCode::SEE_OTHER, "{}", reply.body);
        let page = township.get(reply.location()).await;
        assert!(page.body.contains("乡镇卫生院") && page.body.contains("无人代管"), "{}", page.body);
        let page = village.get(&format!("/households/{one}/care")).await;
        assert!(page.body.contains("周驻已抽调至乡镇卫生院，无人代管"), "{}", page.body);
        let mut part = village.clone().with("hx-request", "true");
        let page = part.get(&format!("/households/{one}/carers")).await;
        assert!(page.body.contains("周驻已抽调至乡镇卫生院，无人代管"), "{}", page.body);
        let page = village.get("/deployments").await;
        assert!(page.body.contains("周驻") && !page.body.contains("/deployments/new"), "{}", page.body);
        // A contribution is written down on the way, and shows with the rest.
        let base = format!("/households/{one}/contributions");
        let id = ids::new_id().to_string();
        let gift = [
            ("id", id.as_str()),
            ("kind", "money"),
            ("who", "赵1"),
            ("given_on", "2020-02-20"),
            ("amount", "一百"),
            ("for_whom", "县医院"),
        ];
        let reply = village.post(&base, &gift).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
        let gift: Vec<(&str, &str)> = gift.iter().map(|(f, v)| (*f, if *f == "amount" { "100" } else { *v })).collect();
        let reply = village.post(&base, &gift).await;
        assert_eq!(reply.status, StatusCode::SEE_OTHER, "{}", reply.body);
        let page = village.get(reply.location()).await;
        assert!(page.body.contains("捐款 100 元") && page.body.contains("尚未致谢"), "{}", page.body);
        let page = village.get("/contributions").await;
        assert!(page.body.contains("捐款 100 元"), "{}", page.body);
        let thank = [("thanked_on", "2020-02-20"), ("thanked_how", "上门致谢"), ("back", "/contributions?kind=money")];
        let reply = village.post(&format!("/contributions/{id}/thank"), &thank).await;
        assert_eq!((reply.status, reply.location()), (StatusCode::SEE_OTHER, "/contributions?kind=money"));
        // The list of those who were not reached names who answers for them.
        let page = village.get("/contacts/list?days=30").await;
        assert!(page.body.contains("没有帮扶责任人") && page.body.contains("从未联系"), "{}", page.body);
        let page = village.get("/contacts").await;
        assert!(page.body.contains("figure=missed"), "{}", page.body);
    })
    .await;
}
