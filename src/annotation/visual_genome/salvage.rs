//! The good annotations of a record of which some are bad.

use serde::de::DeserializeOwned;

use crate::annotation::Input;
use crate::annotation::problem::{Fault, InputProblem};
use crate::annotation::scanner::Scanner;

/// Each annotation of the list `kind` in a record's JSON, or what is wrong with it; `record_offset` is where the record
/// starts in its file.
pub(super) fn annotations<R: DeserializeOwned, T>(
    json: &[u8],
    record_offset: u64,
    kind: &'static str,
    make: impl Fn(R) -> Result<T, InputProblem>,
) -> Vec<Result<T, Fault>> {
    let input = Input::bytes("record", json.to_vec());
    let mut made = Vec::new();
    let mut has_list = false;
    let parse = |start: u64, end: u64| {
        let part = &json[start as usize..end as usize];
        let raw = serde_json::from_slice::<R>(part).map_err(|error| Fault::json(start, part, error));
        raw.and_then(|raw| make(raw).map_err(|problem| Fault::new(start, problem)))
    };
    let scanned = Scanner::new(&input).and_then(|mut scanner| {
        scanner.object(|scanner, key| {
            if key != kind {
                return scanner.skip();
            }
            has_list = true;
            scanner.list(|scanner| {
                let start = scanner.offset();
                scanner.skip()?;
                made.push(parse(start, scanner.offset()));
                Ok(())
            })
        })
    });
    match scanned {
        Err(fault) => made.push(Err(fault)),
        Ok(()) if !has_list => made.push(Err(Fault::new(0, InputProblem::NoList(kind)))),
        Ok(()) => {}
    }
    let in_file = |fault: Fault| Fault { offset: record_offset + fault.offset, ..fault };
    made.into_iter().map(|result| result.map_err(in_file)).collect()
}
