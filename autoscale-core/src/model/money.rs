//! What dynos cost: the price of a dyno, from the configuration or from Heroku's price list, and dyno-hours as an amount
//! of money. Never asks a platform what it charges, and never converts a currency.
//!
//! Heroku prorates a dyno to the second and charges at most its price a month. A month is counted as 730 hours here, so
//! that the amount of a whole month is off by 2 % at most.

use std::fmt;
use std::str::FromStr;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// Hours in a month: 8,760 in a year, over twelve.
pub const HOURS_A_MONTH: f64 = 730.0;

/// The month that [`DynoPrice::listed`] is of, for people.
pub const LIST_DATE: &str = "July 2026";

/// Least and greatest price of a dyno, per month.
pub const PRICES: (f64, f64) = (0.01, 1_000_000.0);

/// Heroku's list prices in US dollars per dyno and month, as heroku.com/pricing and the Dev Center's articles "Usage &
/// Billing" and "Dyno Sizes" had them in July 2026.
///
/// Sizes that are left out have no price per dyno that is the same for everybody: Eco dynos share a flat plan, and dynos in
/// Private and Shield Spaces are sold by contract.
const LIST: [(&str, f64); 10] = [
    ("Basic", 7.0),
    ("Standard-1X", 25.0),
    ("Standard-2X", 50.0),
    ("Performance-M", 250.0),
    ("Performance-L", 500.0),
    ("Performance-L-RAM", 500.0),
    ("Performance-XL", 750.0),
    ("Performance-2XL", 1500.0),
    ("dyno-1c-0.5gb", 25.0),
    ("dyno-2c-1gb", 50.0),
];

/// The code of a currency: three letters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Currency([u8; 3]);

impl Currency {
    /// US dollars.
    pub const USD: Self = Self(*b"USD");

    /// Its code, in capitals.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Three letters, in capitals or not.
impl FromStr for Currency {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let code: [u8; 3] = text.as_bytes().try_into().map_err(|_| ())?;
        if code.iter().all(u8::is_ascii_alphabetic) { Ok(Self(code.map(|c| c.to_ascii_uppercase()))) } else { Err(()) }
    }
}

/// The price of one dyno.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct DynoPrice {
    per_month: f64,
    currency: Option<Currency>,
    listed: bool,
}

impl DynoPrice {
    /// A price per month that the operator set; `None` where it is outside of [`PRICES`].
    pub fn new(per_month: f64, currency: Option<Currency>) -> Option<Self> {
        let within = PRICES.0 <= per_month && per_month <= PRICES.1;
        within.then_some(Self { per_month, currency, listed: false })
    }

    /// Heroku's list price for a dyno size, in capitals or not; `None` where the list has no such size.
    pub fn listed(size: &str) -> Option<Self> {
        let (_, per_month) = LIST.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(size))?;
        Some(Self { per_month, currency: Some(Currency::USD), listed: true })
    }

    /// The price that the operator set, else the list price for the size of the dynos.
    pub fn find(configured: Option<Self>, size: Option<&str>) -> Option<Self> {
        configured.or_else(|| Self::listed(size?))
    }

    /// Is it from Heroku's price list?
    pub fn is_listed(self) -> bool {
        self.listed
    }

    /// The cost of so many dyno-hours.
    pub fn of(self, dyno_hours: f64) -> Money {
        Money { amount: self.per_month * dyno_hours / HOURS_A_MONTH, currency: self.currency }
    }

    /// The cost of so many dynos for a month.
    pub fn per_month(self, dynos: u32) -> Money {
        Money { amount: self.per_month * f64::from(dynos), currency: self.currency }
    }
}

impl Serialize for DynoPrice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("DynoPrice", 3)?;
        object.serialize_field("per_month", &self.per_month)?;
        object.serialize_field("currency", &self.currency.as_ref().map(Currency::code))?;
        object.serialize_field("source", if self.listed { "heroku_list" } else { "dyno_price" })?;
        object.end()
    }
}

