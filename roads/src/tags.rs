//! What OpenStreetMap's tags mean for a car that delivers goods: may it drive here, which way, how fast. The tags are
//! described at <https://wiki.openstreetmap.org/wiki/Key:access>, `Key:oneway`, `Key:maxspeed`, `Key:barrier`.

use schemas::plan::RoadClass;

/// Tags of one object. Few at a time: looking through a list is the fastest map.
#[derive(Clone, Copy, Debug)]
pub struct Tags<'a>(pub &'a [(&'a str, &'a str)]);

impl<'a> Tags<'a> {
    pub fn get(&self, key: &str) -> Option<&'a str> {
        self.0.iter().find(|(k, _)| *k == key).map(|(_, v)| *v)
    }

    /// The first of `keys` that is there: the most special one first.
    fn first(&self, keys: &[&str]) -> Option<&'a str> {
        keys.iter().find_map(|key| self.get(key))
    }
}

/// A road that cars may use. Speeds in km/h along the way's nodes and against them; 0: not that way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drivable {
    pub class: RoadClass,
    pub forward_kmh: u8,
    pub backward_kmh: u8,
}

/// The keys that say who may use something, from the most special to the most general.
const ACCESS: [&str; 4] = ["motorcar", "motor_vehicle", "vehicle", "access"];
const LOWEST_KMH: u8 = 3;
const HIGHEST_KMH: u8 = 140;
/// Walking pace, which `maxspeed=walk` stands for.
const WALK_KMH: u8 = 7;
/// Where there is no limit: the speed that Germany advises, and most vans' end.
const UNLIMITED_KMH: u8 = 130;
const KMH_PER_MPH: f64 = 1.609_344;
/// A road for residents and their guests is open to a delivery, but no way through: so slow that nobody goes through.
const RESIDENTS_KMH: u8 = 10;

/// `None`: no road, or not for cars.
pub fn drivable(tags: Tags) -> Option<Drivable> {
    let highway = tags.get("highway")?;
    let (class, usual_kmh) = class(highway)?;
    let access = tags.first(&ACCESS);
    if access.is_some_and(forbidden) || tags.get("area") == Some("yes") || tags.get("impassable") == Some("yes") {
        return None;
    }
    // Tracks belong to somebody; only those that say so are for the public's cars.
    if highway == "track" && access.is_none() {
        return None;
    }
    let slow = access.is_some_and(|a| matches!(a, "destination" | "delivery" | "customers")).then_some(RESIDENTS_KMH);
    let both = tags.get("maxspeed").and_then(speed);
    let kmh = |direction: &str| {
        let limit = tags.get(direction).and_then(speed).or(both).unwrap_or(usual_kmh);
        limit.min(slow.unwrap_or(HIGHEST_KMH))
    };
    let (along, against) = directions(tags, highway);
    Some(Drivable {
        class,
        forward_kmh: if along { kmh("maxspeed:forward") } else { 0 },
        backward_kmh: if against { kmh("maxspeed:backward") } else { 0 },
    })
}

/// Class and the speed at free flow where no limit is given. The speeds are those of OSRM's profile for cars
/// (<https://github.com/Project-OSRM/osrm-backend>, `profiles/car.lua`, table `speeds`).
fn class(highway: &str) -> Option<(RoadClass, u8)> {
    Some(match highway {
        "motorway" => (RoadClass::Motorway, 90),
        "motorway_link" => (RoadClass::Motorway, 45),
        "trunk" => (RoadClass::Trunk, 85),
        "trunk_link" => (RoadClass::Trunk, 40),
        "primary" => (RoadClass::Primary, 65),
        "primary_link" => (RoadClass::Primary, 30),
        "secondary" => (RoadClass::Secondary, 55),
        "secondary_link" => (RoadClass::Secondary, 25),
        "tertiary" => (RoadClass::Tertiary, 40),
        "tertiary_link" => (RoadClass::Tertiary, 20),
        "unclassified" | "residential" | "road" => (RoadClass::Minor, 25),
        "service" => (RoadClass::Service, 15),
        "living_street" => (RoadClass::Service, 10),
        "track" => (RoadClass::Service, 12),
        _ => return None,
    })
}

