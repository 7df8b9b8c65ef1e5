//! From pairs to decisions: how much each candidate takes from the others, and who gets whom.

use std::collections::HashMap;

/// A candidate: a row of the list, a person of the registry, the log-odds (bits) of the pair by itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Edge {
    pub(crate) left: u32,
    pub(crate) right: u32,
    pub(crate) bits: f64,
}

/// Rounds in which the two sides tell each other who is taken.
const ROUNDS: usize = 8;
/// Sides of a component up to which the best assignment is searched among all; larger ones are assigned greedily.
const SOLVED: usize = 128;

/// What each pair is worth given all others: a row of the list is one person at most, so that candidates of a row take
/// from each other; with `one_to_one` a person of the registry is also in the list once at most. `edges` are ordered by
/// `left`.
///
/// With `one_to_one` this is belief propagation on the graph of candidates: exact where it is a tree.
pub(crate) fn compete(edges: &[Edge], one_to_one: bool) -> Vec<f64> {
    let odds: Vec<f64> = edges.iter().map(|e| e.bits.clamp(-1_000.0, 1_000.0).exp2()).collect();
    let lefts = groups(edges.len(), |i| edges[i].left);
    // Share of an edge's odds that the registry's side leaves it.
    let mut free = vec![1.0f64; edges.len()];
    let by_left = |free: &[f64]| {
        let mut out = vec![0.0; edges.len()];
        for group in &lefts {
            let sum: f64 = group.iter().map(|i| odds[*i] * free[*i]).sum();
            for i in group {
                // The others' part summed anew where subtracting would leave nothing but rounding.
                let mine = odds[*i] * free[*i];
                let others = if mine < 0.5 * sum {
                    sum - mine
                } else {
                    group.iter().filter(|j| *j != i).map(|j| odds[*j] * free[*j]).sum()
                };
                out[*i] = odds[*i] / (1.0 + others);
            }
        }
        out
    };
    if one_to_one {
        let rights = groups(edges.len(), |i| edges[i].right);
        for _ in 0..ROUNDS {
            let claims = by_left(&free);
            for group in rights.iter().filter(|g| g.len() > 1) {
                let sum: f64 = group.iter().map(|i| claims[*i]).sum();
                for i in group {
                    let others = if claims[*i] < 0.5 * sum {
                        sum - claims[*i]
                    } else {
                        group.iter().filter(|j| *j != i).map(|j| claims[*j]).sum()
                    };
                    free[*i] = 1.0 / (1.0 + others);
                }
            }
        }
    }
    by_left(&free).iter().zip(&free).map(|(claim, free)| (claim * free).max(f64::MIN_POSITIVE).log2()).collect()
}

/// Edges by what `of` says, each group in order of the edges.
fn groups(len: usize, of: impl Fn(usize) -> u32) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..len).collect();
    order.sort_by_key(|i| of(*i));
    order.chunk_by(|a, b| of(*a) == of(*b)).map(<[usize]>::to_vec).collect()
}

/// The edges of the best one-to-one assignment: the sum of what pairs gain is largest. Within a connected component of
/// moderate size the optimum, else the greedy choice; ties go to the earlier edge.
pub(crate) fn assign(edges: &[Edge]) -> Vec<usize> {
    let (mut chosen, open) = settled(edges);
    for component in components(edges, &open) {
        if component.len() == 1 {
            chosen.push(component[0]);
            continue;
        }
        let rows = rank(component.iter().map(|i| edges[*i].left));
        let columns = rank(component.iter().map(|i| edges[*i].right));
        if rows.len() == 1 || columns.len() == 1 || rows.len().max(columns.len()) > SOLVED {
            greedy(edges, &component, &mut chosen);
        } else {
            optimal(edges, &component, &rows, &columns, &mut chosen);
        }
    }
    chosen.sort_unstable();
    chosen
}

