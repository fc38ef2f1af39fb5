//! `everstep model`: what the model is.

use everstep_model::ModelCard;
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
        format!("family          {}", card.family),
        format!("weights         {}", card.quantization),
    ];
    lines.extend(card.parameters.map(|count| format!("parameters      {count}")));
    lines.extend(card.file_bytes.map(|bytes| format!("file            {bytes} bytes")));
    lines.push(format!("context         {} tokens", card.context_tokens));
    lines.push(format!("digest          {}", hex(&card.digest)));
    lines.push(format!("chat template   {}", hex(&card.template_digest)));
    lines.join("\n")
}

fn object(card: &ModelCard) -> serde_json::Value {
    json!({
        "name": card.name,
        "family": card.family,
        "quantization": card.quantization,
        "parameters": card.parameters,
        "file_bytes": card.file_bytes,
        "context_tokens": card.context_tokens,
        "digest": hex(&card.digest),
        "template_digest": hex(&card.template_digest),
    })
}
