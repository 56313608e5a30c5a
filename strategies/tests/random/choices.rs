//! A program is decided by a list of choices, so that a shorter list of smaller numbers decides a
//! simpler program: shrinking needs to know nothing of programs.

/// The choices of one program. Past the end of the list every choice is 0, which is the simplest.
pub(crate) struct Choices<'a> {
    given: &'a [u32],
    at: usize,
}

impl<'a> Choices<'a> {
    pub(crate) fn new(given: &'a [u32]) -> Self {
        Self { given, at: 0 }
    }

    /// A number from 0 to n - 1.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        let choice = self.given.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        choice as usize % n
    }

    /// One of these.
    pub(crate) fn pick<'t, T>(&mut self, items: &'t [T]) -> &'t T {
        &items[self.below(items.len())]
    }
}

/// The choices of a seed: xorshift, the same everywhere.
pub(crate) fn seeded(seed: u64, count: usize) -> Vec<u32> {
    let mut state = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u32
    };
    (0..count).map(next).collect()
}

/// A short list of small choices that still `fails`, from one that does.
pub(crate) fn shrunk(mut choices: Vec<u32>, mut fails: impl FnMut(&[u32]) -> bool) -> Vec<u32> {
    loop {
        let before = choices.clone();
        let mut size = choices.len().max(1);
        while size > 0 {
            let mut at = 0;
            while at < choices.len() {
                let end = (at + size).min(choices.len());
                let without = [&choices[..at], &choices[end..]].concat();
                let zeroed: Vec<u32> = [&choices[..at], &vec![0; end - at], &choices[end..]].concat();
                if fails(&without) {
                    choices = without;
                } else {
                    if zeroed != choices && fails(&zeroed) {
                        choices = zeroed;
                    }
                    at = end;
                }
            }
            size /= 2;
        }
        for i in 0..choices.len() {
            for small in 1..choices[i].min(24) {
                let smaller = [&choices[..i], &[small], &choices[i + 1..]].concat();
                if fails(&smaller) {
                    choices = smaller;
                    break;
                }
            }
        }
        if choices == before {
            return choices;
        }
    }
}
