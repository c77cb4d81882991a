//! Which byte of a row tells the bins of which features: one of many bins has a byte to itself, several of few bins
//! share one. Features of which hardly two are ever unusual in one row, such as a category's levels as flags, need
//! no more values between them than they have unusual bins.

/// A byte of every row: the sum of each share's value times its stride.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    pub(super) shares: Vec<Share>,
}

/// A part of a lane.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Share {
    pub(super) stride: usize,
    /// How many values it has.
    pub(super) values: usize,
    pub(super) members: Vec<Member>,
}

/// A feature of a share. Each of its bins but the usual one has a value of its own; 0 stands for the usual bins of all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Member {
    pub(super) feature: usize,
    /// How many bins there are among the rows that are learned from.
    pub(super) bins: usize,
    pub(super) usual: usize,
    /// The value of its first bin that is not usual.
    pub(super) first: usize,
}

/// Features to be told by one value; all but one of each one's bins are unusual.
pub(super) type Bundle = Vec<Member>;

impl Lane {
    /// The feature that has the lane to itself.
    pub(super) fn alone(&self) -> Option<usize> {
        match &self.shares[..] {
            [Share { members, .. }] if members.len() == 1 => Some(members[0].feature),
            _ => None,
        }
    }

    /// The features that the lane tells.
    pub(super) fn features(&self) -> impl Iterator<Item = usize> {
        self.shares.iter().flat_map(|share| share.members.iter().map(|member| member.feature))
    }

    /// Writes the bytes of some rows, of which `bins` gives each feature's bins. `odd` is told of a feature's bin in a row
    /// that a byte cannot tell: the byte says that it is usual.
    pub(super) fn fill(&self, bytes: &mut [u8], bins: impl Fn(usize, &mut [u8]), odd: impl Fn(usize, usize, u8)) {
        let (mut of_feature, mut values) = (vec![0; bytes.len()], vec![0; bytes.len()]);
        for share in &self.shares {
            values.fill(0);
            for member in &share.members {
                bins(member.feature, &mut of_feature);
                if !member.tell(&of_feature, &mut values) {
                    member.tell_most(&of_feature, &mut values, |row, bin| odd(member.feature, row, bin));
                }
            }
            bytes.iter_mut().zip(&values).for_each(|(byte, value)| *byte += share.stride as u8 * value);
        }
    }

    /// The bin of a member of a share, by the lane's byte.
    pub(super) fn bins_of_bytes(share: &Share, member: &Member) -> Box<[u8; 256]> {
        Box::new(std::array::from_fn(|byte| member.bin(byte / share.stride % share.values) as u8))
    }
}

impl Member {
    /// A feature without companions.
    pub(super) fn lone(feature: usize, bins: usize) -> Member {
        Member { feature, bins, usual: 0, first: 1 }
    }

    /// The value of a bin.
    #[inline(always)]
    fn value(self, bin: u8) -> u8 {
        let rank = bin.wrapping_sub(u8::from(usize::from(bin) > self.usual));
        if usize::from(bin) == self.usual { 0 } else { rank.wrapping_add(self.first as u8) }
    }

    /// The bin that a value stands for.
    fn bin(self, value: usize) -> usize {
        match value.checked_sub(self.first) {
            Some(rank) if rank + 1 < self.bins => rank + usize::from(rank >= self.usual),
            _ => self.usual,
        }
    }

    /// Writes the sums of its bins, by those of its share's values and that of them all.
    pub(super) fn sums(self, of_values: &[u64], total: u64, sums: &mut [u64; 256]) {
        let mut usual = total;
        for (rank, sum) in of_values[self.first..][..self.bins - 1].iter().enumerate() {
            sums[rank + usize::from(rank >= self.usual)] = *sum;
            usual = usual.wrapping_sub(*sum);
        }
        sums[self.usual] = usual;
    }

    /// Sets the values of some rows by their bins, where all are usual so far. False, and nothing is done, where a row
    /// has a bin that no row that is learned from has, or is already unusual.
    pub(super) fn tell(self, bins: &[u8], values: &mut [u8]) -> bool {
        let is_odd =
            |(bin, value): (&u8, &u8)| (usize::from(*bin) >= self.bins) | ((self.value(*bin) != 0) & (*value != 0));
        if bins.iter().zip(&*values).fold(false, |odd, row| odd | is_odd(row)) {
            return false;
        }
        bins.iter().zip(values).for_each(|(bin, value)| *value |= self.value(*bin));
        true
    }

    /// The same row by row: `odd` is told of those that cannot be told by a value.
    pub(super) fn tell_most(self, bins: &[u8], values: &mut [u8], mut odd: impl FnMut(usize, u8)) {
        for (row, (bin, value)) in bins.iter().zip(values).enumerate() {
            if usize::from(*bin) >= self.bins || (self.value(*bin) != 0 && *value != 0) {
                odd(row, *bin);
            } else {
                *value |= self.value(*bin);
            }
        }
    }
}

/// How many values tell a bundle.
fn values(bundle: &[Member]) -> usize {
    1 + bundle.iter().map(|member| member.bins - 1).sum::<usize>()
}

