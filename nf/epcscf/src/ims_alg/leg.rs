//! The two legs of a call.

/// Whose description it is: the two sides of the eP-CSCF.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Leg {
    /// W2: the WIC.
    Wic,
    /// Mw: the core, and the far end behind it.
    Core,
}

impl Leg {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Leg {
        match self {
            Leg::Wic => Leg::Core,
            Leg::Core => Leg::Wic,
        }
    }
}
