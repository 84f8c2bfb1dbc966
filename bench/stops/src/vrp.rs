//! `vrp-core`'s ruin-and-recreate search on the same problem and the same cost, as a yardstick. One thread, as ours.

use std::sync::Arc;
use std::time::Instant;

use stops::Problem as Stops;
use vrp_core::construction::enablers::update_route_schedule;
use vrp_core::construction::heuristics::ActivityContext;
use vrp_core::models::common::{Schedule, TimeSpan, TimeWindow};
use vrp_core::models::problem::{SimpleActivityCost, Single};
use vrp_core::models::solution::{Activity, Place, Registry, Route};
use vrp_core::prelude::*;
use vrp_core::rosomaxa::evolution::TelemetryMode;
use vrp_core::rosomaxa::prelude::Quota;
use vrp_core::rosomaxa::utils::Parallelism;
use vrp_core::solver::{RefinementContext, create_default_init_operators, create_elitism_population, get_static_heuristic};

/// What one second late weighs against one second of time: more than any route lasts.
const LATE: Float = 1e7;
/// What one second of driving weighs: only between orders that end at the same time.
const DRIVING: Float = 1e-3;
/// Later than any route ends, seconds.
const NEVER: Float = 1e12;

/// Rounds that no budget of seconds reaches: the clock ends the search.
const ENDLESS: usize = 100_000_000;

struct Deadline(Instant);

impl Quota for Deadline {
    fn is_reached(&self) -> bool {
        Instant::now() >= self.0
    }
}

/// Searches from `order` on until `deadline`. `None`: the crate gave up, or did not visit every stop once.
pub fn search(stops: &Stops, order: &[u16], deadline: Instant) -> Option<Vec<u16>> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().ok()?;
    let run = || pool.install(|| run(stops, order, deadline).ok());
    let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).ok()??;
    let mut sorted = found.clone();
    sorted.sort_unstable();
    sorted.iter().map(|&stop| usize::from(stop)).eq(0..stops.stops.len()).then_some(found)
}

fn run(stops: &Stops, order: &[u16], deadline: Instant) -> GenericResult<Vec<u16>> {
    let random = Arc::new(DefaultRandom::new_repeatable());
    let quota: Arc<dyn Quota> = Arc::new(Deadline(deadline));
    let quiet: InfoLogger = Arc::new(|_| ());
    let environment = Arc::new(Environment::new(random.clone(), Some(quota), Parallelism::new_with_cpus(1), quiet, false));
    let problem = Arc::new(define(stops)?);
    let given = (as_solution(&problem, order, random), None);
    let given = InsertionContext::new_from_solution(problem.clone(), given, environment.clone());
    let population = Box::new(create_elitism_population(problem.goal.clone(), environment.clone()));
    let context = RefinementContext::new(problem.clone(), population, TelemetryMode::None, environment.clone());
    let heuristic = get_static_heuristic(problem.clone(), environment.clone());
    let config = EvolutionConfigBuilder::default()
        .with_heuristic(Box::new(heuristic))
        .with_context(context)
        .with_initial(1, 0.05, create_default_init_operators(problem.clone(), environment))
        .with_init_solutions(vec![given], Some(1))
        .with_max_generations(Some(ENDLESS))
        .build()?;
    let solution = Solver::new(problem, config).solve()?;
    let places = solution.routes.iter().flat_map(|route| route.tour.all_activities());
    Ok(places.filter(|a| a.job.is_some()).map(|a| (a.place.location - 1) as u16).collect())
}

fn define(stops: &Stops) -> GenericResult<Problem> {
    let durations: Vec<Float> = stops.durations.iter().map(|&d| Float::from(d)).collect();
    let transport = Arc::new(SimpleTransportCost::new(durations.clone(), durations)?);
    let jobs = stops.stops.iter().enumerate().map(|(index, stop)| {
        let (opens, closes) =
            stop.window.map_or((0.0, NEVER), |(from, to)| ((from as Float).clamp(0.0, NEVER), (to as Float).clamp(-NEVER, NEVER)));
        SingleBuilder::default()
            .id(&index.to_string())
            .location(index + 1)?
            .duration(Float::from(stop.service_seconds))?
            .times(vec![TimeWindow::new(opens, closes)])?
            .build_as_job()
    });
    let mut place = VehicleDetailBuilder::default().set_start_location(0).set_start_time(0.0);
    if stops.back {
        place = place.set_end_location(0);
    }
    let vehicle =
        VehicleBuilder::default().id("vehicle").add_detail(place.build()?).set_distance_cost(0.0).set_duration_cost(1.0).build()?;
    let all = MinimizeUnassignedBuilder::new("all stops").build()?;
    let least = FeatureBuilder::default()
        .with_name("least cost")
        .with_objective(LeastCost { transport: transport.clone() })
        .with_state(Schedules { transport: transport.clone(), activity: SimpleActivityCost::default() })
        .build()?;
    ProblemBuilder::default()
        .add_jobs(jobs.collect::<GenericResult<Vec<_>>>()?.into_iter())
        .add_vehicle(vehicle)
        .with_goal(GoalContextBuilder::with_features(&[all, least])?.build()?)
        .with_transport_cost(transport)
        .with_logger(Arc::new(|_| ()))
        .build()
}

