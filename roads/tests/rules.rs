//! What a car may do, on towns of a few streets: each test draws one, and says which letters a drive passes.

mod common;

use common::town::{Built, Town, at, blocks};
use schemas::plan::{Basis, RoadClass};
use waybill_roads::Ways;

#[test]
fn without_rules_the_shortest_way_is_taken() {
    let town = blocks().build();
    assert_eq!(town.drive("ab", "bc"), "b");
    assert_eq!(town.drive("ad", "cf"), "abc", "as long as by d, e, f");
    assert_eq!(town.drive("ab", "ef"), "be");
}

#[test]
fn one_way_streets_are_driven_one_way() {
    for (oneway, back) in [("yes", "cfeda"), ("-1", "b")] {
        let town = Town::map(
            "a b c
             d e f",
        )
        .way("abc", &[("highway", "residential"), ("oneway", oneway)])
        .street("def")
        .street("ad")
        .street("cf")
        .build();
        assert_eq!(town.drive("bc", "ab"), back, "oneway={oneway}");
    }
}

#[test]
fn on_a_one_way_street_what_lies_behind_is_reached_by_going_round() {
    let town = Town::map(
        "a b c
         d e f",
    )
    .way("abc", &[("highway", "residential"), ("oneway", "yes")])
    .street("def")
    .street("ad")
    .street("cf")
    .build();
    let (before, after) = (town.part("ab", 0.2), town.part("ab", 0.8));
    assert_eq!(before.road, after.road);
    assert_eq!(town.letters(&before, &after), "", "straight ahead");
    let ahead = town.roads.route(&before, &after).unwrap();
    assert_eq!(ahead.leg.stretches[0].metres, 60);
    // 25 km/h: 60 m in 8.64 s.
    assert_eq!((ahead.ms.abs_diff(8_640) < 20, ahead.leg.seconds), (true, 9));
    assert_eq!(town.letters(&after, &before), "bcfeda");
    let round = town.roads.route(&after, &before).unwrap();
    assert_eq!(round.leg.stretches.iter().map(|s| s.metres).sum::<u32>(), 540);
    // The same place twice is no drive at all.
    let same = town.roads.route(&before, &before).unwrap();
    assert_eq!((same.ms, same.millimetres, same.leg.points.len()), (0, 0, 2));
}

#[test]
fn a_forbidden_left_turn_is_not_made() {
    let with = |kind: &str| blocks_cut_at_b().restriction(kind, "ab", "b", "be").build();
    assert_eq!(with("no_right_turn").drive("ab", "be"), "ade", "by the next corner");
    // Who comes from the other side, or goes on, is not concerned.
    assert_eq!(with("no_right_turn").drive("bc", "be"), "b");
    assert_eq!(with("no_right_turn").drive("ab", "bc"), "b");
    assert_eq!(with("no_right_turn").drive("be", "ab"), "b");
}

/// The streets end at b, as they must where a restriction begins.
fn blocks_cut_at_b() -> Town {
    Town::map(
        "a b c
         d e f",
    )
    .street("ab")
    .street("bc")
    .street("de")
    .street("ef")
    .street("ad")
    .street("be")
    .street("cf")
}

#[test]
fn who_must_go_straight_on_does() {
    let town = blocks_cut_at_b().restriction("only_straight_on", "ab", "b", "bc").build();
    assert_eq!(town.drive("ab", "bc"), "b");
    assert_eq!(town.drive("ab", "be"), "ade");
    assert_eq!(town.drive("bc", "be"), "b");
    // Two prescriptions allow both.
    let town = blocks_cut_at_b().restriction("only_straight_on", "ab", "b", "bc").restriction("only_right_turn", "ab", "b", "be").build();
    assert_eq!((town.drive("ab", "bc").as_str(), town.drive("ab", "be").as_str()), ("b", "b"));
}

#[test]
fn restrictions_for_others_do_not_bind_cars() {
    let town = blocks_cut_at_b()
        .restriction_with(&[("restriction", "no_right_turn"), ("except", "motorcar")], "ab", "b", "be")
        .restriction_with(&[("restriction:hgv", "no_right_turn")], "ab", "b", "be")
        .restriction_with(&[("restriction:conditional", "no_right_turn @ (Mo-Fr 07:00-09:00)")], "ab", "b", "be")
        .build();
    assert_eq!(town.drive("ab", "be"), "b");
    assert_eq!(town.report.restrictions.applied, 0);
}

