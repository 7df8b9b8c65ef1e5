//! From pairs to clusters: which records are one and the same, where pairs speak for it and against it.
//!
//! Connected components would glue strangers: one weak pair between two persons makes them one. Here every pair of a
//! cluster has a say, also those that nobody looked at before: a partition is as good as the sum of the weights of all
//! pairs that it puts together, and the best one is looked for (correlation clustering, Bansal, Blum and Chawla 2004);
//! exactly in components of up to [`EXACT`] records, else by joining the two clusters that gain most until nothing gains.

use std::collections::BTreeMap;

/// Records of a component up to which the best of all partitions is found.
pub const EXACT: usize = 11;
/// Pairs between two clusters that are asked about when they may be joined; of more, as many evenly drawn.
const ASKED: usize = 1024;

/// A weight that no sum of others outweighs: these two are never one.
pub const NEVER: f64 = -1e9;

/// Records put together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Clusters {
    /// Clusters of two and more records, each in order, ordered by their first.
    pub all: Vec<Vec<u32>>,
    /// How many clusters there are of each size.
    pub sizes: BTreeMap<usize, usize>,
    /// Components that were too large for the best partition of all to be looked for.
    pub greedy: usize,
    /// Largest component.
    pub largest_component: usize,
}

impl Clusters {
    /// For each of `records` records the first record of its cluster, itself where it is alone.
    pub fn of(&self, records: usize) -> Vec<u32> {
        let mut of: Vec<u32> = (0..records as u32).collect();
        for cluster in &self.all {
            for member in cluster {
                if let Some(own) = of.get_mut(*member as usize) {
                    *own = cluster[0];
                }
            }
        }
        of
    }
}

/// Puts records together. `edges` are pairs that may be one with their weight in bits (log-odds, above 0 for); `rest`
/// says what any other pair adds when it ends up in one cluster with the others: 0 where nothing is known, below 0 what
/// speaks against it, [`NEVER`] where it cannot be. The result depends on the numbers of the records and nothing else.
pub fn cluster(edges: &[(u32, u32, f64)], rest: impl Fn(u32, u32) -> f64) -> Clusters {
    let mut out = Clusters::default();
    for component in components(edges) {
        out.largest_component = out.largest_component.max(component.nodes.len());
        let parts = if component.nodes.len() <= EXACT {
            best(&component, &rest)
        } else {
            out.greedy += 1;
            greedy(&component, &rest)
        };
        out.all.extend(parts.into_iter().filter(|part| part.len() > 1));
    }
    out.all.sort_unstable();
    for cluster in &out.all {
        *out.sizes.entry(cluster.len()).or_default() += 1;
    }
    out
}

/// Records that pairs above 0 connect.
struct Component {
    /// In order.
    nodes: Vec<u32>,
    /// By places in `nodes`, the lower one first, in order.
    edges: Vec<(u32, u32, f64)>,
}

impl Component {
    fn weight(&self, i: usize, j: usize, rest: &impl Fn(u32, u32) -> f64) -> f64 {
        let (low, high) = (i.min(j) as u32, i.max(j) as u32);
        match self.edges.binary_search_by(|e| (e.0, e.1).cmp(&(low, high))) {
            Ok(at) => self.edges[at].2,
            Err(_) => rest(self.nodes[low as usize], self.nodes[high as usize]).min(0.0),
        }
    }
}

