//! Fresh random bytes from the kernel, for salts and for the seed of a run that names none.

/// The kernel gave no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the kernel gives no random bytes")]
pub struct EntropyError(#[source] rustix::io::Errno);

/// Fills `bytes`; waits early at boot until the kernel has gathered enough.
///
/// # Errors
///
/// [`EntropyError`], on a kernel without the call.
pub fn fill(bytes: &mut [u8]) -> Result<(), EntropyError> {
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match rustix::rand::getrandom(rest, rustix::rand::GetRandomFlags::empty()) {
            Ok(count) => filled += count,
            // A signal came first; nothing is lost.
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(EntropyError(error)),
        }
    }
    Ok(())
}

/// A random number.
///
/// # Errors
///
/// See [`fill`].
pub fn number() -> Result<u64, EntropyError> {
    let mut bytes = [0; 8];
    fill(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    #[test]
    fn two_fills_differ_and_cover_the_whole_buffer() {
        let (mut one, mut two) = ([0; 64], [0; 64]);
        super::fill(&mut one).unwrap();
        super::fill(&mut two).unwrap();
        assert_ne!(one, two);
        assert_ne!(one[56..], [0; 8]);
        assert_ne!(super::number().unwrap(), super::number().unwrap());
    }
}
