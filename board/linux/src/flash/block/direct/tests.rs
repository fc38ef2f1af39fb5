//! Real files, opened for direct writes. The folder of the build stands on a disk that takes them.

use super::*;
use crate::flash::ERASED;

const BYTES: u32 = 64 * 4096;

fn folder() -> tempfile::TempDir {
    // Beside the test's own program: where programs are built, there is a real disk.
    let program = std::env::current_exe().unwrap();
    tempfile::tempdir_in(program.parent().unwrap()).unwrap()
}

fn open(path: &Path, access: Access) -> Result<DirectDisk, OpenError> {
    DirectDisk::open(path, BYTES, BlockBytes::B4096, access)
}

#[test]
fn what_was_written_is_there_for_another_reader() {
    let folder = folder();
    let path = folder.path().join("flash.img");
    std::fs::write(&path, vec![ERASED; BYTES as usize]).unwrap();
    let mut disk = open(&path, Access::Own).unwrap();
    disk.write(8192, &[7; 4096]).unwrap();
    let mut found = vec![0; 3 * 4096];
    open(&path, Access::Look).unwrap().read(4096, &mut found).unwrap();
    assert_eq!(found, [[ERASED; 4096], [7; 4096], [ERASED; 4096]].concat());
    assert_eq!(std::fs::read(&path).unwrap()[4096..16_384], found);
}

#[test]
fn longer_runs_than_the_buffer_come_through_whole() {
    let folder = folder();
    let path = folder.path().join("flash.img");
    std::fs::write(&path, vec![0; BYTES as usize]).unwrap();
    let run: Vec<u8> = (0_u32..).flat_map(u32::to_le_bytes).take(RUN_BYTES_MAX + 8192).collect();
    let mut disk = open(&path, Access::Own).unwrap();
    disk.write(4096, &run).unwrap();
    let mut found = vec![0; run.len()];
    disk.read(4096, &mut found).unwrap();
    assert!(found == run);
}

#[test]
fn a_second_owner_is_refused_and_a_reader_is_not() {
    let folder = folder();
    let path = folder.path().join("flash.img");
    std::fs::write(&path, vec![ERASED; BYTES as usize]).unwrap();
    let owner = open(&path, Access::Own).unwrap();
    assert!(matches!(open(&path, Access::Own), Err(OpenError::InUse { .. })));
    open(&path, Access::Look).unwrap();
    drop(owner);
    open(&path, Access::Own).unwrap();
}

#[test]
fn what_is_no_disk_of_that_size_is_refused() {
    let folder = folder();
    let path = folder.path().join("flash.img");
    assert!(matches!(open(&path, Access::Own), Err(OpenError::Missing { .. })));
    std::fs::write(&path, vec![ERASED; BYTES as usize + 4096]).unwrap();
    assert!(matches!(open(&path, Access::Own), Err(OpenError::OtherSize { .. })));
    assert!(matches!(open(folder.path(), Access::Own), Err(OpenError::WrongKind { .. })));
    assert!(matches!(open(Path::new("/dev/null"), Access::Own), Err(OpenError::WrongKind { .. })));
}

/// `/proc` has files, and takes no direct reads.
#[test]
fn a_file_system_without_direct_writes_is_named() {
    let error = open(Path::new("/proc/self/stat"), Access::Look).unwrap_err();
    assert!(matches!(error, OpenError::NotDirect { .. }), "{error}");
    let told = error.to_string();
    assert!(told.contains("takes no direct writes") && told.contains("`flash.medium = \"file\"`"), "{told}");
}

#[test]
fn memory_is_aligned() {
    for bytes in [512, 4096, RUN_BYTES_MAX] {
        let mut buffer = AlignedBuffer::new(bytes);
        assert_eq!(buffer.first(bytes).as_ptr().align_offset(ALIGN_BYTES), 0);
        assert_eq!(buffer.first(bytes).len(), bytes);
    }
}