/// Edges that every best assignment may hold, since they gain as much as the best of either side's others together;
/// and the edges that this leaves open. Without it weak candidates would tie whole villages into one component.
fn settled(edges: &[Edge]) -> (Vec<usize>, Vec<usize>) {
    let mut chosen = Vec::new();
    let mut open: Vec<usize> = (0..edges.len()).collect();
    let side = |of: fn(&Edge) -> u32| edges.iter().map(of).max().map_or(0, |m| m as usize + 1);
    let (lefts, rights) = (side(|e| e.left), side(|e| e.right));
    loop {
        // The best two gains of every node.
        let mut best = (vec![(0.0f64, 0.0f64); lefts], vec![(0.0f64, 0.0f64); rights]);
        let enter = |two: &mut (f64, f64), gain: f64| {
            if gain > two.0 {
                *two = (gain, two.0);
            } else if gain > two.1 {
                two.1 = gain;
            }
        };
        for i in &open {
            let value = gain(edges[*i].bits);
            enter(&mut best.0[edges[*i].left as usize], value);
            enter(&mut best.1[edges[*i].right as usize], value);
        }
        let mut taken = (vec![false; lefts], vec![false; rights]);
        let before = chosen.len();
        for i in &open {
            let (left, right) = (edges[*i].left as usize, edges[*i].right as usize);
            let value = gain(edges[*i].bits);
            let others = |two: (f64, f64)| if value >= two.0 { two.1 } else { two.0 };
            if !taken.0[left] && !taken.1[right] && value >= others(best.0[left]) + others(best.1[right]) {
                (taken.0[left], taken.1[right]) = (true, true);
                chosen.push(*i);
            }
        }
        if chosen.len() == before {
            return (chosen, open);
        }
        open.retain(|i| !taken.0[edges[*i].left as usize] && !taken.1[edges[*i].right as usize]);
    }
}

/// A pair's gain: its bits, and for what is unlikely a little above nothing, so that it is given out last.
fn gain(bits: f64) -> f64 {
    if bits > 40.0 { bits } else { bits.exp2().ln_1p() / std::f64::consts::LN_2 }
}

fn greedy(edges: &[Edge], component: &[usize], chosen: &mut Vec<usize>) {
    let mut order = component.to_vec();
    order.sort_by(|a, b| edges[*b].bits.total_cmp(&edges[*a].bits).then(a.cmp(b)));
    let mut lefts = std::collections::HashSet::new();
    let mut rights = std::collections::HashSet::new();
    for i in order {
        let edge = edges[i];
        if !lefts.contains(&edge.left) && !rights.contains(&edge.right) {
            lefts.insert(edge.left);
            rights.insert(edge.right);
            chosen.push(i);
        }
    }
}

