//! Heroku's error codes, by what they say of an app's load: docs/router-logs.md has the same table for people. Decides
//! nothing.

/// What a code of the router's says.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Class {
    /// The dynos do not keep up.
    Capacity,
    /// There is no dyno that could answer.
    Down,
    /// The app answered wrongly, or broke off.
    App,
    /// The visitor went away, or asked wrongly.
    Client,
    /// No request that dynos could have answered: maintenance, a suspended app.
    NoTraffic,
}

/// The code of a request that the router gave up after 30 s.
pub const TIMED_OUT: u16 = 12;

/// The class of an H code, by its number. One that is not known says that the app answered wrongly: it is load, and no
/// reason to buy.
pub const fn class(code: u16) -> Class {
    match code {
        11 | 12 | 19 | 21 | 22 => Class::Capacity,
        10 | 14 | 20 | 99 => Class::Down,
        15 | 27 | 28 | 31 | 32 => Class::Client,
        16 | 80 | 81 | 82 | 83 => Class::NoTraffic,
        _ => Class::App,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_its_class() {
        let of = |class: Class| (0..100).filter(|code| super::class(*code) == class).collect::<Vec<_>>();
        assert_eq!(of(Class::Capacity), [11, 12, 19, 21, 22]);
        assert_eq!(of(Class::Down), [10, 14, 20, 99]);
        assert_eq!(of(Class::Client), [15, 27, 28, 31, 32]);
        assert_eq!(of(Class::NoTraffic), [16, 80, 81, 82, 83]);
        assert_eq!(class(13), Class::App);
        assert_eq!(class(7777), Class::App);
    }
}