/// Values of access tags that keep a delivery van out.
fn forbidden(value: &str) -> bool {
    matches!(
        value,
        "no" | "private"
            | "agricultural"
            | "forestry"
            | "agricultural;forestry"
            | "emergency"
            | "military"
            | "psv"
            | "bus"
            | "taxi"
            | "restricted"
            | "permit"
            | "residents"
    )
}

/// Whether cars may drive along the way's nodes, and against them.
fn directions(tags: Tags, highway: &str) -> (bool, bool) {
    let oneway = tags.first(&["oneway:motorcar", "oneway:motor_vehicle", "oneway:vehicle", "oneway"]);
    match oneway {
        Some("yes" | "true" | "1") => (true, false),
        Some("-1" | "reverse") => (false, true),
        // It changes with the hour, which a plan cannot know: nobody is sent there.
        Some("reversible" | "alternating") => (false, false),
        Some("no" | "false" | "0") => (true, true),
        _ => {
            let implied =
                matches!(tags.get("junction"), Some("roundabout" | "circular")) || matches!(highway, "motorway" | "motorway_link");
            (true, !implied)
        }
    }
}

/// A `maxspeed` in km/h: `50`, `30 mph`, `DE:urban`, `none`, `walk`; the lowest of several. `None`: not understood.
pub fn speed(value: &str) -> Option<u8> {
    value.split([';', '|']).filter_map(|part| one_speed(part.trim())).min()
}

fn one_speed(value: &str) -> Option<u8> {
    let kmh = |n: f64| (n.is_finite() && n > 0.0).then(|| (n.round() as u8).clamp(LOWEST_KMH, HIGHEST_KMH));
    match value {
        "none" => return Some(UNLIMITED_KMH),
        "walk" => return Some(WALK_KMH),
        _ => {}
    }
    if let Some(number) = value.strip_suffix("mph") {
        return kmh(number.trim().parse::<f64>().ok()? * KMH_PER_MPH);
    }
    let number = value.strip_suffix("km/h").or_else(|| value.strip_suffix("kmh")).unwrap_or(value).trim();
    if let Ok(number) = number.parse::<f64>() {
        return kmh(number);
    }
    // `FI:urban`, `DE:zone:30`, `GB:nsl_single`: country and kind of road.
    let (country, kind) = value.split_once(':')?;
    let mph = matches!(country, "GB" | "UK" | "US");
    match kind {
        "urban" => Some(if mph { 48 } else { 50 }),
        "rural" | "nsl_single" => Some(if mph { 96 } else { 80 }),
        "trunk" => Some(100),
        "motorway" | "nsl_dual" => Some(if mph { 113 } else { 120 }),
        "living_street" => Some(RESIDENTS_KMH),
        _ => kmh(kind.strip_prefix("zone").map_or(kind, |z| z.trim_start_matches(':')).parse::<f64>().ok()?),
    }
}

/// Whether a node with these tags keeps cars from driving past.
pub fn blocks(tags: Tags) -> bool {
    let barrier = tags.get("barrier");
    match tags.first(&ACCESS) {
        Some(access) if forbidden(access) => barrier.is_some(),
        // A bollard that somebody may pass has a tag that says who.
        Some(_) => false,
        None => barrier.is_some_and(|kind| {
            // What stands at a kerb or can be opened does not block; a wall, a block, a bollard does.
            !matches!(
                kind,
                "gate"
                    | "lift_gate"
                    | "swing_gate"
                    | "sliding_gate"
                    | "toll_booth"
                    | "border_control"
                    | "cattle_grid"
                    | "entrance"
                    | "height_restrictor"
                    | "kerb"
                    | "sally_port"
                    | "no"
            )
        }),
    }
}

/// What a turn restriction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// From there one must not turn to.
    No,
    /// From there one must turn to, and nowhere else.
    Only,
}

