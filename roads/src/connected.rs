//! The largest strongly connected part: every state in it reaches every other. A plan that ends on an island, or in a
//! yard that one cannot leave, helps nobody, so only this part is kept.

use crate::graph::StateId;

/// For each state whether it belongs to the largest part; of equally large ones, to the one found first.
pub fn largest(next: &[Vec<StateId>]) -> Vec<bool> {
    let mut search = Tarjan {
        next,
        index: vec![0; next.len()],
        low: vec![0; next.len()],
        open: vec![false; next.len()],
        part: vec![0; next.len()],
        stack: Vec::new(),
        sizes: vec![0],
        count: 0,
    };
    for state in 0..next.len() as StateId {
        if search.index[state as usize] == 0 {
            search.from(state);
        }
    }
    // Part 0 is nobody's.
    let mut best = 0;
    for part in 1..search.sizes.len() {
        if best == 0 || search.sizes[part] > search.sizes[best] {
            best = part;
        }
    }
    search.part.iter().map(|&p| p as usize == best).collect()
}

/// Tarjan's algorithm (1972), with a stack of its own: roads are longer than a thread's.
struct Tarjan<'a> {
    next: &'a [Vec<StateId>],
    /// In which order states were found, from 1; 0: not yet.
    index: Vec<u32>,
    low: Vec<u32>,
    open: Vec<bool>,
    part: Vec<u32>,
    stack: Vec<StateId>,
    sizes: Vec<u32>,
    count: u32,
}

impl Tarjan<'_> {
    fn from(&mut self, root: StateId) {
        let mut work: Vec<(StateId, usize)> = vec![(root, 0)];
        self.find(root);
        while let Some((state, at)) = work.last_mut() {
            let s = *state as usize;
            if let Some(&next) = self.next[s].get(*at) {
                *at += 1;
                if self.index[next as usize] == 0 {
                    self.find(next);
                    work.push((next, 0));
                } else if self.open[next as usize] {
                    self.low[s] = self.low[s].min(self.index[next as usize]);
                }
                continue;
            }
            work.pop();
            if let Some((parent, _)) = work.last() {
                self.low[*parent as usize] = self.low[*parent as usize].min(self.low[s]);
            }
            if self.low[s] == self.index[s] {
                self.close(s as StateId);
            }
        }
    }

    fn find(&mut self, state: StateId) {
        self.count += 1;
        self.index[state as usize] = self.count;
        self.low[state as usize] = self.count;
        self.open[state as usize] = true;
        self.stack.push(state);
    }

    /// `root` is the first found of its part: the part is all that was found since.
    fn close(&mut self, root: StateId) {
        let part = self.sizes.len() as u32;
        let mut size = 0;
        while let Some(state) = self.stack.pop() {
            self.open[state as usize] = false;
            self.part[state as usize] = part;
            size += 1;
            if state == root {
                break;
            }
        }
        self.sizes.push(size);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_ring_is_kept() {
        // 0 → 1 → 0; 2 → 3 → 4 → 2; 1 → 2; 4 → 5.
        let next = vec![vec![1], vec![0, 2], vec![3], vec![4], vec![2, 5], vec![]];
        assert_eq!(largest(&next), [false, false, true, true, true, false]);
    }

    #[test]
    fn a_long_chain_needs_no_deep_stack() {
        let n: u32 = 1_000_000;
        let next: Vec<Vec<u32>> = (0..n).map(|i| vec![(i + 1) % n]).collect();
        assert!(largest(&next).iter().all(|&k| k));
    }

    #[test]
    fn nothing_has_no_part() {
        assert!(largest(&[]).is_empty());
    }
}
