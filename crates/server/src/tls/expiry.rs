//! When certificates end.

use der::asn1::{AnyRef, GeneralizedTime, UtcTime};
use der::{Decode, Reader, SliceReader, Tag, Tagged};
use jiff::Timestamp;
use rustls::pki_types::CertificateDer;

/// The moment after which the first of them that ends is no longer valid; None if none says so in a way that is read.
pub(crate) fn first_end(chain: &[CertificateDer<'_>]) -> Option<Timestamp> {
    chain.iter().filter_map(|certificate| end(certificate).ok().flatten()).min()
}

/// `tbsCertificate.validity.notAfter` (RFC 5280, 4.1).
fn end(certificate: &[u8]) -> der::Result<Option<Timestamp>> {
    let mut signed = parts(AnyRef::from_der(certificate)?)?;
    let mut of = parts(next(&mut signed)?)?;
    // The version may be left out, the serial number not.
    if next(&mut of)?.tag() != Tag::Integer {
        next(&mut of)?;
    }
    let (_algorithm, _issuer) = (next(&mut of)?, next(&mut of)?);
    let mut validity = parts(next(&mut of)?)?;
    let (_from, until) = (next(&mut validity)?, next(&mut validity)?);
    let since_1970 = match until.tag() {
        Tag::UtcTime => until.decode_as::<UtcTime>()?.to_unix_duration(),
        _ => until.decode_as::<GeneralizedTime>()?.to_unix_duration(),
    };
    Ok(Timestamp::from_second(since_1970.as_secs() as i64).ok())
}

fn parts(sequence: AnyRef<'_>) -> der::Result<SliceReader<'_>> {
    SliceReader::new(sequence.value())
}

fn next<'r>(from: &mut SliceReader<'r>) -> der::Result<AnyRef<'r>> {
    from.decode()
}
