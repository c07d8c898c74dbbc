//! What holds of every result, whatever the reply: for the properties, the cases and the fuzz targets.

use svitgen::reply::{Origin, Outcome, Parsed, PieceKind};

/// Every non-blank byte is in exactly one piece, and the pieces agree with items, topics and outcome.
pub(crate) fn check_account(reply: &str, parsed: &Parsed) {
    let mut end = 0;
    for piece in &parsed.pieces {
        assert!(piece.span.start >= end, "{:?} overlaps the piece before it in {reply:?}", piece.span);
        assert!(reply[end..piece.span.start].trim().is_empty(), "text before {:?} is lost in {reply:?}", piece.span);
        let text = &reply[piece.span.clone()];
        assert!(!text.is_empty() && text == text.trim(), "{text:?}");
        match piece.kind {
            PieceKind::Item(index) => assert!(parsed.items[index].texts().any(|text| text.span == piece.span)),
            PieceKind::Topic(index) => assert!(parsed.topics[index].is_some()),
            _ => {}
        }
        end = piece.span.end;
    }
    assert!(reply[end..].trim().is_empty(), "the end is lost of {reply:?}");
    assert_eq!(parsed.items.is_empty(), parsed.outcome == Outcome::Reject);
    assert_eq!(parsed.cause().is_none(), parsed.outcome == Outcome::Ok, "{reply:?}");
    for text in parsed.items.iter().flat_map(|item| item.texts()) {
        let slice = &reply[text.span.clone()];
        assert!(text.origin != Origin::Verbatim || text.text == slice, "{:?} is not {slice:?}", text.text);
    }
    for issue in &parsed.issues {
        assert!(reply.get(issue.span.clone()).is_some());
    }
}
