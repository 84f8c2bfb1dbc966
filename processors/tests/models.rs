//! Recomputes every `worked` line of `docs/models.md` with the code that runs: a figure there that is not what Waybill
//! computes is a failure.
#![allow(clippy::unwrap_used, reason = "a test that cannot read its document has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use schemas::{Cause, Source, Timestamp};
use waybill_processors::Trigger;
use waybill_processors::demand::model::{Model, Models};
use waybill_processors::demand::reorder::{days_of_cover, economic_order_quantity, reorder_point, safety_stock, z_of};
use waybill_processors::demand::{self, Change, Config, Demand, Figures, Parameters, Product};

#[test]
fn every_worked_line_is_what_the_code_computes() {
    let document = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/models.md")).unwrap();
    let (mut inside, mut names, mut count) = (false, BTreeSet::new(), 0);
    for (number, line) in (1..).zip(document.lines()) {
        match line.trim() {
            "```worked" => inside = true,
            "```" => inside = false,
            line if inside => {
                let (name, is, says) = check(line).unwrap_or_else(|e| panic!("docs/models.md:{number}: {line}\n  {e}"));
                assert_eq!(is, says, "docs/models.md:{number}: {line}");
                names.insert(name.to_owned());
                count += 1;
            }
            _ => {}
        }
    }
    assert!(count >= 30 && names.len() >= 15, "only {count} lines of {} formulas were found", names.len());
}

/// The checker itself must notice a wrong figure.
#[test]
fn a_wrong_line_is_noticed() {
    let outcome = |line: &str| check(line).map(|(_, is, says)| is == says);
    assert_eq!(outcome("eoq(K=100, D=10000, h=50) = 200"), Ok(true));
    assert_eq!(outcome("eoq(K=100, D=10000, h=50) = 400"), Ok(false));
    assert_eq!(outcome("reorder_point(d=30, sigma=5, L=10, sigma_L=0, z=1.65) = 326.2"), Ok(false));
    assert!(outcome("eoq(K=100, D=10000) = 200").is_err());
    assert!(outcome("safety(K=100) = 200").is_err());
}

/// `name(arguments) = figure`: the name, what the code computes to as many decimals, and what the line says.
fn check(line: &str) -> Result<(&str, String, String), String> {
    let (call, says) = line.rsplit_once(" = ").ok_or("no ` = figure` at the end")?;
    let (name, arguments) = call.strip_suffix(')').and_then(|call| call.split_once('(')).ok_or("not like `name(…)`")?;
    let decimals = says.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let value = match name {
        "ses" | "tsb" | "sba" | "sigma" | "spike" => of_days(name, arguments)?,
        _ => formula(name, &named(arguments)?)?,
    };
    Ok((name, format!("{value:.decimals$}"), says.to_owned()))
}

fn named(text: &str) -> Result<BTreeMap<&str, f64>, String> {
    text.split(", ")
        .map(|part| {
            let (name, value) = part.split_once('=').ok_or(format!("`{part}` is not like d=30"))?;
            Ok((name, value.parse().map_err(|_| format!("`{value}` is no number"))?))
        })
        .collect()
}

fn of_days(name: &str, days: &str) -> Result<f64, String> {
    let days: Vec<f64> = days.split(' ').map(|day| day.parse().map_err(|_| format!("`{day}` is no number"))).collect::<Result<_, _>>()?;
    let mut models = Models::default();
    for (day, units) in days.iter().enumerate() {
        models.day(day % 7, *units);
    }
    Ok(match name {
        "ses" => models.expect(Model::Ses, 0),
        "tsb" => models.expect(Model::Tsb, 0),
        "sba" => models.expect(Model::Sba, 0),
        "sigma" => models.sigma(Model::Ses),
        _ => spike(&days),
    })
}

/// The most that a next day counts, by giving it far more: the mean of all days tells.
fn spike(days: &[f64]) -> f64 {
    let config = Config::default();
    let parameters = Parameters::of(&config, &Product::default());
    let figures = Figures { available: 1, incoming: 0 };
    let mut demand: Option<Demand> = None;
    for (day, units) in days.iter().copied().chain([1e9, 0.0]).enumerate() {
        let change = [Change { location: "main", sold: units as i64, returned: 0, before: figures, after: figures }];
        let trigger =
            Trigger { at: Timestamp(day as i64 * 86_400_000), cause: Cause { source: Source::Orders, partition: 0, offset: day as i64 } };
        demand = demand::apply(&config, &parameters, trigger, &demand::Event::Stock(&change), demand.as_ref()).demand.or(demand);
    }
    let mean = demand.unwrap().plan(&config, &parameters, "main").unwrap().demand_per_day;
    mean * (days.len() + 1) as f64 - days.iter().sum::<f64>()
}

fn formula(name: &str, arguments: &BTreeMap<&str, f64>) -> Result<f64, String> {
    let of = |name: &str| arguments.get(name).copied().ok_or(format!("`{name}` is missing"));
    let z = || of("z").or_else(|_| of("service").map(z_of));
    // The variance of a Poisson variable is its mean.
    let sigma = || if arguments.contains_key("poisson") { Ok(of("d")?.sqrt()) } else { of("sigma") };
    Ok(match name {
        "balance" => of("start")? + of("in")? - of("out")?,
        "per_day" => of("units")? / of("days")?,
        "per_minute" => of("units")? / (of("days")? * 24.0 * 60.0),
        "z" => z_of(of("service")?),
        "reorder_point" => reorder_point(of("d")?, sigma()?, of("L")?, of("sigma_L")?, z()?),
        "safety_stock" => safety_stock(of("d")?, sigma()?, of("L")?, of("sigma_L")?, z()?),
        "eoq" => economic_order_quantity(of("K")?, of("D")?, of("h")?),
        "cover" => days_of_cover(of("available")? as i64, of("d")?).ok_or("nothing is sold")?,
        "little" => of("rate_per_day")? / 24.0 * of("hours")?,
        "one_at_a_time" => 1.0 / of("minutes")?,
        "store_bytes" => of("skus")? * of("bytes")?,
        "progress" => of("travelled")? / (of("travelled")? + of("remaining")?),
        "arrival_seconds" => of("remaining")? / of("speed")? + of("service")?,
        _ => return Err(format!("`{name}` is no formula")),
    })
}
