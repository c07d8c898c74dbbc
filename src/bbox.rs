//! Boxes with their frame in the type, and the only conversion between the two frames.
//!
//! [`PixelBox`] is a box as annotators drew it: pixels of one image, possibly overhanging it, possibly without area.
//! [`UnitBox`] is a box that can stand in a prompt: fractions of the image, inside it, with an area.
//! [`PixelBox::to_unit`] leads from one to the other; it needs the [`ImageSize`] and says what it had to clamp.

use std::fmt;

/// Width and height of an image in pixels, both at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ImageSize {
    width: u32,
    height: u32,
}

impl ImageSize {
    /// A size in pixels.
    ///
    /// # Errors
    /// [`BoxError::ImageSize`] if a side is 0.
    pub fn new(width: u32, height: u32) -> Result<Self, BoxError> {
        if width == 0 || height == 0 {
            return Err(BoxError::ImageSize { width, height });
        }
        Ok(Self { width, height })
    }

    /// Pixels from left to right.
    pub fn width(self) -> u32 {
        self.width
    }

    /// Pixels from top to bottom.
    pub fn height(self) -> u32 {
        self.height
    }
}

/// A box in pixels as annotated: `x`, `y` of the top left corner, width and height.
///
/// The origin is the top left corner of the image, `y` grows downwards. All four numbers are finite and otherwise
/// unchecked: real files hold boxes that overhang the image, lie outside it, or have no area.
///
/// Source: `x`, `y`, `w`/`width`, `h`/`height` of Visual Genome, `bbox` of COCO instances.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PixelBox {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

impl PixelBox {
    /// A box from its top left corner and its sides, in pixels.
    ///
    /// # Errors
    /// [`BoxError::NotFinite`] if a number is infinite or NaN.
    pub fn from_xywh(x: f64, y: f64, width: f64, height: f64) -> Result<Self, BoxError> {
        if [x, y, width, height].iter().all(|v| v.is_finite()) {
            Ok(Self { x, y, width, height })
        } else {
            Err(BoxError::NotFinite)
        }
    }

    /// Distance of the left edge from the left edge of the image, in pixels.
    pub fn x(self) -> f64 {
        self.x
    }

    /// Distance of the top edge from the top edge of the image, in pixels.
    pub fn y(self) -> f64 {
        self.y
    }

    /// Width in pixels; zero or negative in some real files.
    pub fn width(self) -> f64 {
        self.width
    }

    /// Height in pixels; zero or negative in some real files.
    pub fn height(self) -> f64 {
        self.height
    }

    /// The part of this box that lies in the image, as fractions of the image, and what was cut off.
    ///
    /// # Errors
    /// [`BoxError::Empty`] if the box has no area, [`BoxError::Outside`] if none of its area lies in the image.
    ///
    /// # Example
    /// ```
    /// use svitgen::{ImageSize, PixelBox};
    /// let size = ImageSize::new(800, 600)?;
    /// let clamped = PixelBox::from_xywh(-8.0, 300.0, 208.0, 150.0)?.to_unit(size)?;
    /// assert_eq!(clamped.bbox.to_string(), "[0.000, 0.500, 0.250, 0.750]");
    /// assert_eq!(clamped.cut.left, 8.0);
    /// # Ok::<(), svitgen::BoxError>(())
    /// ```
    pub fn to_unit(self, size: ImageSize) -> Result<Clamped, BoxError> {
        if self.width <= 0.0 || self.height <= 0.0 {
            return Err(BoxError::Empty);
        }
        let (width, height) = (f64::from(size.width), f64::from(size.height));
        let (x2, y2) = (self.x + self.width, self.y + self.height);
        let cut = Cut {
            left: (-self.x).max(0.0),
            top: (-self.y).max(0.0),
            right: (x2 - width).max(0.0),
            bottom: (y2 - height).max(0.0),
        };
        let bbox = UnitBox::new(
            self.x.clamp(0.0, width) / width,
            self.y.clamp(0.0, height) / height,
            x2.clamp(0.0, width) / width,
            y2.clamp(0.0, height) / height,
        )
        .map_err(|_| if cut.is_none() { BoxError::Empty } else { BoxError::Outside })?;
        Ok(Clamped { bbox, cut })
    }
}

/// A box inside the image and what had to be cut off to get it there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clamped {
    /// The part inside the image.
    pub bbox: UnitBox,
    /// What overhung, per side.
    pub cut: Cut,
}

