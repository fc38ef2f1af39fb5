//! Writes images of this build's flash format into a new folder below `tests/images`.

use std::path::Path;

fn main() -> anyhow::Result<()> {
    journal_proof::image::write(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../images"))
}
