//! Which shards a member gives back and which it takes, so that all members come to hold about as many apps. Arithmetic on
//! what a round has shown: no database, no clock, no chance.

/// Renewals in which a member comes down to its share: what it has beyond it is given back in such parts.
const PARTS: u32 = 6;

/// A shard, and how many apps are in it.
pub(super) type Weighed = (i16, u32);

/// A member among the others, in the order of their ids.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Own {
    /// How many of the other members come before it.
    pub(super) place: usize,
}

/// What a round has shown.
#[derive(Clone, Debug)]
pub(super) struct Share<'a> {
    /// Shards that it has, without those that it is giving back.
    pub(super) mine: &'a [Weighed],
    /// Shards that nobody has.
    pub(super) free: &'a [Weighed],
    /// Apps of each other member.
    pub(super) others: &'a [u32],
    /// Where it stands among them, so that members which are alike do not all do the same.
    pub(super) own: Own,
    /// Apps of all shards.
    pub(super) total: u32,
    /// Apps of the largest of all shards.
    pub(super) largest: u32,
}

/// What a member does after a round; and what it keeps for the next one.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Plan {
    /// Shards to give back.
    pub(super) give: Vec<i16>,
    /// Shards to claim.
    pub(super) take: Vec<i16>,
    /// Apps that it gives back a renewal, while it has more than its share.
    pub(super) pace: Option<u32>,
}

impl Share<'_> {
    /// What to do, given the pace of the round before.
    pub(super) fn plan(&self, pace: Option<u32>) -> Plan {
        let mine = apps(self.mine);
        let fair = self.total.div_ceil(self.members());
        let Some(surplus) = mine.checked_sub(fair).filter(|surplus| *surplus > 0) else {
            return Plan { give: self.level(mine), take: self.take(mine), pace: None };
        };
        let new = surplus.div_ceil(PARTS);
        let pace = pace.map_or(new, |pace| pace.max(new));
        let give = self.down_to(mine, fair, pace);
        let give = if give.is_empty() { self.level(mine) } else { give };
        Plan { give, take: Vec::new(), pace: Some(pace) }
    }

    /// Has it so few apps that it should look again soon?
    pub(super) fn is_short(&self) -> bool {
        apps(self.mine) < self.total / self.members()
    }

    fn members(&self) -> u32 {
        u32::try_from(self.others.len()).unwrap_or(u32::MAX - 1) + 1
    }

    /// The smallest shards that do not take it below its share; apps of all of them up to the pace, but one at least.
    fn down_to(&self, mine: u32, fair: u32, pace: u32) -> Vec<i16> {
        let (mut left, mut given, mut give) = (mine, 0, Vec::new());
        for (shard, weight) in sorted(self.mine) {
            if left < fair + weight || (given > 0 && given + weight > pace) {
                break;
            }
            (left, given) = (left - weight, given + weight);
            give.push(shard);
        }
        give
    }

    /// Its smallest shard, where it has the most apps of all and so many more than the poorest that this is not even. One
    /// that waits to be claimed may be the remedy already.
    fn level(&self, mine: u32) -> Vec<i16> {
        let richest =
            self.others.iter().enumerate().all(|(at, apps)| *apps < mine || (*apps == mine && at >= self.own.place));
        let poorest = self.others.iter().min().copied().unwrap_or(mine);
        let uneven = mine.saturating_sub(poorest) > tolerance(mine, self.largest);
        let smallest = sorted(self.mine).into_iter().find(|(_, weight)| *weight > 0).map(|(shard, _)| shard);
        smallest.filter(|_| richest && uneven && self.free.is_empty()).into_iter().collect()
    }

    /// Free shards up to the level at which all members stand when the free apps are poured out over the poorest first.
    fn take(&self, mine: u32) -> Vec<i16> {
        let level = level(mine, self.others, apps(self.free));
        let mut free = sorted(self.free);
        // Members that claim at the same time begin at different ones.
        let start = if free.is_empty() { 0 } else { free.len() * self.own.place / (self.others.len() + 1) };
        free.rotate_left(start);
        let (mut have, mut take) = (mine, Vec::new());
        for (shard, weight) in free {
            if have >= level {
                break;
            }
            have += weight;
            take.push(shard);
        }
        take
    }
}

/// How far two members may be apart: one app, 10 %, or the largest shard.
pub(super) fn tolerance(most: u32, largest: u32) -> u32 {
    largest.max(most / 10).max(1)
}

/// The apps that each member has, rounded up, when `free` ones are given to the poorest first.
fn level(mine: u32, others: &[u32], free: u32) -> u32 {
    let mut all: Vec<u32> = others.iter().copied().chain([mine]).collect();
    all.sort_unstable();
    let mut sum = free;
    let mut level = 0;
    for (count, apps) in (1..).zip(&all) {
        if count > 1 && level <= *apps {
            break;
        }
        sum = sum.saturating_add(*apps);
        level = sum.div_ceil(count);
    }
    level
}

fn apps(shards: &[Weighed]) -> u32 {
    shards.iter().map(|(_, weight)| weight).sum()
}