fn components(edges: &[(u32, u32, f64)]) -> Vec<Component> {
    let mut nodes: Vec<u32> = edges.iter().filter(|e| e.2 > 0.0).flat_map(|e| [e.0, e.1]).collect();
    nodes.sort_unstable();
    nodes.dedup();
    let place = |node: u32| nodes.binary_search(&node).ok();
    let mut parent: Vec<usize> = (0..nodes.len()).collect();
    fn root(parent: &mut [usize], mut at: usize) -> usize {
        while parent[at] != at {
            parent[at] = parent[parent[at]];
            at = parent[at];
        }
        at
    }
    for edge in edges.iter().filter(|e| e.2 > 0.0 && e.0 != e.1) {
        if let (Some(a), Some(b)) = (place(edge.0), place(edge.1)) {
            let (a, b) = (root(&mut parent, a), root(&mut parent, b));
            parent[a.max(b)] = a.min(b);
        }
    }
    let roots: Vec<usize> = (0..nodes.len()).map(|at| root(&mut parent, at)).collect();
    let mut number = vec![usize::MAX; nodes.len()];
    let mut within = vec![0u32; nodes.len()];
    let mut out: Vec<Component> = Vec::new();
    for (at, own) in roots.iter().enumerate() {
        if number[*own] == usize::MAX {
            number[*own] = out.len();
            out.push(Component { nodes: Vec::new(), edges: Vec::new() });
        }
        let component = &mut out[number[*own]];
        within[at] = component.nodes.len() as u32;
        component.nodes.push(nodes[at]);
    }
    for (a, b, weight) in edges.iter().filter(|e| e.0 != e.1) {
        if let (Some(a), Some(b)) = (place(*a), place(*b))
            && roots[a] == roots[b]
        {
            let (x, y) = (within[a], within[b]);
            out[number[roots[a]]].edges.push((x.min(y), x.max(y), *weight));
        }
    }
    for component in &mut out {
        component.edges.sort_unstable_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)).then(b.2.total_cmp(&a.2)));
        component.edges.dedup_by(|later, first| (later.0, later.1) == (first.0, first.1));
    }
    out
}

/// The best of all partitions, by what every set of records is worth as one cluster.
fn best(component: &Component, rest: &impl Fn(u32, u32) -> f64) -> Vec<Vec<u32>> {
    let n = component.nodes.len();
    let weights: Vec<Vec<f64>> =
        (0..n).map(|i| (0..n).map(|j| if i == j { 0.0 } else { component.weight(i, j, rest) }).collect()).collect();
    let sets = 1usize << n;
    let mut together = vec![0.0f64; sets];
    // Worth of the best partition of a set, and the cluster in it that holds the set's first record.
    let mut worth = vec![(0.0f64, 0usize); sets];
    for set in 1..sets {
        let first = set.trailing_zeros() as usize;
        let others = set & (set - 1);
        together[set] = together[others] + members(others).map(|j| weights[first][j]).sum::<f64>();
        let mut found = (f64::NEG_INFINITY, 0);
        let mut part = others;
        loop {
            let own = part | 1 << first;
            let sum = together[own] + worth[set & !own].0;
            if sum > found.0 {
                found = (sum, own);
            }
            if part == 0 {
                break;
            }
            part = (part - 1) & others;
        }
        worth[set] = found;
    }
    let mut parts = Vec::new();
    let mut left = sets - 1;
    while left != 0 {
        let own = worth[left].1;
        parts.push(members(own).map(|i| component.nodes[i]).collect());
        left &= !own;
    }
    parts
}

fn members(set: usize) -> impl Iterator<Item = usize> {
    (0..usize::BITS as usize).take_while(move |i| set >> i != 0).filter(move |i| set >> i & 1 == 1)
}

