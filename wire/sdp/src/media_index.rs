//! Which m-line of one leg is which of the other, for the whole call.

/// Which m-line of one leg is which of the other. It only grows, since an m-line never goes away
/// (RFC 3264 §8): whatever is taken out or put in between two legs keeps its place for the whole call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MediaIndex {
    rows: Vec<(Option<usize>, Option<usize>)>,
}

impl MediaIndex {
    /// Notes an m-line that both legs have.
    pub fn join(&mut self, left: usize, right: usize) {
        self.rows.retain(|row| {
            !matches!(row, (Some(l), None) if *l == left)
                && !matches!(row, (None, Some(r)) if *r == right)
        });
        self.rows.push((Some(left), Some(right)));
    }

    /// Notes an m-line that only the left leg has.
    pub fn left_only(&mut self, left: usize) {
        if !self.rows.iter().any(|row| row.0 == Some(left)) {
            self.rows.push((Some(left), None));
        }
    }

    /// Notes an m-line that only the right leg has.
    pub fn right_only(&mut self, right: usize) {
        if !self.rows.iter().any(|row| row.1 == Some(right)) {
            self.rows.push((None, Some(right)));
        }
    }

    /// The right leg's m-line for this one of the left.
    pub fn right_of(&self, left: usize) -> Option<usize> {
        self.rows
            .iter()
            .find(|row| row.0 == Some(left))
            .and_then(|row| row.1)
    }

    /// The left leg's m-line for this one of the right.
    pub fn left_of(&self, right: usize) -> Option<usize> {
        self.rows
            .iter()
            .find(|row| row.1 == Some(right))
            .and_then(|row| row.0)
    }

    /// How many m-lines the left leg has.
    pub fn left_len(&self) -> usize {
        self.rows
            .iter()
            .filter_map(|row| row.0)
            .max()
            .map_or(0, |last| last + 1)
    }

    /// How many m-lines the right leg has.
    pub fn right_len(&self) -> usize {
        self.rows
            .iter()
            .filter_map(|row| row.1)
            .max()
            .map_or(0, |last| last + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_m_line_keeps_its_place_when_another_was_left_out() {
        let mut index = MediaIndex::default();
        index.left_only(0);
        index.join(1, 0);
        index.right_only(1);
        index.join(2, 2);
        assert_eq!(
            (index.right_of(0), index.right_of(1), index.right_of(2)),
            (None, Some(0), Some(2))
        );
        assert_eq!(
            (index.left_of(0), index.left_of(1), index.left_of(2)),
            (Some(1), None, Some(2))
        );
        assert_eq!((index.left_len(), index.right_len()), (3, 3));
        index.join(0, 3);
        assert_eq!(index.right_of(0), Some(3));
    }
}
