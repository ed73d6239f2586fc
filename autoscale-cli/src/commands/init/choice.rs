//! A choice out of a list that may be long: numbers for what is shown, text to narrow it down. Pure: answers in, the next
//! step out.

/// Most rows that are shown at once.
pub(super) const MOST_SHOWN: usize = 20;

/// What can be chosen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Row {
    /// What chooses it when typed in full.
    pub(super) key: String,
    /// How it is shown, and where typed text is looked for.
    pub(super) label: String,
}

impl Row {
    /// One that is shown as it is typed.
    pub(super) fn plain(key: &str) -> Self {
        Self { key: key.into(), label: key.into() }
    }
}

/// The state of a choice.
#[derive(Debug)]
pub(super) struct Choice {
    rows: Vec<Row>,
    /// What the list is narrowed to, as places among the rows.
    narrowed: Vec<usize>,
    /// What Enter chooses.
    default: Option<usize>,
}

/// What follows an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// The row of this place is chosen.
    Chosen(usize),
    /// The list is another one now: show it.
    Narrowed,
    /// The answer chooses nothing; the text says why.
    Unclear(String),
}

impl Choice {
    /// Out of these; what is suggested is shown first, alone, and its first row is the default.
    pub(super) fn new(rows: Vec<Row>, suggested: Vec<usize>) -> Self {
        let default = suggested.first().copied();
        let all = (0..rows.len()).collect();
        // A short list is shown whole.
        let narrowed = if suggested.is_empty() || rows.len() <= MOST_SHOWN { all } else { suggested };
        Self { rows, narrowed, default }
    }

    /// How many rows there are in all.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Are some of the rows left out?
    pub(super) fn is_narrowed(&self) -> bool {
        self.narrowed.len() < self.rows.len()
    }

    /// The rows to show, each with whether it is the default; `None` where they are too many.
    pub(super) fn shown(&self) -> Option<Vec<(&Row, bool)>> {
        let row = |place: &usize| (&self.rows[*place], self.default == Some(*place));
        (self.narrowed.len() <= MOST_SHOWN).then(|| self.narrowed.iter().map(row).collect())
    }

    /// The number of the default among the rows that are shown, from 1.
    pub(super) fn default_number(&self) -> Option<usize> {
        let place = self.narrowed.iter().position(|place| Some(*place) == self.default)?;
        (self.narrowed.len() <= MOST_SHOWN).then_some(place + 1)
    }

    /// Takes an answer.
    pub(super) fn answer(&mut self, text: &str) -> Step {
        let text = text.trim();
        let number = text.parse::<usize>().ok().filter(|_| self.narrowed.len() <= MOST_SHOWN);
        if text.is_empty() {
            if self.default_number().is_some() {
                return Step::Chosen(self.default.unwrap_or_default());
            }
            if self.is_narrowed() {
                self.narrowed = (0..self.rows.len()).collect();
                return Step::Narrowed;
            }
            return Step::Unclear("Type a number, or a part of the name.".into());
        }
        if let Some(place) = number.and_then(|n| self.narrowed.get(n.checked_sub(1)?)) {
            return Step::Chosen(*place);
        }
        let text = text.to_lowercase();
        if let Some(place) = self.rows.iter().position(|row| row.key.to_lowercase() == text) {
            return Step::Chosen(place);
        }
        let has = |place: &usize| self.rows[*place].label.to_lowercase().contains(&text);
        let found: Vec<usize> = (0..self.rows.len()).filter(has).collect();
        match found[..] {
            [] if number.is_some() => Step::Unclear(format!("There is no number {text} in the list.")),
            [] => Step::Unclear(format!("None of the {} has \"{text}\" in its name.", self.rows.len())),
            _ => {
                self.default = if let [only] = found[..] { Some(only) } else { None };
                self.narrowed = found;
                Step::Narrowed
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(n: usize, suggested: &[usize]) -> Choice {
        Choice::new((0..n).map(|i| Row::plain(&format!("app-{i:03}"))).collect(), suggested.to_vec())
    }

    fn shown(choice: &Choice) -> Option<Vec<&str>> {
        choice.shown().map(|rows| rows.iter().map(|(row, _)| row.label.as_str()).collect())
    }

    #[test]
    fn a_short_list_is_chosen_from_by_number_or_name() {
        let mut short = choice(20, &[]);
        assert_eq!(shown(&short).unwrap().len(), 20);
        assert_eq!(short.answer(" 20 "), Step::Chosen(19));
        assert_eq!(short.answer("APP-003"), Step::Chosen(3));
        assert_eq!(short.answer("21"), Step::Unclear("There is no number 21 in the list.".into()));
        assert_eq!(short.answer("0"), Step::Narrowed, "a part of many names");
        assert_eq!(choice(2, &[]).answer(""), Step::Unclear("Type a number, or a part of the name.".into()));
    }

    #[test]
    fn a_long_list_is_narrowed_until_it_can_be_shown() {
        let mut long = choice(1000, &[]);
        assert_eq!(shown(&long), None);
        assert_eq!(long.answer("shop"), Step::Unclear("None of the 1000 has \"shop\" in its name.".into()));
        assert_eq!(
            (long.answer("12"), shown(&long).unwrap().len()),
            (Step::Narrowed, 20),
            "12 is a part of names here"
        );
        assert_eq!(shown(&long).unwrap()[0], "app-012");
        assert_eq!(long.answer("2"), Step::Chosen(112), "and now 2 is a number");
        assert_eq!((long.answer("app-99"), shown(&long).unwrap().len()), (Step::Narrowed, 10));
        assert_eq!((long.answer(""), shown(&long)), (Step::Narrowed, None), "Enter shows all again");
        assert_eq!(long.answer("app-512"), Step::Chosen(512), "a whole name is enough");
    }

    #[test]
    fn what_is_suggested_comes_first_and_enter_takes_it() {
        let mut long = choice(1000, &[7, 5]);
        assert_eq!(shown(&long).unwrap(), ["app-007", "app-005"]);
        assert_eq!((long.default_number(), long.answer("")), (Some(1), Step::Chosen(7)));
        assert_eq!(long.answer("app-06"), Step::Narrowed);
        assert_eq!((long.default_number(), long.answer("3")), (None, Step::Chosen(62)));
        let mut short = choice(3, &[2]);
        assert_eq!(
            (shown(&short).unwrap().len(), short.default_number(), short.answer("")),
            (3, Some(3), Step::Chosen(2))
        );
        assert_eq!((choice(1000, &[]).answer("app-99"), choice(3, &[]).default_number()), (Step::Narrowed, None));
    }

    #[test]
    fn the_only_one_left_is_the_default() {
        let mut rows: Vec<Row> = (0..30).map(|i| Row::plain(&format!("app-{i:03}"))).collect();
        rows.push(Row::plain("shop-production"));
        let mut long = Choice::new(rows, Vec::new());
        assert_eq!((long.answer("prod"), long.default_number()), (Step::Narrowed, Some(1)));
        assert_eq!(long.answer(""), Step::Chosen(30));
    }
}
