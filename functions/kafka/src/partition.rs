//! Into which partition a key belongs: as Kafka's own producers decide, so that other programs' records of a conversation
//! are in the same one.

/// The partition of a key, of `partitions`, which is at least 1.
pub fn partition_of(key: &[u8], partitions: u32) -> u32 {
    // Without the sign, as `Utils.toPositive` of Kafka's clients.
    (murmur2(key) & 0x7fff_ffff) % partitions.max(1)
}

/// `Utils.murmur2` of Kafka's clients (Apache License 2.0): MurmurHash2 with their seed.
fn murmur2(data: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    const R: u32 = 24;
    const SEED: u32 = 0x9747_b28c;
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let mut h = SEED ^ length;
    let (words, rest) = data.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> R;
        h = h.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !rest.is_empty() {
        for (n, byte) in rest.iter().enumerate() {
            h ^= u32::from(*byte) << (8 * n);
        }
        h = h.wrapping_mul(M);
    }
    h ^= h >> 13;
    h = h.wrapping_mul(M);
    h ^ (h >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_the_hash_that_kafkas_own_clients_give_it() {
        // UtilsTest.testMurmur2 of Apache Kafka.
        for (key, hash) in [
            ("21", -973_932_308_i32),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(key.as_bytes()).cast_signed(), hash, "{key}");
        }
    }

    #[test]
    fn a_partition_is_one_of_those_that_there_are() {
        for partitions in [1, 3, 12] {
            for n in 0..100 {
                assert!(partition_of(format!("web:{n}").as_bytes(), partitions) < partitions);
            }
        }
    }
}
