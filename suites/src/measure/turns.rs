//! The rounds of a group and the processes that take them, one after the other: each takes a *turn*.
//!
//! A process is some per cent fast or slow as a whole, by where its memory happens to lie, and a machine is for seconds. So
//! the rounds of a group are shared out to several processes, and between two of its turns the other sizes of the suite
//! have theirs. A turn begins with rounds of warm-up; whoever reads the samples finds the turns by these. What must hold:
//! every round belongs to one turn, turns follow each other without a gap, and together they have all rounds.

use super::plan::Settings;

/// A process has to prepare and to check before it measures: for fewer rounds than these that is not worth its while.
const FEWEST: usize = 3;

impl Settings {
    /// How many processes take the rounds of a group.
    pub fn turns(&self) -> usize {
        (self.rounds / FEWEST).clamp(1, self.processes.max(1))
    }

    /// The round after the last of a turn, from 0.
    pub fn end_of_turn(&self, turn: usize) -> usize {
        (turn + 1) * self.warmup + self.rounds * (turn + 1) / self.turns()
    }

    /// All rounds, those of warm-up too.
    pub fn rounds_in_all(&self) -> usize {
        self.turns() * self.warmup + self.rounds
    }

    /// Whether a round is one of those with which a turn begins.
    pub fn is_warmup(&self, round: usize) -> bool {
        let begin = (0..self.turns()).map(|turn| self.end_of_turn(turn)).take_while(|end| *end <= round).last();
        round - begin.unwrap_or(0) < self.warmup
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Profile;

    /// The rounds of each turn, `w` for one of warm-up.
    fn shown(rounds: usize, warmup: usize, processes: usize) -> String {
        let settings = Settings { rounds, warmup, processes, ..Profile::Quick.settings() };
        let mut text = String::new();
        for round in 0..settings.rounds_in_all() {
            text += if (0..settings.turns()).any(|turn| settings.end_of_turn(turn) == round) { " " } else { "" };
            text += if settings.is_warmup(round) { "w" } else { "." };
        }
        assert_eq!(settings.end_of_turn(settings.turns() - 1), settings.rounds_in_all());
        text
    }

    #[test]
    fn every_turn_begins_with_warm_up_and_has_its_share_of_the_rounds() {
        assert_eq!(shown(9, 1, 3), "w... w... w...");
        assert_eq!(shown(11, 2, 3), "ww... ww.... ww....");
        assert_eq!(shown(7, 1, 3), "w... w....");
        assert_eq!(shown(5, 1, 1), "w.....");
        assert_eq!(shown(2, 0, 4), "..");
        assert_eq!(shown(6, 0, 2), "... ...");
    }
}