/// How far a box overhung the image on each side, in pixels; all zero for a box inside it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cut {
    /// Pixels beyond the left edge.
    pub left: f64,
    /// Pixels beyond the top edge.
    pub top: f64,
    /// Pixels beyond the right edge.
    pub right: f64,
    /// Pixels beyond the bottom edge.
    pub bottom: f64,
}

impl Cut {
    /// Whether nothing was cut off.
    pub fn is_none(self) -> bool {
        self == Self::default()
    }
}

/// A box as fractions of the image: `[x1, y1, x2, y2]`, top left then bottom right, each in `0.0..=1.0`.
///
/// It always has an area: `x1 < x2` and `y1 < y2`. [`Display`](fmt::Display) writes the form of the prompts: three
/// decimals always, `[0.000, 0.250, 0.500, 1.000]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UnitBox {
    x1: f64,
    y1: f64,
    x2: f64,
    y2: f64,
}

impl UnitBox {
    /// A box from its left, top, right and bottom edges as fractions of the image.
    ///
    /// # Errors
    /// [`BoxError::NotFinite`], [`BoxError::OutOfRange`] if a number is not in `0.0..=1.0`, [`BoxError::Inverted`] if
    /// right is left of left or bottom above top, [`BoxError::Empty`] if a side is zero.
    pub fn new(x1: f64, y1: f64, x2: f64, y2: f64) -> Result<Self, BoxError> {
        let edges = [x1, y1, x2, y2];
        if !edges.iter().all(|v| v.is_finite()) {
            Err(BoxError::NotFinite)
        } else if !edges.iter().all(|v| (0.0..=1.0).contains(v)) {
            Err(BoxError::OutOfRange)
        } else if x1 > x2 || y1 > y2 {
            Err(BoxError::Inverted)
        } else if x1 == x2 || y1 == y2 {
            Err(BoxError::Empty)
        } else {
            // A negative zero would be written "-0.000".
            let [x1, y1, x2, y2] = edges.map(|v| v + 0.0);
            Ok(Self { x1, y1, x2, y2 })
        }
    }

    /// Left edge.
    pub fn x1(self) -> f64 {
        self.x1
    }

    /// Top edge.
    pub fn y1(self) -> f64 {
        self.y1
    }

    /// Right edge.
    pub fn x2(self) -> f64 {
        self.x2
    }

    /// Bottom edge.
    pub fn y2(self) -> f64 {
        self.y2
    }

    /// `[x1, y1, x2, y2]`.
    pub fn edges(self) -> [f64; 4] {
        [self.x1, self.y1, self.x2, self.y2]
    }

    /// The share of the image that this box covers, in `0.0..=1.0`.
    pub fn area(self) -> f64 {
        (self.x2 - self.x1) * (self.y2 - self.y1)
    }

    /// Horizontal and vertical centre.
    pub fn center(self) -> (f64, f64) {
        ((self.x1 + self.x2) / 2.0, (self.y1 + self.y2) / 2.0)
    }

    /// Intersection over union with another box of the same image, in `0.0..=1.0`.
    pub fn iou(self, other: Self) -> f64 {
        let width = (self.x2.min(other.x2) - self.x1.max(other.x1)).max(0.0);
        let height = (self.y2.min(other.y2) - self.y1.max(other.y1)).max(0.0);
        let intersection = width * height;
        intersection / (self.area() + other.area() - intersection)
    }

    /// The edges in whole thousandths, each rounded to the nearest (halves up): what three decimals can say.
    pub fn thousandths(self) -> [u16; 4] {
        // In 0..=1000 because every edge is in 0.0..=1.0.
        self.edges().map(|v| (v * 1000.0 + 0.5) as u16)
    }

    /// This box as a prompt states it, with edges in whole thousandths.
    ///
    /// # Errors
    /// [`BoxError::Empty`] if rounding leaves it without an area.
    pub fn rounded(self) -> Result<Self, BoxError> {
        let [x1, y1, x2, y2] = self.thousandths().map(|v| f64::from(v) / 1000.0);
        Self::new(x1, y1, x2, y2)
    }
}

impl UnitBox {
    /// Adds what [`Display`](fmt::Display) writes to a text.
    pub(crate) fn push_to(self, text: &mut String) {
        text.push_str(str::from_utf8(&self.digits()).unwrap_or_default());
    }

    fn digits(self) -> [u8; 28] {
        let mut text = *b"[0.000, 0.000, 0.000, 0.000]";
        for (edge, v) in self.thousandths().into_iter().enumerate() {
            text[edge * 7 + 1..edge * 7 + 6].copy_from_slice(&DECIMALS[usize::from(v)]);
        }
        text
    }
}