/// Joins the two clusters that gain most as long as any gains.
fn greedy(component: &Component, rest: &impl Fn(u32, u32) -> f64) -> Vec<Vec<u32>> {
    let n = component.nodes.len();
    let mut members: Vec<Vec<usize>> = (0..n).map(|i| vec![i]).collect();
    // What pairs that were looked at say about two clusters: their sum, and how many they are.
    let mut between: Vec<BTreeMap<usize, (f64, usize)>> = vec![BTreeMap::new(); n];
    let mut queue = std::collections::BinaryHeap::new();
    for (a, b, weight) in &component.edges {
        let (a, b) = (*a as usize, *b as usize);
        between[a].insert(b, (*weight, 1));
        between[b].insert(a, (*weight, 1));
        queue.push(Join { gain: *weight, a, b, sizes: (1, 1) });
    }
    let whole = |members: &[Vec<usize>], a: usize, b: usize, (sum, known): (f64, usize)| {
        let (x, y) = (&members[a], &members[b]);
        let pairs = x.len() * y.len();
        if pairs == known {
            return sum;
        }
        let step = pairs.div_ceil(ASKED);
        let (mut asked, mut against) = (0usize, 0.0);
        for at in (0..pairs).step_by(step) {
            let (i, j) = (x[at / y.len()], y[at % y.len()]);
            let (low, high) = (i.min(j) as u32, i.max(j) as u32);
            if component.edges.binary_search_by(|e| (e.0, e.1).cmp(&(low, high))).is_err() {
                against += rest(component.nodes[low as usize], component.nodes[high as usize]).min(0.0);
            }
            asked += 1;
        }
        // Of clusters too large to be asked about pair by pair what was drawn stands for all.
        sum + against * (pairs as f64 / asked.max(1) as f64)
    };
    while let Some(join) = queue.pop() {
        let Join { gain, a, b, sizes } = join;
        if gain <= 0.0 {
            break;
        }
        if (members[a].len(), members[b].len()) != sizes || sizes.0 == 0 || sizes.1 == 0 {
            continue;
        }
        let Some(link) = between[a].get(&b).copied() else {
            continue;
        };
        // The queue knows what speaks for it; before it is done all pairs are asked.
        let exact = whole(&members, a, b, link);
        if exact < gain {
            queue.push(Join { gain: exact, a, b, sizes });
            if exact <= 0.0 {
                continue;
            }
            let next = queue.peek().map_or(f64::NEG_INFINITY, |j| j.gain);
            if next > exact {
                continue;
            }
        }
        let moved = std::mem::take(&mut members[b]);
        members[a].extend(moved);
        members[a].sort_unstable();
        for (other, (sum, known)) in std::mem::take(&mut between[b]) {
            between[other].remove(&b);
            if other != a {
                for (x, y) in [(a, other), (other, a)] {
                    let link = between[x].entry(y).or_insert((0.0, 0));
                    *link = (link.0 + sum, link.1 + known);
                }
            }
        }
        between[a].remove(&b);
        for (other, (sum, _)) in &between[a] {
            let (x, y) = (a.min(*other), a.max(*other));
            queue.push(Join { gain: *sum, a: x, b: y, sizes: (members[x].len(), members[y].len()) });
        }
    }
    let mut parts: Vec<Vec<u32>> = members
        .into_iter()
        .filter(|m| !m.is_empty())
        .map(|m| m.into_iter().map(|i| component.nodes[i]).collect())
        .collect();
    parts.sort_unstable();
    parts
}

/// Two clusters that may be joined, as large as they were when this was written down.
struct Join {
    gain: f64,
    a: usize,
    b: usize,
    sizes: (usize, usize),
}

impl Ord for Join {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        // Of equal gains the earlier records go first.
        self.gain
            .total_cmp(&other.gain)
            .then((other.a, other.b).cmp(&(self.a, self.b)))
            .then(other.sizes.cmp(&self.sizes))
    }
}

impl PartialOrd for Join {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Join {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Join {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn with(edges: &[(u32, u32, f64)], rest: f64) -> Vec<Vec<u32>> {
        cluster(edges, |_, _| rest).all
    }

    #[test]
    fn two_weak_pairs_do_not_glue_strangers() {
        let chain = [(1, 2, 2.0), (2, 3, 3.0)];
        assert_eq!(with(&chain, 0.0), [vec![1, 2, 3]], "nothing speaks against the ends");
        assert_eq!(with(&chain, -20.0), [vec![2, 3]], "the stronger pair stays");
        assert_eq!(with(&chain, NEVER), [vec![2, 3]]);
        assert_eq!(with(&[(1, 2, 30.0), (2, 3, 30.0)], -20.0), [vec![1, 2, 3]], "strong pairs outweigh it");
        assert_eq!(with(&[(1, 2, 2.0), (2, 3, 2.0)], -20.0), [vec![1, 2]], "of equals the earlier");
        assert_eq!(
            with(&[(1, 2, 2.0), (2, 3, 3.0), (1, 3, -9.0)], 5.0),
            [vec![2, 3]],
            "nothing but a pair speaks for it"
        );
    }

