//! Numbered places that are used again.

/// Values by index; an index is used again, with another generation.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    places: Vec<Place<T>>,
    free: Vec<u32>,
    used: usize,
}

#[derive(Debug)]
struct Place<T> {
    generation: u32,
    value: Option<T>,
}

impl<T> Slab<T> {
    pub(crate) fn new() -> Self {
        Self {
            places: Vec::new(),
            free: Vec::new(),
            used: 0,
        }
    }

    /// The index that the next [`insert`](Self::insert) gives, and its generation.
    pub(crate) fn next(&self) -> (u32, u32) {
        match self.free.last() {
            Some(&index) => (index, self.places[index as usize].generation),
            None => (self.places.len() as u32, 0),
        }
    }

    pub(crate) fn insert(&mut self, value: T) -> u32 {
        let (index, _) = self.next();
        if self.free.pop().is_some() {
            self.places[index as usize].value = Some(value);
        } else {
            self.places.push(Place {
                generation: 0,
                value: Some(value),
            });
        }
        self.used += 1;
        index
    }

    pub(crate) fn remove(&mut self, index: u32) -> Option<T> {
        let place = self.places.get_mut(index as usize)?;
        let value = place.value.take()?;
        place.generation = place.generation.wrapping_add(1);
        self.free.push(index);
        self.used -= 1;
        Some(value)
    }

    pub(crate) fn at(&self, index: u32) -> Option<&T> {
        self.places.get(index as usize)?.value.as_ref()
    }

    pub(crate) fn at_mut(&mut self, index: u32) -> Option<&mut T> {
        self.places.get_mut(index as usize)?.value.as_mut()
    }

    /// How many values there are.
    pub(crate) fn len(&self) -> usize {
        self.used
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_used_again_with_another_generation() {
        let mut slab = Slab::new();
        assert_eq!(slab.next(), (0, 0));
        assert_eq!(slab.insert('a'), 0);
        assert_eq!(slab.insert('b'), 1);
        assert_eq!(slab.remove(0), Some('a'));
        assert_eq!(slab.remove(0), None);
        assert_eq!((slab.at(0), slab.len()), (None, 1));
        assert_eq!(slab.next(), (0, 1));
        assert_eq!(slab.insert('c'), 0);
        assert_eq!(slab.at_mut(0), Some(&mut 'c'));
        assert_eq!(slab.at(7), None);
    }
}