/// The rule of a relation of type `restriction`, if it is for cars.
pub fn restriction(tags: Tags) -> Option<Rule> {
    if tags.get("type") != Some("restriction") {
        return None;
    }
    let value = tags.first(&["restriction:motorcar", "restriction:motor_vehicle", "restriction"])?;
    let spared = tags.get("except").is_some_and(|who| who.split(';').any(|w| matches!(w.trim(), "motorcar" | "motor_vehicle")));
    match value {
        _ if spared => None,
        v if v.starts_with("no_") => Some(Rule::No),
        v if v.starts_with("only_") => Some(Rule::Only),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drive(tags: &[(&str, &str)]) -> Option<(RoadClass, u8, u8)> {
        drivable(Tags(tags)).map(|d| (d.class, d.forward_kmh, d.backward_kmh))
    }

    #[test]
    fn classes_and_directions() {
        let cases: &[(&[(&str, &str)], Option<(RoadClass, u8, u8)>)] = &[
            (&[("highway", "residential")], Some((RoadClass::Minor, 25, 25))),
            (&[("highway", "motorway")], Some((RoadClass::Motorway, 90, 0))),
            (&[("highway", "motorway_link"), ("oneway", "no")], Some((RoadClass::Motorway, 45, 45))),
            (&[("highway", "primary"), ("oneway", "yes")], Some((RoadClass::Primary, 65, 0))),
            (&[("highway", "primary"), ("oneway", "-1")], Some((RoadClass::Primary, 0, 65))),
            (&[("highway", "tertiary"), ("junction", "roundabout")], Some((RoadClass::Tertiary, 40, 0))),
            (&[("highway", "tertiary"), ("oneway", "reversible")], Some((RoadClass::Tertiary, 0, 0))),
            (&[("highway", "secondary"), ("maxspeed:forward", "30"), ("maxspeed", "50")], Some((RoadClass::Secondary, 30, 50))),
            (&[("highway", "service"), ("access", "private")], None),
            (&[("highway", "service"), ("access", "no"), ("motor_vehicle", "yes")], Some((RoadClass::Service, 15, 15))),
            (&[("highway", "service"), ("access", "yes"), ("motorcar", "no")], None),
            (&[("highway", "residential"), ("motor_vehicle", "destination")], Some((RoadClass::Minor, 10, 10))),
            (&[("highway", "footway")], None),
            (&[("highway", "construction")], None),
            (&[("highway", "track")], None),
            (&[("highway", "track"), ("motor_vehicle", "yes")], Some((RoadClass::Service, 12, 12))),
            (&[("highway", "service"), ("area", "yes")], None),
            (&[("railway", "rail")], None),
        ];
        for (tags, expected) in cases {
            assert_eq!(drive(tags), *expected, "{tags:?}");
        }
    }

    #[test]
    fn speeds() {
        for (value, expected) in [
            ("50", Some(50)),
            ("50 km/h", Some(50)),
            ("30 mph", Some(48)),
            ("30mph", Some(48)),
            ("20;30", Some(20)),
            ("none", Some(130)),
            ("walk", Some(7)),
            ("FI:urban", Some(50)),
            ("GB:nsl_dual", Some(113)),
            ("DE:zone:30", Some(30)),
            ("IT:30", Some(30)),
            ("500", Some(140)),
            ("1", Some(3)),
            ("0", None),
            ("-30", None),
            ("NaN", None),
            ("inf", None),
            ("signals", None),
            ("", None),
        ] {
            assert_eq!(speed(value), expected, "{value:?}");
        }
    }

    #[test]
    fn barriers() {
        for (tags, expected) in [
            (&[("barrier", "bollard")][..], true),
            (&[("barrier", "bollard"), ("motor_vehicle", "yes")], false),
            (&[("barrier", "gate")], false),
            (&[("barrier", "gate"), ("access", "private")], true),
            (&[("highway", "crossing")], false),
            (&[("access", "no")], false),
        ] {
            assert_eq!(blocks(Tags(tags)), expected, "{tags:?}");
        }
    }

    #[test]
    fn restrictions() {
        let rule = |tags: &[(&str, &str)]| restriction(Tags(tags));
        assert_eq!(rule(&[("type", "restriction"), ("restriction", "no_left_turn")]), Some(Rule::No));
        assert_eq!(rule(&[("type", "restriction"), ("restriction", "only_straight_on")]), Some(Rule::Only));
        assert_eq!(rule(&[("type", "restriction"), ("restriction", "no_u_turn"), ("except", "psv;motorcar")]), None);
        assert_eq!(rule(&[("type", "restriction"), ("restriction:hgv", "no_left_turn")]), None);
        assert_eq!(rule(&[("type", "restriction"), ("restriction:conditional", "no_left_turn @ (07:00-09:00)")]), None);
        assert_eq!(rule(&[("type", "multipolygon"), ("restriction", "no_left_turn")]), None);
    }
}