/// Which price was used and where it is from, or what to do where there is none: one clause for outputs. `size`: that of
/// the dynos, where it is known.
pub fn price_note(price: Option<DynoPrice>, size: Option<&str>) -> String {
    match (price, size) {
        (Some(price), Some(size)) if price.listed => {
            format!("{size} at {} a month, Heroku's list price of {LIST_DATE}", price.per_month(1))
        }
        (Some(price), _) => format!("{} per dyno and month (dyno_price)", price.per_month(1)),
        (None, Some(size)) => format!("no list price for {size} dynos: set dyno_price to see the cost"),
        (None, None) => "the dyno size is not known: set dyno_price to see the cost".into(),
    }
}

/// An amount of money.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Money {
    /// In units of the currency.
    pub amount: f64,
    /// `None`: as the operator's `dyno_price`, which names none.
    pub currency: Option<Currency>,
}

/// "$4.86", "4.86 EUR", "4.86"; "$75" and, from 100 on, "$250" without cents. A precision asks for so many digits always.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cents = (self.amount * 100.0).round();
        let digits = match f.precision() {
            Some(digits) => digits,
            None if cents.abs() >= 10_000.0 || cents % 100.0 == 0.0 => 0,
            None => 2,
        };
        // Rounded once, to cents, and then shown.
        let amount = if f.precision().is_some() { self.amount } else { cents / 100.0 };
        let text = match self.currency {
            Some(Currency::USD) => format!("${amount:.digits$}"),
            Some(currency) => format!("{amount:.digits$} {}", currency.code()),
            None => format!("{amount:.digits$}"),
        };
        // Width and alignment of the caller, but not the precision, which would cut the text.
        match f.width() {
            Some(width) => write!(f, "{text:>width$}"),
            None => f.write_str(&text),
        }
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Money", 2)?;
        object.serialize_field("amount", &self.amount)?;
        object.serialize_field("currency", &self.currency.as_ref().map(Currency::code))?;
        object.end()
    }
}

/// What an app used in a span of time, and what it would have used with `max_dynos` all along.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Usage {
    /// Dynos times hours.
    pub dyno_hours: f64,
    /// Length of the span in hours.
    pub hours: f64,
    /// The most dynos it may have.
    pub max_dynos: u32,
}

impl Usage {
    /// Dyno-hours of `max_dynos` all along.
    pub fn at_max(&self) -> f64 {
        self.hours * f64::from(self.max_dynos)
    }

    /// "142 dyno-hours, $4.86; always 10 dynos: $8.22"; without a price "142 dyno-hours; always 10 dynos: 240".
    pub fn text(&self, price: Option<DynoPrice>) -> String {
        let (used, at_max) = (Hours(self.dyno_hours), Hours(self.at_max()));
        let always = format!("always {}", crate::model::units::Dynos(self.max_dynos));
        match price {
            Some(price) => {
                format!("{used} dyno-hours, {}; {always}: {}", price.of(self.dyno_hours), price.of(self.at_max()))
            }
            None => format!("{used} dyno-hours; {always}: {at_max}"),
        }
    }
}

