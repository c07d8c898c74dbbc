//! Samples → the files that trainers read.
//!
//! Each training format is a pure function of a sample: a [`Format`]. [`Exporter`] writes its entries one by one,
//! [`Reader`] reads them back one by one, and [`write_file`] does a whole file. What is written reads back equal in all
//! that the format can hold; what it cannot hold is listed at each format.
//!
//! | format | an entry is | holds not |
//! | --- | --- | --- |
//! | [`Svit`] | an image with its conversations | path of the image, task, topics, flags, references, provenance |
//! | [`Llava`] | one conversation about an image | id of the image (but within its own id), topics, flags, references, provenance |
//!
//! # Example
//! ```
//! use svitgen::export::{Exporter, Reader, Svit};
//! # use svitgen::{Conversation, Digest, Provenance, Sample};
//! # let digest = Digest::of("");
//! # let conversation = Conversation::of_pair("Is it red?", "Yes.");
//! # let sample = Sample::new(1, "1.jpg", "conversation", vec![conversation], Provenance::new(digest, digest, "careful"));
//! let mut exporter = Exporter::new(Svit, Vec::new());
//! exporter.write(&sample)?;
//! let bytes = exporter.finish()?;
//! let entries: Vec<_> = Reader::new(Svit, bytes.as_slice()).collect::<Result<_, _>>()?;
//! assert_eq!(entries[0].image_id, sample.image_id);
//! # Ok::<(), svitgen::export::ExportError>(())
//! ```

pub(crate) mod array;
mod error;
mod exporter;
mod llava;
mod reader;
mod svit;

pub use error::{ExportError, ExportProblem};
pub use exporter::{Exporter, Format, write_file};
pub use llava::{Llava, LlavaSample};
pub use reader::{Reader, read_file};
pub use svit::{Svit, SvitSample};
