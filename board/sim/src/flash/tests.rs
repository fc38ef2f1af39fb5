//! The simulator's own rules.

use super::*;

fn cut(operation: u64, bytes: usize, model: CutModel) -> PowerCut {
    PowerCut { operation, bytes, model, seed: 7 }
}

#[test]
fn a_word_is_programmed_once_even_with_ones() {
    let mut flash: SimFlash = SimFlash::new(2);
    flash.write(4, &[0xFF; 4]).unwrap();
    assert_eq!(flash.write(4, &[0; 4]), Err(SimFlashError::ProgrammedTwice { address: 4 }));
    flash.erase(0, 4096).unwrap();
    flash.write(4, &[0; 4]).unwrap();
}

#[test]
fn unaligned_and_outside_are_refused() {
    let mut flash: SimFlash = SimFlash::new(1);
    assert!(matches!(flash.write(2, &[0; 4]), Err(SimFlashError::NotAligned { .. })));
    assert!(matches!(flash.write(4, &[0; 3]), Err(SimFlashError::NotAligned { .. })));
    assert!(matches!(flash.erase(0, 4095), Err(SimFlashError::NotAligned { .. })));
    assert!(matches!(flash.write(4096, &[0; 4]), Err(SimFlashError::OutOfBounds { .. })));
    assert!(matches!(flash.read(4090, &mut [0; 8]), Err(SimFlashError::OutOfBounds { .. })));
}

#[test]
fn nothing_works_without_power() {
    let mut flash: SimFlash = SimFlash::new(1);
    flash.cut_power(cut(1, 2, CutModel::PrefixTorn));
    flash.write(0, &[1, 2, 3, 4]).unwrap();
    assert_eq!(flash.write(4, &[0, 0, 0, 0]), Err(SimFlashError::PowerLoss));
    assert_eq!(flash.read(0, &mut [0]), Err(SimFlashError::PowerLoss));
    flash.power_on();
    assert_eq!(&flash.image()[..6], &[1, 2, 3, 4, 0, 0]);
    assert_eq!(flash.image()[7], 0xFF);
    // What a cut touched is programmed, whatever it reads as.
    assert_eq!(flash.write(4, &[0; 4]), Err(SimFlashError::ProgrammedTwice { address: 4 }));
}

#[test]
fn a_torn_program_only_clears_bits_it_meant_to() {
    for model in CutModel::ALL {
        let mut flash: SimFlash = SimFlash::new(1);
        flash.cut_power(cut(0, 3, model));
        assert!(flash.write(0, &[0xA5; 64]).is_err());
        flash.power_on();
        assert!(flash.image().iter().take(64).all(|byte| byte & 0xA5 == 0xA5), "{model:?}");
        assert!(flash.image().iter().skip(64).all(|byte| *byte == 0xFF), "{model:?}");
    }
}

#[test]
fn a_torn_erase_leaves_what_its_model_says() {
    let torn = |model, bytes| {
        let mut flash: SimFlash = SimFlash::from_image(vec![0x5A; 8192]);
        flash.cut_power(cut(0, bytes, model));
        assert!(flash.erase(4096, 8192).is_err());
        flash.power_on();
        assert!(flash.image().iter().take(4096).all(|byte| *byte == 0x5A));
        flash.image()[4096..].to_vec()
    };
    assert!(torn(CutModel::Clean, 5).iter().all(|byte| *byte == 0x5A));
    let prefix = torn(CutModel::PrefixTorn, 5);
    assert_eq!((prefix[4], prefix[6]), (0xFF, 0x5A));
    let zeros = torn(CutModel::ZeroFill, 5);
    assert_eq!((zeros[4090], zeros[4091], zeros[4095]), (0x5A, 0, 0));
    let bits = torn(CutModel::HalfErasedBits, 5);
    assert!(bits.iter().all(|byte| byte & 0x5A == 0x5A) && bits.iter().any(|byte| *byte != 0x5A));
    assert!(torn(CutModel::BitTorn, 4096).iter().all(|byte| *byte == 0xFF));
}

#[test]
fn marginal_bits_read_anew_after_each_power_on_until_erased() {
    let mut flash: SimFlash = SimFlash::new(1);
    flash.cut_power(cut(0, 1, CutModel::Marginal));
    assert!(flash.write(0, &[0; 64]).is_err());
    flash.power_on();
    let first = flash.image().to_vec();
    flash.power_on();
    assert_ne!(first, flash.image());
    flash.erase(0, 4096).unwrap();
    flash.power_on();
    assert!(flash.image().iter().all(|byte| *byte == 0xFF));
}

#[test]
fn handles_share_one_flash() {
    let mut handle: SimFlashHandle = SimFlashHandle::new(SimFlash::new(1));
    let other = handle.clone();
    handle.write(0, &[1, 2, 3, 4]).unwrap();
    assert_eq!(&other.lock().image()[..4], &[1, 2, 3, 4]);
    assert_eq!(other.lock().counts().programs, 1);
}

#[test]
fn a_fault_fails_one_operation_and_leaves_the_power_on() {
    let mut flash: SimFlash = SimFlash::new(1);
    flash.fail_at(Fault::Change(cut(1, 2, CutModel::PrefixTorn)));
    flash.write(0, &[1, 2, 3, 4]).unwrap();
    assert_eq!(flash.write(4, &[0; 4]), Err(SimFlashError::Failed));
    assert_eq!(&flash.image()[4..6], &[0, 0]);
    flash.fail_at(Fault::Read(1));
    flash.read(0, &mut [0]).unwrap();
    assert_eq!(flash.read(0, &mut [0]), Err(SimFlashError::Failed));
    flash.read(0, &mut [0]).unwrap();
    flash.write(8, &[0; 4]).unwrap();
}

#[test]
fn a_fault_of_a_buffered_medium_loses_nothing_that_was_kept_back() {
    let mut flash: SimFlash = SimFlash::new(1).buffered(512, true);
    flash.write(0, &[1; 8]).unwrap();
    flash.fail_at(Fault::Change(cut(0, 5, CutModel::PrefixTorn)));
    assert_eq!(flash.write(8, &[2; 8]), Err(SimFlashError::Failed));
    assert_eq!(&flash.image()[..16], &[1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 255, 255, 255, 255]);
    flash.fail_at(Fault::Change(cut(0, 0, CutModel::Clean)));
    assert_eq!(flash.write(0, &[]), Err(SimFlashError::Failed));
    flash.write(0, &[]).unwrap();
    flash.power_off();
    flash.power_on();
    assert_eq!(&flash.image()[..12], &[1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2]);
}

#[test]
fn a_moment_is_cut_as_the_flash_itself_would_be() {
    let operations = |flash: &mut SimFlash| {
        flash.write(0, &[0x5A; 16])?;
        flash.erase(0, 4096)?;
        flash.write(4, &[0xA5; 8])
    };
    let mut whole: SimFlash = SimFlash::new(1);
    whole.keep_moments();
    operations(&mut whole).unwrap();
    let moments = whole.take_moments();
    assert_eq!(moments.iter().map(Moment::bytes).collect::<Vec<_>>(), [16, 4096, 8]);
    for (operation, moment) in (0..).zip(&moments) {
        for model in CutModel::ALL {
            let cut = cut(operation, 3, model);
            let mut flash: SimFlash = SimFlash::new(1);
            flash.cut_power(cut);
            assert_eq!(operations(&mut flash), Err(SimFlashError::PowerLoss));
            assert_eq!(moment.cut(cut).image(), flash.image(), "{cut:?}");
        }
    }
}
