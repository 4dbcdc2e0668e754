//! Compressed bodies, signed either way.

use crate::support::{ACCEPTED, DUPLICATE, Harness, UNAUTHENTIC, order, set};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use receiver::unpacked;
use std::io::Write;
use tidings_config::limits::MAX_BODY_BYTES;
use tidings_core::unreadable::Why;
use tidings_events::SignedRequest;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Signed over what is inside, and sent compressed.
fn signed_plain(harness: &Harness, source: &str, encoding: &str, body: &[u8], packed: Vec<u8>) -> SignedRequest {
    let mut request = harness.signed(source, body);
    request.body = packed;
    set(&mut request, "content-encoding", encoding);
    request
}

/// Signed over the compressed bytes.
fn signed_compressed(harness: &Harness, source: &str, encoding: &str, packed: Vec<u8>) -> SignedRequest {
    let mut request = harness.signed(source, packed);
    set(&mut request, "content-encoding", encoding);
    request
}

/// Case B31, in each encoding.
#[tokio::test]
async fn a_compressed_body_is_read_with_either_bytes_signed() {
    for (encoding, pack) in [("gzip", gzip as fn(&[u8]) -> Vec<u8>), ("GZIP ", gzip), ("deflate", zlib), ("deflate", deflate)] {
        let harness = Harness::warm().await;
        let (first, second) = (order("e1", "1"), order("e2", "1"));
        let plain = signed_plain(&harness, "orders", encoding, &first, pack(&first));
        assert_eq!(harness.send(&plain).await.said(), ACCEPTED, "{encoding}");
        assert_eq!(
            harness.send(&signed_compressed(&harness, "orders", encoding, pack(&second))).await.said(),
            ACCEPTED,
            "{encoding}"
        );
        let data: Vec<String> = harness.queued().iter().map(|event| event.data.get().to_owned()).collect();
        assert_eq!(data, [String::from_utf8(first.clone()).unwrap(), String::from_utf8(second).unwrap()], "{encoding}");
        assert_eq!(harness.send(&harness.signed("orders", first)).await.said(), DUPLICATE, "the same event, not compressed");
        assert_eq!(harness.calls(), 5, "{encoding}: two for an event, one for a duplicate");
    }
}

#[tokio::test]
async fn a_source_can_state_which_bytes_are_signed() {
    let harness = Harness::warm().await;
    let body = br#"{"id":"1"}"#;
    let packed = gzip(body);
    for (source, plain, compressed) in [("plain", ACCEPTED, UNAUTHENTIC), ("compressed", UNAUTHENTIC, ACCEPTED)] {
        assert_eq!(harness.send(&signed_plain(&harness, source, "gzip", body, packed.clone())).await.said(), plain, "{source}");
        assert_eq!(
            harness.send(&signed_compressed(&harness, source, "gzip", packed.clone())).await.said(),
            compressed,
            "{source}"
        );
        let uncompressed = br#"{"id":"2"}"#;
        assert_eq!(harness.send(&harness.signed(source, uncompressed)).await.said(), ACCEPTED, "{source}: not compressed");
    }
}

#[tokio::test]
async fn a_forged_compressed_body_is_refused() {
    let harness = Harness::warm().await;
    let body = order("e1", "1");
    let mut forged = harness.signed_with("orders", "another key", body.clone());
    forged.body = gzip(&body);
    set(&mut forged, "content-encoding", "gzip");
    assert_eq!(harness.send(&forged).await.said(), UNAUTHENTIC);
    let mut changed = signed_plain(&harness, "orders", "gzip", &body, gzip(&order("e2", "1")));
    assert_eq!(harness.send(&changed).await.said(), UNAUTHENTIC, "another body inside");
    changed.body = gzip(&gzip(&body));
    assert_eq!(harness.send(&changed).await.said(), UNAUTHENTIC, "inflated once");
    assert_eq!(harness.calls(), 0);
}

#[tokio::test]
async fn a_decompression_bomb_is_refused_and_the_largest_body_is_not() {
    let harness = Harness::warm().await;
    let mut body = order("e1", "1");
    body.resize(MAX_BODY_BYTES, b' ');
    assert_eq!(harness.send(&signed_compressed(&harness, "orders", "gzip", gzip(&body))).await.said(), ACCEPTED);
    body.push(b' ');
    assert_eq!(harness.send(&signed_compressed(&harness, "orders", "gzip", gzip(&body))).await.said(), (413, "too_large"));
    let bomb = gzip(&vec![0; MAX_BODY_BYTES]).repeat(900);
    assert!(bomb.len() < MAX_BODY_BYTES);
    for request in [signed_compressed(&harness, "orders", "gzip", bomb.clone()), {
        let mut unsigned = harness.unsigned("orders", bomb);
        set(&mut unsigned, "content-encoding", "gzip");
        unsigned
    }] {
        assert_eq!(harness.send(&request).await.said(), (413, "too_large"));
    }
    assert_eq!(harness.calls(), 2);
}

#[tokio::test]
async fn a_body_that_does_not_fit_its_encoding_is_used_unchanged_or_stored() {
    let harness = Harness::warm().await;
    for (n, encoding) in ["gzip", "deflate", "br", "identity", "gzip, gzip"].iter().enumerate() {
        let request = signed_compressed(&harness, "orders", encoding, order(&format!("e{n}"), "1"));
        assert_eq!(harness.send(&request).await.said(), ACCEPTED, "{encoding}: a proxy has inflated it");
        assert_eq!(harness.queued().pop().unwrap().claimkey.as_str(), format!("orders#e{n}"), "{encoding}");
    }
    let whole = gzip(&order("cut", "1"));
    let cut = whole[..whole.len() - 9].to_vec();
    assert_eq!(harness.send(&signed_compressed(&harness, "orders", "gzip", cut.clone())).await.said(), ACCEPTED);
    let kept = harness.queued().pop().unwrap();
    assert_eq!((kept.unreadable().unwrap().why, unpacked(&kept).unwrap()), (Why::NotInflated, cut), "its very bytes");
    let unknown = signed_compressed(&harness, "orders", "br", vec![0x1b, 0xff, 0x00]);
    assert_eq!(harness.send(&unknown).await.said(), ACCEPTED);
    assert_eq!(harness.queued().pop().unwrap().unreadable().unwrap().why, Why::NotUtf8);
}
