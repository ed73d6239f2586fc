//! A dyno's connections to a service outside: a call that finds none free waits for one.

use super::profile::Outside;

/// When each connection that is in use will be free again.
#[derive(Clone, Debug, Default)]
pub(super) struct Connections(Vec<f64>);

impl Connections {
    /// When a call that begins at `now` and takes so many seconds will be over.
    pub(super) fn call(&mut self, now: f64, seconds: f64, outside: Option<Outside>) -> f64 {
        let Some(outside) = outside else { return now };
        self.0.retain(|free| *free > now);
        let mut begins = now;
        if self.0.len() >= outside.connections.max(1) as usize {
            let first = (0..self.0.len()).min_by(|a, b| self.0[*a].total_cmp(&self.0[*b])).unwrap_or_default();
            begins = self.0.swap_remove(first);
        }
        self.0.push(begins + seconds);
        begins + seconds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_waits_for_the_first_connection_that_is_free() {
        let outside = Some(Outside { mean: 1.0, shape: 2.0, timeout: 10.0, connections: 2 });
        let mut connections = Connections::default();
        let ends: Vec<f64> = [(0.0, 5.0), (0.0, 2.0), (1.0, 1.0), (1.0, 1.0), (9.0, 1.0)]
            .map(|(now, s)| connections.call(now, s, outside))
            .into();
        assert_eq!(ends, [5.0, 2.0, 3.0, 4.0, 10.0]);
        assert_eq!(connections.call(7.0, 3.0, None), 7.0);
    }
}
