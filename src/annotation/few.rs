//! Lists that nearly always have one element.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::{slice, vec};

/// A list that nearly always has one element, which then takes no memory of its own; used as a slice.
///
/// Names and synsets of an object are such lists, and there are millions of them.
///
/// # Example
/// ```
/// use svitgen::annotation::Few;
/// let mut names: Few<&str> = ["girl"].into_iter().collect();
/// names.push("woman");
/// assert_eq!(names, ["girl", "woman"]);
/// assert_eq!(names.iter().map(|name| name.len()).sum::<usize>(), 9);
/// ```
#[derive(Clone)]
pub struct Few<T>(Elements<T>);

#[derive(Clone)]
enum Elements<T> {
    One(T),
    /// Any other number; also one, where a list came as one.
    Many(Vec<T>),
}

impl<T> Few<T> {
    /// An empty list.
    pub const fn new() -> Self {
        Self(Elements::Many(Vec::new()))
    }

    /// A list of one element.
    pub const fn one(element: T) -> Self {
        Self(Elements::One(element))
    }

    /// Adds an element at the end.
    pub fn push(&mut self, element: T) {
        match &mut self.0 {
            Elements::Many(elements) if elements.is_empty() => *self = Self::one(element),
            Elements::Many(elements) => elements.push(element),
            Elements::One(_) => {
                let mut elements: Vec<T> = std::mem::take(self).into_iter().collect();
                elements.push(element);
                self.0 = Elements::Many(elements);
            }
        }
    }

    /// Takes all elements out.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// The elements.
    pub fn as_slice(&self) -> &[T] {
        match &self.0 {
            Elements::One(element) => slice::from_ref(element),
            Elements::Many(elements) => elements,
        }
    }
}

impl<T> Deref for Few<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.as_slice()
    }
}

impl<T> DerefMut for Few<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match &mut self.0 {
            Elements::One(element) => slice::from_mut(element),
            Elements::Many(elements) => elements,
        }
    }
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: fmt::Debug> fmt::Debug for Few<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_slice().fmt(f)
    }
}

impl<T: PartialEq> PartialEq for Few<T> {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl<T: Eq> Eq for Few<T> {}

impl<T: PartialEq<U>, U, const N: usize> PartialEq<[U; N]> for Few<T> {
    fn eq(&self, other: &[U; N]) -> bool {
        self.as_slice() == other
    }
}

impl<T: PartialEq<U>, U> PartialEq<Vec<U>> for Few<T> {
    fn eq(&self, other: &Vec<U>) -> bool {
        self.as_slice() == other
    }
}

impl<T> From<Vec<T>> for Few<T> {
    fn from(elements: Vec<T>) -> Self {
        Self(Elements::Many(elements))
    }
}

impl<T> FromIterator<T> for Few<T> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        let mut elements = elements.into_iter();
        let mut few = elements.next().map_or_else(Self::new, Self::one);
        few.extend(elements);
        few
    }
}

impl<T> Extend<T> for Few<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, elements: I) {
        elements.into_iter().for_each(|element| self.push(element));
    }
}

impl<T> IntoIterator for Few<T> {
    type Item = T;
    type IntoIter = FewIntoIter<T>;

    fn into_iter(self) -> FewIntoIter<T> {
        match self.0 {
            Elements::One(element) => FewIntoIter { one: Some(element), many: Vec::new().into_iter() },
            Elements::Many(elements) => FewIntoIter { one: None, many: elements.into_iter() },
        }
    }
}

impl<'a, T> IntoIterator for &'a Few<T> {
    type Item = &'a T;
    type IntoIter = slice::Iter<'a, T>;

    fn into_iter(self) -> slice::Iter<'a, T> {
        self.iter()
    }
}

/// The elements of a [`Few`], one after the other.
#[derive(Debug)]
pub struct FewIntoIter<T> {
    one: Option<T>,
    many: vec::IntoIter<T>,
}

impl<T> Iterator for FewIntoIter<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.one.take().or_else(|| self.many.next())
    }
}
