//! The words of the tables, as `tests/scenarios/alerts/README.md` describes them, carried out on a [`Shelf`]. Strict:
//! what is not understood is an error.

use std::collections::BTreeMap;
use std::fmt::Write;

use schemas::alert::{Alert, AlertState};
use schemas::forecast::Forecast;
use schemas::input::RestockKind;
use schemas::message::{Row, StockCommand};
use schemas::{Few, Timestamp};
use waybill_processors::demand::reorder::z_of;

use super::shelf::Shelf;

/// Midnight before day 1, a Monday.
const START: i64 = 1_772_409_600_000;
const DAY: i64 = 86_400_000;

pub struct Table {
    shelf: Shelf,
    day: i64,
    now: Timestamp,
    outputs: Vec<String>,
    show_forecasts: bool,
    sold: BTreeMap<String, Few<Row>>,
    ids: u32,
}

type Outcome = Result<(), String>;

impl Table {
    pub fn new() -> Table {
        Table { shelf: Shelf::new(), day: 1, now: Timestamp(START), outputs: vec![], show_forecasts: false, sold: BTreeMap::new(), ids: 0 }
    }

    pub fn line(&mut self, text: &str) -> Outcome {
        if let Some(expected) = text.strip_prefix("->") {
            let expected = expected.split_whitespace().collect::<Vec<_>>().join(" ");
            if self.outputs.is_empty() {
                return Err("nothing more came".into());
            }
            let actual = self.outputs.remove(0);
            return if actual == expected { Ok(()) } else { Err(format!("came: {actual}")) };
        }
        self.nothing_left()?;
        let words: Vec<&str> = text.split_whitespace().collect();
        match words[..] {
            ["day", day] => {
                self.day = number(day)?;
                Ok(())
            }
            ["config", setting] => self.set(setting),
            ["stock:", ..] => check(&self.stock(None)?, text, "stock: "),
            ["stock", place, ..] => check(&self.stock(Some(place.trim_end_matches(':')))?, text, &format!("stock {place} ")),
            ["forecast:", ..] => {
                let shown = total(&self.shelf.forecast(self.now).ok_or("nothing was heard of the SKU")?);
                check(&shown, text, "forecast: ")
            }
            ["forecast", place, ..] => check(&self.forecast(place.trim_end_matches(':'))?, text, &format!("forecast {place} ")),
            [time, ref rest @ ..] => {
                self.now = self.time(time)?;
                self.act(self.now, rest)?;
                self.gather();
                Ok(())
            }
            [] => Ok(()),
        }
    }

    pub fn nothing_left(&self) -> Outcome {
        if self.outputs.is_empty() { Ok(()) } else { Err(format!("came and is not expected: {}", self.outputs.join(" | "))) }
    }

    fn set(&mut self, setting: &str) -> Outcome {
        let (name, value) = setting.split_once('=').ok_or(format!("`{setting}` is not a setting"))?;
        let config = &mut self.shelf.config;
        let float = || value.parse::<f64>().map_err(|_| format!("`{value}` is no number"));
        match name {
            "service" => config.z = z_of(float()?),
            "z" => config.z = float()?,
            "hysteresis" => config.hysteresis = float()?,
            "delay" => config.raise_after_seconds = number(value)? as u32,
            "utc" => config.utc_offset_minutes = number(value)? as i32,
            "lead_sigma" => config.defaults.lead_time_sigma_days = float()?,
            "lead" => self.shelf.product.lead_time_days = Some(number(value)? as u32),
            "order_cost" => self.shelf.product.order_cost = Some(number(value)?),
            "holding_cost" => self.shelf.product.holding_cost = Some(number(value)?),
            "price" => self.shelf.product.price = Some(number(value)?),
            "fixed" => self.shelf.product.reorder_point = Some(number(value)?),
            "mute" => self.shelf.product.mute = value == "true",
            "forecasts" => self.show_forecasts = value == "shown",
            _ => return Err(format!("`{setting}` is not a setting")),
        }
        Ok(())
    }

