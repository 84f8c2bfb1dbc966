//! One question to a Schema Registry over its Confluent API, and one answer. Remembers nothing, tries nothing twice.

use std::fmt::Write as _;
use std::time::Duration;

use schemas::avro::Schema;
use serde::Deserialize;
use serde_json::json;
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

use crate::config;

/// Longest answer, in bytes: a schema's text within JSON.
const MAX_ANSWER_BYTES: u64 = 2 << 20;
/// Most schemas that one schema refers to, by whatever way.
const MAX_REFERENCES: usize = 64;
/// The registry's words for "there is no such subject", "version", "schema".
const NOT_FOUND: [i64; 3] = [40401, 40402, 40403];
/// The media type of the API; some registries insist on it.
const MEDIA_TYPE: &str = "application/vnd.schemaregistry.v1+json";

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// It did not answer, or said that it cannot just now. Asking again is right.
    #[error("{0}")]
    Away(String),
    /// It answered that there is no such thing.
    #[error("{0}")]
    Missing(String),
    /// It answered, and asking again would give the same.
    #[error("{0}")]
    Refused(String),
}

/// What an answer has, as far as it is of use.
#[derive(Deserialize)]
struct Answer {
    schema: Option<String>,
    #[serde(rename = "schemaType")]
    kind: Option<String>,
    #[serde(default)]
    references: Vec<Reference>,
    id: Option<u32>,
    error_code: Option<i64>,
    message: Option<String>,
}

/// A schema that another one uses the types of.
#[derive(Deserialize)]
struct Reference {
    subject: String,
    version: i32,
}

/// A way to one registry.
#[derive(Debug)]
pub struct Client {
    agent: Agent,
    url: String,
    authorization: Option<String>,
}

impl Client {
    /// `userinfo`: `user:password`.
    pub fn new(registry: &config::registry::Registry, userinfo: Option<&str>) -> Client {
        let tls = TlsConfig::builder().provider(TlsProvider::NativeTls).root_certs(RootCerts::PlatformVerifier).build();
        let agent = Agent::config_builder()
            .timeout_global(Some(Duration::from_millis(registry.timeout_ms.into())))
            .http_status_as_error(false)
            .tls_config(tls)
            .build()
            .new_agent();
        Client { agent, url: registry.url.clone(), authorization: userinfo.map(|u| format!("Basic {}", base64(u.as_bytes()))) }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// The schema with an id, with all that it refers to.
    pub fn schema(&self, id: u32) -> Result<Schema, RegistryError> {
        let answer = self.get(&format!("/schemas/ids/{id}"))?;
        let what = format!("schema id {id}");
        let text = avro_text(&answer, &what)?;
        let mut others = vec![];
        let mut open = answer.references;
        while let Some(reference) = open.pop() {
            if others.len() >= MAX_REFERENCES {
                return Err(RegistryError::Refused(format!("{what} refers to more than {MAX_REFERENCES} others")));
            }
            let path = format!("/subjects/{}/versions/{}", escaped(&reference.subject), reference.version);
            let answer = self.get(&path)?;
            let text = avro_text(&answer, &format!("{} version {}", reference.subject, reference.version))?;
            // Two may refer to the same third.
            if !others.contains(&text) {
                others.push(text);
                open.extend(answer.references);
            }
        }
        Schema::parse_with(&text, &others).map_err(|e| RegistryError::Refused(e.to_string()))
    }

    /// It is there, and speaks this API.
    pub fn ping(&self) -> Result<(), RegistryError> {
        self.get("/config").map(|_| ())
    }

    /// The id of a schema under a subject, where it is put if it is not there yet.
    pub fn register(&self, subject: &str, text: &str) -> Result<u32, RegistryError> {
        let request = self.agent.post(format!("{}/subjects/{}/versions", self.url, escaped(subject))).header("Content-Type", MEDIA_TYPE);
        let answer = self.answer(self.authorized(request).send(json!({ "schema": text }).to_string().as_bytes()))?;
        answer.id.ok_or_else(|| RegistryError::Away(format!("{} answered without an id", self.url)))
    }

    fn get(&self, path: &str) -> Result<Answer, RegistryError> {
        let request = self.agent.get(format!("{}{path}", self.url)).header("Accept", MEDIA_TYPE);
        self.answer(self.authorized(request).call())
    }

    fn authorized<B>(&self, request: ureq::RequestBuilder<B>) -> ureq::RequestBuilder<B> {
        match &self.authorization {
            Some(value) => request.header("Authorization", value),
            None => request,
        }
    }

    fn answer(&self, got: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Answer, RegistryError> {
        let away = |why: String| RegistryError::Away(format!("the schema registry {}: {why}", self.url));
        let mut response = got.map_err(|e| away(e.to_string()))?;
        let status = response.status();
        let body = response.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_vec().map_err(|e| away(e.to_string()))?;
        let answer: Option<Answer> = serde_json::from_slice(&body).ok();
        if status.is_success() {
            return answer.ok_or_else(|| away("its answer is not the API's JSON; is the URL right?".into()));
        }
        let said = |answer: &Answer| answer.message.clone().unwrap_or_else(|| status.to_string());
        match answer {
            Some(answer) if answer.error_code.is_some_and(|code| NOT_FOUND.contains(&code)) => {
                Err(RegistryError::Missing(format!("the schema registry {} says: {}", self.url, said(&answer))))
            }
            // A schema that it does not take: incompatible with the versions it has, or not valid.
            Some(answer) if matches!(status.as_u16(), 409 | 422) => {
                Err(RegistryError::Refused(format!("the schema registry {} says: {}", self.url, said(&answer))))
            }
            Some(answer) => Err(away(format!("{status}: {}", said(&answer)))),
            // A proxy's page, or another service: nothing that says anything about a schema.
            None => Err(away(format!("{status}, and not in the words of the API; is the URL right?"))),
        }
    }
}

fn avro_text(answer: &Answer, what: &str) -> Result<String, RegistryError> {
    match (&answer.kind, &answer.schema) {
        (Some(kind), _) if kind != "AVRO" => Err(RegistryError::Refused(format!("{what} is {kind}, not Avro"))),
        (_, Some(text)) => Ok(text.clone()),
        (_, None) => Err(RegistryError::Away(format!("{what}: the answer has no schema"))),
    }
}

/// A subject as part of a path: everything but letters, digits, `-`, `.` and `_` as `%XX`.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_and_passwords_are_escaped() {
        assert_eq!(escaped("shop/orders value"), "shop%2Forders%20value");
        assert_eq!(escaped("order-events-value"), "order-events-value");
        // RFC 7617's example.
        assert_eq!(base64(b"Aladdin:open sesame"), "QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    }
}