/// Smallest first.
fn sorted(shards: &[Weighed]) -> Vec<Weighed> {
    let mut sorted = shards.to_vec();
    sorted.sort_by_key(|(shard, weight)| (*weight, *shard));
    sorted
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// Members, each with its shards, as they act one after the other on what the round before has shown.
    #[derive(Debug)]
    struct Crowd {
        weights: Vec<u32>,
        owner: Vec<Option<u32>>,
        /// Apps that each member has told of, and its pace.
        members: BTreeMap<u32, (u32, Option<u32>)>,
    }

    impl Crowd {
        fn new(weights: Vec<u32>) -> Self {
            Self { owner: vec![None; weights.len()], weights, members: BTreeMap::new() }
        }

        fn shards(&self, owner: Option<u32>) -> Vec<Weighed> {
            let of = |shard: &usize| self.owner[*shard] == owner;
            (0..self.owner.len()).filter(of).map(|shard| (i16::try_from(shard).unwrap(), self.weights[shard])).collect()
        }

        fn renew(&mut self, id: u32) {
            let (mine, free) = (self.shards(Some(id)), self.shards(None));
            let others: Vec<u32> =
                self.members.iter().filter(|(other, _)| **other != id).map(|(_, told)| told.0).collect();
            let place = self.members.keys().filter(|other| **other < id).count();
            let share = Share {
                mine: &mine,
                free: &free,
                others: &others,
                own: Own { place },
                total: self.weights.iter().sum(),
                largest: self.weights.iter().max().copied().unwrap_or_default(),
            };
            let before = apps(&mine);
            let plan = share.plan(self.members[&id].1);
            let fair = share.total.div_ceil(share.members());
            if before > fair {
                let given: u32 = plan.give.iter().map(|shard| self.weights[usize::try_from(*shard).unwrap()]).sum();
                assert!(given <= plan.pace.unwrap().max(share.largest), "{given} at once, at {plan:?}");
            }
            for (shards, owner) in [(&plan.give, None), (&plan.take, Some(id))] {
                shards.iter().for_each(|shard| self.owner[usize::try_from(*shard).unwrap()] = owner);
            }
            self.members.insert(id, (apps(&self.shards(Some(id))), plan.pace));
        }

        fn gap(&self) -> (u32, u32) {
            let most = self.members.keys().map(|id| apps(&self.shards(Some(*id)))).max().unwrap();
            (most, most - self.members.keys().map(|id| apps(&self.shards(Some(*id)))).min().unwrap())
        }

        /// Rounds in an order of chance until all is held and even.
        fn settle(&mut self, order: &[u32], rounds: usize) -> usize {
            for round in 0..rounds {
                let mut ids: Vec<u32> = self.members.keys().copied().collect();
                ids.sort_by_key(|id| order[(usize::try_from(*id).unwrap() + round) % order.len()]);
                ids.into_iter().for_each(|id| self.renew(id));
                let (most, gap) = self.gap();
                let largest = self.weights.iter().max().copied().unwrap();
                if self.shards(None).is_empty() && gap <= tolerance(most, largest) {
                    return round;
                }
            }
            panic!("not even after {rounds} rounds: {self:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn members_that_come_and_go_share_all_apps_evenly(
            weights in prop::collection::vec(1_u32..5, 1..200),
            order in prop::collection::vec(any::<u32>(), 7),
            comings in prop::collection::vec(any::<bool>(), 1..8),
        ) {
            let mut crowd = Crowd::new(weights);
            crowd.members.insert(0, (0, None));
            crowd.settle(&order, 3);
            for (id, comes) in (1..).zip(comings) {
                if comes || crowd.members.len() == 1 {
                    crowd.members.insert(id, (0, None));
                } else {
                    let gone = *crowd.members.keys().nth(order[0] as usize % crowd.members.len()).unwrap();
                    crowd.members.remove(&gone);
                    crowd.owner.iter_mut().filter(|owner| **owner == Some(gone)).for_each(|owner| *owner = None);
                }
                // A minute has six renewals; the rest evens out by one shard a round.
                crowd.settle(&order, 40);
            }
        }

        #[test]
        fn one_that_joins_has_its_share_within_a_minute_of_renewals(apps in 20_u32..400, members in 1_u32..5) {
            let mut crowd = Crowd::new(vec![1; usize::try_from(apps).unwrap()]);
            crowd.members.extend((0..members).map(|id| (id, (0, None))));
            crowd.settle(&[0], 40);
            crowd.members.insert(members, (0, None));
            let round = crowd.settle(&[0], 40);
            prop_assert!(round <= 7, "{round} rounds");
        }
    }

    #[test]
    fn the_free_apps_raise_the_poorest_first() {
        assert_eq!(level(0, &[], 10), 10);
        assert_eq!(level(2, &[3, 3, 1], 1), 2);
        assert_eq!(level(67, &[67], 66), 100);
        assert_eq!(level(5, &[5], 1), 6);
        assert_eq!(level(5, &[1], 2), 3);
    }
}
