//! Serial ports, as the system's terminals: `rustix` has all that opening one takes.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use everstep_tools_device::line::{DataBits, Line, Open, Parity, PortSettings};
use rustix::{
    fs::{FlockOperation, OFlags, flock},
    termios::{
        ControlModes, InputModes, OptionalActions, QueueSelector, Termios, ioctl_tiocexcl, tcflush,
        tcgetattr, tcsetattr,
    },
};

use super::timed::Timed;

/// Opens the port as `settings` say. Nobody else may have it.
#[must_use]
pub fn port(settings: &PortSettings) -> Open {
    let settings = settings.clone();
    Box::new(move |_| Ok(Box::new(Timed::new(open_port(&settings)?)) as Box<dyn Line>))
}

/// Opens the port, which then does not block.
///
/// # Errors
///
/// Why it can't be used, and what to do.
pub fn open_port(settings: &PortSettings) -> Result<File, String> {
    let path = settings.path.as_path();
    let flags = OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
        .map_err(|error| cannot_open(path, &error))?;
    let shown = path.display();
    let mut terminal = tcgetattr(&file).map_err(|_| format!("{shown} is no serial port"))?;
    // Programs that know better than to share a port take this lock, and ask for this mode.
    flock(&file, FlockOperation::NonBlockingLockExclusive)
        .map_err(|_| format!("{shown} is in use by another program"))?;
    ioctl_tiocexcl(&file).map_err(|error| format!("{shown} can't be kept from others: {error}"))?;
    set(&mut terminal, settings)
        .and_then(|()| tcsetattr(&file, OptionalActions::Now, &terminal))
        .map_err(|error| format!("{shown} can't be set to {settings}: {error}"))?;
    tcflush(&file, QueueSelector::IOFlush).map_err(|error| format!("{shown} can't be emptied: {error}"))?;
    Ok(file)
}

fn set(terminal: &mut Termios, settings: &PortSettings) -> rustix::io::Result<()> {
    terminal.make_raw();
    terminal.set_speed(settings.baud)?;
    let modes = &mut terminal.control_modes;
    // Without HUPCL closing the port does not drop the modem lines, which resets some boards.
    modes.remove(
        ControlModes::CSIZE
            | ControlModes::PARENB
            | ControlModes::PARODD
            | ControlModes::CSTOPB
            | ControlModes::CRTSCTS
            | ControlModes::HUPCL,
    );
    modes.insert(ControlModes::CREAD | ControlModes::CLOCAL);
    modes.insert(match settings.data_bits {
        DataBits::Seven => ControlModes::CS7,
        DataBits::Eight => ControlModes::CS8,
    });
    match settings.parity {
        Parity::None => {}
        Parity::Even => modes.insert(ControlModes::PARENB),
        Parity::Odd => modes.insert(ControlModes::PARENB | ControlModes::PARODD),
    }
    if settings.stop_bits == 2 {
        modes.insert(ControlModes::CSTOPB);
    }
    // A byte with a wrong parity is dropped, and with it the answer it belongs to.
    if settings.parity != Parity::None {
        terminal.input_modes.insert(InputModes::INPCK | InputModes::IGNPAR);
    }
    Ok(())
}

fn cannot_open(path: &Path, error: &io::Error) -> String {
    let shown = path.display();
    match error.kind() {
        io::ErrorKind::NotFound => format!("there is no {shown}: is the adapter plugged in?"),
        io::ErrorKind::PermissionDenied => {
            format!("{shown} may not be opened: add this user to the group that owns it, often `dialout`")
        }
        io::ErrorKind::ResourceBusy => format!("{shown} is in use by another program"),
        _ => format!("{shown} can't be opened: {error}"),
    }
}

#[cfg(test)]
mod tests;
