//! Samples of all tasks and records side by side, in order of image id, one image at a time.

use std::iter::Peekable;

use crate::annotation::{ImageId, ImageRecord, RecordSource};
use crate::error::Result;
use crate::pipeline::RunFolder;
use crate::sample::Sample;

/// What there is about one image.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) image_id: ImageId,
    pub(super) record: Option<ImageRecord>,
    /// At most one of each task.
    pub(super) samples: Vec<Sample>,
}

/// Goes through all images that have a record or a sample.
pub(super) fn walk(
    run: &RunFolder,
    source: Option<&dyn RecordSource>,
    mut each: impl FnMut(Step) -> Result<()>,
) -> Result<()> {
    let open = |task: &String| Ok(run.samples(task)?.map(|sample| sample.map(|s| (s.image_id.clone(), s))).peekable());
    let mut tasks = run.tasks().iter().map(open).collect::<Result<Vec<_>>>()?;
    let records = source.into_iter().flat_map(|source| source.records());
    let mut records = records.map(|record| record.map(|r| (r.image.id.clone(), r))).peekable();
    loop {
        let mut least = next_id(&mut records)?;
        for samples in &mut tasks {
            let id = next_id(samples)?;
            least = match (least, id) {
                (Some(least), Some(id)) => Some(least.min(id)),
                (least, id) => least.or(id),
            };
        }
        let Some(image_id) = least else { return Ok(()) };
        let record = take(&mut records, &image_id);
        let samples = tasks.iter_mut().filter_map(|samples| take(samples, &image_id)).collect();
        each(Step { image_id, record, samples })?;
    }
}

type Item<T> = Result<(ImageId, T)>;

/// The id of what comes next; an error if that cannot be read.
fn next_id<T>(items: &mut Peekable<impl Iterator<Item = Item<T>>>) -> Result<Option<ImageId>> {
    match items.next_if(Result::is_err) {
        Some(Err(error)) => Err(error),
        _ => Ok(items.peek().and_then(|item| item.as_ref().ok()).map(|(id, _)| id.clone())),
    }
}

fn take<T>(items: &mut Peekable<impl Iterator<Item = Item<T>>>, image_id: &ImageId) -> Option<T> {
    let next = items.next_if(|item| item.as_ref().is_ok_and(|(id, _)| id == image_id));
    next.and_then(Result::ok).map(|(_, value)| value)
}
