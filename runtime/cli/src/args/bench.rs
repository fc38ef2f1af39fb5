//! The command line of `everstep bench`.

use std::num::NonZeroU32;

use clap::Args;

use super::ModelPath;

const HELP: &str = "What is printed, each with the median, the least and the largest of all runs:
  load          until the engine is ready, its grammar compiler included
  prompt        tokens of a prompt evaluated in a second, without anything kept
  free          tokens of replies in a second, drawn freely
  constrained   the same, held to the tools' schemas; tokens that only one choice is left for come for free
  forced        share of such tokens, in percent
  first, cold   until the first token, with nothing kept
  first, warm   the same for the next step of a task: only what is new is evaluated
  first, again  the same in a new process that reads a KV snapshot; not where a reply never ends
  resident      memory of the process while it works; beside it what was estimated before
  weights read  bytes of weights read in a second while replies are drawn freely, beside what this machine
                can read with as many threads: the roof of decoding. A small model stays in the
                processor's caches and may be above it.

Each run loads the model twice. The tools and the instructions are those of the board, where there is one.

Examples:
  everstep bench --model models/wren/wren.gguf
  everstep bench --board board/coldroom/agent.toml --runs 10 --json

Exit codes: 0 measured; 1 the engine ended; 2 usage, board file, model";

#[derive(Args, Debug)]
#[command(after_long_help = HELP)]
pub(crate) struct Bench {
    #[command(flatten)]
    pub(crate) model: ModelPath,

    /// How often everything is measured
    ///
    /// Default: 5. Unit: runs. Example: --runs 10
    #[arg(
        long,
        value_name = "NUMBER",
        default_value = "5",
        hide_default_value = true,
        value_parser = runs
    )]
    pub(crate) runs: NonZeroU32,

    /// Tokens a reply may have
    ///
    /// A reply that does not end by then is cut. Default: 64. Unit: tokens. Example: --reply-tokens 128
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 64,
        hide_default_value = true,
        value_parser = clap::value_parser!(u32).range(8..=4_096)
    )]
    pub(crate) reply_tokens: u32,

    /// Print JSON instead of text
    ///
    /// One object with every figure; what could not be measured is null. Default: off.
    /// Example: everstep bench --json
    #[arg(long)]
    pub(crate) json: bool,
}

/// Most runs: nobody waits for more.
const RUNS_MAX: u32 = 1000;

fn runs(text: &str) -> Result<NonZeroU32, String> {
    let number = text.parse::<NonZeroU32>().ok().filter(|number| number.get() <= RUNS_MAX);
    number.ok_or_else(|| format!("must be from 1 to {RUNS_MAX}"))
}
