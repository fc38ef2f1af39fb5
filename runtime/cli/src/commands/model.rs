//! `everstep model`: what the model is.

use everstep_model::{FamilyFrom, ModelCard};
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
    let model = choice.load(&site.file.board.model, None, None)?;
    let card = model.card();
    if args.json.json {
        out::json(&object(card))?;
    } else {
        out::line(&text(card))?;
    }
    Ok(Exit::Done)
}

fn text(card: &ModelCard) -> String {
    let mut lines = vec![
        format!("name            {}", card.name),
        format!("family          {}{}", card.family, how_found(card.family_from)),
        format!("weights         {}", card.quantization),
    ];
    lines.extend(card.parameters.map(|count| format!("parameters      {count}")));
    lines.extend(card.file_bytes.map(|bytes| format!("file            {bytes} bytes")));
    lines.push(format!("context         {} tokens", card.context_tokens));
    lines.push(format!("digest          {}", hex(&card.digest)));
    lines.push(format!("chat template   {}", hex(&card.template_digest)));
    lines.extend(card.workarounds.iter().map(|line| format!("                {line}")));
    lines.join("\n")
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
        "digest": hex(&card.digest),
        "template_digest": hex(&card.template_digest),
    })
}
