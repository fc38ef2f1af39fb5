//! Reads the parts of a certificate, or of a list of revoked ones, that the profile is about.
//!
//! Leaves out signatures and paths: those are webpki's. Takes definite, minimal lengths only.

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OID: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;
const BOOLEAN: u8 = 0x01;
const SET: u8 = 0x31;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SECONDS_PER_DAY: i64 = 86_400;

/// Reads one element after another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next element: its tag and content.
    pub(super) fn any(&mut self) -> Option<(u8, &'a [u8])> {
        let (tag, content, _) = self.element()?;
        Some((tag, content))
    }

    /// The content of the next element, which must have this tag.
    pub(super) fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.whole(tag).map(|(content, _)| content)
    }

    /// Its content, and all of its bytes.
    fn whole(&mut self, tag: u8) -> Option<(&'a [u8], &'a [u8])> {
        let mut ahead = *self;
        let (found, content, whole) = ahead.element()?;
        (found == tag).then(|| {
            *self = ahead;
            (content, whole)
        })
    }

    fn element(&mut self) -> Option<(u8, &'a [u8], &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        // Tags of several bytes are in no certificate.
        if tag & 0x1F == 0x1F {
            return None;
        }
        let (&first, mut rest) = rest.split_first()?;
        let length = match first {
            0..=0x7F => usize::from(first),
            0x81..=0x83 => {
                let (digits, behind) = rest.split_at_checked(usize::from(first & 0x7F))?;
                rest = behind;
                let length = digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit));
                let is_minimal = length > 0x7F && digits.first() != Some(&0);
                is_minimal.then_some(length)?
            }
            _ => return None,
        };
        let (content, behind) = rest.split_at_checked(length)?;
        let whole = self.0.get(..self.0.len() - behind.len())?;
        self.0 = behind;
        Some((tag, content, whole))
    }
}

/// One extension.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extension<'a> {
    pub(super) oid: &'a [u8],
    pub(super) critical: bool,
    pub(super) value: &'a [u8],
}

/// What a certificate says.
#[derive(Clone, Debug)]
pub(super) struct Certificate<'a> {
    pub(super) serial: &'a [u8],
    pub(super) signed_with: &'a [u8],
    pub(super) signed_with_outside: &'a [u8],
    pub(super) issuer: &'a [u8],
    pub(super) subject: &'a [u8],
    pub(super) key: &'a [u8],
    /// Seconds since 1970 UTC, both inclusive.
    pub(super) valid_s: (i64, i64),
    pub(super) extensions: Vec<Extension<'a>>,
}

impl<'a> Certificate<'a> {
    /// Nothing where it isn't DER in the form of a certificate of version 3.
    pub(super) fn read(der: &'a [u8]) -> Option<Self> {
        let mut outer = Reader(der);
        let mut certificate = Reader(outer.take(SEQUENCE)?);
        if !outer.is_empty() {
            return None;
        }
        let mut body = Reader(certificate.take(SEQUENCE)?);
        let signed_with_outside = certificate.take(SEQUENCE)?;
        certificate.take(BIT_STRING)?;
        if !certificate.is_empty() || body.take(0xA0)? != [INTEGER, 1, 2] {
            return None;
        }
        let serial = body.take(INTEGER)?;
        let signed_with = body.take(SEQUENCE)?;
        let issuer = body.take(SEQUENCE)?;
        let mut validity = Reader(body.take(SEQUENCE)?);
        let valid_s = (time(&mut validity)?, time(&mut validity)?);
        let subject = body.take(SEQUENCE)?;
        let key = body.take(SEQUENCE)?;
        // Unique identifiers of issuer and subject; nobody uses them.
        let _ = (body.take(0x81), body.take(0x82));
        let extensions = match body.take(0xA3) {
            Some(extensions) => read_extensions(extensions)?,
            None => Vec::new(),
        };
        body.is_empty().then_some(())?;
        Some(Self { serial, signed_with, signed_with_outside, issuer, subject, key, valid_s, extensions })
    }

    /// The extension with these bytes as its name.
    pub(super) fn extension(&self, oid: &[u8]) -> Option<&Extension<'a>> {
        self.extensions.iter().find(|extension| extension.oid == oid)
    }

    /// Whether it says that it signed itself.
    pub(super) fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }

    /// The common names of its subject.
    pub(super) fn common_names(&self) -> Option<Vec<&'a [u8]>> {
        const COMMON_NAME: &[u8] = &[0x55, 4, 3];
        let (mut names, mut parts) = (Vec::new(), Reader(self.subject));
        while !parts.is_empty() {
            let mut set = Reader(parts.take(SET)?);
            while !set.is_empty() {
                let mut pair = Reader(set.take(SEQUENCE)?);
                let (oid, (_, value)) = (pair.take(OID)?, pair.any()?);
                if oid == COMMON_NAME {
                    names.push(value);
                }
            }
        }
        Some(names)
    }
}

