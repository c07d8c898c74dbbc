//! Bodies, read in pieces: none larger than the cap, and the large ones together within bounds.

use reqwest::Response;
use tokio::sync::{Semaphore, SemaphorePermit};

/// What all bodies together may hold that are above [`SMALL`], in bytes.
const ALL_LARGE: usize = 64 << 20;

/// Bodies up to here are read without asking, in bytes.
const SMALL: usize = 64 << 10;

/// The unit of the allowance, in bytes; a semaphore counts to less than 64 bits.
const UNIT: usize = 1 << 10;

/// What bodies may take up.
#[derive(Debug)]
pub(super) struct Bodies {
    cap: usize,
    allowance: Semaphore,
}

/// The room that one body may take up; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Room<'b> {
    bodies: &'b Bodies,
    permit: Option<SemaphorePermit<'b>>,
}

/// Why a body was not read to its end.
#[derive(Debug)]
pub(super) enum BodyError {
    /// It is larger than the cap, which is given in bytes.
    TooLarge(usize),
    /// The connection broke, or what came is not in the encoding it claims.
    Broken(reqwest::Error),
}

impl From<reqwest::Error> for BodyError {
    fn from(error: reqwest::Error) -> Self {
        Self::Broken(error)
    }
}

impl Bodies {
    pub(super) fn new(cap: usize) -> Self {
        Self { cap, allowance: Semaphore::new(ALL_LARGE / UNIT) }
    }

    /// The largest body that is read, in bytes.
    pub(super) fn cap(&self) -> usize {
        self.cap
    }

    pub(super) fn room(&self) -> Room<'_> {
        Room { bodies: self, permit: None }
    }

    /// Reads a whole body. The room it takes up is given back when the room is dropped, so drop the body first.
    pub(super) async fn read(&self, response: &mut Response, room: &mut Room<'_>) -> Result<Vec<u8>, BodyError> {
        let announced = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
        if announced > self.cap {
            return Err(BodyError::TooLarge(self.cap));
        }
        let mut body = Vec::with_capacity(announced.min(SMALL));
        while let Some(piece) = response.chunk().await? {
            room.hold(body.len() + piece.len()).await?;
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    /// Reads at most the first bytes of a body that is only for a message.
    pub(super) async fn read_beginning(response: &mut Response) -> Vec<u8> {
        let mut body = Vec::new();
        while let Ok(Some(piece)) = response.chunk().await {
            body.extend_from_slice(&piece[..piece.len().min(SMALL - body.len())]);
            if body.len() == SMALL {
                break;
            }
        }
        body
    }
}

impl Room<'_> {
    /// Makes sure that `length` bytes may be held, waiting for other large bodies to be done with.
    ///
    /// The first byte beyond the small size asks for all that a body may ever need, at once: whoever has asked never waits
    /// again, so that bodies cannot wait for one another.
    pub(super) async fn hold(&mut self, length: usize) -> Result<(), BodyError> {
        if length > self.bodies.cap {
            return Err(BodyError::TooLarge(self.bodies.cap));
        }
        if length > SMALL && self.permit.is_none() {
            // Twice: the text that is taken from a body stands beside it for a moment.
            let units = (self.bodies.cap.saturating_mul(2) / UNIT).min(ALL_LARGE / UNIT);
            let units = u32::try_from(units).unwrap_or(u32::MAX);
            // The semaphore is never closed; if it were, there would be nothing to wait for.
            self.permit = self.bodies.allowance.acquire_many(units).await.ok();
        }
        Ok(())
    }
}