/// The crate's form of an order.
fn as_solution(problem: &Problem, order: &[u16], random: Arc<dyn Random>) -> Solution {
    let mut registry = Registry::new(&problem.fleet, random);
    let actor = problem.fleet.actors[0].clone();
    let mut route = Route { tour: vrp_core::models::solution::Tour::new(&actor), actor: actor.clone() };
    // The crate keeps jobs in an order of its own; a stop's job is the one at its place.
    let mut by_place: Vec<Option<Arc<Single>>> = vec![None; order.len() + 1];
    for job in problem.jobs.all() {
        let single = job.to_single();
        if let Some(location) = single.places[0].location {
            by_place[location] = Some(single.clone());
        }
    }
    for &stop in order {
        let Some(single) = by_place[usize::from(stop) + 1].clone() else { continue };
        let place = &single.places[0];
        let time = match &place.times[0] {
            TimeSpan::Window(window) => window.clone(),
            TimeSpan::Offset(_) => TimeWindow::max(),
        };
        let place = Place { idx: 0, location: usize::from(stop) + 1, duration: place.duration, time };
        let mut activity = Activity::new_with_job(single);
        activity.place = place;
        activity.schedule = Schedule::new(0.0, 0.0);
        route.tour.insert_last(activity);
    }
    registry.use_actor(&actor);
    Solution { cost: 0.0, registry, routes: vec![route], unassigned: vec![], telemetry: None }
}

/// Our cost as the crate's objective: for a whole solution, and for a stop that is put between two others.
struct LeastCost {
    transport: Arc<SimpleTransportCost>,
}

/// Where the vehicle is and when it may leave.
#[derive(Clone, Copy)]
struct Moment {
    location: usize,
    time: Float,
}

impl LeastCost {
    /// Drives to `next` and serves it; the cost of it, without the time.
    fn visit(&self, route: &Route, at: Moment, next: &Activity) -> (Moment, Cost) {
        let profile = &route.actor.vehicle.profile;
        let driving = self.transport.duration_approx(profile, at.location, next.place.location);
        let arrival = at.time + driving;
        // The tour's end has no job and no window.
        let (begin, late) = match next.job {
            Some(_) => (arrival.max(next.place.time.start), (arrival - next.place.time.end).max(0.0)),
            None => (arrival, 0.0),
        };
        (Moment { location: next.place.location, time: begin + next.place.duration }, late * LATE + driving * DRIVING)
    }

    fn follow<'a>(&self, route: &Route, from: Moment, way: impl Iterator<Item = &'a Activity>) -> Cost {
        let (end, cost) = way.fold((from, 0.0), |(at, sum), next| {
            let (then, cost) = self.visit(route, at, next);
            (then, sum + cost)
        });
        cost + end.time
    }

    fn inserted(&self, route: &Route, activity: &ActivityContext<'_>) -> Cost {
        let from = Moment { location: activity.prev.place.location, time: activity.prev.schedule.departure };
        let rest = route.tour.all_activities().skip(activity.index + 1);
        self.follow(route, from, std::iter::once(activity.target).chain(rest.clone())) - self.follow(route, from, rest)
    }
}

impl FeatureObjective for LeastCost {
    fn fitness(&self, solution: &InsertionContext) -> Cost {
        let routes = solution.solution.routes.iter().map(RouteContext::route);
        routes.map(|route| self.follow(route, Moment { location: 0, time: 0.0 }, route.tour.all_activities().skip(1))).sum()
    }

    fn estimate(&self, move_ctx: &MoveContext<'_>) -> Cost {
        match move_ctx {
            MoveContext::Route { .. } => 0.0,
            MoveContext::Activity { route_ctx, activity_ctx } => self.inserted(route_ctx.route(), activity_ctx),
        }
    }
}

/// Keeps arrival and departure of each stop up to date, as the crate's own features do.
struct Schedules {
    transport: Arc<SimpleTransportCost>,
    activity: SimpleActivityCost,
}

impl FeatureState for Schedules {
    fn accept_insertion(&self, solution_ctx: &mut SolutionContext, route_index: usize, _: &Job) {
        self.accept_route_state(&mut solution_ctx.routes[route_index]);
    }

    fn accept_route_state(&self, route_ctx: &mut RouteContext) {
        update_route_schedule(route_ctx, &self.activity, self.transport.as_ref());
    }

    fn accept_solution_state(&self, solution_ctx: &mut SolutionContext) {
        for route_ctx in solution_ctx.routes.iter_mut().filter(|route_ctx| route_ctx.is_stale()) {
            self.accept_route_state(route_ctx);
        }
    }
}