    /// `10:00` or `10:00:30`, of the present day.
    fn time(&self, word: &str) -> Result<Timestamp, String> {
        let parts: Vec<i64> =
            word.split(':').map(|part| part.parse().map_err(|_| format!("`{word}` is not a time like 10:00"))).collect::<Result<_, _>>()?;
        let seconds = match parts[..] {
            [hour @ 0..24, minute @ 0..60] => hour * 3600 + minute * 60,
            [hour @ 0..24, minute @ 0..60, second @ 0..60] => hour * 3600 + minute * 60 + second,
            _ => return Err(format!("`{word}` is not a time like 10:00")),
        };
        Ok(Timestamp(START + (self.day - 1) * DAY + seconds * 1000))
    }

    fn act(&mut self, at: Timestamp, words: &[&str]) -> Outcome {
        // The same on several days, up to and with the last.
        if let [what @ .., "on", "workdays", "until", "day", last] = words {
            return self.repeat(at, what, number(last)?, |day| (day - 1) % 7 < 5);
        }
        if let [what @ .., "every", step, "days", "until", "day", last] = words {
            let (step, first) = (number(step)?, self.day);
            return self.repeat(at, what, number(last)?, move |day| (day - first) % step == 0);
        }
        if let [what @ .., "until", "day", last] = words {
            return self.repeat(at, what, number(last)?, |_| true);
        }
        self.once(at, words)
    }

    fn repeat(&mut self, at: Timestamp, what: &[&str], last: i64, on: impl Fn(i64) -> bool) -> Outcome {
        let first = self.day;
        for day in (first..=last).filter(|day| on(*day)) {
            self.day = day;
            self.now = Timestamp(at.0 + (day - first) * DAY);
            self.act(self.now, what)?;
        }
        self.day = last;
        Ok(())
    }

    fn once(&mut self, at: Timestamp, words: &[&str]) -> Outcome {
        let (words, place) = match words {
            [rest @ .., "at", place] => (rest, Some(*place)),
            rest => (rest, None),
        };
        let here = place.unwrap_or("main");
        self.ids += 1;
        let own_id = format!("#{}", self.ids);
        match *words {
            ["tick"] => self.shelf.fire_timers(at),
            ["restock", units] => self.shelf.restock(at, &own_id, here, number(units)?, RestockKind::Received)?,
            ["expect", id, units] => self.shelf.restock(at, id, here, number(units)?, RestockKind::Expected { expected_at: None })?,
            ["receive", id, units] => self.shelf.restock(at, id, here, number(units)?, RestockKind::Received)?,
            ["damage", units] => self.shelf.restock(at, &own_id, here, number(units)?, RestockKind::Damaged)?,
            ["transfer", units, "to", to] => {
                let kind = RestockKind::Transfer { to_location: to.to_owned().into() };
                self.shelf.restock(at, &own_id, here, number(units)?, kind)?;
            }
            ["count", units] => self.shelf.count(at, &own_id, here, number(units)?)?,
            ["hold", id, units] => {
                if !self.shelf.hold(at, id, place, number(units)?)? {
                    self.outputs.push("not enough".into());
                }
            }
            ["release", id] => drop(self.shelf.end(at, id, |rows| StockCommand::Release { rows })?),
            ["expire", id] => drop(self.shelf.end(at, id, |rows| StockCommand::Expire { rows })?),
            ["take", id] => {
                let rows = self.shelf.end(at, id, |rows| StockCommand::Sell { rows })?;
                self.sold.insert(id.into(), rows);
            }
            // Hold and sale at once, of nobody in particular.
            ["sell", units] => self.sell(at, &own_id, place, number(units)?)?,
            ["sell", id, units] => self.sell(at, id, place, number(units)?)?,
            ["return", id] => {
                let rows = self.sold.remove(id).ok_or(format!("nothing was sold to {id}"))?;
                self.shelf.put_back(at, id, rows)?;
            }
            ["return", id, units] => {
                let location = self.sold.get(id).and_then(|rows| rows.first()).ok_or(format!("nothing was sold to {id}"))?.location.clone();
                self.shelf.put_back(at, id, Few::from_iter([Row { location, quantity: number(units)? }]))?;
            }
            ["product", ref settings @ ..] if !settings.is_empty() => {
                for setting in settings {
                    if *setting == "computed" {
                        self.shelf.product.reorder_point = None;
                    } else {
                        self.set(setting)?;
                    }
                }
                self.shelf.product_changed(at);
            }
            _ => return Err("not something that happens".into()),
        }
        Ok(())
    }