#[test]
fn a_restriction_over_a_road_binds_only_those_who_came_that_way() {
    let town = || {
        Town::map(
            "a b c
             d e f
             . g .",
        )
        .street("ab")
        .street("bc")
        .street("be")
        .street("de")
        .street("ef")
        .street("eg")
        .street("ad")
        .street("cf")
    };
    // From ab over be to ef: not allowed. From bc over be to ef: allowed, and from ab over be to de or eg as well.
    let restricted = town().restriction("no_left_turn", "ab", "be", "ef").build();
    assert_eq!(restricted.report.restrictions.applied, 1);
    assert_eq!(town().build().drive("ab", "ef"), "be");
    assert_eq!(restricted.drive("ab", "ef"), "bcf");
    assert_eq!(restricted.drive("bc", "ef"), "cf");
    assert_eq!(restricted.drive("ab", "eg"), "be");
    // Who starts on be has not come from ab.
    assert_eq!(restricted.drive("be", "ef"), "e");
    // Nor has who leaves be in between and comes back, but for that there is no place here.
    let only = town().restriction("only_straight_on", "ab", "be", "eg").build();
    assert_eq!((only.drive("ab", "eg").as_str(), only.drive("ab", "de").as_str()), ("be", "ad"));
}

#[test]
fn restrictions_that_make_no_sense_are_counted() {
    let town = blocks_cut_at_b()
        // The ways do not meet at c.
        .restriction("no_left_turn", "ab", "c", "be")
        // abc passes e nowhere.
        .restriction("no_left_turn", "ad", "cf", "be")
        .build();
    assert_eq!((town.report.restrictions.applied, town.report.restrictions.unclear), (0, 2));
}

#[test]
fn private_roads_are_no_roads() {
    let with = |tags: &[(&str, &str)]| {
        let mut all = vec![("highway", "service"), ("maxspeed", "50")];
        all.extend(tags);
        // x is a dead end: on a ring alone nobody could turn round, and it would be two networks.
        Town::map(
            "a b c
             d e f
             g h i x",
        )
        .street("ix")
        .street("abc")
        .street("adg")
        .street("cfi")
        .street("ghi")
        .way("beh", &all)
        .build()
    };
    assert_eq!(with(&[]).drive("ab", "gh"), "beh");
    for tags in [[("access", "private")], [("access", "no")], [("motor_vehicle", "private")]] {
        assert_eq!(with(&tags).drive("ab", "gh"), "adg", "{tags:?}");
    }
    // A road for residents: one may go there, and does not go through.
    let residents = with(&[("motor_vehicle", "destination")]);
    assert_eq!(residents.drive("ab", "gh"), "adg");
    assert_eq!(residents.drive("ab", "be"), "b");
    // A door on a private road is reached from the street nearest to it.
    let town = with(&[("access", "private")]);
    let door = waybill_roads::ground::between(town.town.point('b'), town.town.point('e'), 0.1);
    let snap = town.roads.snap(door).unwrap();
    assert_eq!((snap.point, snap.metres_off.round() as u32), (town.town.point('b'), 10));
}

#[test]
fn roundabouts_are_driven_round() {
    // Drawn anticlockwise: w, s, e, n.
    let town = Town::map(
        ". . a . .
         . . n . .
         b w . e c
         . . s . .
         . . d . .",
    )
    .way("wsenw", &[("highway", "tertiary"), ("junction", "roundabout")])
    .street("an")
    .street("bw")
    .street("ce")
    .street("ds")
    .build();
    assert_eq!(town.drive("an", "ds"), "nws");
    assert_eq!(town.drive("ds", "an"), "sen");
    assert_eq!(town.drive("bw", "ce"), "wse");
    // To turn round, round the roundabout.
    assert_eq!(town.letters(&town.part("an", 0.9), &town.part("ds", 0.1)), "nws");
}

#[test]
fn limits_in_miles_are_faster() {
    let with = |limit: &str| {
        Town::map(
            "a b
             c d
             e f x",
        )
        .street("fx")
        .way("ab", &[("highway", "residential"), ("maxspeed", "20")])
        .way("bd", &[("highway", "residential"), ("maxspeed", "20")])
        .way("ac", &[("highway", "residential"), ("maxspeed", limit)])
        .way("ce", &[("highway", "residential"), ("maxspeed", limit)])
        .way("ef", &[("highway", "residential"), ("maxspeed", limit)])
        .way("fd", &[("highway", "residential"), ("maxspeed", limit)])
        .build()
    };
    // From a to d: 200 m at 20 km/h (36 s), or 400 m at 30 mph (48 km/h, 30 s); at 30 km/h it would be 48 s.
    let from_to = |town: &Built| {
        let (a, d) = (town.part("ab", 0.0), town.part("fd", 1.0));
        (town.letters(&a, &d), town.roads.route(&a, &d).unwrap().ms)
    };
    let (letters, ms) = from_to(&with("30 mph"));
    assert_eq!((letters.as_str(), ms.abs_diff(30_000) < 60), ("cef", true), "{ms}");
    assert_eq!(from_to(&with("30")).0, "b");
}

#[test]
fn barriers_keep_cars_from_driving_past() {
    let with = |tags: &[(&str, &str)]| blocks().barrier('b', tags).build();
    assert_eq!(with(&[("barrier", "gate")]).drive("ab", "bc"), "b");
    assert_eq!(with(&[("barrier", "bollard")]).drive("ab", "bc"), "adefc");
    assert_eq!(with(&[("barrier", "bollard"), ("motor_vehicle", "yes")]).drive("ab", "bc"), "b");
}