    #[test]
    fn nothing_and_little() {
        assert!(with(&[], 0.0).is_empty());
        assert!(with(&[(1, 2, -1.0), (3, 3, 5.0), (4, 5, 0.0)], 0.0).is_empty());
        let clusters = cluster(&[(7, 9, 1.0), (3, 2, 1.0), (2, 3, 4.0)], |_, _| 0.0);
        assert_eq!(clusters.all, [vec![2, 3], vec![7, 9]]);
        assert_eq!(clusters.sizes, BTreeMap::from([(2, 2)]));
        assert_eq!(clusters.of(10), [0, 1, 2, 2, 4, 5, 6, 7, 8, 7]);
    }

    #[test]
    fn large_components_fall_into_their_clusters() {
        // Persons of six records each in a long chain of weak pairs.
        let mut edges = Vec::new();
        for person in 0..60u32 {
            let first = person * 6;
            for i in 0..6 {
                for j in i + 1..6 {
                    edges.push((first + i, first + j, 8.0));
                }
            }
            edges.push((first + 5, first + 6, 2.0));
        }
        let clusters = cluster(&edges, |_, _| -4.0);
        assert_eq!((clusters.greedy, clusters.largest_component), (1, 361));
        assert_eq!(clusters.sizes, BTreeMap::from([(6, 60)]));
        // A chain of weak pairs alone ends in pairs, not in one.
        let chain: Vec<_> = (0..2_000).map(|i| (i, i + 1, 2.0)).collect();
        assert!(cluster(&chain, |_, _| -3.0).all.iter().all(|c| c.len() == 2));
        assert_eq!(cluster(&chain, |_, _| 0.0).sizes, BTreeMap::from([(2_001, 1)]));
    }

    fn worth(partition: &[usize], weights: &[Vec<f64>]) -> f64 {
        let pairs = (0..partition.len()).flat_map(|i| (i + 1..partition.len()).map(move |j| (i, j)));
        pairs.filter(|(i, j)| partition[*i] == partition[*j]).map(|(i, j)| weights[i][j]).sum()
    }

    fn best_by_trying_all(at: usize, partition: &mut Vec<usize>, weights: &[Vec<f64>]) -> f64 {
        if at == weights.len() {
            return worth(partition, weights);
        }
        let next = partition.iter().max().map_or(0, |m| m + 1);
        (0..=next).fold(f64::NEG_INFINITY, |best, own| {
            partition.push(own);
            let found = best_by_trying_all(at + 1, partition, weights);
            partition.pop();
            best.max(found)
        })
    }

    fn table(n: usize, raw: &[i32]) -> Vec<Vec<f64>> {
        (0..n).map(|i| (0..n).map(|j| f64::from(raw[i.min(j) * 16 + i.max(j)])).collect()).collect()
    }

    fn edges_of(weights: &[Vec<f64>]) -> Vec<(u32, u32, f64)> {
        let n = weights.len();
        let pairs = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j)));
        pairs.filter(|(i, j)| weights[*i][*j] != 0.0).map(|(i, j)| (i as u32, j as u32, weights[i][j])).collect()
    }

    proptest! {
        #[test]
        fn small_components_get_the_best_partition(n in 2usize..7, raw in proptest::collection::vec(-9i32..9, 256)) {
            let weights = table(n, &raw);
            let of = cluster(&edges_of(&weights), |_, _| 0.0).of(n);
            let own: Vec<usize> = of.iter().map(|c| *c as usize).collect();
            let best = best_by_trying_all(0, &mut Vec::new(), &weights);
            prop_assert!((worth(&own, &weights) - best).abs() < 1e-9, "{:?} {} {}", own, worth(&own, &weights), best);
        }

        #[test]
        fn joining_what_gains_never_loses_and_never_joins_what_cannot_be(
            n in 12usize..16,
            raw in proptest::collection::vec(-9i32..9, 256),
        ) {
            let mut weights = table(n, &raw);
            for (i, row) in weights.iter_mut().enumerate() {
                for (j, weight) in row.iter_mut().enumerate() {
                    *weight = if *weight == -9.0 || i == j { NEVER } else { *weight };
                }
            }
            let of = cluster(&edges_of(&weights), |_, _| 0.0).of(n);
            let own: Vec<usize> = of.iter().map(|c| *c as usize).collect();
            prop_assert!(worth(&own, &weights) >= 0.0);
        }
    }
}