fn rank(ids: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut all: Vec<u32> = ids.collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Shortest augmenting paths (Jonker and Volgenant) on the rows of the list; each may also stay alone.
fn optimal(edges: &[Edge], component: &[usize], rows: &[u32], columns: &[u32], chosen: &mut Vec<usize>) {
    let (n, m) = (rows.len(), columns.len() + rows.len());
    // Beyond the registry's persons there is a column for each row that it takes by staying alone.
    let mut cost = vec![f64::INFINITY; n * m];
    let mut edge_at: HashMap<(usize, usize), usize> = HashMap::new();
    for i in component {
        let edge = edges[*i];
        let (Ok(row), Ok(column)) = (rows.binary_search(&edge.left), columns.binary_search(&edge.right)) else {
            continue;
        };
        let value = -gain(edge.bits);
        if value < cost[row * m + column] {
            cost[row * m + column] = value;
            edge_at.insert((row, column), *i);
        }
    }
    for row in 0..n {
        cost[row * m + columns.len() + row] = 0.0;
    }
    let (mut of_row, mut of_column) = (vec![0.0; n], vec![0.0; m]);
    let mut taken: Vec<Option<usize>> = vec![None; m];
    for start in 0..n {
        let mut best = vec![f64::INFINITY; m];
        let mut from: Vec<Option<usize>> = vec![None; m];
        let mut done = vec![false; m];
        let (mut row, mut column) = (start, None::<usize>);
        loop {
            let mut nearest = (f64::INFINITY, None);
            let base = column.map_or(0.0, |c: usize| best[c]);
            for j in 0..m {
                if done[j] {
                    continue;
                }
                let reach = base + cost[row * m + j] - of_row[row] - of_column[j];
                if reach < best[j] {
                    best[j] = reach;
                    from[j] = column;
                }
                if best[j] < nearest.0 {
                    nearest = (best[j], Some(j));
                }
            }
            let Some(j) = nearest.1 else {
                break;
            };
            done[j] = true;
            column = Some(j);
            match taken[j] {
                Some(next) => row = next,
                None => break,
            }
        }
        let Some(end) = column else {
            continue;
        };
        let length = best[end];
        of_row[start] += length;
        for j in 0..m {
            if done[j] && j != end {
                let slack = length - best[j];
                of_column[j] -= slack;
                if let Some(row) = taken[j] {
                    of_row[row] += slack;
                }
            }
        }
        let mut at = end;
        loop {
            match from[at] {
                Some(before) => {
                    taken[at] = taken[before];
                    at = before;
                }
                None => {
                    taken[at] = Some(start);
                    break;
                }
            }
        }
    }
    for (column, row) in taken.iter().enumerate().take(columns.len()) {
        if let Some(row) = row
            && let Some(edge) = edge_at.get(&(*row, column))
        {
            chosen.push(*edge);
        }
    }
}

/// Connected components of the open candidates, each in order of the edges.
fn components(edges: &[Edge], open: &[usize]) -> Vec<Vec<usize>> {
    let rights = rank(open.iter().map(|i| edges[*i].right));
    let lefts = rank(open.iter().map(|i| edges[*i].left));
    let mut parent: Vec<u32> = (0..(lefts.len() + rights.len()) as u32).collect();
    fn root(parent: &mut [u32], mut at: u32) -> u32 {
        while parent[at as usize] != at {
            parent[at as usize] = parent[parent[at as usize] as usize];
            at = parent[at as usize];
        }
        at
    }
    let node = |ids: &[u32], id: u32| ids.binary_search(&id).unwrap_or(0) as u32;
    for i in open {
        let a = root(&mut parent, node(&lefts, edges[*i].left));
        let b = root(&mut parent, lefts.len() as u32 + node(&rights, edges[*i].right));
        parent[a.max(b) as usize] = a.min(b);
    }
    let roots: Vec<u32> = open.iter().map(|i| root(&mut parent, node(&lefts, edges[*i].left))).collect();
    groups(open.len(), |i| roots[i]).into_iter().map(|g| g.into_iter().map(|i| open[i]).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn edge(left: u32, right: u32, bits: f64) -> Edge {
        Edge { left, right, bits }
    }

    #[test]
    fn the_best_sum_beats_the_best_pair() {
        // Greedy takes 20 and is left with nothing; 19 and 19 are more.
        let edges = [edge(0, 0, 20.0), edge(0, 1, 19.0), edge(1, 0, 19.0)];
        assert_eq!(assign(&edges), [1, 2]);
        assert_eq!(assign(&[edge(0, 0, 20.0), edge(1, 0, 19.0)]), [0]);
        assert_eq!(assign(&[]), [] as [usize; 0]);
        // Where nothing tells two pairings apart the earlier edges win, every time.
        let even = [edge(0, 0, 5.0), edge(0, 1, 5.0), edge(1, 0, 5.0), edge(1, 1, 5.0)];
        assert_eq!(assign(&even).len(), 2);
    }

    #[test]
    fn candidates_take_from_each_other() {
        let alone = compete(&[edge(0, 0, 10.0)], true);
        assert!((alone[0] - 10.0).abs() < 1e-9);
        let two = compete(&[edge(0, 0, 10.0), edge(0, 1, 10.0)], false);
        assert!(two[0] < 0.1 && (two[0] - two[1]).abs() < 1e-9);
        // Who is surely somebody else is no rival: the second row gets its own person.
        let edges = [edge(0, 0, 40.0), edge(1, 0, 12.0), edge(1, 1, 12.0)];
        let (free, bound) = (compete(&edges, false), compete(&edges, true));
        assert!(free[2] < 0.1 && bound[2] > 11.0 && bound[1] < -20.0, "{free:?} {bound:?}");
        assert!(
            compete(&[edge(0, 0, f64::INFINITY), edge(0, 1, f64::NEG_INFINITY)], true).iter().all(|b| b.is_finite())
        );
    }

    fn best_by_trying_all(edges: &[Edge]) -> f64 {
        fn go(edges: &[Edge], at: usize, lefts: u32, rights: u32) -> f64 {
            let Some(e) = edges.get(at) else {
                return 0.0;
            };
            let without = go(edges, at + 1, lefts, rights);
            if lefts & (1 << e.left) != 0 || rights & (1 << e.right) != 0 {
                return without;
            }
            without.max(gain(e.bits) + go(edges, at + 1, lefts | 1 << e.left, rights | 1 << e.right))
        }
        go(edges, 0, 0, 0)
    }

    proptest! {
        #[test]
        fn the_assignment_is_one_to_one_and_the_best(raw in proptest::collection::btree_map((0u32..5, 0u32..5), -10i32..30, 0..14)) {
            let edges: Vec<Edge> = raw.iter().map(|((l, r), b)| edge(*l, *r, f64::from(*b))).collect();
            let chosen = assign(&edges);
            let (mut lefts, mut rights) = (0u32, 0u32);
            let mut sum = 0.0;
            for i in &chosen {
                let e = edges[*i];
                prop_assert!(lefts & (1 << e.left) == 0 && rights & (1 << e.right) == 0);
                lefts |= 1 << e.left;
                rights |= 1 << e.right;
                sum += gain(e.bits);
            }
            prop_assert!((sum - best_by_trying_all(&edges)).abs() < 1e-6, "{} {}", sum, best_by_trying_all(&edges));
        }
    }
}
