//! The words of a line and the times of a table, as every grammar has them. Each grammar adds its own words.

use std::collections::VecDeque;

use schemas::Timestamp;

/// 2 March 2026, the day of every table, in milliseconds since the epoch.
const MIDNIGHT: i64 = 1_772_409_600_000;

/// `10:00`, `10:00:01`, `10:00:01.250`.
pub fn time(word: &str) -> Option<Timestamp> {
    let (clock, millis) = word.split_once('.').unwrap_or((word, "0"));
    let parts: Vec<i64> = clock.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let (hour, minute, second) = match parts[..] {
        [hour, minute] => (hour, minute, 0),
        [hour, minute, second] => (hour, minute, second),
        _ => return None,
    };
    let fits = (0..24).contains(&hour) && (0..60).contains(&minute) && (0..60).contains(&second);
    let millis: i64 = millis.parse().ok().filter(|m| (0..1000).contains(m))?;
    fits.then_some(Timestamp(MIDNIGHT + ((hour * 60 + minute) * 60 + second) * 1000 + millis))
}

/// The same as text, with seconds, and with a fraction where there is one.
pub fn show_time(at: Timestamp) -> String {
    let millis = at.0 - MIDNIGHT;
    let (seconds, rest) = (millis.div_euclid(1000), millis.rem_euclid(1000));
    let fraction = if rest == 0 { String::new() } else { format!(".{rest:03}") };
    format!("{:02}:{:02}:{:02}{fraction}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// What is left of a line; a comma or colon at the end of a word is a word of its own.
pub struct Words<'a>(VecDeque<&'a str>);

#[allow(dead_code, reason = "not every grammar has each of them")]
impl<'a> Words<'a> {
    pub fn new(text: &'a str) -> Words<'a> {
        let split = |word: &'a str| {
            let end = word.len() - usize::from(word.ends_with([',', ':']));
            [&word[..end], &word[end..]]
        };
        Words(text.split_whitespace().flat_map(split).filter(|word| !word.is_empty()).collect())
    }

    pub fn next(&mut self, what: &str) -> Result<&'a str, String> {
        self.0.pop_front().ok_or(format!("{what} is missing"))
    }

    pub fn peek(&self) -> Option<&'a str> {
        self.0.front().copied()
    }

    pub fn eat(&mut self, word: &str) -> bool {
        let there = self.0.front() == Some(&word);
        if there {
            self.0.pop_front();
        }
        there
    }

    pub fn must(&mut self, word: &str) -> Result<(), String> {
        if self.eat(word) { Ok(()) } else { Err(format!("`{word}` is missing")) }
    }

    pub fn end(self) -> Result<(), String> {
        if self.0.is_empty() { Ok(()) } else { Err(format!("`{}` is too much", Vec::from(self.0).join(" "))) }
    }
}
