//! The command line: names, defaults and help of every command and flag.

mod bench;
mod mcp;

use std::{num::NonZeroUsize, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueHint};
use clap_complete::Shell;
use everstep_model_llama::SEQUENCES_MAX;

pub(crate) use self::{
    bench::Bench,
    mcp::{Mcp, McpCommand, McpPin},
};

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 usage, board file or refused change,
  3 flash needs attention, 4 a limit was reached, 5 waits for approval";

/// The board file where none is named.
pub(crate) const BOARD_DEFAULT: &str = "agent.toml";

/// An agent that never loses its step: works a task on a board, and goes on after power loss.
#[derive(Debug, Parser)]
#[command(name = "everstep", version, after_help = EXIT_CODES, infer_long_args = false, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) place: Place,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Which board.
#[derive(Args, Clone, Debug)]
pub(crate) struct Place {
    /// Board file
    ///
    /// The file that says what the board is and what its agents may do.
    /// Default: `agent.toml` in the current folder.
    /// Example: --board board/coldroom/agent.toml
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "EVERSTEP_BOARD",
        default_value = BOARD_DEFAULT,
        hide_default_value = true,
        hide_env = true,
        value_hint = ValueHint::FilePath
    )]
    pub(crate) board: PathBuf,

    /// Folder of the board's flash, lock and sockets
    ///
    /// Default: `board.state_dir` of the board file. Also from the variable `EVERSTEP_STATE_DIR`.
    /// Example: --state-dir /var/lib/everstep
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "EVERSTEP_STATE_DIR",
        hide_env = true,
        value_hint = ValueHint::DirPath
    )]
    pub(crate) state_dir: Option<PathBuf>,

    /// Agent of the board
    ///
    /// Default: the only one; needed where a board has several.
    /// Example: --agent coldroom
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) agent: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Work a task, or go on with the unfinished one
    Run(Run),
    /// Show how far the run is
    Status(Json),
    /// End the run with the actuators safe
    Stop(Stop),
    /// Let the call that waits run
    Approve(Approve),
    /// Don't let the call that waits run
    Refuse(Refuse),
    /// Print every record on flash
    Journal(Read),
    /// Explain the present phase from the records
    Replay(Read),
    /// Show how full the flash is, how worn, and how long it lasts
    Flash(Flash),
    /// List the tools of the board and who may call them, or try one by hand
    Tools(Tools),
    /// Look at the tools of an MCP server, and pin what they promise
    Mcp(Mcp),
    /// Show what the model is
    Model(Model),
    /// Measure a model on cases: how often it makes the right call
    Eval(Eval),
    /// Measure how fast a model is here, and how much memory it takes
    Bench(Bench),
    /// Print the board file with every default filled in
    Config,
    /// Check board file, model, tools and flash without changing anything
    Check(Model),
    /// Print completions for a shell
    Completions {
        /// Shell to complete for
        shell: Shell,
    },
}

#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that is given or not")]
pub(crate) struct Run {
    /// What to do, in words
    ///
    /// Without it, an unfinished run goes on; where there is none, the board file's task is begun, or
    /// the last result is printed again.
    /// Example: everstep run "Bring the cold room to -18 C and report"
    #[arg(value_name = "TASK")]
    pub(crate) task: Option<String>,

    #[command(flatten)]
    pub(crate) model: ModelPath,

    /// Seed of every draw
    ///
    /// The same seed, model and results give the same run. Only used when a run begins.
    /// Default: a random one, printed at the start. Unit: a whole number below 2^64.
    /// Example: --seed 7
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,

    /// Name of this start: the same one never runs twice
    ///
    /// If the newest run has this name, it goes on, or its result is printed again.
    /// Default: none. Example: --task-id night-check-2026-11-23
    #[arg(long, value_name = "ID")]
    pub(crate) task_id: Option<String>,

    /// Go on although model, tools or board file changed
    ///
    /// An unfinished run is otherwise refused then (exit code 2). It is recorded.
    /// Default: off. Example: everstep run --accept-change
    #[arg(long)]
    pub(crate) accept_change: bool,

    /// Wait for an operator where a call needs one
    ///
    /// Until `everstep approve` or `everstep refuse` decides from a second terminal, or `limits.approval_s_max`
    /// is over. Otherwise the process ends with code 5, and the next start goes on.
    /// Default: off. Example: everstep run --wait
    #[arg(long)]
    pub(crate) wait: bool,

    /// Print the result as JSON
    ///
    /// One object on standard output when the run ends. Default: off. Example: everstep run --json
    #[arg(long)]
    pub(crate) json: bool,

