//! Texts in Chinese and English: Fluent files under `locales/<language>/<feature>.ftl`, built into the binary.

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "locales/"]
struct Locales;

/// A language of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
pub enum Lang {
    /// 简体中文.
    #[default]
    #[serde(rename = "zh-CN")]
    Zh,
    /// English.
    #[serde(rename = "en")]
    En,
}

impl Lang {
    /// Every language, the first one leading.
    pub const ALL: [Self; 2] = [Self::Zh, Self::En];

    /// The BCP 47 tag.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Zh => "zh-CN",
            Self::En => "en",
        }
    }

    /// The language of a tag such as `zh`, `zh-Hans-CN`, `en_GB.UTF-8`.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let tag = tag.to_ascii_lowercase();
        if tag.starts_with("zh") {
            Some(Self::Zh)
        } else if tag.starts_with("en") {
            Some(Self::En)
        } else {
            None
        }
    }
}

impl std::fmt::Display for Lang {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.tag())
    }
}

static BUNDLES: LazyLock<[FluentBundle<FluentResource>; 2]> = LazyLock::new(|| Lang::ALL.map(load));

fn load(lang: Lang) -> FluentBundle<FluentResource> {
    let language = lang.tag().parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![language]);
    // The isolation marks would end up in exported files and in copied text.
    bundle.set_use_isolating(false);
    for path in Locales::iter().filter(|p| p.starts_with(lang.tag()) && p.ends_with(".ftl")) {
        let Some(file) = Locales::get(&path) else {
            continue;
        };
        let text = String::from_utf8_lossy(&file.data).into_owned();
        let resource = match FluentResource::try_new(text) {
            Ok(resource) => resource,
            Err((resource, errors)) => {
                tracing::error!(%path, ?errors, "a text file has errors");
                resource
            }
        };
        if let Err(errors) = bundle.add_resource(resource) {
            tracing::error!(%path, ?errors, "a text is defined twice");
        }
    }
    bundle
}

fn bundle(lang: Lang) -> &'static FluentBundle<FluentResource> {
    &BUNDLES[lang as usize]
}

/// The text of `key`; the key itself where there is none, so that a gap is seen and nothing breaks.
pub fn text(lang: Lang, key: &str) -> String {
    text_with(lang, key, &[])
}

/// The text of `key` with named values. A dot in `key` counts as a hyphen.
pub fn text_with(lang: Lang, key: &str, args: &[(&str, String)]) -> String {
    let key = key.replace('.', "-");
    let bundle = bundle(lang);
    let Some(pattern) = bundle.get_message(&key).and_then(|message| message.value()) else {
        return key;
    };
    let mut values = FluentArgs::new();
    for (name, value) in args {
        // A whole number goes in as a number so that plural forms can be chosen by it.
        match value.parse::<i64>() {
            Ok(number) if value.len() < 10 && number.to_string() == *value => values.set(*name, number),
            _ => values.set(*name, value.as_str()),
        }
    }
    let mut errors = Vec::new();
    bundle.format_pattern(pattern, Some(&values), &mut errors).into_owned()
}

/// Whether `key` has a text in that language.
pub fn has(lang: Lang, key: &str) -> bool {
    bundle(lang).get_message(&key.replace('.', "-")).is_some_and(|m| m.value().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn keys(lang: Lang) -> BTreeSet<(String, Vec<String>)> {
        let mut out = BTreeSet::new();
        for path in Locales::iter().filter(|p| p.starts_with(lang.tag())) {
            let text = String::from_utf8(Locales::get(&path).unwrap().data.into_owned()).unwrap();
            assert!(FluentResource::try_new(text.clone()).is_ok(), "{path} has errors");
            let mut key = String::new();
            for line in text.lines() {
                if let Some((name, _)) = line.split_once(" =").filter(|(n, _)| !n.starts_with([' ', '#', '.'])) {
                    key = name.to_owned();
                    out.insert((key.clone(), Vec::new()));
                }
                for variable in line.split('$').skip(1) {
                    let name: String = variable.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                    out.insert((key.clone(), vec![name]));
                }
            }
        }
        out
    }

    #[test]
    fn both_languages_have_the_same_texts_and_variables() {
        let (zh, en) = (keys(Lang::Zh), keys(Lang::En));
        assert_eq!(zh.difference(&en).collect::<Vec<_>>(), Vec::<&(String, Vec<String>)>::new(), "missing in en");
        assert_eq!(en.difference(&zh).collect::<Vec<_>>(), Vec::<&(String, Vec<String>)>::new(), "missing in zh-CN");
        assert!(zh.len() > 20);
    }

    #[test]
    fn tags_as_browsers_and_terminals_say_them() {
        assert_eq!(Lang::from_tag("zh-Hans-CN"), Some(Lang::Zh));
        assert_eq!(Lang::from_tag("en_GB.UTF-8"), Some(Lang::En));
        assert_eq!(Lang::from_tag("C.UTF-8"), None);
    }
}