    fn sell(&mut self, at: Timestamp, id: &str, place: Option<&str>, units: i64) -> Outcome {
        if !self.shelf.hold(at, id, place, units)? {
            self.outputs.push("not enough".into());
            return Ok(());
        }
        let rows = self.shelf.end(at, id, |rows| StockCommand::Sell { rows })?;
        self.sold.insert(id.into(), rows);
        Ok(())
    }

    fn gather(&mut self) {
        for alert in self.new_alerts() {
            let text = self.alert(&alert);
            self.outputs.push(text);
        }
        for forecast in std::mem::take(&mut self.shelf.forecasts) {
            if self.show_forecasts {
                self.outputs.push(format!("forecast {}: {}", when(forecast.at), total(&forecast)));
            }
        }
    }

    fn new_alerts(&mut self) -> Vec<Alert> {
        let new = self.shelf.alerts[self.shelf.told..].to_vec();
        self.shelf.told = self.shelf.alerts.len();
        new
    }

    /// `raised 1 main low: 18 of 20, order 38`: position of reorder point.
    fn alert(&self, alert: &Alert) -> String {
        let Alert { location, episode, inventory_position, reorder_point, .. } = alert;
        let severity = alert.severity.word();
        let mut text = format!("{} {episode} {location} {severity}: {inventory_position} of {reorder_point}", alert.state.word());
        if alert.state == AlertState::Raised {
            let _ = write!(text, ", order {}", alert.suggested_quantity);
        }
        if alert.at != self.now {
            let _ = write!(text, " ({})", when(alert.at));
        }
        text
    }

    fn stock(&self, place: Option<&str>) -> Result<String, String> {
        let level = self.shelf.stock().ok_or("nothing was heard of the SKU")?.level();
        let row = match place {
            None => (level.on_hand, level.reserved, level.incoming),
            Some(place) => {
                let row = level.locations.iter().find(|row| &*row.location == place).ok_or("the SKU was never there")?;
                (row.on_hand, row.reserved, row.incoming)
            }
        };
        let incoming = if row.2 == 0 { String::new() } else { format!(", incoming {}", row.2) };
        Ok(format!("on hand {}, reserved {}{incoming}", row.0, row.1))
    }

    /// `ses 5.1 ± 2, order 34 at 40`, one place.
    fn forecast(&self, place: &str) -> Result<String, String> {
        let plan = self.shelf.plan(place).ok_or("the place is not watched")?;
        let (model, demand, sigma) = (plan.model.word(), short(plan.demand_per_day), short(plan.sigma));
        Ok(format!("{model} {demand} ± {sigma}, order {} at {}", plan.order_quantity, plan.reorder_point))
    }
}

/// `ses 5.1 ± 2, order 34 at 40, lasts 2.4 days`, all places.
fn total(f: &Forecast) -> String {
    let lasts = f.days_of_cover.map_or("is not sold".into(), |days| format!("lasts {} days", short(days)));
    format!("{} {} ± {}, order {} at {}, {lasts}", f.model, short(f.demand_per_day), short(f.sigma), f.order_quantity, f.reorder_point)
}

/// `day 3 10:15`.
fn when(at: Timestamp) -> String {
    let (day, millis) = ((at.0 - START).div_euclid(DAY) + 1, (at.0 - START).rem_euclid(DAY));
    let seconds = millis / 1000;
    let tail = if seconds % 60 == 0 { String::new() } else { format!(":{:02}", seconds % 60) };
    format!("day {day} {:02}:{:02}{tail}", seconds / 3600, seconds / 60 % 60)
}

/// At most two decimals.
fn short(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn check(actual: &str, text: &str, prefix: &str) -> Outcome {
    let expected = text.strip_prefix(prefix).ok_or(format!("is like `{prefix}…`"))?.trim();
    if actual == expected { Ok(()) } else { Err(format!("is: {actual}")) }
}

fn number(word: &str) -> Result<i64, String> {
    word.replace('_', "").parse().map_err(|_| format!("`{word}` is no whole number"))
}
