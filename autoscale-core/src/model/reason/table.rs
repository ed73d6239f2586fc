//! What makes the table of reasons into types: `reasons!`. The table itself is beside this.

/// One row a reason: meaning, number, name, class, mark, fields, sentence. From it come the enum of reasons with their
/// numbers, the enum of their kinds, and all that is told of either.
macro_rules! reasons {
    ($(
        $(#[doc = $doc:literal])+
        $number:literal $name:literal $class:ident $mark:ident
        $variant:ident $({ $( $(#[doc = $field_doc:literal])+ $field:ident: $type:ty, )+ })?
        |$f:ident| $say:expr;
    )+) => {
        /// Why. Each has a name ([`Reason::code`]) and a number ([`Reason::number`]); both are frozen, and retired ones stay.
        #[derive(Clone, Copy, PartialEq, Debug)]
        #[non_exhaustive]
        pub enum Reason {
            $( $(#[doc = $doc])+ $variant $({ $( $(#[doc = $field_doc])+ $field: $type, )+ })?, )+
        }

        /// A reason without the numbers that it rests on.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[non_exhaustive]
        pub enum ReasonKind {
            $( $(#[doc = $doc])+ $variant, )+
        }

        impl ReasonKind {
            /// Every one that there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Its number in the C interface.
            pub const fn number(self) -> i32 {
                match self { $(Self::$variant => $number,)+ }
            }

            /// Its name in events and `autoscale decide`.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What it says of the state of things.
            pub const fn class(self) -> Class {
                match self { $(Self::$variant => Class::$class,)+ }
            }

            /// What is told of it beyond its class.
            pub const fn mark(self) -> Mark {
                match self { $(Self::$variant => Mark::$mark,)+ }
            }

            /// What it means, in a sentence without numbers; code stands between backquotes.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+),)+ }
            }
        }

        impl Reason {
            /// Every reason there is: number and code.
            pub const ALL: &'static [(i32, &'static str)] = &[$(($number, $name),)+];

            /// Which one, without its numbers.
            pub const fn kind(&self) -> ReasonKind {
                match self { $(Self::$variant $({ $($field: _),+ })? => ReasonKind::$variant,)+ }
            }

            /// The numbers behind it, in the order of its fields; NaN for one that is not there, 0 for places that it
            /// does not use. Durations are seconds.
            pub fn numbers(&self) -> [f64; NUMBERS] {
                #[allow(unused_mut, reason = "a reason without fields has no numbers")]
                let mut row = Row::empty();
                match self { $(Self::$variant $({ $($field),+ })? => { $($(Field::put($field, &mut row);)+)? })+ }
                row.numbers()
            }

            /// The reason with this number ([`Reason::number`]) that rests on these numbers; `None` for a number that no
            /// reason has. A number that its field can't hold becomes the nearest that it can.
            pub fn from_numbers(number: i32, numbers: &[f64; NUMBERS]) -> Option<Self> {
                let mut row = Row::of(*numbers);
                Some(match number {
                    $($number => Self::$variant $({ $($field: Field::take(&mut row)),+ })?,)+
                    _ => return None,
                })
            }
        }

        /// One sentence.
        impl fmt::Display for Reason {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                match *self {
                    $(Self::$variant $({ $($field),+ })? => { let $f = formatter; $say })+
                }
            }
        }
    };
}

pub(super) use reasons;