    /// Print every event as JSON
    ///
    /// One object a line on standard output: records once they are on flash, progress of the prompt,
    /// snapshots, the result. Also appends every sampled position to `sampled.log` in the state folder,
    /// for rehearsals. Default: off. Example: everstep run --events
    #[arg(long, conflicts_with = "json")]
    pub(crate) events: bool,

    /// Log more
    ///
    /// Twice shows every record. Also from the variable `EVERSTEP_LOG`, in the form
    /// `everstep_driver=debug`. Default: warnings. Example: -vv
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct ModelPath {
    /// Model: a GGUF file, or scripted:FILE
    ///
    /// Default: `model.path` of the board file.
    /// Example: --model models/wren/wren.gguf, or --model scripted:rehearsal.toml
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Model {
    #[command(flatten)]
    pub(crate) model: ModelPath,

    #[command(flatten)]
    pub(crate) json: Json,
}

const EVAL_USAGE: &str = "everstep eval [OPTIONS] <FILE>...
       everstep eval [OPTIONS] --suite <DIR>";

const EVAL_HELP: &str = r#"A case is one JSON object a line:
  {"id": "fan", "kind": "air", "request": "Set the fan to 30 percent",
   "tools": [{"type": "function", "function": {"name": "set_fan", "description": "Set the fan.",
     "parameters": {"type": "object", "properties": {"percent": {"type": "integer"}}}}}],
   "expect": [{"name": "set_fan", "arguments": {"percent": [30]}}]}

  messages      in place of `request`: the conversation so far, each {"role", "content"} with the
                role system, user, assistant or tool
  expect        each parameter lists the values that are right: numbers compare by value,
                strings exactly; null lets it be missing; an object among them is written like
                `arguments`; a parameter that isn't listed is wrong. Of several calls, each is
                answered with `ok` and the model is asked again.
  expect_none   true, in place of `expect`, where no tool fits
  kind          group it is counted in; may be left out

What is printed, in percent:
  valid         of the cases played: every reply parsed and fit its tool's schema
  tool, exact   of the cases that expect calls: the right tools; with the right arguments, too
  acts          of the cases that expect calls: any call
  abstain       of the cases that expect none: an answer
Cases that are refused or too long are not played and count as wrong.

Files *.json are read as groups of the JSON Schema Test Suite: what the constraint of calls takes of
their instances, each written in its schema's key order, with the vocabulary of the model:
  held          groups and tests whose schema is enforced; the others are refused before a run
  accepts       instances taken that the schema forbids: there must be none
  rejects       instances refused that the schema allows

Examples:
  everstep eval cases.jsonl --model models/wren/wren.gguf --failures
  everstep eval --suite cases/ --board board/coldroom/agent.toml --limit 50 --json
  everstep eval --suite draft2020-12/ --model models/wren/wren.gguf

Exit codes: 0 measured, whatever came out; 1 the engine ended; 2 usage, board file, model, cases"#;

#[derive(Args, Debug)]
#[command(after_long_help = EVAL_HELP, override_usage = EVAL_USAGE)]
pub(crate) struct Eval {
    /// Files of cases, one JSON object a line; or *.json of schemas
    #[arg(value_name = "FILE", required_unless_present = "suite", value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,

    /// Every file in this folder whose name ends in .jsonl
    ///
    /// Without any, the files of schemas in it and below, whose names end in .json.
    /// Default: none. Example: --suite cases/
    #[arg(long, value_name = "DIR", conflicts_with = "files", value_hint = ValueHint::DirPath)]
    pub(crate) suite: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) model: ModelPath,

    /// Only the first cases of each file
    ///
    /// Default: all. Unit: cases. Example: --limit 50
    #[arg(long, value_name = "NUMBER")]
    pub(crate) limit: Option<NonZeroUsize>,

    /// Tokens one reply may have
    ///
    /// A longer reply counts as failed. Default: 256. Unit: tokens. Example: --reply-tokens 128
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 256,
        hide_default_value = true,
        value_parser = clap::value_parser!(u32).range(1..=65_536)
    )]
    pub(crate) reply_tokens: u32,

    /// Cases played at once
    ///
    /// They share the model's batches, which saves time with large models and long replies; what comes out
    /// is the same, up to rounding. The context takes as many times its memory. `prompt/s` and `reply/s`
    /// are what each case sees while others go on.
    /// Default: 1. Unit: cases, at most 8. Example: --parallel 4
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 1,
        hide_default_value = true,
        value_parser = clap::value_parser!(u16).range(1..=i64::from(SEQUENCES_MAX))
    )]
    pub(crate) parallel: u16,

    /// Don't hold calls to their schemas
    ///
    /// Shows what the model does by itself; `run` never works that way unless its board file says so.
    /// Default: off. Example: everstep eval cases.jsonl --no-constraint
    #[arg(long)]
    pub(crate) no_constraint: bool,

    /// Print each case that came out wrong
    ///
    /// Its id, what was wanted and what came. Default: off. Example: everstep eval cases.jsonl --failures
    #[arg(long, conflicts_with = "json")]
    pub(crate) failures: bool,

    /// Print JSON instead of text
    ///
    /// One object a line: each case when it is played, then a summary with every row of the table.
    /// Default: off. Example: everstep eval cases.jsonl --json
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Json {
    /// Print JSON instead of text
    ///
    /// Default: off. Example: everstep journal --json
    #[arg(long)]
    pub(crate) json: bool,
}

