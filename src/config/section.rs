//! One table of a TOML file, read key by key: remembers which keys are known, gathers what is wrong with the others.
//! Knows TOML, and nothing of what the keys mean.

use std::borrow::Cow;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Something wrong, at a byte of the file.
#[derive(Debug)]
pub(super) struct Finding {
    pub at: usize,
    pub message: String,
}

pub(super) struct Section<'a, 'f> {
    table: &'a DeTable<'a>,
    /// `orders`, `topics.orders`; empty for the whole file.
    path: String,
    known: Vec<String>,
    findings: &'f mut Vec<Finding>,
}

impl<'a, 'f> Section<'a, 'f> {
    pub fn root(table: &'a DeTable<'a>, findings: &'f mut Vec<Finding>) -> Section<'a, 'f> {
        Section { table, path: String::new(), known: vec![], findings }
    }

    /// Somebody may have put a key anywhere: what is repeated of the file is repeated without it.
    pub fn complain(&mut self, at: usize, message: String) {
        let clean = match signatures::redacted(&message) {
            Cow::Owned(clean) => Some(clean),
            Cow::Borrowed(_) => None,
        };
        self.findings.push(Finding { at, message: clean.unwrap_or(message) });
    }

    /// The value as it stands there. Whoever shows it must not show a key.
    pub fn get(&mut self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.known.push(key.to_owned());
        self.table.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
    }

    /// Complains that `key` is not `what`.
    fn wrong(&mut self, key: &str, value: &Spanned<DeValue<'_>>, what: &str) {
        let is = match value.get_ref() {
            DeValue::String(text) => format!("\"{text}\""),
            DeValue::Integer(number) => number.to_string(),
            DeValue::Float(number) => number.to_string(),
            DeValue::Boolean(flag) => flag.to_string(),
            DeValue::Datetime(time) => time.to_string(),
            DeValue::Array(_) => "an array".to_owned(),
            DeValue::Table(_) => "a table".to_owned(),
        };
        self.complain(value.span().start, format!("`{key}` must be {what}, not {is}"));
    }

    /// A table within this one.
    pub fn section(&mut self, key: &str) -> Option<Section<'a, '_>> {
        let value = self.get(key)?;
        let Some(table) = value.get_ref().as_table() else {
            self.wrong(key, value, &format!("a section: [{}]", self.join(key)));
            return None;
        };
        Some(Section { table, path: self.join(key), known: vec![], findings: self.findings })
    }

    fn join(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    pub fn has(&self, key: &str) -> bool {
        self.table.iter().any(|(name, _)| name.get_ref() == key)
    }

    /// Where the value of `key` is; the beginning of the file if it is not there.
    pub fn place(&self, key: &str) -> usize {
        self.table.iter().find(|(name, _)| name.get_ref() == key).map_or(0, |(_, value)| value.span().start)
    }

    /// A list, and where it is. What stands there instead is not repeated.
    pub fn list(&mut self, key: &str, what: &str) -> Option<(&'a [Spanned<DeValue<'a>>], usize)> {
        let value = self.get(key)?;
        let at = value.span().start;
        let list = value.get_ref().as_array();
        if list.is_none() {
            self.complain(at, format!("`{key}` must be {what}"));
        }
        list.map(|list| (&**list, at))
    }

    /// A table in the list `key` of this one.
    pub fn within<'s>(&'s mut self, table: &'s DeTable<'s>, key: &str) -> Section<'s, 's> {
        Section { table, path: self.join(key), known: vec![], findings: self.findings }
    }

    /// Text that is not empty, and where it is.
    pub fn text(&mut self, key: &str) -> Option<(&'a str, usize)> {
        let value = self.get(key)?;
        match value.get_ref() {
            DeValue::String(text) if !text.is_empty() => Some((text, value.span().start)),
            _ => {
                self.wrong(key, value, "text in quotes");
                None
            }
        }
    }

    pub fn integer(&mut self, key: &str, least: i64, most: i64) -> Option<i64> {
        let value = self.get(key)?;
        let number = value.get_ref().as_integer().and_then(|n| i64::from_str_radix(n.as_str(), n.radix()).ok());
        let number = number.filter(|n| (least..=most).contains(n));
        if number.is_none() {
            self.wrong(key, value, &format!("a whole number from {least} to {most}"));
        }
        number
    }

    /// A number, with or without a fraction.
    pub fn number(&mut self, key: &str, least: f64, most: f64) -> Option<f64> {
        let value = self.get(key)?;
        let number = match value.get_ref() {
            DeValue::Integer(n) => i64::from_str_radix(n.as_str(), n.radix()).ok().map(|n| n as f64),
            DeValue::Float(n) => n.as_str().parse().ok(),
            _ => None,
        };
        let number = number.filter(|n| (least..=most).contains(n));
        if number.is_none() {
            self.wrong(key, value, &format!("a number from {least} to {most}"));
        }
        number
    }

    pub fn flag(&mut self, key: &str) -> Option<bool> {
        let value = self.get(key)?;
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            self.wrong(key, value, "true or false");
        }
        flag
    }

    /// One of a few words.
    pub fn choice<T: Copy>(&mut self, key: &str, choices: &[(&str, T)]) -> Option<T> {
        let value = self.get(key)?;
        let chosen = choices.iter().find(|(word, _)| value.get_ref().as_str() == Some(word)).map(|(_, choice)| *choice);
        if chosen.is_none() {
            let words: Vec<String> = choices.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            self.wrong(key, value, &words.join(" or "));
        }
        chosen
    }

    /// Hands over every key with its value and place: for tables whose keys are free.
    pub fn each(mut self, mut take: impl FnMut(&mut Section<'a, 'f>, &str, &DeValue<'a>, usize)) {
        let table = self.table;
        for (key, value) in table {
            take(&mut self, key.get_ref(), value.get_ref(), key.span().start);
        }
    }

    /// Complains about every key that nobody asked for.
    pub fn finish(mut self) {
        let place = if self.path.is_empty() { String::new() } else { format!(" in [{}]", self.path) };
        self.leftovers(&|key| format!("unknown key `{key}`{place}"));
    }

    /// The same in other words: `` `key` <complaint> ``.
    pub fn finish_with(&mut self, complaint: &str) {
        self.leftovers(&|key| format!("`{key}` {complaint}"));
    }

    fn leftovers(&mut self, say: &dyn Fn(&str) -> String) {
        let table = self.table;
        for (key, _) in table {
            if !self.known.iter().any(|known| known == key.get_ref()) {
                let advice = self.advice(key.get_ref());
                self.complain(key.span().start, format!("{}; {advice}", say(key.get_ref())));
            }
        }
    }

    fn advice(&self, key: &str) -> String {
        let nearest = self.known.iter().map(|known| (strsim::jaro_winkler(key, known), known)).max_by(|a, b| a.0.total_cmp(&b.0));
        match nearest {
            Some((likeness, known)) if likeness > 0.8 => format!("did you mean `{known}`?"),
            _ => format!("there are {}", self.known.join(", ")),
        }
    }
}
