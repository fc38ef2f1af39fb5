//! Rules of the journal, under power cuts.