/// A copy of the flash in place of the board's own.
#[derive(Args, Clone, Debug)]
pub(crate) struct From {
    /// Read a copy that `everstep flash image` made
    ///
    /// The board file must be the one it came from; neither model nor devices are needed, a sealed copy
    /// needs its key. Default: the board's own flash. Example: everstep replay --image gateway-7.bin
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) image: Option<PathBuf>,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Read {
    #[command(flatten)]
    pub(crate) json: Json,

    #[command(flatten)]
    pub(crate) from: From,
}

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Flash {
    #[command(subcommand)]
    pub(crate) command: Option<FlashCommand>,

    #[command(flatten)]
    pub(crate) json: Json,

    #[command(flatten)]
    pub(crate) from: From,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FlashCommand {
    /// Copy the flash to a file that `journal`, `replay` and `flash` read with --image
    ///
    /// Nothing is changed, and the agent may go on meanwhile. Take the board file along: it says where
    /// the regions are. Example: everstep flash image gateway-7.bin
    Image {
        /// File to make; it must not be there yet
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
}

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Tools {
    #[command(subcommand)]
    pub(crate) command: Option<ToolsCommand>,

    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ToolsCommand {
    /// Call one tool by hand, under the agent's grants and limits
    ///
    /// The call is checked as a model's would be, made once, never repeated, and noted in `log.txt` of the
    /// state folder. Nothing that moves a device is called while a run is unfinished.
    /// Exit codes: 0 it ran, 1 it did not or may not have, 2 it was refused before it began.
    /// Example: everstep tools try compare '{"value": 3, "operator": ">", "limit": 2}'
    Try {
        /// Tool to call
        #[arg(value_name = "NAME")]
        name: String,

        /// Its arguments, as JSON
        #[arg(value_name = "JSON", default_value = "{}")]
        arguments: String,

        #[command(flatten)]
        json: Json,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Stop {
    /// Why, for the journal
    ///
    /// Default: "stopped by the operator". Example: --reason "door is being repaired"
    #[arg(long, value_name = "TEXT", default_value = "stopped by the operator", hide_default_value = true)]
    pub(crate) reason: String,
}

#[derive(Args, Debug)]
pub(crate) struct Approve {
    /// Number of the call, as `everstep status` shows it
    #[arg(value_name = "CALL")]
    pub(crate) call: u32,

    /// Digest of the call, as `everstep status` shows it
    ///
    /// With it, only that very call is approved. Default: whatever the call of this number is.
    /// Example: everstep approve 12 --digest 3fa9c1d2
    #[arg(long, value_name = "HEX")]
    pub(crate) digest: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Refuse {
    /// Number of the call, as `everstep status` shows it
    #[arg(value_name = "CALL")]
    pub(crate) call: u32,

    /// What the model is told
    ///
    /// Default: "the operator refused". Example: --reason "the drain is blocked"
    #[arg(long, value_name = "TEXT", default_value = "the operator refused", hide_default_value = true)]
    pub(crate) reason: String,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn short_help_fits_a_screen() {
        let mut root = Cli::command();
        root.build();
        let names: Vec<_> = root.get_subcommands().map(|command| command.get_name().to_owned()).collect();
        assert!(root.render_help().to_string().lines().count() <= 32);
        for name in names {
            let help = root.find_subcommand_mut(&name).unwrap().render_help().to_string();
            assert!(help.lines().count() <= 24, "{name}:\n{help}");
        }
    }

    #[test]
    fn long_help_gives_default_and_example_for_each_flag() {
        let mut root = Cli::command();
        root.build();
        for command in root.get_subcommands() {
            for flag in command.get_arguments().filter(|argument| argument.get_long().is_some()) {
                let name = flag.get_long().unwrap();
                if ["help", "version"].contains(&name) {
                    continue;
                }
                let help = flag.get_long_help().map(ToString::to_string).unwrap_or_default();
                assert!(
                    help.contains("Default") && help.contains("Example"),
                    "{} --{name}: {help}",
                    command.get_name()
                );
            }
        }
    }
}