#[test]
fn nobody_turns_round_in_the_middle_of_a_street() {
    // Who comes from a and wants to go back has to go round the block, or to the dead end d, which is farther.
    let town = || {
        Town::map(
            "a b c d
             . e f .",
        )
        .street("bcd")
        .street("be")
        .street("cf")
        .street("ef")
        .street("ea")
    };
    let town = town().way("ab", STREET_ONE_WAY).build();
    let (from, to) = (town.part("ab", 0.9), town.part("ab", 0.1));
    assert_eq!(town.letters(&from, &to), "bea");
    // At the start both directions are open: the driver parks as he likes.
    assert_eq!(town.letters(&town.part("cd", 0.5), &town.part("cd", 0.2)), "");
    // In the dead end he can turn: from b to the door behind d and on to f.
    let (door, f) = (town.part("cd", 1.0), town.part("cf", 0.5));
    assert_eq!(town.letters(&door, &f), "c");
}

const STREET_ONE_WAY: &[(&str, &str)] = &[("highway", "residential"), ("oneway", "yes")];

#[test]
fn turning_round_at_a_dead_end_takes_twenty_seconds() {
    // From ab one must go straight on to the dead end c; bd is reached on the way back.
    let town = Town::map(
        "a b c
         d e .",
    )
    .street("ab")
    .street("bc")
    .street("be")
    .way("ed", STREET_ONE_WAY)
    .street("da")
    .restriction("only_straight_on", "ab", "b", "bc")
    .restriction("no_u_turn", "da", "a", "da")
    .build();
    let (from, to) = (town.part("ab", 0.9), town.part("be", 0.1));
    let route = town.roads.route(&from, &to).unwrap();
    assert_eq!(town.letters(&from, &to), "bcb");
    // 10 + 100 + 100 + 10 m at 25 km/h, and 20 s.
    assert!(route.ms.abs_diff(220 * 144 + 20_000) < 60, "{}", route.ms);
}

#[test]
fn islands_are_left_out() {
    let town = Town::map(
        "a b c
         d e f
         x y z",
    )
    .street("abcfeda")
    .street("be")
    .street("xyz")
    .build();
    let island = town.town.point('y');
    let snap = town.roads.snap(island).unwrap();
    assert_eq!(snap.metres_off.round() as u32, 100, "the nearest road that leads anywhere");
    // The ring is cut at a, b and e.
    assert_eq!((town.report.roads_found, town.report.roads), (5, 4));
}

#[test]
fn a_map_that_was_cut_out_of_a_larger_one() {
    // z is not in the map.
    let town = blocks().way("czf", &[("highway", "primary")]).build();
    assert_eq!(town.report.missing_nodes, 1);
    assert_eq!(town.drive("bc", "ef"), "cf");
}

#[test]
fn lengths_by_class_add_up() {
    let town = Town::map(
        "a b c
         d e f",
    )
    .way("ab", &[("highway", "primary")])
    .way("bc", &[("highway", "primary_link")])
    .way("cf", &[("highway", "tertiary")])
    .street("fed")
    .street("ad")
    .build();
    let leg = town.roads.route(&town.middle("ab"), &town.part("fe", 0.5)).unwrap().leg;
    let stretches: Vec<_> = leg.stretches.iter().map(|s| (s.class, s.metres)).collect();
    assert_eq!(stretches, [(RoadClass::Primary, 150), (RoadClass::Tertiary, 100), (RoadClass::Minor, 50)]);
}

#[test]
fn where_no_road_is_near_a_great_circle_is_taken_and_said() {
    let town = blocks().build();
    let (a, f) = (town.town.point('a'), town.town.point('f'));
    let (near, far) = (at(100.0, 250.0), at(100.0, 310.0));
    assert!(town.roads.snap(near).is_some() && town.roads.snap(far).is_none(), "the limit is 300 m");
    let ways = Ways::new(Some(town.roads), waybill_roads::CircleRule::default());
    assert_eq!(ways.leg(a, f).1, Basis::Roads);
    let (leg, basis) = ways.leg(a, far);
    assert_eq!((leg.stretches[0].class, basis), (RoadClass::Unknown, Basis::GreatCircle));
    let (legs, basis) = ways.legs(&[a, f, far]);
    assert_eq!((legs.len(), basis, legs[0].stretches[0].class), (2, Basis::GreatCircle, RoadClass::Minor));
    // In a matrix, too: roads where they reach, a circle elsewhere.
    let (matrix, basis) = ways.matrix(&[a, f, far]);
    assert_eq!((basis, matrix.between(0, 1).1, matrix.between(1, 1)), (Basis::GreatCircle, 300, (0, 0)));
    assert_eq!(matrix.between(0, 2).1, leg.stretches[0].metres);
    assert_eq!(ways.matrix(&[a, f]).1, Basis::Roads);
    let none = Ways::default();
    assert_eq!((none.leg(a, f).1, none.matrix(&[a, f]).1), (Basis::GreatCircle, Basis::GreatCircle));
}