/// Gives bundles to lanes: those of most values first, each to the first lane whose byte can tell its values, too.
pub(super) fn share_lanes(bundles: impl Iterator<Item = Bundle>) -> Vec<Lane> {
    let mut bundles: Vec<(usize, Bundle)> =
        bundles.filter(|bundle| !bundle.is_empty()).map(|bundle| (values(&bundle), bundle)).collect();
    bundles.sort_by_key(|(values, _)| std::cmp::Reverse(*values));
    let mut lanes: Vec<(usize, Lane)> = Vec::new();
    for (values, mut members) in bundles {
        let mut first = 1;
        for member in &mut members {
            member.first = first;
            first += member.bins - 1;
        }
        let lane = match lanes.iter().position(|(told, _)| told * values <= 256) {
            Some(lane) => lane,
            None => {
                lanes.push((1, Lane { shares: Vec::new() }));
                lanes.len() - 1
            }
        };
        let (told, lane) = &mut lanes[lane];
        lane.shares.push(Share { stride: *told, values, members });
        *told *= values;
    }
    lanes.into_iter().map(|(_, lane)| lane).collect()
}

/// A feature as some rows show it.
pub(super) struct Sampled {
    pub(super) member: Member,
    /// A bit for each of the rows, set where it is unusual.
    pub(super) unusual: Vec<u64>,
}

/// No more bundles than this are tried for a feature.
const TRIED: usize = 64;

/// Bundles features of which no two are unusual in one of the rows that were looked at.
pub(super) fn bundle(mut features: Vec<Sampled>) -> Vec<Bundle> {
    let count = |bits: &[u64]| bits.iter().map(|bits| bits.count_ones()).sum::<u32>();
    features.sort_by_key(|feature| std::cmp::Reverse(count(&feature.unusual)));
    let mut bundles: Vec<(Bundle, Vec<u64>)> = Vec::new();
    for Sampled { member, unusual } in features {
        let fits = |(bundle, taken): &(Bundle, Vec<u64>)| {
            values(bundle) + member.bins - 1 <= 256 && taken.iter().zip(&unusual).all(|(a, b)| a & b == 0)
        };
        match bundles.iter().take(TRIED).position(fits) {
            Some(at) => {
                let (bundle, taken) = &mut bundles[at];
                bundle.push(member);
                taken.iter_mut().zip(&unusual).for_each(|(taken, unusual)| *taken |= unusual);
            }
            None => bundles.push((vec![member], unusual)),
        }
    }
    bundles.into_iter().map(|(bundle, _)| bundle).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_tells_the_bins_of_all_its_members() {
        let features = [(3, 1), (2, 0), (4, 3), (2, 1), (5, 0)];
        let member = |feature: usize| {
            let (bins, usual) = features[feature];
            Member { usual, ..Member::lone(feature, bins) }
        };
        let bundles = [(0..3).map(member).collect(), Bundle::new(), (3..5).map(member).collect()];
        let lanes = share_lanes(bundles.into_iter());
        assert_eq!(lanes.len(), 1);
        // Each row is unusual in no more than one feature of a bundle.
        let rows = [[1, 0, 3, 1, 0], [0, 0, 3, 0, 0], [1, 1, 3, 1, 4], [1, 0, 0, 1, 1], [2, 0, 3, 1, 3]];
        for row in rows {
            let mut byte = 0;
            for share in &lanes[0].shares {
                let mut value = [0];
                for member in &share.members {
                    assert!(member.tell(&[row[member.feature]], &mut value), "{member:?}");
                }
                byte += usize::from(value[0]) * share.stride;
            }
            for share in &lanes[0].shares {
                for member in &share.members {
                    assert_eq!(Lane::bins_of_bytes(share, member)[byte], row[member.feature], "{row:?} {member:?}");
                }
            }
        }
    }

    #[test]
    fn sums_of_values_are_sums_of_bins() {
        let member = Member { feature: 0, bins: 4, usual: 2, first: 3 };
        let of_values = [100, 1, 2, 4, 8, 16, 32];
        let mut sums = [0; 256];
        member.sums(&of_values, of_values.iter().sum(), &mut sums);
        assert_eq!(sums[..4], [4, 8, 163 - 28, 16]);
    }

    #[test]
    fn what_is_unusual_together_is_not_bundled() {
        let sampled = |feature: usize, unusual: u64| Sampled {
            member: Member { feature, bins: 2, usual: 0, first: 0 },
            unusual: vec![unusual],
        };
        let bundles = bundle(vec![sampled(0, 0b0111), sampled(1, 0b1000), sampled(2, 0b0011), sampled(3, 0b1_0000)]);
        let of: Vec<Vec<usize>> =
            bundles.iter().map(|bundle| bundle.iter().map(|member| member.feature).collect()).collect();
        assert_eq!(of, [vec![0, 1, 3], vec![2]]);
    }

    #[test]
    fn a_row_that_no_value_tells_is_named() {
        let member = Member { feature: 0, bins: 2, usual: 0, first: 5 };
        let mut values = [0, 3, 0, 0];
        assert!(!member.tell(&[1, 1, 2, 0], &mut values));
        let mut odd = Vec::new();
        member.tell_most(&[1, 1, 2, 0], &mut values, |row, bin| odd.push((row, bin)));
        assert_eq!((values, odd), ([5, 3, 0, 0], vec![(1, 1), (2, 2)]));
    }
}
