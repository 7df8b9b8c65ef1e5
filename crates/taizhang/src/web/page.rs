//! What the frame of each page needs: language, user, navigation, the form token.

use std::fmt::Display;

use super::WebState;
use super::frame::Visit;
use crate::access::{Actor, Capability};
use crate::platform::{Lang, clock, i18n};

/// Given to each template as `page`.
#[derive(Debug, Clone)]
pub struct Page {
    /// The language of the page.
    pub lang: Lang,
    /// Path and query of the request.
    pub path: String,
    /// Token for the hidden field `csrf` of each form.
    pub csrf: String,
    /// Who is signed in.
    pub user: Option<PageUser>,
    /// The entries of the main navigation that this user may open.
    pub nav: Vec<NavEntry>,
    /// Whether this user may search for people.
    pub search: bool,
    /// What the last action has to say.
    pub flash: Option<Flash>,
}

/// The signed-in user as the frame shows them.
#[derive(Debug, Clone)]
pub struct PageUser {
    /// Name.
    pub name: String,
    /// Role in the page's language.
    pub role_label: String,
    /// Working unit.
    pub unit: String,
    /// Name of the division that they may see.
    pub division_name: String,
}

/// One entry of the main navigation.
#[derive(Debug, Clone)]
pub struct NavEntry {
    /// Where it leads.
    pub href: &'static str,
    /// Its icon.
    pub icon: &'static str,
    /// Its text.
    pub label: String,
    /// Whether the page belongs to it.
    pub active: bool,
}

/// A message shown once, on the page after an action.
#[derive(Debug, Clone)]
pub struct Flash {
    /// ok, info, warn or danger.
    pub tone: String,
    /// The text.
    pub text: String,
}

/// An entry of the navigation: text key, path, icon, and what one must be able to do (one of).
pub(super) struct Nav {
    key: &'static str,
    href: &'static str,
    icon: &'static str,
    any: &'static [Capability],
}

/// The main navigation. An entry whose path no feature serves is left out.
pub(super) const NAV: &[Nav] = &[
    Nav { key: "nav-situation", href: "/situation", icon: "situation", any: &[Capability::ViewFigures] },
    Nav { key: "nav-households", href: "/households", icon: "household", any: &[Capability::ViewHouseholds] },
    Nav {
        key: "nav-comparisons",
        href: "/comparisons",
        icon: "compare",
        any: &[Capability::RunComparison, Capability::ReviewMatches],
    },
    Nav {
        key: "nav-screen",
        href: "/screen",
        icon: "screen",
        any: &[Capability::ViewFigures, Capability::RecordVisits],
    },
    Nav { key: "nav-assess", href: "/assess", icon: "assess", any: &[Capability::RunAssessment] },
    Nav { key: "nav-ledger", href: "/ledger", icon: "ledger", any: &[Capability::ViewItems] },
    Nav { key: "nav-monitor", href: "/monitor", icon: "shield", any: &[Capability::ViewItems] },
    Nav {
        key: "nav-supervise",
        href: "/supervise",
        icon: "supervise",
        any: &[Capability::AssignItems, Capability::CheckItems],
    },
    // Whoever sees figures and items of whole places: not who helps some households, nor who only keeps lists.
    Nav { key: "nav-tasks", href: "/tasks", icon: "calendar", any: &[Capability::AssignItems, Capability::CheckItems] },
    Nav { key: "nav-relief", href: "/relief", icon: "users", any: &[Capability::ViewItems] },
    Nav { key: "nav-imports", href: "/imports", icon: "import", any: &[Capability::ImportRegister] },
    Nav { key: "nav-settings", href: "/settings", icon: "settings", any: &[] },
];

impl Nav {
    fn open_to(&self, state: &WebState, actor: &Actor) -> bool {
        state.serves(self.href) && (self.any.is_empty() || self.any.iter().any(|capability| actor.may(*capability)))
    }
}

/// The first page of the navigation that somebody may open.
pub(super) fn first_page(state: &WebState, actor: &Actor) -> &'static str {
    NAV.iter().find(|nav| nav.open_to(state, actor)).map_or("/settings", |nav| nav.href)
}

impl Page {
    pub(super) fn new(state: &WebState, visit: &Visit, nav: &str) -> Self {
        let lang = visit.lang;
        let user = visit.session.as_ref().map(|session| PageUser {
            name: session.actor.name.clone(),
            role_label: i18n::text(lang, &format!("role-{}", session.actor.role.name())),
            unit: session.actor.unit.clone(),
            division_name: if session.division_name.is_empty() {
                i18n::text(lang, "division-whole")
            } else {
                session.division_name.clone()
            },
        });
        // Before the password is changed nothing else opens.
        let open = visit.session.as_ref().filter(|session| !session.must_change_password);
        let entries = open.iter().flat_map(|session| NAV.iter().filter(|entry| entry.open_to(state, &session.actor)));
        Self {
            lang,
            path: visit.path.clone(),
            csrf: visit.masked_csrf(),
            user,
            nav: entries
                .map(|entry| NavEntry {
                    href: entry.href,
                    icon: entry.icon,
                    label: i18n::text(lang, entry.key),
                    active: entry.key == nav.replace('.', "-"),
                })
                .collect(),
            search: state.serves("/search")
                && open.is_some_and(|session| session.actor.may(Capability::ViewHouseholds)),
            flash: visit.flash.as_ref().map(|(tone, key)| Flash { tone: tone.clone(), text: i18n::text(lang, key) }),
        }
    }

    /// Whether this user has items to be told about.
    pub fn bell(&self) -> bool {
        self.nav.iter().any(|entry| entry.href == "/ledger")
    }

    /// The text of a key.
    pub fn t(&self, key: &str) -> String {
        i18n::text(self.lang, key)
    }

    /// The text of a key with one named value.
    pub fn t1(&self, key: &str, name: &'static str, value: impl Display) -> String {
        i18n::text_with(self.lang, key, &[(name, value.to_string())])
    }

    /// The text of a key with two named values.
    pub fn t2(
        &self,
        key: &str,
        name: &'static str,
        value: impl Display,
        name2: &'static str,
        value2: impl Display,
    ) -> String {
        i18n::text_with(self.lang, key, &[(name, value.to_string()), (name2, value2.to_string())])
    }

    /// Date and time of `ms` in China, to the minute.
    pub fn time(&self, ms: &i64) -> String {
        clock::local(*ms).format("%Y-%m-%d %H:%M").to_string()
    }

    /// [`Page::time`], or a dash.
    pub fn time_or_dash(&self, ms: &Option<i64>) -> String {
        ms.as_ref().map_or_else(|| "—".to_owned(), |ms| self.time(ms))
    }

    /// The address of an asset with its fingerprint, which browsers may keep for good.
    pub fn asset(&self, path: &str) -> String {
        super::assets::address(path)
    }
}
