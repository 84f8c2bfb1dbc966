//! The command line of `bench/fleet`'s programs: a command, then `--name value` in any order. Knows no names and so
//! refuses none; `probe` and `ceiling` have clap instead.

use std::collections::HashMap;
use std::str::FromStr;

/// What was given. A name that is given several times has its last value, but for [`Args::all`].
pub struct Args {
    pub cmd: String,
    values: HashMap<String, Vec<String>>,
}

impl Args {
    /// Ends the process with exit code 2 at anything that does not begin with `--`.
    pub fn parse() -> Args {
        let mut words = std::env::args().skip(1).peekable();
        let cmd = words.next().unwrap_or_default();
        let mut values: HashMap<String, Vec<String>> = HashMap::new();
        while let Some(word) = words.next() {
            let Some(name) = word.strip_prefix("--") else { fail(&format!("unexpected argument {word}")) };
            let (name, value) = match name.split_once('=') {
                Some((name, value)) => (name, value.to_owned()),
                None => (name, words.next_if(|next| !next.starts_with("--")).unwrap_or_else(|| "true".to_owned())),
            };
            values.entry(name.to_owned()).or_default().push(value);
        }
        Args { cmd, values }
    }

    pub fn opt(&self, name: &str) -> Option<&str> {
        self.values.get(name).and_then(|all| all.last()).map(String::as_str)
    }

    pub fn str<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        self.opt(name).unwrap_or(default)
    }

    pub fn all(&self, name: &str) -> Vec<String> {
        self.values.get(name).cloned().unwrap_or_default()
    }

    pub fn flag(&self, name: &str) -> bool {
        self.opt(name).is_some_and(|value| value != "false")
    }

    /// Ends the process with exit code 2 if it is no number.
    pub fn num<T: FromStr>(&self, name: &str, default: T) -> T {
        let Some(value) = self.opt(name) else { return default };
        value.parse().unwrap_or_else(|_| fail(&format!("--{name}: bad number {value}")))
    }

    pub fn bootstrap(&self) -> &str {
        self.str("bootstrap", "127.0.0.1:19092")
    }
}

fn fail(why: &str) -> ! {
    eprintln!("{why}");
    std::process::exit(2)
}
