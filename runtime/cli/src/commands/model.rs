//! `everstep model`: what the model is, and the memory it takes.

use everstep_model::{FamilyFrom, Memory, ModelCard};
use serde_json::json;

use crate::{
    args::{Model, Place},
    describe::hex,
    exit::{Exit, Outcome},
    model::Choice,
    out,
    site::Site,
};

pub(crate) fn perform(place: &Place, args: &Model) -> Outcome {
    let site = Site::find(place)?;
    let choice = Choice::of(&site, args.model.model.as_deref())?;
    let card = choice.card(&site.file.board.model, site.kv_snapshots())?;
    if args.json.json {
        out::json(&object(&card))?;
    } else {
        out::line(&text(&card))?;
    }
    Ok(Exit::Done)
}

fn text(card: &ModelCard) -> String {
    let trained = card.context_trained.map(|tokens| format!(", trained for {tokens}"));
    let mut lines = vec![
        format!("name            {}", card.name),
        format!("family          {}{}", card.family, how_found(card.family_from)),
        format!("quantization    {}", card.quantization),
    ];
    lines.extend(card.parameters.map(|count| format!("parameters      {count}")));
    lines.extend(card.file_bytes.map(|bytes| format!("file            {bytes} bytes")));
    lines.push(format!("context         {} tokens{}", card.context_tokens, trained.unwrap_or_default()));
    lines.extend(card.threads.map(|threads| format!("threads         {threads}")));
    lines.push(format!("digest          {}", hex(&card.digest)));
    lines.push(format!("chat template   {}", hex(&card.template_digest)));
    lines.extend(card.workarounds.iter().map(|line| format!("                {line}")));
    lines.extend(card.memory.iter().flat_map(memory_lines));
    lines.join("\n")
}

/// The memory, part by part and together.
fn memory_lines(memory: &Memory) -> Vec<String> {
    let bytes = |bytes: Option<u64>| bytes.map_or("unknown".to_owned(), |bytes| format!("{bytes} bytes"));
    let mut lines = vec![
        format!("a token keeps   {}", bytes(memory.kv_token)),
        format!("state           {}, whatever was said", bytes(memory.recurrent)),
        format!("memory          {}, estimated", mebibytes(memory.total())),
    ];
    let parts = memory.parts().into_iter().filter(|(_, bytes)| *bytes != Some(0));
    lines.extend(parts.map(|(name, bytes)| format!("  {name:<18}{:>12}", mebibytes(bytes))));
    lines
}

/// With one digit behind the point, so that small parts show; a part is never nothing.
fn mebibytes(bytes: Option<u64>) -> String {
    let Some(bytes) = bytes else { return "unknown".to_owned() };
    let tenths = bytes.saturating_mul(10).div_ceil(1 << 20);
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

/// What a person should know of how the family was found.
fn how_found(from: FamilyFrom) -> &'static str {
    match from {
        FamilyFrom::Detected => "",
        FamilyFrom::Chosen => ", as chosen",
        FamilyFrom::Assumed => ", as nothing tells it: `model.family` names one",
    }
}

fn object(card: &ModelCard) -> serde_json::Value {
    json!({
        "name": card.name,
        "family": card.family,
        "family_from": card.family_from,
        "template_workarounds": card.workarounds,
        "quantization": card.quantization,
        "parameters": card.parameters,
        "file_bytes": card.file_bytes,
        "context_tokens": card.context_tokens,
        "context_trained": card.context_trained,
        "threads": card.threads,
        "digest": hex(&card.digest),
        "template_digest": hex(&card.template_digest),
        "kv_bytes_per_token": card.memory.and_then(|memory| memory.kv_token),
        "recurrent_bytes": card.memory.and_then(|memory| memory.recurrent),
        "memory_bytes": card.memory,
        "memory_bytes_total": card.memory.and_then(|memory| memory.total()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_listed_part_by_part_and_unknown_is_no_number() {
        let memory = Memory {
            weights: 3 << 20,
            kv_token: Some(2048),
            kv: Some(1),
            recurrent: Some(0),
            ..Memory::default()
        };
        let lines = memory_lines(&memory);
        assert_eq!(lines[0], "a token keeps   2048 bytes");
        assert_eq!(lines[2], "memory          3.1 MiB, estimated");
        assert_eq!(lines[3..], ["  weights                3.0 MiB", "  KV cache               0.1 MiB"]);
        let lines = memory_lines(&Memory { kv: None, kv_token: None, ..memory });
        assert_eq!(lines[0], "a token keeps   unknown");
        assert_eq!(lines[2], "memory          unknown, estimated");
        assert_eq!(lines[4], "  KV cache               unknown");
    }
}