/// Each number of thousandths as it is written. Prompts hold dozens of boxes each, and the general formatting takes many
/// times as long.
static DECIMALS: [[u8; 5]; 1001] = decimals();

const fn decimals() -> [[u8; 5]; 1001] {
    let mut all = [*b"0.000"; 1001];
    let mut v = 0;
    while v < all.len() {
        let digits = [v / 1000, v / 100 % 10, v / 10 % 10, v % 10];
        all[v] = [b'0' + digits[0] as u8, b'.', b'0' + digits[1] as u8, b'0' + digits[2] as u8, b'0' + digits[3] as u8];
        v += 1;
    }
    all
}

impl fmt::Display for UnitBox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.digits()).unwrap_or_default())
    }
}

/// A box with a name, as a prompt states it: what the boxes of a reply are held against.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedBox {
    /// Name of the object or phrase of the region, as written in the prompt; several names, and words of synsets, are
    /// set apart by ` / `.
    pub name: String,
    /// The box, with edges in whole thousandths.
    pub bbox: UnitBox,
}

/// Why four numbers are not a box of the frame asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BoxError {
    /// An image has a side of 0 pixels.
    #[error("an image of {width} x {height} pixels has no area")]
    ImageSize {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// A number is infinite or NaN.
    #[error("a box has a side that is not a finite number")]
    NotFinite,
    /// A fraction is not in `0.0..=1.0`.
    #[error("a box has an edge that is not a fraction of the image (0 to 1); is it in pixels?")]
    OutOfRange,
    /// Right edge left of the left edge, or bottom above top.
    #[error("a box has its right edge left of its left edge, or its bottom above its top")]
    Inverted,
    /// No width or no height.
    #[error("a box has no area")]
    Empty,
    /// None of it lies in the image.
    #[error("a box lies outside its image")]
    Outside,
    /// A box in pixels of an image whose size is not known.
    #[error("a box is in pixels, but the size of its image is not known")]
    NoSize,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn convert(xywh: [f64; 4]) -> Result<(String, Cut), BoxError> {
        let [x, y, w, h] = xywh;
        let size = ImageSize::new(500, 200)?;
        PixelBox::from_xywh(x, y, w, h)?.to_unit(size).map(|c| (c.bbox.to_string(), c.cut))
    }

    #[test]
    fn pixels_become_fractions_and_overhang_is_told() {
        let whole = "[0.000, 0.000, 1.000, 1.000]";
        assert_eq!(convert([0.0, 0.0, 500.0, 200.0]), Ok((whole.into(), Cut::default())));
        let cut = Cut { left: 3.0, top: 0.0, right: 0.0, bottom: 10.0 };
        assert_eq!(convert([-3.0, 100.0, 53.0, 110.0]), Ok(("[0.000, 0.500, 0.100, 1.000]".into(), cut)));
        assert_eq!(convert([179.0, -904.0, 55.0, 25.0]), Err(BoxError::Outside));
        assert_eq!(convert([1e300, 0.0, 5.0, 5.0]), Err(BoxError::Outside));
        assert_eq!(convert([10.0, 10.0, 0.0, 5.0]), Err(BoxError::Empty));
        assert_eq!(convert([10.0, 10.0, -4.0, 5.0]), Err(BoxError::Empty));
        assert_eq!(convert([f64::NAN, 0.0, 1.0, 1.0]), Err(BoxError::NotFinite));
    }

    #[test]
    fn rounding_goes_half_up_and_keeps_three_decimals() {
        let bbox = UnitBox::new(0.0005, 0.0004, 0.9995, 0.9994).unwrap();
        assert_eq!(bbox.to_string(), "[0.001, 0.000, 1.000, 0.999]");
        assert_eq!(UnitBox::new(0.1, 0.1, 0.1004, 0.9).unwrap().rounded(), Err(BoxError::Empty));
        assert_eq!(UnitBox::new(-0.0, 0.0, 0.5, 0.5).unwrap().to_string(), "[0.000, 0.000, 0.500, 0.500]");
    }

    #[test]
    fn iou_of_halves_and_strangers() {
        let left = UnitBox::new(0.0, 0.0, 0.5, 1.0).unwrap();
        let whole = UnitBox::new(0.0, 0.0, 1.0, 1.0).unwrap();
        let right = UnitBox::new(0.5, 0.0, 1.0, 1.0).unwrap();
        assert_eq!(left.iou(whole), 0.5);
        assert_eq!(left.iou(right), 0.0);
        assert_eq!(left.iou(left), 1.0);
    }
}
