//! Plain Rust code of scalars, differentiated by the tape of statements: `cargo run -p adjudicate-strategies --example orbit`.
//!
//! A body flies about a centre that attracts it. How long a revolution takes is found by flying: steps of Runge and Kutta's
//! method until it is back, as many as that takes. The function is generic over [`Real`]: of floats it computes the
//! period, of numbers that are active on a tape its gradient too, and second derivatives if those numbers are active on another
//! tape. Kepler's third law says what they must be.
#![expect(clippy::print_stdout, reason = "an example that shows its result")]

use std::f64::consts::PI;

use adjudicate_strategies::scalar::{Active, Real, ScalarTape};

/// Where the body is, the centre at the origin, and how fast. Also how fast these change.
#[derive(Clone, Copy)]
struct State<T> {
    position: [T; 2],
    velocity: [T; 2],
}

impl<T: Real> State<T> {
    /// How fast it changes: attraction is one over the distance squared.
    fn rate(self) -> Self {
        let [x, y] = self.position;
        let cube = x.hypot(y).powi(3);
        State { position: self.velocity, velocity: [-x / cube, -y / cube] }
    }

    fn moved(self, rate: Self, time: T) -> Self {
        let moved = |[x, y]: [T; 2], [dx, dy]: [T; 2]| [x + dx * time, y + dy * time];
        State { position: moved(self.position, rate.position), velocity: moved(self.velocity, rate.velocity) }
    }

    /// One step of the classical method of fourth order.
    fn step(self, time: T) -> Self {
        let a = self.rate();
        let b = self.moved(a, time * 0.5).rate();
        let c = self.moved(b, time * 0.5).rate();
        let d = self.moved(c, time).rate();
        self.moved(a, time / 6.0).moved(b, time / 3.0).moved(c, time / 3.0).moved(d, time / 6.0)
    }
}

/// The time of a revolution that begins at a distance from the centre, with a speed across the line to it.
fn period<T: Real>(distance: T, speed: T) -> T {
    let zero = T::from(0.0);
    let mut state = State { position: [distance, zero], velocity: [zero, speed] };
    let (mut time, mut is_below) = (zero, false);
    // Until it comes up through the axis; steps are shorter near the centre.
    while !(is_below && state.position[1] >= 0.0) {
        is_below = state.position[1] < 0.0;
        let [x, y] = state.position;
        let step = x.hypot(y) * 0.02;
        state = state.step(step);
        time += step;
    }
    // Onto the axis by Newton's method.
    for _ in 0..4 {
        let step = -state.position[1] / state.velocity[1];
        state = state.step(step);
        time += step;
    }
    time
}

/// Kepler: `2π a^(3/2)`, where `1/a = 2/distance - speed²`; with its gradient, and the second derivative by the speed.
fn kepler(distance: f64, speed: f64) -> (f64, [f64; 2], f64) {
    let a = 1.0 / (2.0 / distance - speed * speed);
    let slope = 6.0 * PI * a.powf(2.5);
    let second = slope + 30.0 * PI * speed * speed * a.powf(3.5);
    (2.0 * PI * a.powf(1.5), [slope / (distance * distance), slope * speed], second)
}

fn check(what: &str, found: f64, known: f64) {
    println!("{what:<28} {found:14.8}, by Kepler's law {known:14.8}");
    assert!((found - known).abs() < 1e-6 * known.abs(), "{what}: {found}, not {known}");
}

fn main() {
    let (distance, speed) = (1.0, 1.1);
    let (time, [by_distance, by_speed], second) = kepler(distance, speed);
    check("period", period(distance, speed), time);

    let tape = ScalarTape::new();
    let (d, s) = (tape.var(distance), tape.var(speed));
    let [dd, ds] = tape.gradient(period(d, s), [d, s]);
    check("derivative by the distance", dd, by_distance);
    check("derivative by the speed", ds, by_speed);
    println!("{} statements on the tape, {} bytes", tape.len(), tape.bytes());

    tape.clear();
    let s = tape.var(speed);
    let inner = ScalarTape::nested();
    let active = inner.var(s);
    let [ds] = inner.gradient(period(Active::from(distance), active), [active]);
    let [dds] = tape.gradient(ds, [s]);
    check("second derivative by it", dds, second);
}

#[test]
fn it_finds_what_is_known() {
    main();
}
