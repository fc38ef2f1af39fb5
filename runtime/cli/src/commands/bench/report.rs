//! What all runs came to, for people and as JSON.

use std::{fmt::Write as _, time::Duration};

use everstep_eval::{Spread, Timing};
use everstep_model::ModelCard;
use serde_json::{Value, json};

use super::series::Sample;
use crate::{describe::hex, screen::printable};

/// Every run, and how fast memory is read.
#[derive(Debug, Default)]
pub(super) struct Report {
    samples: Vec<Sample>,
    roof_bytes_per_s: Option<f64>,
}

/// One line of the table: what people and programs call it, its unit, and the numbers.
struct Row {
    name: &'static str,
    key: &'static str,
    unit: &'static str,
    spread: Option<Spread>,
}

impl Report {
    pub(super) fn add(&mut self, sample: Sample) {
        self.samples.push(sample);
    }

    pub(super) fn roof(&mut self, bytes_per_s: Option<f64>) {
        self.roof_bytes_per_s = bytes_per_s;
    }

    fn card(&self) -> Option<&ModelCard> {
        self.samples.first().map(|sample| &sample.card)
    }

    /// Threads the model computes on.
    pub(super) fn threads(&self) -> usize {
        self.card().and_then(|card| card.threads).map_or(1, usize::from)
    }

    fn rows(&self) -> Vec<Row> {
        let row = |name, key, unit, number: &dyn Fn(&Sample) -> Option<f64>| Row {
            name,
            key,
            unit,
            spread: Spread::of(self.samples.iter().filter_map(number)),
        };
        let loads = self.samples.iter().flat_map(|sample| sample.loads).map(milliseconds);
        let read_bytes = |sample: &Sample| {
            let bytes = sample.card.memory.map(|memory| memory.weights_token)?;
            Some(reply_rate(&sample.free)? * number(bytes) / 1e9)
        };
        vec![
            Row { name: "load", key: "load_ms", unit: "ms", spread: Spread::of(loads) },
            row("prompt", "prompt_tokens_per_s", "tokens/s", &|sample| {
                rate(sample.cold.prompt_tokens, sample.cold.prompt)
            }),
            row("free", "free_tokens_per_s", "tokens/s", &|sample| reply_rate(&sample.free)),
            row("constrained", "constrained_tokens_per_s", "tokens/s", &|sample| {
                reply_rate(&sample.constrained)
            }),
            row("forced", "forced_percent", "%", &|sample| {
                let (forced, all) = sample.forced;
                (all > 0).then(|| number(forced) * 100.0 / number(all))
            }),
            row("first, cold", "first_token_cold_ms", "ms", &|sample| Some(first(&sample.cold))),
            row("first, warm", "first_token_warm_ms", "ms", &|sample| Some(first(&sample.warm))),
            row("first, again", "first_token_restored_ms", "ms", &|sample| sample.again.as_ref().map(first)),
            row("resident", "resident_mib", "MiB", &|sample| Some(mebibytes(sample.resident_bytes?))),
            row("weights read", "weights_read_gb_per_s", "GB/s", &read_bytes),
        ]
    }

    fn estimated_mib(&self) -> Option<f64> {
        Some(mebibytes(self.card()?.memory?.total()?))
    }

    pub(super) fn table(&self) -> String {
        let mut text = String::new();
        let (runs, prompt) = (self.samples.len(), self.samples.first().map_or(0, prompt_tokens));
        if let Some(card) = self.card() {
            let (name, threads) = (printable(&card.name), self.threads());
            // Writing to a string can't fail.
            let _ = writeln!(
                text,
                "{name} {}, a prompt of {prompt} tokens, threads: {threads}, runs: {runs}",
                card.quantization
            );
        }
        let _ = writeln!(text, "{:<14}{:>12}{:>12}{:>12}", "", "median", "least", "largest");
        for Row { name, unit, spread, .. } in self.rows() {
            let _ = match spread {
                Some(Spread { median, min, max }) => {
                    writeln!(text, "{name:<14}{median:>12.1}{min:>12.1}{max:>12.1}  {unit}")
                }
                None => writeln!(text, "{name:<14}{:>12}{:>12}{:>12}", "-", "-", "-"),
            };
        }
        if let Some(estimated) = self.estimated_mib() {
            let _ = writeln!(text, "{:<14}{estimated:>12.1}{:>26}", "estimated", "MiB");
        }
        if let Some(roof) = self.roof_bytes_per_s {
            let _ = writeln!(text, "{:<14}{:>12.1}{:>27}", "memory read", roof / 1e9, "GB/s");
        }
        text
    }

    pub(super) fn object(&self) -> Value {
        let figures: serde_json::Map<String, Value> =
            self.rows().into_iter().map(|row| (row.key.to_owned(), json!(row.spread))).collect();
        let model = self.card().map(|card| {
            json!({
                "name": card.name,
                "digest": hex(&card.digest),
                "quantization": card.quantization,
                "context_tokens": card.context_tokens,
                "threads": card.threads,
                "weights_bytes_per_token": card.memory.map(|memory| memory.weights_token),
            })
        });
        json!({
            "event": "bench",
            "model": model,
            "runs": self.samples.len(),
            "prompt_tokens": self.samples.first().map(prompt_tokens),
            "figures": figures,
            "estimated_mib": self.estimated_mib(),
            "memory_read_gb_per_s": self.roof_bytes_per_s.map(|roof| roof / 1e9),
        })
    }
}

fn prompt_tokens(sample: &Sample) -> u64 {
    sample.cold.prompt_tokens.saturating_add(sample.cold.cached_tokens)
}

/// Until the first token, in milliseconds: the request had no more.
fn first(timing: &Timing) -> f64 {
    milliseconds(timing.prompt.saturating_add(timing.reply))
}

fn reply_rate(timing: &Timing) -> Option<f64> {
    rate(timing.reply_tokens, timing.reply)
}

/// Tokens in a second; `None` where there were none, or no time passed.
fn rate(tokens: u64, took: Duration) -> Option<f64> {
    (tokens > 0 && !took.is_zero()).then(|| number(tokens) / took.as_secs_f64())
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn mebibytes(bytes: u64) -> f64 {
    number(bytes) / f64::from(1 << 20)
}

#[expect(clippy::cast_precision_loss, reason = "counts and bytes to be shown, far below 2^53")]
fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_of_what_there_was() {
        assert_eq!(rate(50, Duration::from_millis(500)), Some(100.0));
        assert_eq!((rate(0, Duration::from_secs(1)), rate(5, Duration::ZERO)), (None, None));
        let timing = Timing {
            prompt: Duration::from_millis(30),
            reply: Duration::from_millis(12),
            ..Timing::default()
        };
        assert!((first(&timing) - 42.0).abs() < 1e-9);
        assert!((mebibytes(3 << 19) - 1.5).abs() < 1e-9);
    }

    #[test]
    fn report_without_runs_has_nothing_to_tell_and_says_so() {
        let object = Report::default().object();
        assert_eq!((&object["model"], &object["figures"]["load_ms"]), (&Value::Null, &Value::Null));
        assert_eq!(object["figures"].as_object().unwrap().len(), 10);
    }
}
