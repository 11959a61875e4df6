//! Numbers that look random and are the same on every machine.

/// xoshiro256++ by Blackman and Vigna, seeded by SplitMix64.
#[derive(Debug, Clone)]
pub struct Random {
    state: [u64; 4],
}

impl Random {
    /// A sequence of its own for every seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut mix = seed;
        let state = std::array::from_fn(|_| {
            mix = mix.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let once = (mix ^ (mix >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let twice = (once ^ (once >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            twice ^ (twice >> 31)
        });
        Self { state }
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let result = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let (c, d) = (c ^ a, d ^ b);
        self.state = [a ^ d, b ^ c, c ^ (b << 17), d.rotate_left(45)];
        result
    }

    /// The upper 32 of the next bits.
    pub fn word(&mut self) -> u32 {
        u32::from_be_bytes(first(self.bits()))
    }

    /// The upper 16 of the next bits.
    pub fn half(&mut self) -> u16 {
        u16::from_be_bytes(first(self.bits()))
    }

    /// A number below `limit` (which is not 0).
    pub fn below(&mut self, limit: u64) -> u64 {
        let wide = u128::from(self.bits()) * u128::from(limit);
        u64::try_from(wide >> 64).expect("a product of 64-bit numbers has 64 upper bits")
    }

    /// A number from `first` to `last`, both included.
    pub fn between(&mut self, first: u64, last: u64) -> u64 {
        first + self.below(last - first + 1)
    }

    /// True in `share` of cases (0 to 1).
    pub fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    /// A number from 0 up to, not including, 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn first<const N: usize>(bits: u64) -> [u8; N] {
    let bytes = bits.to_be_bytes();
    std::array::from_fn(|at| bytes[at])
}

/// Bytes without pattern, to cut payloads from.
#[derive(Debug)]
pub struct Noise {
    bytes: Vec<u8>,
}

impl Noise {
    const START: u64 = 65_536;
    /// Longest piece that can be cut.
    pub const LONGEST: usize = 2048;

    /// Noise of its own for every seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed ^ 0x006e_6f69_7365);
        let mut bytes = Vec::new();
        while bytes.len() < 65_536 + Self::LONGEST {
            bytes.extend_from_slice(&random.bits().to_le_bytes());
        }
        Self { bytes }
    }

    /// A piece of `len` bytes (at most [`Noise::LONGEST`]) from anywhere.
    pub fn piece(&self, len: usize, random: &mut Random) -> &[u8] {
        let start = usize::try_from(random.below(Self::START)).expect("the start is below 65536");
        &self.bytes[start..start + len]
    }
}