/// The extensions of a list of revoked certificates.
pub(super) fn crl_extensions(der: &[u8]) -> Option<Vec<Extension<'_>>> {
    let mut list = Reader(Reader(der).take(SEQUENCE)?);
    let mut body = Reader(list.take(SEQUENCE)?);
    while !body.is_empty() {
        if let (0xA0, extensions) = body.any()? {
            return read_extensions(extensions);
        }
    }
    Some(Vec::new())
}

fn read_extensions(explicit: &[u8]) -> Option<Vec<Extension<'_>>> {
    let (mut all, mut list) = (Vec::new(), Reader(Reader(explicit).take(SEQUENCE)?));
    while !list.is_empty() {
        let mut extension = Reader(list.take(SEQUENCE)?);
        let oid = extension.take(OID)?;
        let critical = extension.take(BOOLEAN).is_some_and(|value| value != [0]);
        let value = extension.take(OCTET_STRING)?;
        extension.is_empty().then_some(())?;
        all.push(Extension { oid, critical, value });
    }
    Some(all)
}

fn time(reader: &mut Reader<'_>) -> Option<i64> {
    let (tag, text) = reader.any()?;
    let text = text.strip_suffix(b"Z")?;
    let (century, text) = match (tag, text.len()) {
        (UTC_TIME, 12) => (None, text),
        (GENERALIZED_TIME, 14) => (Some(number(text.get(..2)?)?), text.get(2..)?),
        _ => return None,
    };
    let part = |index: usize| number(text.get(index * 2..index * 2 + 2)?);
    let year = part(0)?;
    let year =
        century.map_or(if year < 50 { 2000 + year } else { 1900 + year }, |century| century * 100 + year);
    let (month, day) = (part(1)?, part(2)?);
    let (hour, minute, second) = (part(3)?, part(4)?, part(5)?);
    let fits =
        (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 60;
    fits.then(|| days(year, month, day) * SECONDS_PER_DAY + hour * 3_600 + minute * 60 + second)
}

fn number(digits: &[u8]) -> Option<i64> {
    digits
        .iter()
        .try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0')))
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
pub(super) const fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March, so that a leap day is the last.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_definite_minimal_and_within_the_text() {
        assert_eq!(Reader(&[4, 1, 7]).take(OCTET_STRING), Some(&[7][..]));
        let long = [&[4, 0x81, 0x80][..], &[0; 128]].concat();
        assert_eq!(Reader(&long).take(OCTET_STRING).map(<[u8]>::len), Some(128));
        for broken in
            [&[][..], &[4], &[4, 2, 7], &[4, 0x80, 0, 0], &[4, 0x81, 1, 7], &[4, 0x82, 0, 200], &[0x1F, 1, 7]]
        {
            assert!(Reader(broken).any().is_none(), "{broken:?}");
        }
        // What is of another tag stays to be read.
        let mut reader = Reader(&[4, 1, 7]);
        assert!(reader.take(SEQUENCE).is_none() && reader.take(OCTET_STRING).is_some() && reader.is_empty());
    }

    #[test]
    fn times_are_read_in_both_forms() {
        let read = |tag: u8, text: &str| {
            let length = u8::try_from(text.len()).unwrap();
            time(&mut Reader(&[&[tag, length], text.as_bytes()].concat()))
        };
        assert_eq!(read(UTC_TIME, "700101000000Z"), Some(0));
        assert_eq!(read(UTC_TIME, "240301000001Z"), Some(1_709_251_201));
        assert_eq!(read(GENERALIZED_TIME, "20000229120000Z"), Some(951_825_600));
        assert_eq!(read(GENERALIZED_TIME, "29690503000001Z"), Some(31_536_000_001));
        for wrong in ["2403010000Z", "240301000000", "241301000000Z", "2403010000x0Z", "240301250000Z"] {
            assert_eq!(read(UTC_TIME, wrong), None, "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_end_without_a_panic(bytes in proptest::collection::vec(0_u8.., 0..300)) {
            let _ = (Certificate::read(&bytes), crl_extensions(&bytes));
        }
    }
}
