//! `[registry]`: where the schemas of topics in Avro are.

use super::section::Section;

/// A Schema Registry with the Confluent API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry {
    /// Without a slash at its end.
    pub url: String,
    /// How long an answer may take.
    pub timeout_ms: u32,
}

const DEFAULT_TIMEOUT_MS: u32 = 5_000;

pub(super) fn read(registry: &mut Section<'_, '_>) -> Option<Registry> {
    let timeout_ms = registry.integer("timeout_ms", 50, 60_000).map_or(DEFAULT_TIMEOUT_MS, |n| n as u32);
    let (url, at) = registry.text("url")?;
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    if rest.is_none_or(|rest| rest.is_empty() || rest.starts_with('/') || rest.contains(char::is_whitespace)) {
        registry.complain(at, format!("`url` must be a URL such as \"http://127.0.0.1:8081\", not \"{url}\""));
    } else if rest.is_some_and(|rest| rest.contains('@')) {
        registry.complain(at, "`url` must not hold a password: set WAYBILL_REGISTRY_USERINFO to user:password".into());
    }
    Some(Registry { url: url.trim_end_matches('/').to_owned(), timeout_ms })
}