/// Dyno-hours for people: "8.3", and from 100 on "142".
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Hours(pub f64);

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = if self.0 < 99.95 { 1 } else { 0 };
        write!(f, "{:.digits$}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(per_month: f64, currency: &str) -> DynoPrice {
        DynoPrice::new(per_month, currency.parse().ok()).unwrap()
    }

    #[test]
    fn a_month_of_hours_costs_the_monthly_price() {
        let standard = DynoPrice::listed("standard-1x").unwrap();
        assert_eq!(standard.of(HOURS_A_MONTH), standard.per_month(1));
        assert_eq!(standard.of(142.0).to_string(), "$4.86");
        assert_eq!(standard.per_month(3).to_string(), "$75");
    }

    #[test]
    fn the_operators_price_goes_before_the_list_and_an_unlisted_size_has_none() {
        let own = price(20.0, "EUR");
        assert_eq!(DynoPrice::find(Some(own), Some("Standard-1X")), Some(own));
        let listed = DynoPrice::find(None, Some("Performance-M")).unwrap();
        assert_eq!((listed.per_month(1).to_string(), listed.is_listed()), ("$250".into(), true));
        for size in [Some("Eco"), Some("Private-S"), Some("Shield-L"), Some(""), None] {
            assert_eq!(DynoPrice::find(None, size), None, "{size:?}");
        }
    }

    #[test]
    fn a_price_outside_of_its_limits_is_none() {
        for per_month in [0.0, -1.0, 0.009, 1_000_001.0, f64::NAN, f64::INFINITY] {
            assert_eq!(DynoPrice::new(per_month, None), None, "{per_month}");
        }
    }

    #[test]
    fn money_has_cents_where_they_matter_and_its_currency() {
        let told = |amount: f64, currency: &str| Money { amount, currency: currency.parse().ok() }.to_string();
        assert_eq!(told(4.863, "usd"), "$4.86");
        assert_eq!([told(4.5, "EUR"), told(4.5, "")], ["4.50 EUR", "4.50"]);
        assert_eq!([told(75.001, "USD"), told(99.994, "USD"), told(99.996, "USD")], ["$75", "$99.99", "$100"]);
        assert_eq!([told(250.4, "USD"), told(0.0, "USD"), told(12_500.0, "CHF")], ["$250", "$0", "12500 CHF"]);
        let five = Money { amount: 5.0, currency: Some(Currency::USD) };
        assert_eq!((format!("{five:.2}"), format!("{five:8.2}|")), ("$5.00".into(), "   $5.00|".into()));
    }

    #[test]
    fn a_currency_is_three_letters() {
        for text in ["", "$", "US", "USDT", "U5D", "€u"] {
            assert_eq!(text.parse::<Currency>(), Err(()), "{text}");
        }
    }

    #[test]
    fn usage_is_told_beside_the_most_there_may_be_with_and_without_a_price() {
        let day = Usage { dyno_hours: 142.0, hours: 24.0, max_dynos: 10 };
        assert_eq!(day.text(Some(price(25.0, "USD"))), "142 dyno-hours, $4.86; always 10 dynos: $8.22");
        assert_eq!(day.text(None), "142 dyno-hours; always 10 dynos: 240");
        let two = Usage { dyno_hours: 2.04, hours: 2.0, max_dynos: 1 };
        assert_eq!(two.text(None), "2.0 dyno-hours; always 1 dyno: 2.0");
    }

    #[test]
    fn an_output_says_which_price_it_used_or_what_to_set() {
        let own = Some(price(20.0, "EUR"));
        assert_eq!(price_note(own, Some("Eco")), "20 EUR per dyno and month (dyno_price)");
        let listed = DynoPrice::listed("Standard-2X");
        assert_eq!(
            price_note(listed, Some("Standard-2X")),
            "Standard-2X at $50 a month, Heroku's list price of July 2026"
        );
        assert_eq!(price_note(None, Some("Eco")), "no list price for Eco dynos: set dyno_price to see the cost");
        assert_eq!(price_note(None, None), "the dyno size is not known: set dyno_price to see the cost");
    }

    #[test]
    fn as_json_it_is_an_amount_and_a_code() {
        let json = |money| serde_json::to_string(&money).unwrap();
        assert_eq!(json(price(20.0, "eur").per_month(2)), r#"{"amount":40.0,"currency":"EUR"}"#);
        assert_eq!(json(price(20.0, "").per_month(1)), r#"{"amount":20.0,"currency":null}"#);
        assert_eq!(
            serde_json::to_string(&[DynoPrice::listed("Basic").unwrap(), price(20.0, "")]).unwrap(),
            r#"[{"per_month":7.0,"currency":"USD","source":"heroku_list"},{"per_month":20.0,"currency":null,"source":"dyno_price"}]"#
        );
    }
}
